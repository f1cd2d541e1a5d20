/*
 * race.c -- finds data races among the virtual CPUs of a simulation.
 *
 * A race is two accesses to a byte by different CPUs, at least one of them a write and not both
 * atomic, with no order between them: neither happened before the other by a release and an acquire
 * of a word, by an interrupt sent and taken, by what one CPU does in turn, or by a chain of these
 * (C11, 5.1.2.4).  An order that only this run's schedule brought about is none.
 *
 * Complete for the run that is made: every race between accesses that are seen is found, at the
 * second of the two, whatever the sizes and overlaps; and nothing is reported that is none.  What
 * is not seen: memory outside the arena, and what code does that was not compiled to be seen: this
 * folder's, a harness's, a user program's (whose page tables have rules of their own, tlb_rules.c).
 * Nor is what two contexts or an interrupt do on one CPU a race here: a CPU's doings are in order.
 *
 * Every eight bytes of the arena have a cell (race_cell.c); who happened before whom is told by
 * vector clocks (race_clock.c).
 *
 * Memory that changes hands.  To free is to write: poisoning counts as a write of all the bytes,
 * so an access by another CPU, before or after, that has no order to it is a race, also where ASan
 * sees nothing wrong because somebody has the memory again.  To be given memory is nothing: its new
 * owner comes after the free because the allocator's lock says so, and where it does not, the first
 * write races with the free.  The clocks that a freed lock's word handed on may stay: who finds
 * them in another lock comes after the free, hence after all of them, or races with it.
 *
 * A page that is written whole (freed, cleared) gets one note for all of its cells, and a new
 * serial; a cell of another serial than its page's is out of date and stands for that note.
 *
 * Always true:
 *   R1  a cell counts only when its serial is that of its page, a page only when its run is the
 *       one under way: so a run begins with nothing known, at no cost;
 *   R2  every cell of a page that counts has its bit in the page's `used`.
 *
 * Locks: none.  Cost: race_access about 5 ns; a free 3 ns for each 8 bytes, or 100 ns and 5 for
 * each cell in use when it is a page; memory 8 bytes and more for each byte of the arena, of
 * address space, and of RAM only what is touched.
 */
#include "machine/host/race_inside.h"

#include <sys/mman.h>

#include "machine/host/arena.h"

struct page_note {
	uint32_t run, serial;
	epoch_t epoch; /* the last write of all of it; 0: none */
	place_t place;
	uint64_t used[PAGE_CELLS / 64];
};

struct race_window race_window;

static struct race_window arena;
static struct cell *cells;
static struct page_note *pages;
static uint32_t run;         /* number of the simulation; 0 before the first */
static uint32_t last_serial; /* every page of every run gets another */

/* --- beginning and end ----------------------------------------------------------------------- */

static void *map_anew(void *old, size_t old_bytes, size_t bytes)
{
	if (old != NULL) munmap(old, old_bytes);
	return host_map(bytes);
}

void race_arena(void *base, size_t bytes)
{
	if (!RACE_WATCHED) return;
	cells = map_anew(cells, arena.bytes * (sizeof(*cells) / RACE_GRAIN),
			 bytes * (sizeof(*cells) / RACE_GRAIN));
	pages = map_anew(pages, (arena.bytes >> PAGE_SHIFT) * sizeof(*pages),
			 (bytes >> PAGE_SHIFT) * sizeof(*pages));
	arena = (struct race_window){ (uintptr_t)base, bytes };
	cells_arena(bytes / RACE_GRAIN);
	sync_arena(bytes);
	given_arena(bytes);
	run = last_serial = 0;
}

/* When the numbers run out, all notes are thrown away and they begin again. */
void race_begin(unsigned cpus)
{
	if (!RACE_WATCHED) return;
	ASSERT(arena.bytes != 0);
	if (last_serial > UINT32_MAX / 2) race_arena((void *)arena.base, arena.bytes);
	run++;
	last_serial++;
	clocks_begin(cpus);
	cells_begin();
	race_window = arena;
}

void race_end(void)
{
	race_window.bytes = 0;
}

void race_aside(bool aside)
{
	race_window.bytes = aside || !RACE_WATCHED ? 0 : arena.bytes;
}

/* --- cells that count ------------------------------------------------------------------------ */

static NOINLINE void page_begin(struct page_note *page)
{
	*page = (struct page_note){ .run = run, .serial = ++last_serial };
}

static inline struct page_note *page_at(size_t at)
{
	struct page_note *page = &pages[at >> PAGE_SHIFT];
	if (UNLIKELY(page->run != run)) page_begin(page);
	return page;
}

static NOINLINE void cell_begin(struct cell *c, struct page_note *page, size_t at)
{
	const size_t n = at / RACE_GRAIN % PAGE_CELLS;
	page->used[n / 64] |= 1ull << n % 64;
	c->serial = page->serial;
	c->count = page->epoch != 0;
	c->mask[0] = 0xff;
	c->epoch[0] = page->epoch;
	c->place[0] = page->place;
}

