/*
 * text_write.c -- a script as text: the disassembler.
 *
 * Driven by the subject's table alone, so a new operation reads well the day it is added.  Goes
 * out piece by piece through the caller's function: no buffer has to be large enough, and a
 * report can be written from the small stack on which a fault happened.
 *
 * Always true: text_read() of what is written here is the canonical body.  What runs is what is
 * printed, because both come from script_op_for().
 *
 * Locks: none.  Cost: some 200 ns an operation.
 */
#include <string.h>

#include "fuzz/frame/plan.h"
#include "fuzz/frame/text.h"

enum { DATA_BYTES_PER_LINE = 32 };

static void write_site(uint32_t site, const struct text_out *out)
{
	char name[32];
	plan_site_name(site, name, sizeof(name));
	text_put(out, " %s", name);
}

static void write_flags(const struct field *f, uint32_t bits, const struct text_out *out)
{
	const char *before = "=";
	text_put(out, " %s", f->name);
	for (unsigned i = 0; i < f->limit; i++) {
		if (!(bits >> i & 1)) continue;
		text_put(out, "%s%s", before, f->names[i]);
		before = "+";
	}
}

static void write_field(const struct field *f, uint32_t value, const struct text_out *out)
{
	if (f->form == FORM_SITE)
		write_site(value, out);
	else if (text_is_bare(f))
		text_put(out, " %u", value);
	else if (f->form == FORM_NUMBER)
		text_put(out, " %s=%u", f->name, value);
	else if (f->form == FORM_SIZE)
		text_put(out, " %s=%d", f->name, (int32_t)value);
	else if (f->form == FORM_NAMES)
		text_put(out, " %s=%s", f->name, f->names[value]);
	else if (value != 0)
		write_flags(f, value, out);
}

void text_write_op(const struct subject *subject, const struct script_op *op,
		   const struct text_out *out)
{
	if (op->code == SCRIPT_NOP) {
		text_put(out, "nop");
		return;
	}
	const struct op_kind *kind = &subject->ops[op->code];
	text_put(out, "%s", kind->name);
	for (unsigned i = 0; i < OP_FIELDS_MAX && kind->fields[i].name != NULL; i++)
		write_field(&kind->fields[i], field_get(&kind->fields[i], op), out);
	if (op->cpu != 0) text_put(out, " @%u", op->cpu);
}

static void write_data(const uint8_t *data, size_t bytes, const struct text_out *out)
{
	for (size_t i = 0; i < bytes; i++) {
		if (i % DATA_BYTES_PER_LINE == 0) text_put(out, i == 0 ? "data " : "\ndata ");
		text_put(out, "%02x", data[i]);
	}
	if (bytes != 0) text_put(out, "\n");
}

void text_write(const struct script *s, const struct subject *subject, const char *expects,
		enum text_style style, const struct text_out *out)
{
	text_put(out, "subject %s\nworld", subject->name);
	const struct script_world world = script_world_for(&s->world, subject);
	text_world_write(&world, out);
	text_put(out, "\n");
	if (expects != NULL) text_put(out, "!expect %s\n", expects);
	for (uint32_t n = 0; n < s->ops; n++) {
		const struct script_op op = script_op_for(s, subject, n);
		text_write_op(subject, &op, out);
		if (style & TEXT_NUMBERED) text_put(out, "  # %u", n);
		text_put(out, "\n");
	}
	if (subject->reads_data) write_data(s->body + s->data_at, s->data_bytes, out);
}
