/*
 * el0_run.c -- processes whose threads run el0_users.S.
 *
 * Each process has its own copy of the programs, data of which a page may not be written, and a
 * stack for each thread.  The first thread makes all that in its space, and begins the others
 * before it goes to EL0 itself.
 *
 * Locks: none; a thread's struct el0_user is written by itself, but for `work`.
 */
#include "kernel/check/el0_run.h"

#include "kernel/abi.h"
#include "kernel/ksched.h"
#include "kernel/ktrace.h"
#include "kernel/vm.h"
#include "machine/aarch64/cpu.h"
#include "mm/usercopy.h"

extern const char el0_users[], el0_users_end[];
extern const uint32_t el0_users_at[];

#define PATIENCE_NS 20000000000ull

enum { POLL_NS = 50000, DATA_WORD = 0x5eed, SLOT_BYTES = 8 };

/* --- a thread's way to EL0 -------------------------------------------------------------------- */

static uint64_t stack_of(const struct el0_user *u)
{
	const uint64_t number = (uint64_t)(u - u->group->users);
	return EL0_STACKS + number * (EL0_STACK_BYTES + 4 * PAGE_SIZE);
}

static uint64_t code_of(const struct el0_user *u)
{
	if (u->sweeps != 0) return EL0_CODE + (uint64_t)SLOT_BYTES * u->at;
	return EL0_CODE + el0_users_at[u->name];
}

static bool map(struct space *s, uint64_t at, uint64_t bytes)
{
	return space_mmap(s, at, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, NULL, 0,
			  SITE_NONE) == (int64_t)at;
}

static const char *set_up(struct el0_group *g)
{
	struct space *s = g->space;
	const uint64_t word = DATA_WORD;
	const bool sweeps = g->code != NULL;
	const void *code = sweeps ? (const void *)g->code : (const void *)el0_users;
	const uint64_t bytes = sweeps ? (uint64_t)SLOT_BYTES * g->users[0].sweeps
				      : (uint64_t)(el0_users_end - el0_users);
	if (!map(s, EL0_CODE, bytes) || !map(s, EL0_DATA, 2 * PAGE_SIZE)) return "no room";
	for (unsigned i = 0; i < g->count; i++)
		if (!map(s, stack_of(&g->users[i]), EL0_STACK_BYTES)) return "no room for stacks";
	if (user_copy_out(s, EL0_CODE, code, bytes) != 0) return "no code";
	if (user_copy_out(s, EL0_DATA, &word, sizeof(word)) != 0) return "no data";
	if (space_mprotect(s, EL0_CODE, bytes, PROT_READ | PROT_EXEC) != 0 ||
	    space_mprotect(s, EL0_DATA + PAGE_SIZE, PAGE_SIZE, PROT_READ) != 0)
		return "no rights";
	return NULL;
}

void el0_fresh(struct el0_user *u)
{
	memset(u->regs, 0, sizeof(*u->regs));
	u->regs->x[0] = u->arg;
	u->regs->sp = stack_of(u) + EL0_STACK_BYTES;
}

static NORETURN void leave(struct el0_user *u, uint64_t code)
{
	u->code = code;
	u->to_ns = mach_now_ns();
	process_thread_exit(&kernel_processes, code);
}

static void begin_others(struct el0_group *g);

static void enter(void *arg)
{
	struct el0_user *u = arg;
	struct el0_group *g = u->group;
	const struct thread *t = sched_current(&kernel_sched);
	if (g->space == NULL) {
		g->space = process_space(&kernel_processes);
		g->wrong = set_up(g);
		if (g->wrong != NULL) leave(u, 1);
		begin_others(g);
	}
	u->regs = mach_user_regs(t->stack, t->stack_bytes);
	el0_fresh(u);
	u->regs->pc = code_of(u);
	if (u->floats != NULL) mach_fp_load(u->floats);
	mach_irq_save(); /* until EL0 */
	u->from_ns = mach_now_ns();
	mach_user_enter(u->regs, u, &u->work);
}

static struct process_how how_of(struct el0_user *u)
{
	return (struct process_how){ .entry = enter,
				     .arg = u,
				     .class = SLOT_USER,
				     .priority = PRIORITY_NORMAL,
				     .affinity = u->affinity };
}

static void begin_one(struct el0_user *u)
{
	thread_id thread;
	const struct process_how how = how_of(u);
	if (process_thread_spawn(&kernel_processes, u->group->id, &how, &thread) != 0)
		u->group->wrong = "a thread could not be begun";
}

static void begin_others(struct el0_group *g)
{
	for (unsigned i = 1; i < g->count; i++)
		if (!g->users[i].later) begin_one(&g->users[i]);
}

