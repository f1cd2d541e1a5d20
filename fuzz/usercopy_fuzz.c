/*
 * usercopy_fuzz.c -- subject usercopy: the kernel reads and writes users' memory, at any address.
 *
 * Up to three spaces with pages of every kind and with every set of rights: zeroes, a file's,
 * shared ones, some of them behind the file's end, copied on write, made old.  Copies in and out,
 * zeroes and strings start and end anywhere: inside pages and across them, below, between and
 * behind the mappings, at the end of the user's half, in the kernel's, with lengths that wrap.  How
 * many bytes each copies is the model's to say, to the byte, and so is what they are.
 *
 * Where pages are scarce a copy may end early: at the beginning of a page, and only there.  What
 * was copied until then is judged all the same.
 *
 * A store or a load of a user's leaves its space installed.  Copies of a few bytes to or from that
 * one go by accesses of a user's, which the machine judges by what it remembers; those of others
 * must not.  Which way it was shows nowhere.
 *
 * At each walk every page that is in a table is compared with the model, and every user's page has
 * exactly as many references as lead to it (vm_check).
 *
 * The header's tag: its low bits are how many bits an ASID has beyond the least.
 *
 * Results in the digest: bytes left uncopied, lengths of strings, answers to calls and faults, free
 * pages after each operation.
 */
#include "fuzz/usercopy_subject.h"
#include "machine/machine.h"

