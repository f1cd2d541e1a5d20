/*
 * futex.c -- futexes: words, their rows, waiting and waking.
 *
 * A word's key is its space and address, or its backing and offset.  All private words of a space
 * are in one row of the table, and all shared ones in row 0, so one lock is enough for a requeue:
 * its two words are of one space and kind.  A row has buckets, by a hash of the word.
 *
 * Who waits takes the row's lock, looks at the word without a fault, links itself into the bucket,
 * and sleeps, in one step with dropping the lock: it is that of the row's wait queue.  A waker
 * takes it too, after the word was changed: so it either finds the waiter linked, and asleep, or
 * was there before the waiter looked, and then the waiter sees the new value.
 *
 * A waker takes who it wakes out of its bucket; a waiter that a deadline or a signal woke does that
 * itself, when it has the lock again, and no wake is spent on it before.  So a waiter is there as
 * long as somebody could look at it, and may be on a stack.
 *
 * Always true (futex_check):
 *   F1  a waiter is in the bucket of its key;
 *   F2  `waiting` of a row is how many are in its buckets.
 *
 * Locks: a row's (RANK_FUTEX), then the space's.  No fault is answered and nothing is allocated
 * under it.  Cost: about 250 instructions to wait and 100 to wake, besides the scheduler's; both
 * look at each waiter of their bucket.
 */
#include "kernel/task/futex_inside.h"

/* --- the table ------------------------------------------------------------------------------- */

static size_t table_bytes(uint32_t rows, uint32_t buckets)
{
	return sizeof(struct futex_table) +
	       (size_t)(rows + 1) * (sizeof(struct futex_row) + buckets * sizeof(struct list));
}

struct futex_table *futex_open(struct kmalloc *memory, struct sched *s, uint32_t rows,
			       uint32_t buckets)
{
	ASSERT(is_power_of_two(rows) && is_power_of_two(buckets));
	struct futex_table *f = kmalloc_alloc(memory, table_bytes(rows, buckets), 0, SITE_NONE);
	if (f == NULL) return NULL;
	*f = (struct futex_table){ .memory = memory, .sched = s, .rows = rows, .buckets = buckets };
	f->row = (struct futex_row *)(f + 1);
	struct list *bucket = (struct list *)(f->row + rows + 1);
	for (uint32_t n = 0; n <= rows; n++) {
		f->row[n] = (struct futex_row){ .buckets = bucket };
		wait_init(&f->row[n].asleep, RANK_FUTEX);
		for (uint32_t b = 0; b < buckets; b++) list_init(bucket++);
	}
	return f;
}

void futex_close(struct futex_table *f)
{
	for (uint32_t n = 0; n <= f->rows; n++) ASSERT(f->row[n].waiting == 0);
	ASSERT(kmalloc_free(f->memory, f) == KMALLOC_FREED);
}

/* --- keys ------------------------------------------------------------------------------------ */

/* Spreads all bits of a number over the upper ones (Knuth's multiplicative hash). */
static uint32_t futex_hash(uint64_t n)
{
	return (uint32_t)(n * 0x9e3779b97f4a7c15ull >> 32);
}

/* `number` of an object, the same in every run: not its address. */
static uint64_t object_number(const void *object)
{
	return mach_pa_untrusted(object) >> 4;
}

static void futex_place(struct futex_table *f, struct futex_key *key, bool shared)
{
	const uint64_t number = object_number(key->object);
	const uint32_t row = shared ? 0 : 1 + (futex_hash(number) & (f->rows - 1));

	key->row = &f->row[row];
	key->bucket = &key->row->buckets[futex_hash(number ^ key->at >> 2) & (f->buckets - 1)];
}

int futex_key_of(struct futex_table *f, const struct futex_at *at, bool to_write,
		 struct futex_key *key)
{
	struct user_word_name name = { .offset = at->va };

	if (!is_aligned(at->va, sizeof(uint32_t))) return -ERR_INVAL;
	if (at->va >= USER_END) return -ERR_FAULT;
	if (at->shared && !user_word_name(at->space, at->va, to_write, &name)) return -ERR_FAULT;
	*key = (struct futex_key){ .object = at->space, .at = name.offset, .held = name.backing };
	if (name.backing != NULL) key->object = name.backing;
	futex_place(f, key, at->shared);
	return 0;
}

void futex_key_drop(struct futex_key *key)
{
	if (key->held != NULL) backing_drop(key->held);
	key->held = NULL;
}

/* --- waiting --------------------------------------------------------------------------------- */

/* With the row's lock: sleeps if the word is `value`.  -ERR_FAULT: a look would fault now. */
static int futex_wait_locked(struct futex_table *f, const struct futex_at *at, uint32_t value,
			     struct futex_waiter *w, uint64_t deadline_ns)
{
	struct futex_row *row = w->key.row;
	uint32_t found;

