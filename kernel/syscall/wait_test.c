/*
 * wait_test.c -- the calls that wait: futexes and sleeps, their deadlines by each clock, and what a
 * signal makes of them; and the clocks themselves.
 */
#include "kernel/syscall/test_calls.h"

enum { S_NS = 1000000000, BITSET_WALL = FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME };

static uint64_t begun;
static int64_t answer;

static void now(void)
{
	begun = mach_now_ns();
}

static bool passed(uint64_t ns)
{
	const uint64_t did = mach_now_ns() - begun;
	return did >= ns && did < ns + MS;
}

static void futex_arguments(void)
{
	put_two(page + 64, 0, S_NS);
	EXPECT(CALL(futex, page, FUTEX_WAIT, 0, page + 64) == -ERR_INVAL);
	put_two(page + 64, -1, 0);
	EXPECT(CALL(futex, page, FUTEX_WAIT, 0, page + 64) == -ERR_INVAL);
	EXPECT(CALL(futex, page, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, page + 64) == -ERR_INVAL);
	EXPECT(CALL(futex, page, FUTEX_WAIT, 0, 8) == -ERR_FAULT);
	EXPECT(CALL(futex, page, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, 0) == -ERR_NOSYS);
	EXPECT(CALL(futex, page, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, 8) == -ERR_NOSYS);
	EXPECT(CALL(futex, page, FUTEX_LOCK_PI, 0, 0) == -ERR_NOSYS);
	EXPECT(CALL(futex, page, FUTEX_FD, 0, 0) == -ERR_NOSYS);
	EXPECT(CALL(futex, page, 99, 0, 0) == -ERR_NOSYS);
	EXPECT(CALL(futex, page, FUTEX_WAIT, 1, 0) == -ERR_AGAIN);
	EXPECT(CALL(futex, page, FUTEX_WAIT_BITSET, 0, 0, 0, 0) == -ERR_INVAL);
	EXPECT(CALL(futex, page, FUTEX_WAKE_BITSET, 1, 0, 0, 0) == -ERR_INVAL);
	EXPECT(CALL(futex, page, FUTEX_WAKE, 1, 8) == 0); /* no timeout is looked at */
	EXPECT(CALL(futex, page, FUTEX_REQUEUE, 1, MINUS(1), page + 4) == -ERR_INVAL);
	EXPECT(CALL(futex, page, FUTEX_CMP_REQUEUE, 1, 1, page + 4, 5) == -ERR_AGAIN);
	EXPECT(CALL(futex, page, FUTEX_CMP_REQUEUE, 1, 1, page + 4, 0) == 0);
	EXPECT(CALL(futex, page, FUTEX_WAKE_OP, 1, 1, page + 4, 7 << 12) == 0);
	EXPECT(long_at(page) == 7ull << 32);
	EXPECT(CALL(set_robust_list, page, 23) == -ERR_INVAL);
	EXPECT(CALL(set_robust_list, page, 24) == 0 && tasks[0].robust == page);
	EXPECT(CALL(get_robust_list, 0, page + 8, page + 16) == 0);
	EXPECT(long_at(page + 8) == page && long_at(page + 16) == 24);
	EXPECT(CALL(get_robust_list, TEST_PID, page + 8, page + 16) == 0);
	EXPECT(CALL(get_robust_list, 1, page, page) == -ERR_SRCH);
	EXPECT(CALL(get_robust_list, MINUS(1), page, page) == -ERR_SRCH);
	EXPECT(CALL(get_robust_list, 0, 8, page) == -ERR_FAULT);
}

static void futex_deadlines(void)
{
	now();
	put_two(page + 64, 0, 3 * MS);
	EXPECT(CALL(futex, page, FUTEX_WAIT, 0, page + 64) == -ERR_TIMEDOUT && passed(3 * MS));
	now();
	put_two(page + 64, 0, (int64_t)begun + 2 * MS);
	EXPECT(CALL(futex, page, FUTEX_WAIT_BITSET, 0, page + 64, 0, 1) == -ERR_TIMEDOUT);
	EXPECT(passed(2 * MS));
	now();
	const uint64_t wall = test_wall_ns(NULL) + 4 * MS;
	put_two(page + 64, (int64_t)(wall / S_NS), (int64_t)(wall % S_NS));
	EXPECT(CALL(futex, page, BITSET_WALL, 0, page + 64, 0, 1) == -ERR_TIMEDOUT);
	EXPECT(passed(4 * MS));
	now(); /* both are over */
	put_two(page + 64, 1, 0);
	EXPECT(CALL(futex, page, BITSET_WALL, 0, page + 64, 0, 1) == -ERR_TIMEDOUT);
	put_two(page + 64, 0, 0);
	EXPECT(CALL(futex, page, FUTEX_WAIT, 0, page + 64) == -ERR_TIMEDOUT && passed(0));
}

