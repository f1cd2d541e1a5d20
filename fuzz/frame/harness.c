/*
 * harness.c -- running scripts in a host program.
 *
 * The machine is machine/host: an arena, fibers for CPUs, checking locks.  What this file adds is
 * kpanic, which notes the fault and leaves the run by the machine's escape, and the double run:
 * the same script a second time, from a state full of other leftovers, must give the same digest.
 * A subject that reads what it did not write, or keeps something outside its world, is found so.
 *
 * All that is known of a run lies in one struct in shared memory, so that when a child dies of a
 * sanitizer's report, its parent knows the script, the operation and the oracle without asking.
 *
 * Always true:
 *   H1  the first fault of a script is the one that is kept;
 *   H2  `announce` is called exactly once for a script that fails, before anything else is said.
 *
 * Locks: none; one thread.  Cost: some 100 ns a script besides run_script itself.
 */
#include "fuzz/frame/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/frame/files.h"
#include "machine/format.h"
#include "machine/host/arena.h"
#include "machine/host/cpu.h"
#include "machine/host/mmu.h"
#include "machine/host/race.h"
#include "machine/machine.h"

enum {
	LEFTOVER_BYTES = 64 << 10,
	LOOK_EVERY = 32, /* of the scripts that run twice */
};

struct harness *harness;

static _Alignas(64) uint8_t state[RUN_STATE_BYTES];
static struct run_machine machine = {
	.cpus = SCRIPT_CPUS_MAX,
	.reset = host_reset,
	.run_on = host_run_on,
	.escape = host_escape,
	.run_together = host_run_together,
	.run_aside = host_run_aside,
	.step = host_turn_step,
	.handlers = host_handlers_set,
	.settled = host_mmu_settle,
	.kernel_tables = host_mmu_kernel_install,
};

_Static_assert((int)RUN_ARENA_BYTES == (int)HOST_ARENA_BYTES, "one world on every machine");

void harness_open(void)
{
	harness = mmap(NULL, sizeof(*harness), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (harness == MAP_FAILED) {
		perror("harness: memory");
		exit(EXIT_ENVIRONMENT);
	}
	machine.arena = host_arena_open(RUN_ARENA_BYTES);
	host_cpus_open(SCRIPT_CPUS_MAX);
}

size_t harness_signature(char *out, size_t room)
{
	return format_text(out, room, "panic: %s %s.%s", harness->oracle, harness->subject->name,
			   run_doing(&harness->run));
}

static void note(const char *oracle)
{
	if (harness->oracle != NULL) return;
	harness->oracle = oracle;
	if (harness->announce != NULL) harness->announce();
}

void harness_fatal(const char *oracle, const char *seen)
{
	harness->fatal = true;
	harness->ours = !harness->running;
	if (harness->ours) return;
	if (harness->oracle == NULL) snprintf(harness->seen, HARNESS_SEEN, "%s", seen);
	struct run *run = run_current();
	if (run != NULL) run_fault(run, oracle);
	note(oracle);
	if (harness->quiet) _exit(EXIT_FINDING);
}

/* Outside of any run there is nothing to escape from. */
static NORETURN void panic_alone(const char *id)
{
	fprintf(stderr, "\npanic: %s %s\n", id, harness == NULL ? "" : harness->seen);
	abort();
}

NORETURN void kpanic(const char *id, const char *format, ...)
{
	struct run *run = run_current();
	race_ask(); /* a race that nobody has been told of came before this */
	va_list args;
	va_start(args, format);
	if (harness != NULL && (run == NULL || run->oracle == NULL))
		format_text_v(harness->seen, HARNESS_SEEN, format, args);
	va_end(args);
	if (run == NULL) panic_alone(id);
	if (run_fault(run, id)) note(id);
	host_escape();
}

NORETURN void kpanic_claim(const char *file, int line, const char *claim)
{
	kpanic(ORACLE_ASSERT, "%s:%d: %s", file, line, claim);
}

static bool run_once(void)
{
	if (harness->walk_always) harness->script.world.flags |= WORLD_WALK_ALWAYS;
	if (harness->run.score != NULL) run_calms(&harness->script, harness->subject);
	harness->run.state = state;
	harness->running = true;
	const bool whole = run_script(&harness->run, harness->subject, &harness->script, &machine);
	harness->running = false;
	return whole;
}

/* The second run may have failed by an oracle of its own; that the first did not is worse. */
static bool not_the_same(const char *format, ...) PRINTF_LIKE(1, 2);
static bool not_the_same(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	format_text_v(harness->seen, HARNESS_SEEN, format, args);
	va_end(args);
	harness->oracle = NULL;
	harness->run.oracle = ORACLE_NONDETERMINISM;
	harness->run.digest = 0; /* it has none */
	note(ORACLE_NONDETERMINISM);
	return false;
}

/* What the first run wrote where it had no memory is not made new for the next: looked for in all
 * of the arena, which takes as long as some ten runs, so not every time. */
static bool run_again(bool look)
{
	const uint64_t digest = harness->run.digest;
	const char *left = look ? host_arena_check() : NULL;
	if (left != NULL) return not_the_same("%s", left);
	memset(state, 0x6b, LEFTOVER_BYTES);
	if (run_once() && harness->run.digest == digest) return true;
	return not_the_same("one script, two digests: %016lx and %016lx", digest,
			    harness->run.digest);
}

bool harness_run(const struct subject *subject, const uint8_t *body, size_t bytes, bool twice)
{
	harness->subject = subject;
	harness->oracle = NULL;
	harness->seen[0] = '\0';
	harness->executions++;
	const uint32_t every = harness->twice_every;
	script_open(&harness->script, body, bytes);
	if (!run_once()) return false;
	/* Whose turn it is depends on the script, not on earlier ones: engines watch for that. */
	const uint64_t lot = harness->run.digest;
	const bool again = every != 0 && lot % every == 0;
	const bool look = twice || (again && lot / every % LOOK_EVERY == 0);
	return twice || again ? run_again(look) : true;
}
