/*
 * arena_test.c -- physical memory on the host: addresses, poison, and the way back to new.
 *
 * Poison is compared with AddressSanitizer's own: on one buffer we poison and unpoison, on another
 * its library does the same, for every start and length up to a few groups of eight, from every
 * earlier state; byte for byte the two must agree.  In a program without ASan there is nothing to
 * compare, and these tests only see that nothing breaks.
 */
#include "machine/host/arena.h"
#include "machine/host/panics.h"

extern int __asan_address_is_poisoned(const volatile void *p) __attribute__((weak));
extern void __asan_poison_memory_region(const volatile void *p, size_t bytes) __attribute__((weak));
extern void __asan_unpoison_memory_region(const volatile void *p, size_t bytes)
	__attribute__((weak));

enum { TEST_BYTES = HOST_ARENA_BYTES, TEST_PAGES = TEST_BYTES / PAGE_SIZE };

static uint8_t *base;

static bool poisoned(const void *p)
{
	return __asan_address_is_poisoned != NULL && __asan_address_is_poisoned(p);
}

/* --- addresses ------------------------------------------------------------------------------- */

static void test_addresses(void)
{
	ASSERT(is_aligned((uintptr_t)base, HOST_ARENA_ALIGN));
	for (size_t at = 0; at < TEST_BYTES; at += 4093) {
		const paddr_t pa = mach_pa(base + at);
		ASSERT(pa == HOST_RAM_BASE + at && mach_phys(pa) == base + at);
		ASSERT(pa != (uintptr_t)(base + at));
	}
	ASSERT(mach_pa(base + TEST_BYTES) == HOST_RAM_BASE + TEST_BYTES);
}

static void phys_of(void *pa)
{
	mach_phys(*(const paddr_t *)pa);
}

static void pa_of(void *p)
{
	mach_pa(p);
}

static void test_wrong_addresses(void)
{
	const paddr_t wrong[] = { 0, HOST_RAM_BASE - 1, HOST_RAM_BASE + TEST_BYTES, (uintptr_t)base,
				  UINT64_MAX };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		expect_panic(0, phys_of, (void *)(uintptr_t)&wrong[i], "bounds", "mach_phys");
	expect_panic(0, pa_of, base - 1, "bounds", "mach_pa below");
	expect_panic(0, pa_of, base + TEST_BYTES + 1, "bounds", "mach_pa above");
	expect_panic(0, pa_of, &base, "bounds", "mach_pa of a variable");
	ASSERT(mach_pa_untrusted(&base) == PADDR_NONE && mach_pa_untrusted(base) == HOST_RAM_BASE);
}

/* --- poison ---------------------------------------------------------------------------------- */

enum { SPAN = 48, ALIGNED_STARTS = 24 };

static _Alignas(16) uint8_t ours[SPAN], theirs[SPAN];

static void expect_alike(void)
{
	for (size_t i = 0; i < SPAN; i++) ASSERT(poisoned(ours + i) == poisoned(theirs + i));
}

static void both_poison(size_t at, size_t bytes)
{
	mach_poison(ours + at, bytes);
	if (__asan_poison_memory_region != NULL) __asan_poison_memory_region(theirs + at, bytes);
}

static void both_unpoison(size_t at, size_t bytes)
{
	mach_unpoison(ours + at, bytes);
	if (__asan_unpoison_memory_region != NULL)
		__asan_unpoison_memory_region(theirs + at, bytes);
}

/* Earlier state: the first `open` bytes accessible, the rest poisoned. */
static void test_poison_from(size_t open)
{
	for (size_t at = 0; at <= ALIGNED_STARTS; at += 8) {
		for (size_t bytes = 0; bytes <= SPAN - at; bytes++) {
			for (int poison = 0; poison < 2; poison++) {
				both_poison(0, SPAN);
				both_unpoison(0, open);
				expect_alike();
				(poison ? both_poison : both_unpoison)(at, bytes);
				expect_alike();
			}
		}
	}
}

static void test_poison(void)
{
	for (size_t open = 0; open <= SPAN; open++) test_poison_from(open);
	both_unpoison(0, SPAN);
}

