/*
 * usercopy_model.h -- what the pages of users hold and who may touch them, by the model's own
 * arithmetic: nothing here looks at the product.
 *
 * A space has sixteen places for pages, four in a row at each of four bases that differ in what
 * lies around them: the lowest address, the end of a table, the end of a tree of the first level,
 * the end of the user's half.  Everything else is never mapped.
 */
#ifndef FUZZ_USERCOPY_MODEL_H
#define FUZZ_USERCOPY_MODEL_H

#include "machine/base.h"

enum {
	SPACES = 3,
	ROWS = 4,
	ROW_PAGES = 4,
	PLACES = ROWS * ROW_PAGES,
	FILE_PAGES = PLACES - 2, /* the file ends before the last places do */
	PLACE_NONE = PLACES,
};

enum { KIND_ZEROES, KIND_FILE, KIND_SHARED_ZEROES, KIND_SHARED_FILE, KINDS };
enum { RIGHT_READ = 1, RIGHT_WRITE = 2, RIGHT_EXEC = 4 };
enum user_access { ACCESS_LOAD, ACCESS_STORE };

/* What an access at a page leads to. */
enum user_verdict { USER_FINE, USER_UNMAPPED, USER_REFUSED, USER_BEYOND };

struct model_page {
	bool mapped, own; /* own: a private page that was written to */
	uint8_t kind, rights;
};

struct usercopy_model {
	struct model_page page[SPACES][PLACES];
	uint8_t own[SPACES][PLACES][PAGE_SIZE];
	uint8_t shared[PLACES][PAGE_SIZE]; /* of the one shared mapping of zeroes, where written */
	uint8_t file[FILE_PAGES][PAGE_SIZE];
	uint32_t shared_written, file_written; /* a bit per page: it is in the arrays above */
};

void user_model_init(struct usercopy_model *m);

/* The address of a place; and the place an address is in, or PLACE_NONE. */
uint64_t user_model_address(uint32_t place);
uint32_t user_model_place(uint64_t va);

/* What the file has at first. */
uint8_t user_model_file_byte(uint32_t page, uint32_t offset);

void user_model_map(struct usercopy_model *m, uint32_t space, uint32_t place, uint32_t kind,
		    uint32_t rights);
void user_model_unmap(struct usercopy_model *m, uint32_t space, uint32_t place);
void user_model_fork(struct usercopy_model *m, uint32_t from, uint32_t to);
void user_model_exit(struct usercopy_model *m, uint32_t space);

enum user_verdict user_model_verdict(const struct usercopy_model *m, uint32_t space, uint64_t va,
				     enum user_access access);

/* How many of the `bytes` bytes from `va` on can be reached, one after the other. */
size_t user_model_reach(const struct usercopy_model *m, uint32_t space, uint64_t va, size_t bytes,
			enum user_access access);

uint8_t user_model_byte(const struct usercopy_model *m, uint32_t space, uint64_t va);

/* Whether `bytes` bytes, which lie in one page, are those at `va`. */
bool user_model_same(const struct usercopy_model *m, uint32_t space, uint64_t va,
		     const uint8_t *bytes, size_t count);

/* The user, or the kernel for it, wrote `count` bytes at `va`, in one page. */
void user_model_write(struct usercopy_model *m, uint32_t space, uint64_t va, const uint8_t *bytes,
		      size_t count);

#endif
