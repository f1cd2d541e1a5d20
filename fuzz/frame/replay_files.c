/*
 * replay_files.c -- scripts from files, run again and judged.
 *
 * One line for each on standard output:
 *
 *	FILE digest=HEX ops=N oracle=none|ID op=K
 *
 * A file passes when the oracle that fired is the one that its !expect line names, or none where
 * there is no such line.  An oracle that needs a sanitizer may stay silent in a program without.
 * What is expected makes no noise; what is not is reported in full on standard error.
 *
 * With --repeat every run of a file must end as its first did: same digest, oracle and operation.
 * With --digests lines hold what all machines must agree on and nothing else, for cmp(1); where
 * only a sanitizer ends a run, that is just the file's name.
 *
 * Always true: every file that was named gets a line or a refusal; none at all is an error.
 *
 * Locks: none.  Cost: a child for all files, and another one for each that kills it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/frame/input.h"
#include "fuzz/frame/replay.h"
#include "fuzz/frame/report.h"

struct outcome {
	uint64_t digest;
	const char *oracle;
	uint32_t op;
	enum run_phase phase;
	uint64_t points; /* of turns, to the last one */
};

/* Shared with the child. */
struct progress {
	uint64_t turn; /* file number times repeat, plus repetition */
	uint64_t failed, refused, hung;
	bool told;            /* of this turn's fault, its signature has been said */
	uint64_t sometimes;   /* states reached, by bit */
	uint64_t points;      /* passed by CPUs that take turns, in all runs */
	struct outcome first; /* of the file that is being repeated */
};

static const struct replay_options *options;
static struct progress *progress;
static char **files;
static size_t file_count;
static pid_t reader; /* who has the script of this turn in its memory */

static void collect(const char *path, void *context)
{
	const char *name = strrchr(path, '/');
	(void)context;
	if (strncmp(name == NULL ? path : name + 1, "README", 6) == 0) return;
	files = realloc(files, (file_count + 1) * sizeof(*files));
	if (files == NULL || (files[file_count++] = strdup(path)) == NULL) abort();
}

static const char *current_path(void)
{
	return files[progress->turn / options->repeat];
}

/* Only a sanitizer fires it: a program without ends such a script otherwise. */
static bool is_sanitizers(const char *expects)
{
	return expects != NULL && !oracle_is_seen_by(expects, EYES_HOSTED);
}

static void print_line(const char *path, const struct input *input)
{
	const char *oracle = harness->oracle == NULL ? "none" : harness->oracle;
	if (options->digests && is_sanitizers(input->expects)) {
		printf("%s host-only\n", path);
		return;
	}
	if (harness->oracle == NULL && input->expects != NULL &&
	    !oracle_is_seen_by(input->expects, harness_eyes())) {
		printf("%s unseen\n", path); /* by this program; another has the eyes for it */
		return;
	}
	printf("%s digest=%016llx ops=%u oracle=%s op=%s\n", path,
	       (unsigned long long)harness->run.digest, harness->script.ops, oracle,
	       harness->oracle == NULL ? "-" : replay_where());
}

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
	return a->digest == b->digest && a->oracle == b->oracle && a->op == b->op &&
	       a->phase == b->phase && a->points == b->points;
}

/* What may not differ between repetitions of a file. */
static bool repeats_alike(void)
{
	const struct outcome now = { harness->run.digest, harness->oracle, harness->run.op,
				     harness->run.phase, harness->run.points };
	if (progress->turn % options->repeat == 0) progress->first = now;
	return same_outcome(&now, &progress->first);
}

static bool as_expected(const struct input *input)
{
	if (input->expects == NULL) return harness->oracle == NULL;
	if (harness->oracle == NULL) return !oracle_is_seen_by(input->expects, harness_eyes());
	return strcmp(input->expects, harness->oracle) == 0;
}

