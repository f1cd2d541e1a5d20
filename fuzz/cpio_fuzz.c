/*
 * cpio_fuzz.c -- subject cpio: archives of files, whatever is in them, and the tree they become.
 *
 * A script writes an archive entry by entry, with few names, so that they meet; it may damage it:
 * a number of a header, any byte, its end; or bring one from elsewhere.  Each `unpack` makes a new
 * tree of it.  An archive that nobody damaged becomes what the model says (cpio_model.c), or is
 * refused at the entry that it says; one that was damaged is refused or not, and leaves nothing in
 * the one case, and what can be read in the other.
 *
 * The archive lies in the arena between poisoned bytes, readable for exactly its length: a file
 * whose contents reach over its end, and a reader that looks too far, are seen.
 *
 * Where pages are scarce it may be refused for that; then everything must be back as well.
 *
 * Results in the digest: verdicts, offsets, counts of names.
 */
#include "fuzz/cpio_subject.h"
#include "kernel/file/tree_inside.h"
#include "machine/machine.h"

enum {
	BUCKETS = 32,
	ENOUGH_PAGES = 24,
	HEADER_BYTES = 110,
};

static const char *const saw_names[] = {
	"unpacked", "refused",      "damaged-unpacked", "damaged-refused", "linked", "through-link",
	"replaced", "two-archives", "too-many",         "exhaustion",      NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

#define LONG "0123456789012345678901234567890123456789012345678901234567890123"

const char *const cpio_names[CPIO_NAMES] = {
	"a",
	"b",
	"a/b",
	"a/b/c",
	"./a",
	"/b",
	"d/",
	"d",
	"d/e",
	".",
	"..",
	"l",
	"a/../b",
	"l/x",
	"l/l",
	"d/e/f",
	"TRAILER!!!",
	"m//n",
	"d/./g",
	"/",
	LONG LONG LONG LONG,
	"x/" LONG LONG LONG "012345678901234567890123456789/y",
};
const char *const cpio_texts[CPIO_TEXTS] = {
	"a", "d", "l", ".", "/", "d/e", "l/l", "..", "b/..", "/new/",
};

/* --- writing ---------------------------------------------------------------------------------- */

static void put_hex(uint8_t *to, uint32_t number)
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = (uint8_t) "0123456789abcdef"[number >> (28 - 4 * i) & 15];
}

static bool has_room(const struct cpio_state *s, uint32_t bytes)
{
	return s->count < ARCHIVE_ENTRIES && s->bytes + bytes + 512 <= ARCHIVE_BYTES_MAX;
}

/* An entry as it should be, and zeroes up to a multiple of four. */
static void put_entry(struct cpio_state *s, const struct cpio_written *w, const void *contents,
		      uint32_t bytes)
{
	const char *name = cpio_names[w->name];
	const uint32_t name_bytes = (uint32_t)text_bytes(name) + 1;
	const uint32_t fields[13] = {
		w->ino, w->kind | w->permissions, 0, 0, w->links, 0, bytes, 8, 1, 1, 3, name_bytes,
		0
	};
	uint8_t *to = s->archive + s->bytes;

	memcpy(to, "070701", 6);
	for (unsigned i = 0; i < 13; i++) put_hex(to + 6 + i * 8, fields[i]);
	memcpy(to + HEADER_BYTES, name, name_bytes);
	uint32_t at = (uint32_t)align_up(s->bytes + HEADER_BYTES + name_bytes, 4);
	memcpy(s->archive + at, contents, bytes);
	s->bytes = (uint32_t)align_up(at + bytes, 4);
	s->trailer = text_is(name, "TRAILER!!!");
	s->trailers += s->trailer;
}

/* The same, and the model knows it. */
static void write_entry(struct run *run, struct cpio_written w, const void *contents,
			uint32_t bytes)
{
	struct cpio_state *s = state_of(run);

	if (!has_room(s, bytes)) return;
	if (s->trailer) run_sometimes(run, SAW_TWO_ARCHIVES);
	w.offset = s->bytes;
	w.bytes = bytes;
	w.trailers = s->trailers;
	const uint32_t name_bytes = (uint32_t)text_bytes(cpio_names[w.name]) + 1;
	if (w.kind != S_IFLNK)
		w.contents = (uint32_t)align_up(s->bytes + HEADER_BYTES + name_bytes, 4);
	put_entry(s, &w, contents, bytes);
	if (!s->trailer) s->written[s->count++] = w;
	if (s->trailer)
		cpio_score_trailer(run);
	else
		cpio_score_entry(run, &w, contents);
}

