/*
 * state_test.c -- the calls that ask for and set what a task is: how it is scheduled, its limits,
 * names and users.
 */
#include "kernel/syscall/schedule.h"
#include "kernel/syscall/test_calls.h"

static void affinity(void)
{
	struct task *t = &tasks[0];

	EXPECT(CALL(sched_getaffinity, 0, 8, page) == 8 && long_at(page) == 1);
	EXPECT(CALL(sched_getaffinity, 0, 128, page) == 8);
	EXPECT(CALL(sched_getaffinity, 0, 12, page) == -ERR_INVAL);
	EXPECT(CALL(sched_getaffinity, 0, 0, page) == -ERR_INVAL);
	EXPECT(CALL(sched_getaffinity, 5, 8, page) == -ERR_SRCH);
	EXPECT(CALL(sched_getaffinity, TEST_PID, 8, 8) == -ERR_FAULT);
	put_two(page, 6, 1);
	EXPECT(CALL(sched_setaffinity, 0, 8, page) == -ERR_INVAL && t->schedule.cpus == 0);
	put_two(page, 0x1ff, 0);
	EXPECT(CALL(sched_setaffinity, 0, 128, page) == 0 && t->schedule.cpus == 1);
	EXPECT(CALL(sched_setaffinity, 0, 0, page) == -ERR_INVAL);
	EXPECT(CALL(sched_setaffinity, MINUS(5), 8, page) == -ERR_SRCH);
	EXPECT(CALL(sched_setaffinity, 0, 8, 8) == -ERR_FAULT);
	EXPECT(CALL(getcpu, page, page + 4, 0) == 0 && long_at(page) == 0);
	EXPECT(CALL(getcpu, 0, 0, 0) == 0 && CALL(getcpu, 8, 0, 0) == -ERR_FAULT);
}

static int64_t set_policy(uint64_t policy, int32_t priority)
{
	put_bytes(page, &priority, sizeof priority);
	return CALL(sched_setscheduler, 0, policy, page);
}

static void policies(void)
{
	const struct thread *thread = sched_current(&tw->sched);

	EXPECT(CALL(sched_getscheduler, 0) == SCHED_NORMAL);
	EXPECT(set_policy(SCHED_FIFO, 0) == -ERR_INVAL &&
	       set_policy(SCHED_FIFO, 100) == -ERR_INVAL);
	EXPECT(set_policy(SCHED_NORMAL, 1) == -ERR_INVAL && set_policy(4, 1) == -ERR_INVAL);
	EXPECT(set_policy(SCHED_DEADLINE, 0) == -ERR_INVAL);
	EXPECT(set_policy(MINUS(1), 0) == -ERR_INVAL);
	EXPECT(thread->priority == PRIORITY_NORMAL);
	EXPECT(set_policy(SCHED_FIFO | SCHED_RESET_ON_FORK, 1) == 0);
	EXPECT(thread->priority < PRIORITY_NORMAL && tasks[0].schedule.reset);
	EXPECT(CALL(sched_getscheduler, TEST_PID) == (SCHED_FIFO | SCHED_RESET_ON_FORK));
	EXPECT(CALL(sched_setparam, 0, 8) == -ERR_FAULT);
	put_two(page, 99, 0);
	EXPECT(CALL(sched_setparam, 0, page) == 0 && CALL(sched_getscheduler, 0) != SCHED_RR);
	EXPECT(CALL(sched_getparam, 0, page + 4) == 0 && long_at(page) == (99ull << 32 | 99));
	EXPECT(CALL(sched_rr_get_interval, 0, page) == 0 && long_at(page + 8) == 0);
	EXPECT(set_policy(SCHED_RR, 50) == 0);
	EXPECT(CALL(sched_rr_get_interval, 0, page) == 0 && long_at(page + 8) == 100 * MS);
	EXPECT(set_policy(SCHED_IDLE, 0) == 0 && thread->priority == PRIORITY_NORMAL);
	EXPECT(CALL(sched_getscheduler, 0) == SCHED_IDLE);
	EXPECT(CALL(sched_getscheduler, 5) == -ERR_SRCH);
	EXPECT(CALL(sched_getscheduler, MINUS(1)) == -ERR_INVAL);
	EXPECT(CALL(sched_getparam, 0, 0) == -ERR_INVAL &&
	       CALL(sched_getparam, 0, 8) == -ERR_FAULT);
	EXPECT(CALL(sched_get_priority_max, SCHED_FIFO) == 99);
	EXPECT(CALL(sched_get_priority_min, SCHED_RR) == 1);
	EXPECT(CALL(sched_get_priority_max, SCHED_NORMAL) == 0);
	EXPECT(CALL(sched_get_priority_min, 4) == -ERR_INVAL);
	for (uint8_t p = 1; p <= 99; p++) {
		const struct task_schedule s = { .policy = SCHED_FIFO, .priority = p };
		const struct task_schedule less = { .policy = SCHED_RR, .priority = p - 1u };
		EXPECT(schedule_priority(&s) < PRIORITY_NORMAL);
		EXPECT(schedule_priority(&s) <= schedule_priority(&less));
	}
}

