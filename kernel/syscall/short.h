/*
 * short.h -- what a case of short_test.c is, and what cases make calls with.
 */
#ifndef KERNEL_SYSCALL_SHORT_H
#define KERNEL_SYSCALL_SHORT_H

#include "kernel/abi.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/task.h"
#include "machine/host/expect.h"
#include "mm/mman.h"

enum {
	MAY_FALL_SHORT = 1, /* part of it may be done, and the answer says how much */
	MAY_KEEP = 4,       /* what it got before it failed may stay with the space or the file */
	MAY_VARY = 8,       /* what it brings about is not always the same */
	MAY_LEAVE = 16,     /* what stood at its new place may be gone, as on Linux */
	ENDS = 32,          /* the call does not come back */
};

/* The program may be killed for it, by that signal. */
#define DIES_BY(signal) ((uint32_t)(signal) << 8)

struct short_case {
	const char *name; /* NULL: the end of a table */
	void (*prepare)(void);
	int64_t (*call)(void);
	int64_t wanted; /* its answer when nothing fails; ANY: not negative */
	uint32_t may;
	int64_t refusal; /* what it may answer besides ENOMEM and EAGAIN, or 0 */
};

#define ANY INT64_MAX
#define CASE(call, prepare, wanted, may)             \
	{                                            \
#call, prepare, call, wanted, may, 0 \
	}
#define CASE_OR(call, prepare, wanted, may, refusal)       \
	{                                                  \
#call, prepare, call, wanted, may, refusal \
	}

extern const struct short_case short_tasks[], short_names[], short_files[], short_memory[];

/* What is wrong, and must be found to be. */
extern const struct short_case short_canaries[];

/* These need no memory: they are made one after the other, in one world. */
extern const struct short_case short_plain[];

/* Who makes the calls. */
extern struct task *short_task;

/* One call of its program.  The first of the kind without `_plain` in a case is the one that
 * allocations fail in, also on its way back to the program. */
int64_t short_call(uint32_t number, const uint64_t arg[6]);
int64_t short_call_plain(uint32_t number, const uint64_t arg[6]);

#define CALL(number, ...) short_call(SYS_##number, (const uint64_t[6]){ __VA_ARGS__ })
#define PLAIN(number, ...) short_call_plain(SYS_##number, (const uint64_t[6]){ __VA_ARGS__ })

/* An access of the program's, answered as the trap of it would be: 0, or the signal it got. */
int64_t short_access(uint64_t va, bool store);

/* The program's memory: 8 pages that are there; and what is put elsewhere, as an argument. */
enum { SHORT_AT = 0x100000, SHORT_PAGES = 8 };
uint64_t short_bytes(const void *from, size_t bytes);
uint64_t short_text(const char *text);

/* Where the program of a child goes on: it ends, or it waits at the word at SHORT_AT first. */
enum { CHILD_ENDS = 0x500000, CHILD_WAITS = 0x500040 };

/* --- what cases of several files have --------------------------------------------------------- */

enum { PAGE = PAGE_SIZE, MS = 1000000 };

#define HERE ((uint64_t)AT_FDCWD)
#define TO (SHORT_AT + 2 * PAGE)
#define NEW_AT 0x40000000ull
#define RW (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

/* Four pages at NEW_AT, none of which is there yet. */
static inline void with_afar(void)
{
	EXPECT(PLAIN(mmap, NEW_AT, 4 * PAGE, RW, PRIVATE, UINT64_MAX, 0) == (int64_t)NEW_AT);
}

static inline void with_shared(void)
{
	EXPECT(PLAIN(mmap, NEW_AT, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, UINT64_MAX,
		     0) == (int64_t)NEW_AT);
}

/* A struct timespec of a millisecond. */
static inline uint64_t soon(void)
{
	const uint64_t time[2] = { 0, MS };

	return short_bytes(time, sizeof time);
}

#endif
