/*
 * space_remap.c -- mremap: longer, shorter, elsewhere.
 *
 * The order of the checks is Linux 6.1's (mm/mremap.c), and so is what an error leaves behind: what
 * stood at the new place of MREMAP_FIXED, and what is cut off a range that gets shorter, is gone
 * before the old place is looked at any further.  Except for these two nothing has changed when the
 * answer is an error.
 *
 * A move first maps every page at its new place too, which is all that can fail for want of memory,
 * and is undone by taking that away again; then come the regions, which cannot fail, and at last
 * the old entries are taken away and the old place is unmapped.  The pages' references are the same
 * before and after: in between a page is mapped twice under one reference, and the lock is held.
 *
 * Always true:
 *   X1  a page that is moved keeps its frame, its rights and its marks;
 *   X2  what is at the old place is invalidated everywhere before the call returns.
 *
 * Locks: the space's.  Cost: O(log regions), and the pages that are moved.
 */
#include "mm/space_inside.h"

struct remap {
	struct space *s;
	uint64_t addr, old_bytes; /* the old place; 0 bytes: what is shared is mapped once more */
	uint64_t to, new_bytes;   /* the new one */
	uint32_t flags;
	bool locked; /* what it grew by is to be brought in */
};

/* --- moving entries -------------------------------------------------------------------------- */

struct move {
	struct space *s;
	uint64_t from, to;
	site_t site;
	struct tlb_batch batch;
};

static bool move_map(void *context, uint64_t va, uint64_t entry)
{
	const struct move *m = context;

	return pagetable_map(&m->s->table, m->to + (va - m->from), entry, 0, m->site) ==
	       PAGETABLE_DONE;
}

/* Away, and nothing else: the page is mapped elsewhere. */
static bool move_clear(void *context, uint64_t va, uint64_t entry)
{
	struct move *m = context;
	const uint64_t was = pagetable_clear(&m->s->table, va, &m->batch);

	ASSERT(was == entry);
	(void)was;
	return true;
}

static void move_clear_all(struct move *m, uint64_t from, uint64_t bytes)
{
	batch_begin(&m->batch, &m->s->table);
	pagetable_visit(&m->s->table, from, from + bytes, move_clear, m);
	batch_end(&m->batch);
}

/* --- moving regions -------------------------------------------------------------------------- */

/* What the region at the new place is to be. */
static struct region remap_describe(const struct remap *m, const struct region *r)
{
	struct region like = *r;

	like.start = m->to;
	like.end = m->to + m->new_bytes;
	like.offset += pages_of(m->addr - r->start);
	/* Nothing of its own yet: as if it had been there from the start. */
	if (r->backing == NULL && r->family == 0) like.offset = pages_of(m->to);
	return like;
}

/* The old place stays, without its pages (MREMAP_DONTUNMAP), and not locked in memory: cut out of a
 * region that is.  `now` is what the new place is in. */
static void remap_keep_old(const struct remap *m, const struct region *now,
			   struct region_spares *cuts) REQUIRES(&m->s->lock)
{
	struct space *s = m->s;
	struct region *r = region_at_or_above(&s->regions, m->addr);

	if (r->flags & REGION_LOCKED) {
		r = space_region_isolate(s, r, m->addr, m->addr + m->old_bytes, cuts);
		ASSERT(r != NULL); /* there is room for three more: remap_move_locked */
		r->flags &= (uint16_t)~REGION_LOCKED;
	}
	if (r == now || r->start != m->addr || r->end != m->addr + m->old_bytes) return;
	r->family = 0;
	r->flags &= (uint16_t)~REGION_INHERITED;
}

/* Whether what is moved would join what it is taken from, which stays: Linux joins it to nothing
 * then, as the booted one shows. */
static bool remap_meets_itself(const struct remap *m, const struct region *like)
{
	const struct region *r = region_at_or_above(&m->s->regions, m->addr);

	return (m->flags & MREMAP_DONTUNMAP) != 0 &&
	       (region_joins(r, like) || region_joins(like, r));
}

/* After every page has been mapped at the new place.  `fresh` is used or freed. */
static void remap_regions(struct remap *m, const struct region *like, struct region *fresh,
			  struct region_spares *cuts) REQUIRES(&m->s->lock)
{
	struct space *s = m->s;
	struct region *now = remap_meets_itself(m, like) ? NULL : space_region_join(s, like);

