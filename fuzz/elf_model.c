/*
 * elf_model.c -- subject elf: what must become of a file, from its bytes.
 *
 * First, whether it is run at all: what execve answers where it is not, or whether the program dies
 * of it.  Then, for a program that is: which byte and which rights each address has.  Mappings are
 * laid down one after the other as the file lists them, each over what was there, as a list of
 * parts of which the last that holds an address counts.
 *
 * Locks: none.  Cost: O(parts) for each look.
 */
#include "fuzz/elf_model.h"

#include "machine/entry.h"
#include "machine/format.h"
#include "machine/machine.h"

enum {
	HEAD_BYTES = 64,
	ENTRY_BYTES = 56,
	SCRIPT_LOOK = 256,
	E_PERM = 1,
	E_NOENT = 2,
	E_NOEXEC = 8,
	E_ACCES = 13,
	E_NOTDIR = 20,
	E_EXIST = 17,
	E_INVAL = 22,
	E_LOOP = 40,
	E_OVERFLOW = 75,
	E_LIBBAD = 80,
	PAGE_REST = PAGE_SIZE - 1,
};

/* No fixed address below this (elf_world.c). */
#define LOWEST MODEL_LOWEST
/* The stack is there before any segment; how far down is not known so exactly. */
#define STACK_NEAR (USER_END - (9ull << 20))

uint64_t elf_number(const uint8_t *at, unsigned bytes)
{
	uint64_t n = 0;

	while (bytes-- != 0) n = n << 8 | at[bytes];
	return n;
}

struct segment {
	uint64_t type, flags, offset, at, in_file, bytes;
};

static uint8_t file_byte(const struct elf_files *f, uint64_t offset)
{
	return offset < f->program_bytes ? f->program[offset] : 0;
}

static uint64_t file_number(const struct elf_files *f, uint64_t offset, unsigned bytes)
{
	uint64_t n = 0;

	while (bytes-- != 0) n = n << 8 | file_byte(f, offset + bytes);
	return n;
}

static struct segment segment_of(const struct elf_files *f, uint64_t table, uint64_t n)
{
	const uint64_t at = table + n * ENTRY_BYTES;

	return (struct segment){
		.type = file_number(f, at, 4),
		.flags = file_number(f, at + 4, 4) & 7,
		.offset = file_number(f, at + 8, 8),
		.at = file_number(f, at + 16, 8),
		.in_file = file_number(f, at + 32, 8),
		.bytes = file_number(f, at + 40, 8),
	};
}

/* --- is it run? ------------------------------------------------------------------------------- */

static void refused(struct elf_expected *e, int error, bool late)
{
	if (e->error != 0 && !(e->late && !late)) return; /* what comes first */
	e->error = error;
	e->late = late;
}

static bool head_is_sound(const struct elf_files *f)
{
	const uint64_t type = file_number(f, 16, 2), count = file_number(f, 56, 2);
	const uint64_t table = file_number(f, 32, 8), bytes = count * ENTRY_BYTES;

	return file_number(f, 0, 4) == 0x464c457f && (type == 2 || type == 3) &&
	       file_number(f, 18, 2) == 183 && file_number(f, 54, 2) == ENTRY_BYTES && count != 0 &&
	       count <= MODEL_SEGMENTS && table <= f->program_bytes &&
	       bytes <= f->program_bytes - table;
}

static bool is_below(const char *path, const char *file, size_t length)
{
	return memcmp(path, file, length) == 0 && path[length] == '/';
}

/* Why there is nothing of that name, which ends somewhere: none at all is the folder one is in, and
 * below a file is nothing. */
static int absent(const char *path)
{
	static const char program[] = "/program", script[] = "/script";
	size_t length = 0;

	if (*path == 0) return E_ACCES;
	while (length < sizeof program && path[length] != 0) length++;
	if (length > sizeof program - 1 && is_below(path, program, sizeof program - 1))
		return E_NOTDIR;
	if (length > sizeof script - 1 && is_below(path, script, sizeof script - 1))
		return E_NOTDIR;
	return E_NOENT;
}

/* The path of the program's interpreter: the one that there is is the program itself. */
static void expect_interpreter(const struct elf_files *f, const struct segment *s,
			       struct elf_expected *e)
{
	static const char itself[] = "/program";

