/*
 * syscall_hostile.c -- subject syscall: children that call anything with anything.
 *
 * What they are given is drawn: numbers of calls, and values that are odd, lie in or beside memory
 * that is there, are small, or are errors.  Barred is what would do something to others than the
 * child: signals, more processes, mounts, the machine's end.  Now and then it sleeps for good.
 * Files it has none but in a folder of its own.  Whatever it does, it ends, by itself or by a kill,
 * and its parent is told.
 */
#include "fuzz/frame/must.h"
#include "fuzz/syscall_subject.h"
#include "machine/random.h"

static struct {
	int32_t pid; /* of the one that lives, or 0 */
	uint32_t seed, calls;
} hostile;

void hostile_open(void)
{
	memset(&hostile, 0, sizeof hostile);
}

int32_t hostile_number(void)
{
	return hostile.pid;
}

/* Calls that would do something to others, or to who runs the machine. */
static bool is_barred(uint32_t number)
{
	switch (number) {
	case SYS_clone:
	case SYS_clone3:
	case SYS_execve:
	case SYS_execveat:
	case SYS_kill:
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case SYS_reboot:
	case SYS_mount:
	case SYS_umount2:
	case SYS_chroot:
	case SYS_exit:
	case SYS_exit_group:
	case SYS_setpriority: return true;
	default: return false;
	}
}

static uint64_t hostile_value(struct random *lots)
{
	static const uint64_t odd[] = {
		0,
		1,
		2,
		3,
		7,
		64,
		4095,
		4096,
		4097,
		65536,
		INT32_MAX,
		UINT32_MAX,
		INT64_MAX,
		UINT64_MAX,
		UINT64_MAX - 1,
		1ull << 63,
		USER_END,
		USER_END - 1,
		USER_END - 4096,
		KERNEL_START,
		1ull << 40,
	};
	const uint64_t base[] = { SCRATCH_AT, WINDOW_AT, BREAK_AT, ROLE_AT };

	switch (random_below(lots, 4)) {
	case 0: return odd[random_below(lots, COUNT_OF(odd))];
	case 1: return base[random_below(lots, COUNT_OF(base))] + random_below(lots, 3 * PAGE_SIZE);
	case 2: return random_below(lots, 16);
	default: return (uint64_t)(int64_t) - (int32_t)random_below(lots, 200);
	}
}

/* A path in a folder of its own, flags, numbers: something that calls may take for good. */
static void hostile_scratch(struct run *run, struct random *lots)
{
	struct space *s = process_space(&world_of(run)->processes);
	const char path[] = { '/', 'h', '/', (char)('a' + random_below(lots, 4)), '\0' };
	uint64_t words[16];

	for (unsigned i = 0; i < COUNT_OF(words); i++) words[i] = hostile_value(lots);
	(void)user_copy_out(s, SCRATCH_AT, words, sizeof words);
	(void)user_copy_out(s, SCRATCH_AT + random_below(lots, 128), path, sizeof path);
}

/* Whatever it takes for a path leads into its own folder. */
static void hostile_goes_home(struct run *run, struct task *t)
{
	static const char home[] = "/h";
	struct space *s = process_space(&world_of(run)->processes);

	must(user_copy_out(s, SCRATCH_AT, home, sizeof home) == 0, "a path");
	must(call(t, SYS_chdir, SCRATCH_AT, 0, 0, 0, 0, 0) == 0, "a folder of its own");
}

NORETURN void hostile_plays(struct run *run, struct task *t)
{
	struct random lots = { hostile.seed };

	hostile_goes_home(run, t);
	(void)call(t, SYS_close_range, 0, UINT32_MAX, 0, 0, 0, 0);
	for (uint32_t n = 0; n < hostile.calls; n++) {
		const uint32_t number = random_below(&lots, 451);
		uint64_t v[6];
		if (random_one_in(&lots, 3)) hostile_scratch(run, &lots);
		for (unsigned i = 0; i < COUNT_OF(v); i++) v[i] = hostile_value(&lots);
		if (random_one_in(&lots, 300)) (void)call(t, SYS_ppoll, 0, 0, 0, 0, 0, 0);
		if (is_barred(number)) continue;
		(void)call(t, number, v[0], v[1], v[2], v[3], v[4], v[5]);
	}
	task_exit_group(t, 0);
}

static int64_t hostile_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const struct task_clone how = { .exit_signal = SIGCHLD };
	const uint64_t pc = t->regs->pc;
	struct task_waited got = { .pid = 0 };

	(void)run;
	hostile.seed = (uint32_t)arg[0];
	hostile.calls = (uint32_t)arg[1];
	t->regs->pc = ROLE_AT + ROLE_HOSTILE * ROLE_GAP;
	const int64_t pid = task_clone(t, &how);
	t->regs->pc = pc;
	if (pid < 0) return pid;
	hostile.pid = (int32_t)pid;
	const struct task_wait_how wait = { P_PID, (int32_t)pid, W_EXITED };
	const int answer = task_wait(t, &wait, &got);
	hostile.pid = 0;
	if (answer != 1 || got.pid != pid)
		kpanic(ORACLE_VERDICT, "its end is not told: %d", answer);
	return got.wait4;
}

int64_t hostile_child(struct run *run, unsigned by, uint32_t seed, uint32_t calls)
{
	const uint64_t arg[] = { seed, calls };

	return act(run, by, hostile_act, arg);
}
