/*
 * room.c -- what a file has where: holes and data, room asked for ahead, files cut while they are
 * mapped; and times, statx, links and renames with flags.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/stat.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/probe/probe.h"

enum { PAGE = 4096 };

static char buffer[PAGE];

static void nap(int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void size_of(int fd)
{
	struct stat s;

	fstat(fd, &s);
	say("size %ld, blocks %ld", (long)s.st_size, (long)s.st_blocks);
}

/* --- holes ------------------------------------------------------------------------------------ */

static void holes(void)
{
	const int fd = open("/tmp/holes", O_RDWR | O_CREAT, 0600);

	ANSWER(lseek(fd, 0, SEEK_DATA));
	ANSWER(lseek(fd, 0, SEEK_HOLE));
	ANSWER(ftruncate(fd, 10 * PAGE + 5));
	ANSWER(lseek(fd, 0, SEEK_DATA));
	ANSWER(lseek(fd, 0, SEEK_HOLE));
	ANSWER(pwrite(fd, "x", 1, 3 * PAGE + 7));
	ANSWER(pwrite(fd, "x", 1, 4 * PAGE + 7));
	ANSWER(pwrite(fd, "x", 1, 10 * PAGE + 1));
	size_of(fd);
	ANSWER(lseek(fd, 0, SEEK_DATA));
	ANSWER(lseek(fd, 3 * PAGE + 9, SEEK_DATA));
	ANSWER(lseek(fd, 5 * PAGE, SEEK_DATA));
	ANSWER(lseek(fd, 10 * PAGE + 3, SEEK_DATA));
	ANSWER(lseek(fd, 10 * PAGE + 5, SEEK_DATA));
	ANSWER(lseek(fd, -1, SEEK_DATA));
	ANSWER(lseek(fd, 0, SEEK_HOLE));
	ANSWER(lseek(fd, 3 * PAGE, SEEK_HOLE));
	ANSWER(lseek(fd, 5 * PAGE + 1, SEEK_HOLE));
	ANSWER(lseek(fd, 10 * PAGE, SEEK_HOLE));
	ANSWER(lseek(fd, 10 * PAGE + 5, SEEK_HOLE));
	ANSWER(lseek(fd, 0, SEEK_CUR));
	ANSWER(lseek(fd, 0, 5));
	/* Reading brings no page; touching what is mapped does. */
	ANSWER(pread(fd, buffer, PAGE, 0));
	ANSWER(lseek(fd, 0, SEEK_DATA));
	char *const map = mmap(NULL, 11 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	map[PAGE] = 1;
	ANSWER(lseek(fd, 0, SEEK_DATA));
	munmap(map, 11 * PAGE);
	close(fd);
	ANSWER(lseek(1, 0, SEEK_DATA));
	const int null = open("/dev/null", O_RDONLY);
	ANSWER(lseek(null, 5, SEEK_DATA));
	close(null);
	const int folder = open("/tmp", O_RDONLY);
	ANSWER(lseek(folder, 0, SEEK_DATA));
	close(folder);
	const int proc = open("/proc/self/status", O_RDONLY);
	ANSWER_TRUE(proc < 0 || (lseek(proc, 0, SEEK_DATA) == -1 && errno == EINVAL));
	close(proc);
}

static volatile sig_atomic_t too_large;

static void on_too_large(int signal)
{
	(void)signal;
	too_large++;
}

static void ahead(void)
{
	const int fd = open("/tmp/ahead", O_RDWR | O_CREAT, 0600);
	int fds[2];

	ANSWER(fallocate(fd, 0, 0, 3 * PAGE));
	size_of(fd);
	ANSWER(pread(fd, buffer, 1, PAGE));
	ANSWER(fallocate(fd, FALLOC_FL_KEEP_SIZE, PAGE, 1));
	size_of(fd);
	ANSWER(fallocate(fd, 0, 6 * PAGE - 1, 2));
	size_of(fd);
	ANSWER(fallocate(fd, 0, 0, 1));
	size_of(fd);
	ANSWER(fallocate(fd, 0, 0, 0));
	ANSWER(fallocate(fd, 0, -1, 1));
	ANSWER(fallocate(fd, 0, 1, -1));
	ANSWER(fallocate(fd, 0, 0x7fffffffffffffff, 1));
	ANSWER(fallocate(fd, 0, 0x7ffffffffffff000, 0x1000));
	ANSWER(fallocate(fd, 0, 0, 1L << 50));
	size_of(fd);
	ANSWER(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE));
	ANSWER(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, PAGE));
	ANSWER(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE));
	ANSWER(fallocate(fd, 0x1000, 0, PAGE));
	ANSWER(pwrite(fd, "abcdef", 6, PAGE - 3));
	ANSWER(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE - 2, PAGE + 4));
	size_of(fd);
	ANSWER(pread(fd, buffer, 6, PAGE - 3));
	say("%d %d %d %d", buffer[0], buffer[1], buffer[2], buffer[5]);
	ANSWER(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 100 * PAGE));
	size_of(fd);
	ANSWER(lseek(fd, 0, SEEK_DATA));
	close(fd);
	const int reader = open("/tmp/ahead", O_RDONLY);
	ANSWER(fallocate(reader, 0, 0, 1));
	ANSWER(fallocate(reader, 0, 0, 0));
	close(reader);
	ANSWER(fallocate(99, 0, 0, 1));
	ANSWER(pipe(fds));
	ANSWER(fallocate(fds[1], 0, 0, 1));
	const int folder = open("/tmp", O_RDONLY);
	ANSWER(fallocate(folder, 0, 0, 1));
	const int null = open("/dev/null", O_RDWR);
	ANSWER(fallocate(null, 0, 0, 1));
	ANSWER(posix_fallocate(null, 0, 1));
}

