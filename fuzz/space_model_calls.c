/*
 * space_model_calls.c -- what memory calls answer, all but mremap.
 *
 * Every rule here is written from what Linux 6.1 does (mm/mmap.c, mm/mprotect.c, mm/madvise.c,
 * mm/mincore.c), and was put to the booted one (linux/), page by page over arrays.  A call is
 * judged first and applied after, except where Linux itself has changed something when it finds an
 * error: mprotect changes what lies before a hole, and madvise goes on behind one.
 *
 * Ranges given in bytes are checked before they become pages, so nothing is ever out of its array
 * (space_script.c's P1).
 *
 * Locks: none.  Cost: a call over n pages some 10 n; finding a place 512.
 */
#include "fuzz/space_model_inside.h"

/* First page of the highest place for so many, or WINDOW_PAGES. */
static uint32_t highest_gap(const struct space_model *m, uint32_t space, uint64_t pages)
{
	uint32_t free = 0;

	for (uint32_t p = WINDOW_PAGES; p-- > 0;) {
		free = mapped(m, space, p) ? 0 : free + 1;
		if (free == pages) return p;
	}
	return WINDOW_PAGES;
}

/* --- mmap ------------------------------------------------------------------------------------- */

/* Where a new mapping of `length` bytes, whole pages, goes; or an error. */
int64_t model_place(const struct space_model *m, uint32_t space, uint64_t hint, uint64_t length,
		    bool fixed)
{
	if (length > USER_END) return -ERR_NOMEM;
	if (fixed) {
		if (hint > USER_END - length) return -ERR_NOMEM;
		if (!is_aligned(hint, PAGE_SIZE)) return -ERR_INVAL;
		return hint < LOWEST_ADDRESS ? -ERR_PERM : (int64_t)hint;
	}
	hint = align_down(hint, PAGE_SIZE);
	if (is_inside(hint) && length <= WINDOW_END - hint &&
	    !model_any_mapped(m, space, page_of(hint), (uint32_t)(length >> PAGE_SHIFT)))
		return (int64_t)hint;
	const uint32_t page = highest_gap(m, space, length >> PAGE_SHIFT);
	return page == WINDOW_PAGES ? -ERR_NOMEM : (int64_t)address_of(page);
}

/* Whether there may be a mapping of this kind, wherever it is. */
static int64_t judge_kind(const struct space_call *call)
{
	/* What MAP_SHARED_VALIDATE, unlike the others, looks at. */
	const uint32_t refused = MAP_UNKNOWN | MAP_FIXED_NOREPLACE;
	const uint32_t type = call->flags & MAP_TYPE;

	if (!call->backed) return type == MAP_PRIVATE || type == MAP_SHARED ? 0 : -ERR_INVAL;
	if (type == MAP_SHARED_VALIDATE && (call->flags & refused)) return -ERR_OPNOTSUPP;
	if (type == 0 || type > MAP_SHARED_VALIDATE) return -ERR_INVAL;
	return (call->flags & MAP_GROWSDOWN) ? -ERR_INVAL : 0;
}

