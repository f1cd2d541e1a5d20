/*
 * mount.c -- file systems: the first, and what is mounted over folders of it.
 *
 * A mount is a root, the folder that it covers, and what its nodes count: how many there are, how
 * many pages they have.  Those in memory are all alike and begin empty; what else is in them at the
 * start (/dev), or stands behind them (/proc), their kind's mount() does.
 *
 * One can be taken away when nobody holds any of its nodes but their names and the nodes below
 * them: that is counted, node by node, with the tree's lock held, under which alone new holders
 * come.
 *
 * Always true: of two mounts that cover one folder the later one covers the earlier one's root, so
 * every folder is covered once; what a mount's `nodes` counts is 0 when it goes.
 *
 * Locks: the tree's.  Cost: taking one away O(its names), in one hold of the lock for the count.
 */
#include "kernel/file/file_lock.h"
#include "kernel/file/tree_inside.h"
#include "machine/format.h"

/* A mount with its root, covering nothing yet; NULL and *error. */
static struct mount *mount_create(struct file_tree *t, const struct file_system *kind,
				  const char *source, int *error)
{
	const struct node_how folder = {
		.mode = S_IFDIR | (kind->permissions != 0 ? kind->permissions : 0755)
	};
	struct mount *m = kmalloc_alloc(tree_memory(t), sizeof *m, KM_ZERO, SITE_NONE);

	*error = -ERR_NOMEM;
	if (m == NULL) return NULL;
	list_init(&m->link);
	m->kind = kind;
	m->pages_most = t->config.pages_most;
	for (size_t i = 0; i + 1 < sizeof m->source && source[i] != 0; i++)
		m->source[i] = source[i];
	m->root = node_create(t, m, &folder, error);
	if (m->root == NULL) {
		tree_free(t, m);
		return NULL;
	}
	const mach_irq_t was = lock_take(&t->lock);
	m->device = ++t->devices;
	lock_drop(&t->lock, was);
	return m;
}

/* It is in no list, and nobody holds a node of it but we. */
static void mount_free(struct file_tree *t, struct mount *m)
{
	tree_empty(t, m);
	node_drop(m->root);
	ASSERT(atomic_load_u32(&m->nodes) == 0 && atomic_load_u32(&m->pages) == 0);
	if (m->covered != NULL) node_drop(m->covered);
	tree_free(t, m);
}

bool tree_init(struct file_tree *t, const struct tree_config *config)
{
	int error;

	ASSERT(is_power_of_two(config->buckets) && config->kinds[0] != NULL);
	*t = (struct file_tree){ .config = *config };
	lock_init(&t->lock, RANK_TREE);
	list_init(&t->mounts);
	file_locks_init(&t->locks);
	t->buckets =
		kmalloc_alloc(tree_memory(t), config->buckets * sizeof *t->buckets, 0, SITE_NONE);
	if (t->buckets == NULL) return false;
	for (uint32_t i = 0; i < config->buckets; i++) list_init(&t->buckets[i]);
	struct mount *first = mount_create(t, config->kinds[0], config->kinds[0]->name, &error);
	if (first == NULL) {
		tree_free(t, t->buckets);
		return false;
	}
	t->root = first->root;
	list_add_last(&t->mounts, &first->link);
	return true;
}

void tree_close(struct file_tree *t)
{
	while (!list_empty(&t->mounts)) {
		struct mount *m = CONTAINER_OF(t->mounts.prev, struct mount, link);
		list_remove(&m->link);
		if (m->covered != NULL) m->covered->folder.mounted = NULL;
		mount_free(t, m);
	}
	ASSERT(atomic_load_u32(&t->nodes) == 0 && t->entries == 0);
	tree_free(t, t->buckets);
}

/* --- mounting --------------------------------------------------------------------------------- */

static const struct file_system *mount_kind(const struct file_tree *t, const char *name)
{
	const struct file_system *const *kind = t->config.kinds;

	while (*kind != NULL && !same_text((*kind)->name, name)) kind++;
	return *kind;
}

