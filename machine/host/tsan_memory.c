/*
 * tsan_memory.c -- copies, where ThreadSanitizer looks for races.
 *
 * The compiler makes calls of library functions of assignments and loops.  ThreadSanitizer catches
 * these functions whoever calls them, models included; so it is told to ignore them (tsan.c), and
 * the program has its own, which come before the library's: a point where the turn may pass, then
 * the range, then the work, as accesses.c has it in other builds.  Only the arena counts, and only
 * calls by watched code, which lies in a section of its own (tools/toolchains/watched.h).
 *
 * Compiled without built-ins, as all of this folder, or each would be made a call of itself.
 *
 * Locks: none.  Cost: the processor's string instructions.
 */
#include "machine/host/race_inside.h"
#include "machine/host/turns.h"

void __tsan_read_range_pc(void *at, unsigned long bytes, void *pc);
void __tsan_write_range_pc(void *at, unsigned long bytes, void *pc);

#define CALLER __builtin_return_address(0)

void tsan_range(size_t at, size_t bytes, enum race_kind kind, const void *pc)
{
	void *p = (void *)(race_window.base + at), *where = (void *)(uintptr_t)pc;
	if (kind == RACE_READ)
		__tsan_read_range_pc(p, bytes, where);
	else
		__tsan_write_range_pc(p, bytes, where);
}

/* The linker's names for the section's ends; there may be none. */
extern const char __start_watched[] __attribute__((weak));
extern const char __stop_watched[] __attribute__((weak));

static bool is_watched(const void *pc)
{
	return (uintptr_t)pc - (uintptr_t)__start_watched <
	       (uintptr_t)__stop_watched - (uintptr_t)__start_watched;
}

static void seen(const void *p, size_t bytes, enum race_kind kind, const void *pc)
{
	const size_t at = race_offset(p);
	if (LIKELY(at >= race_window.bytes) || bytes == 0 || !is_watched(pc)) return;
	turns_at_access(at, kind == RACE_WRITE);
	tsan_range(at, min_u64(bytes, race_window.bytes - at), kind, pc);
}

static void upwards(void *to, const void *from, size_t bytes)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
}

static void downwards(uint8_t *to, const uint8_t *from, size_t bytes)
{
	while (bytes-- > 0) to[bytes] = from[bytes];
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	seen(from, bytes, RACE_READ, CALLER);
	seen(to, bytes, RACE_WRITE, CALLER);
	upwards(to, from, bytes);
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	seen(from, bytes, RACE_READ, CALLER);
	seen(to, bytes, RACE_WRITE, CALLER);
	if ((uintptr_t)to - (uintptr_t)from >= bytes)
		upwards(to, from, bytes);
	else
		downwards(to, from, bytes);
	return to;
}

void *memset(void *to, int byte, size_t bytes)
{
	void *at = to;
	seen(to, bytes, RACE_WRITE, CALLER);
	__asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(byte) : "memory");
	return to;
}