/* --- signals ---------------------------------------------------------------------------------- */

static void signals_first(void *arg)
{
	(void)arg;
	EXPECT(sched_sleep_until(&tw->sched, begun + MS) == WAIT_TIMEOUT);
	EXPECT(sched_signal(&tw->sched, tasks[0].thread));
}

/* One comes a millisecond from now. */
static void signal_soon(void)
{
	sched_signal_dealt(&tw->sched);
	now();
	another_thread(signals_first, NULL);
}

static void futex_signals(void)
{
	signal_soon();
	EXPECT(CALL(futex, page, FUTEX_WAIT, 0, 0) == RESTART_SYS && passed(MS));
	EXPECT(tasks[0].regs->x[0] == page); /* to begin anew with */
	EXPECT(tasks[0].work != 0 && futex_waiting(calls_world.futexes) == 0);
	EXPECT(CALL(futex, page, FUTEX_WAIT, 0, 0) == RESTART_SYS); /* nobody dealt with it */
	signal_soon();
	put_two(page + 64, 0, 5 * MS);
	EXPECT(CALL(futex, page, FUTEX_WAIT, 0, page + 64) == RESTART_CALL && passed(MS));
	sched_signal_dealt(&tw->sched);
	EXPECT(CALL(restart_syscall, 0) == -ERR_TIMEDOUT && passed(5 * MS));
	EXPECT(CALL(restart_syscall, 0) == -ERR_INTR); /* only once */
}

static void sleeps(void)
{
	now();
	put_two(page, 0, 2 * MS);
	EXPECT(CALL(nanosleep, page, 0) == 0 && passed(2 * MS));
	signal_soon();
	EXPECT(CALL(nanosleep, page, page + 16) == RESTART_CALL && passed(MS));
	EXPECT(long_at(page + 16) == 0 && long_at(page + 24) <= MS && long_at(page + 24) > MS / 2);
	sched_signal_dealt(&tw->sched);
	EXPECT(CALL(restart_syscall, 0) == 0 && passed(2 * MS));
	signal_soon();
	EXPECT(CALL(nanosleep, page, 8) == -ERR_FAULT);
	sched_signal_dealt(&tw->sched);
	now();
	put_two(page, 0, (int64_t)begun + 3 * MS);
	EXPECT(CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, page, 8) == 0);
	EXPECT(passed(3 * MS));
	signal_soon();
	put_two(page, 1000, 0);
	EXPECT(CALL(clock_nanosleep, CLOCK_BOOTTIME, TIMER_ABSTIME, page, 8) == RESTART_NOHAND);
	sched_signal_dealt(&tw->sched);
	const uint64_t wall = test_wall_ns(NULL) + MS;
	now();
	put_two(page, (int64_t)(wall / S_NS), (int64_t)(wall % S_NS));
	EXPECT(CALL(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, page, 0) == 0 && passed(MS));
	put_two(page, 0, MS);
	EXPECT(CALL(clock_nanosleep, CLOCK_REALTIME, 0, page, 0) == 0 && passed(2 * MS));
	put_two(page, 0, S_NS);
	EXPECT(CALL(nanosleep, page, 0) == -ERR_INVAL && CALL(nanosleep, 8, 0) == -ERR_FAULT);
	EXPECT(CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, page) == -ERR_INVAL);
	EXPECT(CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, 8) == -ERR_FAULT);
	EXPECT(CALL(clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, 8) == -ERR_OPNOTSUPP);
	EXPECT(CALL(clock_nanosleep, 77, 0, 8) == -ERR_INVAL);
}

/* What is far away is not the past. */
static void waits_long(void *arg)
{
	(void)arg;
	answer = CALL_BY(&tasks[1], SYS_futex, page, FUTEX_WAIT, 0, page + 64);
}

