/*
 * signal_subject.h -- the state of a run of subject signal, and what its files tell each other.
 */
#ifndef FUZZ_SIGNAL_SUBJECT_H
#define FUZZ_SIGNAL_SUBJECT_H

#include "fuzz/frame/plan.h"
#include "fuzz/vm_world.h"
#include "kernel/task/task_inside.h"

enum {
	GROUPS = 2,
	LANES_EACH = 2, /* tasks of a group that perform operations */
	LANES = GROUPS * LANES_EACH,
	THREAD_SLOTS = 20,
	PROCESS_SLOTS = 16,
	STACKS = 20,
	SLICE_NS = 1000,
	GRID_NS = 500,
	KINDS = 4,             /* of signals that are sent: */
	FIRST_QUEUED = 1,      /* SIGUSR1, and from here on real-time ones */
	RESCUE = SIGRTMAX,     /* never blocked nor ignored */
	HANDLER_AT = 0x500000, /* where handlers begin; */
	ROLES_AT = 0x600000,   /* and other code of programs: what a task is to do */
	STACKS_AT = 0x400000,
	LANE_STACK_BYTES = 8 * PAGE_SIZE, /* a frame for each kind, and RESCUE */
};

/* In the arena, where every access of what is tested is seen. */
struct world {
	struct vm_world memory;
	struct stack_world kernel;
	struct sched sched;
	struct thread threads[THREAD_SLOTS];
	struct process_world processes;
	struct process slots[PROCESS_SLOTS];
	struct task_world tasks;
	uint32_t idle; /* atomic: looked at, as something to pass points with */
};

/* States that a campaign must reach. */
enum {
	SAW_HANDLED,
	SAW_QUEUED_TWICE, /* two of one number were pending at once */
	SAW_AWAITED,
	SAW_AWAIT_ENDED,
	SAW_INTERRUPTED,
	SAW_BLOCKED,
	SAW_NESTED, /* a handler in a handler */
	SAW_FORGOTTEN,
	SAW_KILLED,
	SAW_STOPPED,
	SAW_RESCUED,
	SAW_CHILD,
	SAW_WAIT_RESTARTED,
	SAW_TO_GROUP,
	SAW_STATES
};

static inline struct world *world_of(const struct run *run)
{
	return run->state;
}

/* --- signal_world.c: what all stand on, and the tasks ----------------------------------------- */

unsigned signal_lane_now(struct run *run);
struct task *lane_task(struct run *run); /* the caller's */
int32_t lane_tid(unsigned lane);         /* who performs it now, or was the last to */
int32_t group_pid(unsigned group);       /* the same */
uint32_t group_life(unsigned group);     /* how often it has begun */
void lane_blocks(unsigned lane, sigset mask);
sigset lane_mask(unsigned lane); /* what it said last */
bool lane_is_over(unsigned lane);
void lane_sleeps(unsigned lane, bool for_ever);
bool signal_asleep(struct run *run, unsigned lane); /* until somebody does something */
void step_over(struct run *run); /* an operation was: what has come up is done after it */
uint64_t role_of_child(struct run *run, uint32_t code); /* that the caller forks */
void group_is_killed(unsigned group);
struct task *lane_task_locked(struct run *run, unsigned lane);    /* or NULL */
struct task *lane_sleeper_locked(struct run *run, unsigned lane); /* if it sleeps for ever */

/* The task does what has come up, once; a handler may begin.  What one that has begun was given;
 * and it returns. */
void lane_looks_up(struct run *run, struct task *t);
void handler_frame(struct run *run, struct task *t, struct abi_sigframe *frame);
void handler_returns(struct task *t, const struct abi_sigframe *frame);

void signal_fuzz_open(struct run *run);
void signal_fuzz_together(struct run *run, unsigned cpu);
void signal_fuzz_check(struct run *run, enum check_depth depth);
void signal_fuzz_pause(struct run *run);
void signal_fuzz_close(struct run *run);

/* --- signal_model.c: which signals are under way ---------------------------------------------- */

static inline int signal_of_kind(uint32_t kind)
{
	return kind == 0 ? SIGUSR1 : SIGRTMIN + 2 + (int)kind;
}

