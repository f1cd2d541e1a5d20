/*
 * table.h -- what a night consists of: one row an item, and one for each way to make a finding
 * small.
 *
 * A row is a line of fields with tabs between them; a line that begins with # is a comment.
 *
 *	item NAME KIND EXPECTS TURN WEIGHT PATIENCE LEAST MOST COMMAND AGAIN
 *	small SUBJECT COMMAND
 *
 * NAME is "fuzz.SUBJECT" or "stress.SUBJECT.VARIANT": behind the first dot stands the subject.
 * KIND says how the output is to be read: `engine` (libFuzzer's), `hunt` (replay --hunt), `stress`
 * (KTAP and a line of JSON), `play` (play.sh).  EXPECTS is `clean`, or `finding` for a
 * canary, which must find something.  TURN: `first`, what every night has to reach, however short,
 * or `later`.  WEIGHT: of its share of time, 1 for most.  PATIENCE: seconds beyond its share until
 * it counts as a hang.  LEAST and MOST bound {size}; 0 0 where time bounds a run.
 *
 * COMMAND's words have blanks between them; its first is the program, from the folder in which the
 * driver stands.  AGAIN is what a person types to see it once more.  In both are replaced: {seed}
 * {seconds} {size} {run} (a folder of this run's own; findings go to {run}/found) {corpus} (the
 * subject's, kept from night to night) {patience} (seconds, a little
 * less than ours) {script} {small}.  Where AGAIN has two
 * commands with " || " between them, the second is for what left no script.
 */
#ifndef STRESS_NIGHTLY_TABLE_H
#define STRESS_NIGHTLY_TABLE_H

#include "machine/base.h"
#include "stress/nightly/words.h"

enum item_kind { ITEM_ENGINE, ITEM_HUNT, ITEM_PLAY, ITEM_STRESS, ITEM_KINDS };

/* How a run ended. */
enum outcome {
	OUTCOME_CLEAN,
	OUTCOME_FINDING, /* an oracle, a check that is not ok */
	OUTCOME_HANG,
	OUTCOME_PANIC,
	OUTCOME_CUT,         /* the night was over, or somebody ended it: no verdict */
	OUTCOME_KILLED,      /* the driver was killed at that time: no verdict */
	OUTCOME_ENVIRONMENT, /* a missing package, a full disk, a wrong row */
	OUTCOMES
};
extern const char *const outcome_names[OUTCOMES];

/* What a run counted; 0 where it did not. */
struct figures {
	uint64_t executions;        /* scripts run, or operations of a stress */
	uint64_t lines;             /* of scores, compared, on all kernels */
	uint64_t edges, edges_of;   /* of the program's; libFuzzer's count */
	uint64_t states, states_of; /* of those that must be reached sometimes */

	/* An engine's corpus, in inputs: before its turn, what was learned, and merged; and what
	 * the merged ones show, by libFuzzer's count.  All 0: nothing was merged. */
	uint64_t corpus_was, corpus_new, corpus_is, features;
};

struct item {
	char *name, *subject;
	enum item_kind kind;
	bool must_find, first;
	uint32_t weight, patience_s;
	uint64_t least, most;
	char *command, *again;

	/* From the ledger, kept up to date. */
	uint64_t seed;      /* the next that was not used yet */
	uint64_t last_turn; /* number of its last beginning among all; 0: never */
	uint64_t last_size; /* of its last run that ended by itself, and what that took */
	uint64_t last_took_ms;

	/* Tonight. */
	uint32_t round; /* the last that it took part in */
	bool runs_now;  /* it has a turn now, and gets no second one beside it */
	uint32_t runs, ended[OUTCOMES];
	uint64_t first_seed, took_ms, size; /* size: of the last run */
	struct figures sum;                 /* executions and lines added up;
						 * of all else the most */
};

/* How a finding is made small. */
struct small_row {
	char *subject, *command;
};

enum { TABLE_ITEMS_MAX = 512 };

struct table {
	struct item item[TABLE_ITEMS_MAX];
	uint32_t items;
	struct small_row small[TABLE_ITEMS_MAX];
	uint32_t smalls;
};

/* Whether its runs are of a booted kernel. */
static inline bool item_boots(const struct item *item)
{
	return item->kind == ITEM_STRESS || item->kind == ITEM_PLAY;
}

/* Adds the rows of a file.  False: `why` says which line is wrong, and how. */
bool table_read(struct table *table, const char *path, struct words *why);

struct item *table_find(struct table *table, const char *name);

/* The command that makes findings about `subject` small, or NULL. */
const char *table_small(const struct table *table, const char *subject);

/* One replacement: {key} becomes value. */
struct blank {
	const char *key, *value;
};

/* `text` with its blanks filled in, the list ended by a NULL key.  free() it. */
char *table_fill(const char *text, const struct blank *blanks);

/* Splits at blanks; the words and the list are one allocation: free() it. */
char **table_split(const char *command);

#endif
