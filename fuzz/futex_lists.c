/*
 * futex_lists.c -- subject futex: robust lists of threads that end.
 *
 * Each lane has a list of its own, in its part of the page: entries 1, 2 and 3 with their futex 8
 * bytes behind, and whatever the script does to the links.  Some of the locks are others': those
 * must stay as they are, and those of the thread that ends say that their owner died, as far as the
 * list leads there; all of them, where nothing was done to the links.
 *
 * Locks: none.
 */
#include "fuzz/futex_subject.h"
#include "mm/usercopy.h"

enum { TID_OF_OTHERS = ROBUST_TID + 1 };

static void put(struct space *s, uint64_t at, const void *from, size_t bytes)
{
	if (user_copy_out(s, at, from, bytes) != 0) kpanic(ORACLE_SPACE, "a page is not there");
}

static void robust_put(struct space *s, const struct robust_told *r)
{
	put(s, r->head, &r->link[0], sizeof r->link[0]);
	put(s, r->head + 8, r->fixed, sizeof r->fixed);
	for (uint32_t n = 1; n <= ROBUST_ENTRIES; n++) {
		const uint32_t value = (r->others >> (n - 1) & 1) != 0 ? TID_OF_OTHERS : ROBUST_TID;
		put(s, r->head + 64 * n, &r->link[n], sizeof r->link[n]);
		put(s, r->head + 64 * n + 8, &value, sizeof value);
	}
}

void futex_step_robust(struct run *run, const struct script_op *op)
{
	struct space *s = world_of(run)->space[op->aux & 1];
	const uint64_t head = AT_OF_ROBUST + futex_lane_now(run) * 256ull;
	const uint64_t strange[] = { head + 64, head, head + 128, 1ull << 62, head + 65, 8 };
	const uint32_t bend = (op->arg & 0xffff) % 12;
	struct robust_told list = {
		.head = head,
		.link = { head + 64, head + 128, head + 192, head },
		.fixed = { 8, (op->aux & 2) != 0 ? head + 192 : 0 },
		.others = (op->arg >> 16) % 8,
	};

	if (bend >= COUNT_OF(strange) / 2 && bend < 3 + COUNT_OF(strange))
		list.link[1 + bend % 3] = strange[bend - 3];
	robust_put(s, &list);
	futex_score_robust(run, op->aux & 1, &list);
	futex_robust(world_of(run)->table, s, head, ROBUST_TID);
	for (uint32_t n = 1; n <= ROBUST_ENTRIES; n++) {
		const bool other = (list.others >> (n - 1) & 1) != 0;
		uint32_t value = 0;
		(void)user_copy_in(s, &value, head + 64 * n + 8, sizeof value);
		futex_score_robust_word(run, op->aux & 1, head + 64 * n + 8, value);
		if (other ? value != TID_OF_OTHERS
			  : value != ROBUST_TID && value != FUTEX_OWNER_DIED)
			kpanic(ORACLE_CONTENT, "a futex of %u became %x",
			       other ? TID_OF_OTHERS : ROBUST_TID, value);
		if (!other && bend < 3 && value != FUTEX_OWNER_DIED)
			kpanic(ORACLE_VERDICT, "nobody heard that the owner of a lock died");
		run_result(run, value);
	}
	run_sometimes(run, SAW_ROBUST);
	lane_done(run);
}
