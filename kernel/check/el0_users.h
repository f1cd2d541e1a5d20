/*
 * el0_users.h -- the programs of el0_users.S, and the calls they make; for assembly too.
 */
#ifndef KERNEL_EL0_USERS_H
#define KERNEL_EL0_USERS_H

/* Numbers that Linux has not. */
#define EL0_EXIT 500
#define EL0_ADD_ONE 501 /* the answer is x0 + 1 */
#define EL0_YIELD 502
#define EL0_NOTHING 503
#define EL0_FORK_FLOATS 504  /* a second thread has the caller's floating-point registers */
#define EL0_KEEP_FLOATS 505  /* the kernel notes them */
#define EL0_BRING_FLOATS 506 /* and the caller has again what was noted */
#define EL0_MAP 507          /* x0 pages: their address */
#define EL0_UNMAP 508        /* the x1 pages at x0 */
#define EL0_HANG 509         /* the kernel does, with interrupts masked */

#define EL0_USERS(USER)             \
	USER(begins)                \
	USER(keeps)                 \
	USER(preempted)             \
	USER(tls)                   \
	USER(floats)                \
	USER(floats_inherited)      \
	USER(floats_shown)          \
	USER(spins)                 \
	USER(reads)                 \
	USER(waits)                 \
	USER(tagged)                \
	USER(deep)                  \
	USER(calls)                 \
	USER(yields)                \
	USER(hangs)                 \
	USER(maps)                  \
	USER(load)                  \
	USER(store)                 \
	USER(jump)                  \
	USER(load_exclusive)        \
	USER(load_acquire)          \
	USER(load_float)            \
	USER(break_point)           \
	USER(undefined)             \
	USER(hypervisor)            \
	USER(secure)                \
	USER(halt)                  \
	USER(exception_return)      \
	USER(read_control)          \
	USER(read_table)            \
	USER(read_kernel_thread)    \
	USER(read_physical_counter) \
	USER(read_timer)            \
	USER(read_events)           \
	USER(write_thread)          \
	USER(write_vectors)         \
	USER(write_timer)           \
	USER(mask)                  \
	USER(unmask)                \
	USER(choose_stack)          \
	USER(forget)                \
	USER(forget_cache)          \
	USER(drop_line)             \
	USER(translate)             \
	USER(stack_kernel)

#endif
