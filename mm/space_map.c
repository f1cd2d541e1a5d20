/*
 * space_map.c -- mmap.
 *
 * The order of the checks is Linux 6.1's (do_mmap and mmap_region, mm/mmap.c), which a caller can
 * see where two things are wrong at once: length, number of regions, place, MAP_FIXED_NOREPLACE,
 * kind of mapping, limit on pages.  What is not looked at is not refused: unknown bits of rights
 * and flags are without effect, except with MAP_SHARED_VALIDATE.
 *
 * A new mapping first tries to become part of its neighbours (space_region.c).  Where it replaces
 * something the memory for its region is there before that is taken away; afterwards nothing can
 * fail.  Memory is not promised to anybody: any length is granted that has a place (Linux's
 * vm.overcommit_memory 1).  There are no huge pages: MAP_HUGETLB finds none left.
 *
 * Always true:
 *   M1  when the answer is an error nothing has changed;
 *   M2  a region's backing is held by it; shared anonymous memory has a backing of its own.
 *
 * Locks: the space's.  Cost: O(log regions), and what is replaced or populated.
 */
#include "mm/space_inside.h"

/* What MAP_SHARED_VALIDATE takes (Linux's LEGACY_MAP_MASK); the highest bits say how huge. */
static const uint32_t map_known = MAP_SHARED_VALIDATE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN |
				  MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE |
				  MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |
				  0x7c000000u;

/* A backing's last byte has an offset below this (Linux's MAX_LFS_FILESIZE). */
#define BACKING_BYTES_MAX INT64_MAX

struct mapping {
	uint64_t addr, bytes;
	uint64_t offset; /* bytes */
	uint32_t prot, flags;
	bool taken;              /* something is there that it replaces */
	struct backing *backing; /* the caller's; NULL: anonymous */
	const struct space_file *file;
	site_t site;
};

/* --- may it be? ------------------------------------------------------------------------------ */

static int64_t map_check_backed(const struct mapping *m)
{
	const uint32_t type = m->flags & MAP_TYPE;

	if (m->bytes > BACKING_BYTES_MAX || m->offset > BACKING_BYTES_MAX - m->bytes)
		return -ERR_OVERFLOW;
	if (type == MAP_SHARED_VALIDATE && (m->flags & ~map_known) != 0) return -ERR_OPNOTSUPP;
	if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
		return -ERR_INVAL;
	if (m->file->error != 0) return m->file->error;
	return (m->flags & MAP_GROWSDOWN) != 0 ? -ERR_INVAL : 0;
}

static int64_t map_check_kind(const struct mapping *m)
{
	const uint32_t type = m->flags & MAP_TYPE;

	if (m->file != NULL) return map_check_backed(m);
	if (type == MAP_PRIVATE) return 0;
	if (type != MAP_SHARED || (m->flags & MAP_GROWSDOWN) != 0) return -ERR_INVAL;
	return 0;
}

static bool map_is_free(const struct space *s, uint64_t from, uint64_t end)
{
	const struct region *r = region_at_or_above(&s->regions, from);

	return r == NULL || r->start >= end;
}

/* Pages of regions in [from, end). */
static uint64_t map_count_pages(const struct space *s, uint64_t from, uint64_t end)
{
	uint64_t pages = 0;

	for (const struct region *r = region_at_or_above(&s->regions, from);
	     r != NULL && r->start < end; r = region_next(r))
		pages += pages_of(min_u64(r->end, end) - max_u64(r->start, from));
	return pages;
}

static uint16_t map_region_flags(const struct mapping *m)
{
	uint16_t flags = 0;

	if (m->flags & MAP_SHARED) flags |= REGION_SHARED;
	if (m->flags & MAP_NORESERVE) flags |= REGION_NORESERVE;
	if (m->flags & MAP_GROWSDOWN) flags |= REGION_GROWS;
	if (m->flags & MAP_LOCKED) flags |= REGION_LOCKED;
	if ((m->flags & (MAP_SHARED | MAP_NORESERVE)) == 0 && (m->prot & PROT_WRITE) != 0)
		flags |= REGION_ACCOUNTED;
	return flags;
}

static bool map_may_grow(const struct space *s, const struct mapping *m, uint64_t pages)
{
	if (!space_may_grow(s, pages)) return false;
	return !space_is_data(m->prot, map_region_flags(m)) || space_data_may_grow(s, pages);
}

static bool map_fits_limit(const struct space *s, const struct mapping *m)
{
	const uint64_t pages = pages_of(m->bytes);

	if (map_may_grow(s, m, pages)) return true;
	return map_may_grow(s, m, pages - map_count_pages(s, m->addr, m->addr + m->bytes));
}

/* All that can be said before anything is allocated; the place is m->addr afterwards. */
static int64_t map_check_locked(struct space *s, struct mapping *m) REQUIRES(&s->lock)
{
	if (s->regions.count > s->vm->regions_max) return -ERR_NOMEM;
	const int64_t place = space_place_locked(s, m->addr, m->bytes, m->flags);
	if (place < 0) return place;
	m->addr = (uint64_t)place;
	m->taken = (m->flags & MAP_FIXED) != 0 && !map_is_free(s, m->addr, m->addr + m->bytes);
	if (m->taken && (m->flags & MAP_FIXED_NOREPLACE) != 0) return -ERR_EXIST;
	const int64_t wrong = map_check_kind(m);
	if (wrong != 0) return wrong;
	return map_fits_limit(s, m) ? 0 : -ERR_NOMEM;
}

