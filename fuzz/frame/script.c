/*
 * script.c -- bytes to script and back.
 *
 * The decoder is total: whatever the bytes, there is a world and a list of operations in them.
 * So engines may cut, splice and flip as they like, and no input is wasted on an error path.
 *
 * How a value that is out of range becomes legal matters for both ends.  A value in range stays
 * as it is; one that is not is folded by remainder, which spreads an engine's random bytes over
 * the range where cutting off would pile them up at its end.
 *
 * Always true:
 *   S1  a run sees an operation only through script_op_for(), where every field that the
 *       subject's table names is reduced by that table and every other field is zero.  So the
 *       text twin, which prints what the table names, loses nothing;
 *   S2  reducing is idempotent; therefore canonical(canonical(b)) == canonical(b), and a body
 *       and its canonical form run alike;
 *   S3  canonical form keeps the number of every operation: one that the subject does not know
 *       stays as SCRIPT_NOP.  A finding's "operation 17" means the same in every form.
 *
 * Locks: none.  Cost: a few loads per operation; nothing is copied or allocated.
 */
#include "fuzz/frame/bytes.h"
#include "fuzz/frame/plan.h"
#include "machine/machine.h"

enum { HEAD_BYTES = SCRIPT_WORLD_BYTES + 2, SITE_BITS = 21 };

/* A value in 0..limit stays; a larger one is folded into that range. */
static uint8_t fold(uint8_t value, uint8_t limit)
{
	return value <= limit ? value : (uint8_t)(value % (limit + 1u));
}

static uint16_t fold_pages(uint16_t pages)
{
	if (pages < SCRIPT_PAGES_MIN) return SCRIPT_PAGES_MIN;
	if (pages <= SCRIPT_PAGES_MAX) return pages;
	return (uint16_t)(SCRIPT_PAGES_MIN + pages % (SCRIPT_PAGES_MAX - SCRIPT_PAGES_MIN + 1));
}

static uint8_t fold_cpus(uint8_t cpus)
{
	if (cpus >= 1 && cpus <= SCRIPT_CPUS_MAX) return cpus;
	return (uint8_t)(1 + cpus % SCRIPT_CPUS_DRAWN);
}

void script_world_clamp(struct script_world *w)
{
	w->pages = fold_pages(w->pages);
	w->cpus = fold_cpus(w->cpus);
	w->flags &= WORLD_FLAGS;
	w->cache_pages = fold(w->cache_pages, SCRIPT_CACHE_MAX);
	w->redzone = (uint8_t)(fold(w->redzone, SCRIPT_REDZONE_MAX) & ~7u);
	w->magazine = fold(w->magazine, SCRIPT_MAGAZINE_MAX);
	w->strategy = fold(w->strategy, PLAN_STRATEGIES - 1);
	if (w->strategy == PLAN_LISTED) w->seed = 0;
}

static struct script_world world_read(const uint8_t *at)
{
	struct script_world w = {
		.pages = get_u16(at),
		.cpus = at[2],
		.flags = at[3],
		.cache_pages = at[4],
		.reserve = at[5],
		.quarantine = at[6],
		.redzone = at[7],
		.magazine = at[8],
		.window_pages = at[9],
		.keep_pages = at[10],
		.strategy = at[11],
		.seed = get_u16(at + 12),
		.tag = get_u16(at + 14),
	};
	script_world_clamp(&w);
	return w;
}

void script_world_write(const struct script_world *w, uint8_t *at)
{
	put_u16(at, w->pages);
	at[2] = w->cpus;
	at[3] = w->flags;
	at[4] = w->cache_pages;
	at[5] = w->reserve;
	at[6] = w->quarantine;
	at[7] = w->redzone;
	at[8] = w->magazine;
	at[9] = w->window_pages;
	at[10] = w->keep_pages;
	at[11] = w->strategy;
	put_u16(at + 12, w->seed);
	put_u16(at + 14, w->tag);
}

void script_op_write(const struct script_op *op, uint8_t *at)
{
	at[0] = op->code;
	at[1] = op->cpu;
	at[2] = op->slot;
	at[3] = op->aux;
	put_u32(at + 4, op->arg);
}

