/*
 * task_inside.h -- what the files of kernel/task know of each other.
 */
#ifndef KERNEL_TASK_TASK_INSIDE_H
#define KERNEL_TASK_TASK_INSIDE_H

#include "kernel/abi.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"

/* --- number.c --------------------------------------------------------------------------------- */

/* A number that is somebody's: of a task, a group, a process group or a session. */
struct number {
	int32_t value;
	uint32_t uses; /* task and group, and members of that process group and of that session */
	struct task *task;
	struct task_group *group;
	struct number *next; /* in its row */
};

struct number *number_alloc(struct task_world *w); /* no value yet; NULL without memory */
void number_free(struct task_world *w, struct number *n);

/* The next that is free; false: all are taken.  It has no use yet. */
bool number_give_locked(struct task_world *w, struct number *n) REQUIRES(&w->lock);
struct number *number_find_locked(struct task_world *w, int32_t value) REQUIRES(&w->lock);

/* One use more, or one less: with the last it is given back. */
struct number *number_use(struct number *n);
void number_drop_locked(struct task_world *w, struct number *n) REQUIRES(&w->lock);

/* --- task.c ----------------------------------------------------------------------------------- */

void *task_alloc_bytes(struct task_world *w, size_t bytes, uint32_t how);
void task_free_bytes(struct task_world *w, void *p); /* NULL: nothing */

/* --- exit.c ----------------------------------------------------------------------------------- */

/* Who vforked, on his own stack. */
struct vfork_wait {
	struct wait_queue queue;
	bool over; /* by queue.lock and the world's */
	struct task_group *child;
};

/* How the group ends is settled, unless it was, and its tasks are asked to end but for `self`
 * (NULL: all). */
void group_end_locked(struct task_world *w, struct task_group *g, int32_t status,
		      const struct task *self) REQUIRES(&w->lock);

/* A task is asked to end. */
void task_doom_locked(struct task *t);

/* Gives up what the program's memory knows of the task: robust futexes, clear_tid. */
void task_leave_memory(struct task *t);

/* Who vforked this group goes on. */
void group_release_vforker(struct task_group *g);

/* Ends the caller, with t->status where it is the group's first. */
NORETURN void task_end(struct task *t);

bool group_ended(void *world, void *user, void *parent);
void group_handed_on(void *world, void *user, void *parent);
void group_released(void *world, void *user);

/* --- signal.c --------------------------------------------------------------------------------- */

/* What a signal leads to where a program has said nothing. */
enum signal_default { DEFAULT_END, DEFAULT_CORE, DEFAULT_IGNORE, DEFAULT_STOP };
enum signal_default signal_default_of(int sig);

static inline sigset signal_bit(int sig)
{
	return (sigset)1 << (sig - 1);
}

/* Nobody can block, ignore or catch these. */
#define SIGNALS_HARD ((sigset)1 << (SIGKILL - 1) | (sigset)1 << (SIGSTOP - 1))

/* Nothing comes of these where a program has said nothing. */
#define SIGNALS_QUIET \
	(signal_bit(SIGCHLD) | signal_bit(SIGCONT) | signal_bit(SIGURG) | signal_bit(SIGWINCH))

/* Of any contents; NULL without memory. */
struct signal_set_up *signal_set_up_alloc(struct task_world *w);

/* After execve: handlers are SIG_DFL. */
void signal_set_up_exec(struct signal_set_up *s);

/* `t` NULL: for whichever task of `g`.  -ERR_AGAIN: it was to be queued, and there is no room. */
int signal_send_locked(struct task_group *g, struct task *t, const struct abi_siginfo *info)
	REQUIRES(&g->world->lock);

/*
 * A group has ended, or has another parent, and no connection any more with `before`, who was its
 * parent: where its process group is without one to a parent elsewhere in the session, and has
 * members that are stopped, all of it gets SIGHUP and SIGCONT.  (signal_orphan.c)
 */
void signal_orphans_locked(const struct task_group *g, const struct task_group *before)
	REQUIRES(&g->world->lock);

/* Whether nobody watches its process group: each member's parent is in it, in another session, or
 * the first. */
bool signal_is_orphaned_locked(const struct task_group *g) REQUIRES(&g->world->lock);

/* Tells a parent of its child: CLD_... and what goes with it. */
void signal_child_locked(struct task_group *parent, const struct task_group *child, int code,
			 int status) REQUIRES(&parent->world->lock);

/* Notes of these go, of one set; or the signals with theirs, of the group and all its tasks. */
void signal_forget_locked(struct task_group *g, struct list *notes, sigset which)
	REQUIRES(&g->world->lock);
void signal_forget_all_locked(struct task_group *g, sigset which) REQUIRES(&g->world->lock);

/* The number of one of `which` that is pending for the caller, taken; 0: none is. */
int signal_take_locked(struct task *t, sigset which, struct abi_siginfo *info)
	REQUIRES(&t->group->world->lock);

/* Says that there is something for the caller's task_work(), or that there is not. */
void signal_recheck_locked(struct task *t) REQUIRES(&t->group->world->lock);

/* The caller takes signals no more (of `which`): others of its group are to look at what is pending
 * for all. */
void signal_pass_on_locked(struct task *t, sigset which) REQUIRES(&t->group->world->lock);

void signal_set_mask_locked(struct task *t, sigset mask) REQUIRES(&t->group->world->lock);

/* A signal for the caller that cannot be blocked or ignored: with nobody to catch it, the end. */
void signal_force(struct task *t, const struct abi_siginfo *info, bool fatal);

/* --- signal_frame.c --------------------------------------------------------------------------- */

/* Puts a frame on the program's stack and its registers to the handler; false: there is no stack.
 * `mask` is what is blocked again when the handler returns. */
bool signal_frame(struct task *t, const struct abi_sigaction *action,
		  const struct abi_siginfo *info, sigset mask);

#endif
