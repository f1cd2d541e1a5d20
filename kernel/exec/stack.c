/*
 * stack.c -- a program's first stack, written from the top down.
 *
 *      top   8 zero bytes
 *            the path, then the strings: environment above arguments
 *            the platform's name, 16 random bytes
 *            the auxiliary vector, ended by two zeroes
 *            addresses of the environment's strings, and a NULL
 *            addresses of the arguments, and a NULL
 *      sp    how many arguments; a multiple of 16
 *
 * Order and contents are Linux 6.1's (create_elf_tables), down to the order of the vector's
 * entries: there are programs that look.
 *
 * Locks: none held.  Cost: one look at each byte of the strings, twice.
 */
#include "kernel/exec/stack.h"

#include "kernel/abi_task.h"
#include "mm/mman.h"

enum {
	SIGNAL_STACK_BYTES = 4720, /* what a signal's frame takes, without SVE */
	SEGMENT_BYTES = 56,
	AUX_ENTRIES = 20,
	AUX_BYTES = AUX_ENTRIES * 16,
};

/* Where everything goes, worked out first. */
struct places {
	uint64_t path, environment, arguments, platform, random, aux, pointers, sp;
};

static uint64_t text_bytes(const char *text)
{
	uint64_t n = 1;

	while (*text++ != 0) n++;
	return n;
}

static struct places places_of(const struct stack_plan *p)
{
	struct places at;
	const uint64_t pointers = (uint64_t)p->arguments->count + p->environment->count + 3;

	ASSERT(is_aligned(p->top, 16));
	at.path = p->top - 8 - text_bytes(p->path);
	at.environment = at.path - p->environment->bytes;
	at.arguments = at.environment - p->arguments->bytes;
	at.platform = align_down(at.arguments, 16) - text_bytes(p->platform);
	at.random = at.platform - STACK_RANDOM_BYTES;
	at.aux = at.random - AUX_BYTES;
	at.sp = align_down(at.aux - pointers * 8, 16);
	at.pointers = at.sp + 8;
	at.aux = at.sp + pointers * 8;
	return at;
}

uint64_t stack_bytes(const struct stack_plan *plan)
{
	return plan->top - places_of(plan).sp;
}

static int write_strings(const struct stack_plan *p, const struct places *at)
{
	struct space *s = p->space;
	const uint64_t end = p->top - 8;

	if (user_fill_zero(s, end, 8) != 0 ||
	    user_copy_out(s, at->path, p->path, end - at->path) != 0 ||
	    user_copy_out(s, at->platform, p->platform, text_bytes(p->platform)) != 0 ||
	    user_copy_out(s, at->random, p->random, sizeof(p->random)) != 0)
		return -ERR_FAULT;
	const int answer = args_write(p->environment, s, at->environment);
	return answer != 0 ? answer : args_write(p->arguments, s, at->arguments);
}

static int write_aux(const struct stack_plan *p, const struct places *at)
{
	const uint64_t aux[AUX_ENTRIES][2] = {
		{ AT_MINSIGSTKSZ, SIGNAL_STACK_BYTES },
		{ AT_HWCAP, p->capabilities },
		{ AT_PAGESZ, PAGE_SIZE },
		{ AT_CLKTCK, TICKS_PER_S },
		{ AT_PHDR, p->table },
		{ AT_PHENT, SEGMENT_BYTES },
		{ AT_PHNUM, p->segments },
		{ AT_BASE, p->base },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, p->entry },
		{ AT_UID, p->uid },
		{ AT_EUID, p->acting_uid },
		{ AT_GID, p->gid },
		{ AT_EGID, p->acting_gid },
		{ AT_SECURE, p->secure },
		{ AT_RANDOM, at->random },
		{ AT_HWCAP2, p->capabilities2 },
		{ AT_EXECFN, at->path },
		{ AT_PLATFORM, at->platform },
		{ AT_NULL, 0 },
	};

	return user_copy_out(p->space, at->aux, aux, sizeof(aux)) == 0 ? 0 : -ERR_FAULT;
}

static int write_pointers(const struct stack_plan *p, const struct places *at)
{
	const uint64_t count = p->arguments->count;
	const uint64_t environment = at->pointers + (count + 1) * 8;

	if (user_copy_out(p->space, at->sp, &count, sizeof(count)) != 0) return -ERR_FAULT;
	const int answer =
		args_write_addresses(p->arguments, p->space, at->arguments, at->pointers);
	if (answer != 0) return answer;
	return args_write_addresses(p->environment, p->space, at->environment, environment);
}

int stack_write(const struct stack_plan *plan, uint64_t *sp)
{
	const struct places at = places_of(plan);
	int answer = write_strings(plan, &at);

	if (answer == 0) answer = write_aux(plan, &at);
	if (answer == 0) answer = write_pointers(plan, &at);
	ASSERT(is_aligned(at.sp, 16) && at.sp < plan->top);
	*sp = at.sp;
	return answer;
}
