/*
 * page.h -- what the parts of the page (page.c, page_tables.c) share.
 */
#ifndef STRESS_NIGHTLY_PAGE_H
#define STRESS_NIGHTLY_PAGE_H

#include "stress/nightly/night.h"

/* The output of an item's last run, or NULL; free() it. */
char *page_log(const struct night *night, const struct item *item);

/* A few lines: of each kind of items how many, what they did, and what is wrong with them. */
void page_glance(struct words *w, const struct night *night);

/* A table for each kind of items. */
void page_tables(struct words *w, const struct night *night);

#endif
