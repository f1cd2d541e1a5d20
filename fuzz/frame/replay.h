/*
 * replay.h -- what the replay program does: files again, or a hunt for new ones.
 */
#ifndef FUZZ_REPLAY_H
#define FUZZ_REPLAY_H

#include "fuzz/frame/files.h"
#include "fuzz/frame/harness.h"

enum { EXIT_HANG = 5 };

struct replay_options {
	const struct subject *subject; /* for raw bodies; NULL: none given */
	bool digests;                  /* lines for comparing machines */
	uint32_t repeat;               /* times each file runs */
	uint32_t timeout_seconds;      /* on a CPU, for one file, or for 256 scripts of a hunt */

	bool hunt;
	uint64_t seed, runs;
	uint32_t seconds; /* a hunt begins no script after so long; 0: runs alone bound it */
	uint32_t ops_most;
	const char *expects; /* the oracle a hunt looks for, or NULL: any */
	bool sometimes;      /* a hunt, or all files of --subject, must reach all of its states */
	const char *out;     /* folder for what a hunt finds, or NULL */
	bool latency;        /* a hunt says how late what it found was reported */
	bool listed;         /* files are written anew, their turns as decisions */
	bool score;          /* what their tasks do is printed */
};

/* Replays files and folders; returns an exit status. */
int replay_files(const struct replay_options *options, char **paths, int count);

/* Writes scripts that fire an oracle anew, in place, with what their turns were (record.h); returns
 * an exit status.  And one of them: false when it is as it was, and it has been said why. */
int replay_listed(char **paths, int count);
bool listed_in_place(const char *path);

/* Prints what the tasks of scripts do, as scores; returns an exit status. */
int replay_score(char **paths, int count, const struct subject *subject);

/* Runs generated scripts; returns an exit status. */
int replay_hunt(const struct replay_options *options);

/*
 * Runs fn(arg) in a child process.  True: it returned.  False: it died, and *harness tells of the
 * script it died of; harness->oracle is NULL when nothing fired and time ran out.
 */
bool child_run(void (*fn)(void *arg), void *arg);

/* A child's, from here on: after so many seconds on a CPU it has hung; 0: it never has. */
void child_limit(uint32_t seconds);

/* Memory that children share with us, zeroed; never given back. */
void *child_shared(size_t bytes);

/* Standard error to nowhere and back, so that what is expected makes no noise. */
void quiet_begin(void);
void quiet_end(void);

/* Which of the subject's states that must be reached are not in `reached`; true when all are. */
bool tell_sometimes(const struct subject *subject, uint64_t reached);

/* "17", "open" or "close": where the last run was. */
const char *replay_where(void);

#endif
