/*
 * build.c -- a new program's space, made while the old one still runs.
 *
 * Finding: the file that a path names, or where that is a script, what its first line names, with
 * the script's path as an argument; up to SCRIPTS_DEEP times.  Building: in this order, because it
 * decides what lies over what: the stack, the program's segments, its interpreter's, the page that
 * signals return to, the break.
 *
 *      TASK_TRAMPOLINE up to USER_END   that page, and the stack, which grows down
 *      vm->bottom up to vm->top         what mmap gives out, from the top: programs that can lie
 *                                       anywhere and have no interpreter, and interpreters
 *      PLACE                            programs that have an interpreter; the break of those
 *                                       that are movable and have none
 *
 * Always true: whatever is in *w is given back by exec_work_drop(), wherever it stopped.
 *
 * Locks: none held.  Cost: about twenty calls of mm/ and as many pages.
 */
#include "kernel/exec/build.h"

#include "kernel/abi.h"
#include "kernel/exec/stack.h"
#include "mm/mman.h"

enum {
	SCRIPTS_DEEP = 5,
	STACK_FIRST_BYTES = 128 << 10, /* below what is written: Linux's stack_expand */
	STACK_DRAWN = (1 << 16) - 1,   /* pages that a stack may lie lower */
	PLACE_DRAWN = (1 << 28) - 1,   /* pages that a program may lie higher (Linux's) */
	BREAK_DRAWN = (1 << 13) - 1,
};

/* Linux's ELF_ET_DYN_BASE. */
#define PLACE align_down(USER_END / 3 * 2, PAGE_SIZE)

static struct elf_verdict refuse(int64_t error, const char *why)
{
	return (struct elf_verdict){ .error = (int)error, .why = why };
}

static struct elf_verdict die(int64_t error, const char *why)
{
	return (struct elf_verdict){ .error = (int)error, .late = true, .why = why };
}

static const struct elf_verdict fine = { .error = 0 };

static void memory_free(struct exec_work *w, void *p)
{
	const enum kmalloc_verdict v = kmalloc_free(w->memory, p);

	ASSERT(v == KMALLOC_FREED);
}

static void load_drop(struct load *l)
{
	if (l->file != NULL) file_drop(l->file);
	l->file = NULL;
}

void exec_work_drop(struct exec_work *w)
{
	load_drop(&w->program);
	if (w->interpreter != NULL) {
		load_drop(w->interpreter);
		memory_free(w, w->interpreter);
		w->interpreter = NULL;
	}
	args_drop(&w->arguments);
	args_drop(&w->environment);
	if (w->space != NULL) space_retire(w->space);
	w->space = NULL;
}

/* --- finding ---------------------------------------------------------------------------------- */

/* Opens `path` as the program; its first bytes are in w->head, zeroes behind its end. */
static struct elf_verdict open_program(struct exec_work *w, int folder, const char *path,
				       uint32_t flags)
{
	struct file *file = NULL;
	const int answer = w->config->open(w->task, folder, path, flags, &file);

	if (answer != 0) return refuse(answer, "it cannot be opened");
	load_drop(&w->program); /* only now: `path` may be of what it said */
	w->program.file = file;
	memset(w->head, 0, sizeof(w->head));
	const int64_t got = load_read(file, w->head, sizeof(w->head), 0);
	return got < 0 ? refuse(got, "it cannot be read") : fine;
}

/* A name that stands in a file, and is none, leads to the folder that one is in, as on Linux: that
 * is no program. */
static struct elf_verdict judge_name(const char *name)
{
	return *name == 0 ? refuse(-ERR_ACCES, "a folder is named to run it") : fine;
}

/* What runs the script `name` begins the arguments now: itself, its argument, the script, and what
 * the script was called with. */
static int script_arguments(struct exec_work *w, const char *name, const char *runner,
			    const char *argument)
{
	struct args now;

	args_init(&now, w->memory, w->arguments.most);
	int answer = args_add(&now, runner);
	if (answer == 0 && argument != NULL) answer = args_add(&now, argument);
	if (answer == 0) answer = args_add(&now, name);
	if (answer != 0) {
		args_drop(&now);
		return answer;
	}
	args_skip(&w->arguments);
	args_append(&now, &w->arguments);
	w->arguments = now;
	return 0;
}

