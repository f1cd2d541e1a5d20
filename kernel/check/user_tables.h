/*
 * user_tables.h -- spaces whose tables are made by hand, for the checks of user_program.c, and
 * what every CPU meets at their addresses.
 */
#ifndef KERNEL_USER_TABLES_H
#define KERNEL_USER_TABLES_H

#include "machine/entry.h"
#include "machine/machine.h"

enum { HAND_SPACES = 2, HAND_PAGES = 4, HAND_ASID = 5 };

#define HAND_AREA 0x00007f0012345000ull /* an odd index at every level */
#define READ_WRITE                                                                  \
	(ENTRY_VALID | ENTRY_TABLE | ENTRY_NORMAL | ENTRY_SHARED | ENTRY_ACCESSED | \
	 ENTRY_NOT_GLOBAL | ENTRY_USER | ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC)
#define READ_ONLY (READ_WRITE | ENTRY_READ_ONLY)
#define READ_EXEC (READ_ONLY & ~ENTRY_NOT_USER_EXEC)

/* The frames that checks map. */
extern paddr_t hand_pages[HAND_PAGES];

/* Makes the tables and frames; false without memory. */
bool hand_open(void);

/* Where the entry of this level for `va` stands, the address of a page, and a frame's memory. */
uint64_t *hand_entry(unsigned space, uint64_t va, unsigned level);
uint64_t hand_address(unsigned page);
uint64_t *hand_memory(unsigned frame);

/* Maps a page where nothing is; changes what is there, under that ASID, and waits. */
void hand_map(unsigned space, unsigned page, unsigned frame, uint64_t bits);
void hand_change(unsigned space, uint32_t asid, unsigned page, uint64_t entry);

/* This CPU's space. */
void hand_install(unsigned space, uint32_t asid);
void hand_uninstall(void);

/* The first space on all CPUs; and the end of a check: no CPU has any, nothing is mapped in them
 * or remembered. */
void hand_begin(void);
void hand_end(void);

/* Whether a load, a store and a fetch end so on every CPU. */
bool hand_all_meet(uint64_t va, enum mach_fault load, enum mach_fault store, enum mach_fault fetch);
bool hand_all_meet_nothing(uint64_t va);

#endif
