/*
 * identity.c -- the calls about who a task is and what machine it is on.
 *
 * A group has user and group numbers, as set by who may: root any, others those they have.  What
 * they decide is how many tasks a user may have (RLIMIT_NPROC); nothing else asks for them yet.
 *
 * Locks: the tasks', for names.
 */
#include "kernel/syscall/identity.h"

#include "kernel/syscall/user.h"

/* --- users ------------------------------------------------------------------------------------ */

enum { REAL, EFFECTIVE, SAVED, IDS };

#define KEEP UINT32_MAX

int64_t sys_getuid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return atomic_load_u32(&t->group->uid[REAL]);
}

int64_t sys_geteuid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return atomic_load_u32(&t->group->uid[EFFECTIVE]);
}

int64_t sys_getgid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return atomic_load_u32(&t->group->gid[REAL]);
}

int64_t sys_getegid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return atomic_load_u32(&t->group->gid[EFFECTIVE]);
}

/* Whether who is not root may become that: what it is, or was, among the first `many`. */
static bool has_id(const uint32_t ids[IDS], uint32_t id, uint32_t many)
{
	for (uint32_t n = 0; n < many; n++)
		if (ids[n] == id) return true;
	return id == KEEP;
}

static bool is_root(const struct task *t)
{
	return atomic_load_u32(&t->group->uid[EFFECTIVE]) == 0;
}

/* Changes `ids` of the caller's group to those of `to` that are not KEEP. */
static int64_t change_ids(struct task *t, uint32_t ids[IDS], const uint32_t to[IDS])
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);

	for (uint32_t n = 0; n < IDS; n++)
		if (to[n] != KEEP) atomic_store_u32(&ids[n], to[n]);
	lock_drop(&w->lock, was);
	return 0;
}

static int64_t set_id(struct task *t, uint32_t ids[IDS], uint32_t id)
{
	const uint32_t all[IDS] = { id, id, id }, one[IDS] = { KEEP, id, KEEP };

	if (id == KEEP) return -ERR_INVAL;
	if (is_root(t)) return change_ids(t, ids, all);
	if (id != ids[REAL] && id != ids[SAVED]) return -ERR_PERM;
	return change_ids(t, ids, one);
}

static int64_t set_two_ids(struct task *t, uint32_t ids[IDS], const uint64_t *arg)
{
	uint32_t to[IDS] = { (uint32_t)arg[0], (uint32_t)arg[1], KEEP };

	if (!is_root(t) && (!has_id(ids, to[REAL], SAVED) || !has_id(ids, to[EFFECTIVE], IDS)))
		return -ERR_PERM;
	if (to[REAL] != KEEP || (to[EFFECTIVE] != KEEP && to[EFFECTIVE] != ids[REAL]))
		to[SAVED] = to[EFFECTIVE] != KEEP ? to[EFFECTIVE] : ids[EFFECTIVE];
	return change_ids(t, ids, to);
}

static int64_t set_three_ids(struct task *t, uint32_t ids[IDS], const uint64_t *arg)
{
	const uint32_t to[IDS] = { (uint32_t)arg[0], (uint32_t)arg[1], (uint32_t)arg[2] };

	for (uint32_t n = 0; n < IDS; n++)
		if (!is_root(t) && !has_id(ids, to[n], IDS)) return -ERR_PERM;
	return change_ids(t, ids, to);
}

static int64_t get_three_ids(struct task *t, const uint32_t ids[IDS], const uint64_t *arg)
{
	for (uint32_t n = 0; n < IDS; n++)
		if (to_user(t, arg[n], &ids[n], sizeof ids[n]) != 0) return -ERR_FAULT;
	return 0;
}

int64_t sys_setuid(struct task *t, const uint64_t *arg)
{
	return set_id(t, t->group->uid, (uint32_t)arg[0]);
}

int64_t sys_setgid(struct task *t, const uint64_t *arg)
{
	return set_id(t, t->group->gid, (uint32_t)arg[0]);
}

