/*
 * files_test.c -- the calls on files from a program's arguments: what they answer and in which
 * order they look, with pointers that lead nowhere and numbers that are none.
 *
 * The answers are those that Linux 6.1 gave (user/probe/expected/files.txt has most of them).
 */
#include "kernel/file/test_file.h"
#include "kernel/syscall/folder.h"
#include "kernel/syscall/lock.h"
#include "kernel/syscall/open.h"
#include "kernel/syscall/poll.h"
#include "kernel/syscall/read.h"
#include "kernel/syscall/stat.h"

#define BAD ((uint64_t)1 << 40) /* nothing is mapped there */
#define HERE ((uint64_t)AT_FDCWD)

static struct task_world world;
static struct task_group group;
static struct task task;
static uint64_t page, used; /* of the program's memory: two pages, and one that is not there */

static void begin(void)
{
	world = (struct task_world){ 0 };
	world.config.processes = &tw->world;
	world.config.memory = &tw->memory;
	world.config.sched = &tw->sched;
	world.config.tree = &tree;
	lock_init(&world.lock, RANK_OUTER);
	group = (struct task_group){ .world = &world, .umask = 022 };
	group.limits[RLIMIT_NOFILE].soft = 64;
	group.limits[RLIMIT_FSIZE].soft = UINT64_MAX;
	group.files = file_table_create(&tw->memory);
	task = (struct task){ .group = &group, .space = process_space(&tw->world) };
	page = (uint64_t)space_mmap(process_space(&tw->world), 0, 2 * PAGE_SIZE,
				    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0,
				    TEST_SITE);
	used = 0;
}

static void end(void)
{
	file_table_drop(group.files);
	if (group.cwd != NULL) node_drop(group.cwd);
}

/* The address of a copy in the program's memory, which lasts for some calls. */
static uint64_t u_bytes(const void *from, size_t bytes)
{
	if (used + bytes > PAGE_SIZE) used = 0;
	const uint64_t at = page + used;
	EXPECT(user_copy_out(process_space(&tw->world), at, from, bytes) == 0);
	used += align_up(bytes, 16);
	return at;
}

static uint64_t u(const char *text)
{
	return u_bytes(text, strlen(text) + 1);
}

/* Where calls put what they say: the second page. */
static uint64_t out(void)
{
	return page + PAGE_SIZE;
}

static void said(void *to, size_t bytes)
{
	EXPECT(user_copy_in(process_space(&tw->world), to, out(), bytes) == 0);
}

static bool said_text(const char *wanted)
{
	char text[64];

	said(text, strlen(wanted));
	return memcmp(text, wanted, strlen(wanted)) == 0;
}

#define CALL(name, ...) sys_##name(&task, (const uint64_t[6]){ __VA_ARGS__ })
#define OPEN(path, flags) CALL(openat, HERE, u(path), flags, 0644)

/* --- opening ---------------------------------------------------------------------------------- */

