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
 * Locks: none.  Cost: a pass over seven tables for each count.
 */
#include "fuzz/pagetable_model.h"

#include "mm/mman.h"

static const struct {
	uint64_t base;
	uint8_t pages;
} rows[] = {
	{ 0, 24 },
	{ (1ull << 30) - 12 * PAGE_SIZE, 24 },
	{ (1ull << 39) - 12 * PAGE_SIZE, 24 },
	{ (1ull << 48) - (2ull << 20) - 12 * PAGE_SIZE, 24 },
	{ (1ull << 48) - 8 * PAGE_SIZE, 8 },
};

void model_init(struct pagetable_model *m)
{
	memset(m, 0, sizeof *m);
}

uint64_t model_address(unsigned page)
{
	for (unsigned r = 0; r < COUNT_OF(rows); r++) {
		if (page < rows[r].pages) return rows[r].base + (uint64_t)page * PAGE_SIZE;
		page -= rows[r].pages;
	}
	return rows[2].base - PAGE_SIZE;
}

/* The last row shares the table of the second half of the one before. */
unsigned model_table(unsigned page)
{
	static const uint8_t first[TREE_TABLES + 1] = { 0, 24, 36, 48, 60, 72, 84, TREE_PAGES };
	unsigned table = 0;

	ASSERT(page < TREE_PAGES);
	while (page >= first[table + 1]) table++;
	return table;
}

/* --- tables ----------------------------------------------------------------------------------- */

static bool table_exists(const struct model_tree *t, unsigned table)
{
	return t->entries[table] != 0 || t->prepared[table];
}

/* An address in each table. */
static uint64_t table_address(unsigned table)
{
	static const uint8_t page[TREE_TABLES] = { 0, 24, 36, 48, 60, 72, 84 };

	return model_address(page[table]);
}

/* log2 of the bytes that a table of this level covers. */
static unsigned level_shift(unsigned level)
{
	return 12 + 9 * (4 - level);
}

uint32_t model_tables_of_level(const struct model_tree *t, unsigned level)
{
	uint64_t last = UINT64_MAX;
	uint32_t count = 0;

	for (unsigned n = 0; n < TREE_TABLES; n++) { /* in the order of their addresses */
		const uint64_t place = table_address(n) >> level_shift(level);

		if (!table_exists(t, n) || place == last) continue;
		last = place;
		count++;
	}
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
	uint32_t missing = 0;

	for (unsigned level = 1; level <= 3; level++) {
		const uint64_t place = model_address(page) >> level_shift(level);
		bool there = false;

		for (unsigned n = 0; n < TREE_TABLES; n++)
			there |= table_exists(t, n) &&
				 table_address(n) >> level_shift(level) == place;
		missing += !there;
	}
	return missing;
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
	t->prepared[model_table(page)] = false;
	t->leaves++;
	frame_hold(m, &now);
}

void model_take(struct pagetable_model *m, struct model_tree *t, unsigned page)
{
	struct model_page *p = &t->page[page];

	ASSERT(p->state != PAGE_NOTHING);
	frame_drop(m, p);
	t->entries[model_table(page)]--;
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
