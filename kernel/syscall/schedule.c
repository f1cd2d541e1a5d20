/*
 * schedule.c -- the calls about who runs when, and where.
 *
 * Every ordinary task has the scheduler's normal priority: within a priority turns are taken
 * fairly, and a lower one could wait for ever.  A nice value makes a task's turns longer or
 * shorter, each step by a quarter, as Linux's weights do, so of tasks that want to run all the time
 * each has Linux's share of the CPU; but no turn is longer than LONGEST usual ones, so what is
 * nicer than about -9 has no more than that, and the others do not wait too long.  SCHED_BATCH is
 * as SCHED_NORMAL; SCHED_IDLE has the shortest turns.  The 99 priorities of SCHED_FIFO and SCHED_RR
 * are three above all these.  Both take turns at the end of a slice.
 *
 * Who may do what to whom is Linux's (kernel/sched/core.c, kernel/sys.c), without capabilities.
 *
 * Locks: the tasks', for the task that is meant and what it wants; the scheduler hears of it later,
 * by a thread's id, which names nobody when that one has ended.
 */
#include "kernel/syscall/schedule.h"

#include "kernel/syscall/user.h"
#include "kernel/task/right.h"

enum {
	RT_MAX = 99,
	RR_NS = 100000000, /* what Linux tells of SCHED_RR */
	NICE_LEAST = -20,
	NICE_MOST = 19,
	CPU_SET_BYTES = 8, /* what the kernel has of a cpu_set_t */
	LONGEST = 8,       /* usual turns that one may be as long as */
};

unsigned schedule_priority(const struct task_schedule *s)
{
	if (s->policy != SCHED_FIFO && s->policy != SCHED_RR) return PRIORITY_NORMAL;
	return PRIORITY_NORMAL - 1 - s->priority * 3u / (RT_MAX + 1);
}

uint64_t schedule_slice_ns(const struct task_schedule *s, uint64_t usual_ns)
{
	const int nice = s->policy == SCHED_IDLE ? NICE_MOST : s->nice;
	uint64_t ns = usual_ns;

	if (s->priority != 0) return usual_ns;
	for (int n = 0; n < nice; n++) ns -= ns / 5;
	for (int n = 0; n > nice && ns / LONGEST < usual_ns; n--) ns += ns / 4;
	return max_u64(min_u64(ns, usual_ns * LONGEST), 1);
}

/* A thread is scheduled as its task wants it from now on. */
static void apply(struct task_world *w, thread_id thread, const struct task_schedule *s)
{
	struct sched *sched = w->config.sched;

	if (!sched_set_priority(sched, thread, schedule_priority(s))) return; /* it has ended */
	(void)sched_set_slice(sched, thread, schedule_slice_ns(s, sched->config.slice_ns));
}

/* The one with that number; 0: the caller; NULL. */
static struct task *task_named_locked(struct task *t, int32_t number)
{
	return number == 0 ? t : task_find_locked(t->group->world, number);
}

int64_t sys_sched_yield(struct task *t, const uint64_t *arg)
{
	(void)arg;
	sched_yield_cpu(config_of(t)->sched);
	mach_relax(); /* who spins by yielding lets another emulated CPU have its turn */
	return 0;
}

/* --- where ------------------------------------------------------------------------------------ */

static uint32_t all_cpus(const struct task *t)
{
	return (1u << config_of(t)->sched->config.cpus) - 1;
}

static int64_t set_affinity(struct task *t, int32_t number, uint32_t cpus)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	struct task *who = task_named_locked(t, number);
	const thread_id thread = who != NULL ? who->thread : THREAD_NONE;

	const bool may = who != NULL && right_to_schedule_locked(t->group, who->group);
	if (may && cpus != 0) who->schedule.cpus = cpus;
	lock_drop(&w->lock, was);
	if (who == NULL) return -ERR_SRCH;
	if (!may) return -ERR_PERM;
	if (cpus == 0) return -ERR_INVAL;
	(void)sched_set_affinity(w->config.sched, thread, cpus); /* or it has ended */
	return 0;
}

int64_t sys_sched_setaffinity(struct task *t, const uint64_t *arg)
{
	uint64_t set = 0;
	const size_t bytes = min_u64((uint32_t)arg[1], sizeof set);

	if (from_user(t, &set, arg[2], bytes) != 0) return -ERR_FAULT;
	const int64_t answer = set_affinity(t, (int32_t)arg[0], (uint32_t)set & all_cpus(t));
	if (answer == 0) sched_yield_cpu(config_of(t)->sched); /* to where we may be */
	return answer;
}

