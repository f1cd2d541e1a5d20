/*
 * base.h -- the words that all of Anvil is written in: types, assertions, arithmetic on
 * addresses.  Includes nothing but the compiler's own freestanding headers.
 *
 * Three kinds of wrong have three answers.  Our own bug: ASSERT, which ends in kpanic.  The
 * world's limit (no memory): an error value that the caller must take.  A stranger's bad input:
 * a verdict or an error, and nothing is changed.
 */
#ifndef MACHINE_BASE_H
#define MACHINE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/limits.h"

typedef uint64_t paddr_t; /* a physical address, in bytes; not a pointer: see mach_phys() */
typedef uint32_t site_t;  /* who asked: a text offset, or a script's operation; 0 unknown */

#define PADDR_NONE ((paddr_t)0) /* no page; physical address 0 is never handed out */
#define SITE_NONE ((site_t)0)

#define NORETURN _Noreturn
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define NOINLINE __attribute__((noinline))
/* For the rare side of a hot inline function: called without disturbing the caller's registers. */
#define RARE_CALL __attribute__((noinline, cold, preserve_most))
#define LIKELY(c) __builtin_expect(!!(c), 1)
#define UNLIKELY(c) __builtin_expect(!!(c), 0)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(p, type, field) ((type *)(void *)((char *)(p)-offsetof(type, field)))

/*
 * For the few accessors through which an allocator reads and writes its own notes inside memory
 * that is poisoned for everybody else (heap nodes, free-list links), and for a long look at a page
 * that was just read by ordinary means (page tables).  Nothing else may carry it.
 */
#define METADATA_ACCESS __attribute__((no_sanitize("address")))

/* Which lock guards a field or is needed by a function: checked by clang 19, decoration before. */
#if defined(__clang__) && __clang_major__ >= 19
#define GUARDED_BY(l) __attribute__((guarded_by(l)))
#define REQUIRES(l) __attribute__((requires_capability(l)))
#else
#define GUARDED_BY(l)
#define REQUIRES(l)
#endif

/*
 * What a build may choose, as plain constants for plain `if`.
 * CHECK_LEVEL: 1 in the image that ships, 2 wherever faults are looked for.
 * CALL_SITES: whether pages and objects remember who asked for them.
 */
enum { CHECK_LEVEL = BUILD_CHECK_LEVEL, CALL_SITES = BUILD_CALL_SITES };

/*
 * Ends the run: prints "panic: ID ..." at the start of a line and never returns.  `id` is an
 * oracle's short name (DESIGN: "double-free", "lock-order", "assert", ...).  Supplied by whoever
 * owns the program: kernel/panic.c in an image, fuzz/ in its targets, a unit test itself.
 * Any context; takes no lock.
 */
NORETURN void kpanic(const char *id, const char *format, ...) PRINTF_LIKE(2, 3);

/* What a failed ASSERT calls: kpanic("assert", ...) with the claim and where it stands. */
NORETURN void kpanic_claim(const char *file, int line, const char *claim);

#define ASSERT(c) ((c) ? (void)0 : kpanic_claim(__FILE__, __LINE__, #c))
#define ASSERT_SLOW(c) ((CHECK_LEVEL < 2 || (c)) ? (void)0 : kpanic_claim(__FILE__, __LINE__, #c))

/* `align` is a power of two.  The result wraps to 0 only when `n` is within align of the top. */
static inline uint64_t align_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static inline uint64_t align_down(uint64_t n, uint64_t align)
{
	return n & ~(align - 1);
}

static inline bool is_aligned(uint64_t n, uint64_t align)
{
	return (n & (align - 1)) == 0;
}

static inline bool is_power_of_two(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* a + b, or false when it does not fit in 64 bits (then *sum is unspecified). */
static inline bool add_fits(uint64_t a, uint64_t b, uint64_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

/* a - b, or 0 where that would be negative. */
static inline uint64_t sub_or_zero(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Index of the lowest and the highest set bit; `n` is not 0. */
static inline unsigned bit_lowest(uint64_t n)
{
	return (unsigned)__builtin_ctzll(n);
}

static inline unsigned bit_highest(uint64_t n)
{
	return 63u - (unsigned)__builtin_clzll(n);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
