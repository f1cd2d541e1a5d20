/*
 * kmalloc_smp.c -- subject kmalloc_smp: kmalloc's world, with all CPUs at it at once.
 *
 * The world and the model of blocks are those of subject kmalloc.  A handle is its lane's while an
 * operation is at it; another lane that comes upon it goes away.  A block leaves the model before
 * the call that frees or moves it, and enters it after the one that returned it, so at every moment
 * what the model has is a part of what is out: who is given memory that the model has was given
 * somebody's.  The model changes in one piece, as nobody comes in between where it is compiled.
 *
 * What is judged:
 *   - contents, bounds, alignment and overlap of every block, at every call;
 *   - a granted request for which there cannot be room, what the model has being out for certain;
 *   - a refused request, only where no other lane was in an operation all the while, as others may
 *     have hold of what would have met it;
 *   - of misuse, what is misuse whatever others do: frees inside of one's own block, beside one's
 *     own damaged red zone, and of what no pool ever had;
 *   - counts, structures and sites, where all lanes meet.
 *
 * What the boot allocator is asked for, and its blocks: kmalloc_smp_early.c.
 *
 * Results: what was granted, how much a block can hold, verdicts; at meeting points what is live.
 */
#include "fuzz/kmalloc_smp.h"
#include "fuzz/frame/plan.h"
#include "fuzz/kmalloc_model.h"
#include "machine/lock.h"

/* Beside the state, not in it: what is watched is what lies in the arena. */
static struct model {
	struct block_model blocks;
	struct kmalloc_limits limits;
	bool taken[SCRIPT_SLOTS];    /* a lane is at it */
	uint32_t drains;             /* under way */
	uint32_t made[SCRIPT_SLOTS]; /* by which CPU */
} model;

