/*
 * signal_world.c -- subject signal: what its tasks stand on, and the tasks.
 *
 * The first task is the one that takes care: it forks two groups, waits for their ends and forks
 * them anew while their lanes have operations left, as the adopter of all children that they leave.
 * The first task of a group clones the other.  What a task is to do is where its program is said to
 * go on: an address in ROLES_AT.
 *
 * After each operation a lane goes back to its program, as after a call: takes its signals, and
 * where a handler begins, says what it was given, and returns from it.  It may end there.
 *
 * A CPU with nothing to do looks whether everybody rests: all lanes sleep until somebody sends them
 * something, or are stopped, or are over.  Then the model judges, a lane that sleeps though it has
 * something to take is found, and all are rescued: by SIGCONT, and by a signal that none blocks.
 *
 * Compiled without points.  Locks: none of its own.
 */
#include "fuzz/sched_interrupts.h"
#include "fuzz/signal_subject.h"
#include "fuzz/task_world.h"
#include "mm/usercopy.h"

enum {
	PAGES_LEAST = 640,
	STACKS_KEPT = 2,
	PID_MAX = 32768,
	ROLE_GROUP = 0,
	ROLE_LANE = 64,
	ROLE_CHILD = 128,
	ROLE_GAP = 64,
	PATIENCE = 200,
};

#define SLICE_ENDLESS (1ull << 62)

static struct {
	struct {
		thread_id thread; /* who performs it now, or did last */
		int32_t tid;
		sigset mask; /* what it said last that it blocks */
		bool over, for_ever, pauses, goes_back;
	} lane[LANES];
	struct {
		int32_t pid;
		uint32_t life;
		bool killed; /* in this life */
	} group[GROUPS];
	unsigned forks; /* the lane that did last */
	uint64_t done, rescued_at;
	uint32_t patience;
	bool over; /* the first task has ended */
} world;

static uint64_t role(uint32_t n)
{
	return ROLES_AT + (uint64_t)n * ROLE_GAP;
}

uint64_t role_of_child(struct run *run, uint32_t code)
{
	world.forks = signal_lane_now(run);
	return role(ROLE_CHILD + code);
}

/* --- who is who ------------------------------------------------------------------------------- */

unsigned signal_lane_now(struct run *run)
{
	const struct thread *t = world_of(run)->sched.cpu[mach_cpu()].current;

	if (t == NULL || t->idle || !process_owns(t->owner)) return RUN_NO_LANE;
	for (unsigned lane = 0; lane < LANES; lane++) {
		if (world.lane[lane].thread == thread_id_of(t)) return lane;
	}
	return RUN_NO_LANE;
}

struct task *lane_task(struct run *run)
{
	struct task *t = task_self(&world_of(run)->tasks);

	ASSERT(t != NULL && signal_lane_now(run) != RUN_NO_LANE);
	return t;
}

int32_t lane_tid(unsigned lane)
{
	return world.lane[lane].tid;
}

int32_t group_pid(unsigned group)
{
	return world.group[group].pid;
}

uint32_t group_life(unsigned group)
{
	return world.group[group].life;
}

void group_is_killed(unsigned group)
{
	world.group[group].killed = true;
}

void lane_blocks(unsigned lane, sigset mask)
{
	world.lane[lane].mask = mask;
}

sigset lane_mask(unsigned lane)
{
	return world.lane[lane].mask;
}

bool lane_is_over(unsigned lane)
{
	return world.lane[lane].over;
}

void lane_sleeps(unsigned lane, bool for_ever)
{
	world.lane[lane].for_ever = for_ever;
}

/* --- back to the program ---------------------------------------------------------------------- */

void handler_frame(struct run *run, struct task *t, struct abi_sigframe *frame)
{
	struct space *space = process_space(&world_of(run)->processes);
	const size_t bytes = offsetof(struct abi_sigframe, uc.mcontext);

	if (user_copy_in(space, frame, t->regs->sp, bytes) != 0)
		kpanic(ORACLE_SPACE, "there is no frame");
	if (t->regs->x[0] != (uint64_t)frame->info.signo || t->regs->x[1] != t->regs->sp)
		kpanic(ORACLE_CONTENT, "a handler is told of %lu", (unsigned long)t->regs->x[0]);
}