static void opening(void)
{
	static char long_path[5000];

	begin();
	memset(long_path, '/', PATH_BYTES);
	EXPECT(folder("/etc") == 0 && error_of("/etc/run", O_CREAT) == 0);
	EXPECT(OPEN("/none", O_RDONLY) == -ERR_NOENT && OPEN("", O_RDONLY) == -ERR_NOENT);
	EXPECT(CALL(openat, HERE, BAD, O_RDONLY) == -ERR_FAULT);
	EXPECT(user_copy_out(process_space(&tw->world), page, long_path, PATH_BYTES) == 0);
	EXPECT(CALL(openat, HERE, page, O_RDONLY) == -ERR_NAMETOOLONG);
	EXPECT(CALL(openat, 99, u("none"), O_RDONLY) == -ERR_BADF);
	EXPECT(CALL(openat, 99, u("/none"), O_RDONLY) == -ERR_NOENT);
	EXPECT(OPEN("/etc", O_RDONLY | O_DIRECTORY) == 0);
	EXPECT(CALL(openat, 0, u("run"), O_RDWR) == 1);
	EXPECT(CALL(openat, 1, u("run"), O_RDWR) == -ERR_NOTDIR);
	EXPECT(CALL(openat, 0, u(""), O_RDWR) == -ERR_NOENT);
	EXPECT(OPEN("/new", O_CREAT | O_RDWR | O_CLOEXEC) == 2);
	EXPECT(stat_of("/new").mode == (S_IFREG | 0644));
	EXPECT(CALL(fcntl, 1, F_GETFL) == (O_RDWR | O_LARGEFILE));
	EXPECT(CALL(fcntl, 2, F_GETFD) == 1 && CALL(fcntl, 1, F_GETFD) == 0);
	EXPECT(OPEN("/etc", O_TMPFILE | O_CREAT | O_RDWR) == -ERR_INVAL);
	EXPECT(OPEN("/etc", O_TMPFILE) == -ERR_INVAL);
	/* No descriptor: nothing is made. */
	group.limits[RLIMIT_NOFILE].soft = 3;
	EXPECT(OPEN("/more", O_CREAT | O_RDWR) == -ERR_MFILE && !there("/more"));
	EXPECT(CALL(close, 1) == 0 && CALL(close, 1) == -ERR_BADF);
	EXPECT(CALL(close, (uint64_t)-1) == -ERR_BADF);
	EXPECT(OPEN("/none", O_RDONLY) == -ERR_NOENT && OPEN("/etc", O_PATH) == 1);
	EXPECT(CALL(read, 1, out(), 1) == -ERR_BADF && CALL(fcntl, 1, F_SETFL) == -ERR_BADF);
	EXPECT(CALL(fchdir, 1) == 0 && CALL(faccessat, HERE, u("run"), MAY_READ) == 0);
	end();
}

static void duplicating(void)
{
	begin();
	EXPECT(OPEN("/f", O_CREAT | O_RDWR) == 0 && CALL(dup, 0) == 1);
	EXPECT(CALL(dup, 9) == -ERR_BADF && CALL(dup3, 0, 0, 0) == -ERR_INVAL);
	EXPECT(CALL(dup3, 0, 11, O_CLOEXEC) == 11 && CALL(dup3, 0, 12, O_APPEND) == -ERR_INVAL);
	EXPECT(CALL(dup3, 0, 64, 0) == -ERR_BADF && CALL(dup3, 9, 10, 0) == -ERR_BADF);
	EXPECT(CALL(dup3, 0, (uint64_t)-1, 0) == -ERR_BADF);
	EXPECT(CALL(fcntl, 11, F_GETFD) == 1 && CALL(fcntl, 0, F_DUPFD, 20) == 20);
	EXPECT(CALL(fcntl, 0, F_DUPFD_CLOEXEC, 0) == 2 && CALL(fcntl, 2, F_GETFD) == 1);
	EXPECT(CALL(fcntl, 0, F_DUPFD, (uint64_t)-1) == -ERR_INVAL);
	EXPECT(CALL(fcntl, 0, F_DUPFD, 64) == -ERR_INVAL && CALL(fcntl, 0, 9999) == -ERR_INVAL);
	EXPECT(CALL(fcntl, 0, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY) == 0);
	EXPECT(CALL(fcntl, 20, F_GETFL) == (O_RDWR | O_LARGEFILE | O_APPEND | O_NONBLOCK));
	EXPECT(CALL(lseek, 20, 7, WHENCE_SET) == 7 && CALL(lseek, 0, 0, WHENCE_CUR) == 7);
	EXPECT(CALL(close_range, 5, 3, 0) == -ERR_INVAL &&
	       CALL(close_range, 1, 5, 1) == -ERR_INVAL);
	EXPECT(CALL(close_range, 1, UINT32_MAX, 0) == 0 && CALL(dup, 11) == -ERR_BADF);
	EXPECT(CALL(flock, 0, 2) == 0 && CALL(flock, 0, 3) == -ERR_INVAL);
	EXPECT(CALL(fcntl, 0, F_SETLK, BAD) == -ERR_FAULT);
	EXPECT(CALL(fcntl, 9, F_SETLK, BAD) == -ERR_BADF);
	EXPECT(CALL(ioctl, 0, TCGETS, out()) == -ERR_NOTTY && CALL(ioctl, 9, TCGETS) == -ERR_BADF);
	EXPECT(CALL(ioctl, 0, FIOCLEX) == 0 && CALL(fcntl, 0, F_GETFD) == 1 && fw.files == 1);
	end();
}

