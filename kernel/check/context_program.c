/*
 * context_program.c -- checks of contexts and of the handlers of interrupts, without a scheduler:
 * switches by hand, in an interrupt, from CPU to CPU; floating point; and what a checked image must
 * notice.
 *
 * The contexts here run on stacks of the window (mm/kstack.h).  Each check ends what it began, and
 * gives its stacks back: the number of live ones is looked at last.
 */
#include "kernel/boot.h"
#include "kernel/check/fp_calls.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/ktap.h"
#include "kernel/panic.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "kernel/vm.h"
#include "machine/aarch64/context.h"
#include "machine/aarch64/cpu.h"
#include "machine/lock.h"

enum { ROUNDS = 200, KEPT_REGISTERS = 10, PARTIES = 3, QUANTUM_NS = 30000 };

/* One more party that a CPU can be, on a stack of its own. */
struct party {
	struct mach_context context;
	struct mach_fp fp;
	uint64_t stack;
};

static struct mach_context home; /* what program_main() is */
static struct party parties[PARTIES];
static uint64_t steps[PARTIES];

static void open_party(struct party *p, void (*entry)(void *), void *arg, bool fp)
{
	p->stack = kstack_take();
	ASSERT(p->stack != 0);
	memset(&p->fp, 0, sizeof(p->fp));
	mach_context_init(&p->context, p->stack, KERNEL_STACK_BYTES, entry, arg,
			  fp ? &p->fp : NULL);
}

static void close_party(struct party *p)
{
	mach_context_end(&p->context);
	kstack_give(p->stack);
}

/* --- switches --------------------------------------------------------------------------------- */

static const char *told;

static void answer_home(void *arg)
{
	struct party *me = arg;
	for (uint64_t i = 0;; i++) {
		if (!mach_irq_masked()) told = "interrupts are unmasked";
		steps[me - parties] = i + 1;
		mach_context_switch(&me->context, &home);
	}
}

static const char *check_switch(void)
{
	told = NULL;
	const mach_irq_t was = mach_irq_save();
	const uintptr_t low = cpu_here()->stack_low;
	mach_context_adopt(&home, NULL);
	for (unsigned i = 0; i < PARTIES; i++)
		open_party(&parties[i], answer_home, &parties[i], false);
	for (unsigned round = 1; round <= ROUNDS && told == NULL; round++) {
		for (unsigned i = 0; i < PARTIES; i++) {
			mach_context_switch(&home, &parties[i].context);
			if (steps[i] != round) told = "another step";
		}
	}
	if (low != cpu_here()->stack_low) told = "the bounds are another stack's";
	for (unsigned i = 0; i < PARTIES; i++) close_party(&parties[i]);
	mach_irq_restore(was);
	return told;
}

/* A backtrace of a context that does not run begins in the function that left it. */
static const char *check_record(void)
{
	const mach_irq_t was = mach_irq_save();
	mach_context_adopt(&home, NULL);
	open_party(&parties[0], answer_home, &parties[0], false);
	const char *wrong = context_record(&home) != 0 ? "it runs, and has a record" : NULL;
	mach_context_switch(&home, &parties[0].context);
	const uintptr_t *record = (const uintptr_t *)context_record(&parties[0].context);
	const uintptr_t from = (uintptr_t)mach_context_switch;
	if (record == NULL || !is_aligned((uintptr_t)record, 16)) {
		wrong = "no record";
	} else {
		const uintptr_t *outer = (const uintptr_t *)record[0];
		const uintptr_t entry = (uintptr_t)answer_home;
		/* A tail call may leave out mach_context_switch() itself. */
		if (record[1] - from > 4096 && record[1] - entry > 4096) wrong = "another place";
		while (outer != NULL && outer[0] != 0) outer = (const uintptr_t *)outer[0];
		if (outer == NULL || outer[1] != 0) wrong = "the walk does not end";
	}
	close_party(&parties[0]);
	mach_irq_restore(was);
	return wrong;
}

/* --- in interrupts ---------------------------------------------------------------------------- */

static struct mach_context *now_in; /* on CPU 0 */
static uint32_t turn, preempted;
static bool until_done;

/* Round robin among the parties, which never leave by themselves; home last. */
static void take_turns(void *unused)
{
	(void)unused;
	if (mach_cpu() != 0) return;
	struct mach_context *from = now_in;
	preempted++;
	turn = (turn + 1) % PARTIES;
	now_in = until_done ? &home : &parties[turn].context;
	if (!until_done) mach_timer_set(mach_now_ns() + QUANTUM_NS);
	if (now_in != from) mach_context_switch(from, now_in);
}

static void nothing(void *unused)
{
	(void)unused;
}

static const struct cpu_handlers preempting = { .timer = take_turns, .ipi = nothing };

