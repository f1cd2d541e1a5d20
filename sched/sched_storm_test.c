/*
 * sched_storm_test.c -- the scheduler with four CPUs that take turns at random, by seed.
 *
 * Each thread lives by lot: it spawns and waits for its children, yields, sleeps, works through
 * slices, kills and moves threads that it has heard of (many of them gone, some of them itself),
 * and ends.  Slots are so few that many spawns are refused.  Every kind of reaping has its turn,
 * with and without a cooldown, on one to four CPUs.
 *
 * Who waits for a child waits without a deadline, so one wake-up that is lost ends in "lost-wake";
 * on the way the machine looks for a context that two CPUs are in, a stack that is given away while
 * it is used, locks and interrupts out of order.  At the end every slot, stack and context is back,
 * once, each thread has run to its end exactly once, and sched_check() finds nothing.
 *
 *	sched_storm_test [SEED [COUNT]]   storms SEED to SEED + COUNT - 1; 1 and STORMS by default
 */
#include "sched/test_sched.h"

#define S (&tw.sched)

enum { STORMS = 4000, CPUS = 4, LIVES = 60, STEPS = 6, HEARD = 8 };

/* A thread's own record: nobody else writes it but by the rules of a wait queue. */
struct life {
	struct wait_queue over; /* guards `ended` and is woken when it is true */
	bool ended;
	thread_id id;   /* as it knows itself */
	thread_id told; /* its parent's: what the spawn answered */
	uint32_t runs;  /* atomic: how often it began */
	struct random lots;
};

struct storm {
	struct wait_queue herd;
	struct life life[LIVES];
	uint32_t begun;                   /* atomic: lives given out */
	uint64_t heard[HEARD];            /* atomic: ids */
	uint32_t joined, refused, killed; /* atomic */
};

static struct storm *storm_at;
#define storm (*storm_at)

static void lives(void *arg);

/* --- what a thread does ----------------------------------------------------------------------- */

static thread_id heard_of(struct life *me)
{
	return atomic_load_u64(&storm.heard[random_below(&me->lots, HEARD)]);
}

static struct thread_how how_by_lot(struct random *lots, struct life *child)
{
	struct thread_how how = t_how(lives, 0);

	how.arg = child;
	how.class = random_below(lots, 4) == 0 ? SLOT_SYSTEM : SLOT_USER;
	how.priority = (uint8_t)(PRIORITY_NORMAL - 1 + random_below(lots, 3));
	if (random_below(lots, 3) == 0) how.affinity = 1 + random_below(lots, (1u << tw.cpus) - 1);
	return how;
}

/* A new life, or NULL: there were enough, or there is no slot. */
static struct life *has_child(struct random *lots)
{
	const uint32_t n = atomic_fetch_add_u32(&storm.begun, 1);

	if (n >= LIVES) return NULL;
	struct life *child = &storm.life[n];
	child->lots.state = random_u64(lots);
	const thread_id id = t_spawn_how(how_by_lot(lots, child));
	if (id == THREAD_NONE) {
		atomic_fetch_add_u32(&storm.refused, 1);
		return NULL;
	}
	child->told = id;
	atomic_store_u64(&storm.heard[random_below(lots, HEARD)], id);
	return child;
}

/* Until it has ended, or we are killed. */
static void waits_for(struct life *child)
{
	enum wait_result result = WAIT_WOKEN;
	const mach_irq_t was = wait_enter(&child->over);

	while (!child->ended && result == WAIT_WOKEN)
		result = wait_sleep(S, &child->over, WAIT_FOREVER);
	EXPECT(child->ended || (result == WAIT_KILLED && sched_killed(S)));
	if (child->ended) EXPECT(child->id == child->told);
	wait_leave(&child->over, was);
	if (result == WAIT_WOKEN) atomic_fetch_add_u32(&storm.joined, 1);
}

static void works(struct life *me)
{
	for (uint32_t n = random_below(&me->lots, 60); n > 0; n--)
		EXPECT(atomic_load_u32(&me->runs) == 1);
}

static void changes_somebody(struct life *me)
{
	const thread_id id = random_below(&me->lots, 4) == 0 ? me->id : heard_of(me);

	switch (random_below(&me->lots, 3)) {
	case 0: sched_set_priority(S, id, 2 + random_below(&me->lots, 4)); break;
	case 1: sched_set_affinity(S, id, 1 + random_below(&me->lots, (1u << tw.cpus) - 1)); break;
	default:
		if (random_below(&me->lots, 2) == 0 && sched_kill(S, id))
			atomic_fetch_add_u32(&storm.killed, 1);
	}
}

/* Waits that deadlines, wakes and kills end, again and again, so that one of them is late. */
static void joins_herd(struct life *me)
{
	for (uint32_t n = random_below(&me->lots, 6); n > 0; n--) {
		const uint64_t until_ns =
			mach_now_ns() + 1 + random_below(&me->lots, 3) * T_SLICE_NS;
		const mach_irq_t was = wait_enter(&storm.herd);
		const enum wait_result result = wait_sleep(S, &storm.herd, until_ns);
		wait_leave(&storm.herd, was);
		EXPECT(result != WAIT_TIMEOUT || mach_now_ns() >= until_ns);
		EXPECT(result != WAIT_KILLED || sched_killed(S));
	}
}

