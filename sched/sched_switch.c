/*
 * sched_switch.c -- leaving one thread for another.
 *
 * A switch is made with the run queue's lock held, from before the outgoing thread becomes anything
 * but RUNNING until after the CPU is off its stack:
 *
 *	outgoing  lock; RUNNING -> READY, WAITING or TERMINATED; choose; mach_context_switch()
 *	incoming  on its own stack: what was left behind is settled; unlock; bury it, if dead
 *
 * Whoever would run, steal, wake or reap the outgoing thread takes that lock first, so nobody gets
 * it before it has been left.  The incoming side is sched_switched(), in the middle of whatever
 * that thread had been doing when it left (a yield, a wait, an interrupt) or, in a new thread, its
 * first lines.  It asks anew which CPU it is on: the one that it left may have been another.
 *
 * A thread that may not stay on its CPU any more (its affinity was changed) leaves RUNNING, so that
 * nobody else can take it, and the incoming side puts it where it may run.
 *
 * Fairness: who is preempted or yields goes to the end of its list, and what runs next is the first
 * of the most urgent one.  So a thread that is ready runs within as many switches as there are
 * ready threads at its priority, whatever the running ones do (runq.c).
 *
 * Locks: the run queue's; a waiter's queue lock is dropped inside it.  Cost: a switch is about 150
 * instructions besides mach_context_switch().
 */
#include "sched/sched_inside.h"

/* What the incoming side does, on its own stack: settles what is left behind. */
static void sched_switched(struct sched *s)
{
	struct sched_cpu *c = sched_here(s);
	struct thread *left = c->left;
	const uint32_t offered = c->offered;
	/* With the lock held: afterwards it may be anywhere, and somebody else. */
	const enum thread_state state = thread_word_state(atomic_load_u64(&left->word));

	ASSERT(left != NULL && c->current != left);
	c->left = NULL;
	c->offered = 0;
	lock_drop_masked(&c->runq.lock);
	if (state == THREAD_TERMINATED)
		sched_bury(s, c, left);
	else if (state == THREAD_RUNNING)
		sched_place(s, left);
	else if (offered != 0)
		sched_offer(s, offered, c->runq.cpu);
}

/* What the thread had that is left now. */
static void sched_account_locked(struct sched_cpu *c, struct thread *from, uint64_t now_ns)
	REQUIRES(&c->runq.lock)
{
	const uint64_t user_ticks = mach_user_ticks();

	atomic_store_u64(&from->ran_ns, from->ran_ns + now_ns - c->switch_ns);
	atomic_store_u64(&from->user_ticks, from->user_ticks + user_ticks - c->user_ticks);
	atomic_store_u64(&c->switch_ns, now_ns);
	c->user_ticks = user_ticks;
}

void sched_switch_locked(struct sched *s, struct sched_cpu *c, struct thread *to, uint64_t now_ns)
{
	struct thread *from = c->current;

	ASSERT(c == sched_here(s) && from != to && c->left == NULL);
	ASSERT_SLOW(to->idle || sched_may_run(to, c->runq.cpu));
	thread_must_move(to, THREAD_READY, THREAD_RUNNING, 0, THREAD_PREEMPT);
	c->left = from;
	c->current = to;
	c->switches++;
	to->switches++;
	atomic_store_u32(&c->resched, 0);
	sched_account_locked(c, from, now_ns);
	atomic_store_u64(&c->beat_ns, now_ns);
	sched_slice_locked(s, c, now_ns);
	if (s->config.enter != NULL) s->config.enter(s->config.arg, from, to);
	mach_context_switch(&from->context, &to->context);
	sched_switched(s);
}

static struct thread *sched_next_locked(struct sched_cpu *c)
{
	struct thread *next = runq_next_locked(&c->runq);
	return next != NULL ? next : &c->idle;
}

/* Goes on in `next`, and `me` from RUNNING to the end of its list, where others may take it once it
 * has been left. */
static void sched_give_locked(struct sched *s, struct sched_cpu *c, struct thread *me,
			      struct thread *next, uint32_t flags)
{
	const uint64_t now_ns = mach_now_ns();

	ASSERT_SLOW(me == c->current && !me->idle);
	thread_must_move(me, THREAD_RUNNING, THREAD_READY, flags, 0);
	atomic_store_u64(&me->ready_ns, now_ns);
	me->gives++;
	runq_add_locked(&c->runq, me);
	c->offered = me->affinity;
	sched_switch_locked(s, c, next, now_ns);
}

