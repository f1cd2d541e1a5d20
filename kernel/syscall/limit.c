/*
 * limit.c -- the calls about limits, and about what was used.
 *
 * A group's limits lie in the group, under the tasks' lock; whoever does what is limited looks
 * there.  Those of memory are the space's, too, so that faults see them: a change is handed on to
 * the space at once.
 *
 * Locks: the tasks', then, without it, the space's.
 */
#include "kernel/syscall/limit.h"

#include "kernel/file/table.h"
#include "kernel/syscall/time.h"
#include "kernel/syscall/user.h"
#include "kernel/task/cpu_alarm.h"
#include "kernel/task/right.h"
#include "kernel/task/used.h"
#include "mm/page.h"

enum { US_NS = 1000, S_US = 1000000, S_NS = 1000000000, KIB_SHIFT = 10 };

#define NONE UINT64_MAX

void limits_begin(struct limit limits[LIMITS])
{
	static const struct limit first[LIMITS] = {
		[RLIMIT_CPU] = { NONE, NONE },
		[RLIMIT_FSIZE] = { NONE, NONE },
		[RLIMIT_DATA] = { NONE, NONE },
		[RLIMIT_STACK] = { 8 << 20, NONE },
		[RLIMIT_CORE] = { 0, NONE },
		[RLIMIT_RSS] = { NONE, NONE },
		[RLIMIT_NPROC] = { NONE, NONE },
		[RLIMIT_NOFILE] = { 1024, 4096 },
		[RLIMIT_MEMLOCK] = { 8 << 20, 8 << 20 },
		[RLIMIT_AS] = { NONE, NONE },
		[RLIMIT_LOCKS] = { NONE, NONE },
		[RLIMIT_SIGPENDING] = { NONE, NONE },
		[RLIMIT_MSGQUEUE] = { 819200, 819200 },
		[RLIMIT_NICE] = { 0, 0 },
		[RLIMIT_RTPRIO] = { 0, 0 },
		[RLIMIT_RTTIME] = { NONE, NONE },
	};

	memcpy(limits, first, sizeof first);
}

static uint64_t limit_pages(uint64_t bytes)
{
	return bytes == NONE ? NONE : bytes >> PAGE_SHIFT;
}

void limits_give(const struct limit limits[LIMITS], struct space *s)
{
	const struct limit *data = &limits[RLIMIT_DATA];
	const uint64_t all = limits[RLIMIT_AS].soft;
	const struct space_limits l = {
		/* Linux lets who has a limit of 0 grow to the hard one (mm/mmap.c). */
		.data_pages = limit_pages(data->soft != 0 ? data->soft : data->hard),
		.stack_bytes = limits[RLIMIT_STACK].soft,
	};

	space_limits_set(s, all == NONE ? 0 : max_u64(limit_pages(all), 1), &l);
}

/* --- limits ----------------------------------------------------------------------------------- */

static int64_t limit_check(const struct task *t, uint32_t which, const struct limit *was,
			   const struct abi_rlimit *now)
{
	if (now->soft > now->hard) return -ERR_INVAL;
	if (which == RLIMIT_NOFILE && now->hard > TABLE_DESCRIPTORS_MAX) return -ERR_PERM;
	return now->hard > was->hard && !right_is_root(t->group) ? -ERR_PERM : 0;
}

struct change {
	uint32_t which;
	bool set;
	struct abi_rlimit now, was;
	process_id process; /* whose it was */
	struct limit limits[LIMITS];
};

static int64_t limit_change_locked(struct task *t, int32_t number, struct change *c)
	REQUIRES(&t->group->world->lock)
{
	struct task_world *w = t->group->world;
	const struct task *who = number == 0 ? t : task_find_locked(w, number);

	if (who == NULL) return -ERR_SRCH;
	if (!right_to_limit_locked(t->group, who->group)) return -ERR_PERM;
	if (c->which >= LIMITS) return -ERR_INVAL;
	struct limit *l = &who->group->limits[c->which];
	const int64_t wrong = c->set ? limit_check(t, c->which, l, &c->now) : 0;
	if (wrong != 0) return wrong;
	c->was = (struct abi_rlimit){ l->soft, l->hard };
	if (c->set) *l = (struct limit){ c->now.soft, c->now.hard };
	if (c->set && c->which == RLIMIT_CPU) cpu_alarm_limit_locked(who->group);
	c->process = who->group->process;
	memcpy(c->limits, who->group->limits, sizeof c->limits);
	return 0;
}

