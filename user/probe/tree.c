/*
 * tree.c -- folders, names and links: making, listing, renaming, removing, where one is.
 *
 * All that changes lies in /tmp.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/probe/probe.h"

static char buffer[4096];

static void make(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, "made\n", 5) != 5) say("cannot make %s", path);
	close(fd);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void list(const char *path)
{
	struct dirent **found;
	const int n = scandir(path, &found, NULL, by_name);

	if (n < 0) answer(path, n);
	for (int i = 0; i < n; i++) {
		say("  %s (%d)", found[i]->d_name, found[i]->d_type);
		free(found[i]);
	}
	if (n >= 0) free(found);
}

static void folders(void)
{
	ANSWER(mkdir("/tmp/a", 0755));
	ANSWER(mkdir("/tmp/a", 0755));
	ANSWER(mkdir("/tmp/a/b/", 0700));
	ANSWER(mkdir("/tmp/none/b", 0755));
	ANSWER(mkdir("", 0755));
	ANSWER(mkdir("/", 0755));
	make("/tmp/a/file");
	ANSWER(mkdir("/tmp/a/file", 0755));
	ANSWER(mkdir("/tmp/a/file/c", 0755));
	list("/tmp/a");
	struct stat s;
	ANSWER(stat("/tmp/a", &s));
	say("mode %o, links %lu", s.st_mode, (unsigned long)s.st_nlink);
	ANSWER(stat("/tmp/a/b", &s));
	say("mode %o, links %lu", s.st_mode, (unsigned long)s.st_nlink);
	ANSWER(rmdir("/tmp/a"));
	ANSWER(rmdir("/tmp/a/file"));
	ANSWER(rmdir("/tmp/a/b/."));
	ANSWER(rmdir("/tmp/none"));
	ANSWER(unlink("/tmp/a/b"));
	ANSWER(unlink("/tmp/none"));
	ANSWER(unlink("/tmp/a/file/"));
	ANSWER(unlinkat(AT_FDCWD, "/tmp/a/b", 0x1));
	ANSWER(rmdir("/tmp/a/b"));
	list("/tmp/a");
}

static void listing(void)
{
	char name[40];
	int folder, names = 0, calls = 0;

	ANSWER(mkdir("/tmp/many", 0755));
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/tmp/many/name-%d", i);
		make(name);
	}
	folder = open("/tmp/many", O_RDONLY | O_DIRECTORY);
	ANSWER(syscall(SYS_getdents64, folder, buffer, 10));
	ANSWER(syscall(SYS_getdents64, folder, BAD, 4096));
	ANSWER(syscall(SYS_getdents64, 1, buffer, 4096));
	ANSWER(syscall(SYS_getdents64, 99, buffer, 4096));
	for (long n; (n = syscall(SYS_getdents64, folder, buffer, 500)) > 0; calls++) {
		for (long at = 0; at < n;) {
			const struct dirent64 *d = (void *)(buffer + at);
			names += d->d_ino != 0 && d->d_reclen % 8 == 0;
			at += d->d_reclen;
		}
	}
	say("names %d, more than one call: %d", names, calls > 1);
	ANSWER(syscall(SYS_getdents64, folder, buffer, 500));
	ANSWER(lseek(folder, 0, SEEK_SET));
	ANSWER_TRUE(syscall(SYS_getdents64, folder, buffer, 500) > 0);
	/* Removing while listing: what is left is listed once. */
	DIR *d = opendir("/tmp/many");
	names = 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.') continue;
		names += unlinkat(dirfd(d), e->d_name, 0) == 0;
	}
	closedir(d);
	say("removed %d", names);
	ANSWER(rmdir("/tmp/many"));
	ANSWER(syscall(SYS_getdents64, folder, buffer, 500));
	ANSWER(openat(folder, "file", O_WRONLY | O_CREAT, 0600));
	close(folder);
}