/* Over every range of memory that is accessible but for one hole: as byte for byte. */
static void test_may_touch(void)
{
	enum { WIDE = 160, HOLE = 96 };
	static _Alignas(16) uint8_t wide[WIDE];
	for (size_t bytes = 0; bytes <= 24; bytes++) {
		mach_poison(wide + HOLE, 24);
		mach_unpoison(wide + HOLE, 24 - bytes);
		for (size_t from = 0; from < WIDE; from++) {
			bool clear = true;
			for (size_t end = from; end < WIDE; end++) {
				ASSERT(mach_may_touch(wide + from, end - from) == clear);
				clear &= !poisoned(wide + end);
			}
		}
		mach_unpoison(wide, WIDE);
	}
}

static void poison_odd(void *p)
{
	mach_poison((uint8_t *)p + 4, 8);
}

static void unpoison_over_the_end(void *p)
{
	mach_unpoison(p, 2 * PAGE_SIZE);
}

static void test_poison_misuse(void)
{
	expect_panic(0, poison_odd, base, "assert", "poison from no multiple of 8");
	expect_panic(0, unpoison_over_the_end, base + TEST_BYTES - PAGE_SIZE, "assert",
		     "unpoison beyond the arena");
}

/* --- as new ---------------------------------------------------------------------------------- */

static bool page_is_new(size_t page)
{
	const uint8_t *at = base + page * PAGE_SIZE;
	for (size_t i = 0; i < PAGE_SIZE; i += 8) {
		if (__asan_address_is_poisoned != NULL && !poisoned(at + i)) return false;
	}
	mach_unpoison(at, PAGE_SIZE);
	bool junk = true;
	for (size_t i = 0; i < PAGE_SIZE; i++) junk &= at[i] == HOST_JUNK_BYTE;
	return junk;
}

static void expect_all_new(void)
{
	ASSERT(host_arena_check() == NULL);
	for (size_t page = 0; page < TEST_PAGES; page++) ASSERT(page_is_new(page));
	host_arena_reset();
}

static void scribble(size_t at, size_t bytes)
{
	mach_unpoison(base + at, bytes);
	memset(base + at, 0x11, bytes);
}

static void test_reset(void)
{
	expect_all_new();
	scribble(0, 1);
	scribble(8 * PAGE_SIZE - 8, 16); /* over a page's end */
	scribble(100 * PAGE_SIZE + 8, 20 * PAGE_SIZE);
	scribble(TEST_BYTES - 8, 8); /* the last bytes */
	mach_poison(base, 8);
	ASSERT(host_arena_check() == NULL);
	host_arena_reset();
	expect_all_new();
	for (size_t page = 0; page < TEST_PAGES; page += 3) scribble(page * PAGE_SIZE + 16, 8);
	host_arena_reset();
	expect_all_new();
}

static METADATA_ACCESS void write_through(volatile uint8_t *at, uint8_t byte)
{
	*at = byte;
}

/* The check sees memory that was written and would not have been made new. */
static void test_check(void)
{
	volatile uint8_t *secret = base + 77 * PAGE_SIZE + 123;
	write_through(secret, 0);
	ASSERT(host_arena_check() != NULL);
	write_through(secret, HOST_JUNK_BYTE);
	ASSERT(host_arena_check() == NULL);
}

static void test_sizes(void)
{
	const size_t sizes[] = { PAGE_SIZE, 3 * PAGE_SIZE, 9 * PAGE_SIZE, 64 << 20 };
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		uint8_t *at = host_arena_open(sizes[i]);
		ASSERT(host_arena_base() == at && host_arena_bytes() == sizes[i]);
		mach_unpoison(at, sizes[i]);
		at[0] = at[sizes[i] - 1] = 1;
		host_arena_reset();
		mach_unpoison(at, sizes[i]);
		ASSERT(at[0] == HOST_JUNK_BYTE && at[sizes[i] - 1] == HOST_JUNK_BYTE);
	}
}

int main(void)
{
	base = host_arena_open(TEST_BYTES);
	host_cpus_open(1);
	test_addresses();
	test_wrong_addresses();
	test_poison();
	test_may_touch();
	test_poison_misuse();
	test_reset();
	test_check();
	test_sizes();
	host_cpus_close();
	return 0;
}
