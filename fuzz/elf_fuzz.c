/*
 * elf_fuzz.c -- subject elf: programs' files, whatever is in them, and what execve makes of them.
 *
 * A script builds an ELF file segment by segment, mostly as a linker would, then damages its head,
 * its table or any byte, or cuts it short; it writes a script that names what runs it, and gives
 * arguments; and it has one of the two files run, as execve does until the point of no return.
 * What must come of it the model says (elf_model.c): the error, and whether the program dies of it,
 * or every byte of the new space, its rights, and the stack word by word.
 *
 * A segment's place in the file follows from its address, page by page, as linkers have it, so
 * segments that share a page agree about it; `table` makes them disagree.
 *
 * Where pages are scarce any step may fail; then everything must be back.
 *
 * The header's tag: bit 0, places are drawn (the world's source of chance always says the same).
 *
 * Results in the digest: errors, whether they are late, sizes, free pages after each operation.
 */
#include "fuzz/elf_subject.h"
#include "kernel/abi.h"
#include "machine/machine.h"
#include "mm/mman.h"

static const char *const saw_names[] = {
	"run",         "exhaustion",  "refused", "late",           "movable", "zeroes", "overlap",
	"beyond-file", "interpreter", "script",  "script-refused", "too-big", NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

enum { TABLE_AT = 64, ENTRY_BYTES = 56, BASE = 0x400000, STRINGS_MOST = 128 << 10 };

/* --- building --------------------------------------------------------------------------------- */

static void put(struct elf_files *f, uint64_t at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes && at + i < MODEL_FILE_BYTES; i++)
		f->program[at + i] = (uint8_t)(value >> 8 * i);
}

static void step_fresh(struct run *run, const struct script_op *op)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	struct elf_files *f = &state_of(run)->model;
	const bool movable = op->aux != 0;

	f->segments = 0;
	f->program_bytes = (op->arg + 1) * PAGE_SIZE;
	for (uint32_t i = 0; i < MODEL_FILE_BYTES; i++)
		f->program[i] = (uint8_t)(i * 5 + i / 251 + 1);
	memset(f->program, 0, TABLE_AT);
	memcpy(f->program, ident, sizeof ident);
	put(f, 16, movable ? 3 : 2, 2);
	put(f, 18, 183, 2);
	put(f, 20, 1, 4);
	put(f, 24, (movable ? 0 : BASE) + 0x200, 8);
	put(f, 32, TABLE_AT, 8);
	put(f, 52, TABLE_AT, 2);
	put(f, 54, ENTRY_BYTES, 2);
}

static void add(struct elf_files *f, uint32_t type, uint32_t flags, uint64_t offset, uint64_t at,
		uint64_t in_file, uint64_t bytes)
{
	const uint64_t entry = TABLE_AT + f->segments * ENTRY_BYTES;

	if (f->segments == MODEL_SEGMENTS) return;
	put(f, entry, type, 4);
	put(f, entry + 4, flags, 4);
	put(f, entry + 8, offset, 8);
	put(f, entry + 16, at, 8);
	put(f, entry + 24, at, 8);
	put(f, entry + 32, in_file, 8);
	put(f, entry + 40, bytes, 8);
	put(f, entry + 48, PAGE_SIZE, 8);
	put(f, 56, ++f->segments, 2);
}

/* aux: rights in the low three bits (as the table has them), eighths of a page above. */
static void step_load(struct run *run, const struct script_op *op)
{
	struct elf_files *f = &state_of(run)->model;
	const uint64_t base = elf_number(f->program + 16, 2) == 3 ? 0 : BASE;
	const uint64_t inside = (op->aux >> 3) * 128;
	const uint64_t page = op->slot;
	const uint32_t in_file = op->arg & 0xffff, more = op->arg >> 16;

	add(f, 1, op->aux & 7, page % MODEL_FILE_PAGES * PAGE_SIZE + inside,
	    base + page * PAGE_SIZE + inside, in_file, in_file + more);
	run_result(run, f->segments);
}

static void step_interpreter(struct run *run, const struct script_op *op)
{
	static const char path[] = "/program";
	struct elf_files *f = &state_of(run)->model;
	const uint64_t at = op->arg % (MODEL_FILE_BYTES - sizeof path);

	memcpy(f->program + at, path, sizeof path);
	add(f, 3, 4, at, 0, sizeof path, sizeof path);
}

/* --- damaging --------------------------------------------------------------------------------- */

enum { HOW_SET, HOW_ADD, HOW_HIGH, HOWS };