static const char *const saw_names[] = {
	"exhaustion",   "partial",      "beyond",      "range-refused", "last-byte",
	"two-tables",   "copy-broken",  "shared-seen", "string",        "string-too-long",
	"string-fault", "fork-refused", "old-page",    "here",          "here-partial",
	"elsewhere",    NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");

struct space *usercopy_space(const struct run *run, const struct script_op *op, uint32_t *n)
{
	*n = op->slot;
	return state_of(run)->space[*n];
}

/* --- where and how much ----------------------------------------------------------------------- */

enum { AT_PAGE, AT_TAIL, AT_TOP, AT_END, AT_KERNEL, AT_WRAP, AT_LOW, AT_TAGGED, WHERES };

static const char *const where_names[WHERES] = {
	"page", "tail", "top", "end", "kernel", "wrap", "low", "tagged",
};

static uint64_t address_of(uint32_t where, uint32_t at)
{
	const uint64_t mapped = user_model_address(at >> PAGE_SHIFT) + (at & (PAGE_SIZE - 1));

	switch (where) {
	case AT_PAGE: return mapped;
	case AT_TAIL: return user_model_address(at >> PAGE_SHIFT) + PAGE_SIZE - 1 - (at & 63);
	case AT_TOP: return USER_END - 1 - at % COPY_BYTES_MAX;
	case AT_END: return USER_END + at;
	case AT_KERNEL: return KERNEL_START + at;
	case AT_WRAP: return UINT64_MAX - at;
	case AT_LOW: return at;
	default: return mapped | 1ull << 56;
	}
}

/* The three highest bits choose the scale of the others: bytes, parts of a page, pages, whole ones,
 * powers of two beyond any memory, and sizes that wrap.  At the top one scale stands for all that
 * is left of the user's half. */
static size_t length_of(uint32_t code)
{
	const size_t n = code & 0x1fff;

	switch (code >> 13) {
	case 0:
	case 1: return n & 63;
	case 2:
	case 3: return n & 1023;
	case 4: return n;
	case 5: return (n & 3) * PAGE_SIZE + ((n >> 2) & 1);
	case 6: return (size_t)1 << (14 + n % 50);
	default: return 0 - n;
	}
}

struct copy {
	struct space *space;
	uint32_t n;
	uint64_t va;
	size_t bytes;
	size_t expected; /* so many could be copied */
};

static bool copy_meant(const struct run *run, const struct script_op *op, enum user_access access,
		       struct copy *c)
{
	c->space = usercopy_space(run, op, &c->n);
	if (c->space == NULL) return false;
	c->va = address_of(op->aux, op->arg & 0xffff);
	c->bytes = length_of(op->arg >> 16);
	if (op->aux == AT_TOP && op->arg >> 29 == 3) c->bytes = USER_END - c->va;
	c->expected = user_model_reach(&state_of(run)->model, c->n, c->va, c->bytes, access);
	return true;
}

/* --- copies ----------------------------------------------------------------------------------- */

static bool is_row_middle(uint64_t va)
{
	return (va & ((1ull << 21) - 1)) == 0;
}

static void note_states(struct run *run, const struct copy *c, size_t copied,
			enum user_access access)
{
	const struct usercopy_model *m = &state_of(run)->model;
	uint64_t sum;

	if (copied != 0 && copied < c->bytes) run_sometimes(run, SAW_PARTIAL);
	if (!add_fits(c->va, c->bytes, &sum) || sum > USER_END)
		run_sometimes(run, SAW_RANGE_REFUSED);
	else if (copied != 0 && sum == USER_END)
		run_sometimes(run, SAW_LAST_BYTE);
	if (copied < c->bytes && user_model_verdict(m, c->n, c->va + copied, access) == USER_BEYOND)
		run_sometimes(run, SAW_BEYOND);
	if (copied == 0) return;
	for (uint64_t va = align_up(c->va + 1, PAGE_SIZE); va < c->va + copied; va += PAGE_SIZE)
		if (is_row_middle(va)) run_sometimes(run, SAW_TWO_TABLES);
}

/* Of `left` bytes not copied: how many were.  More than expected is never right; fewer is where
 * memory is short, and then a whole page is missing at least. */
static size_t judge_copy(struct run *run, const struct copy *c, size_t left,
			 enum user_access access)
{
	if (left > c->bytes) kpanic(ORACLE_VERDICT, "more bytes left than there were");
	const size_t copied = c->bytes - left;

	if (copied > c->expected)
		kpanic(ORACLE_VERDICT, "%lu bytes copied where %lu could be", (unsigned long)copied,
		       (unsigned long)c->expected);
	if (copied < c->expected) {
		if (copied != 0 && !is_aligned(c->va + copied, PAGE_SIZE))
			kpanic(ORACLE_VERDICT, "a copy ended inside a page, after %lu bytes",
			       (unsigned long)copied);
		usercopy_judge_refusal(run, ENOUGH_PAGES);
	}
	run_result(run, left);
	note_states(run, c, copied, access);
	return copied;
}

/* Calls each piece of [va, va + bytes) that lies in one page. */
#define FOR_PIECES(va, bytes, done, piece)                                                         \
	for (size_t done = 0, piece;                                                               \
	     done < (bytes) &&                                                                     \
	     (piece = min_u64((bytes)-done, PAGE_SIZE - (((va) + done) & (PAGE_SIZE - 1))), true); \
	     done += piece)

/* Sizes that the product has copies of their own for, where they are known; and others. */
static size_t copy_in(struct space *s, void *to, uint64_t va, size_t bytes)
{
	switch (bytes) {
	case 4: return user_copy_in(s, to, va, 4);
	case 8: return user_copy_in(s, to, va, 8);
	case 16: return user_copy_in(s, to, va, 16);
	case 32: return user_copy_in(s, to, va, 32);
	default: return user_copy_in(s, to, va, bytes);
	}
}

static size_t copy_out(struct space *s, uint64_t va, const void *from, size_t bytes)
{
	switch (bytes) {
	case 4: return user_copy_out(s, va, from, 4);
	case 8: return user_copy_out(s, va, from, 8);
	case 16: return user_copy_out(s, va, from, 16);
	case 32: return user_copy_out(s, va, from, 32);
	default: return user_copy_out(s, va, from, bytes);
	}
}

/* Whether this CPU has the space installed decides which way a copy goes, not what it does. */
static void note_installed(struct run *run, const struct copy *c)
{
	const struct usercopy_state *s = state_of(run);
	const struct space *installed = s->vm.installed[mach_cpu()];

	if (c->bytes == 0 || c->bytes > MACH_USER_BYTES || c->expected == 0) return;
	if (installed == c->space)
		run_sometimes(run, c->expected == c->bytes ? SAW_HERE : SAW_HERE_PARTIAL);
	else if (installed != NULL)
		run_sometimes(run, SAW_ELSEWHERE);
}

static void step_copy_in(struct run *run, const struct script_op *op)
{
	struct usercopy_state *s = state_of(run);
	struct copy c;

	if (!copy_meant(run, op, ACCESS_LOAD, &c)) return;
	note_installed(run, &c);
	const size_t left = copy_in(c.space, s->kernel, c.va, c.bytes);
	const size_t copied = judge_copy(run, &c, left, ACCESS_LOAD);
	FOR_PIECES(c.va, copied, done, piece)
	{
		if (!user_model_same(&s->model, c.n, c.va + done, s->kernel + done, piece))
			kpanic(ORACLE_CONTENT, "the kernel read what nobody wrote there");
	}
}

/* Bytes unlike any others'; every 61st is zero, for strings. */
static void make_bytes(uint8_t *bytes, size_t count, uint32_t seed)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = i % 61 == 60 ? 0 : (uint8_t)((seed * 31 + i * 7) | 1);
}

