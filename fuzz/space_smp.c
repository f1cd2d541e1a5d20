/*
 * space_smp.c -- subject space_smp: subject space's world and model, with all CPUs at it at once.
 *
 * What a lane is about to use is its own first; who comes upon what is another's goes away.  A call
 * takes a space, so the model, which changes when a call returns, has one order to follow; accesses
 * take the space too, and the object behind the page, whose words others could change meanwhile; a
 * fork takes parent and child.  So what meets inside is what spaces share: pages, kmalloc, ASIDs,
 * backings, retired spaces, pages copied at the first write, and CPUs that remember entries.
 *
 * `write` takes a space together with others that write in it, each a word of the page that is its
 * CPU's: so what all of them leave behind does not depend on who was first, even where they meet in
 * one page and all of them find it absent, or shared with another space.  An object that such a
 * page is yet to be copied from, or that is written through it, they have in common likewise.
 *
 * `visit` is the one that takes nothing: loads and fetches in a space whatever is being done to it
 * at that moment, answered as they may be, before or after.  It changes nothing that the model
 * knows, but for what mincore says.  While a space exits nobody visits.
 *
 * What is refused while others are at work is not judged, nor asked for where nobody could tell
 * how far it came (populating).  Everything is compared where all lanes meet.
 *
 * Kernel stacks come and go over the same pool (space_smp_stacks.c).
 *
 * Who takes something comes after whoever had it last: two atomic operations on a word of it see to
 * that, as whatever hands a space from CPU to CPU would.
 *
 * Locks: none of its own.
 */
#include "fuzz/space_smp.h"
#include "fuzz/frame/plan.h"
#include "machine/lock.h"
#include "machine/machine.h"

static const char *const saw_names[] = {
	"exhaustion",   "cow-broken",     "last-owner-writes", "asid-rollover",  "retired-in-use",
	"remap-moved",  "remap-in-place", "fixed-over-others", "beyond-the-end", "fork-refused",
	"tables-freed", "heap-grown",     "shared-seen",       "open-answer",    "met",
	"visit-raced",  "lock-waited",    "write-raced",       "stack-raced",    NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_SMP_STATES + 1, "a name for each");
_Static_assert(SCRIPT_CPUS_DRAWN <= WORDS_PER_PAGE, "these have a word of every page each");

enum { STEP_WRITE = PLAN_CODES + 18 };

/* By one, or (shared) by all who do the same. */
enum holds {
	HOLDS_NOTHING,
	HOLDS_CALL,
	HOLDS_LIFE,
	HOLDS_WORDS,  /* shared: a space, or an object, of which CPUs write their words */
	HOLDS_SOURCE, /* shared: an object that pages are copied from */
};

/* Who has what.  Changes in one piece, as nobody comes in between where this is compiled. */
static struct {
	enum holds space[SPACES_MAX];
	uint32_t visitors[SPACES_MAX];
	uint32_t writers[SPACES_MAX];
	enum holds object[MODEL_OBJECTS];
	uint32_t sharers[MODEL_OBJECTS];
	bool sharing;   /* a mapping of new shared memory is being made */
	bool squeezing; /* the chain of squeezed pages is being changed */
	struct script_op aim[SCRIPT_CPUS_MAX];
} claims;

bool smp_met(struct run *run)
{
	run_sometimes(run, SAW_MET);
	run_result(run, 0xbad);
	return false;
}

static bool claim_space(struct run *run, uint32_t n, enum holds what)
{
	atomic_fetch_add_u32(&smp_of(run)->space[n], 1);
	if (claims.space[n] != HOLDS_NOTHING) return smp_met(run);
	if (what == HOLDS_LIFE && claims.visitors[n] != 0) return smp_met(run);
	if (what == HOLDS_CALL && state_of(run)->space[n] == NULL) return smp_met(run);
	claims.space[n] = what;
	return true;
}

