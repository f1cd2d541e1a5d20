/*
 * canary_fuzz.c -- the subject "canary": for every oracle an operation that makes it fire.
 *
 * An oracle that never fires looks like a tree without faults.  So here is a small allocator with
 * a model beside it, built like the real subjects, and for each oracle a way to go wrong: the
 * operation of that name.  Most tell the allocator (canary_cells.c) to misbehave once and then use
 * it as always, so that it is the check that finds out; the others (canary_rules.c, _space.c and
 * _tables.c) break a rule of the machine or the language.  Nothing calls kpanic with its own name.
 *
 * take and give alone never fail: a script of the corpus holds that.
 *
 * Always true unless lied to: a slot that holds a cell has filled it with the slot's number;
 * held_count is how many slots do.
 *
 * Locks: two, for breaking rules with.  Cost: about 50 ns an operation.
 */
#include "fuzz/canary.h"

/* --- the model -------------------------------------------------------------------------------- */

/* As the kernel's short names do: a bad free is a panic. */
static void cell_give_or_panic(struct canary *c, uint8_t *cell)
{
	const enum cell_verdict verdict = cell_give(&c->cells, cell);
	if (verdict == CELL_DOUBLE) kpanic(ORACLE_DOUBLE_FREE, "a cell that is free");
	if (verdict == CELL_WILD) kpanic(ORACLE_WILD_FREE, "not a cell");
}

static void model_check_place(struct canary *c, const uint8_t *cell)
{
	const uint8_t *first = c->cells.at;
	if (cell < first || cell >= first + CELLS * (size_t)CELL_BYTES)
		kpanic(ORACLE_BOUNDS, "outside of the cells");
	if (!is_aligned((uintptr_t)cell, CELL_ALIGN))
		kpanic(ORACLE_MISALIGNED, "not at a multiple of %u", CELL_ALIGN);
	for (unsigned s = 0; s < SCRIPT_SLOTS; s++) {
		if (c->held[s] == cell) kpanic(ORACLE_OVERLAP, "slot %u has it already", s);
	}
}

static void model_take(struct run *run, unsigned slot, bool zeroed)
{
	struct canary *c = canary_of(run);
	uint8_t *cell = cell_take(&c->cells, zeroed);
	run_result(run, cell != NULL);
	if (cell == NULL) {
		if (c->held_count < CELLS)
			kpanic(ORACLE_MUST_SUCCEED, "%u cells taken", c->held_count);
		return;
	}
	if (c->held_count >= CELLS) kpanic(ORACLE_MUST_FAIL, "all cells are taken");
	model_check_place(c, cell);
	if (zeroed && !is_full_of(cell, 0, OBJECT_BYTES))
		kpanic(ORACLE_ZEROING, "asked for zeroes");
	memset(cell, (uint8_t)slot, OBJECT_BYTES);
	if (lied(&c->cells, LIE_CONTENT)) cell[OBJECT_BYTES - 1] ^= 1;
	c->held[slot] = cell;
	c->held_count++;
}

static void model_give(struct run *run, unsigned slot)
{
	struct canary *c = canary_of(run);
	uint8_t *cell = c->held[slot];
	if (!is_full_of(cell, (uint8_t)slot, OBJECT_BYTES))
		kpanic(ORACLE_CONTENT, "slot %u does not hold what was written", slot);
	c->held[slot] = NULL;
	c->held_count--;
	cell_give_or_panic(c, cell);
}

/* A slot that holds a cell, taking one if there is none; the state each misdeed starts from. */
static unsigned some_slot(struct run *run)
{
	struct canary *c = canary_of(run);
	for (unsigned s = 0; s < SCRIPT_SLOTS; s++)
		if (c->held[s] != NULL) return s;
	model_take(run, 0, false);
	return 0;
}

static unsigned empty_slot(struct canary *c)
{
	unsigned s = 0;
	while (c->held[s] != NULL) s++;
	return s;
}

/* --- operations ------------------------------------------------------------------------------- */

static void step_take(struct run *run, const struct script_op *op)
{
	if (canary_of(run)->held[op->slot] == NULL) model_take(run, op->slot, op->aux);
}

