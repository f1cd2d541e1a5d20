/*
 * race_clock.c -- what happens before what: vector clocks of CPUs and of the words between them.
 *
 * CPU i has a clock, which counts its releases, and knows of every CPU's clock how far it is
 * behind it: race_known[i].  An access by CPU j at j's time t happened before what i does now
 * exactly when race_known[i].of[j] >= t (Lamport, "Time, clocks, and the ordering of events in a
 * distributed system", 1978; Mattern, "Virtual time and global states", 1989).
 *
 * A word on which atomic operations are made hands clocks on.  A release leaves the CPU's clocks
 * there in place of what was there, and starts its next time; an acquire takes over what it finds.
 * An operation that does both finds, then leaves: what it leaves includes what it found, so that
 * whoever acquires from it comes after the earlier releases too ("release sequence": C11,
 * 5.1.2.4).  A poke, which releases nothing, ends that.  A plain store leaves the clocks as they
 * are, though it orders nothing: whoever finds them behind it comes after the store, hence after
 * whoever left them, or the two race.
 *
 * Each word of 4 bytes of the arena has its own clocks, in memory that the system supplies when it
 * is first touched, so no two words are ever taken for one another; they would hide races.  A word
 * of 8 bytes uses those of its lower half.  Words elsewhere (a test's own lock) are found by a
 * hash table.
 *
 * Always true:
 *   C1  race_known[i].of[j] <= race_known[j].of[j];
 *   C2  a word's clocks count only when they were left in the run that is under way.
 *
 * Locks: none.  Cost: eight comparisons, four at a time.
 */
#include "machine/host/race_inside.h"

#include <sys/mman.h>

#include "machine/host/arena.h"
#include "machine/host/console.h"

enum { WORD_BYTES = 4, ELSEWHERE_BITS = 12 };

struct sync {
	uint32_t run; /* that they were left in */
	struct race_vector clocks;
};

struct sync_elsewhere {
	const void *word;
	struct sync sync;
};

struct race_vector race_known[CPUS_MAX];

static unsigned cpus;
static struct race_vector sent[CPUS_MAX]; /* with interrupts, to each CPU */

static struct sync *syncs; /* one for each word of the arena */
static size_t syncs_bytes;
static struct sync_elsewhere elsewhere[1 << ELSEWHERE_BITS];

/* --- vectors --------------------------------------------------------------------------------- */

static void vector_join(struct race_vector *to, const struct race_vector *from)
{
	for (unsigned i = 0; i < CPUS_MAX; i++)
		to->of[i] = from->of[i] > to->of[i] ? from->of[i] : to->of[i];
}

/* What this CPU does from here on comes after what it has let go, and is not known by it. */
static void clock_advance(unsigned cpu)
{
	ASSERT(race_known[cpu].of[cpu] < CLOCK_MAX);
	race_known[cpu].of[cpu]++;
}

void clocks_begin(unsigned count)
{
	ASSERT(count >= 1 && count <= CPUS_MAX);
	cpus = count;
	for (unsigned i = 0; i < CPUS_MAX; i++) {
		race_known[i] = (struct race_vector){ .of = { 0 } };
		race_known[i].of[i] = 1;
		sent[i] = (struct race_vector){ .of = { 0 } };
	}
}

bool clocks_settled(epoch_t e)
{
	for (unsigned i = 0; i < cpus; i++)
		if (race_known[i].of[epoch_cpu(e)] < epoch_clock(e)) return false;
	return true;
}

void race_interrupt_sent(unsigned to)
{
	if (!race_watches()) return;
	vector_join(&sent[to], &race_known[mach_cpu()]);
	clock_advance(mach_cpu());
}

void race_interrupt_taken(void)
{
	if (race_watches()) vector_join(&race_known[mach_cpu()], &sent[mach_cpu()]);
}

/* --- words ----------------------------------------------------------------------------------- */

void sync_arena(size_t bytes)
{
	if (syncs != NULL) munmap(syncs, syncs_bytes);
	syncs_bytes = bytes / WORD_BYTES * sizeof(struct sync);
	syncs = host_map(syncs_bytes);
	for (size_t i = 0; i < COUNT_OF(elsewhere); i++) elsewhere[i].sync.run = 0;
}

/* The slot of `word`, or the one that it will have. */
static struct sync *sync_elsewhere(const void *word, uint32_t run)
{
	const uint64_t mixed = (uintptr_t)word * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
	const size_t first = mixed >> (64 - ELSEWHERE_BITS);
	for (size_t i = 0; i < COUNT_OF(elsewhere); i++) {
		struct sync_elsewhere *e = &elsewhere[(first + i) % COUNT_OF(elsewhere)];
		if (e->sync.run == run && e->word != word) continue;
		e->word = word;
		return &e->sync;
	}
	host_die("host: more than %zu atomic words outside of memory", COUNT_OF(elsewhere));
}

static struct sync *sync_of(const void *word, uint32_t run)
{
	const size_t at = race_offset(word);
	return at < race_window.bytes ? &syncs[at / WORD_BYTES] : sync_elsewhere(word, run);
}

void sync_acquire(const void *word, uint32_t run)
{
	const struct sync *s = sync_of(word, run);
	if (s->run == run) vector_join(&race_known[mach_cpu()], &s->clocks);
}

void sync_release(const void *word, uint32_t run)
{
	struct sync *s = sync_of(word, run);
	s->run = run;
	s->clocks = race_known[mach_cpu()];
	clock_advance(mach_cpu());
}

void sync_break(const void *word, uint32_t run)
{
	sync_of(word, run)->clocks = (struct race_vector){ .of = { 0 } };
}