static void pipes(void)
{
	int32_t fds[2];

	begin();
	EXPECT(CALL(pipe2, BAD, 0) == -ERR_FAULT && CALL(pipe2, out(), 1 << 30) == -ERR_INVAL);
	EXPECT(CALL(pipe2, out(), O_CLOEXEC | O_NONBLOCK) == 0);
	said(fds, sizeof fds);
	EXPECT(fds[0] == 0 && fds[1] == 1 && CALL(fcntl, 1, F_GETFD) == 1);
	EXPECT(CALL(fcntl, 0, F_GETFL) == O_NONBLOCK);
	EXPECT(CALL(fcntl, 1, F_GETFL) == (O_WRONLY | O_NONBLOCK));
	EXPECT(CALL(read, 0, out(), 1) == -ERR_AGAIN && CALL(write, 0, out(), 1) == -ERR_BADF);
	EXPECT(CALL(write, 1, u("ball"), 4) == 4 && CALL(read, 0, out(), 9) == 4);
	EXPECT(said_text("ball") && CALL(pread64, 0, out(), 1, 0) == -ERR_SPIPE);
	EXPECT(CALL(lseek, 0, 0, WHENCE_SET) == -ERR_SPIPE &&
	       CALL(fcntl, 0, F_GETPIPE_SZ) == 65536);
	EXPECT(CALL(ftruncate, 1, 0) == -ERR_INVAL && CALL(fsync, 1) == -ERR_INVAL);
	group.limits[RLIMIT_NOFILE].soft = 3;
	EXPECT(CALL(pipe2, out(), 0) == -ERR_MFILE && CALL(dup, 0) == 2 && fw.files == 2);
	end();
}

static int64_t polled(struct abi_pollfd *fds, uint32_t count, int64_t ns)
{
	const int64_t time[2] = { 0, ns };
	const uint64_t at = u_bytes(fds, count * sizeof *fds);
	const int64_t answer =
		CALL(ppoll, at, count, ns < 0 ? 0 : u_bytes(time, sizeof time), 0, 0);

	EXPECT(user_copy_in(process_space(&tw->world), fds, at, count * sizeof *fds) == 0);
	return answer;
}

