/*
 * usercopy_model.c -- pages of users as a table: rights, and bytes wherever somebody has written.
 *
 * A page that nobody wrote to has no bytes of its own here: it is zeroes, or a formula of the
 * file's page and the offset.  A private page gets its own when it is first written to, and a fork
 * copies these; shared ones are written to in the one array that all see.
 */
#include "fuzz/usercopy_model.h"

#include "machine/entry.h"
#include "machine/machine.h"

static const uint64_t rows[ROWS] = {
	0x10000,                      /* the lowest address that may be mapped */
	(5ull << 21) - 2 * PAGE_SIZE, /* two tables of the last level */
	(1ull << 39) - 2 * PAGE_SIZE, /* two entries of the root */
	USER_END - ROW_PAGES *PAGE_SIZE,
};

void user_model_init(struct usercopy_model *m)
{
	memset(m->page, 0, sizeof m->page);
	m->shared_written = m->file_written = 0;
}

uint64_t user_model_address(uint32_t place)
{
	return rows[place / ROW_PAGES] + (uint64_t)(place % ROW_PAGES) * PAGE_SIZE;
}

uint32_t user_model_place(uint64_t va)
{
	for (uint32_t row = 0; row < ROWS; row++) {
		const uint64_t offset = va - rows[row];
		if (va >= rows[row] && offset < ROW_PAGES * PAGE_SIZE)
			return row * ROW_PAGES + (uint32_t)(offset >> PAGE_SHIFT);
	}
	return PLACE_NONE;
}

uint8_t user_model_file_byte(uint32_t page, uint32_t offset)
{
	return (uint8_t)(page * 29 + offset * 3 + 1);
}

void user_model_map(struct usercopy_model *m, uint32_t space, uint32_t place, uint32_t kind,
		    uint32_t rights)
{
	m->page[space][place] = (struct model_page){ .mapped = true,
						     .kind = (uint8_t)kind,
						     .rights = (uint8_t)rights };
}

void user_model_unmap(struct usercopy_model *m, uint32_t space, uint32_t place)
{
	m->page[space][place] = (struct model_page){ .mapped = false };
}

void user_model_fork(struct usercopy_model *m, uint32_t from, uint32_t to)
{
	memcpy(m->page[to], m->page[from], sizeof m->page[to]);
	for (uint32_t p = 0; p < PLACES; p++)
		if (m->page[from][p].own) memcpy(m->own[to][p], m->own[from][p], PAGE_SIZE);
}

void user_model_exit(struct usercopy_model *m, uint32_t space)
{
	memset(m->page[space], 0, sizeof m->page[space]);
}

static bool is_file(const struct model_page *p)
{
	return p->kind == KIND_FILE || p->kind == KIND_SHARED_FILE;
}

enum user_verdict user_model_verdict(const struct usercopy_model *m, uint32_t space, uint64_t va,
				     enum user_access access)
{
	const uint32_t place = user_model_place(va);

	if (place == PLACE_NONE || !m->page[space][place].mapped) return USER_UNMAPPED;
	const struct model_page *p = &m->page[space][place];
	/* What has any right can be read. */
	const uint32_t rights = access == ACCESS_STORE ? p->rights & RIGHT_WRITE : p->rights;
	if (rights == 0) return USER_REFUSED;
	return is_file(p) && place >= FILE_PAGES ? USER_BEYOND : USER_FINE;
}

static size_t in_page(uint64_t va, size_t bytes)
{
	return min_u64(bytes, PAGE_SIZE - (va & (PAGE_SIZE - 1)));
}

size_t user_model_reach(const struct usercopy_model *m, uint32_t space, uint64_t va, size_t bytes,
			enum user_access access)
{
	size_t reached = 0;

	if (va >= USER_END || bytes > USER_END - va) return 0;
	while (reached < bytes) {
		if (user_model_verdict(m, space, va + reached, access) != USER_FINE) break;
		reached += in_page(va + reached, bytes - reached);
	}
	return reached;
}

/* The bytes of a page where somebody wrote any, or NULL. */
static const uint8_t *page_bytes(const struct usercopy_model *m, uint32_t space, uint32_t place)
{
	const struct model_page *p = &m->page[space][place];

	if (p->own) return m->own[space][place];
	if (p->kind == KIND_SHARED_ZEROES)
		return m->shared_written >> place & 1 ? m->shared[place] : NULL;
	return is_file(p) && m->file_written >> place & 1 ? m->file[place] : NULL;
}

static uint8_t page_byte(const struct usercopy_model *m, uint32_t space, uint32_t place,
			 uint32_t offset)
{
	const uint8_t *bytes = page_bytes(m, space, place);

	if (bytes != NULL) return bytes[offset];
	return is_file(&m->page[space][place]) ? user_model_file_byte(place, offset) : 0;
}

uint8_t user_model_byte(const struct usercopy_model *m, uint32_t space, uint64_t va)
{
	return page_byte(m, space, user_model_place(va), va & (PAGE_SIZE - 1));
}

bool user_model_same(const struct usercopy_model *m, uint32_t space, uint64_t va,
		     const uint8_t *bytes, size_t count)
{
	const uint32_t place = user_model_place(va), offset = va & (PAGE_SIZE - 1);
	const uint8_t *mine = page_bytes(m, space, place);

	if (mine != NULL) return memcmp(mine + offset, bytes, count) == 0;
	for (uint32_t i = 0; i < count; i++)
		if (bytes[i] != page_byte(m, space, place, offset + i)) return false;
	return true;
}

/* Where a page is written to; what was there before is there. */
static uint8_t *page_written(struct usercopy_model *m, uint32_t space, uint32_t place)
{
	struct model_page *p = &m->page[space][place];
	const bool shared = p->kind == KIND_SHARED_ZEROES || p->kind == KIND_SHARED_FILE;
	uint8_t *to = !shared                         ? m->own[space][place]
		      : p->kind == KIND_SHARED_ZEROES ? m->shared[place]
						      : m->file[place];

	if (page_bytes(m, space, place) == to) return to;
	for (uint32_t i = 0; i < PAGE_SIZE; i++) to[i] = page_byte(m, space, place, i);
	if (!shared)
		p->own = true;
	else if (p->kind == KIND_SHARED_ZEROES)
		m->shared_written |= 1u << place;
	else
		m->file_written |= 1u << place;
	return to;
}

void user_model_write(struct usercopy_model *m, uint32_t space, uint64_t va, const uint8_t *bytes,
		      size_t count)
{
	memcpy(page_written(m, space, user_model_place(va)) + (va & (PAGE_SIZE - 1)), bytes, count);
}
