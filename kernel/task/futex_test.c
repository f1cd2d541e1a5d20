/*
 * futex_test.c -- futexes by example, on one CPU: who is woken, and in which order; who is moved;
 * what ends a wait; which words are one; what a thread's end says in its robust futexes.
 *
 * The threads here are played: each looks at its memory as its program's system calls would.
 */
#include <string.h>

#include "kernel/task/futex_inside.h"
#include "kernel/test_process.h"
#include "mm/usercopy.h"

enum { ALL = INT32_MAX, RW = PROT_READ | PROT_WRITE, MS = 1000000 };
#define ANY FUTEX_BITSET_MATCH_ANY

static struct futex_table *table;
static uint64_t page;     /* of every process of a test, private */
static uint64_t shared;   /* the same, shared */
static uint64_t deadline; /* of those who wait */
static uint32_t order[8], woken;
static int64_t answers[8];

static struct futex_at word(uint64_t va, bool is_shared)
{
	return (struct futex_at){ process_space(W), va, is_shared };
}

static void put(uint64_t va, uint32_t value)
{
	EXPECT(user_copy_out(process_space(W), va, &value, sizeof value) == 0);
}

static uint32_t get(uint64_t va)
{
	uint32_t value;

	EXPECT(user_copy_in(process_space(W), &value, va, sizeof value) == 0);
	return value;
}

static uint64_t map(uint32_t flags)
{
	const int64_t at = space_mmap(process_space(W), 0, 2 * PAGE_SIZE, RW, MAP_ANONYMOUS | flags,
				      NULL, 0, TEST_SITE);
	EXPECT(at > 0);
	return (uint64_t)at;
}

static int64_t wait_at(uint64_t va, bool is_shared, uint32_t value, uint32_t bits)
{
	const struct futex_at at = word(va, is_shared);
	return futex_wait(table, &at, value, bits, deadline);
}

static int64_t wake(uint64_t va, bool is_shared, int32_t most, uint32_t bits)
{
	const struct futex_at at = word(va, is_shared);
	const int64_t n = futex_wake(table, &at, most, bits);
	EXPECT(futex_check(table) == NULL);
	return n;
}

static int64_t requeue(uint64_t from, uint64_t to, int32_t wakes, int32_t moves,
		       const uint32_t *value)
{
	const struct futex_at a = word(from, false), b = word(to, false);
	const int64_t n = futex_requeue(table, &a, &b, wakes, moves, value);
	EXPECT(futex_check(table) == NULL);
	return n;
}

static void let_others_run(void)
{
	for (unsigned i = 0; i < 2 * TEST_THREADS; i++) sched_yield_cpu(&tw->sched);
}

/* --- those who wait: thread n at word n / 4 of the page, with bits of n ----------------------- */

#define WAITS(n, at, bits) ((void *)(uintptr_t)((n) | (at) << 8 | (uint64_t)(bits) << 16))

static void waits(void *arg)
{
	const uint32_t n = (uintptr_t)arg & 0xff, at = (uintptr_t)arg >> 8 & 0xff;
	const uint32_t bits = (uint32_t)((uintptr_t)arg >> 16);

	answers[n] = wait_at(page + 4 * (uint64_t)at, false, 0, bits);
	order[woken++] = n;
}

static void begin_waits(uint32_t count)
{
	woken = 0;
	for (uint32_t n = 0; n < count; n++) another_thread(waits, WAITS(n, 0, ANY));
	let_others_run();
	EXPECT(futex_waiting(table) == count && woken == 0);
}

static void have_woken(uint32_t count)
{
	let_others_run();
	EXPECT(woken == count);
}

/* --- examples: each is the first thread of a process ------------------------------------------ */

