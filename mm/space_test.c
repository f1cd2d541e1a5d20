/*
 * space_test.c -- spaces as a whole by example: who copies after a fork and who need not, what is
 * inherited, a fork without memory; retired spaces that a CPU still has, and how their pages come
 * back before anybody is refused.
 */
#include "mm/test_space.h"

enum { RW = PROT_READ | PROT_WRITE };

static void copies_at_the_first_write(void)
{
	vm_open(128);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 4, RW, 0, NULL);

	set_byte(s, AT, 1);
	set_byte(s, AT + PAGE_SIZE, 2);
	EXPECT(byte_at(s, AT + 2 * PAGE_SIZE) == 0); /* the page of zeroes */
	struct space *child = space_clone(s, SITE);
	EXPECT(child != NULL && child->resident == 2 && child->zeroes == 1 && child->mapped == 4);
	EXPECT(!entry_is_writable(entry_at(s, AT)) && !entry_is_writable(entry_at(child, AT)));
	EXPECT(references_at(s, AT) == 2 && entry_at(s, AT) == entry_at(child, AT));
	SOUND(s, child);

	set_byte(child, AT, 9); /* a copy */
	EXPECT(byte_at(s, AT) == 1 && byte_at(child, AT) == 9);
	EXPECT(references_at(s, AT) == 1 && references_at(child, AT) == 1);
	const paddr_t was = entry_address(entry_at(s, AT));
	EXPECT(!entry_is_writable(entry_at(s, AT)));
	set_byte(s, AT, 3); /* the last owner: in place */
	EXPECT(entry_address(entry_at(s, AT)) == was && entry_is_writable(entry_at(s, AT)));
	EXPECT(byte_at(child, AT) == 9 && s->resident == 2 && child->resident == 2);
	SOUND(s, child);

	RETIRE(child);
	vm_reclaim(&tv->vm, SIZE_MAX);
	set_byte(s, AT + PAGE_SIZE, 4);
	EXPECT(references_at(s, AT + PAGE_SIZE) == 1);
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

/* The most that was there at once is remembered, by a fork for itself. */
static void remembers_its_peak(void)
{
	struct space_counts counts;
	vm_open(128);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 8, RW, 0, NULL);

	for (uint64_t i = 0; i < 6; i++) set_byte(s, AT + i * PAGE_SIZE, 1);
	space_count(s, &counts);
	EXPECT(counts.resident == 6 && counts.peak == 6);
	EXPECT(space_munmap(s, AT, 4 * PAGE_SIZE) == 0);
	space_count(s, &counts);
	EXPECT(counts.resident == 2 && counts.peak == 6);
	struct space *child = space_clone(s, SITE);
	space_count(child, &counts);
	EXPECT(counts.resident == 2 && counts.peak == 2);
	set_byte(s, AT + 6 * PAGE_SIZE, 1);
	space_count(s, &counts);
	EXPECT(counts.resident == 3 && counts.peak == 6);
	RETIRE(child);
	RETIRE(s);
	vm_shut();
}

/* Three generations share one page; each writes, in whatever order, and nobody sees another's. */
static void three_generations(void)
{
	vm_open(128);
	struct space *s[3] = { space_create(&tv->vm, SITE) };
	put(s[0], AT, 1, RW, 0, NULL);
	set_byte(s[0], AT, 1);
	s[1] = space_clone(s[0], SITE);
	s[2] = space_clone(s[1], SITE);

	EXPECT(references_at(s[0], AT) == 3);
	set_byte(s[1], AT, 2);
	EXPECT(references_at(s[0], AT) == 2 && byte_at(s[2], AT) == 1);
	set_byte(s[0], AT, 3);
	EXPECT(byte_at(s[0], AT) == 3 && byte_at(s[1], AT) == 2 && byte_at(s[2], AT) == 1);
	EXPECT(references_at(s[2], AT) == 1);
	SOUND(s[0], s[1], s[2]);
	RETIRE(s[0], s[1], s[2]);
	vm_shut();
}

