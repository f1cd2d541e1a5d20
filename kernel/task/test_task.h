/*
 * test_task.h -- a small world of tasks over the host's arena, for their unit tests.
 *
 * A task's program is a C function: its address is in the registers, as the place where the program
 * goes on.  So a test says what a child is to run by putting that into its own registers before it
 * clones, and the child begins there, in its own thread, with x0 = 0.  A program ends by one of the
 * calls that end tasks.  Whatever a program does in place of a system call is between task_self()
 * and goes_back(), which does what the way back to EL0 does.
 */
#ifndef KERNEL_TASK_TEST_TASK_H
#define KERNEL_TASK_TEST_TASK_H

#include "kernel/task/task_inside.h"
#include "kernel/test_process.h"
#include "mm/usercopy.h"

typedef void program(struct task *t);

static struct task_world *TW;
static int32_t first_status; /* what the first group ended with, or -1 */

static NORETURN inline void test_play(struct task *t)
{
	program *p = (program *)(uintptr_t)t->regs->pc;

	p(t);
	task_exit_group(t, 0);
}

static inline void test_first_ended(void *arg, int32_t status)
{
	(void)arg;
	first_status = status;
}

static inline void goes_back(struct task *t)
{
	while (atomic_load_u32(&t->work) != 0) task_work(t);
}

static inline void test_begin_first(struct task *t, void *arg)
{
	t->regs->pc = (uintptr_t)arg;
}

static inline void task_test_open(const struct test_choice *choice, int32_t pid_max)
{
	struct task_config config = {
		.machine = { .run = test_play, .first_ended = test_first_ended },
		.pid_max = pid_max,
		.site = TEST_SITE,
	};

	test_open(choice);
	config.processes = W;
	config.sched = &tw->sched;
	config.vm = &tw->vm;
	config.memory = &tw->memory;
	TW = kmalloc_alloc(&tw->memory, sizeof *TW, 0, TEST_SITE);
	EXPECT(TW != NULL && task_world_init(TW, &config));
	first_status = -1;
	tw->used = test_pages_used();
}

static inline void task_test_close(void)
{
	test_must(task_check(TW));
	test_must_be_back();
	task_world_close(TW);
	EXPECT(kmalloc_free(&tw->memory, TW) == KMALLOC_FREED);
	tw->used = test_pages_used();
	test_shut();
}

/* Runs `p` as the first program until nobody is left; it must end with that status of wait4(). */
static inline void task_test_run(program *p, int32_t status)
{
	EXPECT(task_first(TW, test_begin_first, (void *)(uintptr_t)p) == 0);
	test_run();
	EXPECT(first_status == status);
	test_must(task_check(TW));
}

/* --- short names ------------------------------------------------------------------------------ */

static inline int64_t clones(struct task *t, program *child, uint64_t flags)
{
	const struct task_clone how = { .flags = flags,
					.exit_signal = (flags & CLONE_THREAD) != 0 ? 0 : SIGCHLD };
	const uint64_t pc = t->regs->pc;

	t->regs->pc = (uintptr_t)child;
	const int64_t answer = task_clone(t, &how);
	t->regs->pc = pc;
	return answer;
}

#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static inline int32_t forks(struct task *t, program *child)
{
	const int64_t pid = clones(t, child, 0);

	EXPECT(pid > 0);
	return (int32_t)pid;
}

static inline int32_t threads(struct task *t, program *child)
{
	const int64_t tid = clones(t, child, THREAD);

	EXPECT(tid > 0);
	return (int32_t)tid;
}

static inline int waits_with(struct task *t, int32_t type, int32_t id, uint32_t options,
			     struct task_waited *out)
{
	const struct task_wait_how how = { type, id, options };

	return task_wait(t, &how, out);
}

/* Waits for the end of `pid` (0: any), which must be so: its number. */
static inline int32_t waits_for(struct task *t, int32_t pid, int32_t wait4)
{
	struct task_waited got = { .pid = 0 };

	EXPECT(waits_with(t, pid == 0 ? P_ALL : P_PID, pid, W_EXITED, &got) == 1);
	EXPECT((pid == 0 || got.pid == pid) && got.wait4 == wait4);
	return got.pid;
}

static inline void no_children(struct task *t)
{
	struct task_waited got;

	EXPECT(waits_with(t, P_ALL, 0, W_EXITED | W_NOHANG, &got) == -ERR_CHILD);
}

#endif
