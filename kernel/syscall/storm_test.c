/*
 * storm_test.c -- whatever programs ask for: processes and threads that make system calls drawn
 * from seeds, of all numbers, with arguments that are often wrong and sometimes just right.
 *
 * A task's program draws calls until all have made enough, or somebody kills it.  Arguments are
 * small numbers, flags, addresses inside what it has, at its edges, of the kernel, and anything.
 * The first program makes the first players and collects who ends; when enough was done, or nobody
 * gets on any more, it kills them all.
 *
 * What must hold: nothing panics; an answer is a value or an errno, and never what the kernel tells
 * itself; at the end every page, task, number, file and waiter is back.  A call that may end the
 * machine, kill the first program or start another is left out.
 *
 *	storm_test [FIRST-SEED COUNT]
 */
#include <string.h>

#include "kernel/file/test_file.h"
#include "kernel/syscall/identity.h"
#include "kernel/syscall/limit.h"
#include "kernel/task/futex.h"
#include "kernel/task/test_task.h"
#include "machine/random.h"

enum {
	STEPS = 400, /* of all players together */
	ROUNDS_IDLE = 5,
	PLAYERS = 3,
	PAGES = 4,
	AT = 0x100000,
	MS = 1000000,
	CALLS_DRAWN = 460,
};

static struct random draw;
static uint64_t steps, seed;
static uint32_t made[SYS_CALLS + 1];

/* --- what is drawn ---------------------------------------------------------------------------- */

static uint64_t some_address(void)
{
	static const uint64_t edges[] = {
		0, 8, USER_END - 8, USER_END, KERNEL_START, AT - 8, AT + PAGES * PAGE_SIZE - 4
	};

	if (random_one_in(&draw, 3)) return edges[random_below(&draw, COUNT_OF(edges))];
	return AT + random_below(&draw, PAGES * PAGE_SIZE / 8) * 8ull;
}

static uint64_t some_argument(void)
{
	switch (random_below(&draw, 8)) {
	case 0:
	case 1:
	case 2: return some_address();
	case 3: return random_below(&draw, 8);
	case 4: return random_below(&draw, 70);
	case 5: return 1ull << random_below(&draw, 64);
	case 6: return (uint64_t) - (int64_t)(1 + random_below(&draw, 4));
	default:
		return random_one_in(&draw, 2) ? PAGE_SIZE * random_below(&draw, 9)
					       : random_u64(&draw);
	}
}

/* Most are of what there is most of: memory, futexes, tasks. */
static uint32_t some_call(void)
{
	static const uint16_t often[] = {
		SYS_mmap,       SYS_mmap,    SYS_munmap,       SYS_mprotect,  SYS_mremap,
		SYS_madvise,    SYS_brk,     SYS_futex,        SYS_futex,     SYS_futex,
		SYS_clone,      SYS_clone,   SYS_wait4,        SYS_nanosleep, SYS_kill,
		SYS_tgkill,     SYS_openat,  SYS_read,         SYS_write,     SYS_close,
		SYS_pipe2,      SYS_ppoll,   SYS_rt_sigaction, SYS_prlimit64, SYS_set_robust_list,
		SYS_getdents64, SYS_mkdirat, SYS_dup3,         SYS_fcntl,     SYS_setitimer,
	};

	uint32_t number;

	if (random_one_in(&draw, 2)) return often[random_below(&draw, COUNT_OF(often))];
	do number = random_below(&draw, CALLS_DRAWN);
	while (!random_one_in(&draw, 16) && (number >= SYS_CALLS || syscall_table[number] == NULL));
	return number;
}

static bool is_left_out(const struct user_regs *r)
{
	const int32_t whom = (int32_t)r->x[0], second = (int32_t)r->x[1];

	switch (r->x[8]) {
	case SYS_reboot:
	case SYS_execve:
	case SYS_execveat: return true;
	case SYS_kill:
	case SYS_tkill:
	case SYS_rt_sigqueueinfo: return whom < 2;
	case SYS_tgkill:
	case SYS_rt_tgsigqueueinfo: return whom < 2 || second < 2;
	default: return false;
	}
}

/* Sizes that make sense, where nothing else would come of it; a child gets a stack of its own. */
static void make_sense(struct user_regs *r)
{
	switch (r->x[8]) {
	case SYS_mmap:
		r->x[1] = PAGE_SIZE * (1 + random_below(&draw, 8));
		r->x[2] &= PROT_ALL;
		r->x[3] = random_one_in(&draw, 4) ? r->x[3] : MAP_ANONYMOUS | MAP_PRIVATE;
		r->x[5] &= ~(uint64_t)(PAGE_SIZE - 1);
		break;
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_mremap:
	case SYS_madvise:
	case SYS_mincore:
	case SYS_msync:
		r->x[0] = align_down(r->x[0], PAGE_SIZE);
		r->x[1] = PAGE_SIZE * random_below(&draw, PAGES);
		if (r->x[8] == SYS_mprotect) r->x[2] &= PROT_ALL;
		break;
	case SYS_openat:
		r->x[0] = (uint64_t)AT_FDCWD;
		r->x[1] = AT + 64;
		r->x[2] = O_RDWR | (random_one_in(&draw, 2) ? O_CREAT : r->x[2] & O_TRUNC);
		break;
	case SYS_read:
	case SYS_write:
	case SYS_getdents64:
	case SYS_close:
	case SYS_dup3:
	case SYS_fcntl:
	case SYS_lseek:
	case SYS_fstat:
		r->x[0] = random_below(&draw, 4);
		r->x[1] =
			r->x[8] == SYS_dup3 ? random_below(&draw, 6) : AT + random_below(&draw, 99);
		r->x[2] = random_below(&draw, 2 * PAGE_SIZE);
		break;
	case SYS_clone:
		r->x[0] = random_one_in(&draw, 2) ? SIGCHLD : (uint64_t)(THREAD);
		if (random_one_in(&draw, 4)) r->x[0] |= 1ull << (8 + random_below(&draw, 24));
		break;
	case SYS_futex:
		r->x[1] = random_below(&draw, 13) | (random_one_in(&draw, 2) ? 128 : 0);
		r->x[2] = random_below(&draw, 2);
		break;
	case SYS_set_robust_list: r->x[1] = 24; break;
	case SYS_tgkill: r->x[1] = 2 + random_below(&draw, 8); break;
	default: break;
	}
}

