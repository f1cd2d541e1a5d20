/*
 * syscall_memory.c -- subject syscall: what programs map, write and read, and the model of it.
 *
 * Each group has a window of a few pages and a break above some more.  A page is nothing, private
 * or shared; what a program last wrote into its first word is the model's one fact of its contents.
 * Private pages are copied with a fork, and from then on apart; shared ones are one page in all
 * groups that have them.
 */
#include "fuzz/syscall_subject.h"

enum { SHARED_MAX = 64 };
enum page_kind { KIND_NONE, KIND_PRIVATE, KIND_SHARED };

struct model_page {
	uint8_t kind, prot;
	uint8_t shared; /* which shared page it is */
	bool forked;    /* private, and perhaps another has the same still */
	uint64_t value; /* of a private one */
};

static struct {
	struct model_page page[ACTORS][WINDOW_PAGES];
	uint64_t value[SHARED_MAX]; /* of shared pages */
	uint32_t writer[SHARED_MAX];
	uint32_t users[SHARED_MAX];
	uint32_t broke[ACTORS]; /* pages below the break */
} model;

void memory_open(void)
{
	memset(&model, 0, sizeof model);
}

static void forget(struct model_page *p)
{
	if (p->kind == KIND_SHARED) model.users[p->shared]--;
	*p = (struct model_page){ .kind = KIND_NONE };
}

void memory_gone(unsigned group)
{
	for (unsigned i = 0; i < WINDOW_PAGES; i++) forget(&model.page[group][i]);
	model.broke[group] = 0;
}

void memory_forked(unsigned from, unsigned to)
{
	for (unsigned i = 0; i < WINDOW_PAGES; i++) {
		struct model_page *p = &model.page[from][i];
		p->forked = p->kind == KIND_PRIVATE;
		model.page[to][i] = *p;
		if (p->kind == KIND_SHARED) model.users[p->shared]++;
	}
	model.broke[to] = model.broke[from];
}

/* --- calls ------------------------------------------------------------------------------------ */

struct range {
	unsigned by, group, first, count;
	uint64_t at, bytes;
};

/* aux: the first page; arg by 3: how many. */
static void range_of(const struct script_op *op, struct range *r)
{
	r->by = by_of(op);
	r->group = group_number(r->by);
	r->first = op->aux % WINDOW_PAGES;
	r->count = 1 + op->arg % 3;
	if (r->count > WINDOW_PAGES - r->first) r->count = WINDOW_PAGES - r->first;
	r->at = WINDOW_AT + r->first * (uint64_t)PAGE_SIZE;
	r->bytes = r->count * (uint64_t)PAGE_SIZE;
}

static uint32_t prot_of(uint32_t code)
{
	static const uint8_t prots[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };

	return prots[code % COUNT_OF(prots)];
}

static unsigned shared_new(void)
{
	unsigned n = 0;

	while (n < SHARED_MAX && model.users[n] != 0) n++;
	ASSERT(n < SHARED_MAX);
	model.value[n] = 0;
	model.users[n] = 1;
	return n;
}

static int64_t map_act(struct run *run, struct task *t, const uint64_t *arg)
{
	(void)run;
	return call(t, SYS_mmap, arg[0], arg[1], arg[2], arg[3], UINT64_MAX, 0);
}