	if (user_word_read(at->space, at->va, &found) != WORD_DONE) return -ERR_FAULT;
	if (found != value) return -ERR_AGAIN;
	list_add_last(w->key.bucket, &w->link);
	row->waiting++;
	const enum wait_result result = wait_sleep_heeding(f->sched, &row->asleep, deadline_ns);
	ASSERT(list_linked(&w->link) == (result != WAIT_WOKEN));
	if (result == WAIT_WOKEN) return 0;
	list_remove(&w->link);
	row->waiting--;
	return result == WAIT_TIMEOUT ? -ERR_TIMEDOUT : -ERR_INTR;
}

static int futex_wait_once(struct futex_table *f, const struct futex_at *at, uint32_t value,
			   struct futex_waiter *w, uint64_t deadline_ns)
{
	struct futex_row *row = w->key.row; /* a requeue does not change it */
	const mach_irq_t was = wait_enter(&row->asleep);
	const int answer = futex_wait_locked(f, at, value, w, deadline_ns);

	wait_leave(&row->asleep, was);
	return answer;
}

int64_t futex_wait(struct futex_table *f, const struct futex_at *at, uint32_t value, uint32_t bits,
		   uint64_t deadline_ns)
{
	struct futex_waiter w;

	if (bits == 0) return -ERR_INVAL;
	const int wrong = futex_key_of(f, at, false, &w.key);
	if (wrong != 0) return wrong;
	w.bits = bits;
	w.thread = sched_current(f->sched);
	list_init(&w.link);
	int answer = futex_wait_once(f, at, value, &w, deadline_ns);
	while (answer == -ERR_FAULT && user_word_touch(at->space, at->va, MACH_LOAD))
		answer = futex_wait_once(f, at, value, &w, deadline_ns);
	futex_key_drop(&w.key);
	return answer;
}

/* --- waking ---------------------------------------------------------------------------------- */

bool futex_wake_waiter(struct futex_table *f, struct futex_waiter *w)
{
	struct futex_row *row = w->key.row;

	if (!wait_wake_thread(f->sched, &row->asleep, w->thread)) return false;
	ASSERT(row->waiting != 0);
	list_remove(&w->link);
	row->waiting--;
	return true;
}

int64_t futex_wake_locked(struct futex_table *f, const struct futex_key *key, int32_t most,
			  uint32_t bits)
{
	int32_t woken = 0;

	for (struct list *link = key->bucket->next, *next; link != key->bucket; link = next) {
		struct futex_waiter *w = CONTAINER_OF(link, struct futex_waiter, link);
		next = link->next;
		if ((w->bits & bits) == 0 || !futex_key_same(&w->key, key)) continue;
		if (futex_wake_waiter(f, w) && ++woken >= most) break;
	}
	return woken;
}

int64_t futex_wake(struct futex_table *f, const struct futex_at *at, int32_t most, uint32_t bits)
{
	struct futex_key key;

	if (bits == 0) return -ERR_INVAL;
	const int wrong = futex_key_of(f, at, false, &key);
	if (wrong != 0) return wrong;
	const mach_irq_t was = wait_enter(&key.row->asleep);
	const int64_t woken = futex_wake_locked(f, &key, most, bits);
	wait_leave(&key.row->asleep, was);
	futex_key_drop(&key);
	return woken;
}

/* --- looking --------------------------------------------------------------------------------- */

uint32_t futex_waiting(struct futex_table *f)
{
	uint32_t waiting = 0;

	for (uint32_t n = 0; n <= f->rows; n++) {
		const mach_irq_t was = wait_enter(&f->row[n].asleep);
		waiting += f->row[n].waiting;
		wait_leave(&f->row[n].asleep, was);
	}
	return waiting;
}

static const char *row_check_locked(const struct futex_table *f, const struct futex_row *row)
{
	uint32_t waiting = 0;

	for (uint32_t b = 0; b < f->buckets; b++) {
		const struct list *head = &row->buckets[b];
		for (const struct list *link = head->next; link != head; link = link->next) {
			const struct futex_waiter *w = CONTAINER_OF((struct list *)(uintptr_t)link,
								    struct futex_waiter, link);
			if (link->next->prev != link) return "F1: links do not meet";
			if (w->key.bucket != head) return "F1: a waiter is in a strange bucket";
			waiting++;
		}
	}
	return waiting == row->waiting ? NULL : "F2: not so many wait";
}

const char *futex_check(struct futex_table *f)
{
	const char *wrong = NULL;

	for (uint32_t n = 0; n <= f->rows && wrong == NULL; n++) {
		const mach_irq_t was = wait_enter(&f->row[n].asleep);
		wrong = row_check_locked(f, &f->row[n]);
		wait_leave(&f->row[n].asleep, was);
	}
	return wrong;
}
