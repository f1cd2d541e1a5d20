/*
 * signal_fuzz.c -- subject signal: tasks of two groups send each other signals, block, ignore and
 * wait for them, stop, go on, fork and kill, on up to eight CPUs at once.
 *
 * What must hold: each signal is taken once, by somebody it was for, in turn (signal_model.c); none
 * comes while it is blocked; no task sleeps while it has one to take; a handler's return puts
 * everything back; a group ends as somebody said, and its end is told once; at the end every task,
 * number, page and space is back (signal_world.c).
 *
 * Results: what each lane's calls answered.
 */
#include "fuzz/frame/score.h"
#include "fuzz/signal_subject.h"

enum { TIMES = 6, CODES = 8 };

/* Over, or never, where nothing is to depend on time. */
static uint64_t deadline_of(const struct run *run, uint32_t time)
{
	if (time != 0 && run_is_calm(run)) return mach_now_ns();
	return time == 0 ? WAIT_FOREVER : (mach_now_ns() / GRID_NS + time) * GRID_NS;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* To a group, or (a lane's number) to one of its tasks. */
static void send(struct run *run, uint32_t kind, unsigned group, unsigned lane)
{
	const int32_t tid = lane == LANES ? 0 : lane_tid(lane);
	struct task *t = lane_task(run);
	struct abi_siginfo info = { .code = SI_QUEUE };
	const int32_t pid = group_pid(group);

	if (pid == 0 || (tid != 0 && tid == 1)) return;
	const uint32_t value = posts_send(group, tid, kind);
	if (value == UINT32_MAX) return;
	info.sent.value = value;
	const int sig = signal_of_kind(kind);
	const struct score_sent sent = { group, lane, sig, &info };
	signal_score_sends(run, &sent);
	const int answer = tid == 0 ? signal_queue(t, pid, sig, &info)
				    : signal_queue_task(t, pid, tid, sig, &info);
	turn_answers(run, answer);
	posts_sent(value, answer);
}

static void step_send(struct run *run, const struct script_op *op)
{
	turn_begins(run);
	send(run, op->arg % KINDS, op->aux % GROUPS, LANES);
	step_over(run);
}

static void step_send_task(struct run *run, const struct script_op *op)
{
	const unsigned lane = op->aux % LANES;

	turn_begins(run);
	if (lane_tid(lane) != 0) send(run, op->arg % KINDS, lane / LANES_EACH, lane);
	step_over(run);
}

static void step_kill(struct run *run, const struct script_op *op)
{
	const unsigned group = op->aux % GROUPS;
	const int32_t pid = group_pid(group);

	turn_begins(run);
	if (pid != 0) {
		group_is_killed(group);
		signal_score_kills(run, group);
		(void)signal_kill(lane_task(run), pid, SIGKILL);
	}
	step_over(run);
}

static void step_stop(struct run *run, const struct script_op *op)
{
	const unsigned group = op->aux % GROUPS;
	const int32_t pid = group_pid(group);
	const bool stops = (op->arg & 1) == 0;

	turn_begins(run);
	if (pid != 0) signal_score_stops(run, group, stops);
	if (pid != 0 && signal_kill(lane_task(run), pid, stops ? SIGSTOP : SIGCONT) == 0)
		run_sometimes(run, SAW_STOPPED);
	if (stops && group == signal_lane_now(run) / LANES_EACH) turn_stops(run);
	step_over(run);
}

/* --- saying what is to be done with them ------------------------------------------------------ */

static void step_mask(struct run *run, const struct script_op *op)
{
	struct task *t = lane_task(run);

	turn_begins(run);
	lane_blocks(signal_lane_now(run), set_of_kinds(op->arg));
	signal_score_mask(run, op->arg % (1 << KINDS));
	(void)signal_mask(t, set_of_kinds(op->arg));
	if ((signal_pending(t) & t->mask) != 0) run_sometimes(run, SAW_BLOCKED);
	step_over(run);
}

static void step_action(struct run *run, const struct script_op *op)
{
	struct task *t = lane_task(run);
	const unsigned group = signal_lane_now(run) / LANES_EACH;
	const bool ignore = (op->arg & 1) != 0;
	const uint32_t kind = op->aux % KINDS;
	turn_begins(run);
	const struct abi_sigaction a = { .handler = ignore ? SIG_IGNORE : HANDLER_AT,
					 .flags = SA_SIGINFO,
					 .restorer = posts_change(group, kind, ignore) };
	struct abi_sigaction was;

	signal_score_handles(run, kind, ignore);
	if (ignore) run_sometimes(run, SAW_FORGOTTEN);
	const int answer = signal_action(t, signal_of_kind(kind), &a, &was);
	if (answer != 0) kpanic(ORACLE_ERRNO, "an action is refused with %d", answer);
	posts_changed(group, kind, was.restorer);
	step_over(run);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void step_await(struct run *run, const struct script_op *op)
{
	struct task *t = lane_task(run);
	const unsigned lane = signal_lane_now(run);
	const sigset which = set_of_kinds(op->arg & 0xffff);
	const uint32_t time = (op->arg >> 16) % TIMES;
	struct abi_siginfo info = { .signo = 0 };

	turn_begins(run);
	signal_score_awaits(run, kinds_of_set(which), time == 0);
	lane_sleeps(lane, time == 0);
	const int sig = signal_wait(t, which, deadline_of(run, time), &info);
	lane_sleeps(lane, false);
	turn_awaited(run, sig, &info);
	if (sig > 0) {
		if ((which & signal_bit(sig)) == 0 || info.signo != sig)
			kpanic(ORACLE_VERDICT, "signal %d was not waited for", sig);
		posts_took(run, lane, t->tid, &info);
		run_sometimes(run, SAW_AWAITED);
	} else if (sig == -ERR_INTR) {
		if (atomic_load_u32(&t->work) == 0)
			kpanic(ORACLE_VERDICT, "a wait is interrupted by nothing");
		run_sometimes(run, SAW_AWAIT_ENDED);
	} else if (sig != -ERR_AGAIN || time == 0) {
		kpanic(ORACLE_ERRNO, "a wait for signals answers %d", sig);
	}
	if (t->awaited != 0) kpanic(ORACLE_VERDICT, "it awaits still");
	run_result(run, sig > 0 ? 1 : (uint64_t)sig);
	step_over(run);
}

static void step_suspend(struct run *run, const struct script_op *op)
{
	struct task *t = lane_task(run);
	const unsigned lane = signal_lane_now(run);

	turn_begins(run);
	signal_score_suspends(run, op->arg % (1 << KINDS));
	lane_sleeps(lane, true);
	const int answer = signal_suspend(t, set_of_kinds(op->arg));
	lane_sleeps(lane, false);
	turn_suspended(run, set_of_kinds(op->arg));
	if (answer != RESTART_NOHAND) kpanic(ORACLE_ERRNO, "sigsuspend answers %d", answer);
	if (atomic_load_u32(&t->work) == 0)
		kpanic(ORACLE_VERDICT, "sigsuspend is interrupted by nothing");
	run_sometimes(run, SAW_INTERRUPTED);
	step_over(run);
}

/* A child that exits at once; who waits is interrupted by handlers, and not by what has none. */
static void step_fork(struct run *run, const struct script_op *op)
{
	struct task *t = lane_task(run);
	const struct task_clone how = { .exit_signal = SIGCHLD };
	const uint32_t code = 1 + op->arg % CODES;
	const uint64_t pc = t->regs->pc;
	struct task_waited got;

	turn_begins(run);
	t->regs->x[0] = 1; /* what a child must not see */
	t->regs->pc = role_of_child(run, code);
	const int64_t pid = task_clone(t, &how);
	t->regs->pc = pc;
	if (pid > 0) {
		const struct task_wait_how wait = { P_PID, (int32_t)pid, W_EXITED };
		signal_score_forks(run);
		const int answer = task_wait(t, &wait, &got);
		if (answer == 1 && (got.pid != pid || got.wait4 != (int32_t)code << 8))
			kpanic(ORACLE_VERDICT, "child %ld ended with %d", (long)pid, got.wait4);
		if (answer != 1 && answer != RESTART_SYS)
			kpanic(ORACLE_ERRNO, "a wait for a child answers %d", answer);
		if (answer == 1) signal_score_waited(run, got.wait4);
		run_sometimes(run, answer == 1 ? SAW_CHILD : SAW_WAIT_RESTARTED);
	} else if (pid != -ERR_AGAIN && pid != -ERR_NOMEM && pid != -ERR_INTR &&
		   pid != RESTART_NOINTR) {
		kpanic(ORACLE_ERRNO, "a fork answers %ld", (long)pid);
	} else {
		score_end(run->score, "only a world this small refuses a child");
	}
	step_over(run);
}

/* --- running ---------------------------------------------------------------------------------- */

static void step_yield(struct run *run, const struct script_op *op)
{
	(void)op;
	turn_begins(run);
	signal_score_yields(run);
	turn_answers(run, 0);
	sched_yield_cpu(&world_of(run)->sched);
	step_over(run);
}

static void step_work(struct run *run, const struct script_op *op)
{
	turn_begins(run);
	for (uint32_t n = 0; n < op->arg; n++) (void)atomic_load_u32(&world_of(run)->idle);
	step_over(run);
}

static void step_sleep(struct run *run, const struct script_op *op)
{
	turn_begins(run);
	if (!run_is_calm(run))
		(void)sched_sleep_heeding(&world_of(run)->sched,
					  deadline_of(run, 1 + op->arg % TIMES));
	step_over(run);
}

/* --- the table -------------------------------------------------------------------------------- */

/* clang-format off */
#define BY { "by", IN_SLOT, FORM_NUMBER, LANES, NULL }
#define KIND { "kind", IN_ARG, FORM_NUMBER, KINDS, NULL }
#define GROUP { "group", IN_AUX, FORM_NUMBER, GROUPS, NULL }
#define SET { "set", IN_ARG, FORM_NUMBER, 1 << KINDS, NULL }

static const struct op_kind signal_operations[] = {
	PLAN_OPERATIONS,
	{ "send", 36, { BY, GROUP, KIND }, step_send },
	{ "send-task", 24, { BY, { "lane", IN_AUX, FORM_NUMBER, LANES, NULL }, KIND },
	  step_send_task },
	{ "mask", 14, { BY, SET }, step_mask },
	{ "action", 8, { BY, { "kind", IN_AUX, FORM_NUMBER, KINDS, NULL },
			 { "ignore", IN_ARG, FORM_NUMBER, 2, NULL } }, step_action },
	{ "await", 20, { BY, { "set", IN_LOW, FORM_NUMBER, 1 << KINDS, NULL },
			 { "time", IN_HIGH, FORM_NUMBER, TIMES, NULL } }, step_await },
	{ "suspend", 14, { BY, SET }, step_suspend },
	{ "fork", 6, { BY, { "code", IN_ARG, FORM_NUMBER, CODES, NULL } }, step_fork },
	{ "kill", 2, { BY, GROUP }, step_kill },
	{ "stop", 4, { BY, GROUP, { "go", IN_ARG, FORM_NUMBER, 2, NULL } }, step_stop },
	{ "yield", 6, { BY }, step_yield },
	{ "work", 6, { BY, { "times", IN_ARG, FORM_NUMBER, 64, NULL } }, step_work },
	{ "sleep", 6, { BY, { "time", IN_ARG, FORM_NUMBER, TIMES, NULL } }, step_sleep },
};
/* clang-format on */

static const char *const saw_names[] = {
	"handled", "queued-twice", "awaited",        "await-ended", "interrupted",
	"blocked", "nested",       "ignored",        "killed",      "stopped",
	"rescued", "child",        "wait-restarted", "to-group",    NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");
_Static_assert(sizeof(struct world) <= RUN_STATE_BYTES, "a run's state holds it");

static unsigned signal_fuzz_lane(const struct script_op *op)
{
	return op->slot;
}

const struct subject signal_subject = {
	.name = "signal",
	.ops = signal_operations,
	.op_count = COUNT_OF(signal_operations),
	.sometimes = saw_names,
	.open = signal_fuzz_open,
	.check = signal_fuzz_check,
	.close = signal_fuzz_close,
	.together = signal_fuzz_together,
	.lanes = LANES,
	.lane = signal_fuzz_lane,
	.lane_now = signal_lane_now,
	.pause = signal_fuzz_pause,
	.restless = true,
	.asleep = signal_asleep,
	.state_bytes = sizeof(struct world),
};
