/*
 * space_stress.h -- what the files of the stress of spaces share.
 *
 * Words stand in for contents: each page that a program touched has one, at an offset that its key
 * decides, and is zero elsewhere.
 */
#ifndef STRESS_SPACE_STRESS_H
#define STRESS_SPACE_STRESS_H

#include "kernel/vm.h"
#include "stress/stress.h"

/* The word of page `page` of something with that key: never 0. */
uint64_t space_word(uint64_t key, uint64_t page);

/* Where in a page of that key it stands; a multiple of 8. */
uint64_t space_word_offset(uint64_t key, uint64_t page);

/* Loads or stores 8 bytes as a program of `s` would.  False: refused for want of memory, which is
 * counted; anything else that is not FAULT_DONE is told as wrong contents. */
bool space_reads(struct space *s, uint64_t va, uint64_t *value);
bool space_writes(struct space *s, uint64_t va, uint64_t value);

/* Tells that page `page` of `pages` holds something else, or that a call answered wrongly. */
void space_is_wrong(const char *when, uint64_t page, uint64_t pages);

/* Whether an answer is 0 or an address; a refusal for want of memory is counted, anything else
 * told as wrong. */
bool space_granted(const char *call, int64_t answer);

/* Tells when something is mapped in a space that everybody has left. */
void space_must_be_empty(struct space *s);

/* Misdeeds of the plan, after each operation. */
void space_misbehaves(const struct stress_plan *plan, uint32_t operation);

/* --- children (space_fork.c) ------------------------------------------------------------------ */

/* Parents are made, on CPU 0, and retired, with what is in the mailboxes for children. */
void forks_open(void);
void forks_close(void);

/* A child is cloned, used, written to and retired, here or on another CPU. */
void fork_operate(const struct stress_turn *turn, struct random *random);

/* --- all memory (space_fill.c) ---------------------------------------------------------------- */

void space_fill(const struct stress_turn *turn, struct random *random);
void space_spill(const struct stress_turn *turn, struct random *random);

#endif
