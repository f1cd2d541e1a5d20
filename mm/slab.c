/*
 * slab.c -- objects of one size: allocation and free.
 *
 * Each CPU has a slab of each cache to itself.  To allocate is to set a bit in it that is clear; to
 * free is to clear the object's bit, in whatever slab and on whatever CPU.  Both are in
 * slab_inside.h, for kmalloc to use in line.  Here is what happens once in a while: a CPU's 64 bits
 * are all set and it moves on to the next word of its slab; the slab is used up and it lets go of
 * it and adopts another, one that has objects in use before one that is empty before one made of
 * new pages; a free makes a slab something to be looked at; a cache is drained.
 *
 * No interrupt is masked for the common case: a CPU's slab is latched by trying, and whoever finds
 * it in use, an interrupt handler for one, takes a slab that is nobody's, one object from it, and
 * puts it back.
 *
 * Always true at rest (slab_check):
 *	S1  a bit is set only where an object starts (in careful caches: also after it) in a slab;
 *	S2  what a slab's bits, `due` and the CPU that has it say of the objects out is the same;
 *	S3  a slab is a CPU's, partial, full or kept exactly as its objects and the lists say;
 *	S4  a live object is not free, and what is neither is held;
 *	S5  frames of pages that are no slab's have no bits.
 *
 * Locks: the cache's lock, and under it a CPU's latch, tried; the fast path has the latch alone.
 * Never a page of the pool is asked for or given back under either.  Cost: the slow paths look at
 * the words of one slab at most.
 */
#include "mm/slab_inside.h"

static const char *const verdict_names[SLAB_VERDICTS] = {
	[SLAB_FREED] = "freed",
	[SLAB_DOUBLE_FREE] = "double-free",
	[SLAB_WILD] = "wild-free",
	[SLAB_REDZONE] = "redzone",
};

const char *slab_verdict_name(enum slab_verdict v)
{
	return (unsigned)v < SLAB_VERDICTS ? verdict_names[v] : "?";
}

/* --- making one ------------------------------------------------------------------------------- */

/* The smallest slab that wastes at most an eighth of itself, or the largest allowed. */
static void choose_order(struct slab_cache *cache)
{
	const uint32_t each = cache->stride + (cache->sites ? sizeof(site_t) : 0);

	for (cache->order = 0;; cache->order++) {
		/* Pages in a row are hard to come by: no more of them than the waste asks for. */
		const uint32_t bytes = (uint32_t)PAGE_SIZE << cache->order;
		cache->per_slab = (uint16_t)(bytes / each);
		if (cache->order == SLAB_ORDER_MAX) break;
		if (cache->per_slab != 0 && (bytes - cache->per_slab * each) * 8 <= bytes) break;
	}
	ASSERT(cache->per_slab != 0);
}

static void choose_stride(struct slab_cache *cache, const struct slab_config *config)
{
	const uint32_t least = cache->careful ? 2 << SLAB_GRANULE_SHIFT : 0; /* room for two bits */
	const uint32_t step = config->size + config->redzone;

	cache->stride = (uint32_t)max_u64(step, least);
}

/* Which words of a slab are worth looking at: of four the first, the even ones, or all. */
static void choose_words(struct slab_cache *cache)
{
	const struct slab_page_starts starts = slab_starts_in(cache, 0);
	const uint32_t step = cache->stride >> SLAB_GRANULE_SHIFT;

	/* What is true of the first page is true of all: places of a page are a multiple of 4. */
	cache->word_step = 1u << min_u64(bit_lowest(step), 2);
	for (uint32_t w = 0; w < SLAB_PAGE_WORDS; w++) {
		cache->starts[w] = starts.word[w];
		ASSERT(w % cache->word_step == 0 || starts.word[w] == 0);
	}
}

static void cpus_init(struct slab_cache *cache)
{
	for (unsigned c = 0; c < cache->pages->cpus; c++) {
		struct slab_cpu *m = slab_cpu_of(cache, c);
		*m = (struct slab_cpu){ .taken = &m->starts }; /* a word to look at, always */
		latch_init(&m->latch, RANK_MAGAZINE);
	}
}

