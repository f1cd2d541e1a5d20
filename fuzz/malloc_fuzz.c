/*
 * malloc_fuzz.c -- subject malloc: the user-space allocator and its queue of deferred frees.
 *
 * One thread, and a process's memory calls (malloc_world.c).  Operations allocate, resize and free
 * by handle; make memory calls fail; move the break as somebody else; and misuse.
 *
 * The model is a table of blocks with patterns, and the queue: which blocks realloc has left
 * behind, in their order, each to be readable until it is flushed.  It says exactly how many bytes
 * and blocks are live, queued, released and were ever allocated, as long as nothing failed on the
 * way.  Judged besides:
 *   - a refusal: some memory call failed meanwhile, or the request is beyond all bounds; told once;
 *   - growth of the heap where a single free block had room for the request;
 *   - a free's order: of what is unmapped, its own block comes last;
 *   - a misuse: told once, with the right word, and no count has changed.
 *
 * In the digest: grants, usable sizes, verdicts, and after each operation what is live and queued.
 */
#include "fuzz/malloc_subject.h"

#define HUGE ((size_t)INT32_MAX) /* what a script can ask for is less, or next to SIZE_MAX */

_Static_assert(sizeof(struct umf_state) <= RUN_STATE_BYTES, "a run's state holds it");

