/*
 * format.h -- printf for places without a C library: the kernel's console, panics, oracles' words;
 * and whether two texts are the same.
 */
#ifndef MACHINE_FORMAT_H
#define MACHINE_FORMAT_H

#include "machine/base.h"

/*
 * Writes at most `room` bytes, the closing NUL included, and returns how many it wrote without
 * the NUL.  Knows %s %.*s %c %d %u %x %p %% with l, ll and z, a width, and a leading 0 or -.
 * Anything else is copied as it stands.  Any context; touches nothing but `out`.
 */
size_t format_text(char *out, size_t room, const char *format, ...) PRINTF_LIKE(3, 4);
size_t format_text_v(char *out, size_t room, const char *format, va_list args);

/* The same text, up to the NUL?  Any context. */
bool same_text(const char *a, const char *b);

#endif
