/*
 * player.h -- between the player's parts.  Those that know Linux's headers cannot see the kernel's,
 * which define the same names; decode.c knows the kernel's.
 */
#ifndef FUZZ_LINUX_PLAYER_H
#define FUZZ_LINUX_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz/frame/answers.h"
#include "fuzz/space_window.h"

/* What an access came to: enum fault_answer. */
enum { PLAY_DONE, PLAY_NOT_MAPPED, PLAY_NOT_ALLOWED, PLAY_BEYOND };

/* --- decode.c --------------------------------------------------------------------------------- */

struct play_call {
	enum space_code code;
	uint32_t space, to;
	uint64_t addr, length, new_addr, new_length;
	uint32_t prot, flags;
	int advice;
	bool backed;
	uint32_t source, offset_page;
	uint64_t store;
};

struct player_script {
	uint32_t ops;
	uint64_t room[64]; /* struct script and the last aim, which only decode.c knows */
};

/* The body stays where it is while the script is played. */
void player_open(struct player_script *s, const uint8_t *body, size_t bytes);

/* Operation `op`; each is asked for in order, once or several times in a row. */
struct play_call player_call(struct player_script *s, uint32_t op);

/* --- setup.c ---------------------------------------------------------------------------------- */

struct player_setup {
	const uint8_t *batch, *batch_end; /* the file /batch */
	int file[SOURCES];
	uint8_t *source[SOURCES]; /* their contents */
};

/* All of it; after this, nothing is free but the window. */
void setup_all(struct player_setup *setup);

/* The files' contents as new. */
void setup_sources(struct player_setup *setup);

/* --- player.c --------------------------------------------------------------------------------- */

/* Says why, with errno's name, and powers off. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

#endif
