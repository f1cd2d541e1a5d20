/*
 * spawn_stress.c -- spawning and ending from all CPUs at once: processes that exit, are killed,
 * leave orphans, fork, have threads.
 *
 * On each CPU a driver is spawned, a process without a parent that may run anywhere from then on.
 * It has children of the shapes below until the operations of the plan are used up, and is told of
 * the end of each; every thread that has run is an operation.  A life ends with its own number as
 * its code, and a kill has the number of whom it means, so a status that names somebody else, or
 * a kill that hits somebody else, is seen.  What a process writes to its space, it finds there.
 *
 * In the exhausting parts all memory is taken first but for a few pages, and the storm goes on in
 * these: making a process fails at every step that there is.
 *
 * A part is over when no process is left, so what the frame reads afterwards is what the storm has
 * left behind: every page, stack, slot and number must be back.
 *
 * Always true: drivers end after all their children, but for orphans, which nobody waits for and
 * which are forgotten as they end.
 *
 * Locks: none but a queue that nobody is ever woken from.  Cost: see bazel run //stress:spawn.
 */
#include "kernel/kmem.h"
#include "kernel/kprocess.h"
#include "kernel/ksched.h"
#include "kernel/vm.h"
#include "machine/atomic.h"
#include "stress/stress.h"

enum {
	BURST = 6,         /* children at a time, at most */
	CROWD = 4,         /* threads of one process, besides the first */
	SCARCE_SHARE = 8,  /* of the operations, with all memory taken */
	POLL_NS = 200000,  /* between two looks whether everybody is gone */
	SCARCE_PAGES = 24, /* of each CPU, for drivers and for a child or two */
};

#define WORD_AT 0x400000ull

struct drive {
	struct random random;
	uint32_t operations; /* until this driver ends */
	bool scarce;
};

static const struct stress_plan *plan;
static struct wait_queue never;
static struct drive drives[CPUS_MAX];
static uint32_t begun_on[1 << 16]; /* CPU of a process's first thread, by slot */

static void process_is_wrong(const char *when)
{
	stress_content_wrong(when, 1, 0);
}

/* Only a want of memory or slots, or an end that came before, may be answered; counted. */
static bool granted(const char *call, int answer)
{
	if (answer == 0) return true;
	if (answer != -ERR_NOMEM && answer != -ERR_AGAIN && answer != -ERR_INTR)
		process_is_wrong(call);
	stress_count(STRESS_REFUSED);
	return false;
}

/* --- misdeeds of the plan --------------------------------------------------------------------- */

static NOINLINE void stress_loses_a_stack(void)
{
	(void)kstack_take();
}

static NOINLINE void stress_loses_a_page_of_processes(void)
{
	(void)kpage_alloc(0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL));
}

static bool is_due(uint32_t every, uint32_t operation)
{
	return every != 0 && (operation + 1) % every == 0;
}

/* A thread runs: an operation.  With what it is to end. */
static uint64_t live(void)
{
	const uint32_t operation = stress_count(STRESS_OPERATIONS);
	const process_id self = process_self(&kernel_processes);
	if (is_due(plan->lose_object, operation)) stress_loses_a_stack();
	if (is_due(plan->lose_page, operation)) stress_loses_a_page_of_processes();
	atomic_store_u32(&begun_on[(uint16_t)self], mach_cpu());
	/* From there on, since who is killed at that very one tells nobody. */
	return self ^ (plan->corrupt != 0 && operation + 1 >= plan->corrupt);
}

/* --- lives ------------------------------------------------------------------------------------ */

static void exits(void *arg)
{
	(void)arg;
	process_exit(&kernel_processes, live());
}

static void waits_for_ever(void *arg)
{
	(void)arg;
	live();
	const mach_irq_t was = wait_enter(&never);
	if (wait_sleep(&kernel_sched, &never, WAIT_FOREVER) != WAIT_KILLED)
		process_is_wrong("woken by nobody");
	wait_leave(&never, was);
}