/* The model takes over what was written; whether a copy had to be made first is worth knowing. */
static void written(struct run *run, const struct copy *c, size_t copied)
{
	struct usercopy_state *s = state_of(run);

	FOR_PIECES(c->va, copied, done, piece)
	{
		const struct model_page *p = &s->model.page[c->n][user_model_place(c->va + done)];
		if (p->kind == KIND_FILE && !p->own) run_sometimes(run, SAW_COPY_BROKEN);
		if (p->kind == KIND_SHARED_ZEROES && (s->space[(c->n + 1) % SPACES] != NULL ||
						      s->space[(c->n + 2) % SPACES] != NULL))
			run_sometimes(run, SAW_SHARED_SEEN);
		user_model_write(&s->model, c->n, c->va + done, s->kernel + done, piece);
	}
}

static void step_copy_out(struct run *run, const struct script_op *op)
{
	struct usercopy_state *s = state_of(run);
	struct copy c;

	if (!copy_meant(run, op, ACCESS_STORE, &c)) return;
	make_bytes(s->kernel, c.expected, run->op);
	note_installed(run, &c);
	const size_t left = copy_out(c.space, c.va, s->kernel, c.bytes);
	written(run, &c, judge_copy(run, &c, left, ACCESS_STORE));
}

static void step_zero(struct run *run, const struct script_op *op)
{
	struct usercopy_state *s = state_of(run);
	struct copy c;

	if (!copy_meant(run, op, ACCESS_STORE, &c)) return;
	memset(s->kernel, 0, c.expected);
	const size_t left = user_fill_zero(c.space, c.va, c.bytes);
	written(run, &c, judge_copy(run, &c, left, ACCESS_STORE));
}

/* --- strings ---------------------------------------------------------------------------------- */

/* What the model says of a string with `room` for it. */
static int64_t string_expected(const struct run *run, const struct copy *c, size_t room)
{
	const struct usercopy_model *m = &state_of(run)->model;

	for (size_t i = 0; i < room; i++) {
		if (c->va + i >= USER_END) return -ERR_FAULT;
		if (user_model_verdict(m, c->n, c->va + i, ACCESS_LOAD) != USER_FINE)
			return -ERR_FAULT;
		if (user_model_byte(m, c->n, c->va + i) == 0) return (int64_t)i;
	}
	return -ERR_NAMETOOLONG;
}

