/*
 * trap_task.c -- from EL0 to tasks: system calls, faults, and what came up meanwhile.
 *
 * Who is at EL0 is known by its struct task, which lies with its registers at the top of its kernel
 * stack (mach_user_enter()); so a call is on its way with a load, and what is to be done before the
 * program goes on (t->work) is looked at with another.
 *
 * Locks: none here.  Cost: a call that does nothing 100 instructions, from SVC to what is next.
 */
#include "kernel/trap_task.h"

#include "kernel/ksched.h"
#include "kernel/ktrace.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/mark.h"
#include "kernel/trap.h"
#include "machine/aarch64/cpu.h"

static void call_traced(void *who)
{
	struct task *t = who;
	const struct user_regs *r = t->regs;
	const uint32_t number = (uint32_t)r->x[8];
	ktrace_call_entered(number, r->x);
	syscall_do(t);
	ktrace_call_left(number, (int64_t)t->regs->x[0]);
}

static void call(void *who)
{
	syscall_do(who);
}

static void fault_answered(struct task *t, struct space *s)
{
	atomic_store_u64(&t->faults, t->faults + 1);
	mark_grew(t, s);
}

static void fault(void *who, uint64_t esr, uint64_t far)
{
	struct task *t = who;
	struct space *s = t->space;
	struct trap_verdict v;
	if (trap_refused(s, t->regs, esr, far, &v))
		task_fault(t, v.signal, v.code, v.address);
	else
		fault_answered(t, s);
}

static void work(void *who)
{
	task_work(who);
}

void trap_open(void)
{
	static struct cpu_handlers with_tasks;
	with_tasks = *cpu_handlers_now();
	with_tasks.call = ktrace_calls != 0 ? call_traced : call; /* as the boot arguments say */
	with_tasks.fault = fault;
	with_tasks.work = work;
	cpu_handlers_set(&with_tasks);
}

NORETURN void trap_run(struct task *t)
{
	mach_irq_save(); /* until EL0 */
	mach_tls_set(t->tls);
	mach_user_enter(t->regs, t, &t->work);
}
