/*
 * call.c -- calls to other CPUs.
 *
 * Each CPU has a list of what others ask of it.  A call is a record on the caller's stack:
 *
 *	ASKED  --> in the list; whoever holds the lock may begin it or take it back
 *	BEGUN  --> out of the list; the CPU that was asked is in fn()
 *	OVER   --> nobody but the caller looks at the record any more
 *
 * ASKED ends under the lock, so of serving and taking back exactly one happens: CALL_TIMEOUT means
 * that fn() was not called and never will be.  A call that was begun is waited for however long it
 * takes, for its record and perhaps its argument are on the caller's stack; a CPU that dies in
 * fn() is the watchdog's to report.  The last thing that the serving CPU does to a record is to
 * store OVER.
 *
 * Two CPUs that call each other: both wait with interrupts unmasked, so each takes the other's
 * interrupt, and besides a waiting caller looks itself for what is asked of the CPU it is on.
 *
 * Bounded: call_serve() calls what was asked before it began and leaves the rest to the interrupts
 * that come with it, so no stream of calls keeps a CPU in its handler for good.  An interrupt that
 * finds its call served already is harmless.
 *
 * Always true (call_check):
 *   C1  a record in the list is ASKED;
 *   C2  records stand in the list in the order they were asked in;
 *   C3  `listed` records are in the list; they and those served are no more than were asked.
 *
 * Locks: the lock of one CPU's list (RANK_CALL), never over fn().
 * Cost: about 80 instructions and an interrupt for each call.
 */
#include "sched/call.h"

enum call_state { CALL_ASKED, CALL_BEGUN, CALL_OVER };

struct call {
	struct list link; /* guarded by the lock of the list */
	void (*fn)(void *arg);
	void *arg;
	uint64_t number; /* in the order of asking */
	uint32_t state;  /* enum call_state; atomic */
};

void call_init(struct call_board *b, uint32_t cpus)
{
	ASSERT(cpus >= 1 && cpus <= CPUS_MAX);
	*b = (struct call_board){ .cpus = cpus };
	for (uint32_t i = 0; i < cpus; i++) {
		lock_init(&b->cpu[i].lock, RANK_CALL);
		list_init(&b->cpu[i].calls);
	}
}

/* --- the CPU that is asked -------------------------------------------------------------------- */

static void call_unlist_locked(struct call_cpu *c, struct call *call)
{
	const uint32_t listed = atomic_load_u32(&c->listed);

	ASSERT(listed > 0);
	list_remove(&call->link);
	atomic_store_u32(&c->listed, listed - 1);
}

/* The first of those asked before number `end`, begun; NULL: none. */
static struct call *call_begin(struct call_cpu *c, uint64_t end)
{
	struct call *call = NULL;
	const mach_irq_t was = lock_take(&c->lock);

	if (!list_empty(&c->calls)) call = CONTAINER_OF(c->calls.next, struct call, link);
	if (call != NULL && call->number >= end) call = NULL;
	if (call != NULL) {
		ASSERT(atomic_load_u32(&call->state) == CALL_ASKED);
		call_unlist_locked(c, call);
		atomic_store_u32(&call->state, CALL_BEGUN);
	}
	lock_drop(&c->lock, was);
	return call;
}

void call_serve(struct call_board *b)
{
	ASSERT(mach_irq_masked() && mach_cpu() < b->cpus);
	mach_lock_none_held(RANK_NONE);
	struct call_cpu *c = &b->cpu[mach_cpu()];
	const uint64_t end = atomic_load_u64(&c->asked);

	/* Most interrupts are for something else: no lock for that. */
	while (atomic_load_u32(&c->listed) > 0) {
		struct call *call = call_begin(c, end);
		if (call == NULL) return;
		call->fn(call->arg);
		mach_lock_none_held(RANK_NONE);
		ASSERT(mach_irq_masked());
		atomic_store_u64(&c->served, atomic_load_u64(&c->served) + 1);
		atomic_store_u32(&call->state, CALL_OVER);
	}
}

/* --- the caller ------------------------------------------------------------------------------- */

static void call_ask(struct call_board *b, uint32_t cpu, struct call *call)
{
	struct call_cpu *c = &b->cpu[cpu];
	ASSERT(cpu < b->cpus && call->fn != NULL);
	const mach_irq_t was = lock_take(&c->lock);

	call->number = atomic_load_u64(&c->asked);
	list_add_last(&c->calls, &call->link);
	atomic_store_u32(&c->listed, atomic_load_u32(&c->listed) + 1);
	atomic_store_u64(&c->asked, call->number + 1);
	lock_drop(&c->lock, was);
	mach_ipi(cpu);
}

