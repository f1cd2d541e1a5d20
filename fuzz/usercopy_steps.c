/*
 * usercopy_steps.c -- the operations of subject usercopy that change what there is to be copied:
 * mappings of every kind, rights, age, forks, and a user's own loads and stores.
 *
 * Mappings are made and taken away page by page, each with its own answer, so that a refusal for
 * want of memory leaves no doubt about what is there.
 */
#include "fuzz/usercopy_subject.h"
#include "machine/machine.h"

/* Places that an operation names: the low four bits the first, the next two how many more, up to
 * the end of its row. */
struct places {
	uint32_t first, end;
};

static struct places places_meant(uint32_t arg)
{
	const uint32_t first = arg % PLACES;
	const uint32_t row_end = (first / ROW_PAGES + 1) * ROW_PAGES;
	const uint32_t count = 1 + arg / PLACES % ROW_PAGES;

	return (struct places){ first, (uint32_t)min_u64(first + count, row_end) };
}

static uint32_t low(const struct script_op *op)
{
	return op->arg & 0xffff;
}

/* 0 was worked; anything else must be a refusal for want of memory. */
static bool answered(struct run *run, int64_t answer)
{
	run_result(run, (uint64_t)answer);
	if (answer == 0) return true;
	if (answer != -ERR_NOMEM)
		kpanic(ORACLE_VERDICT, "a call that could not fail was answered %ld", (long)answer);
	usercopy_judge_refusal(run, ENOUGH_PAGES);
	return false;
}

static bool unmap_place(struct run *run, uint32_t n, uint32_t place)
{
	struct usercopy_state *s = state_of(run);

	if (!answered(run, space_munmap(s->space[n], user_model_address(place), PAGE_SIZE)))
		return false;
	user_model_unmap(&s->model, n, place);
	return true;
}

/* --- mappings --------------------------------------------------------------------------------- */

static void map_place(struct run *run, uint32_t n, uint32_t place, uint32_t kind, uint32_t rights)
{
	static const uint32_t flags[KINDS] = {
		[KIND_ZEROES] = MAP_PRIVATE | MAP_ANONYMOUS,
		[KIND_FILE] = MAP_PRIVATE,
		[KIND_SHARED_ZEROES] = MAP_SHARED,
		[KIND_SHARED_FILE] = MAP_SHARED,
	};
	struct usercopy_state *s = state_of(run);
	struct backing *of[KINDS] = { NULL, s->file, s->shared, s->file };
	const uint64_t va = user_model_address(place);
	const uint64_t offset = of[kind] == NULL ? 0 : (uint64_t)place * PAGE_SIZE;

	if (kind != KIND_ZEROES && of[kind] == NULL) return; /* there was no memory for it */
	if (!unmap_place(run, n, place)) return;
	const int64_t answer = space_mmap(s->space[n], va, PAGE_SIZE, rights,
					  flags[kind] | MAP_FIXED, of[kind], offset, run->op + 1);
	if (answered(run, answer == (int64_t)va ? 0 : answer))
		user_model_map(&s->model, n, place, kind, rights);
}

void usercopy_step_map(struct run *run, const struct script_op *op)
{
	const struct places places = places_meant(low(op));
	uint32_t n;

	if (usercopy_space(run, op, &n) == NULL) return;
	for (uint32_t p = places.first; p < places.end; p++)
		map_place(run, n, p, op->aux, op->arg >> 16);
}

void usercopy_step_unmap(struct run *run, const struct script_op *op)
{
	const struct places places = places_meant(low(op));
	uint32_t n;

	if (usercopy_space(run, op, &n) == NULL) return;
	for (uint32_t p = places.first; p < places.end; p++) unmap_place(run, n, p);
}

void usercopy_step_protect(struct run *run, const struct script_op *op)
{
	struct usercopy_state *s = state_of(run);
	const struct places places = places_meant(low(op));
	const uint32_t rights = op->arg >> 16;
	uint32_t n;

	if (usercopy_space(run, op, &n) == NULL) return;
	for (uint32_t p = places.first; p < places.end; p++) {
		if (!s->model.page[n][p].mapped) continue;
		if (answered(run,
			     space_mprotect(s->space[n], user_model_address(p), PAGE_SIZE, rights)))
			s->model.page[n][p].rights = (uint8_t)rights;
	}
}

/* Nothing a user can see: the next access finds the page old. */
void usercopy_step_age(struct run *run, const struct script_op *op)
{
	const struct places places = places_meant(low(op));
	uint32_t n;
	struct space *space = usercopy_space(run, op, &n);

	if (space == NULL) return;
	const mach_irq_t was = lock_take(&space->lock);
	const uint32_t used = pagetable_age(&space->table, user_model_address(places.first),
					    user_model_address(places.end - 1) + PAGE_SIZE);
	lock_drop(&space->lock, was);
	run_result(run, used);
	if (used != 0) run_sometimes(run, SAW_OLD_PAGE);
}

