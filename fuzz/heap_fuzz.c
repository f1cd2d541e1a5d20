/*
 * heap_fuzz.c -- subject heap: spans of pages, blocks in them, and damage done to them on purpose.
 *
 * The world is a pool and one heap over it, with the header's window and keep; grow_bytes is the
 * header's tag, in pages, and 4 where that is 0.  Others hold pages too ("hold"), so that free
 * memory comes in pieces, and give the heap memory for good ("add").  The heap's trim is the
 * pool's shrinker, as in the kernel.
 *
 * After each operation the counters are the model's; a walk compares spans, holes and figures.
 * Whether a request must be granted is known exactly: there is a hole that fits, or the window and
 * a row of free pages have room for a span.  Where a hole fits, the heap must not grow.
 *
 * Misuse must get its exact verdict and leave the heap as it was, bit for bit in struct heap.
 * Damage is done through an accessor that the sanitizers do not watch, and undone.
 *
 * In the digest: grants, verdicts, sizes, and after each operation pages, holes and granted bytes.
 */
#include "fuzz/block_model.h"
#include "fuzz/heap_model.h"
#include "fuzz/pool_world.h"

enum { HOLDS = 16, FIXED_PAGES_MAX = 8, GROW_PAGES = 4, GROW_PAGES_MAX = 64 };

enum { FOREIGN = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) | PAGE_NO_RECLAIM };

struct hold {
	paddr_t pa;
	uint32_t pages; /* 0: none */
};

struct heap_state {
	struct pool_world world;
	struct heap heap;
	struct shrinker shrinker;
	struct block_model model;
	struct heap_model picture;
	struct hold holds[HOLDS];
	struct hold given[MODEL_FIXED_MAX]; /* to the heap, for good */
	uint32_t given_count;
};

_Static_assert(sizeof(struct heap_state) <= RUN_STATE_BYTES, "a run's state holds it");

enum {
	SAW_REST_GRANTED,
	SAW_MERGE_LEFT,
	SAW_MERGE_RIGHT,
	SAW_MERGE_BOTH,
	SAW_SPAN_MERGED,
	SAW_SPAN_SPLIT,
	SAW_GROWTH_HALVED,
	SAW_WINDOW_FULL,
	SAW_NO_PAGES,
	SAW_FRONT_BLOCK,
	SAW_RESIZE_GROWN,
	SAW_RESIZE_SHRUNK,
	SAW_PAGES_KEPT,
	SAW_STATES
};

