/*
 * baton.c -- CPUs that take turns: the real ones pass a baton where the host's switch fibers.
 *
 * Who has it runs; the others of the play rest in WFI until it is theirs.  machine/turns.c decides
 * at each named point, as on the host, and only who has the baton calls it.  The points are passed
 * in the same places of the same lines as in machine/host (lockcheck.c, mmu.c, context.c, cpu.c),
 * so both machines count the same ones.
 *
 * A play has interrupts of its own: mach_ipi() and mach_timer_set() are notes in struct turns, and
 * their handlers are called at points, when the CPU that has the baton has not masked interrupts.
 * The real ones are nobody's meanwhile, but for ending a WFI: what comes for the kernel while a CPU
 * plays comes again when it has left.
 *
 * An escape ends the play for all: who rests is woken, sees it, and escapes as well.
 *
 * Always true: of the CPUs that play together only the one in `holder` touches `turns`.  A CPU's
 * `plays` is its own, and contexts that move do not take it with them.
 *
 * Locks: none.  Cost: a point that does not matter 25 instructions; a turn two interrupts.
 */
#include "baton.h"

#include "gic.h"
#include "machine/lock.h"

bool baton_on;
static struct turns turns;
static uint32_t holder, abandoned; /* atomic: who has the baton; nobody plays on */
static bool together;
static void (*leave_all)(void); /* does not return */

/* Whom the play's interrupts go to, and the machine's while nobody plays. */
static struct cpu_handlers mine;
static const struct cpu_handlers *others;
static bool missed[CPUS_MAX]; /* each CPU's own: an interrupt was for the kernel */

/* --- the machine's own interrupts ------------------------------------------------------------- */

static void real_timer_came(void *unused)
{
	(void)unused;
	if (cpu_here()->plays != 0)
		missed[mach_cpu()] = true;
	else if (others != NULL)
		others->timer(others->arg);
}

static void real_ipi_came(void *unused)
{
	(void)unused;
	if (cpu_here()->plays != 0)
		missed[mach_cpu()] = true;
	else if (others != NULL)
		others->ipi(others->arg);
}

static const struct cpu_handlers real = { .timer = real_timer_came, .ipi = real_ipi_came };

/* --- passing it on ---------------------------------------------------------------------------- */

static uint64_t irq_off(void)
{
	uint64_t was;
	__asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(was) : : "memory");
	return was;
}

static void irq_back(uint64_t was)
{
	__asm__ volatile("msr daif, %0" : : "r"(was) : "memory");
}

/* Rests until this CPU has the baton; interrupts that end the rest are taken here, masked or not,
 * or they would end it for ever. */
static void rest(unsigned here)
{
	const uint64_t was = irq_off();
	while (atomic_load_u32(&holder) != here) {
		if (atomic_load_u32(&abandoned) != 0) leave_all();
		__asm__ volatile("dsb sy\n\twfi\n\tmsr daifclr, #2\n\tisb\n\tmsr daifset, #2"
				 :
				 :
				 : "memory");
	}
	if (atomic_load_u32(&abandoned) != 0) leave_all();
	irq_back(was);
}

static void pass_to(unsigned cpu)
{
	atomic_store_u32(&holder, cpu);
	gic_send(cpu, GIC_SGI_WAKE);
}

/* --- points and interrupts -------------------------------------------------------------------- */

static bool is_due(void)
{
	const struct turns_cpu *me = &turns.cpu[turns.now];
	return me->interrupted != 0 || me->tick_due != 0;
}

/* What is due to this CPU, one after the other.  A handler may return on another CPU than it was
 * called on, when its context went there; so nothing is remembered over the call. */
static void deliver(void)
{
	const uint64_t was = irq_off();
	for (;;) {
		if (turns_take_ipi(&turns)) {
			if (mine.ipi != NULL) mine.ipi(mine.arg);
		} else if (turns_take_tick(&turns)) {
			if (mine.timer != NULL) mine.timer(mine.arg);
		} else {
			break;
		}
	}
	irq_back(was);
}

static void at(struct turn_point point)
{
	const bool asked = turns_count(&turns, point);
	if (!together || !turns_matter(&turns, point, asked)) return;
	const unsigned here = mach_cpu(), next = turns_pass(&turns, point, asked);
	if (next != here) {
		pass_to(next);
		rest(here);
	}
	if (!mach_irq_masked() && is_due()) deliver();
}

