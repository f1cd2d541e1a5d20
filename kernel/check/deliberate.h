/*
 * deliberate.h -- failures that are meant, announced in the log.
 *
 * Whoever goes wrong on purpose says so first, so that in any log the failures that nobody meant
 * can be told from the others (tools/build/unexpected.sh, which tests of boots ask).
 */
#ifndef KERNEL_DELIBERATE_H
#define KERNEL_DELIBERATE_H

#include "kernel/console.h"

/* `ids`: of panics, or out-of-memory, or hang; with spaces between them, "": nothing will fail. */
static inline void deliberate(const char *ids)
{
	if (ids[0] != '\0') console_print("deliberate: %s\n", ids);
}

#endif