static void leave_space(struct run *run, uint32_t n)
{
	atomic_fetch_add_u32(&smp_of(run)->space[n], 1);
	claims.space[n] = HOLDS_NOTHING;
}

static bool claim(struct run *run, bool *what, uint32_t *word)
{
	atomic_fetch_add_u32(word, 1);
	if (*what) return smp_met(run);
	*what = true;
	return true;
}

static void leave(bool *what, uint32_t *word)
{
	atomic_fetch_add_u32(word, 1);
	*what = false;
}

/* With all who do the same. */
static bool join(struct run *run, enum holds *held, enum holds what, uint32_t *count,
		 uint32_t *word)
{
	atomic_fetch_add_u32(word, 1);
	if (*held != HOLDS_NOTHING && *held != what) return smp_met(run);
	*held = what;
	(*count)++;
	return true;
}

static void part(enum holds *held, uint32_t *count, uint32_t *word)
{
	atomic_fetch_add_u32(word, 1);
	if (--*count == 0) *held = HOLDS_NOTHING;
}

static bool claim_object(struct run *run, uint32_t n)
{
	atomic_fetch_add_u32(&smp_of(run)->object[n], 1);
	if (claims.object[n] != HOLDS_NOTHING) return smp_met(run);
	claims.object[n] = HOLDS_CALL;
	return true;
}

static void leave_object(struct run *run, uint32_t n)
{
	atomic_fetch_add_u32(&smp_of(run)->object[n], 1);
	claims.object[n] = HOLDS_NOTHING;
}

/* --- steps ------------------------------------------------------------------------------------ */

/* Populating in part cannot be told from outside. */
static void calm(struct space_call *c)
{
	c->flags &= c->code == SPACE_MMAP ? ~(uint32_t)MAP_POPULATE : ~0u;
	if (c->code != SPACE_MADVISE) return;
	if (c->advice == MADV_POPULATE_READ || c->advice == MADV_POPULATE_WRITE)
		c->advice = MADV_WILLNEED;
}

static void do_call(struct run *run, struct space_call *c)
{
	const bool shares = c->code == SPACE_MMAP && !c->backed && (c->flags & MAP_SHARED) != 0;
	calm(c);
	if (shares && claims.sharing) {
		smp_met(run);
		return;
	}
	claims.sharing |= shares;
	if (claim_space(run, c->space, HOLDS_CALL)) {
		space_step_call(run, c);
		leave_space(run, c->space);
	}
	if (shares) claims.sharing = false;
}

/* The object whose words an access may see or change, or MODEL_NO_OBJECT. */
static uint32_t object_of(const struct space_state *s, const struct space_call *c)
{
	if (c->addr < WINDOW_START || c->addr >= WINDOW_END) return MODEL_NO_OBJECT;
	const struct model_page *p =
		&s->model.space[c->space].page[(c->addr - WINDOW_START) >> PAGE_SHIFT];
	return (p->flags & MODEL_MAPPED) != 0 && (p->flags & MODEL_OWN) == 0 ? p->object
									     : MODEL_NO_OBJECT;
}

static bool is_shared(const struct space_state *s, const struct space_call *c)
{
	const uint64_t page = (c->addr - WINDOW_START) >> PAGE_SHIFT;
	return (s->model.space[c->space].page[page].flags & MODEL_SHARED) != 0;
}

static void do_access(struct run *run, const struct space_call *c)
{
	const enum mach_access access = c->code == SPACE_LOAD    ? MACH_LOAD
					: c->code == SPACE_STORE ? MACH_STORE
								 : MACH_FETCH;
	if (!claim_space(run, c->space, HOLDS_CALL)) return;
	const uint32_t object = object_of(state_of(run), c);
	if (object == MODEL_NO_OBJECT || claim_object(run, object)) {
		space_step_access(run, c, access);
		if (object != MODEL_NO_OBJECT) leave_object(run, object);
	}
	leave_space(run, c->space);
}

