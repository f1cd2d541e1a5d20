/*
 * kinds.c -- the file systems that are kept in memory.
 *
 * They differ in name and in what is there at the start: nothing, or, for /dev, a node for each
 * device that the tree was told of.
 *
 * Cost: mounting /dev a node for each device.
 */
#include "kernel/file/tree_inside.h"

enum { TMPFS_MAGIC = 0x01021994 };

/* As makedev() has it. */
static uint64_t device_number(const struct device *d)
{
	return (d->minor & 0xff) | (uint64_t)d->major << 8 | (uint64_t)(d->minor & ~0xffu) << 12;
}

static int devices_make(struct file_tree *t, struct node *root, void *arg)
{
	const struct device *const *d = t->config.devices;
	int error = 0;

	(void)arg;
	for (; d != NULL && *d != NULL && error == 0; d++) {
		const struct node_how how = { .mode = S_IFCHR | (*d)->permissions,
					      .device = device_number(*d) };
		size_t bytes = 0;
		while ((*d)->name[bytes] != 0) bytes++;
		error = tree_make(root, (*d)->name, bytes, &how, NULL);
	}
	return error;
}

const struct file_system kind_rootfs = { .name = "rootfs", .magic = TMPFS_MAGIC };
const struct file_system kind_tmpfs = { .name = "tmpfs",
					.magic = TMPFS_MAGIC,
					.permissions = 01777 };
const struct file_system kind_devtmpfs = { .name = "devtmpfs",
					   .magic = TMPFS_MAGIC,
					   .mount = devices_make };
