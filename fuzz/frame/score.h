/*
 * score.h -- what the tasks of a run do, written down for a program that does it again.
 *
 * A script of system calls says what is to be tried; what comes of it, who is there to do it, and
 * the numbers of calls and their arguments are known when it has run.  A run that has a score
 * writes a line for each thing that an actor does, in the order in which they happen, with what it
 * came to.  user/replay plays such a score, as a program, on any kernel of Linux's interface, and
 * compares.  Who reads it must know no subject.  Where the first line is "player NAME", lines are
 * another player's (malloc_score.h).
 *
 *	N call NR A B C D E F = ANSWER   actor N makes a system call
 *	N call NR A B C D E F leaves     the same, and does not come back from it
 *	N begins NR A B C D E F          makes one that it sleeps in; others go on meanwhile
 *	N ends = ANSWER                  it is back from that
 *	- rest                           all that are in a call sleep, or are stopped: none is back
 *	N fork M G = @M                  actor M begins as N's child,
 *	N thread M G = @M                as a thread of its group,
 *	N share M G = @M                 or as a child that has its memory; G is in the upper half
 *	                                 of the flags, which nobody is to look at
 *	N store ADDRESS VALUE = HOW      8 bytes: done, unmapped, refused or beyond
 *	N load ADDRESS = VALUE           or how it fails
 *	N put ADDRESS BYTES              bytes in its memory are these from now on (hexadecimal);
 *	N get ADDRESS BYTES              are these
 *	N set ADDRESS NUMBER             a number of 4 bytes is this from now on;
 *	N see ADDRESS NUMBER             is this
 *	N handle SIGNAL FLAGS            a handler is there for it: it does nothing, or (FLAGS has
 *	                                 SA_SIGINFO) writes down what it is given
 *	N takes SIGNAL CODE VALUE        this is the next that it wrote down; there is none besides
 *	                                 when N makes its next call
 *	N list ADDRESS U = NAMES         which of /f0 to /f2 the root has, by bits, asked for in
 *	                                 80 bytes a piece; U 1: what one told of is unlinked, if
 *	                                 it is no folder
 *	N write PATH AT BYTES            a file, made where there is none, has these bytes there,
 *	N cut PATH SIZE                  and this size
 *	N exec PATH STRINGS = HOW        a child runs it: an error, or it dies of it, or runs
 *	- gone M                         actor M is gone, with all that was only its
 *	- stopped M                      it is stopped, wherever it was
 *
 * An answer with a "?" behind it is one that kernels are free to give otherwise, as how much there
 * is room for in a pipe: where one does, the score ends there (but for exec, on which nothing that
 * follows depends), and does not differ.
 *
 * Where calls sleep, a score tells what became of a calm run (calm.c): one actor does something at
 * a time, and only where all others are at rest.  So whoever comes back between two "rest" lines
 * was let go by what was done in between, and an actor that is back at one of them has woken, or
 * never slept, by itself.
 *
 * STRINGS are arguments (a) and environment (e), each a letter so many times: "ax12.ey3", or "-".
 *
 * Numbers are decimal and may be negative, or hexadecimal (0x).  @M is the number of the task that
 * actor M is, @- that of the first one's parent, %N an address: the break as it was at first, and N
 * bytes.  Lines that begin with "#" are remarks.
 */
#ifndef FUZZ_SCORE_H
#define FUZZ_SCORE_H

#include "machine/base.h"

/* The caller's; text is closed by a NUL. */
struct score {
	char *text;
	size_t room, used;
	bool full;  /* there was more than had room */
	bool ended; /* what follows is left out on purpose */
	/* A call's line that is not closed yet: where it begins, and its verb; its actor. */
	bool asks;
	unsigned caller;
	size_t line_at, verb_at;
	uint32_t asleep;  /* actors, by bit: what they are in was written as begun */
	size_t rested_at; /* where the last "rest" ends */
};

/* Appends; nothing where there is no score.  What does not fit is left out, and all after it. */
void score_say(struct score *s, const char *format, ...) PRINTF_LIKE(2, 3);

/* What follows, and a call that is not closed, could be done nowhere else: nothing more is taken,
 * and it is said why. */
void score_end(struct score *s, const char *why);

/*
 * A call that may sleep: score_asks() begins its line, which its number and arguments continue;
 * score_back() begins what its answer continues.  In between score_sleeps() says that it sleeps,
 * which whoever goes on meanwhile does before he says anything; else it is a call like others.
 */
void score_asks(struct score *s, unsigned actor);
void score_sleeps(struct score *s);
void score_back(struct score *s, unsigned actor);

/* All that are in a call sleep in it, for good: somebody else is about to do something. */
void score_rest(struct score *s);

/* The actor is gone, asleep or not. */
void score_lost(struct score *s, unsigned actor);

/* A number, in the form that is easier to read. */
void score_number(struct score *s, uint64_t value);

/* Bytes as hexadecimal digits. */
void score_bytes(struct score *s, const void *bytes, size_t count);

#endif
