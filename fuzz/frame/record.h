/*
 * record.h -- a run's turns, written down as decisions.
 *
 * What strategy or distances led to a finding means nothing once the code is rebuilt with other
 * points in it.  So each turn that was given becomes `at` decisions of the operation in which it
 * was, or which that CPU began last: the site's name and which passing of it.
 */
#ifndef FUZZ_RECORD_H
#define FUZZ_RECORD_H

#include "fuzz/frame/plan.h"

/* How a run ended. */
struct ending {
	const char *oracle; /* NULL: none fired */
	bool hung;          /* it did not end in time */
	uint32_t op, reached;
	uint64_t digest, points, switches;
};

/* Runs a script in a child process, which it may kill; at most `seconds` long. */
struct ending end_of(const struct subject *subject, const uint8_t *body, size_t bytes,
		     uint32_t seconds);

/*
 * Runs a script and writes the same one to `out`, with what its turns were as its decisions.  The
 * length; 0: it cannot be written down, and *why says why.  That it ends alike is not looked at.
 */
size_t record_turns(const struct subject *subject, const uint8_t *body, size_t bytes, uint8_t *out,
		    size_t room, const char **why);

/*
 * The script that is to be kept of one that fires `oracle`: with recorded turns, if those fire it
 * too, else (0, and *why) as it is.
 */
size_t record_finding(const struct subject *subject, const uint8_t *body, size_t bytes,
		      const char *oracle, uint8_t *out, size_t room, const char **why);

#endif
