/*-------------------------------------------------------------------------
 *
 * purge.h
 *	  Removal of what has expired.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PURGE_H
#define JA_PURGE_H

extern int64 ja_purge(int64 max_rows);

#endif							/* JA_PURGE_H */
