/*
 * race_test.c -- what is a race and what is none: for every kind of order a pair of programs, one
 * that has it and one that lacks it.
 *
 * A row is a list of steps, each a function run to its end on one CPU, one after the other.  That
 * schedule orders nothing: what counts is what the steps do.  So the steps of a row are as if they
 * ran side by side, and the detector must see in the last of them what could have gone wrong.
 *
 * ThreadSanitizer is asked the same in a build of its own, and answers the same but in three rows.
 */
#include "machine/host/arena.h"
#include "machine/host/expect.h"
#include "machine/host/panics.h"
#include "machine/host/race.h"
#include "machine/lock.h"

enum { CPUS = 8, STEPS_MAX = 9 };

struct world {
	struct lock lock, other_lock;
	struct latch latch;
	struct meter meter;
	uint32_t flag, other_flag;
	uint64_t word;
	uint64_t bitmap[2];
	uint64_t plain, other;
	uint32_t pair[2];
	uint8_t bytes[32];
	struct lock *made;
	_Alignas(PAGE_SIZE) uint64_t page[PAGE_SIZE / 8];
	uint64_t page_too[PAGE_SIZE / 8];
};

static struct world *w;
static uint64_t *outside; /* of the arena, as stacks are */

typedef __uint128_t u128;

/* --- accesses --------------------------------------------------------------------------------- */

#define STEP(name, ...)                      \
	static NOINLINE void name(void *arg) \
	{                                    \
		(void)arg;                   \
		__VA_ARGS__;                 \
	}

/* Through volatile, so that each is made once and of the size that it has. */
#define GET(at) (*(volatile const __typeof__(at) *)&(at))
#define PUT(at, value) (*(volatile __typeof__(at) *)&(at) = (value))

STEP(plain_read, (void)GET(w->plain))
STEP(plain_write, PUT(w->plain, 1))
STEP(plain_add, PUT(w->plain, GET(w->plain) + 1))
STEP(outside_write, PUT(*outside, 1))
STEP(other_write, PUT(w->other, 1))
STEP(low_write, PUT(w->pair[0], 1))
STEP(high_write, PUT(w->pair[1], 1))
STEP(both_read, (void)GET(*(uint64_t *)(void *)w->pair))
STEP(both_write, PUT(*(uint64_t *)(void *)w->pair, 1))
STEP(byte_3_write, PUT(w->bytes[3], 1))
STEP(byte_4_write, PUT(w->bytes[4], 1))
STEP(bytes_2_3_read, (void)GET(*(uint16_t *)(void *)&w->bytes[2]))
STEP(bytes_4_5_read, (void)GET(*(uint16_t *)(void *)&w->bytes[4]))
STEP(byte_15_write, PUT(w->bytes[15], 1))
STEP(byte_16_write, PUT(w->bytes[16], 1))

/* No copy is asked for here: the compiler makes 16 bytes at once of it. */
static NOINLINE void wide_read(void *arg)
{
	u128 value;
	(void)arg;
	value = *(volatile u128 *)(void *)w->bytes;
	__asm__ volatile("" ::"r"((uint64_t)value));
}

static NOINLINE void wide_write(void *arg)
{
	(void)arg;
	*(volatile u128 *)(void *)w->bytes = 1;
}

static volatile size_t range = 16; /* not known to the compiler, which would not call otherwise */

STEP(bytes_set, memset(w->bytes, 1, range))
STEP(bytes_from, static uint8_t to[32]; memcpy(to, w->bytes, range); EXPECT(to[31] == 0))
STEP(bytes_to, static const uint8_t from[32]; memcpy(w->bytes, from, range))
STEP(bytes_move, memmove(w->bytes + 1, w->bytes + 8, range - 8))
STEP(bytes_compare, static const uint8_t with[32]; EXPECT(memcmp(w->bytes, with, range) != 0))
STEP(bytes_nothing, memset(w->bytes, 1, range - 16))

/* --- orders ----------------------------------------------------------------------------------- */

STEP(locked_add, const mach_irq_t was = lock_take(&w->lock); w->plain++; lock_drop(&w->lock, was))
STEP(other_locked_add, const mach_irq_t was = lock_take(&w->other_lock); w->plain++;
     lock_drop(&w->other_lock, was))
