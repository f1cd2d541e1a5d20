/*
 * watch_test.c -- the watchdog's four kinds, each beside what looks like it and is none.
 */
#include "sched/watch.h"

#include "machine/host/arena.h"
#include "machine/host/panics.h"
#include "sched/test_world.h"

#define START_NS (1000 * MS)
#define WARN_NS (WATCH_WARN_MS * MS)

static struct watch watch;

static void make(void)
{
	static const struct watch_config config = { .warn_ns = WATCH_WARN_MS * MS,
						    .critical_ns = WATCH_CRITICAL_MS * MS };
	host_reset();
	world_make(START_NS);
	watch_init(&watch, &world, &config);
}

static struct watch_report look(uint64_t now_ns)
{
	return watch_look(&watch, now_ns);
}

/* Nothing to report at any of some moments up to `until_ns`, in which all CPUs are alive. */
static void quiet(uint64_t until_ns)
{
	for (uint64_t now_ns = START_NS; now_ns <= until_ns; now_ns += 10 * MS) {
		for (uint32_t i = 0; i < WORLD_CPUS; i++) world.cpu[i].beat_ns = now_ns;
		EXPECT(look(now_ns).kind == WATCH_NONE);
	}
}

static void alive(uint64_t now_ns)
{
	for (uint32_t i = 0; i < WORLD_CPUS; i++) world.cpu[i].beat_ns = now_ns;
}

static void test_nothing(void)
{
	make();
	(void)world_running(1, PRIORITY_NORMAL, START_NS);
	(void)world_waiting(2, UINT64_MAX);
	quiet(START_NS + 2000 * MS);
	for (unsigned i = 0; i < WATCH_KINDS; i++) EXPECT(watch.reported[i] == 0);
}

/* --- silent ----------------------------------------------------------------------------------- */

static void take_interrupt(void *arg)
{
	(void)arg;
	mach_wait();
}

/* Asked after half of warn_ns, silent warn_ns after that, critical beyond critical_ns. */
static void test_silent(void)
{
	make();
	struct thread *t = world_running(1, PRIORITY_NORMAL, START_NS);
	for (uint32_t i = 2; i < WORLD_CPUS; i++) world.cpu[i].idles = 1;
	EXPECT(look(START_NS).kind == WATCH_NONE);
	EXPECT(look(START_NS + 50 * MS).kind == WATCH_NONE && watch.cpu[1].asked_ns == 0);
	const uint64_t asked_ns = START_NS + 51 * MS;
	EXPECT(look(asked_ns).kind == WATCH_NONE && watch.cpu[1].asked_ns == asked_ns);
	EXPECT(watch.cpu[2].asked_ns == 0); /* idle, and left asleep */
	expect_panic(1, take_interrupt, NULL, NULL, "an interrupt was sent");
	expect_panic(2, take_interrupt, NULL, "deadlock", "none was sent");
	EXPECT(look(asked_ns + WARN_NS).kind == WATCH_NONE);
	struct watch_report r = look(asked_ns + WARN_NS + 1);
	EXPECT(r.kind == WATCH_SILENT && r.cpu == 1 && r.for_ns == WARN_NS + 1 && !r.critical);
	EXPECT(r.thread == thread_id_of(t) && watch.reported[WATCH_SILENT] == 1);
	r = look(asked_ns + 5001 * MS);
	EXPECT(r.kind == WATCH_SILENT && r.critical);
}

/* One that takes the interrupt it was sent is alive, and is asked again later. */
static void test_not_silent(void)
{
	make();
	EXPECT(look(START_NS).kind == WATCH_NONE);
	for (uint32_t i = 1; i <= 20; i++) {
		const uint64_t now_ns = START_NS + i * 60 * MS;
		EXPECT(look(now_ns).kind == WATCH_NONE);
		EXPECT(watch.cpu[1].asked_ns == now_ns);
		alive(now_ns + 1);
		EXPECT(look(now_ns + 2).kind == WATCH_NONE && watch.cpu[1].asked_ns == 0);
	}
	make();
	world.cpu[1].online = 0;
	EXPECT(look(START_NS).kind == WATCH_NONE);
	for (uint32_t i = 2; i < WORLD_CPUS; i++) world.cpu[i].online = 0;
	EXPECT(look(START_NS + 9000 * MS).kind == WATCH_NONE);
}

/* --- stuck lock ------------------------------------------------------------------------------- */

static void waits(uint32_t cpu, uint32_t rank, uint32_t holder, uint64_t since_ns)
{
	*mach_lock_waiting(cpu) =
		(struct lock_waiting){ .since_ns = since_ns, .rank = rank, .holder = holder };
}

