/*
 * chance.c -- random bytes: ChaCha20 with a key that is thrown away after each use.
 *
 * For each request the generator's blocks (RFC 8439, section 2.3) are made with the present key;
 * the first 32 bytes become the next key, the rest is the answer, and goes out as it is made.  So
 * who reads the kernel's memory later learns nothing of what was given out before (Bernstein,
 * "Fast-key-erasure random-number generators", 2017).
 *
 * Locks: one, for the key.  Cost: about 1,100 instructions for up to 32 bytes, as much for each 64
 * more.
 */
#include "kernel/chance.h"

#include "kernel/boot.h"
#include "machine/lock.h"
#include "machine/random.h"

enum { KEY_WORDS = 8, BLOCK_WORDS = 16, BLOCK_BYTES = 64, ROUNDS = 10 };

static struct {
	struct lock lock; /* RANK_CHANCE */
	uint32_t key[KEY_WORDS] GUARDED_BY(&lock);
} chance;

static uint32_t turn_left(uint32_t n, unsigned bits)
{
	return n << bits | n >> (32 - bits);
}

static void quarter(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
	s[d] = turn_left(s[d] ^ (s[a] += s[b]), 16);
	s[b] = turn_left(s[b] ^ (s[c] += s[d]), 12);
	s[d] = turn_left(s[d] ^ (s[a] += s[b]), 8);
	s[b] = turn_left(s[b] ^ (s[c] += s[d]), 7);
}

static void block(const uint32_t *key, uint64_t number, uint32_t *out)
{
	const uint32_t first[BLOCK_WORDS] = {
		0x61707865,
		0x3320646e,
		0x79622d32,
		0x6b206574,
		key[0],
		key[1],
		key[2],
		key[3],
		key[4],
		key[5],
		key[6],
		key[7],
		(uint32_t)number,
		(uint32_t)(number >> 32),
		0,
		0,
	};

	memcpy(out, first, sizeof first);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < 4; i++) quarter(out, i, i + 4, i + 8, i + 12);
		for (unsigned i = 0; i < 4; i++)
			quarter(out, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
	}
	for (unsigned i = 0; i < BLOCK_WORDS; i++) out[i] += first[i];
}

void chance_bytes(void *to, size_t bytes)
{
	uint32_t key[KEY_WORDS], words[BLOCK_WORDS];
	size_t some = min_u64(bytes, sizeof words - sizeof key), done = some;

	const mach_irq_t was = lock_take(&chance.lock);
	memcpy(key, chance.key, sizeof key);
	block(key, 0, words);
	memcpy(chance.key, words, sizeof key);
	lock_drop(&chance.lock, was);
	memcpy(to, words + KEY_WORDS, some);
	for (uint64_t number = 1; done != bytes; number++) {
		block(key, number, words);
		some = min_u64(bytes - done, BLOCK_BYTES);
		memcpy((uint8_t *)to + done, words, some);
		done += some;
	}
	memset(key, 0, sizeof key);
	memset(words, 0, sizeof words);
}

/* What the device tree says nobody else knows, and the time, into the key. */
static void stir(void)
{
	const fdt_node chosen = fdt_child_named(&boot.fdt, fdt_root(&boot.fdt), "chosen");
	const struct fdt_value seed = fdt_property(&boot.fdt, chosen, "rng-seed");

	for (uint32_t i = 0; seed.at != NULL && i < seed.bytes; i++)
		chance.key[i / 4 % KEY_WORDS] ^= (uint32_t)seed.at[i] << i % 4 * 8;
	chance.key[0] ^= (uint32_t)mach_now_ns();
}

void chance_start(const char *bootargs)
{
	struct random r = { bootarg_number(bootargs, "seed", 0) };

	lock_init(&chance.lock, RANK_CHANCE);
	for (unsigned i = 0; i < KEY_WORDS; i++) chance.key[i] = (uint32_t)random_u64(&r);
	if (bootarg_is_set(bootargs, "random")) stir();
}
