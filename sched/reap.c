/*
 * reap.c -- giving back what the dead had: context, slot, and by config.reaped their stack.
 *
 * A thread is dead when its word says TERMINATED, and that is written by itself, on its own stack.
 * So it is reaped by somebody else, later: not before the incoming side of the switch away from it
 * has settled, which is where sched_bury() is called, once for each end.  Then in one of three
 * forms, chosen for a world:
 *
 *	REAP_AFTER_SWITCH  there and then, by the thread that the CPU goes on in;
 *	REAP_IN_IDLE       put into the CPU's queue of the dead, for its idle thread; and for
 *	                   anybody who finds no slot or calls sched_reap();
 *	REAP_BEFORE_NEXT   there and then too, but the CPU goes on in its idle thread first
 *	                   (sched_exit), so no other thread runs before everything is back.
 *
 * A CPU that never idles would keep its dead for ever.  So in the second form it has a collector, a
 * timer that is set when the first dead thread is queued and no longer than there are any: it comes
 * collect_ns later at the latest, whatever runs, and takes a bounded number in one interrupt.  An
 * idle CPU has no dead, and therefore no such timer.  From an end to its reaping, with n that ended
 * there before it and are dead still: collect_ns + n / COLLECT_MOST * slice_ns, at most.
 *
 * Each gives back once: a dead thread is in the hands of the CPU that left it, or in one queue, out
 * of which it is taken under a lock.  The order is context, slot, config.reaped: who hears of the
 * end finds the slot free, and the stack is given to somebody else only by who hears of it.
 *
 * Locks: the table's guards the queues of the dead; a collector is its CPU's own.  Cost: about 150
 * instructions and the callback.
 */
#include "sched/sched_inside.h"

static void sched_reap_one(struct sched *s, struct thread *t)
{
	const struct thread_gone gone = {
		.id = thread_id_of(t),
		.owner = t->owner,
		.stack = t->stack,
		.stack_bytes = t->stack_bytes,
		.exit_code = t->exit_code,
	};

	ASSERT(!t->idle && !list_linked(&t->slot_link));
	mach_lock_none_held(RANK_NONE);
	mach_context_end(&t->context);
	thread_release(&s->table, t);
	if (s->config.reaped != NULL) s->config.reaped(s->config.arg, &gone);
}

/* While there are dead threads here: so much later, if not before. */
static void sched_collector_set(struct sched *s, struct sched_cpu *c, uint64_t after_ns)
{
	ASSERT(c == sched_here(s) && s->config.reap == REAP_IN_IDLE);
	if (s->config.collect_ns == 0 || c->collector.deadline_ns != UINT64_MAX) return;
	if (atomic_load_u32(&c->dead_count) == 0) return;
	if (timer_add(&c->timers, &c->collector, mach_now_ns() + after_ns, 0))
		sched_timers_changed(s);
}

void sched_bury(struct sched *s, struct sched_cpu *c, struct thread *t)
{
	if (s->config.reap != REAP_IN_IDLE) {
		sched_reap_one(s, t);
		return;
	}
	ASSERT(!t->idle && t != c->current && !list_linked(&t->slot_link));
	const mach_irq_t was = lock_take(&s->table.lock);
	list_add_last(&c->dead, &t->slot_link);
	atomic_store_u32(&c->dead_count, c->dead_count + 1);
	lock_drop(&s->table.lock, was);
	sched_collector_set(s, c, s->config.collect_ns);
}

/* The one that has been dead longest, out of its queue; NULL: none. */
static struct thread *sched_dead_of(struct sched *s, struct sched_cpu *c)
{
	if (atomic_load_u32(&c->dead_count) == 0) return NULL;
	const mach_irq_t was = lock_take(&s->table.lock);
	struct list *link = list_take_first(&c->dead);

	ASSERT((link != NULL) == (c->dead_count != 0));
	if (link != NULL) atomic_store_u32(&c->dead_count, c->dead_count - 1);
	lock_drop(&s->table.lock, was);
	return link != NULL ? CONTAINER_OF(link, struct thread, slot_link) : NULL;
}

static uint32_t sched_reap_some(struct sched *s, struct sched_cpu *c, uint32_t most)
{
	uint32_t reaped = 0;
	struct thread *t;

	while (reaped < most && (t = sched_dead_of(s, c)) != NULL) {
		sched_reap_one(s, t);
		reaped++;
	}
	return reaped;
}

uint32_t sched_reap_of(struct sched *s, struct sched_cpu *c)
{
	return sched_reap_some(s, c, UINT32_MAX);
}

uint32_t sched_reap(struct sched *s)
{
	uint32_t reaped = 0;

	for (uint32_t i = 0; i < s->config.cpus; i++) reaped += sched_reap_of(s, &s->cpu[i]);
	return reaped;
}

/* --- the collector ---------------------------------------------------------------------------- */

static void sched_collect(void *arg, struct timer *timer, uint64_t cookie)
{
	struct sched *s = arg;
	struct sched_cpu *c = sched_here(s);

	ASSERT(timer == &c->collector && cookie == 0);
	sched_reap_some(s, c, COLLECT_MOST);
	sched_collector_set(s, c, s->config.slice_ns);
}

void sched_collector_init(struct sched_cpu *c)
{
	timer_init(&c->collector, sched_collect);
}

void sched_collector_rest(struct sched_cpu *c)
{
	ASSERT(mach_irq_masked());
	if (c->collector.deadline_ns != UINT64_MAX) (void)timer_cancel(&c->timers, &c->collector);
}
