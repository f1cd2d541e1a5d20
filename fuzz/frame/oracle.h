/*
 * oracle.h -- the ids of everything that can find fault with a run.
 *
 * An oracle fires by kpanic(ORACLE_X, "what was seen"), which prints one line
 * `panic: ID SUBJECT.OPERATION` at the start of a line: the signature that triage groups by.
 * For each there is a canary (fuzz/canary*.c) and a defect (defects/); a test holds that.
 */
#ifndef FUZZ_ORACLE_H
#define FUZZ_ORACLE_H

#include "machine/base.h"

/* The allocation model. */
#define ORACLE_OVERLAP "overlap" /* memory given twice */
#define ORACLE_MISALIGNED "misaligned"
#define ORACLE_CONTENT "content"           /* what a user wrote is no longer there */
#define ORACLE_ZEROING "zeroing"           /* asked for zeroes, got something else */
#define ORACLE_BOUNDS "bounds"             /* outside the pool, zone or window */
#define ORACLE_MUST_SUCCEED "must-succeed" /* refused although there is plenty */
#define ORACLE_MUST_FAIL "must-fail"       /* granted although there cannot be room */
#define ORACLE_VERDICT "verdict"           /* a misuse got another answer than the model's */

/* Exact counts. */
#define ORACLE_ACCOUNT "account"             /* free + used + reserved + cached + ... != total */
#define ORACLE_WALK "walk"                   /* a structure's own check failed */
#define ORACLE_LEAK "leak"                   /* after the end something is not back */
#define ORACLE_FRAGMENTATION "fragmentation" /* reported figures, or free memory left in pieces */

/* The model of address spaces. */
#define ORACLE_ERRNO "errno" /* a call answered otherwise */
#define ORACLE_PERM "perm"   /* an access was allowed, or not, otherwise */
#define ORACLE_SPACE "space" /* what is mapped, or there, is something else */

/* Seen by the product, the sanitizers or the host machine. */
#define ORACLE_DOUBLE_FREE "double-free"
#define ORACLE_WILD_FREE "wild-free"
#define ORACLE_USE_AFTER_FREE "use-after-free"
#define ORACLE_POISON "poison" /* an access to memory that is nobody's */
#define ORACLE_REDZONE "redzone"
#define ORACLE_UNDEFINED "undefined" /* UBSan */
#define ORACLE_ASSERT "assert"
#define ORACLE_DEADLOCK "deadlock"
#define ORACLE_LOCK_ORDER "lock-order"
#define ORACLE_LOCK_CONTEXT "lock-context"       /* a lock held where none may be */
#define ORACLE_SLEEP_IN_ATOMIC "sleep-in-atomic" /* a wait where none may be */
#define ORACLE_STACK_IN_USE "stack-in-use"       /* a context on two CPUs, ended, or not alone */
#define ORACLE_OWNER "owner"                     /* a lock dropped by another CPU */
#define ORACLE_IRQ_ORDER "irq-order" /* given back in the wrong order, or on with a lock taken */
#define ORACLE_NONDETERMINISM "nondeterminism"

/* Seen where CPUs take turns (machine/turns.h). */
#define ORACLE_LOST_WAKE "lost-wake"   /* every CPU waits, and nothing will wake any */
#define ORACLE_LIVELOCK "livelock"     /* more was passed than a run of its size can need */
#define ORACLE_STARVATION "starvation" /* who waits is passed over */
#define ORACLE_RACE "race"             /* two accesses, one of them a write, and no order */

/* Of threads (sched/). */
#define ORACLE_THREAD_STATE "thread-state" /* one that a thread cannot be in */
#define ORACLE_SLOT_REUSE "slot-reuse"     /* a slot, or an id, that somebody has or had */

/* Seen by the host machine's MMU (machine/host/tlb_rules.h). */
#define ORACLE_STALE_TLB "stale-tlb"   /* used, or reused, while a CPU may remember its old entry */
#define ORACLE_BBM "bbm"               /* from one valid entry to another without a break */
#define ORACLE_TLBI_SCOPE "tlbi-scope" /* an invalidation that misses what it is for */
#define ORACLE_ASID_REUSE "asid-reuse"
#define ORACLE_TABLE_EARLY "table-early" /* a table freed or overwritten while it may be walked */
#define ORACLE_ROOT_IN_USE "root-in-use"
#define ORACLE_STALE_CODE "stale-code" /* fetches allowed from what was not made visible */

/* All of the above, ended by NULL. */
extern const char *const oracle_ids[];

/*
 * Who can see what; the one list of it.  A script that is expected to fire an oracle is compared
 * between machines only as far as their eyes reach (replay --digests).
 */
enum oracle_eyes {
	EYES_WATCHED,   /* the host program under ASan and UBSan, with loads and stores seen: all */
	EYES_SANITIZED, /* without the latter */
	EYES_HOSTED,    /* the host machine without them: under qemu-aarch64 */
	EYES_IMAGE,     /* the booted kernel, its own checks on */
	EYES_THREADS,   /* as EYES_WATCHED, but ThreadSanitizer is there in ASan's place */
};
bool oracle_is_seen_by(const char *id, enum oracle_eyes eyes);

/* The table's own string for an id spelled alike, or NULL when there is no such oracle. */
const char *oracle_find(const char *id);

#endif
