/*
 * canary_fuzz.c -- the subject "canary": for every oracle an operation that makes it fire.
 *
 * An oracle that never fires looks like a tree without faults.  So here is a small allocator with
 * a model beside it, built like the real subjects, and for each oracle a way to go wrong: the
 * operation of that name.  Most tell the allocator to misbehave once (`lie`) and then use it as
 * always, so that it is the check that finds out; the others break a rule of the machine or of
 * the language.  Nothing calls kpanic with its own name.
 *
 * The allocator: CELLS cells of CELL_BYTES in the arena's first page, given out lowest first.  A
 * cell is OBJECT_BYTES that the caller fills with the slot's number, and behind them a red zone.
 * A free cell is filled with FREE_BYTE, which is looked at when it is given out again.
 *
 * take and give alone never fail: a test runs them for thousands of operations.
 *
 * Always true unless lied to:
 *   C1  `taken` has the bits of just the cells that slots hold, and `count` is how many;
 *   C2  a free cell is poisoned and full of FREE_BYTE.
 *
 * Locks: two, for breaking rules with.  Cost: about 50 ns an operation.
 */
#include "fuzz/subject.h"
#include "machine/lock.h"

enum {
	CELLS = 16,
	CELL_BYTES = 128,
	OBJECT_BYTES = 64,
	ZONE_BYTES = 16,
	FREE_BYTE = 0x5f,
	ZONE_BYTE = 0xbd,
};

enum lie {
	TRUTH = 0,
	LIE_OVERLAP,
	LIE_MISALIGNED,
	LIE_CONTENT,
	LIE_ZEROING,
	LIE_BOUNDS,
	LIE_REFUSE,
	LIE_GRANT,
	LIE_VERDICT,
	LIE_LEAK,
	LIE_LARGEST,
};

struct canary {
	/* The allocator. */
	uint8_t *cells;
	uint32_t taken; /* a bit for each cell */
	uint32_t count;
	enum lie lie; /* told once */
	struct lock low, high;
	/* The model. */
	uint8_t *held[SCRIPT_SLOTS];
	uint32_t held_count;
};

static struct canary *canary_of(struct run *run)
{
	return run->state;
}

static bool lied(struct canary *c, enum lie lie)
{
	if (c->lie != lie) return false;
	c->lie = TRUTH;
	return true;
}

static void fill(uint8_t *at, uint8_t byte, size_t bytes)
{
	memset(at, byte, bytes);
}

static bool is_full_of(const uint8_t *at, uint8_t byte, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (at[i] != byte) return false;
	return true;
}

/* --- the allocator ---------------------------------------------------------------------------- */

static uint8_t *cell_take(struct canary *c, bool zeroed)
{
	if (lied(c, LIE_REFUSE)) return NULL;
	if (c->taken != 0 && lied(c, LIE_OVERLAP))
		return c->cells + bit_lowest(c->taken) * (size_t)CELL_BYTES;
	if (c->taken == (1u << CELLS) - 1)
		return lied(c, LIE_GRANT) ? c->cells + CELLS * (size_t)CELL_BYTES : NULL;
	const unsigned n = bit_lowest(~c->taken);
	uint8_t *cell = c->cells + n * (size_t)CELL_BYTES;
	mach_unpoison(cell, OBJECT_BYTES + ZONE_BYTES);
	if (!is_full_of(cell, FREE_BYTE, OBJECT_BYTES))
		kpanic(ORACLE_USE_AFTER_FREE, "cell %u was written while it was free", n);
	c->taken |= 1u << n;
	c->count++;
	fill(cell + OBJECT_BYTES, ZONE_BYTE, ZONE_BYTES);
	if (zeroed && !lied(c, LIE_ZEROING)) fill(cell, 0, OBJECT_BYTES);
	if (lied(c, LIE_BOUNDS)) return c->cells - CELL_BYTES;
	return lied(c, LIE_MISALIGNED) ? cell + 4 : cell;
}

enum cell_verdict { CELL_FREED, CELL_DOUBLE, CELL_WILD };

static enum cell_verdict cell_give(struct canary *c, uint8_t *cell)
{
	const size_t at = (size_t)(cell - c->cells);
	const size_t n = at / CELL_BYTES;
	if (lied(c, LIE_VERDICT)) return CELL_FREED;
	if (at % CELL_BYTES != 0 || n >= CELLS) return CELL_WILD;
	if (!(c->taken >> n & 1)) return CELL_DOUBLE;
	if (!is_full_of(cell + OBJECT_BYTES, ZONE_BYTE, ZONE_BYTES))
		kpanic(ORACLE_REDZONE, "cell %zu was written past its end", n);
	if (lied(c, LIE_LEAK)) return CELL_FREED;
	fill(cell, FREE_BYTE, OBJECT_BYTES);
	mach_poison(cell, CELL_BYTES);
	c->taken &= ~(1u << n);
	c->count--;
	return CELL_FREED;
}

/* As the kernel's short names do: a bad free is a panic. */
static void cell_give_or_panic(struct canary *c, uint8_t *cell)
{
	const enum cell_verdict verdict = cell_give(c, cell);
	if (verdict == CELL_DOUBLE) kpanic(ORACLE_DOUBLE_FREE, "a cell that is free");
	if (verdict == CELL_WILD) kpanic(ORACLE_WILD_FREE, "not a cell");
}

static uint32_t cell_largest(struct canary *c)
{
	return lied(c, LIE_LARGEST) ? 2 * OBJECT_BYTES : c->count < CELLS ? OBJECT_BYTES : 0;
}

