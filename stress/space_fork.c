/*
 * space_fork.c -- clones of spaces that all CPUs use at once, and copy-on-write on both sides.
 *
 * There are a few parents, each with PAGES pages that are copied when written to, and one that a
 * parent and its clones share.  A page of a parent is written to by one CPU only, anew and anew,
 * so that CPU knows what a clone it makes must find there; what it finds in other CPUs' pages is
 * some version of them, and from then on must not change.  A child has one owner at a time, who
 * writes to it, clones it in turn, hands it over or retires it.
 *
 * In the page that is shared each CPU has a word, which must read the same through any space of
 * that family.
 *
 * Always true:
 *   C1  each number of a child is in one place: a CPU's hand or a mailbox;
 *   C2  a child's `value` is what its pages hold, 0 where that is not known.
 *
 * Locks: none.
 */
#include "kernel/kmem.h"
#include "machine/aarch64/cpu.h"
#include "machine/atomic.h"
#include "mm/usercopy.h"
#include "stress/space_stress.h"

enum { PARENTS = 2, PAGES = 32, BOXES = 4, CHILDREN = CPUS_MAX + BOXES, WRITES = 6 };

static struct parent {
	struct space *space;
	uint64_t at;                /* of the pages that are copied */
	uint64_t shared;            /* of the page that is not */
	uint32_t version[PAGES];    /* each by the CPU that writes to the page */
	uint64_t counter[CPUS_MAX]; /* each CPU's word in the shared page */
} parents[PARENTS];

static struct child {
	struct space *space; /* NULL: none */
	struct parent *parent;
	uint32_t cpu; /* who made it */
	uint64_t value[PAGES];
} children[CHILDREN];

static uint32_t hands[CPUS_MAX]; /* number of a child, C1 */
static uint32_t boxes[BOXES];    /* atomic */

/* What version `version` of a parent's page reads; what a child writes has CHILD's bit. */
#define TAG_CHILD (1ull << 63)

static uint64_t version_word(const struct parent *p, uint32_t page, uint32_t version)
{
	return (uint64_t)version << 16 | (uint64_t)(p - parents + 1) << 8 | page;
}

static uint64_t address_of(const struct parent *p, uint32_t page)
{
	return p->at + ((uint64_t)page << PAGE_SHIFT) + 8 * page;
}

static bool is_mine(uint32_t page)
{
	return page % cpu_count() == mach_cpu();
}

/* --- a child ---------------------------------------------------------------------------------- */

static void check_child(const char *when, const struct child *c)
{
	for (uint32_t page = 0; page < PAGES; page++) {
		uint64_t value;
		if (c->value[page] == 0) continue;
		if (!space_reads(c->space, address_of(c->parent, page), &value)) continue;
		if (value != c->value[page]) space_is_wrong(when, page, PAGES);
	}
}

/* What a new child finds: its maker's own pages as they are, and some version of the others. */
static void meet_pages(struct child *c)
{
	const struct parent *p = c->parent;
	for (uint32_t page = 0; page < PAGES; page++) {
		uint64_t value = 0;
		c->value[page] = 0;
		if (!space_reads(c->space, address_of(p, page), &value)) continue;
		if ((value & 0xffff) != (version_word(p, page, 0) & 0xffff))
			space_is_wrong("a clone's page", page, PAGES);
		if (is_mine(page) && value != version_word(p, page, p->version[page]))
			space_is_wrong("a clone's page is old", page, PAGES);
		c->value[page] = value;
	}
}

static NOINLINE void stress_clones(struct child *c, struct random *random)
{
	c->parent = &parents[random_below(random, PARENTS)];
	c->space = kspace_clone(c->parent->space);
	c->cpu = mach_cpu();
	if (c->space == NULL)
		stress_count(STRESS_REFUSED);
	else
		meet_pages(c);
}

static void write_child(struct child *c, struct random *random)
{
	for (unsigned i = 0; i < WRITES; i++) {
		const uint32_t page = random_below(random, PAGES);
		const uint64_t word = random_u64(random) | TAG_CHILD;
		if (space_writes(c->space, address_of(c->parent, page), word))
			c->value[page] = word;
	}
	check_child("a child's pages", c);
}

