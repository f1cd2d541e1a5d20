/*
 * plan.h -- who has the turn, where the operations of a script run side by side.
 *
 * A decision is a record among the operations: it belongs to the operation it follows, and says
 * where, while that one runs, the turn goes.  The decisions of one operation apply in order: the
 * first is armed when the operation begins, each other when the one before it was taken; what is
 * left is dropped when the operation ends.
 *
 *	after points=N run=CPU          at the N-th point from here, of any kind, whoever passes it
 *	calls points=N run=CPU          at the N-th named point, the same on every machine
 *	at SITE nth=N run=CPU           at the operation's own N-th passing of a site
 *	... with=tick                   and the timer's interrupt comes there
 *	... with=stay                   nothing else: the next one counts from there
 *	... with=outside @CPU           where that CPU is in no operation
 *	meet                            all lanes wait until all have come so far (subject.h)
 *
 * N is at least 1; 0 is as 1.  A CPU that the world has not is taken modulo those that it has.
 *
 * A site is a kind of point and its detail, "lock.slab", "drop.page-cpu", "step"; or "load",
 * "store" and "atomic" for any access of that sort, wherever it goes.  These are counted up to the
 * next named point (but for the operation's own "step") and no further: there it is taken at the
 * latest.  So a turn between two accesses is told as a landmark and a few steps from it, and means
 * the same wherever memory lies and whatever else is looked at on the way to the landmark:
 *
 *	at lock.slab nth=2 run=0 with=stay
 *	at store nth=3 run=1
 *
 * A site that the operation passes less often than it says, but does pass, is taken when the
 * operation ends; one that it does not pass at all is dropped, with what follows it.
 *
 * A site can also be the place of an access: its offset in the arena, in 8 bytes, as 0x..., and
 * "elsewhere" for what the machine keeps outside of it.  That, and counts of points of any kind,
 * mean something on one build of the host alone.
 *
 * What a CPU does in no operation (before its first, between two, after its last, in a thread that
 * has none, idle) belongs to the operation that began on it last; in front of all, to the records
 * that stand at the head of the script.  These are armed when that operation begins and dropped
 * when another one begins on that CPU.
 *
 * Other strategies draw lots from the world's seed and disregard decisions.  What a run of any of
 * them did can be written down as `at` decisions (record.h).
 */
#ifndef FUZZ_PLAN_H
#define FUZZ_PLAN_H

#include "fuzz/frame/subject.h"

/* The codes every such subject's table begins with. */
enum plan_code { PLAN_AFTER, PLAN_CALLS, PLAN_AT, PLAN_MEET, PLAN_CODES };

enum {
	PLAN_PLACES = 1 << 20, /* a site below this is a place; others count from it: */
	PLAN_ELSEWHERE =
		PLAN_PLACES - 1, /* all that is not in the arena: of each process, another */
	PLAN_NTH = 1 << 11,
};

/* What kind of point a site is, as stored files say it: only ever appended, whatever becomes of the
 * numbers of enum turn_kind. */
enum plan_site_kind {
	SITE_RELAX,
	SITE_WAIT,
	SITE_LOCK, /* from here on named */
	SITE_DROP,
	SITE_UNMASK,
	SITE_IPI,
	SITE_TIMER,
	SITE_SWITCH,
	SITE_ENTRY,
	SITE_TLB,
	SITE_INSTALL,
	SITE_STEP,
	SITE_LOAD, /* no longer */
	SITE_STORE,
	SITE_ATOMIC,
	SITE_EXTRA,
	SITE_KINDS
};

enum { PLAN_SITES = PLAN_PLACES + SITE_KINDS * 256 };

/* Bits of a decision's `with`. */
enum { PLAN_TICK = 1 << 0, PLAN_STAY = 1 << 1, PLAN_OUTSIDE = 1 << 2, PLAN_WITH_BITS = 3 };

extern const char *const plan_with_names[];

#define PLAN_RUN                                           \
	{                                                  \
		"run", IN_AUX, FORM_NUMBER, CPUS_MAX, NULL \
	}
#define PLAN_WITH                                                            \
	{                                                                    \
		"with", IN_SLOT, FORM_FLAGS, PLAN_WITH_BITS, plan_with_names \
	}
#define PLAN_POINTS                                    \
	{                                              \
		"points", IN_ARG, FORM_NUMBER, 0, NULL \
	}
#define PLAN_SITE                                            \
	{                                                    \
		"site", IN_SITE, FORM_SITE, PLAN_SITES, NULL \
	}
#define PLAN_TIMES                                         \
	{                                                  \
		"nth", IN_NTH, FORM_NUMBER, PLAN_NTH, NULL \
	}

/* The head of a table, by code. */
#define PLAN_OPERATIONS                                                                \
	[PLAN_AFTER] = { "after", 0, { PLAN_POINTS, PLAN_RUN, PLAN_WITH }, NULL },     \
	[PLAN_CALLS] = { "calls", 0, { PLAN_POINTS, PLAN_RUN, PLAN_WITH }, NULL },     \
	[PLAN_AT] = { "at", 0, { PLAN_SITE, PLAN_TIMES, PLAN_RUN, PLAN_WITH }, NULL }, \
	[PLAN_MEET] = { "meet", 0, { { NULL, 0, 0, 0, NULL } }, NULL }

