/*
 * kfiles.h -- the kernel's files: one tree, filled from the initrd.
 *
 * Boot argument: tmpfs=N, how many MiB the files of one mount may have (default: half of the
 * memory, as in Linux).
 */
#ifndef KERNEL_KFILES_H
#define KERNEL_KFILES_H

#include "kernel/file/tree.h"

extern struct file_world kernel_files;
extern struct file_tree kernel_tree;

/* What the tree has besides what lies in memory. */
struct kfiles_how {
	const struct file_system *const
		*kinds;                      /* generated file systems; NULL ends them; or NULL */
	const struct device *const *devices; /* NULL ends them; or NULL */
	uint64_t (*wall_ns)(void *arg);      /* CLOCK_REALTIME; or NULL */
	void (*random)(void *arg, void *to, size_t bytes); /* what /dev/random gives; or NULL */
	void *arg;
};

/* Makes the tree, with /dev, /dev/console and /root, as Linux has them before it unpacks anything.
 * NULL, or why it cannot be done.  Once, from a thread. */
const char *kfiles_start(const struct kfiles_how *how);

/* Fills it from the initrd, if there is one: false when that is refused, with one line on the
 * console that says why and where. */
bool kfiles_unpack(void);

#endif
