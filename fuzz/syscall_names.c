/*
 * syscall_names.c -- subject syscall: calls that take paths: names made, linked, moved and taken
 * away, groups that go somewhere, and what is told of nodes.
 *
 * The order of the checks is Linux's (fs/namei.c).
 */
#include "fuzz/syscall_files.h"

enum { SECOND_AT = 64, TEXT_AT = 1024 };

/* --- calls ------------------------------------------------------------------------------------ */

/* A call with one path or two: number, the first, the second or PATHS, and the flags; where what it
 * tells goes, TEXT_AT. */
static int64_t path_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const uint64_t at = arg[4], here = (uint64_t)AT_FDCWD, second = at + SECOND_AT;

	if (program_store(run, at, path_text((unsigned)arg[1])) != FAULT_DONE ||
	    (arg[2] < PATHS &&
	     program_store(run, second, path_text((unsigned)arg[2])) != FAULT_DONE))
		kpanic(ORACLE_SPACE, "no path");
	switch (arg[0]) {
	case SYS_chdir: return call(t, SYS_chdir, at, 0, 0, 0, 0, 0);
	case SYS_symlinkat: return call(t, SYS_symlinkat, second, here, at, 0, 0, 0);
	case SYS_linkat:
	case SYS_renameat2: return call(t, (uint32_t)arg[0], here, at, here, second, arg[3], 0);
	case SYS_readlinkat:
		return call(t, SYS_readlinkat, here, at, at + TEXT_AT, TEXT_BYTES, 0, 0);
	case SYS_newfstatat: return call(t, SYS_newfstatat, here, at, at + TEXT_AT, arg[3], 0, 0);
	default: return call(t, (uint32_t)arg[0], here, at, arg[3], 0, 0, 0);
	}
}

static int64_t by_path(struct run *run, unsigned by, uint32_t number, unsigned path,
		       unsigned second, uint32_t flags)
{
	const uint64_t arg[] = { number, path, second, flags, scratch_of(by) };

	return act(run, by, path_act, arg);
}

/* --- names made, and more of them ------------------------------------------------------------- */

/* arg: a folder, a fifo, a link to the path in its upper bits, or a file. */
void makes_name(struct run *run, const struct script_op *op)
{
	static const struct {
		uint32_t number, mode;
		enum model_kind kind;
	} hows[] = {
		{ SYS_mkdirat, 0755, NODE_FOLDER },
		{ SYS_mknodat, S_IFIFO | 0644, NODE_FIFO },
		{ SYS_symlinkat, 0, NODE_LINK },
		{ SYS_mkdirat, 0755, NODE_FOLDER },
		{ SYS_mknodat, S_IFREG | 0644, NODE_FILE },
	};
	const unsigned by = by_of(op), path = path_near(group_number(by), op->aux, false),
		       how = op->arg % COUNT_OF(hows);
	const unsigned text = (op->arg >> 8) % PATHS;
	struct walked w;

	if (tree_crowded()) return;
	const int expected = walk_free(run, group_number(by), path, &w);
	if (expected == 0) {
		const uint8_t node = node_new(hows[how].kind);
		files_model.node[node].path = (uint8_t)text;
		node_enter(&w, node);
	}
	judge(run, "making a name",
	      by_path(run, by, hows[how].number, path, hows[how].kind == NODE_LINK ? text : PATHS,
		      hows[how].mode),
	      expected);
}

/* arg: the new name; bit 8: a link at the end is followed. */
void makes_link(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op), path = path_near(group_number(by), op->aux, true);
	const unsigned to = path_near(group_number(by), op->arg & 0xff, false);
	const bool follow = (op->arg >> 8 & 1) != 0;
	struct walked w;
	uint8_t node;

	if (tree_crowded()) return;
	int expected = walk_to(run, group_number(by), path, follow, &node);
	if (expected == 0) expected = walk_free(run, group_number(by), to, &w);
	if (expected == 0 && is_kind(node, NODE_FOLDER)) expected = -ERR_PERM;
	if (expected == 0) node_enter(&w, node);
	judge(run, "linkat", by_path(run, by, SYS_linkat, path, to, follow ? AT_SYMLINK_FOLLOW : 0),
	      expected);
}

/* --- and taken away --------------------------------------------------------------------------- */

static int remove_meant(const struct walked *w, bool folder)
{
	if (w->dots) return folder ? -ERR_NOTEMPTY : -ERR_ISDIR;
	if (w->node == NONE) return -ERR_NOENT;
	if (folder != is_kind(w->node, NODE_FOLDER)) return folder ? -ERR_NOTDIR : -ERR_ISDIR;
	return folder && !folder_empty(w->node) ? -ERR_NOTEMPTY : 0;
}

void makes_remove(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op), path = path_near(group_number(by), op->aux, true);
	const bool folder = op->arg % 2 != 0;
	struct walked w;

	int expected = tree_walk(run, group_number(by), path, false, &w);
	if (expected == 0) expected = remove_meant(&w, folder);
	if (expected == 0) node_leave(w.folder, w.name);
	judge(run, "unlinkat",
	      by_path(run, by, SYS_unlinkat, path, PATHS, folder ? AT_REMOVEDIR : 0), expected);
}

