/*-------------------------------------------------------------------------
 *
 * address.h
 *	  Addresses that no document is fetched from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ADDRESS_H
#define JA_ADDRESS_H

#include <sys/socket.h>

extern const char *ja_address_refusal(const struct sockaddr *address);
extern void ja_address_print(const struct sockaddr *address, char *text, size_t size);

#endif							/* JA_ADDRESS_H */
