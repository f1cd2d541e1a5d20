/*
 * pagetable_model.c -- the arithmetic of the model of page tables.
 *
 * Nothing here looks at a table.  A table exists where an address below it has an entry, or where
 * it was prepared and nothing has been taken from it since; that two pages share one is seen by
 * their addresses.  A frame is nobody's when the last entry that led to it has gone.
 *
 * Always true: entries[] and leaves count the pages that are not PAGE_NOTHING; a table that is
 * prepared has no entries; the references of a frame are its entries in all trees, and holds.
 *
 * Locks: none.  Cost: a look at a bit for each table of the last level.
 */
#include "fuzz/pagetable_model.h"

#include "mm/mman.h"

enum { ROW = 24, HALF = ROW / 2 };

/* Where the rows begin; only the last one is shorter. */
static const uint64_t rows[] = {
	0,
	(1ull << 30) - HALF *PAGE_SIZE,
	(1ull << 39) - HALF *PAGE_SIZE,
	(1ull << 48) - (2ull << 20) - HALF *PAGE_SIZE,
	(1ull << 48) - 8 * PAGE_SIZE,
};

/* Per level 1 to 3, for each table of the last level: which of them, a bit each, are below the same
 * table of that level.  Compared with the addresses at the start of each run. */
static const uint8_t same[4][TREE_TABLES] = {
	[1] = { 0x0f, 0x0f, 0x0f, 0x0f, 0x10, 0x60, 0x60 },
	[2] = { 0x03, 0x03, 0x04, 0x08, 0x10, 0x60, 0x60 },
	[3] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40 },
};

uint64_t model_address(unsigned page)
{
	if (page >= TREE_PAGES) return rows[2] - PAGE_SIZE;
	return rows[page / ROW] + (uint64_t)(page % ROW) * PAGE_SIZE;
}

/* The last row shares the table of the second half of the one before. */
unsigned model_table(unsigned page)
{
	static const uint8_t tables[] = { 0, 0, 1, 2, 3, 4, 5, 6, 6 };

	ASSERT(page < TREE_PAGES);
	return tables[page / HALF];
}

/* Whether two pages are below the same table of a level. */
static bool share_table(unsigned a, unsigned b, unsigned level)
{
	return (model_address(a) ^ model_address(b)) >> (12 + 9 * (4 - level)) == 0;
}

void model_init(struct pagetable_model *m)
{
	memset(m, 0, sizeof *m);
	for (unsigned a = 0; a < TREE_PAGES; a += HALF)
		for (unsigned b = 0; b < TREE_PAGES; b += HALF)
			for (unsigned level = 1; level <= 3; level++)
				ASSERT((same[level][model_table(a)] >> model_table(b) & 1) ==
				       share_table(a, b, level));
}

/* --- tables ----------------------------------------------------------------------------------- */

/* A table of the last level is there with an entry, or when it was prepared. */
static void model_note(struct model_tree *t, unsigned table)
{
	const unsigned bit = 1u << table;

	if (t->entries[table] != 0 || t->prepared[table])
		t->present |= (uint8_t)bit;
	else
		t->present &= (uint8_t)~bit;
}

void model_prepare(struct model_tree *t, unsigned page, bool prepared)
{
	t->prepared[model_table(page)] = prepared;
	model_note(t, model_table(page));
}

uint32_t model_tables_of_level(const struct model_tree *t, unsigned level)
{
	uint32_t count = 0;

	for (unsigned left = t->present; left != 0; count++) left &= ~same[level][bit_lowest(left)];
	return count;
}

uint32_t model_tables(const struct model_tree *t)
{
	uint32_t count = 1;

	for (unsigned level = 1; level <= 3; level++) count += model_tables_of_level(t, level);
	return t->open ? count : 0;
}

uint32_t model_tables_missing(const struct model_tree *t, unsigned page)
{
	const unsigned table = model_table(page);

	return (uint32_t)((t->present & same[1][table]) == 0) +
	       (uint32_t)((t->present & same[2][table]) == 0) +
	       (uint32_t)((t->present & same[3][table]) == 0);
}

/* --- entries ---------------------------------------------------------------------------------- */

static void frame_hold(struct pagetable_model *m, const struct model_page *p)
{
	if (!p->zero && m->frame[p->frame].references++ == 0) m->frames++;
}

static void frame_drop(struct pagetable_model *m, const struct model_page *p)
{
	if (!p->zero && --m->frame[p->frame].references == 0) m->frames--;
}

void model_put(struct pagetable_model *m, struct model_tree *t, unsigned page,
	       struct model_page now)
{
	ASSERT(t->page[page].state == PAGE_NOTHING && now.state != PAGE_NOTHING);
	t->page[page] = now;
	t->entries[model_table(page)]++;
	model_prepare(t, page, false);
	t->leaves++;
	frame_hold(m, &now);
}

void model_take(struct pagetable_model *m, struct model_tree *t, unsigned page)
{
	struct model_page *p = &t->page[page];

	ASSERT(p->state != PAGE_NOTHING);
	frame_drop(m, p);
	t->entries[model_table(page)]--;
	model_note(t, model_table(page));
	t->leaves--;
	*p = (struct model_page){ .stale = p->stale | p->used, .changed_by = (uint8_t)mach_cpu() };
}

void model_replace(struct pagetable_model *m, struct model_tree *t, unsigned page,
		   struct model_page now)
{
	struct model_page *p = &t->page[page];

	ASSERT(p->state != PAGE_NOTHING && now.state != PAGE_NOTHING);
	frame_hold(m, &now);
	frame_drop(m, p);
	*p = now;
}

struct model_page model_page_new(const struct model_page *before, uint32_t rights, uint16_t frame,
				 bool zero, bool dirty)
{
	return (struct model_page){
		.state = rights == PROT_NONE ? PAGE_HELD : PAGE_MAPPED,
		.rights = (uint8_t)rights,
		.accessed = rights != PROT_NONE,
		.dirty = dirty || (rights & PROT_WRITE) != 0,
		.zero = zero,
		.stale = before->stale | before->used,
		.changed_by = (uint8_t)mach_cpu(),
		.frame = frame,
	};
}

/* DDI 0487, D8.3: a page's descriptor at stage 1, for EL0, inner shareable, index 1 of MAIR. */
uint64_t model_entry(const struct model_page *p, paddr_t pa)
{
	uint64_t entry = pa | (uint64_t)p->dirty << 55 | (uint64_t)p->zero << 56;

	if (p->state == PAGE_NOTHING) return 0;
	if (p->state == PAGE_HELD) return entry | 1ull << 58;
	entry |= 3ull | 1ull << 2 | 1ull << 6 | 3ull << 8 | 1ull << 11 | 1ull << 53;
	if (p->accessed) entry |= 1ull << 10;
	if ((p->rights & PROT_WRITE) == 0) entry |= 1ull << 7;
	if ((p->rights & PROT_EXEC) == 0) entry |= 1ull << 54;
	return entry;
}

enum mach_fault model_access(const struct model_page *p, enum mach_access access)
{
	static const uint8_t needs[] = {
		[MACH_LOAD] = PROT_READ | PROT_WRITE | PROT_EXEC, /* any of them */
		[MACH_STORE] = PROT_WRITE,
		[MACH_FETCH] = PROT_EXEC,
	};

	if (p->state != PAGE_MAPPED) return MACH_FAULT_TRANSLATION;
	if (!p->accessed) return MACH_FAULT_ACCESS_FLAG;
	return (p->rights & needs[access]) != 0 ? MACH_FAULT_NONE : MACH_FAULT_PERMISSION;
}
