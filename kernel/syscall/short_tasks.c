/*
 * short_tasks.c -- cases of short_test.c: tasks, signals, waiting.
 *
 * The program has its pages at SHORT_AT, and descriptors: 0 is /d/f (5,000 bytes), 1 is /d, 2 and 3
 * are a pipe.  In the tree are /d, /d/e, /d/f, /m, /l (a link to /d/f), /bin, and /script, which
 * /bin runs.
 */
#include "kernel/syscall/short.h"

#define THREADS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

enum { BLOCKED = SIGUSR1, QUEUED = SIGRTMIN + 3 };

/* --- tasks ------------------------------------------------------------------------------------ */

static void child_is_gone(int64_t pid)
{
	if (pid > 0) EXPECT(PLAIN(wait4, (uint64_t)pid, 0, 0, 0) == pid);
}

static int64_t clone_with(uint64_t flags, uint64_t where)
{
	const uint64_t words = short_bytes(&(uint64_t){ 0 }, 8);

	short_task->regs->pc = where;
	const int64_t tid = CALL(clone, flags, 0, words, 0, words + 4);
	short_task->regs->pc = 0;
	return tid;
}

static int64_t fork_of_all(void)
{
	const int64_t pid =
		clone_with(SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, CHILD_ENDS);

	child_is_gone(pid);
	return pid;
}

static int64_t vfork_of_all(void)
{
	const int64_t pid = clone_with(SIGCHLD | CLONE_VM | CLONE_VFORK, CHILD_ENDS);

	child_is_gone(pid);
	return pid;
}

static int64_t shares_files(void)
{
	const int64_t pid = clone_with(SIGCHLD | CLONE_FILES, CHILD_ENDS);

	child_is_gone(pid);
	return pid;
}

static void thread_ends(void)
{
	while (short_task->group->task_count > 1) (void)PLAIN(sched_yield, 0);
}

static int64_t thread(void)
{
	const int64_t tid = clone_with(THREADS | CLONE_SETTLS, CHILD_ENDS);

	thread_ends();
	return tid;
}

static int64_t fork_by_clone3(void)
{
	const struct abi_clone_args args = { .exit_signal = SIGCHLD };
	const uint64_t at = short_bytes(&args, sizeof args);

	short_task->regs->pc = CHILD_ENDS;
	const int64_t pid = CALL(clone3, at, sizeof args);
	short_task->regs->pc = 0;
	child_is_gone(pid);
	return pid;
}

static uint64_t strings(unsigned count)
{
	uint64_t list[9] = { 0 };

	EXPECT(count < 9);
	for (unsigned n = 0; n < count; n++)
		list[n] =
			short_text("a string that is handed to a program, as argument or variable");
	return short_bytes(list, sizeof list);
}

static int64_t exec_script_by(bool at)
{
	const uint64_t arguments = strings(3), environment = strings(4);

	if (at) return CALL(execveat, 1, short_text("../script"), arguments, environment, 0);
	return CALL(execve, short_text("/script"), arguments, environment);
}

static int64_t execs(void)
{
	return exec_script_by(false);
}

static int64_t execs_dynamic(void)
{
	return CALL(execve, short_text("/dynamic"), strings(1), strings(1));
}

static int64_t execs_at(void)
{
	return exec_script_by(true);
}

/* Every kind of region, and pages of each. */
static void with_regions(void)
{
	with_afar();
	EXPECT(short_access(NEW_AT, true) == 0 && short_access(NEW_AT + 3 * PAGE, false) == 0);
	EXPECT(PLAIN(mprotect, NEW_AT + PAGE, PAGE, PROT_READ) == 0);
	EXPECT(PLAIN(mmap, NEW_AT + 8 * PAGE, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
		     UINT64_MAX, 0) > 0);
	EXPECT(short_access(NEW_AT + 8 * PAGE, true) == 0);
	EXPECT(PLAIN(mmap, NEW_AT + (1ull << 32), 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, 0, 0) > 0);
	EXPECT(short_access(NEW_AT + (1ull << 32), true) == 0);
	EXPECT(PLAIN(brk, 0x800000 + 3 * PAGE) == 0x800000 + 3 * PAGE);
}

static int64_t exits(void)
{
	return CALL(exit, 0);
}

static int64_t exits_all(void)
{
	return CALL(exit_group, 0);
}

static int64_t a_thread_waits; /* its number */

static void with_waiter(void)
{
	short_task->regs->pc = CHILD_WAITS;
	a_thread_waits = PLAIN(clone, THREADS, 0, 0, 0, 0);
	short_task->regs->pc = 0;
	EXPECT(a_thread_waits > 0);
	for (unsigned n = 0; n < 20; n++) (void)PLAIN(sched_yield, 0);
}

static int64_t requeues(void)
{
	return CALL(futex, SHORT_AT, FUTEX_CMP_REQUEUE, 0, 1, SHORT_AT + 64, 0);
}

static int64_t wakes(void)
{
	const int64_t woken = CALL(futex, SHORT_AT, FUTEX_WAKE, 1, 0, 0, 0);

	thread_ends();
	return woken;
}

static int64_t futex_waits(void)
{
	return CALL(futex, SHORT_AT + 64, FUTEX_WAIT, 0, soon(), 0, 0);
}

static int64_t futex_waits_shared(void)
{
	return CALL(futex, NEW_AT + PAGE + 4, FUTEX_WAIT, 0, soon(), 0, 0);
}

