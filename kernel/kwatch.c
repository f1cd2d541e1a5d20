/*
 * kwatch.c -- who watches over a kernel without ticks.
 *
 * A CPU that hangs cannot look after itself, so all look after all: at fixed times, PERIOD_NS
 * apart, some CPU's timer comes and it looks (watch_look()).  The CPUs take turns by the clock, in
 * the order of their numbers: with four that are on, the first looks at 0, 200 and 400 ms, the next
 * at 50, 250 and 450 ms.  So the machine as a whole pays the same few thousand instructions each
 * 50 ms whatever the number of CPUs, an idle CPU of four is woken five times a second, and as long
 * as any CPU takes interrupts somebody looks.  Where all hang with interrupts masked, or the only
 * one does, nobody does: that is left to who runs the machine, and its patience (qemu.sh).
 *
 * A CPU that runs one thread has no interrupt of its own for as long as it likes, so silence says
 * nothing by itself; watch_look() asks with an interrupt whoever was not seen for a while, and who
 * takes that is well.  Idle CPUs are not asked.
 *
 * A warning is printed once for what is wrong, not once for each look.  It says what was seen and
 * changes nothing: a virtual CPU that its host did not run for a tenth of a second is warned of.
 *
 * While CPUs take turns in a play (machine/aarch64/baton.h) interrupts and time are the play's, and
 * so is what hangs: nobody looks then.
 *
 * Always true: the timer in lookouts[n] is added, fires and is read on CPU n alone; it only makes
 * the interrupt come, because a look may not return to the handler.
 * Locks: none.  Cost of a look: 3,000 instructions with four CPUs and 1,024 slots.
 */
#include "kernel/kwatch.h"

#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/ksched.h"
#include "kernel/ktrace.h"
#include "kernel/platform.h"
#include "machine/aarch64/context.h"
#include "sched/dump.h"

enum { NS_PER_MS = 1000000 };

static struct watch watch;
static uint64_t period_ns; /* between two looks, whoever looks; 0: the watchdog is off */

static struct {
	struct timer timer;
	uint64_t due_ns;
	uint64_t looks; /* atomic */
} lookouts[CPUS_MAX];

/* What the last look found, and what the run ends for. */
static struct watch_report warned, hang;
static uint64_t hang_ns;

/* --- when ------------------------------------------------------------------------------------- */

/* The next time at which it is this CPU's turn. */
static uint64_t next_ns(unsigned here, uint64_t now_ns)
{
	uint64_t on = 0, before = 0;
	for (unsigned cpu = 0; cpu < kernel_sched.config.cpus; cpu++) {
		if (cpu != here && atomic_load_u32(&kernel_sched.cpu[cpu].online) == 0) continue;
		on++;
		before += cpu < here;
	}
	const uint64_t round_ns = on * period_ns, first_ns = before * period_ns;
	return now_ns < first_ns ? first_ns
				 : first_ns + ((now_ns - first_ns) / round_ns + 1) * round_ns;
}

/* Where the look fell due in the interrupt of another timer, it gets one of its own. */
static void look_again(void *s, struct timer *timer, uint64_t cookie)
{
	struct sched *sched = s;
	const unsigned here = mach_cpu();
	(void)cookie;
	lookouts[here].due_ns = max_u64(lookouts[here].due_ns, mach_now_ns() + 1);
	timer_add(&sched->cpu[here].timers, timer, lookouts[here].due_ns, 0);
}

void kwatch_begin(void)
{
	if (period_ns == 0) return;
	const mach_irq_t was = mach_irq_save();
	timer_init(&lookouts[mach_cpu()].timer, look_again);
	lookouts[mach_cpu()].due_ns = next_ns(mach_cpu(), mach_now_ns());
	look_again(&kernel_sched, &lookouts[mach_cpu()].timer, 0);
	mach_irq_restore(was);
}

const char *kwatch_start(const char *bootargs)
{
	const uint64_t warn_ms = bootarg_number(bootargs, "watch-warn", WATCH_WARN_MS);
	const uint64_t critical_ms = bootarg_number(bootargs, "watch-critical", WATCH_CRITICAL_MS);
	if (bootarg_says(bootargs, "watch", "off")) return NULL;
	if (warn_ms < 2 || critical_ms < warn_ms || critical_ms > UINT32_MAX)
		return "watch-warn= is 2 or more, and watch-critical= no less";
	const struct watch_config config = { .warn_ns = warn_ms * NS_PER_MS,
					     .critical_ns = critical_ms * NS_PER_MS };
	watch_init(&watch, &kernel_sched, &config);
	period_ns = config.warn_ns / 2;
	return NULL;
}

