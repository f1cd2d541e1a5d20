/*
 * arena.h -- physical memory on the host: one piece of address space with poison and a quick way
 * back to how it was.  See arena.c.
 */
#ifndef MACHINE_HOST_ARENA_H
#define MACHINE_HOST_ARENA_H

#include "machine/base.h"

enum {
	HOST_ARENA_BYTES = 8 << 20, /* what a run of a script has; tests may ask for other sizes */
	HOST_ARENA_ALIGN = 4 << 20, /* the largest page block; pa and pointer are aligned alike */
	HOST_JUNK_BYTE = 0xA5,      /* what memory is full of that nobody has written yet */
};

/* Where RAM begins, as on QEMU's virt board; no pointer of ours is near it. */
#define HOST_RAM_BASE ((paddr_t)0x40000000)

/*
 * Makes the arena, `bytes` long (a multiple of PAGE_SIZE), all junk and poisoned; gives up an
 * earlier one.  Returns its first byte.  Ends the program (status 4) when the host has no room.
 */
void *host_arena_open(size_t bytes);

void *host_arena_base(void); /* NULL before host_arena_open */
size_t host_arena_bytes(void);

/* Junk and poison again in every page that was unpoisoned since the last time, so in all of them:
 * who writes memory that was not unpoisoned breaks the rule that host_arena_check looks for. */
void host_arena_reset(void);

/* Zeroed memory of the host's own beside the arena, found by the system when it is touched, for
 * notes about the arena; dies as host_arena_open does.  Given back by munmap. */
void *host_map(size_t bytes);

/* NULL when every page that counts as untouched is full of junk; else what is wrong.  O(arena). */
const char *host_arena_check(void);

#endif
