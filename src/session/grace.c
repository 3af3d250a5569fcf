/*-------------------------------------------------------------------------
 *
 * grace.c
 *	  The generations of a refresh token that are still in their grace.
 *
 * Each generation has a grace of its own, which begins when it is rotated.
 * The session's row keeps them in one narrow column, the latest first: the
 * entry at position n is that of the generation n + 1 before the current one,
 * and holds its nonce and the time when it was rotated, in network order.
 * Nothing is added but by a rotation, so that no grace is ever prolonged.
 *
 * An entry that was cut has no nonce: its generation gives no token any more, but
 * is no replay, either, while its grace lasts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "port/pg_bswap.h"
#include "utils/timestamp.h"

#include "base/secret.h"
#include "base/settings.h"
#include "session/grace.h"
#include "store/value.h"

/* More than eight tabs that are restored at once need. */
#define MAX_ENTRIES 16

/*
 * How long an entry holds beyond its grace for a statement which began in time
 * and then waited: no longer, however long the statement lasts.
 */
#define STATEMENT_SECONDS 60

typedef struct Entry
{
	pg_uuid_t	nonce;
	uint8		rotated_at[8];
} Entry;

StaticAssertDecl(sizeof(Entry) == UUID_LEN + 8, "entries without padding");

static int64
count_entries(const bytea *earlier)
{
	return earlier == NULL ? 0 : (int64) (VARSIZE_ANY_EXHDR(earlier) / sizeof(Entry));
}

static void
read_entry(const bytea *earlier, int64 position, Entry *entry)
{
	memcpy(entry, VARDATA_ANY(earlier) + position * sizeof(Entry), sizeof(Entry));
}

static TimestampTz
entry_rotation_time(const Entry *entry)
{
	uint64		time;

	memcpy(&time, entry->rotated_at, sizeof(time));
	return (TimestampTz) pg_ntoh64(time);
}

static int64
grace_with(int seconds)
{
	return ((int64) ja_settings.refresh_grace_seconds + seconds) * USECS_PER_SEC;
}

/*
 * Adds the generation that is rotated now, and drops those whose grace is over.
 * The result is in the current memory context.
 */
bytea *
ja_grace_push(const bytea *earlier, const pg_uuid_t *nonce, TimestampTz now)
{
	Entry		entries[MAX_ENTRIES];
	int64		available = Min(count_entries(earlier), MAX_ENTRIES - 1);
	uint64		time = pg_hton64((uint64) now);
	int64		count = 1;

	entries[0].nonce = *nonce;
	memcpy(entries[0].rotated_at, &time, sizeof(time));
	while (count <= available)
	{
		read_entry(earlier, count - 1, &entries[count]);
		if (now > entry_rotation_time(&entries[count]) + grace_with(STATEMENT_SECONDS))
			break;
		count++;
	}
	return ja_value_make_bytes(entries, (size_t) count * sizeof(Entry));
}

/* Cuts all entries, in place. */
void
ja_grace_cut(bytea *earlier)
{
	int64		count = count_entries(earlier);

	for (int64 i = 0; i < count; i++)
		memset(VARDATA_ANY(earlier) + i * sizeof(Entry), 0, UUID_LEN);
}

/* Whether the generation so many before the current one was cut, and is in its grace. */
bool
ja_grace_was_cut(const bytea *earlier, int64 distance)
{
	static const pg_uuid_t none = {{0}};

	return ja_grace_holds(earlier, distance, &none);
}

/*
 * Whether the generation so many before the current one had this nonce, and
 * the statement began in its grace, not too long ago.  A clock that was set back
 * does not prolong that.
 */
bool
ja_grace_holds(const bytea *earlier, int64 distance, const pg_uuid_t *nonce)
{
	Entry		entry;
	TimestampTz rotated_at;

	if (distance < 1 || distance > count_entries(earlier))
		return false;
	read_entry(earlier, distance - 1, &entry);
	rotated_at = entry_rotation_time(&entry);
	return ja_secret_equals(nonce, sizeof(*nonce), &entry.nonce, sizeof(entry.nonce)) &&
		GetCurrentStatementStartTimestamp() <= rotated_at + grace_with(0) &&
		GetCurrentTimestamp() <= rotated_at + grace_with(STATEMENT_SECONDS) &&
		GetCurrentTimestamp() >= rotated_at - grace_with(0);
}
