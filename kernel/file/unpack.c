/*
 * unpack.c -- an archive becomes a tree.
 *
 * All of it is read once before anything is made, so an archive that is damaged somewhere leaves
 * nothing; what only making it shows (a name that leads out of the tree, a file where a folder is
 * needed, no memory) leaves nothing either.
 *
 * Entries of one file with several names have its number, up to the trailer; the contents stand
 * with one of them, whichever.  The first makes the file, the others are links to it, and the one
 * that has contents gives them.  They are remembered in a table of their own while it is unpacked.
 * Folders have their times again when all is there.
 *
 * Always true: contents point into the archive; nothing is copied but names and texts of links.
 *
 * Locks: the tree's, by its calls.  Cost: each entry O(parts of its name); those of several names
 * O(1) on average.
 */
#include "kernel/file/cpio.h"
#include "kernel/file/tree_inside.h"

enum { LINK_BUCKETS = 256 };

/* A file of which there may be more names to come. */
struct linked {
	struct linked *next;
	uint32_t archive, ino, device[2];
	struct node *node; /* held */
};

struct unpack {
	struct file_tree *tree;
	struct view view;
	struct linked **linked; /* LINK_BUCKETS of them */
	const char *why;
};

static bool unpack_wrong(struct unpack *u, const char *why)
{
	u->why = why;
	return false;
}

static bool unpack_error(struct unpack *u, int error)
{
	switch (error) {
	case -ERR_NOMEM: return unpack_wrong(u, "no memory for it");
	case -ERR_NOSPC: return unpack_wrong(u, "more files than there may be");
	case -ERR_NOTDIR: return unpack_wrong(u, "a name below what is no folder");
	case -ERR_NAMETOOLONG: return unpack_wrong(u, "a part of a name that is too long");
	case -ERR_LOOP: return unpack_wrong(u, "a name that leads through too many links");
	default: return unpack_wrong(u, "a name that leads nowhere");
	}
}

/* --- names ------------------------------------------------------------------------------------ */

/* The length of the part of a name at `name`, to the slash or the end. */
static size_t part_bytes(const char *name)
{
	size_t bytes = 0;

	while (name[bytes] != 0 && name[bytes] != '/') bytes++;
	return bytes;
}

/* Whether one of its parts is "..". */
static bool leads_out(const char *name)
{
	for (size_t at = 0; name[at] != 0;) {
		const size_t bytes = part_bytes(name + at);
		if (bytes == 2 && name[at] == '.' && name[at + 1] == '.') return true;
		at += bytes + (name[at + bytes] == '/');
	}
	return false;
}

/* Whatever the folder it is in gives on: what an archive says nothing of is root's. */
static void node_plain(struct node *n, uint32_t mode)
{
	node_set_mode(n, mode);
	node_set_owner(n, 0, 0);
}

/* Makes the folders on the way to the last part of `name`, those that are not there. */
static bool make_way(struct unpack *u, const char *name)
{
	const struct node_how how = { .mode = S_IFDIR | 0755 };
	char *path = kmalloc_alloc(tree_memory(u->tree), PATH_BYTES, 0, SITE_NONE);
	struct found found;
	int error = path == NULL ? -ERR_NOMEM : 0;

	for (size_t i = 0; error == 0 && name[i] != 0; i++) {
		path[i] = name[i];
		path[i + 1] = 0;
		if (i == 0 || name[i] != '/' || name[i + 1] == 0) continue;
		error = tree_find(&u->view, path, FIND_ABSENT | FIND_FOLLOW, &found);
		if (error != 0) break;
		if (found.node == NULL) {
			error = tree_make(found.folder, found.name, found.bytes, &how, &found.node);
			if (error == 0) node_plain(found.node, how.mode);
		}
		found_drop(&found);
	}
	tree_free(u->tree, path);
	return error == 0 ? true : unpack_error(u, error);
}