/* --- signals ---------------------------------------------------------------------------------- */

static void with_blocked(void)
{
	const uint64_t all = UINT64_MAX;

	EXPECT(PLAIN(rt_sigprocmask, 0, short_bytes(&all, 8), 0, 8) == 0);
}

static int64_t kills(void)
{
	return CALL(kill, (uint64_t)short_task->tid, BLOCKED);
}

static int64_t kills_task(void)
{
	return CALL(tgkill, (uint64_t)short_task->tid, (uint64_t)short_task->tid, QUEUED);
}

static int64_t kills_thread(void)
{
	return CALL(tkill, (uint64_t)short_task->tid, QUEUED);
}

static uint64_t news(void)
{
	const struct abi_siginfo info = { .signo = QUEUED, .code = SI_QUEUE };

	return short_bytes(&info, sizeof info);
}

static int64_t queues(void)
{
	return CALL(rt_sigqueueinfo, (uint64_t)short_task->tid, QUEUED, news());
}

static int64_t queues_task(void)
{
	const uint64_t me = (uint64_t)short_task->tid;

	return CALL(rt_tgsigqueueinfo, me, me, QUEUED, news());
}

static void handles(int signal)
{
	const struct abi_sigaction action = { .handler = 0x600000 };

	EXPECT(PLAIN(rt_sigaction, (uint64_t)signal, short_bytes(&action, sizeof action), 0, 8) ==
	       0);
}

static void with_handler(void)
{
	handles(BLOCKED);
	EXPECT(PLAIN(mmap, NEW_AT, 4 * PAGE, RW, PRIVATE, UINT64_MAX, 0) == (int64_t)NEW_AT);
	short_task->regs->sp = NEW_AT + 4 * PAGE;
}

/* The frame of its handler goes where no page is yet. */
static int64_t is_signalled(void)
{
	return CALL(kill, (uint64_t)short_task->tid, BLOCKED);
}

static int64_t returns_from_handler(void)
{
	EXPECT(PLAIN(kill, (uint64_t)short_task->tid, BLOCKED) == 0);
	(void)CALL(rt_sigreturn, 0);
	return 0;
}

static void with_pending(void)
{
	const uint64_t me = (uint64_t)short_task->tid;

	with_blocked();
	handles(QUEUED);
	EXPECT(PLAIN(tkill, me, QUEUED) == 0);
}

static int64_t awaits(void)
{
	const uint64_t all = UINT64_MAX;

	return CALL(rt_sigtimedwait, short_bytes(&all, 8), 0, soon(), 8);
}

static int64_t suspends(void)
{
	const uint64_t none = 0;

	return CALL(rt_sigsuspend, short_bytes(&none, 8), 8);
}

static int64_t sets_groups(void)
{
	const uint32_t gids[40] = { 5, 7, 6 };

	return CALL(setgroups, COUNT_OF(gids), short_bytes(gids, sizeof gids));
}

static int64_t sets_session(void)
{
	return CALL(setsid, 0);
}

static int64_t sets_group(void)
{
	return CALL(setpgid, 0, 0);
}

const struct short_case short_tasks[] = {
	CASE(fork_of_all, NULL, ANY, 0),
	{ "fork_of_regions", with_regions, fork_of_all, ANY, 0, 0 },
	{ "vfork_of_regions", with_regions, vfork_of_all, ANY, 0, 0 },
	CASE(vfork_of_all, NULL, ANY, 0),
	CASE(shares_files, NULL, ANY, 0),
	CASE(thread, NULL, ANY, 0),
	CASE(fork_by_clone3, NULL, ANY, 0),
	CASE(execs, NULL, 0, DIES_BY(SIGSEGV)),
	CASE(execs_at, NULL, 0, DIES_BY(SIGSEGV)),
	CASE(execs_dynamic, NULL, 0, DIES_BY(SIGSEGV)),
	{ "execs_beside_others", with_waiter, execs, 0, DIES_BY(SIGSEGV), 0 },
	{ "exec_of_regions", with_regions, execs, 0, DIES_BY(SIGSEGV), 0 },
	CASE(exits, NULL, ANY, ENDS),
	CASE(exits_all, NULL, ANY, ENDS),
	CASE(requeues, with_waiter, 1, 0),
	CASE(wakes, with_waiter, 1, 0),
	CASE(futex_waits, NULL, -ERR_TIMEDOUT, 0),
	CASE_OR(futex_waits_shared, with_shared, -ERR_TIMEDOUT, 0, -ERR_FAULT),
	CASE(kills, with_blocked, 0, MAY_VARY),
	CASE(kills_task, with_blocked, 0, 0),
	CASE(kills_thread, with_blocked, 0, 0),
	CASE(queues, with_blocked, 0, 0),
	CASE(queues_task, with_blocked, 0, 0),
	CASE(is_signalled, with_handler, 0, DIES_BY(SIGSEGV) | MAY_VARY),
	CASE(returns_from_handler, with_handler, 0, DIES_BY(SIGSEGV)),
	CASE(awaits, with_pending, QUEUED, 0),
	CASE(suspends, with_pending, RESTART_NOHAND, 0),
	CASE(sets_groups, NULL, 0, 0),
	CASE(sets_session, NULL, ANY, 0),
	CASE(sets_group, NULL, 0, 0),
	{ .name = NULL },
};
