/*
 * context.S -- leaving one context for another, the first steps of a new one, and the registers of
 * floating point.
 *
 * What a function keeps for its caller lies on the context's own stack, frame record first, so the
 * stack pointer of a context that does not run is where a walk along its frames begins.
 *
 * Stack pointer and bounds change with interrupts masked; between the two nothing can fault.  The
 * word that says that a CPU is in the context is cleared last, with release: who sees it clear
 * finds the stack as it was left.
 */
#include "machine/aarch64/function.h"
#include "layout.h"

/* context_swap(x0 from, x1 to, x2 this CPU) */
FUNCTION context_swap
	stp	x29, x30, [sp, #-CONTEXT_SAVE_BYTES]!
	mov	x29, sp
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	ldp	x3, x4, [x2, #CPU_STACK_LOW]
	str	x29, [x0, #CONTEXT_SP]
	stp	x3, x4, [x0, #CONTEXT_STACK]
	mrs	x6, tpidr_el0
	str	x6, [x0, #CONTEXT_TLS]
	ldr	x5, [x1, #CONTEXT_SP]
	ldp	x3, x4, [x1, #CONTEXT_STACK]
	ldr	x6, [x1, #CONTEXT_TLS]
	mov	sp, x5
	stp	x3, x4, [x2, #CPU_STACK_LOW]
	msr	tpidr_el0, x6
	add	x0, x0, #CONTEXT_ON
	stlr	xzr, [x0]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #CONTEXT_SAVE_BYTES
	ret
END context_swap

/* x19 function, x20 its argument; backtraces end here */
FUNCTION context_begin
	mov	x0, x20
	mov	x29, #0
	mov	x30, #0
	br	x19
END context_begin

	.arch_extension fp
	.arch_extension simd

	.macro FP_ALL instruction
	\instruction	q0, q1, [x0]
	\instruction	q2, q3, [x0, #32]
	\instruction	q4, q5, [x0, #64]
	\instruction	q6, q7, [x0, #96]
	\instruction	q8, q9, [x0, #128]
	\instruction	q10, q11, [x0, #160]
	\instruction	q12, q13, [x0, #192]
	\instruction	q14, q15, [x0, #224]
	\instruction	q16, q17, [x0, #256]
	\instruction	q18, q19, [x0, #288]
	\instruction	q20, q21, [x0, #320]
	\instruction	q22, q23, [x0, #352]
	\instruction	q24, q25, [x0, #384]
	\instruction	q26, q27, [x0, #416]
	\instruction	q28, q29, [x0, #448]
	\instruction	q30, q31, [x0, #480]
	.endm

/* fp_keep(x0 struct mach_fp) */
FUNCTION fp_keep
	FP_ALL	stp
	mrs	x1, fpsr
	mrs	x2, fpcr
	add	x0, x0, #512
	stp	x1, x2, [x0]
	ret
END fp_keep

/* fp_bring(x0 struct mach_fp) */
FUNCTION fp_bring
	FP_ALL	ldp
	add	x0, x0, #512
	ldp	x1, x2, [x0]
	msr	fpsr, x1
	msr	fpcr, x2
	ret
END fp_bring
