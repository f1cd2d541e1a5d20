/*
 * finding.h -- the folder of findings: one folder for each signature.
 *
 *	script        what shows it: a stored script, or what an engine kept; not where a seed does
 *	script.txt    the same as text
 *	log           what the program printed, its end
 *	report        what is wrong, in its words
 *	environment   commit, machine, when, item, seed
 *	replay        the command that shows it again
 *	seen          a line for each run that found it
 *	small, small.txt   the script made small, once it was
 *
 * A folder is there whole or not at all.
 */
#ifndef STRESS_NIGHTLY_FINDING_H
#define STRESS_NIGHTLY_FINDING_H

#include "machine/base.h"

/* What is known of a finding; texts and paths. */
struct finding {
	const char *signature, *item;
	uint64_t seed;
	const char *outcome;     /* "finding", "hang" or "panic" */
	const char *at;          /* when */
	const char *script;      /* path, or NULL */
	const char *log;         /* text */
	const char *report;      /* text */
	const char *environment; /* text */
	const char *again;       /* command; {script} is to become the script's last place */
};

enum finding_kept {
	FINDING_NEW,
	FINDING_SEEN_BEFORE, /* the folder was there; it has one more line in `seen` */
	FINDING_KNOWN,       /* so was the line: it is of this very run */
	FINDING_LOST         /* not written: errno says why */
};

/* Keeps it below `folder`, and is on the disk when it returns. */
enum finding_kept finding_keep(const char *folder, const struct finding *finding);

/* The script's small form, from two files; `again` is the command then.  False: not written. */
bool finding_keep_small(const char *folder, const char *signature, const char *script,
			const char *text, const char *again);

/* Removes what a kill left half made. */
void finding_tidy(const char *folder);

/* Calls visit() for each signature, in the order of names. */
void finding_each(const char *folder, void (*visit)(const char *signature, void *context),
		  void *context);

/* Whether a file of that name is in the folder of that signature. */
bool finding_has(const char *folder, const char *signature, const char *name);

/* Removes a folder and all that is in it. */
void folder_remove(const char *path);

#endif
