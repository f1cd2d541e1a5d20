/*
 * lockcheck_test.c -- every rule about locks and interrupts, kept and broken.
 *
 * A row is a small program for one CPU, and the panic it must end in; NULL for the good ones.
 * Each rule has at least one row of each kind, so a check that never fires fails here, and so
 * does one that always does.  After each row everything is made as new: that is tested with it.
 * Latches got by trying have their rows in trycheck_test.c.
 */
#include "machine/host/arena.h"
#include "machine/host/panics.h"
#include "machine/lock.h"

static struct lock outer, inner, inner_too;
static struct latch latch;
static mach_irq_t kept;

static void locks_make_new(void)
{
	lock_init(&outer, RANK_OUTER);
	lock_init(&inner, RANK_PAGE);
	lock_init(&inner_too, RANK_PAGE);
	latch_init(&latch, RANK_MAGAZINE);
}

static void none(void *arg)
{
	(void)arg;
}

/* --- one CPU --------------------------------------------------------------------------------- */

static void nested_in_order(void *arg)
{
	(void)arg;
	const mach_irq_t a = lock_take(&outer);
	latch_take(&latch);
	const mach_irq_t b = lock_take(&inner);
	ASSERT(mach_irq_masked());
	lock_drop(&inner, b);
	latch_drop(&latch);
	lock_drop(&outer, a);
	ASSERT(!mach_irq_masked());
}

/* The outer lock goes first; interrupt states still go back in order. */
static void hand_over(void *arg)
{
	(void)arg;
	const mach_irq_t a = lock_take(&outer);
	const mach_irq_t b = lock_take(&inner);
	lock_drop(&outer, b);
	lock_drop(&inner, a);
}

static void twice(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++) lock_drop(&outer, lock_take(&outer));
}

static void same_again(void *arg)
{
	(void)arg;
	lock_take(&outer);
	lock_take(&outer);
}

static void same_latch_again(void *arg)
{
	(void)arg;
	mach_irq_save();
	latch_take(&latch);
	latch_take(&latch);
}

/* Held, but not as the last one: found all the same. */
static void same_below(void *arg)
{
	(void)arg;
	lock_take(&outer);
	lock_take(&inner);
	lock_take(&outer);
}

static void falling_rank(void *arg)
{
	(void)arg;
	lock_take(&inner);
	lock_take(&outer);
}

static void equal_rank(void *arg)
{
	(void)arg;
	lock_take(&inner);
	lock_take(&inner_too);
}

static void drop_of_free(void *arg)
{
	(void)arg;
	lock_drop(&outer, mach_irq_save());
}

static void drop_twice(void *arg)
{
	(void)arg;
	const mach_irq_t a = mach_irq_save();
	const mach_irq_t b = lock_take(&outer);
	lock_drop(&outer, b);
	lock_drop(&outer, a);
}

/* The lock's own words say "free": a defect in the lock, and two get it. */
static void got_by_two(void *arg)
{
	(void)arg;
	mach_irq_save();
	latch_take(&latch);
	latch.holder = 0;
	host_run_on(1, same_latch_again, NULL);
	kpanic(panic_id, "on the other CPU: %s", panic_text);
}

static void relax_a_while(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++) mach_relax();
	lock_drop(&outer, lock_take(&outer));
	for (int i = 0; i < 50; i++) mach_relax();
}

static void relax_for_ever(void *arg)
{
	(void)arg;
	for (;;) mach_relax();
}

/* --- interrupts ------------------------------------------------------------------------------ */

static void irq_nested(void *arg)
{
	(void)arg;
	const mach_irq_t a = mach_irq_save();
	const mach_irq_t b = mach_irq_save();
	mach_irq_restore(b);
	ASSERT(mach_irq_masked());
	mach_irq_restore(a);
	ASSERT(!mach_irq_masked());
}

static void irq_wrong_order(void *arg)
{
	(void)arg;
	const mach_irq_t a = mach_irq_save();
	mach_irq_save();
	mach_irq_restore(a);
}

static void irq_twice(void *arg)
{
	(void)arg;
	const mach_irq_t a = mach_irq_save();
	mach_irq_restore(a);
	mach_irq_restore(a);
}

static void irq_not_given_back(void *arg)
{
	(void)arg;
	mach_irq_save();
}

static void unmask_with_lock(void *arg)
{
	(void)arg;
	const mach_irq_t a = mach_irq_save();
	latch_take(&latch);
	mach_irq_restore(a);
}

