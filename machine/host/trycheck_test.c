/*
 * trycheck_test.c -- the rules about latches that are got by trying, kept and broken.
 *
 * As lockcheck_test.c: a row is a small program for one CPU, and the panic it must end in, or NULL.
 */
#include "machine/host/arena.h"
#include "machine/host/panics.h"
#include "machine/lock.h"

static struct lock outer, inner;
static struct latch latch, latch_too;

static void locks_make_new(void)
{
	lock_init(&outer, RANK_OUTER);
	lock_init(&inner, RANK_PAGE);
	latch_init(&latch, RANK_MAGAZINE);
	latch_init(&latch_too, RANK_PAGE_CPU);
}

static void try_alone(void *arg)
{
	(void)arg;
	ASSERT(latch_try(&latch) && !mach_irq_masked() && !latch_try(&latch));
	latch_release(&latch);
	const mach_irq_t was = lock_take(&outer);
	ASSERT(latch_try(&latch));
	latch_release(&latch);
	lock_drop(&outer, was);
}

static void lock_under_tried(void *arg)
{
	(void)arg;
	ASSERT(latch_try(&latch));
	lock_take(&inner);
}

static void try_two(void *arg)
{
	(void)arg;
	ASSERT(latch_try(&latch));
	latch_try(&latch_too);
}

static void tried_at_end(void *arg)
{
	(void)arg;
	ASSERT(latch_try(&latch));
}

static void tried_where_none_may(void *arg)
{
	(void)arg;
	ASSERT(latch_try(&latch));
	mach_lock_none_held(RANK_PAGE);
}

static void release_of_free(void *arg)
{
	(void)arg;
	latch_release(&latch);
}

static void release_twice(void *arg)
{
	(void)arg;
	ASSERT(latch_try(&latch));
	latch_release(&latch);
	latch_release(&latch);
}

/* The latch's own word says "free": a defect, and two get it. */
static void tried_by_two(void *arg)
{
	(void)arg;
	ASSERT(latch_try(&latch));
	latch.holder = 0;
	host_run_on(1, try_alone, NULL);
	kpanic(panic_id, "on the other CPU: %s", panic_text);
}

static void try_fails(void *arg)
{
	(void)arg;
	ASSERT(!latch_try(&latch));
}

static void other_tries(void *arg)
{
	(void)arg;
	ASSERT(latch_try(&latch));
	ASSERT(host_run_on(1, try_fails, NULL));
	latch_release(&latch);
}

static void other_releases(void *arg)
{
	(void)arg;
	ASSERT(latch_try(&latch));
	host_run_on(1, release_of_free, NULL);
	kpanic(panic_id, "on the other CPU: %s", panic_text);
}

static const struct row {
	const char *name;
	void (*fn)(void *arg);
	const char *id;
} rows[] = {
	{ "a latch tried", try_alone, NULL },
	{ "a lock under a tried latch", lock_under_tried, "lock-order" },
	{ "a second latch tried", try_two, "lock-order" },
	{ "a tried latch at the end", tried_at_end, "lock-context" },
	{ "a tried latch where none may", tried_where_none_may, "lock-context" },
	{ "release of a latch nobody has", release_of_free, "owner" },
	{ "release twice", release_twice, "owner" },
	{ "two get one latch by trying", tried_by_two, "owner" },
	{ "another tries our latch", other_tries, NULL },
	{ "another releases our latch", other_releases, "owner" },
};

int main(void)
{
	host_arena_open(PAGE_SIZE);
	host_cpus_open(2);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		locks_make_new();
		expect_panic(0, rows[i].fn, NULL, rows[i].id, rows[i].name);
		locks_make_new();
		for (unsigned cpu = 0; cpu < 2; cpu++)
			expect_panic(cpu, try_alone, NULL, NULL, "after");
	}
	host_cpus_close();
	return 0;
}