/* Whether an operation is one of these; and a decision, which belongs to the one before it. */
static inline bool op_is_plan(const struct subject *subject, uint8_t code)
{
	return subject->together != NULL && code < PLAN_CODES;
}

static inline bool op_is_decision(const struct subject *subject, uint8_t code)
{
	return subject->together != NULL && code < PLAN_MEET;
}

/* Whether it says of a CPU of its own where it counts. */
static inline bool op_is_outside(const struct subject *subject, const struct script_op *op)
{
	return op_is_decision(subject, op->code) && (op->slot & PLAN_OUTSIDE) != 0;
}

/* The first operation from `n` on that is no decision, or the script's end: what belongs to the one
 * before `n` ends there. */
uint32_t plan_end(const struct script *script, const struct subject *subject, uint32_t n);

/* --- sites ------------------------------------------------------------------------------------ */

static inline uint32_t plan_site_make(enum plan_site_kind kind, uint8_t detail)
{
	return PLAN_PLACES + (uint32_t)kind * 256 + detail;
}

/* The site of a point that is no access; of one that is, which sort; and where that goes. */
uint32_t plan_site(struct turn_point point);
static inline uint32_t plan_place(struct turn_point point)
{
	return point.place < PLAN_ELSEWHERE ? point.place : (uint32_t)PLAN_ELSEWHERE;
}

static inline bool plan_is_access(struct turn_point point)
{
	return point.kind < TURN_RELAX;
}

static inline bool plan_site_is(uint32_t site, enum plan_site_kind kind)
{
	return site >= PLAN_PLACES && (site - PLAN_PLACES) / 256 == (uint32_t)kind;
}

static inline bool plan_site_is_access(uint32_t site)
{
	return site >= plan_site_make(SITE_LOAD, 0) && site <= plan_site_make(SITE_ATOMIC, 255);
}

/* Writes a site's name, "lock.slab"; returns its length. */
size_t plan_site_name(uint32_t site, char *out, size_t room);

/* Reads one; false when there is no such site. */
bool plan_site_read(const char *text, size_t length, uint32_t *site);

/* Whether it is the same one on every machine. */
static inline bool plan_site_is_named(uint32_t site)
{
	return site >= plan_site_make(SITE_LOCK, 0) && site < plan_site_make(SITE_LOAD, 0);
}

/* Whether all that a script says of turns is, so that it is the same run on every machine: neither
 * a strategy, which looks at every point there is, nor `after`, which counts them. */
bool plan_is_named(const struct script *script, const struct subject *subject);

/* The `n`-th of the sites worth drawing at random, of plan_common_sites. */
extern const uint32_t plan_common_sites;
uint32_t plan_common_site(uint32_t n);

/* --- the planner ------------------------------------------------------------------------------ */

/* A point that was passed, and what was decided there. */
struct plan_seen {
	const struct turns *turns;
	struct turn_point point;
	unsigned lane; /* RUN_NO_LANE: in none, or in none's operation */
	/* Of the lane; in none, that which began last on this CPU, or UINT32_MAX. */
	uint32_t op;
	bool decided; /* `turn` is not just to go on */
	struct turn turn;
};

/* Who wants to see every point of a run; slow.  `at` is called before the turn passes. */
struct plan_watch {
	void (*at)(void *context, const struct plan_seen *seen);
	void *context;
};
void plan_watch_set(const struct plan_watch *watch); /* NULL: nobody; for all runs from here on */

/* A decision of a lane's operation, or of a CPU outside of any, that waits to be taken. */
struct plan_armed {
	uint32_t next, end; /* numbers of the records behind it */
	uint32_t left;      /* points, named points or passings */
	uint32_t site;
	uint8_t code; /* enum plan_code */
	uint8_t with; /* PLAN_TICK and the like */
	uint8_t to;   /* who gets the turn */
	bool passed;  /* the site was */
};

/* Whose decisions they are: a lane's, or behind these a CPU's outside of operations. */
enum { PLAN_QUEUES = RUN_LANES_MAX + SCRIPT_CPUS_MAX };

struct plan {
	struct turns_planner planner;
	struct run *run;
	struct turns *turns; /* NULL until they are taken */
	uint64_t armed;      /* queues that have a decision armed, by bit */
	struct plan_armed queue[PLAN_QUEUES];
	uint32_t began[SCRIPT_CPUS_MAX]; /* the last operation on each CPU, or UINT32_MAX */
	struct turns_counts set;         /* what was asked for last */
	bool muted;                      /* nothing is asked: structures are being checked */
	bool late;                       /* `late_turn` is to be taken at the next point */
	struct turn late_turn;
	/* For strategies that draw lots. */
	uint64_t random;
	uint32_t bits;              /* how far apart their points are, at most, as a power of 2 */
	uint8_t priority[CPUS_MAX]; /* the highest that can run has the turn */
	uint32_t changes_in;        /* points asked at until priorities change */
	struct turns_counts countdown; /* of a watched run, where turns ask at every point */
};

/* For a run that is about to begin. */
void plan_open(struct plan *p, struct run *run);

/* More points than a run of this script can need. */
uint64_t plan_limit(const struct script *script);

/* Operation `n` of a lane begins, on the lane; and ends. */
void plan_begins(struct plan *p, unsigned lane, uint32_t n);
void plan_ends(struct plan *p, unsigned lane);

/* From here on nobody is asked, and again. */
void plan_mute(struct plan *p, bool mute);

#endif
