/*
 * space_world.c -- the world under subject space: a pool, kmalloc and a vm over it, the first
 * space, and the two sources that stand for files.
 *
 * `squeeze` takes all pages but a few and chains them through their first words; whoever allocates
 * then is refused at whichever allocation comes next, so by the number left each site is reached.
 *
 * Locks: none of its own.
 */
#include "fuzz/space_fuzz.h"
#include "machine/machine.h"

static bool source_fill(void *context, uint64_t index, void *page)
{
	const struct source *source = context;

	memset(page, 0, PAGE_SIZE);
	for (uint32_t w = 0; w < WORDS_PER_PAGE; w++) {
		uint8_t *at = (uint8_t *)page + (space_word_address(0, w));
		*(uint64_t *)(void *)at = space_source_word(source->number, (uint32_t)index, w);
	}
	return true;
}

static bool set_up(struct space *space)
{
	space_brk_place(space, WINDOW_START + (uint64_t)WINDOW_HEAP_PAGE * PAGE_SIZE);
	return space_mmap(space, WINDOW_END, PAGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0,
			  SITE_NONE) == (int64_t)WINDOW_END;
}

/* The least memory that a world of spaces starts with: page of zeroes, first space, its objects. */
static bool world_start(struct space_state *s, const struct run *run)
{
	const struct vm_config config = {
		.pages = &s->world.pool,
		.kmalloc = &s->km,
		.asid_bits = ASID_BITS_MIN + run->script->world.tag % 3,
		.bottom = WINDOW_START,
		.top = WINDOW_END,
		.lowest = LOWEST_ADDRESS,
		.regions_max = SPACE_REGIONS_MAX,
	};

	if (!vm_init(&s->vm, &config)) return false;
	s->vm_open = true;
	for (uint32_t n = 0; n < SOURCES; n++) {
		const struct backing_source source = { .fill = source_fill,
						       .context = &s->source[n] };
		s->source[n].number = n;
		s->source[n].backing =
			backing_create(s->vm.backings, &source, SOURCE_PAGES, SITE_NONE);
		if (s->source[n].backing == NULL) return false;
	}
	s->space[0] = space_create(&s->vm, SITE_NONE);
	return s->space[0] != NULL && set_up(s->space[0]);
}

void space_open(struct run *run)
{
	struct space_state *s = run->state;
	const struct kmalloc_config config = kmalloc_world_config(run, &s->world, s->cpus);

	pool_world_open(&s->world, run);
	kmalloc_init(&s->km, &config);
	space_model_init(&s->model);
	memset(s->space, 0, sizeof s->space);
	memset(s->installed, 0, sizeof s->installed);
	memset(s->source, 0, sizeof s->source);
	memset(s->core_unknown, 0, sizeof s->core_unknown);
	s->aim = (struct script_op){ .code = SPACE_AIM };
	s->squeezed = PADDR_NONE;
	s->vm_open = false;
	s->crowded = false;
	if (!world_start(s, run)) s->model.space[0].alive = false;
}

uint32_t space_free_pages(struct space_state *s)
{
	struct page_counts counts;

	page_count(&s->world.pool, &counts);
	return counts.free + counts.cached;
}

/* Whether so few pages are left that a call which needs `pages` besides its own may be refused. */
bool space_is_scarce(struct space_state *s, uint64_t pages)
{
	return s->crowded ||
	       space_free_pages(s) < SPACE_ENOUGH_PAGES + s->world.pool.reserve + pages;
}

void space_judge_parked(struct space_state *s)
{
	const struct space *parked = s->vm.retired;

	if (s->crowded) return;
	while (parked != NULL && parked->cpus != 0) parked = parked->next;
	if (parked != NULL)
		kpanic(ORACLE_MUST_SUCCEED, "refused while a space waits to be taken apart");
}

/* What stands at the start of a block that was squeezed out. */
struct squeezed {
	paddr_t next;
	unsigned order;
};

enum { SQUEEZED_HOW = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) };

/* Takes up to `blocks` blocks of an order, while they are no more than `pages`; pages it took. */
static uint32_t squeeze_order(struct space_state *s, unsigned order, uint32_t blocks,
			      uint32_t pages)
{
	uint32_t taken = 0;

	while (blocks-- != 0 && pages - taken >= 1u << order) {
		const paddr_t pa = page_alloc(&s->world.pool, order, SQUEEZED_HOW | PAGE_NO_RECLAIM,
					      SITE_NONE);
		if (pa == PADDR_NONE) break;
		*(struct squeezed *)mach_phys(pa) =
			(struct squeezed){ .next = s->squeezed, .order = order };
		s->squeezed = pa;
		taken += 1u << order;
	}
	return taken;
}

/* The smallest blocks first, so that what is left lies together; then parts of the next. */
void space_squeeze(struct space_state *s, uint32_t leave)
{
	struct page_fragmentation found;

	vm_reclaim(&s->vm, SIZE_MAX);
	kmalloc_drain(&s->km);
	page_drain(&s->world.pool);
	page_fragmentation(&s->world.pool, &found);
	uint32_t pages = (uint32_t)sub_or_zero(space_free_pages(s), leave);
	for (unsigned order = 0; order < PAGE_ORDERS; order++)
		pages -= squeeze_order(s, order, found.blocks[order], pages);
	for (unsigned order = PAGE_ORDERS; order-- > 0;)
		pages -= squeeze_order(s, order, UINT32_MAX, pages);
}

void space_relax(struct space_state *s)
{
	while (s->squeezed != PADDR_NONE) {
		const paddr_t pa = s->squeezed;
		const struct squeezed block = *(const struct squeezed *)mach_phys(pa);
		s->squeezed = block.next;
		page_free(&s->world.pool, pa, block.order, SQUEEZED_HOW);
	}
}
