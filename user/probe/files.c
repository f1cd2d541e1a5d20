/*
 * files.c -- what opening, reading, writing, seeking and duplicating files answer.
 *
 * Files to read are the program itself and /etc/run; what is written lies in /tmp.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "user/probe/probe.h"

static char buffer[8192];

static void opening(void)
{
	static char long_name[300], long_path[5000];

	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[0] = '/';
	memset(long_path, '/', sizeof(long_path) - 1);
	ANSWER(open("/none", O_RDONLY));
	ANSWER(open("/none/deeper", O_RDONLY));
	ANSWER(open("", O_RDONLY));
	ANSWER(open("/etc/run/deeper", O_RDONLY));
	ANSWER(open("/etc/run/", O_RDONLY));
	ANSWER(open("/etc", O_WRONLY));
	ANSWER(open("/etc/run", O_RDONLY | O_DIRECTORY));
	ANSWER(open(long_name, O_RDONLY));
	ANSWER(open(long_path, O_RDONLY));
	ANSWER(syscall(SYS_openat, AT_FDCWD, BAD, O_RDONLY, 0));
	ANSWER(openat(99, "none", O_RDONLY));
	ANSWER(openat(99, "/none", O_RDONLY));
	ANSWER(openat(1, "none", O_RDONLY));
	ANSWER(open("/tmp/file", O_RDWR | O_CREAT | O_EXCL, 0644));
	ANSWER(open("/tmp/file", O_RDWR | O_CREAT | O_EXCL, 0644));
	ANSWER(open("/tmp/none/file", O_RDWR | O_CREAT, 0644));
	ANSWER(open("/etc//../etc/./run", O_RDONLY));
	ANSWER(open("/../../etc/run", O_RDONLY));
	ANSWER(close(4) | close(5));
	ANSWER(close(4));
	ANSWER(close(-1));
	ANSWER(close(INT_MAX));
}

/* Descriptor 3 is /tmp/file, empty. */
static void writing(void)
{
	ANSWER(write(3, "0123456789", 10));
	ANSWER(write(3, "", 0));
	ANSWER(write(3, BAD, 0));
	ANSWER(write(3, BAD, 1));
	ANSWER(lseek(3, 0, SEEK_CUR));
	ANSWER(read(3, buffer, 10));
	ANSWER(lseek(3, 0, SEEK_SET));
	ANSWER(read(3, BAD, 4));
	ANSWER(lseek(3, 0, SEEK_CUR));
	ANSWER(read(3, buffer, 0));
	ANSWER(read(3, buffer, 4));
	ANSWER(read(3, buffer, 100));
	ANSWER(read(3, buffer, 100));
	ANSWER(read(99, buffer, 1));
	ANSWER(write(99, buffer, 1));
	ANSWER(pread(3, buffer, 4, 8));
	ANSWER(pread(3, buffer, 4, -1));
	ANSWER(pwrite(3, "xx", 2, 2));
	ANSWER(pread(3, buffer, 100, 0));
	say("%.10s", buffer);
	const int only_read = open("/etc/run", O_RDONLY);
	ANSWER(write(only_read, "x", 1));
	close(only_read);
	const int only_write = open("/tmp/file", O_WRONLY | O_APPEND);
	ANSWER(read(only_write, buffer, 1));
	ANSWER(write(only_write, "end", 3));
	ANSWER(lseek(only_write, 0, SEEK_CUR));
	close(only_write);
	const int folder = open("/etc", O_RDONLY);
	ANSWER(read(folder, buffer, 1));
	ANSWER(write(folder, buffer, 1));
	close(folder);
}

static void seeking(void)
{
	ANSWER(lseek(3, 0, SEEK_END));
	ANSWER(lseek(3, -3, SEEK_END));
	ANSWER(lseek(3, -100, SEEK_CUR));
	ANSWER(lseek(3, 0, SEEK_CUR));
	ANSWER(lseek(3, -1, SEEK_SET));
	ANSWER(lseek(3, 0, 9));
	ANSWER(lseek(99, 0, SEEK_SET));
	ANSWER(lseek(3, 5000, SEEK_SET));
	ANSWER(read(3, buffer, 1));
	ANSWER(write(3, "far", 3));
	ANSWER(lseek(3, 0, SEEK_END));
	ANSWER(pread(3, buffer, sizeof(buffer), 0));
	ANSWER_TRUE(buffer[100] == 0 && buffer[4999] == 0 && buffer[5000] == 'f');
	ANSWER(ftruncate(3, 4));
	ANSWER(ftruncate(3, 8));
	ANSWER(ftruncate(3, -1));
	ANSWER(pread(3, buffer, sizeof(buffer), 0));
	ANSWER_TRUE(memcmp(buffer, "01xx\0\0\0\0", 8) == 0);
	ANSWER(lseek(3, 0x7fffffffffffffff, SEEK_SET));
	ANSWER(lseek(3, 1, SEEK_CUR));
	ANSWER(lseek(3, 0, SEEK_SET));
}