static void polling(void)
{
	struct abi_pollfd fds[12] = { { 0, POLLIN, 9 }, { 1, POLLOUT, 9 } };
	const int64_t bad[2] = { 0, 1000000000 };
	uint64_t sets[2] = { 3, 3 };

	begin();
	EXPECT(CALL(pipe2, out(), O_NONBLOCK) == 0);
	EXPECT(polled(fds, 2, -1) == 1 && fds[0].revents == 0 && fds[1].revents == POLLOUT);
	const uint64_t before = mach_now_ns();
	EXPECT(polled(fds, 1, 5000) == 0 && mach_now_ns() >= before + 5000);
	EXPECT(CALL(write, 1, u("x"), 1) == 1 && polled(fds, 2, 0) == 2 &&
	       fds[0].revents == POLLIN);
	fds[0].fd = -1, fds[1].fd = 9;
	EXPECT(polled(fds, 2, -1) == 1 && fds[0].revents == 0 && fds[1].revents == POLLNVAL);
	for (int i = 0; i < 12; i++) fds[i] = (struct abi_pollfd){ 0, POLLIN, 0 };
	EXPECT(polled(fds, 12, -1) == 12);
	EXPECT(CALL(ppoll, page, 1, u_bytes(bad, 16), 0, 0) == -ERR_INVAL);
	EXPECT(CALL(ppoll, 0, 1, 0, 0, 0) == -ERR_FAULT &&
	       CALL(ppoll, 0, 65, 0, 0, 0) == -ERR_INVAL);
	const uint64_t in = u_bytes(&sets[0], 8), to = u_bytes(&sets[1], 8);
	EXPECT(CALL(pselect6, 2, in, to, 0, 0, 0) == 2);
	EXPECT(user_copy_in(process_space(&tw->world), sets, in, 8) == 0 && sets[0] == 1);
	EXPECT(user_copy_in(process_space(&tw->world), sets, to, 8) == 0 && sets[0] == 2);
	sets[0] = 1 << 20;
	EXPECT(CALL(pselect6, 21, u_bytes(sets, 8), 0, 0, 0, 0) == -ERR_BADF);
	EXPECT(CALL(pselect6, 20, u_bytes(sets, 8), 0, 0, u_bytes(&(int64_t[2]){ 0, 9 }, 16), 0) ==
	       0);
	EXPECT(CALL(pselect6, (uint64_t)-1, 0, 0, 0, 0, 0) == -ERR_INVAL);
	EXPECT(CALL(close, 1) == 0);
	fds[0].events = POLLOUT;
	EXPECT(polled(fds, 1, -1) == 1 && fds[0].revents == POLLHUP);
	end();
}

/* --- reading and writing ---------------------------------------------------------------------- */

static void reading(void)
{
	begin();
	EXPECT(OPEN("/f", O_CREAT | O_RDWR) == 0);
	EXPECT(CALL(write, 0, u("0123456789"), 10) == 10 && CALL(write, 0, BAD, 0) == 0);
	EXPECT(CALL(write, 0, BAD, 1) == -ERR_FAULT && CALL(write, 9, BAD, 1) == -ERR_BADF);
	EXPECT(CALL(write, 0, page, UINT64_MAX) == -ERR_FAULT);
	EXPECT(CALL(lseek, 0, 0, WHENCE_CUR) == 10 && CALL(read, 0, out(), 5) == 0);
	EXPECT(CALL(lseek, 0, 0, WHENCE_SET) == 0 && CALL(read, 0, BAD, 4) == -ERR_FAULT);
	EXPECT(CALL(read, 0, out(), 4) == 4 && said_text("0123"));
	EXPECT(CALL(pread64, 0, out(), 4, 8) == 2 && said_text("89"));
	EXPECT(CALL(pread64, 0, out(), 4, (uint64_t)-1) == -ERR_INVAL);
	EXPECT(CALL(pwrite64, 0, u("xx"), 2, 2) == 2 && CALL(pread64, 0, out(), 99, 0) == 10);
	EXPECT(said_text("01xx456789") && CALL(lseek, 0, 0, WHENCE_CUR) == 4);
	EXPECT(CALL(lseek, 0, 0, 9) == -ERR_INVAL && CALL(lseek, 9, 0, 0) == -ERR_BADF);
	EXPECT(CALL(lseek, 0, INT64_MAX, WHENCE_SET) == INT64_MAX);
	EXPECT(CALL(lseek, 0, 1, WHENCE_CUR) == -ERR_INVAL && CALL(read, 0, out(), 0) == 0);
	EXPECT(CALL(read, 0, out(), 1) == -ERR_INVAL && CALL(write, 0, u("x"), 1) == -ERR_INVAL);
	EXPECT(CALL(pwrite64, 0, u("x"), 1, INT64_MAX - 1) == -ERR_FBIG);
	/* A write that fails makes no data of a hole. */
	EXPECT(CALL(pwrite64, 0, u("x"), 1, 2 * PAGE_SIZE) == 1);
	EXPECT(CALL(pwrite64, 0, BAD, 1, PAGE_SIZE) == -ERR_FAULT);
	EXPECT(CALL(lseek, 0, PAGE_SIZE, WHENCE_DATA) == 2 * PAGE_SIZE);
	/* What ends in memory that is not there. */
	EXPECT(CALL(pwrite64, 0, page + 2 * PAGE_SIZE - 3, 9, 0) == 3);
	EXPECT(CALL(pread64, 0, page + 2 * PAGE_SIZE - 2, 9, 0) == 2);
	EXPECT(OPEN("/", O_RDONLY) == 1 && CALL(read, 1, out(), 1) == -ERR_ISDIR);
	EXPECT(CALL(write, 1, out(), 1) == -ERR_BADF);
	end();
}

