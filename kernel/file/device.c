/*
 * device.c -- the devices that are no hardware.
 *
 * They differ in what they give and what they take: null gives nothing and takes all; zero gives
 * zeroes and takes all; full gives zeroes and has no room; random gives what nobody can foretell,
 * as far as the world's source goes, and takes all.  None has a place, and none waits.
 *
 * Locks: none.  Cost: that of the bytes.
 */
#include "kernel/file/device.h"

#include "kernel/abi.h"

enum { PIECE = 256 };

#define MAPPED_PAGES (USER_END >> PAGE_SHIFT)

static int64_t read_nothing(struct file *f, struct io *to, uint64_t *at)
{
	(void)f, (void)to, (void)at;
	return 0;
}

static int64_t read_zeroes(struct file *f, struct io *to, uint64_t *at)
{
	(void)f, (void)at;
	return io_answer(to, io_zero(to, to->left));
}

static int64_t read_random(struct file *f, struct io *to, uint64_t *at)
{
	uint8_t piece[PIECE];
	uint64_t done = 0;
	(void)at;
	while (to->left > 0 && !to->faulted) {
		const size_t bytes = (size_t)min_u64(to->left, PIECE);
		f->world->random(f->world->arg, piece, bytes);
		done += io_put(to, piece, bytes);
	}
	return io_answer(to, done);
}

static int64_t write_away(struct file *f, struct io *from, uint64_t *at)
{
	(void)f, (void)at;
	return (int64_t)io_skip(from, from->left);
}

static int64_t write_full(struct file *f, struct io *from, uint64_t *at)
{
	(void)f, (void)from, (void)at;
	return -ERR_NOSPC;
}

/* Anywhere is as good: lseek() says 0. */
static int64_t seek_nowhere(struct file *f, int64_t offset, unsigned whence)
{
	(void)f, (void)offset, (void)whence;
	return 0;
}

/* Memory of nobody else's, all zeroes, as long as anybody could want it. */
static struct backing *map_zeroes(struct file *f, bool shared, int *error)
{
	struct backing *b = backing_create(f->world->vm->backings, NULL, MAPPED_PAGES, SITE_NONE);

	(void)shared;
	*error = b == NULL ? -ERR_NOMEM : 0;
	return b;
}

static const struct file_ops null_ops = {
	.read = read_nothing, .write = write_away, .seek = seek_nowhere, .has_place = true
};
static const struct file_ops zero_ops = {
	.read = read_zeroes,
	.write = write_away,
	.seek = seek_nowhere,
	.map = map_zeroes,
	.has_place = true,
};
static const struct file_ops full_ops = {
	.read = read_zeroes, .write = write_full, .seek = seek_nowhere, .has_place = true
};
static const struct file_ops random_ops = {
	.read = read_random, .write = write_away, .seek = seek_nowhere, .has_place = true
};

static struct file *open_with(struct node *n, const struct file_ops *ops, uint32_t flags,
			      int *error)
{
	return file_create(n->tree->config.files, ops, flags, n, NULL, error);
}

static struct file *open_null(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	(void)v;
	return open_with(n, &null_ops, flags, error);
}

static struct file *open_zero(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	(void)v;
	return open_with(n, &zero_ops, flags, error);
}

static struct file *open_full(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	(void)v;
	return open_with(n, &full_ops, flags, error);
}

static struct file *open_random(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	(void)v;
	*error = -ERR_NXIO;
	if (n->tree->config.files->random == NULL) return NULL;
	return open_with(n, &random_ops, flags, error);
}

/* Numbers of Linux's Documentation/admin-guide/devices.txt. */
const struct device device_null = { 1, 3, "null", 0666, open_null };
const struct device device_zero = { 1, 5, "zero", 0666, open_zero };
const struct device device_full = { 1, 7, "full", 0666, open_full };
const struct device device_random = { 1, 8, "random", 0666, open_random };
const struct device device_urandom = { 1, 9, "urandom", 0666, open_random };
