/*
 * bench_el0.c -- what programs' ways into the kernel and back cost, in the image that ships: one
 * CPU, one instruction a nanosecond.  The programs are el0_users.S, which asks for no more than is
 * named; a figure is what a longer run takes more than a shorter one, so it has the program's own
 * instructions in it, and no beginnings.
 *
 * Linux's figures for the same (6.1, the same QEMU): a null system call 471, sched_yield of two
 * 2,430, mmap, touch and munmap of a page 21,270.
 */
#include "kernel/bench.h"
#include "kernel/el0_run.h"
#include "kernel/power.h"
#include "kernel/program.h"

enum { SHORT = 500, TIMES = 5000 };

static struct el0_group group;

/* How long `count` threads of that program take from the first's beginning to its end. */
static uint64_t ns_of(enum el0_name name, unsigned count, uint64_t times)
{
	memset(&group, 0, sizeof(group));
	group.count = count;
	for (unsigned i = 0; i < count; i++)
		group.users[i] = (struct el0_user){ .name = name, .arg = times, .affinity = 1 };
	if (!el0_begin(&group)) return UINT64_MAX / 20;
	el0_wait();
	return group.users[0].to_ns - group.users[0].from_ns;
}

static uint64_t tenths_of(enum el0_name name, unsigned count, unsigned each)
{
	const uint64_t few = ns_of(name, count, SHORT);
	return (ns_of(name, count, SHORT + TIMES) - few) * 10 / (TIMES * (uint64_t)each);
}

static uint64_t maps_tenths(uint64_t pages)
{
	const uint64_t more = (pages - 1) << 32, times = TIMES / pages;
	const uint64_t few = ns_of(EL0_AT_maps, 1, more | SHORT / 10);
	return (ns_of(EL0_AT_maps, 1, more | (SHORT / 10 + times)) - few) * 10 / times;
}

int program_main(void)
{
	el0_open();
	bool all = bench_tell("call of nothing", tenths_of(EL0_AT_calls, 1, 1), 100);
	all = bench_tell("yield with nobody else ready", tenths_of(EL0_AT_yields, 1, 1), 0) && all;
	all = bench_tell("yield switch of two", tenths_of(EL0_AT_yields, 2, 2), 800) && all;
	all = bench_tell("1 page mapped, touched, unmapped", maps_tenths(1), 6000) && all;
	all = bench_tell("16 pages mapped, touched, unmapped", maps_tenths(16), 28000) && all;
	all = bench_tell("256 pages mapped, touched, unmapped", maps_tenths(256), 350000) && all;
	return all ? STATUS_OK : STATUS_FINDING;
}
