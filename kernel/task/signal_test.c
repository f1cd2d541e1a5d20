/*
 * signal_test.c -- signals on one CPU: who takes them, what they lead to, frames on a program's
 * stack and the way back, interrupted calls, waiting, stopping.
 *
 * A handler is an address; that it runs is seen in the registers, and that it returns is a call of
 * signal_return().
 */
#include "kernel/task/test_task.h"

enum { HANDLER = 0x400000, RESTORER = 0x500000, HERE = 0x600000 };

static const uint64_t stack_at = 0x200000, stack_bytes = 16 * PAGE_SIZE;
static const uint64_t alt_at = 0x300000;
static uint32_t ran, marks;

static void others_run(void)
{
	for (unsigned i = 0; i < 2 * TEST_THREADS; i++) sched_yield_cpu(&tw->sched);
}

static void map(uint64_t at, uint64_t bytes)
{
	EXPECT(space_mmap(process_space(W), at, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0,
			  TEST_SITE) == (int64_t)at);
}

static void has_stack(struct task *t)
{
	map(stack_at, stack_bytes);
	t->regs->sp = stack_at + stack_bytes;
	t->regs->pc = HERE;
	for (unsigned i = 0; i < 31; i++) t->regs->x[i] = 1000 + i;
}

static void handles(struct task *t, int sig, uint64_t flags, sigset mask)
{
	const struct abi_sigaction a = { .handler = HANDLER, .flags = flags, .mask = mask };

	EXPECT(signal_action(t, sig, &a, NULL) == 0);
}

static void acts(struct task *t, int sig, uint64_t handler)
{
	const struct abi_sigaction a = { .handler = handler };

	EXPECT(signal_action(t, sig, &a, NULL) == 0);
}

static void to_self(struct task *t, int sig)
{
	EXPECT(signal_kill_task(t, t->group->pid, t->tid, sig) == 0);
}

/* In its handler, for that signal. */
static void in_handler(struct task *t, int sig)
{
	goes_back(t);
	EXPECT(t->regs->pc == HANDLER && t->regs->x[0] == (uint64_t)sig);
}

static struct abi_sigframe frame;

static void read_frame(struct task *t)
{
	EXPECT(user_copy_in(process_space(W), &frame, t->regs->sp, sizeof frame) == 0);
}

static void write_frame(struct task *t)
{
	EXPECT(user_copy_out(process_space(W), t->regs->sp, &frame, sizeof frame) == 0);
}

static void returns(struct task *t)
{
	signal_return(t);
	goes_back(t);
}

/* --- frames ----------------------------------------------------------------------------------- */

static void frame_and_back(struct task *t)
{
	struct mach_fp fp, now;
	struct user_regs before;

	has_stack(t);
	memset(&fp, 0x5a, sizeof fp);
	memset(fp.bytes + 516, 0, 4); /* FPSR and FPCR have 32 bits */
	memset(fp.bytes + 524, 0, 4);
	mach_fp_load(&fp);
	handles(t, SIGUSR1, SA_SIGINFO, signal_bit(SIGUSR2));
	to_self(t, SIGUSR1);
	before = *t->regs;
	in_handler(t, SIGUSR1);
	EXPECT(t->mask == (signal_bit(SIGUSR1) | signal_bit(SIGUSR2)));
	EXPECT(t->regs->sp % 16 == 0 && t->regs->x[29] == before.sp - 16);
	EXPECT(t->regs->sp == before.sp - 16 - sizeof frame);
	EXPECT(t->regs->x[30] == TASK_TRAMPOLINE && t->regs->x[1] == t->regs->sp);
	EXPECT(t->regs->x[2] == t->regs->sp + sizeof frame.info);
	read_frame(t);
	EXPECT(frame.info.signo == SIGUSR1 && frame.info.code == SI_TKILL);
	EXPECT(frame.info.sent.pid == t->group->pid && frame.uc.mask == 0);
	EXPECT(memcmp(frame.uc.mcontext.regs, before.x, sizeof before.x) == 0);
	EXPECT(frame.uc.mcontext.pc == HERE && frame.uc.mcontext.sp == before.sp);
	memset(&now, 0, sizeof now);
	mach_fp_load(&now);
	t->regs->x[5] = 99;
	returns(t);
	EXPECT(memcmp(t->regs, &before, sizeof before) == 0 && t->mask == 0);
	mach_fp_store(&now);
	EXPECT(memcmp(&now, &fp, sizeof fp) == 0);
}