static const char *const saw_names[] = {
	"rest-granted", "merge-left",    "merge-right", "merge-both", "span-merged",
	"span-split",   "growth-halved", "window-full", "no-pages",   "front-block",
	"resize-grown", "resize-shrunk", "pages-kept",  NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

static struct heap_state *state_of(const struct run *run)
{
	return run->state;
}

static size_t heap_shrink(void *context, size_t pages)
{
	return heap_trim(context, pages);
}

static void heap_open(struct run *run)
{
	struct heap_state *s = run->state;
	const struct script_world *w = &run->script->world;
	struct heap_model *m = &s->picture;

	pool_world_open(&s->world, run);
	m->pages = &s->world.pool;
	m->window_pages = w->window_pages != 0 ? w->window_pages : w->pages / 4u;
	m->grow_pages = w->tag != 0 ? w->tag % GROW_PAGES_MAX : GROW_PAGES;
	m->keep_bytes = (size_t)w->keep_pages << PAGE_SHIFT;
	m->fixed_count = m->block_count = s->given_count = 0;
	m->granted_bytes = 0;
	memset(s->holds, 0, sizeof s->holds);
	const struct heap_config config = {
		.pages = &s->world.pool,
		.base = (uintptr_t)run->machine->arena,
		.window_bytes = m->window_pages << PAGE_SHIFT,
		.grow_bytes = m->grow_pages << PAGE_SHIFT,
		.keep_bytes = m->keep_bytes,
		.listener = &s->world.listener,
	};
	heap_init(&s->heap, &config);
	s->shrinker =
		(struct shrinker){ .name = "heap", .shrink = heap_shrink, .context = &s->heap };
	page_shrinker_add(&s->world.pool, &s->shrinker);
	block_model_init(&s->model, run->machine->arena, (size_t)w->pages << PAGE_SHIFT);
	heap_model_see(m);
}

/* --- blocks ----------------------------------------------------------------------------------- */

/* The heap may have got or given pages: looks where it stands, and what that shows. */
static void see(struct run *run)
{
	struct heap_state *s = state_of(run);
	const uint32_t spans = s->picture.area_count;
	const size_t pages = s->picture.span_pages;

	heap_model_see(&s->picture);
	if (s->picture.area_count > spans && s->picture.span_pages < pages)
		run_sometimes(run, SAW_SPAN_SPLIT);
	if (s->picture.area_count < spans && s->picture.span_pages > pages)
		run_sometimes(run, SAW_SPAN_MERGED);
}

/* After a free or shrink that left a hole at `at`: pages beyond what is kept must be gone, and what
 * is kept must be there, but for the nodes and pieces of pages at the edges of a cut. */
static void check_given_back(struct run *run, uintptr_t at, size_t pages)
{
	struct heap_state *s = state_of(run);
	const size_t large = heap_model_large_bytes(&s->picture);
	const size_t idle = heap_model_idle_pages(&s->picture, at);

	if (s->picture.span_pages < pages && large + 3 * PAGE_SIZE < s->picture.keep_bytes)
		kpanic(ORACLE_ACCOUNT, "%zu pages were given back, and only %zu bytes are kept",
		       pages - s->picture.span_pages, large);
	if (idle == 0) return;
	run_sometimes(run, SAW_PAGES_KEPT);
	if (large >= s->picture.keep_bytes + PAGE_SIZE)
		kpanic(ORACLE_LEAK,
		       "%zu free pages stay in the heap, and %zu bytes are large holes", idle,
		       large);
}

static void give_back(struct run *run, unsigned slot)
{
	struct heap_state *s = state_of(run);
	uint8_t *p = s->model.blocks[slot].at;
	const unsigned sides = heap_model_sides(&s->picture, slot);

	block_verify(&s->model, slot, SIZE_MAX);
	block_remove(&s->model, slot);
	heap_model_remove(&s->picture, slot);
	const enum heap_verdict v = heap_free(&s->heap, p);
	if (v != HEAP_FREED) kpanic(ORACLE_VERDICT, "a free was answered %s", heap_verdict_name(v));
	if (sides == SIDE_LEFT) run_sometimes(run, SAW_MERGE_LEFT);
	if (sides == SIDE_RIGHT) run_sometimes(run, SAW_MERGE_RIGHT);
	if (sides == (SIDE_LEFT | SIDE_RIGHT)) run_sometimes(run, SAW_MERGE_BOTH);
	const size_t pages = s->picture.span_pages;
	see(run);
	check_given_back(run, (uintptr_t)p - MODEL_NODE, pages);
}

static size_t size_of(const struct script_op *op)
{
	return (size_t)(int64_t)(int32_t)op->arg;
}

static void refused(struct run *run, size_t bytes, size_t align, bool fits, bool held)
{
	struct heap_state *s = state_of(run);
	const struct heap_model *m = &s->picture;

	if (fits)
		kpanic(ORACLE_MUST_SUCCEED, "%zu bytes aligned %zu refused, a hole fits", bytes,
		       align);
	if (held) return;
	if (s->world.told[MM_EVENT_NO_HEAP_BLOCK] != 0) run_sometimes(run, SAW_WINDOW_FULL);
	if (s->world.told[MM_EVENT_PAGES_AT_GROWTH] != 0) run_sometimes(run, SAW_NO_PAGES);
	if (heap_model_could_grow(m, bytes, align))
		kpanic(ORACLE_MUST_SUCCEED,
		       "%zu bytes aligned %zu refused, %zu pages of %zu in use", bytes, align,
		       m->span_pages, m->window_pages);
}

static void granted(struct run *run, unsigned slot, void *p, size_t bytes, size_t align)
{
	struct heap_state *s = state_of(run);
	const unsigned how = heap_model_add(&s->picture, slot, p, bytes);

	if (how & GRANT_FRONT) run_sometimes(run, SAW_FRONT_BLOCK);
	if (how & GRANT_REST) run_sometimes(run, SAW_REST_GRANTED);
	block_add(&s->model, slot, p, bytes == 0 ? 1 : bytes,
		  align < MODEL_GRAIN ? MODEL_GRAIN : align, false, run->op + 1);
}

enum { HELD_ONLY = 1, NO_RECLAIM = 2 };

static void get_block(struct run *run, const struct script_op *op, unsigned flags)
{
	struct heap_state *s = state_of(run);
	const size_t bytes = size_of(op), align = (size_t)1 << op->aux;
	const uint32_t how = (flags & NO_RECLAIM) ? PAGE_NO_RECLAIM : 0;

	if (s->model.blocks[op->slot].at != NULL) give_back(run, op->slot);
	const bool fits = heap_model_fits(&s->picture, bytes, align);
	const size_t before = s->heap.span_pages, growths = s->heap.growths;
	void *p = (flags & HELD_ONLY) ? heap_alloc_held(&s->heap, bytes, align, run->op + 1)
				      : heap_alloc(&s->heap, bytes, align, how, run->op + 1);
	if (!fits) see(run);
	run_result(run, p != NULL);
	if (s->heap.growths > growths + 1)
		kpanic(ORACLE_ACCOUNT, "for %zu bytes the heap grew %zu times", bytes,
		       s->heap.growths - growths);
	if (p == NULL) {
		refused(run, bytes, align, fits, (flags & HELD_ONLY) != 0);
		return;
	}
	const size_t grown = s->heap.span_pages - before;
	if (fits && grown != 0)
		kpanic(ORACLE_MUST_SUCCEED, "%zu pages were got for %zu bytes, a hole fits", grown,
		       bytes);
	if (!fits && (flags & HELD_ONLY))
		kpanic(ORACLE_MUST_FAIL, "%zu bytes aligned %zu, and no hole fits", bytes, align);
	if (!fits && grown < s->picture.grow_pages) run_sometimes(run, SAW_GROWTH_HALVED);
	granted(run, op->slot, p, bytes, align);
}

static void step_alloc(struct run *run, const struct script_op *op)
{
	get_block(run, op, 0);
}

static void step_alloc_now(struct run *run, const struct script_op *op)
{
	get_block(run, op, NO_RECLAIM);
}

static void step_alloc_held(struct run *run, const struct script_op *op)
{
	get_block(run, op, HELD_ONLY);
}

static void step_free(struct run *run, const struct script_op *op)
{
	if (state_of(run)->model.blocks[op->slot].at != NULL) give_back(run, op->slot);
}

static void step_resize(struct run *run, const struct script_op *op)
{
	struct heap_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];
	const size_t bytes = size_of(op), had = b->bytes;

	if (b->at == NULL) return;
	const bool room = heap_model_room(&s->picture, op->slot, bytes);
	const bool done = heap_resize(&s->heap, b->at, bytes);
	run_result(run, done);
	if (done != room)
		kpanic(done ? ORACLE_MUST_FAIL : ORACLE_MUST_SUCCEED,
		       "%zu bytes to be %zu in place", had, bytes);
	if (!done) return;
	const size_t before = s->picture.granted_bytes;
	if (heap_model_resize(&s->picture, op->slot, bytes) & GRANT_REST)
		run_sometimes(run, SAW_REST_GRANTED);
	if (bytes > had) run_sometimes(run, SAW_RESIZE_GROWN);
	if (bytes < had) run_sometimes(run, SAW_RESIZE_SHRUNK);
	block_move(&s->model, op->slot, b->at, bytes == 0 ? 1 : bytes, run->op + 1);
	const size_t pages = s->picture.span_pages;
	see(run);
	if (s->picture.granted_bytes < before)
		check_given_back(run, (uintptr_t)b->at - MODEL_NODE + heap_model_need(bytes),
				 pages);
}

