/*
 * deferred_test.c -- the queue of deferred frees: who enters, who flushes, in which order, and what
 * happens where it is full, off, or its mappings cannot be taken away.
 */
#include "user/malloc/test_calls.h"

static struct umalloc m;

static struct umalloc_stats stats(void)
{
	struct umalloc_stats s;

	test_sound(&m);
	umalloc_stats(&m, &s);
	return s;
}

/* A mapping whose block cannot grow where it is: realloc moves it, and leaves the old one. */
static char *left_behind(char **now)
{
	char *old = umalloc_alloc(&m, 200000);

	memset(old, 0x5a, 200000);
	*now = umalloc_realloc(&m, old, 400000);
	EXPECT(*now != NULL && *now != old);
	return old;
}

static void realloc_queues_what_it_leaves(void)
{
	char *now;

	test_open(&m, 16);
	char *old = left_behind(&now);
	EXPECT(strcmp(test.log, "+mm") == 0); /* a note's page, and two mappings: none is gone */
	EXPECT(old[0] == 0x5a && old[199999] == 0x5a && now[199999] == 0x5a);
	const struct umalloc_stats s = stats();
	EXPECT(s.queued == 1 && s.queued_bytes == 200704 && s.live == 1 && s.released == 0);
	umalloc_free(&m, old);
	EXPECT(test.misused == 1 && test.verdict == UMALLOC_DOUBLE_FREE);
	EXPECT(stats().queued == 1); /* refused, with nothing changed */
	umalloc_flush(&m);
	EXPECT(test.unmapped == old && stats().queued == 0 && stats().released == 1);
	umalloc_flush(&m); /* and no harm in another */
	EXPECT(stats().released == 1);
	umalloc_free(&m, now);
	test_close(&m);
}

/* The queue first, its oldest entry first, then the block itself. */
static void free_flushes_before_it_frees(void)
{
	char *now[2], *old[2];

	test_open(&m, 16);
	now[0] = umalloc_alloc(&m, 200000);
	now[1] = umalloc_alloc(&m, 300000);
	for (unsigned i = 0; i < 2; i++) {
		old[i] = now[i];
		now[i] = umalloc_realloc(&m, old[i], 500000);
	}
	EXPECT(stats().queued == 2);
	umalloc_free(&m, now[0]);
	EXPECT(strcmp(test.log, "uuu") == 0 && test.unmapped == now[0]);
	EXPECT(stats().queued == 0 && stats().live == 1);
	umalloc_free(&m, now[1]);
	test_close(&m);
}

static void allocation_flushes(void)
{
	char *now;

	test_open(&m, 16);
	char *old = left_behind(&now);
	umalloc_alloc(&m, 1);
	EXPECT(test.unmapped == old && stats().queued == 0);
	left_behind(&now);
	umalloc_alloc_zeroed(&m, 1);
	EXPECT(stats().queued == 0);
	left_behind(&now);
	umalloc_alloc_aligned(&m, 64, 1);
	EXPECT(stats().queued == 0);
}

/* Growth by realloc alone never flushes, but when the queue is full: nothing is lost then. */
static void a_full_queue_is_flushed(uint32_t slots)
{
	test_open(&m, slots);
	char *p = umalloc_alloc(&m, 8);
	char *fence = umalloc_alloc(&m, 8);
	uint64_t most = 0, flushed = 0;
	for (uint64_t i = 0, was = 0; i < 3 * slots + 5; i++) {
		/* The one before blocks it: the new block is always elsewhere. */
		char *q = umalloc_realloc(&m, i % 2 == 0 ? p : fence, 64 + 48 * i);
		*(i % 2 == 0 ? &p : &fence) = q;
		if (stats().queued > most) most = stats().queued;
		if (stats().released != was) flushed++;
		was = stats().released;
		EXPECT(stats().queued <= slots);
	}
	EXPECT(most == slots && stats().flushes[UMALLOC_FLUSH_FULL] == flushed);
	EXPECT(stats().allocated == stats().live + stats().queued + stats().released);
	umalloc_free(&m, p);
	umalloc_free(&m, fence);
	test_close(&m);
}

/* 60 MB moved with one block live: what is held stays small (the documents' case). */
static void growth_by_realloc_is_bounded(void)
{
	uint64_t moved = 0;

	test_open(&m, 16);
	for (unsigned round = 0; moved < 60 << 20; round++) {
		char *p = NULL;
		for (size_t bytes = 1000; bytes < 100000; bytes += 1000) {
			p = umalloc_realloc(&m, p, bytes);
			EXPECT(p != NULL);
			moved += bytes;
			EXPECT(umalloc_alloc(&m, 24) != NULL || round != 0);
		}
		umalloc_free(&m, p);
		EXPECT(stats().queued == 0);
		umalloc_drain(&m);
	}
	EXPECT(stats().peak_held_bytes < 4 << 20);
}

