/*
 * syscall_tasks.c -- subject syscall: forks, threads, ends, kills and waiting, and the model of who
 * is whose child.
 *
 * A group has the number of the actor that it began with, and keeps it until it was waited for.
 * Orphans become children of group 0, which does not end.
 */
#include "fuzz/frame/score.h"
#include "fuzz/syscall_subject.h"

static struct {
	struct model_group group[ACTORS];
	unsigned of[ACTORS]; /* an actor's group */
	struct abi_sigaltstack stack[ACTORS];
	uint32_t numbers; /* bits: that groups have had, of the lowest */
} model;

void tasks_open(void)
{
	memset(&model, 0, sizeof model);
	model.stack[0].flags = SS_DISABLE;
	model.group[0] = (struct model_group){ .live = true, .pid = 1 };
}

unsigned group_number(unsigned actor)
{
	return model.of[actor];
}

struct model_group *group_of(unsigned actor)
{
	return &model.group[model.of[actor]];
}

bool actor_free(unsigned n)
{
	return !actor_lives(n) && !model.group[n].live && !model.group[n].zombie;
}

unsigned by_of(const struct script_op *op)
{
	unsigned n = op->slot % ACTORS;

	while (!actor_lives(n)) n = (n + 1) % ACTORS;
	return n;
}

void judge(struct run *run, const char *what, int64_t answer, int64_t expected)
{
	if (answer != expected)
		kpanic(ORACLE_ERRNO, "%s answers %ld, not %ld", what, (long)answer, (long)expected);
	run_result(run, (uint64_t)answer);
}

/* --- beginning -------------------------------------------------------------------------------- */

/* A slot for somebody new, from the one that the operation names on; ACTORS: none. */
static unsigned free_slot(uint32_t from)
{
	for (unsigned i = 0; i < ACTORS; i++)
		if (actor_free((from + i) % ACTORS)) return (from + i) % ACTORS;
	return ACTORS;
}

bool clones_fail(struct run *run, bool thread)
{
	const uint32_t tag = run->script->world.tag;
	unsigned groups = 0, threads = 0;

	for (unsigned n = 0; n < ACTORS; n++) {
		groups += model.group[n].live || model.group[n].zombie;
		threads += actor_lives(n) && model.of[n] != n;
	}
	const bool no_process = !thread && (tag & 1) != 0 && groups >= FEW_PROCESSES;
	const bool no_number = (tag & 2) != 0 && groups + threads >= FEW_NUMBERS;
	if (no_process) run_sometimes(run, SAW_NO_PROCESS);
	if (no_number) run_sometimes(run, SAW_NO_NUMBER);
	return no_process || no_number;
}

static void note_number(struct run *run, int64_t pid)
{
	if (pid > FEW_NUMBERS) return;
	if ((model.numbers >> pid & 1) != 0) run_sometimes(run, SAW_NUMBER_AGAIN);
	model.numbers |= 1u << pid;
}

static void begin(struct run *run, const struct script_op *op, bool thread)
{
	const unsigned by = by_of(op), n = free_slot((op->arg & 0xff) % ACTORS);

	if (n == ACTORS) return;
	const unsigned from = model.of[by];
	model.of[n] = thread ? from : n;
	const bool fails = clones_fail(run, thread);
	if (fails) score_end(run->score, "only a world with few processes, or numbers, refuses");
	const int64_t tid = actor_begins(run, by, n, thread, op->arg >> 8);
	if (fails) {
		judge(run, "a clone without room", tid, -ERR_AGAIN);
		return;
	}
	if (tid <= 0) kpanic(ORACLE_MUST_SUCCEED, "a clone answers %ld", (long)tid);
	run_sometimes(run, thread ? SAW_THREAD : SAW_FORK);
	run_result(run, 1);
	model.stack[n] = model.stack[by];
	if (thread) model.stack[n] = (struct abi_sigaltstack){ .flags = SS_DISABLE };
	if (thread) return;
	note_number(run, tid);
	model.group[n] = (struct model_group){ .live = true, .parent = from, .pid = (int32_t)tid };
	memory_forked(from, n);
	files_forked(from, n);
}

void makes_fork(struct run *run, const struct script_op *op)
{
	begin(run, op, false);
}

void makes_thread(struct run *run, const struct script_op *op)
{
	begin(run, op, true);
}

/* --- ending ----------------------------------------------------------------------------------- */

