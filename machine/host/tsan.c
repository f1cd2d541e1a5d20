/*
 * tsan.c -- races, by ThreadSanitizer: a second opinion on what race.c finds.
 *
 * The build of //tools/platforms:linux_x86_64_tsan has this file in place of race.c: the same
 * calls, the same points, and another judge, which knows nothing of ours.  Portable code is
 * compiled with -fsanitize=thread, so its plain loads and stores reach ThreadSanitizer by
 * themselves, those to stacks too, which race.c does not see.  What it cannot see is
 * told here: whose turn it is, atomic operations, interrupts, copies (tsan_memory.c), and memory
 * that becomes nobody's.
 *
 * Each virtual CPU is one of its fibers, not each thread of the kernel's: a thread that goes on on
 * another CPU without an order is a race on the machine, and ThreadSanitizer, which takes all that
 * one fiber does for ordered, would not see it otherwise.  The price: a CPU's calls and returns do
 * not match, as threads come and go on it, so they are not told (the toolchain's flags), and a
 * report names the two accesses but nobody's callers.
 *
 * A switch of fibers in a simulation is told to order nothing; outside of one it orders both ways,
 * because who is given a function to run comes after who gave it.  A simulation's begin comes after
 * all that was ever done, and so does what follows its end: nothing is left from run to run.
 *
 * An atomic operation is told as an atomic one on the same word that changes nothing: the load, the
 * store of what is there, or the addition of zero.  Our caller stands in for its caller.
 *
 * A report comes in the middle of an access, under ThreadSanitizer's locks.  It is noted there and
 * then suppressed; the CPU panics at the next point it comes to, before the turn can pass
 * (race_ask).  So a race is a finding like any other, and costs no process.
 *
 * What ThreadSanitizer does not see and race.c does (LLVM 14, tsan_rtl_access.cpp): it keeps four
 * accesses for eight bytes and drops one of them when a fifth comes, and a report whose older
 * access has left its history is not made.  A relaxed store does not end what an earlier release
 * left in a word.
 *
 * Always true:
 *   T1  ThreadSanitizer's current fiber is the CPU that has the turn, or, outside, the first one;
 *   T2  fibers are made in the process that runs scripts: it goes blind in a fork that has any.
 *
 * Locks: none; one thread.  Cost: a switch about 20 ns, an atomic operation 30.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "machine/format.h"
#include "machine/host/arena.h"
#include "machine/host/console.h"
#include "machine/host/lockcheck.h"
#include "machine/host/race_inside.h"
#include "machine/host/symbol.h"

/* From <sanitizer/tsan_interface.h>, which a build of C files does not always find. */
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_acquire(void *at);
void __tsan_release(void *at);
void __tsan_ignore_thread_begin(void);
void __tsan_ignore_thread_end(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
uint32_t __tsan_atomic32_load(const volatile void *at, int order);
uint64_t __tsan_atomic64_load(const volatile void *at, int order);
void __tsan_atomic32_store(volatile void *at, uint32_t value, int order);
void __tsan_atomic64_store(volatile void *at, uint64_t value, int order);
uint32_t __tsan_atomic32_fetch_add(volatile void *at, uint32_t value, int order);
uint64_t __tsan_atomic64_fetch_add(volatile void *at, uint64_t value, int order);
int __tsan_get_report_mop(const void *report, unsigned long n, int *thread, void **at, int *bytes,
			  int *write, int *atomic, void **trace, unsigned long depth);
const char *__tsan_default_options(void);

extern char _end[]; /* the linker's: of the program's variables */

enum { SWITCH_ORDERS = 0, SWITCH_ORDERS_NOT = 1 };
enum { OUTSIDE = LOCKCHECK_OUTSIDE, FIRST_CPU = 1 /* ThreadSanitizer's number of CPU 0 */ };

struct race_window race_window;
bool tsan_found;

/* One of the two that race. */
struct access {
	uintptr_t at;
	epoch_t epoch;
	place_t place;
};

static struct race_window arena;
static struct {
	struct access now, before;
} found;
static void *fiber[OUTSIDE + 1];
static pid_t process; /* that has the fibers; 0: none has yet */
static uint8_t sent[CPUS_MAX];
static bool looks_away;

/* Every race counts, also one seen before; the same two lines may race in many ways.  Library
 * functions are called by models, too. */
const char *__tsan_default_options(void)
{
	return "halt_on_error=0:suppress_equal_stacks=0:suppress_equal_addresses=0:"
	       "ignore_interceptors_accesses=1:report_signal_unsafe=0:history_size=4:"
	       "atexit_sleep_ms=0";
}

/* --- whose turn it is ------------------------------------------------------------------------- */

static void fibers_make(void)
{
	process = getpid();
	fiber[OUTSIDE] = __tsan_get_current_fiber();
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) fiber[cpu] = __tsan_create_fiber(0);
}