static const uint8_t *some_bytes(const struct cpio_state *s)
{
	static uint8_t bytes[UINT16_MAX + 1];

	for (size_t i = 0; i < 4096; i++) bytes[i] = (uint8_t)(s->bytes / 4 + i * 7);
	return bytes;
}

static void step_file(struct run *run, const struct script_op *op)
{
	const struct cpio_written w = { .name = op->aux,
					.kind = S_IFREG,
					.permissions = (op->arg >> 16) & S_PERMISSIONS,
					.ino = 1000 + state_of(run)->count,
					.links = 1 };
	write_entry(run, w, some_bytes(state_of(run)), (op->arg & 0xffff) % 5000);
}

static void step_folder(struct run *run, const struct script_op *op)
{
	const struct cpio_written w = {
		.name = op->aux, .kind = S_IFDIR, .permissions = op->arg & S_PERMISSIONS, .links = 2
	};
	write_entry(run, w, NULL, 0);
}

static void step_link(struct run *run, const struct script_op *op)
{
	const char *text = cpio_texts[op->slot];
	const struct cpio_written w = { .name = op->aux,
					.kind = S_IFLNK,
					.permissions = 0777,
					.links = 1,
					.contents = op->slot };
	write_entry(run, w, text, (uint32_t)text_bytes(text));
}

static void step_special(struct run *run, const struct script_op *op)
{
	static const uint32_t kinds[] = { S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, 0 };
	const struct cpio_written w = {
		.name = op->aux, .kind = kinds[op->slot], .permissions = 0600, .links = 1
	};
	write_entry(run, w, NULL, 0);
}

/* An even number of bytes is none: they stand with another of the names. */
static void step_linked(struct run *run, const struct script_op *op)
{
	const struct cpio_written w = {
		.name = op->aux, .kind = S_IFREG, .permissions = 0640, .ino = op->slot, .links = 2
	};
	write_entry(run, w, some_bytes(state_of(run)), (op->arg & 1) != 0 ? op->arg % 3000 : 0);
}

static void step_trailer(struct run *run, const struct script_op *op)
{
	struct cpio_state *s = state_of(run);
	const struct cpio_written w = { .name = 16, .links = 1 };

	(void)op;
	if (!has_room(s, 0)) return;
	put_entry(s, &w, NULL, 0);
	cpio_score_trailer(run);
}

static void step_zeroes(struct run *run, const struct script_op *op)
{
	struct cpio_state *s = state_of(run);
	const uint32_t bytes = op->arg * 4;

	if (!has_room(s, bytes)) return;
	memset(s->archive + s->bytes, 0, bytes);
	s->bytes += bytes;
	cpio_score_zeroes(run, bytes);
	if (!s->trailer && bytes != 0) s->damaged = true;
}

static void step_fresh(struct run *run, const struct script_op *op)
{
	struct cpio_state *s = state_of(run);

	(void)op;
	s->bytes = s->count = s->trailers = 0;
	s->damaged = s->trailer = false;
	cpio_score_fresh(run);
}

/* --- damaging --------------------------------------------------------------------------------- */

static void step_number(struct run *run, const struct script_op *op)
{
	struct cpio_state *s = state_of(run);

	if (s->count == 0) return;
	const uint32_t at = s->written[op->slot % s->count].offset + 6 + op->aux * 8;
	if (at + 8 > s->bytes) return;
	put_hex(s->archive + at, op->arg);
	s->damaged = true;
}

static void step_poke(struct run *run, const struct script_op *op)
{
	struct cpio_state *s = state_of(run);

	if (s->bytes == 0) return;
	s->archive[op->arg % s->bytes] = op->aux;
	s->damaged = true;
}

static void step_cut(struct run *run, const struct script_op *op)
{
	struct cpio_state *s = state_of(run);

	s->bytes -= op->arg % (s->bytes + 1);
	s->damaged = true;
}

static void step_splice(struct run *run, const struct script_op *op)
{
	struct cpio_state *s = state_of(run);
	const struct script *script = run->script;
	const uint32_t at = op->arg % (s->bytes + 1);
	const uint32_t bytes = (uint32_t)min_u64(script->data_bytes, ARCHIVE_BYTES_MAX - at);

	memcpy(s->archive + at, script->body + script->data_at, bytes);
	s->bytes = (uint32_t)max_u64(s->bytes, at + bytes);
	s->damaged = true;
}

/* --- unpacking -------------------------------------------------------------------------------- */

