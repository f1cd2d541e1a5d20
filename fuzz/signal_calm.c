/*
 * signal_calm.c -- subject signal: how a lane does what a program is to do again (calm.c).
 *
 * Everything is blocked but in a lane's turn, so that a signal comes where the script has its turn
 * and nowhere else.  A turn begins with what the lane's script blocks, and what is pending comes at
 * once; then it makes its call, and what comes of that, comes; then it blocks everything.
 *
 * Programs here run as they would: of several handlers that have begun the last one runs first, and
 * a call that is to begin anew is made again.  That is only sigsuspend: nobody else does anything
 * while another call sleeps that could be.
 *
 * When nobody gets on by himself, one at a time is told to: a group that is stopped, by the first
 * task; then whoever sleeps, by a signal for him.
 *
 * Locks: none.  Compiled without points.
 */
#include "fuzz/frame/score.h"
#include "fuzz/signal_subject.h"

enum { CALL_BYTES = 4, HELD = 60 };

static struct {
	struct {
		bool turn;     /* it has begun, and not ended */
		bool owes;     /* an answer that is not told yet: */
		bool suspends; /* that of sigsuspend, which had this mask, */
		sigset suspended;
		bool awaits; /* or of sigtimedwait, which told this */
		struct abi_siginfo awaited;
		int answer;
		uint32_t held; /* signals that it took before it was back: told behind that */
		struct abi_siginfo took[HELD];
	} lane[LANES];
} calm;

void calm_open(void)
{
	memset(&calm, 0, sizeof calm);
}

void calm_lane_begins(unsigned lane)
{
	memset(&calm.lane[lane], 0, sizeof calm.lane[lane]);
}

static void tells_answer(struct run *run, unsigned lane)
{
	if (!calm.lane[lane].owes) return;
	calm.lane[lane].owes = false;
	signal_score_answers(run, calm.lane[lane].answer);
	if (calm.lane[lane].awaits) signal_score_awaited(run, &calm.lane[lane].awaited);
	calm.lane[lane].awaits = false;
	for (uint32_t n = 0; n < calm.lane[lane].held; n++)
		signal_score_took(run, &calm.lane[lane].took[n]);
	calm.lane[lane].held = 0;
}

/* A handler does not mean that its call is over: it may have run on the way to making it again. */
static void tells_took(struct run *run, unsigned lane, const struct abi_siginfo *info)
{
	if (!calm.lane[lane].owes)
		signal_score_took(run, info);
	else if (calm.lane[lane].held < HELD)
		calm.lane[lane].took[calm.lane[lane].held++] = *info;
	else
		score_end(run->score, "more signals come in a call than are noted");
}

/* Up to where the program goes on by itself. */
static void goes_on(struct run *run, unsigned lane, struct task *t)
{
	struct abi_sigframe frame;

	for (;;) {
		while (atomic_load_u32(&t->work) != 0) lane_looks_up(run, t);
		if (t->regs->pc != HANDLER_AT) return;
		handler_frame(run, t, &frame);
		tells_took(run, lane, &frame.info);
		posts_took(run, lane, t->tid, &frame.info);
		handler_returns(t, &frame);
	}
}

void turn_begins(struct run *run)
{
	if (!run_is_calm(run)) return;
	const unsigned lane = signal_lane_now(run);
	struct task *t = lane_task(run);
	calm.lane[lane].turn = true;
	(void)signal_mask(t, lane_mask(lane));
	signal_score_mask(run, kinds_of_set(lane_mask(lane)));
	goes_on(run, lane, t);
}

void turn_answers(struct run *run, int answer)
{
	if (!run_is_calm(run)) return;
	const unsigned lane = signal_lane_now(run);
	calm.lane[lane].owes = true;
	calm.lane[lane].answer = answer;
}

