/*
 * kmalloc_test.c -- kmalloc by example: sizes and alignments at their edges, realloc, the three
 * out-of-memory messages, and nothing lost.
 */
#include <string.h>

#include "mm/kmalloc.h"
#include "mm/test_pool.h"

static struct slab_cpu cpus[KMALLOC_CLASSES];

static struct kmalloc_config config_of(struct test_pool *t)
{
	return (struct kmalloc_config){
		.pages = &t->pool,
		.window_bytes = 32 * PAGE_SIZE,
		.grow_bytes = 4 * PAGE_SIZE,
		.listener = &t->listener,
		.cpus = cpus,
	};
}

static void close_and_compare(struct test_pool *t, struct kmalloc *km)
{
	EXPECT(kmalloc_check(km) == NULL);
	kmalloc_drain(km);
	EXPECT(kmalloc_check(km) == NULL);
	EXPECT(test_pool_free_pages(t) == t->pool.pages);
	free(t);
}

static void sizes_at_their_edges(void)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 2047, 2048, 2049, 4095, 4096, 4097, 65536 };
	struct test_pool *t = test_pool_open(256);
	struct kmalloc_config config = config_of(t);
	struct kmalloc km;

	kmalloc_init(&km, &config);
	for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
		uint8_t *p = kmalloc_alloc(&km, sizes[i], KM_ZERO, SITE_NONE);
		EXPECT(p != NULL && is_aligned((uintptr_t)p, KMALLOC_ALIGN));
		EXPECT(p[0] == 0 && p[sizes[i] - 1] == 0);
		EXPECT(kmalloc_usable(&km, p) >= sizes[i]);
		memset(p, 0x5a, sizes[i]);
		EXPECT(kmalloc_free(&km, p) == KMALLOC_FREED);
	}
	EXPECT(kmalloc_alloc(&km, 0, 0, SITE_NONE) == NULL);
	EXPECT(kmalloc_alloc(&km, SIZE_MAX, 0, SITE_NONE) == NULL);
	EXPECT(kmalloc_alloc(&km, SIZE_MAX - 23, 0, SITE_NONE) == NULL);
	EXPECT(kmalloc_alloc(&km, (size_t)1 << 32, 0, SITE_NONE) == NULL);
	EXPECT(kmalloc_free(&km, NULL) == KMALLOC_NOTHING);
	close_and_compare(t, &km);
}

static void alignments(void)
{
	struct test_pool *t = test_pool_open(256);
	struct kmalloc_config config = config_of(t);
	struct kmalloc km;

	kmalloc_init(&km, &config);
	for (size_t align = 1; align <= 64 << 10; align *= 2)
		for (size_t bytes = 1; bytes <= 8192; bytes = bytes * 3 + 1) {
			void *p = kmalloc_alloc_aligned(&km, bytes, align, 0, SITE_NONE);
			EXPECT(p != NULL && is_aligned((uintptr_t)p, align));
			EXPECT(kmalloc_free(&km, p) == KMALLOC_FREED);
		}
	EXPECT(kmalloc_alloc_aligned(&km, 64, 0, 0, SITE_NONE) == NULL);
	EXPECT(kmalloc_alloc_aligned(&km, 64, 48, 0, SITE_NONE) == NULL);
	EXPECT(kmalloc_alloc_aligned(&km, 64, (size_t)1 << 63, 0, SITE_NONE) == NULL);
	close_and_compare(t, &km);
}

