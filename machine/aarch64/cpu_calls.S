/*
 * cpu_calls.S -- the few things C cannot say: tried accesses, jumps out of a call chain, calls on
 * another stack, to firmware and to the host.
 *
 * A tried access stores where to go on in this CPU's `probe` word; exception_entry() goes there
 * when a synchronous exception meets a word that is not 0, with ESR_EL1 in x0.  Interrupts are
 * masked meanwhile, so nothing else can run into it.
 */
#include "machine/aarch64/function.h"
#include "layout.h"

/* x9 = this CPU, x10 = interrupts' state; the way back is the label 9 of the function */
	.macro PROBE_BEGIN
	mrs	x9, tpidr_el1
	mrs	x10, daif
	msr	daifset, #2
	adr	x11, 9f
	str	x11, [x9, #CPU_PROBE]
	.endm
	.macro PROBE_END
	str	xzr, [x9, #CPU_PROBE]
	msr	daif, x10
	.endm

FUNCTION probe_read
	PROBE_BEGIN
	ldrb	w1, [x0]
	mov	x0, #0
9:	PROBE_END
	ret
END probe_read

FUNCTION probe_write
	PROBE_BEGIN
	strb	wzr, [x0]
	mov	x0, #0
9:	PROBE_END
	ret
END probe_write

FUNCTION probe_call
	PROBE_BEGIN
	mov	x12, x30
	blr	x0
	mov	x0, #0
9:	mov	x30, x12
	PROBE_END
	ret
END probe_call

/* As a user: the kernel's own rights do not count, nor does PAN. */
FUNCTION probe_user_load
	PROBE_BEGIN
	ldtr	x2, [x0]
	mov	x0, #0
9:	PROBE_END
	cbnz	x0, 1f
	str	x2, [x1]
1:	ret
END probe_user_load

FUNCTION probe_user_store
	PROBE_BEGIN
	sttr	x1, [x0]
	mov	x0, #0
9:	PROBE_END
	ret
END probe_user_store

/*
 * cpu_user_in(x0 to, x1 from, x2 bytes), cpu_user_out(x0 from, x1 to, x2 bytes): the same for any
 * number of bytes, interrupts masked by the caller.  x3 = the kernel's, x1 = the user's.
 */
	.macro USER_IN load, store, register, size
	\load	\register, [x1]
	add	x1, x1, #\size
	\store	\register, [x3], #\size
	.endm
	.macro USER_OUT load, store, register, size
	\load	\register, [x3], #\size
	\store	\register, [x1]
	add	x1, x1, #\size
	.endm
	.macro USER_COPY direction, load, store
	mrs	x9, tpidr_el1
	adr	x11, 9f
	str	x11, [x9, #CPU_PROBE]
	mov	x3, x0
	subs	x2, x2, #8
	b.lo	2f
1:	\direction	\load, \store, x4, 8
	subs	x2, x2, #8
	b.hs	1b
2:	tbz	x2, #2, 3f		/* negative by now: its low bits are what is left */
	\direction	\load, \store, w4, 4
3:	tbz	x2, #1, 4f
	\direction	\load\()h, \store\()h, w4, 2
4:	tbz	x2, #0, 5f
	\direction	\load\()b, \store\()b, w4, 1
5:	mov	x0, #0
9:	str	xzr, [x9, #CPU_PROBE]
	ret
	.endm

FUNCTION cpu_user_in
	USER_COPY USER_IN, ldtr, str
END cpu_user_in

FUNCTION cpu_user_out
	USER_COPY USER_OUT, ldr, sttr
END cpu_user_out

/*
 * Goes to EL0 at x0 with PSTATE.IL set.  There the instruction is fetched, and then refused before
 * anything is executed: an instruction abort comes before an illegal state (DDI 0487, D1.3.5
 * "Synchronous exception prioritization").  exception_entry() brings back EL1.
 */
FUNCTION probe_user_fetch
	PROBE_BEGIN
	ldr	x1, =USER_STATE_ILLEGAL
	msr	elr_el1, x0
	msr	spsr_el1, x1
	eret
9:	PROBE_END
	ret
END probe_user_fetch

/* cpu_semihost(x0 operation, x1 block, x2 *faulted) */
FUNCTION cpu_semihost
	PROBE_BEGIN
	hlt	#0xf000
	PROBE_END
	ret
9:	PROBE_END
	mov	x1, #1
	str	x1, [x2]
	ret
END cpu_semihost

/* Firmware may change x4 to x17 (Arm DEN 0028), so what is needed after a call is elsewhere. */
	.macro FIRMWARE instruction
	str	x19, [sp, #-16]!
	PROBE_BEGIN
	mov	x19, x10
	\instruction	#0
9:	mrs	x9, tpidr_el1
	mov	x10, x19
	PROBE_END
	ldr	x19, [sp], #16
	ret
	.endm

FUNCTION cpu_hvc
	FIRMWARE hvc
END cpu_hvc

FUNCTION cpu_smc
	FIRMWARE smc
END cpu_smc

FUNCTION cpu_jump_set
	stp	x19, x20, [x0]
	stp	x21, x22, [x0, #16]
	stp	x23, x24, [x0, #32]
	stp	x25, x26, [x0, #48]
	stp	x27, x28, [x0, #64]
	stp	x29, x30, [x0, #80]
	mov	x1, sp
	str	x1, [x0, #96]
	mrs	x4, daif
	msr	daifset, #2
	mrs	x3, tpidr_el1
	ldp	x1, x2, [x3, #CPU_STACK_LOW]
	ldr	x3, [x3, #CPU_FP]
	msr	daif, x4
	stp	x1, x2, [x0, #104]
	str	x3, [x0, #120]
	mov	x0, #0
	ret
END cpu_jump_set

FUNCTION cpu_jump_back
	ldp	x19, x20, [x0]
	ldp	x21, x22, [x0, #16]
	ldp	x23, x24, [x0, #32]
	ldp	x25, x26, [x0, #48]
	ldp	x27, x28, [x0, #64]
	ldp	x29, x30, [x0, #80]
	ldr	x1, [x0, #96]
	mov	sp, x1
	ldp	x1, x2, [x0, #104]
	ldr	x3, [x0, #120]
	mrs	x4, tpidr_el1
	stp	x1, x2, [x4, #CPU_STACK_LOW]
	str	x3, [x4, #CPU_FP]
	mov	x0, #1
	ret
END cpu_jump_back

/*
 * cpu_call_on(x0 low, x1 function, x2 argument): on the stack of KERNEL_STACK_BYTES at low.  Stack
 * pointer and bounds change with interrupts masked, so vectors.S never sees one without the other.
 * The frame record stays the caller's, so backtraces go on from one stack to the other.
 */
FUNCTION cpu_call_on
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	mrs	x10, tpidr_el1
	mrs	x9, daif
	msr	daifset, #2
	ldp	x11, x12, [x10, #CPU_STACK_LOW]
	stp	x11, x12, [sp, #16]
	add	x12, x0, #STACK_BYTES
	stp	x0, x12, [x10, #CPU_STACK_LOW]
	mov	sp, x12
	msr	daif, x9
	mov	x0, x2
	blr	x1
	mrs	x10, tpidr_el1
	mrs	x9, daif
	msr	daifset, #2
	ldp	x11, x12, [x29, #16]
	mov	sp, x29
	stp	x11, x12, [x10, #CPU_STACK_LOW]
	msr	daif, x9
	ldp	x29, x30, [sp], #32
	ret
END cpu_call_on
