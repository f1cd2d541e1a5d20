/*
 * space_cut.c -- taking pages that a backing has lost away from who has them mapped.
 *
 * A backing does not know its regions: the spaces of a vm are asked, one after the other, each
 * under its own lock.  That costs nothing where files are not mapped, which is most of the time,
 * and no region pays for being found.  A space is held while it is looked at, so that it stays on
 * the list and can be gone on from.
 *
 * First the backing loses the pages, then this is called: a fault that comes in between brings what
 * the backing says now, and one that was faster has its entry in place before its space's lock is
 * free for us.  A child that fork is just making is not on the list yet: it is put there with its
 * entries, and then looks for itself at what was cut meanwhile (space_show).
 *
 * Always true: when vm_unmap() returns, no entry leads to a page that the backing lost before it
 * was called, in no space that a thread can run in, and no CPU remembers one.
 *
 * Locks: the list's (RANK_RETIRED) for each step, each space's for its entries; never both.
 * Cost: O(1) for a backing that nobody has mapped; else O(spaces, and regions of each).
 */
#include "mm/backing_inside.h"
#include "mm/space_inside.h"

/* --- all spaces ------------------------------------------------------------------------------- */

static bool space_try_hold(struct space *s)
{
	uint32_t holders;

	do {
		holders = atomic_load_u32(&s->holders);
		ASSERT(holders != UINT32_MAX);
		if (holders == 0) return false; /* it is about to be retired */
	} while (!atomic_change_u32(&s->holders, holders, holders + 1));
	return true;
}

/* The space behind `s`, or the first, held; NULL: there are no more. */
static struct space *space_after(struct vm *vm, struct space *s)
{
	const mach_irq_t was = lock_take(&vm->retired_lock);
	struct space *next = s == NULL ? vm->first : s->after;

	ASSERT(s == NULL || atomic_load_u32(&s->holders) != 0);
	while (next != NULL && !space_try_hold(next)) next = next->after;
	lock_drop(&vm->retired_lock, was);
	return next;
}

/* --- one -------------------------------------------------------------------------------------- */

/* Pages [from, end) of a backing, or of them only the frame `only`. */
struct cut {
	struct space *s;
	struct tlb_batch *batch;
	uint64_t from, end;
	paddr_t only; /* PADDR_NONE: whatever is there */
};

static bool cut_entry(void *context, uint64_t va, uint64_t entry)
{
	const struct cut *c = context;

	if (entry_address(entry) == c->only) space_zap(c->s, va, va + PAGE_SIZE, c->batch);
	return true;
}

static void cut_region_locked(const struct cut *c, const struct region *r) REQUIRES(&c->s->lock)
{
	const uint64_t from = max_u64(c->from, r->offset);
	const uint64_t end = min_u64(c->end, r->offset + pages_of(r->end - r->start));

	if (from >= end) return;
	const uint64_t at = r->start + ((from - r->offset) << PAGE_SHIFT);
	const uint64_t to = r->start + ((end - r->offset) << PAGE_SHIFT);
	ASSERT(at >= r->start && to <= r->end);
	if (c->only == PADDR_NONE)
		space_zap(c->s, at, to, c->batch);
	else
		(void)pagetable_visit(&c->s->table, at, to, cut_entry, (void *)(uintptr_t)c);
}

static void cut_space(struct space *s, const struct backing *b, uint64_t from, uint64_t end,
		      paddr_t only)
{
	struct tlb_batch batch;
	const struct cut c = { s, &batch, from, end, only };

	const mach_irq_t was = lock_take(&s->lock);
	ASSERT(!s->retired);
	batch_begin(&batch, &s->table);
	for (struct region *r = region_at_or_above(&s->regions, 0); r != NULL; r = region_next(r))
		if (r->backing == b) cut_region_locked(&c, r);
	batch_end(&batch);
	lock_drop(&s->lock, was);
}

/* --- the calls -------------------------------------------------------------------------------- */

void vm_unmap(struct vm *vm, struct backing *b, uint64_t from, uint64_t end, paddr_t only)
{
	struct space *s = NULL, *next;

	ASSERT(from <= end);
	if (from == end || !backing_is_shared(b)) return;
	while ((next = space_after(vm, s)) != NULL) {
		if (s != NULL) space_retire(s);
		s = next;
		cut_space(s, b, from, end, only);
	}
	if (s != NULL) space_retire(s);
}

void space_show(struct space *s)
{
	struct vm *vm = s->vm;
	const mach_irq_t was = lock_take(&vm->retired_lock);

	ASSERT(s->holders == 1 && s->before == NULL && s->after == NULL);
	s->before = vm->last;
	*(vm->last == NULL ? &vm->first : &vm->last->after) = s;
	vm->last = s;
	lock_drop(&vm->retired_lock, was);
}

void space_hide_locked(struct space *s)
{
	struct vm *vm = s->vm;

	ASSERT(atomic_load_u32(&s->holders) == 0);
	*(s->before == NULL ? &vm->first : &s->before->after) = s->after;
	*(s->after == NULL ? &vm->last : &s->after->before) = s->before;
	s->before = s->after = NULL;
}

void space_cut_inherited(struct space *s)
{
	struct region *r = region_at_or_above(&s->regions, 0);

	for (; r != NULL; r = region_next(r)) {
		uint64_t pages;
		if (r->family == 0 || r->backing == NULL) continue; /* nothing was copied */
		if (backing_was_cut(r->backing, &pages))
			cut_space(s, r->backing, pages, UINT64_MAX, PADDR_NONE);
	}
}