/* Whatever stands in a frame, the program stays at EL0, with what it may have. */
static void hostile_state(struct task *t)
{
	has_stack(t);
	handles(t, SIGUSR1, SA_RESTORER, 0);
	to_self(t, SIGUSR1);
	in_handler(t, SIGUSR1);
	EXPECT(t->regs->x[1] == 1001 && t->regs->x[30] == 0); /* as it asked */
	read_frame(t);
	frame.uc.mcontext.pstate = 0xf00003c5; /* EL1h, all masked */
	frame.uc.mask = ~(sigset)0;
	write_frame(t);
	handles(t, SIGSEGV, SA_SIGINFO, 0);
	signal_return(t);
	EXPECT((t->regs->pstate & 0x3ff) == 0);
	EXPECT((t->mask & SIGNALS_HARD) == 0);
	EXPECT(t->group->ending); /* SIGSEGV was blocked, so nothing catches it */
	goes_back(t);
	EXPECT(false);
}

static void hostile_records(struct task *t)
{
	has_stack(t);
	handles(t, SIGUSR1, SA_SIGINFO, 0);
	handles(t, SIGSEGV, SA_SIGINFO | SA_NODEFER, 0);
	for (unsigned kind = 0; kind < 6; kind++) {
		struct abi_record *head = (struct abi_record *)frame.uc.mcontext.records;
		const uint64_t sp = t->regs->sp = stack_at + stack_bytes;
		t->regs->pc = HERE;
		to_self(t, SIGUSR1);
		in_handler(t, SIGUSR1);
		read_frame(t);
		switch (kind) {
		case 0: head->bytes = 0; break;
		case 1: head->bytes = 5000; break;
		case 2: head->bytes = 520; break;
		case 3: head->magic = 0x12345678; break;
		case 4: head->magic = 0; break;
		case 5: memcpy(frame.uc.mcontext.records + 528, head, 528); break;
		}
		write_frame(t);
		signal_return(t);
		in_handler(t, SIGSEGV);
		EXPECT(t->regs->sp < sp);
	}
	t->regs->sp = stack_at + 8; /* no frame is there */
	signal_return(t);
	EXPECT(t->fault_address == stack_at + 8);
	goes_back(t); /* no room for a frame either: that is the end */
	EXPECT(false);
}

static void alt_stack(struct task *t)
{
	const struct abi_sigaltstack alt = { .sp = alt_at, .bytes = 4 * PAGE_SIZE };
	struct abi_sigaltstack was, small = { .sp = alt_at, .bytes = MINSIGSTKSZ - 1 };

	has_stack(t);
	map(alt_at, 4 * PAGE_SIZE);
	EXPECT(signal_stack(t, t->regs->sp, &small, NULL) == -ERR_NOMEM);
	small.flags = 4;
	EXPECT(signal_stack(t, t->regs->sp, &small, NULL) == -ERR_INVAL);
	EXPECT(signal_stack(t, t->regs->sp, &alt, &was) == 0 && was.flags == SS_DISABLE);
	handles(t, SIGUSR1, SA_ONSTACK | SA_SIGINFO, 0);
	handles(t, SIGUSR2, SA_ONSTACK, 0);
	to_self(t, SIGUSR1);
	in_handler(t, SIGUSR1);
	const uint64_t first = t->regs->sp;
	EXPECT(first > alt_at && first < alt_at + 4 * PAGE_SIZE);
	EXPECT(signal_stack(t, first, &alt, NULL) == -ERR_PERM);
	EXPECT(signal_stack(t, first, NULL, &was) == 0 && was.flags == SS_ONSTACK);
	read_frame(t);
	EXPECT(frame.uc.stack.sp == alt_at && frame.uc.stack.flags == 0);
	to_self(t, SIGUSR2); /* on that stack already: below */
	in_handler(t, SIGUSR2);
	EXPECT(t->regs->sp < first && t->regs->sp > alt_at);
	returns(t);
	EXPECT(t->regs->sp == first);
	returns(t);
	EXPECT(t->regs->sp == stack_at + stack_bytes);
}

