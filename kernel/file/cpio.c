/*
 * cpio.c -- reading archives of cpio's "newc" form (cpio(5); Linux's buffer-format.rst).
 *
 * An entry is a header of 110 bytes, thirteen numbers of eight hexadecimal digits behind a magic
 * one; the name with its end, and zeroes up to a multiple of four; the contents, and the same.  A
 * number is never trusted: what it leads to is compared with what is left, in 64 bits, where no sum
 * of 32-bit numbers can wrap.
 *
 * Always true: `next` is at most `bytes`, and nothing is read at or behind `bytes`.
 *
 * Cost: O(1) for each entry and O(its name).
 */
#include "kernel/file/cpio.h"

#include "kernel/abi.h"
#include "machine/machine.h"

enum {
	MAGIC_BYTES = 6,
	DIGITS = 8,
	FIELDS = 13,
	HEADER_BYTES = MAGIC_BYTES + FIELDS * DIGITS,
};

enum field {
	FIELD_INO,
	FIELD_MODE,
	FIELD_UID,
	FIELD_GID,
	FIELD_LINKS,
	FIELD_TIME,
	FIELD_BYTES,
	FIELD_MAJOR,
	FIELD_MINOR,
	FIELD_SPECIAL_MAJOR,
	FIELD_SPECIAL_MINOR,
	FIELD_NAME_BYTES,
	FIELD_CHECK,
};

void cpio_open(struct cpio *c, const void *at, uint64_t bytes)
{
	*c = (struct cpio){ .at = at, .bytes = bytes };
}

static bool cpio_wrong(struct cpio *c, const char *why)
{
	c->why = why;
	return false;
}

static bool hex_read(const uint8_t *at, uint32_t *out)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < DIGITS; i++) {
		const uint8_t c = at[i];
		unsigned digit;
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10;
		else
			return false;
		n = n << 4 | digit;
	}
	*out = n;
	return true;
}

static bool has_magic(const uint8_t *at)
{
	return memcmp(at, "070701", MAGIC_BYTES) == 0 || memcmp(at, "070702", MAGIC_BYTES) == 0;
}

/* What the first bytes look like that are no entry. */
static const char *stranger(const uint8_t *at)
{
	if (at[0] == 0x1f && at[1] == 0x8b) return "compressed by gzip";
	if (memcmp(at,
		   "\xfd"
		   "7zXZ",
		   5) == 0)
		return "compressed by xz";
	if (memcmp(at, "\x28\xb5\x2f\xfd", 4) == 0) return "compressed by zstd";
	if (memcmp(at, "070707", MAGIC_BYTES) == 0) return "an archive of cpio's old form";
	return "no header where one should be";
}

/* The numbers of the header at `next`. */
static bool header_read(struct cpio *c, uint32_t *field)
{
	const uint8_t *at = c->at + c->next;

	if (c->bytes - c->next < HEADER_BYTES) {
		const bool some = c->bytes - c->next >= MAGIC_BYTES;
		if (some && !has_magic(at)) return cpio_wrong(c, stranger(at));
		return cpio_wrong(c, c->next == c->bytes ? "ends without a trailer"
							 : "ends inside a header");
	}
	if (!has_magic(at)) return cpio_wrong(c, stranger(at));
	for (unsigned i = 0; i < FIELDS; i++)
		if (!hex_read(at + MAGIC_BYTES + i * DIGITS, &field[i]))
			return cpio_wrong(c, "a number that is not hexadecimal");
	return true;
}

/* The name and the contents, which begin where the header ends. */
static bool body_read(struct cpio *c, const uint32_t *field, struct cpio_entry *e)
{
	const uint64_t name = c->next + HEADER_BYTES, name_bytes = field[FIELD_NAME_BYTES];

	if (name_bytes < 2) return cpio_wrong(c, "an entry without a name");
	if (name_bytes > PATH_BYTES) return cpio_wrong(c, "a name that is too long");
	if (name_bytes > c->bytes - name) return cpio_wrong(c, "a name behind the end");
	e->name = (const char *)c->at + name;
	for (uint64_t i = 0; i < name_bytes; i++)
		if ((e->name[i] == 0) != (i == name_bytes - 1))
			return cpio_wrong(c, "a name that does not end where it says");
	e->name_bytes = (uint32_t)name_bytes - 1;
	const uint64_t body = align_up(name + name_bytes, 4);
	if (field[FIELD_BYTES] > sub_or_zero(c->bytes, body))
		return cpio_wrong(c, "contents behind the end");
	e->at = c->at + min_u64(body, c->bytes);
	e->bytes = field[FIELD_BYTES];
	/* The last entry's padding may be missing. */
	c->next = min_u64(align_up(body + e->bytes, 4), c->bytes);
	return true;
}

static bool is_trailer(const struct cpio_entry *e)
{
	static const char name[] = "TRAILER!!!";

	return e->name_bytes + 1 == sizeof name && memcmp(e->name, name, sizeof name) == 0;
}

/* Zeroes, behind a trailer; whether anything comes after them. */
static bool skip_zeroes(struct cpio *c)
{
	while (c->next < c->bytes && c->at[c->next] == 0) c->next++;
	return c->next < c->bytes;
}

static bool another(const struct cpio *c)
{
	return is_aligned(c->next, 4) && c->bytes - c->next >= MAGIC_BYTES &&
	       has_magic(c->at + c->next);
}

bool cpio_next(struct cpio *c, struct cpio_entry *e)
{
	uint32_t field[FIELDS];

	ASSERT(c->next <= c->bytes);
	do {
		if (c->why != NULL || (c->ended && !skip_zeroes(c))) return false;
		if (c->ended && !another(c)) return cpio_wrong(c, "something behind the trailer");
		e->offset = c->next;
		if (!header_read(c, field) || !body_read(c, field, e)) return false;
		c->ended = is_trailer(e);
		c->archives += c->ended;
	} while (c->ended);
	e->archive = c->archives;
	e->ino = field[FIELD_INO];
	e->mode = field[FIELD_MODE];
	e->uid = field[FIELD_UID];
	e->gid = field[FIELD_GID];
	e->links = field[FIELD_LINKS];
	e->time_s = field[FIELD_TIME];
	e->device[0] = field[FIELD_MAJOR];
	e->device[1] = field[FIELD_MINOR];
	e->special[0] = field[FIELD_SPECIAL_MAJOR];
	e->special[1] = field[FIELD_SPECIAL_MINOR];
	return true;
}
