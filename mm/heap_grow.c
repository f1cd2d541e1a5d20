/*
 * heap_grow.c -- pages from the pool and back, inside the window.
 *
 * Growth asks for grow_bytes at once where it can, so that small requests do not each cost a trip
 * to the pool, and halves that toward the least that meets the need: a heap that insists on much
 * fails while memory is only broken up.  The least includes the nodes of the span itself and what
 * an alignment costs; without them a request near a multiple of a page grows for ever.
 *
 * The first place to ask for is right behind the span whose last block offers the largest free
 * end, since that end counts toward the need; the second is anywhere; the third behind each span
 * in turn.  Before a request is refused, what the heap keeps free goes back, and then the pool's
 * shrinkers are asked: pages beyond the need are not worth anybody's caches.
 *
 * When large free blocks hold more than keep_bytes, a free that makes one gives the excess back;
 * heap_trim gives back all there is.
 *
 * Always true:
 *   G1  span_pages + asked_pages <= window_pages.
 *
 * Locks: heap->lock is taken to look and to change, never held while the pool is asked (its
 * shrinkers may well be this heap's heap_trim).  What was seen may be stale by then; the caller
 * tries again.  Two CPUs growing at once in the last pages of a window can refuse one another.
 * Cost: in the number of spans and in halvings, at most log2(grow_pages).
 */
#include "mm/heap_inside.h"

enum {
	HEAP_HOW = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_HEAP),
	/* The first question makes the pool put its caches and quarantine on the free lists; what
	 * is asked right after it need not, and fails at little cost. */
	HEAP_ASK = HEAP_HOW | PAGE_NO_RECLAIM,
	HEAP_ASK_AGAIN = HEAP_ASK | PAGE_NO_DRAIN,
	PLACES = 16,
};

/* How a heap could grow for one request. */
struct growth {
	size_t anywhere;  /* least pages for a span of its own */
	uintptr_t behind; /* end of the span that would become longer; 0: none */
	size_t extending; /* least pages for that */
	size_t room;      /* pages left in the window */
};

static size_t pages_for(uint64_t bytes)
{
	return align_up(bytes, PAGE_SIZE) >> PAGE_SHIFT;
}

/* Pages of a new span that holds one block for `want`, wherever its pages are. */
static size_t growth_anywhere(const struct heap_want *want)
{
	size_t front = want->align - HEAP_SPAN_NODES;
	if (want->align <= PAGE_SIZE) front = heap_front(HEAP_NODE_BYTES, want->align);
	return pages_for(HEAP_SPAN_NODES + front + want->block);
}

/* The place where free space would begin if span `prologue` became longer. */
static uint32_t span_free_end(const struct heap *heap, const struct heap_node *prologue)
{
	const struct heap_node epilogue = node_load(heap, prologue->epilogue);
	const uint32_t last = node_left(&epilogue, prologue->epilogue);
	const struct heap_node node = node_load(heap, last);
	ASSERT(node_sound(&epilogue, prologue->epilogue));
	return node_kind(&node) == NODE_FREE && node_sound(&node, last) ? last : prologue->epilogue;
}

/* Bytes that must come behind `end` so that a block for `want` can begin at `at`. */
static uint64_t extension_bytes(const struct heap *heap, const struct heap_want *want, uint32_t at,
				uintptr_t end)
{
	const uintptr_t address = (uintptr_t)heap_pointer(heap, at);
	const uint64_t last = address + heap_front(address, want->align) + want->block;
	return sub_or_zero(last + HEAP_NODE_BYTES, end);
}

/* Considers making the span at `prologue` longer. */
static void growth_consider(const struct heap *heap, const struct heap_want *want,
			    const struct heap_node *prologue, struct growth *g)
{
	const uintptr_t end = (uintptr_t)heap_pointer(heap, prologue->epilogue) + HEAP_NODE_BYTES;
	const uint32_t at = span_free_end(heap, prologue);
	const size_t pages = pages_for(extension_bytes(heap, want, at, end));
	if (node_kind(prologue) != NODE_SPAN || (g->behind != 0 && pages > g->extending)) return;
	g->behind = end;
	g->extending = max_u64(pages, 1);
}

