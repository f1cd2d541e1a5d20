/*
 * proc_maps.c -- a process's regions, as Linux's /proc/PID/maps shows them.
 *
 * One region at a time is looked up under the space's lock, by the address where the last one
 * ended; so the lock is held for one look-up each, and what changes meanwhile is seen or not, but
 * no region is shown twice.  Names of files are not known to mm/ and not shown; the heap and the
 * first stack are named.
 */
#include "kernel/abi.h"
#include "kernel/procfs/proc_inside.h"

struct row {
	uint64_t start, end, offset;
	uint8_t rights;
	bool shared, heap, stack, file;
};

/* The first region that ends above `from`; false: there is none. */
static bool row_at(struct space *s, uint64_t from, struct row *out)
{
	const mach_irq_t was = lock_take(&s->lock);
	const struct region *r = region_at_or_above(&s->regions, from);
	if (r != NULL) {
		*out = (struct row){
			.start = r->start,
			.end = r->end,
			.offset = r->backing != NULL ? r->offset * PAGE_SIZE : 0,
			.rights = r->rights,
			.shared = (r->flags & REGION_SHARED) != 0,
			.heap = (r->flags & REGION_HEAP) != 0,
			.stack = (r->flags & REGION_GROWS) != 0,
			.file = r->backing != NULL,
		};
	}
	lock_drop(&s->lock, was);
	return r != NULL;
}

static void show(struct proc_text *t, const struct row *r)
{
	proc_print(t, "%08lx-%08lx %c%c%c%c %08lx 00:%02x %u ", r->start, r->end,
		   (r->rights & PROT_READ) != 0 ? 'r' : '-',
		   (r->rights & PROT_WRITE) != 0 ? 'w' : '-',
		   (r->rights & PROT_EXEC) != 0 ? 'x' : '-', r->shared ? 's' : 'p', r->offset,
		   (unsigned)r->file, (unsigned)r->file);
	if (r->heap) proc_print(t, "                         [heap]");
	if (r->stack) proc_print(t, "                         [stack]");
	proc_print(t, "\n");
}

void proc_task_maps(struct proc_text *t, const struct proc_about *about)
{
	struct space *s = task_space_hold(about->world, about->id.pid);
	struct row row = { 0 };
	if (s == NULL) return;
	while (!t->failed && row_at(s, row.end, &row)) show(t, &row);
	space_retire(s);
}
