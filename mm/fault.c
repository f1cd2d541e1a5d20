/*
 * fault.c -- what a user's access at an address leads to: a page, or the reason why there is none.
 *
 * The answer is worked out from the region and from the entry as they are under the space's lock,
 * whatever the CPU saw when it faulted: who comes second finds the page that the first one brought.
 *
 *   nothing there     private: a read finds the page of zeroes, or the backing's page, both
 *                     read-only; a write gets a page of its own, of zeroes or a copy of the
 *                     backing's.  Shared: the backing's page.
 *   there, read-only  private: the last owner of a page writes in place; anybody else gets a copy,
 *                     and the frame changes through nothing (pagetable_change).  Shared: the
 *                     backing is told, and the page may be written.
 *   there, unmarked   the access flag is set.
 *   there and fine    somebody else was here, or this CPU remembers what was there before: that is
 *                     invalidated, so that the access is not refused for ever.
 *
 * A region that grows down does so here, by Linux's rule: not below the lowest address, nor within
 * the guard gap of an accessible neighbour, nor beyond the limits of a stack and of the space.
 *
 * Always true:
 *   F1  an entry of a private region may be written only when its page has no other reference;
 *   F2  a page is held from the moment it is got until its entry holds it: no answer but FAULT_DONE
 *       leaves a reference, an entry or an empty table behind (a region that grew stays as it is);
 *   F3  an old frame is dropped by the batch, after all CPUs have forgotten it.
 *
 * Locks: the space's throughout; backings' and the pool's inside.  Cost (release, AArch64): a fresh
 * page of zeroes about 350 instructions and the zeroing.  What is rarer stands out of line, so that
 * this way saves few registers and has no batch on its stack.
 */
#include "mm/space_inside.h"

/* One fault; everything under the space's lock. */
struct fault {
	struct space *s;
	struct region *r;
	uint64_t va; /* of the page */
	enum mach_access access;
};

/* --- the region --------------------------------------------------------------------------- */

/* Whether growing down to `va` would come too near to what is below. */
static bool fault_near_neighbour(const struct region *r, uint64_t va)
{
	const struct region *below = region_previous(r);

	return below != NULL && (below->flags & REGION_GROWS) == 0 && below->rights != PROT_NONE &&
	       va - below->end < REGION_GUARD_BYTES;
}

/* Linux's expand_downwards and acct_stack_growth, with the space's limit of a stack. */
static NOINLINE bool fault_grow_locked(struct space *s, struct region *r, uint64_t va)
	REQUIRES(&s->lock)
{
	const uint64_t pages = pages_of(r->start - va);

	ASSERT(va < r->start);
	if ((r->flags & REGION_GROWS) == 0 || va < s->vm->lowest) return false;
	if (fault_near_neighbour(r, va)) return false;
	space_region_own(s, r);
	if (r->end - va > s->limits.stack_bytes || pages > r->offset) return false;
	if (!space_may_grow(s, pages)) return false;
	r->offset -= pages;
	s->mapped += pages;
	region_set_start(&s->regions, r, va);
	return true;
}

/* The region that the page at `va` is in, grown for it if need be; or NULL. */
static struct region *fault_region_locked(struct space *s, uint64_t va) REQUIRES(&s->lock)
{
	struct region *r = region_at_or_above(&s->regions, va);

	if (r == NULL || r->start <= va) return r;
	return fault_grow_locked(s, r, va) ? r : NULL;
}

/* As on Linux, a page with any right can be read. */
static bool fault_allowed(const struct region *r, enum mach_access access)
{
	switch (access) {
	case MACH_STORE: return (r->rights & PROT_WRITE) != 0;
	case MACH_FETCH: return (r->rights & PROT_EXEC) != 0;
	default: return r->rights != PROT_NONE;
	}
}

/* --- nothing there ------------------------------------------------------------------------ */

/* Puts `pa` there, and counts it; false without memory for a table. */
static bool fault_map(const struct fault *f, paddr_t pa, bool writable, uint64_t extra)
{
	struct pagetable *pt = &f->s->table;
	const uint64_t entry = pagetable_entry(pt, pa, space_rights(f->r, writable), extra);
	const enum pagetable_answer answer = pagetable_map(pt, f->va, entry, 0, f->r->site);

	ASSERT(answer == PAGETABLE_DONE || answer == PAGETABLE_NO_MEMORY);
	if (answer == PAGETABLE_DONE) space_entry_came(f->s, entry);
	return answer == PAGETABLE_DONE;
}

