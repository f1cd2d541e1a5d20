/*
 * child_test.c -- which children have hung: one that keeps a CPU busy for too long, and none that
 * only takes long because it is not on one.
 */
#include <time.h>

#include "fuzz/frame/replay.h"
#include "machine/host/expect.h"

static void is_busy(void *arg)
{
	volatile uint64_t *times = arg;

	child_limit(1);
	for (;;) ++*times;
}

static void takes_long(void *arg)
{
	const struct timespec more = { 1, 300000000 };

	(void)arg;
	child_limit(1);
	nanosleep(&more, NULL);
	child_limit(0);
}

int main(void)
{
	harness_open();
	uint64_t *times = child_shared(sizeof *times);
	EXPECT(!child_run(is_busy, times) && harness->oracle == NULL && *times != 0);
	EXPECT(child_run(takes_long, NULL));
	return 0;
}
