/*
 * subject.h -- what one subject of fuzzing supplies, and what a run of a script is.
 *
 * A subject is a world made from a script's header, operations on it, a model that does its own
 * arithmetic, checks, and a tear-down to the pristine state.  It is freestanding: the same object
 * code logic runs on the host, under qemu-aarch64 and in the booted kernel.
 */
#ifndef FUZZ_SUBJECT_H
#define FUZZ_SUBJECT_H

#include "fuzz/frame/oracle.h"
#include "fuzz/frame/script.h"
#include "machine/turns.h"

/* Where a field of an operation is kept, and how it reads as text. */
enum field_place {
	IN_SLOT,
	IN_AUX,
	IN_ARG,
	IN_LOW,  /* the low half of arg: 16 bits */
	IN_HIGH, /* the high half */
	IN_SITE, /* its low 21 bits */
	IN_NTH,  /* its high 11 bits */
};
enum field_form {
	FORM_NUMBER, /* 0 to limit - 1 (limit 0: all that the place can hold) */
	FORM_SIZE,   /* 32 bits, sign-extended to 64: huge sizes are small negatives */
	FORM_NAMES,  /* one of `limit` names */
	FORM_FLAGS,  /* any of `limit` names, bit 0 first */
	FORM_SITE,   /* where a CPU may be (plan.h): "lock.slab", or a place as 0x... */
};

struct field {
	const char *name;
	uint8_t place, form;
	uint32_t limit;
	const char *const *names;
};

/* How many values a field has, 0 standing for 2^32; its value in an operation, in range; and its
 * place set to `value`. */
uint32_t field_room(const struct field *f);
uint32_t field_get(const struct field *f, const struct script_op *op);
void field_set(const struct field *f, struct script_op *op, uint32_t value);

/* What a FORM_SIZE field means. */
static inline uint64_t field_size(uint32_t arg)
{
	return (uint64_t)(int64_t)(int32_t)arg;
}

enum { OP_FIELDS_MAX = 4 };

struct run;

struct op_kind {
	const char *name;
	uint8_t weight; /* for generators: how often, against the others; 0: only by hand */
	/* Name NULL ends them; a step sees zero in all others. */
	struct field fields[OP_FIELDS_MAX];
	void (*step)(struct run *run, const struct script_op *op);
};

enum check_depth { CHECK_COUNTS, CHECK_WALK };

struct subject {
	const char *name; /* at most SCRIPT_NAME_MAX letters; also corpus/NAME */
	const struct op_kind *ops;
	uint32_t op_count;
	/* Names of states that every campaign must reach; NULL ends; at most 64. */
	const char *const *sometimes;

	/* Makes the world in run->machine->arena and run->state.  The arena is as new (fixed
	 * contents, poisoned); the state holds what the last run left: initialise what you use. */
	void (*open)(struct run *run);
	/* After each operation (COUNTS), as often as the header asks (WALK).  Fails by kpanic. */
	void (*check)(struct run *run, enum check_depth depth);
	/* Frees what the script still owns, drains, and compares with the pristine state. */
	void (*close)(struct run *run);
	bool reads_data; /* it reads the bytes after the operations: s->body + s->data_at */
	/* Before close, on each CPU of the world: gives up what that CPU has.  NULL: nothing. */
	void (*leave)(struct run *run);

	/* --- where operations run side by side (below); all of this NULL or 0 elsewhere --- */

	/* What each CPU of the world does, all at once: calls run_lane(), itself or in threads. */
	void (*together)(struct run *run, unsigned cpu);
	/* How many lanes (0: one for each CPU), and an operation's, taken modulo that (NULL: its
	 * CPU). */
	unsigned lanes;
	unsigned (*lane)(const struct script_op *op);
	/* The lane that the calling code belongs to, or RUN_NO_LANE (NULL: the CPU's number). */
	unsigned (*lane_now)(struct run *run);
	/* Lets other lanes get on, where one waits for the others (NULL: mach_relax()). */
	void (*pause)(struct run *run);
	/* There is more under way than lanes: when they meet, CPUs are not at rest, and it takes
	 * more points till all is over. */
	bool restless;
	/* Whether a lane sleeps, in its operation or behind it, until another one's does something;
	 * subjects that have this run calmly where there is a score (calm.c). */
	bool (*asleep)(struct run *run, unsigned lane);
	/* Bytes of its state, which then lies in the arena, where accesses to it are seen. */
	size_t state_bytes;
};

/*
 * Side by side.  The operations of a lane run in their order, those of different lanes in whatever
 * order the plan (plan.h) gives the turn.  Such a subject's table begins with PLAN_OPERATIONS:
 * records that say where the turn goes, and `meet`, at which every lane waits until all have done
 * what stands before it; the last one there has the structures checked, counts and walk.  The same
 * happens at the end.  There is no check after each operation, as others are under way.
 *
 * Results are folded lane by lane, and the lanes' together at the end: the digest says what each
 * lane saw, not who was first.  A step asks run_op() for its number, never run->op.
 */
enum { RUN_LANES_MAX = 32, RUN_NO_LANE = RUN_LANES_MAX };

/* Performs the operations of `lane`, in order, where it is called: every lane is, until this says
 * true.  False: run_lane_stops() was called, by an operation or in `pause`; whoever calls this
 * again goes on there. */
