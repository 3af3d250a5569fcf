/*-------------------------------------------------------------------------
 *
 * connection_keys.c
 *	  What is set up wrongly or weakly: the keys whose tokens open connections, in a
 *	  file or published by the worker.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "connection/public_keys.h"
#include "connection/publication.h"
#include "inspect/inspection.h"

#define REMEDY "Write jwt_jwks() to jwt_auth.oauth_jwks_file after each change of keys, or see why the background worker does not publish them."

/* Their remedies follow from what is wrong. */
static const JaInspection unusable_file = {
	JA_SEVERITY_ERROR, "the file of keys for connections cannot be used", NULL, {0}
};
static const JaInspection unusable_publication = {
	JA_SEVERITY_ERROR, "the keys published for connections cannot be used", NULL, {0}
};

/* $1 are the kids of the keys, and $2 whether some did not fit. */
JaInspection ja_inspect_connection_keys[] = {
	{
		JA_SEVERITY_ERROR, "tokens of a revoked key open connections", REMEDY,
		{
			.sql = "SELECT k.kid::pg_catalog.text FROM jwt_auth.key_states AS k"
			" WHERE k.state OPERATOR(pg_catalog.=) 'revoked'"
			" AND k.kid OPERATOR(pg_catalog.=) ANY ($1)"
		}
	},
	{
		JA_SEVERITY_WARNING, "tokens of the active key open no connections", REMEDY,
		{
			.sql = "SELECT k.kid::pg_catalog.text FROM jwt_auth.key_states AS k"
			" WHERE k.use OPERATOR(pg_catalog.=) 'sig' AND k.state OPERATOR(pg_catalog.=) 'active'"
			" AND k.kid OPERATOR(pg_catalog.<>) ALL ($1)"
		}
	},
	{
		JA_SEVERITY_WARNING, "tokens of a key that is not published open no connections",
		"Retire or revoke keys that are needed no more, or write jwt_jwks() to jwt_auth.oauth_jwks_file: what is published is at most 16 kB.",
		{
			.sql = "SELECT k.kid::pg_catalog.text FROM jwt_auth.keys AS k"
			" WHERE $2 AND k.public_jwk IS NOT NULL AND k.revoked_at IS NULL"
			" AND (k.verify_until IS NULL OR k.verify_until OPERATOR(pg_catalog.>) pg_catalog.statement_timestamp())"
			" AND k.kid OPERATOR(pg_catalog.<>) ALL ($1)"
		}
	},
	{0}
};

static ArrayType *
array_of_kids(const JaKeySet *keys)
{
	Datum	   *texts = palloc(sizeof(Datum) * keys->count);

	for (int i = 0; i < keys->count; i++)
		texts[i] = PointerGetDatum(cstring_to_text_with_len(keys->keys[i]->kid.data,
															(int) keys->keys[i]->kid.length));
	return construct_array(texts, keys->count, TEXTOID, -1, false, TYPALIGN_INT);
}

/* Whether tokens are to open connections, as far as the server's settings tell. */
bool
ja_inspect_connections_are_configured(void)
{
	return ja_public_keys_are_configured() || ja_publication_is_configured();
}

/*
 * The kids of the keys that open connections to this database, in the current memory
 * context.  Fails with JA_JWKS_FILE_... or JA_PUBLICATION_..., and says what to report
 * then, and of which setting.
 */
JaStatus
ja_inspect_connection_kids(JaConnectionKids *kids, JaInspection *unusable, const char **setting)
{
	bool		is_file = ja_public_keys_are_configured();
	JaPublished published = {0};
	JaStatus	status;

	if (is_file)
		status = ja_public_keys_read(&published.keys);
	else
		status = ja_publication_read(MyDatabaseId, &published);
	if (status == JA_OK)
	{
		kids->kids = array_of_kids(published.keys);
		kids->is_cut = published.is_cut;
		return JA_OK;
	}
	*unusable = is_file ? unusable_file : unusable_publication;
	unusable->remedy = ja_status_row(status)->hint;
	*setting = is_file ? "jwt_auth.oauth_jwks_file" : "jwt_auth.worker_databases";
	return status;
}