static const char *const saw_names[] = {
	"refused",
	"resized-in-place",
	"moved",
	"forced-flush",
	"flushed-by-free",
	"flushed-by-alloc",
	"flushed-by-pressure",
	"flushed-on-demand",
	"flushed-at-exit",
	"stuck",
	"mapped-aligned",
	"trimmed",
	"break-moved",
	"queued-freed-again",
	"cached",
	"cache-closed",
	"caches-forgotten",
	"cached-freed-again",
	"remapped",
	NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

static void take_lock(struct run *run)
{
	struct umf_state *s = state_of(run);

	if (s->locked) kpanic(ORACLE_DEADLOCK, "who has the lock waits for it");
	s->locked = true;
}

static void drop_lock(struct run *run)
{
	struct umf_state *s = state_of(run);

	if (!s->locked) kpanic(ORACLE_OWNER, "a lock is dropped that nobody has");
	s->locked = false;
}

static const char is_alone = 1, is_not_alone = 0;

static void umf_open(struct run *run)
{
	struct umf_state *s = state_of(run);
	const bool alone = (run->script->world.flags & WORLD_SITES) == 0;

	memset(&s->counts, 0, sizeof(s->counts));
	memset(s->taken, 0, sizeof(s->taken));
	memset(s->cache, 0, sizeof(s->cache));
	s->vague = s->locked = false;
	umw_open(&s->mem, &s->m, alone ? &is_alone : &is_not_alone, run);
	s->mem.lock = take_lock;
	s->mem.unlock = drop_lock;
	umw_score_opens(&s->mem, &s->m);
	block_model_init(&s->blocks, s->mem.base, (size_t)s->mem.pages << PAGE_SHIFT);
}

/* --- the model -------------------------------------------------------------------------------- */

struct before umf_look(struct run *run)
{
	struct umf_state *s = state_of(run);
	struct before b = {
		.failed = s->mem.failed,
		.grown = s->mem.grown,
		.refused = s->mem.refused,
		.misused = s->mem.misused,
		.unmaps = s->mem.unmaps,
		.remaps = s->mem.remaps,
	};

	umalloc_stats(&s->m, &b.stats);
	return b;
}

static void model_flush(struct run *run, enum umalloc_flush_cause cause)
{
	struct umf_state *s = state_of(run);

	if (s->counts.queued != 0) {
		run_sometimes(run, SAW_FLUSHED + cause);
		s->counts.flushes[cause]++;
	}
	s->counts.queued = s->counts.queued_bytes = 0;
}

static void model_add(struct umf_state *s, unsigned slot, uint64_t taken)
{
	s->taken[slot] = taken;
	s->counts.live++;
	s->counts.live_bytes += taken;
}

static void model_remove(struct umf_state *s, unsigned slot)
{
	s->counts.live--;
	s->counts.live_bytes -= s->taken[slot];
}

/* Block `slot`, as `b` describes it, has been left behind. */
static void model_push(struct run *run, const struct block *b, uint64_t taken)
{
	struct umf_state *s = state_of(run);
	const uint32_t slots = s->m.config.deferred_slots;

	if (slots == 0) return;
	if (s->counts.queued == slots) model_flush(run, UMALLOC_FLUSH_FULL);
	s->left[s->counts.queued] = *b;
	s->left_taken[s->counts.queued] = taken;
	s->counts.queued++;
	s->counts.queued_bytes += taken;
}

static void told_once(struct run *run, const struct before *b, const void *p)
{
	const struct umf_state *s = state_of(run);

	if (s->mem.refused - b->refused != (p == NULL))
		kpanic(ORACLE_VERDICT, "a request was %s, and that was told %u times",
		       p == NULL ? "refused" : "granted", s->mem.refused - b->refused);
	if (s->mem.misused != b->misused)
		kpanic(ORACLE_VERDICT, "a right use was called %s",
		       umalloc_verdict_name(s->mem.verdict));
}

static bool possible(size_t bytes, size_t align)
{
	const size_t most = (size_t)SCRIPT_PAGES_MAX << (PAGE_SHIFT + 1);
	return bytes < most && align < most;
}

static void judge_refusal(struct run *run, const struct before *b, size_t bytes, size_t align)
{
	struct umf_state *s = state_of(run);

	run_sometimes(run, SAW_REFUSED);
	struct umalloc_stats now;
	umalloc_stats(&s->m, &now);
	if (possible(bytes, align) && now.cached != 0)
		kpanic(ORACLE_MUST_SUCCEED, "%zu bytes refused, and %lu lie in caches", bytes,
		       (unsigned long)now.cached_bytes);
	if (possible(bytes, align) && s->mem.failed == b->failed)
		kpanic(ORACLE_MUST_SUCCEED, "%zu bytes aligned %zu refused, and no call failed",
		       bytes, align);
}

/* Where some free block had the room, the heap must not have grown. */
static void judge_growth(struct run *run, const struct before *b, size_t bytes, size_t align)
{
	const struct umf_state *s = state_of(run);

	if (align > UMALLOC_ALIGN || bytes >= s->m.config.map_bytes) return;
	if (s->mem.grown != b->grown && b->stats.largest_free >= max_u64(bytes, 24))
		kpanic(ORACLE_FRAGMENTATION, "the heap grew for %zu bytes, and %lu were free",
		       bytes, (unsigned long)b->stats.largest_free);
}

/* --- operations ------------------------------------------------------------------------------- */

static void verify_left(const struct umf_state *s)
{
	static struct block_model read; /* only to read them by */

	for (uint64_t i = 0; i < s->counts.queued; i++) {
		read.blocks[0] = s->left[i];
		block_verify(&read, 0, SIZE_MAX);
	}
}

void umf_give_back(struct run *run, unsigned slot, unsigned by)
{
	struct umf_state *s = state_of(run);
	void *p = s->blocks.blocks[slot].at;
	const bool mapped = s->taken[slot] == umalloc_usable(&s->m, p);
	const struct before b = umf_look(run);

	block_verify(&s->blocks, slot, SIZE_MAX);
	block_remove(&s->blocks, slot);
	if (cache_of(s, by) != NULL)
		umalloc_free_by(&s->m, cache_of(s, by), p);
	else
		umalloc_free(&s->m, p);
	umw_score_does_to(&s->mem, cache_of(s, by) != NULL ? by : 0, "free", slot);
	if (s->mem.misused != b.misused) kpanic(ORACLE_VERDICT, "a right free was misuse");
	if (mapped && !s->vague && s->mem.unmaps != b.unmaps && s->mem.unmapped != p)
		kpanic(ORACLE_VERDICT, "the queue was flushed after the block was freed");
	model_flush(run, UMALLOC_FLUSH_FREE);
	model_remove(s, slot);
	if (s->mem.heap < b.stats.heap_bytes) run_sometimes(run, SAW_TRIMMED);
}

static void got(struct run *run, unsigned slot, void *p, size_t bytes, size_t align)
{
	struct umf_state *s = state_of(run);
	const size_t usable = umalloc_usable(&s->m, p);

	run_result(run, usable);
	if (usable < bytes) kpanic(ORACLE_BOUNDS, "%zu bytes granted, %zu usable", bytes, usable);
	block_add(&s->blocks, slot, p, usable, align < UMALLOC_ALIGN ? UMALLOC_ALIGN : align, false,
		  run->op + 1);
	model_add(s, slot, umw_taken(usable));
	s->counts.allocated++;
	if (align > PAGE_SIZE && usable % PAGE_SIZE == 0) run_sometimes(run, SAW_MAPPED_ALIGNED);
}

/* Behind these: by thread n, which has a cache. */
enum how { HOW_ALIGNED = -2, HOW_ZEROED, HOW_PLAIN, HOW_CACHED };

static void check_zeroed(const uint8_t *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (p[i] != 0) kpanic(ORACLE_ZEROING, "byte %zu of %zu is %u", i, bytes, p[i]);
}

static void say_got(struct umf_state *s, unsigned slot, size_t bytes, size_t align, int how,
		    const void *p)
{
	const char *verb = how == HOW_ALIGNED ? "aligned" : how == HOW_ZEROED ? "zeroed" : "alloc";
	const unsigned by = how >= HOW_CACHED ? (unsigned)how : 0;

	umw_score_got(&s->mem, how >= HOW_PLAIN ? by : anyone(s, slot), verb, slot, bytes,
		      how == HOW_ALIGNED ? align : 0, p, umalloc_usable(&s->m, p));
}

static void get(struct run *run, unsigned slot, size_t bytes, size_t align, int how)
{
	struct umf_state *s = state_of(run);

	if (s->blocks.blocks[slot].at != NULL) umf_give_back(run, slot, 0);
	const struct before b = umf_look(run);
	void *p = how >= HOW_CACHED    ? umalloc_alloc_by(&s->m, cache_of(s, how), bytes)
		  : how == HOW_ALIGNED ? umalloc_alloc_aligned(&s->m, align, bytes)
		  : how == HOW_ZEROED  ? umalloc_alloc_zeroed(&s->m, bytes)
				       : umalloc_alloc(&s->m, bytes);
	say_got(s, slot, bytes, align, how, p);
	run_result(run, p != NULL);
	told_once(run, &b, p);
	model_flush(run, UMALLOC_FLUSH_ALLOC);
	if (p == NULL) {
		judge_refusal(run, &b, bytes, align);
		return;
	}
	judge_growth(run, &b, bytes, align);
	if (!possible(bytes, align)) kpanic(ORACLE_MUST_FAIL, "%zu bytes granted", bytes);
	if (how == HOW_ZEROED) check_zeroed(p, bytes);
	got(run, slot, p, bytes, align);
}

static void step_alloc(struct run *run, const struct script_op *op)
{
	const bool cached = cache_of(state_of(run), op->aux) != NULL;
	get(run, op->slot, field_size(op->arg), UMALLOC_ALIGN, cached ? op->aux : HOW_PLAIN);
}

static void step_zeroed(struct run *run, const struct script_op *op)
{
	get(run, op->slot, field_size(op->arg), UMALLOC_ALIGN, HOW_ZEROED);
}

static void step_aligned(struct run *run, const struct script_op *op)
{
	get(run, op->slot, field_size(op->arg), (size_t)1 << op->aux, HOW_ALIGNED);
}

static void step_free(struct run *run, const struct script_op *op)
{
	if (state_of(run)->blocks.blocks[op->slot].at != NULL)
		umf_give_back(run, op->slot, op->aux);
}

/* It moved, or its size changed where it is. */
static void resized(struct run *run, unsigned slot, void *was, void *p, const struct before *b)
{
	struct umf_state *s = state_of(run);
	const struct block old = s->blocks.blocks[slot];
	const uint64_t old_taken = s->taken[slot];
	const size_t usable = umalloc_usable(&s->m, p);

	run_result(run, usable);
	if (p != was && s->mem.failed != b->failed && b->stats.queued != 0) {
		struct umalloc_stats
			now; /* it may have been flushed for want of memory, or as full */
		umalloc_stats(&s->m, &now);
		if (now.queued <= 1 &&
		    now.flushes[UMALLOC_FLUSH_FULL] == b->stats.flushes[UMALLOC_FLUSH_FULL])
			model_flush(run, UMALLOC_FLUSH_PRESSURE);
	}
	model_remove(s, slot);
	model_add(s, slot, umw_taken(usable));
	run_sometimes(run, p == was ? SAW_RESIZED_IN_PLACE : SAW_MOVED);
	const bool remapped = s->mem.remaps != b->remaps;
	if (remapped) run_sometimes(run, SAW_REMAPPED);
	if (p != was && !remapped) {
		s->counts.allocated++;
		model_push(run, &old, old_taken);
	}
	block_move(&s->blocks, slot, p, usable, run->op + 1);
}

/* Blocks of sizes that lie close together, each behind one that stays, are freed, the smallest
 * last; then the largest is wanted again: whoever has free blocks in lists must look behind the
 * first of one. */
static void step_comb(struct run *run, const struct script_op *op)
{
	struct umf_state *s = state_of(run);
	const unsigned teeth = op->aux + 2u;
	const size_t bytes = field_size(op->arg);

	if (bytes > HUGE / 2) return;
	for (unsigned i = 0; i < teeth; i++) {
		const unsigned slot = (op->slot + 2 * i) % SCRIPT_SLOTS;
		get(run, slot, bytes + i * UMALLOC_ALIGN, UMALLOC_ALIGN, HOW_PLAIN);
		get(run, (slot + 1) % SCRIPT_SLOTS, UMALLOC_ALIGN, UMALLOC_ALIGN, HOW_PLAIN);
	}
	for (unsigned i = teeth; i-- != 0;) {
		const unsigned slot = (op->slot + 2 * i) % SCRIPT_SLOTS;
		if (s->blocks.blocks[slot].at != NULL) umf_give_back(run, slot, 0);
	}
	get(run, op->slot, bytes + (teeth - 1) * UMALLOC_ALIGN, UMALLOC_ALIGN, HOW_PLAIN);
}

static void step_realloc(struct run *run, const struct script_op *op)
{
	struct umf_state *s = state_of(run);
	void *was = s->blocks.blocks[op->slot].at;
	const size_t bytes = field_size(op->arg);

	if (was == NULL || bytes == 0) {
		if (was != NULL) umf_give_back(run, op->slot, 0);
		if (was == NULL) get(run, op->slot, bytes, UMALLOC_ALIGN, HOW_PLAIN);
		return;
	}
	const struct before b = umf_look(run);
	void *p = umalloc_realloc(&s->m, was, bytes);
	umw_score_got(&s->mem, anyone(s, op->slot), "resize", op->slot, bytes, 0, p,
		      umalloc_usable(&s->m, p));
	run_result(run, p != NULL);
	told_once(run, &b, p);
	if (p == NULL) {
		judge_refusal(run, &b, bytes, UMALLOC_ALIGN);
		if (bytes <= HUGE) model_flush(run, UMALLOC_FLUSH_PRESSURE);
		block_verify(&s->blocks, op->slot, SIZE_MAX);
		return;
	}
	if (umalloc_usable(&s->m, p) < bytes) kpanic(ORACLE_BOUNDS, "resized to too little");
	resized(run, op->slot, was, p, &b);
}

static void step_flush(struct run *run, const struct script_op *op)
{
	(void)op;
	umalloc_flush(&state_of(run)->m);
	umw_score_does(&state_of(run)->mem, 0, "flush", NULL);
	model_flush(run, UMALLOC_FLUSH_DEMAND);
}

static void step_drain(struct run *run, const struct script_op *op)
{
	struct umf_state *s = state_of(run);

	(void)op;
	umalloc_drain(&s->m);
	umw_score_does(&s->mem, 0, "drain", NULL);
	model_flush(run, UMALLOC_FLUSH_DEMAND);
}

static void step_exit(struct run *run, const struct script_op *op)
{
	struct umalloc *m = &state_of(run)->m;
	const uint32_t slots = m->config.deferred_slots;

	(void)op;
	umalloc_at_exit(m);
	m->config.deferred_slots = slots; /* the script goes on, as another program would */
	umw_score_does(&state_of(run)->mem, 0, "exit", NULL);
	model_flush(run, UMALLOC_FLUSH_EXIT);
}

static const char *const process_names[] = { "parent", "child" };

/* In a child there is thread 1 alone: where others' caches lay there is soon something else. */
static void go_on_as_child(struct run *run)
{
	struct umf_state *s = state_of(run);

	if (s->m.caches != NULL) run_sometimes(run, SAW_CACHES_FORGOTTEN);
	umalloc_after_fork_in_child(&s->m);
	for (unsigned i = 2; i < THREADS; i++) memset(&s->cache[i], 0, sizeof(s->cache[i]));
}

static void step_fork(struct run *run, const struct script_op *op)
{
	struct umf_state *s = state_of(run);

	umalloc_before_fork(&s->m);
	if (!s->locked) kpanic(ORACLE_OWNER, "a fork with the lock free");
	const char *why = umalloc_check_held(&s->m);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	if (op->aux == 0)
		umalloc_after_fork(&s->m);
	else
		go_on_as_child(run);
	umw_score_does(&s->mem, anyone(s, 1), "fork", process_names[op->aux]);
}

/* It has ended, and its storage is the next one's. */
static void step_thread_ends(struct run *run, const struct script_op *op)
{
	struct umf_state *s = state_of(run);
	struct umalloc_cache *c = &s->cache[1 + op->aux];

	if (c->units != 0) run_sometimes(run, SAW_CACHE_CLOSED);
	umalloc_cache_close(c);
	memset(c, 0, sizeof(*c));
	if (*state_of(run)->m.alone == 0)
		umw_score_does_to(&state_of(run)->mem, 0, "ends", 1u + op->aux);
}

/* --- what goes wrong around it ---------------------------------------------------------------- */

static void step_fail(struct run *run, const struct script_op *op)
{
	struct umf_state *s = state_of(run);

	s->mem.to_fail[op->aux] = op->arg;
	if (op->aux == UMW_UNMAP && op->arg != 0) s->vague = true;
}

static void step_others(struct run *run, const struct script_op *op)
{
	const bool moved = umw_others_sbrk(&state_of(run)->mem, (size_t)op->arg * 8);

	run_result(run, moved);
	if (!moved) return;
	run_sometimes(run, SAW_BREAK_MOVED);
	umw_score_does_to(&state_of(run)->mem, 0, "others", op->arg * 8);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_exact(struct run *run, const struct umalloc_stats *now)
{
	const struct umf_state *s = state_of(run);
	const struct umf_counts *c = &s->counts;

	if (now->live != c->live || now->live_bytes != c->live_bytes)
		kpanic(ORACLE_ACCOUNT, "%lu blocks of %lu bytes live, not %lu of %lu",
		       (unsigned long)now->live, (unsigned long)now->live_bytes,
		       (unsigned long)c->live, (unsigned long)c->live_bytes);
	if (now->allocated != c->allocated)
		kpanic(ORACLE_ACCOUNT, "%lu blocks were allocated, not %lu",
		       (unsigned long)now->allocated, (unsigned long)c->allocated);
	if (s->vague) return;
	if (now->queued != c->queued || now->queued_bytes != c->queued_bytes)
		kpanic(ORACLE_ACCOUNT, "%lu blocks of %lu bytes wait, not %lu of %lu",
		       (unsigned long)now->queued, (unsigned long)now->queued_bytes,
		       (unsigned long)c->queued, (unsigned long)c->queued_bytes);
	for (unsigned i = 0; i < UMALLOC_FLUSH_CAUSES; i++)
		if (now->flushes[i] != c->flushes[i])
			kpanic(ORACLE_ACCOUNT, "%lu times %s, not %lu",
			       (unsigned long)now->flushes[i], saw_names[SAW_FLUSHED + i],
			       (unsigned long)c->flushes[i]);
}

static void umf_check(struct run *run, enum check_depth depth)
{
	struct umf_state *s = state_of(run);
	struct umalloc_stats now;

	umalloc_stats(&s->m, &now);
	umw_score_stats(&s->mem, &now);
	if (s->locked) kpanic(ORACLE_LOCK_CONTEXT, "a call has left the lock taken");
	if (now.heap_bytes != s->mem.heap || now.mapped_bytes != s->mem.mapped)
		kpanic(ORACLE_ACCOUNT, "%lu and %lu bytes are held, not %zu and %zu",
		       (unsigned long)now.heap_bytes, (unsigned long)now.mapped_bytes, s->mem.heap,
		       s->mem.mapped);
	check_exact(run, &now);
	if (s->vague && now.queued > s->counts.queued) run_sometimes(run, SAW_STUCK);
	run_result(run, now.live_bytes);
	run_result(run, now.queued);
	if (now.cached != 0) run_sometimes(run, SAW_CACHED);
	if (depth == CHECK_COUNTS) return;
	const char *why = umalloc_check(&s->m);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	for (uint32_t i = 0; i < s->blocks.live_count; i++)
		block_verify(&s->blocks, s->blocks.live[i], SIZE_MAX);
	if (!s->vague) verify_left(s);
}

static void umf_close(struct run *run)
{
	struct umf_state *s = state_of(run);

	memset(s->mem.to_fail, 0, sizeof(s->mem.to_fail));
	while (s->blocks.live_count != 0)
		umf_give_back(run, s->blocks.live[s->blocks.live_count - 1], 0);
	umw_close(&s->mem, &s->m);
	umf_check(run, CHECK_WALK);
}

/* clang-format off */
static const char *const call_names[] = { "sbrk", "map", "unmap", "remap" };
static const char *const by_names[] = { "free", "realloc", "cache" };

#define SLOT { "slot", IN_SLOT, FORM_NUMBER, SCRIPT_SLOTS, NULL }
#define SIZE { "size", IN_ARG, FORM_SIZE, 0, NULL }
#define BY { "by", IN_AUX, FORM_NAMES, 3, by_names }
#define THREAD { "thread", IN_AUX, FORM_NUMBER, THREADS, NULL }
#define NONE { { NULL, 0, 0, 0, NULL } }

static const struct op_kind operations[] = {
	{ "alloc", 40, { SLOT, SIZE, THREAD }, step_alloc },
	{ "free", 40, { SLOT, THREAD }, step_free },
	{ "realloc", 30, { SLOT, SIZE }, step_realloc },
	{ "zeroed", 8, { SLOT, SIZE }, step_zeroed },
	{ "aligned", 8, { SLOT, SIZE, { "shift", IN_AUX, FORM_NUMBER, 24, NULL } }, step_aligned },
	{ "flush", 2, NONE, step_flush },
	{ "drain", 3, NONE, step_drain },
	{ "fork", 1, { { "as", IN_AUX, FORM_NAMES, 2, process_names } }, step_fork },
	{ "fail", 4, { { "call", IN_AUX, FORM_NAMES, UMW_CALLS, call_names },
		       { "times", IN_ARG, FORM_NUMBER, 8, NULL } }, step_fail },
	{ "others-sbrk", 2, { { "words", IN_ARG, FORM_NUMBER, 2048, NULL } }, step_others },
	{ "double-free", 3, { SLOT, BY }, umf_step_double_free },
	{ "stale-free", 3, { SLOT, BY }, umf_step_stale_free },
	{ "queued-free", 3, { SLOT, BY }, umf_step_queued_free },
	{ "inside-free", 3, { SLOT, { "offset", IN_ARG, FORM_NUMBER, 0, NULL }, BY },
	  umf_step_inside_free },
	{ "wild-free", 2, { { "which", IN_ARG, FORM_NUMBER, 6, NULL }, BY },
	  umf_step_wild_free },
	{ "exit", 1, NONE, step_exit },
	{ "comb", 3, { SLOT, SIZE, { "teeth", IN_AUX, FORM_NUMBER, 7, NULL } }, step_comb },
	{ "thread-ends", 2, { { "other", IN_AUX, FORM_NUMBER, THREADS - 1, NULL } },
	  step_thread_ends },
};
/* clang-format on */

const struct subject malloc_subject = {
	.name = "malloc",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = umf_open,
	.check = umf_check,
	.close = umf_close,
};
