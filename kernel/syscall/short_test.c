/*
 * short_test.c -- memory is short: every system call, with each of its allocations failing in turn.
 *
 * For each case the same small world is made again and again: a task with memory, files, pipes.
 * First nothing is called, and then the call is made with all the memory it wants: what there is
 * afterwards (test_state.h) is what failure and success look like.  Then the first allocation that
 * the call makes fails, the second, and so on until it makes no more; once alone, and once with
 * all that come after it.  And the call is made with no page left, with one, and so on until it
 * works, which is how memory really runs out: what can be given back is asked for first.
 *
 * After each:
 *
 *	the answer is ENOMEM or EAGAIN, and what there is is what was there before, to the last
 *	object and page; or the call did its work all the same, and what there is says so;
 *	or, where Linux does so, the program was killed by the signal that is due: SIGKILL for an
 *	access whose page cannot be had, SIGSEGV where a new program or a handler's frame cannot;
 *	every structure is sound;
 *	the same call then works, and what there is is what it is to be;
 *	and at the end of that world everything is back.
 *
 * Calls that need no memory are made with none, one after the other, and must answer as they do
 * with it.  Every call of the table must be in one of the two.  And some cases that do wrong must
 * be found out (short_canaries.c).
 */
#include "kernel/syscall/short.h"

#include <string.h>

#include "kernel/exec/open.h"
#include "kernel/procfs/proc.h"
#include "kernel/syscall/failing.h"
#include "kernel/syscall/identity.h"
#include "kernel/syscall/limit.h"
#include "kernel/syscall/short_tree.h"
#include "kernel/syscall/test_state.h"
#include "kernel/trap.h"

enum { LEFT_MOST = 60, PLAYER = 0x500080, ARGUMENT_PAGES = 4, PLAIN_MOST = 150 };

struct task *short_task;

static const struct short_case *now;
static struct file_system proc;
static struct exec_config programs;
static bool covered[SYS_CALLS];

enum way { WAY_NO_CALL, WAY_PLENTY, WAY_ONE_FAILS, WAY_ALL_FAIL_FROM, WAY_PAGES_LEFT };

/* What is done in a world. */
static struct {
	enum way way;
	uint32_t nth;   /* of the allocation that fails; or pages that are left */
	bool armed;     /* the next call is the one */
	uint32_t asked; /* allocations that it made */
	int64_t answer;
	bool works; /* the call did */
	bool back;  /* the program went on after the call */
} plan;

static struct state before, after, untouched, done;

/* --- calls ------------------------------------------------------------------------------------ */

static int64_t make_call(uint32_t number, const uint64_t arg[6])
{
	struct user_regs *r = short_task->regs;

	for (uint32_t n = 0; n < 6; n++) r->x[n] = arg[n];
	r->x[8] = number;
	short_task->interrupted = 0;
	syscall_do(short_task);
	const int64_t answer =
		short_task->interrupted != 0 ? short_task->interrupted : (int64_t)r->x[0];
	goes_back(short_task);
	return answer;
}

int64_t short_call_plain(uint32_t number, const uint64_t arg[6])
{
	return make_call(number, arg);
}

static void begins_to_fail(void)
{
	if (!plan.armed) return;
	if (plan.way == WAY_PAGES_LEFT) test_hoard(plan.nth);
	failing_start(plan.way == WAY_PAGES_LEFT ? 0 : plan.nth, plan.way == WAY_ALL_FAIL_FROM);
}

static void fails_no_more(void)
{
	if (!plan.armed) return;
	plan.asked = failing_stop();
	test_share();
	plan.armed = false;
}

int64_t short_call(uint32_t number, const uint64_t arg[6])
{
	covered[number] = true;
	begins_to_fail();
	const int64_t answer = make_call(number, arg);
	fails_no_more();
	return answer;
}