void handler_returns(struct task *t, const struct abi_sigframe *frame)
{
	signal_return(t);
	if (t->mask != (frame->uc.mask & ~SIGNALS_HARD))
		kpanic(ORACLE_VERDICT, "a handler's return leaves another mask");
}

/* `blocked` was before it came. */
static void must_come(const struct task *t, const struct abi_sigframe *frame, sigset blocked)
{
	const int sig = frame->info.signo;

	if ((blocked & signal_bit(sig)) != 0)
		kpanic(ORACLE_VERDICT, "signal %d came though it was blocked", sig);
	if ((t->mask & signal_bit(sig)) == 0)
		kpanic(ORACLE_VERDICT, "signal %d is not blocked in its handler", sig);
}

void lane_looks_up(struct run *run, struct task *t)
{
	struct abi_sigframe frame;
	const sigset blocked = t->mask;
	const uint64_t sp = t->regs->sp;

	task_work(t);
	if (t->regs->sp == sp) return;
	handler_frame(run, t, &frame);
	must_come(t, &frame, blocked);
}

/* A handler's first lines: what it was given; then it returns. */
static void runs_handler(struct run *run, unsigned lane, struct task *t, sigset blocked,
			 uint32_t depth)
{
	struct abi_sigframe frame;
	const sigset mask = t->mask;

	handler_frame(run, t, &frame);
	must_come(t, &frame, blocked);
	posts_took(run, lane, t->tid, &frame.info);
	run_sometimes(run, depth != 0 ? SAW_NESTED : SAW_HANDLED);
	if (atomic_load_u32(&t->work) != 0 && depth < 2) {
		const uint64_t at = t->regs->sp;
		task_work(t);
		if (t->regs->sp != at) runs_handler(run, lane, t, mask, depth + 1);
	}
	handler_returns(t, &frame);
}

static void takes_all(struct run *run, unsigned lane, struct task *t)
{
	while (atomic_load_u32(&t->work) != 0) {
		const sigset blocked = t->mask;
		task_work(t);
		if (t->regs->pc == HANDLER_AT) runs_handler(run, lane, t, blocked, 0);
	}
}

/* May end the task. */
static void goes_back(struct run *run, unsigned lane, struct task *t)
{
	const uint64_t pc = t->regs->pc, sp = t->regs->sp;
	const bool calm = run_is_calm(run);

	world.lane[lane].goes_back = true;
	if (calm)
		calm_goes_back(run, lane, t);
	else
		takes_all(run, lane, t);
	world.lane[lane].goes_back = false;
	const sigset said = calm ? ~SIGNALS_HARD : world.lane[lane].mask;
	if (t->mask != said)
		kpanic(ORACLE_VERDICT, "it blocks %lx, and said %lx", (unsigned long)t->mask,
		       (unsigned long)said);
	if (t->regs->pc != pc || t->regs->sp != sp)
		kpanic(ORACLE_CONTENT, "a program goes on elsewhere");
}

void step_over(struct run *run)
{
	world.done++;
	if (run_is_calm(run) || atomic_load_u32(&lane_task(run)->work) != 0) run_lane_stops(run);
}

/* --- what tasks do ---------------------------------------------------------------------------- */

static NORETURN void plays_lane(struct run *run, unsigned lane, struct task *t)
{
	world.lane[lane].thread = t->thread;
	world.lane[lane].tid = t->tid;
	world.lane[lane].mask = 0;
	world.lane[lane].for_ever = world.lane[lane].pauses = world.lane[lane].goes_back = false;
	calm_lane_begins(lane);
	t->regs->sp = STACKS_AT + (lane % LANES_EACH + 1) * (uint64_t)LANE_STACK_BYTES;
	if (!world.lane[lane].over) do
			goes_back(run, lane, t);
		while (!run_lane(run, lane));
	world.lane[lane].over = true;
	calm_lane_ends(run, lane, t);
	task_exit(t, 0);
}

static int64_t clone_as(struct task *t, uint64_t where, uint64_t flags)
{
	const struct task_clone how = { .flags = flags,
					.exit_signal = (flags & CLONE_THREAD) != 0 ? 0 : SIGCHLD };
	const uint64_t pc = t->regs->pc;
	int64_t answer;

	t->regs->x[0] = 1; /* what a child must not see */
	t->regs->pc = where;
	while ((answer = task_clone(t, &how)) == RESTART_NOINTR) {
		t->regs->pc = pc;
		while (atomic_load_u32(&t->work) != 0) task_work(t);
		t->regs->pc = where;
	}
	t->regs->pc = pc;
	return answer;
}

