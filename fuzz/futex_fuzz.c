/*
 * futex_fuzz.c -- subject futex: tasks of two spaces wait at words, wake and move each other,
 * change the words, and are signalled and killed, on up to eight CPUs at once.
 *
 * A word has a place, which is a space and one of its mappings, and a number.  Those below POSTED
 * change only by `post`, which wakes all under each of the word's names; the others by `set`, which
 * wakes nobody, and by the call that changes and wakes in one.  Pages go away meanwhile, by copies
 * of the space, and by being dropped where they are shared: then a look at a word faults.
 *
 * What must hold is in futex_model.c; and at the end every thread, page and space is back.  Of the
 * header's tag, bits 0 and 1 are how many rows and buckets the table has; bits 2 and 3, not both 0:
 * only two words of each place are used; bit 4: only two places.
 *
 * Results: what each lane's calls answered.
 */
#include "fuzz/futex_subject.h"

enum { TIMES = 6, WAKE_MOST = 4, OPS = 5, COMPARES = 6 };

static uint32_t low(const struct script_op *op)
{
	return op->arg & 0xffff;
}

static uint32_t high(const struct script_op *op)
{
	return op->arg >> 16;
}

/* Of a field of NAMES values. */
enum { NAMES = PLACES * WORDS * 2 };

static struct named named_of(const struct run *run, uint32_t n)
{
	const uint32_t tag = run->script->world.tag;
	struct named name = { n % PLACES, n / PLACES % WORDS, n / PLACES / WORDS % 2 != 0 };

	if ((tag >> 2 & 3) != 0) name.word = name.word < POSTED ? 0 : POSTED;
	if ((tag >> 4 & 1) != 0) name.place = name.place < SHARED_A ? OWN_A : SHARED_A;
	return name;
}

/* A word that may change in any way. */
static struct named loose(struct named n)
{
	if (n.word < POSTED) n.word += POSTED;
	return n;
}

/* Over, or never, where nothing is to depend on time. */
static uint64_t deadline_of(const struct run *run, uint32_t time)
{
	if (run_is_calm(run)) return futex_score_is_over(time) ? mach_now_ns() : WAIT_FOREVER;
	return time == 0 ? WAIT_FOREVER : (mach_now_ns() / GRID_NS + time) * GRID_NS;
}

/* Programs look at words and store to them as they do: whole, and in no order. */
static uint32_t look(struct run *run, struct named n)
{
	const struct futex_at at = named_at(run, n);
	uint32_t value;

	while (user_word_read(at.space, at.va, &value) != WORD_DONE) {
		run_sometimes(run, SAW_FAULTED);
		if (!user_word_touch(at.space, at.va, MACH_LOAD))
			kpanic(ORACLE_SPACE, "a word is not there");
	}
	return value;
}

static void store(struct run *run, struct named n, uint32_t value)
{
	const struct futex_at at = named_at(run, n);
	uint32_t was = look(run, n);
	enum user_word did;

	const uint32_t begun = model_stores(n);
	while ((did = user_word_change(at.space, at.va, was, value, &was)) != WORD_DONE)
		if (did == WORD_AWAY && !user_word_touch(at.space, at.va, MACH_STORE))
			kpanic(ORACLE_SPACE, "a word cannot be stored to");
	model_stored(n, begun, value);
	futex_score_word(run, n, true, value);
}

static int64_t wake(struct run *run, struct named n, int32_t most, uint32_t bits)
{
	const struct futex_at at = named_at(run, n);
	struct wake_call call = { .from = n, .wake = most > 0 ? most : 1, .bits = bits };

	model_wakes(run, &call);
	const int64_t answer = futex_wake(world_of(run)->table, &at, most, bits);
	const struct futex_score told = { .value = (uint32_t)most,
					  .third = bits,
					  .answer = answer };
	futex_score_call(run, n, FUTEX_WAKE_BITSET, &told);
	model_woke(run, &call, answer);
	return answer;
}

/* --- operations ------------------------------------------------------------------------------- */

static void step_wait(struct run *run, const struct script_op *op)
{
	const struct named name = named_of(run, op->aux);
	const uint32_t time = low(op) % TIMES, other = low(op) / TIMES % 2;
	const struct wait_call call = {
		.name = name,
		.value = look(run, name) + other,
		.bits = 1 + high(op) % 3,
		.deadline_ns = deadline_of(run, time),
	};
	const struct futex_at at = named_at(run, name);

	futex_score_waits(run, &call, time);
	model_waits(run, &call);
	const int64_t answer =
		futex_wait(world_of(run)->table, &at, call.value, call.bits, call.deadline_ns);
	if (run->score != NULL && !sched_killed(&world_of(run)->sched))
		futex_score_waited(run, answer);
	model_waited(run, &call, answer);
	if (!sched_killed(&world_of(run)->sched)) sched_signal_dealt(&world_of(run)->sched);
	model_signalled(futex_lane_now(run), false);
	run_result(run, (uint64_t)answer);
	lane_done(run);
}

