/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  Values of the jwt_auth.* settings; jwt_auth.c defines them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SETTINGS_H
#define JA_SETTINGS_H

typedef struct JaSettings
{
	char	   *issuer;			/* NULL or empty: own tokens carry none */
	char	   *audience;		/* NULL or empty: unknown */
	int			access_token_ttl_seconds;
	int			max_token_ttl_seconds;
	int			leeway_seconds;
	bool		require_exp;
	bool		check_revocation;
	int			max_token_size; /* bytes */
	int			token_cache_size;	/* entries */
} JaSettings;

extern JaSettings ja_settings;

#endif							/* JA_SETTINGS_H */
