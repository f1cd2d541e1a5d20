/*
 * trace.c -- writes down what happens to page tables, in images under test (machine/tlbtrace.h).
 *
 * The inline half of the seam calls trace_event() where `trace_on` says so: a word that is looked
 * at, and no more, while there is no trace.  A release image has neither the look nor this file.
 *
 * Frames are known by what the page allocator says of its memory to mach_poison() and
 * mach_unpoison(): whole pages that become nobody's, or somebody's.
 *
 * Always true: an event's number is drawn after what it tells of has happened on its CPU (an
 * installation: before), so the numbers are an order that agrees with each CPU's own and with every
 * lock.  Each place is written once, by who drew its number.
 *
 * Locks: none; one atomic addition an event.  Cost: about 40 instructions.
 */
#include "trace.h"

#include "machine/atomic.h"
#include "machine/machine.h"

bool trace_on;
static struct tlbtrace_event *trace;
static uint32_t capacity;
static uint32_t drawn; /* atomic */

void trace_start(struct tlbtrace_event *events, uint32_t room)
{
	trace = events;
	capacity = room;
	drawn = 0;
	trace_on = true;
}

uint32_t trace_stop(uint64_t *lost)
{
	const uint32_t all = atomic_load_u32(&drawn);
	trace_on = false;
	*lost = sub_or_zero(all, capacity);
	return (uint32_t)min_u64(all, capacity);
}

void trace_event(unsigned kind, uint32_t asid, uint64_t at, uint64_t value, uint64_t was)
{
	const mach_irq_t irq = mach_irq_save(); /* one CPU's events are drawn in order */
	const uint32_t number = atomic_fetch_add_u32(&drawn, 1);
	if (number < capacity)
		trace[number] = (struct tlbtrace_event){ .number = number,
							 .kind = (uint8_t)kind,
							 .cpu = (uint8_t)mach_cpu(),
							 .asid = (uint16_t)asid,
							 .at = at,
							 .value = value,
							 .was = was };
	else if (number == UINT32_MAX)
		kpanic("assert", "the trace is too long to count");
	mach_irq_restore(irq);
}

void trace_memory(const void *p, size_t bytes, bool given)
{
	const paddr_t pa = mach_pa_untrusted(p);
	if (!is_aligned(pa | bytes, PAGE_SIZE) || pa >= PHYSICAL_LIMIT) return;
	trace_event(given ? TLBTRACE_FRAME_GIVEN : TLBTRACE_FRAME_FREED, 0, pa, bytes, 0);
}
