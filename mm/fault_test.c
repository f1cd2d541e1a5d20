/*
 * fault_test.c -- faults by example: what is found at a first touch, who copies and who need not,
 * what is refused and how, where a stack stops growing; and that a fault without memory changes
 * nothing.
 */
#include "mm/test_space.h"

enum { RW = PROT_READ | PROT_WRITE };

static void demand_zero(void)
{
	vm_open(128);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 4, RW, 0, NULL);

	EXPECT(space_fault(s, AT, MACH_LOAD) == FAULT_DONE);
	EXPECT((entry_at(s, AT) & (ENTRY_ZERO | ENTRY_READ_ONLY)) ==
	       (ENTRY_ZERO | ENTRY_READ_ONLY));
	EXPECT(entry_address(entry_at(s, AT)) == tv->vm.zeroes);
	EXPECT(s->zeroes == 1 && s->resident == 0);
	EXPECT(space_fault(s, AT + 1, MACH_STORE) == FAULT_DONE);
	EXPECT(entry_is_writable(entry_at(s, AT)) && references_at(s, AT) == 1);
	EXPECT(s->zeroes == 0 && s->resident == 1 && byte_at(s, AT + 100) == 0);
	EXPECT(space_fault(s, AT + PAGE_SIZE, MACH_STORE) == FAULT_DONE);
	EXPECT(s->resident == 2 && byte_at(s, AT + 2 * PAGE_SIZE - 1) == 0);

	/* What is there already is left as it is: a second CPU was here first. */
	const uint64_t entry = entry_at(s, AT);
	EXPECT(space_fault(s, AT, MACH_STORE) == FAULT_DONE && entry_at(s, AT) == entry);
	EXPECT(space_fault(s, AT, MACH_LOAD) == FAULT_DONE && entry_at(s, AT) == entry);
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

/* A page that came back dirty is zeroes for the next. */
static void zeroes_again(void)
{
	vm_open(64);
	for (int i = 0; i < 2; i++) {
		struct space *s = space_create(&tv->vm, SITE);
		put(s, AT, 30, RW, 0, NULL);
		for (uint64_t va = AT; va < AT + 30 * PAGE_SIZE; va += PAGE_SIZE) {
			EXPECT(space_fault(s, va, MACH_STORE) == FAULT_DONE);
			EXPECT(byte_at(s, va) == 0 && byte_at(s, va + PAGE_SIZE - 1) == 0);
			set_byte(s, va + PAGE_SIZE - 1, 0xa5);
		}
		RETIRE(s);
		vm_reclaim(&tv->vm, SIZE_MAX);
	}
	vm_shut();
}

static void refusals(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 1, PROT_NONE, 0, NULL);
	put(s, AT + PAGE_SIZE, 1, PROT_READ, 0, NULL);
	put(s, AT + 2 * PAGE_SIZE, 1, PROT_EXEC, 0, NULL);
	put(s, AT + 3 * PAGE_SIZE, 1, PROT_WRITE, 0, NULL);
	const uint32_t used = pages_used();

	EXPECT(space_fault(s, AT - 1, MACH_LOAD) == FAULT_NOT_MAPPED);
	EXPECT(space_fault(s, AT + 4 * PAGE_SIZE, MACH_LOAD) == FAULT_NOT_MAPPED);
	EXPECT(space_fault(s, USER_END, MACH_LOAD) == FAULT_NOT_MAPPED);
	EXPECT(space_fault(s, UINT64_MAX, MACH_STORE) == FAULT_NOT_MAPPED);
	EXPECT(space_fault(s, AT, MACH_LOAD) == FAULT_NOT_ALLOWED);
	EXPECT(space_fault(s, AT + PAGE_SIZE, MACH_STORE) == FAULT_NOT_ALLOWED);
	EXPECT(space_fault(s, AT + PAGE_SIZE, MACH_FETCH) == FAULT_NOT_ALLOWED);
	EXPECT(space_fault(s, AT + 3 * PAGE_SIZE, MACH_FETCH) == FAULT_NOT_ALLOWED);
	EXPECT(pages_used() == used && s->resident == 0 && s->zeroes == 0);

	/* As on Linux, what has any right can be read. */
	EXPECT(space_fault(s, AT + 2 * PAGE_SIZE, MACH_LOAD) == FAULT_DONE);
	EXPECT(space_fault(s, AT + 2 * PAGE_SIZE, MACH_FETCH) == FAULT_DONE);
	EXPECT(space_fault(s, AT + 3 * PAGE_SIZE, MACH_LOAD) == FAULT_DONE);
	EXPECT(entry_allows(entry_at(s, AT + 3 * PAGE_SIZE), MACH_LOAD));
	EXPECT(space_fault(s, AT + 3 * PAGE_SIZE, MACH_STORE) == FAULT_DONE);
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

