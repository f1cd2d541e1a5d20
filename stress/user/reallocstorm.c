/*
 * reallocstorm.c -- the documents' case: memory that only realloc moves, while old blocks may wait
 * in a queue before they are given back.
 *
 *	reallocstorm growths=3 moves=100000 threads=2 seed=1 free=0 chain=0
 *
 * First a buffer grows by 109 KiB at a time to 3.6 MB: some 60 MB are moved, and at no time may the
 * program hold more than the buffer, the next one and what the queue may have.  That is where a
 * realloc that forgets the old block ends at 60 MB with 3.6 MB live.
 *
 * Then realloc moves blocks of a few pages until it has done so `moves` times, from several threads
 * at once while another keeps the CPU busy: with the queue off each of these is an munmap inside
 * realloc; with free=1 the same is done by malloc, a copy and free.  Contents are checked, and at
 * the end the allocator's counts and its memory.
 *
 * With chain=1 blocks are lists, copied by vector registers while another thread uses these, and
 * followed after each move; with chain=2 nobody counts while he follows one.  With free=2 a block
 * that moves is written anew, not copied: all that is left of the move is munmap, called from free.
 *
 * The documents saw munmap work from free and hang from realloc.  Tried against that, queue off,
 * four cycles each, with -icount shift=3 on one CPU and two, and on four that run freely:
 *
 *	H01  (vector registers stay over a switch) brings it back.  5,000 moves of three threads,
 *	     one CPU, chain=1: with realloc a chain is broken in three of four seeds, in one of
 *	     them into a circle; 3,000 of four threads, two CPUs: a circle in both.  With free=2
 *	     all of these end well.  With chain=2, seed 3: realloc has no end, and free has.
 *	     With malloc, a copy and free (free=1) it is as with realloc: it is the copy that
 *	     loses words, not munmap.  Copied by general registers, as glibc's memcpy does it on
 *	     this CPU, nothing is lost.
 *	I01  (the search starts behind who ran last) comes to its end both ways, eight threads,
 *	     the allocator's lock held over each munmap; with shift=0, 1 and 5 too.
 *	I04  (sleeping with interrupts masked) stops itself as it boots: sleep-in-atomic.
 *
 * Where each block has a mapping of its own, blocks of 1 byte to 100 KiB must have no page in
 * common, and a page that only a freed one had must be gone from the program's memory.
 *
 * One source, three programs: a queue of 16, none, each with a mapping for every block; and the
 * allocator as it is by default.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "stress/user/program.h"
#include "user/malloc/libc.h"

const char *const program = "reallocstorm";

enum { STEP = 109 << 10, STEPS = 34, THREADS_MAX = 16, BLOCKS = 32, PAGE = 4096 };

static struct umalloc_stats stats_now(void)
{
	struct umalloc_stats s;

	umalloc_stats(&umalloc_libc, &s);
	CHECK(s.allocated_bytes == s.live_bytes + s.queued_bytes + s.released_bytes,
	      "allocated bytes are not live, queued and released ones");
	CHECK(s.allocated == s.live + s.queued + s.released,
	      "allocated blocks are not live, queued and released ones");
	return s;
}

static unsigned char mark_of(size_t page)
{
	return (unsigned char)(page * 31 + 7);
}

/* The documents' case, once; bytes that were moved. */
static size_t grow(void)
{
	unsigned char *buffer = NULL;
	size_t moved = 0;
	const uint64_t slots = umalloc_libc.config.deferred_slots;

	for (size_t step = 1; step <= STEPS; step++) {
		unsigned char *const next = realloc(buffer, step * STEP);
		CHECK(next != NULL, "no %zu bytes", step * STEP);
		if (next != buffer) moved += (step - 1) * STEP;
		buffer = next;
		for (size_t at = 0; at < (step - 1) * STEP; at += PAGE)
			CHECK(buffer[at] == mark_of(at / PAGE), "byte %zu is lost in step %zu", at,
			      step);
		for (size_t at = (step - 1) * STEP / PAGE * PAGE; at < step * STEP; at += PAGE)
			buffer[at] = mark_of(at / PAGE);
		const struct umalloc_stats s = stats_now();
		CHECK(s.queued <= slots, "%lu blocks are queued", (unsigned long)s.queued);
		CHECK(s.live_bytes < (step + 1) * STEP + (1 << 16),
		      "%lu bytes are live in step %zu", (unsigned long)s.live_bytes, step);
		/* A full queue is emptied: it never has more than its slots are worth. */
		CHECK(s.mapped_bytes + s.heap_bytes <= (slots + 3) * (step + 1) * STEP + (4 << 20),
		      "%lu bytes are held in step %zu",
		      (unsigned long)(s.mapped_bytes + s.heap_bytes), step);
	}
	free(buffer);
	return moved;
}

/* --- a mapping for each block ----------------------------------------------------------------- */

enum { OWN_BLOCKS = 48 };

static uintptr_t page_of(const void *byte)
{
	return (uintptr_t)byte & ~(uintptr_t)(PAGE - 1);
}

static bool is_mapped(uintptr_t page)
{
	unsigned char there;

	return mincore((void *)page, PAGE, &there) == 0;
}

