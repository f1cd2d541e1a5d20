/*
 * slab_check.c -- what is true of slabs, said again by walking: counts, checks, sites.
 *
 * One pass over the pool's frames finds every slab, whatever its place, by the owner of its first
 * page.  The walk trusts no counter: it counts bits, works out from them where each slab has to be
 * and what it has to say of itself, and compares with what slab.c and slab_page.c keep (S1 to S5
 * in slab.c).  Lists are followed no further than the cache has slabs.
 */
#include "mm/slab_inside.h"

/* Frames are looked at by one word each: there is one for every page, and most are no slab's. */
static bool is_head(uint32_t word)
{
	const uint32_t both = FRAME_WORD(0xff, 0, 0xff, 0);

	return (word & both) == FRAME_WORD(FRAME_USED, 0, PAGE_OWNER_SLAB, 0);
}

/* Of a block, from its head on; a page inside one counts for itself. */
static uint32_t pages_on(uint32_t word)
{
	return 1u << frame_word_order(word);
}

static uint32_t bits_in(uint64_t word)
{
	return word == 0 ? 0 : (uint32_t)__builtin_popcountll(word);
}

static bool frame_has_bits(const struct frame *frame)
{
	const uint64_t *taken = frame->slab.taken;

	return (taken[0] | taken[1] | taken[2] | taken[3]) != 0;
}

/* At which bits of page `page` of a slab objects start; those of the first page are at hand. */
static struct slab_page_starts starts_of(const struct slab_cache *cache, uint32_t page)
{
	struct slab_page_starts starts;

	if (page != 0) return slab_starts_in(cache, page);
	for (unsigned w = 0; w < SLAB_PAGE_WORDS; w++) starts.word[w] = cache->starts[w];
	return starts;
}

/* What the bits of one slab say: objects that are not free, that users have, and whether each is
 * where one has to be. */
struct tally {
	uint32_t taken, live;
	bool stray;
};

/*
 * One page of a careful cache's slab.  That a user has an object is told by the bit after its
 * first, and says nothing without that: so where such bits may be is where the first ones are, one
 * place further on.  A place further on is the next word, or, from the last word, the next bit of
 * the first; `carry` is the bit that goes over to the next page.
 */
static void tally_careful(const uint64_t *taken, const struct slab_page_starts *starts,
			  uint64_t *carry, struct tally *t)
{
	const uint64_t last = taken[SLAB_PAGE_WORDS - 1] & starts->word[SLAB_PAGE_WORDS - 1];
	uint64_t may = last << 1 | *carry;

	for (unsigned w = 0; w < SLAB_PAGE_WORDS; w++) {
		const uint64_t first = taken[w] & starts->word[w];
		const uint64_t live = taken[w] & ~starts->word[w];

		t->taken += bits_in(first);
		t->live += bits_in(live);
		t->stray |= (live & ~may) != 0;
		may = first;
	}
	*carry = last >> 63;
}

/* One page of another cache's: a bit for an object. */
static void tally_plain(const uint64_t *taken, const struct slab_page_starts *starts,
			struct tally *t)
{
	for (unsigned w = 0; w < SLAB_PAGE_WORDS; w++) {
		t->taken += bits_in(taken[w] & starts->word[w]);
		t->live += bits_in(taken[w]);
		t->stray |= (taken[w] & ~starts->word[w]) != 0;
	}
}

static struct tally tally_of(const struct slab_cache *cache, const struct frame *head)
{
	struct tally t = { 0 };
	uint64_t carry = 0;

	ASSERT_SLOW(!cache->careful || cache->stride >= 2 << SLAB_GRANULE_SHIFT);
	for (uint32_t page = 0; page < 1u << cache->order; page++) {
		if (carry == 0 && !frame_has_bits(&head[page])) continue;
		const struct slab_page_starts starts = starts_of(cache, page);
		if (cache->careful)
			tally_careful(head[page].slab.taken, &starts, &carry, &t);
		else
			tally_plain(head[page].slab.taken, &starts, &t);
	}
	ASSERT(t.taken <= cache->per_slab);
	return t;
}