static void step_verify(struct run *run, const struct script_op *op)
{
	struct heap_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];
	const size_t usable = heap_usable(&s->heap, b->at);

	run_result(run, usable);
	if (b->at == NULL) return;
	if (usable != align_up(b->bytes, 8))
		kpanic(ORACLE_VERDICT, "%zu bytes, of which %zu are usable", b->bytes, usable);
	block_move(&s->model, op->slot, b->at, b->bytes, run->op + 1); /* a new pattern */
}

/* --- pages ------------------------------------------------------------------------------------ */

static void step_trim(struct run *run, const struct script_op *op)
{
	struct heap_state *s = state_of(run);
	const size_t idle = heap_model_idle_pages(&s->picture, 0), before = s->heap.span_pages;
	const size_t given = heap_trim(&s->heap, op->arg);

	run_result(run, given);
	if (given != min_u64(idle, op->arg) || before - s->heap.span_pages != given)
		kpanic(ORACLE_LEAK, "a trim of %u pages gave %zu back, %zu could go", op->arg,
		       given, idle);
	see(run);
}

static void step_drain(struct run *run, const struct script_op *op)
{
	struct heap_state *s = state_of(run);

	(void)op;
	page_reclaim(&s->world.pool, s->world.pool.pages);
	see(run);
	if (heap_model_idle_pages(&s->picture, 0) != 0)
		kpanic(ORACLE_LEAK, "free pages stay in the heap though all were asked for");
}