void group_ends(struct run *run, unsigned group, int32_t status)
{
	struct model_group *g = &model.group[group];

	ASSERT(group != 0 && g->live);
	g->live = false;
	g->zombie = true;
	g->status = status;
	run_sometimes(run, SAW_ZOMBIE);
	memory_gone(group);
	files_gone(group);
	for (unsigned n = 1; n < ACTORS; n++) {
		struct model_group *child = &model.group[n];
		if ((!child->live && !child->zombie) || child->parent != group) continue;
		child->parent = 0;
		run_sometimes(run, SAW_ORPHAN);
	}
}

static void doom_group(unsigned group)
{
	for (unsigned n = 0; n < ACTORS; n++)
		if (actor_lives(n) && model.of[n] == group) actor_is_doomed(n);
}

static int64_t end_act(struct run *run, struct task *t, const uint64_t *arg)
{
	(void)run;
	return call(t, (uint32_t)arg[0], arg[1], 0, 0, 0, 0, 0);
}

/* exit_group(): its threads end with it. */
void makes_exit(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	const uint64_t arg[] = { SYS_exit_group, op->arg };

	if (model.of[by] == 0) return;
	doom_group(model.of[by]);
	group_ends(run, model.of[by], (int32_t)(op->arg & 0xff) << 8);
	(void)act(run, by, end_act, arg);
}

/* exit(): the last one's is its group's end, and the first one's status is what is told. */
void makes_exit_thread(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	const uint64_t arg[] = { SYS_exit, 0 };
	unsigned others = 0;

	if (model.of[by] == 0) return;
	for (unsigned n = 0; n < ACTORS; n++)
		others += n != by && actor_lives(n) && model.of[n] == model.of[by];
	actor_is_doomed(by);
	if (others == 0) group_ends(run, model.of[by], 0);
	(void)act(run, by, end_act, arg);
}

void makes_kill(struct run *run, const struct script_op *op)
{
	static const int signals[] = { 0, SIGKILL, SIGTERM, SIGCHLD, 65 };
	const unsigned by = by_of(op), group = op->aux % ACTORS;
	const int sig = signals[op->arg % COUNT_OF(signals)];
	const struct model_group *g = &model.group[group];

	if (group == 0) return;
	const bool there = g->live || g->zombie;
	const bool ends = g->live && (sig == SIGKILL || sig == SIGTERM);
	const int64_t pid = there ? g->pid : 1 << 22;
	const int64_t expected = !there ? -ERR_SRCH : sig == 65 ? -ERR_INVAL : 0;
	if (ends) {
		doom_group(group);
		group_ends(run, group, sig);
		run_sometimes(run, SAW_KILLED);
	}
	const int64_t answer = call_by(run, by, SYS_kill, (uint64_t)pid, (uint64_t)sig, 0, 0);
	if (!ends || model.of[by] != group) judge(run, "kill", answer, expected);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static unsigned ended_child(unsigned of, int64_t pid)
{
	for (unsigned n = 1; n < ACTORS; n++)
		if (model.group[n].zombie && model.group[n].parent == of &&
		    model.group[n].pid == pid)
			return n;
	return ACTORS;
}

/* How many children it has that `which` means (ACTORS: all), and how many of these have ended. */
static void count_children(unsigned of, unsigned which, unsigned *all, unsigned *ended)
{
	*all = *ended = 0;
	for (unsigned n = 1; n < ACTORS; n++) {
		const struct model_group *g = &model.group[n];
		if ((!g->live && !g->zombie) || g->parent != of) continue;
		if (which != ACTORS && which != n) continue;
		++*all;
		*ended += g->zombie;
	}
}

static int64_t wait_act(struct run *run, struct task *t, const uint64_t *arg)
{
	uint64_t status;
	const int64_t pid = call(t, SYS_wait4, arg[0], arg[1], W_NOHANG, 0, 0, 0);

	if (pid <= 0) return pid;
	if (program_load(run, arg[1], &status) != FAULT_DONE)
		kpanic(ORACLE_SPACE, "a status cannot be read");
	return pid << 32 | (uint32_t)status;
}

static void judge_child(struct run *run, unsigned of, int64_t answer)
{
	const unsigned n = ended_child(of, answer >> 32);

	if (n == ACTORS) kpanic(ORACLE_VERDICT, "wait4 tells of %ld", (long)(answer >> 32));
	if ((int32_t)answer != model.group[n].status)
		kpanic(ORACLE_VERDICT, "child %u ended with %x, not %x", n, (unsigned)answer,
		       (unsigned)model.group[n].status);
	run_result(run, (uint32_t)answer);
	model.group[n].zombie = false;
}

void makes_wait(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	const unsigned which = op->aux % (ACTORS + 1);
	unsigned all, ended;

	if (which == 0) return;
	const unsigned self = model.of[by];
	count_children(self, which, &all, &ended);
	const bool one = which < ACTORS;
	const bool there = one && (model.group[which].live || model.group[which].zombie);
	const int64_t pid = !one ? -1 : there ? model.group[which].pid : 1 << 22;
	const uint64_t arg[] = { (uint64_t)pid, scratch_of(by) };
	const int64_t answer = act(run, by, wait_act, arg);
	if (all == 0)
		judge(run, "wait4", answer, -ERR_CHILD);
	else if (ended == 0)
		judge(run, "wait4", answer, 0);
	else if (answer <= 0)
		kpanic(ORACLE_ERRNO, "wait4 answers %ld, and a child has ended", (long)answer);
	else
		judge_child(run, self, answer);
}

/* --- who is who ------------------------------------------------------------------------------- */

void makes_who(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);

	const struct model_group *g = group_of(by);
	const int64_t parent = model.of[by] == 0 ? 0 : model.group[g->parent].pid;
	if (call_by(run, by, SYS_getpid, 0, 0, 0, 0) != g->pid)
		kpanic(ORACLE_ERRNO, "getpid answers another's");
	if (call_by(run, by, SYS_getppid, 0, 0, 0, 0) != parent)
		kpanic(ORACLE_ERRNO, "getppid answers another's");
	judge(run, "sched_yield", call_by(run, by, SYS_sched_yield, 0, 0, 0, 0), 0);
	judge(run, "an unknown call", call_by(run, by, 1000 + op->arg % 1000, 0, 0, 0, 0),
	      -ERR_NOSYS);
}

