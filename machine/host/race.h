/*
 * race.h -- finds data races among the virtual CPUs of a simulation.  For machine/host alone; what
 * counts as a race and how it is found stands in race.c, what is seen of a program in accesses.c.
 *
 * All of it is idle, and costs one comparison, unless the program was built to have its loads and
 * stores seen (HOST_WATCHED) and a simulation is under way: between race_begin() and race_end().
 */
#ifndef MACHINE_HOST_RACE_H
#define MACHINE_HOST_RACE_H

#include "machine/machine.h"

/* Given by the build file: 1 where portable code calls us at each load and store; 2 where besides
 * ThreadSanitizer stands behind all of this (tsan.c) and not race.c. */
enum { RACE_WATCHED = HOST_WATCHED != 0, RACE_BY_TSAN = HOST_WATCHED == 2 };

/* The memory that is watched now: `bytes` is 0 while there is no simulation. */
struct race_window {
	uintptr_t base;
	size_t bytes;
};
extern struct race_window race_window HOST_NEAR;

static inline bool race_watches(void)
{
	return RACE_WATCHED && race_window.bytes != 0;
}

/* A pointer's offset into what is watched; not below race_window.bytes: it is not watched. */
static inline size_t race_offset(const void *p)
{
	return (uintptr_t)p - race_window.base;
}

enum race_kind {
	RACE_READ,
	RACE_WRITE,
	RACE_ATOMIC_READ,
	RACE_ATOMIC_WRITE, /* also what reads and writes */
};

/* What an access was, for a report, beside its kind. */
enum race_how {
	RACE_BYTES_1,
	RACE_BYTES_2,
	RACE_BYTES_4,
	RACE_BYTES_8,
	RACE_BYTES_16,
	RACE_RANGE, /* by memcpy and the like */
	RACE_FREED, /* poisoned: becomes nobody's */
};

/* The arena is new, or as new: what is known of its bytes counts no more. */
void race_arena(void *base, size_t bytes);

/* A simulation with CPUs 0 to cpus - 1 begins: all that was done before it happened before every
 * access in it.  Ends: the same the other way round, so nobody looks any more. */
void race_begin(unsigned cpus);
void race_end(void);

/* In the middle of one: nobody looks, until this is taken back. */
void race_aside(bool aside);

/*
 * The CPU that runs is about to touch `bytes` bytes at offset `at` of the window; all of them lie
 * in it.  `pc` is where: a return address in the program.  Panics ("race") when another CPU has
 * touched one of them without an order between the two, and one of the two writes.
 */
void race_access(size_t at, size_t bytes, enum race_kind kind, enum race_how how, const void *pc);

/* `bytes` bytes at `p`, wherever that is, are about to become nobody's, or somebody's. */
void race_freed(const void *p, size_t bytes, const void *pc);
void race_given(const void *p, size_t bytes, const void *pc);

/* Atomic operations on a word of 4 or 8 bytes, at the moment at which they take effect: a load
 * that acquires, a store that releases, both in one; a load and a store that order nothing.  Only
 * while race_watches(). */
void race_acquire(const void *word, size_t bytes, const void *pc);
void race_release(const void *word, size_t bytes, const void *pc);
void race_acquire_release(const void *word, size_t bytes, const void *pc);
void race_peek(const void *word, size_t bytes, const void *pc);
void race_poke(const void *word, size_t bytes, const void *pc);

/* Interrupts: CPU `to` was sent one by the CPU that runs; the CPU that runs takes what was sent to
 * it, and now comes after all who sent. */
void race_interrupt_sent(unsigned to);
void race_interrupt_taken(void);

/* --- ThreadSanitizer alone (tsan.c) ----------------------------------------------------------- */

extern bool tsan_found HOST_NEAR; /* a race, and has not said so yet */
NORETURN void tsan_panic(void);
void tsan_turn_to(unsigned slot);
void tsan_look_away(bool away);
void tsan_stack_anew(void *stack, size_t bytes);

/* It tells of a race in the middle of an access, where nobody may leave; so it is asked at points,
 * and where a CPU's function ends. */
static inline void race_ask(void)
{
	if (RACE_BY_TSAN && UNLIKELY(tsan_found)) tsan_panic();
}

/* The turn is about to pass to that slot of cpu.c's: in a simulation that orders nothing, else what
 * one does is after what the other did. */
static inline void race_turn_to(unsigned slot)
{
	if (RACE_BY_TSAN) tsan_turn_to(slot);
}

/* A planner decides, who is no part of the machine, whatever it is compiled like; or is done. */
static inline void race_look_away(bool away)
{
	if (RACE_BY_TSAN) tsan_look_away(away);
}

/* A stack of the host's is about to be another context's: who had it before has nothing to do with
 * who has it now, as theirs are two stacks on the machine that this one stands for.  Its bytes are
 * zero after. */
static inline void race_stack_anew(void *stack, size_t bytes)
{
	if (RACE_BY_TSAN) tsan_stack_anew(stack, bytes);
}

#endif
