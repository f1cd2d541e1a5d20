/*
 * lock_steps.c -- subject lock: what takes locks, latches and meters.
 *
 * Every guard guards a plain number.  Who has the guard reads it, passes a point, and writes it
 * back one larger, so that an update is lost as soon as two are inside at once.  Every load and
 * store here is one that other CPUs may come in between, where the build has such points; what is
 * noted about them is in lock_fuzz.c, where nobody comes in between.
 */
#include "fuzz/lock_subject.h"

struct taken {
	mach_irq_t was;
	uint32_t number; /* of a meter */
};

static bool is_latch(enum guard g)
{
	return g == GUARD_MAGAZINE || g == GUARD_PAGE_CPU;
}

static bool is_meter(enum guard g)
{
	return g == GUARD_QUARANTINE || g == GUARD_SLAB;
}

static struct taken take(union guard_word *word, enum guard g)
{
	struct taken t = { .number = 0 };
	if (!is_latch(g) && !is_meter(g)) {
		t.was = lock_take(&word->lock);
		return t;
	}
	t.was = mach_irq_save();
	if (is_latch(g))
		latch_take(&word->latch);
	else
		t.number = meter_take(&word->meter, lock_rank_of(g));
	return t;
}

static bool take_now(union guard_word *word, enum guard g, struct taken *t)
{
	bool got;
	if (!is_latch(g) && !is_meter(g)) return lock_try(&word->lock, &t->was);
	t->was = mach_irq_save();
	if (is_latch(g)) {
		got = latch_take_now(&word->latch, mach_cpu());
	} else {
		t->number = meter_take_now(&word->meter, lock_rank_of(g));
		got = t->number != METER_TAKEN;
	}
	if (!got) mach_irq_restore(t->was);
	return got;
}

static void drop(union guard_word *word, enum guard g, struct taken t, uint32_t times)
{
	if (!is_latch(g) && !is_meter(g)) {
		lock_drop(&word->lock, t.was);
		return;
	}
	if (is_latch(g))
		latch_drop(&word->latch);
	else
		meter_drop(&word->meter, lock_rank_of(g), t.number + times);
	mach_irq_restore(t.was);
}

/* With the guard held. */
static void work(struct lock_state *s, enum guard g, uint32_t times)
{
	struct guarded *in = &s->guarded[g];
	const uint32_t me = mach_cpu() + 1;
	if (in->inside != 0)
		kpanic(ORACLE_OWNER, "cpu %u has guard %u while cpu %u is inside", me - 1, g,
		       in->inside - 1);
	in->inside = me;
	for (uint32_t n = 0; n < times; n++) {
		const uint64_t value = in->value;
		atomic_load_u32(&s->idle);
		in->value = value + 1;
	}
	if (in->inside != me)
		kpanic(ORACLE_OWNER, "cpu %u was inside guard %u with cpu %u", me - 1, g,
		       in->inside - 1);
	in->inside = 0;
}

static void take_and_work(struct run *run, enum guard g, uint32_t times, const enum guard *inner)
{
	struct lock_state *s = lock_state_of(run);
	const struct lock_before before = lock_before(run, g, times);
	const struct taken t = take(&s->guard[g], g);
	lock_got(run, g, &before);
	work(s, g, times);
	if (inner != NULL) take_and_work(run, *inner, times, NULL);
	drop(&s->guard[g], g, t, times);
	lock_given_back(run, g, times);
}

void lock_step_take(struct run *run, const struct script_op *op)
{
	take_and_work(run, (enum guard)op->aux, op->arg, NULL);
}

void lock_step_pair(struct run *run, const struct script_op *op)
{
	const enum guard a = (enum guard)op->aux, b = (enum guard)op->slot;
	const enum guard outer = a < b ? a : b, inner = a < b ? b : a;
	take_and_work(run, outer, op->arg, outer == inner ? NULL : &inner);
}

void lock_step_try(struct run *run, const struct script_op *op)
{
	struct lock_state *s = lock_state_of(run);
	const enum guard g = (enum guard)op->aux;
	const struct lock_before before = lock_before(run, g, op->arg);
	struct taken t = { .number = 0 };
	const bool got = take_now(&s->guard[g], g, &t);
	run_result(run, got);
	if (!got) {
		lock_refused(run, g, &before, op->arg);
		return;
	}
	lock_got(run, g, &before);
	work(s, g, op->arg);
	drop(&s->guard[g], g, t, op->arg);
	lock_given_back(run, g, op->arg);
}

/* Interrupts stay on, and nothing else is taken. */
void lock_step_peek(struct run *run, const struct script_op *op)
{
	struct lock_state *s = lock_state_of(run);
	struct latch *latch = &s->guard[GUARD_TRIED].latch;
	const struct lock_before before = lock_before(run, GUARD_TRIED, op->arg);
	const bool got = latch_try(latch);
	run_result(run, got);
	if (!got) {
		lock_refused(run, GUARD_TRIED, &before, op->arg);
		return;
	}
	lock_got(run, GUARD_TRIED, &before);
	work(s, GUARD_TRIED, op->arg);
	latch_release(latch);
	lock_given_back(run, GUARD_TRIED, op->arg);
}

void lock_step_read(struct run *run, const struct script_op *op)
{
	struct lock_state *s = lock_state_of(run);
	const enum guard g = op->aux == 0 ? GUARD_QUARANTINE : GUARD_SLAB;
	const struct lock_before before = lock_before(run, g, 0);
	const uint32_t number = meter_read(&s->guard[g].meter);
	lock_read(run, g, &before, number);
	lock_given_back(run, g, 0);
}

void lock_step_nest(struct run *run, const struct script_op *op)
{
	mach_irq_t was[8];
	for (unsigned n = 0; n <= op->aux; n++) {
		was[n] = mach_irq_save();
		atomic_load_u32(&lock_state_of(run)->idle);
	}
	ASSERT(mach_irq_masked());
	for (unsigned n = op->aux + 1u; n-- > 0;) mach_irq_restore(was[n]);
	ASSERT(!mach_irq_masked());
}

void lock_step_ipi(struct run *run, const struct script_op *op)
{
	mach_ipi(op->aux % run->script->world.cpus);
}

void lock_step_timer(struct run *run, const struct script_op *op)
{
	(void)run;
	mach_timer_set(mach_now_ns() + op->arg);
}

void lock_interrupted(void *arg)
{
	ASSERT(mach_irq_masked());
	take_and_work(arg, GUARD_OUTER, 1, NULL);
}
