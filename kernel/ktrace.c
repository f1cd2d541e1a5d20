/*
 * ktrace.c -- rings of what happened, one for each CPU.
 *
 * An entry is the time, the thread, what it was, and four numbers.  A CPU writes into its own ring
 * alone, with interrupts masked, over the oldest entry; so nothing waits for anything, and whoever
 * reads while CPUs run may find an entry half new.  Reports are made when the others have been
 * stopped.  The entries come from three places:
 *
 *	switches          config.enter of the scheduler, which every switch passes
 *	claims, readies   config.observe of the scheduler
 *	calls             entering and leaving: the kernel's short names for memory calls (vm.c),
 *	                  and programs' calls (trap_task.c)
 *
 * Beside the rings each slot of a thread has a record of its last call and of when it last left a
 * CPU.  It is what tells where a hang is when the rings have long gone round: in the call (entered,
 * not left), or behind it (left, not resumed).
 *
 * Barriers are of no use to this kernel.  They are a question that can be put to a hang: does it
 * come as well when everything before the call is over and seen everywhere?
 *
 * Always true: a ring's count is the number of entries ever written, its size is the same for all.
 * Locks: none.  Cost when on: 90 instructions for a switch, 100 for a wake, 220 for a call; a
 * barrier 60.
 */
#include "kernel/ktrace_inside.h"

#include "kernel/abi.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/platform.h"
#include "machine/aarch64/context.h"

enum { ENTRIES = 64, ENTRIES_MAX = 1 << 16, RECORD_X19 = 2 };

const char *const ktrace_call_names[KTRACE_CALLS] = {
	[KTRACE_MMAP] = "mmap",
	[KTRACE_MUNMAP] = "munmap",
	[KTRACE_FORK] = "fork",
};

struct ktrace_ring ktrace_rings[CPUS_MAX];
struct ktrace_record *ktrace_records;
uint32_t ktrace_kept;
uint32_t ktrace_barrier_before;
uint32_t ktrace_barriers[KTRACE_CALLS];
uint32_t ktrace_calls;

/* --- start ------------------------------------------------------------------------------------ */

static bool read_barrier(const char *bootargs)
{
	const char *text;
	size_t bytes;
	if (!bootarg_text(bootargs, "barrier", &text, &bytes)) return true;
	if (bootarg_says(bootargs, "barrier", "all"))
		ktrace_barrier_before = (1u << KTRACE_CALLS) - 1;
	for (unsigned i = 0; i < KTRACE_CALLS; i++)
		if (bootarg_says(bootargs, "barrier", ktrace_call_names[i]))
			ktrace_barrier_before = 1u << i;
	if (ktrace_barrier_before != 0) ktrace_calls |= KTRACE_BARRIERS;
	return ktrace_barrier_before != 0;
}

const char *ktrace_start(const char *bootargs, unsigned cpus, uint32_t slots)
{
	const bool plain = bootarg_is_set(bootargs, "trace");
	const uint64_t wanted = bootarg_number(bootargs, "trace", plain ? ENTRIES : 0);
	if (!read_barrier(bootargs)) return "barrier= is mmap, munmap, fork or all";
	if (wanted > ENTRIES_MAX) return "trace= is too much";
	if (wanted == 0) return NULL;
	ktrace_kept = (uint32_t)wanted;
	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		ktrace_rings[cpu].entries = kmalloc(ktrace_kept * sizeof(struct ktrace_entry));
		if (ktrace_rings[cpu].entries == NULL) return "no room for a trace";
	}
	ktrace_records = kmalloc(slots * sizeof(*ktrace_records));
	if (ktrace_records == NULL) return "no room for a trace";
	memset(ktrace_records, 0, slots * sizeof(*ktrace_records));
	ktrace_calls |= KTRACE_RECORDS;
	return NULL;
}

bool ktrace_is_on(void)
{
	return ktrace_records != NULL;
}

/* --- entries ---------------------------------------------------------------------------------- */

/* The next of this CPU, to be filled; interrupts are masked. */
static struct ktrace_entry *entry_new(enum ktrace_kind kind, uint64_t now_ns, thread_id thread)
{
	struct ktrace_ring *ring = &ktrace_rings[mach_cpu()];
	struct ktrace_entry *e = &ring->entries[ring->count++ % ktrace_kept];
	*e = (struct ktrace_entry){ .time_ns = now_ns, .thread = thread, .kind = kind };
	return e;
}

static const struct thread *current(void)
{
	return kernel_sched.cpu[mach_cpu()].current;
}