STEP(add_then_lock, w->plain++; const mach_irq_t was = lock_take(&w->lock);
     lock_drop(&w->lock, was))
STEP(lock_then_add, const mach_irq_t was = lock_take(&w->lock); lock_drop(&w->lock, was);
     w->plain++)
STEP(latched_add, const mach_irq_t was = mach_irq_save(); latch_take(&w->latch); w->plain++;
     latch_drop(&w->latch); mach_irq_restore(was))
STEP(tried_add, ASSERT(latch_try(&w->latch)); w->plain++; latch_release(&w->latch))
STEP(metered_add, const mach_irq_t was = mach_irq_save();
     const uint32_t number = meter_take(&w->meter, RANK_PAGE); w->plain++;
     meter_drop(&w->meter, RANK_PAGE, number + 1); mach_irq_restore(was))

STEP(publish, w->plain = 1; atomic_store_u32(&w->flag, 1))
STEP(publish_late, atomic_store_u32(&w->flag, 1); w->plain = 1)
STEP(publish_elsewhere, w->plain = 1; atomic_store_u32(&w->other_flag, 1))
STEP(publish_by_adding, w->plain = 1; atomic_fetch_add_u32(&w->flag, 1))
STEP(publish_by_change, w->plain = 1; ASSERT(atomic_change_u64(&w->word, 0, 1)))
STEP(publish_by_bit, w->plain = 1; ASSERT(!atomic_bit_set(w->bitmap, 70)))
STEP(publish_by_claim, w->plain = 1; ASSERT(atomic_claim_u32(&w->flag, 1)))
STEP(publish_by_exchange, w->plain = 1; atomic_exchange_u64(&w->word, 1))
STEP(publish_plainly, w->plain = 1; PUT(w->flag, 1))
STEP(publish_relaxed, w->plain = 1; __atomic_store_n(&w->flag, 1, __ATOMIC_RELAXED))
STEP(subscribe, atomic_load_u32(&w->flag); w->plain++)
STEP(subscribe_early, w->plain++; atomic_load_u32(&w->flag))
STEP(subscribe_word, ASSERT(atomic_load_u64(&w->word) == 1); w->plain++)
STEP(subscribe_bit, ASSERT(atomic_bit_clear(w->bitmap, 70)); w->plain++)
STEP(subscribe_in_vain, ASSERT(!atomic_change_u64(&w->word, 7, 8)); w->plain++)
STEP(claim_in_vain, w->plain = 1; ASSERT(!atomic_claim_u32(&w->flag, 5)))
STEP(subscribe_plainly, if (GET(w->flag) == 1) w->plain++)
STEP(pass_on, ASSERT(atomic_load_u32(&w->flag) == 1); atomic_store_u32(&w->other_flag, 1))
STEP(subscribe_other, ASSERT(atomic_load_u32(&w->other_flag) == 1); w->plain++)
STEP(flag_add, atomic_fetch_add_u32(&w->flag, 1))
STEP(flag_store, atomic_store_u32(&w->flag, 3))
STEP(flag_write, PUT(w->flag, 4))
STEP(flag_poke, atomic_poke_u32(&w->flag, 3))
STEP(flag_peek, atomic_peek_u32(&w->flag))
STEP(publish_by_poke, w->plain = 1; atomic_poke_u32(&w->flag, 1))
STEP(subscribe_by_peek, atomic_peek_u32(&w->flag); w->plain++)
STEP(flag_read, (void)GET(w->flag))
STEP(flag_load, atomic_load_u32(&w->flag))

STEP(interrupt_1, w->plain = 1; race_interrupt_sent(1))
STEP(interrupt_1_too, w->other = 1; race_interrupt_sent(1))
STEP(interrupt_2, w->plain = 1; race_interrupt_sent(2))
STEP(interrupt_early, race_interrupt_sent(1); w->plain = 1)
STEP(interrupted, race_interrupt_taken(); w->plain++)
STEP(interrupted_by_both, race_interrupt_taken(); w->plain++; w->other++)
STEP(entry_publish, w->plain = 1; mach_entry_store(&w->word, 0))
STEP(entry_load, ASSERT(atomic_load_u64(&w->word) == 0); w->plain++)

/* --- memory that changes hands ---------------------------------------------------------------- */

