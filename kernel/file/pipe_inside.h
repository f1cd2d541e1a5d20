/*
 * pipe_inside.h -- what pipe.c and fifo.c share: a pipe, and its ends coming and going.
 */
#ifndef KERNEL_FILE_PIPE_INSIDE_H
#define KERNEL_FILE_PIPE_INSIDE_H

#include "kernel/abi.h"
#include "kernel/file/pipe.h"
#include "kernel/file/poll.h"

enum { PIPE_PAGES = PIPE_BYTES / PAGE_SIZE };

/* Bytes that were written together, or fitted behind these. */
struct pipe_piece {
	paddr_t page;       /* PADDR_NONE where there is none */
	uint32_t at, bytes; /* which of them nobody has read */
};

/* Letters: (q) by queue.lock; (f) fixed. */
struct pipe {
	struct wait_queue queue;
	struct poll_source source;
	struct file_world *world;  /* (f) */
	struct node *node;         /* (f) a fifo's, not held: its files hold it; NULL: none */
	uint32_t holders;          /* files, or about to be; atomic; a fifo's by the tree's lock */
	uint32_t head, tail;       /* (q) pieces ever emptied, and ever begun */
	uint32_t filled;           /* (q) bytes in those between them */
	uint32_t readers, writers; /* (q) how many have that end open */
	uint32_t came[2];          /* (q) how often a reader, a writer has come */
	struct pipe_piece pieces[PIPE_PAGES]; /* (q) number n is [n % PIPE_PAGES] */
	paddr_t spare; /* (q) what the next piece is to have, or PADDR_NONE */
};

enum { PIPE_READER, PIPE_WRITER }; /* of `came` */

/* Without ends, and held once; NULL without memory. */
struct pipe *pipe_make(struct file_world *w);
void pipe_free(struct pipe *p);

/* Everybody looks again. */
void pipe_tell_locked(struct pipe *p) REQUIRES(&p->queue.lock);

/* An end or both are open no more: whoever waits for the other side hears of it. */
void pipe_leave(struct pipe *p, bool reader, bool writer);

/* A fifo's; who leaves last takes it from its node.  The node is alive. */
void fifo_release(struct pipe *p);

extern const struct file_ops fifo_ops;

#endif
