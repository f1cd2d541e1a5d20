/*
 * tree.c -- names: which node stands under which name in which folder.
 *
 * A name is an entry: in a bucket of the tree's one table, by folder and name; in the folder's
 * list, in the order the names came, each with a number (cookie) that a listing goes on from; and
 * in the node's own list, so that a node's path can be told.  A listing that is under way while
 * names come and go shows each name that was there all the time exactly once.
 *
 * Everything that changes names does so in one hold of the tree's lock, and looks the names up
 * again there: between finding and changing others may have been faster.  Memory is got before.
 *
 * Always true (tree_check):
 *   T1  an entry is in the bucket of its hash, in its folder's children and among its node's names;
 *   T2  cookies rise along a folder's children, and are above COOKIE_UP;
 *   T3  a folder has at most one name; its `links` are 2 and one for each folder in it, or 0 when
 *       it was removed, and then it is empty and stays so;
 *   T4  `links` of what is no folder is the number of its names;
 *   T5  `entries` is how many there are.
 *
 * Locks: the tree's (RANK_TREE).  Cost: a name O(1) on average; listing from a cookie O(children).
 */
#include "kernel/file/rights.h"
#include "kernel/file/tree_inside.h"

/* FNV-1a, begun from the folder. */
static uint32_t name_hash(const struct node *folder, const char *name, size_t bytes)
{
	uint32_t hash = 2166136261u ^ (uint32_t)folder->number * 0x9e3779b1u;

	for (size_t i = 0; i < bytes; i++) hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return hash;
}

static struct list *bucket_of(struct file_tree *t, uint32_t hash)
{
	return &t->buckets[(hash ^ hash >> 15) & (t->config.buckets - 1)];
}

struct entry *tree_entry_locked(struct file_tree *t, const struct node *folder, const char *name,
				size_t bytes)
{
	const uint32_t hash = name_hash(folder, name, bytes);
	struct list *bucket = bucket_of(t, hash);

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct entry *e = CONTAINER_OF(l, struct entry, bucket_link);
		if (e->hash == hash && e->folder == folder && e->bytes == bytes &&
		    memcmp(e->name, name, bytes) == 0)
			return e;
	}
	return NULL;
}

/* In no folder yet.  NULL without memory. */
static struct entry *entry_create(struct file_tree *t, const char *name, size_t bytes)
{
	struct entry *e = kmalloc_alloc(tree_memory(t), sizeof *e + bytes + 1, KM_ZERO, SITE_NONE);

	ASSERT(bytes != 0 && bytes <= NAME_BYTES_MAX);
	if (e == NULL) return NULL;
	e->bytes = (uint32_t)bytes;
	memcpy(e->name, name, bytes);
	list_init(&e->bucket_link);
	list_init(&e->folder_link);
	list_init(&e->node_link);
	return e;
}

/* Puts a name into a folder, and takes it out; who holds the node for it is the caller's affair. */
static void entry_link_locked(struct file_tree *t, struct entry *e, struct node *folder,
			      struct node *n)
{
	e->folder = folder;
	e->node = n;
	e->hash = name_hash(folder, e->name, e->bytes);
	e->cookie = ++folder->folder.cookie;
	list_add_last(bucket_of(t, e->hash), &e->bucket_link);
	list_add_last(&folder->folder.children, &e->folder_link);
	list_add_last(&n->entries, &e->node_link);
	if (node_is_folder(n)) folder->links++;
	t->entries++;
}

static void entry_unlink_locked(struct file_tree *t, struct entry *e)
{
	list_remove(&e->bucket_link);
	list_remove(&e->folder_link);
	list_remove(&e->node_link);
	if (node_is_folder(e->node)) e->folder->links--;
	ASSERT(t->entries != 0);
	t->entries--;
}

static void folder_changed_locked(struct node *folder, uint64_t now)
{
	node_modified_locked(folder, now);
}

/* Nothing can be made in a folder that is gone, or in a generated one. */
static int folder_refuses_locked(const struct node *folder)
{
	if (folder->ops != NULL) return -ERR_PERM;
	return folder->links == 0 ? -ERR_NOENT : 0;
}

