/*
 * cpu.c -- the table of CPUs, their stacks, and waiting, waking and parking.
 *
 * machine_cpus[n] belongs to CPU n, which finds it through TPIDR_EL1.  Entry 0 is filled at link
 * time for the CPU that boots, because its stack is needed before any C code; the others are
 * filled by cpu_table_init() and used when PSCI starts them.  Each CPU has KERNEL_STACK_BYTES of
 * stack and a small one for emergencies, each above a page that mmu.c leaves unmapped.
 *
 * A wake-up is never lost: the wake interrupt leaves ipi_pending set, and
 * mach_wait() looks at it with interrupts masked, just before WFI, which returns for a pending
 * interrupt even when it is masked.
 *
 * Always true: stack_low <= sp <= stack_high while C code runs (vectors.S relies on it).
 */
#include "cpu.h"

#include "baton.h"
#include "boot.h"
#include "context.h"
#include "gic.h"
#include "psci.h"

struct cpu_stacks {
	uint8_t guard[PAGE_SIZE];
	uint8_t stack[KERNEL_STACK_BYTES];
	uint8_t emergency_guard[PAGE_SIZE];
	uint8_t emergency[EMERGENCY_STACK_BYTES];
};

static struct cpu_stacks stacks[CPUS_MAX] __attribute__((section(".noinit"), aligned(PAGE_SIZE)));

struct machine_cpu machine_cpus[CPUS_MAX] = {
	[0] = {
		.stack_low = (uintptr_t)stacks[0].stack,
		.stack_high = (uintptr_t)(stacks[0].stack + KERNEL_STACK_BYTES),
		.emergency_high = (uintptr_t)(stacks[0].emergency + EMERGENCY_STACK_BYTES),
		.entry = kernel_start,
	},
};

static unsigned count = 1;
const struct cpu_handlers *cpu_handlers;

void cpu_table_init(unsigned cpus, const uint64_t *affinities)
{
	ASSERT(cpus >= 1 && cpus <= CPUS_MAX);
	for (unsigned n = 0; n < cpus; n++) {
		struct machine_cpu *cpu = &machine_cpus[n];
		cpu->number = n;
		cpu->affinity = affinities[n];
		cpu->stack_low = (uintptr_t)stacks[n].stack;
		cpu->stack_high = cpu->stack_low + KERNEL_STACK_BYTES;
		cpu->emergency_high = (uintptr_t)stacks[n].emergency + EMERGENCY_STACK_BYTES;
		cpu->timer_ns = UINT64_MAX;
	}
	count = cpus;
}

unsigned cpu_count(void)
{
	return count;
}

uint64_t cpu_affinity_here(void)
{
	uint64_t mpidr;
	__asm__ volatile("mrs %0, mpidr_el1" : "=r"(mpidr));
	return mpidr & 0xff00ffffffull;
}

bool cpu_has_pan(void)
{
	uint64_t features;
	__asm__ volatile("mrs %0, id_aa64mmfr1_el1" : "=r"(features));
	return (features >> 20 & 0xf) != 0;
}

int64_t cpu_start(unsigned number, void (*entry)(struct machine_cpu *, paddr_t, paddr_t))
{
	ASSERT(number < count && number != 0);
	struct machine_cpu *cpu = &machine_cpus[number];
	cpu->entry = entry;
	__asm__ volatile("dsb ish" : : : "memory"); /* seen by the CPU before it is started */
	return psci_cpu_on(cpu->affinity, image_pa((uintptr_t)secondary_start), (uintptr_t)cpu);
}

void cpu_forget(void)
{
	struct machine_cpu *cpu = cpu_here();
	cpu_fp_leave(cpu);
	cpu->lock_count = 0;
	cpu->panics = 0;
	cpu->probe = 0;
	cpu->frame = NULL;
	mach_space_install(PADDR_NONE, 0);
}

uintptr_t cpu_stack(unsigned number)
{
	ASSERT(number < CPUS_MAX);
	return (uintptr_t)stacks[number].stack;
}

uintptr_t cpu_guard(unsigned number, unsigned which)
{
	ASSERT(number < CPUS_MAX && which < 2);
	return (uintptr_t)(which == 0 ? stacks[number].guard : stacks[number].emergency_guard);
}

static void irq_unmask(void)
{
	__asm__ volatile("msr daifclr, #2\n\tisb" : : : "memory");
}

void cpu_unmask_all(void)
{
	__asm__ volatile("msr daifclr, #0xf\n\tisb" : : : "memory");
}

void cpu_irq_mask(void)
{
	__asm__ volatile("msr daifset, #2" : : : "memory");
}

const struct cpu_handlers *cpu_handlers_set(const struct cpu_handlers *h)
{
	return __atomic_exchange_n(&cpu_handlers, h, __ATOMIC_ACQ_REL);
}

void cpu_timer_came(void)
{
	const struct cpu_handlers *h = cpu_handlers_now();
	if (h != NULL) h->timer(h->arg);
}

void cpu_ipi_came(void)
{
	const struct cpu_handlers *h = cpu_handlers_now();
	atomic_store_u32(&cpu_here()->ipi_pending, 1);
	if (h != NULL) h->ipi(h->arg);
}

void mach_ipi(unsigned cpu)
{
	ASSERT(cpu < count);
	if (cpu_may_play() && cpu_here()->plays != 0)
		baton_ipi(cpu);
	else
		gic_send(cpu, GIC_SGI_WAKE);
}

void mach_wait(void)
{
	if (cpu_may_play() && cpu_here()->plays != 0) {
		baton_wait();
		return;
	}
	const mach_irq_t was = mach_irq_save();
	if (atomic_load_u32(&cpu_here()->ipi_pending) == 0)
		__asm__ volatile("dsb sy\n\twfi" : : : "memory");
	irq_unmask(); /* what has come is taken here, perhaps with a switch to others and back */
	cpu_irq_mask();
	atomic_store_u32(&cpu_here()->ipi_pending, 0);
	mach_irq_restore(was);
}

void cpu_stop(unsigned number)
{
	gic_send(number, GIC_SGI_STOP);
}

void cpu_park(uintptr_t at)
{
	struct machine_cpu *cpu = cpu_here();
	cpu->stopped_at = at;
	atomic_store_u32(&cpu->stopped, 1);
	if (atomic_load_u32(&cpu->online) != 0) gic_cpu_leave();
	for (;;) __asm__ volatile("msr daifset, #0xf\n\twfi" : : : "memory");
}
