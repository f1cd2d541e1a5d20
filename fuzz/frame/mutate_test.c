/*
 * mutate_test.c -- what generator, mutator and crossover promise: legal, within the room given, the
 * same from the same seed; and that they do their work: reach every operation and unlike scripts.
 */
#include <string.h>

#include "fuzz/frame/harness.h"
#include "fuzz/frame/mutate.h"
#include "machine/host/expect.h"
#include "machine/random.h"

static uint8_t a[SCRIPT_BODY_MAX], b[SCRIPT_BODY_MAX], c[SCRIPT_BODY_MAX];

static bool is_canonical(const struct subject *subject, const uint8_t *body, size_t bytes)
{
	struct script s;
	script_open(&s, body, bytes);
	return script_canonical(&s, subject, c, sizeof(c)) == bytes && memcmp(c, body, bytes) == 0;
}

/* Marks a script's operations in `seen`, a bit for each kind. */
static uint64_t kinds_of(const struct subject *subject, const uint8_t *body, size_t bytes)
{
	struct script s;
	uint64_t seen = 0;
	script_open(&s, body, bytes);
	for (uint32_t n = 0; n < s.ops; n++)
		seen |= 1ull << (script_op_for(&s, subject, n).code % 64);
	return seen;
}

static void test_generate(const struct subject *subject)
{
	uint64_t seen = 0, wanted = 0;
	unsigned sparse = 0;
	for (uint32_t k = 0; k < subject->op_count; k++)
		wanted |= (uint64_t)(subject->ops[k].weight != 0) << (k % 64);
	for (uint64_t seed = 0; seed < 2000; seed++) {
		const size_t bytes = script_generate(subject, seed, 100, a, sizeof(a));
		EXPECT(is_canonical(subject, a, bytes));
		EXPECT(script_generate(subject, seed, 100, b, sizeof(b)) == bytes);
		EXPECT(memcmp(a, b, bytes) == 0);
		const uint64_t kinds = kinds_of(subject, a, bytes);
		seen |= kinds;
		sparse += kinds != wanted;
		const size_t small = script_generate(subject, seed, 100, b, 60);
		EXPECT(small <= 60 && is_canonical(subject, b, small));
	}
	EXPECT((seen & wanted) == wanted); /* every operation is reached, */
	EXPECT(sparse > 500);              /* but most scripts leave some out */
}

static void test_mutate(const struct subject *subject)
{
	unsigned changed = 0;
	struct random random = { 7 };
	for (unsigned turn = 0; turn < 4000; turn++) {
		const size_t room = 18 + random_below(&random, 1000);
		size_t bytes = min_u64(script_generate(subject, turn, 60, a, sizeof(a)), room);
		memcpy(b, a, bytes);
		const size_t first = script_mutate(subject, turn, a, bytes, room);
		EXPECT(first <= room && is_canonical(subject, a, first));
		changed += first != bytes || memcmp(a, b, bytes) != 0;
		bytes = script_mutate(subject, turn, b, bytes, room);
		EXPECT(bytes == first && memcmp(a, b, bytes) == 0);
		for (unsigned again = 0; again < 8; again++)
			bytes = script_mutate(subject, random_u64(&random), b, bytes, room);
		EXPECT(bytes <= room && is_canonical(subject, b, bytes));
	}
	EXPECT(changed > 3600);
}

static void test_cross(const struct subject *subject)
{
	static uint8_t child[SCRIPT_BODY_MAX];
	for (unsigned turn = 0; turn < 2000; turn++) {
		const size_t a_bytes = script_generate(subject, turn, 60, a, sizeof(a));
		const size_t b_bytes = script_generate(subject, turn + 5000, 60, b, sizeof(b));
		const size_t room = 18 + turn % 700;
		const size_t bytes =
			script_cross(subject, turn, a, a_bytes, b, b_bytes, child, room);
		EXPECT(bytes <= room && is_canonical(subject, child, bytes));
	}
}

/* From nothing, and from the least room there is. */
static void test_edges(const struct subject *subject)
{
	for (uint64_t seed = 0; seed < 500; seed++) {
		const size_t bytes = script_mutate(subject, seed, a, 0, 18);
		EXPECT(bytes == 18 && is_canonical(subject, a, bytes));
		EXPECT(script_mutate(subject, seed, a, 5, 5) == 5);
		EXPECT(script_cross(subject, seed, a, 0, b, 0, c, 17) == 0);
	}
}

int main(void)
{
	for (unsigned i = 0; subjects[i] != NULL; i++) {
		test_generate(subjects[i]);
		test_mutate(subjects[i]);
		test_cross(subjects[i]);
		test_edges(subjects[i]);
	}
	return 0;
}
