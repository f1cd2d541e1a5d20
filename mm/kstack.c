/*
 * kstack.c -- stacks for the kernel's threads in a window of the kernel's half.
 *
 * The window is cut into slots of nine pages.  The lowest page of a slot is never mapped, so a
 * stack that is too small ends in a fault and not in its neighbour; the other eight are pages
 * from anywhere.  At a stack's low end stand the words of the canary: a
 * function with a frame so large that it steps over the guard page mostly steps on these.
 *
 * A stack that is given back is kept mapped, up to `keep` of them, and the next to ask gets it
 * without a page, an entry or an invalidation.  Pressure takes the kept ones, and no others.
 *
 * Pages and tables are asked for with no reclaim while the lock is held, for reclaim may come here.
 * Only when that fails is the lock dropped, reclaim asked for what a stack needs, and all of it
 * tried once more.
 *
 * Memory of a stack is written here through the direct map: nobody needs the window's addresses
 * to prepare a stack, and the host has no such addresses at all.
 *
 * Always true (kstack_check):
 *   K1  a slot in `taken` has KSTACK_PAGES pages mapped, to be written and not executed; no other
 *       slot has any, and no guard page is ever mapped;
 *   K2  `ready` is a part of `taken`; `kept` counts it, and `live` the rest;
 *   K3  kept <= keep.
 *
 * Locks: the window's (RANK_KSTACK), which is also that of the kernel's tree; the pool's inside.
 * Looking at one's own stack takes none: its entries stay as long as it does.
 * Cost (kernel:table_bench): 378 instructions to take and give back one that is kept; else eight
 * pages and their entries.
 */
#include "mm/kstack.h"

static uint32_t kstack_how(void)
{
	return PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) | PAGE_NO_RECLAIM;
}

static uint64_t kstack_address(const struct kstack_window *w, uint32_t slot)
{
	return w->base + ((uint64_t)slot * KSTACK_SLOT_PAGES + 1) * PAGE_SIZE;
}

/* Which slot's stack begins there; ends in kpanic for any other address. */
static uint32_t kstack_slot(const struct kstack_window *w, uint64_t stack)
{
	const uint64_t slot = (stack - w->base) / ((uint64_t)KSTACK_SLOT_PAGES * PAGE_SIZE);

	if (slot >= w->slots || stack != kstack_address(w, (uint32_t)slot))
		kpanic("wild-free", "no stack begins there");
	return (uint32_t)slot;
}

static bool map_has(const uint64_t *map, uint32_t n)
{
	return (map[n / 64] >> n % 64 & 1) != 0;
}

static void map_set(uint64_t *map, uint32_t n)
{
	ASSERT(!map_has(map, n));
	map[n / 64] |= 1ull << n % 64;
}

static void map_clear(uint64_t *map, uint32_t n)
{
	ASSERT(map_has(map, n));
	map[n / 64] &= ~(1ull << n % 64);
}

/* The lowest slot that is in `map`, or that is not when `set` is false; w->slots: none. */
static uint32_t map_find(const struct kstack_window *w, const uint64_t *map, bool set)
{
	for (uint32_t n = 0; n < w->slots; n += 64) {
		const uint64_t word = set ? map[n / 64] : ~map[n / 64];
		if (word != 0) return (uint32_t)min_u64(n + bit_lowest(word), w->slots);
	}
	return w->slots;
}

/* --- pages ------------------------------------------------------------------------------------ */

/* Takes the first `count` pages of a stack out of the map and gives them back. */
static void kstack_unmap_locked(struct kstack_window *w, uint64_t stack, uint32_t count)
{
	struct page_pool *pool = w->table->pages;
	struct tlb_batch batch;
	paddr_t pages[KSTACK_PAGES];

	ASSERT(count <= KSTACK_PAGES);
	batch_begin(&batch, w->table);
	for (uint32_t i = 0; i < count; i++)
		pages[i] = entry_address(
			pagetable_clear(w->table, stack + (uint64_t)i * PAGE_SIZE, &batch));
	batch_end(&batch);
	for (uint32_t i = 0; i < count; i++) {
		const enum page_verdict v = page_free(pool, pages[i], 0, kstack_how());
		ASSERT(v == PAGE_FREED);
	}
}

