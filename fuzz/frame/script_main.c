/*
 * script_main.c -- the tool that people use on scripts: text to stored file, back, and checks.
 *
 *	script assemble FILE [-o OUT]      text (or any form) to a stored file
 *	script disassemble FILE [-o OUT]   any form to text
 *	script assemble --first N FILE     the script without what follows its first N operations;
 *	                                   nothing is expected of that
 *	script canonical FILE [-o OUT]     any form to a stored file in canonical form
 *	script check FILE...               says of each what it is; refuses what is damaged
 *	script corpus --subject NAME -o FOLDER FILE...
 *	                                   assembles many: into FOLDER/crashing those that expect an
 *	                                   oracle to fire, into FOLDER/seeds the others
 *	script generate --subject NAME -o FOLDER [--seed S] [--count N] [--ops N]
 *	                                   makes N (100) stored files of at most so many operations
 *	                                   (256) at random, those that a hunt of that seed (1) runs
 *
 * --subject NAME goes with raw bodies, which do not say what they are for; --numbers writes each
 * operation's number beside it.  Without -o, the result goes to standard output.
 *
 * Assembling gives canonical bodies by itself; "canonical" is for files that engines made.
 *
 * Always true: OUT is written whole or not at all; a file that is refused leads to exit status 3
 * and one line that names it.
 *
 * Locks: none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/frame/files.h"
#include "fuzz/frame/flags.h"
#include "fuzz/frame/input.h"
#include "fuzz/frame/mutate.h"
#include "fuzz/frame/text.h"

enum { PATH_ROOM = 4096 };

/* A result that grows as it is written. */
struct buffer {
	char *at;
	size_t bytes, room;
};

struct job {
	const char *verb;
	const char *out;
	const struct subject *subject;
	enum text_style style;
	unsigned files;
	uint64_t seed, count;
	uint32_t first; /* operations of it that are wanted */
	uint32_t ops_most;
};

static NORETURN void usage(const char *why, const char *what)
{
	fprintf(stderr,
		"script: %s%s\n"
		"usage: script assemble|disassemble|canonical [--first N] FILE [-o OUT]\n"
		"       script check FILE...\n"
		"       script corpus --subject NAME -o FOLDER FILE...\n"
		"       script generate --subject NAME -o FOLDER [--seed S] [--count N] [--ops N]\n"
		"       [--subject NAME] for raw bodies, [--numbers] beside operations\n",
		why, what);
	exit(EXIT_USAGE);
}

static void buffer_put(void *context, const char *text, size_t bytes)
{
	struct buffer *b = context;
	if (b->room - b->bytes < bytes) {
		b->room = 2 * b->room + bytes;
		b->at = realloc(b->at, b->room);
		if (b->at == NULL) abort();
	}
	memcpy(b->at + b->bytes, text, bytes);
	b->bytes += bytes;
}

static void deliver(const struct job *job, const void *data, size_t bytes)
{
	const char *name = job->out == NULL ? "standard output" : job->out;
	const bool put = job->out == NULL
				 ? fwrite(data, 1, bytes, stdout) == bytes && fflush(stdout) == 0
				 : disk_write(job->out, data, bytes);
	if (put) return;
	fprintf(stderr, "script: %s: %s\n", name, strerror(errno));
	exit(EXIT_ENVIRONMENT);
}

static struct input read_input(const struct job *job, const char *path)
{
	struct input input;
	char said[INPUT_SAID];
	if (!input_read(path, job->subject, &input, said)) {
		fprintf(stderr, "script: %s\n", said);
		exit(EXIT_BAD_FILE);
	}
	if (input.subject == NULL)
		usage("neither a script nor a kept file; a raw body needs --subject: ", path);
	return input;
}

static void deliver_text(const struct job *job, const struct input *input)
{
	struct buffer text = { .at = NULL };
	const struct text_out out = { buffer_put, &text };
	struct script s;
	script_open(&s, input->body, input->bytes);
	text_write(&s, input->subject, input->expects, job->style, &out);
	deliver(job, text.at, text.bytes);
	free(text.at);
}

static size_t make_stored(const struct job *job, const struct input *input, uint8_t *file,
			  size_t room)
{
	static uint8_t body[SCRIPT_BODY_MAX];
	struct script s;
	script_open(&s, input->body, input->bytes);
	const bool whole = job->first >= s.ops;
	if (!whole) s.ops = job->first;
	const size_t bytes = script_canonical(&s, input->subject, body, sizeof(body));
	const size_t total = script_file_make(input->subject->name, body, bytes, file, room);
	ASSERT(bytes != 0 && total != 0);
	script_file_expect(file, total, whole ? input->expects : NULL);
	return total;
}

static void deliver_stored(const struct job *job, const struct input *input)
{
	static uint8_t file[SCRIPT_BODY_MAX + SCRIPT_ENVELOPE_BYTES];
	deliver(job, file, make_stored(job, input, file, sizeof(file)));
}

static void make_folder(const char *path)
{
	if (folder_make(path)) return;
	perror(path);
	exit(EXIT_ENVIRONMENT);
}

/* corpus/heap/seeds/x and corpus/heap/regression/x must not meet: folders become part of the
 * name. */