/* A first read of private zeroes. */
static enum fault_answer fault_read_zeroes(const struct fault *f)
{
	return fault_map(f, f->s->vm->zeroes, false, ENTRY_ZERO) ? FAULT_DONE : FAULT_NO_MEMORY;
}

static uint64_t fault_index(const struct fault *f)
{
	return f->r->offset + pages_of(f->va - f->r->start);
}

static enum fault_answer fault_says(enum backing_answer answer)
{
	switch (answer) {
	case BACKING_DONE: return FAULT_DONE;
	case BACKING_NO_MEMORY: return FAULT_NO_MEMORY;
	default: return FAULT_BEYOND;
	}
}

/* The tables that were made for nothing go again. */
static void fault_unprepare(const struct fault *f)
{
	struct tlb_batch batch;

	batch_begin(&batch, &f->s->table);
	pagetable_clear(&f->s->table, f->va, &batch);
	batch_end(&batch);
}

/* The backing's own page.  The tables come first, so that what the backing brings is never brought
 * in vain; when it brings nothing they go again. */
static NOINLINE enum fault_answer fault_from_backing(const struct fault *f, bool writable)
{
	struct pagetable *pt = &f->s->table;
	paddr_t pa = PADDR_NONE;

	if (pagetable_prepare(pt, f->va, 0, f->r->site) != PAGETABLE_DONE) return FAULT_NO_MEMORY;
	const enum fault_answer answer =
		fault_says(backing_page(f->r->backing, fault_index(f), writable ? BACKING_WRITE : 0,
					f->r->site, &pa));
	if (answer != FAULT_DONE) {
		fault_unprepare(f);
		return answer;
	}
	const bool mapped = fault_map(f, pa, writable, 0);
	ASSERT(mapped);
	return FAULT_DONE;
}

/* What a source filled is not to be written to before its backing knows. */
static enum fault_answer fault_shared(const struct fault *f)
{
	const bool at_once = f->access == MACH_STORE || !backing_has_source(f->r->backing);

	return fault_from_backing(f, at_once && (f->r->rights & PROT_WRITE) != 0);
}

/* A page of zeroes, or a copy of `from`, with one reference; PADDR_NONE. */
static paddr_t fault_page(const struct fault *f, paddr_t from)
{
	struct page_pool *pool = f->s->vm->pages;
	const paddr_t pa = user_page_alloc(pool, from == PADDR_NONE ? PAGE_ZERO : 0, f->r->site);

	space_region_own(f->s, f->r);
	if (from != PADDR_NONE && pa != PADDR_NONE)
		memcpy(mach_phys(pa), mach_phys(from), PAGE_SIZE);
	return pa;
}

static inline enum fault_answer fault_map_own(const struct fault *f, paddr_t pa)
{
	if (pa == PADDR_NONE) return FAULT_NO_MEMORY;
	if (!fault_map(f, pa, true, 0)) {
		user_page_drop(f->s->vm->pages, pa);
		return FAULT_NO_MEMORY;
	}
	return FAULT_DONE;
}

/* A first write to what a backing shows: a copy from the start. */
static NOINLINE enum fault_answer fault_copy_backing(const struct fault *f)
{
	paddr_t from = PADDR_NONE;

	space_region_own(f->s, f->r); /* even if nothing comes of it: Linux's order */
	const enum fault_answer got =
		fault_says(backing_page(f->r->backing, fault_index(f), 0, f->r->site, &from));
	if (got != FAULT_DONE) return got;
	const enum fault_answer answer = fault_map_own(f, fault_page(f, from));
	user_page_drop(f->s->vm->pages, from);
	return answer;
}

static enum fault_answer fault_absent(const struct fault *f)
{
	if (f->r->flags & REGION_SHARED) return fault_shared(f);
	if (f->access != MACH_STORE)
		return f->r->backing == NULL ? fault_read_zeroes(f) : fault_from_backing(f, false);
	if (f->r->backing != NULL) return fault_copy_backing(f);
	return fault_map_own(f, fault_page(f, PADDR_NONE));
}

/* --- something there ---------------------------------------------------------------------- */

/* `entry` stands there from now on; `old`, when not PADDR_NONE, loses this entry's reference. */
static void fault_change(const struct fault *f, uint64_t entry, paddr_t old)
{
	struct tlb_batch batch;

	batch_begin(&batch, &f->s->table);
	pagetable_change(&f->s->table, f->va, entry, &batch);
	if (old != PADDR_NONE) batch_user(&batch, old); /* F3 */
	batch_end(&batch);
}

