/*
 * text.h -- the text twin of a script, for people.
 *
 *	# anything after a number sign is a comment
 *	subject heap
 *	world pages=64 cpus=2 walk=always
 *	!expect overlap
 *	alloc 3 size=100 align=16 @1
 *	free 3
 *	data 00ff10
 *
 * First the subject; then the world, of which only what differs from the world of zeroes need be
 * said; then one operation to a line: its name, a bare number where the table keeps one in the
 * slot, name=value for all else, and @cpu where that is not 0.  What is left out is 0.  Sizes may
 * be negative: -1 is the largest.  Flags are joined by +.  Numbers may be hexadecimal (0x).
 * Where operations run side by side, decisions follow the one they belong to (plan.h):
 *
 *	alloc 3 size=100 @1
 *	at lock.slab nth=2 run=0
 *
 * Exact: assembling what was disassembled gives the canonical body.  Hosted code; no allocation.
 */
#ifndef FUZZ_TEXT_H
#define FUZZ_TEXT_H

#include "fuzz/frame/subject.h"

/* Where text goes, piece by piece. */
struct text_out {
	void (*put)(void *context, const char *text, size_t bytes);
	void *context;
};

void text_put(const struct text_out *out, const char *format, ...) PRINTF_LIKE(2, 3);

enum text_style {
	TEXT_PLAIN = 0,
	TEXT_NUMBERED = 1 << 0, /* each operation's number after it, as a comment */
};

/* Writes a script as text.  `expects`: the id of an oracle for an !expect line, or NULL. */
void text_write(const struct script *s, const struct subject *subject, const char *expects,
		enum text_style style, const struct text_out *out);

/* Writes one operation, as text_write() does, without the line's end. */
void text_write_op(const struct subject *subject, const struct script_op *op,
		   const struct text_out *out);

/* What is wrong with a text, and where. */
struct text_fault {
	unsigned line; /* from 1; 0: with the whole */
	char said[200];
};

struct text_script {
	const struct subject *subject;
	const char *expects; /* an id of oracle.h, or NULL */
	uint8_t *body;       /* the caller's, SCRIPT_BODY_MAX bytes; canonical */
	size_t bytes;
};

/* True when the first line that says anything begins with "subject": meant as text. */
bool text_is(const char *text, size_t bytes);

/* Assembles.  False: *fault says what was expected on which line. */
bool text_read(const char *text, size_t bytes, struct text_script *script,
	       struct text_fault *fault);

/* --- the world's fields by name -------------------------------------------------------------- */

/* " name=value" for each that differs from the world of zeroes. */
void text_world_write(const struct script_world *w, const struct text_out *out);

/* Sets the one called `name` (`length` letters); false: fault->said tells why. */
bool text_world_set(struct script_world *w, const char *name, size_t length, const char *value,
		    size_t value_length, struct text_fault *fault);

/* --- for both --------------------------------------------------------------------------------- */

/* A whole number, decimal or 0x, that may be negative; false when it is none or beyond 33 bits. */
bool text_number(const char *text, size_t length, int64_t *value);

bool text_same(const char *text, size_t length, const char *word);

/* Whether a field's value stands bare after the operation's name: a slot's number, a site. */
static inline bool text_is_bare(const struct field *f)
{
	return f->form == FORM_SITE || (f->place == IN_SLOT && f->form == FORM_NUMBER);
}

/* Sets fault->said and returns false. */
bool text_refuse(struct text_fault *fault, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
