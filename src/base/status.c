/*-------------------------------------------------------------------------
 *
 * status.c
 *	  The one table from status code to SQLSTATE, message, reason, hint and
 *	  check.
 *
 * All texts are constants: nothing that a client sent is ever part of a
 * message.  Every refused token carries one public text (28J00), so that a
 * client can't tell a wrong signature from an unknown key; the reason is for
 * the server log alone.  A refused passkey says which check failed, since
 * nothing but what came with the call was looked at.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/status.h"

#define REFUSED(check, why) \
	{JA_SQLSTATE_INVALID_TOKEN, "invalid token", why, NULL, check}
#define REVOKED(check, why) \
	{JA_SQLSTATE_TOKEN_REVOKED, "token revoked", why, "Log in again.", check}
#define PASSKEY(why) \
	{JA_SQLSTATE_INVALID_TOKEN, "invalid passkey: " why, NULL, NULL, NULL}
#define FOR_PSS(todo) \
	UNUSABLE("key is for RSASSA-PSS and does not fit the algorithm", todo)
#define AUDIENCE_NEEDED \
	"Without it, tokens that the issuer made for other applications would count here."
#define UNREADY(text, todo) \
	{ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, text, NULL, todo, NULL}
#define UNUSABLE(text, todo) \
	{ERRCODE_INVALID_PARAMETER_VALUE, text, NULL, todo, NULL}

static const JaStatusRow rows[JA_STATUS_COUNT] = {
	[JA_OK] = {ERRCODE_SUCCESSFUL_COMPLETION, "success", NULL, NULL, NULL},

	[JA_TOKEN_NULL] = REFUSED("presence", "no token was given"),
	[JA_TOKEN_SIZE] = REFUSED("size", "token is longer than jwt_auth.max_token_size"),
	[JA_TOKEN_SEGMENTS] = REFUSED("segments", "token is not three segments separated by dots"),
	[JA_TOKEN_BASE64URL] = REFUSED("base64url", "a segment is not strict base64url"),
	[JA_TOKEN_ENCODING] = REFUSED("json", "text is not valid UTF-8, or not representable in the database encoding"),
	[JA_TOKEN_JSON] = REFUSED("json", "header or payload is not valid JSON"),
	[JA_TOKEN_JSON_DEPTH] = REFUSED("json", "JSON is nested too deeply"),
	[JA_TOKEN_JSON_DUPLICATE] = REFUSED("json", "JSON object has a duplicate member"),
	[JA_TOKEN_JSON_NUMBER] = REFUSED("json", "JSON number is out of range"),
	[JA_TOKEN_NOT_OBJECT] = REFUSED("json", "header or payload is not a JSON object"),
	[JA_TOKEN_ALGORITHM] = REFUSED("alg", "header has no \"alg\" that is supported"),
	[JA_TOKEN_KID] = REFUSED("kid", "header \"kid\" is not a string of acceptable length"),
	[JA_TOKEN_CRIT] = REFUSED("crit", "header has \"crit\", and no extension is supported"),
	[JA_TOKEN_B64] = REFUSED("b64", "header \"b64\" is not true"),
	[JA_TOKEN_ZIP] = REFUSED("zip", "header has \"zip\", which is not supported"),
	[JA_TOKEN_KEY_UNKNOWN] = REFUSED("key", "no key fits the header"),
	[JA_TOKEN_KEY_ALGORITHM] = REFUSED("alg", "header \"alg\" is not the key's"),
	[JA_TOKEN_SIGNATURE] = REFUSED("signature", "signature is wrong"),
	[JA_TOKEN_TYPE] = REFUSED("typ", "header \"typ\" is neither JWT nor at+jwt"),
	[JA_TOKEN_ISSUER] = REFUSED("iss", "\"iss\" is not the expected issuer"),
	[JA_TOKEN_AUDIENCE] = REFUSED("aud", "\"aud\" does not hold the expected audience"),
	[JA_TOKEN_TIME_FORM] = REFUSED("times", "a time claim is not a NumericDate in range"),
	[JA_TOKEN_NOT_YET_VALID] = REFUSED("nbf", "\"nbf\" is in the future"),
	[JA_TOKEN_ISSUED_IN_FUTURE] = REFUSED("iat", "\"iat\" is in the future"),
	[JA_TOKEN_NO_EXPIRY] = REFUSED("exp", "\"exp\" is missing"),
	[JA_TOKEN_EXPIRED] = {
		JA_SQLSTATE_TOKEN_EXPIRED, "token expired", NULL,
		"Refresh the access token, or log in again.", "exp"
	},
	[JA_TOKEN_KID_MISSING] = REFUSED("kid", "header has no \"kid\", which our own tokens carry"),
	[JA_TOKEN_KEY_RETIRED] = REFUSED("key", "the key is retired"),
	[JA_TOKEN_KEY_REVOKED] = REFUSED("key", "the key is revoked"),
	[JA_TOKEN_SESSION_UNKNOWN] = REFUSED("session", "session unknown here, possibly replication lag"),
	[JA_TOKEN_SESSION_ENDED] = REVOKED("session", "the session ended"),
	[JA_TOKEN_DENIED] = REVOKED("jti", "the \"jti\" was denied"),
	[JA_TOKEN_USED] = {
		JA_SQLSTATE_TOKEN_REVOKED, "the token was used or denied", NULL,
		"It is accepted once: ask for a new one where it came from.", NULL
	},
	[JA_TOKEN_USER_DISABLED] = REVOKED("user", "the user is disabled or deleted"),
	[JA_TOKEN_USE] = REFUSED("token_use", "\"token_use\" is not access, or not one that its issuer's options accept"),
	[JA_TOKEN_CONFIRMATION] = REFUSED("cnf", "the token is sender-constrained (\"cnf\"), which is not supported"),
	[JA_TOKEN_NOT_SINGLE_USE] = REFUSED(NULL, "a token of a session or of another issuer, or without \"jti\", is not for a single use"),
	[JA_TOKEN_BEARER] = REFUSED(NULL, "the Authorization header is malformed"),
	[JA_TOKEN_OTHER_CLAIMS] = REFUSED(NULL, "PostgREST accepted other claims than those of the Authorization header"),
	[JA_TOKEN_OTHER_ROLE] = REFUSED(NULL, "PostgREST took another role than pgrst.db_anon_role for a token that names none"),

	[JA_PASSKEY_FORM] = PASSKEY("it is not what toJSON() of a browser's credential gives"),
	[JA_PASSKEY_ID] = PASSKEY("it is of another credential"),
	[JA_PASSKEY_USER_HANDLE] = PASSKEY("it is of another user"),
	[JA_PASSKEY_CLIENT_DATA] = PASSKEY("clientDataJSON is malformed"),
	[JA_PASSKEY_TYPE] = PASSKEY("it is of the other ceremony"),
	[JA_PASSKEY_CHALLENGE] = PASSKEY("it answers another challenge"),
	[JA_PASSKEY_ORIGIN] = PASSKEY("its origin is not among the expected ones"),
	[JA_PASSKEY_CROSS_ORIGIN] = PASSKEY("it was made inside a page of another origin"),
	[JA_PASSKEY_ATTESTATION] = PASSKEY("the attestation object is malformed"),
	[JA_PASSKEY_AUTHENTICATOR_DATA] = PASSKEY("the authenticator data are malformed"),
	[JA_PASSKEY_RP_ID] = PASSKEY("it is for another relying party"),
	[JA_PASSKEY_USER_PRESENT] = PASSKEY("the user was not present"),
	[JA_PASSKEY_USER_VERIFIED] = PASSKEY("the user was not verified"),
	[JA_PASSKEY_BACKED_UP] = PASSKEY("it is backed up but not eligible for that"),
	[JA_PASSKEY_BACKUP_ELIGIBLE] = PASSKEY("its eligibility for backup has changed"),
	[JA_PASSKEY_ALGORITHM] = PASSKEY("its algorithm was not offered"),
	[JA_PASSKEY_KEY] = PASSKEY("its public key is malformed"),
	[JA_PASSKEY_SIGNATURE] = PASSKEY("the signature is wrong"),
	[JA_PASSKEY_COUNTER] = PASSKEY("its counter did not rise"),

	[JA_KEY_SECRET_TEXT] = UNUSABLE("the secret is the text of a key",
									"Read PEM with jwk_from_pem(), and pass a JWK as it is; what others can read is no secret."),
	[JA_KEY_NULL] = UNUSABLE("key must not be null",
							 "Pass a JWK, or a JWK Set to verify with."),
	[JA_KEY_NOT_OBJECT] = UNUSABLE("key is not a JSON Web Key",
								   "A JWK is a JSON object with a string member \"kty\" (RFC 7517 section 4)."),
	[JA_KEY_MEMBER] = UNUSABLE("a member of the JWK is missing or malformed",
							   "Numbers and octets are base64url without padding; coordinates have the full size of the curve (RFC 7518 section 6)."),
	[JA_KEY_TYPE] = UNUSABLE("key type is not supported",
							 "Supported values of \"kty\" are oct, RSA, EC, OKP and AKP."),
	[JA_KEY_CURVE] = UNUSABLE("curve is not supported",
							  "Supported curves are P-256, P-384, P-521, secp256k1, Ed25519 and Ed448."),
	[JA_KEY_ALGORITHM_UNKNOWN] = UNUSABLE("algorithm is not supported",
										  "Use HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, ES256K, EdDSA, Ed25519, Ed448, ML-DSA-44, ML-DSA-65 or ML-DSA-87."),
	[JA_KEY_ALGORITHM_UNAVAILABLE] = UNUSABLE("algorithm is not available in this server's OpenSSL",
											  "ML-DSA needs OpenSSL 3.5 or later."),
	[JA_KEY_ALGORITHM_MISMATCH] = UNUSABLE("key does not fit the algorithm",
										   "The key's type, curve and length must be those of its \"alg\"."),
	[JA_KEY_USE] = UNUSABLE("key is not meant for signatures",
							"\"use\", where present, must be \"sig\"."),
	[JA_KEY_OPERATION] = UNUSABLE("key does not allow this operation",
								  "\"key_ops\", where present, must list \"sign\" to sign and \"verify\" to verify."),
	[JA_KEY_KID] = UNUSABLE("\"kid\" is not a string of 1 to 255 bytes", NULL),
	[JA_KEY_SECRET_SHORT] = UNUSABLE("HMAC secret is too short",
									 "A secret needs at least 32 bytes for HS256, 48 for HS384, 64 for HS512 (RFC 7518 section 3.2)."),
	[JA_KEY_SECRET_LONG] = UNUSABLE("HMAC secret is too long",
									"A secret may have at most 8192 bytes."),
	[JA_KEY_RSA_SIZE] = UNUSABLE("RSA key size is not supported",
								 "RSA keys need 2048 to 16384 bits (RFC 7518 section 3.3)."),
	[JA_KEY_RSA_EXPONENT] = UNUSABLE("RSA public exponent is not sound",
									 "The exponent must be odd, at least 3 and at most 64 bits long; 65537 is usual."),
	[JA_KEY_RSA_MULTIPRIME] = UNUSABLE("multi-prime RSA keys are not supported", NULL),
	[JA_KEY_PSS_ANY] = FOR_PSS("Pass PS256, PS384 or PS512 as its algorithm."),
	[JA_KEY_PSS_SHA256] = FOR_PSS("Pass PS256 as its algorithm: its parameters name SHA-256."),
	[JA_KEY_PSS_SHA384] = FOR_PSS("Pass PS384 as its algorithm: its parameters name SHA-384."),
	[JA_KEY_PSS_SHA512] = FOR_PSS("Pass PS512 as its algorithm: its parameters name SHA-512."),
	[JA_KEY_PSS_PARAMETERS] = UNUSABLE("the parameters of the RSASSA-PSS key fit no algorithm",
									   "They must name SHA-256, SHA-384 or SHA-512, MGF1 with the same hash, and a salt no longer than that hash (RFC 7518 section 3.5)."),
	[JA_KEY_INVALID] = UNUSABLE("key is not valid",
								"Its numbers do not form a key of this type."),
	[JA_KEY_WEAK_POINT] = UNUSABLE("public key is not canonical or has a small order",
								   "Such a key accepts signatures that its owner never created; generate another one."),
	[JA_KEY_PAIR] = UNUSABLE("private and public half of the key do not belong together", NULL),
	[JA_KEY_NOT_PRIVATE] = UNUSABLE("key has no private half",
									"Signing needs a private JWK."),
	[JA_KEY_NO_PUBLIC] = UNUSABLE("a secret has no public half",
								  "Only asymmetric keys can be published."),
	[JA_KEY_NO_PEM] = UNUSABLE("a secret has no PEM form",
							   "Only asymmetric keys can be written as PEM."),
	[JA_KEY_NO_FACTORS] = UNUSABLE("an RSA key without its prime factors has no private PEM form",
								   "PKCS#1 needs p, q, dp, dq and qi; pass the JWK that has them."),
	[JA_KEY_SET] = UNUSABLE("value is not a JWK Set",
							"A JWK Set is a JSON object with an array \"keys\" of JWKs (RFC 7517 section 5)."),
	[JA_KEY_SET_EMPTY] = UNUSABLE("the JWK Set holds no key that can be used here", NULL),
	[JA_KEY_SET_SIZE] = UNUSABLE("the JWK Set is too large",
								 "A set may have at most 100 keys and 256 kB."),
	[JA_KEY_SET_MIXED] = UNUSABLE("the JWK Set mixes secrets with asymmetric keys",
								  "Keep \"oct\" keys in a set of their own."),
	[JA_KEY_SET_DUPLICATE] = UNUSABLE("the JWK Set has two keys with the same \"kid\"", NULL),
	[JA_PEM_SYNTAX] = {
		ERRCODE_INVALID_TEXT_REPRESENTATION, "PEM text cannot be read", NULL,
		"It must hold one key or certificate between BEGIN and END lines; decode it first if all of it is in base64.", NULL
	},
	[JA_PEM_ENCRYPTED] = UNUSABLE("PEM key is encrypted",
								  "Decrypt it first, for example with \"openssl pkey\"."),
	[JA_PEM_KIND] = UNUSABLE("this kind of PEM is not supported",
							 "Supported are PKCS#8, SPKI, PKCS#1 and SEC1 keys, and X.509 certificates."),

	[JA_CLAIMS_NOT_OBJECT] = UNUSABLE("claims must be a JSON object", NULL),
	[JA_JSON_DEPTH] = UNUSABLE("JSON is nested too deeply",
							   "Tokens are nested at most 32 levels deep."),
	[JA_JSON_NUMBER] = UNUSABLE("a JSON number has too many digits",
								"Numbers in tokens have at most 4096 digits on either side of the point."),
	[JA_ENCODING] = {
		ERRCODE_UNTRANSLATABLE_CHARACTER, "text cannot be written as UTF-8", NULL,
		"JSON in tokens and keys is UTF-8; use a database whose encoding is UTF8.", NULL
	},
	[JA_SIZE] = {
		ERRCODE_INVALID_PARAMETER_VALUE, "the token would be too large", NULL,
		"Tokens are limited by jwt_auth.max_token_size; sign fewer or shorter claims.", NULL
	},
	[JA_PAYLOAD_NULL] = UNUSABLE("payload must not be null", NULL),
	[JA_HEADER_NOT_OBJECT] = UNUSABLE("header must be a JSON object", NULL),
	[JA_HEADER_ALGORITHM] = UNUSABLE("header \"alg\" is not the key's",
									 "Leave \"alg\" out: the key decides its algorithm."),
	[JA_HEADER_KID] = UNUSABLE("header \"kid\" is not the key's",
							   "Leave \"kid\" out: it is taken from the key."),
	[JA_HEADER_MEMBER] = UNUSABLE("header members \"crit\", \"zip\", a \"b64\" other than true and a \"typ\" that is no string are not supported", NULL),
	[JA_NAME_CHARACTER] = UNUSABLE("name holds a character that is not allowed",
								   "Control characters, line ends and characters that Unicode does not assign are refused."),
	[JA_NAME_EMPTY] = UNUSABLE("name is empty", NULL),
	[JA_NAME_LONG] = UNUSABLE("name is too long",
							  "A name may have at most 255 characters and 1024 bytes."),
	[JA_NAME_NOT_USERNAME] = UNUSABLE("a username must not look like an e-mail address or a phone number",
									  "Pass addresses as email or phone; all of them can be used to log in."),
	[JA_NAME_EMAIL] = UNUSABLE("this is not an e-mail address",
							   "Write it as name@domain, with at most 64 characters before the @, and without quotes, brackets, commas and spaces."),
	[JA_NAME_PHONE] = UNUSABLE("this is not a phone number",
							   "Write it with + and the country code, and 7 to 15 digits without anything between them."),
	[JA_NAME_MISSING] = UNUSABLE("a user needs a username, an e-mail address or a phone number", NULL),
	[JA_PASSWORD_CHARACTER] = UNUSABLE("password holds a character that is not allowed",
									   "A password is text without NUL, of characters that Unicode assigns."),
	[JA_PASSWORD_LONG] = UNUSABLE("password is too long",
								  "A password may have at most 1024 bytes."),
	[JA_PASSWORD_SHORT] = UNUSABLE("password is too short",
								   "A password needs at least jwt_auth.password_min_length characters."),
	[JA_PASSWORD_BLOCKED] = UNUSABLE("password is one that nobody may use",
									 "It is on the list jwt_auth.blocked_passwords: choose another one."),
	[JA_PASSWORD_WEAK] = UNUSABLE("password is easy to guess",
								  "A password needs jwt_auth.password_min_bits."),
	[JA_PASSWORD_REFUSED] = UNUSABLE("the password was refused", "Choose another password."),
	[JA_PASSWORD_WORDS] = UNUSABLE("too many words, or one that is too long",
								   "A password is compared with at most 32 words of at most 1024 bytes each."),
	[JA_PASSWORD_HASH_KIND] = UNUSABLE("kind of password hash is not supported",
									   "Supported are argon2, bcrypt, scrypt, PBKDF2, $5$, $6$, $y$, SCRAM-SHA-256, $P$, $H$, $S$ and {SSHA}, in the forms that doc/accounts.md lists."),
	[JA_PASSWORD_HASH_FORM] = UNUSABLE("password hash is malformed",
									   "Pass exactly the text that the algorithm produced, without anything before or after it."),
	[JA_PASSWORD_HASH_COST] = UNUSABLE("password hash asks for too much work",
									   "Allowed are argon2 up to 256 MiB, 64 iterations, 16 lanes and 2 GiB (memory by iterations), bcrypt up to cost 15, $5$ and $6$ up to 1000000 rounds, $y$ up to 256 MiB, PBKDF2 up to 5000000 iterations (2500000 of SHA-512), scrypt up to 256 MiB and 512 MiB (memory by parallelism), $P$ and $S$ up to 2^20 iterations."),
	[JA_PASSWORD_BUSY] = {
		ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, "too many password hashes are being computed", NULL,
		"Try again later, or raise jwt_auth.max_password_hashes.", NULL
	},
	[JA_EXPECTED_NOT_OBJECT] = UNUSABLE("what is expected must be a JSON object",
										"Its members challenge, origins and rp_id are required."),
	[JA_EXPECTED_UNKNOWN] = UNUSABLE("a member of what is expected is unknown",
									 "Members are challenge, origins, rp_id, user_verification, algorithms, cross_origin and top_origins; with a public key also counter, backup_eligible, credential_id and user_handle."),
	[JA_EXPECTED_MISSING] = UNUSABLE("a member of what is expected is missing",
									 "The members challenge, origins and rp_id are required."),
	[JA_EXPECTED_NOT_STORED] = UNUSABLE("what is expected says nothing of the stored credential",
										"With a public key, the members counter and backup_eligible are required; backup_eligible may be null where it was not stored."),
	[JA_EXPECTED_STORED] = UNUSABLE("there is no public key, but something of a stored credential",
									"Without a public key, a registration is verified: leave out counter, backup_eligible, credential_id and user_handle. If the credential is unknown, refuse the login."),
	[JA_EXPECTED_VALUE] = UNUSABLE("a member of what is expected is unusable",
								   "challenge is base64url of 16 to 1024 bytes, origins and top_origins arrays of strings, rp_id a string, user_verification required, preferred or discouraged, algorithms an array of names as in a JWK, cross_origin a boolean, counter a whole number below 2^32, backup_eligible a boolean or null, credential_id and user_handle base64url."),
	[JA_EXPECTED_KEY] = UNUSABLE("the public key is of a kind that no passkey has",
								 "Pass the public_key that the registration returned."),
	/* The message is that of pgcrypto's hmac(), for whoever looks at it. */
	[JA_PGJWT_ALGORITHM] = UNUSABLE("Cannot use \"\": No such hash algorithm",
									"Use HS256, HS384 or HS512."),
	[JA_PGJWT_SIZE] = UNUSABLE("the token would be too large",
							   "Tokens of sign() and verify() may have at most 1 MB."),
	[JA_PGJWT_LARGE] = {
		ERRCODE_PROGRAM_LIMIT_EXCEEDED, "the result would be too large", NULL, NULL, NULL
	},
	[JA_CLAIMS_TIME] = UNUSABLE("a time claim is not a NumericDate in range",
								"exp, nbf and iat are numbers of seconds since 1970 (RFC 7519 section 2)."),
	[JA_CLAIMS_TTL] = UNUSABLE("the token would be valid for too long",
							   "Its lifetime must be positive and at most jwt_auth.max_token_ttl."),
	[JA_CLAIMS_NAME] = UNUSABLE("a registered claim of the token has the wrong type or value",
								"iss must be jwt_auth.issuer, and absent where that is not set; jti, sub and sid must be strings, aud a string or strings."),

	[JA_KEYRING_NO_SIGNING_KEY] = UNREADY("there is no signing key",
										  "Create one with jwt_create_key()."),
	[JA_KEYRING_KID_UNKNOWN] = UNUSABLE("there is no key with this kid",
										"The kids are in the table jwt_auth.keys."),
	[JA_KEYRING_CANNOT_SIGN] = UNUSABLE("the key does not sign",
										"Only the active key and next keys do."),
	[JA_KEYRING_KEY_KNOWN] = UNUSABLE("this key or kid is or was already here",
									  "Keys and kids are never reused; create a new key."),
	[JA_KEYRING_KEY_ACTIVE] = UNREADY("the active key cannot be retired",
									  "Rotate with jwt_rotate_key() first, or revoke it with jwt_revoke_key()."),
	[JA_KEYRING_NO_ALGORITHM] = UNUSABLE("the key must name its algorithm",
										 "Add \"alg\" to the JWK."),
	[JA_KEYRING_SEALED] = UNREADY("the key is sealed, and the master key that sealed it is missing",
								  "Set jwt_auth.master_key_file to a file that holds its line."),
	[JA_KEYRING_SEAL_BROKEN] = UNREADY("the sealed key cannot be opened",
									   "The line in jwt_auth.master_key_file has the right name but another key, or the row was changed."),
	[JA_MASTER_KEY_UNSET] = UNREADY("there is no master key file",
									"Create one with: (umask 077; echo \"mk1 $(openssl rand -base64 32)\" > FILE), owned by the server's user and outside the data directory, and set jwt_auth.master_key_file."),
	[JA_MASTER_KEY_PATH] = UNREADY("jwt_auth.master_key_file is not an absolute path", NULL),
	[JA_MASTER_KEY_OPEN] = UNREADY("the master key file cannot be read",
								   "The server's user must be able to read jwt_auth.master_key_file."),
	[JA_MASTER_KEY_KIND] = UNREADY("the master key file is not a regular file of at most 64 kB", NULL),
	[JA_MASTER_KEY_RIGHTS] = UNREADY("others may read the master key file",
									 "It must be owned by the server's user with mode 0600 or less, or by root with mode 0640 or less."),
	[JA_MASTER_KEY_PLACE] = UNREADY("the master key file lies inside the data directory or a tablespace",
									"Move it elsewhere, so that backups don't hold it."),
	[JA_MASTER_KEY_FORM] = UNREADY("the master key file has a malformed line",
								   "Each line holds a name of up to 63 letters, digits, - or _, one space, and the base64 of 32 bytes; names differ."),
	[JA_ISSUER_EMPTY] = UNUSABLE("argument \"issuer\" is empty",
								 "Pass the \"iss\" that the issuer's tokens carry."),
	[JA_ISSUER_LONG] = UNUSABLE("argument \"issuer\" is too long",
								"An issuer may have at most 1024 bytes."),
	[JA_ISSUER_OWN] = UNUSABLE("our own issuer cannot be trusted as another one",
							   "Tokens of jwt_auth.issuer are verified with our own keys."),
	[JA_ISSUER_AUDIENCE_NULL] = UNUSABLE("argument \"audience\" must not be null", AUDIENCE_NEEDED),
	[JA_ISSUER_AUDIENCE_EMPTY] = UNUSABLE("argument \"audience\" is empty", AUDIENCE_NEEDED),
	[JA_ISSUER_AUDIENCE_LONG] = UNUSABLE("argument \"audience\" is too long",
										 "An audience may have at most 1024 bytes."),
	[JA_ISSUER_ROLES] = UNUSABLE("argument \"roles\" must be an array without nulls", NULL),
	[JA_ISSUER_PRIVATE] = UNUSABLE("the JWK Set has a private key",
								   "Pass the public half of each key, and tell the issuer that this one leaked."),
	[JA_ISSUER_SECRET_ALGORITHM] = UNUSABLE("a secret of an issuer must name its algorithm",
											"Add \"alg\" to each JWK of type oct."),
	[JA_ISSUER_UNKNOWN] = UNUSABLE("this issuer is not trusted", NULL),
	[JA_ISSUER_AUDIENCE_NONE] = UNUSABLE("audience must be null where the option \"audience\" is none",
										 "The option says that the issuer's tokens carry no \"aud\"."),
	[JA_ISSUER_ANONYMOUS] = UNUSABLE("another issuer is trusted whose tokens carry no \"iss\"",
									 "There can be one at most; withdraw the other with jwt_distrust_issuer() first."),
	[JA_ISSUER_OPTION_UNKNOWN] = UNUSABLE("an option is unknown",
										  "Options are audiences, audience_claim, token_use, scope_claim, role_claim, default_role, jwks_uri, issuer and audience."),
	[JA_ISSUER_OPTION_VALUE] = UNUSABLE("the options of the issuer are unusable",
										"They are a JSON object: audiences, token_use and role_claim are a string or an array of strings, scope_claim and default_role a string, audience_claim is aud, client_id or azp, jwks_uri starts with https://, issuer and audience are none; \"audience\": \"none\" excludes audiences and audience_claim."),

	[JA_ACCOUNT_NAME_TAKEN] = {
		ERRCODE_UNIQUE_VIOLATION, "this username, e-mail address or phone number is taken", NULL,
		"Names are compared in NFKC, without case and surrounding spaces; jwt_find_user() returns the id of the user who has it.", NULL
	},
	[JA_ACCOUNT_UNKNOWN] = UNUSABLE("there is no user with this id",
									"jwt_find_user() returns the id of a username, an e-mail address or a phone number."),
	[JA_ACCOUNT_BUSY] = {
		ERRCODE_LOCK_NOT_AVAILABLE, "a login attempt on this user has not ended", NULL,
		"Try again, or end the transaction that holds the lock: SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 19009.", NULL
	},
	[JA_ACCOUNT_ROLE_UNKNOWN] = UNUSABLE("there is no such role",
										 "Create it with CREATE ROLE first."),
	[JA_ACCOUNT_ROLE_POWERFUL] = UNUSABLE("this role is a superuser or bypasses row-level security",
										  "Tokens must name a role that policies apply to."),
	[JA_ACCOUNT_CLAIMS_RESERVED] = UNUSABLE("claims hold a reserved name",
											"Only jwt_auth itself sets iss, sub, aud, exp, nbf, iat, jti, sid, role, token_use, cnf, act, may_act, azp, client_id, anonymous, aal, acr, amr, auth_time, nonce and at_hash."),
	[JA_ACCOUNT_CLAIMS_LARGE] = UNUSABLE("claims are too large",
										 "A user's claims go into each access token, so they may have at most 8 kB."),
	[JA_ACCOUNT_METHODS] = UNUSABLE("amr holds a name that is not usable",
									"Name up to 16 methods, such as pwd, otp or hwk (RFC 8176), each of up to 64 letters, digits, dots, hyphens and underscores."),
	[JA_ACCOUNT_SCOPE] = UNUSABLE("scope is not known",
								  "Use local, others or global."),
	[JA_ACCOUNT_PURPOSE] = UNUSABLE("purpose is not known",
									"Use recovery."),
	[JA_MESSAGE_COUNT] = UNUSABLE("max_messages is out of range",
								  "Claim 1 to 1000 messages at a time."),
	[JA_MESSAGE_UNKNOWN] = UNUSABLE("there is no message with this id",
									"jwt_outbox_claim() returns the ids; jwt_purge() deletes messages that expired."),
	[JA_HOOK_NAME] = UNREADY("the name of a hook function is not qualified",
							 "Name the schema, too, in jwt_auth.claims_function and jwt_auth.password_check_function."),
	[JA_HOOK_MISSING] = UNREADY("there is no such hook function",
								"Neither has its schema, in this database, a function of that name with other arguments: create it, or correct the name in the setting."),
	[JA_HOOK_ARGUMENTS] = UNREADY("the hook function takes other arguments",
								  "jwt_auth.claims_function must name f(uuid, jsonb), jwt_auth.password_check_function f(text, text)."),
	[JA_HOOK_KIND] = UNREADY("the hook function is no plain function",
							 "It may not be a procedure, an aggregate or a window function, nor return a set."),
	[JA_HOOK_RESULT] = UNREADY("the hook function returns another type",
							   "jwt_auth.claims_function must return jsonb, jwt_auth.password_check_function text."),
	[JA_HOOK_OWNER] = UNREADY("the owner of the hook function is not trusted",
							  "Give it to a superuser, or to the owner of the table jwt_auth.users, with ALTER FUNCTION ... OWNER TO."),
	[JA_HOOK_CLAIMS] = {
		ERRCODE_EXTERNAL_ROUTINE_EXCEPTION, "the claims function failed", NULL,
		"The reason is in the server log.", NULL
	},
	[JA_HOOK_PASSWORD] = {
		ERRCODE_EXTERNAL_ROUTINE_EXCEPTION, "the password check function failed", NULL,
		"The reason is in the server log.", NULL
	},
	[JA_NOT_AUTHENTICATED] = {
		JA_SQLSTATE_UNAUTHENTICATED, "not authenticated", NULL,
		"This needs an access token of a user of this database.", NULL
	},
	[JA_SCOPE_MISSING] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "the token does not have the scope that this needs", NULL,
		"Ask the issuer for a token with that scope.", NULL
	},
	[JA_ROLE_MISSING] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "the token names no role that can be assumed", NULL,
		"Give the user a role with jwt_update_user(), or list it in jwt_trust_issuer().", NULL
	},
	[JA_ROLE_POWERFUL] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "the role of the token is a superuser or bypasses row-level security", NULL,
		"Such roles are never assumed for a token.", NULL
	},
	[JA_ROLE_FORBIDDEN] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "the session user may not assume the role of the token", NULL,
		"GRANT the role to the role that the application connects as.", NULL
	},
	[JA_POSTGREST_NO_KEY] = UNREADY("there is no key that PostgREST could verify with",
									"PostgREST verifies ES256, ES384, ES512, RS256 and EdDSA: create a key with jwt_create_key('ES256')."),

	[JA_CRYPTO] = {
		ERRCODE_EXTERNAL_ROUTINE_EXCEPTION, "a cryptographic operation failed", NULL,
		"OpenSSL refused an operation that should succeed; see the server log and its configuration.", NULL
	},
	[JA_MEMORY] = {ERRCODE_OUT_OF_MEMORY, "out of memory", NULL, NULL, NULL},
};

const JaStatusRow *
ja_status_row(JaStatus status)
{
	Assert(status < JA_STATUS_COUNT);
	Assert(rows[status].message != NULL);
	return &rows[status];
}
