/*
 * time.c -- the calls about clocks and sleeping.
 *
 * There are two clocks: the machine's, which begins with it, and the wall's, which differs from it
 * by what it was at the start; nobody sets it (EPERM).  CLOCK_..._COARSE are the same ones.  The
 * two ..._ALARM clocks would wake a machine that sleeps: EINVAL, as on a Linux without a device for
 * that.  Clocks of CPU time are what the scheduler has counted.
 *
 * A sleep is a deadline.  One that a signal ends goes on until then when there is no handler
 * (restart_syscall); with one, the program is told how much was left, unless it asked for a time by
 * the clock.
 *
 * Locks: the tasks' for CPU times.
 */
#include "kernel/syscall/time.h"

#include "kernel/syscall/user.h"
#include "kernel/task/used.h"
#include "sched/wait.h"

enum { S_NS = 1000000000, US_NS = 1000, COARSE_NS = 4000000, TICK_NS = S_NS / TICKS_PER_S };

/* --- arithmetic ------------------------------------------------------------------------------- */

bool time_ns_of(const struct abi_timespec *time, uint64_t *ns)
{
	if (time->s < 0 || time->ns < 0 || time->ns >= S_NS) return false;
	*ns = TIME_NS_MAX;
	if ((uint64_t)time->s < TIME_NS_MAX / S_NS)
		*ns = (uint64_t)time->s * S_NS + (uint64_t)time->ns;
	return true;
}

struct abi_timespec time_of_ns(uint64_t ns)
{
	return (struct abi_timespec){ (int64_t)(ns / S_NS), (int64_t)(ns % S_NS) };
}

uint64_t time_after(uint64_t from_ns, uint64_t ns)
{
	return ns > TIME_NS_MAX - min_u64(from_ns, TIME_NS_MAX) ? TIME_NS_MAX : from_ns + ns;
}

static uint64_t wall_ns(const struct task *t)
{
	const struct task_machine *m = &config_of(t)->machine;
	return m->wall_ns(m->arg);
}

uint64_t time_of_wall(const struct task *t, uint64_t wall)
{
	const uint64_t now = mach_now_ns(), now_wall = wall_ns(t);
	return wall > now_wall ? time_after(now, wall - now_wall)
			       : sub_or_zero(now, now_wall - wall);
}

/* --- CPU time --------------------------------------------------------------------------------- */

static uint64_t ran_ns_of_task(const struct task *t)
{
	const struct task_used used = used_by_task(t);

	return used_ns(&used);
}

static uint64_t ran_ns_of_group_locked(const struct task_group *g) REQUIRES(&g->world->lock)
{
	const struct task_used used = used_by_group_locked(g);

	return used_ns(&used);
}

/* --- clocks ----------------------------------------------------------------------------------- */

/* Which CPU time a negative clock means (Linux's posix-timers_types.h): bits 0 and 1 the kind, bit
 * 2 a thread's, the rest a number, inverted. */
static int64_t clock_of_another(struct task *t, int32_t clock, uint64_t *ns)
{
	struct task_world *w = t->group->world;
	const int32_t number = ~(clock >> 3);
	const uint32_t kind =
		(uint32_t)clock & 3; /* 1: without the kernel's, of which there is none */
	const bool of_thread = ((uint32_t)clock & 4) != 0;

	if (kind == 3) return -ERR_INVAL;
	const mach_irq_t was = lock_take(&w->lock);
	const struct task *who = number == 0 ? t : task_find_locked(w, number);
	if (who != NULL) *ns = of_thread ? ran_ns_of_task(who) : ran_ns_of_group_locked(who->group);
	lock_drop(&w->lock, was);
	return who == NULL || (of_thread && who->group != t->group) ? -ERR_INVAL : 0;
}

static uint64_t ran_ns_of_group(struct task_group *g)
{
	const mach_irq_t was = lock_take(&g->world->lock);
	const uint64_t ns = ran_ns_of_group_locked(g);

	lock_drop(&g->world->lock, was);
	return ns;
}

static int64_t clock_ns(struct task *t, int32_t clock, uint64_t *ns)
{
	if (clock < 0) return clock_of_another(t, clock, ns);
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI: *ns = wall_ns(t); return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME: *ns = mach_now_ns(); return 0;
	case CLOCK_PROCESS_CPUTIME_ID: *ns = ran_ns_of_group(t->group); return 0;
	case CLOCK_THREAD_CPUTIME_ID: *ns = ran_ns_of_task(t); return 0;
	default: return -ERR_INVAL;
	}
}

int64_t sys_clock_gettime(struct task *t, const uint64_t *arg)
{
	uint64_t ns = 0;
	const int64_t wrong = clock_ns(t, (int32_t)arg[0], &ns);

	if (wrong != 0) return wrong;
	const struct abi_timespec time = time_of_ns(ns);
	return to_user(t, arg[1], &time, sizeof time);
}