static void access_flag(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 1, RW, 0, NULL);

	set_byte(s, AT, 3);
	const uint64_t entry = entry_at(s, AT);
	EXPECT(pagetable_age(&s->table, AT, AT + PAGE_SIZE) == 1);
	EXPECT(!entry_allows(entry_at(s, AT), MACH_LOAD));
	EXPECT(space_fault(s, AT, MACH_LOAD) == FAULT_DONE && entry_at(s, AT) == entry);
	EXPECT((entry & ENTRY_DIRTY) != 0 && byte_at(s, AT) == 3);
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

/* --- files -------------------------------------------------------------------------------- */

static uint32_t fills, releases;
static bool readable;

static bool fill(void *context, uint64_t index, void *page)
{
	fills++;
	if (!readable) return false;
	memset(page, (int)(*(uint8_t *)context + index), PAGE_SIZE);
	return true;
}

static void release(void *context)
{
	(void)context;
	releases++;
}

static uint8_t first_byte = 0x30;

static struct backing *file_open(uint64_t pages)
{
	const struct backing_source source = { fill, release, &first_byte };

	fills = releases = 0;
	readable = true;
	return backing_create(tv->vm.backings, &source, pages, SITE);
}

static void private_file(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct backing *b = file_open(2);
	put(s, AT, 4, RW, 0, b);
	backing_drop(b); /* the region's hold is enough */

	EXPECT(byte_at(s, AT + PAGE_SIZE) == 0x31 && fills == 1);
	EXPECT(!entry_is_writable(entry_at(s, AT + PAGE_SIZE)));
	EXPECT(references_at(s, AT + PAGE_SIZE) == 2);
	set_byte(s, AT + PAGE_SIZE, 1);
	EXPECT(references_at(s, AT + PAGE_SIZE) == 1 && byte_at(s, AT + PAGE_SIZE + 1) == 0x31);
	EXPECT(b->row.count == 1 && backing_has(b, 1) && !backing_has(b, 0));
	set_byte(s, AT, 1); /* at once: read, copied */
	EXPECT(fills == 2 && byte_at(s, AT + 1) == 0x30 && b->row.count == 2);
	EXPECT(space_fault(s, AT + 2 * PAGE_SIZE, MACH_LOAD) == FAULT_BEYOND);
	EXPECT(space_fault(s, AT + 2 * PAGE_SIZE, MACH_STORE) == FAULT_BEYOND);
	SOUND(s);
	EXPECT(releases == 0);
	RETIRE(s);
	vm_reclaim(&tv->vm, SIZE_MAX);
	EXPECT(releases == 1);
	vm_shut();
}

static void unreadable_file(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct backing *b = file_open(2);
	put(s, AT, 2, RW, 0, b);
	put(s, AT + 0x40000000, 2, RW, REGION_SHARED, b);
	const uint32_t used = pages_used();

	readable = false;
	EXPECT(space_fault(s, AT, MACH_LOAD) == FAULT_BEYOND);
	EXPECT(space_fault(s, AT, MACH_STORE) == FAULT_BEYOND);
	EXPECT(space_fault(s, AT + 0x40000000, MACH_STORE) == FAULT_BEYOND);
	EXPECT(pages_used() == used && b->row.count == 0);
	EXPECT(s->table.tables == 1 && s->table.prepared == 0);
	SOUND(s);
	backing_drop(b);
	RETIRE(s);
	vm_shut();
}

/* Two mappings of one shared file see each other's writes; a page that was written stays, others
 * go under pressure when nobody maps them. */
