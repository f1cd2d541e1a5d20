/*
 * el0_users.S -- programs for EL0, for el0_program.c: copied to pages of a space and begun at one
 * of the names below, in the order of el0_users.h.  Position-independent; none is ever run here.
 *
 * Each begins with x0 (what its thread was given), SP at the end of a page of its own, and every
 * other register 0.  x8 is the call's number; EL0_EXIT ends the thread with x0: 0 is well.
 */
#include "el0_users.h"
#include "fp_macros.h"

	.arch_extension fp
	.arch_extension simd

	.section .rodata.el0_users, "a"
	.balign 4096
	.global el0_users, el0_users_end, el0_users_at
el0_users:

	.macro USER name
	.balign 16
el0_\name:
	.endm
	.macro CALL number
	mov	x8, #\number
	svc	#0
	.endm
	.macro LEAVE
	CALL	EL0_EXIT
	brk	#99			/* nobody comes back */
	.endm
	/* a number of its own for each register */
	.macro PATTERN register, n
	movz	\register, #(\n * 0x0101 + 0x1234)
	movk	\register, #(0xfedc - \n), lsl #48
	.endm

/* Nothing of the kernel is in any register; x0 is 0. */
	USER begins
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30
	cbnz	x\n, 9f
	.endr
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30, 31
	fmov	x1, d\n
	fmov	x2, v\n\().d[1]
	orr	x0, x0, x1
	orr	x0, x0, x2
	.endr
	mrs	x1, fpsr
	mrs	x2, fpcr
	mrs	x3, tpidr_el0
	mrs	x4, tpidrro_el0
	mrs	x5, nzcv
	orr	x0, x0, x1
	orr	x0, x0, x2
	orr	x0, x0, x3
	orr	x0, x0, x4
	orr	x0, x0, x5
	mov	x1, sp
	tst	x1, #0xfff
	cset	x1, ne
	orr	x0, x0, x1
	LEAVE
9:	mov	x0, #1
	LEAVE

