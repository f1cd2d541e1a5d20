/*
 * swarm.c -- operations, worlds and values drawn at random.
 *
 * Swarm testing (Groce and others, "Swarm testing", ISSTA 2012): a script that may do everything
 * does nothing for long; many faults need some operation to be absent, as frees must be for memory
 * to run out.  So each script leaves out about half of the operations, weighs the rest its own
 * way, and plays with few or many handles and CPUs.
 *
 * Values lean toward where allocators go wrong: powers of two, page sizes and the heap's node size
 * with a little added or taken away, zero and one, sizes near the top where sums wrap, and one
 * size per script that keeps coming back so that freed blocks fit exactly.
 *
 * Worlds lean toward small: exhaustion must be a few operations away.
 *
 * Always true: the same sequence of random numbers gives the same result; what is drawn is in
 * range, so decoding changes nothing.
 *
 * Locks: none.  Cost: about 30 ns an operation.
 */
#include "fuzz/frame/swarm.h"

#include "machine/machine.h"

enum { WALK_ONE_IN = 32 };

void swarm_draw(struct swarm *swarm, const struct subject *subject, struct random *random,
		uint32_t cpus)
{
	static const uint8_t slots[] = { 2, 4, 8, 16, 32, 64 };
	static const uint8_t factors[] = { 0, 0, 0, 0, 1, 2, 4, 8 };
	swarm->subject = subject;
	swarm->random = random;
	swarm->slots = slots[random_below(random, COUNT_OF(slots))];
	swarm->cpus = random_one_in(random, 2) && subject->together == NULL ? 1 : cpus;
	swarm->size = 0;
	static const struct field any_size = { "size", IN_ARG, FORM_SIZE, 0, NULL };
	swarm->size = (int32_t)swarm_value(swarm, &any_size);
	swarm->weight_sum = 0;
	const bool all = random_one_in(random, 4);
	for (uint32_t k = 0; k < subject->op_count; k++) {
		const uint8_t factor = factors[random_below(random, COUNT_OF(factors))];
		swarm->weight[k] = subject->ops[k].weight * (all ? 1u : factor);
		swarm->weight_sum += swarm->weight[k];
	}
	if (swarm->weight_sum != 0) return;
	for (uint32_t k = 0; k < subject->op_count; k++) { /* all left out: then none */
		swarm->weight[k] = subject->ops[k].weight;
		swarm->weight_sum += swarm->weight[k];
	}
}

/* Near an edge: a little less, just so, a little more. */
static uint32_t around(struct random *r, uint32_t edge)
{
	static const uint8_t off[] = { 24, 24, 24, 23, 25, 16, 32, 8, 40, 0, 48, 17 };
	return edge + off[random_below(r, COUNT_OF(off))] - 24;
}

static uint32_t draw_size(struct swarm *swarm)
{
	struct random *r = swarm->random;
	const uint32_t kind = random_below(r, 16);
	if (kind < 4) return (uint32_t)swarm->size;
	if (kind < 8) return random_below(r, 256);
	if (kind < 10) return random_below(r, 2 * SLAB_SIZE_MAX);
	if (kind < 12) return around(r, 1u << random_below(r, 17));
	if (kind < 14) return around(r, PAGE_SIZE * random_below(r, 17));
	if (kind == 14) return random_below(r, 2);
	return random_one_in(r, 2) ? 0u - random_below(r, 2 * PAGE_SIZE)
				   : around(r, INT32_MAX - random_below(r, 64));
}

static uint32_t draw_number(struct swarm *swarm, const struct field *f)
{
	struct random *r = swarm->random;
	const uint32_t room = field_room(f);
	if (f->place == IN_SLOT) return random_below(r, (uint32_t)min_u64(swarm->slots, room));
	if (room == 0) {
		const uint64_t bits = random_u64(r);
		return (uint32_t)bits >> ((bits >> 32) % 32);
	}
	switch (random_below(r, 8)) {
	case 0: return room - 1;
	case 1: return 0;
	case 2:
	case 3: return random_below(r, (uint32_t)min_u64(room, 8));
	default: return random_below(r, room);
	}
}

