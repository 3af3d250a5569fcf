/*-------------------------------------------------------------------------
 *
 * stand_in.h
 *	  The hash whose work a name does that has none of its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_STAND_IN_H
#define JA_STAND_IN_H

#include "password/password.h"

extern bool ja_stand_in_choose(const void *canonical_name, size_t length, JaPasswordHash *hash);

#endif							/* JA_STAND_IN_H */
