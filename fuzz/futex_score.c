/*
 * futex_score.c -- subject futex: what its lanes do, as programs do it (score.h).
 *
 * A lane makes calls for either of two spaces, so it is two actors: each a process that shares the
 * memory of one that takes care of that space, 0 or 1, and that can be killed without the others.
 * They begin when they first have something to do, and anew when they were killed.  What wakes all
 * when nobody can go on is what those that take care do.
 *
 * A copy of a space that is made for its pages to be shared is a child that exits; a robust list is
 * that of a process which shares the memory, says where the list is, and exits.
 *
 * Words are stored and looked at by lines of their own.  Times that calls wait for are at fixed
 * addresses: one that is over, and some that never come.
 *
 * Locks: none; compiled without points.
 */
#include "fuzz/frame/score.h"
#include "fuzz/futex_subject.h"
#include "kernel/abi.h"

enum {
	FIRST_OF_LANES = 2,
	OTHER = FIRST_OF_LANES + 2 * LANES, /* a child for a moment */
	TIMES_AT = PAGE_AT + 3584,
	TIMES_NEVER = 3,
	ROBUST_HEAD_BYTES = 24,
	TID_OF_OTHERS = 0x3ffffff0, /* nobody's */
};

static struct {
	uint32_t begun;         /* actors, by bit */
	unsigned asleep[LANES]; /* the actor of it that is in a call, or 0 */
	unsigned killed[LANES]; /* that was, or 0 */
} told;

static unsigned place_of_lane(unsigned lane, uint32_t space)
{
	return lane >= LANES ? space : FIRST_OF_LANES + lane + LANES * space;
}

/* Whoever does what the calling code does for a space; it begins if it is not there. */
static unsigned actor_for(struct run *run, uint32_t space)
{
	const unsigned actor = place_of_lane(futex_lane_now(run), space);

	if ((told.begun >> actor & 1) == 0)
		score_say(run->score, "%u share %u 0 = @%u\n", space, actor, actor);
	told.begun |= 1u << actor;
	return actor;
}

static unsigned actor_at(struct run *run, struct named n)
{
	return actor_for(run, named_space(n));
}

/* --- calls ------------------------------------------------------------------------------------ */

static void say_args(struct score *s, uint32_t number, const uint64_t arg[6])
{
	score_say(s, " %u", number);
	for (unsigned n = 0; n < 6; n++) score_number(s, arg[n]);
}

static void say_answer(struct score *s, int64_t answer)
{
	score_say(s, " =");
	score_number(s, (uint64_t)answer);
	score_say(s, "\n");
}

static void say_call(struct score *s, unsigned actor, uint32_t number, const uint64_t arg[6],
		     int64_t answer)
{
	score_say(s, "%u call", actor);
	say_args(s, number, arg);
	say_answer(s, answer);
}

static uint64_t op_of(struct named n, uint32_t op)
{
	return op | (n.shared ? 0 : (uint64_t)FUTEX_PRIVATE_FLAG);
}

void futex_score_call(struct run *run, struct named n, uint32_t op, const struct futex_score *c)
{
	const struct named to = c->to != NULL ? *c->to : n;
	const uint64_t arg[] = {
		named_va(n), op_of(n, op), c->value, c->second, c->to != NULL ? named_va(to) : 0,
		c->third
	};

	if (run->score != NULL) say_call(run->score, actor_at(run, n), SYS_futex, arg, c->answer);
}

/* Of times that a script can say, 0 is none and the next two are over. */
bool futex_score_is_over(uint32_t time)
{
	return time != 0 && time < TIMES_NEVER;
}

void futex_score_waits(struct run *run, const struct wait_call *w, uint32_t time)
{
	const uint64_t at = time == 0 ? 0 : TIMES_AT + (time - 1) * sizeof(struct abi_timespec);
	const uint64_t arg[] = {
		named_va(w->name), op_of(w->name, FUTEX_WAIT_BITSET), w->value, at, 0, w->bits
	};

	if (run->score == NULL) return;
	const unsigned actor = actor_at(run, w->name);
	told.asleep[futex_lane_now(run)] = actor;
	score_asks(run->score, actor);
	say_args(run->score, SYS_futex, arg);
}

void futex_score_waited(struct run *run, int64_t answer)
{
	unsigned *actor = &told.asleep[futex_lane_now(run)];

	if (run->score == NULL) return;
	score_back(run->score, *actor);
	say_answer(run->score, answer);
	*actor = 0;
}

void futex_score_yields(struct run *run)
{
	static const uint64_t arg[6];

	if (run->score != NULL) say_call(run->score, actor_for(run, 0), SYS_sched_yield, arg, 0);
}

/* --- words, and their pages ------------------------------------------------------------------- */

void futex_score_word(struct run *run, struct named n, bool set, uint32_t value)
{
	if (run->score == NULL) return;
	score_say(run->score, "%u %s 0x%lx 0x%x\n", actor_at(run, n), set ? "set" : "see",
		  (unsigned long)named_va(n), value);
}

static void leaves(struct score *s, unsigned actor)
{
	static const uint64_t arg[6];

	score_say(s, "%u call", actor);
	say_args(s, SYS_exit, arg);
	score_say(s, " leaves\n");
	score_lost(s, actor);
}

