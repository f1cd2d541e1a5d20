/*
 * ktrace_print.c -- the trace as lines of text.
 *
 *	last calls of threads:
 *	  thread 17.1: munmap(space 0xffff000041a0c000, 0x8000, 4096)
 *	      entered 5100 us ago, and not left; it has the CPU
 *	trace: the last 64 of each CPU, oldest first, in us
 *	      51.040 cpu 1: 16.1 readies 17.1 on cpu 1 after 3 switches: x19 churn+0x0
 *	      51.056 cpu 1: 17.1 runs, after 16.1, which is waiting; was ready for 16000 ns
 *	      51.072 cpu 1: 17.1 enters munmap(space 0xffff000041a0c000, 0x8000, 4096)
 *
 * A thread is named by slot and generation.  Functions are those that the values point into.
 *
 * Locks: none, on purpose.  Cost: does not matter; 300 bytes of stack.
 */
#include "kernel/abi.h"
#include "kernel/console.h"
#include "kernel/ksched.h"
#include "kernel/ktrace_inside.h"
#include "kernel/symbols.h"

/* --- text ------------------------------------------------------------------------------------- */

enum { LINE = 160 };

struct line {
	size_t used;
	char text[LINE];
};

PRINTF_LIKE(2, 3) static void add(struct line *l, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	l->used += format_text_v(l->text + l->used, sizeof(l->text) - l->used, format, args);
	va_end(args);
}

static void add_thread(struct line *l, thread_id id)
{
	const uint32_t slot = (uint32_t)id, slots = kernel_sched.table.slots;
	if (id == THREAD_NONE)
		add(l, "nobody");
	else if (slot >= slots)
		add(l, "idle %u", slot - slots);
	else
		add(l, "%u.%u", slot, (uint32_t)(id >> 32));
}

static void add_function(struct line *l, uint64_t at)
{
	uint64_t offset = 0;
	const char *name = symbol_find(at, &offset);
	if (name != NULL)
		add(l, "%s+0x%lx", name, offset);
	else
		add(l, "0x%lx", at);
}

static void add_call_name(struct line *l, uint32_t call)
{
	const uint32_t number = call - KTRACE_SYSTEM;
	if (call < KTRACE_CALLS)
		add(l, "%s", ktrace_call_names[call]);
	else if (number < SYS_CALLS && call_names[number] != NULL)
		add(l, "%s", call_names[number]);
	else
		add(l, "call %u", number);
}

static void add_call(struct line *l, uint32_t call, const uint64_t *n)
{
	add_call_name(l, call);
	if (call >= KTRACE_SYSTEM) {
		add(l, "(0x%lx, 0x%lx, 0x%lx, 0x%lx)", n[0], n[1], n[2], n[3]);
		return;
	}
	add(l, "(space 0x%lx", n[0]);
	if (call != KTRACE_FORK) add(l, ", 0x%lx, %lu", n[1], n[2]);
	add(l, ")");
}

static void add_switch(struct line *l, const struct ktrace_entry *e)
{
	add(l, " runs, after ");
	add_thread(l, e->n[0]);
	if (e->call < THREAD_STATES)
		add(l, ", which is %s", thread_state_name((enum thread_state)e->call));
	if (e->time_ns > e->n[1]) add(l, "; was ready for %lu ns", e->time_ns - e->n[1]);
}

static void add_entry(struct line *l, const struct ktrace_entry *e)
{
	switch ((enum ktrace_kind)e->kind) {
	case KTRACE_SWITCH: add_switch(l, e); return;
	case KTRACE_CLAIM:
		add(l, " claims ");
		add_thread(l, e->n[0]);
		add(l, ": x19 ");
		add_function(l, e->n[1]);
		add(l, ", stack 0x%lx, x20 0x%lx", e->n[2], e->n[3]);
		return;
	case KTRACE_READY:
		add(l, " readies ");
		add_thread(l, e->n[0]);
		add(l, " on cpu %lu after %lu switches: x19 ", e->n[1], e->n[2]);
		add_function(l, e->n[3]);
		return;
	case KTRACE_ENTER:
		add(l, " enters ");
		add_call(l, e->call, e->n);
		return;
	case KTRACE_LEAVE:
		add(l, " leaves ");
		add_call_name(l, e->call);
		add(l, " = %ld", (long)e->n[0]);
		return;
	}
}