static void rouses_herd(struct life *me)
{
	for (uint32_t n = random_below(&me->lots, 6); n > 0; n--) {
		const mach_irq_t was = wait_enter(&storm.herd);
		wait_wake_all(S, &storm.herd);
		wait_leave(&storm.herd, was);
	}
}

static void step(struct life *me)
{
	struct life *child;

	switch (random_below(&me->lots, 12)) {
	case 0:
	case 1:
		child = has_child(&me->lots);
		if (child != NULL && random_below(&me->lots, 4) != 0) waits_for(child);
		break;
	case 2:
		sched_sleep_until(S, mach_now_ns() + random_below(&me->lots, 3) * T_SLICE_NS);
		break;
	case 3:
	case 4: changes_somebody(me); break;
	case 5: works(me); break;
	case 6: sched_reap(S); break;
	case 7:
	case 8: joins_herd(me); break;
	case 9: rouses_herd(me); break;
	default: sched_yield_cpu(S); break;
	}
}

static void lives(void *arg)
{
	struct life *me = arg;

	EXPECT(atomic_fetch_add_u32(&me->runs, 1) == 0);
	me->id = thread_id_of(sched_current(S));
	for (int i = 0; i < STEPS; i++) {
		step(me);
		EXPECT(thread_id_of(sched_current(S)) == me->id);
		EXPECT(!mach_irq_masked() && atomic_load_u32(&me->runs) == 1);
	}
	const mach_irq_t was = wait_enter(&me->over);
	me->ended = true;
	wait_wake_all(S, &me->over);
	wait_leave(&me->over, was);
	if (random_below(&me->lots, 2) == 0) sched_exit(S, 0);
}

/* --- storms ----------------------------------------------------------------------------------- */

static struct {
	uint64_t spawned, refused, switches, preemptions, steals, wakes, joined, killed;
} seen_all;

static void make(struct random *lots)
{
	t_make(1 + random_below(lots, CPUS), 3 + random_below(lots, 10), random_below(lots, 3),
	       random_below(lots, REAP_BEFORE_NEXT + 1));
	if (random_below(lots, 3) == 0) S->table.cooldown_ns = T_SLICE_NS / 2;
	if (random_below(lots, 2) == 0) S->config.collect_ns = 1 + random_below(lots, T_SLICE_NS);
	S->config.slice_ns = 1 + random_below(lots, 3) * T_SLICE_NS;
	storm_at = t_more(sizeof(storm));
	wait_init(&storm.herd, RANK_WAIT);
	for (uint32_t i = 0; i < LIVES; i++) wait_init(&storm.life[i].over, RANK_WAIT);
	for (uint32_t i = 0; i < 2; i++) has_child(lots);
}

static void note_seen(void)
{
	for (uint32_t i = 0; i < tw.cpus; i++) {
		seen_all.steals += S->cpu[i].steals;
		seen_all.preemptions += S->cpu[i].preemptions;
		seen_all.wakes += S->cpu[i].wakes;
		seen_all.switches += S->cpu[i].switches;
	}
	seen_all.joined += storm.joined;
	seen_all.killed += storm.killed;
	seen_all.refused += storm.refused;
	seen_all.spawned += tw.spawned;
}

static void one_storm(uint64_t seed)
{
	static const uint32_t about[] = { 3, 10, 40, 200 };
	struct random lots = { seed };

	make(&lots);
	const uint64_t turns = random_u64(&lots);
	const uint32_t points = about[random_below(&lots, 4)];
	t_go_by_lots(turns, points, 6 + random_below(&lots, 40));
	for (uint32_t i = 0; i < LIVES; i++) {
		const struct life *life = &storm.life[i];
		EXPECT(life->ended == (life->runs == 1) && life->runs <= 1);
		EXPECT(wait_check_locked(&life->over) == NULL);
	}
	note_seen();
}

int main(int argc, char **argv)
{
	const uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : STORMS;

	host_arena_open(T_ARENA_BYTES);
	host_cpus_open(CPUS);
	for (uint64_t seed = first; seed < first + count; seed++) {
		t_seed = seed;
		one_storm(seed);
	}
	host_cpus_close();
	printf("%lu storms: %lu threads, %lu refused, %lu switches, %lu preemptions, %lu steals, "
	       "%lu wakes, %lu joined, %lu killed\n",
	       count, seen_all.spawned, seen_all.refused, seen_all.switches, seen_all.preemptions,
	       seen_all.steals, seen_all.wakes, seen_all.joined, seen_all.killed);
	/* A storm in which nothing happens would find nothing. */
	if (count < 100) return 0;
	EXPECT(seen_all.steals > count && seen_all.preemptions > count && seen_all.joined > count);
	EXPECT(seen_all.killed > count && seen_all.refused > 0);
	return 0;
}
