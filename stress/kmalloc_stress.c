/*
 * kmalloc_stress.c -- kmalloc, krealloc and kfree from all CPUs at once, to exhaustion and back.
 *
 * Each CPU has slots, each slot a block of memory or none.  An operation takes a block, gives one
 * back, resizes one, or hands one over: it swaps what is in a slot against what is in a mailbox,
 * in one atomic exchange, so blocks wander between CPUs and most are freed by another than took
 * them.  Sizes go from 1 byte to half a mebibyte, small ones more often.
 *
 * Every block is filled with a pattern of its own and looked at whenever it changes hands, moves
 * or is freed.  In blocks over 4 KiB every 512th byte and the ends are written, so that the storm
 * is about the allocator and not about memory.
 *
 * In the exhausting parts every CPU takes memory until it is refused even the smallest size, then
 * goes on with the first part's operations in what little is left, and then frees what its
 * neighbour took.
 *
 * Where CPUs take turns (QEMU's -icount), a turn ends when a CPU relaxes: which it does at random
 * between operations, and after each block that it fills or spills, so every seed is another order
 * of events, and the same one every time.  (QEMU 7.2 gives all instructions to the CPU that does
 * not relax: of two CPUs, the other would stand still for as long, and the watchdog would say so.)
 *
 * Always true:
 *   K1  each number of a block is in exactly one place: a slot, a mailbox or a CPU's hand.  So
 *       nobody else looks at a block, and the exchange's order makes its fields visible;
 *   K2  after the last part no block holds memory.
 *
 * Locks: none.  Cost: about 1 us an operation under QEMU.
 */
#include "kernel/kmem.h"
#include "machine/aarch64/cpu.h"
#include "machine/atomic.h"
#include "stress/stress.h"

enum {
	SLOTS = 192, /* of each CPU */
	BOXES = 64,
	BLOCKS = CPUS_MAX * SLOTS + BOXES,
	SIZE_SHIFTS = 20,    /* requests below 2^20 bytes / 2 */
	FILLED_WHOLE = 4096, /* above it a pattern has gaps */
	PATTERN_GAP = 512,
	FILL_SHIFT = 17,      /* exhaustion begins with requests of 2^17 bytes, */
	FILL_SHIFT_STEP = 3,  /* goes on with an eighth of it where that is refused, */
	FILL_SHIFT_LEAST = 5, /* and ends when even 2^5 are */
	RELAX_ONE_IN = 4,
	SCARCE_SHARE = 16, /* of the operations, with all memory taken */
	MUST_NOT_FAIL_BYTES = 1 << 20,
};

struct block {
	uint8_t *p; /* NULL: no memory */
	size_t bytes;
	uint64_t key; /* of its pattern */
	uint32_t cpu; /* who took it */
};

static struct block blocks[BLOCKS];
static uint32_t slots[CPUS_MAX][SLOTS]; /* numbers of blocks, K1 */
static uint32_t boxes[BOXES];           /* atomic */

/* What a CPU took to exhaust the memory: each begins with this, the rest has a pattern. */
struct filler {
	struct filler *next;
	size_t bytes;
};
static struct filler *fillers[CPUS_MAX];

/* --- patterns --------------------------------------------------------------------------------- */

static uint64_t word_of(uint64_t key, size_t at)
{
	return (key ^ at) * 0x9e3779b97f4a7c15ull;
}

/* The next place of a pattern after `at` in `bytes` bytes; places are words, then single bytes. */
static size_t place_next(size_t at, size_t bytes)
{
	const size_t words = align_down(bytes, sizeof(uint64_t));
	if (at >= words) return at + 1;
	if (bytes <= FILLED_WHOLE || at + PATTERN_GAP >= words) return at + sizeof(uint64_t);
	return at + PATTERN_GAP;
}

static bool is_word(size_t at, size_t bytes)
{
	return at + sizeof(uint64_t) <= align_down(bytes, sizeof(uint64_t));
}

static void pattern_write(uint8_t *p, size_t bytes, uint64_t key)
{
	for (size_t at = 0; at < bytes; at = place_next(at, bytes)) {
		const uint64_t word = word_of(key, at);
		if (is_word(at, bytes))
			*(uint64_t *)(void *)(p + at) = word;
		else
			p[at] = (uint8_t)word;
	}
}

