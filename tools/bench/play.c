/*
 * play.c -- the player of traces.
 *
 * Each operation goes through one of six functions, by kind and by whether the request is small
 * (a slab object before and after) or not, so that a profiler can collect either group by name.
 * The functions are as thin as a call can be; the empty asm keeps them from becoming jumps, in
 * which a profiler would lose the way back.
 *
 * When looking, every block is filled with bytes that depend on its ID and place, and checked
 * when it is freed or changes size; otherwise payloads are never touched here.
 */
#include "tools/bench/play.h"

NOINLINE void *bench_small_alloc(struct kmalloc *km, size_t bytes);
NOINLINE void *bench_large_alloc(struct kmalloc *km, size_t bytes);
NOINLINE void *bench_small_realloc(struct kmalloc *km, void *p, size_t bytes);
NOINLINE void *bench_large_realloc(struct kmalloc *km, void *p, size_t bytes);
NOINLINE void bench_small_free(struct kmalloc *km, void *p);
NOINLINE void bench_large_free(struct kmalloc *km, void *p);

#define STAY_A_CALL() __asm__ volatile("")

void *bench_small_alloc(struct kmalloc *km, size_t bytes)
{
	void *p = kmalloc_alloc(km, bytes, 0, SITE_NONE);
	STAY_A_CALL();
	return p;
}

void *bench_large_alloc(struct kmalloc *km, size_t bytes)
{
	void *p = kmalloc_alloc(km, bytes, 0, SITE_NONE);
	STAY_A_CALL();
	return p;
}

void *bench_small_realloc(struct kmalloc *km, void *p, size_t bytes)
{
	void *q = kmalloc_realloc(km, p, bytes, 0, SITE_NONE, NULL);
	STAY_A_CALL();
	return q;
}

void *bench_large_realloc(struct kmalloc *km, void *p, size_t bytes)
{
	void *q = kmalloc_realloc(km, p, bytes, 0, SITE_NONE, NULL);
	STAY_A_CALL();
	return q;
}

void bench_small_free(struct kmalloc *km, void *p)
{
	kmalloc_free(km, p);
	STAY_A_CALL();
}

void bench_large_free(struct kmalloc *km, void *p)
{
	kmalloc_free(km, p);
	STAY_A_CALL();
}

NOINLINE bool bench_page_pairs(struct page_pool *pool, uint32_t pairs)
{
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL);
	while (pairs-- != 0) {
		const paddr_t pa = page_alloc(pool, 0, how, SITE_NONE);
		if (pa == PADDR_NONE) return false;
		page_free(pool, pa, 0, how);
	}
	return true;
}

struct player {
	struct kmalloc *km;
	enum play_how how;
	struct play_result result;
};

static uint8_t filling(uint32_t id, uint64_t at)
{
	return (uint8_t)(id * 131 + 7 + (at >> 3));
}

static void fill(const struct trace_block *b, uint32_t id, uint64_t from)
{
	uint8_t *p = b->p;
	for (uint64_t i = from; i < b->bytes; i++) p[i] = filling(id, i);
}

static void look(struct player *player, const struct trace_block *b, uint32_t id, uint64_t bytes)
{
	const uint8_t *p = b->p;
	bool damaged = !is_aligned((uintptr_t)p, KMALLOC_ALIGN);
	for (uint64_t i = 0; i < bytes && !damaged; i++) damaged = p[i] != filling(id, i);
	player->result.damaged += damaged;
}

static void *call(struct player *player, const struct trace_op *op, const struct trace_block *b)
{
	struct kmalloc *km = player->km;
	if (op->bytes <= BENCH_SMALL_BYTES && b->bytes <= BENCH_SMALL_BYTES) {
		player->result.small_ops++;
		if (op->kind == TRACE_ALLOC) return bench_small_alloc(km, op->bytes);
		if (op->kind == TRACE_REALLOC) return bench_small_realloc(km, b->p, op->bytes);
		bench_small_free(km, b->p);
		return NULL;
	}
	player->result.large_ops++;
	if (op->kind == TRACE_ALLOC) return bench_large_alloc(km, op->bytes);
	if (op->kind == TRACE_REALLOC) return bench_large_realloc(km, b->p, op->bytes);
	bench_large_free(km, b->p);
	return NULL;
}

static void play_op(struct player *player, const struct trace_op *op, struct trace_block *b)
{
	const bool looks = player->how == PLAY_AND_LOOK;
	const uint64_t kept = op->kind == TRACE_REALLOC ? min_u64(b->bytes, op->bytes) : 0;

	if (looks && b->p != NULL) look(player, b, op->id, b->bytes);
	void *p = call(player, op, b);
	if (p == NULL && op->bytes != 0) {
		player->result.failed++;
		return; /* a block that did not grow is as it was */
	}
	*b = (struct trace_block){ p, op->bytes, op->kind != TRACE_FREE };
	if (!looks || p == NULL) return;
	look(player, b, op->id, kept);
	fill(b, op->id, kept);
}

struct play_result play_trace(const struct trace *trace, struct trace_block *blocks,
			      struct kmalloc *km, enum play_how how)
{
	struct player player = { .km = km, .how = how };
	for (uint32_t i = 0; i < trace->count; i++) {
		play_op(&player, &trace->ops[i], &blocks[trace->ops[i].id]);
		if (how == PLAY_UNTIL_FAILURE && player.result.failed != 0) break;
	}
	return player.result;
}
