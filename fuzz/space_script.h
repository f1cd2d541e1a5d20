/*
 * space_script.h -- what a script of subject space says, as memory calls with real addresses.
 *
 * One decoder for two players: the kernel's own spaces (space_fuzz.c), and real Linux, where each
 * space is a process (linux/).  Whatever an operation holds becomes a call that is harmless
 * outside the window: all that is mapped, unmapped or changed lies in it, or is refused.
 *
 * The window lies across the border of a top-level entry's reach, so short ranges cross tables of
 * every level.  Addresses and lengths are drawn from a few clusters of pages around its ends and
 * that border, so that calls meet; one in eight is hostile: misaligned, zero, huge, wrapping, or in
 * the kernel's half.
 */
#ifndef FUZZ_SPACE_SCRIPT_H
#define FUZZ_SPACE_SCRIPT_H

#include "fuzz/frame/subject.h"
#include "fuzz/space_window.h"
#include "mm/mman.h"

/* A flag of mmap that no mapping here can have (Linux's MAP_SYNC); who does not look ignores it. */
enum { MAP_UNKNOWN = 0x80000 };

/* One call.  Which members mean something depends on the code. */
struct space_call {
	enum space_code code;
	uint32_t space; /* which makes the call */
	uint32_t to;    /* fork: which becomes the child; squeeze, reclaim: pages */
	uint64_t addr, length;
	uint64_t new_addr, new_length;
	uint32_t prot, flags; /* PROT_, MAP_ or MREMAP_ */
	int advice;
	bool backed; /* mmap of a source: */
	uint32_t source;
	uint32_t offset_page;
	uint32_t word; /* load, store */
};

/* How many values a place has, or a length; and the names of the fields that have some. */
enum { SPACE_PLACES = 1 << 13, SPACE_MAP_FLAGS = 8, SPACE_REMAP_FLAGS = 4, SPACE_ADVICES = 11 };
extern const char *const space_map_flags[], *const space_remap_flags[], *const space_advice_names[];

/* The table of operations; every program that links it has space_step(). */
extern const struct op_kind space_operations[SPACE_CODES];
void space_step(struct run *run, const struct script_op *op);

/* Reads one operation; `aim` is the last SPACE_AIM, or zero. */
struct space_call space_call_read(const struct script_op *op, const struct script_op *aim);

#endif
