/*
 * syscall_world.c -- subject syscall: what its tasks stand on, the tasks, and who conducts them.
 *
 * There is one lane, which a thread of the kernel performs: the conductor.  An operation says which
 * actor makes a call; the conductor writes the order down, wakes the actors, and waits until that
 * one has done it and gone back to its program, or has ended.  So calls come one after the other,
 * whatever CPUs do meanwhile, and a model can say every answer.  An actor without an order waits on
 * the same stage; a signal ends that wait, as it would end any.
 *
 * A hostile child makes calls that nobody foretells, so it may sleep for ever: when every CPU has
 * nothing to do, and a child of that kind lives, it is killed.  Any other such rest is a lost wake.
 *
 * Compiled without points.  Locks: the stage's, RANK_WAIT.
 */
#include "fuzz/sched_interrupts.h"
#include "fuzz/syscall_subject.h"
#include "fuzz/task_world.h"

#include "kernel/file/table.h"
#include "kernel/syscall/identity.h"
#include "kernel/syscall/limit.h"
#include "kernel/task/signal.h"

enum {
	PAGES_LEAST = 900,
	STACKS_KEPT = 2,
	PID_MAX = 32768,
	NOBODY = ACTORS, /* the conductor's turn */
	FILES_MOST = 60,
	FILE_PAGES = 256,
	BUCKETS = 16,
	PATIENCE = 3000,
};

static struct {
	struct {
		bool live, doomed;
		thread_id thread;
		int32_t tid;
	} actor[ACTORS];
	thread_id conductor;
	unsigned turn; /* whose: an actor's, or NOBODY's; by the stage's lock */
	act_fn *fn;
	const uint64_t *arg;
	int64_t answer;
	bool calling; /* whose turn it is: and has not come back from it */
	bool silent;  /* what it does is told as one */
	bool doubts;  /* other kernels may answer otherwise */
	bool over, ended;
	uint32_t patience;
} world;

unsigned syscall_lane_now(struct run *run)
{
	const struct thread *t = world_of(run)->sched.cpu[mach_cpu()].current;

	return t == NULL || t->idle ? RUN_NO_LANE : 0;
}

/* --- the stage -------------------------------------------------------------------------------- */

static void turn_to(struct run *run, unsigned who)
{
	struct world *w = world_of(run);
	const mach_irq_t was = wait_enter(&w->stage);

	world.turn = who;
	wait_wake_all(&w->sched, &w->stage);
	wait_leave(&w->stage, was);
}

/* Somebody is to end and has not, or is to begin. */
static bool somebody_is_missing(void)
{
	for (unsigned n = 0; n < ACTORS; n++) {
		if (!world.actor[n].live) continue;
		if (world.actor[n].doomed || world.actor[n].thread == THREAD_NONE) return true;
	}
	return false;
}

static uint32_t actors_alive(void)
{
	uint32_t alive = 0;

	for (unsigned n = 0; n < ACTORS; n++) alive |= (uint32_t)world.actor[n].live << n;
	return alive;
}

static void tell_who_is_gone(struct run *run, uint32_t before)
{
	for (unsigned n = 1; n < ACTORS; n++) /* the first one's end is the score's */
		if ((before & ~actors_alive()) >> n & 1) score_gone(run, n);
}

int64_t act(struct run *run, unsigned n, act_fn *fn, const uint64_t *arg)
{
	struct world *w = world_of(run);
	const uint32_t before = actors_alive();

	ASSERT(n < ACTORS && world.actor[n].live && world.turn == NOBODY);
	const mach_irq_t was = wait_enter(&w->stage);
	world.fn = fn;
	world.arg = arg;
	world.answer = 0;
	world.turn = n;
	wait_wake_all(&w->sched, &w->stage);
	while (world.turn != NOBODY || somebody_is_missing())
		wait_sleep(&w->sched, &w->stage, WAIT_FOREVER);
	wait_leave(&w->stage, was);
	if (world.calling) score_leaves(run);
	world.calling = false;
	tell_who_is_gone(run, before);
	return world.answer;
}