bool run_lane(struct run *run, unsigned lane);
void run_lane_stops(struct run *run); /* that the calling code belongs to */

/* The number of the operation that the calling code is part of. */
uint32_t run_op(const struct run *run);

/* Where refusing is judged: not 0 when no other lane is in an operation; and whether none has been
 * since `since` was the answer. */
uint32_t run_alone(const struct run *run);
bool run_alone_since(const struct run *run, uint32_t since);

/* The subjects this program has, NULL-terminated; one by name, or NULL. */
extern const struct subject *const subjects[];
const struct subject *subject_find(const char *name);

/* NULL when a subject's tables are sound, else what is wrong with them. */
const char *subject_fault(const struct subject *subject);

/* --- a run ------------------------------------------------------------------------------------ */

enum { RUN_ARENA_BYTES = 8 << 20, RUN_STATE_BYTES = 1 << 20 };

/* What the machine under a run supplies: machine/host's fibers, or the booted kernel's CPUs. */
struct run_machine {
	unsigned cpus;
	void *arena; /* RUN_ARENA_BYTES, aligned to the largest page block; mach_pa() works on it */
	/* Makes the arena as new: fixed contents, all of it poisoned. */
	void (*reset)(void);
	/* Runs fn(arg) on a CPU and waits; false when it ended by escape() instead of returning. */
	bool (*run_on)(unsigned cpu, void (*fn)(void *), void *arg);
	/* Abandons what run_on started; locks and interrupt state are as new afterwards. */
	NORETURN void (*escape)(void);
	/* Runs fn(arg) on CPUs 0 to `cpus` - 1 at once, taking turns as the planner says, and waits
	 * for all; false when one ended by escape(), which abandons them all.  Passing more than
	 * `limit` points is a livelock.  NULL: CPUs cannot take turns here. */
	bool (*run_together)(unsigned cpus, void (*fn)(void *), void *arg,
			     const struct turns_planner *planner, uint64_t limit);
	/* On a CPU that takes turns, where all others wait: calls fn(arg) as no part of what is
	 * simulated.  NULL: as part of it. */
	void (*run_aside)(void (*fn)(void *), void *arg);
	/* On a CPU that takes turns: it is at TURN_STEP. */
	void (*step)(unsigned detail);
	/* What interrupts call, until the next reset. */
	void (*handlers)(void (*timer)(void *), void (*ipi)(void *), void *arg);
	/* On the host alone, else NULL: panics when, with every CPU at rest, one may still remember
	 * what the tables no longer say. */
	void (*settled)(void);
	/* What all CPUs have for kernel addresses, or PADDR_NONE: the machine's own again.  The
	 * kernel has these beside its own, and takes them over as they are now: the root's entries
	 * are to stay. */
	void (*kernel_tables)(paddr_t root);
};

enum run_phase { RUN_OPENS, RUN_OPERATES, RUN_CLOSES };

struct answers;
struct lanes;
struct score;

struct run {
	const struct subject *subject;
	const struct script *script;
	const struct run_machine *machine;
	uint64_t digest; /* of abstract results so far */
	/* Number of the operation being run, script->ops when closing; side by side: of the one
	 * that began last, and once an oracle has fired, of the one in which it did. */
	uint32_t op;
	uint64_t sometimes; /* bits of subject->sometimes that were reached */
	const char *oracle; /* id of the oracle that fired, or NULL */
	void *state;        /* RUN_STATE_BYTES for the subject: world and model; the caller's */
	/* Where a subject that has answers (answers.h) keeps them; the caller's; NULL: nowhere. */
	struct answers *answers;
	/* Where a subject writes down what its tasks do (score.h); the caller's; NULL: nowhere. */
	struct score *score;
	enum run_phase phase;
	struct lanes *lanes;       /* while operations run side by side, else NULL */
	uint32_t reached;          /* from this number on nothing has begun, and no lane waits */
	uint64_t points, switches; /* that were passed, and turns that went to another CPU */
};

/* Runs a script from a fresh world to the pristine one.  Returns true when no oracle fired.
 * Sets all of *run except what is the caller's.  Reentrant in nothing: one run at a
 * time.  Digest covers everything up to the first failure. */
bool run_script(struct run *run, const struct subject *subject, const struct script *script,
		const struct run_machine *machine);

/* A script that is about to be run with a score is run calmly, where its subject can be. */
void run_calms(struct script *script, const struct subject *subject);
static inline bool run_is_calm(const struct run *run)
{
	return run->script->world.strategy == PLAN_CALM;
}

/* The run in progress, or NULL: for kpanic, which must say where. */
struct run *run_current(void);

/* What a program's kpanic does while there is a run: notes which oracle fired, then leaves by
 * machine->escape().  run_fault() notes it (only the first of a run counts) and says whether it
 * was the first; the caller prints and escapes. */
bool run_fault(struct run *run, const char *oracle);

/* What is being run: an operation's name, "nop", "open" or "close". */
const char *run_doing(const struct run *run);

/* Folds an abstract result (an error, a size, a count; never an address) into the digest. */
void run_result(struct run *run, uint64_t value);

/* State number `n` of subject->sometimes was reached. */
static inline void run_sometimes(struct run *run, unsigned n)
{
	run->sometimes |= 1ull << n;
}

/* Where the debugger stops: called before operation run->op. */
void run_operation_begins(struct run *run);

#endif
