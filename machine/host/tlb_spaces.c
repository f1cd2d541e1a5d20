/*
 * tlb_spaces.c -- who may walk which tree, and when what was used may be used again.
 *
 * A space is a root with an ASID.  From the moment a CPU installs it that CPU may remember its
 * entries, under that ASID, until it or somebody else invalidates all of the ASID while the CPU has
 * something else installed.  A root has one ASID at a time.  When it gets another (the old one's
 * generation is over) the old pair stays behind as a space without a future: it says which CPUs may
 * not install that ASID before they have forgotten.
 *
 * Used again too early:
 *	an ASID: installed on a CPU that may remember entries of another root under it, or while
 *	another CPU has another root installed with it;
 *	a frame: freed while an entry leads to it in a tree that may be walked, or while a leftover
 *	does; a root: freed while a CPU has it installed.
 *
 * Freed means what the page allocator tells mach_poison(): a whole page that is nobody's.  In a
 * tree that no CPU may walk or remember anything goes, and an entry that leads to a freed frame is
 * called dangling: who walks through it later is told.
 *
 * Always true:
 *   S1  spaces[now[cpu]].installed has the bit of that CPU, and no other space has;
 *   S2  `installed` is part of `may`;
 *   S3  a root that is not freed has at most one space that is current.
 *
 * Locks: none.  Cost: an installation and a wait look at each space, some ten; a page that was
 * never a table's nor mapped is freed for one look at its note.
 */
#include "machine/host/tlb_inside.h"

/* --- installing ------------------------------------------------------------------------------- */

static uint32_t space_new(struct tlb_rules *r)
{
	for (uint32_t i = 1; i < r->spaces_used; i++)
		if (!r->spaces[i].used) return i;
	ASSERT(r->spaces_used < SPACES_MAX);
	return r->spaces_used++;
}

static uint32_t space_of_root(struct tlb_rules *r, paddr_t root)
{
	const uint32_t table = table_at(r, root);
	const struct table_note *t = &r->tables[table];
	if (t->hung && t->above == 0) return t->space;
	const uint32_t space = space_new(r);
	r->spaces[space] =
		(struct space_note){ .root = root, .table = table, .used = true, .current = true };
	root_hang(r, table, space, 0);
	return space;
}

/* The root goes on under another ASID; what CPUs remember under the old one stays. */
static void space_renumber(struct tlb_rules *r, uint32_t space, uint32_t asid)
{
	struct space_note *s = &r->spaces[space];
	if (s->installed != 0)
		tlb_broken(r, RULE_ASID, "root %llx: installed with ASIDs %u and %u at once",
			   (unsigned long long)s->root, s->asid, asid);
	if (s->may != 0) {
		const uint32_t old = space_new(r);
		s = &r->spaces[space];
		r->spaces[old] = *s;
		r->spaces[old].current = false;
		r->spaces[old].installed = 0;
	}
	s->asid = asid;
	s->may = s->installed;
	s->begun = 0;
}

static void space_leave(struct tlb_rules *r, unsigned cpu)
{
	r->spaces[r->now[cpu]].installed &= (uint8_t) ~(1u << cpu);
	r->now[cpu] = 0;
}

static void asid_check_free(struct tlb_rules *r, unsigned cpu, uint32_t space)
{
	const struct space_note *mine = &r->spaces[space];
	for (uint32_t i = 1; i < r->spaces_used; i++) {
		struct space_note *s = &r->spaces[i];
		if (!s->used || i == space || s->asid != mine->asid) continue;
		if ((s->may >> cpu & 1) != 0) {
			tlb_broken(r, RULE_ASID,
				   "ASID %u for root %llx: CPU %u may remember entries of %s "
				   "under it",
				   mine->asid, (unsigned long long)mine->root, cpu,
				   s->root == mine->root ? "its past" : "another root");
			s->may &= (uint8_t) ~(1u << cpu);
		} else if (s->installed != 0) {
			tlb_broken(r, RULE_ASID, "ASID %u for root %llx: another root has it",
				   mine->asid, (unsigned long long)mine->root);
		}
	}
}

/* Frames that were given away under an ASID that nobody was to use again; it is used. */
static void left_check_abandoned(struct tlb_rules *r, unsigned cpu, uint32_t asid)
{
	for (uint32_t i = 0; i < r->left_count; i++) {
		struct leftover *lo = &r->left[i];
		if (!lo->abandoned || lo->asid != asid || (lo->may >> cpu & 1) == 0) continue;
		const char *id = RULE_STALE;
		const char *missing = left_missing(lo, &id);
		tlb_broken(r, id, "va %llx asid %u: installed while its entry may live; %s",
			   (unsigned long long)lo->va, asid, missing);
		lo->may &= (uint8_t) ~(1u << cpu);
	}
}

