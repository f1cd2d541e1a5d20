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
#include "fuzz/plan.h"
#include "machine/format.h"
#include "machine/lock.h"

const char *const plan_tick_names[] = { "tick" };

static const char elsewhere[] = "elsewhere";

static const char *const kinds[PLAN_KINDS] = {
	[TURN_RELAX - TURN_RELAX] = "relax",     [TURN_WAIT - TURN_RELAX] = "wait",
	[TURN_LOCK - TURN_RELAX] = "lock",       [TURN_DROP - TURN_RELAX] = "drop",
	[TURN_UNMASK - TURN_RELAX] = "unmask",   [TURN_IPI - TURN_RELAX] = "ipi",
	[TURN_TIMER - TURN_RELAX] = "timer",     [TURN_SWITCH - TURN_RELAX] = "switch",
	[TURN_ENTRY - TURN_RELAX] = "entry",     [TURN_TLB - TURN_RELAX] = "tlb",
	[TURN_INSTALL - TURN_RELAX] = "install", [TURN_STEP - TURN_RELAX] = "step",
};

static const struct {
	uint8_t rank;
	const char *name;
} ranks[] = {
	{ RANK_PROCESS, "process" },
	{ RANK_MUTEX, "mutex" },
	{ RANK_WAIT, "wait" },
	{ RANK_THREADS, "threads" },
	{ RANK_TIMERS, "timers" },
	{ RANK_RUNQ, "runq" },
	{ RANK_CALL, "call" },
	{ RANK_OUTER, "outer" },
	{ RANK_SPACE, "space" },
	{ RANK_RETIRED, "retired" },
	{ RANK_BACKING, "backing" },
	{ RANK_BACKINGS, "backings" },
	{ RANK_KSTACK, "kstack" },
	{ RANK_ASID, "asid" },
	{ RANK_QUARANTINE, "quarantine" },
	{ RANK_HEAP, "heap" },
	{ RANK_MAGAZINE, "magazine" },
	{ RANK_SLAB, "slab" },
	{ RANK_PAGE_CPU, "page-cpu" },
	{ RANK_PAGE, "page" },
	{ RANK_CONSOLE, "console" },
};

static bool has_rank(uint32_t kind)
{
	return kind == TURN_LOCK - TURN_RELAX || kind == TURN_DROP - TURN_RELAX;
}

static const char *rank_name(uint32_t rank)
{
	for (unsigned i = 0; i < COUNT_OF(ranks); i++)
		if (ranks[i].rank == rank) return ranks[i].name;
	return NULL;
}

size_t plan_site_name(uint32_t site, char *out, size_t room)
{
	ASSERT(site < PLAN_SITES);
	if (site == PLAN_ELSEWHERE) return format_text(out, room, "%s", elsewhere);
	if (site < PLAN_PLACES) return format_text(out, room, "0x%x", site);
	const uint32_t kind = (site - PLAN_PLACES) / 256, detail = site % 256;
	const char *rank = has_rank(kind) ? rank_name(detail) : NULL;
	if (rank != NULL) return format_text(out, room, "%s.%s", kinds[kind], rank);
	if (detail == 0) return format_text(out, room, "%s", kinds[kind]);
	return format_text(out, room, "%s.%u", kinds[kind], detail);
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
		*detail = ranks[i].rank;
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
	for (uint32_t kind = 0; kind < PLAN_KINDS; kind++) {
		if (!same(text, dot, kinds[kind])) continue;
		if (dot < length && !read_detail(kind, text + dot + 1, length - dot - 1, &detail))
			return false;
		*site = PLAN_PLACES + kind * 256 + detail;
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
