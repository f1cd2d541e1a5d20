/*
 * slab_page.c -- one slab: pages that hold objects, its bits, and where it stands.
 *
 * A slab is a block of 2^order pages.  Objects stand one after another from its start, `stride`
 * bytes apart; when sites are kept, an array of them stands at its end.  Making a slab touches no
 * object and no bit: the frames of pages that are no slab's have all bits clear.
 *
 * A free clears its object's bit and counts the slab's `due` down by one.  That is all it does,
 * unless `due` becomes 0: then, and only then, the slab has to change its place, and the one CPU
 * that made it 0 sees to it (slab_look).  Each place puts that moment where it is wanted, by a
 * number it adds to the count of objects that are out, N being all a slab has:
 *
 *	a CPU's:  out + DUE_NEVER	frees are of no interest, the CPU finds the bits
 *	full:     out - (N - 1)		the first free makes it 0: there is something to give
 *	partial:  out			the last free makes it 0: the slab is empty
 *	kept:     0			empty; there is nothing to free
 *
 * "Out" here is exact at every moment, frees that have cleared a bit and are yet to count being
 * out still: so where it is 0 nobody is anywhere near the slab, and its pages can go.  A CPU does
 * not count what it allocates in `due` but beside, in `given`, which is added when it lets go.
 *
 * Locks: every change of place is under the cache's lock.  A CPU's slab is on no list and is
 * let go by who has that CPU's latch.  slabs_return deals with the page pool: no lock.
 */
#include "mm/slab_inside.h"

struct slab_page_starts slab_starts_in(const struct slab_cache *cache, uint32_t page)
{
	const uint32_t places = PAGE_SIZE >> SLAB_GRANULE_SHIFT;
	const uint32_t step = cache->stride >> SLAB_GRANULE_SHIFT;
	const uint32_t first = (page * places + step - 1) / step; /* object that starts here */
	const uint32_t end = (uint32_t)min_u64((page + 1) * places, cache->per_slab * step);
	struct slab_page_starts starts = { { 0 } };

	ASSERT(page < 1u << cache->order);
	for (uint32_t place = first * step; place < end; place += step) {
		const uint32_t bit = taken_bit(place);
		starts.word[bit / 64] |= 1ull << bit % 64;
	}
	return starts;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void partial_add(struct slab_cache *cache, struct frame *head)
{
	const uint32_t n = frame_number(cache, head);

	head->slab.state = SLAB_PARTIAL;
	head->prev = FRAME_NONE;
	head->next = cache->partial;
	if (cache->partial != FRAME_NONE) frame_at(cache, cache->partial)->prev = n;
	cache->partial = n;
}

static void partial_remove(struct slab_cache *cache, struct frame *head)
{
	ASSERT(head->slab.state == SLAB_PARTIAL);
	if (head->next != FRAME_NONE) frame_at(cache, head->next)->prev = head->prev;
	if (head->prev != FRAME_NONE)
		frame_at(cache, head->prev)->next = head->next;
	else
		cache->partial = head->next;
}

/* The newest first: its memory is the likeliest to be in a processor's cache. */
static struct frame *kept_pop(struct slab_cache *cache)
{
	struct frame *head = frame_at(cache, cache->kept);

	ASSERT(head->slab.state == SLAB_KEPT && cache->kept_count != 0);
	cache->kept = head->next;
	cache->kept_count--;
	return head;
}

/* A slab leaves the cache; its pages go back to the pool when the lock is dropped. */
static void slab_detach(struct slab_cache *cache, struct frame *head, uint32_t *chain)
{
	ASSERT(head->slab.due == 0 && cache->slabs != 0);
	head->slab.state = SLAB_NONE;
	cache->slabs--;
	cache->slabs_returned++;
	head->next = *chain;
	*chain = frame_number(cache, head);
}

/* An empty slab, on no list: kept, or let go. */
static void slab_put_away(struct slab_cache *cache, struct frame *head, uint32_t *chain)
{
	if (cache->kept_count >= cache->keep) {
		slab_detach(cache, head, chain);
		return;
	}
	head->slab.state = SLAB_KEPT;
	head->next = cache->kept;
	cache->kept = frame_number(cache, head);
	cache->kept_count++;
}

/* --- places ----------------------------------------------------------------------------------- */

/* Returns what `due` is then.  "Below 0" is by two's complement: a slab has far fewer objects. */
static uint32_t due_add(struct frame *head, uint32_t change)
{
	return atomic_fetch_add_u32(&head->slab.due, change) + change;
}

struct frame *slab_adopt_locked(struct slab_cache *cache, struct frame *fresh)
{
	struct frame *head = fresh;

