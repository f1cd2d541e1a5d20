/*
 * alarm.c -- the calls about interval timers: of real time (kernel/task/alarm.h), and of the CPU
 * time of the caller's group (kernel/task/cpu_alarm.h).
 *
 * Locks: none here.
 */
#include "kernel/task/cpu_alarm.h"

#include "kernel/syscall/alarm.h"
#include "kernel/syscall/user.h"

enum { US_NS = 1000, S_US = 1000000 };

#define S_NS 1000000000ull

/* -ERR_INVAL: not as Linux wants it.  Very long is for ever. */
static int ns_of(const struct abi_timeval *time, uint64_t *ns)
{
	if (time->s < 0 || time->us < 0 || time->us >= S_US) return -ERR_INVAL;
	*ns = (uint64_t)time->s >= INT64_MAX / S_NS
		      ? (uint64_t)INT64_MAX
		      : (uint64_t)time->s * S_NS + (uint64_t)time->us * US_NS;
	return 0;
}

/* What is left is rounded up: a clock that runs is never 0. */
static struct abi_timeval timeval_of(uint64_t ns)
{
	const uint64_t us = ns / US_NS + (ns % US_NS != 0);

	return (struct abi_timeval){ (int64_t)(us / S_US), (int64_t)(us % S_US) };
}

static int put(struct task *t, uint64_t at, struct alarm alarm)
{
	const struct abi_itimerval value = { timeval_of(alarm.every_ns),
					     timeval_of(alarm.left_ns) };

	return to_user(t, at, &value, sizeof value);
}

static bool is_clock(int32_t which)
{
	return which == ITIMER_REAL || which == ITIMER_VIRTUAL || which == ITIMER_PROF;
}

static struct alarm change(struct task *t, int32_t which, const struct alarm *to)
{
	if (which == ITIMER_REAL) return alarm_change(t, to);
	return cpu_alarm_change(t, (unsigned)(which - ITIMER_VIRTUAL), to);
}

int64_t sys_getitimer(struct task *t, const uint64_t *arg)
{
	const int32_t which = (int32_t)arg[0];

	return is_clock(which) ? put(t, arg[1], change(t, which, NULL)) : -ERR_INVAL;
}

int64_t sys_setitimer(struct task *t, const uint64_t *arg)
{
	struct abi_itimerval value = { { 0, 0 }, { 0, 0 } };
	struct alarm to;

	if (arg[1] != 0 && from_user(t, &value, arg[1], sizeof value) != 0) return -ERR_FAULT;
	if (ns_of(&value.value, &to.left_ns) != 0 || ns_of(&value.interval, &to.every_ns) != 0)
		return -ERR_INVAL;
	if (!is_clock((int32_t)arg[0])) return -ERR_INVAL;
	const struct alarm before = change(t, (int32_t)arg[0], &to);
	return arg[2] == 0 ? 0 : put(t, arg[2], before);
}
