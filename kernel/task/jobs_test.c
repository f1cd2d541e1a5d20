/*
 * jobs_test.c -- process groups that lose who watches them, sessions that lose their leader, and
 * threads that begin while their group is stopped.
 *
 * A shell is a child of the first program that leads a session; a job of it is a process group of
 * its own.
 */
#include "kernel/task/test_task.h"

static uint32_t marks;
static int32_t shell, stopper, member, session_over;

static void others_run(void)
{
	for (unsigned i = 0; i < 2 * TEST_THREADS; i++) sched_yield_cpu(&tw->sched);
}

static bool is_stopped(int32_t pid)
{
	const mach_irq_t was = lock_take(&TW->lock);
	const struct task_group *g = task_group_find_locked(TW, pid);
	const bool stopped = g != NULL && g->stop_signal != 0;

	lock_drop(&TW->lock, was);
	return stopped;
}

static void sleeps(struct task *t)
{
	(void)sched_sleep_heeding(&tw->sched, WAIT_FOREVER);
	goes_back(t);
	task_exit_group(t, 77);
}

/* Lives on after SIGHUP, says so by its exit. */
static void stops_itself(struct task *t)
{
	const struct abi_sigaction ignore = { .handler = SIG_IGNORE };

	EXPECT(signal_action(t, SIGHUP, &ignore, NULL) == 0);
	EXPECT(signal_kill(t, t->group->pid, SIGSTOP) == 0);
	goes_back(t); /* until SIGCONT */
	marks++;
	task_exit_group(t, 5);
}

/* --- a shell that ends ------------------------------------------------------------------------ */

static int32_t job(struct task *t, program *p, int32_t pgid)
{
	const int32_t pid = forks(t, p);

	EXPECT(task_setpgid(t, pid, pgid) == 0);
	return pid;
}

static void shell_with_stopped_job(struct task *t)
{
	EXPECT(task_setsid(t) == t->group->pid);
	stopper = job(t, stops_itself, 0);
	member = job(t, sleeps, stopper);
	others_run();
	EXPECT(is_stopped(stopper) && !is_stopped(member));
	task_exit_group(t, 1);
}

/* All of the job get SIGHUP, and who is stopped goes on. */
static void shell_ends(struct task *t)
{
	const int32_t pid = forks(t, shell_with_stopped_job);

	EXPECT(waits_for(t, pid, 1 << 8) == pid && session_over == pid);
	EXPECT(waits_for(t, stopper, 5 << 8) == stopper && marks == 1);
	waits_for(t, member, SIGHUP);
	no_children(t);
}

static void shell_with_running_job(struct task *t)
{
	EXPECT(task_setsid(t) == t->group->pid);
	member = job(t, sleeps, 0);
	others_run();
	task_exit_group(t, 1);
}

/* Nobody is stopped: nobody gets anything. */
static void job_runs_on(struct task *t)
{
	waits_for(t, forks(t, shell_with_running_job), 1 << 8);
	others_run();
	struct task_waited got;
	EXPECT(waits_with(t, P_ALL, 0, W_EXITED | W_NOHANG, &got) == 0);
	EXPECT(signal_kill(t, member, SIGTERM) == 0);
	waits_for(t, member, SIGTERM);
}

/* --- a member that ends ----------------------------------------------------------------------- */

static void stops_in_session(struct task *t)
{
	stops_itself(t);
}

/* The job's first, whose parent is the shell; its child is in the job too. */
static void first_of_job(struct task *t)
{
	stopper = forks(t, stops_in_session);
	(void)sched_sleep_heeding(&tw->sched, WAIT_FOREVER);
	goes_back(t);
	EXPECT(false);
}

static void shell_loses_first(struct task *t)
{
	EXPECT(task_setsid(t) == t->group->pid);
	const int32_t first = job(t, first_of_job, 0);
	others_run();
	EXPECT(is_stopped(stopper) && task_getpgid(t, stopper) == first);
	const int32_t second = job(t, sleeps, first); /* it watches over the job as well */
	EXPECT(signal_kill(t, first, SIGTERM) == 0);
	waits_for(t, first, SIGTERM);
	others_run();
	EXPECT(is_stopped(stopper) && marks == 0);
	EXPECT(signal_kill(t, second, SIGKILL) == 0);
	waits_for(t, second, SIGKILL);
	others_run();
	EXPECT(!is_stopped(stopper) && marks == 1);
	task_exit_group(t, 2);
}

