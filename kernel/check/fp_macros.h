/*
 * fp_macros.h -- for assembly: all floating-point and vector registers filled from a seed, and
 * compared with it: by the kernel's contexts (fp_calls.S) and by programs at EL0 (el0_users.S).
 */
/* clang-format off */
#ifndef KERNEL_FP_MACROS_H
#define KERNEL_FP_MACROS_H

#define FPSR_FLAGS 0x0800009f	/* QC, IDC, IXC, UFC, OFC, DZC, IOC */
#define FPCR_MODES 0x07c00000	/* AHP, DN, FZ, RMode */

	.macro FP_FILL_ONE n
	add	x1, x0, #\n
	fmov	d\n, x1
	mvn	x1, x1
	fmov	v\n\().d[1], x1
	.endm
	.macro FP_SAME_ONE n
	add	x1, x0, #\n
	fmov	x2, d\n
	cmp	x1, x2
	cinc	x3, x3, ne
	mvn	x1, x1
	fmov	x2, v\n\().d[1]
	cmp	x1, x2
	cinc	x3, x3, ne
	.endm

/* x0 seed: q0 to q31, flags and modes, a value for each; uses x1 */
	.macro FP_FILL
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30, 31
	FP_FILL_ONE \n
	.endr
	ldr	x1, =FPSR_FLAGS
	and	x1, x1, x0
	msr	fpsr, x1
	ldr	x1, =FPCR_MODES
	and	x1, x1, x0
	msr	fpcr, x1
	.endm

/* x0 seed: x3 is how many of the 64 halves, the flags and the modes are others; uses x1, x2 */
	.macro FP_SAME
	mov	x3, #0
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30, 31
	FP_SAME_ONE \n
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
	.endm

#endif
