/*
 * page_steps.c -- subject page: getting pages, using them, giving them back.
 *
 * Every answer is judged twice: by whether the model says the request could be met (in both
 * directions, and by the zone where that is known), and by what is in the memory that was given.
 * The model knows of a free before the allocator does, and of a grant after it: in between, what
 * shrinkers do is seen by both.
 */
#include "fuzz/page_subject.h"

#include "machine/machine.h"

static uint32_t how_of(unsigned how, unsigned slot)
{
	return PAGE_HOW(how % ZONES, page_owner_of(slot)) |
	       ((how / ZONES & 1) != 0 ? PAGE_ZERO : 0) |
	       ((how / ZONES & 2) != 0 ? PAGE_NO_RECLAIM : 0);
}

/* --- getting and giving back ---------------------------------------------------------------- */

static void check_zero(const struct page_state *s, uint32_t first, uint32_t pages)
{
	for (uint32_t p = first; p < first + pages; p++) {
		const uint64_t *memory = page_memory_of(s, p);

		for (unsigned w = 0; w < PAGE_SIZE / 8; w++)
			if (memory[w] != 0)
				kpanic(ORACLE_ZEROING, "page %u, word %u is not zero", p, w);
	}
}

/* A request was met: the model takes note, and the handle writes its pages. */
static void got(struct run *run, unsigned slot, paddr_t pa, uint32_t pages, bool is_run,
		unsigned order, bool zeroed)
{
	struct page_state *s = page_state_of(run);
	const struct page_holding as = {
		.run = is_run,
		.order = (uint8_t)order,
		.owner = (uint8_t)page_owner_of(slot),
		.site = run->op + 1,
	};

	page_model_take(&s->model, slot, pa - s->base, pages, &as);
	const uint32_t first = s->model.holding[slot].first;
	if (zeroed) check_zero(s, first, pages);
	for (uint32_t p = first; p < first + pages; p++)
		page_model_write(&s->model, slot, p, page_memory_of(s, p));
	if (page_model_free(&s->model) == 0) run_sometimes(run, SAW_ALL_PAGES_OUT);
	if (page_model_free(&s->model) == 1) run_sometimes(run, SAW_ONE_PAGE_LEFT);
}

static void expect_freed(enum page_verdict v)
{
	if (v != PAGE_FREED)
		kpanic(ORACLE_VERDICT, "a good free was told %s", page_verdict_name(v));
}

/* Pages [first, first + pages) of a run, all of them the handle's. */
static void give_back_part(struct run *run, unsigned slot, uint32_t first, uint32_t pages)
{
	struct page_state *s = page_state_of(run);
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, s->model.holding[slot].owner);

	for (uint32_t p = first; p < first + pages; p++)
		page_model_verify(&s->model, slot, p, page_memory_of(s, p));
	page_model_give(&s->model, slot, first, pages);
	expect_freed(page_run_free(&s->pool, s->base + (paddr_t)first * PAGE_SIZE, pages, how));
}

/* What of [first, end) the handle still has, in as many pieces as it takes. */
static void give_back_range(struct run *run, unsigned slot, uint32_t first, uint32_t end)
{
	const uint8_t *whose = page_state_of(run)->model.whose;

	while (first < end) {
		uint32_t pages = 0;

		while (first + pages < end && whose[first + pages] == slot + 1) pages++;
		if (pages != 0) give_back_part(run, slot, first, pages);
		first += pages + 1;
	}
}

void page_give_back(struct run *run, unsigned slot)
{
	struct page_state *s = page_state_of(run);
	const struct page_holding h = s->model.holding[slot];

	if (h.run) {
		give_back_range(run, slot, h.first, h.first + h.pages);
		return;
	}
	for (uint32_t p = h.first; p < h.first + h.pages; p++)
		page_model_verify(&s->model, slot, p, page_memory_of(s, p));
	page_model_give(&s->model, slot, h.first, h.pages);
	expect_freed(page_free(&s->pool, s->base + (paddr_t)h.first * PAGE_SIZE, h.order,
			       PAGE_HOW(ZONE_KERNEL, h.owner)));
}

/* --- requests ------------------------------------------------------------------------------- */

/* The zone that a request would be met from, were all free pages in the free lists. */
unsigned page_zone_for(const struct page_state *s, const struct page_request *r)
{
	return r->is_run ? page_model_row_zone(&s->model, r->wish, r->pages)
			 : page_model_block_zone(&s->model, r->wish, r->order);
}

