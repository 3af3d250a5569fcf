/*-------------------------------------------------------------------------
 *
 * cost_sample.c
 *	  What a password check costs for a name that has none.
 *
 * Imported hashes take another time than ours.  While there are any, an
 * unknown name does the work of one of the cost profiles in use, always the
 * same for one name, and in proportion to their numbers, so that its time
 * tells nothing.  The numbers come from a sample of the users, which a
 * backend draws again from time to time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "storage/bufmgr.h"
#include "utils/timestamp.h"

#include "keyring/name_hash.h"
#include "password/cost_sample.h"
#include "password/new_password.h"
#include "store/plan.h"
#include "store/scan.h"

#define MAX_PROFILES	16
#define LIFE_SECONDS	600

/* Pages of the table that a sample reads at the most, roughly. */
#define SAMPLE_PAGES	1000

typedef struct Profile
{
	char		profile[JA_PASSWORD_PROFILE_ROOM];
	int64		users;
} Profile;

static Profile profiles[MAX_PROFILES];
static int	profile_count = 0;
static int64 sampled_users = 0;
static TimestampTz sampled_at = 0;

static JaPlan sample_users = {
	.sql = "SELECT cost_profile, pg_catalog.count(*) FROM jwt_auth.users"
	" TABLESAMPLE pg_catalog.system ($1) WHERE cost_profile IS NOT NULL"
	" GROUP BY cost_profile ORDER BY 2 DESC, 1 LIMIT 16",
	.argument_count = 1,
	.argument_types = {FLOAT4OID}
};

/* Whether any user has an imported hash. */
static bool
has_imported(void)
{
	JaScan		scan;
	bool		found;

	scan.key_count = 0;
	ja_scan_start(&scan, JA_USERS, JA_USERS_IMPORTED_HASH_INDEX);
	found = ja_scan_next(&scan);
	ja_scan_end(&scan);
	return found;
}

static float4
sample_percentage(void)
{
	Relation	users = table_open(ja_relation_oid(JA_USERS), AccessShareLock);
	BlockNumber pages = RelationGetNumberOfBlocks(users);

	table_close(users, AccessShareLock);
	return pages <= SAMPLE_PAGES ? 100.0f : 100.0f * SAMPLE_PAGES / pages;
}

static void
draw_sample(TimestampTz now)
{
	JaPlanScope scope;
	uint64		rows;

	ja_plan_begin(&scope);
	rows = ja_plan_run(&sample_users, (JaValue[])
	{
		JA_DATUM(Float4GetDatum(sample_percentage()))
	});
	sampled_users = 0;
	for (uint64 i = 0; i < rows; i++)
	{
		bool		is_null;

		strlcpy(profiles[i].profile, ja_plan_string(i, 1).data, sizeof(profiles[i].profile));
		profiles[i].users = DatumGetInt64(ja_plan_result(i, 2, &is_null));
		sampled_users += profiles[i].users;
	}
	profile_count = (int) rows;
	sampled_at = now;
	ja_plan_end(&scope);
}

/* A number that is the name's own, below the bound. */
static int64
number_of_name(const void *canonical_name, size_t length, int64 bound)
{
	uint8		hash[JA_NAME_HASH_SIZE];
	uint64		number;

	ja_name_hash_make(JA_NAME_HASH_PROFILE, canonical_name, length, hash);
	memcpy(&number, hash, sizeof(number));
	return (int64) (number % (uint64) bound);
}

/*
 * Writes the profile whose work the name does, into JA_PASSWORD_PROFILE_ROOM
 * bytes.
 */
void
ja_cost_sample_choose(const void *canonical_name, size_t length, char *profile)
{
	TimestampTz now = GetCurrentTimestamp();
	JaPasswordPolicy policy = ja_new_password_policy();
	int64		number;

	ja_password_policy_profile(&policy, profile);
	if (!has_imported())
		return;
	if (sampled_at == 0 || now - sampled_at > LIFE_SECONDS * USECS_PER_SEC || now < sampled_at)
		draw_sample(now);
	if (sampled_users == 0)
		return;
	number = number_of_name(canonical_name, length, sampled_users);
	for (int i = 0; i < profile_count; i++)
	{
		strlcpy(profile, profiles[i].profile, JA_PASSWORD_PROFILE_ROOM);
		number -= profiles[i].users;
		if (number < 0)
			return;
	}
}