static void without_a_queue_realloc_frees(void)
{
	char *now;

	test_open(&m, 0);
	char *old = left_behind(&now);
	EXPECT(strcmp(test.log, "+mmu") == 0 && test.unmapped == old);
	EXPECT(stats().queued == 0 && stats().released == 1);
	umalloc_free(&m, now);
	test_close(&m);
}

/* When memory is short, what waits is given up for it. */
static void pressure_flushes(void)
{
	char *now;

	test_open(&m, 16);
	left_behind(&now);
	test.map_fails = true;
	EXPECT(umalloc_realloc(&m, now, 900000) == NULL && test.refused == 1);
	EXPECT(stats().queued == 0 && now[199999] == 0x5a);
	test.map_fails = false;
	umalloc_free(&m, now);
	test_close(&m);
}

/* What waits is flushed for this one reason. */
static void flush_for(enum umalloc_flush_cause cause, char *now, char *other)
{
	test.map_fails = cause == UMALLOC_FLUSH_PRESSURE;
	switch (cause) {
	case UMALLOC_FLUSH_FULL:
	case UMALLOC_FLUSH_PRESSURE: umalloc_realloc(&m, now, 700000); break;
	case UMALLOC_FLUSH_FREE: umalloc_free(&m, other); break;
	case UMALLOC_FLUSH_ALLOC: umalloc_alloc(&m, 24); break;
	case UMALLOC_FLUSH_DEMAND: umalloc_drain(&m); break;
	case UMALLOC_FLUSH_EXIT: umalloc_at_exit(&m); break;
	case UMALLOC_FLUSH_CAUSES: break;
	}
	test.map_fails = false;
}

/* Each cause has its own figure, and none counts where nothing waited. */
static void causes_are_counted_apart(enum umalloc_flush_cause cause)
{
	uint64_t want[UMALLOC_FLUSH_CAUSES] = { 0 };
	char *now;

	test_open(&m, 1);
	char *other = umalloc_alloc(&m, 24), *old = left_behind(&now);
	EXPECT(memcmp(stats().flushes, want, sizeof(want)) == 0 && stats().queued == 1);
	flush_for(cause, now, other);
	want[cause]++;
	EXPECT(test.unmapped == old);
	EXPECT(memcmp(stats().flushes, want, sizeof(want)) == 0);
	EXPECT(stats().queued == (cause == UMALLOC_FLUSH_FULL));
	umalloc_flush(&m);
	want[UMALLOC_FLUSH_DEMAND] += cause == UMALLOC_FLUSH_FULL;
	umalloc_at_exit(&m);
	EXPECT(memcmp(stats().flushes, want, sizeof(want)) == 0 && stats().queued == 0);
}

/* Who comes after the program's end, and there are such, leaves nothing that waits for ever. */
static void after_the_end_nothing_waits(void)
{
	char *now;

	test_open(&m, 16);
	left_behind(&now);
	umalloc_at_exit(&m);
	char *later = umalloc_realloc(&m, now, 900000);
	EXPECT(later != now && test.unmapped == now && stats().queued == 0);
	EXPECT(stats().flushes[UMALLOC_FLUSH_EXIT] == 1);
}

static void what_cannot_be_unmapped_waits(void)
{
	char *now;

	test_open(&m, 16);
	char *old = left_behind(&now), *other = umalloc_alloc(&m, 250000);
	test.unmap_fails = true;
	umalloc_free(&m, other);
	EXPECT(stats().queued == 1 && stats().live == 1); /* old went when other came */
	umalloc_free(&m, other);
	EXPECT(test.misused == 1 && test.verdict == UMALLOC_DOUBLE_FREE && test.unmapped == old);
	now = umalloc_realloc(&m, now, 100000); /* a few pages of it stay too */
	EXPECT(now != NULL && umalloc_usable(&m, now) >= 400000);
	EXPECT(umalloc_alloc_aligned(&m, 1 << 16, 300000) != NULL);
	EXPECT(stats().queued == 1);
	test.unmap_fails = false;
	umalloc_flush(&m);
	EXPECT(test.unmapped == other && stats().queued == 0);
}

int main(void)
{
	realloc_queues_what_it_leaves();
	free_flushes_before_it_frees();
	allocation_flushes();
	a_full_queue_is_flushed(1);
	a_full_queue_is_flushed(DEFERRED_FREE_SLOTS);
	a_full_queue_is_flushed(DEFERRED_FREE_SLOTS_MAX);
	growth_by_realloc_is_bounded();
	without_a_queue_realloc_frees();
	pressure_flushes();
	for (unsigned cause = 0; cause < UMALLOC_FLUSH_CAUSES; cause++)
		causes_are_counted_apart(cause);
	after_the_end_nothing_waits();
	what_cannot_be_unmapped_waits();
	return 0;
}
