/*
 * space_fuzz.c -- subject space: the memory calls, faults and forks of up to four address spaces.
 *
 * Operations become calls by space_script.c; space_model.c says what each must answer.  Loads,
 * stores and fetches are made as a user's, through what the CPU has installed: a CPU keeps a space
 * until it uses another, so what it remembers of the tables outlives calls made on other CPUs, and
 * outlives the space.  A fault is handed to space_fault() until the access goes through.
 *
 * Memory runs out by small pools and by `squeeze`, which takes all free pages but a few.  Then a
 * call may be refused, and must have changed nothing; what was refused with pages enough, or while
 * a retired space could have been taken apart, is a finding.  Populating in such a state is left
 * out where nobody could tell how far it came.
 *
 * The header's tag: its low bits are how many bits an ASID has beyond the least.
 *
 * Results in the digest: answers as offsets into the window, what faults were, words read, pages
 * free after each operation.
 */
#include "fuzz/space_fuzz.h"

static const char *const saw_names[] = {
	"exhaustion",   "cow-broken",     "last-owner-writes", "asid-rollover",  "retired-in-use",
	"remap-moved",  "remap-in-place", "fixed-over-others", "beyond-the-end", "fork-refused",
	"tables-freed", "heap-grown",     "shared-seen",       "open-answer",    NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

/* --- spaces ----------------------------------------------------------------------------------- */

void space_exit(struct run *run, uint32_t n)
{
	struct space_state *s = state_of(run);

	for (unsigned cpu = 0; cpu < SCRIPT_CPUS_MAX; cpu++) {
		if (s->installed[cpu] != s->space[n]) continue;
		run_sometimes(run, SAW_RETIRED_WHILE_INSTALLED);
		/* It stays installed there, and is nobody's to compare with any more. */
		s->installed[cpu] = SPACE_GONE;
	}
	space_retire(s->space[n]);
	s->space[n] = NULL;
	space_model_exit(&s->model, n);
}

void space_step_fork(struct run *run, const struct space_call *c)
{
	struct space_state *s = state_of(run);

	if (c->to == c->space) return;
	if (s->space[c->to] != NULL) space_exit(run, c->to);
	s->space[c->to] = space_clone(s->space[c->space], run_op(run) + 1);
	run_result(run, s->space[c->to] != NULL);
	space_answer(run, s->space[c->to] != NULL ? ANSWER_VALUE : ANSWER_END, 1);
	if (s->space[c->to] == NULL) {
		if (!space_is_scarce(s, 8))
			kpanic(ORACLE_MUST_SUCCEED, "fork refused with %u pages free",
			       space_free_pages(s));
		space_judge_parked(s);
		run_sometimes(run, SAW_FORK_REFUSED);
		return;
	}
	space_model_fork(&s->model, c->space, c->to);
	s->core_unknown[c->to] = s->core_unknown[c->space];
}

/* Mostly so few that the next call, or the one after, is refused somewhere inside. */
static uint32_t pages_to_leave(uint32_t pages)
{
	return pages < 64 ? pages : pages % 8;
}

void space_step(struct run *run, const struct script_op *op)
{
	struct space_state *s = state_of(run);
	struct space_call c = space_call_read(op, &s->aim);

	if (!s->vm_open) return;
	switch (c.code) {
	case SPACE_AIM: s->aim = *op; return;
	case SPACE_LEAVE: space_install(s, NULL); return;
	case SPACE_RECLAIM: run_result(run, vm_reclaim(&s->vm, c.to)); return;
	case SPACE_SQUEEZE: space_squeeze(s, pages_to_leave(c.to)); return;
	case SPACE_RELAX: space_relax(s); return;
	default: break;
	}
	const uint32_t alive = space_model_alive(&s->model);
	if (c.code == SPACE_EXIT) {
		if (alive >> c.space & 1 && alive != 1u << c.space) space_exit(run, c.space);
		return;
	}
	c.space = space_resolve(alive, c.space);
	if (c.space == SPACES_MAX) return;
	switch (c.code) {
	case SPACE_LOAD: space_step_access(run, &c, MACH_LOAD); return;
	case SPACE_STORE: space_step_access(run, &c, MACH_STORE); return;
	case SPACE_FETCH: space_step_access(run, &c, MACH_FETCH); return;
	case SPACE_FORK: space_step_fork(run, &c); return;
	default: space_step_call(run, &c); return;
	}
}

/* --- checks and the end ----------------------------------------------------------------------- */

static void check_counts(struct run *run)
{
	struct space_state *s = state_of(run);
	const char *why = kmalloc_check_counts(&s->km); /* and the pool's */

	if (why != NULL) kpanic(ORACLE_ACCOUNT, "%s", why);
	run_result(run, space_free_pages(s));
}

static void check_walk(struct run *run)
{
	struct space_state *s = state_of(run);
	struct space *alive[SPACES_MAX];
	struct vm_counts counts;
	size_t n = 0;

	const char *why = kmalloc_check(&s->km); /* and the pool's */
	for (uint32_t i = 0; i < SPACES_MAX; i++)
		if (s->space[i] != NULL) alive[n++] = s->space[i];
	if (why == NULL && s->vm_open) why = vm_check(&s->vm, alive, n);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	for (uint32_t i = 0; i < SPACES_MAX; i++)
		if (s->space[i] != NULL) space_compare(s, i);
	if (!s->vm_open) return;
	vm_count(&s->vm, &counts);
	if (counts.asid_rollovers != 0) run_sometimes(run, SAW_ASID_ROLLOVER);
}

void space_check_run(struct run *run, enum check_depth depth)
{
	if (depth == CHECK_WALK)
		check_walk(run);
	else
		check_counts(run);
}

void space_leave(struct run *run)
{
	struct space_state *s = state_of(run);

	if (s->vm_open) space_switch(&s->vm, NULL);
	s->installed[mach_cpu()] = NULL;
}

void space_close(struct run *run)
{
	struct space_state *s = state_of(run);

	space_relax(s);
	for (uint32_t n = 0; n < SPACES_MAX; n++)
		if (s->space[n] != NULL) space_exit(run, n);
	for (uint32_t n = 0; n < SOURCES; n++)
		if (s->source[n].backing != NULL) backing_drop(s->source[n].backing);
	if (s->vm_open) vm_close(&s->vm);
	kmalloc_drain(&s->km);
	const char *why = kmalloc_check(&s->km);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	pool_world_close(&s->world);
}

const struct subject space_subject = {
	.name = "space",
	.ops = space_operations,
	.op_count = COUNT_OF(space_operations),
	.sometimes = saw_names,
	.open = space_open,
	.check = space_check_run,
	.close = space_close,
	.leave = space_leave,
};
