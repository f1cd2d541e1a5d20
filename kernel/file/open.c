/*
 * open.c -- from a path or a node to an open file.
 *
 * The order of the checks is Linux's (fs/namei.c, do_last and may_open): what the path leads to,
 * then O_CREAT with O_EXCL, then what kind it is against what was asked for, then O_TRUNC.
 *
 * Always true: who gets no file has changed nothing, but for a file that O_CREAT made and for
 * which there was no memory to open it: its name stays, as in Linux.
 *
 * Locks: none is held over any of it.  Cost: the walk, one kmalloc.
 */
#include "kernel/file/pipe.h"
#include "kernel/file/rights.h"
#include "kernel/file/tree_inside.h"

/* Nothing but what can be told of a file, or a place to begin paths at, is to be had by O_PATH. */
static int64_t path_only(struct file *f, struct io *io, uint64_t *at)
{
	(void)f, (void)io, (void)at;
	return -ERR_BADF;
}

static const struct file_ops path_ops = { .read = path_only, .write = path_only };

static struct file *device_open(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	const struct device *const *d = n->tree->config.devices;
	const uint32_t major = (uint32_t)(n->device >> 8 & 0xfff);
	const uint32_t minor = (uint32_t)((n->device & 0xff) | (n->device >> 12 & 0xfff00));

	*error = -ERR_NXIO;
	if (node_kind(n) != S_IFCHR || d == NULL) return NULL;
	while (*d != NULL && ((*d)->major != major || (*d)->minor != minor)) d++;
	return *d == NULL ? NULL : (*d)->open(n, v, flags, error);
}

/* Flags that an open file keeps: the others are of the opening alone. */
static uint32_t kept(uint32_t flags)
{
	return flags & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
}

struct file *node_open(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	struct file_world *w = n->tree->config.files;
	const struct file_ops *ops = NULL;

	if ((flags & O_PATH) != 0)
		return file_create(w, &path_ops, (flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW)), n,
				   NULL, error);
	if (node_is_folder(n))
		ops = &folder_ops;
	else if (node_kind(n) == S_IFREG && n->ops == NULL)
		ops = &regular_ops;
	if (ops != NULL) return file_create(w, ops, kept(flags), n, NULL, error);
	*error = node_kind(n) == S_IFLNK ? -ERR_LOOP : -ERR_NXIO;
	if (node_kind(n) == S_IFLNK) return NULL;
	if (node_kind(n) == S_IFIFO && n->ops == NULL) return fifo_open(n, kept(flags), error);
	if (n->ops == NULL) return device_open(n, v, kept(flags), error);
	return n->ops->open == NULL ? NULL : n->ops->open(n, v, kept(flags), error);
}

static uint32_t find_flags(uint32_t flags)
{
	const bool follows =
		(flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);

	return (follows ? FIND_FOLLOW : 0) | ((flags & O_CREAT) != 0 ? FIND_ABSENT : 0);
}

static int open_may(const struct node *n, const struct ids *who, uint32_t flags)
{
	const uint32_t mode = flags & O_ACCMODE;
	const bool reads = mode != O_WRONLY;
	const bool writes = mode != O_RDONLY || (flags & O_TRUNC) != 0;
	const int error = node_may(n, who, (reads ? MAY_READ : 0u) | (writes ? MAY_WRITE : 0u));

	if (error != 0 || (flags & O_NOATIME) == 0) return error;
	return node_owned(n, who);
}

/* What was found may be opened so; 0 or Linux's error. */
static int open_refuses(const struct found *found, uint32_t flags)
{
	const struct node *n = found->node;
	const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;

	if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return -ERR_EXIST;
	if ((flags & O_PATH) != 0)
		return (flags & O_DIRECTORY) != 0 && !node_is_folder(n) ? -ERR_NOTDIR : 0;
	if ((flags & O_CREAT) != 0 && node_is_folder(n)) return -ERR_ISDIR;
	if ((flags & O_DIRECTORY) != 0 && !node_is_folder(n)) return -ERR_NOTDIR;
	if (node_kind(n) == S_IFLNK) return -ERR_LOOP;
	if (writes && node_is_folder(n)) return -ERR_ISDIR;
	return open_may(n, &found->ids, flags);
}