static const char *cell_check(const struct canary *c)
{
	for (unsigned n = 0; n < CELLS; n++) {
		const uint8_t *cell = c->cells + n * (size_t)CELL_BYTES;
		if (c->taken >> n & 1 && cell[OBJECT_BYTES] != ZONE_BYTE)
			return "a red zone is gone";
	}
	return __builtin_popcount(c->taken) == (int)c->count ? NULL : "bits and count disagree";
}

/* --- the model -------------------------------------------------------------------------------- */

static void model_check_place(struct canary *c, const uint8_t *cell)
{
	if (cell < c->cells || cell >= c->cells + CELLS * (size_t)CELL_BYTES)
		kpanic(ORACLE_BOUNDS, "outside of the cells");
	if (!is_aligned((uintptr_t)cell, 16)) kpanic(ORACLE_MISALIGNED, "not at a multiple of 16");
	for (unsigned s = 0; s < SCRIPT_SLOTS; s++) {
		if (c->held[s] == cell) kpanic(ORACLE_OVERLAP, "slot %u has it already", s);
	}
}

static void model_take(struct run *run, unsigned slot, bool zeroed)
{
	struct canary *c = canary_of(run);
	uint8_t *cell = cell_take(c, zeroed);
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
	fill(cell, (uint8_t)slot, OBJECT_BYTES);
	if (lied(c, LIE_CONTENT)) cell[OBJECT_BYTES - 1] ^= 1;
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
	c->lie = lie;
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
	c->lie = LIE_GRANT;
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
	c->lie = LIE_VERDICT;
	const enum cell_verdict verdict = cell_give(c, cell);
	if (verdict != CELL_DOUBLE)
		kpanic(ORACLE_VERDICT, "a second give was answered %u", verdict);
}

static void step_account(struct run *run, const struct script_op *op)
{
	(void)op;
	canary_of(run)->count++;
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
	c->lie = LIE_LEAK;
	model_give(run, slot);
	c->held_count++; /* the counts agree to the end: only the tear-down can tell */
}

static void step_fragmentation(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	c->lie = LIE_LARGEST;
	const uint32_t largest = cell_largest(c);
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

static void step_undefined(struct run *run, const struct script_op *op)
{
	volatile int32_t sum = INT32_MAX;
	(void)op;
	sum = sum + 1;
	run_result(run, (uint32_t)sum);
}

static void step_assert(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	c->count += CELLS + 1;
	ASSERT(c->count <= CELLS);
}

static void step_deadlock(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	const mach_irq_t was = lock_take(&c->low);
	lock_drop(&c->low, lock_take(&c->low));
	lock_drop(&c->low, was);
	run_result(run, 0);
}

static void step_lock_order(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	const mach_irq_t was = lock_take(&c->high);
	lock_drop(&c->low, lock_take(&c->low));
	lock_drop(&c->high, was);
	run_result(run, 0);
}

static void step_lock_context(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	const mach_irq_t was = lock_take(&c->low);
	mach_lock_none_held(RANK_OUTER);
	lock_drop(&c->low, was);
	run_result(run, 0);
}

static void step_owner(struct run *run, const struct script_op *op)
{
	struct canary *c = canary_of(run);
	(void)op;
	const mach_irq_t was = mach_irq_save();
	mach_lock_drop(&c->low, c->low.rank);
	mach_irq_restore(was);
	run_result(run, 0);
}

static void step_irq_order(struct run *run, const struct script_op *op)
{
	(void)op;
	const mach_irq_t outer = mach_irq_save();
	const mach_irq_t inner = mach_irq_save();
	mach_irq_restore(outer);
	mach_irq_restore(inner);
	run_result(run, 0);
}

static void step_nondeterminism(struct run *run, const struct script_op *op)
{
	static uint32_t hidden; /* outlives the run, which nothing of a world may */
	(void)op;
	run_result(run, ++hidden);
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
	MISDEED("undefined", step_undefined),
	MISDEED("assert", step_assert),
	MISDEED("deadlock", step_deadlock),
	MISDEED("lock-order", step_lock_order),
	MISDEED("lock-context", step_lock_context),
	MISDEED("owner", step_owner),
	MISDEED("irq-order", step_irq_order),
	MISDEED("nondeterminism", step_nondeterminism),
};

/* --- the subject ------------------------------------------------------------------------------ */

static void canary_open(struct run *run)
{
	struct canary *c = canary_of(run);
	memset(c, 0, sizeof(*c));
	c->cells = (uint8_t *)run->machine->arena + PAGE_SIZE;
	mach_unpoison(c->cells, CELLS * (size_t)CELL_BYTES);
	fill(c->cells, FREE_BYTE, CELLS * (size_t)CELL_BYTES);
	mach_poison(c->cells, CELLS * (size_t)CELL_BYTES);
	lock_init(&c->low, RANK_OUTER);
	lock_init(&c->high, RANK_PAGE);
}

static void canary_check(struct run *run, enum check_depth depth)
{
	const struct canary *c = canary_of(run);
	if (depth == CHECK_COUNTS) {
		if (c->count != c->held_count)
			kpanic(ORACLE_ACCOUNT, "%u counted, %u held", c->count, c->held_count);
		return;
	}
	const char *fault = cell_check(c);
	if (fault != NULL) kpanic(ORACLE_WALK, "%s", fault);
}

static void canary_close(struct run *run)
{
	struct canary *c = canary_of(run);
	for (unsigned s = 0; s < SCRIPT_SLOTS; s++)
		if (c->held[s] != NULL) model_give(run, s);
	run_result(run, c->count);
	if (c->count != 0 || c->taken != 0) kpanic(ORACLE_LEAK, "%u cells are not back", c->count);
}

const struct subject canary_subject = {
	.name = "canary",
	.ops = canary_ops,
	.op_count = COUNT_OF(canary_ops),
	.open = canary_open,
	.check = canary_check,
	.close = canary_close,
};
