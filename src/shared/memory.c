/*-------------------------------------------------------------------------
 *
 * memory.c
 *	  The memory that all backends of a server share: asked for while the
 *	  postmaster preloads the library, and laid out once.
 *
 * Its size follows from settings that only a restart changes, and nothing in
 * it grows.  A library that is not preloaded has none: each part then says
 * so, and its callers work alone.
 *
 * What is in it is never a verdict on a token, so that nothing in it can be
 * out of date, but for the public keys of connections, which say of when they are.
 * It is never a token, a claim, a private key, a secret or a password: roles that
 * may read the server's files can read this memory, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "shared/attempts.h"
#include "shared/connection_board.h"
#include "shared/counters.h"
#include "shared/hash_slots.h"
#include "shared/memory.h"
#include "shared/signatures.h"
#include "shared/worker_board.h"

#define NAME "jwt_auth"

/* One room of the memory; its size is a multiple of a cache line. */
typedef struct Part
{
	Size		(*size) (void);

	/* Takes the memory, which holds zeros where is_new. */
	void		(*attach) (void *memory, bool is_new);
} Part;

static const Part parts[] = {
	{ja_signatures_size, ja_signatures_attach},
	{ja_attempts_size, ja_attempts_attach},
	{ja_counters_size, ja_counters_attach},
	{ja_hash_slots_size, ja_hash_slots_attach},
	{ja_worker_board_size, ja_worker_board_attach},
	{ja_connection_board_size, ja_connection_board_attach},
};

static shmem_request_hook_type former_request_hook = NULL;
static shmem_startup_hook_type former_startup_hook = NULL;

static Size
total_size(void)
{
	Size		size = 0;

	for (size_t i = 0; i < lengthof(parts); i++)
		size = add_size(size, CACHELINEALIGN(parts[i].size()));
	return size;
}

static void
request_memory(void)
{
	if (former_request_hook != NULL)
		former_request_hook();
	RequestAddinShmemSpace(total_size());
	RequestNamedLWLockTranche(NAME, 1);
}

/* Runs again after a crash, with new memory. */
static void
lay_out_memory(void)
{
	char	   *memory;
	bool		is_found;

	if (former_startup_hook != NULL)
		former_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	memory = ShmemInitStruct(NAME, total_size(), &is_found);
	if (!is_found)
		memset(memory, 0, total_size());
	for (size_t i = 0; i < lengthof(parts); i++)
	{
		parts[i].attach(memory, !is_found);
		memory += CACHELINEALIGN(parts[i].size());
	}
	LWLockRelease(AddinShmemInitLock);
}

/* To be called only where there is shared memory. */
LWLock *
ja_shared_lock(void)
{
	static LWLock *lock = NULL;

	if (lock == NULL)
		lock = &GetNamedLWLockTranche(NAME)->lock;
	return lock;
}

/*
 * Registers the hooks while the postmaster preloads the library, and the
 * settings of the sizes are defined.
 */
void
ja_shared_memory_initialize(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	former_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	former_startup_hook = shmem_startup_hook;
	shmem_startup_hook = lay_out_memory;
}