/* Back to the program, as after any call: may end the task. */
static void goes_back(struct task *t)
{
	while (atomic_load_u32(&t->work) != 0) task_work(t);
}

static void waits_for_turn(struct run *run, unsigned me, struct task *t)
{
	struct world *w = world_of(run);

	for (bool mine = false; !mine;) {
		enum wait_result result = WAIT_WOKEN;
		goes_back(t);
		const mach_irq_t was = wait_enter(&w->stage);
		while (world.turn != me && result == WAIT_WOKEN)
			result = wait_sleep_heeding(&w->sched, &w->stage, WAIT_FOREVER);
		mine = world.turn == me;
		wait_leave(&w->stage, was);
	}
}

/* --- calls ------------------------------------------------------------------------------------ */

/* By whose turn it is, not its hostile child. */
static bool is_told(const struct task *t)
{
	return !world.silent && world.turn < ACTORS && world.actor[world.turn].thread == t->thread;
}

void actor_doubts(bool doubts)
{
	world.doubts = doubts;
}

void actor_tells(bool each)
{
	world.silent = !each;
}

int64_t call(struct task *t, uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
	     uint64_t e, uint64_t f)
{
	struct run *run = must_run();
	struct user_regs *r = t->regs;
	const uint64_t pc = r->pc, arg[] = { a, b, c, d, e, f };
	const bool told = is_told(t);

	memcpy(r->x, arg, sizeof arg);
	r->x[8] = number;
	if (told) score_call(run, world.turn, number, arg);
	world.calling |= told;
	syscall_do(t);
	goes_back(t);
	if (told) score_answer(run, number, (int64_t)r->x[0], world.doubts);
	world.calling &= !told;
	r->pc = pc; /* a call that is to be made again is not, here */
	return (int64_t)r->x[0];
}

static int64_t call_act(struct run *run, struct task *t, const uint64_t *arg)
{
	(void)run;
	return call(t, (uint32_t)arg[0], arg[1], arg[2], arg[3], arg[4], 0, 0);
}

int64_t call_by(struct run *run, unsigned n, uint32_t number, uint64_t a, uint64_t b, uint64_t c,
		uint64_t d)
{
	const uint64_t arg[] = { number, a, b, c, d };

	return act(run, n, call_act, arg);
}

enum fault_answer program_store(struct run *run, uint64_t va, uint64_t value)
{
	struct space *s = process_space(&world_of(run)->processes);
	enum fault_answer answer = FAULT_DONE;

	while (answer == FAULT_DONE && mach_user_store(va, value) != MACH_FAULT_NONE)
		answer = space_fault(s, va, MACH_STORE);
	if (!world.silent) score_store(run, world.turn, va, value, answer);
	return answer;
}

enum fault_answer program_load(struct run *run, uint64_t va, uint64_t *value)
{
	struct space *s = process_space(&world_of(run)->processes);
	enum fault_answer answer = FAULT_DONE;

	while (answer == FAULT_DONE && mach_user_load(va, value) != MACH_FAULT_NONE)
		answer = space_fault(s, va, MACH_LOAD);
	if (!world.silent) score_load(run, world.turn, va, *value, answer);
	return answer;
}

void program_put(struct run *run, uint64_t va, const void *from, size_t bytes)
{
	if (user_copy_out(process_space(&world_of(run)->processes), va, from, bytes) != 0)
		kpanic(ORACLE_SPACE, "%zu bytes cannot be put there", bytes);
	if (!world.silent) score_memory(run, world.turn, true, va, from, bytes);
}

void program_get(struct run *run, void *to, uint64_t va, size_t bytes)
{
	if (user_copy_in(process_space(&world_of(run)->processes), to, va, bytes) != 0)
		kpanic(ORACLE_SPACE, "%zu bytes are not there", bytes);
	if (!world.silent) score_memory(run, world.turn, false, va, to, bytes);
}

