/*
 * kmalloc_fuzz.c -- subject kmalloc: the whole of it, pages, slabs and heap, as a kernel uses it.
 *
 * The world is a pool of a few hundred pages, a boot allocator with three blocks in it, and a
 * kmalloc over them with the header's redzones, quarantine and window.  Operations
 * allocate, resize and free by handle on the CPU they name; others misuse it on purpose and expect
 * the verdict.  After each one counters must add up; a walk compares everything with the model.
 *
 * Results that go into the digest: whether a request was granted and how much it can hold, every
 * verdict, and after each operation how many pages are free and cached.
 *
 * Nothing is freed by accident: a stale pointer is used only when the model knows that no live
 * block covers it, because a free of such a pointer would be somebody else's legal free.
 */
#include "fuzz/kmalloc_model.h"
#include "fuzz/kmalloc_world.h"

enum { EARLY_BLOCKS = 3, EARLY_BYTES = PAGE_SIZE };

struct kmalloc_state {
	struct pool_world world;
	struct kmalloc km;
	struct block_model model;
	struct kmalloc_limits limits;
	uint32_t told[MM_EVENTS]; /* before the operation */
	uint32_t tellings;        /* and of anything: most operations have nothing told */
	struct early early;
	uint8_t *early_block[EARLY_BLOCKS];
	unsigned early_freed;
	struct slab_cpu cpus[KMALLOC_WORLD_CPUS];
};

_Static_assert(sizeof(struct kmalloc_state) <= RUN_STATE_BYTES, "a run's state holds it");

/* States that a campaign must reach. */
enum {
	SAW_EXHAUSTION,
	SAW_WINDOW_FULL,
	SAW_RESIZE_IN_PLACE,
	SAW_RESIZE_MOVED,
	SAW_RESIZE_REFUSED,
	SAW_SLAB_RETURNED,
	SAW_QUARANTINE_FULL,
	SAW_REDZONE_CAUGHT,
	SAW_EARLY_FREED,
	SAW_OTHER_CPU_FREE,
	SAW_LARGE_ALIGNED,
	SAW_STATES
};