bool tree_is_below_locked(const struct node *n, const struct node *above)
{
	while (n != NULL && n != above) {
		if (node_is_mount_root(n))
			n = n->mount->covered;
		else
			n = n->folder.above;
	}
	return n != NULL;
}

bool tree_is_below(struct node *n, const struct node *above)
{
	const mach_irq_t was = lock_take(&n->tree->lock);
	const bool below = tree_is_below_locked(n, above);

	lock_drop(&n->tree->lock, was);
	return below;
}

/* --- making and linking ----------------------------------------------------------------------- */

/* Gives `n` that name in the folder, which is free: 0 or an error.  A folder's way up begins. */
static int tree_name_locked(struct file_tree *t, struct entry *e, struct node *folder,
			    struct node *n)
{
	const int refused = folder_refuses_locked(folder);

	if (tree_entry_locked(t, folder, e->name, e->bytes) != NULL) return -ERR_EXIST;
	if (refused != 0) return refused;
	entry_link_locked(t, e, folder, node_hold(n));
	if (node_is_folder(n))
		n->folder.above = node_hold(folder);
	else
		n->links++;
	return 0;
}

static int tree_name(struct node *folder, const char *name, size_t bytes, struct node *n, bool more)
{
	struct file_tree *t = folder->tree;
	const uint64_t now = tree_now(t);
	struct entry *e = entry_create(t, name, bytes);

	if (e == NULL) return -ERR_NOMEM;
	const mach_irq_t was = lock_take(&t->lock);
	const bool lost = more && n->links == 0 && !n->linkable;
	const int error = lost ? -ERR_NOENT : tree_name_locked(t, e, folder, n);
	if (error == 0) {
		n->linkable = false;
		folder_changed_locked(folder, now);
		node_changed_locked(n, now);
	}
	lock_drop(&t->lock, was);
	if (error != 0) tree_free(t, e);
	return error;
}

/* S_ISGID does not lend one's group to a file of another (inode_init_owner, mode_strip_sgid). */
void node_inherit(struct node *n, const struct node *folder, const struct node_how *how)
{
	const uint32_t lent = S_ISGID | 0010;

	if ((atomic_load_u32(&folder->mode) & S_ISGID) == 0) return;
	n->gid = atomic_load_u32(&folder->gid);
	if (node_is_folder(n))
		n->mode |= S_ISGID;
	else if ((n->mode & lent) == lent && !ids_are_root(&how->ids) && n->gid != how->ids.gid)
		n->mode &= ~(uint32_t)S_ISGID;
}

int tree_make(struct node *folder, const char *name, size_t bytes, const struct node_how *how,
	      struct node **out)
{
	int error;

	ASSERT(node_is_folder(folder));
	if (bytes > NAME_BYTES_MAX) return -ERR_NAMETOOLONG;
	if (folder->ops != NULL) return -ERR_PERM;
	struct node *n = node_create(folder->tree, folder->mount, how, &error);
	if (n == NULL) return error;
	node_inherit(n, folder, how);
	error = tree_name(folder, name, bytes, n, false);
	if (error != 0 || out == NULL)
		node_drop(n);
	else
		*out = n;
	return error;
}

bool folder_is_gone(struct node *folder)
{
	const mach_irq_t was = lock_take(&folder->tree->lock);
	const bool gone = folder->ops == NULL && folder->links == 0;

	lock_drop(&folder->tree->lock, was);
	return gone;
}

int tree_link(struct node *n, struct node *folder, const char *name, size_t bytes, bool revives)
{
	if (n->mount != folder->mount) return -ERR_XDEV;
	if (node_is_folder(n) || folder->ops != NULL) return -ERR_PERM;
	return tree_name(folder, name, bytes, n, !revives);
}

/* --- taking away ------------------------------------------------------------------------------ */

/* Whether what stands under `e` can go, by unlink or (`as_folder`) rmdir. */
static int entry_refuses_locked(const struct entry *e, bool as_folder)
{
	const struct node *n = e->node;

	if (!node_is_folder(n)) return as_folder ? -ERR_NOTDIR : 0;
	if (!as_folder) return -ERR_ISDIR;
	if (n->folder.mounted != NULL) return -ERR_BUSY;
	return list_empty(&n->folder.children) ? 0 : -ERR_NOTEMPTY;
}

