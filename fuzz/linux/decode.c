/*
 * decode.c -- the player's other half: operations to calls, with the decoder that all players
 * share.
 */
#include "fuzz/linux/player.h"
#include "fuzz/space_script.h"
#include "machine/machine.h"
#include "mm/space.h"

_Static_assert(PLAY_DONE == (int)FAULT_DONE && PLAY_NOT_MAPPED == (int)FAULT_NOT_MAPPED &&
		       PLAY_NOT_ALLOWED == (int)FAULT_NOT_ALLOWED &&
		       PLAY_BEYOND == (int)FAULT_BEYOND,
	       "one word for what an access came to");

/* What a player has between its operations. */
struct state {
	struct script script;
	struct script_op aim;
};

_Static_assert(sizeof(struct state) <= sizeof(((struct player_script *)0)->room), "fits");

/* The table, for the decoder alone. */
void space_step(struct run *run, const struct script_op *op)
{
	(void)run, (void)op;
}

static const struct subject table = {
	.name = "space",
	.ops = space_operations,
	.op_count = SPACE_CODES,
};

const struct subject *const subjects[] = { &table, NULL };

void player_open(struct player_script *s, const uint8_t *body, size_t bytes)
{
	struct state *state = (void *)s->room;

	script_open(&state->script, body, bytes);
	state->aim = (struct script_op){ .code = SPACE_AIM };
	s->ops = state->script.ops;
}

struct play_call player_call(struct player_script *s, uint32_t n)
{
	struct state *state = (void *)s->room;
	const struct script_op op = script_op_for(&state->script, &table, n);

	if (op.code >= SPACE_CODES) return (struct play_call){ .code = SPACE_CODES };
	if (op.code == SPACE_AIM) state->aim = op;
	const struct space_call c = space_call_read(&op, &state->aim);
	return (struct play_call){
		.code = c.code,
		.space = c.space,
		.to = c.to,
		.addr = c.addr,
		.length = c.length,
		.new_addr = c.new_addr,
		.new_length = c.new_length,
		.prot = c.prot,
		.flags = c.flags,
		.advice = c.advice,
		.backed = c.backed,
		.source = c.source,
		.offset_page = c.offset_page,
		.store = space_store_word(n),
	};
}
