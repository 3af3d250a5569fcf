/*-------------------------------------------------------------------------
 *
 * undo.c
 *	  Changes of identifiers: told to the former addresses, and undone by them.
 *
 * An attacker who has got into an account adds an address of their own and removes
 * the user's.  So each change is told to the addresses that there were before, with
 * a link that undoes it, and all changes after it, of which the recipient may not
 * have been told: identifiers are again what they were before the change, and a
 * password, factors, recovery codes and identities at providers that came since then
 * are gone.
 * All sessions end.  What there was before stands in the token's row.
 *
 * The link needs no login, since its recipient may have none any more, and no
 * later change voids it, nor does an undo of a later one.  An undo voids the links
 * of all changes that it undoes: those went to the attacker's addresses, too.  As
 * each change sends messages, there is a limit to how many can be undone at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/former.h"
#include "account/notice.h"
#include "account/outbox.h"
#include "account/redemption.h"
#include "account/undo.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "factor/factor_row.h"
#include "factor/recovery_code.h"
#include "session/answer.h"
#include "session/session_end.h"
#include "store/audit.h"
#include "store/plan.h"
#include "store/wait.h"

/* Changes of a user that can be undone at a time. */
#define MAX_CHANGES 20

static const JaString no_flow = {NULL, 0};

static JaPlan count_changes = {
	.sql = "SELECT pg_catalog.count(DISTINCT data), pg_catalog.min(expires_at)"
	" FROM jwt_auth.one_time_tokens WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND purpose OPERATOR(pg_catalog.=) 'undo' AND consumed_at IS NULL"
	" AND expires_at OPERATOR(pg_catalog.>) $2"
};

/* Of one change and those after it: each raises the version. */
static JaPlan consume_others = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET consumed_at = $3, data = NULL"
	" WHERE user_id OPERATOR(pg_catalog.=) $1 AND purpose OPERATOR(pg_catalog.=) 'undo'"
	" AND consumed_at IS NULL AND credentials_version OPERATOR(pg_catalog.>=) $2"
};

static JaPlan drop_password = {
	.sql = "UPDATE jwt_auth.users SET password_hash = NULL, imported_hash = false,"
	" password_set_at = NULL WHERE id OPERATOR(pg_catalog.=) $1"
	" AND password_set_at OPERATOR(pg_catalog.>) (SELECT t.created_at"
	" FROM jwt_auth.one_time_tokens AS t WHERE t.id OPERATOR(pg_catalog.=) $2)"
};

static JaPlan drop_passkeys = {
	.sql = "DELETE FROM jwt_auth.webauthn_credentials WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND created_at OPERATOR(pg_catalog.>) (SELECT t.created_at"
	" FROM jwt_auth.one_time_tokens AS t WHERE t.id OPERATOR(pg_catalog.=) $2)"
};

/* One that was begun before, but confirmed since, came since. */
static JaPlan drop_factors = {
	.sql = "DELETE FROM jwt_auth.factors WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND COALESCE(confirmed_at, created_at) OPERATOR(pg_catalog.>) (SELECT t.created_at"
	" FROM jwt_auth.one_time_tokens AS t WHERE t.id OPERATOR(pg_catalog.=) $2)"
};

static JaPlan drop_codes = {
	.sql = "DELETE FROM jwt_auth.recovery_codes WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND created_at OPERATOR(pg_catalog.>) (SELECT t.created_at"
	" FROM jwt_auth.one_time_tokens AS t WHERE t.id OPERATOR(pg_catalog.=) $2)"
};

static JaPlan drop_identities = {
	.sql = "DELETE FROM jwt_auth.identities WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND created_at OPERATOR(pg_catalog.>) (SELECT t.created_at"
	" FROM jwt_auth.one_time_tokens AS t WHERE t.id OPERATOR(pg_catalog.=) $2)"
};

