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
 *   E2  `used` only grows, and not at all once EARLY_CLOSED stands in it: so each byte is handed
 *       out once, and the pages that were given away at the hand-over stay outside;
 *   E3  released <= blocks.
 *
 * Arithmetic: sizes come from callers and addresses may lie anywhere, the last page of the address
 * space included, so what is compared is always room that is left, never a sum that might wrap.
 *
 * Locks: none.  The pointer is moved by compare-and-swap from where it was seen, for a CPU that
 * starts while this is still open may allocate too: who was not fast enough looks again.
 * Cost: O(1), and zeroing.
 */
#include "mm/early.h"

#include "machine/atomic.h"
#include "machine/machine.h"

static size_t early_used(uint64_t word)
{
	return (size_t)(word & ~EARLY_CLOSED);
}

/* Bytes from `at` up to the next multiple of `align`. */
static size_t early_padding(uintptr_t at, size_t align)
{
	return (size_t)(-at & (align - 1));
}

void early_init(struct early *e, void *base, size_t bytes)
{
	ASSERT(base != NULL && bytes != 0);
	ASSERT(bytes < EARLY_CLOSED && bytes - 1 <= UINTPTR_MAX - (uintptr_t)base);
	*e = (struct early){ .base = base, .bytes = bytes };
}

/* What a block takes from `used` on, padding included; 0: there is no room for it. */
static size_t early_takes(const struct early *e, size_t used, size_t bytes, size_t align)
{
	ASSERT(used <= e->bytes);
	const size_t room = e->bytes - used;
	const size_t padding = early_padding((uintptr_t)e->base + used, align);

	if (padding > room || bytes > room - padding) return 0;
	return padding + bytes;
}

void *early_alloc(struct early *e, size_t bytes, size_t align)
{
	uint64_t was;
	size_t takes;

	ASSERT(is_power_of_two(align));
	if (bytes == 0) return NULL;
	do {
		was = atomic_load_u64(&e->used);
		if ((was & EARLY_CLOSED) != 0) return NULL;
		takes = early_takes(e, (size_t)was, bytes, align);
		if (takes == 0) return NULL;
	} while (!atomic_change_u64(&e->used, was, was + takes));
	atomic_fetch_add_u32(&e->blocks, 1);
	uint8_t *block = e->base + was + takes - bytes;
	ASSERT(is_aligned((uintptr_t)block, align));
	memset(block, 0, bytes);
	return block;
}

size_t early_close(struct early *e, void **rest)
{
	uint64_t was;

	do {
		was = atomic_load_u64(&e->used);
		ASSERT((was & EARLY_CLOSED) == 0 && was <= e->bytes);
	} while (!atomic_change_u64(&e->used, was, was | EARLY_CLOSED));

	const size_t room = e->bytes - (size_t)was;
	const size_t padding = early_padding((uintptr_t)e->base + was, PAGE_SIZE);
	const size_t given = padding > room ? 0 : (size_t)align_down(room - padding, PAGE_SIZE);
	*rest = given == 0 ? NULL : e->base + was + padding;
	return given;
}

bool early_owns(const struct early *e, const void *p)
{
	return (uintptr_t)p - (uintptr_t)e->base < early_used(atomic_load_u64(&e->used));
}

bool early_release(struct early *e, const void *p)
{
	ASSERT(early_owns(e, p));
	const uint32_t before = atomic_fetch_add_u32(&e->released, 1);
	if (before < atomic_load_u32(&e->blocks)) return true;
	atomic_fetch_add_u32(&e->released, UINT32_MAX); /* back by one: it was never a block's */
	return false;
}
