/*
 * banner.h -- the first lines of a boot: who we are, on what, and with which constants.
 */
#ifndef KERNEL_BANNER_H
#define KERNEL_BANNER_H

#define ANVIL_VERSION "0.1"

/* What the device tree said; needs nothing but the console. */
void banner_print(void);

/* Who holds which memory, and what is left: once the pool is made. */
void banner_print_memory(void);

#endif
