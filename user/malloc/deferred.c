/*
 * deferred.c -- the queue of deferred frees: blocks that realloc has left behind.
 *
 * A ring of (address, size) pairs.  Who resizes a block that must move gets the new one, and the
 * old one waits here: readable, counted as queued and no more as live.  It is released by the next
 * free, before that frees its own block; by the next allocation; when memory is short; at exit; and
 * when somebody asks.  A queue that is full is flushed before the next one enters: nothing is ever
 * dropped.  The documents' queue, of 16, dropped the 17th.
 *
 * An entry is taken out before its block is released, and a block in the queue says so in its head,
 * or its mapping's note: a second free of it is seen, and so is a release of what did not wait.
 *
 * Always true (umalloc_check): at most `deferred_slots` wait; each is QUEUED, of the size it
 * entered with; every QUEUED block is here once.
 *
 * Locks: the allocator's, for each part; who pushes and who flushes exclude each other.
 */
#include "user/malloc/inside.h"

/* Live once more, for a moment. */
static struct user_block take_first(struct umalloc *m)
{
	struct deferred_queue *q = &m->deferred;
	const struct deferred_entry e = q->entry[q->first];
	struct user_block u = { NULL, NULL };

	if (in_heap(m, e.at))
		u.block = block_of(e.at);
	else
		u.map = um_mapping_find(m, e.at);
	q->entry[q->first].at = NULL;
	q->first = (q->first + 1) % DEFERRED_FREE_SLOTS_MAX;
	q->count--;
	SOUND(m, u.block == NULL || block_state(u.block) == BLOCK_QUEUED, e.at);
	SOUND(m, u.block != NULL || (u.map != NULL && u.map->state == MAPPING_QUEUED), e.at);
	SOUND(m, user_granted(u) == e.bytes, e.at);
	if (u.block != NULL)
		block_set_state(u.block, BLOCK_LIVE);
	else
		u.map->state = MAPPING_LIVE;
	count_unqueued(m, user_units(u));
	return u;
}

UMALLOC_RARE void um_deferred_flush(struct umalloc *m, enum umalloc_flush_cause cause)
{
	if (m->stuck != 0) um_mapping_retry(m);
	m->flushes[cause] += m->deferred.count != 0;
	while (m->deferred.count != 0) um_user_release(m, take_first(m));
}

void um_deferred_push(struct umalloc *m, struct user_block u)
{
	struct deferred_queue *q = &m->deferred;
	void *at = u.block != NULL ? block_payload(u.block) : u.map->at;

	if (m->config.deferred_slots == 0) {
		um_user_release(m, u);
		return;
	}
	if (q->count >= m->config.deferred_slots) um_deferred_flush(m, UMALLOC_FLUSH_FULL);
	if (u.block != NULL)
		block_set_state(u.block, BLOCK_QUEUED);
	else
		u.map->state = MAPPING_QUEUED;
	q->entry[(q->first + q->count) % DEFERRED_FREE_SLOTS_MAX] =
		(struct deferred_entry){ at, user_granted(u) };
	q->count++;
	count_queued(m, user_units(u));
}
