/*-------------------------------------------------------------------------
 *
 * publication.c
 *	  What a database publishes for those who open connections with its tokens.
 *
 * The worker of the database writes a JWK Set with its public keys, issuer and
 * audience into shared memory, again and again, and soon after keys have changed.
 * Whoever owns jwt_auth.keys says what is in it, so that each key is read and
 * written anew: only known public members get there.
 *
 * What is old opens no connection, since nobody knows whether a key of it has been
 * revoked since.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "connection/public_keys.h"
#include "connection/publication.h"
#include "jose/jwk.h"
#include "keyring/jwks.h"
#include "shared/connection_board.h"

/* How old a publication may be: some visits of the worker may fail, or take long. */
#define GOOD_NAPTIMES 5
#define MIN_GOOD_SECONDS 30

/*
 * Whether keys are to be published: connections are opened by tokens, and there is
 * no file of keys.  A name that only contains ours makes the worker publish in vain.
 */
bool
ja_publication_is_configured(void)
{
	/* Before PostgreSQL 18 there is no such setting. */
	const char *libraries = GetConfigOption("oauth_validator_libraries", true, false);

	return libraries != NULL && strstr(libraries, "jwt_auth") != NULL &&
		!ja_public_keys_are_configured();
}

static bool is_wanted_at_commit = false;

static void
note_transaction_end(XactEvent event, void *argument pg_attribute_unused())
{
	if (event == XACT_EVENT_COMMIT && is_wanted_at_commit)
		ja_connection_board_want();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		is_wanted_at_commit = false;
}

/*
 * Has the keys of this database published anew as soon as the running transaction
 * has committed.
 */
void
ja_publication_want_at_commit(void)
{
	static bool is_registered = false;

	if (!ja_connection_board_exists() || !ja_publication_is_configured())
		return;
	if (!is_registered)
		RegisterXactCallback(note_transaction_end, NULL);
	is_registered = true;
	is_wanted_at_commit = true;
}

/* Writes an element of jwt_jwks() anew; NULL where no token of it can open a connection. */
static Jsonb *
rewrite_key(const JsonbValue *element)
{
	JaKey	   *key;
	Jsonb	   *jwk;

	if (element->type != jbvBinary ||
		ja_jwk_read(element->val.binary.data, &key) != JA_OK || !ja_public_keys_may_hold(key) ||
		ja_jwk_write(key, false, &jwk) != JA_OK)
		return NULL;
	return jwk;
}

static void
add_setting(JaJsonState *state, const char *name, const char *value)
{
	JaString	text = ja_settings_text(value);

	if (text.data != NULL)
		ja_json_add_string(state, name, text.data, text.length);
}

/* Appends the document with these keys, in UTF-8. */
static JaStatus
write_document(const List *keys, StringInfo out)
{
	JaJsonState state = {0};

	ja_keyset_begin(&state);
	for (int i = 0; i < list_length(keys); i++)
		ja_keyset_add(&state, list_nth(keys, i));
	ja_json_push(&state, WJB_END_ARRAY, NULL);
	add_setting(&state, "issuer", ja_settings.issuer);
	add_setting(&state, "audience", ja_settings.audience);
	return ja_json_write(&ja_json_end_object(&state)->root, out);
}

/*
 * The keys that fit beside so many bytes, the active one first, in the current memory
 * context; says whether some do not.  It does not look at any number of them, and one
 * that cannot be written keeps no other from being published.
 */
static List *
choose_keys(int used, bool *is_cut)
{
	List	   *keys = NIL;
	JsonbValue	value;
	JsonbContainer *array;

	ja_json_member(&ja_jwks_make()->root, "keys", &value);
	array = ja_json_array(&value);
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		Jsonb	   *jwk = rewrite_key(getIthJsonbValueFromContainer(array, i));
		StringInfoData text;

		CHECK_FOR_INTERRUPTS();
		initStringInfo(&text);
		if (jwk == NULL || ja_json_write(&jwk->root, &text) != JA_OK)
			continue;
		if (used + text.len + 1 <= JA_PUBLICATION_BYTES && list_length(keys) < JA_MAX_KEYS)
		{
			keys = lappend(keys, jwk);
			used += text.len + 1;
		}
		else
			*is_cut = true;
		if (*is_cut && i >= JA_MAX_KEYS)
			break;
	}
	return keys;
}

/* Writes what the tables and settings say now, in the current memory context. */
static JaPublication *
make_publication(void)
{
	JaPublication *publication = palloc0(sizeof(JaPublication));
	StringInfoData document;
	List	   *keys;

	publication->at = GetCurrentTimestamp();
	initStringInfo(&document);
	ja_check(write_document(NIL, &document));
	keys = choose_keys(document.len, &publication->is_cut);
	resetStringInfo(&document);
	ja_check(write_document(keys, &document));
	if (document.len > JA_PUBLICATION_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("jwt_auth.issuer and jwt_auth.audience are too long to be published for connections")));
	memcpy(publication->document, document.data, document.len);
	publication->length = document.len;
	return publication;
}

/*
 * Publishes for this database.  Raises 54000 where there is no room, or what is
 * wrong with a text; what it published before is then soon out of date.
 */
void
ja_publication_publish(void)
{
	/* What changes from now on is wanted anew. */
	ja_connection_board_drop_want(MyDatabaseId);
	if (!ja_connection_board_put(make_publication()))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many databases publish keys for connections"),
				 errhint("Name fewer databases in jwt_auth.worker_databases, or set jwt_auth.oauth_jwks_file.")));
}

/* Whether it is too old, or from the future, as after a clock was set back. */
static bool
is_stale(const JaPublication *publication)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		good_seconds = Max(GOOD_NAPTIMES * (int64) ja_settings.worker_naptime_seconds,
								   MIN_GOOD_SECONDS);

	return publication->at > now || publication->at < now - good_seconds * USECS_PER_SEC;
}

/*
 * Reads what a database publishes into the current memory context.  Fails with
 * JA_PUBLICATION_....
 */
JaStatus
ja_publication_read(Oid database, JaPublished *published)
{
	JaPublication *publication = palloc(sizeof(JaPublication));
	Jsonb	   *json;

	if (!ja_connection_board_exists())
		return JA_PUBLICATION_OFF;
	if (!ja_connection_board_read(database, publication))
		return JA_PUBLICATION_MISSING;
	if (is_stale(publication))
		return JA_PUBLICATION_STALE;
	if (ja_json_parse_object((uint8 *) publication->document, publication->length, NULL, 0,
							 &json) != JA_OK ||
		ja_keyset_read(&json->root, &published->keys) != JA_OK)
		return JA_PUBLICATION_MISSING;
	if (ja_json_string(&json->root, "issuer", &published->issuer) != JA_PRESENT)
		return JA_PUBLICATION_ISSUER;
	if (ja_json_string(&json->root, "audience", &published->audience) != JA_PRESENT)
		published->audience = (JaString) {NULL, 0};
	published->is_cut = publication->is_cut;
	return JA_OK;
}