static const char *const saw_names[] = {
	"exhaustion",     "window-full",    "resize-in-place", "resize-moved",
	"resize-refused", "slab-returned",  "quarantine-full", "redzone-caught",
	"early-freed",    "other-cpu-free", "large-aligned",   NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

static struct kmalloc_state *state_of(const struct run *run)
{
	return run->state;
}

/* --- the world -------------------------------------------------------------------------------- */

static void early_open(struct kmalloc_state *s, const struct run *run)
{
	uint8_t *base = (uint8_t *)run->machine->arena + ((SCRIPT_PAGES_MAX + 1) << PAGE_SHIFT);
	void *rest;

	mach_unpoison(base, EARLY_BYTES);
	s->early_freed = 0;
	early_init(&s->early, base, EARLY_BYTES);
	for (unsigned i = 0; i < EARLY_BLOCKS; i++) {
		s->early_block[i] = early_alloc(&s->early, 40u << i, 16);
		if (s->early_block[i] == NULL)
			kpanic(ORACLE_MUST_SUCCEED, "an empty boot allocator");
	}
	early_close(&s->early, &rest);
}

static void kmalloc_open(struct run *run)
{
	struct kmalloc_state *s = run->state;
	const struct script_world *w = &run->script->world;
	const uint32_t window = w->window_pages != 0 ? w->window_pages : w->pages / 4u;

	pool_world_open(&s->world, run);
	early_open(s, run);
	struct kmalloc_config config = kmalloc_world_config(run, &s->world, s->cpus);
	config.quarantine =
		w->quarantine < KMALLOC_QUARANTINE_MAX ? w->quarantine : KMALLOC_QUARANTINE_MAX;
	config.window_bytes = (size_t)window << PAGE_SHIFT;
	config.keep_bytes = (size_t)w->keep_pages << PAGE_SHIFT;
	config.early = &s->early;
	kmalloc_init(&s->km, &config);
	s->limits = (struct kmalloc_limits){
		.pages = w->pages,
		.window_pages = window,
		.redzone = config.redzone,
		.cuts = (w->flags & WORLD_ZONES) ? ZONES - 1 : 0,
	};
	memset(s->told, 0, sizeof s->told);
	s->tellings = 0;
	block_model_init(&s->model, run->machine->arena, (size_t)w->pages << PAGE_SHIFT);
}

/* --- allocation ------------------------------------------------------------------------------- */

static uint32_t how_of(uint8_t flags)
{
	return ((flags & 1) ? KM_ZERO : 0u) | ((flags & 2) ? KM_NO_RECLAIM : 0u);
}

static size_t size_of(const struct script_op *op)
{
	return (size_t)(int64_t)(int32_t)op->arg;
}

static bool was_told(const struct kmalloc_state *s, enum mm_event event)
{
	return s->world.told[event] != s->told[event];
}

/* A refusal for want of memory is told, for one reason or the other; no other refusal is. */
static void judge_telling(struct run *run, size_t bytes, size_t align)
{
	const struct kmalloc_state *s = state_of(run);
	const bool pages = was_told(s, MM_EVENT_PAGES_AT_GROWTH);
	const bool window = was_told(s, MM_EVENT_NO_HEAP_BLOCK);
	const bool legal = bytes != 0 && align <= (size_t)PAGE_SIZE << PAGE_ORDER_MAX;

	if (pages) run_sometimes(run, SAW_EXHAUSTION);
	if (window) run_sometimes(run, SAW_WINDOW_FULL);
	if ((pages || window) != legal)
		kpanic(ORACLE_VERDICT, "%zu bytes aligned %zu refused, and %s", bytes, align,
		       legal ? "nobody was told" : "it was called out of memory");
}

static void judge_refusal(struct run *run, size_t bytes, size_t align, uint32_t how)
{
	struct kmalloc_state *s = state_of(run);

	judge_telling(run, bytes, align);
	if ((how & KM_NO_RECLAIM) == 0 &&
	    kmalloc_model_must_succeed(&s->model, &s->limits, bytes, align))
		kpanic(ORACLE_MUST_SUCCEED, "%zu bytes aligned %zu refused with %u blocks live",
		       bytes, align, s->model.live_count);
}

/* A new block, or a refusal, is compared with the model and taken into it. */
static void got(struct run *run, unsigned slot, void *p, size_t bytes, size_t align, uint32_t how)
{
	struct kmalloc_state *s = state_of(run);

	run_result(run, p != NULL);
	if (p == NULL) {
		judge_refusal(run, bytes, align, how);
		return;
	}
	if (kmalloc_model_must_fail(&s->model, &s->limits, bytes, align))
		kpanic(ORACLE_MUST_FAIL, "%zu bytes granted where there cannot be room", bytes);
	const size_t usable = kmalloc_usable(&s->km, p);
	if (usable < bytes) kpanic(ORACLE_BOUNDS, "%zu bytes granted, %zu usable", bytes, usable);
	run_result(run, usable);
	block_add(&s->model, slot, p, bytes, align, (how & KM_ZERO) != 0, run->op + 1);
}

/* A right free was refused: the oracle is what the allocator thinks it has found. */
static NORETURN void refused(enum kmalloc_verdict v)
{
	static const char *const oracles[KMALLOC_VERDICTS] = {
		[KMALLOC_DOUBLE_FREE] = ORACLE_DOUBLE_FREE,
		[KMALLOC_WILD] = ORACLE_WILD_FREE,
		[KMALLOC_REDZONE] = ORACLE_REDZONE,
	};
	const char *oracle = oracles[v] != NULL ? oracles[v] : ORACLE_VERDICT;

	kpanic(oracle, "a free was answered %s", kmalloc_verdict_name(v));
}

static void give_back(struct run *run, unsigned slot)
{
	struct kmalloc_state *s = state_of(run);
	void *p = s->model.blocks[slot].at;

	block_verify(&s->model, slot, SIZE_MAX);
	block_remove(&s->model, slot);
	const enum kmalloc_verdict v = kmalloc_free(&s->km, p);
	run_result(run, v);
	if (v != KMALLOC_FREED) refused(v);
}

static void step_alloc(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);
	const size_t bytes = size_of(op);
	const uint32_t how = how_of(op->aux);

	if (s->model.blocks[op->slot].at != NULL) give_back(run, op->slot);
	got(run, op->slot, kmalloc_alloc(&s->km, bytes, how, run->op + 1), bytes, KMALLOC_ALIGN,
	    how);
}