int64_t sys_sched_getaffinity(struct task *t, const uint64_t *arg)
{
	struct task_world *w = t->group->world;
	const uint32_t room = (uint32_t)arg[1];
	uint64_t set = 0;

	if (room * 8ull < config_of(t)->sched->config.cpus || room % sizeof set != 0)
		return -ERR_INVAL;
	const mach_irq_t was = lock_take(&w->lock);
	const struct task *who = task_named_locked(t, (int32_t)arg[0]);
	if (who != NULL) set = who->schedule.cpus != 0 ? who->schedule.cpus : all_cpus(t);
	lock_drop(&w->lock, was);
	if (who == NULL) return -ERR_SRCH;
	if (to_user(t, arg[2], &set, sizeof set) != 0) return -ERR_FAULT;
	return CPU_SET_BYTES;
}

int64_t sys_getcpu(struct task *t, const uint64_t *arg)
{
	const uint32_t cpu = mach_cpu(), node = 0;

	if (arg[0] != 0 && to_user(t, arg[0], &cpu, sizeof cpu) != 0) return -ERR_FAULT;
	return arg[1] == 0 ? 0 : to_user(t, arg[1], &node, sizeof node);
}

/* --- policies --------------------------------------------------------------------------------- */

static bool policy_is_real_time(int32_t policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_is_known(int32_t policy)
{
	return policy_is_real_time(policy) || policy == SCHED_NORMAL || policy == SCHED_BATCH ||
	       policy == SCHED_IDLE;
}

/* `policy` -1: as it is. */
static int64_t schedule_change(struct task_schedule *s, int32_t policy, int32_t priority)
{
	if (policy >= 0) {
		s->reset = (policy & SCHED_RESET_ON_FORK) != 0;
		policy &= ~SCHED_RESET_ON_FORK;
		if (!policy_is_known(policy)) return -ERR_INVAL;
		s->policy = (uint8_t)policy;
	}
	if (priority < 0 || priority > RT_MAX) return -ERR_INVAL;
	if (policy_is_real_time(s->policy) != (priority != 0)) return -ERR_INVAL;
	s->priority = (uint8_t)priority;
	return 0;
}

/* Whether a task may be as nice as that, by its own limit (RLIMIT_NICE: 20 is 0, 40 is -20). */
static bool may_be_nice(const struct task *who, int nice)
{
	return (uint64_t)(20 - nice) <= who->group->limits[RLIMIT_NICE].soft;
}

/* Whether who is not root may change `who` to `to`. */
static bool may_change_locked(struct task *t, const struct task *who,
			      const struct task_schedule *to) REQUIRES(&t->group->world->lock)
{
	const struct task_schedule *is = &who->schedule;
	const uint64_t most = who->group->limits[RLIMIT_RTPRIO].soft;

	if (right_is_root(t->group)) return true;
	if (policy_is_real_time(to->policy)) {
		if (to->policy != is->policy && most == 0) return false;
		if (to->priority > is->priority && to->priority > most) return false;
	}
	if (is->policy == SCHED_IDLE && to->policy != SCHED_IDLE && !may_be_nice(who, is->nice))
		return false;
	if (is->reset && !to->reset) return false;
	return right_to_schedule_locked(t->group, who->group);
}

static int64_t schedule_set(struct task *t, int32_t number, int32_t policy, uint64_t param)
{
	struct task_world *w = t->group->world;
	struct task_schedule s = { .policy = SCHED_NORMAL };
	thread_id thread = THREAD_NONE;
	int64_t answer = -ERR_SRCH;
	int32_t priority;

	if (param == 0 || number < 0) return -ERR_INVAL;
	if (from_user(t, &priority, param, sizeof priority) != 0) return -ERR_FAULT;
	const mach_irq_t was = lock_take(&w->lock);
	struct task *who = task_named_locked(t, number);
	if (who != NULL) {
		s = who->schedule;
		thread = who->thread;
		answer = schedule_change(&s, policy, priority);
		if (answer == 0 && !may_change_locked(t, who, &s)) answer = -ERR_PERM;
	}
	if (answer == 0) who->schedule = s;
	lock_drop(&w->lock, was);
	if (answer == 0) apply(w, thread, &s);
	return answer;
}

int64_t sys_sched_setscheduler(struct task *t, const uint64_t *arg)
{
	if ((int32_t)arg[1] < 0) return -ERR_INVAL;
	return schedule_set(t, (int32_t)arg[0], (int32_t)arg[1], arg[2]);
}

int64_t sys_sched_setparam(struct task *t, const uint64_t *arg)
{
	return schedule_set(t, (int32_t)arg[0], -1, arg[1]);
}

/* 0 or -ERR_SRCH. */
static int schedule_get(struct task *t, int32_t number, struct task_schedule *s)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const struct task *who = task_named_locked(t, number);

	if (who != NULL) *s = who->schedule;
	lock_drop(&w->lock, was);
	return who != NULL ? 0 : -ERR_SRCH;
}

