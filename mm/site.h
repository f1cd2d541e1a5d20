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
	size_t r = 0;

	while (r < *rows && table[r].site != site) r++;
	if (r == room) return false;
	if (r == *rows) table[(*rows)++] = (struct site_row){ .site = site };
	table[r].objects++;
	table[r].bytes += bytes;
	return true;
}

#endif
