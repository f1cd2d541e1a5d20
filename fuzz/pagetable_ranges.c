/*
 * pagetable_ranges.c -- what is done to the entries of a range: taken out, given other rights or
 * another page, made old, shown.
 *
 * A range is of the window's pages; what lies between two rows belongs to it, and is empty.  All
 * that a range loses goes through one batch, and a frame may be had again only after it has ended:
 * the model knows each frame's holders, so one that comes back too early is an overlap.
 */
#include "fuzz/pagetable_subject.h"

/* One pass over a range, with what its visitor needs. */
struct pass {
	struct run *run;
	unsigned tree, next, end;
	struct tlb_batch *batch;
	uint32_t shown, stop_after;
};

static unsigned range_end(const struct script_op *op)
{
	return (unsigned)min_u64(op->aux + 1u + (op->arg & 0xffff), TREE_PAGES);
}

static void batch_close(struct run *run, struct tlb_batch *batch)
{
	struct pagetable_state *s = pagetable_state_of(run);

	if (batch->all) run_sometimes(run, SAW_BATCH_OVERFLOW);
	if (batch->pages != 0 && asid_number(&batch->pt->asid) == 0)
		run_sometimes(run, SAW_BATCH_NEVER_INSTALLED);
	batch_end(batch);
	const char *why = page_check_counts(&s->world.pool);
	if (why != NULL) kpanic(ORACLE_ACCOUNT, "%s", why);
}

/* --- taking out ------------------------------------------------------------------------------- */

/* The model's side of one entry that was taken, or of a look where there is none. */
static void take_in_model(struct run *run, unsigned tree, unsigned page)
{
	struct pagetable_state *s = pagetable_state_of(run);
	struct model_tree *t = &s->model.tree[tree];
	uint32_t before[4], after;

	for (unsigned level = 1; level <= 3; level++)
		before[level] = model_tables_of_level(t, level);
	if (t->page[page].state != PAGE_NOTHING) {
		model_take(&s->model, t, page);
	} else if (t->prepared[model_table(page)]) {
		model_prepare(t, page, false);
		run_sometimes(run, SAW_PREPARED_GONE);
	}
	for (unsigned level = 1; level <= 3; level++) {
		after = model_tables_of_level(t, level);
		if (after < before[level]) run_sometimes(run, SAW_TABLE_GONE_3 + (3 - level));
	}
}

void tree_clear_page(struct run *run, unsigned tree, unsigned page, struct tlb_batch *batch)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const struct model_page p = s->model.tree[tree].page[page];
	const paddr_t pa = p.zero ? s->zeroes : page_address(&s->world.pool, p.frame);
	const uint64_t entry = pagetable_clear(&s->tree[tree], model_address(page), batch);

	if (entry != model_entry(&p, pa))
		kpanic(ORACLE_VERDICT, "page %u: another entry was taken out", page);
	take_in_model(run, tree, page);
	if (entry == 0 || p.zero) return;
	if (s->model.frame[p.frame].references == 0) frame_verify(run, p.frame);
	batch_user(batch, pa);
}

/* The next page of the pass that has an entry, or its end. */
static unsigned pass_next(const struct pass *pass, unsigned page)
{
	const struct model_tree *t = &pagetable_state_of(pass->run)->model.tree[pass->tree];

	while (page < pass->end && t->page[page].state == PAGE_NOTHING) page++;
	return page;
}

/* What is shown must be the next there is, and as it is. */
static bool visit_one(void *context, uint64_t va, uint64_t entry)
{
	struct pass *pass = context;
	struct pagetable_state *s = pagetable_state_of(pass->run);
	const unsigned page = pass_next(pass, pass->next);

	if (page == pass->end || va != model_address(page))
		kpanic(ORACLE_VERDICT, "a visitor is shown 0x%lx, not page %u", (unsigned long)va,
		       page);
	const struct model_page *p = &s->model.tree[pass->tree].page[page];
	const paddr_t pa = p->zero ? s->zeroes : page_address(&s->world.pool, p->frame);
	if (entry != model_entry(p, pa)) kpanic(ORACLE_VERDICT, "page %u is shown wrongly", page);
	pass->next = page + 1;
	pass->shown++;
	if (pass->batch != NULL) tree_clear_page(pass->run, pass->tree, page, pass->batch);
	return pass->shown != pass->stop_after;
}

static void pass_visit(struct pass *pass, unsigned first)
{
	struct pagetable_state *s = pagetable_state_of(pass->run);
	const uint64_t end = model_address(pass->end - 1) + PAGE_SIZE;

	pass->next = first;
	const bool all =
		pagetable_visit(&s->tree[pass->tree], model_address(first), end, visit_one, pass);
	if (all == (pass->stop_after != 0 && pass->shown == pass->stop_after))
		kpanic(ORACLE_VERDICT, "a visitor that stopped: %u shown", pass->shown);
	if (all && pass_next(pass, pass->next) != pass->end)
		kpanic(ORACLE_VERDICT, "page %u is not shown", pass_next(pass, pass->next));
}

