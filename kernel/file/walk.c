/*
 * walk.c -- from a path to a node, and from a node to its path.
 *
 * A walk goes name by name, holding the folder it is in, and takes the tree's lock for each step
 * alone.  A symbolic link's text is walked in place of its name; what was left of the path comes
 * after it.  Texts stay where they are: the walk holds the link until it is over (or has a copy,
 * where a text was generated).  At most LINKS_MAX links are followed in one walk, however nested.
 *
 * The last name of all is what the caller is after: it is found with the folder it is in, whether
 * or not there is anything of that name; so what is to be made there needs no second walk.
 *
 * Always true: `rest` of the walk and those kept in `later` are never just slashes, so the last
 * name is known to be the last when it is met.
 *
 * Locks: the tree's, step by step; none while a generated file system is asked.
 * Cost: O(names), those in followed links counted.
 */
#include "kernel/file/rights.h"
#include "kernel/file/tree_inside.h"

enum { LINKS_MAX = 40 };

struct walk {
	const struct view *view;
	struct node *root; /* not held: the view's */
	struct node *at;   /* held */
	const char *rest;  /* of the path that is being walked */
	uint32_t links, depth;
	bool slash;                   /* behind the last name: it must be a folder */
	struct node *held[LINKS_MAX]; /* whose texts are being walked */
	char *made[LINKS_MAX];        /* texts that were generated, or NULL */
	const char *later[LINKS_MAX]; /* what comes after them */
};

/* --- steps ------------------------------------------------------------------------------------ */

/* Into what is mounted over a folder, if anything is. */
static struct node *walk_over_locked(struct node *n)
{
	while (node_is_folder(n) && n->folder.mounted != NULL) n = n->folder.mounted->root;
	return n;
}

static void walk_to(struct walk *w, struct node *n)
{
	node_drop(w->at);
	w->at = n;
}

/* The folder above, but not above the view's root. */
static void walk_up(struct walk *w)
{
	struct file_tree *t = w->view->tree;
	const mach_irq_t was = lock_take(&t->lock);
	struct node *n = w->at;

	while (n != w->root && node_is_mount_root(n) && n->mount->covered != NULL)
		n = n->mount->covered;
	if (n != w->root && !node_is_mount_root(n)) n = n->folder.above;
	n = node_hold(walk_over_locked(n));
	lock_drop(&t->lock, was);
	walk_to(w, n);
}

/* What has that name in the folder, held: 0, -ERR_NOENT, -ERR_NAMETOOLONG ... */
static int walk_look(struct walk *w, const char *name, size_t bytes, struct node **out)
{
	struct file_tree *t = w->view->tree;
	struct node *folder = w->at;

	*out = NULL;
	if (bytes > NAME_BYTES_MAX) return -ERR_NAMETOOLONG;
	if (folder->ops != NULL) return folder->ops->find(folder, w->view, name, bytes, out);
	const mach_irq_t was = lock_take(&t->lock);
	const struct entry *e = tree_entry_locked(t, folder, name, bytes);
	if (e != NULL) *out = node_hold(walk_over_locked(e->node));
	lock_drop(&t->lock, was);
	return e == NULL ? -ERR_NOENT : 0;
}

/* --- links ------------------------------------------------------------------------------------ */

static const char *skip_slashes(const char *at)
{
	while (*at == '/') at++;
	return at;
}

/* The text of link `n`; one that was generated is copied to *made. */
static int walk_text(struct walk *w, struct node *n, const char **text, char **made)
{
	struct file_tree *t = w->view->tree;

	*text = n->text;
	if (n->ops == NULL) {
		node_accessed(n);
		return 0;
	}
	*made = kmalloc_alloc(tree_memory(t), PATH_BYTES, 0, SITE_NONE);
	if (*made == NULL) return -ERR_NOMEM;
	const int64_t bytes =
		n->ops->text == NULL ? -ERR_INVAL : n->ops->text(n, w->view, *made, PATH_BYTES - 1);
	if (bytes < 0) {
		tree_free(t, *made);
		return (int)bytes;
	}
	(*made)[bytes] = 0;
	*text = *made;
	return 0;
}

/* Goes on in the text of link `n`, whose hold becomes the walk's.  1: it led to a node, which the
 * walk is at now. */
