/*
 * space_model.c -- address spaces by another arithmetic: pages, what they hold, and accesses.
 *
 * Always true:
 *   M1  a page without MODEL_MAPPED is all zero;
 *   M2  an object that no page of any space leads to is dead by the time there is no other to be
 *       had; sources live always.
 *
 * Locks: none.  Cost: an access a few loads; a fork copies 24 KiB.
 */
#include "fuzz/space_model_inside.h"

/* --- pages and objects ------------------------------------------------------------------------ */

static uint8_t object_free(const struct space_model *m)
{
	for (uint32_t o = SOURCES; o < MODEL_OBJECTS; o++)
		if (m->object[o].pages == 0) return (uint8_t)o;
	return MODEL_NO_OBJECT;
}

/* M2: objects that no page leads to any more. */
static void collect_objects(struct space_model *m)
{
	bool used[MODEL_OBJECTS] = { false };

	for (uint32_t s = 0; s < SPACES_MAX; s++)
		for (uint32_t p = 0; p < WINDOW_PAGES && m->space[s].alive; p++)
			if (mapped(m, s, p) && m->space[s].page[p].object != MODEL_NO_OBJECT)
				used[m->space[s].page[p].object] = true;
	for (uint32_t o = SOURCES; o < MODEL_OBJECTS; o++)
		if (!used[o]) m->object[o].pages = 0;
}

/* The number of an object that is none yet, or MODEL_NO_OBJECT. */
static uint8_t object_find(struct space_model *m)
{
	const uint8_t o = object_free(m);

	if (o != MODEL_NO_OBJECT) return o;
	collect_objects(m);
	return object_free(m);
}

uint8_t model_object_new(struct space_model *m, uint32_t pages)
{
	const uint8_t o = object_find(m);

	if (o == MODEL_NO_OBJECT) return o;
	m->object[o].pages = pages;
	memset(m->object[o].words, 0, pages * sizeof(m->object[o].words[0]));
	return o;
}

static void source_init(struct space_model *m, uint32_t source)
{
	m->object[source].pages = SOURCE_PAGES;
	for (uint32_t p = 0; p < SOURCE_PAGES; p++)
		for (uint32_t w = 0; w < WORDS_PER_PAGE; w++)
			m->object[source].words[p][w] = space_source_word(source, p, w);
}

void space_model_init(struct space_model *m)
{
	m->pieces = 0;
	m->open = false;
	for (uint32_t s = 0; s < SPACES_MAX; s++) m->space[s].alive = false;
	for (uint32_t o = SOURCES; o < MODEL_OBJECTS; o++) m->object[o].pages = 0;
	for (uint32_t s = 0; s < SOURCES; s++) source_init(m, s);
	m->space[0].alive = true;
	m->space[0].brk = address_of(WINDOW_HEAP_PAGE);
	memset(m->space[0].page, 0, sizeof(m->space[0].page));
}

void model_clear(struct space_model *m, uint32_t space, uint32_t first, uint32_t pages)
{
	if (pages != 0) memset(page_in(m, space, first), 0, pages * sizeof(struct model_page));
}

bool model_any_mapped(const struct space_model *m, uint32_t space, uint32_t first, uint32_t pages)
{
	for (uint32_t p = first; p < first + pages && p < WINDOW_PAGES; p++)
		if (mapped(m, space, p)) return true;
	return false;
}

/* --- accesses --------------------------------------------------------------------------------- */

/* The words of a page as an access sees them, those of an object where it has none of its own. */
static uint64_t *words_seen(struct space_model *m, struct model_page *p)
{
	if ((p->flags & MODEL_OWN) || anonymous(p)) return p->words;
	return m->object[p->object].words[p->offset];
}

bool model_beyond(const struct space_model *m, const struct model_page *p)
{
	return !anonymous(p) && !(p->flags & MODEL_OWN) && p->offset >= m->object[p->object].pages;
}

