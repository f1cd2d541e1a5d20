/*
 * slab_fuzz.c -- subject slab: eight caches of objects over one small pool.
 *
 * Sizes from 16 to 2,048 bytes, so that slabs of one page and of several occur, with the header's
 * redzones and poison.  Objects are got and given back by handle on the CPU the
 * operation names; misuse expects its exact verdict: an object freed to another cache, twice, in
 * its middle, or with its redzone written to.
 *
 * Results in the digest: grants, verdicts, pages given back by a drain, free pages after each
 * operation, and per cache at each walk how many objects are live, cached, and in how many slabs.
 */
#include "fuzz/block_model.h"
#include "fuzz/pool_world.h"
#include "mm/slab.h"

enum { CACHES = 8 };

static const uint16_t cache_bytes[CACHES] = { 16, 48, 96, 160, 512, 1024, 1536, 2048 };

struct slab_state {
	struct pool_world world;
	struct slab_cache caches[CACHES];
	struct block_model model;
	uint8_t cache_of[SCRIPT_SLOTS]; /* which cache a handle's object is, or was last, from */
	uint32_t live[CACHES];
	struct slab_cpu cpus[SCRIPT_CPUS_MAX * CACHES];
};

_Static_assert(sizeof(struct slab_state) <= RUN_STATE_BYTES, "a run's state holds it");

enum {
	SAW_EXHAUSTION,
	SAW_SLAB_FULL,
	SAW_SLAB_KEPT,
	SAW_SLAB_RETURNED,
	SAW_SEVERAL_PAGES,
	SAW_OTHER_CPU_FREE,
	SAW_REDZONE_CAUGHT,
	SAW_STATES
};

static const char *const saw_names[] = {
	"exhaustion",    "slab-full",      "slab-kept",      "slab-returned",
	"several-pages", "other-cpu-free", "redzone-caught", NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

static struct slab_state *state_of(const struct run *run)
{
	return run->state;
}

static void slab_open(struct run *run)
{
	struct slab_state *s = run->state;
	const struct script_world *w = &run->script->world;

	pool_world_open(&s->world, run);
	memset(s->live, 0, sizeof s->live);
	for (uint32_t c = 0; c < CACHES; c++) {
		const struct slab_config config = {
			.pages = &s->world.pool,
			.size = cache_bytes[c],
			.number = c,
			.keep = w->keep_pages,
			.redzone = (uint32_t)align_up(w->redzone, KMALLOC_ALIGN),
			.poison = (w->flags & WORLD_POISON) != 0,
			.sites = (w->flags & WORLD_SITES) != 0,
			.cpus = w->magazine != 0 ? s->cpus + c : NULL,
			.cpu_stride = CACHES,
		};
		slab_cache_init(&s->caches[c], &config);
		if (s->caches[c].order != 0) run_sometimes(run, SAW_SEVERAL_PAGES);
	}
	block_model_init(&s->model, run->machine->arena, (size_t)w->pages << PAGE_SHIFT);
}

/* --- operations ------------------------------------------------------------------------------- */

/* A right free was refused: the oracle is what the allocator thinks it has found. */
static NORETURN void refused(enum slab_verdict v)
{
	static const char *const oracles[SLAB_VERDICTS] = {
		[SLAB_DOUBLE_FREE] = ORACLE_DOUBLE_FREE,
		[SLAB_WILD] = ORACLE_WILD_FREE,
		[SLAB_REDZONE] = ORACLE_REDZONE,
	};
	const char *oracle = oracles[v] != NULL ? oracles[v] : ORACLE_VERDICT;

	kpanic(oracle, "a free was answered %s", slab_verdict_name(v));
}

static void give_back(struct run *run, unsigned slot)
{
	struct slab_state *s = state_of(run);
	void *p = s->model.blocks[slot].at;

	block_verify(&s->model, slot, SIZE_MAX);
	block_remove(&s->model, slot);
	s->live[s->cache_of[slot]]--;
	const enum slab_verdict v = slab_free(&s->caches[s->cache_of[slot]], p);
	if (v != SLAB_FREED) refused(v);
}

/* More free pages than this are not to be had without 2^order of them in a row: one fewer in each
 * place for such a row, and as many at the ends of two zones and of the pool. */
static uint32_t pages_in_pieces(const struct slab_state *s, unsigned order)
{
	const uint32_t row = 1u << order;

	return (s->world.pool.pages / row + 3) * (row - 1);
}

/* Nobody holds back free pages from slabs: a refusal means that there is no row of them. */
static void judge_refusal(struct run *run, unsigned c)
{
	struct slab_state *s = state_of(run);
	struct page_counts counts;

	run_sometimes(run, SAW_EXHAUSTION);
	page_count(&s->world.pool, &counts);
	if (counts.free > pages_in_pieces(s, s->caches[c].order))
		kpanic(ORACLE_MUST_SUCCEED, "cache %u: no slab of %u pages with %u free", c,
		       1u << s->caches[c].order, counts.free);
}

static void step_alloc(struct run *run, const struct script_op *op)
{
	struct slab_state *s = state_of(run);
	const unsigned c = op->aux;
	const size_t bytes = 1 + op->arg % cache_bytes[c];
	uint8_t *p;

	if (s->model.blocks[op->slot].at != NULL) give_back(run, op->slot);
	p = slab_alloc(&s->caches[c], bytes, PAGE_NO_RECLAIM, run->op + 1);
	run_result(run, p != NULL);
	if (p == NULL) {
		judge_refusal(run, c);
		return;
	}
	s->cache_of[op->slot] = (uint8_t)c;
	s->live[c]++;
	block_add(&s->model, op->slot, p, bytes, KMALLOC_ALIGN, false, run->op + 1);
}

static void step_free(struct run *run, const struct script_op *op)
{
	struct slab_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];

	if (b->at == NULL) return;
	if (script_op(run->script, b->site - 1).cpu != op->cpu)
		run_sometimes(run, SAW_OTHER_CPU_FREE);
	give_back(run, op->slot);
}

