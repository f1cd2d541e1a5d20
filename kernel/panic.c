/*
 * panic.c -- kpanic: one line that says what is wrong, then everything that helps, then the exit.
 *
 *   panic: ID message          at the start of a line: the signature that triage takes
 *   CPU, registers             where an exception led here
 *   backtrace                  by names
 *   where the other CPUs were  they are stopped first; one that does not answer is named, with its
 *                              locks
 *   the trace                  where a boot argument asked for one
 *
 * The watchdog's panic ("hang") has its own report instead of a backtrace (kwatch.c), and ends with
 * STATUS_HANG.
 *
 * The first CPU to panic reports; another that panics meanwhile parks, and what it had to say
 * stands where it is named.  A panic inside a panic prints a line for both and leaves; a third
 * leaves at once.  Nothing here takes a lock, allocates, or waits without a bound.
 *
 * Always true: `reporter` is 0 or the number plus 1 of the CPU that reports.
 */
#include "kernel/panic.h"

#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/ktrace.h"
#include "kernel/kwatch.h"
#include "kernel/power.h"
#include "kernel/symbols.h"
#include "machine/aarch64/cpu.h"
#include "machine/aarch64/exception.h"
#include "machine/lock.h"

enum { STOP_PATIENCE_NS = 200000000, MESSAGE_BYTES = 200, RELAX_EACH = 64 };

static uint32_t reporter;

/* The first panic of each CPU, as long as it lasts: a second one must not hide it. */
static struct {
	const char *id, *message;
	bool told;
} first[CPUS_MAX];

static void (*panic_hook)(const char *id, const char *message);

void panic_hook_set(void (*hook)(const char *id, const char *message))
{
	panic_hook = hook;
}

static bool is_other(unsigned cpu)
{
	return cpu != mach_cpu() && atomic_load_u32(&machine_cpus[cpu].online) != 0;
}

/* Stops all other CPUs and waits, a bounded time, until they say so. */
static void stop_others(void)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (is_other(cpu)) cpu_stop(cpu);
	}
	const uint64_t end = mach_now_ns() + STOP_PATIENCE_NS;
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		for (unsigned i = 0;
		     is_other(cpu) && atomic_load_u32(&machine_cpus[cpu].stopped) == 0 &&
		     mach_now_ns() < end;
		     i++)
			if (i % RELAX_EACH == 0) mach_relax();
	}
}

/* It has masked its interrupts: the locks that it has (known in images under test) and the one that
 * it waits for say why. */
static void report_silent(unsigned cpu)
{
	const struct machine_cpu *c = &machine_cpus[cpu];
	const struct lock_waiting *w = mach_lock_waiting(cpu);
	const uint32_t rank = atomic_load_u32(&w->rank), holder = atomic_load_u32(&w->holder);
	console_report("CPU %u does not answer\n", cpu);
	for (unsigned i = 0; i < c->lock_count && i < CPU_LOCKS_MAX; i++)
		console_report("  it has a lock of rank %u\n", c->locks[i].rank);
	if (rank != RANK_NONE && holder < CPUS_MAX)
		console_report("  it waits for a lock of rank %u that CPU %u has\n", rank, holder);
	else if (rank != RANK_NONE)
		console_report("  it waits for a lock of rank %u\n", rank);
}

static void report_others(void)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (!is_other(cpu)) continue;
		if (atomic_load_u32(&machine_cpus[cpu].stopped) == 0) {
			report_silent(cpu);
			continue;
		}
		uint64_t offset = 0;
		const uint64_t at = machine_cpus[cpu].stopped_at;
		const char *name = symbol_find(at, &offset);
		console_report("CPU %u stopped at %s+0x%lx\n", cpu, name != NULL ? name : "?",
			       name != NULL ? offset : at);
		if (machine_cpus[cpu].panics != 0)
			console_report("  it panicked too: %s %s\n", first[cpu].id,
				       first[cpu].message);
	}
}

static void report_registers(const struct exception_frame *frame)
{
	for (unsigned i = 0; i < 31; i++)
		console_report("%sx%-2u %016lx%s", i % 4 == 0 ? "  " : " ", i, frame->x[i],
			       i % 4 == 3 ? "\n" : "");
	console_report(" sp  %016lx\n", frame->sp);
	console_report("  pc  %016lx spsr %08lx esr %08lx far %016lx\n", frame->elr, frame->spsr,
		       frame->esr, frame->far);
}

/* The watchdog's word, on whichever CPU looked: what hangs is elsewhere. */
static bool is_hang(const char *id)
{
	static const char hang[] = "hang";
	unsigned n = 0;
	while (n < sizeof(hang) - 1 && id[n] == hang[n]) n++;
	return id[n] == hang[n];
}

static int status_of(const char *id)
{
	return is_hang(id) ? STATUS_HANG : STATUS_PANIC;
}

static void report_here(const struct machine_cpu *cpu, uintptr_t record)
{
	if (cpu->frame != NULL) report_registers(cpu->frame);
	console_report("backtrace:\n");
	if (cpu->frame != NULL)
		backtrace_print((uintptr_t)cpu->frame->record, true);
	else
		backtrace_print(record, false);
}

static NORETURN void report(const char *id, const char *message, uintptr_t record)
{
	const struct machine_cpu *cpu = cpu_here();
	stop_others();
	console_fresh_line();
	console_report("panic: %s %s\n", id, message);
	first[cpu->number].told = true;
	console_report("on CPU %u of %u\n", cpu->number, cpu_count());
	if (!is_hang(id)) report_here(cpu, record);
	report_others();
	if (is_hang(id))
		kwatch_print_hang();
	else
		ktrace_print(mach_now_ns());
	power_off(status_of(id));
}

/* The CPU that came second parks unasked: while it handles an interrupt, none would reach it. */
static NORETURN void park(uintptr_t record)
{
	const struct exception_frame *frame = cpu_here()->frame;
	cpu_park(frame != NULL ? frame->elr : ((const uintptr_t *)record)[1]);
}

/* Something went wrong on the way to this report, or in a hook: no second try. */
static NORETURN void report_nested(const char *id, const char *message)
{
	const unsigned cpu = mach_cpu();
	if (cpu_here()->panics == 2) {
		console_fresh_line();
		if (!first[cpu].told)
			console_report("panic: %s %s\n", first[cpu].id, first[cpu].message);
		console_report("then, while reporting: %s %s\n", id, message);
	}
	power_off(status_of(first[cpu].id));
}

static NORETURN void panic_begin(const char *id, const char *message, uintptr_t record)
{
	struct machine_cpu *cpu = cpu_here();
	if (++cpu->panics > 1) report_nested(id, message);
	first[cpu->number].id = id;
	first[cpu->number].message = message;
	first[cpu->number].told = false;
	if (panic_hook != NULL) panic_hook(id, message);
	cpu->plays = 0; /* from here on it is the machine's own time that counts */
	if (!atomic_claim_u32(&reporter, cpu->number + 1)) park(record);
	report(id, message, record);
}

void kpanic(const char *id, const char *format, ...)
{
	cpu_irq_mask();
	char message[MESSAGE_BYTES];
	va_list args;
	va_start(args, format);
	format_text_v(message, sizeof(message), format, args);
	va_end(args);
	panic_begin(id, message, (uintptr_t)__builtin_frame_address(0));
}

void kpanic_claim(const char *file, int line, const char *claim)
{
	cpu_irq_mask();
	char message[MESSAGE_BYTES];
	format_text(message, sizeof(message), "%s:%d: %s", file, line, claim);
	panic_begin("assert", message, (uintptr_t)__builtin_frame_address(0));
}
