/*
 * identity.c -- the calls about what machine a task is on: its names, its end.
 *
 * Locks: the tasks', for names.
 */
#include "kernel/syscall/identity.h"

#include "kernel/syscall/user.h"

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
