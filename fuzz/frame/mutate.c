/*
 * mutate.c -- scripts made, changed and crossed at random.
 *
 * A mutation takes the body apart into world, operations and data, changes a few of the parts, and
 * puts it together again, canonical.  Changes are those that mean something in a script: insert,
 * remove, repeat, move or copy a run of operations; draw one field anew; let an operation speak of
 * the handle, or happen on the CPU, that another one uses; change the world around them.
 * Bytes are never flipped blindly except in data, so no execution is spent on an operation that
 * means nothing, and no seeds are needed to begin with.
 *
 * Where operations run side by side, half of the changes are to their decisions (mutate_plan.c).
 *
 * The work area is static and holds the largest script there is; operations are moved within it
 * and written out at the end, cut to the caller's room.
 *
 * Always true: the result is a canonical body, and depends on the arguments alone.
 *
 * Locks: none; not reentrant.  Cost: a few microseconds plus 10 ns for each operation there is.
 */
#include "fuzz/frame/mutate.h"

#include "fuzz/frame/bytes.h"
#include "fuzz/frame/mutate_plan.h"
#include "machine/machine.h"

enum {
	HEAD_BYTES = SCRIPT_WORLD_BYTES + 2,
	DATA_MAX = 1 << 16,
	BURST_MAX = 32, /* operations added or touched at once */
};

/* A script taken apart. */
struct parts {
	struct script_world world;
	uint32_t ops;
	uint32_t ops_most; /* how many the caller has room for */
	struct script_op op[SCRIPT_OPS_MAX];
	size_t data_bytes;
	uint8_t data[DATA_MAX];
};

static struct parts work;

static uint32_t ops_in(size_t room)
{
	return (uint32_t)min_u64((room - HEAD_BYTES) / SCRIPT_OP_BYTES, SCRIPT_OPS_MAX);
}

static void take_apart(struct parts *p, const struct subject *subject, const uint8_t *body,
		       size_t bytes, size_t room)
{
	struct script s;
	script_open(&s, body, bytes);
	p->world = s.world;
	p->ops_most = ops_in(room);
	p->ops = (uint32_t)min_u64(s.ops, p->ops_most);
	for (uint32_t n = 0; n < p->ops; n++) p->op[n] = script_op_for(&s, subject, n);
	p->data_bytes = subject->reads_data ? min_u64(s.data_bytes, DATA_MAX) : 0;
	if (p->data_bytes != 0) memcpy(p->data, body + s.data_at, p->data_bytes);
}

static size_t put_together(struct parts *p, const struct subject *subject, uint8_t *out,
			   size_t room)
{
	uint8_t *at = out + HEAD_BYTES;
	script_world_clamp(&p->world);
	script_world_write(&p->world, out);
	put_u16(out + SCRIPT_WORLD_BYTES, (uint16_t)p->ops);
	for (uint32_t n = 0; n < p->ops; n++, at += SCRIPT_OP_BYTES) {
		struct script_op op = script_op_reduce(subject, p->op[n]);
		op.cpu %= p->world.cpus;
		script_op_write(&op, at);
	}
	const size_t data = min_u64(p->data_bytes, room - (size_t)(at - out));
	if (data != 0) memcpy(at, p->data, data);
	return (size_t)(at - out) + data;
}

/* --- runs of operations ----------------------------------------------------------------------- */

/* Makes room for `n` operations before number `at`; fewer when there is no more room. */
static uint32_t open_gap(struct parts *p, uint32_t at, uint32_t n)
{
	n = (uint32_t)min_u64(n, p->ops_most - p->ops);
	memmove(&p->op[at + n], &p->op[at], (p->ops - at) * sizeof(p->op[0]));
	p->ops += n;
	return n;
}

static void close_gap(struct parts *p, uint32_t at, uint32_t n)
{
	memmove(&p->op[at], &p->op[at + n], (p->ops - at - n) * sizeof(p->op[0]));
	p->ops -= n;
}

/* A run of 1 to `most` operations that lies within the script, which has some. */
static uint32_t pick_run(struct parts *p, struct random *r, uint32_t most, uint32_t *at)
{
	*at = random_below(r, p->ops);
	return 1 + random_below(r, (uint32_t)min_u64(p->ops - *at, most));
}