static thread_id current_id(void)
{
	const struct thread *t = current();
	return t != NULL ? thread_id_of(t) : THREAD_NONE;
}

/* The record of a thread of the table, made its own; NULL for an idle one. */
static struct ktrace_record *record_of(const struct thread *t)
{
	if (t == NULL || t->idle) return NULL;
	struct ktrace_record *r = &ktrace_records[t->slot];
	const thread_id id = thread_id_of(t);
	if (r->thread != id) *r = (struct ktrace_record){ .thread = id, .call = KTRACE_NONE };
	return r;
}

void ktrace_switch(const struct thread *from, const struct thread *to)
{
	const uint64_t now_ns = mach_now_ns();
	struct ktrace_entry *e = entry_new(KTRACE_SWITCH, now_ns, thread_id_of(to));
	e->call = thread_word_state(atomic_load_u64(&from->word));
	e->n[0] = thread_id_of(from);
	e->n[1] = to->idle ? now_ns : to->ready_ns;
	struct ktrace_record *r = record_of(from);
	if (r != NULL) r->off_ns = now_ns;
}

/* A thread that has run before left its registers on its stack, behind its frame record. */
static void fill_ready(struct ktrace_entry *e, const struct thread *t)
{
	const uint64_t *saved = (const uint64_t *)context_record(&t->context);
	e->n[1] = t->cpu;
	e->n[2] = t->switches;
	e->n[3] = saved != NULL ? saved[RECORD_X19] : 0;
}

void ktrace_observe(void *unused, enum sched_seen seen, const struct thread *t)
{
	(void)unused;
	struct ktrace_entry *e = entry_new(seen == SEEN_READY ? KTRACE_READY : KTRACE_CLAIM,
					   mach_now_ns(), current_id());
	e->n[0] = thread_id_of(t);
	if (seen == SEEN_READY) {
		fill_ready(e, t);
		return;
	}
	e->n[1] = (uintptr_t)t->entry;
	e->n[2] = t->stack;
	e->n[3] = (uintptr_t)t->arg;
}

static void record_entered(uint32_t call, const uint64_t n[KTRACE_NUMBERS])
{
	const mach_irq_t was = mach_irq_save();
	const uint64_t now_ns = mach_now_ns();
	struct ktrace_entry *e = entry_new(KTRACE_ENTER, now_ns, current_id());
	struct ktrace_record *r = record_of(current());
	e->call = call;
	memcpy(e->n, n, sizeof(e->n));
	if (r != NULL) {
		r->call = call;
		r->entered_ns = now_ns;
		memcpy(r->n, n, sizeof(r->n));
		r->inside = 1;
	}
	mach_irq_restore(was);
}

static void record_left(uint32_t call, int64_t result)
{
	const mach_irq_t was = mach_irq_save();
	const uint64_t now_ns = mach_now_ns();
	struct ktrace_entry *e = entry_new(KTRACE_LEAVE, now_ns, current_id());
	struct ktrace_record *r = record_of(current());
	e->call = call;
	e->n[0] = (uint64_t)result;
	if (r != NULL) {
		r->left_ns = now_ns;
		r->result = result;
		r->inside = 0;
	}
	mach_irq_restore(was);
}

static void barrier_before(enum ktrace_call call)
{
	if ((ktrace_barrier_before >> call & 1) == 0) return;
	atomic_fetch_add_u32(&ktrace_barriers[call], 1);
	__asm__ volatile("dsb sy\n\tisb" : : : "memory");
}

void ktrace_entered(enum ktrace_call call, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t n[KTRACE_NUMBERS] = { a, b, c };
	if ((ktrace_calls & KTRACE_RECORDS) != 0) record_entered(call, n);
	barrier_before(call);
}

void ktrace_left(enum ktrace_call call, int64_t result)
{
	if ((ktrace_calls & KTRACE_RECORDS) != 0) record_left(call, result);
}

void ktrace_call_entered(uint32_t number, const uint64_t *arg)
{
	if ((ktrace_calls & KTRACE_RECORDS) != 0) record_entered(KTRACE_SYSTEM + number, arg);
	if (number == SYS_mmap) barrier_before(KTRACE_MMAP);
	if (number == SYS_munmap) barrier_before(KTRACE_MUNMAP);
	if (number == SYS_clone) barrier_before(KTRACE_FORK);
}

void ktrace_call_left(uint32_t number, int64_t result)
{
	if ((ktrace_calls & KTRACE_RECORDS) != 0) record_left(KTRACE_SYSTEM + number, result);
}
