/*
 * space_compare.c -- a space against its model, page by page, without touching anything.
 *
 * Entries are looked up in the tables and words read through the kernel's own map, so that nothing
 * comes into being by being looked at: a page that was never touched stays so.
 *
 *   - where the model has nothing, there is no entry;
 *   - an entry allows nothing that the region does not; none that is held allows anything;
 *   - a page written to is there, and every page that is there holds the model's words;
 *   - as many pages are mapped as the model says, and the one behind the window.
 *
 * Cost: a pass over the window's entries, and one over the model's 512 pages.
 */
#include "fuzz/space_fuzz.h"

#include "machine/machine.h"

static void refuse(const char *oracle, uint32_t n, uint32_t page, const char *what)
{
	kpanic(oracle, "space %u, page %u: %s", n, page, what);
}

static void compare_words(struct space_state *s, uint32_t n, uint32_t page, uint64_t entry)
{
	const uint8_t *at = mach_phys(entry_address(entry));
	const uint64_t *words = space_model_words(&s->model, n, page);

	if (words == NULL) refuse(ORACLE_SPACE, n, page, "there, behind the end of its object");
	for (uint32_t w = 0; w < WORDS_PER_PAGE; w++)
		if (*(const uint64_t *)(const void *)(at + space_word_address(0, w)) != words[w])
			refuse(ORACLE_CONTENT, n, page, "its words are not the model's");
}

static void compare_rights(uint32_t n, uint32_t page, uint64_t entry, uint32_t rights)
{
	if (!(entry & ENTRY_VALID)) {
		if (!(entry & ENTRY_HELD)) refuse(ORACLE_SPACE, n, page, "an entry of no kind");
		return;
	}
	if (rights == 0) refuse(ORACLE_PERM, n, page, "may be used, with no rights at all");
	if (!(entry & ENTRY_READ_ONLY) && !(rights & PROT_WRITE))
		refuse(ORACLE_PERM, n, page, "may be written to");
	if (!(entry & ENTRY_NOT_USER_EXEC) && !(rights & PROT_EXEC))
		refuse(ORACLE_PERM, n, page, "may be executed");
	if (!(entry & ENTRY_NOT_KERNEL_EXEC)) refuse(ORACLE_PERM, n, page, "the kernel's too");
	if (!(entry & ENTRY_NOT_GLOBAL)) refuse(ORACLE_PERM, n, page, "global");
}

/* Populated in the model, which the kernel may have had no memory for. */
static bool may_come_as_zeroes(const struct model_page *p)
{
	uint64_t words = 0;

	for (uint32_t w = 0; w < WORDS_PER_PAGE; w++) words |= p->words[w];
	return words == 0 && p->object == MODEL_NO_OBJECT;
}

static void compare_page(struct space_state *s, uint32_t n, uint32_t page, uint64_t entry)
{
	const struct model_page *p = &s->model.space[n].page[page];

	if (!(p->flags & MODEL_MAPPED)) {
		if (entry != 0) refuse(ORACLE_SPACE, n, page, "an entry where nothing is mapped");
		return;
	}
	if (entry == 0) {
		if ((p->flags & MODEL_OWN) && !may_come_as_zeroes(p))
			refuse(ORACLE_SPACE, n, page, "what was written is gone");
		return;
	}
	compare_rights(n, page, entry, p->rights);
	compare_words(s, n, page, entry);
}

static bool note_entry(void *context, uint64_t va, uint64_t entry)
{
	uint64_t *entries = context;

	entries[(va - WINDOW_START) >> PAGE_SHIFT] = entry;
	return true;
}

void space_compare(struct space_state *s, uint32_t n)
{
	uint64_t entries[WINDOW_PAGES] = { 0 };
	struct space_counts counts;
	uint32_t mapped = 0;

	space_count(s->space[n], &counts);
	pagetable_visit(&s->space[n]->table, WINDOW_START, WINDOW_END, note_entry, entries);
	for (uint32_t page = 0; page < WINDOW_PAGES; page++) {
		compare_page(s, n, page, entries[page]);
		mapped += (s->model.space[n].page[page].flags & MODEL_MAPPED) != 0;
	}
	if (counts.mapped != mapped + 1)
		kpanic(ORACLE_SPACE, "space %u: %lu pages mapped, the model has %u and one", n,
		       (unsigned long)counts.mapped, mapped);
}