/* Operations that run side by side bring their decisions along. */
static void insert_planned(struct parts *p, struct swarm *swarm, uint32_t at, uint32_t wanted)
{
	struct script_op some[8];
	for (uint32_t i = 0; i < wanted; i++) {
		const uint32_t drawn = plan_draw_op(swarm, &p->world, some, COUNT_OF(some));
		const uint32_t n = open_gap(p, at, drawn);
		memcpy(&p->op[at], some, n * sizeof(some[0]));
		at += n;
	}
}

static void insert_new(struct parts *p, struct swarm *swarm)
{
	struct random *r = swarm->random;
	const uint32_t at = random_below(r, p->ops + 1);
	const uint32_t wanted = random_one_in(r, 2) ? 1 : 1 + random_below(r, BURST_MAX);
	if (swarm->subject->together != NULL) {
		insert_planned(p, swarm, at, wanted);
		return;
	}
	const uint32_t n = open_gap(p, at, wanted);
	for (uint32_t i = 0; i < n; i++) p->op[at + i] = swarm_op(swarm);
}

/* The script's own operations again, elsewhere or right after themselves. */
static void insert_copy(struct parts *p, struct swarm *swarm)
{
	static struct script_op copy[BURST_MAX];
	struct random *r = swarm->random;
	uint32_t from;
	const uint32_t length = pick_run(p, r, BURST_MAX, &from);
	memcpy(copy, &p->op[from], length * sizeof(copy[0]));
	uint32_t at = random_one_in(r, 2) ? from : random_below(r, p->ops + 1);
	for (uint32_t times = 1 + random_below(r, 4); times > 0; times--) {
		const uint32_t n = open_gap(p, at, length);
		memcpy(&p->op[at], copy, n * sizeof(copy[0]));
		at += n;
	}
}

static void remove_run(struct parts *p, struct swarm *swarm)
{
	struct random *r = swarm->random;
	uint32_t at;
	const uint32_t most = random_one_in(r, 8) ? p->ops : random_one_in(r, 2) ? 1 : BURST_MAX;
	const uint32_t n = pick_run(p, r, most, &at);
	close_gap(p, at, n);
}

static void swap_two(struct parts *p, struct swarm *swarm)
{
	const uint32_t a = random_below(swarm->random, p->ops);
	const uint32_t b = random_below(swarm->random, p->ops);
	const struct script_op kept = p->op[a];
	p->op[a] = p->op[b];
	p->op[b] = kept;
}

/* --- single operations ------------------------------------------------------------------------ */

static void change_field(struct parts *p, struct swarm *swarm)
{
	struct script_op *op = &p->op[random_below(swarm->random, p->ops)];
	if (op->code == SCRIPT_NOP) {
		*op = swarm_op(swarm);
		return;
	}
	const struct field *f = swarm->subject->ops[op->code].fields;
	unsigned fields = 0;
	while (fields < OP_FIELDS_MAX && f[fields].name != NULL) fields++;
	if (fields == 0) return;
	f += random_below(swarm->random, fields);
	field_set(f, op, swarm_value(swarm, f));
}

/* A little more or less, for edges that no table knows. */
static void nudge_arg(struct parts *p, struct swarm *swarm)
{
	struct script_op *op = &p->op[random_below(swarm->random, p->ops)];
	op->arg += random_below(swarm->random, 65) - 32;
}

static void share_slot(struct parts *p, struct swarm *swarm)
{
	const uint8_t slot = p->op[random_below(swarm->random, p->ops)].slot;
	p->op[random_below(swarm->random, p->ops)].slot = slot;
}

static void change_cpu(struct parts *p, struct swarm *swarm)
{
	uint32_t at;
	const uint32_t n = pick_run(p, swarm->random, BURST_MAX, &at);
	const uint8_t cpu = (uint8_t)random_below(swarm->random, p->world.cpus);
	for (uint32_t i = 0; i < n; i++) p->op[at + i].cpu = cpu;
}

static void replace_op(struct parts *p, struct swarm *swarm)
{
	p->op[random_below(swarm->random, p->ops)] = swarm_op(swarm);
}

