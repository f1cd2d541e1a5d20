/*
 * syscall_score.c -- subject syscall: what its actors do, as a score (score.h).
 *
 * A call's line is begun when it is made and ended when it is back, or when its actor is gone.
 * Hostile children leave no lines: what they call changes nothing for others.  What tasks have from
 * their beginning (scratch pages, the limit of descriptors, no SIGPIPE) is made by lines in front
 * of all others, as it would be by programs.
 *
 * Where a call's argument or answer is the number of a task, or an address of the break, the score
 * says whose, or how far: the numbers themselves mean nothing elsewhere.
 *
 * Compiled without points.  Locks: none.
 */
#include "fuzz/frame/score.h"
#include "fuzz/syscall_subject.h"

#include "kernel/syscall/limit.h"

static bool answers_a_task(uint32_t number)
{
	return number == SYS_getpid || number == SYS_getppid || number == SYS_wait4;
}

static bool asks_for_a_task(uint32_t number)
{
	return number == SYS_kill || number == SYS_wait4;
}

/* The number of a task that is, or was, somebody's here. */
static void say_task(struct score *s, int64_t id)
{
	const unsigned n = id > 0 ? actor_with((int32_t)id) : ACTORS;

	if (n == ACTORS)
		score_number(s, (uint64_t)id);
	else
		score_say(s, " @%u", n);
}

/* Below the first break is 1 everywhere. */
static void say_break(struct score *s, uint64_t at)
{
	if (at < BREAK_AT)
		score_number(s, at != 0);
	else
		score_say(s, " %%%lu", (unsigned long)(at - BREAK_AT));
}

void score_call(struct run *run, unsigned n, uint32_t number, const uint64_t arg[6])
{
	struct score *s = run->score;

	score_say(s, "%u call %u", n, number);
	for (unsigned i = 0; i < 6; i++) {
		if (i == 0 && number == SYS_brk)
			say_break(s, arg[i]);
		else if (i == 0 && asks_for_a_task(number))
			say_task(s, (int64_t)arg[i]);
		else
			score_number(s, arg[i]);
	}
}

void score_answer(struct run *run, uint32_t number, int64_t answer, bool doubt)
{
	struct score *s = run->score;

	score_say(s, " =");
	if (number == SYS_brk)
		say_break(s, (uint64_t)answer);
	else if (number == SYS_getppid && answer == 0)
		score_say(s, " @-");
	else if (answers_a_task(number))
		say_task(s, answer);
	else
		score_number(s, (uint64_t)answer);
	score_say(s, doubt ? " ?\n" : "\n");
}

void score_leaves(struct run *run)
{
	score_say(run->score, " leaves\n");
}

void score_gone(struct run *run, unsigned n)
{
	score_say(run->score, "- gone %u\n", n);
}

void score_begins(struct run *run, const struct score_clone *c, int64_t tid)
{
	score_say(run->score, "%u %s %u", c->by, c->thread ? "thread" : "fork", c->n);
	score_number(run->score, c->garbage);
	if (tid > 0)
		score_say(run->score, " = @%u\n", c->n);
	else
		score_say(run->score, " = %ld\n", (long)tid);
}

void score_list(struct run *run, unsigned n, uint64_t at, bool unlinks, int64_t names)
{
	score_say(run->score, "%u list", n);
	score_number(run->score, at);
	score_say(run->score, " %d =", unlinks);
	score_number(run->score, (uint64_t)names);
	score_say(run->score, "\n");
}

static void say_how(struct score *s, enum fault_answer answer)
{
	static const char *const words[] = {
		[FAULT_DONE] = "done",           [FAULT_NOT_MAPPED] = "unmapped",
		[FAULT_NOT_ALLOWED] = "refused", [FAULT_BEYOND] = "beyond",
		[FAULT_NO_MEMORY] = "no-memory",
	};

	ASSERT(answer < COUNT_OF(words));
	score_say(s, " = %s\n", words[answer]);
}

void score_store(struct run *run, unsigned n, uint64_t va, uint64_t value, enum fault_answer answer)
{
	score_say(run->score, "%u store", n);
	score_number(run->score, va);
	score_number(run->score, value);
	say_how(run->score, answer);
}

void score_load(struct run *run, unsigned n, uint64_t va, uint64_t value, enum fault_answer answer)
{
	score_say(run->score, "%u load", n);
	score_number(run->score, va);
	if (answer != FAULT_DONE) {
		say_how(run->score, answer);
		return;
	}
	score_say(run->score, " =");
	score_number(run->score, value);
	score_say(run->score, "\n");
}

void score_memory(struct run *run, unsigned n, bool put, uint64_t va, const void *bytes,
		  size_t count)
{
	if (count == 0) return;
	score_say(run->score, "%u %s", n, put ? "put" : "get");
	score_number(run->score, va);
	score_bytes(run->score, bytes, count);
	score_say(run->score, "\n");
}

static void say_done_call(struct run *run, uint32_t number, const uint64_t arg[6], int64_t answer)
{
	score_call(run, 0, number, arg);
	score_answer(run, number, answer, false);
}

void score_opens(struct run *run)
{
	static const uint64_t nothing[4];
	const struct limit limit = { DESCRIPTORS, DESCRIPTORS };
	const struct abi_sigaction ignore = { .handler = SIG_IGNORE };
	const uint64_t bytes = ACTORS * PAGE_SIZE, at = SCRATCH_AT;
	const uint64_t map[] = {
		at,         bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		UINT64_MAX, 0
	};
	const uint64_t limits[] = { 0, RLIMIT_NOFILE, at, 0, 0, 0 };
	const uint64_t action[] = { SIGPIPE, at, 0, sizeof(sigset), 0, 0 };

	score_say(run->score, "# what all of them have\n");
	say_done_call(run, SYS_mmap, map, (int64_t)at);
	score_memory(run, 0, true, at, &limit, sizeof limit);
	say_done_call(run, SYS_prlimit64, limits, 0);
	score_memory(run, 0, true, at, &ignore, sizeof ignore);
	say_done_call(run, SYS_rt_sigaction, action, 0);
	score_memory(run, 0, true, at, nothing, sizeof nothing);
}
