/*
 * bench_el0.c -- what programs' ways into the kernel and back cost, in the image that ships: one
 * CPU, one instruction a nanosecond.  The programs are el0_users.S, which asks for no more than is
 * named; a figure is what a longer run takes more than a shorter one, so it has the program's own
 * instructions in it, and no beginnings.
 *
 * Linux's figures for the same (6.1, the same QEMU): a null system call 471, sched_yield of two
 * 2,430, mmap, touch and munmap of a page 21,270.
 */
#include "kernel/check/bench.h"
#include "kernel/check/el0_run.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"

enum { SHORT = 500, TIMES = 5000 };

static struct el0_group group;

/* How long `count` threads of that program take from the first's beginning to the last's end, on
 * one CPU or a CPU each. */
static uint64_t ns_on(enum el0_name name, unsigned count, uint64_t times, bool spread)
{
	uint64_t to_ns = 0;
	memset(&group, 0, sizeof(group));
	group.count = count;
	for (unsigned i = 0; i < count; i++)
		group.users[i] = (struct el0_user){ .name = name,
						    .arg = times,
						    .affinity = spread ? 1u << i : 1 };
	if (!el0_begin(&group)) return UINT64_MAX / 20;
	el0_wait();
	for (unsigned i = 0; i < count; i++) to_ns = max_u64(to_ns, group.users[i].to_ns);
	return to_ns - group.users[0].from_ns;
}

static uint64_t ns_of(enum el0_name name, unsigned count, uint64_t times)
{
	return ns_on(name, count, times, false);
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

/* What each of so many pages costs that threads on as many CPUs map and touch at once. */
static uint64_t maps_at_once_tenths(unsigned threads)
{
	const uint64_t more = 15ull << 32, times = TIMES / 16;
	const uint64_t few = ns_on(EL0_AT_maps, threads, more | SHORT / 10, true);
	const uint64_t many = ns_on(EL0_AT_maps, threads, more | (SHORT / 10 + times), true);
	return (many - few) * 10 / (times * threads);
}

static bool at_once(void)
{
	const uint64_t one = maps_at_once_tenths(1);
	return bench_tell("the same of 4 threads of one program at once", maps_at_once_tenths(4),
			  (unsigned)(one * 115 / 1000));
}

int program_main(void)
{
	el0_open();
	if (smp_count() >= 4) return at_once() ? STATUS_OK : STATUS_FINDING;
	bool all = bench_tell("call of nothing", tenths_of(EL0_AT_calls, 1, 1), 100);
	all = bench_tell("yield with nobody else ready", tenths_of(EL0_AT_yields, 1, 1), 0) && all;
	all = bench_tell("yield switch of two", tenths_of(EL0_AT_yields, 2, 2), 800) && all;
	all = bench_tell("1 page mapped, touched, unmapped", maps_tenths(1), 6000) && all;
	all = bench_tell("16 pages mapped, touched, unmapped", maps_tenths(16), 28000) && all;
	all = bench_tell("256 pages mapped, touched, unmapped", maps_tenths(256), 350000) && all;
	return all ? STATUS_OK : STATUS_FINDING;
}
