/*
 * futex.h -- Linux's futexes: waiting until a word of memory is said to have changed.
 *
 * Who waits names a word and the value that it is to have; the look at the word and the falling
 * asleep are one step that no waker comes between.  The kernel keeps nothing about a word that
 * nobody waits for, and a waiter is on its own kernel stack, so nothing is allocated.
 *
 * A word is private (of one space, by its address: FUTEX_PRIVATE_FLAG), or shared: then a word of a
 * file or of shared memory is the same wherever it is mapped, and any other is its space's.  Waits
 * for private words are not seen by wakes of shared ones, nor the other way round, as on Linux.
 *
 * A table is made for a kernel with what it has of memory: `rows` for private words, chosen by
 * space, each with its own lock, and one for shared ones; `buckets` in each, chosen by word.
 *
 * Answers are Linux's, errors negated.  All are for threads, with interrupts unmasked and no lock
 * held.  They look at the users' memory that they name and at nothing else.
 */
#ifndef KERNEL_TASK_FUTEX_H
#define KERNEL_TASK_FUTEX_H

#include "mm/kmalloc.h"
#include "mm/space.h"
#include "sched/wait.h"

struct futex_table;

/* `rows` and `buckets`: powers of two.  NULL without memory. */
struct futex_table *futex_open(struct kmalloc *memory, struct sched *s, uint32_t rows,
			       uint32_t buckets);
void futex_close(struct futex_table *f); /* nobody waits */

/* Which word. */
struct futex_at {
	struct space *space;
	uint64_t va;
	bool shared;
};

/*
 * Sleeps until woken, if the word is `value`.  0: woken; -ERR_AGAIN: it is another value;
 * -ERR_TIMEDOUT: mach_now_ns() has reached deadline_ns (WAIT_FOREVER); -ERR_INTR: a signal came, or
 * the caller is to end; -ERR_FAULT, -ERR_INVAL (not a multiple of 4, bits 0).
 */
int64_t futex_wait(struct futex_table *f, const struct futex_at *at, uint32_t value, uint32_t bits,
		   uint64_t deadline_ns);

/* Wakes those who wait with any of these bits, first come first, until `most` are woken (but at
 * least one: Linux's habit for 0 and less).  How many. */
int64_t futex_wake(struct futex_table *f, const struct futex_at *at, int32_t most, uint32_t bits);

/*
 * Wakes up to `wake` of those at `from` and lets up to `move` others wait at `to` instead; how many
 * both were.  Both words are of one kind: shared or private.  `value` not NULL: only if the word at
 * `from` is that, else -ERR_AGAIN.  -ERR_INVAL: a number is negative.
 */
int64_t futex_requeue(struct futex_table *f, const struct futex_at *from, const struct futex_at *to,
		      int32_t wake, int32_t move, const uint32_t *value);

/* FUTEX_WAKE_OP: changes the word at `to` as `op` says, in one step; wakes `wake` at `from`, and
 * `wake_to` at `to` if what was there compares as `op` says.  How many; -ERR_NOSYS: no such op. */
int64_t futex_wake_op(struct futex_table *f, const struct futex_at *from, const struct futex_at *to,
		      int32_t wake, int32_t wake_to, uint32_t op);

/*
 * A thread with number `tid` ends: each robust futex of its list, at `head`, that it has still says
 * so (FUTEX_OWNER_DIED), and one who waits for it is woken.  Follows the list as far as it can be
 * read and no further than ROBUST_LIST_LIMIT.
 */
void futex_robust(struct futex_table *f, struct space *space, uint64_t head, uint32_t tid);

uint32_t futex_waiting(struct futex_table *f); /* who waits, in all rows */

/* NULL when sound, else what is wrong.  At any time. */
const char *futex_check(struct futex_table *f);

#endif