static int walk_follow(struct walk *w, struct node *n)
{
	const char *text = NULL;
	char *made = NULL;
	int error = w->links < LINKS_MAX ? 0 : -ERR_LOOP;

	if (error == 0 && n->ops != NULL && n->ops->follow != NULL) {
		struct node *to = n->ops->follow(n, w->view, &error);
		if (to != NULL || error != 0) {
			node_drop(n);
			w->links++;
			if (error != 0) return error;
			walk_to(w, to);
			return 1;
		}
	}
	if (error == 0) error = walk_text(w, n, &text, &made);
	if (error == 0 && *text == 0) error = -ERR_NOENT;
	if (error != 0) {
		node_drop(n);
		return error;
	}
	w->held[w->links] = n;
	w->made[w->links++] = made;
	if (*w->rest != 0) w->later[w->depth++] = w->rest;
	w->rest = text;
	if (*text == '/') walk_to(w, node_hold(w->root));
	return 0;
}

static void walk_end(struct walk *w)
{
	while (w->links != 0) {
		w->links--;
		if (w->held[w->links] != NULL) node_drop(w->held[w->links]);
		tree_free(w->view->tree, w->made[w->links]);
	}
	node_drop(w->at);
}

/* --- the walk --------------------------------------------------------------------------------- */

/* The next name; 0 bytes: the path is over.  *last: nothing comes after it. */
static size_t walk_next(struct walk *w, const char **name, bool *last)
{
	w->rest = skip_slashes(w->rest);
	while (*w->rest == 0 && w->depth != 0) w->rest = skip_slashes(w->later[--w->depth]);
	*name = w->rest;
	while (*w->rest != 0 && *w->rest != '/') w->rest++;
	const size_t bytes = (size_t)(w->rest - *name);
	const char *after = skip_slashes(w->rest);
	*last = *after == 0 && w->depth == 0;
	if (*last && after != w->rest) w->slash = true; /* stays, where a link is followed */
	if (*after == 0) w->rest = after;
	return bytes;
}

static enum find_last last_kind(const char *name, size_t bytes)
{
	if (name[0] != '.' || bytes > 2) return LAST_NAME;
	if (bytes == 1) return LAST_DOT;
	return name[1] == '.' ? LAST_UP : LAST_NAME;
}

/* The walk is where the path leads, and there is no name for it. */
static int walk_found_here(struct walk *w, enum find_last last, struct found *out)
{
	if (w->slash && !node_is_folder(w->at)) return -ERR_NOTDIR;
	out->node = node_hold(w->at);
	out->last = last;
	return 0;
}

/* The last name stands for `n` (held) or nothing. */
static int walk_found(struct walk *w, const char *name, size_t bytes, struct node *n,
		      uint32_t flags, struct found *out)
{
	/* In a generated folder nothing can be made: what is not there is not there. */
	if (n == NULL && ((flags & FIND_ABSENT) == 0 || w->at->ops != NULL)) return -ERR_NOENT;
	if (n != NULL && w->slash && !node_is_folder(n) && (flags & FIND_NAME) == 0) {
		node_drop(n);
		return -ERR_NOTDIR;
	}
	out->node = n;
	out->folder = node_hold(w->at);
	out->last = LAST_NAME;
	out->slash = w->slash;
	out->bytes = (uint32_t)bytes;
	memcpy(out->name, name, bytes);
	out->name[bytes] = 0;
	return 0;
}

