/*-------------------------------------------------------------------------
 *
 * cost_sample.h
 *	  What a password check costs for a name that has none.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_COST_SAMPLE_H
#define JA_COST_SAMPLE_H

extern void ja_cost_sample_choose(const void *canonical_name, size_t length, char *profile);

#endif							/* JA_COST_SAMPLE_H */
