/*
 * trace_test.c -- what the reader of traces makes of good and bad text.
 *
 * Tables of small texts: for each the line that must be refused (0: none), and for the good ones
 * how many operations and IDs they hold and what their peak is.  The blocks must be zero again
 * after every text, whatever became of it, since the player is given the same ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/trace.h"

struct text_case {
	const char *text;
	uint32_t wrong_line; /* 0: all is well */
	uint32_t count, ids;
	uint64_t peak_bytes;
};

static const struct text_case cases[] = {
	{ "", 0, 0, 0, 0 },
	{ "1\n2\n3\n4\n", 0, 0, 0, 0 },
	{ "a 0 16\nf 0\n", 0, 2, 1, 16 },
	{ "a 0 16\nf 0", 0, 2, 1, 16 },
	{ "100\na 0 16\na 1 32\nr 0 8\nf 1\nr 0 50\nf 0\n", 0, 6, 2, 50 },
	{ "a 1 0\nr 1 7\nr 1 0\nf 1\n", 0, 4, 2, 7 },
	{ "a 0 16\nf 0\na 0 5\n\n", 0, 3, 1, 16 },
	{ "a 0 16\na 0 16\n", 2, 0, 0, 0 },
	{ "f 0\n", 1, 0, 0, 0 },
	{ "a 0 16\nf 0\nr 0 5\n", 3, 0, 0, 0 },
	{ "a 0\n", 1, 0, 0, 0 },
	{ "a 0 16 5\n", 1, 0, 0, 0 },
	{ "a 0 -1\n", 1, 0, 0, 0 },
	{ "a 0 99999999999\n", 1, 0, 0, 0 },
	{ "a 4294967296 1\n", 1, 0, 0, 0 },
	{ "a 3 1\n", 1, 0, 0, 0 }, /* an ID that so few lines cannot need */
	{ "x 0 1\n", 1, 0, 0, 0 },
	{ "a", 1, 0, 0, 0 },
};

static bool is_zero(const struct trace_block *blocks, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (blocks[i].p != NULL || blocks[i].bytes != 0 || blocks[i].live) return false;
	return true;
}

static bool right(const struct text_case *c)
{
	const size_t bytes = strlen(c->text);
	const uint32_t lines = trace_lines(c->text, bytes);
	char *text = malloc(bytes + (bytes == 0)); /* exactly: no byte after the end may be read */
	struct trace_op *ops = calloc(lines, sizeof(*ops));
	struct trace_block *blocks = calloc(lines, sizeof(*blocks));
	struct trace t;

	memcpy(text, c->text, bytes);
	const uint32_t wrong = trace_parse(&t, text, bytes, ops, blocks);
	bool ok = wrong == c->wrong_line && is_zero(blocks, lines);
	if (wrong == 0)
		ok = ok && t.count == c->count && t.ids == c->ids && t.peak_bytes == c->peak_bytes;
	free(text);
	free(ops);
	free(blocks);
	return ok;
}

int main(void)
{
	int failed = 0;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (right(&cases[i])) continue;
		printf("FAIL case %zu: \"%s\"\n", i, cases[i].text);
		failed = 1;
	}
	return failed;
}
