/*
 * page_model.h -- what a user of the page allocator may rely on, by its own arithmetic.
 *
 * A set of free pages, who has the others, and what each holder wrote into them.  From these alone
 * the model says whether a request can be met, which zones may meet it, and what a free must be
 * told.  It shares no code and no structure with mm/.
 */
#ifndef FUZZ_PAGE_MODEL_H
#define FUZZ_PAGE_MODEL_H

#include "fuzz/frame/subject.h"
#include "mm/page.h"

enum {
	MODEL_WORDS = SCRIPT_PAGES_MAX / 64,
	MODEL_FREE = 0,        /* in whose[]: nobody's; else the handle + 1 */
	MODEL_RESERVED = 0xff, /* in whose[]: not the pool's to give */
};

struct page_set {
	uint64_t bits[MODEL_WORDS];
};

/* What a handle has: a block, or a run of which parts may be gone. */
struct page_holding {
	bool held;
	bool run;
	uint8_t order; /* of a block */
	uint8_t owner;
	uint32_t first, pages; /* page numbers in the pool */
	uint32_t left;         /* pages not given back yet */
	uint64_t seed;         /* of what is written there */
	site_t site;
	bool had; /* it had something before: */
	uint8_t stale_order, stale_owner;
	uint32_t stale_first;
};

struct page_model {
	uint32_t pages;
	uint32_t zone_end[ZONES];
	uint32_t reserve;
	struct page_set free;
	struct page_set zone[ZONES];
	uint32_t zone_free[ZONES];
	uint32_t reserved;
	uint8_t whose[SCRIPT_PAGES_MAX];
	struct page_holding holding[SCRIPT_SLOTS];
};

/* All pages free but the `hole_pages` from `hole` on, which are reserved. */
void page_model_init(struct page_model *m, uint32_t pages, const uint32_t zone_end[ZONES],
		     uint32_t reserve, uint32_t hole, uint32_t hole_pages);

uint32_t page_model_free(const struct page_model *m);
uint32_t page_model_used(const struct page_model *m);
unsigned page_model_zone(const struct page_model *m, uint32_t page);

/* The zone that a request for `wish` would be met from, with all that can be free really free:
 * the first of its zones that has an aligned block of 2^order, or `pages` in a row, and can spare
 * them; ZONES when there is none. */
unsigned page_model_block_zone(const struct page_model *m, unsigned wish, unsigned order);
unsigned page_model_row_zone(const struct page_model *m, unsigned wish, uint32_t pages);

/* Whether a request may be met from a zone at all, its reserve aside. */
bool page_model_falls_back(unsigned wish, unsigned zone);

bool page_model_may_claim(const struct page_model *m, unsigned wish, uint64_t first,
			  uint32_t pages);

/* What the free of one block must be told; `offset` is the address less the pool's base. */
enum page_verdict page_model_judge(const struct page_model *m, uint64_t offset, uint64_t order,
				   unsigned owner);

/* A handle got `pages` pages at `offset`: fails by what is wrong with that ("bounds",
 * "misaligned", "overlap"), else enters it. */
void page_model_take(struct page_model *m, unsigned slot, uint64_t offset, uint32_t pages,
		     const struct page_holding *as);

/* Pages [first, first + pages) of a handle are given back; the last ones free the handle. */
void page_model_give(struct page_model *m, unsigned slot, uint32_t first, uint32_t pages);

/* What a handle's page holds: written after it is got, looked at before it is given back. */
void page_model_write(const struct page_model *m, unsigned slot, uint32_t page, uint64_t *memory);
void page_model_verify(const struct page_model *m, unsigned slot, uint32_t page,
		       const uint64_t *memory);

/* Free blocks of each order when everything free is merged as far as it goes. */
void page_model_blocks(const struct page_model *m, uint32_t blocks[PAGE_ORDERS]);

#endif