static void no_stack(struct task *t)
{
	t->regs->sp = 0x10;
	handles(t, SIGUSR1, 0, 0);
	to_self(t, SIGUSR1);
	goes_back(t);
	EXPECT(false);
}

/* --- actions ---------------------------------------------------------------------------------- */

static void flags_of_actions(struct task *t)
{
	struct abi_sigaction was;

	has_stack(t);
	handles(t, SIGUSR1, SA_RESETHAND | SA_NODEFER, 0);
	to_self(t, SIGUSR1);
	in_handler(t, SIGUSR1);
	EXPECT(t->mask == 0);
	EXPECT(signal_action(t, SIGUSR1, NULL, &was) == 0 && was.handler == SIG_DEFAULT);
	EXPECT(signal_action(t, SIGKILL, &was, NULL) == -ERR_INVAL);
	EXPECT(signal_action(t, SIGSTOP, &was, NULL) == -ERR_INVAL);
	EXPECT(signal_action(t, 65, NULL, NULL) == -ERR_INVAL);
	EXPECT(signal_mask(t, ~(sigset)0) == 0 && t->mask == ~SIGNALS_HARD);
	to_self(t, SIGUSR2);
	EXPECT(signal_pending(t) == signal_bit(SIGUSR2));
	acts(t, SIGUSR2, SIG_IGNORE); /* what is ignored now is forgotten */
	EXPECT(signal_pending(t) == 0);
	to_self(t, SIGUSR2); /* blocked, so it is not */
	EXPECT(signal_pending(t) == signal_bit(SIGUSR2));
	acts(t, SIGUSR2, HANDLER);
	signal_mask(t, 0);
	in_handler(t, SIGUSR2);
}

static void waits_to_die(struct task *t)
{
	ran++;
	(void)sched_sleep_heeding(&tw->sched, WAIT_FOREVER);
	goes_back(t);
	marks++;
	task_exit_group(t, 1);
}

static void defaults(struct task *t)
{
	static const int end[] = { SIGHUP, SIGSEGV, SIGABRT, SIGALRM, SIGRTMIN, SIGRTMAX };
	static const int nothing[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };

	for (unsigned i = 0; i < COUNT_OF(end); i++) {
		const int32_t pid = forks(t, waits_to_die);
		others_run();
		EXPECT(signal_kill(t, pid, end[i]) == 0);
		waits_for(t, pid, end[i]);
	}
	EXPECT(marks == 0);
	const int32_t pid = forks(t, waits_to_die);
	others_run();
	for (unsigned i = 0; i < COUNT_OF(nothing); i++)
		EXPECT(signal_kill(t, pid, nothing[i]) == 0);
	others_run();
	EXPECT(marks == 0 && signal_kill(t, pid, SIGKILL) == 0);
	waits_for(t, pid, SIGKILL);
	to_self(t, SIGTERM); /* the first program is not to be had so */
	to_self(t, SIGKILL);
	goes_back(t);
	EXPECT(signal_kill(t, 77, SIGTERM) == -ERR_SRCH);
	EXPECT(signal_kill(t, 1, 65) == -ERR_INVAL && signal_kill(t, 1, 0) == 0);
	EXPECT(signal_kill(t, INT32_MIN, 9) == -ERR_SRCH);
	EXPECT(signal_kill(t, -1, 9) == -ERR_SRCH); /* nobody else is there */
	EXPECT(signal_kill_task(t, 2, 1, 9) == -ERR_SRCH);
	EXPECT(signal_kill_task(t, 0, 0, 9) == -ERR_INVAL);
}

static void queues(struct task *t)
{
	struct abi_siginfo info = { .code = SI_QUEUE };

	has_stack(t);
	signal_mask(t, signal_bit(SIGRTMIN) | signal_bit(SIGUSR1));
	for (uint64_t i = 0; i < 3; i++) {
		info.sent.value = 10 + i;
		EXPECT(signal_queue(t, 1, SIGRTMIN, &info) == 0);
		EXPECT(signal_queue(t, 1, SIGUSR1, &info) == 0);
	}
	t->group->limits[RLIMIT_SIGPENDING].soft = 4;
	EXPECT(signal_queue(t, 1, SIGRTMIN, &info) == -ERR_AGAIN);
	info.code = SI_USER;
	EXPECT(signal_queue(t, 2, SIGRTMIN, &info) == -ERR_PERM);
	test_must(task_check(TW));
	EXPECT(signal_wait(t, signal_bit(SIGUSR1), 0, &info) == SIGUSR1);
	EXPECT(info.sent.value == 10); /* once */
	EXPECT(signal_wait(t, signal_bit(SIGUSR1), 0, &info) == -ERR_AGAIN);
	for (uint64_t i = 0; i < 3; i++) {
		EXPECT(signal_wait(t, ~(sigset)0, 0, &info) == SIGRTMIN);
		EXPECT(info.sent.value == 10 + i && info.code == SI_QUEUE);
	}
	EXPECT(t->group->noted == 0);
}

