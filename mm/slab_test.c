/*
 * slab_test.c -- slabs by example: every verdict, whose slab is whose, and what goes back.
 */
#include "machine/host/panics.h"
#include "mm/slab.h"
#include "mm/test_pool.h"

static struct slab_cpu own;

static struct slab_config config_of(struct test_pool *t, uint32_t size, struct slab_cpu *cpus)
{
	return (struct slab_config){ .pages = &t->pool, .size = size, .cpus = cpus };
}

static struct slab_cache cache_open(const struct slab_config *config)
{
	struct slab_cache cache;

	slab_cache_init(&cache, config);
	return cache;
}

/* In plain caches one bit says all; in careful ones there are two. */
static void every_verdict(bool held)
{
	struct test_pool *t = test_pool_open(64);
	struct slab_config config = config_of(t, 48, &own);
	config.held = held;
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

/* The first free object of a CPU's own slab is the next; a word of bits that is used up is left for
 * the next one, all round, and the slab only when it has nothing at all. */
static void lowest_first(void)
{
	struct test_pool *t = test_pool_open(64);
	const struct slab_config config = config_of(t, 64, &own);
	struct slab_cache cache = cache_open(&config);
	uint8_t *p[65];

	for (int i = 0; i < 65; i++) p[i] = slab_alloc(&cache, 64, 0, SITE_NONE);
	for (int i = 1; i < 64; i++) EXPECT(p[i] == p[0] + 64 * i);
	EXPECT(cache.slabs == 2 && cache.full == 1 && slab_check(&cache, 1, NULL) == NULL);
	EXPECT(slab_free(&cache, p[7]) == SLAB_FREED && slab_free(&cache, p[3]) == SLAB_FREED);
	EXPECT(cache.full == 0 && cache.partial != FRAME_NONE);
	EXPECT(slab_alloc(&cache, 64, 0, SITE_NONE) == p[64] + 64);
	for (int i = 2; i < 64; i++) slab_alloc(&cache, 64, 0, SITE_NONE);
	EXPECT(slab_alloc(&cache, 64, 0, SITE_NONE) == p[3]);
	EXPECT(cache.partial == FRAME_NONE && slab_check(&cache, 1, NULL) == NULL);
	free(t);
}

/* Sizes whose bits lie in one word, in two, and in all four, and slabs of two pages. */
static void every_object_once(void)
{
	static const uint32_t sizes[] = { 16, 32, 48, 80, 64, 1536, 2048 };
	static void *seen[1024];

	for (unsigned s = 0; s < COUNT_OF(sizes); s++) {
		struct test_pool *t = test_pool_open(64);
		const struct slab_config config = config_of(t, sizes[s], &own);
		struct slab_cache cache = cache_open(&config);
		const uint32_t n = 3u * cache.per_slab;
		for (uint32_t i = 0; i < n; i++) {
			seen[i] = slab_alloc(&cache, sizes[s], 0, SITE_NONE);
			memset(seen[i], (int)i, sizes[s]);
		}
		EXPECT(cache.slabs == 3 && slab_check(&cache, 1, NULL) == NULL);
		for (uint32_t i = 0; i < n; i++) {
			const uint8_t *p = seen[i];
			EXPECT(p[0] == (uint8_t)i && p[sizes[s] - 1] == (uint8_t)i);
			EXPECT(slab_free(&cache, seen[i]) == SLAB_FREED);
		}
		EXPECT(slab_check(&cache, 1, NULL) == NULL);
		slab_drain(&cache);
		EXPECT(test_pool_free_pages(t) == 64);
		free(t);
	}
}

/* The bit of a slab that stands for `place`, in units of 16 bytes from the pool's start. */
static void flip_bit(struct test_pool *t, uint64_t place)
{
	const uint8_t bit = __builtin_rotateleft8((uint8_t)place, 6);

	t->pool.frames[place >> 8].slab.taken[bit / 64] ^= 1ull << bit % 64;
}

/* In a careful cache of whatever size, also where an object's second bit is on the next page: the
 * walk takes them all for right, and one that moved to a free object for wrong, though as many
 * objects are live as before. */
static void walk_knows_second_bits(void)
{
	unsigned over_pages = 0;

	for (uint32_t size = 32; size <= SLAB_SIZE_MAX; size += 16) {
		struct test_pool *t = test_pool_open(64);
		struct slab_config config = config_of(t, size, &own);
		config.held = config.sites = true;
		struct slab_cache cache = cache_open(&config);
		uint64_t place = 0;

		for (uint32_t i = 0; i < cache.per_slab; i++) {
			const uint8_t *p = slab_alloc(&cache, size, 0, SITE_NONE);
			place = (mach_pa(p) - t->pool.base) >> 4;
			over_pages += place % 256 == 255;
			EXPECT(slab_check(&cache, 1, NULL) == NULL);
		}
		EXPECT(slab_free(&cache, mach_phys(t->pool.base + (place << 4))) == SLAB_FREED);
		EXPECT(slab_check(&cache, 1, NULL) == NULL);
		flip_bit(t, place + 1);
		flip_bit(t, place - size / 16 + 1);
		EXPECT(slab_check(&cache, 1, NULL) != NULL);
		free(t);
	}
	EXPECT(over_pages != 0);
}

/* Who finds the CPU's slab in use is served from others, and a drain leaves it alone. */
static void slab_in_use(void)
{
	struct test_pool *t = test_pool_open(64);
	struct slab_config config = config_of(t, 1024, &own);
	struct slab_cache cache = cache_open(&config);
	uint8_t *a = slab_alloc(&cache, 1024, 0, SITE_NONE);

	own.latch.holder = 2; /* somebody else */
	uint8_t *b = slab_alloc(&cache, 1024, 0, SITE_NONE);
	uint8_t *c = slab_alloc(&cache, 1024, 0, SITE_NONE);
	EXPECT(c == b + 1024 && cache.slabs == 2 && cache.partial != FRAME_NONE);
	EXPECT(slab_free(&cache, a) == SLAB_FREED && slab_free(&cache, b) == SLAB_FREED);
	EXPECT(slab_free(&cache, c) == SLAB_FREED && cache.slabs == 1);
	EXPECT(slab_drain(&cache) == 0 && test_pool_free_pages(t) == 63);
	own.latch.holder = 0;
	EXPECT(slab_check(&cache, 1, NULL) == NULL);
	EXPECT(slab_drain(&cache) == 1 && test_pool_free_pages(t) == 64);
	free(t);
}

/* Where no CPU has it and nothing is kept, the last free of a slab gives its page back. */
static void empty_slab_goes_back(void)
{
	struct test_pool *t = test_pool_open(64);
	struct slab_config config = config_of(t, 1024, NULL);
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
		struct slab_config config = config_of(t, size, NULL);
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
	const struct slab_config config = config_of(t, 2048, &own);
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
	struct slab_config config = config_of(t, 128, &own);
	struct site_row rows[4];
	size_t n = 0;

	config.sites = true;
	struct slab_cache cache = cache_open(&config);
	void *a = slab_alloc(&cache, 100, 0, 7), *b = slab_alloc(&cache, 100, 0, 7);
	void *c = slab_alloc(&cache, 100, 0, 7 + 256); /* alike, for a filter of 256 bits */
	EXPECT(slab_free(&cache, b) == SLAB_FREED);
	EXPECT(slab_sites(&cache, 1, rows, COUNT_OF(rows), &n) && n == 2);
	EXPECT(rows[0].site == 7 && rows[0].objects == 1 && rows[0].bytes == 128);
	EXPECT(rows[1].site == 7 + 256 && rows[1].objects == 1);
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

/* An object is freed and written to; the next to get it finds that out. */
static void write_after_free(void *arg)
{
	const struct stray *stray = arg;
	struct slab_config config = config_of(stray->pool, 48, &own);

	config.poison = true;
	struct slab_cache cache = cache_open(&config);
	uint8_t *p = slab_alloc(&cache, 48, 0, SITE_NONE);
	EXPECT(slab_free(&cache, p) == SLAB_FREED);
	write_stray(p + stray->at);
	slab_alloc(&cache, 48, 0, SITE_NONE);
}

/* No byte of a free object is the allocator's own. */
static void every_stray_write_is_found(void)
{
	for (unsigned at = 0; at < 48; at++) {
		struct stray stray = { test_pool_open(64), at };
		expect_panic(0, write_after_free, &stray, "use-after-free", "a write after a free");
		free(stray.pool);
	}
}

int main(void)
{
	every_verdict(false);
	every_verdict(true);
	lowest_first();
	every_object_once();
	walk_knows_second_bits();
	slab_in_use();
	empty_slab_goes_back();
	order_is_chosen_by_waste();
	exhaustion_and_recovery();
	sites_of_live_objects();
	host_cpus_open(1);
	every_stray_write_is_found();
	host_cpus_close();
	return 0;
}
