/*
 * pagetable.h -- one tree of page tables: AArch64's format, four levels, 4 KiB pages.
 *
 * A tree belongs to a space (the lower half; entries for users, not global) or to the kernel (the
 * upper; global, never for users).  Nothing here knows what is mapped why: that is space.h's.
 *
 * Rights are PROT_READ, PROT_WRITE and PROT_EXEC (mman.h).  A user's page is never executable by
 * the kernel, nor the kernel's by users, and no entry is both writable and executable for the
 * kernel.  As on Linux, a user's page with any right is readable.  No right at all: the entry is
 * kept, invalid, with the frame in it (ENTRY_HELD).
 *
 * Always true: an entry goes from one frame to another through nothing, invalidated in between;
 * a table without entries is given back, except the root; a table's or a page's frame is given back
 * only after every CPU has forgotten it.  Each table's frame counts the entries in it.
 *
 * Locks: the caller's, one for each tree (REQUIRES of every call here that changes it).  Tables
 * come from the pool's ZONE_KERNEL as PAGE_OWNER_TABLE.
 */
#ifndef MM_PAGETABLE_H
#define MM_PAGETABLE_H

#include "machine/entry.h"
#include "mm/asid.h"
#include "mm/mman.h"
#include "mm/page.h"

struct tlb_batch;

struct pagetable {
	struct page_pool *pages;
	struct asid asid; /* a space's; the kernel's needs none */
	paddr_t root;
	uint32_t tables;   /* pages of tables that are this tree's, the root included */
	uint32_t leaves;   /* entries of the last level that are not empty */
	uint32_t prepared; /* tables of the last level that have no entries yet */
	uint32_t unlinked; /* how often tables were taken out: a walk may have to start again */
	struct tlb_batch *batch; /* the one that is open, or NULL */
	bool kernel;
	bool adopted; /* some of its tables were made at boot, and are not ours */
};

enum pagetable_answer {
	PAGETABLE_DONE,
	PAGETABLE_NO_MEMORY, /* for a table; nothing changed */
	PAGETABLE_TAKEN,     /* there is an entry already */
	PAGETABLE_BLOCK,     /* a block covers the address: it is no table */
};

/* Makes an empty tree; false when there is no page for the root. */
bool pagetable_init(struct pagetable *pt, struct page_pool *pages, bool kernel, site_t site);

/* Takes over the kernel's map, made at boot: its root and tables are not ours to give back. */
void pagetable_adopt(struct pagetable *pt, struct page_pool *pages, paddr_t root);

/* Gives back the root of a tree without entries.  No CPU has it installed or remembers its ASID:
 * the caller has invalidated it. */
void pagetable_close(struct pagetable *pt);

/* --- taking away ------------------------------------------------------------------------------ */

/*
 * Pages whose entries were taken away or lost rights, and frames that wait until every CPU has
 * forgotten them.  batch_end() publishes, invalidates (page by page, or the whole ASID when there
 * are many), waits, and then gives the frames back; a full batch does so by itself.  Between
 * batch_begin() and batch_end() the lock of the tree is held, and no other batch of it is open.
 * What is added by hand: the page first, when its entry has changed already, then its frame.
 */
enum { TLB_BATCH_PAGES = 64 };

struct tlb_batch {
	struct pagetable *pt;
	uint32_t pages;  /* in va[]; more than fit: the whole ASID is invalidated */
	uint32_t frames; /* in frame[] */
	bool tables;     /* some were unlinked, and may be remembered */
	bool all;
	uint64_t va[TLB_BATCH_PAGES];
	struct {
		paddr_t pa;
		bool table; /* else a user's page, whose reference is dropped */
	} frame[TLB_BATCH_PAGES];
};

void batch_begin(struct tlb_batch *batch, struct pagetable *pt);
/* An entry changed there. */
static inline void batch_page(struct tlb_batch *batch, uint64_t va)
{
	ASSERT(batch->pt->batch == batch);
	if (LIKELY(batch->pages < TLB_BATCH_PAGES))
		batch->va[batch->pages++] = va;
	else
		batch->all = true;
}

