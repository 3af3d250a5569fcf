/*-------------------------------------------------------------------------
 *
 * assurance.c
 *	  The level and time of a user's authentication: the claims aal, acr and
 *	  auth_time (OpenID Connect Core section 2, RFC 9470).
 *
 * Only tokens of our sessions carry an assurance; whoever asks sees to it that
 * the claims are of one.  What the token says was so when it was issued.  What
 * the session says is so now, and the lower of both counts: a factor that was
 * removed counts no more, and a step up shows in new tokens only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "base/settings.h"
#include "base/time.h"
#include "token/assurance.h"
#include "token/claims.h"

/* What the row of a session says. */
JaAssurance
ja_assurance_read(const JaScan *session)
{
	bool		stepped_up = !ja_scan_is_null(session, Anum_sessions_auth_time);

	return (JaAssurance) {
		.level = ja_scan_integer(session, Anum_sessions_aal),
		.proved_at = ja_scan_time(session, stepped_up ? Anum_sessions_auth_time :
								  Anum_sessions_created_at)
	};
}

/* Reads a claim that is a number within bounds. */
static bool
read_number(const JsonbContainer *claims, const char *name, double lowest, double highest,
			double *number)
{
	JsonbValue	value;

	if (!ja_json_member(claims, name, &value) || value.type != jbvNumeric)
		return false;
	*number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												 NumericGetDatum(value.val.numeric)));
	return *number >= lowest && *number <= highest;
}

/* The level that is left at a time: the second lasts for jwt_auth.aal2_lifetime. */
int
ja_assurance_level(const JaAssurance *assurance, TimestampTz now)
{
	TimestampTz end = ja_seconds_from(assurance->proved_at, ja_settings.aal2_lifetime_seconds);

	return assurance->level >= JA_AAL2 && now < end ? JA_AAL2 : JA_AAL1;
}

/*
 * What the claims of a session's token and the session itself, unless that is
 * NULL, say together of a time.  False for a token that says nothing.
 */
bool
ja_assurance_find(const JsonbContainer *claims, const JaAssurance *session,
				  TimestampTz now, JaAssurance *assurance)
{
	double		level;
	double		seconds;

	if (!read_number(claims, "aal", JA_AAL1, JA_AAL2, &level) ||
		!read_number(claims, "auth_time", 0, JA_CLAIMS_LATEST_DATE, &seconds))
		return false;
	assurance->level = (int) level;
	assurance->proved_at = ja_claims_time(seconds);
	if (session != NULL)
	{
		assurance->level = Min(assurance->level, session->level);
		assurance->proved_at = Min(assurance->proved_at, session->proved_at);
	}
	assurance->level = ja_assurance_level(assurance, now);
	return true;
}

/* Adds the claims to an object. */
void
ja_assurance_add(JaJsonState *state, const JaAssurance *assurance)
{
	ja_json_add_integer(state, "aal", assurance->level);
	ja_json_add_string(state, "acr", assurance->level == JA_AAL2 ? "aal2" : "aal1", 4);
	ja_json_add_integer(state, "auth_time", (int64) ja_claims_seconds(assurance->proved_at));
}
