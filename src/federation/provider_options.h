/*-------------------------------------------------------------------------
 *
 * provider_options.h
 *	  How an identity provider's users are taken in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PROVIDER_OPTIONS_H
#define JA_PROVIDER_OPTIONS_H

#include "keyring/option.h"

/* What stands in the claim "nonce" of an ID token. */
typedef enum JaNonceMode
{
	JA_NONCE_PLAIN,				/* our nonce */
	JA_NONCE_SHA256,			/* its SHA-256 in hexadecimal digits */
	JA_NONCE_NONE				/* nothing of ours */
} JaNonceMode;

/* When the address of an ID token is the user's. */
typedef enum JaEmailTrust
{
	JA_EMAIL_CLAIM,				/* if the provider says so */
	JA_EMAIL_DOMAINS,			/* if it has one of the listed domains */
	JA_EMAIL_NEVER
} JaEmailTrust;

/* What happens if such an address is that of another user here. */
typedef enum JaLinking
{
	JA_LINKING_ASK,				/* who logs in proves to be that user */
	JA_LINKING_NEVER,
	JA_LINKING_VERIFIED			/* the identity becomes one of that user */
} JaLinking;

/* Whether an identity that nobody has makes a user. */
typedef enum JaProviderSignUp
{
	JA_PROVIDER_SIGN_UP_BY_SETTING, /* as jwt_auth.sign_up says */
	JA_PROVIDER_SIGN_UP_ON,
	JA_PROVIDER_SIGN_UP_OFF
} JaProviderSignUp;

/* Strings point into the options, or else live as long as what was read. */
typedef struct JaProviderOptions
{
	JaNonceMode nonce;
	JaEmailTrust email;
	JaStringList domains;		/* in canonical form */
	JaLinking	linking;
	JaProviderSignUp sign_up;
	JaStringList tenants;		/* accepted values of tid; none: not checked */
	JaStringList aal2_acr;		/* values of acr that tell of a second factor */
	JaStringList aal2_amr;		/* values of amr that do */
	JaString	jwks_uri;		/* where its keys are; data NULL: not told */
} JaProviderOptions;

extern JaStatus ja_provider_options_read(const JsonbContainer *json, JaProviderOptions *options);

#endif							/* JA_PROVIDER_OPTIONS_H */