/* Seconds until a user may change identifiers again; 0: now. */
int
ja_undo_wait_seconds(const pg_uuid_t *user)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		is_null;
	TimestampTz end;

	ja_plan_run(&count_changes, JA_VALUES(ja_uuid(user), ja_time(now)));
	if (DatumGetInt64(ja_plan_result(0, 1, &is_null)) < MAX_CHANGES)
		return 0;
	end = DatumGetTimestampTz(ja_plan_result(0, 2, &is_null));
	return (int) ((end - now + USECS_PER_SEC - 1) / USECS_PER_SEC);
}

static void
add_change_text(JaJsonState *state, const char *name, const char *text)
{
	ja_json_add_string(state, name, text, strlen(text));
}

/* What the messages' template may show: no identifier. */
static Jsonb *
describe_for_message(const JaIdentifierChange *change)
{
	const JaIdentifier *changed = change->added;
	const char *what = "added";
	JaJsonState state = {0};

	if (change->removed != NULL)
	{
		what = change->added != NULL ? "replaced" : "removed";
		if (change->added == NULL)
			changed = change->removed;
	}
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_change_text(&state, "change", what);
	add_change_text(&state, "kind", ja_identifier_kind_name(changed->kind));
	return ja_json_end_object(&state);
}

static void
offer_to(const JaUser *user, const JaIdentifier *address, Jsonb *data, const Jsonb *shown)
{
	JaOneTimeToken token = {
		.purpose = JA_PURPOSE_UNDO,
		.recipient = ja_identifier_recipient(address->value, address->kind, address->canonical),
		.canonical = address->canonical,
		.data = data
	};

	ja_check(ja_uuid_make(GetCurrentTimestamp(), &token.id));
	ja_one_time_token_create(&token, user, ja_settings.undo_ttl_seconds);
	ja_outbox_add(JA_MESSAGE_IDENTIFIER_CHANGED, address->kind, &token, shown);
}

/*
 * Tells a change to the former addresses, and always to the one that was removed;
 * within a scope of ja_plan_begin(), with the user's row locked.
 */
void
ja_undo_offer(const JaUser *user, const JaIdentifierChange *change)
{
	JaIdentifierKind channel = ja_outbox_notice_channel(change->former, change->former_count);
	Jsonb	   *data = ja_former_write(change->former, change->former_count);
	Jsonb	   *shown = describe_for_message(change);

	if (!ja_notice_is_wanted(JA_MESSAGE_IDENTIFIER_CHANGED) ||
		(change->removed != NULL && !change->removed->is_verified))
		return;
	for (int i = 0; i < change->former_count; i++)
	{
		const JaIdentifier *address = &change->former[i];

		if (address->is_verified && address->kind != JA_IDENTIFIER_USERNAME &&
			(address->kind == channel || address == change->removed))
			offer_to(user, address, data, shown);
	}
}

/* Gives the user what is lacking; false if somebody has some of it. */
static bool
bring_back(const pg_uuid_t *user, const JaFormer *former, int count)
{
	bool		is_whole = true;

	for (int i = 0; i < count; i++)
	{
		JaIdentifier found;
		pg_uuid_t	owner;

		if (ja_identifier_find(ja_former_canonical(&former[i]), &owner, &found) &&
			ja_uuid_equals(&owner, user))
			continue;
		is_whole = ja_identifier_attach(user, former[i].value, &former[i].canonical) && is_whole;
	}
	return is_whole;
}

static bool
was_former(JaString canonical, const JaFormer *former, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (ja_string_equals(ja_former_canonical(&former[i]), canonical))
			return true;
	}
	return false;
}

