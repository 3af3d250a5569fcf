/*-------------------------------------------------------------------------
 *
 * stand_in.c
 *	  The hash whose work a name does that has none of its own.
 *
 * Hashes cost what the settings asked for when they were made, or what another
 * system asked for before they were imported.  An unknown name does the work
 * of one of them, or its time would tell that there is no such user.
 *
 * Which one must stay the same while users come, go and change theirs, must be
 * the same in every backend, and must follow how many hashes of each cost there
 * are.  So users stand on a ring, each at a position that is a hash of the id,
 * and the hash of a name finds a place among them: the user who follows stands
 * in.  The hash of the name is keyed, so that nobody can tell whose place it is.
 * Nothing is counted, so nothing can be wrong after direct changes of the
 * table, and logins that change a hash have no row in common.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "keyring/name_hash.h"
#include "password/stand_in.h"
#include "store/scan.h"

/* Where the name would stand. */
static int64
position_of_name(const void *canonical_name, size_t length)
{
	uint8		hash[JA_NAME_HASH_SIZE];
	int64		position;

	ja_name_hash_make(JA_NAME_HASH_STAND_IN, canonical_name, length, hash);
	memcpy(&position, hash, sizeof(position));
	return position;
}

/* The hash of the first user from a position on. */
static bool
find_from(int64 position, JaPasswordHash *hash)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_USERS, JA_USERS_POSITION,
					  JA_WHERE(ja_at_least(Anum_users_position, ja_bigint(position)))))
		return false;
	hash->text = ja_scan_string(&scan, Anum_users_password_hash);
	hash->is_imported = ja_scan_bool(&scan, Anum_users_imported_hash);
	ja_scan_end(&scan);
	return true;
}

/*
 * Finds the hash that stands in for a name's, as of now, in the current memory
 * context; false if no user has any.  It is some user's: the caller does its
 * work, and learns nothing else of it.
 */
bool
ja_stand_in_choose(const void *canonical_name, size_t length, JaPasswordHash *hash)
{
	return find_from(position_of_name(canonical_name, length), hash) ||
		find_from(PG_INT64_MIN, hash);
}
