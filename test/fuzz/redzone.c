/*-------------------------------------------------------------------------
 *
 * redzone.c
 *	  palloc() with a poisoned zone behind the memory.
 *
 * A chunk is an ordinary one of its memory context, a little longer: what was
 * asked for, the zone, and a trailer that takes the poison away before the
 * context gives the memory to anyone else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sanitizer/asan_interface.h>

#include "lib/ilist.h"
#include "utils/memutils.h"

#undef palloc
#undef pfree

#define ZONE_SIZE 16

typedef struct Chunk
{
	dlist_node	node;
	char	   *start;
	Size		length;			/* of what was asked for and the zone */
	MemoryContextCallback callback;
} Chunk;

static dlist_head chunks = DLIST_STATIC_INIT(chunks);

static void
forget_chunk(void *argument)
{
	Chunk	   *chunk = argument;

	__asan_unpoison_memory_region(chunk->start, chunk->length);
	dlist_delete(&chunk->node);
}

void *
fuzz_palloc(Size size)
{
	Size		length = MAXALIGN(size) + ZONE_SIZE;
	char	   *start = palloc(length + sizeof(Chunk));
	Chunk	   *chunk = (Chunk *) (start + length);

	chunk->start = start;
	chunk->length = length;
	chunk->callback.func = forget_chunk;
	chunk->callback.arg = chunk;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &chunk->callback);
	dlist_push_head(&chunks, &chunk->node);
	__asan_poison_memory_region(start + size, length - size);
	return start;
}

void *
fuzz_palloc0(Size size)
{
	return memset(fuzz_palloc(size), 0, size);
}

char *
fuzz_pnstrdup(const char *text, Size length)
{
	Size		copied = strnlen(text, length);
	char	   *copy = fuzz_palloc(copied + 1);

	memcpy(copy, text, copied);
	copy[copied] = '\0';
	return copy;
}

/* Memory that PostgreSQL itself has allocated goes back to it. */
void
fuzz_pfree(void *pointer)
{
	dlist_iter	position;

	dlist_foreach(position, &chunks)
	{
		Chunk	   *chunk = dlist_container(Chunk, node, position.cur);

		if (chunk->start == pointer)
		{
			__asan_poison_memory_region(chunk->start, chunk->length);
			return;
		}
	}
	pfree(pointer);
}
