/*
 * shadow.h -- poison, written straight into AddressSanitizer's shadow memory when there is one.
 * For machine/host alone; everybody else uses mach_poison() and mach_unpoison().
 */
#ifndef MACHINE_HOST_SHADOW_H
#define MACHINE_HOST_SHADOW_H

#include "machine/base.h"

enum { SHADOW_GRAIN = 8 }; /* bytes that share a shadow byte */

/* `p` is a multiple of SHADOW_GRAIN.  Without ASan: nothing. */
void shadow_poison(const void *p, size_t bytes);
void shadow_unpoison(const void *p, size_t bytes);

/* Whether all of the bytes are accessible; of any address, without ASan of all. */
bool shadow_accessible(const void *p, size_t bytes);

#endif
