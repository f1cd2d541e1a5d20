/*
 * users.c -- other users than root: who may be whom, who may send signals to whom, whose limits and
 * priorities one may change.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

/* In a child: what it becomes stays its own. */
static void apart(void (*run)(void))
{
	const pid_t pid = fork();

	if (pid == 0) {
		run();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void say_ids(void)
{
	uid_t r = 9, e = 9, s = 9;
	gid_t gr = 9, ge = 9, gs = 9;

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	say("  uid %d %d %d, files %d; gid %d %d %d, files %d", (int)r, (int)e, (int)s,
	    (int)syscall(SYS_setfsuid, -1), (int)gr, (int)ge, (int)gs,
	    (int)syscall(SYS_setfsgid, -1));
}

#define CHANGE(call)          \
	do {                  \
		ANSWER(call); \
		say_ids();    \
	} while (0)

static void by_root(void)
{
	CHANGE(setregid(7, -1));
	CHANGE(setregid(-1, 8));
	CHANGE(setresgid(-1, 9, 10));
	CHANGE(setgid(11));
	CHANGE(setfsgid(12));
	CHANGE(setfsuid(12));
	CHANGE(setfsuid(0));
	CHANGE(setreuid(-1, 5));
	CHANGE(setreuid(-1, 0));
	CHANGE(setresuid(1, 2, 3));
	CHANGE(setgid(0));
	CHANGE(setuid(0));
	CHANGE(setuid(3));
	CHANGE(setuid(2));
	CHANGE(setuid(1));
	CHANGE(setreuid(3, 1));
	CHANGE(setreuid(1, 3));
	CHANGE(setreuid(3, 3));
	CHANGE(setresuid(1, 3, 3));
	CHANGE(setfsuid(7));
	CHANGE(setfsuid(1));
	ANSWER(syscall(SYS_setuid, -1));
	ANSWER(syscall(SYS_getresuid, BAD, BAD, BAD));
}

static void for_good(void)
{
	CHANGE(setuid(1000));
	CHANGE(setuid(0));
	CHANGE(setreuid(0, 0));
	CHANGE(setresuid(1000, 1000, 1000));
	CHANGE(setgid(0));
	CHANGE(setgid(5));
}

static void groups(void)
{
	gid_t few[4] = { 30, 10, 20, 10 }, got[8] = { 0 };
	const gid_t wrong[1] = { (gid_t)-1 };

	ANSWER(setgroups(4, few));
	ANSWER(getgroups(0, NULL));
	ANSWER(getgroups(3, got));
	ANSWER(getgroups(8, got));
	say("  %d %d %d %d", (int)got[0], (int)got[1], (int)got[2], (int)got[3]);
	ANSWER(getgroups(8, BAD));
	ANSWER(syscall(SYS_getgroups, -1, NULL));
	ANSWER(syscall(SYS_setgroups, 65537, NULL));
	ANSWER(syscall(SYS_setgroups, 1, BAD));
	ANSWER(syscall(SYS_setgroups, 1, wrong));
	if (fork() == 0) {
		ANSWER(getgroups(0, NULL));
		_exit(0);
	}
	wait(NULL);
	const int fd = open("/tmp/of_a_group", O_RDWR | O_CREAT, 0600);
	fchown(fd, 0, 20);
	fchmod(fd, 0640);
	ANSWER(setuid(1000));
	ANSWER(getgroups(0, NULL));
	ANSWER(setgroups(0, NULL));
	ANSWER_DONE(open("/tmp/of_a_group", O_RDONLY));
	ANSWER_DONE(open("/tmp/of_a_group", O_RDWR));
	ANSWER(access("/tmp/of_a_group", R_OK));
	ANSWER(access("/tmp/of_a_group", W_OK));
	ANSWER_DONE(open("/tmp/own", O_RDWR | O_CREAT, 0600));
	ANSWER(chown("/tmp/own", -1, 30));
	ANSWER(chown("/tmp/own", -1, 31));
	ANSWER(unlink("/tmp/own"));
}

/* --- signals ---------------------------------------------------------------------------------- */

static pid_t target, root;

static void tries(void)
{
	ANSWER(kill(target, 0));
	ANSWER(kill(target, SIGCONT));
	ANSWER(kill(target, 65));
	ANSWER(kill(root, 0));
	ANSWER(kill(1, 0));
	ANSWER(kill(-1, 0));
	answer("tgkill", syscall(SYS_tgkill, target, target, 0));
	answer("tkill", syscall(SYS_tkill, target, 0));
	answer("kill of a group", kill(-target, 0));
	if (fork() == 0) {
		setsid();
		answer("SIGCONT from another session", kill(target, SIGCONT));
		_exit(0);
	}
	wait(NULL);
}

static void as_same(void)
{
	say("  the real one");
	setresuid(10, 1, 1);
	tries();
}

static void as_acting(void)
{
	say("  what it acts as");
	setresuid(11, 11, 11);
	tries();
}

static void as_saved(void)
{
	say("  the saved one");
	setresuid(1, 12, 1);
	tries();
}

static void as_other(void)
{
	say("  another");
	setresuid(1, 1, 10);
	tries();
}

static volatile sig_atomic_t from;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	from = (int)info->si_uid;
}

static void signals(void)
{
	int gate[2];
	char byte;
	const struct sigaction a = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	siginfo_t info;

	if (pipe(gate) != 0) return;
	root = getpid();
	target = fork();
	if (target == 0) {
		setpgid(0, 0);
		setresuid(10, 11, 12);
		write(gate[1], "", 1);
		for (;;) pause();
	}
	read(gate[0], &byte, 1);
	apart(as_same);
	apart(as_acting);
	apart(as_saved);
	apart(as_other);
	kill(target, SIGKILL);
	say("waitid says whose it was: %d",
	    waitid(P_PID, (id_t)target, &info, WEXITED) == 0 ? (int)info.si_uid : -1);
	sigaction(SIGUSR1, &a, NULL);
	if (fork() == 0) {
		setresuid(21, 0, 0);
		kill(root, SIGUSR1);
		_exit(0);
	}
	wait(NULL);
	say("a signal says whose: %d", (int)from);
}

/* --- priorities and limits -------------------------------------------------------------------- */

static void priorities(void)
{
	const struct rlimit some = { 18, 19 };
	struct sched_param p = { 0 };

	setrlimit(RLIMIT_NICE, &some);
	setuid(1000);
	ANSWER(setpriority(PRIO_PROCESS, 0, 4));
	ANSWER(setpriority(PRIO_PROCESS, 0, 1));
	ANSWER(setpriority(PRIO_PROCESS, 0, 2));
	ANSWER(getpriority(PRIO_USER, 0));
	ANSWER(getpriority(PRIO_USER, 1000));
	ANSWER(getpriority(PRIO_USER, 4711));
	ANSWER(setpriority(PRIO_USER, 4711, 3));
	ANSWER(setpriority(PRIO_USER, 0, 3));
	ANSWER(setpriority(PRIO_PROCESS, root, 19));
	ANSWER(setpriority(PRIO_USER, 1000, -5));
	ANSWER(nice(1));
	ANSWER(nice(-3));
	p.sched_priority = 1;
	ANSWER(sched_setscheduler(0, SCHED_FIFO, &p));
	p.sched_priority = 0;
	ANSWER(sched_setscheduler(0, SCHED_IDLE, &p));
	ANSWER(sched_setscheduler(0, SCHED_OTHER, &p));
	ANSWER(sched_setscheduler(root, SCHED_OTHER, &p));
	cpu_set_t all;
	CPU_ZERO(&all);
	CPU_SET(0, &all);
	ANSWER(sched_setaffinity(root, sizeof(all), &all));
	ANSWER(sched_setaffinity(0, sizeof(all), &all));
}

static void limits(void)
{
	struct rlimit r = { 50, 60 };

	setuid(1000);
	ANSWER(setrlimit(RLIMIT_NOFILE, &r));
	r.rlim_max = 61;
	ANSWER(setrlimit(RLIMIT_NOFILE, &r));
	r.rlim_cur = r.rlim_max = 60;
	ANSWER(setrlimit(RLIMIT_NOFILE, &r));
	ANSWER(prlimit(root, RLIMIT_NOFILE, NULL, &r));
	ANSWER(prlimit(getpid(), RLIMIT_NOFILE, NULL, &r));
}

static void prctls(void)
{
	int sig = 9;

	ANSWER(prctl(PR_GET_DUMPABLE));
	ANSWER(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	ANSWER(setuid(1000));
	ANSWER(prctl(PR_GET_DUMPABLE));
	ANSWER(prctl(PR_GET_PDEATHSIG, &sig));
	say("  it is %d", sig);
	ANSWER(prctl(PR_SET_DUMPABLE, 1));
	ANSWER(prctl(PR_GET_DUMPABLE));
	ANSWER(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	ANSWER(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ANSWER(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	ANSWER(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	ANSWER(prctl(PR_GET_TIMERSLACK));
	ANSWER(prctl(PR_SET_TIMERSLACK, 77));
	ANSWER(prctl(PR_GET_TIMERSLACK));
	if (fork() == 0) {
		ANSWER(prctl(PR_GET_TIMERSLACK));
		ANSWER(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
		ANSWER(prctl(PR_SET_TIMERSLACK, 0));
		ANSWER(prctl(PR_GET_TIMERSLACK));
		_exit(0);
	}
	wait(NULL);
}

/* After execve: what it acts as may it be again. */
static void runs_itself(void)
{
	char *const again[] = { "/probe/users", "again", NULL };

	setresgid(1, 2, 3);
	setresuid(4, 0, 6);
	execv(again[0], again);
	say("no %s", again[0]);
}

int main(int count, char **words)
{
	(void)words;
	if (count > 1) {
		say_ids();
		say("  told: %lu %lu %lu %lu", getauxval(AT_UID), getauxval(AT_EUID),
		    getauxval(AT_GID), getauxval(AT_EGID));
		return 0;
	}
	apart(by_root);
	apart(for_good);
	apart(groups);
	signals();
	apart(priorities);
	apart(limits);
	apart(prctls);
	apart(runs_itself);
	return 0;
}
