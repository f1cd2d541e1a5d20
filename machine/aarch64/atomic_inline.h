/*
 * atomic_inline.h -- atomic.h on AArch64: LDAR, STLR and exclusive pairs, through the compiler.
 */
#ifndef MACHINE_AARCH64_ATOMIC_H
#define MACHINE_AARCH64_ATOMIC_H

#ifdef __ARM_FEATURE_RCPC
#error "the compiler would load with LDAPR, which does not wait for an earlier STLR"
#endif

static inline uint32_t atomic_load_u32(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static inline uint64_t atomic_load_u64(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static inline void atomic_store_u32(uint32_t *at, uint32_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static inline void atomic_store_u64(uint64_t *at, uint64_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static inline uint32_t atomic_peek_u32(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static inline void atomic_poke_u32(uint32_t *at, uint32_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
}

static inline uint32_t atomic_fetch_add_u32(uint32_t *at, uint32_t value)
{
	return __atomic_fetch_add(at, value, __ATOMIC_ACQ_REL);
}

static inline bool atomic_claim_u32(uint32_t *at, uint32_t value)
{
	uint32_t was = 0;
	return __atomic_compare_exchange_n(at, &was, value, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static inline uint32_t atomic_exchange_u32(uint32_t *at, uint32_t value)
{
	return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL);
}

static inline uint64_t atomic_exchange_u64(uint64_t *at, uint64_t value)
{
	return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL);
}

static inline bool atomic_change_u32(uint32_t *at, uint32_t was, uint32_t value)
{
	return __atomic_compare_exchange_n(at, &was, value, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static inline bool atomic_change_u64(uint64_t *at, uint64_t was, uint64_t value)
{
	return __atomic_compare_exchange_n(at, &was, value, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static inline bool atomic_bit_set(uint64_t *map, uint32_t n)
{
	const uint64_t bit = 1ull << (n % 64);
	return (__atomic_fetch_or(&map[n / 64], bit, __ATOMIC_ACQ_REL) & bit) != 0;
}

static inline bool atomic_bit_clear(uint64_t *map, uint32_t n)
{
	const uint64_t bit = 1ull << (n % 64);
	return (__atomic_fetch_and(&map[n / 64], ~bit, __ATOMIC_ACQ_REL) & bit) != 0;
}

#endif
