/*
 * tlb_look.c -- the automaton's answers: to the walker, to the TLB, to whoever asks at rest.
 *
 * A walker may only meet tables that hang where it meets them, and entries that were stored through
 * the seam and published.  A table that was freed hangs nowhere any more, whatever is in its frame
 * now; an entry that nobody stored was written past the seam, or is what became of a freed table.
 *
 * Nothing here changes anything.  Locks: none.  Cost: a step of a walk 5 ns.
 */
#include "machine/host/tlb_inside.h"

bool tlb_rules_knows(const struct tlb_rules *r, paddr_t pa)
{
	const uint64_t frame = (pa - r->base) >> PAGE_SHIFT;
	return frame < r->frames_count && r->frames[frame].touched;
}

/* The table that lies at `at`, or NULL. */
static const struct table_note *table_known(const struct tlb_rules *r, paddr_t at)
{
	const uint64_t frame = (at - r->base) >> PAGE_SHIFT;
	const uint32_t table = frame < r->frames_count ? r->frames[frame].table : 0;
	return table != 0 ? &r->tables[table] : NULL;
}

/* It stored the entry itself and relies on it, and has not published it. */
static void walked_fresh(struct tlb_rules *r, unsigned cpu, const struct table_note *t,
			 unsigned index)
{
	const place_t place = place_of((uint32_t)(t - r->tables), index);
	for (uint32_t i = 0; i < r->fresh_count[cpu]; i++)
		if (r->fresh[cpu][i] == place)
			tlb_broken(r, RULE_STALE,
				   "va %llx level %u: the entry is used before it was published",
				   (unsigned long long)table_entry_va(t, index), t->level);
}

static void walked_unknown(struct tlb_rules *r, const struct table_note *t, unsigned index,
			   uint64_t entry)
{
	const unsigned long long va = table_entry_va(t, index);
	if (!bit_of(t->dangling, index))
		tlb_broken(r, RULE_TABLE, "va %llx level %u: the entry was overwritten", va,
			   t->level);
	else if (entry_is_table(entry, t->level))
		tlb_broken(r, RULE_TABLE, "va %llx level %u: a walk to a table that was freed", va,
			   t->level);
	else
		tlb_broken(r, RULE_STALE, "va %llx: the entry leads to a page that was freed", va);
}

void tlb_rules_walked(struct tlb_rules *r, unsigned cpu, paddr_t at, unsigned level, uint64_t entry)
{
	const struct table_note *t = table_known(r, at);
	const unsigned index = at % PAGE_SIZE / sizeof(uint64_t);
	if (t == NULL || !t->hung || t->level != level) {
		tlb_broken(r, RULE_TABLE, "a walk at level %u through %llx, which is no table",
			   level, (unsigned long long)align_down(at, PAGE_SIZE));
		return;
	}
	const uint64_t known = bit_of(t->valid, index) ? t->value[index] : 0;
	if (UNLIKELY(entry_valid(entry) ? known != entry : known != 0))
		walked_unknown(r, t, index, entry);
	if (UNLIKELY(r->fresh_count[cpu] != 0)) walked_fresh(r, cpu, t, index);
}

uint64_t tlb_rules_places(const struct tlb_rules *r)
{
	return r->places;
}

bool tlb_rules_leads(const struct tlb_rules *r, paddr_t root, paddr_t at, unsigned level,
		     uint64_t va)
{
	const struct table_note *t = table_known(r, at);
	if (t == NULL || !t->hung || t->level != level || r->spaces[t->space].root != root)
		return false;
	const uint64_t first = table_entry_va(t, at % PAGE_SIZE / sizeof(uint64_t));
	return (first ^ va) >> entry_shift(level) == 0;
}

/* Not only of the space that is current: the root may be another's by now. */
const char *tlb_rules_missing(const struct tlb_rules *r, paddr_t root, uint64_t va)
{
	const struct leftover *found = NULL;
	for (uint32_t i = 0; i < r->left_count; i++) {
		const struct leftover *lo = &r->left[i];
		if (lo->table || (lo->va ^ va) >> entry_shift(lo->level) != 0) continue;
		const bool mine = lo->space < SPACES_MAX && r->spaces[lo->space].root == root;
		if (mine || found == NULL) found = lo;
	}
	return found != NULL ? left_missing(found, NULL) : "nothing is known of it";
}

bool tlb_rules_underway(const struct tlb_rules *r, unsigned cpu, paddr_t root, uint64_t va)
{
	for (uint32_t i = 0; i < r->left_count; i++) {
		const struct leftover *lo = &r->left[i];
		if ((lo->va ^ va) >> entry_shift(lo->level) != 0 || lo->abandoned) continue;
		if ((lo->may >> cpu & 1) == 0 || lo->space >= SPACES_MAX) continue;
		if (r->spaces[lo->space].root == root) return true;
	}
	return false;
}

const char *tlb_rules_settled(struct tlb_rules *r, const char **id)
{
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		if (r->fresh_count[cpu] != 0) return "an entry was stored and not published";
	for (uint32_t i = 0; i < r->left_count; i++) {
		const struct leftover *lo = &r->left[i];
		if (!lo->abandoned && lo->space != SPACES_MAX &&
		    lo->asid == r->spaces[lo->space].asid)
			return left_missing(lo, id);
	}
	return NULL;
}
