/*
 * block_model.c -- blocks, their patterns, and what is wrong when two of them meet.
 *
 * A pattern is a sequence of 8-byte words, each a mix of the block's seed and the word's index, so
 * that a word copied to another place or left over from another block is wrong.  Up to 256 bytes
 * all of a block is written; of larger ones the first and last 128 bytes and a word in every 512:
 * enough to see any overlap of two fills, and what lies between is covered by the ranges, which
 * are compared with every other live block's when a block is got.
 *
 * Always true: live[] holds exactly the handles whose block is not NULL; live_bytes is their sum.
 */
#include "fuzz/block_model.h"

#include "machine/machine.h"

enum { FILL_WHOLE = 256, FILL_EDGE = 128, FILL_STRIDE = 512 };

void block_model_init(struct block_model *m, const void *low, size_t bytes)
{
	m->low = low;
	m->high = m->low + bytes;
	m->live_count = 0;
	m->live_bytes = 0;
	memset(m->blocks, 0, sizeof m->blocks);
}

static uint64_t word_of(uint64_t seed, uint64_t index)
{
	return (seed ^ index) * 0x9e3779b97f4a7c15ull;
}

/* Calls a word function on every place among the first `limit` bytes that a fill of all `bytes`
 * touches, in order; stops when it says false. */
static inline __attribute__((always_inline)) bool each_word(uint8_t *at, size_t bytes, size_t limit,
							    uint64_t seed,
							    bool (*word)(uint64_t *, uint64_t))
{
	const size_t words = bytes / 8, end = limit / 8;
	const size_t edge = bytes <= FILL_WHOLE ? words : FILL_EDGE / 8;

	for (size_t i = 0; i < edge && i < end; i++)
		if (!word((uint64_t *)(void *)at + i, word_of(seed, i))) return false;
	if (bytes <= FILL_WHOLE) return true;
	for (size_t i = FILL_STRIDE / 8; i < words - edge && i < end; i += FILL_STRIDE / 8)
		if (!word((uint64_t *)(void *)at + i, word_of(seed, i))) return false;
	for (size_t i = words - edge; i < words && i < end; i++)
		if (!word((uint64_t *)(void *)at + i, word_of(seed, i))) return false;
	return true;
}

static bool word_write(uint64_t *at, uint64_t value)
{
	*at = value;
	return true;
}

static bool word_same(uint64_t *at, uint64_t value)
{
	return *at == value;
}

/* The last bytes of a size that is no multiple of 8. */
static void tail_write(uint8_t *at, size_t bytes, uint64_t seed)
{
	for (size_t i = bytes & ~(size_t)7; i < bytes; i++) at[i] = (uint8_t)(seed + i);
}

static bool tail_same(const uint8_t *at, size_t bytes, size_t limit, uint64_t seed)
{
	for (size_t i = bytes & ~(size_t)7; i < limit; i++)
		if (at[i] != (uint8_t)(seed + i)) return false;
	return true;
}

static void fill(struct block *b)
{
	each_word(b->at, b->bytes, b->bytes, b->seed, word_write);
	tail_write(b->at, b->bytes, b->seed);
}

static void check_zero(const uint8_t *at, size_t bytes)
{
	size_t i = 0;

	for (; i + 8 <= bytes; i += 8)
		if (*(const uint64_t *)(const void *)(at + i) != 0) break;
	while (i < bytes && at[i] == 0) i++;
	if (i != bytes) kpanic(ORACLE_ZEROING, "byte %zu of %zu is %u", i, bytes, at[i]);
}

static void check_place(const struct block_model *m, const uint8_t *p, size_t bytes, size_t align)
{
	if (p < m->low || p >= m->high || bytes > (size_t)(m->high - p))
		kpanic(ORACLE_BOUNDS, "a block of %zu bytes outside the memory there is", bytes);
	if (!is_aligned((uintptr_t)p, align))
		kpanic(ORACLE_MISALIGNED, "a block of %zu bytes, alignment %zu", bytes, align);
	for (uint32_t i = 0; i < m->live_count; i++) {
		const struct block *b = &m->blocks[m->live[i]];
		if (p < b->at + b->bytes && b->at < p + bytes)
			kpanic(ORACLE_OVERLAP, "%zu bytes overlap block %u of %zu bytes", bytes,
			       m->live[i], b->bytes);
	}
}

static void enter(struct block_model *m, unsigned slot, void *p, size_t bytes, site_t site)
{
	struct block *b = &m->blocks[slot];

	b->at = p;
	b->bytes = bytes;
	/* Spread over all bits: seeds that differ in low ones only would meet at other indices. */
	b->seed = (((uint64_t)site << 8 | slot) + 1) * 0xd6e8feb86659fd93ull;
	b->site = site;
	b->stale = NULL;
	m->place[slot] = (uint8_t)m->live_count;
	m->live[m->live_count++] = (uint8_t)slot;
	m->live_bytes += bytes;
	fill(b);
}

void block_add(struct block_model *m, unsigned slot, void *p, size_t bytes, size_t align,
	       bool zeroed, site_t site)
{
	ASSERT(m->blocks[slot].at == NULL);
	check_place(m, p, bytes, align);
	if (zeroed) check_zero(p, bytes);
	enter(m, slot, p, bytes, site);
}

void block_verify(const struct block_model *m, unsigned slot, size_t bytes)
{
	const struct block *b = &m->blocks[slot];
	const size_t limit = min_u64(bytes, b->bytes);

	if (!each_word(b->at, b->bytes, limit, b->seed, word_same) ||
	    !tail_same(b->at, b->bytes, limit, b->seed))
		kpanic(ORACLE_CONTENT, "block %u of %zu bytes was changed", slot, b->bytes);
}

static void leave(struct block_model *m, unsigned slot)
{
	const uint8_t last = m->live[m->live_count - 1];

	m->live[m->place[slot]] = last;
	m->place[last] = m->place[slot];
	m->live_count--;
	m->live_bytes -= m->blocks[slot].bytes;
	m->blocks[slot].stale = m->blocks[slot].at;
	m->blocks[slot].at = NULL;
}

void block_remove(struct block_model *m, unsigned slot)
{
	ASSERT(m->blocks[slot].at != NULL);
	leave(m, slot);
}

void block_move(struct block_model *m, unsigned slot, void *p, size_t bytes, site_t site)
{
	struct block *b = &m->blocks[slot];
	const size_t kept = min_u64(b->bytes, bytes);

	b->at = p;
	block_verify(m, slot, kept);
	leave(m, slot);
	check_place(m, p, bytes, 8);
	enter(m, slot, p, bytes, site);
}

bool block_covers(const struct block_model *m, const void *p)
{
	const uint8_t *at = p;

	for (uint32_t i = 0; i < m->live_count; i++) {
		const struct block *b = &m->blocks[m->live[i]];
		if (at >= b->at && at < b->at + b->bytes) return true;
	}
	return false;
}
