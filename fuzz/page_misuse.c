/*
 * page_misuse.c -- subject page: frees that are wrong, each with the verdict it must get.
 *
 * Nothing is written down here about which misuse gets which verdict.  An operation makes up an
 * address, an order and an owner; the model says from who has what, what the answer must be; and
 * where it says that the free would be right, nothing is done (or, for a range, it is done).  What
 * a refused free may not change is seen by the checks that follow every operation.
 */
#include "fuzz/page_subject.h"

/* --- misuse --------------------------------------------------------------------------------- */

struct misuse {
	uint64_t offset; /* from the pool's base; may wrap */
	uint32_t order;
	unsigned owner;
};

/* How a handle's pages, or those it had, are freed wrongly. */
static struct misuse misuse_of(const struct page_state *s, unsigned slot, enum bad_free kind,
			       uint32_t arg)
{
	const struct page_holding *h = &s->model.holding[slot];
	const uint64_t first = (uint64_t)h->first * PAGE_SIZE;
	struct misuse bad = { first, h->run ? 0 : h->order, page_owner_of(slot) };

	switch (kind) {
	case AGAIN:
		return (struct misuse){ (uint64_t)h->stale_first * PAGE_SIZE, h->stale_order,
					h->stale_owner };
	case INSIDE: bad.offset += (uint64_t)(1 + arg % SCRIPT_PAGES_MAX) * PAGE_SIZE; break;
	case ORDER: bad.order = arg % (PAGE_ORDERS + 1); break;
	case HUGE_ORDER: bad.order = arg | PAGE_ORDERS; break;
	case OWNER: bad.owner = page_owner_of(slot + 1 + arg % 3); break;
	case CROOKED: bad.offset += 1 + arg % (PAGE_SIZE - 1); break;
	case RESERVED:
		bad.offset = (uint64_t)(s->hole + arg % (s->hole_pages + 1)) * PAGE_SIZE;
		break;
	case BELOW: bad.offset = -(uint64_t)(1 + arg) * PAGE_SIZE; break;
	case ABOVE: bad.offset = ((uint64_t)s->model.pages + arg) * PAGE_SIZE; break;
	case FAR: /* the page's number comes out right where 32 or 52 bits are kept of it */
		bad.offset += (uint64_t)(arg | 1) << (arg % 2 == 0 ? 44 : 63);
		break;
	case BADS: break;
	}
	return bad;
}

void page_step_bad_free(struct run *run, const struct script_op *op)
{
	struct page_state *s = page_state_of(run);
	const struct page_holding *h = &s->model.holding[op->slot];

	if (op->aux == AGAIN ? !h->had : !h->held) return;
	const struct misuse bad = misuse_of(s, op->slot, op->aux, op->arg);
	const enum page_verdict want =
		page_model_judge(&s->model, bad.offset, bad.order, bad.owner);
	if (want == PAGE_FREED) return; /* it would be right */
	const enum page_verdict v = page_free(&s->pool, s->base + bad.offset, bad.order,
					      PAGE_HOW(ZONE_KERNEL, bad.owner));
	run_result(run, v);
	if (v != want)
		kpanic(ORACLE_VERDICT, "a bad free was told %s, not %s", page_verdict_name(v),
		       page_verdict_name(want));
}

/* A range that starts anywhere, with a handle's owner: right only by chance, and then done. */
static void free_range(struct run *run, unsigned owner, uint32_t first, uint32_t pages)
{
	struct page_state *s = page_state_of(run);
	enum page_verdict want = PAGE_FREED;

	for (uint32_t i = 0; i < pages && want == PAGE_FREED; i++)
		want = page_model_judge(&s->model, ((uint64_t)first + i) * PAGE_SIZE, 0, owner);
	for (uint32_t p = first; want == PAGE_FREED && p < first + pages; p++) {
		page_model_verify(&s->model, s->model.whose[p] - 1u, p, page_memory_of(s, p));
		page_model_give(&s->model, s->model.whose[p] - 1u, p, 1);
	}
	const enum page_verdict v = page_run_free(&s->pool, s->base + (paddr_t)first * PAGE_SIZE,
						  pages, PAGE_HOW(ZONE_KERNEL, owner));
	run_result(run, v);
	if (v != want)
		kpanic(ORACLE_VERDICT, "freeing a range was told %s, not %s", page_verdict_name(v),
		       page_verdict_name(want));
}

void page_step_free_range(struct run *run, const struct script_op *op)
{
	free_range(run, page_owner_of(op->slot), op->arg, op->aux);
}

void page_step_free_many(struct run *run, const struct script_op *op)
{
	free_range(run, page_owner_of(op->slot), op->aux, op->arg);
}
