/*
 * bench.c -- runs the figures of a table and prints them.
 *
 * The virtual counter has a tick of 16 instructions, and a call of the clock costs some ten, so
 * work is repeated until that is nothing.  Figures are exact: the same image counts the same, every
 * time.
 */
#include "kernel/check/bench.h"

#include "kernel/console.h"
#include "machine/machine.h"

static uint64_t paused_ns, paused_at;

void bench_pause(void)
{
	paused_at = mach_now_ns();
}

void bench_resume(void)
{
	paused_ns += mach_now_ns() - paused_at;
}

/* Instructions of one time over, in tenths. */
static uint64_t tenths_of(void (*run)(uint32_t), uint32_t times)
{
	if (run == NULL) return 0;
	run(1);
	const mach_irq_t was = mach_irq_save();
	paused_ns = 0;
	const uint64_t from = mach_now_ns();
	run(times);
	const uint64_t ns = mach_now_ns() - from - paused_ns;
	mach_irq_restore(was);
	return 10 * ns / times;
}

bool bench_tell(const char *name, uint64_t tenths, unsigned target)
{
	const bool over = target != 0 && tenths >= 10ull * target;
	console_print("bench: %7lu.%lu instructions: %s", tenths / 10, tenths % 10, name);
	if (target != 0)
		console_print("; %s below %u\n", over ? "MISSED: is to be" : "is", target);
	else
		console_print("\n");
	return !over;
}

unsigned bench_run(const struct bench *benches, unsigned count)
{
	unsigned missed = 0;
	for (unsigned i = 0; i < count; i++) {
		const struct bench *b = &benches[i];
		const uint64_t all = tenths_of(b->run, b->times);
		const uint64_t tenths = sub_or_zero(all, tenths_of(b->less, b->times)) / b->share;
		if (!bench_tell(b->name, tenths, b->target)) missed++;
	}
	return missed;
}
