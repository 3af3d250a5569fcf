/*-------------------------------------------------------------------------
 *
 * reseal.h
 *	  Sealing of all that is stored in the clear or under another key.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_RESEAL_H
#define JA_RESEAL_H

extern int	ja_reseal_all(bool *was_clear);

#endif							/* JA_RESEAL_H */
