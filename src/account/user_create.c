/*-------------------------------------------------------------------------
 *
 * user_create.c
 *	  Creation of users: by admins, by whoever proves an address, and for those whom
 *	  an identity provider knows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/identifier.h"
#include "account/user_attribute.h"
#include "account/user_change.h"
#include "base/error.h"
#include "base/uuid.h"
#include "keyring/key_change.h"
#include "keyring/stored_key.h"
#include "session/access_claims.h"
#include "store/audit.h"
#include "store/plan.h"
#include "store/wait.h"

static JaPlan insert_user = {
	.sql = "INSERT INTO jwt_auth.users (id, username, password_hash, imported_hash,"
	" role, claims, created_at, password_set_at, is_anonymous)"
	" SELECT $1, $2, $3, $4, $5, $6, $7, CASE WHEN $3 IS NOT NULL THEN $7 END, $8"
	" WHERE NOT EXISTS (SELECT FROM jwt_auth.deleted_users AS d WHERE d.id OPERATOR(pg_catalog.=) $1)"
	" ON CONFLICT (id) DO NOTHING"
};

/*
 * The address first, which somebody else may get at the same time: then neither is
 * written.  Foreign keys are checked when the statement ends.
 */
static JaPlan insert_proven = {
	.sql = "WITH i AS (INSERT INTO jwt_auth.identifiers"
	" (canonical, user_id, kind, value, created_at, verified_at)"
	" VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (canonical) DO NOTHING RETURNING user_id)"
	" INSERT INTO jwt_auth.users (id, password_hash, role, claims, created_at, password_set_at)"
	" SELECT i.user_id, $6, $7, $8, $5, CASE WHEN $6 IS NOT NULL THEN $5 END FROM i"
};

/* One of what a new user is called. */
typedef struct NewName
{
	JaString	value;
	JaCanonical canonical;
} NewName;

#define MAX_NAMES	3

/* The hash to store: of a password, an imported one, or none. */
static JaString
choose_hash(const JaUserChange *change, const NewName *names, int count,
			JaNewPassword *hashed)
{
	JaString	values[MAX_NAMES];

	if (change->password_hash.data != NULL)
	{
		ja_check(ja_password_check_format(change->password_hash));
		return change->password_hash;
	}
	if (change->password.data == NULL)
		return (JaString) {NULL, 0};
	for (int i = 0; i < count; i++)
		values[i] = names[i].value;
	ja_user_attribute_hash((JaStrings) {values, count}, change->password, hashed);
	return (JaString) {hashed->hash, strlen(hashed->hash)};
}

/*
 * What a new user is called, in the first place first, and the canonical
 * forms; returns how many there are.  Raises JA_NAME_....
 */
static int
read_new_names(const JaUserChange *change, NewName *names)
{
	const JaString given[] = {
		[JA_IDENTIFIER_USERNAME] = change->username,
		[JA_IDENTIFIER_EMAIL] = change->email,
		[JA_IDENTIFIER_PHONE] = change->phone
	};
	int			count = 0;

	for (size_t i = 0; i < lengthof(given); i++)
	{
		if (given[i].data == NULL)
			continue;
		names[count].value = given[i];
		ja_check(ja_identifier_form_of_kind((JaIdentifierKind) i, given[i],
											&names[count].canonical));
		count++;
	}
	if (count == 0)
		ja_raise(JA_NAME_MISSING);
	return count;
}

/* The id that was given, or a new one. */
static pg_uuid_t
choose_id(const JaUserChange *change)
{
	pg_uuid_t	id;

	if (change->id != NULL)
		return *change->id;
	ja_check(ja_uuid_make(GetCurrentTimestamp(), &id));
	return id;
}

/* Inserts a user of whom all was checked but the id: raises JA_ACCOUNT_ID_TAKEN. */
static void
insert_new_user(const pg_uuid_t *id, const JaUserChange *change, JaString hash,
				const NewName *names, int count)
{
	TimestampTz now = GetCurrentTimestamp();
	JaWait		wait;

	if (ja_plan_run(&insert_user, JA_VALUES(ja_uuid(id), ja_string(change->username),
											ja_string(hash),
											ja_bool(change->password_hash.data != NULL),
											ja_user_attribute_role(change->role),
											ja_jsonb(change->claims), ja_time(now),
											ja_bool(change->is_anonymous))) == 0)
		ja_raise(JA_ACCOUNT_ID_TAKEN);
	ja_wait_begin(&wait);
	for (int i = 0; i < count; i++)
		ja_identifier_insert(id, names[i].value, &names[i].canonical, now);
	ja_wait_end(&wait);
}

/*
 * Creates a user.  Raises JA_ACCOUNT_NAME_TAKEN, JA_ACCOUNT_ID_TAKEN, JA_NAME_...,
 * JA_PASSWORD_..., or the JA_ACCOUNT_... of a role or claims that are refused.
 */
pg_uuid_t
ja_user_create(const JaUserChange *change)
{
	JaPlanScope scope;
	JaNewPassword hashed;
	NewName		names[MAX_NAMES];
	int			count = read_new_names(change, names);
	JaString	hash;
	pg_uuid_t	id;

	ja_user_attribute_check_role(change->role);
	ja_check(ja_access_claims_check(change->claims));
	hash = choose_hash(change, names, count, &hashed);

	/*
	 * A key that a failed login made could be undone with it, and the hashes
	 * with the key.
	 */
	ja_key_change_ensure(JA_USE_HASH);
	id = choose_id(change);
	ja_plan_begin(&scope);
	insert_new_user(&id, change, hash, names, count);
	ja_plan_end(&scope);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = change->password_hash.data != NULL ? "user_imported" : "user_created",
					   .user = &id
				   });
	return id;
}

/*
 * Creates a user who proved an address, and is called nothing else; the hash of a
 * password has data NULL for none.  False if somebody else has got the address.
 * Within a scope of ja_plan_begin(); raises the JA_ACCOUNT_... of a role or claims
 * that are refused.
 */
bool
ja_user_create_proven(JaString address, const JaCanonical *canonical,
					  const JaUserChange *change, pg_uuid_t *id)
{
	TimestampTz now = GetCurrentTimestamp();
	JaWait		wait;
	bool		is_created;

	ja_user_attribute_check_role(change->role);
	ja_check(ja_access_claims_check(change->claims));
	ja_key_change_ensure(JA_USE_HASH);
	ja_check(ja_uuid_make(now, id));
	ja_wait_begin(&wait);
	is_created = ja_plan_run(&insert_proven,
							 JA_VALUES(ja_bytes_of(canonical->bytes, canonical->length),
									   ja_uuid(id),
									   ja_text(ja_identifier_kind_name(canonical->kind)),
									   ja_string(address), ja_time(now),
									   ja_string(change->password_hash),
									   ja_user_attribute_role(change->role),
									   ja_jsonb(change->claims))) == 1;
	ja_wait_end(&wait);
	return is_created;
}

/*
 * Creates a user who is called nothing yet: an anonymous one, or one whom an identity
 * provider knows; within a scope of ja_plan_begin().  Raises the JA_ACCOUNT_... of a role or claims
 * that are refused.
 */
void
ja_user_create_nameless(const JaUserChange *change, pg_uuid_t *id)
{
	ja_user_attribute_check_role(change->role);
	ja_check(ja_access_claims_check(change->claims));
	ja_key_change_ensure(JA_USE_HASH);
	ja_check(ja_uuid_make(GetCurrentTimestamp(), id));
	insert_new_user(id, change, (JaString) {NULL, 0}, NULL, 0);
}