void makes_map(struct run *run, const struct script_op *op)
{
	struct range r;
	const bool shared = (op->arg >> 8 & 1) != 0;
	const uint32_t prot = prot_of(op->arg >> 4 & 3);

	range_of(op, &r);
	const uint64_t arg[] = { r.at, r.bytes, prot,
				 (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_FIXED };
	const int64_t answer = act(run, r.by, map_act, arg);
	judge(run, "mmap", answer - (int64_t)r.at, 0);
	for (unsigned i = 0; i < r.count; i++) {
		struct model_page *p = &model.page[r.group][r.first + i];
		forget(p);
		p->kind = shared ? KIND_SHARED : KIND_PRIVATE;
		p->prot = (uint8_t)prot;
		if (shared) p->shared = (uint8_t)shared_new();
	}
}

void makes_unmap(struct run *run, const struct script_op *op)
{
	struct range r;

	range_of(op, &r);
	if (op->arg == 3) {
		judge(run, "munmap of nothing", call_by(run, r.by, SYS_munmap, r.at, 0, 0, 0),
		      -ERR_INVAL);
		return;
	}
	judge(run, "munmap", call_by(run, r.by, SYS_munmap, r.at, r.bytes, 0, 0), 0);
	for (unsigned i = 0; i < r.count; i++) forget(&model.page[r.group][r.first + i]);
}

/* What comes before a hole is changed, as on Linux. */
void makes_protect(struct run *run, const struct script_op *op)
{
	struct range r;
	const uint32_t prot = prot_of(op->arg >> 4 & 3);
	int64_t expected = 0;

	range_of(op, &r);
	for (unsigned i = 0; i < r.count && expected == 0; i++) {
		struct model_page *p = &model.page[r.group][r.first + i];
		if (p->kind == KIND_NONE)
			expected = -ERR_NOMEM;
		else
			p->prot = (uint8_t)prot;
	}
	judge(run, "mprotect", call_by(run, r.by, SYS_mprotect, r.at, r.bytes, prot, 0), expected);
}

void makes_break(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	uint32_t pages = op->arg % (BREAK_PAGES + 2);
	uint64_t want = BREAK_AT + pages * (uint64_t)PAGE_SIZE;

	if (pages > BREAK_PAGES) { /* below where it begins: it stays */
		want = BREAK_AT - PAGE_SIZE;
		pages = model.broke[group_number(by)];
	}
	const int64_t expected = pages * (int64_t)PAGE_SIZE;
	const int64_t answer = call_by(run, by, SYS_brk, want, 0, 0, 0);
	judge(run, "brk", answer - (int64_t)BREAK_AT, expected);
	const int64_t asked = call_by(run, by, SYS_brk, 0, 0, 0, 0);
	judge(run, "brk(0)", asked - (int64_t)BREAK_AT, expected);
	model.broke[group_number(by)] = pages;
}

/* --- accesses --------------------------------------------------------------------------------- */

static int64_t store_act(struct run *run, struct task *t, const uint64_t *arg)
{
	(void)t;
	return program_store(run, arg[0], arg[1]);
}

/* The answer in the high half would not hold a value: that goes where `arg` says. */
static int64_t load_act(struct run *run, struct task *t, const uint64_t *arg)
{
	(void)t;
	return program_load(run, arg[0], (uint64_t *)(uintptr_t)arg[1]);
}

static enum fault_answer meant(const struct model_page *p, uint32_t need)
{
	if (p->kind == KIND_NONE) return FAULT_NOT_MAPPED;
	return (p->prot & need) == need ? FAULT_DONE : FAULT_NOT_ALLOWED;
}

static void judge_access(struct run *run, int64_t answer, enum fault_answer expected)
{
	if (answer != (int64_t)expected)
		kpanic(ORACLE_PERM, "an access comes to %ld, not %d", (long)answer, expected);
	if (expected != FAULT_DONE) run_sometimes(run, SAW_FAULT);
	run_result(run, (uint64_t)answer);
}

void makes_store(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op), page = op->aux % WINDOW_PAGES;
	const uint64_t arg[] = { WINDOW_AT + page * (uint64_t)PAGE_SIZE, op->arg | 1 };

	struct model_page *p = &model.page[group_number(by)][page];
	const enum fault_answer expected = meant(p, PROT_WRITE);
	judge_access(run, act(run, by, store_act, arg), expected);
	if (expected != FAULT_DONE) return;
	if (p->kind == KIND_SHARED) {
		model.value[p->shared] = arg[1];
		model.writer[p->shared] = group_number(by);
		return;
	}
	p->value = arg[1];
	if (p->forked) run_sometimes(run, SAW_COPIED);
	p->forked = false;
}

void makes_load(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op), page = op->aux % WINDOW_PAGES;
	uint64_t value = 0;
	const uint64_t arg[] = { WINDOW_AT + page * (uint64_t)PAGE_SIZE, (uintptr_t)&value };

	const struct model_page *p = &model.page[group_number(by)][page];
	const enum fault_answer expected = meant(p, PROT_READ);
	judge_access(run, act(run, by, load_act, arg), expected);
	if (expected != FAULT_DONE) return;
	const bool shared = p->kind == KIND_SHARED;
	const uint64_t wanted = shared ? model.value[p->shared] : p->value;
	if (value != wanted)
		kpanic(ORACLE_CONTENT, "a page holds %lx, not %lx", (unsigned long)value,
		       (unsigned long)wanted);
	if (shared && value != 0 && model.writer[p->shared] != group_number(by))
		run_sometimes(run, SAW_SHARED);
}