static void vectors(void)
{
	struct iovec parts[3] = { { "abc", 3 }, { NULL, 0 }, { "defg", 4 } };

	ANSWER(writev(3, parts, 3));
	ANSWER(writev(3, parts, 0));
	ANSWER(writev(3, parts, -1));
	ANSWER(writev(3, parts, 1025));
	ANSWER(writev(3, BAD, 2));
	parts[1] = (struct iovec){ BAD, 5 };
	ANSWER(writev(3, parts, 3));
	parts[1] = (struct iovec){ buffer, (size_t)-1 };
	ANSWER(writev(3, parts, 3));
	ANSWER(lseek(3, 0, SEEK_END));
	ANSWER(lseek(3, 0, SEEK_SET));
	memset(buffer, 0, sizeof(buffer));
	struct iovec into[2] = { { buffer, 2 }, { buffer + 10, 100 } };
	ANSWER(readv(3, into, 2));
	ANSWER_TRUE(memcmp(buffer, "ab", 2) == 0 && memcmp(buffer + 10, "cdefg", 5) == 0);
}

/* A buffer that ends where nothing is mapped. */
static void edges(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(pages + 4096, 4096);
	memset(pages, 'e', 4096);
	ANSWER(ftruncate(3, 0));
	ANSWER(pwrite(3, pages + 4096 - 10, 10, 0));
	ANSWER(pwrite(3, pages + 4096 - 10, 11, 0));
	ANSWER(pwrite(3, pages + 4096, 1, 0));
	ANSWER(pwrite(3, "0123456789ab", 12, 0));
	ANSWER(pread(3, pages + 4096 - 10, 12, 0));
	mprotect(pages, 4096, PROT_READ);
	ANSWER(pread(3, pages, 12, 0));
	ANSWER(pwrite(3, pages, 12, 0));
	mprotect(pages, 4096, PROT_NONE);
	ANSWER(pwrite(3, pages, 12, 0));
	munmap(pages, 4096);
}

static void duplicating(void)
{
	ANSWER(dup(3));
	ANSWER(dup(99));
	ANSWER(dup2(3, 3));
	ANSWER(dup2(99, 99));
	ANSWER(dup2(3, 10));
	ANSWER(dup2(3, -1));
	ANSWER(dup2(3, 1 << 20));
	ANSWER(dup3(3, 3, 0));
	ANSWER(dup3(3, 11, O_CLOEXEC));
	ANSWER(dup3(3, 12, O_APPEND));
	ANSWER(fcntl(11, F_GETFD));
	ANSWER(fcntl(10, F_GETFD));
	ANSWER(fcntl(10, F_SETFD, FD_CLOEXEC));
	ANSWER(fcntl(10, F_GETFD));
	ANSWER(fcntl(3, F_DUPFD, 20));
	ANSWER(fcntl(3, F_DUPFD, 20));
	ANSWER(fcntl(3, F_DUPFD_CLOEXEC, 0));
	ANSWER(fcntl(3, F_DUPFD, -1));
	ANSWER(fcntl(99, F_GETFD));
	ANSWER(fcntl(3, 9999));
	say("F_GETFL of a file to read and write: %o", fcntl(3, F_GETFL));
	ANSWER(fcntl(3, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY));
	say("F_GETFL with O_APPEND, O_NONBLOCK: %o", fcntl(20, F_GETFL));
	ANSWER(fcntl(3, F_SETFL, 0));
	ANSWER(lseek(20, 7, SEEK_SET));
	ANSWER(lseek(3, 0, SEEK_CUR));
	for (int fd = 4; fd < 30; fd++) close(fd);
	ANSWER(fcntl(3, F_GETFD));
}

static void about(void)
{
	struct stat s;

	ANSWER(fstat(3, &s));
	say("mode %o, links %lu, size %ld, block %ld, owner %u %u", s.st_mode,
	    (unsigned long)s.st_nlink, (long)s.st_size, (long)s.st_blksize, s.st_uid, s.st_gid);
	ANSWER(stat("/etc", &s));
	say("mode %o", s.st_mode);
	ANSWER(stat("/dev/null", &s));
	say("mode %o of device %x", s.st_mode & S_IFMT, (unsigned)s.st_rdev);
	ANSWER(stat("/none", &s));
	ANSWER(fstat(99, &s));
	ANSWER(syscall(SYS_fstat, 3, BAD));
	ANSWER(fstatat(AT_FDCWD, "", &s, 0));
	ANSWER(fstatat(3, "", &s, AT_EMPTY_PATH));
	ANSWER(fstatat(3, "x", &s, 0));
	ANSWER(fstatat(AT_FDCWD, "/etc", &s, 0x40000));
	ANSWER(faccessat(AT_FDCWD, "/etc/run", R_OK, 0));
	ANSWER(faccessat(AT_FDCWD, "/none", F_OK, 0));
	ANSWER(faccessat(AT_FDCWD, "/etc", 8, 0));
}

static void devices(void)
{
	const int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);

	ANSWER(read(null, buffer, 10));
	ANSWER(write(null, buffer, 10));
	ANSWER(write(null, BAD, 10));
	memset(buffer, 1, sizeof(buffer));
	ANSWER(read(zero, buffer, 100));
	ANSWER_TRUE(buffer[0] == 0 && buffer[99] == 0 && buffer[100] == 1);
	ANSWER(read(zero, BAD, 100));
	ANSWER(write(zero, buffer, 100));
	ANSWER(lseek(null, 5, SEEK_SET));
	close(null);
	close(zero);
}

int main(void)
{
	umask(022);
	unlink("/tmp/file");
	opening();
	writing();
	seeking();
	vectors();
	edges();
	duplicating();
	about();
	devices();
	ANSWER(unlink("/tmp/file"));
	ANSWER(write(3, "still there", 11));
	return 0;
}
