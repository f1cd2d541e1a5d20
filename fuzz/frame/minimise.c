/*
 * minimise.c -- a finding made as small as it still is one.
 *
 * Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
 * 2002): whatever can be taken away with the same oracle still firing, is.  First operations with
 * the decisions that belong to them, in runs of half of them, a quarter, down to single ones; then
 * decisions, the same way, so that what remains are the turns that matter: as few as there can be
 * with any one of them taken away; then fields of operations, of decisions and of the world, each
 * towards zero; then decisions that count in terms of one build become ones that every machine
 * knows, where one nearby will do.  All of it again, until a round changes nothing.
 *
 * The oracle is what is kept, not the words or the operation: other words of one oracle are mostly
 * the same fault seen a moment later.
 *
 * Always true: `best` fires the oracle; it was run.
 *
 * Locks: none.  Cost: a child process for each attempt, some milliseconds.
 */
#include "fuzz/frame/minimise.h"

#include <string.h>

#include "fuzz/frame/bytes.h"

enum { HEAD_BYTES = SCRIPT_WORLD_BYTES + 2, CALLS_TRIED = 6 };

/* --- apart and together ----------------------------------------------------------------------- */

static void take_apart(struct minimise_parts *p, const struct subject *subject, const uint8_t *body,
		       size_t bytes)
{
	struct script s;
	script_open(&s, body, bytes);
	p->world = script_world_for(&s.world, subject);
	p->ops = s.ops;
	for (uint32_t n = 0; n < s.ops; n++) p->op[n] = script_op_for(&s, subject, n);
	p->data_bytes = subject->reads_data ? min_u64(s.data_bytes, sizeof(p->data)) : 0;
	if (p->data_bytes != 0) memcpy(p->data, body + s.data_at, p->data_bytes);
}

static size_t put_together(const struct minimise_parts *p, const struct subject *subject,
			   uint8_t *out, size_t room)
{
	const size_t bytes = HEAD_BYTES + p->ops * (size_t)SCRIPT_OP_BYTES + p->data_bytes;
	struct script_world world = p->world;
	uint8_t *at = out + HEAD_BYTES;
	if (bytes > room) return 0;
	script_world_clamp(&world);
	script_world_write(&world, out);
	put_u16(out + SCRIPT_WORLD_BYTES, (uint16_t)p->ops);
	for (uint32_t n = 0; n < p->ops; n++, at += SCRIPT_OP_BYTES) {
		struct script_op op = script_op_reduce(subject, p->op[n]);
		op.cpu %= world.cpus;
		script_op_write(&op, at);
	}
	if (p->data_bytes != 0) memcpy(at, p->data, p->data_bytes);
	return bytes;
}

size_t minimise_body(const struct minimise *m, uint8_t *out, size_t room)
{
	return put_together(&m->best, m->subject, out, room);
}

unsigned minimise_decisions(const struct minimise *m)
{
	unsigned count = 0;
	for (uint32_t n = 0; n < m->best.ops; n++)
		count += op_is_decision(m->subject, m->best.op[n].code);
	return count;
}

/* --- attempts --------------------------------------------------------------------------------- */

/* Runs `next`; it becomes the best when the oracle still fires. */
static bool attempt(struct minimise *m)
{
	static uint8_t body[SCRIPT_BODY_MAX];
	if (m->runs >= m->budget) return false;
	const size_t bytes = put_together(&m->next, m->subject, body, sizeof(body));
	if (bytes == 0) return false;
	m->runs++;
	const struct ending end = end_of(m->subject, body, bytes, m->seconds);
	if (end.oracle == NULL || strcmp(end.oracle, m->oracle) != 0) return false;
	m->best = m->next;
	m->end = end;
	return true;
}

static void next_without(struct minimise *m, uint32_t from, uint32_t end)
{
	m->next = m->best;
	memmove(&m->next.op[from], &m->next.op[end], (m->next.ops - end) * sizeof(m->next.op[0]));
	m->next.ops -= end - from;
}

static bool is_decision(const struct minimise *m, uint32_t n)
{
	return op_is_decision(m->subject, m->best.op[n].code);
}

