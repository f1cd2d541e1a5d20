/*
 * test_process.h -- a small world of processes over the host's arena, for their unit tests: pages,
 * kmalloc, spaces, stacks, a scheduler, and a table of processes.
 *
 * A test spawns what it needs and runs the world until nobody is left; what nobody gave back is
 * found then.  On the one CPU of test_run() threads run until they wait or yield, so a test says
 * exactly when what happens; time passes when all wait, or when somebody spins for long.
 */
#ifndef KERNEL_TEST_PROCESS_H
#define KERNEL_TEST_PROCESS_H

#include "kernel/process_inside.h"
#include "machine/host/arena.h"
#include "machine/host/cpu.h"
#include "machine/host/drawn.h"
#include "machine/host/expect.h"
#include "machine/host/mmu.h"
#include "machine/host/panics.h"
#include "mm/user_page.h"

enum {
	TEST_PAGES = 512,
	TEST_THREADS = 12,
	TEST_PROCESSES = 8,
	TEST_STACKS = 16,
	TEST_CPUS = 4,
	TEST_SITE = 7,
};

#define TEST_WINDOW (KERNEL_START + 0x400000000000)

/* What a test may choose; fields that are 0 get what is above. */
struct test_choice {
	uint32_t cpus, threads, processes, stacks;
	enum reap_form reap;
	uint64_t cooldown_ns, slice_ns;
};

static struct test_world {
	struct page_pool pages;
	struct frame frames[TEST_PAGES];
	struct kmalloc memory;
	struct vm vm;
	struct pagetable tree;
	struct kstack_window stacks;
	struct sched sched;
	struct thread threads[TEST_THREADS];
	struct process_world world;
	struct process processes[TEST_PROCESSES];
	uint32_t used; /* pages, with nobody there */
	uint32_t done; /* atomic: a CPU has seen that nobody is left */
	uint32_t vain; /* how often somebody spun since the timer last came for that */
} * tw;

static inline struct process_counts counts_now(void)
{
	struct process_counts counts;

	process_count(&tw->world, &counts);
	return counts;
}

/* Nobody is left, and nobody has anything: then every CPU is to come home. */
static inline bool test_idle(void *arg, uint32_t cpu)
{
	const struct process_counts counts = counts_now();

	(void)arg;
	EXPECT(tw->vm.installed[cpu] == NULL);
	if (counts.processes != 0 || counts.threads != 0) return vm_reclaim(&tw->vm, 64), true;
	if (thread_count(&tw->sched.table) != 0) return true;
	if (atomic_exchange_u32(&tw->done, 1) != 0) return false;
	for (uint32_t other = 0; other < tw->sched.config.cpus; other++)
		if (other != cpu) mach_ipi(other);
	return false;
}

static inline void test_timer(void *arg)
{
	sched_timer_fired(arg);
}

static inline void test_ipi(void *arg)
{
	sched_ipi_came(arg);
}

/* In the arena, behind the pool's pages: where accesses are seen, races are looked for there. */
static inline void test_open_world(void)
{
	uint8_t *arena = host_arena_base();

	if (arena == NULL) arena = host_arena_open(HOST_ARENA_BYTES);
	host_reset();
	tw = (struct test_world *)(void *)(arena + (size_t)TEST_PAGES * PAGE_SIZE);
	EXPECT(sizeof *tw <= HOST_ARENA_BYTES - (size_t)TEST_PAGES * PAGE_SIZE);
	mach_unpoison(tw, sizeof *tw);
	memset(tw, 0, sizeof *tw);
}