	if (now == NULL) {
		now = fresh;
		space_region_copy(now, like);
		region_insert(&s->regions, now);
	} else {
		space_region_free(s, fresh);
	}
	ASSERT(now->start <= m->to && m->to + m->new_bytes <= now->end);
	s->mapped += pages_of(m->new_bytes);
	if (m->flags & MREMAP_DONTUNMAP) {
		remap_keep_old(m, now, cuts);
	} else if (m->old_bytes != 0) {
		space_unmap_with_locked(s, m->addr, m->addr + m->old_bytes, cuts->at[0]);
		cuts->at[0] = NULL;
	}
}

/* Moves what is in `r` at addr; every other check has been made. */
static int64_t remap_move_locked(struct remap *m, const struct region *r) REQUIRES(&m->s->lock)
{
	struct space *s = m->s;
	ASSERT(r->start <= m->addr && m->old_bytes <= r->end - m->addr);
	ASSERT(m->old_bytes <= m->new_bytes);
	struct move move = { .s = s, .from = m->addr, .to = m->to, .site = r->site };
	const bool whole = r->start == m->addr && r->end == m->addr + m->old_bytes;

	if (s->regions.count + 3 >= s->vm->regions_max) return -ERR_NOMEM;
	struct region *fresh = space_region_alloc(s, r->site);
	if (fresh == NULL) return -ERR_NOMEM;
	struct region_spares cuts;
	const bool spared = space_spares_alloc(s, &cuts, whole ? 0 : 2, r->site);
	if (!spared ||
	    !pagetable_visit(&s->table, m->addr, m->addr + m->old_bytes, move_map, &move)) {
		move_clear_all(&move, m->to, m->new_bytes);
		space_spares_free(s, &cuts);
		space_region_free(s, fresh);
		return -ERR_NOMEM;
	}
	move_clear_all(&move, m->addr, m->old_bytes); /* X2 */
	const struct region like = remap_describe(m, r);
	m->locked = (like.flags & REGION_LOCKED) != 0 && (m->flags & MREMAP_DONTUNMAP) == 0;
	remap_regions(m, &like, fresh, &cuts);
	space_spares_free(s, &cuts);
	return (int64_t)m->to;
}

/* --- the kinds of remap ---------------------------------------------------------------------- */

/* The region that addr is in, or NULL. */
static struct region *remap_region(const struct remap *m)
{
	struct region *r = region_at_or_above(&m->s->regions, m->addr);

	return r != NULL && r->start <= m->addr ? r : NULL;
}

/* Whether what is in `r` may become as long as it is to be. */
static int64_t remap_check_size(const struct remap *m, const struct region *r)
{
	if (r == NULL) return -ERR_FAULT;
	if (m->old_bytes == 0 && (r->flags & REGION_SHARED) == 0) return -ERR_INVAL;
	if (m->old_bytes > r->end - m->addr) return -ERR_FAULT;
	if (m->new_bytes == m->old_bytes) return 0;
	const uint64_t more = pages_of(m->new_bytes - m->old_bytes);
	if (space_is_data(r->rights, r->flags) && !space_data_may_grow(m->s, more))
		return -ERR_NOMEM;
	return space_may_grow(m->s, more) ? 0 : -ERR_NOMEM;
}

/* To a new place that is fixed, or without unmapping the old one. */
static int64_t remap_to_locked(struct remap *m) REQUIRES(&m->s->lock)
{
	struct space *s = m->s;
	const uint32_t place = (m->flags & MREMAP_FIXED) != 0 ? MAP_FIXED : 0;
	int64_t answer = 0;

	if (!is_aligned(m->to, PAGE_SIZE)) return -ERR_INVAL;
	if (m->new_bytes > USER_END || m->to > USER_END - m->new_bytes) return -ERR_INVAL;
	if (m->addr + m->old_bytes > m->to && m->to + m->new_bytes > m->addr) return -ERR_INVAL;
	if (s->regions.count + 5 >= s->vm->regions_max) return -ERR_NOMEM;
	if (place != 0) answer = space_unmap_checked_locked(s, m->to, m->new_bytes);
	if (answer != 0) return answer;
	if (m->old_bytes > m->new_bytes) {
		answer = space_unmap_checked_locked(s, m->addr + m->new_bytes,
						    m->old_bytes - m->new_bytes);
		if (answer != 0) return answer;
		m->old_bytes = m->new_bytes;
	}
	const struct region *r = remap_region(m);
	answer = remap_check_size(m, r);
	if (answer != 0) return answer;
	if ((m->flags & MREMAP_DONTUNMAP) != 0 && !space_may_grow(s, pages_of(m->old_bytes)))
		return -ERR_NOMEM;
	answer = space_place_locked(s, m->to, m->new_bytes, place);
	if (answer < 0) return answer;
	m->to = (uint64_t)answer;
	return remap_move_locked(m, r);
}