/* Their pages are their own while they live, and nobody's afterwards. */
static void own_pages(void)
{
	unsigned char *block[OWN_BLOCKS];
	size_t bytes[OWN_BLOCKS];
	uintptr_t first[OWN_BLOCKS], last[OWN_BLOCKS]; /* of its pages */
	uint64_t random = 17;

	for (size_t i = 0; i < OWN_BLOCKS; i++) {
		bytes[i] = 1 + draw_below(&random, i % 4 == 0 ? 100 << 10 : 3 * PAGE);
		block[i] = malloc(bytes[i]);
		CHECK(block[i] != NULL, "no %zu bytes", bytes[i]);
		memset(block[i], (int)i, bytes[i]);
		first[i] = page_of(block[i]);
		last[i] = page_of(block[i] + bytes[i] - 1);
		for (size_t j = 0; j < i; j++)
			CHECK(first[i] > last[j] || first[j] > last[i],
			      "blocks %zu and %zu share a page", i, j);
	}
	for (size_t i = 0; i < OWN_BLOCKS; i += 2) free(block[i]);
	umalloc_drain(&umalloc_libc);
	for (size_t i = 0; i < OWN_BLOCKS; i++) {
		for (uintptr_t page = first[i]; page <= last[i]; page += PAGE)
			CHECK(is_mapped(page) == (i % 2 != 0), "a page of block %zu is %s", i,
			      i % 2 != 0 ? "gone" : "there after its free");
		if (i % 2 == 0) continue;
		for (size_t at = 0; at < bytes[i]; at++)
			CHECK(block[i][at] == i, "byte %zu of block %zu has changed", at, i);
		free(block[i]);
	}
	umalloc_drain(&umalloc_libc);
}

/* --- moving ----------------------------------------------------------------------------------- */

static unsigned long moves_wanted;
static bool by_free; /* the same by malloc, a copy, and free */
static bool anew;    /* and what is in them is written, not copied */
static bool blindly; /* chains are followed by who does not count */
static bool chained; /* blocks hold chains that are followed */
static _Atomic unsigned long moves_done;
static _Atomic bool over;

/* Leaves its mark in all vector registers, for whoever gets them without its own. */
static void *busy_with_vectors(void *nothing)
{
	while (!over)
		__asm__ volatile(
			"movi v0.2d, #0\n movi v1.2d, #0\n movi v2.2d, #0\n movi v3.2d, #0\n"
			"movi v4.2d, #0\n movi v5.2d, #0\n movi v6.2d, #0\n movi v7.2d, #0\n"
			"movi v16.2d, #0\n movi v17.2d, #0\n movi v18.2d, #0\n movi v19.2d, #0\n"
			"movi v20.2d, #0\n movi v21.2d, #0\n movi v22.2d, #0\n movi v23.2d, #0\n"
			"yield" ::
				: "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17",
				  "v18", "v19", "v20", "v21", "v22", "v23");
	return nothing;
}

/* Where an emulator's CPUs take turns, this one says often that others may have theirs: who waits
 * for a lock gives up his turn, and with four CPUs most of all turns would be spent in here. */
static void *busy(void *nothing)
{
	for (volatile unsigned long n = 0; !over; n++)
		if (n % 256 == 0) __asm__ volatile("yield");
	return nothing;
}

/*
 * What realloc copies by, in place of the C library's: with vector registers, as compilers do it of
 * their own accord, and glibc on newer CPUs than the emulated one.
 */
void *memcpy(void *to, const void *from, size_t bytes)
{
	char *out = to;
	const char *in = from;

	for (; bytes >= 64; bytes -= 64, out += 64, in += 64)
		__asm__ volatile("ldp q0, q1, [%0]\n ldp q2, q3, [%0, #32]\n"
				 "stp q0, q1, [%1]\n stp q2, q3, [%1, #32]" ::"r"(in),
				 "r"(out)
				 : "v0", "v1", "v2", "v3", "memory");
	for (size_t i = 0; i < bytes; i++) {
		out[i] = in[i];
		__asm__ volatile("" ::: "memory"); /* no call of itself */
	}
	return to;
}

static unsigned char *move_block(unsigned char *was, size_t had, size_t bytes)
{
	if (!by_free) return realloc(was, bytes);
	unsigned char *const now = malloc(bytes);
	if (now != NULL && was != NULL && !anew) memcpy(now, was, had < bytes ? had : bytes);
	free(was);
	return now;
}

/* A block as a list: each word has the number of the next one, the last has CHAIN_END.  Whoever
 * follows one that has lost a word may never come to its end. */
enum { CHAIN_END = 0x7fffffff };

static void follow(const unsigned char *block, size_t bytes)
{
	const uint32_t *const next = (const uint32_t *)(const void *)block;
	uint32_t at = 0;

	for (size_t steps = 1; next[at] != CHAIN_END; steps++) {
		if (blindly) {
			at = next[at] % (uint32_t)(bytes / 4);
			continue;
		}
		CHECK(next[at] < bytes / 4, "a chain leaves its block: word %u is %x", at,
		      next[at]);
		CHECK(steps < bytes / 4, "a chain goes in circles: who follows it hangs");
		at = next[at];
	}
	CHECK(at == bytes / 4 - 1, "a chain has lost its end");
}