	if (e->interpreter || (e->error != 0 && !e->late)) return;
	e->interpreter = true;
	if (s->in_file < 2 || s->in_file > 4096) {
		refused(e, E_NOEXEC, false);
		return;
	}
	if (s->offset > (uint64_t)INT64_MAX - s->in_file) {
		refused(e, E_INVAL, false);
		return;
	}
	if (s->offset > f->program_bytes || s->in_file > f->program_bytes - s->offset) {
		refused(e, 5, false);
		return;
	}
	if (f->program[s->offset + s->in_file - 1] != 0) {
		refused(e, E_NOEXEC, false);
		return;
	}
	for (unsigned i = 0; i < sizeof itself; i++)
		if (f->program[s->offset + i] != (uint8_t)itself[i]) {
			refused(e, absent((const char *)f->program + s->offset), false);
			return;
		}
}

static void expect_load(const struct elf_files *f, const struct segment *s, uint64_t table,
			struct elf_expected *e)
{
	if (e->error != 0 && e->late) return;
	if (s->in_file > s->bytes || s->bytes > USER_END || s->at > USER_END - s->bytes) {
		refused(e, E_INVAL, true);
		return;
	}
	if ((s->in_file | (s->at & PAGE_REST)) != 0 && ((s->at ^ s->offset) & PAGE_REST) != 0) {
		refused(e, E_INVAL, true);
		return;
	}
	if (s->offset > (uint64_t)INT64_MAX - PAGE_SIZE ||
	    s->in_file > (uint64_t)INT64_MAX - PAGE_SIZE - s->offset) {
		refused(e, E_OVERFLOW, true);
		return;
	}
	if (table - s->offset < s->in_file && table >= s->offset)
		e->table = table - s->offset + s->at;
	if (s->offset + s->in_file > f->program_bytes) e->beyond = true;
	if (s->bytes > s->in_file) e->zeroes = true;
	if (s->at < e->end && s->at + s->bytes > e->from) e->overlap = true;
	e->from = min_u64(e->from, s->at & ~(uint64_t)PAGE_REST);
	e->end = max_u64(e->end, s->at + s->bytes);
}

static void expect_program(const struct elf_files *f, struct elf_expected *e)
{
	if (!head_is_sound(f)) {
		refused(e, E_NOEXEC, false);
		return;
	}
	const uint64_t table = file_number(f, 32, 8);

	e->movable = file_number(f, 16, 2) == 3;
	e->entry = file_number(f, 24, 8);
	e->segments = (uint32_t)file_number(f, 56, 2);
	e->from = UINT64_MAX;
	for (uint32_t i = 0; i < e->segments; i++) {
		const struct segment s = segment_of(f, table, i);
		if (s.type == 3) expect_interpreter(f, &s, e);
	}
	for (uint32_t i = 0; i < e->segments; i++) {
		const struct segment s = segment_of(f, table, i);
		if (s.type == 1) expect_load(f, &s, table, e);
	}
	if (e->error == 0 && e->end <= e->from) refused(e, E_INVAL, true);
}

/* --- scripts ---------------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* The first line of "/script", as Linux's man page execve(2) and fs/binfmt_script.c have it. */
static void expect_script(const struct elf_files *f, struct elf_expected *e)
{
	char line[SCRIPT_LOOK + 1] = { 0 };
	uint32_t end = 0, at = 2, n = 0;

	memcpy(line, f->script, min_u64(f->script_bytes, SCRIPT_LOOK));
	if (line[0] != '#' || line[1] != '!') {
		refused(e, E_NOEXEC, false);
		return;
	}
	while (end < SCRIPT_LOOK && line[end] != '\n') end++;
	const bool cut = end == SCRIPT_LOOK;
	if (cut) end = SCRIPT_LOOK - 1;
	const uint32_t look = cut ? SCRIPT_LOOK : end;
	while (at < look && is_space(line[at])) at++;
	if (at >= end) {
		refused(e, E_NOEXEC, false);
		return;
	}
	uint32_t stop = at;
	while (stop < look && !is_space(line[stop]) && line[stop] != 0) stop++;
	if (cut && stop == SCRIPT_LOOK) {
		refused(e, E_NOEXEC, false);
		return;
	}
	while (end > 2 && is_space(line[end - 1])) end--;
	for (n = 0; at < min_u64(stop, end); at++) e->runner[n++] = line[at];
	e->runner[n] = 0;
	if (stop < end && line[stop] != 0) {
		while (stop < end && is_space(line[stop])) stop++;
		e->has_argument = stop < end;
		for (n = 0; stop < end && line[stop] != 0; stop++) e->argument[n++] = line[stop];
		e->argument[n] = 0;
	}
	e->script = true;
	if (same_text(e->runner, "/script"))
		refused(e, E_LOOP, false);
	else if (!same_text(e->runner, "/program"))
		refused(e, absent(e->runner), false);
}