static void step_give(struct run *run, const struct script_op *op)
{
	if (canary_of(run)->held[op->slot] != NULL) model_give(run, op->slot);
}

/* A cell is given back, and the next one taken under a lie. */
static void take_lying(struct run *run, enum lie lie)
{
	struct canary *c = canary_of(run);
	model_give(run, some_slot(run));
	if (lie == LIE_OVERLAP) some_slot(run);
	c->cells.lie = lie;
	model_take(run, empty_slot(c), true);
}

static void step_overlap(struct run *run, const struct script_op *op)
{
	(void)op;
	take_lying(run, LIE_OVERLAP);
}

static void step_misaligned(struct run *run, const struct script_op *op)
{
	(void)op;
	take_lying(run, LIE_MISALIGNED);
}

static void step_content(struct run *run, const struct script_op *op)
{
	(void)op;
	take_lying(run, LIE_CONTENT);
	for (unsigned s = 0; s < SCRIPT_SLOTS; s++)
		if (canary_of(run)->held[s] != NULL) model_give(run, s);
}

static void step_zeroing(struct run *run, const struct script_op *op)
{
	(void)op;
	take_lying(run, LIE_ZEROING);
}

static void step_bounds(struct run *run, const struct script_op *op)
{
	(void)op;
	take_lying(run, LIE_BOUNDS);
}

static void step_must_succeed(struct run *run, const struct script_op *op)
{
	(void)op;
	take_lying(run, LIE_REFUSE);
}

static void step_must_fail(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	while (c->held_count < CELLS) model_take(run, empty_slot(c), false);
	c->cells.lie = LIE_GRANT;
	model_take(run, empty_slot(c), false);
}

/* Misuse with an expected answer: a cell given back twice. */
static void step_verdict(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	const unsigned slot = some_slot(run);
	uint8_t *cell = c->held[slot];
	(void)op;
	model_give(run, slot);
	c->cells.lie = LIE_VERDICT;
	const enum cell_verdict verdict = cell_give(&c->cells, cell);
	if (verdict != CELL_DOUBLE)
		kpanic(ORACLE_VERDICT, "a second give was answered %u", verdict);
}

static void step_account(struct run *run, const struct script_op *op)
{
	(void)op;
	canary_of(run)->cells.count++;
}

static void step_walk(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	c->held[some_slot(run)][OBJECT_BYTES] ^= 1;
}

static void step_leak(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	const unsigned slot = some_slot(run);
	(void)op;
	c->cells.lie = LIE_LEAK;
	model_give(run, slot);
	c->held_count++; /* the counts agree to the end: only the tear-down can tell */
}

static void step_fragmentation(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	c->cells.lie = LIE_LARGEST;
	const uint32_t largest = cells_largest(&c->cells);
	if (largest != (c->held_count < CELLS ? OBJECT_BYTES : 0))
		kpanic(ORACLE_FRAGMENTATION, "largest free is said to be %u bytes", largest);
}

static void step_double_free(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	const unsigned slot = some_slot(run);
	uint8_t *cell = c->held[slot];
	(void)op;
	model_give(run, slot);
	cell_give_or_panic(c, cell);
}

static void step_wild_free(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	cell_give_or_panic(c, c->held[some_slot(run)] + 8);
}

/* A stray write that no sanitizer watches, as a device or another CPU would make it. */
static METADATA_ACCESS void write_unseen(uint8_t *at)
{
	*at ^= 1;
}

static void step_use_after_free(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	const unsigned slot = some_slot(run);
	uint8_t *cell = c->held[slot];
	(void)op;
	model_give(run, slot);
	write_unseen(cell + 5);
	while (c->held_count < CELLS) model_take(run, empty_slot(c), false);
}

static void step_redzone(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	const unsigned slot = some_slot(run);
	(void)op;
	write_unseen(c->held[slot] + OBJECT_BYTES);
	model_give(run, slot);
}