static void what_is_inherited(void)
{
	vm_open(128);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 1, RW, REGION_LOCKED, NULL);
	put(s, AT + 0x100000, 1, RW, REGION_NO_FORK, NULL);
	put(s, AT + 0x200000, 1, RW, REGION_WIPE, NULL);
	struct region *none = put(s, AT + 0x300000, 1, RW, 0, NULL);
	for (uint64_t va = AT; va <= AT + 0x300000; va += 0x100000) set_byte(s, va, 5);

	/* A page that nobody may use is shared all the same. */
	struct tlb_batch batch;
	none->rights = PROT_NONE;
	const uint64_t held = pagetable_entry(&s->table, entry_address(entry_at(s, none->start)),
					      PROT_NONE, ENTRY_DIRTY);
	batch_begin(&batch, &s->table);
	pagetable_change(&s->table, none->start, held, &batch);
	batch_end(&batch);

	s->brk_start = AT;
	s->brk = AT + 100;
	s->limit = 100;
	struct space *child = space_clone(s, SITE);
	EXPECT(child->regions.count == 3 && child->mapped == 3 && child->resident == 2);
	EXPECT(child->brk_start == AT && child->brk == AT + 100 && child->limit == 100);
	EXPECT((region_at_or_above(&child->regions, AT)->flags & REGION_LOCKED) == 0);
	EXPECT(byte_at(child, AT) == 5 && byte_at(child, AT + 0x200000) == 0);
	EXPECT(space_fault(child, AT + 0x100000, MACH_LOAD) == FAULT_NOT_MAPPED);
	EXPECT(space_fault(child, none->start, MACH_LOAD) == FAULT_NOT_ALLOWED);
	EXPECT(references_at(child, none->start) == 2);
	SOUND(s, child);
	RETIRE(s, child);
	vm_shut();
}

/* What was written since it was made visible is made visible again, before a child fetches it:
 * the machine's rule "stale-code". */
static void code_is_visible_to_the_child(void)
{
	vm_open(128);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 1, RW | PROT_EXEC, 0, NULL);
	set_byte(s, AT, 5);
	set_byte(s, AT, 6);
	struct space *child = space_clone(s, SITE);
	EXPECT(byte_at(child, AT) == 6 && (entry_at(child, AT) & ENTRY_NOT_USER_EXEC) == 0);
	SOUND(s, child);
	RETIRE(s, child);
	vm_shut();
}

/* A fork with ever more memory: refused with the parent as it was, whose writes go on without a
 * copy; at last it goes through. */
static void fork_without_memory(void)
{
	uint32_t refusals = 0;

	vm_open(128);
	struct space *s = space_create(&tv->vm, SITE);
	struct space *child = NULL;
	put(s, AT, 3, RW, 0, NULL);
	put(s, 0x40000000, 3, RW, 0, NULL);
	put(s, 0x8000000000, 3, RW, 0, NULL);
	set_byte(s, AT, 1);
	set_byte(s, 0x40000000 + PAGE_SIZE, 2);
	set_byte(s, 0x8000000000 + 2 * PAGE_SIZE, 3);
	const uint32_t used = pages_used();

	for (uint32_t pages = 0; child == NULL; pages++, refusals++) {
		leave(pages);
		child = space_clone(s, SITE);
		leave_all();
		if (child != NULL) break;
		EXPECT(pages_used() == used && s->resident == 3);
		SOUND(s);
		set_byte(s, AT, 1);
		EXPECT(pages_used() == used && entry_is_writable(entry_at(s, AT)));
	}
	EXPECT(refusals >= 8); /* root, three leaves, four tables between, objects */
	EXPECT(byte_at(child, 0x8000000000 + 2 * PAGE_SIZE) == 3);
	SOUND(s, child);
	RETIRE(s, child);
	vm_shut();
}

