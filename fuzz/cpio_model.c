/*
 * cpio_model.c -- what an archive must become, worked out from what was written into it, over flat
 * arrays and by names as texts: nothing here knows hash tables, holders or walks.
 *
 * A path is followed part by part; a symbolic link on the way has its text followed first, up to 40
 * in one path.  Entries are then applied in their order.
 *
 * Always true: a name that is gone has folder -1; node 0 is the root.
 *
 * Cost: O(names) for each part of a path.
 */
#include "fuzz/cpio_subject.h"

enum { LINKS_MAX = 40, NAME_MOST = 255, ROOT = 0 };

/* One part of a path is looked at at a time, so its name stands here and not in each call: links
 * lead from one into the next, and a kernel's stack is small. */
struct look {
	struct cpio_state *s;
	uint32_t links;
	bool too_many;
	bool above; /* a link led from the root to what is above it */
	char name[300];
};

/* What a path led to. */
struct leads {
	int32_t folder;    /* that the last part is in, or -1: it is no name */
	int32_t node;      /* or -1: there is nothing of that name */
	const char *name;  /* of the last part, in the look */
	bool slash, wrong; /* wrong: it leads nowhere, and nothing can be made there */
	bool missing;      /* because a folder on the way is not there */
};

static int32_t name_find(const struct cpio_state *s, int32_t folder, const char *text)
{
	for (uint32_t i = 0; i < s->name_count; i++)
		if (s->names[i].folder == folder && text_is(s->names[i].text, text))
			return (int32_t)i;
	return -1;
}

static bool is_folder(const struct cpio_state *s, int32_t node)
{
	return s->nodes[node].kind == S_IFDIR;
}

static struct leads follow(struct look *l, int32_t at, const char *path, bool last_too);

/* The part at the path's start; where the rest begins. */
static const char *part(const char *path, char *to, size_t *bytes)
{
	*bytes = 0;
	while (path[*bytes] != 0 && path[*bytes] != '/') {
		if (*bytes < 299) to[*bytes] = path[*bytes];
		++*bytes;
	}
	to[*bytes < 299 ? *bytes : 299] = 0;
	return path + *bytes;
}

static struct leads wrong(bool missing)
{
	return (struct leads){ .folder = -1, .node = -1, .wrong = true, .missing = missing };
}

static struct leads here(int32_t node, bool slash)
{
	return (struct leads){ .folder = -1, .node = node, .slash = slash };
}

/* What stands behind a link, seen from the folder it is in. */
static struct leads follow_link(struct look *l, int32_t folder, int32_t node)
{
	if (l->links++ == LINKS_MAX) {
		l->too_many = true;
		return wrong(false);
	}
	const char *text = cpio_texts[l->s->nodes[node].text];
	if (folder == ROOT && text_is(text, "..")) l->above = true;
	return follow(l, folder, text, true);
}

static struct leads follow(struct look *l, int32_t at, const char *path, bool last_too)
{
	char *const name = l->name;
	size_t bytes;

	if (*path == '/') at = ROOT;
	for (;;) {
		while (*path == '/') path++;
		if (*path == 0) return here(at, false);
		path = part(path, name, &bytes);
		const char *rest = path;
		while (*rest == '/') rest++;
		const bool last = *rest == 0, slash = last && rest != path;
		if (!is_folder(l->s, at)) return wrong(false);
		if (text_is(name, ".") || text_is(name, "..")) {
			if (name[1] == '.' && at != ROOT) at = l->s->nodes[at].above;
			if (last) return here(at, slash);
			path = rest;
			continue;
		}
		if (bytes > NAME_MOST) return wrong(false);
		const int32_t found = name_find(l->s, at, name);
		if (found < 0 && !last) return wrong(true);
		int32_t node = found < 0 ? -1 : l->s->names[found].node;
		const bool link = node >= 0 && l->s->nodes[node].kind == S_IFLNK;
		if (last && (!link || !last_too)) {
			return (struct leads){
				.folder = at, .node = node, .slash = slash, .name = name
			};
		}
		if (link) {
			const struct leads to = follow_link(l, at, node);
			if (to.wrong) return to;
			if (to.node < 0) {
				/* A link to what is not there. */
				return last ? to : wrong(true);
			}
			node = to.node;
			if (last) return here(node, slash);
		}
		at = node;
		path = rest;
	}
}