void tlb_rules_install(struct tlb_rules *r, unsigned cpu, paddr_t root, uint32_t asid)
{
	space_leave(r, cpu);
	if (root == PADDR_NONE || frame_at(r, root) == NULL) return;
	const uint32_t space = space_of_root(r, root);
	struct space_note *s = &r->spaces[space];
	if (s->asid != asid) space_renumber(r, space, asid);
	asid_check_free(r, cpu, space);
	left_check_abandoned(r, cpu, asid);
	s = &r->spaces[space];
	s->may |= (uint8_t)(1u << cpu);
	s->installed |= (uint8_t)(1u << cpu);
	r->now[cpu] = space;
}

void tlb_rules_kernel(struct tlb_rules *r, paddr_t root)
{
	struct space_note *s = &r->spaces[SPACE_KERNEL];
	*s = (struct space_note){ .root = root };
	if (root == PADDR_NONE || frame_at(r, root) == NULL) return;
	s->may = s->installed = ALL_CPUS;
	s->table = table_at(r, root);
	root_hang(r, s->table, SPACE_KERNEL, KERNEL_START);
}

/* --- freeing ---------------------------------------------------------------------------------- */

/* Freed while a leftover leads there.  A space that nobody has installed may have got another ASID
 * already, which only shows when it is installed: the leftover waits for that. */
static void freed_leftover(struct tlb_rules *r, paddr_t at, struct leftover *lo)
{
	const char *id = lo->table ? RULE_TABLE : RULE_STALE;
	const char *missing = left_missing(lo, &id);
	const bool deferred = lo->space != SPACE_KERNEL && (lo->missed & MISSED_ASID) != 0 &&
			      r->spaces[lo->space].installed == 0;
	if (!deferred)
		tlb_broken(r, id, "page %llx: free while its entry for va %llx may live; %s",
			   (unsigned long long)at, (unsigned long long)lo->va, missing);
	left_abandon(r, lo);
}

static void freed_entry(struct tlb_rules *r, paddr_t at, place_t place)
{
	const uint32_t table = place / TABLE_ENTRIES;
	const unsigned index = place % TABLE_ENTRIES;
	struct table_note *t = &r->tables[table];
	const bool leads_to_table = t->hung && entry_is_table(t->value[index], t->level);
	if (t->hung && r->spaces[t->space].may != 0)
		tlb_broken(r, leads_to_table ? RULE_TABLE : RULE_STALE,
			   "page %llx: free while the entry for va %llx leads to it",
			   (unsigned long long)at, (unsigned long long)table_entry_va(t, index));
	if (leads_to_table) child_unhang(r, 0, at, place);
	entry_know(r, table, index, 0);
	t->dangling[index / 64] |= 1ull << index % 64;
}

static void freed_root(struct tlb_rules *r, paddr_t at, uint32_t space)
{
	struct space_note *s = &r->spaces[space];
	if (s->installed != 0)
		tlb_broken(r, RULE_ROOT, "root %llx: free while CPUs %x have it installed",
			   (unsigned long long)at, s->installed);
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		if (r->now[cpu] == space) space_leave(r, cpu);
	child_unhang(r, 0, at, 0);
	for (uint32_t i = 1; i < r->spaces_used; i++)
		if (r->spaces[i].root == at) r->spaces[i].root = PADDR_NONE;
	for (uint32_t i = 0; i < r->left_count; i++)
		if (r->left[i].space == space) r->left[i].space = SPACES_MAX;
	s->current = false;
	if (s->may == 0) s->used = false;
}

static void freed_frame(struct tlb_rules *r, paddr_t at)
{
	struct frame_note *f = frame_at(r, at);
	if (f->table != 0) {
		const struct table_note *t = &r->tables[f->table];
		if (t->hung && t->above == 0) freed_root(r, at, t->space);
	}
	while (f->left != 0) freed_leftover(r, at, left_of_frame(r, at));
	while (f->leads != 0) freed_entry(r, at, f->leads);
	if (f->table != 0) table_forget(r, f->table);
}

void tlb_rules_freed(struct tlb_rules *r, paddr_t at, size_t bytes)
{
	for (size_t done = 0; done < bytes; done += PAGE_SIZE)
		if (tlb_rules_knows(r, at + done)) freed_frame(r, at + done);
}
