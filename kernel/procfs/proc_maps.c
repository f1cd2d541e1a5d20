/*
 * proc_maps.c -- a process's regions, as Linux's /proc/PID/maps shows them.
 *
 * One region at a time is looked up under the space's lock, by the address where the last one
 * ended; so the lock is held for one look-up each, and what changes meanwhile is seen or not, but
 * no region is shown twice.  mm/ knows no files: the tree is asked whose contents a backing has,
 * and a file that has lost its name has none here.  The heap and the first stack are named.
 */
#include "kernel/abi.h"
#include "kernel/procfs/proc_inside.h"

struct row {
	uint64_t start, end, offset;
	uint8_t rights;
	bool shared, heap, stack;
	const struct backing *backing; /* by now perhaps nobody's: to be compared with, no more */
};

enum { NAME_COLUMN = 73 };

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
			.backing = r->backing,
		};
	}
	lock_drop(&s->lock, was);
	return r != NULL;
}

/* The node that a region is of, held, or NULL. */
static struct node *node_of(const struct proc_about *about, const struct row *r)
{
	return r->backing == NULL ? NULL : tree_node_of(about->tree, r->backing);
}

static void show_name(struct proc_text *t, size_t line, const char *name)
{
	while (!t->failed && t->bytes - line < NAME_COLUMN) proc_add(t, " ", 1);
	proc_print(t, "%s", name);
}

static void show_path(struct proc_text *t, size_t line, const struct proc_about *about,
		      struct node *n)
{
	char path[PATH_BYTES];

	if (n != NULL && tree_path(about->view, n, path, sizeof path) > 0) show_name(t, line, path);
}

static void show(struct proc_text *t, const struct proc_about *about, const struct row *r)
{
	const size_t line = t->bytes;
	struct node *n = node_of(about, r);

	proc_print(t, "%08lx-%08lx %c%c%c%c %08lx 00:%02x %lu ", r->start, r->end,
		   (r->rights & PROT_READ) != 0 ? 'r' : '-',
		   (r->rights & PROT_WRITE) != 0 ? 'w' : '-',
		   (r->rights & PROT_EXEC) != 0 ? 'x' : '-', r->shared ? 's' : 'p', r->offset,
		   n == NULL ? 0 : n->mount->device, n == NULL ? 0 : n->number);
	if (r->heap) show_name(t, line, "[heap]");
	if (r->stack) show_name(t, line, "[stack]");
	show_path(t, line, about, n);
	proc_print(t, "\n");
	if (n != NULL) node_drop(n);
}

void proc_task_maps(struct proc_text *t, const struct proc_about *about)
{
	struct space *s = task_space_hold(about->world, about->id.pid);
	struct row row = { 0 };
	if (s == NULL) return;
	while (!t->failed && row_at(s, row.end, &row)) show(t, about, &row);
	space_retire(s);
}
