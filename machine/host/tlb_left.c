/*
 * tlb_left.c -- leftovers: entries that CPUs may remember though the tables say otherwise.
 *
 * One is made by the store that takes an entry away, or a right from it, in a tree that some CPU
 * has installed or has had.  From there it goes its way: not published, published
 * (mach_entry_sync on the CPU that stored), an invalidation begun that covers it, that CPU's wait
 * over: gone.  A local invalidation takes one CPU from those that may remember it.  What came, but
 * missed (another ASID, another address, this CPU alone, too early), is kept for the report.
 *
 * What covers what (DDI 0487, C5.5, TLBI VAE1IS, ASIDE1IS, VMALLE1IS): by address, every level on
 * the way to that address, under that ASID, and global pages under any; by ASID, all but global
 * pages.  Tables above a global page are remembered under the ASID they were walked under, so for
 * the kernel's only all of everything will do.
 *
 * Always true:
 *   L1  `may` of a leftover is not 0;
 *   L2  a frame's count of leftovers is the number of those, not abandoned, that lead to it;
 *   L3  each is in the list of its hash, once.
 *
 * Locks: none.  Cost: few exist at a time; an invalidation by address looks at one list a level,
 * the others and a wait at all leftovers.
 */
#include "machine/host/tlb_inside.h"

/* --- the set ---------------------------------------------------------------------------------- */

static uint32_t *left_head(struct tlb_rules *r, uint64_t va, unsigned level)
{
	const uint64_t page = (va & (USER_END - 1)) >> entry_shift(level);
	return &r->left_heads[(page ^ page >> 10 ^ level << 8) % LEFT_HEADS];
}

struct leftover *left_find(struct tlb_rules *r, uint32_t root_space, uint64_t va, unsigned level)
{
	if (r->left_count == 0) return NULL;
	for (uint32_t n = *left_head(r, va, level); n != 0; n = r->left[n - 1].next) {
		struct leftover *lo = &r->left[n - 1];
		if (lo->level == level && lo->space == root_space &&
		    lo->asid == r->spaces[root_space].asid &&
		    (lo->va ^ va) >> entry_shift(level) == 0)
			return lo;
	}
	return NULL;
}

static uint32_t *left_link_to(struct tlb_rules *r, const struct leftover *lo)
{
	uint32_t *link = left_head(r, lo->va, lo->level);
	while (*link != (uint32_t)(lo - r->left) + 1) link = &r->left[*link - 1].next;
	return link;
}

static void left_uncount(struct tlb_rules *r, struct leftover *lo)
{
	struct frame_note *f = frame_at(r, entry_address(lo->value));
	if (f != NULL && !lo->abandoned) f->left--;
}

void left_abandon(struct tlb_rules *r, struct leftover *lo)
{
	left_uncount(r, lo);
	lo->abandoned = true;
}

/* The last one takes its place. */
void left_remove(struct tlb_rules *r, struct leftover *lo)
{
	struct leftover *last = &r->left[r->left_count - 1];
	left_uncount(r, lo);
	if (!lo->published) r->left_fresh[lo->stored_by]--;
	*left_link_to(r, lo) = lo->next;
	if (lo != last) {
		*left_link_to(r, last) = (uint32_t)(lo - r->left) + 1;
		*lo = *last;
	}
	r->left_count--;
}

static uint64_t rights_union(uint64_t a, uint64_t b)
{
	const uint64_t denies = ENTRY_READ_ONLY | ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC;
	return (a & ~denies) | (a & b & denies) | (b & ENTRY_USER);
}

