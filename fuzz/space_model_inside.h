/*
 * space_model_inside.h -- between the model's own files.
 */
#ifndef FUZZ_SPACE_MODEL_INSIDE_H
#define FUZZ_SPACE_MODEL_INSIDE_H

#include "fuzz/space_model.h"
#include "machine/machine.h"

static inline uint32_t page_of(uint64_t addr)
{
	return (uint32_t)((addr - WINDOW_START) >> PAGE_SHIFT);
}

static inline uint64_t address_of(uint32_t page)
{
	return WINDOW_START + ((uint64_t)page << PAGE_SHIFT);
}

static inline bool is_inside(uint64_t addr)
{
	return addr >= WINDOW_START && addr < WINDOW_END;
}

static inline struct model_page *page_in(struct space_model *m, uint32_t space, uint32_t page)
{
	ASSERT(space < SPACES_MAX && page < WINDOW_PAGES);
	return &m->space[space].page[page];
}

static inline bool mapped(const struct space_model *m, uint32_t space, uint32_t page)
{
	return (m->space[space].page[page].flags & MODEL_MAPPED) != 0;
}

static inline bool anonymous(const struct model_page *p)
{
	return p->object == MODEL_NO_OBJECT;
}

/* What a page had of its own is gone. */
static inline void forget_own(struct model_page *p)
{
	p->flags &= (uint8_t) ~(MODEL_OWN | MODEL_PRESENT | MODEL_CORE_OPEN);
	memset(p->words, 0, sizeof(p->words));
}

static inline void forget_content(struct model_page *p)
{
	if (!(p->flags & MODEL_SHARED)) forget_own(p);
}

/* --- space_model.c: pages and objects --------------------------------------------------------- */

/* A new object of zeroes, or MODEL_NO_OBJECT. */
uint8_t model_object_new(struct space_model *m, uint32_t pages);

void model_clear(struct space_model *m, uint32_t space, uint32_t first, uint32_t pages);
bool model_any_mapped(const struct space_model *m, uint32_t space, uint32_t first, uint32_t pages);

/* Whether a page lies behind the end of its object. */
bool model_beyond(const struct space_model *m, const struct model_page *p);

/* The page is as if it had been written to, or read, once: what populating does. */
void model_touch(struct space_model *m, struct model_page *p, bool write);

/* --- space_model_calls.c ---------------------------------------------------------------------- */

/* Where a new mapping of `length` bytes, whole pages, goes; or an error. */
int64_t model_place(const struct space_model *m, uint32_t space, uint64_t hint, uint64_t length,
		    bool fixed);
int64_t model_munmap(struct space_model *m, uint32_t space, uint64_t addr, uint64_t length);

/* --- space_model_remap.c ---------------------------------------------------------------------- */

int64_t model_mremap(struct space_model *m, const struct space_call *call, int64_t actual);

#endif
