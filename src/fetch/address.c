/*-------------------------------------------------------------------------
 *
 * address.c
 *	  Addresses that no document is fetched from.
 *
 * A URL, or a name in the DNS of others, must not lead to what answers only
 * because a machine of the operator asks: the metadata of cloud machines,
 * above all, which hand out credentials.  The loopback and private networks
 * stay allowed, since identity providers stand there.  What is looked at is
 * the resolved address of each connection, so that no name helps around it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "fetch/address.h"

typedef struct Network
{
	int			bits;			/* that must be equal */
	uint8		prefix[16];
	const char *what;
} Network;

static const Network networks_v4[] = {
	{8, {0}, "unspecified"},
	{16, {169, 254}, "link-local"},
	{4, {224}, "multicast"},
	{4, {240}, "reserved"},
	{32, {100, 100, 100, 200}, "metadata of cloud machines"},
	{32, {168, 63, 129, 16}, "metadata of cloud machines"},
	{32, {192, 0, 0, 192}, "metadata of cloud machines"}
};

static const Network networks_v6[] = {
	{128, {0}, "unspecified"},
	{10, {0xfe, 0x80}, "link-local"},
	{8, {0xff}, "multicast"},
	{32, {0xfd, 0x00, 0x0e, 0xc2}, "metadata of cloud machines"},
	{32, {0xfd, 0x20, 0x00, 0xce}, "metadata of cloud machines"}
};

/*
 * IPv6 addresses that stand for an IPv4 address: mapped (RFC 4291 2.5.5.2),
 * translated (RFC 6052 2.1, RFC 8215) and 6to4 (RFC 3056 2).
 */
static const struct
{
	int			bits;
	uint8		prefix[16];
	int			offset;			/* of the IPv4 address */
}			embedded[] = {
	{96, {[10] = 0xff,[11] = 0xff}, 12},
	{96, {0x00, 0x64, 0xff, 0x9b}, 12},
	{48, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 12},
	{16, {0x20, 0x02}, 2}
};

static bool
is_in(const uint8 *address, const uint8 *prefix, int bits)
{
	for (int bit = 0; bit < bits; bit++)
	{
		if ((address[bit / 8] ^ prefix[bit / 8]) & (0x80 >> bit % 8))
			return false;
	}
	return true;
}

static const char *
refusal_in(const uint8 *address, const Network *networks, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (is_in(address, networks[i].prefix, networks[i].bits))
			return networks[i].what;
	}
	return NULL;
}

static const char *
refusal_v4(const uint8 *address)
{
	return refusal_in(address, networks_v4, lengthof(networks_v4));
}

static const char *
refusal_v6(const uint8 *address)
{
	const char *refusal = refusal_in(address, networks_v6, lengthof(networks_v6));

	for (int i = 0; refusal == NULL && i < lengthof(embedded); i++)
	{
		if (is_in(address, embedded[i].prefix, embedded[i].bits))
			refusal = refusal_v4(address + embedded[i].offset);
	}
	return refusal;
}

/* Why nothing is fetched from an address, or NULL if it may be. */
const char *
ja_address_refusal(const struct sockaddr *address)
{
	switch (address->sa_family)
	{
		case AF_INET:
			return refusal_v4((const uint8 *) &((const struct sockaddr_in *) address)->sin_addr);
		case AF_INET6:
			return refusal_v6((const uint8 *) &((const struct sockaddr_in6 *) address)->sin6_addr);
		default:
			return "not of the Internet";
	}
}

/* Writes an address as text, for messages. */
void
ja_address_print(const struct sockaddr *address, char *text, size_t size)
{
	const void *bytes = address->sa_family == AF_INET6 ?
	(const void *) &((const struct sockaddr_in6 *) address)->sin6_addr :
	(const void *) &((const struct sockaddr_in *) address)->sin_addr;

	if (inet_ntop(address->sa_family, bytes, text, (socklen_t) size) == NULL)
		strlcpy(text, "?", size);
}
