/*
 * signal_subject.h -- the state of a run of subject signal, and what its files tell each other.
 */
#ifndef FUZZ_SIGNAL_SUBJECT_H
#define FUZZ_SIGNAL_SUBJECT_H

#include "fuzz/plan.h"
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
	LANE_STACK_BYTES = 4 * PAGE_SIZE,
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
void lane_sleeps(unsigned lane, bool for_ever);
void step_over(struct run *run); /* an operation was: what has come up is done after it */
uint64_t role_of_child(uint32_t code);
void group_is_killed(unsigned group);

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

#endif