STEP(page_free, mach_poison(w->page, PAGE_SIZE))
STEP(page_free_locked, const mach_irq_t was = lock_take(&w->lock); mach_poison(w->page, PAGE_SIZE);
     lock_drop(&w->lock, was))
STEP(page_take_locked, const mach_irq_t was = lock_take(&w->lock);
     mach_unpoison(w->page, PAGE_SIZE); lock_drop(&w->lock, was); w->page[7] = 1)
STEP(page_take_unlocked, mach_unpoison(w->page, PAGE_SIZE); w->page[7] = 1)
STEP(page_word_write, w->page[7] = 1)
STEP(page_word_read, (void)GET(w->page[7]))
STEP(page_clear, memset(w->page, 0, range * 256))
STEP(page_end_write, w->page[511] = 1)
STEP(page_too_write, w->page_too[0] = 1)
STEP(across_clear, memset(&w->page[500], 0, range * 256))
STEP(object_free, mach_poison(&w->page[8], 64))
STEP(object_free_locked, const mach_irq_t was = lock_take(&w->lock); mach_poison(&w->page[8], 64);
     lock_drop(&w->lock, was))
STEP(object_take, const mach_irq_t was = lock_take(&w->lock); mach_unpoison(&w->page[8], 64);
     lock_drop(&w->lock, was); w->page[10] = 1)
STEP(object_read, (void)GET(w->page[10]))

/* A lock in memory of the page: freed, and another made in its place. */
STEP(page_lock_make, w->made = (struct lock *)(void *)&w->page[16]; lock_init(w->made, RANK_OUTER))
STEP(page_locked_add, const mach_irq_t was = lock_take(w->made); w->plain++;
     lock_drop(w->made, was))
STEP(page_free_handed, mach_poison(w->page, PAGE_SIZE); mach_unpoison(w->page, PAGE_SIZE);
     w->made = (struct lock *)(void *)&w->page[16]; lock_init(w->made, RANK_OUTER);
     atomic_store_u32(&w->flag, 1))
STEP(page_remade_add, ASSERT(atomic_load_u32(&w->flag) == 1);
     const mach_irq_t was = lock_take(w->made); w->plain++; lock_drop(w->made, was))

/* --- threads that move ------------------------------------------------------------------------ */

/* A thread's doings before and after it moves from one CPU to another. */
STEP(thread_before, w->plain = 1)
STEP(thread_before_queued, w->plain = 1; const mach_irq_t was = lock_take(&w->lock);
     lock_drop(&w->lock, was))
STEP(thread_after, w->plain++)
STEP(thread_after_taken, const mach_irq_t was = lock_take(&w->lock); lock_drop(&w->lock, was);
     w->plain++)

/* --- rows ------------------------------------------------------------------------------------- */

/* It races, but one of the two does not see that. */
enum { BUT_NOT_BY_TSAN = 2, ONLY_BY_TSAN = 3 };

struct step {
	unsigned cpu;
	void (*fn)(void *arg);
};

