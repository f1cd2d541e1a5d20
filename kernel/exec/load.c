/*
 * load.c -- an ELF file's segments in an address space.
 *
 * Nothing is copied here: each segment is the file's pages, mapped privately, and they come when
 * they are touched.  The one page that holds both the file's end and the beginning of zeroes is
 * touched now, to zero its rest; the pages behind it are anonymous.  Where two segments share a
 * page of memory the later one's mapping counts for the whole page, as on Linux: linkers see to it
 * that the file has the same bytes in both.
 *
 * Always true: what is mapped is what elf_read_segments() has judged (E1 to E3 there), moved by one
 * bias for all, which keeps all of it below USER_END.
 *
 * Locks: none held.  Cost: two calls of mmap a segment, one page copied for each that has zeroes.
 */
#include "kernel/exec/load.h"

#include "mm/mman.h"
#include "mm/usercopy.h"

static struct elf_verdict die(int64_t error, const char *why)
{
	return (struct elf_verdict){ .error = (int)error, .late = true, .why = why };
}

static const struct elf_verdict fine = { .error = 0 };

int64_t load_read(struct file *f, void *to, size_t bytes, uint64_t offset)
{
	const struct io_piece piece = { (uintptr_t)to, bytes };
	struct io io = { .pieces = &piece, .count = 1, .left = bytes };

	if (offset > INT64_MAX - bytes) return -ERR_INVAL;
	return file_read(f, &io, &offset);
}

struct elf_verdict load_judge(struct load *l, const void *head, size_t count)
{
	struct elf_verdict v = elf_read_head(head, count, &l->elf);

	if (v.why != NULL) return v;
	const size_t bytes = l->elf.segments * sizeof(l->segments[0]);
	const int64_t got = load_read(l->file, l->segments, bytes, l->elf.table_offset);
	if (got != (int64_t)bytes)
		return (struct elf_verdict){ -ERR_NOEXEC, false, "its segments cannot be read" };
	return elf_read_segments(&l->elf, l->segments, &l->layout);
}

/* Where nothing is yet, for all segments of a file that can be anywhere.  The place is only looked
 * for: nobody else maps anything into this space. */
static int64_t find_place(struct space *s, const struct elf_layout *layout, site_t site)
{
	const uint64_t bytes = align_up(layout->end - layout->from, PAGE_SIZE);
	const int64_t at =
		space_mmap(s, 0, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, site);

	if (at >= 0 && space_munmap(s, (uint64_t)at, bytes) != 0) return -ERR_NOMEM;
	return at;
}

/* The rest of the page that the file's part ends on.  Where nobody may write to it, or it lies
 * behind the file's end, it stays as it is: so Linux has it. */
static int64_t zero_rest(struct space *s, uint64_t from, uint64_t page)
{
	if (from == page) return 0;
	const enum fault_answer answer = space_fault(s, from, MACH_STORE);
	if (answer == FAULT_NO_MEMORY) return -ERR_NOMEM;
	if (answer == FAULT_DONE && user_fill_zero(s, from, page - from) != 0) return -ERR_NOMEM;
	return 0;
}

/* Zeroes from the file's end on: the rest of its page, then pages of zeroes, which can be written
 * to whatever the segment says (Linux's set_brk). */
static int64_t map_zeroes(struct space *s, const struct elf_piece *piece, uint64_t bias,
			  uint32_t rights, site_t site)
{
	const uint64_t from = piece->zeroes + bias, end = piece->end + bias;
	const uint64_t page = align_up(from, PAGE_SIZE), stop = align_up(end, PAGE_SIZE);

	if (from == end) return 0;
	if (page < stop) {
		const uint32_t zeroes = PROT_READ | PROT_WRITE | (rights & PROT_EXEC);
		const int64_t at =
			space_mmap(s, page, stop - page, zeroes,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, site);
		if (at < 0) return at;
	}
	return zero_rest(s, from, page);
}

static struct elf_verdict map_segment(struct space *s, const struct elf_segment *segment,
				      struct backing *b, uint64_t bias, uint32_t how, site_t site)
{
	const struct elf_piece piece = elf_piece(segment);
	const uint32_t rights = elf_rights(segment);

	if (piece.bytes != 0) {
		const int64_t at = space_mmap(s, piece.at + bias, piece.bytes, rights,
					      MAP_PRIVATE | how, b, piece.offset, site);
		if (at < 0) return die(at, "a segment cannot be mapped");
	}
	const int64_t answer = map_zeroes(s, &piece, bias, rights, site);
	return answer == 0 ? fine : die(answer, "a segment's zeroes cannot be written");
}

static struct elf_verdict map_all(const struct load *l, struct space *s, struct backing *b,
				  uint64_t bias, site_t site)
{
	struct elf_verdict v = fine;
	uint32_t how = l->elf.movable || l->second ? MAP_FIXED : MAP_FIXED_NOREPLACE;

	for (uint32_t i = 0; i < l->elf.segments && v.why == NULL; i++) {
		if (l->segments[i].type != ELF_LOAD) continue;
		v = map_segment(s, &l->segments[i], b, bias, how, site);
		how = MAP_FIXED;
	}
	return v;
}

struct elf_verdict load_map(struct load *l, struct space *s, uint64_t place, site_t site,
			    uint64_t *bias)
{
	const struct elf_layout *layout = &l->layout;
	int error = -ERR_NOEXEC;
	int64_t at = (int64_t)layout->from;

	if (l->elf.movable) {
		at = (int64_t)align_down(place, layout->align);
		if (place == 0) at = find_place(s, layout, site);
		if (at < 0) return die(at, "no room for it");
		if (layout->end - layout->from > USER_END - (uint64_t)at)
			return die(-ERR_NOMEM, "no room for it");
	}
	struct backing *b =
		l->file->ops->map == NULL ? NULL : l->file->ops->map(l->file, false, &error);
	if (b == NULL) return die(error, "its file cannot be mapped");
	*bias = (uint64_t)at - layout->from;
	const struct elf_verdict v = map_all(l, s, b, *bias, site);
	backing_drop(b); /* the regions have it */
	return v;
}
