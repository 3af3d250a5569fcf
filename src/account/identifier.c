/*-------------------------------------------------------------------------
 *
 * identifier.c
 *	  Identifiers as the table jwt_auth.identifiers has them.
 *
 * One unique index over the canonical forms of all kinds keeps anybody from
 * being called like somebody else's address.  What an admin gives is verified.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/resowner.h"

#include "account/identifier.h"
#include "base/error.h"
#include "base/uuid.h"
#include "store/plan.h"
#include "store/scan.h"
#include "store/wait.h"

static JaPlan insert_identifier = {
	.sql = "INSERT INTO jwt_auth.identifiers"
	" (canonical, user_id, kind, value, created_at, verified_at)"
	" VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (canonical) DO NOTHING"
};

/* But for a token that another transaction redeems, which then finds the address taken. */
static JaPlan end_waiting = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET consumed_at = $2, data = NULL"
	" WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT id FROM jwt_auth.one_time_tokens"
	" WHERE canonical OPERATOR(pg_catalog.=) $1 AND user_id IS NULL AND consumed_at IS NULL FOR UPDATE SKIP LOCKED))"
};

static JaPlan delete_identifier = {
	.sql = "DELETE FROM jwt_auth.identifiers WHERE canonical OPERATOR(pg_catalog.=) $1"
	" AND user_id OPERATOR(pg_catalog.=) $2"
};

static JaPlan set_username = {
	.sql = "UPDATE jwt_auth.users SET username = $2 WHERE id OPERATOR(pg_catalog.=) $1"
};

static JaPlan show_identifiers = {
	.sql = "SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
	"'kind', kind, 'identifier', value, 'created_at', created_at, 'verified_at', verified_at)"
	" ORDER BY kind OPERATOR(pg_catalog.<>) 'username', created_at, canonical), '[]')"
	" FROM jwt_auth.identifiers WHERE user_id OPERATOR(pg_catalog.=) $1"
};

static JaPlan delete_username = {
	.sql = "DELETE FROM jwt_auth.identifiers WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND kind OPERATOR(pg_catalog.=) 'username'"
};

static void
read_identifier_row(const JaScan *scan, void *row)
{
	JaIdentifier *identifier = row;

	if (!ja_identifier_find_kind(ja_scan_string(scan, Anum_identifiers_kind), &identifier->kind))
		elog(ERROR, "stored identifier has an unknown kind");
	identifier->value = ja_scan_string(scan, Anum_identifiers_value);
	identifier->canonical = ja_scan_octets(scan, Anum_identifiers_canonical);
	identifier->is_verified = !ja_scan_is_null(scan, Anum_identifiers_verified_at);
}

static const JaRowType identifier_rows = {
	JA_IDENTIFIERS, sizeof(JaIdentifier), read_identifier_row
};

/* Finds whose identifier this is, as of now. */
bool
ja_identifier_find(JaString canonical, pg_uuid_t *user, JaIdentifier *identifier)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_IDENTIFIERS, JA_IDENTIFIERS_PKEY,
					  JA_WHERE(ja_equal(Anum_identifiers_canonical, ja_octets(canonical)))))
		return false;
	*user = ja_scan_uuid(&scan, Anum_identifiers_user_id);
	read_identifier_row(&scan, identifier);
	ja_scan_end(&scan);
	return true;
}

/* Lists a user's identifiers, as of now; returns how many there are. */
int
ja_identifier_list(const pg_uuid_t *user, JaIdentifier **identifiers)
{
	int			count;

	*identifiers = ja_scan_read_all(&identifier_rows, JA_IDENTIFIERS_USER,
									JA_WHERE(ja_equal(Anum_identifiers_user_id, ja_uuid(user))),
									&count);
	return count;
}

/* An array of objects, the username first. */
Jsonb *
ja_identifier_show(const pg_uuid_t *user)
{
	JaPlanScope scope;
	bool		is_null;
	Jsonb	   *shown;

	ja_plan_begin_in_caller_context(&scope);
	ja_plan_run(&show_identifiers, JA_VALUES(ja_uuid(user)));
	shown = DatumGetJsonbPCopy(ja_plan_result(0, 1, &is_null));
	ja_plan_end(&scope);
	return shown;
}

/*
 * What a user is called in the first place: the username, else the first
 * verified address in the order of their canonical forms.  NULL if there is
 * neither.
 */
static const JaIdentifier *
choose_primary(const JaIdentifier *identifiers, int count)
{
	const JaIdentifier *primary = NULL;

	for (int i = 0; i < count; i++)
	{
		if (identifiers[i].kind == JA_IDENTIFIER_USERNAME)
			return &identifiers[i];
		if (identifiers[i].is_verified && primary == NULL)
			primary = &identifiers[i];
	}
	return primary;
}

/* What a user is called in the first place, as of now; NULL for nothing. */
const JaIdentifier *
ja_identifier_primary(const pg_uuid_t *user)
{
	JaIdentifier *identifiers;
	int			count = ja_identifier_list(user, &identifiers);

	return choose_primary(identifiers, count);
}

/*
 * All that a user is called, as it was given and as of now.  The first is the
 * primary identifier; it is empty if there is none.
 */