int64_t sys_setreuid(struct task *t, const uint64_t *arg)
{
	return set_two_ids(t, t->group->uid, arg);
}

int64_t sys_setregid(struct task *t, const uint64_t *arg)
{
	return set_two_ids(t, t->group->gid, arg);
}

int64_t sys_setresuid(struct task *t, const uint64_t *arg)
{
	return set_three_ids(t, t->group->uid, arg);
}

int64_t sys_setresgid(struct task *t, const uint64_t *arg)
{
	return set_three_ids(t, t->group->gid, arg);
}

int64_t sys_getresuid(struct task *t, const uint64_t *arg)
{
	return get_three_ids(t, t->group->uid, arg);
}

int64_t sys_getresgid(struct task *t, const uint64_t *arg)
{
	return get_three_ids(t, t->group->gid, arg);
}

/* Those of file systems are the effective ones, and stay: the answer is what they were. */
int64_t sys_setfsuid(struct task *t, const uint64_t *arg)
{
	return sys_geteuid(t, arg);
}

int64_t sys_setfsgid(struct task *t, const uint64_t *arg)
{
	return sys_getegid(t, arg);
}

int64_t sys_getgroups(struct task *t, const uint64_t *arg)
{
	(void)t;
	return (int32_t)arg[0] < 0 ? -ERR_INVAL : 0; /* none beside the first */
}

int64_t sys_setgroups(struct task *t, const uint64_t *arg)
{
	if (!is_root(t)) return -ERR_PERM;
	return (int32_t)arg[0] == 0 ? 0 : -ERR_INVAL;
}

/* --- the machine ------------------------------------------------------------------------------ */

void host_names_begin(struct task_world *w)
{
	memcpy(w->host, "anvil", sizeof "anvil");
	memcpy(w->domain, "(none)", sizeof "(none)");
}

int64_t sys_uname(struct task *t, const uint64_t *arg)
{
	struct task_world *w = t->group->world;
	struct abi_utsname names = {
		.sysname = "Linux",
		.release = "6.1.0-anvil",
		.version = "#1 SMP Anvil",
		.machine = "aarch64",
	};

	_Static_assert((int)HOST_BYTES == (int)UTS_BYTES, "as long as what programs get");
	const mach_irq_t was = lock_take(&w->lock);
	memcpy(names.nodename, w->host, sizeof names.nodename);
	memcpy(names.domainname, w->domain, sizeof names.domainname);
	lock_drop(&w->lock, was);
	return to_user(t, arg[0], &names, sizeof names);
}

static int64_t set_name(struct task *t, char *name, const uint64_t *arg)
{
	struct task_world *w = t->group->world;
	char now[HOST_BYTES] = { 0 };
	const int32_t bytes = (int32_t)arg[1];

	if (bytes < 0 || bytes >= HOST_BYTES) return -ERR_INVAL;
	if (from_user(t, now, arg[0], (size_t)bytes) != 0) return -ERR_FAULT;
	const mach_irq_t was = lock_take(&w->lock);
	memcpy(name, now, sizeof now);
	lock_drop(&w->lock, was);
	return 0;
}

int64_t sys_sethostname(struct task *t, const uint64_t *arg)
{
	return set_name(t, t->group->world->host, arg);
}

int64_t sys_setdomainname(struct task *t, const uint64_t *arg)
{
	return set_name(t, t->group->world->domain, arg);
}

int64_t sys_reboot(struct task *t, const uint64_t *arg)
{
	const struct task_machine *m = &config_of(t)->machine;
	const uint32_t magic = (uint32_t)arg[1];

	if ((uint32_t)arg[0] != REBOOT_MAGIC1) return -ERR_INVAL;
	if (magic != REBOOT_MAGIC2 && magic != REBOOT_MAGIC2A && magic != REBOOT_MAGIC2B &&
	    magic != REBOOT_MAGIC2C)
		return -ERR_INVAL;
	switch ((uint32_t)arg[2]) {
	case REBOOT_RESTART:
	case REBOOT_RESTART2: m->power_off(m->arg, true);
	case REBOOT_HALT:
	case REBOOT_POWER_OFF: m->power_off(m->arg, false);
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF: return 0;
	default: return -ERR_INVAL;
	}
}

