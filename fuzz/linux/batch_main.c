/*
 * batch_main.c -- writes a batch for the player: scripts of subject space, each with the answers
 * that the model of address spaces expects.  Linux then says whether it agrees.
 *
 *	batch --out FILE [--seed S] [--first N] [--scripts N] [--ops M]    scripts drawn at random
 *	batch --out FILE SCRIPT...                                         files of any form
 *	batch --show N ...                                                 script N as text instead
 *
 * Scripts are numbered from --first (0); files from 0, in the order they are given.  What depends
 * on a world's memory is left out: nothing is squeezed or reclaimed, no call refused for want of
 * it.
 *
 * Exit status: 0 done; 2 usage; 3 a file is no script of subject space; 4 the batch cannot be
 * written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/answers.h"
#include "fuzz/frame/files.h"
#include "fuzz/frame/input.h"
#include "fuzz/frame/mutate.h"
#include "fuzz/frame/text.h"
#include "fuzz/space_model.h"

enum { ANSWERS_MAX = 1 << 20 };

static struct answer list[ANSWERS_MAX];
static struct space_model model;
static uint8_t body[SCRIPT_BODY_MAX];

struct options {
	const char *out;
	uint64_t seed, first, scripts, ops;
	int64_t show; /* -1: none */
};

/* The table, for the decoder alone. */
void space_step(struct run *run, const struct script_op *op)
{
	(void)run, (void)op;
}

static const struct subject table = {
	.name = "space",
	.ops = space_operations,
	.op_count = SPACE_CODES,
};

const struct subject *const subjects[] = { &table, NULL };

static NORETURN void usage(const char *why, const char *what)
{
	fprintf(stderr,
		"batch: %s%s\n"
		"usage: batch --out FILE|--show N [--seed S] [--first N] [--scripts N] [--ops M]\n"
		"       batch --out FILE|--show N SCRIPT...\n",
		why, what);
	exit(EXIT_USAGE);
}

static NORETURN void fail(enum exit_status status, const char *said)
{
	fprintf(stderr, "batch: %s\n", said);
	exit((int)status);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_text(void *context, const char *text, size_t bytes)
{
	fwrite(text, 1, bytes, context);
}

static void show(const struct script *script)
{
	const struct text_out text = { .put = put_text, .context = stdout };

	text_write(script, &table, NULL, TEXT_NUMBERED, &text);
}

static void put(FILE *out, const void *data, size_t bytes)
{
	if (fwrite(data, 1, bytes, out) != bytes) fail(EXIT_ENVIRONMENT, strerror(errno));
}

/* Script `number` to the batch, or as text where it is the one to show. */
static void take(const struct options *o, FILE *out, uint64_t number, const uint8_t *bytes,
		 size_t count)
{
	static const uint8_t padding[8];
	struct answers answers = { .list = list, .room = ANSWERS_MAX };
	struct script script;

	script_open(&script, bytes, count);
	if (out == NULL) {
		if (o->show == (int64_t)number) show(&script);
		return;
	}
	space_model_play(&model, &script, &table, &answers);
	const struct batch_head head = { .magic = BATCH_MAGIC,
					 .number = (uint32_t)number,
					 .body_bytes = (uint32_t)count,
					 .answers = answers.count };
	put(out, &head, sizeof(head));
	put(out, bytes, count);
	put(out, padding, (8 - count % 8) % 8);
	put(out, list, answers.count * sizeof(list[0]));
}

/* --- where scripts come from ------------------------------------------------------------------ */

static void take_generated(const struct options *o, FILE *out)
{
	for (uint64_t n = o->first; n < o->first + o->scripts; n++) {
		const size_t bytes = script_generate_nth(&table, o->seed, n, (uint32_t)o->ops, body,
							 SCRIPT_BODY_MAX);
		take(o, out, n, body, bytes);
	}
}

static void take_files(const struct options *o, FILE *out, char **paths, int count)
{
	for (int n = 0; n < count; n++) {
		char said[INPUT_SAID];
		struct input input;
		if (!input_read(paths[n], &table, &input, said)) fail(EXIT_BAD_FILE, said);
		take(o, out, (uint64_t)n, input.body, input.bytes);
		input_close(&input);
	}
}

/* --- arguments -------------------------------------------------------------------------------- */

static uint64_t number(const char *text, uint64_t most)
{
	char *end;
	const uint64_t n = strtoull(text, &end, 0);

	if (*text < '0' || *text > '9' || *end != '\0') usage("expected a number, not ", text);
	if (n > most) usage("out of range: ", text);
	return n;
}

static void take_flag(struct options *o, const char *flag, const char *value)
{
	if (value == NULL) usage("unknown or incomplete flag ", flag);
	if (strcmp(flag, "--out") == 0)
		o->out = value;
	else if (strcmp(flag, "--seed") == 0)
		o->seed = number(value, UINT64_MAX);
	else if (strcmp(flag, "--first") == 0)
		o->first = number(value, UINT32_MAX);
	else if (strcmp(flag, "--scripts") == 0)
		o->scripts = number(value, UINT32_MAX);
	else if (strcmp(flag, "--ops") == 0)
		o->ops = number(value, UINT16_MAX);
	else if (strcmp(flag, "--show") == 0)
		o->show = (int64_t)number(value, UINT32_MAX);
	else
		usage("unknown flag ", flag);
}

int main(int count, char **arguments)
{
	struct options o = { .seed = 1, .scripts = 1000, .ops = 256, .show = -1 };
	FILE *out = NULL;
	int files = 0;

	for (int i = 1; i < count; i++) {
		if (arguments[i][0] != '-')
			arguments[files++] = arguments[i];
		else
			take_flag(&o, arguments[i], arguments[i + 1]), i++;
	}
	if ((o.out == NULL) == (o.show < 0)) usage("one of --out and --show is needed", "");
	if (o.ops == 0) usage("out of range: ", "0");
	if (o.out != NULL && (out = fopen(o.out, "wb")) == NULL)
		fail(EXIT_ENVIRONMENT, strerror(errno));
	if (files != 0)
		take_files(&o, out, arguments, files);
	else
		take_generated(&o, out);
	if (out != NULL && fclose(out) != 0) fail(EXIT_ENVIRONMENT, strerror(errno));
	return EXIT_OK;
}