uint64_t kwatch_looks(unsigned cpu)
{
	return atomic_load_u64(&lookouts[cpu].looks);
}

/* --- what was seen ---------------------------------------------------------------------------- */

/* "CPU 2 waits for a lock of rank 13 that CPU 1 has", and so on. */
static void describe(const struct watch_report *r, char *text, size_t room)
{
	const uint32_t slot = (uint32_t)r->thread, generation = (uint32_t)(r->thread >> 32);
	size_t used = format_text(text, room, "CPU %u ", r->cpu);
	text += used, room -= used;
	if (r->kind == WATCH_SILENT)
		used = format_text(text, room, "takes no interrupts");
	else if (r->kind == WATCH_STUCK_LOCK && r->holder < CPUS_MAX)
		used = format_text(text, room, "waits for a lock of rank %u that CPU %u has",
				   r->rank, r->holder);
	else if (r->kind == WATCH_STUCK_LOCK)
		used = format_text(text, room, "waits for a lock of rank %u", r->rank);
	else
		used = format_text(text, room, "%s thread %u.%u",
				   r->kind == WATCH_STARVED ? "does not run" : "has not resumed",
				   slot, generation);
	text += used, room -= used;
	used = format_text(text, room, ", for %lu ms", r->for_ns / NS_PER_MS);
	text += used, room -= used;
	const bool runs = r->kind == WATCH_SILENT || r->kind == WATCH_STUCK_LOCK;
	if (runs && slot < kernel_sched.table.slots && r->thread != THREAD_NONE)
		format_text(text, room, "; thread %u.%u is on it", slot, generation);
}

static void warn(const struct watch_report *r)
{
	char text[CONSOLE_LINE_BYTES / 2];
	const bool told =
		r->kind == warned.kind && r->cpu == warned.cpu && r->thread == warned.thread;
	warned = *r;
	if (told || r->kind == WATCH_NONE) return;
	describe(r, text, sizeof(text));
	console_hint("watch: %s: %s\n", watch_kind_name(r->kind), text);
}

void kwatch_came(void)
{
	const unsigned here = mach_cpu();
	/* Most interrupts are for something that was due before. */
	if (period_ns == 0 || kernel_sched.cpu[here].clock_ns < lookouts[here].due_ns) return;
	const uint64_t now_ns = mach_now_ns();
	if (now_ns < lookouts[here].due_ns) return;
	lookouts[here].due_ns = next_ns(here, now_ns); /* first: this may not come back */
	atomic_store_u64(&lookouts[here].looks, kwatch_looks(here) + 1);
	if (cpu_may_play()) return;
	const struct watch_report r = watch_look(&watch, now_ns);
	if (!r.critical) {
		warn(&r);
		return;
	}
	hang = r;
	hang_ns = now_ns;
	if (r.kind == WATCH_STUCK_LOCK)
		kpanic("hang", "stuck lock of rank %u", r.rank);
	else
		kpanic("hang", "%s", watch_kind_name(r.kind));
}

/* --- the report ------------------------------------------------------------------------------- */

static void print_line(void *unused, const char *text)
{
	(void)unused;
	console_report("%s\n", text);
}

/* Where a thread is that has left its CPU, and what it called last. */
static void print_thread(thread_id id, uint64_t now_ns)
{
	const struct thread *t = thread_find(&kernel_sched.table, id);
	if (t == NULL) return;
	ktrace_print_call(t, now_ns);
	const uintptr_t record = context_record(&t->context);
	if (record == 0) return;
	console_report("  thread %u.%u stopped in:\n", (uint32_t)id, (uint32_t)(id >> 32));
	backtrace_print(record, false);
}

static void print_at(uint64_t now_ns)
{
	sched_dump(&kernel_sched, now_ns, print_line, NULL);
	ktrace_print(now_ns);
}

void kwatch_print(void)
{
	print_at(mach_now_ns());
}

void kwatch_print_hang(void)
{
	char text[CONSOLE_LINE_BYTES / 2];
	describe(&hang, text, sizeof(text));
	console_report("hang: %s: %s; seen %lu us after the start\n", watch_kind_name(hang.kind),
		       text, hang_ns / 1000);
	print_thread(hang.thread, hang_ns);
	const struct thread *holder = NULL;
	if (hang.kind == WATCH_STUCK_LOCK && hang.holder < kernel_sched.config.cpus)
		holder = kernel_sched.cpu[hang.holder].current;
	if (holder != NULL) ktrace_print_call(holder, hang_ns);
	print_at(hang_ns);
	console_report("hang: end of the report\n");
}
