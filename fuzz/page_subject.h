/*
 * page_subject.h -- the state of subject page, shared by its operations and its checks.
 */
#ifndef FUZZ_PAGE_SUBJECT_H
#define FUZZ_PAGE_SUBJECT_H

#include "fuzz/frame/subject.h"
#include "fuzz/page_model.h"
#include "machine/machine.h"

enum { SHRINKERS = 4, HOWS = 4 * ZONES };

/* Ways to free what should not be freed; see page_misuse.c. */
/* clang-format off */
enum bad_free {
	AGAIN, INSIDE, ORDER, HUGE_ORDER, OWNER, CROOKED, RESERVED, BELOW, ABOVE, FAR, BADS
};
/* clang-format on */

enum page_saw {
	SAW_EXHAUSTION,
	SAW_FELL_BACK_TO_KERNEL,
	SAW_FELL_BACK_TO_USER,
	SAW_FELL_BACK_TO_DMA,
	SAW_RESERVE_HELD,
	SAW_LARGEST_GIVEN,
	SAW_LARGEST_MERGED,
	SAW_EVERY_ORDER,
	SAW_CACHE_FILLED,
	SAW_CACHE_OVERFLOWED,
	SAW_CACHE_DRAINED,
	SAW_QUARANTINE_OVERFLOWED,
	SAW_QUARANTINE_DRAINED,
	SAW_OTHER_CPU_FREE,
	SAW_RUN_OVER_BLOCKS,
	SAW_RUN_FREED_IN_PART,
	SAW_CLAIM_GRANTED,
	SAW_CLAIM_OVER_ZONES,
	SAW_SHRINKER_SAVED,
	SAW_SHRINKER_IN_VAIN,
	SAW_PRESSURE_LOW,
	SAW_PRESSURE_CRITICAL,
	SAW_ALL_PAGES_OUT,
	SAW_ONE_PAGE_LEFT,
	SAW_STATES
};

/* What is being asked of the allocator right now: shrinkers are judged by it. */
struct page_request {
	uint32_t pages;
	unsigned order;
	bool is_run;
	bool reclaim;  /* page_reclaim, not an allocation */
	unsigned wish; /* zone */
	uint32_t how;
	bool could;     /* it can be met with what is free: no shrinker is to be asked */
	unsigned asked; /* shrinkers so far */
};

struct page_shrinker {
	struct shrinker shrinker;
	struct run *run;
	unsigned slot; /* the handle whose pages it gives back */
	unsigned turn; /* in the order of registration */
	bool registered;
};

struct page_state {
	struct page_pool pool;
	struct page_model model;
	struct mm_listener listener;
	struct page_shrinker shrinker[SHRINKERS];
	unsigned shrinkers; /* registered */
	struct page_request *request;
	paddr_t base;
	uint32_t hole, hole_pages; /* reserved */
	uint64_t pristine;         /* page_hash() before the first operation */
	uint32_t told_level;       /* enum page_pressure, by the listener's last word */
	struct page_counts counts; /* after the last operation */
	uint32_t peak;             /* most pages not free at the end of any operation */
	struct frame frames[SCRIPT_PAGES_MAX];
};

/* No caches, no quarantine: what the model calls free is in the free lists at any moment. */
static inline bool page_state_exact(const struct page_state *s)
{
	return s->pool.cache_pages == 0 && s->pool.quarantine_limit == 0;
}

static inline struct page_state *page_state_of(const struct run *run)
{
	return run->state;
}

/* Whose a handle's pages are. */
static inline unsigned page_owner_of(unsigned slot)
{
	static const uint8_t owners[] = { PAGE_OWNER_KERNEL, PAGE_OWNER_HEAP, PAGE_OWNER_TABLE,
					  PAGE_OWNER_USER };
	return owners[slot % COUNT_OF(owners)];
}

static inline uint64_t *page_memory_of(const struct page_state *s, uint32_t page)
{
	return mach_phys(s->base + (paddr_t)page * PAGE_SIZE);
}

/* page_steps.c */

/* Gives back all that a handle has left. */
void page_give_back(struct run *run, unsigned slot);
/* The zone that a request would be met from, were all free pages in the free lists; or ZONES. */
unsigned page_zone_for(const struct page_state *s, const struct page_request *r);
void page_step_alloc(struct run *run, const struct script_op *op);
void page_step_run(struct run *run, const struct script_op *op);
void page_step_free(struct run *run, const struct script_op *op);
void page_step_free_part(struct run *run, const struct script_op *op);
void page_step_claim_dma(struct run *run, const struct script_op *op);
void page_step_claim_kernel(struct run *run, const struct script_op *op);
void page_step_claim_user(struct run *run, const struct script_op *op);
void page_step_claim_many(struct run *run, const struct script_op *op);
void page_step_use(struct run *run, const struct script_op *op);

/* page_misuse.c */
void page_step_bad_free(struct run *run, const struct script_op *op);
void page_step_free_range(struct run *run, const struct script_op *op);
void page_step_free_many(struct run *run, const struct script_op *op);

/* page_pressure.c */
void page_step_drain(struct run *run, const struct script_op *op);
void page_step_reclaim(struct run *run, const struct script_op *op);
void page_step_shrinker(struct run *run, const struct script_op *op);

/* page_oracle.c */
void page_oracle_open(struct run *run);
void page_oracle_check(struct run *run, enum check_depth depth);
/* After a drain: nothing is cached or quarantined, and all that is free is merged. */
void page_oracle_drained(struct run *run);
void page_oracle_pristine(struct run *run);

#endif
