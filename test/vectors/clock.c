/*-------------------------------------------------------------------------
 *
 * clock.c
 *	  Preloaded into a test server, this stops the wall clock at the second
 *	  that a file says: decimal seconds since 1970, or nothing for the real
 *	  time.  The file's path is in JWT_AUTH_CLOCK; it is read at each call,
 *	  so that the time can be set while the server runs.
 *
 *	  The monotonic clock, by which the server waits, goes on.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static bool
read_stopped(time_t *seconds)
{
	const char *path = getenv("JWT_AUTH_CLOCK");
	int			saved_errno = errno;
	char		digits[24];
	ssize_t		length = 0;
	int			file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (file >= 0)
	{
		length = read(file, digits, sizeof(digits) - 1);
		close(file);
	}
	errno = saved_errno;
	if (length <= 0)
		return false;
	digits[length] = '\0';
	*seconds = strtoll(digits, NULL, 10);
	return true;
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	time_t		seconds;

	if (clock == CLOCK_REALTIME && read_stopped(&seconds))
	{
		now->tv_sec = seconds;
		now->tv_nsec = 0;
		return 0;
	}
	return (int) syscall(SYS_clock_gettime, clock, now);
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise;

	(void) zone;
	if (clock_gettime(CLOCK_REALTIME, &precise) != 0)
		return -1;
	now->tv_sec = precise.tv_sec;
	now->tv_usec = precise.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *seconds)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return (time_t) -1;
	if (seconds != NULL)
		*seconds = now.tv_sec;
	return now.tv_sec;
}