/* Picks the span that needs the fewest pages, of several the one behind. */
static void growth_extending(const struct heap *heap, const struct heap_want *want,
			     struct growth *g)
{
	struct heap_node prologue;
	for (uint32_t span = heap->spans; span != 0; span = prologue.next_span) {
		prologue = node_load(heap, span);
		ASSERT(node_sound(&prologue, span));
		growth_consider(heap, want, &prologue, g);
	}
}

/* Looks at all spans once; what it says may be stale as soon as it is said. */
static struct growth growth_plan(struct heap *heap, const struct heap_want *want)
{
	struct growth g = { .anywhere = growth_anywhere(want), .behind = 0 };
	const mach_irq_t irq = lock_take(&heap->lock);
	ASSERT(heap->span_pages + heap->asked_pages <= heap->window_pages);
	g.room = heap->window_pages - heap->span_pages - heap->asked_pages;
	growth_extending(heap, want, &g);
	lock_drop(&heap->lock, irq);
	return g;
}

/* Books `pages` of the window while they are asked for. */
static bool window_book(struct heap *heap, size_t pages)
{
	const mach_irq_t irq = lock_take(&heap->lock);
	const bool room = heap->span_pages + heap->asked_pages + pages <= heap->window_pages;
	if (room) heap->asked_pages += pages;
	lock_drop(&heap->lock, irq);
	return room;
}

/* Ends a booking of `booked` pages: `pages` of them came, at `pa`, and become part of the heap. */
static void window_settle(struct heap *heap, size_t booked, paddr_t pa, size_t pages)
{
	const uintptr_t memory = pages != 0 ? (uintptr_t)mach_phys(pa) : 0;
	if (pages != 0) mach_poison((void *)memory, pages << PAGE_SHIFT);
	const mach_irq_t irq = lock_take(&heap->lock);
	ASSERT(heap->asked_pages >= booked && booked >= pages);
	heap->asked_pages -= booked;
	heap->growths += pages != 0;
	if (pages != 0) span_adopt(heap, memory, pages << PAGE_SHIFT, NODE_SPAN);
	lock_drop(&heap->lock, irq);
}

/* Asks once, for `most` pages or, behind the chosen span, for as many of them as are useful there:
 * its free end may have left little to ask for. */
static bool growth_try(struct heap *heap, const struct growth *g, size_t most, uint32_t how,
		       site_t site)
{
	const paddr_t behind = g->behind != 0 ? mach_pa((void *)g->behind) : PADDR_NONE;
	const size_t here = max_u64(g->extending, min_u64(most, heap->grow_pages));
	ASSERT(most != 0 && most <= UINT32_MAX && g->extending <= UINT32_MAX);
	size_t pages = 0;
	paddr_t pa = PADDR_NONE;
	mach_lock_none_held(RANK_HEAP);
	if (!window_book(heap, most)) return false;
	if (behind != PADDR_NONE && here <= most &&
	    page_run_claim(heap->pages, behind, (uint32_t)here, how, site)) {
		pa = behind;
		pages = here;
	} else if (most >= g->anywhere) {
		pa = page_run_alloc(heap->pages, (uint32_t)most, how, site);
		pages = pa != PADDR_NONE ? most : 0;
	}
	window_settle(heap, most, pa, pages);
	return pages != 0;
}

void heap_tell(const struct heap *heap, enum mm_event event, uint64_t bytes, uint64_t align,
	       site_t site)
{
	struct mm_report report = { .bytes = bytes, .align = align, .site = site };
	if (heap->pages != NULL) {
		struct page_counts counts;
		page_count(heap->pages, &counts);
		report.pages = counts.free;
		report.level = counts.level;
	}
	mm_tell(heap->listener, event, &report);
}