static void step_wake(struct run *run, const struct script_op *op)
{
	run_result(run,
		   (uint64_t)wake(run, named_of(run, op->aux), (int32_t)low(op), 1 + high(op) % 3));
	lane_done(run);
}

/* Under each name of that word. */
static void step_post(struct run *run, const struct script_op *op)
{
	struct named n = named_of(run, op->aux);
	int64_t woken = 0;

	n.word %= POSTED;
	store(run, n, model_next(n));
	for (uint32_t i = 0; i < PLACES * 2; i++) {
		const struct named name = { i / 2, n.word, i % 2 != 0 };
		if (named_memory(name) == named_memory(n))
			woken += wake(run, name, INT32_MAX, FUTEX_BITSET_MATCH_ANY);
	}
	run_result(run, (uint64_t)woken);
	lane_done(run);
}

static void step_set(struct run *run, const struct script_op *op)
{
	store(run, loose(named_of(run, op->aux)), op->arg);
	lane_done(run);
}

static void judge_requeue(bool differs, int64_t answer)
{
	if (differs != (answer == -ERR_AGAIN))
		kpanic(ORACLE_VERDICT, "a requeue for %s value answers %ld",
		       differs ? "another" : "that", (long)answer);
}

static void step_requeue(struct run *run, const struct script_op *op)
{
	const struct named from = named_of(run, op->aux);
	struct named to = named_of(run, high(op));
	const uint32_t value = look(run, from) + (low(op) >> 5 & 1);
	struct wake_call call = {
		.from = from,
		.wake = (int32_t)(low(op) & 3),
		.move = (int32_t)(low(op) >> 2 & 3),
		.bits = FUTEX_BITSET_MATCH_ANY,
	};

	to.shared = from.shared;
	if (!from.shared || (run_is_calm(run) && named_space(to) != named_space(from)))
		to.place = from.place == OWN_B || from.place == SHARED_B ? SHARED_B : OWN_A;
	call.to = to;
	const struct futex_at a = named_at(run, from), b = named_at(run, to);
	uint32_t there;
	const bool certain = model_is_certain(from, &there);
	const uint32_t stores = model_stores_of(from);
	model_wakes(run, &call);
	const bool compares = (low(op) >> 4 & 1) != 0;
	int64_t answer = futex_requeue(world_of(run)->table, &a, &b, call.wake, call.move,
				       compares ? &value : NULL);
	const struct futex_score told = { .value = (uint64_t)call.wake,
					  .second = (uint64_t)call.move,
					  .to = &to,
					  .third = compares ? value : 0,
					  .answer = answer };
	futex_score_call(run, from, compares ? FUTEX_CMP_REQUEUE : FUTEX_REQUEUE, &told);
	if (certain && stores == model_stores_of(from))
		judge_requeue(compares && value != there, answer);
	if (answer == -ERR_AGAIN) {
		call.asleep = 0; /* refused: it did nothing */
		answer = 0;
	}
	model_woke(run, &call, answer);
	run_result(run, (uint64_t)answer);
	lane_done(run);
}

/* What it leaves behind when nobody interferes; and wakes at a word of its own space. */
static void step_change(struct run *run, const struct script_op *op)
{
	static const uint32_t args[OPS] = { 9, 5, 6, 3, 12 };
	const uint32_t what = low(op) % OPS, compare = low(op) / OPS % COMPARES;
	const struct named to = loose(named_of(run, op->aux));
	struct named from = named_of(run, high(op));
	uint32_t was, now = 0;

	from.shared = to.shared;
	if (!to.shared || (run_is_calm(run) && named_space(to) != named_space(from)))
		from.place = to.place;
	const struct futex_at a = named_at(run, from), b = named_at(run, to);
	const bool certain = model_is_certain(to, &was);
	const uint32_t begun = model_stores(to);
	model_changes(from, to);
	const uint32_t how = what << 28 | compare << 24 | args[what] << 12 | 5;
	const int64_t woken = futex_wake_op(world_of(run)->table, &a, &b, 1, 1, how);
	const struct futex_score told = {
		.value = 1, .second = 1, .to = &to, .third = how, .answer = woken
	};
	futex_score_call(run, from, FUTEX_WAKE_OP, &told);
	switch (what) {
	case FUTEX_OP_SET: now = args[what]; break;
	case FUTEX_OP_ADD: now = was + args[what]; break;
	case FUTEX_OP_OR: now = was | args[what]; break;
	case FUTEX_OP_ANDN: now = was & ~args[what]; break;
	default: now = was ^ args[what]; break;
	}
	if (certain)
		model_stored(to, begun, now);
	else
		model_stored_something(to);
	const uint32_t stores = model_stores_of(to);
	const bool known = model_is_certain(to, &was);
	const uint32_t there = look(run, to);
	futex_score_word(run, to, false, there);
	if (there != now && known && stores == model_stores_of(to))
		kpanic(ORACLE_CONTENT, "a word should be %u", now);
	model_changed(from, to, woken);
	run_result(run, (uint64_t)woken);
	lane_done(run);
}

