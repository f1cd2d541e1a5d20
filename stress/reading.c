/*
 * reading.c -- what the kernel counts about its memory, drained, checked and laid out in rows.
 *
 * "Memory stabilises" is a claim about equal numbers, so this file takes all there are: pages by
 * zone and state, free blocks by order, objects and slabs of every size, the heap's spans and
 * blocks, spaces, stacks, processes and threads, and a hash of which page is in which state, which
 * sees what sums do not.  Peaks and ever rising counters are left out: they may move.
 *
 * Before it reads it drains, twice: giving back spaces frees objects, taking a CPU's slab from it
 * may empty that, which puts pages into a CPU's cache, which is drained after that; the second
 * round must find nothing.
 *
 * Blame is by difference: who had what after the warm-up against who has what now, by call site,
 * one table for pages and one for objects.  A page below a slab or the heap appears in both, under
 * the caller whose request brought it in.
 *
 * Always true: rows come in the same order every time, so equal states give equal rows.
 *
 * Locks: mm/'s own, one after another.  Cost: a walk over all frames and blocks.
 */
#include "stress/reading.h"

#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/symbols.h"
#include "kernel/vm.h"

enum { SITES_MAX = 256 };

struct sites {
	size_t rows;
	struct site_row row[SITES_MAX];
};

static struct sites pages_then, pages_now, objects_then, objects_now;

/* --- reading ---------------------------------------------------------------------------------- */

static void add(struct readings *r, const char *name, uint32_t of, uint64_t value)
{
	ASSERT(r->count < READINGS_MAX);
	r->row[r->count++] = (struct reading){ name, of, value };
}

static void read_pages(struct readings *r, const struct page_counts *c)
{
	static const char *const zones[ZONES] = {
		[ZONE_DMA] = "dma_pages_free",
		[ZONE_KERNEL] = "kernel_pages_free",
		[ZONE_USER] = "user_pages_free",
	};
	struct page_fragmentation pieces;
	add(r, "pages_free", 0, c->free);
	add(r, "pages_used", 0, c->used);
	add(r, "pages_cached", 0, c->cached);
	add(r, "pages_quarantined", 0, c->quarantined);
	add(r, "pages_reserved", 0, c->reserved);
	for (unsigned z = 0; z < ZONES; z++) add(r, zones[z], 0, c->zone_free[z]);
	page_fragmentation(&kernel_pages, &pieces);
	for (unsigned o = 0; o < PAGE_ORDERS; o++) add(r, "blocks_of_order", o, pieces.blocks[o]);
	add(r, "pages_hash", 0, page_hash(&kernel_pages));
}

static void read_kmalloc(struct readings *r, const struct kmalloc_counts *c)
{
	add(r, "objects_live", 0, c->live_objects);
	add(r, "bytes_live", 0, c->live_bytes);
	add(r, "objects_cached", 0, c->cached_objects);
	add(r, "objects_quarantined", 0, c->quarantined);
	add(r, "slab_pages", 0, c->slab_pages);
	add(r, "heap_pages", 0, c->heap_pages);
	add(r, "heap_spans", 0, c->heap.span_count);
	add(r, "heap_blocks_granted", 0, c->heap.granted_blocks);
	add(r, "heap_blocks_free", 0, c->heap.free_blocks);
	for (unsigned i = 0; i < KMALLOC_CLASSES; i++) {
		add(r, "live_of_size", c->slab[i].size, c->slab[i].live);
		add(r, "slabs_of_size", c->slab[i].size, c->slab[i].slabs);
	}
}

static void read_spaces(struct readings *r)
{
	struct vm_counts c;
	vm_count(&kernel_vm, &c);
	add(r, "spaces", 0, c.spaces);
	add(r, "spaces_retired", 0, c.retired);
	add(r, "backings", 0, c.backings);
	add(r, "backing_pages", 0, c.backing_pages);
	add(r, "kernel_tables", 0, kernel_tables.tables);
	add(r, "kernel_leaves", 0, kernel_tables.leaves);
	add(r, "stacks", 0, kernel_stacks.live + kernel_stacks.kept);
}

