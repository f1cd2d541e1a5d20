/*
 * dump.h -- a scheduler as lines of text, for people, when something hangs.
 */
#ifndef SCHED_DUMP_H
#define SCHED_DUMP_H

#include "sched/sched.h"

enum { DUMP_LINE_BYTES = 160 }; /* no line is longer, its NUL included */

/*
 * Calls line(arg, text) for each line, without a newline: every CPU with who runs, its last switch,
 * its locks and those it waits for, its run queue and timers; then every slot that is not free.
 * Takes no lock and trusts no link, so that it works when nothing else does, after a panic too;
 * where somebody changes things meanwhile, it may be wrong.  Any context.
 */
void sched_dump(const struct sched *s, uint64_t now_ns, void (*line)(void *arg, const char *text),
		void *arg);

#endif
