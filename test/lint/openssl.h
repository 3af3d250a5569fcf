/*
 * Included after postgres.h, which asks OpenSSL for the API of version 1, and
 * before OpenSSL's headers: nothing that version 3 deprecates is declared.
 */
#undef OPENSSL_API_COMPAT
#define OPENSSL_API_COMPAT 30000
#define OPENSSL_NO_DEPRECATED
