/*
 * asid.c -- numbers for address spaces, in generations.
 *
 * A TLB tells spaces apart by a number of 8 or 16 bits, and there may be more spaces than numbers.
 * So a number is good for one generation only.  A space that is installed with a word of the
 * present generation keeps its number (the common case: no lock, one compare-and-swap on a word
 * that is this CPU's).  Else it gets one: its old number where that is still free, or the next
 * free one, and where there is none a new generation begins:
 *
 *	every CPU's active word is taken away and kept as reserved: that space runs there now, with
 *	that number, and goes on to;
 *	all numbers but those are free again;
 *	every CPU is marked: before it next installs anything it forgets all its entries, for those
 *	of the old generation carry numbers that others are now given.
 *
 * A CPU whose active word was taken finds it 0 and goes the long way, past the mark.  The scheme is
 * that of arch/arm64/mm/context.c; the code is ours.
 *
 * Who invalidates by a space's number may read a word that is out of date a moment later.  That is
 * sound: it has published its stores before it read the word (batch_end), and whoever stored the
 * new word publishes that before the first walk under it (the mach_entry_sync below), so one of
 * the two sees the other's store: what is walked under the new number is the new state.
 *
 * Always true (asid_check):
 *   N1  a word of the present generation has its number in `used`, number 0 is never given;
 *   N2  no two spaces have the same number in the same generation;
 *   N3  `used` has the number of every active and every reserved word;
 *   N4  a CPU's active word, if any, is of the present generation or reserved.
 *
 * Locks: pool->lock (RANK_ASID) on the long way.  A CPU's active word is changed by itself, and
 * taken by whoever begins a generation.
 * Cost: about 30 instructions; the long way 100, and a pass over `used` once in a generation.
 */
#include "mm/asid.h"

enum { ASID_SHIFT = 16, ASID_NONE = 0 };

static uint64_t asid_generation(uint64_t word)
{
	return word >> ASID_SHIFT;
}

static uint32_t asid_of_word(uint64_t word)
{
	return (uint32_t)(word & ((1u << ASID_SHIFT) - 1));
}

static uint64_t asid_word(uint64_t generation, uint32_t number)
{
	return generation << ASID_SHIFT | number;
}

static bool asid_is_used(const struct asid_pool *pool, uint32_t number)
{
	return (pool->used[number / 64] >> number % 64 & 1) != 0;
}

static void asid_set_used(struct asid_pool *pool, uint32_t number)
{
	ASSERT(number < 1u << pool->bits);
	pool->used[number / 64] |= 1ull << number % 64;
}

void asid_pool_init(struct asid_pool *pool, uint32_t bits, unsigned cpus)
{
	ASSERT(bits >= ASID_BITS_MIN && bits <= ASID_BITS_MAX && bits <= mach_asid_bits());
	ASSERT(cpus >= 1 && cpus <= CPUS_MAX && cpus + 1 < 1u << bits);
	*pool = (struct asid_pool){ .bits = bits, .cpus = cpus, .generation = 1, .next = 1 };
	lock_init(&pool->lock, RANK_ASID);
	pool->flush = (1u << cpus) - 1; /* who knows what was here before */
	asid_set_used(pool, ASID_NONE);
}

/* The first free number from `from` on, or 0. */
static uint32_t asid_find_free_locked(const struct asid_pool *pool, uint32_t from)
{
	const uint32_t numbers = 1u << pool->bits;

	for (uint32_t n = from; n < numbers; n = (n | 63) + 1) {
		const uint64_t free = ~pool->used[n / 64] & ~0ull << n % 64;
		if (free == 0) continue;
		const uint32_t found = n / 64 * 64 + bit_lowest(free);
		return found < numbers ? found : ASID_NONE;
	}
	return ASID_NONE;
}

/* N3, N4: what runs keeps its number. */
static void asid_begin_generation_locked(struct asid_pool *pool)
{
	const uint64_t generation = pool->generation + 1;

	atomic_store_u64(&pool->generation, generation);
	memset(pool->used, 0, ((1u << pool->bits) + 63) / 64 * sizeof pool->used[0]);
	asid_set_used(pool, ASID_NONE);
	for (unsigned i = 0; i < pool->cpus; i++) {
		const uint64_t word = atomic_exchange_u64(&pool->active[i], 0);

		/* 0: taken by the generation before and not used since, or nothing is installed;
		 * then `reserved` is right as it is. */
		if (word != 0) pool->reserved[i] = word;
		if (pool->reserved[i] != 0) asid_set_used(pool, asid_of_word(pool->reserved[i]));
	}
	pool->flush = (1u << pool->cpus) - 1;
	pool->rollovers++;
	pool->next = 1;
}

