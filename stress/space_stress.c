/*
 * space_stress.c -- mapping, touching and unmapping from all CPUs at once, in spaces that they
 * share, with fork and copy-on-write beside it, to exhaustion and back
 * (space_fill.c).
 *
 * Each CPU has slots, each slot a mapping of some pages in one of the spaces, or none.  An
 * operation maps, unmaps all or an end, resizes, protects, drops contents, copies from outside, or
 * hands over: it swaps what is in a slot against what is in a mailbox, so most mappings are used
 * by several CPUs and unmapped by another than mapped them.  The word of every page is looked at
 * whenever a mapping changes hands, moves or goes; an entry that some CPU remembers too long leads
 * to another word.
 *
 * One operation in FORK_ONE_IN is of space_fork.c: a clone, written to on both sides; one in
 * STACK_ONE_IN takes a kernel thread's stack and runs on it.
 *
 * In every second cycle there is but one space and no clone: CPUs stay in it, and remember entries
 * for as long as nobody tells them otherwise (emulation forgets them all at a change of spaces).
 *
 * In the exhausting parts every CPU fills a space of its own until it is refused, goes on with the
 * other operations in what little is left, and then its neighbour retires that space.
 *
 * Where CPUs take turns (QEMU's -icount), a turn ends when a CPU relaxes: at random, between
 * operations, so every seed is another order of events, and the same one every time.
 *
 * Always true:
 *   S1  each number of a mapping is in exactly one place: a slot, a mailbox or a CPU's hand;
 *   S2  nobody but who has its number uses a mapping's addresses, though its space is everybody's;
 *   S3  after the last part there is no space, and no CPU has one installed.
 *
 * Locks: none.  Cost: about 20 us an operation under QEMU.
 */
#include "stress/space_stress.h"
#include "kernel/kmem.h"
#include "machine/aarch64/cpu.h"
#include "machine/atomic.h"
#include "mm/usercopy.h"

enum {
	SPACES = 3,
	SLOTS = 16, /* of each CPU */
	BOXES = 12,
	MAPPINGS = CPUS_MAX * SLOTS + BOXES,
	PAGES_MAX = 32,
	FORK_ONE_IN = 8,
	STACK_ONE_IN = 16,
	RELAX_ONE_IN = 2,
	SCARCE_SHARE = 8, /* of the operations, with all memory taken */
};

struct mapping {
	uint64_t at; /* 0: none */
	uint64_t key;
	uint32_t pages;
	uint32_t first;   /* what number its first page had when it was mapped */
	uint32_t touched; /* a bit for each page that has its word, from the first */
	uint32_t space, cpu;
	bool shared; /* MAP_SHARED */
	bool frozen; /* part of it may still only be read */
};

static struct space *spaces[SPACES];
static uint32_t spaces_used; /* 1 in every second cycle, else all */
static struct mapping mappings[MAPPINGS];
static uint32_t slots[CPUS_MAX][SLOTS]; /* numbers of mappings, S1 */
static uint32_t boxes[BOXES];           /* atomic */

/* --- one mapping ------------------------------------------------------------------------------ */

static struct space *space_of(const struct mapping *m)
{
	return spaces[m->space];
}

static uint64_t bytes_of(const struct mapping *m)
{
	return (uint64_t)m->pages << PAGE_SHIFT;
}

static uint64_t word_address(const struct mapping *m, uint32_t page)
{
	return m->at + ((uint64_t)page << PAGE_SHIFT) + space_word_offset(m->key, m->first + page);
}

static uint64_t word_wanted(const struct mapping *m, uint32_t page)
{
	return (m->touched >> page & 1) != 0 ? space_word(m->key, m->first + page) : 0;
}

static void touch(struct mapping *m, uint32_t page)
{
	if (!space_writes(space_of(m), word_address(m, page), space_word(m->key, m->first + page)))
		return;
	m->touched |= 1u << page;
}

static void check_mapping(const char *when, const struct mapping *m)
{
	for (uint32_t page = 0; page < m->pages; page++) {
		uint64_t value = 0;
		if (!space_reads(space_of(m), word_address(m, page), &value)) continue;
		if (value != word_wanted(m, page)) space_is_wrong(when, page, m->pages);
	}
}

static uint32_t draw_pages(struct random *random)
{
	return 1 + random_below(random, 1u << random_below(random, 6));
}

/* --- operations ------------------------------------------------------------------------------- */

static NOINLINE void stress_maps(struct mapping *m, struct random *random)
{
	m->space = random_below(random, spaces_used);
	m->pages = draw_pages(random);
	m->shared = random_one_in(random, 4);
	const uint32_t populate = random_one_in(random, 8) ? MAP_POPULATE : 0;
	const int64_t at = kspace_map(space_of(m), bytes_of(m), PROT_READ | PROT_WRITE,
				      (m->shared ? MAP_SHARED : MAP_PRIVATE) | populate);
	if (!space_granted("mmap", at)) return;
	m->at = (uint64_t)at;
	m->key = random_u64(random);
	m->cpu = mach_cpu();
	m->touched = m->first = 0;
	m->frozen = false;
	for (uint32_t page = 0; page < m->pages; page++)
		if (!random_one_in(random, 3)) touch(m, page);
}

