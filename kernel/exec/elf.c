/*
 * elf.c -- ELF files read and judged.
 *
 * Linux looks at little: the magic, the kind, the machine, the table's size.  It does not look at
 * the class, the byte order or the versions, so neither does this: a file that claims to be of 32
 * bits is judged by what stands at the places of 64.  What decides is whether each segment can be
 * mapped, and that is settled here once, so that loading one is arithmetic that cannot overflow:
 *
 *   E1  at + bytes <= USER_END, file_bytes <= bytes;
 *   E2  `at` and `offset` differ by whole pages where anything of the file is mapped, and
 *       offset + file_bytes fits in 63 bits;
 *   E3  from <= at and at + bytes <= end, for every segment that is loaded.
 *
 * Segments may overlap, share pages, come in any order and lie behind the file's end: later ones
 * lie over earlier ones, as on Linux, and what is behind the end is a fault when it is touched.
 *
 * Locks: none.  Cost: O(segments).
 */
#include "kernel/exec/elf.h"

#include "machine/entry.h"
#include "machine/machine.h"
#include "mm/mman.h"

/* The head of a file, as it lies there. */
struct head {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, segments_at, sections_at;
	uint32_t flags;
	uint16_t head_bytes, segment_bytes, segment_count;
	uint16_t section_bytes, section_count, names;
};
_Static_assert(sizeof(struct head) == ELF_HEAD_BYTES, "as it lies in the file");

enum { TYPE_PROGRAM = 2, TYPE_MOVABLE = 3, MACHINE_AARCH64 = 183 };

static struct elf_verdict refuse(const char *why)
{
	return (struct elf_verdict){ .error = -ERR_NOEXEC, .why = why };
}

static struct elf_verdict die(int error, const char *why)
{
	return (struct elf_verdict){ .error = error, .late = true, .why = why };
}

static const struct elf_verdict fine = { .error = 0 };

struct elf_verdict elf_read_head(const void *bytes, size_t count, struct elf *e)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F' };
	struct head h;

	if (count < sizeof(h)) return refuse("too short for an ELF file");
	memcpy(&h, bytes, sizeof(h));
	if (memcmp(h.ident, magic, sizeof(magic)) != 0) return refuse("not an ELF file");
	if (h.type != TYPE_PROGRAM && h.type != TYPE_MOVABLE) return refuse("not a program");
	if (h.machine != MACHINE_AARCH64) return refuse("for another machine");
	if (h.segment_bytes != ELF_SEGMENT_BYTES) return refuse("segments of another size");
	if (h.segment_count == 0) return refuse("no segments");
	if (h.segment_count > ELF_SEGMENTS_MAX) return refuse("too many segments");
	*e = (struct elf){
		.movable = h.type == TYPE_MOVABLE,
		.entry = h.entry,
		.table_offset = h.segments_at,
		.segments = h.segment_count,
	};
	return fine;
}

uint32_t elf_rights(const struct elf_segment *segment)
{
	return ((segment->flags & ELF_READ) != 0 ? PROT_READ : 0) |
	       ((segment->flags & ELF_WRITE) != 0 ? PROT_WRITE : 0) |
	       ((segment->flags & ELF_EXECUTE) != 0 ? PROT_EXEC : 0);
}

/* Whether anything of the file is mapped: also for what stands before it on its page. */
static bool has_file(const struct elf_segment *s)
{
	return s->file_bytes != 0 || s->at % PAGE_SIZE != 0;
}

/* E1 and E2 of one. */
static struct elf_verdict judge(const struct elf_segment *s)
{
	if (s->file_bytes > s->bytes) return die(-ERR_INVAL, "a segment longer in the file");
	if (s->bytes > USER_END || s->at > USER_END - s->bytes)
		return die(-ERR_INVAL, "a segment beyond all addresses");
	if (has_file(s) && (s->offset - s->at) % PAGE_SIZE != 0)
		return die(-ERR_INVAL, "a segment at another place of its page");
	if (s->offset > INT64_MAX - PAGE_SIZE || s->file_bytes > INT64_MAX - PAGE_SIZE - s->offset)
		return die(-ERR_OVERFLOW, "a segment beyond all files");
	return fine;
}

static void take_interpreter(const struct elf_segment *s, struct elf_layout *out,
			     struct elf_verdict *v)
{
	if (out->interpreter_bytes != 0 || v->why != NULL) return; /* the first counts */
	if (s->file_bytes < 2 || s->file_bytes > ELF_PATH_BYTES) {
		*v = refuse("no path of an interpreter");
		return;
	}
	out->interpreter = s->offset;
	out->interpreter_bytes = (uint32_t)s->file_bytes;
}

static void take_load(const struct elf *e, const struct elf_segment *s, struct elf_layout *out)
{
	if (s->offset <= e->table_offset && e->table_offset - s->offset < s->file_bytes)
		out->table = e->table_offset - s->offset + s->at;
	out->from = min_u64(out->from, align_down(s->at, PAGE_SIZE));
	out->end = max_u64(out->end, s->at + s->bytes);
	if (is_power_of_two(s->align)) out->align = max_u64(out->align, s->align);
}

struct elf_verdict elf_read_segments(const struct elf *e, const struct elf_segment *table,
				     struct elf_layout *out)
{
	struct elf_verdict early = fine, late = fine;

	ASSERT(e->segments >= 1 && e->segments <= ELF_SEGMENTS_MAX);
	*out = (struct elf_layout){ .from = UINT64_MAX, .align = PAGE_SIZE };
	for (uint32_t i = 0; i < e->segments; i++) {
		if (table[i].type == ELF_INTERPRETER) take_interpreter(&table[i], out, &early);
		if (table[i].type != ELF_LOAD || late.why != NULL) continue;
		late = judge(&table[i]);
		if (late.why == NULL) take_load(e, &table[i], out);
	}
	if (early.why != NULL) return early;
	if (late.why != NULL) return late;
	if (out->end <= out->from) return die(-ERR_INVAL, "nothing to load");
	ASSERT(out->end <= USER_END); /* E3 */
	return fine;
}

struct elf_piece elf_piece(const struct elf_segment *segment)
{
	const uint64_t before = segment->at % PAGE_SIZE;

	ASSERT(judge(segment).why == NULL);
	return (struct elf_piece){
		.at = segment->at - before,
		.offset = segment->offset - before,
		.bytes = align_up(segment->file_bytes + before, PAGE_SIZE),
		.zeroes = segment->at + segment->file_bytes,
		.end = segment->at + segment->bytes,
	};
}
