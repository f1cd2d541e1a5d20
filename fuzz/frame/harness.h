/*
 * harness.h -- running scripts in a host program: the machine under them, kpanic, and what is
 * known of a fault.  For the engines, replay and hunt alike.
 *
 * A fault comes in one of two ways.  kpanic notes it and the run ends by itself: harness_run()
 * returns false.  A sanitizer's report cannot be left: it is noted, the program's `announce` is
 * called, and then the process ends; so whoever wants to go on runs scripts in a child.
 */
#ifndef FUZZ_HARNESS_H
#define FUZZ_HARNESS_H

#include "fuzz/frame/subject.h"

enum { HARNESS_SEEN = 512 };

/* What happened; lies in memory that a child shares with its parent. */
struct harness {
	struct run run; /* of the script that runs, or ran last */
	struct script script;
	const struct subject *subject;
	const char *oracle;      /* id of what fired, or NULL: run.oracle, and nondeterminism */
	char seen[HARNESS_SEEN]; /* what it saw, in words */
	bool fatal;              /* the process does not survive it */
	bool running;            /* a run is going on */
	bool ours;               /* it happened outside of any run: the suite is at fault */
	uint64_t executions;     /* runs begun, second runs of one script not counted */
	uint32_t twice_every;    /* run one script in so many twice; 0: none */
	bool walk_always;        /* as if every script's header asked for it */
	bool quiet;              /* what is fatal ends the process at once, without a word */
	/* Called as soon as something fired, before a sanitizer prints; may be NULL. */
	void (*announce)(void);
};
extern struct harness *harness;

/* Makes the machine; once, before anything else here. */
void harness_open(void);

/* Runs one script, and, when it is its turn or `twice` says so, once more, from other leftovers,
 * and compares.  False: harness->oracle and ->seen. */
bool harness_run(const struct subject *subject, const uint8_t *body, size_t bytes, bool twice);

/* Writes "panic: ID SUBJECT.OPERATION" without newline; returns its length. */
size_t harness_signature(char *out, size_t room);

/* A sanitizer has something to say, or a child died of a signal while harness->run ran. */
void harness_fatal(const char *oracle, const char *seen);

/* How much this program's compiler lets us see. */
enum oracle_eyes harness_eyes(void);

#endif
