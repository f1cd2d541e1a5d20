/*
 * space.c -- spaces as a whole: made, installed, counted, taken apart.
 *
 * A CPU that installs a space says so in the space (`cpus`) before its walker may read the tables,
 * and takes that back only after another root is in: while any bit is set nothing of the space is
 * taken apart, retired or not.  What a CPU has is also noted beside it (vm->installed), so that
 * switching to what is there already costs nothing.
 *
 * Taking apart goes region by region from the lowest, a batch of entries at a time; each batch is
 * invalidated everywhere and waited for before its frames go back, and the ASID once more before
 * the root does, for what CPUs remember of empty tables.  When the last entry of a region has gone,
 * the pages of a backing that nobody else holds go in batches too; then its object and its hold.
 *
 * Always true:
 *   S1  a CPU's bit in `cpus` is set from before the root is installed there until after it is not;
 *   S2  `resident` and `zeroes` are the entries with a counted frame, and those with the page of
 *       zeroes; a space that is freed has neither, nor regions.
 *
 * Locks: space_take_apart needs none but the retired list's: nobody else reaches the space.
 * Cost: a switch is O(1); a step of taking apart O(TLB_BATCH_PAGES).
 */
#include "mm/backing_inside.h"
#include "mm/space_inside.h"

struct space *space_make(struct vm *vm, site_t site)
{
	struct space *s = kmalloc_alloc(vm->kmalloc, sizeof *s, KM_ZERO, site);

	if (s == NULL) return NULL;
	if (!pagetable_init(&s->table, vm->pages, false, site)) {
		const enum kmalloc_verdict v = kmalloc_free(vm->kmalloc, s);
		ASSERT(v == KMALLOC_FREED);
		return NULL;
	}
	s->vm = vm;
	s->holders = 1;
	s->limits = (struct space_limits){ UINT64_MAX, SPACE_STACK_BYTES };
	lock_init(&s->lock, RANK_SPACE);
	region_tree_init(&s->regions, vm->bottom, vm->top);
	atomic_fetch_add_u32(&vm->spaces, 1);
	return s;
}

struct space *space_create(struct vm *vm, site_t site)
{
	struct space *s = space_make(vm, site);

	if (s != NULL) space_show(s);
	return s;
}

/* --- installing --------------------------------------------------------------------------- */

static uint32_t cpu_bit(void)
{
	return 1u << mach_cpu();
}

static void space_install(struct vm *vm, struct space *s)
{
	ASSERT(s->vm == vm && !s->retired);
	const uint32_t were = atomic_fetch_add_u32(&s->cpus, cpu_bit());
	ASSERT((were & cpu_bit()) == 0);
	/* A generation may begin as soon as the number is noted: what is installed until then has
	 * a number that another space can be given. */
	mach_space_install(PADDR_NONE, 0);
	mach_space_install(s->table.root, asid_use(&vm->asids, &s->table.asid));
}

static void space_uninstall(struct vm *vm)
{
	mach_space_install(PADDR_NONE, 0);
	asid_leave(&vm->asids);
}

void space_switch(struct vm *vm, struct space *s)
{
	const mach_irq_t was = mach_irq_save();
	struct space **installed = &vm->installed[mach_cpu()];
	struct space *before = *installed;

	if (before != s) {
		if (s != NULL)
			space_install(vm, s);
		else
			space_uninstall(vm);
		*installed = s;
		if (before != NULL) {
			const uint32_t were = atomic_fetch_add_u32(&before->cpus, 0 - cpu_bit());
			ASSERT((were & cpu_bit()) != 0);
		}
	}
	mach_irq_restore(was);
}

/* --- taking apart ------------------------------------------------------------------------- */

struct taking {
	struct space *s;
	struct space_work *work;
	struct tlb_batch batch;
	uint32_t left; /* entries until this step is over */
};

static bool take_entry(void *context, uint64_t va, uint64_t entry)
{
	struct taking *t = context;
	struct space *s = t->s;
	const paddr_t pa = entry_address(entry);

	pagetable_clear(&s->table, va, &t->batch);
	space_entry_left(s, entry);
	if ((entry & ENTRY_ZERO) == 0) {
		t->work->back += user_page_references(s->vm->pages, pa) == 1;
		batch_user(&t->batch, pa);
	}
	t->work->done++;
	return --t->left != 0;
}

/* One batch of the entries of [from, end); true when there are no more. */
static bool take_entries(struct space *s, uint64_t from, uint64_t end, struct space_work *work)
{
	struct taking t;
	const uint32_t tables = s->table.tables;

	t.s = s;
	t.work = work;
	t.left = TLB_BATCH_PAGES;
	batch_begin(&t.batch, &s->table);
	const bool whole = pagetable_visit(&s->table, from, end, take_entry, &t);
	batch_end(&t.batch);
	work->back += tables - s->table.tables;
	return whole;
}

/* One batch of the pages of what `r` alone holds, its entries gone; true when there are no more. */
static bool take_backing(const struct region *r, struct space_work *work)
{
	if (r->backing == NULL) return true;
	const size_t taken = backing_empty(r->backing, TLB_BATCH_PAGES);

	work->done += taken;
	work->back += taken;
	work->objects = work->objects || taken != 0; /* the nodes of its row */
	return taken < TLB_BATCH_PAGES;
}

bool space_take_apart(struct space *s, struct space_work *work)
{
	ASSERT(s->retired && atomic_load_u32(&s->cpus) == 0);
	struct region *r = region_at_or_above(&s->regions, 0);

	if (r != NULL && take_entries(s, r->start, r->end, work) && take_backing(r, work)) {
		s->mapped -= pages_of(r->end - r->start);
		region_remove(&s->regions, r);
		space_region_free(s, r);
		work->objects = true;
		work->done++;
	}
	return s->regions.root == NULL;
}

void space_free(struct space *s)
{
	struct vm *vm = s->vm;
	struct tlb_batch batch;

	ASSERT(s->mapped == 0 && s->resident == 0 && s->zeroes == 0);
	batch_begin(&batch, &s->table);
	batch.all = true; /* what CPUs remember of tables that had nothing in them */
	batch_end(&batch);
	pagetable_close(&s->table);
	const uint32_t were = atomic_fetch_add_u32(&vm->spaces, UINT32_MAX);
	ASSERT(were != 0);
	const enum kmalloc_verdict v = kmalloc_free(vm->kmalloc, s);
	ASSERT(v == KMALLOC_FREED);
}

/* --- looking ------------------------------------------------------------------------------ */

void space_count(struct space *s, struct space_counts *out)
{
	const mach_irq_t was = lock_take(&s->lock);

	*out = (struct space_counts){
		.mapped = s->mapped,
		.regions = s->regions.count,
		.resident = s->resident,
		.peak = s->peak > s->resident ? s->peak : s->resident,
		.zeroes = s->zeroes,
		.tables = s->table.tables,
	};
	lock_drop(&s->lock, was);
}
