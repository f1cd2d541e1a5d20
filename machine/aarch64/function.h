/*
 * function.h -- for assembly: functions, each in a section of its own, as the linker drops those
 * that nobody calls.
 */
#ifndef MACHINE_AARCH64_FUNCTION_H
#define MACHINE_AARCH64_FUNCTION_H

/* clang-format off */
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
/* clang-format on */

#endif
