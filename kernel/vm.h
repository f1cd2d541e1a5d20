/*
 * vm.h -- the kernel's own map and stacks, and the short names for them.
 *
 * Safe from any context that holds no lock of rank RANK_KSTACK or above; see mm/kstack.h.
 */
#ifndef KERNEL_VM_H
#define KERNEL_VM_H

#include "mm/kstack.h"

extern struct pagetable kernel_tables; /* every CPU's table for kernel addresses */
extern struct kstack_window kernel_stacks;

/* Makes them.  After kmem_start(). */
void kvm_start(void);

/* The low end of a stack of KERNEL_STACK_BYTES for a thread of the kernel, or 0; cpu_call_on() and
 * its like make it a CPU's. */
uint64_t kstack_take(void);

/* Panics with "stack-canary" when its end was written over. */
void kstack_give(uint64_t stack);

#endif
