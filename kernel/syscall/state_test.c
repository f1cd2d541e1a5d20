/*
 * state_test.c -- the calls that ask for and set what a task is: how it is scheduled, its limits,
 * names and users.
 */
#include "kernel/syscall/schedule.h"
#include "kernel/syscall/test_calls.h"
#include "kernel/task/alarm.h"
#include "kernel/task/right.h"

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

static uint64_t slice_of(int32_t nice)
{
	const struct task_schedule s = { .nice = (int8_t)nice };
	return schedule_slice_ns(&s, 10 * MS);
}

/* Each step is a quarter of the CPU, as on Linux; so a process that is nice by 5 has a third. */
static void slices(void)
{
	const struct thread *thread = sched_current(&tw->sched);
	const uint64_t usual = tw->sched.config.slice_ns;

	for (int n = -8; n < 19; n++)
		EXPECT(slice_of(n) * 99 < slice_of(n + 1) * 125 &&
		       slice_of(n) * 100 > slice_of(n + 1) * 124);
	EXPECT(slice_of(0) == 10 * MS && slice_of(19) > 100000 && slice_of(19) < 150000);
	EXPECT(slice_of(-9) < 80 * MS && slice_of(-10) == 80 * MS && slice_of(-20) == 80 * MS);
	const struct task_schedule idle = { .policy = SCHED_IDLE, .nice = -5 };
	const struct task_schedule fifo = { .policy = SCHED_FIFO, .nice = 5, .priority = 7 };
	EXPECT(schedule_slice_ns(&idle, 10 * MS) == slice_of(19) &&
	       schedule_slice_ns(&fifo, 10 * MS) == 10 * MS && schedule_slice_ns(&idle, 1) == 1);
	EXPECT(CALL(setpriority, PRIO_PROCESS, 0, 3) == 0 && thread->slice_ns < usual);
	EXPECT(CALL(sched_rr_get_interval, 0, page) == 0 && long_at(page + 8) == thread->slice_ns);
	EXPECT(set_policy(SCHED_FIFO, 1) == 0 && thread->slice_ns == usual);
	EXPECT(set_policy(SCHED_NORMAL, 0) == 0 && thread->slice_ns < usual);
	EXPECT(CALL(setpriority, PRIO_PROCESS, 0, MINUS(20)) == 0 && thread->slice_ns == 8 * usual);
	EXPECT(CALL(setpriority, PRIO_PROCESS, 0, 0) == 0 && thread->slice_ns == usual);
}

/* Who is not root: to himself what his limits allow, to others nothing. */
static void not_root(void)
{
	struct task *t = &tasks[0];

	EXPECT(CALL(setresuid, 5, 5, 5) == 0);
	EXPECT(CALL(setpriority, PRIO_PROCESS, 0, 2) == 0);
	EXPECT(CALL(setpriority, PRIO_PROCESS, 0, 1) == -ERR_ACCES && t->schedule.nice == 2);
	group.limits[RLIMIT_NICE] = (struct limit){ 19, 19 };
	EXPECT(CALL(setpriority, PRIO_PROCESS, 0, 1) == 0);
	EXPECT(CALL(setpriority, PRIO_USER, 5, 0) == -ERR_ACCES);
	EXPECT(CALL(getpriority, PRIO_USER, 0) == 19 && CALL(getpriority, PRIO_USER, 5) == 19);
	EXPECT(CALL(getpriority, PRIO_USER, 6) == -ERR_SRCH);
	EXPECT(set_policy(SCHED_RR, 3) == -ERR_PERM && set_policy(SCHED_BATCH, 0) == 0);
	group.limits[RLIMIT_RTPRIO] = (struct limit){ 3, 3 };
	EXPECT(set_policy(SCHED_RR, 4) == -ERR_PERM && set_policy(SCHED_RR, 3) == 0);
	EXPECT(set_policy(SCHED_RR | SCHED_RESET_ON_FORK, 2) == 0);
	EXPECT(set_policy(SCHED_RR, 2) == -ERR_PERM);
	EXPECT(set_policy(SCHED_IDLE | SCHED_RESET_ON_FORK, 0) == 0);
	EXPECT(set_policy(SCHED_NORMAL | SCHED_RESET_ON_FORK, 0) == 0);
	group.limits[RLIMIT_NICE].soft = 18;
	EXPECT(set_policy(SCHED_IDLE | SCHED_RESET_ON_FORK, 0) == 0);
	EXPECT(set_policy(SCHED_NORMAL | SCHED_RESET_ON_FORK, 0) == -ERR_PERM);
	put_two(page, 10, 10);
	EXPECT(CALL(setrlimit, RLIMIT_NOFILE, page) == 0);
	put_two(page, 10, 11);
	EXPECT(CALL(setrlimit, RLIMIT_NOFILE, page) == -ERR_PERM);
	EXPECT(group.limits[RLIMIT_NOFILE].hard == 10);
}

