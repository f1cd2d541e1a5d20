/*
 * syscall.c -- what few system calls come to: numbers that mean nothing, and answers that are not
 * for the program.
 *
 * Locks: none here.
 */
#include "kernel/syscall/syscall.h"

_Static_assert(SYS_CALLS + 1 <= 64 * COUNT_OF(((struct task_world *)0)->unknown_calls),
	       "a bit for each number, and one for all beyond");

/* --- numbers that mean nothing ---------------------------------------------------------------- */

struct line {
	char text[96];
	uint32_t bytes;
};

static void line_add(struct line *l, const char *text)
{
	while (*text != 0 && l->bytes < sizeof l->text - 1) l->text[l->bytes++] = *text++;
	l->text[l->bytes] = 0;
}

static void line_add_number(struct line *l, uint32_t n)
{
	char digits[11];
	uint32_t at = sizeof digits - 1;

	digits[at] = 0;
	do digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	line_add(l, digits + at);
}

/* Said once for each number, and once for all that are beyond Linux's. */
int64_t syscall_unknown(struct task *t, uint32_t number)
{
	struct task_world *w = t->group->world;
	struct line line = { .bytes = 0 };

	if (atomic_bit_set(w->unknown_calls, number < SYS_CALLS ? number : SYS_CALLS))
		return -ERR_NOSYS;
	line_add(&line, "syscall: no call ");
	line_add_number(&line, number);
	line_add(&line, ", asked for by task ");
	line_add_number(&line, (uint32_t)t->tid);
	if (w->config.machine.say != NULL) w->config.machine.say(w->config.machine.arg, line.text);
	return -ERR_NOSYS;
}

/* --- all calls -------------------------------------------------------------------------------- */

/* Not for the program: task_work() will see to it. */
void syscall_interrupted(struct task *t, int64_t answer)
{
	if (answer == ANSWER_IN_REGS) return;
	ASSERT(answer <= RESTART_SYS && answer >= RESTART_CALL);
	t->interrupted = (int32_t)answer;
	atomic_store_u32(&t->work, 1);
}