int tree_mount(const struct view *v, const char *source, struct node *on, const char *kind_name)
{
	struct file_tree *t = v->tree;
	char name[16] = { 0 };
	int error;

	for (size_t i = 0; i + 1 < sizeof name && kind_name[i] != 0; i++) name[i] = kind_name[i];
	const struct file_system *kind = mount_kind(t, name);
	if (kind == NULL) return -ERR_NODEV;
	if (!node_is_folder(on)) return -ERR_NOTDIR;
	struct mount *m = mount_create(t, kind, source, &error);
	if (m == NULL) return error;
	error = kind->mount == NULL ? 0 : kind->mount(t, m->root, kind->arg);
	m->covered = node_hold(on);
	if (error == 0) {
		const mach_irq_t was = lock_take(&t->lock);
		if (on->folder.mounted != NULL)
			error = -ERR_BUSY; /* somebody was faster */
		else {
			on->folder.mounted = m;
			list_add_last(&t->mounts, &m->link);
		}
		lock_drop(&t->lock, was);
	}
	if (error != 0) mount_free(t, m);
	return error;
}

/* --- taking away ------------------------------------------------------------------------------ */

/* Holds of a node that are the tree's own: its names, the folders right below it. */
static uint32_t node_own_holds_locked(const struct node *n)
{
	uint32_t holds = node_is_mount_root(n) ? 1 : 0;

	for (const struct list *l = n->entries.next; l != &n->entries; l = l->next) holds++;
	if (!node_is_folder(n) || n->ops != NULL) return holds;
	const struct list *children = &n->folder.children;
	for (const struct list *l = children->next; l != children; l = l->next)
		holds += node_is_folder(CONTAINER_OF(l, struct entry, folder_link)->node);
	return holds;
}

/* The name after `e` in the order in which a folder comes before what is in it; NULL: the end. */
static struct entry *mount_next_locked(const struct mount *m, struct entry *e)
{
	struct node *n = e->node;

	if (node_is_folder(n) && !list_empty(&n->folder.children))
		return CONTAINER_OF(n->folder.children.next, struct entry, folder_link);
	while (e->folder_link.next == &e->folder->folder.children) {
		if (e->folder == m->root) return NULL;
		e = CONTAINER_OF(e->folder->entries.next, struct entry, node_link);
	}
	return CONTAINER_OF(e->folder_link.next, struct entry, folder_link);
}

static bool mount_busy_locked(const struct mount *m, uint32_t callers)
{
	const struct node *root = m->root;
	uint32_t nodes = 1;

	if (atomic_load_u32(&root->refs) != node_own_holds_locked(root) + callers) return true;
	if (root->ops != NULL || list_empty(&root->folder.children))
		return atomic_load_u32(&m->nodes) != nodes;
	struct entry *e = CONTAINER_OF(root->folder.children.next, struct entry, folder_link);
	for (; e != NULL; e = mount_next_locked(m, e)) {
		const struct node *n = e->node;
		if (node_is_folder(n) && n->folder.mounted != NULL) return true;
		if (atomic_load_u32(&n->refs) != node_own_holds_locked(n)) return true;
		/* A node of several names is counted at its first. */
		nodes += n->entries.next == &e->node_link;
	}
	return atomic_load_u32(&m->nodes) != nodes;
}

int tree_unmount(struct node *root)
{
	struct file_tree *t = root->tree;
	struct mount *m = root->mount;

	if (!node_is_mount_root(root)) return -ERR_INVAL;
	const mach_irq_t was = lock_take(&t->lock);
	/* Linux's answer for the first one, too: it is in use. */
	const bool busy = m->covered == NULL || !list_linked(&m->link) ||
			  root->folder.mounted != NULL || mount_busy_locked(m, 1);
	if (!busy) {
		m->covered->folder.mounted = NULL;
		list_remove(&m->link);
	}
	lock_drop(&t->lock, was);
	if (busy) return -ERR_BUSY;
	node_drop(root); /* the caller's; ours is the last */
	mount_free(t, m);
	return 0;
}
