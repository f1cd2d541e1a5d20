/*
 * vm.c -- the kernel's instances of what mm/ makes of page tables.
 *
 * The kernel's map, made at boot (machine/aarch64/mmu.c), is taken over: what it maps stays as it
 * is, and new tables hang beside it, for the window of stacks.  All CPUs have it as their TTBR1, so
 * what is mapped there is mapped everywhere at once.
 *
 * Locks: none here; mm/'s own.
 */
#include "kernel/vm.h"

#include "kernel/kmem.h"
#include "kernel/symbols.h"
#include "machine/aarch64/boot.h"

enum { STACKS_KEPT = 2 * CPUS_MAX };

struct pagetable kernel_tables;
struct kstack_window kernel_stacks;

#define CALLER (CALL_SITES ? symbol_site(__builtin_return_address(0)) : SITE_NONE)

void kvm_start(void)
{
	pagetable_adopt(&kernel_tables, &kernel_pages, kernel_table);
	const struct kstack_config stacks = {
		.table = &kernel_tables,
		.base = STACKS_WINDOW,
		.slots = KSTACK_SLOTS_MAX,
		.keep = STACKS_KEPT,
	};
	kstack_init(&kernel_stacks, &stacks);
}

uint64_t kstack_take(void)
{
	return kstack_alloc(&kernel_stacks, CALLER);
}

void kstack_give(uint64_t stack)
{
	kstack_free(&kernel_stacks, stack);
}
