/*
 * el0_program.c -- checks of EL0 on every CPU: what programs have when they begin and keep over
 * calls, interrupts and switches, what they may read, and what ends them, whatever it is.
 *
 * After each check every process is gone, and all memory is where it was.
 */
#include "kernel/abi.h"
#include "kernel/boot.h"
#include "kernel/check/deliberate.h"
#include "kernel/check/el0_run.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/ktap.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "kernel/vm.h"
#include "machine/aarch64/cpu.h"
#include "machine/entry.h"
#include "machine/random.h"

enum { ROUNDS = 300, SPINS = 20000, SWEEP_WORDS = 1024, STUCK_NS = 300000, FAULT_NS = 40000 };

static struct el0_group group;

static void reset(unsigned count)
{
	memset(&group, 0, sizeof(group));
	group.count = count;
}

/* All threads of the group have left, by themselves and well. */
static const char *all_well(void)
{
	if (group.wrong != NULL) return group.wrong;
	for (unsigned i = 0; i < group.count; i++) {
		const struct el0_user *u = &group.users[i];
		if (!u->refused && u->code == 0) continue;
		console_print("# thread %u: code %lu, signal %d, code %d at 0x%lx\n", i, u->code,
			      u->verdict.signal, u->verdict.code, u->verdict.address);
		return u->refused ? "one was refused" : "one says no";
	}
	return NULL;
}

static const char *run(void)
{
	if (!el0_begin(&group)) return "it could not be begun";
	el0_wait();
	return all_well();
}

static void prepare_one(enum el0_name name, uint64_t arg)
{
	reset(1);
	group.users[0].name = name;
	group.users[0].arg = arg;
}

static const char *run_one(enum el0_name name, uint64_t arg)
{
	prepare_one(name, arg);
	return run();
}

/* So many threads of one program, with other arguments, on two CPUs and elsewhere. */
static const char *run_many(enum el0_name name, unsigned count, uint64_t arg, uint64_t step)
{
	reset(count);
	for (unsigned i = 0; i < count; i++)
		group.users[i] = (struct el0_user){
			.name = name,
			.arg = arg + i * step,
			.affinity = i < 2                      ? 1
				    : i < 4 && smp_count() > 1 ? 2
							       : 0,
		};
	return run();
}

/* --- registers -------------------------------------------------------------------------------- */

static const char *check_begins(void)
{
	return run_one(EL0_AT_begins, 0);
}

/* After others have had theirs on this CPU. */
static const char *check_begins_again(void)
{
	const char *wrong = run_many(EL0_AT_floats, 4, 3, 0x10000);
	return wrong != NULL ? wrong : run_many(EL0_AT_begins, EL0_THREADS_MAX, 0, 0);
}

static const char *check_keeps(void)
{
	return run_many(EL0_AT_keeps, 4, ROUNDS, 1);
}

static const char *check_preempted(void)
{
	return run_many(EL0_AT_preempted, 6, SPINS, 1);
}

static const char *check_tls(void)
{
	return run_many(EL0_AT_tls, EL0_THREADS_MAX, 0x123456780000 + ROUNDS, 0x98760000);
}

static const char *check_floats(void)
{
	return run_many(EL0_AT_floats, EL0_THREADS_MAX, 0x7654320000 + ROUNDS, 0x10000);
}

static const char *check_floats_shown(void)
{
	reset(2);
	group.users[0] = (struct el0_user){ .name = EL0_AT_floats_shown, .arg = 0x1c0009f };
	group.users[1] = (struct el0_user){ .name = EL0_AT_floats_inherited,
					    .arg = 0x1c0009f,
					    .later = true };
	return run();
}

/* --- what is allowed -------------------------------------------------------------------------- */

static const char *check_reads(void)
{
	return run_one(EL0_AT_reads, 0);
}

static const char *check_waits(void)
{
	return run_one(EL0_AT_waits, 0);
}

