/*
 * space_protect_test.c -- mprotect: parts, spans, holes, pages there and not yet, copy-on-write.
 */
#include "mm/test_calls.h"

static int64_t protect(uint64_t n, uint64_t pages, uint32_t prot)
{
	return space_mprotect(s, at(n), page(pages), prot);
}

static void errors_in_order(void)
{
	begin(64);
	map_at(0, 2, RW, ANON);
	EXPECT(space_mprotect(s, at(0) + 1, 0, PROT_GROWSDOWN | PROT_GROWSUP) == -ERR_INVAL);
	EXPECT(space_mprotect(s, at(0) + 1, 0, RW) == -ERR_INVAL);
	EXPECT(space_mprotect(s, at(0), 0, 0x100) == 0); /* nothing to do comes before bad rights */
	EXPECT(space_mprotect(s, at(0), UINT64_MAX, 0x100) == -ERR_NOMEM);
	EXPECT(space_mprotect(s, at(0), 0 - at(0), RW) == -ERR_NOMEM);
	EXPECT(space_mprotect(s, at(100), page(1), 0x100) == -ERR_INVAL);
	EXPECT(space_mprotect(s, at(100), page(1), RW) == -ERR_NOMEM);
	EXPECT(space_mprotect(s, KERNEL_START, page(1), RW) == -ERR_NOMEM);
	EXPECT(space_mprotect(s, at(0), page(1), RW | PROT_GROWSUP) == -ERR_INVAL);
	EXPECT(space_mprotect(s, at(0), page(1), RW | PROT_GROWSDOWN) == -ERR_INVAL);
	EXPECT(space_mprotect(s, at(0), page(1), RW | PROT_SEM) == 0);
	EXPECT(s->regions.count == 1);
	region_at_or_above(&s->regions, at(0))->rights_max = PROT_READ;
	EXPECT(protect(0, 1, RW | PROT_EXEC) == -ERR_ACCES && protect(0, 1, PROT_READ) == 0);
	finish();
}

/* F13: a part is cut out; F14: what is not there yet comes with the new rights. */
static void parts(void)
{
	begin(64);
	map_at(0, 6, RW, ANON);
	touch(1, 3);
	EXPECT(protect(2, 2, PROT_READ) == 0);
	EXPECT(is_region(0, 0, 2) && is_region(2, 2, 4) && is_region(4, 4, 6));
	EXPECT(!entry_is_writable(entry_at(s, at(2))) && entry_is_writable(entry_at(s, at(1))));
	EXPECT(space_fault(s, at(2), MACH_STORE) == FAULT_NOT_ALLOWED);
	EXPECT(space_fault(s, at(3), MACH_STORE) == FAULT_NOT_ALLOWED);
	EXPECT(space_fault(s, at(3), MACH_LOAD) == FAULT_DONE);
	EXPECT(byte_at(s, at(2)) == 2 && byte_at(s, at(1)) == 1);
	SOUND(s);
	EXPECT(protect(2, 2, RW) == 0 && is_region(0, 0, 6)); /* joined again */
	EXPECT(entry_is_writable(entry_at(s, at(2))));        /* nobody else has that page */
	EXPECT(!entry_is_writable(entry_at(s, at(3))));       /* the page of zeroes */
	set_byte(s, at(3), 3);
	finish();
}

/* Every way in which a part may join what is beside it. */
static void joins(void)
{
	begin(64);
	map_at(0, 2, PROT_READ, ANON);
	map_at(2, 4, RW, ANON);
	map_at(6, 2, PROT_READ, ANON);
	EXPECT(protect(0, 8, RW) == 0 && is_region(0, 0, 8)); /* all are accounted for now */
	EXPECT(protect(0, 2, PROT_READ) == 0 && protect(6, 2, PROT_READ) == 0);
	EXPECT(protect(2, 1, PROT_READ) == 0 && is_region(0, 0, 3) && is_region(3, 3, 6));
	EXPECT(protect(5, 1, PROT_READ) == 0 && is_region(5, 5, 8) && is_region(3, 3, 5));
	EXPECT(protect(3, 2, PROT_READ) == 0 && is_region(3, 0, 8));
	EXPECT(s->regions.count == 1);
	SOUND(s);
	EXPECT(protect(3, 2, PROT_EXEC) == 0 && s->regions.count == 3);
	EXPECT(protect(1, 4, PROT_EXEC) == 0 && is_region(1, 1, 5));
	finish();
}

