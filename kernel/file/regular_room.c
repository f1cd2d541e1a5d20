/*
 * regular_room.c -- what a regular file has where: data and holes, pages asked for ahead, holes
 * made.
 *
 * A page that is there, or whose bytes are still the initrd's, is data; what is between is a hole.
 * Pages asked for ahead are got and charged at once, so that writing there later cannot fail; they
 * count as data, where Linux still calls them a hole.
 *
 * A hole is made by taking whole pages out of the backing and away from who has them mapped, but
 * for private copies, and by writing zeroes to the pages at its ends.  Where bytes of the initrd
 * are behind a page, zeroes are written, for the page would come back with them.
 *
 * Locks: the file's turn.  Cost: finding data O(holes passed over), a hole O(data passed over);
 * the others each page.
 */
#include "kernel/file/regular_inside.h"

/* --- where data is ---------------------------------------------------------------------------- */

/* The first page from `index` on that is data; below `end`, or `end`. */
static uint64_t next_data(const struct node *n, uint64_t index, uint64_t end)
{
	const struct node_regular *r = &n->regular;
	const uint64_t given = r->given == NULL ? 0 : atomic_load_u64(&r->given->bytes);

	if (index < pages_of_bytes(given)) return index;
	return r->backing == NULL ? end : min_u64(backing_next(r->backing, index), end);
}

static uint64_t next_hole(const struct node *n, uint64_t index, uint64_t end)
{
	while (index < end && next_data(n, index, end) == index) index++;
	return index;
}

int64_t regular_seek(struct file *f, int64_t offset, unsigned whence)
{
	struct node *n = f->node;

	if (whence <= WHENCE_END || whence > WHENCE_HOLE) return file_seek_plain(f, offset, whence);
	if (!file_turn_take(f->world, &n->regular.turn)) return -ERR_INTR;
	const uint64_t size = n->size, from = (uint64_t)offset, end = pages_of_bytes(size);
	uint64_t to = size;
	if (offset >= 0 && from < size) {
		const uint64_t index = from >> PAGE_SHIFT;
		const uint64_t found =
			whence == WHENCE_DATA ? next_data(n, index, end) : next_hole(n, index, end);
		to = min_u64(max_u64(from, found << PAGE_SHIFT), size);
	}
	file_turn_end(f->world, &n->regular.turn);
	if (offset < 0 || from >= size) return -ERR_NXIO;
	return whence == WHENCE_DATA && to == size ? -ERR_NXIO : (int64_t)to;
}

/* --- pages ahead ------------------------------------------------------------------------------ */

static int room_get(struct node *n, uint64_t offset, uint64_t end)
{
	paddr_t pa;
	int error = 0;

	for (uint64_t i = offset >> PAGE_SHIFT; i < pages_of_bytes(end) && error == 0; i++) {
		error = regular_page(n, i, &pa);
		if (error == 0) user_page_drop(world_of(n)->vm->pages, pa);
	}
	if (error == 0 && end > n->size) {
		atomic_store_u64(&n->size, end);
	} else if (error != 0) {
		regular_shorten(n, pages_of_bytes(n->size));
		regular_recharge(n);
	}
	return error;
}

/* --- holes ------------------------------------------------------------------------------------ */

static bool page_out(struct node *n, uint64_t index)
{
	const struct node_regular *r = &n->regular;
	struct vm *vm = world_of(n)->vm;
	const uint64_t from = index << PAGE_SHIFT;

	if (r->given != NULL && from < r->given->bytes) {
		paddr_t pa;
		if (regular_page(n, index, &pa) != 0) return false;
		user_page_drop(vm->pages, pa);
		return regular_zero(n, from, from + PAGE_SIZE);
	}
	const paddr_t pa = backing_punch(r->backing, index);
	ASSERT(pa != PADDR_NONE);
	vm_unmap(vm, r->backing, index, index + 1, pa);
	user_page_drop(vm->pages, pa);
	return true;
}

static int room_end(struct node *n, uint64_t offset, uint64_t end)
{
	const uint64_t first = pages_of_bytes(offset), last = end >> PAGE_SHIFT;
	bool done = true;

	if (offset >= end) return 0;
	if (first > last) { /* within one page */
		done = regular_zero(n, offset, end);
	} else {
		done = regular_zero(n, offset, first << PAGE_SHIFT) &&
		       regular_zero(n, last << PAGE_SHIFT, end);
		uint64_t i = next_data(n, first, last);
		for (; i < last && done; i = next_data(n, i + 1, last)) done = page_out(n, i);
	}
	regular_recharge(n);
	return done ? 0 : -ERR_NOMEM;
}

/* --- the call --------------------------------------------------------------------------------- */

int node_room(struct node *n, enum node_room how, uint64_t offset, uint64_t bytes)
{
	uint64_t end;
	int error;

	if (__builtin_add_overflow(offset, bytes, &end) || end > INT64_MAX) return -ERR_FBIG;
	if (how != ROOM_NONE && pages_of_bytes(end) - (offset >> PAGE_SHIFT) > n->mount->pages_most)
		return -ERR_NOSPC;
	if (how != ROOM_NONE && end > FILE_BYTES_MAX) return -ERR_FBIG;
	if (!file_turn_take(world_of(n), &n->regular.turn)) return -ERR_INTR;
	if (how == ROOM_WITHIN && end > n->size)
		error = -ERR_OPNOTSUPP; /* nothing is behind the end of a file here */
	else if (!regular_own(n))
		error = -ERR_NOMEM;
	else if (how == ROOM_NONE)
		error = room_end(n, offset, min_u64(end, align_up(n->size, PAGE_SIZE)));
	else
		error = room_get(n, offset, end);
	file_turn_end(world_of(n), &n->regular.turn);
	if (error == 0) regular_touched(n);
	return error;
}
