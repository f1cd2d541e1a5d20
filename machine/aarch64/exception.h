/*
 * exception.h -- what the vectors save, and who gets it.
 */
#ifndef MACHINE_AARCH64_EXCEPTION_H
#define MACHINE_AARCH64_EXCEPTION_H

#include "machine/machine.h"

/* The interrupted state, as vectors.S lays it on the stack.  `record` is a frame record, so that
 * a walk along frame pointers passes through an exception and meets the interrupted code. */
struct exception_frame {
	uint64_t x[31];
	uint64_t sp;
	uint64_t elr, spsr, esr, far;
	uint64_t vector; /* 0 to 15, with VECTOR_BAD_STACK when this lies on the emergency stack */
	uint64_t pad;
	uint64_t record[2];
};

_Static_assert(offsetof(struct exception_frame, sp) == FRAME_SP &&
		       offsetof(struct exception_frame, elr) == FRAME_ELR &&
		       offsetof(struct exception_frame, esr) == FRAME_ESR &&
		       offsetof(struct exception_frame, vector) == FRAME_VECTOR &&
		       offsetof(struct exception_frame, record) == FRAME_RECORD &&
		       sizeof(struct exception_frame) == FRAME_BYTES,
	       "layout.h");

/* What is at the top of a user's thread's kernel stack. */
struct user_frame {
	struct user_regs regs;
	void *who;            /* as mach_user_enter() was told */
	const uint32_t *work; /* atomic; the same */
	uint64_t record[2];   /* zeroes: the end of every backtrace */
};

_Static_assert(offsetof(struct user_regs, sp) == USER_LR + 8 &&
		       offsetof(struct user_regs, pc) == USER_PC &&
		       offsetof(struct user_frame, who) == USER_WHO &&
		       offsetof(struct user_frame, work) == USER_WHO + 8 &&
		       offsetof(struct user_frame, record) == USER_RECORD &&
		       sizeof(struct user_frame) == USER_FRAME_BYTES,
	       "layout.h");

/* From vectors.S, for exceptions from EL0 but calls: faults and interrupts with interrupts masked,
 * what came up meanwhile with interrupts unmasked. */
void user_faulted(const struct user_frame *frame, uint64_t esr, uint64_t far);
void user_interrupted(const struct user_frame *frame);
void user_works(void *who);

/* From vectors.S, for every other exception; interrupts masked. */
void exception_entry(struct exception_frame *frame);

/* Where exception_entry() returns to: the next frame record is an exception's. */
extern const char exception_return[];

/* A few words for ESR_EL1's class of exception. */
const char *exception_name(uint64_t esr);

#endif