static void unmap(struct mapping *m)
{
	check_mapping("before munmap", m);
	if (!space_granted("munmap", kspace_unmap(space_of(m), m->at, bytes_of(m)))) return;
	if (m->cpu != mach_cpu()) stress_count(STRESS_FREED_FOREIGN);
	m->at = 0;
}

/* From the start or the end. */
static void unmap_some(struct mapping *m, struct random *random)
{
	const uint32_t less = random_below(random, m->pages);
	const bool start = random_one_in(random, 2);
	const uint64_t bytes = (uint64_t)less << PAGE_SHIFT;
	if (less == 0) return;
	const uint64_t from = start ? m->at : m->at + bytes_of(m) - bytes;
	if (!space_granted("munmap", kspace_unmap(space_of(m), from, bytes))) return;
	m->pages -= less;
	if (start) {
		m->at += bytes;
		m->first += less;
		m->touched >>= less;
	} else {
		m->touched &= (1u << m->pages) - 1;
	}
	check_mapping("after part of it went", m);
}

/* A shared mapping that grew has nothing behind its old end (SIGBUS): those only shrink. */
static void resize(struct mapping *m, struct random *random)
{
	const uint32_t pages = m->shared ? 1 + random_below(random, m->pages) : draw_pages(random);
	const int64_t at = space_mremap(space_of(m), m->at, bytes_of(m),
					(uint64_t)pages << PAGE_SHIFT, MREMAP_MAYMOVE, 0);
	if (!space_granted("mremap", at)) return;
	m->at = (uint64_t)at;
	m->pages = pages;
	if (pages < PAGES_MAX) m->touched &= (1u << pages) - 1;
	check_mapping("after mremap", m);
}

/* Pages [*from, *from + result). */
static uint32_t draw_part(const struct mapping *m, uint32_t *from, struct random *random)
{
	*from = random_below(random, m->pages);
	return 1 + random_below(random, m->pages - *from);
}

/* All of it may be written to again.  False where there is no memory to cut a region in two. */
static bool thaw(struct mapping *m)
{
	const uint32_t rights = PROT_READ | PROT_WRITE;
	m->frozen =
		!space_granted("mprotect", space_mprotect(space_of(m), m->at, bytes_of(m), rights));
	return !m->frozen;
}

/* For a while part of it may only be read. */
static void protect(struct mapping *m, struct random *random)
{
	uint32_t from;
	const uint64_t bytes = (uint64_t)draw_part(m, &from, random) << PAGE_SHIFT;
	const uint64_t at = m->at + ((uint64_t)from << PAGE_SHIFT);
	struct space *s = space_of(m);
	uint64_t value;
	check_mapping("before mprotect", m);
	if (!space_granted("mprotect", space_mprotect(s, at, bytes, PROT_READ))) return;
	space_switch(&kernel_vm, s);
	if (kspace_store(s, word_address(m, from), 0) != FAULT_NOT_ALLOWED)
		space_is_wrong("a store to what is read-only", from, m->pages);
	if (space_reads(s, word_address(m, from), &value) && value != word_wanted(m, from))
		space_is_wrong("read-only", from, m->pages);
	if (thaw(m)) touch(m, from);
}

static void drop_contents(struct mapping *m, struct random *random)
{
	uint32_t from;
	const uint32_t pages = draw_part(m, &from, random);
	const uint64_t at = m->at + ((uint64_t)from << PAGE_SHIFT);
	check_mapping("before madvise", m);
	const int64_t answer =
		space_madvise(space_of(m), at, (uint64_t)pages << PAGE_SHIFT, MADV_DONTNEED);
	if (!space_granted("madvise", answer)) return;
	if (!m->shared) m->touched &= ~(uint32_t)(((1ull << pages) - 1) << from);
	check_mapping("after madvise", m);
}

/* As a system call would write and read it, whatever this CPU has installed. */
static void copy(struct mapping *m, struct random *random)
{
	const uint32_t page = random_below(random, m->pages);
	const uint64_t word = space_word(m->key, m->first + page);
	uint64_t back = 0;
	check_mapping("before a copy", m);
	if (user_copy_out(space_of(m), word_address(m, page), &word, sizeof(word)) != 0) {
		stress_count(STRESS_REFUSED);
		return;
	}
	m->touched |= 1u << page;
	if (user_copy_in(space_of(m), &back, word_address(m, page), sizeof(back)) != 0 ||
	    back != word)
		space_is_wrong("copied", page, m->pages);
}

