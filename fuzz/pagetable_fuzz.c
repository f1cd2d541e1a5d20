/*
 * pagetable_fuzz.c -- subject pagetable: trees of page tables over one small pool, on several CPUs.
 *
 * Eight trees, opened when something is first done with one, share pages, ASIDs and CPUs.  Entries
 * come, change and go, one at a time or by ranges; CPUs install trees, and touch pages as a user
 * would: what such an access meets is the proof that nothing stale was left behind.  Beside them
 * kernel stacks come and go in a window of their own.  ASIDs have 4 bits and 0 to 3 more, by the
 * low bits of the header's tag; `keep_pages` says how many stacks are kept.
 *
 * The model (pagetable_model.c) says for each page what its entry reads and what an access through
 * it does, counts tables by comparing addresses, and knows each frame's content and holders.
 * After each operation all counts must agree, to the page; a walk looks at every entry.
 *
 * Results in the digest: answers, numbers of spaces, faults, stacks' places, free pages.
 */
#include "fuzz/pagetable_subject.h"

/* clang-format off */
static const char *const saw_names[] = {
	"exhaustion", "table-refused", "chain-refused", "table-gone-3", "table-gone-2",
	"table-gone-1", "prepared-used", "prepared-gone", "batch-overflow",
	"batch-never-installed", "asid-rollover", "asid-kept", "shared", "replaced",
	"replaced-held", "restored", "aged", "stale-avoided", "stale-elsewhere", "access-flag",
	"fetched", "reopened", "remapped", "moved", "copied", "stack-reused", "stack-reclaimed",
	"stack-refused", NULL,
};
/* clang-format on */

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

/* --- the world -------------------------------------------------------------------------------- */

static void zeroes_open(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) | PAGE_ZERO;

	s->zeroes = page_alloc(&s->world.pool, 0, how, 0);
	if (s->zeroes == PADDR_NONE) kpanic(ORACLE_MUST_SUCCEED, "no page of zeroes");
	s->zero_frame = (uint32_t)((s->zeroes - s->world.pool.base) >> PAGE_SHIFT);
	s->zero_content = 0;
}

static void subject_open(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const struct script_world *w = &run->script->world;

	pool_world_open(&s->world, run);
	model_init(&s->model);
	asid_pool_init(&s->asids, ASID_BITS_MIN + w->tag % 4u, w->cpus);
	s->generation_began = false;
	memset(s->crowd, 0, sizeof s->crowd);
	zeroes_open(run);
	stacks_open(run);
}

static void subject_leave(struct run *run)
{
	cpu_leave(run);
}

static void subject_check(struct run *run, enum check_depth depth)
{
	pagetable_check_counts(run);
	if (depth == CHECK_WALK) pagetable_check_walk(run);
}

static void subject_close(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);

	for (unsigned tree = 0; tree < TREES; tree++)
		if (s->model.tree[tree].open) tables_close(run, tree);
	pagetable_check_counts(run);
	pagetable_check_walk(run);
	stacks_close(run);
	if (page_free(&s->world.pool, s->zeroes, 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL)) !=
	    PAGE_FREED)
		kpanic(ORACLE_VERDICT, "the page of zeroes is not ours");
	pool_world_close(&s->world);
}

/* --- the table -------------------------------------------------------------------------------- */

static const char *const rights[] = { "none", "r", "w", "rw", "x", "rx", "wx", "rwx" };
static const char *const accesses[] = { "load", "store", "fetch" };
static const char *const ways[] = { "each", "visit" };
static const char *const ages[] = { "lazily", "forget" };
static const char *const reclaims[] = { "no", "reclaim" };

/* clang-format off */
#define TREE { "tree", IN_SLOT, FORM_NUMBER, TREES, NULL }
#define PAGE { "page", IN_AUX, FORM_NUMBER, TREE_PAGES, NULL }
#define MORE { "more", IN_LOW, FORM_NUMBER, TREE_PAGES, NULL }
#define RIGHTS(place) { "rights", place, FORM_NAMES, COUNT_OF(rights), rights }
#define STACK { "stack", IN_SLOT, FORM_NUMBER, STACK_HANDLES, NULL }

static const struct op_kind operations[] = {
	{ "map", 40, { TREE, PAGE, RIGHTS(IN_LOW),
		       { "may", IN_HIGH, FORM_NAMES, COUNT_OF(reclaims), reclaims } }, step_map },
	{ "fill", 6, { TREE, PAGE, MORE, RIGHTS(IN_HIGH) }, step_fill },
	{ "share", 15, { TREE, PAGE, { "from", IN_LOW, FORM_NUMBER, TREES * TREE_PAGES, NULL },
			 RIGHTS(IN_HIGH) }, step_share },
	{ "zero", 5, { TREE, PAGE, RIGHTS(IN_ARG) }, step_zero },
	{ "prepare", 5, { TREE, PAGE }, step_prepare },
	{ "clear", 20, { TREE, PAGE, MORE, { "way", IN_HIGH, FORM_NAMES, COUNT_OF(ways), ways } },
	  step_clear },
	{ "protect", 15, { TREE, PAGE, MORE, RIGHTS(IN_HIGH) }, step_protect },
	{ "replace", 15, { TREE, PAGE, RIGHTS(IN_ARG) }, step_replace },
	{ "age", 5, { TREE, PAGE, MORE, { "then", IN_HIGH, FORM_NAMES, COUNT_OF(ages), ages } },
	  step_age },
	{ "visit", 5, { TREE, PAGE, MORE,
			{ "stop", IN_HIGH, FORM_NUMBER, TREE_PAGES, NULL } }, step_visit },
	{ "install", 25, { TREE }, step_install },
	{ "leave", 3, { { NULL, IN_SLOT, FORM_NUMBER, 0, NULL } }, step_leave },
	{ "touch", 60, { { "page", IN_AUX, FORM_NUMBER, TREE_PAGES + 1, NULL },
			 { "as", IN_ARG, FORM_NAMES, COUNT_OF(accesses), accesses } }, step_touch },
	{ "close", 8, { TREE }, step_close },
	{ "stack-alloc", 8, { STACK }, step_stack_alloc },
	{ "stack-free", 8, { STACK }, step_stack_free },
	{ "stack-drain", 1, { { NULL, IN_SLOT, FORM_NUMBER, 0, NULL } }, step_stack_drain },
	{ "stack-overrun", 1, { STACK, { "word", IN_AUX, FORM_NUMBER, 8, NULL },
				{ "bit", IN_ARG, FORM_NUMBER, 64, NULL } }, step_stack_overrun },
	{ "stack-guard", 1, { { "at", IN_ARG, FORM_NUMBER, 0, NULL } }, step_stack_guard },
	{ "remap", 8, { TREE, PAGE, MORE, RIGHTS(IN_HIGH) }, step_remap },
	{ "move", 8, { TREE, PAGE, MORE, { "to", IN_HIGH, FORM_NUMBER, TREE_PAGES, NULL } },
	  step_move },
	{ "copy", 8, { TREE, PAGE, MORE, { "into", IN_HIGH, FORM_NUMBER, TREES, NULL } },
	  step_copy },
	{ "crowd", 5, { { "more", IN_AUX, FORM_NUMBER, CROWD, NULL } }, step_crowd },
	{ "sweep", 12, { PAGE, MORE, { "as", IN_HIGH, FORM_NAMES, COUNT_OF(accesses), accesses } },
	  step_sweep },
};
/* clang-format on */

const struct subject pagetable_subject = {
	.name = "pagetable",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = subject_open,
	.check = subject_check,
	.close = subject_close,
	.leave = subject_leave,
};
