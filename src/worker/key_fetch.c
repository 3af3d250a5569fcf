/*-------------------------------------------------------------------------
 *
 * key_fetch.c
 *	  Fetches the JWK Sets of issuers and providers that have a jwks_uri.
 *
 * What is fetched comes from the issuer, whom its administrator trusts with these keys.
 * Who sends tokens cannot have it fetched more often than once a minute.
 *
 * The next attempt's time is committed before an attempt, so that what the server
 * cannot survive or store is not fetched again at once.  While the answer is awaited
 * there is no transaction.  It is stored only where nobody has changed the source in
 * the meantime.  What fails removes nothing, and is shown in jwt_auth.key_fetches.
 *
 * The library that speaks HTTPS is loaded only here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/settings.h"
#include "federation/provider.h"
#include "fetch/fetch.h"
#include "keyring/issuer.h"
#include "jose/keyset.h"
#include "shared/counters.h"
#include "shared/worker_board.h"
#include "store/plan.h"
#include "worker/worker.h"

#define LIBRARY "$libdir/jwt_auth_fetch"
#define FUNCTION "ja_fetch"

/* DROP DATABASE waits for 5 s: a visit that has little of them left fetches next time. */
#define FETCH_MS 4000
#define VISIT_MS 4500
#define LEAST_FETCH_MS 2000

/* How often keys are fetched; the first waits after a failure, which double. */
#define REFRESH_SECONDS 600
#define RETRY_SECONDS 60
#define MAX_RETRY_SECONDS 3600

/* How soon after an attempt keys can be wanted. */
#define WANTED_SECONDS 60

static JaPlan list_sources = {
	.sql = "SELECT s.source, s.name, s.uri, s.updated_at, f.tried_at, f.next_at, COALESCE(f.failures, 0)"
	" FROM (SELECT 0 AS source, i.issuer AS name,"
	" i.options OPERATOR(pg_catalog.->>) 'jwks_uri' AS uri, i.updated_at"
	" FROM jwt_auth.issuers AS i WHERE i.jwks IS NOT NULL"
	" UNION ALL SELECT 1, p.name, p.options OPERATOR(pg_catalog.->>) 'jwks_uri', p.updated_at"
	" FROM jwt_auth.providers AS p) AS s"
	" LEFT JOIN jwt_auth.key_fetches AS f ON f.source OPERATOR(pg_catalog.=)"
	" (CASE WHEN s.source OPERATOR(pg_catalog.=) 0 THEN 'issuer' ELSE 'provider' END)"
	" AND f.name OPERATOR(pg_catalog.=) s.name AND f.uri OPERATOR(pg_catalog.=) s.uri"
	" WHERE s.uri IS NOT NULL ORDER BY f.next_at NULLS FIRST, s.source, s.name"
};

static JaPlan forget_sources = {
	.sql = "DELETE FROM jwt_auth.key_fetches AS f WHERE NOT EXISTS (SELECT FROM jwt_auth.issuers AS i"
	" WHERE f.source OPERATOR(pg_catalog.=) 'issuer' AND i.issuer OPERATOR(pg_catalog.=) f.name"
	" AND i.options OPERATOR(pg_catalog.?) 'jwks_uri')"
	" AND NOT EXISTS (SELECT FROM jwt_auth.providers AS p"
	" WHERE f.source OPERATOR(pg_catalog.=) 'provider' AND p.name OPERATOR(pg_catalog.=) f.name"
	" AND p.options OPERATOR(pg_catalog.?) 'jwks_uri')"
};

/* Until its outcome is known, the attempt counts as one that failed. */
static JaPlan note_attempt = {
	.sql = "INSERT INTO jwt_auth.key_fetches AS f (source, name, uri, tried_at, next_at, failures, error)"
	" VALUES ($1, $2, $3, $4, $5, $6, 'the attempt was interrupted')"
	" ON CONFLICT (source, name) DO UPDATE SET uri = EXCLUDED.uri, tried_at = EXCLUDED.tried_at,"
	" next_at = EXCLUDED.next_at, failures = EXCLUDED.failures, error = EXCLUDED.error,"
	" fetched_at = CASE WHEN f.uri OPERATOR(pg_catalog.=) EXCLUDED.uri THEN f.fetched_at END"
};

