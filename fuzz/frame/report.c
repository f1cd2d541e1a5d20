/*
 * report.c -- what a person is told of a finding, and the files that keep it.
 *
 * Files first, words after: what the terminal announces is on the disk by then, under its last
 * name.  Where the disk is full, one line says so and the text on the terminal, which is exact,
 * is the finding: pasted into a file it replays.
 *
 * Everything here may run on the small stack of a virtual CPU inside a sanitizer's report, so
 * buffers are static, and text goes out in pieces as it is made.
 *
 * Always true: the signature stands at the start of a line.
 *
 * Locks: none.  Cost: two syncs per finding.
 */
#include "fuzz/frame/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/frame/files.h"
#include "fuzz/frame/harness.h"
#include "fuzz/frame/plan.h"
#include "fuzz/frame/text.h"
#include "machine/machine.h"

void __sanitizer_print_stack_trace(void) __attribute__((weak));

enum { FILE_ROOM = SCRIPT_BODY_MAX + SCRIPT_ENVELOPE_BYTES };
enum { LINE_ROOM = 256, TEXT_ROOM = 4 << 20, NAME_ROOM = 128 };

void report_begins(void)
{
	char line[LINE_ROOM];
	harness_signature(line, sizeof(line));
	fflush(stdout);
	dprintf(STDERR_FILENO, "\n%s\n  seen: %s\n  at operation %u of %u, digest so far %016llx\n",
		line, harness->seen, harness->run.op, harness->script.ops,
		(unsigned long long)harness->run.digest);
	if (!harness->fatal && __sanitizer_print_stack_trace != NULL)
		__sanitizer_print_stack_trace();
}

struct pieces {
	char at[4096];
	size_t bytes;
};

static void pieces_flush(struct pieces *p)
{
	mach_console(p->at, p->bytes);
	p->bytes = 0;
}

static void pieces_put(void *context, const char *text, size_t bytes)
{
	struct pieces *p = context;
	if (p->bytes + bytes > sizeof(p->at)) pieces_flush(p);
	memcpy(p->at + p->bytes, text, bytes);
	p->bytes += bytes;
}

/* What matters of the script: operations after the one that failed never ran. */
static struct script script_that_failed(void)
{
	struct script s = harness->script;
	const struct run *run = &harness->run;
	if (run->phase != RUN_OPERATES || run->op >= s.ops) return s;
	if (harness->subject->together == NULL)
		s.ops = run->op + 1;
	else if (s.world.strategy == PLAN_LISTED) /* lots are drawn among CPUs that are not done */
		s.ops = plan_end(&s, harness->subject, run->reached);
	return s;
}

void report_ends(const char *path)
{
	static struct pieces pieces;
	const struct text_out out = { pieces_put, &pieces };
	const struct script s = script_that_failed();
	text_put(&out, "\n");
	text_write(&s, harness->subject, harness->oracle, TEXT_NUMBERED, &out);
	pieces_flush(&pieces);
	if (path[0] != '\0')
		dprintf(STDERR_FILENO, "\nreplay: tools/bazel run //tools:replay -- %s\n", path);
	else
		dprintf(STDERR_FILENO, "\nreplay: put the lines from `subject` on into FILE, then "
				       "tools/bazel run //tools:replay -- FILE\n");
}

/* --- files ------------------------------------------------------------------------------------ */

struct text_file {
	char *at;
	size_t bytes;
};

static void file_put(void *context, const char *text, size_t bytes)
{
	struct text_file *f = context;
	if (TEXT_ROOM - f->bytes < bytes) return;
	memcpy(f->at + f->bytes, text, bytes);
	f->bytes += bytes;
}

static bool save_text(const struct script *s, const char *oracle, const char *path)
{
	static char text[TEXT_ROOM];
	char name[4096 + 8];
	struct text_file file = { text, 0 };
	const struct text_out out = { file_put, &file };
	text_write(s, harness->subject, oracle, TEXT_PLAIN, &out);
	snprintf(name, sizeof(name), "%s.txt", path);
	return disk_write(name, text, file.bytes);
}

/* FNV-1a: tells two findings of one kind apart, no more. */
static uint64_t body_hash(const uint8_t *at, size_t bytes)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	for (size_t i = 0; i < bytes; i++) hash = (hash ^ at[i]) * 0x100000001b3ull;
	return hash;
}

/* The canonical body in its envelope, into `file`; its length, and a hash of the body. */
static size_t make_stored(const struct script *s, const char *oracle, uint8_t *file, uint64_t *hash)
{
	static uint8_t body[SCRIPT_BODY_MAX];
	const size_t bytes = script_canonical(s, harness->subject, body, sizeof(body));
	const size_t total = script_file_make(harness->subject->name, body, bytes, file, FILE_ROOM);
	script_file_expect(file, total, oracle);
	*hash = body_hash(body, bytes);
	return total;
}

static bool save_stored(const struct script *s, const char *folder, char *path, size_t room)
{
	static uint8_t file[FILE_ROOM];
	uint64_t hash;
	const size_t total = make_stored(s, harness->oracle, file, &hash);
	snprintf(path, room, "%s/%s-%s-%016llx", folder, harness->subject->name, harness->oracle,
		 (unsigned long long)hash);
	return disk_write(path, file, total);
}

bool report_rewrite(const char *path, const char *oracle)
{
	static uint8_t file[FILE_ROOM];
	char text[4096 + 8];
	uint64_t hash;
	const size_t total = make_stored(&harness->script, oracle, file, &hash);
	snprintf(text, sizeof(text), "%s.txt", path);
	return disk_write(path, file, total) &&
	       (access(text, F_OK) != 0 || save_text(&harness->script, oracle, path));
}

bool report_save(const char *folder, char *path, size_t room)
{
	const struct script s = script_that_failed();
	errno = 0;
	if (folder_make(folder) && save_stored(&s, folder, path, room) &&
	    save_text(&s, harness->oracle, path))
		return true;
	dprintf(STDERR_FILENO, "\nfinding not saved: %s: %s; its text below is all there is\n",
		folder, strerror(errno));
	path[0] = '\0';
	return false;
}