/* --- playing ---------------------------------------------------------------------------------- */

static void must_be_an_answer(uint32_t number, int64_t answer)
{
	if (answer >= ANSWER_LOWEST_ERRNO || number == SYS_rt_sigreturn) return;
	fprintf(stderr, "seed %lu: call %u answers %ld\n", (unsigned long)seed, number,
		(long)answer);
	exit(1);
}

static void makes_a_call(struct task *t)
{
	struct user_regs *r = t->regs;
	const uint32_t number = some_call();

	r->x[8] = number;
	for (uint32_t n = 0; n < 6; n++) r->x[n] = some_argument();
	if (!random_one_in(&draw, 3)) make_sense(r);
	if (is_left_out(r)) return;
	made[min_u64(number, SYS_CALLS)]++;
	syscall_do(t);
	if (t->interrupted == 0) must_be_an_answer(number, (int64_t)r->x[0]);
	goes_back(t);
	EXPECT(t->interrupted == 0);
}

/* Also that of every child: what its registers say is drawn, like all else. */
static NORETURN void plays(struct task *t)
{
	goes_back(t);
	while (steps != 0) {
		steps--;
		makes_a_call(t);
		if (random_one_in(&draw, 4)) sched_yield_cpu(&tw->sched);
	}
	task_exit_group(t, 0);
}

static void has_memory(void)
{
	struct space *s = process_space(W);
	uint64_t word[PAGE_SIZE / 8];

	EXPECT(space_mmap(s, AT, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, TEST_SITE) == AT);
	for (uint32_t n = 0; n < PAGES; n++) {
		for (uint32_t i = 0; i < COUNT_OF(word); i++) word[i] = some_argument();
		EXPECT(user_copy_out(s, AT + n * PAGE_SIZE, word, sizeof word) == 0);
	}
	EXPECT(user_copy_out(s, AT + 64, "/f", 3) == 0);
}

static void collects(struct task *t, bool all)
{
	struct task_waited got;
	const uint32_t how = all ? W_EXITED | W_ALL : W_EXITED | W_ALL | W_NOHANG;

	while (waits_with(t, P_ALL, 0, how, &got) == 1) continue;
}

static void kills_all(struct task *t)
{
	struct user_regs *r = t->regs;

	r->x[8] = SYS_kill;
	r->x[0] = UINT64_MAX; /* but this one */
	r->x[1] = SIGKILL;
	syscall_do(t);
}

static void first_program(struct task *t)
{
	const struct task_clone how = { .exit_signal = SIGCHLD };
	uint64_t last = 0;
	uint32_t idle = 0;

	files_open_tree();
	host_names_begin(TW);
	limits_begin(t->group->limits);
	EXPECT(t->group->files != NULL ||
	       (t->group->files = file_table_create(&tw->memory)) != NULL);
	has_memory();
	for (uint32_t n = 0; n < PLAYERS; n++) EXPECT(task_clone(t, &how) > 0);
	while (steps != 0 && idle < ROUNDS_IDLE) {
		last = steps;
		EXPECT(sched_sleep_until(&tw->sched, mach_now_ns() + MS) == WAIT_TIMEOUT);
		collects(t, false);
		idle = steps == last ? idle + 1 : 0;
	}
	steps = 0;
	kills_all(t);
	collects(t, true);
	EXPECT(futex_check(TW->futexes) == NULL && futex_waiting(TW->futexes) == 0);
	test_must(task_check(TW));
	file_table_drop(t->group->files);
	t->group->files = NULL;
	test_must(tree_check(&tree));
	EXPECT(fw.files == 0);
	tree_close(&tree);
}

static NORETURN void runs(struct task *t)
{
	if (t->tid == 1) {
		first_program(t);
		task_exit_group(t, 0);
	}
	plays(t);
}

/* --- all of it -------------------------------------------------------------------------------- */

static uint64_t storm_wall_ns(void *arg)
{
	(void)arg;
	return mach_now_ns();
}

static void storm_random(void *arg, void *to, size_t bytes)
{
	(void)arg;
	memset(to, 7, bytes);
}

static void one_storm(void)
{
	const struct test_choice choice = { .cpus = 1 };

	task_test_open(&choice, 20);
	TW->config.machine.run = runs;
	TW->config.machine.wall_ns = storm_wall_ns;
	TW->config.machine.random = storm_random;
	TW->config.tree = &tree;
	draw.state = seed;
	steps = STEPS;
	task_test_run(NULL, 0);
	task_test_close();
}

int main(int argc, char **argv)
{
	const uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 20;
	uint32_t kinds = 0;

	host_cpus_open(1);
	for (seed = first; seed < first + count; seed++) {
		if (argc > 3) fprintf(stderr, "seed %lu\n", (unsigned long)seed);
		one_storm();
	}
	host_cpus_close();
	for (uint32_t n = 0; n < SYS_CALLS; n++) kinds += made[n] != 0;
	EXPECT(count < 20 || kinds > 300);
	return 0;
}