static void write_word(struct run *run, const struct space_call *c)
{
	if (claims.writers[c->space] > 1) run_sometimes(run, SAW_WRITE_RACED);
	space_step_access(run, c, MACH_STORE);
	if (claims.writers[c->space] > 1) run_sometimes(run, SAW_WRITE_RACED);
}

static void do_write(struct run *run, const struct space_call *c)
{
	const uint32_t n = c->space;
	uint32_t *space = &smp_of(run)->space[n];
	if (!join(run, &claims.space[n], HOLDS_WORDS, &claims.writers[n], space)) return;
	const uint32_t object =
		state_of(run)->space[n] == NULL ? MODEL_NO_OBJECT : object_of(state_of(run), c);
	if (state_of(run)->space[n] == NULL) {
		smp_met(run);
	} else if (object == MODEL_NO_OBJECT) {
		write_word(run, c);
	} else {
		uint32_t *word = &smp_of(run)->object[object];
		uint32_t *sharers = &claims.sharers[object];
		const enum holds what = is_shared(state_of(run), c) ? HOLDS_WORDS : HOLDS_SOURCE;
		if (join(run, &claims.object[object], what, sharers, word)) {
			write_word(run, c);
			part(&claims.object[object], sharers, word);
		}
	}
	part(&claims.space[n], &claims.writers[n], space);
}

static void do_fork(struct run *run, const struct space_call *c)
{
	if (c->to == c->space || !claim_space(run, c->space, HOLDS_CALL)) return;
	if (claim_space(run, c->to, HOLDS_LIFE)) {
		space_step_fork(run, c);
		leave_space(run, c->to);
	}
	leave_space(run, c->space);
}

/* The last one stays, and so does one whose child is being made. */
static void do_exit(struct run *run, uint32_t n)
{
	const struct space_state *s = state_of(run);
	if (!claim_space(run, n, HOLDS_LIFE)) return;
	const uint32_t alive = space_model_alive(&s->model);
	uint32_t staying = 0;
	for (uint32_t i = 0; i < SPACES_MAX; i++)
		if (i != n && (alive >> i & 1) && claims.space[i] != HOLDS_LIFE) staying++;
	if ((alive >> n & 1) && staying != 0) space_exit(run, n);
	leave_space(run, n);
}

static void do_squeeze(struct run *run, const struct space_call *c)
{
	struct space_state *s = state_of(run);
	if (!claim(run, &claims.squeezing, &smp_of(run)->squeezing)) return;
	if (c->code == SPACE_SQUEEZE)
		space_squeeze(s, c->to < 64 ? c->to : c->to % 8);
	else
		space_relax(s);
	leave(&claims.squeezing, &smp_of(run)->squeezing);
}

static void do_one(struct run *run, struct space_call *c, const struct script_op *op)
{
	struct space_state *s = state_of(run);
	switch (c->code) {
	case SPACE_AIM: claims.aim[mach_cpu()] = *op; return;
	case SPACE_LEAVE: space_install(s, NULL); return;
	case SPACE_RECLAIM: run_result(run, vm_reclaim(&s->vm, c->to) != 0); return;
	case SPACE_SQUEEZE:
	case SPACE_RELAX: do_squeeze(run, c); return;
	case SPACE_EXIT: do_exit(run, c->space); return;
	default: break;
	}
	c->space = space_resolve(space_model_alive(&s->model), c->space);
	if (c->space == SPACES_MAX || s->space[c->space] == NULL) return;
	switch (c->code) {
	case SPACE_LOAD:
	case SPACE_STORE:
	case SPACE_FETCH: do_access(run, c); return;
	case SPACE_FORK: do_fork(run, c); return;
	default: do_call(run, c); return;
	}
}