struct leftover *left_add(struct tlb_rules *r, unsigned cpu, const struct table_note *t,
			  unsigned index, uint64_t value, bool stands)
{
	const struct space_note *s = &r->spaces[t->space];
	const uint64_t va = table_entry_va(t, index);
	if (s->may == 0) return NULL;
	struct leftover *lo = left_find(r, t->space, va, t->level);
	if (lo != NULL && entry_address(lo->value) == entry_address(value)) {
		lo->value = rights_union(lo->value, value);
		lo->may |= s->may;
		lo->stands = stands;
		left_renew(r, lo, cpu);
		return lo;
	}
	uint32_t *head = left_head(r, va, t->level);
	ASSERT(r->left_count < r->left_room);
	lo = &r->left[r->left_count++];
	*lo = (struct leftover){
		.value = value,
		.va = va,
		.space = t->space,
		.asid = s->asid,
		.next = *head,
		.level = t->level,
		.stored_by = (uint8_t)cpu,
		.may = s->may,
		.table = entry_is_table(value, t->level),
		.stands = stands,
	};
	*head = r->left_count;
	r->left_fresh[cpu]++;
	struct frame_note *f = frame_at(r, entry_address(value));
	if (f != NULL) f->left++;
	return lo;
}

void left_renew(struct tlb_rules *r, struct leftover *lo, unsigned cpu)
{
	if (!lo->published) r->left_fresh[lo->stored_by]--;
	r->left_fresh[cpu]++;
	lo->stored_by = (uint8_t)cpu;
	lo->published = false;
	lo->begun = lo->begun_local = lo->missed = 0;
}

struct leftover *left_of_frame(struct tlb_rules *r, paddr_t pa)
{
	for (uint32_t i = 0; i < r->left_count; i++) {
		struct leftover *lo = &r->left[i];
		if (!lo->abandoned && entry_address(lo->value) == pa) return lo;
	}
	return NULL;
}

const char *left_missing(const struct leftover *lo, const char **id)
{
	const char *unused;
	if (id == NULL) id = &unused;
	if ((lo->begun | lo->begun_local) != 0) return "its invalidation was not waited for";
	if (!lo->published) return "it was not even published";
	if ((lo->missed & MISSED_ORDER) != 0) return "it was invalidated before it was published";
	if (lo->missed == 0) return "it was not invalidated";
	*id = RULE_SCOPE;
	if ((lo->missed & MISSED_ASID) != 0)
		return lo->table && lo->space == SPACE_KERNEL
			       ? "a kernel's table is not invalidated by one ASID"
			       : "another ASID was invalidated";
	if ((lo->missed & MISSED_OTHERS) != 0) return "it was invalidated on some CPUs only";
	return "another address was invalidated";
}

/* --- its way ---------------------------------------------------------------------------------- */

void tlb_rules_sync(struct tlb_rules *r, unsigned cpu)
{
	r->fresh_count[cpu] = 0;
	for (uint32_t i = 0; i < r->left_count && r->left_fresh[cpu] != 0; i++) {
		struct leftover *lo = &r->left[i];
		if (lo->published || lo->stored_by != cpu) continue;
		lo->published = true;
		r->left_fresh[cpu]--;
	}
}

/* An invalidation that covers it begins on `cpu`; only what is published by then is covered. */
static void left_begin(struct leftover *lo, unsigned cpu)
{
	if (lo->published)
		lo->begun |= (uint8_t)(1u << cpu);
	else
		lo->missed |= MISSED_ORDER;
}

static bool left_is_global(const struct leftover *lo)
{
	return lo->space == SPACE_KERNEL && !lo->table;
}

/* By address, of one that lies there. */
static void left_begin_page(struct tlb_rules *r, struct leftover *lo, unsigned cpu, uint32_t asid)
{
	const bool covers = left_is_global(lo) || (lo->space != SPACE_KERNEL && lo->asid == asid);
	if (!covers) {
		lo->missed |= MISSED_ASID;
	} else if (!lo->published && lo->stored_by == cpu) {
		tlb_broken(r, RULE_STALE, "va %llx: invalidated before it was published",
			   (unsigned long long)lo->va);
		lo->missed |= MISSED_ORDER;
	} else {
		left_begin(lo, cpu);
	}
}

/* It names an address where nothing was taken away: perhaps the one it was meant for is near. */
static void left_missed_address(struct tlb_rules *r, unsigned cpu, uint32_t asid)
{
	for (uint32_t i = 0; i < r->left_count; i++) {
		struct leftover *lo = &r->left[i];
		if (lo->stored_by == cpu && lo->published && lo->begun == 0 && lo->asid == asid)
			lo->missed |= MISSED_ADDRESS;
	}
}

