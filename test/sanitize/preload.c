/*-------------------------------------------------------------------------
 *
 * preload.c
 *	  Gets the C library ready for a preloaded address sanitizer.
 *
 * On Debian 12 the sanitizer deadlocks when the constructor of some other
 * library takes a lock of the C library before the sanitizer's own has run.
 * This is preloaded in front and linked to be initialised first of all; its
 * allocation makes the sanitizer initialise itself.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>

static void initialise_sanitizer(void) __attribute__((constructor));

static void
initialise_sanitizer(void)
{
	void	   *volatile memory = malloc(1);

	free(memory);
}
