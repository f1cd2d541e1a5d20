/*
 * short_names.c -- cases of short_test.c: paths, and what they lead to.
 *
 * The program has its pages at SHORT_AT, and descriptors: 0 is /d/f (5,000 bytes), 1 is /d, 2 and 3
 * are a pipe.  In the tree are /d, /d/e, /d/f, /m, /l (a link to /d/f), /bin, and /script, which
 * /bin runs.
 */
#include "kernel/syscall/short.h"

static int64_t creates(void)
{
	return CALL(openat, HERE, short_text("/d/e/a-new-file-of-some-name"), O_RDWR | O_CREAT,
		    0644);
}

static int64_t opens_by_link(void)
{
	return CALL(openat, HERE, short_text("/d/../l"), O_RDWR | O_TRUNC);
}

static int64_t opens_folder(void)
{
	return CALL(openat, 1, short_text("e"), O_RDONLY | O_DIRECTORY);
}

static int64_t makes_fifo(void)
{
	return CALL(mknodat, 1, short_text("a-fifo"), S_IFIFO | 0600, 0);
}

static int64_t makes_folder_here(void)
{
	return CALL(mkdirat, 1, short_text("a-folder-with-a-name-that-is-not-short"), 0755);
}

static int64_t makes_link(void)
{
	return CALL(symlinkat, short_text("/d/e/../e/../e/../e/../e/../e/../e/../e/../e/../e/../f"),
		    1, short_text("link"));
}

static int64_t links(void)
{
	return CALL(linkat, HERE, short_text("/l"), 1, short_text("e/other"), AT_SYMLINK_FOLLOW);
}

static int64_t renames(void)
{
	return CALL(renameat, HERE, short_text("/bin"), 1, short_text("e/another-name"));
}

static int64_t renames_over(void)
{
	return CALL(renameat2, HERE, short_text("/bin"), 1, short_text("f"), 0);
}

static int64_t exchanges(void)
{
	return CALL(renameat2, HERE, short_text("/d/e"), HERE, short_text("/l"), RENAME_EXCHANGE);
}

static int64_t unlinks(void)
{
	return CALL(unlinkat, HERE, short_text("/l"), 0);
}

static int64_t unlinks_open(void)
{
	return CALL(unlinkat, 1, short_text("f"), 0);
}

static int64_t unlinks_folder(void)
{
	return CALL(unlinkat, 1, short_text("e"), AT_REMOVEDIR);
}

static int64_t mounts_devices(void)
{
	return CALL(mount, short_text("none"), short_text("/d/e"), short_text("devtmpfs"), 0, 0);
}

static int64_t mounts_proc(void)
{
	return CALL(mount, short_text("none"), short_text("/m"), short_text("proc"), 0, 0);
}

static void with_proc(void)
{
	EXPECT(PLAIN(mount, short_text("none"), short_text("/m"), short_text("proc"), 0, 0) == 0);
}

static int64_t unmounts(void)
{
	return CALL(umount2, short_text("/m"), 0);
}

static int64_t opens_proc(void)
{
	return CALL(openat, HERE, short_text("/m/self/status"), O_RDONLY);
}

static int64_t reads_proc_of(const char *path)
{
	const int64_t fd = PLAIN(openat, HERE, short_text(path), O_RDONLY);

	EXPECT(fd == 4);
	const int64_t bytes = CALL(read, 4, SHORT_AT + 2 * PAGE, 4 * PAGE);
	EXPECT(PLAIN(close, 4) == 0);
	return bytes;
}

static int64_t reads_maps(void)
{
	return reads_proc_of("/m/self/maps");
}

static int64_t reads_status(void)
{
	return reads_proc_of("/m/self/status");
}

static int64_t reads_memory(void)
{
	return reads_proc_of("/m/meminfo");
}

static int64_t reads_mounts(void)
{
	return reads_proc_of("/m/mounts");
}

static int64_t reads_line(void)
{
	return reads_proc_of("/m/self/cmdline");
}

static int64_t lists_tasks_files(void)
{
	const int64_t fd = PLAIN(openat, HERE, short_text("/m/self/fd"), O_RDONLY);
	const int64_t bytes = CALL(getdents64, (uint64_t)fd, SHORT_AT + 2 * PAGE, 4 * PAGE);

	EXPECT(PLAIN(close, (uint64_t)fd) == 0);
	return bytes;
}