/* Could there be a pool that meets it?  If not, nobody is asked to shrink for it. */
static bool possible(const struct page_state *s, const struct page_request *r)
{
	if (r->is_run) return r->pages != 0 && r->pages <= s->model.pages;
	return r->order <= PAGE_ORDER_MAX;
}

static void note_grant(struct run *run, const struct page_request *r, unsigned zone)
{
	const struct page_state *s = page_state_of(run);

	if (r->wish == ZONE_USER && zone == ZONE_KERNEL)
		run_sometimes(run, SAW_FELL_BACK_TO_KERNEL);
	if (r->wish == ZONE_KERNEL && zone == ZONE_USER) run_sometimes(run, SAW_FELL_BACK_TO_USER);
	if (r->wish != ZONE_DMA && zone == ZONE_DMA) run_sometimes(run, SAW_FELL_BACK_TO_DMA);
	if (r->asked != 0) run_sometimes(run, SAW_SHRINKER_SAVED);
	if (r->pages == 1u << PAGE_ORDER_MAX) run_sometimes(run, SAW_LARGEST_GIVEN);
	if (r->is_run && page_model_block_zone(&s->model, r->wish, r->order) == ZONES)
		run_sometimes(run, SAW_RUN_OVER_BLOCKS);
}

static void note_refusal(struct run *run, const struct page_request *r)
{
	const struct page_state *s = page_state_of(run);

	run_sometimes(run, SAW_EXHAUSTION);
	if (r->asked != 0) run_sometimes(run, SAW_SHRINKER_IN_VAIN);
	if (r->wish == ZONE_USER && !r->is_run &&
	    page_model_block_zone(&s->model, ZONE_KERNEL, r->order) != ZONES)
		run_sometimes(run, SAW_RESERVE_HELD);
}

/* A grant or a refusal, against the model as it is when the answer comes: shrinkers may have
 * changed it meanwhile, and must have been asked only if it could not be met before. */
static void judge_answer(struct run *run, const struct page_request *r, paddr_t pa)
{
	struct page_state *s = page_state_of(run);
	const unsigned zone = page_zone_for(s, r);

	run_result(run, pa != PADDR_NONE);
	if (pa == PADDR_NONE) {
		if (zone != ZONES)
			kpanic(ORACLE_MUST_SUCCEED, "%u pages refused with %u free", r->pages,
			       page_model_free(&s->model));
		if (possible(s, r) && (r->how & PAGE_NO_RECLAIM) == 0 && r->asked != s->shrinkers)
			kpanic(ORACLE_MUST_SUCCEED, "%u pages refused, %u of %u shrinkers asked",
			       r->pages, r->asked, s->shrinkers);
		note_refusal(run, r);
		return;
	}
	if (zone == ZONES)
		kpanic(ORACLE_MUST_FAIL, "%u pages granted with %u free", r->pages,
		       page_model_free(&s->model));
	const uint64_t offset = pa - s->base;
	if (offset / PAGE_SIZE >= s->model.pages) kpanic(ORACLE_BOUNDS, "a page outside the pool");
	const unsigned given = page_model_zone(&s->model, (uint32_t)(offset / PAGE_SIZE));
	if (!page_model_falls_back(r->wish, given) || (page_state_exact(s) && given != zone))
		kpanic(ORACLE_BOUNDS, "a page of zone %u, wanted from %u", given, zone);
	note_grant(run, r, given);
	run_result(run, given);
}

static void request(struct run *run, unsigned slot, struct page_request r)
{
	struct page_state *s = page_state_of(run);

	if (s->model.holding[slot].held) page_give_back(run, slot);
	r.could = page_zone_for(s, &r) != ZONES;
	s->request = &r;
	const paddr_t pa = r.is_run ? page_run_alloc(&s->pool, r.pages, r.how, run->op + 1)
				    : page_alloc(&s->pool, r.order, r.how, run->op + 1);
	s->request = NULL;
	judge_answer(run, &r, pa);
	if (pa != PADDR_NONE)
		got(run, slot, pa, r.pages, r.is_run, r.order, (r.how & PAGE_ZERO) != 0);
}