static JaPlan note_success = {
	.sql = "UPDATE jwt_auth.key_fetches SET fetched_at = $4, next_at = $5, failures = 0, error = NULL"
	" WHERE source OPERATOR(pg_catalog.=) $1 AND name OPERATOR(pg_catalog.=) $2"
	" AND uri OPERATOR(pg_catalog.=) $3"
};

static JaPlan note_error = {
	.sql = "UPDATE jwt_auth.key_fetches SET error = $4"
	" WHERE source OPERATOR(pg_catalog.=) $1 AND name OPERATOR(pg_catalog.=) $2"
	" AND uri OPERATOR(pg_catalog.=) $3"
};

/* Whose keys are fetched; in the memory of the visit. */
typedef struct Source
{
	JaKeySource source;
	JaString	name;
	JaString	uri;
	TimestampTz updated_at;		/* what was stored then is replaced */
	TimestampTz tried_at;		/* 0: never */
	TimestampTz next_at;		/* 0: now */
	int			failures;		/* in a row */
} Source;

static JaValue
source_value(const Source *source)
{
	return ja_text(source->source == JA_SOURCE_ISSUER ? "issuer" : "provider");
}

static TimestampTz
read_time(uint64 row, int column)
{
	bool		is_null;
	Datum		value = ja_plan_result(row, column, &is_null);

	return is_null ? 0 : DatumGetTimestampTz(value);
}

static Source
read_source(uint64 row)
{
	bool		is_null;

	return (Source)
	{
		.source = (JaKeySource) DatumGetInt32(ja_plan_result(row, 1, &is_null)),
			.name = ja_plan_string(row, 2),
			.uri = ja_plan_string(row, 3),
			.updated_at = read_time(row, 4),
			.tried_at = read_time(row, 5),
			.next_at = read_time(row, 6),
			.failures = DatumGetInt32(ja_plan_result(row, 7, &is_null))
	};
}

/*
 * Whether its time has come, or somebody wants its keys and may.  A clock that was
 * set back does not make it wait.
 */
static bool
is_due(const Source *source, TimestampTz now)
{
	if (source->next_at <= now || source->tried_at > now)
		return true;
	if (!ja_worker_board_is_wanted(source->source, source->name))
		return false;
	if (source->tried_at <= now - WANTED_SECONDS * USECS_PER_SEC)
		return true;
	ja_worker_board_close_want(source->source, source->name, source->tried_at);
	return false;
}

/* Finds the source that has been due for longest, and says how many are. */
static int
find_due(Source *found, TimestampTz now)
{
	uint64		count = ja_plan_run(&list_sources, JA_NO_VALUES);
	int			due = 0;

	for (uint64 i = 0; i < count; i++)
	{
		Source		source = read_source(i);

		if (is_due(&source, now) && due++ == 0)
			*found = source;
	}
	return due;
}

static TimestampTz
next_after_failure(const Source *source, TimestampTz now)
{
	int64		wait = RETRY_SECONDS << Min(source->failures, 6);

	return now + Min(wait, MAX_RETRY_SECONDS) * USECS_PER_SEC;
}

/* Chooses a source and notes the attempt; false if none is due. */
static bool
begin_attempt(JaWorkerRun *run, Source *source)
{
	TimestampTz now = GetCurrentTimestamp();
	JaPlanScope scope;
	int			due;

	if (!ja_worker_begin("looking for keys to fetch"))
		return false;
	ja_plan_begin_in_caller_context(&scope);
	MemoryContextSwitchTo(TopMemoryContext);
	ja_plan_run(&forget_sources, JA_NO_VALUES);
	due = find_due(source, now);
	if (due > 0)
		ja_plan_write_one(&note_attempt,
						  JA_VALUES(source_value(source), ja_string(source->name),
									ja_string(source->uri), ja_time(now),
									ja_time(next_after_failure(source, now)),
									ja_integer(source->failures + 1)));
	ja_plan_end(&scope);
	ja_worker_commit();
	source->tried_at = now;
	run->has_more |= due > 1;
	return due > 0;
}