static void vectors(void)
{
	begin();
	const uint64_t abc = u("abc"), defg = u("defg");
	const struct abi_iovec good[3] = { { abc, 3 }, { 0, 0 }, { defg, 4 } };
	const struct abi_iovec bad[3] = { { abc, 3 }, { BAD, 5 }, { defg, 4 } };
	const struct abi_iovec huge[2] = { { abc, 3 }, { abc, UINT64_MAX } };
	const struct abi_iovec into[2] = { { out(), 2 }, { out() + 10, 100 } };
	static struct abi_iovec many[20];

	EXPECT(OPEN("/f", O_CREAT | O_RDWR) == 0);
	EXPECT(CALL(writev, 0, u_bytes(good, sizeof good), 3) == 7);
	EXPECT(CALL(writev, 0, BAD, 0) == 0 && CALL(writev, 0, BAD, 2) == -ERR_FAULT);
	EXPECT(CALL(writev, 0, page, (uint64_t)-1) == -ERR_INVAL);
	EXPECT(CALL(writev, 0, page, 1025) == -ERR_INVAL && CALL(writev, 9, 0, 0) == -ERR_BADF);
	EXPECT(CALL(writev, 0, u_bytes(bad, sizeof bad), 3) == 3);
	EXPECT(CALL(writev, 0, u_bytes(huge, sizeof huge), 2) == -ERR_INVAL);
	EXPECT(CALL(lseek, 0, 0, WHENCE_SET) == 0);
	EXPECT(CALL(readv, 0, u_bytes(into, sizeof into), 2) == 10 && said_text("ab"));
	for (size_t i = 0; i < COUNT_OF(many); i++) many[i] = (struct abi_iovec){ abc, 1 };
	EXPECT(CALL(pwritev, 0, u_bytes(many, sizeof many), 20, 100) == 20);
	EXPECT(CALL(preadv, 0, u_bytes(into, sizeof into), 2, 118) == 2 && said_text("aa"));
	end();
}

static void sending(void)
{
	begin();
	static uint8_t pages[PAGE_SIZE];
	uint64_t at = 5;

	EXPECT(OPEN("/from", O_CREAT | O_RDWR) == 0 && OPEN("/to", O_CREAT | O_RDWR) == 1);
	memset(pages, 's', sizeof pages);
	for (unsigned i = 0; i < 3; i++) EXPECT(CALL(write, 0, u_bytes(pages, 4000), 4000) == 4000);
	EXPECT(CALL(sendfile, 1, 0, 0, 100) == 0 && CALL(lseek, 0, 1000, WHENCE_SET) == 1000);
	EXPECT(CALL(sendfile, 1, 0, 0, 1 << 20) == 11000);
	EXPECT(CALL(lseek, 0, 0, WHENCE_CUR) == 12000 && stat_of("/to").size == 11000);
	EXPECT(CALL(sendfile, 1, 0, u_bytes(&at, 8), 10) == 10);
	EXPECT(user_copy_in(process_space(&tw->world), &at, page + used - 16, 8) == 0 && at == 15);
	EXPECT(CALL(lseek, 0, 0, WHENCE_CUR) == 12000);
	EXPECT(CALL(sendfile, 9, 0, 0, 1) == -ERR_BADF && CALL(sendfile, 1, 9, 0, 1) == -ERR_BADF);
	EXPECT(CALL(fcntl, 1, F_SETFL, O_APPEND) == 0 && CALL(sendfile, 1, 0, 0, 1) == -ERR_INVAL);
	end();
}

