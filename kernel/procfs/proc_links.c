/*
 * proc_links.c -- the links of /proc, and the folders of a process's descriptors and threads.
 *
 * A link to a file (exe, cwd, fd/N) leads to the very node that the process has, whatever names it
 * has by now; its text is the path from the reader's root, for who wants to read it.
 *
 * What a process has is asked of it under its world's lock and held for the caller, so it may end
 * meanwhile.
 */
#include "kernel/abi.h"
#include "kernel/file/names.h"
#include "kernel/file/rights.h"
#include "kernel/file/table.h"
#include "kernel/procfs/proc_inside.h"
#include "machine/format.h"

enum { AT_FIRST = 3 };

/* --- to oneself ------------------------------------------------------------------------------- */

static int64_t self_text(struct node *n, const struct view *v, char *to, size_t room)
{
	const struct task *t = v->who;
	(void)n;
	if (t == NULL) return -ERR_NOENT;
	return (int64_t)format_text(to, room, "%d", t->group->pid);
}

static int64_t thread_self_text(struct node *n, const struct view *v, char *to, size_t room)
{
	const struct task *t = v->who;
	(void)n;
	if (t == NULL) return -ERR_NOENT;
	return (int64_t)format_text(to, room, "%d/task/%d", t->group->pid, t->tid);
}

static int64_t mounts_text(struct node *n, const struct view *v, char *to, size_t room)
{
	(void)n, (void)v;
	return (int64_t)format_text(to, room, "self/mounts");
}

const struct node_ops proc_self_ops = { .text = self_text };
const struct node_ops proc_thread_self_ops = { .text = thread_self_text };
const struct node_ops proc_mounts_ops = { .text = mounts_text };

/* --- to what a process has -------------------------------------------------------------------- */

/* The node that an entry's process has there, held, or NULL and *error. */
typedef struct node *which_fn(struct node *n, int *error);

static struct node *exe_of(struct node *n, int *error)
{
	struct node *found = task_exe_hold(proc_world(n), proc_id_of(n).pid);
	*error = found != NULL ? 0 : -ERR_NOENT;
	return found;
}

static struct node *cwd_of(struct node *n, int *error)
{
	struct task_look look;
	struct node *found = task_cwd_hold(proc_world(n), proc_id_of(n).pid);
	if (found == NULL && task_look(proc_world(n), proc_id_of(n).pid, &look) && !look.zombie)
		found = node_hold(n->tree->root);
	*error = found != NULL ? 0 : -ERR_NOENT;
	return found;
}

static struct node *root_of(struct node *n, int *error)
{
	struct node *found = task_root_hold(proc_world(n), proc_id_of(n).pid);
	*error = 0;
	return found != NULL ? found : node_hold(n->tree->root);
}

static struct file *open_file_of(struct node *n)
{
	const struct proc_id id = proc_id_of(n);
	struct file_table *table = task_files_hold(proc_world(n), id.pid);
	if (table == NULL) return NULL;
	struct file *f = file_table_get(table, id.number);
	file_table_drop(table);
	return f;
}

/* A file without a node (a pipe, say) leads nowhere by this way. */
static struct node *fd_of(struct node *n, int *error)
{
	struct file *f = open_file_of(n);
	*error = -ERR_NOENT;
	if (f == NULL) return NULL;
	struct node *found = f->node != NULL ? node_hold(f->node) : NULL;
	file_drop(f);
	if (found != NULL) *error = 0;
	return found;
}

static int64_t path_text(struct node *n, const struct view *v, which_fn *which, char *to,
			 size_t room)
{
	int error;
	if (node_owned(n, &v->ids) != 0) return -ERR_ACCES; /* as for who may trace it */
	struct node *found = which(n, &error);
	if (found == NULL) return error;
	const int64_t bytes = tree_path(v, found, to, room);
	node_drop(found);
	if (bytes == -ERR_NOENT) return (int64_t)format_text(to, room, "(deleted)");
	return bytes > 0 ? bytes - 1 : bytes;
}

#define LINK(name, which)                                                                       \
	static int64_t name##_text(struct node *n, const struct view *v, char *to, size_t room) \
	{                                                                                       \
		return path_text(n, v, which, to, room);                                        \
	}                                                                                       \
	static struct node *name##_follow(struct node *n, const struct view *v, int *error)     \
	{                                                                                       \
		*error = node_owned(n, &v->ids) != 0 ? -ERR_ACCES : 0;                          \
		return *error != 0 ? NULL : which(n, error);                                    \
	}                                                                                       \
	const struct node_ops proc_##name##_ops = { .text = name##_text, .follow = name##_follow };

LINK(exe, exe_of)
LINK(cwd, cwd_of)
LINK(root_link, root_of)

