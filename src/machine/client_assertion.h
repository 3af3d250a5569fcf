/*-------------------------------------------------------------------------
 *
 * client_assertion.h
 *	  Clients that sign who they are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CLIENT_ASSERTION_H
#define JA_CLIENT_ASSERTION_H

#include "machine/client_row.h"

extern JaStatus ja_client_assertion_redeem(JaString text, JaClientRow *client);

#endif							/* JA_CLIENT_ASSERTION_H */