/* From the most toward the least: true as soon as something was got.  On its way down it does not
 * step over `anywhere`, below which only the place behind a span is left. */
static bool growth_halve(struct heap *heap, const struct growth *g, size_t least, site_t site)
{
	size_t pages = max_u64(g->anywhere, heap->grow_pages);
	uint32_t how = HEAP_ASK;
	pages = max_u64(least, min_u64(pages, g->room));
	for (;; how = HEAP_ASK_AGAIN) {
		if (growth_try(heap, g, pages, how, site)) return true;
		if (pages == least) return false;
		const size_t stop = pages > g->anywhere ? g->anywhere : least;
		pages = max_u64(stop, pages / 2);
	}
}

/* Ends of spans that would have to move back, so many pages each, for a request to be met. */
struct growth_places {
	size_t count;
	uintptr_t behind[PLACES];
	size_t pages[PLACES];
	size_t most; /* of these pages */
};

/* Collects places from the first span behind the address `after` on. */
static void growth_collect(struct heap *heap, const struct heap_want *want, uintptr_t after,
			   struct growth_places *places)
{
	struct heap_node prologue;
	places->count = places->most = 0;
	const mach_irq_t irq = lock_take(&heap->lock);
	const size_t room = heap->window_pages - heap->span_pages - heap->asked_pages;
	for (uint32_t span = heap->spans; span != 0 && places->count < PLACES;
	     span = prologue.next_span) {
		struct growth g = { .behind = 0 };
		prologue = node_load(heap, span);
		ASSERT(node_sound(&prologue, span));
		if ((uintptr_t)heap_pointer(heap, span) < after) continue;
		growth_consider(heap, want, &prologue, &g);
		if (g.behind == 0 || g.extending > room) continue;
		places->behind[places->count] = g.behind;
		places->pages[places->count++] = g.extending;
		places->most = max_u64(places->most, g.extending);
	}
	lock_drop(&heap->lock, irq);
}

/* Asks at each of the places in turn. */
static bool growth_claim(struct heap *heap, const struct growth_places *places, site_t site)
{
	paddr_t pa = PADDR_NONE;
	size_t pages = 0;
	mach_lock_none_held(RANK_HEAP);
	if (!window_book(heap, places->most)) return false;
	for (size_t i = 0; i < places->count && pages == 0; i++) {
		pa = mach_pa((void *)places->behind[i]);
		if (page_run_claim(heap->pages, pa, (uint32_t)places->pages[i], HEAP_ASK_AGAIN,
				   site))
			pages = places->pages[i];
	}
	window_settle(heap, places->most, pa, pages);
	return pages != 0;
}

/* Asks behind every span in turn: memory may be in pieces of which none is large enough, but one
 * is beside a free end. */
static bool growth_scan(struct heap *heap, const struct heap_want *want, site_t site)
{
	struct growth_places places;
	uintptr_t after = 0;
	for (;;) {
		growth_collect(heap, want, after, &places);
		if (places.count == 0) return false;
		if (growth_claim(heap, &places, site)) return true;
		after = places.behind[places.count - 1];
	}
}

/* All ways to grow that need no reclaim, the cheap ones first. */
static bool growth_run(struct heap *heap, const struct heap_want *want, site_t site, bool *window)
{
	const struct growth g = growth_plan(heap, want);
	/* A place behind a span may need fewer pages than a span elsewhere, but never more. */
	const size_t least = g.behind != 0 ? min_u64(g.anywhere, g.extending) : g.anywhere;
	*window = least <= g.room;
	if (!*window) return false;
	return growth_halve(heap, &g, least, site) || growth_scan(heap, want, site);
}

/* Three rounds, each after more was given up for this request.  A round that fails right after
 * another is cheap: caches are empty then, and the pool sees by its counts that there is no such
 * run. */
