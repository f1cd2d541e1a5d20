/*
 * guest_main.c -- the replay program of the booted kernel: any subject's scripts on real CPUs.
 *
 * One boot for many files.  The boot argument `files=NAME` is a file of the host (semihosting) with
 * the path of a stored script on each line; `out=NAME` is where the answers go, a line for each, in
 * the words of the host's replay --digests (replay_files.c), so that cmp(1) can compare:
 *
 *	FILE digest=HEX ops=N oracle=none|ID op=K
 *	FILE host-only          expected to fire an oracle that this machine has no eyes for, or
 *	                        its turns are told in points that only the host has
 *	FILE refused            not a stored script of a subject that is here
 *	FILE differs            with repeat=N: a later run of it ended otherwise than the first
 *
 * With the boot argument `repeat=N` each file runs N times, and all must end alike.
 *
 * Each line is on the host's disk before the next script starts: when a script hangs or takes the
 * kernel down, the first file without a line is the one.
 *
 * The machine under a run: an arena of kernel pages with the contents the host's has, and the
 * kernel's CPUs, which take turns as the host's do (machine/aarch64/baton.h): time and interrupts
 * are the script's.  What a script has for kernel addresses, stacks in a window, stands beside the
 * kernel's own meanwhile.  A panic during a run is an oracle: the hook notes which and leaves by
 * smp_escape(), and the next script starts from a fresh world.  A panic outside of any run is the
 * kernel's own and ends the boot with status 6.
 *
 * Always true:
 *   G1  what the kernel keeps in memory is not in the arena, nor is anything of the program;
 *   G2  a script runs with the CPU numbers it names: virtual CPU n is CPU n.
 *
 * Locks: none held while a script runs.  Cost: the reset of 8 MiB, a millisecond or two, for each
 * script.
 */
#include "fuzz/frame/plan.h"
#include "fuzz/frame/subject.h"
#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/panic.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "kernel/together.h"
#include "machine/aarch64/baton.h"
#include "machine/aarch64/boot.h"
#include "machine/aarch64/cpu.h"
#include "machine/aarch64/semihost.h"
#include "machine/entry.h"
#include "machine/format.h"

enum {
	JUNK_BYTE = 0xA5,     /* HOST_JUNK_BYTE: memory that nobody has written yet */
	LEFTOVER_BYTE = 0x6b, /* what the state holds before a second run */
	LEFTOVER_BYTES = 64 << 10,
	NAME_ROOM = 1024,
	LINE_ROOM = NAME_ROOM + 128,
	LIST_MAX = 4 << 20,
	ARENA_ALIGN = PAGE_SIZE << PAGE_ORDER_MAX,
	ARENA_RUN_PAGES = (RUN_ARENA_BYTES + ARENA_ALIGN) >> PAGE_SHIFT,
};

/* What is known of the script that runs. */
struct outcome {
	struct run run;
	const char *oracle; /* what fired, or NULL; of both runs where there are two */
	char seen[160];     /* what it saw, in words */
};

static _Alignas(64) uint8_t state[RUN_STATE_BYTES];
static uint8_t file[SCRIPT_ENVELOPE_BYTES + SCRIPT_BODY_MAX];
static struct outcome outcome;
static int64_t answers;
static uint64_t repeat; /* times each file runs */

/* --- the machine ------------------------------------------------------------------------------ */

static struct run_machine machine;

/* A script that ended early may have left its spaces on CPUs, which must not walk what is now junk;
 * and the next one gives out the same ASIDs. */
static void forget_spaces(void *unused)
{
	(void)unused;
	const mach_irq_t was = mach_irq_save();
	mach_space_install(PADDR_NONE, 0);
	mach_tlb_all_local();
	mach_tlb_wait();
	mach_irq_restore(was);
}

/* The root's entries that a script's tables have lent to the kernel's, by bit. */
static uint64_t lent[PAGE_SIZE / sizeof(uint64_t) / 64];

/* Beside the kernel's own, which nobody may cover. */
static void lend_tables(paddr_t root)
{
	const uint64_t *theirs = mach_phys(root);
	uint64_t *own = mach_phys(kernel_table);
	for (unsigned n = 0; n < PAGE_SIZE / sizeof(uint64_t); n++) {
		if ((theirs[n] & ENTRY_VALID) == 0) continue;
		if ((own[n] & ENTRY_VALID) != 0) kpanic("replay", "the kernel has entry %u", n);
		mach_entry_store(&own[n], theirs[n]);
		lent[n / 64] |= 1ull << n % 64;
	}
	mach_entry_sync();
}

