/*
 * boxtest.c -- the documents' example of a heap: two boxed numbers, the first freed, a string, a
 * list.
 *
 * It tells what the allocator says of its memory, which must add up.
 *
 * Afterwards the same a thousand times with what is live checked in between, so that a block that
 * is given out twice shows; and one that is not given back.
 */
#include "stress/user/program.h"
#include "user/malloc/libc.h"

const char *const program = "boxtest";

enum { TURNS = 1000 };

static int *box(int value)
{
	int *const b = malloc(sizeof(*b));

	CHECK(b != NULL, "no room for a number");
	*b = value;
	return b;
}

/* A list that grows as it is needed. */
struct numbers {
	int *item;
	size_t count, room;
};

static void push(struct numbers *n, int value)
{
	if (n->count == n->room) {
		n->room = n->room == 0 ? 1 : 2 * n->room;
		n->item = realloc(n->item, n->room * sizeof(*n->item));
		CHECK(n->item != NULL, "no room for %zu numbers", n->room);
	}
	n->item[n->count++] = value;
}

static void example(bool aloud)
{
	int *const first = box(42), *const second = box(100);
	struct numbers list = { NULL, 0, 0 };

	CHECK(*first == 42 && *second == 100, "boxes have %d and %d", *first, *second);
	if (aloud) printf("boxes: %d, %d\n", *first, *second);
	free(first);
	char *const text = malloc(strlen("Hello, heap!") + 1);
	CHECK(text != NULL, "no room for a string");
	strcpy(text, "Hello, heap!");
	CHECK(*second == 100, "the second box has %d after the first was freed", *second);
	for (int i = 1; i <= 5; i++) push(&list, i);
	for (int i = 1; i <= 5; i++)
		CHECK(list.item[i - 1] == i, "number %d is %d", i, list.item[i - 1]);
	CHECK(strcmp(text, "Hello, heap!") == 0, "the string is '%s'", text);
	CHECK(*second == 100, "the second box has %d at the end", *second);
	if (aloud) printf("text: %s\nlist: 1 to %zu\n", text, list.count);
	free(text);
	free(list.item);
	free(second);
}

/* What a prompt would show of the program. */
static void tell_memory(void)
{
	struct umalloc_stats s;

	umalloc_stats(&umalloc_libc, &s);
	const size_t was = s.live_bytes;
	void *const more = malloc(10 << 10);

	CHECK(more != NULL, "no room");
	void *const moved = realloc(more, 200 << 10); /* what it leaves waits in the queue */
	umalloc_stats(&umalloc_libc, &s);
	printf("memory: %lu bytes live in %lu blocks, %lu at most, %lu queued in %lu blocks\n",
	       (unsigned long)s.live_bytes, (unsigned long)s.live, (unsigned long)s.peak_bytes,
	       (unsigned long)s.queued_bytes, (unsigned long)s.queued);
	CHECK(s.live_bytes >= 200 << 10 && s.peak_bytes >= s.live_bytes, "these do not add up");
	free(moved);
	umalloc_stats(&umalloc_libc, &s);
	CHECK(s.live_bytes == was, "%lu bytes are live after all of it was freed, of %lu before",
	      (unsigned long)s.live_bytes, (unsigned long)was);
	CHECK(s.queued == 0, "%lu blocks are queued after a free", (unsigned long)s.queued);
}

int main(void)
{
	struct umalloc_stats before, after;

	example(true);
	tell_memory();
	umalloc_stats(&umalloc_libc, &before);
	for (int i = 0; i < TURNS; i++) example(false);
	umalloc_stats(&umalloc_libc, &after);
	CHECK(after.live == before.live, "%lu blocks are live after all was freed, of %lu before",
	      (unsigned long)after.live, (unsigned long)before.live);
	return verdict("42, 100, a string, 1 to 5, and %d times more", TURNS);
}