static const struct row {
	const char *name;
	int races; /* in its last step, and in no other: true, false, or one of these */
	struct step steps[STEPS_MAX];
} rows[] = {
	{ "two writes", true, { { 0, plain_write }, { 1, plain_write } } },
	{ "outside of the arena", ONLY_BY_TSAN, { { 0, outside_write }, { 1, outside_write } } },
	{ "write, read", true, { { 0, plain_write }, { 1, plain_read } } },
	{ "read, write", true, { { 0, plain_read }, { 1, plain_write } } },
	{ "two reads", false, { { 0, plain_read }, { 1, plain_read } } },
	{ "lost update", true, { { 0, plain_add }, { 1, plain_add } } },
	{ "one CPU", false, { { 2, plain_add }, { 2, plain_add }, { 2, plain_read } } },
	{ "two words", false, { { 0, plain_write }, { 1, other_write }, { 0, plain_read } } },
	{ "many read, the first writes",
	  true,
	  { { 0, plain_read }, { 1, plain_read }, { 2, plain_read }, { 0, plain_write } } },
	{ "a read that one of many did",
	  true,
	  { { 3, plain_read }, { 0, flag_store }, { 1, subscribe } } },
	{ "all CPUs read, then one writes",
	  true,
	  { { 0, plain_read },
	    { 1, plain_read },
	    { 2, plain_read },
	    { 3, plain_read },
	    { 4, plain_read },
	    { 5, plain_read },
	    { 6, plain_read },
	    { 7, plain_read },
	    { 7, plain_write } } },

	{ "halves", false, { { 0, low_write }, { 1, high_write }, { 0, low_write } } },
	{ "a half and the whole", true, { { 0, low_write }, { 1, high_write }, { 1, both_read } } },
	{ "the whole and a half", true, { { 0, both_write }, { 1, high_write } } },
	{ "the other half was read", true, { { 0, both_read }, { 1, low_write } } },
	{ "bytes beside", false, { { 0, byte_3_write }, { 1, bytes_4_5_read } } },
	{ "bytes that overlap", true, { { 0, byte_3_write }, { 1, bytes_2_3_read } } },
	{ "a byte hidden by its neighbour's writer",
	  true,
	  { { 0, byte_3_write }, { 1, byte_4_write }, { 2, bytes_2_3_read } } },
	{ "16 bytes, the last", true, { { 0, byte_15_write }, { 1, wide_read } } },
	{ "16 bytes, one behind", false, { { 0, byte_16_write }, { 1, wide_read } } },
	{ "16 bytes written", true, { { 0, wide_write }, { 1, byte_15_write } } },
	{ "memset", true, { { 0, byte_15_write }, { 1, bytes_set } } },
	{ "memset, one behind", false, { { 0, byte_16_write }, { 1, bytes_set } } },
	{ "memset of nothing", false, { { 0, byte_3_write }, { 1, bytes_nothing } } },
	{ "memcpy from", true, { { 0, byte_15_write }, { 1, bytes_from } } },
	{ "memcpy from, twice", false, { { 0, bytes_from }, { 1, bytes_from } } },
	{ "memcpy to", true, { { 0, bytes_from }, { 1, bytes_to } } },
	{ "memmove", true, { { 0, byte_15_write }, { 1, bytes_move } } },
	{ "memcmp", true, { { 0, bytes_set }, { 1, bytes_compare } } },

	{ "a lock", false, { { 0, locked_add }, { 1, locked_add }, { 0, locked_add } } },
	{ "two locks", true, { { 0, locked_add }, { 1, other_locked_add } } },
	{ "before a lock, under it", false, { { 0, add_then_lock }, { 1, locked_add } } },
	{ "behind a lock, under it", true, { { 0, lock_then_add }, { 1, locked_add } } },
	{ "a latch", false, { { 0, latched_add }, { 1, latched_add } } },
	{ "a latch and a lock", true, { { 0, latched_add }, { 1, locked_add } } },
	{ "a latch tried", false, { { 0, tried_add }, { 1, latched_add }, { 2, tried_add } } },
	{ "a meter", false, { { 0, metered_add }, { 1, metered_add } } },

	{ "publish", false, { { 0, publish }, { 1, subscribe } } },
	{ "publish too early", true, { { 0, publish_late }, { 1, subscribe } } },
	{ "subscribe too late", true, { { 0, publish }, { 1, subscribe_early } } },
	{ "publish by another word", true, { { 0, publish_elsewhere }, { 1, subscribe } } },
	{ "publish by a plain store", true, { { 0, publish_plainly }, { 1, flag_load } } },
	/* The compiler's own atomics, which do not belong here, are plain accesses to race.c. */
	{ "publish by a relaxed store",
	  BUT_NOT_BY_TSAN,
	  { { 0, publish_relaxed }, { 1, flag_load } } },
	{ "subscribe by a plain load", true, { { 0, publish }, { 1, subscribe_plainly } } },
	{ "by adding", false, { { 0, publish_by_adding }, { 1, subscribe } } },
	{ "by changing", false, { { 0, publish_by_change }, { 1, subscribe_word } } },
	{ "by a bit", false, { { 0, publish_by_bit }, { 1, subscribe_bit } } },
	{ "by claiming", false, { { 0, publish_by_claim }, { 1, subscribe } } },
	{ "by exchanging", false, { { 0, publish_by_exchange }, { 1, subscribe_word } } },
	{ "a change that fails acquires",
	  false,
	  { { 0, publish_by_change }, { 1, subscribe_in_vain } } },
	{ "a change that fails releases nothing",
	  true,
	  { { 0, flag_store }, { 1, claim_in_vain }, { 2, subscribe } } },
	{ "the neighbour of a word orders nothing",
	  true,
	  { { 0, publish_elsewhere }, { 1, flag_add }, { 1, plain_read } } },
	{ "handed on", false, { { 0, publish }, { 1, pass_on }, { 2, subscribe_other } } },
	{ "an adder in between hands on",
	  false,
	  { { 0, publish }, { 1, flag_add }, { 2, subscribe } } },
	{ "a store in between does not",
	  true,
	  { { 0, publish }, { 1, flag_store }, { 2, subscribe } } },
	{ "atomics among themselves",
	  false,
	  { { 0, flag_add }, { 1, flag_store }, { 2, flag_load }, { 3, flag_add } } },
	{ "an atomic and a plain write", true, { { 0, flag_load }, { 1, flag_write } } },
	{ "a plain write and an atomic", true, { { 0, flag_write }, { 1, flag_load } } },
	{ "atomic reads, a plain read", false, { { 0, flag_load }, { 1, flag_read } } },
	{ "an atomic write, a plain read", true, { { 0, flag_store }, { 1, flag_read } } },

	{ "peeks and pokes", false, { { 0, flag_poke }, { 1, flag_peek }, { 2, flag_poke } } },
	{ "a poke and a plain read", true, { { 0, flag_poke }, { 1, flag_read } } },
	{ "a peek and a plain write", true, { { 0, flag_peek }, { 1, flag_write } } },
	{ "publish by a poke", true, { { 0, publish_by_poke }, { 1, subscribe } } },
	{ "subscribe by a peek", true, { { 0, publish }, { 1, subscribe_by_peek } } },
	/* To ThreadSanitizer a relaxed store leaves alone what an earlier release left. */
	{ "a poke in between",
	  BUT_NOT_BY_TSAN,
	  { { 0, publish }, { 1, flag_poke }, { 2, subscribe } } },

	{ "an interrupt", false, { { 0, interrupt_1 }, { 1, interrupted } } },
	{ "an interrupt for another", true, { { 0, interrupt_2 }, { 1, interrupted } } },
	{ "an interrupt sent too early", true, { { 0, interrupt_early }, { 1, interrupted } } },
	{ "an interrupt not taken", true, { { 0, interrupt_1 }, { 1, plain_read } } },
	{ "interrupts by two",
	  false,
	  { { 0, interrupt_1 }, { 2, interrupt_1_too }, { 1, interrupted_by_both } } },
	{ "an entry stored", false, { { 0, entry_publish }, { 1, entry_load } } },

	{ "used, freed", true, { { 0, page_word_read }, { 1, page_free } } },
	{ "freed, used by who has it next", true, { { 0, page_free }, { 1, page_take_unlocked } } },
	{ "freed and taken under a lock",
	  false,
	  { { 0, page_word_write }, { 0, page_free_locked }, { 1, page_take_locked } } },
	{ "used late by the old owner",
	  true,
	  { { 0, page_free_locked }, { 1, page_take_locked }, { 0, page_word_read } } },
	{ "an object used, freed", true, { { 0, object_read }, { 1, object_free } } },
	{ "an object freed and taken",
	  false,
	  { { 0, object_read }, { 0, object_free_locked }, { 1, object_take } } },
	{ "an object used late",
	  true,
	  { { 0, object_free_locked }, { 1, object_take }, { 2, object_read } } },
	{ "a page cleared, its last word", true, { { 0, page_clear }, { 1, page_end_write } } },
	{ "a page's word, cleared", true, { { 0, page_end_write }, { 1, page_clear } } },
	{ "a page cleared, the next page", false, { { 0, page_clear }, { 1, page_too_write } } },
	{ "cleared across pages", true, { { 0, page_too_write }, { 1, across_clear } } },
	{ "cleared twice", true, { { 0, page_clear }, { 1, page_clear } } },
	{ "a lock in a page",
	  false,
	  { { 0, page_lock_make }, { 0, publish }, { 1, subscribe }, { 1, page_locked_add } } },
	{ "its page freed while it may be used",
	  true,
	  { { 0, page_lock_make },
	    { 0, publish },
	    { 1, subscribe },
	    { 1, page_locked_add },
	    { 0, page_free_handed } } },
	{ "another lock in its place",
	  false,
	  { { 0, page_lock_make },
	    { 0, page_locked_add },
	    { 0, page_free_handed },
	    { 1, page_remade_add } } },

	{ "a thread moves", true, { { 0, thread_before }, { 1, thread_after } } },
	{ "a thread moves by a queue",
	  false,
	  { { 0, thread_before_queued }, { 1, thread_after_taken } } },
};