/* The CPU takes no interrupts either: what it waits for says more. */
static void test_stuck_lock(void)
{
	make();
	EXPECT(look(START_NS).kind == WATCH_NONE);
	waits(2, RANK_HEAP, 3, START_NS);
	EXPECT(look(START_NS + 60 * MS).kind == WATCH_NONE); /* and asks */
	EXPECT(look(START_NS + WARN_NS).kind == WATCH_NONE);
	struct watch_report r = look(START_NS + 300 * MS);
	EXPECT(r.kind == WATCH_STUCK_LOCK && r.cpu == 2 && r.holder == 3 && r.rank == RANK_HEAP);
	EXPECT(r.for_ns == 300 * MS && !r.critical);
	r = look(START_NS + 6000 * MS);
	EXPECT(r.kind == WATCH_STUCK_LOCK && r.critical);
	waits(2, RANK_NONE, 3, START_NS);
	r = look(START_NS + 7000 * MS);
	EXPECT(r.kind == WATCH_SILENT);
}

/* The one that waits longest is told; a short wait is none, and who runs there is not looked up
 * where the run queue itself is what is locked. */
static void test_longest_lock(void)
{
	make();
	waits(1, RANK_RUNQ, 0, START_NS - 200 * MS);
	waits(2, RANK_HEAP, CPUS_MAX, START_NS - 400 * MS);
	struct watch_report r = look(START_NS);
	EXPECT(r.kind == WATCH_STUCK_LOCK && r.cpu == 2 && r.holder == CPUS_MAX);
	waits(2, RANK_HEAP, 0, START_NS - 10 * MS);
	world.cpu[1].runq.lock.next++; /* somebody has it */
	r = look(START_NS);
	EXPECT(r.kind == WATCH_STUCK_LOCK && r.cpu == 1 && r.thread == THREAD_NONE);
}

/* --- starved ---------------------------------------------------------------------------------- */

/* From the first slot on, where the threads are that these tests make. */
static struct watch_report look_alive(uint64_t now_ns)
{
	alive(now_ns);
	watch.next_slot = 0;
	return look(now_ns);
}

/* A ready thread, and its CPU does not switch. */
static void test_no_switch(uint8_t running)
{
	make();
	if (running != PRIORITY_IDLE) (void)world_running(3, running, START_NS);
	struct thread *t = world_ready(3, PRIORITY_NORMAL, START_NS);
	const uint64_t limit_ns = START_NS + WORLD_SLICE_NS + WARN_NS;
	EXPECT(look_alive(limit_ns).kind == WATCH_NONE);
	const struct watch_report r = look_alive(limit_ns + 1);
	if (running < PRIORITY_NORMAL) {
		EXPECT(r.kind == WATCH_NONE); /* more urgent: it may go on for ever */
		return;
	}
	EXPECT(r.kind == WATCH_STARVED && r.cpu == 3 && r.thread == thread_id_of(t));
	world.cpu[3].switch_ns = limit_ns; /* it goes on: many are ready, no more */
	EXPECT(look_alive(limit_ns + 1).kind == WATCH_NONE);
}

/* Others get their turns, and this one does not: 2 of a list of 100 were there before the one that
 * runs, by more than they should have been. */
static void test_overtaken(void)
{
	make();
	struct thread *early = NULL;
	for (uint32_t i = 0; i < 100; i++) {
		struct thread *t = world_ready(0, PRIORITY_NORMAL, START_NS + 500 * MS);
		if (i == 70) early = t;
	}
	world.cpu[0].switch_ns = START_NS + 600 * MS;
	(void)world_running(0, PRIORITY_NORMAL, START_NS + 500 * MS);
	EXPECT(look_alive(START_NS + 600 * MS).kind == WATCH_NONE);
	early->ready_ns = START_NS + 400 * MS;
	EXPECT(look_alive(START_NS + 600 * MS).kind == WATCH_NONE);
	early->ready_ns = START_NS + 400 * MS - 1;
	struct watch_report r = look_alive(START_NS + 600 * MS);
	EXPECT(r.kind == WATCH_STARVED && r.thread == thread_id_of(early));
	EXPECT(r.for_ns == 200 * MS + 1);
	world.cpu[0].current->priority = PRIORITY_NORMAL - 1; /* more urgent than they */
	EXPECT(look_alive(START_NS + 600 * MS).kind == WATCH_NONE);
}

/* READY and in no queue: seen twice, warn_ns apart. */
static void test_lost(void)
{
	make();
	struct thread *t = world_thread(2, PRIORITY_NORMAL, START_NS);
	EXPECT(look_alive(START_NS).kind == WATCH_NONE); /* the waker may be about to add it */
	for (uint32_t i = 0; i < 4; i++)
		EXPECT(look_alive(START_NS + (i + 1) * 25 * MS).kind == WATCH_NONE);
	struct watch_report r = look_alive(START_NS + WARN_NS + 1);
	EXPECT(r.kind == WATCH_STARVED && r.cpu == 2 && r.thread == thread_id_of(t));
	const mach_irq_t was = lock_take(&world.cpu[2].runq.lock);
	runq_add_locked(&world.cpu[2].runq, t);
	lock_drop(&world.cpu[2].runq.lock, was);
	world.cpu[2].switch_ns = START_NS + WARN_NS;
	EXPECT(look_alive(START_NS + WARN_NS + 2).kind == WATCH_NONE && watch.suspect_word == 0);
}

