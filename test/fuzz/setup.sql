-- The function that fuzzes, and the keys that tokens are verified with.  Fed
-- to "postgres --single -j", where an empty line ends a statement.

CREATE FUNCTION jwt_auth_fuzz(target text, options text[], secrets jsonb, public_keys jsonb,
	cpu_seconds integer, wall_seconds integer)
RETURNS void LANGUAGE c AS '$libdir/jwt_auth_fuzz';

CREATE TABLE key_set (name text PRIMARY KEY, jwks jsonb NOT NULL);

-- RFC 7515 A.1, and one key for each way to be chosen; RFC 7515 A.2 to A.4
-- and RFC 8037 A.2.
INSERT INTO key_set VALUES
('secrets', '{"keys": [
	{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
	{"kty": "oct", "kid": "k", "alg": "HS256", "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"},
	{"kty": "oct", "kid": "s", "key_ops": ["sign"], "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}]}'),
('public_keys', '{"keys": [
	{"kty": "RSA", "e": "AQAB",
	 "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"},
	{"kty": "EC", "crv": "P-256",
	 "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
	 "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
	{"kty": "EC", "crv": "P-521", "alg": "ES512",
	 "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
	 "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"},
	{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}');