void script_open(struct script *s, const uint8_t *body, size_t bytes)
{
	uint8_t head[HEAD_BYTES] = { 0 };
	bytes = min_u64(bytes, SCRIPT_BODY_MAX);
	const size_t have = min_u64(bytes, HEAD_BYTES);
	if (have != 0) memcpy(head, body, have);

	const size_t rest = bytes - have;
	const size_t present = (rest + SCRIPT_OP_BYTES - 1) / SCRIPT_OP_BYTES;
	const size_t named = min_u64(get_u16(head + SCRIPT_WORLD_BYTES), SCRIPT_OPS_MAX);
	s->body = body;
	s->bytes = bytes;
	s->world = world_read(head);
	s->ops = (uint32_t)min_u64(named, present);
	s->data_at = have + min_u64(rest, s->ops * (size_t)SCRIPT_OP_BYTES);
	s->data_bytes = bytes - s->data_at;
}

static struct script_op op_read(const uint8_t *at, unsigned cpus)
{
	const uint64_t all = get_u64(at);
	const uint8_t cpu = (uint8_t)(all >> 8);
	return (struct script_op){
		.code = (uint8_t)all,
		.cpu = cpu < cpus ? cpu : (uint8_t)(cpu % cpus),
		.slot = (uint8_t)(all >> 16) % SCRIPT_SLOTS,
		.aux = (uint8_t)(all >> 24),
		.arg = (uint32_t)(all >> 32),
	};
}

struct script_op script_op(const struct script *s, uint32_t n)
{
	ASSERT(n < s->ops);
	const size_t at = HEAD_BYTES + n * (size_t)SCRIPT_OP_BYTES;
	if (LIKELY(at + SCRIPT_OP_BYTES <= s->bytes)) return op_read(s->body + at, s->world.cpus);

	uint8_t padded[SCRIPT_OP_BYTES] = { 0 }; /* the last one, cut short */
	memcpy(padded, s->body + at, s->bytes - at);
	return op_read(padded, s->world.cpus);
}

static inline uint32_t room_of(const struct field *f)
{
	if (f->form == FORM_FLAGS) return 1u << f->limit;
	if (f->limit != 0) return f->limit;
	switch (f->place) {
	case IN_SLOT: return SCRIPT_SLOTS;
	case IN_AUX: return 1u << 8;
	case IN_ARG: return 0;
	case IN_SITE: return 1u << SITE_BITS;
	case IN_NTH: return 1u << (32 - SITE_BITS);
	default: return 1u << 16;
	}
}

static uint32_t place_get(uint8_t place, const struct script_op *op)
{
	switch (place) {
	case IN_SLOT: return op->slot;
	case IN_AUX: return op->aux;
	case IN_LOW: return op->arg & 0xffff;
	case IN_HIGH: return op->arg >> 16;
	case IN_SITE: return op->arg & ((1u << SITE_BITS) - 1);
	case IN_NTH: return op->arg >> SITE_BITS;
	default: return op->arg;
	}
}

uint32_t field_room(const struct field *f)
{
	return room_of(f);
}

static inline uint32_t reduced(const struct field *f, uint32_t value)
{
	const uint32_t room = room_of(f);
	return room == 0 || value < room ? value : value % room;
}

uint32_t field_get(const struct field *f, const struct script_op *op)
{
	return reduced(f, place_get(f->place, op));
}

void field_set(const struct field *f, struct script_op *op, uint32_t value)
{
	switch (f->place) {
	case IN_SLOT: op->slot = (uint8_t)value; break;
	case IN_AUX: op->aux = (uint8_t)value; break;
	case IN_LOW: op->arg = (op->arg & 0xffff0000u) | (value & 0xffff); break;
	case IN_HIGH: op->arg = (op->arg & 0xffff) | value << 16; break;
	case IN_SITE: op->arg = (op->arg >> SITE_BITS << SITE_BITS) | value; break;
	case IN_NTH: op->arg = (op->arg & ((1u << SITE_BITS) - 1)) | value << SITE_BITS; break;
	default: op->arg = value;
	}
}

struct script_op script_op_reduce(const struct subject *subject, struct script_op op)
{
	if (op.code >= subject->op_count) return (struct script_op){ .code = SCRIPT_NOP };
	struct script_op out = { .code = op.code, .cpu = op.cpu };
	const struct field *f = subject->ops[op.code].fields;
	for (unsigned i = 0; i < OP_FIELDS_MAX && f->name != NULL; i++, f++) {
		switch (f->place) {
		case IN_SLOT: out.slot = (uint8_t)reduced(f, op.slot); break;
		case IN_AUX: out.aux = (uint8_t)reduced(f, op.aux); break;
		case IN_ARG: out.arg = reduced(f, op.arg); break;
		default: field_set(f, &out, field_get(f, &op));
		}
	}
	/* What belongs to the operation before it, or to all, is on no CPU of its own. */
	if (op_is_plan(subject, op.code) && !op_is_outside(subject, &out)) out.cpu = 0;
	return out;
}

