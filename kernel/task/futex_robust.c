/*
 * futex_robust.c -- what a thread's end does to the robust futexes that it has.
 *
 * A program keeps a list of the locks that it has, in its own memory, and tells the kernel where;
 * each entry begins with the address of the next, and its futex stands at a fixed distance.  The
 * list is a stranger's: it may lead anywhere, into circles, or away while it is read.  It is
 * followed until it leads back to the head, or cannot be read, or for ROBUST_LIST_LIMIT entries; a
 * futex is touched only where a user could, and changed only if it says that the ending thread has
 * it.  `pending` is the one that the thread was about to take or to give back: it may be in the
 * list or not, and is done once, last.
 *
 * A PI futex (bit 0 of a link) is marked and nobody is woken: nobody can wait for one here.
 *
 * Locks: none across two accesses.  Cost: bounded by the limit.
 */
#include "kernel/task/futex_inside.h"
#include "mm/usercopy.h"

struct robust_entry {
	uint64_t at;
	bool pi;
};

static bool robust_fetch(struct space *s, uint64_t from, struct robust_entry *entry)
{
	uint64_t word;

	if (user_copy_in(s, &word, from, sizeof word) != 0) return false;
	*entry = (struct robust_entry){ .at = word & ~1ull, .pi = (word & 1) != 0 };
	return true;
}

/* Says in the futex at `va` that its owner is dead, if that was `tid`; *value is what it was.
 * False: it cannot be accessed. */
static bool robust_mark(struct space *s, uint64_t va, uint32_t tid, uint32_t *value, bool *marked)
{
	*marked = false;
	for (;;) {
		if (user_word_read(s, va, value) != WORD_DONE) {
			if (!user_word_touch(s, va, MACH_LOAD)) return false;
			continue;
		}
		if ((*value & FUTEX_TID_MASK) != tid) return true;
		const uint32_t dead = (*value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		switch (user_word_change(s, va, *value, dead, value)) {
		case WORD_DONE: *marked = true; return true;
		case WORD_DIFFERS: break;
		case WORD_AWAY:
			if (!user_word_touch(s, va, MACH_STORE)) return false;
		}
	}
}

/* False: the list is not to be followed any further. */
static bool robust_died(struct futex_table *f, struct space *s, const struct robust_entry *entry,
			uint64_t va, uint32_t tid, bool pending)
{
	const struct futex_at at = { s, va, true };
	uint32_t value;
	bool marked;

	if (!is_aligned(va, sizeof value) || !robust_mark(s, va, tid, &value, &marked))
		return false;
	const bool was_given_back = pending && value == 0;
	const bool has_waiters = marked && (value & FUTEX_WAITERS) != 0;
	if (!entry->pi && (was_given_back || has_waiters))
		(void)futex_wake(f, &at, 1, FUTEX_BITSET_MATCH_ANY);
	return true;
}

void futex_robust(struct futex_table *f, struct space *space, uint64_t head, uint32_t tid)
{
	struct robust_entry entry, pending, next;
	int64_t offset;

	const uint64_t offset_at =
		head + __builtin_offsetof(struct abi_robust_list_head, futex_offset);
	const uint64_t pending_at = head + __builtin_offsetof(struct abi_robust_list_head, pending);
	if (!robust_fetch(space, head, &entry)) return;
	if (user_copy_in(space, &offset, offset_at, sizeof offset) != 0) return;
	if (!robust_fetch(space, pending_at, &pending)) return;
	for (uint32_t n = 0; n < ROBUST_LIST_LIMIT && entry.at != head; n++) {
		const bool more = robust_fetch(space, entry.at, &next);
		if (entry.at != pending.at &&
		    !robust_died(f, space, &entry, entry.at + (uint64_t)offset, tid, false))
			return;
		if (!more) return;
		entry = next;
	}
	if (pending.at != 0)
		(void)robust_died(f, space, &pending, pending.at + (uint64_t)offset, tid, true);
}