static struct model_page new_page(const struct space_call *call, uint8_t object, uint32_t n,
				  uint16_t piece)
{
	return (struct model_page){
		.flags = (uint8_t)(MODEL_MAPPED | ((call->flags & MAP_SHARED) ? MODEL_SHARED : 0)),
		.rights = (uint8_t)(call->prot & PROT_ALL),
		.object = object,
		.offset = (uint16_t)((call->backed ? call->offset_page : 0) + n),
		.piece = piece,
	};
}
static int64_t model_mmap(struct space_model *m, const struct space_call *call)
{
	const bool fixed = (call->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
	const uint64_t length = align_up(call->length, PAGE_SIZE);
	uint8_t object = MODEL_NO_OBJECT;

	if (call->length == 0) return -ERR_INVAL;
	if (length == 0) return -ERR_NOMEM;
	const int64_t at = model_place(m, call->space, call->addr, length, fixed);
	if (at < 0) return at;
	const uint32_t first = page_of((uint64_t)at), pages = (uint32_t)(length >> PAGE_SHIFT);
	if ((call->flags & MAP_FIXED_NOREPLACE) && model_any_mapped(m, call->space, first, pages))
		return -ERR_EXIST;
	const int64_t wrong = judge_kind(call);
	if (wrong != 0) return wrong;
	if (call->backed)
		object = (uint8_t)call->source;
	else if ((call->flags & MAP_TYPE) == MAP_SHARED)
		object = model_object_new(m, pages);
	if (object == MODEL_NO_OBJECT && (call->flags & MAP_TYPE) == MAP_SHARED)
		return MODEL_DOES_NOT_KNOW;
	m->pieces++;
	for (uint32_t n = 0; n < pages; n++) {
		struct model_page *p = page_in(m, call->space, first + n);
		*p = new_page(call, object, n, m->pieces);
		if (call->flags & MAP_POPULATE)
			model_touch(m, p, (call->prot & PROT_WRITE) && !(p->flags & MODEL_SHARED));
	}
	return at;
}

/* --- munmap, mprotect ------------------------------------------------------------------------- */

int64_t model_munmap(struct space_model *m, uint32_t space, uint64_t addr, uint64_t length)
{
	if (!is_aligned(addr, PAGE_SIZE) || addr > USER_END || length > USER_END - addr)
		return -ERR_INVAL;
	if (length == 0) return -ERR_INVAL;
	if (is_inside(addr))
		model_clear(m, space, page_of(addr),
			    (uint32_t)(align_up(length, PAGE_SIZE) >> PAGE_SHIFT));
	return 0;
}

#define NO_PIECE UINT32_MAX

/* A page that a call changed is of another piece than before, and still not of its neighbour's
 * where it was not.  *last: the number its neighbour below had. */
static void renumber(struct space_model *m, struct model_page *p, uint32_t *last)
{
	if (p->piece != *last) m->pieces++;
	*last = p->piece;
	p->piece = m->pieces;
}

/* What mprotect answers when asked to go as far as a region that grows: there is none. */
static int64_t judge_growing(const struct space_model *m, const struct space_call *call,
			     uint64_t end)
{
	uint64_t at = call->addr;

	if (call->prot & PROT_GROWSDOWN)
		while (at + PAGE_SIZE < end && !mapped(m, call->space, page_of(at)))
			at += PAGE_SIZE;
	return mapped(m, call->space, page_of(at)) ? -ERR_INVAL : -ERR_NOMEM;
}

static int64_t model_mprotect(struct space_model *m, const struct space_call *call)
{
	const uint64_t end = call->addr + align_up(call->length, PAGE_SIZE);
	const uint32_t grows = call->prot & (PROT_GROWSDOWN | PROT_GROWSUP);

	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP)) return -ERR_INVAL;
	if (!is_aligned(call->addr, PAGE_SIZE)) return -ERR_INVAL;
	if (call->length == 0) return 0;
	if (end <= call->addr) return -ERR_NOMEM;
	if (call->prot & ~(uint32_t)(PROT_ALL | PROT_SEM | grows)) return -ERR_INVAL;
	if (!is_inside(call->addr)) return -ERR_NOMEM;
	if (grows != 0) return judge_growing(m, call, end);
	uint32_t last = NO_PIECE;
	for (uint64_t at = call->addr; at < end; at += PAGE_SIZE) {
		struct model_page *p = page_in(m, call->space, page_of(at));
		if (!(p->flags & MODEL_MAPPED)) return -ERR_NOMEM;
		p->rights = (uint8_t)(call->prot & PROT_ALL);
		renumber(m, p, &last);
	}
	return 0;
}

/* --- madvise, mincore, brk -------------------------------------------------------------------- */

/* One page of a range that is advised; an error ends the call there. */
static int64_t advise_page(struct space_model *m, struct model_page *p, int advice)
{
	switch (advice) {
	case MADV_DONTNEED: forget_content(p); return 0;
	case MADV_FREE:
		if (!anonymous(p)) return -ERR_INVAL;
		forget_content(p);
		return 0;
	case MADV_DONTFORK: p->flags |= MODEL_NO_FORK; return 0;
	case MADV_DOFORK: p->flags &= (uint8_t)~MODEL_NO_FORK; return 0;
	case MADV_WIPEONFORK:
		if (!anonymous(p)) return -ERR_INVAL;
		p->flags |= MODEL_WIPE;
		return 0;
	case MADV_KEEPONFORK: p->flags &= (uint8_t)~MODEL_WIPE; return 0;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		if (!(p->rights & (advice == MADV_POPULATE_WRITE ? PROT_WRITE : PROT_READ)))
			return -ERR_INVAL;
		if (!anonymous(p) && p->offset >= m->object[p->object].pages) return -ERR_FAULT;
		model_touch(m, p, advice == MADV_POPULATE_WRITE);
		return 0;
	default: return 0;
	}
}

/* Whether an advice is a property of the region. */
static bool splits(int advice)
{
	return advice <= MADV_SEQUENTIAL || (advice >= MADV_DONTFORK && advice <= MADV_KEEPONFORK);
}