static void take_tables_back(void)
{
	uint64_t *own = mach_phys(kernel_table);
	for (unsigned n = 0; n < PAGE_SIZE / sizeof(uint64_t); n++)
		if ((lent[n / 64] >> n % 64 & 1) != 0) mach_entry_store(&own[n], 0);
	memset(lent, 0, sizeof(lent));
	mach_entry_sync();
	mach_tlb_all();
	mach_tlb_wait();
}

static void set_kernel_tables(paddr_t root)
{
	if (root == PADDR_NONE)
		take_tables_back();
	else
		lend_tables(root);
}

static void reset(void)
{
	take_tables_back();
	smp_run_all(forget_spaces, NULL);
	baton_reset();
	memset(machine.arena, JUNK_BYTE, RUN_ARENA_BYTES);
}

/* Blocks of the arena are aligned as memory as they are as pages, up to the largest. */
static bool open_machine(void)
{
	const paddr_t pa = page_run_alloc(&kernel_pages, ARENA_RUN_PAGES,
					  PAGE_HOW(ZONE_USER, PAGE_OWNER_KERNEL), SITE_NONE);
	if (pa == PADDR_NONE) return false;
	machine = (struct run_machine){
		.cpus = cpu_count(),
		.arena = mach_phys(align_up(pa, ARENA_ALIGN)),
		.reset = reset,
		.run_on = together_run_on,
		.escape = smp_escape,
		.run_together = together_run,
		.step = baton_step,
		.handlers = baton_handlers_set,
		.kernel_tables = set_kernel_tables,
	};
	return true;
}

/* The kernel calls an access that nobody answers a fault; the suite has a name for it. */
static const char *oracle_named(const char *id)
{
	const char *oracle = oracle_find(id);
	return oracle != NULL ? oracle : ORACLE_POISON;
}

static void panicked(const char *id, const char *message)
{
	struct run *run = run_current();
	if (run == NULL) return;
	if (run_fault(run, oracle_named(id))) {
		outcome.oracle = run->oracle;
		format_text(outcome.seen, sizeof(outcome.seen), "%s", message);
	}
	smp_escape();
}

/* --- one script ------------------------------------------------------------------------------- */

static bool run_once(const struct subject *subject, const struct script *script)
{
	outcome.run.state = state;
	return run_script(&outcome.run, subject, script, &machine);
}

/* The second run is judged as the host's harness does (harness.c). */
static void run_again(const struct subject *subject, const struct script *script)
{
	const uint64_t digest = outcome.run.digest;
	memset(state, LEFTOVER_BYTE, LEFTOVER_BYTES);
	if (run_once(subject, script) && outcome.run.digest == digest) return;
	outcome.oracle = ORACLE_NONDETERMINISM;
	outcome.run.digest = 0;
}

static void answer(const char *format, ...) PRINTF_LIKE(1, 2);
static void answer(const char *format, ...)
{
	char line[LINE_ROOM];
	va_list args;
	va_start(args, format);
	semihost_write(answers, line, format_text_v(line, sizeof(line), format, args));
	va_end(args);
}

static const char *where(char *number, size_t room)
{
	if (outcome.oracle == NULL) return "-";
	if (outcome.run.phase == RUN_OPENS) return "open";
	if (outcome.run.phase == RUN_CLOSES) return "close";
	format_text(number, room, "%u", outcome.run.op);
	return number;
}

static void judge(const char *name, uint32_t ops, const char *expects)
{
	char number[16];
	if (expects != NULL && !oracle_is_seen_by(expects, EYES_IMAGE)) {
		answer("%s host-only\n", name);
		return;
	}
	answer("%s digest=%016lx ops=%u oracle=%s op=%s\n", name, outcome.run.digest, ops,
	       outcome.oracle == NULL ? "none" : outcome.oracle, where(number, sizeof(number)));
	if (outcome.oracle != NULL && (expects == NULL || !same_text(expects, outcome.oracle)))
		console_print("panic: %s %s.%s\n  %s: %s\n", outcome.oracle,
			      outcome.run.subject->name, run_doing(&outcome.run), name,
			      outcome.seen);
}

