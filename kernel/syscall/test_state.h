/*
 * test_state.h -- what there is in a world of tasks and files, as lines of text: what is out, what
 * each task and its descriptors are, regions and what is in them, names and what the files hold.
 *
 * Two texts that are the same are two states that no program could tell from each other.
 */
#ifndef KERNEL_SYSCALL_TEST_STATE_H
#define KERNEL_SYSCALL_TEST_STATE_H

#include "kernel/file/test_file.h"
#include "kernel/task/futex.h"
#include "kernel/task/test_task.h"
#include "machine/format.h"

/* What lies in the region that begins there is not looked at. */
enum { STATE_BYTES = 64 << 10, STATE_UNSEEN = 0x200000 };

struct state {
	char text[STATE_BYTES];
	size_t used;
};

static inline void state_say(struct state *s, const char *format, ...) PRINTF_LIKE(2, 3);
static inline void state_say(struct state *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	s->used += format_text_v(s->text + s->used, STATE_BYTES - s->used, format, args);
	va_end(args);
	EXPECT(s->used < STATE_BYTES - 200);
}

/* Forces what was put off, and says what is out then. */
static inline void state_counts(struct state *s)
{
	const uint32_t pages = test_pages_used();
	const struct process_counts processes = counts_now();
	static struct kmalloc_counts memory;
	struct vm_counts vm;

	kmalloc_count(&tw->memory, &memory);
	vm_count(&tw->vm, &vm);
	state_say(s, "pages %u, objects %lu of %lu bytes, pages of backings %lu\n", pages,
		  memory.live_objects, memory.live_bytes, vm.backing_pages);
	state_say(s, "processes %u, threads %u in %u slots, stacks %u, spaces %u, backings %u\n",
		  processes.processes, processes.threads, thread_count(&tw->sched.table),
		  tw->stacks.live, vm.spaces, vm.backings);
	state_say(s, "tasks %u, groups %u, waiters %u, files %u, nodes %u, names %u\n",
		  atomic_load_u32(&TW->tasks), TW->groups, futex_waiting(TW->futexes), fw.files,
		  tree.nodes, tree.entries);
}

static inline uint64_t state_hash(uint64_t hash, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001b3;
	return hash;
}

/* --- memory ----------------------------------------------------------------------------------- */

static inline bool state_region(struct space *space, uint64_t from, struct region *out)
{
	const mach_irq_t was = lock_take(&space->lock);
	const struct region *r = region_at_or_above(&space->regions, from);

	if (r != NULL) *out = *r;
	lock_drop(&space->lock, was);
	return r != NULL;
}

static inline void state_space(struct state *s, struct space *space)
{
	static uint8_t bytes[PAGE_SIZE];
	struct region r = { 0 };

	EXPECT(space_check(space) == NULL);
	state_say(s, "heap %lx to %lx\n", space->brk_start, space->brk);
	while (state_region(space, r.end, &r)) {
		uint64_t hash = 0;
		const bool seen = (r.rights & PROT_READ) != 0 && r.start != STATE_UNSEEN;
		for (uint64_t va = r.start; seen && va < r.end; va += PAGE_SIZE)
			if (user_copy_in(space, bytes, va, PAGE_SIZE) == 0)
				hash = state_hash(hash, bytes, PAGE_SIZE);
		state_say(s, "%lx-%lx rights %u of %u, flags %x, at %lu of %s: %lx\n", r.start,
			  r.end, r.rights, r.rights_max, r.flags & ~(unsigned)REGION_INHERITED,
			  r.offset, r.backing != NULL ? "a backing" : "zeroes", hash);
	}
}

/* --- tasks ------------------------------------------------------------------------------------ */

static inline void state_files(struct state *s, struct file_table *files)
{
	EXPECT(file_table_check(files) == NULL);
	for (int fd = -1; (fd = file_table_next(files, (uint32_t)(fd + 1))) >= 0;) {
		struct file *f = file_table_get(files, fd);
		const uint32_t ready = f->ops->poll == NULL ? 0 : f->ops->poll(f, NULL);
		state_say(s, "file %d, closed by exec %d, flags %x, at %lu, ready %x\n", fd,
			  file_table_flag(files, fd), f->flags, f->offset, ready);
		file_drop(f);
	}
}

