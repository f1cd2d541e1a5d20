/*
 * process_world.c -- subject process: what its processes stand on.
 *
 * A pool of pages, kmalloc, spaces, a window of stacks in a tree of kernel tables, the scheduler
 * and the table of processes: all as small as the header says, but never so small that the thread
 * which takes care and all lanes could not be there at once.
 *
 * In the end each of them is asked for what it has put off, and then everything must be as it was:
 * which pages are free, as a set, and nothing in any table.
 */
#include "fuzz/process_subject.h"
#include "fuzz/task_world.h"

enum {
	PAGES_LEAST = 160,
	PAGES_LEAST_ZONED = 480, /* a quarter of them is the kernel's */
	RESERVE_MOST = 16,
	STACKS_LEAST = 5,
	STACKS_MOST = 16,
};

_Static_assert(PROCESS_SLOTS - PROCESS_LEAST == 7, "three bits");

/* Bits of the header's tag: see process_fuzz.c. */
static uint32_t tag_bits(const struct run *run, unsigned from, unsigned bits)
{
	return run->script->world.tag >> from & ((1u << bits) - 1);
}

uint32_t process_world_free(struct run *run)
{
	return pool_world_available(&storm_of(run)->memory.pool);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* With the pages that are needed at least, and not all of them kept back. */
static struct script enough_of(const struct run *run)
{
	struct script script = *run->script;
	struct script_world *w = &script.world;
	const uint32_t least = (w->flags & WORLD_ZONES) != 0 ? PAGES_LEAST_ZONED : PAGES_LEAST;
	w->pages = (uint16_t)min_u64(least + w->pages, SCRIPT_PAGES_MAX);
	w->reserve %= RESERVE_MOST;
	return script;
}

static void stacks_make(struct run *run)
{
	struct storm *s = storm_of(run);
	const uint32_t fewer = tag_bits(run, 10, 4) % (STACKS_MOST - STACKS_LEAST + 1);

	stack_world_open(&s->kernel, run, &s->memory.pool, STACKS_MOST - fewer,
			 run->script->world.keep_pages % 4);
}

static void memory_make(struct run *run)
{
	struct storm *s = storm_of(run);
	const struct script script = enough_of(run);
	struct run richer = *run;
	richer.script = &script;
	vm_world_make(&s->memory, &richer, ASID_BITS_MIN + tag_bits(run, 15, 1), USER_AT,
		      USER_AT * 2);
	stacks_make(run);
}

/* --- threads and processes -------------------------------------------------------------------- */

static void threads_make(struct run *run)
{
	struct storm *s = storm_of(run);
	const uint32_t reap = tag_bits(run, 0, 2);
	const uint32_t reserved = 1 + tag_bits(run, 2, 2) % RESERVED_MAX;
	const struct sched_config config = {
		.cpus = run->script->world.cpus,
		.threads = s->threads,
		.slots = LANES + reserved + (5 + tag_bits(run, 4, 3)) % (THREADS_SPARE + 1),
		.reserved = reserved,
		.slice_ns = SLICE_NS,
		.cooldown_ns = tag_bits(run, 14, 1) * (uint64_t)SLICE_NS,
		.reap = reap > REAP_BEFORE_NEXT ? REAP_AFTER_SWITCH : (enum reap_form)reap,
		.reaped = members_reaped,
		.idle = members_idle,
		.enter = members_enter,
		.arg = run,
	};
	sched_init(&s->sched, &config);
}

void process_world_make(struct run *run)
{
	struct storm *s = storm_of(run);
	s->asked = s->codes = 0;
	s->idle = 0;
	memory_make(run);
	threads_make(run);
	const struct process_config config = {
		.sched = &s->sched,
		.vm = &s->memory.vm,
		.stacks = &s->kernel.stacks,
		.memory = &s->memory.km,
		.processes = s->processes,
		.slots = PROCESS_SLOTS - tag_bits(run, 7, 3),
	};
	process_world_init(&s->world, &config);
	wait_init(&s->care, RANK_WAIT);
	wait_init(&s->stay, RANK_WAIT);
}

/* --- the end ---------------------------------------------------------------------------------- */

void process_world_end(struct run *run)
{
	struct storm *s = storm_of(run);
	struct process_counts counts;

	processes_must_be_gone(&s->world);
	must_be_none(thread_count(&s->sched.table), "slots of threads");
	must_be_sound(kstack_check(&s->kernel.stacks));
	for (uint32_t cpu = 0; cpu < s->sched.config.cpus; cpu++)
		if (timer_next_ns(&s->sched.cpu[cpu].timers) != UINT64_MAX)
			kpanic(ORACLE_LEAK, "a timer stays with cpu %u", cpu);
	process_count(&s->world, &counts);
	if (counts.spawned != counts.ended)
		kpanic(ORACLE_ACCOUNT, "%lu processes were spawned, %lu ended",
		       (unsigned long)counts.spawned, (unsigned long)counts.ended);
	stack_world_close(&s->kernel, run);
	vm_world_close(&s->memory);
}