/* Regions that were never written to are not like those that were (Linux's VM_ACCOUNT). */
static void accounted_stays(void)
{
	begin(64);
	map_at(0, 1, RW, ANON);
	map_at(1, 1, PROT_READ, ANON);
	EXPECT(protect(0, 1, PROT_READ) == 0 && s->regions.count == 2);
	EXPECT(protect(0, 2, RW) == 0 && s->regions.count == 1);
	finish();
}

/* What is not reserved is never accounted for, written to or not. */
static void not_reserved_stays(void)
{
	begin(64);
	map_at(0, 1, RW, ANON | MAP_NORESERVE);
	map_at(1, 1, PROT_READ, ANON | MAP_NORESERVE);
	EXPECT(s->regions.count == 2 && protect(1, 1, RW) == 0 && is_region(0, 0, 2));
	finish();
}

/* What comes before the hole changes, and stays so. */
static void holes(void)
{
	begin(64);
	map_at(0, 2, RW, ANON);
	map_at(3, 2, RW, ANON);
	touch(0, 2);
	EXPECT(protect(1, 4, PROT_READ) == -ERR_NOMEM);
	EXPECT(is_region(0, 0, 1) && is_region(1, 1, 2) && is_region(3, 3, 5));
	EXPECT(!entry_is_writable(entry_at(s, at(1))) && entry_is_writable(entry_at(s, at(0))));
	EXPECT(protect(2, 2, PROT_READ) == -ERR_NOMEM && is_region(3, 3, 5));
	EXPECT(protect(3, 9, PROT_READ) == -ERR_NOMEM);
	EXPECT(region_at_or_above(&s->regions, at(3))->rights == PROT_READ);
	finish();
}

/* Frames stay where nobody may look at them. */
static void no_rights(void)
{
	begin(64);
	map_at(0, 3, RW, ANON);
	touch(0, 2);
	EXPECT(byte_at(s, at(2)) == 0);
	const uint32_t used = pages_used();
	EXPECT(protect(0, 3, PROT_NONE) == 0 && s->resident == 2 && s->zeroes == 1);
	EXPECT((entry_at(s, at(0)) & (ENTRY_HELD | ENTRY_VALID)) == ENTRY_HELD);
	EXPECT(space_fault(s, at(0), MACH_LOAD) == FAULT_NOT_ALLOWED && pages_used() == used);
	SOUND(s);
	EXPECT(protect(0, 3, RW) == 0 && byte_at(s, at(1)) == 1 && byte_at(s, at(2)) == 0);
	EXPECT(protect(0, 3, PROT_NONE) == 0);
	EXPECT(space_munmap(s, at(0), page(3)) == 0 && s->resident == 0 && s->zeroes == 0);
	finish();
}

/* A page that somebody else has is not made writable in place. */
static void copy_on_write(void)
{
	begin(64);
	map_at(0, 2, RW, ANON);
	touch(0, 2);
	struct space *child = space_clone(s, SITE);
	EXPECT(child != NULL && protect(0, 2, PROT_READ) == 0 && protect(0, 2, RW) == 0);
	EXPECT(!entry_is_writable(entry_at(s, at(0))) && references_at(s, at(0)) == 2);
	set_byte(s, at(0), 99);
	EXPECT(byte_at(child, at(0)) == 0 && byte_at(s, at(0)) == 99);
	SOUND(s, child);
	RETIRE(child);
	vm_reclaim(&tv->vm, SIZE_MAX);
	EXPECT(protect(0, 2, PROT_READ) == 0 && protect(0, 2, RW) == 0);
	EXPECT(entry_is_writable(entry_at(s, at(1)))); /* the last owner's */
	finish();
}

/* Private and shared pages of a backing. */
static void backed(void)
{
	begin(64);
	struct backing *b = backing_create(tv->vm.backings, NULL, 4, SITE);

	EXPECT(space_mmap(s, at(0), page(4), PROT_READ, MAP_SHARED, b, 0, SITE) == (int64_t)at(0));
	EXPECT(space_mmap(s, at(8), page(4), PROT_READ, MAP_PRIVATE, b, 0, SITE) == (int64_t)at(8));
	EXPECT(byte_at(s, at(0)) == 0 && byte_at(s, at(8)) == 0);
	EXPECT(protect(0, 4, RW) == 0 && protect(8, 4, RW) == 0);
	EXPECT(entry_is_writable(entry_at(s, at(0))) && !entry_is_writable(entry_at(s, at(8))));
	set_byte(s, at(0), 7);
	EXPECT(byte_at(s, at(8)) == 7); /* not copied yet */
	set_byte(s, at(8), 8);
	EXPECT(byte_at(s, at(0)) == 7);
	backing_drop(b);
	finish();
}

