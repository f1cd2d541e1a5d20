/*
 * ktty.h -- the terminal at the serial line.
 */
#ifndef KERNEL_KTTY_H
#define KERNEL_KTTY_H

#include "kernel/file/tty.h"

extern struct tty kernel_tty;

/* It is nobody's, and what is typed comes in from now on, on this CPU.  `host`: whom it asks for
 * sessions and groups; its `put` may be NULL: the console's.  After ksched_start(). */
void ktty_start(const struct tty_host *host);

#endif
