/*
 * pagetable_batch.c -- taking away: entries first, then what CPUs remember of them, then frames.
 *
 * An entry that was taken away, or lost a right, stays in force on any CPU that remembers it.  So
 * its frame may not be given to anybody until all have forgotten: every change goes into a batch,
 * and one publication, one round of invalidations and one wait serve up to 64 of them.  What has
 * no room ends the batch early: too many pages turn into the whole ASID, too many frames make it
 * forget and give back what it has.
 *
 * The order is the whole point (batch_invalidate): the stores are published, the ASID is read,
 * the invalidations are broadcast and waited for; batch_end gives frames back after that.  The ASID
 * is read last because a space may be installed, or get another number, at any time before:
 * whoever stores a new word publishes it before a walk under it, so either we see the word here
 * or that walk sees our stores (asid.c).  A space without a word was never walked by anybody.
 *
 * Always true:
 *   T1  who adds a frame has added the page that led to it before, and after the last store that
 *       led there: so when the frame is given back all of that is invalidated;
 *   T2  a table's unlinking is covered by a page below it: an invalidation by address forgets what
 *       is remembered of every level on the way there (DDI 0487, D8.14, TLBI VAE1IS), under the
 *       ASID named; the kernel's tables are remembered under any, so for those everything goes;
 *   T3  one batch is open for a tree at most (pt->batch), so who maps can tell what is not
 *       forgotten yet.
 *
 * Locks: the tree's, from begin to end; giving back takes the pool's inside.
 * Cost: a page is 5 instructions; a batch 30, and what the machine takes to invalidate.
 */
#include "mm/pagetable_inside.h"
#include "mm/user_page.h"

void batch_begin(struct tlb_batch *batch, struct pagetable *pt)
{
	ASSERT(pt->batch == NULL); /* T3 */
	batch->pt = pt;
	batch->pages = 0;
	batch->frames = 0;
	batch->tables = false;
	batch->all = false;
	pt->batch = batch;
}

static void batch_invalidate_pages(const struct tlb_batch *batch, uint32_t asid)
{
	for (uint32_t i = 0; i < batch->pages; i++) mach_tlb_page(tlb_operand(asid, batch->va[i]));
}

/* The kernel's pages are global, they have no ASID to be forgotten by.  Its tables are not: each
 * walk notes them under the ASID of the moment. */
static void batch_invalidate_kernel(const struct tlb_batch *batch)
{
	if (batch->all || batch->tables)
		mach_tlb_all();
	else
		batch_invalidate_pages(batch, 0);
	mach_tlb_wait();
}

static void batch_invalidate_user(const struct tlb_batch *batch)
{
	const uint32_t asid = asid_number(&batch->pt->asid);

	if (asid == 0) return; /* never installed */
	if (batch->all)
		mach_tlb_space(asid);
	else
		batch_invalidate_pages(batch, asid);
	mach_tlb_wait();
}

void batch_invalidate(struct tlb_batch *batch)
{
	if (batch->pages == 0 && !batch->all) return;
	mach_entry_sync();
	if (batch->pt->kernel)
		batch_invalidate_kernel(batch);
	else
		batch_invalidate_user(batch);
	batch->pages = 0;
	batch->tables = false;
	batch->all = false;
}

bool batch_covers(const struct tlb_batch *batch, uint64_t va, bool tables)
{
	if (batch->all || (tables && batch->tables)) return true;
	for (uint32_t i = 0; i < batch->pages; i++)
		if (batch->va[i] == va) return true;
	return false;
}

static void batch_give_back(struct tlb_batch *batch)
{
	struct page_pool *pool = batch->pt->pages;

	ASSERT(batch->pages == 0 && !batch->all); /* T1 */
	for (uint32_t i = 0; i < batch->frames; i++) {
		if (batch->frame[i].table) {
			const enum page_verdict v =
				page_free(pool, batch->frame[i].pa, 0, table_how(0));
			ASSERT(v == PAGE_FREED);
		} else {
			user_page_drop(pool, batch->frame[i].pa);
		}
	}
	batch->frames = 0;
}

static void batch_frame(struct tlb_batch *batch, paddr_t pa, bool table)
{
	ASSERT(batch->pt->batch == batch);
	if (UNLIKELY(batch->frames == TLB_BATCH_PAGES)) {
		batch_invalidate(batch);
		batch_give_back(batch);
	}
	batch->frame[batch->frames].pa = pa;
	batch->frame[batch->frames].table = table;
	batch->frames++;
}

void batch_user(struct tlb_batch *batch, paddr_t pa)
{
	batch_frame(batch, pa, false);
}

void batch_table(struct tlb_batch *batch, paddr_t pa)
{
	batch_frame(batch, pa, true);
}

void batch_end(struct tlb_batch *batch)
{
	ASSERT(batch->pt->batch == batch);
	batch_invalidate(batch);
	batch_give_back(batch);
	batch->pt->batch = NULL;
}
