/*
 * argon2 MEMORY ITERATIONS HASHES
 *
 * Prints the microseconds that one bare Argon2id hash takes, the least of so
 * many: what a login cannot do without.
 */
#include <argon2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double
now_microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int
main(int argc, char **argv)
{
	static const char password[] = "correct horse battery staple";
	uint8_t		salt[16] = {1, 2, 3};
	uint8_t		digest[32];
	double		least = 1e12;

	if (argc != 4)
		return 2;
	for (int i = 0; i < atoi(argv[3]); i++)
	{
		double		start = now_microseconds();

		if (argon2id_hash_raw((uint32_t) atoi(argv[2]), (uint32_t) atoi(argv[1]), 1,
							  password, strlen(password), salt, sizeof(salt),
							  digest, sizeof(digest)) != ARGON2_OK)
			return 1;
		if (now_microseconds() - start < least)
			least = now_microseconds() - start;
	}
	printf("%.1f\n", least);
	return 0;
}
