/*
 * symbols.c -- looking up function names.
 *
 * tools/build/symbols.sh turns the list of functions of a first link into a table, in a section of
 * its own behind the text, for a second link (tools/build/kernel.bzl).  Rows are sorted by address,
 * each an offset from image_start and an offset into the names.
 *
 * Always true: the table is sorted; the name of a function lies inside the table's text.
 * Cost: a binary search.
 */
#include "kernel/symbols.h"

#include "machine/aarch64/boot.h"

struct symbol {
	uint32_t text; /* from image_start */
	uint32_t name; /* from symbol_names */
};

/* The generated table. */
extern const uint32_t symbol_count;
extern const struct symbol symbol_table[];
extern const char symbol_names[];

const char *symbol_find(uintptr_t address, uint64_t *offset)
{
	if (address < (uintptr_t)image_start || address >= (uintptr_t)text_end) return NULL;
	const uint64_t at = address - (uintptr_t)image_start;
	if (symbol_count == 0 || at < symbol_table[0].text) return NULL;
	uint32_t low = 0, high = symbol_count; /* low's text <= at < high's */
	while (high - low > 1) {
		const uint32_t middle = low + (high - low) / 2;
		if (symbol_table[middle].text <= at)
			low = middle;
		else
			high = middle;
	}
	*offset = at - symbol_table[low].text;
	return symbol_names + symbol_table[low].name;
}

const char *symbol_of_site(site_t site, uint64_t *offset)
{
	return site == SITE_NONE ? NULL : symbol_find((uintptr_t)image_start + site, offset);
}

site_t symbol_site(const void *return_address)
{
	const uintptr_t at = (uintptr_t)return_address;
	if (at < (uintptr_t)image_start || at >= (uintptr_t)text_end) return SITE_NONE;
	return (site_t)(at - (uintptr_t)image_start);
}
