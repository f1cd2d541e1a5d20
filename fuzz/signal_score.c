/*
 * signal_score.c -- subject signal: what its tasks do, as programs do it (score.h).
 *
 * Actor 0 is the first task; behind it come the lanes, each a thread of a child of that; and behind
 * these the children that lanes have for a moment.  A lane's turn is three lines or more: it blocks
 * what its script says that it blocks, makes its call, and blocks everything again, until its next
 * turn; handlers write down what they are given, and lines behind each of these say what that was.
 *
 * What calls point to lies in a page that all have from the first one: masks, an action, a time
 * that is over, and for each actor what it sends and what it is told.
 *
 * Compiled without points.  Locks: none.
 */
#include "fuzz/frame/score.h"
#include "fuzz/signal_subject.h"

enum {
	CHILDREN = 1 + LANES, /* the first actor that is a lane's child */
	PAGE_OF_ALL = 0x30000000,
	MASKS_AT = PAGE_OF_ALL, /* by set of kinds, */
	MASK_OF_ALL = 1 << KINDS,
	OVER_AT = PAGE_OF_ALL + 0x100,
	IGNORE_AT = PAGE_OF_ALL + 0x140,
	OWN_AT = PAGE_OF_ALL + 0x200,
	OWN_BYTES = 64,
	TOLD_AT = 32, /* of these */
	INFO_BYTES = 32,
};

static unsigned actor_of(unsigned lane)
{
	return 1 + lane;
}

static unsigned leader_of(unsigned group)
{
	return actor_of(group * LANES_EACH);
}

static unsigned actor_now(struct run *run)
{
	return actor_of(signal_lane_now(run));
}

static unsigned child_now(struct run *run)
{
	return CHILDREN + signal_lane_now(run);
}

static uint32_t own_at(unsigned actor)
{
	return OWN_AT + actor * OWN_BYTES;
}

static uint32_t mask_at(uint32_t kinds)
{
	return MASKS_AT + kinds * (uint32_t)sizeof(sigset);
}

/* Whoever has not come back from a call by now sleeps in it. */
static struct score *line_of(struct run *run)
{
	score_sleeps(run->score);
	return run->score;
}

static void put(struct score *s, unsigned actor, uint32_t at, const void *bytes, size_t count)
{
	score_say(s, "%u put 0x%x", actor, at);
	score_bytes(s, bytes, count);
	score_say(s, "\n");
}

static void get(struct score *s, unsigned actor, uint32_t at, const void *bytes, size_t count)
{
	score_say(s, "%u get 0x%x", actor, at);
	score_bytes(s, bytes, count);
	score_say(s, "\n");
}

static void says_mask(struct score *s, unsigned actor, uint32_t kinds)
{
	score_say(s, "%u call %u 2 0x%x 0 8 0 0 = 0\n", actor, SYS_rt_sigprocmask, mask_at(kinds));
}

/* --- beginnings and ends ---------------------------------------------------------------------- */

void signal_score_opens(struct run *run)
{
	static const struct abi_sigaction ignore = { .handler = SIG_IGNORE, .flags = SA_SIGINFO };
	sigset masks[MASK_OF_ALL + 1];
	struct score *s = run->score;

	if (s == NULL) return;
	for (uint32_t kinds = 0; kinds < MASK_OF_ALL; kinds++) masks[kinds] = set_of_kinds(kinds);
	masks[MASK_OF_ALL] = ~(sigset)0;
	score_say(s, "# what all of them have\n0 call %u 0x%x %u %u %u -1 0 = 0x%x\n", SYS_mmap,
		  PAGE_OF_ALL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, PAGE_OF_ALL);
	put(s, 0, MASKS_AT, masks, sizeof masks);
	put(s, 0, IGNORE_AT, &ignore, sizeof ignore);
	says_mask(s, 0, MASK_OF_ALL);
}

void signal_score_group(struct run *run, unsigned group)
{
	const unsigned leader = leader_of(group);
	struct score *s = line_of(run);

	score_say(s, "0 fork %u 0 = @%u\n", leader, leader);
	for (uint32_t kind = 0; kind < KINDS; kind++)
		score_say(s, "%u handle %d %u\n", leader, signal_of_kind(kind),
			  (unsigned)SA_SIGINFO);
	score_say(s, "%u handle %d %u\n", leader, RESCUE, (unsigned)SA_SIGINFO);
	for (unsigned n = 1; n < LANES_EACH; n++)
		score_say(s, "%u thread %u 0 = @%u\n", leader, leader + n, leader + n);
}

void signal_score_lane_ends(struct run *run, unsigned lane)
{
	struct score *s = line_of(run);

	score_say(s, "%u call %u 0 0 0 0 0 0 leaves\n", actor_of(lane), SYS_exit);
	score_lost(s, actor_of(lane));
}

void signal_score_group_ended(struct run *run, unsigned group, int32_t status)
{
	struct score *s = line_of(run);
	const unsigned leader = leader_of(group);

	score_say(s, "0 call %u @%u 0x%x 0 0 0 0 = @%u\n", SYS_wait4, leader, own_at(0), leader);
	get(s, 0, own_at(0), &status, sizeof status);
}

/* --- turns ------------------------------------------------------------------------------------ */

void signal_score_mask(struct run *run, uint32_t kinds)
{
	says_mask(line_of(run), actor_now(run), kinds);
}

void signal_score_mask_all(struct run *run)
{
	signal_score_mask(run, MASK_OF_ALL);
}

void signal_score_took(struct run *run, const struct abi_siginfo *info)
{
	score_say(line_of(run), "%u takes %d %d 0x%lx\n", actor_now(run), info->signo, info->code,
		  (unsigned long)info->sent.value);
}

