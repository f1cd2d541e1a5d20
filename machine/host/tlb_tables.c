/*
 * tlb_tables.c -- the automaton's picture of tables: which entries are valid, what leads where.
 *
 * A frame gets a note as a table when an entry is stored in it, or when an entry that leads to it
 * is stored in a table that is hung: only then is its level known, and the addresses it is about.
 * Whoever builds a tree from the bottom up, before anybody can walk it, is as welcome as who builds
 * it from the top: what stands in a table when it is hung is learnt then, from memory where it can
 * be read, else from the stores that were seen.
 *
 * Every valid entry, hung or not, is in the list of the frame that it leads to, so that when a
 * frame is freed whoever still leads to it is found at once.
 *
 * Always true:
 *   P1  an entry is in the list of a frame exactly when its bit in `valid` is set and it leads into
 *       memory;
 *   P2  `valid_count` is the number of bits set in `valid`;
 *   P3  a table that is hung and no root is led to by the one entry `above`, which is hung too;
 *   P4  an entry is never both valid and dangling.
 *
 * Locks: none.  Cost: an entry known or unknown 5 ns; hanging a table 100 ns, for its 512 entries.
 */
#include "machine/host/tlb_inside.h"

#include <string.h>

struct frame_note *frame_at(struct tlb_rules *r, paddr_t pa)
{
	const uint64_t frame = (pa - r->base) >> PAGE_SHIFT;
	return frame < r->frames_count ? &r->frames[frame] : NULL;
}

static struct frame_note *frame_touch(struct tlb_rules *r, paddr_t pa)
{
	struct frame_note *f = frame_at(r, pa);
	if (f != NULL && !f->touched) {
		f->touched = true;
		r->touched[r->touched_count++] = (uint32_t)(f - r->frames);
	}
	return f;
}

uint32_t table_at(struct tlb_rules *r, paddr_t pa)
{
	struct frame_note *f = frame_touch(r, pa);
	if (f->table != 0) return f->table;
	f->table = r->tables_free_count != 0 ? r->tables_free[--r->tables_free_count]
					     : ++r->tables_used;
	struct table_note *t = &r->tables[f->table];
	memset(t, 0, offsetof(struct table_note, value));
	t->frame = (uint32_t)(f - r->frames);
	return f->table;
}

/* --- lists of who leads to a frame ------------------------------------------------------------ */

static struct table_note *note_of(struct tlb_rules *r, place_t place)
{
	return &r->tables[place / TABLE_ENTRIES];
}

static void entry_link(struct tlb_rules *r, place_t place, uint64_t value)
{
	struct frame_note *f = frame_touch(r, entry_address(value));
	const unsigned index = place % TABLE_ENTRIES;
	struct table_note *t = note_of(r, place);
	if (f == NULL) return;
	t->prev[index] = 0;
	t->next[index] = f->leads;
	if (f->leads != 0) note_of(r, f->leads)->prev[f->leads % TABLE_ENTRIES] = place;
	f->leads = place;
}

static void entry_unlink(struct tlb_rules *r, place_t place, uint64_t value)
{
	struct frame_note *f = frame_at(r, entry_address(value));
	const struct table_note *t = note_of(r, place);
	if (f == NULL) return;
	const place_t next = t->next[place % TABLE_ENTRIES], prev = t->prev[place % TABLE_ENTRIES];
	if (next != 0) note_of(r, next)->prev[next % TABLE_ENTRIES] = prev;
	if (prev != 0)
		note_of(r, prev)->next[prev % TABLE_ENTRIES] = next;
	else
		f->leads = next;
}

void entry_know(struct tlb_rules *r, uint32_t table, unsigned index, uint64_t value)
{
	struct table_note *t = &r->tables[table];
	const uint64_t bit = 1ull << index % 64;
	const bool was = bit_of(t->valid, index), is = entry_valid(value);
	if (was && is && entry_address(t->value[index]) == entry_address(value)) {
		t->value[index] = value;
		return;
	}
	t->dangling[index / 64] &= ~bit;
	if (was) {
		entry_unlink(r, place_of(table, index), t->value[index]);
		t->valid[index / 64] &= ~bit;
		t->valid_count--;
	}
	if (is) {
		t->valid[index / 64] |= bit;
		t->valid_count++;
		t->value[index] = value;
		entry_link(r, place_of(table, index), value);
	}
}

/* --- trees ------------------------------------------------------------------------------------ */

void entry_check_form(struct tlb_rules *r, const struct table_note *t, unsigned index,
		      uint64_t value)
{
	if (!entry_is_leaf(value, t->level)) return;
	const bool kernel = t->space == SPACE_KERNEL;
	const uint64_t va = table_entry_va(t, index);
	if (kernel && (value & ENTRY_NOT_GLOBAL) != 0)
		tlb_broken(r, RULE_SCOPE, "va %llx: an entry of the kernel's is not global",
			   (unsigned long long)va);
	if (!kernel && (value & ENTRY_NOT_GLOBAL) == 0)
		tlb_broken(r, RULE_SCOPE, "va %llx: an entry of a user's is global",
			   (unsigned long long)va);
}