static void refuses(void *arg)
{
	(void)arg;
	page = map(MAP_PRIVATE);
	deadline = WAIT_FOREVER;
	EXPECT(wait_at(page, false, 1, ANY) == -ERR_AGAIN);
	EXPECT(wait_at(page, true, 1, ANY) == -ERR_AGAIN);
	EXPECT(wait_at(page + 2, false, 0, ANY) == -ERR_INVAL);
	EXPECT(wait_at(page, false, 0, 0) == -ERR_INVAL);
	EXPECT(wait_at(0x10000, false, 0, ANY) == -ERR_FAULT);
	EXPECT(wait_at(0x10000, true, 0, ANY) == -ERR_FAULT);
	EXPECT(wait_at(USER_END, false, 0, ANY) == -ERR_FAULT);
	EXPECT(wait_at(0 - 4ull, false, 0, ANY) == -ERR_FAULT);
	EXPECT(wake(0x10000, false, 1, ANY) == 0); /* a private one is an address and no more */
	EXPECT(wake(0x10000, true, 1, ANY) == -ERR_FAULT);
	EXPECT(wake(USER_END, false, 1, ANY) == -ERR_FAULT);
	EXPECT(wake(page + 1, false, 1, ANY) == -ERR_INVAL &&
	       wake(page, false, 1, 0) == -ERR_INVAL);
	EXPECT(wake(page, false, ALL, ANY) == 0 && futex_waiting(table) == 0);
	deadline = mach_now_ns();
	EXPECT(wait_at(page, false, 0, ANY) == -ERR_TIMEDOUT);
	deadline = mach_now_ns() + MS;
	EXPECT(wait_at(page, false, 0, ANY) == -ERR_TIMEDOUT && mach_now_ns() >= deadline);
	EXPECT(futex_waiting(table) == 0);
}

static void wakes_in_order(void *arg)
{
	(void)arg;
	page = map(MAP_PRIVATE);
	deadline = WAIT_FOREVER;
	begin_waits(5);
	EXPECT(wake(page + 4, false, ALL, ANY) == 0);
	EXPECT(wake(page, true, ALL, ANY) == 0); /* they wait for the private word */
	EXPECT(wake(page, false, 2, ANY) == 2);
	have_woken(2);
	EXPECT(order[0] == 0 && order[1] == 1);
	EXPECT(wake(page, false, 0, ANY) == 1); /* Linux wakes one then */
	EXPECT(wake(page, false, -5, ANY) == 1);
	EXPECT(wake(page, false, ALL, ANY) == 1);
	have_woken(5);
	for (uint32_t n = 0; n < 5; n++) EXPECT(order[n] == n && answers[n] == 0);
}

static void wakes_by_bits(void *arg)
{
	(void)arg;
	page = map(MAP_PRIVATE);
	deadline = WAIT_FOREVER;
	woken = 0;
	for (uint32_t n = 0; n < 4; n++) another_thread(waits, WAITS(n, 0, 1u << n));
	let_others_run();
	EXPECT(wake(page, false, ALL, 0x10) == 0);
	EXPECT(wake(page, false, ALL, 0xa) == 2);
	have_woken(2);
	EXPECT(order[0] == 1 && order[1] == 3);
	EXPECT(wake(page, false, ALL, ANY) == 2);
	have_woken(4);
}

/* A wait that a deadline or a kill ends leaves nothing behind, and takes no wake. */
static void ends_otherwise(void *arg)
{
	(void)arg;
	page = map(MAP_PRIVATE);
	deadline = mach_now_ns() + MS;
	begin_waits(2);
	deadline = WAIT_FOREVER;
	another_thread(waits, WAITS(2, 0, ANY));
	let_others_run();
	EXPECT(sched_sleep_until(&tw->sched, mach_now_ns() + 2 * MS) == WAIT_TIMEOUT);
	EXPECT(woken == 2 && futex_waiting(table) == 1);
	EXPECT(answers[0] == -ERR_TIMEDOUT && answers[1] == -ERR_TIMEDOUT);
	EXPECT(wake(page, false, 1, ANY) == 1);
	have_woken(3);
	EXPECT(answers[2] == 0);
}

static void is_killed(void *arg)
{
	(void)arg;
	page = map(MAP_PRIVATE);
	begin_waits(3);
	EXPECT(wake(page, false, 1, ANY) == 1); /* and it is killed before it can run */
	EXPECT(process_kill(W, process_self(W), 9) == 0);
	while (woken != 3) sched_yield_cpu(&tw->sched);
	EXPECT(answers[0] == 0 && answers[1] == -ERR_INTR && answers[2] == -ERR_INTR);
	EXPECT(futex_waiting(table) == 0);
	EXPECT(wait_at(page, false, 0, ANY) == -ERR_INTR && futex_waiting(table) == 0);
}

