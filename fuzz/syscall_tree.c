/*
 * syscall_tree.c -- subject syscall: the tree of names, and its model.
 *
 * Every folder may have the names f0, f1 and f2, for files, folders, fifos and symbolic links; the
 * root has more, of which only the hostile children's folder matters.  A path is one or two names,
 * or "..", from the root or from where the caller's group is.  So a small number says it, it fits
 * into 8 bytes, and trees still become deep, by links and by groups that are down there.
 *
 * A node lives while it has a name or a hold: an open file, a group that is there, a folder below
 * it.  The order of the checks is Linux's (fs/namei.c).
 */
#include "fuzz/syscall_files.h"

enum { UP = NAMES, LINKS_MOST = 40 };

/* --- paths ------------------------------------------------------------------------------------ */

static bool is_relative(unsigned path)
{
	return path % 2 != 0;
}

/* How many names it has, and which. */
static unsigned names_of(unsigned path, uint8_t name[2])
{
	const unsigned code = path / 2;

	ASSERT(path < PATHS);
	name[0] = (uint8_t)(code <= UP ? code : (code - UP - 1) / (UP + 1));
	name[1] = (uint8_t)((code - UP - 1) % (UP + 1));
	return code <= UP ? 1 : 2;
}

uint64_t path_text(unsigned path)
{
	uint8_t name[2];
	uint64_t text = 0;
	unsigned at = 0;

	const unsigned count = names_of(path, name);
	for (unsigned i = 0; i < count; i++) {
		const uint64_t two =
			name[i] == UP ? '.' | '.' << 8 : (uint64_t)('f' | ('0' + name[i]) << 8);
		if (i != 0 || !is_relative(path)) text |= (uint64_t)'/' << 8 * at++;
		text |= two << 8 * at;
		at += 2;
	}
	return text;
}

size_t text_length(unsigned path)
{
	uint8_t name[2];

	return 3 * names_of(path, name) - is_relative(path);
}

/* --- nodes ------------------------------------------------------------------------------------ */

uint8_t node_new(enum model_kind kind)
{
	uint8_t n = 1;

	while (n < NODES_MAX && files_model.node[n].kind != NODE_NONE) n++;
	ASSERT(n < NODES_MAX);
	memset(&files_model.node[n], 0, sizeof files_model.node[n]);
	memset(files_model.node[n].entry, NONE, NAMES);
	files_model.node[n].kind = (uint8_t)kind;
	files_model.node[n].pipe = NONE;
	return n;
}

static void node_ends(uint8_t node)
{
	struct model_node *of = &files_model.node[node];

	if (of->links != 0 || of->holds != 0) return;
	const bool folder = of->kind == NODE_FOLDER;
	of->kind = NODE_NONE;
	if (folder) node_let_go(of->up);
}

void node_let_go(uint8_t node)
{
	if (node == ROOT) return; /* stays */
	ASSERT(files_model.node[node].holds != 0);
	files_model.node[node].holds--;
	node_ends(node);
}

void folder_moves(uint8_t node, uint8_t up)
{
	struct model_node *of = &files_model.node[node];
	const uint8_t before = of->up;

	files_model.node[up].holds++;
	of->up = up;
	node_let_go(before);
}

void node_enter(const struct walked *w, uint8_t node)
{
	struct model_node *of = &files_model.node[node];

	ASSERT(files_model.node[w->folder].entry[w->name] == NONE);
	files_model.node[w->folder].entry[w->name] = node;
	of->links++;
	if (of->kind != NODE_FOLDER) return;
	of->up = w->folder;
	files_model.node[w->folder].holds++;
}

void node_leave(uint8_t folder, unsigned name)
{
	const uint8_t node = files_model.node[folder].entry[name];

	files_model.node[folder].entry[name] = NONE;
	files_model.node[node].links--;
	node_ends(node);
}

bool folder_dead(uint8_t node)
{
	return files_model.node[node].links == 0;
}

bool tree_crowded(void)
{
	unsigned named = 0;

	for (unsigned n = 1; n < NODES_MAX; n++)
		named += files_model.node[n].kind != NODE_NONE && files_model.node[n].links != 0;
	return named >= NAMED_MOST;
}

bool is_kind(uint8_t node, enum model_kind kind)
{
	return files_model.node[node].kind == kind;
}

