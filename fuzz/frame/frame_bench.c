/*
 * frame_bench.c -- what the frame itself costs: scripts whose operations do next to nothing.
 *
 *	bazel run //fuzz:frame_bench
 *
 * Two figures under ASan and UBSan, in CPU time: nanoseconds for an operation of a long script,
 * on one CPU and changing CPUs each time; and nanoseconds for a script of 32 operations with its
 * reset, open and close.  What a subject's own work may cost is the budget minus these.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fuzz/frame/bytes.h"
#include "fuzz/frame/harness.h"
#include "machine/machine.h"

enum { LONG_OPS = 10000, SHORT_OPS = 32, PAGES_TOUCHED = 8 };

static void step_nothing(struct run *run, const struct script_op *op)
{
	run_result(run, op->arg);
}

static void open_nothing(struct run *run)
{
	mach_unpoison(run->machine->arena, PAGES_TOUCHED * (size_t)PAGE_SIZE);
}

static void check_nothing(struct run *run, enum check_depth depth)
{
	(void)run, (void)depth;
}

static void close_nothing(struct run *run)
{
	run_result(run, 0);
}

static const struct op_kind ops[] = {
	{ "nothing",
	  1,
	  { { "slot", IN_SLOT, FORM_NUMBER, 0, NULL }, { "size", IN_ARG, FORM_SIZE, 0, NULL } },
	  step_nothing },
};

static const struct subject nothing = {
	.name = "nothing",
	.ops = ops,
	.op_count = COUNT_OF(ops),
	.open = open_nothing,
	.check = check_nothing,
	.close = close_nothing,
};
const struct subject *const subjects[] = { &nothing, NULL };

static uint8_t body[18 + LONG_OPS * SCRIPT_OP_BYTES];

static size_t make_body(uint32_t count, uint8_t cpus)
{
	memset(body, 0, sizeof(body));
	body[2] = cpus;
	put_u16(body + 16, (uint16_t)count);
	for (uint32_t n = 0; n < count; n++) {
		const struct script_op op = { .cpu = (uint8_t)(n % cpus), .arg = n };
		script_op_write(&op, body + 18 + n * (size_t)SCRIPT_OP_BYTES);
	}
	return 18 + count * (size_t)SCRIPT_OP_BYTES;
}

static void measure(const char *what, uint32_t count, uint8_t cpus, unsigned runs, double per)
{
	const size_t bytes = make_body(count, cpus);
	const clock_t begin = clock();
	for (unsigned i = 0; i < runs; i++) harness_run(&nothing, body, bytes, false);
	const double ns = (double)(clock() - begin) * (1e9 / CLOCKS_PER_SEC);
	printf("%-44s %8.1f ns\n", what, ns / runs / per);
}

int main(void)
{
	harness_open();
	measure("operation, one CPU", LONG_OPS, 1, 1000, LONG_OPS);
	measure("operation, another CPU each time", LONG_OPS, 2, 300, LONG_OPS);
	measure("script of 32 operations, 8 pages touched", SHORT_OPS, 1, 200000, 1);
	measure("script of none, 8 pages touched", 0, 1, 200000, 1);
	return 0;
}