/* --- descriptors ------------------------------------------------------------------------------ */

static int64_t fd_text(struct node *n, const struct view *v, char *to, size_t room)
{
	struct file *f = open_file_of(n);
	if (f == NULL) return -ERR_NOENT;
	const bool named = f->node != NULL;
	file_drop(f);
	if (named) return path_text(n, v, fd_of, to, room);
	return (int64_t)format_text(to, room, "pipe:[%u]", proc_id_of(n).number);
}

static struct node *fd_follow(struct node *n, const struct view *v, int *error)
{
	(void)v;
	return fd_of(n, error);
}

const struct node_ops proc_fd_ops = { .text = fd_text, .follow = fd_follow };

static const struct proc_entry fd_entry = { "", S_IFLNK | 0700, NULL, &proc_fd_ops };

static struct proc_id fd_id(struct node *folder, uint64_t fd)
{
	return (struct proc_id){ proc_id_of(folder).pid, (uint32_t)fd, proc_id_of(folder).entry };
}

static int fds_find(struct node *folder, const struct view *v, const char *name, size_t bytes,
		    struct node **out)
{
	const int64_t fd = proc_number(name, bytes);
	struct file_table *table = task_files_hold(proc_world(folder), proc_id_of(folder).pid);
	(void)v;
	if (table == NULL) return -ERR_NOENT;
	const bool there = fd >= 0 && file_table_next(table, (uint32_t)fd) == fd;
	file_table_drop(table);
	return there ? proc_node(folder, fd_id(folder, (uint64_t)fd), &fd_entry, out) : -ERR_NOENT;
}

static void fds_add(struct node *folder, struct file_table *table, struct file_names *out)
{
	int fd = out->at >= AT_FIRST ? (int)(out->at - AT_FIRST) + 1 : 0;
	while ((fd = file_table_next(table, (uint32_t)fd)) >= 0) {
		char name[12];
		const size_t bytes = format_text(name, sizeof(name), "%d", fd);
		if (!names_add(out, name, bytes, proc_word(fd_id(folder, (uint64_t)fd)), DT_LNK,
			       AT_FIRST + (uint64_t)fd))
			return;
		fd++;
	}
}

static int64_t fds_names(struct node *folder, struct file_names *out)
{
	struct file_table *table = task_files_hold(proc_world(folder), proc_id_of(folder).pid);
	if (table == NULL) return -ERR_NOENT;
	do {
		if (proc_dots(folder, out)) fds_add(folder, table, out);
	} while (names_flush(out));
	file_table_drop(table);
	return names_answer(out);
}

static size_t fds_name(struct node *folder, char *to, size_t room)
{
	(void)folder;
	return format_text(to, room, "fd");
}

const struct node_ops proc_fds_ops = { .find = fds_find, .names = fds_names, .name = fds_name };

/* --- threads ---------------------------------------------------------------------------------- */

/* A thread's folder is as a process's; what threads share is the same in all of them. */
static int threads_find(struct node *folder, const struct view *v, const char *name, size_t bytes,
			struct node **out)
{
	const int64_t tid = proc_number(name, bytes);
	const int32_t pid = proc_id_of(folder).pid;
	struct task_look look;
	(void)v;
	if (tid < 1 || task_next_thread(proc_world(folder), pid, (int32_t)tid) != tid ||
	    !task_look(proc_world(folder), (int32_t)tid, &look))
		return -ERR_NOENT;
	return proc_node(folder, (struct proc_id){ .pid = (int32_t)tid }, &proc_task_entries[0],
			 out);
}

static void threads_add(struct node *folder, struct file_names *out)
{
	int32_t tid = out->at >= AT_FIRST ? (int32_t)(out->at - AT_FIRST) + 1 : 1;
	const int32_t pid = proc_id_of(folder).pid;
	for (; (tid = task_next_thread(proc_world(folder), pid, tid)) != 0; tid++) {
		char name[12];
		const size_t bytes = format_text(name, sizeof(name), "%d", tid);
		const uint64_t number = proc_word((struct proc_id){ .pid = tid });
		if (!names_add(out, name, bytes, number, DT_DIR, AT_FIRST + (uint64_t)tid)) return;
	}
}

static int64_t threads_names(struct node *folder, struct file_names *out)
{
	do {
		if (proc_dots(folder, out)) threads_add(folder, out);
	} while (names_flush(out));
	return names_answer(out);
}

static size_t threads_name(struct node *folder, char *to, size_t room)
{
	(void)folder;
	return format_text(to, room, "task");
}

const struct node_ops proc_threads_ops = {
	.find = threads_find,
	.names = threads_names,
	.name = threads_name,
};