/* --- moved ------------------------------------------------------------------------------------ */

static bool is_below(uint8_t node, uint8_t above)
{
	while (node != above && node != ROOT) node = files_model.node[node].up;
	return node == above;
}

static int rename_meant(const struct walked *from, const struct walked *to, uint32_t flags)
{
	const bool swaps = flags == RENAME_EXCHANGE, there = to->node != NONE;

	if (from->dots) return -ERR_BUSY;
	if (to->dots) return flags == RENAME_NOREPLACE ? -ERR_EXIST : -ERR_BUSY;
	if (from->node == NONE) return -ERR_NOENT;
	if (!there && folder_dead(to->folder)) return -ERR_NOENT;
	if (flags == RENAME_NOREPLACE && there) return -ERR_EXIST;
	if (swaps && !there) return -ERR_NOENT;
	const bool moves = is_kind(from->node, NODE_FOLDER);
	const bool over = there && is_kind(to->node, NODE_FOLDER);
	if (moves && is_below(to->folder, from->node)) return -ERR_INVAL;
	if (over && is_below(from->folder, to->node)) return swaps ? -ERR_INVAL : -ERR_NOTEMPTY;
	if (swaps || !there || from->node == to->node) return 0;
	if (moves != over) return moves ? -ERR_NOTDIR : -ERR_ISDIR;
	return over && !folder_empty(to->node) ? -ERR_NOTEMPTY : 0;
}

static void put_under(const struct walked *w, uint8_t node)
{
	files_model.node[w->folder].entry[w->name] = node;
	if (is_kind(node, NODE_FOLDER)) folder_moves(node, w->folder);
}

static void renames(struct run *run, const struct walked *from, const struct walked *to,
		    uint32_t flags)
{
	if (from->node == to->node) return; /* one and the same: nothing is done */
	if (flags == RENAME_EXCHANGE) {
		put_under(from, to->node);
		put_under(to, from->node);
		return;
	}
	if (to->node != NONE) {
		run_sometimes(run, SAW_REPLACED);
		node_leave(to->folder, to->name);
	}
	files_model.node[from->folder].entry[from->name] = NONE;
	put_under(to, from->node);
}

/* arg: the new name; and how, bits 8 and 9. */
void makes_rename(struct run *run, const struct script_op *op)
{
	static const uint32_t hows[] = { 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
	const unsigned by = by_of(op), path = path_near(group_number(by), op->aux, true);
	const unsigned second = path_near(group_number(by), op->arg & 0xff, (op->arg & 1) != 0);
	const uint32_t flags = hows[op->arg >> 8 & 3];
	struct walked from, to;

	int expected = tree_walk(run, group_number(by), path, false, &from);
	if (expected == 0) expected = tree_walk(run, group_number(by), second, false, &to);
	if (expected == 0) expected = rename_meant(&from, &to, flags);
	if (expected == 0) renames(run, &from, &to, flags);
	judge(run, "renameat2", by_path(run, by, SYS_renameat2, path, second, flags), expected);
}

/* --- where one is ----------------------------------------------------------------------------- */

static int64_t where_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const uint64_t at = arg[0] + TEXT_AT;
	const int64_t answer = call(t, SYS_getcwd, at, TEXT_BYTES, 0, 0, 0, 0);

	if (answer > TEXT_BYTES) kpanic(ORACLE_ERRNO, "getcwd answers %ld", (long)answer);
	if (answer > 0) program_get(run, (void *)(uintptr_t)arg[1], at, (size_t)answer);
	return answer;
}

/* arg: 0 by the path, else by a descriptor. */
void makes_enter(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op), group = group_number(by);
	const unsigned path = path_near(group, op->aux, true);
	const bool open = op->arg % 4 == 3;
	char wanted[TEXT_BYTES], got[TEXT_BYTES];
	uint8_t node = NONE;
	unsigned fd;
	int64_t expected;

	if (open) {
		const uint8_t n = open_near(op, by, true, &fd);
		if (n != NONE) node = files_model.open[n].node;
		expected = n == NONE ? -ERR_BADF : node == NONE ? -ERR_NOTDIR : 0;
	} else {
		expected = walk_to(run, group, path, true, &node);
	}
	if (expected == 0 && !is_kind(node, NODE_FOLDER)) expected = -ERR_NOTDIR;
	if (expected == 0) {
		files_model.node[node].holds++;
		cwd_gone(group);
		files_model.cwd[group] = node;
	}
	judge(run, "going to a folder",
	      open ? call_by(run, by, SYS_fchdir, fd, 0, 0, 0)
		   : by_path(run, by, SYS_chdir, path, PATHS, 0),
	      expected);
	const uint64_t arg[] = { scratch_of(by), (uintptr_t)got };
	const int64_t bytes = path_of(files_model.cwd[group], wanted);
	if (bytes < 0) run_sometimes(run, SAW_NOWHERE);
	judge(run, "getcwd", act(run, by, where_act, arg), bytes);
	if (bytes > 0 && memcmp(got, wanted, (size_t)bytes) != 0)
		kpanic(ORACLE_CONTENT, "where a group is: %s, not %s", got, wanted);
}

