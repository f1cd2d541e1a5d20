/*
 * record_test.c -- the kernel's address spaces answer what real Linux answered, without Linux.
 *
 *	record_test SCRIPT... -- RECORD...
 *
 * Each script of the corpus runs on the kernel's own spaces, and what they answer is compared with
 * the record of the same name (corpus/linux), up to where players may differ.  Then each record is
 * falsified: every single answer, one too few, one too many; each must be noticed.
 *
 * A script may come into the corpus before Linux was asked: that is said, and is no failure.  A
 * record without a script is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/files.h"
#include "fuzz/frame/harness.h"
#include "fuzz/frame/input.h"
#include "fuzz/space_fuzz.h"
#include "machine/host/expect.h"

enum { ANSWERS_MAX = 1 << 16, RECORD_BYTES = 1 << 20 };

extern const struct subject space_subject;
const struct subject *const subjects[] = { &space_subject, NULL };

/* What Linux answered. */
struct record {
	struct answer list[ANSWERS_MAX];
	uint32_t count;
};

static struct record record;
static struct answer list[ANSWERS_MAX];
static char text[RECORD_BYTES + 1];

/* A line of a record: an operation's number, and its answers. */
static void read_line(struct record *r, char *line)
{
	char *rest = NULL;
	const char *word = strtok_r(line, " ", &rest);
	if (word == NULL || *word == '#') return;
	const uint32_t op = (uint32_t)strtoul(word, NULL, 10);

	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		const uint64_t value =
			*word == '-' ? (uint64_t)strtoll(word, NULL, 10) : strtoull(word, NULL, 0);
		EXPECT(r->count < ANSWERS_MAX);
		r->list[r->count++] = (struct answer){ .op = op, .value = value };
	}
}

static void read_record(struct record *r, const char *path)
{
	char *rest = text;
	size_t bytes;

	r->count = 0;
	EXPECT(disk_read(path, (uint8_t *)text, RECORD_BYTES, &bytes));
	text[bytes] = '\0';
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) read_line(r, line);
}

/* The first answer in which they differ; -1: none. */
static int32_t differs_at(const struct answers *answers, const struct record *r)
{
	for (uint32_t n = 0; n < answers->count; n++) {
		const struct answer *a = &answers->list[n];
		if (a->kind == ANSWER_END) return -1;
		if (n == r->count || a->op != r->list[n].op) return (int32_t)n;
		if (a->kind == ANSWER_VALUE && a->value != r->list[n].value) return (int32_t)n;
	}
	return r->count == answers->count ? -1 : (int32_t)answers->count;
}

/* Whether the answers go on to the script's end. */
static bool is_whole(const struct answers *answers)
{
	return answers->count == 0 || answers->list[answers->count - 1].kind != ANSWER_END;
}

/* A record that is wrong in one answer, or in their number, is noticed just there. */
static void check_falsified(const struct answers *answers, struct record *r)
{
	for (uint32_t n = 0; n < answers->count; n++) {
		if (answers->list[n].kind != ANSWER_VALUE) continue;
		r->list[n].value ^= 1;
		EXPECT(differs_at(answers, r) == (int32_t)n);
		r->list[n].value ^= 1;
		r->list[n].op++;
		EXPECT(differs_at(answers, r) == (int32_t)n);
		r->list[n].op--;
	}
	if (!is_whole(answers)) return;
	r->count--;
	EXPECT(differs_at(answers, r) == (int32_t)r->count);
	r->count += 2;
	EXPECT(differs_at(answers, r) == (int32_t)answers->count);
}

static void check_script(const char *path, const char *record_path)
{
	struct answers answers = { .list = list, .room = ANSWERS_MAX };
	char said[INPUT_SAID];
	struct input input;

	if (!input_read(path, &space_subject, &input, said)) {
		fprintf(stderr, "record_test: %s\n", said);
		exit(EXIT_BAD_FILE);
	}
	harness->run.answers = &answers;
	EXPECT(harness_run(&space_subject, input.body, input.bytes, false));
	input_close(&input);
	read_record(&record, record_path);
	const int32_t at = differs_at(&answers, &record);
	if (at >= 0)
		fprintf(stderr, "record_test: %s: operation %u: answer %d is not Linux's (%s)\n",
			path, answers.list[at].op, at, record_path);
	EXPECT(at < 0);
	EXPECT(answers.count > 1);
	printf("%s: %u of Linux's %u answers\n", path, answers.count - !is_whole(&answers),
	       record.count);
	check_falsified(&answers, &record);
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

int main(int count, char **arguments)
{
	int scripts = 1, compared = 0;

	while (scripts < count && strcmp(arguments[scripts], "--") != 0) scripts++;
	EXPECT(scripts < count && scripts > 1);
	harness_open();
	for (int n = 1; n < scripts; n++) {
		int r = scripts + 1;
		while (r < count && strcmp(base(arguments[n]), base(arguments[r])) != 0) r++;
		if (r == count) {
			printf("%s: no record; run //fuzz/linux:record\n", arguments[n]);
			continue;
		}
		check_script(arguments[n], arguments[r]);
		compared++;
	}
	EXPECT(compared == count - scripts - 1); /* no record is of nothing */
	return 0;
}
