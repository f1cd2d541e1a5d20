/*
 * test_sched.h -- for tests in which threads run: a scheduler on the host's CPUs, with stacks that
 * are counted, a text in which threads note that they ran, and planners of turns.  All of it lies
 * in the arena: where loads and stores are seen, races are looked for there.
 */
#ifndef SCHED_TEST_SCHED_H
#define SCHED_TEST_SCHED_H

#include "machine/host/arena.h"
#include "machine/host/drawn.h"
#include "machine/host/expect.h"
#include "machine/host/panics.h"
#include "sched/wait.h"

enum {
	T_SLOTS = 4096,
	T_STACK_BYTES = 4096,
	T_NOTES = 4096,
	T_LIMIT = 200000000,
	T_ARENA_BYTES = 4 << 20
};

#define T_STACKS 0x7000000000ull
#define T_SLICE_NS 1000000ull

/* The threads behind it, and what the test adds behind these. */
struct t_world {
	struct sched sched;
	uint32_t cpus;
	uint32_t spawned, reaped; /* atomic */
	uint32_t stacks[T_SLOTS]; /* atomic: 1 taken */
	uint32_t notes;           /* atomic */
	char note[T_NOTES];
	struct thread threads[];
};

static struct t_world *t_world;
#define tw (*t_world)

static uint64_t t_seed; /* for a report, where there is one */

/* --- what the scheduler asks for -------------------------------------------------------------- */

static uint64_t t_stack(void)
{
	for (uint32_t i = 0; i < T_SLOTS; i++)
		if (atomic_claim_u32(&tw.stacks[i], 1)) return T_STACKS + i * T_STACK_BYTES;
	EXPECT(!"a stack is left");
	return 0;
}

static void t_stack_back(uint64_t stack)
{
	const uint64_t i = (stack - T_STACKS) / T_STACK_BYTES;

	mach_stack_gone(stack, T_STACK_BYTES);
	EXPECT(i < T_SLOTS && atomic_exchange_u32(&tw.stacks[i], 0) == 1);
}

/* The last one lets the CPUs go. */
static void t_reaped(void *arg, const struct thread_gone *gone)
{
	EXPECT(arg == &tw && gone->stack_bytes == T_STACK_BYTES);
	EXPECT(thread_find(&tw.sched.table, gone->id) == NULL);
	t_stack_back(gone->stack);
	atomic_fetch_add_u32(&tw.reaped, 1);
	if (thread_count(&tw.sched.table) != 0) return;
	for (uint32_t cpu = 0; cpu < tw.cpus; cpu++)
		if (atomic_load_u32(&tw.sched.cpu[cpu].online) != 0) mach_ipi(cpu);
}

static bool t_idle(void *arg, uint32_t cpu)
{
	EXPECT(arg == &tw && cpu == mach_cpu() && !mach_irq_masked());
	return thread_count(&tw.sched.table) != 0;
}

static void t_timer(void *arg)
{
	sched_timer_fired(arg);
}

static void t_ipi(void *arg)
{
	sched_ipi_came(arg);
}

/* --- a world ---------------------------------------------------------------------------------- */

static void t_make(uint32_t cpus, uint32_t slots, uint32_t reserved, enum reap_form reap)
{
	host_reset();
	EXPECT(slots <= T_SLOTS);
	t_world = host_arena_base();
	mach_unpoison(t_world, sizeof(*t_world) + slots * sizeof(struct thread));
	memset(t_world, 0, sizeof(*t_world));
	tw.cpus = cpus;
	const struct sched_config config = {
		.cpus = cpus,
		.threads = tw.threads,
		.slots = slots,
		.reserved = reserved,
		.slice_ns = T_SLICE_NS,
		.reap = reap,
		.reaped = t_reaped,
		.idle = t_idle,
		.arg = &tw,
	};

	sched_init(&tw.sched, &config);
	host_handlers_set(t_timer, t_ipi, &tw.sched);
}

/* Zeroed memory for the test's own, in the arena too; once in each world. */
static inline void *t_more(size_t bytes)
{
	void *more = &tw.threads[tw.sched.config.slots];

	EXPECT((uint8_t *)more + bytes <= (uint8_t *)t_world + T_ARENA_BYTES);
	mach_unpoison(more, align_up(bytes, 8));
	return memset(more, 0, bytes);
}

