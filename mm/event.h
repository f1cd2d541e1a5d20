/*
 * event.h -- what mm/ has to say to its owner: out of memory in three distinct forms, and pressure.
 *
 * mm/ prints nothing.  The owner hands in one function; the kernel's prints a line that people and
 * machines can read, the suite's counts.  It is called with no lock of mm/ held, from whatever
 * context the caller of mm/ was in; it may not allocate.
 */
#ifndef MM_EVENT_H
#define MM_EVENT_H

#include "machine/base.h"

enum mm_event {
	MM_EVENT_PAGES_AT_GROWTH, /* the heap wanted to grow and there were no pages for it */
	MM_EVENT_NO_HEAP_BLOCK,   /* no suitable block in the heap, and its window is used up */
	MM_EVENT_CANNOT_GO_ON,    /* a caller that must not fail was refused */
	MM_EVENT_PRESSURE,        /* the pressure level changed; `pages` are free, `level` is new */
	MM_EVENTS
};

struct mm_report {
	uint64_t bytes; /* asked for; 0 where it does not apply */
	uint64_t align;
	uint64_t pages; /* free pages at that moment */
	uint32_t level; /* enum page_pressure */
	site_t site;    /* who asked */
};

struct mm_listener {
	void (*tell)(void *context, enum mm_event event, const struct mm_report *report);
	void *context;
};

static inline void mm_tell(const struct mm_listener *to, enum mm_event event,
			   const struct mm_report *report)
{
	if (to != NULL && to->tell != NULL) to->tell(to->context, event, report);
}

#endif