static uint8_t *archive_place(struct run *run)
{
	return (uint8_t *)run->machine->arena + RUN_ARENA_BYTES - ARCHIVE_BYTES_MAX - 4096;
}

static bool open_tree(struct cpio_state *s)
{
	static const struct file_system *const kinds[] = { &kind_rootfs, NULL };
	const struct tree_config config = {
		.files = &s->files, .buckets = BUCKETS, .pages_most = CPIO_NODES, .kinds = kinds
	};

	return tree_init(&s->tree, &config);
}

/* Takes pages from the pool, a chain of them, until `leave` are left. */
static void step_squeeze(struct run *run, const struct script_op *op)
{
	struct cpio_state *s = state_of(run);

	kmalloc_drain(&s->km);
	pool_world_squeeze(&s->world, &s->squeezed, op->arg);
}

static void step_relax(struct run *run, const struct script_op *op)
{
	struct cpio_state *s = state_of(run);

	(void)op;
	pool_world_relax(&s->world, &s->squeezed);
}

static void judge_memory(struct run *run)
{
	const uint32_t pages = pool_world_available(&state_of(run)->world);

	run_sometimes(run, SAW_EXHAUSTION);
	if (pages > ENOUGH_PAGES + run->script->world.reserve)
		kpanic(ORACLE_MUST_SUCCEED, "refused for want of memory with %u pages free", pages);
}

static void judge_refusal(struct run *run, const struct cpio_fault *fault)
{
	struct cpio_state *s = state_of(run);

	if (fault->why == NULL || fault->offset > s->bytes)
		kpanic(ORACLE_VERDICT, "refused at %lu of %u without a reason", fault->offset,
		       s->bytes);
	if (s->tree.entries != 0 || atomic_load_u32(&s->tree.nodes) != 1)
		kpanic(ORACLE_LEAK, "refused, and %u names are there", s->tree.entries);
	if (text_is(fault->why, "no memory for it")) judge_memory(run);
}

/* Of an archive that is as it was written. */
static void judge_written(struct run *run, bool done, const struct cpio_fault *fault)
{
	struct cpio_state *s = state_of(run);
	const int32_t refused = s->trailer ? model_unpack(run, s->count) : MODEL_DONE;

	if (!done && text_is(fault->why, "no memory for it")) return;
	run_result(run, done ? 0 : fault->offset + 1);
	if (s->nodes_live == CPIO_NODES && refused >= 0) run_sometimes(run, SAW_TOO_MANY);
	if (!s->trailer) {
		if (done) kpanic(ORACLE_MUST_FAIL, "unpacked without a trailer");
		if (fault->offset != s->bytes) kpanic(ORACLE_VERDICT, "no trailer, said elsewhere");
		return;
	}
	if (done && refused >= 0)
		kpanic(ORACLE_MUST_FAIL, "unpacked, where entry %u was to be refused", refused);
	if (!done && refused < 0) kpanic(ORACLE_MUST_SUCCEED, "refused: %s", fault->why);
	if (!done && fault->offset != s->written[refused].offset)
		kpanic(ORACLE_VERDICT, "refused at %lu (%s), where entry %u was due", fault->offset,
		       fault->why, refused);
	run_sometimes(run, done ? SAW_UNPACKED : SAW_REFUSED);
	if (done) cpio_look(run);
}

static void judge_damaged(struct run *run, bool done)
{
	run_result(run, done);
	run_sometimes(run, done ? SAW_DAMAGED_UNPACKED : SAW_DAMAGED_REFUSED);
	if (done) cpio_touch(run);
}

static void step_unpack(struct run *run, const struct script_op *op)
{
	struct cpio_state *s = state_of(run);
	uint8_t *at = archive_place(run);
	struct cpio_fault fault;

	(void)op;
	if (!open_tree(s)) {
		judge_memory(run);
		return;
	}
	if (s->bytes != 0) mach_unpoison(at, s->bytes);
	memcpy(at, s->archive, s->bytes);
	const bool done = cpio_unpack(&s->tree, at, s->bytes, &fault);
	const char *why = tree_check(&s->tree);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	if (!done) judge_refusal(run, &fault);
	if (s->damaged)
		judge_damaged(run, done);
	else
		judge_written(run, done, &fault);
	if (memcmp(at, s->archive, s->bytes) != 0)
		kpanic(ORACLE_CONTENT, "the archive was written to");
	if (!done) cpio_score_refused(run, &fault);
	if (!s->damaged && s->trailer) cpio_score_unpack(run);
	tree_close(&s->tree);
	mach_poison(at, align_up(s->bytes, 8));
	if (s->files.files != 0) kpanic(ORACLE_LEAK, "%u files are open", s->files.files);
}