static void change(struct elf_files *f, uint64_t at, unsigned bytes, unsigned how, uint32_t arg)
{
	const uint64_t value = field_size(arg);
	const uint64_t was = elf_number(f->program + at, bytes);

	put(f, at, how == HOW_SET ? value : how == HOW_ADD ? was + value : value << 24, bytes);
}

struct place {
	uint8_t at, bytes;
};

static void step_head(struct run *run, const struct script_op *op)
{
	static const struct place places[] = {
		{ 0, 4 },  { 4, 1 },  { 16, 2 }, { 18, 2 }, { 24, 8 },
		{ 32, 8 }, { 54, 2 }, { 56, 2 }, { 5, 1 },  { 20, 4 },
	};
	const struct place *p = &places[op->aux];

	change(&state_of(run)->model, p->at, p->bytes, op->slot, op->arg);
}

static void step_table(struct run *run, const struct script_op *op)
{
	static const struct place places[] = {
		{ 0, 4 }, { 4, 4 }, { 8, 8 }, { 16, 8 }, { 24, 8 }, { 32, 8 }, { 40, 8 }, { 48, 8 },
	};
	struct elf_files *f = &state_of(run)->model;
	const struct place *p = &places[op->aux % COUNT_OF(places)];

	if (f->segments == 0) return;
	const uint64_t entry = TABLE_AT + op->slot % f->segments * ENTRY_BYTES;
	change(f, entry + p->at, p->bytes, op->aux / COUNT_OF(places), op->arg);
}

static void step_poke(struct run *run, const struct script_op *op)
{
	put(&state_of(run)->model, (op->arg & 0xffff) % MODEL_FILE_BYTES, op->arg >> 16, 1);
}

static void step_cut(struct run *run, const struct script_op *op)
{
	state_of(run)->model.program_bytes = op->arg;
}

/* --- scripts and strings ---------------------------------------------------------------------- */

enum { PIECE_FRESH, PIECE_LONG = 9, PIECE_NUL = 10 };
static const char *const pieces[] = { "",   " ",      "\t", "\n",   "/program", "/script",
				      "/x", "-x arg", "#!", "long", "nul" };
static const char *const piece_names[COUNT_OF(pieces)] = {
	"fresh", "blank",    "tab",  "end",  "program", "script",
	"other", "argument", "mark", "long", "nul",
};

static void step_line(struct run *run, const struct script_op *op)
{
	struct elf_files *f = &state_of(run)->model;
	const char *text = pieces[op->aux];
	const uint32_t times = op->aux == PIECE_LONG ? op->arg : 1;

	if (op->aux == PIECE_FRESH) {
		f->script_bytes = 2;
		memcpy(f->script, "#!", 2);
		return;
	}
	for (uint32_t i = 0; i < times && f->script_bytes < MODEL_SCRIPT_BYTES - 16; i++) {
		if (op->aux == PIECE_LONG || op->aux == PIECE_NUL) {
			f->script[f->script_bytes++] = op->aux == PIECE_LONG ? 'a' : 0;
			continue;
		}
		for (const char *c = text; *c != 0; c++) f->script[f->script_bytes++] = *c;
	}
}

static void step_string(struct run *run, const struct script_op *op)
{
	struct elf_files *f = &state_of(run)->model;

	if (f->string_count == MODEL_STRINGS) return;
	f->strings[f->string_count++] = (struct model_string){
		.length = op->arg,
		.letter = (char)('a' + op->slot % 26),
		.environment = op->aux != 0,
	};
}

static void step_no_strings(struct run *run, const struct script_op *op)
{
	(void)op;
	state_of(run)->model.string_count = 0;
}

/* --- running ---------------------------------------------------------------------------------- */

static void chance(void *arg, void *to, size_t bytes)
{
	(void)arg;
	memset(to, 0x77, bytes);
}

static void begin(struct run *run, bool script)
{
	struct elf_state *s = state_of(run);
	struct exec_work *w = &s->work;

	memset(w, 0, sizeof(*w));
	w->task = (struct task *)(void *)s;
	w->config = &s->config;
	w->vm = &s->vm;
	w->memory = &s->km;
	w->random = chance;
	w->stack_limit = 8 << 20;
	w->limits = (struct space_limits){ UINT64_MAX, 8 << 20 };
	w->folder = AT_FDCWD;
	w->path = script ? "/script" : "/program";
	args_init(&w->arguments, &s->km, STRINGS_MOST);
	args_init(&w->environment, &s->km, STRINGS_MOST);
}

static int add_string(struct elf_state *s, const struct model_string *m)
{
	memset(s->text, m->letter, m->length);
	s->text[m->length] = 0;
	return args_add(m->environment ? &s->work.environment : &s->work.arguments, s->text);
}

