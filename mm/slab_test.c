/*
 * slab_test.c -- slabs by example: every verdict, the magazines' edges, and what goes back.
 */
#include "machine/host/panics.h"
#include "mm/slab.h"
#include "mm/test_pool.h"

static struct magazine magazine;

static struct slab_config config_of(struct test_pool *t, uint32_t size, uint32_t depth)
{
	return (struct slab_config){
		.pages = &t->pool,
		.size = size,
		.depth = depth,
		.magazines = &magazine,
	};
}

static struct slab_cache cache_open(const struct slab_config *config)
{
	struct slab_cache cache;

	magazine = (struct magazine){ .count = 0 };
	slab_cache_init(&cache, config);
	return cache;
}

static void every_verdict(void)
{
	struct test_pool *t = test_pool_open(64);
	const struct slab_config config = config_of(t, 48, 4);
	struct slab_cache cache = cache_open(&config);
	uint8_t *a = slab_alloc(&cache, 48, 0, SITE_NONE);
	uint8_t *b = slab_alloc(&cache, 1, 0, SITE_NONE);

	EXPECT(a != NULL && b != NULL && a != b && is_aligned((uintptr_t)a, 16));
	EXPECT(slab_free(&cache, a + 16) == SLAB_WILD);
	EXPECT(slab_free(&cache, a + 1) == SLAB_WILD);
	EXPECT(slab_free(&cache, &t) == SLAB_WILD);
	EXPECT(slab_free(&cache, a) == SLAB_FREED);
	EXPECT(slab_free(&cache, a) == SLAB_DOUBLE_FREE);
	EXPECT(slab_check(&cache, 1, NULL) == NULL);
	EXPECT(slab_free(&cache, b) == SLAB_FREED);
	EXPECT(slab_drain(&cache) == 1 && test_pool_free_pages(t) == 64);
	free(t);
}

/* Objects come back last in, first out, from the CPU's own magazine. */
static void magazine_order(void)
{
	struct test_pool *t = test_pool_open(64);
	const struct slab_config config = config_of(t, 64, 4);
	struct slab_cache cache = cache_open(&config);
	void *p[8];

	for (int i = 0; i < 8; i++) p[i] = slab_alloc(&cache, 64, 0, SITE_NONE);
	for (int i = 0; i < 8; i++) EXPECT(slab_free(&cache, p[i]) == SLAB_FREED);
	EXPECT(slab_alloc(&cache, 64, 0, SITE_NONE) == p[7]);
	EXPECT(slab_check(&cache, 1, NULL) == NULL);
	EXPECT(slab_free(&cache, p[7]) == SLAB_FREED);
	slab_drain(&cache);
	EXPECT(test_pool_free_pages(t) == 64);
	free(t);
}

/* Without magazines and with nothing kept, the last free of a slab gives its page back. */
static void empty_slab_goes_back(void)
{
	struct test_pool *t = test_pool_open(64);
	struct slab_config config = config_of(t, 1024, 0);
	struct slab_cache cache = cache_open(&config);
	void *p[5];

	for (int i = 0; i < 5; i++) p[i] = slab_alloc(&cache, 1024, 0, SITE_NONE);
	EXPECT(test_pool_free_pages(t) == 62);
	EXPECT(slab_free(&cache, p[4]) == SLAB_FREED && test_pool_free_pages(t) == 63);
	config.keep = 1;
	for (int i = 0; i < 4; i++) EXPECT(slab_free(&cache, p[i]) == SLAB_FREED);
	EXPECT(test_pool_free_pages(t) == 64);
	cache = cache_open(&config);
	p[0] = slab_alloc(&cache, 1024, 0, SITE_NONE);
	EXPECT(slab_free(&cache, p[0]) == SLAB_FREED && test_pool_free_pages(t) == 63);
	EXPECT(slab_drain(&cache) == 1 && test_pool_free_pages(t) == 64);
	free(t);
}

