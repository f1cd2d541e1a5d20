/*
 * kmalloc_smp_early.c -- subject kmalloc_smp: the boot allocator, with all CPUs at it at once.
 *
 * Two pages behind the pool's are an early heap.  A handle has a block of it or not; an operation
 * gets one or frees it, by kmalloc's free, as whoever has it would; and one ends the heap.  Handles
 * are claimed as all others, and the blocks are in a model of their own, with what was given away
 * at the end as one block more: who is given bytes that somebody has, or had given to the pool, is
 * found out there.
 *
 * What is judged: a request that is refused while all that was ever granted, and all that is asked
 * for at this moment, has room with the widest padding; one that is granted where what was granted
 * before leaves no room, or after the end; what kmalloc answers to a free; and the counts, where
 * all lanes meet.
 *
 * Compiled without points: the model changes in one piece.  Locks: none.
 */
#include "fuzz/block_model.h"
#include "fuzz/kmalloc_smp.h"
#include "machine/machine.h"

enum { EARLY_BYTES = 2 * PAGE_SIZE, REST = SMP_EARLY_SLOTS };

static struct {
	struct block_model blocks;
	uint64_t wanted;  /* bytes granted or asked for just now, with the widest padding */
	uint64_t granted; /* without */
	uint32_t grants, frees, inside;
	bool ending, ended;
} model;

void smp_early_open(struct run *run)
{
	uint8_t *base = (uint8_t *)run->machine->arena + ((SCRIPT_PAGES_MAX + 1) << PAGE_SHIFT);

	mach_unpoison(base, EARLY_BYTES);
	early_init(&smp_of(run)->early, base, EARLY_BYTES);
	memset(&model, 0, sizeof(model));
	block_model_init(&model.blocks, base, EARLY_BYTES);
}

static void get(struct run *run, unsigned slot, size_t bytes, size_t align)
{
	const bool fits = model.granted + bytes <= EARLY_BYTES, ended = model.ended;
	const uint64_t most = bytes + align - 1;

	model.wanted += most;
	if (model.inside++ != 0) run_sometimes(run, SAW_EARLY_RACED);
	void *p = early_alloc(&smp_of(run)->early, bytes, align);
	model.inside--;
	run_result(run, p != NULL);
	if (p == NULL) {
		run_sometimes(run, model.ending ? SAW_EARLY_ENDED : SAW_EARLY_FULL);
		if (!model.ending && model.wanted <= EARLY_BYTES)
			kpanic(ORACLE_MUST_SUCCEED, "%zu bytes of boot memory refused", bytes);
		model.wanted -= most;
		return;
	}
	if (ended || !fits)
		kpanic(ORACLE_MUST_FAIL, "%zu bytes of boot memory granted, and there %s", bytes,
		       ended ? "is none any more" : "cannot be room");
	model.granted += bytes;
	model.grants++;
	block_add(&model.blocks, slot, p, bytes, align, true, run_op(run) + 1);
}

static void give_back(struct run *run, unsigned slot)
{
	void *p = model.blocks.blocks[slot].at;

	block_verify(&model.blocks, slot, SIZE_MAX);
	block_leave(&model.blocks, slot);
	model.frees++;
	const enum kmalloc_verdict v = kmalloc_free(&smp_of(run)->km, p);
	if (v != KMALLOC_EARLY)
		kpanic(ORACLE_VERDICT, "a boot block's free was answered %s",
		       kmalloc_verdict_name(v));
}

void smp_step_early(struct run *run, const struct script_op *op)
{
	const unsigned slot = op->slot;

	if (!smp_claim(run, slot)) return;
	if (model.blocks.blocks[slot].at != NULL)
		give_back(run, slot);
	else
		get(run, slot, 1 + op->arg, (size_t)8 << op->aux); /* patterns are words */
	smp_unclaim(run, slot);
}

void smp_step_early_end(struct run *run, const struct script_op *op)
{
	void *rest;

	(void)op;
	if (model.ending) return;
	model.ending = true;
	const size_t bytes = early_close(&smp_of(run)->early, &rest);
	model.ended = true;
	if (bytes != 0)
		block_add(&model.blocks, REST, rest, bytes, PAGE_SIZE, false, run_op(run) + 1);
}

void smp_early_check(struct run *run)
{
	const struct early *e = &smp_of(run)->early;

	for (uint32_t i = 0; i < model.blocks.live_count; i++)
		block_verify(&model.blocks, model.blocks.live[i], SIZE_MAX);
	if (atomic_load_u32(&e->blocks) != model.grants ||
	    atomic_load_u32(&e->released) != model.frees)
		kpanic(ORACLE_ACCOUNT, "%u boot blocks and %u frees, counted %u and %u",
		       model.grants, model.frees, e->blocks, e->released);
}