static void realloc_keeps_contents(void)
{
	static const size_t sizes[] = { 10, 16, 100, 2000, 2048, 3000, 60000, 5000, 2048, 64, 1 };
	struct test_pool *t = test_pool_open(256);
	struct kmalloc_config config = config_of(t);
	struct kmalloc km;
	uint8_t *p = NULL;
	size_t had = 0;

	kmalloc_init(&km, &config);
	for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
		p = kmalloc_realloc(&km, p, sizes[i], 0, SITE_NONE, NULL);
		EXPECT(p != NULL);
		for (size_t b = 0; b < min_u64(had, sizes[i]); b++)
			EXPECT(p[b] == (uint8_t)(b * 7));
		for (size_t b = 0; b < sizes[i]; b++) p[b] = (uint8_t)(b * 7);
		had = sizes[i];
	}
	enum kmalloc_verdict v;
	EXPECT(kmalloc_realloc(&km, p, (size_t)1 << 40, 0, SITE_NONE, &v) == NULL);
	EXPECT(v == KMALLOC_FREED && p[0] == 0);
	EXPECT(kmalloc_realloc(&km, p + 1, 5, 0, SITE_NONE, &v) == NULL && v == KMALLOC_WILD);
	EXPECT(kmalloc_realloc(&km, p, 0, 0, SITE_NONE, &v) == NULL && v == KMALLOC_FREED);
	EXPECT(kmalloc_realloc(&km, p, 5, 0, SITE_NONE, &v) == NULL && v == KMALLOC_DOUBLE_FREE);
	close_and_compare(t, &km);
}

/* P3.7: three distinct reasons, each told when it is true and not otherwise. */
static void out_of_memory_is_told(void)
{
	struct test_pool *t = test_pool_open(64);
	struct kmalloc_config config = config_of(t);
	struct kmalloc km;
	void *chain = NULL, *p;

	kmalloc_init(&km, &config);
	EXPECT(kmalloc_alloc(&km, 33 * PAGE_SIZE, 0, SITE_NONE) == NULL);
	EXPECT(t->told[MM_EVENT_NO_HEAP_BLOCK] == 1 && t->told[MM_EVENT_PAGES_AT_GROWTH] == 0);
	while ((p = kmalloc_alloc(&km, 2048, 0, SITE_NONE)) != NULL) {
		*(void **)p = chain;
		chain = p;
	}
	EXPECT(t->told[MM_EVENT_PAGES_AT_GROWTH] != 0 && t->told[MM_EVENT_CANNOT_GO_ON] == 0);
	while (chain != NULL) {
		p = chain;
		chain = *(void **)p;
		EXPECT(kmalloc_free(&km, p) == KMALLOC_FREED);
	}
	close_and_compare(t, &km);
}

/* A16: a block of the boot allocator, freed at run time, is known by its address. */
static void early_blocks_are_routed(void)
{
	static _Alignas(PAGE_SIZE) uint8_t boot[2 * PAGE_SIZE];
	struct test_pool *t = test_pool_open(64);
	struct kmalloc_config config = config_of(t);
	struct kmalloc km;
	struct early early;
	void *rest;

	early_init(&early, boot, sizeof boot);
	void *p = early_alloc(&early, 100, 16);
	EXPECT(early_close(&early, &rest) == PAGE_SIZE && rest == boot + PAGE_SIZE);
	config.early = &early;
	kmalloc_init(&km, &config);
	EXPECT(kmalloc_free(&km, p) == KMALLOC_EARLY && early.released == 1);
	EXPECT(kmalloc_usable(&km, p) == 0);
	close_and_compare(t, &km);
}

/* Freed objects wait their turn, count as nobody's, and come back when memory is short. */
static void quarantine_holds_and_yields(void)
{
	struct test_pool *t = test_pool_open(8);
	struct kmalloc_config config = config_of(t);
	struct kmalloc_counts counts;
	struct kmalloc km;
	void *p[16];

	config.quarantine = 16;
	kmalloc_init(&km, &config);
	for (int i = 0; i < 16; i++)
		EXPECT((p[i] = kmalloc_alloc(&km, 2048, 0, SITE_NONE)) != NULL);
	for (int i = 0; i < 16; i++) EXPECT(kmalloc_free(&km, p[i]) == KMALLOC_FREED);
	EXPECT(kmalloc_free(&km, p[5]) == KMALLOC_DOUBLE_FREE);
	kmalloc_count(&km, &counts);
	EXPECT(counts.quarantined == 16 && counts.live_objects == 0 && counts.live_bytes == 0);
	EXPECT(kmalloc_check(&km) == NULL);
	EXPECT((p[0] = kmalloc_alloc(&km, 1024, 0, SITE_NONE)) != NULL);
	EXPECT(kmalloc_free(&km, p[0]) == KMALLOC_FREED);
	close_and_compare(t, &km);
}