static void nice(void)
{
	task_open(1);
	EXPECT(CALL(getpriority, PRIO_PROCESS, 0) == 20);
	EXPECT(CALL(setpriority, PRIO_PROCESS, TEST_PID + 1, MINUS(100)) == 0);
	EXPECT(CALL(getpriority, PRIO_PROCESS, TEST_PID + 1) == 40);
	EXPECT(CALL(getpriority, PRIO_PROCESS, 0) == 20 && CALL(getpriority, PRIO_PGRP, 0) == 40);
	EXPECT(CALL(setpriority, PRIO_USER, 0, 100) == 0);
	EXPECT(CALL(getpriority, PRIO_PGRP, TEST_PID) == 1);
	EXPECT(CALL(getpriority, 3, 0) == -ERR_INVAL && CALL(setpriority, 3, 0, 0) == -ERR_INVAL);
	EXPECT(CALL(getpriority, PRIO_PROCESS, 8) == -ERR_SRCH);
	EXPECT(CALL(getpriority, PRIO_USER, 1000) == -ERR_SRCH);
	EXPECT(CALL(setpriority, PRIO_PGRP, 1, 0) == -ERR_SRCH);
}

static void limits(void)
{
	EXPECT(CALL(getrlimit, RLIMIT_STACK, page) == 0 && long_at(page) == 8 << 20);
	EXPECT(long_at(page + 8) == UINT64_MAX);
	put_two(page, 100, 50);
	EXPECT(CALL(setrlimit, RLIMIT_NOFILE, page) == -ERR_INVAL);
	put_two(page, 100, (1 << 20) + 1);
	EXPECT(CALL(setrlimit, RLIMIT_NOFILE, page) == -ERR_PERM);
	put_two(page, 100, 200);
	EXPECT(CALL(prlimit64, TEST_PID, RLIMIT_NOFILE, page, page + 16) == 0);
	EXPECT(long_at(page + 16) == 1024 && group.limits[RLIMIT_NOFILE].soft == 100);
	EXPECT(CALL(prlimit64, 0, RLIMIT_NOFILE, 0, page + 16) == 0 && long_at(page + 24) == 200);
	EXPECT(CALL(prlimit64, 0, 16, page, 0) == -ERR_INVAL);
	EXPECT(CALL(prlimit64, 5, 16, page, 0) == -ERR_SRCH);
	EXPECT(CALL(prlimit64, 5, 0, 8, 0) == -ERR_FAULT);
	EXPECT(CALL(prlimit64, 0, 0, 0, 8) == -ERR_FAULT && CALL(getrlimit, 0, 8) == -ERR_FAULT);
	EXPECT(CALL(getrusage, 0, page) == 0 && long_at(page + 32) != 0);
	EXPECT(CALL(getrusage, MINUS(1), page) == 0 && CALL(getrusage, 1, page) == 0);
	EXPECT(CALL(getrusage, 2, page) == -ERR_INVAL && CALL(getrusage, 0, 8) == -ERR_FAULT);
	EXPECT(CALL(sysinfo, page) == 0);
	struct abi_sysinfo info;
	get_bytes(&info, page, sizeof info);
	EXPECT(info.totalram == TEST_PAGES * PAGE_SIZE && info.mem_unit == 1 && info.procs == 1);
	EXPECT(info.freeram < info.totalram && info.freeram > info.totalram / 2);
}

