/*
 * script_main.c -- the tool that people use on scripts: text to stored file, back, and checks.
 *
 *	script assemble FILE [-o OUT]      text (or any form) to a stored file
 *	script disassemble FILE [-o OUT]   any form to text
 *	script canonical FILE [-o OUT]     any form to a stored file in canonical form
 *	script check FILE...               says of each what it is; refuses what is damaged
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

#include "fuzz/files.h"
#include "fuzz/input.h"
#include "fuzz/text.h"

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
};

static NORETURN void usage(const char *why, const char *what)
{
	fprintf(stderr, "script: %s%s\n"
			"usage: script assemble|disassemble|canonical FILE [-o OUT]\n"
			"       script check FILE...\n"
			"       [--subject NAME] for raw bodies, [--numbers] beside operations\n",
		why, what);
	exit(EXIT_USAGE);
}

void kpanic(const char *id, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "panic: %s ", id);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

void kpanic_claim(const char *file, int line, const char *claim)
{
	kpanic("assert", "%s:%d: %s", file, line, claim);
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
	const bool put = job->out == NULL ?
				 fwrite(data, 1, bytes, stdout) == bytes && fflush(stdout) == 0 :
				 file_write(job->out, data, bytes);
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
	if (input.subject == NULL) usage("a raw body needs --subject: ", path);
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

static void deliver_stored(const struct job *job, const struct input *input)
{
	static uint8_t body[SCRIPT_BODY_MAX], file[SCRIPT_BODY_MAX + SCRIPT_ENVELOPE_BYTES];
	struct script s;
	script_open(&s, input->body, input->bytes);
	const size_t bytes = script_canonical(&s, input->subject, body, sizeof(body));
	const size_t total =
		script_file_make(input->subject->name, body, bytes, file, sizeof(file));
	ASSERT(bytes != 0 && total != 0);
	script_file_expect(file, total, input->expects);
	deliver(job, file, total);
}

static void report_check(const char *path, const struct input *input)
{
	static const char *const forms[] = { "stored", "text", "raw" };
	struct script s;
	script_open(&s, input->body, input->bytes);
	printf("%s: %s, subject %s, %u operations, %u pages, %u CPUs%s%s\n", path,
	       forms[input->form], input->subject->name, s.ops, s.world.pages, s.world.cpus,
	       input->expects == NULL ? "" : ", expects ",
	       input->expects == NULL ? "" : input->expects);
}

static void do_file(struct job *job, const char *path)
{
	struct input input = read_input(job, path);
	job->files++;
	if (strcmp(job->verb, "check") == 0) {
		report_check(path, &input);
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
	static const char *const verbs[] = { "assemble", "disassemble", "canonical", "check" };
	for (unsigned i = 0; i < COUNT_OF(verbs); i++)
		if (strcmp(verb, verbs[i]) == 0) return;
	usage("no such verb: ", verb);
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
	struct job job = { .verb = argc > 1 ? argv[1] : "" };
	if (argc < 2) usage("what is to be done?", "");
	check_verb(job.verb);
	files_start_where_the_user_is();
	const int files = take_flags(&job, argc - 2, argv + 2);
	if (files == 0) usage("no file given", "");
	for (int i = 0; i < files; i++) do_file(&job, argv[2 + i]);
	return EXIT_OK;
}
