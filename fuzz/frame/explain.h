/*
 * explain.h -- what a run did, noted point by point and shown: as text and as a drawing.
 */
#ifndef FUZZ_EXPLAIN_H
#define FUZZ_EXPLAIN_H

#include <stdio.h>

#include "fuzz/frame/harness.h"

/* Memory for the last `most` events, shared with children. */
void explain_open(uint32_t most);

/* In the child: from here on runs are noted. */
void explain_watch(void);

/* Afterwards, with harness->script the script that ran: the events as lines, and as SVG. */
void explain_tell(FILE *out);
void explain_draw(FILE *out);

#endif