static bool kstack_map_page_locked(struct kstack_window *w, uint64_t va, site_t site)
{
	const paddr_t pa = page_alloc(w->table->pages, 0, kstack_how(), site);
	if (pa == PADDR_NONE) return false;
	const uint64_t entry = pagetable_entry(w->table, pa, PROT_READ | PROT_WRITE, 0);
	const enum pagetable_answer answer =
		pagetable_map(w->table, va, entry, PAGE_NO_RECLAIM, site);

	if (answer == PAGETABLE_DONE) return true;
	ASSERT(answer == PAGETABLE_NO_MEMORY); /* the window is nobody else's */
	page_free(w->table->pages, pa, 0, kstack_how());
	return false;
}

/* All of a stack's pages, or none. */
static bool kstack_map_locked(struct kstack_window *w, uint64_t stack, site_t site)
{
	for (uint32_t i = 0; i < KSTACK_PAGES; i++) {
		if (kstack_map_page_locked(w, stack + (uint64_t)i * PAGE_SIZE, site)) continue;
		kstack_unmap_locked(w, stack, i);
		return false;
	}
	return true;
}

/* --- the canary ------------------------------------------------------------------------------- */

static uint64_t *kstack_canary(const struct kstack_window *w, uint64_t stack)
{
	const uint64_t entry = pagetable_lookup(w->table, stack, NULL);

	ASSERT((entry & ENTRY_VALID) != 0);
	return mach_phys(entry_address(entry));
}

static void kstack_guard(const struct kstack_window *w, uint64_t stack)
{
	uint64_t *canary = kstack_canary(w, stack);

	for (unsigned i = 0; i < KSTACK_CANARY_WORDS; i++) canary[i] = STACK_CANARY;
}

bool kstack_whole(struct kstack_window *w, uint64_t stack)
{
	const uint64_t *canary = kstack_canary(w, kstack_address(w, kstack_slot(w, stack)));
	uint64_t differs = 0;

	for (unsigned i = 0; i < KSTACK_CANARY_WORDS; i++) differs |= canary[i] ^ STACK_CANARY;
	return differs == 0;
}

uint32_t kstack_guard_of(const struct kstack_window *w, uint64_t va)
{
	const uint64_t page = (va - w->base) / PAGE_SIZE;

	if (va < w->base || page / KSTACK_SLOT_PAGES >= w->slots) return UINT32_MAX;
	return page % KSTACK_SLOT_PAGES == 0 ? (uint32_t)(page / KSTACK_SLOT_PAGES) : UINT32_MAX;
}

/* --- stacks ----------------------------------------------------------------------------------- */

/* A kept stack gets another owner: who has its pages is he. */
static void kstack_note_site(const struct kstack_window *w, uint64_t stack, site_t site)
{
	if (!CALL_SITES) return;
	for (uint32_t i = 0; i < KSTACK_PAGES; i++) {
		const uint64_t va = stack + (uint64_t)i * PAGE_SIZE;
		const paddr_t pa = entry_address(pagetable_lookup(w->table, va, NULL));
		page_frame(w->table->pages, pa)->site = site;
	}
}

/* A slot with its pages mapped, or w->slots. */
static uint32_t kstack_take_locked(struct kstack_window *w, site_t site)
{
	uint32_t slot = map_find(w, w->ready, true);

	if (slot != w->slots) {
		map_clear(w->ready, slot);
		w->kept--;
		kstack_note_site(w, kstack_address(w, slot), site);
	} else {
		slot = map_find(w, w->taken, false);
		if (slot == w->slots) return slot;
		if (!kstack_map_locked(w, kstack_address(w, slot), site)) return w->slots;
		map_set(w->taken, slot);
	}
	w->live++;
	kstack_guard(w, kstack_address(w, slot));
	return slot;
}

static uint64_t kstack_try(struct kstack_window *w, site_t site, bool *full)
{
	const mach_irq_t was = lock_take(&w->lock);
	const uint32_t slot = kstack_take_locked(w, site);

	*full = w->live == w->slots;
	lock_drop(&w->lock, was);
	return slot == w->slots ? 0 : kstack_address(w, slot);
}

uint64_t kstack_alloc(struct kstack_window *w, site_t site)
{
	enum { TABLES_MAX = 2 * (TABLE_LEVELS - 1) }; /* a stack may lie across two of each level */
	bool full;
	uint64_t stack = kstack_try(w, site, &full);

	if (LIKELY(stack != 0) || full) return stack;
	page_reclaim(w->table->pages, KSTACK_PAGES + TABLES_MAX);
	return kstack_try(w, site, &full);
}