/* Whether the range can become longer where it is. */
static bool remap_may_extend(const struct remap *m, const struct region *r)
{
	const struct region *above = region_next(r);
	uint64_t end;

	if (m->old_bytes != r->end - m->addr) return false;
	if (!add_fits(m->addr, m->new_bytes, &end) || end > USER_END) return false;
	return above == NULL || above->start >= end;
}

static int64_t remap_extend_locked(struct remap *m, const struct region *r) REQUIRES(&m->s->lock)
{
	struct region like = *r;

	ASSERT(m->old_bytes < m->new_bytes && m->addr + m->old_bytes == r->end);
	like.start = r->end;
	like.end = m->addr + m->new_bytes;
	like.offset += pages_of(r->end - r->start);
	m->s->mapped += pages_of(like.end - like.start);
	m->to = m->addr;
	m->locked = (r->flags & REGION_LOCKED) != 0;
	const struct region *now = space_region_join(m->s, &like);
	ASSERT(now != NULL && now->start <= m->addr); /* it is like itself */
	(void)now;
	return (int64_t)m->addr;
}

static int64_t remap_grow_locked(struct remap *m) REQUIRES(&m->s->lock)
{
	const struct region *r = remap_region(m);
	const int64_t wrong = remap_check_size(m, r);

	if (wrong != 0) return wrong;
	if (remap_may_extend(m, r)) return remap_extend_locked(m, r);
	if ((m->flags & MREMAP_MAYMOVE) == 0) return -ERR_NOMEM;
	const int64_t place = space_place_locked(m->s, 0, m->new_bytes, 0);
	if (place < 0) return place;
	m->to = (uint64_t)place;
	return remap_move_locked(m, r);
}

static int64_t remap_locked(struct remap *m) REQUIRES(&m->s->lock)
{
	if (remap_region(m) == NULL) return -ERR_FAULT;
	if (m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) return remap_to_locked(m);
	if (m->old_bytes < m->new_bytes) return remap_grow_locked(m);
	if (m->old_bytes == m->new_bytes) return (int64_t)m->addr;
	const int64_t answer = space_unmap_checked_locked(m->s, m->addr + m->new_bytes,
							  m->old_bytes - m->new_bytes);
	return answer != 0 ? answer : (int64_t)m->addr;
}

/* --- the call -------------------------------------------------------------------------------- */

static bool remap_flags_are_sound(uint32_t flags, uint64_t old_length, uint64_t new_length)
{
	if (flags & ~(uint32_t)(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP)) return false;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0) return true;
	if ((flags & MREMAP_MAYMOVE) == 0) return false;
	return (flags & MREMAP_DONTUNMAP) == 0 || old_length == new_length;
}

int64_t space_mremap(struct space *s, uint64_t addr, uint64_t old_length, uint64_t new_length,
		     uint32_t flags, uint64_t new_addr)
{
	struct remap m = {
		.s = s,
		.addr = space_untag(addr),
		.old_bytes = align_up(old_length, PAGE_SIZE),
		.to = new_addr,
		.new_bytes = align_up(new_length, PAGE_SIZE),
		.flags = flags,
	};
	const uint64_t old_bytes = m.old_bytes;

	if (!remap_flags_are_sound(flags, old_length, new_length)) return -ERR_INVAL;
	if (!is_aligned(m.addr, PAGE_SIZE) || m.new_bytes == 0) return -ERR_INVAL;
	const mach_irq_t was = lock_take(&s->lock);
	const int64_t answer = remap_locked(&m);
	lock_drop(&s->lock, was);
	if (answer > 0 && m.locked && m.new_bytes > old_bytes)
		space_populate(s, m.to + old_bytes, m.to + m.new_bytes);
	return answer;
}
