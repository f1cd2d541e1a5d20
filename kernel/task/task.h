/*
 * task.h -- what Linux programs see of processes and threads: numbers, groups, sessions, signals,
 * limits, and what hangs on a process besides its space: files, name, times.
 *
 * A task is a thread that runs a program at EL0; a group is a process of such threads.  Both hang
 * on what kernel/process.h knows (its records' `user`), which gives them stacks, spaces and ends.
 * One struct task_world holds all that tasks of a kernel share; a fuzz target makes its own.
 *
 * A task enters the kernel by a system call or a fault, with its registers in `regs`; before it
 * goes back to its program it does what has come up meanwhile (task_work()): ends, if it was
 * killed; takes signals.  `work` says that there is something.
 *
 * Locks: the world's (RANK_TASKS) for numbers, groups, sessions, and signals of every task; never
 * held while anything sleeps, or is allocated but for notes of signals (without reclaim).
 */
#ifndef KERNEL_TASK_TASK_H
#define KERNEL_TASK_TASK_H

#include "kernel/answer.h"
#include "kernel/process.h"

struct file_table; /* kernel/file/table.h: descriptors */
struct node;       /* kernel/file/tree.h */
struct file_tree;
struct futex_table;   /* kernel/task/futex.h */
struct signal_set_up; /* kernel/task/signal.h: what each signal leads to, shared by a group */
struct exec_config;   /* kernel/exec/exec.h: how programs are laid out */
struct number;        /* kernel/task/task_inside.h: a number and whose it is */
struct vfork_wait;    /* the same: who waits for a vforked child */

enum {
	SIGNALS = 64,     /* 1 to 64; bit n - 1 of a set */
	LIMITS = 16,      /* RLIMIT_CPU to RLIMIT_RTTIME */
	NAME_BYTES = 16,  /* of a task's name, its end counted (TASK_COMM_LEN) */
	LINE_BYTES = 256, /* kept of its arguments, for /proc */
	HOST_BYTES = 65,  /* a machine's name and its end */
};

/*
 * Where a signal's handler returns to: a page of every program, put there by execve and copied by
 * fork, readable and executable, whose first two instructions are rt_sigreturn (mov x8, #139;
 * svc #0).  Above all that mmap gives out, below all stacks.
 */
#define TASK_TRAMPOLINE (USER_END - (1ull << 30))

/* Whose it is: what it was begun as, what it acts as, what it may act as again, and what it acts as
 * where files are asked for. */
enum { ID_REAL, ID_EFFECTIVE, ID_SAVED, ID_FILES, IDS };

typedef uint64_t sigset;

struct task;

/* For restart_syscall: a call that goes on rather than beginning anew. */
struct task_restart {
	int64_t (*call)(struct task *t, struct task_restart *restart); /* or NULL: EINTR */
	uint64_t arg[5];
};

struct limit {
	uint64_t soft, hard; /* UINT64_MAX: none */
};

/* What was used, by a task or by several. */
struct task_used {
	uint64_t user_ns, kernel_ns; /* at EL0, and in the kernel for it */
	uint64_t faults;             /* accesses that were answered with a page */
	uint64_t waits, gives;       /* as struct thread_used has them */
	uint64_t peak_pages;         /* most of a program's memory at once */
};

/* A clock of CPU time: when its signal is due, by that time (0: it is not), and how long between
 * two (0: once). */
struct cpu_alarm {
	uint64_t due_ns, every_ns;
};

enum { CPU_ALARMS = 2 }; /* ITIMER_VIRTUAL and ITIMER_PROF */

