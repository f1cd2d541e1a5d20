/*
 * replay_main.c -- the replay program: any subject's scripts again, on this machine.
 *
 *	replay [--subject S [--sometimes]] [--walk] [--digests] [--repeat N] FILE|FOLDER...
 *	replay --listed FILE...
 *	replay --score FILE...
 *	replay --hunt SUBJECT [--seed S] [--runs N] [--ops N] [--expect ORACLE] [--out FOLDER]
 *	       [--strategy S] [--seconds N] [--latency]
 *
 *	--subject S   what raw bodies are for; others must be for it too
 *	--walk        check every structure after every operation, whatever the scripts say
 *	--digests     print only what all machines must agree on
 *	--repeat N    run each file N times; all must end alike
 *	--twice N     run one script in N twice and compare; 0: none (the default)
 *	--timeout S   seconds on a CPU for one script (60)
 *	--listed      findings whose operations run side by side are written anew, in place, with
 *	              their turns as decisions that say where
 *	--score       what their tasks call and do, for //user/replay to do again
 *	--hunt S      generated scripts for a subject, from --seed (1), --runs of them (10000) with
 *	              at most --ops operations each (256); --out keeps what is found
 *	--seconds N   no more scripts are begun after so long
 *	--latency     how many operations after the fault was there what was found was reported
 *	--strategy S  of all of them: listed, robin or priority
 *	--sometimes   fails unless every state was reached that must be: by the hunt, or by files
 *	              of --subject together
 *
 * Exit status: 0 as expected; 1 an oracle fired that was not expected, or did not; 2 usage; 3 a
 * file was refused; 4 environment; 5 a script did not end.
 *
 * Locks: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/flags.h"
#include "fuzz/frame/mutate.h"
#include "fuzz/frame/replay.h"

static NORETURN void usage(const char *why, const char *what)
{
	fprintf(stderr,
		"replay: %s%s\n"
		"usage: replay [--subject S [--sometimes]] [--walk] [--digests] [--repeat N]\n"
		"              FILE|FOLDER...\n"
		"       replay --listed FILE...\n"
		"       replay --score FILE...\n"
		"       replay --hunt SUBJECT [--seed S] [--runs N] [--ops N] [--expect ORACLE]\n"
		"              [--out FOLDER] [--strategy S] [--seconds N] [--sometimes]\n"
		"              [--latency]\n"
		"       both: [--twice N] [--timeout SECONDS]\n",
		why, what);
	exit(EXIT_USAGE);
}

static const struct subject *subject_or_usage(const char *name)
{
	const struct subject *subject = subject_find(name);
	if (subject == NULL) usage("no subject is called ", name);
	return subject;
}

static uint64_t number_or_usage(const char *text)
{
	uint64_t value;
	if (!flag_number(text, &value)) usage("expected a number, not ", text);
	return value;
}

static uint32_t small_or_usage(const char *text, uint32_t least)
{
	const uint64_t value = number_or_usage(text);
	if (value < least || value > UINT32_MAX) usage("out of range: ", text);
	return (uint32_t)value;
}

static enum plan_strategy strategy_or_usage(const char *name)
{
	static const char *const names[PLAN_STRATEGIES] = { "listed", "robin", "priority" };
	for (unsigned n = 0; n < PLAN_STRATEGIES; n++)
		if (strcmp(names[n], name) == 0) return n;
	usage("no strategy is called ", name);
}

/* A flag without a value; false when `flag` is none of them. */
static bool take_switch(struct replay_options *o, const char *flag)
{
	if (strcmp(flag, "--walk") == 0)
		harness->walk_always = true;
	else if (strcmp(flag, "--digests") == 0)
		o->digests = true;
	else if (strcmp(flag, "--sometimes") == 0)
		o->sometimes = true;
	else if (strcmp(flag, "--listed") == 0)
		o->listed = true;
	else if (strcmp(flag, "--latency") == 0)
		o->latency = true;
	else if (strcmp(flag, "--score") == 0)
		o->score = true;
	else
		return false;
	return true;
}

static void take_value(struct replay_options *o, const char *flag, const char *value)
{
	if (value == NULL) usage("unknown or incomplete flag ", flag);
	if (strcmp(flag, "--subject") == 0) {
		o->subject = subject_or_usage(value);
	} else if (strcmp(flag, "--hunt") == 0) {
		o->subject = subject_or_usage(value);
		o->hunt = true;
	} else if (strcmp(flag, "--repeat") == 0) {
		o->repeat = small_or_usage(value, 1);
	} else if (strcmp(flag, "--twice") == 0) {
		harness->twice_every = small_or_usage(value, 0);
	} else if (strcmp(flag, "--timeout") == 0) {
		o->timeout_seconds = small_or_usage(value, 1);
	} else if (strcmp(flag, "--ops") == 0) {
		o->ops_most = small_or_usage(value, 1);
	} else if (strcmp(flag, "--seed") == 0) {
		o->seed = number_or_usage(value);
	} else if (strcmp(flag, "--runs") == 0) {
		o->runs = number_or_usage(value);
	} else if (strcmp(flag, "--seconds") == 0) {
		o->seconds = small_or_usage(value, 1);
	} else if (strcmp(flag, "--expect") == 0) {
		o->expects = oracle_find(value);
		if (o->expects == NULL) usage("there is no oracle ", value);
	} else if (strcmp(flag, "--strategy") == 0) {
		plan_draw_only(strategy_or_usage(value));
	} else if (strcmp(flag, "--out") == 0) {
		o->out = value;
	} else {
		usage("unknown flag ", flag);
	}
}

int main(int argc, char **argv)
{
	struct replay_options o = {
		.repeat = 1, .timeout_seconds = 60, .seed = 1, .runs = 10000, .ops_most = 256
	};
	int files = 0;
	harness_open();
	files_start_where_the_user_is();
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			argv[files++] = argv[i];
		else if (!take_switch(&o, argv[i]))
			take_value(&o, argv[i], argv[i + 1]), i++;
	}
	if (o.hunt && files != 0) usage("a hunt takes no files: ", argv[0]);
	if (!o.hunt && files == 0) usage("no file given", "");
	if (o.sometimes && o.subject == NULL) usage("--sometimes needs a --subject", "");
	if (o.listed) return replay_listed(argv, files);
	if (o.score) return replay_score(argv, files, o.subject);
	return o.hunt ? replay_hunt(&o) : replay_files(&o, argv, files);
}
