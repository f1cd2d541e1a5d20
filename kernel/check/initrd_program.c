/*
 * initrd_program.c -- checks of the initrd's pages in users' spaces: mapped privately, read,
 * written to, given back.  initrd_test.sh makes the initrd: 8-byte words that count from 0, and a
 * few bytes more than whole pages.
 */
#include "kernel/console.h"
#include "kernel/initrd.h"
#include "kernel/kmem.h"
#include "kernel/ktap.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/vm.h"

enum { PAGES = 3, TAIL = 40, OFFSET = 16 };

static struct space *space;
static uint64_t mapped; /* all of the initrd but its first words, privately */

static uint64_t word_at(uint64_t va)
{
	uint64_t value = UINT64_MAX;
	return kspace_load(space, va, &value) == FAULT_DONE ? value : UINT64_MAX;
}

static const char *check_size(void)
{
	return initrd_bytes() == PAGES * PAGE_SIZE + TAIL ? NULL : "its size";
}

static const char *check_refused(void)
{
	const uint64_t all = initrd_bytes();
	if (initrd_backing(0, 0) != NULL) return "nothing at all";
	if (initrd_backing(0, all + 1) != NULL) return "a byte too many";
	if (initrd_backing(all, 1) != NULL) return "behind the end";
	if (initrd_backing(UINT64_MAX, 2) != NULL) return "a range that wraps";
	return NULL;
}

static const char *map_it(void)
{
	struct backing *b = initrd_backing(OFFSET, initrd_bytes() - OFFSET);
	space = kspace_create();
	if (b == NULL || space == NULL) return "no memory";
	const int64_t at = space_mmap(space, 0, (PAGES + 2) * PAGE_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE, b, 0, SITE_NONE);
	backing_drop(b); /* the region has it */
	if (at < 0) return "mmap";
	mapped = (uint64_t)at;
	space_switch(&kernel_vm, space);
	return NULL;
}

static const char *check_contents(void)
{
	for (uint64_t at = 0; at < PAGES * PAGE_SIZE + TAIL - OFFSET; at += 8)
		if (word_at(mapped + at) != (OFFSET + at) / 8) return "a word is another";
	return NULL;
}

static const char *check_ends(void)
{
	uint64_t value;
	const uint64_t end = PAGES * PAGE_SIZE + TAIL - OFFSET;
	for (uint64_t at = end; at % PAGE_SIZE != 0; at += 8)
		if (word_at(mapped + at) != 0) return "not zeroes behind the end";
	return kspace_load(space, mapped + align_up(end, PAGE_SIZE), &value) == FAULT_BEYOND
		       ? NULL
		       : "pages behind the end";
}

/* A write is the space's own, and survives that all clean pages are given back. */
static const char *check_writes(void)
{
	if (kspace_store(space, mapped + 8, 4711) != FAULT_DONE) return "a write";
	struct backing *again = initrd_backing(OFFSET, PAGE_SIZE);
	if (again == NULL) return "no memory";
	const int64_t at =
		space_mmap(space, 0, PAGE_SIZE, PROT_READ, MAP_PRIVATE, again, 0, SITE_NONE);
	backing_drop(again);
	if (at < 0 || word_at((uint64_t)at + 8) != OFFSET / 8 + 1) return "the initrd was changed";
	vm_reclaim(&kernel_vm, SIZE_MAX);
	if (word_at(mapped + 8) != 4711) return "what was written is gone";
	return word_at(mapped + 16) == OFFSET / 8 + 2 ? NULL : "what was beside it is gone";
}

static const char *give_back(void)
{
	struct vm_counts counts;
	space_switch(&kernel_vm, NULL);
	space_retire(space);
	vm_reclaim(&kernel_vm, SIZE_MAX);
	vm_count(&kernel_vm, &counts);
	return counts.spaces == 0 && counts.backings == 0 && counts.backing_pages == 0
		       ? NULL
		       : "spaces or backings are left";
}

static const struct ktap_check checks[] = {
	{ "initrd: its size", check_size },
	{ "initrd: parts that are not there are refused", check_refused },
	{ "initrd: mapped privately", map_it },
	{ "initrd: its words", check_contents },
	{ "initrd: behind its end", check_ends },
	{ "initrd: written to", check_writes },
	{ "initrd: everything is back", give_back },
};

int program_main(void)
{
	return ktap_run(checks, COUNT_OF(checks)) == 0 ? STATUS_OK : STATUS_FINDING;
}
