/*
 * flags.h -- what programs that take flags read them with.  Hosted code.
 */
#ifndef FUZZ_FLAGS_H
#define FUZZ_FLAGS_H

#include <stdlib.h>

#include "machine/base.h"

/* A whole number, decimal or as C writes it, and nothing behind it.  False: `text` is none. */
static inline bool flag_number(const char *text, uint64_t *value)
{
	char *end;
	*value = strtoull(text, &end, 0);
	return *text >= '0' && *text <= '9' && *end == '\0';
}

#endif
