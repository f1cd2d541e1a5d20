/*
 * accesses.c -- every load and store of portable code: a point where the turn may pass, then a look
 * for races.
 *
 * Code compiled with the feature "watched" (tools/toolchains) calls here before each load and each
 * store, and in place of memcpy, memset, memmove and memcmp.  The names are the compiler's: of its
 * trace of loads and stores (-fsanitize-coverage=trace-loads,trace-stores), and of AddressSanitizer
 * for memory primitives, with a prefix of ours (-asan-memory-access-callback-prefix): so the copies
 * that the compiler makes of assignments are seen too.  Ours do the work by ASan's own.
 *
 * First of all the address is compared with the memory that is watched; stacks, constants and
 * everything while there is no simulation end there.  The offset is then used twice: as the place
 * of the point, and by the race detector.
 *
 * The point comes before the access: whoever gets the turn there runs before it, so the access is
 * noted after the point, when this CPU has the turn again.
 *
 * This folder is not watched, nor are harnesses: the callbacks would call themselves.
 *
 * Locks: none.  Cost: 1 ns outside of what is watched.
 */
#include "machine/host/race.h"
#include "machine/host/turns.h"

void *__asan_memcpy(void *to, const void *from, size_t bytes) __attribute__((weak));
void *__asan_memset(void *to, int byte, size_t bytes) __attribute__((weak));
void *__asan_memmove(void *to, const void *from, size_t bytes) __attribute__((weak));

void *host_seen_memcpy(void *to, const void *from, size_t bytes);
void *host_seen_memset(void *to, int byte, size_t bytes);
void *host_seen_memmove(void *to, const void *from, size_t bytes);
int host_seen_memcmp(const void *a, const void *b, size_t bytes);

#define CALLER __builtin_return_address(0)

static inline __attribute__((always_inline)) void seen(const void *p, size_t bytes,
						       enum race_kind kind, enum race_how how,
						       const void *pc)
{
	const size_t at = race_offset(p);
	if (LIKELY(at >= race_window.bytes)) return;
	turns_at_access(at, kind == RACE_WRITE);
	if (UNLIKELY(bytes > race_window.bytes - at)) bytes = race_window.bytes - at;
	race_access(at, bytes, kind, how, pc);
}

#define SEEN(bytes)                                                     \
	void __sanitizer_cov_load##bytes(const void *p);                \
	void __sanitizer_cov_store##bytes(const void *p);               \
	void __sanitizer_cov_load##bytes(const void *p)                 \
	{                                                               \
		seen(p, bytes, RACE_READ, RACE_BYTES_##bytes, CALLER);  \
	}                                                               \
	void __sanitizer_cov_store##bytes(const void *p)                \
	{                                                               \
		seen(p, bytes, RACE_WRITE, RACE_BYTES_##bytes, CALLER); \
	}

SEEN(1)
SEEN(2)
SEEN(4)
SEEN(8)
SEEN(16)

/* --- memory primitives ----------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void range_seen(const void *p, size_t bytes,
							     enum race_kind kind, const void *pc)
{
	if (bytes != 0) seen(p, bytes, kind, RACE_RANGE, pc);
}

void *host_seen_memcpy(void *to, const void *from, size_t bytes)
{
	range_seen(from, bytes, RACE_READ, CALLER);
	range_seen(to, bytes, RACE_WRITE, CALLER);
	return __asan_memcpy != NULL ? __asan_memcpy(to, from, bytes) : memcpy(to, from, bytes);
}

void *host_seen_memset(void *to, int byte, size_t bytes)
{
	range_seen(to, bytes, RACE_WRITE, CALLER);
	return __asan_memset != NULL ? __asan_memset(to, byte, bytes) : memset(to, byte, bytes);
}

void *host_seen_memmove(void *to, const void *from, size_t bytes)
{
	range_seen(from, bytes, RACE_READ, CALLER);
	range_seen(to, bytes, RACE_WRITE, CALLER);
	return __asan_memmove != NULL ? __asan_memmove(to, from, bytes) : memmove(to, from, bytes);
}

/* All of both is looked at, however early they differ: C lets the call read it all. */
int host_seen_memcmp(const void *a, const void *b, size_t bytes)
{
	range_seen(a, bytes, RACE_READ, CALLER);
	range_seen(b, bytes, RACE_READ, CALLER);
	return memcmp(a, b, bytes);
}
