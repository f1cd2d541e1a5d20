/*
 * mutate.h -- scripts made and changed at random, along the subject's tables: for both engines and
 * for hunts.  Everything here depends on its arguments alone; the same seed, the same script.
 */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include "fuzz/frame/subject.h"

/* Writes a new script of at most `ops_most` operations to out (room >= 64); returns its length. */
size_t script_generate(const struct subject *subject, uint64_t seed, uint32_t ops_most,
		       uint8_t *out, size_t room);

/* The same for the `nth` script of a seed: what a hunt runs, one after another. */
size_t script_generate_nth(const struct subject *subject, uint64_t seed, uint64_t nth,
			   uint32_t ops_most, uint8_t *out, size_t room);

/* Changes the script of `bytes` bytes at `body` in place; its new length, at most `room`. */
size_t script_mutate(const struct subject *subject, uint64_t seed, uint8_t *body, size_t bytes,
		     size_t room);

/* Writes a child of two scripts to out; returns its length, at most `room`. */
size_t script_cross(const struct subject *subject, uint64_t seed, const uint8_t *a, size_t a_bytes,
		    const uint8_t *b, size_t b_bytes, uint8_t *out, size_t room);

/* From here on new scripts have this strategy, where operations run side by side; PLAN_STRATEGIES:
 * they draw it.  For measuring one by itself. */
void plan_draw_only(enum plan_strategy strategy);

#endif