void signal_score_answers(struct run *run, int64_t answer)
{
	struct score *s = run->score;

	score_back(s, actor_now(run));
	score_say(s, " =");
	score_number(s, (uint64_t)answer);
	score_say(s, "\n");
}

void signal_score_handles(struct run *run, uint32_t kind, bool ignore)
{
	const int sig = signal_of_kind(kind);
	struct score *s = line_of(run);

	if (ignore)
		score_say(s, "%u call %u %d 0x%x 0 8 0 0 = 0\n", actor_now(run), SYS_rt_sigaction,
			  sig, IGNORE_AT);
	else
		score_say(s, "%u handle %d %u\n", actor_now(run), sig, (unsigned)SA_SIGINFO);
}

/* --- calls, which signal_score_answers() ends ------------------------------------------------- */

void signal_score_sends(struct run *run, const struct score_sent *sent)
{
	struct score *s = line_of(run);
	const unsigned actor = actor_now(run);

	if (s == NULL) return;
	put(s, actor, own_at(actor), sent->info, INFO_BYTES);
	score_asks(s, actor);
	if (sent->lane == LANES)
		score_say(s, " %u @%u %d 0x%x 0 0 0", SYS_rt_sigqueueinfo, leader_of(sent->group),
			  sent->sig, own_at(actor));
	else
		score_say(s, " %u @%u @%u %d 0x%x 0 0", SYS_rt_tgsigqueueinfo,
			  leader_of(sent->group), actor_of(sent->lane), sent->sig, own_at(actor));
}

void signal_score_awaits(struct run *run, uint32_t kinds, bool for_ever)
{
	const unsigned actor = actor_now(run);

	score_asks(run->score, actor);
	score_say(run->score, " %u 0x%x 0x%x 0x%x 8 0 0", SYS_rt_sigtimedwait, mask_at(kinds),
		  own_at(actor) + TOLD_AT, for_ever ? 0 : OVER_AT);
}

void signal_score_awaited(struct run *run, const struct abi_siginfo *info)
{
	const unsigned actor = actor_now(run);

	if (run->score != NULL) get(run->score, actor, own_at(actor) + TOLD_AT, info, INFO_BYTES);
}

void signal_score_suspends(struct run *run, uint32_t kinds)
{
	score_asks(run->score, actor_now(run));
	score_say(run->score, " %u 0x%x 8 0 0 0 0", SYS_rt_sigsuspend, mask_at(kinds));
}

void signal_score_yields(struct run *run)
{
	score_asks(run->score, actor_now(run));
	score_say(run->score, " %u 0 0 0 0 0 0", SYS_sched_yield);
}

/* --- stops and ends of others ----------------------------------------------------------------- */

static void say_kill(struct score *s, unsigned group, int sig)
{
	score_say(s, " %u @%u %d 0 0 0 0", SYS_kill, leader_of(group), sig);
}

/* The lanes that are there: a line of the conductor's for each. */
static void lanes_are(struct run *run, unsigned group, void (*say)(struct score *s, unsigned actor))
{
	for (unsigned n = 0; n < LANES_EACH; n++)
		if (!lane_is_over(group * LANES_EACH + n)) say(run->score, leader_of(group) + n);
}

static void says_stopped(struct score *s, unsigned actor)
{
	score_say(s, "- stopped %u\n", actor);
}

void signal_score_kills(struct run *run, unsigned group)
{
	const bool own = signal_lane_now(run) / LANES_EACH == group;
	struct score *s = line_of(run);

	score_say(s, "%u call", actor_now(run));
	say_kill(s, group, SIGKILL);
	score_say(s, own ? " leaves\n" : " = 0\n");
	lanes_are(run, group, score_lost);
}

void signal_score_stops(struct run *run, unsigned group, bool stops)
{
	const bool own = signal_lane_now(run) / LANES_EACH == group;

	score_asks(run->score, actor_now(run));
	say_kill(run->score, group, stops ? SIGSTOP : SIGCONT);
	if (!stops || !own) signal_score_answers(run, 0); /* else when it goes on again */
	score_sleeps(run->score);
	if (stops) lanes_are(run, group, says_stopped);
}

/* --- children, and the first task ------------------------------------------------------------- */

void signal_score_forks(struct run *run)
{
	const unsigned actor = actor_now(run), child = child_now(run);
	struct score *s = line_of(run);

	score_say(s, "%u fork %u 0 = @%u\n", actor, child, child);
	score_asks(s, actor);
	score_say(s, " %u @%u 0x%x 0 0 0 0", SYS_wait4, child, own_at(actor));
}

void signal_score_child_ends(struct run *run, unsigned lane, uint32_t code)
{
	const unsigned child = CHILDREN + lane;
	struct score *s = line_of(run);

	score_say(s, "%u call %u %u 0 0 0 0 0 leaves\n", child, SYS_exit_group, code);
	score_lost(s, child);
}

void signal_score_waited(struct run *run, int32_t status)
{
	const unsigned actor = actor_now(run);

	score_back(run->score, actor);
	score_say(run->score, " = @%u\n", child_now(run));
	if (run->score != NULL) get(run->score, actor, own_at(actor), &status, sizeof status);
}

void signal_score_continues(struct run *run, unsigned group)
{
	score_rest(run->score);
	score_say(run->score, "0 call");
	say_kill(run->score, group, SIGCONT);
	score_say(run->score, " = 0\n");
}

void signal_score_rescues(struct run *run, unsigned lane)
{
	score_rest(run->score);
	score_say(run->score, "0 call %u @%u @%u %d 0 0 0 = 0\n", SYS_tgkill,
		  leader_of(lane / LANES_EACH), actor_of(lane), RESCUE);
}