/* Where the entry's name is; its node, if there is one.  A name may be the root's. */
static bool find_name(struct unpack *u, const struct cpio_entry *e, struct found *found)
{
	if (leads_out(e->name)) return unpack_wrong(u, "a name that leads out of the tree");
	int error = tree_find(&u->view, e->name, FIND_ABSENT | FIND_NAME, found);
	if (error == -ERR_NOENT) {
		if (!make_way(u, e->name)) return false;
		error = tree_find(&u->view, e->name, FIND_ABSENT | FIND_NAME, found);
	}
	return error == 0 ? true : unpack_error(u, error);
}

/* --- several names ---------------------------------------------------------------------------- */

static struct linked **linked_find(struct unpack *u, const struct cpio_entry *e)
{
	const uint32_t hash = (e->ino ^ e->device[0] << 7 ^ e->device[1] << 3) * 0x9e3779b1u;
	struct linked **at = &u->linked[hash >> 24];

	while (*at != NULL &&
	       ((*at)->archive != e->archive || (*at)->ino != e->ino ||
		(*at)->device[0] != e->device[0] || (*at)->device[1] != e->device[1]))
		at = &(*at)->next;
	return at;
}

static bool linked_add(struct unpack *u, const struct cpio_entry *e, struct node *n)
{
	struct linked *l = kmalloc_alloc(tree_memory(u->tree), sizeof *l, KM_ZERO, SITE_NONE);

	if (l == NULL) return unpack_error(u, -ERR_NOMEM);
	l->archive = e->archive;
	l->ino = e->ino;
	l->device[0] = e->device[0];
	l->device[1] = e->device[1];
	l->node = node_hold(n);
	*linked_find(u, e) = l;
	return true;
}

static void linked_close(struct unpack *u)
{
	for (unsigned b = 0; b < LINK_BUCKETS; b++) {
		for (struct linked *l = u->linked[b], *next; l != NULL; l = next) {
			next = l->next;
			node_drop(l->node);
			tree_free(u->tree, l);
		}
	}
	tree_free(u->tree, u->linked);
}

/* One more name of a file that there is; its contents, if they stand here. */
static bool make_link(struct unpack *u, const struct cpio_entry *e, const struct found *found,
		      struct node *n)
{
	const int error = tree_link(n, found->folder, found->name, found->bytes, true);

	if (error != 0) return unpack_error(u, error);
	if (e->bytes == 0) return true;
	if (node_size(n) != 0) return unpack_wrong(u, "contents of one file for the second time");
	return node_give(n, e->at, e->bytes) ? true : unpack_error(u, -ERR_NOMEM);
}

/* --- making ----------------------------------------------------------------------------------- */

static const char *kind_wrong(const struct cpio_entry *e)
{
	switch (e->mode & S_IFMT) {
	case S_IFREG: return NULL;
	case S_IFLNK:
		if (e->bytes == 0 || e->bytes >= PATH_BYTES) return "a link's text of no length";
		for (uint64_t i = 0; i < e->bytes; i++)
			if (e->at[i] == 0) return "a link's text with a zero in it";
		return NULL;
	case S_IFDIR:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK: return e->bytes == 0 ? NULL : "contents of what has none";
	default: return "a file of no known kind";
	}
}

static void node_timed(struct node *n, const struct cpio_entry *e)
{
	const uint64_t time_ns = e->time_s * 1000000000ull;

	node_set_times(n, time_ns, time_ns);
}

static void node_told(struct node *n, const struct cpio_entry *e)
{
	node_set_mode(n, e->mode);
	node_set_owner(n, e->uid, e->gid);
	node_timed(n, e);
}

static uint64_t device_number(const uint32_t *special)
{
	const uint64_t major = special[0] & 0xfff, minor = special[1] & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffull) << 12;
}

static bool make_node(struct unpack *u, const struct cpio_entry *e, const struct found *found)
{
	const bool regular = (e->mode & S_IFMT) == S_IFREG;
	const struct node_how how = {
		.mode = e->mode & (S_IFMT | S_PERMISSIONS),
		.device = device_number(e->special),
		.text = (const char *)e->at,
		.text_bytes = (e->mode & S_IFMT) == S_IFLNK ? e->bytes : 0,
		.given = regular && e->bytes != 0 ? e->at : NULL,
		.given_bytes = e->bytes,
	};
	struct node *n;
	const int error = tree_make(found->folder, found->name, found->bytes, &how, &n);

	if (error != 0) return unpack_error(u, error);
	node_told(n, e);
	const bool done = !regular || e->links < 2 || linked_add(u, e, n);
	node_drop(n);
	return done;
}

