/*
 * statx.c -- stat with more: when it was made, what it is mounted on, which attributes there are.
 *
 * Cost: a walk where there is a path, and a copy to the caller.
 */
#include "kernel/syscall/file_args.h"
#include "kernel/syscall/stat.h"

enum {
	STATX_RESERVED = 1 << 31,
	/* Attributes that could be set: of all file systems, and of those in memory. */
	ATTRIBUTES = 0x203000,
	ATTRIBUTES_MEMORY = 0x70,
	ATTRIBUTE_MOUNT_ROOT = 0x2000,
};

static struct abi_statx_time statx_time(int64_t s, uint64_t ns)
{
	return (struct abi_statx_time){ .s = s, .ns = (uint32_t)ns };
}

static uint32_t major_of(uint64_t device)
{
	return device >> 8 & 0xfff;
}

static uint32_t minor_of(uint64_t device)
{
	return (device & 0xff) | (device >> 12 & 0xfff00);
}

static struct abi_statx statx_of(const struct file_stat *s)
{
	return (struct abi_statx){
		.mask = STATX_BASIC_STATS | STATX_MNT_ID,
		.blksize = (uint32_t)s->blksize,
		.nlink = s->nlink,
		.uid = s->uid,
		.gid = s->gid,
		.mode = (uint16_t)s->mode,
		.ino = s->ino,
		.size = (uint64_t)s->size,
		.blocks = (uint64_t)s->blocks,
		.attributes_mask = ATTRIBUTES,
		.atime = statx_time(s->atime_s, s->atime_ns),
		.ctime = statx_time(s->ctime_s, s->ctime_ns),
		.mtime = statx_time(s->mtime_s, s->mtime_ns),
		.rdev_major = major_of(s->rdev),
		.rdev_minor = minor_of(s->rdev),
		.dev_major = major_of(s->dev),
		.dev_minor = minor_of(s->dev),
		.mnt_id = s->dev,
	};
}

int64_t sys_statx(struct task *t, const uint64_t *arg)
{
	const uint32_t flags = (uint32_t)arg[2], mask = (uint32_t)arg[3];
	struct file_stat s;
	struct stat_more more;

	if ((mask & STATX_RESERVED) != 0) return -ERR_INVAL;
	if ((flags & AT_STATX_SYNC) == AT_STATX_SYNC || (flags & ~(uint32_t)STAT_FLAGS) != 0)
		return -ERR_INVAL;
	const int error = stat_at(t, arg[0], arg[1], flags, &s, &more);
	if (error != 0) return error;
	struct abi_statx x = statx_of(&s);
	if (more.in_memory) x.attributes_mask |= ATTRIBUTES_MEMORY;
	if (more.mount_root) x.attributes |= ATTRIBUTE_MOUNT_ROOT;
	if (more.in_memory && (mask & STATX_BTIME) != 0) {
		x.mask |= STATX_BTIME;
		x.btime =
			statx_time((int64_t)(more.born_ns / 1000000000), more.born_ns % 1000000000);
	}
	return to_user(t, arg[4], &x, sizeof x);
}