static void add_to_corpus(const struct job *job, const char *path, const struct input *input)
{
	char folder[PATH_ROOM], name[2 * PATH_ROOM];
	struct job one = *job;
	snprintf(folder, sizeof(folder), "%s/%s", job->out,
		 input->expects == NULL ? "seeds" : "crashing");
	int at = snprintf(name, sizeof(name), "%s/", folder);
	snprintf(name + at, sizeof(name) - (size_t)at, "%s", path);
	for (; name[at] != '\0'; at++)
		if (name[at] == '/') name[at] = '-';
	one.out = name;
	make_folder(folder);
	deliver_stored(&one, input);
}

static void report_check(const char *path, const struct input *input)
{
	static const char *const forms[] = { "stored", "text", "raw" };
	struct script s;
	script_open(&s, input->body, input->bytes);
	printf("%s: %s, subject %s, %u operations, %u pages, %u CPUs%s%s%s\n", path,
	       forms[input->form], input->subject->name, s.ops, s.world.pages, s.world.cpus,
	       input->expects == NULL ? "" : ", expects ",
	       input->expects == NULL ? "" : input->expects,
	       input->expects == NULL || oracle_is_seen_by(input->expects, EYES_IMAGE)
		       ? ""
		       : " host-only");
}

static void do_file(struct job *job, const char *path)
{
	struct input input = read_input(job, path);
	job->files++;
	if (strcmp(job->verb, "check") == 0) {
		report_check(path, &input);
	} else if (strcmp(job->verb, "corpus") == 0) {
		add_to_corpus(job, path, &input);
	} else {
		if (job->files > 1) usage("one file at a time: ", path);
		if (strcmp(job->verb, "disassemble") == 0)
			deliver_text(job, &input);
		else
			deliver_stored(job, &input);
	}
	input_close(&input);
}

static void check_verb(const char *verb)
{
	static const char *const verbs[] = { "assemble", "disassemble", "canonical",
					     "check",    "corpus",      "generate" };
	for (unsigned i = 0; i < COUNT_OF(verbs); i++)
		if (strcmp(verb, verbs[i]) == 0) return;
	usage("no such verb: ", verb);
}

/* Every corpus begins with the empty script: engines want a folder that is there, and the world
 * alone is worth a run. */
static void begin_corpus(const struct job *job)
{
	const struct input empty = { .subject = job->subject, .body = (uint8_t[1]){ 0 } };
	if (job->out == NULL || job->subject == NULL)
		usage("corpus needs -o FOLDER and --subject NAME", "");
	add_to_corpus(job, "empty", &empty);
}

static void generate(const struct job *job)
{
	static uint8_t body[SCRIPT_BODY_MAX];
	char name[PATH_ROOM];
	if (job->out == NULL || job->subject == NULL)
		usage("generate needs -o FOLDER and --subject NAME", "");
	make_folder(job->out);
	for (uint64_t n = 0; n < job->count; n++) {
		struct input input = { .subject = job->subject, .body = body };
		struct job one = *job;
		input.bytes = script_generate_nth(job->subject, job->seed, n, job->ops_most, body,
						  sizeof(body));
		snprintf(name, sizeof(name), "%s/%s-%llu-%llu", job->out, job->subject->name,
			 (unsigned long long)job->seed, (unsigned long long)n);
		one.out = name;
		deliver_stored(&one, &input);
	}
}

static uint64_t number_or_usage(const char *text)
{
	uint64_t value;
	if (!flag_number(text, &value)) usage("expected a number, not ", text);
	return value;
}

/* --seed, --count, --ops and --first; false when `flag` is none of them. */
static bool take_number(struct job *job, const char *flag, const char *value)
{
	if (strcmp(flag, "--seed") == 0)
		job->seed = number_or_usage(value);
	else if (strcmp(flag, "--count") == 0)
		job->count = number_or_usage(value);
	else if (strcmp(flag, "--first") == 0)
		job->first = (uint32_t)min_u64(number_or_usage(value), SCRIPT_OPS_MAX);
	else if (strcmp(flag, "--ops") == 0)
		job->ops_most = (uint32_t)min_u64(number_or_usage(value), SCRIPT_OPS_MAX);
	else
		return false;
	return true;
}

/* Takes the flags out of argv; what stays are the files. */
static int take_flags(struct job *job, int argc, char **argv)
{
	int files = 0;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
			job->out = argv[++i];
		} else if (strcmp(argv[i], "--subject") == 0 && i + 1 < argc) {
			job->subject = subject_find(argv[++i]);
			if (job->subject == NULL) usage("no subject is called ", argv[i]);
		} else if (strcmp(argv[i], "--numbers") == 0) {
			job->style = TEXT_NUMBERED;
		} else if (i + 1 < argc && take_number(job, argv[i], argv[i + 1])) {
			i++;
		} else if (argv[i][0] == '-') {
			usage("unknown or incomplete flag ", argv[i]);
		} else {
			argv[files++] = argv[i];
		}
	}
	return files;
}

int main(int argc, char **argv)
{
	struct job job = { .verb = argc > 1 ? argv[1] : "",
			   .seed = 1,
			   .count = 100,
			   .ops_most = 256,
			   .first = SCRIPT_OPS_MAX };
	if (argc < 2) usage("what is to be done?", "");
	check_verb(job.verb);
	files_start_where_the_user_is();
	const int files = take_flags(&job, argc - 2, argv + 2);
	if (strcmp(job.verb, "corpus") == 0)
		begin_corpus(&job);
	else if (strcmp(job.verb, "generate") == 0)
		generate(&job);
	else if (files == 0)
		usage("no file given", "");
	for (int i = 0; i < files; i++) do_file(&job, argv[2 + i]);
	return EXIT_OK;
}
