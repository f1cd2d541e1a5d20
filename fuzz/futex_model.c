/*
 * futex_model.c -- subject futex: who waits where, and whether answers may be what they are.
 *
 * What is certain is noted before a call, and looked at again after it.
 *
 * A wait that says it was woken: some wake of its word and bits was under way in its time, or a
 * requeue may have moved it.
 *
 * A wait: if nobody stored to its word from its begin to its end, the word was one value all the
 * time, and so it either differs from what was waited for (then nothing but EAGAIN) or not (then
 * anything else).  A deadline must have passed, a signal must have been sent.
 *
 * A wake: who sleeps for certain when it begins, at that word and with those bits, and still sleeps
 * the same sleep when it ends, was passed over; then it must have woken as many as it was to.
 *
 * All wakes and waits: as many waits were told that they were woken as wakes say they woke.  That
 * is exact when nobody can go on by himself; and then everybody who waits at a posted word, was
 * never moved, and waits for a value that is not there any more, has lost a wake: such a word only
 * changes by a store that is followed by a wake of all, under each of its names.
 *
 * Compiled without points, but for those of calls.  Locks: none.
 */
#include "fuzz/frame/score.h"
#include "fuzz/futex_subject.h"
#include "mm/usercopy.h"

/* A wait of a lane. */
struct waiter {
	bool waits;
	bool moved;      /* may have been, by a requeue */
	bool may;        /* a wake was under way that could mean it */
	bool signalled;  /* and it has not said that it knows */
	uint32_t key;    /* where it began */
	uint32_t stores; /* to its memory's word, that had been begun or ended then */
	bool certain;    /* and the value was this: */
	uint32_t value;
	struct wait_call call;
	unsigned cpu;
};

static struct {
	struct waiter lane[LANES];
	struct {
		uint32_t begun, ended;
		bool certain;
		uint32_t value, next;
	} word[MEMORIES][WORDS];
	uint64_t woken;              /* that wakes say */
	uint64_t returned;           /* waits that say so */
	uint32_t wakes;              /* calls that were begun by lanes */
	uint32_t tells;              /* signals and kills that were begun by lanes */
	uint32_t moving;             /* those under way that move */
	bool rescuing;               /* all are being woken, and those who come meanwhile */
	uint32_t under_way[KEYS][4]; /* wakes, by the lower two of their bits */
} model;

void model_open(void)
{
	memset(&model, 0, sizeof model);
	for (uint32_t m = 0; m < MEMORIES; m++)
		for (uint32_t w = 0; w < WORDS; w++) model.word[m][w].certain = true;
}

/* --- words ------------------------------------------------------------------------------------ */

uint32_t model_stores(struct named n)
{
	const uint32_t m = named_memory(n);
	const bool alone = model.word[m][n.word].begun == model.word[m][n.word].ended;

	model.word[m][n.word].certain = false;
	model.word[m][n.word].begun++;
	return alone ? model.word[m][n.word].begun : 0;
}

/* Where two stores overlap nobody knows which was the last. */
void model_stored(struct named n, uint32_t begun, uint32_t value)
{
	const uint32_t m = named_memory(n);

	model.word[m][n.word].ended++;
	model.word[m][n.word].value = value;
	model.word[m][n.word].certain =
		model.word[m][n.word].begun == begun && model.word[m][n.word].ended == begun;
}

void model_stored_something(struct named n)
{
	model.word[named_memory(n)][n.word].ended++;
	model.word[named_memory(n)][n.word].certain = false;
}

bool model_is_certain(struct named n, uint32_t *value)
{
	*value = model.word[named_memory(n)][n.word].value;
	return model.word[named_memory(n)][n.word].certain;
}

uint32_t model_next(struct named n)
{
	return ++model.word[named_memory(n)][n.word].next;
}

uint32_t model_stores_of(struct named n)
{
	return model.word[named_memory(n)][n.word].begun +
	       model.word[named_memory(n)][n.word].ended;
}

/* --- waiting ---------------------------------------------------------------------------------- */

bool model_somebody_waits(void)
{
	for (unsigned lane = 0; lane < LANES; lane++)
		if (model.lane[lane].waits) return true;
	return false;
}

bool model_lane_waits_for_ever(unsigned lane)
{
	return model.lane[lane].waits && model.lane[lane].call.deadline_ns == WAIT_FOREVER;
}

