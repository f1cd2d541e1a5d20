/*
 * atomic_inline.h -- atomic operations on the host (see machine/atomic.h for the contract).
 *
 * In a checked build each is a call, and first a [yield] point.  A call and not an inline
 * instruction because whoever watches plain loads and stores, as a detector of races does, must
 * not take these for plain ones.
 */
#ifndef MACHINE_HOST_ATOMIC_INLINE_H
#define MACHINE_HOST_ATOMIC_INLINE_H

uint32_t host_atomic_load_u32(const uint32_t *at);
uint64_t host_atomic_load_u64(const uint64_t *at);
void host_atomic_store_u32(uint32_t *at, uint32_t value);
void host_atomic_store_u64(uint64_t *at, uint64_t value);
uint32_t host_atomic_peek_u32(const uint32_t *at);
void host_atomic_poke_u32(uint32_t *at, uint32_t value);
uint32_t host_atomic_fetch_add_u32(uint32_t *at, uint32_t value);
bool host_atomic_claim_u32(uint32_t *at, uint32_t value);
uint32_t host_atomic_exchange_u32(uint32_t *at, uint32_t value);
uint64_t host_atomic_exchange_u64(uint64_t *at, uint64_t value);
bool host_atomic_change_u32(uint32_t *at, uint32_t was, uint32_t value);
bool host_atomic_change_u64(uint64_t *at, uint64_t was, uint64_t value);
bool host_atomic_bit_set(uint64_t *map, uint32_t n);
bool host_atomic_bit_clear(uint64_t *map, uint32_t n);

static inline uint32_t atomic_load_u32(const uint32_t *at)
{
	if (CHECK_LEVEL >= 2) return host_atomic_load_u32(at);
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static inline uint64_t atomic_load_u64(const uint64_t *at)
{
	if (CHECK_LEVEL >= 2) return host_atomic_load_u64(at);
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static inline void atomic_store_u32(uint32_t *at, uint32_t value)
{
	if (CHECK_LEVEL >= 2)
		host_atomic_store_u32(at, value);
	else
		__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static inline void atomic_store_u64(uint64_t *at, uint64_t value)
{
	if (CHECK_LEVEL >= 2)
		host_atomic_store_u64(at, value);
	else
		__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static inline uint32_t atomic_peek_u32(const uint32_t *at)
{
	if (CHECK_LEVEL >= 2) return host_atomic_peek_u32(at);
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static inline void atomic_poke_u32(uint32_t *at, uint32_t value)
{
	if (CHECK_LEVEL >= 2)
		host_atomic_poke_u32(at, value);
	else
		__atomic_store_n(at, value, __ATOMIC_RELAXED);
}

static inline uint32_t atomic_fetch_add_u32(uint32_t *at, uint32_t value)
{
	if (CHECK_LEVEL >= 2) return host_atomic_fetch_add_u32(at, value);
	return __atomic_fetch_add(at, value, __ATOMIC_ACQ_REL);
}

static inline bool atomic_claim_u32(uint32_t *at, uint32_t value)
{
	if (CHECK_LEVEL >= 2) return host_atomic_claim_u32(at, value);
	uint32_t unclaimed = 0;
	return __atomic_compare_exchange_n(at, &unclaimed, value, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static inline uint32_t atomic_exchange_u32(uint32_t *at, uint32_t value)
{
	if (CHECK_LEVEL >= 2) return host_atomic_exchange_u32(at, value);
	return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL);
}

static inline uint64_t atomic_exchange_u64(uint64_t *at, uint64_t value)
{
	if (CHECK_LEVEL >= 2) return host_atomic_exchange_u64(at, value);
	return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL);
}

static inline bool atomic_change_u32(uint32_t *at, uint32_t was, uint32_t value)
{
	if (CHECK_LEVEL >= 2) return host_atomic_change_u32(at, was, value);
	return __atomic_compare_exchange_n(at, &was, value, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static inline bool atomic_change_u64(uint64_t *at, uint64_t was, uint64_t value)
{
	if (CHECK_LEVEL >= 2) return host_atomic_change_u64(at, was, value);
	return __atomic_compare_exchange_n(at, &was, value, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

#ifdef __x86_64__
/* The compiler would make a loop of compare-and-swap where the processor has an instruction. */
#define HOST_BIT_INSTRUCTION(name)                          \
	({                                                  \
		bool was;                                   \
		__asm__ volatile("lock " name " %2, %1"     \
				 : "=@ccc"(was), "+m"(*map) \
				 : "r"((uint64_t)n)         \
				 : "memory");               \
		was;                                        \
	})
#define HOST_BIT_SET HOST_BIT_INSTRUCTION("btsq")
#define HOST_BIT_CLEAR HOST_BIT_INSTRUCTION("btrq")
#else
#define HOST_BIT_SET \
	(__atomic_fetch_or(&map[n / 64], 1ull << n % 64, __ATOMIC_ACQ_REL) >> n % 64 & 1)
#define HOST_BIT_CLEAR \
	(__atomic_fetch_and(&map[n / 64], ~(1ull << n % 64), __ATOMIC_ACQ_REL) >> n % 64 & 1)
#endif

static inline bool atomic_bit_set(uint64_t *map, uint32_t n)
{
	if (CHECK_LEVEL >= 2) return host_atomic_bit_set(map, n);
	return HOST_BIT_SET;
}

static inline bool atomic_bit_clear(uint64_t *map, uint32_t n)
{
	if (CHECK_LEVEL >= 2) return host_atomic_bit_clear(map, n);
	return HOST_BIT_CLEAR;
}

#endif