/* Somebody else has pages [page, page + pages), or gives them back. */
static void step_hold(struct run *run, const struct script_op *op)
{
	struct heap_state *s = state_of(run);
	struct hold *h = &s->holds[op->slot];

	if (h->pages != 0) {
		page_run_free(&s->world.pool, h->pa, h->pages, FOREIGN);
		h->pages = 0;
	}
	if (op->aux == 0) return;
	h->pa = page_address(&s->world.pool, op->arg % s->world.pool.pages);
	if (page_run_claim(&s->world.pool, h->pa, op->aux, FOREIGN, run->op + 1))
		h->pages = op->aux;
	run_result(run, h->pages);
}

/* Memory for good: a few pages without some bytes at either end. */
static void step_add(struct run *run, const struct script_op *op)
{
	struct heap_state *s = state_of(run);
	const uint32_t pages = 1 + op->aux, front = op->arg % 64, back = op->arg / 64 % 64;

	if (s->given_count == MODEL_FIXED_MAX) return;
	const paddr_t pa = page_run_alloc(&s->world.pool, pages, FOREIGN, run->op + 1);
	run_result(run, pa != PADDR_NONE);
	if (pa == PADDR_NONE) return;
	s->given[s->given_count++] = (struct hold){ pa, pages };
	uint8_t *memory = (uint8_t *)mach_phys(pa) + front;
	const size_t bytes = ((size_t)pages << PAGE_SHIFT) - front - back;
	if (!heap_add(&s->heap, memory, bytes))
		kpanic(ORACLE_MUST_SUCCEED, "%zu bytes of memory were refused", bytes);
	heap_model_give(&s->picture, memory, bytes);
}

/* --- misuse ----------------------------------------------------------------------------------- */

/* Frees `p`, which must be answered `expected` and change nothing. */
static void misuse(struct run *run, void *p, enum heap_verdict expected)
{
	struct heap_state *s = state_of(run);
	struct heap before = s->heap;
	const enum heap_verdict v = heap_free(&s->heap, p);

	run_result(run, v);
	if (v != expected)
		kpanic(ORACLE_VERDICT, "a bad free was answered %s, not %s", heap_verdict_name(v),
		       heap_verdict_name(expected));
	before.lock = s->heap.lock;
	if (memcmp(&before, &s->heap, sizeof before) != 0)
		kpanic(ORACLE_VERDICT, "a refused free changed the heap");
}

/* The same for a pointer that may be anything but a block that somebody has. */
static void misuse_anywhere(struct run *run, void *p)
{
	const enum heap_verdict expected = heap_model_verdict(&state_of(run)->picture, p);

	if (expected != HEAP_FREED) misuse(run, p, expected);
}