/* --- names ------------------------------------------------------------------------------------ */

static void names(void)
{
	begin();
	EXPECT(CALL(mkdirat, HERE, u("/d/"), 0777) == 0 && stat_of("/d").mode == (S_IFDIR | 0755));
	EXPECT(CALL(mkdirat, HERE, u("/d"), 0777) == -ERR_EXIST);
	EXPECT(CALL(mkdirat, HERE, u("/"), 0777) == -ERR_EXIST);
	EXPECT(CALL(mkdirat, HERE, u("/none/d"), 0777) == -ERR_NOENT);
	EXPECT(CALL(mknodat, HERE, u("/d/n/"), 0644, 0) == -ERR_NOENT);
	EXPECT(CALL(mknodat, HERE, u("/d/n"), 0644, 0) == 0);
	EXPECT(CALL(mknodat, HERE, u("/x"), S_IFDIR, 0) == -ERR_PERM);
	EXPECT(CALL(mknodat, HERE, u("/x"), 0030000, 0) == -ERR_INVAL);
	EXPECT(CALL(symlinkat, u(""), HERE, u("/l")) == -ERR_NOENT);
	EXPECT(CALL(symlinkat, u("d/n"), HERE, u("/l")) == 0);
	EXPECT(CALL(readlinkat, HERE, u("/l"), out(), 100) == 3 && said_text("d/n"));
	EXPECT(CALL(readlinkat, HERE, u("/l"), out(), 2) == 2);
	EXPECT(CALL(readlinkat, HERE, u("/l"), out(), 0) == -ERR_INVAL);
	EXPECT(CALL(readlinkat, HERE, u("/d"), out(), 9) == -ERR_INVAL);
	EXPECT(CALL(linkat, HERE, u("/l"), HERE, u("/m"), 0) == 0);
	EXPECT(stat_of("/m").mode == (S_IFLNK | 0777) && stat_of("/l").nlink == 2);
	EXPECT(CALL(linkat, HERE, u("/l"), HERE, u("/o"), AT_SYMLINK_FOLLOW) == 0);
	EXPECT(stat_of("/o").ino == stat_of("/d/n").ino);
	EXPECT(CALL(linkat, HERE, u("/d"), HERE, u("/e"), 0) == -ERR_PERM);
	EXPECT(CALL(unlinkat, HERE, u("/d"), 0) == -ERR_ISDIR);
	EXPECT(CALL(unlinkat, HERE, u("/o/"), 0) == -ERR_NOTDIR);
	EXPECT(CALL(unlinkat, HERE, u("/o"), 1) == -ERR_INVAL);
	EXPECT(CALL(unlinkat, HERE, u("/d/."), AT_REMOVEDIR) == -ERR_INVAL);
	EXPECT(CALL(unlinkat, HERE, u("/d/.."), AT_REMOVEDIR) == -ERR_NOTEMPTY);
	EXPECT(CALL(unlinkat, HERE, u("/"), AT_REMOVEDIR) == -ERR_BUSY);
	EXPECT(CALL(renameat2, HERE, u("/o"), HERE, u("/d/.."), 0) == -ERR_BUSY);
	EXPECT(CALL(renameat2, HERE, u("/o"), HERE, u("/m"), 8) == -ERR_INVAL);
	EXPECT(CALL(renameat, HERE, u("/o"), HERE, u("/d/o")) == 0 && there("/d/o"));
	end();
}