/* Whether `word` is reserved on some CPU; all that have it get the new word in its place. */
static bool asid_renew_locked(struct asid_pool *pool, uint64_t word, uint64_t renewed)
{
	bool found = false;

	for (unsigned i = 0; i < pool->cpus; i++) {
		if (pool->reserved[i] != word) continue;
		pool->reserved[i] = renewed;
		found = true;
	}
	return found;
}

static uint64_t asid_give_locked(struct asid_pool *pool, uint64_t word)
{
	uint32_t number = asid_of_word(word);

	if (word != 0) {
		const uint64_t renewed = asid_word(pool->generation, number);

		if (asid_renew_locked(pool, word, renewed)) return renewed;
		if (!asid_is_used(pool, number)) {
			asid_set_used(pool, number);
			return renewed;
		}
	}
	number = asid_find_free_locked(pool, pool->next);
	if (number == ASID_NONE) {
		asid_begin_generation_locked(pool);
		number = asid_find_free_locked(pool, pool->next);
		ASSERT(number != ASID_NONE); /* more numbers than CPUs */
	}
	asid_set_used(pool, number);
	pool->next = number + 1;
	return asid_word(pool->generation, number);
}

static NOINLINE uint32_t asid_use_slowly(struct asid_pool *pool, struct asid *a, unsigned cpu)
{
	const mach_irq_t was = lock_take(&pool->lock);
	uint64_t word = atomic_load_u64(&a->word);

	ASSERT(cpu < pool->cpus);
	if (asid_generation(word) != pool->generation) {
		word = asid_give_locked(pool, word);
		atomic_store_u64(&a->word, word);
	}
	mach_entry_sync(); /* the word, before any walk under its number: see above */
	if ((pool->flush >> cpu & 1) != 0) {
		pool->flush &= ~(1u << cpu);
		mach_tlb_all_local();
		mach_tlb_wait();
	}
	atomic_store_u64(&pool->active[cpu], word);
	lock_drop(&pool->lock, was);
	return asid_of_word(word);
}

uint32_t asid_use(struct asid_pool *pool, struct asid *a)
{
	ASSERT(mach_irq_masked());
	const unsigned cpu = mach_cpu();
	const uint64_t word = atomic_load_u64(&a->word);
	const uint64_t active = atomic_load_u64(&pool->active[cpu]);

	/* Where a generation begins behind our back, `active` is 0 by now and nothing changes. */
	if (LIKELY(active != 0 && asid_generation(word) == atomic_load_u64(&pool->generation) &&
		   atomic_change_u64(&pool->active[cpu], active, word)))
		return asid_of_word(word);
	return asid_use_slowly(pool, a, cpu);
}

void asid_leave(struct asid_pool *pool)
{
	ASSERT(mach_irq_masked());
	const unsigned cpu = mach_cpu();
	const mach_irq_t was = lock_take(&pool->lock);

	ASSERT(cpu < pool->cpus);
	atomic_store_u64(&pool->active[cpu], 0);
	pool->reserved[cpu] = 0;
	lock_drop(&pool->lock, was);
}

uint32_t asid_rollovers(struct asid_pool *pool)
{
	const mach_irq_t was = lock_take(&pool->lock);
	const uint32_t rollovers = pool->rollovers;

	lock_drop(&pool->lock, was);
	return rollovers;
}

/* N2 among the words of the present generation that CPUs have, and N3. */
static const char *asid_check_words(const struct asid_pool *pool, uint64_t word)
{
	const uint32_t number = asid_of_word(word);

	if (word == 0) return NULL;
	if (number == ASID_NONE) return "N1: a space has number 0";
	if (number >= 1u << pool->bits) return "N1: a number has too many bits";
	if (asid_generation(word) > pool->generation) return "N1: a word of a generation to come";
	if (!asid_is_used(pool, number)) return "N3: a number in use is free";
	for (unsigned i = 0; i < pool->cpus; i++) {
		const uint64_t other = pool->active[i];
		if (other != 0 && other != word && asid_of_word(other) == number &&
		    asid_generation(other) == asid_generation(word))
			return "N2: two spaces have one number";
	}
	return NULL;
}

const char *asid_check(struct asid_pool *pool)
{
	const mach_irq_t was = lock_take(&pool->lock);
	const char *why = NULL;

	if (!asid_is_used(pool, ASID_NONE)) why = "N1: number 0 is to be had";
	if (pool->next > 1u << pool->bits) why = "the search starts beyond the last number";
	if (pool->flush >> pool->cpus != 0) why = "a CPU that is not there is to forget";
	for (unsigned i = 0; i < pool->cpus && why == NULL; i++) {
		why = asid_check_words(pool, pool->active[i]);
		if (pool->active[i] != 0 && asid_generation(pool->active[i]) != pool->generation)
			why = "N4: an active word is of an earlier generation";
		if (why == NULL && pool->active[i] == 0)
			why = asid_check_words(pool, pool->reserved[i]);
	}
	lock_drop(&pool->lock, was);
	return why;
}
