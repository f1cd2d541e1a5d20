/*
 * space_calls.c -- subject space's memory calls, put to the kernel and to the model.
 *
 * A refusal for want of memory is judged apart: the model has memory without end.  It must come in
 * a world that is short of it, and leave everything as it was, but for what Linux too has done by
 * then.  Populating in such a world is left out where nobody could tell how far it came.
 */
#include "fuzz/space_fuzz.h"
#include "machine/machine.h"

static int64_t make_call(struct run *run, const struct space_call *c)
{
	struct space_state *s = state_of(run);
	struct space *space = s->space[c->space];

	switch (c->code) {
	case SPACE_MMAP:
		return space_mmap(space, c->addr, c->length, c->prot, c->flags,
				  c->backed ? s->source[c->source].backing : NULL,
				  (uint64_t)c->offset_page << PAGE_SHIFT, run_op(run) + 1);
	case SPACE_MUNMAP: return space_munmap(space, c->addr, c->length);
	case SPACE_MPROTECT: return space_mprotect(space, c->addr, c->length, c->prot);
	case SPACE_MREMAP:
		return space_mremap(space, c->addr, c->length, c->new_length, c->flags,
				    c->new_addr);
	case SPACE_MADVISE: return space_madvise(space, c->addr, c->length, c->advice);
	case SPACE_MINCORE: return space_mincore(space, c->addr, c->length, s->core[mach_cpu()]);
	default: return space_brk(space, c->addr);
	}
}

static bool populates(const struct space_call *c)
{
	return (c->code == SPACE_MMAP && (c->flags & MAP_POPULATE)) ||
	       (c->code == SPACE_MADVISE &&
		(c->advice == MADV_POPULATE_READ || c->advice == MADV_POPULATE_WRITE));
}

/* An address of the window as an offset, which is the same on every machine; an error as it is. */
static uint64_t abstract(int64_t answer)
{
	return answer >= (int64_t)WINDOW_START ? (uint64_t)answer - WINDOW_START : (uint64_t)answer;
}

/* A range that a refused call has unmapped already is unmapped in the model too. */
static void follow_unmap(struct space_state *s, uint32_t n, uint64_t addr, uint64_t length)
{
	const uint32_t page = space_model_first_mapped(&s->model, n, addr, length);

	if (page == WINDOW_PAGES) return;
	if (space_mincore(s->space[n], WINDOW_START + (uint64_t)page * PAGE_SIZE, PAGE_SIZE,
			  s->core[mach_cpu()]) == -ERR_NOMEM)
		space_model_unmap(&s->model, n, addr, length);
}

/* An mremap that finds no memory has unmapped by then what it was to replace, and what was too much
 * of the old. */
static void judge_half_done(struct space_state *s, const struct space_call *c)
{
	const uint64_t old = align_up(c->length, PAGE_SIZE);
	const uint64_t new = align_up(c->new_length, PAGE_SIZE);

	if (c->code != SPACE_MREMAP || !(c->flags & MREMAP_FIXED)) return;
	follow_unmap(s, c->space, c->new_addr, new);
	if (old > new) follow_unmap(s, c->space, c->addr + new, old - new);
}

static void judge_refusal(struct run *run, const struct space_call *c)
{
	struct space_state *s = state_of(run);

	space_judge_parked(s);
	run_sometimes(run, SAW_EXHAUSTION);
	if (populates(c)) s->core_unknown[c->space] = true;
	judge_half_done(s, c);
}

/* mincore's bytes, where somebody promises them. */
static void judge_core(struct run *run, const struct space_call *c)
{
	struct space_state *s = state_of(run);
	const uint32_t first = (uint32_t)((c->addr - WINDOW_START) >> PAGE_SHIFT);
	const uint8_t *core = s->core[mach_cpu()];

	for (uint32_t n = 0; n < align_up(c->length, PAGE_SIZE) >> PAGE_SHIFT; n++) {
		const bool known = !s->core_unknown[c->space] &&
				   space_model_core_known(&s->model, c->space, first + n);
		space_answer(run, known ? ANSWER_VALUE : ANSWER_ANY, core[n] & 1);
		if (!known) continue;
		const bool in = space_model_in_core(&s->model, c->space, first + n);
		run_result(run, in);
		if ((core[n] & 1) != in)
			kpanic(ORACLE_SPACE, "mincore says %u of page %u", core[n], first + n);
	}
}

