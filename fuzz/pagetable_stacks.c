/*
 * pagetable_stacks.c -- kernel stacks in a window of their own, over the same pool.
 *
 * The window lies across the end of what one table of every level covers, so its tables come and go
 * too.  Each page of a stack is filled after the stack's own seed through the direct map, and
 * looked at again before the stack is given back and in every walk: two stacks that share a page
 * show there.
 */
#include "fuzz/pagetable_subject.h"

enum {
	STACK_PAGES = 8,
	SLOT_PAGES = 9,
	EDGE_PAGES = 13, /* of the window, before the edge: a slot, and half of another */
	FILL_WORD = 100, /* of each page; the canary is not there */
};

#define EDGE (0xffff000000000000ull + (3ull << 39))
#define BASE (EDGE - EDGE_PAGES * PAGE_SIZE)

static uint64_t stack_address(unsigned slot)
{
	return BASE + (slot * SLOT_PAGES + 1ull) * PAGE_SIZE;
}

void stacks_open(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const struct kstack_config config = {
		.table = &s->kernel,
		.base = BASE,
		.slots = STACKS,
		.keep = run->script->world.keep_pages % (STACKS + 1u),
	};

	s->stacks = (struct stacks_model){ .keep = config.keep };
	if (!pagetable_init(&s->kernel, &s->world.pool, true, 0))
		kpanic(ORACLE_MUST_SUCCEED, "no page for the kernel's tree");
	if (run->machine->kernel_tables != NULL) run->machine->kernel_tables(s->kernel.root);
	kstack_init(&s->window, &config);
}

static uint32_t count_slots(const struct stacks_model *m, enum stack_state state)
{
	uint32_t n = 0;

	for (unsigned slot = 0; slot < STACKS; slot++) n += m->slot[slot] == state;
	return n;
}

/* --- tables ----------------------------------------------------------------------------------- */

/* Whether a slot's stack has pages below the edge, and above. */
static bool slot_below(unsigned slot)
{
	return slot * SLOT_PAGES + 1 < EDGE_PAGES;
}

static bool slot_above(unsigned slot)
{
	return (slot + 1) * SLOT_PAGES > EDGE_PAGES;
}

/* Tables beside the root when the slots in `with` are there besides those that are. */
static uint32_t tables_with(const struct stacks_model *m, unsigned with)
{
	bool below = false, above = false;

	for (unsigned slot = 0; slot < STACKS; slot++) {
		if (m->slot[slot] == STACK_NONE && slot != with) continue;
		below |= slot_below(slot);
		above |= slot_above(slot);
	}
	return 3u * below + 3u * above;
}

uint32_t stacks_pages(const struct pagetable_state *s)
{
	const struct stacks_model *m = &s->stacks;

	return 1 + tables_with(m, STACKS) +
	       STACK_PAGES * (count_slots(m, STACK_LIVE) + count_slots(m, STACK_KEPT));
}

/* The most that any of the slots that are none would take. */
static uint32_t pages_needed(const struct stacks_model *m)
{
	uint32_t most = 0;

	for (unsigned slot = 0; slot < STACKS; slot++)
		if (m->slot[slot] == STACK_NONE)
			most = (uint32_t)max_u64(most, tables_with(m, slot));
	return STACK_PAGES + most - tables_with(m, STACKS);
}

/* --- contents --------------------------------------------------------------------------------- */

static uint64_t *stack_word(struct pagetable_state *s, uint64_t va, unsigned word)
{
	const uint64_t entry = pagetable_lookup(&s->kernel, va, NULL);

	if ((entry & ENTRY_VALID) == 0) kpanic(ORACLE_CONTENT, "a stack's page is not mapped");
	return (uint64_t *)mach_phys(entry_address(entry)) + word;
}

static void stack_fill(struct pagetable_state *s, unsigned slot, uint64_t seed)
{
	s->stacks.seed[slot] = seed;
	for (unsigned i = 0; i < STACK_PAGES; i++)
		*stack_word(s, stack_address(slot) + i * PAGE_SIZE, FILL_WORD) = seed + i;
}

static void stack_verify(struct pagetable_state *s, unsigned slot)
{
	for (unsigned i = 0; i < STACK_PAGES; i++)
		if (*stack_word(s, stack_address(slot) + i * PAGE_SIZE, FILL_WORD) !=
		    s->stacks.seed[slot] + i)
			kpanic(ORACLE_CONTENT, "page %u of stack %u was written to", i, slot);
	if (!kstack_whole(&s->window, stack_address(slot)))
		kpanic(ORACLE_CONTENT, "the canary of stack %u is gone", slot);
}

/* --- operations ------------------------------------------------------------------------------- */

static void stack_give_back(struct run *run, unsigned handle)
{
	struct pagetable_state *s = pagetable_state_of(run);
	struct stacks_model *m = &s->stacks;
	const unsigned slot = m->handle[handle] - 1u;
	const bool keep = count_slots(m, STACK_KEPT) < m->keep;

	stack_verify(s, slot);
	kstack_free(&s->window, stack_address(slot));
	m->handle[handle] = 0;
	m->slot[slot] = keep ? STACK_KEPT : STACK_NONE;
}

