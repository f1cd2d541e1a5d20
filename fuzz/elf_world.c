/*
 * elf_world.c -- the world under subject elf: a pool, kmalloc and a vm over it, and two files,
 * "/program" and "/script", whose bytes are the model's.
 *
 * Files are read and mapped as any other's: through an open file's operations.
 */
#include "fuzz/elf_subject.h"
#include "kernel/abi.h"
#include "machine/machine.h"
#include "mm/mman.h"

enum { ENOUGH_PAGES = 160 };

/* --- files ------------------------------------------------------------------------------------ */

/* A file's object is the state; which of the two it is, its operations say. */
static int64_t read_bytes(const uint8_t *bytes, uint32_t count, struct io *to, uint64_t *at)
{
	if (*at >= count) return 0;
	const size_t done = io_put(to, bytes + *at, min_u64(to->left, count - *at));
	*at += done;
	return (int64_t)done;
}

static int64_t read_program(struct file *f, struct io *to, uint64_t *at)
{
	const struct elf_state *s = f->object;

	return read_bytes(s->model.program, s->model.program_bytes, to, at);
}

static int64_t read_script(struct file *f, struct io *to, uint64_t *at)
{
	const struct elf_state *s = f->object;

	return read_bytes((const uint8_t *)s->model.script, s->model.script_bytes, to, at);
}

static bool fill_program(void *context, uint64_t index, void *page)
{
	const struct elf_state *s = context;
	const uint64_t from = index << PAGE_SHIFT;

	if (from >= s->model.program_bytes) return false;
	memset(page, 0, PAGE_SIZE);
	memcpy(page, s->model.program + from, min_u64(s->model.program_bytes - from, PAGE_SIZE));
	return true;
}

static void release_program(void *context)
{
	struct elf_state *s = context;

	s->maps--;
}

static struct backing *map_program(struct file *f, bool shared, int *error)
{
	struct elf_state *s = f->object;
	const struct backing_source source = { fill_program, release_program, s };
	const uint64_t pages = align_up(s->model.program_bytes, PAGE_SIZE) >> PAGE_SHIFT;
	struct backing *b = backing_create(s->vm.backings, &source, pages, SITE_NONE);

	ASSERT(!shared);
	*error = b == NULL ? -ERR_NOMEM : 0;
	if (b != NULL) s->maps++;
	return b;
}

static bool is_path(const char *path, const char *name)
{
	while (*path != 0 && *path == *name) path++, name++;
	return *path == *name;
}

static bool is_below(const char *path, const char *file)
{
	while (*file != 0 && *path == *file) path++, file++;
	return *file == 0 && *path == '/';
}

/* The task is the state in disguise: execve's own never looks at it. */
static int open_file(struct task *t, int folder, const char *path, uint32_t flags,
		     struct file **out)
{
	static const struct file_ops program = { .read = read_program,
						 .map = map_program,
						 .has_place = true };
	static const struct file_ops script = { .read = read_script, .has_place = true };
	struct elf_state *s = (struct elf_state *)(void *)t;
	int error = -ERR_NOENT;

	if (folder != AT_FDCWD || flags != 0) kpanic(ORACLE_CONTENT, "opened from elsewhere");
	if (is_path(path, "/program"))
		*out = file_create(&s->files, &program, O_RDONLY, NULL, s, &error);
	else if (is_path(path, "/script"))
		*out = file_create(&s->files, &script, O_RDONLY, NULL, s, &error);
	else if (is_below(path, "/program") || is_below(path, "/script"))
		error = -ERR_NOTDIR;
	return error;
}

/* --- the world -------------------------------------------------------------------------------- */

static bool open_vm(struct run *run)
{
	struct elf_state *s = state_of(run);
	const struct vm_config config = {
		.pages = &s->world.pool,
		.kmalloc = &s->km,
		.asid_bits = ASID_BITS_MIN,
		.bottom = MODEL_LOWEST,
		.top = TASK_TRAMPOLINE,
		.lowest = MODEL_LOWEST,
		.regions_max = SPACE_REGIONS_MAX,
	};

	if (!vm_init(&s->vm, &config)) return false;
	s->config.trampoline = exec_trampoline(&s->vm, SITE_NONE);
	return true;
}

void elf_open(struct run *run)
{
	struct elf_state *s = state_of(run);
	const struct kmalloc_config config = kmalloc_world_config(run, &s->world, s->cpus);

	pool_world_open(&s->world, run);
	kmalloc_init(&s->km, &config);
	s->files = (struct file_world){ .memory = &s->km, .most = 8 };
	s->config = (struct exec_config){
		.open = open_file,
		.platform = "aarch64",
		.capabilities = 0x1234,
		.capabilities2 = 0x4321,
		.random = (run->script->world.tag & 1) != 0,
	};
	memset(&s->model, 0, sizeof(s->model));
	memset(&s->work, 0, sizeof(s->work));
	s->squeezed = PADDR_NONE;
	s->maps = 0;
	s->open = open_vm(run);
}

void elf_close(struct run *run)
{
	struct elf_state *s = state_of(run);

	elf_step_relax(run, NULL);
	if (s->maps != 0 || s->files.files != 0)
		kpanic(ORACLE_LEAK, "%u files are open, %u mapped", s->files.files, s->maps);
	if (s->config.trampoline != NULL) backing_drop(s->config.trampoline);
	if (s->open) vm_close(&s->vm);
	kmalloc_drain(&s->km);
	const char *why = kmalloc_check(&s->km);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	pool_world_close(&s->world);
}

/* --- memory ----------------------------------------------------------------------------------- */

void elf_judge_refusal(struct run *run)
{
	struct elf_state *s = state_of(run);
	const uint32_t pages = pool_world_available(&s->world);

	run_sometimes(run, SAW_EXHAUSTION);
	if (pages > ENOUGH_PAGES + run->script->world.reserve)
		kpanic(ORACLE_MUST_SUCCEED, "refused for want of memory with %u pages free", pages);
}

void elf_step_squeeze(struct run *run, const struct script_op *op)
{
	struct elf_state *s = state_of(run);

	if (!s->open) return;
	vm_reclaim(&s->vm, SIZE_MAX);
	kmalloc_drain(&s->km);
	pool_world_squeeze(&s->world, &s->squeezed, op->arg);
}

void elf_step_relax(struct run *run, const struct script_op *op)
{
	struct elf_state *s = state_of(run);

	(void)op;
	pool_world_relax(&s->world, &s->squeezed);
}
