/*
 * libc_names.c -- further names of malloc's family: those of old programs, and those by which glibc
 * lets it be wrapped.
 *
 * Nobody should need them.  But whoever calls one that is missing here gets a block of the C
 * library's own heap, or gives it one of ours.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "user/malloc/libc.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *pvalloc(size_t bytes);
EXPORTED void cfree(void *p);
EXPORTED void __libc_free(void *p);
EXPORTED void *__libc_malloc(size_t bytes);
EXPORTED void *__libc_calloc(size_t count, size_t bytes);
EXPORTED void *__libc_realloc(void *p, size_t bytes);
EXPORTED void *__libc_memalign(size_t align, size_t bytes);
EXPORTED void *__libc_valloc(size_t bytes);
EXPORTED void *__libc_pvalloc(size_t bytes);

/* Whole pages. */
void *pvalloc(size_t bytes)
{
	const size_t over = UMALLOC_PAGE - 1;

	return valloc(bytes <= SIZE_MAX - over ? (bytes + over) & ~over : SIZE_MAX);
}

void cfree(void *p)
{
	free(p);
}

void __libc_free(void *p)
{
	free(p);
}

void *__libc_malloc(size_t bytes)
{
	return malloc(bytes);
}

void *__libc_calloc(size_t count, size_t bytes)
{
	return calloc(count, bytes);
}

void *__libc_realloc(void *p, size_t bytes)
{
	return realloc(p, bytes);
}

void *__libc_memalign(size_t align, size_t bytes)
{
	return memalign(align, bytes);
}

void *__libc_valloc(size_t bytes)
{
	return valloc(bytes);
}

void *__libc_pvalloc(size_t bytes)
{
	return pvalloc(bytes);
}
