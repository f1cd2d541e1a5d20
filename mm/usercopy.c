/*
 * usercopy.c -- the kernel reads and writes users' memory, page by page, through the tables; what
 * most calls take and give goes another way, in usercopy.h, and comes here when that meets a fault.
 *
 * A range is looked at as a whole first: one that wraps or goes on at USER_END is refused before
 * any byte is touched.  Then, for each page: under the space's lock the entry is asked whether a
 * user could make this access; if not, the access is answered like a fault, which may bring the
 * page, or break copy-on-write; and the bytes are copied through the direct map before the lock is
 * dropped.  So no page can be taken away, or become another space's, between the look and the copy.
 *
 * A fault that cannot be answered ends the copy: what was copied are all the pages before.
 *
 * Always true:
 *   U1  bytes are only read where entry_allows(LOAD), and only written where it allows STORE, at
 *       that very moment;
 *   U2  what is reported as copied is exactly what was.
 *
 * Locks: the space's, for one page at a time, with interrupts masked; never across two pages.
 * Cost (release, AArch64): about 100 instructions for each page and the copying.
 */
#include "mm/usercopy.h"

#include "mm/pagetable_inside.h"
#include "mm/space_inside.h"

/* A piece of a copy: inside one page. */
struct piece {
	uint64_t va;
	size_t bytes;
	uint8_t *kernel; /* NULL: zeroes */
};

/* Whether all of [va, va + bytes) is below USER_END. */
static bool user_range(uint64_t va, size_t bytes)
{
	return va < USER_END && bytes <= USER_END - va;
}

static size_t page_rest(uint64_t va, size_t bytes)
{
	return min_u64(bytes, PAGE_SIZE - (va & (PAGE_SIZE - 1)));
}

/* The kernel's address of `va`, once a user could make this access there; or NULL. */
static uint8_t *user_reach_locked(struct space *s, uint64_t va, enum mach_access access)
	REQUIRES(&s->lock)
{
	uint64_t entry = pagetable_lookup(&s->table, va, NULL);

	if (UNLIKELY(!entry_allows(entry, access))) {
		if (space_fault_locked(s, va, access) != FAULT_DONE) return NULL;
		entry = pagetable_lookup(&s->table, va, NULL);
		ASSERT(entry_allows(entry, access)); /* U1 */
	}
	return (uint8_t *)mach_phys(entry_address(entry)) + (va & (PAGE_SIZE - 1));
}

static bool user_piece(struct space *s, const struct piece *piece, enum mach_access access)
{
	const mach_irq_t was = lock_take(&s->lock);
	uint8_t *user = user_reach_locked(s, piece->va, access);

	if (user == NULL)
		;
	else if (access == MACH_LOAD)
		memcpy(piece->kernel, user, piece->bytes);
	else if (piece->kernel != NULL)
		memcpy(user, piece->kernel, piece->bytes);
	else
		memset(user, 0, piece->bytes);
	lock_drop(&s->lock, was);
	return user != NULL;
}

static size_t user_copy(struct space *s, uint64_t va, uint8_t *kernel, size_t bytes,
			enum mach_access access)
{
	if (!user_range(va, bytes)) return bytes;
	while (bytes != 0) {
		const struct piece piece = { va, page_rest(va, bytes), kernel };
		if (!user_piece(s, &piece, access)) break;
		va += piece.bytes;
		bytes -= piece.bytes;
		if (kernel != NULL) kernel += piece.bytes;
	}
	return bytes;
}

/* --- the calls ---------------------------------------------------------------------------- */

size_t user_copy_in_pages(struct space *s, void *to, uint64_t from, size_t bytes)
{
	ASSERT(to != NULL || bytes == 0);
	return user_copy(s, from, to, bytes, MACH_LOAD);
}

size_t user_copy_out_pages(struct space *s, uint64_t to, const void *from, size_t bytes)
{
	ASSERT(from != NULL || bytes == 0);
	return user_copy(s, to, (uint8_t *)(uintptr_t)from, bytes, MACH_STORE);
}

size_t user_copy_in_any(struct space *s, void *to, uint64_t from, size_t bytes)
{
	if (user_quick_in(s, to, from, bytes)) return 0;
	return user_copy_in_pages(s, to, from, bytes);
}

size_t user_copy_out_any(struct space *s, uint64_t to, const void *from, size_t bytes)
{
	if (user_quick_out(s, to, from, bytes)) return 0;
	return user_copy_out_pages(s, to, from, bytes);
}

size_t user_fill_zero(struct space *s, uint64_t to, size_t bytes)
{
	return user_copy(s, to, NULL, bytes, MACH_STORE);
}

/* --- strings ------------------------------------------------------------------------------ */

/* Copies up to `bytes` bytes, the end of the string included; how many, or 0 for a fault. */
static size_t user_string_piece(struct space *s, const struct piece *piece)
{
	const mach_irq_t was = lock_take(&s->lock);
	const uint8_t *user = user_reach_locked(s, piece->va, MACH_LOAD);
	size_t n = 0;

	while (user != NULL && n < piece->bytes) {
		const uint8_t byte = user[n]; /* read once: the user may be writing there */
		piece->kernel[n++] = byte;
		if (byte == 0) break;
	}
	lock_drop(&s->lock, was);
	return n;
}

int64_t user_string_in(struct space *s, char *to, uint64_t from, size_t room)
{
	size_t length = 0;

	ASSERT(to != NULL || room == 0);
	while (length < room) {
		if (from >= USER_END) return -ERR_FAULT;
		const size_t bytes = page_rest(from, room - length);
		const struct piece piece = { from, bytes, (uint8_t *)to + length };
		const size_t n = user_string_piece(s, &piece);
		if (n == 0) return -ERR_FAULT;
		length += n;
		from += n;
		if (to[length - 1] == 0) return (int64_t)length - 1;
	}
	return -ERR_NAMETOOLONG;
}