static inline void test_open_memory(uint32_t stacks)
{
	const struct page_config pages = {
		.base = mach_pa(host_arena_base()),
		.pages = TEST_PAGES,
		.frames = tw->frames,
		.cpus = TEST_CPUS,
		.zone_end = { 0, TEST_PAGES, TEST_PAGES },
	};
	const struct kmalloc_config memory = {
		.pages = &tw->pages,
		.keep_slabs = 1,
		.window_bytes = 16 * PAGE_SIZE,
		.grow_bytes = PAGE_SIZE,
	};
	const struct vm_config vm = {
		.pages = &tw->pages,
		.kmalloc = &tw->memory,
		.asid_bits = ASID_BITS_MIN,
		.bottom = 0x10000,
		.top = USER_END - PAGE_SIZE,
		.lowest = 0x10000,
		.regions_max = SPACE_REGIONS_MAX,
	};
	const struct kstack_config window = {
		.table = &tw->tree, .base = TEST_WINDOW, .slots = stacks, .keep = 2
	};

	page_pool_init(&tw->pages, &pages);
	page_pool_give(&tw->pages, 0, TEST_PAGES);
	kmalloc_init(&tw->memory, &memory);
	EXPECT(vm_init(&tw->vm, &vm));
	EXPECT(pagetable_init(&tw->tree, &tw->pages, true, TEST_SITE));
	host_mmu_kernel_install(tw->tree.root);
	kstack_init(&tw->stacks, &window);
}

/* Forces all that was put off: how many pages are out then. */
static inline uint32_t test_pages_used(void)
{
	struct page_counts counts;

	vm_reclaim(&tw->vm, SIZE_MAX);
	kstack_drain(&tw->stacks);
	kmalloc_drain(&tw->memory);
	page_drain(&tw->pages);
	page_count(&tw->pages, &counts);
	return counts.used;
}

/* --- too few pages ---------------------------------------------------------------------------- */

static paddr_t test_hoarded[TEST_PAGES];
static uint32_t test_hoard_pages;

enum { TEST_HOARD_HOW = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL) | PAGE_NO_RECLAIM };

static inline void test_share(void)
{
	while (test_hoard_pages != 0)
		page_free(&tw->pages, test_hoarded[--test_hoard_pages], 0, TEST_HOARD_HOW);
}

/* Takes all pages but `left`, until they are shared again. */
static inline void test_hoard(uint32_t left)
{
	test_pages_used();
	for (test_hoard_pages = 0;; test_hoard_pages++) {
		const paddr_t pa = page_alloc(&tw->pages, 0, TEST_HOARD_HOW, TEST_SITE);
		test_hoarded[test_hoard_pages] = pa;
		if (pa == PADDR_NONE) break;
	}
	EXPECT(test_hoard_pages >= left);
	for (; left != 0; left--)
		page_free(&tw->pages, test_hoarded[--test_hoard_pages], 0, TEST_HOARD_HOW);
}

static inline void test_open(const struct test_choice *choice)
{
	const uint32_t threads = choice->threads != 0 ? choice->threads : TEST_THREADS;
	const uint32_t processes = choice->processes != 0 ? choice->processes : TEST_PROCESSES;
	struct sched_config sched = {
		.cpus = choice->cpus != 0 ? choice->cpus : 1,
		.slots = threads,
		.cooldown_ns = choice->cooldown_ns,
		.slice_ns = choice->slice_ns != 0 ? choice->slice_ns : 1000000,
		.reap = choice->reap,
		.idle = test_idle,
		.reaped = process_reaped,
		.enter = process_enter,
	};

	test_open_world();
	test_open_memory(choice->stacks != 0 ? choice->stacks : TEST_STACKS);
	sched.threads = tw->threads;
	sched.arg = &tw->world;
	const struct process_config config = {
		.sched = &tw->sched,
		.vm = &tw->vm,
		.stacks = &tw->stacks,
		.memory = &tw->memory,
		.processes = tw->processes,
		.slots = processes,
	};
	process_world_init(&tw->world, &config);
	sched_init(&tw->sched, &sched);
	host_handlers_set(test_timer, test_ipi, &tw->sched);
	tw->used = test_pages_used();
}

static inline void test_must(const char *why)
{
	if (why != NULL) fprintf(stderr, "%s\n", why);
	EXPECT(why == NULL);
}