JaStrings
ja_identifier_names(const pg_uuid_t *user)
{
	JaIdentifier *identifiers;
	int			count = ja_identifier_list(user, &identifiers);
	const JaIdentifier *primary = choose_primary(identifiers, count);
	JaString   *names = palloc((count + 1) * sizeof(JaString));
	int			named = 1;

	names[0] = primary == NULL ? (JaString) {"", 0} : primary->value;
	for (int i = 0; i < count; i++)
	{
		if (&identifiers[i] != primary)
			names[named++] = identifiers[i].value;
	}
	return (JaStrings) {names, named};
}

/*
 * Adds a verified identifier, unless somebody has it.  What waits for an address ends,
 * or an invitation would be good again once the user is gone.
 */
static bool
try_insert(const pg_uuid_t *user, JaString value, const JaCanonical *canonical, TimestampTz now)
{
	JaValue		bytes = ja_bytes_of(canonical->bytes, canonical->length);

	if (ja_plan_run(&insert_identifier,
					JA_VALUES(bytes, ja_uuid(user), ja_text(ja_identifier_kind_name(canonical->kind)),
							  ja_string(value), ja_time(now))) == 0)
		return false;
	ja_plan_run_as_of_now(&end_waiting, JA_VALUES(bytes, ja_time(now)));
	return true;
}

/*
 * Adds a verified identifier; raises JA_ACCOUNT_NAME_TAKEN.  Within a scope of
 * ja_plan_begin(), like the next ones.
 */
void
ja_identifier_insert(const pg_uuid_t *user, JaString value, const JaCanonical *canonical,
					 TimestampTz now)
{
	if (!try_insert(user, value, canonical, now))
		ja_raise(JA_ACCOUNT_NAME_TAKEN);
}

/*
 * Gives a user another username; false if somebody else has it, or gets it at the
 * same time.  Then the former one stays: a user has one at a time, so that it goes
 * before the other comes.
 */
bool
ja_identifier_replace_username(const pg_uuid_t *user, JaString value,
							   const JaCanonical *canonical)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	bool		is_done;

	BeginInternalSubTransaction(NULL);
	ja_plan_run(&delete_username, JA_VALUES(ja_uuid(user)));
	is_done = try_insert(user, value, canonical, GetCurrentTimestamp());
	if (is_done)
		ReleaseCurrentSubTransaction();
	else
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return is_done;
}

/*
 * Gives a user, whose row is locked, a verified identifier; a username replaces
 * the former one.  False if somebody else has it.
 */
bool
ja_identifier_attach(const pg_uuid_t *user, JaString value, const JaCanonical *canonical)
{
	JaIdentifier found;
	pg_uuid_t	owner;
	JaWait		wait;
	bool		is_done;

	if (ja_identifier_find(ja_canonical_string(canonical), &owner, &found) &&
		(!ja_uuid_equals(&owner, user) || canonical->kind != JA_IDENTIFIER_USERNAME))
		return ja_uuid_equals(&owner, user);
	ja_wait_begin(&wait);
	if (canonical->kind != JA_IDENTIFIER_USERNAME)
		is_done = try_insert(user, value, canonical, GetCurrentTimestamp());
	else if ((is_done = ja_identifier_replace_username(user, value, canonical)))
		ja_plan_run(&set_username, JA_VALUES(ja_uuid(user), ja_string(value)));
	ja_wait_end(&wait);
	return is_done;
}

/* Takes an identifier from a user, whose row is locked. */
void
ja_identifier_detach(const pg_uuid_t *user, const JaIdentifier *identifier)
{
	JaWait		wait;

	ja_wait_begin(&wait);
	ja_plan_run_on_latest(&delete_identifier,
						  JA_VALUES(ja_octets(identifier->canonical),
									ja_uuid(user)));
	if (identifier->kind == JA_IDENTIFIER_USERNAME)
		ja_plan_run(&set_username, JA_VALUES(ja_uuid(user), ja_null(TEXTOID)));
	ja_wait_end(&wait);
}

/* Whether anything that a user is called was verified. */
bool
ja_identifier_has_verified(const pg_uuid_t *user)
{
	JaIdentifier *identifiers;
	int			count = ja_identifier_list(user, &identifiers);

	for (int i = 0; i < count; i++)
	{
		if (identifiers[i].is_verified)
			return true;
	}
	return false;
}

/* Whether a user can log in, or recover the account, by an identifier. */
static bool
is_way_in(const JaIdentifier *identifier, bool has_password)
{
	return identifier->is_verified &&
		(identifier->kind != JA_IDENTIFIER_USERNAME || has_password);
}

/* Whether a user has an identifier by which to get in. */
bool
ja_identifier_has_way_in(const pg_uuid_t *user, bool has_password)
{
	JaIdentifier *identifiers;
	int			count = ja_identifier_list(user, &identifiers);

	for (int i = 0; i < count; i++)
	{
		if (is_way_in(&identifiers[i], has_password))
			return true;
	}
	return false;
}

/* Whether a user could not get in any more without one of the listed identifiers. */
bool
ja_identifier_is_last(JaString canonical, const JaIdentifier *identifiers, int count,
					  bool has_password)
{
	bool		is_way = false;

	for (int i = 0; i < count; i++)
	{
		if (!is_way_in(&identifiers[i], has_password))
			continue;
		if (!ja_string_equals(identifiers[i].canonical, canonical))
			return false;
		is_way = true;
	}
	return is_way;
}