static void step_double_free(struct run *run, const struct script_op *op)
{
	const struct block *b = &state_of(run)->model.blocks[op->slot];

	if (b->stale != NULL) misuse_anywhere(run, b->stale);
}

static void step_inside_free(struct run *run, const struct script_op *op)
{
	const struct block *b = &state_of(run)->model.blocks[op->slot];

	if (b->at != NULL) misuse_anywhere(run, b->at + 1 + op->arg % b->bytes);
}

static void step_wild_free(struct run *run, const struct script_op *op)
{
	uint8_t *arena = run->machine->arena;

	misuse_anywhere(run, op->aux ? (void *)(uintptr_t)size_of(op)
				     : arena + op->arg % RUN_ARENA_BYTES);
}

METADATA_ACCESS static void flip(uint8_t *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) ((volatile uint8_t *)at)[i] ^= 0x5A;
}

/* Frees a block while `bytes` at `at` are not as the heap left them. */
static void misuse_damaged(struct run *run, const struct block *b, uint8_t *at, size_t bytes)
{
	flip(at, bytes);
	misuse(run, b->at, HEAP_CORRUPT);
	flip(at, bytes);
}

/* A user writes up to 24 bytes too many: over what was granted, into the next node. */
static void step_overflow(struct run *run, const struct script_op *op)
{
	struct heap_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];

	if (b->at == NULL || run->script->world.redzone != 0) return;
	for (uint32_t i = 0; i < s->picture.block_count; i++) {
		const struct heap_extent *e = &s->picture.blocks[i];
		if (e->slot != op->slot) continue;
		misuse_damaged(run, b, (uint8_t *)e->end, 1 + op->aux);
	}
}

/* A user writes in front of the block. */
static void step_underflow(struct run *run, const struct script_op *op)
{
	const struct block *b = &state_of(run)->model.blocks[op->slot];

	if (b->at == NULL || run->script->world.redzone != 0) return;
	misuse_damaged(run, b, b->at - 1 - op->aux, 1 + op->aux);
}

/* A user writes to the block that he freed before: over a link of the hole behind another one. */
static void step_link(struct run *run, const struct script_op *op)
{
	struct heap_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];

	if (b->at == NULL || run->script->world.redzone != 0) return;
	if ((heap_model_sides(&s->picture, op->slot) & SIDE_RIGHT) == 0) return;
	for (uint32_t i = 0; i < s->picture.block_count; i++) {
		const struct heap_extent *e = &s->picture.blocks[i];
		if (e->slot == op->slot)
			misuse_damaged(run, b, (uint8_t *)e->end + 8 + op->aux % 8, 1);
	}
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_counts(struct run *run)
{
	struct heap_state *s = state_of(run);
	const char *why = page_check_counts(&s->world.pool);

	if (why != NULL) kpanic(ORACLE_ACCOUNT, "%s", why);
	heap_model_compare_counts(&s->picture, &s->heap);
	run_result(run, (uint64_t)s->heap.span_pages << 32 | s->heap.free_blocks);
	run_result(run, s->heap.granted_bytes);
}

/* Every block is some site's, and the sites are those of the operations that made them. */
static void check_sites(struct run *run)
{
	struct heap_state *s = state_of(run);
	struct site_row rows[SCRIPT_SLOTS];
	size_t count = 0, objects = 0;

	if (!heap_sites(&s->heap, rows, COUNT_OF(rows), &count))
		kpanic(ORACLE_ACCOUNT, "more call sites than blocks");
	for (size_t r = 0; r < count; r++) objects += rows[r].objects;
	if (objects != s->picture.block_count)
		kpanic(ORACLE_ACCOUNT, "%zu blocks by call site, %u in the model", objects,
		       s->picture.block_count);
}

static void heap_check_run(struct run *run, enum check_depth depth)
{
	struct heap_state *s = state_of(run);

	if (depth == CHECK_COUNTS) {
		check_counts(run);
		return;
	}
	const char *why = heap_check(&s->heap);
	if (why == NULL) why = page_check(&s->world.pool);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	heap_model_see(&s->picture);
	heap_model_compare_counts(&s->picture, &s->heap);
	heap_model_compare(&s->picture, &s->heap);
	check_sites(run);
}

