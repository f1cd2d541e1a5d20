/*
 * plan.c -- who is next, and how long it may take.
 *
 * The night goes round and round: in a round each item has one turn.  Canaries go first, as they
 * say whether the rest can be believed; then what every night has to reach; then all others.
 * Among equals, whoever has waited longest, by the ledger, so that what one night does not reach
 * comes first in the next; among those that never ran, the table's order.
 *
 * A turn's share is what is left of all jobs' time, divided by weight among those of the round that
 * had no turn yet.  It is reckoned anew at each start, so what one item leaves over goes to those
 * behind it, and what the round leaves over to another round.  Who takes longer than its share does
 * so at the cost of those behind: in a short night, of what comes later.  No share is below
 * PLAN_LEAST_S seconds, in which an engine at least reads its corpus: in a short night the last of
 * the round get nothing, and come first in the next.  None is above `share_most`: long nights go
 * round more often, so that a night that is cut short has seen everything.
 *
 * What takes a size instead of a time gets one by how long its last run took, aims at a part of its
 * share, and grows at most eightfold from one run to the next.
 *
 * Locks: none.  Cost: the table's length.
 */
#include "stress/nightly/plan.h"

#include <stddef.h>

#define SIZE_AIM 0.6
enum { GROWTH_MOST = 8 };

static bool goes_before(const struct item *a, const struct item *b)
{
	if (a->must_find != b->must_find) return a->must_find;
	if (a->first != b->first) return a->first;
	return a->last_turn < b->last_turn;
}

struct item *plan_next(const struct plan *plan, struct table *table)
{
	struct item *best = NULL;
	for (uint32_t i = 0; i < table->items; i++) {
		struct item *item = &table->item[i];
		if (item->round == plan->round || item->runs_now) continue;
		if (best == NULL || goes_before(item, best)) best = item;
	}
	return best;
}

double plan_share(const struct plan *plan, const struct table *table, const struct item *item)
{
	double weights = 0;
	for (uint32_t i = 0; i < table->items; i++)
		if (table->item[i].round != plan->round) weights += table->item[i].weight;
	const double left = plan->stop - plan->now;
	double share = (left * plan->jobs - plan->promised) * item->weight / weights;
	if (left < PLAN_LEAST_S) return 0;
	if (share < PLAN_LEAST_S) share = PLAN_LEAST_S;
	if (share > plan->share_most * item->weight) share = plan->share_most * item->weight;
	return share < left ? share : left;
}

uint64_t plan_size(const struct item *item, double share)
{
	if (item->last_size == 0) return item->least;
	const double ms = item->last_took_ms < 50 ? 50 : (double)item->last_took_ms;
	const double wanted = (double)item->last_size * (share * SIZE_AIM * 1000 / ms);
	const double most = (double)item->last_size * GROWTH_MOST;
	const uint64_t size = (uint64_t)(wanted < most ? wanted : most);
	return size < item->least ? item->least : size > item->most ? item->most : size;
}
