/*
 * pagetable_cpu.c -- trees installed on CPUs, and accesses through what is installed.
 *
 * An access is a real one, by the machine: on the host through the software MMU and its TLB, in the
 * booted kernel by instructions that have a user's rights.  What it ends with and what it reads
 * must be what the model says of the tree that this CPU has installed, for every change before was
 * invalidated everywhere when its batch ended.  The one exception is a page made old whose entry
 * some CPU may remember: it may fault or not, and neither goes into the digest.
 */
#include "fuzz/pagetable_subject.h"

enum { HOLE = TREE_PAGES }; /* what is touched next to a row */

void cpu_leave(struct run *run)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const mach_irq_t was = mach_irq_save();

	mach_space_install(PADDR_NONE, 0);
	asid_leave(&s->asids);
	s->model.installed[mach_cpu()] = 0;
	mach_irq_restore(was);
}

void step_leave(struct run *run, const struct script_op *op)
{
	(void)op;
	cpu_leave(run);
}

/* A number is in nobody else's use, and the same wherever the tree is installed. */
static void judge_number(struct run *run, unsigned cpu, unsigned tree, uint32_t number)
{
	struct pagetable_state *s = pagetable_state_of(run);

	if (number == 0 || number >= 1u << s->asids.bits)
		kpanic(ORACLE_VERDICT, "a space is given number %u", number);
	for (unsigned i = 0; i < run->script->world.cpus; i++) {
		const unsigned other = s->model.installed[i];

		if (i == cpu || other == 0) continue;
		if ((other == tree + 1) != (asid_number(&s->tree[other - 1].asid) == number))
			kpanic(ORACLE_OVERLAP, "CPU %u and CPU %u: trees %u and %u, number %u", cpu,
			       i, tree, other - 1, number);
	}
}

void step_install(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned tree = op->slot;

	if (!tables_open(run, tree)) return;
	const uint32_t before = asid_number(&s->tree[tree].asid);
	const uint32_t rollovers = s->asids.rollovers;
	const mach_irq_t was = mach_irq_save();
	const uint32_t number = asid_use(&s->asids, &s->tree[tree].asid);
	mach_space_install(s->tree[tree].root, number);
	mach_irq_restore(was);

	s->model.installed[op->cpu] = (uint8_t)(tree + 1);
	run_result(run, number);
	judge_number(run, op->cpu, tree, number);
	if (s->asids.rollovers != rollovers) {
		run_sometimes(run, SAW_ROLLOVER);
		s->generation_began = true;
	} else if (s->generation_began && before == number) {
		run_sometimes(run, SAW_NUMBER_KEPT);
	}
}

/* Other spaces come and go on this CPU, which nobody looks at: they use up numbers. */
void step_crowd(struct run *run, const struct script_op *op)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const uint32_t rollovers = s->asids.rollovers;

	cpu_leave(run);
	const mach_irq_t was = mach_irq_save();
	for (unsigned n = 0; n <= op->aux; n++) {
		const uint32_t number = asid_use(&s->asids, &s->crowd[n]);

		run_result(run, number);
		judge_number(run, op->cpu, TREES, number);
	}
	asid_leave(&s->asids);
	mach_irq_restore(was);
	if (s->asids.rollovers != rollovers) s->generation_began = true;
}

/* --- accesses --------------------------------------------------------------------------------- */

struct touch {
	enum mach_access access;
	uint64_t va, value;
	enum mach_fault fault;
};

static void touch(struct touch *t)
{
	switch (t->access) {
	case MACH_LOAD: t->fault = mach_user_load(t->va, &t->value); break;
	case MACH_STORE: t->fault = mach_user_store(t->va, t->value); break;
	case MACH_FETCH: t->fault = mach_user_fetch(t->va); break;
	}
}

/* What the access did, and what is known of the page from here on. */
static void touched(struct run *run, unsigned cpu, struct model_page *p, const struct touch *t)
{
	struct pagetable_state *s = pagetable_state_of(run);
	uint64_t *content = p->zero ? &s->zero_content : &s->model.frame[p->frame].content;

	if (t->access == MACH_STORE)
		*content = t->value;
	else if (t->access == MACH_LOAD && t->value != *content)
		kpanic(ORACLE_CONTENT, "0x%lx reads 0x%lx", (unsigned long)t->va,
		       (unsigned long)t->value);
	else if (t->access == MACH_FETCH)
		run_sometimes(run, SAW_FETCHED);
	p->used |= (uint8_t)(1u << cpu);
}

/* An old page may be remembered as it was: then the rights are all that counts. */
static bool may_end_so(const struct model_page *p, enum mach_access access, enum mach_fault fault)
{
	const enum mach_fault expected = model_access(p, access);
	struct model_page young = *p;

	if (fault == expected) return true;
	young.accessed = true;
	return p->lazy && expected == MACH_FAULT_ACCESS_FLAG &&
	       fault == model_access(&young, access);
}

static void judge_touch(struct run *run, unsigned cpu, struct model_page *p, const struct touch *t)
{
	const uint8_t bit = (uint8_t)(1u << cpu);

	if (!may_end_so(p, t->access, t->fault))
		kpanic(ORACLE_VERDICT, "access %u at 0x%lx ended with %u, not %u", t->access,
		       (unsigned long)t->va, t->fault, model_access(p, t->access));
	if (!p->lazy || p->accessed) run_result(run, t->fault);
	if (t->fault == MACH_FAULT_ACCESS_FLAG) run_sometimes(run, SAW_ACCESS_FLAG);
	if ((p->stale & bit) != 0) run_sometimes(run, SAW_STALE_AVOIDED);
	if ((p->stale & bit) != 0 && p->changed_by != cpu) run_sometimes(run, SAW_STALE_ELSEWHERE);
	p->stale &= (uint8_t)~bit;
	if (t->fault == MACH_FAULT_NONE) touched(run, cpu, p, t);
}

static void touch_page(struct run *run, const struct script_op *op, unsigned page,
		       enum mach_access access)
{
	struct pagetable_state *s = pagetable_state_of(run);
	const unsigned installed = s->model.installed[op->cpu];
	struct model_page nothing = { 0 };
	struct model_page *p = &nothing;

	if (installed != 0 && page != HOLE) p = &s->model.tree[installed - 1].page[page];
	const uint32_t frame = p->zero ? s->zero_frame : p->frame;
	struct touch t = {
		.access = access,
		.va = model_address(page) + (p->state == PAGE_NOTHING ? 0 : frame % 509 * 8),
		.value = (run->op * TREE_PAGES + page + 1) * 0xbf58476d1ce4e5b9ull,
	};

	touch(&t);
	judge_touch(run, op->cpu, p, &t);
}

void step_touch(struct run *run, const struct script_op *op)
{
	touch_page(run, op, op->aux, (enum mach_access)op->arg);
}

/* All pages of a range, one after the other. */
void step_sweep(struct run *run, const struct script_op *op)
{
	const uint64_t end = min_u64(op->aux + 1u + (op->arg & 0xffff), TREE_PAGES);

	for (unsigned page = op->aux; page < end; page++)
		touch_page(run, op, page, (enum mach_access)(op->arg >> 16));
}
