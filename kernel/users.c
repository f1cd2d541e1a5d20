/*
 * users.c -- the kernel's instances of what programs see, and the first program.
 *
 * The machine's thread that runs the image's program makes them, has the first task made, and
 * waits for its end.  That task opens the terminal three times, as descriptors 0, 1 and 2, and
 * becomes the program that the boot arguments name.
 *
 * Always true: when users_run() returns the first program has ended, or none was run.
 *
 * Locks: that of who waits for the end (RANK_WAIT).
 */
#include "kernel/users_inside.h"

#include "kernel/abi.h"
#include "kernel/boot.h"
#include "kernel/chance.h"
#include "kernel/console.h"
#include "kernel/exec/exec.h"
#include "kernel/exec/open.h"
#include "kernel/file/table.h"
#include "kernel/initrd.h"
#include "kernel/kfiles.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/power.h"
#include "kernel/symbols.h"
#include "kernel/syscall/identity.h"
#include "kernel/syscall/limit.h"
#include "kernel/trap_task.h"
#include "kernel/vm.h"
#include "machine/aarch64/capabilities.h"

enum { PIDS = 32768, ARGUMENTS = 31, WORDS_BYTES = 1024, SIGNALLED = 128 };

#define NS_PER_S 1000000000ull

struct task_world kernel_tasks;
static struct exec_config how_to_exec;

/* The end of the first program, and who waits for it. */
static struct {
	struct wait_queue queue;
	bool over;      /* guarded by queue.lock */
	int32_t status; /* the same: what wait4() would tell */
	int failed;     /* it could not be run: an error, or 0 */
} first;

static uint64_t start_s;

uint64_t users_wall_ns(void *unused)
{
	(void)unused;
	return start_s * NS_PER_S + mach_now_ns();
}

/* --- what tasks ask of the machine ------------------------------------------------------------ */

static void say(void *unused, const char *line)
{
	(void)unused;
	console_print("anvil: %s\n", line);
}

void users_random(void *unused, void *to, size_t bytes)
{
	(void)unused;
	chance_bytes(to, bytes);
}

static NORETURN void turn_off(void *unused, bool restart)
{
	(void)unused, (void)restart;
	power_off(STATUS_OK);
}

static void first_ended(void *unused, int32_t status)
{
	const mach_irq_t was = wait_enter(&first.queue);

	(void)unused;
	first.over = true;
	first.status = status;
	wait_wake_all(&kernel_sched, &first.queue);
	wait_leave(&first.queue, was);
}

static const char *start_tasks(void)
{
	const uint64_t mark_kib = bootarg_number(boot.platform.bootargs, "warn-memory", 0);
	const struct task_config config = {
		.processes = &kernel_processes,
		.sched = &kernel_sched,
		.vm = &kernel_vm,
		.memory = &kernel_memory,
		.tree = &kernel_tree,
		.machine = {
			.run = trap_run,
			.wall_ns = users_wall_ns,
			.random = users_random,
			.say = say,
			.power_off = turn_off,
			.first_ended = first_ended,
			.session_over = users_session_over,
		},
		.exec = &how_to_exec,
		.pid_max = PIDS,
		.mark_pages = (uint32_t)min_u64(mark_kib / (PAGE_SIZE / 1024), UINT32_MAX),
	};
	if (!task_world_init(&kernel_tasks, &config)) return "no memory for tasks";
	host_names_begin(&kernel_tasks);
	return NULL;
}

const char *users_start(void)
{
	const char *arguments = boot.platform.bootargs;

	wait_init(&first.queue, RANK_WAIT);
	start_s = bootarg_number(arguments, "time", 0);
	chance_start(arguments);
	how_to_exec = (struct exec_config){
		.open = exec_open_in_tree,
		.close = exec_close_files,
		.trampoline = exec_trampoline(&kernel_vm, SITE_NONE),
		.platform = "aarch64",
		.capabilities = cpu_capabilities(),
		.random = bootarg_is_set(arguments, "random"),
	};
	if (how_to_exec.trampoline == NULL) return "no memory for programs";
	const char *wrong = users_files_start();
	if (wrong == NULL) wrong = start_tasks();
	if (wrong != NULL) return wrong;
	trap_open();
	users_tty_start();
	return NULL;
}

