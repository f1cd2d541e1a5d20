/*
 * folder.c -- names: made, linked, moved, taken away, listed; and where the caller is.
 *
 * The order of the checks is Linux's (fs/namei.c): the paths are read, walked to their last names,
 * those must be names, and what stands there decides the rest.
 *
 * Locks: the task world's for the moment in which the current folder changes.
 */
#include "kernel/syscall/folder.h"

#include "kernel/file/names.h"
#include "kernel/syscall/file_args.h"

/* --- making ----------------------------------------------------------------------------------- */

/* Whether the caller may make that there.  What is not root makes no devices. */
static int may_make(const struct found *found, struct node_how *how)
{
	const uint32_t kind = how->mode & S_IFMT;
	const bool device = kind == S_IFCHR || kind == S_IFBLK;
	const int error = folder_may_make(found->folder, &found->ids);

	how->ids = found->ids;
	if (error != 0) return error;
	return device && !ids_are_root(&found->ids) ? -ERR_PERM : 0;
}

/* Makes what `how` says under the path, which must be free. */
static int64_t make_at(struct task *t, uint64_t fd, uint64_t path, struct node_how *how)
{
	struct found found;
	struct at a;
	int error = at_open(&a, t, fd, path, false);

	if (error != 0) return error;
	error = tree_find(&a.view, a.path, FIND_ABSENT | FIND_NAME, &found);
	if (error == 0) {
		const bool folder = (how->mode & S_IFMT) == S_IFDIR;
		if (found.node != NULL || found.last != LAST_NAME)
			error = -ERR_EXIST;
		else if (found.slash && !folder)
			error = -ERR_NOENT;
		else
			error = may_make(&found, how);
		if (error == 0) error = tree_make(found.folder, found.name, found.bytes, how, NULL);
		found_drop(&found);
	}
	at_close(&a);
	return error;
}

int64_t sys_mkdirat(struct task *t, const uint64_t *arg)
{
	const uint32_t mode = (uint32_t)arg[2] & (0777 | S_ISVTX) & ~t->group->umask;
	struct node_how how = { .mode = S_IFDIR | mode };

	return make_at(t, arg[0], arg[1], &how);
}

int64_t sys_mknodat(struct task *t, const uint64_t *arg)
{
	const uint32_t mode = (uint32_t)arg[2] & ~t->group->umask & (S_IFMT | S_PERMISSIONS);
	struct node_how how = { .mode = mode, .device = (uint32_t)arg[3] };

	switch (mode & S_IFMT) {
	case 0: how.mode |= S_IFREG; break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK: break;
	case S_IFDIR: return -ERR_PERM;
	default: return -ERR_INVAL;
	}
	return make_at(t, arg[0], arg[1], &how);
}

int64_t sys_symlinkat(struct task *t, const uint64_t *arg)
{
	char text[PATH_BYTES];
	const int64_t bytes = user_string_in(space_of(t), text, arg[0], sizeof text);
	struct node_how how = { .mode = S_IFLNK | 0777, .text = text, .text_bytes = (size_t)bytes };

	if (bytes < 0) return bytes;
	return bytes == 0 ? -ERR_NOENT : make_at(t, arg[1], arg[2], &how);
}

static int link_under(struct node *n, const struct found *found)
{
	if (found->node != NULL || found->last != LAST_NAME) return -ERR_EXIST;
	if (found->slash || folder_is_gone(found->folder)) return -ERR_NOENT;
	if (n->mount != found->folder->mount) return -ERR_XDEV;
	if (node_may_link(n, &found->ids) != 0) return -ERR_PERM;
	const int error = folder_may_make(found->folder, &found->ids);
	if (error != 0) return error;
	return tree_link(n, found->folder, found->name, found->bytes, false);
}