/* The name goes; its node, whose hold by the name is the caller's to drop. */
static struct node *entry_take_locked(struct file_tree *t, struct entry *e, uint64_t now)
{
	struct node *n = e->node;

	entry_unlink_locked(t, e);
	folder_changed_locked(e->folder, now);
	node_changed_locked(n, now);
	if (node_is_folder(n))
		n->links = 0;
	else
		n->links--;
	return n;
}

int tree_unlink(const struct found *found, bool folder_wanted)
{
	struct node *folder = found->folder;
	struct file_tree *t = folder->tree;
	const uint64_t now = tree_now(t);
	struct node *n = NULL;

	if (folder->ops != NULL) return -ERR_PERM;
	const mach_irq_t was = lock_take(&t->lock);
	struct entry *e = tree_entry_locked(t, folder, found->name, found->bytes);
	int error = e == NULL ? -ERR_NOENT : folder_may_take(folder, e->node, &found->ids);
	if (error == 0) error = entry_refuses_locked(e, folder_wanted);
	if (error == 0) n = entry_take_locked(t, e, now);
	lock_drop(&t->lock, was);
	if (error != 0) return error;
	tree_free(t, e);
	node_drop(n);
	return 0;
}

/* --- renaming --------------------------------------------------------------------------------- */

/* One rename under way: both names, and what is to be given back afterwards. */
struct renaming {
	struct file_tree *t;
	const struct found *from, *to;
	uint32_t flags;
	uint64_t now;
	struct entry *old, *over; /* `over` is what stands where it goes, or NULL */
	struct entry *fresh;      /* the new name, made before; NULL: used up */
	struct node *white; /* what stays under the old name, held; NULL: nothing, or used up */
	struct node *drop[2];
};

/* Whether one may: take the one name away, make or take away the other; a folder that goes
 * elsewhere is written to, for its way up. */
static int rename_may_locked(const struct renaming *r)
{
	const struct ids *who = &r->from->ids;
	struct node *from = r->from->folder, *to = r->to->folder, *n = r->old->node;
	int error = folder_may_take(from, n, who);

	if (error == 0)
		error = r->over == NULL ? folder_may_make(to, who)
					: folder_may_take(to, r->over->node, who);
	if (error != 0 || from == to) return error;
	if (node_is_folder(n)) error = node_may(n, who, MAY_WRITE);
	if (error == 0 && (r->flags & RENAME_EXCHANGE) != 0 && node_is_folder(r->over->node))
		error = node_may(r->over->node, who, MAY_WRITE);
	return error;
}

/* What Linux looks at, in its order. */
static int rename_refuses_locked(struct renaming *r)
{
	struct node *n = r->old->node;
	const bool folder = node_is_folder(n);
	const bool exchange = (r->flags & RENAME_EXCHANGE) != 0;

	if (r->over != NULL && (r->flags & RENAME_NOREPLACE) != 0) return -ERR_EXIST;
	if (r->over == NULL && (exchange || folder_refuses_locked(r->to->folder) != 0))
		return -ERR_NOENT;
	if (exchange && r->to->slash && !node_is_folder(r->over->node)) return -ERR_NOTDIR;
	if (!folder && (r->from->slash || (!exchange && r->to->slash))) return -ERR_NOTDIR;
	if (folder && tree_is_below_locked(r->to->folder, n)) return -ERR_INVAL;
	if (r->over != NULL && node_is_folder(r->over->node) &&
	    tree_is_below_locked(r->from->folder, r->over->node))
		return exchange ? -ERR_INVAL : -ERR_NOTEMPTY;
	if (r->over != NULL && n == r->over->node) return 0;
	const int error = rename_may_locked(r);
	if (error != 0) return error;
	if (r->over == NULL) return 0;
	if (folder && n->folder.mounted != NULL) return -ERR_BUSY;
	return exchange ? 0 : entry_refuses_locked(r->over, folder);
}

/* A folder's way up leads elsewhere now; the old one is to be dropped. */
static void rename_above_locked(struct renaming *r, struct node *n, struct node *above)
{
	if (!node_is_folder(n) || n->folder.above == above) return;
	r->drop[r->drop[0] != NULL] = n->folder.above;
	n->folder.above = node_hold(above);
}

