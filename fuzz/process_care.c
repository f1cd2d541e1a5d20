/*
 * process_care.c -- subject process: somebody sees to it that everybody gets on.
 *
 * One thread, in a process of its own without a space, adopts orphans at first, is never killed and
 * is the last to end.  It waits until a CPU with nothing to do finds that nobody can go on by
 * himself: every thread waits, without a deadline or for other lanes to come.  Then it collects its
 * own children, and spawns a thread for each lane that has none; and where none of that was to be
 * done, kills the processes of those who wait for what need not come, so that any script comes to
 * an end.
 *
 * Before that, all who wait are judged: none waits for a child that has ended and that nobody was
 * told of, nor for any where there is none.  Such a wake-up was lost.
 *
 * Compiled without points.  Locks: the queue's at which it waits.
 */
#include "fuzz/process_subject.h"

enum { PATIENCE = 64 /* times that nothing is done after it took care */ };

static struct {
	uint32_t due;    /* lanes that need a thread, by bit */
	uint64_t done;   /* counted by members_progress() */
	uint64_t seen;   /* of storm.asked */
	struct proc *of; /* that takes care */
} care;

void care_open(void)
{
	memset(&care, 0, sizeof(care));
	care.due = (1u << LANES) - 1;
}

void members_progress(void)
{
	care.done++;
}

void care_lane_is_due(unsigned lane)
{
	care.due |= 1u << lane;
}

/* --- lanes ------------------------------------------------------------------------------------ */

static process_id one_with_a_lane(void)
{
	for (uint32_t i = 0; i < MEMBERS; i++) {
		const struct member *m = member_number(i);
		if (m->state == MEMBER_RUNS && m->way == WAY_LANE && !m->proc->told)
			return m->proc->id;
	}
	return PROCESS_NONE;
}

/* In a process that it was told, in one of its own, or where there is no room for that in one that
 * has another lane; or later. */
void care_lane_goes_on(struct run *run, unsigned lane, process_id joins)
{
	const struct member_how how = { .way = WAY_LANE,
					.lane = (uint8_t)lane,
					.priority = PRIORITY_NORMAL,
					.class = SLOT_USER };
	care.due &= ~(1u << lane);
	if (joins != PROCESS_NONE && call_thread(run, joins, &how)) return;
	if (call_spawn(run, members_spawns() % 3 == 0 ? NULL : care.of, &how)) return;
	joins = one_with_a_lane();
	if (joins == PROCESS_NONE || !call_thread(run, joins, &how)) care_lane_is_due(lane);
}

/* --- when it is needed ------------------------------------------------------------------------ */

static bool waits_for_ever(const struct member *m)
{
	return m->pauses || m->stays || m->waits_for != PROCESS_NONE || m->way == WAY_CARE;
}

static bool all_wait(const struct run *run)
{
	for (uint32_t i = 0; i < MEMBERS; i++) {
		const struct member *m = member_number(i);
		if (m->state == MEMBER_NONE) continue;
		if (m->state != MEMBER_RUNS || !waits_for_ever(m)) return false;
		const struct thread *t = &storm_of(run)->threads[(uint32_t)m->id];
		if (thread_word_state(t->word) != THREAD_WAITING) return false;
	}
	return true;
}

/* Every thread waits. */
static void judge_wait(const struct member *m)
{
	if (m->waits_for == PROCESS_NONE) return;
	for (uint32_t i = 0; i < PROCS; i++) {
		const struct proc *child = proc_number(i);
		if (proc_is_waited_for(child, m->proc, m->waits_for) && child->finished)
			kpanic(ORACLE_LOST_WAKE, "thread %u waits for process %u, which has ended",
			       m->number, (uint32_t)child->id);
	}
	if (!proc_has_children(m->proc))
		kpanic(ORACLE_LOST_WAKE, "thread %u waits for children, and has none", m->number);
}

bool care_is_wanted(struct run *run)
{
	bool wanted = care.due != 0 || members_count() == 1;
	if (!all_wait(run)) return false;
	for (uint32_t i = 0; i < MEMBERS; i++) {
		const struct member *m = member_number(i);
		if (m->state != MEMBER_RUNS) continue;
		judge_wait(m);
		wanted |= m->stays || m->waits_for != PROCESS_NONE;
	}
	return wanted;
}

void care_is_asked_for(struct run *run)
{
	struct storm *s = storm_of(run);
	const mach_irq_t was = wait_enter(&s->care);
	s->asked++;
	wait_wake_one(sched_of(run), &s->care);
	wait_leave(&s->care, was);
}

/* --- taking care ------------------------------------------------------------------------------ */

static void waits_to_be_asked(struct run *run)
{
	struct storm *s = storm_of(run);
	const mach_irq_t was = wait_enter(&s->care);
	while (s->asked == care.seen) wait_sleep(sched_of(run), &s->care, WAIT_FOREVER);
	care.seen = s->asked;
	wait_leave(&s->care, was);
}

static bool collects(struct run *run, struct member *me)
{
	bool any = false;
	while (call_wait(run, me, PROCESS_ANY, 0) == 0) any = true;
	return any;
}

static bool lanes_go_on(struct run *run)
{
	bool any = false;
	for (unsigned lane = 0; lane < LANES; lane++) {
		if ((care.due >> lane & 1) == 0) continue;
		care_lane_goes_on(run, lane, PROCESS_NONE);
		any |= (care.due >> lane & 1) == 0;
	}
	return any;
}

/* What was put off, and what slots of threads that cool down wait for: time. */
static void room_comes_back(struct run *run)
{
	struct storm *s = storm_of(run);
	vm_reclaim(&s->memory.vm, SIZE_MAX);
	kstack_drain(&s->kernel.stacks);
	sched_sleep_until(&s->sched, mach_now_ns() + SLICE_NS);
}

static bool is_to_end(const struct member *m, bool pauses)
{
	if (m->state != MEMBER_RUNS || m->way == WAY_CARE || m->proc == NULL) return false;
	return m->stays || m->waits_for != PROCESS_NONE || (pauses && m->pauses);
}

/* Somebody who waits without a deadline; only where there is none, and a lane is due and finds no
 * room, who waits for that. */
static void ends_a_wait(struct run *run)
{
	for (int pauses = 0; pauses <= (care.due != 0); pauses++)
		for (uint32_t i = 0; i < MEMBERS; i++) {
			if (!is_to_end(member_number(i), pauses != 0)) continue;
			call_kill(run, member_number(i)->proc->id);
			return;
		}
}

static bool alone(struct run *run)
{
	return members_count() == 1 && care.due == 0 && procs_count(run) == 1;
}

void care_takes(struct run *run, struct member *me)
{
	uint32_t patience = PATIENCE;
	care.of = me->proc;
	call_adopt(run, me->proc->id);
	lanes_go_on(run);
	while (!alone(run)) {
		const uint64_t done = care.done;
		waits_to_be_asked(run);
		if (!collects(run, me) && !lanes_go_on(run)) {
			room_comes_back(run);
			ends_a_wait(run);
		}
		patience = care.done == done ? patience - 1 : PATIENCE;
		if (patience == 0)
			kpanic(ORACLE_LOST_WAKE,
			       "%u threads and %u processes, lanes %x to come, and none gets on",
			       members_count() - 1, procs_count(run) - 1, care.due);
	}
	me->end = BY_LEAVING;
}
