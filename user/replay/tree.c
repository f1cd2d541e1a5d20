/*
 * tree.c -- looks at what the kernel has made of archives (fuzz/cpio_subject.h), which it was
 * handed as its initrd: pack.c has put each into a folder of its own, s/N.
 *
 *	tree FILE
 *
 * A score says which names there are, and what each has: kind and rights, how many names it has,
 * size, contents or where it leads, and the time, which is that of the archive.  Where there is no
 * file /apart, what is only due on ours was not packed, and is passed over.
 *
 * Prints, for the first line of a score that is otherwise,
 *
 *	differs NAME: line 12: there a/b 0x81a4 1 0 0x...: here errno 2
 *
 * and at the end "replay: N scores, L lines, D differ".  Exit: 0 none differs; 1 some do; 2 usage;
 * 3 the file is no score; 4 it cannot be read.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "user/replay/tree.h"
#include "user/replay/words.h"

enum { EXIT_NO_SCORE = 3, EXIT_NO_ROOM, LINE_SAID = 160, PATH_ROOM = 1024 };

static struct {
	struct word name; /* of the score */
	struct words line;
	unsigned number, lines, scores, differ;
	bool differs; /* this one */
} now;

__attribute__((format(printf, 1, 2))) static void differs(const char *format, ...)
{
	const int length = (int)(now.line.end - now.line.at);
	va_list args;

	if (now.differs) return;
	printf("differs %.*s: line %u: %.*s: here ", (int)now.name.length, now.name.at, now.number,
	       length < LINE_SAID ? length : LINE_SAID, now.line.at);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	now.differs = true;
	now.differ++;
}

/* --- one of the names ------------------------------------------------------------------------- */

/* FNV-1a (Fowler, Noll, Vo), 64 bits. */
static bool sum_of(const char *path, uint64_t *sum)
{
	unsigned char piece[4096];
	ssize_t bytes;
	const int fd = open(path, O_RDONLY);

	*sum = 0xcbf29ce484222325ull;
	if (fd < 0) return false;
	while ((bytes = read(fd, piece, sizeof piece)) > 0)
		for (ssize_t i = 0; i < bytes; i++) *sum = (*sum ^ piece[i]) * 0x100000001b3ull;
	close(fd);
	return bytes == 0;
}

static void look_contents(const char *path, struct word due)
{
	uint64_t sum, is;

	if (!sum_of(path, &is))
		differs("errno %d", errno);
	else if (!word_number(due, &sum) || is != sum)
		differs("sum %#llx", (unsigned long long)is);
}

/* A text that begins with a slash leads into the archive's folder. */
static void look_link(const char *path, unsigned archive, struct word due)
{
	char text[PATH_ROOM], is[PATH_ROOM];
	size_t length = 0;

	if (due.length >= 2 && memcmp(due.at, "2f", 2) == 0)
		length = (size_t)snprintf(text, sizeof text, "/" TREE_FOLDER, archive);
	length += word_bytes(due, text + length, sizeof text - length);
	const ssize_t bytes = readlink(path, is, sizeof is);
	if (bytes < 0)
		differs("errno %d", errno);
	else if ((size_t)bytes != length || memcmp(is, text, length) != 0)
		differs("it leads to %.*s", (int)bytes, is);
}

static void look(unsigned archive, bool ours, struct word name, const uint64_t *due,
		 struct word sum)
{
	char path[PATH_ROOM];
	struct stat is;

	snprintf(path, sizeof path, "/" TREE_FOLDER "/%.*s", archive, (int)name.length, name.at);
	if (lstat(path, &is) != 0) {
		differs("errno %d", errno);
		return;
	}
	const bool device = S_ISCHR(is.st_mode) || S_ISBLK(is.st_mode);
	if (is.st_mode != due[0]) differs("mode %#x", is.st_mode);
	if (due[1] != 0 && is.st_nlink != due[1]) differs("%u names", (unsigned)is.st_nlink);
	if (is.st_uid != 0 || is.st_gid != 0) differs("the owner is %u %u", is.st_uid, is.st_gid);
	/* Of a folder that is made on the way no archive says a time. */
	if (is.st_mtime != TREE_TIME && !(ours && S_ISDIR(is.st_mode)))
		differs("time %lld", (long long)is.st_mtime);
	if (device && is.st_rdev != makedev(TREE_MAJOR, TREE_MINOR))
		differs("device %#llx", (unsigned long long)is.st_rdev);
	if (S_ISLNK(is.st_mode))
		look_link(path, archive, sum);
	else if (!S_ISDIR(is.st_mode) && (uint64_t)is.st_size != due[2])
		differs("%lld bytes", (long long)is.st_size);
	else if (S_ISREG(is.st_mode))
		look_contents(path, sum);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* How many names there are in the folder at `path`, and below. */
static unsigned names_below(char *path)
{
	const size_t length = strlen(path);
	unsigned names = 0;
	DIR *folder = opendir(path);

	for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
		struct stat is;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
		names++;
		snprintf(path + length, PATH_ROOM - length, "/%s", e->d_name);
		if (lstat(path, &is) == 0 && S_ISDIR(is.st_mode)) names += names_below(path);
		path[length] = '\0';
	}
	if (folder != NULL) closedir(folder);
	return names;
}

static void look_all(unsigned archive, unsigned names)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof path, "/" TREE_FOLDER, archive);
	const unsigned is = names_below(path);
	if (is != names) differs("%u names, not %u", is, names);
}

static bool there_read(struct words w, struct word *name, uint64_t *due, struct word *sum)
{
	return word_next(&w, name) && number_next(&w, &due[0]) && number_next(&w, &due[1]) &&
	       number_next(&w, &due[2]) && word_next(&w, sum);
}

/* --- the file --------------------------------------------------------------------------------- */

static bool looks(const char *text)
{
	const bool all = access("/apart", F_OK) == 0;
	unsigned archive = 0, names = 0;
	bool packed = false, ours = false;
	struct words w;

	for (; line_next(&text, &w); now.lines++) {
		struct word name, sum;
		uint64_t due[3];
		now.line = w;
		now.number++;
		if (words_take(&w, "score")) {
			if (!word_next(&w, &now.name)) return false;
			now.scores++;
			now.differs = false;
		} else if (words_take(&w, "unpack")) {
			if (!number_next(&w, due)) return false;
			ours = !words_take(&w, "all");
			packed = all || !ours;
			names = 0;
		} else if (words_take(&w, "there")) {
			if (!there_read(w, &name, due, &sum)) return false;
			names += !word_is(name, ".");
			if (packed) look(archive, ours, name, due, sum);
		} else if (words_take(&w, "unpacked")) {
			if (packed) look_all(archive, names);
			archive++;
		}
	}
	return now.scores != 0;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: tree FILE\n", stderr);
		return 2;
	}
	const char *text = text_of_file(argv[1]);
	if (text == NULL) {
		perror(argv[1]);
		return EXIT_NO_ROOM;
	}
	if (!looks(text)) {
		printf("replay: line %u is none of a score: %.*s\n", now.number,
		       (int)(now.line.end - now.line.at), now.line.at);
		return EXIT_NO_SCORE;
	}
	printf("replay: %u scores, %u lines, %u differ\n", now.scores, now.lines, now.differ);
	return now.differ != 0;
}
