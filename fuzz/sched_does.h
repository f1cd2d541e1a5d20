/*
 * sched_does.h -- operations that subjects over sched_world.h share: rows of their tables.
 */
#ifndef FUZZ_SCHED_DOES_H
#define FUZZ_SCHED_DOES_H

#include "fuzz/sched_world.h"

enum { THEN_KEEP, THEN_UNLOCK, THEN_YIELD, THEN_SLEEP, THENS };

extern const char *const does_ways[], *const does_wakes[], *const does_thens[], *const does_hows[];

/* clang-format off */
#define DOES_BY { "by", IN_SLOT, FORM_NUMBER, LANES, NULL }
#define DOES_QUEUE { "queue", IN_AUX, FORM_NUMBER, QUEUES, NULL }
#define DOES_MUTEX { "mutex", IN_AUX, FORM_NUMBER, MUTEXES, NULL }
#define DOES_WHOM { "whom", IN_AUX, FORM_NUMBER, HEARD, NULL }
#define DOES_THEN { "then", IN_HIGH, FORM_NAMES, THENS, does_thens }

/* With a weight; and where subjects differ in what is meant, a step. */
#define DOES_YIELD(weight) { "yield", weight, { DOES_BY }, does_yield }
#define DOES_POST(weight, step) \
	{ "post", weight, { DOES_BY, DOES_QUEUE, \
			    { "units", IN_LOW, FORM_NUMBER, 4, NULL }, \
			    { "wake", IN_HIGH, FORM_NAMES, 2, does_wakes } }, step }
#define DOES_TRY(weight) { "try", weight, { DOES_BY, DOES_MUTEX }, does_try }
#define DOES_UNLOCK(weight) { "unlock", weight, { DOES_BY, DOES_MUTEX }, does_unlock }
#define DOES_SPAWN(weight) \
	{ "spawn", weight, { DOES_BY, { "life", IN_AUX, FORM_NAMES, WAYS, does_ways }, \
			     { "priority", IN_LOW, FORM_NUMBER, PRIORITIES, NULL }, \
			     { "how", IN_HIGH, FORM_FLAGS, 5, does_hows } }, does_spawn }
#define DOES_KILL(weight, step) { "kill", weight, { DOES_BY, DOES_WHOM }, step }
#define DOES_AFFINITY(weight) \
	{ "affinity", weight, \
	  { DOES_BY, DOES_WHOM, { "cpus", IN_ARG, FORM_NUMBER, 32, NULL } }, does_affinity }
#define DOES_WORK(weight) \
	{ "work", weight, { DOES_BY, { "times", IN_ARG, FORM_NUMBER, 64, NULL } }, does_work }
#define DOES_EXIT(weight) { "exit", weight, { DOES_BY }, does_exit }
/* clang-format on */

/* Their steps. */
void does_yield(struct run *run, const struct script_op *op);
void does_post(struct run *run, const struct script_op *op);
void does_try(struct run *run, const struct script_op *op);
void does_unlock(struct run *run, const struct script_op *op);
void does_spawn(struct run *run, const struct script_op *op);
void does_kill(struct run *run, const struct script_op *op);
void does_affinity(struct run *run, const struct script_op *op);
void does_work(struct run *run, const struct script_op *op);
void does_exit(struct run *run, const struct script_op *op);

static inline uint32_t op_low(const struct script_op *op)
{
	return op->arg & 0xffff;
}

static inline uint32_t op_high(const struct script_op *op)
{
	return op->arg >> 16;
}

/* An operation was done; its lane stops when its thread was killed. */
void does_end(struct run *run);

/* Sleeps; what it answered is a result. */
void does_sleep(struct run *run, uint64_t until_ns);

/* With mutex `n`, which it has got. */
void does_then(struct run *run, uint32_t n, uint32_t then);

/* A call about `id` was answered so; `was_there` when it began. */
void does_judge_id(struct run *run, thread_id id, bool was_there, bool answer);

/* Kills, and judges the answer. */
void does_kill_one(struct run *run, thread_id id);

#endif
