/*-------------------------------------------------------------------------
 *
 * hash_slots.h
 *	  How many password hashes the server computes at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_HASH_SLOTS_H
#define JA_HASH_SLOTS_H

/* As many as anyone may allow. */
#define JA_MAX_HASH_SLOTS 1024
#define JA_MAX_WAITING_HASHES 65536

extern int	ja_hash_slots_default(void);
extern Size ja_hash_slots_size(void);
extern void ja_hash_slots_attach(void *memory, bool is_new);

extern bool ja_hash_slot_take(void);
extern void ja_hash_slot_release(void);

#endif							/* JA_HASH_SLOTS_H */