static NORETURN void plays_group(struct run *run, unsigned group, struct task *t)
{
	const struct abi_sigaction handler = { .handler = HANDLER_AT, .flags = SA_SIGINFO };
	struct space *space = process_space(&world_of(run)->processes);
	const uint64_t bytes = LANES_EACH * (uint64_t)LANE_STACK_BYTES;

	must(space_mmap(space, STACKS_AT, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, SITE_NONE) == STACKS_AT,
	     "a stack");
	for (uint32_t kind = 0; kind < KINDS; kind++)
		must(signal_action(t, signal_of_kind(kind), &handler, NULL) == 0, "a handler");
	must(signal_action(t, RESCUE, &handler, NULL) == 0, "a handler");
	for (unsigned n = 1; n < LANES_EACH; n++) {
		const int64_t tid =
			clone_as(t, role(ROLE_LANE + group * LANES_EACH + n), THREAD_FLAGS);
		if (tid < 0 && tid != -ERR_INTR)
			kpanic(ORACLE_MUST_SUCCEED, "no thread: %ld", (long)tid);
	}
	signal_score_group(run, group);
	/* From here on it is sent signals: it has a stack to take them on, as soon as it does. */
	world.group[group].pid = t->group->pid;
	world.group[group].life++;
	world.group[group].killed = false;
	plays_lane(run, group * LANES_EACH, t);
}

static bool lanes_are_over(unsigned group)
{
	for (unsigned n = 0; n < LANES_EACH; n++)
		if (!world.lane[group * LANES_EACH + n].over) return false;
	return true;
}

static void judge_end(struct run *run, unsigned group, int32_t status)
{
	if (status == SIGKILL && world.group[group].killed)
		run_sometimes(run, SAW_KILLED);
	else if (status != 0)
		kpanic(ORACLE_VERDICT, "a group ended with %d", status);
	else if (!lanes_are_over(group))
		kpanic(ORACLE_VERDICT, "a group exited that had something to do");
	signal_score_group_ended(run, group, status);
	posts_group_ended(group);
	world.group[group].pid = 0;
}

static void takes_care(struct task *t)
{
	struct run *run = must_run();
	const struct task_wait_how any = { P_ALL, 0, W_EXITED };
	struct task_waited got;
	int32_t pid[GROUPS] = { 0 };

	signal_score_opens(run);
	if (run_is_calm(run)) (void)signal_mask(t, ~(sigset)0);
	for (;;) {
		for (unsigned g = 0; g < GROUPS; g++) {
			if (pid[g] != 0 || lanes_are_over(g)) continue;
			pid[g] = (int32_t)clone_as(t, role(ROLE_GROUP + g), 0);
			must(pid[g] > 0, "a group");
		}
		const int answer = task_wait(t, &any, &got);
		if (answer == -ERR_CHILD) break;
		if (answer != 1) kpanic(ORACLE_VERDICT, "care is answered with %d", answer);
		for (unsigned g = 0; g < GROUPS; g++) {
			if (pid[g] != got.pid) continue;
			pid[g] = 0;
			judge_end(run, g, got.wait4);
		}
	}
	task_exit_group(t, 0);
}

static NORETURN void plays_child(struct run *run, struct task *t, uint32_t code)
{
	signal_score_child_ends(run, world.forks, code);
	task_exit_group(t, (int)code);
}

static NORETURN void plays(struct task *t)
{
	struct run *run = must_run();
	const uint64_t n = (t->regs->pc - ROLES_AT) / ROLE_GAP;

	if (t->group->pid == 1) takes_care(t);
	if (t->regs->x[0] != 0) kpanic(ORACLE_CONTENT, "a child begins as its parent");
	if (n >= ROLE_CHILD) plays_child(run, t, (uint32_t)(n - ROLE_CHILD));
	if (n >= ROLE_LANE) plays_lane(run, (unsigned)(n - ROLE_LANE), t);
	plays_group(run, (unsigned)n, t);
}

