/*
 * syscall_subject.h -- the state of a run of subject syscall, and what its files tell each other.
 */
#ifndef FUZZ_SYSCALL_SUBJECT_H
#define FUZZ_SYSCALL_SUBJECT_H

#include "fuzz/frame/plan.h"
#include "fuzz/vm_world.h"
#include "kernel/abi.h"
#include "kernel/file/tree.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/task.h"

enum {
	ACTORS = 6,        /* tasks that make calls; 0 is the first and lives to the end */
	THREAD_SLOTS = 16, /* these, who conducts, a hostile child, and those that end */
	PROCESS_SLOTS = 12,
	STACKS = 20,
	SLICE_NS = 1000,
	WINDOW_PAGES = 8,   /* that programs map and unmap, */
	BREAK_PAGES = 4,    /* how far the break moves, */
	DESCRIPTORS = 8,    /* RLIMIT_NOFILE of all */
	NAMES = 3,          /* of files: /f0 ... */
	FILE_BYTES = 8192,  /* more is written to none */
	PIECE_BYTES = 1024, /* that one call moves at most */
	FD_NAMES = 2 * DESCRIPTORS + 1,
	PATH_CODES = 80,   /* how operations name paths (syscall_tree.c) */
	FEW_PROCESSES = 4, /* if bit 0 of the header's tag is set */
	FEW_NUMBERS = 5,   /* for tasks: bit 1 */
};

/* Where things lie in every program.  Nothing is behind the scratch pages. */
#define WINDOW_AT 0x10000000ull
#define BREAK_AT 0x520000000ull
#define SCRATCH_AT 0x30000000ull           /* a page for each actor: what calls point to */
#define ROLE_AT 0x40000000ull              /* where a task's program goes on says what it is: */
enum { ROLE_GAP = 64, ROLE_HOSTILE = 32 }; /* an actor's number, or this; by the gap */

/* In the arena, where every access of what is tested is seen. */
struct world {
	struct vm_world memory;
	struct stack_world kernel;
	struct sched sched;
	struct thread threads[THREAD_SLOTS];
	struct process_world processes;
	struct process slots[PROCESS_SLOTS];
	struct file_world files;
	struct file_tree names;
	struct task_world tasks;
	struct wait_queue stage; /* who performs waits here, and who conducts */
};

/* States that a campaign must reach. */
enum {
	SAW_FORK,
	SAW_THREAD,
	SAW_ZOMBIE,
	SAW_KILLED,
	SAW_ORPHAN,
	SAW_COPIED, /* a page was written to that a fork had shared */
	SAW_SHARED, /* one sees what another wrote */
	SAW_FAULT,  /* an access was refused */
	SAW_PIPE_FULL,
	SAW_PIPE_END,
	SAW_PIPE_BROKEN,
	SAW_TABLE_FULL,
	SAW_UNLINKED, /* a file without a name was read */
	SAW_HOSTILE,
	SAW_HOSTILE_KILLED, /* it hung, and had to be killed */
	SAW_HOSTILE_DIED,
	SAW_NO_PROCESS,   /* a fork was refused */
	SAW_NO_NUMBER,    /* or any clone */
	SAW_NUMBER_AGAIN, /* a child has a number that another had */
	SAW_BAD_POINTER,
	SAW_LISTED,   /* a folder, whose names went away meanwhile */
	SAW_REPLACED, /* what had a name that something else was given */
	SAW_LOOP,     /* links that lead nowhere */
	SAW_NOWHERE,  /* a group in a folder that has no name any more */
	SAW_FIFO,
	SAW_LOCKED, /* somebody's lock was in the way */
	SAW_STATES
};

static inline struct world *world_of(const struct run *run)
{
	return run->state;
}

/* --- syscall_world.c: what all stand on, tasks, and who conducts ------------------------------ */

/* What an actor is to do; its answer. */
typedef int64_t act_fn(struct run *run, struct task *t, const uint64_t *arg);

/* Has actor `n`, which lives, do that, in its own thread, and waits until it is done or gone; then
 * until everybody who is doomed is gone. */
int64_t act(struct run *run, unsigned n, act_fn *fn, const uint64_t *arg);

/* A call, made by the actor itself. */
int64_t call(struct task *t, uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
	     uint64_t e, uint64_t f);

/* The same from outside: act() of call(). */
int64_t call_by(struct run *run, unsigned n, uint32_t number, uint64_t a, uint64_t b, uint64_t c,
		uint64_t d);

static inline uint64_t scratch_of(unsigned n)
{
	return SCRATCH_AT + n * (uint64_t)PAGE_SIZE;
}

#define NOWHERE scratch_of(ACTORS)

/* An actor's program reads and writes its own memory; what the access came to. */
enum fault_answer program_store(struct run *run, uint64_t va, uint64_t value);
enum fault_answer program_load(struct run *run, uint64_t va, uint64_t *value);

/* From here on what it does is told as one (score_begins, score_list); or by itself again. */
void actor_tells(bool each);

/* From here on its calls may come to something else on other kernels (score.h); or not. */
void actor_doubts(bool doubts);

/* Its program has bytes in its memory, and looks at them. */
void program_put(struct run *run, uint64_t va, const void *from, size_t bytes);
void program_get(struct run *run, void *to, uint64_t va, size_t bytes);

/* Actor `n` begins as a child of actor `by`: a fork or a thread, asked for with `garbage` in bits
 * that are no flags; its number. */
int64_t actor_begins(struct run *run, unsigned by, unsigned n, bool thread, uint32_t garbage);

/* Actor `n` is about to end, by itself or by a kill. */
void actor_is_doomed(unsigned n);
bool actor_lives(unsigned n);
unsigned actor_with(int32_t tid); /* which task's number that is, or ACTORS */

