/*
 * el0_users.h -- the programs of el0_users.S, and the calls they make; for assembly too.
 */
#ifndef KERNEL_EL0_USERS_H
#define KERNEL_EL0_USERS_H

#define EL0_EXIT 0
#define EL0_ADD_ONE 1 /* the answer is x0 + 1 */
#define EL0_YIELD 2
#define EL0_NOTHING 3
#define EL0_FORK_FLOATS 4  /* a second thread has the caller's floating-point registers */
#define EL0_KEEP_FLOATS 5  /* the kernel notes them */
#define EL0_BRING_FLOATS 6 /* and the caller has again what was noted */
#define EL0_MAP 7          /* a page: its address */
#define EL0_UNMAP 8        /* the page at x0 */

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
