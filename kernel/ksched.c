/*
 * ksched.c -- the kernel's scheduler: its slots, its threads' stacks, and the two interrupts.
 *
 * Here machine, mm and sched meet; what is a process is kernel/process.h's.  A CPU's timer belongs
 * to the scheduler: whatever else is to happen at a time is a timer in one of its queues
 * (sched/timer.h).  mach_ipi() says that there is something to look at: a thread to run, a call
 * from another CPU, or both.
 *
 * There is no tick.  A CPU's timer is set to the end of a slice while a second thread is ready,
 * and to the earliest timer of its queue; otherwise a CPU is left alone, and rests in WFI where it
 * has no thread.  One timer is the watchdog's, which comes a few times a second (kwatch.c).
 *
 * Always true: a thread's floating-point registers lie on its own stack, above the part that the
 * scheduler knows of, so they live exactly as long as the stack does.
 *
 * A thread of the kernel has no space.  What is installed when a CPU enters one stays, unless it
 * was a process's: so a test may install tables by hand, on a CPU on which no process runs.
 *
 * Locks: none here but that of an end that is waited for (RANK_WAIT).
 * Cost: see bazel run //kernel:sched_bench.
 */
#include "kernel/ksched.h"

#include "kernel/kmem.h"
#include "kernel/ktrace.h"
#include "kernel/kwatch.h"
#include "kernel/oom.h"
#include "kernel/platform.h"
#include "kernel/tick.h"
#include "kernel/vm.h"
#include "machine/aarch64/cpu.h"

enum {
	SLOTS = 1024,
	SLOTS_MOST = KSTACK_SLOTS_MAX,
	SLOTS_SYSTEM = 2 * CPUS_MAX,
	PROCESSES = 256,
	IDLE_PAGES = 64, /* of work, before an idle CPU looks for threads again */
};

#define NS_PER_MS 1000000ull

struct sched kernel_sched;
struct call_board kernel_calls;
struct process_world kernel_processes;

/* --- interrupts ------------------------------------------------------------------------------- */

static void timer_came(void *s)
{
	tick_came();
	kwatch_came();
	sched_timer_fired(s);
}

static void ipi_came(void *s)
{
	call_serve(&kernel_calls);
	sched_ipi_came(s);
}

/* --- threads ---------------------------------------------------------------------------------- */

static void reaped(void *world, const struct thread_gone *gone)
{
	if (process_owns(gone->owner)) {
		process_reaped(world, gone);
		return;
	}
	struct kthread_end *end = gone->owner;
	kstack_give(gone->stack);
	if (end == NULL) return;
	const mach_irq_t was = wait_enter(&end->queue);
	ASSERT(end->left > 0);
	if (--end->left == 0) wait_wake_all(&kernel_sched, &end->queue);
	wait_leave(&end->queue, was);
}

static void enter(void *world, struct thread *from, struct thread *to)
{
	if (process_owns(from->owner) || process_owns(to->owner)) process_enter(world, from, to);
}

static void enter_traced(void *world, struct thread *from, struct thread *to)
{
	ktrace_switch(from, to);
	enter(world, from, to);
}

/*
 * A CPU has nothing to run: it takes retired spaces apart, in bounded pieces, and when pressure has
 * changed since somebody last did, what caches keep goes back.  Nothing here sets a clock, so a CPU
 * that has done its share rests until it is woken.
 */
static bool idle(void *world, uint32_t cpu)
{
	static uint32_t heeded; /* atomic: how often pressure had changed */
	const uint32_t *ready = &kernel_sched.cpu[cpu].runq.count;
	(void)world;
	while (atomic_load_u32(ready) == 0 && vm_reclaim_retired(&kernel_vm, IDLE_PAGES) != 0) {
	}
	const uint32_t changes = oom_count(MM_EVENT_PRESSURE);
	if (LIKELY(atomic_load_u32(&heeded) == changes)) return true;
	atomic_store_u32(&heeded, changes);
	kstack_drain(&kernel_stacks);
	kmalloc_drain(&kernel_memory);
	page_drain(&kernel_pages);
	return true;
}

/* One thread more, or one less, is to be waited for. */
static void count(struct kthread_end *end, uint32_t change)
{
	if (end == NULL) return;
	const mach_irq_t was = wait_enter(&end->queue);
	end->left += change;
	wait_leave(&end->queue, was);
}

/* The dead may have what there is too little of. */
static uint64_t take_stack(void)
{
	const uint64_t stack = kstack_take();
	return stack != 0 || sched_reap(&kernel_sched) == 0 ? stack : kstack_take();
}

thread_id kthread_spawn(const struct kthread_how *how)
{
	const uint64_t stack = take_stack();
	if (stack == 0) return THREAD_NONE;
	const uint64_t bytes = KERNEL_STACK_BYTES - (how->fp ? sizeof(struct mach_fp) : 0);
	struct mach_fp *fp = how->fp ? (struct mach_fp *)(uintptr_t)(stack + bytes) : NULL;
	if (fp != NULL) memset(fp, 0, sizeof(*fp));
	count(how->end, 1);
	const struct thread_how thread = {
		.entry = how->entry,
		.arg = how->arg,
		.stack = stack,
		.stack_bytes = bytes,
		.fp = fp,
		.owner = how->end,
		.class = how->system ? SLOT_SYSTEM : SLOT_USER,
		.priority = how->priority,
		.affinity = how->affinity,
	};
	const thread_id id = sched_spawn(&kernel_sched, &thread);
	if (id == THREAD_NONE) {
		count(how->end, UINT32_MAX);
		kstack_give(stack);
	}
	return id;
}

