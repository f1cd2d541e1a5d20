/*
 * space_check.c -- are spaces what their regions and counters say, and is every page's count exact?
 *
 * One space: its regions and tables by their own checks; then each entry against the region it is
 * in, and the counters against what was met.  All spaces of a vm: besides, every entry and every
 * page of a backing adds one to what was found of its frame, and at the end what was found of each
 * user's page must be its count.
 *
 * What is checked of an entry:
 *   K1  it lies in a region, and has no right that the region lacks; it is kept without any
 *       (ENTRY_HELD) exactly when the region has none;
 *   K2  the page of zeroes is only read, and only in private regions without a backing;
 *   K3  in a private region a page that can be written has no other reference; in a shared one
 *       every page is the backing's;
 *   K4  a region without a family has no pages but its backing's;
 *   K5  resident, zeroes and mapped are what is there.
 *
 * Locks: none; at rest only.  Cost: every entry and region, and for vm_check every frame.
 */
#include "mm/backing_inside.h"
#include "mm/space_inside.h"

struct space_sums {
	struct space *s;
	const struct region *r; /* the entry's, or one below it */
	uint32_t resident, zeroes;
	bool find; /* adds what it meets to the frames' `found` */
};

static const char *check_rights(const struct region *r, uint64_t entry)
{
	const bool valid = (entry & ENTRY_VALID) != 0;

	if (valid != (r->rights != PROT_NONE))
		return "space K1: an entry is valid, or not, wrongly";
	if (!valid) return NULL;
	if (entry_is_writable(entry) && (r->rights & PROT_WRITE) == 0)
		return "space K1: an entry may be written, its region may not";
	if ((entry & ENTRY_NOT_USER_EXEC) == 0 && (r->rights & PROT_EXEC) == 0)
		return "space K1: an entry may be executed, its region may not";
	return NULL;
}

static const char *check_zeroes(const struct space *s, const struct region *r, uint64_t entry)
{
	if (entry_address(entry) != s->vm->zeroes || entry_is_writable(entry))
		return "space K2: the page of zeroes is another, or may be written";
	if (r->backing != NULL || (r->flags & REGION_SHARED) != 0)
		return "space K2: the page of zeroes where a backing is";
	return NULL;
}

static const char *check_counted(const struct space *s, const struct region *r, uint64_t va,
				 uint64_t entry)
{
	const paddr_t pa = entry_address(entry);

	if ((r->flags & REGION_SHARED) == 0) {
		if (entry_is_writable(entry) && user_page_references(s->vm->pages, pa) != 1)
			return "space K3: a page that others have may be written";
		if (r->family != 0) return NULL;
		if (r->backing == NULL) return "space K4: a page of its own, and no family";
	}
	if (r->backing == NULL) return "space K3: a shared region without a backing";
	const uint64_t index = r->offset + pages_of(va - r->start);
	if (index >= r->backing->pages) return "space K3, K4: a page behind the backing's end";
	const uint64_t *at = row_slot(&r->backing->row, index);
	if (at == NULL || (*at & ~ROW_WRITTEN) != pa)
		return "space K3, K4: a page is not the backing's";
	if (entry_is_writable(entry) && backing_has_source(r->backing) && !(*at & ROW_WRITTEN))
		return "space K3: the backing does not know that its page may be written";
	return NULL;
}

/* Entries come in the order of their addresses, as regions do. */
static const char *check_entry(void *context, uint64_t va, uint64_t entry)
{
	struct space_sums *sums = context;
	const struct space *s = sums->s;

	while (sums->r != NULL && sums->r->end <= va) sums->r = region_next(sums->r);
	const struct region *r = sums->r;
	if (r == NULL || r->start > va) return "space K1: an entry outside all regions";
	const char *why = check_rights(r, entry);
	if (why == NULL)
		why = entry & ENTRY_ZERO ? check_zeroes(s, r, entry)
					 : check_counted(s, r, va, entry);
	sums->zeroes += (entry & ENTRY_ZERO) != 0;
	sums->resident += (entry & ENTRY_ZERO) == 0;
	if (sums->find && (entry & ENTRY_ZERO) == 0)
		page_frame(s->vm->pages, entry_address(entry))->user.found++;
	return why;
}

