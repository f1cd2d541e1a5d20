/*
 * log.h -- what a program's output and status say.
 */
#ifndef STRESS_NIGHTLY_LOG_H
#define STRESS_NIGHTLY_LOG_H

#include "stress/nightly/table.h"

/* How a program ended, as far as its leash knows. */
struct ending {
	int status;   /* 128 and more: by a signal */
	bool cut;     /* we ended it, because the night was over */
	bool overdue; /* we ended it, because its patience was */
	bool flood;   /* we ended it, because its log grew and grew */
};

struct verdict {
	enum outcome outcome;
	struct figures figures;
	char signature[128]; /* of a finding, a hang, a panic: a folder's name; else "" */
};

/* Reads the log of a run of `item`, which is changed. */
void log_judge(const struct item *item, char *log, const struct ending *ending,
	       struct verdict *verdict);

/* Of programs that play scripts each kind of difference is a finding.  The first panic at or behind
 * `at`, a line's beginning or what this has returned: its signature and outcome go into `verdict`;
 * returned are its words, or NULL when there is none. */
const char *log_next(const struct item *item, const char *at, struct verdict *verdict);

/* The part of a log that says what is wrong: from the first `panic:` on, or what is not ok.  Its
 * end is the log's. */
const char *log_report(const char *log);

#endif
