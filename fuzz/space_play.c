/*
 * space_play.c -- a script of subject space played on the model alone, for its answers.
 *
 * The same operations are left out, and the same answers given, as where the kernel plays it
 * (space_fuzz.c) with memory without end.
 */
#include "fuzz/space_model.h"

static void play_access(struct space_model *m, const struct space_call *c, uint32_t op,
			struct answers *answers)
{
	const enum mach_access access = c->code == SPACE_LOAD    ? MACH_LOAD
					: c->code == SPACE_STORE ? MACH_STORE
								 : MACH_FETCH;
	uint64_t word = 0;
	const enum fault_answer answer = space_model_access(m, c->space, c->addr, access, c->word,
							    space_store_word(op), &word);

	answers_add(answers, ANSWER_VALUE, op, answer);
	if (answer == FAULT_DONE && access == MACH_LOAD)
		answers_add(answers, ANSWER_VALUE, op, word);
}

static void play_core(const struct space_model *m, const struct space_call *c, uint32_t op,
		      struct answers *answers)
{
	const uint32_t first = (uint32_t)((c->addr - WINDOW_START) >> PAGE_SHIFT);

	for (uint32_t n = 0; n < align_up(c->length, PAGE_SIZE) >> PAGE_SHIFT; n++) {
		const bool known = space_model_core_known(m, c->space, first + n);
		answers_add(answers, known ? ANSWER_VALUE : ANSWER_ANY, op,
			    space_model_in_core(m, c->space, first + n));
	}
}

static void play_call(struct space_model *m, const struct space_call *c, uint32_t op,
		      struct answers *answers)
{
	if (!space_model_knows(m, c)) {
		answers_add(answers, ANSWER_END, op, 0);
		return;
	}
	const int64_t answer = space_model_call(m, c, 0);
	answers_add(answers, m->open ? ANSWER_END : ANSWER_VALUE, op, (uint64_t)answer);
	if (c->code == SPACE_MINCORE && answer == 0) play_core(m, c, op, answers);
}

static void play_fork(struct space_model *m, const struct space_call *c, uint32_t op,
		      struct answers *answers)
{
	if (c->to == c->space) return;
	space_model_fork(m, c->space, c->to);
	answers_add(answers, ANSWER_VALUE, op, 1);
}

static void play_op(struct space_model *m, struct space_call *c, uint32_t op,
		    struct answers *answers)
{
	if (c->code == SPACE_EXIT) {
		if (space_model_alive(m) != 1u << c->space) space_model_exit(m, c->space);
		return;
	}
	c->space = space_resolve(space_model_alive(m), c->space);
	switch (c->code) {
	case SPACE_LOAD:
	case SPACE_STORE:
	case SPACE_FETCH: play_access(m, c, op, answers); return;
	case SPACE_FORK: play_fork(m, c, op, answers); return;
	default: play_call(m, c, op, answers); return;
	}
}

void space_model_play(struct space_model *m, const struct script *script,
		      const struct subject *subject, struct answers *answers)
{
	struct script_op aim = { .code = SPACE_AIM };

	space_model_init(m);
	for (uint32_t n = 0; n < script->ops; n++) {
		const struct script_op op = script_op_for(script, subject, n);
		if (op.code == SPACE_AIM) aim = op;
		if (op.code >= SPACE_CODES) continue;
		struct space_call call = space_call_read(&op, &aim);
		if (call.code == SPACE_AIM || call.code > SPACE_EXIT) continue;
		play_op(m, &call, n, answers);
	}
}