/* After a run, in whichever process is left: the line, the verdict, the rest of a report. */
static void judge(const char *path, const struct input *input)
{
	const bool alike = repeats_alike();
	if (progress->turn % options->repeat == 0) print_line(path, input);
	fflush(stdout);
	if (!alike) {
		progress->failed++;
		fprintf(stderr, "%s: repetition %llu ended otherwise than the first\n", path,
			(unsigned long long)(progress->turn % options->repeat));
	}
	if (as_expected(input)) return;
	progress->failed++;
	if (input->expects != NULL) {
		fprintf(stderr, "%s: expected %s, but %s fired\n", path, input->expects,
			harness->oracle == NULL ? "nothing" : harness->oracle);
		harness->fatal = true; /* no stack: the run is over */
		if (harness->oracle != NULL) report_begins();
	}
	if (harness->oracle != NULL) report_ends(path);
}

/* Where a child died without a word, its parent comes here too, and has not read the script. */
static void announce(void)
{
	if (getpid() == reader) report_begins();
	progress->told = getpid() == reader;
}

static bool open_file(const char *path, struct input *input)
{
	char said[INPUT_SAID];
	const struct subject *filter = options->subject;
	if (!input_read(path, filter, input, said)) {
		fprintf(stderr, "replay: %s\n", said);
		progress->refused++;
		return false;
	}
	if (input->subject != NULL) return true;
	fprintf(stderr, "replay: %s: a raw body; --subject NAME says what it is for\n", path);
	input_close(input);
	progress->refused++;
	return false;
}

static void run_turn(const char *path, const struct input *input)
{
	const bool loud = input->expects == NULL;
	const bool twice =
		input->expects != NULL && strcmp(input->expects, ORACLE_NONDETERMINISM) == 0;
	harness->quiet = !loud;
	harness->announce = loud ? announce : NULL;
	progress->told = false;
	reader = getpid();
	if (!loud) quiet_begin();
	child_limit(options->timeout_seconds);
	harness_run(input->subject, input->body, input->bytes, twice);
	child_limit(0);
	if (!loud) quiet_end();
	progress->sometimes |= harness->run.sometimes;
	progress->points += harness->run.points;
	judge(path, input);
}

/* In the child: all that is left to do.  A file is read once for all its repetitions. */
static void run_turns(void *arg)
{
	const uint64_t turns = file_count * (uint64_t)options->repeat;
	struct input input = { .body = NULL };
	const char *opened = NULL;
	(void)arg;
	for (; progress->turn < turns; progress->turn++) {
		const char *path = current_path();
		if (path != opened) {
			input_close(&input);
			opened = open_file(path, &input) ? path : NULL;
		}
		if (opened != NULL) run_turn(path, &input);
	}
	input_close(&input);
}

/* The child died of this file; what it found is in *harness, what it read is not here. */
static void bury_turn(void)
{
	const char *path = current_path();
	struct input input;
	if (harness->oracle == NULL) {
		fprintf(stderr, "%s: no end after %u seconds (--timeout)\n", path,
			options->timeout_seconds);
		printf("%s hang\n", path);
		progress->hung++;
		return;
	}
	if (!open_file(path, &input)) return;
	script_open(&harness->script, input.body, input.bytes);
	if (!progress->told && input.expects == NULL) report_begins();
	judge(path, &input);
	input_close(&input);
}

int replay_files(const struct replay_options *chosen, char **paths, int count)
{
	bool readable = true;
	options = chosen;
	progress = child_shared(sizeof(*progress));
	for (int i = 0; i < count; i++) readable &= files_visit(paths[i], collect, NULL);
	while (!child_run(run_turns, NULL)) {
		bury_turn();
		progress->turn++;
	}
	fprintf(stderr, "replay: %zu files, %llu failed, %llu refused, %llu hung\n", file_count,
		(unsigned long long)progress->failed, (unsigned long long)progress->refused,
		(unsigned long long)progress->hung);
	if (progress->points != 0)
		fprintf(stderr, "replay: %llu points\n", (unsigned long long)progress->points);
	const bool all =
		!options->sometimes || tell_sometimes(options->subject, progress->sometimes);
	if (progress->failed != 0 || !all) return EXIT_FINDING;
	if (progress->hung != 0) return EXIT_HANG;
	return progress->refused != 0 || !readable || file_count == 0 ? EXIT_BAD_FILE : EXIT_OK;
}