static void judge_refusal(struct run *run, uint32_t had)
{
	const struct stacks_model *m = &pagetable_state_of(run)->stacks;

	run_sometimes(run, SAW_STACK_REFUSED);
	if (count_slots(m, STACK_LIVE) == STACKS) return;
	if (count_slots(m, STACK_KEPT) != 0) kpanic(ORACLE_MUST_SUCCEED, "a stack is kept");
	if (had >= pages_needed(m))
		kpanic(ORACLE_MUST_SUCCEED, "no stack with %u pages to be had", had);
}

void step_stack_alloc(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	struct stacks_model *m = &s->stacks;
	const bool kept = count_slots(m, STACK_KEPT) != 0;

	if (m->handle[op->slot] != 0) return;
	const uint32_t had = pool_world_available(&s->world);
	const uint64_t stack = kstack_alloc(&s->window, run->op + 1);
	run_result(run, stack != 0);
	if (stack == 0) {
		judge_refusal(run, had);
		return;
	}
	const uint64_t slot = (stack - BASE) / (SLOT_PAGES * PAGE_SIZE);
	if (slot >= STACKS || stack != stack_address((unsigned)slot))
		kpanic(ORACLE_BOUNDS, "a stack outside of the window's places");
	if (m->slot[slot] != (kept ? STACK_KEPT : STACK_NONE))
		kpanic(ORACLE_OVERLAP, "slot %u is given out, it was %u", (unsigned)slot,
		       m->slot[slot]);
	if (kept) run_sometimes(run, SAW_STACK_REUSED);
	run_result(run, slot);
	m->slot[slot] = STACK_LIVE;
	m->handle[op->slot] = (uint8_t)(slot + 1);
	stack_fill(s, (unsigned)slot, (run->op + 1) * 0x94d049bb133111ebull);
}

void step_stack_free(struct run *run, const struct script_op *op)
{
	if (pagetable_state_of(run)->stacks.handle[op->slot] != 0) stack_give_back(run, op->slot);
}

static void forget_kept(struct stacks_model *m)
{
	for (unsigned slot = 0; slot < STACKS; slot++)
		if (m->slot[slot] == STACK_KEPT) m->slot[slot] = STACK_NONE;
}

void step_stack_drain(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const uint32_t kept = count_slots(&s->stacks, STACK_KEPT);
	const size_t pages = kstack_drain(&s->window);

	(void)op;
	run_result(run, pages);
	if (pages != (size_t)kept * STACK_PAGES)
		kpanic(ORACLE_VERDICT, "a drain gives back %lu pages of %u stacks",
		       (unsigned long)pages, kept);
	forget_kept(&s->stacks);
}

/* Somebody runs over the low end of a stack, is seen, and takes it back. */
void step_stack_overrun(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned handle = op->slot;

	if (s->stacks.handle[handle] == 0) return;
	const uint64_t stack = stack_address(s->stacks.handle[handle] - 1u);
	uint64_t *word = stack_word(s, stack, op->aux);
	if (*word != 0xdeadbeefcafebabeull) kpanic(ORACLE_CONTENT, "canary word %u", op->aux);
	*word ^= 1ull << op->arg;
	if (kstack_whole(&s->window, stack))
		kpanic(ORACLE_MUST_FAIL, "word %u of a canary has changed", op->aux);
	*word ^= 1ull << op->arg;
}

void step_stack_guard(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const uint64_t offset = op->arg % ((STACKS * SLOT_PAGES + 2ull) * PAGE_SIZE);
	const uint64_t page = offset / PAGE_SIZE; /* from the one before the window */
	uint32_t expected = UINT32_MAX;

	for (unsigned slot = 0; slot < STACKS; slot++)
		if (page == slot * SLOT_PAGES + 1) expected = slot;
	if (kstack_guard_of(&s->window, BASE - PAGE_SIZE + offset) != expected)
		kpanic(ORACLE_VERDICT, "whose guard page is at offset 0x%lx?",
		       (unsigned long)offset);
}

/* --- pressure, checks, the end ---------------------------------------------------------------- */

void stacks_sync(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);

	for (unsigned slot = 0; slot < STACKS; slot++) {
		if (s->stacks.slot[slot] != STACK_KEPT) continue;
		if (pagetable_lookup(&s->kernel, stack_address(slot), NULL) != 0) continue;
		s->stacks.slot[slot] = STACK_NONE;
		run_sometimes(run, SAW_STACK_RECLAIMED);
	}
}

void stacks_check(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const char *why = kstack_check(&s->window);

	if (why == NULL) why = pagetable_check(&s->kernel);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	if (s->window.live != count_slots(&s->stacks, STACK_LIVE) ||
	    s->window.kept != count_slots(&s->stacks, STACK_KEPT))
		kpanic(ORACLE_ACCOUNT, "%u stacks live and %u kept", s->window.live,
		       s->window.kept);
	for (unsigned slot = 0; slot < STACKS; slot++)
		if (s->stacks.slot[slot] == STACK_LIVE) stack_verify(s, slot);
}

void stacks_close(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);

	for (unsigned handle = 0; handle < STACK_HANDLES; handle++)
		if (s->stacks.handle[handle] != 0) stack_give_back(run, handle);
	kstack_drain(&s->window);
	forget_kept(&s->stacks);
	stacks_check(run);
	if (run->machine->kernel_tables != NULL) run->machine->kernel_tables(PADDR_NONE);
	pagetable_close(&s->kernel);
}
