/*
 * stat.c -- fstat and its kin, readlinkat, faccessat; fchmod, fchown, utimensat.
 *
 * access asks as who the caller really is, the others as who it acts as.
 *
 * Cost: a walk where there is a path, and a copy to the caller.
 */
#include "kernel/syscall/stat.h"

#include "kernel/syscall/file_args.h"

static uint32_t find_flags(uint32_t flags)
{
	return ((flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : FIND_FOLLOW) |
	       ((flags & AT_EMPTY_PATH) != 0 ? FIND_EMPTY : 0);
}

static int file_stat_of(struct file *f, struct file_stat *out)
{
	if (f->ops->stat != NULL) return f->ops->stat(f, out);
	ASSERT(f->node != NULL);
	node_stat(f->node, out);
	return 0;
}

static void stat_more_of(const struct node *n, struct stat_more *more)
{
	*more = (struct stat_more){ 0 };
	if (n == NULL) return;
	more->in_memory = n->ops == NULL;
	more->mount_root = node_is_mount_root(n);
	more->born_ns = n->born_ns;
}

int stat_at(struct task *t, uint64_t fd, uint64_t path, uint32_t flags, struct file_stat *out,
	    struct stat_more *more)
{
	struct at a;
	struct node *n;
	int error = at_open(&a, t, fd, path, (flags & AT_EMPTY_PATH) != 0);

	if (error != 0) return error;
	if (a.path[0] == 0 && a.file != NULL) {
		error = file_stat_of(a.file, out);
		stat_more_of(a.file->node, more);
	} else {
		error = tree_node(&a.view, a.path, find_flags(flags), &n);
		if (error == 0) {
			node_stat(n, out);
			stat_more_of(n, more);
			node_drop(n);
		}
	}
	at_close(&a);
	return error;
}

int64_t sys_fstat(struct task *t, const uint64_t *arg)
{
	struct file_stat stat;
	struct file *f = file_arg(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	const int error = file_stat_of(f, &stat);
	file_drop(f);
	return error != 0 ? error : to_user(t, arg[1], &stat, sizeof stat);
}

int64_t sys_newfstatat(struct task *t, const uint64_t *arg)
{
	const uint32_t flags = (uint32_t)arg[3];
	struct file_stat stat;
	struct stat_more more;

	if ((flags & ~(uint32_t)STAT_FLAGS) != 0) return -ERR_INVAL;
	const int error = stat_at(t, arg[0], arg[1], flags, &stat, &more);
	return error != 0 ? error : to_user(t, arg[2], &stat, sizeof stat);
}

/* --- file systems ----------------------------------------------------------------------------- */

static int64_t statfs_put(struct task *t, const struct node *n, uint64_t to)
{
	const struct mount *m = n->mount;
	const bool limited = !m->kind->generated;
	const uint32_t pages = atomic_load_u32(&m->pages), nodes = atomic_load_u32(&m->nodes);
	const struct abi_statfs s = {
		.type = (int64_t)m->kind->magic,
		.bsize = PAGE_SIZE,
		.blocks = limited ? m->pages_most : 0,
		.bfree = limited ? sub_or_zero(m->pages_most, pages) : 0,
		.bavail = limited ? sub_or_zero(m->pages_most, pages) : 0,
		.files = limited ? m->pages_most : 0,
		.ffree = limited ? sub_or_zero(m->pages_most, nodes) : 0,
		.fsid = { (int32_t)m->device, 0 },
		.namelen = NAME_BYTES_MAX,
		.frsize = PAGE_SIZE,
		.flags = 0x20, /* ST_VALID */
	};

	return to_user(t, to, &s, sizeof s);
}

int64_t sys_statfs(struct task *t, const uint64_t *arg)
{
	struct node *n;
	const int error = at_node(t, (uint64_t)AT_FDCWD, arg[0], FIND_FOLLOW, &n);

	if (error != 0) return error;
	const int64_t answer = statfs_put(t, n, arg[1]);
	node_drop(n);
	return answer;
}

int64_t sys_fstatfs(struct task *t, const uint64_t *arg)
{
	struct file *f = file_arg(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	const int64_t answer = f->node == NULL ? -ERR_NOSYS : statfs_put(t, f->node, arg[1]);
	file_drop(f);
	return answer;
}

/* --- links and rights ------------------------------------------------------------------------- */

static int64_t link_text(struct task *t, const struct at *a, struct node *n, uint64_t to,
			 uint64_t room)
{
	char text[PATH_BYTES];
	int64_t bytes;

	if (node_kind(n) != S_IFLNK) return a->path[0] == 0 ? -ERR_NOENT : -ERR_INVAL;
	if (n->ops == NULL) {
		node_accessed(n);
		bytes = (int64_t)min_u64(node_size(n), room);
		return to_user(t, to, n->text, (size_t)bytes) != 0 ? -ERR_FAULT : bytes;
	}
	if (n->ops->text == NULL) return -ERR_INVAL;
	bytes = n->ops->text(n, &a->view, text, sizeof text);
	if (bytes < 0) return bytes;
	bytes = (int64_t)min_u64((uint64_t)bytes, room);
	return to_user(t, to, text, (size_t)bytes) != 0 ? -ERR_FAULT : bytes;
}

int64_t sys_readlinkat(struct task *t, const uint64_t *arg)
{
	const int32_t room = (int32_t)arg[3];
	struct node *n;
	struct at a;

	if (room <= 0) return -ERR_INVAL;
	int64_t answer = at_open(&a, t, arg[0], arg[1], true);
	if (answer != 0) return answer;
	answer = a.path[0] == 0 && a.file == NULL ? -ERR_NOENT
						  : tree_node(&a.view, a.path, FIND_EMPTY, &n);
	if (answer == 0) {
		answer = link_text(t, &a, n, arg[2], (uint64_t)room);
		node_drop(n);
	}
	at_close(&a);
	return answer;
}

/* Of an open file that has no node its maker may all but execute it. */
static int access_node(const struct node *n, const struct ids *who, uint32_t mode)
{
	if (n == NULL) return (mode & MAY_EXEC) != 0 ? -ERR_ACCES : 0;
	return node_may(n, who, mode);
}

static int64_t access_at(struct task *t, const uint64_t *arg, uint32_t flags)
{
	const uint32_t mode = (uint32_t)arg[2];
	struct node *n = NULL;
	struct at a;

	if ((mode & ~(uint32_t)(MAY_READ | MAY_WRITE | MAY_EXEC)) != 0) return -ERR_INVAL;
	if ((flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
		return -ERR_INVAL;
	int error = at_open(&a, t, arg[0], arg[1], (flags & AT_EMPTY_PATH) != 0);
	if (error != 0) return error;
	if ((flags & AT_EACCESS) == 0) {
		a.view.ids.uid = atomic_load_u32(&t->group->uid[ID_REAL]);
		a.view.ids.gid = atomic_load_u32(&t->group->gid[ID_REAL]);
	}
	const bool nameless = a.path[0] == 0 && a.file != NULL && a.file->node == NULL;
	if (!nameless) error = tree_node(&a.view, a.path, find_flags(flags), &n);
	if (error == 0) error = access_node(n, &a.view.ids, mode);
	if (n != NULL) node_drop(n);
	at_close(&a);
	return error;
}

int64_t sys_faccessat(struct task *t, const uint64_t *arg)
{
	return access_at(t, arg, 0);
}

int64_t sys_faccessat2(struct task *t, const uint64_t *arg)
{
	return access_at(t, arg, (uint32_t)arg[3]);
}

/* --- changing what is told -------------------------------------------------------------------- */

/* The node of an open file, held; NULL: -ERR_BADF, or it has none (*file is then held). */
static struct node *node_arg(struct task *t, uint64_t fd, int *error)
{
	struct file *f = file_arg_real(t, fd);
	struct node *n = NULL;

	*error = f == NULL ? -ERR_BADF : 0;
	if (f == NULL) return NULL;
	if (f->node != NULL) n = node_hold(f->node);
	file_drop(f);
	return n;
}

/* Nodes that are generated are as they are. */
static int64_t chmod_node(struct task *t, struct node *n, uint32_t mode)
{
	const struct ids who = task_ids(t);
	int64_t answer = node_owned(n, &who);

	if (n->ops != NULL)
		answer = -ERR_PERM;
	else if (node_kind(n) == S_IFLNK)
		answer = -ERR_OPNOTSUPP;
	else if (answer == 0)
		answer = node_change_mode(n, &who, mode);
	node_drop(n);
	return answer;
}

int64_t sys_fchmod(struct task *t, const uint64_t *arg)
{
	int error;
	struct node *n = node_arg(t, arg[0], &error);

	return n == NULL ? error : chmod_node(t, n, (uint32_t)arg[1]);
}

int64_t sys_fchmodat(struct task *t, const uint64_t *arg)
{
	struct node *n;
	const int error = at_node(t, arg[0], arg[1], FIND_FOLLOW, &n);

	return error != 0 ? error : chmod_node(t, n, (uint32_t)arg[2]);
}

/* An owner may give it to the group it is in itself; what the file lent to who ran it is lent no
 * more. */
static int chown_may(const struct node *n, const struct ids *who, uint32_t uid, uint32_t gid,
		     uint32_t lent)
{
	const uint32_t owner = atomic_load_u32(&n->uid), group = atomic_load_u32(&n->gid);
	const bool keeps = uid == UINT32_MAX || uid == owner;
	const bool within = gid == UINT32_MAX || gid == group || ids_has_gid(who, gid);
	const bool asks = uid != UINT32_MAX || gid != UINT32_MAX || lent != 0;

	if (n->ops != NULL) return -ERR_PERM;
	if (ids_are_root(who) || !asks) return 0;
	return owner == who->uid && keeps && within ? 0 : -ERR_PERM;
}

static int64_t chown_node(struct task *t, struct node *n, uint32_t uid, uint32_t gid)
{
	const struct ids who = task_ids(t);
	const uint32_t lent = node_lent_by_owner(n, &who);
	int64_t answer = chown_may(n, &who, uid, gid, lent);

	if (answer == 0) answer = node_change_owner(n, &who, uid, gid);
	node_drop(n);
	return answer;
}

int64_t sys_fchown(struct task *t, const uint64_t *arg)
{
	int error;
	struct node *n = node_arg(t, arg[0], &error);

	return n == NULL ? error : chown_node(t, n, (uint32_t)arg[1], (uint32_t)arg[2]);
}

int64_t sys_fchownat(struct task *t, const uint64_t *arg)
{
	const uint32_t flags = (uint32_t)arg[4];
	struct node *n;

	if ((flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return -ERR_INVAL;
	const int error = at_node(t, arg[0], arg[1], find_flags(flags), &n);
	return error != 0 ? error : chown_node(t, n, (uint32_t)arg[2], (uint32_t)arg[3]);
}

enum { UTIME_NOW = 0x3fffffff, UTIME_OMIT = 0x3ffffffe };

/* A time of utimensat(): in ns, NODE_TIME_STAYS: to be left. */
static int time_arg(struct task *t, const int64_t *time, uint64_t *ns)
{
	if (time[1] == UTIME_NOW) {
		*ns = wall_of(t);
	} else if (time[1] == UTIME_OMIT) {
		*ns = NODE_TIME_STAYS;
	} else if (time[1] < 0 || time[1] > 999999999) {
		return -ERR_INVAL;
	} else {
		/* What does not fit is the nearest that does, as in file systems with a limit. */
		const int64_t most = INT64_MAX / 1000000000 - 1;
		const int64_t s = time[0] < -most ? -most : time[0] > most ? most : time[0];
		*ns = (uint64_t)(s * 1000000000 + time[1]);
	}
	return 0;
}

/* *touches: both are to be what it is now, which whoever may write to the file may ask for, too. */
static int times_arg(struct task *t, uint64_t at, uint64_t *ns, bool *touches)
{
	int64_t times[4];

	ns[0] = ns[1] = wall_of(t);
	*touches = true;
	if (at == 0) return 0;
	if (from_user(t, times, at, sizeof times) != 0) return -ERR_FAULT;
	*touches = times[1] == UTIME_NOW && times[3] == UTIME_NOW;
	const int error = time_arg(t, times, &ns[0]);
	return error != 0 ? error : time_arg(t, times + 2, &ns[1]);
}

static int times_may(struct task *t, const struct node *n, bool touches)
{
	const struct ids who = task_ids(t);

	if (node_owned(n, &who) == 0) return 0;
	return touches ? node_may(n, &who, MAY_WRITE) : -ERR_PERM;
}

int64_t sys_utimensat(struct task *t, const uint64_t *arg)
{
	const uint32_t flags = (uint32_t)arg[3];
	struct node *n;
	uint64_t ns[2];
	bool touches;
	int error = times_arg(t, arg[2], ns, &touches);

	if (error != 0) return error;
	if (ns[0] == NODE_TIME_STAYS && ns[1] == NODE_TIME_STAYS) return 0; /* whatever the path */
	if ((flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return -ERR_INVAL;
	if (arg[1] == 0 && (int32_t)arg[0] != AT_FDCWD) {
		n = node_arg(t, arg[0], &error);
		if (n == NULL) return error;
	} else {
		error = at_node(t, arg[0], arg[1], find_flags(flags), &n);
		if (error != 0) return error;
	}
	error = times_may(t, n, touches);
	if (error == 0 && n->ops == NULL) node_set_times(n, ns[0], ns[1]);
	node_drop(n);
	return error;
}
