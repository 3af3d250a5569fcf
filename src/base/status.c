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
	"Without it, tokens that the issuer issued for other applications would be accepted."
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
	[JA_TOKEN_ALGORITHM] = REFUSED("alg", "header has no supported \"alg\""),
	[JA_TOKEN_KID] = REFUSED("kid", "header \"kid\" is not a string of acceptable length"),
	[JA_TOKEN_CRIT] = REFUSED("crit", "header has \"crit\", and no extension is supported"),
	[JA_TOKEN_B64] = REFUSED("b64", "header \"b64\" is not true"),
	[JA_TOKEN_ZIP] = REFUSED("zip", "header has \"zip\", which is not supported"),
	[JA_TOKEN_KEY_UNKNOWN] = REFUSED("key", "no key fits the header"),
	[JA_TOKEN_KEY_ALGORITHM] = REFUSED("alg", "header \"alg\" is not the algorithm of the key"),
	[JA_TOKEN_SIGNATURE] = REFUSED("signature", "signature is wrong"),
	[JA_TOKEN_TYPE] = REFUSED("typ", "header \"typ\" is neither JWT nor at+jwt"),
	[JA_TOKEN_ISSUER] = REFUSED("iss", "\"iss\" is not the expected issuer"),
	[JA_TOKEN_AUDIENCE] = REFUSED("aud", "\"aud\" does not contain the expected audience"),
	[JA_TOKEN_TIME_FORM] = REFUSED("times", "a time claim is not a NumericDate in range"),
	[JA_TOKEN_NOT_YET_VALID] = REFUSED("nbf", "\"nbf\" is in the future"),
	[JA_TOKEN_ISSUED_IN_FUTURE] = REFUSED("iat", "\"iat\" is in the future"),
	[JA_TOKEN_NO_EXPIRY] = REFUSED("exp", "\"exp\" is missing"),
	[JA_TOKEN_EXPIRED] = {
		JA_SQLSTATE_TOKEN_EXPIRED, "token expired", NULL,
		"Refresh the access token, or log in again.", "exp"
	},
	[JA_TOKEN_KID_MISSING] = REFUSED("kid", "header has no \"kid\", which all tokens issued by this database carry"),
	[JA_TOKEN_KEY_RETIRED] = REFUSED("key", "the key is retired"),
	[JA_TOKEN_KEY_REVOKED] = REFUSED("key", "the key is revoked"),
	[JA_TOKEN_SESSION_UNKNOWN] = REFUSED("session", "session is unknown here, possibly because of replication lag"),
	[JA_TOKEN_SESSION_ENDED] = REVOKED("session", "the session ended"),
	[JA_TOKEN_DENIED] = REVOKED("jti", "the \"jti\" was denied"),
	[JA_TOKEN_USED] = {
		JA_SQLSTATE_TOKEN_REVOKED, "the token was used or denied", NULL,
		"It is accepted only once; request a new one from its issuer.", NULL
	},
	[JA_TOKEN_USER_DISABLED] = REVOKED("user", "the user is disabled, banned or deleted"),
	[JA_TOKEN_CLIENT] = REVOKED("client", "the client was deleted, or what it showed was replaced"),
	[JA_TOKEN_USE] = REFUSED("token_use", "\"token_use\" is neither access nor accepted by the options of its issuer"),
	[JA_TOKEN_CONFIRMATION] = REFUSED("cnf", "the token is sender-constrained (\"cnf\"), which is not supported"),
	[JA_TOKEN_NOT_SINGLE_USE] = REFUSED(NULL, "the token belongs to a session or another issuer, or has no \"jti\", and so is not for a single use"),
	[JA_TOKEN_BEARER] = REFUSED(NULL, "the Authorization header is malformed"),
	[JA_TOKEN_OTHER_CLAIMS] = REFUSED(NULL, "PostgREST accepted claims other than those of the Authorization header"),
	[JA_TOKEN_OTHER_ROLE] = REFUSED(NULL, "PostgREST used a role other than pgrst.db_anon_role for a token that names none"),
	[JA_ID_TOKEN_USE] = REFUSED(NULL, "the token is for access, a logout or an event, and so no ID token"),
	[JA_ID_TOKEN_TENANT] = REFUSED(NULL, "\"tid\" is none of the tenants that the provider's options list"),
	[JA_ID_TOKEN_AZP] = REFUSED(NULL, "\"azp\" is missing beside several audiences, or none of the provider's client IDs"),
	[JA_ID_TOKEN_OLD] = REFUSED(NULL, "\"iat\" is missing, or more than 10 minutes ago"),
	[JA_ID_TOKEN_SUBJECT] = REFUSED(NULL, "\"sub\" is not a string of 1 to 255 bytes"),
	[JA_ID_TOKEN_NONCE] = REFUSED(NULL, "\"nonce\" is not made by this database for this use, or has expired"),
	[JA_ID_TOKEN_ACCESS_TOKEN] = REFUSED(NULL, "\"at_hash\" is missing, or not that of the access token"),
	[JA_ASSERTION_SUBJECT] = REFUSED(NULL, "\"sub\" is no client that signs assertions"),
	[JA_ASSERTION_ID] = REFUSED(NULL, "\"jti\" is not a string of 1 to 255 bytes"),
	[JA_ASSERTION_LONG] = REFUSED(NULL, "\"exp\" is more than 10 minutes ahead"),
	[JA_ASSERTION_USED] = REFUSED(NULL, "the \"jti\" was used before"),

	[JA_PASSKEY_FORM] = PASSKEY("it is not the result of toJSON() on a browser's credential"),
	[JA_PASSKEY_ID] = PASSKEY("it belongs to another credential"),
	[JA_PASSKEY_USER_HANDLE] = PASSKEY("it belongs to another user"),
	[JA_PASSKEY_CLIENT_DATA] = PASSKEY("clientDataJSON is malformed"),
	[JA_PASSKEY_TYPE] = PASSKEY("it belongs to the other ceremony"),
	[JA_PASSKEY_CHALLENGE] = PASSKEY("it answers another challenge"),
	[JA_PASSKEY_ORIGIN] = PASSKEY("its origin is not among the expected ones"),
	[JA_PASSKEY_CROSS_ORIGIN] = PASSKEY("it was created inside a page of another origin"),
	[JA_PASSKEY_ATTESTATION] = PASSKEY("the attestation object is malformed"),
	[JA_PASSKEY_AUTHENTICATOR_DATA] = PASSKEY("the authenticator data are malformed"),
	[JA_PASSKEY_RP_ID] = PASSKEY("it is for another relying party"),
	[JA_PASSKEY_USER_PRESENT] = PASSKEY("the user was not present"),
	[JA_PASSKEY_USER_VERIFIED] = PASSKEY("the user was not verified"),
	[JA_PASSKEY_BACKED_UP] = PASSKEY("it is backed up but not eligible for backup"),
	[JA_PASSKEY_BACKUP_ELIGIBLE] = PASSKEY("its eligibility for backup has changed"),
	[JA_PASSKEY_ALGORITHM] = PASSKEY("its algorithm was not offered"),
	[JA_PASSKEY_KEY] = PASSKEY("its public key is malformed"),
	[JA_PASSKEY_SIGNATURE] = PASSKEY("the signature is wrong"),
	[JA_PASSKEY_COUNTER] = PASSKEY("its counter did not increase"),

	[JA_KEY_SECRET_TEXT] = UNUSABLE("the secret is the text of a key",
									"Convert PEM with jwk_from_pem(), and pass a JWK as it is; a text that others can read is not a secret."),
	[JA_KEY_NULL] = UNUSABLE("key must not be null",
							 "Pass a JWK, or, to verify, a JWK Set."),
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
								   "Such a key accepts signatures that its owner never created; generate another key."),
	[JA_KEY_PAIR] = UNUSABLE("the private and public halves of the key do not match", NULL),
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
	[JA_KEY_SET_EMPTY] = UNUSABLE("the JWK Set contains no key that can be used here", NULL),
	[JA_KEY_SET_SIZE] = UNUSABLE("the JWK Set is too large",
								 "A set may have at most 100 keys and 256 kB."),
	[JA_KEY_SET_MIXED] = UNUSABLE("the JWK Set mixes secrets with asymmetric keys",
								  "Keep \"oct\" keys in a set of their own."),
	[JA_KEY_SET_DUPLICATE] = UNUSABLE("the JWK Set has two keys with the same \"kid\"", NULL),
	[JA_PEM_SYNTAX] = {
		ERRCODE_INVALID_TEXT_REPRESENTATION, "PEM text cannot be read", NULL,
		"It must contain one key or certificate between BEGIN and END lines; if all of it is in base64, decode it first.", NULL
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
	[JA_HEADER_ALGORITHM] = UNUSABLE("header \"alg\" is not the algorithm of the key",
									 "Leave out \"alg\": the key determines it."),
	[JA_HEADER_KID] = UNUSABLE("header \"kid\" is not the \"kid\" of the key",
							   "Leave out \"kid\": it is taken from the key."),
	[JA_HEADER_MEMBER] = UNUSABLE("header members \"crit\", \"zip\", a \"b64\" other than true and a \"typ\" that is not a string are not supported", NULL),
	[JA_NAME_CHARACTER] = UNUSABLE("name contains a character that is not allowed",
								   "Control characters, line ends and characters that Unicode does not assign are refused."),
	[JA_NAME_EMPTY] = UNUSABLE("name is empty", NULL),
	[JA_NAME_LONG] = UNUSABLE("name is too long",
							  "A name may have at most 255 characters and 1024 bytes."),
	[JA_NAME_NOT_USERNAME] = UNUSABLE("a username must not look like an e-mail address or a phone number",
									  "Pass addresses as email or phone; all of them can be used to log in."),
	[JA_NAME_EMAIL] = UNUSABLE("this is not an e-mail address",
							   "Write it as name@domain, with at most 64 characters before the @, and without quotes, brackets, commas and spaces."),
	[JA_NAME_NOT_PLAIN] = UNUSABLE("this e-mail address is not written plainly",
								   "Messages go to it as it is written. Write it without spaces, and the part before the @ without ligatures, letters of another width and the like, and with small letters unless they are ASCII."),
	[JA_NAME_PHONE] = UNUSABLE("this is not a phone number",
							   "Write it with + and the country code, and 7 to 15 digits without anything between them."),
	[JA_NAME_MISSING] = UNUSABLE("a user needs a username, an e-mail address or a phone number", NULL),
	[JA_NAME_NOT_ADDRESS] = UNUSABLE("this is neither an e-mail address nor a phone number",
									 "A message is sent to it. Phone numbers are written with a plus sign, the country code and digits."),
	[JA_PASSWORD_CHARACTER] = UNUSABLE("password contains a character that is not allowed",
									   "A password may contain any character assigned by Unicode except NUL."),
	[JA_PASSWORD_LONG] = UNUSABLE("password is too long",
								  "A password may have at most 1024 bytes."),
	[JA_PASSWORD_SHORT] = UNUSABLE("password is too short",
								   "A password needs at least jwt_auth.password_min_length characters."),
	[JA_PASSWORD_BLOCKED] = UNUSABLE("password is on the list of passwords that may not be used",
									 "Choose another password: this one is in jwt_auth.blocked_passwords."),
	[JA_PASSWORD_WEAK] = UNUSABLE("password is easy to guess",
								  "A password needs at least jwt_auth.password_min_bits bits."),
	[JA_PASSWORD_REFUSED] = UNUSABLE("the password was refused", "Choose another password."),
	[JA_PASSWORD_WORDS] = UNUSABLE("too many words, or one that is too long",
								   "A password is compared with at most 32 words of at most 1024 bytes each."),
	[JA_PASSWORD_HASH_KIND] = UNUSABLE("kind of password hash is not supported",
									   "Supported are argon2, bcrypt, scrypt, PBKDF2, $5$, $6$, $y$, SCRAM-SHA-256, $P$, $H$, $S$ and {SSHA}, in the forms that doc/accounts.md lists."),
	[JA_PASSWORD_HASH_FORM] = UNUSABLE("password hash is malformed",
									   "Pass exactly the text that the algorithm produced, without anything before or after it."),
	[JA_PASSWORD_HASH_COST] = UNUSABLE("password hash is too costly",
									   "Allowed are argon2 up to 256 MiB, 64 iterations, 16 lanes and 2 GiB (memory by iterations), bcrypt up to cost 15, $5$ and $6$ up to 1000000 rounds, $y$ up to 256 MiB, PBKDF2 up to 5000000 iterations (2500000 of SHA-512), scrypt up to 256 MiB and 512 MiB (memory by parallelism), $P$ and $S$ up to 2^20 iterations."),
	[JA_PASSWORD_BUSY] = {
		ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, "too many password hashes are being computed", NULL,
		"Try again later, or raise jwt_auth.max_password_hashes.", NULL
	},
	[JA_RELYING_PARTY_UNSET] = UNREADY("jwt_auth.webauthn_rp_id is not set",
									   "Set it to the domain that passkeys are for: ALTER DATABASE ... SET jwt_auth.webauthn_rp_id = 'example.org'."),
	[JA_EXPECTED_NOT_OBJECT] = UNUSABLE("argument \"expected\" must be a JSON object",
										"Its members challenge, origins and rp_id are required."),
	[JA_EXPECTED_UNKNOWN] = UNUSABLE("argument \"expected\" has an unknown member",
									 "Members are challenge, origins, rp_id, user_verification, algorithms, cross_origin and top_origins; with a public key also counter, backup_eligible, credential_id and user_handle."),
	[JA_EXPECTED_MISSING] = UNUSABLE("argument \"expected\" lacks a member",
									 "The members challenge, origins and rp_id are required."),
	[JA_EXPECTED_NOT_STORED] = UNUSABLE("argument \"expected\" does not describe the stored credential",
										"With a public key, the members counter and backup_eligible are required; backup_eligible may be null where it was not stored."),
	[JA_EXPECTED_STORED] = UNUSABLE("argument \"expected\" describes a stored credential, but there is no public key",
									"Without a public key, a registration is verified: leave out counter, backup_eligible, credential_id and user_handle. If the credential is unknown, refuse the login."),
	[JA_EXPECTED_VALUE] = UNUSABLE("argument \"expected\" has an unusable member",
								   "challenge is base64url of 16 to 1024 bytes, origins and top_origins arrays of strings, rp_id a string, user_verification required, preferred or discouraged, algorithms an array of names as in a JWK, cross_origin a boolean, counter a whole number below 2^32, backup_eligible a boolean or null, credential_id and user_handle base64url."),
	[JA_EXPECTED_KEY] = UNUSABLE("the public key is of a kind that passkeys do not have",
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
								"iss must be jwt_auth.issuer, or absent if that is not set; jti, sub and sid must be strings, and aud a string or an array of strings."),

	[JA_KEYRING_NO_SIGNING_KEY] = UNREADY("there is no signing key",
										  "Create one with jwt_create_key()."),
	[JA_KEYRING_KID_UNKNOWN] = UNUSABLE("there is no key with this kid",
										"The view jwt_auth.key_states lists all kids."),
	[JA_KEYRING_CANNOT_SIGN] = UNUSABLE("the key cannot sign",
										"Only the active key and next keys sign."),
	[JA_KEYRING_KEY_KNOWN] = UNUSABLE("this key or kid is or was already in use",
									  "Keys and kids are never reused; create a new key."),
	[JA_KEYRING_KEY_ACTIVE] = UNREADY("the active key cannot be retired",
									  "Rotate with jwt_rotate_key() first, or revoke it with jwt_revoke_key()."),
	[JA_KEYRING_NO_ALGORITHM] = UNUSABLE("the key must name its algorithm",
										 "Add \"alg\" to the JWK."),
	[JA_KEYRING_SEALED] = UNREADY("the key is sealed, and the master key that sealed it is missing",
								  "Set jwt_auth.master_key_file to a file that contains its line."),
	[JA_KEYRING_SEAL_BROKEN] = UNREADY("the sealed key cannot be opened",
									   "The line in jwt_auth.master_key_file has the right name but a different key, or the row was changed."),
	[JA_MASTER_KEY_UNSET] = UNREADY("there is no master key file",
									"Create one with: (umask 077; echo \"mk1 $(openssl rand -base64 32)\" > FILE), owned by the server's user and outside the data directory, and set jwt_auth.master_key_file."),
	[JA_MASTER_KEY_PATH] = UNREADY("jwt_auth.master_key_file is not an absolute path", NULL),
	[JA_MASTER_KEY_OPEN] = UNREADY("the master key file cannot be read",
								   "The server's user must be able to read jwt_auth.master_key_file."),
	[JA_MASTER_KEY_KIND] = UNREADY("the master key file is not a regular file of at most 64 kB", NULL),
	[JA_MASTER_KEY_RIGHTS] = UNREADY("the master key file can be read by others",
									 "It must be owned by the server's user with mode 0600 or less, or by root with mode 0640 or less."),
	[JA_MASTER_KEY_PLACE] = UNREADY("the master key file lies inside the data directory or a tablespace",
									"Move it elsewhere, so that backups do not contain it."),
	[JA_MASTER_KEY_FORM] = UNREADY("the master key file has a malformed line",
								   "Each line is a name of up to 63 letters, digits, - or _, one space, and 32 bytes in base64; no name may occur twice."),
	[JA_ISSUER_EMPTY] = UNUSABLE("argument \"issuer\" is empty",
								 "Pass the \"iss\" of the issuer's tokens."),
	[JA_ISSUER_LONG] = UNUSABLE("argument \"issuer\" is too long",
								"An issuer may have at most 1024 bytes."),
	[JA_ISSUER_OWN] = UNUSABLE("jwt_auth.issuer cannot be trusted as another issuer",
							   "Its tokens are verified with the keys of this database."),
	[JA_ISSUER_AUDIENCE_NULL] = UNUSABLE("argument \"audience\" must not be null", AUDIENCE_NEEDED),
	[JA_ISSUER_AUDIENCE_EMPTY] = UNUSABLE("argument \"audience\" is empty", AUDIENCE_NEEDED),
	[JA_ISSUER_AUDIENCE_LONG] = UNUSABLE("argument \"audience\" is too long",
										 "An audience may have at most 1024 bytes."),
	[JA_ISSUER_ROLES] = UNUSABLE("argument \"roles\" must be an array without nulls", NULL),
	[JA_ISSUER_PRIVATE] = UNUSABLE("the JWK Set contains a private key",
								   "Pass the public half of each key, and tell the issuer that this private key has leaked."),
	[JA_ISSUER_SECRET_ALGORITHM] = UNUSABLE("a secret of an issuer must name its algorithm",
											"Add \"alg\" to each JWK of type oct."),
	[JA_ISSUER_UNKNOWN] = UNUSABLE("this issuer is not trusted", NULL),
	[JA_ISSUER_AUDIENCE_NONE] = UNUSABLE("argument \"audience\" must be null if the option \"audience\" is none",
										 "The option says that the issuer's tokens carry no \"aud\"."),
	[JA_ISSUER_ANONYMOUS] = UNUSABLE("another issuer whose tokens carry no \"iss\" is already trusted",
									 "There can be at most one; remove the other with jwt_distrust_issuer() first."),
	[JA_ISSUER_OPTION_UNKNOWN] = UNUSABLE("unknown option for an issuer",
										  "Options are audiences, audience_claim, token_use, scope_claim, role_claim, default_role, jwks_uri, issuer and audience."),
	[JA_ISSUER_OPTION_VALUE] = UNUSABLE("the options of the issuer are unusable",
										"They are a JSON object: audiences, token_use and role_claim are a string or an array of strings, scope_claim and default_role a string, audience_claim is aud, client_id or azp, jwks_uri starts with https://, issuer and audience are none; \"audience\": \"none\" excludes audiences and audience_claim."),
	[JA_ISSUER_PROVIDER] = UNUSABLE("ID tokens of an identity provider would be accepted as identities",
									"Trust the issuer with an audience that is none of the client IDs given to jwt_add_provider()."),
	[JA_PROVIDER_NAME] = UNUSABLE("the name of the provider is not usable",
								  "Use 1 to 63 of the characters a to z, 0 to 9, underscore and hyphen."),
	[JA_PROVIDER_OWN] = UNUSABLE("jwt_auth.issuer cannot be an identity provider",
								 "Its tokens are those of this database."),
	[JA_PROVIDER_CLIENT_IDS] = UNUSABLE("client_ids is not usable",
										"List the 1 to 64 client IDs that the provider gave your applications, each of up to 1024 bytes."),
	[JA_PROVIDER_SECRET] = UNUSABLE("the keys of a provider must be public keys",
									"Have the provider sign ID tokens with RS256, ES256 or EdDSA; a client secret signs for everybody who has it."),
	[JA_PROVIDER_TENANTS] = UNUSABLE("the issuer stands for many tenants, and none is listed",
									 "List the values of \"tid\" that are accepted in the option tenants."),
	[JA_PROVIDER_TRUSTED] = UNUSABLE("ID tokens of this provider would be accepted as identities",
									 "Its issuer is trusted with one of the client IDs as audience: change that with jwt_trust_issuer() first."),
	[JA_PROVIDER_UNKNOWN] = UNUSABLE("there is no such provider", NULL),
	[JA_PROVIDER_OPTION_UNKNOWN] = UNUSABLE("unknown option for a provider",
											"Options are nonce, email, domains, linking, sign_up, tenants, aal2_acr, aal2_amr and jwks_uri."),
	[JA_PROVIDER_OPTION_VALUE] = UNUSABLE("the options of the provider are unusable",
										  "They are a JSON object: nonce is plain, sha256 or none; email is claim, domains or never, and domains are listed for domains only; linking is ask, never or verified; sign_up is true or false; domains, tenants, aal2_acr and aal2_amr are a string or an array of strings; jwks_uri starts with https://."),

	[JA_ACCOUNT_NAME_TAKEN] = {
		ERRCODE_UNIQUE_VIOLATION, "this username, e-mail address or phone number is taken", NULL,
		"Names are compared in NFKC, ignoring case and surrounding spaces; jwt_find_user() returns the id of the user who has it.", NULL
	},
	[JA_ACCOUNT_ID_TAKEN] = {
		ERRCODE_UNIQUE_VIOLATION, "this id belongs to a user, or to one who was deleted", NULL,
		"Ids are not used again: tokens of deleted users name them. Without user_id, one is generated.", NULL
	},
	[JA_ACCOUNT_UNKNOWN] = UNUSABLE("there is no user with this id",
									"jwt_find_user() returns the id of a username, an e-mail address or a phone number."),
	[JA_ACCOUNT_ANONYMOUS] = UNUSABLE("the user is anonymous",
									  "Anonymous users get a way to log in by jwt_sign_up() with their identity, and by nothing else."),
	[JA_ACCOUNT_BUSY] = {
		ERRCODE_LOCK_NOT_AVAILABLE, "a login attempt on this user has not ended", NULL,
		"Try again, or end the transaction that holds the lock: SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 19009.", NULL
	},
	[JA_ACCOUNT_BAN_PAST] = UNUSABLE("the ban would have ended already",
									 "Give a time in the future, or NULL for a ban without end."),
	[JA_ACCOUNT_ROLE_UNKNOWN] = UNUSABLE("there is no such role",
										 "Create it with CREATE ROLE first."),
	[JA_ACCOUNT_ROLE_POWERFUL] = UNUSABLE("this role is a superuser or bypasses row-level security",
										  "Tokens must name a role that policies apply to."),
	[JA_ACCOUNT_CLAIMS_RESERVED] = UNUSABLE("claims contain a reserved name",
											"Only jwt_auth sets iss, sub, aud, exp, nbf, iat, jti, sid, role, token_use, cnf, act, may_act, azp, client_id, credential_id, anonymous, api_token, aal, acr, amr, auth_time, nonce and at_hash."),
	[JA_ACCOUNT_CLAIMS_LARGE] = UNUSABLE("claims are too large",
										 "A user's claims are included in each access token, so they may have at most 8 kB."),
	[JA_ACCOUNT_METHODS] = UNUSABLE("amr contains an unusable name",
									"Name up to 16 methods, such as pwd, otp or hwk (RFC 8176), each of up to 64 letters, digits, dots, hyphens and underscores."),
	[JA_ACCOUNT_FACTOR_NAME] = UNUSABLE("name is not usable",
										"Use 1 to 100 characters, or NULL for none."),
	[JA_ACCOUNT_MFA_ENROLLMENT] = UNUSABLE("mfa_enrollment is not known",
										   "Use optional or required, or an empty text for what jwt_auth.mfa_enrollment says."),
	[JA_ACCOUNT_SCOPE] = UNUSABLE("scope is not known",
								  "Use local, others or global."),
	[JA_ACCOUNT_PURPOSE] = UNUSABLE("purpose is not known",
									"Use recovery or login."),
	[JA_SIGN_UP_OFF] = UNREADY("sign-up is turned off",
							   "To turn it on, set jwt_auth.sign_up to on."),
	[JA_SIGN_UP_ROLE] = UNREADY("the role of users who sign up cannot be used",
								"jwt_auth.sign_up_role must name a role that exists and that policies apply to."),
	[JA_ANONYMOUS_OFF] = UNREADY("anonymous sign-up is turned off",
								 "To turn it on, set jwt_auth.anonymous_sign_up to on."),
	[JA_ANONYMOUS_ROLE] = UNREADY("the role of anonymous users cannot be used",
								  "jwt_auth.anonymous_role must name a role that exists and that policies apply to."),
	[JA_ANONYMOUS] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "the user is anonymous", NULL,
		"First sign up with this identity.", NULL
	},
	[JA_SIGN_UP_DATA] = UNUSABLE("data must be a JSON object of at most 8 kB",
								 "It is for the function that jwt_auth.sign_up_function names."),
	[JA_INVITATION_UNKNOWN] = UNUSABLE("there is no invitation with this id that could be accepted",
									   "jwt_invite() returns the ids; an invitation can be accepted once, until it expires."),
	[JA_FACTOR_TOO_MANY] = UNUSABLE("too many factors",
									"Remove one that is no longer used, or wait until those that were not confirmed expire."),
	[JA_API_TOKEN_SCOPE_FORM] = UNUSABLE("scope is not a list of scopes",
										 "Write scopes with one space between two of them (RFC 6749 section 3.3), or an empty text for a token without scopes."),
	[JA_API_TOKEN_SCOPE] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "the API token would have a scope that its user lacks", NULL,
		"A token may have the scopes of the current identity, or fewer.", NULL
	},
	[JA_API_TOKEN_TOO_MANY] = UNUSABLE("too many API tokens",
									   "Revoke one that is no longer used, or wait until one expires."),
	[JA_CLIENT_UNKNOWN] = UNUSABLE("there is no such client, or it has no secret",
								   "The table jwt_auth.clients lists all clients; one with keys of its own has no secret."),
	[JA_CLIENT_OPTION_UNKNOWN] = UNUSABLE("unknown option for a client",
										  "Options are role, scope and jwks."),
	[JA_CLIENT_OPTION_VALUE] = UNUSABLE("the options of the client are unusable",
										"They are a JSON object: role is a string, scope a list of scopes with one space between two of them, and jwks a JWK Set."),
	[JA_CLIENT_SECRET_KEY] = UNUSABLE("the keys of a client must be public keys",
									  "Leave out jwks: the client then gets a secret."),
	[JA_CLIENT_ISSUER_UNSET] = UNREADY("jwt_auth.issuer is not set",
									   "Clients need to know it, and name it in what they sign: ALTER DATABASE ... SET jwt_auth.issuer = 'https://...'."),
	[JA_MESSAGE_COUNT] = UNUSABLE("max_messages is out of range",
								  "Claim 1 to 1000 messages at a time."),
	[JA_MESSAGE_UNKNOWN] = UNUSABLE("there is no message with this id",
									"jwt_outbox_claim() returns the ids; jwt_purge() deletes messages that expired."),
	[JA_HOOK_NAME] = UNREADY("the name of a hook function is not qualified",
							 "Include the schema in jwt_auth.claims_function, jwt_auth.password_check_function and jwt_auth.sign_up_function."),
	[JA_HOOK_MISSING] = UNREADY("there is no such hook function",
								"Its schema in this database has no function of that name with any arguments either: create it, or correct the name in the setting."),
	[JA_HOOK_ARGUMENTS] = UNREADY("the hook function takes other arguments",
								  "jwt_auth.claims_function must name f(uuid, jsonb), jwt_auth.password_check_function f(text, text), jwt_auth.sign_up_function f(text, text, jsonb)."),
	[JA_HOOK_KIND] = UNREADY("the hook function is not a plain function",
							 "It must not be a procedure, an aggregate or a window function, and must not return a set."),
	[JA_HOOK_RESULT] = UNREADY("the hook function returns another type",
							   "jwt_auth.claims_function and jwt_auth.sign_up_function must return jsonb, jwt_auth.password_check_function text."),
	[JA_HOOK_OWNER] = UNREADY("the owner of the hook function is not trusted",
							  "Make a superuser or the owner of the table jwt_auth.users its owner, with ALTER FUNCTION ... OWNER TO."),
	[JA_HOOK_CLAIMS] = {
		ERRCODE_EXTERNAL_ROUTINE_EXCEPTION, "the claims function failed", NULL,
		"The reason is in the server log.", NULL
	},
	[JA_HOOK_PASSWORD] = {
		ERRCODE_EXTERNAL_ROUTINE_EXCEPTION, "the password check function failed", NULL,
		"The reason is in the server log.", NULL
	},
	[JA_HOOK_SIGN_UP] = {
		ERRCODE_EXTERNAL_ROUTINE_EXCEPTION, "the sign-up function failed", NULL,
		"The reason is in the server log.", NULL
	},
	[JA_NOT_AUTHENTICATED] = {
		JA_SQLSTATE_UNAUTHENTICATED, "not authenticated", NULL,
		"This needs an access token of a user of this database.", NULL
	},
	[JA_IMPERSONATED] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "somebody else acts as this user", NULL,
		"Only the user changes how to log in, or begins and ends other sessions; jwt_actor() tells who acts.", NULL
	},
	[JA_IMPERSONATION_REASON] = UNUSABLE("there is no reason to act as the user",
										 "Say why; it is written to the audit log."),
	[JA_NOT_IN_PERSON] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "an API token may not do this", NULL,
		"It may use the application, but not change an account: log in.", NULL
	},
	[JA_ASSURANCE_LEVEL] = UNUSABLE("level is not known",
									"Use 1 or 2."),
	[JA_ASSURANCE_INSUFFICIENT] = {
		JA_SQLSTATE_INSUFFICIENT, "stronger or more recent authentication is required", NULL,
		"Authenticate again, with a second factor where the level is 2.", NULL
	},
	[JA_SCOPE_MISSING] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "the token lacks the required scope", NULL,
		"Ask the issuer for a token with that scope.", NULL
	},
	[JA_ROLE_MISSING] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "the token names no role that can be assumed", NULL,
		"Give the user a role with jwt_update_user(), or list the role in jwt_trust_issuer().", NULL
	},
	[JA_ROLE_POWERFUL] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "the role of the token is a superuser or bypasses row-level security", NULL,
		"Such roles are never assumed for a token.", NULL
	},
	[JA_ROLE_FORBIDDEN] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, "the session user may not assume the role of the token", NULL,
		"GRANT the role to the role that the application connects as.", NULL
	},
	[JA_POSTGREST_NO_KEY] = UNREADY("there is no key that PostgREST can verify with",
									"PostgREST verifies ES256, ES384, ES512, RS256 and EdDSA: create a key with jwt_create_key('ES256')."),

	[JA_CRYPTO] = {
		ERRCODE_EXTERNAL_ROUTINE_EXCEPTION, "a cryptographic operation failed", NULL,
		"OpenSSL refused an operation that should succeed; check the server log and the configuration of OpenSSL.", NULL
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
