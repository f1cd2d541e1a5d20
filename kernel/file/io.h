/*
 * io.h -- where the bytes of a read or a write go to or come from: pieces of one user's memory, or
 * of the kernel's own.
 */
#ifndef KERNEL_FILE_IO_H
#define KERNEL_FILE_IO_H

#include "mm/usercopy.h"

enum { IO_PIECES_MAX = 1024 }; /* Linux's UIO_MAXIOV */

struct io_piece {
	uint64_t at, bytes;
};

struct io {
	struct space *space;           /* NULL: `at` are addresses of the kernel's memory */
	const struct io_piece *pieces; /* the kernel's copy of an iovec */
	uint32_t count, piece;         /* how many, and which is next */
	uint64_t done;                 /* of that piece */
	uint64_t left;                 /* bytes in all that have not been moved */
	bool faulted;                  /* memory could not be touched: nothing moves any more */
	uint64_t most;                 /* no file is written to from here on: a caller's limit */
	bool beyond;                   /* nothing was written because of that */
};

/* All of the `count` pieces; together they are no more than INT64_MAX bytes.  `most` is none. */
void io_open(struct io *io, struct space *space, const struct io_piece *pieces, uint32_t count);

/* Of one piece of the kernel's memory, which `piece` is set to and outlives the io. */
void io_open_kernel(struct io *io, struct io_piece *piece, void *at, size_t bytes);

/* Moves up to `bytes` on; how many went: fewer where the pieces end, or where memory could not be
 * touched (`faulted` then).  No lock of rank RANK_SPACE or above is held. */
size_t io_put(struct io *to, const void *from, size_t bytes);
size_t io_get(struct io *from, void *to, size_t bytes);
size_t io_zero(struct io *to, size_t bytes); /* puts zeroes */
size_t io_skip(struct io *io, size_t bytes); /* touches nothing */

/* Whether the next byte can be had, which moves nothing. */
bool io_is_there(struct io *from);

/* What a call answers that moved `bytes`: these, or -ERR_FAULT where a fault let none through. */
static inline int64_t io_answer(const struct io *io, uint64_t bytes)
{
	return bytes == 0 && io->faulted ? -ERR_FAULT : (int64_t)bytes;
}

#endif
