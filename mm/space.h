/*
 * space.h -- address spaces of users: the memory calls with Linux's answers, faults, copies.
 *
 * A space is a tree of regions (what may be there) over a tree of page tables (what is).  Pages
 * come at the first touch: zeroes, or a backing's page, or a copy of one that is shared.  Pages
 * that a clone shares are read-only in both until one writes.
 *
 * Semantics, errors and the order in which errors are looked for are those of Linux 6.1 on arm64
 * (the booted one is the judge: fuzz/linux).  Addresses at and above USER_END are refused.
 *
 * Locks: each space's own (RANK_SPACE), with interrupts masked, for the length of a call or of a
 * bounded part of a long one.  Any context that may take it.  Pages and regions are allocated with
 * reclaim, under the lock: shrinkers take no space's lock.
 */
#ifndef MM_SPACE_H
#define MM_SPACE_H

#include "mm/backing.h"
#include "mm/pagetable.h"
#include "mm/region.h"

enum { SPACE_REGIONS_MAX = 65530 }; /* Linux's vm.max_map_count */

struct vm_config {
	struct page_pool *pages;
	struct kmalloc *kmalloc; /* for spaces, regions and backings */
	uint32_t asid_bits;
	uint64_t bottom, top; /* where mmap without a fixed address looks, from the top down */
	uint64_t lowest;      /* no fixed address below this (Linux's mmap_min_addr) */
	uint32_t regions_max; /* of one space */
};

/* One for each kernel: what all its spaces share. */
struct vm {
	struct page_pool *pages;
	struct kmalloc *kmalloc;
	struct asid_pool asids;
	uint64_t bottom, top, lowest;
	uint32_t regions_max;
	paddr_t zeroes; /* the page of zeroes */
	struct backing_list *backings;
	struct space *installed[CPUS_MAX];               /* each CPU's own: what it has, or NULL */
	struct lock retired_lock;                        /* RANK_RETIRED */
	struct space *first GUARDED_BY(&retired_lock);   /* of all that are not retired, */
	struct space *last GUARDED_BY(&retired_lock);    /* in the order of their making */
	struct space *retired GUARDED_BY(&retired_lock); /* spaces that wait to be taken apart */
	uint32_t retired_count GUARDED_BY(&retired_lock);
	uint32_t spaces; /* atomic: alive or retired */
	struct shrinker shrinker;
};

/* What else a space may not exceed. */
struct space_limits {
	uint64_t data_pages;  /* private and to be written (RLIMIT_DATA); UINT64_MAX: none */
	uint64_t stack_bytes; /* of a region that grows down (RLIMIT_STACK) */
};

struct space {
	struct vm *vm;
	struct lock lock; /* RANK_SPACE */
	struct pagetable table GUARDED_BY(&lock);
	struct region_tree regions GUARDED_BY(&lock);
	uint64_t brk_start, brk GUARDED_BY(&lock); /* bytes; brk_start 0: none */
	uint64_t families GUARDED_BY(&lock);       /* how many were given out here */
	uint64_t mapped GUARDED_BY(&lock);         /* pages in regions */
	uint64_t limit GUARDED_BY(&lock);          /* most pages in regions (RLIMIT_AS); 0: none */
	struct space_limits limits GUARDED_BY(&lock);
	uint32_t resident GUARDED_BY(&lock); /* entries with a counted frame */
	uint32_t peak GUARDED_BY(&lock);     /* most of these at once; see space_count() */
	uint32_t zeroes GUARDED_BY(&lock);   /* entries with the page of zeroes */
	uint32_t cpus;                       /* atomic: a bit per CPU that has it installed */
	bool retired;                        /* set once, under vm->retired_lock */
	uint32_t holders;                    /* atomic: processes that live in it, and others */
	struct space *next;                  /* on the retired list */
	struct space *before, *after;        /* of all, by vm->retired_lock */
};

/* False when there is no memory for what all share. */
bool vm_init(struct vm *vm, const struct vm_config *config);

/* Takes apart what is retired and gives back what can be made again; at most about `pages` pages of
 * work.  How many pages came back.  From any place that holds no lock of rank RANK_SPACE or above;
 * pressure calls it too. */
size_t vm_reclaim(struct vm *vm, size_t pages);

/* Of that only what is retired: for who has time, when nobody is short.  How much work it was; 0:
 * nothing is left that can be done now. */
size_t vm_reclaim_retired(struct vm *vm, size_t pages);

/* What who makes a space for a program does of that work first, so that where no CPU is ever idle
 * not more is left than pressure would have to deal with. */
enum { VM_SHARE_PAGES = 128 };

/* The end: nothing is alive any more.  Gives back the shared page and the rest. */
void vm_close(struct vm *vm);

/* --- spaces ----------------------------------------------------------------------------------- */

