/*-------------------------------------------------------------------------
 *
 * header_memory.c
 *	  jws.c, with a way to empty the header that it remembers.
 *
 * What one input leaves behind would hide what another does in a new session,
 * and make crashes hard to reproduce.
 *
 *-------------------------------------------------------------------------
 */
#include "../../src/jose/jws.c"

#include "fuzz.h"

void
fuzz_forget_header(void)
{
	memset(&remembered, 0, sizeof(remembered));
}