static void step_drain(struct run *run, const struct script_op *op)
{
	struct slab_state *s = state_of(run);
	struct slab_counts counts;

	slab_count(&s->caches[op->aux], &counts);
	if (counts.slabs != 0 && counts.live + counts.cached == 0)
		run_sometimes(run, SAW_SLAB_KEPT);
	run_result(run, slab_drain(&s->caches[op->aux]));
}

static void misuse(struct run *run, unsigned cache, void *p, enum slab_verdict expected)
{
	struct slab_state *s = state_of(run);
	const enum slab_verdict v = slab_free(&s->caches[cache], p);

	run_result(run, v);
	if (v != expected)
		kpanic(ORACLE_VERDICT, "a bad free was answered %s, not %s", slab_verdict_name(v),
		       slab_verdict_name(expected));
}

static void step_double_free(struct run *run, const struct script_op *op)
{
	struct slab_state *s = state_of(run);
	struct block *b = &s->model.blocks[op->slot];
	const unsigned c = s->cache_of[op->slot];

	/* At once, while the slab is still the cache's: then there is only one right answer. */
	if (b->at == NULL || s->live[c] < 2 || s->caches[c].per_slab == 1) return;
	uint8_t *p = b->at;
	give_back(run, op->slot);
	if (page_frame(&s->world.pool, mach_pa(p))->owner == PAGE_OWNER_SLAB)
		misuse(run, c, p, SLAB_DOUBLE_FREE);
}

static void step_inside_free(struct run *run, const struct script_op *op)
{
	struct slab_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];

	if (b->at == NULL || b->bytes < 2) return;
	misuse(run, s->cache_of[op->slot], b->at + 1 + op->arg % (b->bytes - 1), SLAB_WILD);
}

static void step_foreign_free(struct run *run, const struct script_op *op)
{
	struct slab_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];

	if (b->at == NULL) return;
	misuse(run, (s->cache_of[op->slot] + 1u + op->aux % (CACHES - 1)) % CACHES, b->at,
	       SLAB_WILD);
}

METADATA_ACCESS static void flip(uint8_t *at)
{
	*at ^= 0xff;
}