static void moves(void *arg)
{
	const uint32_t zero = 0, one = 1;

	(void)arg;
	page = map(MAP_PRIVATE);
	deadline = WAIT_FOREVER;
	begin_waits(6);
	EXPECT(requeue(page, page + 4, -1, 1, NULL) == -ERR_INVAL);
	EXPECT(requeue(page, page + 4, 1, -1, NULL) == -ERR_INVAL);
	EXPECT(requeue(page, page + 6, 1, 1, NULL) == -ERR_INVAL);
	EXPECT(requeue(page, USER_END, 1, 1, NULL) == -ERR_FAULT);
	EXPECT(requeue(page, page + 4, 1, ALL, &one) == -ERR_AGAIN);
	EXPECT(requeue(0x10000, page, 1, ALL, &one) == -ERR_FAULT);
	EXPECT(requeue(page + 4, page, ALL, ALL, NULL) == 0 && futex_waiting(table) == 6);
	EXPECT(requeue(page, page + 4, 1, 2, &zero) == 3);
	have_woken(1);
	EXPECT(wake(page + 4, false, 1, ANY) == 1);
	have_woken(2);
	EXPECT(requeue(page + 4, page + 4, 0, ALL, NULL) == 1); /* to itself */
	EXPECT(requeue(page, page + 4, 0, ALL, NULL) == 3);
	EXPECT(wake(page, false, ALL, ANY) == 0);
	EXPECT(wake(page + 4, false, ALL, ANY) == 4);
	have_woken(6);
	for (uint32_t n = 0; n < 6; n++) EXPECT(order[n] == n && answers[n] == 0);
}

/* Who was moved takes itself out of where it is now. */
static void ends_after_a_move(void *arg)
{
	(void)arg;
	page = map(MAP_PRIVATE);
	deadline = mach_now_ns() + MS;
	begin_waits(2);
	EXPECT(requeue(page, page + PAGE_SIZE, 0, ALL, NULL) == 2);
	EXPECT(sched_sleep_until(&tw->sched, mach_now_ns() + 2 * MS) == WAIT_TIMEOUT);
	EXPECT(woken == 2 && answers[0] == -ERR_TIMEDOUT && futex_waiting(table) == 0);
}

/* --- wake_op ---------------------------------------------------------------------------------- */

static int64_t wake_op(uint32_t op, int32_t wakes, int32_t wakes_to)
{
	const struct futex_at a = word(page, false), b = word(page + 4, false);
	const int64_t n = futex_wake_op(table, &a, &b, wakes, wakes_to, op);
	EXPECT(futex_check(table) == NULL);
	return n;
}

static uint32_t op_word(uint32_t op, uint32_t arg, uint32_t compare, uint32_t with)
{
	return op << 28 | compare << 24 | (arg & 0xfff) << 12 | (with & 0xfff);
}

static void changes_and_wakes(void *arg)
{
	static const struct {
		uint32_t was, op, arg, compare, with, now;
		int64_t wakes; /* at the second word */
	} rows[] = {
		{ 5, FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 5, 9, 1 },
		{ 5, FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 9, 9, 0 },
		{ 5, FUTEX_OP_SET, 0x800, FUTEX_OP_CMP_NE, 5, 0xfffff800, 0 },
		{ 5, FUTEX_OP_ADD, 0xfff, FUTEX_OP_CMP_LT, 6, 4, 1 },
		{ 5, FUTEX_OP_OR, 2, FUTEX_OP_CMP_LE, 5, 7, 1 },
		{ 5, FUTEX_OP_ANDN, 4, FUTEX_OP_CMP_GT, 5, 1, 0 },
		{ 0xffffffff, FUTEX_OP_XOR, 1, FUTEX_OP_CMP_GT, 0xffe, 0xfffffffe, 1 },
		{ 5, FUTEX_OP_XOR, 3, FUTEX_OP_CMP_GE, 6, 6, 0 },
		{ 0, FUTEX_OP_SET | 8, 31, FUTEX_OP_CMP_GE, 0, 0x80000000, 1 },
		{ 0, FUTEX_OP_OR | 8, 33, FUTEX_OP_CMP_GE, 0, 2, 1 },
	};

	(void)arg;
	page = map(MAP_PRIVATE);
	deadline = WAIT_FOREVER;
	for (uint32_t n = 0; n < COUNT_OF(rows); n++) {
		put(page, 0);
		put(page + 4, 0);
		begin_waits(1);
		another_thread(waits, WAITS(1, 1, ANY));
		let_others_run();
		put(page + 4, rows[n].was);
		const uint32_t op = op_word(rows[n].op, rows[n].arg, rows[n].compare, rows[n].with);
		EXPECT(wake_op(op, 1, 1) == 1 + rows[n].wakes);
		EXPECT(get(page + 4) == rows[n].now);
		have_woken(1 + (uint32_t)rows[n].wakes);
		EXPECT(wake(page + 4, false, 1, ANY) == 1 - rows[n].wakes);
		have_woken(2);
	}
	put(page + 4, 3);
	EXPECT(wake_op(op_word(6, 0, 0, 0), 1, 1) == -ERR_NOSYS && get(page + 4) == 3);
	EXPECT(wake_op(op_word(FUTEX_OP_ADD, 1, 6, 0), 1, 1) == -ERR_NOSYS);
	EXPECT(get(page + 4) == 4); /* it was done, then compared: as on Linux */
	EXPECT(space_mprotect(process_space(W), page, PAGE_SIZE, PROT_READ) == 0);
	EXPECT(wake_op(op_word(FUTEX_OP_ADD, 1, 0, 0), 1, 1) == -ERR_FAULT);
}