static void world_make(void)
{
	host_reset();
	w = host_arena_base();
	mach_unpoison(w, sizeof(*w));
	memset(w, 0, sizeof(*w));
	lock_init(&w->lock, RANK_OUTER);
	lock_init(&w->other_lock, RANK_OUTER);
	latch_init(&w->latch, RANK_MAGAZINE);
}

static void row_run(const struct row *row)
{
	const bool races =
		row->races == true || row->races == (RACE_BY_TSAN ? ONLY_BY_TSAN : BUT_NOT_BY_TSAN);
	unsigned steps = 0;
	world_make();
	race_begin(CPUS);
	while (steps < STEPS_MAX && row->steps[steps].fn != NULL) steps++;
	for (unsigned i = 0; i < steps; i++)
		expect_panic(row->steps[i].cpu, row->steps[i].fn, NULL,
			     i + 1 == steps && races ? "race" : NULL, row->name);
	race_end();
}

/* --- what is said ----------------------------------------------------------------------------- */

STEP(object_give, mach_unpoison(&w->page[64], 48))
STEP(object_write, w->page[66] = 1)
STEP(object_touch, *(volatile uint16_t *)(void *)&w->page[66] = 2)

/* ThreadSanitizer cuts ranges into words, and knows of writes what they are and not what for. */
#define BY(race_c, tsan) (RACE_BY_TSAN ? (tsan) : (race_c))

