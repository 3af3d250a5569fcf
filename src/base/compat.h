/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Everything that differs between PostgreSQL 15 and later majors.
 *
 * This is the one file that may ask for a version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_COMPAT_H
#define JA_COMPAT_H

#include <openssl/crypto.h>

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#endif
#if PG_VERSION_NUM >= 170000
#include "storage/procnumber.h"
#else
#include "storage/backendid.h"
#endif
#include "utils/elog.h"
#include "utils/float.h"
#include "utils/guc_tables.h"
#include "utils/jsonb.h"

/* Semantic actions of the JSON parser return a result since 16. */
#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType JaJsonAction;

#define JA_JSON_CONTINUE return JSON_SUCCESS
#else
typedef void JaJsonAction;

#define JA_JSON_CONTINUE return
#endif

/* The lexer context is handed in and freed explicitly since 17. */
static inline JsonLexContext *
ja_json_lexer_create(const char *json, size_t length)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, json, length,
										GetDatabaseEncoding(), true);
#else
	return makeJsonLexContextCstringLen((char *) json, (int) length,
										GetDatabaseEncoding(), true);
#endif
}

/* Its buffer holds the string that was read last, which may be a secret. */
static inline void
ja_json_lexer_free(JsonLexContext *lexer, bool is_secret)
{
	if (is_secret)
		OPENSSL_cleanse(lexer->strval->data, lexer->strval->len);
#if PG_VERSION_NUM >= 170000
	freeJsonLexContext(lexer);
#else
	pfree(lexer->strval->data);
	pfree(lexer->strval);
	pfree(lexer);
#endif
}

/* What builds a jsonb is one structure since 19. */
#if PG_VERSION_NUM >= 190000
typedef JsonbInState JaJsonState;
#else
typedef struct JaJsonState
{
	JsonbValue *result;			/* NULL until complete */
	JsonbParseState *parseState;
} JaJsonState;
#endif

/* Adds a part to what is built; the state was zero before the first. */
static inline void
ja_json_push(JaJsonState *state, JsonbIteratorToken token, JsonbValue *value)
{
#if PG_VERSION_NUM >= 190000
	pushJsonbValue(state, token, value);
#else
	state->result = pushJsonbValue(&state->parseState, token, value);
#endif
}

/*
 * Reads a double as float8in() does; false where that would raise.  Soft
 * errors have a context of their own since 16.
 */
static inline bool
ja_float8_in(char *string, double *number)
{
#if PG_VERSION_NUM >= 160000
	ErrorSaveContext context = {.type = T_ErrorSaveContext};

	*number = float8in_internal(string, NULL, "double precision", string, (Node *) &context);
	return !context.error_occurred;
#else
	bool		failed = false;

	*number = float8in_internal_opt_error(string, NULL, "double precision", string, &failed);
	return !failed;
#endif
}

/* Names are parsed softly if asked to since 16. */
#if PG_VERSION_NUM >= 160000
#define JA_QUALIFIED_NAME(text) stringToQualifiedNameList(text, NULL)
#else
#define JA_QUALIFIED_NAME(text) stringToQualifiedNameList(text)
#endif

/* The list of all settings comes with its length since 16. */
static inline struct config_generic **
ja_guc_variables(int *count)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(count);
#else
	*count = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* Membership and the right to SET ROLE are two things since 16. */
#if PG_VERSION_NUM >= 160000
#define JA_MAY_SET_ROLE(member, role) member_can_set_role(member, role)
#else
#define JA_MAY_SET_ROLE(member, role) is_member_of_role(member, role)
#endif

/*
 * The backend's number from 0 to MaxBackends - 1, or one beyond these if it
 * is no backend with a database.
 */
#if PG_VERSION_NUM >= 170000
#define JA_BACKEND_SLOT MyProcNumber
#else
#define JA_BACKEND_SLOT (MyBackendId - 1)
#endif

/* The entries of pg_stat_activity, counted from 1, have a name of their own since 16. */
#if PG_VERSION_NUM >= 160000
#define JA_BACKEND_STATUS(index) pgstat_get_local_beentry_by_index(index)
#else
#define JA_BACKEND_STATUS(index) pgstat_fetch_stat_local_beentry(index)
#endif

/* A set of events belongs to a memory context, and since 17 to a resource owner or to nobody. */
#if PG_VERSION_NUM >= 170000
#define JA_CREATE_WAIT_EVENT_SET(count) CreateWaitEventSet(NULL, count)
#else
#define JA_CREATE_WAIT_EVENT_SET(count) CreateWaitEventSet(CurrentMemoryContext, count)
#endif

/* It stands before a declaration since 18. */
#if PG_VERSION_NUM >= 180000
#define JA_NORETURN pg_noreturn
#else
#define JA_NORETURN pg_attribute_noreturn()
#endif

/* A token can open a connection since 18. */
#if PG_VERSION_NUM >= 180000
#define JA_HAS_OAUTH_VALIDATORS
#endif

/* log_min_messages is a setting per kind of process since 19. */
#if PG_VERSION_NUM >= 190000
#define JA_LOGS_DEBUG1() (log_min_messages[MyBackendType] <= DEBUG1)
#else
#define JA_LOGS_DEBUG1() (log_min_messages <= DEBUG1)
#endif

#endif							/* JA_COMPAT_H */