/* --- which words are one ---------------------------------------------------------------------- */

static void child_waits(void *arg)
{
	(void)arg;
	deadline = WAIT_FOREVER;
	EXPECT(wait_at(shared + 8, true, 0, ANY) == 0);
	woken++;
	EXPECT(wait_at(page + 8, true, 0, ANY) == 0);
	woken++;
}

static void two_spaces(void *arg)
{
	const struct process_how how = how_of(child_waits, NULL);
	process_id id;

	(void)arg;
	page = map(MAP_PRIVATE);
	shared = map(MAP_SHARED);
	put(page + 8, 0);
	woken = 0;
	EXPECT(process_fork(W, &how, &id) == 0);
	let_others_run();
	EXPECT(futex_waiting(table) == 1);
	EXPECT(wake(shared + 8, false, ALL, ANY) == 0); /* not by address */
	EXPECT(wake(shared + 12, true, ALL, ANY) == 0);
	/* mapped elsewhere, unmapped here: it is the memory that counts */
	const int64_t again = space_mremap(process_space(W), shared, 2 * PAGE_SIZE, 4 * PAGE_SIZE,
					   MREMAP_MAYMOVE, 0);
	EXPECT(again > 0);
	EXPECT(wake((uint64_t)again + 8, true, ALL, ANY) == 1);
	have_woken(1);
	EXPECT(futex_waiting(table) == 1);
	EXPECT(wake(page + 8, true, ALL, ANY) == 0); /* our own, not its copy */
	const struct futex_at childs = { tw->processes[id & 0xffffffff].space, page + 8, true };
	EXPECT(futex_wake(table, &childs, 1, ANY) == 1);
	wait_for(id, PROCESS_EXITED, 0);
	EXPECT(woken == 2);
}

/* --- a thread's end --------------------------------------------------------------------------- */

enum { TID = 321, OFFSET = 8 };

static void put_long(uint64_t va, uint64_t value)
{
	EXPECT(user_copy_out(process_space(W), va, &value, sizeof value) == 0);
}

/* A list at `page` of entries at page + 64 * n, n from 1; `pending` 0: none. */
static void list_of(uint32_t count, uint64_t pending)
{
	put_long(page + 8, OFFSET);
	put_long(page + 16, pending);
	put_long(page, count == 0 ? page : page + 64);
	for (uint32_t n = 1; n <= count; n++) {
		put_long(page + 64 * n, n == count ? page : page + 64 * (n + 1));
		put(page + 64 * n + OFFSET, TID | FUTEX_WAITERS);
	}
}

static void ends(uint64_t head)
{
	futex_robust(table, process_space(W), head, TID);
	EXPECT(futex_check(table) == NULL);
}