/* No more than the limit of a file's size, though the size would stay as it is. */
static void asked_for_too_much(void)
{
	const struct rlimit few = { 3 * PAGE, RLIM_INFINITY },
			    all = { RLIM_INFINITY, RLIM_INFINITY };
	const int fd = open("/tmp/limited", O_RDWR | O_CREAT, 0600);

	signal(SIGXFSZ, on_too_large);
	setrlimit(RLIMIT_FSIZE, &few);
	ANSWER(fallocate(fd, 0, 0, 3 * PAGE));
	ANSWER(fallocate(fd, 0, 0, 3 * PAGE + 1));
	ANSWER(fallocate(fd, 0, 5 * PAGE, PAGE));
	ANSWER(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE));
	ANSWER(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 9 * PAGE));
	size_of(fd);
	say("SIGXFSZ: %d", too_large);
	setrlimit(RLIMIT_FSIZE, &all);
	ANSWER(ftruncate(fd, 8 * PAGE));
	setrlimit(RLIMIT_FSIZE, &few);
	ANSWER(fallocate(fd, 0, 0, 8 * PAGE));
	ANSWER(fallocate(fd, 0, 0, 9 * PAGE));
	say("SIGXFSZ: %d", too_large);
	setrlimit(RLIMIT_FSIZE, &all);
	close(fd);
}

/* --- cut while mapped ------------------------------------------------------------------------- */

static sigjmp_buf back;
static volatile int caught, code;
static volatile char got;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	caught = signal;
	code = info->si_code;
	siglongjmp(back, 1);
}

static void touch(const char *what, volatile char *at, int value)
{
	caught = 0;
	if (sigsetjmp(back, 1) == 0) {
		if (value >= 0)
			*at = (char)value;
		else
			got = *at;
		say("%s: %d", what, value >= 0 ? value : got);
	} else {
		say("%s: signal %d, code %d", what, caught, code);
	}
}

static int fd; /* of what is cut, and then of what is looked at for times */
static char *shared, *own, *part;

