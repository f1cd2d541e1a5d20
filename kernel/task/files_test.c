/*
 * files_test.c -- descriptors that a thread has for itself: who else sees them, who inherits them,
 * and when what the others had is closed.
 */
#include "kernel/task/files.h"
#include "kernel/task/look.h"
#include "kernel/task/test_task.h"

enum { MS = 1000000 };

static struct file_world fw;
static int32_t child_saw;

static int add(struct task *t)
{
	static const struct file_ops ops;
	int error;
	struct file *f = file_create(&fw, &ops, 2, NULL, NULL, &error);

	EXPECT(f != NULL);
	return file_table_add(task_files(t), f, 0, 100, false);
}

static bool has(struct file_table *files, int fd)
{
	struct file *f = file_table_get(files, fd);

	if (f != NULL) file_drop(f);
	return f != NULL;
}

/* The first program's: one file, as 0. */
static void begins(struct task *t)
{
	t->group->files = file_table_create(&tw->memory);
	EXPECT(t->group->files != NULL && add(t) == 0);
}

static void naps(struct task *t)
{
	EXPECT(sched_sleep_heeding(&tw->sched, mach_now_ns() + MS) == WAIT_TIMEOUT);
	goes_back(t);
}

static void is_alone(struct task *t)
{
	while (atomic_load_u32(&t->group->task_count) > 1) naps(t);
}

static void looks(struct task *t)
{
	child_saw = has(task_files(t), 1) && t->files == NULL;
	EXPECT(t->group->files != NULL && task_files_unshare(t) == 0);
	task_exit_group(t, 0);
}

static void sees_the_same(struct task *t)
{
	EXPECT(t->files != NULL && has(task_files(t), 1) && fw.files == 3);
	EXPECT(file_table_close(task_files(t), 1) == 0);
	task_exit(t, 0);
}

static void has_its_own(struct task *t)
{
	struct file_table *groups = t->group->files;

	EXPECT(task_files(t) == groups && task_files_unshare(t) == 0 && task_files(t) != groups);
	struct file_table *own = t->files;
	EXPECT(task_files_unshare(t) == 0 && t->files == own);
	EXPECT(add(t) == 1 && has(own, 1) && has(own, 0) && !has(groups, 1));
	waits_for(t, forks(t, looks), 0);
	EXPECT(child_saw == 1);
	EXPECT(add(t) == 2 && t->group->files == groups);
	threads(t, sees_the_same);
	while (has(own, 1)) naps(t);
	struct file_table *seen = task_files_hold(TW, t->tid);
	EXPECT(seen == own);
	file_table_drop(seen);
	task_exit(t, 0);
}

static void apart(struct task *t)
{
	begins(t);
	threads(t, has_its_own);
	is_alone(t);
	EXPECT(t->files == NULL && has(t->group->files, 0) && fw.files == 1);
	EXPECT(task_files_unshare(t) == 0 && t->files == NULL);
}

/* What only those had who are gone is closed, as a pipe's other end must be. */
static void outlives(struct task *t)
{
	EXPECT(task_files_unshare(t) == 0 && t->group->files != NULL);
	EXPECT(add(t) == 1 && file_table_close(task_files(t), 0) == 0 && fw.files == 2);
	is_alone(t);
	EXPECT(t->group->files == NULL && fw.files == 1);
	waits_for(t, forks(t, looks), 0);
	task_files_lead(t);
	EXPECT(t->files == NULL && has(t->group->files, 1));
	task_exit_group(t, 5);
}

static void leaves(struct task *t)
{
	begins(t);
	threads(t, outlives);
	naps(t);
	task_exit(t, 0);
}

static void run(program *p, int32_t status)
{
	static const struct test_choice plain = { .reap = REAP_AFTER_SWITCH };

	task_test_open(&plain, 32768);
	fw = (struct file_world){ .memory = &tw->memory, .sched = &tw->sched, .most = 40 };
	task_test_run(p, status);
	EXPECT(fw.files == 0);
	task_test_close();
}

int main(void)
{
	host_cpus_open(1);
	run(apart, 0);
	run(leaves, 5 << 8);
	host_cpus_close();
	return 0;
}
