/*
 * pagetable_moves.c -- entries that leave one place for another: in the same place another page, in
 * another place of the same tree, in another tree for the two to share.
 *
 * What is taken out and what is put in happen inside one batch, so an entry or a table may be put
 * where the batch has taken one away and no CPU was told yet: the tree itself must see to that.
 */
#include "fuzz/pagetable_subject.h"

static unsigned range_end(const struct script_op *op)
{
	return (unsigned)min_u64(op->aux + 1u + (op->arg & 0xffff), TREE_PAGES);
}

static void check_range(struct run *run, unsigned tree, unsigned first, unsigned end)
{
	for (unsigned page = first; page < end; page++) pagetable_check_page(run, tree, page);
}

/* Each page of a range is taken out, and a new one put where it was. */
void step_remap(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned tree = op->slot;
	struct tlb_batch batch;
	bool mapped = true;

	if (!s->model.tree[tree].open) return;
	batch_begin(&batch, &s->tree[tree]);
	for (unsigned page = op->aux; page < range_end(op) && mapped; page++) {
		if (s->model.tree[tree].page[page].state == PAGE_NOTHING) continue;
		tree_clear_page(run, tree, page, &batch);
		mapped = tree_map_page(run, tree, page, op->arg >> 16, PAGE_NO_RECLAIM);
		run_sometimes(run, SAW_REMAPPED);
	}
	batch_end(&batch);
	check_range(run, tree, op->aux, range_end(op));
}

/* One entry to a place where nothing is; false without memory. */
static bool move_page(struct run *run, unsigned tree, unsigned from, unsigned to,
		      struct tlb_batch *batch)
{
	struct pagetable_state *s = pagetable_state_of(run);
	struct model_tree *t = &s->model.tree[tree];
	const uint32_t missing = model_tables_missing(t, to), had = pool_world_available(&s->world);
	const uint64_t entry = pagetable_lookup(&s->tree[tree], model_address(from), NULL);
	struct model_page there = t->page[from];
	const enum pagetable_answer answer = pagetable_map(&s->tree[tree], model_address(to), entry,
							   PAGE_NO_RECLAIM, run->op + 1);

	run_result(run, answer);
	if (answer == PAGETABLE_NO_MEMORY && had < missing) return false;
	if (answer != PAGETABLE_DONE || had < missing)
		kpanic(ORACLE_VERDICT, "a move was answered %u: %u tables of %u pages", answer,
		       missing, had);
	there.stale = t->page[to].stale | t->page[to].used;
	there.used = 0;
	there.lazy = false;
	there.changed_by = (uint8_t)mach_cpu();
	model_put(&s->model, t, to, there);
	if (pagetable_clear(&s->tree[tree], model_address(from), batch) != entry)
		kpanic(ORACLE_VERDICT, "page %u: another entry was taken out", from);
	model_take(&s->model, t, from);
	run_sometimes(run, SAW_MOVED);
	return true;
}

void step_move(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned tree = op->slot, to = op->arg >> 16;
	struct model_tree *t = &s->model.tree[tree];
	struct tlb_batch batch;
	bool moved = true;

	if (!t->open) return;
	batch_begin(&batch, &s->tree[tree]);
	for (unsigned from = op->aux, at = to; from < range_end(op) && at < TREE_PAGES && moved;
	     from++, at++)
		if (t->page[from].state != PAGE_NOTHING && t->page[at].state == PAGE_NOTHING)
			moved = move_page(run, tree, from, at, &batch);
	batch_end(&batch);
	check_range(run, tree, op->aux, range_end(op));
	check_range(run, tree, to, TREE_PAGES);
}

/* --- two trees -------------------------------------------------------------------------------- */

