/*
 * death_test.c -- what is left to read when a run dies on a virtual CPU's stack.
 *
 * Each row is a way to die.  A child process runs it on a CPU with its console in a pipe; the
 * parent reads what came and looks for the words that must be there, whole: reports are written
 * on the fiber's own stack, and one that is too small, or that ASan takes for a wild one, shows
 * as a report cut short.  Rows that only ASan can see are skipped in programs without it.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine/host/arena.h"
#include "machine/host/cpu.h"
#include "machine/lock.h"

extern int __asan_address_is_poisoned(const volatile void *p) __attribute__((weak));

static uint8_t *base;

static void die_by_panic(void *arg)
{
	kpanic("content", "%u bytes of %s", *(unsigned *)arg, "what was there");
}

static void die_by_assert(void *arg)
{
	ASSERT(arg == NULL);
}

static void die_by_lock(void *arg)
{
	static struct lock lock;
	(void)arg;
	lock_init(&lock, RANK_HEAP);
	lock_take(&lock);
	lock_take(&lock);
}

static void die_by_poison(void *arg)
{
	mach_poison(base, PAGE_SIZE);
	base[*(unsigned *)arg] = 1;
}

static NOINLINE unsigned too_deep(volatile unsigned *depth)
{
	volatile unsigned here = *depth + 1;
	return here == 0 ? 0 : too_deep(&here) + here; /* 2^32 frames: not that deep */
}

static void die_by_depth(void *arg)
{
	too_deep(arg);
}

static const struct row {
	const char *name;
	void (*fn)(void *arg);
	bool asan;
	const char *first, *last; /* must be found, in this order */
} rows[] = {
	{ "panic", die_by_panic, false, "\npanic: content 42 bytes", " of what was there\n" },
	{ "assert", die_by_assert, false,
	  "\npanic: assert machine/host/death_test.c:", ": arg == NULL\n" },
	{ "deadlock", die_by_lock, false, "\npanic: deadlock cpu 1 waits", " it holds\n" },
	{ "poison", die_by_poison, true, "use-after-poison", "==ABORTING" },
	{ "depth", die_by_depth, true, "stack-overflow", "==ABORTING" },
};

NORETURN static void child(const struct row *row, int console)
{
	const struct rlimit no_core = { 0, 0 };
	unsigned number = 42;
	setrlimit(RLIMIT_CORE, &no_core);
	dup2(console, STDERR_FILENO);
	host_run_on(1, row->fn, &number);
	_exit(0);
}

/* Everything the child says, up to `room` bytes, ended with a NUL. */
static void read_all(int from, char *text, size_t room)
{
	size_t used = 0;
	ssize_t got;
	while (used < room - 1 && (got = read(from, text + used, room - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = '\0';
}

static bool dies_well(const struct row *row)
{
	static char text[1 << 16];
	int pipe_ends[2], status;
	ASSERT(pipe(pipe_ends) == 0);
	const pid_t pid = fork();
	ASSERT(pid >= 0);
	if (pid == 0) child(row, pipe_ends[1]);
	close(pipe_ends[1]);
	read_all(pipe_ends[0], text, sizeof(text));
	close(pipe_ends[0]);
	ASSERT(waitpid(pid, &status, 0) == pid);
	const char *first = strstr(text, row->first);
	const bool good = status != 0 && first != NULL && strstr(first, row->last) != NULL;
	if (!good) printf("%s: status %#x, said: %s\n", row->name, (unsigned)status, text);
	return good;
}

int main(void)
{
	unsigned bad = 0;
	base = host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(2);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].asan && __asan_address_is_poisoned == NULL) continue;
		bad += dies_well(&rows[i]) ? 0 : 1;
	}
	host_cpus_close();
	return bad == 0 ? 0 : 1;
}
