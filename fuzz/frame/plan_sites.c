/*
 * plan_sites.c -- the names of places where a CPU may be.
 *
 * A named site is a kind of point and a detail, "lock.slab": the kind by its word, the detail by
 * the rank's word where it is a rank that has one, else as a number, and left out where it is 0.
 * A place in the arena is a number in hexadecimal, "0x1f80".
 *
 * Names outlive a rebuild, and a change of the numbers behind them; that is what they are for.
 *
 * Always true: reading the name of a site gives the site.
 *
 * Locks: none.  Cost: not in a run's way.
 */
#include "fuzz/frame/plan.h"
#include "machine/format.h"
#include "machine/lock.h"

const char *const plan_with_names[] = { "tick", "stay", "outside" };

static const char elsewhere[] = "elsewhere";

static const char *const names[SITE_KINDS] = {
	[SITE_RELAX] = "relax", [SITE_WAIT] = "wait",       [SITE_LOCK] = "lock",
	[SITE_DROP] = "drop",   [SITE_UNMASK] = "unmask",   [SITE_IPI] = "ipi",
	[SITE_TIMER] = "timer", [SITE_SWITCH] = "switch",   [SITE_ENTRY] = "entry",
	[SITE_TLB] = "tlb",     [SITE_INSTALL] = "install", [SITE_STEP] = "step",
	[SITE_LOAD] = "load",   [SITE_STORE] = "store",     [SITE_ATOMIC] = "atomic",
	[SITE_EXTRA] = "extra",
};

static const uint8_t kinds[TURN_KINDS] = {
	[TURN_ACCESS] = SITE_LOAD, [TURN_ATOMIC] = SITE_ATOMIC,   [TURN_RELAX] = SITE_RELAX,
	[TURN_WAIT] = SITE_WAIT,   [TURN_EXTRA] = SITE_EXTRA,     [TURN_LOCK] = SITE_LOCK,
	[TURN_DROP] = SITE_DROP,   [TURN_UNMASK] = SITE_UNMASK,   [TURN_IPI] = SITE_IPI,
	[TURN_TIMER] = SITE_TIMER, [TURN_SWITCH] = SITE_SWITCH,   [TURN_ENTRY] = SITE_ENTRY,
	[TURN_TLB] = SITE_TLB,     [TURN_INSTALL] = SITE_INSTALL, [TURN_STEP] = SITE_STEP,
};

/* Ranks by name, and by the number that stored files have for each: never another one, and never
 * one that an earlier rank had.  A rank that is not here would be stored as it is. */
static const struct {
	uint8_t rank, stored;
	const char *name;
} ranks[] = {
	{ RANK_PROCESS, 1, "process" },
	{ RANK_MUTEX, 2, "mutex" },
	{ RANK_WAIT, 3, "wait" },
	{ RANK_THREADS, 4, "threads" },
	{ RANK_TIMERS, 5, "timers" },
	{ RANK_RUNQ, 6, "runq" },
	{ RANK_CALL, 7, "call" },
	{ RANK_FILES, 8, "files" },
	{ RANK_OUTER, 10, "outer" },
	{ RANK_TREE, 11, "tree" },
	{ RANK_SPACE, 12, "space" },
	{ RANK_RETIRED, 13, "retired" },
	{ RANK_BACKING, 14, "backing" },
	{ RANK_BACKINGS, 15, "backings" },
	{ RANK_KSTACK, 16, "kstack" },
	{ RANK_ASID, 18, "asid" },
	{ RANK_QUARANTINE, 20, "quarantine" },
	{ RANK_HEAP, 30, "heap" },
	{ RANK_MAGAZINE, 40, "magazine" },
	{ RANK_SLAB, 50, "slab" },
	{ RANK_PAGE_CPU, 60, "page-cpu" },
	{ RANK_PAGE, 70, "page" },
	{ RANK_CONSOLE, 90, "console" },
};

static bool has_rank(uint32_t kind)
{
	return kind == SITE_LOCK || kind == SITE_DROP;
}

static uint8_t stored_rank(uint8_t rank)
{
	for (unsigned i = 0; i < COUNT_OF(ranks); i++)
		if (ranks[i].rank == rank) return ranks[i].stored;
	return rank;
}

