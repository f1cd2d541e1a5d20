/*
 * answers.h -- what the calls of a script answered, one after another: for comparing two players of
 * one script where there are no digests to compare, as with real Linux.
 */
#ifndef FUZZ_ANSWERS_H
#define FUZZ_ANSWERS_H

#include "machine/base.h"

enum answer_kind {
	ANSWER_VALUE,
	ANSWER_ANY, /* every value is right */
	ANSWER_END, /* from here on players may differ: memory ran out, or a rule is left open */
};

struct answer {
	uint64_t value;
	uint32_t op; /* number of the operation */
	uint32_t kind;
};

struct answers {
	struct answer *list;
	uint32_t room, count;
};

/* Appends one unless the list has ended; a list that is full ends. */
static inline void answers_add(struct answers *a, enum answer_kind kind, uint32_t op,
			       uint64_t value)
{
	if (a == NULL || a->count == a->room) return;
	if (a->count != 0 && a->list[a->count - 1].kind == ANSWER_END) return;
	if (a->count == a->room - 1) kind = ANSWER_END;
	a->list[a->count++] = (struct answer){ .value = value, .op = op, .kind = kind };
}

/*
 * A batch of scripts and what they are expected to answer, as a file: for each script this head,
 * the body, padded with zeroes to a multiple of 8, and the answers.  Little-endian, as both
 * players are.
 */
#define BATCH_MAGIC 0x4843544142564e41ull /* "ANVBATCH" */
struct batch_head {
	uint64_t magic;
	uint32_t number; /* of the script */
	uint32_t body_bytes;
	uint32_t answers;
	uint32_t pad;
};

#endif