void tlb_rules_page(struct tlb_rules *r, unsigned cpu, uint64_t operand)
{
	const uint64_t page = operand & (((uint64_t)1 << 44) - 1);
	const uint32_t asid = (uint32_t)(operand >> 48);
	if ((operand >> 44 & 15) != 0)
		tlb_broken(r, RULE_SCOPE, "operand %llx: bits 47 to 44 are a hint of the level",
			   (unsigned long long)operand);
	r->begun[cpu] = true;
	if (r->left_count == 0) return;
	bool met = false;
	const uint64_t va = (uint64_t)((int64_t)(page << 20) >> 8); /* bit 55 goes on upwards */
	for (unsigned level = 0; level < TABLE_LEVELS; level++) {
		for (uint32_t n = *left_head(r, va, level); n != 0; n = r->left[n - 1].next) {
			struct leftover *lo = &r->left[n - 1];
			if (lo->level != level || (lo->va ^ va) >> entry_shift(level) != 0)
				continue;
			left_begin_page(r, lo, cpu, asid);
			met = true;
		}
	}
	if (!met) left_missed_address(r, cpu, asid);
}

void tlb_rules_space(struct tlb_rules *r, unsigned cpu, uint32_t asid)
{
	r->begun[cpu] = true;
	for (uint32_t i = 0; i < r->left_count; i++) {
		struct leftover *lo = &r->left[i];
		if (lo->space != SPACE_KERNEL && lo->asid == asid)
			left_begin(lo, cpu);
		else if (lo->stored_by == cpu && lo->begun == 0)
			lo->missed |= MISSED_ASID;
	}
	for (uint32_t i = 1; i < r->spaces_used; i++) {
		struct space_note *s = &r->spaces[i];
		if (s->used && s->asid == asid) s->begun |= (uint8_t)(1u << cpu);
	}
}

void tlb_rules_all(struct tlb_rules *r, unsigned cpu)
{
	r->begun[cpu] = r->begun_all[cpu] = true;
	for (uint32_t i = 0; i < r->left_count; i++) left_begin(&r->left[i], cpu);
}

void tlb_rules_all_local(struct tlb_rules *r, unsigned cpu)
{
	r->begun[cpu] = r->begun_local[cpu] = true;
	for (uint32_t i = 0; i < r->left_count; i++)
		if (r->left[i].published) r->left[i].begun_local |= (uint8_t)(1u << cpu);
}

static void left_end(struct tlb_rules *r, unsigned cpu)
{
	const uint8_t bit = (uint8_t)(1u << cpu);
	for (uint32_t i = r->left_count; i-- != 0;) {
		struct leftover *lo = &r->left[i];
		if ((lo->begun & bit) != 0) {
			lo->may = 0;
		} else if ((lo->begun_local & bit) != 0) {
			lo->may &= (uint8_t)~bit;
			lo->begun_local &= (uint8_t)~bit;
			lo->missed |= MISSED_OTHERS;
		}
		if (lo->may == 0) left_remove(r, lo);
	}
}

/* What a CPU may walk now it may remember again at once. */
static void spaces_end(struct tlb_rules *r, unsigned cpu)
{
	const uint8_t bit = (uint8_t)(1u << cpu);
	for (uint32_t i = 1; i < r->spaces_used; i++) {
		struct space_note *s = &r->spaces[i];
		if (!s->used) continue;
		if ((s->begun & bit) != 0 || r->begun_all[cpu])
			s->may = s->installed;
		else if (r->begun_local[cpu])
			s->may &= (uint8_t)(s->installed | ~bit);
		s->begun &= (uint8_t)~bit;
		if (s->may == 0 && !s->current) s->used = false;
	}
}

void tlb_rules_wait(struct tlb_rules *r, unsigned cpu)
{
	if (!r->begun[cpu]) return;
	left_end(r, cpu);
	spaces_end(r, cpu);
	r->begun[cpu] = r->begun_all[cpu] = r->begun_local[cpu] = false;
}