static void begins(struct task *t, void *arg)
{
	(void)arg;
	t->regs->pc = ROLES_AT;
}

static void first_ended(void *arg, int32_t status)
{
	(void)arg;
	if (status != 0) kpanic(ORACLE_VERDICT, "the first task ended with %d", status);
	world.over = true;
}

/* --- at rest ---------------------------------------------------------------------------------- */

/* It will not go on unless somebody sends it something. */
static bool lane_rests(struct run *run, unsigned lane)
{
	const thread_id id = world.lane[lane].thread;
	const struct thread *thread = &world_of(run)->threads[(uint32_t)id % THREAD_SLOTS];
	const uint64_t word = thread->word;

	if (world.lane[lane].over) return true;
	if (world.group[lane / LANES_EACH].pid == 0) return false;
	if (thread_word_generation(word) != id >> 32 || thread_word_state(word) != THREAD_WAITING)
		return false;
	return world.lane[lane].goes_back || world.lane[lane].for_ever || world.lane[lane].pauses;
}

bool signal_asleep(struct run *run, unsigned lane)
{
	if (world.lane[lane].over || world.lane[lane].pauses) return false;
	return lane_rests(run, lane);
}

struct task *lane_task_locked(struct run *run, unsigned lane)
{
	struct task *t = task_find_locked(&world_of(run)->tasks, world.lane[lane].tid);

	return t == NULL || t->thread != world.lane[lane].thread ? NULL : t;
}

/* Another CPU may have come first. */
struct task *lane_sleeper_locked(struct run *run, unsigned lane)
{
	struct task *t = lane_task_locked(run, lane);

	return t != NULL && world.lane[lane].for_ever && lane_rests(run, lane) ? t : NULL;
}

static bool group_rests(struct run *run, unsigned lane)
{
	const unsigned first = lane - lane % LANES_EACH;

	for (unsigned n = 0; n < LANES_EACH; n++)
		if (!lane_rests(run, first + n)) return false;
	return true;
}

static void must_have_nothing_locked(struct run *run, unsigned lane)
{
	const struct task *t = lane_sleeper_locked(run, lane);

	if (t == NULL) return;
	/* What is for all, one of them may be on the way to, since another CPU came first. */
	const sigset pending = t->pending | (group_rests(run, lane) ? t->group->pending : 0);
	if ((pending & ~t->mask) != 0 || (pending & t->awaited) != 0)
		kpanic(ORACLE_LOST_WAKE,
		       "lane %u sleeps; pending %lx, of all %lx, blocked %lx, awaited %lx", lane,
		       (unsigned long)t->pending, (unsigned long)t->group->pending,
		       (unsigned long)t->mask, (unsigned long)t->awaited);
}

static void rescue_all(struct run *run)
{
	struct task_world *w = &world_of(run)->tasks;
	const struct abi_siginfo info = { .signo = RESCUE, .code = SI_KERNEL };

	for (unsigned g = 0; g < GROUPS; g++)
		if (world.group[g].pid != 0) signal_send_group(w, world.group[g].pid, SIGCONT);
	const mach_irq_t was = lock_take(&w->lock);
	for (unsigned lane = 0; lane < LANES; lane++) must_have_nothing_locked(run, lane);
	for (unsigned lane = 0; lane < LANES; lane++) {
		struct task *t = lane_sleeper_locked(run, lane);
		if (t != NULL) (void)signal_send_locked(t->group, t, &info);
	}
	lock_drop(&w->lock, was);
}

static void rescue(struct run *run)
{
	posts_at_rest(run);
	run_sometimes(run, SAW_RESCUED);
	if (run_is_calm(run))
		calm_rescue(run);
	else
		rescue_all(run);
}

/* Whoever waits for its turn in a calm run has it, sooner or later. */
static bool somebody_is_due(struct run *run)
{
	for (unsigned lane = 0; lane < LANES && run_is_calm(run); lane++)
		if (world.lane[lane].pauses) return true;
	return false;
}

static bool somebody_sleeps(void)
{
	for (unsigned lane = 0; lane < LANES; lane++)
		if (!world.lane[lane].over && !world.lane[lane].pauses) return true;
	return false;
}

