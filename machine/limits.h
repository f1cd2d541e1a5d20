/*
 * limits.h -- the constants of the promises, in one place.  Sizes in bytes unless named otherwise.
 * What a world may choose for itself (pool sizes, cache depths, windows) is an argument; these are
 * the defaults the kernel hands in, and the bounds that tables are made for.
 */
#ifndef MACHINE_LIMITS_H
#define MACHINE_LIMITS_H

enum {
	PAGE_SHIFT = 12,
	PAGE_SIZE = 1 << PAGE_SHIFT, /* 4,096 */
	PAGE_ORDER_MAX = 10,         /* largest buddy block: 2^10 pages, 4 MiB */
	PAGE_ORDERS = PAGE_ORDER_MAX + 1,

	CPUS_MAX = 8,

	KERNEL_PAGE_RESERVE = 16, /* pages that requests for user pages cannot take */

	SLAB_SIZE_MIN = 16,
	SLAB_SIZE_MAX = 2048,

	HEAP_NODE_BYTES = 24, /* header of a heap block, free or granted; aligned 8 */
	HEAP_WINDOW_BYTES = 256 << 20,
	KMALLOC_ALIGN = 16,

	EARLY_HEAP_BYTES = 2 << 20,
	BOOT_TEST_HEAP_BYTES = 10 << 20,

	KERNEL_STACK_BYTES = 32 << 10,
	KSTACK_CANARY_WORDS = 8,
	EMERGENCY_STACK_BYTES = 8 << 10, /* of each CPU, for bad stack pointers */

	/* The layout of the documents; a world may have thousands of threads instead. */
	THREADS_MAX = 32,
	THREADS_RESERVED = 8, /* slots that are never a user's */
	SLOT_COOLDOWN_MS = 10,
	REAP_COLLECT_MS = 100, /* the dead are collected at least so often */
	SYSTEM_STACK_BYTES = 512 << 10,
	USER_STACK_BYTES = 128 << 10,

	TICK_MS = 10, /* and how long a thread runs while another of its priority is ready */
	WATCH_WARN_MS = 100,
	WATCH_CRITICAL_MS = 5000,
};

/* A word at the low end of every stack of a kernel thread, KSTACK_CANARY_WORDS times. */
#define STACK_CANARY 0xdeadbeefcafebabeull

#endif
