/*
 * latency.c -- how late a fault was reported.
 *
 * What a script has damaged may go unnoticed for a while: a header is only looked at when its block
 * is freed, a red zone as well, poison when the memory is given out again.  So a script that ends
 * in a report is run again with fewer operations: none, one, two, ..., each time with every
 * structure walked after each operation and everything given back in the end.  The first of these
 * runs that fires an oracle, whichever, says when the fault was there; from then to the report is
 * how long it went unseen.
 *
 * A fault that only whoever takes turns brings about has other turns with fewer operations, so this
 * is for subjects whose operations come one after the other.
 *
 * Locks: none.  Cost: as many runs as there were operations, each in a child.
 */
#include "fuzz/frame/latency.h"

#include <string.h>

#include "fuzz/frame/bytes.h"
#include "fuzz/frame/harness.h"
#include "fuzz/frame/record.h"

enum { HEAD_BYTES = SCRIPT_WORLD_BYTES + 2 };

static uint8_t shorter[SCRIPT_BODY_MAX];

/* The first `ops` operations, and the data behind all of them. */
static size_t shorten(const uint8_t *body, size_t bytes, uint32_t ops)
{
	struct script s;
	const size_t at = HEAD_BYTES + ops * (size_t)SCRIPT_OP_BYTES;

	script_open(&s, body, bytes);
	memcpy(shorter, body, at);
	put_u16(shorter + SCRIPT_WORLD_BYTES, (uint16_t)ops);
	if (s.data_bytes != 0) memcpy(shorter + at, body + s.data_at, s.data_bytes);
	return at + s.data_bytes;
}

uint32_t latency_there(const struct subject *subject, const uint8_t *body, size_t bytes,
		       uint32_t reported, uint32_t seconds)
{
	const bool walk = harness->walk_always;
	uint32_t there = 0;

	harness->walk_always = true;
	while (there < reported) {
		const size_t length = shorten(body, bytes, there);
		if (end_of(subject, shorter, length, seconds).oracle != NULL) break;
		there++;
	}
	harness->walk_always = walk;
	return there;
}
