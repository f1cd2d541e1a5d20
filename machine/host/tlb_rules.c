/*
 * tlb_rules.c -- what may be stored in a table when, and whom a walker may meet.
 *
 * A CPU that has a tree installed may read any entry of it at any time, ahead of any need, and
 * remember it for as long as nobody makes it forget: so an entry that is valid in such a tree
 * counts as remembered.  From that follows what a store may do (DDI 0487, D8.14 and D8.15):
 *
 *	nothing -> entry       where nothing is remembered for that address, anything goes;
 *	entry -> nothing       always; a leftover (tlb_left.c) until all have forgotten;
 *	entry -> other rights  in place; when a right is lost a leftover of the old ones;
 *	entry -> other frame, table for block, memory type, global or not: only through nothing,
 *	published, invalidated and waited for ("bbm").
 *
 * In a tree that no CPU has or may remember there are no rules: it is memory.  The flags for
 * accessed and dirty and the bits that are software's make no difference anywhere.
 *
 * Two files have the two ends of a life: tlb_spaces.c, who may walk, and when frames, tables, roots
 * and ASIDs may be used again; tlb_tables.c, what hangs where.
 *
 * Always true, beside what stands there: after a report the notes say what memory says, so a trace
 * can be judged to its end.
 *
 * Locks: none.  Cost: a store about 25 ns, what else see the other files.
 */
#include <string.h>
#include <sys/mman.h>

#include "machine/format.h"
#include "machine/host/console.h"
#include "machine/host/tlb_inside.h"

enum { TEXT_BYTES = 200, LEFT_MAX = 1 << 24 };

