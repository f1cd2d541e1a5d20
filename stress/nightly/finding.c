/*
 * finding.c -- the folder of findings.
 *
 * A new folder is made under a name that begins with a dot, each of its files is written and
 * synced, and then it is renamed: a kill at any moment leaves the whole finding, or a dotted folder
 * that finding_tidy() removes, while what it was made from is still there (run.c) and is looked at
 * again.  What was found before gets a line more, by one write at a file's end.
 *
 * Always true: a folder whose name has no dot in front is whole.
 *
 * Locks: none.  Cost: a sync a file.
 */
#include "stress/nightly/finding.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/frame/files.h"
#include "stress/nightly/table.h"
#include "stress/nightly/words.h"

enum { SCRIPT_MOST = 1 << 20, OPEN_MOST = 16 };

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *where)
{
	(void)s, (void)kind, (void)where;
	return remove(path);
}

void folder_remove(const char *path)
{
	(void)nftw(path, remove_one, OPEN_MOST, FTW_DEPTH | FTW_PHYS);
}

static bool put_text(const char *folder, const char *name, const char *text)
{
	char *path = words_made("%s/%s", folder, name);
	const bool done = disk_write(path, text, strlen(text));
	free(path);
	return done;
}

static bool copy_file(const char *from, const char *folder, const char *name)
{
	static uint8_t bytes[SCRIPT_MOST];
	size_t count;
	char *path = words_made("%s/%s", folder, name);
	const bool done =
		disk_read(from, bytes, sizeof(bytes), &count) && disk_write(path, bytes, count);
	free(path);
	return done;
}

static char *seen_line(const struct finding *f)
{
	return words_made("at=%s item=%s seed=%llu outcome=%s\n", f->at, f->item,
			  (unsigned long long)f->seed, f->outcome);
}

static char *again_of(const struct finding *f, const char *folder, const char *name)
{
	char *script = words_made("%s/%s/%s", folder, f->signature, name);
	const struct blank blanks[] = { { "script", script }, { NULL, NULL } };
	char *filled = table_fill(f->again, blanks);
	char *line = words_made("%s\n", filled);
	free(filled);
	free(script);
	return line;
}

/* The text twin stands beside what our programs keep; engines write none. */
static bool put_script(const char *folder, const struct finding *f)
{
	if (f->script == NULL) return true;
	char *twin = words_made("%s.txt", f->script);
	const bool done = copy_file(f->script, folder, "script") &&
			  (access(twin, R_OK) != 0 || copy_file(twin, folder, "script.txt"));
	free(twin);
	return done;
}

static bool put_all(const char *to, const char *folder, const struct finding *f)
{
	char *seen = seen_line(f), *again = again_of(f, folder, "script");
	const bool done = put_script(to, f) && put_text(to, "log", f->log) &&
			  put_text(to, "report", f->report) &&
			  put_text(to, "environment", f->environment) &&
			  put_text(to, "replay", again) && put_text(to, "seen", seen);
	free(seen);
	free(again);
	return done;
}

static void sync_folder(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return;
	(void)fsync(fd);
	close(fd);
}

/* Whether the same run is in the list already: a kill came between that and the ledger. */
static bool is_listed(const char *seen, const struct finding *f)
{
	char *run = words_made(" item=%s seed=%llu ", f->item, (unsigned long long)f->seed);
	char *text = words_of_file(seen, SIZE_MAX >> 1);
	const bool listed = text != NULL && strstr(text, run) != NULL;
	free(text);
	free(run);
	return listed;
}

static enum finding_kept see_again(const char *at, const struct finding *f)
{
	char *seen = words_made("%s/seen", at), *line = seen_line(f);
	enum finding_kept kept = FINDING_KNOWN;
	if (!is_listed(seen, f)) {
		const int fd = open(seen, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
		const bool done = fd >= 0 &&
				  write(fd, line, strlen(line)) == (ssize_t)strlen(line) &&
				  fsync(fd) == 0;
		if (fd >= 0) close(fd);
		kept = done ? FINDING_SEEN_BEFORE : FINDING_LOST;
	}
	free(seen);
	free(line);
	return kept;
}

static enum finding_kept make_new(const char *folder, const char *at, const struct finding *f)
{
	char *part = words_made("%s/.%s.part", folder, f->signature);
	folder_remove(part);
	const bool done = folder_make(part) && put_all(part, folder, f) && rename(part, at) == 0;
	const int why = errno;
	if (done)
		sync_folder(folder);
	else
		folder_remove(part);
	free(part);
	errno = why;
	return done ? FINDING_NEW : FINDING_LOST;
}

enum finding_kept finding_keep(const char *folder, const struct finding *f)
{
	char *at = words_made("%s/%s", folder, f->signature);
	enum finding_kept kept = FINDING_LOST;
	if (folder_make(folder))
		kept = access(at, F_OK) == 0 ? see_again(at, f) : make_new(folder, at, f);
	free(at);
	return kept;
}

bool finding_keep_small(const char *folder, const char *signature, const char *script,
			const char *text, const char *again)
{
	const struct finding f = { .signature = signature, .again = again };
	char *at = words_made("%s/%s", folder, signature), *line = again_of(&f, folder, "small");
	/* `small` comes last: where it is, the rest is. */
	const bool done = copy_file(text, at, "small.txt") && put_text(at, "replay", line) &&
			  copy_file(script, at, "small");
	free(line);
	free(at);
	return done;
}

bool finding_has(const char *folder, const char *signature, const char *name)
{
	char *path = words_made("%s/%s/%s", folder, signature, name);
	const bool there = access(path, F_OK) == 0;
	free(path);
	return there;
}

void finding_each(const char *folder, void (*visit)(const char *signature, void *context),
		  void *context)
{
	struct dirent **names;
	const int count = scandir(folder, &names, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.') visit(names[i]->d_name, context);
		free(names[i]);
	}
	if (count >= 0) free(names);
}

void finding_tidy(const char *folder)
{
	struct dirent **names;
	const int count = scandir(folder, &names, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		if (name[0] == '.' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			char *path = words_made("%s/%s", folder, name);
			folder_remove(path);
			free(path);
		}
		free(names[i]);
	}
	if (count >= 0) free(names);
}
