/*
 * slab_check.c -- what is true of slabs, said again by walking: counts, checks, sites.
 *
 * One pass over the pool's frames finds every slab, whatever its place, by the owner of its first
 * page.  The walk trusts no counter: it counts bits, works out from them where each slab has to be
 * and what it has to say of itself, and compares with what slab.c and slab_page.c keep (S1 to S5
 * in slab.c).  Lists are followed no further than the cache has slabs.
 */
#include "mm/slab_inside.h"

static bool is_head(const struct frame *frame)
{
	return frame->state == FRAME_USED && frame->owner == PAGE_OWNER_SLAB;
}

/* Of a block, from its head on; a page inside one counts for itself. */
static uint32_t pages_on(const struct frame *frame)
{
	return 1u << (frame->order & 31);
}

static uint32_t bits_in(uint64_t word)
{
	return word == 0 ? 0 : (uint32_t)__builtin_popcountll(word);
}

static bool frame_has_bits(const struct frame *frame)
{
	uint64_t any = 0;

	for (unsigned w = 0; w < COUNT_OF(frame->slab.taken); w++) any |= frame->slab.taken[w];
	return any != 0;
}

/* Word `w` of a slab's bits, at rest. */
static inline uint64_t word_of(const struct frame *head, uint32_t w)
{
	ASSERT_SLOW(head->slab.head_back == 0);
	return head[w / SLAB_PAGE_WORDS].slab.taken[w % SLAB_PAGE_WORDS];
}

/* Of word `w`, which is not 0, the bits of live objects: in careful caches those beside the
 * starts. */
static inline uint64_t live_bits(const struct slab_cache *cache, uint64_t word, uint64_t starts)
{
	ASSERT_SLOW(word != 0);
	return cache->careful ? word & ~starts : word;
}

/* Where the live object of bit `bit` of word `w` starts, in units of 16 bytes from the slab's. */
static inline uint32_t live_place(const struct slab_cache *cache, uint32_t w, unsigned bit)
{
	const uint32_t places = PAGE_SIZE >> SLAB_GRANULE_SHIFT;

	ASSERT_SLOW(taken_bit(bit * SLAB_PAGE_WORDS + w % SLAB_PAGE_WORDS) % 64 == bit);
	return w / SLAB_PAGE_WORDS * places + bit * SLAB_PAGE_WORDS + w % SLAB_PAGE_WORDS -
	       cache->careful;
}

/* What the bits of one slab say: objects that are not free, that users have, and whether each is
 * where one has to be. */
struct tally {
	uint32_t taken, live;
	bool stray;
};

static struct tally tally_of(const struct slab_cache *cache, const struct frame *head)
{
	const uint32_t first = frame_number(cache, head) << (PAGE_SHIFT - SLAB_GRANULE_SHIFT);
	const uint32_t step = cache->stride >> SLAB_GRANULE_SHIFT;
	struct tally t = { 0 };

	for (uint32_t w = 0; w < slab_words(cache); w++) {
		const uint64_t word = word_of(head, w);
		if (word == 0) continue;
		const uint64_t starts = slab_starts(cache, w);
		uint64_t live = live_bits(cache, word, starts);
		t.taken += bits_in(word & starts);
		t.live += bits_in(live);
		t.stray |= !cache->careful && (live & ~starts) != 0;
		/* The second bit of a careful cache's object says nothing without the first. */
		for (; cache->careful && live != 0; live &= live - 1) {
			const uint32_t place = live_place(cache, w, bit_lowest(live));
			t.stray |= place % step != 0 || !bit_is_set(cache->frames, first + place);
		}
	}
	ASSERT(t.taken <= cache->per_slab);
	return t;
}

/* Objects of a slab that are not free; where they are was looked at by tally_of(). */
static uint32_t taken_of(const struct slab_cache *cache, const struct frame *head)
{
	uint32_t taken = 0;

	for (uint32_t w = 0; w < slab_words(cache); w++) {
		const uint64_t word = word_of(head, w);
		if (word != 0) taken += bits_in(word & slab_starts(cache, w));
	}
	return taken;
}

/* What a pass over the frames finds of one cache; `places` by enum slab_state. */
struct census {
	uint32_t slabs, places[SLAB_KEPT + 1];
	uint64_t taken, live;
};

/* NULL when the slab is where it has to be; its CPU's `given` is left to check_cpus(). */
static const char *check_place(const struct slab_cache *cache, const struct frame *head,
			       uint32_t taken)
{
	const struct frame_slab *s = &head->slab;

	switch ((enum slab_state)s->state) {
	case SLAB_CPUS: return NULL;
	case SLAB_PARTIAL:
		if (taken == 0 || taken >= cache->per_slab)
			return "S3: a full or empty slab is listed";
		return s->due == taken ? NULL : "S2: a slab does not wait for its last free";
	case SLAB_FULL:
		if (taken != cache->per_slab) return "S3: a slab with free objects counts as full";
		return s->due == 1 ? NULL : "S2: a full slab does not wait for a free";
	case SLAB_KEPT:
		return taken == 0 && s->due == 0 ? NULL : "S3: a slab in use counts as empty";
	default: return "S3: a slab has no place";
	}
}