/* --- installed, retired, taken apart --------------------------------------------------------- */

static void install(void *s)
{
	space_switch(&tv->vm, s);
}

static void store_and_load(void *unused)
{
	uint64_t value = 0;

	(void)unused;
	EXPECT(mach_user_store(AT, 42) == MACH_FAULT_NONE);
	EXPECT(mach_user_load(AT, &value) == MACH_FAULT_NONE && value == 42);
	EXPECT(mach_user_fetch(AT) == MACH_FAULT_PERMISSION);
	EXPECT(mach_user_load(AT + PAGE_SIZE, &value) == MACH_FAULT_TRANSLATION);
}

static void fault_and_store(void *s)
{
	EXPECT(mach_user_store(AT, 7) == MACH_FAULT_PERMISSION);
	EXPECT(space_fault(s, AT, MACH_STORE) == FAULT_DONE);
	EXPECT(mach_user_store(AT, 7) == MACH_FAULT_NONE);
}

/* What a user sees through the machine is what the tables say: also right after a fork. */
static void through_the_machine(void)
{
	uint64_t value;

	vm_open(128);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 2, RW, 0, NULL);
	EXPECT(space_fault(s, AT, MACH_STORE) == FAULT_DONE);
	host_run_on(1, install, s);
	host_run_on(1, store_and_load, NULL);
	struct space *child = space_clone(s, SITE);
	host_run_on(1, fault_and_store, s);
	EXPECT(user_copy_in(child, &value, AT, 8) == 0 && value == 42);
	EXPECT(user_copy_in(s, &value, AT, 8) == 0 && value == 7);
	SOUND(s, child);
	host_run_on(1, install, NULL);
	RETIRE(s, child);
	vm_shut();
}

static void a_cpu_still_has_it(void)
{
	struct vm_counts counts;

	vm_open(128);
	struct space *s = space_create(&tv->vm, SITE);
	struct space *t = space_create(&tv->vm, SITE);
	put(s, AT, 2, RW, 0, NULL);
	set_byte(s, AT, 1);
	host_run_on(1, install, s);
	space_retire(s);
	EXPECT(vm_reclaim(&tv->vm, SIZE_MAX) == 0);
	vm_count(&tv->vm, &counts);
	EXPECT(counts.spaces == 2 && counts.retired == 1);
	SOUND(t);
	host_run_on(1, install, t); /* leaves it */
	EXPECT(s->cpus == 0 && t->cpus == 2);
	EXPECT(vm_reclaim(&tv->vm, SIZE_MAX) == 5); /* a page, four tables */
	vm_count(&tv->vm, &counts);
	EXPECT(counts.spaces == 1 && counts.retired == 0);
	host_run_on(1, install, NULL);
	RETIRE(t);
	vm_shut();
}

static void reclaim(void *unused)
{
	(void)unused;
	EXPECT(vm_reclaim(&tv->vm, SIZE_MAX) != 0);
	EXPECT(tv->vm.installed[0] == NULL);
}

/* Whoever retires the space it has itself lets go of it when it reclaims. */
static void lets_go_itself(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 1, RW, 0, NULL);
	set_byte(s, AT, 1);
	host_run_on(0, install, s);
	space_retire(s);
	host_run_on(0, reclaim, NULL);
	vm_shut();
}

static void bounded_steps(void)
{
	vm_open(256);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 150, RW, 0, NULL);
	for (uint64_t i = 0; i < 150; i++) set_byte(s, AT + i * PAGE_SIZE, 1);
	space_retire(s);
	EXPECT(vm_reclaim(&tv->vm, 1) == TLB_BATCH_PAGES);
	sound(NULL, 0);
	EXPECT(vm_reclaim(&tv->vm, 1) == TLB_BATCH_PAGES);
	sound(NULL, 0);
	EXPECT(vm_reclaim(&tv->vm, SIZE_MAX) == 150 - 2 * TLB_BATCH_PAGES + 4);
	vm_shut();
}