static bool fill_nothing(void *context, uint64_t index, void *page)
{
	(void)context, (void)index;
	memset(page, 0, PAGE_SIZE);
	return true;
}

/* A page that was read from somewhere stays read-only: its backing is to know of the write, or it
 * is taken for what can be read again. */
static void shared_with_a_source(void)
{
	static const struct backing_source source = { .fill = fill_nothing };

	begin(64);
	struct backing *b = backing_create(tv->vm.backings, &source, 4, SITE);

	EXPECT(space_mmap(s, at(0), page(4), PROT_READ, MAP_SHARED, b, 0, SITE) == (int64_t)at(0));
	EXPECT(byte_at(s, at(1)) == 0 && protect(0, 4, RW) == 0);
	EXPECT(!entry_is_writable(entry_at(s, at(1))));
	set_byte(s, at(1), 7);
	EXPECT(protect(0, 4, PROT_READ) == 0 && protect(0, 4, RW) == 0);
	EXPECT(space_munmap(s, at(0), page(4)) == 0);
	vm_reclaim(&tv->vm, SIZE_MAX);
	EXPECT(backing_has(b, 1)); /* not given away: nobody could bring it again */
	backing_drop(b);
	finish();
}

/* Locked in memory means: its own pages, once it may be written to. */
static void locked(void)
{
	begin(64);
	map_at(0, 4, PROT_READ, ANON | MAP_LOCKED);
	EXPECT(s->zeroes == 4 && protect(1, 2, RW) == 0 && s->zeroes == 2 && s->resident == 2);
	EXPECT(protect(1, 2, PROT_READ) == 0 && protect(0, 4, PROT_READ | PROT_EXEC) == 0);
	EXPECT(s->resident == 2);
	finish();
}

static void grows_down(void)
{
	begin(64);
	map_at(10, 4, RW, ANON | MAP_GROWSDOWN);
	EXPECT(space_mprotect(s, at(12), page(1), PROT_READ | PROT_GROWSDOWN) == 0);
	EXPECT(is_region(10, 10, 13) && is_region(13, 13, 14));
	EXPECT(space_mprotect(s, at(8), page(1), PROT_READ | PROT_GROWSDOWN) == -ERR_NOMEM);
	EXPECT(space_mprotect(s, at(8), page(3), RW | PROT_GROWSDOWN) == 0);
	EXPECT(is_region(10, 10, 11) && is_region(11, 11, 13));
	finish();
}

/* Linux leaves the first cut when there may not be a second. */
static void region_limit(void)
{
	begin(64);
	map_at(0, 4, RW, ANON);
	tv->vm.regions_max = 2;
	EXPECT(protect(1, 2, PROT_READ) == -ERR_NOMEM && s->regions.count == 2);
	EXPECT(is_region(0, 0, 1) && region_at_or_above(&s->regions, at(1))->rights == RW);
	EXPECT(protect(1, 3, PROT_READ) == 0 && protect(2, 1, RW) == -ERR_NOMEM);
	finish();
}

/* Without memory for a cut nothing changes. */
static void roll_back(void)
{
	begin(32);
	map_at(0, 6, RW, ANON);
	touch(0, 6);
	use_up_regions();
	const uint32_t count = s->regions.count;
	EXPECT(protect(3, 2, PROT_EXEC) == -ERR_NOMEM && s->regions.count == count);
	EXPECT(entry_is_writable(entry_at(s, at(3))) && byte_at(s, at(4)) == 4);
	EXPECT(protect(0, 6, PROT_READ) == 0); /* needs none */
	SOUND(s);
	free(tv);
}

int main(void)
{
	errors_in_order();
	parts();
	joins();
	accounted_stays();
	not_reserved_stays();
	holes();
	no_rights();
	copy_on_write();
	backed();
	shared_with_a_source();
	locked();
	grows_down();
	region_limit();
	roll_back();
	return 0;
}
