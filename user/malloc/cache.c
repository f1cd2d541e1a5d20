/*
 * cache.c -- what each thread keeps for itself: small free blocks, taken and freed without the lock
 * (magazines: Bonwick and Adams, "Magazines and Vmem", 2001, section 3).
 *
 * A cache has a list for each size up to 1,024 bytes, of 4 KiB and 32 blocks at most.  Where a list
 * is empty its thread takes the lock, once for what it wants and for a few more, twice as many each
 * time; where it is full, half of it goes back.  So a size that a thread asks for once costs no
 * memory, and one that it asks for often hardly ever the lock.
 *
 * The heap knows nothing of this: there, a cached block is live.  Its payload holds the next one
 * and a key, by which a second free of it is suspected; then all caches are searched, and it is
 * known.
 *
 * Each cache has a latch, which its thread takes for some ten instructions and finds free, but for
 * whoever looks at all caches: a walk, figures, a fork; and a request for which there would be no
 * memory, or for which the heap would grow while an eighth of it lies in caches: then all are
 * emptied.  These have the lock, so the order is the lock, then latches; who finds
 * his own latch taken does not wait for it, but goes the way of those without a cache.
 *
 * A cache is in use from its first miss on until its thread ends, which gives it back and leaves
 * the latch taken.  Not everything is cached: nothing while there is one thread, or while the
 * queue of deferred frees has to be flushed.  In a child of fork all are emptied, since threads
 * are gone.
 *
 * Always true (umalloc_check, with all latches taken): a block in a list is of its size, live, has
 * the key, and is in one list once; a list is as long as it says.
 *
 * Cost: a hit some 30 instructions; of memory, at most 250 KiB a thread.
 */
#include "user/malloc/heap.h"

enum {
	LIST_UNITS = 4096 >> UNIT_SHIFT,
	LIST_BLOCKS = 32,
	SHARE_SHIFT = 3,
	CACHED_BYTES = ((UMALLOC_CACHED - 1) << UNIT_SHIFT) - BLOCK_HEAD,
};

/* --- latches ---------------------------------------------------------------------------------- */

static inline bool latch_try(struct umalloc_cache *c)
{
	return port_claim(&c->latch);
}

static inline void latch_drop(struct umalloc_cache *c)
{
	port_release(&c->latch);
}

static void latch_take(struct umalloc *m, struct umalloc_cache *c)
{
	while (!latch_try(c)) m->calls->relax(m->calls->context);
}

void um_caches_stop(struct umalloc *m)
{
	for (struct umalloc_cache *c = m->caches; c != NULL; c = c->next) latch_take(m, c);
}

void um_caches_go(struct umalloc *m)
{
	for (struct umalloc_cache *c = m->caches; c != NULL; c = c->next) latch_drop(c);
}

/* --- lists; with the latch -------------------------------------------------------------------- */

static inline uint32_t cached_count(const struct umalloc_cached *l)
{
	return (uint32_t)l->most - l->room;
}

static inline void push(struct umalloc_cache *c, struct umalloc_block *b, uint64_t units)
{
	struct umalloc_cached *l = &c->list[units];

	b->next = l->first;
	b->prev = CACHED_KEY;
	l->first = b;
	l->room--;
	c->units += units;
}

static inline struct umalloc_block *pop(struct umalloc_cache *c, uint64_t units)
{
	struct umalloc_cached *l = &c->list[units];
	struct umalloc_block *b = l->first;

	l->first = b->next;
	b->prev = NULL;
	l->room++;
	c->units -= units;
	return b;
}

/* All but `keep` of a list's blocks go back.  With the lock. */
static void shorten(struct umalloc *m, struct umalloc_cache *c, uint64_t units, uint32_t keep)
{
	while (cached_count(&c->list[units]) > keep) {
		struct umalloc_block *b = pop(c, units);
		m->counts.live.blocks--;
		m->counts.live.units -= units;
		um_heap_put_back(m, b);
	}
}

static void empty(struct umalloc *m, struct umalloc_cache *c)
{
	for (uint32_t units = 0; units < UMALLOC_CACHED; units++) shorten(m, c, units, 0);
}

/* A block that is free and needs no call to be had; or NULL. */
static struct umalloc_block *take_one(struct umalloc *m, uint64_t units)
{
	struct umalloc_block *b = quick_take(m, units);
	return b != NULL ? b : carve_small(m, units << UNIT_SHIFT);
}

