/*
 * pagetable_steps.c -- opening and closing trees, and entries put where nothing was.
 *
 * A page is asked for without reclaim, unless the script says otherwise, so the model knows whether
 * it is to be had: a page for a user leaves the reserve, a table takes any.  With reclaim, kept
 * stacks may come to help, and only a refusal with none kept and nothing free is judged.
 *
 * A refusal must leave the pool with as many free pages as before, and the tree with as many
 * tables; the walk after it looks at the rest.
 */
#include "fuzz/pagetable_subject.h"

/* --- what is to be expected ------------------------------------------------------------------- */

/* A user's page was asked for with `had` pages to be had, and was or was not got. */
static void judge_user(struct run *run, uint32_t had, bool got, uint32_t flags)
{
	const struct script_world *w = &run->script->world;
	const bool zones =
		(w->flags & WORLD_ZONES) != 0; /* pages of the user's own have no reserve */

	run_result(run, got);
	if (!got) run_sometimes(run, SAW_EXHAUSTION);
	if (!got && had > w->reserve)
		kpanic(ORACLE_MUST_SUCCEED, "no page for a user with %u to be had", had);
	if (got && (flags & PAGE_NO_RECLAIM) != 0 && had <= (zones ? 0 : w->reserve))
		kpanic(ORACLE_MUST_FAIL, "a page for a user with %u to be had", had);
}

/* `missing` tables were asked for with `had` pages to be had. */
static void judge_tables(struct run *run, uint32_t had, uint32_t missing, bool got, uint32_t flags)
{
	struct pagetable_state *s = pagetable_state_of(run);

	if (!got && had >= missing)
		kpanic(ORACLE_MUST_SUCCEED, "no %u tables with %u pages to be had", missing, had);
	if (got && (flags & PAGE_NO_RECLAIM) != 0 && had < missing)
		kpanic(ORACLE_MUST_FAIL, "%u tables with %u pages to be had", missing, had);
	if (got) return;
	run_sometimes(run, SAW_TABLE_REFUSED);
	if (had != 0) run_sometimes(run, SAW_CHAIN_REFUSED);
	if ((flags & PAGE_NO_RECLAIM) != 0 && pool_world_available(&s->world) != had)
		kpanic(ORACLE_LEAK, "tables that were refused took pages: %u of %u are left",
		       pool_world_available(&s->world), had);
}

paddr_t page_for_user(struct run *run, uint32_t flags)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const uint32_t had = pool_world_available(&s->world);
	const paddr_t pa = user_page_alloc(&s->world.pool, flags, run->op + 1);

	judge_user(run, had, pa != PADDR_NONE, flags);
	if ((flags & PAGE_NO_RECLAIM) == 0) stacks_sync(run);
	if (pa == PADDR_NONE) return pa;
	const uint32_t frame = (uint32_t)((pa - s->world.pool.base) >> PAGE_SHIFT);
	if (frame >= s->world.pool.pages) kpanic(ORACLE_BOUNDS, "a page from nowhere");
	if (s->model.frame[frame].references != 0 || pa == s->zeroes)
		kpanic(ORACLE_OVERLAP, "page %u is given twice", frame);
	s->model.frame[frame].content = (run->op + 1) * 0x9e3779b97f4a7c15ull;
	*frame_word(s, frame) = s->model.frame[frame].content;
	return pa;
}

/* --- trees ------------------------------------------------------------------------------------ */

bool tables_open(struct run *run, unsigned tree)
{
	struct pagetable_state *s = pagetable_state_of(run);
	struct model_tree *t = &s->model.tree[tree];

	if (t->open) return true;
	const uint32_t had = pool_world_available(&s->world);
	const bool got = pagetable_init(&s->tree[tree], &s->world.pool, false, run->op + 1);
	judge_tables(run, had, 1, got, 0);
	stacks_sync(run);
	if (!got) return false;
	*t = (struct model_tree){ .open = true };
	return true;
}

void tables_close(struct run *run, unsigned tree)
{
	struct pagetable_state *s = pagetable_state_of(run);

	tree_clear(run, tree, 0, TREE_PAGES, true);
	pagetable_close(&s->tree[tree]);
	s->model.tree[tree].open = false;
}

void step_close(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned tree = op->slot;

	if (!s->model.tree[tree].open) return;
	for (unsigned cpu = 0; cpu < run->script->world.cpus; cpu++)
		if (cpu != op->cpu && s->model.installed[cpu] == tree + 1) return;
	if (s->model.installed[op->cpu] == tree + 1) cpu_leave(run);
	tables_close(run, tree);
	run_sometimes(run, SAW_REOPENED);
}

/* --- entries ---------------------------------------------------------------------------------- */

