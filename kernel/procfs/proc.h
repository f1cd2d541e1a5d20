/*
 * proc.h -- /proc: what the kernel tells of itself and of processes, in Linux's formats.
 *
 * A file system that is generated: its nodes are made when somebody looks and keep nothing but
 * their number, which says what they are.  A file's text is made when it is read from its start,
 * and stays as it is until then.
 *
 * Numbers are the kernel's own counters, those that memstat and the suite read.  What this kernel
 * does not have (swap, network, several users) is 0 or not there.
 */
#ifndef KERNEL_PROCFS_PROC_H
#define KERNEL_PROCFS_PROC_H

#include "kernel/file/tree.h"
#include "kernel/task/task.h"

/* The file system "proc" of a world, for tree_config.kinds; it lives as long as the tree does. */
void proc_system(struct file_system *out, struct task_world *w);

#endif
