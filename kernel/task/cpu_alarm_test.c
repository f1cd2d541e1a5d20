/*
 * cpu_alarm_test.c -- what is due by CPU time: comes when it was used, by whichever task of the
 * group, and not while all sleep; limits of CPU time.
 *
 * A program uses CPU time by moving the clock, at points where the timer may come; as a user, or in
 * the kernel.
 */
#include "kernel/task/cpu_alarm.h"
#include "kernel/task/test_task.h"
#include "kernel/task/used.h"

enum { MS = 1000000, VIRTUAL = ITIMER_VIRTUAL - 1, PROF = ITIMER_PROF - 1 };

#define S_NS 1000000000ull

static uint64_t came_ns[4]; /* the group's CPU time at each */
static uint32_t came;

static struct task_used used_by(struct task *t)
{
	const mach_irq_t was = lock_take(&TW->lock);
	const struct task_used used = used_by_group_locked(t->group);

	lock_drop(&TW->lock, was);
	return used;
}

static uint64_t used_now(struct task *t)
{
	const struct task_used used = used_by(t);

	return used_ns(&used);
}

static void as_user(uint64_t ns)
{
	const mach_irq_t was = mach_irq_save();

	host_user_begins();
	host_clock_advance(ns);
	host_user_ends();
	mach_irq_restore(was);
}

/* Runs for so long, and sees to what came; by a millisecond, as no program is without a fault or a
 * call for ever. */
static void works(struct task *t, uint64_t ns)
{
	const uint64_t end_ns = used_now(t) + ns;

	while (used_now(t) < end_ns) {
		as_user(MS / 4);
		mach_relax();
		if (atomic_load_u32(&t->work) != 0) task_work(t);
	}
}

/* The same in a system call. */
static void calls(struct task *t, uint64_t ns)
{
	const uint64_t end_ns = used_now(t) + ns;

	while (used_now(t) < end_ns) {
		host_clock_advance(MS / 4);
		mach_relax();
	}
}

static void sleeps_ns(struct task *t, uint64_t ns)
{
	EXPECT(sched_sleep_heeding(&tw->sched, mach_now_ns() + ns) == WAIT_TIMEOUT);
	goes_back(t);
}

static void notes(struct task *t, int sig)
{
	struct abi_siginfo info;

	if (signal_wait(t, signal_bit(sig), 0, &info) != sig) return;
	EXPECT(came < COUNT_OF(came_ns) && info.code == SI_KERNEL);
	came_ns[came++] = used_now(t);
}

/* Works until that has come so often. */
static void works_until(struct task *t, int sig, uint32_t times, uint64_t most_ns)
{
	const uint64_t end_ns = used_now(t) + most_ns;

	came = 0;
	(void)signal_mask(t, signal_bit(sig));
	while (came < times) {
		EXPECT(used_now(t) < end_ns);
		works(t, MS / 4);
		notes(t, sig);
	}
}

static bool is_at(uint64_t is_ns, uint64_t wanted_ns)
{
	return is_ns >= wanted_ns && is_ns <= wanted_ns + 2 * MS;
}

/* --- timers ----------------------------------------------------------------------------------- */

static void comes_by_work(struct task *t)
{
	const struct alarm once = { 20 * MS, 0 }, often = { 10 * MS, 30 * MS }, none = { 0, 0 };
	const uint64_t from_ns = used_now(t);

	EXPECT(cpu_alarm_change(t, PROF, &once).left_ns == 0);
	works_until(t, SIGPROF, 1, S_NS);
	EXPECT(is_at(came_ns[0], from_ns + 20 * MS));
	EXPECT(cpu_alarm_change(t, PROF, NULL).left_ns == 0);
	const uint64_t again_ns = used_now(t);
	(void)cpu_alarm_change(t, VIRTUAL, &often);
	works_until(t, SIGVTALRM, 3, S_NS);
	for (unsigned i = 0; i < 3; i++)
		EXPECT(is_at(came_ns[i], again_ns + 10 * MS + i * 30ull * MS));
	const struct alarm left = cpu_alarm_change(t, VIRTUAL, &none);
	EXPECT(left.every_ns == 30 * MS && left.left_ns <= 30 * MS && left.left_ns > 27 * MS);
	works(t, 100 * MS);
	notes(t, SIGVTALRM);
	EXPECT(came == 3 && t->group->look_ns == 0);
}

/* What the kernel does for a program is of one timer, but not of the other. */
static void of_two_kinds(struct task *t)
{
	const struct alarm once = { 20 * MS, 0 };
	const struct task_used from = used_by(t);
	const uint64_t from_ns = used_ns(&from);

	(void)cpu_alarm_change(t, PROF, &once);
	(void)cpu_alarm_change(t, VIRTUAL, &once);
	calls(t, 15 * MS);
	EXPECT(used_by(t).user_ns == from.user_ns);
	EXPECT(used_by(t).kernel_ns == from.kernel_ns + 15 * MS);
	EXPECT(cpu_alarm_change(t, VIRTUAL, NULL).left_ns == 20 * MS);
	EXPECT(cpu_alarm_change(t, PROF, NULL).left_ns == 5 * MS);
	works_until(t, SIGPROF, 1, S_NS);
	EXPECT(is_at(came_ns[0], from_ns + 20 * MS));
	works_until(t, SIGVTALRM, 1, S_NS);
	EXPECT(is_at(came_ns[0], from_ns + 35 * MS));
	EXPECT(used_by(t).kernel_ns == from.kernel_ns + 15 * MS);
}