/* The words from byte `from` on are new, and the last is the end. */
static void chain(unsigned char *block, size_t from, size_t bytes)
{
	uint32_t *const next = (uint32_t *)(void *)block;

	for (size_t at = from < 4 ? 0 : from / 4 - 1; at < bytes / 4; at++)
		next[at] = (uint32_t)at + 1;
	next[bytes / 4 - 1] = CHAIN_END;
}

/* The same storm with chains: what was copied is what was there, to the word. */
static void *move_chains(void *given)
{
	uint64_t random = (uintptr_t)given;
	unsigned char *block[BLOCKS] = { NULL };
	size_t bytes[BLOCKS] = { 0 };

	while (moves_done < moves_wanted) {
		const uint64_t i = draw_below(&random, BLOCKS);
		const size_t want = PAGE * (1 + draw_below(&random, 3));
		unsigned char *const was = block[i];
		if (was != NULL && want < bytes[i]) chain(was, want, want);
		block[i] = move_block(was, bytes[i], want);
		CHECK(block[i] != NULL, "no %zu bytes", want);
		moves_done += was != NULL;
		if (was != NULL && !anew) follow(block[i], want < bytes[i] ? want : bytes[i]);
		chain(block[i], was == NULL || anew || want < bytes[i] ? 0 : bytes[i], want);
		follow(block[i], want);
		bytes[i] = want;
	}
	for (int i = 0; i < BLOCKS; i++) free(block[i]);
	return NULL;
}

static void *move(void *given)
{
	uint64_t random = (uintptr_t)given;
	unsigned char *block[BLOCKS] = { NULL };
	size_t pages[BLOCKS] = { 0 };

	/* On a heap a block may find room where it is, again and again. */
	for (unsigned long turn = 0; moves_done < moves_wanted && turn < 10 * moves_wanted;
	     turn++) {
		const uint64_t i = draw_below(&random, BLOCKS);
		const size_t more = 1 + draw_below(&random, 3);
		unsigned char *const was = block[i];
		if (was != NULL)
			CHECK(was[0] == (unsigned char)i &&
				      was[pages[i] * PAGE - 1] == (unsigned char)i,
			      "a block has changed");
		block[i] = move_block(was, pages[i] * PAGE, more * PAGE);
		CHECK(block[i] != NULL, "no %zu pages", more);
		moves_done += was != NULL && was != block[i];
		if (was != NULL)
			CHECK(block[i][0] == (unsigned char)i, "a moved block has changed");
		pages[i] = more;
		block[i][0] = block[i][more * PAGE - 1] = (unsigned char)i;
	}
	for (int i = 0; i < BLOCKS; i++) free(block[i]);
	return NULL;
}

static void storm(unsigned long threads, unsigned long seed)
{
	pthread_t thread[THREADS_MAX], spinner;

	start_thread(&spinner, chained ? busy_with_vectors : busy, NULL);
	for (unsigned long i = 0; i < threads; i++)
		start_thread(&thread[i], chained ? move_chains : move,
			     (void *)(seed * 1000003 + i * 7919 + 1));
	for (unsigned long i = 0; i < threads; i++) join_thread(thread[i]);
	over = true;
	join_thread(spinner);
}

int main(int count, char **arguments)
{
	const unsigned long growths = argument(arguments, "growths", 3);
	const unsigned long threads = argument(arguments, "threads", 2);
	size_t moved = 0;

	(void)count;
	moves_wanted = argument(arguments, "moves", 100000);
	by_free = argument(arguments, "free", 0) != 0;
	anew = argument(arguments, "free", 0) == 2;
	chained = argument(arguments, "chain", 0) != 0;
	blindly = argument(arguments, "chain", 0) == 2;
	CHECK(threads >= 1 && threads <= THREADS_MAX, "%lu threads", threads);
	const struct umalloc_stats before = stats_now();
	if (umalloc_libc.config.map_bytes == 0) own_pages();
	for (unsigned long i = 0; i < growths; i++) moved += grow();
	if (moves_wanted > 0) storm(threads, argument(arguments, "seed", 1));
	CHECK(moves_done >= moves_wanted || umalloc_libc.config.map_bytes > 0, "only %lu moves",
	      moves_done + 0);
	umalloc_drain(&umalloc_libc);
	const struct umalloc_stats after = stats_now();
	CHECK(after.queued == 0, "%lu are queued after all was drained",
	      (unsigned long)after.queued);
	CHECK(after.live <= before.live + 2 * (threads + 1), "%lu blocks are live, of %lu before",
	      (unsigned long)after.live, (unsigned long)before.live);
	return verdict("queue of %u: %zu MiB moved by growth, %lu moves by %s; %lu KiB at most",
		       umalloc_libc.config.deferred_slots, moved >> 20, moves_done + 0,
		       by_free ? "free" : "realloc", (unsigned long)(after.peak_held_bytes >> 10));
}
