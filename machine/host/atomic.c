/*
 * atomic.c -- the host's checked atomic operations.
 *
 * All virtual CPUs are fibers of one thread, so nothing happens between two of them by accident:
 * another CPU runs only where host_yield() says so, and it says so before the operation.  The
 * operation itself is the compiler's, in the order the contract names, so that this file stays
 * right under a tool that does watch threads.
 *
 * What is checked: the word lies where an aligned access is one access; on AArch64 an
 * exclusive pair on a misaligned word faults, and the host must not be kinder than the board.
 *
 * Locks: none.  Cost: a call, a test, one instruction.
 */
#include "machine/atomic.h"
#include "machine/machine.h"

static void atomic_point(const void *at, size_t bytes)
{
	ASSERT(is_aligned((uintptr_t)at, bytes));
	host_yield(HOST_YIELD_ATOMIC);
}

uint32_t host_atomic_load_u32(const uint32_t *at)
{
	atomic_point(at, sizeof(*at));
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

uint64_t host_atomic_load_u64(const uint64_t *at)
{
	atomic_point(at, sizeof(*at));
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

void host_atomic_store_u32(uint32_t *at, uint32_t value)
{
	atomic_point(at, sizeof(*at));
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

void host_atomic_store_u64(uint64_t *at, uint64_t value)
{
	atomic_point(at, sizeof(*at));
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

uint32_t host_atomic_fetch_add_u32(uint32_t *at, uint32_t value)
{
	atomic_point(at, sizeof(*at));
	return __atomic_fetch_add(at, value, __ATOMIC_ACQ_REL);
}

bool host_atomic_claim_u32(uint32_t *at, uint32_t value)
{
	atomic_point(at, sizeof(*at));
	ASSERT(value != 0);
	uint32_t unclaimed = 0;
	return __atomic_compare_exchange_n(at, &unclaimed, value, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

uint32_t host_atomic_exchange_u32(uint32_t *at, uint32_t value)
{
	atomic_point(at, sizeof(*at));
	return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL);
}

uint64_t host_atomic_exchange_u64(uint64_t *at, uint64_t value)
{
	atomic_point(at, sizeof(*at));
	return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL);
}

bool host_atomic_change_u64(uint64_t *at, uint64_t was, uint64_t value)
{
	atomic_point(at, sizeof(*at));
	return __atomic_compare_exchange_n(at, &was, value, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

bool host_atomic_bit_set(uint64_t *map, uint32_t n)
{
	uint64_t *at = &map[n / 64];
	const uint64_t bit = 1ull << n % 64;
	atomic_point(at, sizeof(*at));
	return (__atomic_fetch_or(at, bit, __ATOMIC_ACQ_REL) & bit) != 0;
}

bool host_atomic_bit_clear(uint64_t *map, uint32_t n)
{
	uint64_t *at = &map[n / 64];
	const uint64_t bit = 1ull << n % 64;
	atomic_point(at, sizeof(*at));
	return (__atomic_fetch_and(at, ~bit, __ATOMIC_ACQ_REL) & bit) != 0;
}
