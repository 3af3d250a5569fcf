/*-------------------------------------------------------------------------
 *
 * issuer_options.h
 *	  What the tokens of an issuer look like, where not as RFC 7519 has it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ISSUER_OPTIONS_H
#define JA_ISSUER_OPTIONS_H

#include "keyring/option.h"

/* Strings point into the options. */
typedef struct JaIssuerOptions
{
	bool		has_no_issuer;	/* its tokens carry no iss */
	bool		has_no_audience;	/* its tokens carry no aud */
	JaStringList audiences;		/* more of them */
	const char *audience_claim; /* stands in where there is no aud, a
								 * constant; NULL: none does */
	JaStringList token_uses;	/* accepted values of token_use; none: the
								 * claim is not checked here */
	JaString	scope_claim;	/* data NULL: scope, or else scp */
	JaStringList role_path;		/* none: the string role */
	JaString	default_role;	/* data NULL: none */
	JaString	jwks_uri;		/* where its keys are; data NULL: not told */
} JaIssuerOptions;

extern JaStatus ja_issuer_options_read(const JsonbContainer *json, JaIssuerOptions *options);
extern Jsonb *ja_issuer_options_for_storing(const JsonbContainer *json);

#endif							/* JA_ISSUER_OPTIONS_H */
