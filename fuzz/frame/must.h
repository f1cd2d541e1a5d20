/*
 * must.h -- what a world demands, and the oracles that fire where it is not so.
 */
#ifndef FUZZ_MUST_H
#define FUZZ_MUST_H

#include "fuzz/frame/subject.h"

/* Of what a world is made of, where there is room for all of it. */
static inline void must(bool done, const char *what)
{
	if (!done) kpanic(ORACLE_MUST_SUCCEED, "%s", what);
}

/* Of a structure's own check: NULL, or what is wrong. */
static inline void must_be_sound(const char *why)
{
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
}

static inline void must_be_none(uint32_t count, const char *what)
{
	if (count != 0) kpanic(ORACLE_LEAK, "%u %s are not back", count, what);
}

/* The run in progress, for who can only be called in one. */
static inline struct run *must_run(void)
{
	struct run *run = run_current();
	ASSERT(run != NULL);
	return run;
}

#endif
