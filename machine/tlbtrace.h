/*
 * tlbtrace.h -- the trace of page tables that a booted kernel writes, as a file: every store of an
 * entry, every publication, invalidation, wait and installation, and what became of frames.
 *
 * The file is one struct tlbtrace_head and head.events times struct tlbtrace_event, little-endian.
 * Events stand in the order of their numbers, 0 to events - 1: one order of all CPUs that agrees
 * with each CPU's own and with every lock.  When the buffer is full the trace ends: what is there
 * is whole, and head.lost says how many events came afterwards.
 *
 * What happens against the moment it is written down: a store, a publication and the begin of an
 * invalidation just after; a wait when it is over; an installation just before.
 */
#ifndef MACHINE_TLBTRACE_H
#define MACHINE_TLBTRACE_H

#include "machine/base.h"

#define TLBTRACE_MAGIC 0x626c746c69766e61ull /* "anviltlb" */

enum tlbtrace_kind {
	TLBTRACE_STORE = 1, /* at: the entry's physical address; value: what it reads now; was */
	TLBTRACE_SYNC,      /* mach_entry_sync() */
	TLBTRACE_PAGE,      /* mach_tlb_page(value) */
	TLBTRACE_SPACE,     /* mach_tlb_space(asid) */
	TLBTRACE_ALL,
	TLBTRACE_ALL_LOCAL,
	TLBTRACE_WAIT,
	TLBTRACE_INSTALL,     /* at: the root, or PADDR_NONE; asid */
	TLBTRACE_FRAME_FREED, /* nobody's from here on: at, and value bytes */
	TLBTRACE_FRAME_GIVEN, /* somebody's again: at, and value bytes */
	TLBTRACE_KINDS
};

struct tlbtrace_event {
	uint32_t number;
	uint8_t kind;
	uint8_t cpu;
	uint16_t asid;
	uint64_t at;
	uint64_t value;
	uint64_t was;
};

struct tlbtrace_head {
	uint64_t magic;
	uint32_t version; /* 1 */
	uint32_t cpus;
	uint32_t asid_bits; /* of the machine; a vm may use fewer */
	uint32_t event_bytes;
	uint64_t kernel_root; /* every CPU's table for kernel addresses, from before the trace */
	uint64_t memory_base; /* RAM is from here ... */
	uint64_t memory_end;  /* ... to before here, perhaps with holes */
	uint64_t events;
	uint64_t lost;
};

enum { TLBTRACE_VERSION = 1 };

_Static_assert(sizeof(struct tlbtrace_event) == 32 && sizeof(struct tlbtrace_head) == 64,
	       "a file has one format on every machine");

#endif
