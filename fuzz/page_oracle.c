/*
 * page_oracle.c -- what must be true of the pool after every operation of subject page.
 *
 * Counts: the allocator's figures against the model's, which knows only who has what.  Used and
 * reserved pages must be the same to the page; free, cached and quarantined ones together must be
 * what nobody has.  Where there are neither caches nor a quarantine, each zone's free pages and
 * the way they are merged are known too, to the block.
 *
 * Pressure: the level must follow from the number of free pages by page.h's rule, and the listener
 * must hear of every change of it and of nothing else.
 *
 * Sites: walking the pages in use by call site must find each handle's pages under the operation
 * that got them, and none under any other.
 */
#include "fuzz/page_subject.h"

#include "machine/machine.h"

/* The level that follows a level when so many pages are free, by page.h's rule. */
static uint32_t level_after(const struct page_state *s, uint32_t level, uint32_t free)
{
	const uint32_t low = s->pool.low, critical = s->pool.critical;
	const uint32_t low_end = level >= PRESSURE_LOW ? low + low / 8 + 1 : low;
	const uint32_t critical_end =
		level == PRESSURE_CRITICAL ? critical + critical / 8 + 1 : critical;

	if (free < critical_end) return PRESSURE_CRITICAL;
	return free < low_end ? PRESSURE_LOW : PRESSURE_NONE;
}

static void hear(void *context, enum mm_event event, const struct mm_report *report)
{
	struct run *run = context;
	struct page_state *s = page_state_of(run);

	if (event != MM_EVENT_PRESSURE) kpanic(ORACLE_ACCOUNT, "event %u from pages", event);
	if (report->level == s->told_level)
		kpanic(ORACLE_ACCOUNT, "pressure level %u told twice", report->level);
	if (level_after(s, s->told_level, (uint32_t)report->pages) != report->level)
		kpanic(ORACLE_ACCOUNT, "pressure level %u after %u, with %lu pages free",
		       report->level, s->told_level, (unsigned long)report->pages);
	mach_lock_none_held(RANK_QUARANTINE);
	s->told_level = report->level;
	if (report->level == PRESSURE_LOW) run_sometimes(run, SAW_PRESSURE_LOW);
	if (report->level == PRESSURE_CRITICAL) run_sometimes(run, SAW_PRESSURE_CRITICAL);
}

void page_oracle_open(struct run *run)
{
	struct page_state *s = page_state_of(run);

	s->listener = (struct mm_listener){ .tell = hear, .context = run };
	s->told_level = PRESSURE_NONE;
}

/* --- counts --------------------------------------------------------------------------------- */

static void check_sums(const struct page_state *s, const struct page_counts *c)
{
	const struct page_model *m = &s->model;

	if (c->total != m->pages || c->reserved != m->reserved)
		kpanic(ORACLE_ACCOUNT, "%u pages, %u reserved", c->total, c->reserved);
	if (c->used != page_model_used(m))
		kpanic(ORACLE_ACCOUNT, "%u pages used, the model has %u", c->used,
		       page_model_used(m));
	if (c->free + c->cached + c->quarantined != page_model_free(m))
		kpanic(ORACLE_ACCOUNT, "%u free, %u cached, %u quarantined, %u are nobody's",
		       c->free, c->cached, c->quarantined, page_model_free(m));
	for (unsigned z = 0; z < ZONES; z++)
		if (c->zone_free[z] > m->zone_free[z] ||
		    (page_state_exact(s) && c->zone_free[z] != m->zone_free[z]))
			kpanic(ORACLE_ACCOUNT, "zone %u: %u pages free, the model has %u", z,
			       c->zone_free[z], m->zone_free[z]);
}

static void check_limits(struct page_state *s, const struct page_counts *c)
{
	const uint32_t ours = c->total - c->reserved;

	if (c->quarantined > s->pool.quarantine_limit ||
	    c->cached > s->pool.cache_pages * ZONES * s->pool.cpus)
		kpanic(ORACLE_ACCOUNT, "%u quarantined, %u cached", c->quarantined, c->cached);
	if (ours - c->free > s->peak) s->peak = ours - c->free;
	if (c->peak_used < s->peak || c->peak_used > ours || c->peak_used < s->counts.peak_used)
		kpanic(ORACLE_ACCOUNT, "peak %u, seen %u", c->peak_used, s->peak);
}

static void note_counts(struct run *run, const struct page_counts *c)
{
	const struct page_counts *was = &page_state_of(run)->counts;

	if (c->cached > was->cached && c->free < was->free) run_sometimes(run, SAW_CACHE_FILLED);
	if (c->cached < was->cached && c->free > was->free && c->cached != 0)
		run_sometimes(run, SAW_CACHE_OVERFLOWED);
	if (was->cached != 0 && c->cached == 0) run_sometimes(run, SAW_CACHE_DRAINED);
	if (was->quarantined != 0 && c->quarantined == 0)
		run_sometimes(run, SAW_QUARANTINE_DRAINED);
	if (was->quarantined != 0 && c->quarantined != 0 && c->free > was->free)
		run_sometimes(run, SAW_QUARANTINE_OVERFLOWED);
}