static void step_signal(struct run *run, const struct script_op *op)
{
	const unsigned lane = op->aux % LANES;
	const thread_id id = lane_thread(lane);

	/* What a program that sleeps in no call is sent is forgotten by its next one. */
	if (id != THREAD_NONE && (!run_is_calm(run) || futex_asleep(run, lane))) {
		lane_is_told(lane);
		model_signalled(lane, true);
		futex_score_signals(run, lane);
		(void)sched_signal(&world_of(run)->sched, id);
	}
	lane_done(run);
}

static void step_kill(struct run *run, const struct script_op *op)
{
	const unsigned lane = op->aux % LANES;
	const thread_id id = lane_thread(lane);

	if (id != THREAD_NONE) {
		lane_is_told(lane);
		futex_score_kills(run, lane);
		(void)sched_kill(&world_of(run)->sched, id);
	}
	lane_done(run);
}

/* Pages are there no more, or may not be written: the next look faults. */
static void step_away(struct run *run, const struct script_op *op)
{
	const struct futex_at at = named_at(run, named_of(run, op->aux));
	struct space *copy = NULL;

	futex_score_away(run, named_of(run, op->aux));

	if (named_memory(named_of(run, op->aux)) == MEMORY_SHARED)
		(void)space_madvise(at.space, align_down(at.va, PAGE_SIZE), PAGE_SIZE,
				    MADV_DONTNEED);
	else
		copy = space_clone(at.space, SITE_NONE);
	if (copy != NULL) space_retire(copy);
	if (copy != NULL && (op->arg & 1) != 0) vm_reclaim(&world_of(run)->memory.vm, SIZE_MAX);
	lane_done(run);
}

/* --- running ---------------------------------------------------------------------------------- */

static void step_yield(struct run *run, const struct script_op *op)
{
	(void)op;
	futex_score_yields(run);
	sched_yield_cpu(&world_of(run)->sched);
	lane_done(run);
}

static void step_work(struct run *run, const struct script_op *op)
{
	for (uint32_t n = 0; n < op->arg; n++) (void)atomic_load_u32(&world_of(run)->idle);
	lane_done(run);
}

static void step_sleep(struct run *run, const struct script_op *op)
{
	if (!run_is_calm(run))
		(void)sched_sleep_until(&world_of(run)->sched, deadline_of(run, 1 + op->arg));
	lane_done(run);
}

/* --- the table -------------------------------------------------------------------------------- */

/* clang-format off */
#define BY { "by", IN_SLOT, FORM_NUMBER, LANES, NULL }
#define WORD { "word", IN_AUX, FORM_NUMBER, NAMES, NULL }
#define LANE { "lane", IN_AUX, FORM_NUMBER, LANES, NULL }

const struct op_kind futex_operations[] = {
	PLAN_OPERATIONS,
	{ "wait", 40, { BY, WORD, { "how", IN_LOW, FORM_NUMBER, TIMES * 2, NULL },
			{ "bits", IN_HIGH, FORM_NUMBER, 3, NULL } }, step_wait },
	{ "wake", 18, { BY, WORD, { "most", IN_LOW, FORM_NUMBER, WAKE_MOST, NULL },
			{ "bits", IN_HIGH, FORM_NUMBER, 3, NULL } }, step_wake },
	{ "post", 24, { BY, WORD }, step_post },
	{ "set", 6, { BY, WORD, { "value", IN_ARG, FORM_NUMBER, 16, NULL } }, step_set },
	{ "requeue", 14, { BY, WORD, { "how", IN_LOW, FORM_NUMBER, 64, NULL },
			   { "to", IN_HIGH, FORM_NUMBER, NAMES, NULL } }, step_requeue },
	{ "change", 10, { BY, WORD, { "how", IN_LOW, FORM_NUMBER, OPS * COMPARES, NULL },
			  { "from", IN_HIGH, FORM_NUMBER, NAMES, NULL } }, step_change },
	{ "signal", 6, { BY, LANE }, step_signal },
	{ "kill", 4, { BY, LANE }, step_kill },
	{ "away", 8, { BY, WORD, { "drain", IN_ARG, FORM_NUMBER, 2, NULL } }, step_away },
	{ "robust", 4, { BY, { "list", IN_AUX, FORM_NUMBER, 4, NULL },
			 { "bend", IN_LOW, FORM_NUMBER, 12, NULL },
			 { "others", IN_HIGH, FORM_NUMBER, 8, NULL } }, futex_step_robust },
	{ "yield", 6, { BY }, step_yield },
	{ "work", 6, { BY, { "times", IN_ARG, FORM_NUMBER, 64, NULL } }, step_work },
	{ "sleep", 6, { BY, { "time", IN_ARG, FORM_NUMBER, TIMES, NULL } }, step_sleep },
};
/* clang-format on */

_Static_assert(COUNT_OF(futex_operations) == FUTEX_OPERATIONS, "their number");