void slab_cache_init(struct slab_cache *cache, const struct slab_config *config)
{
	const bool sites = CALL_SITES && config->sites;

	ASSERT(config->size >= SLAB_SIZE_MIN && config->size <= SLAB_SIZE_MAX);
	ASSERT(is_aligned(config->size, KMALLOC_ALIGN));
	ASSERT(is_aligned(config->redzone, KMALLOC_ALIGN));
	ASSERT(config->number <= UINT16_MAX);
	/* A handle names every 16 bytes of the pool. */
	ASSERT(config->pages->pages <= UINT32_MAX >> (PAGE_SHIFT - SLAB_GRANULE_SHIFT));

	*cache = (struct slab_cache){
		.pages = config->pages,
		.frames = config->pages->frames,
		.memory = mach_phys(config->pages->base),
		.cpus = config->cpus,
		.cpu_stride = config->cpu_stride,
		.size = config->size,
		.number = (uint16_t)config->number,
		.poison = config->poison,
		.sites = sites,
		.careful = config->poison || config->redzone != 0 || sites || config->held,
		.keep = config->keep,
		.partial = FRAME_NONE,
		.kept = FRAME_NONE,
	};
	choose_stride(cache, config);
	choose_order(cache);
	choose_words(cache);
	lock_init(&cache->lock, RANK_SLAB);
	if (cache->cpus != NULL) cpus_init(cache);
}

/* --- a CPU and its slab ----------------------------------------------------------------------- */

/* Moves on to the next word of bits, all round, that has a free object; false: there is none. */
static bool cpu_next_word(const struct slab_cache *cache, struct slab_cpu *m)
{
	const uint32_t words = slab_words(cache), step = cache->word_step;
	uint32_t w = m->word;

	for (uint32_t i = 0; i < words; i += step) {
		w = w + step < words ? w + step : 0;
		const uint64_t starts = slab_starts(cache, w);
		uint64_t *taken = slab_word(m->slab, w);
		if ((starts & ~atomic_load_u64(taken)) == 0) continue;
		m->word = w;
		m->starts = starts;
		m->taken = taken;
		m->base = slab_word_base(cache, m->slab, w);
		return true;
	}
	return false;
}

/* Whether the CPU's slab, if it has one, is used up, as far as has been counted. */
static bool cpu_used_up(const struct slab_cache *cache, const struct slab_cpu *m)
{
	if (m->slab == NULL) return true;
	ASSERT(m->slab->slab.state == SLAB_CPUS && m->slab->slab.cache == cache->number);
	return atomic_load_u32(&m->slab->slab.due) + m->given == DUE_NEVER + cache->per_slab;
}

/* The CPU is to allocate from `head`, or, NULL, from none; its next word is the slab's first. */
static void cpu_have(const struct slab_cache *cache, struct slab_cpu *m, struct frame *head)
{
	m->slab = head;
	m->given = 0;
	m->starts = 0;
	m->word = slab_words(cache) - cache->word_step;
}

/* What the CPU allocated and did not count is counted now, all at once. */
static void cpu_let_go_locked(struct slab_cache *cache, struct slab_cpu *m, uint32_t *chain)
{
	if (m->slab != NULL) slab_settle_locked(cache, m->slab, m->given - DUE_NEVER, chain);
	cpu_have(cache, m, NULL);
}

/* --- allocation ------------------------------------------------------------------------------- */

/* An object for a CPU: from its slab, or from another that becomes its own. */
static void *cpu_take_locked(struct slab_cache *cache, struct slab_cpu *m, struct frame *fresh,
			     uint32_t *chain)
{
	void *p = NULL;

	if (slab_cpu_pop_latched(m, &p)) {
		/* Fresh pages after all, for a CPU that was given objects meanwhile. */
		if (fresh == NULL) return p;
		slab_adopt_locked(cache, fresh);
		slab_settle_locked(cache, fresh, -DUE_NEVER, chain);
		return p;
	}
	/* The count spares the search in most slabs that are full; a free may be under way. */
	if (fresh != NULL || cpu_used_up(cache, m) || !cpu_next_word(cache, m)) {
		cpu_let_go_locked(cache, m, chain);
		struct frame *head = slab_adopt_locked(cache, fresh);
		if (head == NULL) return NULL;
		cpu_have(cache, m, head);
		cpu_next_word(cache, m);
	}
	const bool popped = slab_cpu_pop_latched(m, &p);
	ASSERT(popped); /* who has latch and lock is alone in taking */
	return p;
}

/* The same for a CPU whose slab is in use by what we interrupted, or that has none by design. */
static void *take_locked(struct slab_cache *cache, struct frame *fresh, uint32_t *chain)
{
	struct frame *head = slab_adopt_locked(cache, fresh);
	struct slab_cpu nobodys;
	void *p = NULL;

	if (head == NULL) return NULL;
	/* As if a CPU had come, taken one object and gone. */
	cpu_have(cache, &nobodys, head);
	cpu_next_word(cache, &nobodys);
	const bool popped = slab_cpu_pop_latched(&nobodys, &p);
	ASSERT(popped);
	cpu_let_go_locked(cache, &nobodys, chain);
	return p;
}

