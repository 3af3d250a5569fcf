/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  Values of the jwt_auth.* settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/settings.h"

JaSettings	ja_settings;
uint64		ja_settings_changes = 1;
