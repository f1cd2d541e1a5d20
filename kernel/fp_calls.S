/*
 * fp_calls.S -- floating-point and vector registers, all of them at once, for a test that they are
 * a context's own: the kernel's C code never touches them.
 */
	.arch_extension fp
	.arch_extension simd

	.macro FUNCTION name
	.section .text.\name, "ax"
	.balign 16
	.global \name
	.type \name, %function
\name:
	.endm
	.macro END name
	.size \name, . - \name
	.endm

#define FPSR_FLAGS 0x0800009f	/* QC, IDC, IXC, UFC, OFC, DZC, IOC */
#define FPCR_MODES 0x07c00000	/* AHP, DN, FZ, RMode */

/* fp_fill(x0 seed): q0 to q31 and the modes and flags from the seed, a value for each. */
FUNCTION fp_fill
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30, 31
	add	x1, x0, #\n
	fmov	d\n, x1
	mvn	x1, x1
	fmov	v\n\().d[1], x1
	.endr
	ldr	x1, =FPSR_FLAGS
	and	x1, x1, x0
	msr	fpsr, x1
	ldr	x1, =FPCR_MODES
	and	x1, x1, x0
	msr	fpcr, x1
	ret
	.ltorg
END fp_fill

/* fp_same(x0 seed): how many of the 34 are not what fp_fill() made them. */
FUNCTION fp_same
	mov	x3, #0
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30, 31
	add	x1, x0, #\n
	fmov	x2, d\n
	cmp	x1, x2
	cinc	x3, x3, ne
	mvn	x1, x1
	fmov	x2, v\n\().d[1]
	cmp	x1, x2
	cinc	x3, x3, ne
	.endr
	ldr	x1, =FPSR_FLAGS
	and	x1, x1, x0
	mrs	x2, fpsr
	cmp	x1, x2
	cinc	x3, x3, ne
	ldr	x1, =FPCR_MODES
	and	x1, x1, x0
	mrs	x2, fpcr
	cmp	x1, x2
	cinc	x3, x3, ne
	mov	x0, x3
	ret
	.ltorg
END fp_same
