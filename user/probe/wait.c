/*
 * wait.c -- how children end, and what parents are told: wait4, waitid, orphans, process groups.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/probe/probe.h"

static void say_status(const char *what, int status)
{
	if (WIFEXITED(status))
		say("%s: exit %d (%x)", what, WEXITSTATUS(status), status);
	else if (WIFSIGNALED(status))
		say("%s: signal %d%s (%x)", what, WTERMSIG(status),
		    WCOREDUMP(status) ? ", core" : "", status);
	else if (WIFSTOPPED(status))
		say("%s: stopped by %d (%x)", what, WSTOPSIG(status), status);
	else
		say("%s: %x", what, status);
}

/* --- ways to end ------------------------------------------------------------------------------ */

static void end_exit(void)
{
	_exit(42);
}

static void end_exit_large(void)
{
	_exit(0x1234567);
}

static void end_exit_thread(void)
{
	syscall(SYS_exit, 5);
}

static void end_kill(void)
{
	kill(getpid(), SIGKILL);
}

static void end_term(void)
{
	raise(SIGTERM);
}

static void end_abort(void)
{
	abort();
}

static void end_read_null(void)
{
	*(volatile char *)NULL;
}

static void end_write_text(void)
{
	*(volatile char *)(unsigned long)end_exit = 0;
}

static void end_run_data(void)
{
	static unsigned data[4] = { 0xd65f03c0 };
	((void (*)(void))(unsigned long)data)();
}

static void end_undefined(void)
{
	__asm__ volatile(".inst 0x00000000");
}

static void end_break(void)
{
	__asm__ volatile("brk #7");
}

static void end_privileged(void)
{
	__asm__ volatile("msr daifset, #15\n\tmrs x0, sctlr_el1" ::: "x0");
}

static void end_jump_odd(void)
{
	((void (*)(void))((unsigned long)end_exit | 2))();
}

static void end_beyond_file(void)
{
	((void (*)(void))0x7000000000)();
}

static void end_kernel_address(void)
{
	*(volatile char *)0xffff000040000000;
}

static void end_stack(void)
{
	__asm__ volatile(
		"mov x9, sp\n\tmov x10, #0\n\tmov sp, x10\n\tstr x0, [sp, #-16]!\n\tmov sp, x9" ::
			: "x9", "x10");
}

static void end_stack_odd(void)
{
	__asm__ volatile(
		"add x9, sp, #8\n\tmov x10, sp\n\tmov sp, x9\n\tldr x0, [sp]\n\tmov sp, x10" ::
			: "x0", "x9", "x10");
}

static const struct {
	const char *name;
	void (*end)(void);
} ends[] = {
	{ "exit_group(42)", end_exit },
	{ "exit_group(0x1234567)", end_exit_large },
	{ "exit of the only thread", end_exit_thread },
	{ "kill of itself", end_kill },
	{ "raise SIGTERM", end_term },
	{ "abort", end_abort },
	{ "read of address 0", end_read_null },
	{ "write to text", end_write_text },
	{ "execute data", end_run_data },
	{ "undefined instruction", end_undefined },
	{ "brk", end_break },
	{ "privileged instruction", end_privileged },
	{ "jump to an odd address", end_jump_odd },
	{ "jump where nothing is", end_beyond_file },
	{ "read of the kernel's", end_kernel_address },
	{ "push with sp 0", end_stack },
	{ "load with sp not aligned", end_stack_odd },
};

static void endings(void)
{
	int status = 0;

	for (unsigned i = 0; i < PROBE_COUNT(ends); i++) {
		const pid_t child = fork();
		if (child == 0) {
			ends[i].end();
			_exit(99);
		}
		if (waitpid(child, &status, 0) != child) say("lost %s", ends[i].name);
		say_status(ends[i].name, status);
	}
}

/* --- who waits for what ----------------------------------------------------------------------- */

static void nobody(void)
{
	int status;

	ANSWER(wait4(-1, &status, 0, NULL));
	ANSWER(wait4(-1, &status, WNOHANG, NULL));
	ANSWER(wait4(1, &status, 0, NULL));
	ANSWER(wait4(getpid(), &status, 0, NULL));
	ANSWER(wait4(0, &status, 0, NULL));
	ANSWER(wait4(-99, &status, 0, NULL));
	ANSWER(wait4(-1, &status, 0x40, NULL));
	ANSWER(waitid(P_ALL, 0, NULL, 0));
	ANSWER(waitid(P_ALL, 0, NULL, WEXITED));
	ANSWER(waitid(9, 0, NULL, WEXITED));
	ANSWER(waitid(P_PID, 0, NULL, WEXITED));
}