static const char *check_tagged(void)
{
	return run_one(EL0_AT_tagged, 0);
}

/* Pages come and go, on all CPUs at once. */
static const char *check_maps(void)
{
	return run_many(EL0_AT_maps, EL0_THREADS_MAX, ROUNDS, 1);
}

/* Faults of programs, while somebody more urgent comes between at any instruction and has faults of
 * its own: what a fault's registers said is not asked too late. */
static void fault_often(void *over)
{
	struct random random = { .state = 13 };
	while (atomic_load_u32(over) == 0) {
		kthread_sleep(FAULT_NS + random_below(&random, FAULT_NS));
		probe_read(PAGE_SIZE);
	}
}

static const char *check_faults(void)
{
	static struct kthread_end gone;
	uint32_t over = 0;
	const struct kthread_how how = {
		.entry = fault_often, .arg = &over, .affinity = 1, .end = &gone
	};
	kthread_end_init(&gone);
	if (kthread_spawn(&how) == THREAD_NONE) return "no thread";
	reset(2);
	for (unsigned i = 0; i < group.count; i++)
		group.users[i] = (struct el0_user){ .name = EL0_AT_maps,
						    .arg = 63ull << 32 | ROUNDS / 5,
						    .affinity = 1 };
	const char *wrong = run();
	atomic_store_u32(&over, 1);
	kthread_wait(&gone);
	return wrong;
}

/* A program that never leaves EL0 delays nobody, and ends. */
static const char *spin(unsigned count, uint32_t affinity)
{
	reset(count);
	for (unsigned i = 0; i < count; i++)
		group.users[i] = (struct el0_user){ .name = EL0_AT_spins, .affinity = affinity };
	if (!el0_begin(&group)) return "it could not be begun";
	for (unsigned i = 0; i < 10; i++) kthread_sleep(1000000);
	for (unsigned i = 0; i < group.count; i++) el0_end(&group.users[i]);
	el0_wait();
	for (unsigned i = 0; i < group.count; i++)
		if (!group.users[i].ended) return "one did not end so";
	return NULL;
}

/* On the last CPU; then on all, and one more. */
static const char *check_spins(void)
{
	const unsigned cpus = smp_count();
	const char *wrong = spin(1, 1u << (cpus - 1));
	return wrong != NULL ? wrong : spin(cpus < EL0_THREADS_MAX ? cpus + 1 : cpus, 0);
}

/* --- what is not ------------------------------------------------------------------------------ */

#define IMAGE (KERNEL_WINDOW + IMAGE_OFFSET)
#define RAM (DIRECT_BASE + 0x40000000)

/* PC: si_addr is that of the instruction; ARG: what x0 was; else a number. */
enum { AT_PC = 1, AT_ARG = 2 };

/* QEMU 7.2 does not look whether SP is aligned, reads MDCCSR_EL0 in spite of MDSCR_EL1.TDCC, and
 * looks for the page before the alignment of PC: so these are not here. */

