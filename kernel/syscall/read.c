/*
 * read.c -- read, write and their kin; lseek; sendfile.
 *
 * The order of the checks is Linux's (fs/read_write.c): the descriptor, whether it was opened for
 * that, the addresses, and then the file itself.
 *
 * Who writes to a pipe that nobody reads is sent SIGPIPE here, where the caller is known, and who
 * writes beyond its limit of a file's size (RLIMIT_FSIZE) is sent SIGXFSZ.
 *
 * Cost: a descriptor looked up and let go, besides the file's own work.
 */
#include "kernel/syscall/read.h"

#include "kernel/syscall/file_args.h"
#include "kernel/task/signal.h"

enum { SENDFILE_BYTES = PAGE_SIZE };

typedef int64_t move_fn(struct file *f, struct io *io, uint64_t *at);

/* As the caller is to be answered: with a signal besides, where nobody reads what it wrote. */
static int64_t told(struct task *t, int64_t answer)
{
	if (UNLIKELY(answer == -ERR_PIPE)) signal_send_self(t, SIGPIPE);
	return answer;
}

/* Moves within the caller's limit. */
static int64_t move_for(struct task *t, move_fn *move, struct file *f, struct io *io, uint64_t *at)
{
	io->most = t->group->limits[RLIMIT_FSIZE].soft;
	/* Before: nobody is to run what is being written with its owner's rights. */
	if (move == file_write && f->node != NULL && io->left > 0) lend_no_more(t, f->node);
	const int64_t answer = move(f, io, at);

	if (UNLIKELY(io->beyond)) signal_send_self(t, SIGXFSZ);
	return answer;
}

/* One piece, as read() and pread() have it. */
static int64_t move_piece(struct task *t, move_fn *move, struct file *f, uint64_t user,
			  uint64_t bytes, uint64_t *at)
{
	const struct io_piece piece = { user, min_u64(bytes, RW_COUNT_MAX) };
	struct io io;

	const bool may = move == file_read ? file_may_read(f) : file_may_write(f);
	if (!may) return -ERR_BADF;
	if (!is_users(user, bytes)) return -ERR_FAULT;
	io_open(&io, space_of(t), &piece, 1);
	return move_for(t, move, f, &io, at);
}

