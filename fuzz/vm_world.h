/*
 * vm_world.h -- what users' spaces stand on: pages, kmalloc, what spaces share; and the kernel's
 * stacks: the ground of the subjects of processes and tasks.
 */
#ifndef FUZZ_VM_WORLD_H
#define FUZZ_VM_WORLD_H

#include "fuzz/kmalloc_world.h"
#include "mm/kstack.h"
#include "mm/space.h"

struct vm_world {
	struct pool_world pool;
	struct kmalloc km;
	struct slab_cpu cpus[KMALLOC_WORLD_CPUS];
	struct vm vm;
};

/* As the header asks for it; mmap looks for places in [bottom, top). */
void vm_world_make(struct vm_world *w, const struct run *run, uint32_t asid_bits, uint64_t bottom,
		   uint64_t top);

/* The same, but with `pages` more and none of them kept back: never short of memory. */
void vm_world_open(struct vm_world *w, const struct run *run, uint32_t pages, uint64_t bottom,
		   uint64_t top);

/* Nobody has a space or a backing any more, or it fails ("leak"). */
void vm_world_close(struct vm_world *w);

struct stack_world {
	struct pagetable tree;
	struct kstack_window stacks;
};

/* Stacks are the kernel's, in a tree that all CPUs have while the world is open. */
void stack_world_open(struct stack_world *w, const struct run *run, struct pool_world *pool,
		      uint32_t slots, uint32_t keep);
void stack_world_close(struct stack_world *w, const struct run *run);

#endif
