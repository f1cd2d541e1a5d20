/*
 * space_access.c -- subject space's loads, stores and fetches, as a user makes them.
 *
 * They go through what the CPU has installed.  A CPU keeps a space until it uses another, so what
 * it remembers of the tables outlives calls made on other CPUs, and outlives the space.  A fault is
 * handed to space_fault() until the access goes through.
 */
#include "fuzz/space_fuzz.h"
#include "machine/machine.h"

void space_install(struct space_state *s, struct space *space)
{
	struct space **now = &s->installed[mach_cpu()];

	if (*now == space) return;
	space_switch(&s->vm, space);
	*now = space;
}

static enum mach_fault try_access(enum mach_access access, uint64_t va, uint64_t *word)
{
	switch (access) {
	case MACH_LOAD: return mach_user_load(va, word);
	case MACH_STORE: return mach_user_store(va, *word);
	default: return mach_user_fetch(va);
	}
}

/* What a user's access comes to in the end. */
static enum fault_answer do_access(struct space_state *s, struct space *space,
				   enum mach_access access, uint64_t va, uint64_t *word)
{
	space_install(s, space);
	for (unsigned tries = 0; tries < ACCESS_TRIES; tries++) {
		if (va < USER_END && try_access(access, va, word) == MACH_FAULT_NONE)
			return FAULT_DONE;
		const enum fault_answer answer = space_fault(space, va, access);
		if (answer != FAULT_DONE) return answer;
	}
	kpanic(ORACLE_SPACE, "a fault at page %ld was handled %d times and comes again",
	       (long)((va - WINDOW_START) >> PAGE_SHIFT), ACCESS_TRIES);
}

static void note_access(struct run *run, const struct space_call *c, enum mach_access access,
			bool was_shared, bool still_shared)
{
	if (access != MACH_STORE || !was_shared) return;
	run_sometimes(run, still_shared ? SAW_COW_BROKEN : SAW_LAST_OWNER_WRITES);
	(void)c;
}

static uint64_t entry_of(struct space *space, uint64_t addr)
{
	if (addr >= USER_END) return 0;
	const mach_irq_t was = lock_take(&space->lock);
	const uint64_t entry = pagetable_lookup(&space->table, addr, NULL);
	lock_drop(&space->lock, was);
	return entry;
}

void space_step_access(struct run *run, const struct space_call *c, enum mach_access access)
{
	struct space_state *s = state_of(run);
	struct space *space = s->space[c->space];
	const uint64_t store = space_store_word(run_op(run));
	uint64_t word = store, expected = 0;
	const uint64_t before = entry_of(space, c->addr);
	const enum fault_answer answer = do_access(s, space, access, c->addr, &word);

	run_result(run, answer);
	space_answer(run, answer == FAULT_NO_MEMORY ? ANSWER_END : ANSWER_VALUE, answer);
	if (answer == FAULT_NO_MEMORY) {
		if (!space_is_scarce(s, 0))
			kpanic(ORACLE_MUST_SUCCEED, "a fault refused with %u pages free",
			       space_free_pages(s));
		space_judge_parked(s);
		run_sometimes(run, SAW_EXHAUSTION);
		return;
	}
	const enum fault_answer right =
		space_model_access(&s->model, c->space, c->addr, access, c->word, store, &expected);
	if (answer != right)
		kpanic(ORACLE_PERM, "an access at page %ld was answered %u, not %u",
		       (long)((c->addr - WINDOW_START) >> PAGE_SHIFT), answer, right);
	if (right == FAULT_BEYOND) run_sometimes(run, SAW_BEYOND);
	if (right != FAULT_DONE) return;
	if (access == MACH_LOAD) {
		run_result(run, word);
		space_answer(run, ANSWER_VALUE, word);
		if (word != expected)
			kpanic(ORACLE_CONTENT, "page %ld holds %lx, not %lx",
			       (long)((c->addr - WINDOW_START) >> PAGE_SHIFT), (unsigned long)word,
			       (unsigned long)expected);
		if (word >> 48 == 0xda7a && (word & 0xffff) <= run_op(run) &&
		    script_op(run->script, (uint32_t)(word & 0xffff)).slot % SPACES_MAX != c->space)
			run_sometimes(run, SAW_SHARED_SEEN);
	}
	const uint64_t after = entry_of(space, c->addr);
	note_access(run, c, access,
		    (before & ENTRY_VALID) && (before & ENTRY_READ_ONLY) && !(before & ENTRY_ZERO),
		    entry_address(before) != entry_address(after));
}