static void places(void)
{
	char *const path = buffer;

	ANSWER(chdir("/tmp/a"));
	say("%s", getcwd(path, 4096));
	ANSWER(syscall(SYS_getcwd, path, 6));
	ANSWER(syscall(SYS_getcwd, path, 7));
	ANSWER(syscall(SYS_getcwd, BAD, 100));
	ANSWER(chdir("file"));
	ANSWER(chdir("none"));
	ANSWER(chdir(".."));
	say("%s", getcwd(path, 4096));
	ANSWER(chdir("../.."));
	say("%s", getcwd(path, 4096));
	const int folder = open("/tmp/a", O_RDONLY);
	ANSWER(fchdir(folder));
	say("%s", getcwd(path, 4096));
	ANSWER(faccessat(folder, "file", F_OK, 0));
	ANSWER(fchdir(99));
	ANSWER(fchdir(0));
	close(folder);
	ANSWER(mkdir("/tmp/gone", 0755));
	ANSWER(chdir("/tmp/gone"));
	ANSWER(rmdir("/tmp/gone"));
	ANSWER(syscall(SYS_getcwd, path, 100));
	ANSWER(open("x", O_WRONLY | O_CREAT, 0600));
	ANSWER(access(".", F_OK));
	ANSWER(chdir("/"));
}

static void renaming(void)
{
	make("/tmp/a/one");
	ANSWER(rename("/tmp/a/one", "/tmp/a/two"));
	ANSWER(rename("/tmp/a/one", "/tmp/a/two"));
	ANSWER(rename("/tmp/a/two", "/tmp/a/two"));
	ANSWER(rename("/tmp/a/two", "/tmp/a/file"));
	ANSWER(rename("/tmp/a/file", "/tmp/none/x"));
	ANSWER(mkdir("/tmp/a/in", 0755));
	ANSWER(rename("/tmp/a", "/tmp/a/in/a"));
	ANSWER(rename("/tmp/a/file", "/tmp/a/in"));
	ANSWER(rename("/tmp/a/in", "/tmp/a/file"));
	ANSWER(rename("/tmp/a/in", "/tmp/out"));
	list("/tmp/a");
	ANSWER(rmdir("/tmp/out"));
}

static void links(void)
{
	struct stat s;

	memset(buffer, 0, sizeof(buffer));
	ANSWER(symlink("file", "/tmp/a/link"));
	ANSWER(symlink("file", "/tmp/a/link"));
	ANSWER(symlink("", "/tmp/a/empty"));
	ANSWER(readlink("/tmp/a/link", buffer, 100));
	say("%s", buffer);
	ANSWER(readlink("/tmp/a/link", buffer, 2));
	ANSWER(readlink("/tmp/a/link", buffer, 0));
	ANSWER(readlink("/tmp/a/file", buffer, 100));
	ANSWER(readlink("/tmp/a/none", buffer, 100));
	ANSWER(lstat("/tmp/a/link", &s));
	say("mode %o, size %ld", s.st_mode, (long)s.st_size);
	ANSWER(stat("/tmp/a/link", &s));
	say("mode %o, size %ld", s.st_mode, (long)s.st_size);
	ANSWER(open("/tmp/a/link", O_RDONLY | O_NOFOLLOW));
	ANSWER(symlink("loop2", "/tmp/a/loop1") | symlink("loop1", "/tmp/a/loop2"));
	ANSWER(open("/tmp/a/loop1", O_RDONLY));
	ANSWER(symlink("/tmp/a", "/tmp/a/up"));
	ANSWER(access("/tmp/a/up/up/up/file", F_OK));
	ANSWER(symlink("nowhere", "/tmp/a/broken"));
	ANSWER(open("/tmp/a/broken", O_RDONLY));
	ANSWER(open("/tmp/a/broken", O_WRONLY | O_CREAT | O_EXCL, 0600));
	ANSWER(link("/tmp/a/file", "/tmp/a/second"));
	ANSWER(stat("/tmp/a/second", &s));
	say("links %lu", (unsigned long)s.st_nlink);
	ANSWER(link("/tmp/a", "/tmp/a/folder"));
	list("/tmp/a");
}

static void removing(void)
{
	static const char *const all[] = { "link",   "loop1",  "loop2", "up",
					   "broken", "second", "file" };
	char path[50];

	for (unsigned i = 0; i < PROBE_COUNT(all); i++) {
		snprintf(path, sizeof(path), "/tmp/a/%s", all[i]);
		answer(path, unlink(path));
	}
	ANSWER(rmdir("/tmp/a"));
	ANSWER(access("/tmp/a", F_OK));
}

int main(void)
{
	umask(022);
	list("/etc");
	folders();
	listing();
	places();
	renaming();
	links();
	removing();
	return 0;
}
