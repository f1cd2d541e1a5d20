/*
 * exec.c -- execve: everything is got ready, then the task moves over.
 *
 *   1. The path, the arguments and the environment are copied out of the old program.
 *   2. The new one is found and built (build.c).  So far every failure is an error: what was made
 *      is given back, the old program goes on.
 *   3. The other tasks of the group end.  This can only fail by the group's end.
 *   4. The descriptors that are to be closed are, the task has the new space, and its registers.
 *
 * Where the new program turned out to be one that Linux finds broken only after step 3, that is
 * done all the same, with what there is of its space, and it dies of SIGSEGV.
 *
 * Always true: nothing of this is left on the task's stack when it goes on: exec_call() returns
 * like any call, and all that it had is given back before.
 *
 * Locks: none held.  Cost: build.c's, and the old space's end, which is put off (mm/space.h).
 */
#include "kernel/exec/exec.h"

#include "kernel/abi.h"
#include "kernel/exec/build.h"
#include "kernel/file/rights.h"
#include "kernel/task/right.h"
#include "mm/mman.h"

/* Linux's _STK_LIM / 4 * 3, and ARG_MAX. */
enum { ARGUMENTS_MOST = 6 << 20, ARGUMENTS_LEAST = 128 << 10, CODE_KERNEL = 0x80 };

/* One execve under way.  Far too large for a stack. */
struct call {
	struct exec_work work;
	char path[PATH_BYTES];
	char line[LINE_BYTES];
};

static struct task_config *config_of(struct task *t)
{
	return &t->group->world->config;
}

static void call_close(struct call *c)
{
	struct kmalloc *memory = c->work.memory;

	exec_work_drop(&c->work);
	const enum kmalloc_verdict v = kmalloc_free(memory, c);
	ASSERT(v == KMALLOC_FREED);
}

/* What binds the old program's space binds the new one's. */
static void take_limits(struct exec_work *w, struct space *from)
{
	const mach_irq_t was = lock_take(&from->lock);

	w->space_limit = from->limit;
	w->limits = from->limits;
	w->stack_limit = from->limits.stack_bytes;
	lock_drop(&from->lock, was);
}

static struct call *call_open(struct task *t, int folder, uint32_t flags)
{
	struct task_config *config = config_of(t);
	struct call *c = kmalloc_alloc(config->memory, sizeof(*c), 0, config->exec->site);

	if (c == NULL) return NULL;
	memset(&c->work, 0, sizeof(c->work));
	c->work.task = t;
	c->work.config = config->exec;
	c->work.vm = config->vm;
	c->work.memory = config->memory;
	c->work.random = config->machine.random;
	c->work.random_arg = config->machine.arg;
	c->work.uid = atomic_load_u32(&t->group->uid[ID_REAL]);
	c->work.acting_uid = atomic_load_u32(&t->group->uid[ID_EFFECTIVE]);
	c->work.gid = atomic_load_u32(&t->group->gid[ID_REAL]);
	c->work.acting_gid = atomic_load_u32(&t->group->gid[ID_EFFECTIVE]);
	take_limits(&c->work, process_space(config->processes));
	c->work.folder = folder;
	c->work.flags = flags;
	c->work.path = c->path;
	const uint64_t share = min_u64(c->work.stack_limit / 4, ARGUMENTS_MOST);
	args_init(&c->work.arguments, config->memory, max_u64(share, ARGUMENTS_LEAST));
	args_init(&c->work.environment, config->memory, 0);
	return c;
}

/* What arguments have taken is not there for the environment.  A program has a name at least. */
static int share_left(struct call *c)
{
	struct args *a = &c->work.arguments;
	const int answer = a->count == 0 ? args_add(a, "") : 0;

	c->work.environment.most = sub_or_zero(a->most, a->bytes);
	return answer;
}

/* --- the point of no return ------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
	const char *part = path;

	for (; *path != 0; path++)
		if (*path == '/') part = path + 1;
	return part;
}

/* The group runs that file from now on: /proc says so. */
static void note_file(struct task_group *g, const struct file *f)
{
	struct node *now = f->node == NULL ? NULL : node_hold(f->node);
	const mach_irq_t was = lock_take(&g->world->lock);
	struct node *old = g->exe;

	g->exe = now;
	lock_drop(&g->world->lock, was);
	if (old != NULL) node_drop(old);
}

/*
 * Whom the program acts as: the file's owner, or in its group, where its mode says so and the task
 * has not given up to get rights.  Of a script it is what runs that which counts.
 */
