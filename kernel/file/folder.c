/*
 * folder.c -- an open folder: its names, one after the other.
 *
 * The place in a folder is the cookie of the last name that was listed; 0 is the beginning.  A
 * listing goes on with the first name of a higher one, so it does not matter what was taken out or
 * put in between.
 *
 * Locks: the tree's while names go into the buffer.  Cost: O(names) for each buffer of them.
 */
#include "kernel/file/names.h"
#include "kernel/file/tree_inside.h"

static unsigned entry_type(const struct node *n)
{
	return node_kind(n) >> 12;
}

/* "." and "..", if the listing is not behind them. */
static bool folder_dots_locked(const struct node *folder, struct file_names *out)
{
	const struct node *above = folder;

	if (node_is_mount_root(folder) && folder->mount->covered != NULL)
		above = folder->mount->covered;
	if (!node_is_mount_root(above)) above = above->folder.above;
	if (out->at < COOKIE_DOT && !names_add(out, ".", 1, folder->number, DT_DIR, COOKIE_DOT))
		return false;
	return out->at >= COOKIE_UP || names_add(out, "..", 2, above->number, DT_DIR, COOKIE_UP);
}

static void folder_add_locked(const struct node *folder, struct file_names *out)
{
	const struct list *children = &folder->folder.children;

	if (!folder_dots_locked(folder, out)) return;
	for (const struct list *l = children->next; l != children; l = l->next) {
		const struct entry *e = CONTAINER_OF(l, struct entry, folder_link);
		if (e->cookie <= out->at) continue;
		const struct node *n = e->node;
		if (node_is_folder(n) && n->folder.mounted != NULL) n = n->folder.mounted->root;
		if (!names_add(out, e->name, e->bytes, n->number, entry_type(n), e->cookie)) return;
	}
}

static int64_t folder_names(struct file *f, struct file_names *out)
{
	struct node *folder = f->node;
	struct file_tree *t = folder->tree;
	bool more;

	if (folder->ops != NULL) return folder->ops->names(folder, out);
	do {
		const mach_irq_t was = lock_take(&t->lock);
		const bool gone = folder->links == 0;
		if (!gone) folder_add_locked(folder, out);
		lock_drop(&t->lock, was);
		if (gone) return -ERR_NOENT;
		more = names_flush(out);
	} while (more);
	if ((atomic_load_u32(&f->flags) & O_NOATIME) == 0) node_accessed(folder);
	return names_answer(out);
}

static int64_t folder_seek(struct file *f, int64_t offset, unsigned whence)
{
	return whence > WHENCE_CUR ? -ERR_INVAL : file_seek_plain(f, offset, whence);
}

static int64_t folder_read(struct file *f, struct io *to, uint64_t *at)
{
	(void)f, (void)to, (void)at;
	return -ERR_ISDIR;
}

const struct file_ops folder_ops = {
	.read = folder_read,
	.seek = folder_seek,
	.names = folder_names,
	.has_place = true,
};