static void wait_unmasked(void *arg)
{
	(void)arg;
	mach_lock_wait(&latch, latch.rank);
}

static void irq_keep(void *arg)
{
	(void)arg;
	kept = mach_irq_save();
	host_escape();
}

static void irq_of_other_cpu(void *arg)
{
	(void)arg;
	mach_irq_save();
	host_run_on(1, irq_keep, NULL);
	mach_irq_restore(kept);
}

/* --- where no lock may be held --------------------------------------------------------------- */

static void inner_where_outer_may(void *arg)
{
	(void)arg;
	const mach_irq_t a = lock_take(&outer);
	mach_lock_none_held(RANK_PAGE);
	lock_drop(&outer, a);
	mach_lock_none_held(RANK_NONE);
}

static void held_where_none_may(void *arg)
{
	(void)arg;
	lock_take(&outer);
	mach_lock_none_held(RANK_OUTER);
}

static void inner_held_where_none_may(void *arg)
{
	(void)arg;
	lock_take(&inner);
	mach_lock_none_held(RANK_OUTER);
}

static void held_at_end(void *arg)
{
	(void)arg;
	lock_take(&outer);
}

static void wait_with_lock(void *arg)
{
	(void)arg;
	lock_take(&outer);
	mach_wait();
}

static void unmask_unmasked(void *arg)
{
	(void)arg;
	mach_irq_unmask();
}

static void unmask_saved(void *arg)
{
	(void)arg;
	mach_irq_save();
	mach_irq_unmask();
}

static void masked_forms(void *arg)
{
	(void)arg;
	const mach_irq_t was = mach_irq_save();
	lock_take_masked(&outer);
	lock_take_masked(&inner);
	lock_drop_masked(&outer);
	lock_drop_masked(&inner);
	mach_irq_restore(was);
	ASSERT(!mach_irq_masked());
}

static void alone_when_sleeping(void *arg)
{
	(void)arg;
	const mach_irq_t was = lock_take(&outer);
	mach_lock_only_held(&outer);
	lock_drop(&outer, was);
	mach_lock_only_held(&outer);
}

static void sleep_with_outer(void *arg)
{
	(void)arg;
	lock_take(&outer);
	lock_take(&inner);
	mach_lock_only_held(&inner);
}

static void sleep_with_inner(void *arg)
{
	(void)arg;
	lock_take(&outer);
	lock_take(&inner);
	mach_lock_only_held(&outer);
}

static void try_free(void *arg)
{
	mach_irq_t was, again;
	(void)arg;
	ASSERT(lock_try(&outer, &was) && mach_irq_masked());
	ASSERT(lock_try(&inner, &again));
	lock_drop(&inner, again);
	lock_drop(&outer, was);
	ASSERT(!mach_irq_masked());
}

static void try_own(void *arg)
{
	mach_irq_t was;
	(void)arg;
	lock_take(&outer);
	lock_try(&outer, &was);
}

static void try_falling_rank(void *arg)
{
	mach_irq_t was;
	(void)arg;
	lock_take(&inner);
	lock_try(&outer, &was);
}

/* --- two CPUs -------------------------------------------------------------------------------- */

static void take_outer(void *arg)
{
	(void)arg;
	lock_take(&outer);
}

static void take_latch(void *arg)
{
	(void)arg;
	mach_irq_save();
	latch_take(&latch);
}

static void drop_outer(void *arg)
{
	lock_drop(&outer, *(mach_irq_t *)arg);
}

/* Runs fn on CPU 1 while this CPU holds both; its panic becomes ours. */
static void while_holding(void (*fn)(void *arg))
{
	mach_irq_t was = lock_take(&outer);
	latch_take(&latch);
	if (host_run_on(1, fn, &was)) {
		latch_drop(&latch);
		lock_drop(&outer, was);
		return;
	}
	kpanic(panic_id, "on the other CPU: %s", panic_text);
}

static void other_waits_for_lock(void *arg)
{
	(void)arg;
	while_holding(take_outer);
}

static void other_waits_for_latch(void *arg)
{
	(void)arg;
	while_holding(take_latch);
}

/* The CPU that waits in vain notes what for: the lock's rank, and who has it. */
static void other_notes(void (*fn)(void *arg), uint32_t rank)
{
	const struct lock_waiting *w = mach_lock_waiting(1);
	lock_take(&outer);
	latch_take(&latch);
	ASSERT(w->rank == RANK_NONE);
	ASSERT(!host_run_on(1, fn, NULL) && w->rank == rank && w->holder == mach_cpu());
	host_escape();
}

