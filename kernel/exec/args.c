/*
 * args.c -- strings on their way from one program to the next.
 *
 * They lie in chunks, one behind the other as they will on the stack, so a string may go on in the
 * next chunk.  Each is read once, straight from the user's memory to where it stays: whatever
 * another thread writes there meanwhile, what is counted is what was copied, and the copy has as
 * many ends as there are strings.
 *
 * Always true:
 *   A1  chunks hold `count` zero bytes, and the last byte is one of them;
 *   A2  `bytes` counts what is between all chunks' `from` and `used`, and is at most `most`.
 *
 * Locks: none.  Cost: one look at each byte in, one out; a chunk for each ARGS_CHUNK_BYTES.
 */
#include "kernel/exec/args.h"

#include "mm/mman.h"

enum { ARGS_CHUNK_BYTES = 2016, ARGS_POINTERS = 64 };

struct args_chunk {
	struct args_chunk *next;
	uint32_t from, used; /* bytes [from, used) are there */
	char text[ARGS_CHUNK_BYTES];
};
_Static_assert(sizeof(struct args_chunk) <= SLAB_SIZE_MAX, "chunks come from a slab");

void args_init(struct args *a, struct kmalloc *memory, uint64_t most)
{
	*a = (struct args){ .memory = memory, .most = most };
}

static void chunk_free(struct args *a, struct args_chunk *c)
{
	const enum kmalloc_verdict v = kmalloc_free(a->memory, c);

	ASSERT(v == KMALLOC_FREED);
}

void args_drop(struct args *a)
{
	while (a->first != NULL) {
		struct args_chunk *c = a->first;
		a->first = c->next;
		chunk_free(a, c);
	}
	a->last = NULL;
	a->count = 0;
	a->bytes = 0;
}

/* A chunk with room at the end; NULL without memory. */
static struct args_chunk *chunk_with_room(struct args *a)
{
	if (a->last != NULL && a->last->used < ARGS_CHUNK_BYTES) return a->last;
	struct args_chunk *c = kmalloc_alloc(a->memory, sizeof(*c), 0, SITE_NONE);
	if (c == NULL) return NULL;
	c->next = NULL;
	c->from = c->used = 0;
	*(a->last == NULL ? &a->first : &a->last->next) = c;
	a->last = c;
	return c;
}

static void took(struct args *a, struct args_chunk *c, uint64_t bytes)
{
	ASSERT(bytes <= ARGS_CHUNK_BYTES - c->used);
	c->used += (uint32_t)bytes;
	a->bytes += bytes;
}

/* --- in --------------------------------------------------------------------------------------- */

int args_add(struct args *a, const char *text)
{
	bool more = true;

	while (more) {
		struct args_chunk *c = chunk_with_room(a);
		if (c == NULL) return -ERR_NOMEM;
		if (a->bytes >= a->most) return -ERR_2BIG;
		c->text[c->used] = *text;
		more = *text++ != 0;
		took(a, c, 1);
	}
	a->count++;
	return 0;
}

/* As much of a string as goes into one chunk; 1: there is more of it. */
static int add_piece(struct args *a, struct space *s, uint64_t *from, uint64_t *left)
{
	struct args_chunk *c = chunk_with_room(a);

	if (c == NULL) return -ERR_NOMEM;
	const uint64_t room = min_u64(*left, ARGS_CHUNK_BYTES - c->used);
	if (room == 0) return -ERR_2BIG;
	const int64_t length = user_string_in(s, c->text + c->used, *from, room);
	if (length >= 0) {
		took(a, c, (uint64_t)length + 1);
		return 0;
	}
	if (length != -ERR_NAMETOOLONG) return (int)length;
	took(a, c, room);
	*from += room;
	*left -= room;
	return 1;
}

int args_add_user(struct args *a, struct space *s, uint64_t from)
{
	uint64_t left = min_u64(ARGS_STRING_BYTES, sub_or_zero(a->most, a->bytes));
	int answer = 1;

	while (answer == 1) answer = add_piece(a, s, &from, &left);
	if (answer == 0) a->count++;
	return answer;
}