/* Small objects waste at most an eighth of a slab, whatever stands between them. */
static void order_is_chosen_by_waste(void)
{
	struct test_pool *t = test_pool_open(64);

	for (uint32_t size = SLAB_SIZE_MIN; size <= SLAB_SIZE_MAX; size += 16) {
		struct slab_config config = config_of(t, size, 0);
		for (config.redzone = 0; config.redzone <= 64; config.redzone += 64) {
			const struct slab_cache cache = cache_open(&config);
			const uint32_t bytes = (uint32_t)PAGE_SIZE << cache.order;
			const uint32_t waste = bytes - cache.per_slab * cache.stride;
			EXPECT(waste * 8 <= bytes || cache.order == SLAB_ORDER_MAX);
		}
	}
	free(t);
}

static void exhaustion_and_recovery(void)
{
	struct test_pool *t = test_pool_open(8);
	const struct slab_config config = config_of(t, 2048, 8);
	struct slab_cache cache = cache_open(&config);
	void *p[16];

	for (int i = 0; i < 16; i++)
		EXPECT((p[i] = slab_alloc(&cache, 2048, 0, SITE_NONE)) != NULL);
	EXPECT(slab_alloc(&cache, 2048, 0, SITE_NONE) == NULL);
	EXPECT(slab_free(&cache, p[3]) == SLAB_FREED);
	EXPECT(slab_alloc(&cache, 2048, 0, SITE_NONE) == p[3]);
	EXPECT(slab_check(&cache, 1, NULL) == NULL);
	for (int i = 0; i < 16; i++) EXPECT(slab_free(&cache, p[i]) == SLAB_FREED);
	slab_drain(&cache);
	EXPECT(test_pool_free_pages(t) == 8);
	free(t);
}

static void sites_of_live_objects(void)
{
	struct test_pool *t = test_pool_open(64);
	struct slab_config config = config_of(t, 128, 4);
	struct site_row rows[4];
	size_t n = 0;

	config.sites = true;
	struct slab_cache cache = cache_open(&config);
	void *a = slab_alloc(&cache, 100, 0, 7), *b = slab_alloc(&cache, 100, 0, 7);
	void *c = slab_alloc(&cache, 100, 0, 9);
	EXPECT(slab_free(&cache, b) == SLAB_FREED);
	EXPECT(slab_sites(&cache, 1, rows, COUNT_OF(rows), &n) && n == 2);
	EXPECT(rows[0].site == 7 && rows[0].objects == 1 && rows[0].bytes == 128);
	EXPECT(rows[1].site == 9 && rows[1].objects == 1);
	n = 0;
	EXPECT(!slab_sites(&cache, 1, rows, 1, &n));
	EXPECT(slab_free(&cache, a) == SLAB_FREED && slab_free(&cache, c) == SLAB_FREED);
	free(t);
}

METADATA_ACCESS static void write_stray(uint8_t *at)
{
	*at ^= 0xff;
}

struct stray {
	struct test_pool *pool;
	unsigned at;
};

/* Five objects taken leave a sixth in the magazine; the fourth free fills it over, and its older
 * half, the sixth object and the first, goes to the depot.  A stray write to the first, and all are
 * taken again. */
static void write_in_depot(void *arg)
{
	const struct stray *stray = arg;
	struct slab_config config = config_of(stray->pool, 48, 4);
	uint8_t *p[5];

	config.poison = true;
	config.depot = 1;
	struct slab_cache cache = cache_open(&config);
	for (int i = 0; i < 5; i++) p[i] = slab_alloc(&cache, 48, 0, SITE_NONE);
	for (int i = 0; i < 5; i++) EXPECT(slab_free(&cache, p[i]) == SLAB_FREED);
	EXPECT(cache.depot_count == 1);
	write_stray(p[0] + stray->at);
	for (int i = 0; i < 5; i++) slab_alloc(&cache, 48, 0, SITE_NONE);
}

/* Taking a batch off the depot repairs what its links were written over, and nothing else: the
 * last object of a batch has none. */
static void every_stray_write_is_found(void)
{
	for (unsigned at = 0; at < 48; at++) {
		struct stray stray = { test_pool_open(64), at };
		expect_panic(0, write_in_depot, &stray, "use-after-free", "a write in the depot");
		free(stray.pool);
	}
}

int main(void)
{
	every_verdict();
	magazine_order();
	empty_slab_goes_back();
	order_is_chosen_by_waste();
	exhaustion_and_recovery();
	sites_of_live_objects();
	host_cpus_open(1);
	every_stray_write_is_found();
	host_cpus_close();
	return 0;
}