/* w->head is a script's, of that name: takes what runs it in its place.  `name` is then its path,
 * of at most LOAD_HEAD_BYTES. */
static struct elf_verdict open_runner(struct exec_work *w, char *name, const char *called)
{
	char *runner, *argument;

	if (!exec_script(w->head, sizeof(w->head), &runner, &argument))
		return refuse(-ERR_NOEXEC, "a script that names nothing to run it");
	const int answer = script_arguments(w, called, runner, argument);
	if (answer != 0) return refuse(answer, "too much for its stack");
	size_t length = 0;
	while (runner[length] != 0) length++;
	memcpy(name, runner, length + 1);
	const struct elf_verdict v = judge_name(name);
	return v.why != NULL ? v : open_program(w, AT_FDCWD, name, 0);
}

/* The program's interpreter: what Linux answers where it is no such thing is -ERR_LIBBAD. */
static struct elf_verdict open_interpreter(struct exec_work *w, const char *path)
{
	const struct elf_verdict named = judge_name(path);
	struct load *l = w->interpreter;

	if (named.why != NULL) return named;
	l->second = true;
	int answer = w->config->open(w->task, AT_FDCWD, path, 0, &l->file);

	if (answer != 0) return refuse(answer, "its interpreter cannot be opened");
	const int64_t got = load_read(l->file, w->head, ELF_HEAD_BYTES, 0);
	if (got != ELF_HEAD_BYTES)
		return refuse(got < 0 ? got : -ERR_IO, "its interpreter cannot be read");
	const struct elf_verdict v = load_judge(l, w->head, ELF_HEAD_BYTES);
	if (v.why == NULL || v.late) return v;
	return refuse(-ERR_LIBBAD, "its interpreter is none");
}

static struct elf_verdict find_interpreter(struct exec_work *w)
{
	const struct elf_layout *layout = &w->program.layout;
	const uint32_t bytes = layout->interpreter_bytes;

	if (bytes == 0) return fine;
	char *path = kmalloc_alloc(w->memory, bytes, 0, w->config->site);
	w->interpreter = kmalloc_alloc(w->memory, sizeof(struct load), KM_ZERO, w->config->site);
	struct elf_verdict v = refuse(-ERR_NOMEM, "no memory");
	if (path != NULL && w->interpreter != NULL) {
		const int64_t got = load_read(w->program.file, path, bytes, layout->interpreter);
		if (got != bytes)
			v = refuse(got < 0 ? got : -ERR_IO,
				   "its interpreter's path cannot be read");
		else if (path[bytes - 1] != 0)
			v = refuse(-ERR_NOEXEC, "its interpreter's path has no end");
		else
			v = open_interpreter(w, path);
	}
	if (path != NULL) memory_free(w, path);
	return v;
}

struct elf_verdict exec_find(struct exec_work *w)
{
	char names[2][LOAD_HEAD_BYTES]; /* of scripts' runners, in turn */
	const char *name = w->path;
	struct elf_verdict v = open_program(w, w->folder, w->path, w->flags);

	for (unsigned deep = 0; v.why == NULL && w->head[0] == '#' && w->head[1] == '!'; deep++) {
		if (deep == SCRIPTS_DEEP) return refuse(-ERR_LOOP, "scripts run by scripts");
		v = open_runner(w, names[deep % 2], name);
		name = names[deep % 2];
	}
	if (v.why == NULL) v = load_judge(&w->program, w->head, sizeof(w->head));
	if (v.why != NULL && !v.late) return v;
	const struct elf_verdict interpreter = find_interpreter(w);
	return interpreter.why != NULL && !interpreter.late ? interpreter
	       : v.why != NULL                              ? v
							    : interpreter;
}

/* --- building --------------------------------------------------------------------------------- */