/* One slab, which is entered in its cache's census. */
static const char *check_slab(const struct slab_cache *cache, const struct frame *head,
			      struct census *c)
{
	const struct tally t = tally_of(cache, head);

	if (head->order != cache->order) return "S1: a slab's block has another order";
	if (t.stray) return "S1: a bit is set for no object, or for one that is free";
	for (uint32_t i = 0; i < 1u << cache->order; i++)
		if (head[i].owner != PAGE_OWNER_SLAB || head[i].slab.head_back != i)
			return "S1: a page does not know its slab";
	const char *why = check_place(cache, head, t.taken);
	if (why != NULL) return why;
	ASSERT(head->slab.state <= SLAB_KEPT); /* check_place() knows no other */
	c->slabs++;
	c->places[head->slab.state]++;
	c->taken += t.taken;
	c->live += t.live;
	return NULL;
}

/* Slabs of all caches in one pass, and that nothing else looks like one. */
static const char *take_census(struct slab_cache *caches, uint32_t n, struct census *found)
{
	const struct page_pool *pool = caches[0].pages;

	for (uint32_t f = 0; f < pool->pages; f += pages_on(&pool->frames[f])) {
		const struct frame *frame = &pool->frames[f];
		if (!is_head(frame)) {
			/* A body's bits are looked at with its head, if that is a slab's. */
			if (frame->state != FRAME_BODY && frame_has_bits(frame))
				return "S5: a page that is no slab's has bits";
			continue;
		}
		if (frame->slab.cache >= n) return "S1: a slab of no cache";
		const uint32_t c = frame->slab.cache;
		const char *why = check_slab(&caches[c], frame, &found[c]);
		if (why != NULL) return why;
	}
	return NULL;
}

/* A pointer that may be anything. */
static bool in_pool(const struct slab_cache *cache, const struct frame *head)
{
	return head >= cache->frames && head < cache->frames + cache->pages->pages;
}

/* What one CPU says of its slab is what the slab's bits say, and its shortcuts lead there. */
static const char *check_cpu(const struct slab_cache *cache, const struct slab_cpu *m)
{
	if (m->slab == NULL)
		return m->starts == 0 ? NULL : "S3: a CPU without a slab allocates from one";
	if (!in_pool(cache, m->slab) || !is_head(m->slab) || m->slab->slab.cache != cache->number)
		return "S3: a CPU allocates from what is no slab of the cache";
	if (m->slab->slab.state != SLAB_CPUS) return "S3: a CPU's slab has another place";
	if (m->slab->slab.due + m->given != DUE_NEVER + taken_of(cache, m->slab))
		return "S2: a CPU miscounts what it allocates";
	if (m->word >= slab_words(cache) || m->taken != slab_word(m->slab, m->word) ||
	    m->base != slab_word_base(cache, m->slab, m->word) ||
	    m->starts != slab_starts(cache, m->word))
		return "S1: a CPU looks at the wrong bits";
	return NULL;
}

/* NULL, and *n CPUs that have a slab; else what is wrong with one. */
static const char *check_cpus(const struct slab_cache *cache, uint32_t *n)
{
	const char *why = NULL;

	ASSERT(cache->pages->cpus <= CPUS_MAX);
	*n = 0;
	for (unsigned c = 0; cache->cpus != NULL && c < cache->pages->cpus && why == NULL; c++) {
		const struct slab_cpu *m = slab_cpu_of(cache, c);
		why = check_cpu(cache, m);
		*n += m->slab != NULL;
	}
	return why;
}

/* Slabs on a list that are where it says, or UINT32_MAX when there is another or no end. */
static uint32_t list_length(const struct slab_cache *cache, uint32_t first, enum slab_state state)
{
	uint32_t n = 0;

	for (uint32_t f = first; f != FRAME_NONE; f = cache->frames[f].next)
		if (f >= cache->pages->pages || n++ > cache->slabs ||
		    cache->frames[f].slab.state != (uint32_t)state ||
		    cache->frames[f].slab.cache != cache->number)
			return UINT32_MAX;
	return n;
}

/* The census of a cache against what the cache keeps. */
static const char *check_cache(const struct slab_cache *cache, const struct census *c,
			       uint32_t aside)
{
	uint32_t cpus;
	const char *why = check_cpus(cache, &cpus);

	if (why != NULL) return why;
	if (c->slabs != cache->slabs) return "S3: slabs of a cache miscounted";
	if (c->places[SLAB_CPUS] != cpus) return "S3: a slab is two CPUs' or no CPU's";
	if (c->places[SLAB_FULL] != cache->full) return "S3: full slabs miscounted";
	if (c->places[SLAB_KEPT] != cache->kept_count) return "S3: empty slabs miscounted";
	if (c->places[SLAB_KEPT] != list_length(cache, cache->kept, SLAB_KEPT) ||
	    c->places[SLAB_PARTIAL] != list_length(cache, cache->partial, SLAB_PARTIAL))
		return "S3: a slab is not on the list it belongs to";
	return c->taken == c->live + aside ? NULL : "S4: an object is neither free nor anybody's";
}

