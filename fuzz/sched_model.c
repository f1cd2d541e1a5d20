/*
 * sched_model.c -- no ready thread is passed over.
 *
 * Each time a CPU changes threads, with the lock of its queue held, the queue is
 * looked at.  A less urgent thread does not go on while a more urgent one is ready there; and a
 * ready thread that was seen in this queue before, and has been in it ever since, has one fewer in
 * front of it for every thread of its priority that went on.  So it goes on within as many switches
 * as it had threads in front of it when it was first seen, which is what sched.h promises.  Whether
 * it was there ever since is known because what takes it away and brings it back leaves a trace:
 * having run (its count of switches), a steal (counts of all CPUs), a change of its priority or
 * affinity (operations of ours, which say so before and after).
 *
 * Compiled without points, and no atomic operation among what is done: so what is looked at stands
 * still meanwhile.
 */
#include "fuzz/sched_world.h"

/* Where a thread was when it was last seen ready. */
struct place {
	uint64_t id, switches, steals;
	uint32_t cpu, priority, changes, index;
};

static struct {
	struct place place[SLOTS_MAX];
	uint32_t changes[SLOTS_MAX]; /* of priority or affinity, that have begun or ended */
	uint32_t under_way[SLOTS_MAX];
} order;

void order_open(void)
{
	memset(&order, 0, sizeof(order));
}

void order_moves(thread_id id, bool begins)
{
	const uint32_t slot = (uint32_t)id;
	if (slot >= SLOTS_MAX) return;
	order.changes[slot]++;
	order.under_way[slot] += begins ? 1u : UINT32_MAX;
}

/* --- run queues ------------------------------------------------------------------------------- */

static uint64_t all_steals(const struct sched *s)
{
	uint64_t steals = 0;
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++) steals += s->cpu[cpu].steals;
	return steals;
}

static bool was_there(const struct place *before, const struct place *now)
{
	return before->id == now->id && before->switches == now->switches &&
	       before->steals == now->steals && before->cpu == now->cpu &&
	       before->priority == now->priority && before->changes == now->changes;
}

/* `passed`: one of its priority goes on. */
static void judge_place(const struct thread *t, const struct place *now, bool passed)
{
	struct place *before = &order.place[t->slot];
	if (order.under_way[t->slot] == 0 && was_there(before, now) &&
	    now->index + passed > before->index)
		kpanic(ORACLE_STARVATION, "thread %u had %u ready threads in front, and has %u",
		       t->slot, before->index, now->index);
	*before = *now;
	if (order.under_way[t->slot] != 0) before->id = THREAD_NONE;
}

static void judge_list(const struct sched *s, const struct sched_cpu *c, uint32_t priority,
		       bool passed)
{
	const struct list *head = &c->runq.queue[priority];
	struct place now = { .steals = all_steals(s), .cpu = c->runq.cpu, .priority = priority };
	for (const struct list *link = head->next; link != head; link = link->next) {
		const struct thread *t = CONTAINER_OF(link, struct thread, run_link);
		now.id = (uint64_t)thread_word_generation(t->word) << 32 | t->slot;
		now.switches = t->switches;
		now.changes = order.changes[t->slot];
		judge_place(t, &now, passed);
		now.index++;
	}
}

void order_enter(void *arg, struct thread *from, struct thread *to)
{
	const struct sched *s = sched_of(arg);
	const struct sched_cpu *c = &s->cpu[mach_cpu()];
	const bool reaps = to->idle && s->config.reap == REAP_BEFORE_NEXT;
	(void)from;
	sleepers_judge(arg);
	if (!to->idle) sleeper_goes_on(to);
	if (!to->idle && (to->affinity >> c->runq.cpu & 1) == 0)
		kpanic(ORACLE_VERDICT, "thread %u goes on where it may not be", to->slot);
	for (uint32_t p = 0; p < PRIORITIES; p++) {
		if (!reaps && p < to->priority && !list_empty(&c->runq.queue[p]))
			kpanic(ORACLE_STARVATION, "priority %u goes on, %u is ready", to->priority,
			       p);
		judge_list(s, c, p, p == to->priority);
	}
}