static void step_aligned(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);
	const size_t bytes = size_of(op);
	const size_t align = (size_t)1 << op->aux;
	void *p;

	if (s->model.blocks[op->slot].at != NULL) give_back(run, op->slot);
	p = kmalloc_alloc_aligned(&s->km, bytes, align, 0, run->op + 1);
	if (p != NULL && bytes > SLAB_SIZE_MAX && align > KMALLOC_ALIGN)
		run_sometimes(run, SAW_LARGE_ALIGNED);
	got(run, op->slot, p, bytes, align, 0);
}

static void resized(struct run *run, unsigned slot, void *p, size_t bytes)
{
	struct kmalloc_state *s = state_of(run);

	const struct block *b = &s->model.blocks[slot];
	const bool in_place = p == b->at;

	run_sometimes(run, in_place ? SAW_RESIZE_IN_PLACE : SAW_RESIZE_MOVED);
	run_result(run, kmalloc_usable(&s->km, p));
	/* A block that stays keeps the site that made it. */
	block_move(&s->model, slot, p, bytes, in_place ? b->site : run->op + 1);
}

static void step_realloc(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);
	struct block *b = &s->model.blocks[op->slot];
	const size_t bytes = size_of(op);
	enum kmalloc_verdict v;
	void *p;

	if (b->at == NULL) {
		p = kmalloc_realloc(&s->km, NULL, bytes, 0, run->op + 1, &v);
		got(run, op->slot, p, bytes, KMALLOC_ALIGN, 0);
		return;
	}
	block_verify(&s->model, op->slot, SIZE_MAX);
	if (bytes == 0) block_remove(&s->model, op->slot);
	p = kmalloc_realloc(&s->km, b->at != NULL ? b->at : b->stale, bytes, 0, run->op + 1, &v);
	run_result(run, (uint64_t)v << 1 | (p != NULL));
	if (v != KMALLOC_FREED) refused(v);
	if (p != NULL) {
		resized(run, op->slot, p, bytes);
	} else if (bytes != 0) {
		run_sometimes(run, SAW_RESIZE_REFUSED);
		if (bytes <= b->bytes)
			kpanic(ORACLE_MUST_SUCCEED, "a block could not be made smaller");
		block_verify(&s->model, op->slot, SIZE_MAX);
	}
}

static void step_free(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];

	if (b->at == NULL) {
		const enum kmalloc_verdict v = kmalloc_free(&s->km, NULL);
		if (v != KMALLOC_NOTHING) kpanic(ORACLE_VERDICT, "free of NULL");
		return;
	}
	const uint32_t made = b->site - 1;
	if (made < run->script->ops && script_op(run->script, made).cpu != op->cpu)
		run_sometimes(run, SAW_OTHER_CPU_FREE);
	give_back(run, op->slot);
}

static void step_verify(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);

	(void)op;
	for (uint32_t i = 0; i < s->model.live_count; i++)
		block_verify(&s->model, s->model.live[i], SIZE_MAX);
}

static void step_drain(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);

	(void)op;
	run_result(run, kmalloc_drain(&s->km));
}

/* --- misuse ----------------------------------------------------------------------------------- */

/* The verdict must be one of those in `allowed` (a bit each); none of them changes anything. */
static void misuse(struct run *run, const void *p, uint32_t allowed)
{
	struct kmalloc_state *s = state_of(run);
	const enum kmalloc_verdict v = kmalloc_free(&s->km, (void *)(uintptr_t)p);

	run_result(run, v);
	if ((allowed >> v & 1) == 0)
		kpanic(ORACLE_VERDICT, "a bad free was answered %s", kmalloc_verdict_name(v));
}

