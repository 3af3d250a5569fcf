/*-------------------------------------------------------------------------
 *
 * connection_keys.c
 *	  What is set up wrongly or weakly: the file of keys whose tokens open
 *	  connections.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "connection/public_keys.h"
#include "inspect/inspection.h"

#define REMEDY "Write jwt_jwks() to jwt_auth.oauth_jwks_file after each change of keys."

/* Its remedy follows from what is wrong. */
const JaInspection ja_inspect_connection_file = {
	JA_SEVERITY_ERROR, "the file of keys for connections cannot be used", NULL, {0}
};

/* $1 are the kids of the file. */
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
	{0}
};

/* The kids, in the current memory context.  Fails with JA_JWKS_FILE_.... */
JaStatus
ja_inspect_connection_kids(ArrayType **kids)
{
	JaKeySet   *keys;
	Datum	   *texts;
	JaStatus	status = ja_public_keys_read(&keys);

	if (status != JA_OK)
		return status;
	texts = palloc(sizeof(Datum) * keys->count);
	for (int i = 0; i < keys->count; i++)
		texts[i] = PointerGetDatum(cstring_to_text_with_len(keys->keys[i]->kid.data,
															(int) keys->keys[i]->kid.length));
	*kids = construct_array(texts, keys->count, TEXTOID, -1, false, TYPALIGN_INT);
	return JA_OK;
}