void baton_at(unsigned kind, unsigned detail)
{
	if (cpu_here()->plays == 0) return;
	at((struct turn_point){ .kind = (uint8_t)kind, .detail = (uint8_t)detail });
}

void baton_unmasked(void)
{
	if (cpu_here()->plays == 0) return;
	at((struct turn_point){ .kind = TURN_UNMASK });
	if (together && is_due()) deliver();
}

void baton_relax(void)
{
	if (cpu_here()->plays == 0) return;
	at((struct turn_point){ .kind = TURN_RELAX });
	if (!together && !turns_spin_alone(&turns)) kpanic("deadlock", "a CPU spins for good");
}

void baton_got_on(void)
{
	if (cpu_here()->plays != 0) turns_got_on(&turns);
}

void baton_ipi(unsigned cpu)
{
	turns_interrupt(&turns, cpu);
	at((struct turn_point){ .kind = TURN_IPI, .detail = (uint8_t)cpu });
	if (together && !mach_irq_masked() && is_due()) deliver();
}

void baton_timer_set(uint64_t deadline_ns)
{
	turns_timer_set(&turns, deadline_ns);
	at((struct turn_point){ .kind = TURN_TIMER });
	if (together && !mach_irq_masked() && is_due()) deliver();
}

/* The one CPU that plays has nothing to do until its timer says so. */
static void wait_alone(void)
{
	const uint64_t deadline_ns = turns.cpu[turns.now].deadline_ns;
	if (deadline_ns == UINT64_MAX) kpanic("deadlock", "a CPU waits for ever");
	turns_time(&turns, deadline_ns);
}

void baton_wait(void)
{
	mach_lock_none_held(RANK_NONE);
	if (turns.cpu[turns.now].woken == 0 && !is_due()) {
		at((struct turn_point){ .kind = TURN_WAIT });
		if (!together) wait_alone();
	}
	turns.cpu[turns.now].woken = 0;
	if (is_due()) deliver();
}

uint64_t baton_now_ns(void)
{
	return turns.clock_ns;
}

void baton_step(unsigned detail)
{
	baton_at(TURN_STEP, detail);
}

const struct turns *baton_turns_now(void)
{
	return together ? &turns : NULL;
}

/* --- plays ------------------------------------------------------------------------------------ */

void baton_reset(void)
{
	turns_reset(&turns);
	mine = (struct cpu_handlers){ .arg = NULL };
}

void baton_handlers_set(void (*timer)(void *arg), void (*ipi)(void *arg), void *arg)
{
	mine = (struct cpu_handlers){ .timer = timer, .ipi = ipi, .arg = arg };
}

void baton_open(uint32_t cpus, const struct turns_planner *planner, uint64_t limit,
		void (*abandoned_by)(void))
{
	ASSERT(!together && cpus <= cpu_count());
	atomic_store_u32(&holder, 0);
	atomic_store_u32(&abandoned, 0);
	leave_all = abandoned_by;
	turns_open(&turns, cpus, planner, limit);
	together = true;
	others = cpu_handlers_set(&real);
	baton_on = true;
}

void baton_join(void)
{
	cpu_here()->plays = 1;
	rest(mach_cpu());
}

void baton_join_alone(void)
{
	ASSERT(!together);
	turns.now = mach_cpu();
	turns.cpu[turns.now].spins = 0;
	others = cpu_handlers_set(&real);
	baton_on = true;
	cpu_here()->plays = 1;
}

/* This CPU is the kernel's again, and so is what came for it meanwhile. */
static void stop(void)
{
	const uint64_t was = irq_off();
	cpu_here()->plays = 0;
	if (!together) baton_close();
	if (missed[mach_cpu()]) {
		missed[mach_cpu()] = false;
		mach_timer_set(0);
		gic_send(mach_cpu(), GIC_SGI_WAKE);
	}
	irq_back(was);
}

void baton_leave(void)
{
	const uint32_t next = together ? turns_end(&turns) : 0;
	if (together && next < turns.cpus) pass_to(next);
	stop();
}

void baton_abandon(void)
{
	if (!baton_on || cpu_here()->plays == 0) return;
	atomic_store_u32(&abandoned, 1);
	for (uint32_t cpu = 0; together && cpu < turns.cpus; cpu++) gic_send(cpu, GIC_SGI_WAKE);
	stop();
}

void baton_close(void)
{
	baton_on = together = false;
	cpu_handlers_set(others);
}
