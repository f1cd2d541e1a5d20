/*
 * program.h -- what an image does once the kernel is up; chosen by the link.
 */
#ifndef KERNEL_PROGRAM_H
#define KERNEL_PROGRAM_H

/* On CPU 0, after the self-test; interrupts unmasked, the other CPUs idle.  Its result is the
 * machine's exit status (kernel/power.h). */
int program_main(void);

#endif
