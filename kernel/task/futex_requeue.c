/*
 * futex_requeue.c -- futexes: calls that are about two words, in one step.
 *
 * Both words are in one row (futex.c), whose lock is held from the look at a word to the last
 * waiter woken or moved: nobody can see some of it done.  In between nothing faults: a word that is
 * away is brought in without the lock, and all begins again.
 *
 * A waiter that is moved goes on sleeping; its key becomes the other word's.  Where that is a word
 * of a backing the waiter holds that one from then on, for its own key may be all that keeps it.
 *
 * Locks: the row's.  Cost: the lengths of the two buckets.
 */
#include "kernel/task/futex_inside.h"

/* The keys of both words, or an error with neither. */
static int futex_keys_of(struct futex_table *f, const struct futex_at at[2], bool second_to_write,
			 struct futex_key key[2])
{
	ASSERT(at[0].shared == at[1].shared);
	int wrong = futex_key_of(f, &at[0], false, &key[0]);
	if (wrong != 0) return wrong;
	wrong = futex_key_of(f, &at[1], second_to_write, &key[1]);
	if (wrong != 0) {
		futex_key_drop(&key[0]);
		return wrong;
	}
	return 0;
}

static void futex_keys_drop(struct futex_key key[2])
{
	futex_key_drop(&key[0]);
	futex_key_drop(&key[1]);
}

/* --- requeue --------------------------------------------------------------------------------- */

/* The backing that it waited for is given back later, without locks: it goes to the caller. */
static struct backing *futex_move(struct futex_waiter *w, const struct futex_key *to)
{
	struct backing *was = w->key.held;

	if (to->held != NULL) backing_hold(to->held);
	list_remove(&w->link);
	w->key.object = to->object; /* its row is the same, and may be read at this moment */
	w->key.at = to->at;
	w->key.held = to->held;
	w->key.bucket = to->bucket;
	list_add_last(to->bucket, &w->link);
	return was;
}

/* One who waits at key[0] and was not looked at yet: those that stay there are moved to themselves,
 * which is nothing. */
static struct futex_waiter *futex_next(const struct futex_key *key, struct list *from)
{
	for (struct list *link = from; link != key->bucket; link = link->next) {
		struct futex_waiter *w = CONTAINER_OF(link, struct futex_waiter, link);
		if (futex_key_same(&w->key, key)) return w;
	}
	return NULL;
}

struct requeue {
	int32_t wake, move;
	int64_t done;
	uint32_t drops; /* holds of key[0]'s backing that came back */
};

static void futex_requeue_locked(struct futex_table *f, const struct futex_key key[2],
				 struct requeue *q)
{
	const bool same = futex_key_same(&key[0], &key[1]);
	struct futex_waiter *w = futex_next(&key[0], key[0].bucket->next);

	while (w != NULL && q->done - q->wake < q->move) {
		struct list *after = w->link.next;
		if (q->done < q->wake)
			q->done += futex_wake_waiter(f, w);
		else {
			q->done++;
			if (!same && futex_move(w, &key[1]) != NULL) q->drops++;
		}
		w = futex_next(&key[0], after);
	}
}

/* 0, -ERR_AGAIN, or -ERR_FAULT for a look that would fault now. */
static int futex_requeue_once(struct futex_table *f, const struct futex_at *from,
			      const struct futex_key key[2], const uint32_t *value,
			      struct requeue *q)
{
	const mach_irq_t was = wait_enter(&key[0].row->asleep);
	uint32_t found;
	int answer = 0;

	ASSERT(key[0].row == key[1].row);
	if (value != NULL && user_word_read(from->space, from->va, &found) != WORD_DONE)
		answer = -ERR_FAULT;
	else if (value != NULL && found != *value)
		answer = -ERR_AGAIN;
	else
		futex_requeue_locked(f, key, q);
	wait_leave(&key[0].row->asleep, was);
	return answer;
}

int64_t futex_requeue(struct futex_table *f, const struct futex_at *from, const struct futex_at *to,
		      int32_t wake, int32_t move, const uint32_t *value)
{
	const struct futex_at at[2] = { *from, *to };
	struct requeue q = { .wake = wake, .move = move };
	struct futex_key key[2];

	if (wake < 0 || move < 0) return -ERR_INVAL;
	const int wrong = futex_keys_of(f, at, false, key);
	if (wrong != 0) return wrong;
	int answer = futex_requeue_once(f, from, key, value, &q);
	while (answer == -ERR_FAULT && user_word_touch(from->space, from->va, MACH_LOAD))
		answer = futex_requeue_once(f, from, key, value, &q);
	while (q.drops-- != 0) backing_drop(key[0].held);
	futex_keys_drop(key);
	return answer != 0 ? answer : q.done;
}

