/*-------------------------------------------------------------------------
 *
 * fetch.h
 *	  What the library jwt_auth_fetch offers: one document over HTTPS.
 *
 * The library is the only one that is linked with libcurl.  Whoever fetches
 * loads it then, by load_external_function(); sessions never do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_FETCH_H
#define JA_FETCH_H

typedef struct JaFetchRequest
{
	const char *url;
	const char *ca_file;		/* NULL: the system's authorities */
	int			timeout_ms;		/* of the whole, name resolution included */
	size_t		max_bytes;		/* of the document */
} JaFetchRequest;

/* Either a body, with a NUL after it, or what went wrong. */
typedef struct JaFetchAnswer
{
	char	   *body;
	size_t		length;
	char	   *error;			/* printable ASCII, for operators; or NULL */
} JaFetchAnswer;

/* What load_external_function() returns for "ja_fetch" */
typedef void (*JaFetchFunction) (const JaFetchRequest *request, JaFetchAnswer *answer);

extern PGDLLEXPORT void ja_fetch(const JaFetchRequest *request, JaFetchAnswer *answer);

#endif							/* JA_FETCH_H */
