/*
 * fiber_x86_64.S -- the two pieces of a fiber switch that C cannot say (see fiber.c).
 *
 * A fiber that does not run has on its stack, from its sp upward: r15 r14 r13 r12 rbx rbp and the
 * address where it goes on.  Everything else the calling convention lets a call destroy.
 */
	.text

/* void fiber_swap(void **save, void *sp) */
	.globl	fiber_swap
	.type	fiber_swap, @function
fiber_swap:
	.cfi_startproc
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
	.cfi_endproc
	.size	fiber_swap, . - fiber_swap

/* void *fiber_frame(void *top): `top` is a multiple of 16. */
	.globl	fiber_frame
	.type	fiber_frame, @function
fiber_frame:
	.cfi_startproc
	leaq	-56(%rdi), %rax
	leaq	fiber_first(%rip), %rcx
	movq	%rcx, 48(%rax)
	xorl	%ecx, %ecx
	movq	%rcx, 40(%rax)
	movq	%rcx, 32(%rax)
	movq	%rcx, 24(%rax)
	movq	%rcx, 16(%rax)
	movq	%rcx, 8(%rax)
	movq	%rcx, (%rax)
	ret
	.cfi_endproc
	.size	fiber_frame, . - fiber_frame

/* Arrived at by `ret` with rsp = top and rbp = 0: unwinders find the end here. */
	.type	fiber_first, @function
fiber_first:
	.cfi_startproc
	.cfi_undefined rip
	call	fiber_begin
	ud2
	.cfi_endproc
	.size	fiber_first, . - fiber_first

	.section .note.GNU-stack, "", @progbits