/* Fills its registers, and spins until the others have been here often enough, looking whether
 * they are as they were; all that it has is preempted at any instruction. */
static void spin_with_fp(void *arg)
{
	struct party *me = arg;
	const uint64_t seed = 0x08c0009f00000000ull * (uint64_t)(me - parties + 1) +
			      0x06c0001d * (uint64_t)(me - parties + 1);
	mach_irq_restore((mach_irq_t){ 0 });
	fp_fill(seed);
	for (;;) {
		for (volatile unsigned i = 0; i < 500; i++) continue;
		const uint64_t wrong = fp_same(seed);
		if (wrong != 0) told = "registers are another's";
		steps[me - parties]++;
		uint64_t least = UINT64_MAX;
		for (unsigned i = 0; i < PARTIES; i++)
			least = min_u64(least, __atomic_load_n(&steps[i], __ATOMIC_RELAXED));
		if (preempted > ROUNDS && least > ROUNDS) until_done = true;
		mach_relax();
	}
}

static const char *check_preemption(void)
{
	static struct mach_fp home_fp;
	told = NULL;
	until_done = false;
	turn = preempted = 0;
	memset(steps, 0, sizeof(steps));
	const mach_irq_t was = mach_irq_save();
	const uint64_t seed = 0x1234567890;
	memset(&home_fp, 0, sizeof(home_fp));
	mach_context_adopt(&home, &home_fp);
	fp_fill(seed);
	for (unsigned i = 0; i < PARTIES; i++)
		open_party(&parties[i], spin_with_fp, &parties[i], true);
	const struct cpu_handlers *others = cpu_handlers_set(&preempting);
	now_in = &parties[0].context;
	mach_timer_set(mach_now_ns() + QUANTUM_NS);
	mach_context_switch(&home, now_in);
	cpu_handlers_set(others);
	if (fp_same(seed) != 0 && told == NULL) told = "the first context's registers are lost";
	for (unsigned i = 0; i < PARTIES; i++) close_party(&parties[i]);
	cpu_fp_leave(cpu_here());
	cpu_here()->fp = NULL;
	mach_timer_set(mach_now_ns());
	mach_irq_restore(was);
	return told;
}

/* --- from CPU to CPU -------------------------------------------------------------------------- */

static uint32_t holder; /* atomic: whose turn it is with the traveller */
static struct mach_context halls[CPUS_MAX];

static void travel(void *unused)
{
	(void)unused;
	uint64_t local[KEPT_REGISTERS];
	const uint64_t seed = 0x08c0009f51ed0000ull;
	fp_fill(seed);
	for (uint64_t i = 0;; i++) {
		for (unsigned k = 0; k < KEPT_REGISTERS; k++) local[k] = i * (k + 3);
		__asm__ volatile("" : : "r"(local) : "memory");
		mach_context_switch(&parties[0].context, &halls[mach_cpu()]);
		for (unsigned k = 0; k < KEPT_REGISTERS; k++) {
			if (local[k] != i * (k + 3)) told = "the stack is another's";
		}
		if (fp_same(seed) != 0) told = "registers did not travel";
		steps[mach_cpu() % PARTIES]++;
	}
}

/* Each CPU in turn goes on in the traveller for one step. */
static void receive(void *unused)
{
	(void)unused;
	const unsigned here = mach_cpu(), cpus = cpu_count();
	for (unsigned round = 0; round < ROUNDS; round++) {
		while (atomic_load_u32(&holder) % cpus != here) mach_relax();
		const mach_irq_t was = mach_irq_save();
		mach_context_adopt(&halls[here], NULL);
		mach_context_switch(&halls[here], &parties[0].context);
		mach_irq_restore(was);
		atomic_fetch_add_u32(&holder, 1);
	}
}

static const char *check_migration(void)
{
	told = NULL;
	holder = 0;
	memset(steps, 0, sizeof(steps));
	open_party(&parties[0], travel, NULL, true);
	if (!smp_run_all(receive, NULL)) told = "a call escaped";
	close_party(&parties[0]);
	uint64_t all = 0;
	for (unsigned i = 0; i < PARTIES; i++) all += steps[i];
	if (told == NULL && all != (uint64_t)ROUNDS * cpu_count() - 1) told = "a step is missing";
	return told;
}

/* --- what must be noticed --------------------------------------------------------------------- */

static char caught[120];

static void catch_panic(const char *id, const char *message)
{
	format_text(caught, sizeof(caught), "%s %s", id, message);
	smp_escape();
}

static void to_ended(void *unused)
{
	(void)unused;
	mach_irq_save();
	mach_context_adopt(&home, NULL);
	mach_context_end(&parties[0].context);
	mach_context_switch(&home, &parties[0].context);
}

