/*
 * layout.h -- where things are in the kernel's half of the address space, and the offsets that
 * assembly and C must agree on.  Plain numbers only: assembly includes this too.
 *
 *   0xffff000000000000 + pa   the direct map: all RAM, and the few device pages, at a fixed
 *                             distance, so a physical address is never a usable pointer
 *   0xffff800000080000        the image, wherever in RAM it was loaded
 *   0xffff800040000000        4 MiB around the device tree, only until the direct map stands
 *   0xffffa00000000000        stacks of the kernel's threads, each above a page that is not mapped
 */
#ifndef MACHINE_AARCH64_LAYOUT_H
#define MACHINE_AARCH64_LAYOUT_H

#define DIRECT_BASE 0xffff000000000000
#define KERNEL_WINDOW 0xffff800000000000
#define TREE_WINDOW 0xffff800040000000
#define STACKS_WINDOW 0xffffa00000000000
#define STACKS_WINDOW_PAGES 0x12000 /* of mm/kstack.h: 8,192 stacks with their guards */
#define IMAGE_OFFSET 0x80000        /* of the image from the 2 MiB boundary below it */

/* Physical addresses that the direct map can hold: one top-level table, half of it. */
#define PHYSICAL_LIMIT 0x800000000000

/* struct machine_cpu, checked in cpu.h. */
#define CPU_NUMBER 0
#define CPU_STACK_LOW 8
#define CPU_STACK_HIGH 16
#define CPU_EMERGENCY_HIGH 24
#define CPU_ENTRY 32
#define CPU_PROBE 40
#define CPU_FP 48
#define CPU_USER_TICKS 56

/* struct mach_context, by bytes: the stack pointer, the stack's bounds, who is in it (context.c);
 * and what a context keeps on its stack. */
#define CONTEXT_SP 0
#define CONTEXT_STACK 8
#define CONTEXT_ON 24
#define CONTEXT_TLS 48
#define CONTEXT_SAVE_BYTES 96

#define STACK_BYTES 0x8000 /* KERNEL_STACK_BYTES */

/* struct exception_frame, checked in exception.h. */
#define FRAME_SP 248
#define FRAME_ELR 256
#define FRAME_ESR 272
#define FRAME_VECTOR 288
#define FRAME_RECORD 304
#define FRAME_BYTES 320

/* struct user_frame, checked there: at the top of the kernel stack of a thread that has been at
 * EL0; its registers first. */
#define USER_LR 240
#define USER_PC 256
#define USER_WHO 272
#define USER_RECORD 288
#define USER_FRAME_BYTES 304

#define HANDLERS_CALL 24       /* struct cpu_handlers, checked in cpu.h */
#define CLASS_CALL 0x15        /* ESR_EL1's class of SVC */
#define VECTOR_SYNC 4          /* a synchronous exception of the kernel's own */
#define VECTOR_BAD_STACK 0x100 /* or'ed to the vector's number */

#define USER_STATE_ILLEGAL 0x1003c0 /* SPSR_EL1: EL0, all masked, IL */

#endif
