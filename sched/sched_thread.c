/*
 * sched_thread.c -- what is asked about threads by others: spawn, kill, priority, affinity.
 *
 * An id may name a thread in any state, or one that is gone, and it may go on at any moment.  A
 * kill works on the word alone: it sets THREAD_KILLED where the thread is not WAITING, and ends the
 * wait, with the flag in the same step, where it is.  So a thread cannot fall asleep between the
 * two, and the flag stands before anybody hears of the end of the wait.  A signal does the same
 * with THREAD_SIGNAL, but ends only a wait that heeds signals; in the word of another it is set all
 * the same, so whoever wakes from such a word has to look again when it is not what it was.
 *
 * Priority and affinity are changed with the lock of the thread's run queue held: then READY,
 * RUNNING and WAITING stand still (sched.c).  A READY thread changes its place at once; a RUNNING
 * one that has to give way is told as in sched_wake.c; a WAITING one finds out when it is woken.  A
 * thread that somebody has in hand at the moment (READY in no queue, or RUNNING on no CPU) needs
 * nothing: who has it looks at both under the lock, later.  Under that lock, too, a thread's
 * figures stand still.
 *
 * Locks: one run queue's at a time.  Cost: spawn about 250 instructions besides the context.
 */
#include "sched/sched_inside.h"

static uint32_t sched_all_cpus(const struct sched *s)
{
	return (1u << s->config.cpus) - 1;
}

/* A slot, even if the dead have to be reaped for it. */
static struct thread *sched_claim(struct sched *s, enum slot_class class)
{
	struct thread *t = thread_claim(&s->table, class);

	if (t == NULL && sched_reap(s) > 0) t = thread_claim(&s->table, class);
	return t;
}

thread_id sched_spawn(struct sched *s, const struct thread_how *how)
{
	const uint32_t affinity = how->affinity != 0 ? how->affinity : sched_all_cpus(s);

	ASSERT(how->entry != NULL && how->priority < PRIORITIES);
	ASSERT((affinity & ~sched_all_cpus(s)) == 0);
	struct thread *t = sched_claim(s, how->class);
	if (t == NULL) return THREAD_NONE;
	ASSERT(!t->idle && t->mutexes == 0 && !list_linked(&t->slot_link));
	t->priority = how->priority;
	t->affinity = affinity;
	t->slice_ns = how->slice_ns != 0 ? how->slice_ns : s->config.slice_ns;
	t->fp = how->fp;
	t->stack = how->stack;
	t->stack_bytes = how->stack_bytes;
	t->entry = how->entry;
	t->arg = how->arg;
	t->owner = how->owner;
	t->space = how->space;
	mach_context_init(&t->context, how->stack, how->stack_bytes, sched_begin, s, how->fp);
	ASSERT(how->stack_bytes != 0 && is_aligned(how->stack | how->stack_bytes, 16));
	const thread_id id = thread_id_of(t); /* afterwards it may end, and be another */
	const mach_irq_t was = mach_irq_save();
	if (s->config.observe != NULL) s->config.observe(s->config.arg, SEEN_CLAIMED, t);
	atomic_store_u32(&t->cpu, mach_cpu() < s->config.cpus ? mach_cpu() : 0);
	sched_place(s, t);
	mach_irq_restore(was);
	return id;
}

/* --- kill and signal -------------------------------------------------------------------------- */

/* So that a thread that runs elsewhere comes into the kernel. */
static void sched_interrupt(struct sched *s, uint32_t cpu)
{
	const mach_irq_t was = mach_irq_save();

	if (cpu != mach_cpu() && atomic_load_u32(&s->cpu[cpu].online) != 0) mach_ipi(cpu);
	mach_irq_restore(was);
}

/* Sets `flag` in a thread's word, and ends its wait in the same step where the wait's word has one
 * of `ends` (0: any wait). */
static bool sched_flag(struct sched *s, thread_id id, uint32_t flag, uint32_t ends)
{
	for (;;) {
		struct thread *t = thread_find(&s->table, id);
		if (t == NULL) return false;
		const uint64_t word = atomic_load_u64(&t->word);
		const enum thread_state state = thread_word_state(word);
		if (thread_word_generation(word) != id >> 32 || state == THREAD_TERMINATED)
			return false;
		if ((word & flag) != 0) return true;
		if (state == THREAD_WAITING && (ends == 0 || (word & ends) != 0)) {
			if (sched_wake(s, t, word, flag)) return true;
		} else if (thread_mark(t, word, flag)) {
			if (state == THREAD_RUNNING) sched_interrupt(s, atomic_load_u32(&t->cpu));
			return true;
		}
	}
}

bool sched_kill(struct sched *s, thread_id id)
{
	return sched_flag(s, id, THREAD_KILLED, 0);
}

void sched_kill_heeded(struct sched *s)
{
	thread_unmark(sched_current(s), THREAD_KILLED);
}

bool sched_signal(struct sched *s, thread_id id)
{
	return sched_flag(s, id, THREAD_SIGNAL, THREAD_HEEDS);
}

bool sched_signalled(struct sched *s)
{
	return (atomic_load_u64(&sched_current(s)->word) & THREAD_SIGNAL) != 0;
}

void sched_signal_dealt(struct sched *s)
{
	thread_unmark(sched_current(s), THREAD_SIGNAL);
}