/* Outside comes after all that CPUs did. */
static void all_end(void)
{
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		__tsan_switch_to_fiber(fiber[cpu], SWITCH_ORDERS_NOT);
		__tsan_switch_to_fiber(fiber[OUTSIDE], SWITCH_ORDERS);
	}
}

static void all_begin(void)
{
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		__tsan_switch_to_fiber(fiber[cpu], SWITCH_ORDERS);
		__tsan_switch_to_fiber(fiber[OUTSIDE], SWITCH_ORDERS_NOT);
	}
}

void tsan_look_away(bool away)
{
	if (away && !looks_away)
		__tsan_ignore_thread_begin();
	else if (!away && looks_away)
		__tsan_ignore_thread_end();
	looks_away = away;
}

/* Whoever decides may end the run. */
void tsan_turn_to(unsigned slot)
{
	tsan_look_away(false);
	if (process == 0) fibers_make();
	__tsan_switch_to_fiber(fiber[slot],
			       race_window.bytes != 0 ? SWITCH_ORDERS_NOT : SWITCH_ORDERS);
}

void race_arena(void *base, size_t bytes)
{
	arena = (struct race_window){ (uintptr_t)base, bytes };
	given_arena(bytes);
}

void race_begin(unsigned cpus)
{
	(void)cpus;
	ASSERT(arena.bytes != 0);
	if (process == 0) fibers_make();
	if (process != getpid()) host_die("host: a fork of who ran CPUs under ThreadSanitizer");
	all_end();
	all_begin();
	race_window = arena;
}

void race_end(void)
{
	race_window.bytes = 0;
	tsan_found = false;
	all_end();
}

void race_aside(bool aside)
{
	race_window.bytes = aside ? 0 : arena.bytes;
	tsan_look_away(aside);
}

/* --- accesses --------------------------------------------------------------------------------- */

static void *without_const(const void *p)
{
	return (void *)(uintptr_t)p;
}

/* Of what is no range the compiled code tells ThreadSanitizer next. */
void race_access(size_t at, size_t bytes, enum race_kind kind, enum race_how how, const void *pc)
{
	if (how == RACE_RANGE) tsan_range(at, bytes, kind, pc);
}

void race_freed(const void *p, size_t bytes, const void *pc)
{
	if (race_watches() && race_offset(p) < race_window.bytes)
		tsan_range(race_offset(p), bytes, RACE_WRITE, pc);
}

void race_given(const void *p, size_t bytes, const void *pc)
{
	const size_t at = (uintptr_t)p - arena.base;
	if (at < arena.bytes) given_note(at, bytes, place_make(pc, RACE_RANGE));
}

/* ThreadSanitizer forgets what it knows of memory that is mapped anew. */
static void map_anew(void *at, size_t bytes)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	if (mmap(at, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) != at)
		host_die("host: no memory for %zu bytes again", bytes);
}

void tsan_stack_anew(void *stack, size_t bytes)
{
	map_anew(stack, bytes);
}

/* --- orders ----------------------------------------------------------------------------------- */

static void load(const void *word, size_t bytes, int order, const void *pc)
{
	__tsan_func_entry(without_const(pc));
	if (bytes == sizeof(uint32_t))
		__tsan_atomic32_load(word, order);
	else
		__tsan_atomic64_load(word, order);
	__tsan_func_exit();
}

static void store(const void *word, size_t bytes, int order, const void *pc)
{
	void *at = without_const(word);
	__tsan_func_entry(without_const(pc));
	if (bytes == sizeof(uint32_t))
		__tsan_atomic32_store(at, *(const volatile uint32_t *)word, order);
	else
		__tsan_atomic64_store(at, *(const volatile uint64_t *)word, order);
	__tsan_func_exit();
}

void race_acquire(const void *word, size_t bytes, const void *pc)
{
	load(word, bytes, __ATOMIC_ACQUIRE, pc);
}

