/*
 * kmem.c -- the hand-over from "memory that is left" to a page pool and kmalloc.
 *
 *   1. The frames, 64 bytes for each page of the span, and the early heap are taken from the map.
 *   2. The pool is made with every page reserved; kmalloc's per-CPU state comes from early heap.
 *   3. The early heap closes; what it never handed out goes back to the map.
 *   4. Every usable range of the map is given to the pool.
 *
 * So what the pool owns is exactly what the map calls usable, and the map's list of holders stays
 * the truth about the rest.  Zones follow memory, not addresses: the first sixteenth of the pages
 * that exist is for devices, the next three are the kernel's.
 *
 * Cost: making the frames, a few instructions for each page; once.
 */
#include "kernel/kmem.h"

#include "kernel/oom.h"
#include "kernel/symbols.h"

enum {
	CACHE_PAGES = 32,
	CACHE_BATCH = 16,
	HARD_REDZONE = 16,
	HARD_QUARANTINE = 32,
	HARD_QUARANTINE_PAGES = 64,
	LOW_SHARE = 32,       /* pressure is low below 1/32 of all pages, */
	CRITICAL_SHARE = 128, /* critical below 1/128 */
};

struct page_pool kernel_pages;
struct kmalloc kernel_memory;
static struct early kernel_early;

#define CALLER (CALL_SITES ? symbol_site(__builtin_return_address(0)) : SITE_NONE)

/* From the largest block's boundary below the first page of memory to the end of the last. */
static struct range span_of(const struct memmap *map)
{
	const struct range last = map->ram[map->ram_count - 1];
	const paddr_t base = align_down(map->ram[0].base, (uint64_t)PAGE_SIZE << PAGE_ORDER_MAX);
	return (struct range){ base, last.base + last.bytes - base };
}

/* The frame number after the first `pages` pages of memory. */
static uint32_t frame_after(const struct memmap *map, paddr_t base, uint64_t pages)
{
	for (unsigned i = 0;; i++) {
		ASSERT(i < map->ram_count);
		const uint64_t here = map->ram[i].bytes >> PAGE_SHIFT;
		if (pages <= here)
			return (uint32_t)(((map->ram[i].base - base) >> PAGE_SHIFT) + pages);
		pages -= here;
	}
}

static const char *make_pool(struct memmap *map, unsigned cpus, bool hard)
{
	const struct range span = span_of(map);
	const uint64_t pages = span.bytes >> PAGE_SHIFT;
	if (pages > 1u << 31) return "spread too far for one pool";
	const uint64_t bytes = pages * sizeof(struct frame);
	const paddr_t frames = memmap_take(map, bytes, PAGE_SIZE, "frames");
	if (frames == PADDR_NONE) return "no room for the frames";
	memset(mach_phys(frames), 0, bytes);

	const uint64_t ram_pages = map->ram_bytes >> PAGE_SHIFT;
	const struct page_config config = {
		.base = span.base,
		.pages = (uint32_t)pages,
		.frames = mach_phys(frames),
		.cpus = cpus,
		.zone_end = {
			[ZONE_DMA] = frame_after(map, span.base, ram_pages / 16),
			[ZONE_KERNEL] = frame_after(map, span.base, ram_pages / 4),
			[ZONE_USER] = (uint32_t)pages,
		},
		.reserve = KERNEL_PAGE_RESERVE,
		.low = (uint32_t)(ram_pages / LOW_SHARE),
		.critical = (uint32_t)(ram_pages / CRITICAL_SHARE),
		.cache_pages = CACHE_PAGES,
		.cache_batch = CACHE_BATCH,
		.quarantine_pages = hard ? HARD_QUARANTINE_PAGES : 0,
		.poison = hard,
		.listener = &oom_listener,
	};
	page_pool_init(&kernel_pages, &config);
	return NULL;
}

/* Gives the pool all that is usable. */
static void fill_pool(const struct memmap *map)
{
	for (unsigned i = 0; i < map->usable_count; i++) {
		const uint64_t first = (map->usable[i].base - kernel_pages.base) >> PAGE_SHIFT;
		page_pool_give(&kernel_pages, (uint32_t)first,
			       (uint32_t)(first + (map->usable[i].bytes >> PAGE_SHIFT)));
	}
}