static void being_there(void)
{
	begin();
	EXPECT(folder("/a") == 0 && folder("/a/b") == 0);
	EXPECT(CALL(getcwd, out(), 2) == 2 && said_text("/"));
	EXPECT(CALL(chdir, u("a/b")) == 0 && CALL(getcwd, out(), 100) == 5 && said_text("/a/b"));
	EXPECT(CALL(getcwd, out(), 4) == -ERR_RANGE && CALL(getcwd, BAD, 100) == -ERR_FAULT);
	EXPECT(OPEN("../f", O_CREAT | O_RDWR) == 0 && there("/a/f"));
	EXPECT(CALL(chdir, u("../f")) == -ERR_NOTDIR && CALL(fchdir, 0) == -ERR_NOTDIR);
	EXPECT(CALL(chdir, u("none")) == -ERR_NOENT && CALL(fchdir, 9) == -ERR_BADF);
	EXPECT(CALL(unlinkat, HERE, u("/a/b"), AT_REMOVEDIR) == 0);
	EXPECT(CALL(getcwd, out(), 100) == -ERR_NOENT &&
	       CALL(mkdirat, HERE, u("x"), 0) == -ERR_NOENT);
	EXPECT(CALL(linkat, HERE, u("/a"), HERE, u("x"), 0) == -ERR_NOENT);
	EXPECT(CALL(renameat2, HERE, u("/a"), HERE, u("x"), 0) == -ERR_NOENT);
	EXPECT(CALL(umask, 077) == 022 && CALL(umask, 07777) == 077 && group.umask == 0777);
	end();
}

static void listing(void)
{
	begin();
	EXPECT(folder("/a") == 0 && OPEN("/", O_RDONLY) == 0);
	EXPECT(CALL(getdents64, 0, out(), 10) == -ERR_INVAL);
	EXPECT(CALL(getdents64, 0, BAD, 100) == -ERR_FAULT);
	EXPECT(CALL(getdents64, 0, out(), 50) == 48 && CALL(getdents64, 0, out(), 4096) == 24);
	EXPECT(CALL(getdents64, 0, out(), 100) == 0 && CALL(getdents64, 9, out(), 9) == -ERR_BADF);
	EXPECT(OPEN("/f", O_CREAT) == 1 && CALL(getdents64, 1, out(), 99) == -ERR_NOTDIR);
	end();
}

/* --- what files are like ---------------------------------------------------------------------- */

static void stats(void)
{
	struct file_stat s;
	struct abi_statx x;

	begin();
	EXPECT(OPEN("/f", O_CREAT | O_RDWR) == 0 && CALL(fstat, 0, out()) == 0);
	said(&s, sizeof s);
	EXPECT(s.mode == (S_IFREG | 0644) && s.nlink == 1 && s.blksize == 4096);
	EXPECT(CALL(fstat, 0, BAD) == -ERR_FAULT && CALL(fstat, 9, BAD) == -ERR_BADF);
	EXPECT(CALL(newfstatat, HERE, u(""), out(), 0) == -ERR_NOENT);
	EXPECT(CALL(newfstatat, HERE, u(""), out(), AT_EMPTY_PATH) == 0);
	EXPECT(CALL(newfstatat, 0, u(""), out(), AT_EMPTY_PATH) == 0);
	EXPECT(CALL(newfstatat, 0, u("x"), out(), 0) == -ERR_NOTDIR);
	EXPECT(CALL(newfstatat, HERE, u("/f"), out(), 0x40000) == -ERR_INVAL);
	EXPECT(CALL(statx, HERE, u("/f"), 0, STATX_BASIC_STATS, out()) == 0);
	said(&x, sizeof x);
	EXPECT(x.mode == (S_IFREG | 0644) && x.nlink == 1 && (x.mask & 0x7ff) == 0x7ff);
	EXPECT(CALL(statx, HERE, u("/f"), 0x6000, 0, out()) == -ERR_INVAL);
	EXPECT(CALL(fchmod, 0, 07600) == 0 && stat_of("/f").mode == (S_IFREG | 07600));
	EXPECT(CALL(faccessat, HERE, u("/f"), MAY_EXEC) == -ERR_ACCES);
	EXPECT(CALL(faccessat, HERE, u("/f"), 8) == -ERR_INVAL);
	EXPECT(CALL(faccessat, HERE, u("/none"), 0) == -ERR_NOENT);
	EXPECT(CALL(fchmodat, HERE, u("/f"), 0755) == 0);
	EXPECT(CALL(faccessat2, HERE, u("/f"), MAY_EXEC, AT_EACCESS) == 0);
	EXPECT(CALL(fchownat, HERE, u("/f"), 5, UINT32_MAX, 0) == 0 && stat_of("/f").uid == 5);
	const int64_t times[4] = { 7, 8, 9, 0x3ffffffe }; /* the second is left */
	EXPECT(CALL(utimensat, HERE, u("/f"), u_bytes(times, sizeof times), 0) == 0);
	EXPECT(stat_of("/f").atime_s == 7 && stat_of("/f").atime_ns == 8);
	EXPECT(stat_of("/f").mtime_s == 0);
	const int64_t bad[4] = { 0, 1000000000, 0, 0 };
	EXPECT(CALL(utimensat, 0, 0, u_bytes(bad, sizeof bad), 0) == -ERR_INVAL);
	EXPECT(CALL(statfs, u("/f"), out()) == 0 && CALL(fstatfs, 0, out()) == 0);
	EXPECT(CALL(statfs, u("/none"), out()) == -ERR_NOENT);
	end();
}

