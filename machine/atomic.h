/*
 * atomic.h -- the few atomic operations that portable code uses, all of them through the machine:
 * inline instructions in the image, checked calls on the host.  Loads acquire, stores release,
 * read-modify-writes do both; there is one weaker form, of peek and poke, and no bare fence.
 * Besides, of two of these by one CPU the later takes effect later, a load after a store too (LDAR
 * waits for STLR): who announces something and then looks relies on that (sched/sched_wake.c).
 * All are [yield] points on the host.
 */
#ifndef MACHINE_ATOMIC_H
#define MACHINE_ATOMIC_H

#include "machine/base.h"

static inline uint32_t atomic_load_u32(const uint32_t *at);
static inline uint64_t atomic_load_u64(const uint64_t *at);
static inline void atomic_store_u32(uint32_t *at, uint32_t value);
static inline void atomic_store_u64(uint64_t *at, uint64_t value);

/*
 * A word that others may write, or look at, at this very moment, whole and in no order to anything
 * else: for whoever only wants to know whether it is one certain value, which nobody could change
 * from or to at this moment.  Costs what a plain load or store does, and says that it is meant.
 */
static inline uint32_t atomic_peek_u32(const uint32_t *at);
static inline void atomic_poke_u32(uint32_t *at, uint32_t value);

/* Adds and returns what was there before. */
static inline uint32_t atomic_fetch_add_u32(uint32_t *at, uint32_t value);

/* Changes *at from 0 to `value`; false, with nothing changed, when it was not 0. */
static inline bool atomic_claim_u32(uint32_t *at, uint32_t value);

/* Stores `value` and returns what was there before. */
static inline uint32_t atomic_exchange_u32(uint32_t *at, uint32_t value);
static inline uint64_t atomic_exchange_u64(uint64_t *at, uint64_t value);

/* Changes *at from `was` to `value`; false, with nothing changed, when it was something else. */
static inline bool atomic_change_u32(uint32_t *at, uint32_t was, uint32_t value);
static inline bool atomic_change_u64(uint64_t *at, uint64_t was, uint64_t value);

/* Sets, or clears, bit `n` of a bitmap (in its word n / 64) and returns how it was. */
static inline bool atomic_bit_set(uint64_t *map, uint32_t n);
static inline bool atomic_bit_clear(uint64_t *map, uint32_t n);

#include "atomic_inline.h" /* machine/aarch64/ or machine/host/, by the include path */

#endif