/* --- actors ----------------------------------------------------------------------------------- */

unsigned actor_with(int32_t tid)
{
	unsigned n = 0;

	while (n < ACTORS && (world.actor[n].tid != tid || actor_free(n))) n++;
	return n;
}

bool actor_lives(unsigned n)
{
	return world.actor[n].live;
}

void actor_is_doomed(unsigned n)
{
	world.actor[n].doomed = true;
}

static int64_t begin_act(struct run *run, struct task *t, const uint64_t *arg)
{
	/* The upper half of flags is to be left alone; the stack is the caller's. */
	const uint64_t flags = (arg[1] != 0 ? THREAD_FLAGS : SIGCHLD) | arg[2] << 32;
	const uint64_t pc = t->regs->pc;

	t->regs->pc = ROLE_AT + arg[0] * ROLE_GAP;
	world.actor[arg[0]].thread = THREAD_NONE;
	world.actor[arg[0]].doomed = false;
	world.actor[arg[0]].live = true;
	actor_tells(false);
	const int64_t tid = call(t, SYS_clone, flags, 0, 0, 0, 0, 0);
	actor_tells(true);
	if (tid < 0) world.actor[arg[0]].live = false;
	t->regs->pc = pc;
	const struct score_clone told = { world.turn, (unsigned)arg[0], arg[1] != 0,
					  (uint32_t)arg[2] };
	score_begins(run, &told, tid);
	return tid;
}

int64_t actor_begins(struct run *run, unsigned by, unsigned n, bool thread, uint32_t garbage)
{
	const uint64_t arg[] = { n, thread, garbage };

	ASSERT(!world.actor[n].live);
	const int64_t tid = act(run, by, begin_act, arg);
	world.actor[n].tid = (int32_t)tid;
	return tid;
}

static NORETURN void plays_actor(struct run *run, unsigned me, struct task *t)
{
	const mach_irq_t was = wait_enter(&world_of(run)->stage);

	world.actor[me].thread = t->thread;
	wait_wake_all(&world_of(run)->sched, &world_of(run)->stage);
	wait_leave(&world_of(run)->stage, was);
	for (;;) {
		waits_for_turn(run, me, t);
		world.answer = world.fn(run, t, world.arg);
		goes_back(t);
		turn_to(run, NOBODY);
	}
}

static NORETURN void plays(struct task *t)
{
	struct run *run = must_run();
	const uint64_t role = (t->regs->pc - ROLE_AT) / ROLE_GAP;

	if (role >= ROLE_HOSTILE) hostile_plays(run, t);
	plays_actor(run, (unsigned)role, t);
}

/* --- the first task, and who conducts --------------------------------------------------------- */

static void begins(struct task *t, void *unused)
{
	struct world *w = world_of(must_run());
	struct space *s = process_space(&w->processes);
	const struct abi_sigaction ignore = { .handler = SIG_IGNORE };
	const uint64_t bytes = ACTORS * PAGE_SIZE;

	(void)unused;
	limits_begin(t->group->limits);
	t->group->limits[RLIMIT_NOFILE] = (struct limit){ DESCRIPTORS, DESCRIPTORS };
	t->group->files = file_table_create(&w->memory.km);
	must(t->group->files != NULL, "descriptors");
	must(space_mmap(s, SCRATCH_AT, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, SITE_NONE) == SCRATCH_AT,
	     "scratch pages");
	space_brk_place(s, BREAK_AT);
	must(signal_action(t, SIGPIPE, &ignore, NULL) == 0, "an action");
	t->regs->pc = ROLE_AT;
	t->regs->sp = SCRATCH_AT;
	world.actor[0].live = true;
	world.actor[0].tid = t->tid;
	score_opens(must_run());
}