static void shared_file(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct space *t = space_create(&tv->vm, SITE);
	struct backing *b = file_open(8);
	put(s, AT, 8, RW, REGION_SHARED, b);
	put(t, AT + 0x10000, 8, PROT_READ, REGION_SHARED, b);

	for (uint64_t i = 0; i < 8; i++) EXPECT(byte_at(s, AT + i * PAGE_SIZE) == 0x30 + i);
	EXPECT(!entry_is_writable(entry_at(s, AT)));
	set_byte(s, AT, 0x77);
	EXPECT(entry_is_writable(entry_at(s, AT)) && byte_at(t, AT + 0x10000) == 0x77);
	EXPECT(references_at(s, AT) == 3);
	SOUND(s, t);
	EXPECT(backing_list_reclaim(tv->vm.backings, SIZE_MAX) == 0); /* all are mapped */
	RETIRE(s);
	vm_reclaim(&tv->vm, 1);
	EXPECT(backing_list_reclaim(tv->vm.backings, 3) == 3 && b->row.count == 5);
	EXPECT(backing_list_reclaim(tv->vm.backings, SIZE_MAX) == 4 && b->row.count == 1);
	EXPECT(byte_at(t, AT + 0x10000) == 0x77 && byte_at(t, AT + 0x10000 + PAGE_SIZE) == 0x31);
	EXPECT(fills == 9);
	SOUND(t);
	backing_drop(b);
	RETIRE(t);
	vm_shut();
}

static void shared_zeroes(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct backing *b = backing_create(tv->vm.backings, NULL, 1ull << 36, SITE);
	struct region *r = put(s, AT, 2, RW, REGION_SHARED, b);
	r->offset = (1ull << 36) - 2;

	EXPECT(byte_at(s, AT) == 0 && entry_is_writable(entry_at(s, AT)));
	struct space *child = space_clone(s, SITE);
	set_byte(child, AT, 5);
	set_byte(child, AT + PAGE_SIZE, 6);
	EXPECT(byte_at(s, AT) == 5 && byte_at(s, AT + PAGE_SIZE) == 6);
	EXPECT(references_at(s, AT) == 3);
	SOUND(s, child);
	EXPECT(vm_reclaim(&tv->vm, SIZE_MAX) == 0); /* nobody could make these again */
	RETIRE(s, child);
	vm_reclaim(&tv->vm, SIZE_MAX);
	EXPECT(b->row.count == 2);
	backing_drop(b);
	vm_shut();
}

/* --- stacks ------------------------------------------------------------------------------- */

