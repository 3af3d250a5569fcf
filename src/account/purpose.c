/*-------------------------------------------------------------------------
 *
 * purpose.c
 *	  What one-time tokens are for, and what that means for them.
 *
 * An undo outlives changes and other tokens: whoever took an account over could
 * else void it by the next change.  A link is redeemed with a ticket only, which does not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/purpose.h"

static const JaPurposeRow purposes[] = {
	[JA_PURPOSE_RECOVERY] = {
		.name = "recovery",.owner = JA_OWNER_USER,.has_user = true,.is_asked_for = true
	},
	[JA_PURPOSE_SIGN_UP] = {
		.name = "sign_up",.owner = JA_OWNER_NOBODY,.is_asked_for = true,.begins_session = true
	},
	[JA_PURPOSE_LOGIN] = {
		.name = "login",.owner = JA_OWNER_USER,.has_user = true,.is_asked_for = true,
		.begins_session = true,.spares_others = true
	},
	[JA_PURPOSE_INVITATION] = {
		.name = "invitation",.owner = JA_OWNER_NOBODY,.begins_session = true
	},
	[JA_PURPOSE_IDENTIFIER] = {
		.name = "identifier",.owner = JA_OWNER_NOBODY,.has_user = true,.is_asked_for = true
	},
	[JA_PURPOSE_UNDO] = {
		.name = "undo",.owner = JA_OWNER_ANYBODY,.has_user = true,.outlives_changes = true
	},
	[JA_PURPOSE_LINK] = {
		.name = "link",.owner = JA_OWNER_ANYBODY,.has_user = true,.outlives_changes = true,
		.spares_others = true
	},
};

const JaPurposeRow *
ja_purpose_row(JaPurpose purpose)
{
	return &purposes[purpose];
}

/* Finds a purpose by name. */
bool
ja_purpose_find(JaString name, JaPurpose *purpose)
{
	for (size_t i = JA_PURPOSE_RECOVERY; i < lengthof(purposes); i++)
	{
		if (ja_string_is(name, purposes[i].name))
		{
			*purpose = (JaPurpose) i;
			return true;
		}
	}
	return false;
}