/* An empty one, or NULL. */
struct space *space_create(struct vm *vm, site_t site);

/* What fork does: a space with the same regions and, copied at the first write, the same pages.
 * NULL without memory; `from` is then as before. */
struct space *space_clone(struct space *from, site_t site);

/* One more uses it, who gives it up by space_retire(). */
void space_hold(struct space *s);

/* The caller uses it no more, and where nobody else does, though a CPU may still have it installed,
 * it goes on the retired list, and everything in it comes back by and by (vm_reclaim). */
void space_retire(struct space *s);

/* Makes `s` the space of this CPU (NULL: none).  Masks interrupts while it does. */
void space_switch(struct vm *vm, struct space *s);

/*
 * A backing has lost what it had at [from, end), counted in pages: entries that lead there go, on
 * every CPU and in every space; private copies of it too, unless `only` says that just this frame
 * is meant (PADDR_NONE: whatever is there).  No lock of rank RANK_SPACE or above is held.
 */
void vm_unmap(struct vm *vm, struct backing *b, uint64_t from, uint64_t end, paddr_t only);

/* --- the memory calls ------------------------------------------------------------------------- */

/* `b`: what is mapped, not held by the call but by each region it makes; NULL with MAP_ANONYMOUS.
 * `offset` in bytes.  The address, or an error. */
int64_t space_mmap(struct space *s, uint64_t addr, uint64_t length, uint32_t prot, uint32_t flags,
		   struct backing *b, uint64_t offset, site_t site);

/* The same for a file that may be had only in some ways: `error` is what is answered (negated) to
 * who asks for it as this call does, 0 for nothing, at the place where Linux looks at this. */
struct space_file {
	struct backing *backing; /* NULL where there is an error */
	int error;
	uint32_t rights_max; /* what mprotect may make of it */
};
int64_t space_mmap_file(struct space *s, uint64_t addr, uint64_t length, uint32_t prot,
			uint32_t flags, const struct space_file *file, uint64_t offset,
			site_t site);
int64_t space_munmap(struct space *s, uint64_t addr, uint64_t length);
int64_t space_mprotect(struct space *s, uint64_t addr, uint64_t length, uint32_t prot);
int64_t space_mremap(struct space *s, uint64_t addr, uint64_t old_length, uint64_t new_length,
		     uint32_t flags, uint64_t new_addr);
int64_t space_madvise(struct space *s, uint64_t addr, uint64_t length, int advice);

/* One byte for each page into `vec` (the kernel's memory, of at least so many bytes). */
int64_t space_mincore(struct space *s, uint64_t addr, uint64_t length, uint8_t *vec);

/* Whether regions are everywhere in [from, end). */
bool space_covered(struct space *s, uint64_t from, uint64_t end);

/* Where the heap begins: a page-aligned address above which nothing is mapped; then the break.
 * Like Linux's brk: the break after the call, moved or not. */
void space_brk_place(struct space *s, uint64_t start);
int64_t space_brk(struct space *s, uint64_t addr);

/* From now on; what is beyond them already stays.  pages: as `limit`, at least 1, or 0. */
void space_limits_set(struct space *s, uint64_t pages, const struct space_limits *limits);

/* --- faults and copies ------------------------------------------------------------------------ */

enum fault_answer {
	FAULT_DONE,        /* try again */
	FAULT_NOT_MAPPED,  /* SIGSEGV, SEGV_MAPERR */
	FAULT_NOT_ALLOWED, /* SIGSEGV, SEGV_ACCERR */
	FAULT_BEYOND,      /* SIGBUS: behind the end of what is mapped, or it cannot be read */
	FAULT_NO_MEMORY,
};

/* A user's access at `va` faulted, or is about to. */
enum fault_answer space_fault(struct space *s, uint64_t va, enum mach_access access);

/* --- looking ---------------------------------------------------------------------------------- */

struct space_counts {
	uint64_t mapped; /* pages in regions */
	uint32_t regions;
	uint32_t resident; /* pages with a frame of their own or shared with somebody */
	uint32_t peak;     /* the most that were resident at once, in this space */
	uint32_t zeroes;   /* entries that lead to the page of zeroes */
	uint32_t tables;   /* pages of page tables */
};
void space_count(struct space *s, struct space_counts *out);

struct vm_counts {
	uint32_t spaces, retired; /* retired ones are counted in both */
	uint32_t backings;
	uint64_t backing_pages; /* that backings have */
	uint32_t asid_rollovers;
};
void vm_count(struct vm *vm, struct vm_counts *out);

/* NULL, or what is wrong: regions, tables, entries against regions, counters.  At rest only. */
const char *space_check(struct space *s);

/* The same over all spaces of a vm: every user page's references are exactly the entries and
 * backings that lead to it. */
const char *vm_check(struct vm *vm, struct space *const *spaces, size_t count);

#endif
