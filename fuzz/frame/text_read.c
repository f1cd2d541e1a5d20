/*
 * text_read.c -- text to a script: the assembler.
 *
 * Line by line, word by word; a word is what stands between blanks.  The first word says what the
 * line is: subject, world, !expect, data, nop, or one of the subject's operations.  The first
 * thing that is not understood ends it, and the fault names the line and what could have stood
 * there.  Nothing is guessed and nothing out of range is folded: text is written by people, and
 * a typing error that runs as something else costs an afternoon.
 *
 * The body is built in the caller's buffer in its final place: world and count at the end, each
 * operation and each data byte as it comes.
 *
 * Always true: a body made here is canonical; disassembling gives the same lines, comments and
 * spacing apart.
 *
 * Locks: none.  Cost: one pass over the text.
 */
#include <string.h>

#include "fuzz/frame/bytes.h"
#include "fuzz/frame/plan.h"
#include "fuzz/frame/text.h"

enum { HEAD_BYTES = SCRIPT_WORLD_BYTES + 2 };

struct word {
	const char *at;
	size_t length;
};

struct reader {
	struct text_script *script;
	struct text_fault *fault;
	struct script_world world;
	uint32_t ops;
	bool data;            /* a data line was seen: no more operations */
	const char *at, *end; /* what is left of the line, comment cut off */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct word next_word(struct reader *r)
{
	while (r->at < r->end && is_blank(*r->at)) r->at++;
	struct word w = { r->at, 0 };
	while (r->at < r->end && !is_blank(*r->at)) r->at++, w.length++;
	return w;
}

static bool word_is(struct word w, const char *text)
{
	return text_same(w.at, w.length, text);
}

/* For messages: as much of a word as fits, its length as printf's precision wants it. */
static int shown(struct word w)
{
	return (int)min_u64(w.length, 32);
}

/* name=value to two words; false when there is no equals sign. */
static bool word_split(struct word w, struct word *name, struct word *value)
{
	const char *equals = memchr(w.at, '=', w.length);
	if (equals == NULL) return false;
	*name = (struct word){ w.at, (size_t)(equals - w.at) };
	*value = (struct word){ equals + 1, w.length - name->length - 1 };
	return true;
}

static bool read_subject(struct reader *r)
{
	char name[SCRIPT_NAME_MAX + 1] = { 0 };
	const struct word w = next_word(r);
	if (r->script->subject != NULL) return text_refuse(r->fault, "a second subject");
	if (w.length <= SCRIPT_NAME_MAX) memcpy(name, w.at, w.length);
	r->script->subject = subject_find(name);
	if (r->script->subject != NULL) return true;
	return text_refuse(r->fault, "no subject is called `%.*s` here", shown(w), w.at);
}

static bool read_world(struct reader *r)
{
	struct word w, name, value;
	if (r->ops != 0) return text_refuse(r->fault, "the world stands before the operations");
	while ((w = next_word(r)).length != 0) {
		if (!word_split(w, &name, &value))
			return text_refuse(r->fault, "expected name=value, not `%.*s`", shown(w),
					   w.at);
		if (!text_world_set(&r->world, name.at, name.length, value.at, value.length,
				    r->fault))
			return false;
	}
	return true;
}

static bool read_expect(struct reader *r)
{
	char id[32] = { 0 };
	const struct word w = next_word(r);
	if (r->script->expects != NULL) return text_refuse(r->fault, "a second !expect");
	if (w.length < sizeof(id)) memcpy(id, w.at, w.length);
	r->script->expects = oracle_find(id);
	if (r->script->expects != NULL) return true;
	return text_refuse(r->fault, "there is no oracle `%.*s`", shown(w), w.at);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_data(struct reader *r)
{
	struct word w;
	if (!r->script->subject->reads_data)
		return text_refuse(r->fault, "%s reads no data", r->script->subject->name);
	r->data = true;
	while ((w = next_word(r)).length != 0) {
		if (w.length % 2 != 0)
			return text_refuse(r->fault, "expected two digits to a byte");
		for (size_t i = 0; i < w.length; i += 2) {
			const int high = hex_value(w.at[i]), low = hex_value(w.at[i + 1]);
			if (high < 0 || low < 0)
				return text_refuse(r->fault, "expected digits 0 to 9, a to f");
			if (r->script->bytes == SCRIPT_BODY_MAX)
				return text_refuse(r->fault, "more than %u bytes in all",
						   SCRIPT_BODY_MAX);
			r->script->body[r->script->bytes++] = (uint8_t)(high << 4 | low);
		}
	}
	return true;
}

static bool find_name(const struct field *f, struct word w, uint32_t *index)
{
	for (*index = 0; *index < f->limit; ++*index)
		if (word_is(w, f->names[*index])) return true;
	return false;
}

/* Says which names a field knows. */
static bool refuse_name(struct reader *r, const struct field *f, struct word w)
{
	char known[120] = { 0 };
	for (unsigned i = 0; i < f->limit; i++) {
		if (strlen(known) + strlen(f->names[i]) + 2 > sizeof(known)) break;
		strcat(known, " ");
		strcat(known, f->names[i]);
	}
	return text_refuse(r->fault, "%s: `%.*s` is none of:%s", f->name, shown(w), w.at, known);
}

static bool read_flags(struct reader *r, const struct field *f, struct word w, uint32_t *bits)
{
	const char *end = w.at + w.length;
	*bits = 0;
	for (const char *at = w.at; at <= end;) {
		const char *plus = memchr(at, '+', (size_t)(end - at));
		const struct word one = { at, (size_t)((plus == NULL ? end : plus) - at) };
		uint32_t index;
		if (!find_name(f, one, &index)) return refuse_name(r, f, one);
		*bits |= 1u << index;
		if (plus == NULL) break;
		at = plus + 1;
	}
	return true;
}

static bool read_value(struct reader *r, const struct field *f, struct word w, uint32_t *value)
{
	if (f->form == FORM_NAMES) return find_name(f, w, value) || refuse_name(r, f, w);
	if (f->form == FORM_FLAGS) return read_flags(r, f, w, value);
	if (f->form == FORM_SITE)
		return plan_site_read(w.at, w.length, value) ||
		       text_refuse(r->fault, "%s: expected KIND.DETAIL or 0x..., not `%.*s`",
				   f->name, shown(w), w.at);
	const uint32_t room = field_room(f);
	const int64_t least = f->form == FORM_SIZE ? INT32_MIN : 0;
	const int64_t most = f->form == FORM_SIZE ? INT32_MAX : (int64_t)(room - 1);
	int64_t n;
	if (!text_number(w.at, w.length, &n) || n < least || n > most)
		return text_refuse(r->fault, "%s: expected %lld to %lld, not `%.*s`", f->name,
				   (long long)least, (long long)most, shown(w), w.at);
	*value = (uint32_t)n;
	return true;
}

/* The field a word is meant for: by name, or the bare one. */
static const struct field *find_field(const struct op_kind *kind, struct word name, bool bare)
{
	for (unsigned i = 0; i < OP_FIELDS_MAX && kind->fields[i].name != NULL; i++) {
		const struct field *f = &kind->fields[i];
		if (bare ? text_is_bare(f) : word_is(name, f->name)) return f;
	}
	return NULL;
}

static bool read_cpu(struct reader *r, struct word w, struct script_op *op)
{
	int64_t n;
	if (!text_number(w.at + 1, w.length - 1, &n) || n < 0 || n >= r->world.cpus)
		return text_refuse(r->fault, "expected @0 to @%u, the world's CPUs, not `%.*s`",
				   r->world.cpus - 1u, shown(w), w.at);
	op->cpu = (uint8_t)n;
	return true;
}

static bool read_field(struct reader *r, const struct op_kind *kind, struct word w,
		       struct script_op *op, unsigned *seen)
{
	struct word name = w, value = w;
	const bool bare = !word_split(w, &name, &value);
	const struct field *f = find_field(kind, name, bare);
	uint32_t n = 0;
	if (f == NULL)
		return text_refuse(r->fault, "%s does not take `%.*s`", kind->name, shown(w), w.at);
	if (*seen >> (f - kind->fields) & 1)
		return text_refuse(r->fault, "%s: a second %s", kind->name, f->name);
	*seen |= 1u << (f - kind->fields);
	if (!read_value(r, f, value, &n)) return false;
	field_set(f, op, n);
	return true;
}

static bool add_op(struct reader *r, const struct script_op *op)
{
	if (r->data) return text_refuse(r->fault, "operations stand before the data");
	if (r->ops == SCRIPT_OPS_MAX)
		return text_refuse(r->fault, "more than %u operations", SCRIPT_OPS_MAX);
	script_op_write(op, r->script->body + r->script->bytes);
	r->script->bytes += SCRIPT_OP_BYTES;
	r->ops++;
	return true;
}

static bool read_op(struct reader *r, struct word verb)
{
	const struct subject *subject = r->script->subject;
	struct script_op op = { .code = SCRIPT_NOP };
	struct word w;
	unsigned seen = 0;
	bool placed = false;
	for (uint32_t k = 0; k < subject->op_count; k++)
		if (word_is(verb, subject->ops[k].name)) op.code = (uint8_t)k;
	if (op.code == SCRIPT_NOP && !word_is(verb, "nop"))
		return text_refuse(r->fault, "`%.*s` is no operation of %s", shown(verb), verb.at,
				   subject->name);
	while ((w = next_word(r)).length != 0) {
		if (op.code == SCRIPT_NOP) return text_refuse(r->fault, "nop takes nothing");
		placed |= w.at[0] == '@';
		if (w.at[0] == '@' ? !read_cpu(r, w, &op)
				   : !read_field(r, &subject->ops[op.code], w, &op, &seen))
			return false;
	}
	if (placed && op_is_plan(subject, op.code) && !op_is_outside(subject, &op))
		return text_refuse(r->fault, "%s is on no CPU of its own",
				   subject->ops[op.code].name);
	return add_op(r, &op);
}

static bool read_line(struct reader *r)
{
	const struct word verb = next_word(r);
	if (verb.length == 0) return true;
	if (word_is(verb, "subject")) {
		if (!read_subject(r)) return false;
	} else if (r->script->subject == NULL) {
		return text_refuse(r->fault, "expected `subject NAME` first");
	} else if (word_is(verb, "world")) {
		return read_world(r);
	} else if (word_is(verb, "!expect")) {
		if (!read_expect(r)) return false;
	} else if (word_is(verb, "data")) {
		return read_data(r);
	} else {
		return read_op(r, verb);
	}
	const struct word more = next_word(r);
	return more.length == 0 ||
	       text_refuse(r->fault, "`%.*s` is too much", shown(more), more.at);
}

static bool check_strategy(struct reader *r)
{
	const struct subject *subject = r->script->subject;
	if (r->world.strategy == PLAN_LISTED)
		return r->world.seed == 0 ||
		       text_refuse(r->fault, "seed: the strategy `listed` draws no lots");
	return subject->together != NULL ||
	       text_refuse(r->fault, "strategy: %s has one operation at a time", subject->name);
}

bool text_read(const char *text, size_t bytes, struct text_script *script, struct text_fault *fault)
{
	struct reader r = { .script = script, .fault = fault };
	const char *end = text + bytes;
	script_world_clamp(&r.world);
	script->subject = NULL;
	script->expects = NULL;
	script->bytes = HEAD_BYTES;
	fault->line = 0;
	while (text < end) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));
		if (line_end == NULL) line_end = end;
		const char *comment = memchr(text, '#', (size_t)(line_end - text));
		r.at = text;
		r.end = comment == NULL ? line_end : comment;
		fault->line++;
		if (!read_line(&r)) return false;
		text = line_end + 1;
	}
	if (script->subject == NULL) return text_refuse(fault, "expected `subject NAME`");
	if (!check_strategy(&r)) return false;
	script_world_write(&r.world, script->body);
	put_u16(script->body + SCRIPT_WORLD_BYTES, (uint16_t)r.ops);
	return true;
}

bool text_is(const char *text, size_t bytes)
{
	static const char first[] = "subject ";
	const char *end = text + bytes;
	while (text < end && (is_blank(*text) || *text == '\n' || *text == '#')) {
		if (*text++ != '#') continue;
		while (text < end && *text != '\n') text++;
	}
	return (size_t)(end - text) >= sizeof(first) - 1 &&
	       memcmp(text, first, sizeof(first) - 1) == 0;
}
