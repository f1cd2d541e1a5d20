/*
 * explain_main.c -- the program that shows what a run did: a lane for each CPU, from top to bottom.
 *
 *	explain [--subject S] [--last N] [-o OUT.svg] FILE
 *
 *	--subject S   what a raw body is for
 *	--last N      events shown (400): those before the end
 *	-o OUT        the drawing; default FILE.svg
 *
 * The same as text goes to standard output: a line for each event, numbered by the point at which
 * it was, in the column of its CPU.  Events are the operations, waiting for locks and dropping
 * them, spinning, interrupts, and each turn that went elsewhere, with an arrow when a decision of
 * the script or a strategy gave it.  Last comes what the oracle saw, in the lane it was in.
 *
 * Exit status: 0 drawn; 1 the oracle that FILE expects did not fire; 2 usage; 3 FILE was refused;
 * 4 environment.
 *
 * Locks: none.  Cost: one run, watched at every point.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/explain.h"
#include "fuzz/frame/flags.h"
#include "fuzz/frame/input.h"
#include "fuzz/frame/replay.h"

enum { PATH_ROOM = 4096, RUN_SECONDS = 60, LAST_MOST = 1 << 20 };

static NORETURN void usage(const char *why, const char *what)
{
	fprintf(stderr,
		"explain: %s%s\n"
		"usage: explain [--subject S] [--last N] [-o OUT.svg] FILE\n",
		why, what);
	exit(EXIT_USAGE);
}

static struct input input;

static void run_watched(void *arg)
{
	(void)arg;
	harness->announce = NULL;
	harness->quiet = true;
	quiet_begin();
	child_limit(RUN_SECONDS);
	explain_watch();
	harness_run(input.subject, input.body, input.bytes, false);
}

static void read_file(const char *path, const struct subject *subject)
{
	char said[INPUT_SAID];
	if (!input_read(path, subject, &input, said)) {
		fprintf(stderr, "explain: %s\n", said);
		exit(EXIT_BAD_FILE);
	}
	if (input.subject == NULL) usage("a raw body; --subject says what it is for: ", path);
	if (input.subject->together == NULL) usage("one operation runs at a time in ", path);
}

static void draw(const char *path, const char *out)
{
	char name[PATH_ROOM];
	snprintf(name, sizeof(name), "%s.svg", path);
	FILE *svg = fopen(out != NULL ? out : name, "w");
	if (svg == NULL) {
		perror(out != NULL ? out : name);
		exit(EXIT_ENVIRONMENT);
	}
	explain_draw(svg);
	if (fclose(svg) != 0) exit(EXIT_ENVIRONMENT);
	fprintf(stderr, "explain: drawn in %s\n", out != NULL ? out : name);
}

int main(int argc, char **argv)
{
	const struct subject *subject = NULL;
	const char *out = NULL, *path = NULL;
	uint64_t last = 400;
	harness_open();
	files_start_where_the_user_is();
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (argv[i][0] != '-') {
			if (path != NULL) usage("one file at a time: ", argv[i]);
			path = argv[i];
			continue;
		}
		i++;
		if (strcmp(argv[i - 1], "-o") == 0 && *value != '\0')
			out = value;
		else if (strcmp(argv[i - 1], "--last") == 0 && flag_number(value, &last) &&
			 last > 0 && last <= LAST_MOST)
			continue;
		else if (strcmp(argv[i - 1], "--subject") == 0)
			subject = subject_find(value);
		else
			usage("unknown or incomplete flag ", argv[i - 1]);
	}
	if (path == NULL) usage("no file given", "");
	read_file(path, subject);
	explain_open((uint32_t)last);
	child_run(run_watched, NULL);
	script_open(&harness->script, input.body, input.bytes);
	if (input.expects != NULL &&
	    (harness->oracle == NULL || strcmp(harness->oracle, input.expects) != 0)) {
		fprintf(stderr, "explain: %s: expected %s, but %s\n", path, input.expects,
			harness->oracle == NULL ? "nothing fires" : harness->oracle);
		return EXIT_FINDING;
	}
	explain_tell(stdout);
	draw(path, out);
	return EXIT_OK;
}
