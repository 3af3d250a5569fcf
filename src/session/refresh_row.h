/*-------------------------------------------------------------------------
 *
 * refresh_row.h
 *	  The row of a session's refresh token: which one is current, and rotation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_REFRESH_ROW_H
#define JA_REFRESH_ROW_H

#include "datatype/timestamp.h"

#include "session/refresh_token.h"

/* The row as it is now. */
typedef struct JaRefreshRow
{
	JaRefreshToken current;
	bytea	   *earlier;		/* generations in their grace; NULL: none */
	TimestampTz rotated_at;
} JaRefreshRow;

extern bool ja_refresh_row_find(const pg_uuid_t *session, JaRefreshRow *row);
extern bool ja_refresh_row_is_current(const JaRefreshToken *token, const JaRefreshRow *row);
extern bool ja_refresh_row_is_idle(const JaRefreshRow *row);
extern bool ja_refresh_row_is_in_grace(const JaRefreshToken *token, const JaRefreshRow *row);
extern bool ja_refresh_row_rotate(const JaRefreshToken *token, const JaRefreshRow *row, bool cuts,
								  JaRefreshToken *child);
extern bool ja_refresh_row_replace(const pg_uuid_t *session, JaRefreshToken *child);

#endif							/* JA_REFRESH_ROW_H */