/* Changes the one, or looks at it; the space hears of it. */
static int64_t limit_change(struct task *t, int32_t number, struct change *c)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const int64_t wrong = limit_change_locked(t, number, c);

	lock_drop(&w->lock, was);
	if (wrong != 0 || !c->set) return wrong;
	if (c->which != RLIMIT_AS && c->which != RLIMIT_DATA && c->which != RLIMIT_STACK) return 0;
	struct space *s = process_space_hold(w->config.processes, c->process);
	if (s == NULL) return 0;
	limits_give(c->limits, s);
	space_retire(s);
	return 0;
}

int64_t sys_prlimit64(struct task *t, const uint64_t *arg)
{
	struct change c = { .which = (uint32_t)arg[1], .set = arg[2] != 0 };

	if (c.set && from_user(t, &c.now, arg[2], sizeof c.now) != 0) return -ERR_FAULT;
	const int64_t wrong = limit_change(t, (int32_t)arg[0], &c);
	if (wrong != 0 || arg[3] == 0) return wrong;
	return to_user(t, arg[3], &c.was, sizeof c.was);
}

int64_t sys_getrlimit(struct task *t, const uint64_t *arg)
{
	struct change c = { .which = (uint32_t)arg[0] };
	const int64_t wrong = limit_change(t, 0, &c);

	return wrong != 0 ? wrong : to_user(t, arg[1], &c.was, sizeof c.was);
}

int64_t sys_setrlimit(struct task *t, const uint64_t *arg)
{
	struct change c = { .which = (uint32_t)arg[0], .set = true };

	if (from_user(t, &c.now, arg[1], sizeof c.now) != 0) return -ERR_FAULT;
	return limit_change(t, 0, &c);
}

/* --- use -------------------------------------------------------------------------------------- */

static struct abi_timeval timeval_of(uint64_t ns)
{
	return (struct abi_timeval){ (int64_t)(ns / S_NS), (int64_t)(ns / US_NS % S_US) };
}

struct abi_rusage rusage_of(const struct task_used *used)
{
	return (struct abi_rusage){
		.user = timeval_of(used->user_ns),
		.kernel = timeval_of(used->kernel_ns),
		.maxrss_kib = (int64_t)(used->peak_pages << (PAGE_SHIFT - KIB_SHIFT)),
		.minflt = (int64_t)used->faults,
		.nvcsw = (int64_t)used->waits,
		.nivcsw = (int64_t)used->gives,
	};
}

/* False: nobody is meant by `who`. */
static bool used_by(struct task *t, int32_t who, struct task_used *used)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);

	if (who == RUSAGE_SELF)
		*used = used_by_group_locked(t->group);
	else if (who == RUSAGE_CHILDREN)
		*used = t->group->children;
	else
		*used = used_by_task(t);
	lock_drop(&w->lock, was);
	return who == RUSAGE_SELF || who == RUSAGE_CHILDREN || who == RUSAGE_THREAD;
}

int64_t sys_getrusage(struct task *t, const uint64_t *arg)
{
	const int32_t who = (int32_t)arg[0];
	struct space_counts space;
	struct task_used used;

	if (!used_by(t, who, &used)) return -ERR_INVAL;
	space_count(space_of(t), &space);
	if (who != RUSAGE_CHILDREN) used.peak_pages = max_u64(used.peak_pages, space.peak);
	const struct abi_rusage r = rusage_of(&used);
	return to_user(t, arg[1], &r, sizeof r);
}

int64_t sys_sysinfo(struct task *t, const uint64_t *arg)
{
	struct page_counts pages;
	struct task_world *w = t->group->world;

	page_count(w->config.vm->pages, &pages);
	const mach_irq_t was = lock_take(&w->lock);
	const struct abi_sysinfo info = {
		.uptime_s = (int64_t)(mach_now_ns() / S_NS),
		.totalram = (uint64_t)(pages.total - pages.reserved) << PAGE_SHIFT,
		.freeram = (uint64_t)(pages.free + pages.cached) << PAGE_SHIFT,
		.procs = (uint16_t)min_u64(w->tasks, UINT16_MAX),
		.mem_unit = 1,
	};
	lock_drop(&w->lock, was);
	return to_user(t, arg[0], &info, sizeof info);
}
