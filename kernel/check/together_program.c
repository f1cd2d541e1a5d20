/*
 * together_program.c -- CPUs that take turns: the order is the planner's, the same each time; time
 * and interrupts are the play's; what cannot go on is told; an escape ends it for all.
 */
#include "kernel/ktap.h"
#include "kernel/panic.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "kernel/together.h"
#include "machine/aarch64/baton.h"
#include "machine/aarch64/cpu.h"
#include "machine/format.h"
#include "machine/lock.h"
#include "machine/random.h"

enum { STEPS = 60, LIMIT = 1000000, SHORT_LIMIT = 300 };

/* --- a planner: every few named points somebody else ----------------------------------------- */

static struct {
	struct random lots; /* as they were drawn so far; state 0: nothing is decided */
	uint32_t asked;
	const char *stuck;
} plan;

static void begin(void *unused, struct turns *t)
{
	(void)unused;
	t->asks.until_named = plan.lots.state != 0 ? 3 : 0;
}

static struct turn decide(void *unused, struct turns *t, struct turn_point point)
{
	(void)unused, (void)point;
	plan.asked++;
	t->asks.until_named = 1 + random_below(&plan.lots, 5);
	return (struct turn){ .cpu = (uint8_t)random_below(&plan.lots, t->cpus),
			      .tick = random_one_in(&plan.lots, 4) };
}

static void stuck(void *unused, enum turns_stuck why)
{
	(void)unused;
	plan.stuck = turns_stuck_name(why);
	smp_escape();
}

static const struct turns_planner planner = { begin, decide, stuck, NULL };

static bool play(uint64_t seed, void (*fn)(void *), uint64_t limit)
{
	baton_reset();
	plan.lots = (struct random){ seed };
	plan.asked = 0;
	plan.stuck = "";
	return together_run(cpu_count(), fn, NULL, &planner, limit);
}

/* --- order ------------------------------------------------------------------------------------ */

static struct lock guard;
static uint64_t digest;

static void race(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < STEPS; i++) {
		const mach_irq_t was = lock_take(&guard);
		digest = digest * 31 + mach_cpu() + 1;
		lock_drop(&guard, was);
	}
}

static uint64_t order_of(uint64_t seed)
{
	lock_init(&guard, RANK_OUTER);
	digest = 1;
	if (!play(seed, race, LIMIT)) return 0;
	return digest;
}

static const char *check_order(void)
{
	const uint64_t first = order_of(1);
	if (first == 0) return "a play was abandoned";
	if (cpu_count() > 1 && plan.asked < STEPS) return "the planner was not asked";
	for (unsigned i = 0; i < 5; i++) {
		if (order_of(1) != first) return "the same seed, another order";
	}
	if (cpu_count() > 1 && order_of(2) == first) return "another seed, the same order";
	return order_of(0) != 0 ? NULL : "nobody is asked, and nobody goes on";
}

/* --- time and interrupts ---------------------------------------------------------------------- */

static uint32_t ticks, ipis; /* atomic */
static uint32_t ipis_of[CPUS_MAX];
static uint64_t tick_ns;

static void tick_came(void *unused)
{
	(void)unused;
	if (mach_irq_masked()) atomic_fetch_add_u32(&ticks, 1);
	tick_ns = mach_now_ns();
}

static void ipi_came(void *unused)
{
	(void)unused;
	atomic_fetch_add_u32(&ipis, 1);
	ipis_of[mach_cpu()]++;
}

/* CPU 0 waits for a far timer, which takes no time of ours; then wakes the others, which wait. */
static void wait_and_wake(void *unused)
{
	const uint64_t hours = 10000000000000ull;
	(void)unused;
	baton_handlers_set(tick_came, ipi_came, NULL);
	if (mach_cpu() != 0) {
		mach_wait();
		return;
	}
	mach_timer_set(hours);
	while (atomic_load_u32(&ticks) == 0) mach_wait();
	for (unsigned cpu = 1; cpu < cpu_count(); cpu++) mach_ipi(cpu);
}

static const char *check_interrupts(void)
{
	const uint64_t before = mach_now_ns();
	ticks = ipis = 0;
	if (!play(0, wait_and_wake, LIMIT)) return plan.stuck;
	if (ticks != 1 || tick_ns < 10000000000000ull) return "the timer did not fire, or too soon";
	if (ipis != cpu_count() - 1) return "an interrupt is missing";
	return mach_now_ns() - before < 1000000000000ull ? NULL : "the machine's own time moved";
}

/* Masked is masked: the interrupt comes when it is unmasked, and not before. */
static void send_masked(void *unused)
{
	(void)unused;
	const volatile uint32_t *mine = &ipis_of[mach_cpu()];
	baton_handlers_set(tick_came, ipi_came, NULL);
	const mach_irq_t was = mach_irq_save();
	mach_ipi(mach_cpu());
	for (unsigned i = 0; i < STEPS; i++) baton_step(0);
	if (*mine != 0) plan.stuck = "it came while masked";
	mach_irq_restore(was);
	if (*mine != 1) plan.stuck = "it did not come";
}

static const char *check_masked(void)
{
	for (uint64_t seed = 0; seed < 5; seed++) {
		memset(ipis_of, 0, sizeof(ipis_of));
		if (!play(seed, send_masked, LIMIT)) return "it was abandoned";
		if (plan.stuck[0] != 0) return plan.stuck;
	}
	return NULL;
}

/* --- what cannot go on ------------------------------------------------------------------------ */

static void wait_for_nothing(void *unused)
{
	(void)unused;
	mach_wait();
}

static void spin_for_nothing(void *unused)
{
	(void)unused;
	for (;;) mach_relax();
}

static void step_for_ever(void *unused)
{
	(void)unused;
	for (;;) baton_step(0);
}

static void one_escapes(void *unused)
{
	(void)unused;
	for (unsigned i = 0;; i++) {
		if (i == STEPS && mach_cpu() == cpu_count() - 1) smp_escape();
		mach_relax();
	}
}

static const char *check_stuck(void)
{
	static const struct {
		const char *why;
		void (*fn)(void *);
		uint64_t limit;
	} cases[] = {
		{ "lost-wake", wait_for_nothing, LIMIT },
		{ "deadlock", spin_for_nothing, LIMIT },
		{ "livelock", step_for_ever, SHORT_LIMIT },
		{ "", one_escapes, LIMIT },
	};
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		if (play(i % 2, cases[i].fn, cases[i].limit)) return "it went on to the end";
		if (!same_text(plan.stuck, cases[i].why)) return cases[i].why;
		if (baton_turns_now() != NULL || mach_irq_masked())
			return "something is left of it";
		if (order_of(1) == 0) return "nothing goes on afterwards";
	}
	return NULL;
}

static const struct ktap_check checks[] = {
	{ "order", check_order },
	{ "interrupts", check_interrupts },
	{ "masked", check_masked },
	{ "stuck", check_stuck },
};

int program_main(void)
{
	return ktap_run(checks, COUNT_OF(checks)) == 0 ? STATUS_OK : STATUS_FINDING;
}
