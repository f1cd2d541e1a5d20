/*
 * context.c -- the seam's contexts on the host: fibers from a pool.
 *
 * A struct mach_context holds the number of a strand and the serial number of its use, so one that
 * was never made, or has ended, or is a copy, is known for what it is whatever its bytes.  The
 * stack that the kernel names is only a name here (fibers have stacks of their own, large enough
 * for a sanitizer's report): it is the context's until that ends, and whoever makes another context
 * on it, or gives it away (mach_stack_gone), is told.
 *
 * Always true:
 *   S1  strand->cpu is the CPU whose `on` it is (cpu.c), or STRAND_NOWHERE;
 *   S2  strands in use have different serial numbers, and ranges of stack that do not meet;
 *   S3  a strand that is in no use has no fiber.
 *
 * What breaks a rule ends in "stack-in-use": two CPUs on one stack, or a stack that is not there.
 *
 * Locks: none; one thread.  Cost: a switch 40 ns; a context made and ended 0.4 us under ASan, and
 * a look at every other that there is.
 */
#include <sys/mman.h>

#include "machine/host/console.h"
#include "machine/host/strand.h"
#include "machine/host/turns.h"

enum { STRANDS_MAX = 16384 };

static struct strand *strands; /* from 0; mapped when the first is needed */
static uint32_t used;          /* those that ever were */
static uint32_t free_first;    /* + 1 */
static uint64_t serials;

static NORETURN void broken(const char *what)
{
	kpanic("stack-in-use", "cpu %u %s", mach_cpu(), what);
}

/* --- the pool --------------------------------------------------------------------------------- */

static void strands_map(void)
{
	const size_t bytes = STRANDS_MAX * sizeof(*strands);
	strands = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (strands == MAP_FAILED) host_die("host: no memory for contexts");
}

static struct strand *strand_take(void)
{
	if (strands == NULL) strands_map();
	if (free_first == 0) {
		if (used == STRANDS_MAX) host_die("host: more than %d contexts", STRANDS_MAX);
		return &strands[used++];
	}
	struct strand *s = &strands[free_first - 1];
	free_first = s->next;
	return s;
}

/* A fiber that was left by an escape is over already; any other is stopped somewhere. */
static void strand_give(struct strand *s)
{
	if (s->fiber.sp != NULL) fiber_bury(&s->fiber);
	fiber_close(&s->fiber);
	lockcheck_context_end(&s->checks);
	*s = (struct strand){ .next = free_first };
	free_first = (uint32_t)(s - strands) + 1;
}

void strands_reset(void)
{
	for (uint32_t n = 0; n < used; n++)
		if (strands[n].serial != 0) strand_give(&strands[n]);
	used = free_first = 0;
	users_reset();
}

/* --- contexts --------------------------------------------------------------------------------- */

static uint32_t number_of(const struct strand *s)
{
	for (uint32_t cpu = 0; cpu < CPUS_MAX; cpu++)
		if (s == cpu_base_strand(cpu)) return STRANDS_MAX + cpu;
	return (uint32_t)(s - strands);
}

/* The strand that `c` names, or NULL. */
static struct strand *strand_of(const struct mach_context *c)
{
	struct strand *s = NULL;
	if (c->word[1] < used)
		s = &strands[c->word[1]];
	else if (c->word[1] - STRANDS_MAX < CPUS_MAX)
		s = cpu_base_strand((unsigned)(c->word[1] - STRANDS_MAX));
	if (s == NULL || s->serial == 0 || s->serial != c->word[0]) return NULL;
	return s->made_as == NULL || s->made_as == c ? s : NULL;
}

/* A live context that has some of these bytes as its stack, or NULL. */
static const struct strand *strand_on(uint64_t stack, uint64_t bytes)
{
	for (uint32_t n = 0; n < used; n++) {
		const struct strand *s = &strands[n];
		if (s->serial != 0 && stack < s->stack + s->bytes && s->stack < stack + bytes)
			return s;
	}
	return NULL;
}

static void name(struct mach_context *c, struct strand *s)
{
	*c = (struct mach_context){ .word = { s->serial, number_of(s) } };
}

void mach_context_adopt(struct mach_context *c, struct mach_fp *fp)
{
	struct strand *s = cpu_strand();
	s->fp = fp;
	if (s->serial == 0) s->serial = ++serials;
	name(c, s);
}

static void strand_main(void *arg)
{
	struct strand *me = arg;
	me->entry(me->arg);
	broken("comes to the end of a context");
}

void mach_context_init(struct mach_context *c, uint64_t stack, size_t bytes,
		       void (*entry)(void *arg), void *arg, struct mach_fp *fp)
{
	const struct strand *old = strand_of(c);
	ASSERT(is_aligned(stack, 16) && is_aligned(bytes, 16));
	if (old != NULL && old->made_as != NULL) broken("makes a context anew that has not ended");
	if (bytes != 0 && strand_on(stack, bytes) != NULL)
		broken("makes a context on a stack that another has");
	struct strand *s = strand_take();
	*s = (struct strand){
		.serial = ++serials,
		.cpu = STRAND_NOWHERE,
		.stack = stack,
		.bytes = bytes,
		.fp = fp,
		.made_as = c,
		.entry = entry,
		.arg = arg,
	};
	lockcheck_context_init(&s->checks, (uint32_t)(s - strands));
	fiber_open(&s->fiber, strand_main, s);
	name(c, s);
}

void mach_context_switch(struct mach_context *from, struct mach_context *to)
{
	turns_at(TURN_SWITCH, 0);
	ASSERT(mach_irq_masked());
	if (strand_of(from) != cpu_strand()) broken("leaves a context that it is not in");
	struct strand *next = strand_of(to);
	if (next == NULL) broken("goes on in a context that was never made, or has ended");
	if (next == cpu_strand()) return;
	if (next->cpu != STRAND_NOWHERE) broken("goes on in a context that another CPU is in");
	cpu_enter(next);
}

void mach_context_end(struct mach_context *c)
{
	struct strand *s = strand_of(c);
	if (s == NULL || s->made_as == NULL) broken("ends a context that was never made, or ended");
	if (s->cpu != STRAND_NOWHERE) broken("ends a context that a CPU is in");
	lockcheck_context_done(&s->checks);
	strand_give(s);
	*c = (struct mach_context){ .word = { 0 } };
}

void host_stack_gone(uint64_t stack, size_t bytes)
{
	if (bytes != 0 && strand_on(stack, bytes) != NULL)
		broken("gives away a stack that a context has");
}
