/*
 * task_test.c -- tasks on one CPU: numbers, forks, vforks, threads, ends, waiting, exec's part,
 * process groups.
 *
 * Threads run until they wait or yield, so each test says in which state somebody is when something
 * happens to it.
 */
#include "kernel/task/test_task.h"

static uint32_t ran, marks;
static int32_t number;

static void others_run(void)
{
	for (unsigned i = 0; i < 2 * TEST_THREADS; i++) sched_yield_cpu(&tw->sched);
}

static void exits_3(struct task *t)
{
	EXPECT(t->regs->x[0] == 0);
	ran++;
	task_exit_group(t, 3);
}

static void sleeps(struct task *t)
{
	ran++;
	(void)sched_sleep_heeding(&tw->sched, WAIT_FOREVER);
	goes_back(t);
	marks++;
	task_exit_group(t, 77);
}

static void thread_exits(struct task *t)
{
	ran++;
	task_exit(t, 9);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static void numbers(struct task *t)
{
	EXPECT(t->tid == 1 && t->group->pid == 1 && t->group->parent == 0);
	no_children(t);
	const int32_t a = forks(t, exits_3), b = forks(t, exits_3);
	EXPECT(a == 2 && b == 3);
	others_run();
	EXPECT(waits_for(t, b, 3 << 8) == 3); /* its number is free, and not given out yet */
	EXPECT(forks(t, exits_3) == 4 && forks(t, exits_3) == 5);
	EXPECT(forks(t, exits_3) == 3); /* 6 is the last; 2 is a zombie's */
	for (unsigned i = 0; i < 4; i++) waits_for(t, 0, 3 << 8);
	no_children(t);
	EXPECT(task_group_after(TW, 0) == 1 && task_group_after(TW, 1) == 0);
}

static void numbers_run_out(struct task *t)
{
	for (unsigned i = 0; i < 4; i++) forks(t, exits_3);
	EXPECT(clones(t, exits_3, 0) == -ERR_AGAIN);
	EXPECT(clones(t, thread_exits, THREAD) == -ERR_AGAIN);
	test_must(task_check(TW));
	for (unsigned i = 0; i < 4; i++) waits_for(t, 0, 3 << 8);
	waits_for(t, forks(t, exits_3), 3 << 8);
}

/* --- forks and vforks ------------------------------------------------------------------------- */

static const uint64_t word_at = 0x100000;

static void maps_word(struct task *t, uint64_t value)
{
	struct space *s = process_space(W);

	(void)t;
	EXPECT(space_mmap(s, word_at, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0,
			  TEST_SITE) == (int64_t)word_at);
	EXPECT(user_copy_out(s, word_at, &value, sizeof value) == 0);
}

static uint64_t word(void)
{
	uint64_t value = 0;

	EXPECT(user_copy_in(process_space(W), &value, word_at, sizeof value) == 0);
	return value;
}

static void set_word(uint64_t value)
{
	EXPECT(user_copy_out(process_space(W), word_at, &value, sizeof value) == 0);
}

static void writes_own(struct task *t)
{
	EXPECT(word() == 5 && t->group->parent == 1);
	set_word(6);
	task_exit_group(t, (int)word());
}

static void forks_copy(struct task *t)
{
	maps_word(t, 5);
	const int32_t pid = forks(t, writes_own);
	waits_for(t, pid, 6 << 8);
	EXPECT(word() == 5);
	const int64_t vforked = clones(t, writes_own, CLONE_VM | CLONE_VFORK);
	EXPECT(word() == 6); /* its own, and it has ended, or nearly */
	waits_for(t, (int32_t)vforked, 6 << 8);
}

static void execs(struct task *t)
{
	const struct task_program program = { .space = space_create(&tw->vm, TEST_SITE),
					      .name = "a-name-that-is-too-long",
					      .line = "a\0b",
					      .line_bytes = 4 };

	set_word(8);
	EXPECT(task_exec_alone(t) == 0);
	task_exec_commit(t, &program);
	EXPECT(t->group->exec_done && t->name[NAME_BYTES - 1] == 0 && t->name[14] == '-');
	others_run();
	EXPECT(marks == 1); /* who vforked goes on */
	task_exit_group(t, 4);
}

static void vforks_until_exec(struct task *t)
{
	maps_word(t, 5);
	const int64_t pid = clones(t, execs, CLONE_VM | CLONE_VFORK);
	EXPECT(word() == 8);
	marks++;
	waits_for(t, (int32_t)pid, 4 << 8);
}

static void vforker_is_killed(struct task *t)
{
	(void)clones(t, sleeps, CLONE_VM | CLONE_VFORK);
	EXPECT(t->dying); /* what else would end that wait? */
	goes_back(t);
	EXPECT(false);
}

static void kills_vforker(struct task *t)
{
	const int32_t pid = forks(t, vforker_is_killed);
	others_run();
	EXPECT(ran == 1);
	EXPECT(signal_kill(t, pid, SIGKILL) == 0);
	waits_for(t, pid, SIGKILL);
	const int32_t orphan = task_group_after(TW, pid);
	EXPECT(orphan == pid + 1 && signal_kill(t, orphan, SIGTERM) == 0);
	waits_for(t, orphan, SIGTERM);
	EXPECT(marks == 0);
}

/* --- threads ---------------------------------------------------------------------------------- */

static void thread_marks(struct task *t)
{
	EXPECT(t->group->pid == 1 && t->tid == number);
	EXPECT(word() == 5);
	set_word(7);
	task_exit(t, 1);
}

static void threads_share(struct task *t)
{
	const struct task_clone how = {
		.flags = THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID |
			 CLONE_SETTLS,
		.parent_tid = word_at + 8,
		.child_tid = word_at + 12,
		.tls = 0x1234,
		.stack = 0x99990,
	};
	int32_t tids[2];

	maps_word(t, 5);
	number = 2;
	t->regs->pc = (uintptr_t)thread_marks;
	EXPECT(task_clone(t, &how) == 2);
	const struct task *child = t->group->tasks.prev == &t->link
					   ? NULL
					   : CONTAINER_OF(t->group->tasks.prev, struct task, link);
	EXPECT(child != NULL && child->tls == 0x1234 && child->regs->sp == 0x99990);
	others_run();
	EXPECT(word() == 7 && t->group->task_count == 1);
	EXPECT(user_copy_in(process_space(W), tids, word_at + 8, sizeof tids) == 0);
	EXPECT(tids[0] == 2 && tids[1] == 0); /* written by the parent; by the child, and cleared */
	no_children(t);
}

static void leader_leaves_first(struct task *t)
{
	threads(t, sleeps);
	others_run();
	task_exit(t, 5);
}

static void waits_for_leaderless(struct task *t)
{
	const int32_t pid = forks(t, leader_leaves_first);
	struct task_waited got;

	others_run();
	EXPECT(waits_with(t, P_PID, pid, W_EXITED | W_NOHANG, &got) == 0);
	EXPECT(signal_kill(t, pid + 1, SIGKILL) == 0); /* a thread's number is its group's */
	waits_for(t, pid, SIGKILL);
	EXPECT(signal_kill(t, pid, 0) == -ERR_SRCH);
}

static void last_thread_leaves(struct task *t)
{
	threads(t, thread_exits);
	task_exit(t, 5);
}

static void status_is_leaders(struct task *t)
{
	waits_for(t, forks(t, last_thread_leaves), 5 << 8);
	EXPECT(ran == 1);
}

static void thread_execs(struct task *t)
{
	const struct task_program program = { .space = space_create(&tw->vm, TEST_SITE),
					      .name = "x" };
	EXPECT(t->tid != t->group->pid);
	EXPECT(task_exec_alone(t) == 0);
	EXPECT(t->tid == t->group->pid && t->group->task_count == 1);
	task_exec_commit(t, &program);
	EXPECT(process_space(W) == program.space);
	task_exit_group(t, 21);
}

static void group_of_execer(struct task *t)
{
	threads(t, sleeps);
	threads(t, thread_execs);
	(void)sched_sleep_heeding(&tw->sched, WAIT_FOREVER);
	goes_back(t);
	EXPECT(false);
}

static void waits_for_execer(struct task *t)
{
	const int32_t pid = forks(t, group_of_execer);
	waits_for(t, pid, 21 << 8);
	EXPECT(ran <= 1 && marks == 0);
}

static void exits_group(struct task *t)
{
	task_exit_group(t, 300);
}

static void group_of_sleepers(struct task *t)
{
	for (unsigned i = 0; i < 3; i++) threads(t, sleeps);
	others_run();
	threads(t, exits_group);
	(void)sched_sleep_heeding(&tw->sched, WAIT_FOREVER);
	goes_back(t);
}

static void whole_group_ends(struct task *t)
{
	waits_for(t, forks(t, group_of_sleepers), (300 & 0xff) << 8);
	EXPECT(ran == 3 && marks == 0);
}

static void wrong_flags(struct task *t)
{
	static const uint64_t wrong[] = {
		CLONE_THREAD, CLONE_THREAD | CLONE_VM, CLONE_SIGHAND, CLONE_THREAD | CLONE_SIGHAND,
		CLONE_NEWPID, CLONE_NEWNS | CLONE_FS,
	};

	for (unsigned i = 0; i < COUNT_OF(wrong); i++)
		EXPECT(clones(t, exits_3, wrong[i]) == -ERR_INVAL);
	no_children(t);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void waits_variously(struct task *t)
{
	struct task_waited got;
	const int32_t a = forks(t, exits_3), b = forks(t, sleeps);

	EXPECT(waits_with(t, P_PID, 99, W_EXITED, &got) == -ERR_CHILD);
	EXPECT(waits_with(t, P_PGID, 99, W_EXITED, &got) == -ERR_CHILD);
	EXPECT(waits_with(t, P_PID, b, W_EXITED | W_NOHANG, &got) == 0);
	EXPECT(waits_with(t, P_ALL, 0, W_EXITED | W_CLONE, &got) == -ERR_CHILD);
	EXPECT(waits_with(t, P_ALL, 0, W_EXITED | W_NOWAIT, &got) == 1);
	EXPECT(got.pid == a && got.code == CLD_EXITED && got.status == 3 && got.wait4 == 3 << 8);
	EXPECT(task_setpgid(t, b, b) == 0);
	EXPECT(waits_with(t, P_PGID, b, W_EXITED | W_NOHANG, &got) == 0);
	EXPECT(waits_with(t, P_PGID, 1, W_EXITED, &got) == 1 && got.pid == a);
	EXPECT(signal_kill(t, -b, SIGINT) == 0);
	EXPECT(waits_with(t, P_ALL, 0, W_EXITED, &got) == 1);
	EXPECT(got.pid == b && got.code == CLD_KILLED && got.status == SIGINT);
	no_children(t);
}

static void makes_orphan(struct task *t)
{
	number = forks(t, sleeps);
	others_run();
	task_exit_group(t, 1);
}

static void adopts(struct task *t)
{
	waits_for(t, forks(t, makes_orphan), 1 << 8);
	EXPECT(signal_kill(t, number, SIGHUP) == 0);
	waits_for(t, number, SIGHUP);
}

static void ignores_children(struct task *t)
{
	const struct abi_sigaction ignore = { .handler = SIG_IGNORE };

	EXPECT(signal_action(t, SIGCHLD, &ignore, NULL) == 0);
	forks(t, exits_3);
	struct task_waited got;
	EXPECT(waits_with(t, P_ALL, 0, W_EXITED, &got) == -ERR_CHILD); /* after its end */
	EXPECT(ran == 1);
}

/* --- process groups and sessions -------------------------------------------------------------- */

static void leads_session(struct task *t)
{
	const int32_t pid = t->group->pid;

	EXPECT(task_getsid(t, 0) == 1 && task_getpgid(t, 0) == 1);
	EXPECT(task_setsid(t) == pid && task_getsid(t, pid) == pid && task_getpgid(t, 0) == pid);
	EXPECT(task_setsid(t) == -ERR_PERM);
	EXPECT(task_setpgid(t, 0, 0) == -ERR_PERM);
	EXPECT(task_setpgid(t, 1, 0) == -ERR_SRCH); /* no child of ours */
	const int32_t child = forks(t, sleeps);
	EXPECT(task_setpgid(t, child, 1) == -ERR_PERM); /* another session's */
	EXPECT(task_setpgid(t, child, -1) == -ERR_INVAL);
	EXPECT(task_setpgid(t, child, child) == 0 && task_getpgid(t, child) == child);
	EXPECT(task_setpgid(t, child, pid) == 0);
	EXPECT(signal_kill(t, child, SIGKILL) == 0);
	waits_for(t, child, SIGKILL);
	task_exit_group(t, 0);
}

static void sessions(struct task *t)
{
	EXPECT(task_setsid(t) == -ERR_PERM);
	EXPECT(task_getpgid(t, 999) == -ERR_SRCH);
	waits_for(t, forks(t, leads_session), 0);
}

/* ---------------------------------------------------------------------------------------------- */

static void run_as(program *p, int32_t pid_max, const struct test_choice *choice)
{
	ran = marks = 0;
	task_test_open(choice, pid_max);
	task_test_run(p, 0);
	task_test_close();
}

static void run(program *p)
{
	static const struct test_choice forms[] = { { .reap = REAP_AFTER_SWITCH },
						    { .reap = REAP_IN_IDLE },
						    { .reap = REAP_BEFORE_NEXT } };

	for (unsigned i = 0; i < COUNT_OF(forms); i++) run_as(p, 32768, &forms[i]);
}

int main(void)
{
	static const struct test_choice plain;

	host_cpus_open(1);
	run_as(numbers, 5, &plain);
	run_as(numbers_run_out, 5, &plain);
	run(forks_copy);
	run(vforks_until_exec);
	run(kills_vforker);
	run(threads_share);
	run(waits_for_leaderless);
	run(status_is_leaders);
	run(waits_for_execer);
	run(whole_group_ends);
	run(wrong_flags);
	run(waits_variously);
	run(adopts);
	run(ignores_children);
	run(sessions);
	host_cpus_close();
	return 0;
}