int64_t short_access(uint64_t va, bool store)
{
	const uint64_t esr = 0x24ull << 26 | 7 | (store ? 1 << 6 : 0); /* a fault of level 3 */
	struct trap_verdict v = { .signal = 0 };

	begins_to_fail();
	const bool refused = trap_refused(short_task->space, short_task->regs, esr, va, &v);
	if (refused) task_fault(short_task, v.signal, v.code, v.address);
	fails_no_more();
	goes_back(short_task);
	return refused ? v.signal : 0;
}

/* --- the program's memory --------------------------------------------------------------------- */

static uint64_t next_at;

uint64_t short_bytes(const void *from, size_t bytes)
{
	const uint64_t at = next_at;

	EXPECT(user_copy_out(short_task->space, at, from, bytes) == 0);
	next_at = align_up(at + bytes, 16);
	EXPECT(next_at <= STATE_UNSEEN + ARGUMENT_PAGES * PAGE_SIZE);
	return at;
}

uint64_t short_text(const char *text)
{
	return short_bytes(text, strlen(text) + 1);
}

static void has_pages(uint64_t at, uint32_t pages)
{
	EXPECT(space_mmap(short_task->space, at, pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0,
			  TEST_SITE) == (int64_t)at);
	EXPECT(user_fill_zero(short_task->space, at, pages * PAGE_SIZE) == 0);
}

static void has_memory(void)
{
	has_pages(SHORT_AT, SHORT_PAGES);
	has_pages(STATE_UNSEEN, ARGUMENT_PAGES);
	space_brk_place(short_task->space, 0x800000);
	next_at = STATE_UNSEEN;
	short_task->regs->sp = SHORT_AT + SHORT_PAGES * PAGE_SIZE;
	short_task->regs->pc = 0;
}

/* --- the world -------------------------------------------------------------------------------- */

static void begins_case(struct task *t)
{
	short_task = t;
	limits_begin(t->group->limits);
	t->group->files = file_table_create(&tw->memory);
	EXPECT(t->group->files != NULL);
	has_memory();
	EXPECT(PLAIN(openat, (uint64_t)AT_FDCWD, short_text("/d/f"), O_RDWR) == 0);
	EXPECT(PLAIN(openat, (uint64_t)AT_FDCWD, short_text("/d"), O_RDONLY) == 1);
	EXPECT(PLAIN(pipe2, short_text("descriptors"), O_NONBLOCK) == 0); /* 2 and 3 */
	if (now->prepare != NULL) now->prepare();
}

/* --- judging ---------------------------------------------------------------------------------- */

static void fail(const char *what)
{
	static const char *const ways[] = { "no call", "nothing fails", "allocation %u fails",
					    "all fail from %u", "pages left: %u" };
	char way[64];

	format_text(way, sizeof way, ways[plan.way], plan.nth);
	fprintf(stderr, "short: %s: %s: %s (answer %ld)\n", now->name, way, what,
		(long)plan.answer);
	exit(1);
}

/* The first line in which two states differ. */
static void must_be_same(const struct state *is, const struct state *wanted, const char *what)
{
	const char *a = is->text, *b = wanted->text;

	if (is->used == wanted->used && memcmp(a, b, is->used) == 0) return;
	while (*a == *b) a++, b++;
	while (a != is->text && a[-1] != '\n') a--, b--;
	fprintf(stderr, "it is      %.*s\n", (int)strcspn(a, "\n"), a);
	fprintf(stderr, "and was to be  %.*s\n", (int)strcspn(b, "\n"), b);
	fail(what);
}

static bool is_wanted(int64_t answer)
{
	return now->wanted == ANY ? answer >= 0 : answer == now->wanted;
}

/* Without what memory is out: an object may lie in another class, or a page be there already. */
static void look(struct state *s)
{
	s->used = 0;
	state_all(s, short_task);
}

static void count(struct state *s)
{
	s->used = 0;
	state_counts(s);
}

