/*
 * cpu_locks.c -- what images under test check about locks: rank, owner, interrupts.
 *
 * Each CPU keeps the list of locks it holds, in the order it took them.  A release image never
 * calls this (machine_inline.h); in every image a CPU that waits for a lock notes so here.
 *
 * Always true: the ranks in a CPU's list rise, so the last is the innermost.
 * Locks: none; a CPU's list is its own, and is touched with interrupts masked.
 */
#include "cpu.h"
#include "machine/lock.h"

static struct lock_waiting waiting[CPUS_MAX];

struct lock_waiting *mach_lock_waiting(unsigned cpu)
{
	ASSERT(cpu < CPUS_MAX);
	return &waiting[cpu];
}

static void look(const void *lock, unsigned rank)
{
	const struct machine_cpu *cpu = cpu_here();
	if (!mach_irq_masked()) kpanic("irq-order", "rank %u taken, interrupts unmasked", rank);
	if (cpu->lock_count == 0) return;
	const struct cpu_lock *inner = &cpu->locks[cpu->lock_count - 1];
	if (inner->lock == lock) kpanic("deadlock", "rank %u taken twice", rank);
	if (inner->rank >= rank) kpanic("lock-order", "rank %u inside %u", rank, inner->rank);
}

void cpu_lock_wait(const void *lock, unsigned rank)
{
	look(lock, rank);
	cpu_at(TURN_LOCK, rank);
}

void cpu_lock_got(const void *lock, unsigned rank)
{
	struct machine_cpu *cpu = cpu_here();
	ASSERT(cpu->lock_count < CPU_LOCKS_MAX);
	cpu->locks[cpu->lock_count++] = (struct cpu_lock){ .lock = lock, .rank = rank };
	if (cpu_may_play()) baton_got_on();
}

void cpu_lock_drop(const void *lock, unsigned rank)
{
	cpu_at(TURN_DROP, rank);
	struct machine_cpu *cpu = cpu_here();
	if (!mach_irq_masked()) kpanic("irq-order", "rank %u dropped, interrupts unmasked", rank);
	unsigned at = cpu->lock_count;
	while (at > 0 && cpu->locks[at - 1].lock != lock) at--;
	if (at == 0) kpanic("owner", "rank %u dropped by a CPU that does not hold it", rank);
	for (; at < cpu->lock_count; at++) cpu->locks[at - 1] = cpu->locks[at];
	cpu->lock_count--;
}

void cpu_lock_none_held(unsigned rank)
{
	if (!mach_irq_masked()) return; /* locks are held with interrupts masked */
	const struct machine_cpu *cpu = cpu_here();
	if (cpu->lock_count == 0) return;
	const struct cpu_lock *inner = &cpu->locks[cpu->lock_count - 1];
	if (inner->rank >= rank) kpanic("lock-context", "rank %u held", inner->rank);
}

void cpu_lock_only_held(const void *lock)
{
	const struct machine_cpu *cpu = cpu_here();
	for (unsigned i = 0; i < cpu->lock_count; i++)
		if (cpu->locks[i].lock != lock)
			kpanic("sleep-in-atomic", "rank %u held", cpu->locks[i].rank);
}