/* At rest: everything is sound, and whatever was taken is back. */
static inline void test_must_be_back(void)
{
	const struct process_counts counts = counts_now();
	struct vm_counts vm;

	test_must(process_check(&tw->world));
	test_must(sched_check(&tw->sched));
	test_must(kstack_check(&tw->stacks));
	test_must(page_check(&tw->pages));
	EXPECT(counts.processes == 0 && counts.zombies == 0 && counts.threads == 0);
	EXPECT(counts.spawned == counts.ended);
	EXPECT(thread_count(&tw->sched.table) == 0 && tw->stacks.live == 0);
	EXPECT(test_pages_used() == tw->used);
	vm_count(&tw->vm, &vm);
	EXPECT(vm.spaces == 0 && vm.retired == 0);
}

static inline void test_shut(void)
{
	test_must_be_back();
	vm_close(&tw->vm);
	host_mmu_kernel_install(PADDR_NONE);
	pagetable_close(&tw->tree);
}

static inline void test_cpu(void *arg)
{
	(void)arg;
	sched_run(&tw->sched);
}

enum { TEST_LOOK = 50, TEST_POINTS = 10000000, TEST_VAIN = 200 };

static inline void test_begin(void *context, struct turns *t)
{
	(void)context;
	t->asks.until = TEST_LOOK;
}

/* The timer comes for who spins. */
static inline struct turn test_decide(void *context, struct turns *t, struct turn_point point)
{
	const bool tick = tw->vain >= TEST_VAIN;

	(void)context, (void)point;
	if (tick) tw->vain = 0;
	t->asks.until = TEST_LOOK;
	return (struct turn){ .cpu = (uint8_t)t->now, .tick = tick };
}

/* Runs until it is asked to end. */
static inline void test_spin(void)
{
	while (!sched_killed(&tw->sched)) {
		tw->vain++;
		sched_yield_cpu(&tw->sched);
	}
}

/* Until nobody is left. */
static inline void test_run(void)
{
	static const struct turns_planner planner = { test_begin, test_decide, drawn_stuck, NULL };

	tw->done = tw->vain = 0;
	if (host_run_together(1, test_cpu, NULL, &planner, TEST_POINTS)) return;
	fprintf(stderr, "%s: %s\n", panic_id, panic_text);
	exit(1);
}

/* --- short names for what tests do ------------------------------------------------------------ */

#define W (&tw->world)

static inline struct process_how how_of(void (*entry)(void *), void *arg)
{
	return (struct process_how){
		.entry = entry,
		.arg = arg,
		.class = SLOT_USER,
		.priority = PRIORITY_NORMAL,
		.site = TEST_SITE,
	};
}

/* A child of the caller's process, or of nobody where there is no caller. */
static inline process_id child(void (*entry)(void *), void *arg)
{
	const struct process_how how = how_of(entry, arg);
	process_id id;

	EXPECT(process_spawn(W, process_self(W), &how, &id) == 0);
	return id;
}

static inline void another_thread(void (*entry)(void *), void *arg)
{
	const struct process_how how = how_of(entry, arg);
	thread_id thread;

	EXPECT(process_thread_spawn(W, process_self(W), &how, &thread) == 0);
}

static inline void nobodys(void (*entry)(void *), void *arg)
{
	const struct process_how how = how_of(entry, arg);
	process_id id;

	EXPECT(process_spawn(W, PROCESS_NONE, &how, &id) == 0);
}

/* Waits for `which`, and demands that it ended so. */
static inline process_id wait_for(process_id which, enum process_end end, uint64_t code)
{
	struct process_status status = { .id = PROCESS_NONE };

	EXPECT(process_wait(W, which, WAIT_FOREVER, &status) == 0);
	EXPECT(which == PROCESS_ANY || status.id == which);
	EXPECT(status.end == end && status.code == code);
	return status.id;
}

static inline void no_more_children(void)
{
	struct process_status status;

	EXPECT(process_wait(W, PROCESS_ANY, 0, &status) == -ERR_CHILD);
}

#endif
