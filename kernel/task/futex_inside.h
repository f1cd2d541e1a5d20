/*
 * futex_inside.h -- what the files of the futexes share: keys, rows, buckets.
 */
#ifndef KERNEL_TASK_FUTEX_INSIDE_H
#define KERNEL_TASK_FUTEX_INSIDE_H

#include "kernel/abi.h"
#include "kernel/task/futex.h"
#include "mm/user_word.h"

/* A word, whoever looks at it: `object` is its space or its backing, `at` an address or offset. */
struct futex_key {
	const void *object;
	uint64_t at;
	struct backing
		*held; /* what `object` is kept alive by, or NULL: its space is the caller's */
	struct futex_row *row; /* where those are who wait for it */
	struct list *bucket;
};

/* Letters: (l) by the row's lock. */
struct futex_waiter {
	struct list link;      /* (l) in a bucket, until a waker takes it out */
	struct futex_key key;  /* (l) */
	uint32_t bits;         /* fixed */
	struct thread *thread; /* fixed */
};

struct futex_row {
	struct wait_queue asleep; /* RANK_FUTEX: its lock is the row's; all its waiters' threads */
	uint32_t waiting;         /* (l) */
	struct list *buckets;     /* (l) table->buckets of them */
};

struct futex_table {
	struct kmalloc *memory;
	struct sched *sched;
	uint32_t rows;    /* for private words; row 0, for shared ones, is one more */
	uint32_t buckets; /* of each */
	struct futex_row *row;
};

/* Which word it is; a shared one's page is brought in (`to_write`: so that it can be written).  The
 * key is to be dropped.  0, -ERR_INVAL or -ERR_FAULT. */
int futex_key_of(struct futex_table *f, const struct futex_at *at, bool to_write,
		 struct futex_key *key);
void futex_key_drop(struct futex_key *key);
static inline bool futex_key_same(const struct futex_key *a, const struct futex_key *b)
{
	return a->at == b->at && a->object == b->object;
}

/* Takes it out and wakes it; false: something else has.  The row's lock is held. */
bool futex_wake_waiter(struct futex_table *f, struct futex_waiter *w);

/* Wakes at one key, the lock of its row held; how many. */
int64_t futex_wake_locked(struct futex_table *f, const struct futex_key *key, int32_t most,
			  uint32_t bits);

#endif
