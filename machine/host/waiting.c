/*
 * waiting.c -- where each CPU notes what lock it waits for; as new after host_reset().
 */
#include "machine/host/waiting.h"

#include "machine/lock.h"

static struct lock_waiting waiting[CPUS_MAX];

struct lock_waiting *mach_lock_waiting(unsigned cpu)
{
	ASSERT(cpu < CPUS_MAX);
	return &waiting[cpu];
}

void host_waiting_reset(void)
{
	for (unsigned i = 0; i < CPUS_MAX; i++) waiting[i] = (struct lock_waiting){ .since_ns = 0 };
}
