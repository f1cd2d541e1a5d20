/*
 * race_bench.c -- what a point at each load and store costs, with the look for races:
 * `bazel run //machine/host:race_bench`.
 *
 * Built as the suite's race programs are: ASan, UBSan, a turn point and the race detector at each
 * load and store.  Four CPUs take turns of a hundred points each and do what kernels do: lists
 * under a lock, objects cleared and filled, tables read by all, counters of one's own.  Counted are
 * [yield] points and the time that the processor spent on this program, so a busy neighbour does
 * not count.  BATCHES batches are measured and the fastest is printed; nothing is judged.
 */
#include <stdio.h>
#include <time.h>

#include "machine/host/arena.h"
#include "machine/host/cpu.h"
#include "machine/list.h"
#include "machine/lock.h"

enum {
	CPUS = 4,
	BATCHES = 20,
	ROUNDS = 4000,
	TURN_POINTS = 100,
	OBJECTS = 64,
	OBJECT_WORDS = 12,
	TABLE = 512
};

struct object {
	struct list link;
	uint64_t word[OBJECT_WORDS];
	uint8_t bytes[32];
};

struct world {
	struct lock lock;
	struct list free;
	struct object objects[OBJECTS];
	uint32_t table[TABLE]; /* read by all */
	struct {
		_Alignas(64) uint64_t sum, calls;
		uint8_t kinds[16];
	} own[CPUS];
};

static struct world *w;

static void world_make(void)
{
	w = host_arena_base();
	mach_unpoison(w, sizeof(*w));
	memset(w, 0, sizeof(*w));
	lock_init(&w->lock, RANK_OUTER);
	list_init(&w->free);
	for (unsigned i = 0; i < OBJECTS; i++) {
		list_init(&w->objects[i].link);
		list_add_last(&w->free, &w->objects[i].link);
	}
	for (unsigned i = 0; i < TABLE; i++) w->table[i] = (i * 7 + 1) % TABLE;
}

static struct object *object_take(void)
{
	const mach_irq_t was = lock_take(&w->lock);
	struct list *link = w->free.next;
	list_remove(link);
	lock_drop(&w->lock, was);
	return CONTAINER_OF(link, struct object, link);
}

static void object_give(struct object *o)
{
	const mach_irq_t was = lock_take(&w->lock);
	list_add_last(&w->free, &o->link);
	lock_drop(&w->lock, was);
}

static uint64_t object_use(struct object *o, uint32_t seed)
{
	uint32_t at = seed % TABLE;
	memset(o->bytes, (int)seed, sizeof(o->bytes));
	for (unsigned i = 0; i < OBJECT_WORDS; i++) {
		o->word[i] = at + o->bytes[i];
		at = w->table[at];
	}
	uint64_t sum = 0;
	for (unsigned i = 0; i < OBJECT_WORDS; i++) sum += o->word[i] * i;
	return sum;
}

static void work(void *arg)
{
	const unsigned cpu = mach_cpu();
	(void)arg;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct object *o = object_take();
		w->own[cpu].sum += object_use(o, i);
		w->own[cpu].kinds[i % 16]++;
		w->own[cpu].calls++;
		object_give(o);
	}
}

static void plan_begin(void *context, struct turns *t)
{
	(void)context;
	t->asks.until = TURN_POINTS;
}

static struct turn plan_decide(void *context, struct turns *t, struct turn_point point)
{
	(void)context;
	(void)point;
	t->asks.until = TURN_POINTS;
	return (struct turn){ .cpu = (uint8_t)((t->now + 1) % t->cpus) };
}

static void plan_stuck(void *context, enum turns_stuck why)
{
	(void)context;
	kpanic("stuck", "%u", why);
}

static const struct turns_planner planner = { plan_begin, plan_decide, plan_stuck, NULL };

static double used_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Points per second of the processor. */
static double batch(void)
{
	host_reset();
	world_make();
	const uint64_t points = host_yield_count();
	const double start = used_ns();
	ASSERT(host_run_together(CPUS, work, NULL, &planner, UINT64_MAX));
	return (double)(host_yield_count() - points) * 1e9 / (used_ns() - start);
}

int main(void)
{
	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(CPUS);
	double best = 0;
	for (unsigned i = 0; i < BATCHES; i++) {
		const double rate = batch();
		best = rate > best ? rate : best;
	}
	printf("%.1f million points per second of one processor: %u CPUs, turns of %u points\n",
	       best / 1e6, CPUS, TURN_POINTS);
	return 0;
}