/* --- pressure --------------------------------------------------------------------------------- */

static bool fill(void *context, uint64_t index, void *page)
{
	(void)context;
	memset(page, (int)index, PAGE_SIZE);
	return true;
}

/* All memory is parked: in retired spaces, in pages of a file, in what kmalloc keeps.  It is all
 * there to be had for one who asks. */
static void nothing_gives_up(void)
{
	const struct backing_source source = { .fill = fill };

	vm_open(64);
	struct backing *b = backing_create(tv->vm.backings, &source, 64, SITE);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 64, RW, 0, NULL);
	put(s, AT + 0x1000000, 64, PROT_READ, REGION_SHARED, b);
	for (uint64_t i = 0; i < 16; i++) {
		set_byte(s, AT + i * PAGE_SIZE, 1);
		EXPECT(byte_at(s, AT + 0x1000000 + i * PAGE_SIZE) == i);
	}
	space_retire(s);
	struct space *t = space_create(&tv->vm, SITE);
	put(t, AT, 64, RW, 0, NULL);
	uint64_t got = 0;
	while (space_fault(t, AT + got * PAGE_SIZE, MACH_STORE) == FAULT_DONE) got++;
	/* All but the page of zeroes, four tables, and a slab each for the list of backings, the
	 * backing, the space and its region. */
	EXPECT(got == 64 - 1 - 4 - 4);
	EXPECT(b->row.count == 0);
	SOUND(t);
	backing_drop(b);
	RETIRE(t);
	vm_shut();
}

/* What only a space that is taken apart has a hold of goes in batches like its entries do. */
static void backings_in_bounded_steps(void)
{
	vm_open(256);
	struct space *s = space_create(&tv->vm, SITE);
	struct backing *b = backing_create(tv->vm.backings, NULL, 200, SITE);
	const uint32_t tables = TABLE_LEVELS - 1;
	size_t back = 0, all = 0;

	put(s, AT, 200, RW, REGION_SHARED, b);
	for (uint64_t i = 0; i < 200; i++) set_byte(s, AT + i * PAGE_SIZE, 1);
	backing_drop(b);
	space_retire(s);
	for (unsigned steps = 0; all < 200 + tables + 1; all += back, steps++) {
		const uint32_t used = pages_used();
		back = vm_reclaim(&tv->vm, 1);
		const uint32_t gone = used - pages_used();
		EXPECT(steps < 16);
		/* Besides those that are told: the slabs that became empty. */
		EXPECT(gone >= back && gone <= TLB_BATCH_PAGES + tables + 4);
	}
	EXPECT(all == 200 + tables + 1);
	vm_shut();
}

/* A request that only one zone can meet is not refused because pages of another came back first. */
static void a_zone_of_its_own(void)
{
	const uint32_t how = PAGE_HOW(ZONE_DMA, PAGE_OWNER_KERNEL);

	vm_open_zones(TEST_PAGES, 16);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, TEST_PAGES, RW, 0, NULL);
	for (uint64_t va = AT; space_fault(s, va, MACH_STORE) == FAULT_DONE;) va += PAGE_SIZE;
	EXPECT(page_alloc(&tv->pool, 0, how, SITE) == PADDR_NONE);
	space_retire(s);
	const paddr_t pa = page_alloc(&tv->pool, 0, how, SITE);
	EXPECT(pa != PADDR_NONE && page_free(&tv->pool, pa, 0, how) == PAGE_FREED);
	vm_shut();
}

int main(void)
{
	host_cpus_open(2);
	copies_at_the_first_write();
	remembers_its_peak();
	three_generations();
	what_is_inherited();
	code_is_visible_to_the_child();
	fork_without_memory();
	through_the_machine();
	a_cpu_still_has_it();
	lets_go_itself();
	bounded_steps();
	backings_in_bounded_steps();
	nothing_gives_up();
	a_zone_of_its_own();
	host_cpus_close();
	return 0;
}
