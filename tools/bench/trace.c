/*
 * trace.c -- reads a trace and follows it once, to know its peak and that it makes sense.
 *
 * The text is somebody else's, so nothing in it is believed: an ID must be below the number of
 * lines, a number must fit, and every operation must be on a block that is live (or not yet, for
 * an alloc).  What passes can be played without further looking.
 *
 * One pass, a line at a time; no memory of its own, no library.
 */
#include "tools/bench/trace.h"

struct reader {
	const char *at;
	const char *end;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A decimal number after spaces; false when there is none or it is too large to be meant. */
static bool read_number(struct reader *r, uint64_t *out)
{
	uint64_t n = 0;
	while (r->at < r->end && *r->at == ' ') r->at++;
	if (r->at == r->end || !is_digit(*r->at)) return false;
	for (; r->at < r->end && is_digit(*r->at); r->at++) {
		if (n > UINT32_MAX) return false;
		n = n * 10 + (uint64_t)(*r->at - '0');
	}
	*out = n;
	return true;
}

static void skip_line(struct reader *r)
{
	while (r->at < r->end && *r->at != '\n') r->at++;
	if (r->at < r->end) r->at++;
}

/* One operation's line up to its newline; false when it is not one. */
static bool read_op(struct reader *r, struct trace_op *op)
{
	uint64_t id;
	const char kind = *r->at++;
	if (kind != 'a' && kind != 'r' && kind != 'f') return false;
	op->kind = kind == 'a' ? TRACE_ALLOC : kind == 'r' ? TRACE_REALLOC : TRACE_FREE;
	op->bytes = 0;
	if (!read_number(r, &id) || id > UINT32_MAX) return false;
	op->id = (uint32_t)id;
	if (op->kind != TRACE_FREE && !read_number(r, &op->bytes)) return false;
	return r->at == r->end || *r->at == '\n';
}

/* Lets `op` happen to the books; false when it cannot. */
static bool follow(struct trace *trace, struct trace_block *block, const struct trace_op *op,
		   uint64_t *live_bytes)
{
	if (block->live != (op->kind != TRACE_ALLOC)) return false;
	*live_bytes += op->bytes - block->bytes;
	block->bytes = op->bytes;
	block->live = op->kind != TRACE_FREE;
	trace->peak_bytes = max_u64(trace->peak_bytes, *live_bytes);
	if (op->id >= trace->ids) trace->ids = op->id + 1;
	return true;
}

uint32_t trace_lines(const char *text, size_t bytes)
{
	uint32_t n = 1;
	for (size_t i = 0; i < bytes; i++) n += text[i] == '\n';
	return n;
}

static void forget(const struct trace *trace, struct trace_block *blocks)
{
	for (uint32_t i = 0; i < trace->ids; i++) blocks[i] = (struct trace_block){ 0 };
}

uint32_t trace_parse(struct trace *trace, const char *text, size_t bytes, struct trace_op *ops,
		     struct trace_block *blocks)
{
	const uint32_t room = trace_lines(text, bytes);
	struct reader r = { text, text + bytes };
	uint64_t live_bytes = 0;
	uint32_t line = 0;

	*trace = (struct trace){ .ops = ops };
	for (; r.at < r.end; skip_line(&r)) {
		line++;
		if (*r.at == '\n' || is_digit(*r.at)) continue;
		struct trace_op *op = &ops[trace->count];
		if (!read_op(&r, op) || op->id >= room ||
		    !follow(trace, &blocks[op->id], op, &live_bytes)) {
			forget(trace, blocks);
			return line;
		}
		trace->count++;
	}
	forget(trace, blocks);
	return 0;
}
