/*
 * files.c -- whole files in and out, for the programs of the suite.
 *
 * A finding that was announced must be on the disk, so writing goes: temporary name in the same
 * folder, write, fsync, rename, fsync of the folder.  Whoever looks sees the old state or the
 * whole file; a full disk shows as an error from write or fsync, before anything is announced.
 *
 * Folders are visited in the order of names, byte by byte, since readdir's order differs from
 * disk to disk and a replay's output should not.
 *
 * Always true: disk_write() leaves no temporary file behind when it fails.
 *
 * Locks: none.  Cost: a sync per file written.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/frame/files.h"

enum { PATH_ROOM = 4096 };

void files_start_where_the_user_is(void)
{
	const char *where = getenv("BUILD_WORKING_DIRECTORY");
	if (where != NULL && chdir(where) != 0) perror(where);
}

bool disk_read(const char *path, uint8_t *out, size_t room, size_t *bytes)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return false;
	size_t have = 0;
	ssize_t got = 1;
	while (got > 0 && have < room) {
		got = read(fd, out + have, room - have);
		if (got > 0) have += (size_t)got;
	}
	uint8_t more;
	const bool whole = got == 0 || (got > 0 && read(fd, &more, 1) == 0);
	const int why = got < 0 ? errno : EFBIG;
	close(fd);
	errno = why;
	*bytes = have;
	return whole;
}

static bool write_all(int fd, const uint8_t *at, size_t bytes)
{
	while (bytes != 0) {
		const ssize_t put = write(fd, at, bytes);
		if (put < 0 && errno == EINTR) continue;
		if (put <= 0) return false;
		at += put;
		bytes -= (size_t)put;
	}
	return true;
}

/* So that the new name is on the disk too.  A file system that cannot is not held against us. */
static void sync_folder_of(const char *path)
{
	char folder[PATH_ROOM];
	const char *slash = strrchr(path, '/');
	if (slash == NULL)
		snprintf(folder, sizeof(folder), ".");
	else
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);
	const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return;
	(void)fsync(fd);
	close(fd);
}

/* Devices and pipes are written where they are: there is nothing to rename. */
static bool write_in_place(const char *path, const void *data, size_t bytes)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) return false;
	const bool put = write_all(fd, data, bytes);
	const int why = errno;
	close(fd);
	errno = why;
	return put;
}

bool disk_write(const char *path, const void *data, size_t bytes)
{
	char temporary[PATH_ROOM];
	struct stat there;
	if (stat(path, &there) == 0 && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode))
		return write_in_place(path, data, bytes);
	const int length =
		snprintf(temporary, sizeof(temporary), "%s.%ld.part", path, (long)getpid());
	if (length < 0 || (size_t)length >= sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return false;
	}
	const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) return false;
	bool done = write_all(fd, data, bytes) && fsync(fd) == 0;
	int why = errno;
	if (close(fd) != 0 && done) done = false, why = errno;
	if (done && rename(temporary, path) != 0) done = false, why = errno;
	if (done)
		sync_folder_of(path);
	else
		unlink(temporary);
	errno = why;
	return done;
}

bool folder_make(const char *path)
{
	char part[PATH_ROOM];
	const size_t length = strlen(path);
	if (length >= sizeof(part)) return false;
	memcpy(part, path, length + 1);
	for (char *at = part + 1; *at != '\0'; at++) {
		if (*at != '/') continue;
		*at = '\0';
		mkdir(part, 0777);
		*at = '/';
	}
	mkdir(part, 0777);
	struct stat s;
	return stat(part, &s) == 0 && S_ISDIR(s.st_mode);
}

static int not_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool visit_folder(const char *path, void (*visit)(const char *, void *), void *context)
{
	struct dirent **names;
	char below[PATH_ROOM];
	const int count = scandir(path, &names, not_dots, by_name);
	bool all = count >= 0;
	if (!all) perror(path);
	for (int i = 0; i < count; i++) {
		snprintf(below, sizeof(below), "%s/%s", path, names[i]->d_name);
		all &= files_visit(below, visit, context);
		free(names[i]);
	}
	if (count >= 0) free(names);
	return all;
}

bool files_visit(const char *path, void (*visit)(const char *path, void *context), void *context)
{
	struct stat s;
	if (stat(path, &s) != 0) {
		perror(path);
		return false;
	}
	if (S_ISDIR(s.st_mode)) return visit_folder(path, visit, context);
	visit(path, context);
	return true;
}