/* --- decisions -------------------------------------------------------------------------------- */

/* One of the script's decisions, from a place at random on; p->ops: it has none. */
static uint32_t pick_decision(struct parts *p, struct swarm *swarm)
{
	const uint32_t from = random_below(swarm->random, p->ops);
	for (uint32_t i = 0; i < p->ops; i++) {
		const uint32_t at = (from + i) % p->ops;
		if (op_is_decision(swarm->subject, p->op[at].code)) return at;
	}
	return p->ops;
}

static void insert_decision(struct parts *p, struct swarm *swarm)
{
	const uint32_t at = 1 + random_below(swarm->random, p->ops);
	if (open_gap(p, at, 1) != 0) p->op[at] = plan_draw(swarm);
}

/* Where there is none yet, the first. */
static void change_decision(struct parts *p, struct swarm *swarm)
{
	const uint32_t at = pick_decision(p, swarm);
	if (at < p->ops)
		plan_change(swarm, &p->op[at]);
	else
		insert_decision(p, swarm);
}

static void repeat_decision(struct parts *p, struct swarm *swarm)
{
	const uint32_t at = pick_decision(p, swarm);
	if (at < p->ops && open_gap(p, at, 1) != 0 && random_one_in(swarm->random, 2))
		plan_change(swarm, &p->op[at]);
}

static void swap_decisions(struct parts *p, struct swarm *swarm)
{
	const uint32_t a = pick_decision(p, swarm), b = pick_decision(p, swarm);
	if (a == p->ops || b == p->ops) return;
	const struct script_op kept = p->op[a];
	p->op[a] = p->op[b];
	p->op[b] = kept;
}

static void remove_decision(struct parts *p, struct swarm *swarm)
{
	const uint32_t at = pick_decision(p, swarm);
	if (at < p->ops) close_gap(p, at, 1);
}