static void step_double_free(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);
	const uint8_t *stale = s->model.blocks[op->slot].stale;

	if (stale == NULL || block_covers(&s->model, stale)) return;
	/* Its slab or span may be gone by now, or be part of something else. */
	misuse(run, stale, 1u << KMALLOC_DOUBLE_FREE | 1u << KMALLOC_WILD | 1u << KMALLOC_CORRUPT);
}

static void step_inside_free(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];

	if (b->at == NULL || b->bytes < 2) return;
	const size_t inside = 1 + op->arg % (b->bytes - 1);
	misuse(run, b->at + inside, 1u << KMALLOC_WILD | 1u << KMALLOC_CORRUPT);
}

static void step_wild_free(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);
	uint8_t *arena = run->machine->arena;
	const uint8_t *const wild[] = {
		arena + ((size_t)s->limits.pages << PAGE_SHIFT), /* just behind the pool */
		arena + RUN_ARENA_BYTES - 16,
		(const uint8_t *)s, /* not RAM of the pool at all */
		(const uint8_t *)(uintptr_t)16,
		(const uint8_t *)UINTPTR_MAX - 15,
	};

	misuse(run, wild[op->aux % COUNT_OF(wild)], 1u << KMALLOC_WILD);
}

METADATA_ACCESS static void flip(uint8_t *at)
{
	*at ^= 0xff;
}

static void step_overflow(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];
	const size_t usable = b->at == NULL ? 0 : kmalloc_usable(&s->km, b->at);

	/* A slab object with a redzone behind it: a byte there is changed, and changed back. */
	if (s->limits.redzone == 0 || usable == 0 || usable > SLAB_SIZE_MAX ||
	    b->bytes > SLAB_SIZE_MAX)
		return;
	struct frame *frame = page_frame(&s->world.pool, mach_pa(b->at));
	if (frame->owner != PAGE_OWNER_SLAB) return;
	uint8_t *at = b->at + usable + op->arg % s->limits.redzone;
	flip(at);
	misuse(run, b->at, 1u << KMALLOC_REDZONE);
	flip(at);
	run_sometimes(run, SAW_REDZONE_CAUGHT);
}