/* Suspected, and then it was chosen: another may be suspected. */
static void test_lost_and_found(void)
{
	make();
	struct thread *t = world_thread(2, PRIORITY_NORMAL, START_NS);
	EXPECT(look_alive(START_NS).kind == WATCH_NONE && watch.suspect == t->slot);
	(void)thread_must_move(t, THREAD_READY, THREAD_RUNNING, 0, 0);
	EXPECT(look_alive(START_NS + 500 * MS).kind == WATCH_NONE && watch.suspect_word == 0);
}

/* --- not resumed ------------------------------------------------------------------------------ */

static void test_not_resumed(void)
{
	make();
	(void)world_waiting(1, UINT64_MAX);
	struct thread *t = world_waiting(1, START_NS + 7 * MS);
	EXPECT(look_alive(START_NS + 7 * MS + WARN_NS).kind == WATCH_NONE);
	struct watch_report r = look_alive(START_NS + 8 * MS + WARN_NS);
	EXPECT(r.kind == WATCH_NOT_RESUMED && r.thread == thread_id_of(t) && r.cpu == 1);
	EXPECT(r.for_ns == WARN_NS + MS);
	(void)thread_must_move(t, THREAD_WAITING, THREAD_READY, THREAD_TIMEOUT, 0);
	(void)thread_must_move(t, THREAD_READY, THREAD_RUNNING, 0, 0);
	EXPECT(look_alive(START_NS + 400 * MS).kind == WATCH_NONE);
}

/* A large table is seen a part at a time, and all of it in the end. */
static void test_every_slot(void)
{
	make();
	struct thread *last = NULL;
	for (uint32_t i = 8; i < WORLD_SLOTS; i++) last = world_waiting(1, UINT64_MAX);
	EXPECT(last->slot == WORLD_SLOTS - 1);
	last->wait_until_ns = START_NS;
	uint32_t looks = 1;
	alive(START_NS + 200 * MS);
	while (look(START_NS + 200 * MS).kind == WATCH_NONE) looks++;
	EXPECT(looks == (WORLD_SLOTS + 63) / 64);
}

/* --- the worst -------------------------------------------------------------------------------- */

/* All four at once: the cause first, but whatever is critical before it. */
static void test_worst(void)
{
	make();
	const uint64_t now_ns = START_NS + 1000 * MS;
	EXPECT(look(START_NS).kind == WATCH_NONE);
	EXPECT(look(START_NS + 500 * MS).kind == WATCH_NONE); /* asks */
	(void)world_ready(0, PRIORITY_NORMAL, START_NS);
	struct thread *late = world_waiting(0, START_NS);
	waits(2, RANK_HEAP, 3, START_NS);
	EXPECT(look(now_ns).kind == WATCH_STUCK_LOCK);
	waits(2, RANK_NONE, 3, START_NS);
	EXPECT(look(now_ns).kind == WATCH_SILENT);
	alive(now_ns);
	EXPECT(look(now_ns).kind == WATCH_STARVED);
	late->wait_until_ns = 0;
	EXPECT(look_alive(START_NS + 4500 * MS).kind == WATCH_NOT_RESUMED);
	world.cpu[0].switch_ns = START_NS + 4500 * MS;
	EXPECT(look_alive(START_NS + 4500 * MS).critical);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void look_with_lock(void *arg)
{
	(void)arg;
	(void)lock_take(&world.cpu[0].runq.lock);
	(void)look(START_NS);
}

static void test_contexts(void)
{
	make();
	expect_panic(0, look_with_lock, NULL, "lock-context", "a look with a run queue's lock");
	make();
	waits(2, RANK_HEAP, 3, 0);
	watch.looking = 1; /* by another CPU */
	EXPECT(look(START_NS).kind == WATCH_NONE);
	watch.looking = 0;
	EXPECT(look(START_NS).kind == WATCH_STUCK_LOCK && watch.looking == 0);
	EXPECT(strcmp(watch_kind_name(WATCH_NOT_RESUMED), "not resumed") == 0);
}

int main(void)
{
	host_arena_open(PAGE_SIZE);
	host_cpus_open(WORLD_CPUS);
	test_nothing();
	test_silent();
	test_not_silent();
	test_stuck_lock();
	test_longest_lock();
	test_no_switch(PRIORITY_IDLE);
	test_no_switch(PRIORITY_NORMAL);
	test_no_switch(PRIORITY_NORMAL + 1);
	test_no_switch(PRIORITY_NORMAL - 1);
	test_overtaken();
	test_lost();
	test_lost_and_found();
	test_not_resumed();
	test_every_slot();
	test_worst();
	test_contexts();
	host_cpus_close();
	return 0;
}