/* --- making ----------------------------------------------------------------------------------- */

static int32_t node_new(struct cpio_state *s, uint32_t kind)
{
	if (s->nodes_live == s->nodes_most) return -1;
	ASSERT(s->node_count < MODEL_NODES); /* none is used again */
	s->nodes[s->node_count] = (struct model_node){ .kind = kind, .above = -1 };
	s->nodes_live++;
	return (int32_t)s->node_count++;
}

static void name_add(struct cpio_state *s, int32_t folder, const char *text, int32_t node)
{
	ASSERT(s->name_count < MODEL_NAMES);
	struct model_name *n = &s->names[s->name_count++];
	n->folder = folder;
	n->node = node;
	memcpy(n->text, text, text_bytes(text) + 1);
	s->nodes[node].links++;
	if (is_folder(s, node)) s->nodes[node].above = folder;
}

static void name_gone(struct cpio_state *s, int32_t folder, const char *text)
{
	struct model_name *n = &s->names[name_find(s, folder, text)];
	struct model_node *node = &s->nodes[n->node];

	n->folder = -1;
	/* One of which more names may come lasts until all is unpacked. */
	if (--node->links == 0 && !node->many) s->nodes_live--;
}

/* The last name is a folder's that entry `w` needed. */
static void note_way(struct cpio_state *s, const struct cpio_written *w)
{
	ASSERT(s->way_count < MODEL_WAYS);
	s->ways[s->way_count++] =
		(struct model_way){ (uint32_t)(w - s->written), s->name_count - 1 };
}

/* As many folders on the way as are missing; whether all are there. */
static bool make_way(struct cpio_state *s, const struct cpio_written *w, const char *path)
{
	char prefix[600];

	for (size_t i = 0; path[i] != 0; i++) {
		prefix[i] = path[i];
		prefix[i + 1] = 0;
		if (i == 0 || path[i] != '/' || path[i + 1] == 0) continue;
		struct look l = { .s = s };
		const struct leads to = follow(&l, ROOT, prefix, true);
		if (to.wrong) return false;
		if (to.node >= 0) {
			if (!is_folder(s, to.node)) return false;
			continue;
		}
		const int32_t n = node_new(s, S_IFDIR);
		if (n < 0) return false;
		name_add(s, to.folder, to.name, n);
		s->nodes[n].permissions = 0755;
		note_way(s, w);
	}
	return true;
}

static bool leads_out(const char *path)
{
	char name[300];
	size_t bytes;

	while (*path != 0) {
		path = part(path, name, &bytes);
		if (text_is(name, "..")) return true;
		while (*path == '/') path++;
	}
	return false;
}

static int32_t linked_find(const struct cpio_state *s, const struct cpio_written *w)
{
	for (uint32_t i = 0; i < s->node_count; i++)
		if (s->nodes[i].many && s->nodes[i].ino == w->ino &&
		    s->nodes[i].trailers == w->trailers)
			return (int32_t)i;
	return -1;
}

static bool give(struct model_node *n, const struct cpio_written *w)
{
	if (w->bytes == 0) return true;
	if (n->told) return false;
	n->told = true;
	n->bytes = w->bytes;
	n->contents = w->contents;
	return true;
}

static bool make_new(struct cpio_state *s, const struct cpio_written *w, const struct leads *to,
		     bool through)
{
	const int32_t n = node_new(s, w->kind);

	if (n < 0) return false;
	struct model_node *node = &s->nodes[n];
	node->permissions = w->permissions;
	node->ino = w->ino;
	node->many = w->kind == S_IFREG && w->links >= 2;
	node->first = s->name_count; /* that it gets below */
	node->trailers = w->trailers;
	node->through = through;
	node->text = w->kind == S_IFLNK ? w->contents : 0;
	if (w->kind == S_IFREG) (void)give(node, w);
	name_add(s, to->folder, to->name, n);
	return true;
}