/* Takes over what stands in memory: it may have been put there by plain stores before. */
static void table_learn(struct tlb_rules *r, uint32_t table)
{
	const struct table_note *t = &r->tables[table];
	if (r->memory == NULL) return;
	const uint64_t *entries =
		(const uint64_t *)(const void *)(r->memory + ((size_t)t->frame << PAGE_SHIFT));
	uint64_t any = 0;
	for (unsigned i = 0; i < TABLE_ENTRIES; i++) any |= entries[i];
	if (!entry_valid(any) && t->valid_count == 0) return;
	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		if (bit_of(t->dangling, i)) continue;
		const uint64_t known = bit_of(t->valid, i) ? t->value[i] : 0;
		if (entry_valid(entries[i]) ? known != entries[i] : known != 0)
			entry_know(r, table, i, entries[i]);
	}
}

/* Calls each(table, index) for every valid entry. */
static void table_each(struct tlb_rules *r, uint32_t table,
		       void (*each)(struct tlb_rules *r, uint32_t table, unsigned index))
{
	const struct table_note *t = &r->tables[table];
	for (unsigned word = 0; word < TABLE_ENTRIES / 64 && t->valid_count != 0; word++)
		for (uint64_t left = t->valid[word]; left != 0; left &= left - 1)
			each(r, table, word * 64 + bit_lowest(left));
}

static void entry_hang(struct tlb_rules *r, uint32_t table, unsigned index)
{
	const struct table_note *t = &r->tables[table];
	entry_check_form(r, t, index, t->value[index]);
	if (entry_is_table(t->value[index], t->level)) child_hang(r, table, index);
}

void root_hang(struct tlb_rules *r, uint32_t table, uint32_t space, uint64_t va)
{
	struct table_note *t = &r->tables[table];
	if (t->hung) {
		tlb_broken(r, RULE_TABLE, "a table at %llx is installed as a root",
			   (unsigned long long)r->base + ((uint64_t)t->frame << PAGE_SHIFT));
		return;
	}
	t->hung = true;
	t->level = 0;
	t->space = space;
	t->va = va;
	r->places++;
	table_learn(r, table);
	table_each(r, table, entry_hang);
}

void child_hang(struct tlb_rules *r, uint32_t table, unsigned index)
{
	const struct table_note *above = &r->tables[table];
	const paddr_t pa = entry_address(above->value[index]);
	if (frame_at(r, pa) == NULL) return;
	const uint32_t child = table_at(r, pa);
	struct table_note *t = &r->tables[child];
	if (t->hung) {
		tlb_broken(r, RULE_TABLE, "va %llx: the table at %llx hangs in another place too",
			   (unsigned long long)table_entry_va(above, index),
			   (unsigned long long)pa);
		return;
	}
	t->hung = true;
	t->above = place_of(table, index);
	t->level = above->level + 1;
	t->space = above->space;
	t->va = table_entry_va(above, index);
	r->places++;
	table_learn(r, child);
	table_each(r, child, entry_hang);
}

/* --- and out of them -------------------------------------------------------------------------- */

/* The CPU on whose behalf tables are unhung, and the entries below become leftovers. */
static void entry_unhang(struct tlb_rules *r, unsigned cpu, uint32_t table, unsigned index)
{
	const struct table_note *t = &r->tables[table];
	const uint64_t value = t->value[index];
	if (entry_is_table(value, t->level))
		child_unhang(r, cpu, entry_address(value), place_of(table, index));
	left_add(r, cpu, t, index, value, false);
}

/* While nobody can walk it, a table that was unhung stays as it is: it may be hung again. */
void child_unhang(struct tlb_rules *r, unsigned cpu, paddr_t child, place_t above)
{
	const struct frame_note *f = frame_at(r, child);
	if (f == NULL || f->table == 0) return;
	struct table_note *t = &r->tables[f->table];
	if (!t->hung || t->above != above) return;
	for (unsigned i = 0; i < TABLE_ENTRIES && t->valid_count != 0; i++)
		if (bit_of(t->valid, i)) entry_unhang(r, cpu, f->table, i);
	t->hung = false;
	t->above = 0;
	r->places++;
}

void table_forget(struct tlb_rules *r, uint32_t table)
{
	struct table_note *t = &r->tables[table];
	for (unsigned i = 0; i < TABLE_ENTRIES && t->valid_count != 0; i++)
		if (bit_of(t->valid, i)) entry_know(r, table, i, 0);
	r->frames[t->frame].table = 0;
	r->tables_free[r->tables_free_count++] = table;
	t->hung = false;
	r->places++;
}