	if (fresh != NULL) {
		cache->slabs++;
		cache->slabs_made++;
		cache->slabs_peak = (uint32_t)max_u64(cache->slabs_peak, cache->slabs);
	} else if (cache->partial != FRAME_NONE) {
		/* Slabs in use are filled up before empty ones are begun, which can go back. */
		head = frame_at(cache, cache->partial);
		partial_remove(cache, head);
	} else if (cache->kept != FRAME_NONE) {
		head = kept_pop(cache);
	} else {
		return NULL;
	}
	ASSERT(head->slab.cache == cache->number && head->slab.head_back == 0);
	head->slab.state = SLAB_CPUS;
	due_add(head, DUE_NEVER);
	return head;
}

void slab_settle_locked(struct slab_cache *cache, struct frame *head, uint32_t change,
			uint32_t *chain)
{
	const uint32_t rest = cache->per_slab - 1u;
	uint32_t out = due_add(head, change);

	ASSERT(out < DUE_NEVER / 2);
	/* More than all: an object that was freed, and not counted yet, is somebody's again. */
	if (out >= cache->per_slab) {
		head->slab.state = SLAB_FULL;
		cache->full++;
		if ((int32_t)due_add(head, -rest) > 0) return;
		/* Objects came back in between, and nobody was told. */
		cache->full--;
		out = due_add(head, rest);
	}
	if (out == 0)
		slab_put_away(cache, head, chain);
	else
		partial_add(cache, head);
}

/* Whoever made `due` 0 comes late, perhaps: the slab may have moved on, or be another cache's. */
void slab_look_locked(struct slab_cache *cache, struct frame *head, uint32_t *chain)
{
	const struct frame_slab *s = &head->slab;

	if (atomic_peek_u32(&s->whose) != cache->number) return;
	const int32_t due = (int32_t)atomic_load_u32(&s->due);
	const uint32_t state = atomic_peek_u32(&s->state);
	if (state == SLAB_FULL && due <= 0) {
		ASSERT(cache->full != 0);
		cache->full--;
		slab_settle_locked(cache, head, cache->per_slab - 1u, chain);
	} else if (state == SLAB_PARTIAL && due == 0) {
		partial_remove(cache, head);
		slab_put_away(cache, head, chain);
	}
}

void slab_detach_kept_locked(struct slab_cache *cache, uint32_t *chain)
{
	while (cache->kept != FRAME_NONE) slab_detach(cache, kept_pop(cache), chain);
	ASSERT(cache->kept_count == 0);
}

/* --- pages ------------------------------------------------------------------------------------ */

struct frame *slab_make(struct slab_cache *cache, paddr_t pa)
{
	struct frame *head = page_frame(cache->pages, pa);

	ASSERT(head != NULL && head->order == cache->order);
	for (uint32_t i = 0; i < 1u << cache->order; i++) {
		frame_owner_set(&head[i], PAGE_OWNER_SLAB);
		/* Every page: a free asks the page its object starts in. */
		atomic_poke_u32(&head[i].slab.state, SLAB_NONE); /* a user's had something else */
		atomic_poke_u32(&head[i].slab.whose, cache->number | i << 16);
		ASSERT_SLOW(head[i].slab.taken[0] == 0);
	}
	ASSERT(head->slab.due == 0);
	if (cache->poison) object_fill_all(cache, slab_base(cache, head));
	mach_poison(slab_base(cache, head), (size_t)PAGE_SIZE << cache->order);
	return head;
}

size_t slabs_return(struct slab_cache *cache, uint32_t chain)
{
	size_t pages = 0;

	while (chain != FRAME_NONE) {
		struct frame *head = frame_at(cache, chain);
		const paddr_t pa = page_address(cache->pages, chain);
		ASSERT(head->slab.state == SLAB_NONE && head->slab.due == 0);
		chain = head->next;
		for (uint32_t i = 0; i < 1u << cache->order; i++) {
			/* As the pool gave them; what is freed is told by the first page alone. */
			if (i != 0) frame_owner_set(&head[i], PAGE_OWNER_KERNEL);
			atomic_poke_u32(&head[i].slab.whose, FRAME_NONE);
		}
		const enum page_verdict v =
			page_free(cache->pages, pa, cache->order, SLAB_PAGES_HOW);
		if (v != PAGE_FREED)
			kpanic("double-free", "a slab's page: %s", page_verdict_name(v));
		pages += (size_t)1 << cache->order;
	}
	return pages;
}