static bool idles(void *arg, uint32_t cpu)
{
	struct run *run = arg;
	struct world *w = world_of(run);

	(void)cpu;
	if (world.over && thread_count(&w->sched.table) == 0) return false;
	for (unsigned lane = 0; lane < LANES; lane++)
		if (!lane_rests(run, lane)) return true;
	if (world.over || !somebody_sleeps() || somebody_is_due(run)) return true;
	if (world.done != world.rescued_at) world.patience = PATIENCE;
	world.rescued_at = world.done;
	if (world.patience-- == 0) kpanic(ORACLE_LOST_WAKE, "none of the lanes gets on");
	rescue(run);
	return true;
}

static void reaped(void *arg, const struct thread_gone *gone)
{
	struct world *w = world_of(arg);

	process_reaped(&w->processes, gone);
	if (!world.over) return;
	for (uint32_t cpu = 0; cpu < w->sched.config.cpus; cpu++)
		if (atomic_load_u32(&w->sched.cpu[cpu].online) != 0) mach_ipi(cpu);
}

static void enters(void *arg, struct thread *from, struct thread *to)
{
	process_enter(&world_of(arg)->processes, from, to);
}

/* --- making and ending ------------------------------------------------------------------------ */

static void memory_make(struct run *run)
{
	struct world *w = world_of(run);

	vm_world_open(&w->memory, run, PAGES_LEAST, STACKS_AT, STACKS_AT * 2);
	stack_world_open(&w->kernel, run, &w->memory.pool, STACKS, STACKS_KEPT);
}

static void tasks_make(struct run *run)
{
	struct world *w = world_of(run);
	const struct process_config processes = {
		.sched = &w->sched,
		.vm = &w->memory.vm,
		.stacks = &w->kernel.stacks,
		.memory = &w->memory.km,
		.processes = w->slots,
		.slots = PROCESS_SLOTS,
	};
	const struct task_config tasks = {
		.processes = &w->processes,
		.sched = &w->sched,
		.vm = &w->memory.vm,
		.memory = &w->memory.km,
		.machine = { .run = plays, .first_ended = first_ended },
		.pid_max = PID_MAX,
	};
	process_world_init(&w->processes, &processes);
	must(task_world_init(&w->tasks, &tasks), "a world of tasks");
}

void signal_fuzz_open(struct run *run)
{
	struct world *w = world_of(run);
	const struct sched_config config = {
		.cpus = run->script->world.cpus,
		.threads = w->threads,
		.slots = THREAD_SLOTS,
		.slice_ns = run_is_calm(run) ? SLICE_ENDLESS : SLICE_NS,
		.reaped = reaped,
		.idle = idles,
		.enter = enters,
		.arg = run,
	};

	memset(&world, 0, sizeof world);
	world.patience = PATIENCE;
	posts_open();
	calm_open();
	w->idle = 0;
	memory_make(run);
	sched_init(&w->sched, &config);
	tasks_make(run);
	sched_takes_interrupts(run, &w->sched);
}

void signal_fuzz_together(struct run *run, unsigned cpu)
{
	struct world *w = world_of(run);

	if (cpu == 0) must(task_first(&w->tasks, begins, NULL) == 0, "the first task");
	sched_run(&w->sched);
}

void signal_fuzz_check(struct run *run, enum check_depth depth)
{
	if (depth == CHECK_WALK) must_be_sound(task_check(&world_of(run)->tasks));
}

void signal_fuzz_pause(struct run *run)
{
	const unsigned lane = signal_lane_now(run);
	struct sched *s = &world_of(run)->sched;
	enum wait_result result;

	world.lane[lane].pauses = true;
	do result = sched_sleep_heeding(s, mach_now_ns() + 2 * SLICE_NS);
	while (result == WAIT_TIMEOUT && calm_somebody_is_roused(run));
	world.lane[lane].pauses = false;
	if (result == WAIT_KILLED || result == WAIT_SIGNALLED) run_lane_stops(run);
}

void signal_fuzz_close(struct run *run)
{
	struct world *w = world_of(run);

	if (!world.over) kpanic(ORACLE_LEAK, "CPUs are back, and the first task is not");
	tasks_must_be_gone(&w->tasks);
	task_world_close(&w->tasks);
	stack_world_close(&w->kernel, run);
	vm_world_close(&w->memory);
}