static void step_overflow(struct run *run, const struct script_op *op)
{
	struct slab_state *s = state_of(run);
	const struct block *b = &s->model.blocks[op->slot];

	if (b->at == NULL) return;
	const unsigned c = s->cache_of[op->slot];
	const uint32_t redzone = s->caches[c].stride - s->caches[c].size;
	if (redzone == 0) return;
	uint8_t *at = b->at + cache_bytes[c] + op->arg % redzone;
	flip(at);
	misuse(run, c, b->at, SLAB_REDZONE);
	flip(at);
	run_sometimes(run, SAW_REDZONE_CAUGHT);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_counts(struct run *run)
{
	struct slab_state *s = state_of(run);
	const char *why = page_check_counts(&s->world.pool);

	for (unsigned c = 0; c < CACHES && why == NULL; c++) why = slab_check_counts(&s->caches[c]);
	if (why != NULL) kpanic(ORACLE_ACCOUNT, "%s", why);
	run_result(run, s->world.pool.free[ZONE_KERNEL].pages);
}

/* Every live object is at the site that asked for it, and nothing else is. */
static void check_sites(struct run *run)
{
	struct slab_state *s = state_of(run);
	struct site_row rows[SCRIPT_SLOTS + 1];
	uint32_t found = 0;
	size_t n = 0;

	if (!slab_sites(s->caches, CACHES, rows, COUNT_OF(rows), &n))
		kpanic(ORACLE_ACCOUNT, "more sites have live objects than there are objects");
	for (uint32_t i = 0; i < s->model.live_count; i++) {
		const unsigned slot = s->model.live[i];
		size_t r = 0;
		while (r < n && rows[r].site != s->model.blocks[slot].site) r++;
		found += r < n && rows[r].objects == 1 &&
			 rows[r].bytes == cache_bytes[s->cache_of[slot]];
	}
	if (found != s->model.live_count || found != n)
		kpanic(ORACLE_ACCOUNT, "%zu sites, %u as the model has them, of %u", n, found,
		       s->model.live_count);
}

static void check_walk(struct run *run)
{
	struct slab_state *s = state_of(run);
	const char *why = page_check(&s->world.pool);

	if (why == NULL) why = slab_check(s->caches, CACHES, NULL);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	for (unsigned c = 0; c < CACHES; c++) {
		struct slab_counts counts;
		slab_count(&s->caches[c], &counts);
		if (counts.live != s->live[c])
			kpanic(ORACLE_ACCOUNT, "cache %u: %lu objects live, the model has %u", c,
			       (unsigned long)counts.live, s->live[c]);
		if (counts.returned != 0) run_sometimes(run, SAW_SLAB_RETURNED);
		if (s->caches[c].full != 0) run_sometimes(run, SAW_SLAB_FULL);
		run_result(run, counts.cached << 32 | counts.slabs);
	}
	if (CALL_SITES && (run->script->world.flags & WORLD_SITES)) check_sites(run);
}

static void slab_check_run(struct run *run, enum check_depth depth)
{
	if (depth == CHECK_WALK)
		check_walk(run);
	else
		check_counts(run);
}

static void slab_close(struct run *run)
{
	struct slab_state *s = state_of(run);

	while (s->model.live_count != 0) give_back(run, s->model.live[s->model.live_count - 1]);
	for (unsigned c = 0; c < CACHES; c++) slab_drain(&s->caches[c]);
	check_walk(run);
	pool_world_close(&s->world);
}

/* --- the table -------------------------------------------------------------------------------- */

/* clang-format off */
#define SLOT { "slot", IN_SLOT, FORM_NUMBER, SCRIPT_SLOTS, NULL }

static const struct op_kind operations[] = {
	{ "alloc", 45, { SLOT, { "cache", IN_AUX, FORM_NUMBER, CACHES, NULL },
			 { "size", IN_ARG, FORM_NUMBER, 0, NULL } }, step_alloc },
	{ "free", 45, { SLOT }, step_free },
	{ "drain", 3, { { "cache", IN_AUX, FORM_NUMBER, CACHES, NULL } }, step_drain },
	{ "double-free", 4, { SLOT }, step_double_free },
	{ "inside-free", 3, { SLOT, { "offset", IN_ARG, FORM_NUMBER, 0, NULL } },
	  step_inside_free },
	{ "foreign-free", 2, { SLOT, { "other", IN_AUX, FORM_NUMBER, CACHES - 1, NULL } },
	  step_foreign_free },
	{ "overflow", 3, { SLOT, { "offset", IN_ARG, FORM_NUMBER, 0, NULL } }, step_overflow },
};
/* clang-format on */

const struct subject slab_subject = {
	.name = "slab",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = slab_open,
	.check = slab_check_run,
	.close = slab_close,
};