static struct thread_how t_how(void (*entry)(void *arg), uint64_t arg)
{
	return (struct thread_how){
		.entry = entry,
		.arg = (void *)(uintptr_t)arg,
		.stack_bytes = T_STACK_BYTES,
		.class = SLOT_USER,
		.priority = PRIORITY_NORMAL,
	};
}

static thread_id t_spawn_how(struct thread_how how)
{
	how.stack = t_stack();
	const thread_id id = sched_spawn(&tw.sched, &how);
	if (id == THREAD_NONE)
		t_stack_back(how.stack);
	else
		atomic_fetch_add_u32(&tw.spawned, 1);
	return id;
}

static inline thread_id t_spawn(void (*entry)(void *arg), uint64_t arg)
{
	return t_spawn_how(t_how(entry, arg));
}

static void t_run(void *arg)
{
	sched_run(arg);
	EXPECT(!mach_irq_masked());
}

/* At the end everything is back, once. */
static void t_over(void)
{
	const char *why = sched_check(&tw.sched);
	if (why != NULL) kpanic("walk", "%s", why);
	EXPECT(thread_count(&tw.sched.table) == 0 && tw.reaped == tw.spawned);
	for (uint32_t i = 0; i < T_SLOTS; i++) EXPECT(tw.stacks[i] == 0);
}

static void t_go(const struct turns_planner *planner)
{
	if (!host_run_together(tw.cpus, t_run, &tw.sched, planner, T_LIMIT)) {
		fprintf(stderr, "seed %lu: %s: %s\n", t_seed, panic_id, panic_text);
		exit(1);
	}
	t_over();
}

static inline void t_note(char c)
{
	const uint32_t at = atomic_fetch_add_u32(&tw.notes, 1);

	EXPECT(at + 1 < T_NOTES);
	tw.note[at] = c;
}

static inline void t_noted(const char *wanted)
{
	if (strcmp(tw.note, wanted) != 0) kpanic("test", "wanted %s, got %s", wanted, tw.note);
}

/* --- planners --------------------------------------------------------------------------------- */

static void t_quiet_begin(void *context, struct turns *t)
{
	(void)context;
	t->asks.until = 0;
}

static struct turn t_quiet_decide(void *context, struct turns *t, struct turn_point point)
{
	(void)context, (void)point;
	return (struct turn){ .cpu = (uint8_t)t->now };
}

/* Each CPU runs until it waits; no ticks but those that all wait for. */
static const struct turns_planner t_quiet = { t_quiet_begin, t_quiet_decide, drawn_stuck, NULL };

static inline void t_go_by_lots(uint64_t seed, uint32_t about, uint32_t ticks)
{
	struct drawn lots = { .lots = { seed }, .about = about, .ticks = ticks };
	const struct turns_planner planner = { drawn_begin, drawn_decide, drawn_stuck, &lots };
	t_go(&planner);
}

static inline void t_expect_stuck(const char *id)
{
	EXPECT(!host_run_together(tw.cpus, t_run, &tw.sched, &t_quiet, T_LIMIT));
	if (strcmp(panic_id, id) != 0) kpanic("test", "%s: %s", panic_id, panic_text);
}

/* --- what threads of several tests do --------------------------------------------------------- */

static inline uint64_t t_deadline(void)
{
	return host_turns_now()->cpu[mach_cpu()].deadline_ns;
}

/* Works until the clock says so, at points where its timer may come. */
static inline void t_works_until(uint64_t end_ns)
{
	while (mach_now_ns() < end_ns) {
		const mach_irq_t was = mach_irq_save();
		host_clock_advance(min_u64(t_deadline(), end_ns) - mach_now_ns());
		mach_irq_restore(was);
	}
}

static struct wait_queue t_queue;
static enum wait_result t_waited;

static inline void t_waits(void *arg)
{
	const mach_irq_t was = wait_enter(&t_queue);
	t_note((char)(uintptr_t)arg);
	t_waited = wait_sleep(&tw.sched, &t_queue, WAIT_FOREVER);
	wait_leave(&t_queue, was);
	t_note((char)((uintptr_t)arg - 'a' + 'A'));
}

static inline uint32_t t_wake_one(void)
{
	const mach_irq_t was = wait_enter(&t_queue);
	const uint32_t woken = wait_wake_one(&tw.sched, &t_queue);

	wait_leave(&t_queue, was);
	return woken;
}

#endif