/* The last connection between a job and its shell is a member's end. */
static void first_of_job_ends(struct task *t)
{
	waits_for(t, forks(t, shell_loses_first), 2 << 8);
	waits_for(t, stopper, 5 << 8);
	no_children(t);
}

/* --- sessions --------------------------------------------------------------------------------- */

static void leads(struct task *t)
{
	EXPECT(task_setsid(t) == t->group->pid);
	shell = forks(t, sleeps); /* in the session, not its leader */
	EXPECT(signal_kill(t, shell, SIGKILL) == 0);
	waits_for(t, shell, SIGKILL);
	EXPECT(session_over == 0);
	task_exit_group(t, 0);
}

static void leader_ends(struct task *t)
{
	const int32_t pid = forks(t, leads);

	waits_for(t, pid, 0);
	EXPECT(session_over == pid);
	const int32_t other = forks(t, sleeps);
	EXPECT(signal_kill(t, other, SIGKILL) == 0);
	waits_for(t, other, SIGKILL);
	EXPECT(session_over == pid);
}

/* --- a thread that begins while its group is stopped ------------------------------------------ */

static uint32_t stop_now, points_before, late; /* how often it was stopped meanwhile */

static void stops_all(struct task *t)
{
	while (stop_now == 0) sched_yield_cpu(&tw->sched);
	EXPECT(signal_kill_task(t, t->group->pid, t->tid, SIGSTOP) == 0);
	goes_back(t);
	task_exit(t, 0);
}

static void is_born(struct task *t)
{
	goes_back(t);
	EXPECT(!is_stopped(t->group->pid));
	marks++;
	task_exit(t, 0);
}

/* The timer comes on its way into the clone, some points behind the first: then the other runs. */
static void is_stopped_cloning(struct task *t)
{
	threads(t, stops_all);
	for (uint32_t n = 0; n < points_before; n++) mach_relax();
	stop_now = 1;
	tw->vain = TEST_VAIN;
	int64_t tid = clones(t, is_born, THREAD);
	if (tid == RESTART_NOINTR) {
		goes_back(t);
		tid = clones(t, is_born, THREAD);
	} else if (marks == 0 && is_stopped(t->group->pid)) {
		late++;
	}
	EXPECT(tid > 0);
	goes_back(t);
	task_exit(t, 0);
}

static void stops_births(struct task *t)
{
	struct task_waited got;

	late = 0;
	for (points_before = 0; points_before < 2 * TEST_LOOK; points_before++) {
		stop_now = marks = 0;
		const int32_t pid = forks(t, is_stopped_cloning);
		EXPECT(waits_with(t, P_PID, pid, W_UNTRACED, &got) == 1);
		others_run();
		const uint32_t born = marks;
		others_run();
		EXPECT(marks == born);
		EXPECT(signal_kill(t, pid, SIGCONT) == 0);
		waits_for(t, pid, 0);
		EXPECT(marks == 1);
	}
	EXPECT(late > 2 * TEST_LOOK / 4);
}

/* ---------------------------------------------------------------------------------------------- */

static void note_over(void *arg, int32_t sid)
{
	(void)arg;
	session_over = sid;
}

static void run(program *p)
{
	static const struct test_choice forms[] = { { .reap = REAP_AFTER_SWITCH },
						    { .reap = REAP_BEFORE_NEXT } };

	for (unsigned i = 0; i < COUNT_OF(forms); i++) {
		marks = 0;
		session_over = 0;
		task_test_open(&forms[i], 32768);
		TW->config.machine.session_over = note_over;
		task_test_run(p, 0);
		task_test_close();
	}
}

int main(void)
{
	host_cpus_open(1);
	run(shell_ends);
	run(job_runs_on);
	run(first_of_job_ends);
	run(leader_ends);
	run(stops_births);
	host_cpus_close();
	return 0;
}