uint32_t swarm_value(struct swarm *swarm, const struct field *f)
{
	struct random *r = swarm->random;
	switch (f->form) {
	case FORM_SIZE: return draw_size(swarm);
	case FORM_NAMES: return random_below(r, f->limit);
	case FORM_FLAGS:
		return random_one_in(r, 2) ? 0 : random_below(r, field_room(f)) & random_u64(r);
	default: return draw_number(swarm, f);
	}
}

static uint8_t draw_code(struct swarm *swarm)
{
	if (swarm->weight_sum == 0) return 0; /* a subject whose operations are all by hand */
	uint32_t at = random_below(swarm->random, swarm->weight_sum);
	uint8_t code = 0;
	while (at >= swarm->weight[code]) at -= swarm->weight[code++];
	return code;
}

struct script_op swarm_op(struct swarm *swarm)
{
	struct script_op op = {
		.code = draw_code(swarm),
		.cpu = (uint8_t)random_below(swarm->random, swarm->cpus),
	};
	const struct field *f = swarm->subject->ops[op.code].fields;
	for (unsigned i = 0; i < OP_FIELDS_MAX && f[i].name != NULL; i++)
		field_set(&f[i], &op, swarm_value(swarm, &f[i]));
	return op;
}

static uint16_t draw_pages(struct random *r)
{
	static const uint16_t pages[] = { 8, 16, 16, 32, 32, 64, 64, 64, 128, 256, 512, 1024 };
	const uint16_t base = pages[random_below(r, COUNT_OF(pages))];
	return random_one_in(r, 2) ? base : (uint16_t)(base - random_below(r, base / 8u));
}

/* Mostly off, else small, rarely anything. */
static uint8_t draw_depth(struct random *r, uint32_t most)
{
	if (random_one_in(r, 2)) return 0;
	return (uint8_t)random_below(r,
				     1 + (random_one_in(r, 2) ? (uint32_t)min_u64(most, 8) : most));
}

static uint8_t draw_flags(struct random *r)
{
	const uint8_t flags = (uint8_t)random_u64(r) & WORLD_FLAGS & ~WORLD_WALK_ALWAYS;
	return random_one_in(r, WALK_ONE_IN) ? flags | WORLD_WALK_ALWAYS : flags;
}

struct script_world swarm_world(struct random *r)
{
	struct script_world w = {
		.pages = draw_pages(r),
		.cpus = (uint8_t)(1 + random_below(r, SCRIPT_CPUS_DRAWN)),
		.flags = draw_flags(r),
		.cache_pages = draw_depth(r, SCRIPT_CACHE_MAX),
		.reserve = draw_depth(r, 32),
		.quarantine = draw_depth(r, 64),
		.redzone = draw_depth(r, SCRIPT_REDZONE_MAX),
		.magazine = draw_depth(r, SCRIPT_MAGAZINE_MAX),
		.window_pages = draw_depth(r, 255),
		.keep_pages = draw_depth(r, 32),
		.tag = (uint16_t)(random_one_in(r, 2) ? 0 : random_u64(r)),
	};
	script_world_clamp(&w);
	return w;
}

void swarm_world_change(struct random *r, struct script_world *w)
{
	const struct script_world other = swarm_world(r);
	switch (random_below(r, 11)) {
	case 0: w->pages = other.pages; break;
	case 1: w->cpus = other.cpus; break;
	case 2: w->flags = other.flags; break;
	case 3: w->cache_pages = other.cache_pages; break;
	case 4: w->reserve = other.reserve; break;
	case 5: w->quarantine = other.quarantine; break;
	case 6: w->redzone = other.redzone; break;
	case 7: w->magazine = other.magazine; break;
	case 8: w->window_pages = other.window_pages; break;
	case 9: w->keep_pages = other.keep_pages; break;
	default: w->tag = other.tag; break;
	}
}
