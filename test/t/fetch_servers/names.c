/*
 * To be preloaded: names of a test, which the DNS of an attacker leads to whatever
 * addresses, in this order.  All others are resolved as ever.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>

typedef int (*Resolve) (const char *, const char *, const struct addrinfo *, struct addrinfo **);

static const struct
{
	const char *name;
	const char *addresses[2];
}			names[] = {
	{"loopback.example", {"127.0.0.1"}},
	{"metadata.example", {"169.254.169.254"}},
	{"link-local.example", {"fe80::1"}},
	{"mapped.example", {"::ffff:169.254.169.254"}},
	{"translated.example", {"64:ff9b::a9fe:a9fe"}},
	{"tunnelled.example", {"2002:a9fe:a9fe::1"}},
	{"amazon.example", {"fd00:ec2::254"}},
	{"alibaba.example", {"100.100.100.200"}},
	{"azure.example", {"168.63.129.16"}},
	{"oracle.example", {"192.0.0.192"}},
	{"unspecified.example", {"0.0.0.0"}},
	{"multicast.example", {"224.0.0.1"}},
	{"several.example", {"169.254.169.254", "0.0.0.0"}},
	{"other.example", {"169.254.169.254", "127.0.0.1"}}
};

/* The addresses of a name, one behind the other. */
static int
resolve_all(Resolve resolve, const char *const *addresses, const char *service,
			const struct addrinfo *hints, struct addrinfo **result)
{
	struct addrinfo **end = result;
	int			status = 0;

	for (int i = 0; status == 0 && i < 2 && addresses[i] != NULL; i++)
	{
		status = resolve(addresses[i], service, hints, end);
		while (status == 0 && *end != NULL)
			end = &(*end)->ai_next;
	}
	return status;
}

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
			struct addrinfo **result)
{
	Resolve		resolve = (Resolve) dlsym(RTLD_NEXT, "getaddrinfo");

	for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strcmp(name, names[i].name) == 0)
			return resolve_all(resolve, names[i].addresses, service, hints, result);
	}
	return resolve(name, service, hints, result);
}
