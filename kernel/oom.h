/*
 * oom.h -- what the kernel says when memory runs out.
 */
#ifndef KERNEL_OOM_H
#define KERNEL_OOM_H

#include "mm/event.h"

/* For every allocator of the kernel: prints.  See oom.c for the lines. */
extern const struct mm_listener oom_listener;

/* How often an event was told since boot. */
uint32_t oom_count(enum mm_event event);

#endif