static int add_strings(struct run *run)
{
	struct elf_state *s = state_of(run);
	int answer = 0;

	for (uint32_t i = 0; i < s->model.string_count && answer == 0; i++) {
		answer = add_string(s, &s->model.strings[i]);
	}
	if (answer == 0 && s->work.arguments.count == 0) answer = args_add(&s->work.arguments, "");
	return answer;
}

/* Whether so many bytes of strings are more than there may be. */
static bool is_too_big(const struct elf_files *f)
{
	uint64_t bytes[2] = { 0, 0 };

	for (uint32_t i = 0; i < f->string_count; i++)
		bytes[f->strings[i].environment] += f->strings[i].length + 1;
	return bytes[0] > STRINGS_MOST || bytes[1] > STRINGS_MOST;
}

/* An error: the one that was due, or that memory is short. */
static void judge_error(struct run *run, const struct elf_verdict *v)
{
	struct elf_state *s = state_of(run);
	const struct elf_expected *e = &s->expected;

	if (v->why == NULL || v->error >= 0) kpanic(ORACLE_VERDICT, "refused without a reason");
	if (v->error == -e->error && v->late == e->late) return;
	if (v->error == -ERR_NOMEM && e->maybe_memory) return;
	if (v->error == -ERR_NOMEM || v->error == -ERR_FAULT || v->error == -ERR_NFILE) {
		elf_judge_refusal(run);
		return;
	}
	kpanic(ORACLE_ERRNO, "error %d, %s (%s), where %d, %s was due", -v->error,
	       v->late ? "late" : "at once", v->why, e->error, e->late ? "late" : "at once");
}

/* What mapping it will say, where that can be told before: for what lies where it says. */
static void expect_map(struct run *run)
{
	struct elf_state *s = state_of(run);
	struct elf_expected *e = &s->expected;

	if (e->error != 0) return;
	elf_map_begin(&s->map);
	const uint64_t span = e->end - e->from;
	e->maybe_memory = e->movable && span > USER_END / 4;
	const uint64_t bias = e->movable ? BASE - min_u64(e->from, BASE) : 0;
	elf_map_program(&s->map, &s->model, !e->movable, bias);
	if (s->map.error == 0 && e->interpreter) elf_map_program(&s->map, &s->model, false, bias);
	if (s->map.error != 0) {
		e->error = s->map.error;
		e->late = true;
	} else if (e->movable ? e->entry - e->from >= span : e->entry >= USER_END / 2) {
		e->unsure = true; /* a start outside of what is moved may be beyond all memory */
	}
	if (e->end > TASK_TRAMPOLINE / 2) e->unsure = true;
}

static void saw(struct run *run, const struct elf_expected *e)
{
	run_sometimes(run, SAW_RUN);
	if (e->movable) run_sometimes(run, SAW_MOVABLE);
	if (e->interpreter) run_sometimes(run, SAW_INTERPRETER);
	if (e->script) run_sometimes(run, SAW_SCRIPT);
	if (e->beyond) run_sometimes(run, SAW_BEYOND_FILE);
	if (e->zeroes) run_sometimes(run, SAW_ZEROES);
	if (e->overlap) run_sometimes(run, SAW_OVERLAP);
}

static void ran(struct run *run, const struct elf_verdict *v)
{
	struct elf_state *s = state_of(run);
	struct elf_expected *e = &s->expected;

	run_result(run, v->why != NULL ? (uint64_t)-v->error + (v->late ? 1000 : 0) : 0);
	if (v->why == NULL && e->error != 0 && !e->unsure)
		kpanic(ORACLE_MUST_FAIL, "run, though error %d was due", e->error);
	if (v->why == NULL) {
		saw(run, e);
		elf_look(run);
	} else if (!e->unsure || !v->late) {
		judge_error(run, v);
		run_sometimes(run, v->late ? SAW_LATE : SAW_REFUSED);
		if (s->work.path[1] == 's') run_sometimes(run, SAW_SCRIPT_REFUSED);
	}
}