static const char *const saw_names[] = {
	"exhaustion",
	"window-full",
	"met-at-handle",
	"other-cpu-free",
	"resize-moved",
	"resize-refused",
	"drain-raced",
	"lock-waited",
	"slab-returned",
	"early-raced",
	"early-full",
	"early-ended",
	NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

static struct kmalloc *km_of(const struct run *run)
{
	return &smp_of(run)->km;
}

/* --- the world -------------------------------------------------------------------------------- */

static void smp_open(struct run *run)
{
	struct smp_state *s = smp_of(run);
	const struct script_world *w = &run->script->world;
	const uint32_t window = w->window_pages != 0 ? w->window_pages : w->pages / 4u;

	pool_world_open(&s->world, run);
	memset(s->handed, 0, sizeof(s->handed));
	smp_early_open(run);
	struct kmalloc_config config = kmalloc_world_config(run, &s->world, s->cpus);
	config.quarantine = (uint32_t)min_u64(w->quarantine, KMALLOC_QUARANTINE_MAX);
	config.window_bytes = (size_t)window << PAGE_SHIFT;
	config.keep_bytes = (size_t)w->keep_pages << PAGE_SHIFT;
	config.early = &s->early;
	kmalloc_init(&s->km, &config);
	memset(&model, 0, sizeof(model));
	model.limits = (struct kmalloc_limits){
		.pages = w->pages,
		.window_pages = window,
		.redzone = config.redzone,
		.cuts = (w->flags & WORLD_ZONES) ? ZONES - 1 : 0,
	};
	block_model_init(&model.blocks, run->machine->arena, (size_t)w->pages << PAGE_SHIFT);
}

/* --- handles ---------------------------------------------------------------------------------- */

/* Waiting is seen from outside, and so is a drain that an allocation comes into. */
static void note_company(struct run *run)
{
	for (unsigned cpu = 0; cpu < run->script->world.cpus; cpu++)
		if (mach_lock_waiting(cpu)->rank != RANK_NONE) run_sometimes(run, SAW_LOCK_WAITED);
	if (model.drains != 0) run_sometimes(run, SAW_DRAIN_RACED);
}

/* Who hands a block to somebody must see to it that what was done to it comes first, and so does
 * this. */
bool smp_claim(struct run *run, unsigned slot)
{
	atomic_fetch_add_u32(&smp_of(run)->handed[slot], 1);
	if (model.taken[slot]) {
		run_sometimes(run, SAW_MET_AT_HANDLE);
		run_result(run, 0xbad);
		return false;
	}
	model.taken[slot] = true;
	return true;
}

void smp_unclaim(struct run *run, unsigned slot)
{
	atomic_fetch_add_u32(&smp_of(run)->handed[slot], 1);
	model.taken[slot] = false;
}

/* --- allocation ------------------------------------------------------------------------------- */

static void judge_refusal(struct run *run, size_t bytes, size_t align, uint32_t how, uint32_t alone)
{
	const struct smp_state *s = smp_of(run);
	if (s->world.told[MM_EVENT_PAGES_AT_GROWTH] != 0) run_sometimes(run, SAW_EXHAUSTION);
	if (s->world.told[MM_EVENT_NO_HEAP_BLOCK] != 0) run_sometimes(run, SAW_WINDOW_FULL);
	if ((how & KM_NO_RECLAIM) != 0 || !run_alone_since(run, alone)) return;
	if (kmalloc_model_must_succeed(&model.blocks, &model.limits, bytes, align))
		kpanic(ORACLE_MUST_SUCCEED, "%zu bytes aligned %zu refused with %u blocks live",
		       bytes, align, model.blocks.live_count);
}

static void got(struct run *run, unsigned slot, void *p, size_t bytes, size_t align, uint32_t how,
		uint32_t alone)
{
	run_result(run, p != NULL);
	note_company(run);
	if (p == NULL) {
		judge_refusal(run, bytes, align, how, alone);
		return;
	}
	if (kmalloc_model_must_fail(&model.blocks, &model.limits, bytes, align))
		kpanic(ORACLE_MUST_FAIL, "%zu bytes granted where there cannot be room", bytes);
	block_add(&model.blocks, slot, p, bytes, align, (how & KM_ZERO) != 0, run_op(run) + 1);
	model.made[slot] = mach_cpu();
	const size_t usable = kmalloc_usable(km_of(run), p);
	if (usable < bytes) kpanic(ORACLE_BOUNDS, "%zu bytes granted, %zu usable", bytes, usable);
	run_result(run, usable);
}

static NORETURN void refused(enum kmalloc_verdict v)
{
	static const char *const oracles[KMALLOC_VERDICTS] = {
		[KMALLOC_DOUBLE_FREE] = ORACLE_DOUBLE_FREE,
		[KMALLOC_WILD] = ORACLE_WILD_FREE,
		[KMALLOC_REDZONE] = ORACLE_REDZONE,
	};
	kpanic(oracles[v] != NULL ? oracles[v] : ORACLE_VERDICT, "a free was answered %s",
	       kmalloc_verdict_name(v));
}

static void give_back(struct run *run, unsigned slot)
{
	void *p = model.blocks.blocks[slot].at;
	block_verify(&model.blocks, slot, SIZE_MAX);
	block_leave(&model.blocks, slot);
	if (model.made[slot] != mach_cpu()) run_sometimes(run, SAW_OTHER_CPU_FREE);
	const enum kmalloc_verdict v = kmalloc_free(km_of(run), p);
	run_result(run, v);
	if (v != KMALLOC_FREED) refused(v);
}

static void alloc(struct run *run, unsigned slot, size_t bytes, size_t align, uint32_t how)
{
	if (!smp_claim(run, slot)) return;
	if (model.blocks.blocks[slot].at != NULL) give_back(run, slot);
	const uint32_t alone = run_alone(run);
	void *p = align == KMALLOC_ALIGN
			  ? kmalloc_alloc(km_of(run), bytes, how, run_op(run) + 1)
			  : kmalloc_alloc_aligned(km_of(run), bytes, align, how, run_op(run) + 1);
	got(run, slot, p, bytes, align, how, alone);
	smp_unclaim(run, slot);
}

static void step_alloc(struct run *run, const struct script_op *op)
{
	const uint32_t how = ((op->aux & 1) ? KM_ZERO : 0u) | ((op->aux & 2) ? KM_NO_RECLAIM : 0u);
	alloc(run, op->slot, field_size(op->arg), KMALLOC_ALIGN, how);
}

static void step_aligned(struct run *run, const struct script_op *op)
{
	alloc(run, op->slot, field_size(op->arg), (size_t)1 << op->aux, 0);
}

static void step_free(struct run *run, const struct script_op *op)
{
	if (!smp_claim(run, op->slot)) return;
	if (model.blocks.blocks[op->slot].at != NULL) give_back(run, op->slot);
	smp_unclaim(run, op->slot);
}

static void resized(struct run *run, unsigned slot, void *was, void *p, size_t bytes)
{
	const struct block *b = &model.blocks.blocks[slot];
	const site_t site = p == was ? b->site : run_op(run) + 1;
	if (p != was && p != NULL) run_sometimes(run, SAW_RESIZE_MOVED);
	if (p == NULL && bytes != 0) { /* as it was */
		run_sometimes(run, SAW_RESIZE_REFUSED);
		if (bytes <= b->bytes)
			kpanic(ORACLE_MUST_SUCCEED, "a block could not be made smaller");
		block_moved(&model.blocks, slot, was, b->bytes, b->site);
		return;
	}
	block_moved(&model.blocks, slot, p, bytes, site);
}

static void step_realloc(struct run *run, const struct script_op *op)
{
	const struct block *b = &model.blocks.blocks[op->slot];
	const size_t bytes = field_size(op->arg);
	enum kmalloc_verdict v;
	if (!smp_claim(run, op->slot)) return;
	void *was = b->at;
	if (was == NULL) {
		smp_unclaim(run, op->slot);
		alloc(run, op->slot, bytes, KMALLOC_ALIGN, 0);
		return;
	}
	block_verify(&model.blocks, op->slot, SIZE_MAX);
	block_leave(&model.blocks, op->slot);
	void *p = kmalloc_realloc(km_of(run), was, bytes, 0, run_op(run) + 1, &v);
	run_result(run, (uint64_t)v << 1 | (p != NULL));
	if (v != KMALLOC_FREED) refused(v);
	note_company(run);
	resized(run, op->slot, was, p, bytes);
	smp_unclaim(run, op->slot);
}

static void step_verify(struct run *run, const struct script_op *op)
{
	if (!smp_claim(run, op->slot)) return;
	if (model.blocks.blocks[op->slot].at != NULL)
		block_verify(&model.blocks, op->slot, SIZE_MAX);
	smp_unclaim(run, op->slot);
}

/* --- giving up what is kept ------------------------------------------------------------------- */

static void step_drain(struct run *run, const struct script_op *op)
{
	(void)op;
	model.drains++;
	kmalloc_drain(km_of(run));
	model.drains--;
}

static void step_page_drain(struct run *run, const struct script_op *op)
{
	(void)op;
	model.drains++;
	page_drain(&smp_of(run)->world.pool);
	model.drains--;
}

static void step_reclaim(struct run *run, const struct script_op *op)
{
	model.drains++;
	page_reclaim(&smp_of(run)->world.pool, op->arg);
	model.drains--;
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void misuse(struct run *run, const void *p, uint32_t allowed)
{
	const enum kmalloc_verdict v = kmalloc_free(km_of(run), (void *)(uintptr_t)p);
	run_result(run, v);
	if ((allowed >> v & 1) == 0)
		kpanic(ORACLE_VERDICT, "a bad free was answered %s", kmalloc_verdict_name(v));
}

static void step_inside_free(struct run *run, const struct script_op *op)
{
	const struct block *b = &model.blocks.blocks[op->slot];
	if (!smp_claim(run, op->slot)) return;
	if (b->at != NULL && b->bytes >= 2)
		misuse(run, b->at + 1 + op->arg % (b->bytes - 1),
		       1u << KMALLOC_WILD | 1u << KMALLOC_CORRUPT);
	smp_unclaim(run, op->slot);
}

static void step_wild_free(struct run *run, const struct script_op *op)
{
	const uint8_t *arena = run->machine->arena;
	const uint8_t *const wild[] = {
		arena + ((size_t)model.limits.pages << PAGE_SHIFT), /* just behind the pool */
		(const uint8_t *)(uintptr_t)16,
		(const uint8_t *)UINTPTR_MAX - 15,
	};
	misuse(run, wild[op->aux % COUNT_OF(wild)], 1u << KMALLOC_WILD);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_sites(struct run *run)
{
	struct site_row rows[SCRIPT_SLOTS + 1];
	size_t n = 0;
	if (!kmalloc_sites(km_of(run), rows, COUNT_OF(rows), &n))
		kpanic(ORACLE_ACCOUNT, "more sites have live blocks than there are blocks");
	for (size_t r = 0; r < n; r++) {
		const uint32_t blocks = block_count_at(&model.blocks, rows[r].site);
		if (blocks != rows[r].objects)
			kpanic(ORACLE_ACCOUNT, "site %u has %u live blocks, the model %u",
			       rows[r].site, rows[r].objects, blocks);
	}
}

static void check_walk(struct run *run)
{
	struct kmalloc_counts counts;
	const char *why = kmalloc_check(km_of(run));
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	kmalloc_count(km_of(run), &counts);
	if (counts.live_objects != model.blocks.live_count)
		kpanic(ORACLE_ACCOUNT, "%lu blocks live, the model has %u",
		       (unsigned long)counts.live_objects, model.blocks.live_count);
	if (counts.live_bytes < model.blocks.live_bytes)
		kpanic(ORACLE_ACCOUNT, "fewer bytes live than were asked for");
	for (unsigned c = 0; c < KMALLOC_CLASSES; c++)
		if (counts.slab[c].returned != 0) run_sometimes(run, SAW_SLAB_RETURNED);
	for (uint32_t i = 0; i < model.blocks.live_count; i++)
		block_verify(&model.blocks, model.blocks.live[i], SIZE_MAX);
	if (CALL_SITES && (run->script->world.flags & WORLD_SITES)) check_sites(run);
	smp_early_check(run);
	run_result(run, counts.live_bytes);
}

static void smp_check(struct run *run, enum check_depth depth)
{
	const char *why = kmalloc_check_counts(km_of(run)); /* and the pool's */
	if (why != NULL) kpanic(ORACLE_ACCOUNT, "%s", why);
	if (depth == CHECK_WALK) check_walk(run);
}

static void smp_close(struct run *run)
{
	while (model.blocks.live_count != 0)
		give_back(run, model.blocks.live[model.blocks.live_count - 1]);
	kmalloc_drain(km_of(run));
	check_walk(run);
	pool_world_close(&smp_of(run)->world);
}

static void smp_together(struct run *run, unsigned cpu)
{
	run_lane(run, cpu);
}

/* clang-format off */
static const char *const flag_names[] = { "zero", "no-reclaim" };

#define SLOT { "slot", IN_SLOT, FORM_NUMBER, SCRIPT_SLOTS, NULL }
#define SIZE { "size", IN_ARG, FORM_SIZE, 0, NULL }
#define NONE { { NULL, 0, 0, 0, NULL } }

static const struct op_kind operations[] = {
	PLAN_OPERATIONS,
	{ "alloc", 40, { SLOT, SIZE, { "flags", IN_AUX, FORM_FLAGS, 2, flag_names } }, step_alloc },
	{ "free", 40, { SLOT }, step_free },
	{ "realloc", 16, { SLOT, SIZE }, step_realloc },
	{ "aligned", 6, { SLOT, SIZE, { "shift", IN_AUX, FORM_NUMBER, 24, NULL } }, step_aligned },
	{ "verify", 4, { SLOT }, step_verify },
	{ "drain", 6, NONE, step_drain },
	{ "page-drain", 3, NONE, step_page_drain },
	{ "reclaim", 4, { { "pages", IN_ARG, FORM_NUMBER, 1024, NULL } }, step_reclaim },
	{ "inside-free", 3, { SLOT, { "offset", IN_ARG, FORM_NUMBER, 0, NULL } },
	  step_inside_free },
	{ "wild-free", 2, { { "which", IN_AUX, FORM_NUMBER, 3, NULL } }, step_wild_free },
	{ "early", 10, { { "slot", IN_SLOT, FORM_NUMBER, SMP_EARLY_SLOTS, NULL },
			 { "size", IN_ARG, FORM_NUMBER, SMP_EARLY_SIZE_MAX, NULL },
			 { "shift", IN_AUX, FORM_NUMBER, 10, NULL } }, smp_step_early },
	{ "early-end", 1, NONE, smp_step_early_end },
};
/* clang-format on */

const struct subject kmalloc_smp_subject = {
	.name = "kmalloc_smp",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = smp_open,
	.check = smp_check,
	.close = smp_close,
	.together = smp_together,
	.state_bytes = sizeof(struct smp_state),
};