void tlb_broken(struct tlb_rules *r, const char *id, const char *format, ...)
{
	char text[TEXT_BYTES];
	va_list args;
	va_start(args, format);
	format_text_v(text, sizeof(text), format, args);
	va_end(args);
	r->report(r->context, id, text);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Address space for `count` things; what is not touched costs nothing. */
static void *carve(uint8_t **at, size_t count, size_t bytes)
{
	void *mine = *at;
	*at += align_up(count * bytes, 64);
	return mine;
}

static uint8_t *rules_carve(struct tlb_rules *r, uint8_t *at)
{
	const size_t frames = r->frames_count;
	r->frames = carve(&at, frames, sizeof(*r->frames));
	r->touched = carve(&at, frames, sizeof(*r->touched));
	r->tables = carve(&at, frames + 1, sizeof(*r->tables));
	r->tables_free = carve(&at, frames, sizeof(*r->tables_free));
	r->spaces = carve(&at, SPACES_MAX + 1, sizeof(*r->spaces));
	r->left = carve(&at, r->left_room, sizeof(*r->left));
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		r->fresh[cpu] = carve(&at, r->fresh_room, sizeof(*r->fresh[cpu]));
	return at;
}

struct tlb_rules *tlb_rules_open(paddr_t base, size_t bytes, const uint8_t *memory,
				 tlb_report report, void *context)
{
	struct tlb_rules plan = { .base = base, .memory = memory };
	ASSERT(is_aligned(base | bytes, PAGE_SIZE) && bytes != 0 && bytes >> PAGE_SHIFT < 1u << 22);
	plan.frames_count = (uint32_t)(bytes >> PAGE_SHIFT);
	plan.fresh_room = (uint32_t)min_u64(plan.frames_count * TABLE_ENTRIES / CPUS_MAX, LEFT_MAX);
	plan.left_room = (uint32_t)min_u64(plan.frames_count * TABLE_ENTRIES, LEFT_MAX);
	plan.mapped = (size_t)(uintptr_t)rules_carve(&plan, NULL) + sizeof(plan) + 64;
	struct tlb_rules *r = mmap(NULL, plan.mapped, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r == MAP_FAILED) host_die("host: no address space for notes on %zu bytes", bytes);
	*r = plan;
	r->report = report;
	r->context = context;
	rules_carve(r, (uint8_t *)r + align_up(sizeof(*r), 64));
	r->spaces_used = 1;
	r->spaces[SPACE_KERNEL] = (struct space_note){ .root = PADDR_NONE };
	return r;
}

void tlb_rules_close(struct tlb_rules *r)
{
	munmap(r, r->mapped);
}

void tlb_rules_reset(struct tlb_rules *r)
{
	for (uint32_t i = 0; i < r->touched_count; i++)
		r->frames[r->touched[i]] = (struct frame_note){ .table = 0 };
	if (r->left_count != 0) memset(r->left_heads, 0, sizeof(r->left_heads));
	r->touched_count = r->tables_used = r->tables_free_count = r->left_count = 0;
	r->spaces_used = 1;
	r->spaces[SPACE_KERNEL] = (struct space_note){ .root = PADDR_NONE };
	r->places++;
	memset(r->now, 0, sizeof(r->now));
	memset(r->left_fresh, 0, sizeof(r->left_fresh));
	memset(r->fresh_count, 0, sizeof(r->fresh_count));
	memset(r->begun, 0, sizeof(r->begun));
	memset(r->begun_all, 0, sizeof(r->begun_all));
	memset(r->begun_local, 0, sizeof(r->begun_local));
}

/* --- a store ---------------------------------------------------------------------------------- */

/* What makes two valid entries of one place two different ones. */
static bool entries_clash(uint64_t a, uint64_t b, unsigned level)
{
	const uint64_t memory_type = 7ull << 2, contiguous = 1ull << 52;
	const uint64_t leaf =
		ENTRY_ADDRESS | ENTRY_SHARED | ENTRY_NOT_GLOBAL | memory_type | contiguous;
	const bool table = entry_is_table(a, level);
	if (table != entry_is_table(b, level)) return true;
	return ((a ^ b) & (table ? ENTRY_ADDRESS : leaf)) != 0;
}

/* Whether somebody may do by `was` what nobody may by `now`. */
static bool rights_lost(uint64_t was, uint64_t now)
{
	const uint64_t denies = ENTRY_READ_ONLY | ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC;
	return (now & ~was & denies) != 0 || (was & ~now & ENTRY_USER) != 0;
}

static void break_missing(struct tlb_rules *r, const struct table_note *t, unsigned index,
			  const struct leftover *lo)
{
	const char *id = RULE_BREAK;
	const char *missing =
		lo == NULL || lo->stands ? "it was not taken away before" : left_missing(lo, &id);
	tlb_broken(r, id, "va %llx level %u: another entry where one may be remembered; %s",
		   (unsigned long long)table_entry_va(t, index), t->level, missing);
}

/* A page under what was a block, or a block over what were pages, is remembered still. */
static struct leftover *left_around(struct tlb_rules *r, const struct table_note *t, unsigned index)
{
	const uint64_t va = table_entry_va(t, index);
	for (unsigned level = 1; level < t->level; level++) {
		struct leftover *lo = left_find(r, t->space, va, level);
		if (lo != NULL && !lo->table) return lo;
	}
	for (uint32_t i = 0; i < r->left_count && t->level < LEVEL_PAGE; i++) {
		struct leftover *lo = &r->left[i];
		if (lo->space == t->space && !lo->table && lo->level > t->level &&
		    (lo->va ^ va) >> entry_shift(t->level) == 0)
			return lo;
	}
	return NULL;
}

static void entry_fresh(struct tlb_rules *r, unsigned cpu, place_t place)
{
	if (r->fresh_count[cpu] < r->fresh_room) r->fresh[cpu][r->fresh_count[cpu]++] = place;
}

static void store_nothing(struct tlb_rules *r, unsigned cpu, uint32_t table, unsigned index,
			  uint64_t value)
{
	const struct table_note *t = &r->tables[table];
	const bool was = bit_of(t->valid, index);
	const uint64_t old = was ? t->value[index] : 0;
	if (was && entry_is_table(old, t->level))
		child_unhang(r, cpu, entry_address(old), place_of(table, index));
	if (was) left_add(r, cpu, t, index, old, false);
	entry_know(r, table, index, value);
}

/* The same frame or table again: a leftover where a right is lost, none where all are back. */
static void store_rights(struct tlb_rules *r, unsigned cpu, const struct table_note *t,
			 unsigned index, struct leftover *lo, uint64_t value)
{
	const uint64_t old = bit_of(t->valid, index) ? t->value[index] : 0;
	const bool leaf = entry_is_leaf(value, t->level);
	if (leaf && rights_lost(lo != NULL ? lo->value : old, value)) {
		if (old == 0 || rights_lost(old, value))
			left_add(r, cpu, t, index, lo != NULL ? lo->value : old, true);
	} else if (lo != NULL) {
		left_remove(r, lo);
	}
}

/* What CPUs may remember of this place: what stands there, or stood there before. */
static void store_entry(struct tlb_rules *r, unsigned cpu, uint32_t table, unsigned index,
			uint64_t value)
{
	const struct table_note *t = &r->tables[table];
	const bool was = bit_of(t->valid, index), may = r->spaces[t->space].may != 0;
	const uint64_t old = was ? t->value[index] : 0;
	struct leftover *lo = left_find(r, t->space, table_entry_va(t, index), t->level);
	const uint64_t remembered = lo != NULL ? lo->value : old;
	entry_check_form(r, t, index, value);
	if (may && remembered != 0 && entries_clash(remembered, value, t->level)) {
		break_missing(r, t, index, lo);
		if (lo != NULL) left_remove(r, lo);
	} else if (may && remembered != 0) {
		store_rights(r, cpu, t, index, lo, value);
	} else if (may && r->left_count != 0 && entry_is_leaf(value, t->level) &&
		   (lo = left_around(r, t, index)) != NULL) {
		break_missing(r, t, index, lo);
		left_remove(r, lo);
	}
	const bool hangs = was && !entries_clash(old, value, t->level);
	if (was && !hangs && entry_is_table(old, t->level))
		child_unhang(r, cpu, entry_address(old), place_of(table, index));
	entry_know(r, table, index, value);
	entry_fresh(r, cpu, place_of(table, index));
	if (entry_is_table(value, t->level) && !hangs) child_hang(r, table, index);
}

/* Memory did not say what is known: in a tree that can be walked, somebody wrote past the seam. */
static void store_unexpected(struct tlb_rules *r, uint32_t table, unsigned index, uint64_t was)
{
	const struct table_note *t = &r->tables[table];
	if (bit_of(t->dangling, index)) return;
	if (t->hung && r->memory != NULL)
		tlb_broken(r, RULE_TABLE, "va %llx level %u: the entry was overwritten",
			   (unsigned long long)table_entry_va(t, index), t->level);
	entry_know(r, table, index, was);
	if (t->hung && entry_is_table(was, t->level)) child_hang(r, table, index);
}

void tlb_rules_store(struct tlb_rules *r, unsigned cpu, paddr_t at, uint64_t was, uint64_t value)
{
	if (frame_at(r, at) == NULL) return;
	const uint32_t table = table_at(r, align_down(at, PAGE_SIZE));
	const unsigned index = at % PAGE_SIZE / sizeof(uint64_t);
	const struct table_note *t = &r->tables[table];
	const uint64_t known = bit_of(t->valid, index) ? t->value[index] : 0;
	if (UNLIKELY(entry_valid(was) ? known != was : known != 0))
		store_unexpected(r, table, index, was);
	if (!t->hung) {
		entry_know(r, table, index, value);
	} else if (entry_valid(value)) {
		store_entry(r, cpu, table, index, value);
	} else {
		store_nothing(r, cpu, table, index, value);
	}
}

/* --- an event --------------------------------------------------------------------------------- */

void tlb_rules_event(struct tlb_rules *r, const struct tlbtrace_event *event)
{
	const unsigned cpu = event->cpu;
	switch ((enum tlbtrace_kind)event->kind) {
	case TLBTRACE_STORE: tlb_rules_store(r, cpu, event->at, event->was, event->value); break;
	case TLBTRACE_SYNC: tlb_rules_sync(r, cpu); break;
	case TLBTRACE_PAGE: tlb_rules_page(r, cpu, event->value); break;
	case TLBTRACE_SPACE: tlb_rules_space(r, cpu, event->asid); break;
	case TLBTRACE_ALL: tlb_rules_all(r, cpu); break;
	case TLBTRACE_ALL_LOCAL: tlb_rules_all_local(r, cpu); break;
	case TLBTRACE_WAIT: tlb_rules_wait(r, cpu); break;
	case TLBTRACE_INSTALL: tlb_rules_install(r, cpu, event->at, event->asid); break;
	case TLBTRACE_FRAME_FREED: tlb_rules_freed(r, event->at, event->value); break;
	case TLBTRACE_FRAME_GIVEN:
	case TLBTRACE_KINDS: break;
	}
}
