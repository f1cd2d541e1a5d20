/*
 * malloc_misuse.c -- what a program must not do to its allocator: frees, and resizes, of what is no
 * live block.  Each is told once, with the right word, and no count changes.
 */
#include "fuzz/malloc_subject.h"

enum { BY_FREE, BY_REALLOC, BY_CACHE };

/* Frees or resizes `p`, which is told as one of the `allowed`, once, and changes nothing. */
static void misuse(struct run *run, const void *p, uint32_t allowed, unsigned by)
{
	struct umf_state *s = state_of(run);
	const struct before b = umf_look(run);
	struct umalloc_stats now;
	void *bad = (void *)(uintptr_t)p;

	if (by == BY_REALLOC) {
		if (umalloc_realloc(&s->m, bad, 100) != NULL)
			kpanic(ORACLE_VERDICT, "a realloc of no block gave one");
	} else if (by == BY_CACHE && cache_of(s, 1) != NULL) {
		umalloc_free_by(&s->m, cache_of(s, 1), bad);
	} else {
		umalloc_free(&s->m, bad);
	}
	if (s->mem.misused != b.misused + 1 || (allowed >> s->mem.verdict & 1) == 0)
		kpanic(ORACLE_VERDICT, "a misuse was told %u times, as %s",
		       s->mem.misused - b.misused, umalloc_verdict_name(s->mem.verdict));
	umw_score_misuse(&s->mem, by == BY_CACHE && cache_of(s, 1) != NULL ? 1 : 0,
			 by == BY_REALLOC ? "misresize" : "misfree", p,
			 s->mem.verdict == UMALLOC_WILD ? "wild" : "double");
	run_result(run, s->mem.verdict);
	umalloc_stats(&s->m, &now);
	if (memcmp(&now, &b.stats, sizeof(now)) != 0)
		kpanic(ORACLE_VERDICT, "a misuse has changed a count");
}

enum { DOUBLE = 1 << UMALLOC_DOUBLE_FREE, WILD = 1 << UMALLOC_WILD };

/* What a free of memory that was just freed is: nobody knows of a mapping that has gone, nor of
 * memory beyond the break. */
static uint32_t freed_before(const struct umf_state *s, const uint8_t *p)
{
	if (s->vague) return DOUBLE | WILD;
	return p < s->mem.base + s->mem.break_at ? DOUBLE : WILD;
}

void umf_step_double_free(struct run *run, const struct script_op *op)
{
	struct umf_state *s = state_of(run);
	uint8_t *p = s->blocks.blocks[op->slot].at;

	if (p == NULL) return;
	umf_give_back(run, op->slot, op->slot % THREADS);
	struct umalloc_stats now;
	umalloc_stats(&s->m, &now);
	if (now.cached != 0) run_sometimes(run, SAW_CACHED_FREED_AGAIN);
	misuse(run, p, freed_before(s, p), op->aux);
}

/* One that was freed long ago, where nothing lives now. */
void umf_step_stale_free(struct run *run, const struct script_op *op)
{
	struct umf_state *s = state_of(run);
	const uint8_t *p = s->blocks.blocks[op->slot].stale;

	if (p == NULL || block_covers(&s->blocks, p)) return;
	if (mach_may_touch(p - 8, 8) && umalloc_resembles_block(p)) return;
	misuse(run, p, DOUBLE | WILD, op->aux);
}

void umf_step_queued_free(struct run *run, const struct script_op *op)
{
	const struct umf_state *s = state_of(run);

	if (s->counts.queued == 0 || s->vague) return;
	run_sometimes(run, SAW_QUEUED_FREED_AGAIN);
	misuse(run, s->left[op->slot % s->counts.queued].at, DOUBLE, op->aux);
}

void umf_step_inside_free(struct run *run, const struct script_op *op)
{
	const struct block *b = &state_of(run)->blocks.blocks[op->slot];

	if (b->at == NULL || b->bytes < 2) return;
	const uint8_t *p = b->at + 1 + op->arg % (b->bytes - 1);
	if (!umalloc_resembles_block(p)) misuse(run, p, WILD, op->aux);
}

void umf_step_wild_free(struct run *run, const struct script_op *op)
{
	const struct umf_state *s = state_of(run);
	const uint8_t *end = s->mem.base + ((size_t)s->mem.pages << PAGE_SHIFT);
	const uint8_t *const wild[] = {
		end,
		end + 64,
		(const uint8_t *)s,
		(const uint8_t *)16,
		(const uint8_t *)UINTPTR_MAX - 15,
		s->mem.base + s->mem.break_at,
	};

	const uint32_t which = op->arg % COUNT_OF(wild);
	if (block_covers(&s->blocks, wild[which])) return;
	/* Behind the break a mapping may begin that was freed, and waits. */
	misuse(run, wild[which], which == 5 ? DOUBLE | WILD : WILD, op->aux);
}