/* Letters: (w) by the world's lock; (s) by its own tasks; (f) fixed while it lives. */
struct task_group {
	struct task_world *world;
	process_id process; /* (f) */
	int32_t pid;        /* (f) its number; that of its first task */
	int32_t parent;     /* (w) its parent's number, 0: none */
	int32_t pgid, sid;  /* (w) process group and session */
	struct number *number, *pgid_number, *sid_number; /* (w) */
	uint32_t uid[IDS], gid[IDS];                      /* (w) atomic */
	uint64_t gids;       /* (w) atomic reads: address of a struct gid_list, or 0: see right.h */
	struct list link;    /* (w) of all groups */
	struct list tasks;   /* (w) */
	uint32_t task_count; /* (w) atomic reads */
	bool undumpable;     /* (w) its memory is not for others to look at: prctl tells */
	bool exec_done;      /* (w) it has run execve since it was forked */
	bool ending;         /* (w) `status` is settled, and its tasks are to end */
	bool zombie;         /* (w) it has ended, and waits to be waited for */
	int32_t status;      /* (w) what wait4() tells of its end */
	int32_t exit_signal; /* (w) what its parent gets at its end: SIGCHLD, or 0 */
	struct task *execer; /* (w) who is in task_exec_alone(), or NULL */
	int32_t stop_signal; /* (w) what stopped it, or 0: it runs */
	bool tell_stop;      /* (w) that has not been waited for */
	bool tell_continue;  /* (w) the same of its going on */
	struct wait_queue go;     /* its stopped tasks wait here; with it, stop_signal is written */
	struct file_table *files; /* (w) of tasks that have none of their own, or NULL */
	struct node *cwd;         /* (w) a folder, held, or NULL: the root */
	struct node *root;        /* (w) what chroot() said, held, or NULL: the tree's */
	struct node *exe;         /* (w) what it runs, held, or NULL */
	uint32_t umask;
	struct signal_set_up *signals;
	sigset pending;             /* (w) for whichever task takes them */
	struct list notes;          /* (w) what is known of these */
	uint32_t noted;             /* (w) notes of this group and its tasks */
	uint64_t alarm_ns;          /* (w) when SIGALRM is due, 0: never; see alarm.h */
	uint32_t above_mark;        /* atomic: its memory is above the mark, see mark.h */
	uint64_t alarm_every_ns;    /* (w) and how long until the next, 0: once */
	struct vfork_wait *vforked; /* (w) who waits until it execs or ends, or NULL */
	struct cpu_alarm cpu_alarm[CPU_ALARMS]; /* (w) see cpu_alarm.h */
	uint64_t look_ns;                       /* (w) when its CPU time is looked at, 0: not */
	uint32_t rests; /* (w) atomic reads: that is due when one of its tasks runs again */
	struct limit limits[LIMITS];
	uint64_t start_ns;         /* (f) */
	struct task_used used;     /* (w) by tasks that have ended, and in programs of before */
	struct task_used children; /* (w) by children that were waited for, and theirs */
	char line[LINE_BYTES];     /* (w) arguments, each with its zero */
	uint32_t line_bytes;
	char last_name[NAME_BYTES]; /* (w) that of its last task, once it has none */
};

/* How a task wants to be scheduled: all zeroes is a new one; inherited by fork and clone, but for
 * `reset`, and with that for what is more urgent than usual. */
struct task_schedule {
	uint8_t policy;   /* SCHED_NORMAL ... */
	uint8_t priority; /* 1 to 99 for SCHED_FIFO and SCHED_RR, else 0 */
	int8_t nice;      /* -20 to 19 */
	bool reset;       /* SCHED_RESET_ON_FORK */
	uint32_t cpus;    /* bits of those it may run on; 0: all */
};

/* Letters as above, and (o) its own. */
struct task {
	struct task_group *group;      /* (f) */
	thread_id thread;              /* (w) THREAD_NONE: it has not begun */
	int32_t tid;                   /* (w) of a task alone in its group execve changes it */
	struct number *number;         /* (w) */
	struct list link;              /* (w) in group->tasks */
	bool dying;                    /* (w) it is to end before it goes back to its program */
	int32_t status;                /* (o) what it ends with, as wait4() would tell it */
	uint32_t work;                 /* atomic: task_work() has something to do */
	struct user_regs *regs;        /* (f) where they lie while it is in the kernel */
	struct space *space;           /* (o) its program's memory: its process's */
	int32_t interrupted;           /* (o) enum task_answer of its last call, or 0 */
	struct task_restart restart;   /* (o) */
	uint64_t tls;                  /* (o) while another runs: see mach_tls() */
	uint64_t clear_tid;            /* (o) set_tid_address: zeroed and woken at its end, or 0 */
	uint64_t robust, robust_bytes; /* (o) set_robust_list */
	sigset mask, saved_mask;       /* (w) blocked; and what sigsuspend and ppoll put back */
	bool restore_mask;             /* (o) saved_mask is to be put back */
	sigset awaited;                /* (w) what sigtimedwait() waits for, though it is blocked */
	sigset pending;                /* (w) for it alone */
	struct list notes;             /* (w) what is known of these */
	struct file_table *files;      /* (w) its own, or NULL: the group's; see files.h */
	uint64_t fault_address;        /* (o) of its last fault */
	uint64_t set_tid;              /* (o) where it writes its number when it begins, or 0 */
	struct birth *birth;           /* while it is being made: kernel/task/clone.c */
	void (*begin)(struct task *t, void *arg); /* (f) of the first task, see task_first() */
	void *begin_arg;                          /* (f) */
	uint64_t alt_stack, alt_bytes;            /* (o) sigaltstack */
	uint32_t alt_flags;
	char name[NAME_BYTES];             /* (w) */
	struct task_schedule schedule;     /* (w) */
	uint64_t slack_ns, usual_slack_ns; /* (o) prctl: how late its timers may be, 0: as usual */
	bool no_new_rights;                /* (o) prctl: it has given up to get any by execve */
	int32_t death_signal;              /* (o) prctl: what it gets when its parent ends, or 0 */
	uint64_t faults;                   /* (o) atomic: accesses that were answered with a page */
};

