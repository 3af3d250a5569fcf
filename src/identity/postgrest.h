/*-------------------------------------------------------------------------
 *
 * postgrest.h
 *	  What PostgREST calls.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_POSTGREST_H
#define JA_POSTGREST_H

extern void ja_postgrest_pre_request(void);
extern void ja_postgrest_configure(bool with_issuers);

#endif							/* JA_POSTGREST_H */
