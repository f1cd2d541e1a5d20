/*
 * malloc_world.c -- the break and mappings over a run's arena.
 *
 * A mapping takes the lowest row of free pages, so addresses come back soon, for other blocks.
 * Memory that is given is zero, as Linux gives it.  Where somebody else has moved the break, what
 * lies there stays poisoned: it is none of the allocator's.
 *
 * What a request must not do is judged here: ask for no bytes or parts of pages, give back what is
 * not its own, ask with a lock held otherwise than it should (the subject's lock says so).
 */
#include "fuzz/malloc_score.h"

static bool planned_to_fail(struct umw_memory *mem, enum umw_call call)
{
	if (mem->to_fail[call] == 0) return false;
	mem->to_fail[call]--;
	mem->planned++;
	mem->failed++;
	return true;
}

/* --- the break -------------------------------------------------------------------------------- */

static void give(uint8_t *at, size_t bytes)
{
	mach_unpoison(at, bytes);
	memset(at, 0, bytes);
}

static size_t window_bytes(const struct umw_memory *mem)
{
	return (size_t)mem->window << PAGE_SHIFT;
}

static void *break_move(struct umw_memory *mem, ptrdiff_t bytes)
{
	uint8_t *was = mem->base + mem->break_at;

	if (bytes % PAGE_SIZE != 0) kpanic(ORACLE_ERRNO, "the break by %td bytes", bytes);
	if (bytes == 0) return was;
	if (planned_to_fail(mem, UMW_SBRK)) return UMALLOC_NO_MEMORY;
	if (bytes < 0 && (size_t)-bytes > mem->heap)
		kpanic(ORACLE_BOUNDS, "the break lower than it ever was");
	if (bytes > 0 && (size_t)bytes > window_bytes(mem) - mem->break_at) {
		mem->failed++;
		return UMALLOC_NO_MEMORY;
	}
	mem->break_at += (size_t)bytes;
	mem->heap += (size_t)bytes;
	if (bytes > 0) {
		mem->grown++;
		give(was, (size_t)bytes);
	} else {
		mach_poison(was + bytes, (size_t)-bytes);
	}
	return was;
}

static void *umw_sbrk(void *context, ptrdiff_t bytes)
{
	void *was = break_move(context, bytes);

	umw_score_sbrk(context, bytes, was);
	return was;
}

bool umw_others_sbrk(struct umw_memory *mem, size_t bytes)
{
	if (bytes > window_bytes(mem) - mem->break_at) return false;
	mem->break_at += bytes;
	mem->foreign += bytes;
	return true;
}

/* --- mappings --------------------------------------------------------------------------------- */

static uint32_t free_row(const struct umw_memory *mem, uint32_t from)
{
	uint32_t n = 0;

	while (from + n < mem->pages && !mem->taken[from + n]) n++;
	return n;
}

static void *row_map(struct umw_memory *mem, size_t bytes)
{
	const size_t want = bytes >> PAGE_SHIFT;

	if (bytes == 0 || bytes % PAGE_SIZE != 0) kpanic(ORACLE_ERRNO, "a map of %zu", bytes);
	if (planned_to_fail(mem, UMW_MAP)) return UMALLOC_NO_MEMORY;
	for (uint32_t page = mem->window; page < mem->pages; page++) {
		if (free_row(mem, page) < want) continue;
		for (size_t i = 0; i < want; i++) mem->taken[page + i] = true;
		mem->mapped += bytes;
		give(mem->base + ((size_t)page << PAGE_SHIFT), bytes);
		return mem->base + ((size_t)page << PAGE_SHIFT);
	}
	mem->failed++;
	return UMALLOC_NO_MEMORY;
}

static void *umw_map(void *context, size_t bytes)
{
	void *at = row_map(context, bytes);

	umw_score_map(context, bytes, at);
	return at;
}

static bool row_unmap(struct umw_memory *mem, void *at, size_t bytes)
{
	const size_t offset = (size_t)((uint8_t *)at - mem->base), first = offset >> PAGE_SHIFT;

	if (bytes == 0 || bytes % PAGE_SIZE != 0 || offset % PAGE_SIZE != 0)
		kpanic(ORACLE_ERRNO, "an unmap of %zu bytes", bytes);
	for (size_t i = 0; i < bytes >> PAGE_SHIFT; i++)
		if (first + i >= mem->pages || !mem->taken[first + i])
			kpanic(ORACLE_WILD_FREE, "an unmap of what is not mapped");
	if (planned_to_fail(mem, UMW_UNMAP)) return false;
	for (size_t i = 0; i < bytes >> PAGE_SHIFT; i++) mem->taken[first + i] = false;
	mem->mapped -= bytes;
	mem->unmaps++;
	mem->unmapped = at;
	mach_poison(at, bytes);
	return true;
}

static bool umw_unmap(void *context, void *at, size_t bytes)
{
	const bool done = row_unmap(context, at, bytes);

	umw_score_unmap(context, at, bytes, done);
	return done;
}

static void give_row(struct umw_memory *mem, size_t first, size_t pages, bool taken)
{
	uint8_t *at = mem->base + (first << PAGE_SHIFT);

	for (size_t i = 0; i < pages; i++) mem->taken[first + i] = taken;
	if (taken)
		give(at, pages << PAGE_SHIFT);
	else
		mach_poison(at, pages << PAGE_SHIFT);
}