/* What a program did itself comes first. */
static void order(struct task *t)
{
	has_stack(t);
	handles(t, SIGUSR1, SA_NODEFER, 0);
	handles(t, SIGBUS, SA_NODEFER, 0);
	handles(t, SIGHUP, SA_NODEFER, 0);
	EXPECT(signal_kill(t, 1, SIGHUP) == 0);
	to_self(t, SIGUSR1);
	task_fault(t, SIGBUS, BUS_ADRALN, 0x1234);
	task_work(t);
	EXPECT(t->regs->x[0] == SIGBUS && t->fault_address == 0x1234);
	task_work(t);
	EXPECT(t->regs->x[0] == SIGUSR1);
	EXPECT(atomic_load_u32(&t->work) != 0);
	task_work(t);
	EXPECT(t->regs->x[0] == SIGHUP && atomic_load_u32(&t->work) == 0);
	EXPECT(!sched_signalled(&tw->sched));
}

static void faults(struct task *t)
{
	has_stack(t);
	signal_mask(t, signal_bit(SIGSEGV));
	handles(t, SIGSEGV, 0, 0);
	task_fault(t, SIGSEGV, SEGV_MAPERR, 8); /* blocked, and cannot be */
	goes_back(t);
	EXPECT(false);
}

/* --- interrupted calls ------------------------------------------------------------------------ */

static void interrupted_by(struct task *t, int32_t how, int sig)
{
	t->regs->sp = stack_at + stack_bytes;
	t->regs->pc = HERE;
	t->regs->x[0] = 1234;
	t->regs->x[8] = SYS_read;
	t->interrupted = how;
	atomic_store_u32(&t->work, 1);
	to_self(t, sig);
	goes_back(t);
}

/* Where the program goes on after the handler. */
static bool goes_on(struct task *t, uint64_t pc, int64_t x0)
{
	EXPECT(t->regs->pc == HANDLER);
	returns(t);
	return t->regs->pc == pc && (int64_t)t->regs->x[0] == x0;
}

static void restarts(struct task *t)
{
	has_stack(t);
	handles(t, SIGUSR1, 0, 0);
	handles(t, SIGUSR2, SA_RESTART, 0);
	interrupted_by(t, RESTART_SYS, SIGUSR1);
	EXPECT(goes_on(t, HERE, -ERR_INTR));
	interrupted_by(t, RESTART_SYS, SIGUSR2);
	EXPECT(goes_on(t, HERE - 4, 1234));
	interrupted_by(t, RESTART_NOINTR, SIGUSR1);
	EXPECT(goes_on(t, HERE - 4, 1234));
	interrupted_by(t, RESTART_NOHAND, SIGUSR2);
	EXPECT(goes_on(t, HERE, -ERR_INTR));
	interrupted_by(t, RESTART_CALL, SIGUSR2);
	EXPECT(goes_on(t, HERE, -ERR_INTR));
	static const int32_t all[] = { RESTART_SYS, RESTART_NOINTR, RESTART_NOHAND };
	for (unsigned i = 0; i < COUNT_OF(all); i++) {
		interrupted_by(t, all[i], SIGCHLD); /* nobody handles it */
		EXPECT(t->regs->pc == HERE - 4 && t->regs->x[0] == 1234);
		EXPECT(t->regs->x[8] == SYS_read);
	}
	interrupted_by(t, RESTART_CALL, SIGCHLD);
	EXPECT(t->regs->pc == HERE - 4 && t->regs->x[8] == SYS_restart_syscall);
}

static int32_t to_hit;

