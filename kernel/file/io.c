/*
 * io.c -- bytes to and from pieces of memory, of a user's space or of the kernel.
 *
 * A move goes piece by piece and stops at the first byte that cannot be touched; what was moved
 * before stays moved and is told, as Linux does it.  From then on the io moves nothing: who looks
 * at `left` alone would go on behind a hole.
 *
 * Always true: `left` is what is behind `done` of piece `piece` and in all after it.
 *
 * Locks: none; those of usercopy are taken for each page.  Cost: usercopy's.
 */
#include "kernel/file/io.h"

void io_open(struct io *io, struct space *space, const struct io_piece *pieces, uint32_t count)
{
	ASSERT(count <= IO_PIECES_MAX);
	*io = (struct io){ .space = space, .pieces = pieces, .count = count, .most = UINT64_MAX };
	for (uint32_t i = 0; i < count; i++) io->left += pieces[i].bytes;
	ASSERT(io->left <= INT64_MAX);
}

void io_open_kernel(struct io *io, struct io_piece *piece, void *at, size_t bytes)
{
	*piece = (struct io_piece){ (uintptr_t)at, bytes };
	io_open(io, NULL, piece, 1);
}

/* Moves `bytes` at `user` of the io's memory; how many were not. */
static size_t io_move(struct io *io, uint64_t user, void *put, void *get, size_t bytes)
{
	if (io->space == NULL) {
		void *at = (void *)(uintptr_t)user;
		if (get != NULL)
			memcpy(get, at, bytes);
		else if (put != NULL)
			memcpy(at, put, bytes);
		else
			memset(at, 0, bytes);
		return 0;
	}
	if (get != NULL) return user_copy_in(io->space, get, user, bytes);
	if (put != NULL) return user_copy_out(io->space, user, put, bytes);
	return user_fill_zero(io->space, user, bytes);
}

static void io_advance(struct io *io, size_t bytes)
{
	io->done += bytes;
	io->left -= bytes;
}

/* The bytes that can be moved next in one go, up to `bytes`; 0: there are none. */
static size_t io_next(struct io *io, size_t bytes)
{
	if (io->faulted || io->left == 0) return 0;
	while (io->pieces[io->piece].bytes == io->done) {
		ASSERT(io->piece + 1 < io->count);
		io->piece++;
		io->done = 0;
	}
	return min_u64(bytes, io->pieces[io->piece].bytes - io->done);
}

static size_t io_run(struct io *io, uint8_t *put, uint8_t *get, size_t bytes)
{
	size_t moved = 0, n;

	while (moved < bytes && (n = io_next(io, bytes - moved)) != 0) {
		const uint64_t user = io->pieces[io->piece].at + io->done;
		const size_t missing = io_move(io, user, put == NULL ? NULL : put + moved,
					       get == NULL ? NULL : get + moved, n);
		ASSERT(missing <= n);
		io_advance(io, n - missing);
		moved += n - missing;
		io->faulted = missing != 0;
	}
	return moved;
}

size_t io_put(struct io *to, const void *from, size_t bytes)
{
	ASSERT(from != NULL);
	return io_run(to, (uint8_t *)(uintptr_t)from, NULL, bytes);
}

size_t io_get(struct io *from, void *to, size_t bytes)
{
	ASSERT(to != NULL);
	return io_run(from, NULL, to, bytes);
}

size_t io_zero(struct io *to, size_t bytes)
{
	return io_run(to, NULL, NULL, bytes);
}

size_t io_skip(struct io *io, size_t bytes)
{
	size_t moved = 0, n;

	for (; moved < bytes && (n = io_next(io, bytes - moved)) != 0; moved += n)
		io_advance(io, n);
	return moved;
}

bool io_is_there(struct io *from)
{
	const size_t n = io_next(from, 1);
	uint8_t byte;

	if (n == 0 || from->space == NULL) return n != 0;
	from->faulted =
		io_move(from, from->pieces[from->piece].at + from->done, NULL, &byte, 1) != 0;
	return !from->faulted;
}