const char *slab_check(struct slab_cache *caches, uint32_t n, const uint32_t *aside)
{
	enum { CACHES_MAX = 32 }; /* on the stack: a check must not allocate */
	struct census found[CACHES_MAX] = { 0 };

	ASSERT(n != 0 && n <= CACHES_MAX && caches[n - 1].number == n - 1);
	const char *why = take_census(caches, n, found);
	for (uint32_t i = 0; i < n && why == NULL; i++)
		why = check_cache(&caches[i], &found[i], aside == NULL ? 0 : aside[i]);
	return why;
}

const char *slab_check_counts(struct slab_cache *cache)
{
	uint64_t placed = (uint64_t)cache->full + cache->kept_count;
	const struct slab_cpu *first = cache->cpus;
	const unsigned cpus = first != NULL ? cache->pages->cpus : 0;
	const uint32_t stride = cache->cpu_stride;

	for (unsigned c = 0; c < cpus; c++) placed += first[c * stride].slab != NULL;
	/* Partial slabs are not counted here: the walk does that. */
	if (placed > cache->slabs) return "S3: more slabs have a place than there are";
	if (cache->kept_count > cache->keep) return "S3: more empty slabs are kept than may be";
	if (cache->slabs_made - cache->slabs_returned != cache->slabs)
		return "S3: slabs made and returned do not add up";
	return NULL;
}

/* Adds what is out of one CPU's slab, and what is free in it. */
/* A CPU in the middle of an allocation is left out: then the figure is not exact, as at no rest. */
static void count_cpu(const struct slab_cache *cache, struct slab_cpu *m, uint64_t *out,
		      uint64_t *cached)
{
	if (!latch_try(&m->latch)) return;
	if (m->slab != NULL) {
		const uint32_t due = atomic_load_u32(&m->slab->slab.due);
		const uint32_t taken = due + m->given - DUE_NEVER;
		ASSERT_SLOW(m->slab->slab.state == SLAB_CPUS);
		*out += taken;
		*cached += sub_or_zero(cache->per_slab, taken);
	}
	latch_release(&m->latch);
}

void slab_count(struct slab_cache *cache, struct slab_counts *out)
{
	uint64_t taken = 0, cached = 0;

	for (unsigned c = 0; cache->cpus != NULL && c < cache->pages->cpus; c++)
		count_cpu(cache, slab_cpu_of(cache, c), &taken, &cached);
	const mach_irq_t irq = lock_take(&cache->lock);
	/* A full slab's are all out, so full ones need no list; the others say so themselves. */
	taken += (uint64_t)cache->full * cache->per_slab;
	for (uint32_t f = cache->partial; f != FRAME_NONE; f = frame_at(cache, f)->next)
		taken += atomic_load_u32(&frame_at(cache, f)->slab.due);
	*out = (struct slab_counts){
		.size = cache->size,
		.slabs = cache->slabs,
		.slab_pages = cache->slabs << cache->order,
		.per_slab = cache->per_slab,
		.peak_slabs = cache->slabs_peak,
		.live = taken,
		.cached = cached,
		.made = cache->slabs_made,
		.returned = cache->slabs_returned,
	};
	lock_drop(&cache->lock, irq);
}

METADATA_ACCESS static site_t site_get(const site_t *at)
{
	return *at;
}

/* One slab's live objects, by their bits. */
static bool sites_of_slab(const struct slab_cache *cache, const struct frame *head,
			  struct site_row *table, size_t room, size_t *rows)
{
	const uint8_t *base = slab_base(cache, head);
	bool all = true;

	ASSERT(head->slab.head_back == 0 && head->slab.cache == cache->number);
	for (uint32_t w = 0; w < slab_words(cache); w++) {
		const uint64_t word = word_of(head, w);
		if (word == 0) continue;
		uint64_t live = live_bits(cache, word, slab_starts(cache, w));
		for (; live != 0; live &= live - 1) {
			const size_t place = live_place(cache, w, bit_lowest(live));
			site_t site = SITE_NONE;
			if (CALL_SITES && cache->sites)
				site = site_get(
					object_site(cache, base + (place << SLAB_GRANULE_SHIFT)));
			all &= site_row_add(table, room, rows, site, cache->size);
		}
	}
	return all;
}

/* Slabs in the order of their pages, so that the table's is the same on every machine. */
bool slab_sites(struct slab_cache *caches, uint32_t n, struct site_row *table, size_t room,
		size_t *rows)
{
	const struct page_pool *pool = caches[0].pages;
	bool all = true;

	ASSERT(n != 0 && caches[n - 1].pages == pool);
	for (uint32_t f = 0; f < pool->pages; f += pages_on(&pool->frames[f])) {
		const struct frame *head = &pool->frames[f];
		if (!is_head(head) || head->slab.cache >= n) continue;
		all &= sites_of_slab(&caches[head->slab.cache], head, table, room, rows);
	}
	return all;
}