/* Another's task, whose user is not the caller's. */
static void anothers(void)
{
	static struct task_group other;
	struct task *t = task_open(1);

	other = group;
	other.pid = other.pgid = t->tid;
	t->group = &other;
	list_remove(&t->link);
	list_init(&other.tasks);
	list_init(&other.link);
	list_add_last(&other.tasks, &t->link);
	list_add_last(&calls_world.all, &other.link);
	EXPECT(CALL(setresuid, 5, 5, 5) == 0 && CALL(setresgid, 0, 0, 0) == 0);
	other.uid[ID_REAL] = 5;
	other.uid[ID_EFFECTIVE] = 6;
	EXPECT(CALL(prlimit64, (uint64_t)t->tid, RLIMIT_CPU, 0, page) == -ERR_PERM);
	EXPECT(CALL(setpriority, PRIO_PROCESS, (uint64_t)t->tid, 9) == 0 && t->schedule.nice == 9);
	put_two(page, 1, 1);
	EXPECT(CALL(sched_setaffinity, (uint64_t)t->tid, 8, page) == 0);
	other.uid[ID_REAL] = 6;
	EXPECT(CALL(setpriority, PRIO_PROCESS, (uint64_t)t->tid, 9) == -ERR_PERM);
	EXPECT(CALL(sched_setaffinity, (uint64_t)t->tid, 8, page) == -ERR_PERM);
	EXPECT(CALL(setpriority, PRIO_USER, 6, 9) == -ERR_PERM);
	put_two(page, 0, 0);
	EXPECT(CALL(sched_setparam, (uint64_t)t->tid, page) == -ERR_PERM);
	other.uid[ID_REAL] = other.uid[ID_EFFECTIVE] = other.uid[ID_SAVED] = 5;
	EXPECT(CALL(prlimit64, (uint64_t)t->tid, RLIMIT_CPU, 0, page + 64) == 0);
	EXPECT(CALL(sched_setparam, (uint64_t)t->tid, page) == 0);
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

/* What a task says of itself is kept. */
static void says(void)
{
	EXPECT(CALL(prctl, PR_GET_TIMERSLACK) == 50000 && CALL(prctl, PR_SET_TIMERSLACK, 7) == 0);
	EXPECT(CALL(prctl, PR_GET_TIMERSLACK) == 7 && CALL(prctl, PR_SET_TIMERSLACK, 0) == 0);
	EXPECT(CALL(prctl, PR_GET_TIMERSLACK) == 50000);
	EXPECT(CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	EXPECT(CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	EXPECT(CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(CALL(prctl, PR_GET_DUMPABLE) == 1 && CALL(prctl, PR_SET_DUMPABLE, 2) == -ERR_INVAL);
	EXPECT(CALL(prctl, PR_SET_DUMPABLE, 0) == 0 && CALL(prctl, PR_GET_DUMPABLE) == 0);
	EXPECT(CALL(prctl, PR_SET_DUMPABLE, 1) == 0 && CALL(prctl, PR_SET_PDEATHSIG, 9) == 0);
	EXPECT(CALL(setresuid, MINUS(1), 0, MINUS(1)) == 0 && CALL(prctl, PR_GET_DUMPABLE) == 1);
	EXPECT(CALL(setresuid, MINUS(1), 3, MINUS(1)) == 0 && CALL(prctl, PR_GET_DUMPABLE) == 0);
	EXPECT(tasks[0].death_signal == 0); /* it acts as another */
	EXPECT(CALL(prctl, PR_GET_CHILD_SUBREAPER, page) == 0 && (uint32_t)long_at(page) == 0);
	EXPECT(CALL(prctl, PR_SET_CHILD_SUBREAPER, 5) == 0);
	EXPECT(CALL(prctl, PR_GET_CHILD_SUBREAPER, page) == 0 && (uint32_t)long_at(page) == 1);
	EXPECT(CALL(prctl, PR_GET_CHILD_SUBREAPER, 8) == -ERR_FAULT);
}

static void many_groups(void)
{
	const uint32_t three[] = { 9, 7, 8 }, wrong[] = { 1, UINT32_MAX };

	put_bytes(page, three, sizeof three);
	EXPECT(CALL(setgroups, 3, page) == 0 && CALL(getgroups, 0, 0) == 3);
	EXPECT(CALL(getgroups, 2, page) == -ERR_INVAL && CALL(getgroups, 3, 8) == -ERR_FAULT);
	EXPECT(CALL(getgroups, 10, page + 64) == 3 && long_at(page + 64) == (8ull << 32 | 7));
	put_bytes(page, wrong, sizeof wrong);
	EXPECT(CALL(setgroups, 2, page) == -ERR_INVAL &&
	       CALL(setgroups, 65537, page) == -ERR_INVAL);
	EXPECT(CALL(getgroups, 0, 0) == 3 && CALL(setresuid, 1, 1, 1) == 0);
	EXPECT(CALL(setgroups, 0, 0) == -ERR_PERM);
	EXPECT(CALL(setfsuid, 1) == 1 && CALL(setfsuid, 9) == 1 && CALL(setfsuid, 1) == 1);
	EXPECT(right_gids_set(&tasks[0], NULL, 0) == 0 && group.gids == 0);
}

static void timers(void)
{
	alarm_begin(&calls_world);
	put_two(page, 0, 0);
	put_two(page + 16, 7, 5);
	for (uint64_t which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++) {
		EXPECT(CALL(setitimer, which, page, page + 32) == 0 && long_at(page + 48) == 0);
		EXPECT(CALL(getitimer, which, page + 32) == 0);
		EXPECT(long_at(page + 48) == 7 && long_at(page + 56) <= 5);
		EXPECT(CALL(setitimer, which, 0, page + 32) == 0 && long_at(page + 48) == 7);
		EXPECT(CALL(getitimer, which, page + 32) == 0 && long_at(page + 48) == 0);
	}
	EXPECT(CALL(getitimer, 3, page) == -ERR_INVAL && CALL(setitimer, 3, page, 0) == -ERR_INVAL);
	EXPECT(CALL(getitimer, 0, 8) == -ERR_FAULT && CALL(setitimer, 2, 8, 0) == -ERR_FAULT);
	put_two(page + 16, 7, 1000000);
	EXPECT(CALL(setitimer, ITIMER_PROF, page, 0) == -ERR_INVAL);
	alarm_end(&calls_world);
}

static void uses(void)
{
	struct abi_rusage r;

	group.children.peak_pages = 5;
	group.children.faults = 6;
	group.children.waits = 7;
	group.children.gives = 8;
	EXPECT(CALL(getrusage, MINUS(1), page) == 0);
	get_bytes(&r, page, sizeof r);
	EXPECT(r.maxrss_kib == 20 && r.minflt == 6 && r.nvcsw == 7 && r.nivcsw == 8);
	tasks[0].faults = 11;
	group.used.faults = 100;
	const uint64_t gave = sched_current(&tw->sched)->gives;
	EXPECT(CALL(getrusage, RUSAGE_THREAD, page) == 0);
	get_bytes(&r, page, sizeof r);
	EXPECT(r.minflt == 11 && r.maxrss_kib > 0 && r.nivcsw == (int64_t)gave);
	EXPECT(CALL(munmap, page + PAGE_SIZE, PAGE_SIZE) == 0);
	const int64_t most = r.maxrss_kib;
	EXPECT(CALL(getrusage, RUSAGE_SELF, page) == 0);
	get_bytes(&r, page, sizeof r);
	EXPECT(r.minflt == 111 && r.maxrss_kib == most); /* what was once there counts */
}

static void users(void)
{
	EXPECT(CALL(getuid, 0) == 0 && CALL(getegid, 0) == 0 && CALL(setuid, 0) == 0);
	EXPECT(CALL(setuid, MINUS(1)) == -ERR_INVAL && CALL(setfsuid, 7) == 0);
	EXPECT(CALL(setfsuid, 0) == 7 && CALL(setfsgid, 0) == 0);
	put_two(page, -1, -1);
	EXPECT(CALL(getresgid, page, page + 4, page + 8) == 0 && long_at(page) == 0);
	EXPECT(CALL(getresgid, page, page, 8) == -ERR_FAULT);
	EXPECT(CALL(getgroups, 0, 0) == 0 && CALL(getgroups, MINUS(1), 0) == -ERR_INVAL);
	EXPECT(CALL(setgroups, 0, 0) == 0 && CALL(setgroups, 1, 8) == -ERR_FAULT);
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
	static void (*const tests[])(void) = { affinity,    policies, nice,  slices, not_root,
					       anothers,    limits,   names, says,   users,
					       many_groups, timers,   uses };
	return calls_main(tests, COUNT_OF(tests));
}
