/*
 * malloc_score.h -- what is done to an allocator, and what it asks of its kernel, as a score
 * (score.h) that begins with the line "player heap": user/replay/heap.c plays it, with the same
 * allocator over real memory calls.
 *
 *	heap SLOTS MAP QUICK FIT REMAPS ALONE PAGES   its configuration (malloc.h); 1: there is
 *	                                 one thread; pages for the break and mappings
 *	asks sbrk BYTES = PLACE          what the next operation asks of the kernel, in this order,
 *	asks map BYTES = PLACE           and what it is told: refused, done, or a place
 *	asks unmap PLACE BYTES = done
 *	asks remap PLACE BYTES LARGER = PLACE
 *	T alloc S BYTES = PLACE USABLE   thread T (0: it has no cache) gets a block, or none,
 *	T zeroed S BYTES = PLACE USABLE  which is filled; it is S from now on
 *	T aligned S BYTES ALIGN = PLACE USABLE
 *	T resize S BYTES = PLACE USABLE  with what it had as far as both sizes go; none: as it was
 *	T free S
 *	T misfree PLACE = VERDICT        what is no live block; and as a resize
 *	T misresize PLACE = VERDICT
 *	T flush, T drain, T exit         as umalloc_flush() and its like
 *	T fork WHO                       it goes on in the parent, or in the child
 *	T ends U                         thread U ends; another of that number begins when it is due
 *	T others BYTES                   somebody else moves the break
 *	stats NAME VALUE ...             figures that are other than they were
 *
 * Places: %N is N bytes from where the break was at first, ^N so many from where mappings may lie,
 * "own" in the player's own data; a number is an address.  The calls stand before the operation
 * that makes them.  The score ends where addresses decide what comes next.
 */
#ifndef FUZZ_MALLOC_SCORE_H
#define FUZZ_MALLOC_SCORE_H

#include "fuzz/frame/score.h"
#include "fuzz/malloc_world.h"

/* The run has a score from here on, if it has room for one. */
void umw_score_opens(struct umw_memory *mem, const struct umalloc *m);

/* All of these do nothing before that. */
void umw_score_sbrk(const struct umw_memory *mem, ptrdiff_t bytes, const void *was);
void umw_score_map(const struct umw_memory *mem, size_t bytes, const void *at);
void umw_score_unmap(const struct umw_memory *mem, const void *at, size_t bytes, bool done);
void umw_score_remap(const struct umw_memory *mem, const void *at, size_t bytes, size_t larger,
		     const void *now);

/* "1 alloc 3 100 = %32 104"; `align` 0: nothing is said of it. */
void umw_score_got(const struct umw_memory *mem, unsigned thread, const char *verb, unsigned slot,
		   size_t bytes, size_t align, const void *p, size_t usable);

void umw_score_misuse(const struct umw_memory *mem, unsigned thread, const char *verb,
		      const void *p, const char *verdict);

/* "0 drain", "1 fork child", "2 free 7": verbs with a word or number behind them, or NULL. */
void umw_score_does(const struct umw_memory *mem, unsigned thread, const char *verb,
		    const char *word);
void umw_score_does_to(const struct umw_memory *mem, unsigned thread, const char *verb,
		       unsigned number);

/* What has changed of the figures. */
void umw_score_stats(const struct umw_memory *mem, const struct umalloc_stats *now);

#endif