/* --- the rings, by time ----------------------------------------------------------------------- */

/* The earliest that was not printed yet; NULL: all were. */
static const struct ktrace_entry *entry_next(uint64_t *at, unsigned *cpu)
{
	const struct ktrace_entry *first = NULL;
	for (unsigned i = 0; i < CPUS_MAX; i++) {
		if (at[i] >= ktrace_rings[i].count) continue;
		const struct ktrace_entry *e = &ktrace_rings[i].entries[at[i] % ktrace_kept];
		if (first != NULL && first->time_ns <= e->time_ns) continue;
		first = e;
		*cpu = i;
	}
	if (first != NULL) at[*cpu]++;
	return first;
}

static void print_rings(void)
{
	uint64_t at[CPUS_MAX];
	unsigned cpu = 0;
	const struct ktrace_entry *e;
	for (unsigned i = 0; i < CPUS_MAX; i++)
		at[i] = sub_or_zero(ktrace_rings[i].count, ktrace_kept);
	console_report("trace: the last %u of each CPU, oldest first, in us\n", ktrace_kept);
	while ((e = entry_next(at, &cpu)) != NULL) {
		struct line l = { .used = 0 };
		add_thread(&l, e->thread);
		add_entry(&l, e);
		console_report("  %7lu.%03lu cpu %u: %s\n", e->time_ns / 1000, e->time_ns % 1000,
			       cpu, l.text);
	}
}

/* --- calls ------------------------------------------------------------------------------------ */

static uint64_t us_between(uint64_t then_ns, uint64_t now_ns)
{
	return sub_or_zero(now_ns, then_ns) / 1000;
}

static bool has_called(const struct thread *t)
{
	const struct ktrace_record *r = &ktrace_records[t->slot];
	return !t->idle && r->thread == thread_id_of(t) && r->call != KTRACE_NONE;
}

void ktrace_print_call(const struct thread *t, uint64_t now_ns)
{
	if (ktrace_records == NULL || !has_called(t)) return;
	const struct ktrace_record *r = &ktrace_records[t->slot];
	const enum thread_state state = thread_word_state(atomic_load_u64(&t->word));
	struct line l = { .used = 0 };
	add_thread(&l, r->thread);
	add(&l, ": ");
	add_call(&l, r->call, r->n);
	if (r->inside != 0)
		add(&l, " entered %lu us ago, and not left", us_between(r->entered_ns, now_ns));
	else
		add(&l, " = %ld left %lu us ago", (long)r->result, us_between(r->left_ns, now_ns));
	if (state == THREAD_RUNNING)
		add(&l, "; it has the CPU");
	else
		add(&l, "%s resumed for %lu us; it is %s", r->inside != 0 ? "; not" : ", and not",
		    us_between(r->off_ns, now_ns), thread_state_name(state));
	console_report("  thread %s\n", l.text);
}

void ktrace_print(uint64_t now_ns)
{
	const struct thread_table *table = &kernel_sched.table;
	if (ktrace_records == NULL) return;
	console_report("last calls of threads:\n");
	for (uint32_t i = 0; i < table->slots; i++) ktrace_print_call(&table->threads[i], now_ns);
	print_rings();
}

void ktrace_print_barriers(int status)
{
	for (unsigned i = 0; i < KTRACE_CALLS; i++) {
		if ((ktrace_barrier_before >> i & 1) != 0)
			console_report("anvil: with %u barriers before %s the run ends with %d\n",
				       atomic_load_u32(&ktrace_barriers[i]), ktrace_call_names[i],
				       status);
	}
}
