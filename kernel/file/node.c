/*
 * node.c -- nodes: made, held, given back, looked at.
 *
 * A node is held by each of its names, by who found it, by what is open on it, and a folder by
 * those right below it, so the way up from anywhere lasts.  The last holder gives it back, and with
 * it the hold of the folder above; that may be the last one's turn in its place, so giving back is
 * a loop.  Names are under the tree's lock and hold their node, so whoever finds a node by a name
 * finds it alive.
 *
 * Always true: a node's `refs` is never 0 while anybody can reach it; what a mount counts in
 * `nodes` are exactly its nodes.
 *
 * Locks: none for holding and dropping; the tree's for the fields that say so.
 * Cost: O(1); the last drop of a regular file O(its pages).
 */
#include "kernel/file/tree_inside.h"

uint64_t tree_now(const struct file_tree *t)
{
	const struct file_world *w = t->config.files;

	return w->wall_ns == NULL ? 0 : w->wall_ns(w->arg);
}

void tree_free(struct file_tree *t, void *p)
{
	const enum kmalloc_verdict v = kmalloc_free(tree_memory(t), p);

	ASSERT(v == KMALLOC_FREED || v == KMALLOC_NOTHING);
}

struct node *node_hold(struct node *n)
{
	const uint32_t was = atomic_fetch_add_u32(&n->refs, 1);

	ASSERT(was != 0 && was != UINT32_MAX);
	return n;
}

/* What is nobody's any more goes; the folder above it, which is to be dropped, or NULL. */
static struct node *node_end(struct node *n)
{
	struct file_tree *t = n->tree;
	struct node *above = NULL;

	ASSERT(list_empty(&n->entries) && list_empty(&n->locks));
	ASSERT(n->ops != NULL || n->object == NULL);
	if (n->ops != NULL && n->ops->release != NULL) n->ops->release(n);
	if (node_is_folder(n)) {
		ASSERT(list_empty(&n->folder.children) && n->folder.mounted == NULL);
		above = n->folder.above;
	} else if (node_kind(n) == S_IFLNK) {
		tree_free(t, n->text);
	} else if (node_kind(n) == S_IFREG && n->ops == NULL) {
		regular_end(n);
	}
	atomic_fetch_add_u32(&n->mount->nodes, UINT32_MAX);
	atomic_fetch_add_u32(&t->nodes, UINT32_MAX);
	tree_free(t, n);
	return above;
}

void node_drop(struct node *n)
{
	while (n != NULL) {
		const uint32_t was = atomic_fetch_add_u32(&n->refs, UINT32_MAX);
		ASSERT(was != 0);
		if (was != 1) return;
		n = node_end(n);
	}
}

/* --- making ----------------------------------------------------------------------------------- */

static bool mount_charge_node(struct mount *m)
{
	if (atomic_fetch_add_u32(&m->nodes, 1) < m->pages_most || m->kind->generated) return true;
	atomic_fetch_add_u32(&m->nodes, UINT32_MAX);
	return false;
}

/* What a kind has besides; false without memory. */
static bool node_fill(struct node *n, const struct node_how *how)
{
	struct file_tree *t = n->tree;

	switch (node_kind(n)) {
	case S_IFDIR:
		list_init(&n->folder.children);
		n->folder.cookie = COOKIE_UP;
		n->links = 2;
		return true;
	case S_IFLNK:
		n->text = kmalloc_alloc(tree_memory(t), how->text_bytes + 1, 0, SITE_NONE);
		if (n->text == NULL) return false;
		memcpy(n->text, how->text, how->text_bytes);
		n->text[how->text_bytes] = 0;
		n->size = how->text_bytes;
		return true;
	case S_IFREG:
		mutex_init(&n->regular.turn);
		if (how->given == NULL) return true;
		n->regular.given = given_create(t, how->given, how->given_bytes);
		n->size = how->given_bytes;
		return n->regular.given != NULL;
	default: n->device = how->device; return true;
	}
}

static void node_begin(struct node *n, struct file_tree *t, struct mount *m, uint32_t mode)
{
	n->tree = t;
	n->mount = m;
	n->refs = 1;
	n->mode = mode;
	n->accessed_ns = n->modified_ns = n->changed_ns = n->born_ns = tree_now(t);
	list_init(&n->entries);
	list_init(&n->locks);
	atomic_fetch_add_u32(&t->nodes, 1);
}

struct node *node_create(struct file_tree *t, struct mount *m, const struct node_how *how,
			 int *error)
{
	*error = -ERR_NOSPC;
	if (!mount_charge_node(m)) return NULL;
	*error = -ERR_NOMEM;
	struct node *n = kmalloc_alloc(tree_memory(t), sizeof *n, KM_ZERO, SITE_NONE);
	if (n == NULL) goto refused;
	node_begin(n, t, m, how->mode);
	n->uid = how->ids.uid;
	n->gid = how->ids.gid;
	if (node_fill(n, how)) {
		const mach_irq_t was = lock_take(&t->lock);
		n->number = ++t->numbers;
		lock_drop(&t->lock, was);
		*error = 0;
		return n;
	}
	atomic_fetch_add_u32(&t->nodes, UINT32_MAX);
	tree_free(t, n);
refused:
	atomic_fetch_add_u32(&m->nodes, UINT32_MAX);
	return NULL;
}

