/*
 * early.c -- a bump pointer for the time before there are pages.
 *
 * The kernel needs memory to build what it will take memory from.  Until then it moves a pointer
 * through one fixed range.  Nothing comes back: early boot allocates what it keeps.  When the page
 * pool stands, early_close() ends this: the whole pages that were never touched go to the pool,
 * and the rest stays what it is, owned here for ever.
 *
 * A block from here may be freed later by somebody who cannot know where it came from.  kmalloc
 * asks early_owns() first and sends such a block to early_release(), which counts it and does no
 * more.  early_owns() answers for the bytes that were handed out, not for the range: the pages
 * given to the pool at the hand-over are the pool's.
 *
 * Always true:
 *   E1  used <= bytes, and [base, base + used) is all that was ever handed out, padding included;
 *   E2  after closing, `bytes` ends where the given-away pages begin, so early_owns needs no
 *       second bound;
 *   E3  released <= blocks.
 *
 * Arithmetic: sizes come from callers and addresses may lie anywhere, the last page of the address
 * space included, so what is compared is always room that is left, never a sum that might wrap.
 *
 * Locks: none.  One CPU until early_close(); after that only reads, and one atomic count.
 * Cost: O(1), and zeroing.
 */
#include "mm/early.h"

#include "machine/atomic.h"
#include "machine/machine.h"

static uintptr_t early_next(const struct early *e)
{
	return (uintptr_t)e->base + e->used;
}

/* Bytes from `at` up to the next multiple of `align`. */
static size_t early_padding(uintptr_t at, size_t align)
{
	return (size_t)(-at & (align - 1));
}

void early_init(struct early *e, void *base, size_t bytes)
{
	ASSERT(base != NULL && bytes != 0);
	ASSERT(bytes - 1 <= UINTPTR_MAX - (uintptr_t)base);
	*e = (struct early){ .base = base, .bytes = bytes };
}

void *early_alloc(struct early *e, size_t bytes, size_t align)
{
	ASSERT(is_power_of_two(align));
	ASSERT(e->used <= e->bytes);
	if (e->closed || bytes == 0) return NULL;

	const size_t room = e->bytes - e->used;
	const size_t padding = early_padding(early_next(e), align);
	if (padding > room || bytes > room - padding) return NULL;

	uint8_t *block = e->base + e->used + padding;
	e->used += padding + bytes;
	e->blocks++;
	ASSERT(is_aligned((uintptr_t)block, align));
	memset(block, 0, bytes);
	return block;
}

size_t early_close(struct early *e, void **rest)
{
	ASSERT(!e->closed && e->used <= e->bytes);
	e->closed = true;

	const size_t room = e->bytes - e->used;
	const size_t padding = early_padding(early_next(e), PAGE_SIZE);
	const size_t given = padding > room ? 0 : (size_t)align_down(room - padding, PAGE_SIZE);
	*rest = given == 0 ? NULL : e->base + e->used + padding;
	if (given != 0) e->bytes = e->used + padding;
	return given;
}

bool early_owns(const struct early *e, const void *p)
{
	return (uintptr_t)p - (uintptr_t)e->base < e->used;
}

bool early_release(struct early *e, const void *p)
{
	ASSERT(early_owns(e, p));
	const uint32_t before = atomic_fetch_add_u32(&e->released, 1);
	if (before < e->blocks) return true;
	atomic_fetch_add_u32(&e->released, UINT32_MAX); /* back by one: it was never a block's */
	return false;
}
