/*
 * play.h -- a score being played: what its parts tell each other.  The form of scores is in
 * fuzz/frame/score.h.
 */
#ifndef USER_REPLAY_PLAY_H
#define USER_REPLAY_PLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ACTORS_MAX = 16,
	ARGUMENTS = 6,
	CONDUCTOR = ACTORS_MAX,
	STACK_BYTES = 49152, /* handlers in handlers have a frame each */
	TAKEN_MAX = 64,
	PATH_BYTES = 64,
};

/* --- lines (line.c) --------------------------------------------------------------------------- */

enum verb {
	DO_CALL,
	DO_LEAVE,
	DO_BEGIN,
	DO_END,
	DO_REST,
	DO_FORK,
	DO_THREAD,
	DO_SHARE,
	DO_STORE,
	DO_LOAD,
	DO_PUT,
	DO_GET,
	DO_SET,
	DO_SEE,
	DO_HANDLE,
	DO_TAKE,
	DO_LIST,
	DO_WRITE,
	DO_CUT,
	DO_EXEC,
	DO_GONE,
	DO_STOPPED
};

/* What an access comes to; the fault handler answers with it. */
enum access { ACCESS_DONE, ACCESS_UNMAPPED, ACCESS_REFUSED, ACCESS_BEYOND, ACCESS_WAYS };

/* What comes of execve, beside an error. */
enum { EXEC_RUNS, EXEC_DIES };

/* A number as a score has it. */
struct number {
	enum { PLAIN, TASK, PARENT, BREAK } kind;
	int64_t value; /* a number, an actor, nothing, or bytes from the break */
};

struct line {
	enum verb verb;
	unsigned actor, other; /* who does it; whom it is about */
	uint32_t call;         /* a system call's number */
	enum access access;    /* what an access is to come to */
	struct number
		arg[ARGUMENTS]; /* of calls; of others address or signal, and values or flags */
	bool doubt;             /* kernels are free to answer otherwise */
	struct number answer;   /* of calls, and what is loaded */
	const char *bytes;      /* in the text: pairs of digits; or strings, a word */
	size_t count;           /* of bytes; or of the word */
	const char *path;       /* in the text, */
	size_t path_length;     /* less than PATH_BYTES */
	const char *text;       /* the line itself, */
	int length;             /* so long, */
	unsigned number;        /* the file's so-and-so-manieth */
};

struct score {
	const char *name;
	int name_length;
	struct line *line; /* mapped: `room` bytes */
	uint32_t lines;
	size_t room;
};

/* `count` of the bytes that a line has, from `at` on. */
void line_bytes(const struct line *l, size_t at, void *to, size_t count);

/* Reads what *text begins with, up to its "end", and moves on; *number counts the file's lines.
 * False: it is no score, which was said. */
bool score_read(struct score *s, const char **text, unsigned *number);

/* What a handler was given. */
struct taken {
	int sig, code;
	uint64_t value;
};

/* A call that others go on beside: between "begins" and "ends". */
enum in_call { NOT_IN_CALL, IN_CALL, BACK_FROM_CALL };

/* --- what all processes of a score share (play.c) --------------------------------------------- */

/* Made anew for each score. */
struct stage {
	struct score score;
	_Atomic uint32_t now; /* which line is done; `lines`: all are, or it is over */
	struct {
		int32_t tid, pid;
		_Atomic uint32_t call; /* enum in_call: of one that it sleeps in */
		int64_t answer;        /* of that, once it is back */
		/* Signals that it took, and how many of these lines have told. */
		_Atomic uint32_t taken, told;
		struct taken took[TAKEN_MAX];
	} task[ACTORS_MAX];
	int32_t parent; /* of actor 0 */
	uint64_t broke; /* where the break was, page-aligned */
	uint32_t done;  /* lines, with what they say */
	bool differs;
};
extern struct stage *stage;

/* The line is done: whose turn is next. */
void turn_next(void);

/* The rest of the score is left out. */
void turn_last(void);

/* Something was otherwise than the line says: told, and the score is over. */
void turn_differs(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says a line of ours, wherever standard output is now. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What a number of a score is here. */
int64_t number_here(struct number n);

/* --- actors (actor.c) ------------------------------------------------------------------------- */

/* What fork() is here: begins an actor as a process; its number or -1. */
int32_t actor_first(void);

/* A system call as it is: no errno, no cancelling. */
int64_t call_raw(uint32_t number, const int64_t arg[ARGUMENTS]);

/* --- exec.c: files, and running them ---------------------------------------------------------- */

void does_file(const struct line *l);
void does_exec(const struct line *l);

/* --- access.S --------------------------------------------------------------------------------- */

enum access access_store(uint64_t at, uint64_t value);
enum access access_load(uint64_t at, uint64_t *value);
extern const char access_begins[], access_ends[], access_failed[];
int64_t spawn_at(uint64_t flags, void *stack_top, unsigned actor);

#endif
