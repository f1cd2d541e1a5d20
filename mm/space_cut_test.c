/*
 * space_cut_test.c -- what a backing lost is lost to everybody who has it mapped: at all their
 * places, in the middle of a fork, between the cut and the news of it; and nothing else is.
 */
#include "mm/test_space.h"

enum { RW = PROT_READ | PROT_WRITE };

static bool fill(void *context, uint64_t index, void *page)
{
	(void)context;
	memset(page, (int)(0x30 + index), PAGE_SIZE);
	return true;
}

static struct backing *file_open(uint64_t pages)
{
	const struct backing_source source = { .fill = fill };
	struct backing *b = backing_create(tv->vm.backings, &source, pages, SITE);

	EXPECT(b != NULL);
	return b;
}

static void shorten(struct backing *b, uint64_t pages)
{
	EXPECT(backing_resize(b, pages, SITE));
	vm_unmap(&tv->vm, b, pages, UINT64_MAX, PADDR_NONE);
}

static bool beyond(struct space *s, uint64_t va)
{
	return entry_at(s, va) == 0 && space_fault(s, va, MACH_LOAD) == FAULT_BEYOND;
}

/* Shared, private with and without copies, at two places of one space; another file beside it. */
static void everywhere(void)
{
	enum { COPY = 0x10000, PART = 0x20000, BESIDE = 0x30000 };

	vm_open(128);
	struct space *s = space_create(&tv->vm, SITE), *t = space_create(&tv->vm, SITE);
	struct space *empty = space_create(&tv->vm, SITE);
	struct backing *b = file_open(8), *beside = file_open(8);
	put(s, AT, 8, RW, REGION_SHARED, b);
	put(s, AT + COPY, 8, RW, 0, b);
	put(t, AT + PART, 2, PROT_READ, REGION_SHARED, b)->offset = 2;
	put(t, AT + BESIDE, 8, RW, REGION_SHARED, beside);
	for (uint64_t i = 0; i < 8; i++) {
		set_byte(s, AT + i * PAGE_SIZE, 0x77);
		set_byte(t, AT + BESIDE + i * PAGE_SIZE, 0x66);
		EXPECT(byte_at(s, AT + COPY + i * PAGE_SIZE) == 0x77);
	}
	EXPECT(byte_at(t, AT + PART) == 0x77 && byte_at(t, AT + PART + PAGE_SIZE) == 0x77);
	set_byte(s, AT + COPY + PAGE_SIZE, 1);
	set_byte(s, AT + COPY + 5 * PAGE_SIZE, 5);
	SOUND(s, t, empty);

	shorten(b, 3);
	SOUND(s, t, empty);
	for (uint64_t i = 3; i < 8; i++)
		EXPECT(beyond(s, AT + i * PAGE_SIZE) && beyond(s, AT + COPY + i * PAGE_SIZE));
	EXPECT(beyond(t, AT + PART + PAGE_SIZE) && byte_at(t, AT + PART) == 0x77);
	EXPECT(byte_at(s, AT + COPY + PAGE_SIZE) == 1 && byte_at(s, AT + 2 * PAGE_SIZE) == 0x77);
	EXPECT(byte_at(t, AT + BESIDE + 7 * PAGE_SIZE) == 0x66 && b->row.count == 3);

	EXPECT(backing_resize(b, 8, SITE)); /* and comes back as it is filled */
	EXPECT(byte_at(s, AT + 5 * PAGE_SIZE) == 0x35 &&
	       byte_at(s, AT + COPY + 5 * PAGE_SIZE) == 0x35);
	shorten(b, 0);
	EXPECT(beyond(s, AT) && beyond(s, AT + COPY) && beyond(t, AT + PART));
	SOUND(s, t, empty);
	backing_drop(b);
	backing_drop(beside);
	RETIRE(s, t, empty);
	vm_shut();
}

/* A child copies what its parent is about to lose, and is found by nobody yet. */
static void while_forking(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct backing *b = file_open(4);
	put(s, AT, 4, RW, 0, b);
	for (uint64_t i = 0; i < 4; i++) set_byte(s, AT + i * PAGE_SIZE, (uint8_t)i);

	EXPECT(backing_resize(b, 2, SITE));
	struct space *child = space_clone(s, SITE);
	EXPECT(entry_at(s, AT + 2 * PAGE_SIZE) != 0 && entry_at(child, AT + 2 * PAGE_SIZE) == 0);
	EXPECT(byte_at(child, AT + PAGE_SIZE) == 1 && beyond(child, AT + 3 * PAGE_SIZE));
	vm_unmap(&tv->vm, b, 2, UINT64_MAX, PADDR_NONE);
	EXPECT(beyond(s, AT + 2 * PAGE_SIZE) && byte_at(s, AT) == 0);
	SOUND(s, child);
	backing_drop(b);
	RETIRE(s, child);
	vm_shut();
}