static const struct wording {
	void (*first)(void *arg);
	void (*second)(void *arg);
	const char *words[8]; /* in this order, with anything between */
} wordings[] = {
	{ plain_read,
	  plain_write,
	  { "cpu 5 writes 8 bytes at plain_write+0x", "unordered, before it ",
	    "cpu 2 reads 8 bytes at plain_read+0x", "arena+0x50, byte 80 of ",
	    " given by world_make+0x" } },
	{ flag_store,
	  flag_read,
	  { "cpu 5 reads 4 bytes at flag_read+0x",
	    "cpu 2 atomically writes 4 bytes at flag_store+0x" } },
	{ bytes_set,
	  byte_3_write,
	  { "cpu 5 writes 1 byte at byte_3_write+0x",
	    BY("cpu 2 writes a range at bytes_set+0x", "cpu 2 writes 8 bytes at bytes_set+0x") } },
	{ wide_read,
	  bytes_set,
	  { BY("cpu 2 reads 16 bytes at wide_read+0x", "cpu 2 reads 8 bytes at wide_read+0x") } },
	{ page_word_read,
	  page_free,
	  { BY("cpu 5 frees it at page_free+0x", "cpu 5 writes 8 bytes at page_free+0x") } },
	{ object_write,
	  object_touch,
	  { "cpu 5 writes 2 bytes", "byte 16 of 48 given by object_give+0x" } },
};

static void wording_expect(const struct wording *wording)
{
	char said[sizeof(panic_text)];
	const char *at = said;
	world_make();
	race_begin(CPUS);
	expect_panic(0, object_give, NULL, NULL, "giving is no access");
	expect_panic(2, wording->first, NULL, NULL, "the first of two");
	expect_panic(5, wording->second, NULL, "race", "the second of two");
	strcpy(said, panic_text);
	for (size_t i = 0; i < COUNT_OF(wording->words) && wording->words[i] != NULL; i++) {
		const char *found = strstr(at, wording->words[i]);
		if (found == NULL) kpanic("test", "no '%s' in: %s", wording->words[i], at);
		at = found + strlen(wording->words[i]);
	}
}

int main(void)
{
	host_arena_open(4 << 20);
	host_cpus_open(CPUS);
	outside = host_map(PAGE_SIZE);
	for (size_t i = 0; i < COUNT_OF(rows); i++) row_run(&rows[i]);
	for (size_t i = 0; i < COUNT_OF(wordings); i++) wording_expect(&wordings[i]);
	host_cpus_close();
	return 0;
}