static bool refused(int64_t answer)
{
	return answer == -ERR_NOMEM || answer == -ERR_AGAIN ||
	       (now->refusal != 0 && answer == now->refusal);
}

static void judge(void)
{
	const bool fails = plan.way == WAY_PAGES_LEFT || plan.asked >= plan.nth;

	if (!fails && !is_wanted(plan.answer)) fail("the call does not work");
	if (is_wanted(plan.answer) && !refused(plan.answer)) {
		plan.works = true;
		look(&after);
		if ((now->may & MAY_VARY) == 0) must_be_same(&after, &done, "it is not done");
		return;
	}
	if ((now->may & MAY_FALL_SHORT) != 0 && plan.answer >= 0) return;
	if (!refused(plan.answer)) fail("the answer");
	count(&after);
	if ((now->may & (MAY_KEEP | MAY_LEAVE)) == 0)
		must_be_same(&after, &before, "something is not back");
	look(&after);
	if ((now->may & MAY_LEAVE) == 0) must_be_same(&after, &untouched, "something has changed");
	plan.answer = now->call();
	if (!is_wanted(plan.answer)) fail("the call does not work again");
	look(&after);
	if ((now->may & MAY_VARY) == 0) must_be_same(&after, &done, "it is not done again");
}

/* --- tasks ------------------------------------------------------------------------------------ */

/* All the plain ones; with none of the memory that they might ask for. */
static void plays_plain(void)
{
	static int64_t answers[PLAIN_MOST];

	for (const struct short_case *c = short_plain; c->name != NULL; c++) {
		now = c;
		plan.armed = plan.way != WAY_PLENTY;
		plan.answer = c->call();
		if (!is_wanted(plan.answer)) fail("the call does not work");
		if (plan.way == WAY_PLENTY)
			answers[c - short_plain] = plan.answer;
		else if (answers[c - short_plain] != plan.answer)
			fail("the call answers otherwise");
		EXPECT(c - short_plain < PLAIN_MOST - 1);
	}
	look(plan.way == WAY_PLENTY ? &done : &after);
	if (plan.way != WAY_PLENTY) must_be_same(&after, &done, "it is not done");
}

static NORETURN void plays_case(struct task *t)
{
	begins_case(t);
	if (now == short_plain) {
		plays_plain();
		plan.back = true;
		task_exit_group(t, 0);
	}
	count(&before);
	if (plan.way == WAY_NO_CALL) {
		look(&untouched);
		task_exit_group(t, 0);
	}
	plan.armed = true;
	plan.answer = now->call();
	plan.back = true;
	if (plan.way != WAY_PLENTY) {
		judge();
		task_exit_group(t, 0);
	}
	if (!is_wanted(plan.answer)) fail("the call does not work");
	look(&done);
	task_exit_group(t, 0);
}

static NORETURN void plays_child(struct task *t)
{
	const uint64_t role = t->regs->pc;

	if (role == PLAYER) plays_case(t);
	if (role == CHILD_WAITS) {
		struct user_regs *r = t->regs;
		r->x[8] = SYS_futex;
		r->x[0] = SHORT_AT;
		r->x[1] = FUTEX_WAIT;
		r->x[2] = r->x[3] = 0;
		syscall_do(t);
		goes_back(t);
	}
	task_exit(t, 0);
}

