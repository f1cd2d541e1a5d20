/*
 * malloc_subject.h -- what the files of subject malloc tell each other: its state, and which of its
 * operations misuse the allocator (malloc_misuse.c).
 */
#ifndef FUZZ_MALLOC_SUBJECT_H
#define FUZZ_MALLOC_SUBJECT_H

#include "fuzz/malloc_score.h"

enum { LEFT_MAX = DEFERRED_FREE_SLOTS_MAX, THREADS = 3 };

/* What the allocator must say of its blocks. */
struct umf_counts {
	uint64_t live_bytes, live, queued_bytes, queued, allocated;
	uint64_t flushes[UMALLOC_FLUSH_CAUSES];
};

struct umf_state {
	struct umalloc m;
	struct umalloc_cache cache[THREADS]; /* of thread 0, which has none, not used */
	struct umw_memory mem;
	struct block_model blocks;
	uint64_t taken[SCRIPT_SLOTS]; /* by each handle's block */
	struct umf_counts counts;
	struct block left[LEFT_MAX]; /* in the queue, the oldest first */
	uint64_t left_taken[LEFT_MAX];
	bool vague; /* an unmap has failed: how much is queued is not known */
	bool locked;
};

enum {
	SAW_REFUSED,
	SAW_RESIZED_IN_PLACE,
	SAW_MOVED,
	SAW_FLUSHED, /* by cause */
	SAW_STUCK = SAW_FLUSHED + UMALLOC_FLUSH_CAUSES,
	SAW_MAPPED_ALIGNED,
	SAW_TRIMMED,
	SAW_BREAK_MOVED,
	SAW_QUEUED_FREED_AGAIN,
	SAW_CACHED,
	SAW_CACHE_CLOSED,
	SAW_CACHES_FORGOTTEN,
	SAW_CACHED_FREED_AGAIN,
	SAW_REMAPPED,
	SAW_STATES
};

static inline struct umf_state *state_of(const struct run *run)
{
	return run->state;
}

/* What was noted before a call. */
struct before {
	struct umalloc_stats stats;
	uint32_t failed, grown, refused, misused, unmaps, remaps;
};

/* The cache by which thread `n` makes a call, or NULL: while there is one thread nobody has any. */
static inline struct umalloc_cache *cache_of(struct umf_state *s, unsigned n)
{
	return n != 0 && *s->m.alone == 0 ? &s->cache[n] : NULL;
}

/* Who makes a call for which threads are all alike, where there are several. */
static inline unsigned anyone(const struct umf_state *s, unsigned slot)
{
	return *s->m.alone != 0 ? 0 : slot % THREADS;
}

struct before umf_look(struct run *run);

/* Thread `by` frees the block of a handle, as the model wants it. */
void umf_give_back(struct run *run, unsigned slot, unsigned by);

void umf_step_double_free(struct run *run, const struct script_op *op);
void umf_step_stale_free(struct run *run, const struct script_op *op);
void umf_step_queued_free(struct run *run, const struct script_op *op);
void umf_step_inside_free(struct run *run, const struct script_op *op);
void umf_step_wild_free(struct run *run, const struct script_op *op);

#endif
