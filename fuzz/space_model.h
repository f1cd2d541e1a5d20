/*
 * space_model.h -- address spaces by another arithmetic: an array of pages for each, no tree, no
 * tables, no sharing.  What a call must answer, and what every page must then hold and allow.
 *
 * It follows Linux 6.1's rules, order of errors included.  It has memory without end; a caller
 * whose world has not may be refused what the model grants (MODEL_ROOM tells how much that takes).
 */
#ifndef FUZZ_SPACE_MODEL_H
#define FUZZ_SPACE_MODEL_H

#include "fuzz/frame/answers.h"
#include "fuzz/space_script.h"
#include "mm/space.h"

enum {
	MODEL_OBJECTS = 20, /* the first SOURCES are these; the others shared anonymous memory */
	MODEL_NO_OBJECT = 0xff,
};

enum model_page_flags {
	MODEL_MAPPED = 1 << 0,
	MODEL_SHARED = 1 << 1,
	MODEL_OWN = 1 << 2,     /* private: words[] are its own, not the object's or zero */
	MODEL_PRESENT = 1 << 3, /* private anonymous: touched, as mincore shows it */
	MODEL_NO_FORK = 1 << 4,
	MODEL_WIPE = 1 << 5,
	MODEL_CORE_OPEN = 1 << 6, /* a fork may have left its entry behind: unwritten */
};

/* One page of one space. */
struct model_page {
	uint8_t flags, rights;
	uint8_t object;  /* or MODEL_NO_OBJECT: zeroes */
	uint16_t offset; /* pages into it */
	uint16_t piece;  /* pages that one call mapped or changed have the same */
	uint64_t words[WORDS_PER_PAGE];
};

struct model_space {
	bool alive;
	uint64_t brk; /* bytes */
	struct model_page page[WINDOW_PAGES];
};

/* What a backing holds, seen by all who map it. */
struct model_object {
	uint32_t pages; /* 0: there is none */
	uint64_t words[WINDOW_PAGES][WORDS_PER_PAGE];
};

struct space_model {
	struct model_space kept; /* while a call is only tried */
	uint16_t pieces;         /* so many were numbered */
	bool open;               /* the last answer is one that Linux leaves open */
	struct model_space space[SPACES_MAX];
	struct model_object object[MODEL_OBJECTS];
};

/* An answer that a model cannot give: it is out of objects. */
#define MODEL_DOES_NOT_KNOW INT64_MIN

void space_model_init(struct space_model *m);

/*
 * What a call answers; applies it.  Places are those that Linux finds.  Whether two neighbours that
 * are alike are one region depends on their history there; an mremap that reaches over such a
 * border may be refused (ERR_FAULT), and if `actual` is that, it is.  m->open says that it was so.
 */
int64_t space_model_call(struct space_model *m, const struct space_call *call, int64_t actual);

/* The same without applying it. */
int64_t space_model_would(struct space_model *m, const struct space_call *call);

/* Whether the model has what it takes to follow the call: an object to spare. */
bool space_model_knows(struct space_model *m, const struct space_call *call);

/* The first page of a range that is mapped, or WINDOW_PAGES; unmapping all of it. */
uint32_t space_model_first_mapped(const struct space_model *m, uint32_t space, uint64_t addr,
				  uint64_t length);
void space_model_unmap(struct space_model *m, uint32_t space, uint64_t addr, uint64_t length);

/* What a page's words are, or NULL behind the end of its object. */
const uint64_t *space_model_words(struct space_model *m, uint32_t space, uint32_t page);

/* What mincore says of a page; known of private anonymous pages only: for others nobody promises
 * anything. */
bool space_model_in_core(const struct space_model *m, uint32_t space, uint32_t page);
bool space_model_core_known(const struct space_model *m, uint32_t space, uint32_t page);

/* What an access meets; FAULT_DONE: *word is what is there before it, and a store writes `store`.
 *  */
enum fault_answer space_model_access(struct space_model *m, uint32_t space, uint64_t va,
				     enum mach_access access, uint32_t word_index, uint64_t store,
				     uint64_t *word);

void space_model_fork(struct space_model *m, uint32_t from, uint32_t to);
void space_model_exit(struct space_model *m, uint32_t space);

/* A bit for each space that is alive. */
uint32_t space_model_alive(const struct space_model *m);

/* Plays a whole script and writes down what is answered (space_play.c). */
void space_model_play(struct space_model *m, const struct script *script,
		      const struct subject *subject, struct answers *answers);

#endif