struct node *node_generate(struct node *above, const struct node_ops *ops, uint32_t mode,
			   uint64_t number, void *object)
{
	struct file_tree *t = above->tree;
	struct node *n = kmalloc_alloc(tree_memory(t), sizeof *n, KM_ZERO, SITE_NONE);

	ASSERT(above->mount->kind->generated);
	if (n == NULL) return NULL;
	node_begin(n, t, above->mount, mode);
	atomic_fetch_add_u32(&above->mount->nodes, 1);
	n->ops = ops;
	n->number = number;
	n->object = object;
	n->links = 1;
	if (node_is_folder(n)) {
		list_init(&n->folder.children);
		n->folder.above = node_hold(above);
		n->links = 2;
	}
	return n;
}

/* --- looking ---------------------------------------------------------------------------------- */

uint64_t node_size(const struct node *n)
{
	return atomic_load_u64(&n->size);
}

/* Before 1970 it is a number below 0, and what is left of a second is not. */
static void stat_time(uint64_t ns, int64_t *s, uint64_t *rest)
{
	const int64_t time = (int64_t)ns, second = 1000000000;

	*s = time / second - (time % second < 0);
	*rest = (uint64_t)(time - *s * second);
}

static int64_t node_blocks(const struct node *n)
{
	if (node_kind(n) != S_IFREG || n->ops != NULL) return 0;
	const uint64_t pages = n->regular.given != NULL && n->regular.own == 0
				       ? align_up(n->size, PAGE_SIZE) / PAGE_SIZE
				       : n->regular.pages;
	return (int64_t)(pages * (PAGE_SIZE / 512));
}

void node_stat(struct node *n, struct file_stat *out)
{
	const mach_irq_t was = lock_take(&n->tree->lock);
	const uint32_t kind = node_kind(n);

	*out = (struct file_stat){
		.dev = n->mount->device,
		.ino = n->number,
		.mode = n->mode,
		.nlink = n->links,
		.uid = n->uid,
		.gid = n->gid,
		.rdev = kind == S_IFCHR || kind == S_IFBLK ? n->device : 0,
		.size = (int64_t)node_size(n),
		.blksize = PAGE_SIZE,
		.blocks = node_blocks(n),
	};
	stat_time(atomic_load_u64(&n->accessed_ns), &out->atime_s, &out->atime_ns);
	stat_time(n->modified_ns, &out->mtime_s, &out->mtime_ns);
	stat_time(n->changed_ns, &out->ctime_s, &out->ctime_ns);
	lock_drop(&n->tree->lock, was);
	if (n->ops != NULL && n->ops->stat != NULL) n->ops->stat(n, out);
}

/* --- changing --------------------------------------------------------------------------------- */

void node_set_mode(struct node *n, uint32_t permissions)
{
	const uint64_t now = tree_now(n->tree);
	const mach_irq_t was = lock_take(&n->tree->lock);

	atomic_store_u32(&n->mode, (n->mode & S_IFMT) | (permissions & S_PERMISSIONS));
	node_changed_locked(n, now);
	lock_drop(&n->tree->lock, was);
}

void node_clear_mode(struct node *n, uint32_t without)
{
	const mach_irq_t was = lock_take(&n->tree->lock);

	ASSERT((without & ~(uint32_t)S_PERMISSIONS) == 0);
	atomic_store_u32(&n->mode, n->mode & ~without);
	lock_drop(&n->tree->lock, was);
}

void node_set_owner(struct node *n, uint32_t uid, uint32_t gid)
{
	const uint64_t now = tree_now(n->tree);
	const mach_irq_t was = lock_take(&n->tree->lock);

	if (uid != UINT32_MAX) atomic_store_u32(&n->uid, uid);
	if (gid != UINT32_MAX) atomic_store_u32(&n->gid, gid);
	node_changed_locked(n, now);
	lock_drop(&n->tree->lock, was);
}

void node_set_times(struct node *n, uint64_t accessed_ns, uint64_t modified_ns)
{
	const uint64_t now = tree_now(n->tree);
	const mach_irq_t was = lock_take(&n->tree->lock);

	if (accessed_ns != NODE_TIME_STAYS) atomic_store_u64(&n->accessed_ns, accessed_ns);
	if (modified_ns != NODE_TIME_STAYS) atomic_store_u64(&n->modified_ns, modified_ns);
	node_changed_locked(n, now);
	lock_drop(&n->tree->lock, was);
}

void node_accessed(struct node *n)
{
	const uint64_t was = atomic_load_u64(&n->accessed_ns);

	if ((int64_t)was > (int64_t)atomic_load_u64(&n->modified_ns) &&
	    (int64_t)was > (int64_t)atomic_load_u64(&n->changed_ns))
		return;
	atomic_store_u64(&n->accessed_ns, tree_now(n->tree));
}
