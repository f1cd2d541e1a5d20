/*
 * curve.h -- a line through points that a log tells of, as inline SVG.
 */
#ifndef STRESS_NIGHTLY_CURVE_H
#define STRESS_NIGHTLY_CURVE_H

#include "stress/nightly/words.h"

enum { CURVE_POINTS_MAX = 200 };

struct curve {
	double x[CURVE_POINTS_MAX], y[CURVE_POINTS_MAX];
	unsigned count;
	uint64_t skip, seen; /* every so many-th point is kept, and the last */
};

/* An engine's "#6825 REDUCE cov: 1703 ...": edges over executions.  The log is changed. */
void curve_of_edges(struct curve *curve, char *log);

/* "stress: cycle 3: 252996 KiB free": free memory over cycles.  The log is changed. */
void curve_of_memory(struct curve *curve, char *log);

/* Small, for a table: from 0 up. */
void curve_put_small(struct words *w, const struct curve *curve);

/* Large, with the least and the most in words. */
void curve_put_large(struct words *w, const struct curve *curve, const char *unit);

#endif