/* Maps `now` where the script wants it, and judges the answer; true when it is there. */
static bool map_entry(struct run *run, unsigned tree, unsigned page, const struct model_page *now,
		      paddr_t pa, uint32_t flags)
{
	struct pagetable_state *s = pagetable_state_of(run);
	struct model_tree *t = &s->model.tree[tree];
	const bool taken = t->page[page].state != PAGE_NOTHING;
	const uint32_t missing = model_tables_missing(t, page),
		       had = pool_world_available(&s->world);
	const bool prepared = t->prepared[model_table(page)];
	const uint64_t extra = (now->zero ? ENTRY_ZERO : 0) | (now->dirty ? ENTRY_DIRTY : 0);
	const uint64_t entry = pagetable_entry(&s->tree[tree], pa, now->rights, extra);

	if (entry != model_entry(now, pa)) kpanic(ORACLE_VERDICT, "an entry reads otherwise");
	const enum pagetable_answer answer =
		pagetable_map(&s->tree[tree], model_address(page), entry, flags, run->op + 1);
	run_result(run, answer);
	if ((flags & PAGE_NO_RECLAIM) == 0) stacks_sync(run);
	if ((answer == PAGETABLE_TAKEN) != taken || answer == PAGETABLE_BLOCK)
		kpanic(ORACLE_VERDICT, "mapping at page %u was answered %u", page, answer);
	if (taken) return false;
	judge_tables(run, had, missing, answer == PAGETABLE_DONE, flags);
	if (answer != PAGETABLE_DONE) return false;
	if (prepared) run_sometimes(run, SAW_PREPARED_USED);
	model_put(&s->model, t, page, *now);
	return true;
}

bool tree_map_page(struct run *run, unsigned tree, unsigned page, uint32_t rights, uint32_t flags)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const paddr_t pa = page_for_user(run, flags);

	if (pa == PADDR_NONE) return false;
	const uint16_t frame = (uint16_t)((pa - s->world.pool.base) >> PAGE_SHIFT);
	const struct model_page now =
		model_page_new(&s->model.tree[tree].page[page], rights, frame, false, false);
	const bool mapped = map_entry(run, tree, page, &now, pa, flags);

	if (!mapped) user_page_drop(&s->world.pool, pa);
	pagetable_check_page(run, tree, page);
	return mapped;
}

void step_map(struct run *run, const struct script_op *op)
{
	if (!tables_open(run, op->slot)) return;
	tree_map_page(run, op->slot, op->aux, op->arg & 0xffff,
		      op->arg >> 16 != 0 ? 0 : PAGE_NO_RECLAIM);
}

/* All that is empty in a range, until there is no more memory. */
void step_fill(struct run *run, const struct script_op *op)
{
	const struct model_tree *t = &pagetable_state_of(run)->model.tree[op->slot];
	const uint64_t end = min_u64(op->aux + 1u + (op->arg & 0xffff), TREE_PAGES);

	if (!tables_open(run, op->slot)) return;
	for (unsigned page = op->aux; page < end; page++)
		if (t->page[page].state == PAGE_NOTHING &&
		    !tree_map_page(run, op->slot, page, op->arg >> 16, PAGE_NO_RECLAIM))
			return;
}

/* Another entry for the page that is at `from`. */
void step_share(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned tree = op->slot, page = op->aux, from = op->arg & 0xffff;
	const struct model_page *there = &s->model.tree[from / TREE_PAGES].page[from % TREE_PAGES];

	if (there->state == PAGE_NOTHING || there->zero || !tables_open(run, tree)) return;
	const uint16_t frame = there->frame;
	const paddr_t pa = page_address(&s->world.pool, frame);
	const struct model_page now = model_page_new(&s->model.tree[tree].page[page], op->arg >> 16,
						     frame, false, there->dirty);

	user_page_hold(&s->world.pool, pa);
	if (map_entry(run, tree, page, &now, pa, PAGE_NO_RECLAIM))
		run_sometimes(run, SAW_SHARED);
	else if (user_page_drop(&s->world.pool, pa))
		kpanic(ORACLE_DOUBLE_FREE, "a page went back that has an entry");
	pagetable_check_page(run, tree, page);
}

void step_zero(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned tree = op->slot, page = op->aux;

	if (!tables_open(run, tree)) return;
	const struct model_page now =
		model_page_new(&s->model.tree[tree].page[page], op->arg & ~(uint32_t)PROT_WRITE, 0,
			       true, false);
	map_entry(run, tree, page, &now, s->zeroes, PAGE_NO_RECLAIM);
	pagetable_check_page(run, tree, page);
}

void step_prepare(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned tree = op->slot, page = op->aux;

	if (!tables_open(run, tree)) return;
	struct model_tree *t = &s->model.tree[tree];
	const uint32_t missing = model_tables_missing(t, page),
		       had = pool_world_available(&s->world);
	const enum pagetable_answer answer = pagetable_prepare(&s->tree[tree], model_address(page),
							       PAGE_NO_RECLAIM, run->op + 1);

	run_result(run, answer);
	if (answer != PAGETABLE_DONE && answer != PAGETABLE_NO_MEMORY)
		kpanic(ORACLE_VERDICT, "preparing page %u was answered %u", page, answer);
	judge_tables(run, had, missing, answer == PAGETABLE_DONE, PAGE_NO_RECLAIM);
	if (answer == PAGETABLE_DONE && missing != 0) model_prepare(t, page, true);
}