/* --- spaces ----------------------------------------------------------------------------------- */

void usercopy_step_exit(struct run *run, const struct script_op *op)
{
	struct usercopy_state *s = state_of(run);
	uint32_t n;

	if (usercopy_space(run, op, &n) == NULL) return;
	space_retire(s->space[n]);
	s->space[n] = NULL;
	user_model_exit(&s->model, n);
}

/* What is in that place is retired; where nobody is there to fork, a new one is made. */
void usercopy_step_fork(struct run *run, const struct script_op *op)
{
	struct usercopy_state *s = state_of(run);
	const uint32_t to = op->aux;
	uint32_t from;
	struct space *space = usercopy_space(run, op, &from);

	if (!s->open || from == to) return;
	if (s->space[to] != NULL) {
		space_retire(s->space[to]);
		user_model_exit(&s->model, to);
	}
	s->space[to] =
		space != NULL ? space_clone(space, run->op + 1) : space_create(&s->vm, run->op + 1);
	run_result(run, s->space[to] != NULL);
	if (s->space[to] == NULL) {
		usercopy_judge_refusal(run, ENOUGH_FOR_FORK);
		run_sometimes(run, SAW_FORK_REFUSED);
	} else if (space != NULL) {
		user_model_fork(&s->model, from, to);
	}
}

/* --- as a user -------------------------------------------------------------------------------- */

enum { TRIES = 4 }; /* more than there are kinds of fault that one access can meet */

/* The answer to a fault must be the model's, or that there is no memory. */
static void judge_fault(struct run *run, uint32_t n, uint64_t va, enum user_access access,
			enum fault_answer answer)
{
	static const enum fault_answer wanted[] = {
		[USER_FINE] = FAULT_DONE,
		[USER_UNMAPPED] = FAULT_NOT_MAPPED,
		[USER_REFUSED] = FAULT_NOT_ALLOWED,
		[USER_BEYOND] = FAULT_BEYOND,
	};
	const enum user_verdict verdict = user_model_verdict(&state_of(run)->model, n, va, access);

	if (answer == FAULT_NO_MEMORY) {
		usercopy_judge_refusal(run, ENOUGH_PAGES);
		return;
	}
	if (answer == wanted[verdict]) return;
	kpanic(ORACLE_VERDICT, "a fault was answered %u, the model says %u", answer,
	       wanted[verdict]);
}

/* Whether the access went through. */
static bool access_user(struct run *run, uint32_t n, uint64_t va, enum user_access access,
			uint64_t *value)
{
	struct usercopy_state *s = state_of(run);

	space_switch(&s->vm, s->space[n]);
	for (unsigned i = 0; i < TRIES; i++) {
		const enum mach_fault fault = access == ACCESS_STORE ? mach_user_store(va, *value)
								     : mach_user_load(va, value);
		if (fault == MACH_FAULT_NONE) {
			judge_fault(run, n, va, access, FAULT_DONE);
			return true;
		}
		const enum fault_answer answer =
			space_fault(s->space[n], va,
				    access == ACCESS_STORE ? MACH_STORE : MACH_LOAD);
		judge_fault(run, n, va, access, answer);
		run_result(run, answer);
		if (answer != FAULT_DONE) return false;
	}
	kpanic(ORACLE_VERDICT, "an access faults again and again");
}

static uint64_t word_address(const struct script_op *op)
{
	return user_model_address(low(op) >> PAGE_SHIFT) + (low(op) & (PAGE_SIZE - 8));
}

void usercopy_step_load(struct run *run, const struct script_op *op)
{
	const uint64_t va = word_address(op);
	uint64_t value = 0;
	uint32_t n;

	if (usercopy_space(run, op, &n) == NULL) return;
	if (!access_user(run, n, va, ACCESS_LOAD, &value)) return;
	if (!user_model_same(&state_of(run)->model, n, va, (const uint8_t *)&value, sizeof value))
		kpanic(ORACLE_CONTENT, "a user read what nobody wrote there");
	run_result(run, value);
}

void usercopy_step_store(struct run *run, const struct script_op *op)
{
	const uint64_t va = word_address(op);
	uint64_t value = (op->arg >> 16) * 0x0001000100010001ull;
	uint32_t n;

	if (usercopy_space(run, op, &n) == NULL) return;
	if (access_user(run, n, va, ACCESS_STORE, &value))
		user_model_write(&state_of(run)->model, n, va, (const uint8_t *)&value,
				 sizeof value);
}
