/*
 * replay_score.c -- scripts run once more for what their tasks do, as scores (score.h).
 *
 * Standard output has, for each file,
 *
 *	score FILE
 *	... its lines
 *	end
 *
 * and in front of `end`, where an oracle fired, "# panic: ID SUBJECT.OPERATION": the score is what
 * was done up to there.  A file whose subject makes no calls that a program could make is named on
 * standard error and left out; all such together are an error.
 *
 * Locks: none.  Cost: a child process for each file.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz/frame/input.h"
#include "fuzz/frame/record.h"
#include "fuzz/frame/replay.h"
#include "fuzz/frame/score.h"

enum { SCORE_ROOM = 16 << 20 };

static void print(const char *path, const struct score *score, const struct ending *end)
{
	printf("score %s\n%s", path, score->text);
	if (score->used != 0 && score->text[score->used - 1] != '\n') puts(" leaves");
	if (score->full) puts("# too long: the rest is left out");
	if (end->hung) puts("# it does not end");
	if (end->oracle != NULL)
		printf("# panic: %s %s.%s\n", end->oracle, harness->subject->name,
		       run_doing(&harness->run));
	puts("end");
}

/* Shared: a child writes it, and may die. */
static struct score *score_new(void)
{
	struct score *score = child_shared(sizeof(*score));

	score->text = child_shared(SCORE_ROOM);
	score->room = SCORE_ROOM;
	return score;
}

int replay_score(char **paths, int count, const struct subject *subject)
{
	struct score *score = score_new();
	char said[INPUT_SAID];
	struct input input;
	int scores = 0;

	harness->run.score = score;
	for (int i = 0; i < count; i++) {
		if (!input_read(paths[i], subject, &input, said) || input.subject == NULL) {
			fprintf(stderr, "replay: %s\n", said);
			return EXIT_BAD_FILE;
		}
		*score = (struct score){ .text = score->text, .room = SCORE_ROOM };
		score->text[0] = '\0';
		const struct ending end = end_of(input.subject, input.body, input.bytes, 60);
		if (score->used != 0)
			print(paths[i], score, &end);
		else
			fprintf(stderr, "replay: %s: no calls that a program could make\n",
				paths[i]);
		scores += score->used != 0;
		input_close(&input);
	}
	return scores != 0 ? EXIT_OK : EXIT_BAD_FILE;
}