static void first_program(struct task *t)
{
	struct task_waited got;

	proc_system(&proc, TW);
	has_files(&proc);
	host_names_begin(TW);
	programs.trampoline = exec_trampoline(&tw->vm, TEST_SITE);
	EXPECT(programs.trampoline != NULL);
	const int32_t pid = (int32_t)clones(t, (program *)PLAYER, 0);
	EXPECT(pid > 0);
	EXPECT(waits_with(t, P_PID, pid, W_EXITED, &got) == 1);
	fails_no_more(); /* if it is not back */
	const bool killed = got.wait4 != 0 && (uint32_t)got.wait4 == now->may >> 8 && !plan.back;
	if (got.wait4 != 0 && !killed) fail("the program died");
	if (!plan.back && plan.way != WAY_NO_CALL && !killed && (now->may & ENDS) == 0)
		fail("it ended");
	plan.works = plan.works || (now->may & ENDS) != 0;
	(void)signal_kill(t, -1, SIGKILL);
	while (waits_with(t, P_ALL, 0, W_EXITED | W_ALL, &got) == 1) continue;
	backing_drop(programs.trampoline);
	EXPECT(futex_check(TW->futexes) == NULL && futex_waiting(TW->futexes) == 0);
	test_must(tree_check(&tree));
	EXPECT(fw.files == 0);
	tree_close(&tree);
}

static NORETURN void runs(struct task *t)
{
	if (t->tid != 1) plays_child(t);
	first_program(t);
	task_exit_group(t, 0);
}

static uint64_t wall_ns(void *arg)
{
	(void)arg;
	return 1000000000ull * 1000;
}

static void random_bytes(void *arg, void *to, size_t bytes)
{
	(void)arg;
	memset(to, 7, bytes);
}

/* One world: everything in it is back when this returns. */
static void world(enum way way, uint32_t nth)
{
	const struct test_choice choice = { .cpus = 1 };

	memset(&plan, 0, sizeof plan);
	plan.way = way;
	plan.nth = nth;
	task_test_open(&choice, 40);
	TW->config.machine.run = runs;
	TW->config.machine.wall_ns = wall_ns;
	TW->config.machine.random = random_bytes;
	TW->config.tree = &tree;
	TW->config.exec = &programs;
	task_test_run(NULL, 0);
	task_test_close();
}

/* How many allocations the call makes. */
static uint32_t one_case(void)
{
	uint32_t left = 0;

	world(WAY_NO_CALL, 0);
	world(WAY_PLENTY, 0);
	const uint32_t asked = plan.asked;
	for (uint32_t nth = 1; nth <= asked; nth++) {
		world(WAY_ONE_FAILS, nth);
		world(WAY_ALL_FAIL_FROM, nth);
	}
	do world(WAY_PAGES_LEFT, left++);
	while (!plan.works && left < LEFT_MOST);
	EXPECT(plan.works);
	return asked;
}

static void a_canary(void)
{
	(void)one_case();
}

static void canaries(void)
{
	for (now = short_canaries; now->name != NULL; now++)
		if (failing_apart(a_canary) != 1) fail("it was not seen");
}

static void plain_ones(void)
{
	now = short_plain;
	world(WAY_PLENTY, 0);
	now = short_plain;
	world(WAY_ALL_FAIL_FROM, 1);
}

static void all_are_covered(void)
{
	for (uint32_t n = 0; n < SYS_CALLS; n++) {
		if (syscall_table[n] == NULL || covered[n] || n == SYS_reboot) continue;
		fprintf(stderr, "short: no case of call %u\n", n);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static const struct short_case *const tables[] = { short_tasks, short_names, short_files,
							   short_memory };
	uint32_t cases = 0, sum = 0;

	programs = (struct exec_config){ .open = exec_open_in_tree,
					 .close = exec_close_files,
					 .platform = "aarch64",
					 .site = TEST_SITE };
	host_cpus_open(1);
	for (uint32_t n = 0; n < COUNT_OF(tables); n++) {
		for (now = tables[n]; now->name != NULL; now++) {
			if (argc > 1 && strcmp(argv[1], now->name) != 0) continue;
			const uint32_t asked = one_case();
			if (argc > 1) printf("%-24s %u\n", now->name, asked);
			cases++;
			sum += asked;
		}
	}
	if (argc == 1) plain_ones();
	if (argc == 1) canaries();
	host_cpus_close();
	if (argc == 1) all_are_covered();
	printf("%u cases, %u allocations\n", cases, sum);
	return 0;
}