static void take_rights(struct exec_work *w)
{
	const struct node *n = w->program.file == NULL ? NULL : w->program.file->node;

	if (n == NULL) return;
	const struct ids who = right_ids(w->task);
	if (!w->task->no_new_rights) node_lends(n, &w->acting_uid, &w->acting_gid);
	w->secure = w->acting_uid != w->uid || w->acting_gid != w->gid;
	if (w->secure) w->limits.stack_bytes = min_u64(w->limits.stack_bytes, SECURE_STACK_BYTES);
	w->secret = node_may(n, &who, MAY_READ) != 0;
}

/* The task has the new space; the rest of the work still holds files and strings. */
static void move(struct call *c)
{
	struct exec_work *w = &c->work;
	const struct task_program program = {
		.space = w->space,
		.name = last_part(w->path),
		.line = c->line,
		.line_bytes = args_line(&w->arguments, c->line, LINE_BYTES),
		.acting_uid = w->acting_uid,
		.acting_gid = w->acting_gid,
		.secure = w->secure,
		.secret = w->secret,
	};

	ASSERT(w->space != NULL);
	w->space = NULL; /* handed over */
	task_exec_commit(w->task, &program);
	atomic_store_u32(&w->task->group->above_mark, 0);
	if (w->program.file != NULL) note_file(w->task->group, w->program.file);
}

static int go_over(struct call *c, struct elf_verdict v)
{
	struct exec_work *w = &c->work;
	struct task *t = w->task;
	const int answer = task_exec_alone(t);

	if (answer != 0) return answer;
	if (w->config->close != NULL && !w->config->close(t) && v.why == NULL)
		v = (struct elf_verdict){ -ERR_NOMEM, true, "no memory" };
	const uint64_t entry = w->entry, stack = w->stack;
	move(c);
	*t->regs = (struct user_regs){ .sp = stack, .pc = entry };
	if (v.why != NULL) task_fault(t, SIGSEGV, CODE_KERNEL, 0);
	return 0;
}

static int run(struct call *c)
{
	struct elf_verdict v = exec_find(&c->work);

	if (v.why == NULL) {
		take_rights(&c->work);
		v = exec_build(&c->work);
	} else if (v.late) {
		c->work.space = space_create(c->work.vm, c->work.config->site);
		if (c->work.space == NULL) return -ERR_NOMEM;
	}
	if (v.why != NULL && !v.late) return v.error;
	return go_over(c, v);
}

/* --- the ways in ------------------------------------------------------------------------------ */

static int copy_in(struct call *c, uint64_t path, uint64_t arguments, uint64_t environment)
{
	struct exec_work *w = &c->work;
	struct space *s = w->task->space;
	const int64_t length = user_string_in(s, c->path, path, sizeof(c->path));

	if (length < 0) return (int)length;
	if (length == 0 && (w->flags & AT_EMPTY_PATH) == 0) return -ERR_NOENT;
	int answer = args_add_array(&w->arguments, s, arguments);
	if (answer == 0) answer = share_left(c);
	return answer != 0 ? answer : args_add_array(&w->environment, s, environment);
}

int exec_call(struct task *t, int folder, uint64_t path, uint64_t arguments, uint64_t environment,
	      uint32_t flags)
{
	if ((flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return -ERR_INVAL;
	struct call *c = call_open(t, folder, flags);
	if (c == NULL) return -ERR_NOMEM;
	int answer = copy_in(c, path, arguments, environment);
	if (answer == 0) answer = run(c);
	call_close(c);
	return answer;
}

static int add_list(struct args *a, const char *const *list)
{
	int answer = 0;

	while (answer == 0 && *list != NULL) answer = args_add(a, *list++);
	return answer;
}

int exec_first(struct task *t, const char *path, const char *const *arguments,
	       const char *const *environment)
{
	struct call *c = call_open(t, AT_FDCWD, 0);
	size_t length = 0;

	if (c == NULL) return -ERR_NOMEM;
	while (path[length] != 0 && length + 1 < sizeof(c->path)) length++;
	memcpy(c->path, path, length);
	c->path[length] = 0;
	int answer = add_list(&c->work.arguments, arguments);
	if (answer == 0) answer = share_left(c);
	if (answer == 0) answer = add_list(&c->work.environment, environment);
	if (answer == 0) answer = run(c);
	call_close(c);
	return answer;
}