int64_t sys_sched_getscheduler(struct task *t, const uint64_t *arg)
{
	struct task_schedule s;

	if ((int32_t)arg[0] < 0) return -ERR_INVAL;
	const int wrong = schedule_get(t, (int32_t)arg[0], &s);
	if (wrong != 0) return wrong;
	return s.policy | (s.reset ? SCHED_RESET_ON_FORK : 0);
}

int64_t sys_sched_getparam(struct task *t, const uint64_t *arg)
{
	struct task_schedule s;

	if (arg[1] == 0 || (int32_t)arg[0] < 0) return -ERR_INVAL;
	const int wrong = schedule_get(t, (int32_t)arg[0], &s);
	if (wrong != 0) return wrong;
	const int32_t priority = s.priority;
	return to_user(t, arg[1], &priority, sizeof priority);
}

static int64_t priority_bound(int32_t policy, int64_t real_time)
{
	if (policy_is_real_time(policy)) return real_time;
	return policy_is_known(policy) || policy == SCHED_DEADLINE ? 0 : -ERR_INVAL;
}

int64_t sys_sched_get_priority_max(struct task *t, const uint64_t *arg)
{
	(void)t;
	return priority_bound((int32_t)arg[0], RT_MAX);
}

int64_t sys_sched_get_priority_min(struct task *t, const uint64_t *arg)
{
	(void)t;
	return priority_bound((int32_t)arg[0], 1);
}

int64_t sys_sched_rr_get_interval(struct task *t, const uint64_t *arg)
{
	struct abi_timespec time = { 0, 0 };
	struct task_schedule s;

	if ((int32_t)arg[0] < 0) return -ERR_INVAL;
	const int wrong = schedule_get(t, (int32_t)arg[0], &s);
	if (wrong != 0) return wrong;
	if (s.policy == SCHED_RR)
		time.ns = RR_NS;
	else if (s.policy != SCHED_FIFO)
		time.ns = (int64_t)schedule_slice_ns(&s, config_of(t)->sched->config.slice_ns);
	return to_user(t, arg[1], &time, sizeof time);
}

/* --- nice values ------------------------------------------------------------------------------ */

static bool is_meant(const struct task *who, const struct task *t, int32_t which, int32_t number)
{
	const uint32_t *own = t->group->uid, *uid = who->group->uid;

	if (which == PRIO_PROCESS) return number == 0 ? who == t : who->tid == number;
	if (which == PRIO_USER)
		return uid[ID_REAL] == (number == 0 ? own[ID_REAL] : (uint32_t)number);
	return who->group->pgid == (number == 0 ? t->group->pgid : number);
}

/* 0, or why it is not so nice now. */
static int set_nice_locked(struct task *t, struct task *who, int32_t nice)
	REQUIRES(&t->group->world->lock)
{
	if (!right_to_schedule_locked(t->group, who->group)) return -ERR_PERM;
	if (nice < who->schedule.nice && !right_is_root(t->group) && !may_be_nice(who, nice))
		return -ERR_ACCES;
	who->schedule.nice = (int8_t)nice;
	apply(t->group->world, who->thread, &who->schedule);
	return 0;
}

/* Of all that are meant the most that 20 - nice is; `set` not NULL: they get that one, and the
 * answer is 0, or an error.  -ERR_SRCH: nobody is meant. */
static int32_t nice_of_locked(struct task *t, int32_t which, int32_t number, const int32_t *set)
	REQUIRES(&t->group->world->lock)
{
	struct task_world *w = t->group->world;
	int32_t answer = -ERR_SRCH, wrong = 0;

	for (struct task *who = task_next_locked(w, NULL); who != NULL;
	     who = task_next_locked(w, who)) {
		if (!is_meant(who, t, which, number)) continue;
		if (set != NULL) {
			wrong = set_nice_locked(t, who, *set);
			if (wrong != 0 || answer == -ERR_SRCH) answer = wrong;
		} else {
			const int32_t less = 20 - who->schedule.nice;
			if (less > answer) answer = less;
		}
	}
	return answer;
}

static int32_t nice_of(struct task *t, const uint64_t *arg, const int32_t *set)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const int32_t answer = nice_of_locked(t, (int32_t)arg[0], (int32_t)arg[1], set);

	lock_drop(&w->lock, was);
	return answer;
}

int64_t sys_setpriority(struct task *t, const uint64_t *arg)
{
	int32_t nice = (int32_t)arg[2];

	if (arg[0] > PRIO_USER) return -ERR_INVAL;
	if (nice < NICE_LEAST) nice = NICE_LEAST;
	if (nice > NICE_MOST) nice = NICE_MOST;
	return nice_of(t, arg, &nice);
}

/* The answer is 20 - nice: 1 to 40. */
int64_t sys_getpriority(struct task *t, const uint64_t *arg)
{
	return arg[0] > PRIO_USER ? -ERR_INVAL : nice_of(t, arg, NULL);
}
