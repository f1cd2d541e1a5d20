/*
 * malloc_smp.c -- subject malloc_smp: the user-space allocator, with several threads in it at once.
 *
 * CPUs stand for threads.  The lock that the allocator is handed is one of machine/lock.h, so who
 * waits for it gives the turn away, and whether all that it guards is touched under it is for the
 * race detector to say: the instance and the memory it deals with lie in the arena.
 *
 * A handle is its lane's while an operation is at it; another lane that comes upon it goes away.  A
 * block leaves the model before the call that frees or moves it, and enters it after the one that
 * returned it: who is given memory that the model has was given somebody's.
 *
 * Judged are contents, bounds, alignment and overlap at every call; misuse that is one whatever
 * others do; a fork's child, whose heap must be sound while everybody else stands still where he
 * is; and counts and structures where all lanes meet.  What is refused is not judged.
 *
 * Results: what was granted, and how much a block can hold; at meeting points what is live.
 */
#include "fuzz/frame/lanes.h"
#include "fuzz/malloc_score.h"
#include "machine/lock.h"

/* In the arena, where what is in it is watched. */
struct ums_state {
	struct umalloc m;
	struct lock lock;
	mach_irq_t was;                              /* of whoever has the lock */
	struct umalloc_cache cache[SCRIPT_CPUS_MAX]; /* each lane's, as of a thread */
	uint32_t handed[SCRIPT_SLOTS]; /* atomic: by which handles go from lane to lane */
};

/* Beside the state: no part of what is simulated. */
static struct {
	struct umw_memory mem;
	struct block_model blocks;
	bool at_it[SCRIPT_SLOTS];    /* a lane is */
	uint32_t made[SCRIPT_SLOTS]; /* by which CPU */
	uint64_t live_bytes;
	uint64_t taken[SCRIPT_SLOTS];
} model;

enum {
	SAW_MET_AT_HANDLE,
	SAW_OTHER_CPU_FREE,
	SAW_MOVED,
	SAW_QUEUED,
	SAW_REFUSED,
	SAW_LOCK_WAITED,
	SAW_FORK_RACED,
	SAW_UNMAP_FAILED,
	SAW_CACHED,
	SAW_CACHE_CLOSED,
	SAW_STATES
};

