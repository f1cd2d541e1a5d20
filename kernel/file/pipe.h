/*
 * pipe.h -- pipes: 16 pages between who writes and who reads; with a name in the tree (a fifo) or
 * without one.
 *
 * Files that read, write, or both, over one buffer, which is 64 KiB if it is written in whole
 * pages, and less otherwise, as Linux's.  A write of up to PIPE_ATOMIC bytes goes in
 * whole or not at all, and is not mixed with others.  Reading an empty pipe waits for a writer;
 * without any it is the end.  Writing to a full one waits for a reader; without any it is
 * -ERR_PIPE, and who made the call sends SIGPIPE.  With O_NONBLOCK nothing waits: -ERR_AGAIN.
 */
#ifndef KERNEL_FILE_PIPE_H
#define KERNEL_FILE_PIPE_H

#include "kernel/file/file.h"

enum {
	PIPE_BYTES = 64 << 10,
	PIPE_ATOMIC = 4096, /* Linux's PIPE_BUF */
};

/* The two ends, each held once for the caller, with `flags` (O_NONBLOCK, O_DIRECT) besides.  0,
 * -ERR_NOMEM or -ERR_NFILE, and then there are none. */
int pipe_open(struct file_world *w, uint32_t flags, struct file **reader, struct file **writer);

/* A file of a fifo's node.  Opened for reading or for writing alone it waits until somebody has the
 * other end, too; with O_NONBLOCK a writer without readers gets -ERR_NXIO instead.  NULL and
 * *error, which is RESTART_SYS when a signal ended the waiting. */
struct file *fifo_open(struct node *n, uint32_t flags, int *error);

/* Whether `f` is an end of a pipe: who writes to one that nobody reads gets SIGPIPE. */
bool file_is_pipe(const struct file *f);

#endif
