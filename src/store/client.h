/*-------------------------------------------------------------------------
 *
 * client.h
 *	  What is known of the client of the running request.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CLIENT_H
#define JA_CLIENT_H

/* Texts of the current memory context; NULL: unknown. */
typedef struct JaClient
{
	char	   *user_agent;
	char	   *claimed_address;	/* as a header says; never to be trusted */
} JaClient;

extern void ja_client_read(JaClient *client);

#endif							/* JA_CLIENT_H */