static void check_counts(struct run *run)
{
	struct page_state *s = page_state_of(run);
	const char *wrong = page_check_counts(&s->pool);
	struct page_counts c;

	if (wrong != NULL) kpanic(ORACLE_ACCOUNT, "%s", wrong);
	page_count(&s->pool, &c);
	check_sums(s, &c);
	check_limits(s, &c);
	if (c.level != s->told_level || level_after(s, c.level, c.free) != c.level)
		kpanic(ORACLE_ACCOUNT, "pressure level %u, told %u, with %u pages free", c.level,
		       s->told_level, c.free);
	note_counts(run, &c);
	s->counts = c;
	run_result(run, (uint64_t)c.free << 32 | c.used);
	run_result(run, (uint64_t)c.cached << 32 | c.quarantined);
}

/* --- the walk ------------------------------------------------------------------------------- */

static void check_blocks(struct run *run)
{
	struct page_state *s = page_state_of(run);
	struct page_fragmentation f;
	uint32_t blocks[PAGE_ORDERS], largest = 0, orders = 0;

	page_fragmentation(&s->pool, &f);
	page_model_blocks(&s->model, blocks);
	for (unsigned o = 0; o < PAGE_ORDERS; o++) {
		if (f.blocks[o] != blocks[o])
			kpanic(ORACLE_FRAGMENTATION, "%u free blocks of order %u, could be %u",
			       f.blocks[o], o, blocks[o]);
		if (blocks[o] != 0) largest = 1u << o, orders++;
	}
	if (f.largest_pages != largest || f.free_pages != page_model_free(&s->model))
		kpanic(ORACLE_FRAGMENTATION, "largest block %u, is %u", f.largest_pages, largest);
	if (blocks[PAGE_ORDER_MAX] != 0 && run->op != 0) run_sometimes(run, SAW_LARGEST_MERGED);
	if (orders >= PAGE_ORDERS - 1) run_sometimes(run, SAW_EVERY_ORDER);
}

/* Pages in use per site: each handle's in one row, under the operation that got it. */
static void check_sites(struct run *run)
{
	struct page_state *s = page_state_of(run);
	struct site_row row[SCRIPT_SLOTS];
	size_t rows = 0, holders = 0;
	uint64_t bytes = 0;

	if (!CALL_SITES) return;
	if (!page_sites(&s->pool, row, COUNT_OF(row), &rows))
		kpanic(ORACLE_ACCOUNT, "more sites than handles");
	for (unsigned slot = 0; slot < SCRIPT_SLOTS; slot++) {
		const struct page_holding *h = &s->model.holding[slot];
		size_t r = 0;

		if (!h->held) continue;
		holders++;
		while (r < rows && row[r].site != h->site) r++;
		if (r == rows || row[r].bytes != (uint64_t)h->left * PAGE_SIZE)
			kpanic(ORACLE_ACCOUNT,
			       "slot %u has %u pages from operation %u, not so its site", slot,
			       h->left, h->site - 1);
		bytes += row[r].bytes;
	}
	if (holders != rows || bytes != (uint64_t)page_model_used(&s->model) * PAGE_SIZE)
		kpanic(ORACLE_ACCOUNT, "%zu sites for %zu handles", rows, holders);
}

void page_oracle_check(struct run *run, enum check_depth depth)
{
	struct page_state *s = page_state_of(run);

	check_counts(run);
	if (depth != CHECK_WALK) return;
	const char *wrong = page_check(&s->pool);
	if (wrong != NULL) kpanic(ORACLE_WALK, "%s", wrong);
	if (page_state_exact(s)) check_blocks(run);
	check_sites(run);
}

void page_oracle_drained(struct run *run)
{
	struct page_state *s = page_state_of(run);
	struct page_counts c;

	page_count(&s->pool, &c);
	if (c.cached != 0 || c.quarantined != 0)
		kpanic(ORACLE_ACCOUNT, "%u cached, %u quarantined after a drain", c.cached,
		       c.quarantined);
	check_blocks(run);
}

void page_oracle_pristine(struct run *run)
{
	struct page_state *s = page_state_of(run);
	struct page_counts c;

	page_count(&s->pool, &c);
	if (c.used != 0) {
		struct site_row row = { 0 };
		size_t rows = 0;

		page_sites(&s->pool, &row, 1, &rows);
		kpanic(ORACLE_LEAK, "%u pages are not back; one is from operation %u", c.used,
		       row.site - 1);
	}
	if (page_hash(&s->pool) != s->pristine)
		kpanic(ORACLE_LEAK, "all pages are back, and yet the pool is not as it was");
}