static void robust(void *arg)
{
	struct space *s = process_space(W);

	(void)arg;
	page = map(MAP_PRIVATE);
	list_of(3, 0);
	put(page + 128 + OFFSET, TID + 1); /* another one's */
	ends(page);
	EXPECT(get(page + 64 + OFFSET) == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
	EXPECT(get(page + 128 + OFFSET) == TID + 1);
	EXPECT(get(page + 192 + OFFSET) == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
	list_of(2, page + 128); /* in the list as well */
	put(page + 64 + OFFSET, TID);
	ends(page);
	EXPECT(get(page + 64 + OFFSET) == FUTEX_OWNER_DIED);
	EXPECT(get(page + 128 + OFFSET) == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
	list_of(0, page + 256);
	put(page + 256 + OFFSET, TID);
	ends(page);
	EXPECT(get(page + 256 + OFFSET) == FUTEX_OWNER_DIED);
	/* hostile: nothing there, a circle, away in the middle, not aligned, not to be written */
	ends(0), ends(USER_END), ends(0 - 8ull), ends(page + 2 * PAGE_SIZE - 8);
	list_of(3, 0);
	put_long(page + 192, page + 64);
	ends(page);
	list_of(3, page + 192);
	put_long(page + 128, USER_END - 8);
	ends(page);
	EXPECT(get(page + 128 + OFFSET) == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
	EXPECT(get(page + 192 + OFFSET) == (TID | FUTEX_WAITERS));
	list_of(2, 0);
	put_long(page + 8, OFFSET + 2);
	ends(page);
	EXPECT(get(page + 64 + OFFSET) == (TID | FUTEX_WAITERS));
	EXPECT(space_mprotect(s, page, PAGE_SIZE, PROT_READ) == 0);
	ends(page);
	EXPECT(get(page + 64 + OFFSET) == (TID | FUTEX_WAITERS));
}

/* 2,048 entries of a circle, and not one more. */
static void robust_limit(void *arg)
{
	(void)arg;
	enum { PAGES = 40 };
	const int64_t at = space_mmap(process_space(W), 0, PAGES * PAGE_SIZE, RW,
				      MAP_ANONYMOUS | MAP_PRIVATE, NULL, 0, TEST_SITE);
	EXPECT(at > 0);
	page = (uint64_t)at;
	list_of(ROBUST_LIST_LIMIT + 1, page + 64ull * (ROBUST_LIST_LIMIT + 2));
	put(page + 64ull * (ROBUST_LIST_LIMIT + 2) + OFFSET, TID);
	ends(page);
	EXPECT(get(page + 64ull * ROBUST_LIST_LIMIT + OFFSET) ==
	       (FUTEX_OWNER_DIED | FUTEX_WAITERS));
	EXPECT(get(page + 64ull * (ROBUST_LIST_LIMIT + 1) + OFFSET) == (TID | FUTEX_WAITERS));
	EXPECT(get(page + 64ull * (ROBUST_LIST_LIMIT + 2) + OFFSET) == FUTEX_OWNER_DIED);
}

static void robust_waits(void *arg)
{
	const uint64_t at = page + (uintptr_t)arg + OFFSET;

	EXPECT(wait_at(at, true, get(at), ANY) == 0);
	woken++;
}

static void robust_wakes(void *arg)
{
	(void)arg;
	page = map(MAP_PRIVATE);
	deadline = WAIT_FOREVER;
	woken = 0;
	list_of(2, page + 256);
	put(page + 128 + OFFSET, TID); /* nobody said that somebody waits */
	put(page + 256 + OFFSET, 0);   /* given back already, the wake still to come */
	another_thread(robust_waits, (void *)64);
	another_thread(robust_waits, (void *)64);
	another_thread(robust_waits, (void *)128);
	another_thread(robust_waits, (void *)256);
	let_others_run();
	EXPECT(futex_waiting(table) == 4);
	ends(page);
	have_woken(2);
	EXPECT(wake(page + 64 + OFFSET, true, ALL, ANY) == 1);
	EXPECT(wake(page + 128 + OFFSET, true, ALL, ANY) == 1);
	have_woken(4);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void play(void (*example)(void *arg), uint32_t rows, uint32_t buckets)
{
	const struct test_choice choice = { .cpus = 1 };

	test_open(&choice);
	table = futex_open(&tw->memory, &tw->sched, rows, buckets);
	EXPECT(table != NULL);
	nobodys(example, NULL);
	test_run();
	EXPECT(futex_waiting(table) == 0 && futex_check(table) == NULL);
	futex_close(table);
	test_shut();
}

int main(void)
{
	static void (*const examples[])(void *) = {
		refuses,           wakes_in_order, wakes_by_bits, ends_otherwise,
		is_killed,         moves,          two_spaces,    changes_and_wakes,
		ends_after_a_move, robust,         robust_limit,  robust_wakes,
	};

	host_cpus_open(1);
	for (uint32_t n = 0; n < COUNT_OF(examples); n++) {
		play(examples[n], 1, 1);
		play(examples[n], 4, 16);
	}
	host_cpus_close();
	return 0;
}
