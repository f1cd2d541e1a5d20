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
};

/* Moves up to `bytes` on; how many went: fewer where the pieces end, or where memory could not be
 * touched (io_faulted() then).  No lock of rank RANK_SPACE or above is held. */
size_t io_put(struct io *to, const void *from, size_t bytes);
size_t io_get(struct io *from, void *to, size_t bytes);

#endif