void race_release(const void *word, size_t bytes, const void *pc)
{
	store(word, bytes, __ATOMIC_RELEASE, pc);
}

void race_acquire_release(const void *word, size_t bytes, const void *pc)
{
	void *at = without_const(word);
	__tsan_func_entry(without_const(pc));
	if (bytes == sizeof(uint32_t))
		__tsan_atomic32_fetch_add(at, 0, __ATOMIC_ACQ_REL);
	else
		__tsan_atomic64_fetch_add(at, 0, __ATOMIC_ACQ_REL);
	__tsan_func_exit();
}

void race_peek(const void *word, size_t bytes, const void *pc)
{
	load(word, bytes, __ATOMIC_RELAXED, pc);
}

void race_poke(const void *word, size_t bytes, const void *pc)
{
	store(word, bytes, __ATOMIC_RELAXED, pc);
}

void race_interrupt_sent(unsigned to)
{
	if (race_watches()) __tsan_release(&sent[to]);
}

void race_interrupt_taken(void)
{
	if (race_watches()) __tsan_acquire(&sent[mach_cpu()]);
}

/* --- reports ---------------------------------------------------------------------------------- */

static enum race_how how_of(int bytes)
{
	switch (bytes) {
	case 1: return RACE_BYTES_1;
	case 2: return RACE_BYTES_2;
	case 4: return RACE_BYTES_4;
	case 8: return RACE_BYTES_8;
	default: return RACE_RANGE;
	}
}

static enum race_kind kind_of(bool write, bool atomic)
{
	if (atomic) return write ? RACE_ATOMIC_WRITE : RACE_ATOMIC_READ;
	return write ? RACE_WRITE : RACE_READ;
}

/* The last frame is what is meant: whoever called the operation, where there is a caller. */
static bool access_of(const void *report, unsigned long n, struct access *access)
{
	enum { DEPTH = 8 };
	void *at = NULL, *trace[DEPTH] = { NULL };
	int thread = 0, bytes = 0, write = 0, atomic = 0;
	if (__tsan_get_report_mop(report, n, &thread, &at, &bytes, &write, &atomic, trace, DEPTH) ==
	    0)
		return false;
	unsigned last = 0;
	while (last + 1 < DEPTH && trace[last + 1] != NULL) last++;
	const unsigned cpu = (unsigned)(thread - FIRST_CPU) % CPUS_MAX;
	access->at = (uintptr_t)at;
	access->epoch = epoch_make(0, kind_of(write != 0, atomic != 0), cpu);
	access->place = place_make(trace[last], how_of(bytes));
	return true;
}

/* Portable code has no variables of its own: the program's are models', which change in one piece
 * and may be written by who is tested, where it returns something. */
static bool is_models(uintptr_t at)
{
	return at - symbol_base() < (uintptr_t)_end - symbol_base();
}

/* ThreadSanitizer's own name for what a program may define to be told first; true: it is not to
 * print anything. */
bool tsan_reports(const void *report,
		  bool suppressed) __asm__("_ZN6__tsan8OnReportEPKNS_10ReportDescEb");

bool tsan_reports(const void *report, bool suppressed)
{
	(void)suppressed;
	if (!tsan_found && access_of(report, 0, &found.now) && !is_models(found.now.at))
		tsan_found = access_of(report, 1, &found.before);
	return true;
}

/* Where it has found a race, ThreadSanitizer looks away when that word is read again, and the same
 * memory is another run's soon.  Mapped anew, with what was there, it is as if never seen. */
static void look_there_again(uintptr_t at)
{
	static uint8_t was[PAGE_SIZE];
	uint8_t *page = (uint8_t *)align_down(at, PAGE_SIZE);
	if (at - arena.base >= arena.bytes) return;
	memcpy(was, page, sizeof(was));
	map_anew(page, sizeof(was));
	memcpy(page, was, sizeof(was));
}

/* From here on the run is over: what words it comes after all that was done in it. */
NORETURN void tsan_panic(void)
{
	char words[RACE_WORDS_BYTES];
	const struct access *now = &found.now, *before = &found.before;
	race_window.bytes = 0;
	tsan_turn_to(OUTSIDE);
	race_end();
	look_there_again(now->at);
	race_words(words, now->at - arena.base, now->epoch, now->place, before->epoch,
		   before->place);
	kpanic("race", "%s", words);
}