/* What the model makes of an entry that is in two trees now: to be written in neither. */
static void copy_in_model(struct run *run, struct model_tree *to, struct model_tree *from,
			  unsigned page, struct pagetable_copied *expected)
{
	struct pagetable_model *m = &pagetable_state_of(run)->model;
	struct model_page *ours = &from->page[page];
	struct model_page theirs;

	expected->zeroes += ours->zero;
	expected->counted += !ours->zero;
	if ((ours->rights & PROT_WRITE) != 0) {
		expected->demoted++;
		ours->rights &= (uint8_t)~PROT_WRITE;
		ours->rights |= PROT_READ;
		ours->stale |= ours->used;
		ours->used = 0;
		ours->changed_by = (uint8_t)mach_cpu();
	}
	theirs = *ours;
	theirs.stale = to->page[page].stale | to->page[page].used;
	theirs.used = 0;
	theirs.lazy = false;
	model_put(m, to, page, theirs);
}

/* Who writes to a page that can be fetched from elsewhere makes visible what it wrote: a user's own
 * affair, done here for all of a range. */
static void make_visible(struct run *run, const struct model_tree *t, unsigned first, unsigned end)
{
	struct pagetable_state *s = pagetable_state_of(run);

	for (unsigned page = first; page < end; page++) {
		const struct model_page *p = &t->page[page];

		if (p->state != PAGE_MAPPED || p->zero) continue;
		if ((p->rights & (PROT_EXEC | PROT_WRITE)) != PROT_EXEC) continue;
		mach_code_sync(mach_phys(page_address(&s->world.pool, p->frame)), PAGE_SIZE);
	}
}

static bool range_is_empty(const struct model_tree *t, unsigned first, unsigned end)
{
	for (unsigned page = first; page < end; page++)
		if (t->page[page].state != PAGE_NOTHING) return false;
	return true;
}

/* Follows what was copied; page by page, as far as the answer says there was memory. */
static void judge_copy(struct run *run, const struct script_op *op, bool whole,
		       const struct pagetable_copied *sums)
{
	struct pagetable_state *s = pagetable_state_of(run);
	struct model_tree *from = &s->model.tree[op->slot], *to = &s->model.tree[op->arg >> 16];
	struct pagetable_copied expected = { 0 };

	for (unsigned page = op->aux; page < range_end(op); page++) {
		const uint64_t entry =
			pagetable_lookup(&s->tree[op->arg >> 16], model_address(page), NULL);

		if (from->page[page].state == PAGE_NOTHING) continue;
		if (entry != 0) {
			copy_in_model(run, to, from, page, &expected);
			continue;
		}
		if (whole || pool_world_available(&s->world) >= model_tables_missing(to, page))
			kpanic(ORACLE_MUST_SUCCEED, "page %u was not copied", page);
		break;
	}
	run_result(run, sums->counted);
	if (sums->counted != expected.counted || sums->zeroes != expected.zeroes ||
	    sums->demoted != expected.demoted)
		kpanic(ORACLE_VERDICT, "%u pages copied, %u demoted; the model has %u and %u",
		       sums->counted, sums->demoted, expected.counted, expected.demoted);
}

/* What fork does with a range. */
void step_copy(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned tree = op->slot, to = op->arg >> 16;
	struct pagetable_copied sums = { 0 };
	struct tlb_batch batch;

	if (to == tree || !s->model.tree[tree].open || !tables_open(run, to)) return;
	if (!range_is_empty(&s->model.tree[to], op->aux, range_end(op))) return;
	make_visible(run, &s->model.tree[tree], op->aux, range_end(op));
	const bool whole =
		pagetable_copy(&s->tree[to], &s->tree[tree], model_address(op->aux),
			       model_address(range_end(op) - 1) + PAGE_SIZE, &sums, run->op + 1);
	mach_entry_sync();
	batch_begin(&batch, &s->tree[tree]);
	batch.all = sums.demoted != 0;
	batch_end(&batch);
	stacks_sync(run);
	judge_copy(run, op, whole, &sums);
	if (sums.demoted != 0) run_sometimes(run, SAW_COPIED);
	check_range(run, tree, op->aux, range_end(op));
	check_range(run, to, op->aux, range_end(op));
}