void kthread_end_init(struct kthread_end *end)
{
	end->kind.owner = OWNER_OTHER;
	wait_init(&end->queue, RANK_WAIT);
	end->left = 0;
}

/* False: they were not, by then. */
static bool gone_by(struct kthread_end *end, uint64_t deadline_ns)
{
	enum wait_result result = WAIT_WOKEN;
	const mach_irq_t was = wait_enter(&end->queue);
	while (end->left > 0 && result != WAIT_TIMEOUT) {
		result = wait_sleep(&kernel_sched, &end->queue, deadline_ns);
		ASSERT(result != WAIT_KILLED); /* nobody kills who waits for others' end */
	}
	const bool gone = end->left == 0;
	wait_leave(&end->queue, was);
	return gone;
}

/* Where only idle CPUs reap, who waits does so as well, now and then: none may be idle. */
void kthread_wait(struct kthread_end *end)
{
	const bool reaps = kernel_sched.config.reap == REAP_IN_IDLE;
	do {
		if (reaps) sched_reap(&kernel_sched);
	} while (!gone_by(end, reaps ? mach_now_ns() + TICK_MS * NS_PER_MS : WAIT_FOREVER));
}

void kthread_yield(void)
{
	sched_yield_cpu(&kernel_sched);
}

void kthread_sleep(uint64_t ns)
{
	sched_sleep_until(&kernel_sched, mach_now_ns() + ns);
}

/* --- start ------------------------------------------------------------------------------------ */

/* Which form the boot arguments ask for; false: none that there is. */
static bool reap_form(const char *bootargs, enum reap_form *form)
{
	static const char *const names[] = {
		[REAP_AFTER_SWITCH] = "after",
		[REAP_IN_IDLE] = "idle",
		[REAP_BEFORE_NEXT] = "before",
	};
	const char *text;
	size_t bytes;
	*form = REAP_AFTER_SWITCH;
	if (!bootarg_text(bootargs, "reap", &text, &bytes)) return true;
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		if (!bootarg_says(bootargs, "reap", names[i])) continue;
		*form = (enum reap_form)i;
		return true;
	}
	return false;
}

static void layout(const char *bootargs, struct sched_config *config)
{
	config->slots = SLOTS;
	config->reserved = SLOTS_SYSTEM;
	if (bootarg_says(bootargs, "layout", "documents")) {
		config->slots = THREADS_MAX;
		config->reserved = THREADS_RESERVED;
		config->cooldown_ns = SLOT_COOLDOWN_MS * NS_PER_MS;
	}
	config->slots = (uint32_t)min_u64(bootarg_number(bootargs, "threads", config->slots),
					  SLOTS_MOST + 1);
}

static const char *make_processes(const char *bootargs)
{
	struct process_config config = {
		.sched = &kernel_sched,
		.vm = &kernel_vm,
		.stacks = &kernel_stacks,
		.memory = &kernel_memory,
		.slots = (uint32_t)min_u64(bootarg_number(bootargs, "processes", PROCESSES),
					   SLOTS_MOST),
	};
	if (config.slots == 0) return "processes= is 1 or more";
	config.processes = kmalloc(config.slots * sizeof(struct process));
	if (config.processes == NULL) return "no room for the slots of processes";
	process_world_init(&kernel_processes, &config);
	return NULL;
}

const char *ksched_start(unsigned cpus, const char *bootargs)
{
	static const struct cpu_handlers handlers = { .timer = timer_came,
						      .ipi = ipi_came,
						      .arg = &kernel_sched };
	struct sched_config config = {
		.cpus = cpus,
		.slice_ns = TICK_MS * NS_PER_MS,
		.collect_ns = REAP_COLLECT_MS * NS_PER_MS,
		.reaped = reaped,
		.idle = idle,
		.enter = enter,
		.arg = &kernel_processes,
	};
	if (!reap_form(bootargs, &config.reap)) return "reap= is after, idle or before";
	layout(bootargs, &config);
	if (config.slots < config.reserved || config.slots > SLOTS_MOST)
		return "threads= is too few, or more than there are stacks";
	const char *wrong = ktrace_start(bootargs, cpus, config.slots);
	if (wrong != NULL) return wrong;
	if (ktrace_is_on()) {
		config.enter = enter_traced;
		config.observe = ktrace_observe;
	}
	config.threads = kmalloc(config.slots * sizeof(struct thread));
	if (config.threads == NULL) return "no room for the slots of threads";
	sched_init(&kernel_sched, &config);
	call_init(&kernel_calls, cpus);
	wrong = kwatch_start(bootargs);
	if (wrong == NULL) wrong = make_processes(bootargs);
	cpu_handlers_set(&handlers);
	return wrong;
}

NORETURN void ksched_run(void)
{
	kwatch_begin();
	sched_run(&kernel_sched);
	kpanic("assert", "a CPU has left the scheduler");
}
