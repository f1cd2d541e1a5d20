/*
 * space_smp_stacks.c -- subject space_smp: kernel stacks, with all CPUs at them at once.
 *
 * A window of stacks over the pool that spaces have their pages of, so that stacks are refused, and
 * those that are kept are reclaimed, in the middle of everything else.  A handle has a stack or
 * not; an operation gets one or gives it back.  Every page of a stack that is out is marked, and
 * looked at before the stack goes back and where all lanes meet.  A stack leaves the model before
 * the call that gives it back: who is given one that the model has, has been given somebody's.
 *
 * Refusals are not judged: subject pagetable does.  In a world without a page for the tree there
 * are no stacks.
 *
 * Compiled without points: the model changes in one piece.  Locks: none of its own.
 */
#include "fuzz/space_smp.h"
#include "machine/machine.h"

enum { MARK_WORD = 100 }; /* of each page; the canary is not there */

#define STACKS_BASE (0xffff000000000000ull + (3ull << 39))

static struct {
	bool open;
	bool out[SMP_STACKS];
	bool taken[SMP_STACK_HANDLES]; /* a lane is at it */
	uint64_t stack[SMP_STACK_HANDLES];
	uint64_t seed[SMP_STACK_HANDLES];
	uint32_t inside; /* lanes that are in a call */
} model;

void smp_stacks_open(struct run *run)
{
	struct space_smp *s = smp_of(run);
	const struct kstack_config config = {
		.table = &s->kernel,
		.base = STACKS_BASE,
		.slots = SMP_STACKS,
		.keep = run->script->world.keep_pages % (SMP_STACKS + 1u),
	};

	memset(&model, 0, sizeof(model));
	memset(s->handed, 0, sizeof(s->handed));
	if (!pagetable_init(&s->kernel, &s->state.world.pool, true, SITE_NONE)) return;
	if (run->machine->kernel_tables != NULL) run->machine->kernel_tables(s->kernel.root);
	kstack_init(&s->window, &config);
	model.open = true;
}

static uint64_t *mark_of(struct run *run, uint64_t stack, unsigned page)
{
	const uint64_t va = stack + (uint64_t)page * PAGE_SIZE;
	const uint64_t entry = pagetable_lookup(&smp_of(run)->kernel, va, NULL);

	if ((entry & ENTRY_VALID) == 0) kpanic(ORACLE_CONTENT, "a stack's page is not mapped");
	return (uint64_t *)mach_phys(entry_address(entry)) + MARK_WORD;
}

static void verify(struct run *run, unsigned handle)
{
	const uint64_t stack = model.stack[handle];

	for (unsigned i = 0; i < KSTACK_PAGES; i++)
		if (*mark_of(run, stack, i) != model.seed[handle] + i)
			kpanic(ORACLE_CONTENT, "page %u of a stack was written to", i);
	if (!kstack_whole(&smp_of(run)->window, stack))
		kpanic(ORACLE_CONTENT, "the canary of a stack is gone");
}

static uint32_t slot_of(uint64_t stack)
{
	const uint64_t offset = stack - STACKS_BASE - PAGE_SIZE;
	const uint64_t slot = offset / (KSTACK_SLOT_PAGES * PAGE_SIZE);

	if (slot >= SMP_STACKS || offset % (KSTACK_SLOT_PAGES * PAGE_SIZE) != 0)
		kpanic(ORACLE_BOUNDS, "a stack outside of the window's places");
	return (uint32_t)slot;
}

static void get(struct run *run, unsigned handle)
{
	if (model.inside++ != 0) run_sometimes(run, SAW_STACK_RACED);
	const uint64_t stack = kstack_alloc(&smp_of(run)->window, run_op(run) + 1);
	model.inside--;
	if (stack == 0) return;
	const uint32_t slot = slot_of(stack);
	if (model.out[slot]) kpanic(ORACLE_OVERLAP, "stack %u is given to two", slot);
	model.out[slot] = true;
	model.stack[handle] = stack;
	model.seed[handle] = (run_op(run) + 1) * 0x94d049bb133111ebull;
	for (unsigned i = 0; i < KSTACK_PAGES; i++)
		*mark_of(run, stack, i) = model.seed[handle] + i;
}

static void give_back(struct run *run, unsigned handle)
{
	const uint64_t stack = model.stack[handle];

	verify(run, handle);
	model.stack[handle] = 0;
	model.out[slot_of(stack)] = false;
	if (model.inside++ != 0) run_sometimes(run, SAW_STACK_RACED);
	kstack_free(&smp_of(run)->window, stack);
	model.inside--;
}

void smp_step_stack(struct run *run, const struct script_op *op)
{
	const unsigned handle = op->slot;
	uint32_t *handed = &smp_of(run)->handed[handle];

	smp_note_company(run);
	if (!model.open) return;
	atomic_fetch_add_u32(handed, 1);
	if (model.taken[handle]) {
		smp_met(run);
		return;
	}
	model.taken[handle] = true;
	if (model.stack[handle] != 0)
		give_back(run, handle);
	else
		get(run, handle);
	atomic_fetch_add_u32(handed, 1);
	model.taken[handle] = false;
}

void smp_step_stack_drain(struct run *run, const struct script_op *op)
{
	(void)op;
	smp_note_company(run);
	if (model.open) kstack_drain(&smp_of(run)->window);
}

void smp_stacks_check(struct run *run)
{
	struct space_smp *s = smp_of(run);
	uint32_t live = 0;

	if (!model.open) return;
	const char *why = kstack_check(&s->window);
	if (why == NULL) why = pagetable_check(&s->kernel);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	for (unsigned handle = 0; handle < SMP_STACK_HANDLES; handle++) {
		if (model.stack[handle] == 0) continue;
		live++;
		verify(run, handle);
	}
	if (s->window.live != live)
		kpanic(ORACLE_ACCOUNT, "%u stacks are out, and %u counted", live, s->window.live);
}

void smp_stacks_close(struct run *run)
{
	struct space_smp *s = smp_of(run);

	if (!model.open) return;
	for (unsigned handle = 0; handle < SMP_STACK_HANDLES; handle++)
		if (model.stack[handle] != 0) give_back(run, handle);
	kstack_drain(&s->window);
	smp_stacks_check(run);
	if (run->machine->kernel_tables != NULL) run->machine->kernel_tables(PADDR_NONE);
	pagetable_close(&s->kernel);
	model.open = false;
}
