/*
 * race_turns_test.c -- races while CPUs take turns at every load and store, with interrupts and
 * contexts.
 *
 * race_test.c says what a race is; here the whole machine runs: turns pass between fibers, handlers
 * are called, threads go on on other CPUs.  Each row is one function for all CPUs, run in many
 * schedules drawn at random.  Whether there is a race depends on what is ordered and not on the
 * schedule, so every schedule must say the same.
 */
#include "machine/host/arena.h"
#include "machine/host/drawn.h"
#include "machine/host/panics.h"
#include "machine/host/race.h"
#include "machine/lock.h"

enum { CPUS = 3, SEEDS = 60, ROUNDS = 4, LIMIT = 200000 };

struct world {
	struct lock lock;
	uint32_t flag, done;
	uint64_t plain, other, before;
	struct mach_context idle[CPUS], thread;
};

static struct world *w;

/* --- schedules -------------------------------------------------------------------------------- */

static struct drawn drawn;
static const struct turns_planner planner = { drawn_begin, drawn_decide, drawn_stuck, &drawn };

/* --- what CPUs do ----------------------------------------------------------------------------- */

static void wait_for(uint32_t *word, uint32_t value)
{
	while (atomic_load_u32(word) != value) mach_relax();
}

static void add(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) w->plain++;
}

static void add_locked(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		const mach_irq_t was = lock_take(&w->lock);
		w->plain++;
		lock_drop(&w->lock, was);
	}
}

/* Each its own bytes of a word. */
static void add_own_bytes(void *arg)
{
	uint8_t *bytes = (uint8_t *)&w->plain;
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) bytes[mach_cpu()]++;
}

static void publish(void *arg)
{
	(void)arg;
	if (mach_cpu() == 0) {
		w->plain = 1;
		atomic_store_u32(&w->flag, 1);
	} else {
		wait_for(&w->flag, 1);
		ASSERT(w->plain == 1);
	}
}

static void publish_late(void *arg)
{
	(void)arg;
	if (mach_cpu() == 0) {
		atomic_store_u32(&w->flag, 1);
		w->plain = 1;
	} else {
		wait_for(&w->flag, 1);
		(void)*(volatile uint64_t *)&w->plain;
	}
}

static void publish_by_poke(void *arg)
{
	(void)arg;
	if (mach_cpu() == 0) {
		w->plain = 1;
		atomic_poke_u32(&w->flag, 1);
	} else {
		wait_for(&w->flag, 1);
		(void)*(volatile uint64_t *)&w->plain;
	}
}

/* What was there before the simulation, and what is there after it, is ordered. */
static void read_before(void *arg)
{
	(void)arg;
	ASSERT(w->before == 7);
}

/* --- interrupts ------------------------------------------------------------------------------- */

static void on_ipi(void *arg)
{
	(void)arg;
	w->plain++;
	atomic_store_u32(&w->done, 1);
}

static void wait_for_interrupt(void)
{
	while (atomic_load_u32(&w->done) == 0) mach_wait();
}

static void interrupt(void *arg)
{
	(void)arg;
	if (mach_cpu() == 0) {
		w->plain = 1;
		mach_ipi(1);
	} else if (mach_cpu() == 1) {
		wait_for_interrupt();
	}
}

static void interrupt_early(void *arg)
{
	(void)arg;
	if (mach_cpu() == 0) {
		mach_ipi(1);
		w->plain = 1;
	} else if (mach_cpu() == 1) {
		wait_for_interrupt();
	}
}

/* --- threads ---------------------------------------------------------------------------------- */

/* Counts on one CPU, goes on on another and counts there. */
static void thread_main(void *arg)
{
	(void)arg;
	for (;;) {
		w->plain++;
		mach_context_switch(&w->thread, &w->idle[mach_cpu()]);
	}
}

static void thread_run_once(void)
{
	const mach_irq_t was = mach_irq_save();
	mach_context_switch(&w->idle[mach_cpu()], &w->thread);
	mach_irq_restore(was);
}

static void thread_make(void)
{
	mach_context_init(&w->thread, 0x1000, 0x100, thread_main, NULL, NULL);
}

static void migrate(void *arg)
{
	(void)arg;
	mach_context_adopt(&w->idle[mach_cpu()], NULL);
	if (mach_cpu() == 0) {
		thread_make();
		thread_run_once();
		atomic_store_u32(&w->flag, 1);
	} else if (mach_cpu() == 1) {
		wait_for(&w->flag, 1);
		thread_run_once();
		mach_context_end(&w->thread);
	}
}

/* The one who goes on with it knows that it may from a word that orders nothing. */
static void migrate_unordered(void *arg)
{
	(void)arg;
	mach_context_adopt(&w->idle[mach_cpu()], NULL);
	if (mach_cpu() == 0) {
		thread_make();
		thread_run_once();
		atomic_poke_u32(&w->flag, 1);
	} else if (mach_cpu() == 1) {
		while (atomic_peek_u32(&w->flag) == 0) mach_relax();
		thread_run_once();
	}
}

static void look(void *arg)
{
	(void)arg;
	(void)*(volatile uint64_t *)&w->plain;
	lock_drop(&w->lock, lock_take(&w->lock));
}

/* Who looks aside is not seen to; what it does after that is. */
static void look_aside(void *arg)
{
	(void)arg;
	if (mach_cpu() == 0)
		host_run_aside(look, NULL);
	else if (mach_cpu() == 1)
		w->plain = 1;
}

static void look_aside_and_add(void *arg)
{
	(void)arg;
	if (mach_cpu() < 2) {
		host_run_aside(look, NULL);
		w->plain++;
	}
}

/* --- rows ------------------------------------------------------------------------------------- */

static const struct row {
	const char *name;
	void (*fn)(void *arg);
	bool races;
} rows[] = {
	{ "lost update", add, true },
	{ "a lock", add_locked, false },
	{ "bytes of one's own", add_own_bytes, false },
	{ "publish", publish, false },
	{ "publish late", publish_late, true },
	{ "publish by a poke", publish_by_poke, true },
	{ "from before", read_before, false },
	{ "an interrupt", interrupt, false },
	{ "an interrupt sent early", interrupt_early, true },
	{ "aside", look_aside, false },
	{ "after aside", look_aside_and_add, true },
	{ "a thread moves", migrate, false },
	{ "a thread moves in no order", migrate_unordered, true },
};

static void world_make(void)
{
	host_reset();
	w = host_arena_base();
	mach_unpoison(w, sizeof(*w));
	memset(w, 0, sizeof(*w));
	lock_init(&w->lock, RANK_OUTER);
	w->before = 7;
	host_handlers_set(NULL, on_ipi, NULL);
}

static void row_run(const struct row *row, unsigned seed)
{
	world_make();
	drawn = (struct drawn){ .lots = { seed }, .about = 4 };
	panic_id[0] = '\0';
	const bool whole = host_run_together(CPUS, row->fn, NULL, &planner, LIMIT);
	const char *wanted = row->races ? "race" : "";
	if (strcmp(panic_id, wanted) != 0 || whole == row->races) {
		char said[sizeof(panic_text)];
		format_text(said, sizeof(said), "%s: %s", panic_id, panic_text);
		kpanic("test", "%s, seed %u: %s", row->name, seed, said);
	}
	if (whole) w->plain++;
}

int main(void)
{
	host_arena_open(4 << 20);
	host_cpus_open(CPUS);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (unsigned seed = 0; seed < SEEDS; seed++) row_run(&rows[i], seed);
	host_cpus_close();
	return 0;
}