bool el0_begin(struct el0_group *g)
{
	for (unsigned i = 0; i < g->count; i++) g->users[i].group = g;
	const struct process_how how = how_of(&g->users[0]);
	return process_spawn(&kernel_processes, PROCESS_NONE, &how, &g->id) == 0;
}

void el0_wait(void)
{
	const uint64_t patience_ns = mach_now_ns() + PATIENCE_NS;
	struct process_counts now;
	for (;;) {
		process_count(&kernel_processes, &now);
		if (now.processes == 0) return;
		if (mach_now_ns() > patience_ns) kpanic("hang", "a program does not end");
		kthread_sleep(POLL_NS);
	}
}

void el0_end(struct el0_user *u)
{
	atomic_store_u32(&u->work, 1);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) mach_ipi(cpu);
}

/* --- what comes from EL0 ---------------------------------------------------------------------- */

/* The next word of a sweep, which may use any of what there is, and what there is not. */
static void sweep_on(struct el0_user *u)
{
	static const uint64_t values[] = {
		EL0_DATA,
		EL0_DATA + 3,
		EL0_CODE,
		0,
		UINT64_MAX,
		DIRECT_BASE + 0x40000000,
		KERNEL_WINDOW + IMAGE_OFFSET,
		1ull << 48,
		0x7654321,
		STACKS_WINDOW,
	};
	const uint32_t at = u->at + 1;
	if (at >= u->sweeps) leave(u, 0);
	atomic_store_u32(&u->at, at);
	el0_fresh(u);
	u->regs->pc = code_of(u);
	for (unsigned i = 0; i < 31; i++) u->regs->x[i] = values[(at + i) % COUNT_OF(values)];
}

static void fork_floats(struct el0_user *u)
{
	struct el0_user *child = u + 1;
	mach_fp_store(&u->group->forked);
	child->floats = &u->group->forked;
	begin_one(child);
}

static uint64_t map_pages(struct el0_user *u)
{
	const uint64_t bytes = u->regs->x[0] * PAGE_SIZE;
	return (uint64_t)space_mmap(u->group->space, 0, bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, SITE_NONE);
}

static void hang(void)
{
	cpu_irq_mask();
	for (;;) mach_relax();
}

static void other_call(struct el0_user *u, struct user_regs *r)
{
	switch (r->x[8]) {
	case EL0_EXIT: leave(u, r->x[0]);
	case EL0_ADD_ONE: r->x[0]++; return;
	case EL0_YIELD: kthread_yield(); return;
	case EL0_FORK_FLOATS: fork_floats(u); return;
	case EL0_KEEP_FLOATS: mach_fp_store(&u->group->kept); return;
	case EL0_BRING_FLOATS: mach_fp_load(&u->group->kept); return;
	case EL0_MAP: r->x[0] = map_pages(u); return;
	case EL0_HANG: hang(); return;
	case EL0_UNMAP: space_munmap(u->group->space, r->x[0], r->x[1] * PAGE_SIZE); return;
	default: r->x[0] = (uint64_t)-ERR_NOSYS; return;
	}
}

static NOINLINE void call_traced(struct el0_user *u)
{
	const uint32_t number = (uint32_t)u->regs->x[8];
	ktrace_call_entered(number, u->regs->x);
	other_call(u, u->regs);
	ktrace_call_left(number, (int64_t)u->regs->x[0]);
}

static void call(void *who)
{
	struct el0_user *u = who;
	if (LIKELY(u->regs->x[8] == EL0_NOTHING)) return;
	if (u->sweeps != 0)
		sweep_on(u);
	else if (UNLIKELY(ktrace_calls != 0))
		call_traced(u);
	else
		other_call(u, u->regs);
}

static void fault(void *who, uint64_t esr, uint64_t far)
{
	struct el0_user *u = who;
	struct trap_verdict v;
	if (!trap_refused(u->group->space, u->regs, esr, far, &v)) return;
	if (u->sweeps != 0) {
		sweep_on(u);
		return;
	}
	u->refused = true;
	u->verdict = v;
	leave(u, 1);
}

static void work(void *who)
{
	struct el0_user *u = who;
	atomic_store_u32(&u->work, 0);
	if (u->sweeps != 0) {
		sweep_on(u);
		return;
	}
	u->ended = true;
	leave(u, 0);
}

void el0_open(void)
{
	static struct cpu_handlers with_users;
	with_users = *cpu_handlers_now();
	with_users.call = call;
	with_users.fault = fault;
	with_users.work = work;
	cpu_handlers_set(&with_users);
}
