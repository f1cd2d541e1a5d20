/*
 * fp_calls.h -- all floating-point and vector registers at once, for tests (fp_calls.S).
 */
#ifndef KERNEL_FP_CALLS_H
#define KERNEL_FP_CALLS_H

#include "machine/base.h"

/* q0 to q31, the flags of FPSR and the modes of FPCR, each made from the seed. */
void fp_fill(uint64_t seed);

/* How many are not as fp_fill(seed) left them. */
uint64_t fp_same(uint64_t seed);

#endif