static void other_notes_lock(void *arg)
{
	(void)arg;
	other_notes(take_outer, RANK_OUTER);
}

static void other_notes_latch(void *arg)
{
	(void)arg;
	other_notes(take_latch, RANK_MAGAZINE);
}

static void try_outer(void *arg)
{
	mach_irq_t was;
	(void)arg;
	ASSERT(!lock_try(&outer, &was) && !mach_irq_masked());
}

static void other_tries(void *arg)
{
	(void)arg;
	while_holding(try_outer);
}

static void other_drops(void *arg)
{
	(void)arg;
	while_holding(drop_outer);
}

static void other_holds_nothing(void *arg)
{
	(void)arg;
	const mach_irq_t was = lock_take(&outer);
	ASSERT(host_run_on(1, irq_nested, NULL));
	ASSERT(mach_cpu() == 0 && mach_irq_masked());
	lock_drop(&outer, was);
}

static const struct row {
	const char *name;
	void (*fn)(void *arg);
	const char *id;
} rows[] = {
	{ "nested in order", nested_in_order, NULL },
	{ "hand over hand", hand_over, NULL },
	{ "the same lock twice", twice, NULL },
	{ "a held lock again", same_again, "deadlock" },
	{ "a held latch again", same_latch_again, "deadlock" },
	{ "a lock held further out", same_below, "deadlock" },
	{ "falling rank", falling_rank, "lock-order" },
	{ "equal rank", equal_rank, "lock-order" },
	{ "drop of a lock nobody holds", drop_of_free, "owner" },
	{ "drop twice", drop_twice, "owner" },
	{ "two get one latch", got_by_two, "owner" },
	{ "some relaxing", relax_a_while, NULL },
	{ "relaxing for ever", relax_for_ever, "deadlock" },
	{ "interrupts nested", irq_nested, NULL },
	{ "interrupts in the wrong order", irq_wrong_order, "irq-order" },
	{ "interrupts given back twice", irq_twice, "irq-order" },
	{ "interrupts not given back", irq_not_given_back, "irq-order" },
	{ "unmasked under a lock", unmask_with_lock, "irq-order" },
	{ "a lock with interrupts unmasked", wait_unmasked, "irq-order" },
	{ "interrupts of another CPU", irq_of_other_cpu, "irq-order" },
	{ "unmasked where nothing is masked", unmask_unmasked, "irq-order" },
	{ "unmasked where a state is to be given back", unmask_saved, "irq-order" },
	{ "the forms for who has masked", masked_forms, NULL },
	{ "an outer lock where only inner ones may not", inner_where_outer_may, NULL },
	{ "a lock where none may", held_where_none_may, "lock-context" },
	{ "an inner lock where none may", inner_held_where_none_may, "lock-context" },
	{ "a lock at the end", held_at_end, "lock-context" },
	{ "idle with a lock", wait_with_lock, "lock-context" },
	{ "a lock of its own in going to sleep", alone_when_sleeping, NULL },
	{ "an outer lock in going to sleep", sleep_with_outer, "sleep-in-atomic" },
	{ "an inner lock in going to sleep", sleep_with_inner, "sleep-in-atomic" },
	{ "trying what is free", try_free, NULL },
	{ "trying its own lock", try_own, "deadlock" },
	{ "trying in falling rank", try_falling_rank, "lock-order" },
	{ "another tries our lock", other_tries, NULL },
	{ "another waits for our lock", other_waits_for_lock, "deadlock" },
	{ "another waits for our latch", other_waits_for_latch, "deadlock" },
	{ "another drops our lock", other_drops, "owner" },
	{ "another minds its own", other_holds_nothing, NULL },
};

int main(void)
{
	host_arena_open(PAGE_SIZE);
	host_cpus_open(2);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		locks_make_new();
		expect_panic(0, rows[i].fn, NULL, rows[i].id, rows[i].name);
		/* Nothing of it is left, on either CPU. */
		for (unsigned cpu = 0; cpu < 2; cpu++) expect_panic(cpu, none, NULL, NULL, "after");
		locks_make_new();
		expect_panic(0, nested_in_order, NULL, NULL, "after");
		host_reset();
	}
	/* What is noted stays until the reset: nobody is there to take it back. */
	expect_panic(0, other_notes_lock, NULL, "deadlock", "notes of a lock");
	host_reset();
	locks_make_new();
	expect_panic(0, other_notes_latch, NULL, "deadlock", "notes of a latch");
	host_cpus_close();
	return 0;
}