/* A number of pages up to `most` (a mask), in bytes; 0 where places are not drawn. */
static uint64_t drawn(struct exec_work *w, uint64_t most)
{
	uint64_t number = 0;

	if (w->config->random) w->random(w->random_arg, &number, sizeof(number));
	return (number & most) << PAGE_SHIFT;
}

/* Room for what is to be written, and some more; it grows from there. */
static struct elf_verdict map_stack(struct exec_work *w, const struct stack_plan *plan)
{
	const uint64_t bytes = align_up(stack_bytes(plan), PAGE_SIZE);
	const uint64_t most = max_u64(w->stack_limit, STACK_FIRST_BYTES);

	if (bytes > most) return refuse(-ERR_2BIG, "too much for its stack");
	const uint64_t room = align_down(min_u64(bytes + STACK_FIRST_BYTES, most), PAGE_SIZE);
	const int64_t at =
		space_mmap(w->space, plan->top - room, room, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN | MAP_STACK,
			   NULL, 0, w->config->site);
	return at < 0 ? refuse(at, "no room for its stack") : fine;
}

static struct elf_verdict map_trampoline(struct exec_work *w)
{
	const int64_t at =
		space_mmap(w->space, TASK_TRAMPOLINE, PAGE_SIZE, PROT_READ | PROT_EXEC,
			   MAP_PRIVATE | MAP_FIXED, w->config->trampoline, 0, w->config->site);

	return at < 0 ? die(at, "no room for the page that signals return to") : fine;
}

static void place_break(struct exec_work *w, uint64_t end)
{
	uint64_t start = align_up(end, PAGE_SIZE);

	if (w->program.elf.movable && w->interpreter == NULL) start = PLACE;
	start += drawn(w, BREAK_DRAWN);
	if (start < USER_END) space_brk_place(w->space, start);
}

/* Program and interpreter; the plan's entry, table and base. */
static struct elf_verdict map_programs(struct exec_work *w, struct stack_plan *plan)
{
	struct load *l = &w->program;
	const uint64_t place = w->interpreter == NULL ? 0 : PLACE + drawn(w, PLACE_DRAWN);
	uint64_t bias;
	struct elf_verdict v = load_map(l, w->space, place, w->config->site, &bias);

	if (v.why != NULL) return v;
	plan->entry = w->entry = l->elf.entry + bias;
	plan->table = l->layout.table == 0 ? bias : l->layout.table + bias;
	plan->segments = l->elf.segments;
	place_break(w, l->layout.end + bias);
	if (w->interpreter == NULL) return fine;
	v = load_map(w->interpreter, w->space, 0, w->config->site, &bias);
	plan->base = bias;
	w->entry = w->interpreter->elf.entry + bias;
	return v;
}

static struct elf_verdict fill_space(struct exec_work *w)
{
	struct stack_plan plan = {
		.space = w->space,
		.top = USER_END - drawn(w, STACK_DRAWN),
		.arguments = &w->arguments,
		.environment = &w->environment,
		.path = w->path,
		.uid = w->uid,
		.acting_uid = w->acting_uid,
		.gid = w->gid,
		.acting_gid = w->acting_gid,
		.secure = w->secure,
		.capabilities = w->config->capabilities,
		.capabilities2 = w->config->capabilities2,
		.platform = w->config->platform,
	};
	struct elf_verdict v = map_stack(w, &plan);

	if (v.why == NULL) v = map_programs(w, &plan);
	if (v.why == NULL) v = map_trampoline(w);
	if (v.why != NULL) return v;
	w->random(w->random_arg, plan.random, sizeof(plan.random));
	const int answer = stack_write(&plan, &w->stack);
	if (answer == 0 && w->entry < USER_END) return fine;
	return die(answer != 0 ? answer : -ERR_INVAL, "its stack cannot be written, or its start");
}

struct elf_verdict exec_build(struct exec_work *w)
{
	vm_reclaim_retired(w->vm, VM_SHARE_PAGES);
	w->space = space_create(w->vm, w->config->site);
	if (w->space == NULL) return refuse(-ERR_NOMEM, "no memory");
	space_limits_set(w->space, w->space_limit, &w->limits);
	return fill_space(w);
}