bool folder_empty(uint8_t node)
{
	const uint8_t *entry = files_model.node[node].entry;

	for (unsigned name = 0; name < NAMES; name++)
		if (entry[name] != NONE) return false;
	return true;
}

/* --- walking ---------------------------------------------------------------------------------- */

static int walk_from(struct walked *w, uint8_t from, unsigned path, bool follow)
{
	uint8_t name[2];
	const unsigned count = names_of(path, name);

	w->node = is_relative(path) ? from : ROOT;
	for (unsigned i = 0; i < count; i++) {
		const bool last = i == count - 1;
		if (!is_kind(w->node, NODE_FOLDER)) return -ERR_NOTDIR;
		w->folder = w->node;
		w->name = name[i];
		w->dots = name[i] == UP;
		if (w->dots) {
			if (w->node != ROOT) w->node = files_model.node[w->node].up;
			continue;
		}
		w->node = files_model.node[w->folder].entry[name[i]];
		if (w->node != NONE && is_kind(w->node, NODE_LINK) && (!last || follow)) {
			const uint8_t text = files_model.node[w->node].path;
			if (w->links++ >= LINKS_MOST) return -ERR_LOOP;
			const int error = walk_from(w, w->folder, text, true);
			if (error != 0) return error;
		}
		if (w->node == NONE && !last) return -ERR_NOENT;
	}
	return 0;
}

int tree_walk(struct run *run, unsigned group, unsigned path, bool follow, struct walked *w)
{
	*w = (struct walked){ .node = NONE };
	const int error = walk_from(w, files_model.cwd[group], path, follow);

	if (error == -ERR_LOOP && run != NULL) run_sometimes(run, SAW_LOOP);
	return error;
}

int walk_to(struct run *run, unsigned group, unsigned path, bool follow, uint8_t *node)
{
	struct walked w;
	const int error = tree_walk(run, group, path, follow, &w);

	*node = w.node;
	return error != 0 ? error : w.node == NONE ? -ERR_NOENT : 0;
}

int walk_free(struct run *run, unsigned group, unsigned path, struct walked *w)
{
	const int error = tree_walk(run, group, path, false, w);

	if (error != 0) return error;
	if (w->dots || w->node != NONE) return -ERR_EXIST;
	return folder_dead(w->folder) ? -ERR_NOENT : 0;
}

unsigned path_near(unsigned group, unsigned code, bool there)
{
	struct walked w;

	code %= PATH_CODES;
	for (unsigned i = 0; i < PATHS && code >= PATHS; i++) {
		const unsigned path = (code + i) % PATHS;
		if (tree_walk(NULL, group, path, false, &w) != 0 || w.dots) continue;
		if ((w.node != NONE) == there) return path;
	}
	return code % PATHS;
}

/* --- where groups are ------------------------------------------------------------------------- */

void cwd_forked(unsigned from, unsigned to)
{
	files_model.cwd[to] = files_model.cwd[from];
	files_model.node[files_model.cwd[to]].holds++;
}

void cwd_gone(unsigned group)
{
	const uint8_t was = files_model.cwd[group];

	files_model.cwd[group] = ROOT;
	node_let_go(was);
}

int64_t path_of(uint8_t node, char *to)
{
	char text[TEXT_BYTES];
	size_t at = sizeof text - 1;

	text[at] = '\0';
	for (; node != ROOT; node = files_model.node[node].up) {
		const uint8_t *entry = files_model.node[files_model.node[node].up].entry;
		unsigned name = 0;
		if (folder_dead(node)) return -ERR_NOENT;
		while (entry[name] != node) name++;
		text[--at] = (char)('0' + name);
		text[--at] = 'f';
		text[--at] = '/';
	}
	if (at == sizeof text - 1) text[--at] = '/';
	memcpy(to, text + at, sizeof text - at);
	return (int64_t)(sizeof text - at);
}

/* --- for syscall_list.c ----------------------------------------------------------------------- */

bool name_there(unsigned name)
{
	return files_model.node[ROOT].entry[name] != NONE;
}

bool name_is_folder(unsigned name)
{
	return name_there(name) && is_kind(files_model.node[ROOT].entry[name], NODE_FOLDER);
}

void name_gone(unsigned name)
{
	if (!name_is_folder(name)) node_leave(ROOT, name);
}
