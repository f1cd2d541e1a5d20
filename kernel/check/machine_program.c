/*
 * machine_program.c -- checks of machine/aarch64 that take longer than a boot may: the memory
 * primitives at every alignment, the timer, interrupts between CPUs, locks, the host's files.
 *
 * The checks of locks provoke panics and catch them with the hook.  The file that is read is named
 * by the boot argument "read=", the one that is written by "write=".
 */
#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/ktap.h"
#include "kernel/panic.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "kernel/tick.h"
#include "machine/aarch64/clock.h"
#include "machine/aarch64/cpu.h"
#include "machine/aarch64/semihost.h"
#include "machine/lock.h"

/* --- memory primitives, against loops over bytes --------------------------------------------- */

enum { ROOM = 2048, EDGE = 20, NAME_BYTES = 1024, LOCKED_TURNS = 100 };

static uint8_t area[ROOM], model[ROOM];

static void fill(void)
{
	for (unsigned i = 0; i < ROOM; i++) area[i] = model[i] = (uint8_t)(i * 7 + i / 256);
}

static bool same(void)
{
	for (unsigned i = 0; i < ROOM; i++) {
		if (area[i] != model[i]) return false;
	}
	return true;
}

static const size_t sizes[] = { 0,  1,   2,   7,   8,   9,   15,  16,  17,   31,
				33, 127, 128, 255, 256, 257, 511, 600, 1024, 1500 };

static const char *check_memset(void)
{
	for (unsigned at = 0; at < EDGE; at++) {
		for (unsigned s = 0; s < COUNT_OF(sizes); s++) {
			for (int byte = 0; byte < 0x200; byte += 0x1a5) {
				fill();
				for (size_t i = 0; i < sizes[s]; i++) model[at + i] = (uint8_t)byte;
				if (memset(area + at, byte, sizes[s]) != area + at)
					return "another address";
				if (!same()) return "another result";
			}
		}
	}
	return NULL;
}

/* Copies from every distance in steps, up and down, memmove and, where it may, memcpy. */
static const char *check_copy_at(unsigned to, unsigned from, size_t bytes)
{
	const bool apart = to + bytes <= from || from + bytes <= to;
	for (unsigned kind = apart ? 0 : 1; kind < 2; kind++) {
		uint8_t buffer[1500];
		fill();
		for (size_t i = 0; i < bytes; i++) buffer[i] = model[from + i];
		for (size_t i = 0; i < bytes; i++) model[to + i] = buffer[i];
		const void *got = kind == 0 ? memcpy(area + to, area + from, bytes)
					    : memmove(area + to, area + from, bytes);
		if (got != area + to) return "another address";
		if (!same()) return kind == 0 ? "memcpy" : "memmove";
	}
	return NULL;
}

static const char *check_copies(void)
{
	const char *wrong = NULL;
	for (unsigned to = 0; to < EDGE && wrong == NULL; to += 3) {
		for (unsigned from = 0; from < 3 * EDGE && wrong == NULL; from += 5) {
			for (unsigned s = 0; s < COUNT_OF(sizes) && wrong == NULL; s++)
				wrong = check_copy_at(to, from, sizes[s]);
		}
	}
	return wrong != NULL ? wrong : check_copy_at(0, 500, 1500);
}

static const char *check_memcmp(void)
{
	for (unsigned at = 0; at < 16; at++) {
		for (unsigned bytes = 0; bytes < 40; bytes++) {
			fill();
			if (memcmp(area + at, model + at, bytes) != 0) return "equal, it says not";
			for (unsigned i = 0; i < bytes; i++) {
				model[at + i] ^= 0x80;
				const int sign = area[at + i] < model[at + i] ? -1 : 1;
				const int got = memcmp(area + at, model + at, bytes);
				if (got == 0 || (got < 0) != (sign < 0)) return "the wrong sign";
				model[at + i] ^= 0x80;
			}
		}
	}
	return NULL;
}

/* --- time and interrupts --------------------------------------------------------------------- */

static uint64_t fired_ns, fired_cookie; /* atomic */

static void note_time(void *s, struct timer *timer, uint64_t cookie)
{
	(void)s, (void)timer;
	fired_cookie = cookie;
	atomic_store_u64(&fired_ns, mach_now_ns());
}

/* With interrupts masked between the look and the wait, or the timer's would be missed there. */
static void await_fired(void)
{
	const mach_irq_t was = mach_irq_save();
	while (atomic_load_u64(&fired_ns) == 0) mach_wait();
	mach_irq_restore(was);
}