static void hits(struct task *t)
{
	EXPECT(signal_kill(t, to_hit, SIGUSR1) == 0);
	task_exit_group(t, 0);
}

static void waits_end(struct task *t)
{
	struct task_waited got;
	struct abi_siginfo info;

	has_stack(t);
	to_hit = 1;
	handles(t, SIGUSR1, 0, 0);
	forks(t, waits_to_die);
	const int32_t first = forks(t, hits);
	EXPECT(waits_with(t, P_PID, 2, W_EXITED, &got) == RESTART_SYS);
	in_handler(t, SIGUSR1);
	returns(t);
	waits_for(t, first, 0);
	signal_mask(t, signal_bit(SIGUSR1));
	const int32_t second = forks(t, hits);
	EXPECT(signal_suspend(t, 0) == RESTART_NOHAND && t->mask == 0);
	t->interrupted = RESTART_NOHAND;
	in_handler(t, SIGUSR1);
	returns(t);
	EXPECT(t->mask == signal_bit(SIGUSR1)); /* that of before */
	waits_for(t, second, 0);
	const int32_t third = forks(t, hits);
	EXPECT(signal_wait(t, signal_bit(SIGUSR1), WAIT_FOREVER, &info) == SIGUSR1);
	EXPECT(info.sent.pid == third && info.code == SI_USER);
	waits_for(t, third, 0);
	const uint64_t soon_ns = mach_now_ns() + 1000000;
	EXPECT(signal_wait(t, signal_bit(SIGUSR1), soon_ns, &info) == -ERR_AGAIN);
	handles(t, SIGUSR2, 0, 0);
	to_self(t, SIGUSR2);
	EXPECT(signal_wait(t, signal_bit(SIGUSR1), WAIT_FOREVER, &info) == -ERR_INTR);
	in_handler(t, SIGUSR2);
	EXPECT(signal_kill(t, -1, SIGKILL) == 0);
	waits_for(t, 2, SIGKILL);
}

/* --- children, groups, stops ------------------------------------------------------------------ */

static void child_signals(struct task *t)
{
	has_stack(t);
	handles(t, SIGCHLD, SA_SIGINFO | SA_RESTART, 0);
	to_hit = 1;
	acts(t, SIGUSR1, SIG_IGNORE);
	const int32_t pid = forks(t, hits);
	struct task_waited got;
	EXPECT(waits_with(t, P_PID, pid, W_EXITED, &got) == 1); /* there before the signal is */
	in_handler(t, SIGCHLD);
	read_frame(t);
	EXPECT(frame.info.code == CLD_EXITED && frame.info.child.pid == pid);
	EXPECT(frame.info.child.status == 0);
	returns(t);
}

static void stops_and_goes_on(struct task *t)
{
	struct task_waited got;
	const int32_t pid = forks(t, waits_to_die);

	EXPECT(task_setpgid(t, pid, pid) == 0);
	others_run();
	EXPECT(signal_kill(t, pid, SIGSTOP) == 0);
	EXPECT(waits_with(t, P_PID, pid, W_EXITED | W_UNTRACED, &got) == 1);
	EXPECT(got.code == CLD_STOPPED && got.wait4 == (SIGSTOP << 8 | 0x7f));
	EXPECT(waits_with(t, P_PID, pid, W_EXITED | W_UNTRACED | W_NOHANG, &got) == 0);
	EXPECT(signal_kill(t, pid, SIGHUP) == 0); /* nobody takes it until they go on */
	others_run();
	EXPECT(waits_with(t, P_PID, pid, W_EXITED | W_NOHANG, &got) == 0);
	EXPECT(signal_kill(t, pid, SIGCONT) == 0);
	waits_for(t, pid, SIGHUP);
	const int32_t other = forks(t, waits_to_die);
	others_run();
	EXPECT(signal_kill(t, other, SIGSTOP) == 0);
	others_run();
	EXPECT(signal_kill(t, other, SIGCONT) == 0);
	EXPECT(waits_with(t, P_PID, other, W_CONTINUED, &got) == 1);
	EXPECT(got.code == CLD_CONTINUED && got.wait4 == 0xffff);
	EXPECT(signal_kill(t, other, SIGKILL) == 0);
	waits_for(t, other, SIGKILL);
}

