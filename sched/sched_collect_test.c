/*
 * sched_collect_test.c -- how soon the dead are given back where the CPU never idles, in each form;
 * and how soon a slot is used again: never within its cooldown, and not long after it.
 *
 * Two threads share the CPU all the time, in slices, by the documents' figures: slices of 10 ms,
 * 10 ms before a slot is used again, a collector every 100 ms.  Time is the world's own, so the
 * bounds are exact.
 */
#include "machine/limits.h"
#include "sched/test_sched.h"

#define S (&tw.sched)
#define MS 1000000ull

enum { MOST = 3 * COLLECT_MOST };

static struct {
	uint64_t ended_ns[T_SLOTS]; /* by slot; 0: nobody ended there yet */
	uint64_t worst_ns, until_ns;
	uint64_t soonest_ns, latest_ns; /* from an end to the slot's next use */
	uint32_t ends, alive, reused;
} seen;

static void reaped(void *arg, const struct thread_gone *gone)
{
	const uint64_t took_ns = mach_now_ns() - seen.ended_ns[(uint32_t)gone->id];

	if (seen.ended_ns[(uint32_t)gone->id] != 0) seen.worst_ns = max_u64(seen.worst_ns, took_ns);
	t_reaped(arg, gone);
}

static void make(uint32_t slots, enum reap_form reap)
{
	t_make(1, slots, 0, reap);
	tw.sched.config.slice_ns = TICK_MS * MS;
	tw.sched.config.collect_ns = REAP_COLLECT_MS * MS;
	tw.sched.config.reaped = reaped;
	memset(&seen, 0, sizeof seen);
	seen.soonest_ns = UINT64_MAX;
}

static void works(void *arg)
{
	(void)arg;
	t_works_until(seen.until_ns);
}

static void ends(void *arg)
{
	(void)arg;
	seen.ended_ns[sched_current(S)->slot] = mach_now_ns();
	seen.ends++;
}

/* --- the dead --------------------------------------------------------------------------------- */

/* All at once, or, as `arg` says, one each so many ms; and goes on working. */
static void has_many(void *arg)
{
	const uint64_t many = (uintptr_t)arg & 0xff, every_ns = ((uintptr_t)arg >> 8) * MS;

	for (uint64_t i = 0; i < many; i++) {
		EXPECT(t_spawn(ends, 0) != THREAD_NONE);
		if (every_ns != 0) t_works_until(mach_now_ns() + every_ns);
	}
	t_works_until(seen.until_ns);
}

/* From an end to its reaping, with n dead before it. */
static uint64_t bound_ns(enum reap_form reap, uint64_t n)
{
	return reap != REAP_IN_IDLE ? 0 : (REAP_COLLECT_MS + n / COLLECT_MOST * TICK_MS) * MS;
}

static void test_dead(enum reap_form reap, uint64_t many, uint64_t every_ms)
{
	make(MOST + 2, reap);
	seen.until_ns = (many * (every_ms + 1) + 1000) * MS;
	t_spawn(works, 0);
	t_spawn(has_many, every_ms << 8 | many);
	t_go(&t_quiet);
	EXPECT(seen.ends == many && seen.worst_ns <= bound_ns(reap, many - 1));
	/* Not earlier than it must: the form is the one that was asked for. */
	EXPECT(reap != REAP_IN_IDLE || seen.worst_ns >= REAP_COLLECT_MS * MS);
	EXPECT(timer_next_ns(&tw.sched.cpu[0].timers) == UINT64_MAX);
}

/* An idle CPU reaps at once, and its clock is for nothing else then: the thread's sleep, once. */
static void sleeps_once(void *arg)
{
	(void)arg;
	t_spawn(ends, 0);
	sched_sleep_until(S, seen.until_ns);
	EXPECT(seen.ends == 1 && tw.reaped == 1 && seen.worst_ns == 0);
}

static void test_idle(void)
{
	make(4, REAP_IN_IDLE);
	seen.until_ns = 1000 * MS;
	t_spawn(sleeps_once, 0);
	t_go(&t_quiet);
	EXPECT(mach_now_ns() == seen.until_ns);
}

/* --- their slots ------------------------------------------------------------------------------ */

static void lives(void *arg)
{
	const uint32_t slot = sched_current(S)->slot;

	(void)arg;
	t_works_until(mach_now_ns() + MS);
	seen.ended_ns[slot] = mach_now_ns();
	seen.ends++;
	seen.alive--;
}

/* One child after the other, each in a slot that another had before; where there is none that it
 * may have, it asks again a moment later. */
static void wants_slots(void *arg)
{
	uint64_t short_ns = 0;

	while (seen.ends < (uintptr_t)arg) {
		const thread_id id = t_spawn(lives, 0);
		if (id == THREAD_NONE) {
			if (short_ns == 0) short_ns = mach_now_ns();
			t_works_until(mach_now_ns() + MS);
			continue;
		}
		seen.alive++;
		const uint64_t now_ns = mach_now_ns(), ended_ns = seen.ended_ns[(uint32_t)id];
		if (ended_ns != 0) {
			seen.reused++;
			seen.soonest_ns = min_u64(seen.soonest_ns, now_ns - ended_ns);
		}
		if (short_ns != 0) seen.latest_ns = max_u64(seen.latest_ns, now_ns - short_ns);
		short_ns = 0;
	}
	seen.until_ns = 0;
}

/*
 * As many slots as that are used all the time by who wants more.  Who is refused gets one as soon
 * as one has cooled down: a spawn reaps first, so no collector is waited for.  Before that all that
 * live run to their end, a turn each.
 */
static void test_slots(enum reap_form reap, uint32_t slots)
{
	make(slots + 2, reap);
	tw.sched.table.cooldown_ns = SLOT_COOLDOWN_MS * MS;
	seen.until_ns = 1000000 * MS;
	t_spawn(works, 0);
	t_spawn(wants_slots, 200);
	t_go(&t_quiet);
	EXPECT(seen.reused > 100 && seen.soonest_ns >= SLOT_COOLDOWN_MS * MS);
	EXPECT(seen.latest_ns <= (SLOT_COOLDOWN_MS + (slots + 3) * TICK_MS) * MS);
	EXPECT(seen.worst_ns <= bound_ns(reap, slots));
}

int main(void)
{
	host_arena_open(T_ARENA_BYTES);
	host_cpus_open(1);
	for (enum reap_form reap = REAP_AFTER_SWITCH; reap <= REAP_BEFORE_NEXT; reap++) {
		for (uint64_t many = 1; many <= MOST; many++) test_dead(reap, many, 0);
		for (uint64_t every_ms = 1; every_ms <= 128; every_ms *= 2)
			test_dead(reap, 20, every_ms);
		for (uint32_t slots = 1; slots <= 8; slots++) test_slots(reap, slots);
	}
	test_idle();
	host_cpus_close();
	return 0;
}
