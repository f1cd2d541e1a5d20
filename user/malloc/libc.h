/*
 * libc.h -- for programs that link //user/malloc: their one allocator, by name.
 *
 *	struct umalloc_stats s;
 *	umalloc_stats(&umalloc_libc, &s);
 *
 * Besides the C library's names, all that glibc has of malloc's, it is all there is.
 */
#ifndef USER_MALLOC_LIBC_H
#define USER_MALLOC_LIBC_H

#include "user/malloc/malloc.h"

extern struct umalloc umalloc_libc;

#endif