void model_waits(struct run *run, const struct wait_call *w)
{
	struct waiter *me = &model.lane[futex_lane_now(run)];

	*me = (struct waiter){
		.waits = true,
		.signalled = me->signalled,
		.moved = model.moving != 0,
		.may = model.rescuing,
		.key = named_key(w->name),
		.stores = model_stores_of(w->name),
		.call = *w,
		.cpu = mach_cpu(),
	};
	me->certain = model_is_certain(w->name, &me->value);
	for (uint32_t bits = 0; bits < 4; bits++)
		me->may |= (bits & w->bits) != 0 && model.under_way[me->key][bits] != 0;
}

static void judge_value(const struct waiter *me, int64_t answer)
{
	if (!me->certain || model_stores_of(me->call.name) != me->stores) return;
	if ((me->value != me->call.value) != (answer == -ERR_AGAIN))
		kpanic(ORACLE_VERDICT, "a wait for %u at a word of %u answers %ld", me->call.value,
		       me->value, (long)answer);
}

void model_waited(struct run *run, const struct wait_call *w, int64_t answer)
{
	const unsigned lane = futex_lane_now(run);
	struct waiter *me = &model.lane[lane];
	const bool passed = mach_now_ns() >= w->deadline_ns;

	me->waits = false;
	judge_value(me, answer);
	switch (answer) {
	case 0:
		if (!me->may && !me->moved) kpanic(ORACLE_VERDICT, "a wait was woken by nobody");
		model.returned++;
		run_sometimes(run, me->moved ? SAW_MOVED_AND_WOKEN : SAW_WOKEN);
		return;
	case -ERR_AGAIN: run_sometimes(run, SAW_DIFFERS); return;
	case -ERR_TIMEDOUT:
		run_sometimes(run, SAW_TIMEOUT);
		if (!passed) kpanic(ORACLE_VERDICT, "a wait timed out before its time");
		return;
	case -ERR_INTR:
		run_sometimes(run,
			      sched_killed(&world_of(run)->sched) ? SAW_KILLED : SAW_SIGNALLED);
		if (!lane_was_told(lane)) kpanic(ORACLE_VERDICT, "a wait ended for no reason");
		return;
	default: kpanic(ORACLE_ERRNO, "a wait answers %ld", (long)answer);
	}
}

/* --- waking ----------------------------------------------------------------------------------- */

/* A wake of that word begins: who could be meant? */
static void wake_begins(struct named n, uint32_t bits)
{
	const uint32_t key = named_key(n);

	model.wakes++;
	model.under_way[key][bits & 3]++;
	for (unsigned lane = 0; lane < LANES; lane++)
		if (model.lane[lane].waits && model.lane[lane].key == key)
			model.lane[lane].may |= (model.lane[lane].call.bits & bits) != 0;
}

static void wake_ended(struct named n, uint32_t bits)
{
	model.under_way[named_key(n)][bits & 3]--;
	model.wakes++;
}

void model_tells(void)
{
	model.tells++;
}

void model_signalled(unsigned lane, bool signalled)
{
	model.lane[lane].signalled = signalled;
}

/* The word of that lane's thread, if it sleeps now; else 0. */
static uint64_t sleep_of(const struct run *run, unsigned lane)
{
	const thread_id id = lane_thread(lane);
	const struct thread *t = &world_of(run)->threads[(uint32_t)id % THREAD_SLOTS];

	if (id == THREAD_NONE || thread_word_state(t->word) != THREAD_WAITING) return 0;
	return t->word;
}

/* Nothing but a waker will end that. */
static bool sleeps_for_good(const struct run *run, unsigned lane)
{
	return model_lane_waits_for_ever(lane) && !model.lane[lane].moved && !lane_was_told(lane) &&
	       sleep_of(run, lane) != 0;
}

void model_wakes(struct run *run, struct wake_call *w)
{
	const uint32_t key = named_key(w->from);

	w->asleep = 0;
	wake_begins(w->from, w->bits);
	for (unsigned lane = 0; lane < LANES; lane++) {
		struct waiter *other = &model.lane[lane];
		if (!other->waits || other->key != key) continue;
		if ((other->call.bits & w->bits) == 0) run_sometimes(run, SAW_BITS_MISSED);
		if (sleeps_for_good(run, lane) && (other->call.bits & w->bits) != 0) {
			w->asleep |= 1u << lane;
			w->word[lane] = sleep_of(run, lane);
		}
		if (w->from.place != other->call.name.place) run_sometimes(run, SAW_ELSEWHERE);
	}
	model.moving += w->move > 0;
	for (unsigned lane = 0; lane < LANES && w->move > 0; lane++)
		if (model.lane[lane].waits) model.lane[lane].moved = true;
}