static void cut(void)
{
	fd = open("/tmp/cut", O_RDWR | O_CREAT, 0600);
	memset(buffer, 'a', PAGE);
	for (int i = 0; i < 4; i++) (void)!write(fd, buffer, PAGE);
	shared = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	own = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	part = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 3 * PAGE);
	touch("behind the end", shared + 4 * PAGE, -1);
	touch("shared 1", shared + PAGE, 'b');
	touch("shared 3", shared + 3 * PAGE, 'c');
	touch("own 1", own + PAGE, -1);
	touch("own 2", own + 2 * PAGE, 'o');
	touch("own 3", own + 3 * PAGE, -1);
	touch("part", part, -1);
	ANSWER(pread(fd, buffer, 1, PAGE));
	say("%c", buffer[0]);
	ANSWER(pwrite(fd, "w", 1, 0));
	touch("shared 0", shared, -1);
	touch("own 0", own, -1);
	const pid_t child = fork();
	if (child == 0) {
		nap(30);
		touch("child's shared 0", shared, -1);
		touch("child's shared 1 at its end", shared + 2 * PAGE - 1, -1);
		touch("child's shared 3", shared + 3 * PAGE, -1);
		touch("child's own 3", own + 3 * PAGE, -1);
		_exit(0);
	}
	ANSWER(ftruncate(fd, PAGE + 10));
	waitpid(child, NULL, 0);
	touch("shared 1", shared + PAGE, -1);
	touch("shared 1 + 9", shared + PAGE + 9, -1);
	touch("shared 1 + 10", shared + PAGE + 10, -1);
	touch("shared 1 + 10", shared + PAGE + 10, 'z');
	touch("shared 2", shared + 2 * PAGE, -1);
	touch("shared 3", shared + 3 * PAGE, -1);
	touch("shared 3", shared + 3 * PAGE, 'x');
	touch("own 1", own + PAGE, -1);
	touch("own 2", own + 2 * PAGE, -1);
	touch("own 2", own + 2 * PAGE, 'p');
	touch("own 3", own + 3 * PAGE, -1);
	touch("part", part, -1);
	ANSWER(write(fd, shared + 3 * PAGE, 1));
	ANSWER(read(fd, shared + 3 * PAGE, 1));
}

