/*-------------------------------------------------------------------------
 *
 * launcher.h
 *	  The process that starts a worker in one database after another.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_LAUNCHER_H
#define JA_LAUNCHER_H

extern PGDLLEXPORT void jwt_auth_launcher_main(Datum argument);

extern void ja_launcher_initialize(void);

#endif							/* JA_LAUNCHER_H */
