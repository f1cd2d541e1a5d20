/*
 * signal_frame.c -- a signal's frame on the program's stack, and the way back from it.
 *
 * The frame is Linux's for AArch64, byte for byte (arch/arm64/kernel/signal.c): siginfo, ucontext
 * with the registers, the floating-point record and the record that ends the list; above it a frame
 * record, x29 and x30, for who walks the stack.  It lies below the stack pointer, or at the top of
 * the alternative stack.  The handler returns to the program's restorer or, without one, to the
 * page that every program has for it (TASK_TRAMPOLINE).
 *
 * On the way back nothing of the frame is trusted.  The program may have changed all of it, on
 * purpose or not: the processor's state is mended so that it is EL0's (mach_user_regs_mend), the
 * records must be in the form they had, the mask loses what nobody can block.  What is not in order
 * gets the program a SIGSEGV.
 *
 * Always true: a frame that cannot be written has changed no register.
 *
 * Locks: none held while the program's memory is touched.  Cost: about 1,100 bytes each way.
 */
#include "kernel/task/task_inside.h"
#include "mm/usercopy.h"

/* PSTATE.BTYPE: how the handler was jumped to. */
#define PSTATE_BTYPE 0xc00ull
#define PSTATE_TCO (1ull << 25)

enum {
	RECORDS = offsetof(struct abi_ucontext, mcontext.records),
	/* What of a frame's records is used: floating point, and the end. */
	USED = sizeof(struct abi_fpsimd) + sizeof(struct abi_record),
	FP_Q_BYTES = 512,
};

_Static_assert(sizeof(struct mach_fp) == FP_Q_BYTES + 16, "q0 to q31, FPSR, FPCR");

struct frame_record {
	uint64_t fp, lr;
};

/* --- floating point --------------------------------------------------------------------------- */

static void fp_to_record(struct abi_fpsimd *to)
{
	struct mach_fp fp;
	uint64_t status[2];

	mach_fp_store(&fp);
	memcpy(to->q, fp.bytes, FP_Q_BYTES);
	memcpy(status, fp.bytes + FP_Q_BYTES, sizeof status);
	to->head = (struct abi_record){ FPSIMD_MAGIC, sizeof *to };
	to->fpsr = (uint32_t)status[0];
	to->fpcr = (uint32_t)status[1];
}

static void fp_from_record(const struct abi_fpsimd *from)
{
	const uint64_t status[2] = { from->fpsr, from->fpcr };
	struct mach_fp fp;

	memcpy(fp.bytes, from->q, FP_Q_BYTES);
	memcpy(fp.bytes + FP_Q_BYTES, status, sizeof status);
	mach_fp_load(&fp);
}

/* --- alternative stack ------------------------------------------------------------------------ */

static bool is_on_stack(const struct task *t, uint64_t sp)
{
	if ((t->alt_flags & SS_AUTODISARM) != 0) return false;
	return sp > t->alt_stack && sp - t->alt_stack <= t->alt_bytes;
}

static uint32_t stack_flags(const struct task *t, uint64_t sp)
{
	if (t->alt_bytes == 0) return SS_DISABLE;
	return is_on_stack(t, sp) ? SS_ONSTACK : 0;
}

static void stack_tell(const struct task *t, uint64_t sp, struct abi_sigaltstack *out)
{
	*out = (struct abi_sigaltstack){
		.sp = t->alt_stack,
		.flags = (int32_t)(stack_flags(t, sp) | (t->alt_flags & SS_AUTODISARM)),
		.bytes = t->alt_bytes,
	};
}

int signal_stack(struct task *t, uint64_t sp, const struct abi_sigaltstack *to,
		 struct abi_sigaltstack *was)
{
	struct abi_sigaltstack old;

	stack_tell(t, sp, &old);
	if (to != NULL) {
		const uint32_t mode = (uint32_t)to->flags & ~SS_AUTODISARM;
		if (is_on_stack(t, sp)) return -ERR_PERM;
		if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0) return -ERR_INVAL;
		if (mode != SS_DISABLE && to->bytes < MINSIGSTKSZ) return -ERR_NOMEM;
		t->alt_stack = mode == SS_DISABLE ? 0 : to->sp;
		t->alt_bytes = mode == SS_DISABLE ? 0 : to->bytes;
		t->alt_flags = (uint32_t)to->flags;
	}
	if (was != NULL) *was = old;
	return 0;
}

/* --- there ------------------------------------------------------------------------------------ */

static void fill_context(struct task *t, struct abi_ucontext *uc, sigset mask)
{
	const struct user_regs *regs = t->regs;
	struct abi_sigcontext *c = &uc->mcontext;
	struct abi_record *end = (struct abi_record *)(c->records + sizeof(struct abi_fpsimd));

	memset(uc, 0, RECORDS);
	/* As Linux saves it: where the stack was, and whether this sp is on it. */
	stack_tell(t, regs->sp, &uc->stack);
	uc->mask = mask;
	c->fault_address = t->fault_address;
	memcpy(c->regs, regs->x, sizeof c->regs);
	c->sp = regs->sp;
	c->pc = regs->pc;
	c->pstate = regs->pstate;
	fp_to_record((struct abi_fpsimd *)c->records);
	*end = (struct abi_record){ 0, 0 };
}