/* Forces all that was put off; what a second round finds, the first has missed. */
static const char *drain(void)
{
	size_t found = 0;
	for (unsigned round = 0; round < 2; round++) {
		found = vm_reclaim(&kernel_vm, SIZE_MAX) + kstack_drain(&kernel_stacks);
		found += kmalloc_drain(&kernel_memory);
		page_drain(&kernel_pages);
	}
	return found == 0 ? NULL : "a second drain found pages that the first had missed";
}

/* No stress keeps a space: one that is there is a leak, which the counts tell of. */
static const char *check_spaces(void)
{
	struct vm_counts c;
	vm_count(&kernel_vm, &c);
	return c.spaces != 0 ? NULL : vm_check(&kernel_vm, NULL, 0);
}

static void read_processes(struct readings *r)
{
	struct process_counts c;
	process_count(&kernel_processes, &c);
	add(r, "processes", 0, c.processes);
	add(r, "zombies", 0, c.zombies);
	add(r, "process_threads", 0, c.threads);
	add(r, "thread_slots", 0, thread_count(&kernel_sched.table));
}

const char *readings_take(struct readings *out)
{
	static struct kmalloc_counts counts;
	const char *wrong = drain();
	if (wrong == NULL) wrong = kmalloc_check(&kernel_memory);
	if (wrong == NULL) wrong = page_check(&kernel_pages);
	if (wrong == NULL) wrong = check_spaces();
	if (wrong == NULL) wrong = kstack_check(&kernel_stacks);
	if (wrong == NULL) wrong = pagetable_check(&kernel_tables);
	if (wrong == NULL) wrong = process_check(&kernel_processes);
	kmalloc_count(&kernel_memory, &counts);
	out->count = 0;
	read_pages(out, &counts.pages);
	read_kmalloc(out, &counts);
	read_spaces(out);
	read_processes(out);
	return wrong;
}

const struct reading *readings_differ(const struct readings *then, const struct readings *now)
{
	ASSERT(then->count == now->count);
	for (uint32_t i = 0; i < now->count; i++)
		if (then->row[i].value != now->row[i].value) return &now->row[i];
	return NULL;
}

/* --- blame ------------------------------------------------------------------------------------ */

static void take_sites(struct sites *pages, struct sites *objects)
{
	pages->rows = objects->rows = 0;
	const bool all = page_sites(&kernel_pages, pages->row, SITES_MAX, &pages->rows) &&
			 kmalloc_sites(&kernel_memory, objects->row, SITES_MAX, &objects->rows);
	if (!all) console_print("# more than %u call sites: some are not listed\n", SITES_MAX);
}

static struct site_row row_of(const struct sites *sites, site_t site)
{
	for (size_t i = 0; i < sites->rows; i++)
		if (sites->row[i].site == site) return sites->row[i];
	return (struct site_row){ .site = site };
}

static void tell(const char *what, const struct site_row *then, const struct site_row *now)
{
	uint64_t offset = 0;
	const char *name = symbol_of_site(now->site, &offset);
	const bool more = now->objects > then->objects;
	const uint32_t count = more ? now->objects - then->objects : then->objects - now->objects;
	const uint64_t bytes = more ? now->bytes - then->bytes : then->bytes - now->bytes;
	if (then->objects == now->objects && then->bytes == now->bytes) return;
	console_print("%s: %u %s, %lu bytes, from %s+0x%lx\n", more ? "leaked" : "lost", count,
		      what, bytes, name != NULL ? name : "unknown", offset);
}

static void blame(const char *what, const struct sites *then, const struct sites *now)
{
	for (size_t i = 0; i < now->rows; i++) {
		const struct site_row was = row_of(then, now->row[i].site);
		tell(what, &was, &now->row[i]);
	}
	for (size_t i = 0; i < then->rows; i++) {
		const struct site_row is = row_of(now, then->row[i].site);
		if (is.objects == 0) tell(what, &then->row[i], &is);
	}
}

void readings_keep_sites(void)
{
	take_sites(&pages_then, &objects_then);
}

void readings_blame(void)
{
	take_sites(&pages_now, &objects_now);
	blame("pages", &pages_then, &pages_now);
	blame("objects", &objects_then, &objects_now);
}