void tree_clear(struct run *run, unsigned tree, unsigned first, unsigned end, bool visit)
{
	struct pagetable_state *s = pagetable_state_of(run);
	struct tlb_batch batch;
	struct pass pass = { .run = run, .tree = tree, .end = end, .batch = &batch };

	batch_begin(&batch, &s->tree[tree]);
	if (visit)
		pass_visit(&pass, first);
	else
		for (unsigned page = first; page < end; page++)
			tree_clear_page(run, tree, page, &batch);
	batch_close(run, &batch);
}

void step_clear(struct run *run, const struct script_op *op)
{
	const unsigned tree = op->slot;

	if (!pagetable_state_of(run)->model.tree[tree].open) return;
	tree_clear(run, tree, op->aux, range_end(op), op->arg >> 16 != 0);
	for (unsigned page = op->aux; page < range_end(op); page++)
		pagetable_check_page(run, tree, page);
}

/* --- other rights, another page --------------------------------------------------------------- */

static void protect_one(const struct pass *pass, unsigned page, uint32_t rights)
{
	struct pagetable_state *s = pagetable_state_of(pass->run);
	struct model_tree *t = &s->model.tree[pass->tree];
	const struct model_page was = t->page[page];

	if (was.state == PAGE_NOTHING) return;
	if (was.zero) rights &= ~(uint32_t)PROT_WRITE;
	const struct model_page now = model_page_new(&was, rights, was.frame, was.zero, was.dirty);
	const paddr_t pa = was.zero ? s->zeroes : page_address(&s->world.pool, was.frame);
	const uint64_t extra = (was.zero ? ENTRY_ZERO : 0) | (was.dirty ? ENTRY_DIRTY : 0);

	if (was.state == PAGE_HELD && now.state == PAGE_MAPPED)
		run_sometimes(pass->run, SAW_RESTORED);
	pagetable_change(&s->tree[pass->tree], model_address(page),
			 pagetable_entry(&s->tree[pass->tree], pa, rights, extra), pass->batch);
	model_replace(&s->model, t, page, now);
	pagetable_check_page(pass->run, pass->tree, page);
}

void step_protect(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	struct tlb_batch batch;
	const struct pass pass = { .run = run, .tree = op->slot, .batch = &batch };

	if (!s->model.tree[op->slot].open) return;
	batch_begin(&batch, &s->tree[op->slot]);
	for (unsigned page = op->aux; page < range_end(op); page++)
		protect_one(&pass, page, op->arg >> 16);
	batch_close(run, &batch);
}

/* What a write to a shared page does: another frame, with what was in the first. */
void step_replace(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned tree = op->slot, page = op->aux;
	struct model_tree *t = &s->model.tree[tree];
	struct tlb_batch batch;

	if (!t->open || t->page[page].state == PAGE_NOTHING) return;
	const struct model_page was = t->page[page];
	const paddr_t pa = page_for_user(run, PAGE_NO_RECLAIM);
	if (pa == PADDR_NONE) return;
	const uint16_t frame = (uint16_t)((pa - s->world.pool.base) >> PAGE_SHIFT);
	const struct model_page now = model_page_new(&was, op->arg, frame, false, false);

	batch_begin(&batch, &s->tree[tree]);
	pagetable_change(&s->tree[tree], model_address(page),
			 pagetable_entry(&s->tree[tree], pa, op->arg, 0), &batch);
	model_replace(&s->model, t, page, now);
	if (!was.zero && s->model.frame[was.frame].references == 0) frame_verify(run, was.frame);
	if (!was.zero) batch_user(&batch, page_address(&s->world.pool, was.frame));
	batch_close(run, &batch);
	run_sometimes(run, was.state == PAGE_HELD ? SAW_REPLACED_HELD : SAW_REPLACED);
	pagetable_check_page(run, tree, page);
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Makes pages old; what CPUs remember is left to them, or taken too. */
void step_age(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	struct model_tree *t = &s->model.tree[op->slot];
	const bool forget = op->arg >> 16 != 0;
	const unsigned end = range_end(op);
	struct tlb_batch batch;
	uint32_t expected = 0;

	if (!t->open) return;
	batch_begin(&batch, &s->tree[op->slot]);
	const uint32_t aged = pagetable_age(&s->tree[op->slot], model_address(op->aux),
					    model_address(end - 1) + PAGE_SIZE);
	for (unsigned page = op->aux; page < end; page++) {
		struct model_page *p = &t->page[page];

		if (p->state != PAGE_MAPPED) continue;
		expected += p->accessed;
		if (p->accessed) p->lazy = true;
		p->accessed = false;
		if (!forget) continue;
		batch_page(&batch, model_address(page));
		p->lazy = false;
	}
	batch_close(run, &batch);
	run_result(run, aged);
	if (aged != expected)
		kpanic(ORACLE_VERDICT, "%u pages were used, the model has %u", aged, expected);
	if (aged != 0) run_sometimes(run, SAW_AGED);
}

void step_visit(struct run *run, const struct script_op *op)
{
	struct pass pass = {
		.run = run, .tree = op->slot, .end = range_end(op), .stop_after = op->arg >> 16
	};

	if (!pagetable_state_of(run)->model.tree[op->slot].open) return;
	pass_visit(&pass, op->aux);
	run_result(run, pass.shown);
}
