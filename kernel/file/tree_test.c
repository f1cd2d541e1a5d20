/*
 * tree_test.c -- names and paths by example: what leads where, what each call refuses and in which
 * order, what a name, a link, a folder and a mount leave behind.  Answers are Linux's.
 */
#include "kernel/file/test_file.h"

/* --- paths ------------------------------------------------------------------------------------ */

static void leads_to(const char *path, uint32_t flags, const char *wanted)
{
	struct node *n, *other;
	char text[64];

	EXPECT(tree_node(&view, path, flags, &n) == 0);
	EXPECT(tree_node(&view, wanted, 0, &other) == 0);
	EXPECT(n == other);
	EXPECT(tree_path(&view, n, text, sizeof text) == (int64_t)strlen(wanted) + 1);
	EXPECT(strcmp(text, wanted) == 0);
	node_drop(n);
	node_drop(other);
}

static void leads_nowhere(const char *path, uint32_t flags, int error)
{
	struct node *n;
	const int answer = tree_node(&view, path, flags, &n);

	if (answer != error) fprintf(stderr, "%s: %d, wanted %d\n", path, answer, error);
	EXPECT(answer == error);
}

static void paths(void)
{
	EXPECT(folder("/a") == 0 && folder("/a/b") == 0 && folder("/a/b/c") == 0);
	EXPECT(error_of("/a/f", O_CREAT | O_WRONLY) == 0);
	EXPECT(link_to("/up", "a/../a/b") == 0 && link_to("/a/b/abs", "//a//b/c/") == 0);
	EXPECT(link_to("/file", "a/f") == 0 && link_to("/nowhere", "a/none") == 0);
	leads_to("/", 0, "/");
	leads_to("/..", 0, "/");
	leads_to("///a//b///", 0, "/a/b");
	leads_to("a/./b/../b/c/..", 0, "/a/b");
	leads_to("/up/c", 0, "/a/b/c");
	leads_to("/up", FIND_FOLLOW, "/a/b");
	leads_to("/up/", 0, "/a/b"); /* a slash behind follows */
	leads_to("/up", 0, "/up");
	leads_to("/up/abs/../abs", FIND_FOLLOW, "/a/b/c");
	leads_to("/file", FIND_FOLLOW, "/a/f");
	leads_to("", FIND_EMPTY, "/");
	leads_nowhere("", 0, -ERR_NOENT);
	leads_nowhere("/a/f/", 0, -ERR_NOTDIR);
	leads_nowhere("/file/", 0, -ERR_NOTDIR);
	leads_nowhere("/a/f/x", 0, -ERR_NOTDIR);
	leads_nowhere("/a/f/..", 0, -ERR_NOTDIR);
	leads_nowhere("/a/f/.", 0, -ERR_NOTDIR);
	leads_nowhere("/none/x", 0, -ERR_NOENT);
	leads_nowhere("/nowhere", FIND_FOLLOW, -ERR_NOENT);
	leads_nowhere("/nowhere/", 0, -ERR_NOENT);
}

static void long_names(void)
{
	char name[300] = "/";

	memset(name + 1, 'x', 255);
	EXPECT(folder(name) == 0 && there(name));
	name[256] = 'x';
	EXPECT(folder(name) == -ERR_NAMETOOLONG);
	leads_nowhere(name, 0, -ERR_NAMETOOLONG);
	name[257] = '/';
	leads_nowhere(name, 0, -ERR_NAMETOOLONG);
}

static void many_links(void)
{
	char name[8], text[8];

	EXPECT(folder("/end") == 0);
	for (unsigned i = 0; i < 41; i++) {
		format_text(name, sizeof name, "/l%u", i);
		format_text(text, sizeof text, i == 0 ? "end" : "l%u", i - 1);
		EXPECT(link_to(name, text) == 0);
	}
	leads_to("/l39", FIND_FOLLOW, "/end"); /* forty of them */
	leads_to("/l38/../l0/", 0, "/end");
	leads_nowhere("/l40", FIND_FOLLOW, -ERR_LOOP);
	EXPECT(link_to("/self", "self") == 0 && link_to("/deep", "deep/x") == 0);
	leads_nowhere("/self", FIND_FOLLOW, -ERR_LOOP);
	leads_nowhere("/deep", FIND_FOLLOW, -ERR_LOOP);
}