/* To a CPU that it may run on: RUNNING still, so that it is nobody's until it has been left. */
static void sched_leave_locked(struct sched *s, struct sched_cpu *c, struct thread *me,
			       uint64_t now_ns)
{
	ASSERT_SLOW(me == c->current && !sched_may_run(me, c->runq.cpu));
	atomic_store_u32(&me->cpu, sched_cpu_for_locked(s, me));
	me->gives++;
	sched_switch_locked(s, c, sched_next_locked(c), now_ns);
}

/* --- by its own wish -------------------------------------------------------------------------- */

void sched_yield_cpu(struct sched *s)
{
	const mach_irq_t was = mach_irq_save();
	struct sched_cpu *c = sched_here(s);
	struct thread *me = c->current;

	mach_lock_none_held(RANK_NONE);
	ASSERT(me != NULL);
	if (me->idle || atomic_load_u32(&c->runq.count) == 0) {
		mach_irq_restore(was);
		return;
	}
	lock_take_masked(&c->runq.lock);
	if (UNLIKELY(!sched_may_run(me, c->runq.cpu))) {
		sched_leave_locked(s, c, me, mach_now_ns()); /* before the interrupt that says so */
	} else {
		struct thread *next = runq_next_of_locked(&c->runq, me->priority);
		if (next == NULL)
			lock_drop_masked(&c->runq.lock);
		else
			sched_give_locked(s, c, me, next, 0);
	}
	mach_irq_restore(was);
}

bool sched_block(struct sched *s, struct lock *l, uint64_t was, uint32_t heeds)
{
	struct sched_cpu *c = sched_here(s);
	struct thread *me = c->current;

	ASSERT(me != NULL && !me->idle && l->rank < RANK_RUNQ);
	lock_take_masked(&c->runq.lock);
	if (!thread_move(me, was, THREAD_WAITING, heeds, THREAD_TIMEOUT | THREAD_HEEDS)) {
		lock_drop_masked(&c->runq.lock);
		return false;
	}
	lock_drop_masked(l);
	sched_switch_locked(s, c, sched_next_locked(c), mach_now_ns());
	return true;
}

NORETURN void sched_exit(struct sched *s, uint64_t code)
{
	mach_irq_save(); /* for good */
	struct sched_cpu *c = sched_here(s);
	struct thread *me = c->current;

	mach_lock_none_held(RANK_NONE);
	ASSERT(me != NULL && !me->idle);
	if (me->mutexes != 0)
		kpanic("owner", "thread %u exits with %u mutexes", me->slot, me->mutexes);
	me->exit_code = code;
	lock_take_masked(&c->runq.lock);
	thread_must_move(me, THREAD_RUNNING, THREAD_TERMINATED, 0, 0);
	struct thread *next = &c->idle;
	if (s->config.reap != REAP_BEFORE_NEXT) next = sched_next_locked(c);
	sched_switch_locked(s, c, next, mach_now_ns());
	kpanic("stack-in-use", "thread %u goes on after its end", me->slot);
}

/* --- by an interrupt -------------------------------------------------------------------------- */

void sched_choose(struct sched *s)
{
	struct sched_cpu *c = sched_here(s);
	struct thread *me = c->current;

	mach_lock_none_held(RANK_NONE);
	if (me == NULL || me->idle) return; /* the idle loop looks for itself */
	const uint64_t now_ns = mach_now_ns();
	lock_take_masked(&c->runq.lock);
	atomic_store_u32(&c->resched, 0);
	const unsigned urgent = runq_most_urgent_locked(&c->runq);
	const bool over = atomic_load_u64(&c->slice_end_ns) <= now_ns;
	if (UNLIKELY(!sched_may_run(me, c->runq.cpu))) {
		sched_leave_locked(s, c, me, now_ns);
	} else if (urgent < me->priority || (urgent == me->priority && over)) {
		c->preemptions++;
		sched_give_locked(s, c, me, runq_next_locked(&c->runq), THREAD_PREEMPT);
	} else {
		if (over) sched_slice_locked(s, c, now_ns);
		lock_drop_masked(&c->runq.lock);
	}
}

/* --- a new thread's first lines --------------------------------------------------------------- */

void sched_begin(void *arg)
{
	struct sched *s = arg;

	sched_switched(s);
	struct thread *me = sched_here(s)->current;
	ASSERT(!me->idle && me->switches == 1 && me->mutexes == 0);
	mach_irq_unmask();
	me->entry(me->arg);
	sched_exit(s, 0);
}