/* Objects of a slab that are not free; where they are was looked at by tally_of(). */
static uint32_t taken_of(const struct slab_cache *cache, const struct frame *head)
{
	uint32_t taken = 0;

	for (uint32_t page = 0; page < 1u << cache->order; page++) {
		if (!frame_has_bits(&head[page])) continue;
		const struct slab_page_starts starts = starts_of(cache, page);
		for (unsigned w = 0; w < SLAB_PAGE_WORDS; w++)
			taken += bits_in(head[page].slab.taken[w] & starts.word[w]);
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
	const struct frame *frame = caches[0].frames;
	const struct frame *const end = frame + caches[0].pages->pages;

	for (uint32_t word; frame < end; frame += pages_on(word)) {
		word = frame->word;
		if (!is_head(word)) {
			/* A body's bits are looked at with its head, if that is a slab's. */
			if (frame_word_state(word) != FRAME_BODY && frame_has_bits(frame))
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
	if (!in_pool(cache, m->slab) || !is_head(m->slab->word) ||
	    m->slab->slab.cache != cache->number)
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
	const struct slab_cpu *m = cache->cpus;
	const unsigned cpus = m == NULL ? 0 : cache->pages->cpus;
	const uint32_t stride = cache->cpu_stride;

	ASSERT(cpus <= CPUS_MAX);
	*n = 0;
	for (unsigned c = 0; c < cpus; c++, m += stride) {
		if (m->slab == NULL) {
			if (m->starts != 0) return "S3: a CPU without a slab allocates from one";
			continue;
		}
		const char *why = check_cpu(cache, m);
		if (why != NULL) return why;
		(*n)++;
	}
	return NULL;
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
	const struct slab_cpu *m = cache->cpus;
	const uint32_t stride = cache->cpu_stride;

	if (m != NULL) {
		const struct slab_cpu *const end = m + cache->pages->cpus * stride;
		for (; m < end; m += stride) placed += m->slab != NULL;
	}
	/* Partial slabs are not counted here: the walk does that. */
	if (placed > cache->slabs) return "S3: more slabs have a place than there are";
	if (cache->kept_count > cache->keep) return "S3: more empty slabs are kept than may be";
	if (cache->slabs_made - cache->slabs_returned != cache->slabs)
		return "S3: slabs made and returned do not add up";
	return NULL;
}

/* Adds what is out of one CPU's slab, and what is free in it.  A CPU in the middle of an allocation
 * is left out: then the figure is not exact, as at no rest. */
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
	const mach_irq_t irq = lock_take(&cache->lock);

	/* A cache without slabs, as most are at most times, has none at any CPU. */
	if (cache->slabs != 0 && cache->cpus != NULL)
		for (unsigned c = 0; c < cache->pages->cpus; c++)
			count_cpu(cache, slab_cpu_of(cache, c), &taken, &cached);
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

/* Where the object starts of which bit `bit` of word `w` is the first, or, in a careful cache, the
 * one after it: in units of 16 bytes from the slab's start. */
static uint32_t live_place(const struct slab_cache *cache, uint32_t page, unsigned w, unsigned bit)
{
	const uint32_t places = PAGE_SIZE >> SLAB_GRANULE_SHIFT;

	ASSERT_SLOW(taken_bit(bit * SLAB_PAGE_WORDS + w) % 64 == bit);
	return page * places + bit * SLAB_PAGE_WORDS + w - cache->careful;
}

/* The live objects of one page of a slab, by their bits. */
static bool sites_of_page(const struct slab_cache *cache, const struct frame *head, uint32_t page,
			  struct site_filter *filter, struct site_row *table, size_t room,
			  size_t *rows)
{
	const struct slab_page_starts starts = starts_of(cache, page);
	const uint8_t *base = slab_base(cache, head);
	bool all = true;

	for (unsigned w = 0; w < SLAB_PAGE_WORDS; w++) {
		const uint64_t word = head[page].slab.taken[w];
		uint64_t live = cache->careful ? word & ~starts.word[w] : word;
		for (; live != 0; live &= live - 1) {
			const size_t place = live_place(cache, page, w, bit_lowest(live));
			site_t site = SITE_NONE;
			if (CALL_SITES && cache->sites)
				site = site_get(
					object_site(cache, base + (place << SLAB_GRANULE_SHIFT)));
			all &= site_row_add(table, room, rows, filter, site, cache->size);
		}
	}
	return all;
}

/* Slabs in the order of their pages, so that the table's is the same on every machine. */
bool slab_sites(struct slab_cache *caches, uint32_t n, struct site_row *table, size_t room,
		size_t *rows)
{
	const struct frame *head = caches[0].frames;
	const struct frame *const end = head + caches[0].pages->pages;
	struct site_filter filter = site_filter_of(table, *rows);
	bool all = true;

	ASSERT(n != 0 && caches[n - 1].pages == caches[0].pages);
	for (uint32_t word; head < end; head += pages_on(word)) {
		word = head->word;
		if (!is_head(word) || head->slab.cache >= n) continue;
		for (uint32_t page = 0; page < pages_on(word); page++)
			if (frame_has_bits(&head[page]))
				all &= sites_of_page(&caches[head->slab.cache], head, page, &filter,
						     table, room, rows);
	}
	return all;
}