static void to_elsewhere(void *unused)
{
	(void)unused;
	mach_irq_save();
	mach_context_adopt(&home, NULL);
	parties[0].context.word[CONTEXT_ON / 8] = 2; /* as if CPU 1 were in it */
	mach_context_switch(&home, &parties[0].context);
}

static void from_another(void *unused)
{
	(void)unused;
	mach_irq_save();
	mach_context_switch(&parties[0].context, &home);
}

static void two_for_a_stack(void *unused)
{
	(void)unused;
	mach_context_init(&parties[1].context, parties[0].stack, KERNEL_STACK_BYTES, answer_home,
			  &parties[1], NULL);
}

static void stack_too_soon(void *unused)
{
	(void)unused;
	mach_stack_gone(parties[0].stack, KERNEL_STACK_BYTES);
}

static void stack_underfoot(void *unused)
{
	(void)unused;
	mach_stack_gone(cpu_here()->stack_low, KERNEL_STACK_BYTES);
}

static void end_underfoot(void *unused)
{
	(void)unused;
	mach_context_adopt(&home, NULL);
	mach_context_end(&home);
}

static void end_twice(void *unused)
{
	(void)unused;
	mach_context_end(&parties[0].context);
	mach_context_end(&parties[0].context);
}

static void end_unmade(void *unused)
{
	struct mach_context never = { .word = { 0 } };
	(void)unused;
	mach_context_end(&never);
}

static void unmasked(void *unused)
{
	(void)unused;
	mach_context_adopt(&home, NULL);
	mach_context_switch(&home, &parties[0].context);
}

static void write_over_the_end(void *unused)
{
	(void)unused;
	*(volatile uint64_t *)cpu_here()->stack_low = 0;
	mach_context_switch(&parties[0].context, &home);
}

static void canary_gone(void *unused)
{
	(void)unused;
	mach_irq_save();
	mach_context_adopt(&home, NULL);
	mach_context_switch(&home, &parties[0].context);
}

static void float_without(void *unused)
{
	(void)unused;
	fp_fill(1);
}

static const char *check_watched(void)
{
	static const struct {
		const char *says;
		void (*wrong)(void *);
		void (*entry)(void *);
	} cases[] = {
		{ "stack-in-use a context that was never made, or has ended", to_ended,
		  answer_home },
		{ "stack-in-use a context is to go on that is on CPU 1", to_elsewhere,
		  answer_home },
		{ "stack-in-use a context is left that this CPU is not in", from_another,
		  answer_home },
		{ "stack-in-use a second context for a stack", two_for_a_stack, answer_home },
		{ "stack-in-use its context has not ended", stack_too_soon, answer_home },
		{ "stack-in-use CPU 0 is on it", stack_underfoot, answer_home },
		{ "stack-in-use a context ends that is on CPU 0", end_underfoot, answer_home },
		{ "stack-in-use a context ends that was never made, or has ended", end_twice,
		  answer_home },
		{ "stack-in-use a context ends that was never made, or has ended", end_unmade,
		  answer_home },
		{ "irq-order a switch with interrupts unmasked", unmasked, answer_home },
		{ "stack-canary somebody wrote over the end", canary_gone, write_over_the_end },
		{ "fault floating point in the kernel", float_without, answer_home },
	};
	const char *wrong = NULL;
	panic_hook_set(catch_panic);
	for (unsigned i = 0; i < COUNT_OF(cases) && wrong == NULL; i++) {
		open_party(&parties[0], cases[i].entry, &parties[0], false);
		caught[0] = 0;
		if (smp_run_on(0, cases[i].wrong, NULL)) wrong = cases[i].says;
		for (unsigned k = 0; cases[i].says[k] != 0; k++) {
			if (caught[k] != cases[i].says[k]) wrong = cases[i].says;
		}
		parties[0].context.word[CONTEXT_ON / 8] = 0;
		if (cases[i].wrong != to_ended && cases[i].wrong != end_twice)
			mach_context_end(&parties[0].context);
		*(uint64_t *)parties[0].stack = STACK_CANARY;
		kstack_give(parties[0].stack);
	}
	panic_hook_set(NULL);
	if (wrong != NULL) console_print("# caught: %s\n", caught);
	return wrong;
}

static uint32_t stacks_before;

static const char *check_stacks_back(void)
{
	return kernel_stacks.live == stacks_before ? kstack_check(&kernel_stacks)
						   : "a stack is still out";
}

static const struct ktap_check checks[] = {
	{ "switch", check_switch },
	{ "record-of-a-context", check_record },
	{ "preemption-and-fp", check_preemption },
	{ "migration-and-fp", check_migration },
	{ "what-is-watched", check_watched },
	{ "stacks-back", check_stacks_back },
};

int program_main(void)
{
	stacks_before = kernel_stacks.live;
	return ktap_run(checks, COUNT_OF(checks)) == 0 ? STATUS_OK : STATUS_FINDING;
}