/* An object of the fresh slab, or, NULL, of those there are; NULL when they have none. */
static void *take(struct slab_cache *cache, struct frame *fresh)
{
	uint32_t chain = FRAME_NONE;
	const mach_irq_t irq = lock_take(&cache->lock);
	struct slab_cpu *m = cache->cpus == NULL ? NULL : slab_cpu_of(cache, mach_cpu());
	void *p;

	if (LIKELY(m != NULL && latch_try(&m->latch))) {
		p = cpu_take_locked(cache, m, fresh, &chain);
		latch_release(&m->latch);
	} else {
		p = take_locked(cache, fresh, &chain);
	}
	lock_drop(&cache->lock, irq);
	if (UNLIKELY(chain != FRAME_NONE)) slabs_return(cache, chain);
	return p;
}

void *slab_alloc_held(struct slab_cache *cache, size_t bytes, site_t site)
{
	void *p = take(cache, NULL);

	ASSERT_SLOW(bytes != 0 && bytes <= cache->size);
	return p == NULL ? NULL : object_give(cache, p, bytes, site);
}

/* An object of a new slab. */
static NOINLINE void *grow(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site)
{
	const paddr_t pa = page_alloc(cache->pages, cache->order,
				      (how & PAGE_NO_RECLAIM) | SLAB_PAGES_HOW, site);
	/* No page may have come of it, but objects that reclaim brought home. */
	void *p = take(cache, pa == PADDR_NONE ? NULL : slab_make(cache, pa));

	return p == NULL ? NULL : object_give(cache, p, bytes, site);
}

void *slab_alloc_slow(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site)
{
	void *p = take(cache, NULL);

	if (UNLIKELY(p == NULL)) return grow(cache, bytes, how, site);
	return object_give(cache, p, bytes, site);
}

void *slab_alloc(struct slab_cache *cache, size_t bytes, uint32_t how, site_t site)
{
	void *p;

	ASSERT_SLOW(bytes != 0 && bytes <= cache->size);
	if (cache->cpus != NULL && slab_cpu_pop(slab_cpu_of(cache, mach_cpu()), &p))
		return object_give(cache, p, bytes, site);
	return slab_alloc_slow(cache, bytes, how, site);
}

/* --- free ------------------------------------------------------------------------------------- */

NOINLINE void slab_look(struct slab_cache *cache, struct frame *head)
{
	uint32_t chain = FRAME_NONE;
	const mach_irq_t irq = lock_take(&cache->lock);

	slab_look_locked(cache, head, &chain);
	lock_drop(&cache->lock, irq);
	if (chain != FRAME_NONE) slabs_return(cache, chain);
}

enum slab_verdict slab_free(struct slab_cache *cache, void *p)
{
	const uint64_t offset = object_offset(cache, p);
	const uint32_t handle = (uint32_t)(offset >> SLAB_GRANULE_SHIFT);
	struct frame *frame;

	if (offset >> PAGE_SHIFT >= cache->pages->pages) return SLAB_WILD;
	frame = &cache->frames[offset >> PAGE_SHIFT];
	if (frame->owner != PAGE_OWNER_SLAB || frame->slab.cache != cache->number) return SLAB_WILD;
	if (cache->careful) {
		const enum slab_verdict v = object_take_back(cache, offset, p);
		if (v == SLAB_FREED) object_put(cache, frame, handle);
		return v;
	}
	/* From here as kmalloc_free: the bit is verdict and free in one. */
	if (!is_aligned(offset, KMALLOC_ALIGN)) return SLAB_WILD;
	object_poison_ahead(cache, frame, handle, p);
	return object_put(cache, frame, handle) ? SLAB_FREED : object_verdict(cache, offset);
}

size_t slab_drain(struct slab_cache *cache)
{
	uint32_t chain = FRAME_NONE;
	const mach_irq_t irq = lock_take(&cache->lock);

	/* Of a cache without slabs, as most are at most times, no CPU has one. */
	const unsigned cpus = cache->cpus == NULL || cache->slabs == 0 ? 0 : cache->pages->cpus;
	for (unsigned c = 0; c < cpus; c++) {
		struct slab_cpu *m = slab_cpu_of(cache, c);
		/* Its user may be what we interrupted: waiting for it would be for ever. */
		if (!latch_try(&m->latch)) continue;
		cpu_let_go_locked(cache, m, &chain);
		latch_release(&m->latch);
	}
	slab_detach_kept_locked(cache, &chain);
	lock_drop(&cache->lock, irq);
	return slabs_return(cache, chain);
}
