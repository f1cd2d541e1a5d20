/*
 * pagetable_oracle.c -- trees, frames and pool against the model: counts after each operation,
 * every entry and every word in a walk.
 *
 * The account is exact: pages out of the pool are the tables that the model counts, the frames
 * that have a holder in it, the stacks with their tables, and the page of zeroes.
 */
#include "fuzz/pagetable_subject.h"

void frame_verify(struct run *run, uint32_t frame)
{
	struct pagetable_state *s = pagetable_state_of(run);

	if (*frame_word(s, frame) != s->model.frame[frame].content)
		kpanic(ORACLE_CONTENT, "page %u holds what nobody wrote there", frame);
}

void pagetable_check_page(struct run *run, unsigned tree, unsigned page)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const struct model_page *p = &s->model.tree[tree].page[page];
	const paddr_t pa = p->zero ? s->zeroes : page_address(&s->world.pool, p->frame);
	unsigned level = 0;
	const uint64_t entry = pagetable_lookup(&s->tree[tree], model_address(page), &level);

	if (entry != model_entry(p, pa))
		kpanic(ORACLE_VERDICT, "tree %u, page %u: the entry reads 0x%lx", tree, page,
		       (unsigned long)entry);
	if ((level == 3) != (model_tables_missing(&s->model.tree[tree], page) == 0))
		kpanic(ORACLE_VERDICT, "tree %u, page %u: found at level %u", tree, page, level);
}

/* The word a CPU has is that of the tree it has installed, or none. */
static void check_word(struct run *run, unsigned cpu)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned installed = s->model.installed[cpu];
	const uint64_t active = s->asids.active[cpu];
	const uint64_t word = active != 0 ? active : s->asids.reserved[cpu];
	const uint64_t expected = installed == 0 ? 0 : s->tree[installed - 1].asid.word;

	if (word != expected)
		kpanic(ORACLE_VERDICT, "CPU %u has word 0x%lx, its space 0x%lx", cpu,
		       (unsigned long)word, (unsigned long)expected);
}

static void check_tree_counts(struct run *run, unsigned tree)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const struct model_tree *t = &s->model.tree[tree];
	const struct pagetable *pt = &s->tree[tree];
	uint32_t prepared = 0;

	for (unsigned n = 0; n < TREE_TABLES; n++) prepared += t->prepared[n];
	if (pt->tables != model_tables(t))
		kpanic(ORACLE_ACCOUNT, "tree %u has %u tables, the model has %u", tree, pt->tables,
		       model_tables(t));
	if (pt->leaves != t->leaves || pt->prepared != prepared)
		kpanic(ORACLE_ACCOUNT, "tree %u has %u entries, the model has %u", tree, pt->leaves,
		       t->leaves);
}

void pagetable_check_counts(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);
	uint32_t expected = 1 + s->model.frames + stacks_pages(s);
	struct page_counts counts;
	const char *why = page_check_counts(&s->world.pool);

	if (why != NULL) kpanic(ORACLE_ACCOUNT, "%s", why);
	why = asid_check(&s->asids);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	for (unsigned tree = 0; tree < TREES; tree++) {
		if (!s->model.tree[tree].open) continue;
		check_tree_counts(run, tree);
		expected += model_tables(&s->model.tree[tree]);
	}
	for (unsigned cpu = 0; cpu < run->script->world.cpus; cpu++) check_word(run, cpu);
	page_count(&s->world.pool, &counts);
	if (counts.used != expected)
		kpanic(ORACLE_ACCOUNT, "%u pages are out, the model has %u", counts.used, expected);
	run_result(run, counts.used);
}

static void check_tree(struct run *run, unsigned tree)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const char *why = pagetable_check(&s->tree[tree]);

	if (why != NULL) kpanic(ORACLE_WALK, "tree %u: %s", tree, why);
	for (unsigned page = 0; page < TREE_PAGES; page++) pagetable_check_page(run, tree, page);
	if (pagetable_lookup(&s->tree[tree], model_address(TREE_PAGES), NULL) != 0)
		kpanic(ORACLE_WALK, "tree %u: an entry where nobody put one", tree);
}

static void check_frames(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);

	for (uint32_t frame = 0; frame < s->world.pool.pages; frame++) {
		const uint32_t holders = s->model.frame[frame].references;

		if (holders == 0) continue;
		frame_verify(run, frame);
		if (user_page_references(&s->world.pool, page_address(&s->world.pool, frame)) !=
		    holders)
			kpanic(ORACLE_ACCOUNT, "page %u has %u entries and other references", frame,
			       holders);
	}
	if (*frame_word(s, s->zero_frame) != 0) kpanic(ORACLE_CONTENT, "zeroes are none");
}

void pagetable_check_walk(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const char *why = page_check(&s->world.pool);

	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	for (unsigned tree = 0; tree < TREES; tree++)
		if (s->model.tree[tree].open) check_tree(run, tree);
	check_frames(run);
	stacks_check(run);
}
