/*
 * vm.h -- the kernel's instances of what mm/ makes of page tables: its own map, stacks for its
 * threads, and one struct vm for the spaces of users; with short names that remember who called.
 *
 * Safe from any context that holds no lock of rank RANK_SPACE or above; see mm/space.h and
 * mm/kstack.h.
 */
#ifndef KERNEL_VM_H
#define KERNEL_VM_H

#include "mm/kstack.h"
#include "mm/space.h"

extern struct pagetable kernel_tables; /* every CPU's table for kernel addresses */
extern struct kstack_window kernel_stacks;
extern struct vm kernel_vm;

/* Makes them.  After kmem_start().  NULL, or why it cannot be done. */
const char *kvm_start(void);

/* The low end of a stack of KERNEL_STACK_BYTES for a thread of the kernel, or 0; cpu_call_on() and
 * its like make it a CPU's. */
uint64_t kstack_take(void);

/* Panics with "stack-canary" when its end was written over. */
void kstack_give(uint64_t stack);

/* An empty space; what fork does; NULL without memory. */
struct space *kspace_create(void);
struct space *kspace_clone(struct space *from);

/* Anonymous memory wherever there is room: the address, or an error. */
int64_t kspace_map(struct space *s, uint64_t bytes, uint32_t prot, uint32_t flags);

/* What munmap does; 0, or an error. */
int64_t kspace_unmap(struct space *s, uint64_t at, uint64_t bytes);

/*
 * An access as a program of `s` would make it, faults handled: 8 bytes at a multiple of 8.  `s` is
 * this CPU's space.  FAULT_DONE, or what the program would be told of.
 */
enum fault_answer kspace_load(struct space *s, uint64_t va, uint64_t *value);
enum fault_answer kspace_store(struct space *s, uint64_t va, uint64_t value);
enum fault_answer kspace_fetch(struct space *s, uint64_t va);

#endif