const char *kmem_start(struct memmap *map, unsigned cpus, bool hard)
{
	const char *wrong = make_pool(map, cpus, hard);
	if (wrong != NULL) return wrong;
	const paddr_t heap = memmap_take(map, EARLY_HEAP_BYTES, PAGE_SIZE, "early heap");
	if (heap == PADDR_NONE) return "no room for the early heap";
	early_init(&kernel_early, mach_phys(heap), EARLY_HEAP_BYTES);
	struct slab_cpu *slab_cpus =
		early_alloc(&kernel_early, sizeof(struct slab_cpu) * KMALLOC_CLASSES * cpus,
			    sizeof(struct slab_cpu));
	ASSERT(slab_cpus != NULL);
	void *rest = NULL;
	if (early_close(&kernel_early, &rest) > 0) memmap_return(map, mach_pa(rest));
	fill_pool(map);

	const struct kmalloc_config config = {
		.pages = &kernel_pages,
		.keep_slabs = KMALLOC_KEEP_SLABS,
		.redzone = hard ? HARD_REDZONE : 0,
		.quarantine = hard ? HARD_QUARANTINE : 0,
		.poison = hard,
		.sites = CALL_SITES,
		.window_bytes = HEAP_WINDOW_BYTES,
		.grow_bytes = KMALLOC_GROW_BYTES,
		.keep_bytes = KMALLOC_KEEP_BYTES,
		.early = &kernel_early,
		.listener = &oom_listener,
		.cpus = slab_cpus,
	};
	kmalloc_init(&kernel_memory, &config);
	return NULL;
}

/* --- the short names ------------------------------------------------------------------------- */

paddr_t kpage_alloc(unsigned order, uint32_t how)
{
	return page_alloc(&kernel_pages, order, how, CALLER);
}

void kpage_free(paddr_t pa, unsigned order, uint32_t how)
{
	const enum page_verdict verdict = page_free(&kernel_pages, pa, order, how);
	if (LIKELY(verdict == PAGE_FREED)) return;
	kpanic(verdict == PAGE_DOUBLE_FREE ? "double-free" : "wild-free", "kpage_free: %s",
	       page_verdict_name(verdict));
}

void *kmalloc(size_t bytes)
{
	return kmalloc_alloc(&kernel_memory, bytes, 0, CALLER);
}

void *kzalloc(size_t bytes)
{
	return kmalloc_alloc(&kernel_memory, bytes, KM_ZERO, CALLER);
}

void *kmalloc_or_panic(size_t bytes)
{
	return kmalloc_alloc(&kernel_memory, bytes, KM_PANIC, CALLER);
}

void *kmalloc_aligned(size_t bytes, size_t align)
{
	return kmalloc_alloc_aligned(&kernel_memory, bytes, align, 0, CALLER);
}

static void judge(const char *call, enum kmalloc_verdict verdict)
{
	static const char *const ids[KMALLOC_VERDICTS] = {
		[KMALLOC_DOUBLE_FREE] = "double-free",
		[KMALLOC_WILD] = "wild-free",
		[KMALLOC_REDZONE] = "redzone",
		[KMALLOC_CORRUPT] = "redzone",
	};
	if (LIKELY(ids[verdict] == NULL)) return;
	kpanic(ids[verdict], "%s: %s", call, kmalloc_verdict_name(verdict));
}

void *krealloc(void *p, size_t bytes)
{
	enum kmalloc_verdict verdict = KMALLOC_FREED;
	void *moved = kmalloc_realloc(&kernel_memory, p, bytes, 0, CALLER, &verdict);
	judge("krealloc", verdict);
	if (verdict == KMALLOC_EARLY && bytes != 0)
		kpanic("wild-free", "krealloc: nobody knows the size of a boot allocator's block");
	return moved;
}

void kfree(void *p)
{
	judge("kfree", kmalloc_free(&kernel_memory, p));
}