static bool write_frame(struct task *t, uint64_t at, uint64_t record_at,
			const struct abi_siginfo *info, sigset mask)
{
	struct space *space = t->space;
	const struct frame_record record = { t->regs->x[29], t->regs->x[30] };
	struct abi_sigframe frame;

	frame.info = *info;
	fill_context(t, &frame.uc, mask);
	if (user_copy_out(space, record_at, &record, sizeof record) != 0) return false;
	return user_copy_out(space, at, &frame,
			     offsetof(struct abi_sigframe, uc) + RECORDS + USED) == 0;
}

/* Where there is no restorer glibc says so by its flag, and leaves the field alone. */
static uint64_t returns_to(const struct abi_sigaction *action)
{
	return (action->flags & SA_RESTORER) != 0 ? action->restorer : TASK_TRAMPOLINE;
}

bool signal_frame(struct task *t, const struct abi_sigaction *action,
		  const struct abi_siginfo *info, sigset mask)
{
	struct user_regs *regs = t->regs;
	uint64_t top = regs->sp;

	if ((action->flags & SA_ONSTACK) != 0 && stack_flags(t, top) == 0)
		top = t->alt_stack + t->alt_bytes;
	const uint64_t record_at = align_down(top - sizeof(struct frame_record), 16);
	const uint64_t at = record_at - sizeof(struct abi_sigframe);
	if (top > USER_END || at > record_at || record_at > top) return false;
	if (!write_frame(t, at, record_at, info, mask)) return false;
	if ((t->alt_flags & SS_AUTODISARM) != 0) {
		t->alt_stack = t->alt_bytes = 0;
		t->alt_flags = SS_DISABLE;
	}
	regs->x[0] = (uint64_t)info->signo;
	if ((action->flags & SA_SIGINFO) != 0) {
		regs->x[1] = at + offsetof(struct abi_sigframe, info);
		regs->x[2] = at + offsetof(struct abi_sigframe, uc);
	}
	regs->x[29] = record_at;
	regs->x[30] = returns_to(action);
	regs->sp = at;
	regs->pc = action->handler;
	regs->pstate &= ~(PSTATE_BTYPE | PSTATE_TCO);
	return true;
}

/* --- and back --------------------------------------------------------------------------------- */

/* The floating-point record among a frame's records, which must be in order. */
static const struct abi_fpsimd *find_fp(const uint8_t *records, size_t bytes)
{
	const struct abi_fpsimd *fp = NULL;

	for (size_t at = 0; at % 16 == 0 && bytes - at >= sizeof(struct abi_record);) {
		const struct abi_record *head = (const struct abi_record *)(records + at);
		if (head->magic == 0) return head->bytes == 0 ? fp : NULL;
		if (head->bytes < sizeof *head || head->bytes > bytes - at) return NULL;
		if (head->magic == FPSIMD_MAGIC) {
			if (fp != NULL || head->bytes < sizeof *fp) return NULL;
			fp = (const struct abi_fpsimd *)head;
		} else if (head->magic != ESR_MAGIC) {
			return NULL;
		}
		at += head->bytes;
	}
	return NULL;
}

/* Registers and mask go in before the rest is judged, as on Linux: a program whose frame is broken
 * meets its SIGSEGV with what the frame said. */
static bool put_back(struct task *t, const struct abi_sigframe *frame)
{
	struct task_world *w = t->group->world;
	const struct abi_sigcontext *c = &frame->uc.mcontext;
	struct user_regs *regs = t->regs;

	const mach_irq_t was = lock_take(&w->lock);
	signal_set_mask_locked(t, frame->uc.mask & ~SIGNALS_HARD);
	lock_drop(&w->lock, was);
	memcpy(regs->x, c->regs, sizeof regs->x);
	regs->sp = c->sp;
	regs->pc = c->pc;
	regs->pstate = c->pstate;
	const bool sound = mach_user_regs_mend(regs);
	const struct abi_fpsimd *fp = find_fp(c->records, sizeof c->records);
	if (!sound || fp == NULL) return false;
	fp_from_record(fp);
	(void)signal_stack(t, regs->sp, &frame->uc.stack, NULL);
	return true;
}

/* A frame as the kernel writes it is short; only what a program has put together may use more. */
static bool read_frame(struct task *t, uint64_t at, struct abi_sigframe *frame)
{
	struct space *space = t->space;

	if (at % 16 != 0 || at > USER_END - sizeof *frame) return false;
	return user_copy_in(space, frame, at, sizeof *frame) == 0;
}

void signal_return(struct task *t)
{
	struct task_world *w = t->group->world;
	struct abi_sigframe *frame = task_alloc_bytes(w, sizeof *frame, 0);
	struct abi_siginfo info = { .signo = SIGSEGV, .code = SEGV_MAPERR };
	const uint64_t sp = t->regs->sp;

	t->restart.call = NULL;
	const bool back = frame != NULL && read_frame(t, sp, frame) && put_back(t, frame);
	task_free_bytes(w, frame);
	if (back) return;
	info.fault.address = t->fault_address = sp;
	signal_force(t, &info, false);
}
