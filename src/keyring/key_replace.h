/*-------------------------------------------------------------------------
 *
 * key_replace.h
 *	  Replacing of keys that were ever stored in the clear.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_KEY_REPLACE_H
#define JA_KEY_REPLACE_H

extern int	ja_key_replace_next(void);
extern int	ja_key_replace_all(void);

#endif							/* JA_KEY_REPLACE_H */