/* What the machine, or a harness, does for tasks. */
struct task_machine {
	/* Goes on in the task's program with t->regs, for good: the kernel's stack begins anew.
	 * Called with interrupts unmasked and nothing held, in the task's own thread. */
	NORETURN void (*run)(struct task *t);
	uint64_t (*wall_ns)(void *arg); /* CLOCK_REALTIME */
	void (*random)(void *arg, void *to, size_t bytes);
	/* A line for who looks at the machine's log (an unknown system call, a killed program). */
	void (*say)(void *arg, const char *line);
	NORETURN void (*power_off)(void *arg, bool restart); /* reboot() */
	/* The first group has ended, with that status of wait4(); any context.  Or NULL. */
	void (*first_ended)(void *arg, int32_t status);
	/* The leader of session `sid` ends, in its own context: the session's terminal is nobody's
	 * any more.  Or NULL. */
	void (*session_over)(void *arg, int32_t sid);
	void *arg;
};

struct task_config {
	struct process_world *processes;
	struct sched *sched;
	struct vm *vm;
	struct kmalloc *memory;
	struct file_tree *tree;
	struct task_machine machine;
	const struct exec_config *exec;
	int32_t pid_max;     /* numbers are 1 to this, given out in turn (Linux: 32768) */
	site_t site;         /* who asks for the memory of tasks */
	uint32_t mark_pages; /* programs that grow above are named in the log; 0: none (mark.h) */
};

enum { NUMBER_ROWS = 256 };

/* One for each kernel. */
struct task_world {
	struct task_config config;
	struct lock lock;                                      /* RANK_TASKS */
	struct number *numbers[NUMBER_ROWS] GUARDED_BY(&lock); /* by value: see number.c */
	int32_t last_number GUARDED_BY(&lock);
	struct list all GUARDED_BY(&lock); /* groups, in the order of their making */
	struct futex_table *futexes;
	struct timer alarm;                        /* set to the earliest of all groups' */
	uint64_t alarm_number;                     /* (w) how often it was set */
	char host[HOST_BYTES], domain[HOST_BYTES]; /* (w) uname's */
	uint64_t unknown_calls[8]; /* atomic: a bit for each number that was said to be unknown */
	uint32_t tasks, groups GUARDED_BY(&lock);
};

/* False without memory. */
bool task_world_init(struct task_world *w, const struct task_config *config);

/* Nobody is left. */
void task_world_close(struct task_world *w);

/* The caller's, or NULL: it is a thread of the kernel. */
struct task *task_self(struct task_world *w);

/*
 * The first task, number 1, of a group that has no parent and gets orphans.  begin() is called in
 * its own thread, and when it returns the task goes on with t->regs.  From a thread of the kernel,
 * or before sched_run().  -ERR_AGAIN, -ERR_NOMEM.
 */
int task_first(struct task_world *w, void (*begin)(struct task *t, void *arg), void *arg);

/* Who has that number; world's lock held. */
struct task *task_find_locked(struct task_world *w, int32_t tid) REQUIRES(&w->lock);
struct task_group *task_group_find_locked(struct task_world *w, int32_t pid) REQUIRES(&w->lock);