static void runs_until_killed(void *arg)
{
	(void)arg;
	live();
	while (!sched_killed(&kernel_sched)) sched_yield_cpu(&kernel_sched);
}

/* Ends with all its threads, in whatever state they are. */
static void is_a_crowd(void *arg)
{
	const uint64_t code = live();
	thread_id thread;
	for (uintptr_t i = (uintptr_t)arg; i != 0; i--)
		granted("thread", kprocess_thread(i % 2 == 0 ? waits_for_ever : runs_until_killed,
						  NULL, &thread));
	process_exit(&kernel_processes, code);
}

static void leaves_orphans(void *arg)
{
	process_id id;
	const uint64_t code = live();
	for (uintptr_t i = (uintptr_t)arg; i != 0; i--)
		granted("orphan", kprocess_spawn(exits, NULL, &id));
	process_exit(&kernel_processes, code);
}

/* The parent's word is there, and another may stand in its place without the parent's seeing it. */
static void is_a_copy(void *arg)
{
	struct space *s = process_space(&kernel_processes);
	const uint64_t code = live();
	uint64_t word = 0;
	const enum fault_answer read = kspace_load(s, WORD_AT, &word);
	if (read == FAULT_NO_MEMORY)
		stress_count(STRESS_REFUSED);
	else if (read != FAULT_DONE || word != (uintptr_t)arg)
		process_is_wrong("a copy's word");
	if (kspace_store(s, WORD_AT, code) == FAULT_DONE) {
		sched_yield_cpu(&kernel_sched);
		if (kspace_load(s, WORD_AT, &word) != FAULT_DONE || word != code)
			process_is_wrong("a copy's own word");
	}
	process_exit(&kernel_processes, code);
}

/* --- what a driver does with them ------------------------------------------------------------- */

static void collect(process_id which, enum process_end end)
{
	struct process_status status;
	if (process_wait(&kernel_processes, which, WAIT_FOREVER, &status) != 0) {
		process_is_wrong("a child that cannot be waited for");
		return;
	}
	if (status.code != status.id || status.end != end) process_is_wrong("a status");
	if (which != PROCESS_ANY && which != status.id) process_is_wrong("somebody else's end");
	if (atomic_load_u32(&begun_on[(uint16_t)status.id]) == mach_cpu()) return;
	stress_count(STRESS_HANDED_OVER);
	stress_count(STRESS_FREED_FOREIGN);
}

static void have_one(void (*entry)(void *), uintptr_t arg)
{
	process_id id;
	if (granted("spawn", kprocess_spawn(entry, (void *)arg, &id))) collect(id, PROCESS_EXITED);
}

static void have_many(struct drive *d)
{
	uint32_t children = 0;
	process_id id;
	for (uint32_t i = 1 + random_below(&d->random, BURST); i != 0; i--)
		children += granted("spawn", kprocess_spawn(exits, NULL, &id));
	for (; children != 0; children--) collect(PROCESS_ANY, PROCESS_EXITED);
}

/* At any moment of its life: before it has begun, while it waits, while it runs. */
static void kill_one(struct drive *d)
{
	const bool waits = random_one_in(&d->random, 2);
	process_id id;
	if (!granted("spawn",
		     kprocess_spawn(waits ? waits_for_ever : runs_until_killed, NULL, &id)))
		return;
	for (uint32_t i = random_below(&d->random, 4); i != 0; i--) sched_yield_cpu(&kernel_sched);
	if (process_kill(&kernel_processes, id, id) != 0) process_is_wrong("a kill");
	collect(id, PROCESS_KILLED);
	if (process_kill(&kernel_processes, id, id) != -ERR_SRCH)
		process_is_wrong("a kill of who is gone");
}