/* Among those that scripts name. */
static bool known(int advice)
{
	switch (advice) {
	case -1:
	case 5:
	case 7:
	case 26:
	case 7777: return false;
	default: return true;
	}
}

static int64_t model_madvise(struct space_model *m, const struct space_call *call)
{
	const uint64_t length = align_up(call->length, PAGE_SIZE), end = call->addr + length;
	int64_t hole = 0;

	if (!known(call->advice)) return -ERR_INVAL;
	if (!is_aligned(call->addr, PAGE_SIZE)) return -ERR_INVAL;
	if (call->length != 0 && length == 0) return -ERR_INVAL;
	if (end < call->addr) return -ERR_INVAL;
	if (end == call->addr) return 0;
	if (!is_inside(call->addr)) return -ERR_NOMEM;
	uint32_t last = NO_PIECE;
	for (uint64_t at = call->addr; at < end; at += PAGE_SIZE) {
		struct model_page *p = page_in(m, call->space, page_of(at));
		if (!(p->flags & MODEL_MAPPED)) {
			hole = -ERR_NOMEM;
			continue;
		}
		const int64_t fault = advise_page(m, p, call->advice);
		if (fault != 0) return fault;
		if (splits(call->advice)) renumber(m, p, &last);
	}
	return hole;
}

static int64_t model_mincore(const struct space_model *m, const struct space_call *call)
{
	if (!is_aligned(call->addr, PAGE_SIZE)) return -ERR_INVAL;
	if (call->length > USER_END || call->addr > USER_END - call->length) return -ERR_NOMEM;
	const uint64_t pages = align_up(call->length, PAGE_SIZE) >> PAGE_SHIFT;
	if (pages != 0 && !is_inside(call->addr)) return -ERR_NOMEM;
	for (uint32_t n = 0; n < pages; n++)
		if (!mapped(m, call->space, page_of(call->addr) + n)) return -ERR_NOMEM;
	return 0;
}

static bool brk_grows(struct space_model *m, struct model_space *s, uint32_t space, uint64_t to)
{
	const uint64_t from = align_up(s->brk, PAGE_SIZE), end = align_up(to, PAGE_SIZE);

	if (end + PAGE_SIZE > WINDOW_END) return false; /* something lies behind the window */
	const uint32_t first = page_of(from), pages = (uint32_t)((end - from) >> PAGE_SHIFT);
	/* One page more than it needs must be free. */
	if (pages != 0 && model_any_mapped(m, space, first, pages + 1)) return false;
	m->pieces++; /* which may or may not join what the heap had */
	for (uint32_t n = 0; n < pages; n++)
		*page_in(m, space, first + n) = (struct model_page){
			.flags = MODEL_MAPPED,
			.rights = PROT_READ | PROT_WRITE,
			.object = MODEL_NO_OBJECT,
			.piece = m->pieces,
		};
	return true;
}

/* Shrinking needs something mapped above the new end, below the old. */
static bool brk_shrinks(struct space_model *m, struct model_space *s, uint32_t space, uint64_t to)
{
	const uint64_t from = align_up(to, PAGE_SIZE), end = align_up(s->brk, PAGE_SIZE);
	const uint32_t first = page_of(from), pages = (uint32_t)((end - from) >> PAGE_SHIFT);

	if (pages == 0) return true;
	if (!model_any_mapped(m, space, first, pages)) return false;
	model_clear(m, space, first, pages);
	return true;
}

static int64_t model_brk(struct space_model *m, const struct space_call *call)
{
	struct model_space *s = &m->space[call->space];
	const uint64_t to = call->addr;

	if (to < address_of(WINDOW_HEAP_PAGE) || to >= USER_END) return (int64_t)s->brk;
	const bool done = to <= s->brk ? brk_shrinks(m, s, call->space, to)
				       : brk_grows(m, s, call->space, to);
	if (done) s->brk = to;
	return (int64_t)s->brk;
}

int64_t space_model_call(struct space_model *m, const struct space_call *call, int64_t actual)
{
	m->open = false;
	switch (call->code) {
	case SPACE_MMAP: return model_mmap(m, call);
	case SPACE_MUNMAP: return model_munmap(m, call->space, call->addr, call->length);
	case SPACE_MPROTECT: return model_mprotect(m, call);
	case SPACE_MREMAP: return model_mremap(m, call, actual);
	case SPACE_MADVISE: return model_madvise(m, call);
	case SPACE_MINCORE: return model_mincore(m, call);
	case SPACE_BRK: return model_brk(m, call);
	default: kpanic(ORACLE_ASSERT, "no call of the model: %u", call->code);
	}
}
