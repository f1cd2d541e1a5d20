/*
 * race_cell.c -- what eight bytes of memory have seen, and whether the next access races with it.
 *
 * A cell is a set of notes: which of the eight bytes, by whom, when, how and from where.  It holds
 * exactly what a later access can race with, neither more (which would report orders that exist)
 * nor less (which would miss races).  A new access N takes an old one O out of the set, byte by
 * byte, when O happened before N and whatever can race with O can race with N too; then who races
 * with O races with N.  That is so when N conflicts with every kind that O conflicts with:
 *
 *                       conflicts with                   so takes out
 *   read                write, atomic write              read, atomic read
 *   write               all                              all
 *   atomic read         write                            atomic read
 *   atomic write        read, write                      atomic read, atomic write
 *
 * So after a write there is one note; reads by several CPUs are one note each.  This is FastTrack's
 * observation (Flanagan and Freund, "FastTrack: efficient and precise dynamic race detection",
 * PLDI 2009: most of the time one epoch stands for a whole vector), carried to bytes and to
 * atomics.  The first race ends the run, so nothing need hold after one.
 *
 * The same way an access can be found to add nothing: one by the same CPU at the same time, to
 * those bytes, that conflicts with all that it conflicts with.  Most are of that sort.
 *
 * Notes of equal epoch from different places stay apart, so that a report names the right line,
 * until there is no room.  What all CPUs come after already is dropped then.  Where that is not
 * enough, all notes go to a larger block, of which there are MORE_BLOCKS: one for each byte, CPU
 * and kind is the most there can be.
 *
 * Locks: none.  Cost: an access that adds nothing 2 ns, another 4, a cell not in the cache more.
 */
#include "machine/host/race_inside.h"

#include <sys/mman.h>

#include "machine/host/arena.h"
#include "machine/host/console.h"

/* Sets of kinds, as bits. */
#define KIND(k) (1u << (k))
static const uint8_t conflicts[] = {
	[RACE_READ] = KIND(RACE_WRITE) | KIND(RACE_ATOMIC_WRITE),
	[RACE_WRITE] = KIND(RACE_READ) | KIND(RACE_WRITE) | KIND(RACE_ATOMIC_READ) |
		       KIND(RACE_ATOMIC_WRITE),
	[RACE_ATOMIC_READ] = KIND(RACE_WRITE),
	[RACE_ATOMIC_WRITE] = KIND(RACE_READ) | KIND(RACE_WRITE),
};
static const uint8_t takes_out[] = {
	[RACE_READ] = KIND(RACE_READ) | KIND(RACE_ATOMIC_READ),
	[RACE_WRITE] = KIND(RACE_READ) | KIND(RACE_WRITE) | KIND(RACE_ATOMIC_READ) |
		       KIND(RACE_ATOMIC_WRITE),
	[RACE_ATOMIC_READ] = KIND(RACE_ATOMIC_READ),
	[RACE_ATOMIC_WRITE] = KIND(RACE_ATOMIC_READ) | KIND(RACE_ATOMIC_WRITE),
};

/* The notes of one cell, wherever they are. */
struct notes {
	unsigned count, room;
	epoch_t *epoch;
	place_t *place;
	uint8_t *mask;
};

struct more {
	epoch_t epoch[MORE_NOTES];
	place_t place[MORE_NOTES];
	uint8_t mask[MORE_NOTES];
};

enum { MORE_SHARE = 16 }; /* a block for one in so many cells */

static struct more *blocks;
static uint32_t blocks_used, blocks_all;
static uint32_t blocks_free; /* the last one given back, linked by their epoch[0]; 0: none */

/* --- blocks ---------------------------------------------------------------------------------- */

/* Block 0 is nobody's. */
void cells_arena(size_t cells)
{
	if (blocks != NULL) munmap(blocks, blocks_all * sizeof(*blocks));
	blocks_all = (uint32_t)(cells / MORE_SHARE + MORE_SHARE);
	blocks = host_map(blocks_all * sizeof(*blocks));
	cells_begin();
}

void cells_begin(void)
{
	blocks_used = 1;
	blocks_free = 0;
}

static uint32_t block_take(void)
{
	const uint32_t block = blocks_free;
	if (block != 0) {
		blocks_free = blocks[block].epoch[0];
		return block;
	}
	if (blocks_used == blocks_all)
		host_die("host: too many bytes that many CPUs share, for the race detector");
	return blocks_used++;
}

static void block_give(uint32_t block)
{
	blocks[block].epoch[0] = blocks_free;
	blocks_free = block;
}

void cell_drop(struct cell *c)
{
	if (c->count > CELL_NOTES) block_give(c->epoch[0]);
	c->count = 0;
}

/* Given a const cell, whose notes nobody then writes. */
static inline struct notes notes_of(const struct cell *cell)
{
	struct cell *c = (struct cell *)(uintptr_t)cell;
	if (LIKELY(c->count <= CELL_NOTES))
		return (struct notes){ c->count, CELL_NOTES, c->epoch, c->place, c->mask };
	struct more *more = &blocks[c->epoch[0]];
	return (struct notes){ c->count, MORE_NOTES, more->epoch, more->place, more->mask };
}

