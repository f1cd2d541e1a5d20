/*
 * random.h -- a small pseudo-random sequence: the same from the same seed, everywhere.
 *
 * splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): a
 * counter and a mix, so any 64-bit seed will do and two seeds that differ give unlike sequences.
 */
#ifndef MACHINE_RANDOM_H
#define MACHINE_RANDOM_H

#include "machine/base.h"

struct random {
	uint64_t state;
};

static inline uint64_t random_u64(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* 0 to n - 1; n is not 0. */
static inline uint32_t random_below(struct random *r, uint32_t n)
{
	return (uint32_t)(((random_u64(r) >> 32) * n) >> 32);
}

/* True once in n times. */
static inline bool random_one_in(struct random *r, uint32_t n)
{
	return random_below(r, n) == 0;
}

#endif
