/*
 * usercopy.h -- the kernel reads and writes users' memory.
 *
 * What is small, and belongs to the space that this CPU has installed, goes by accesses with a
 * user's own rights (mach_user_in): through the hardware's tables, without a lock.  All else, and
 * whatever faults there, goes through the space's tables page by page: each is looked up and its
 * rights are checked, as the access of a user; an entry that is merely present is not enough.  What
 * is not there, or may not be written yet, is brought as by space_fault(), so copy-on-write is
 * broken before the kernel writes; and the page is held while it is copied.  Both ways read and
 * write the same bytes, and a range that wraps or goes on at USER_END is refused before any is.
 *
 * Always true: between the look at what is installed and the last access interrupts are masked, so
 * the accesses are to that space.  A page that is unmapped meanwhile was there, or faults: who took
 * it away waits for this CPU to forget it before it is anybody else's (pagetable.h).
 *
 * Works on any space, installed here or not.  Locks: the space's, page by page; none is held by the
 * caller of rank RANK_SPACE or above.  Cost (release, AArch64): 20 to 25 instructions for 4, 8, 16
 * or 32 bytes, where the compiler knows which, 50 for others up to 64; else as usercopy.c says.
 */
#ifndef MM_USERCOPY_H
#define MM_USERCOPY_H

#include "mm/space.h"

/* Bytes that were NOT copied: 0 when all were.  What was copied are the first so many. */
static inline size_t user_copy_in(struct space *s, void *to, uint64_t from, size_t bytes);
static inline size_t user_copy_out(struct space *s, uint64_t to, const void *from, size_t bytes);
size_t user_fill_zero(struct space *s, uint64_t to, size_t bytes);

/* A string with its end, at most `room` bytes of both: its length without the end, -ERR_FAULT, or
 * -ERR_NAMETOOLONG. */
int64_t user_string_in(struct space *s, char *to, uint64_t from, size_t room);

/* --- what the two do -------------------------------------------------------------------------- */

/* Through the tables, whatever it is; and both ways, for sizes that no compiler knows. */
size_t user_copy_in_pages(struct space *s, void *to, uint64_t from, size_t bytes);
size_t user_copy_out_pages(struct space *s, uint64_t to, const void *from, size_t bytes);
size_t user_copy_in_any(struct space *s, void *to, uint64_t from, size_t bytes);
size_t user_copy_out_any(struct space *s, uint64_t to, const void *from, size_t bytes);

#define USER_QUICK static inline __attribute__((always_inline))

/* Whether so many bytes at `va` may be tried as a user's access. */
USER_QUICK bool user_is_quick(uint64_t va, size_t bytes)
{
	return bytes - 1 < MACH_USER_BYTES && va <= USER_END - bytes;
}

/* Interrupts are masked. */
USER_QUICK bool user_is_here(const struct space *s)
{
	return s->vm->installed[mach_cpu()] == s;
}

/* False: perhaps with some of it done, and to be done by the tables. */
USER_QUICK bool user_quick_in(struct space *s, void *to, uint64_t from, size_t bytes)
{
	if (UNLIKELY(!user_is_quick(from, bytes))) return false;
	const mach_irq_t was = mach_irq_save();
	const bool done = LIKELY(user_is_here(s)) && mach_user_in(to, from, bytes);
	mach_irq_restore(was);
	return done;
}

USER_QUICK bool user_quick_out(struct space *s, uint64_t to, const void *from, size_t bytes)
{
	if (UNLIKELY(!user_is_quick(to, bytes))) return false;
	const mach_irq_t was = mach_irq_save();
	const bool done = LIKELY(user_is_here(s)) && mach_user_out(to, from, bytes);
	mach_irq_restore(was);
	return done;
}

USER_QUICK size_t user_copy_in(struct space *s, void *to, uint64_t from, size_t bytes)
{
	if (!__builtin_constant_p(bytes)) return user_copy_in_any(s, to, from, bytes);
	if (LIKELY(user_quick_in(s, to, from, bytes))) return 0;
	return user_copy_in_pages(s, to, from, bytes);
}

USER_QUICK size_t user_copy_out(struct space *s, uint64_t to, const void *from, size_t bytes)
{
	if (!__builtin_constant_p(bytes)) return user_copy_out_any(s, to, from, bytes);
	if (LIKELY(user_quick_out(s, to, from, bytes))) return 0;
	return user_copy_out_pages(s, to, from, bytes);
}

#undef USER_QUICK

#endif
