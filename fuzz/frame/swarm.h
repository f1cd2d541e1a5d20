/*
 * swarm.h -- operations, worlds and values drawn at random, each script from its own small taste.
 */
#ifndef FUZZ_SWARM_H
#define FUZZ_SWARM_H

#include "fuzz/frame/subject.h"
#include "machine/random.h"

/* What one script, or one round of mutation, likes to do. */
struct swarm {
	const struct subject *subject;
	struct random *random;
	uint32_t weight[SCRIPT_NOP]; /* of each operation; 0 for those left out this time */
	uint32_t weight_sum;
	uint32_t slots; /* how many handles are in play */
	uint32_t cpus;  /* CPUs that operations are put on */
	int32_t size;   /* one size this script keeps coming back to */
};

/* A taste, drawn from `random`, which is kept. */
void swarm_draw(struct swarm *swarm, const struct subject *subject, struct random *random,
		uint32_t cpus);

struct script_op swarm_op(struct swarm *swarm);

/* A value for a field, in range. */
uint32_t swarm_value(struct swarm *swarm, const struct field *f);

struct script_world swarm_world(struct random *random);

/* Draws one field of a world anew. */
void swarm_world_change(struct random *random, struct script_world *w);

#endif
