/* port.h -- words that several threads touch without the lock, as the compiler has them. */
#ifndef USER_MALLOC_PORT_H
#define USER_MALLOC_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* From 0 to 1, and what comes after is seen after; false: it was not 0. */
static inline bool port_claim(uint32_t *at)
{
	uint32_t was = 0;
	return __atomic_compare_exchange_n(at, &was, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* To 0, and what came before is seen before. */
static inline void port_release(uint32_t *at)
{
	__atomic_store_n(at, 0, __ATOMIC_RELEASE);
}

/* The allocator's lock: 0 free, 1 taken, 2 taken and somebody may wait (the memory calls' lock()).
 * port_lock() is false where it is taken, port_unlock() where somebody may wait. */
static inline bool port_lock(uint32_t *at)
{
	return port_claim(at);
}

static inline bool port_unlock(uint32_t *at)
{
	return __atomic_exchange_n(at, 0, __ATOMIC_RELEASE) == 1;
}

/* A word whole, in no order to anything else. */
static inline uint64_t port_peek(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static inline void port_poke(uint64_t *at, uint64_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
}

#endif