void smp_note_company(struct run *run)
{
	struct space_state *s = state_of(run);
	s->crowded = run_alone(run) == 0;
	for (unsigned cpu = 0; cpu < run->script->world.cpus; cpu++)
		if (mach_lock_waiting(cpu)->rank != RANK_NONE) run_sometimes(run, SAW_LOCK_WAITED);
}

/* As subject space reads it, under that one's code. */
static struct space_call call_of(const struct script_op *op, struct script_op *as)
{
	static const uint8_t codes[] = {
		SPACE_AIM,     SPACE_MMAP,    SPACE_MUNMAP, SPACE_MPROTECT, SPACE_MREMAP,
		SPACE_MADVISE, SPACE_MINCORE, SPACE_BRK,    SPACE_LOAD,     SPACE_STORE,
		SPACE_FETCH,   SPACE_FORK,    SPACE_EXIT,   SPACE_LEAVE,    SPACE_RECLAIM,
		SPACE_SQUEEZE, SPACE_RELAX,   SPACE_LOAD, /* visit */
		SPACE_STORE,                              /* write */
	};
	*as = *op;
	as->code = codes[op->code - PLAN_CODES];
	if (op->code == STEP_WRITE) as->aux = (uint8_t)mach_cpu();
	return space_call_read(as, &claims.aim[mach_cpu()]);
}

static void step(struct run *run, const struct script_op *op)
{
	struct script_op as;
	struct space_call c = call_of(op, &as);
	smp_note_company(run);
	if (state_of(run)->vm_open) do_one(run, &c, &as);
}

/* To a page, and to the same word of so many more behind it, as far as the window goes.  CPUs from
 * the fifth on have no word of a page, and do not write. */
static void step_write(struct run *run, const struct script_op *op)
{
	struct script_op as;
	if (op->cpu >= WORDS_PER_PAGE) return;
	struct space_state *s = state_of(run);
	struct space_call c = call_of(op, &as);
	smp_note_company(run);
	for (uint32_t more = op->arg >> 16;; more--, c.addr += PAGE_SIZE) {
		c.space = space_resolve(space_model_alive(&s->model), op->slot);
		if (s->vm_open && c.space != SPACES_MAX) do_write(run, &c);
		const bool last = c.addr < WINDOW_START || c.addr >= WINDOW_END - PAGE_SIZE;
		if (more == 0 || last) break;
	}
}

/* One access, answered as the moment has it; a fault that can be handled is. */
static void visit(struct space_state *s, struct space *space, const struct space_call *c)
{
	uint64_t word;
	space_install(s, space);
	for (unsigned tries = 0; tries < ACCESS_TRIES; tries++) {
		if (c->addr >= USER_END || mach_user_load(c->addr, &word) == MACH_FAULT_NONE)
			return;
		if (space_fault(space, c->addr, MACH_LOAD) != FAULT_DONE) return;
	}
}

static void step_visit(struct run *run, const struct script_op *op)
{
	struct script_op as;
	struct space_state *s = state_of(run);
	struct space_call c = call_of(op, &as);
	smp_note_company(run);
	const uint32_t n = space_resolve(space_model_alive(&s->model), c.space);
	if (n != SPACES_MAX) atomic_fetch_add_u32(&smp_of(run)->space[n], 1);
	if (!s->vm_open || n == SPACES_MAX || claims.space[n] == HOLDS_LIFE) return;
	if (s->space[n] == NULL) return; /* it has ended by now */
	claims.visitors[n]++;
	s->core_unknown[n] = true;
	if (claims.space[n] == HOLDS_CALL) run_sometimes(run, SAW_VISIT_RACED);
	visit(s, s->space[n], &c);
	if (claims.space[n] == HOLDS_CALL) run_sometimes(run, SAW_VISIT_RACED);
	atomic_fetch_add_u32(&smp_of(run)->space[n], 1);
	claims.visitors[n]--;
}

/* --- the subject ------------------------------------------------------------------------------ */

