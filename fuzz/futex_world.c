/*
 * futex_world.c -- subject futex: what its threads stand on, and the threads.
 *
 * Two spaces, the second a copy of the first: in each a page of its own, and one that both share;
 * the first has that twice.  Lanes are threads of the kernel that make calls for either of them.
 * One that was killed ends, and another goes on with its lane.
 *
 * One thread takes care.  It waits until a CPU with nothing to do, or a lane at its end, finds that
 * nobody can go on by himself: then it has the model judge why each waits, and wakes all.
 *
 * Compiled without points, but for those of calls.  Locks: the queue of who takes care.
 */
#include "fuzz/frame/lanes.h"
#include "fuzz/frame/must.h"
#include "fuzz/futex_subject.h"
#include "fuzz/sched_interrupts.h"

enum {
	AT = PAGE_AT,
	AT_SHARED = AT + 4 * PAGE_SIZE,
	AT_AGAIN = AT + 8 * PAGE_SIZE,
	RW = PROT_READ | PROT_WRITE,
	PAGES_LEAST = 64,
	STACKS_AT = 4 << 20,
	LANE_STACK_BYTES = 16384,
	PATIENCE = 64,
};

#define SLICE_ENDLESS (1ull << 62)

static struct {
	struct {
		thread_id thread;
		bool told, pauses, over;
	} lane[LANES];
	uint32_t due;     /* lanes that need a thread, by bit */
	uint32_t threads; /* that were spawned and not reaped */
	bool stack[THREAD_SLOTS];
	uint64_t done;
	bool over;
} world;

/* --- names ------------------------------------------------------------------------------------ */

static const struct {
	uint8_t space, memory;
	uint64_t at;
} places[PLACES] = {
	[OWN_A] = { 0, MEMORY_A, AT },
	[OWN_B] = { 1, MEMORY_B, AT },
	[SHARED_A] = { 0, MEMORY_SHARED, AT_SHARED },
	[SHARED_AGAIN] = { 0, MEMORY_SHARED, AT_AGAIN },
	[SHARED_B] = { 1, MEMORY_SHARED, AT_SHARED },
};

uint64_t named_va(struct named n)
{
	return places[n.place].at + n.word * (uint64_t)WORD_GAP;
}

struct futex_at named_at(const struct run *run, struct named n)
{
	struct space *s = world_of(run)->space[places[n.place].space];
	return (struct futex_at){ s, named_va(n), n.shared };
}

uint32_t named_space(struct named n)
{
	return places[n.place].space;
}

uint32_t named_memory(struct named n)
{
	return places[n.place].memory;
}

uint32_t named_key(struct named n)
{
	const uint32_t row = n.shared ? named_memory(n) : (uint32_t)MEMORIES + n.place;
	return row * WORDS + n.word;
}

/* --- making ----------------------------------------------------------------------------------- */

static void map(struct space *s, uint64_t at, uint32_t flags, struct backing *b)
{
	must(space_mmap(s, at, PAGE_SIZE, RW, flags | MAP_FIXED, b, 0, SITE_NONE) == (int64_t)at,
	     "a page of a space");
	must(space_fault(s, at, MACH_STORE) == FAULT_DONE, "a page");
}

static void spaces_make(struct world *w)
{
	struct backing *b = backing_create(w->memory.vm.backings, NULL, 1, SITE_NONE);

	must(b != NULL, "a backing");
	w->space[0] = space_create(&w->memory.vm, SITE_NONE);
	must(w->space[0] != NULL, "a space");
	map(w->space[0], AT, MAP_PRIVATE | MAP_ANONYMOUS, NULL);
	map(w->space[0], AT_SHARED, MAP_SHARED, b);
	map(w->space[0], AT_AGAIN, MAP_SHARED, b);
	backing_drop(b);
	w->space[1] = space_clone(w->space[0], SITE_NONE);
	must(w->space[1] != NULL, "a copy of a space");
}

static void memory_make(struct run *run)
{
	struct world *w = world_of(run);

	vm_world_open(&w->memory, run, PAGES_LEAST, AT, AT * 2);
	spaces_make(w);
	/* Bits 0 and 1 of the header's tag: rows, and buckets: 1, or 4. */
	const uint32_t tag = run->script->world.tag;
	w->table = futex_open(&w->memory.km, &w->sched, (tag & 1) != 0 ? 4 : 1,
			      (tag & 2) != 0 ? 4 : 1);
	must(w->table != NULL, "a table of futexes");
}

/* --- threads ---------------------------------------------------------------------------------- */