/* Returns the number of the mapping that was in the mailbox. */
static uint32_t hand_over(uint32_t number, struct random *random)
{
	if (mappings[number].at != 0) check_mapping("handed over", &mappings[number]);
	const uint32_t other = atomic_exchange_u32(&boxes[random_below(random, BOXES)], number);
	const struct mapping *theirs = &mappings[other];
	if (theirs->at == 0) return other;
	check_mapping("received", theirs);
	if (theirs->cpu != mach_cpu()) stress_count(STRESS_HANDED_OVER);
	return other;
}

static void operate_on(struct mapping *m, struct random *random)
{
	if (m->frozen && !thaw(m)) return;
	switch (random_below(random, 8)) {
	case 0: unmap_some(m, random); break;
	case 1: resize(m, random); break;
	case 2: protect(m, random); break;
	case 3: drop_contents(m, random); break;
	case 4: copy(m, random); break;
	default: unmap(m);
	}
}

static void on_stack(void *arg)
{
	volatile uint8_t room[KERNEL_STACK_BYTES / 2];
	for (size_t at = 0; at < sizeof(room); at += 512) room[at] = (uint8_t)at;
	*(uint32_t *)arg = room[512];
}

static NOINLINE void stress_runs_on_stack(void)
{
	uint32_t unused;
	const uint64_t stack = kstack_take();
	if (stack == 0) {
		stress_count(STRESS_REFUSED);
		return;
	}
	cpu_call_on(stack, on_stack, &unused);
	kstack_give(stack);
}

static void corrupt_one(const struct stress_plan *plan, uint32_t operation, struct mapping *m)
{
	static uint32_t corrupted;
	if (plan->corrupt == 0 || operation + 1 < plan->corrupt || m->at == 0) return;
	if (m->frozen || !atomic_claim_u32(&corrupted, 1)) return;
	for (uint32_t page = 0; page < m->pages; page++)
		space_writes(space_of(m), word_address(m, page), ~word_wanted(m, page));
}

static void operate(const struct stress_turn *turn, struct random *random)
{
	uint32_t *slot = &slots[mach_cpu()][random_below(random, SLOTS)];
	struct mapping *m = &mappings[*slot];
	if (spaces_used > 1 && random_one_in(random, FORK_ONE_IN))
		fork_operate(turn, random);
	else if (random_one_in(random, STACK_ONE_IN))
		stress_runs_on_stack();
	else if (random_one_in(random, 3))
		*slot = hand_over(*slot, random);
	else if (m->at == 0)
		stress_maps(m, random);
	else
		operate_on(m, random);
	const uint32_t operation = stress_count(STRESS_OPERATIONS);
	space_misbehaves(turn->plan, operation);
	corrupt_one(turn->plan, operation, &mappings[*slot]);
	if (random_one_in(random, RELAX_ONE_IN)) mach_relax(); /* see the essay */
}

/* --- parts ------------------------------------------------------------------------------------ */

static void place_mappings(void)
{
	uint32_t number = 0;
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		for (unsigned s = 0; s < SLOTS; s++) slots[cpu][s] = number++;
	for (unsigned b = 0; b < BOXES; b++) boxes[b] = number++;
}

static void make(const struct stress_turn *turn, struct random *random)
{
	(void)random;
	if (mach_cpu() != 0) return;
	spaces_used = turn->cycle % 2 == 0 ? SPACES : 1;
	for (unsigned i = 0; i < SPACES; i++) {
		spaces[i] = kspace_create();
		if (spaces[i] == NULL) kpanic("assert", "no memory for spaces at the beginning");
	}
	forks_open();
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

/* Slots by their owners, mailboxes by CPU 0.  Memory is there again, so none may be left. */
static void settle(const struct stress_turn *turn, struct random *random)
{
	const unsigned cpu = mach_cpu();
	(void)random;
	for (unsigned s = 0; s < SLOTS; s++)
		if (mappings[slots[cpu][s]].at != 0) unmap(&mappings[slots[cpu][s]]);
	for (unsigned b = 0; b < BOXES && cpu == 0; b++)
		if (mappings[boxes[b]].at != 0) unmap(&mappings[boxes[b]]);
	space_switch(&kernel_vm, NULL);
	stress_sample(turn);
}

static void retire(const struct stress_turn *turn, struct random *random)
{
	(void)turn, (void)random;
	if (mach_cpu() != 0) return;
	for (unsigned i = 0; i < SPACES; i++) {
		space_must_be_empty(spaces[i]);
		space_retire(spaces[i]);
	}
	forks_close();
	for (unsigned i = 0; i < MAPPINGS; i++) mappings[i].at = 0;
}

static const struct stress_part parts[] = {
	{ "make", make, false },     { "churn", churn, false },      { "fill", space_fill, true },
	{ "scarce", scarce, true },  { "spill", space_spill, true }, { "settle", settle, false },
	{ "retire", retire, false }, { NULL, NULL, false },
};

const struct stress space_stress = {
	.name = "space",
	.open = place_mappings,
	.parts = parts,
	.things = "mapping",
};