/* The places where pieces begin: operations, each with its decisions; or decisions alone. */
static uint32_t pieces_of(const struct minimise *m, bool decisions, uint32_t *starts)
{
	uint32_t count = 0;
	for (uint32_t n = 0; n < m->best.ops; n++)
		if (is_decision(m, n) == decisions) starts[count++] = n;
	return count;
}

static uint32_t piece_end(const struct minimise *m, uint32_t start, bool decisions)
{
	uint32_t end = start + 1;
	while (!decisions && end < m->best.ops && is_decision(m, end)) end++;
	return end;
}

/* Pieces `first` to `last` - 1, which need not be neighbours. */
static void next_without_pieces(struct minimise *m, const uint32_t *starts, uint32_t first,
				uint32_t last, bool decisions)
{
	uint32_t kept = 0, piece = first;
	m->next = m->best;
	for (uint32_t n = 0; n < m->best.ops;) {
		if (piece < last && starts[piece] == n) {
			n = piece_end(m, n, decisions);
			piece++;
		} else {
			m->next.op[kept++] = m->best.op[n++];
		}
	}
	m->next.ops = kept;
}

static bool remove_pieces(struct minimise *m, bool decisions)
{
	static uint32_t starts[SCRIPT_OPS_MAX];
	bool changed = false;
	uint32_t count = pieces_of(m, decisions, starts);
	for (uint32_t size = (count + 1) / 2; size != 0 && count != 0; size /= 2) {
		for (uint32_t first = 0; first < count;) {
			const uint32_t last = (uint32_t)min_u64(first + size, count);
			next_without_pieces(m, starts, first, last, decisions);
			if (attempt(m)) {
				changed = true;
				count = pieces_of(m, decisions, starts);
			} else {
				first = last;
			}
		}
	}
	return changed;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool try_field(struct minimise *m, uint32_t n, const struct field *f)
{
	const uint32_t was = field_get(f, &m->best.op[n]);
	const uint32_t tries[] = { 0, 1, was / 2, was - 1 }; /* the last: a flag less */
	for (unsigned i = 0; i < COUNT_OF(tries); i++) {
		if (tries[i] >= was || f->form == FORM_SITE) continue;
		if (is_decision(m, n) && f->place == IN_SLOT && tries[i] != (was & ~PLAN_TICK))
			continue; /* a landmark stays one */
		if (tries[i] == 0 && is_decision(m, n) && f->place >= IN_ARG) continue; /* as 1 */
		m->next = m->best;
		field_set(f, &m->next.op[n], tries[i]);
		if (attempt(m)) return true;
	}
	return false;
}

static bool try_cpu(struct minimise *m, uint32_t n)
{
	for (uint8_t cpu = 0; cpu < m->best.op[n].cpu; cpu++) {
		m->next = m->best;
		m->next.op[n].cpu = cpu;
		if (attempt(m)) return true;
	}
	return false;
}

static bool shrink_values(struct minimise *m)
{
	bool changed = false;
	for (uint32_t n = 0; n < m->best.ops; n++) {
		if (m->best.op[n].code == SCRIPT_NOP) continue;
		const struct field *f = m->subject->ops[m->best.op[n].code].fields;
		for (unsigned i = 0; i < OP_FIELDS_MAX && f[i].name != NULL; i++)
			while (try_field(m, n, &f[i])) changed = true;
		changed |= try_cpu(m, n);
	}
	return changed;
}

/* --- the world -------------------------------------------------------------------------------- */

static bool try_world(struct minimise *m, const struct script_world *w)
{
	if (memcmp(w, &m->best.world, sizeof(*w)) == 0) return false;
	m->next = m->best;
	m->next.world = *w;
	return attempt(m);
}

/* Fields that are a byte each and mean nothing at 0. */
static bool shrink_bytes(struct minimise *m)
{
	static const uint8_t at[] = {
		offsetof(struct script_world, cache_pages),
		offsetof(struct script_world, reserve),
		offsetof(struct script_world, quarantine),
		offsetof(struct script_world, redzone),
		offsetof(struct script_world, magazine),
		offsetof(struct script_world, window_pages),
		offsetof(struct script_world, keep_pages),
		offsetof(struct script_world, tag),
		offsetof(struct script_world, tag) + 1,
	};
	bool changed = false;
	for (unsigned i = 0; i < COUNT_OF(at); i++) {
		struct script_world w = m->best.world;
		((uint8_t *)&w)[at[i]] = 0;
		changed |= try_world(m, &w);
	}
	return changed;
}

static bool shrink_world(struct minimise *m)
{
	bool changed = shrink_bytes(m);
	for (unsigned bit = 0; bit < 4; bit++) {
		struct script_world w = m->best.world;
		w.flags &= (uint8_t) ~(1u << bit);
		changed |= try_world(m, &w);
	}
	struct script_world w = m->best.world;
	for (w.cpus--; w.cpus != 0; w.cpus--)
		if (try_world(m, &w)) changed = true;
	for (uint16_t pages = SCRIPT_PAGES_MIN; pages < m->best.world.pages; pages *= 2) {
		w = m->best.world;
		w.pages = pages;
		if (!try_world(m, &w)) continue;
		changed = true;
		break;
	}
	return changed;
}

/* --- decisions -------------------------------------------------------------------------------- */

static bool means_one_build(const struct script_op *op)
{
	return op->code == PLAN_AFTER || (op->code == PLAN_AT && (op->slot & PLAN_STAY) == 0 &&
					  !plan_site_is_named(op->arg & ((1u << 21) - 1)));
}

/* A count of named points that does as well. */
static bool name_decisions(struct minimise *m)
{
	bool changed = false;
	for (uint32_t n = 0; n < m->best.ops; n++) {
		if (!is_decision(m, n) || !means_one_build(&m->best.op[n])) continue;
		for (uint32_t points = 1; points <= CALLS_TRIED; points++) {
			m->next = m->best;
			m->next.op[n].code = PLAN_CALLS;
			m->next.op[n].arg = points;
			if (!attempt(m)) continue;
			changed = true;
			break;
		}
	}
	return changed;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* What had not begun when the oracle fired did nothing; strategies look at it all the same. */
static void cut_tail(struct minimise *m)
{
	const bool together = m->subject->together != NULL;
	uint32_t end = together ? m->end.reached : m->end.op + 1;
	while (end < m->best.ops && is_decision(m, end)) end++;
	if (end >= m->best.ops) return;
	next_without(m, end, m->best.ops);
	attempt(m);
}

/* Its turns as decisions, if it still fires so. */
static bool write_turns(struct minimise *m)
{
	static uint8_t body[SCRIPT_BODY_MAX], listed[SCRIPT_BODY_MAX];
	const char *why;
	const size_t bytes = minimise_body(m, body, sizeof(body));
	const size_t length = record_turns(m->subject, body, bytes, listed, sizeof(listed), &why);
	if (length == 0) return false;
	take_apart(&m->next, m->subject, listed, length);
	return attempt(m);
}

bool minimise_open(struct minimise *m, const struct subject *subject, const uint8_t *body,
		   size_t bytes)
{
	m->subject = subject;
	m->runs = 1;
	m->end = end_of(subject, body, bytes, m->seconds);
	m->oracle = m->end.oracle;
	if (m->oracle == NULL) return false;
	take_apart(&m->best, subject, body, bytes);
	cut_tail(m);
	return true;
}

void minimise_run(struct minimise *m)
{
	const bool together = m->subject->together != NULL;
	if (together) write_turns(m);
	for (bool changed = true; changed && m->runs < m->budget;) {
		changed = remove_pieces(m, false);
		/* What had too many turns may have fewer now. */
		if (together && m->best.world.strategy != PLAN_LISTED) changed |= write_turns(m);
		if (together) changed |= remove_pieces(m, true);
		changed |= shrink_world(m);
		changed |= shrink_values(m);
		if (together) changed |= name_decisions(m);
		cut_tail(m);
	}
}