/* Looks at as much of a pattern that was written for `bytes` bytes as the first `kept` hold. */
static void pattern_check(const char *when, const uint8_t *p, size_t bytes, size_t kept,
			  uint64_t key)
{
	for (size_t at = 0; at < kept; at = place_next(at, bytes)) {
		const uint64_t word = word_of(key, at);
		const bool whole = is_word(at, bytes);
		if (whole && at + sizeof(word) > kept) return;
		if (whole ? *(const uint64_t *)(const void *)(p + at) == word
			  : p[at] == (uint8_t)word)
			continue;
		stress_content_wrong(when, bytes, at);
		return;
	}
}

static void block_check(const char *when, const struct block *b)
{
	pattern_check(when, b->p, b->bytes, b->bytes, b->key);
}

/* --- operations ------------------------------------------------------------------------------- */

/* Of all sizes, small ones more often. */
static size_t draw_size(struct random *random)
{
	const uint32_t a = random_below(random, SIZE_SHIFTS), b = random_below(random, SIZE_SHIFTS);
	return 1 + random_below(random, 1u << (a < b ? a : b));
}

static void check_zeroes(const uint8_t *p, size_t bytes)
{
	size_t at = 0;
	while (at < bytes && p[at] == 0) at++;
	if (at < bytes) stress_content_wrong("not zeroed", bytes, at);
}

static NOINLINE void stress_takes(struct block *b, struct random *random)
{
	const uint32_t kind = random_below(random, 16);
	b->bytes = draw_size(random);
	if (kind == 0)
		b->p = kmalloc_aligned(b->bytes, (size_t)KMALLOC_ALIGN << random_below(random, 9));
	else
		b->p = kind == 1 ? kzalloc(b->bytes) : kmalloc(b->bytes);
	if (b->p == NULL) {
		stress_count(STRESS_REFUSED);
		return;
	}
	if (kind == 1) check_zeroes(b->p, b->bytes);
	b->key = random_u64(random);
	b->cpu = mach_cpu();
	pattern_write(b->p, b->bytes, b->key);
}

static void give(struct block *b)
{
	block_check("freed", b);
	if (b->cpu != mach_cpu()) stress_count(STRESS_FREED_FOREIGN);
	kfree(b->p);
	b->p = NULL;
}

static NOINLINE void stress_resizes(struct block *b, struct random *random)
{
	const size_t bytes = draw_size(random);
	block_check("before it is resized", b);
	uint8_t *p = krealloc(b->p, bytes);
	if (p == NULL) {
		stress_count(STRESS_REFUSED);
		block_check("after a refusal", b);
		return;
	}
	pattern_check("resized", p, b->bytes, min_u64(b->bytes, bytes), b->key);
	b->p = p;
	b->bytes = bytes;
	pattern_write(p, bytes, b->key);
}

/* Returns the number of the block that was in the mailbox. */
static uint32_t hand_over(uint32_t number, struct random *random)
{
	struct block *mine = &blocks[number];
	if (mine->p != NULL) block_check("handed over", mine);
	const uint32_t other = atomic_exchange_u32(&boxes[random_below(random, BOXES)], number);
	const struct block *theirs = &blocks[other];
	if (theirs->p == NULL) return other;
	block_check("received", theirs);
	if (theirs->cpu != mach_cpu()) stress_count(STRESS_HANDED_OVER);
	return other;
}

/* Misdeeds that the run must notice. */
static NOINLINE void stress_loses_a_page(void)
{
	(void)kpage_alloc(0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL));
}

static NOINLINE void stress_loses_an_object(void)
{
	(void)kmalloc(200);
}

static void misbehave(const struct stress_plan *plan, uint32_t operation, const struct block *b)
{
	static uint32_t corrupted;
	const uint32_t nth = operation + 1;
	if (plan->lose_page != 0 && nth % plan->lose_page == 0) stress_loses_a_page();
	if (plan->lose_object != 0 && nth % plan->lose_object == 0) stress_loses_an_object();
	if (plan->corrupt != 0 && nth >= plan->corrupt && b->p != NULL &&
	    atomic_claim_u32(&corrupted, 1))
		b->p[b->bytes - 1] ^= 1;
}