static void first_ended(void *arg, int32_t status)
{
	(void)arg;
	if (status != 0) kpanic(ORACLE_VERDICT, "the first task ended with %d", status);
	world.over = true;
}

static int64_t exit_act(struct run *run, struct task *t, const uint64_t *arg)
{
	(void)run, (void)arg;
	task_exit_group(t, 0);
}

static void conducts(void *unused)
{
	struct run *run = must_run();
	struct world *w = world_of(run);

	(void)unused;
	must(task_first(&w->tasks, begins, NULL) == 0, "the first task");
	while (world.actor[0].thread == THREAD_NONE) sched_yield_cpu(&w->sched);
	const bool done = run_lane(run, 0);
	ASSERT(done);
	tasks_end(run);
	actor_is_doomed(0);
	(void)act(run, 0, exit_act, NULL);
	sched_exit(&w->sched, 0);
}

void syscall_fuzz_pause(struct run *run)
{
	sched_yield_cpu(&world_of(run)->sched);
}

/* --- the scheduler's hooks -------------------------------------------------------------------- */

static void let_go(struct world *w)
{
	for (uint32_t cpu = 0; cpu < w->sched.config.cpus; cpu++)
		if (atomic_load_u32(&w->sched.cpu[cpu].online) != 0) mach_ipi(cpu);
}

/* An actor is gone, with all that it had: if it was its turn the conductor's has come. */
static void actor_gone(struct run *run, thread_id id)
{
	for (unsigned n = 0; n < ACTORS; n++) {
		if (!world.actor[n].live || world.actor[n].thread != id) continue;
		if (!world.actor[n].doomed) kpanic(ORACLE_VERDICT, "actor %u has ended", n);
		const mach_irq_t was = wait_enter(&world_of(run)->stage);
		world.actor[n].live = false;
		if (world.turn == n) world.turn = NOBODY;
		wait_wake_all(&world_of(run)->sched, &world_of(run)->stage);
		wait_leave(&world_of(run)->stage, was);
	}
}

static void reaped(void *arg, const struct thread_gone *gone)
{
	struct world *w = world_of(arg);

	if (process_owns(gone->owner)) {
		process_reaped(&w->processes, gone);
		actor_gone(arg, gone->id);
	} else {
		kstack_free(&w->kernel.stacks, gone->stack);
		world.ended = true;
	}
	if (world.over && world.ended) let_go(w);
}

static void enters(void *arg, struct thread *from, struct thread *to)
{
	process_enter(&world_of(arg)->processes, from, to);
}

static bool all_rest(const struct world *w)
{
	for (uint32_t n = 0; n < THREAD_SLOTS; n++) {
		const enum thread_state state = thread_word_state(w->threads[n].word);
		if (state != THREAD_FREE && state != THREAD_WAITING) return false;
	}
	return true;
}

/* True: this CPU goes on being idle. */
static bool idles(void *arg, uint32_t cpu)
{
	struct run *run = arg;
	struct world *w = world_of(run);

	(void)cpu;
	if (world.over && world.ended && thread_count(&w->sched.table) == 0) return false;
	if (vm_reclaim_retired(&w->memory.vm, 64) != 0 || !all_rest(w)) return true;
	if (hostile_number() == 0) return true;
	run_sometimes(run, SAW_HOSTILE_KILLED);
	if (world.patience-- == 0) kpanic(ORACLE_LOST_WAKE, "a killed child does not end");
	(void)signal_send_group(&w->tasks, hostile_number(), SIGKILL);
	return true;
}

/* --- making and ending ------------------------------------------------------------------------ */

static void memory_make(struct run *run)
{
	struct world *w = world_of(run);

	vm_world_open(&w->memory, run, PAGES_LEAST, 2 * ROLE_AT, 4 * ROLE_AT);
	stack_world_open(&w->kernel, run, &w->memory.pool, STACKS, STACKS_KEPT);
}