static void have_a_copy(struct drive *d, struct space *s)
{
	const uint64_t word = random_u64(&d->random) | 1;
	uint64_t after = 0;
	process_id id;
	if (kspace_store(s, WORD_AT, word) != FAULT_DONE) {
		stress_count(STRESS_REFUSED);
		return;
	}
	if (!granted("fork", kprocess_fork(is_a_copy, (void *)(uintptr_t)word, &id))) return;
	collect(id, PROCESS_EXITED);
	if (kspace_load(s, WORD_AT, &after) != FAULT_DONE || after != word)
		process_is_wrong("a parent's word");
}

static void operate(struct drive *d, struct space *s, bool mapped)
{
	switch (random_below(&d->random, 8)) {
	case 0: have_many(d); break;
	case 1: kill_one(d); break;
	case 2: have_one(is_a_crowd, 1 + random_below(&d->random, CROWD)); break;
	case 3: have_one(leaves_orphans, random_below(&d->random, 3)); break;
	case 4:
		if (mapped) have_a_copy(d, s);
		break;
	default: have_one(exits, 0); break;
	}
}

/* A driver's own life. */
static void drives_a_storm(void *arg)
{
	struct drive *d = arg;
	struct space *s = process_space(&kernel_processes);
	const int64_t at = space_mmap(s, WORD_AT, PAGE_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, SITE_NONE);
	const uint32_t share = d->scarce ? SCARCE_SHARE : 1;
	/* Refused as often as there are operations: that is enough, too. */
	for (uint32_t i = 0; i < d->operations / share; i++) operate(d, s, at == WORD_AT);
	process_exit(&kernel_processes, 0);
}

/* --- parts ------------------------------------------------------------------------------------ */

static uint32_t processes_left(void)
{
	struct process_counts counts;
	process_count(&kernel_processes, &counts);
	return counts.processes;
}

static void make(const struct stress_turn *turn, struct random *random)
{
	(void)random;
	if (mach_cpu() == 0) plan = turn->plan;
}

static void storm_in(const struct stress_turn *turn, struct random *random, bool is_scarce)
{
	struct drive *d = &drives[mach_cpu()];
	process_id id;
	*d = (struct drive){ *random, turn->plan->operations, is_scarce };
	granted("driver", kprocess_spawn(drives_a_storm, d, &id));
	do {
		kthread_sleep(POLL_NS);
		stress_sample(turn);
	} while (processes_left() != 0);
}

static void storm(const struct stress_turn *turn, struct random *random)
{
	storm_in(turn, random, false);
}

/* Pages that are chained by their first words. */
static paddr_t taken[CPUS_MAX];

static bool give_one_back(void)
{
	paddr_t *const first = &taken[mach_cpu()];
	const paddr_t page = *first;
	if (page == PADDR_NONE) return false;
	*first = *(paddr_t *)mach_phys(page);
	kpage_free(page, 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL));
	return true;
}

static void fill(const struct stress_turn *turn, struct random *random)
{
	paddr_t *const first = &taken[mach_cpu()];
	paddr_t page;
	(void)turn, (void)random;
	while ((page = kpage_alloc(0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL))) != PADDR_NONE) {
		*(paddr_t *)mach_phys(page) = *first;
		*first = page;
	}
	stress_count(STRESS_REFUSED);
}

static void scarce(const struct stress_turn *turn, struct random *random)
{
	for (uint32_t i = 0; i < SCARCE_PAGES; i++) give_one_back();
	storm_in(turn, random, true);
}

static void spill(const struct stress_turn *turn, struct random *random)
{
	(void)turn, (void)random;
	while (give_one_back()) {
	}
}

static void open_queue(void)
{
	wait_init(&never, RANK_WAIT);
}

static const struct stress_part parts[] = {
	{ "make", make, false },    { "storm", storm, false }, { "fill", fill, true },
	{ "scarce", scarce, true }, { "spill", spill, true },  { NULL, NULL, false },
};

const struct stress spawn_stress = {
	.name = "spawn",
	.open = open_queue,
	.parts = parts,
	.things = "process",
};
