/*
 * fiber_test.c -- what a switch between stacks must keep: every register that a call must.
 *
 * Two fibers go to and fro.  Each holds more numbers than there are such registers, of both kinds,
 * across the switch, so the compiler keeps some in every one of them, and each holds other numbers
 * than its partner.  The switch is written out in the function that holds them: fiber_switch()
 * itself saves the registers that it happens to use, and would hide that the assembly forgot one.
 */
#include "machine/host/fiber.h"
#include "machine/machine.h"

extern void __sanitizer_start_switch_fiber(void **fake, const void *stack, size_t bytes)
	__attribute__((weak));
extern void __sanitizer_finish_switch_fiber(void *fake, const void **stack, size_t *bytes)
	__attribute__((weak));
void fiber_swap(void **save, void *sp);

enum { NUMBERS = 16, ROUNDS = 200 };

static struct fiber ping, pong;
static unsigned pong_rounds;

/* As fiber_switch(), but in the caller. */
static inline __attribute__((always_inline)) void swap_to(struct fiber *from, struct fiber *to)
{
	if (__sanitizer_start_switch_fiber != NULL)
		__sanitizer_start_switch_fiber(&from->fake, to->stack, to->stack_bytes);
	fiber_swap(&from->sp, to->sp);
	if (__sanitizer_finish_switch_fiber != NULL)
		__sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
	from->fake = NULL;
}

static NOINLINE void whole_numbers(struct fiber *from, struct fiber *to, const volatile uint64_t *n)
{
	const uint64_t a = n[0], b = n[1], c = n[2], d = n[3], e = n[4], f = n[5], g = n[6];
	const uint64_t h = n[7], i = n[8], j = n[9], k = n[10], l = n[11];
	const uint64_t m = n[12], o = n[13], p = n[14], q = n[15];
	swap_to(from, to);
	ASSERT(a == n[0] && b == n[1] && c == n[2] && d == n[3] && e == n[4] && f == n[5]);
	ASSERT(g == n[6] && h == n[7] && i == n[8] && j == n[9] && k == n[10] && l == n[11]);
	ASSERT(m == n[12] && o == n[13] && p == n[14] && q == n[15]);
}

static NOINLINE void broken_numbers(struct fiber *from, struct fiber *to, const volatile double *n)
{
	const double a = n[0], b = n[1], c = n[2], d = n[3], e = n[4], f = n[5], g = n[6];
	const double h = n[7], i = n[8], j = n[9];
	swap_to(from, to);
	ASSERT(a == n[0] && b == n[1] && c == n[2] && d == n[3] && e == n[4] && f == n[5]);
	ASSERT(g == n[6] && h == n[7] && i == n[8] && j == n[9]);
}

static void hold_and_switch(struct fiber *from, struct fiber *to, unsigned seed)
{
	volatile uint64_t whole[NUMBERS];
	volatile double broken[NUMBERS];
	for (unsigned i = 0; i < NUMBERS; i++) {
		whole[i] = (seed + i) * 0x9E3779B97F4A7C15u;
		broken[i] = seed + i + 0.125;
	}
	whole_numbers(from, to, whole);
	broken_numbers(from, to, broken);
}

static void pong_main(void *arg)
{
	ASSERT(arg == &pong_rounds);
	fiber_switch(&pong, &ping);
	for (;;) hold_and_switch(&pong, &ping, 7000 + pong_rounds++);
}

static void test_registers(void)
{
	fiber_switch(&ping, &pong);
	for (unsigned i = 0; i < ROUNDS; i++) hold_and_switch(&ping, &pong, i);
	ASSERT(pong_rounds == ROUNDS);
}

/* Closed stacks are given out again, and what they were left with does no harm. */
static void test_stacks(void)
{
	const uint8_t *stack = pong.stack;
	fiber_bury(&pong);
	fiber_close(&pong);
	fiber_open(&pong, pong_main, &pong_rounds);
	ASSERT(pong.stack == stack);
	pong_rounds = 0;
	test_registers();
	fiber_bury(&pong);
	fiber_restart(&pong);
	pong_rounds = 0;
	test_registers();
	fiber_bury(&pong);
	fiber_close(&pong);
}

int main(void)
{
	fiber_adopt(&ping);
	fiber_open(&pong, pong_main, &pong_rounds);
	test_registers();
	test_stacks();
	return 0;
}