uint32_t plan_site(struct turn_point point)
{
	ASSERT(point.kind < TURN_KINDS);
	const uint8_t kind = kinds[point.kind];
	if (point.kind == TURN_ACCESS)
		return plan_site_make(point.detail != 0 ? SITE_STORE : SITE_LOAD, 0);
	return plan_site_make(kind, has_rank(kind) ? stored_rank(point.detail) : point.detail);
}

static const char *rank_name(uint32_t stored)
{
	for (unsigned i = 0; i < COUNT_OF(ranks); i++)
		if (ranks[i].stored == stored) return ranks[i].name;
	return NULL;
}

size_t plan_site_name(uint32_t site, char *out, size_t room)
{
	ASSERT(site < PLAN_SITES);
	if (site == PLAN_ELSEWHERE) return format_text(out, room, "%s", elsewhere);
	if (site < PLAN_PLACES) return format_text(out, room, "0x%x", site);
	const uint32_t kind = (site - PLAN_PLACES) / 256, detail = site % 256;
	const char *rank = has_rank(kind) ? rank_name(detail) : NULL;
	if (rank != NULL) return format_text(out, room, "%s.%s", names[kind], rank);
	if (detail == 0) return format_text(out, room, "%s", names[kind]);
	return format_text(out, room, "%s.%u", names[kind], detail);
}

static bool same(const char *text, size_t length, const char *word)
{
	size_t i = 0;
	while (i < length && word[i] != '\0' && word[i] == text[i]) i++;
	return i == length && word[i] == '\0';
}

/* A number of `base` below `limit`, all of the text. */
static bool read_number(const char *text, size_t length, uint32_t base, uint32_t limit,
			uint32_t *value)
{
	uint32_t n = 0;
	if (length == 0) return false;
	for (size_t i = 0; i < length; i++) {
		const char c = text[i];
		const uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
				       : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
							      : base;
		if (digit >= base) return false;
		n = n * base + digit;
		if (n >= limit) return false;
	}
	*value = n;
	return true;
}

static bool read_detail(uint32_t kind, const char *text, size_t length, uint32_t *detail)
{
	for (unsigned i = 0; has_rank(kind) && i < COUNT_OF(ranks); i++) {
		if (!same(text, length, ranks[i].name)) continue;
		*detail = ranks[i].stored;
		return true;
	}
	return read_number(text, length, 10, 256, detail);
}

bool plan_site_read(const char *text, size_t length, uint32_t *site)
{
	size_t dot = 0;
	uint32_t detail = 0;
	if (length > 2 && text[0] == '0' && text[1] == 'x')
		return read_number(text + 2, length - 2, 16, PLAN_PLACES, site);
	if (same(text, length, elsewhere)) {
		*site = PLAN_ELSEWHERE;
		return true;
	}
	while (dot < length && text[dot] != '.') dot++;
	for (uint32_t kind = 0; kind < SITE_KINDS; kind++) {
		if (!same(text, dot, names[kind])) continue;
		if (dot < length && !read_detail(kind, text + dot + 1, length - dot - 1, &detail))
			return false;
		*site = plan_site_make(kind, (uint8_t)detail);
		return true;
	}
	return false;
}

static uint32_t site_of(enum turn_kind kind, uint8_t detail)
{
	return plan_site((struct turn_point){ .kind = (uint8_t)kind, .detail = detail });
}

/* Before and after every lock, and the kinds that carry no detail worth guessing. */
static const uint8_t plain[] = { TURN_STEP, TURN_UNMASK, TURN_SWITCH, TURN_ENTRY,
				 TURN_TLB,  TURN_TIMER,  TURN_INSTALL };
const uint32_t plan_common_sites = 2 * COUNT_OF(ranks) + COUNT_OF(plain);

uint32_t plan_common_site(uint32_t n)
{
	if (n < COUNT_OF(ranks)) return site_of(TURN_LOCK, ranks[n].rank);
	n -= COUNT_OF(ranks);
	if (n < COUNT_OF(ranks)) return site_of(TURN_DROP, ranks[n].rank);
	return site_of(plain[(n - COUNT_OF(ranks)) % COUNT_OF(plain)], 0);
}
