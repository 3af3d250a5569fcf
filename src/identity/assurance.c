/*-------------------------------------------------------------------------
 *
 * assurance.c
 *	  The level and time of authentication of the user for whom the
 *	  transaction acts.
 *
 * Only a token of a session of this database tells them. What other issuers
 * say about their users does not count, and neither does a token without a
 * session.  Token and session both count, the lower of them; for accessors as of the
 * start of the statement, so that all rows of a statement see the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "base/settings.h"
#include "base/time.h"
#include "identity/assurance.h"
#include "session/session.h"

/* When the statement began, or the transaction if that is later. */
static TimestampTz
statement_start(void)
{
	return Max(GetCurrentStatementStartTimestamp(), GetCurrentTransactionStartTimestamp());
}

static bool
find_assurance(const JaIdentity *identity, TimestampTz at, JaAssurance *assurance)
{
	const JaAssurance *session = ja_settings.check_revocation ? &identity->session_assurance : NULL;

	return identity->is_local_issuer && identity->has_session &&
		ja_assurance_find(&identity->claims->root, session, at, assurance);
}

/* Finds it; false for an identity that says nothing of it. */
bool
ja_identity_assurance(const JaIdentity *identity, JaAssurance *assurance)
{
	return find_assurance(identity, statement_start(), assurance);
}

/* Whether the identity has what is required at a time. */
static bool
has_assurance_at(const JaIdentity *identity, TimestampTz at, const JaRequiredAssurance *required)
{
	JaAssurance assurance;

	if (!find_assurance(identity, at, &assurance) || assurance.level < required->level)
		return false;
	return required->max_age_seconds < 0 ||
		at <= ja_seconds_from(assurance.proved_at, required->max_age_seconds);
}

/* Whether the identity has what is required. */
bool
ja_identity_has_assurance(const JaIdentity *identity, const JaRequiredAssurance *required)
{
	return has_assurance_at(identity, statement_start(), required);
}

/*
 * Raises 28J03 without a token, and 28J04 if it does not do by now: what follows is
 * done once, however long its statement has waited.
 */
void
ja_identity_require_assurance(const JaRequiredAssurance *required)
{
	const JaIdentity *current = ja_identity_current();

	if (current == NULL)
		ja_raise(JA_NOT_AUTHENTICATED);
	if (!has_assurance_at(current, GetCurrentTimestamp(), required))
		ja_raise_insufficient(required->level, required->max_age_seconds);
}

static bool
array_has(ArrayType *array, JaString name)
{
	Datum	   *items;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i] && ja_string_is(name, TextDatumGetCString(items[i])))
			return true;
	}
	return false;
}

/*
 * How the user was authenticated, as the token and the session both say;
 * NULL for an identity that says nothing of it.  In the current memory context.
 */
ArrayType *
ja_identity_methods(const JaIdentity *identity)
{
	ArrayBuildState *methods = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	JsonbContainer *claimed = NULL;
	JsonbValue	value;
	JaAssurance assurance;
	JaSession	session = {.amr = NULL};
	bool		is_checked = ja_settings.check_revocation;

	if (!ja_identity_assurance(identity, &assurance))
		return NULL;
	if (ja_json_member(&identity->claims->root, "amr", &value))
		claimed = ja_json_array(&value);
	if (is_checked && (!ja_session_find(&identity->session, &session) || session.amr == NULL))
		claimed = NULL;
	for (uint32 i = 0; claimed != NULL && i < JsonContainerSize(claimed); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(claimed, i);
		JaString	name = ja_json_text(element);

		if (element->type == jbvString && (!is_checked || array_has(session.amr, name)))
			methods = accumArrayResult(methods,
									   PointerGetDatum(cstring_to_text_with_len(name.data, (int) name.length)),
									   false, TEXTOID, CurrentMemoryContext);
	}
	return DatumGetArrayTypeP(makeArrayResult(methods, CurrentMemoryContext));
}
