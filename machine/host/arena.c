/*
 * arena.c -- physical memory on the host.
 *
 * One mapping, at a fixed address where the host lets us, is all of RAM.  Its physical addresses
 * start at HOST_RAM_BASE, as on the board, and so never look like the pointers: code that uses
 * one for the other crashes here on the first day.  Both are aligned alike up to 4 MiB, so a block
 * that is aligned as a page is aligned as memory.
 *
 * Poison goes to AddressSanitizer when the program has it, by its shadow memory: one byte for
 * eight, 0 accessible, 1 to 7 the first so many bytes accessible, negative not.  For the arena we
 * write the shadow ourselves (shadow.h): the run-time library's own call is ten times slower and
 * every kmalloc makes two.
 *
 * Back to new after every run: a page is dirty from the first time any byte of it is unpoisoned.
 * Marking is one byte store; the reset walks the marks and fills only dirty pages.
 *
 * Always true (host_arena_check looks at A1):
 *   A1  a page that is not dirty is full of HOST_JUNK_BYTE;
 *   A2  a page that is not dirty is poisoned;
 *   A3  pa - HOST_RAM_BASE = pointer - base, for every byte of the arena, and for no other.
 *
 * Without checks (CHECK_LEVEL 1) nobody marks pages, so there a reset fills all of them.
 *
 * Locks: none; the process has one thread.  Cost: poison and unpoison a few nanoseconds and one
 * shadow byte for eight; reset about 0.2 us for each dirty page.
 */
#include "machine/host/arena.h"

#include <string.h>
#include <sys/mman.h>

#include "machine/host/console.h"
#include "machine/host/mmu.h"
#include "machine/host/race.h"
#include "machine/host/shadow.h"
#include "machine/machine.h"

/* Free on x86-64 (with ASan: in its "high memory") and on AArch64 with 48-bit addresses. */
#define ARENA_WISH ((uintptr_t)0x200000000000)

struct arena {
	uint8_t *base;
	size_t bytes;
	uint8_t *dirty; /* one byte for each page: 1 when it was unpoisoned since the reset */
};

static struct arena arena;
uint64_t host_arena_bias;

static void *map_or_die(uintptr_t wish, size_t bytes)
{
	void *at = mmap((void *)wish, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED) host_die("host: no address space for %zu bytes of memory", bytes);
	return at;
}

void *host_map(size_t bytes)
{
	return map_or_die(0, bytes);
}

/* Aligned memory at the wished-for place, else wherever there is room. */
static uint8_t *map_aligned(size_t bytes)
{
	uint8_t *at = map_or_die(ARENA_WISH, bytes);
	if (is_aligned((uintptr_t)at, HOST_ARENA_ALIGN)) return at;
	munmap(at, bytes);
	at = map_or_die(0, bytes + HOST_ARENA_ALIGN);
	uint8_t *first = (uint8_t *)align_up((uintptr_t)at, HOST_ARENA_ALIGN);
	if (first != at) munmap(at, (size_t)(first - at));
	munmap(first + bytes, (size_t)(at + HOST_ARENA_ALIGN - first));
	return first;
}

/* Poison outlives munmap: whatever the host maps there next would seem to be nobody's. */
static void arena_close(void)
{
	if (arena.base == NULL) return;
	shadow_unpoison(arena.base, arena.bytes);
	munmap(arena.base, arena.bytes);
	munmap(arena.dirty, arena.bytes >> PAGE_SHIFT);
	arena = (struct arena){ .base = NULL };
}

/* From here on A1 and A2 hold for pages first to end - 1.  Filled with poison off: memset is the
 * library's, and ASan looks over its shoulder. */
static void pages_make_new(size_t first, size_t end)
{
	uint8_t *at = arena.base + (first << PAGE_SHIFT);
	const size_t bytes = (end - first) << PAGE_SHIFT;
	shadow_unpoison(at, bytes);
	memset(at, HOST_JUNK_BYTE, bytes);
	shadow_poison(at, bytes);
	memset(arena.dirty + first, 0, end - first);
}

void *host_arena_open(size_t bytes)
{
	ASSERT(bytes > 0 && is_aligned(bytes, PAGE_SIZE));
	arena_close();
	arena = (struct arena){
		.base = map_aligned(bytes),
		.bytes = bytes,
		.dirty = map_or_die(0, bytes >> PAGE_SHIFT),
	};
	host_mmu_arena();
	race_arena(arena.base, bytes);
	host_arena_bias = (uintptr_t)arena.base - HOST_RAM_BASE;
	pages_make_new(0, bytes >> PAGE_SHIFT);
	return arena.base;
}

