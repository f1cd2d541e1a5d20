/*
 * minimise.h -- a finding made as small as it still is one.
 */
#ifndef FUZZ_MINIMISE_H
#define FUZZ_MINIMISE_H

#include "fuzz/frame/record.h"

/* A script taken apart. */
struct minimise_parts {
	struct script_world world;
	uint32_t ops;
	struct script_op op[SCRIPT_OPS_MAX];
	size_t data_bytes;
	uint8_t data[1 << 16];
};

struct minimise {
	const struct subject *subject;
	const char *oracle;    /* that must still fire */
	uint32_t seconds;      /* for one run */
	uint64_t runs, budget; /* done, and at most */
	struct minimise_parts best, next;
	struct ending end; /* of `best` */
};

/* Takes a script that fires an oracle apart; false: it fires none.  Where its turns can be written
 * down as decisions they are. */
bool minimise_open(struct minimise *m, const struct subject *subject, const uint8_t *body,
		   size_t bytes);

/* Until nothing more can be left out, or the budget is used up. */
void minimise_run(struct minimise *m);

/* `best` as a canonical body; its length. */
size_t minimise_body(const struct minimise *m, uint8_t *out, size_t room);

unsigned minimise_decisions(const struct minimise *m);

#endif
