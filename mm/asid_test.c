/*
 * asid_test.c -- numbers for spaces: fast and slow ways, generations, what running spaces keep.
 */
#include "mm/asid.h"

#include "machine/host/expect.h"
#include "machine/host/mmu.h"
#include "machine/host/panics.h"

enum { SPACES = 40, CPUS = 4 };

static struct asid_pool pool;
static struct asid space[SPACES];
static uint32_t got;

static void use(void *arg)
{
	const mach_irq_t was = mach_irq_save();

	got = asid_use(&pool, arg);
	mach_irq_restore(was);
}

static void leave(void *arg)
{
	(void)arg;
	const mach_irq_t was = mach_irq_save();

	asid_leave(&pool);
	mach_irq_restore(was);
}

static uint32_t use_on(unsigned cpu, unsigned n)
{
	expect_panic(cpu, use, &space[n], NULL, "use");
	const char *why = asid_check(&pool);
	if (why != NULL) kpanic("walk", "%s", why);
	EXPECT(got != 0 && got < 1u << pool.bits && got == asid_number(&space[n]));
	return got;
}

static void make(uint32_t bits, unsigned cpus)
{
	memset(space, 0, sizeof space);
	asid_pool_init(&pool, bits, cpus);
}

static void a_number_is_kept_for_a_generation(void)
{
	make(4, 1);
	const uint32_t one = use_on(0, 0);

	EXPECT(asid_number(&space[1]) == 0);
	const uint32_t two = use_on(0, 1);
	EXPECT(one != two && use_on(0, 0) == one && use_on(0, 1) == two);
	EXPECT(pool.rollovers == 0 && pool.flush == 0);
}

static void all_numbers_are_given_and_then_again(void)
{
	uint32_t seen = 0;

	make(4, 1);
	for (unsigned n = 0; n < 15; n++) seen |= 1u << use_on(0, n);
	EXPECT(seen == 0xfffe && pool.rollovers == 0);
	use_on(0, 15);
	EXPECT(pool.rollovers == 1 && pool.flush == 0);
	EXPECT(use_on(0, 14) == 15); /* it ran when the generation began */
	for (unsigned n = 0; n < SPACES; n++) use_on(0, n);
	EXPECT(pool.rollovers >= 2);
}

/* Three CPUs go on with what they run while a fourth uses up all numbers, over and over. */
static void what_runs_keeps_its_number(void)
{
	uint32_t number[CPUS - 1];

	make(4, CPUS);
	for (unsigned cpu = 0; cpu < CPUS - 1; cpu++) number[cpu] = use_on(cpu, cpu);
	for (unsigned round = 0; round < 5; round++)
		for (unsigned n = CPUS; n < SPACES; n++)
			for (unsigned cpu = 0; cpu < CPUS - 1; cpu++)
				EXPECT(use_on(CPUS - 1, n) != number[cpu]);
	EXPECT(pool.rollovers >= 5);
	for (unsigned cpu = 0; cpu < CPUS - 1; cpu++) {
		EXPECT((pool.flush >> cpu & 1) == 1);
		EXPECT(use_on(cpu, cpu) == number[cpu]);
		EXPECT((pool.flush >> cpu & 1) == 0);
	}
}

/* One space on two CPUs has one number, before and after a generation begins. */
static void one_space_has_one_number(void)
{
	make(4, 3);
	const uint32_t number = use_on(0, 0);

	EXPECT(use_on(1, 0) == number);
	for (unsigned n = 1; n < 16; n++) use_on(2, n);
	EXPECT(pool.rollovers == 1);
	EXPECT(use_on(1, 0) == number && use_on(0, 0) == number && use_on(2, 0) == number);
}

/* Where two CPUs run a space, a generation that only one of them has gone along with, and left,
 * does not take the other's number. */
static void both_go_along_with_a_generation(void)
{
	make(4, 3);
	const uint32_t number = use_on(0, 0);

	EXPECT(use_on(1, 0) == number);
	for (unsigned n = 1; pool.rollovers == 0; n++) use_on(2, n);
	EXPECT(use_on(0, 0) == number); /* CPU 1 is running it and asks for nothing */
	expect_panic(0, leave, NULL, NULL, "leave");
	for (unsigned n = 1; pool.rollovers == 1; n++) use_on(2, n);
	EXPECT(use_on(2, 0) == number && use_on(1, 0) == number);
}

/* Who left keeps nothing. */
static void a_cpu_that_left_reserves_nothing(void)
{
	make(4, 2);
	const uint32_t number = use_on(1, 0);
	expect_panic(1, leave, NULL, NULL, "leave");
	bool again = false;

	for (unsigned n = 1; n < 32; n++) again |= use_on(0, n) == number;
	EXPECT(again);
	for (unsigned i = 0; i < 2; i++) expect_panic(i, leave, NULL, NULL, "leave");
	EXPECT(pool.active[0] == 0 && pool.reserved[0] == 0);
}

static void use_unmasked(void *arg)
{
	asid_use(&pool, arg);
}

int main(void)
{
	host_cpus_open(CPUS);
	host_mmu_reset();
	a_number_is_kept_for_a_generation();
	all_numbers_are_given_and_then_again();
	what_runs_keeps_its_number();
	one_space_has_one_number();
	both_go_along_with_a_generation();
	a_cpu_that_left_reserves_nothing();
	expect_panic(0, use_unmasked, &space[0], "assert", "use_unmasked");
	host_cpus_close();
	return 0;
}