static void note_call(struct run *run, const struct space_call *c, int64_t answer)
{
	const uint64_t length = align_up(c->length, PAGE_SIZE);

	if (state_of(run)->model.open) run_sometimes(run, SAW_OPEN_ANSWER);
	if (answer < 0) return;
	if (c->code == SPACE_MREMAP && (uint64_t)answer != c->addr)
		run_sometimes(run, SAW_REMAP_MOVED);
	if (c->code == SPACE_MREMAP && (uint64_t)answer == c->addr &&
	    align_up(c->new_length, PAGE_SIZE) > length)
		run_sometimes(run, SAW_REMAP_IN_PLACE);
	if (c->code == SPACE_BRK && (uint64_t)answer == c->addr &&
	    c->addr > WINDOW_START + (uint64_t)WINDOW_HEAP_PAGE * PAGE_SIZE)
		run_sometimes(run, SAW_HEAP_GROWN);
}

/* What may be refused for want of memory is not asked of the model: it has memory without end. */
static bool lacks_memory(struct space_state *s, const struct space_call *c, int64_t answer)
{
	const uint64_t pages = c->code == SPACE_MADVISE ? c->length >> PAGE_SHIFT : 0;

	if (c->code == SPACE_BRK ? (uint64_t)answer == c->addr : answer != -ERR_NOMEM) return false;
	if (!space_is_scarce(s, pages)) return false;
	if (c->code == SPACE_BRK) return space_model_would(&s->model, c) == (int64_t)c->addr;
	return space_model_would(&s->model, c) != -ERR_NOMEM;
}

/* A refusal that comes here was not for want of memory. */
static void judge_answer(struct run *run, const struct space_call *c, int64_t answer,
			 int64_t expected)
{
	if (answer == expected) return;
	if (c->code == SPACE_BRK ? expected == (int64_t)c->addr : answer == -ERR_NOMEM)
		kpanic(ORACLE_MUST_SUCCEED, "%s refused with %u pages free", run_doing(run),
		       space_free_pages(state_of(run)));
	kpanic(ORACLE_ERRNO, "%s(%lx, %lx) answered %ld, not %ld", run_doing(run),
	       (unsigned long)c->addr, (unsigned long)c->length, (long)answer, (long)expected);
}

/* False where a call is left out, since nobody could judge it. */
static bool may_call(struct space_state *s, const struct space_call *c)
{
	if (populates(c) && space_is_scarce(s, c->length >> PAGE_SHIFT)) {
		if (c->backed || c->code == SPACE_MADVISE) return false;
		s->core_unknown[c->space] = true;
	}
	if (c->code == SPACE_MINCORE && c->length > sizeof s->core[0] * (uint64_t)PAGE_SIZE &&
	    c->length <= USER_END)
		return false;
	return space_model_knows(&s->model, c);
}

void space_step_call(struct run *run, const struct space_call *c)
{
	struct space_state *s = state_of(run);
	const uint32_t tables = s->space[c->space]->table.tables;

	if (!may_call(s, c)) {
		space_answer(run, ANSWER_END, 0);
		return;
	}
	if ((c->flags & MAP_FIXED) && c->code == SPACE_MMAP &&
	    space_model_first_mapped(&s->model, c->space, c->addr, c->length) != WINDOW_PAGES)
		run_sometimes(run, SAW_FIXED_OVER_OTHERS);
	const int64_t answer = make_call(run, c);
	run_result(run, abstract(answer));
	if (lacks_memory(s, c, answer)) {
		space_answer(run, ANSWER_END, 0);
		judge_refusal(run, c);
		return;
	}
	judge_answer(run, c, answer, space_model_call(&s->model, c, answer));
	space_answer(run, s->model.open ? ANSWER_END : ANSWER_VALUE, (uint64_t)answer);
	if (c->code == SPACE_MINCORE && answer == 0 && c->length != 0) judge_core(run, c);
	if (s->space[c->space]->table.tables < tables) run_sometimes(run, SAW_TABLES_FREED);
	note_call(run, c, answer);
}
