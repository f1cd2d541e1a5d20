/*
 * space_inside.h -- what the files of the spaces share with each other and nobody else.
 *
 * All of it is called with the space's lock held, or for a space that nobody else can reach, where
 * nothing else is said; and keeps these true:
 *   `mapped` is the pages in regions; `resident` and `zeroes` are the entries with a counted frame
 *   and with the page of zeroes; every entry lies in a region.
 *
 * Reclaim may run wherever memory is asked for here: no tlb_batch is open there.
 */
#ifndef MM_SPACE_INSIDE_H
#define MM_SPACE_INSIDE_H

#include "mm/space.h"
#include "mm/user_page.h"

/* Linux's default of RLIMIT_STACK. */
#define SPACE_STACK_BYTES ((uint64_t)8 << 20)

static inline uint64_t pages_of(uint64_t bytes)
{
	return bytes >> PAGE_SHIFT;
}

/* --- entries --------------------------------------------------------------------------------- */

/* What a page of `r` may be mapped with: the region's rights, without writing where that has to
 * wait for a fault.  Some right remains: what can be written can be read. */
static inline uint32_t space_rights(const struct region *r, bool writable)
{
	if (writable || (r->rights & PROT_WRITE) == 0) return r->rights;
	return (r->rights & ~(uint32_t)PROT_WRITE) | PROT_READ;
}

static inline bool entry_is_writable(uint64_t entry)
{
	return (entry & (ENTRY_VALID | ENTRY_READ_ONLY)) == ENTRY_VALID;
}

/* Whether a user's access through this entry goes on without a fault. */
static inline bool entry_allows(uint64_t entry, enum mach_access access)
{
	const uint64_t needed = ENTRY_VALID | ENTRY_USER | ENTRY_ACCESSED;

	if ((entry & needed) != needed) return false;
	if (access == MACH_STORE) return (entry & ENTRY_READ_ONLY) == 0;
	return access != MACH_FETCH || (entry & ENTRY_NOT_USER_EXEC) == 0;
}

/* An entry that came into the tables or left them, in the counters. */
static inline void space_entry_came(struct space *s, uint64_t entry)
{
	if (entry & ENTRY_ZERO)
		s->zeroes++;
	else
		s->resident++;
}

static inline void space_entry_left(struct space *s, uint64_t entry)
{
	uint32_t *counter = (entry & ENTRY_ZERO) != 0 ? &s->zeroes : &s->resident;

	ASSERT(*counter != 0);
	if (s->resident > s->peak) s->peak = s->resident; /* it may be the first that goes */
	(*counter)--;
}

/* Takes away every entry of [from, end), whatever regions are there, and hands the frames to the
 * batch (space_unmap.c). */
void space_zap(struct space *s, uint64_t from, uint64_t end, struct tlb_batch *batch)
	REQUIRES(&s->lock);

/* --- regions (space_region.c) ---------------------------------------------------------------- */

/* Memory for one, zeroed, in no tree; NULL.  _free drops its hold of a backing, too.  Neither needs
 * the lock. */
struct region *space_region_alloc(struct space *s, site_t site);
void space_region_free(struct space *s, struct region *r);

/* Fills `copy` with what `r` is, its backing held once more; the tree's fields are not touched.
 * What a clone copies; it then calls space_region_inherit() on the copy. */
void space_region_copy(struct region *copy, const struct region *r);

/* The copy of a parent's region in its child: the child's own family from here on, none if it
 * starts empty (REGION_WIPE), and not locked in memory.  `s` is the child. */
void space_region_inherit(struct space *s, struct region *copy);

/* To be called before a private region gets its first page of its own (a write fault, a grown
 * stack): gives it the family of a neighbour that it could be one with, or a new one. */
void space_region_found(struct space *s, struct region *r) REQUIRES(&s->lock);
static inline void space_region_own(struct space *s, struct region *r)
{
	if (r->family == 0 && (r->flags & REGION_SHARED) == 0) space_region_found(s, r);
}

/* Cuts `r` in two at `va`, inside it; `upper` is memory for the second half, which it becomes. */
void space_region_cut(struct space *s, struct region *r, uint64_t va, struct region *upper)
	REQUIRES(&s->lock);

/* Memory for cutting a part out of a region, asked for before anything changes.  False: none
 * taken. */
struct region_spares {
	struct region *at[2];
};
bool space_spares_alloc(struct space *s, struct region_spares *spares, unsigned count, site_t site)
	REQUIRES(&s->lock);
void space_spares_free(struct space *s, struct region_spares *spares);

/* The part [from, end) of `r` as a region of its own.  NULL when there may not be so many regions;
 * the first cut, if there was one, then stays, as on Linux. */