/* Where it is, if there is room behind; otherwise elsewhere, with its contents. */
static void *row_remap(struct umw_memory *mem, void *at, size_t bytes, size_t larger)
{
	const size_t first = (size_t)((uint8_t *)at - mem->base) >> PAGE_SHIFT;
	const size_t had = bytes >> PAGE_SHIFT, want = larger >> PAGE_SHIFT;

	if (larger <= bytes || larger % PAGE_SIZE != 0 || (uintptr_t)at % PAGE_SIZE != 0)
		kpanic(ORACLE_ERRNO, "a remap of %zu bytes to %zu", bytes, larger);
	for (size_t i = 0; i < had; i++)
		if (first + i >= mem->pages || !mem->taken[first + i])
			kpanic(ORACLE_WILD_FREE, "a remap of what is not mapped");
	if (planned_to_fail(mem, UMW_REMAP)) return UMALLOC_NO_MEMORY;
	if (free_row(mem, (uint32_t)(first + had)) >= want - had) {
		mem->remaps++;
		give_row(mem, first + had, want - had, true);
		mem->mapped += larger - bytes;
		return at;
	}
	uint8_t *now = row_map(mem, larger);
	if (now == UMALLOC_NO_MEMORY) return now;
	mem->remaps++;
	memcpy(now, at, bytes);
	give_row(mem, first, had, false);
	mem->mapped -= bytes;
	return now;
}

static void *umw_remap(void *context, void *at, size_t bytes, size_t larger)
{
	void *now = row_remap(context, at, bytes, larger);

	umw_score_remap(context, at, bytes, larger, now);
	return now;
}

/* --- what is told ----------------------------------------------------------------------------- */

static void umw_lock(void *context, uint32_t *word)
{
	struct umw_memory *mem = context;

	(void)word;
	mem->lock(mem->run);
}

static void umw_unlock(void *context, uint32_t *word)
{
	struct umw_memory *mem = context;

	(void)word;
	mem->unlock(mem->run);
}

static void umw_relax(void *context)
{
	(void)context;
	mach_relax();
}

static void umw_cached(void *context, struct umalloc_cache *c)
{
	struct umw_memory *mem = context;

	(void)c;
	mem->cached++;
}

static void umw_refused(void *context)
{
	((struct umw_memory *)context)->refused++;
}

static void umw_misused(void *context, const void *p, uint32_t verdict)
{
	struct umw_memory *mem = context;

	(void)p;
	mem->misused++;
	mem->verdict = verdict;
}

__attribute__((noreturn)) static void umw_broken(void *context, const char *what, const void *at)
{
	(void)context;
	(void)at;
	kpanic(ORACLE_ASSERT, "not so: %s", what);
}

/* --- the world -------------------------------------------------------------------------------- */

void umw_open(struct umw_memory *mem, struct umalloc *m, const char *alone, struct run *run)
{
	const struct script_world *w = &run->script->world;
	const uint32_t window = w->window_pages != 0 ? w->window_pages : w->pages / 2u;
	const bool first_fit = (w->flags & WORLD_ZONES) != 0;

	memset(mem, 0, sizeof(*mem));
	mem->run = run;
	mem->base = run->machine->arena;
	mem->pages = w->pages;
	mem->window = (uint32_t)min_u64(window, w->pages);
	mem->calls = (struct umalloc_calls){
		.sbrk = umw_sbrk,
		.map = umw_map,
		.unmap = umw_unmap,
		.remap = umw_remap,
		.lock = umw_lock,
		.unlock = umw_unlock,
		.relax = umw_relax,
		.cached = umw_cached,
		.refused = umw_refused,
		.misused = umw_misused,
		.broken = umw_broken,
		.context = mem,
	};
	const size_t map_bytes = (w->keep_pages != 0 ? w->keep_pages : 4u) * (size_t)PAGE_SIZE;
	*m = (struct umalloc)UMALLOC_INITIAL(
		&mem->calls, alone, .map_bytes = map_bytes,
		.quick_bytes = first_fit ? 0 : min_u64(256u * w->magazine, map_bytes),
		.deferred_slots = (uint32_t)min_u64(w->quarantine, DEFERRED_FREE_SLOTS_MAX),
		.fit = first_fit ? UMALLOC_FIRST_FIT : UMALLOC_SEGREGATED,
		.remaps = (w->flags & WORLD_POISON) != 0);
}

void umw_close(struct umw_memory *mem, struct umalloc *m)
{
	struct umalloc_stats s;

	memset(mem->to_fail, 0, sizeof(mem->to_fail));
	umalloc_drain(m);
	umw_score_does(mem, 0, "drain", NULL);
	const char *why = umalloc_check(m);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	umalloc_stats(m, &s);
	if (s.live != 0 || s.queued != 0 || mem->mapped != 0)
		kpanic(ORACLE_LEAK, "%lu blocks live, %lu queued, %zu bytes mapped",
		       (unsigned long)s.live, (unsigned long)s.queued, mem->mapped);
	if (mem->foreign != 0) return; /* regions that ended stay */
	if (s.fragmentation != 0)
		kpanic(ORACLE_FRAGMENTATION, "all is free, and it is not one block");
	if (mem->heap > 2 * PAGE_SIZE)
		kpanic(ORACLE_LEAK, "%zu bytes of the heap are not given back", mem->heap);
}
