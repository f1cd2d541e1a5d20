/*
 * race_inside.h -- what the parts of the race detector share.  See race.c.
 */
#ifndef MACHINE_HOST_RACE_INSIDE_H
#define MACHINE_HOST_RACE_INSIDE_H

#include "machine/host/race.h"
#include "machine/host/symbol.h"

enum {
	RACE_GRAIN = 8,   /* bytes that share a cell */
	CELL_NOTES = 6,   /* what fits into a cell, which is a line of the processor's cache */
	MORE_NOTES = 256, /* per byte and CPU at most one of each kind */
	PAGE_CELLS = PAGE_SIZE / RACE_GRAIN,

	EPOCH_CPU_BITS = 3,
	EPOCH_KIND_BITS = 2,
	EPOCH_CLOCK_SHIFT = EPOCH_CPU_BITS + EPOCH_KIND_BITS,
	CLOCK_MAX = (1 << (31 - EPOCH_CLOCK_SHIFT)) - 1,

	PLACE_HOW_BITS = 4,
};
_Static_assert(CPUS_MAX == 1 << EPOCH_CPU_BITS, "a CPU's number must fit into an epoch");

/* One CPU's clock, in releases; signed, so that the processor can compare four at once. */
typedef int32_t race_clock_t;

struct race_vector {
	race_clock_t of[CPUS_MAX];
};

/* Who accessed when and how: clock, kind, CPU. */
typedef uint32_t epoch_t;

/* Where in the program, as an offset from its first byte, and an enum race_how. */
typedef uint32_t place_t;

static inline epoch_t epoch_make(race_clock_t clock, enum race_kind kind, unsigned cpu)
{
	return (uint32_t)clock << EPOCH_CLOCK_SHIFT | (uint32_t)kind << EPOCH_CPU_BITS | cpu;
}

static inline unsigned epoch_cpu(epoch_t e)
{
	return e & (CPUS_MAX - 1);
}

static inline enum race_kind epoch_kind(epoch_t e)
{
	return e >> EPOCH_CPU_BITS & 3;
}

static inline race_clock_t epoch_clock(epoch_t e)
{
	return (race_clock_t)(e >> EPOCH_CLOCK_SHIFT);
}

/* --- clocks (race_clock.c) -------------------------------------------------------------------- */

/* What each CPU knows of every CPU's clock. */
extern struct race_vector race_known[CPUS_MAX] HOST_NEAR;

void clocks_begin(unsigned cpus);

/* Whether whatever happens from now on, on any CPU, happens after `e`. */
bool clocks_settled(epoch_t e);

/* What words hand on, in the simulation number `run`. */
void sync_acquire(const void *word, uint32_t run);
void sync_release(const void *word, uint32_t run);
void sync_break(const void *word, uint32_t run); /* hands on nothing any more */
void sync_arena(size_t bytes);

/* --- ThreadSanitizer (tsan_memory.c) ---------------------------------------------------------- */

/* Bytes from offset `at` of the window on are read, or written, at once. */
void tsan_range(size_t at, size_t bytes, enum race_kind kind, const void *pc);

/* --- cells (race_cell.c) ---------------------------------------------------------------------- */

/*
 * What eight bytes have seen.  Note i says that the bytes of `mask[i]` were accessed at `epoch[i]`
 * from `place[i]`.  Where `count` exceeds CELL_NOTES, all of them are in the block `epoch[0]`.
 */
struct cell {
	/* Of the page when this was written; another: the cell is out of date. */
	_Alignas(64) uint32_t serial;
	uint16_t count;
	uint8_t mask[CELL_NOTES];
	epoch_t epoch[CELL_NOTES];
	place_t place[CELL_NOTES];
};
_Static_assert(sizeof(struct cell) == 64, "a cell is a line of the cache");

/* Notes an access to the bytes of `mask`, at offset `at` of the arena, or reports the race. */
void cell_access(struct cell *c, size_t at, uint8_t mask, epoch_t mine, place_t place);

/* Looks for a race as an access would, and notes nothing. */
void cell_look(const struct cell *c, size_t at, epoch_t mine, place_t place);
/* The cell's notes are given up. */
void cell_drop(struct cell *c);

void cells_arena(size_t cells);
void cells_begin(void);

/* --- reports (race_report.c) ------------------------------------------------------------------ */

static inline place_t place_make(const void *pc, enum race_how how)
{
	return (place_t)((uintptr_t)pc - symbol_base()) << PLACE_HOW_BITS | how;
}

/* What is said of a race at offset `at` of the arena: at most RACE_WORDS_BYTES. */
enum { RACE_WORDS_BYTES = 512 };
void race_words(char *out, size_t at, epoch_t mine, place_t place, epoch_t earlier,
		place_t earlier_place);

/* `mine` at `place` is about to happen at offset `at`, without an order to `earlier`. */
NORETURN void race_report(size_t at, epoch_t mine, place_t place, epoch_t earlier,
			  place_t earlier_place);

/* Which object an offset is in: noted when it is given. */
void given_arena(size_t bytes);
void given_note(size_t at, size_t bytes, place_t place);

#endif
