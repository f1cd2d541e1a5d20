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

static struct file *open_terminal(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	(void)v;
	return file_create(&kernel_files, &tty_ops, flags, n, &kernel_tty, error);
}

/* Every name that the one terminal has. */
static const struct device console = { 5, 1, "console", 0600, open_terminal };
static const struct device own = { 5, 0, "tty", 0666, open_terminal };
static const struct device serial = { 204, 64, "ttyAMA0", 0600, open_terminal };
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
