/*
 * space_limit_test.c -- what limits refuse, by example; and files that are had in some ways only.
 */
#include "mm/test_space.h"

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static int64_t map(struct space *s, uint64_t pages, uint32_t prot, uint32_t flags)
{
	return space_mmap(s, 0, pages * PAGE_SIZE, prot, flags, NULL, 0, SITE);
}

static void data(void)
{
	const struct space_limits ten = { .data_pages = 10, .stack_bytes = SPACE_STACK_BYTES };

	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	space_brk_place(s, 0x1000000);
	space_limits_set(s, 0, &ten);
	EXPECT(map(s, 11, RW, ANON) == -ERR_NOMEM);
	EXPECT(map(s, 11, PROT_READ, ANON) > 0); /* not to be written: no data */
	EXPECT(map(s, 11, RW, MAP_SHARED | MAP_ANONYMOUS) > 0);
	const int64_t four = map(s, 4, RW, ANON);
	EXPECT(four > 0);
	EXPECT(space_brk(s, 0x1000000 + 7 * PAGE_SIZE) == 0x1000000);
	EXPECT(space_brk(s, 0x1000000 + 6 * PAGE_SIZE) == 0x1000000 + 6 * PAGE_SIZE);
	EXPECT(map(s, 1, RW, ANON) == -ERR_NOMEM);
	/* what is replaced makes room, and what is there can be had again */
	EXPECT(space_mmap(s, (uint64_t)four, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0, SITE) ==
	       four);
	EXPECT(space_mprotect(s, (uint64_t)four, PAGE_SIZE, PROT_READ) == 0);
	const int64_t read = map(s, 2, PROT_READ, ANON);
	EXPECT(read > 0 && space_mprotect(s, (uint64_t)read, 2 * PAGE_SIZE, RW) == -ERR_NOMEM);
	EXPECT(space_mprotect(s, (uint64_t)four, PAGE_SIZE, RW) == 0);
	EXPECT(space_mremap(s, (uint64_t)four, 4 * PAGE_SIZE, 5 * PAGE_SIZE, MREMAP_MAYMOVE, 0) ==
	       -ERR_NOMEM);
	struct space *child = space_clone(s, SITE);
	EXPECT(map(child, 1, RW, ANON) == -ERR_NOMEM);
	EXPECT(space_munmap(s, (uint64_t)four, PAGE_SIZE) == 0 && map(s, 1, RW, ANON) > 0);
	SOUND(s, child);
	RETIRE(s, child);
	vm_shut();
}

static void all_pages_and_stacks(void)
{
	const struct space_limits small = { .data_pages = UINT64_MAX,
					    .stack_bytes = 4 * PAGE_SIZE };

	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, 0x8000000, 1, RW, REGION_GROWS, NULL);
	space_limits_set(s, 6, &small);
	EXPECT(space_fault(s, 0x8000000 - 4 * PAGE_SIZE, MACH_STORE) == FAULT_NOT_MAPPED);
	EXPECT(space_fault(s, 0x8000000 - 3 * PAGE_SIZE, MACH_STORE) == FAULT_DONE);
	EXPECT(map(s, 3, RW, ANON) == -ERR_NOMEM && map(s, 2, PROT_NONE, ANON) > 0);
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

static int64_t map_file(struct space *s, const struct space_file *file, uint32_t prot,
			uint32_t flags)
{
	return space_mmap_file(s, 0, PAGE_SIZE, prot, flags, file, 0, SITE);
}

static void files(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	struct backing *b = backing_create(tv->vm.backings, NULL, 2, SITE);
	const struct space_file none = { .error = -ERR_ACCES };
	const struct space_file reads = { .backing = b, .rights_max = PROT_READ | PROT_EXEC };
	EXPECT(map_file(s, &none, PROT_READ, MAP_PRIVATE) == -ERR_ACCES);
	EXPECT(map_file(s, &none, PROT_READ, 0) == -ERR_INVAL);
	EXPECT(map_file(s, &none, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN) == -ERR_ACCES);
	EXPECT(space_mmap_file(s, 0, 0, PROT_READ, MAP_PRIVATE, &none, 0, SITE) == -ERR_INVAL);
	EXPECT(space_mmap_file(s, 0, USER_END, PROT_READ, MAP_PRIVATE, &none, 0, SITE) ==
	       -ERR_NOMEM);
	const int64_t at = map_file(s, &reads, PROT_READ, MAP_SHARED);
	EXPECT(at > 0 && space_mprotect(s, (uint64_t)at, PAGE_SIZE, RW) == -ERR_ACCES);
	EXPECT(space_mprotect(s, (uint64_t)at, PAGE_SIZE, PROT_NONE) == 0);
	backing_drop(b);
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

int main(void)
{
	data();
	all_pages_and_stacks();
	files();
	return 0;
}