static void rename_exchange_locked(struct renaming *r)
{
	struct node *a = r->old->node, *b = r->over->node;
	struct node *from = r->old->folder, *to = r->over->folder;

	list_remove(&r->old->node_link);
	list_remove(&r->over->node_link);
	from->links -= node_is_folder(a);
	to->links -= node_is_folder(b);
	r->old->node = b;
	r->over->node = a;
	list_add_last(&b->entries, &r->old->node_link);
	list_add_last(&a->entries, &r->over->node_link);
	from->links += node_is_folder(b);
	to->links += node_is_folder(a);
	rename_above_locked(r, a, to);
	rename_above_locked(r, b, from);
	node_changed_locked(a, r->now);
	node_changed_locked(b, r->now);
}

static void rename_move_locked(struct renaming *r)
{
	struct node *n = r->old->node;

	if (r->over != NULL) r->drop[1] = entry_take_locked(r->t, r->over, r->now);
	folder_changed_locked(r->old->folder, r->now);
	entry_unlink_locked(r->t, r->old);
	entry_link_locked(r->t, r->fresh, r->to->folder, n); /* the old name's hold of it */
	r->fresh = NULL;
	if (r->white != NULL) {
		entry_link_locked(r->t, r->old, r->from->folder, r->white); /* and our hold */
		r->white->links++;
		r->white = NULL;
		r->old = NULL;
	}
	if (node_is_folder(n) && n->folder.above != r->to->folder) {
		ASSERT(r->drop[0] == NULL);
		r->drop[0] = n->folder.above;
		n->folder.above = node_hold(r->to->folder);
	}
	node_changed_locked(n, r->now);
}

/* Whether anything was taken out of the tables: the entries are then the caller's to free. */
static int rename_locked(struct renaming *r, bool *moved)
{
	r->old = tree_entry_locked(r->t, r->from->folder, r->from->name, r->from->bytes);
	r->over = tree_entry_locked(r->t, r->to->folder, r->to->name, r->to->bytes);
	if (r->old == NULL) return -ERR_NOENT;
	const int refused = rename_refuses_locked(r);
	if (refused != 0) return refused;
	if (r->over != NULL && r->old->node == r->over->node) return 0;
	folder_changed_locked(r->to->folder, r->now);
	if ((r->flags & RENAME_EXCHANGE) != 0) {
		folder_changed_locked(r->from->folder, r->now);
		rename_exchange_locked(r);
		return 0;
	}
	rename_move_locked(r);
	*moved = true;
	return 0;
}

int tree_rename(const struct found *from, const struct found *to, uint32_t flags)
{
	struct file_tree *t = from->folder->tree;
	struct renaming r = { .t = t, .from = from, .to = to, .flags = flags, .now = tree_now(t) };
	bool moved = false;

	if (from->folder->mount != to->folder->mount) return -ERR_XDEV;
	if (from->folder->ops != NULL || to->folder->ops != NULL) return -ERR_PERM;
	const struct node_how white = { .mode = S_IFCHR, .ids = from->ids };
	int error = 0;
	if ((flags & RENAME_WHITEOUT) != 0)
		r.white = node_create(t, from->folder->mount, &white, &error);
	if (error != 0) return error;
	r.fresh = entry_create(t, to->name, to->bytes);
	if (r.fresh == NULL) {
		if (r.white != NULL) node_drop(r.white);
		return -ERR_NOMEM;
	}
	const mach_irq_t was = lock_take(&t->lock);
	error = rename_locked(&r, &moved);
	lock_drop(&t->lock, was);
	if (r.white != NULL) node_drop(r.white);
	if (moved) {
		tree_free(t, r.old);
		tree_free(t, r.over);
	}
	tree_free(t, r.fresh);
	for (unsigned i = 0; i < COUNT_OF(r.drop); i++)
		if (r.drop[i] != NULL) node_drop(r.drop[i]);
	return error;
}

/* --- a whole mount ---------------------------------------------------------------------------- */

/* The name of something that has nothing in it, from a folder in memory on down; NULL: none. */
static struct entry *tree_leaf(struct node *n)
{
	struct entry *e = NULL;