static const char *const saw_names[] = {
	"met-at-handle", "other-cpu-free", "moved",  "queued",       "refused", "lock-waited",
	"fork-raced",    "unmap-failed",   "cached", "cache-closed", NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

static struct ums_state *state_of(const struct run *run)
{
	return run->state;
}

static void take_lock(struct run *run)
{
	struct ums_state *s = state_of(run);
	const mach_irq_t was = lock_take(&s->lock);
	s->was = was;
}

static void drop_lock(struct run *run)
{
	struct ums_state *s = state_of(run);
	lock_drop(&s->lock, s->was);
}

static const char is_not_alone = 0;

static void ums_open(struct run *run)
{
	struct ums_state *s = state_of(run);

	memset(&model, 0, sizeof(model));
	memset(s->handed, 0, sizeof(s->handed));
	memset(s->cache, 0, sizeof(s->cache));
	lock_init(&s->lock, RANK_OUTER);
	umw_open(&model.mem, &s->m, &is_not_alone, run);
	model.mem.lock = take_lock;
	model.mem.unlock = drop_lock;
	umw_score_opens(&model.mem, &s->m);
	block_model_init(&model.blocks, model.mem.base, (size_t)model.mem.pages << PAGE_SHIFT);
}

/* --- threads ---------------------------------------------------------------------------------- */

/* Who performs the operation: a CPU; or, where one performs all (calm.c), whoever was to. */
static unsigned thread_now(const struct run *run)
{
	if (!run_is_calm(run)) return mach_cpu();
	if (run->phase != RUN_OPERATES || run->lanes == NULL || run->lanes->checks) return 0;
	return script_op_for(run->script, run->subject, run_op(run)).cpu;
}

/* What the operation has come to is told: nothing of it is, but in a calm run. */
static void tell_figures(struct run *run)
{
	struct umalloc_stats now;

	if (!run_is_calm(run)) return;
	umalloc_stats(&state_of(run)->m, &now);
	umw_score_stats(&model.mem, &now);
}

/* --- handles ---------------------------------------------------------------------------------- */

static void note_company(struct run *run)
{
	for (unsigned cpu = 0; cpu < run->script->world.cpus; cpu++)
		if (mach_lock_waiting(cpu)->rank != RANK_NONE) run_sometimes(run, SAW_LOCK_WAITED);
}

/* Who hands a block to somebody must see to it that what was done to it comes first. */
static bool claim(struct run *run, unsigned slot)
{
	atomic_fetch_add_u32(&state_of(run)->handed[slot], 1);
	if (model.at_it[slot]) {
		run_sometimes(run, SAW_MET_AT_HANDLE);
		run_result(run, 0xbad);
		return false;
	}
	model.at_it[slot] = true;
	return true;
}

static void unclaim(struct run *run, unsigned slot)
{
	atomic_fetch_add_u32(&state_of(run)->handed[slot], 1);
	model.at_it[slot] = false;
	tell_figures(run);
}

/* --- caches ----------------------------------------------------------------------------------- */

static struct umalloc_cache *own_cache(struct run *run)
{
	return &state_of(run)->cache[thread_now(run)];
}

/* The last of three CPUs or more stands for a thread that has none; of threads that are played
 * (malloc_score.h) the first has none. */
static bool uses_cache(const struct run *run)
{
	const unsigned thread = thread_now(run);

	if (run_is_calm(run)) return thread != 0;
	return thread < 2 || thread + 1 != run->script->world.cpus;
}

/* The lane's thread ends, and another begins in the same storage. */
static void step_thread_ends(struct run *run, const struct script_op *op)
{
	struct umalloc_cache *c = own_cache(run);

	(void)op;
	if (c->m != NULL) run_sometimes(run, SAW_CACHE_CLOSED);
	umalloc_cache_close(c);
	memset(c, 0, sizeof(*c));
	if (run_is_calm(run) && uses_cache(run))
		umw_score_does_to(&model.mem, 0, "ends", thread_now(run));
	tell_figures(run);
}

/* --- operations ------------------------------------------------------------------------------- */

static void got(struct run *run, unsigned slot, void *p, size_t bytes, size_t align)
{
	note_company(run);
	run_result(run, p != NULL);
	if (p == NULL) {
		run_sometimes(run, SAW_REFUSED);
		return;
	}
	const size_t usable = umalloc_usable(&state_of(run)->m, p);
	if (usable < bytes) kpanic(ORACLE_BOUNDS, "%zu bytes granted, %zu usable", bytes, usable);
	block_add(&model.blocks, slot, p, bytes == 0 ? 1 : bytes,
		  align < UMALLOC_ALIGN ? UMALLOC_ALIGN : align, false, run_op(run) + 1);
	run_result(run, usable);
	model.made[slot] = thread_now(run);
	model.taken[slot] = umw_taken(usable);
	model.live_bytes += model.taken[slot];
}

static void leaves(unsigned slot)
{
	block_verify(&model.blocks, slot, SIZE_MAX);
	block_leave(&model.blocks, slot);
	model.live_bytes -= model.taken[slot];
}

static void give_back(struct run *run, unsigned slot)
{
	void *p = model.blocks.blocks[slot].at;

	leaves(slot);
	if (model.made[slot] != thread_now(run)) run_sometimes(run, SAW_OTHER_CPU_FREE);
	if (uses_cache(run))
		umalloc_free_by(&state_of(run)->m, own_cache(run), p);
	else
		umalloc_free(&state_of(run)->m, p);
	umw_score_does_to(&model.mem, thread_now(run), "free", slot);
	note_company(run);
}

static void get(struct run *run, const struct script_op *op, size_t align)
{
	struct umalloc *m = &state_of(run)->m;
	const size_t bytes = field_size(op->arg);

	if (!claim(run, op->slot)) return;
	if (model.blocks.blocks[op->slot].at != NULL) give_back(run, op->slot);
	void *p = align != 1        ? umalloc_alloc_aligned(m, align, bytes)
		  : uses_cache(run) ? umalloc_alloc_by(m, own_cache(run), bytes)
				    : umalloc_alloc(m, bytes);
	umw_score_got(&model.mem, thread_now(run), align != 1 ? "aligned" : "alloc", op->slot,
		      bytes, align != 1 ? align : 0, p, umalloc_usable(m, p));
	got(run, op->slot, p, bytes, align);
	unclaim(run, op->slot);
}

static void step_alloc(struct run *run, const struct script_op *op)
{
	get(run, op, 1);
}

static void step_aligned(struct run *run, const struct script_op *op)
{
	get(run, op, (size_t)2 << op->aux);
}

static void step_free(struct run *run, const struct script_op *op)
{
	if (!claim(run, op->slot)) return;
	if (model.blocks.blocks[op->slot].at != NULL) give_back(run, op->slot);
	unclaim(run, op->slot);
}

static void resize(struct run *run, unsigned slot, size_t bytes)
{
	const struct block *b = &model.blocks.blocks[slot];
	struct umalloc *m = &state_of(run)->m;
	void *was = b->at;

	leaves(slot);
	void *p = umalloc_realloc(m, was, bytes);
	umw_score_got(&model.mem, thread_now(run), "resize", slot, bytes, 0, p,
		      umalloc_usable(m, p));
	note_company(run);
	run_result(run, p != NULL);
	if (p == NULL) run_sometimes(run, SAW_REFUSED);
	if (p != NULL && p != was) run_sometimes(run, SAW_MOVED);
	if (p == NULL) bytes = b->bytes;
	block_moved(&model.blocks, slot, p == NULL ? was : p, bytes, run_op(run) + 1);
	model.taken[slot] = umw_taken(umalloc_usable(m, b->at));
	model.live_bytes += model.taken[slot];
}

static void step_realloc(struct run *run, const struct script_op *op)
{
	if (!claim(run, op->slot)) return;
	if (model.blocks.blocks[op->slot].at != NULL && op->arg != 0)
		resize(run, op->slot, field_size(op->arg));
	unclaim(run, op->slot);
}

static void step_verify(struct run *run, const struct script_op *op)
{
	if (!claim(run, op->slot)) return;
	if (model.blocks.blocks[op->slot].at != NULL)
		block_verify(&model.blocks, op->slot, SIZE_MAX);
	unclaim(run, op->slot);
}

static void step_flush(struct run *run, const struct script_op *op)
{
	(void)op;
	umalloc_flush(&state_of(run)->m);
	umw_score_does(&model.mem, thread_now(run), "flush", NULL);
	tell_figures(run);
}

static void step_drain(struct run *run, const struct script_op *op)
{
	(void)op;
	umalloc_drain(&state_of(run)->m);
	umw_score_does(&model.mem, thread_now(run), "drain", NULL);
	tell_figures(run);
}

/* What a child has: everything as it is at this moment. */
static void step_fork(struct run *run, const struct script_op *op)
{
	struct ums_state *s = state_of(run);

	(void)op;
	umalloc_before_fork(&s->m);
	note_company(run);
	for (unsigned slot = 0; slot < SCRIPT_SLOTS; slot++)
		if (model.at_it[slot]) run_sometimes(run, SAW_FORK_RACED);
	const char *why = umalloc_check_held(&s->m);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	umalloc_after_fork(&s->m);
	umw_score_does(&model.mem, thread_now(run), "fork", "parent");
	tell_figures(run);
}

static void step_fail(struct run *run, const struct script_op *op)
{
	model.mem.to_fail[op->aux] = op->arg;
	if (op->aux == UMW_UNMAP && op->arg != 0) run_sometimes(run, SAW_UNMAP_FAILED);
}

static void step_inside_free(struct run *run, const struct script_op *op)
{
	const struct block *b = &model.blocks.blocks[op->slot];

	if (!claim(run, op->slot)) return;
	if (b->at != NULL && b->bytes >= 2) {
		const uint32_t before = model.mem.misused;
		uint8_t *p = b->at + 1 + op->arg % (b->bytes - 1);
		if (!umalloc_resembles_block(p)) {
			umalloc_free(&state_of(run)->m, p);
			if (model.mem.misused == before || model.mem.verdict != UMALLOC_WILD)
				kpanic(ORACLE_VERDICT, "a free inside of a block was not told");
			umw_score_misuse(&model.mem, 0, "misfree", p, "wild");
		}
	}
	unclaim(run, op->slot);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void ums_check(struct run *run, enum check_depth depth)
{
	struct ums_state *s = state_of(run);
	struct umalloc_stats now;

	umalloc_stats(&s->m, &now);
	if (now.live != model.blocks.live_count || now.live_bytes != model.live_bytes)
		kpanic(ORACLE_ACCOUNT, "%lu blocks of %lu bytes live, not %u of %lu",
		       (unsigned long)now.live, (unsigned long)now.live_bytes,
		       model.blocks.live_count, (unsigned long)model.live_bytes);
	if (now.heap_bytes != model.mem.heap || now.mapped_bytes != model.mem.mapped)
		kpanic(ORACLE_ACCOUNT, "held bytes are counted wrong");
	if (now.queued != 0) run_sometimes(run, SAW_QUEUED);
	if (now.cached != 0) run_sometimes(run, SAW_CACHED);
	if (depth == CHECK_COUNTS) return;
	const char *why = umalloc_check(&s->m);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	for (uint32_t i = 0; i < model.blocks.live_count; i++)
		block_verify(&model.blocks, model.blocks.live[i], SIZE_MAX);
	run_result(run, now.live_bytes);
}

static void ums_close(struct run *run)
{
	struct ums_state *s = state_of(run);

	memset(model.mem.to_fail, 0, sizeof(model.mem.to_fail));
	while (model.blocks.live_count != 0)
		give_back(run, model.blocks.live[model.blocks.live_count - 1]);
	umw_close(&model.mem, &s->m);
}

static void ums_together(struct run *run, unsigned cpu)
{
	run_lane(run, cpu);
}

/* clang-format off */
static const char *const call_names[] = { "sbrk", "map", "unmap", "remap" };

#define SLOT { "slot", IN_SLOT, FORM_NUMBER, SCRIPT_SLOTS, NULL }
#define SIZE { "size", IN_ARG, FORM_SIZE, 0, NULL }
#define NONE { { NULL, 0, 0, 0, NULL } }

static const struct op_kind operations[] = {
	PLAN_OPERATIONS,
	{ "alloc", 40, { SLOT, SIZE }, step_alloc },
	{ "free", 40, { SLOT }, step_free },
	{ "realloc", 30, { SLOT, SIZE }, step_realloc },
	{ "aligned", 6, { SLOT, SIZE, { "shift", IN_AUX, FORM_NUMBER, 16, NULL } }, step_aligned },
	{ "verify", 4, { SLOT }, step_verify },
	{ "flush", 6, NONE, step_flush },
	{ "drain", 4, NONE, step_drain },
	{ "fork", 4, NONE, step_fork },
	{ "fail", 3, { { "call", IN_AUX, FORM_NAMES, UMW_CALLS, call_names },
		       { "times", IN_ARG, FORM_NUMBER, 8, NULL } }, step_fail },
	{ "inside-free", 3, { SLOT, { "offset", IN_ARG, FORM_NUMBER, 0, NULL } },
	  step_inside_free },
	{ "thread-ends", 3, NONE, step_thread_ends },
};
/* clang-format on */

const struct subject malloc_smp_subject = {
	.name = "malloc_smp",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = ums_open,
	.check = ums_check,
	.close = ums_close,
	.together = ums_together,
	.state_bytes = sizeof(struct ums_state),
};
