/*-------------------------------------------------------------------------
 *
 * own_factors.c
 *	  What users see of their factors and passkeys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/own_factors.h"
#include "factor/factor_row.h"
#include "factor/passkey_row.h"
#include "session/answer.h"

static void
list_passkeys(const pg_uuid_t *user, JaJsonState *state)
{
	JaPasskey  *passkeys;
	int			count = ja_passkey_list(user, &passkeys);

	for (int i = 0; i < count; i++)
	{
		ja_json_push(state, WJB_BEGIN_OBJECT, NULL);
		ja_factor_add_members(state, &passkeys[i].id, JA_FACTOR_WEBAUTHN, passkeys[i].name);
		ja_answer_add_time(state, "created_at", passkeys[i].created_at);
		if (passkeys[i].last_used_at != 0)
			ja_answer_add_time(state, "last_used_at", passkeys[i].last_used_at);
		ja_json_add_bool(state, "backed_up", passkeys[i].is_backed_up);
		ja_json_push(state, WJB_END_OBJECT, NULL);
	}
}

/* Lists the confirmed factors of a user, the oldest first, and then the passkeys. */
Jsonb *
ja_own_factors_list(const pg_uuid_t *user)
{
	JaJsonState state = {0};
	JaFactor   *factors;
	int			count = ja_factor_list(user, &factors);

	ja_json_push(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < count; i++)
	{
		if (factors[i].confirmed_at == 0)
			continue;
		ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
		ja_factor_add_members(&state, &factors[i].id, JA_FACTOR_TOTP, factors[i].name);
		ja_answer_add_time(&state, "created_at", factors[i].confirmed_at);
		ja_json_push(&state, WJB_END_OBJECT, NULL);
	}
	list_passkeys(user, &state);
	ja_json_push(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(state.result);
}
