/* linux.h -- the memory calls of a program on Linux, and a lock: all that an instance asks for. */
#ifndef USER_MALLOC_LINUX_H
#define USER_MALLOC_LINUX_H

#include "user/malloc/malloc.h"

extern const struct umalloc_calls umalloc_linux;

/* Once, while there is one thread: from here on threads' ends are told to their caches. */
void umalloc_linux_begin(void);

#endif
