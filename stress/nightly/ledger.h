/*
 * ledger.h -- what every night did, line by line: nothing is ever taken back.
 *
 *	night at=TIME commit=HASH changed=no jobs=2 seconds=1800 .
 *	begin item=NAME seed=N size=N share=SECONDS commit=HASH at=TIME .
 *	end item=NAME seed=N outcome=WORD took=SECONDS size=N executions=N ... .
 *	finding signature=S item=NAME seed=N .
 *	small signature=S .        it was made small
 *	unsmall signature=S .      that was tried, and did not work
 *	close at=TIME status=N .
 *
 * A line is added whole and is on the disk before ledger_add() returns.  A line without the dot at
 * its end was cut by a kill; it says nothing, and whatever it announced was not begun.
 */
#ifndef STRESS_NIGHTLY_LEDGER_H
#define STRESS_NIGHTLY_LEDGER_H

#include "machine/base.h"

struct ledger {
	int fd;
};

/* Opens it for adding, and ends a line that was cut.  False: errno says why. */
bool ledger_open(struct ledger *ledger, const char *path);

/* Adds a line; the format is without dot and newline.  False: it could not be written. */
bool ledger_add(struct ledger *ledger, const char *format, ...) PRINTF_LIKE(2, 3);

/* Calls visit() for each whole line, oldest first; a file that is not there has none. */
void ledger_read(const char *path, void (*visit)(const char *line, void *context), void *context);

/* The value of `key` in a line, as text and as number: "" and 0 where there is none. */
const char *ledger_word(const char *line, const char *key, char *out, size_t room);
uint64_t ledger_number(const char *line, const char *key);

#endif