/* --- the first program ------------------------------------------------------------------------ */

/* Its path and arguments, ended, out of the boot arguments: init=PATH, and what stands behind
 * " -- ". */
struct words {
	char text[WORDS_BYTES];
	const char *at[ARGUMENTS + 1];
	unsigned count;
	size_t used;
};

static void word_add(struct words *w, const char *word, size_t bytes)
{
	if (w->count == ARGUMENTS || bytes >= WORDS_BYTES - w->used) return;
	char *to = w->text + w->used;
	memcpy(to, word, bytes);
	to[bytes] = 0;
	w->at[w->count++] = to;
	w->used += bytes + 1;
}

static void words_read(struct words *w, const char *arguments)
{
	static const char otherwise[] = "/init";
	const char *path = otherwise;
	size_t bytes = sizeof otherwise - 1;
	bool behind = false;

	memset(w, 0, sizeof *w);
	bootarg_text(arguments, "init", &path, &bytes);
	word_add(w, path, bytes);
	while (*arguments != 0) {
		while (*arguments == ' ') arguments++;
		for (bytes = 0; arguments[bytes] != 0 && arguments[bytes] != ' ';) bytes++;
		if (bytes != 0 && behind) word_add(w, arguments, bytes);
		if (bytes == 2 && arguments[0] == '-' && arguments[1] == '-') behind = true;
		arguments += bytes;
	}
}

static int open_terminal(struct task *t)
{
	struct task_group *g = t->group;

	if (g->files == NULL) g->files = file_table_create(&kernel_memory);
	if (g->files == NULL) return -ERR_NOMEM;
	for (int fd = 0; fd < 3; fd++) {
		int error;
		struct file *f = users_console(&error);
		if (f == NULL) return error;
		const int got = file_table_add(g->files, f, (uint64_t)fd, 3, false);
		if (got == fd) continue;
		file_drop(f);
		return got < 0 ? got : -ERR_BADF;
	}
	return 0;
}

static void begin(struct task *t, void *arg)
{
	static const char *const environment[] = { "HOME=/", "TERM=linux", NULL };
	const struct words *w = arg;
	t->group->umask = 022; /* as Linux's first task has it */
	limits_begin(t->group->limits);
	limits_give(t->group->limits, process_space(&kernel_processes));
	int answer = open_terminal(t);

	if (answer == 0) answer = exec_first(t, w->at[0], w->at, environment);
	if (answer == 0) return;
	first.failed = -answer;
	task_exit_group(t, STATUS_BAD_INPUT);
}

static const char *why_not(int error)
{
	switch (error) {
	case ERR_NOENT: return initrd_bytes() == 0 ? "there is no initrd" : "there is no such file";
	case ERR_ACCES: return "it is no file that may be executed";
	case ERR_NOEXEC: return "it is no program";
	case ERR_NOMEM: return "there is no memory for it";
	default: return "it cannot be run";
	}
}

static int told(const struct words *w)
{
	const int32_t s = first.status;

	if (first.failed != 0) {
		console_print("anvil: %s: %s (error %d)\n", w->at[0], why_not(first.failed),
			      first.failed);
		return STATUS_BAD_INPUT;
	}
	if ((s & 0x7f) != 0) {
		console_print("anvil: %s was killed by signal %d\n", w->at[0], s & 0x7f);
		return SIGNALLED + (s & 0x7f);
	}
	console_print("anvil: %s exited with %d\n", w->at[0], s >> 8 & 0xff);
	return s >> 8 & 0xff;
}

int users_run(void)
{
	static struct words words;

	words_read(&words, boot.platform.bootargs);
	const int answer = task_first(&kernel_tasks, begin, &words);
	if (answer != 0) {
		console_print("anvil: no first task (error %d)\n", -answer);
		return STATUS_ENVIRONMENT;
	}
	const mach_irq_t was = wait_enter(&first.queue);
	while (!first.over) wait_sleep(&kernel_sched, &first.queue, WAIT_FOREVER);
	wait_leave(&first.queue, was);
	return told(&words);
}
