/*
 * space_window.h -- where scripts of subject space play, and the numbers of what they do: for all
 * who play them, real Linux among them, whose headers know other names for the same things.
 */
#ifndef FUZZ_SPACE_WINDOW_H
#define FUZZ_SPACE_WINDOW_H

#include "machine/entry.h"

enum {
	WINDOW_PAGES = 512,
	WINDOW_HEAP_PAGE = 64, /* where the break begins */
	SPACES_MAX = 4,
	SOURCES = 2, /* files, in effect */
	SOURCE_PAGES = 24,
	WORDS_PER_PAGE = 4, /* of a page that scripts write to and read */
};
#define WINDOW_START (0x40000000ull - 256 * PAGE_SIZE)
#define WINDOW_END (WINDOW_START + WINDOW_PAGES * (uint64_t)PAGE_SIZE)

enum { LOWEST_ADDRESS = 32768 }; /* vm.mmap_min_addr of Debian's arm64 */

/* Operations are only ever appended. */
enum space_code {
	SPACE_AIM, /* what the next call needs besides: a second range, an offset */
	SPACE_MMAP,
	SPACE_MUNMAP,
	SPACE_MPROTECT,
	SPACE_MREMAP,
	SPACE_MADVISE,
	SPACE_MINCORE,
	SPACE_BRK,
	SPACE_LOAD,
	SPACE_STORE,
	SPACE_FETCH,
	SPACE_FORK,
	SPACE_EXIT,
	SPACE_LEAVE,
	SPACE_RECLAIM,
	SPACE_SQUEEZE,
	SPACE_RELAX,
	/* Calls as above, with arguments that programs seldom have. */
	SPACE_MMAP_STRANGE,
	SPACE_MPROTECT_STRANGE,
	SPACE_MADVISE_STRANGE,
	SPACE_CODES
};

/* The address of one of the words of a page that scripts look at. */
uint64_t space_word_address(uint64_t page_addr, uint32_t word);

/* What a source holds there, and what a store by operation `op` writes.  The low half of either is
 * an undefined instruction. */
uint64_t space_source_word(uint32_t source, uint32_t page, uint32_t word);
uint64_t space_store_word(uint32_t op);

/* Which space makes a call meant for `space`: the lowest that is alive where that is not;
 * SPACES_MAX when none is.  A bit of `alive` for each. */
uint32_t space_resolve(uint32_t alive, uint32_t space);

#endif
