/*
 * right_test.c -- who may send signals to whom, groups of users, and what execve makes of it.
 */
#include "kernel/task/right.h"
#include "kernel/task/test_task.h"

static int32_t target;

static void becomes(struct task *t, uint32_t real, uint32_t acts, uint32_t saved)
{
	const mach_irq_t was = lock_take(&TW->lock);

	t->group->uid[ID_REAL] = real;
	t->group->uid[ID_EFFECTIVE] = acts;
	t->group->uid[ID_SAVED] = saved;
	lock_drop(&TW->lock, was);
}

static void sleeps(struct task *t)
{
	becomes(t, 10, 11, 12);
	(void)sched_sleep_heeding(&tw->sched, WAIT_FOREVER);
	goes_back(t);
	task_exit_group(t, 77);
}

/* Whether somebody who is so may kill it. */
static bool may(struct task *t, uint32_t real, uint32_t acts, uint32_t saved)
{
	becomes(t, real, acts, saved);
	const int answer = signal_kill(t, target, 0);
	EXPECT(answer == 0 || answer == -ERR_PERM);
	EXPECT(signal_kill_task(t, target, target, 0) == answer);
	return answer == 0;
}

static void tries(struct task *t)
{
	EXPECT(may(t, 0, 0, 0) && may(t, 5, 0, 5));       /* root */
	EXPECT(may(t, 10, 5, 5) && may(t, 5, 10, 5));     /* what it is */
	EXPECT(may(t, 12, 5, 5) && may(t, 5, 12, 5));     /* what it may be */
	EXPECT(!may(t, 11, 11, 11) && !may(t, 5, 5, 10)); /* what it acts as; what one may be */
	EXPECT(!may(t, 0, 5, 0));                         /* root that acts as another */
	EXPECT(signal_kill(t, target, SIGCONT) == 0);     /* in one session */
	EXPECT(signal_kill(t, target, SIGTERM) == -ERR_PERM);
	EXPECT(signal_kill(t, target, 65) == -ERR_INVAL && signal_kill(t, 999, 9) == -ERR_SRCH);
	EXPECT(signal_kill(t, t->group->pid, 0) == 0);
	EXPECT(signal_kill(t, -1, SIGUSR1) == 0); /* to all it may: none */
	EXPECT(task_setsid(t) == t->group->pid);
	EXPECT(signal_kill(t, target, SIGCONT) == -ERR_PERM);
	EXPECT(signal_kill(t, -target, 0) == -ERR_SRCH);
	task_exit_group(t, 4);
}

static void signals(struct task *t)
{
	target = forks(t, sleeps);
	for (unsigned i = 0; i < 2 * TEST_THREADS; i++) sched_yield_cpu(&tw->sched);
	waits_for(t, forks(t, tries), 4 << 8);
	EXPECT(signal_kill(t, 0, 0) == 0);
	becomes(t, 10, 5, 5);
	EXPECT(task_setpgid(t, target, target) == 0 && signal_kill(t, -target, SIGTERM) == 0);
	waits_for(t, target, SIGTERM);
}

/* The sender's user goes along. */
static void tells_user(struct task *t)
{
	struct abi_siginfo info;

	(void)signal_mask(t, signal_bit(SIGUSR1));
	becomes(t, 6, 5, 5);
	EXPECT(signal_kill(t, t->group->pid, SIGUSR1) == 0);
	EXPECT(signal_wait(t, signal_bit(SIGUSR1), 0, &info) == SIGUSR1);
	EXPECT(info.sent.pid == t->group->pid && info.sent.uid == 6);
}

static bool has_gid(const struct task *t, uint32_t gid)
{
	const struct ids who = right_ids(t);

	return ids_has_gid(&who, gid);
}

/* --- groups of users -------------------------------------------------------------------------- */

static void has_its_parents(struct task *t)
{
	EXPECT(right_gids_get(t, NULL, 0) == 5 && has_gid(t, 700) && !has_gid(t, 1));
	EXPECT(right_gids_set(t, NULL, 0) == 0 && !has_gid(t, 700));
	EXPECT(has_gid(t, 0)); /* the first */
	task_exit_group(t, 6);
}