static void heap_close(struct run *run)
{
	struct heap_state *s = state_of(run);

	while (s->model.live_count != 0) give_back(run, s->model.live[s->model.live_count - 1]);
	(void)heap_trim(&s->heap, SIZE_MAX);
	see(run);
	heap_check_run(run, CHECK_WALK);
	if (s->heap.span_pages != 0)
		kpanic(ORACLE_LEAK, "%zu pages stay in an empty heap", s->heap.span_pages);
	for (uint32_t i = 0; i < s->given_count; i++) {
		const struct hold *h = &s->given[i];
		mach_unpoison(mach_phys(h->pa), (size_t)h->pages << PAGE_SHIFT);
		page_run_free(&s->world.pool, h->pa, h->pages, FOREIGN);
	}
	for (uint32_t i = 0; i < HOLDS; i++) {
		const struct hold *h = &s->holds[i];
		if (h->pages != 0) page_run_free(&s->world.pool, h->pa, h->pages, FOREIGN);
	}
	pool_world_close(&s->world);
}

/* --- the table -------------------------------------------------------------------------------- */

#define SLOT                                                     \
	{                                                        \
		"slot", IN_SLOT, FORM_NUMBER, SCRIPT_SLOTS, NULL \
	}
#define ALIGN                                          \
	{                                              \
		"align", IN_AUX, FORM_NUMBER, 23, NULL \
	} /* log2: up to 4 MiB */
#define SIZE                                       \
	{                                          \
		"size", IN_ARG, FORM_SIZE, 0, NULL \
	}

static const char *const wild_names[] = { "arena", "anywhere" };

static const struct op_kind operations[] = {
	{ "alloc", 40, { SLOT, ALIGN, SIZE }, step_alloc },
	{ "alloc-now", 8, { SLOT, ALIGN, SIZE }, step_alloc_now },
	{ "alloc-held", 8, { SLOT, ALIGN, SIZE }, step_alloc_held },
	{ "free", 40, { SLOT }, step_free },
	{ "resize", 16, { SLOT, SIZE }, step_resize },
	{ "verify", 4, { SLOT }, step_verify },
	{ "trim", 3, { { "pages", IN_ARG, FORM_NUMBER, 0, NULL } }, step_trim },
	{ "drain", 1, { { NULL, 0, 0, 0, NULL } }, step_drain },
	{ "hold",
	  6,
	  { { "slot", IN_SLOT, FORM_NUMBER, HOLDS, NULL },
	    { "pages", IN_AUX, FORM_NUMBER, 64, NULL },
	    { "page", IN_ARG, FORM_NUMBER, SCRIPT_PAGES_MAX, NULL } },
	  step_hold },
	{ "add",
	  1,
	  { { "pages", IN_AUX, FORM_NUMBER, FIXED_PAGES_MAX, NULL },
	    { "cut", IN_ARG, FORM_NUMBER, 4096, NULL } },
	  step_add },
	{ "double-free", 3, { SLOT }, step_double_free },
	{ "inside-free",
	  3,
	  { SLOT, { "offset", IN_ARG, FORM_NUMBER, 0, NULL } },
	  step_inside_free },
	{ "wild-free",
	  2,
	  { { "where", IN_AUX, FORM_NAMES, 2, wild_names }, SIZE },
	  step_wild_free },
	{ "overflow", 3, { SLOT, { "more", IN_AUX, FORM_NUMBER, 24, NULL } }, step_overflow },
	{ "underflow", 2, { SLOT, { "more", IN_AUX, FORM_NUMBER, 24, NULL } }, step_underflow },
	{ "link", 3, { SLOT, { "byte", IN_AUX, FORM_NUMBER, 8, NULL } }, step_link },
};

const struct subject heap_subject = {
	.name = "heap",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = heap_open,
	.check = heap_check_run,
	.close = heap_close,
};