static void change_strategy(struct parts *p, struct swarm *swarm)
{
	plan_draw_world(swarm->random, &p->world);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void change_world(struct parts *p, struct swarm *swarm)
{
	swarm_world_change(swarm->random, &p->world);
}

/* A byte set, a word made small, large or big-endian small, a piece cut or doubled. */
static void change_data(struct parts *p, struct swarm *swarm)
{
	struct random *r = swarm->random;
	if (p->data_bytes < 8 || random_one_in(r, 8)) {
		const size_t n = min_u64(1 + random_below(r, 64), DATA_MAX - p->data_bytes);
		for (size_t i = 0; i < n; i++) p->data[p->data_bytes++] = (uint8_t)random_u64(r);
		return;
	}
	const uint32_t at = random_below(r, (uint32_t)p->data_bytes - 4);
	const uint32_t n = 1 + random_below(r, (uint32_t)min_u64(p->data_bytes - at - 1, 64));
	switch (random_below(r, 5)) {
	case 0: p->data[at] = (uint8_t)random_u64(r); break;
	case 1: p->data[at] ^= (uint8_t)(1u << random_below(r, 8)); break;
	case 2:
		memset(p->data + at, 0, 4);
		p->data[at + 3] = (uint8_t)random_below(r, 32);
		break;
	case 3: memset(p->data + at, random_one_in(r, 2) ? 0xff : 0, n); break;
	default:
		memmove(p->data + at, p->data + at + n, p->data_bytes - at - n);
		p->data_bytes -= n;
	}
}

typedef void (*change_fn)(struct parts *p, struct swarm *swarm);

static void change_plan(struct parts *p, struct swarm *swarm)
{
	static const change_fn changes[] = {
		insert_decision, insert_decision, change_decision, change_decision, change_decision,
		repeat_decision, swap_decisions,  remove_decision, change_strategy,
	};
	if (p->world.strategy != PLAN_LISTED) /* which disregards decisions */
		change_strategy(p, swarm);
	else
		changes[random_below(swarm->random, COUNT_OF(changes))](p, swarm);
}

static void change_once(struct parts *p, struct swarm *swarm)
{
	static const change_fn changes[] = {
		insert_new,   insert_new,   insert_copy, remove_run, remove_run, swap_two,
		change_field, change_field, nudge_arg,   share_slot, change_cpu, replace_op,
	};
	struct random *r = swarm->random;
	if (swarm->subject->reads_data && random_one_in(r, 2))
		change_data(p, swarm);
	else if (random_one_in(r, 12))
		change_world(p, swarm);
	else if (p->ops == 0)
		insert_new(p, swarm);
	else if (swarm->subject->together != NULL && random_one_in(r, 2))
		change_plan(p, swarm);
	else
		changes[random_below(r, COUNT_OF(changes))](p, swarm);
}

size_t script_mutate(const struct subject *subject, uint64_t seed, uint8_t *body, size_t bytes,
		     size_t room)
{
	struct random random = { seed };
	struct swarm swarm;
	if (room < HEAD_BYTES) return min_u64(bytes, room);
	take_apart(&work, subject, body, bytes, room);
	swarm_draw(&swarm, subject, &random, work.world.cpus);
	for (uint32_t times = 1 + random_below(&random, 5); times > 0; times--)
		change_once(&work, &swarm);
	return put_together(&work, subject, body, room);
}

/* Few operations as often as many, so that both short and long histories are seen. */
static uint32_t draw_length(struct random *r, uint32_t most)
{
	const uint32_t bits = 1 + random_below(r, bit_highest(most | 1) + 1);
	return (uint32_t)min_u64(1 + random_below(r, 1u << bits), most);
}

size_t script_generate(const struct subject *subject, uint64_t seed, uint32_t ops_most,
		       uint8_t *out, size_t room)
{
	struct random random = { seed };
	struct swarm swarm;
	ASSERT(room >= HEAD_BYTES);
	work.world = swarm_world(&random);
	work.ops_most = (uint32_t)min_u64(ops_in(room), ops_most);
	work.ops = draw_length(&random, work.ops_most);
	work.data_bytes = 0;
	if (subject->together != NULL) plan_draw_world(&random, &work.world);
	swarm_draw(&swarm, subject, &random, work.world.cpus);
	for (uint32_t n = 0; n < work.ops;) {
		if (random_one_in(&random, 128)) /* taste changes along a long script */
			swarm_draw(&swarm, subject, &random, work.world.cpus);
		if (subject->together != NULL)
			n += plan_draw_op(&swarm, &work.world, &work.op[n], work.ops - n);
		else
			work.op[n++] = swarm_op(&swarm);
	}
	for (uint32_t i = random_below(&random, 16); subject->reads_data && i > 0; i--)
		change_data(&work, &swarm);
	return put_together(&work, subject, out, room);
}

size_t script_generate_nth(const struct subject *subject, uint64_t seed, uint64_t nth,
			   uint32_t ops_most, uint8_t *out, size_t room)
{
	struct random random = { seed };
	random.state += random_u64(&random) ^ nth;
	return script_generate(subject, random_u64(&random), ops_most, out, room);
}

size_t script_cross(const struct subject *subject, uint64_t seed, const uint8_t *a, size_t a_bytes,
		    const uint8_t *b, size_t b_bytes, uint8_t *out, size_t room)
{
	struct random random = { seed };
	struct script other;
	if (room < HEAD_BYTES) return 0;
	take_apart(&work, subject, a, a_bytes, room);
	script_open(&other, b, b_bytes);
	if (random_one_in(&random, 4)) work.world = other.world;
	if (other.ops != 0) { /* a stretch of b goes into a, over what was there or between */
		const uint32_t from = random_below(&random, other.ops);
		const uint32_t wanted = 1 + random_below(&random, other.ops - from);
		const uint32_t at = random_below(&random, work.ops + 1);
		if (random_one_in(&random, 2)) work.ops = at; /* a's head, b's middle */
		const uint32_t n = open_gap(&work, at, wanted);
		for (uint32_t i = 0; i < n; i++)
			work.op[at + i] = script_op_for(&other, subject, from + i);
	}
	if (subject->reads_data && random_one_in(&random, 2)) {
		work.data_bytes = min_u64(other.data_bytes, DATA_MAX);
		if (work.data_bytes != 0) memcpy(work.data, b + other.data_at, work.data_bytes);
	}
	return put_together(&work, subject, out, room);
}