static const char *check_one_shot(void)
{
	struct timer timer;
	timer_init(&timer, note_time);
	for (unsigned i = 1; i < 20; i++) {
		atomic_store_u64(&fired_ns, 0);
		const uint64_t want = mach_now_ns() + (uint64_t)i * 50000;
		const mach_irq_t was = mach_irq_save();
		struct timer_queue *queue = &kernel_sched.cpu[mach_cpu()].timers;
		if (timer_add(queue, &timer, want, i)) sched_timers_changed(&kernel_sched);
		mach_irq_restore(was);
		await_fired();
		if (fired_ns < want) return "it came early";
		if (fired_cookie != i) return "it came for another time";
	}
	return NULL;
}

/* Neither a call from another CPU nor a deadline ends a rest, and both come afterwards. */
static const char *check_rest(void)
{
	enum { REST_NS = 200000 };
	struct timer timer;
	timer_init(&timer, note_time);
	for (unsigned i = 0; i < 4; i++) {
		const mach_irq_t was = mach_irq_save();
		const uint64_t from = mach_now_ns();
		const uint64_t want = from + (i % 2 == 0 ? REST_NS / 2 : 3 * REST_NS);
		atomic_store_u64(&fired_ns, 0);
		struct timer_queue *queue = &kernel_sched.cpu[mach_cpu()].timers;
		if (timer_add(queue, &timer, want, i)) sched_timers_changed(&kernel_sched);
		mach_ipi(mach_cpu());
		mach_rest(REST_NS);
		const uint64_t until = mach_now_ns();
		const bool taken = atomic_load_u64(&fired_ns) != 0;
		mach_irq_restore(was);
		while (atomic_load_u64(&fired_ns) == 0) mach_wait();
		if (until - from < REST_NS) return "an interrupt ended it";
		if (taken) return "an interrupt was taken";
		if (fired_ns < want) return "a timer came early";
	}
	return NULL;
}

static const char *check_time_rises(void)
{
	uint64_t last = mach_now_ns();
	for (unsigned i = 0; i < 1000; i++) {
		const uint64_t now = mach_now_ns();
		if (now < last) return "backwards";
		last = now;
	}
	return last > 0 ? NULL : "it stands still";
}

/* Two CPUs wake each other by turns; a wake-up that is lost would end this for good. */
static uint32_t ball;

static void play(void *turns)
{
	const uint32_t end = *(const uint32_t *)turns;
	const unsigned here = mach_cpu();
	if (here > 1) return;
	for (;;) {
		const uint32_t now = atomic_load_u32(&ball);
		if (now >= end) return;
		if (now % 2 == here) {
			atomic_store_u32(&ball, now + 1);
			mach_ipi(1 - here);
		} else {
			mach_wait();
		}
	}
}

static const char *check_no_wake_lost(void)
{
	uint32_t turns = 400;
	ball = 0;
	if (boot.platform.cpu_count < 2) return NULL;
	return smp_run_all(play, &turns) && ball >= turns ? NULL : "the ball was dropped";
}

/* A watchdog: a tick ends what its CPU runs, and the CPU takes ticks again afterwards. */
static uint32_t endless[CPUS_MAX]; /* this CPU runs never_end() */

static void bite(void)
{
	if (atomic_load_u32(&endless[mach_cpu()]) == 0) return;
	atomic_store_u32(&endless[mach_cpu()], 0);
	smp_escape();
}

static void never_end(void *unused)
{
	(void)unused;
	atomic_store_u32(&endless[mach_cpu()], 1);
	for (;;) {
		/* Much work for each yield: a yield is dear where instructions are counted. */
		for (volatile unsigned i = 0; i < 10000; i++) continue;
		mach_relax();
	}
}

static const char *check_watchdog(void)
{
	const char *wrong = NULL;
	tick_hook_set(bite);
	for (unsigned i = 0; i < 2 * boot.platform.cpu_count && wrong == NULL; i++) {
		if (smp_run_on(i % boot.platform.cpu_count, never_end, NULL)) wrong = "it ended";
	}
	tick_hook_set(NULL);
	return mach_irq_masked() ? "interrupts are masked" : wrong;
}

/* --- firmware -------------------------------------------------------------------------------- */

/* QEMU has HVC for a kernel that boots at EL1, where SMC is undefined, and SMC for one from EL2. */
static const char *check_firmware(void)
{
	enum { PSCI_VERSION = 0x84000000 };
	const bool is_smc = boot.platform.conduit == CONDUIT_SMC;
	const uint64_t answer = cpu_smc(PSCI_VERSION, 0, 0, 0);
	if (mach_irq_masked() || cpu_here()->probe != 0) return "a call leaves traces";
	if (is_smc) return answer >> 16 == 1 ? NULL : "not PSCI 1";
	if ((int64_t)answer <= 0) return "an undefined call was answered";
	return cpu_hvc(PSCI_VERSION, 0, 0, 0) >> 16 <= 1 ? NULL : "not PSCI 0.2 or 1";
}