/* Between the cut and the news of it the old page is there to be read, but is not made writable:
 * who wants to write finds what the backing says now. */
static void before_the_news(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct backing *b = file_open(4);
	put(s, AT, 4, RW, REGION_SHARED, b);
	for (uint64_t i = 0; i < 4; i++) EXPECT(byte_at(s, AT + i * PAGE_SIZE) == 0x30 + i);

	EXPECT(backing_resize(b, 2, SITE) && entry_at(s, AT + 2 * PAGE_SIZE) != 0);
	EXPECT(space_fault(s, AT + 2 * PAGE_SIZE, MACH_STORE) == FAULT_BEYOND);
	EXPECT(entry_at(s, AT + 2 * PAGE_SIZE) == 0);
	EXPECT(backing_resize(b, 4, SITE) && entry_at(s, AT + 3 * PAGE_SIZE) != 0);
	EXPECT(space_fault(s, AT + 3 * PAGE_SIZE, MACH_STORE) == FAULT_DONE);
	EXPECT(entry_at(s, AT + 3 * PAGE_SIZE) == 0);
	set_byte(s, AT + 3 * PAGE_SIZE, 9);
	EXPECT(byte_at(s, AT + 3 * PAGE_SIZE) == 9 && byte_at(s, AT + 3 * PAGE_SIZE + 1) == 0x33);
	SOUND(s);
	backing_drop(b);
	RETIRE(s);
	vm_shut();
}

/* One page is taken out: who has that page loses it, who has a copy keeps that. */
static void one_page(void)
{
	enum { COPY = 0x10000 };

	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct backing *b = backing_create(tv->vm.backings, NULL, 4, SITE);
	put(s, AT, 4, RW, REGION_SHARED, b);
	put(s, AT + COPY, 4, RW, 0, b);
	for (uint64_t i = 0; i < 4; i++) set_byte(s, AT + i * PAGE_SIZE, 7);
	set_byte(s, AT + COPY + PAGE_SIZE, 8);
	EXPECT(byte_at(s, AT + COPY + 2 * PAGE_SIZE) == 7);

	for (uint64_t i = 1; i < 3; i++) {
		const paddr_t pa = backing_punch(b, i);
		EXPECT(pa != PADDR_NONE && !backing_has(b, i));
		vm_unmap(&tv->vm, b, i, i + 1, pa);
		EXPECT(user_page_references(&tv->pool, pa) == 1);
		user_page_drop(&tv->pool, pa);
		EXPECT(backing_punch(b, i) == PADDR_NONE);
	}
	EXPECT(backing_punch(b, 4) == PADDR_NONE && b->row.count == 2);
	EXPECT(entry_at(s, AT + PAGE_SIZE) == 0 && byte_at(s, AT + COPY + PAGE_SIZE) == 8);
	EXPECT(entry_at(s, AT + COPY + 2 * PAGE_SIZE) == 0);
	EXPECT(byte_at(s, AT + PAGE_SIZE) == 0 && byte_at(s, AT + COPY + 2 * PAGE_SIZE) == 0);
	EXPECT(byte_at(s, AT + 3 * PAGE_SIZE) == 7);
	SOUND(s);
	backing_drop(b);
	RETIRE(s);
	vm_shut();
}

/* Who is retired is not looked at, and who is held meanwhile goes with the last hold. */
static void who_is_asked(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE), *t = space_create(&tv->vm, SITE);
	struct backing *b = file_open(4);
	put(s, AT, 4, RW, REGION_SHARED, b);
	put(t, AT, 4, RW, REGION_SHARED, b);
	EXPECT(byte_at(s, AT) == 0x30 && byte_at(t, AT) == 0x30);
	RETIRE(s);
	shorten(b, 0);
	EXPECT(beyond(t, AT) && s->resident == 1 && tv->vm.first == t && tv->vm.last == t);
	vm_reclaim(&tv->vm, SIZE_MAX);
	SOUND(t);
	backing_drop(b);
	RETIRE(t);
	EXPECT(tv->vm.first == NULL && tv->vm.last == NULL);
	vm_shut();
}

int main(void)
{
	everywhere();
	while_forking();
	before_the_news();
	one_page();
	who_is_asked();
	return 0;
}
