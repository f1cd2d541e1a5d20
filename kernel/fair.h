/*
 * fair.h -- CPUs that take turns, because they are simulated one at a time, each get some.
 */
#ifndef KERNEL_FAIR_H
#define KERNEL_FAIR_H

/* With the boot argument "fair" each CPU has a beat from here on (tick.h), in which it lets others
 * have a turn where one has had none.  From a thread, once the CPUs are on. */
void fair_begin(const char *bootargs);

#endif
