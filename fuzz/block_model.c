/*
 * block_model.c -- blocks, their patterns, and what is wrong when two of them meet.
 *
 * A pattern is a sequence of 8-byte words that starts at the block's seed and rises by a constant,
 * so that a word copied to another place or left over from another block is wrong.  Up to 256
 * bytes all of a block is written; of larger ones the first and last 128 bytes and a word in every
 * 512: enough to see any overlap of two fills, and what lies between is covered by the ranges,
 * which are compared with every other live block's when a block is got.
 *
 * Words in a row are written and compared without sanitizers, many at a time, after one look at
 * the poison of all of them (watched()): where some is poisoned, reading it byte by byte with the
 * sanitizers on makes the report.  The same goes for loops over the table of ranges, whose arrays
 * are as long as there are handles.
 *
 * Always true:
 *   B1  live[] holds exactly the handles whose block is not NULL; live_bytes is their sum;
 *   B2  from[], to[] and site[] are the ranges and sites of live[], index by index; behind the last
 *       they are 0, a range that overlaps none.
 *
 * Cost: a pass over the words of a fill and one over the ranges of live blocks, several at a time.
 */
#include "fuzz/block_model.h"

#include "machine/machine.h"

enum { FILL_WHOLE = 256, FILL_EDGE = 128, FILL_STRIDE = 512, AT_ONCE = 8 };

#define PATTERN_STEP 0x9e3779b97f4a7c15ull

void block_model_init(struct block_model *m, const void *low, size_t bytes)
{
	ASSERT(bytes <= UINT32_MAX); /* B2 */
	m->low = low;
	m->high = m->low + bytes;
	m->live_count = 0;
	m->live_bytes = 0;
	memset(m->blocks, 0, sizeof m->blocks);
	memset(m->from, 0, sizeof m->from);
	memset(m->to, 0, sizeof m->to);
	memset(m->site, 0, sizeof m->site);
}

/* --- words ------------------------------------------------------------------------------------ */

/* May run unwatched over these bytes: none is poisoned, or this has reported the first that is. */
static void watched(const uint8_t *at, size_t bytes)
{
	if (LIKELY(mach_may_touch(at, bytes))) return;
	for (size_t i = 0; i < bytes; i++) (void)*(const volatile uint8_t *)&at[i];
}

UNWATCHED_LOOP static void words_fill(uint64_t *at, size_t count, uint64_t value)
{
	for (size_t i = 0; i < count; i++, value += PATTERN_STEP) at[i] = value;
}

UNWATCHED_LOOP static bool words_same(const uint64_t *at, size_t count, uint64_t value)
{
	uint64_t differ = 0;
	for (size_t i = 0; i < count; i++, value += PATTERN_STEP) differ |= at[i] ^ value;
	return differ == 0;
}

UNWATCHED_LOOP static bool words_zero(const uint64_t *at, size_t count)
{
	uint64_t set = 0;
	for (size_t i = 0; i < count; i++) set |= at[i];
	return set == 0;
}

static uint64_t word_of(uint64_t seed, size_t index)
{
	return seed + index * PATTERN_STEP;
}

static uint64_t *word_at(uint8_t *at, size_t index)
{
	return (uint64_t *)(void *)at + index;
}

/* Fills words `from` to `end` - 1 of a block, or says whether they are as filled. */
static inline bool run_of_words(uint8_t *at, size_t from, size_t end, uint64_t seed, bool fills)
{
	if (from >= end) return true;
	watched(at + from * 8, (end - from) * 8);
	if (!fills) return words_same(word_at(at, from), end - from, word_of(seed, from));
	words_fill(word_at(at, from), end - from, word_of(seed, from));
	return true;
}

/* The last bytes of a size that is no multiple of 8, of which `limit` is the end. */
static inline bool tail_bytes(uint8_t *at, size_t bytes, size_t limit, uint64_t seed, bool fills)
{
	for (size_t i = bytes & ~(size_t)7; i < limit; i++) {
		if (fills)
			at[i] = (uint8_t)(seed + i);
		else if (at[i] != (uint8_t)(seed + i))
			return false;
	}
	return true;
}

/* Every place among the first `limit` bytes that a fill touches, in order. */
static inline bool each_place(const struct block *b, size_t limit, bool fills)
{
	const size_t words = b->bytes / 8, end = limit / 8;
	const size_t edge = b->bytes <= FILL_WHOLE ? words : FILL_EDGE / 8;

	if (!run_of_words(b->at, 0, min_u64(edge, end), b->seed, fills)) return false;
	if (edge != words) {
		for (size_t i = FILL_STRIDE / 8; i < words - edge && i < end;
		     i += FILL_STRIDE / 8) {
			if (fills)
				*word_at(b->at, i) = word_of(b->seed, i);
			else if (*word_at(b->at, i) != word_of(b->seed, i))
				return false;
		}
		if (!run_of_words(b->at, words - edge, end, b->seed, fills)) return false;
	}
	return tail_bytes(b->at, b->bytes, limit, b->seed, fills);
}

