/*
 * page_pressure.c -- subject page: draining, reclaim, and shrinkers that a script registers.
 *
 * A shrinker stands for a cache that can do without a handle's pages.  When it is asked it judges
 * whether it may be (is something being asked for that cannot be met otherwise, is it its turn, is
 * no lock held), tries to allocate, which must fail, and gives the pages back.
 */
#include "fuzz/page_subject.h"

#include "machine/machine.h"

/* --- reclaim -------------------------------------------------------------------------------- */

void page_step_drain(struct run *run, const struct script_op *op)
{
	struct page_state *s = page_state_of(run);

	(void)op;
	page_drain(&s->pool);
	page_oracle_drained(run);
}

void page_step_reclaim(struct run *run, const struct script_op *op)
{
	struct page_state *s = page_state_of(run);
	struct page_request r = { .pages = op->arg, .reclaim = true };

	s->request = &r;
	page_reclaim(&s->pool, op->arg);
	s->request = NULL;
	if (page_model_free(&s->model) < op->arg && r.asked != s->shrinkers)
		kpanic(ORACLE_MUST_SUCCEED, "%u of %u shrinkers asked", r.asked, s->shrinkers);
	run_result(run, r.asked);
	page_oracle_drained(run);
}

/* How much a shrinker is to be asked for: all, where only one zone will do. */
static size_t to_ask(const struct page_state *s, const struct page_request *r)
{
	const uint32_t dma = PAGE_HOW(ZONE_DMA, 0) & PAGE_ZONE_MASK;

	return !r->reclaim && (r->how & PAGE_ZONE_MASK) == dma ? s->pool.pages : r->pages;
}

/* What every shrinker does: tries what it must not, gives back its handle's pages. */
static size_t shrink(void *context, size_t pages)
{
	struct page_shrinker *me = context;
	struct run *run = me->run;
	struct page_state *s = page_state_of(run);
	struct page_request *r = s->request;

	mach_lock_none_held(RANK_QUARANTINE);
	if (r == NULL || pages != to_ask(s, r) || (r->how & PAGE_NO_RECLAIM) != 0 || r->could)
		kpanic(ORACLE_VERDICT, "a shrinker was asked without need");
	if (r->reclaim && page_model_free(&s->model) >= pages)
		kpanic(ORACLE_VERDICT, "a shrinker was asked although enough is free");
	if (r->asked++ != me->turn) kpanic(ORACLE_VERDICT, "shrinker %u out of turn", me->turn);
	if (page_alloc(&s->pool, 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL), SITE_NONE) !=
		    PADDR_NONE ||
	    page_run_alloc(&s->pool, 1, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) | PAGE_NO_RECLAIM,
			   SITE_NONE) != PADDR_NONE)
		kpanic(ORACLE_MUST_FAIL, "a shrinker was given a page");

	struct page_holding *h = &s->model.holding[me->slot];
	const size_t given = h->held ? h->left : 0;
	if (h->held) page_give_back(run, me->slot);
	if (!r->reclaim && page_zone_for(s, r) != ZONES)
		r->could = true; /* no need to ask another */
	return given;
}

/* One more shrinker, if there is room; the handle it gives back changes with every use. */
void page_step_shrinker(struct run *run, const struct script_op *op)
{
	struct page_state *s = page_state_of(run);
	struct page_shrinker *me = &s->shrinker[op->aux];

	me->slot = op->slot;
	if (me->registered) return;
	*me = (struct page_shrinker){
		.shrinker = { .name = "script", .shrink = shrink, .context = me },
		.run = run,
		.slot = op->slot,
		.turn = s->shrinkers++,
		.registered = true,
	};
	page_shrinker_add(&s->pool, &me->shrinker);
}