static void write_parent(struct random *random)
{
	struct parent *p = &parents[random_below(random, PARENTS)];
	const uint32_t page = random_below(random, PAGES);
	if (!is_mine(page)) return;
	const uint32_t next = p->version[page] + 1;
	if (space_writes(p->space, address_of(p, page), version_word(p, page, next)))
		p->version[page] = next;
}

/* This CPU's word of the shared page, written in one space of the family and read in another. */
static void count_shared(struct child *c)
{
	struct parent *p = c->parent;
	const unsigned cpu = mach_cpu();
	const uint64_t va = p->shared + 8 * cpu;
	uint64_t value = 0;
	if (space_reads(c->space, va, &value) && value != p->counter[cpu])
		space_is_wrong("a shared page", cpu, 1);
	if (!space_writes(c->space, va, p->counter[cpu] + 1)) return;
	p->counter[cpu]++;
	if (user_copy_in(p->space, &value, va, sizeof(value)) != 0)
		stress_count(STRESS_REFUSED);
	else if (value != p->counter[cpu])
		space_is_wrong("a shared page in the parent", cpu, 1);
}

/* A clone of a clone: written to on one side, then on the other. */
static NOINLINE void stress_clones_again(struct child *c, struct random *random)
{
	static struct child grandchildren[CPUS_MAX];
	struct child *g = &grandchildren[mach_cpu()];
	*g = *c;
	g->space = kspace_clone(c->space);
	if (g->space == NULL) {
		stress_count(STRESS_REFUSED);
		return;
	}
	write_child(g, random);
	write_child(c, random);
	check_child("a grandchild's pages", g);
	space_retire(g->space);
}

static void retire(struct child *c)
{
	check_child("before it is retired", c);
	if (c->cpu != mach_cpu()) stress_count(STRESS_FREED_FOREIGN);
	space_retire(c->space);
	c->space = NULL;
}

static void hand_over(struct random *random)
{
	uint32_t *hand = &hands[mach_cpu()];
	*hand = atomic_exchange_u32(&boxes[random_below(random, BOXES)], *hand);
	const struct child *c = &children[*hand];
	if (c->space == NULL) return;
	check_child("a child received", c);
	if (c->cpu != mach_cpu()) stress_count(STRESS_HANDED_OVER);
}

void fork_operate(const struct stress_turn *turn, struct random *random)
{
	struct child *c = &children[hands[mach_cpu()]];
	(void)turn;
	write_parent(random);
	if (c->space == NULL) {
		stress_clones(c, random);
		return;
	}
	switch (random_below(random, 6)) {
	case 0: write_child(c, random); break;
	case 1: count_shared(c); break;
	case 2: stress_clones_again(c, random); break;
	case 3: hand_over(random); break;
	default: retire(c);
	}
}

/* --- beginning and end ------------------------------------------------------------------------ */

static void open_parent(struct parent *p)
{
	const uint32_t rights = PROT_READ | PROT_WRITE;
	bool made = (p->space = kspace_create()) != NULL;
	if (!made) kpanic("assert", "no memory for parents at the beginning");
	p->at = (uint64_t)kspace_map(p->space, PAGES << PAGE_SHIFT, rights, MAP_PRIVATE);
	p->shared = (uint64_t)kspace_map(p->space, PAGE_SIZE, rights, MAP_SHARED);
	for (uint32_t page = 0; page < PAGES; page++) {
		p->version[page] = 1;
		made = made &&
		       space_writes(p->space, address_of(p, page), version_word(p, page, 1));
	}
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) p->counter[cpu] = 0;
	if (!made) space_is_wrong("a parent at the beginning", 0, PAGES);
}

void forks_open(void)
{
	uint32_t number = 0;
	for (unsigned i = 0; i < PARENTS; i++) open_parent(&parents[i]);
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) hands[cpu] = number++;
	for (unsigned b = 0; b < BOXES; b++) boxes[b] = number++;
	space_switch(&kernel_vm, NULL);
}

void forks_close(void)
{
	for (unsigned i = 0; i < CHILDREN; i++)
		if (children[i].space != NULL) retire(&children[i]);
	space_switch(&kernel_vm, NULL);
	for (unsigned i = 0; i < PARENTS; i++) space_retire(parents[i].space);
}
