/*
 * atomic.c -- the host's checked atomic operations.
 *
 * All virtual CPUs are fibers of one thread, so nothing happens between two of them by accident:
 * another CPU runs only where a [yield] point says so, and that lies before the operation.  So an
 * operation that reads and writes is a read and a write here: the processor's own would lock a
 * bus against nobody, which took a twelfth of all the time a script runs.  Each half is an atomic
 * access in the order the contract names, so that this file stays right under a tool that
 * watches threads.
 *
 * What is checked: the word lies where an aligned access is one access; on AArch64 an
 * exclusive pair on a misaligned word faults, and the host must not be kinder than the board.
 *
 * In a simulation whose accesses are watched, each tells the race detector what it orders: when it
 * takes effect, so after the point.  A change that does not happen has only read.
 *
 * Locks: none.  Cost: a call, a test, a load, a store.
 */
#include "machine/atomic.h"
#include "machine/host/race.h"
#include "machine/host/turns.h"
#include "machine/machine.h"

static inline void atomic_point(const void *at, size_t bytes)
{
	ASSERT(is_aligned((uintptr_t)at, bytes));
	turns_at_place(TURN_ATOMIC, at);
}

/* What an operation says to the race detector; where it was called from is where it is. */
#define SAY(say, at) \
	(race_watches() ? say(at, sizeof(*(at)), __builtin_return_address(0)) : (void)0)
#define ACQUIRES(at) SAY(race_acquire, at)
#define RELEASES(at) SAY(race_release, at)
#define DOES_BOTH(at) SAY(race_acquire_release, at)

uint32_t host_atomic_load_u32(const uint32_t *at)
{
	atomic_point(at, sizeof(*at));
	ACQUIRES(at);
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

uint64_t host_atomic_load_u64(const uint64_t *at)
{
	atomic_point(at, sizeof(*at));
	ACQUIRES(at);
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

void host_atomic_store_u32(uint32_t *at, uint32_t value)
{
	atomic_point(at, sizeof(*at));
	RELEASES(at);
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

void host_atomic_store_u64(uint64_t *at, uint64_t value)
{
	atomic_point(at, sizeof(*at));
	RELEASES(at);
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

uint32_t host_atomic_peek_u32(const uint32_t *at)
{
	atomic_point(at, sizeof(*at));
	SAY(race_peek, at);
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

void host_atomic_poke_u32(uint32_t *at, uint32_t value)
{
	atomic_point(at, sizeof(*at));
	SAY(race_poke, at);
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
}

uint32_t host_atomic_fetch_add_u32(uint32_t *at, uint32_t value)
{
	atomic_point(at, sizeof(*at));
	DOES_BOTH(at);
	const uint32_t was = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	__atomic_store_n(at, was + value, __ATOMIC_RELEASE);
	return was;
}

bool host_atomic_claim_u32(uint32_t *at, uint32_t value)
{
	atomic_point(at, sizeof(*at));
	ASSERT(value != 0);
	ACQUIRES(at);
	if (__atomic_load_n(at, __ATOMIC_ACQUIRE) != 0) return false;
	RELEASES(at);
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
	return true;
}

uint32_t host_atomic_exchange_u32(uint32_t *at, uint32_t value)
{
	atomic_point(at, sizeof(*at));
	DOES_BOTH(at);
	const uint32_t was = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
	return was;
}

uint64_t host_atomic_exchange_u64(uint64_t *at, uint64_t value)
{
	atomic_point(at, sizeof(*at));
	DOES_BOTH(at);
	const uint64_t was = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
	return was;
}

bool host_atomic_change_u32(uint32_t *at, uint32_t was, uint32_t value)
{
	atomic_point(at, sizeof(*at));
	ACQUIRES(at);
	if (__atomic_load_n(at, __ATOMIC_ACQUIRE) != was) return false;
	RELEASES(at);
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
	return true;
}

bool host_atomic_change_u64(uint64_t *at, uint64_t was, uint64_t value)
{
	atomic_point(at, sizeof(*at));
	ACQUIRES(at);
	if (__atomic_load_n(at, __ATOMIC_ACQUIRE) != was) return false;
	RELEASES(at);
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
	return true;
}

bool host_atomic_bit_set(uint64_t *map, uint32_t n)
{
	uint64_t *at = &map[n / 64];
	const uint64_t bit = 1ull << n % 64;
	atomic_point(at, sizeof(*at));
	DOES_BOTH(at);
	const uint64_t was = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	__atomic_store_n(at, was | bit, __ATOMIC_RELEASE);
	return (was & bit) != 0;
}

bool host_atomic_bit_clear(uint64_t *map, uint32_t n)
{
	uint64_t *at = &map[n / 64];
	const uint64_t bit = 1ull << n % 64;
	atomic_point(at, sizeof(*at));
	DOES_BOTH(at);
	const uint64_t was = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	__atomic_store_n(at, was & ~bit, __ATOMIC_RELEASE);
	return (was & bit) != 0;
}