static void sizes(void)
{
	begin();
	EXPECT(OPEN("/f", O_CREAT | O_RDWR) == 0 && CALL(ftruncate, 0, 5000) == 0);
	EXPECT(stat_of("/f").size == 5000 && CALL(truncate, u("/f"), 10) == 0);
	EXPECT(stat_of("/f").size == 10 && CALL(ftruncate, 0, (uint64_t)-1) == -ERR_INVAL);
	EXPECT(CALL(truncate, u("/"), 0) == -ERR_ISDIR && CALL(truncate, u("/n"), 0) == -ERR_NOENT);
	EXPECT(OPEN("/f", O_RDONLY) == 1 && CALL(ftruncate, 1, 0) == -ERR_INVAL);
	EXPECT(CALL(fallocate, 0, 0, 0, 10) == 0);
	EXPECT(CALL(fallocate, 0, 0, 0, 0) == -ERR_INVAL);
	EXPECT(CALL(fsync, 0) == 0 && CALL(fsync, 9) == -ERR_BADF && CALL(sync, 0) == 0);
	end();
}

static void mounts(void)
{
	begin();
	EXPECT(folder("/m") == 0 && folder("/m/d") == 0);
	EXPECT(CALL(mount, u("none"), u("/m"), u("ext4"), 0, 0) == -ERR_NODEV);
	EXPECT(CALL(mount, u("none"), u("/n"), u("tmpfs"), 0, 0) == -ERR_NOENT);
	EXPECT(CALL(mount, u("none"), u("/m"), 0, 0, 0) == -ERR_INVAL);
	EXPECT(CALL(mount, u("none"), u("/m"), BAD, 0, 0) == -ERR_FAULT);
	EXPECT(CALL(mount, u("none"), u("/m"), u("tmpfs"), 0, BAD) == 0 && !there("/m/d"));
	EXPECT(CALL(unlinkat, HERE, u("/m"), AT_REMOVEDIR) == -ERR_BUSY);
	EXPECT(CALL(renameat, HERE, u("/m"), HERE, u("/o")) == -ERR_BUSY);
	EXPECT(CALL(chdir, u("/m")) == 0 && CALL(umount2, u("/m"), 0) == -ERR_BUSY);
	EXPECT(CALL(chdir, u("..")) == 0 && CALL(umount2, u("/m"), 0x10) == -ERR_INVAL);
	EXPECT(CALL(umount2, u("/m"), 0) == 0 && there("/m/d"));
	EXPECT(CALL(umount2, u("/m"), 0) == -ERR_INVAL);
	end();
}

int main(void)
{
	static void (*const tests[])(void) = {
		opening, duplicating, pipes,   polling, reading, vectors, sending,
		names,   being_there, listing, stats,   sizes,   mounts,
	};

	return files_main(tests, COUNT_OF(tests));
}