/* An entry with names of others, which may be there already. */
static bool make_known(struct run *run, const struct cpio_written *w, const struct leads *to,
		       int32_t first)
{
	struct cpio_state *s = state_of(run);
	struct model_node *node = &s->nodes[first];

	run_sometimes(run, SAW_LINKED);
	if (to->node == first) return give(node, w) || true; /* the same name twice */
	if (to->node >= 0) {
		if (is_folder(s, to->node)) return false;
		name_gone(s, to->folder, to->name);
	}
	if (to->slash) return false;
	name_add(s, to->folder, to->name, first);
	return give(node, w);
}

/*
 * Whether Linux 6.1 (init/initramfs.c) makes something else of it, though neither refuses it, and
 * all folders on the way are there (which it does not make):
 *   - what is written over a regular file is a new one here, there it is the same, which other
 *     names have too;
 *   - several names are one file by its number here, there by its first name;
 *   - a folder's name with a slash behind it that is a link's is a new folder here, there its own;
 *   - in a tree that is part of another one, as players have it, ".." leads out of it.
 */
static bool is_apart(const struct cpio_state *s, const struct cpio_written *w,
		     const struct leads *to, const struct look *l, int32_t first)
{
	const struct model_node *there = to->node >= 0 ? &s->nodes[to->node] : NULL;

	if (l->above) return true;
	if (first >= 0) {
		const struct model_node *n = &s->nodes[first];
		const struct model_name *name = &s->names[n->first];
		return to->node == first || n->through || name->folder < 0 || name->node != first;
	}
	if (there == NULL) return false;
	if (there->kind == S_IFREG && w->kind == S_IFREG) return there->links > 1;
	return there->kind == S_IFLNK && to->slash;
}

static bool apply(struct run *run, const struct cpio_written *w)
{
	struct cpio_state *s = state_of(run);
	const char *path = cpio_names[w->name];
	struct look l = { .s = s };

	if (w->kind == 0 || leads_out(path)) return false;
	struct leads to = follow(&l, ROOT, path, false);
	if (to.wrong && to.missing && !l.too_many) {
		if (!make_way(s, w, path)) return false;
		l = (struct look){ .s = s };
		to = follow(&l, ROOT, path, false);
	}
	if (to.wrong) return false;
	if (l.links != 0) run_sometimes(run, SAW_THROUGH_LINK);
	const int32_t first = w->kind == S_IFREG && w->links >= 2 ? linked_find(s, w) : -1;
	if (s->apart == MODEL_DONE && is_apart(s, w, &to, &l, first))
		s->apart = (int32_t)(w - s->written);
	if (first >= 0) return make_known(run, w, &to, first);
	if (to.node >= 0 && is_folder(s, to.node)) {
		if (w->kind != S_IFDIR) return false;
		s->nodes[to.node].permissions = w->permissions;
		return true;
	}
	if (to.node >= 0) {
		run_sometimes(run, SAW_REPLACED);
		name_gone(s, to.folder, to.name);
	}
	if (to.slash && w->kind != S_IFDIR) return false;
	return make_new(s, w, &to, l.links != 0);
}

int32_t model_unpack(struct run *run, uint32_t count)
{
	struct cpio_state *s = state_of(run);

	s->node_count = s->nodes_live = s->name_count = s->way_count = 0;
	const int32_t root = node_new(s, S_IFDIR);
	s->nodes[root].permissions = 0755;
	s->nodes[root].above = root;
	s->apart = MODEL_DONE;
	for (uint32_t i = 0; i < count; i++) {
		if (!apply(run, &s->written[i])) return (int32_t)i;
	}
	return MODEL_DONE;
}