static void step_string(struct run *run, const struct script_op *op)
{
	struct usercopy_state *s = state_of(run);
	struct copy c;

	if (!copy_meant(run, op, ACCESS_LOAD, &c)) return;
	const size_t room = min_u64(c.bytes, COPY_BYTES_MAX);
	const int64_t wanted = string_expected(run, &c, room);
	const int64_t got = user_string_in(c.space, (char *)s->kernel, c.va, room);

	if (got == -ERR_FAULT && wanted != -ERR_FAULT)
		usercopy_judge_refusal(run, ENOUGH_PAGES);
	else if (got != wanted)
		kpanic(ORACLE_VERDICT, "a string was answered %ld, the model says %ld", (long)got,
		       (long)wanted);
	run_result(run, (uint64_t)got);
	if (got == -ERR_FAULT) run_sometimes(run, SAW_STRING_FAULT);
	if (got == -ERR_NAMETOOLONG) run_sometimes(run, SAW_STRING_TOO_LONG);
	if (got < 0) return;
	if (got > 0) run_sometimes(run, SAW_STRING);
	FOR_PIECES(c.va, (size_t)got + 1, done, piece)
	{
		if (!user_model_same(&s->model, c.n, c.va + done, s->kernel + done, piece))
			kpanic(ORACLE_CONTENT, "a string is not the user's");
	}
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_counts(struct run *run)
{
	struct usercopy_state *s = state_of(run);
	const char *why = page_check_counts(&s->world.pool);
	struct page_counts counts;

	if (why == NULL) why = kmalloc_check_counts(&s->km);
	if (why != NULL) kpanic(ORACLE_ACCOUNT, "%s", why);
	page_count(&s->world.pool, &counts);
	run_result(run, counts.free + counts.cached);
}

/* Every page that is in the tables, against the model. */
static void compare_space(struct usercopy_state *s, uint32_t n)
{
	for (uint32_t p = 0; p < PLACES; p++) {
		const uint64_t va = user_model_address(p);
		const uint64_t entry = pagetable_lookup(&s->space[n]->table, va, NULL);

		if ((entry & ENTRY_VALID) == 0) continue;
		if (user_model_verdict(&s->model, n, va, ACCESS_LOAD) != USER_FINE)
			kpanic(ORACLE_VERDICT, "space %u has page %u, which it may not read", n, p);
		if ((entry & ENTRY_READ_ONLY) == 0 &&
		    user_model_verdict(&s->model, n, va, ACCESS_STORE) != USER_FINE)
			kpanic(ORACLE_VERDICT, "space %u may write to page %u", n, p);
		if (!user_model_same(&s->model, n, va, mach_phys(entry_address(entry)), PAGE_SIZE))
			kpanic(ORACLE_CONTENT, "page %u of space %u is not as it was left", p, n);
	}
}

static void check_walk(struct run *run)
{
	struct usercopy_state *s = state_of(run);
	struct space *alive[SPACES];
	size_t count = 0;
	const char *why = page_check(&s->world.pool);

	for (uint32_t n = 0; n < SPACES; n++)
		if (s->space[n] != NULL) alive[count++] = s->space[n];
	if (why == NULL) why = kmalloc_check(&s->km);
	if (why == NULL && s->open) why = vm_check(&s->vm, alive, count);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	for (uint32_t n = 0; n < SPACES; n++)
		if (s->space[n] != NULL) compare_space(s, n);
}

static void usercopy_check(struct run *run, enum check_depth depth)
{
	if (depth == CHECK_WALK)
		check_walk(run);
	else
		check_counts(run);
}

/* --- the table -------------------------------------------------------------------------------- */

static const char *const kind_names[KINDS] = { "zeroes", "file", "shared", "shared-file" };
static const char *const right_names[] = { "read", "write", "exec" };

/* clang-format off */
#define SPACE { "space", IN_SLOT, FORM_NUMBER, SPACES, NULL }
#define PAGES { "page", IN_LOW, FORM_NUMBER, PLACES * ROW_PAGES, NULL }
#define RIGHTS { "rights", IN_HIGH, FORM_FLAGS, 3, right_names }
#define WHERE { "where", IN_AUX, FORM_NAMES, WHERES, where_names }
#define AT { "at", IN_LOW, FORM_NUMBER, 0, NULL }
#define LENGTH { "length", IN_HIGH, FORM_NUMBER, 0, NULL }

static const struct op_kind operations[] = {
	{ "map", 20, { SPACE, { "kind", IN_AUX, FORM_NAMES, KINDS, kind_names }, PAGES, RIGHTS },
	  usercopy_step_map },
	{ "unmap", 4, { SPACE, PAGES }, usercopy_step_unmap },
	{ "protect", 8, { SPACE, PAGES, RIGHTS }, usercopy_step_protect },
	{ "age", 3, { SPACE, PAGES }, usercopy_step_age },
	{ "fork", 4, { SPACE, { "to", IN_AUX, FORM_NUMBER, SPACES, NULL } }, usercopy_step_fork },
	{ "exit", 1, { SPACE }, usercopy_step_exit },
	{ "load", 6, { SPACE, AT }, usercopy_step_load },
	{ "store", 6, { SPACE, AT, { "value", IN_HIGH, FORM_NUMBER, 0, NULL } },
	  usercopy_step_store },
	{ "copy-in", 14, { SPACE, WHERE, AT, LENGTH }, step_copy_in },
	{ "copy-out", 14, { SPACE, WHERE, AT, LENGTH }, step_copy_out },
	{ "zero", 6, { SPACE, WHERE, AT, LENGTH }, step_zero },
	{ "string", 8, { SPACE, WHERE, AT, LENGTH }, step_string },
	{ "squeeze", 2, { { "leave", IN_ARG, FORM_NUMBER, 12, NULL } }, usercopy_step_squeeze },
	{ .name = "relax", .weight = 3, .step = usercopy_step_relax },
	{ "reclaim", 2, { { "pages", IN_ARG, FORM_NUMBER, 128, NULL } }, usercopy_step_reclaim },
};
/* clang-format on */

const struct subject usercopy_subject = {
	.name = "usercopy",
	.ops = operations,
	.op_count = COUNT_OF(operations),
	.sometimes = saw_names,
	.open = usercopy_open,
	.check = usercopy_check,
	.close = usercopy_close,
	.leave = usercopy_leave,
};
