/*
 * page_fuzz.c -- subject page: a pool of pages, its caches, quarantine, zones and shrinkers.
 *
 * The world: the header's pages from the arena's start, zones as pool_world.h cuts them where it
 * asks for zones, a reserve, caches, a quarantine, poison; and of `tag`, the low byte is how many
 * pages in the middle are reserved (at most a quarter of all).
 *
 * Handles hold blocks or runs.  What owner a handle's pages have follows from its number
 * (page_owner_of), so that misuse by a wrong owner needs no field.  Every answer is judged against
 * the model, in both directions: a request that can be met once everything that is free is really
 * free must be met, and one that cannot must be refused.  A shrinker gives back what one handle
 * has, when the allocator asks; before that it tries to allocate, which must fail.
 *
 * Results in the digest: grants and the zones they came from, verdicts, and after each operation
 * how many pages are free, cached, quarantined and used.
 *
 * The operations are in page_steps.c, page_misuse.c and page_pressure.c, the checks in
 * page_oracle.c.
 */
#include "fuzz/page_subject.h"
#include "fuzz/pool_world.h"

#include "machine/machine.h"

/* clang-format off */
static const char *const saw_names[] = {
	"exhaustion",
	"fell-back-to-kernel", "fell-back-to-user", "fell-back-to-dma", "reserve-held",
	"largest-given", "largest-merged", "every-order",
	"cache-filled", "cache-overflowed", "cache-drained",
	"quarantine-overflowed", "quarantine-drained",
	"other-cpu-free",
	"run-over-blocks", "run-freed-in-part", "claim-granted", "claim-over-zones",
	"shrinker-saved", "shrinker-in-vain",
	"pressure-low", "pressure-critical",
	"all-pages-out", "one-page-left",
	NULL,
};
/* clang-format on */

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");
_Static_assert(sizeof(struct page_state) <= RUN_STATE_BYTES, "a run's state holds it");

/* clang-format off */
/* `how` in an operation: a zone, and with it zeroed pages, no reclaim, or both. */
static const char *const how_names[HOWS] = {
	"dma",            "kernel",            "user",
	"dma-zero",       "kernel-zero",       "user-zero",
	"dma-hasty",      "kernel-hasty",      "user-hasty",
	"dma-zero-hasty", "kernel-zero-hasty", "user-zero-hasty",
};
/* clang-format on */

static const char *const bad_names[BADS] = {
	"again",   "inside",   "order", "huge-order", "owner",
	"crooked", "reserved", "below", "above",      "far",
};

/* --- the world ------------------------------------------------------------------------------ */

static void world_open(struct run *run)
{
	struct page_state *s = page_state_of(run);
	const struct script_world *w = &run->script->world;
	struct page_config config = pool_world_config(run, s->frames, &s->listener);

	config.quarantine_pages = w->quarantine;
	memset(s, 0, offsetof(struct page_state, frames));
	memset(s->frames, 0, w->pages * sizeof(s->frames[0]));
	s->base = config.base;
	s->hole = w->pages / 2u;
	s->hole_pages = (uint32_t)min_u64(w->tag & 0xff, w->pages / 4u);
	page_oracle_open(run);
	page_pool_init(&s->pool, &config);
	page_pool_give(&s->pool, 0, s->hole);
	page_pool_give(&s->pool, s->hole + s->hole_pages, w->pages);
	page_model_init(&s->model, w->pages, config.zone_end, w->reserve, s->hole, s->hole_pages);
	s->pristine = page_hash(&s->pool);
}

static void world_close(struct run *run)
{
	struct page_state *s = page_state_of(run);

	for (unsigned slot = 0; slot < SCRIPT_SLOTS; slot++)
		if (s->model.holding[slot].held) page_give_back(run, slot);
	page_drain(&s->pool);
	page_oracle_drained(run);
	page_oracle_check(run, CHECK_WALK);
	page_oracle_pristine(run);
}

/* clang-format off */
#define SLOT { "slot", IN_SLOT, FORM_NUMBER, SCRIPT_SLOTS, NULL }
#define HOW { "how", IN_AUX, FORM_NAMES, HOWS, how_names }
#define AT { "page", IN_ARG, FORM_NUMBER, SCRIPT_PAGES_MAX + 16, NULL }
#define COUNT { "pages", IN_AUX, FORM_NUMBER, 0, NULL }
#define ARG(name, limit) { name, IN_ARG, FORM_NUMBER, limit, NULL }
/* More pages than any pool has, so that sums wrap: -1 is the most there can be. */
#define MANY { "pages", IN_ARG, FORM_SIZE, 0, NULL }
#define NEAR { "page", IN_AUX, FORM_NUMBER, 0, NULL }
#define KIND { "kind", IN_AUX, FORM_NAMES, BADS, bad_names }
#define WHICH { "which", IN_AUX, FORM_NUMBER, SHRINKERS, NULL }

static const struct op_kind operations[] = {
	{ "alloc", 25, { SLOT, ARG("order", PAGE_ORDERS + 2), HOW }, page_step_alloc },
	{ "page", 30, { SLOT, HOW }, page_step_alloc },
	{ "free", 45, { SLOT }, page_step_free },
	{ "run", 12, { SLOT, ARG("pages", SCRIPT_PAGES_MAX + 16), HOW }, page_step_run },
	{ "free-part", 8, { SLOT, ARG("from", SCRIPT_PAGES_MAX), COUNT }, page_step_free_part },
	{ "claim", 4, { SLOT, AT, COUNT }, page_step_claim_kernel },
	{ "claim-dma", 1, { SLOT, AT, COUNT }, page_step_claim_dma },
	{ "claim-user", 2, { SLOT, AT, COUNT }, page_step_claim_user },
	{ "use", 4, { SLOT, ARG("value", 0) }, page_step_use },
	{ "drain", 2, { { NULL, 0, 0, 0, NULL } }, page_step_drain },
	{ "reclaim", 2, { ARG("pages", SCRIPT_PAGES_MAX) }, page_step_reclaim },
	{ "shrinker", 5, { SLOT, WHICH }, page_step_shrinker },
	{ "bad-free", 8, { SLOT, KIND, ARG("value", 0) }, page_step_bad_free },
	{ "free-range", 3, { SLOT, AT, COUNT }, page_step_free_range },
	{ "run-many", 1, { SLOT, MANY, HOW }, page_step_run },
	{ "claim-many", 1, { SLOT, MANY, NEAR }, page_step_claim_many },
	{ "free-many", 1, { SLOT, MANY, NEAR }, page_step_free_many },
};
/* clang-format on */

const struct subject page_subject = {
	.name = "page",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = world_open,
	.check = page_oracle_check,
	.close = world_close,
};