void turn_suspended(struct run *run, sigset mask)
{
	if (!run_is_calm(run)) return;
	const unsigned lane = signal_lane_now(run);
	turn_answers(run, -ERR_INTR);
	calm.lane[lane].suspends = true;
	calm.lane[lane].suspended = mask;
	lane_task(run)->interrupted = RESTART_NOHAND;
}

void turn_awaited(struct run *run, int answer, const struct abi_siginfo *info)
{
	if (!run_is_calm(run)) return;
	const unsigned lane = signal_lane_now(run);
	turn_answers(run, answer);
	calm.lane[lane].awaits = answer > 0;
	calm.lane[lane].awaited = *info;
}

void turn_stops(struct run *run)
{
	if (!run_is_calm(run)) return;
	struct task *t = lane_task(run);
	turn_answers(run, 0);
	while (atomic_load_u32(&t->work) == 0) sched_yield_cpu(&world_of(run)->sched);
}

/* Whether the call is to be made again. */
static bool begins_again(struct task *t, uint64_t pc)
{
	if (t->regs->pc != pc - CALL_BYTES) return false;
	t->regs->pc = pc;
	return true;
}

static void turn_ends(struct run *run, unsigned lane, struct task *t)
{
	tells_answer(run, lane);
	calm.lane[lane].turn = calm.lane[lane].suspends = false;
	(void)signal_mask(t, ~(sigset)0);
	signal_score_mask_all(run);
}

void calm_goes_back(struct run *run, unsigned lane, struct task *t)
{
	const uint64_t pc = t->regs->pc;

	goes_on(run, lane, t);
	while (begins_again(t, pc)) {
		if (!calm.lane[lane].suspends)
			kpanic(ORACLE_VERDICT, "a call begins anew that was not interrupted");
		lane_sleeps(lane, true);
		t->interrupted = signal_suspend(t, calm.lane[lane].suspended);
		lane_sleeps(lane, false);
		goes_on(run, lane, t);
	}
	if (calm.lane[lane].turn) turn_ends(run, lane, t);
}

void calm_lane_ends(struct run *run, unsigned lane, struct task *t)
{
	if (!run_is_calm(run)) return;
	(void)signal_mask(t, 0);
	signal_score_mask(run, 0);
	goes_on(run, lane, t);
	signal_score_lane_ends(run, lane);
}

/* --- at rest ---------------------------------------------------------------------------------- */

bool calm_somebody_is_roused(struct run *run)
{
	struct task_world *w = &world_of(run)->tasks;
	bool roused = false;

	if (!run_is_calm(run)) return false;
	const mach_irq_t was = lock_take(&w->lock);
	for (unsigned lane = 0; lane < LANES; lane++) {
		const struct task *t = lane_task_locked(run, lane);
		if (t == NULL || atomic_load_u32(&t->work) == 0) continue;
		if (!signal_asleep(run, lane)) roused = true;
	}
	lock_drop(&w->lock, was);
	return roused;
}

void calm_rescue(struct run *run)
{
	struct task_world *w = &world_of(run)->tasks;
	const struct abi_siginfo info = { .signo = RESCUE, .code = SI_TKILL };
	const mach_irq_t was = lock_take(&w->lock);
	struct task *sleeper = NULL;
	unsigned stopped = GROUPS, lane;

	for (unsigned g = 0; g < GROUPS; g++) {
		const struct task_group *group = task_group_find_locked(w, group_pid(g));
		if (group != NULL && group->stop_signal != 0) stopped = g;
	}
	for (lane = 0; lane < LANES && sleeper == NULL; lane++)
		sleeper = lane_sleeper_locked(run, lane);
	if (stopped == GROUPS && sleeper != NULL) {
		signal_score_rescues(run, lane - 1);
		(void)signal_send_locked(sleeper->group, sleeper, &info);
	}
	lock_drop(&w->lock, was);
	if (stopped == GROUPS) return;
	signal_score_continues(run, stopped);
	signal_send_group(w, group_pid(stopped), SIGCONT);
}