static inline struct cell *cell_at(size_t at)
{
	struct page_note *page = page_at(at);
	struct cell *c = &cells[at / RACE_GRAIN];
	if (UNLIKELY(c->serial != page->serial)) cell_begin(c, page, at);
	return c;
}

/* --- accesses -------------------------------------------------------------------------------- */

static inline epoch_t epoch_now(enum race_kind kind)
{
	const unsigned cpu = mach_cpu();
	return epoch_make(race_known[cpu].of[cpu], kind, cpu);
}

/* Bytes `at` to end - 1, which share a cell. */
static inline void part_access(size_t at, size_t end, epoch_t mine, place_t place)
{
	struct cell *c = cell_at(at);
	const size_t first = at & ~(size_t)(RACE_GRAIN - 1);
	const unsigned mask = (1u << (end - first)) - (1u << (at - first));
	cell_access(c, first, (uint8_t)mask, mine, place);
}

/* A write of a page: what any of its bytes has seen must come before, and counts no more. */
static void page_write(size_t at, epoch_t mine, place_t place)
{
	struct page_note *page = page_at(at);
	const struct cell whole = {
		.count = page->epoch != 0,
		.epoch = { page->epoch },
		.place = { page->place },
		.mask = { 0xff },
	};
	cell_look(&whole, at, mine, place);
	for (size_t i = 0; i < COUNT_OF(page->used); i++) {
		for (uint64_t left = page->used[i]; left != 0; left &= left - 1) {
			const size_t cell_n = i * 64 + bit_lowest(left);
			struct cell *c = &cells[at / RACE_GRAIN + cell_n];
			cell_look(c, at + cell_n * RACE_GRAIN, mine, place);
			cell_drop(c);
		}
	}
	*page = (struct page_note){
		.run = run,
		.serial = ++last_serial,
		.epoch = mine,
		.place = place,
	};
}

static NOINLINE void range_access(size_t at, size_t end, epoch_t mine, place_t place)
{
	while (at < end) {
		if (epoch_kind(mine) == RACE_WRITE && is_aligned(at, PAGE_SIZE) &&
		    end - at >= PAGE_SIZE) {
			page_write(at, mine, place);
			at += PAGE_SIZE;
			continue;
		}
		const size_t next = min_u64(align_up(at + 1, RACE_GRAIN), end);
		part_access(at, next, mine, place);
		at = next;
	}
}

void race_access(size_t at, size_t bytes, enum race_kind kind, enum race_how how, const void *pc)
{
	const epoch_t mine = epoch_now(kind);
	const place_t place = place_make(pc, how);
	if (LIKELY(at % RACE_GRAIN + bytes <= RACE_GRAIN))
		part_access(at, at + bytes, mine, place);
	else
		range_access(at, at + bytes, mine, place);
}

void race_freed(const void *p, size_t bytes, const void *pc)
{
	const size_t at = race_offset(p);
	if (race_watches() && at < race_window.bytes)
		range_access(at, at + bytes, epoch_now(RACE_WRITE), place_make(pc, RACE_FREED));
}

/* Noted also between simulations: who has what is asked about later. */
void race_given(const void *p, size_t bytes, const void *pc)
{
	const size_t at = (uintptr_t)p - arena.base;
	if (RACE_WATCHED && at < arena.bytes) given_note(at, bytes, place_make(pc, RACE_RANGE));
}

/* --- atomic operations ----------------------------------------------------------------------- */

/* A word elsewhere is nobody's to race for, but it orders. */
static void word_access(const void *word, size_t bytes, enum race_kind kind, const void *pc)
{
	if (race_offset(word) < race_window.bytes)
		race_access(race_offset(word), bytes, kind,
			    bytes == 4 ? RACE_BYTES_4 : RACE_BYTES_8, pc);
}

/* Acquires first: what it finds counts for the access already. */
void race_acquire(const void *word, size_t bytes, const void *pc)
{
	sync_acquire(word, run);
	word_access(word, bytes, RACE_ATOMIC_READ, pc);
}

void race_release(const void *word, size_t bytes, const void *pc)
{
	word_access(word, bytes, RACE_ATOMIC_WRITE, pc);
	sync_release(word, run);
}

void race_acquire_release(const void *word, size_t bytes, const void *pc)
{
	sync_acquire(word, run);
	race_release(word, bytes, pc);
}

void race_peek(const void *word, size_t bytes, const void *pc)
{
	word_access(word, bytes, RACE_ATOMIC_READ, pc);
}

/* Who acquires from the word now finds a store that released nothing. */
void race_poke(const void *word, size_t bytes, const void *pc)
{
	sync_break(word, run);
	word_access(word, bytes, RACE_ATOMIC_WRITE, pc);
}