/* Bytes of pointers that stand on the page at `array`, so that none is asked for behind the NULL; a
 * few at a time. */
static size_t pointers_here(uint64_t array)
{
	const uint64_t rest = PAGE_SIZE - array % PAGE_SIZE;

	if (rest < sizeof(uint64_t)) return sizeof(uint64_t);
	return min_u64(ARGS_POINTERS * sizeof(uint64_t), align_down(rest, sizeof(uint64_t)));
}

int args_add_array(struct args *a, struct space *s, uint64_t array)
{
	uint64_t at[ARGS_POINTERS];

	while (array != 0) {
		const size_t bytes = pointers_here(array);
		if (user_copy_in(s, at, array, bytes) != 0) return -ERR_FAULT;
		for (size_t i = 0; i < bytes / sizeof(at[0]); i++) {
			if (at[i] == 0) return 0;
			if (a->most < sizeof(at[0])) return -ERR_2BIG;
			a->most -= sizeof(at[0]); /* its pointer counts, too */
			const int answer = args_add_user(a, s, at[i]);
			if (answer != 0) return answer;
		}
		array += bytes;
	}
	return 0;
}

/* --- changes ---------------------------------------------------------------------------------- */

void args_skip(struct args *a)
{
	bool more = a->count != 0;

	while (more) {
		struct args_chunk *c = a->first;
		ASSERT(c != NULL && c->from < c->used);
		more = c->text[c->from++] != 0;
		a->bytes--;
		if (c->from < c->used) continue;
		a->first = c->next;
		if (a->last == c) a->last = NULL;
		chunk_free(a, c);
	}
	if (a->count != 0) a->count--;
}

void args_append(struct args *a, struct args *b)
{
	ASSERT(a->memory == b->memory);
	if (b->first == NULL) return;
	*(a->last == NULL ? &a->first : &a->last->next) = b->first;
	a->last = b->last;
	a->count += b->count;
	a->bytes += b->bytes;
	b->first = b->last = NULL;
	args_drop(b);
}

/* --- out -------------------------------------------------------------------------------------- */

uint32_t args_line(const struct args *a, char *to, uint32_t room)
{
	uint32_t done = 0;

	for (const struct args_chunk *c = a->first; c != NULL && done < room; c = c->next) {
		const uint32_t bytes = (uint32_t)min_u64(c->used - c->from, room - done);
		memcpy(to + done, c->text + c->from, bytes);
		done += bytes;
	}
	return done;
}

int args_write(const struct args *a, struct space *s, uint64_t at)
{
	for (const struct args_chunk *c = a->first; c != NULL; c = c->next) {
		const uint32_t bytes = c->used - c->from;
		if (user_copy_out(s, at, c->text + c->from, bytes) != 0) return -ERR_FAULT;
		at += bytes;
	}
	return 0;
}

/* Addresses on their way out, a few at a time. */
struct addresses {
	struct space *space;
	uint64_t to;
	uint64_t at[ARGS_POINTERS];
	uint32_t count;
};

static int addresses_flush(struct addresses *out)
{
	const size_t bytes = out->count * sizeof(out->at[0]);

	if (user_copy_out(out->space, out->to, out->at, bytes) != 0) return -ERR_FAULT;
	out->to += bytes;
	out->count = 0;
	return 0;
}

static int addresses_add(struct addresses *out, uint64_t address)
{
	out->at[out->count++] = address;
	return out->count == ARGS_POINTERS ? addresses_flush(out) : 0;
}

int args_write_addresses(const struct args *a, struct space *s, uint64_t at, uint64_t to)
{
	struct addresses out = { .space = s, .to = to };
	bool begins = true;
	int answer = 0;

	for (const struct args_chunk *c = a->first; c != NULL; c = c->next) {
		for (uint32_t i = c->from; i < c->used && answer == 0; i++, at++) {
			if (begins) answer = addresses_add(&out, at);
			begins = c->text[i] == 0;
		}
	}
	if (answer == 0) answer = addresses_add(&out, 0);
	return answer != 0 ? answer : addresses_flush(&out);
}