static void fault_change_rights(const struct fault *f, uint64_t was, bool writable)
{
	const uint64_t extra = was & (ENTRY_ZERO | ENTRY_DIRTY);
	const uint32_t rights = space_rights(f->r, writable);

	fault_change(f, pagetable_entry(&f->s->table, entry_address(was), rights, extra),
		     PADDR_NONE);
}

/* A copy of what is there, or zeroes in the place of the page of zeroes. */
static enum fault_answer fault_copy(const struct fault *f, uint64_t was)
{
	struct space *s = f->s;
	const bool zero = (was & ENTRY_ZERO) != 0;
	const paddr_t old = zero ? PADDR_NONE : entry_address(was);
	const paddr_t pa = fault_page(f, old);

	if (pa == PADDR_NONE) return FAULT_NO_MEMORY;
	const uint64_t entry = pagetable_entry(&s->table, pa, space_rights(f->r, true), 0);
	fault_change(f, entry, old);
	space_entry_left(s, was);
	space_entry_came(s, entry);
	return FAULT_DONE;
}

/* What is there is no longer the backing's: it was cut off this moment, and vm_unmap() is on its
 * way here.  The next access finds what is there now. */
static void fault_take_away(const struct fault *f)
{
	struct tlb_batch batch;

	batch_begin(&batch, &f->s->table);
	space_zap(f->s, f->va, f->va + PAGE_SIZE, &batch);
	batch_end(&batch);
}

/* A shared page that could only be read so far: what its source filled is no longer that. */
static enum fault_answer fault_write_shared(const struct fault *f, uint64_t was)
{
	paddr_t pa = PADDR_NONE;
	const enum backing_answer answer =
		backing_page(f->r->backing, fault_index(f), BACKING_WRITE, f->r->site, &pa);

	const bool same = answer == BACKING_DONE && pa == entry_address(was);

	if (answer == BACKING_DONE) user_page_drop(f->s->vm->pages, pa);
	if (same)
		fault_change_rights(f, was, true);
	else
		fault_take_away(f);
	return fault_says(answer);
}

static enum fault_answer fault_write(const struct fault *f, uint64_t was)
{
	if (f->r->flags & REGION_SHARED) return fault_write_shared(f, was);
	if (was & ENTRY_ZERO) return fault_copy(f, was);
	if (user_page_references(f->s->vm->pages, entry_address(was)) != 1)
		return fault_copy(f, was);
	fault_change_rights(f, was, true); /* F1: nobody else has it, nor can get it */
	return FAULT_DONE;
}

/* This CPU remembers an older entry: it is to forget that. */
static void fault_forget(const struct fault *f)
{
	struct tlb_batch batch;

	batch_begin(&batch, &f->s->table);
	batch_page(&batch, f->va);
	batch_end(&batch);
}

static NOINLINE enum fault_answer fault_present(const struct fault *f, uint64_t entry)
{
	const bool writable = entry_is_writable(entry);

	if (entry_allows(entry, f->access))
		fault_forget(f);
	else if (f->access == MACH_STORE && !writable)
		return fault_write(f, entry);
	else
		fault_change_rights(f, entry, writable);
	return FAULT_DONE;
}

/* --- the calls ---------------------------------------------------------------------------- */

enum fault_answer space_fault_locked(struct space *s, uint64_t va, enum mach_access access)
{
	struct fault f = { .s = s, .va = align_down(va, PAGE_SIZE), .access = access };

	ASSERT_SLOW(mach_irq_masked());
	if (va >= USER_END) return FAULT_NOT_MAPPED;
	f.r = fault_region_locked(s, f.va);
	if (f.r == NULL) return FAULT_NOT_MAPPED;
	if (!fault_allowed(f.r, access)) return FAULT_NOT_ALLOWED;
	const uint64_t entry = pagetable_lookup(&s->table, f.va, NULL);
	return entry == 0 ? fault_absent(&f) : fault_present(&f, entry);
}

enum fault_answer space_fault(struct space *s, uint64_t va, enum mach_access access)
{
	const mach_irq_t was = lock_take(&s->lock);
	const enum fault_answer answer = space_fault_locked(s, va, access);

	lock_drop(&s->lock, was);
	return answer;
}