static void blocks_and_sleeps(struct task *t)
{
	signal_mask(t, signal_bit(SIGUSR1));
	ran++;
	(void)sched_sleep_heeding(&tw->sched, WAIT_FOREVER);
	goes_back(t);
	EXPECT(false);
}

static void takes_it(struct task *t)
{
	(void)sched_sleep_heeding(&tw->sched, WAIT_FOREVER);
	map(alt_at, 4 * PAGE_SIZE);
	t->regs->sp = alt_at + 4 * PAGE_SIZE;
	goes_back(t);
	if (t->regs->pc == HANDLER) marks++;
	task_exit(t, 0);
}

static void group_signals(struct task *t)
{
	handles(t, SIGUSR1, 0, 0);
	signal_mask(t, signal_bit(SIGUSR1));
	threads(t, blocks_and_sleeps);
	threads(t, takes_it);
	signal_mask(t, 0);
	others_run();
	signal_mask(t, signal_bit(SIGUSR1)); /* of this task only: another can take it */
	CONTAINER_OF(t->group->tasks.prev, struct task, link)->mask = 0;
	EXPECT(signal_kill(t, t->group->pid, SIGUSR1) == 0);
	EXPECT((signal_pending(t) & signal_bit(SIGUSR1)) != 0);
	others_run();
	EXPECT(marks == 1 && signal_pending(t) == 0);
	task_exit_group(t, 0);
}

static void waits_for_usr1(struct task *t)
{
	struct abi_siginfo info;

	EXPECT(signal_wait(t, signal_bit(SIGUSR1), WAIT_FOREVER, &info) == -ERR_INTR);
	goes_back(t);
	marks++;
	task_exit(t, 0);
}

/* Whether a group's signal is ignored at once is for its first task's mask to say. */
static void ignored_for_all(struct task *t)
{
	acts(t, SIGUSR2, SIG_IGNORE);
	threads(t, waits_for_usr1);
	others_run();
	EXPECT(signal_kill(t, t->group->pid, SIGUSR2) == 0);
	others_run();
	EXPECT(marks == 0 && t->group->pending == 0);
	signal_mask(t, signal_bit(SIGUSR2));
	EXPECT(signal_kill(t, t->group->pid, SIGUSR2) == 0);
	others_run(); /* it was for the other, who found that it is ignored */
	EXPECT(marks == 1 && t->group->pending == 0);
	task_exit_group(t, 0);
}

static void outlives_first(struct task *t)
{
	const int32_t first = t->group->pid;

	others_run();
	EXPECT(signal_kill_task(t, 0, first, SIGUSR1) == 0); /* to no effect */
	EXPECT(signal_kill_task(t, first, first, 0) == 0);
	EXPECT(signal_kill_task(t, first, first, SIGNALS + 1) == -ERR_INVAL);
	EXPECT(signal_kill_task(t, first + 1, first, 0) == -ERR_SRCH);
	EXPECT(t->group->pending == 0 && t->pending == 0);
	marks++;
	task_exit(t, 0);
}

static void leaves_another(struct task *t)
{
	threads(t, outlives_first);
	task_exit(t, 0);
}

static void first_has_ended(struct task *t)
{
	const int32_t pid = forks(t, leaves_another);

	waits_for(t, pid, 0);
	EXPECT(marks == 1);
	EXPECT(signal_kill_task(t, pid, pid, 0) == -ERR_SRCH);
}

/* ---------------------------------------------------------------------------------------------- */

static void run(program *p, int32_t status)
{
	static const struct test_choice plain;

	ran = marks = 0;
	task_test_open(&plain, 32768);
	task_test_run(p, status);
	task_test_close();
}

int main(void)
{
	host_cpus_open(1);
	run(frame_and_back, 0);
	run(hostile_state, SIGSEGV);
	run(hostile_records, SIGSEGV);
	run(alt_stack, 0);
	run(no_stack, SIGSEGV);
	run(flags_of_actions, 0);
	run(defaults, 0);
	run(queues, 0);
	run(order, 0);
	run(faults, SIGSEGV);
	run(restarts, 0);
	run(waits_end, 0);
	run(child_signals, 0);
	run(stops_and_goes_on, 0);
	run(group_signals, 0);
	run(ignored_for_all, 0);
	run(first_has_ended, 0);
	host_cpus_close();
	return 0;
}
