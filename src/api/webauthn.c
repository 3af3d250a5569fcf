/*-------------------------------------------------------------------------
 *
 * webauthn.c
 *	  SQL functions on passkeys that the caller keeps.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "api/arguments.h"
#include "base/error.h"
#include "webauthn/passkey.h"

PG_FUNCTION_INFO_V1(jwt_webauthn_verify_with);

static Jsonb *
verify_registration(const Jsonb *credential, const Jsonb *expected)
{
	JaCeremony	ceremony;
	JaRegistration registration;
	Jsonb	   *answer;

	ja_check(ja_ceremony_read(&expected->root, JA_REGISTRATION, &ceremony));
	ja_check(ja_registration_verify(&credential->root, &ceremony, &registration));
	ja_check(ja_registration_write(&registration, &answer));
	return answer;
}

static Jsonb *
verify_assertion(const Jsonb *credential, JaKey *key, const Jsonb *expected)
{
	JaCeremony	ceremony;
	JaAssertion assertion;

	ja_check(ja_ceremony_read(&expected->root, JA_ASSERTION, &ceremony));
	ja_check(ja_assertion_verify(&credential->root, key, &ceremony, &assertion));
	return ja_assertion_write(&assertion);
}

/*
 * jwt_webauthn_verify_with(credential jsonb, public_key jsonb, expected jsonb)
 *	→ jsonb
 */
Datum
jwt_webauthn_verify_with(PG_FUNCTION_ARGS)
{
	Jsonb	   *expected = ja_argument_jsonb(fcinfo, 2, JA_EXPECTED_NOT_OBJECT);
	Jsonb	   *credential = ja_argument_jsonb(fcinfo, 0, JA_PASSKEY_FORM);

	if (PG_ARGISNULL(1))
		PG_RETURN_JSONB_P(verify_registration(credential, expected));
	PG_RETURN_JSONB_P(verify_assertion(credential, ja_argument_key(fcinfo, 1), expected));
}
