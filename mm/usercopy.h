/*
 * usercopy.h -- the kernel reads and writes users' memory: through a space's tables, never through
 * the addresses themselves.
 *
 * Each page is looked up in the tables and its rights are checked, as the access of a user: an
 * entry that is merely present is not enough.  What is not there, or may not be written yet, goes
 * through space_fault() first, so copy-on-write is broken before the kernel writes.  The page is
 * held while it is copied.  A range that wraps or reaches USER_END is refused before any byte is.
 *
 * Works on any space, installed here or not.  Locks: the space's, page by page; none is held by the
 * caller of rank RANK_SPACE or above.
 */
#ifndef MM_USERCOPY_H
#define MM_USERCOPY_H

#include "mm/space.h"

/* Bytes that were NOT copied: 0 when all were.  What was copied are the first so many. */
size_t user_copy_in(struct space *s, void *to, uint64_t from, size_t bytes);
size_t user_copy_out(struct space *s, uint64_t to, const void *from, size_t bytes);
size_t user_fill_zero(struct space *s, uint64_t to, size_t bytes);

/* A string with its end, at most `room` bytes of both: its length without the end, -ERR_FAULT, or
 * -ERR_NAMETOOLONG. */
int64_t user_string_in(struct space *s, char *to, uint64_t from, size_t room);

#endif
