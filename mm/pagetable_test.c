/*
 * pagetable_test.c -- trees of page tables: entries in and out, tables counted and given back at
 * every level, refusals that leave nothing behind, and what a visitor may do.
 */
#include "mm/pagetable.h"

#include <string.h>

#include "machine/host/panics.h"
#include "mm/test_pool.h"
#include "mm/user_page.h"

static struct test_pool *t;
static struct pagetable tree;

static void open_tree(uint32_t pages)
{
	t = test_pool_open(pages);
	EXPECT(pagetable_init(&tree, &t->pool, false, 1));
}

static void sound(void)
{
	const char *why = pagetable_check(&tree);

	if (why != NULL) kpanic("walk", "%s", why);
	EXPECT(page_check(&t->pool) == NULL);
}

/* A page of its own for `va`, which may be used as `rights` say. */
static enum pagetable_answer map_page(uint64_t va, uint32_t rights)
{
	const paddr_t pa = user_page_alloc(&t->pool, 0, 2);
	if (pa == PADDR_NONE) return PAGETABLE_NO_MEMORY;
	const enum pagetable_answer answer =
		pagetable_map(&tree, va, pagetable_entry(&tree, pa, rights, 0), 0, 3);

	if (answer != PAGETABLE_DONE) user_page_drop(&t->pool, pa);
	return answer;
}

static void unmap_page(uint64_t va)
{
	struct tlb_batch batch;

	batch_begin(&batch, &tree);
	const uint64_t entry = pagetable_clear(&tree, va, &batch);
	EXPECT(entry != 0);
	batch_user(&batch, entry_address(entry));
	batch_end(&batch);
}

static void close_tree(uint32_t pages)
{
	pagetable_close(&tree);
	EXPECT(test_pool_free_pages(t) == pages);
	EXPECT(page_check(&t->pool) == NULL);
	free(t);
}

static void a_page_comes_and_goes(void)
{
	static const uint64_t places[] = { 0,
					   PAGE_SIZE,
					   0x1ff000,
					   0x200000,
					   0x3fffffff000,
					   0x400000000000,
					   USER_END - PAGE_SIZE };
	unsigned level;

	open_tree(64);
	for (unsigned i = 0; i < COUNT_OF(places); i++) {
		EXPECT(pagetable_lookup(&tree, places[i], &level) == 0);
		EXPECT(map_page(places[i], PROT_READ | PROT_WRITE) == PAGETABLE_DONE);
		EXPECT(map_page(places[i], PROT_READ) == PAGETABLE_TAKEN);
		EXPECT(pagetable_lookup(&tree, places[i], &level) != 0 && level == 3);
		sound();
	}
	EXPECT(tree.leaves == COUNT_OF(places));
	for (unsigned i = 0; i < COUNT_OF(places); i++) {
		unmap_page(places[i]);
		EXPECT(pagetable_lookup(&tree, places[i], NULL) == 0);
		sound();
	}
	EXPECT(tree.leaves == 0 && tree.tables == 1);
	close_tree(64);
}

/* Each level's table goes when its last entry does, and not before. */
static void tables_go_level_by_level(void)
{
	const uint64_t near = 0, page = PAGE_SIZE, mega = 2ull << 20, giga = 1ull << 30;

	open_tree(64);
	EXPECT(map_page(near, PROT_READ) == PAGETABLE_DONE && tree.tables == 4);
	EXPECT(map_page(near + page, PROT_READ) == PAGETABLE_DONE && tree.tables == 4);
	EXPECT(map_page(near + mega, PROT_READ) == PAGETABLE_DONE && tree.tables == 5);
	EXPECT(map_page(near + giga, PROT_READ) == PAGETABLE_DONE && tree.tables == 7);
	EXPECT(map_page(near + (giga << 9), PROT_READ) == PAGETABLE_DONE && tree.tables == 10);
	sound();
	unmap_page(near);
	EXPECT(tree.tables == 10);
	unmap_page(near + page);
	EXPECT(tree.tables == 9);
	unmap_page(near + mega);
	EXPECT(tree.tables == 7);
	sound();
	unmap_page(near + giga);
	EXPECT(tree.tables == 4);
	unmap_page(near + (giga << 9));
	EXPECT(tree.tables == 1);
	close_tree(64);
}