/* The kernel's log is the console: there is nothing to be read here. */
int64_t sys_syslog(struct task *t, const uint64_t *arg)
{
	(void)t;
	return (uint32_t)arg[0] <= 10 ? 0 : -ERR_INVAL;
}

/* --- prctl ------------------------------------------------------------------------------------ */

static int64_t set_task_name(struct task *t, uint64_t from)
{
	struct task_world *w = t->group->world;
	char name[NAME_BYTES] = { 0 };
	const int64_t bytes = user_string_in(space_of(t), name, from, NAME_BYTES);

	if (bytes == -ERR_FAULT) return -ERR_FAULT;
	name[NAME_BYTES - 1] = 0; /* what is too long is cut off */
	const mach_irq_t was = lock_take(&w->lock);
	memcpy(t->name, name, sizeof name);
	lock_drop(&w->lock, was);
	return 0;
}

/* Whether the last four arguments are these: what Linux demands of some. */
static bool only(const uint64_t *arg, uint64_t first)
{
	return arg[1] == first && arg[2] == 0 && arg[3] == 0 && arg[4] == 0;
}

static int64_t get_subreaper(struct task *t, uint64_t to)
{
	const int32_t takes = process_takes_in(config_of(t)->processes);

	return to_user(t, to, &takes, sizeof takes);
}

int64_t sys_prctl(struct task *t, const uint64_t *arg)
{
	switch ((int32_t)arg[0]) {
	case PR_SET_NAME: return set_task_name(t, arg[1]);
	case PR_GET_NAME: return to_user(t, arg[1], t->name, NAME_BYTES);
	case PR_SET_PDEATHSIG:
		if (arg[1] > SIGNALS) return -ERR_INVAL;
		t->death_signal = (int32_t)arg[1];
		return 0;
	case PR_GET_PDEATHSIG: return to_user(t, arg[1], &t->death_signal, sizeof(int32_t));
	case PR_GET_DUMPABLE: return 1;
	case PR_SET_DUMPABLE: return arg[1] <= 1 ? 0 : -ERR_INVAL;
	case PR_GET_KEEPCAPS: return 0;
	case PR_CAPBSET_READ: return arg[1] <= 40 ? 1 : -ERR_INVAL;
	case PR_GET_TIMERSLACK: return 50000;
	case PR_SET_TIMERSLACK: return 0;
	case PR_SET_NO_NEW_PRIVS: return only(arg, 1) ? 0 : -ERR_INVAL;
	case PR_GET_NO_NEW_PRIVS: return only(arg, 0) ? 0 : -ERR_INVAL;
	case PR_GET_THP_DISABLE: return only(arg, 0) ? 0 : -ERR_INVAL;
	case PR_SET_CHILD_SUBREAPER:
		process_take_in_below(config_of(t)->processes, arg[1] != 0);
		return 0;
	case PR_GET_CHILD_SUBREAPER: return get_subreaper(t, arg[1]);
	case PR_GET_TID_ADDRESS: return to_user(t, arg[1], &t->clear_tid, sizeof t->clear_tid);
	default: return -ERR_INVAL;
	}
}

int64_t sys_personality(struct task *t, const uint64_t *arg)
{
	(void)t;
	return (uint32_t)arg[0] == 0 || (uint32_t)arg[0] == UINT32_MAX ? 0 : -ERR_INVAL;
}

/* What every C library asks for at its start and can do without: not worth a line in the log. */
int64_t sys_absent(struct task *t, const uint64_t *arg)
{
	(void)t, (void)arg;
	return -ERR_NOSYS;
}
