/*
 * space_model_remap.c -- mremap, as Linux 6.1's mm/mremap.c has it.
 *
 * A fixed one unmaps its target, and what is too much of the old range, before it looks whether the
 * rest of the old range is there: when it is not, both are gone all the same.
 *
 * Locks: none.  Cost: a few loads for each page of the range.
 */
#include "fuzz/space_model_inside.h"

/* Whether two neighbouring pages may be one region. */
static bool same_region(const struct model_page *a, const struct model_page *b)
{
	const uint8_t kept = MODEL_MAPPED | MODEL_SHARED | MODEL_NO_FORK | MODEL_WIPE;

	return (a->flags & kept) == (b->flags & kept) && a->rights == b->rights &&
	       a->object == b->object &&
	       (a->object == MODEL_NO_OBJECT || a->offset + 1 == b->offset);
}

/* Pages from `page` to the end of its region: at least (of one piece), or at most. */
static uint32_t region_rest(const struct space_model *m, uint32_t space, uint32_t page, bool least)
{
	const struct model_page *p = &m->space[space].page[page];
	uint32_t n = 1;

	while (page + n < WINDOW_PAGES && same_region(&p[n - 1], &p[n]) &&
	       (!least || p[n].piece == p[0].piece))
		n++;
	return n;
}

/* Moves `pages` pages from one place to another that is free, and makes it `new_pages` long. */
static void move_pages(struct space_model *m, uint32_t space, uint32_t from, uint32_t pages,
		       uint32_t to, uint32_t new_pages, bool keep)
{
	struct model_page *p = m->space[space].page;
	const struct model_page like = p[from];
	const uint16_t piece = ++m->pieces;

	for (uint32_t n = 0; n < new_pages; n++) {
		if (n < pages) {
			p[to + n] = p[from + n];
		} else {
			p[to + n] = like;
			p[to + n].offset = (uint16_t)(like.offset + n);
			forget_own(&p[to + n]);
		}
		p[to + n].piece = piece;
	}
	for (uint32_t n = 0; n < pages; n++) {
		if (!keep) {
			memset(&p[from + n], 0, sizeof(p[from + n]));
			continue;
		}
		forget_own(&p[from + n]);
		p[from + n].piece = (uint16_t)(piece + 1);
	}
	m->pieces++;
}

static int64_t remap_faults(const struct space_call *call)
{
	const uint32_t flags = call->flags;

	if (flags & ~(uint32_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -ERR_INVAL;
	if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE)) return -ERR_INVAL;
	if ((flags & MREMAP_DONTUNMAP) &&
	    (!(flags & MREMAP_MAYMOVE) || call->length != call->new_length))
		return -ERR_INVAL;
	if (!is_aligned(call->addr, PAGE_SIZE)) return -ERR_INVAL;
	return align_up(call->new_length, PAGE_SIZE) == 0 ? -ERR_INVAL : 0;
}

/* What vma_to_resize() refuses. */
static int64_t resize_fault(struct space_model *m, const struct space_call *call,
			    uint64_t old_length, int64_t actual)
{
	const uint32_t page = page_of(call->addr);
	const struct model_page *p = &m->space[call->space].page[page];

	if (!(p->flags & MODEL_MAPPED)) return -ERR_FAULT; /* by the unmapping of the target */
	if (old_length == 0 && !(p->flags & MODEL_SHARED)) return -ERR_INVAL;
	const uint64_t pages = old_length >> PAGE_SHIFT;
	if (pages > region_rest(m, call->space, page, false)) return -ERR_FAULT;
	if (pages <= region_rest(m, call->space, page, true)) return 0;
	m->open = true;
	return actual == -ERR_FAULT ? -ERR_FAULT : 0;
}

static int64_t remap_to(struct space_model *m, const struct space_call *call, uint64_t old_length,
			uint64_t new_length, int64_t actual)
{
	const bool fixed = (call->flags & MREMAP_FIXED) != 0;

	if (!is_aligned(call->new_addr, PAGE_SIZE)) return -ERR_INVAL;
	if (new_length > USER_END || call->new_addr > USER_END - new_length) return -ERR_INVAL;
	if (call->addr + old_length > call->new_addr && call->new_addr + new_length > call->addr)
		return -ERR_INVAL;
	if (fixed) {
		const int64_t done = model_munmap(m, call->space, call->new_addr, new_length);
		if (done != 0) return done;
	}
	if (old_length > new_length) {
		const int64_t done = model_munmap(m, call->space, call->addr + new_length,
						  old_length - new_length);
		if (done != 0) return done;
		old_length = new_length;
	}
	const int64_t fault = resize_fault(m, call, old_length, actual);
	if (fault != 0) return fault;
	const int64_t at = model_place(m, call->space, call->new_addr, new_length, fixed);
	if (at < 0) return at;
	move_pages(m, call->space, page_of(call->addr), (uint32_t)(old_length >> PAGE_SHIFT),
		   page_of((uint64_t)at), (uint32_t)(new_length >> PAGE_SHIFT),
		   (call->flags & MREMAP_DONTUNMAP) != 0);
	return at;
}

static int64_t remap_grow(struct space_model *m, const struct space_call *call, uint64_t old_length,
			  uint64_t new_length)
{
	const uint32_t page = page_of(call->addr), old = (uint32_t)(old_length >> PAGE_SHIFT);
	const uint64_t more = (new_length - old_length) >> PAGE_SHIFT;

	if (page + old + more <= WINDOW_PAGES &&
	    !model_any_mapped(m, call->space, page + old, (uint32_t)more)) {
		const struct model_page like = *page_in(m, call->space, page + old - 1);
		for (uint32_t n = 0; n < more; n++) {
			struct model_page *p = page_in(m, call->space, page + old + n);
			*p = like;
			p->offset = (uint16_t)(like.offset + n + 1);
			forget_own(p);
		}
		return (int64_t)call->addr;
	}
	if (!(call->flags & MREMAP_MAYMOVE)) return -ERR_NOMEM;
	const int64_t at = model_place(m, call->space, 0, new_length, false);
	if (at < 0) return at;
	move_pages(m, call->space, page, old, page_of((uint64_t)at),
		   (uint32_t)(new_length >> PAGE_SHIFT), false);
	return at;
}

int64_t model_mremap(struct space_model *m, const struct space_call *call, int64_t actual)
{
	const uint64_t old_length = align_up(call->length, PAGE_SIZE);
	const uint64_t new_length = align_up(call->new_length, PAGE_SIZE);

	int64_t fault = remap_faults(call);
	if (fault != 0) return fault;
	if (!is_inside(call->addr) || !mapped(m, call->space, page_of(call->addr)))
		return -ERR_FAULT;
	if (call->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(m, call, old_length, new_length, actual);
	if (old_length >= new_length) {
		if (old_length == new_length) return (int64_t)call->addr;
		fault = model_munmap(m, call->space, call->addr + new_length,
				     old_length - new_length);
		return fault != 0 ? fault : (int64_t)call->addr;
	}
	fault = resize_fault(m, call, old_length, actual);
	return fault != 0 ? fault : remap_grow(m, call, old_length, new_length);
}