/* x0 rounds: a call changes x0 and nothing else. */
	USER keeps
	str	x0, [sp, #-16]!
1:	ldr	x0, [sp]
	lsl	x0, x0, #28
	msr	nzcv, x0
	.irp n, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
		24, 25, 26, 27, 28, 29, 30
	PATTERN	x\n, \n
	.endr
	mov	x0, #77
	CALL	EL0_ADD_ONE
	str	x0, [sp, #8]
	mrs	x0, nzcv
	cmp	x8, #EL0_ADD_ONE
	b.ne	9f
	str	x1, [sp, #-16]!
	ldr	x1, [sp, #16]
	lsl	x1, x1, #28
	and	x1, x1, #0xf0000000
	cmp	x0, x1
	b.ne	9f
	ldr	x0, [sp, #24]
	cmp	x0, #78
	b.ne	9f
	ldr	x1, [sp], #16
	.irp n, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
		24, 25, 26, 27, 28, 29, 30
	PATTERN	x0, \n
	cmp	x0, x\n
	b.ne	9f
	.endr
	ldr	x0, [sp]
	subs	x0, x0, #1
	str	x0, [sp]
	b.ne	1b
	LEAVE
9:	mov	x0, #1
	LEAVE

/* The same without calls, and spinning, so that interrupts come anywhere: x0 rounds. */
	USER preempted
	str	x0, [sp, #-16]!
	.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30
	PATTERN	x\n, \n
	.endr
1:
	.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30
	PATTERN	x0, \n
	cmp	x0, x\n
	b.ne	9f
	.endr
	ldr	x0, [sp]
	subs	x0, x0, #1
	str	x0, [sp]
	b.ne	1b
	LEAVE
9:	mov	x0, #1
	LEAVE

/* x0 seed and rounds (low 16 bits): its thread register is its own, over yields and spins. */
	USER tls
	mov	x20, x0
	and	x21, x0, #0xffff
	msr	tpidr_el0, x20
1:	CALL	EL0_YIELD
	mov	x1, #300
2:	mrs	x0, tpidr_el0
	cmp	x0, x20
	b.ne	9f
	subs	x1, x1, #1
	b.ne	2b
	add	x20, x20, #1
	msr	tpidr_el0, x20
	subs	x21, x21, #1
	b.ne	1b
	mrs	x0, tpidrro_el0
	LEAVE
9:	mov	x0, #1
	LEAVE

/* x0 seed: all of the floating-point registers; uses x1 */
el0_fp_fill:
	FP_FILL
	ret

/* x0 seed: x3 is how many are others; uses x1, x2 */
el0_fp_same:
	FP_SAME
	ret
	.ltorg

/* x0 seed, and rounds in its low 16 bits: its floating-point registers are its own, over calls,
 * yields and spins. */
	USER floats
	and	x21, x0, #0xffff
	movz	x20, #0x9f
	movk	x20, #0x0bc0, lsl #16
	eor	x20, x20, x0, lsl #16
1:	mov	x0, x20
	bl	el0_fp_fill
	CALL	EL0_ADD_ONE
	CALL	EL0_YIELD
	mov	x22, #5
2:	mov	x0, x20
	bl	el0_fp_same
	cbnz	x3, 9f
	subs	x22, x22, #1
	b.ne	2b
	add	x20, x20, #1
	subs	x21, x21, #1
	b.ne	1b
	mov	x0, #0
	LEAVE
9:	mov	x0, x3
	LEAVE

/* Begun with another's floating-point registers: of seed x0. */
	USER floats_inherited
	bl	el0_fp_same
	mov	x0, x3
	LEAVE

/* Fills them from x0 and has the kernel make them a second thread's; then has the kernel change
 * them to those of x0 + 1. */
	USER floats_shown
	mov	x20, x0
	bl	el0_fp_fill
	CALL	EL0_FORK_FLOATS
	mov	x0, x20
	bl	el0_fp_same
	cbnz	x3, 9f
	add	x0, x20, #1
	bl	el0_fp_fill
	CALL	EL0_KEEP_FLOATS
	mov	x0, x20
	bl	el0_fp_fill
	CALL	EL0_BRING_FLOATS
	add	x0, x20, #1
	bl	el0_fp_same
9:	mov	x0, x3
	LEAVE

/* No call to come in by, for ever.  YIELD is for QEMU's -icount alone (tools/build/qemu.sh). */
	USER spins
	CALL	EL0_ADD_ONE
1:	yield
	b	1b

/* The virtual counter, its rate, and what else anybody may read. */
	USER reads
	mrs	x1, cntvct_el0
	mrs	x2, cntfrq_el0
	cbz	x2, 9f
	mrs	x3, ctr_el0
	cbz	x3, 9f
	mrs	x3, dczid_el0
	isb
	mrs	x4, cntvct_el0
	cmp	x4, x1
	b.lo	9f
	sub	x0, sp, #64
	and	x0, x0, #~63
	str	x0, [x0]
	dc	zva, x0
	ldr	x0, [x0]
	dc	cvau, x1
	LEAVE
9:	mov	x0, #1
	LEAVE

/* What does nothing, or waits for nothing. */
	USER waits
	wfi
	wfe
	sev
	yield
	dmb	sy
	mov	x0, #0
	LEAVE

/* A tag in an address is not looked at. */
	USER tagged
	mov	x1, sp
	movk	x1, #0x5a00, lsl #48
	mov	x3, x1
	str	x3, [x1, #-8]
	ldr	x2, [sp, #-8]
	sub	x0, x3, x2
	LEAVE

/* The stack, a page at a time, as far as it goes: x0 pages */
	USER deep
1:	sub	sp, sp, #4096
	str	x0, [sp]
	subs	x0, x0, #1
	b.ne	1b
	LEAVE

/* For figures: x0 calls, of a number that does nothing. */
	USER calls
	mov	x20, x0
	mov	x8, #EL0_NOTHING
1:	svc	#0
	subs	x20, x20, #1
	b.ne	1b
	mov	x0, #0
	LEAVE

	USER yields
	mov	x20, x0
	mov	x8, #EL0_YIELD
1:	svc	#0
	subs	x20, x20, #1
	b.ne	1b
	mov	x0, #0
	LEAVE

	USER hangs
	CALL	EL0_HANG
	LEAVE

/* x0 times (the low 32 bits): maps pages (the high ones, more than one), writes to each, unmaps
 * them */
	USER maps
	mov	w20, w0
	lsr	x21, x0, #32
	add	x21, x21, #1
1:	mov	x0, x21
	CALL	EL0_MAP
	mov	x1, #0
2:	add	x2, x0, x1, lsl #12
	str	x20, [x2]
	add	x1, x1, #1
	cmp	x1, x21
	b.ne	2b
	mov	x1, x21
	CALL	EL0_UNMAP
	subs	x20, x20, #1
	b.ne	1b
	mov	x0, #0
	LEAVE

/* --- each of these is to end its program; x0 is what hostiles[] has for it ------------------ */

	.macro HOSTILE name, instruction:vararg
	USER \name
	\instruction
	mov	x0, #1
	LEAVE
	.endm

	HOSTILE load, ldr x1, [x0]
	HOSTILE store, str x1, [x0]
	HOSTILE jump, br x0
	HOSTILE load_exclusive, ldxr x1, [x0]
	HOSTILE load_acquire, ldar x1, [x0]
	HOSTILE load_float, ldr q0, [x0]
	HOSTILE break_point, brk #0
	HOSTILE undefined, udf #0
	HOSTILE hypervisor, hvc #0
	HOSTILE secure, smc #0
	HOSTILE halt, hlt #0xf000
	HOSTILE exception_return, eret
	HOSTILE read_control, mrs x1, sctlr_el1
	HOSTILE read_table, mrs x1, ttbr0_el1
	HOSTILE read_kernel_thread, mrs x1, tpidr_el1
	HOSTILE read_physical_counter, mrs x1, cntpct_el0
	HOSTILE read_timer, mrs x1, cntv_ctl_el0
	HOSTILE read_events, mrs x1, pmccntr_el0
	HOSTILE write_thread, msr tpidrro_el0, x0
	HOSTILE write_vectors, msr vbar_el1, x0
	HOSTILE write_timer, msr cntv_cval_el0, x0
	HOSTILE mask, msr daifset, #2
	HOSTILE unmask, msr daifclr, #15
	HOSTILE choose_stack, msr spsel, #0
	HOSTILE forget, tlbi vmalle1
	HOSTILE forget_cache, ic ialluis
	HOSTILE drop_line, dc ivac, x0
	HOSTILE translate, at s1e1r, x0
	USER stack_kernel
	mov	sp, x0
	stp	x1, x2, [sp, #-16]!
	LEAVE

	.balign 4096
el0_users_end:

	.section .rodata.el0_users_at, "a"
	.balign 4
el0_users_at:
#define USER_AT(name) .long el0_##name - el0_users;
	EL0_USERS(USER_AT)