/* All tasks, one after the other: the first (after NULL), the next, NULL. */
struct task *task_next_locked(struct task_world *w, struct task *t) REQUIRES(&w->lock);

/* The group with the lowest number above `pid`, zombies too, or 0. */
int32_t task_group_after(struct task_world *w, int32_t pid);

/* NULL when sound, else what is wrong.  At any time. */
const char *task_check(struct task_world *w);

/* --- making ----------------------------------------------------------------------------------- */

struct task_clone {
	uint64_t flags; /* CLONE_..., without CLONE_SIGNAL's bits */
	int32_t exit_signal;
	uint64_t stack; /* its sp, or 0: the caller's */
	uint64_t tls;
	uint64_t parent_tid, child_tid; /* addresses of the program */
};

/* clone(): the child's number, or an error as Linux has it. */
int64_t task_clone(struct task *t, const struct task_clone *how);

/* --- waiting for children --------------------------------------------------------------------- */

/* Which children, and what of them: as waitid() has it. */
struct task_wait_how {
	int32_t type; /* P_ALL, P_PID, P_PGID */
	int32_t id;
	uint32_t options; /* W_... */
};

struct task_waited {
	int32_t pid;
	uint32_t uid;          /* whose it is */
	int32_t code;          /* CLD_... */
	int32_t status;        /* exit code, or number of the signal */
	int32_t wait4;         /* both, as wait4() tells it */
	struct task_used used; /* by it, and by its children that were waited for */
};

/* 1: *out tells of a child; 0: with W_NOHANG, there was nothing to tell; -ERR_CHILD;
 * RESTART_SYS. */
int task_wait(struct task *t, const struct task_wait_how *how, struct task_waited *out);

/* --- process groups and sessions -------------------------------------------------------------- */

int task_setpgid(struct task *t, int32_t pid, int32_t pgid);
int task_getpgid(struct task *t, int32_t pid); /* 0: its own; -ERR_SRCH */
int task_getsid(struct task *t, int32_t pid);
int task_setsid(struct task *t); /* its number; -ERR_PERM */

/*
 * Before the task goes back to its program, interrupts unmasked: ends it if it was killed (then it
 * does not return), delivers a signal by changing t->regs and the program's stack.  Afterwards
 * t->work is 0, or was set again meanwhile.
 */
void task_work(struct task *t);

/* The program did something that the hardware refused: signal and code as Linux has them, and the
 * address.  Delivered like a signal that cannot be blocked: without a handler the group ends. */
void task_fault(struct task *t, int signal, int code, uint64_t address);

/* Ends the task with that status of exit(); the last one's is the group's; or the whole group. */
NORETURN void task_exit(struct task *t, int code);
NORETURN void task_exit_group(struct task *t, int code);

/* --- for execve (kernel/exec) ----------------------------------------------------------------- */

/*
 * Ends the other tasks of the caller's group and waits until they are gone; then the caller is
 * alone, with the group's number.  From here on execve cannot fail any more but by the program's
 * death.  -ERR_AGAIN or -ERR_INTR: the group ends, or another of its tasks was first; the caller
 * goes back, and is ended on the way.
 */
int task_exec_alone(struct task *t);

/* What a group runs from now on. */
struct task_program {
	struct space *space; /* handed over */
	const char *name;    /* the file's, without folders; what is too long is cut off */
	const char *line;    /* arguments, each with its zero */
	uint32_t line_bytes;
	uint32_t acting_uid, acting_gid; /* whom it acts as from now on */
	bool secure;                     /* that is not who began it */
	bool secret;                     /* nobody may read its file */
};

/* The stack of a program that acts as another is no larger, whatever the limit was. */
#define SECURE_STACK_BYTES (8ull << 20)

/*
 * The caller, alone, is in another program: its process has the new space, installed, and the old
 * one is retired; handlers of signals are SIG_DFL (what is ignored stays so), the alternative
 * stack, set_tid_address() (after it was heeded), the robust list and TLS are forgotten, floating
 * point is as at first; it has a new name and line, and acts as whom it is told to; exec_done;
 * who vforked it goes on.  Files are not touched, and t->regs are the caller's business.
 */
void task_exec_commit(struct task *t, const struct task_program *program);

#endif
