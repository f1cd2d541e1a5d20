/*
 * oracle.c -- the oracles' ids as a table: for whoever reads an id from a stranger (a text
 * script's !expect line, a flag) and must say whether there is such an oracle, and for the
 * canaries, one of which has to prove each.
 *
 * Always true: every ORACLE_ of oracle.h is here once (a test counts them).
 * Locks: none.  Cost: a search of some thirty short strings, never in a run's way.
 */
#include "fuzz/frame/oracle.h"
#include "machine/format.h"

const char *const oracle_ids[] = {
	ORACLE_OVERLAP,        ORACLE_MISALIGNED,
	ORACLE_CONTENT,        ORACLE_ZEROING,
	ORACLE_BOUNDS,         ORACLE_MUST_SUCCEED,
	ORACLE_MUST_FAIL,      ORACLE_VERDICT,
	ORACLE_ACCOUNT,        ORACLE_WALK,
	ORACLE_LEAK,           ORACLE_FRAGMENTATION,
	ORACLE_DOUBLE_FREE,    ORACLE_WILD_FREE,
	ORACLE_USE_AFTER_FREE, ORACLE_POISON,
	ORACLE_REDZONE,        ORACLE_UNDEFINED,
	ORACLE_ASSERT,         ORACLE_DEADLOCK,
	ORACLE_LOCK_ORDER,     ORACLE_LOCK_CONTEXT,
	ORACLE_OWNER,          ORACLE_IRQ_ORDER,
	ORACLE_NONDETERMINISM, ORACLE_ERRNO,
	ORACLE_PERM,           ORACLE_SPACE,
	ORACLE_STALE_TLB,      ORACLE_BBM,
	ORACLE_TLBI_SCOPE,     ORACLE_ASID_REUSE,
	ORACLE_TABLE_EARLY,    ORACLE_ROOT_IN_USE,
	ORACLE_STALE_CODE,     ORACLE_LOST_WAKE,
	ORACLE_LIVELOCK,       ORACLE_SLEEP_IN_ATOMIC,
	ORACLE_STACK_IN_USE,   ORACLE_STARVATION,
	ORACLE_RACE,           ORACLE_THREAD_STATE,
	ORACLE_SLOT_REUSE,     NULL,
};

const char *oracle_find(const char *id)
{
	for (unsigned i = 0; oracle_ids[i] != NULL; i++)
		if (same_text(oracle_ids[i], id)) return oracle_ids[i];
	return NULL;
}

/* The oracles that not every machine has eyes for, and the eyes that see the least but enough. */
static const struct {
	const char *id;
	enum oracle_eyes least;
} dim[] = {
	/* Poison is AddressSanitizer's shadow memory; elsewhere the access just happens. */
	{ ORACLE_POISON, EYES_SANITIZED },
	/* The image traps on it, but programs for AArch64 Linux are compiled without UBSan. */
	{ ORACLE_UNDEFINED, EYES_SANITIZED },
	/* The host numbers each save of the interrupt state; the image has the register's bit. */
	{ ORACLE_IRQ_ORDER, EYES_HOSTED },
	/* What a CPU may remember is the host's to know: emulation forgets too much, too soon. */
	{ ORACLE_STALE_TLB, EYES_HOSTED },
	{ ORACLE_BBM, EYES_HOSTED },
	{ ORACLE_TLBI_SCOPE, EYES_HOSTED },
	{ ORACLE_ASID_REUSE, EYES_HOSTED },
	{ ORACLE_TABLE_EARLY, EYES_HOSTED },
	{ ORACLE_ROOT_IN_USE, EYES_HOSTED },
	{ ORACLE_STALE_CODE, EYES_HOSTED },
	/* Whose turn it is is the host's to say. */
	{ ORACLE_LOST_WAKE, EYES_HOSTED },
	{ ORACLE_LIVELOCK, EYES_HOSTED },
	/* Only where loads and stores are seen. */
	{ ORACLE_RACE, EYES_WATCHED },
};

bool oracle_is_seen_by(const char *id, enum oracle_eyes eyes)
{
	if (eyes == EYES_THREADS) return !same_text(id, ORACLE_POISON);
	for (unsigned i = 0; i < COUNT_OF(dim); i++)
		if (same_text(dim[i].id, id)) return eyes <= dim[i].least;
	return true;
}