/* What realloc says of what is no block is as exact as what free says. */
static void realloc_tells_what_is_wrong(void)
{
	struct test_pool *t = test_pool_open(256);
	struct kmalloc_config config = config_of(t);
	enum kmalloc_verdict v;
	struct kmalloc km;

	config.keep_bytes = 1 << 20;
	kmalloc_init(&km, &config);
	uint8_t *large = kmalloc_alloc(&km, 5000, 0, SITE_NONE);
	uint8_t *other = kmalloc_alloc(&km, 5000, 0, SITE_NONE);
	EXPECT(kmalloc_realloc(&km, other + 48, 9, 0, SITE_NONE, &v) == NULL && v == KMALLOC_WILD);
	EXPECT(kmalloc_free(&km, large) == KMALLOC_FREED);
	EXPECT(kmalloc_realloc(&km, large, 9, 0, SITE_NONE, &v) == NULL);
	EXPECT(v == KMALLOC_DOUBLE_FREE);
	EXPECT(kmalloc_free(&km, other) == KMALLOC_FREED);
	close_and_compare(t, &km);
}

/* A block stays where another would be no smaller. */
static void realloc_stays_in_the_smallest_class(void)
{
	struct test_pool *t = test_pool_open(64);
	struct kmalloc_config config = config_of(t);
	struct kmalloc km;

	kmalloc_init(&km, &config);
	void *p = kmalloc_alloc(&km, 16, 0, SITE_NONE);
	EXPECT(kmalloc_realloc(&km, p, 5, 0, SITE_NONE, NULL) == p);
	EXPECT(kmalloc_free(&km, p) == KMALLOC_FREED);
	close_and_compare(t, &km);
}

/* A class whose slabs take two pages in a row is no reason to refuse while single ones are free. */
static void single_pages_serve_every_small_size(bool sites)
{
	struct test_pool *t = test_pool_open(8);
	struct kmalloc_config config = config_of(t);
	struct kmalloc km;
	paddr_t pages[8];
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL);

	config.sites = sites;
	kmalloc_init(&km, &config);
	for (int i = 0; i < 8; i++)
		EXPECT((pages[i] = page_alloc(&t->pool, 0, how, SITE_NONE)) != PADDR_NONE);
	for (size_t bytes = 1; bytes <= SLAB_SIZE_MAX; bytes++) {
		page_free(&t->pool, pages[3], 0, how);
		void *p = kmalloc_alloc(&km, bytes, 0, SITE_NONE);
		EXPECT(p != NULL && kmalloc_free(&km, p) == KMALLOC_FREED);
		kmalloc_drain(&km);
		EXPECT((pages[3] = page_alloc(&t->pool, 0, how, SITE_NONE)) != PADDR_NONE);
	}
	for (int i = 0; i < 8; i++) page_free(&t->pool, pages[i], 0, how);
	close_and_compare(t, &km);
}

/* What is put off must not become a refusal: one freed object, and no page, is enough for one. */
static void one_freed_object_is_enough(void)
{
	struct test_pool *t = test_pool_open(8);
	struct kmalloc_config config = config_of(t);
	struct kmalloc km;
	void *p[16];

	config.quarantine = 16;
	kmalloc_init(&km, &config);
	for (int i = 0; i < 16; i++)
		EXPECT((p[i] = kmalloc_alloc(&km, 2048, 0, SITE_NONE)) != NULL);
	EXPECT(kmalloc_free(&km, p[7]) == KMALLOC_FREED);
	EXPECT((p[7] = kmalloc_alloc(&km, 2048, 0, SITE_NONE)) != NULL);
	for (int i = 0; i < 16; i++) EXPECT(kmalloc_free(&km, p[i]) == KMALLOC_FREED);
	close_and_compare(t, &km);
}

int main(void)
{
	sizes_at_their_edges();
	alignments();
	realloc_keeps_contents();
	realloc_tells_what_is_wrong();
	realloc_stays_in_the_smallest_class();
	single_pages_serve_every_small_size(false);
	single_pages_serve_every_small_size(true);
	out_of_memory_is_told();
	early_blocks_are_routed();
	quarantine_holds_and_yields();
	one_freed_object_is_enough();
	return 0;
}