void elf_expect(const struct elf_files *files, bool script, struct elf_expected *out)
{
	*out = (struct elf_expected){ .error = 0 };
	if (script) expect_script(files, out);
	if (out->error == 0) expect_program(files, out);
}

/* --- where everything is ---------------------------------------------------------------------- */

void elf_map_begin(struct elf_map *m)
{
	m->count = 0;
	m->error = 0;
}

static void lay(struct elf_map *m, const struct model_part *part)
{
	ASSERT(m->count < MODEL_PARTS);
	if (part->from < part->end) m->parts[m->count++] = *part;
}

const struct model_part *elf_map_at(const struct elf_map *m, uint64_t va)
{
	for (uint32_t i = m->count; i-- != 0;)
		if (m->parts[i].from <= va && va < m->parts[i].end) return &m->parts[i];
	return NULL;
}

unsigned elf_map_byte(const struct elf_map *m, const struct elf_files *files, uint64_t va)
{
	const struct model_part *p = elf_map_at(m, va);

	if (p == NULL || p->rights == 0) return 256;
	if (p->zeroes || (p->private_page && va >= p->zero)) return 0;
	const uint64_t offset = p->offset + (va - p->from);
	const uint64_t pages = align_up(files->program_bytes, PAGE_SIZE);
	return offset < pages ? file_byte(files, offset) : 256;
}

/* The page on which the file's part ends is the program's own, its rest zeroes: where it can be
 * written to. */
static void lay_last_page(struct elf_map *m, const struct elf_files *f, uint64_t zero)
{
	const uint64_t page = align_down(zero, PAGE_SIZE);
	const struct model_part *there = elf_map_at(m, page);

	if (zero == page) return;
	if (there == NULL || (there->rights & 2) == 0 || elf_map_byte(m, f, page) == 256) return;
	struct model_part own = *there;
	if (!own.zeroes) own.offset += page - own.from;
	own.from = page;
	own.end = page + PAGE_SIZE;
	own.private_page = true;
	own.zero = zero;
	lay(m, &own);
}

static void lay_segment(struct elf_map *m, const struct elf_files *f, const struct segment *s,
			uint64_t bias, bool first)
{
	const uint64_t at = s->at + bias, before = at & PAGE_REST;
	const uint64_t zero = at + s->in_file, end = at + s->bytes;
	const struct model_part file = {
		.from = at - before,
		.end = align_up(zero, PAGE_SIZE),
		.offset = s->offset - before,
		.rights = (uint32_t)((s->flags & 4) >> 2 | (s->flags & 2) | (s->flags & 1) << 2),
	};
	const struct model_part zeroes = {
		.from = align_up(zero, PAGE_SIZE),
		.end = align_up(end, PAGE_SIZE),
		.zeroes = true,
		.rights = 3 | (file.rights & 4),
	};

	if (file.from < file.end && file.from < LOWEST) m->error = E_PERM;
	if (zero < end && zeroes.from < zeroes.end && zeroes.from < LOWEST) m->error = E_PERM;
	if (first && file.from < file.end)
		for (uint64_t i = 0; i < m->count; i++)
			if (m->parts[i].from < file.end && file.from < m->parts[i].end)
				m->error = E_EXIST;
	if (m->error != 0) return;
	lay(m, &file);
	if (zero == end) return;
	lay(m, &zeroes);
	lay_last_page(m, f, zero);
}

void elf_map_program(struct elf_map *m, const struct elf_files *files, bool fixed, uint64_t bias)
{
	const uint64_t table = file_number(files, 32, 8), count = file_number(files, 56, 2);
	bool first = fixed;

	for (uint64_t i = 0; i < count && m->error == 0; i++) {
		const struct segment s = segment_of(files, table, i);
		if (s.type != 1) continue;
		lay_segment(m, files, &s, bias, first);
		first = false;
	}
}