void batch_user(struct tlb_batch *batch, paddr_t pa);  /* drop this reference afterwards */
void batch_table(struct tlb_batch *batch, paddr_t pa); /* give this table back afterwards */
void batch_end(struct tlb_batch *batch);

/* --- entries ---------------------------------------------------------------------------------- */

/* The entry for `va` as it is now, 0 where there is none; *level says where it stands, 3 for a page
 * or less for a block (may be NULL). */
uint64_t pagetable_lookup(const struct pagetable *pt, uint64_t va, unsigned *level);

/* Makes the tables that lead to `va`: afterwards mapping there needs no memory until something is
 * taken away.  A table that stays empty goes with a pagetable_clear() there, or
 * with the tree.  DONE, NO_MEMORY or BLOCK. */
enum pagetable_answer pagetable_prepare(struct pagetable *pt, uint64_t va, uint32_t flags,
					site_t site);

/* What an entry for `pa` reads; `extra` is ENTRY_ZERO, ENTRY_DIRTY, or'ed, or 0.  A page that may
 * be written is dirty.  Has ENTRY_ACCESSED, unless there is no right at all. */
uint64_t pagetable_entry(const struct pagetable *pt, paddr_t pa, uint32_t rights, uint64_t extra);

/* Puts `entry` where nothing is, making tables as needed (`flags`: PAGE_NO_RECLAIM or 0), and
 * publishes it. */
enum pagetable_answer pagetable_map(struct pagetable *pt, uint64_t va, uint64_t entry,
				    uint32_t flags, site_t site);

/* Takes the entry away and returns it (0: there was none); tables that are empty then go too.  The
 * frame in it is the caller's to hand to the batch. */
uint64_t pagetable_clear(struct pagetable *pt, uint64_t va, struct tlb_batch *batch);

/* Gives the page at `va` other rights, flags or another frame: `entry` in the place of what is
 * there.  Same frame: in one store, invalidated by the batch where a CPU could see a difference,
 * rights that were gained included.  Another frame: taken away, invalidated and waited for at
 * once, then put there; the old one is the caller's to hand to the batch. */
void pagetable_change(struct pagetable *pt, uint64_t va, uint64_t entry, struct tlb_batch *batch);

/* Calls visit for each entry of [from, end) that is not empty, in order of address; holes cost a
 * look at one entry of the level they are at, and so do blocks, which are not shown.  visit may
 * change or clear that entry by the calls above.  Stops when it returns false, and
 * returns what it returned. */
bool pagetable_visit(struct pagetable *pt, uint64_t from, uint64_t end,
		     bool (*visit)(void *context, uint64_t va, uint64_t entry), void *context);

/* Clears ENTRY_ACCESSED in [from, end) and returns how many pages had it.  What CPUs remember is
 * left alone: a page used again a little later than it looks does no harm. */
uint32_t pagetable_age(struct pagetable *pt, uint64_t from, uint64_t end);

/* What a copy met: entries with a counted frame, those with the page of zeroes, and how many lost
 * the right to be written in the tree they were copied from. */
struct pagetable_copied {
	uint32_t counted, zeroes, demoted;
};

/* Copies the entries of [start, end) into `to`, which has none there: the same pages, each with one
 * reference more, and to be written in neither tree.  Adds to *sums.  Invalidates nothing: the
 * caller makes all CPUs forget `from`'s entries when any was demoted, and publishes `to`'s.  False
 * without memory for a table; what was copied so far is. */
bool pagetable_copy(struct pagetable *to, struct pagetable *from, uint64_t start, uint64_t end,
		    struct pagetable_copied *sums, site_t site);

/* NULL, or what is wrong with the tree: counts, formats, rights, frames' owners.  At rest only. */
const char *pagetable_check(struct pagetable *pt);

/* The same; each entry of a page is besides shown to `look`, in order of address, once it was found
 * sound.  What that has to say ends the check. */
const char *pagetable_check_each(struct pagetable *pt,
				 const char *(*look)(void *context, uint64_t va, uint64_t entry),
				 void *context);

#endif