/* One name further: 0: go on; 1: found; or an error. */
static int walk_step(struct walk *w, uint32_t flags, struct found *out)
{
	const char *name;
	struct node *n;
	bool last;
	const size_t bytes = walk_next(w, &name, &last);
	const enum find_last kind = last_kind(name, bytes);

	if (bytes == 0) {
		const int error = walk_found_here(w, LAST_ROOT, out);
		return error == 0 ? 1 : error;
	}
	if (!node_is_folder(w->at)) return -ERR_NOTDIR;
	if (node_may(w->at, &w->view->ids, MAY_EXEC) != 0) return -ERR_ACCES;
	if (kind != LAST_NAME) {
		if (kind == LAST_UP) walk_up(w);
		if (!last) return 0;
		const int error = walk_found_here(w, kind, out);
		return error == 0 ? 1 : error;
	}
	const int error = walk_look(w, name, bytes, &n);
	if (error != 0 && !(last && error == -ERR_NOENT)) return error;
	const bool is_link = n != NULL && node_kind(n) == S_IFLNK;
	if (is_link &&
	    (!last || (flags & FIND_FOLLOW) != 0 || (w->slash && (flags & FIND_NAME) == 0))) {
		if (last && link_may_follow(n, w->at, &w->view->ids) != 0) {
			node_drop(n);
			return -ERR_ACCES;
		}
		const int followed = walk_follow(w, n);
		if (followed <= 0 || !last) return followed < 0 ? followed : 0;
		const int here = walk_found_here(w, LAST_DOT, out);
		return here == 0 ? 1 : here;
	}
	if (last) {
		const int found = walk_found(w, name, bytes, n, flags, out);
		return found == 0 ? 1 : found;
	}
	walk_to(w, n);
	return 0;
}

int tree_find(const struct view *v, const char *path, uint32_t flags, struct found *out)
{
	struct node *root = v->root != NULL ? v->root : v->tree->root;
	struct node *start = *path == '/' || v->cwd == NULL ? root : v->cwd;
	struct walk w = { .view = v, .root = root, .rest = path };
	int step = 0;

	out->node = out->folder = NULL;
	out->slash = false;
	out->ids = v->ids;
	out->bytes = 0;
	if (*path == 0 && (flags & FIND_EMPTY) == 0) return -ERR_NOENT;
	w.at = node_hold(start);
	if (*path == 0) step = walk_found_here(&w, LAST_DOT, out) == 0 ? 1 : -ERR_NOTDIR;
	while (step == 0) step = walk_step(&w, flags, out);
	walk_end(&w);
	return step < 0 ? step : 0;
}

void found_drop(struct found *out)
{
	if (out->node != NULL) node_drop(out->node);
	if (out->folder != NULL) node_drop(out->folder);
	out->node = out->folder = NULL;
}

int tree_node(const struct view *v, const char *path, uint32_t flags, struct node **out)
{
	struct found found;
	const int error = tree_find(v, path, flags & ~(uint32_t)FIND_ABSENT, &found);

	if (error != 0) return error;
	*out = node_hold(found.node);
	found_drop(&found);
	return 0;
}

/* --- from a node to its path ------------------------------------------------------------------ */

/* Writes from the end of `to`; `at` is where the first byte stands. */
struct path_text {
	char *to;
	size_t at;
	bool full;
};

static void path_before(struct path_text *p, const char *text, size_t bytes)
{
	if (p->full || p->at < bytes + 1) {
		p->full = true;
		return;
	}
	p->at -= bytes;
	memcpy(p->to + p->at, text, bytes);
	p->to[--p->at] = '/';
}

/* The name of `n` goes before what is there; the folder it is in, or NULL: it has none. */
static struct node *path_step_locked(struct path_text *p, struct node *n)
{
	char name[32];

	if (n->ops != NULL) {
		if (!node_is_folder(n) || n->ops->name == NULL) return NULL;
		path_before(p, name, n->ops->name(n, name, sizeof name));
		return n->folder.above;
	}
	if (list_empty(&n->entries)) return NULL;
	const struct entry *e = CONTAINER_OF(n->entries.next, struct entry, node_link);
	path_before(p, e->name, e->bytes);
	return e->folder;
}

int64_t tree_path(const struct view *v, struct node *n, char *to, size_t room)
{
	struct node *root = v->root != NULL ? v->root : v->tree->root;
	struct path_text p = { to, room, room < 2 };

	if (p.full) return -ERR_RANGE;
	to[--p.at] = 0;
	const mach_irq_t was = lock_take(&v->tree->lock);
	while (n != NULL && n != root && n != v->tree->root && !p.full) {
		while (node_is_mount_root(n) && n != root && n->mount->covered != NULL)
			n = n->mount->covered;
		if (n != root) n = path_step_locked(&p, n);
	}
	lock_drop(&v->tree->lock, was);
	if (n == NULL) return -ERR_NOENT;
	if (p.full) return -ERR_RANGE;
	if (p.at == room - 1) to[--p.at] = '/';
	memmove(to, to + p.at, room - p.at);
	return (int64_t)(room - p.at);
}
