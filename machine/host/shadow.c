/*
 * shadow.c -- poison by AddressSanitizer's shadow memory.
 *
 * The run-time library says where its shadow lies (__asan_get_shadow_mapping): the byte for the
 * eight bytes at address a is at (a >> scale) + offset.  Its value says how many of the eight may
 * be touched from the first on: 0 for all, 1 to 7, or, with the top bit set, none; 0xf7 prints as
 * "poisoned by user".  These are the same stores that __asan_poison_memory_region ends in, without
 * the checks and the general case before them (measured: 2 ns against 35 for 64 bytes).
 *
 * The references to the library are weak: in a program without ASan they are null, the shadow
 * stays unset and poison costs one test.  No #if, one object for all builds.
 *
 * A range that ends within a group of eight: unpoisoning makes the group's first bytes accessible
 * and no more than that, unless more of them were already.  Poisoning takes the group's accessible
 * part away only when it ends no later than the range does: what lies behind the range is somebody
 * else's, and the shadow cannot say "only the last bytes".
 *
 * This file, as all of machine/host, is compiled without sanitizers and without built-ins: a
 * memset on shadow memory, which the compiler would make of the loop, is intercepted by ASan,
 * which would look for the shadow of the shadow and crash.
 */
#include "machine/host/shadow.h"

extern void __asan_get_shadow_mapping(size_t *scale, size_t *offset) __attribute__((weak));

enum { SHADOW_POISON = 0xf7 };

static uintptr_t shadow_offset; /* 0: no ASan */

/* Before main(): no poisoning may come too early to be seen. */
static __attribute__((constructor)) void shadow_find(void)
{
	if (__asan_get_shadow_mapping == NULL) return;
	size_t scale = 0;
	__asan_get_shadow_mapping(&scale, &shadow_offset);
	ASSERT(1u << scale == SHADOW_GRAIN && shadow_offset != 0);
}

static uint8_t *shadow_of(const void *p)
{
	return (uint8_t *)((uintptr_t)p / SHADOW_GRAIN + shadow_offset);
}

static void eight_set(uint8_t *at, uint64_t value)
{
	__builtin_memcpy(at, &value, sizeof(value));
}

static uint64_t eight_get(const uint8_t *at)
{
	uint64_t value;
	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

/* Stores of eight bytes, the last of which may overlap the one before. */
static void shadow_fill(uint8_t *at, uint8_t value, size_t bytes)
{
	const uint64_t eight = 0x0101010101010101u * value;
	if (bytes < sizeof(eight)) {
		for (; bytes > 0; bytes--) *at++ = value;
		return;
	}
	uint8_t *last = at + bytes - sizeof(eight);
	for (; at < last; at += sizeof(eight)) eight_set(at, eight);
	eight_set(last, eight);
}

void shadow_poison(const void *p, size_t bytes)
{
	if (shadow_offset == 0) return;
	uint8_t *at = shadow_of(p);
	shadow_fill(at, SHADOW_POISON, bytes / SHADOW_GRAIN);
	uint8_t *last = at + bytes / SHADOW_GRAIN;
	const uint8_t rest = bytes % SHADOW_GRAIN;
	if (rest != 0 && *last != 0 && *last <= rest) *last = SHADOW_POISON;
}

void shadow_unpoison(const void *p, size_t bytes)
{
	if (shadow_offset == 0) return;
	uint8_t *at = shadow_of(p);
	shadow_fill(at, 0, bytes / SHADOW_GRAIN);
	uint8_t *last = at + bytes / SHADOW_GRAIN;
	const uint8_t rest = bytes % SHADOW_GRAIN;
	if (rest != 0 && *last != 0 && (*last >= SHADOW_GRAIN || *last < rest)) *last = rest;
}

static bool shadow_clear(const uint8_t *at, size_t bytes)
{
	uint64_t set = 0;
	for (; bytes >= sizeof(set); bytes -= sizeof(set), at += sizeof(set)) set |= eight_get(at);
	for (; bytes > 0; bytes--) set |= *at++;
	return set == 0;
}

/* From the start of the first group on: where a group's later bytes are accessible, so are its
 * first. */
bool shadow_accessible(const void *p, size_t bytes)
{
	if (shadow_offset == 0 || bytes == 0) return true;
	const uint8_t *at = shadow_of(p);
	bytes += (uintptr_t)p % SHADOW_GRAIN;
	if (!shadow_clear(at, bytes / SHADOW_GRAIN)) return false;
	const uint8_t rest = bytes % SHADOW_GRAIN, last = rest == 0 ? 0 : at[bytes / SHADOW_GRAIN];
	return last == 0 || (last < SHADOW_GRAIN && last >= rest);
}
