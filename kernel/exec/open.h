/*
 * open.h -- programs come from the tree of files: what struct exec_config asks for.
 */
#ifndef KERNEL_EXEC_OPEN_H
#define KERNEL_EXEC_OPEN_H

#include "kernel/exec/exec.h"

/* For exec_config.open and .close; see there. */
int exec_open_in_tree(struct task *t, int folder, const char *path, uint32_t flags,
		      struct file **out);
bool exec_close_files(struct task *t);

#endif