static int64_t opens_by_proc(void)
{
	return CALL(openat, HERE, short_text("/m/self/fd/0"), O_RDWR);
}

static int64_t lists_proc(void)
{
	const int64_t fd = PLAIN(openat, HERE, short_text("/m"), O_RDONLY);
	const int64_t bytes = CALL(getdents64, (uint64_t)fd, SHORT_AT + 2 * PAGE, 4 * PAGE);

	EXPECT(PLAIN(close, (uint64_t)fd) == 0);
	return bytes;
}

static int64_t reads_link_of_proc(void)
{
	return CALL(readlinkat, HERE, short_text("/m/self/fd/0"), SHORT_AT + 2 * PAGE, PAGE);
}

static int64_t lists(void)
{
	return CALL(getdents64, 1, SHORT_AT + 2 * PAGE, PAGE);
}

static int64_t changes_folder(void)
{
	return CALL(chdir, short_text("/d/../d/e"));
}

static int64_t changes_root(void)
{
	return CALL(chroot, short_text("/d/../d"));
}

static int64_t asks_where(void)
{
	return CALL(getcwd, SHORT_AT + 2 * PAGE, PAGE);
}

#define OF_PATH(name, number, ...)                                        \
	static int64_t name(void)                                         \
	{                                                                 \
		return CALL(number, HERE, short_text("/l"), __VA_ARGS__); \
	}
OF_PATH(stats, newfstatat, TO, 0)
OF_PATH(stats_more, statx, 0, 0xfff, TO)
OF_PATH(reads_link, readlinkat, TO, 100)
OF_PATH(asks_access, faccessat, 0)
OF_PATH(asks_access2, faccessat2, 0, 0)
OF_PATH(changes_mode, fchmodat, 0600)
OF_PATH(changes_owner, fchownat, 5, 6, 0)
OF_PATH(changes_times, utimensat, 0, 0)

static int64_t stats_system(void)
{
	return CALL(statfs, short_text("/l"), TO);
}

static int64_t cuts_by_path(void)
{
	return CALL(truncate, short_text("/l"), 3 * PAGE);
}

const struct short_case short_names[] = {
	CASE(creates, NULL, 4, 0),
	CASE(opens_by_link, NULL, 4, 0),
	CASE(opens_folder, NULL, 4, 0),
	CASE(makes_fifo, NULL, 0, 0),
	CASE(makes_folder_here, NULL, 0, 0),
	CASE(makes_link, NULL, 0, 0),
	CASE(links, NULL, 0, 0),
	CASE(renames, NULL, 0, 0),
	CASE(renames_over, NULL, 0, 0),
	CASE(exchanges, NULL, 0, 0),
	CASE(unlinks, NULL, 0, 0),
	CASE(unlinks_open, NULL, 0, 0),
	CASE(unlinks_folder, NULL, 0, 0),
	CASE(mounts_devices, NULL, 0, 0),
	CASE(mounts_proc, NULL, 0, 0),
	CASE(unmounts, with_proc, 0, 0),
	CASE(opens_proc, with_proc, 4, 0),
	CASE(reads_maps, with_proc, ANY, 0),
	CASE(reads_status, with_proc, ANY, 0),
	CASE(reads_memory, with_proc, ANY, MAY_VARY),
	CASE(reads_mounts, with_proc, ANY, 0),
	CASE(reads_line, with_proc, ANY, 0),
	CASE(lists_tasks_files, with_proc, ANY, 0),
	CASE(opens_by_proc, with_proc, 4, 0),
	CASE(lists_proc, with_proc, ANY, 0),
	CASE(reads_link_of_proc, with_proc, 4, 0),
	CASE(lists, NULL, ANY, 0),
	CASE(changes_folder, NULL, 0, 0),
	CASE(changes_root, NULL, 0, 0),
	CASE(asks_where, NULL, 2, 0),
	CASE(stats, NULL, 0, 0),
	CASE(stats_more, NULL, 0, 0),
	CASE(asks_access, NULL, 0, 0),
	CASE(asks_access2, NULL, 0, 0),
	CASE(changes_mode, NULL, 0, 0),
	CASE(changes_owner, NULL, 0, 0),
	CASE(changes_times, NULL, 0, 0),
	CASE(stats_system, NULL, 0, 0),
	CASE(cuts_by_path, NULL, 0, 0),
	CASE(reads_link, NULL, 4, 0),
	{ .name = NULL },
};