static uint64_t stack_of(const struct run *run, uint32_t n)
{
	return (uintptr_t)run->machine->arena + STACKS_AT + (uint64_t)n * LANE_STACK_BYTES;
}

/* `lane` RUN_NO_LANE: the one that takes care. */
static void lives(void *arg);

static bool spawn(struct run *run, unsigned lane)
{
	uint32_t n = 0;

	while (n < THREAD_SLOTS && world.stack[n]) n++;
	if (n == THREAD_SLOTS) return false;
	const struct thread_how how = {
		.entry = lives,
		.arg = (void *)(uintptr_t)lane,
		.stack = stack_of(run, n),
		.stack_bytes = LANE_STACK_BYTES,
		.class = SLOT_USER,
		.priority = lane == RUN_NO_LANE ? 0 : PRIORITY_NORMAL,
	};
	world.stack[n] = true;
	world.threads++;
	if (sched_spawn(&world_of(run)->sched, &how) != THREAD_NONE) return true;
	world.stack[n] = false;
	world.threads--;
	return false;
}

static void reaped(void *arg, const struct thread_gone *gone)
{
	const struct run *run = arg;
	const uint64_t n = (gone->stack - stack_of(run, 0)) / LANE_STACK_BYTES;

	if (n >= THREAD_SLOTS || !world.stack[n]) kpanic(ORACLE_STACK_IN_USE, "a strange stack");
	mach_stack_gone(gone->stack, gone->stack_bytes);
	world.stack[n] = false;
	world.threads--;
	world.done++;
	if (!world.over) return;
	for (uint32_t cpu = 0; cpu < world_of(run)->sched.config.cpus; cpu++)
		if (atomic_load_u32(&world_of(run)->sched.cpu[cpu].online) != 0) mach_ipi(cpu);
}

unsigned futex_lane_now(struct run *run)
{
	const struct thread *t = world_of(run)->sched.cpu[mach_cpu()].current;

	for (unsigned lane = 0; lane < LANES && t != NULL && !t->idle; lane++)
		if (world.lane[lane].thread == thread_id_of(t)) return lane;
	return RUN_NO_LANE;
}

thread_id lane_thread(unsigned lane)
{
	return world.lane[lane].thread;
}

bool lane_was_told(unsigned lane)
{
	return world.lane[lane].told;
}

void lane_is_told(unsigned lane)
{
	world.lane[lane].told = true;
	model_tells();
}

void lane_done(struct run *run)
{
	world.done++;
	if (sched_killed(&world_of(run)->sched)) run_lane_stops(run);
}

/* --- taking care ------------------------------------------------------------------------------ */

/* It sleeps, and nothing but care will end that; or it is over. */
static bool lane_rests(const struct run *run, unsigned lane)
{
	const struct thread *t =
		&world_of(run)->threads[(uint32_t)world.lane[lane].thread % THREAD_SLOTS];

	if (world.lane[lane].over || (world.due >> lane & 1) != 0) return true;
	if (world.lane[lane].thread == THREAD_NONE) return false;
	/* Who waits at a meeting point where all have come goes on when its time is over. */
	if (world.lane[lane].pauses ? !lanes_waits(run, lane) : !model_lane_waits_for_ever(lane))
		return false;
	return thread_word_state(t->word) == THREAD_WAITING;
}

bool futex_asleep(struct run *run, unsigned lane)
{
	return !world.lane[lane].pauses && model_lane_waits_for_ever(lane) && lane_rests(run, lane);
}

static bool all_rest(const struct run *run)
{
	for (unsigned lane = 0; lane < LANES; lane++)
		if (!lane_rests(run, lane)) return false;
	return true;
}

static bool all_over(void)
{
	for (unsigned lane = 0; lane < LANES; lane++)
		if (!world.lane[lane].over) return false;
	return true;
}

static void ask_for_care(struct run *run)
{
	struct world *w = world_of(run);
	const mach_irq_t was = wait_enter(&w->care);

	w->asked++;
	wait_wake_one(&w->sched, &w->care);
	wait_leave(&w->care, was);
}

static void waits_to_be_asked(struct run *run, uint64_t *seen)
{
	struct world *w = world_of(run);
	const mach_irq_t was = wait_enter(&w->care);

	while (w->asked == *seen) wait_sleep(&w->sched, &w->care, WAIT_FOREVER);
	*seen = w->asked;
	wait_leave(&w->care, was);
}