/* --- the alternative stack -------------------------------------------------------------------- */

/* Which the caller asks for, and sets if arg[2] is not 0. */
static int64_t stack_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const struct abi_sigaltstack to = { .sp = arg[2], .bytes = MINSIGSTKSZ + arg[2] % 4096 };
	const uint64_t at = arg[2] == 0 ? 0 : arg[0] + 64;

	program_put(run, arg[0] + 64, &to, sizeof to);
	const int64_t answer = call(t, SYS_sigaltstack, at, arg[0], 0, 0, 0, 0);
	program_get(run, (void *)(uintptr_t)arg[1], arg[0], sizeof to);
	return answer;
}

/* arg: where the new one is, or 0. */
void makes_stack(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	struct abi_sigaltstack was = { .sp = 1 };
	const uint64_t arg[] = { scratch_of(by), (uintptr_t)&was, op->arg };

	judge(run, "sigaltstack", act(run, by, stack_act, arg), 0);
	struct abi_sigaltstack *own = &model.stack[by];
	if (was.sp != own->sp || was.bytes != own->bytes || was.flags != own->flags)
		kpanic(ORACLE_CONTENT, "a stack of %lu bytes at %lx, flags %d",
		       (unsigned long)was.bytes, (unsigned long)was.sp, was.flags);
	if (arg[2] == 0) return;
	*own = (struct abi_sigaltstack){ .sp = arg[2], .bytes = MINSIGSTKSZ + arg[2] % 4096 };
}

/* --- the end ---------------------------------------------------------------------------------- */

void tasks_end(struct run *run)
{
	for (unsigned n = 1; n < ACTORS; n++) {
		const struct script_op kill = { .slot = 0, .aux = (uint8_t)n, .arg = 1 };
		if (model.group[n].live) makes_kill(run, &kill);
	}
	/* Those of group 0 itself: its threads end one by one. */
	for (unsigned n = 1; n < ACTORS; n++) {
		const uint64_t arg[] = { SYS_exit, 0 };
		if (!actor_lives(n)) continue;
		actor_is_doomed(n);
		(void)act(run, n, end_act, arg);
	}
	for (unsigned n = 1; n < ACTORS; n++) {
		const struct script_op wait = { .slot = 0, .aux = (uint8_t)n };
		if (model.group[n].zombie) makes_wait(run, &wait);
	}
}
