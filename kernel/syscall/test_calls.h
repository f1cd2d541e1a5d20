/*
 * test_calls.h -- a task made by hand, and its system calls, for the tests of calls that need no
 * more of tasks: over the world of test_file.h.
 *
 * A test's steps are the first thread of a process.  Its program's memory is `page` and what it
 * maps; more threads are tasks of the same group, made by `tasks_more`.
 */
#ifndef KERNEL_SYSCALL_TEST_CALLS_H
#define KERNEL_SYSCALL_TEST_CALLS_H

#include <string.h>

#include "kernel/file/test_file.h"
#include "kernel/syscall/identity.h"
#include "kernel/syscall/limit.h"
#include "kernel/syscall/user.h"
#include "kernel/task/futex.h"
#include "kernel/task/task_inside.h"

enum { TEST_TASKS = 4, TEST_PID_MAX = 8, TEST_PID = 3, MS = 1000000 };

static struct task_world calls_world;
static struct task_group group;
static struct task tasks[TEST_TASKS];
static struct user_regs task_regs[TEST_TASKS];
static struct number task_numbers[TEST_TASKS];
static uint64_t page; /* two of them, to be read and written */
static char said[128];
static void (*calls_steps)(void);

static inline uint64_t test_wall_ns(void *arg)
{
	(void)arg;
	return mach_now_ns() + 1000000000000ull;
}

static inline void test_random(void *arg, void *to, size_t bytes)
{
	(void)arg;
	memset(to, 0xa5, bytes);
}

static inline void test_say(void *arg, const char *line)
{
	(void)arg;
	snprintf(said, sizeof said, "%s", line);
}

static inline struct task *task_open(uint32_t n)
{
	struct task *t = &tasks[n];

	*t = (struct task){
		.group = &group,
		.thread = thread_id_of(sched_current(&tw->sched)),
		.tid = TEST_PID + (int32_t)n,
		.regs = &task_regs[n],
		.space = process_space(W),
		.name = "test",
	};
	list_init(&t->link);
	list_add_last(&group.tasks, &t->link);
	t->number = &task_numbers[n];
	task_numbers[n] = (struct number){ .value = t->tid, .uses = 1, .task = t };
	calls_world.numbers[t->tid % NUMBER_ROWS] = t->number;
	return t;
}

static inline void calls_open(void)
{
	calls_world = (struct task_world){
		.config = {
			.processes = W,
			.sched = &tw->sched,
			.vm = &tw->vm,
			.memory = &tw->memory,
			.machine = { .wall_ns = test_wall_ns, .random = test_random,
				     .say = test_say },
			.pid_max = TEST_PID_MAX,
		},
		.tasks = 1,
	};
	lock_init(&calls_world.lock, RANK_TASKS);
	calls_world.futexes = futex_open(&tw->memory, &tw->sched, 2, 4);
	list_init(&calls_world.all);
	group = (struct task_group){ .world = &calls_world,
				     .process = process_self(W),
				     .pid = TEST_PID,
				     .pgid = TEST_PID,
				     .files = file_table_create(&tw->memory) };
	list_init(&group.tasks);
	list_init(&group.link);
	list_add_last(&calls_world.all, &group.link);
	limits_begin(group.limits);
	EXPECT(calls_world.futexes != NULL && group.files != NULL);
}

/* What the call answers; or the enum task_answer that task_work() would settle. */
static inline int64_t call_by(struct task *t, uint32_t number, const uint64_t arg[6])
{
	for (uint32_t n = 0; n < 6; n++) t->regs->x[n] = arg[n];
	t->regs->x[8] = number;
	t->interrupted = 0;
	syscall_do(t);
	return t->interrupted != 0 ? t->interrupted : (int64_t)t->regs->x[0];
}

#define CALL_BY(t, number, ...) call_by(t, number, (const uint64_t[6]){ __VA_ARGS__ })
#define CALL(number, ...) CALL_BY(&tasks[0], SYS_##number, __VA_ARGS__)
#define MINUS(n) ((uint64_t) - (int64_t)(n))

static inline void put_bytes(uint64_t at, const void *from, size_t bytes)
{
	EXPECT(user_copy_out(process_space(W), at, from, bytes) == 0);
}

static inline void get_bytes(void *to, uint64_t at, size_t bytes)
{
	EXPECT(user_copy_in(process_space(W), to, at, bytes) == 0);
}

static inline uint64_t long_at(uint64_t at)
{
	uint64_t value;
	get_bytes(&value, at, sizeof value);
	return value;
}

static inline void put_two(uint64_t at, int64_t first, int64_t second)
{
	const int64_t both[2] = { first, second };
	put_bytes(at, both, sizeof both);
}

static inline void calls_thread(void)
{
	calls_open();
	task_open(0);
	page = (uint64_t)CALL(mmap, 0, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, MINUS(1), 0);
	EXPECT((int64_t)page > 0);
	calls_steps();
	file_table_drop(group.files);
	futex_close(calls_world.futexes);
}

static inline int calls_main(void (*const *tests)(void), size_t count)
{
	static void (*const in_a_thread[])(void) = { calls_thread };

	for (size_t i = 0; i < count; i++) {
		calls_steps = tests[i];
		files_main(in_a_thread, 1);
	}
	return 0;
}

#endif
