/*
 * heap.h -- a score about the allocator being played (fuzz/malloc_score.h): what its parts tell
 * each other.
 */
#ifndef USER_REPLAY_HEAP_H
#define USER_REPLAY_HEAP_H

#include "user/malloc/malloc.h"
#include "user/replay/words.h"

enum { THREADS = 8, HANDLES = 64, EXIT_DIFFERS = 1, EXIT_BAD_FILE = 3, EXIT_NO_ROOM };

/* Where the break was at first, and where mappings may lie. */
struct where {
	char *broke, *area;
	size_t bytes; /* of that */
};

/* The line that is being played: for who tells of it. */
struct place_in_file {
	const char *name;
	int name_length;
	unsigned number; /* of the line */
	struct words line;
};

/* One score's, in its process, of which a fork's child has a copy. */
struct play {
	struct umalloc heap;
	struct where where;
	struct place_in_file now;
	bool vague;    /* an unmap was refused: what waits is not known block by block */
	bool remapped; /* by the operation that is under way */
	unsigned misused, verdict; /* how often, and the last */
};
extern struct play play;

/* What all processes of all scores add to. */
struct tally {
	_Atomic unsigned lines;
};
extern struct tally *tally;

/* Something is otherwise than the line says: told, and the score is over. */
__attribute__((noreturn, format(printf, 1, 2))) void differs(const char *format, ...);

/* The file is no score. */
__attribute__((noreturn)) void no_score(void);

/* A place by its word; false: it is none. */
bool place_next(struct words *w, void **at);

/* "%16" or the like, for telling. */
struct place_text {
	char text[40];
};
struct place_text place_say(const void *at);

/* --- heap_port.c: what the allocator asks of the kernel -------------------------------------- */

extern const struct umalloc_calls watched;

/* The next operation will ask for what the line says, behind "asks". */
void ask_expect(struct words line);

/* The operation is over: nothing may be left. */
void ask_end(void);

/* --- heap_does.c: operations ----------------------------------------------------------------- */

/* Does what a line says, behind the thread's number; `cached`: by a thread that has a cache. */
void heap_does(struct words line, bool cached);
void heap_stats(struct words line);

/* Every block has what it should have, and the structures are sound. */
void heap_verify(void);

#endif