/* --- what is told of it ----------------------------------------------------------------------- */

static uint32_t links_meant(const struct model_node *of)
{
	uint32_t links = of->links;

	if (of->kind != NODE_FOLDER || links == 0) return links;
	for (unsigned name = 0; name < NAMES; name++)
		links += of->entry[name] != NONE && is_kind(of->entry[name], NODE_FOLDER);
	return links + 1;
}

/* Kind and permissions below, links above. */
static uint64_t told_meant(uint8_t node)
{
	static const uint32_t modes[] = {
		[NODE_FILE] = S_IFREG | 0644,
		[NODE_FOLDER] = S_IFDIR | 0755,
		[NODE_FIFO] = S_IFIFO | 0644,
		[NODE_LINK] = S_IFLNK | 0777,
	};

	return modes[files_model.node[node].kind] | (uint64_t)links_meant(&files_model.node[node])
							    << 32;
}

static uint64_t size_told(uint8_t node)
{
	const struct model_node *of = &files_model.node[node];

	return is_kind(node, NODE_LINK) ? text_length(of->path) : of->size;
}

/* A stat, and what is looked at of it: links, kind and permissions; the size. */
static int64_t stat_act(struct run *run, struct task *t, const uint64_t *arg)
{
	enum { MODE_AT = 16, SIZE_AT = 48 };
	uint64_t *told = (uint64_t *)(uintptr_t)arg[5];
	const uint64_t at = arg[4] + TEXT_AT;
	const int64_t answer = arg[0] == SYS_fstat ? call(t, SYS_fstat, arg[1], at, 0, 0, 0, 0)
						   : path_act(run, t, arg);

	if (answer != 0) return answer;
	program_get(run, &told[0], at + MODE_AT, sizeof told[0]);
	if ((told[0] & S_IFMT) != S_IFDIR) program_get(run, &told[1], at + SIZE_AT, sizeof told[1]);
	return 0;
}

/* The root has more names elsewhere: it is not asked for. */
static void judge_stat(struct run *run, unsigned by, uint8_t node, int64_t expected,
		       uint64_t arg[6])
{
	uint64_t told[2] = { 0, 0 };

	if (node == ROOT) return;
	arg[4] = scratch_of(by);
	arg[5] = (uintptr_t)told;
	judge(run, "stat", act(run, by, stat_act, arg), expected);
	if (expected != 0 || node == NONE) return;
	if (told[0] != told_meant(node))
		kpanic(ORACLE_VERDICT, "mode and links are %lx, not %lx", (unsigned long)told[0],
		       (unsigned long)told_meant(node));
	if (!is_kind(node, NODE_FOLDER) && told[1] != size_told(node))
		kpanic(ORACLE_VERDICT, "the size is %lu, not %lu", (unsigned long)told[1],
		       (unsigned long)size_told(node));
}

static int64_t text_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const int64_t answer = path_act(run, t, arg);

	if (answer > (int64_t)sizeof(uint64_t)) kpanic(ORACLE_ERRNO, "a text is too long");
	if (answer > 0)
		program_get(run, (void *)(uintptr_t)arg[5], arg[4] + TEXT_AT, (size_t)answer);
	return answer;
}

static void judge_text(struct run *run, unsigned by, unsigned path)
{
	uint64_t text = 0;
	uint8_t node;
	const uint64_t arg[] = { SYS_readlinkat, path, PATHS, 0, scratch_of(by), (uintptr_t)&text };
	int64_t expected = walk_to(run, group_number(by), path, false, &node);

	if (expected == 0 && !is_kind(node, NODE_LINK)) expected = -ERR_INVAL;
	if (expected == 0) expected = (int64_t)text_length(files_model.node[node].path);
	judge(run, "readlinkat", act(run, by, text_act, arg), expected);
	if (expected > 0 && text != path_text(files_model.node[node].path))
		kpanic(ORACLE_CONTENT, "a link has another text");
}

/* arg: what a path leads to, or is, or says; or a descriptor. */
void makes_look(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op), how = op->arg % 4;
	const unsigned path = path_near(group_number(by), op->aux, true);
	uint8_t node = NONE;
	unsigned fd;

	if (how == 3) {
		const uint8_t n = open_near(op, by, false, &fd);
		uint64_t arg[6] = { SYS_fstat, fd };
		if (n != NONE) node = files_model.open[n].node;
		judge_stat(run, by, node, n == NONE ? -ERR_BADF : 0, arg);
	} else if (how == 2) {
		judge_text(run, by, path);
	} else {
		uint64_t arg[6] = { SYS_newfstatat, path, PATHS,
				    how == 0 ? 0 : AT_SYMLINK_NOFOLLOW };
		const int error = walk_to(run, group_number(by), path, how == 0, &node);
		judge_stat(run, by, error == 0 ? node : NONE, error, arg);
	}
}