static inline void state_group(struct state *s, struct task_group *g)
{
	struct abi_sigaction action;
	uint64_t hash = 0;

	for (int n = 1; n <= SIGNALS; n++) {
		action = g->signals->action[n - 1];
		hash = state_hash(hash, (const uint8_t *)&action, sizeof action);
	}
	hash = state_hash(hash, (const uint8_t *)g->limits, sizeof g->limits);
	state_say(s, "group in %d of %d: mask %x, pending %lx, %u noted, exec done %d, %lx\n",
		  g->pgid == g->pid, g->sid, g->umask, g->pending, g->noted, g->exec_done, hash);
	state_say(s, "user %u %u %u, alarm every %lu, where it is %lu, what it runs %d\n",
		  g->uid[0], g->uid[1], g->uid[2], g->alarm_every_ns,
		  g->cwd != NULL ? g->cwd->number : 0, g->exe != NULL);
}

static inline void state_task(struct state *s, const struct task *t)
{
	state_say(s, "task %s: mask %lx, pending %lx, stack %lx %lu %u, clears %lx, robust %lx\n",
		  t->name, t->mask, t->pending, t->alt_stack, t->alt_bytes, t->alt_flags,
		  t->clear_tid, t->robust);
	state_say(s, "at %lx on %lx, policy %u %u %d on %x, interrupted %d, work %u\n", t->regs->pc,
		  t->regs->sp, t->schedule.policy, t->schedule.priority, t->schedule.nice,
		  t->schedule.cpus, t->interrupted, t->work);
}

/* --- names ------------------------------------------------------------------------------------ */

static inline void state_contents(struct state *s, struct node *n)
{
	static uint8_t bytes[PAGE_SIZE];
	uint64_t hash = 0, at = 0;
	int error = 0;

	if (node_kind(n) == S_IFLNK) state_say(s, " -> %s", n->text);
	if (node_kind(n) != S_IFREG) return;
	struct file *f = node_open(n, &view, O_RDONLY, &error);
	EXPECT(f != NULL);
	for (int64_t count; (count = get(f, bytes, sizeof bytes, &at)) > 0;)
		hash = state_hash(hash, bytes, (size_t)count);
	EXPECT(at == node_size(n));
	state_say(s, " %lx", hash);
	file_drop(f);
}

/* The entries of a folder in their order, and what is below. */
static inline void state_folder(struct state *s, struct node *folder, unsigned depth)
{
	struct list *at;

	if (folder->folder.mounted != NULL) folder = folder->folder.mounted->root;
	if (folder->ops != NULL) return;
	for (at = folder->folder.children.next; at != &folder->folder.children; at = at->next) {
		const struct entry *e = CONTAINER_OF(at, struct entry, folder_link);
		struct node *n = e->node;
		state_say(s, "%u %s: %x, links %u, %u:%u, %lu bytes", depth, e->name, n->mode,
			  n->links, n->uid, n->gid, node_size(n));
		state_contents(s, n);
		state_say(s, "\n");
		if (node_kind(n) == S_IFDIR) state_folder(s, n, depth + 1);
	}
}

/* All of it as `t` has it; makes the pages of its memory. */
static inline void state_all(struct state *s, struct task *t)
{
	struct task *other = NULL;

	state_space(s, t->space);
	state_group(s, t->group);
	state_files(s, t->group->files);
	const mach_irq_t was = lock_take(&TW->lock);
	while ((other = task_next_locked(TW, other)) != NULL) state_task(s, other);
	lock_drop(&TW->lock, was);
	state_folder(s, tree.root, 0);
	state_say(s, "host %s, domain %s\n", TW->host, TW->domain);
	test_must(task_check(TW));
	test_must(futex_check(TW->futexes));
	test_must(tree_check(&tree));
	test_must(process_check(W));
	test_must(sched_check(&tw->sched));
	test_must(kmalloc_check_counts(&tw->memory));
}

#endif