static void step_poison(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	const unsigned slot = some_slot(run);
	const volatile uint8_t *cell = c->held[slot];
	(void)op;
	model_give(run, slot);
	run_result(run, cell[3]); /* the host reports this read; elsewhere it reads FREE_BYTE */
}

#define MISDEED(text, step)                                \
	{                                                  \
		text, 1, { { NULL, 0, 0, 0, NULL } }, step \
	}

static const char *const take_flags[] = { "zero" };

static const struct op_kind canary_ops[] = {
	{ "take",
	  60,
	  { { "slot", IN_SLOT, FORM_NUMBER, 0, NULL },
	    { "flags", IN_AUX, FORM_FLAGS, 1, take_flags } },
	  step_take },
	{ "give", 60, { { "slot", IN_SLOT, FORM_NUMBER, 0, NULL } }, step_give },
	MISDEED("overlap", step_overlap),
	MISDEED("misaligned", step_misaligned),
	MISDEED("content", step_content),
	MISDEED("zeroing", step_zeroing),
	MISDEED("bounds", step_bounds),
	MISDEED("must-succeed", step_must_succeed),
	MISDEED("must-fail", step_must_fail),
	MISDEED("verdict", step_verdict),
	MISDEED("account", step_account),
	MISDEED("walk", step_walk),
	MISDEED("leak", step_leak),
	MISDEED("fragmentation", step_fragmentation),
	MISDEED("double-free", step_double_free),
	MISDEED("wild-free", step_wild_free),
	MISDEED("use-after-free", step_use_after_free),
	MISDEED("poison", step_poison),
	MISDEED("redzone", step_redzone),
	MISDEED("undefined", canary_undefined),
	MISDEED("assert", canary_assert),
	MISDEED("deadlock", canary_deadlock),
	MISDEED("lock-order", canary_lock_order),
	MISDEED("lock-context", canary_lock_context),
	MISDEED("owner", canary_owner),
	MISDEED("irq-order", canary_irq_order),
	MISDEED("nondeterminism", canary_nondeterminism),
	MISDEED("stray-write", canary_stray_write),
	MISDEED("errno", canary_errno),
	MISDEED("perm", canary_perm),
	MISDEED("space", canary_space),
	MISDEED("stale-tlb", canary_stale_tlb),
	MISDEED("bbm", canary_break),
	MISDEED("tlbi-scope", canary_scope),
	MISDEED("asid-reuse", canary_asid_reuse),
	MISDEED("table-early", canary_table_early),
	MISDEED("root-in-use", canary_root_in_use),
	MISDEED("stale-code", canary_stale_code),
	MISDEED("sleep-in-atomic", canary_sleep_in_atomic),
	MISDEED("stack-in-use", canary_stack_in_use),
};

/* --- the subject ------------------------------------------------------------------------------ */

static void canary_open(struct run *run)
{
	struct canary *c = canary_of(run);
	memset(c, 0, sizeof(*c));
	cells_open(&c->cells, (uint8_t *)run->machine->arena + PAGE_SIZE);
	lock_init(&c->low, RANK_OUTER);
	lock_init(&c->high, RANK_PAGE);
}

static void canary_check(struct run *run, enum check_depth depth)
{
	const struct canary *c = canary_of(run);
	if (depth == CHECK_COUNTS) {
		if (c->cells.count != c->held_count)
			kpanic(ORACLE_ACCOUNT, "%u counted, %u held", c->cells.count,
			       c->held_count);
		return;
	}
	const char *fault = cells_check(&c->cells);
	if (fault != NULL) kpanic(ORACLE_WALK, "%s", fault);
}

static void canary_close(struct run *run)
{
	struct canary *c = canary_of(run);
	for (unsigned s = 0; s < SCRIPT_SLOTS; s++)
		if (c->held[s] != NULL) model_give(run, s);
	run_result(run, c->cells.count);
	if (c->cells.count != 0) kpanic(ORACLE_LEAK, "%u cells are not back", c->cells.count);
}

const struct subject canary_subject = {
	.name = "canary",
	.ops = canary_ops,
	.op_count = COUNT_OF(canary_ops),
	.open = canary_open,
	.check = canary_check,
	.close = canary_close,
};
