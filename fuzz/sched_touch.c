/*
 * sched_touch.c -- what mutexes and queues guard.
 *
 * Plain words in the arena, which only an owner, or who has the queue's lock, may touch.  Compiled
 * where each load and store is a point, so that somebody else may come in between, and where races
 * are looked for: a mutex that does not order its owners shows here, though nobody is inside twice.
 */
#include "fuzz/sched_world.h"

void owned_enter(struct owned *o, uint32_t who)
{
	if (o->inside != 0)
		kpanic(ORACLE_OVERLAP, "threads %lu and %u own one mutex",
		       (unsigned long)o->inside - 1, who);
	o->inside = who + 1;
	o->value++;
}

void owned_leave(struct owned *o, uint32_t who)
{
	if (o->inside != who + 1)
		kpanic(ORACLE_OVERLAP, "thread %u has a mutex, and %lu is inside", who,
		       (unsigned long)o->inside);
	o->inside = 0;
}

bool queue_take_unit(struct queue *q)
{
	if (q->units == 0) return false;
	q->units--;
	return true;
}

void queue_add_units(struct queue *q, uint32_t units)
{
	q->units += units;
}

bool calls_take(struct calls *c, unsigned lane)
{
	const bool was = (c->lanes >> lane & 1) != 0;
	c->lanes &= ~(1u << lane);
	return was;
}

void calls_add(struct calls *c, uint32_t lanes)
{
	c->lanes |= lanes;
}