/* --- wake_op --------------------------------------------------------------------------------- */

struct futex_op {
	uint32_t op, compare;
	int32_t arg, with;
};

/* The upper bits of a field are its sign. */
static int32_t signed_bits(uint32_t field, uint32_t bits)
{
	const uint32_t sign = 1u << (bits - 1);
	return (int32_t)((field ^ sign) - sign);
}

static struct futex_op futex_op_of(uint32_t word)
{
	struct futex_op op = {
		.op = word >> 28 & 7,
		.compare = word >> 24 & 15,
		.arg = signed_bits(word >> 12 & 0xfff, 12),
		.with = signed_bits(word & 0xfff, 12),
	};

	if ((word >> 28 & FUTEX_OP_OPARG_SHIFT) != 0) op.arg = (int32_t)(1u << (op.arg & 31));
	return op;
}

/* False: there is no such operation. */
static bool futex_op_apply(const struct futex_op *op, uint32_t was, uint32_t *now)
{
	const uint32_t arg = (uint32_t)op->arg;

	switch (op->op) {
	case FUTEX_OP_SET: *now = arg; return true;
	case FUTEX_OP_ADD: *now = was + arg; return true;
	case FUTEX_OP_OR: *now = was | arg; return true;
	case FUTEX_OP_ANDN: *now = was & ~arg; return true;
	case FUTEX_OP_XOR: *now = was ^ arg; return true;
	default: return false;
	}
}

/* 1 or 0; -ERR_NOSYS: there is no such comparison. */
static int futex_op_compare(const struct futex_op *op, uint32_t found)
{
	const int32_t was = (int32_t)found;

	switch (op->compare) {
	case FUTEX_OP_CMP_EQ: return was == op->with;
	case FUTEX_OP_CMP_NE: return was != op->with;
	case FUTEX_OP_CMP_LT: return was < op->with;
	case FUTEX_OP_CMP_LE: return was <= op->with;
	case FUTEX_OP_CMP_GT: return was > op->with;
	case FUTEX_OP_CMP_GE: return was >= op->with;
	default: return -ERR_NOSYS;
	}
}

/* Changes the word: 1 or 0, as it compares; -ERR_NOSYS; -ERR_FAULT for what would fault now. */
static int futex_op_do(const struct futex_at *to, const struct futex_op *op)
{
	uint32_t was, now;

	if (user_word_read(to->space, to->va, &was) != WORD_DONE) return -ERR_FAULT;
	for (;;) {
		if (!futex_op_apply(op, was, &now)) return -ERR_NOSYS;
		const enum user_word did = user_word_change(to->space, to->va, was, now, &was);
		if (did == WORD_AWAY) return -ERR_FAULT;
		if (did == WORD_DONE) return futex_op_compare(op, was);
	}
}

struct wakes {
	int32_t first, second;
};

static int64_t futex_wake_op_once(struct futex_table *f, const struct futex_at *to,
				  const struct futex_key key[2], struct wakes wakes,
				  const struct futex_op *op)
{
	const mach_irq_t was = wait_enter(&key[0].row->asleep);
	const int compares = futex_op_do(to, op);
	int64_t answer = compares;

	ASSERT(key[0].row == key[1].row);
	if (compares >= 0)
		answer = futex_wake_locked(f, &key[0], wakes.first, FUTEX_BITSET_MATCH_ANY);
	if (compares > 0)
		answer += futex_wake_locked(f, &key[1], wakes.second, FUTEX_BITSET_MATCH_ANY);
	wait_leave(&key[0].row->asleep, was);
	return answer;
}

int64_t futex_wake_op(struct futex_table *f, const struct futex_at *from, const struct futex_at *to,
		      int32_t wake, int32_t wake_to, uint32_t op)
{
	const struct futex_at at[2] = { *from, *to };
	const struct wakes wakes = { wake, wake_to };
	const struct futex_op what = futex_op_of(op);
	struct futex_key key[2];

	const int wrong = futex_keys_of(f, at, true, key);
	if (wrong != 0) return wrong;
	int64_t answer = futex_wake_op_once(f, to, key, wakes, &what);
	while (answer == -ERR_FAULT && user_word_touch(to->space, to->va, MACH_STORE))
		answer = futex_wake_op_once(f, to, key, wakes, &what);
	futex_keys_drop(key);
	return answer;
}