/* False: too late, it was begun. */
static bool call_take_back(struct call_board *b, uint32_t cpu, struct call *call)
{
	struct call_cpu *c = &b->cpu[cpu];
	const mach_irq_t was = lock_take(&c->lock);
	const bool asked = atomic_load_u32(&call->state) == CALL_ASKED;

	if (asked) call_unlist_locked(c, call);
	lock_drop(&c->lock, was);
	return asked;
}

/* What is asked of the CPU that this waiting caller is on. */
static void call_serve_meanwhile(struct call_board *b)
{
	const mach_irq_t was = mach_irq_save();

	call_serve(b);
	mach_irq_restore(was);
}

static enum call_result call_await(struct call_board *b, uint32_t cpu, struct call *call,
				   uint64_t deadline_ns)
{
	bool begun = false;

	while (atomic_load_u32(&call->state) != CALL_OVER) {
		call_serve_meanwhile(b);
		if (!begun && mach_now_ns() >= deadline_ns) {
			if (call_take_back(b, cpu, call)) return CALL_TIMEOUT;
			begun = true;
		}
		mach_relax();
	}
	return CALL_DONE;
}

static uint64_t call_deadline_ns(uint64_t timeout_ns)
{
	uint64_t deadline_ns;
	return add_fits(mach_now_ns(), timeout_ns, &deadline_ns) ? deadline_ns : UINT64_MAX;
}

uint32_t call_cpus(struct call_board *b, uint32_t cpus, void (*fn)(void *arg), void *arg,
		   uint64_t timeout_ns)
{
	struct call calls[CPUS_MAX];
	uint32_t silent = 0;

	ASSERT(!mach_irq_masked() && cpus >> b->cpus == 0);
	mach_lock_none_held(RANK_NONE);
	const mach_irq_t was = mach_irq_save();
	const uint32_t others = cpus & ~(1u << mach_cpu()); /* and never mind where we go then */
	for (uint32_t left = others; left != 0; left &= left - 1) {
		struct call *call = &calls[bit_lowest(left)];
		*call = (struct call){ .fn = fn, .arg = arg, .state = CALL_ASKED };
		list_init(&call->link);
		call_ask(b, bit_lowest(left), call);
	}
	mach_irq_restore(was);

	const uint64_t deadline_ns = call_deadline_ns(timeout_ns);
	for (uint32_t left = others; left != 0; left &= left - 1) {
		const uint32_t cpu = bit_lowest(left);
		if (call_await(b, cpu, &calls[cpu], deadline_ns) == CALL_TIMEOUT)
			silent |= 1u << cpu;
	}
	return silent;
}

enum call_result call_cpu(struct call_board *b, uint32_t cpu, void (*fn)(void *arg), void *arg,
			  uint64_t timeout_ns)
{
	ASSERT(!mach_irq_masked() && cpu < b->cpus);
	mach_lock_none_held(RANK_NONE);
	struct call call = { .fn = fn, .arg = arg, .state = CALL_ASKED };
	const mach_irq_t was = mach_irq_save();
	const bool here = cpu == mach_cpu();

	if (here) fn(arg);
	if (!here) {
		list_init(&call.link);
		call_ask(b, cpu, &call);
	}
	mach_irq_restore(was);
	return here ? CALL_DONE : call_await(b, cpu, &call, call_deadline_ns(timeout_ns));
}

/* --- check ------------------------------------------------------------------------------------ */

static const char *call_check_locked(const struct call_cpu *c)
{
	const uint64_t asked = atomic_load_u64(&c->asked), served = atomic_load_u64(&c->served);
	uint64_t listed = 0, before = 0;

	for (const struct list *l = c->calls.next; l != &c->calls; l = l->next) {
		const struct call *call = CONTAINER_OF(l, struct call, link);
		if (l->prev->next != l) return "C2: links of calls do not meet";
		if (atomic_load_u32(&call->state) != CALL_ASKED)
			return "C1: a call is listed and begun";
		if (call->number < before || call->number >= asked)
			return "C2: a call is not in the order it was asked in";
		before = call->number + 1;
		listed++;
	}
	if (listed != atomic_load_u32(&c->listed)) return "C3: the count disagrees with the list";
	return served + listed <= asked ? NULL : "C3: more calls than were asked for";
}

const char *call_check(struct call_board *b)
{
	for (uint32_t i = 0; i < b->cpus; i++) {
		struct call_cpu *c = &b->cpu[i];
		const mach_irq_t was = lock_take(&c->lock);
		const char *why = call_check_locked(c);
		lock_drop(&c->lock, was);
		if (why != NULL) return why;
	}
	return NULL;
}
