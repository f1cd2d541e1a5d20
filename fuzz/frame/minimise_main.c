/*
 * minimise_main.c -- the program that makes a finding as small as it still is one.
 *
 *	minimise [--subject S] [--timeout S] [--budget N] [-o OUT] FILE
 *
 *	--subject S   what a raw body is for
 *	--timeout S   seconds for one run (10)
 *	--budget N    runs at most (10000)
 *	-o OUT        where the stored script goes; default FILE.min
 *
 * The script as text goes to standard output, what was and what is to standard error.
 *
 * Exit status: 0 done; 1 no oracle fires, or not the one that FILE expects; 2 usage; 3 FILE was
 * refused; 4 environment.
 *
 * Locks: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/flags.h"
#include "fuzz/frame/input.h"
#include "fuzz/frame/minimise.h"
#include "fuzz/frame/replay.h"
#include "fuzz/frame/text.h"

enum { PATH_ROOM = 4096 };

static struct minimise work = { .seconds = 10, .budget = 10000 };
static uint8_t body[SCRIPT_BODY_MAX];

static NORETURN void usage(const char *why, const char *what)
{
	fprintf(stderr,
		"minimise: %s%s\n"
		"usage: minimise [--subject S] [--timeout SECONDS] [--budget N] [-o OUT] FILE\n",
		why, what);
	exit(EXIT_USAGE);
}

static void print(void *context, const char *text, size_t bytes)
{
	fwrite(text, 1, bytes, context);
}

static void tell(const char *when)
{
	fprintf(stderr, "%s: %u operations, %u decisions, %llu switches, %u CPUs, %u pages\n", when,
		work.best.ops - minimise_decisions(&work), minimise_decisions(&work),
		(unsigned long long)work.end.switches, work.best.world.cpus, work.best.world.pages);
}

static void deliver(const char *out)
{
	static uint8_t file[SCRIPT_BODY_MAX + SCRIPT_ENVELOPE_BYTES];
	const struct text_out to = { print, stdout };
	struct script s;
	const size_t bytes = minimise_body(&work, body, sizeof(body));
	const size_t total = script_file_make(work.subject->name, body, bytes, file, sizeof(file));
	script_file_expect(file, total, work.oracle);
	script_open(&s, body, bytes);
	text_write(&s, work.subject, work.oracle, TEXT_PLAIN, &to);
	fflush(stdout);
	if (!disk_write(out, file, total)) {
		perror(out);
		exit(EXIT_ENVIRONMENT);
	}
	fprintf(stderr, "minimise: %llu runs; replay: tools/bazel run //tools:replay -- %s\n",
		(unsigned long long)work.runs, out);
}

static void minimise_file(const char *path, const struct subject *subject, const char *out)
{
	struct input input;
	char said[INPUT_SAID], name[PATH_ROOM];
	if (!input_read(path, subject, &input, said)) {
		fprintf(stderr, "minimise: %s\n", said);
		exit(EXIT_BAD_FILE);
	}
	if (input.subject == NULL) usage("a raw body; --subject says what it is for: ", path);
	if (!minimise_open(&work, input.subject, input.body, input.bytes)) {
		fprintf(stderr, "minimise: %s: no oracle fires\n", path);
		exit(EXIT_FINDING);
	}
	if (input.expects != NULL && strcmp(input.expects, work.oracle) != 0) {
		fprintf(stderr, "minimise: %s: expected %s, but %s fires\n", path, input.expects,
			work.oracle);
		exit(EXIT_FINDING);
	}
	fprintf(stderr, "minimise: %s: %s\n", path, work.oracle);
	tell("before");
	minimise_run(&work);
	tell("after");
	snprintf(name, sizeof(name), "%s.min", path);
	deliver(out != NULL ? out : name);
	input_close(&input);
}

static uint64_t number_or_usage(const char *text)
{
	uint64_t value;
	if (!flag_number(text, &value)) usage("expected a number, not ", text);
	return value;
}

int main(int argc, char **argv)
{
	const struct subject *subject = NULL;
	const char *out = NULL, *path = NULL;
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
		else if (strcmp(argv[i - 1], "--timeout") == 0)
			work.seconds = (uint32_t)number_or_usage(value);
		else if (strcmp(argv[i - 1], "--budget") == 0)
			work.budget = number_or_usage(value);
		else if (strcmp(argv[i - 1], "--subject") == 0)
			subject = subject_find(value);
		else
			usage("unknown or incomplete flag ", argv[i - 1]);
	}
	if (path == NULL) usage("no file given", "");
	minimise_file(path, subject, out);
	return EXIT_OK;
}
