/*-------------------------------------------------------------------------
 *
 * time.h
 *	  Times that may come from a row, where an operator may have written any.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_TIME_H
#define JA_TIME_H

#include "common/int.h"
#include "datatype/timestamp.h"

/*
 * So many seconds from a time, which may be infinite and then stays so; what is
 * too late for a timestamp is infinity.
 */
static inline TimestampTz
ja_seconds_from(TimestampTz time, int64 seconds)
{
	TimestampTz result;

	if (TIMESTAMP_NOT_FINITE(time))
		return time;
	if (pg_add_s64_overflow(time, seconds * USECS_PER_SEC, &result) || result >= END_TIMESTAMP)
		return DT_NOEND;
	return result;
}

#endif							/* JA_TIME_H */
