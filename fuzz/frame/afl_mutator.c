/*
 * afl_mutator.c -- our mutations as AFL++ wants them: a shared library with afl_custom_ functions
 * (AFL++'s documentation, "Custom mutators in AFL++").
 *
 * AFL++ hands in an input and another one from its queue; one time in four the result is a child
 * of the two, else a mutation of the first.  It also does its own mutations beside ours, unless
 * AFL_CUSTOM_MUTATOR_ONLY says otherwise; since any bytes are a script they are not wasted.
 *
 * Inputs may be stored files (seeds); results are raw bodies.
 *
 * Locks: none.  Cost: as mutate.c.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/mutate.h"
#include "machine/random.h"

/* What we keep for one fuzzer. */
struct mutator {
	struct random random;
	uint8_t out[SCRIPT_BODY_MAX];
};

void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(struct mutator *m, uint8_t *in, size_t in_size, uint8_t **out,
		       uint8_t *other, size_t other_size, size_t max_size);
void afl_custom_deinit(struct mutator *m);

void *afl_custom_init(void *afl, unsigned seed)
{
	struct mutator *m = malloc(sizeof(*m));
	(void)afl;
	if (m != NULL) m->random.state = seed;
	return m;
}

void afl_custom_deinit(struct mutator *m)
{
	free(m);
}

static const uint8_t *body_of(const uint8_t *file, size_t *size)
{
	char name[SCRIPT_NAME_MAX + 1];
	const uint8_t *body;
	size_t bytes;
	if (script_file_open(file, *size, &body, &bytes, name) != SCRIPT_FILE_STORED) return file;
	*size = bytes;
	return body;
}

size_t afl_custom_fuzz(struct mutator *m, uint8_t *in, size_t in_size, uint8_t **out,
		       uint8_t *other, size_t other_size, size_t max_size)
{
	const size_t room = min_u64(max_size, sizeof(m->out));
	const uint8_t *body = body_of(in, &in_size);
	*out = m->out;
	if (other != NULL && random_one_in(&m->random, 4)) {
		const uint8_t *mate = body_of(other, &other_size);
		return script_cross(subjects[0], random_u64(&m->random), body, in_size, mate,
				    other_size, m->out, room);
	}
	in_size = min_u64(in_size, room);
	memcpy(m->out, body, in_size);
	return script_mutate(subjects[0], random_u64(&m->random), m->out, in_size, room);
}