/* With room for none, one, two and three more pages: either all is there or nothing has changed. */
static void a_refusal_leaves_nothing(void)
{
	for (uint32_t room = 0; room <= 4; room++) {
		open_tree(2 + room);
		const paddr_t pa = user_page_alloc(&t->pool, 0, 1);
		const uint64_t before = page_hash(&t->pool);
		const enum pagetable_answer answer =
			pagetable_map(&tree, 0x123456000, pagetable_entry(&tree, pa, PROT_READ, 0),
				      0, 1);

		EXPECT(answer == (room >= 3 ? PAGETABLE_DONE : PAGETABLE_NO_MEMORY));
		sound();
		if (answer == PAGETABLE_DONE) {
			EXPECT(test_pool_free_pages(t) == room - 3);
			unmap_page(0x123456000);
		} else {
			EXPECT(page_hash(&t->pool) == before);
			EXPECT(pagetable_prepare(&tree, 0x123456000, 0, 1) == PAGETABLE_NO_MEMORY);
			EXPECT(page_hash(&t->pool) == before && tree.tables == 1);
			user_page_drop(&t->pool, pa);
		}
		close_tree(2 + room);
	}
}

static void prepared_tables_wait_and_go(void)
{
	struct tlb_batch batch;

	open_tree(16);
	EXPECT(pagetable_prepare(&tree, 0x40000000, 0, 1) == PAGETABLE_DONE);
	EXPECT(tree.tables == 4 && tree.prepared == 1);
	sound();
	EXPECT(pagetable_prepare(&tree, 0x40001000, 0, 1) == PAGETABLE_DONE && tree.tables == 4);
	EXPECT(map_page(0x40000000, PROT_READ) == PAGETABLE_DONE && tree.prepared == 0);
	unmap_page(0x40000000);
	EXPECT(tree.tables == 1);
	EXPECT(pagetable_prepare(&tree, 0x40000000, 0, 1) == PAGETABLE_DONE);
	batch_begin(&batch, &tree);
	EXPECT(pagetable_clear(&tree, 0x40003000, &batch) == 0);
	batch_end(&batch);
	EXPECT(tree.tables == 1 && tree.prepared == 0);
	EXPECT(pagetable_prepare(&tree, 0x40000000, 0, 1) == PAGETABLE_DONE);
	EXPECT(pagetable_prepare(&tree, USER_END - PAGE_SIZE, 0, 1) == PAGETABLE_DONE);
	sound();
	close_tree(16);
}

static void rights_are_what_was_asked_for(void)
{
	open_tree(16);
	const paddr_t pa = 0x40003000;
	const uint64_t none = pagetable_entry(&tree, pa, PROT_NONE, ENTRY_DIRTY);
	const uint64_t read = pagetable_entry(&tree, pa, PROT_READ, 0);
	const uint64_t write = pagetable_entry(&tree, pa, PROT_WRITE, 0);
	const uint64_t exec = pagetable_entry(&tree, pa, PROT_EXEC, 0);

	EXPECT(none == (pa | ENTRY_HELD | ENTRY_DIRTY));
	EXPECT((read & ENTRY_READ_ONLY) != 0 && (read & ENTRY_NOT_USER_EXEC) != 0);
	EXPECT((write & (ENTRY_READ_ONLY | ENTRY_DIRTY)) == ENTRY_DIRTY);
	EXPECT((exec & ENTRY_NOT_USER_EXEC) == 0 && (exec & ENTRY_NOT_KERNEL_EXEC) != 0);
	EXPECT((read & write & exec & ENTRY_USER & ~(uint64_t)0) != 0);
	EXPECT((read & ENTRY_NOT_GLOBAL) != 0 && (read & ENTRY_ACCESSED) != 0);
	close_tree(16);

	struct pagetable kernel;
	t = test_pool_open(16);
	EXPECT(pagetable_init(&kernel, &t->pool, true, 1));
	const uint64_t text = pagetable_entry(&kernel, pa, PROT_READ | PROT_EXEC, 0);
	const uint64_t data = pagetable_entry(&kernel, pa, PROT_READ | PROT_WRITE, 0);
	EXPECT((text & ENTRY_NOT_KERNEL_EXEC) == 0 && (text & ENTRY_READ_ONLY) != 0);
	EXPECT((data & ENTRY_NOT_KERNEL_EXEC) != 0 && (data & ENTRY_READ_ONLY) == 0);
	EXPECT((text & data & ENTRY_NOT_USER_EXEC) != 0);
	EXPECT(((text | data) & (ENTRY_USER | ENTRY_NOT_GLOBAL)) == 0);
	pagetable_close(&kernel);
	free(t);
}