static void files_make(struct run *run)
{
	static const struct file_system *const kinds[] = { &kind_tmpfs, NULL };
	struct world *w = world_of(run);
	const struct tree_config names = {
		.files = &w->files, .buckets = BUCKETS, .pages_most = FILE_PAGES, .kinds = kinds
	};
	const struct node_how folder = { .mode = S_IFDIR | 0755 };

	w->files = (struct file_world){
		.memory = &w->memory.km, .sched = &w->sched, .vm = &w->memory.vm, .most = FILES_MOST
	};
	must(tree_init(&w->names, &names), "a tree");
	must(tree_make(w->names.root, "h", 1, &folder, NULL) == 0, "a folder");
}

static void random_bytes(void *arg, void *to, size_t bytes)
{
	(void)arg;
	memset(to, 0x5a, bytes);
}

static uint64_t wall_ns(void *arg)
{
	(void)arg;
	return mach_now_ns();
}

static void tasks_make(struct run *run)
{
	struct world *w = world_of(run);
	const uint32_t tag = run->script->world.tag;
	const struct process_config processes = {
		.sched = &w->sched,
		.vm = &w->memory.vm,
		.stacks = &w->kernel.stacks,
		.memory = &w->memory.km,
		.processes = w->slots,
		.slots = (tag & 1) != 0 ? FEW_PROCESSES : PROCESS_SLOTS,
	};
	const struct task_config tasks = {
		.processes = &w->processes,
		.sched = &w->sched,
		.vm = &w->memory.vm,
		.memory = &w->memory.km,
		.tree = &w->names,
		.machine = { .run = plays,
			     .first_ended = first_ended,
			     .random = random_bytes,
			     .wall_ns = wall_ns },
		.pid_max = (tag & 2) != 0 ? FEW_NUMBERS : PID_MAX,
	};
	process_world_init(&w->processes, &processes);
	must(task_world_init(&w->tasks, &tasks), "a world of tasks");
	host_names_begin(&w->tasks);
}

void syscall_fuzz_open(struct run *run)
{
	struct world *w = world_of(run);
	const struct sched_config config = {
		.cpus = run->script->world.cpus,
		.threads = w->threads,
		.slots = THREAD_SLOTS,
		.slice_ns = SLICE_NS,
		.reaped = reaped,
		.idle = idles,
		.enter = enters,
		.arg = run,
	};

	memset(&world, 0, sizeof world);
	world.turn = NOBODY;
	world.patience = PATIENCE;
	hostile_open();
	tasks_open();
	memory_open();
	files_open();
	wait_init(&w->stage, RANK_WAIT);
	memory_make(run);
	sched_init(&w->sched, &config);
	files_make(run);
	tasks_make(run);
	sched_takes_interrupts(run, &w->sched);
}

void syscall_fuzz_together(struct run *run, unsigned cpu)
{
	struct world *w = world_of(run);

	if (cpu == 0) {
		const struct thread_how how = {
			.entry = conducts,
			.stack = kstack_alloc(&w->kernel.stacks, SITE_NONE),
			.stack_bytes = KERNEL_STACK_BYTES,
			.class = SLOT_USER,
			.priority = PRIORITY_NORMAL,
		};
		world.conductor = sched_spawn(&w->sched, &how);
		must(how.stack != 0 && world.conductor != THREAD_NONE, "a conductor");
	}
	sched_run(&w->sched);
}

void syscall_fuzz_check(struct run *run, enum check_depth depth)
{
	if (depth == CHECK_WALK) must_be_sound(task_check(&world_of(run)->tasks));
}

void syscall_fuzz_close(struct run *run)
{
	struct world *w = world_of(run);

	tasks_must_be_gone(&w->tasks);
	must_be_none(w->files.files, "open files");
	must_be_sound(tree_check(&w->names));
	task_world_close(&w->tasks);
	tree_close(&w->names);
	stack_world_close(&w->kernel, run);
	vm_world_close(&w->memory);
}