bool heap_grow(struct heap *heap, const struct heap_want *want, uint32_t how, site_t site)
{
	bool window = false;
	if (heap->pages != NULL) {
		if (growth_run(heap, want, site, &window)) return true;
		/* What is kept free is in the way, in the window and in memory: it goes first. */
		if (heap_trim(heap, SIZE_MAX) != 0 && growth_run(heap, want, site, &window))
			return true;
		if (window && !(how & PAGE_NO_RECLAIM)) {
			/* Free pages in pieces are not enough: everything. */
			page_reclaim(heap->pages, UINT32_MAX);
			if (growth_run(heap, want, site, &window)) return true;
		}
	}
	heap_tell(heap, window ? MM_EVENT_PAGES_AT_GROWTH : MM_EVENT_NO_HEAP_BLOCK, want->asked,
		  want->align, site);
	return false;
}

/* --- giving back ------------------------------------------------------------------------------ */

void heap_cut_excess(struct heap *heap, uint32_t at, struct heap_cut *cut)
{
	const struct heap_node node = node_load(heap, at);
	ASSERT(heap->large_bytes >= heap->give_bytes);
	if (heap->pages == NULL || node_bytes(&node) < HEAP_LARGE) return;
	span_cut(heap, at, (heap->large_bytes - heap->give_bytes) / PAGE_SIZE + 1, cut);
}

void heap_return(struct heap *heap, const struct heap_cut *cut)
{
	ASSERT(cut->pages != 0 && is_aligned(cut->memory, PAGE_SIZE));
	mach_lock_none_held(RANK_HEAP);
	mach_unpoison((void *)cut->memory, cut->pages << PAGE_SHIFT);
	const enum page_verdict verdict = page_run_free(heap->pages, mach_pa((void *)cut->memory),
							(uint32_t)cut->pages, HEAP_HOW);
	ASSERT(verdict == PAGE_FREED);
}

/* Takes pages out of one large free block, the first that can give any. */
static void trim_once(struct heap *heap, size_t pages, struct heap_cut *cut)
{
	const mach_irq_t irq = lock_take(&heap->lock);
	for (unsigned bin = HEAP_BINS; bin-- > heap_bin(HEAP_LARGE) && cut->pages == 0;) {
		struct heap_node node;
		for (uint32_t at = heap->first[bin]; at != 0 && cut->pages == 0; at = node.next) {
			node = node_load(heap, at);
			if (!node_sound(&node, at) || !bins_links_sound(heap, at, &node)) break;
			span_cut(heap, at, pages, cut);
		}
	}
	lock_drop(&heap->lock, irq);
}

/* One cut at a time, and the lock dropped in between: pages are given back without it. */
size_t heap_trim(struct heap *heap, size_t pages)
{
	size_t given = 0;
	while (given < pages && heap->pages != NULL) {
		struct heap_cut cut = { .pages = 0 };
		trim_once(heap, pages - given, &cut);
		if (cut.pages == 0) break;
		heap_return(heap, &cut);
		given += cut.pages;
	}
	return given;
}

bool heap_add(struct heap *heap, void *memory, size_t bytes)
{
	const uintptr_t start = align_up((uintptr_t)memory, HEAP_GRAIN);
	const uintptr_t end = align_down((uintptr_t)memory + bytes, HEAP_GRAIN);
	const size_t window = heap->window_pages << PAGE_SHIFT;
	if ((uintptr_t)memory <= heap->base || end < (uintptr_t)memory) return false;
	if (end < start || end - start < HEAP_SPAN_NODES + HEAP_NODE_BYTES) return false;
	const mach_irq_t irq = lock_take(&heap->lock);
	const bool fits = end - start < HEAP_BYTES_MAX - PAGE_SIZE &&
			  heap->block_bytes + window + (end - start) < HEAP_BYTES_MAX;
	if (fits) {
		mach_poison((void *)start, end - start);
		span_adopt(heap, start, end - start, NODE_FIXED);
	}
	lock_drop(&heap->lock, irq);
	return fits;
}