/* What stands under the name already goes, or stays where both are folders. */
static bool make_room(struct unpack *u, const struct cpio_entry *e, struct found *found,
		      bool *stays)
{
	*stays = false;
	if (found->node == NULL) return true;
	if (node_is_folder(found->node)) {
		if ((e->mode & S_IFMT) != S_IFDIR)
			return unpack_wrong(u, "a name that is a folder's already");
		node_told(found->node, e);
		*stays = true;
		return true;
	}
	const int error = tree_unlink(found, false);
	if (error != 0) return unpack_error(u, error);
	node_drop(found->node); /* it makes room for who comes in its place */
	found->node = NULL;
	return true;
}

static bool unpack_entry(struct unpack *u, const struct cpio_entry *e)
{
	struct found found;
	bool done, stays;

	u->why = kind_wrong(e);
	if (u->why != NULL || !find_name(u, e, &found)) return false;
	struct linked **l = linked_find(u, e);
	const bool again = (e->mode & S_IFMT) == S_IFREG && e->links >= 2 && *l != NULL;
	if (again && found.node == (*l)->node)
		done = e->bytes == 0 || node_size(found.node) != 0 ||
		       node_give(found.node, e->at, e->bytes);
	else if (!make_room(u, e, &found, &stays))
		done = false;
	else if (stays)
		done = true;
	else if (found.slash && (e->mode & S_IFMT) != S_IFDIR)
		done = unpack_wrong(u, "a slash behind what is no folder");
	else
		done = again ? make_link(u, e, &found, (*l)->node) : make_node(u, e, &found);
	found_drop(&found);
	return done;
}

/* What came into a folder has changed its time. */
static bool folder_timed(struct unpack *u, const struct cpio_entry *e)
{
	struct found found;

	if ((e->mode & S_IFMT) != S_IFDIR) return true;
	const int error = tree_find(&u->view, e->name, FIND_ABSENT | FIND_NAME, &found);
	if (error == -ERR_NOMEM) return unpack_error(u, error);
	if (error != 0) return true; /* a link led there, which has been replaced */
	if (found.node != NULL && node_is_folder(found.node)) node_timed(found.node, e);
	found_drop(&found);
	return true;
}

static bool unpack_each(struct unpack *u,
			bool (*each)(struct unpack *u, const struct cpio_entry *e), const void *at,
			uint64_t bytes, struct cpio_fault *fault)
{
	struct cpio_entry e;
	struct cpio c;

	cpio_open(&c, at, bytes);
	while (cpio_next(&c, &e)) { /* it was read to its end before */
		if (each(u, &e)) continue;
		fault->why = u->why == NULL ? "no memory for it" : u->why;
		fault->offset = e.offset;
		return false;
	}
	return true;
}

bool cpio_unpack(struct file_tree *t, const void *at, uint64_t bytes, struct cpio_fault *fault)
{
	struct unpack u = { .tree = t, .view = { .tree = t } };
	struct cpio_entry e;
	struct cpio c;

	cpio_open(&c, at, bytes);
	while (cpio_next(&c, &e)) {
	}
	*fault = (struct cpio_fault){ c.why, c.next };
	if (c.why != NULL) return false;
	u.linked =
		kmalloc_alloc(tree_memory(t), LINK_BUCKETS * sizeof *u.linked, KM_ZERO, SITE_NONE);
	if (u.linked == NULL) {
		fault->why = "no memory for it";
		return false;
	}
	const bool done = unpack_each(&u, unpack_entry, at, bytes, fault) &&
			  unpack_each(&u, folder_timed, at, bytes, fault);
	linked_close(&u);
	if (!done) tree_empty(t, t->root->mount);
	return done;
}