void futex_score_away(struct run *run, struct named n)
{
	const uint32_t space = named_space(n);
	const uint64_t arg[6] = { align_down(named_va(n), PAGE_SIZE), PAGE_SIZE, MADV_DONTNEED };

	if (run->score == NULL) return;
	if (named_memory(n) == MEMORY_SHARED) {
		say_call(run->score, actor_at(run, n), SYS_madvise, arg, 0);
		return;
	}
	score_say(run->score, "%u fork %u 0 = @%u\n", space, OTHER, OTHER);
	leaves(run->score, OTHER);
}

void futex_score_robust(struct run *run, uint32_t space, const struct robust_told *r)
{
	struct score *s = run->score;
	const uint64_t arg[6] = { r->head, ROBUST_HEAD_BYTES };

	if (s == NULL) return;
	score_say(s, "%u share %u 0 = @%u\n", space, OTHER, OTHER);
	for (uint32_t n = 0; n <= ROBUST_ENTRIES; n++) {
		score_say(s, "%u put 0x%lx", OTHER, (unsigned long)(r->head + 64 * n));
		score_bytes(s, &r->link[n], sizeof r->link[n]);
		score_say(s, "\n");
	}
	score_say(s, "%u put 0x%lx", OTHER, (unsigned long)(r->head + 8));
	score_bytes(s, r->fixed, sizeof r->fixed);
	score_say(s, "\n");
	for (uint32_t n = 0; n < ROBUST_ENTRIES; n++) {
		score_say(s, "%u set 0x%lx", OTHER, (unsigned long)(r->head + 64 * n + 72));
		if ((r->others >> n & 1) != 0)
			score_say(s, " 0x%x\n", TID_OF_OTHERS);
		else
			score_say(s, " @%u\n", OTHER);
	}
	say_call(s, OTHER, SYS_set_robust_list, arg, 0);
	leaves(s, OTHER);
}

void futex_score_robust_word(struct run *run, uint32_t space, uint64_t va, uint32_t value)
{
	struct score *s = run->score;

	if (s == NULL) return;
	score_say(s, "%u see 0x%lx", actor_for(run, space), (unsigned long)va);
	if (value == ROBUST_TID)
		score_say(s, " @%u\n", OTHER);
	else
		score_say(s, " 0x%x\n", value == FUTEX_OWNER_DIED ? value : TID_OF_OTHERS);
}

/* --- signals and ends ------------------------------------------------------------------------- */

static void say_kill(struct run *run, unsigned victim, int sig, bool back)
{
	score_say(run->score, "%u call %u @%u %d 0 0 0 0 %s\n", actor_for(run, 0), SYS_kill, victim,
		  sig, back ? "= 0" : "leaves");
}

void futex_score_signals(struct run *run, unsigned lane)
{
	if (run->score != NULL) say_kill(run, told.asleep[lane], SIGUSR1, true);
}

void futex_score_kills(struct run *run, unsigned lane)
{
	const unsigned idle = place_of_lane(lane, 0);

	if (run->score == NULL) return;
	(void)actor_for(run, 0);
	told.killed[lane] = told.asleep[lane] != 0 ? told.asleep[lane] : idle;
	if ((told.begun >> told.killed[lane] & 1) != 0)
		say_kill(run, told.killed[lane], SIGKILL, lane != futex_lane_now(run));
	else
		told.killed[lane] = 0; /* it has done nothing yet */
}

void futex_score_ended(struct run *run, unsigned lane)
{
	if (told.killed[lane] == 0) return;
	score_lost(run->score, told.killed[lane]);
	told.begun &= ~(1u << told.killed[lane]);
	told.asleep[lane] = told.killed[lane] = 0;
}

/* --- what all of them have -------------------------------------------------------------------- */

static void say_map(struct score *s, uint64_t at, uint32_t flags)
{
	const uint64_t arg[] = {
		at,         PAGE_SIZE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_FIXED,
		UINT64_MAX, 0
	};

	say_call(s, 0, SYS_mmap, arg, (int64_t)at);
}

void futex_score_opens(struct run *run)
{
	static const struct abi_timespec times[] = {
		{ 0, 0 }, { 0, 999999999 }, { 1000000000, 0 }, { INT64_MAX, 0 }, { 1l << 40, 1 },
	};
	struct score *s = run->score;
	const uint64_t page = named_va((struct named){ .place = OWN_A });
	const uint64_t shared = named_va((struct named){ .place = SHARED_A });
	const uint64_t again = named_va((struct named){ .place = SHARED_AGAIN });
	const uint64_t twice[] = { shared, 0, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, again, 0 };

	memset(&told, 0, sizeof told);
	told.begun = 3;
	if (s == NULL) return;
	score_say(s, "# two spaces, and what both have\n");
	say_map(s, page, MAP_PRIVATE);
	say_map(s, shared, MAP_SHARED);
	say_call(s, 0, SYS_mremap, twice, (int64_t)again);
	score_say(s, "0 put 0x%x", TIMES_AT);
	score_bytes(s, times, sizeof times);
	score_say(s, "\n0 handle %d 0\n0 fork 1 0 = @1\n", SIGUSR1);
}