void kstack_free(struct kstack_window *w, uint64_t stack)
{
	const uint32_t slot = kstack_slot(w, stack);

	mach_stack_gone(stack, KERNEL_STACK_BYTES);
	const mach_irq_t was = lock_take(&w->lock);
	if (!map_has(w->taken, slot) || map_has(w->ready, slot))
		kpanic("double-free", "stack %u is nobody's", slot);
	if (!kstack_whole(w, stack))
		kpanic("stack-canary", "somebody wrote over the end of stack %u", slot);
	w->live--;
	if (w->kept < w->keep) {
		map_set(w->ready, slot);
		w->kept++;
	} else {
		kstack_unmap_locked(w, stack, KSTACK_PAGES);
		map_clear(w->taken, slot);
	}
	lock_drop(&w->lock, was);
}

/* Gives back one kept stack; false: there is none. */
static bool kstack_drain_one(struct kstack_window *w)
{
	const mach_irq_t was = lock_take(&w->lock);
	const uint32_t slot = map_find(w, w->ready, true);

	if (slot != w->slots) {
		kstack_unmap_locked(w, kstack_address(w, slot), KSTACK_PAGES);
		map_clear(w->ready, slot);
		map_clear(w->taken, slot);
		w->kept--;
	}
	lock_drop(&w->lock, was);
	return slot != w->slots;
}

/* The lock is dropped after each: a stack's pages are a bounded piece of work. */
static size_t kstack_shrink(void *context, size_t pages)
{
	size_t given = 0;

	while (given < pages && kstack_drain_one(context)) given += KSTACK_PAGES;
	return given;
}

size_t kstack_drain(struct kstack_window *w)
{
	return kstack_shrink(w, SIZE_MAX);
}

void kstack_init(struct kstack_window *w, const struct kstack_config *config)
{
	ASSERT(config->slots >= 1 && config->slots <= KSTACK_SLOTS_MAX);
	ASSERT(is_aligned(config->base, PAGE_SIZE) && config->base >= KERNEL_START);
	ASSERT(config->table->kernel);
	*w = (struct kstack_window){
		.table = config->table,
		.base = config->base,
		.slots = config->slots,
		.keep = config->keep,
		.shrinker = { .name = "kstack", .shrink = kstack_shrink, .context = w },
	};
	lock_init(&w->lock, RANK_KSTACK);
	page_shrinker_add(w->table->pages, &w->shrinker);
}

/* --- looking ---------------------------------------------------------------------------------- */

struct kstack_walk {
	const struct kstack_window *w;
	uint32_t pages;
	const char *why;
};

/* K1 for one page that is mapped. */
static bool kstack_check_page(void *context, uint64_t va, uint64_t entry)
{
	struct kstack_walk *walk = context;
	const uint64_t page = (va - walk->w->base) >> PAGE_SHIFT;

	walk->pages++;
	if (page % KSTACK_SLOT_PAGES == 0)
		walk->why = "K1: a guard page is mapped";
	else if (!map_has(walk->w->taken, (uint32_t)(page / KSTACK_SLOT_PAGES)))
		walk->why = "K1: pages are mapped where no stack is";
	else if ((entry & (ENTRY_READ_ONLY | ENTRY_NOT_KERNEL_EXEC)) != ENTRY_NOT_KERNEL_EXEC)
		walk->why = "K1: a stack cannot be written to, or can be executed";
	return walk->why == NULL;
}

/* K1: the mapped pages are those of stacks, and as many as these have. */
static const char *kstack_check_pages(struct kstack_window *w, uint32_t taken)
{
	struct kstack_walk walk = { .w = w };
	const uint64_t bytes = (uint64_t)w->slots * KSTACK_SLOT_PAGES * PAGE_SIZE;

	pagetable_visit(w->table, w->base, w->base + bytes, kstack_check_page, &walk);
	if (walk.why == NULL && walk.pages != taken * KSTACK_PAGES)
		return "K1: a stack lacks pages";
	return walk.why;
}

const char *kstack_check(struct kstack_window *w)
{
	const mach_irq_t was = lock_take(&w->lock);
	const char *why = w->kept > w->keep ? "K3: more stacks are kept than may be" : NULL;
	uint32_t taken = 0, ready = 0;

	for (uint32_t slot = 0; slot < w->slots; slot++) {
		taken += map_has(w->taken, slot);
		ready += map_has(w->ready, slot);
		if (map_has(w->ready, slot) && !map_has(w->taken, slot))
			why = "K2: a stack without pages is ready";
	}
	if (why == NULL && (ready != w->kept || taken - ready != w->live))
		why = "K2: stacks are counted wrongly";
	if (why == NULL) why = kstack_check_pages(w, taken);
	lock_drop(&w->lock, was);
	return why;
}
