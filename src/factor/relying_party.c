/*-------------------------------------------------------------------------
 *
 * relying_party.c
 *	  Whom passkeys are for, as the settings say (WebAuthn Level 3 section 4,
 *	  "Relying Party Identifier").
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "base/settings.h"
#include "factor/relying_party.h"

/* Longest domain, in characters (RFC 1035 section 2.3.4). */
#define MAX_DOMAIN 253

/* What hosts and ports consist of, as browsers write them (RFC 6454 section 6.2). */
static const char host_characters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.:[]";

/* What stands between the origins of the list. */
static const char separators[] = ", \t\n";

static const char *const verification_names[] = {
	[JA_VERIFICATION_REQUIRED] = "required",
	[JA_VERIFICATION_PREFERRED] = "preferred",
	[JA_VERIFICATION_DISCOURAGED] = "discouraged",
};

/* Whether a text is a domain as browsers write it, or empty. */
bool
ja_relying_party_id_is_right(const char *id)
{
	size_t		length = strlen(id);

	return length <= MAX_DOMAIN &&
		strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length &&
		(length == 0 || (id[0] != '.' && id[length - 1] != '.'));
}

/* The next origin of a list; data NULL at its end. */
static JaString
next_origin(const char **list)
{
	JaString	origin = {NULL, 0};

	*list += strspn(*list, separators);
	if (**list == '\0')
		return origin;
	origin = (JaString) {*list, strcspn(*list, separators)};
	*list += origin.length;
	return origin;
}

/*
 * An origin of the web is scheme, host and perhaps a port, without anything behind;
 * that of an application is some other URI (section 5.8.1).
 */
static bool
is_origin(JaString origin)
{
	const char *colon = memchr(origin.data, ':', origin.length);
	size_t		scheme;

	if (colon == NULL || colon == origin.data)
		return false;
	scheme = colon - origin.data;
	if (!ja_string_is((JaString) {origin.data, scheme}, "https") &&
		!ja_string_is((JaString) {origin.data, scheme}, "http"))
		return memchr(origin.data, '*', origin.length) == NULL;
	return origin.length > scheme + 3 && ja_string_is((JaString) {colon, 3}, "://") &&
		strspn(colon + 3, host_characters) == origin.length - scheme - 3;
}

/* Whether a text is a list of origins, which may be empty. */
bool
ja_relying_party_origins_are_right(const char *origins)
{
	JaString	origin;

	while ((origin = next_origin(&origins)).data != NULL)
	{
		if (!is_origin(origin))
			return false;
	}
	return true;
}

/* The domain that passkeys are for; raises JA_RELYING_PARTY_UNSET. */
JaString
ja_relying_party_id(void)
{
	JaString	id = ja_settings_text(ja_settings.webauthn_rp_id);

	if (id.data == NULL)
		ja_raise(JA_RELYING_PARTY_UNSET);
	return id;
}

/* What people read of it. */
JaString
ja_relying_party_name(void)
{
	JaString	name = ja_settings_text(ja_settings.webauthn_rp_name);

	return name.data != NULL ? name : ja_relying_party_id();
}

const char *
ja_relying_party_user_verification(void)
{
	return verification_names[ja_settings.webauthn_user_verification];
}

static void
push_origin(JaJsonState *array, JaString origin)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = (char *) origin.data;
	value.val.string.len = (int) origin.length;
	ja_json_push(array, WJB_ELEM, &value);
}

/* The expected origins: the list, else that of the domain. */
static const JsonbContainer *
make_origins(void)
{
	JaString	id = ja_relying_party_id();
	const char *list = ja_settings_text(ja_settings.webauthn_origins).data;
	JaJsonState array = {0};
	JaString	origin;

	if (list == NULL)
		list = psprintf("https://%s", id.data);
	ja_json_push(&array, WJB_BEGIN_ARRAY, NULL);
	while ((origin = next_origin(&list)).data != NULL)
		push_origin(&array, origin);
	ja_json_push(&array, WJB_END_ARRAY, NULL);
	return &JsonbValueToJsonb(array.result)->root;
}

/* What is expected of a ceremony that answers the challenge. */
JaCeremony
ja_relying_party_ceremony(JaCeremonyKind kind, JaString challenge)
{
	return (JaCeremony) {
		.kind = kind,
		.challenge = challenge,
		.rp_id = ja_relying_party_id(),
		.origins = make_origins(),
		.may_be_unverified =
		ja_settings.webauthn_user_verification != JA_VERIFICATION_REQUIRED
	};
}
