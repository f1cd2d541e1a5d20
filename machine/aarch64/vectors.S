/*
 * vectors.S -- the sixteen exception vectors, saving and restoring.
 *
 * From EL0 the stack pointer is where the last return to EL0 left it: at the end of this thread's
 * kernel stack, below which lies the frame that its registers go into (struct user_frame).  Nothing
 * is judged, and a system call is on its way into C after 30 instructions.  Before EL0 goes on,
 * with interrupts masked, one word is looked at: is there something to do for the thread?  So
 * whoever writes that word and then interrupts the CPU is never missed.
 *
 * From the kernel itself the stack pointer is judged before anything is stored, because the fault
 * may be the stack's: it must be aligned and lie between this CPU's stack_low and stack_high.  If
 * it does not, the frame goes to this CPU's emergency stack and says so.  The judging borrows x1,
 * kept in SP_EL0, which is a user's only at EL0, and x0, kept as the difference of two values (sp
 * := sp + x0, x0 := sp - x0), so that no memory is needed.  Flags may change: SPSR_EL1 has them.
 *
 * A tried access that faulted (cpu_calls.S) goes straight back to who tried it, with ESR_EL1 in x0:
 * its other registers are as they were, and nothing but this is saved.
 *
 * How long this CPU has been at EL0 is counted here: its word has the counter's value taken off
 * where EL0 goes on, and added where it was left.  So it is negative at EL0, and a time elsewhere.
 *
 * Always true: a frame holds every general register, and ends in a frame record: {x29, elr}, or
 * zeroes where EL0 was interrupted, which has no business in the kernel's backtraces; no register
 * that EL0 can read has a value of the kernel's when EL0 goes on.
 * Cost: a call 39 instructions in, 33 out; in the kernel about 60 in, 30 out.
 */