static void one_child(void)
{
	int status = 0, gate[2];
	siginfo_t info;
	struct rusage use;
	char byte;

	if (pipe(gate) != 0) return;
	const pid_t child = fork();
	if (child == 0) {
		close(gate[1]);
		read(gate[0], &byte, 1);
		_exit(3);
	}
	close(gate[0]);
	answer("wait4 of a child that lives, WNOHANG", wait4(child, &status, WNOHANG, NULL));
	memset(&info, 1, sizeof(info));
	answer("waitid of it, WNOHANG", waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG));
	say("si_pid %d, si_signo %d", info.si_pid, info.si_signo);
	close(gate[1]);
	answer("waitid, WNOWAIT", waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
	say("si_signo %d, si_code %d, si_status %d, its pid: %d", info.si_signo, info.si_code,
	    info.si_status, info.si_pid == child);
	answer("kill 0 of a zombie", kill(child, 0));
	answer("kill 9 of a zombie", kill(child, SIGKILL));
	answer("tgkill 0 of a zombie", syscall(SYS_tgkill, child, child, 0));
	answer("tgkill 9 of a zombie", syscall(SYS_tgkill, child, child, SIGKILL));
	answer("wait4 with a bad pointer", wait4(child, BAD, 0, NULL));
	answer("wait4 after that", wait4(child, &status, 0, NULL));
	memset(&use, 1, sizeof(use));
	if (fork() == 0) _exit(0);
	ANSWER_TRUE(wait4(-1, &status, 0, &use) > 0 && use.ru_stime.tv_usec < 1000000 &&
		    use.ru_nsignals == 0);
	answer("kill of what is gone", kill(child, 0));
}

static void killed_child(void)
{
	siginfo_t info;
	const pid_t child = fork();

	if (child == 0) {
		for (;;) pause();
	}
	answer("kill", kill(child, SIGUSR1));
	answer("waitid", waitid(P_ALL, 0, &info, WEXITED));
	say("si_code %d, si_status %d", info.si_code, info.si_status);
}

static void stopped_child(void)
{
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		raise(SIGSTOP);
		_exit(6);
	}
	answer("WUNTRACED: the child", wait4(child, &status, WUNTRACED, NULL) == child);
	say_status("child", status);
	answer("kill SIGCONT", kill(child, SIGCONT));
	answer("WCONTINUED or its end: the child", wait4(child, &status, 0, NULL) == child);
	say_status("child", status);
}

static void many_children(void)
{
	int sum = 0, status;

	for (int i = 0; i < 20; i++)
		if (fork() == 0) _exit(i);
	while (wait(&status) > 0) sum += WEXITSTATUS(status);
	say("20 children, sum of exits %d", sum);
}

static int takes_in(void)
{
	int takes = 7;
	prctl(PR_GET_CHILD_SUBREAPER, &takes, 0, 0, 0);
	return takes;
}

/* A grandchild whose parent is gone has a new one: process 1, or who asked to be it. */
static void orphan(void)
{
	int status = 0;

	ANSWER(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	ANSWER(prctl(PR_GET_CHILD_SUBREAPER, BAD, 0, 0, 0));
	say("takes orphans in: %d", takes_in());
	const pid_t child = fork();
	if (child == 0) {
		const pid_t parent = getpid();
		if (fork() == 0) {
			while (getppid() == parent) sched_yield();
			_exit(takes_in() ? 99 : 11); /* that is not inherited */
		}
		_exit(12);
	}
	answer("the child", waitpid(child, &status, 0) == child);
	say_status("child", status);
	answer("the grandchild", waitpid(-1, &status, 0) > 0);
	say_status("grandchild", status);
	ANSWER(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
}

static void child_leaves_one(void)
{
	const pid_t parent = getpid();
	if (fork() == 0) {
		while (getppid() == parent) sched_yield();
		_exit(13);
	}
	_exit(14);
}

/* A chain of three, of whom two would have the orphan: the nearer gets it. */
static void orphan_nearer(void)
{
	int status = 0;

	ANSWER(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	const pid_t near = fork();
	if (near == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 2, 0, 0, 0);
		say("any number is one: %d", takes_in());
		const pid_t middle = fork();
		if (middle == 0) child_leaves_one();
		answer("the middle one", waitpid(middle, &status, 0) == middle);
		say_status("middle", status);
		answer("the orphan comes near", wait(&status) > 0);
		say_status("orphan", status);
		_exit(15);
	}
	answer("the near one", waitpid(near, &status, 0) == near);
	say_status("near", status);
	answer("nobody besides", wait(&status));
	ANSWER(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
}

/* Who ignores SIGCHLD has no zombies. */
static void ignored(void)
{
	signal(SIGCHLD, SIG_IGN);
	if (fork() == 0) _exit(1);
	ANSWER(wait(NULL));
	signal(SIGCHLD, SIG_DFL);
}

static void groups(void)
{
	int status;
	const pid_t child = fork();

	if (child == 0) {
		for (;;) pause();
	}
	answer("setpgid of the child", setpgid(child, child));
	answer("its group is it", getpgid(child) == child);
	answer("wait in its group, WNOHANG", waitpid(-child, &status, WNOHANG));
	answer("wait in ours, WNOHANG", waitpid(0, &status, WNOHANG));
	answer("setpgid into what is not there", setpgid(child, 99999));
	answer("kill of its group", kill(-child, SIGTERM));
	answer("wait in its group", waitpid(-child, &status, 0) == child);
	say_status("child", status);
	answer("kill of the group again", kill(-child, SIGTERM));
	const pid_t leader = fork();
	if (leader == 0) {
		say("setsid: its own pid %d", setsid() == getpid());
		ANSWER(setsid());
		say("getsid, getpgrp: %d %d", getsid(0) == getpid(), getpgrp() == getpid());
		_exit(0);
	}
	waitpid(leader, &status, 0);
}

int main(void)
{
	/* A core dump is none of a kernel's first duties. */
	const struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
	nobody();
	endings();
	one_child();
	killed_child();
	stopped_child();
	many_children();
	orphan();
	orphan_nearer();
	ignored();
	groups();
	return 0;
}