static uint64_t space_region_pages(const struct space *s)
{
	uint64_t pages = 0;
	const struct region *r = region_at_or_above(&s->regions, 0);

	for (; r != NULL; r = region_next(r)) pages += pages_of(r->end - r->start);
	return pages;
}

static const char *space_check_as(struct space *s, bool find)
{
	struct space_sums sums = { .s = s, .find = find };
	const char *why = region_check(&s->regions);

	sums.r = region_at_or_above(&s->regions, 0);
	if (why == NULL) why = pagetable_check_each(&s->table, check_entry, &sums);
	if (why != NULL) return why;
	if (sums.resident != s->resident) return "space K5: resident pages";
	if (sums.zeroes != s->zeroes) return "space K5: pages of zeroes";
	return space_region_pages(s) == s->mapped ? NULL : "space K5: mapped pages";
}

const char *space_check(struct space *s)
{
	return space_check_as(s, false);
}

/* --- all of a vm -------------------------------------------------------------------------- */

static bool is_user_frame(const struct frame *f)
{
	const uint32_t both = FRAME_WORD(0xff, 0, 0xff, 0);

	return (f->word & both) == FRAME_WORD(FRAME_USED, 0, PAGE_OWNER_USER, 0);
}

static void found_by_backing(void *context, paddr_t pa)
{
	page_frame(((struct vm *)context)->pages, pa)->user.found++;
}

static const char *vm_check_spaces(struct vm *vm, struct space *const *spaces, size_t count)
{
	const char *why = NULL;
	uint32_t retired = 0;

	for (size_t i = 0; i < count && why == NULL; i++) {
		if (spaces[i]->vm != vm || spaces[i]->retired)
			return "vm V1: a retired space is in use";
		why = space_check_as(spaces[i], true);
	}
	for (struct space *s = vm->retired; s != NULL && why == NULL; s = s->next) {
		if (!s->retired || retired++ == vm->retired_count) return "vm V1: the retired list";
		why = space_check_as(s, true);
	}
	if (why != NULL) return why;
	size_t all = 0;
	for (const struct space *s = vm->first; s != NULL; s = s->after)
		if (s->retired || s->vm != vm || all++ == count) return "vm V4: the list of all";
	if (all != count) return "vm V4: a space is not on the list of all";
	if (retired != vm->retired_count || vm->spaces != count + retired)
		return "vm V3: spaces are miscounted";
	return NULL;
}

static const char *vm_check_installed(struct vm *vm)
{
	for (unsigned cpu = 0; cpu < vm->pages->cpus; cpu++) {
		const struct space *s = vm->installed[cpu];
		if (s != NULL && (s->cpus >> cpu & 1) == 0)
			return "vm V2: a CPU has a space that does not know of it";
	}
	return NULL;
}

/* Nobody else expects anything there. */
static void vm_find_nothing(struct page_pool *pool)
{
	for (uint32_t n = 0; n < pool->pages; n++)
		if (is_user_frame(&pool->frames[n])) pool->frames[n].user.found = 0;
}

/* And nothing is left of it. */
static const char *vm_check_found(struct page_pool *pool)
{
	const char *why = NULL;

	for (uint32_t n = 0; n < pool->pages; n++) {
		struct frame *f = &pool->frames[n];
		if (!is_user_frame(f)) continue;
		if (f->user.references > f->user.found)
			why = "vm: a page has more references than lead to it, and would be lost";
		if (f->user.references < f->user.found)
			why = "vm: a page has fewer references than lead to it, and would go "
			      "early";
		f->user.found = 0;
	}
	return why;
}

const char *vm_check(struct vm *vm, struct space *const *spaces, size_t count)
{
	const char *why = asid_check(&vm->asids);

	if (why == NULL) why = backing_list_check(vm->backings);
	if (why == NULL) why = vm_check_installed(vm);
	vm_find_nothing(vm->pages);
	if (why == NULL) why = vm_check_spaces(vm, spaces, count);
	if (why == NULL) backing_list_visit(vm->backings, found_by_backing, vm);
	const char *found = vm_check_found(vm->pages);
	return why == NULL ? found : why;
}
