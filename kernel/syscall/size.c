/*
 * size.c -- calls on a file's size, on what is to be kept, and on file systems.
 *
 * There is no disk: what was written is as safe as it will ever be, and sync has nothing to do.
 *
 * Cost: a walk, or a descriptor looked up.
 */
#include "kernel/syscall/file_args.h"
#include "kernel/syscall/folder.h"
#include "kernel/task/signal.h"

/* A file that is to be larger than the caller's limit (RLIMIT_FSIZE). */
static int size_wrong(struct task *t, const struct node *n, uint64_t bytes)
{
	if (LIKELY(bytes <= t->group->limits[RLIMIT_FSIZE].soft)) return 0;
	if (n == NULL || node_kind(n) != S_IFREG || bytes <= node_size(n)) return 0;
	signal_send_self(t, SIGXFSZ);
	return -ERR_FBIG;
}

int64_t sys_truncate(struct task *t, const uint64_t *arg)
{
	struct node *n;

	if ((int64_t)arg[1] < 0) return -ERR_INVAL;
	int error = at_node(t, (uint64_t)AT_FDCWD, arg[0], FIND_FOLLOW, &n);
	if (error != 0) return error;
	const struct ids who = task_ids(t);
	if (node_kind(n) == S_IFREG) error = node_may(n, &who, MAY_WRITE);
	if (error == 0) error = size_wrong(t, n, arg[1]);
	if (error == 0) error = node_truncate(n, arg[1]);
	if (error == 0) lend_no_more(t, n);
	node_drop(n);
	return error;
}

int64_t sys_ftruncate(struct task *t, const uint64_t *arg)
{
	if ((int64_t)arg[1] < 0) return -ERR_INVAL;
	struct file *f = file_arg_real(t, arg[0]);
	if (f == NULL) return -ERR_BADF;
	const bool may = f->ops->truncate != NULL && file_may_write(f);
	int answer = may ? size_wrong(t, f->node, arg[1]) : -ERR_INVAL;
	if (answer == 0) answer = f->ops->truncate(f, arg[1]);
	if (answer == 0 && f->node != NULL) lend_no_more(t, f->node);
	file_drop(f);
	return answer;
}

enum { FALLOC_KEEP_SIZE = 1, FALLOC_PUNCH_HOLE = 2 };

static int allocate(struct task *t, struct file *f, uint32_t mode, uint64_t offset, uint64_t bytes)
{
	struct node *n = f->node;
	const uint32_t kind = n == NULL ? S_IFIFO : node_kind(n);

	if (!file_may_write(f)) return -ERR_BADF;
	if (kind == S_IFIFO) return -ERR_SPIPE;
	if (kind == S_IFDIR) return -ERR_ISDIR;
	if (kind != S_IFREG) return -ERR_NODEV;
	if (n->ops != NULL) return -ERR_OPNOTSUPP;
	/* What is behind the end counts, though the size may stay as it is. */
	if ((mode & FALLOC_PUNCH_HOLE) == 0 && bytes <= (uint64_t)INT64_MAX - offset) {
		const int error = size_wrong(t, n, offset + bytes);
		if (error != 0) return error;
	}
	return node_room(n,
			 (mode & FALLOC_PUNCH_HOLE) != 0  ? ROOM_NONE
			 : (mode & FALLOC_KEEP_SIZE) != 0 ? ROOM_WITHIN
							  : ROOM_GROWING,
			 offset, bytes);
}

int64_t sys_fallocate(struct task *t, const uint64_t *arg)
{
	const uint32_t mode = (uint32_t)arg[1], both = FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE;
	struct file *f = file_arg_real(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	int answer = -ERR_INVAL;
	if ((int64_t)arg[2] >= 0 && (int64_t)arg[3] > 0)
		answer = (mode & ~both) != 0 || mode == FALLOC_PUNCH_HOLE
				 ? -ERR_OPNOTSUPP
				 : allocate(t, f, mode, arg[2], arg[3]);
	if (answer == 0) lend_no_more(t, f->node);
	file_drop(f);
	return answer;
}

int64_t sys_sync(struct task *t, const uint64_t *arg)
{
	(void)t, (void)arg;
	return 0;
}

int64_t sys_fsync(struct task *t, const uint64_t *arg)
{
	struct file *f = file_arg_real(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	const uint32_t kind = f->node == NULL ? 0 : node_kind(f->node);
	file_drop(f);
	return kind == S_IFREG || kind == S_IFDIR ? 0 : -ERR_INVAL;
}

/* --- mounts ----------------------------------------------------------------------------------- */

enum { MS_REMOUNT = 32, MS_BIND = 4096, MS_MOVE = 8192, MS_PROPAGATION = 0x1e0000 };

/* A short text that may be missing; cut off at the room, which no name that means something is. */
static int text_arg(struct task *t, uint64_t at, char *to, size_t room)
{
	to[0] = 0;
	if (at == 0) return 0;
	const int64_t bytes = user_string_in(space_of(t), to, at, room);
	if (bytes == -ERR_NAMETOOLONG) to[room - 1] = 0;
	return bytes == -ERR_FAULT ? -ERR_FAULT : 0;
}

static int mount_on(struct node *on, const struct view *v, const char *source, const char *kind,
		    uint32_t flags)
{
	if (!ids_are_root(&v->ids)) return -ERR_PERM;
	if ((flags & MS_REMOUNT) != 0) return node_is_mount_root(on) ? 0 : -ERR_INVAL;
	if ((flags & (MS_BIND | MS_MOVE)) != 0) return -ERR_INVAL;
	if ((flags & MS_PROPAGATION) != 0) return node_is_mount_root(on) ? 0 : -ERR_INVAL;
	return kind[0] == 0 ? -ERR_INVAL : tree_mount(v, source, on, kind);
}

int64_t sys_mount(struct task *t, const uint64_t *arg)
{
	char source[32], kind[32];
	struct node *on;
	struct at a;
	int error = text_arg(t, arg[2], kind, sizeof kind);

	if (error == 0) error = text_arg(t, arg[0], source, sizeof source);
	if (error == 0) error = at_open(&a, t, (uint64_t)AT_FDCWD, arg[1], false);
	if (error != 0) return error;
	error = tree_node(&a.view, a.path, FIND_FOLLOW, &on);
	if (error == 0) {
		error = mount_on(on, &a.view, source[0] == 0 ? "none" : source, kind,
				 (uint32_t)arg[3]);
		node_drop(on);
	}
	at_close(&a);
	return error;
}

int64_t sys_umount2(struct task *t, const uint64_t *arg)
{
	enum { FORCE = 1, DETACH = 2, EXPIRE = 4, NOFOLLOW = 8 };
	const uint32_t flags = (uint32_t)arg[1];
	struct node *n;

	if ((flags & ~(uint32_t)(FORCE | DETACH | EXPIRE | NOFOLLOW)) != 0) return -ERR_INVAL;
	int error = at_node(t, (uint64_t)AT_FDCWD, arg[0],
			    (flags & NOFOLLOW) != 0 ? 0 : FIND_FOLLOW, &n);
	if (error != 0) return error;
	const struct ids who = task_ids(t);
	error = ids_are_root(&who) ? tree_unmount(n) : -ERR_PERM;
	if (error != 0) node_drop(n);
	return error;
}
