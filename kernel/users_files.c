/*
 * users_files.c -- the kernel's tree of files: which file systems there are, which devices.
 *
 * Locks: none here.
 */
#include "kernel/abi.h"
#include "kernel/file/device.h"
#include "kernel/kfiles.h"
#include "kernel/ktty.h"
#include "kernel/procfs/proc.h"
#include "kernel/users_inside.h"

static struct file *open_serial(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	(void)v;
	return tty_open(&kernel_tty, &kernel_files, flags, n, false, error);
}

static struct file *open_console(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	(void)v;
	return tty_open(&kernel_tty, &kernel_files, flags, n, true, error);
}

static struct file *open_own(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	*error = -ERR_NXIO;
	return tty_is_callers(&kernel_tty) ? open_serial(n, v, flags, error) : NULL;
}

/* Every name that the one terminal has. */
static const struct device console = { 5, 1, "console", 0600, open_console };
static const struct device own = { 5, 0, "tty", 0666, open_own };
static const struct device serial = { 204, 64, "ttyAMA0", 0600, open_serial };
static const struct device *const devices[] = {
	&device_null, &device_zero, &device_full, &device_random, &device_urandom,
	&console,     &own,         &serial,      NULL,
};

static struct file_system proc;
static const struct file_system *const kinds[] = { &proc, NULL };

const char *users_files_start(void)
{
	const struct kfiles_how how = {
		.kinds = kinds,
		.devices = devices,
		.wall_ns = users_wall_ns,
		.random = users_random,
	};
	proc_system(&proc, &kernel_tasks);
	const char *wrong = kfiles_start(&how);

	if (wrong != NULL) return wrong;
	return kfiles_unpack() ? NULL : "the initrd is no archive of files";
}

struct file *users_console(int *error)
{
	const struct view root = { .tree = &kernel_tree };

	return tree_open(&root, "/dev/console", O_RDWR, 0, error);
}