/* --- making room ----------------------------------------------------------------------------- */

static inline void note_put(struct notes *n, unsigned i, epoch_t epoch, place_t place, uint8_t mask)
{
	n->epoch[i] = epoch;
	n->place[i] = place;
	n->mask[i] = mask;
}

static void notes_copy(struct notes *to, const struct notes *from)
{
	for (unsigned i = 0; i < from->count; i++)
		note_put(to, i, from->epoch[i], from->place[i], from->mask[i]);
	to->count = from->count;
}

/* Drops what everybody comes after, and joins what differs only in where it was. */
static void notes_squeeze(struct notes *n)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < n->count; i++) {
		unsigned same = 0;
		if (n->mask[i] == 0 || clocks_settled(n->epoch[i])) continue;
		while (same < kept && n->epoch[same] != n->epoch[i]) same++;
		if (same < kept)
			n->mask[same] |= n->mask[i];
		else
			note_put(n, kept++, n->epoch[i], n->place[i], n->mask[i]);
	}
	n->count = kept;
}

/* Between the cell and a block, to where `count` notes belong. */
static void notes_move(struct cell *c, struct notes *n, unsigned count)
{
	const bool to_block = count > CELL_NOTES;
	const uint32_t block = to_block ? block_take() : c->epoch[0];
	struct more *more = &blocks[block];
	struct notes to = { 0, MORE_NOTES, more->epoch, more->place, more->mask };
	if (!to_block) to = (struct notes){ 0, CELL_NOTES, c->epoch, c->place, c->mask };
	notes_copy(&to, n);
	*n = to;
	if (to_block)
		c->epoch[0] = block;
	else
		block_give(block);
}

/* One more note, where there may be no room, or more than is needed. */
static NOINLINE void note_add(struct cell *c, struct notes *n, epoch_t mine, place_t place,
			      uint8_t mask)
{
	notes_squeeze(n);
	const unsigned count = n->count + 1;
	if ((count > CELL_NOTES) != (n->room > CELL_NOTES)) notes_move(c, n, count);
	note_put(n, n->count, mine, place, mask);
	c->count = (uint16_t)count;
}

/* --- accesses -------------------------------------------------------------------------------- */

static inline bool comes_after(epoch_t earlier, unsigned cpu)
{
	return race_known[cpu].of[epoch_cpu(earlier)] >= epoch_clock(earlier);
}

static inline bool is_among(const uint8_t *kinds, enum race_kind of, epoch_t e)
{
	return (kinds[of] >> epoch_kind(e) & 1) != 0;
}

static inline epoch_t time_of(epoch_t e)
{
	return e & ~((epoch_t)3 << EPOCH_CPU_BITS);
}

/* Whether an access `mine` to these bytes says nothing that note i does not say. */
static inline bool says_it(const struct notes *n, unsigned i, epoch_t mine, uint8_t mask)
{
	return time_of(n->epoch[i]) == time_of(mine) && (mask & ~n->mask[i]) == 0 &&
	       is_among(takes_out, epoch_kind(n->epoch[i]), mine);
}

void cell_access(struct cell *c, size_t at, uint8_t mask, epoch_t mine, place_t place)
{
	const enum race_kind kind = epoch_kind(mine);
	struct notes n = notes_of(c);
	unsigned used = 0, empty = n.room, same = n.room;
	for (unsigned i = 0; i < n.count; i++) {
		const epoch_t e = n.epoch[i];
		if ((n.mask[i] & mask) != 0) {
			if (says_it(&n, i, mine, mask)) return;
			const bool ordered = comes_after(e, epoch_cpu(mine));
			if (UNLIKELY(!ordered && is_among(conflicts, kind, e)))
				race_report(at + bit_lowest(n.mask[i] & mask), mine, place, e,
					    n.place[i]);
			if (ordered && is_among(takes_out, kind, e)) n.mask[i] &= (uint8_t)~mask;
		}
		if (n.mask[i] == 0) {
			empty = i;
			continue;
		}
		used = i + 1;
		if (e == mine && n.place[i] == place) same = i;
	}
	const unsigned i = same < n.room ? same : empty < used ? empty : used;
	if (UNLIKELY(n.room > CELL_NOTES || i == CELL_NOTES)) {
		n.count = used;
		note_add(c, &n, mine, place, mask);
		return;
	}
	note_put(&n, i, mine, place, same < n.room ? n.mask[i] | mask : mask);
	c->count = (uint16_t)(used > i ? used : i + 1);
}

void cell_look(const struct cell *c, size_t at, epoch_t mine, place_t place)
{
	const struct notes n = notes_of(c);
	for (unsigned i = 0; i < n.count; i++)
		if (n.mask[i] != 0 && !comes_after(n.epoch[i], epoch_cpu(mine)))
			race_report(at + bit_lowest(n.mask[i]), mine, place, n.epoch[i],
				    n.place[i]);
}