struct script_op script_op_for(const struct script *s, const struct subject *subject, uint32_t n)
{
	return script_op_reduce(subject, script_op(s, n));
}

struct script_world script_world_for(const struct script_world *w, const struct subject *subject)
{
	struct script_world out = *w;
	if (subject->together == NULL) out.strategy = PLAN_LISTED, out.seed = 0;
	return out;
}

size_t script_canonical(const struct script *s, const struct subject *subject, uint8_t *out,
			size_t room)
{
	const size_t data = subject->reads_data ? s->data_bytes : 0;
	const size_t bytes = HEAD_BYTES + s->ops * (size_t)SCRIPT_OP_BYTES + data;
	if (bytes > room) return 0;
	const struct script_world world = script_world_for(&s->world, subject);
	script_world_write(&world, out);
	put_u16(out + SCRIPT_WORLD_BYTES, (uint16_t)s->ops);
	uint8_t *at = out + HEAD_BYTES;
	for (uint32_t n = 0; n < s->ops; n++, at += SCRIPT_OP_BYTES) {
		const struct script_op op = script_op_for(s, subject, n);
		script_op_write(&op, at);
	}
	if (data != 0) memcpy(at, s->body + s->data_at, data);
	return bytes;
}

/* Whether two places share bits: all of arg with any part of it, and every place with itself. */
static bool places_meet(uint8_t a, uint8_t b)
{
	static const uint64_t bits[] = {
		[IN_SLOT] = 1ull << 32,
		[IN_AUX] = 1ull << 33,
		[IN_ARG] = UINT32_MAX,
		[IN_LOW] = 0xffff,
		[IN_HIGH] = 0xffff0000,
		[IN_SITE] = (1u << SITE_BITS) - 1,
		[IN_NTH] = UINT32_MAX - ((1u << SITE_BITS) - 1),
	};
	return (bits[a] & bits[b]) != 0;
}

/* A field's place has room for all its values, and no other field of the operation is there. */
static const char *field_fault(const struct op_kind *kind, unsigned n)
{
	static const uint8_t place_bits[] = {
		[IN_SLOT] = 6,
		[IN_AUX] = 8,
		[IN_ARG] = 32,
		[IN_LOW] = 16,
		[IN_HIGH] = 16,
		[IN_SITE] = SITE_BITS,
		[IN_NTH] = 32 - SITE_BITS,
	};
	const struct field *f = &kind->fields[n];
	if (f->place >= COUNT_OF(place_bits) || f->form > FORM_SITE)
		return "a field's place or form is unknown";
	if (f->form == FORM_SITE && f->limit != PLAN_SITES) return "a site has PLAN_SITES values";
	const unsigned bits = place_bits[f->place];
	if (f->form == FORM_SIZE && (f->place != IN_ARG || f->limit != 0))
		return "a size needs all of arg";
	if ((f->form == FORM_NAMES || f->form == FORM_FLAGS) && (f->limit == 0 || f->names == NULL))
		return "names are missing";
	if (f->form == FORM_FLAGS && f->limit > min_u64(bits, 31)) return "too many flags";
	if (f->form != FORM_FLAGS && (uint64_t)f->limit > 1ull << bits)
		return "a limit is too large";
	for (unsigned i = 0; i < n; i++)
		if (places_meet(kind->fields[i].place, f->place)) return "two fields share a place";
	return NULL;
}

const char *subject_fault(const struct subject *subject)
{
	if (subject->op_count == 0 || subject->op_count > SCRIPT_NOP) return "1 to 255 operations";
	for (uint32_t k = 0; k < subject->op_count; k++) {
		const struct op_kind *kind = &subject->ops[k];
		if (kind->name == NULL || (kind->step == NULL) != op_is_plan(subject, (uint8_t)k))
			return "an operation lacks name or step";
		for (unsigned i = 0; i < OP_FIELDS_MAX && kind->fields[i].name != NULL; i++) {
			const char *fault = field_fault(kind, i);
			if (fault != NULL) return fault;
		}
	}
	return NULL;
}
