/*
 * fiber_aarch64.S -- the two pieces of a fiber switch that C cannot say (see fiber.c).
 *
 * A fiber that does not run has on its stack, from its sp upward: x19 to x28, x29 (the frame
 * pointer), x30 (where it goes on) and d8 to d15: 160 bytes.  Everything else the calling
 * convention lets a call destroy.
 */
	.text

/* void fiber_swap(void **save, void *sp) */
	.globl	fiber_swap
	.type	fiber_swap, %function
fiber_swap:
	.cfi_startproc
	stp	x19, x20, [sp, #-160]!
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mov	x9, sp
	str	x9, [x0]
	mov	sp, x1
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x19, x20, [sp], #160
	ret
	.cfi_endproc
	.size	fiber_swap, . - fiber_swap

/* void *fiber_frame(void *top): `top` is a multiple of 16. */
	.globl	fiber_frame
	.type	fiber_frame, %function
fiber_frame:
	.cfi_startproc
	sub	x0, x0, #160
	mov	x9, x0
	mov	x10, #20
1:	str	xzr, [x9], #8
	subs	x10, x10, #1
	b.ne	1b
	adrp	x9, fiber_first
	add	x9, x9, :lo12:fiber_first
	str	x9, [x0, #88]
	ret
	.cfi_endproc
	.size	fiber_frame, . - fiber_frame

/* Arrived at by `ret` with sp = top and x29 = 0: unwinders find the end here. */
	.type	fiber_first, %function
fiber_first:
	.cfi_startproc
	.cfi_undefined x30
	bl	fiber_begin
	brk	#0
	.cfi_endproc
	.size	fiber_first, . - fiber_first

	.section .note.GNU-stack, "", %progbits