int64_t sys_clock_getres(struct task *t, const uint64_t *arg)
{
	const int32_t clock = (int32_t)arg[0];
	const bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
	const struct abi_timespec time = time_of_ns(coarse ? COARSE_NS : 1);
	uint64_t ns = 0;
	const int64_t wrong = clock_ns(t, clock, &ns);

	if (wrong != 0) return wrong;
	return arg[1] == 0 ? 0 : to_user(t, arg[1], &time, sizeof time);
}

int64_t sys_clock_settime(struct task *t, const uint64_t *arg)
{
	struct abi_timespec time;

	if (arg[0] != CLOCK_REALTIME) return -ERR_INVAL;
	return from_user(t, &time, arg[1], sizeof time) != 0 ? -ERR_FAULT : -ERR_PERM;
}

int64_t sys_gettimeofday(struct task *t, const uint64_t *arg)
{
	static const struct abi_timezone none;
	const uint64_t ns = wall_ns(t);
	const struct abi_timeval time = { (int64_t)(ns / S_NS), (int64_t)(ns % S_NS / US_NS) };

	if (arg[0] != 0 && to_user(t, arg[0], &time, sizeof time) != 0) return -ERR_FAULT;
	return arg[1] == 0 ? 0 : to_user(t, arg[1], &none, sizeof none);
}

int64_t sys_settimeofday(struct task *t, const uint64_t *arg)
{
	(void)t, (void)arg;
	return -ERR_PERM;
}

int64_t sys_times(struct task *t, const uint64_t *arg)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const struct task_used used = used_by_group_locked(t->group);
	const struct task_used *children = &t->group->children;
	const struct abi_tms tms = {
		.user = (int64_t)(used.user_ns / TICK_NS),
		.kernel = (int64_t)(used.kernel_ns / TICK_NS),
		.children_user = (int64_t)(children->user_ns / TICK_NS),
		.children_kernel = (int64_t)(children->kernel_ns / TICK_NS),
	};

	lock_drop(&w->lock, was);
	if (arg[0] != 0 && to_user(t, arg[0], &tms, sizeof tms) != 0) return -ERR_FAULT;
	return (int64_t)(mach_now_ns() / TICK_NS);
}

/* --- sleeping --------------------------------------------------------------------------------- */

static int64_t sleep_until(struct task *t, uint64_t deadline_ns, uint64_t left_to);

static int64_t sleep_goes_on(struct task *t, struct task_restart *r)
{
	return sleep_until(t, r->arg[0], r->arg[1]);
}

static bool sleep_through(struct task *t, uint64_t deadline_ns)
{
	return sched_sleep_heeding(config_of(t)->sched, deadline_ns) == WAIT_TIMEOUT;
}

/* `left_to`: where to say what was left, or 0. */
static int64_t sleep_until(struct task *t, uint64_t deadline_ns, uint64_t left_to)
{
	if (sleep_through(t, deadline_ns)) return 0;
	const uint64_t left_ns = sub_or_zero(deadline_ns, mach_now_ns());
	if (left_ns == 0) return 0;
	const struct abi_timespec left = time_of_ns(left_ns);
	t->restart = (struct task_restart){ sleep_goes_on, { deadline_ns, left_to } };
	if (left_to != 0 && to_user(t, left_to, &left, sizeof left) != 0) return -ERR_FAULT;
	return RESTART_CALL;
}

int64_t sys_nanosleep(struct task *t, const uint64_t *arg)
{
	struct abi_timespec time;
	uint64_t ns;

	if (from_user(t, &time, arg[0], sizeof time) != 0) return -ERR_FAULT;
	if (!time_ns_of(&time, &ns)) return -ERR_INVAL;
	return sleep_until(t, time_after(mach_now_ns(), ns), arg[1]);
}

/* 0, or why nobody can sleep by that clock. */
static int sleep_clock(int32_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME: return 0;
	case CLOCK_PROCESS_CPUTIME_ID: /* Linux can; nobody was seen to */
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE: return -ERR_OPNOTSUPP;
	default: return -ERR_INVAL;
	}
}

int64_t sys_clock_nanosleep(struct task *t, const uint64_t *arg)
{
	const int32_t clock = (int32_t)arg[0];
	const bool wall = clock == CLOCK_REALTIME || clock == CLOCK_TAI;
	const int wrong = sleep_clock(clock);
	struct abi_timespec time;
	uint64_t ns;

	if (wrong != 0) return wrong;
	if (from_user(t, &time, arg[2], sizeof time) != 0) return -ERR_FAULT;
	if (!time_ns_of(&time, &ns)) return -ERR_INVAL;
	if ((arg[1] & TIMER_ABSTIME) == 0)
		return sleep_until(t, time_after(mach_now_ns(), ns), arg[3]);
	if (wall && ns != TIME_NS_MAX) ns = time_of_wall(t, ns);
	return sleep_through(t, ns) ? 0 : RESTART_NOHAND;
}

int64_t sys_restart_syscall(struct task *t, const uint64_t *arg)
{
	struct task_restart restart = t->restart;

	(void)arg;
	t->restart.call = NULL;
	return restart.call == NULL ? -ERR_INTR : restart.call(t, &restart);
}