/* Makes what was not there, and opens it: the open file is there before the name is, so nothing is
 * made that cannot be opened.  *again: somebody was faster, and it is to be looked for again. */
static struct file *open_made(struct found *found, uint32_t flags, uint32_t mode, int *error,
			      bool *again)
{
	const struct node_how how = { .mode = S_IFREG | (mode & S_PERMISSIONS), .ids = found->ids };
	struct file_world *w = found->folder->tree->config.files;

	*error = found->slash ? -ERR_ISDIR : -ERR_ACCES;
	if (found->slash || found->folder->ops != NULL) return NULL;
	if (folder_may_make(found->folder, &found->ids) != 0) return NULL;
	struct file *f = file_create(w, &regular_ops, kept(flags), NULL, NULL, error);
	if (f == NULL) return NULL;
	*error = tree_make(found->folder, found->name, found->bytes, &how, &f->node);
	if (*error == 0) return f;
	*again = *error == -ERR_EXIST && (flags & O_EXCL) == 0;
	file_drop(f);
	return NULL;
}

/* What was there.  It is cut only when it is open. */
static struct file *open_found(struct found *found, const struct view *v, uint32_t flags,
			       int *error)
{
	struct node *n = found->node;
	const bool cuts = (flags & (O_TRUNC | O_PATH)) == O_TRUNC && node_kind(n) == S_IFREG &&
			  n->ops == NULL;

	*error = open_refuses(found, flags);
	if (*error != 0) return NULL;
	struct file *f = node_open(n, v, flags, error);
	if (f == NULL || !cuts) return f;
	*error = node_truncate(n, 0);
	if (*error == 0) return f;
	file_drop(f);
	return NULL;
}

/* One try. */
static struct file *open_once(const struct view *v, const char *path, uint32_t flags, uint32_t mode,
			      int *error, bool *again)
{
	struct found found;

	*error = tree_find(v, path, find_flags(flags), &found);
	if (*error != 0) return NULL;
	struct file *f = found.node == NULL ? open_made(&found, flags, mode, error, again)
					    : open_found(&found, v, flags, error);
	found_drop(&found);
	return f;
}

/* O_TMPFILE: a file that has no name, and may get one unless that is not wanted. */
static struct file *open_nameless(const struct view *v, const char *path, uint32_t flags,
				  uint32_t mode, int *error)
{
	const struct node_how how = { .mode = S_IFREG | (mode & S_PERMISSIONS), .ids = v->ids };
	struct node *folder, *n = NULL;
	struct file *f = NULL;

	*error = tree_node(v, path, (flags & O_NOFOLLOW) != 0 ? 0 : FIND_FOLLOW, &folder);
	if (*error != 0) return NULL;
	*error = !node_is_folder(folder) ? -ERR_NOTDIR
		 : folder->ops != NULL   ? -ERR_OPNOTSUPP
					 : folder_may_make(folder, &v->ids);
	if (*error == 0) n = node_create(v->tree, folder->mount, &how, error);
	if (n != NULL) {
		node_inherit(n, folder, &how);
		n->linkable = (flags & O_EXCL) == 0;
		f = file_create(v->tree->config.files, &regular_ops, kept(flags), n, NULL, error);
		node_drop(n);
	}
	node_drop(folder);
	return f;
}

struct file *tree_open(const struct view *v, const char *path, uint32_t flags, uint32_t mode,
		       int *error)
{
	struct file *f;
	bool again;

	if ((flags & O_TMPFILE) == O_TMPFILE) return open_nameless(v, path, flags, mode, error);
	/* O_CREAT with a folder asked for is nothing that can be made. */
	if ((flags & O_CREAT) != 0 && (flags & O_DIRECTORY) != 0) {
		*error = -ERR_INVAL;
		return NULL;
	}
	do {
		again = false;
		f = open_once(v, path, flags, mode, error, &again);
	} while (again);
	return f;
}
