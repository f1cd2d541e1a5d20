/*
 * oom.c -- out of memory, in three distinct messages, and pressure.
 *
 * Each event prints a line for people and one for machines:
 *
 *   out of memory: no pages for the heap to grow
 *   oom: kind=pages-at-growth bytes=4096 align=16 free_pages=3 caller=NAME+0x12 count=1
 *
 * The last of the three adds where the memory is.  A storm on an exhausted machine would print
 * nothing else, so an event is printed when its count is a power of two.  Pressure is counted, not
 * printed: it is normal.
 *
 * Context: any; takes the console's lock, allocates nothing.
 */
#include "kernel/oom.h"

#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/symbols.h"
#include "machine/atomic.h"

static uint32_t counts[MM_EVENTS];

static const char *const kinds[MM_EVENTS] = {
	[MM_EVENT_PAGES_AT_GROWTH] = "pages-at-growth",
	[MM_EVENT_NO_HEAP_BLOCK] = "no-heap-block",
	[MM_EVENT_CANNOT_GO_ON] = "cannot-go-on",
};

static const char *const words[MM_EVENTS] = {
	[MM_EVENT_PAGES_AT_GROWTH] = "no pages for the heap to grow",
	[MM_EVENT_NO_HEAP_BLOCK] = "no suitable block in the heap",
	[MM_EVENT_CANNOT_GO_ON] = "the kernel cannot go on",
};

/* Where the memory is, for the report of a kernel that cannot go on. */
static void print_memory(void)
{
	static struct kmalloc_counts
		counts; /* the last thing this kernel prints before it panics */
	kmalloc_count(&kernel_memory, &counts);
	console_print("oom: pages total=%u used=%u free=%u cached=%u slab=%u heap=%u\n",
		      counts.pages.total, counts.pages.used, counts.pages.free, counts.pages.cached,
		      counts.slab_pages, counts.heap_pages);
	console_print("oom: live objects=%lu bytes=%lu, heap free=%lu largest=%lu\n",
		      counts.live_objects, counts.live_bytes, counts.heap.free_bytes,
		      counts.heap.largest_free);
}

static void tell(void *context, enum mm_event event, const struct mm_report *report)
{
	(void)context;
	const uint32_t count = atomic_fetch_add_u32(&counts[event], 1) + 1;
	if (kinds[event] == NULL || !is_power_of_two(count)) return;
	uint64_t offset = 0;
	const char *caller = symbol_of_site(report->site, &offset);
	console_print("out of memory: %s\n", words[event]);
	console_print("oom: kind=%s bytes=%lu align=%lu free_pages=%lu caller=%s+0x%lx count=%u\n",
		      kinds[event], report->bytes, report->align, report->pages,
		      caller != NULL ? caller : "unknown", offset, count);
	if (event == MM_EVENT_CANNOT_GO_ON) print_memory();
}

const struct mm_listener oom_listener = { .tell = tell };

uint32_t oom_count(enum mm_event event)
{
	return atomic_load_u32(&counts[event]);
}