static void operate(const struct stress_turn *turn, struct random *random)
{
	uint32_t *slot = &slots[mach_cpu()][random_below(random, SLOTS)];
	struct block *b = &blocks[*slot];
	const uint32_t what = random_below(random, 8);
	if (what < 3)
		*slot = hand_over(*slot, random);
	else if (b->p == NULL)
		stress_takes(b, random);
	else if (what < 5)
		stress_resizes(b, random);
	else
		give(b);
	misbehave(turn->plan, stress_count(STRESS_OPERATIONS), &blocks[*slot]);
	if (random_one_in(random, RELAX_ONE_IN)) mach_relax(); /* see the essay */
}

/* --- parts ------------------------------------------------------------------------------------ */

/* On CPU 0 before anybody operates: which block is where. */
static void place_blocks(void)
{
	uint32_t number = 0;
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		for (unsigned s = 0; s < SLOTS; s++) slots[cpu][s] = number++;
	for (unsigned b = 0; b < BOXES; b++) boxes[b] = number++;
}

static void churn(const struct stress_turn *turn, struct random *random)
{
	for (uint32_t i = 0; i < turn->plan->operations; i++) {
		operate(turn, random);
		stress_sample(turn);
	}
}

static void scarce(const struct stress_turn *turn, struct random *random)
{
	for (uint32_t i = 0; i < turn->plan->operations / SCARCE_SHARE; i++) {
		operate(turn, random);
		stress_sample(turn);
	}
}

static NOINLINE struct filler *stress_fills(size_t bytes)
{
	struct filler *f = kmalloc(bytes);
	if (f == NULL) {
		stress_count(STRESS_REFUSED);
		return NULL;
	}
	f->bytes = bytes;
	pattern_write((uint8_t *)(f + 1), bytes - sizeof(*f), bytes);
	return f;
}

static NOINLINE void stress_must_not_fail(void)
{
	(void)kmalloc_or_panic(MUST_NOT_FAIL_BYTES);
}

static void fill(const struct stress_turn *turn, struct random *random)
{
	struct filler **list = &fillers[mach_cpu()];
	for (unsigned shift = FILL_SHIFT; shift >= FILL_SHIFT_LEAST;) {
		struct filler *f = stress_fills((1u << shift) - random_below(random, 8));
		if (f == NULL) {
			shift -= FILL_SHIFT_STEP;
			continue;
		}
		f->next = *list;
		*list = f;
		stress_sample(turn);
		mach_relax(); /* or nobody else has a turn before all is taken */
	}
	if (turn->plan->must_not_fail && mach_cpu() == 0) stress_must_not_fail();
}

/* What the neighbour took. */
static void spill(const struct stress_turn *turn, struct random *random)
{
	struct filler **list = &fillers[(mach_cpu() + 1) % cpu_count()];
	(void)random;
	while (*list != NULL) {
		struct filler *f = *list;
		*list = f->next;
		pattern_check("spilled", (uint8_t *)(f + 1), f->bytes - sizeof(*f),
			      f->bytes - sizeof(*f), f->bytes);
		stress_count(STRESS_FREED_FOREIGN);
		kfree(f);
		stress_sample(turn);
		mach_relax();
	}
}

/* Slots by their owners, mailboxes by CPU 0. */
static void settle(const struct stress_turn *turn, struct random *random)
{
	const unsigned cpu = mach_cpu();
	(void)random;
	for (unsigned s = 0; s < SLOTS; s++)
		if (blocks[slots[cpu][s]].p != NULL) give(&blocks[slots[cpu][s]]);
	for (unsigned b = 0; b < BOXES && cpu == 0; b++)
		if (blocks[boxes[b]].p != NULL) give(&blocks[boxes[b]]);
	stress_sample(turn);
}

static const struct stress_part parts[] = {
	{ "churn", churn, false }, { "fill", fill, true },      { "scarce", scarce, true },
	{ "spill", spill, true },  { "settle", settle, false }, { NULL, NULL, false },
};

const struct stress kmalloc_stress = {
	.name = "kmalloc",
	.open = place_blocks,
	.parts = parts,
	.things = "block",
	.tells_exhaustion = true,
};
