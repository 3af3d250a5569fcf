/*-------------------------------------------------------------------------
 *
 * external_identity.c
 *	  Identities at providers as the table jwt_auth.identities has them.
 *
 * An identity is what an issuer calls somebody, at a provider: never an address,
 * which may be another's by now.  The issuer is part of it, so that a provider that
 * comes back under its name from somebody else finds nobody here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/identity_link.h"
#include "federation/external_identity.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/wait.h"

static JaPlan insert_external = {
	.sql = "INSERT INTO jwt_auth.identities (provider, issuer, subject, user_id, created_at)"
	" VALUES ($1, $2, $3, $4, $5)"
};

static JaPlan count_external = {
	.sql = "SELECT FROM jwt_auth.identities WHERE user_id OPERATOR(pg_catalog.=) $1"
};

static JaPlan find_external = {
	.sql = "SELECT FROM jwt_auth.identities WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND provider OPERATOR(pg_catalog.=) $2 AND subject OPERATOR(pg_catalog.=) $3"
};

/* Those of providers that are gone let nobody in. */
static JaPlan find_others = {
	.sql = "SELECT FROM jwt_auth.identities AS i WHERE i.user_id OPERATOR(pg_catalog.=) $1"
	" AND NOT (i.provider OPERATOR(pg_catalog.=) $2 AND i.subject OPERATOR(pg_catalog.=) $3)"
	" AND EXISTS (SELECT FROM jwt_auth.providers AS p"
	" WHERE p.name OPERATOR(pg_catalog.=) i.provider"
	" AND i.issuer OPERATOR(pg_catalog.=) ANY (p.issuers))"
};

static JaPlan delete_external = {
	.sql = "DELETE FROM jwt_auth.identities WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND provider OPERATOR(pg_catalog.=) $2 AND subject OPERATOR(pg_catalog.=) $3"
};

static JaPlan show_external = {
	.sql = "SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
	"'provider', provider, 'subject', subject, 'created_at', created_at)"
	" ORDER BY created_at, provider, subject), '[]')"
	" FROM jwt_auth.identities WHERE user_id OPERATOR(pg_catalog.=) $1"
};

/*
 * Waits until no other transaction logs in with the identity, links it or takes it
 * away; false if that does not come in time.  Holds until the transaction ends, and
 * comes before the turn of a user.
 */
bool
ja_external_identity_wait_turn(const JaIdToken *token)
{
	const JaIdentityName identity = {token->provider, token->issuer, token->subject};

	return ja_identity_link_wait_turn(&identity);
}

/* Finds whose identity it is, as of now. */
bool
ja_external_identity_find(const JaIdToken *token, pg_uuid_t *user)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_IDENTITIES, JA_IDENTITIES_PKEY,
					  JA_WHERE(ja_equal(Anum_identities_provider, ja_string(token->provider)),
							   ja_equal(Anum_identities_issuer, ja_string(token->issuer)),
							   ja_equal(Anum_identities_subject, ja_string(token->subject)))))
		return false;
	*user = ja_scan_uuid(&scan, Anum_identities_user_id);
	ja_scan_end(&scan);
	return true;
}

/* Gives an identity, which is nobody's, to a user; within a scope of ja_plan_begin(). */
void
ja_external_identity_insert(const JaIdToken *token, const pg_uuid_t *user)
{
	JaWait		wait;

	ja_wait_begin(&wait);
	ja_plan_write_one(&insert_external,
					  JA_VALUES(ja_string(token->provider), ja_string(token->issuer),
								ja_string(token->subject), ja_uuid(user),
								ja_time(GetCurrentTimestamp())));
	ja_wait_end(&wait);
}

/*
 * How many identities a user has, whose row is locked; within a scope of
 * ja_plan_begin(), like the next ones.
 */
uint64
ja_external_identity_count(const pg_uuid_t *user)
{
	return ja_plan_run_as_of_now(&count_external, JA_VALUES(ja_uuid(user)));
}

/* Whether a user has an identity. */
bool
ja_external_identity_is(const pg_uuid_t *user, JaString provider, JaString subject)
{
	return ja_plan_run_as_of_now(&find_external,
								 JA_VALUES(ja_uuid(user), ja_string(provider),
										   ja_string(subject))) > 0;
}

/* Whether a user has another one by which to get in. */
bool
ja_external_identity_has_other(const pg_uuid_t *user, JaString provider, JaString subject)
{
	return ja_plan_run_as_of_now(&find_others,
								 JA_VALUES(ja_uuid(user), ja_string(provider),
										   ja_string(subject))) > 0;
}

/* Takes an identity from a user. */
void
ja_external_identity_delete(const pg_uuid_t *user, JaString provider, JaString subject)
{
	JaWait		wait;

	ja_wait_begin(&wait);
	ja_plan_run_as_of_now(&delete_external, JA_VALUES(ja_uuid(user), ja_string(provider),
													  ja_string(subject)));
	ja_wait_end(&wait);
}

/* An array of objects, the oldest first. */
Jsonb *
ja_external_identity_show(const pg_uuid_t *user)
{
	JaPlanScope scope;
	bool		is_null;
	Jsonb	   *shown;

	ja_plan_begin_in_caller_context(&scope);
	ja_plan_run(&show_external, JA_VALUES(ja_uuid(user)));
	shown = DatumGetJsonbPCopy(ja_plan_result(0, 1, &is_null));
	ja_plan_end(&scope);
	return shown;
}
