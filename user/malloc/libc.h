/*
 * libc.h -- for programs that link //user/malloc: their one allocator, by name.
 *
 *	struct umalloc_stats s;
 *	umalloc_stats(&umalloc_libc, &s);
 *
 * Besides the C library's names (malloc, calloc, realloc, reallocarray, free, aligned_alloc,
 * memalign, posix_memalign, valloc, malloc_usable_size, malloc_trim) it is all there is.
 */
#ifndef USER_MALLOC_LIBC_H
#define USER_MALLOC_LIBC_H

#include "user/malloc/malloc.h"

extern struct umalloc umalloc_libc;

#endif
