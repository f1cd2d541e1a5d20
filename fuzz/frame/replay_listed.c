/*
 * replay_listed.c -- findings whose turns are drawn or counted, kept as decisions that say where.
 *
 * A finding of a subject whose operations run side by side is written anew, in place, with what its
 * turns were (record.h), and its text beside it where there is one.  It is run first: what does not
 * fire an oracle is left alone, and so is what fires another one, or none, when it is written so.
 *
 *	FILE listed oracle=ID points=N switches=N decisions=N
 *	FILE as it was: WHY
 *
 * Locks: none.  Cost: three child processes for each file.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/frame/input.h"
#include "fuzz/frame/record.h"
#include "fuzz/frame/replay.h"
#include "fuzz/frame/report.h"

enum { PATH_ROOM = 4096 };

static uint8_t listed[SCRIPT_BODY_MAX];

static unsigned decisions_in(const struct script *s, const struct subject *subject)
{
	unsigned count = 0;
	for (uint32_t n = 0; n < s->ops; n++)
		count += op_is_decision(subject, script_op_for(s, subject, n).code);
	return count;
}

/* NULL: it is listed now; else why not. */
static const char *list_one(const char *path, const struct input *input, const char **oracle)
{
	const char *why = NULL;
	if (input->subject->together == NULL) return "one operation runs at a time";
	const struct ending end = end_of(input->subject, input->body, input->bytes, 60);
	*oracle = end.oracle;
	if (end.oracle == NULL) return "no oracle fires";
	const size_t bytes = record_finding(input->subject, input->body, input->bytes, end.oracle,
					    listed, sizeof(listed), &why);
	if (bytes == 0) return why;
	harness->subject = input->subject;
	script_open(&harness->script, listed, bytes);
	if (!report_rewrite(path, end.oracle)) return "it cannot be written";
	return NULL;
}

bool listed_in_place(const char *path)
{
	struct input input;
	char said[INPUT_SAID];
	const char *oracle = NULL;
	if (!input_read(path, NULL, &input, said) || input.subject == NULL) {
		fprintf(stderr, "replay: %s\n", said);
		return false;
	}
	const char *why = list_one(path, &input, &oracle);
	if (why != NULL)
		printf("%s as it was: %s\n", path, why);
	else
		printf("%s listed oracle=%s points=%llu switches=%llu decisions=%u\n", path, oracle,
		       (unsigned long long)harness->run.points,
		       (unsigned long long)harness->run.switches,
		       decisions_in(&harness->script, input.subject));
	input_close(&input);
	return why == NULL;
}

int replay_listed(char **paths, int count)
{
	int status = EXIT_OK;
	for (int i = 0; i < count; i++)
		if (!listed_in_place(paths[i])) status = EXIT_FINDING;
	return status;
}
