/* port.h -- words that several threads touch without the lock, as the machine has them: where
 * schedules are played, each is a point at which the turn may pass, and seen by race detectors. */
#ifndef USER_MALLOC_PORT_H
#define USER_MALLOC_PORT_H

#include "machine/atomic.h"

static inline bool port_claim(uint32_t *at)
{
	return atomic_claim_u32(at, 1);
}

static inline void port_release(uint32_t *at)
{
	atomic_store_u32(at, 0);
}

/* The lock is the world's, which plays who waits for it. */
static inline bool port_lock(uint32_t *at)
{
	(void)at;
	return false;
}

static inline bool port_unlock(uint32_t *at)
{
	(void)at;
	return false;
}

static inline uint64_t port_peek(const uint64_t *at)
{
	return atomic_load_u64(at);
}

static inline void port_poke(uint64_t *at, uint64_t value)
{
	atomic_store_u64(at, value);
}

#endif
