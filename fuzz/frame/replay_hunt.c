/*
 * replay_hunt.c -- generated scripts, one after another, until an oracle fires.
 *
 * No coverage and no corpus: script number k of a seed depends on the subject, the seed and k, so
 * "seed 1 finds it at execution 813" is a fact about the tree.  That makes hunts the measure of
 * the suite's power: a planted defect must be found within a fixed number of executions.
 *
 * With --expect, what other oracles find on the way is counted and passed over, and the exit
 * status says whether the expected one fired.  Without, the first finding ends the hunt.
 *
 * A hunt that finds nothing also says which of the subject's "sometimes" states it reached: a
 * state that no script reaches is a part of the code that is not being tested.  --sometimes makes
 * that a failure.
 *
 * With --seconds, a hunt that finds nothing has run as many scripts as there was time for; which
 * they were is the same as ever.
 *
 * Always true: script k is the same whether or not earlier ones killed a child.
 *
 * Locks: none.  Cost: a child, and another for each script that kills one.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fuzz/frame/latency.h"
#include "fuzz/frame/mutate.h"
#include "fuzz/frame/replay.h"
#include "fuzz/frame/report.h"

enum { ALARM_EVERY = 256, CLOCK_EVERY = 16, PATH_ROOM = 4096 };

/* Shared with the child. */
struct hunt {
	uint64_t at;        /* executions begun */
	uint64_t others;    /* findings of oracles that were not looked for */
	uint64_t sometimes; /* states reached, by bit */
	bool found;
	size_t bytes;
	char path[PATH_ROOM]; /* where the finding was saved, or "" */
	uint8_t body[SCRIPT_BODY_MAX];
};

static const struct replay_options *options;
static struct hunt *hunt;
static time_t hunt_over; /* no script begins after that second; 0: runs alone count */

static time_t second_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Looked at now and then: the clock costs more than a short script. */
static bool is_time_up(void)
{
	return hunt_over != 0 && hunt->at % CLOCK_EVERY == 0 && second_now() >= hunt_over;
}

static bool is_wanted(void)
{
	return options->expects == NULL || strcmp(options->expects, harness->oracle) == 0;
}

/* As soon as an oracle fires. */
static void hunt_announce(void)
{
	if (!is_wanted()) return;
	if (options->out != NULL) report_save(options->out, hunt->path, sizeof(hunt->path));
	if (options->expects == NULL) report_begins();
}

static void hunt_next(void)
{
	if (hunt->at % ALARM_EVERY == 0) child_limit(options->timeout_seconds);
	hunt->bytes = script_generate_nth(options->subject, options->seed, hunt->at,
					  options->ops_most, hunt->body, sizeof(hunt->body));
	hunt->at++;
	const bool sound = harness_run(options->subject, hunt->body, hunt->bytes, false);
	hunt->sometimes |= harness->run.sometimes;
	if (sound) return;
	if (is_wanted())
		hunt->found = true;
	else
		hunt->others++;
}

/* In the child: until something is found or the budget is used up. */
static void hunt_on(void *arg)
{
	(void)arg;
	if (harness->quiet) quiet_begin();
	child_limit(options->timeout_seconds);
	while (!hunt->found && hunt->at < options->runs && !is_time_up()) hunt_next();
	child_limit(0);
	if (harness->quiet) quiet_end();
}

bool tell_sometimes(const struct subject *subject, uint64_t reached)
{
	const char *const *names = subject->sometimes;
	unsigned count = 0, missing = 0;
	if (names == NULL) return true;
	for (; names[count] != NULL; count++) {
		if (reached >> count & 1) continue;
		printf("%s %s", missing++ == 0 ? "never reached:" : ",", names[count]);
	}
	printf("%s%u of %u states reached\n", missing == 0 ? "" : "; ", count - missing, count);
	return missing == 0;
}

/* Operations that had begun when the oracle fired. */
static uint32_t reported_at(void)
{
	const struct run *run = &harness->run;

	if (run->phase == RUN_OPENS) return 0;
	return run->phase == RUN_CLOSES ? harness->script.ops : run->op + 1;
}

static void tell_latency(void)
{
	const uint32_t reported = reported_at();

	if (options->subject->together != NULL) {
		printf("latency: its operations do not come one after the other\n");
		return;
	}
	const uint32_t there = latency_there(options->subject, hunt->body, hunt->bytes, reported,
					     options->timeout_seconds);
	printf("latency=%u there=%u reported=%u\n", reported - there, there, reported);
}

static int hunt_ends(void)
{
	const unsigned long long at = hunt->at, seed = options->seed;
	if (!hunt->found) {
		printf("hunt %s seed=%llu: %s did not fire in %llu executions (%llu others)\n",
		       options->subject->name, seed,
		       options->expects == NULL ? "an oracle" : options->expects, at,
		       (unsigned long long)hunt->others);
		const bool all = tell_sometimes(options->subject, hunt->sometimes);
		return options->expects == NULL && (all || !options->sometimes) ? EXIT_OK
										: EXIT_FINDING;
	}
	printf("hunt %s seed=%llu: execution=%llu oracle=%s op=%s ops=%u digest=%016llx\n",
	       options->subject->name, seed, at, harness->oracle, replay_where(),
	       harness->script.ops, (unsigned long long)harness->run.digest);
	fflush(stdout);
	if (options->latency) tell_latency();
	if (options->expects == NULL) report_ends(hunt->path);
	if (hunt->path[0] != '\0' && options->subject->together != NULL)
		listed_in_place(hunt->path);
	if (options->expects != NULL) return EXIT_OK;
	return EXIT_FINDING;
}

int replay_hunt(const struct replay_options *chosen)
{
	options = chosen;
	hunt = child_shared(sizeof(*hunt));
	harness->quiet = options->expects != NULL;
	harness->announce = hunt_announce;
	if (options->seconds != 0) hunt_over = second_now() + options->seconds;
	while (!hunt->found && !child_run(hunt_on, NULL)) {
		if (harness->oracle == NULL) {
			fprintf(stderr, "hunt: no end of execution %llu\n",
				(unsigned long long)hunt->at);
			return EXIT_HANG;
		}
		hunt->found = is_wanted();
		hunt->others += !hunt->found;
	}
	return hunt_ends();
}
