/*
 * malloc_world.h -- memory calls as a process has them, over a run's arena, and one allocator of
 * user/malloc on them: the world of subjects malloc and malloc_smp.
 *
 * The arena's first pages are where the break moves, the rest is for mappings.  What nobody has is
 * poisoned.  Calls fail where there is no room, and where a script said that they should.
 */
#ifndef FUZZ_MALLOC_WORLD_H
#define FUZZ_MALLOC_WORLD_H

#include "fuzz/block_model.h"
#include "machine/machine.h"
#include "user/malloc/malloc.h"

enum umw_call { UMW_SBRK, UMW_MAP, UMW_UNMAP, UMW_REMAP, UMW_CALLS };

/* What the memory calls know; no part of what is simulated. */
struct umw_memory {
	struct run *run;
	uint8_t *base;
	uint32_t window, pages;       /* of the break, and in all */
	size_t break_at;              /* from base on */
	size_t heap, mapped;          /* bytes that the allocator has */
	size_t foreign;               /* that somebody else has moved the break by */
	bool taken[SCRIPT_PAGES_MAX]; /* by mappings */
	uint32_t to_fail[UMW_CALLS];  /* so many calls will fail yet */
	uint32_t planned, failed;     /* because of that; for whatever reason */
	uint32_t grown, unmaps;       /* that were done */
	uint32_t remaps;
	uint32_t refused;          /* tellings */
	uint32_t cached;           /* threads that began to have a cache */
	uint32_t misused, verdict; /* and the last one's */
	const void *unmapped;      /* the last */
	bool scored;               /* what is asked for is written down (malloc_score.h) */
	void (*lock)(struct run *run);
	void (*unlock)(struct run *run);
	struct umalloc_calls calls;
};

/* An allocator as the header asks for it: `quarantine` slots of the queue, a window of
 * `window_pages` for the break (0: half of all), mappings from `keep_pages` on (0: 4), quick lists
 * of up to 256 * `magazine` bytes, first fit where it says `zones`,
 * large blocks that grow by remap() where it says `poison`. */
void umw_open(struct umw_memory *mem, struct umalloc *m, const char *alone, struct run *run);

/* Somebody else moves the break by `bytes`, a multiple of 8; false: there is no room. */
bool umw_others_sbrk(struct umw_memory *mem, size_t bytes);

/* All is freed, nothing fails any more, nothing waits: hardly anything may be left ("leak"). */
void umw_close(struct umw_memory *mem, struct umalloc *m);

/* What a block with so many usable bytes counts as. */
static inline uint64_t umw_taken(size_t usable)
{
	return usable % 16 == 8 ? usable + 8 : usable;
}

#endif
