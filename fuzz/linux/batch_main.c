/*
 * batch_main.c -- writes a batch: scripts of subject space, drawn at random, each
 * with the answers that the model of address spaces expects.  Linux then says whether it agrees.
 *
 *	batch OUT --seed S --scripts N --ops M [--show SCRIPT]
 *
 * What depends on a world's memory is left out: nothing is squeezed or reclaimed, no call refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/answers.h"
#include "fuzz/input.h"
#include "fuzz/mutate.h"
#include "fuzz/space_model.h"
#include "fuzz/text.h"

enum { ANSWERS_MAX = 1 << 20 };

static struct answer list[ANSWERS_MAX];
static struct space_model model;
static uint8_t body[SCRIPT_BODY_MAX + 8];

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

static void put_text(void *context, const char *text, size_t bytes)
{
	(void)context;
	fwrite(text, 1, bytes, stdout);
}

static uint64_t number(const char *text)
{
	char *end;
	const uint64_t n = strtoull(text, &end, 0);
	if (*text == '\0' || *end != '\0') {
		fprintf(stderr, "batch: `%s` is not a number\n", text);
		exit(2);
	}
	return n;
}

int main(int count, char **arguments)
{
	uint64_t seed = 1, scripts = 1000, ops = 64;
	int64_t show = -1;
	if (count < 2) {
		fprintf(stderr,
			"usage: batch OUT [--seed S] [--scripts N] [--ops M] [--show SCRIPT]\n");
		return 2;
	}
	for (int i = 2; i + 1 < count; i += 2) {
		if (strcmp(arguments[i], "--seed") == 0) seed = number(arguments[i + 1]);
		if (strcmp(arguments[i], "--scripts") == 0) scripts = number(arguments[i + 1]);
		if (strcmp(arguments[i], "--ops") == 0) ops = number(arguments[i + 1]);
		if (strcmp(arguments[i], "--show") == 0) show = (int64_t)number(arguments[i + 1]);
	}
	FILE *out = fopen(arguments[1], "wb");
	if (out == NULL) return 4;
	for (uint64_t n = 0; n < scripts; n++) {
		struct answers answers = { .list = list, .room = ANSWERS_MAX };
		const size_t bytes =
			script_generate_nth(&table, seed, n, (uint32_t)ops, body, SCRIPT_BODY_MAX);
		struct script script;
		script_open(&script, body, bytes);
		if (show == (int64_t)n) {
			const struct text_out text = { .put = put_text };
			text_write(&script, &table, NULL, TEXT_NUMBERED, &text);
		}
		space_model_play(&model, &script, &table, &answers);
		const struct batch_head head = { .magic = BATCH_MAGIC,
						 .number = (uint32_t)n,
						 .body_bytes = (uint32_t)bytes,
						 .answers = answers.count };
		memset(body + bytes, 0, 8);
		fwrite(&head, sizeof(head), 1, out);
		fwrite(body, (bytes + 7) / 8 * 8, 1, out);
		fwrite(list, sizeof(list[0]), answers.count, out);
	}
	return fclose(out) == 0 ? 0 : 4;
}