struct region *space_region_isolate(struct space *s, struct region *r, uint64_t from, uint64_t end,
				    struct region_spares *spares) REQUIRES(&s->lock);

/*
 * Lets neighbours take in the range of `like`, which is free or all or part of one region, by
 * Linux's rules for what joins what.  `like` says what the range is to be; it is in no tree and
 * holds nothing.  The region that covers the range now, or NULL with nothing changed.  Regions that
 * are left over are freed.  Needs no memory; does not count `mapped`.
 */
struct region *space_region_join(struct space *s, const struct region *like) REQUIRES(&s->lock);

/* The same for a new mapping, whose range is free: Linux's rules there are a little different. */
struct region *space_region_join_new(struct space *s, const struct region *like) REQUIRES(&s->lock);

/* The same for the heap, which only ever joins what is below it. */
struct region *space_region_join_below(struct space *s, const struct region *like)
	REQUIRES(&s->lock);

/* The last region that starts below `va`; NULL. */
struct region *space_region_below(const struct space *s, uint64_t va) REQUIRES(&s->lock);

/* Whether the limit on pages lets so many more in. */
static inline bool space_may_grow(const struct space *s, uint64_t pages)
{
	return s->limit == 0 || s->mapped + pages <= s->limit;
}

/* Whether a region with these rights and flags counts for the limit on data. */
static inline bool space_is_data(uint32_t rights, uint32_t flags)
{
	return (rights & PROT_WRITE) != 0 && (flags & (REGION_SHARED | REGION_GROWS)) == 0;
}

/* Whether that limit lets so many more in (space_limit.c). */
bool space_data_may_grow_locked(const struct space *s, uint64_t pages) REQUIRES(&s->lock);
static inline bool space_data_may_grow(const struct space *s, uint64_t pages)
{
	return s->limits.data_pages == UINT64_MAX || space_data_may_grow_locked(s, pages);
}

/* --- shared by the calls --------------------------------------------------------------------- */

/* munmap of [from, end), page-aligned, in user addresses; 0 or -ERR_NOMEM.  And of what may be
 * none: also -ERR_INVAL. */
int64_t space_unmap_locked(struct space *s, uint64_t from, uint64_t end) REQUIRES(&s->lock);
int64_t space_unmap_checked_locked(struct space *s, uint64_t addr, uint64_t length)
	REQUIRES(&s->lock);

/* The same when it may not fail: `upper` is memory for the half above a hole, used or freed; NULL
 * where no region is cut in two. */
void space_unmap_with_locked(struct space *s, uint64_t from, uint64_t end, struct region *upper)
	REQUIRES(&s->lock);

/* Linux's get_unmapped_area: where `bytes` bytes asked for at `addr` go, or an error. */
int64_t space_place_locked(struct space *s, uint64_t addr, uint64_t bytes, uint32_t flags)
	REQUIRES(&s->lock);

/* Brings in the pages of [from, end) as far as it goes, as Linux's mm_populate does.  Takes the
 * lock, page by page. */
void space_populate(struct space *s, uint64_t from, uint64_t end);
void space_populate_locked(struct space *s, uint64_t from, uint64_t end) REQUIRES(&s->lock);

/* What the top byte of a user's address says is nobody's business (TBI): where Linux drops it. */
static inline uint64_t space_untag(uint64_t addr)
{
	return (addr >> 55 & 1) != 0 ? addr : addr & (~0ull >> 8);
}

/* --- faults (fault.c) ------------------------------------------------------------------------ */

/* space_fault() under the lock.  No batch of the space's tree is open. */
enum fault_answer space_fault_locked(struct space *s, uint64_t va, enum mach_access access)
	REQUIRES(&s->lock);

/* --- all spaces (space_cut.c) ---------------------------------------------------------------- */

/* An empty one that vm_unmap() does not find (space.c); and how it is found from now on: after it
 * is as it is to be, and before it can run. */
struct space *space_make(struct vm *vm, site_t site);
void space_show(struct space *s);
void space_hide_locked(struct space *s) REQUIRES(&s->vm->retired_lock);

/* What fork copied of pages that were cut off before the space could be found goes. */
void space_cut_inherited(struct space *s);

/* --- taking apart (space.c) ------------------------------------------------------------------ */

struct space_work {
	size_t done;  /* entries and regions looked after */
	size_t back;  /* pages that came back */
	bool objects; /* objects went to kmalloc */
};

/* Takes away one batch of what is in a retired space that no CPU has; true: nothing is left. */
bool space_take_apart(struct space *s, struct space_work *work);

/* The end of a space in which nothing is. */
void space_free(struct space *s);

#endif