static void lists(struct task *t)
{
	static const uint32_t some[] = { 700, 4, UINT32_MAX - 1, 99, 5 };
	static const uint32_t sorted[] = { 4, 5, 99, 700, UINT32_MAX - 1 };
	uint32_t got[5] = { 0 };

	EXPECT(right_gids_get(t, got, 5) == 0 && !has_gid(t, 4));
	EXPECT(right_gids_set(t, some, 5) == 0 && right_gids_get(t, got, 2) == 5);
	EXPECT(got[0] == 4 && got[1] == 5 && got[2] == 0);
	EXPECT(right_gids_get(t, got, 5) == 5 && memcmp(got, sorted, sizeof got) == 0);
	for (unsigned i = 0; i < 5; i++) EXPECT(has_gid(t, some[i]));
	EXPECT(!has_gid(t, 6) && !has_gid(t, UINT32_MAX) && !has_gid(t, 3));
	waits_for(t, forks(t, has_its_parents), 6 << 8);
	EXPECT(has_gid(t, 700));
	EXPECT(right_gids_set(t, some, 1) == 0 && !has_gid(t, 4) && has_gid(t, 700));
	t->group->gid[ID_FILES] = 8;
	EXPECT(has_gid(t, 8) && !has_gid(t, 0));
}

static const struct gid_list *seen;

static void changes(struct task *t)
{
	static const uint32_t one[] = { 77 };

	seen = right_ids(t).more;
	EXPECT(right_gids_set(t, one, 1) == 0 && right_gids_set(t, NULL, 0) == 0);
	EXPECT(seen->count == 1 && seen->gid[0] == 66); /* another task may look at it */
	EXPECT(!has_gid(t, 66) && !has_gid(t, 77) && right_gids_get(t, NULL, 0) == 0);
	task_exit(t, 0);
}

/* Of several tasks each may still look at what was before. */
static void shares_list(struct task *t)
{
	static const uint32_t one[] = { 66 };

	EXPECT(right_gids_set(t, one, 1) == 0);
	threads(t, changes);
	for (unsigned i = 0; i < 2 * TEST_THREADS; i++) sched_yield_cpu(&tw->sched);
	EXPECT(t->group->task_count == 1 && seen->gid[0] == 66 && !has_gid(t, 66));
	EXPECT(right_gids_set(t, one, 1) == 0 && right_ids(t).more != seen && has_gid(t, 66));
}

static void execs(struct task *t)
{
	const struct task_program program = {
		.space = space_create(&tw->vm, TEST_SITE),
		.name = "a",
		.line = "a",
		.line_bytes = 2,
		.acting_uid = 2,
		.acting_gid = 4,
	};

	becomes(t, 1, 2, 3);
	t->group->gid[ID_EFFECTIVE] = t->group->gid[ID_FILES] = 4;
	t->group->uid[ID_FILES] = 2;
	t->death_signal = SIGHUP;
	EXPECT(task_exec_alone(t) == 0);
	task_exec_commit(t, &program);
	EXPECT(t->group->uid[ID_REAL] == 1 && t->group->uid[ID_SAVED] == 2);
	EXPECT(t->group->uid[ID_FILES] == 2 && t->group->gid[ID_SAVED] == 4);
	EXPECT(t->group->undumpable && t->death_signal == SIGHUP);
}

/* A program that lends its owner's rights is nobody else's to look at; one that lends none is. */
static void lends(struct task *t)
{
	struct task_program program = {
		.name = "a", .line = "a", .line_bytes = 2, .acting_uid = 7, .secure = true
	};
	struct limit *stack = &t->group->limits[RLIMIT_STACK];

	becomes(t, 1, 1, 1);
	t->group->uid[ID_FILES] = 1;
	t->death_signal = SIGHUP;
	program.space = space_create(&tw->vm, TEST_SITE);
	EXPECT(task_exec_alone(t) == 0);
	task_exec_commit(t, &program);
	const struct task_group *g = t->group;
	EXPECT(g->uid[ID_REAL] == 1 && g->uid[ID_EFFECTIVE] == 7 && g->uid[ID_SAVED] == 7);
	EXPECT(g->undumpable && t->death_signal == 0 && stack->soft == SECURE_STACK_BYTES);
	becomes(t, 1, 1, 1);
	t->group->uid[ID_FILES] = 1;
	program.acting_uid = 1;
	program.secure = false;
	program.space = space_create(&tw->vm, TEST_SITE);
	EXPECT(task_exec_alone(t) == 0);
	task_exec_commit(t, &program);
	EXPECT(!g->undumpable && g->uid[ID_SAVED] == 1);
}

static void run(program *p)
{
	static const struct test_choice plain = { .reap = REAP_AFTER_SWITCH };

	task_test_open(&plain, 32768);
	task_test_run(p, 0);
	task_test_close();
}

int main(void)
{
	host_cpus_open(1);
	run(signals);
	run(tells_user);
	run(lists);
	run(shares_list);
	run(execs);
	run(lends);
	host_cpus_close();
	return 0;
}
