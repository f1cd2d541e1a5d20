/*
 * player.h -- between the player's two halves, which cannot see each other's headers: Linux's own
 * and the kernel's define the same names.
 */
#ifndef FUZZ_LINUX_PLAYER_H
#define FUZZ_LINUX_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz/answers.h"
#include "fuzz/space_window.h"

/* What an access came to: enum fault_answer. */
enum { PLAY_DONE, PLAY_NOT_MAPPED, PLAY_NOT_ALLOWED, PLAY_BEYOND };

struct play_call {
	enum space_code code;
	uint32_t space, to;
	uint64_t addr, length, new_addr, new_length;
	uint32_t prot, flags;
	int advice;
	bool backed;
	uint32_t source, offset_page;
	uint64_t store;
	int child; /* a fork's answer */
};

struct player_script {
	uint32_t ops;
	uint64_t room[64]; /* struct script and the last aim, which only the other half knows */
};

void player_open(struct player_script *s, const uint8_t *body, size_t bytes);
struct play_call player_call(struct player_script *s, uint32_t op);

#endif