static void check_zero(const uint8_t *at, size_t bytes)
{
	size_t i = bytes & ~(size_t)7;

	watched(at, bytes);
	if (!words_zero((const uint64_t *)(const void *)at, bytes / 8)) i = 0;
	while (i < bytes && at[i] == 0) i++;
	if (i != bytes) kpanic(ORACLE_ZEROING, "byte %zu of %zu is %u", i, bytes, at[i]);
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* Whether any live block has a byte in from to end - 1, offsets from m->low. */
UNWATCHED_LOOP static bool range_meets(const struct block_model *m, uint32_t from, uint32_t end)
{
	const uint32_t count = (uint32_t)align_up(m->live_count, AT_ONCE);
	uint32_t meets = 0;
	for (uint32_t i = 0; i < count; i++) meets |= (from < m->to[i]) & (m->from[i] < end);
	return meets != 0;
}

UNWATCHED_LOOP uint32_t block_count_at(const struct block_model *m, site_t site)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < m->live_count; i++) count += m->site[i] == site;
	return count;
}

static NORETURN void overlaps(const struct block_model *m, const uint8_t *p, size_t bytes)
{
	uint32_t i = 0;
	const struct block *b = &m->blocks[m->live[0]];

	while (p >= b->at + b->bytes || b->at >= p + bytes) b = &m->blocks[m->live[++i]];
	kpanic(ORACLE_OVERLAP, "%zu bytes overlap block %u of %zu bytes", bytes, m->live[i],
	       b->bytes);
}

static void check_place(const struct block_model *m, const uint8_t *p, size_t bytes, size_t align)
{
	if (p < m->low || p >= m->high || bytes > (size_t)(m->high - p))
		kpanic(ORACLE_BOUNDS, "a block of %zu bytes outside the memory there is", bytes);
	if (!is_aligned((uintptr_t)p, align))
		kpanic(ORACLE_MISALIGNED, "a block of %zu bytes, alignment %zu", bytes, align);
	const uint32_t from = (uint32_t)(p - m->low);
	if (UNLIKELY(range_meets(m, from, from + (uint32_t)bytes))) overlaps(m, p, bytes);
}

/* --- the table -------------------------------------------------------------------------------- */

static void enter(struct block_model *m, unsigned slot, void *p, size_t bytes, site_t site)
{
	struct block *b = &m->blocks[slot];
	const uint32_t place = m->live_count++;

	b->at = p;
	b->bytes = bytes;
	/* Spread over all bits: seeds that differ in low ones only would meet at other indices. */
	b->seed = (((uint64_t)site << 8 | slot) + 1) * 0xd6e8feb86659fd93ull;
	b->site = site;
	b->stale = NULL;
	m->place[slot] = (uint8_t)place;
	m->live[place] = (uint8_t)slot;
	m->from[place] = (uint32_t)(b->at - m->low);
	m->to[place] = m->from[place] + (uint32_t)bytes;
	m->site[place] = site;
	m->live_bytes += bytes;
	each_place(b, bytes, true);
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

	if (!each_place(b, min_u64(bytes, b->bytes), false))
		kpanic(ORACLE_CONTENT, "block %u of %zu bytes was changed", slot, b->bytes);
}

static void leave(struct block_model *m, unsigned slot)
{
	const uint32_t place = m->place[slot], last = --m->live_count;
	const uint8_t moved = m->live[last];

	m->live[place] = moved;
	m->place[moved] = (uint8_t)place;
	m->from[place] = m->from[last];
	m->to[place] = m->to[last];
	m->site[place] = m->site[last];
	m->from[last] = m->to[last] = 0;
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

void block_leave(struct block_model *m, unsigned slot)
{
	ASSERT(m->blocks[slot].at != NULL);
	leave(m, slot);
}

void block_moved(struct block_model *m, unsigned slot, void *p, size_t bytes, site_t site)
{
	struct block *b = &m->blocks[slot];

	ASSERT(b->at == NULL);
	if (p == NULL) return;
	check_place(m, p, bytes, 8);
	b->at = p;
	block_verify(m, slot, min_u64(b->bytes, bytes)); /* as the seed and size it left with say */
	enter(m, slot, p, bytes, site);
}

bool block_covers(const struct block_model *m, const void *p)
{
	const uint8_t *at = p;

	if (at < m->low || at >= m->high) return false;
	const uint32_t from = (uint32_t)(at - m->low);
	return range_meets(m, from, from + 1);
}