static void change_gives_rights_flags_and_frames(void)
{
	struct tlb_batch batch;

	open_tree(16);
	EXPECT(map_page(0x5000, PROT_READ | PROT_WRITE) == PAGETABLE_DONE);
	const paddr_t pa = entry_address(pagetable_lookup(&tree, 0x5000, NULL));
	const paddr_t other = user_page_alloc(&t->pool, 0, 1);

	batch_begin(&batch, &tree);
	pagetable_change(&tree, 0x5000, pagetable_entry(&tree, pa, PROT_NONE, 0), &batch);
	EXPECT(batch.pages == 1);
	pagetable_change(&tree, 0x5000, pagetable_entry(&tree, pa, PROT_READ, 0), &batch);
	EXPECT(batch.pages == 1);
	pagetable_change(&tree, 0x5000, pagetable_entry(&tree, other, PROT_READ, 0), &batch);
	EXPECT(batch.pages == 0); /* forgotten at once */
	batch_user(&batch, pa);
	pagetable_change(&tree, 0x5000, pagetable_entry(&tree, other, PROT_READ, ENTRY_DIRTY),
			 &batch);
	EXPECT(batch.pages == 0); /* nothing a CPU can see */
	batch_end(&batch);
	EXPECT(entry_address(pagetable_lookup(&tree, 0x5000, NULL)) == other);
	sound();
	unmap_page(0x5000);
	close_tree(16);
}

/* --- visitors --- */

struct seen {
	uint32_t count, stop_after;
	uint64_t last;
	struct tlb_batch *batch; /* clears what it sees */
};

static bool see(void *context, uint64_t va, uint64_t entry)
{
	struct seen *s = context;

	EXPECT(s->count == 0 || va > s->last);
	s->last = va;
	s->count++;
	if (s->batch != NULL) {
		EXPECT(pagetable_clear(&tree, va, s->batch) == entry);
		batch_user(s->batch, entry_address(entry));
	}
	return s->count != s->stop_after;
}

static void visitors_see_each_entry_once(void)
{
	static const uint64_t places[] = {
		0x1000, 0x2000, 0x1ff000, 0x200000, 0x40000000, 0x8000000000, USER_END - PAGE_SIZE
	};
	struct tlb_batch batch;
	struct seen s = { 0 };

	open_tree(64);
	EXPECT(pagetable_visit(&tree, 0, USER_END, see, &s) && s.count == 0);
	for (unsigned i = 0; i < COUNT_OF(places); i++)
		EXPECT(map_page(places[i], PROT_READ) == PAGETABLE_DONE);
	EXPECT(pagetable_visit(&tree, 0, USER_END, see, &s) && s.count == COUNT_OF(places));
	s = (struct seen){ 0 };
	EXPECT(pagetable_visit(&tree, 0x2000, 0x200000, see, &s) && s.count == 2);
	s = (struct seen){ 0 };
	EXPECT(pagetable_visit(&tree, 0x2000, 0x2000, see, &s) && s.count == 0);
	s = (struct seen){ .stop_after = 3 };
	EXPECT(!pagetable_visit(&tree, 0, USER_END, see, &s) && s.last == 0x1ff000);
	EXPECT(pagetable_age(&tree, 0, USER_END) == COUNT_OF(places));
	EXPECT(pagetable_age(&tree, 0, USER_END) == 0);
	sound();
	batch_begin(&batch, &tree);
	s = (struct seen){ .batch = &batch };
	EXPECT(pagetable_visit(&tree, 0, USER_END, see, &s) && s.count == COUNT_OF(places));
	batch_end(&batch);
	EXPECT(tree.leaves == 0 && tree.tables == 1);
	close_tree(64);
}

/* More pages and frames than a batch has room for. */
static void a_full_batch_goes_on(void)
{
	enum { MANY = 150 };
	struct tlb_batch batch;
	struct seen s = { .batch = &batch };

	open_tree(200);
	for (uint64_t i = 0; i < MANY; i++)
		EXPECT(map_page(i * PAGE_SIZE, PROT_READ | PROT_WRITE) == PAGETABLE_DONE);
	EXPECT(test_pool_free_pages(t) == 200 - 4 - MANY);
	batch_begin(&batch, &tree);
	EXPECT(pagetable_visit(&tree, 0, USER_END, see, &s) && s.count == MANY);
	EXPECT(test_pool_free_pages(t) >= 200 - 4 - MANY + TLB_BATCH_PAGES);
	batch_end(&batch);
	close_tree(200);
}

