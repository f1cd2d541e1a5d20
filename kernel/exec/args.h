/*
 * args.h -- strings on their way from one program to the next: arguments and environment, copied
 * out of the old space before it is given up, and written to the new one's stack.
 *
 * Calls answer 0 or an error of mm/mman.h, negated.  For threads, no lock held.
 */
#ifndef KERNEL_EXEC_ARGS_H
#define KERNEL_EXEC_ARGS_H

#include "mm/kmalloc.h"
#include "mm/usercopy.h"

enum { ARGS_STRING_BYTES = 128 << 10 }; /* Linux's MAX_ARG_STRLEN: one string with its end */

struct args_chunk;

/* Strings in a row, each with its end. */
struct args {
	struct kmalloc *memory;
	struct args_chunk *first, *last;
	uint32_t count;
	uint64_t bytes;
	uint64_t most; /* bytes that may be there; -ERR_2BIG beyond */
};

void args_init(struct args *a, struct kmalloc *memory, uint64_t most);
void args_drop(struct args *a); /* everything goes back */

/* One more string, from the kernel or from a user. */
int args_add(struct args *a, const char *text);
int args_add_user(struct args *a, struct space *s, uint64_t from);

/* All strings that a user's array of pointers names, up to its NULL; none where `array` is 0. */
int args_add_array(struct args *a, struct space *s, uint64_t array);

/* The first string is gone; nothing where there is none. */
void args_skip(struct args *a);

/* All of `b` behind what `a` has, which is then empty. */
void args_append(struct args *a, struct args *b);

/* The first bytes of all, at most `room`: how many. */
uint32_t args_line(const struct args *a, char *to, uint32_t room);

/* Writes the strings to `at` of a space, in a row. */
int args_write(const struct args *a, struct space *s, uint64_t at);

/* Writes the addresses that the strings then have to `to`, and a NULL behind them. */
int args_write_addresses(const struct args *a, struct space *s, uint64_t at, uint64_t to);

#endif