static void step_early_free(struct run *run, const struct script_op *op)
{
	struct kmalloc_state *s = state_of(run);
	const unsigned n = op->slot % EARLY_BLOCKS;

	/* Its heap counts frees and no more: only one too many is known to be wrong. */
	if (s->early_freed < EARLY_BLOCKS)
		misuse(run, s->early_block[n], 1u << KMALLOC_EARLY);
	else
		misuse(run, s->early_block[n], 1u << KMALLOC_DOUBLE_FREE);
	if (s->early_freed < EARLY_BLOCKS) s->early_freed++;
	for (size_t i = 0; i < 40u << n; i++)
		if (s->early_block[n][i] != 0)
			kpanic(ORACLE_CONTENT, "a freed boot block was reused");
	run_sometimes(run, SAW_EARLY_FREED);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_counts(struct run *run)
{
	struct kmalloc_state *s = state_of(run);
	struct slab_cache *cache = &s->km.caches[run->op % KMALLOC_CLASSES];
	const char *why = page_check_counts(&s->world.pool);

	if (why == NULL) why = slab_check_counts(cache);
	if (why != NULL) kpanic(ORACLE_ACCOUNT, "%s", why);
	if (s->tellings != s->world.tellings) {
		memcpy(s->told, s->world.told, sizeof s->told);
		s->tellings = s->world.tellings;
	}
	run_result(run, s->world.pool.free[ZONE_KERNEL].pages);
}

/* What the sites say is live must be what the model has. */
static void check_sites(struct run *run)
{
	struct kmalloc_state *s = state_of(run);
	struct site_row rows[SCRIPT_SLOTS + 1];
	uint32_t found = 0;
	size_t n = 0;

	if (!kmalloc_sites(&s->km, rows, COUNT_OF(rows), &n))
		kpanic(ORACLE_ACCOUNT, "more sites have live blocks than there are blocks");
	for (size_t r = 0; r < n; r++) {
		const uint32_t blocks = block_count_at(&s->model, rows[r].site);
		found += rows[r].objects;
		if (blocks != rows[r].objects)
			kpanic(ORACLE_ACCOUNT, "site %u has %u live blocks, the model %u",
			       rows[r].site, rows[r].objects, blocks);
	}
	if (found != s->model.live_count)
		kpanic(ORACLE_ACCOUNT, "all sites have %u live blocks, the model %u", found,
		       s->model.live_count);
}

static void check_walk(struct run *run)
{
	struct kmalloc_state *s = state_of(run);
	struct kmalloc_counts counts;
	const char *why = kmalloc_check(&s->km);

	if (why == NULL) why = kmalloc_check_counts(&s->km);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	kmalloc_count(&s->km, &counts);
	if (counts.live_objects != s->model.live_count)
		kpanic(ORACLE_ACCOUNT, "%lu blocks live, the model has %u",
		       (unsigned long)counts.live_objects, s->model.live_count);
	if (counts.live_bytes < s->model.live_bytes)
		kpanic(ORACLE_ACCOUNT, "fewer bytes live than were asked for");
	if (counts.quarantined == KMALLOC_QUARANTINE_MAX ||
	    (counts.quarantined != 0 && counts.quarantined == s->km.quarantine_limit))
		run_sometimes(run, SAW_QUARANTINE_FULL);
	for (unsigned c = 0; c < KMALLOC_CLASSES; c++)
		if (counts.slab[c].returned != 0) run_sometimes(run, SAW_SLAB_RETURNED);
	if (CALL_SITES && (run->script->world.flags & WORLD_SITES)) check_sites(run);
	run_result(run, counts.live_bytes);
	run_result(run, (uint64_t)counts.slab_pages << 32 | counts.heap_pages);
}

static void kmalloc_check_run(struct run *run, enum check_depth depth)
{
	if (depth == CHECK_WALK)
		check_walk(run);
	else
		check_counts(run);
}

static void kmalloc_close(struct run *run)
{
	struct kmalloc_state *s = state_of(run);

	while (s->model.live_count != 0) give_back(run, s->model.live[s->model.live_count - 1]);
	kmalloc_drain(&s->km);
	check_walk(run);
	pool_world_close(&s->world);
}

/* --- the table -------------------------------------------------------------------------------- */

static const char *const flag_names[] = { "zero", "no-reclaim" };

/* clang-format off */
#define SLOT { "slot", IN_SLOT, FORM_NUMBER, SCRIPT_SLOTS, NULL }
#define SIZE { "size", IN_ARG, FORM_SIZE, 0, NULL }

static const struct op_kind operations[] = {
	{ "alloc", 40, { SLOT,
			 SIZE,
			 { "flags", IN_AUX, FORM_FLAGS, 2, flag_names } }, step_alloc },
	{ "free", 40, { SLOT }, step_free },
	{ "realloc", 16, { SLOT,
			   SIZE }, step_realloc },
	{ "aligned", 8, { SLOT,
			  SIZE,
			  { "shift", IN_AUX, FORM_NUMBER, 24, NULL } }, step_aligned },
	{ "verify", 2, { { NULL, 0, 0, 0, NULL } }, step_verify },
	{ "drain", 2, { { NULL, 0, 0, 0, NULL } }, step_drain },
	{ "double-free", 4, { SLOT }, step_double_free },
	{ "inside-free", 3, { SLOT,
			      { "offset", IN_ARG, FORM_NUMBER, 0, NULL } }, step_inside_free },
	{ "wild-free", 2, { { "which", IN_AUX, FORM_NUMBER, 5, NULL } }, step_wild_free },
	{ "overflow", 3, { SLOT,
			   { "offset", IN_ARG, FORM_NUMBER, 0, NULL } }, step_overflow },
	{ "early-free", 1, { { "slot", IN_SLOT, FORM_NUMBER, EARLY_BLOCKS, NULL } },
	  step_early_free },
};
/* clang-format on */

const struct subject kmalloc_subject = {
	.name = "kmalloc",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = kmalloc_open,
	.check = kmalloc_check_run,
	.close = kmalloc_close,
};
