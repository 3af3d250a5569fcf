/*-------------------------------------------------------------------------
 *
 * sign_up_rule.c
 *	  Who may sign up, and with which role and claims.
 *
 * An attacker controls the data that comes with a sign-up.  It reaches the
 * operator's function and nothing else: roles and claims are what that answers,
 * or the role of the settings.  The function is asked before anybody looks
 * whether the address is known, so that it can't tell.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/sign_up_rule.h"
#include "account/user_attribute.h"
#include "base/error.h"
#include "base/settings.h"
#include "session/access_claims.h"
#include "session/answer.h"
#include "store/hook.h"

static Jsonb *
empty_object(void)
{
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	return ja_json_end_object(&state);
}

/* The role that the settings name; raises 55000 if nobody may have it. */
static const char *
default_role(bool is_anonymous)
{
	const char *role = ja_settings_text(is_anonymous ? ja_settings.anonymous_role :
										ja_settings.sign_up_role).data;

	if (ja_user_attribute_judge_role(role) != JA_OK)
		ja_raise(is_anonymous ? JA_ANONYMOUS_ROLE : JA_SIGN_UP_ROLE);
	return role;
}

/* Reads role and claims where the answer has them; says what is wrong, or NULL. */
static const char *
read_attributes(const JsonbContainer *answer, JaPendingUser *pending)
{
	JsonbValue	value;
	JaString	role;
	uint32		known = 0;
	JaStatus	status;

	if (ja_json_member(answer, "role", &value))
	{
		known++;
		pending->role = NULL;
		if (ja_json_string(answer, "role", &role) == JA_PRESENT)
			pending->role = pnstrdup(role.data, role.length);
		else if (value.type != jbvNull)
			return "role is not a string";
	}
	if (ja_json_member(answer, "claims", &value))
	{
		known++;
		pending->claims = JsonbValueToJsonb(&value);
	}
	if (JsonContainerSize(answer) != known)
		return "a member is none of role, claims and error";
	status = ja_user_attribute_judge_role(pending->role);
	if (status == JA_OK)
		status = ja_access_claims_check(pending->claims);
	return status == JA_OK ? NULL : ja_status_row(status)->message;
}

/* Writes to the server log what the function did wrong, and raises 38000. */
JA_NORETURN static void
raise_misbehaviour(const char *what)
{
	ereport(LOG_SERVER_ONLY,
			(errmsg("jwt_auth: the answer of the sign-up function is not usable: %s", what),
			 errhidestmt(true),
			 errhidecontext(true)));
	ja_raise(JA_HOOK_SIGN_UP);
}

/*
 * Sets role and claims of who signs up, by an address or a provider, or as nobody, or
 * refuses it; data is an object.  Returns NULL, or the answer to a refusal.  Raises
 * 38000 if the function fails.
 */
Jsonb *
ja_sign_up_rule_apply(const char *kind, JaString address, Jsonb *data,
					  JaPendingUser *pending)
{
	Jsonb	   *answer;
	JaString	reason;
	const char *mistake;

	pending->role = default_role(strcmp(kind, JA_SIGN_UP_ANONYMOUS) == 0);
	pending->claims = empty_object();
	answer = ja_hook_judge_sign_up(kind, address, data);
	if (answer == NULL)
		return NULL;
	if (ja_json_string(&answer->root, "error", &reason) == JA_PRESENT)
	{
		reason = ja_hook_reason(reason);
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, pnstrdup(reason.data, reason.length));
	}
	mistake = read_attributes(&answer->root, pending);
	if (mistake != NULL)
		raise_misbehaviour(mistake);
	return NULL;
}
