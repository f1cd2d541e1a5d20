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

/* Adds one object to its site's row, a new one if need be; false when the table is full. */
static inline bool site_row_add(struct site_row *table, size_t room, size_t *rows, site_t site,
				uint64_t bytes)
{
	struct site_row *row = table, *const end = table + *rows;

	while (row != end && row->site != site) row++;
	if (row == end) {
		if (*rows == room) return false;
		*row = (struct site_row){ .site = site };
		(*rows)++;
	}
	row->objects++;
	row->bytes += bytes;
	return true;
}

#endif
