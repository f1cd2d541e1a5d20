/*
 * fp_calls.S -- floating-point and vector registers, all of them at once, for a test that they are
 * a context's own: the kernel's C code never touches them.
 */
#include "fp_macros.h"
#include "machine/aarch64/function.h"

	.arch_extension fp
	.arch_extension simd

/* fp_fill(x0 seed): q0 to q31 and the modes and flags from the seed, a value for each. */
FUNCTION fp_fill
	FP_FILL
	ret
	.ltorg
END fp_fill

/* fp_same(x0 seed): how many of the 34 are not what fp_fill() made them. */
FUNCTION fp_same
	FP_SAME
	mov	x0, x3
	ret
	.ltorg
END fp_same
