/*
 * vm.c -- the kernel's instances of what mm/ makes of page tables.
 *
 * The kernel's map, made at boot (machine/aarch64/mmu.c), is taken over: what it maps stays as it
 * is, and new tables hang beside it, for the window of stacks.  All CPUs have it as their TTBR1, so
 * what is mapped there is mapped everywhere at once.
 *
 * A program's accesses are tried (machine/aarch64/user.c); what faults is handled and tried again,
 * as when the program itself had run.
 *
 * Always true: an access is tried again only after space_fault() said that it has done something
 * for it, so a loop that does not end is a bug of mm/'s; ACCESS_TRIES is far more than it takes.
 *
 * Locks: none here; mm/'s own.
 */
#include "kernel/vm.h"

#include "kernel/kmem.h"
#include "kernel/ktrace.h"
#include "kernel/symbols.h"
#include "machine/aarch64/boot.h"

/* LOWEST_ADDRESS: Linux's vm.mmap_min_addr on arm64. */
enum { STACKS_KEPT = 2 * CPUS_MAX, ACCESS_TRIES = 1000, LOWEST_ADDRESS = 32 << 10 };

/* The highest gigabyte is left for what programs have at the top: stack, arguments. */
#define HIGHEST_ADDRESS (USER_END - (1ull << 30))

struct pagetable kernel_tables;
struct kstack_window kernel_stacks;
struct vm kernel_vm;

#define CALLER (CALL_SITES ? symbol_site(__builtin_return_address(0)) : SITE_NONE)

const char *kvm_start(void)
{
	pagetable_adopt(&kernel_tables, &kernel_pages, kernel_table);
	const struct kstack_config stacks = {
		.table = &kernel_tables,
		.base = STACKS_WINDOW,
		.slots = KSTACK_SLOTS_MAX,
		.keep = STACKS_KEPT,
	};
	kstack_init(&kernel_stacks, &stacks);
	const struct vm_config config = {
		.pages = &kernel_pages,
		.kmalloc = &kernel_memory,
		.asid_bits = mach_asid_bits(),
		.bottom = LOWEST_ADDRESS,
		.top = HIGHEST_ADDRESS,
		.lowest = LOWEST_ADDRESS,
		.regions_max = SPACE_REGIONS_MAX,
	};
	return vm_init(&kernel_vm, &config) ? NULL : "no room for what all spaces share";
}

uint64_t kstack_take(void)
{
	return kstack_alloc(&kernel_stacks, CALLER);
}

void kstack_give(uint64_t stack)
{
	kstack_free(&kernel_stacks, stack);
}

struct space *kspace_create(void)
{
	return space_create(&kernel_vm, CALLER);
}

struct space *kspace_clone(struct space *from)
{
	ktrace_enter(KTRACE_FORK, (uintptr_t)from, 0, 0);
	struct space *clone = space_clone(from, CALLER);
	ktrace_leave(KTRACE_FORK, clone != NULL ? 0 : -ERR_NOMEM);
	return clone;
}

int64_t kspace_map(struct space *s, uint64_t bytes, uint32_t prot, uint32_t flags)
{
	ktrace_enter(KTRACE_MMAP, (uintptr_t)s, prot, bytes);
	const int64_t answer =
		space_mmap(s, 0, bytes, prot, flags | MAP_ANONYMOUS, NULL, 0, CALLER);
	ktrace_leave(KTRACE_MMAP, answer);
	return answer;
}

int64_t kspace_unmap(struct space *s, uint64_t at, uint64_t bytes)
{
	ktrace_enter(KTRACE_MUNMAP, (uintptr_t)s, at, bytes);
	const int64_t answer = space_munmap(s, at, bytes);
	ktrace_leave(KTRACE_MUNMAP, answer);
	return answer;
}

/* --- a program's accesses --------------------------------------------------------------------- */

static enum mach_fault attempt(uint64_t va, enum mach_access access, uint64_t *value)
{
	switch (access) {
	case MACH_LOAD: return mach_user_load(va, value);
	case MACH_STORE: return mach_user_store(va, *value);
	default: return mach_user_fetch(va);
	}
}

static enum fault_answer use(struct space *s, uint64_t va, enum mach_access access, uint64_t *value)
{
	for (unsigned tries = 0; attempt(va, access, value) != MACH_FAULT_NONE; tries++) {
		ASSERT(tries < ACCESS_TRIES);
		const enum fault_answer answer = space_fault(s, va, access);
		if (answer != FAULT_DONE) return answer;
	}
	return FAULT_DONE;
}

enum fault_answer kspace_load(struct space *s, uint64_t va, uint64_t *value)
{
	return use(s, va, MACH_LOAD, value);
}

enum fault_answer kspace_store(struct space *s, uint64_t va, uint64_t value)
{
	return use(s, va, MACH_STORE, &value);
}

enum fault_answer kspace_fetch(struct space *s, uint64_t va)
{
	return use(s, va, MACH_FETCH, NULL);
}