/* Those that slept then and sleep still, in that same sleep. */
static uint32_t passed_over(const struct run *run, const struct wake_call *w)
{
	uint32_t count = 0;

	for (unsigned lane = 0; lane < LANES; lane++)
		if ((w->asleep >> lane & 1) != 0 && sleep_of(run, lane) == w->word[lane] &&
		    !lane_was_told(lane))
			count++;
	return count;
}

void model_woke(struct run *run, const struct wake_call *w, int64_t answer)
{
	const int64_t most = w->wake + (int64_t)w->move, left = passed_over(run, w);
	const int64_t woken = answer < w->wake ? answer : w->wake;

	wake_ended(w->from, w->bits);
	model.moving -= w->move > 0;
	if (answer < 0 || answer > most || answer >= LANES)
		kpanic(ORACLE_VERDICT, "a call that wakes %d and moves %d answers %ld", w->wake,
		       w->move, (long)answer);
	model.woken += (uint64_t)woken;
	if (answer > woken) run_sometimes(run, SAW_MOVED);
	if (left > answer - woken && answer < most)
		kpanic(ORACLE_LOST_WAKE, "%ld sleep on, and a call for %ld answers %ld", (long)left,
		       (long)most, (long)answer);
}

void model_changes(struct named from, struct named to)
{
	wake_begins(from, FUTEX_BITSET_MATCH_ANY);
	wake_begins(to, FUTEX_BITSET_MATCH_ANY);
}

void model_changed(struct named from, struct named to, int64_t woken)
{
	if (woken < 0 || woken > LANES) kpanic(ORACLE_VERDICT, "a wake answers %ld", (long)woken);
	model.woken += (uint64_t)woken;
	wake_ended(from, FUTEX_BITSET_MATCH_ANY);
	wake_ended(to, FUTEX_BITSET_MATCH_ANY);
}

/* --- at rest ---------------------------------------------------------------------------------- */

static void judge_reason(const struct run *run, const struct waiter *w, unsigned lane)
{
	const struct futex_at at = named_at(run, w->call.name);
	uint32_t value;

	if (w->signalled) kpanic(ORACLE_LOST_WAKE, "lane %u sleeps, and has a signal", lane);
	if (w->moved || w->call.name.word >= POSTED) return;
	if (user_copy_in(at.space, &value, at.va, sizeof value) != 0)
		kpanic(ORACLE_SPACE, "a word is not there");
	if (value != w->call.value)
		kpanic(ORACLE_LOST_WAKE, "lane %u waits for %u, and the word is %u", lane,
		       w->call.value, value);
}

/* Under every name that there is. */
static int64_t wake_everybody(struct run *run)
{
	int64_t woken = 0;

	for (uint32_t n = 0; n < PLACES * WORDS * 2; n++) {
		const struct named name = { n / 2 % PLACES, n / 2 / PLACES, n % 2 != 0 };
		const struct futex_at at = named_at(run, name);
		const int64_t here =
			futex_wake(world_of(run)->table, &at, INT32_MAX, FUTEX_BITSET_MATCH_ANY);
		const struct futex_score told = { .value = INT32_MAX, .answer = here };
		if (here != 0) futex_score_call(run, name, FUTEX_WAKE, &told);
		woken += here;
	}
	return woken;
}

void model_at_rest(struct run *run)
{
	struct futex_table *f = world_of(run)->table;
	uint32_t waiting = 0;

	const char *why = futex_check(f);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	model.rescuing = true;
	for (unsigned lane = 0; lane < LANES; lane++) {
		if (!model.lane[lane].waits) continue;
		model.lane[lane].may = true; /* by what follows */
		waiting++;
		judge_reason(run, &model.lane[lane], lane);
	}
	if (model.woken != model.returned)
		kpanic(ORACLE_ACCOUNT, "%lu were woken, %lu know it", (unsigned long)model.woken,
		       (unsigned long)model.returned);
	if (futex_waiting(f) != waiting)
		kpanic(ORACLE_ACCOUNT, "%u wait, and the table has %u", waiting, futex_waiting(f));
	model.rescuing = waiting != 0;
	if (waiting == 0) return;
	run_sometimes(run, SAW_RESCUED);
	score_rest(run->score);
	const uint32_t wakes = model.wakes, tells = model.tells;
	const int64_t woken = wake_everybody(run);
	model.rescuing = false;
	/* Who was woken first may have woken others since, or told them to end their waits. */
	if (woken + (model.tells - tells) < waiting && wakes == model.wakes)
		kpanic(ORACLE_LOST_WAKE, "%u wait, and %ld can be woken", waiting, (long)woken);
	model.woken += (uint64_t)woken;
}