/* --- the world -------------------------------------------------------------------------------- */

static void cpio_subject_open(struct run *run)
{
	struct cpio_state *s = state_of(run);
	const struct kmalloc_config config = kmalloc_world_config(run, &s->world, s->cpus);

	pool_world_open(&s->world, run);
	kmalloc_init(&s->km, &config);
	s->files = (struct file_world){ .memory = &s->km, .most = 4 };
	s->squeezed = PADDR_NONE;
	s->nodes_most = CPIO_NODES;
	cpio_score_opens(run);
	step_fresh(run, NULL);
}

static void cpio_subject_check(struct run *run, enum check_depth depth)
{
	struct cpio_state *s = state_of(run);
	const char *why = depth == CHECK_WALK ? page_check(&s->world.pool)
					      : page_check_counts(&s->world.pool);

	if (why != NULL) kpanic(depth == CHECK_WALK ? ORACLE_WALK : ORACLE_ACCOUNT, "%s", why);
}

static void cpio_subject_close(struct run *run)
{
	struct cpio_state *s = state_of(run);

	step_relax(run, NULL);
	kmalloc_drain(&s->km);
	const char *why = kmalloc_check(&s->km);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	pool_world_close(&s->world);
}

/* --- the table -------------------------------------------------------------------------------- */

static const char *const name_names[CPIO_NAMES] = {
	"a",       "b",    "a/b",   "a/b/c", "./a",    "/b",       "d/",  "d",
	"d/e",     "here", "up",    "l",     "a/../b", "l/x",      "l/l", "d/e/f",
	"trailer", "m//n", "d/./g", "root",  "long",   "way-long",
};
static const char *const text_names[CPIO_TEXTS] = {
	"a", "d", "l", "here", "root", "d/e", "l/l", "up", "b/up", "new",
};
static const char *const kind_names[] = { "char", "block", "fifo", "socket", "none" };
static const char *const field_names[] = {
	"ino",   "mode",  "uid",           "gid",           "links", "time",  "bytes",
	"major", "minor", "special-major", "special-minor", "name",  "check",
};

/* clang-format off */
#define NAMES(field, place, names) { field, place, FORM_NAMES, COUNT_OF(names), names }
#define NUMBER(field, place, limit) { field, place, FORM_NUMBER, limit, NULL }
#define NAME NAMES("name", IN_AUX, name_names)

static const struct op_kind operations[] = {
	{ "file", 24, { NAME, NUMBER("bytes", IN_LOW, 0), NUMBER("rights", IN_HIGH, 0) },
	  step_file },
	{ "folder", 12, { NAME, NUMBER("rights", IN_ARG, 0) }, step_folder },
	{ "link", 10, { NAME, NAMES("text", IN_SLOT, text_names) }, step_link },
	{ "special", 3, { NAME, NAMES("kind", IN_SLOT, kind_names) }, step_special },
	{ "linked", 12, { NAME, NUMBER("ino", IN_SLOT, 4), NUMBER("bytes", IN_ARG, 0) },
	  step_linked },
	{ .name = "trailer", .weight = 16, .step = step_trailer },
	{ "zeroes", 2, { NUMBER("words", IN_ARG, 200) }, step_zeroes },
	{ .name = "fresh", .weight = 8, .step = step_fresh },
	{ "number", 6, { NUMBER("entry", IN_SLOT, 0), NAMES("field", IN_AUX, field_names),
			 { "value", IN_ARG, FORM_SIZE, 0, NULL } }, step_number },
	{ "poke", 2, { NUMBER("at", IN_ARG, 0), NUMBER("byte", IN_AUX, 0) }, step_poke },
	{ "cut", 2, { NUMBER("bytes", IN_ARG, 0) }, step_cut },
	{ "splice", 1, { NUMBER("at", IN_ARG, 0) }, step_splice },
	{ .name = "unpack", .weight = 18, .step = step_unpack },
	{ "squeeze", 1, { NUMBER("leave", IN_ARG, 20) }, step_squeeze },
	{ .name = "relax", .weight = 2, .step = step_relax },
};
/* clang-format on */

const struct subject cpio_subject = {
	.name = "cpio",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = cpio_subject_open,
	.check = cpio_subject_check,
	.close = cpio_subject_close,
	.reads_data = true,
};