/* Time that is slept does not count, and nobody looks at the clock meanwhile. */
static void not_by_sleep(struct task *t)
{
	const struct alarm once = { 10 * MS, 0 };

	(void)cpu_alarm_change(t, PROF, &once);
	const uint64_t from_ns = used_now(t);
	works(t, 4 * MS);
	(void)signal_mask(t, signal_bit(SIGPROF));
	sleeps_ns(t, S_NS);
	EXPECT(used_now(t) - from_ns < 6 * MS && t->group->rests == 0);
	EXPECT(t->group->look_ns != 0); /* it has come by, and is looked at again */
	works_until(t, SIGPROF, 1, S_NS);
	EXPECT(is_at(came_ns[0], from_ns + 10 * MS));
}

static uint64_t looks_from_ns;

/* While the other sleeps for a second: it is looked at once more at most, and then it rests. */
static void looks_on(struct task *t)
{
	const struct task_group *g = t->group;

	looks_from_ns = mach_now_ns();
	sleeps_ns(t, 500 * MS);
	const mach_irq_t was = lock_take(&TW->lock);
	const struct task_group *first = task_group_find_locked(TW, 1);
	EXPECT(first->rests == 1 && first->look_ns == 0 && g->rests == 0);
	lock_drop(&TW->lock, was);
	task_exit_group(t, 3);
}

static void rests(struct task *t)
{
	const struct alarm once = { 10 * MS, 0 };

	(void)cpu_alarm_change(t, PROF, &once);
	(void)signal_mask(t, signal_bit(SIGPROF));
	const int32_t pid = forks(t, looks_on); /* a timer is not inherited */
	sleeps_ns(t, S_NS);
	waits_for(t, pid, 3 << 8);
	works_until(t, SIGPROF, 1, S_NS);
}

static void thread_works(struct task *t)
{
	works(t, 30 * MS);
	task_exit(t, 0);
}

/* What all tasks of the group use, and what those used that have ended. */
static void comes_by_all(struct task *t)
{
	const struct alarm once = { 50 * MS, 0 };

	(void)cpu_alarm_change(t, PROF, &once);
	const uint64_t from_ns = used_now(t);
	(void)signal_mask(t, signal_bit(SIGPROF));
	threads(t, thread_works);
	sleeps_ns(t, 100 * MS);
	EXPECT(t->group->task_count == 1 && is_at(used_now(t), from_ns + 30 * MS));
	works_until(t, SIGPROF, 1, S_NS);
	EXPECT(is_at(came_ns[0], from_ns + 50 * MS));
}

/* --- the limit -------------------------------------------------------------------------------- */

static void limits(struct task *t, uint64_t soft, uint64_t hard)
{
	const mach_irq_t was = lock_take(&TW->lock);

	t->group->limits[RLIMIT_CPU] = (struct limit){ soft, hard };
	cpu_alarm_limit_locked(t->group);
	lock_drop(&TW->lock, was);
}

static void works_on(struct task *t)
{
	works(t, 100 * S_NS);
	EXPECT(false);
}

static void takes_signals(struct task *t)
{
	works_until(t, SIGXCPU, 2, 10 * S_NS);
	EXPECT(is_at(came_ns[0], S_NS) && is_at(came_ns[1], 2 * S_NS));
	EXPECT(t->group->limits[RLIMIT_CPU].soft == 3);
	works_on(t);
}

/* A child has its parent's limit, and its own time. */
static void is_limited(struct task *t)
{
	limits(t, 1, 3);
	const int32_t pid = forks(t, works_on);
	waits_for(t, pid, SIGXCPU);
	const int32_t heeds = forks(t, takes_signals);
	waits_for(t, heeds, SIGKILL);
	EXPECT(t->group->children.user_ns >= 4 * S_NS && used_now(t) < 100 * MS);
	limits(t, UINT64_MAX, UINT64_MAX);
	EXPECT(t->group->look_ns == 0);
}

static void is_over(struct task *t)
{
	limits(t, 0, UINT64_MAX); /* it has used more already */
	goes_back(t);
	EXPECT(false);
}

static void at_once(struct task *t)
{
	waits_for(t, forks(t, is_over), SIGXCPU);
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
	run(comes_by_work);
	run(of_two_kinds);
	run(not_by_sleep);
	run(rests);
	run(comes_by_all);
	run(is_limited);
	run(at_once);
	host_cpus_close();
	return 0;
}