static void names(void)
{
	struct abi_utsname uts;
	char name[17] = { 0 };

	host_names_begin(&calls_world);
	EXPECT(CALL(uname, page) == 0);
	get_bytes(&uts, page, sizeof uts);
	EXPECT(strcmp(uts.sysname, "Linux") == 0 && strcmp(uts.machine, "aarch64") == 0);
	EXPECT(strcmp(uts.nodename, "anvil") == 0 && uts.release[0] == '6');
	put_bytes(page, "smith", 5);
	EXPECT(CALL(sethostname, page, 3) == 0 && CALL(uname, page + 512) == 0);
	get_bytes(&uts, page + 512, sizeof uts);
	EXPECT(strcmp(uts.nodename, "smi") == 0 && strcmp(uts.domainname, "(none)") == 0);
	EXPECT(CALL(sethostname, page, 65) == -ERR_INVAL);
	EXPECT(CALL(sethostname, page, MINUS(1)) == -ERR_INVAL);
	EXPECT(CALL(sethostname, 8, 1) == -ERR_FAULT && CALL(uname, 8) == -ERR_FAULT);
	put_bytes(page, "a-name-that-is-too-long", 24);
	EXPECT(CALL(prctl, PR_SET_NAME, page) == 0 && CALL(prctl, PR_GET_NAME, page + 64) == 0);
	get_bytes(name, page + 64, 16);
	EXPECT(strcmp(name, "a-name-that-is-") == 0);
	EXPECT(CALL(prctl, PR_SET_NAME, 8) == -ERR_FAULT);
	EXPECT(CALL(prctl, PR_SET_PDEATHSIG, 65) == -ERR_INVAL);
	EXPECT(CALL(prctl, PR_SET_PDEATHSIG, 9) == 0 && CALL(prctl, PR_GET_PDEATHSIG, page) == 0);
	EXPECT((uint32_t)long_at(page) == 9 && CALL(prctl, 12345) == -ERR_INVAL);
	EXPECT(CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	EXPECT(CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0) == -ERR_INVAL);
}

static void users(void)
{
	EXPECT(CALL(getuid, 0) == 0 && CALL(getegid, 0) == 0 && CALL(setuid, 0) == 0);
	EXPECT(CALL(setuid, MINUS(1)) == -ERR_INVAL && CALL(setfsuid, 7) == 0);
	put_two(page, -1, -1);
	EXPECT(CALL(getresgid, page, page + 4, page + 8) == 0 && long_at(page) == 0);
	EXPECT(CALL(getresgid, page, page, 8) == -ERR_FAULT);
	EXPECT(CALL(getgroups, 0, 0) == 0 && CALL(getgroups, MINUS(1), 0) == -ERR_INVAL);
	EXPECT(CALL(setgroups, 0, 0) == 0 && CALL(setgroups, 1, page) == -ERR_INVAL);
	EXPECT(CALL(personality, 0xffffffff) == 0 && CALL(personality, 8) == -ERR_INVAL);
	EXPECT(CALL(syslog, 10) == 0 && CALL(syslog, 11) == -ERR_INVAL);
	EXPECT(CALL(reboot, 1, 2, 3) == -ERR_INVAL);
	EXPECT(CALL(reboot, REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_CAD_OFF) == 0);
	EXPECT(CALL(reboot, REBOOT_MAGIC1, REBOOT_MAGIC2C, 77) == -ERR_INVAL);
	EXPECT(CALL(setresgid, MINUS(1), 8, 9) == 0 && CALL(getgid, 0) == 0);
	EXPECT(CALL(setregid, 7, MINUS(1)) == 0 && CALL(getegid, 0) == 8 && group.gid[2] == 8);
	EXPECT(CALL(setresuid, 5, 6, 7) == 0 && CALL(getuid, 0) == 5 && CALL(geteuid, 0) == 6);
	EXPECT(CALL(setuid, 0) == -ERR_PERM && CALL(setgid, 0) == -ERR_PERM);
	EXPECT(CALL(setuid, 7) == 0 && CALL(geteuid, 0) == 7 && CALL(getuid, 0) == 5);
	EXPECT(CALL(setreuid, 6, 7) == -ERR_PERM && CALL(setreuid, 7, 5) == 0 && group.uid[2] == 5);
	EXPECT(CALL(setresuid, 5, 7, MINUS(1)) == 0 && CALL(setresuid, 5, 7, 6) == -ERR_PERM);
	EXPECT(CALL(setgroups, 0, 0) == -ERR_PERM && CALL(setgid, 7) == 0);
	said[0] = 0;
	EXPECT(CALL(rseq, 0) == -ERR_NOSYS && said[0] == 0);
	EXPECT(CALL(bpf, 0) == -ERR_NOSYS && said[0] != 0);
}

int main(void)
{
	static void (*const tests[])(void) = { affinity, policies, nice, limits, names, users };
	return calls_main(tests, COUNT_OF(tests));
}
