/*
 * leash.h -- programs that end when we do, however we end.
 *
 * Between the driver and a program stands a small process of ours, the leash.  It waits for the
 * program, and for the driver: when the driver lets go, or dies of whatever, kill -9 too, the
 * program and all that it started are ended.
 */
#ifndef STRESS_NIGHTLY_LEASH_H
#define STRESS_NIGHTLY_LEASH_H

#include <sys/types.h>

#include "machine/base.h"

struct leash {
	pid_t pid;
	int hold; /* closed: the program is to end */
};

/* Starts argv[0] with output to the files `out` and `err` (the same name: the same file), nothing
 * to read, and TMPDIR=`temporary`.  `kept`, which is closed on exec, stays open in the leash until
 * the program and all that it started are ended.  False: errno says why. */
bool leash_start(struct leash *leash, char *const *argv, const char *out, const char *err,
		 const char *temporary, int kept);

/* Asks the program to end, and sees to it two seconds later. */
void leash_let_go(struct leash *leash);

/* The exit status once it has ended: 128 and more for a signal, 127 if it could not be started.
 * False: it runs. */
bool leash_ended(struct leash *leash, int *status);

#endif