static const struct hostile {
	uint8_t name, signal, code;
	uint64_t arg, address;
} hostiles[] = {
	{ EL0_AT_load, SIGSEGV, SEGV_MAPERR, 0, AT_ARG },
	{ EL0_AT_load, SIGSEGV, SEGV_MAPERR, PAGE_SIZE, AT_ARG },
	{ EL0_AT_load, SIGSEGV, SEGV_MAPERR, IMAGE, AT_ARG },
	{ EL0_AT_load, SIGSEGV, SEGV_MAPERR, RAM, AT_ARG },
	{ EL0_AT_load, SIGSEGV, SEGV_MAPERR, STACKS_WINDOW, AT_ARG },
	{ EL0_AT_load, SIGSEGV, SEGV_MAPERR, USER_END, AT_ARG },
	{ EL0_AT_load, SIGSEGV, SEGV_MAPERR, USER_END - 8, AT_ARG },
	{ EL0_AT_load, SIGSEGV, SEGV_MAPERR, KERNEL_START - 8, KERNEL_START - 8 },
	{ EL0_AT_load, SIGSEGV, SEGV_MAPERR, UINT64_MAX - 7, AT_ARG },
	{ EL0_AT_load, SIGSEGV, SEGV_MAPERR, 0x5a00000000001000, PAGE_SIZE },
	{ EL0_AT_load_float, SIGSEGV, SEGV_MAPERR, IMAGE, AT_ARG },
	{ EL0_AT_store, SIGSEGV, SEGV_MAPERR, 0, AT_ARG },
	{ EL0_AT_store, SIGSEGV, SEGV_MAPERR, IMAGE, AT_ARG },
	{ EL0_AT_store, SIGSEGV, SEGV_MAPERR, RAM, AT_ARG },
	{ EL0_AT_store, SIGSEGV, SEGV_ACCERR, EL0_CODE, AT_ARG },
	{ EL0_AT_store, SIGSEGV, SEGV_ACCERR, EL0_DATA + PAGE_SIZE, AT_ARG },
	{ EL0_AT_store, SIGSEGV, SEGV_ACCERR, EL0_DATA + PAGE_SIZE - 4, EL0_DATA + PAGE_SIZE },
	{ EL0_AT_jump, SIGSEGV, SEGV_MAPERR, 0, AT_ARG },
	{ EL0_AT_jump, SIGSEGV, SEGV_MAPERR, IMAGE, AT_ARG },
	{ EL0_AT_jump, SIGSEGV, SEGV_MAPERR, RAM, AT_ARG },
	{ EL0_AT_jump, SIGSEGV, SEGV_MAPERR, USER_END, AT_ARG },
	{ EL0_AT_jump, SIGSEGV, SEGV_ACCERR, EL0_DATA, AT_ARG },
	{ EL0_AT_jump, SIGBUS, BUS_ADRALN, EL0_CODE + 2, AT_ARG },
	{ EL0_AT_load_exclusive, SIGBUS, BUS_ADRALN, EL0_DATA + 1, AT_ARG },
	{ EL0_AT_stack_kernel, SIGSEGV, SEGV_MAPERR, RAM + 16, RAM },
	{ EL0_AT_deep, SIGSEGV, SEGV_MAPERR, 100, EL0_STACKS - PAGE_SIZE },
	{ EL0_AT_break_point, SIGTRAP, TRAP_BRKPT, 0, AT_PC },
	{ EL0_AT_undefined, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_hypervisor, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_secure, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_halt, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_exception_return, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_read_control, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_read_table, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_read_kernel_thread, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_read_physical_counter, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_read_timer, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_read_events, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_write_thread, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_write_vectors, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_write_timer, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_mask, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_unmask, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_choose_stack, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_forget, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_forget_cache, SIGILL, ILL_ILLOPC, 0, AT_PC },
	{ EL0_AT_drop_line, SIGILL, ILL_ILLOPC, EL0_DATA, AT_PC },
	{ EL0_AT_translate, SIGILL, ILL_ILLOPC, IMAGE, AT_PC },
};

extern const uint32_t el0_users_at[];

static bool ends_as(const struct hostile *h, const struct el0_user *u)
{
	const uint64_t at = h->address == AT_PC    ? EL0_CODE + el0_users_at[h->name]
			    : h->address == AT_ARG ? h->arg
						   : h->address;
	return u->refused && u->verdict.signal == h->signal && u->verdict.code == h->code &&
	       u->verdict.address == at;
}

