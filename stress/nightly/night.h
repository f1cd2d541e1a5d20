/*
 * night.h -- one night: what all parts of the driver share.
 *
 * Below the output folder:
 *
 *	ledger            what every night did (ledger.h)
 *	findings/         one folder a signature (finding.h)
 *	canaries/         the same for what must be found: proof that findings arrive
 *	corpus/SUBJECT/   what engines learned, kept from night to night
 *	logs/ITEM         the last run's output
 *	pictures/ITEM.svg the last run's memory over time
 *	programs/         what this night runs (pin.c)
 *	run/ITEM~SEED/    of runs that go on; of a killed night, what they left
 *	lock, alive       locked by a night; by a night and by all that it has started
 *	summary.txt, report.html, nights/TIME.{txt,html}
 */
#ifndef STRESS_NIGHTLY_NIGHT_H
#define STRESS_NIGHTLY_NIGHT_H

#include <signal.h>

#include "stress/nightly/leash.h"
#include "stress/nightly/ledger.h"
#include "stress/nightly/log.h"
#include "stress/nightly/plan.h"

enum { JOBS_MAX = 64, NOTES_MAX = 1000, TIME_ROOM = 32, SMALL_TRIES = 3 };

/* A program that runs: an item's turn, or the making small of a finding. */
struct running {
	bool used;
	struct item *item; /* NULL: it makes small */
	char *signature;   /* what is made small, or NULL */
	uint64_t seed, size;
	double since, share; /* seconds since the night began; what it was given */
	char *folder;
	struct leash leash;
	struct ending ending;
};

/* Something that was found tonight. */
struct note {
	char *signature, *item;
	uint64_t seed;
	enum outcome outcome;
	bool first; /* never seen before */
};

struct night {
	const char *root; /* the output folder, absolute */
	struct table table;
	struct ledger ledger;
	int alive; /* locked as long as this night, or any program of its, runs */
	struct plan plan;
	struct running running[JOBS_MAX];
	const char *commit, *environment;
	char began[TIME_ROOM]; /* UTC */
	double seconds;        /* the budget */
	struct note note[NOTES_MAX];
	uint32_t notes, canaries_found, lost;
	uint64_t turns;                          /* beginnings in the ledger */
	uint32_t nights;                         /* in the ledger, this one too */
	uint64_t commit_runs, commit_executions; /* on this commit before tonight */
	uint32_t killed;                         /* runs that a killed night left behind */
	const char *trouble;                     /* what we ourselves could not do, or NULL */
	volatile sig_atomic_t *interrupted;
};

/* Seconds since the night began, and the time of day (UTC) into room for TIME_ROOM. */
double night_now(const struct night *night);
char *night_time(char *out);

/* A path below the output folder; free() it. */
char *night_path(const struct night *night, const char *name);

/* --- run.c: turns ----------------------------------------------------------------------------- */

/* Begins a turn in a free place.  False: it could not even begin. */
bool run_begin(struct night *night, struct running *run, struct item *item, double share);

/* What to do when a turn's program has ended: judge, keep, tell, write down. */
void run_end(struct night *night, struct running *run);

/* Runs of a night that was killed: keeps what they found. */
void run_recover(struct night *night);

/* --- small.c ---------------------------------------------------------------------------------- */

/* Begins to make a finding small; false: there is none that waits for it. */
bool small_begin(struct night *night, struct running *run);
void small_end(struct night *night, struct running *run);

/* --- tell.c: what people see while it goes on ------------------------------------------------ */

void tell_progress(const struct night *night);
void tell_line(const char *format, ...) PRINTF_LIKE(1, 2);

/* --- summary.c -------------------------------------------------------------------------------- */

/* The verdict on an item in a word, and one on the night in a sentence; free() the latter. */
const char *summary_item(const struct item *item);
char *summary_night(const struct night *night);

void summary_write(struct night *night);
void page_write(struct night *night);

/* --- history.c -------------------------------------------------------------------------------- */

/* What earlier nights did: seeds that are used, who has waited longest, how long runs take. */
void history_read(struct night *night);

/* --- pin.c ------------------------------------------------------------------------------------ */

/* Takes the programs into the output folder, and goes there. */
bool pin_programs(const struct night *night);

/* --- main.c ----------------------------------------------------------------------------------- */

/* The folder that findings of an item go to; free() it. */
char *night_findings(const struct night *night, const struct item *item);

/* Where nothing is wrong 0; see main.c. */
int night_status(const struct night *night);

#endif