/* A path goes on above a folder that was removed, and nothing can be made in it. */
static void removed_folder(void)
{
	EXPECT(folder("/a") == 0 && folder("/a/b") == 0);
	EXPECT(tree_node(&view, "/a/b", 0, &view.cwd) == 0);
	EXPECT(unlinked("/a/b", true) == 0);
	leads_to("..", 0, "/a");
	leads_nowhere("x", 0, -ERR_NOENT);
	EXPECT(folder("x") == -ERR_NOENT && error_of("x", O_CREAT) == -ERR_NOENT);
	char text[16];
	EXPECT(tree_path(&view, view.cwd, text, sizeof text) == -ERR_NOENT);
	EXPECT(unlinked("/a", true) == 0);
	node_drop(view.cwd);
	view.cwd = NULL;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void opening(void)
{
	EXPECT(folder("/d") == 0 && link_to("/made", "d/new") == 0 && link_to("/dd", "d") == 0);
	EXPECT(error_of("/none", O_RDONLY) == -ERR_NOENT);
	EXPECT(error_of("/d", O_WRONLY) == -ERR_ISDIR && error_of("/d", O_RDONLY) == 0);
	EXPECT(error_of("/d", O_CREAT) == -ERR_ISDIR);
	EXPECT(error_of("/new/", O_CREAT) == -ERR_ISDIR);
	EXPECT(error_of("/d", O_RDONLY | O_TRUNC) == -ERR_ISDIR);
	EXPECT(error_of("/made", O_CREAT | O_EXCL) == -ERR_EXIST);
	EXPECT(error_of("/made", O_RDWR | O_CREAT) == 0 && there("/d/new")); /* through the link */
	EXPECT(error_of("/d/new", O_DIRECTORY) == -ERR_NOTDIR);
	EXPECT(error_of("/d/new/", O_RDONLY) == -ERR_NOTDIR);
	EXPECT(error_of("/d/new", O_CREAT | O_EXCL) == -ERR_EXIST);
	EXPECT(error_of("/made", O_NOFOLLOW) == -ERR_LOOP);
	EXPECT(error_of("/dd", O_NOFOLLOW | O_DIRECTORY) == -ERR_NOTDIR);
	EXPECT(error_of("/made", O_NOFOLLOW | O_PATH) == 0);
	struct file *path = opened("/d/new", O_PATH);
	char byte;
	EXPECT(get(path, &byte, 1, NULL) == -ERR_BADF);
	file_drop(path);
	EXPECT(make("/dev", S_IFCHR | 0600, NULL) == 0 && error_of("/dev", O_RDONLY) == -ERR_NXIO);
}

/* A world's limit of open files, and that each refusal left nothing. */
static void too_many(void)
{
	struct file *f[TEST_OPEN_FILES];

	for (unsigned i = 0; i < TEST_OPEN_FILES; i++) f[i] = opened("/", O_RDONLY);
	EXPECT(error_of("/", O_RDONLY) == -ERR_NFILE);
	for (unsigned i = 0; i < TEST_OPEN_FILES; i++) file_drop(f[i]);
	EXPECT(error_of("/", O_RDONLY) == 0);
}

/* --- names ------------------------------------------------------------------------------------ */

static void unlinking(void)
{
	EXPECT(folder("/d") == 0 && folder("/d/e") == 0 && error_of("/f", O_CREAT) == 0);
	EXPECT(unlinked("/d", false) == -ERR_ISDIR && unlinked("/f", true) == -ERR_NOTDIR);
	EXPECT(unlinked("/d", true) == -ERR_NOTEMPTY && unlinked("/none", false) == -ERR_NOENT);
	EXPECT(stat_of("/d").nlink == 3 && stat_of("/").nlink == 3);
	EXPECT(unlinked("/d/e", true) == 0 && stat_of("/d").nlink == 2);
	EXPECT(unlinked("/d", true) == 0 && unlinked("/f", false) == 0);
	EXPECT(tree.nodes == 1 && tree.entries == 0);
}

static void hard_links(void)
{
	EXPECT(folder("/d") == 0 && error_of("/f", O_CREAT) == 0);
	EXPECT(linked("/f", "/d/g") == 0 && stat_of("/f").nlink == 2);
	EXPECT(stat_of("/f").ino == stat_of("/d/g").ino);
	EXPECT(linked("/f", "/d/g") == -ERR_EXIST && linked("/d", "/e") == -ERR_PERM);
	EXPECT(unlinked("/f", false) == 0 && stat_of("/d/g").nlink == 1);
	struct file *f = opened("/d/g", O_RDWR);
	EXPECT(put(f, "still here", 10, NULL) == 10 && unlinked("/d/g", false) == 0);
	char text[10];
	uint64_t at = 0;
	EXPECT(get(f, text, 10, &at) == 10 && memcmp(text, "still here", 10) == 0);
	struct file_stat stat;
	node_stat(f->node, &stat);
	EXPECT(stat.nlink == 0 && tree.entries == 1);
	file_drop(f);
}

static void renaming(void)
{
	EXPECT(folder("/a") == 0 && folder("/a/b") == 0 && folder("/z") == 0);
	EXPECT(error_of("/f", O_CREAT) == 0 && error_of("/g", O_CREAT) == 0);
	const uint64_t f = stat_of("/f").ino;
	EXPECT(renamed("/none", "/x", 0) == -ERR_NOENT);
	EXPECT(renamed("/a", "/a/b/c", 0) == -ERR_INVAL && renamed("/a", "/a/x", 0) == -ERR_INVAL);
	EXPECT(renamed("/a/b", "/a", 0) == -ERR_NOTEMPTY);
	EXPECT(renamed("/f", "/a", 0) == -ERR_ISDIR && renamed("/z", "/f", 0) == -ERR_NOTDIR);
	EXPECT(renamed("/z", "/a", 0) == -ERR_NOTEMPTY);
	EXPECT(renamed("/f", "/x/", 0) == -ERR_NOTDIR);
	EXPECT(renamed("/f", "/g", RENAME_NOREPLACE) == -ERR_EXIST);
	EXPECT(renamed("/f", "/new", RENAME_EXCHANGE) == -ERR_NOENT);
	EXPECT(renamed("/f", "/g", 0) == 0 && !there("/f") && stat_of("/g").ino == f);
	EXPECT(renamed("/g", "/a/b/g", 0) == 0 && stat_of("/a/b/g").ino == f);
	EXPECT(renamed("/a/b", "/z", 0) == 0 && stat_of("/z/g").ino == f);
	EXPECT(stat_of("/a").nlink == 2 && stat_of("/").nlink == 4);
	leads_to("/z/..", 0, "/");
	EXPECT(renamed("/z/g", "/a", RENAME_EXCHANGE) == 0); /* a file and a folder */
	EXPECT(stat_of("/a").ino == f && stat_of("/z").nlink == 3 && stat_of("/").nlink == 3);
	leads_to("/z/g/..", 0, "/z");
	EXPECT(renamed("/a", "/a", 0) == 0 && linked("/a", "/h") == 0);
	EXPECT(renamed("/a", "/h", 0) == 0 && there("/a") && there("/h")); /* one node: nothing */
}

/* --- listing ---------------------------------------------------------------------------------- */

static int64_t list(struct file *f, uint8_t *to, size_t bytes)
{
	struct io_piece piece;
	struct io io;
	struct file_names names;

	io_open_kernel(&io, &piece, to, bytes);
	names_open(&names, &io, f->offset);
	const int64_t answer = f->ops->names(f, &names);
	f->offset = names.flushed;
	return answer;
}

/* The names in what was listed, each behind a blank. */
static void names_in(const uint8_t *from, int64_t bytes, char *to)
{
	for (int64_t at = 0; at < bytes;) {
		struct abi_dirent entry;
		memcpy(&entry, from + at, DIRENT_NAME);
		to += format_text(to, 64, " %s", (const char *)from + at + DIRENT_NAME);
		EXPECT(entry.bytes % 8 == 0);
		at += entry.bytes;
	}
	*to = 0;
}

static void listing(void)
{
	static uint8_t buffer[4096];
	static char said[1024];
	char name[8];

	EXPECT(folder("/d") == 0);
	for (char c = 'a'; c <= 'h'; c++) {
		format_text(name, sizeof name, "/d/%c", c);
		EXPECT(error_of(name, O_CREAT) == 0);
	}
	struct file *f = opened("/d", O_RDONLY);
	EXPECT(list(f, buffer, 23) == -ERR_INVAL);
	EXPECT(list(f, buffer, 100) == 4 * 24); /* 24 bytes each */
	names_in(buffer, 96, said);
	EXPECT(strcmp(said, " . .. a b") == 0);
	/* One goes that was shown, one that was not; one comes. */
	EXPECT(unlinked("/d/b", false) == 0 && unlinked("/d/c", false) == 0);
	EXPECT(renamed("/d/a", "/d/i", 0) == 0);
	names_in(buffer, list(f, buffer, sizeof buffer), said);
	EXPECT(strcmp(said, " d e f g h i") == 0);
	EXPECT(list(f, buffer, sizeof buffer) == 0);
	EXPECT(file_seek(f, 0, WHENCE_SET) == 0);
	names_in(buffer, list(f, buffer, sizeof buffer), said);
	EXPECT(strcmp(said, " . .. d e f g h i") == 0);
	for (char c = 'd'; c <= 'i'; c++) {
		format_text(name, sizeof name, "/d/%c", c);
		EXPECT(unlinked(name, false) == 0);
	}
	EXPECT(unlinked("/d", true) == 0 && file_seek(f, 0, WHENCE_SET) == 0);
	EXPECT(list(f, buffer, sizeof buffer) == -ERR_NOENT);
	file_drop(f);
}

/* More than the small buffer holds, in one call. */
static void long_listing(void)
{
	static uint8_t buffer[8192];
	static char said[4096];
	char name[24];

	for (unsigned i = 0; i < 90; i++) {
		format_text(name, sizeof name, "/a-rather-long-name-%u", i);
		EXPECT(folder(name) == 0);
	}
	struct file *f = opened("/", O_RDONLY);
	names_in(buffer, list(f, buffer, sizeof buffer), said);
	EXPECT(strstr(said, "name-0 ") != NULL && strstr(said, "name-89") != NULL);
	EXPECT(list(f, buffer, sizeof buffer) == 0);
	file_drop(f);
}

/* --- mounts ----------------------------------------------------------------------------------- */

static int mounted(const char *path)
{
	struct node *n;

	EXPECT(tree_node(&view, path, 0, &n) == 0);
	const int error = tree_mount(&view, "source", n, "tmpfs");
	node_drop(n);
	return error;
}

static int unmounted(const char *path)
{
	struct node *n;

	EXPECT(tree_node(&view, path, 0, &n) == 0);
	const int error = tree_unmount(n);
	if (error != 0) node_drop(n);
	return error;
}

static void mounting(void)
{
	struct node *root;

	EXPECT(folder("/m") == 0 && folder("/m/under") == 0);
	EXPECT(tree_node(&view, "/m", 0, &root) == 0);
	EXPECT(tree_mount(&view, "", root, "ext4") == -ERR_NODEV);
	node_drop(root);
	EXPECT(mounted("/m") == 0 && !there("/m/under") && folder("/m/over") == 0);
	EXPECT(stat_of("/m").dev != stat_of("/").dev);
	leads_to("/m/over/..", 0, "/m");
	leads_to("/m/..", 0, "/");
	EXPECT(mounted("/m") == 0 && !there("/m/over")); /* over the first */
	leads_to("/m/..", 0, "/");
	EXPECT(error_of("/f", O_CREAT) == 0 && linked("/f", "/m/f") == -ERR_XDEV);
	EXPECT(renamed("/f", "/m/f", 0) == -ERR_XDEV && unlinked("/m", true) == -ERR_BUSY);
	EXPECT(unmounted("/m") == 0 && there("/m/over"));
	EXPECT(tree_node(&view, "/m/over", 0, &root) == 0);
	EXPECT(unmounted("/m") == -ERR_BUSY);
	node_drop(root);
	EXPECT(error_of("/m/over/a", O_CREAT) == 0 && linked("/m/over/a", "/m/b") == 0);
	EXPECT(unmounted("/") == -ERR_BUSY && unmounted("/m/over") == -ERR_INVAL);
	EXPECT(unmounted("/m") == 0 && there("/m/under"));
	EXPECT(mounted("/m") == 0); /* and is there when all is closed */
}

/* A folder of devices, each opened by its number, under whatever name. */
static void devices(void)
{
	struct node *n;
	char byte;

	EXPECT(folder("/dev") == 0 && tree_node(&view, "/dev", 0, &n) == 0);
	EXPECT(tree_mount(&view, "none", n, "devtmpfs") == 0);
	node_drop(n);
	EXPECT(stat_of("/dev/null").mode == (S_IFCHR | 0666) && stat_of("/dev/null").rdev == 0x103);
	struct file *f = opened("/dev/null", O_RDWR);
	EXPECT(get(f, &byte, 1, NULL) == 3 && put(f, &byte, 1, NULL) == -ERR_INVAL);
	EXPECT(file_seek(f, 0, WHENCE_SET) == -ERR_SPIPE);
	file_drop(f);
	EXPECT(renamed("/dev/other", "/dev/name", 0) == 0);
	f = opened("/dev/name", O_RDONLY);
	EXPECT(get(f, &byte, 1, NULL) == 300 % 256);
	file_drop(f);
	EXPECT(unmounted("/dev") == 0 && !there("/dev/null"));
}

int main(void)
{
	static void (*const tests[])(void) = {
		paths,      long_names, many_links, removed_folder, opening,  too_many, unlinking,
		hard_links, renaming,   listing,    long_listing,   mounting, devices,
	};

	return files_main(tests, COUNT_OF(tests));
}
