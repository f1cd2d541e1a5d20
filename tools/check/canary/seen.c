/*
 * seen.c -- what the check of portable objects must accept where loads and stores are watched, and
 * refuse elsewhere: a store, and a copy, both seen.
 */
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t bytes);

void canary_seen(char *to, const char *from, unsigned bytes);

void canary_seen(char *to, const char *from, unsigned bytes)
{
	memcpy(to, from, bytes);
	to[bytes] = 0;
}