static int64_t move_here(struct task *t, move_fn *move, const uint64_t *arg)
{
	struct file *f = file_arg(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	const int64_t answer = move_piece(t, move, f, arg[1], arg[2], NULL);
	file_drop(f);
	return told(t, answer);
}

int64_t sys_read(struct task *t, const uint64_t *arg)
{
	return move_here(t, file_read, arg);
}

int64_t sys_write(struct task *t, const uint64_t *arg)
{
	return move_here(t, file_write, arg);
}

static int64_t move_at(struct task *t, move_fn *move, const uint64_t *arg)
{
	uint64_t at = arg[3];

	if ((int64_t)at < 0) return -ERR_INVAL;
	struct file *f = file_arg_real(t, arg[0]);
	if (f == NULL) return -ERR_BADF;
	const int64_t answer =
		!f->ops->has_place ? -ERR_SPIPE : move_piece(t, move, f, arg[1], arg[2], &at);
	file_drop(f);
	return answer;
}

int64_t sys_pread64(struct task *t, const uint64_t *arg)
{
	return move_at(t, file_read, arg);
}

int64_t sys_pwrite64(struct task *t, const uint64_t *arg)
{
	return move_at(t, file_write, arg);
}

/* --- vectors ---------------------------------------------------------------------------------- */

static int64_t move_vector(struct task *t, move_fn *move, const uint64_t *arg, uint64_t *at)
{
	struct vector v;
	struct file *f = file_arg_real(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	int64_t answer = at != NULL && !f->ops->has_place ? -ERR_SPIPE : 0;
	if (answer == 0) answer = vector_open(&v, t, arg[1], arg[2]);
	if (answer == 0) {
		const bool may = move == file_read ? file_may_read(f) : file_may_write(f);
		answer = !may ? -ERR_BADF : v.io.left == 0 ? 0 : move_for(t, move, f, &v.io, at);
		vector_close(&v);
	}
	file_drop(f);
	return told(t, answer);
}

int64_t sys_readv(struct task *t, const uint64_t *arg)
{
	return move_vector(t, file_read, arg, NULL);
}

int64_t sys_writev(struct task *t, const uint64_t *arg)
{
	return move_vector(t, file_write, arg, NULL);
}

int64_t sys_preadv(struct task *t, const uint64_t *arg)
{
	uint64_t at = arg[3];

	return (int64_t)at < 0 ? -ERR_INVAL : move_vector(t, file_read, arg, &at);
}

int64_t sys_pwritev(struct task *t, const uint64_t *arg)
{
	uint64_t at = arg[3];

	return (int64_t)at < 0 ? -ERR_INVAL : move_vector(t, file_write, arg, &at);
}

/* --- places ----------------------------------------------------------------------------------- */

int64_t sys_lseek(struct task *t, const uint64_t *arg)
{
	struct file *f = file_arg_real(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	const uint32_t whence = (uint32_t)arg[2];
	const int64_t answer =
		whence > WHENCE_HOLE ? -ERR_INVAL : file_seek(f, (int64_t)arg[1], whence);
	file_drop(f);
	return answer;
}

/* --- from file to file ------------------------------------------------------------------------ */

/* Up to `bytes` from `in` at *at to `out`; what `out` does not take is not taken from `in`. */
static int64_t send_some(struct task *t, struct file *out, struct file *in, uint64_t *at,
			 uint8_t *buffer, uint64_t bytes)
{
	struct io_piece piece;
	struct io io;
	uint64_t from = *at;

	io_open_kernel(&io, &piece, buffer, min_u64(bytes, SENDFILE_BYTES));
	int64_t moved = file_read(in, &io, &from);
	if (moved <= 0) return moved;
	io_open_kernel(&io, &piece, buffer, (size_t)moved);
	moved = move_for(t, file_write, out, &io, NULL);
	if (moved > 0) *at += (uint64_t)moved;
	return moved;
}

static int64_t send_all(struct task *t, struct file *out, struct file *in, uint64_t *at,
			uint64_t bytes)
{
	struct kmalloc *memory = t->group->world->config.memory;
	uint8_t *buffer = kmalloc_alloc(memory, SENDFILE_BYTES, 0, SITE_NONE);
	int64_t moved = 1, done = 0;

	if (buffer == NULL) return -ERR_NOMEM;
	while (moved > 0 && (uint64_t)done < bytes) {
		moved = send_some(t, out, in, at, buffer, bytes - (uint64_t)done);
		if (moved > 0) done += moved;
	}
	const enum kmalloc_verdict v = kmalloc_free(memory, buffer);
	ASSERT(v == KMALLOC_FREED);
	return done != 0 ? done : moved;
}

/* As Linux: only from what could be mapped, to anything that can be written to but by appending. */
static int64_t send_checked(struct task *t, struct file *out, struct file *in, const uint64_t *arg)
{
	const uint64_t bytes = min_u64(arg[3], RW_COUNT_MAX);
	uint64_t at = 0;

	if (!file_may_read(in) || !file_may_write(out)) return -ERR_BADF;
	if (arg[2] != 0 && !in->ops->has_place) return -ERR_SPIPE;
	if (in->ops->map == NULL || (int64_t)arg[3] < 0) return -ERR_INVAL;
	if ((atomic_load_u32(&out->flags) & O_APPEND) != 0) return -ERR_INVAL;
	if (arg[2] != 0) {
		if (from_user(t, &at, arg[2], sizeof at) != 0) return -ERR_FAULT;
		if ((int64_t)at < 0) return -ERR_INVAL;
		const int64_t answer = send_all(t, out, in, &at, bytes);
		return to_user(t, arg[2], &at, sizeof at) != 0 ? -ERR_FAULT : answer;
	}
	const int64_t here = file_seek(in, 0, WHENCE_CUR);
	if (here < 0) return here;
	at = (uint64_t)here;
	const int64_t answer = send_all(t, out, in, &at, bytes);
	if (answer > 0) (void)file_seek(in, (int64_t)at, WHENCE_SET);
	return answer;
}

int64_t sys_sendfile(struct task *t, const uint64_t *arg)
{
	struct file *in = file_arg_real(t, arg[1]);
	struct file *out = in == NULL ? NULL : file_arg_real(t, arg[0]);
	const int64_t answer = out == NULL ? -ERR_BADF : send_checked(t, out, in, arg);

	if (in != NULL) file_drop(in);
	if (out != NULL) file_drop(out);
	return told(t, answer);
}
