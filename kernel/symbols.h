/*
 * symbols.h -- names of functions, from the table that the second link puts into the image.
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include "machine/base.h"

/* The function that `address` lies in, and how far; NULL outside of the text or without a table. */
const char *symbol_find(uintptr_t address, uint64_t *offset);

/* The same for a call site, as accounts keep it; SITE_NONE has no name. */
const char *symbol_of_site(site_t site, uint64_t *offset);

/* The call site of a return address: its offset in the text; SITE_NONE outside of it. */
site_t symbol_site(const void *return_address);

#endif
