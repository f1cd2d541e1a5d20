/*
 * vectors.S -- the sixteen exception vectors, saving and restoring.
 *
 * Before anything is stored the stack pointer itself is judged, because the fault may be the
 * stack's: it must be aligned and lie between this CPU's stack_low and stack_high.  If it does
 * not, the frame goes to this CPU's emergency stack and says so.  The judging borrows x1, kept in
 * TPIDRRO_EL0, and x0, kept as the difference of two values (sp := sp + x0, x0 := sp - x0), so that
 * no memory is needed.  Flags may change: SPSR_EL1 has them.
 *
 * A tried access that faulted (cpu_calls.S) goes straight back to who tried it, with ESR_EL1 in x0:
 * its other registers are as they were, and nothing but this is saved.
 *
 * Always true: a frame holds every general register, and ends in a frame record {x29, elr}.
 * Cost: about 60 instructions in, 30 out.
 */
#include "layout.h"

	.macro VECTOR number
	.balign 128
	msr	tpidrro_el0, x1
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
	mrs	x1, tpidrro_el0
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
	msr	tpidr_el0, x0
	mov	x0, #(\number | VECTOR_BAD_STACK)
	b	exception_bad_stack
	.endm

	.section .text.vectors, "ax"
	.balign 2048
	.global exception_vectors
exception_vectors:
	.irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	VECTOR \number
	.endr
	.balign 128
	.irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
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

/* x0 vector | VECTOR_BAD_STACK, x1 what x0 was, TPIDR_EL0 what sp was, TPIDRRO_EL0 what x1 was */
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
	mrs	x1, tpidrro_el0
	str	x1, [sp, #8]
	mrs	x1, tpidr_el0
	str	x1, [sp, #FRAME_SP]
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