static void takes_care(struct run *run)
{
	uint32_t patience = PATIENCE;
	uint64_t seen = 0;

	while (!all_over() || world.threads > 1) {
		const uint64_t done = world.done;
		for (unsigned lane = 0; lane < LANES; lane++) {
			if ((world.due >> lane & 1) == 0) continue;
			world.due &= ~(1u << lane);
			if (!spawn(run, lane)) world.due |= 1u << lane;
		}
		waits_to_be_asked(run, &seen);
		if (all_rest(run) && model_somebody_waits()) model_at_rest(run);
		patience = world.done == done ? patience - 1 : PATIENCE;
		if (patience == 0) kpanic(ORACLE_LOST_WAKE, "none of the lanes gets on");
	}
	model_at_rest(run);
	world.over = true;
}

static void lives(void *arg)
{
	struct run *run = must_run();
	const unsigned lane = (unsigned)(uintptr_t)arg;

	if (lane == RUN_NO_LANE) {
		takes_care(run);
		return;
	}
	world.lane[lane].thread = thread_id_of(sched_current(&world_of(run)->sched));
	world.lane[lane].told = world.lane[lane].pauses = false;
	model_signalled(lane, false);
	const bool over = run_lane(run, lane);
	world.lane[lane].thread = THREAD_NONE;
	world.lane[lane].over = over;
	if (!over) {
		futex_score_ended(run, lane);
		run_sometimes(run, SAW_LANE_WENT_ON);
		world.due |= 1u << lane;
	}
	ask_for_care(run);
}

static bool idles(void *arg, uint32_t cpu)
{
	struct run *run = arg;
	const bool alone = all_over() && world.threads == 1;
	const bool waits = world.due != 0 || model_somebody_waits() || alone;

	(void)cpu;
	if (!world.over && waits && all_rest(run)) ask_for_care(run);
	return !(world.over && world.threads == 0);
}

/* --- the subject ------------------------------------------------------------------------------ */

static void futex_fuzz_open(struct run *run)
{
	struct world *w = world_of(run);
	const struct sched_config config = {
		.cpus = run->script->world.cpus,
		.threads = w->threads,
		.slots = THREAD_SLOTS,
		.slice_ns = run_is_calm(run) ? SLICE_ENDLESS : SLICE_NS,
		.reaped = reaped,
		.idle = idles,
		.arg = run,
	};

	memset(&world, 0, sizeof world);
	model_open();
	w->asked = 0;
	w->idle = 0;
	memory_make(run);
	sched_init(&w->sched, &config);
	wait_init(&w->care, RANK_WAIT);
	world.due = (1u << LANES) - 1;
	futex_score_opens(run);
	sched_takes_interrupts(run, &w->sched);
}

static void futex_fuzz_together(struct run *run, unsigned cpu)
{
	if (cpu == 0) must(spawn(run, RUN_NO_LANE), "the first thread");
	sched_run(&world_of(run)->sched);
}

static void futex_fuzz_check(struct run *run, enum check_depth depth)
{
	if (depth == CHECK_WALK) must_be_sound(futex_check(world_of(run)->table));
}

static void futex_fuzz_pause(struct run *run)
{
	const unsigned lane = futex_lane_now(run);
	struct sched *s = &world_of(run)->sched;

	world.lane[lane].pauses = true;
	if (sched_sleep_until(s, mach_now_ns() + 2 * SLICE_NS) == WAIT_KILLED) run_lane_stops(run);
	world.lane[lane].pauses = false;
}

static void futex_fuzz_close(struct run *run)
{
	struct world *w = world_of(run);

	if (!world.over || world.threads != 0) kpanic(ORACLE_LEAK, "threads are not back");
	must_be_sound(sched_check(&w->sched));
	futex_close(w->table);
	space_retire(w->space[0]);
	space_retire(w->space[1]);
	vm_world_close(&w->memory);
}

static unsigned futex_fuzz_lane(const struct script_op *op)
{
	return op->slot;
}

static const char *const saw_names[] = {
	"woken",   "differs",         "timeout",   "signalled",   "killed",
	"moved",   "moved-and-woken", "elsewhere", "bits-missed", "rescued",
	"faulted", "lane-went-on",    "robust",    NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");
_Static_assert(sizeof(struct world) <= RUN_STATE_BYTES, "a run's state holds it");

const struct subject futex_subject = {
	.name = "futex",
	.ops = futex_operations,
	.op_count = FUTEX_OPERATIONS,
	.sometimes = saw_names,
	.open = futex_fuzz_open,
	.check = futex_fuzz_check,
	.close = futex_fuzz_close,
	.together = futex_fuzz_together,
	.lanes = LANES,
	.lane = futex_fuzz_lane,
	.lane_now = futex_lane_now,
	.pause = futex_fuzz_pause,
	.restless = true,
	.asleep = futex_asleep,
	.state_bytes = sizeof(struct world),
};
