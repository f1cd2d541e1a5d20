/*
 * canary_space.c -- the canary's address space: four pages, a right for each, and a lie.
 *
 * Each operation does one thing rightly and the same thing wrongly, and judges both as the subject
 * space judges calls, accesses and what is mapped; the second must be seen.
 *
 * Locks: none.
 */
#include "fuzz/canary.h"
#include "mm/mman.h"

enum { TOY_PAGES = 4, TOY_NONE = 0xff };

/* Rights of each page; TOY_NONE where nothing is mapped. */
struct toy {
	uint8_t rights[TOY_PAGES];
};

static struct toy toy_new(void)
{
	return (struct toy){ .rights = { PROT_READ, PROT_READ | PROT_WRITE, TOY_NONE, PROT_NONE } };
}

/* `lie`: it answers as if the address were a page's. */
static int64_t toy_unmap(struct toy *t, uint64_t addr, bool lie)
{
	if (addr % PAGE_SIZE != 0 && !lie) return -ERR_INVAL;
	t->rights[addr / PAGE_SIZE % TOY_PAGES] = TOY_NONE;
	return 0;
}

/* `lie`: presence is enough. */
static bool toy_may_write(const struct toy *t, uint32_t page, bool lie)
{
	if (t->rights[page] == TOY_NONE) return false;
	return lie || (t->rights[page] & PROT_WRITE) != 0;
}

/* `lie`: it takes the next page along. */
static void toy_unmap_one(struct toy *t, uint32_t page, bool lie)
{
	t->rights[page] = TOY_NONE;
	if (lie) t->rights[page + 1] = TOY_NONE;
}

void canary_errno(struct run *run, const struct script_op *op)
{
	struct toy t = toy_new();
	(void)op;
	for (unsigned lie = 0; lie < 2; lie++) {
		const int64_t answer = toy_unmap(&t, PAGE_SIZE + 1, lie != 0);
		if (answer != -ERR_INVAL)
			kpanic(ORACLE_ERRNO, "unmap of half a page answered %ld", (long)answer);
		run_result(run, (uint64_t)answer);
	}
}

void canary_perm(struct run *run, const struct script_op *op)
{
	const struct toy t = toy_new();
	(void)op;
	for (unsigned lie = 0; lie < 2; lie++) {
		if (toy_may_write(&t, 0, lie != 0))
			kpanic(ORACLE_PERM, "a page to be read was written to");
		run_result(run, lie);
	}
}

void canary_space(struct run *run, const struct script_op *op)
{
	(void)op;
	for (unsigned lie = 0; lie < 2; lie++) {
		struct toy t = toy_new();
		toy_unmap_one(&t, 0, lie != 0);
		if (t.rights[1] == TOY_NONE)
			kpanic(ORACLE_SPACE, "a page that nobody unmapped is gone");
		run_result(run, lie);
	}
}