/* What is carved may be a unit larger than was wanted: then it was the last. */
static void fill(struct umalloc *m, struct umalloc_cache *c, uint64_t units)
{
	struct umalloc_cached *l = &c->list[units];

	for (uint32_t n = l->batch; n != 0 && l->room != 0; n--) {
		struct umalloc_block *b = take_one(m, units);
		if (b == NULL) break;
		if (block_units(b) != units) {
			um_heap_put_back(m, b);
			break;
		}
		count_allocated(m, units);
		push(c, b, units);
	}
	if (l->batch < l->most / 2) l->batch *= 2;
}

/* --- the beginning and the end; with the lock and the latch ----------------------------------- */

static void begin(struct umalloc *m, struct umalloc_cache *c)
{
	c->m = m;
	c->next = m->caches;
	c->link = &m->caches;
	if (c->next != NULL) c->next->link = &c->next;
	m->caches = c;
	for (uint32_t units = BLOCK_MIN >> UNIT_SHIFT; units < UMALLOC_CACHED; units++) {
		const uint32_t most = LIST_UNITS / units;
		struct umalloc_cached *l = &c->list[units];
		if (units << UNIT_SHIFT >= m->config.quick_bytes) break;
		l->room = l->most = (uint16_t)(most < LIST_BLOCKS ? most : LIST_BLOCKS);
		l->batch = 1;
	}
}

static void end(struct umalloc *m, struct umalloc_cache *c)
{
	empty(m, c);
	for (uint64_t units = 0; units < UMALLOC_CACHED; units++) {
		m->counts.released.blocks += c->list[units].given;
		m->counts.released.units += c->list[units].given * units;
	}
	memset(c->list, 0, sizeof(c->list));
	*c->link = c->next;
	if (c->next != NULL) c->next->link = c->link;
	c->m = NULL;
}

void umalloc_cache_close(struct umalloc_cache *c)
{
	struct umalloc *m = c->m;

	if (m == NULL) {
		latch_try(c);
		return;
	}
	umalloc_lock(m);
	latch_take(m, c);
	end(m, c);
	umalloc_unlock(m);
}

void um_caches_empty(struct umalloc *m)
{
	for (struct umalloc_cache *c = m->caches; c != NULL; c = c->next) {
		latch_take(m, c);
		empty(m, c);
		latch_drop(c);
	}
}

void um_caches_thin(struct umalloc *m)
{
	uint64_t units = 0;

	um_caches_stop(m);
	for (const struct umalloc_cache *c = m->caches; c != NULL; c = c->next) units += c->units;
	um_caches_go(m);
	if (units << UNIT_SHIFT > m->heap_bytes >> SHARE_SHIFT) um_caches_empty(m);
}

void um_caches_forget(struct umalloc *m)
{
	while (m->caches != NULL) {
		struct umalloc_cache *c = m->caches;
		end(m, c);
		latch_drop(c);
	}
}

/* --- looking at all of them ------------------------------------------------------------------- */

struct umalloc_count um_caches_count(const struct umalloc *m, struct umalloc_count *released)
{
	struct umalloc_count in = { 0, 0 };

	for (const struct umalloc_cache *c = m->caches; c != NULL; c = c->next) {
		for (uint64_t units = 0; units < UMALLOC_CACHED; units++) {
			const struct umalloc_cached *l = &c->list[units];
			in.blocks += cached_count(l);
			in.units += cached_count(l) * units;
			released->blocks += l->given;
			released->units += l->given * units;
		}
	}
	return in;
}

static bool has(struct umalloc *m, struct umalloc_cache *c, const struct umalloc_block *b)
{
	latch_take(m, c);
	const struct umalloc_block *at = c->list[block_units(b)].first;
	while (at != NULL && at != b) at = at->next;
	latch_drop(c);
	return at == b;
}

bool um_caches_have(struct umalloc *m, const struct umalloc_block *b)
{
	if (block_units(b) >= UMALLOC_CACHED) return false;
	for (struct umalloc_cache *c = m->caches; c != NULL; c = c->next)
		if (has(m, c, b)) return true;
	return false;
}

static const char *mark_list(const struct umalloc *m, const struct umalloc_cached *l,
			     uint64_t units, uint64_t was, uint64_t is)
{
	uint32_t met = 0;

	for (struct umalloc_block *b = l->first; b != NULL; b = b->next) {
		if (++met > cached_count(l)) return "a cache's list is longer than it says";
		if (!in_heap(m, block_payload(b)) || !block_is_head(b))
			return "a cache holds what is no block";
		if (block_state(b) != was) return "a block is in caches twice, or not live";
		if (block_units(b) != units || b->prev != CACHED_KEY)
			return "a cache holds what it should not";
		block_set_state(b, is);
	}
	return met == cached_count(l) ? NULL : "a cache's list is shorter than it says";
}

