/*
 * dump_test.c -- a scheduler as text: line by line, and with links that lead nowhere.
 */
#include "sched/dump.h"

#include "machine/host/arena.h"
#include "machine/host/panics.h"
#include "sched/mutex.h"
#include "sched/test_world.h"

#define START_NS (1000 * MS)

enum { TEXT_BYTES = 64 << 10 };

static char text[TEXT_BYTES];
static size_t used;
static struct mutex mutex;
static struct wait_queue queue;

static void line(void *arg, const char *one)
{
	const size_t bytes = strlen(one);

	EXPECT(arg == &world && bytes > 0 && bytes < DUMP_LINE_BYTES && strchr(one, '\n') == NULL);
	EXPECT(used + bytes + 2 < sizeof text);
	memcpy(text + used, one, bytes);
	text[used + bytes] = '\n';
	used += bytes + 1;
	text[used] = '\0';
}

static void dump(void)
{
	used = 0;
	sched_dump(&world, START_NS + 5 * MS, line, &world);
}

static void says(const char *wanted)
{
	if (strstr(text, wanted) != NULL) return;
	fprintf(stderr, "wanted: %s\ngot:\n%s", wanted, text);
	exit(1);
}

static void make(void)
{
	host_reset();
	world_make(START_NS);
	mutex.queue.is_mutex = 1;
}

static void test_idle(void)
{
	make();
	dump();
	says("sched: 4 CPUs, 0 of 200 slots in use, at 1005000 us\n");
	says("cpu 3: idles, last switch 5000 us ago, seen 5000 us ago\n");
	EXPECT(strstr(text, "thread") == NULL && strstr(text, "lock") == NULL);
}

static void test_states(void)
{
	make();
	struct thread *owner = world_running(1, 3, START_NS);
	owner->mutexes = 2;
	mutex.owner = thread_id_of(owner);
	struct thread *locked = world_waiting(2, UINT64_MAX);
	locked->waits_in = (uintptr_t)&mutex.queue;
	struct thread *late = world_waiting(2, START_NS + 2 * MS);
	late->waits_in = (uintptr_t)&queue;
	EXPECT(thread_mark(late, late->word, THREAD_KILLED));
	(void)world_ready(0, 5, START_NS + 4 * MS);
	EXPECT(thread_claim(&world.table, SLOT_SYSTEM) != NULL);
	dump();
	says("5 of 200 slots");
	says("cpu 1: runs 8.1, ");
	says("cpu 0: ready at 5: 11.1\n");
	says("thread 8.1: running on cpu 1, priority 3, 0 switches, owns 2 mutexes\n");
	says("thread 9.1: waiting, last on cpu 2, priority 4, 0 switches, for a mutex that 8.1 "
	     "owns\n");
	says("thread 10.1: waiting, last on cpu 2, priority 4, 0 switches, killed, until 3000 us "
	     "ago, in queue 0x");
	says("thread 11.1: ready, last on cpu 0, priority 5, 0 switches, queued 1000 us ago\n");
	says("thread 0.1: initializing");
}

static void test_locks_and_timers(void)
{
	static struct timer timers[3];

	make();
	world.cpu[1].runq.lock.next += 3;
	world.cpu[1].runq.lock.holder = 2;
	world.cpu[2].timers.lock.next++;
	world.cpu[2].timers.lock.holder = 3;
	*mach_lock_waiting(1) =
		(struct lock_waiting){ .since_ns = START_NS, .rank = RANK_RUNQ, .holder = 2 };
	*mach_lock_waiting(0) =
		(struct lock_waiting){ .since_ns = START_NS, .rank = 40, .holder = CPUS_MAX };
	world.cpu[3].resched = 1;
	world.cpu[3].online = 0;
	for (uint32_t i = 0; i < 3; i++) {
		timer_init(&timers[i], (void (*)(void *, struct timer *, uint64_t))abort);
		timer_add(&world.cpu[0].timers, &timers[i], START_NS + (7 - i) * MS, 0);
	}
	dump();
	says("cpu 1: the lock of its run queue is held by cpu 2, 2 wait\n");
	says("cpu 2: the lock of its timers is held by cpu 3, 0 wait\n");
	char line[96];
	snprintf(line, sizeof line,
		 "cpu 1: waits since 5000 us ago for a lock of rank %u that cpu 2 had last\n",
		 (unsigned)RANK_RUNQ);
	says(line);
	says("cpu 0: waits since 5000 us ago for a lock of rank 40\n");
	says("cpu 3: idles, offline, last switch 5000 us ago, seen 5000 us ago, is to choose "
	     "anew\n");
	says("cpu 0: 3 timers, the first 0 us from now\n");
}

static void test_long_queue(void)
{
	make();
	for (uint32_t i = 0; i < 20; i++) (void)world_ready(2, PRIORITY_NORMAL, START_NS);
	dump();
	says("cpu 2: ready at 4: 8.1 9.1 10.1 11.1 12.1 13.1 14.1 15.1\n");
	says("cpu 2: ready at 4: 24.1 25.1 26.1 27.1\n");
}

/* Nothing that is broken breaks the dump. */
static void test_broken_links(void)
{
	struct list stray;

	make();
	struct thread *a = world_ready(2, PRIORITY_NORMAL, START_NS);
	struct thread *b = world_ready(2, PRIORITY_NORMAL, START_NS);
	list_init(&stray);
	b->run_link.next = &stray;
	dump();
	says("cpu 2: ready at 4: 8.1 9.1 and then links that lead elsewhere\n");
	b->run_link.next = (void *)((uintptr_t)&a->run_link + 8);
	dump();
	says("cpu 2: ready at 4: 8.1 9.1 and then links that lead elsewhere\n");
	b->run_link.next = &a->run_link; /* round and round */
	dump();
	says(" and then links that lead elsewhere\n");
	world.cpu[1].current = (void *)&stray;
	world.cpu[3].current = NULL;
	a->word = (a->word & ~0xffull) | 77;
	dump();
	says("cpu 1: runs what is no thread, ");
	says("cpu 3: has not begun, ");
	says("thread 8.1: state 77, ");
}

int main(void)
{
	host_arena_open(PAGE_SIZE);
	host_cpus_open(WORLD_CPUS);
	test_idle();
	test_states();
	test_locks_and_timers();
	test_long_queue();
	test_broken_links();
	host_cpus_close();
	return 0;
}
