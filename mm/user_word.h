/*
 * user_word.h -- single words of users' memory, for futexes: read and changed without a fault under
 * whatever locks the caller has; and what a word is to those who see it from several spaces.
 *
 * `va` is a multiple of 4.  Locks: the space's; none of rank RANK_SPACE or above is held.
 */
#ifndef MM_USER_WORD_H
#define MM_USER_WORD_H

#include "mm/space.h"

enum user_word {
	WORD_DONE,
	WORD_DIFFERS, /* it is not what it was to be; nothing was changed */
	WORD_AWAY,    /* an access would fault: user_word_touch() without locks, and again */
};

/* Never allocates, never waits for anything but the lock. */
enum user_word user_word_read(struct space *s, uint64_t va, uint32_t *value);

/* From `was` to `now` in one step that the user's own atomic instructions see as one; *found is
 * what was there.  WORD_AWAY also where the page must be copied before it is written. */
enum user_word user_word_change(struct space *s, uint64_t va, uint32_t was, uint32_t now,
				uint32_t *found);

/* Answers the fault that a load or a store there would make: false where there is no answer. */
bool user_word_touch(struct space *s, uint64_t va, enum mach_access access);

/* A word of a backing, whoever maps it; or one that is only this space's. */
struct user_word_name {
	struct backing *backing; /* held for the caller; NULL: the space's own */
	uint64_t offset;         /* bytes into it, or the address */
};

/*
 * Brings the page in, so that it could be written to, and says what the word is.  Where it may not
 * be written and that is not needed, one that a file's page shows is that file's.
 * False: it cannot be accessed so.
 */
bool user_word_name(struct space *s, uint64_t va, bool to_write, struct user_word_name *name);

#endif