/* Takes from the user what came since; false if the last way in had to stay. */
static bool
take_away(const JaUser *user, const JaFormer *former, int count)
{
	JaIdentifier *identifiers;
	int			found = ja_identifier_list(&user->id, &identifiers);
	bool		is_whole = true;

	for (int i = 0; i < found; i++)
	{
		if (!identifiers[i].is_verified || was_former(identifiers[i].canonical, former, count))
			continue;
		if (ja_identifier_is_last(identifiers[i].canonical, identifiers, found,
								  user->hash.text.data != NULL))
		{
			is_whole = false;
			continue;
		}
		ja_identifier_detach(&user->id, &identifiers[i]);
		identifiers[i].is_verified = false;
	}
	return is_whole;
}

/*
 * Drops a password, factors, recovery codes and identities that came since the token was
 * made; without a factor that they could stand in for, all codes.
 */
static void
drop_proofs(const JaRedemption *redemption)
{
	JaValue		user = ja_uuid(&redemption->user.id);
	JaValue		token = ja_uuid(&redemption->token.id);
	JaWait		wait;

	ja_wait_begin(&wait);
	ja_plan_run_on_latest(&drop_password, JA_VALUES(user, token));
	ja_plan_run_on_latest(&drop_passkeys, JA_VALUES(user, token));
	ja_plan_run_on_latest(&drop_factors, JA_VALUES(user, token));
	ja_plan_run_on_latest(&drop_codes, JA_VALUES(user, token));
	ja_plan_run_on_latest(&drop_identities, JA_VALUES(user, token));
	ja_wait_end(&wait);
	if (!ja_factor_is_enrolled(&redemption->user.id))
		ja_recovery_codes_delete(&redemption->user.id);
}

/* Undoes as much of the changes as can be; whether that is all of them. */
static bool
undo_changes(JaRedemption *redemption)
{
	JaUser	   *user = &redemption->user;
	JaFormer   *former;
	int			count = ja_former_read(redemption->token.data, &former);
	bool		is_whole;

	drop_proofs(redemption);
	if (!ja_user_lock_by_id(&redemption->token.user, user))
		elog(ERROR, "a user whose row is locked does not exist");
	is_whole = bring_back(&user->id, former, count);
	return take_away(user, former, count) && is_whole;
}

static Jsonb *
describe_undoing(void)
{
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_change_text(&state, "change", "undone");
	return ja_json_end_object(&state);
}

/* What follows for the user, whose row is locked. */
static Jsonb *
finish_undo(JaRedemption *redemption)
{
	const pg_uuid_t *user = &redemption->user.id;
	JaWait		wait;
	bool		is_whole;

	ja_wait_begin(&wait);
	ja_plan_run_on_latest(&consume_others,
						  JA_VALUES(ja_uuid(user), ja_bigint(redemption->token.credentials_version),
									ja_time(GetCurrentTimestamp())));
	ja_wait_end(&wait);
	is_whole = undo_changes(redemption);
	ja_user_raise_version(user);
	ja_session_end_user(user, NULL, "change of identifiers undone");
	ja_outbox_notify_user(user, JA_MESSAGE_IDENTIFIER_CHANGED, describe_undoing());
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "identifier_change_undone",
					   .reason = is_whole ? NULL : "not all of it could be", .user = user
				   });
	return ja_answer_status(is_whole ? "undone" : "partly_undone");
}

/*
 * Undoes a change, and those after it, for whoever shows the link that a former
 * address got, and ends all sessions.  Returns a status or an error object.
 */
Jsonb *
ja_undo_redeem(JaString token)
{
	JaPlanScope scope;
	JaRedemption redemption;
	Jsonb	   *answer;

	if (token.length == 0)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "token must not be empty");
	ja_plan_begin_in_caller_context(&scope);
	answer = ja_redemption_check(JA_PURPOSE_UNDO, token, no_flow, &redemption);
	if (answer == NULL && redemption.token.data == NULL)
		answer = ja_redemption_deny();
	if (answer == NULL)
		answer = ja_redemption_consume(&redemption);
	if (answer == NULL)
		answer = finish_undo(&redemption);
	ja_plan_end(&scope);
	return answer;
}