int64_t sys_linkat(struct task *t, const uint64_t *arg)
{
	const uint32_t flags = (uint32_t)arg[4];
	const uint32_t find = ((flags & AT_SYMLINK_FOLLOW) != 0 ? FIND_FOLLOW : 0) |
			      ((flags & AT_EMPTY_PATH) != 0 ? FIND_EMPTY : 0);
	struct found found;
	struct node *n;
	struct at a;

	const struct ids who = task_ids(t);
	if ((flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0) return -ERR_INVAL;
	if ((flags & AT_EMPTY_PATH) != 0 && !ids_are_root(&who)) return -ERR_NOENT;
	int error = at_node(t, arg[0], arg[1], find, &n);
	if (error != 0) return error;
	error = at_open(&a, t, arg[2], arg[3], false);
	if (error == 0) {
		error = tree_find(&a.view, a.path, FIND_ABSENT | FIND_NAME, &found);
		if (error == 0) {
			error = link_under(n, &found);
			found_drop(&found);
		}
		at_close(&a);
	}
	node_drop(n);
	return error;
}

/* --- taking away and moving ------------------------------------------------------------------- */

static int unlink_found(const struct found *found)
{
	if (found->last != LAST_NAME) return -ERR_ISDIR;
	if (found->node == NULL) return -ERR_NOENT;
	if (node_is_mount_root(found->node)) return -ERR_BUSY;
	if (found->slash) return node_kind(found->node) == S_IFDIR ? -ERR_ISDIR : -ERR_NOTDIR;
	return tree_unlink(found, false);
}

static int rmdir_found(const struct found *found)
{
	switch (found->last) {
	case LAST_UP: return -ERR_NOTEMPTY;
	case LAST_DOT: return -ERR_INVAL;
	case LAST_ROOT: return -ERR_BUSY;
	default: break;
	}
	if (found->node == NULL) return -ERR_NOENT;
	if (node_is_mount_root(found->node)) return -ERR_BUSY;
	return tree_unlink(found, true);
}

int64_t sys_unlinkat(struct task *t, const uint64_t *arg)
{
	const uint32_t flags = (uint32_t)arg[2];
	struct found found;
	struct at a;

	if ((flags & ~(uint32_t)AT_REMOVEDIR) != 0) return -ERR_INVAL;
	int error = at_open(&a, t, arg[0], arg[1], false);
	if (error != 0) return error;
	error = tree_find(&a.view, a.path, FIND_ABSENT | FIND_NAME, &found);
	if (error == 0) {
		error = flags != 0 ? rmdir_found(&found) : unlink_found(&found);
		found_drop(&found);
	}
	at_close(&a);
	return error;
}

static int rename_found(const struct found *from, const struct found *to, uint32_t flags)
{
	const bool same = from->folder != NULL && to->folder != NULL &&
			  from->folder->mount == to->folder->mount;

	if (from->folder != NULL && to->folder != NULL && !same) return -ERR_XDEV;
	if (from->last != LAST_NAME) return -ERR_BUSY;
	if (to->last != LAST_NAME) return (flags & RENAME_NOREPLACE) != 0 ? -ERR_EXIST : -ERR_BUSY;
	if (from->node != NULL && node_is_mount_root(from->node)) return -ERR_BUSY;
	if (to->node != NULL && node_is_mount_root(to->node)) return -ERR_BUSY;
	return tree_rename(from, to, flags);
}

static int rename_at(const struct at *from, const struct at *to, uint32_t flags)
{
	struct found old, new;
	int error = tree_find(&from->view, from->path, FIND_ABSENT | FIND_NAME, &old);

	if (error != 0) return error;
	error = tree_find(&to->view, to->path, FIND_ABSENT | FIND_NAME, &new);
	if (error == 0) {
		error = rename_found(&old, &new, flags);
		found_drop(&new);
	}
	found_drop(&old);
	return error;
}

static int64_t rename_paths(struct task *t, const uint64_t *arg, uint32_t flags)
{
	struct at from, to;

	const uint32_t known = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;

	if ((flags & ~known) != 0) return -ERR_INVAL;
	if ((flags & RENAME_EXCHANGE) != 0 && flags != RENAME_EXCHANGE) return -ERR_INVAL;
	int error = at_open(&from, t, arg[0], arg[1], false);
	if (error != 0) return error;
	error = at_open(&to, t, arg[2], arg[3], false);
	if (error == 0) {
		error = rename_at(&from, &to, flags);
		at_close(&to);
	}
	at_close(&from);
	return error;
}

int64_t sys_renameat(struct task *t, const uint64_t *arg)
{
	return rename_paths(t, arg, 0);
}

int64_t sys_renameat2(struct task *t, const uint64_t *arg)
{
	return rename_paths(t, arg, (uint32_t)arg[4]);
}

/* --- listing, and where the caller is --------------------------------------------------------- */

static int64_t list_file(struct task *t, struct file *f, uint64_t to, uint64_t bytes)
{
	const struct io_piece piece = { to, min_u64(bytes, INT32_MAX) };
	struct file_names names;
	struct io io;

	if (f->ops->names == NULL) return -ERR_NOTDIR;
	if (!file_turn_take(f->world, &f->turn)) return -ERR_INTR;
	io_open(&io, space_of(t), &piece, 1);
	names_open(&names, &io, f->offset);
	const int64_t answer = f->ops->names(f, &names);
	f->offset = names.flushed;
	file_turn_end(f->world, &f->turn);
	return answer;
}

int64_t sys_getdents64(struct task *t, const uint64_t *arg)
{
	struct file *f = file_arg_real(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	const int64_t answer = list_file(t, f, arg[1], (uint32_t)arg[2]);
	file_drop(f);
	return answer;
}

int64_t sys_getcwd(struct task *t, const uint64_t *arg)
{
	static const char beyond[] = "(unreachable)";
	char text[PATH_BYTES];
	struct view v;

	task_view(t, &v);
	struct node *root = v.root != NULL ? v.root : v.tree->root;
	struct node *cwd = v.cwd != NULL ? v.cwd : root;
	const size_t before = tree_is_below(cwd, root) ? 0 : sizeof beyond - 1;
	memcpy(text, beyond, before);
	int64_t bytes = tree_path(&v, cwd, text + before, sizeof text - before);
	if (bytes >= 0) bytes += (int64_t)before;
	task_view_drop(&v);
	if (bytes < 0) return bytes == -ERR_RANGE ? -ERR_NAMETOOLONG : bytes;
	if ((uint64_t)bytes > arg[1]) return -ERR_RANGE;
	return to_user(t, arg[0], text, (size_t)bytes) != 0 ? -ERR_FAULT : bytes;
}

/* Puts folder `n`, whose hold is handed over, in the place of *what: the caller's current folder,
 * or its root, which is root's to say. */
static int64_t go_to(struct task *t, struct node *n, struct node **what)
{
	struct task_world *w = t->group->world;
	const struct ids who = task_ids(t);
	int64_t error = node_kind(n) != S_IFDIR ? -ERR_NOTDIR : node_may(n, &who, MAY_EXEC);

	if (error == 0 && what == &t->group->root && !ids_are_root(&who)) error = -ERR_PERM;
	if (error != 0) {
		node_drop(n);
		return error;
	}
	const mach_irq_t was = lock_take(&w->lock);
	struct node *old = *what;
	/* Without any, it is where the root was. */
	if (what != &t->group->cwd && t->group->cwd == NULL)
		t->group->cwd = node_hold(tree_of(t)->root);
	*what = n;
	lock_drop(&w->lock, was);
	if (old != NULL) node_drop(old);
	return 0;
}

int64_t sys_chdir(struct task *t, const uint64_t *arg)
{
	struct node *n;
	const int error = at_node(t, (uint64_t)AT_FDCWD, arg[0], FIND_FOLLOW, &n);

	return error != 0 ? error : go_to(t, n, &t->group->cwd);
}

/* Where the caller is stays where it is, though that be outside. */
int64_t sys_chroot(struct task *t, const uint64_t *arg)
{
	struct node *n;
	const int error = at_node(t, (uint64_t)AT_FDCWD, arg[0], FIND_FOLLOW, &n);

	return error != 0 ? error : go_to(t, n, &t->group->root);
}

int64_t sys_fchdir(struct task *t, const uint64_t *arg)
{
	struct file *f = file_arg(t, arg[0]);

	if (f == NULL) return -ERR_BADF;
	const int64_t answer =
		f->node == NULL ? -ERR_NOTDIR : go_to(t, node_hold(f->node), &t->group->cwd);
	file_drop(f);
	return answer;
}

int64_t sys_umask(struct task *t, const uint64_t *arg)
{
	return atomic_exchange_u32(&t->group->umask, (uint32_t)arg[0] & 0777);
}