/* Fetches the document; without transaction. */
static void
fetch_document(const Source *source, int timeout_ms, JaFetchAnswer *answer)
{
	JaString	ca_file = ja_settings_text(ja_settings.fetch_ca_file);
	JaFetchRequest request = {
		.url = source->uri.data,
		.ca_file = ca_file.data,
		.timeout_ms = timeout_ms,
		.max_bytes = JA_MAX_KEYSET_SIZE
	};
	JaFetchFunction fetch = (JaFetchFunction) load_external_function(LIBRARY, FUNCTION, true, NULL);

	pgstat_report_activity(STATE_RUNNING, psprintf("fetching %s", source->uri.data));
	fetch(&request, answer);
	pgstat_report_activity(STATE_IDLE, NULL);
}

static void
store_document(const Source *source, const JaFetchAnswer *answer)
{
	TimestampTz now = GetCurrentTimestamp();
	JaPlanScope scope;
	Jsonb	   *jwks;

	if (!ja_worker_begin("storing keys"))
		return;
	if (ja_json_parse_object((const uint8 *) answer->body, answer->length, NULL, 0, &jwks) != JA_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the document is not a JSON object")));
	if (source->source == JA_SOURCE_ISSUER)
		ja_issuer_store_keys(source->name, jwks, source->updated_at);
	else
		ja_provider_store_keys(source->name, jwks, source->updated_at);
	ja_plan_begin(&scope);
	ja_plan_run(&note_success,
				JA_VALUES(source_value(source), ja_string(source->name), ja_string(source->uri),
						  ja_time(now), ja_time(now + REFRESH_SECONDS * USECS_PER_SEC)));
	ja_plan_end(&scope);
	ja_worker_commit();
}

/* Shows why the attempt failed, and logs it if the one before it did not. */
static void
note_failure(const Source *source, const char *why)
{
	JaPlanScope scope;

	ja_count(JA_COUNT_KEY_FETCHES_FAILED);
	if (!ja_worker_begin("noting an error"))
		return;
	ja_plan_begin(&scope);
	ja_plan_run(&note_error, JA_VALUES(source_value(source), ja_string(source->name),
									   ja_string(source->uri), ja_text(why)));
	ja_plan_end(&scope);
	ja_worker_commit();
	if (source->failures == 0)
		ereport(WARNING,
				(errmsg("jwt_auth worker could not fetch the keys of %s \"%s\" in database \"%s\": %s",
						source->source == JA_SOURCE_ISSUER ? "issuer" : "provider",
						source->name.data, ja_worker_database, why)));
}

/* Fetches and stores; returns what went wrong, or NULL. */
static char *
attempt(const Source *source, int timeout_ms)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *volatile why = NULL;

	PG_TRY();
	{
		JaFetchAnswer answer = {0};

		fetch_document(source, timeout_ms, &answer);
		why = answer.error;
		if (why == NULL)
			store_document(source, &answer);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		why = error->message;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return why;
}

/* Fetches the keys of one source, if any are due and there is time. */
void
ja_worker_fetch(JaWorkerRun *run)
{
	Source		source;
	const char *why;
	int			timeout_ms = Min(FETCH_MS, VISIT_MS - ja_worker_elapsed_ms(run));

	if (timeout_ms < LEAST_FETCH_MS)
		run->has_more = true;
	else if (begin_attempt(run, &source))
	{
		ja_worker_board_close_want(source.source, source.name, source.tried_at);
		ja_count(JA_COUNT_KEY_FETCHES);
		why = attempt(&source, timeout_ms);
		if (why != NULL)
			note_failure(&source, why);
	}
}