const char *um_caches_mark(struct umalloc *m, uint64_t was, uint64_t is)
{
	const char *why = NULL;

	for (const struct umalloc_cache *c = m->caches; c != NULL; c = c->next)
		for (uint64_t units = 0; units < UMALLOC_CACHED && why == NULL; units++)
			why = mark_list(m, &c->list[units], units, was, is);
	return why;
}

/* --- calls of a thread that has one ----------------------------------------------------------- */

/* With the lock: who finds the latch taken has closed his cache.  *begun: told once.  False: it is
 * closed, or has no list for blocks of so many units. */
static bool at_own(struct umalloc *m, struct umalloc_cache *c, uint64_t units, bool *begun)
{
	if (!latch_try(c)) return false;
	*begun = c->m == NULL;
	if (*begun) begin(m, c);
	if (c->list[units].most != 0) return true;
	latch_drop(c);
	return false;
}

static void tell(struct umalloc *m, struct umalloc_cache *c, bool begun)
{
	if (UMALLOC_UNLIKELY(begun)) m->calls->cached(m->calls->context, c);
}

__attribute__((noinline)) static void *alloc_filling(struct umalloc *m, struct umalloc_cache *c,
						     size_t bytes)
{
	bool begun = false;

	umalloc_lock(m);
	if (deferred_waits(m)) um_deferred_flush(m, UMALLOC_FLUSH_ALLOC);
	void *p = um_user_take(m, UMALLOC_ALIGN, bytes);
	if (p != NULL && at_own(m, c, block_units_for(bytes), &begun)) {
		fill(m, c, block_units_for(bytes));
		latch_drop(c);
	}
	umalloc_unlock(m);
	tell(m, c, begun);
	if (UMALLOC_UNLIKELY(p == NULL)) m->calls->refused(m->calls->context);
	return p;
}

void *umalloc_alloc_by(struct umalloc *m, struct umalloc_cache *c, size_t bytes)
{
	const uint64_t units = block_units_for(bytes);

	if (UMALLOC_UNLIKELY(bytes > CACHED_BYTES || bytes >= port_peek(&m->short_bytes) ||
			     !latch_try(c)))
		return umalloc_alloc(m, bytes);
	if (UMALLOC_UNLIKELY(c->list[units].first == NULL)) {
		latch_drop(c);
		return alloc_filling(m, c, bytes);
	}
	struct umalloc_block *b = pop(c, units);
	latch_drop(c);
	return block_payload(b);
}

__attribute__((noinline)) static void free_spilling(struct umalloc *m, struct umalloc_cache *c,
						    struct umalloc_block *b, uint64_t units)
{
	struct umalloc_cached *l = &c->list[units];
	bool begun = false;

	umalloc_lock(m);
	const bool own = at_own(m, c, units, &begun);
	if (own) {
		if (deferred_waits(m)) um_deferred_flush(m, UMALLOC_FLUSH_FREE);
		shorten(m, c, units, l->most / 2);
		push(c, b, units);
		l->given++;
		latch_drop(c);
	}
	umalloc_unlock(m);
	tell(m, c, begun);
	if (!own) umalloc_free(m, block_payload(b));
}

/* A block of the only region that has a list, and is in none. */
void umalloc_free_by(struct umalloc *m, struct umalloc_cache *c, void *p)
{
	struct umalloc_block *b = block_of(p);

	if (UMALLOC_UNLIKELY((uintptr_t)p - port_peek(&m->low) >= port_peek(&m->span) ||
			     (uintptr_t)p % UMALLOC_ALIGN != 0)) {
		umalloc_free(m, p);
		return;
	}
	const uint64_t head = port_peek(&b->head), units = head >> HEAD_SIZE_SHIFT;
	if (UMALLOC_UNLIKELY(!head_is_users(head) || units >= UMALLOC_CACHED ||
			     b->prev == CACHED_KEY || port_peek(&m->short_bytes) == 0 ||
			     !latch_try(c))) {
		umalloc_free(m, p);
		return;
	}
	struct umalloc_cached *l = &c->list[units];
	if (UMALLOC_UNLIKELY(l->room == 0)) {
		latch_drop(c);
		free_spilling(m, c, b, units);
		return;
	}
	push(c, b, units);
	l->given++;
	latch_drop(c);
}