static void grows_down(void)
{
	const uint64_t top = 0x80000000;

	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct region *r = put(s, top - PAGE_SIZE, 1, RW, REGION_GROWS, NULL);
	put(s, top - 0x1000000, 1, PROT_READ, 0, NULL); /* 16 MiB below */

	EXPECT(space_fault(s, top - 3 * PAGE_SIZE + 8, MACH_STORE) == FAULT_DONE);
	EXPECT(r->start == top - 3 * PAGE_SIZE && s->mapped == 4 && s->resident == 1);
	EXPECT(space_fault(s, top - SPACE_STACK_BYTES, MACH_STORE) == FAULT_DONE);
	EXPECT(space_fault(s, top - SPACE_STACK_BYTES - 1, MACH_STORE) == FAULT_NOT_MAPPED);
	EXPECT(r->start == top - SPACE_STACK_BYTES);
	SOUND(s);

	/* Not within the guard gap of what can be accessed; up to what can not. */
	struct region *low = put(s, AT, 1, PROT_READ, 0, NULL);
	struct region *up = put(s, AT + 0x200000, 1, RW, REGION_GROWS, NULL);
	const uint64_t guard = low->end + REGION_GUARD_BYTES;
	EXPECT(space_fault(s, guard - 1, MACH_STORE) == FAULT_NOT_MAPPED);
	EXPECT(space_fault(s, guard, MACH_STORE) == FAULT_DONE && up->start == guard);
	low->rights = PROT_NONE;
	EXPECT(space_fault(s, low->end, MACH_STORE) == FAULT_DONE && up->start == low->end);
	EXPECT(space_fault(s, AT, MACH_STORE) == FAULT_NOT_ALLOWED);
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

static void growth_has_limits(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct region *r = put(s, tv->vm.lowest + PAGE_SIZE, 1, RW, REGION_GROWS, NULL);

	s->limit = 1;
	EXPECT(space_fault(s, tv->vm.lowest, MACH_STORE) == FAULT_NOT_MAPPED);
	s->limit = 2;
	EXPECT(space_fault(s, tv->vm.lowest, MACH_STORE) == FAULT_DONE);
	EXPECT(r->start == tv->vm.lowest && s->mapped == 2);
	s->limit = 0;
	EXPECT(space_fault(s, tv->vm.lowest - 1, MACH_STORE) == FAULT_NOT_MAPPED);
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

/* What a region shows cannot begin before its backing does; it may begin there. */
static void growth_ends_where_the_backing_begins(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct backing *b = backing_create(tv->vm.backings, NULL, 8, SITE);
	struct region *r = put(s, AT + 8 * PAGE_SIZE, 1, RW, REGION_GROWS, b);

	r->offset = 2;
	EXPECT(space_fault(s, AT + 5 * PAGE_SIZE, MACH_STORE) == FAULT_NOT_MAPPED);
	EXPECT(space_fault(s, AT + 6 * PAGE_SIZE, MACH_STORE) == FAULT_DONE && r->offset == 0);
	backing_drop(b);
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

/* A page that was written to stays marked so, whatever is done to its rights and its age. */
static void what_is_dirty_stays_so(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct region *r = put(s, AT, 1, RW, 0, NULL);
	struct tlb_batch batch;

	set_byte(s, AT, 1);
	r->rights = PROT_READ;
	const uint64_t old = entry_at(s, AT) | ENTRY_READ_ONLY;
	EXPECT((old & ENTRY_DIRTY) != 0);
	batch_begin(&batch, &s->table);
	pagetable_change(&s->table, AT, old & ~ENTRY_ACCESSED, &batch);
	batch_end(&batch);
	EXPECT(space_fault(s, AT, MACH_LOAD) == FAULT_DONE && entry_at(s, AT) == old);
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

/* --- without memory ----------------------------------------------------------------------- */

/* The same fault with ever more memory: refused with everything as before, until it goes through
 * with exactly as much as it needs. */
static void refused_until(struct space *s, uint64_t va, enum mach_access access, uint32_t needs)
{
	const uint32_t resident = s->resident, zeroes = s->zeroes, tables = s->table.tables;
	const uint64_t entry = entry_at(s, va);

	for (uint32_t pages = 0; pages <= needs; pages++) {
		leave(pages);
		const enum fault_answer answer = space_fault(s, va, access);
		EXPECT(answer == (pages < needs ? FAULT_NO_MEMORY : FAULT_DONE));
		leave_all();
		SOUND(s);
		if (answer == FAULT_DONE) break;
		EXPECT(s->resident == resident && s->zeroes == zeroes);
		EXPECT(s->table.tables == tables && entry_at(s, va) == entry);
	}
}

static void without_memory(void)
{
	vm_open(128);
	struct space *s = space_create(&tv->vm, SITE);
	struct backing *file = file_open(8);
	struct backing *zeroes = backing_create(tv->vm.backings, NULL, 8, SITE);
	put(s, 0x40000000, 1, RW, 0, NULL);
	put(s, 0x80000000, 1, RW, 0, NULL);
	put(s, 0xc0000000, 1, RW, 0, file);
	put(s, 0x100000000, 1, RW, 0, file);
	put(s, 0x140000000, 1, RW, REGION_SHARED, zeroes);

	refused_until(s, 0x40000000, MACH_LOAD, 3);  /* three tables, the page of zeroes */
	refused_until(s, 0x40000000, MACH_STORE, 1); /* the page */
	refused_until(s, 0x80000000, MACH_STORE, 3); /* two tables, a page */
	refused_until(s, 0xc0000000, MACH_LOAD, 4);  /* two tables, a page, a node */
	refused_until(s, 0xc0000000, MACH_STORE, 1); /* the copy */
	refused_until(s, 0x140000000, MACH_STORE, 4);
	EXPECT(zeroes->row.count == 1);
	backing_drop(file);
	backing_drop(zeroes);
	RETIRE(s);
	vm_shut();
}

int main(void)
{
	demand_zero();
	zeroes_again();
	refusals();
	access_flag();
	private_file();
	unreadable_file();
	shared_file();
	shared_zeroes();
	grows_down();
	growth_has_limits();
	growth_ends_where_the_backing_begins();
	what_is_dirty_stays_so();
	without_memory();
	return 0;
}