static void smp_open(struct run *run)
{
	memset(&claims, 0, sizeof(claims));
	struct space_smp *s = smp_of(run);
	memset(s->space, 0, sizeof(s->space));
	memset(s->object, 0, sizeof(s->object));
	s->squeezing = 0;
	for (unsigned cpu = 0; cpu < SCRIPT_CPUS_MAX; cpu++) claims.aim[cpu].code = SPACE_AIM;
	space_open(run);
	smp_stacks_open(run);
}

static void smp_check(struct run *run, enum check_depth depth)
{
	space_check_run(run, depth);
	if (depth == CHECK_WALK) smp_stacks_check(run);
}

static void smp_close(struct run *run)
{
	state_of(run)->crowded = false;
	smp_stacks_close(run);
	space_close(run);
}

static void smp_together(struct run *run, unsigned cpu)
{
	run_lane(run, cpu);
}

/* clang-format off */
#define SPACE { "space", IN_SLOT, FORM_NUMBER, SPACES_MAX, NULL }
#define PLACE { "place", IN_LOW, FORM_NUMBER, SPACE_PLACES, NULL }
#define LENGTH { "length", IN_HIGH, FORM_NUMBER, SPACE_PLACES, NULL }
#define WORD { "word", IN_AUX, FORM_NUMBER, WORDS_PER_PAGE, NULL }
#define TO { "to", IN_AUX, FORM_NUMBER, SPACES_MAX, NULL }
#define PAGES { "pages", IN_AUX, FORM_NUMBER, 0, NULL }
#define NAMED(name, form, limit, names) { name, IN_AUX, form, limit, names }
#define NONE { { NULL, 0, 0, 0, NULL } }

static const struct op_kind operations[] = {
	PLAN_OPERATIONS,
	{ "aim", 10, { PLACE, LENGTH }, step },
	{ "mmap", 30, { SPACE, NAMED("how", FORM_FLAGS, SPACE_MAP_FLAGS, space_map_flags), PLACE,
			LENGTH }, step },
	{ "munmap", 14, { SPACE, PLACE, LENGTH }, step },
	{ "mprotect", 12, { SPACE, NAMED("rights", FORM_FLAGS, 3, space_map_flags), PLACE, LENGTH },
	  step },
	{ "mremap", 8, { SPACE, NAMED("how", FORM_FLAGS, SPACE_REMAP_FLAGS, space_remap_flags),
			 PLACE, LENGTH }, step },
	{ "madvise", 8, { SPACE, NAMED("advice", FORM_NAMES, SPACE_ADVICES, space_advice_names),
			  PLACE, LENGTH }, step },
	{ "mincore", 2, { SPACE, PLACE, LENGTH }, step },
	{ "brk", 5, { SPACE, PLACE }, step },
	{ "load", 24, { SPACE, PLACE, WORD }, step },
	{ "store", 40, { SPACE, PLACE, WORD }, step },
	{ "fetch", 4, { SPACE, PLACE }, step },
	{ "fork", 12, { SPACE, TO }, step },
	{ "exit", 8, { SPACE }, step },
	{ "leave", 3, NONE, step },
	{ "reclaim", 5, { PAGES }, step },
	{ "squeeze", 3, { PAGES }, step },
	{ "relax", 6, NONE, step },
	{ "visit", 20, { SPACE, PLACE, WORD }, step_visit },
	{ "write", 30, { SPACE, PLACE, { "more", IN_HIGH, FORM_NUMBER, 4, NULL } }, step_write },
	{ "stack", 12, { { "stack", IN_SLOT, FORM_NUMBER, SMP_STACK_HANDLES, NULL } },
	  smp_step_stack },
	{ "stack-drain", 2, NONE, smp_step_stack_drain },
};
/* clang-format on */

const struct subject space_smp_subject = {
	.name = "space_smp",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = smp_open,
	.check = smp_check,
	.close = smp_close,
	.leave = space_leave,
	.together = smp_together,
	.state_bytes = sizeof(struct space_smp),
};