/* The kernel's map as boot makes it: a root and a block that are not ours. */
static void an_adopted_map_keeps_its_own(void)
{
	static uint64_t *root, *below;
	const uint64_t window = 0xffffc00000000000;
	struct tlb_batch batch;
	unsigned level;

	t = test_pool_open(64);
	/* Tables beyond the pool's pages, though in RAM. */
	root = mach_phys(t->pool.base + 64 * PAGE_SIZE);
	below = mach_phys(t->pool.base + 65 * PAGE_SIZE);
	mach_unpoison(root, 2 * PAGE_SIZE);
	memset(root, 0, 2 * PAGE_SIZE);
	root[256] = mach_pa(below) | ENTRY_VALID | ENTRY_TABLE;
	below[1] = 0x40000000 | ENTRY_VALID | ENTRY_NORMAL | ENTRY_ACCESSED;

	pagetable_adopt(&tree, &t->pool, mach_pa(root));
	EXPECT(pagetable_lookup(&tree, 0xffff800040001000, &level) == below[1] && level == 1);
	EXPECT(pagetable_prepare(&tree, 0xffff800040001000, 0, 1) == PAGETABLE_BLOCK);
	const uint64_t entry = pagetable_entry(&tree, 0x40002000, PROT_READ | PROT_WRITE, 0);
	EXPECT(pagetable_map(&tree, 0xffff800040001000, entry, 0, 1) == PAGETABLE_BLOCK);
	EXPECT(pagetable_map(&tree, window, entry, 0, 1) == PAGETABLE_DONE);
	EXPECT(tree.tables == 3 && tree.leaves == 1);
	sound();
	batch_begin(&batch, &tree);
	EXPECT(pagetable_clear(&tree, window, &batch) == entry);
	batch_end(&batch);
	EXPECT(tree.tables == 0 && tree.leaves == 0 && root[256] != 0 && root[384] == 0);
	sound();
	EXPECT(test_pool_free_pages(t) == 64);
	free(t);
}

/* --- what is no world's limit --- */

static void drop_twice(void *arg)
{
	(void)arg;
	const paddr_t pa = user_page_alloc(&t->pool, 0, 1);

	user_page_hold(&t->pool, pa);
	EXPECT(user_page_references(&t->pool, pa) == 2);
	EXPECT(!user_page_drop(&t->pool, pa));
	EXPECT(user_page_drop(&t->pool, pa));
	user_page_drop(&t->pool, pa);
}

static void hold_what_is_gone(void *arg)
{
	(void)arg;
	const paddr_t pa = user_page_alloc(&t->pool, 0, 1);

	user_page_drop(&t->pool, pa);
	user_page_hold(&t->pool, pa);
}

static void close_with_entries(void *arg)
{
	(void)arg;
	EXPECT(map_page(0x1000, PROT_READ) == PAGETABLE_DONE);
	pagetable_close(&tree);
}

static void kernel_writes_and_executes(void *arg)
{
	struct pagetable kernel;

	(void)arg;
	EXPECT(pagetable_init(&kernel, &t->pool, true, 1));
	const uint64_t entry = pagetable_entry(&kernel, 0x40000000, PROT_WRITE | PROT_EXEC, 0);
	pagetable_map(&kernel, KERNEL_START, entry, 0, 1);
}

static void two_batches(void *arg)
{
	struct tlb_batch one, two;

	(void)arg;
	batch_begin(&one, &tree);
	batch_begin(&two, &tree);
}

static void our_bugs_end_in_panics(void)
{
	host_cpus_open(1);
	open_tree(32);
	expect_panic(0, drop_twice, NULL, "double-free", "drop_twice");
	expect_panic(0, hold_what_is_gone, NULL, "double-free", "hold_what_is_gone");
	expect_panic(0, close_with_entries, NULL, "assert", "close_with_entries");
	expect_panic(0, kernel_writes_and_executes, NULL, "assert", "kernel_writes_and_executes");
	expect_panic(0, two_batches, NULL, "assert", "two_batches");
	host_cpus_close();
	free(t);
}

int main(void)
{
	a_page_comes_and_goes();
	tables_go_level_by_level();
	a_refusal_leaves_nothing();
	prepared_tables_wait_and_go();
	rights_are_what_was_asked_for();
	change_gives_rights_flags_and_frames();
	visitors_see_each_entry_once();
	a_full_batch_goes_on();
	an_adopted_map_keeps_its_own();
	our_bugs_end_in_panics();
	return 0;
}