void model_touch(struct space_model *m, struct model_page *p, bool write)
{
	if (p->rights == 0 || model_beyond(m, p)) return;
	p->flags |= MODEL_PRESENT;
	p->flags &= (uint8_t)~MODEL_CORE_OPEN;
	if (!write || (p->flags & (MODEL_SHARED | MODEL_OWN))) return;
	memcpy(p->words, words_seen(m, p), sizeof(p->words));
	p->flags |= MODEL_OWN;
}

static bool allowed(uint32_t rights, enum mach_access access)
{
	switch (access) {
	case MACH_LOAD: return rights != 0;
	case MACH_STORE: return (rights & PROT_WRITE) != 0;
	default: return (rights & PROT_EXEC) != 0;
	}
}

enum fault_answer space_model_access(struct space_model *m, uint32_t space, uint64_t va,
				     enum mach_access access, uint32_t word_index, uint64_t store,
				     uint64_t *word)
{
	if (!is_inside(va) || !mapped(m, space, page_of(va))) return FAULT_NOT_MAPPED;
	struct model_page *p = page_in(m, space, page_of(va));
	if (!allowed(p->rights, access)) return FAULT_NOT_ALLOWED;
	if (model_beyond(m, p)) return FAULT_BEYOND;
	model_touch(m, p, access == MACH_STORE);
	*word = words_seen(m, p)[word_index];
	if (access == MACH_STORE) words_seen(m, p)[word_index] = store;
	return FAULT_DONE;
}

bool space_model_core_known(const struct space_model *m, uint32_t space, uint32_t page)
{
	const struct model_page *p = &m->space[space].page[page];

	return anonymous(p) && !(p->flags & MODEL_CORE_OPEN);
}

bool space_model_in_core(const struct space_model *m, uint32_t space, uint32_t page)
{
	return (m->space[space].page[page].flags & MODEL_PRESENT) != 0;
}

/* --- whole spaces ----------------------------------------------------------------------------- */

void space_model_fork(struct space_model *m, uint32_t from, uint32_t to)
{
	ASSERT(m->space[from].alive && from != to);
	m->space[to] = m->space[from];
	for (uint32_t p = 0; p < WINDOW_PAGES; p++) {
		struct model_page *page = page_in(m, to, p);
		if (page->flags & MODEL_NO_FORK)
			model_clear(m, to, p, 1);
		else if (page->flags & MODEL_WIPE)
			forget_content(page);
		else if ((page->flags & (MODEL_PRESENT | MODEL_OWN)) == MODEL_PRESENT)
			page->flags |= MODEL_CORE_OPEN;
	}
}

void space_model_exit(struct space_model *m, uint32_t space)
{
	m->space[space].alive = false;
}

/* --- looking ---------------------------------------------------------------------------------- */

int64_t space_model_would(struct space_model *m, const struct space_call *call)
{
	m->kept = m->space[call->space];
	const int64_t answer = space_model_call(m, call, 0);
	m->space[call->space] = m->kept;
	return answer;
}

bool space_model_knows(struct space_model *m, const struct space_call *call)
{
	if (call->code != SPACE_MMAP || call->backed || (call->flags & MAP_TYPE) != MAP_SHARED)
		return true;
	return object_find(m) != MODEL_NO_OBJECT;
}

uint32_t space_model_first_mapped(const struct space_model *m, uint32_t space, uint64_t addr,
				  uint64_t length)
{
	if (!is_inside(addr)) return WINDOW_PAGES;
	const uint64_t end = min_u64(WINDOW_PAGES, page_of(addr) + (length >> PAGE_SHIFT));
	for (uint32_t p = page_of(addr); p < end; p++)
		if (mapped(m, space, p)) return p;
	return WINDOW_PAGES;
}

void space_model_unmap(struct space_model *m, uint32_t space, uint64_t addr, uint64_t length)
{
	model_munmap(m, space, addr, length);
}

const uint64_t *space_model_words(struct space_model *m, uint32_t space, uint32_t page)
{
	struct model_page *p = page_in(m, space, page);

	return model_beyond(m, p) ? NULL : words_seen(m, p);
}

uint32_t space_model_alive(const struct space_model *m)
{
	uint32_t alive = 0;

	for (uint32_t n = 0; n < SPACES_MAX; n++) alive |= (uint32_t)m->space[n].alive << n;
	return alive;
}
