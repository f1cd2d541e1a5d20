/*
 * abi.h -- what Linux's programs and the kernel say to each other on AArch64: numbers of calls,
 * constants, structures.  A subset, which grows as calls do.
 *
 * Facts of Linux 6.1's include/uapi, in our own words.  Structures are named abi_..., and what
 * stands in them has plain names, so that files which see a C library's headers as well can include
 * this.  Its constants have Linux's names where <stdio.h>, <stdlib.h>, <string.h> and <unistd.h>
 * have none of that name (so WHENCE_SET, W_NOHANG and MAY_READ here), and meet those of <fcntl.h>,
 * <signal.h>, <time.h>, <sched.h> and the <sys/...> ones: a file that includes these does not
 * include this.
 *
 * The numbers of the memory calls (PROT_..., MAP_...) and all errors are mm/mman.h's.
 */
#ifndef KERNEL_ABI_H
#define KERNEL_ABI_H

#include "kernel/abi_calls.h"
#include "kernel/abi_file.h"
#include "kernel/abi_signal.h"
#include "kernel/abi_task.h"

#endif