static const char *check_hostiles(void)
{
	const char *wrong = NULL;
	for (unsigned i = 0; i < COUNT_OF(hostiles); i++) {
		const struct hostile *h = &hostiles[i];
		const struct el0_user *u = &group.users[0];
		prepare_one((enum el0_name)h->name, h->arg);
		if (!el0_begin(&group)) return "it could not be begun";
		el0_wait();
		if (group.wrong == NULL && ends_as(h, u)) continue;
		console_print("# hostile %u (0x%lx): code %lu, signal %d code %d at 0x%lx\n", i,
			      h->arg, u->code, u->verdict.signal, u->verdict.code,
			      u->verdict.address);
		wrong = "another verdict";
	}
	return wrong;
}

/* Words drawn at random as instructions, each with all that a program can have in its registers,
 * and each followed by a BRK.  Some branch in a circle, or wait: these are ended. */
static const char *check_any_word(void)
{
	static uint32_t code[2 * SWEEP_WORDS];
	struct random random = { .state = 20 };
	for (unsigned i = 0; i < COUNT_OF(code); i += 2) {
		code[i] = (uint32_t)random_u64(&random);
		code[i + 1] = 0xd4200000;
	}
	reset(1);
	group.code = code;
	group.users[0].sweeps = SWEEP_WORDS;
	if (!el0_begin(&group)) return "it could not be begun";
	uint32_t seen = 0;
	struct process_counts now;
	do {
		kthread_sleep(STUCK_NS);
		const uint32_t at = atomic_load_u32(&group.users[0].at);
		if (at == seen) el0_end(&group.users[0]);
		seen = at;
		process_count(&kernel_processes, &now);
	} while (now.processes != 0);
	return seen == SWEEP_WORDS - 1 ? group.wrong : "it ended too soon";
}

/* --- afterwards ------------------------------------------------------------------------------- */

static uint32_t pages_free(void)
{
	struct page_counts now;
	process_world_drain(&kernel_processes);
	page_count(&kernel_pages, &now);
	return now.free;
}

static uint32_t pages_before;

static const char *check_pages_back(void)
{
	const uint32_t now = pages_free();
	if (now != pages_before) console_print("# %u pages free, then %u\n", pages_before, now);
	return now == pages_before ? process_check(&kernel_processes) : "pages are missing";
}

/* --- what the trace says of programs' calls --------------------------------------------------- */

static void hog(void *unused)
{
	(void)unused;
	cpu_irq_mask();
	for (;;) mach_relax();
}

/* A program hangs in a call; or it has left one, and somebody else its CPU. */
static int hang(enum el0_name name)
{
	const struct kthread_how how = { .entry = hog, .affinity = 2, .priority = 0 };
	deliberate("hang");
	prepare_one(name, 0x1234);
	group.users[0].affinity = 2;
	el0_begin(&group);
	kthread_sleep(2000000);
	if (name == EL0_AT_spins) kthread_spawn(&how);
	el0_wait();
	return STATUS_FINDING;
}

static const struct ktap_check checks[] = {
	{ "begins", check_begins },
	{ "begins-again", check_begins_again },
	{ "spins", check_spins },
	{ "keeps-registers", check_keeps },
	{ "keeps-registers-preempted", check_preempted },
	{ "thread-register", check_tls },
	{ "floating-point", check_floats },
	{ "floating-point-shown", check_floats_shown },
	{ "reads", check_reads },
	{ "waits", check_waits },
	{ "tagged", check_tagged },
	{ "maps", check_maps },
	{ "faults", check_faults },
	{ "hostiles", check_hostiles },
	{ "any-word", check_any_word },
	{ "pages-back", check_pages_back },
};

int program_main(void)
{
	el0_open();
	if (bootarg_says(boot.platform.bootargs, "el0", "hangs")) return hang(EL0_AT_hangs);
	if (bootarg_says(boot.platform.bootargs, "el0", "starves")) return hang(EL0_AT_spins);
	run_one(EL0_AT_begins, 0); /* what is kept from the first time on, is */
	pages_before = pages_free();
	return ktap_run(checks, COUNT_OF(checks)) == 0 ? STATUS_OK : STATUS_FINDING;
}
