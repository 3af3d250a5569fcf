/*-------------------------------------------------------------------------
 *
 * running.h
 *	  Since when the oldest transaction of the database runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_RUNNING_H
#define JA_RUNNING_H

#include "datatype/timestamp.h"

extern TimestampTz ja_running_since(void);

#endif							/* JA_RUNNING_H */
