/*
 * syscall_test.c -- the way from a number to a call and back, with calls of the test's own.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/syscall/syscall.h"
#include "machine/host/expect.h"

static struct task_world world;
static struct task_group group = { .world = &world };
static struct user_regs regs;
static struct task self = { .group = &group, .tid = 17, .regs = &regs };

static int64_t answers; /* what the next call answers */
static uint32_t calls, lines;
static char last_line[128];

static int64_t call_answers(struct task *t, const uint64_t *arg)
{
	EXPECT(t == &self);
	for (uint64_t n = 0; n < 6; n++) EXPECT(arg[n] == 100 + n);
	calls++;
	return answers;
}

static int64_t call_moves(struct task *t, const uint64_t *arg)
{
	(void)arg;
	t->regs->x[0] = 0xabcd;
	t->regs->pc = 0x4000;
	return ANSWER_IN_REGS;
}

syscall_fn *const syscall_table[SYS_CALLS] = {
	[SYS_io_setup] = call_answers,
	[SYS_CALLS - 1] = call_answers,
	[SYS_rt_sigreturn] = call_moves,
};

static void say(void *arg, const char *line)
{
	EXPECT(arg == &lines);
	lines++;
	snprintf(last_line, sizeof last_line, "%s", line);
}

static void does(uint64_t number, int64_t answer)
{
	for (uint64_t n = 0; n < 31; n++) regs.x[n] = 100 + n;
	regs.x[8] = number;
	answers = answer;
	self.work = 0;
	self.interrupted = 0;
	syscall_do(&self);
}

static void test_answers(void)
{
	does(SYS_io_setup, 7);
	EXPECT(calls == 1 && regs.x[0] == 7);
	does(SYS_CALLS - 1, -ERR_INVAL);
	EXPECT(calls == 2 && (int64_t)regs.x[0] == -ERR_INVAL);
	does(SYS_io_setup, ANSWER_LOWEST_ERRNO);
	EXPECT((int64_t)regs.x[0] == ANSWER_LOWEST_ERRNO);
	does(SYS_io_setup, INT64_MAX);
	EXPECT(regs.x[0] == INT64_MAX && self.work == 0 && self.interrupted == 0);
	does(0xffffffff00000000 | SYS_io_setup, 1); /* the upper half is not looked at */
	EXPECT(calls == 5 && regs.x[0] == 1 && regs.x[1] == 101 && regs.x[8] != 0);
}

static void test_interrupted(void)
{
	for (int64_t a = RESTART_CALL; a <= RESTART_SYS; a++) {
		does(SYS_io_setup, a);
		EXPECT(regs.x[0] == 100 && self.interrupted == a && self.work == 1);
	}
	does(SYS_rt_sigreturn, 0);
	EXPECT(regs.x[0] == 0xabcd && regs.pc == 0x4000 && self.interrupted == 0 && self.work == 0);
}

static void is_unknown(uint64_t number, uint32_t lines_then)
{
	does(number, 0);
	EXPECT((int64_t)regs.x[0] == -ERR_NOSYS && lines == lines_then);
}

static void test_unknown(void)
{
	calls = 0;
	is_unknown(SYS_io_destroy, 1);
	EXPECT(strcmp(last_line, "syscall: no call 1, asked for by task 17") == 0);
	is_unknown(SYS_io_destroy, 1);
	is_unknown(SYS_CALLS - 2, 2);
	is_unknown(SYS_CALLS, 3);
	EXPECT(strcmp(last_line, "syscall: no call 451, asked for by task 17") == 0);
	is_unknown(UINT32_MAX, 3);
	is_unknown(UINT64_MAX, 3);
	is_unknown(0x80000000, 3);
	EXPECT(calls == 0);
	world.config.machine.say = NULL;
	is_unknown(SYS_io_submit, 3);
}

int main(void)
{
	world.config.machine.say = say;
	world.config.machine.arg = &lines;
	test_answers();
	test_interrupted();
	test_unknown();
	return 0;
}