static void step_run(struct run *run, const struct script_op *op)
{
	struct elf_state *s = state_of(run);
	const bool script = op->aux != 0;

	if (!s->open || s->config.trampoline == NULL) return;
	begin(run, script);
	const int answer = add_strings(run);
	if (answer == -ERR_2BIG) {
		if (!is_too_big(&s->model)) kpanic(ORACLE_ERRNO, "too big, though it is not");
		run_sometimes(run, SAW_TOO_BIG);
	} else if (answer != 0) {
		elf_judge_refusal(run);
	} else if (is_too_big(&s->model)) {
		kpanic(ORACLE_MUST_FAIL, "more strings than there may be");
	} else {
		elf_expect(&s->model, script, &s->expected);
		expect_map(run);
		elf_score_run(run, script, &s->expected);
		struct elf_verdict v = exec_find(&s->work);
		if (v.why == NULL) v = exec_build(&s->work);
		ran(run, &v);
	}
	exec_work_drop(&s->work);
	vm_reclaim(&s->vm, SIZE_MAX);
	if (s->maps != 0 || s->files.files != 0)
		kpanic(ORACLE_LEAK, "%u files are open, %u mapped", s->files.files, s->maps);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void elf_check(struct run *run, enum check_depth depth)
{
	struct elf_state *s = state_of(run);
	struct page_counts counts;
	const char *why = depth == CHECK_WALK ? page_check(&s->world.pool)
					      : page_check_counts(&s->world.pool);

	if (why != NULL) kpanic(depth == CHECK_WALK ? ORACLE_WALK : ORACLE_ACCOUNT, "%s", why);
	page_count(&s->world.pool, &counts);
	run_result(run, counts.free + counts.cached);
}

/* --- the table -------------------------------------------------------------------------------- */

static const char *const kind_names[] = { "fixed", "movable" };
static const char *const file_names[] = { "program", "script" };
static const char *const list_names[] = { "arguments", "environment" };
static const char *const how_names[HOWS] = { "set", "add", "high" };
static const char *const head_names[] = {
	"magic", "class", "type", "machine", "entry", "table", "size", "count", "order", "version",
};
static const char *const table_names[] = {
	"type",         "flags",       "offset",        "at",           "physical",   "in-file",
	"bytes",        "align",       "type-add",      "flags-add",    "offset-add", "at-add",
	"physical-add", "in-file-add", "bytes-add",     "align-add",    "type-high",  "flags-high",
	"offset-high",  "at-high",     "physical-high", "in-file-high", "bytes-high", "align-high",
};

/* clang-format off */
#define NAMES(field, place, names) { field, place, FORM_NAMES, COUNT_OF(names), names }
#define NUMBER(field, place, limit) { field, place, FORM_NUMBER, limit, NULL }
#define VALUE { "value", IN_ARG, FORM_SIZE, 0, NULL }

static const struct op_kind operations[] = {
	{ "fresh", 6, { NAMES("kind", IN_AUX, kind_names),
			NUMBER("pages", IN_ARG, MODEL_FILE_PAGES) }, step_fresh },
	{ "load", 24, { NUMBER("page", IN_SLOT, 64), NUMBER("how", IN_AUX, 0),
			NUMBER("in-file", IN_LOW, 0), NUMBER("more", IN_HIGH, 0) }, step_load },
	{ "interpreter", 2, { NUMBER("at", IN_ARG, 0) }, step_interpreter },
	{ "head", 3, { NAMES("field", IN_AUX, head_names),
		       NAMES("how", IN_SLOT, how_names), VALUE }, step_head },
	{ "table", 8, { NUMBER("segment", IN_SLOT, 0), NAMES("field", IN_AUX, table_names), VALUE },
	  step_table },
	{ "poke", 2, { NUMBER("at", IN_LOW, 0), NUMBER("byte", IN_HIGH, 256) }, step_poke },
	{ "cut", 2, { NUMBER("bytes", IN_ARG, MODEL_FILE_BYTES + 1) }, step_cut },
	{ "line", 10, { NAMES("piece", IN_AUX, piece_names), NUMBER("times", IN_ARG, 300) },
	  step_line },
	{ "string", 6, { NAMES("list", IN_AUX, list_names), NUMBER("letter", IN_SLOT, 26),
			 NUMBER("length", IN_LOW, 0) }, step_string },
	{ .name = "no-strings", .weight = 1, .step = step_no_strings },
	{ "run", 14, { NAMES("file", IN_AUX, file_names) }, step_run },
	{ "squeeze", 2, { NUMBER("leave", IN_ARG, 200) }, elf_step_squeeze },
	{ .name = "relax", .weight = 2, .step = elf_step_relax },
};
/* clang-format on */

static void open_all(struct run *run)
{
	static const struct script_op fresh = { .arg = MODEL_FILE_PAGES - 1 };
	static const struct script_op line = { .aux = PIECE_FRESH };

	elf_open(run);
	elf_score_opens();
	step_fresh(run, &fresh);
	step_line(run, &line);
}

const struct subject elf_subject = {
	.name = "elf",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = open_all,
	.check = elf_check,
	.close = elf_close,
};