/* --- locks ----------------------------------------------------------------------------------- */

static struct lock outer, inner;
static uint64_t sum;

static void add_under_lock(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < LOCKED_TURNS; i++) {
		const mach_irq_t was = lock_take(&outer);
		sum++;
		lock_drop(&outer, was);
	}
}

static const char *check_lock_excludes(void)
{
	lock_init(&outer, RANK_OUTER);
	sum = 0;
	if (!smp_run_all(add_under_lock, NULL)) return "a call escaped";
	return sum == (uint64_t)LOCKED_TURNS * boot.platform.cpu_count ? NULL
								       : "an addition was lost";
}

static const char *caught;

static void catch_panic(const char *id, const char *message)
{
	(void)message;
	caught = id;
	smp_escape();
}

static void wrong_order(void *unused)
{
	(void)unused;
	const mach_irq_t was = lock_take(&inner);
	lock_take(&outer);
	mach_irq_restore(was);
}

static void taken_twice(void *unused)
{
	(void)unused;
	lock_take(&outer);
	lock_take(&outer);
}

static void dropped_untaken(void *unused)
{
	(void)unused;
	lock_drop(&outer, mach_irq_save());
}

static void held_where_none_may(void *unused)
{
	(void)unused;
	lock_take(&inner);
	mach_lock_none_held(RANK_OUTER);
}

static void asleep_with_two(void *unused)
{
	(void)unused;
	lock_take(&outer);
	lock_take(&inner);
	mach_lock_only_held(&inner);
}

static const char *check_locks_are_watched(void)
{
	static const struct {
		const char *id;
		void (*wrong)(void *);
	} cases[] = {
		{ "lock-order", wrong_order },          { "deadlock", taken_twice },
		{ "owner", dropped_untaken },           { "lock-context", held_where_none_may },
		{ "sleep-in-atomic", asleep_with_two },
	};
	const char *wrong = NULL;
	panic_hook_set(catch_panic);
	for (unsigned i = 0; i < COUNT_OF(cases) && wrong == NULL; i++) {
		lock_init(&outer, RANK_OUTER);
		lock_init(&inner, RANK_PAGE);
		caught = "";
		const bool returned = smp_run_on(0, cases[i].wrong, NULL);
		if (returned || memcmp(caught, cases[i].id, 5) != 0) wrong = cases[i].id;
	}
	panic_hook_set(NULL);
	return wrong;
}

/* --- the host -------------------------------------------------------------------------------- */

/* Copies the one file to the other, and knows its length. */
static const char *check_files(void)
{
	static char from_name[NAME_BYTES], to_name[NAME_BYTES];
	const char *const words = boot.platform.bootargs;
	if (!bootarg_copy(words, "read", from_name, sizeof(from_name)) ||
	    !bootarg_copy(words, "write", to_name, sizeof(to_name)))
		return "no names";
	if (semihost_open("/there/is/no/such/file", SEMIHOST_READ) >= 0) return "opened nothing";
	const int64_t from = semihost_open(from_name, SEMIHOST_READ);
	const int64_t to = semihost_open(to_name, SEMIHOST_WRITE);
	if (from < 0 || to < 0) return "not opened";
	const int64_t length = semihost_length(from);
	int64_t moved = 0;
	for (size_t got; (got = semihost_read(from, area, ROOM)) > 0;)
		moved += (int64_t)semihost_write(to, area, got);
	if (moved != length || length <= 0) return "another length";
	if (!semihost_seek(from, 3) || semihost_read(from, model, 1) != 1) return "no seek";
	return semihost_close(from) && semihost_close(to) ? NULL : "not closed";
}

static const struct ktap_check checks[] = {
	{ "memset", check_memset },
	{ "memcpy-and-memmove", check_copies },
	{ "memcmp", check_memcmp },
	{ "time-rises", check_time_rises },
	{ "one-shot-timer", check_one_shot },
	{ "rest", check_rest },
	{ "no-wake-lost", check_no_wake_lost },
	{ "watchdog", check_watchdog },
	{ "firmware", check_firmware },
	{ "locks-exclude", check_lock_excludes },
	{ "locks-are-watched", check_locks_are_watched },
	{ "files-of-the-host", check_files },
};

int program_main(void)
{
	return ktap_run(checks, COUNT_OF(checks)) == 0 ? STATUS_OK : STATUS_FINDING;
}