void syscall_fuzz_open(struct run *run);
void syscall_fuzz_together(struct run *run, unsigned cpu);
void syscall_fuzz_check(struct run *run, enum check_depth depth);
void syscall_fuzz_pause(struct run *run);
void syscall_fuzz_close(struct run *run);
unsigned syscall_lane_now(struct run *run);

/* --- syscall_score.c: what actors do, written down (score.h); nothing without a score -------- */

void score_opens(struct run *run); /* what the first one has from its beginning */
void score_call(struct run *run, unsigned n, uint32_t number, const uint64_t arg[6]);
/* Of the call told last; `doubt`: kernels are free to answer otherwise. */
void score_answer(struct run *run, uint32_t number, int64_t answer, bool doubt);
void score_leaves(struct run *run); /* it does not come back */
void score_gone(struct run *run, unsigned n);
struct score_clone {
	unsigned by, n;
	bool thread;
	uint32_t garbage; /* in the upper half of its flags */
};
void score_begins(struct run *run, const struct score_clone *c, int64_t tid);
/* The root was listed, by way of `at`: which of the names it had, by bits, or an error. */
void score_list(struct run *run, unsigned n, uint64_t at, bool unlinks, int64_t names);
void score_store(struct run *run, unsigned n, uint64_t va, uint64_t value,
		 enum fault_answer answer);
void score_load(struct run *run, unsigned n, uint64_t va, uint64_t value, enum fault_answer answer);
void score_memory(struct run *run, unsigned n, bool put, uint64_t va, const void *bytes,
		  size_t count);

/* --- syscall_hostile.c ------------------------------------------------------------------------ */

void hostile_open(void);

/* A child of `by` that makes `calls` hostile ones drawn from `seed`; its status of wait4(). */
int64_t hostile_child(struct run *run, unsigned by, uint32_t seed, uint32_t calls);
NORETURN void hostile_plays(struct run *run, struct task *t); /* its program */
int32_t hostile_number(void);                                 /* of the child that lives, or 0 */

/* --- the models ------------------------------------------------------------------------------- */

/* syscall_tasks.c: who is whose child, who has ended how. */
struct model_group {
	bool live, zombie; /* of its first actor's number */
	unsigned parent;
	int32_t pid, status;
};
struct model_group *group_of(unsigned actor); /* that the actor belongs to */
unsigned group_number(unsigned actor);
bool actor_free(unsigned n); /* neither lives nor is waited for */
void tasks_open(void);
void group_ends(struct run *run, unsigned group, int32_t status);
bool clones_fail(struct run *run, bool thread); /* there is no room for one more */
void makes_fork(struct run *run, const struct script_op *op);
void makes_thread(struct run *run, const struct script_op *op);
void makes_exit(struct run *run, const struct script_op *op);
void makes_exit_thread(struct run *run, const struct script_op *op);
void makes_kill(struct run *run, const struct script_op *op);
void makes_wait(struct run *run, const struct script_op *op);
void makes_who(struct run *run, const struct script_op *op);
void makes_stack(struct run *run, const struct script_op *op);
void tasks_end(struct run *run); /* all but the first are killed and waited for */

/* syscall_memory.c */
void memory_open(void);
void memory_forked(unsigned from, unsigned to); /* groups */
void memory_gone(unsigned group);
void makes_map(struct run *run, const struct script_op *op);
void makes_unmap(struct run *run, const struct script_op *op);
void makes_protect(struct run *run, const struct script_op *op);
void makes_store(struct run *run, const struct script_op *op);
void makes_load(struct run *run, const struct script_op *op);
void makes_break(struct run *run, const struct script_op *op);

/* syscall_files.c, and what it leads to: contents, pipes, the tree, names, locks, moves */
void files_open(void);
void files_forked(unsigned from, unsigned to);
void files_gone(unsigned group);
void makes_open(struct run *run, const struct script_op *op);
void makes_close(struct run *run, const struct script_op *op);
void makes_dup(struct run *run, const struct script_op *op);
void makes_pipe(struct run *run, const struct script_op *op);
void makes_read(struct run *run, const struct script_op *op);
void makes_write(struct run *run, const struct script_op *op);
void makes_drain(struct run *run, const struct script_op *op);
void makes_fill(struct run *run, const struct script_op *op);
void makes_seek(struct run *run, const struct script_op *op);
void makes_truncate(struct run *run, const struct script_op *op);
void makes_unlink(struct run *run, const struct script_op *op);
void makes_flag(struct run *run, const struct script_op *op);
void makes_reach(struct run *run, const struct script_op *op);
void makes_copy(struct run *run, const struct script_op *op);
void makes_far(struct run *run, const struct script_op *op);
void makes_move(struct run *run, const struct script_op *op);
void makes_name(struct run *run, const struct script_op *op);
void makes_link(struct run *run, const struct script_op *op);
void makes_remove(struct run *run, const struct script_op *op);
void makes_rename(struct run *run, const struct script_op *op);
void makes_enter(struct run *run, const struct script_op *op);
void makes_look(struct run *run, const struct script_op *op);
void makes_lock(struct run *run, const struct script_op *op);
bool name_there(unsigned name);
bool name_is_folder(unsigned name);
void name_gone(unsigned name);
int descriptor_free(unsigned group); /* the lowest, or an error */

/* syscall_list.c */
void makes_list(struct run *run, const struct script_op *op);

/* What a call answered, against what the model says; both go into the digest. */
void judge(struct run *run, const char *what, int64_t answer, int64_t expected);

/* The actor that an operation names or, if that one does not live, the next that does. */
unsigned by_of(const struct script_op *op);

#endif
