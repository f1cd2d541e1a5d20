/*
 * pagetable_model.h -- trees of page tables as plain arrays: what each page of a few small windows
 * leads to, with which rights, and what stands in the memory there.
 *
 * A tree's window is TREE_PAGES pages in five rows, laid so that every level's tables have more
 * than one entry: rows cross the ends of what a table of level 3, 2 and 1 covers, and the last one
 * ends where user addresses do.  The model counts tables by comparing addresses.
 */
#ifndef FUZZ_PAGETABLE_MODEL_H
#define FUZZ_PAGETABLE_MODEL_H

#include "fuzz/frame/script.h"
#include "machine/machine.h"

enum {
	TREES = 8,
	TREE_PAGES = 104,
	TREE_TABLES = 7, /* of the last level, in all of a window */
};

enum page_state_of_model { PAGE_NOTHING, PAGE_MAPPED, PAGE_HELD };

/* What an entry should be. */
struct model_page {
	uint8_t state;
	uint8_t rights; /* PROT_READ | ... */
	bool accessed;
	bool lazy; /* accessed was taken back, and a CPU may remember otherwise */
	bool dirty;
	bool zero;          /* the page of zeroes */
	uint8_t used;       /* CPUs that got through it as it is: a bit each */
	uint8_t stale;      /* CPUs that got through what was there before */
	uint8_t changed_by; /* the CPU that made it what it is */
	uint16_t frame;     /* number of the page in the pool */
};

struct model_tree {
	bool open;
	struct model_page page[TREE_PAGES];
	uint8_t entries[TREE_TABLES];
	bool prepared[TREE_TABLES]; /* a table without entries */
	uint8_t present;            /* tables of the last level, a bit each */
	uint32_t leaves;
};

struct model_frame {
	uint32_t references; /* 0: nobody's */
	uint64_t content;    /* of one word in it */
};

struct pagetable_model {
	struct model_tree tree[TREES];
	struct model_frame frame[SCRIPT_PAGES_MAX];
	uint32_t frames;                    /* that have references */
	uint8_t installed[SCRIPT_CPUS_MAX]; /* tree + 1, or 0 */
};

void model_init(struct pagetable_model *m);

/* Where a page of a window is; TREE_PAGES: next to a row, where nothing ever is. */
uint64_t model_address(unsigned page);
/* Which table of the last level it is in. */
unsigned model_table(unsigned page);

/* How many tables a tree has, root included, and how many more a page at `page` needs. */
uint32_t model_tables(const struct model_tree *t);
uint32_t model_tables_missing(const struct model_tree *t, unsigned page);
/* How many tables of a level, 1 to 3, there are. */
uint32_t model_tables_of_level(const struct model_tree *t, unsigned level);

/* The table of a page is there without entries, or is not. */
void model_prepare(struct model_tree *t, unsigned page, bool prepared);

/* An entry comes, goes, or becomes another: frames' references follow. */
void model_put(struct pagetable_model *m, struct model_tree *t, unsigned page,
	       struct model_page now);
void model_take(struct pagetable_model *m, struct model_tree *t, unsigned page);
void model_replace(struct pagetable_model *m, struct model_tree *t, unsigned page,
		   struct model_page now);

/* What is new at a page: what CPUs may remember of the one before becomes stale. */
struct model_page model_page_new(const struct model_page *before, uint32_t rights, uint16_t frame,
				 bool zero, bool dirty);

/* The word that an entry should read, by the manual's layout. */
uint64_t model_entry(const struct model_page *p, paddr_t pa);

/* What an access through a page ends with. */
enum mach_fault model_access(const struct model_page *p, enum mach_access access);

#endif