void page_step_alloc(struct run *run, const struct script_op *op)
{
	/* The last one is such that no shift can take it. */
	const unsigned order = op->arg == PAGE_ORDERS + 1 ? 64 : op->arg;

	request(run, op->slot,
		(struct page_request){
			.pages = order <= PAGE_ORDER_MAX ? 1u << order : 0,
			.order = order,
			.wish = op->aux % ZONES,
			.how = how_of(op->aux, op->slot),
		});
}

void page_step_run(struct run *run, const struct script_op *op)
{
	const uint32_t pages = op->arg;

	request(run, op->slot,
		(struct page_request){
			.pages = pages,
			.order = pages <= 1 ? 0 : bit_highest(pages - 1) + 1,
			.is_run = true,
			.wish = op->aux % ZONES,
			.how = how_of(op->aux, op->slot),
		});
}

void page_step_free(struct run *run, const struct script_op *op)
{
	const struct page_holding *h = &page_state_of(run)->model.holding[op->slot];

	if (!h->held) return;
	if (script_op_for(run->script, run->subject, h->site - 1).cpu != op->cpu)
		run_sometimes(run, SAW_OTHER_CPU_FREE);
	page_give_back(run, op->slot);
}

void page_step_free_part(struct run *run, const struct script_op *op)
{
	const struct page_holding *h = &page_state_of(run)->model.holding[op->slot];

	if (!h->held || !h->run) return;
	const uint32_t first = h->first + op->arg % h->pages;
	const uint32_t end = (uint32_t)min_u64(h->first + h->pages, (uint64_t)first + op->aux + 1);
	give_back_range(run, op->slot, first, end);
	if (h->held) run_sometimes(run, SAW_RUN_FREED_IN_PART);
}

static void claim(struct run *run, unsigned slot, unsigned wish, uint32_t first, uint32_t pages)
{
	struct page_state *s = page_state_of(run);

	if (s->model.holding[slot].held) page_give_back(run, slot);
	const bool may = page_model_may_claim(&s->model, wish, first, pages);
	const bool had = page_run_claim(&s->pool, s->base + (paddr_t)first * PAGE_SIZE, pages,
					PAGE_HOW(wish, page_owner_of(slot)), run->op + 1);
	run_result(run, had);
	if (had && !may) kpanic(ORACLE_MUST_FAIL, "pages %u to %u claimed", first, first + pages);
	if (!had && may) kpanic(ORACLE_MUST_SUCCEED, "no claim of %u pages at %u", pages, first);
	if (!had) return;
	run_sometimes(run, SAW_CLAIM_GRANTED);
	if (page_model_zone(&s->model, first) != page_model_zone(&s->model, first + pages - 1))
		run_sometimes(run, SAW_CLAIM_OVER_ZONES);
	got(run, slot, s->base + (paddr_t)first * PAGE_SIZE, pages, true, 0, false);
}

/* The most there can be stands for so many that the sum with the first wraps around to 0. */
static uint32_t claimed_pages(const struct script_op *op)
{
	return op->aux == UINT8_MAX ? 0u - op->arg : op->aux;
}

void page_step_claim_dma(struct run *run, const struct script_op *op)
{
	claim(run, op->slot, ZONE_DMA, op->arg, claimed_pages(op));
}

void page_step_claim_kernel(struct run *run, const struct script_op *op)
{
	claim(run, op->slot, ZONE_KERNEL, op->arg, claimed_pages(op));
}

void page_step_claim_user(struct run *run, const struct script_op *op)
{
	claim(run, op->slot, ZONE_USER, op->arg, claimed_pages(op));
}

void page_step_claim_many(struct run *run, const struct script_op *op)
{
	claim(run, op->slot, ZONE_KERNEL, op->aux, op->arg);
}

/* The handle looks at what it wrote, and writes something else. */
void page_step_use(struct run *run, const struct script_op *op)
{
	struct page_state *s = page_state_of(run);
	struct page_holding *h = &s->model.holding[op->slot];

	if (!h->held) return;
	for (uint32_t p = h->first; p < h->first + h->pages; p++)
		if (s->model.whose[p] == op->slot + 1)
			page_model_verify(&s->model, op->slot, p, page_memory_of(s, p));
	h->seed = (uint64_t)op->arg << 32 | run->op;
	for (uint32_t p = h->first; p < h->first + h->pages; p++)
		if (s->model.whose[p] == op->slot + 1)
			page_model_write(&s->model, op->slot, p, page_memory_of(s, p));
}
