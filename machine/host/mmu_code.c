/*
 * mmu_code.c -- the rule about instructions: made visible (mach_code_sync) before they can be
 * fetched.
 *
 * A CPU fetches through caches that do not look at stores.  So when an entry begins to allow
 * fetches from a page, the page must be as it was when it was last made visible.  Who wrote to it
 * meanwhile, and by which address, is nothing that could be watched here; that it was written to
 * shows in its contents.  So the sum of a page is taken when it is made visible and compared when
 * an entry begins to allow fetches: a write in between is seen, unless it changed nothing.
 *
 * What a user writes by its own mappings is its own affair: a program that makes instructions makes
 * them visible itself.  From its first store on, a page is no longer looked at.
 *
 * Entries are looked at without their level: tables have none of a page's attributes.  Blocks are
 * the kernel's own, made at boot, and left alone.
 *
 * Always true: a sum is of this run when its page's `run` is the present one.
 * Locks: none.  Cost: nothing for entries that allow no fetch, else 150 ns.
 */
#include "machine/host/mmu_code.h"

#include <sys/mman.h>

#include "machine/host/arena.h"
#include "machine/host/console.h"
#include "machine/machine.h"

struct page_sum {
	uint64_t sum;
	uint32_t run;
	uint32_t own; /* a user has written to it since: not zero */
};

static struct page_sum *sums;
static size_t pages;
static uint32_t run = 1;

void mmu_code_open(size_t count)
{
	if (sums != NULL) munmap(sums, pages * sizeof(*sums));
	pages = count;
	sums = mmap(NULL, pages * sizeof(*sums), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sums == MAP_FAILED) host_die("host: no address space for sums of %zu pages", pages);
}

void mmu_code_reset(void)
{
	run++;
}

static struct page_sum *sum_at(paddr_t at)
{
	const uint64_t page = (at - HOST_RAM_BASE) >> PAGE_SHIFT;
	return page < pages ? &sums[page] : NULL;
}

/* Four sums side by side, each with one that weighs the words by their place. */
static uint64_t page_sum(paddr_t at)
{
	const uint8_t *page = (const uint8_t *)host_arena_base() + (at - HOST_RAM_BASE);
	const uint64_t *word = (const uint64_t *)(const void *)page;
	uint64_t plain[4] = { 1, 2, 3, 4 }, weighed[4] = { 0 }, sum = 0;
	for (size_t i = 0; i < PAGE_SIZE / sizeof(*word); i += 4) {
		for (unsigned lane = 0; lane < 4; lane++) {
			plain[lane] += word[i + lane];
			weighed[lane] += plain[lane];
		}
	}
	for (unsigned lane = 0; lane < 4; lane++)
		sum = (sum ^ plain[lane] ^ weighed[lane] << 1) * 0x9e3779b97f4a7c15u;
	return sum;
}

void mmu_code_sync(paddr_t at, size_t bytes)
{
	if (bytes == 0) return;
	const paddr_t end = align_up(at + bytes, PAGE_SIZE);
	for (paddr_t page = align_down(at, PAGE_SIZE); page < end; page += PAGE_SIZE) {
		struct page_sum *s = sum_at(page);
		if (s != NULL) *s = (struct page_sum){ .sum = page_sum(page), .run = run };
	}
}

void mmu_code_user_wrote(const void *page)
{
	struct page_sum *s = sum_at(mach_pa(page));
	if (s != NULL) s->own = 1;
}

void mmu_code_freed(paddr_t at)
{
	struct page_sum *s = sum_at(at);
	if (s != NULL) s->run = 0;
}

static bool allows_fetch(uint64_t entry)
{
	const uint64_t page = ENTRY_VALID | ENTRY_TABLE;
	const uint64_t attributes = ENTRY_NORMAL | ENTRY_SHARED | ENTRY_ACCESSED;
	const uint64_t never = ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC;
	return (entry & page) == page && (entry & attributes) != 0 && (entry & never) != never;
}

const char *mmu_code_fault(uint64_t was, uint64_t now)
{
	if (LIKELY(!allows_fetch(now))) return NULL;
	if (allows_fetch(was) && entry_address(was) == entry_address(now)) return NULL;
	const struct page_sum *s = sum_at(entry_address(now));
	if (s == NULL) return NULL;
	if (s->run != run) return "was never made visible to fetches";
	if (s->own == 0 && s->sum != page_sum(entry_address(now)))
		return "was written to since it was made visible";
	return NULL;
}
