/*
 * site.h -- who asked: tables of pages, objects and bytes by call site, filled by walking.
 */
#ifndef MM_SITE_H
#define MM_SITE_H

#include "machine/base.h"

struct site_row {
	site_t site;
	uint32_t objects; /* pages count as one object each */
	uint64_t bytes;
};

/*
 * Which sites a table has, roughly: a bit that is not set says of all sites with that remainder
 * that they are not in it.  Most walks meet most sites once, and need not look through the table.
 */
struct site_filter {
	uint64_t seen[4];
};

static inline uint64_t *site_filter_word(struct site_filter *filter, site_t site)
{
	return &filter->seen[site >> 6 & 3];
}

/* The filter of a table as it is when a walk begins. */
static inline struct site_filter site_filter_of(const struct site_row *table, size_t rows)
{
	struct site_filter filter = { { 0 } };

	for (const struct site_row *row = table; row < table + rows; row++)
		*site_filter_word(&filter, row->site) |= 1ull << (row->site & 63);
	return filter;
}

/* Adds one object to its site's row, a new one if need be; false when the table is full. */
static inline bool site_row_add(struct site_row *table, size_t room, size_t *rows,
				struct site_filter *filter, site_t site, uint64_t bytes)
{
	uint64_t *seen = site_filter_word(filter, site);
	struct site_row *const end = table + *rows;
	struct site_row *row = (*seen >> (site & 63) & 1) != 0 ? table : end;

	while (row != end && row->site != site) row++;
	if (row == end) {
		if (*rows == room) return false;
		*row = (struct site_row){ .site = site };
		*seen |= 1ull << (site & 63);
		(*rows)++;
	}
	row->objects++;
	row->bytes += bytes;
	return true;
}

#endif
