/*
 * canary_cells.c -- the canary's small allocator, which can be told to misbehave.
 *
 * CELLS cells of CELL_BYTES, given out lowest first.  A cell is OBJECT_BYTES for the user and
 * behind them a red zone; a free cell is poisoned and full of FREE_BYTE, which is looked at when
 * it is given out again.  So it has, in small, what the allocators of mm/ have: a bit map for
 * lists, a count for counters, a pattern for use after free, a verdict for misuse.
 *
 * `lie` names one thing to do wrong, once, at the next occasion.
 *
 * Always true unless lied to:
 *   C1  `taken` has the bits of just the cells that somebody has, and `count` is how many;
 *   C2  a free cell is poisoned and full of FREE_BYTE.
 *
 * Locks: none.  Cost: some tens of nanoseconds.
 */
#include "fuzz/canary_cells.h"

#include "fuzz/frame/oracle.h"
#include "machine/machine.h"

enum { ZONE_BYTES = 16, FREE_BYTE = 0x5f, ZONE_BYTE = 0xbd };

bool lied(struct cells *c, enum lie lie)
{
	if (c->lie != lie) return false;
	c->lie = TRUTH;
	return true;
}

bool is_full_of(const uint8_t *at, uint8_t byte, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (at[i] != byte) return false;
	return true;
}

static uint8_t *cell_at(const struct cells *c, size_t n)
{
	return c->at + n * CELL_BYTES;
}

void cells_open(struct cells *c, uint8_t *memory)
{
	*c = (struct cells){ .at = memory };
	mach_unpoison(memory, CELLS * (size_t)CELL_BYTES);
	memset(memory, FREE_BYTE, CELLS * (size_t)CELL_BYTES);
	mach_poison(memory, CELLS * (size_t)CELL_BYTES);
}

static uint8_t *cell_make(struct cells *c, unsigned n, bool zeroed)
{
	uint8_t *cell = cell_at(c, n);
	mach_unpoison(cell, OBJECT_BYTES + ZONE_BYTES);
	if (!is_full_of(cell, FREE_BYTE, OBJECT_BYTES))
		kpanic(ORACLE_USE_AFTER_FREE, "cell %u was written while it was free", n);
	c->taken |= 1u << n;
	c->count++;
	memset(cell + OBJECT_BYTES, ZONE_BYTE, ZONE_BYTES);
	if (zeroed && !lied(c, LIE_ZEROING)) memset(cell, 0, OBJECT_BYTES);
	return cell;
}

uint8_t *cell_take(struct cells *c, bool zeroed)
{
	if (lied(c, LIE_REFUSE)) return NULL;
	if (c->taken != 0 && lied(c, LIE_OVERLAP)) return cell_at(c, bit_lowest(c->taken));
	if (c->taken == (1u << CELLS) - 1) return lied(c, LIE_GRANT) ? cell_at(c, CELLS) : NULL;
	uint8_t *cell = cell_make(c, bit_lowest(~c->taken), zeroed);
	if (lied(c, LIE_BOUNDS)) return c->at - CELL_BYTES;
	return lied(c, LIE_MISALIGNED) ? cell + CELL_ALIGN / 4 : cell;
}

enum cell_verdict cell_give(struct cells *c, uint8_t *cell)
{
	const size_t at = (size_t)(cell - c->at);
	const size_t n = at / CELL_BYTES;
	if (lied(c, LIE_VERDICT)) return CELL_FREED;
	if (at % CELL_BYTES != 0 || n >= CELLS) return CELL_WILD;
	if (!(c->taken >> n & 1)) return CELL_DOUBLE;
	if (!is_full_of(cell + OBJECT_BYTES, ZONE_BYTE, ZONE_BYTES))
		kpanic(ORACLE_REDZONE, "cell %zu was written past its end", n);
	if (lied(c, LIE_LEAK)) return CELL_FREED;
	memset(cell, FREE_BYTE, OBJECT_BYTES);
	mach_poison(cell, CELL_BYTES);
	c->taken &= ~(1u << n);
	c->count--;
	return CELL_FREED;
}

uint32_t cells_largest(struct cells *c)
{
	if (lied(c, LIE_LARGEST)) return 2 * OBJECT_BYTES;
	return c->count < CELLS ? OBJECT_BYTES : 0;
}

const char *cells_check(const struct cells *c)
{
	uint32_t count = 0;
	for (unsigned n = 0; n < CELLS; n++) {
		if (!(c->taken >> n & 1)) continue;
		count++;
		if (!is_full_of(cell_at(c, n) + OBJECT_BYTES, ZONE_BYTE, ZONE_BYTES))
			return "a red zone is damaged";
	}
	return count == c->count ? NULL : "bits and count disagree";
}