/* Of kinds by bit, and back. */
static inline sigset set_of_kinds(uint32_t kinds)
{
	sigset set = 0;

	for (uint32_t kind = 0; kind < KINDS; kind++)
		if ((kinds >> kind & 1) != 0) set |= signal_bit(signal_of_kind(kind));
	return set;
}

static inline uint32_t kinds_of_set(sigset set)
{
	uint32_t kinds = 0;

	for (uint32_t kind = 0; kind < KINDS; kind++)
		if ((set & signal_bit(signal_of_kind(kind))) != 0) kinds |= 1u << kind;
	return kinds;
}

void posts_open(void);

/* A signal of that kind is about to be sent, to a group, or one of its tasks (its tid, else 0):
 * its value, or UINT32_MAX: there are too many.  And has been, with that answer. */
uint32_t posts_send(unsigned group, int32_t tid, uint32_t kind);
void posts_sent(uint32_t value, int answer);

/* The task with that number, of a lane, has taken one. */
void posts_took(struct run *run, unsigned lane, int32_t tid, const struct abi_siginfo *info);

/* That group's action of that kind is about to be changed: the number of the change, which the
 * action is to carry.  And has been, in place of the one with that number (0: as it began). */
uint64_t posts_change(unsigned group, uint32_t kind, bool ignore);
void posts_changed(unsigned group, uint32_t kind, uint64_t replaced);

/* A life of that group is over: what was for it is gone. */
void posts_group_ended(unsigned group);

/* Nobody can get on by himself: whatever was sent and not taken must be pending. */
void posts_at_rest(struct run *run);

/* --- signal_calm.c: a lane of a run that a program is to do again; nothing in others ---------- */

void calm_open(void);
void calm_lane_begins(unsigned lane);
bool calm_somebody_is_roused(struct run *run); /* he has something to do, and has not done it */
void calm_rescue(struct run *run);
void calm_goes_back(struct run *run, unsigned lane, struct task *t);

/* It has no more to do: blocks nothing, so that it matters to nobody when it is gone what it
 * blocked (a group's signal is ignored or not by what its first task blocks). */
void calm_lane_ends(struct run *run, unsigned lane, struct task *t);

/* The caller's turn begins: what is pending comes. */
void turn_begins(struct run *run);

/* Its call's answer is that, which is told when it is back; the same of sigsuspend, and of
 * sigtimedwait. */
void turn_answers(struct run *run, int answer);
void turn_suspended(struct run *run, sigset mask);
void turn_awaited(struct run *run, int answer, const struct abi_siginfo *info);
void turn_stops(struct run *run); /* it has stopped its own group: until that is so */

/* --- signal_score.c: what tasks do, as programs (score.h); nothing without a score ------------ */

void signal_score_opens(struct run *run);
void signal_score_group(struct run *run, unsigned group); /* begins */
void signal_score_group_ended(struct run *run, unsigned group, int32_t status);
void signal_score_lane_ends(struct run *run, unsigned lane);

/* The caller blocks these, or all; took that signal; changes an action. */
void signal_score_mask(struct run *run, uint32_t kinds);
void signal_score_mask_all(struct run *run);
void signal_score_took(struct run *run, const struct abi_siginfo *info);
void signal_score_handles(struct run *run, uint32_t kind, bool ignore);

/* Its calls; then, what they answer. */
struct score_sent {
	unsigned group, lane; /* LANES: to the group */
	int sig;
	const struct abi_siginfo *info;
};
void signal_score_sends(struct run *run, const struct score_sent *sent);
void signal_score_awaits(struct run *run, uint32_t kinds, bool for_ever);
void signal_score_suspends(struct run *run, uint32_t kinds);
void signal_score_yields(struct run *run);
void signal_score_answers(struct run *run, int64_t answer);
void signal_score_awaited(struct run *run, const struct abi_siginfo *info);

/* It kills a group, stops one or lets it go on: these tell the answer. */
void signal_score_kills(struct run *run, unsigned group);
void signal_score_stops(struct run *run, unsigned group, bool stops);

/* It forks and waits; its child ends; it is back. */
void signal_score_forks(struct run *run);
void signal_score_child_ends(struct run *run, unsigned lane, uint32_t code);
void signal_score_waited(struct run *run, int32_t status);

/* When nobody gets on by himself. */
void signal_score_continues(struct run *run, unsigned group);
void signal_score_rescues(struct run *run, unsigned lane);

#endif