/* --- priority and affinity -------------------------------------------------------------------- */

/* With its run queue's lock, which the caller drops; NULL, with none: there is no such thread. */
static struct thread *sched_lock_thread(struct sched *s, thread_id id, struct sched_cpu **c)
{
	struct thread *t = thread_find(&s->table, id);

	if (t == NULL) return NULL;
	*c = sched_lock_cpu_of(s, t);
	const uint64_t word = atomic_load_u64(&t->word);
	const enum thread_state state = thread_word_state(word);
	if (thread_word_generation(word) == id >> 32 &&
	    (state == THREAD_READY || state == THREAD_RUNNING || state == THREAD_WAITING))
		return t;
	lock_drop_masked(&(*c)->runq.lock);
	return NULL;
}

bool sched_set_priority(struct sched *s, thread_id id, unsigned priority)
{
	struct sched_cpu *c;

	if (priority >= PRIORITIES) return false;
	const mach_irq_t was = mach_irq_save();
	struct thread *t = sched_lock_thread(s, id, &c);
	if (t != NULL && t->priority != priority) {
		const bool queued = list_linked(&t->run_link);
		if (queued) runq_remove_locked(&c->runq, t);
		t->priority = (uint8_t)priority;
		if (queued) runq_add_locked(&c->runq, t);
	}
	if (t != NULL) {
		const uint32_t cpu = c->runq.cpu;
		const enum sched_press press = sched_press_locked(c, mach_now_ns());
		lock_drop_masked(&c->runq.lock);
		sched_tell(s, cpu, press);
	}
	mach_irq_restore(was);
	return t != NULL;
}

/* With the lock of c, which it drops: the thread may not be on that CPU any more. */
static void sched_drive_away_locked(struct sched *s, struct sched_cpu *c, struct thread *t)
{
	const uint32_t cpu = c->runq.cpu;
	const bool queued = list_linked(&t->run_link), runs = c->current == t;

	ASSERT(!(queued && runs) && !sched_may_run(t, cpu));
	if (queued) runq_remove_locked(&c->runq, t);
	if (runs) atomic_store_u32(&c->resched, 1);
	lock_drop_masked(&c->runq.lock);
	if (queued) sched_place(s, t);
	if (!runs) return;
	if (cpu == mach_cpu())
		sched_choose(s);
	else
		mach_ipi(cpu);
}

bool sched_set_affinity(struct sched *s, thread_id id, uint32_t cpus)
{
	struct sched_cpu *c;

	if (cpus == 0 || (cpus & ~sched_all_cpus(s)) != 0) return false;
	const mach_irq_t was = mach_irq_save();
	mach_lock_none_held(RANK_NONE);
	struct thread *t = sched_lock_thread(s, id, &c);
	if (t != NULL) {
		const uint32_t cpu = c->runq.cpu;
		const bool queued = list_linked(&t->run_link);
		t->affinity = cpus;
		if (sched_may_run(t, cpu)) {
			lock_drop_masked(&c->runq.lock);
			if (queued) sched_offer(s, cpus, cpu);
		} else {
			sched_drive_away_locked(s, c, t);
		}
	}
	mach_irq_restore(was);
	return t != NULL;
}

bool sched_set_slice(struct sched *s, thread_id id, uint64_t slice_ns)
{
	struct sched_cpu *c;

	ASSERT(slice_ns >= 1 && slice_ns <= 1ull << 62);
	const mach_irq_t was = mach_irq_save();
	struct thread *t = sched_lock_thread(s, id, &c);
	if (t != NULL) {
		t->slice_ns = slice_ns;
		lock_drop_masked(&c->runq.lock);
	}
	mach_irq_restore(was);
	return t != NULL;
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Of the thread that runs there, since it was chosen. */
static void add_turn_locked(struct thread_used *used, const struct sched_cpu *c, uint64_t *ticks)
	REQUIRES(&c->runq.lock)
{
	uint64_t now_ns;

	*ticks += mach_user_ticks_of(c->runq.cpu, &now_ns) - c->user_ticks;
	used->ran_ns += sub_or_zero(now_ns, c->switch_ns);
}

struct thread_used sched_used(struct sched *s, thread_id id)
{
	struct thread_used used = { 0 };
	struct sched_cpu *c;
	const mach_irq_t was = mach_irq_save();
	const struct thread *t = sched_lock_thread(s, id, &c);

	if (t != NULL) {
		const bool runs = c->current == t;
		uint64_t user_ticks = t->user_ticks;
		used.ran_ns = t->ran_ns;
		if (runs) add_turn_locked(&used, c, &user_ticks);
		used.user_ns = min_u64(mach_ticks_ns(user_ticks), used.ran_ns);
		used.gives = t->gives;
		used.waits = sub_or_zero(t->switches, t->gives + runs);
		lock_drop_masked(&c->runq.lock);
	}
	mach_irq_restore(was);
	return used;
}

bool sched_is_active(struct sched *s, thread_id id)
{
	struct sched_cpu *c;
	bool active = false;
	const mach_irq_t was = mach_irq_save();
	const struct thread *t = sched_lock_thread(s, id, &c);

	if (t != NULL) {
		active = thread_word_state(atomic_load_u64(&t->word)) != THREAD_WAITING;
		lock_drop_masked(&c->runq.lock);
	}
	mach_irq_restore(was);
	return active;
}