	while (node_is_folder(n) && n->ops == NULL && !list_empty(&n->folder.children)) {
		e = CONTAINER_OF(n->folder.children.next, struct entry, folder_link);
		n = e->node;
	}
	return e;
}

void tree_empty(struct file_tree *t, struct mount *m)
{
	for (;;) {
		const mach_irq_t was = lock_take(&t->lock);
		struct entry *e = tree_leaf(m->root);
		struct node *n = e == NULL ? NULL : entry_take_locked(t, e, 0);
		lock_drop(&t->lock, was);
		if (e == NULL) return;
		tree_free(t, e);
		node_drop(n);
	}
}

/* --- what a mapping is of --------------------------------------------------------------------- */

static struct node *bucket_node_of(struct file_tree *t, uint32_t b, const struct backing *of)
{
	for (const struct list *l = t->buckets[b].next; l != &t->buckets[b]; l = l->next) {
		struct node *n = CONTAINER_OF(l, struct entry, bucket_link)->node;
		if (node_kind(n) == S_IFREG && n->ops == NULL && n->regular.backing == of) return n;
	}
	return NULL;
}

struct node *tree_node_of(struct file_tree *t, const struct backing *of)
{
	struct node *n = NULL;

	for (uint32_t b = 0; b < t->config.buckets && n == NULL; b++) {
		const mach_irq_t was = lock_take(&t->lock);
		n = bucket_node_of(t, b, of);
		if (n != NULL) node_hold(n);
		lock_drop(&t->lock, was);
	}
	return n;
}

/* --- looking ---------------------------------------------------------------------------------- */

static const char *node_check_names(const struct node *n)
{
	uint32_t names = 0;

	for (const struct list *l = n->entries.next; l != &n->entries; l = l->next) {
		const struct entry *e = CONTAINER_OF(l, struct entry, node_link);
		if (e->node != n) return "tree T1: a name of another node";
		names++;
	}
	if (atomic_load_u32(&n->refs) < names) return "tree: a node with more names than holders";
	if (node_is_folder(n)) return names <= 1 ? NULL : "tree T3: a folder with two names";
	return names == n->links ? NULL : "tree T4: a node's names are miscounted";
}

static const char *folder_check(const struct node *folder)
{
	uint64_t cookie = COOKIE_UP;
	uint32_t links = 2;

	for (const struct list *l = folder->folder.children.next; l != &folder->folder.children;
	     l = l->next) {
		const struct entry *e = CONTAINER_OF(l, struct entry, folder_link);
		if (e->folder != folder) return "tree T1: a name of another folder";
		if (e->cookie <= cookie) return "tree T2: cookies do not rise";
		if (node_is_folder(e->node) && e->node->folder.above != folder)
			return "tree T3: a folder's way up leads elsewhere";
		cookie = e->cookie;
		links += node_is_folder(e->node);
	}
	if (cookie > folder->folder.cookie) return "tree T2: a cookie that was not given out";
	return links == folder->links ? NULL : "tree T3: folders in a folder are miscounted";
}

static const char *bucket_check(struct file_tree *t, uint32_t b, uint32_t *entries)
{
	const struct list *bucket = &t->buckets[b];
	const char *why = NULL;

	for (const struct list *l = bucket->next; l != bucket && why == NULL; l = l->next) {
		const struct entry *e = CONTAINER_OF(l, struct entry, bucket_link);
		if (++*entries > t->entries) return "tree T5: more names than were counted";
		if (bucket_of(t, e->hash) != bucket ||
		    e->hash != name_hash(e->folder, e->name, e->bytes))
			return "tree T1: a name in another's bucket";
		why = node_check_names(e->node);
		if (why == NULL && node_is_folder(e->node) && e->node->ops == NULL)
			why = folder_check(e->node);
	}
	return why;
}

const char *tree_check(struct file_tree *t)
{
	const mach_irq_t was = lock_take(&t->lock);
	const char *why = folder_check(t->root);
	uint32_t entries = 0;

	for (uint32_t b = 0; b < t->config.buckets && why == NULL; b++)
		why = bucket_check(t, b, &entries);
	if (why == NULL && entries != t->entries) why = "tree T5: names are miscounted";
	lock_drop(&t->lock, was);
	return why;
}