#include "layout.h"

	.macro VECTOR number
	.balign 128
	msr	sp_el0, x1
	sub	sp, sp, #FRAME_BYTES
	add	sp, sp, x0
	sub	x0, sp, x0		/* x0 = the frame's address; sp - x0 = what x0 was */
	mrs	x1, tpidr_el1
	ldr	x1, [x1, #CPU_STACK_LOW]
	cmp	x0, x1
	b.lo	1f
	mrs	x1, tpidr_el1
	ldr	x1, [x1, #CPU_STACK_HIGH]
	cmp	x0, x1
	b.hs	1f
	tst	x0, #15
	b.ne	1f
	sub	x0, sp, x0
	sub	sp, sp, x0		/* both are back */
	mrs	x1, sp_el0
	stp	x0, x1, [sp]
	.if \number == VECTOR_SYNC
	mrs	x1, tpidr_el1
	ldr	x0, [x1, #CPU_PROBE]
	cbnz	x0, exception_probe
	ldr	x0, [sp]
	.endif
	add	x1, sp, #FRAME_BYTES
	str	x1, [sp, #FRAME_SP]
	mov	x0, #\number
	b	exception_save
1:	sub	x1, sp, x0		/* what x0 was */
	add	x0, x0, #FRAME_BYTES	/* what sp was */
	b	exception_bad_stack_\number
	.endm

	.macro BAD_STACK number
exception_bad_stack_\number:
	msr	tpidrro_el0, x0
	mov	x0, #(\number | VECTOR_BAD_STACK)
	b	exception_bad_stack
	.endm

	/* What is restored comes from here, too, in the same order. */
	.macro USER_PAIRS instruction
	\instruction	x2, x3, [sp, #16]
	\instruction	x4, x5, [sp, #32]
	\instruction	x6, x7, [sp, #48]
	\instruction	x8, x9, [sp, #64]
	\instruction	x10, x11, [sp, #80]
	\instruction	x12, x13, [sp, #96]
	\instruction	x14, x15, [sp, #112]
	\instruction	x16, x17, [sp, #128]
	\instruction	x18, x19, [sp, #144]
	\instruction	x20, x21, [sp, #160]
	\instruction	x22, x23, [sp, #176]
	\instruction	x24, x25, [sp, #192]
	\instruction	x26, x27, [sp, #208]
	\instruction	x28, x29, [sp, #224]
	.endm

	/* All that EL0 had.  Afterwards x0 is who it was, x19 its word of work. */
	.macro USER_SAVE
	.balign 128
	sub	sp, sp, #USER_FRAME_BYTES
	stp	x0, x1, [sp]
	USER_PAIRS stp
	mrs	x20, sp_el0
	mrs	x21, elr_el1
	mrs	x22, spsr_el1
	stp	x30, x20, [sp, #USER_LR]
	stp	x21, x22, [sp, #USER_PC]
	ldp	x0, x19, [sp, #USER_WHO]
	add	x29, sp, #USER_RECORD
	.endm

	/* Time at EL0 ends (add), or begins (sub); x9 to x11 go. */
	.macro USER_TIME instruction
	mrs	x9, tpidr_el1
	mrs	x10, cntvct_el0
	ldr	x11, [x9, #CPU_USER_TICKS]
	\instruction	x11, x11, x10
	str	x11, [x9, #CPU_USER_TICKS]
	.endm

	.section .text.vectors, "ax"
	.balign 2048
	.global exception_vectors
exception_vectors:
	.irp number, 0, 1, 2, 3, 4, 5, 6, 7
	VECTOR \number
	.endr
	USER_SAVE			/* 8: a call, or a fault */
	mrs	x1, esr_el1
	lsr	x2, x1, #26
	cmp	x2, #CLASS_CALL
	b.eq	user_call
	b	user_fault
	USER_SAVE			/* 9: an interrupt */
	b	user_interrupt
	VECTOR 10
	USER_SAVE			/* 11: a system error, as if it were the access before it */
	mrs	x1, esr_el1
	b	user_fault
	.irp number, 12, 13, 14, 15
	VECTOR \number
	.endr
	.balign 128
	.irp number, 0, 1, 2, 3, 4, 5, 6, 7, 10, 12, 13, 14, 15
	BAD_STACK \number
	.endr

/* x0 where to go on, x1 this CPU; what they were is at the stack pointer */
	.type exception_probe, %function
exception_probe:
	msr	elr_el1, x0
	str	xzr, [x1, #CPU_PROBE]
	mrs	x0, esr_el1
	ldr	x1, [sp, #8]
	add	sp, sp, #FRAME_BYTES
	eret
	.size exception_probe, . - exception_probe

/* x0 vector | VECTOR_BAD_STACK, x1 what x0 was, TPIDRRO_EL0 what sp was, SP_EL0 what x1 was */
	.type exception_bad_stack, %function
exception_bad_stack:
	mov	sp, x0			/* a register, for two instructions */
	mrs	x0, tpidr_el1
	ldr	x0, [x0, #CPU_EMERGENCY_HIGH]
	sub	x0, x0, #FRAME_BYTES
	str	x1, [x0]
	mov	x1, sp
	str	x1, [x0, #FRAME_VECTOR]
	mov	sp, x0
	mrs	x1, sp_el0
	str	x1, [sp, #8]
	mrs	x1, tpidrro_el0
	str	x1, [sp, #FRAME_SP]
	msr	tpidrro_el0, xzr
	ldr	x0, [sp, #FRAME_VECTOR]
	b	exception_save
	.size exception_bad_stack, . - exception_bad_stack

/* x0 vector; x0, x1 and sp are in the frame already */
	.type exception_save, %function
exception_save:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	str	x30, [sp, #240]
	mrs	x1, elr_el1
	mrs	x2, spsr_el1
	stp	x1, x2, [sp, #FRAME_ELR]
	mrs	x3, esr_el1
	mrs	x4, far_el1
	stp	x3, x4, [sp, #FRAME_ESR]
	stp	x0, xzr, [sp, #FRAME_VECTOR]
	stp	x29, x1, [sp, #FRAME_RECORD]
	add	x29, sp, #FRAME_RECORD
	mov	x0, sp
	bl	exception_entry
	.global exception_return
exception_return:
	ldp	x1, x2, [sp, #FRAME_ELR]
	msr	elr_el1, x1
	msr	spsr_el1, x2
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldr	x30, [sp, #240]
	ldp	x0, x1, [sp]
	add	sp, sp, #FRAME_BYTES
	eret
	.size exception_save, . - exception_save

/* x0 who, x19 its word of work, x29 the frame record; and x1 ESR_EL1, where it is a fault */
	.type user_call, %function
user_call:
	USER_TIME add
	adrp	x8, cpu_handlers
	ldr	x8, [x8, #:lo12:cpu_handlers]
	ldr	x8, [x8, #HANDLERS_CALL]
	msr	daifclr, #0xf
	blr	x8
	msr	daifset, #0xf
user_return:
	ldr	w1, [x19]
	cbnz	w1, user_work
	USER_TIME sub
	ldp	x21, x22, [sp, #USER_PC]
	ldp	x30, x20, [sp, #USER_LR]
	msr	elr_el1, x21
	msr	spsr_el1, x22
	msr	sp_el0, x20
	USER_PAIRS ldp
	ldp	x0, x1, [sp]
	add	sp, sp, #USER_FRAME_BYTES
	eret
user_work:
	ldr	x0, [sp, #USER_WHO]
	msr	daifclr, #0xf
	bl	user_works
	msr	daifset, #0xf
	b	user_return
	.size user_call, . - user_call

	.type user_interrupt, %function
user_interrupt:
	USER_TIME add
	mov	x0, sp
	bl	user_interrupted
	b	user_return
	.size user_interrupt, . - user_interrupt

	.type user_fault, %function
user_fault:
	mrs	x3, tpidr_el1
	ldr	x4, [x3, #CPU_PROBE]
	cbnz	x4, user_probe
	USER_TIME add
	mrs	x2, far_el1
	mov	x0, sp
	bl	user_faulted
	msr	daifset, #0xf
	b	user_return
	.size user_fault, . - user_fault

/* A fetch was tried: the frame is nobody's, and the kernel goes on at x4, still at EL1. */
	.type user_probe, %function
user_probe:
	str	xzr, [x3, #CPU_PROBE]
	mov	x0, x1
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldr	x22, [sp, #176]
	ldr	x29, [sp, #232]
	add	sp, sp, #USER_FRAME_BYTES
	br	x4
	.size user_probe, . - user_probe

/* mach_user_enter(x0 registers, x1 who, x2 word of work), interrupts masked */
	.section .text.mach_user_enter, "ax"
	.balign 16
	.global mach_user_enter
	.type mach_user_enter, %function
mach_user_enter:
	mov	sp, x0
	mov	x19, x2
	stp	x1, x2, [sp, #USER_WHO]
	add	x29, sp, #USER_RECORD
	stp	xzr, xzr, [x29]
	msr	daifset, #0xf
	b	user_return
	.size mach_user_enter, . - mach_user_enter
