/*
 * fiber.c -- stacks that take turns in one thread.
 *
 * A switch saves the registers that a called function must keep on the stack it leaves, and takes
 * those of the other stack back: fiber_swap, a few instructions for each machine.  No system call.
 * A new stack is made to look as if it had been left that way, just before its first function.
 *
 * AddressSanitizer must know about it, or it takes the other stack for a wild one.  Every switch
 * is announced before (start: to which stack) and confirmed after, on the new stack (finish).
 * Where stack-use-after-return is looked for, each stack has a "fake" one beside it: start hands
 * it out to be kept, finish takes it back, and start with no place to keep it releases it, which
 * is right for a fiber that leaves for good.  A fiber that is stopped and will never go on cannot
 * say so itself; fiber_bury does it for it: it pretends to switch there, and pretends to leave for
 * good from there.  No stack is really switched.  Without it each such fiber loses 16 KiB.
 *
 * A stack that is used again starts unpoisoned: frames that were abandoned have left their red
 * zones in the shadow, and the next frame in that place would be reported for them.
 *
 * Always true: exactly one fiber runs, and its sp and fake are out of date; every other fiber's
 * say how it goes on.  Below every stack lies a page that cannot be touched.
 *
 * The references to the sanitizer are weak, as in shadow.c.  Compiled without sanitizers: between
 * announcement and confirmation nothing may be checked.
 *
 * Locks: none.  Cost: a switch is about 15 instructions, 10 to 20 ns with ASan; a new stack two
 * system calls, once, then they are kept in a list; starting again 8 KiB of shadow.
 */
#include "machine/host/fiber.h"

#include <sys/mman.h>

#include "machine/host/console.h"
#include "machine/host/race.h"
#include "machine/host/shadow.h"

extern void __sanitizer_start_switch_fiber(void **fake, const void *stack, size_t bytes)
	__attribute__((weak));
extern void __sanitizer_finish_switch_fiber(void *fake, const void **stack, size_t *bytes)
	__attribute__((weak));

/* fiber_x86_64.S, fiber_aarch64.S: keeps where we stand in *save and goes on at `sp`. */
void fiber_swap(void **save, void *sp);
/* Lays down what fiber_swap expects, below `top`: going on there calls fiber_begin(). */
void *fiber_frame(void *top);
NORETURN void fiber_begin(void);

/* Who is being switched to: what a fiber knows of itself when it begins. */
static struct fiber *arriving;

/* Stacks that nobody has at the moment, linked through their lowest bytes. */
struct spare {
	struct spare *next;
};
static struct spare *spares;

/* --- what ASan is told ------------------------------------------------------------------------ */

static void announce(void **fake, const void *stack, size_t bytes)
{
	if (__sanitizer_start_switch_fiber != NULL)
		__sanitizer_start_switch_fiber(fake, stack, bytes);
}

static void confirm(void *fake, const void **stack, size_t *bytes)
{
	if (__sanitizer_finish_switch_fiber != NULL)
		__sanitizer_finish_switch_fiber(fake, stack, bytes);
}

/* The system's stack is wherever it is; ASan knows its bounds and tells them at a switch away
 * from it.  So we pretend one, to any place, and one back. */
void fiber_adopt(struct fiber *f)
{
	uint8_t elsewhere;
	const void *stack = NULL;
	*f = (struct fiber){ .stack_bytes = 0 };
	announce(&f->fake, &elsewhere, sizeof(elsewhere));
	confirm(NULL, &stack, &f->stack_bytes);
	f->stack = (uint8_t *)(uintptr_t)stack;
	announce(NULL, f->stack, f->stack_bytes);
	confirm(f->fake, NULL, NULL);
	f->fake = NULL;
}

void fiber_bury(struct fiber *f)
{
	void *fake = NULL;
	const void *stack = NULL;
	size_t bytes = 0;
	ASSERT(f->sp != NULL);
	announce(&fake, f->stack, f->stack_bytes);
	confirm(f->fake, &stack, &bytes);
	announce(NULL, stack, bytes);
	confirm(fake, NULL, NULL);
	f->fake = NULL;
	f->sp = NULL;
}

/* --- stacks ---------------------------------------------------------------------------------- */

static uint8_t *stack_map(void)
{
	const size_t bytes = PAGE_SIZE + FIBER_STACK_BYTES;
	uint8_t *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED || mprotect(at, PAGE_SIZE, PROT_NONE) != 0)
		host_die("host: no memory for another stack of %d bytes", FIBER_STACK_BYTES);
	return at + PAGE_SIZE;
}

static uint8_t *stack_take(void)
{
	if (spares == NULL) return stack_map();
	struct spare *spare = spares;
	spares = spare->next;
	race_stack_anew(spare, FIBER_STACK_BYTES);
	return (uint8_t *)spare;
}

void fiber_open(struct fiber *f, void (*entry)(void *arg), void *arg)
{
	*f = (struct fiber){
		.stack = stack_take(),
		.stack_bytes = FIBER_STACK_BYTES,
		.entry = entry,
		.arg = arg,
	};
	fiber_restart(f);
}

void fiber_restart(struct fiber *f)
{
	ASSERT(f->sp == NULL && f->fake == NULL);
	shadow_unpoison(f->stack, f->stack_bytes);
	f->sp = fiber_frame(f->stack + f->stack_bytes);
}

void fiber_close(struct fiber *f)
{
	ASSERT(f->sp == NULL);
	struct spare *spare = (struct spare *)(void *)f->stack;
	spare->next = spares;
	spares = spare;
	*f = (struct fiber){ .stack = NULL };
}

/* --- switching ------------------------------------------------------------------------------- */

void fiber_switch(struct fiber *from, struct fiber *to)
{
	ASSERT(to->sp != NULL);
	arriving = to;
	announce(&from->fake, to->stack, to->stack_bytes);
	fiber_swap(&from->sp, to->sp);
	confirm(from->fake, NULL, NULL);
	from->fake = NULL;
}

NORETURN void fiber_leave(struct fiber *from, struct fiber *to)
{
	void *never;
	ASSERT(to->sp != NULL);
	from->sp = NULL;
	arriving = to;
	announce(NULL, to->stack, to->stack_bytes);
	fiber_swap(&never, to->sp);
	__builtin_trap();
}

NORETURN void fiber_begin(void)
{
	struct fiber *me = arriving;
	confirm(NULL, NULL, NULL);
	me->entry(me->arg);
	__builtin_trap();
}