static void far_deadlines(void)
{
	static const struct abi_timespec far[] = { { INT64_MAX, 999999999 },
						   { INT64_MAX / S_NS, 999999999 },
						   { INT64_MAX / S_NS - 1, 0 } };

	task_open(1);
	for (uint32_t n = 0; n < COUNT_OF(far); n++) {
		answer = 1;
		put_bytes(page + 64, &far[n], sizeof far[n]);
		another_thread(waits_long, NULL);
		for (uint32_t i = 0; i < 5; i++) CALL(sched_yield, 0);
		EXPECT(answer == 1 && CALL(futex, page, FUTEX_WAKE, 1) == 1);
		for (uint32_t i = 0; i < 5; i++) CALL(sched_yield, 0);
		EXPECT(answer == 0);
	}
}

/* --- clocks ----------------------------------------------------------------------------------- */

static uint64_t clock_at(uint64_t clock)
{
	EXPECT(CALL(clock_gettime, clock, page) == 0);
	return long_at(page) * S_NS + long_at(page + 8);
}

static void clocks(void)
{
	static const uint8_t all[] = { 0, 1, 2, 3, 4, 5, 6, 7, 11 };

	now();
	EXPECT(clock_at(CLOCK_MONOTONIC) == begun && clock_at(CLOCK_BOOTTIME) == begun);
	EXPECT(clock_at(CLOCK_REALTIME) == test_wall_ns(NULL));
	EXPECT(clock_at(CLOCK_REALTIME_COARSE) == clock_at(CLOCK_TAI));
	group.used.user_ns = 100 * MS;
	group.children.kernel_ns = 20 * MS;
	const uint64_t ran = sched_used(&tw->sched, tasks[0].thread).ran_ns;
	EXPECT(clock_at(CLOCK_THREAD_CPUTIME_ID) == ran);
	EXPECT(clock_at(CLOCK_PROCESS_CPUTIME_ID) == 100 * MS + ran);
	EXPECT(clock_at((uint64_t)(~TEST_PID * 8 | 2)) == 100 * MS + ran); /* another's */
	EXPECT(clock_at((uint64_t)(~TEST_PID * 8 | 5)) == ran);
	EXPECT(CALL(clock_gettime, (uint64_t)(~1 * 8 | 2), page) == -ERR_INVAL);
	EXPECT(CALL(clock_gettime, (uint64_t)(~TEST_PID * 8 | 3), page) == -ERR_INVAL);
	EXPECT(CALL(clock_gettime, 10, page) == -ERR_INVAL);
	EXPECT(CALL(clock_gettime, CLOCK_REALTIME_ALARM, page) == -ERR_INVAL);
	EXPECT(CALL(clock_gettime, 0, 8) == -ERR_FAULT);
	for (uint32_t n = 0; n < COUNT_OF(all); n++) {
		EXPECT(CALL(clock_getres, all[n], page) == 0 && long_at(page) == 0);
		EXPECT(CALL(clock_getres, all[n], 0) == 0);
	}
	EXPECT(CALL(clock_getres, 12, 0) == -ERR_INVAL);
	EXPECT(CALL(clock_settime, CLOCK_REALTIME, page) == -ERR_PERM);
	EXPECT(CALL(clock_settime, CLOCK_MONOTONIC, page) == -ERR_INVAL);
	EXPECT(CALL(gettimeofday, page, page + 16) == 0);
	EXPECT(long_at(page) * 1000000 + long_at(page + 8) == test_wall_ns(NULL) / 1000);
	EXPECT(CALL(gettimeofday, 0, 0) == 0 && CALL(gettimeofday, 8, 0) == -ERR_FAULT);
	EXPECT(CALL(times, page) == (int64_t)(mach_now_ns() / (10 * MS)));
	EXPECT(long_at(page) == 10 && long_at(page + 8) == 0 && long_at(page + 24) == 2);
	EXPECT(CALL(times, 0) >= 0 && CALL(times, 8) == -ERR_FAULT);
}

int main(void)
{
	static void (*const tests[])(void) = {
		futex_arguments, futex_deadlines, futex_signals, sleeps, far_deadlines, clocks,
	};
	return calls_main(tests, COUNT_OF(tests));
}