/* One file once; twice where that is how its oracle fires. */
static void run_file(const struct subject *subject, const struct script *script,
		     const char *expects)
{
	outcome.oracle = NULL;
	outcome.seen[0] = '\0';
	if (run_once(subject, script) && expects != NULL &&
	    same_text(expects, ORACLE_NONDETERMINISM))
		run_again(subject, script);
}

/* As often as it is to run; false when two runs ended differently. */
static bool run_file_often(const struct subject *subject, const struct script *script,
			   const char *expects)
{
	run_file(subject, script, expects);
	const struct outcome first = outcome;
	for (uint64_t n = 1; n < repeat; n++) {
		run_file(subject, script, expects);
		if (outcome.run.digest != first.run.digest || outcome.oracle != first.oracle ||
		    outcome.run.op != first.run.op || outcome.run.phase != first.run.phase)
			return false;
	}
	return true;
}

/* How many bytes of `file` a host's file filled; 0 when it cannot be read or is larger. */
static size_t load(const char *name)
{
	const int64_t handle = semihost_open(name, SEMIHOST_READ);
	if (handle < 0) return 0;
	const int64_t bytes = semihost_length(handle);
	const bool fits = bytes > 0 && bytes <= (int64_t)sizeof(file);
	const size_t got = fits ? semihost_read(handle, file, (size_t)bytes) : 0;
	semihost_close(handle);
	return fits && got == (size_t)bytes ? got : 0;
}

static bool replay(const char *name)
{
	char subject_name[SCRIPT_NAME_MAX + 1];
	const uint8_t *body;
	size_t body_bytes;
	struct script script;
	const size_t bytes = load(name);
	if (bytes == 0 ||
	    script_file_open(file, bytes, &body, &body_bytes, subject_name) != SCRIPT_FILE_STORED) {
		answer("%s refused\n", name);
		return false;
	}
	const char *expects = script_file_expects(file);
	const struct subject *subject = subject_find(subject_name);
	script_open(&script, body, body_bytes);
	if (!plan_is_named(&script, subject) || script.world.cpus > cpu_count())
		answer("%s host-only\n", name);
	else if (run_file_often(subject, &script, expects))
		judge(name, script.ops, expects);
	else
		answer("%s differs\n", name);
	return true;
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool argument(const char *key, char *out, size_t room)
{
	return bootarg_copy(boot.platform.bootargs, key, out, room);
}

/* The host's list of files, NUL-terminated; NULL when it cannot be had. */
static char *load_list(const char *name)
{
	const int64_t handle = semihost_open(name, SEMIHOST_READ);
	if (handle < 0) return NULL;
	const int64_t bytes = semihost_length(handle);
	char *list = bytes >= 0 && bytes <= LIST_MAX ? kmalloc((size_t)bytes + 1) : NULL;
	if (list != NULL) list[semihost_read(handle, list, (size_t)bytes)] = '\0';
	semihost_close(handle);
	return list;
}

static unsigned replay_list(char *list)
{
	unsigned refused = 0;
	while (*list != '\0') {
		char *end = list;
		while (*end != '\0' && *end != '\n') end++;
		const bool more = *end != '\0';
		*end = '\0';
		if (!replay(list)) refused++;
		list = end + more;
	}
	return refused;
}

static int refuse(int status, const char *why)
{
	console_print("replay: %s\n", why);
	return status;
}

int program_main(void)
{
	char name[NAME_ROOM];
	if (cpu_count() < SCRIPT_CPUS_DRAWN) return refuse(STATUS_USAGE, "scripts want 4 CPUs");
	if (!argument("files", name, sizeof(name))) return refuse(STATUS_USAGE, "no files=NAME");
	char *list = load_list(name);
	if (list == NULL) return refuse(STATUS_BAD_INPUT, "the list of files cannot be read");
	if (!argument("out", name, sizeof(name))) return refuse(STATUS_USAGE, "no out=NAME");
	answers = semihost_open(name, SEMIHOST_WRITE);
	if (answers < 0) return refuse(STATUS_ENVIRONMENT, "the answers cannot be written");
	repeat = bootarg_number(boot.platform.bootargs, "repeat", 1);
	if (!open_machine()) return refuse(STATUS_ENVIRONMENT, "no memory for the arena");
	panic_hook_set(panicked);
	const unsigned refused = replay_list(list);
	panic_hook_set(NULL);
	semihost_close(answers);
	return refused == 0 ? STATUS_OK : STATUS_BAD_INPUT;
}