/* --- making it ------------------------------------------------------------------------------- */

static struct region map_describe(const struct mapping *m)
{
	struct region like = {
		.start = m->addr,
		.end = m->addr + m->bytes,
		.backing = m->backing,
		.rights = m->prot & PROT_ALL,
		.rights_max = m->file == NULL ? PROT_ALL : (uint8_t)m->file->rights_max,
		.flags = map_region_flags(m),
		.site = m->site,
	};

	if (m->backing != NULL)
		like.offset = pages_of(m->offset);
	else if ((m->flags & MAP_SHARED) == 0)
		like.offset = pages_of(m->addr);
	return like;
}

/* Its neighbours take it in, if they can. */
static bool map_join_locked(struct space *s, const struct region *like) REQUIRES(&s->lock)
{
	if (space_region_join_new(s, like) == NULL) return false;
	s->mapped += pages_of(like->end - like->start);
	ASSERT_SLOW(!map_is_free(s, like->start, like->end));
	return true;
}

static int64_t map_enter_locked(struct space *s, const struct region *like, bool taken)
	REQUIRES(&s->lock)
{
	if (!taken && map_join_locked(s, like)) return 0;
	struct region *r = space_region_alloc(s, like->site);
	if (r == NULL) return -ERR_NOMEM;
	if (taken && space_unmap_locked(s, like->start, like->end) != 0) {
		space_region_free(s, r);
		return -ERR_NOMEM;
	}
	if (taken && map_join_locked(s, like)) {
		space_region_free(s, r);
		return 0;
	}
	space_region_copy(r, like);
	region_insert(&s->regions, r);
	s->mapped += pages_of(like->end - like->start);
	return 0;
}

static int64_t map_locked(struct space *s, struct mapping *m) REQUIRES(&s->lock)
{
	const int64_t wrong = map_check_locked(s, m);
	struct backing *own = NULL;

	if (wrong != 0) return wrong;
	struct region like = map_describe(m);
	ASSERT(is_aligned(m->addr, PAGE_SIZE) && m->addr <= USER_END - m->bytes);
	if (m->backing == NULL && (m->flags & MAP_SHARED) != 0) {
		own = backing_create(s->vm->backings, NULL, pages_of(m->bytes), m->site);
		if (own == NULL) return -ERR_NOMEM;
		like.backing = own;
	}
	const int64_t answer = map_enter_locked(s, &like, m->taken);
	if (own != NULL) backing_drop(own); /* M2: the region holds it, or nobody */
	return answer != 0 ? answer : (int64_t)m->addr;
}

/* Linux's round_hint_to_min: what is too low to be granted is a wish for the lowest. */
static uint64_t map_round_hint(const struct space *s, uint64_t addr)
{
	addr = align_down(addr, PAGE_SIZE);
	return addr != 0 && addr < s->vm->lowest ? align_up(s->vm->lowest, PAGE_SIZE) : addr;
}

int64_t space_mmap(struct space *s, uint64_t addr, uint64_t length, uint32_t prot, uint32_t flags,
		   struct backing *b, uint64_t offset, site_t site)
{
	const struct space_file file = { .backing = b, .rights_max = PROT_ALL };

	ASSERT((flags & MAP_ANONYMOUS) != 0 || b != NULL);
	return space_mmap_file(s, addr, length, prot, flags, &file, offset, site);
}

int64_t space_mmap_file(struct space *s, uint64_t addr, uint64_t length, uint32_t prot,
			uint32_t flags, const struct space_file *file, uint64_t offset, site_t site)
{
	const bool anonymous = (flags & MAP_ANONYMOUS) != 0;

	ASSERT(anonymous || file->backing != NULL || file->error != 0);
	if (!is_aligned(offset, PAGE_SIZE)) return -ERR_INVAL;
	if ((flags & MAP_HUGETLB) != 0 && !anonymous) return -ERR_INVAL;
	if (length == 0) return -ERR_INVAL;
	if ((flags & MAP_HUGETLB) != 0) return -ERR_NOMEM;
	if (flags & MAP_FIXED_NOREPLACE) flags |= MAP_FIXED;
	struct mapping m = {
		.addr = (flags & MAP_FIXED) != 0 ? addr : map_round_hint(s, addr),
		.bytes = align_up(length, PAGE_SIZE),
		.offset = offset,
		.prot = prot,
		.flags = flags,
		.backing = anonymous ? NULL : file->backing,
		.file = anonymous ? NULL : file,
		.site = site,
	};
	if (m.bytes == 0) return -ERR_NOMEM;
	const mach_irq_t was = lock_take(&s->lock);
	const int64_t answer = map_locked(s, &m);
	lock_drop(&s->lock, was);
	const bool now = (flags & MAP_LOCKED) != 0 ||
			 (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	if (answer > 0 && now) space_populate(s, m.addr, m.addr + m.bytes);
	return answer;
}
