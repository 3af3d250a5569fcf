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

#include "account/identifier.h"
#include "base/error.h"
#include "store/plan.h"
#include "store/scan.h"

static JaPlan insert_identifier = {
	.sql = "INSERT INTO jwt_auth.identifiers"
	" (canonical, user_id, kind, value, created_at, verified_at)"
	" VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (canonical) DO NOTHING"
};

static JaPlan delete_username = {
	.sql = "DELETE FROM jwt_auth.identifiers WHERE user_id OPERATOR(pg_catalog.=) $1"
	" AND kind OPERATOR(pg_catalog.=) 'username'"
};

static JaIdentifierKind
kind_of_name(JaString name)
{
	static const JaIdentifierKind kinds[] = {
		JA_IDENTIFIER_USERNAME, JA_IDENTIFIER_EMAIL, JA_IDENTIFIER_PHONE
	};

	for (size_t i = 0; i < lengthof(kinds); i++)
	{
		if (ja_string_is(name, ja_identifier_kind_name(kinds[i])))
			return kinds[i];
	}
	elog(ERROR, "stored identifier has an unknown kind");
}

static void
read_identifier_row(const JaScan *scan, JaIdentifier *identifier)
{
	bytea	   *canonical = ja_scan_bytes(scan, Anum_identifiers_canonical);

	identifier->kind = kind_of_name(ja_scan_string(scan, Anum_identifiers_kind));
	identifier->value = ja_scan_string(scan, Anum_identifiers_value);
	identifier->canonical = (JaString) {VARDATA_ANY(canonical), VARSIZE_ANY_EXHDR(canonical)};
	identifier->is_verified = !ja_scan_is_null(scan, Anum_identifiers_verified_at);
}

/* Finds whose identifier this is, as of now. */
bool
ja_identifier_find(JaString canonical, pg_uuid_t *user, JaIdentifier *identifier)
{
	JaScan		scan;
	JaValue		wanted = ja_bytes_of(canonical.data, canonical.length);

	if (!ja_scan_find(&scan, JA_IDENTIFIERS, JA_IDENTIFIERS_PKEY,
					  JA_WHERE(ja_equal(Anum_identifiers_canonical, wanted))))
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
	JaScan		scan;
	int			count = 0;
	int			room = 4;

	*identifiers = palloc(room * sizeof(JaIdentifier));
	ja_scan_start(&scan, JA_IDENTIFIERS, JA_IDENTIFIERS_USER,
				  JA_WHERE(ja_equal(Anum_identifiers_user_id, ja_uuid(user))));
	while (ja_scan_next(&scan))
	{
		if (count == room)
			*identifiers = repalloc(*identifiers, (room *= 2) * sizeof(JaIdentifier));
		read_identifier_row(&scan, &(*identifiers)[count++]);
	}
	ja_scan_end(&scan);
	return count;
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
 * Adds a verified identifier; raises JA_ACCOUNT_NAME_TAKEN.  Within a scope of
 * ja_plan_begin(), like the next one.
 */
void
ja_identifier_insert(const pg_uuid_t *user, JaString value, const JaCanonical *canonical,
					 TimestampTz now)
{
	if (ja_plan_run(&insert_identifier,
					JA_VALUES(ja_bytes_of(canonical->bytes, canonical->length), ja_uuid(user),
							  ja_text(ja_identifier_kind_name(canonical->kind)),
							  ja_string(value), ja_time(now))) == 0)
		ja_raise(JA_ACCOUNT_NAME_TAKEN);
}

/* Gives a user another username; raises JA_ACCOUNT_NAME_TAKEN. */
void
ja_identifier_replace_username(const pg_uuid_t *user, JaString value,
							   const JaCanonical *canonical, TimestampTz now)
{
	ja_plan_run(&delete_username, JA_VALUES(ja_uuid(user)));
	ja_identifier_insert(user, value, canonical, now);
}

/*
 * Where messages go to: the local part as it was given, which its server may
 * tell apart, at the A-label of the domain, which no mailer maps to another
 * one; a phone number in its canonical form.  Without a value, as the canonical
 * form has it; then data is NULL where the database encoding lacks a character.
 */
JaString
ja_identifier_recipient(JaString value, JaIdentifierKind kind, JaString canonical)
{
	const char *at = value.length == 0 ? NULL : memchr(value.data, '@', value.length);
	const char *domain = memchr(canonical.data, '@', canonical.length);
	char	   *local;
	size_t		length;

	if (kind != JA_IDENTIFIER_EMAIL || domain == NULL)
		return canonical;
	if (at != NULL)
	{
		local = pnstrdup(value.data, at - value.data);
		length = strlen(local);
	}
	else
	{
		local = palloc(JA_ENCODING_ROOM(canonical.length));
		if (!ja_encoding_to_server(canonical.data, domain - canonical.data, local, &length))
			return (JaString) {NULL, 0};
	}
	local = psprintf("%.*s%.*s", (int) length, local,
					 (int) (canonical.data + canonical.length - domain), domain);
	return (JaString) {local, strlen(local)};
}