static void cut_again(void)
{
	ANSWER(ftruncate(fd, 4 * PAGE));
	touch("shared 1 + 10", shared + PAGE + 10, -1);
	touch("shared 3", shared + 3 * PAGE, -1);
	touch("own 2", own + 2 * PAGE, -1);
	touch("part", part, -1);
	touch("shared 3", shared + 3 * PAGE, 'y');
	touch("part", part, -1);
	ANSWER(pread(fd, buffer, 1, 3 * PAGE));
	say("%c", buffer[0]);
	/* What was read only, made writable after the cut. */
	ANSWER(ftruncate(fd, 0));
	ANSWER(mprotect(part, PAGE, PROT_READ | PROT_WRITE));
	touch("part", part, 'q');
	touch("shared 0", shared, -1);
	const int again = open("/tmp/cut", O_RDWR | O_TRUNC);
	ANSWER(pwrite(again, "n", 1, 2 * PAGE));
	touch("shared 0", shared, -1);
	touch("shared 2", shared + 2 * PAGE, -1);
	touch("shared 3", shared + 3 * PAGE, -1);
	ANSWER(unlink("/tmp/cut"));
	ANSWER(ftruncate(again, 0));
	touch("unlinked, shared 2", shared + 2 * PAGE, -1);
	/* A hole punched leaves what is a copy. */
	ANSWER(pwrite(again, "hole", 4, 0));
	touch("own 0", own, 'k');
	touch("shared 0", shared, -1);
	ANSWER(fallocate(again, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	touch("own 0", own, -1);
	touch("shared 0", shared, -1);
	close(fd);
	close(again);
}

/* --- times ------------------------------------------------------------------------------------ */

static struct stat before;

static void since(const char *what, const char *path)
{
	struct stat s;

	lstat(path, &s);
	say("%s:%s%s%s", what,
	    memcmp(&s.st_atim, &before.st_atim, sizeof(s.st_atim)) != 0 ? " read" : "",
	    memcmp(&s.st_mtim, &before.st_mtim, sizeof(s.st_mtim)) != 0 ? " written" : "",
	    memcmp(&s.st_ctim, &before.st_ctim, sizeof(s.st_ctim)) != 0 ? " changed" : "");
	before = s;
	nap(20);
}

static void times(void)
{
	const int still = open("/tmp/times", O_RDWR | O_CREAT | O_NOATIME, 0600);

	fd = open("/tmp/times", O_RDWR);
	nap(20);
	since("made", "/tmp/times");
	ANSWER(pwrite(fd, "12345", 5, 0));
	since("write", "/tmp/times");
	ANSWER(pread(fd, buffer, 5, 0));
	since("read", "/tmp/times");
	ANSWER(pread(fd, buffer, 5, 0));
	since("read again", "/tmp/times");
	ANSWER(pwrite(fd, "6", 1, 0));
	since("write again", "/tmp/times");
	ANSWER(pread(still, buffer, 5, 0));
	since("read with O_NOATIME", "/tmp/times");
	ANSWER(pread(fd, buffer, 5, 0));
	since("read", "/tmp/times");
	ANSWER(pread(fd, buffer, 5, 100));
	since("read behind the end", "/tmp/times");
	ANSWER(pread(fd, buffer, 0, 0));
	since("read nothing", "/tmp/times");
	ANSWER(pwrite(fd, "", 0, 0));
	since("write nothing", "/tmp/times");
	ANSWER(ftruncate(fd, 5));
	since("truncate to the same", "/tmp/times");
	ANSWER(ftruncate(fd, 3));
	since("truncate", "/tmp/times");
	ANSWER(truncate("/tmp/times", 3));
	since("truncate by path", "/tmp/times");
	close(open("/tmp/times", O_WRONLY | O_TRUNC));
	since("open O_TRUNC", "/tmp/times");
	close(open("/tmp/times", O_WRONLY | O_TRUNC));
	since("open O_TRUNC of nothing", "/tmp/times");
	ANSWER(fallocate(fd, 0, 0, 10));
	since("fallocate", "/tmp/times");
	close(still);
}

static void times_named(void)
{
	ANSWER(chmod("/tmp/times", 0644));
	since("chmod", "/tmp/times");
	ANSWER(chown("/tmp/times", -1, -1));
	since("chown to nobody", "/tmp/times");
	ANSWER(link("/tmp/times", "/tmp/times2"));
	since("link", "/tmp/times");
	ANSWER(unlink("/tmp/times2"));
	since("unlink", "/tmp/times");
	ANSWER(rename("/tmp/times", "/tmp/times2"));
	ANSWER(rename("/tmp/times2", "/tmp/times"));
	since("rename", "/tmp/times");
}

static void times_set(void)
{
	ANSWER(utimensat(AT_FDCWD, "/tmp/times", NULL, 0));
	since("utimensat", "/tmp/times");
	const struct timespec omit[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	ANSWER(utimensat(AT_FDCWD, "/tmp/times", omit, 0));
	since("utimensat of nothing", "/tmp/times");
	const struct timespec one[2] = { { 5, 6 }, { 0, UTIME_OMIT } };
	ANSWER(utimensat(AT_FDCWD, "/tmp/times", one, 0));
	since("utimensat of one", "/tmp/times");
	say("%ld.%09ld", (long)before.st_atim.tv_sec, before.st_atim.tv_nsec);
	const struct timespec wrong[2] = { { 5, 1000000000 }, { 0, 0 } };
	ANSWER(utimensat(AT_FDCWD, "/tmp/times", wrong, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/times", NULL, 0x1));
	ANSWER(utimensat(AT_FDCWD, NULL, NULL, 0));
	ANSWER(utimensat(99, NULL, NULL, 0));
	ANSWER(syscall(SYS_utimensat, fd, NULL, NULL, 0));
	since("utimensat of a descriptor", "/tmp/times");
	ANSWER(utimensat(fd, "", NULL, AT_EMPTY_PATH));
	ANSWER(utimensat(AT_FDCWD, "/tmp/none", omit, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/times", BAD, 0));
	const struct timespec early[2] = { { -5, 7 }, { 1L << 33, 0 } };
	ANSWER(utimensat(AT_FDCWD, "/tmp/times", early, 0));
	lstat("/tmp/times", &before);
	say("%ld %ld %ld", (long)before.st_atim.tv_sec, before.st_atim.tv_nsec,
	    (long)before.st_mtim.tv_sec);
	nap(20);
}

static void times_of_others(void)
{
	const struct timespec one[2] = { { 5, 6 }, { 0, UTIME_OMIT } };

	ANSWER(symlink("times", "/tmp/times-link"));
	nap(20);
	since("link made", "/tmp/times-link");
	ANSWER(readlink("/tmp/times-link", buffer, 10));
	since("readlink", "/tmp/times-link");
	ANSWER(access("/tmp/times-link", F_OK));
	since("followed", "/tmp/times-link");
	ANSWER(utimensat(AT_FDCWD, "/tmp/times-link", one, AT_SYMLINK_NOFOLLOW));
	since("utimensat of a link", "/tmp/times-link");
	ANSWER(mkdir("/tmp/times-in", 0755));
	nap(20);
	since("folder", "/tmp/times-in");
	const int folder = open("/tmp/times-in", O_RDONLY);
	ANSWER(syscall(SYS_getdents64, folder, buffer, PAGE));
	since("listed", "/tmp/times-in");
	close(openat(folder, "x", O_WRONLY | O_CREAT, 0600));
	since("a name more", "/tmp/times-in");
	ANSWER(access("/tmp/times-in/x", F_OK));
	since("looked up", "/tmp/times-in");
	ANSWER(unlinkat(folder, "x", 0));
	since("a name less", "/tmp/times-in");
	char *const map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	lstat("/tmp/times", &before);
	nap(20);
	(void)*(volatile char *)map;
	since("mapped and touched", "/tmp/times");
	close(fd);
	close(folder);
}

/* --- statx ------------------------------------------------------------------------------------ */

static void one_statx(const char *path, unsigned mask)
{
	struct statx x;

	memset(&x, 0, sizeof(x));
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, mask, &x) != 0) {
		answer(path, -1);
		return;
	}
	say("%s: mask %x, attributes %llx of %llx, mode %o, links %u, size %llu, born %d", path,
	    x.stx_mask, x.stx_attributes, x.stx_attributes_mask, x.stx_mode,
	    S_ISDIR(x.stx_mode) ? 0 : x.stx_nlink, S_ISDIR(x.stx_mode) ? 0 : x.stx_size,
	    (x.stx_btime.tv_sec | x.stx_btime.tv_nsec) != 0);
	say("mount %s, aligned %u %u", x.stx_mnt_id != 0 ? "known" : "unknown", x.stx_dio_mem_align,
	    x.stx_dio_offset_align);
}

static void extended(void)
{
	struct statx x;

	one_statx("/tmp/times", STATX_BASIC_STATS);
	one_statx("/tmp/times", STATX_ALL | STATX_MNT_ID);
	one_statx("/tmp/times", STATX_BTIME);
	one_statx("/tmp/times", 0);
	one_statx("/tmp/times-link", STATX_ALL);
	one_statx("/tmp", STATX_ALL);
	ANSWER(statx(AT_FDCWD, "/tmp/none", 0, 0, &x));
	ANSWER(statx(AT_FDCWD, "/tmp", 0, 0x80000000, &x));
	ANSWER(statx(AT_FDCWD, "/tmp", 0x6000, 0, &x));
	ANSWER(statx(AT_FDCWD, "/tmp", 0x1, 0, &x));
	ANSWER(statx(1, "", AT_EMPTY_PATH, 0, &x));
	ANSWER(statx(AT_FDCWD, "", 0, 0, &x));
	ANSWER(statx(AT_FDCWD, "/tmp", 0, 0, BAD));
	ANSWER(statx(AT_FDCWD, BAD, 0, 0, &x));
	/* When it was made stays, whatever happens. */
	struct statx then, now;
	statx(AT_FDCWD, "/tmp/times", 0, STATX_ALL, &then);
	nap(20);
	chmod("/tmp/times", 0600);
	statx(AT_FDCWD, "/tmp/times", 0, STATX_ALL, &now);
	ANSWER_TRUE(memcmp(&then.stx_btime, &now.stx_btime, sizeof(now.stx_btime)) == 0);
}

/* --- links and renames ------------------------------------------------------------------------ */

#define RENAME(from, to, flags) ANSWER(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags))

static void put(const char *path)
{
	close(open(path, O_WRONLY | O_CREAT, 0600));
}

static void links(void)
{
	ANSWER(mkdir("/tmp/n", 0755));
	ANSWER(mkdir("/tmp/n/d", 0755));
	put("/tmp/n/a");
	put("/tmp/n/b");
	RENAME("/tmp/n/a", "/tmp/n/b", 1);
	RENAME("/tmp/n/a", "/tmp/n/c", 1);
	RENAME("/tmp/n/c", "/tmp/n/a", 2);
	RENAME("/tmp/n/c", "/tmp/n/b", 2);
	RENAME("/tmp/n/c", "/tmp/n/d", 2);
	RENAME("/tmp/n/c", "/tmp/n/c/x", 2);
	RENAME("/tmp/n/c", "/tmp/n/d", 0);
	RENAME("/tmp/n/c", "/tmp/n", 2);
	RENAME("/tmp/n/c", "/tmp/n/d", 3);
	RENAME("/tmp/n/c", "/tmp/n/d", 8);
	RENAME("/tmp/n/c", "/tmp/n/.", 1);
	RENAME("/tmp/n/c", "/tmp/n/.", 2);
	RENAME("/tmp/n/none", "/tmp/n/b", 1);
	RENAME("/tmp/n/d", "/tmp/n/white", 4);
	struct stat s;
	ANSWER(lstat("/tmp/n/d", &s));
	say("mode %o, device %lx", s.st_mode, (long)s.st_rdev);
	RENAME("/tmp/n/white", "/tmp/n/d", 5);
	RENAME("/tmp/n/white", "/tmp/n/d", 6);
	ANSWER(linkat(AT_FDCWD, "/tmp/n/b", AT_FDCWD, "/tmp/n/l", 0));
	ANSWER(linkat(AT_FDCWD, "/tmp/n/b", AT_FDCWD, "/tmp/n/l", 0));
	ANSWER(linkat(AT_FDCWD, "/tmp/n/c", AT_FDCWD, "/tmp/n/e", 0));
	ANSWER(linkat(AT_FDCWD, "/tmp/n/b", AT_FDCWD, "/tmp/n/e", 1));
	ANSWER(symlink("b", "/tmp/n/s"));
	ANSWER(linkat(AT_FDCWD, "/tmp/n/s", AT_FDCWD, "/tmp/n/s2", 0));
	ANSWER(lstat("/tmp/n/s2", &s));
	say("mode %o, links %lu", s.st_mode, (unsigned long)s.st_nlink);
	ANSWER(linkat(AT_FDCWD, "/tmp/n/s", AT_FDCWD, "/tmp/n/s3", AT_SYMLINK_FOLLOW));
	ANSWER(lstat("/tmp/n/s3", &s));
	say("mode %o, links %lu", s.st_mode, (unsigned long)s.st_nlink);
	fd = open("/tmp/n/b", O_RDONLY);
	ANSWER(linkat(fd, "", AT_FDCWD, "/tmp/n/e", AT_EMPTY_PATH));
	ANSWER(linkat(fd, "", AT_FDCWD, "/tmp/n/e2", 0));
	unlink("/tmp/n/gone");
	const int gone = open("/tmp/n/gone", O_RDWR | O_CREAT, 0600);
	ANSWER(unlink("/tmp/n/gone"));
	ANSWER(linkat(gone, "", AT_FDCWD, "/tmp/n/e2", AT_EMPTY_PATH));
	close(fd);
	close(gone);
	/* Files that begin without a name. */
	const int nameless = open("/tmp/n", O_TMPFILE | O_RDWR, 0600);
	ANSWER_DONE(nameless);
	ANSWER(open("/tmp/n", O_TMPFILE | O_RDONLY, 0600));
	ANSWER(open("/tmp/n/b", O_TMPFILE | O_RDWR, 0600));
	close(nameless);
}

int main(void)
{
	mkdir("/tmp", 0777);
	holes();
	ahead();
	asked_for_too_much();
	struct sigaction a = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	sigaction(SIGBUS, &a, NULL);
	sigaction(SIGSEGV, &a, NULL);
	cut();
	cut_again();
	times();
	times_named();
	times_set();
	times_of_others();
	extended();
	links();
	return 0;
}