void *host_arena_base(void)
{
	return arena.base;
}

size_t host_arena_bytes(void)
{
	return arena.bytes;
}

/* First dirty page from `page` on, or the number of pages.  Skips eight clean ones at a time. */
static size_t dirty_next(size_t page, size_t pages)
{
	while (page < pages && arena.dirty[page] == 0) {
		uint64_t eight = 1;
		if (is_aligned(page, 8) && page + 8 <= pages)
			__builtin_memcpy(&eight, &arena.dirty[page], sizeof(eight));
		page += eight == 0 ? 8 : 1;
	}
	return page;
}

/* Neighbouring dirty pages are made new in one go. */
void host_arena_reset(void)
{
	const size_t pages = arena.bytes >> PAGE_SHIFT;
	ASSERT(arena.base != NULL);
	if (CHECK_LEVEL < 2) {
		pages_make_new(0, pages);
		return;
	}
	for (size_t page = dirty_next(0, pages); page < pages; page = dirty_next(page, pages)) {
		size_t end = page;
		while (end < pages && arena.dirty[end] != 0) end++;
		pages_make_new(page, end);
	}
}

static bool page_is_junk(size_t page)
{
	uint64_t junk;
	memset(&junk, HOST_JUNK_BYTE, sizeof(junk));
	const uint64_t *word = (const uint64_t *)(arena.base + (page << PAGE_SHIFT));
	uint64_t differ = 0; /* no early way out: so the compiler can take many words at once */
	for (size_t i = 0; i < PAGE_SIZE / sizeof(*word); i++) differ |= word[i] ^ junk;
	return differ == 0;
}

const char *host_arena_check(void)
{
	for (size_t page = 0; page < arena.bytes >> PAGE_SHIFT; page++) {
		if (arena.dirty[page] == 0 && !page_is_junk(page))
			return "A1: a page was written that was never unpoisoned";
	}
	return NULL;
}

void *host_phys(paddr_t pa)
{
	if (UNLIKELY(pa - HOST_RAM_BASE >= arena.bytes))
		kpanic("bounds", "mach_phys of an address outside of RAM");
	return arena.base + (pa - HOST_RAM_BASE);
}

/* One past the last byte is allowed: ends of ranges are turned into addresses too. */
paddr_t host_pa(const void *p)
{
	const size_t at = (size_t)((uintptr_t)p - (uintptr_t)arena.base);
	if (UNLIKELY(arena.base == NULL || at > arena.bytes))
		kpanic("bounds", "mach_pa of a pointer outside of RAM");
	return HOST_RAM_BASE + at;
}

/* No page has address 0, so who looks for the page of it finds none. */
paddr_t host_pa_untrusted(const void *p)
{
	const size_t at = (size_t)((uintptr_t)p - (uintptr_t)arena.base);
	return at < arena.bytes ? HOST_RAM_BASE + at : PADDR_NONE;
}

/* Whole pages that become nobody's: the MMU knows whether anything still leads there. */
static void pages_freed(uintptr_t from, size_t bytes)
{
	const uintptr_t first = align_up(from, PAGE_SIZE),
			end = align_down(from + bytes, PAGE_SIZE);
	if (first - (uintptr_t)arena.base < arena.bytes && first < end)
		host_mmu_freed(host_pa((const void *)first), end - first);
}

/* Memory outside the arena (a test's own buffer) can be poisoned, but nobody resets it. */
void host_poison(const void *p, size_t bytes)
{
	ASSERT(is_aligned((uintptr_t)p, SHADOW_GRAIN));
	race_freed(p, bytes, __builtin_return_address(0));
	shadow_poison(p, bytes);
	if (bytes >= PAGE_SIZE) pages_freed((uintptr_t)p, bytes);
}

void host_unpoison(const void *p, size_t bytes)
{
	ASSERT(is_aligned((uintptr_t)p, SHADOW_GRAIN));
	/* Below the base the difference wraps and is larger than any arena. */
	const size_t at = (size_t)((uintptr_t)p - (uintptr_t)arena.base);
	if (LIKELY(at < arena.bytes && bytes != 0)) {
		ASSERT(bytes <= arena.bytes - at);
		const size_t last = (at + bytes - 1) >> PAGE_SHIFT;
		for (size_t page = at >> PAGE_SHIFT; page <= last; page++) arena.dirty[page] = 1;
		race_given(p, bytes, __builtin_return_address(0));
	}
	shadow_unpoison(p, bytes);
}

bool host_may_touch(const void *p, size_t bytes)
{
	return shadow_accessible(p, bytes);
}
