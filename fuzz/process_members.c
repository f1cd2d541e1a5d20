/*
 * process_members.c -- subject process: the threads of a world, and what they live for.
 *
 * Every thread has a record, from before it is spawned until it was taken back.  It begins once,
 * under an id and on a stack that nobody has, in the process that it was made for, which has a word
 * of its own in its space; it ends as it says itself, or is asked to; and is taken back once after
 * that.  One that never begins is one whose process was asked to end before.
 *
 * A lane's operations are performed by threads in turn: when one was asked to end, or an operation
 * says so, it ends, and another goes on with the next operation, in a process of its own or in one
 * that is there.
 *
 * Compiled without points, and records are changed in one piece.  Locks: none.
 */
#include "fuzz/frame/must.h"
#include "fuzz/process_subject.h"

enum { STEPS = 3, CROWD = 3 };

static struct {
	struct member member[MEMBERS];
	uint32_t generation[THREAD_SLOTS];
	uint32_t spawns; /* calls that were begun, ever */
	uint32_t count;  /* records in use */
	bool over;
} world;

void members_open(void)
{
	memset(&world, 0, sizeof(world));
	for (uint32_t i = 0; i < MEMBERS; i++) world.member[i].number = i;
}

uint32_t members_count(void)
{
	return world.count;
}

uint32_t members_spawns(void)
{
	return world.spawns;
}

bool members_over(void)
{
	return world.over;
}

struct member *member_number(uint32_t n)
{
	return &world.member[n];
}

uint32_t members_of(const struct proc *proc, enum member_state from, enum member_state to)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < MEMBERS; i++) {
		const struct member *m = &world.member[i];
		count += m->proc == proc && m->state >= from && m->state <= to;
	}
	return count;
}

static struct member *member_of_owner(const void *owner)
{
	const struct process_thread *record = owner;
	return process_owns(owner) ? record->arg : NULL;
}

struct member *member_of(const struct run *run)
{
	const struct thread *t = sched_of(run)->cpu[mach_cpu()].current;
	return t == NULL ? NULL : member_of_owner(t->owner);
}

unsigned members_lane_now(struct run *run)
{
	const struct member *me = member_of(run);
	return me == NULL ? RUN_NO_LANE : me->lane;
}

/* --- records ---------------------------------------------------------------------------------- */

struct member *member_claim(struct proc *proc, const struct member_how *how)
{
	for (uint32_t i = 0; i < MEMBERS; i++) {
		struct member *m = &world.member[i];
		if (m->state != MEMBER_NONE) continue;
		*m = (struct member){ .number = i,
				      .state = MEMBER_SPAWNED,
				      .proc = proc,
				      .way = how->way,
				      .lane = how->lane,
				      .spawn = ++world.spawns };
		if (proc != NULL) proc->members++;
		world.count++;
		return m;
	}
	return NULL;
}

void member_drop(struct run *run, struct member *m)
{
	struct proc *proc = m->proc;
	m->state = MEMBER_NONE;
	world.count--;
	if (proc != NULL) proc_gone(run, proc);
}

/* --- beginning -------------------------------------------------------------------------------- */

/* Nobody has this slot, this id or this stack. */
static void judge_what_is_given(const struct member *me, const struct thread *t)
{
	const uint32_t generation = (uint32_t)(me->id >> 32);
	if (generation <= world.generation[t->slot])
		kpanic(ORACLE_SLOT_REUSE, "slot %u is given under the same id again", t->slot);
	for (uint32_t i = 0; i < MEMBERS; i++) {
		const struct member *m = &world.member[i];
		if (m == me || m->state < MEMBER_RUNS || m->state > MEMBER_ENDS) continue;
		if (m->state == MEMBER_RUNS && (uint32_t)m->id == t->slot)
			kpanic(ORACLE_SLOT_REUSE, "slot %u is given twice", t->slot);
		if (m->stack == me->stack) kpanic(ORACLE_OVERLAP, "a stack is given twice");
	}
	world.generation[t->slot] = generation;
}

static void begins(struct run *run, struct member *me)
{
	const struct thread *t = sched_current(sched_of(run));
	if (me->state != MEMBER_SPAWNED)
		kpanic(ORACLE_SLOT_REUSE, "thread %u begins, and has before", me->number);
	me->id = thread_id_of(t);
	me->stack = t->stack;
	judge_what_is_given(me, t);
	me->state = MEMBER_RUNS;
	members_progress();
}

/* A process's first thread, or any other. */
static void begins_in_process(struct run *run, struct member *me)
{
	struct proc *p = me->proc;
	const process_id self = process_self(world_of(run));
	if (self != (p == NULL ? PROCESS_NONE : p->id))
		kpanic(ORACLE_VERDICT, "thread %u is in process %u, and should be in %u",
		       me->number, (uint32_t)self, p == NULL ? 0 : (uint32_t)p->id);
	if (p == NULL || !me->first) return;
	proc_begins(p);
	if (me->way != WAY_CARE) proc_is_heard_of(p);
	call_map(run, me);
}

/* --- what it does ----------------------------------------------------------------------------- */

static bool makes(struct run *run, const struct member *me, enum way way, bool thread)
{
	const struct member_how how = { .way = (uint8_t)way,
					.lane = RUN_NO_LANE,
					.priority = PRIORITY_NORMAL,
					.class = SLOT_USER,
					.fork = me->number % 2 != 0 };
	if (thread && me->proc != NULL) return call_thread(run, me->proc->id, &how);
	return call_spawn(run, me->proc, &how);
}

static void stays(struct run *run, struct member *me)
{
	struct wait_queue *q = &storm_of(run)->stay;
	me->stays = true;
	const mach_irq_t was = wait_enter(q);
	wait_sleep(sched_of(run), q, WAIT_FOREVER);
	wait_leave(q, was);
	me->stays = false;
}

static void lives_a_step(struct run *run, struct member *me, int step)
{
	struct sched *s = sched_of(run);
	switch (me->way) {
	case WAY_YIELDS: sched_yield_cpu(s); break;
	case WAY_SLEEPS: sched_sleep_until(s, mach_now_ns() + SLICE_NS / 2); break;
	case WAY_TOUCHES: call_touch(run, me, 2); break;
	case WAY_STAYS:
		if (me->proc != NULL) stays(run, me);
		break;
	case WAY_WAITS: call_wait(run, me, PROCESS_ANY, WAIT_FOREVER); break;
	case WAY_PARENT: makes(run, me, WAY_YIELDS + (enum way)step, step == 1); break;
	case WAY_COLLECTS:
		if (makes(run, me, WAY_TOUCHES, false))
			call_wait(run, me, PROCESS_ANY, WAIT_FOREVER);
		break;
	case WAY_CROWD: makes(run, me, step == 0 ? WAY_STAYS : WAY_YIELDS, true); break;
	case WAY_KILLS: call_kill(run, procs_heard(me->number + (uint32_t)step)); break;
	default: break;
	}
	members_progress();
}

static void lives_its_way(struct run *run, struct member *me)
{
	const bool exits = me->way == WAY_EXITS || me->way == WAY_CROWD;
	me->end = me->way == WAY_RETURNS ? BY_RETURN : exits ? BY_EXIT : BY_LEAVING;
	if (me->way <= WAY_EXITS) return;
	for (int step = 0; step < STEPS; step++) {
		lives_a_step(run, me, step);
		if (process_step_done(run)) return;
	}
}

static void lives_a_lane(struct run *run, struct member *me)
{
	if (run_lane(run, me->lane)) return;
	run_sometimes(run, SAW_LANE_WENT_ON);
	const unsigned lane = me->lane;
	me->lane = RUN_NO_LANE;
	care_lane_goes_on(run, lane, me->joins);
}

void member_lives(void *arg)
{
	struct member *me = arg;
	struct run *run = must_run(); /* a thread is told its record alone */
	begins(run, me);
	begins_in_process(run, me);
	if (me->way == WAY_LANE)
		lives_a_lane(run, me);
	else if (me->way == WAY_CARE)
		care_takes(run, me);
	else
		lives_its_way(run, me);
	call_end(run, me);
}

/* A lane at a meeting point.  Who was asked to end cannot sleep: another thread waits there. */
void members_pause(struct run *run)
{
	struct member *me = member_of(run);
	me->pauses = true;
	if (sched_sleep_until(sched_of(run), mach_now_ns() + 2 * SLICE_NS) == WAIT_KILLED)
		run_lane_stops(run);
	me->pauses = false;
}

void members_start(struct run *run)
{
	const struct member_how care = {
		.way = WAY_CARE, .lane = RUN_NO_LANE, .class = SLOT_SYSTEM, .no_space = true
	};
	if (!call_spawn(run, NULL, &care))
		kpanic(ORACLE_MUST_SUCCEED, "the first process is refused");
}

/* --- the scheduler's hooks -------------------------------------------------------------------- */

static void judge_end(const struct member *m, const struct thread_gone *gone)
{
	const bool never = m->state == MEMBER_SPAWNED;
	if (never && (m->proc == NULL || !m->proc->told))
		kpanic(ORACLE_VERDICT, "thread %u is gone, and never began", m->number);
	if (!never && (m->state != MEMBER_ENDS || m->id != gone->id))
		kpanic(ORACLE_SLOT_REUSE, "slot %u is reaped, and it has not ended",
		       (uint32_t)gone->id);
	if (gone->exit_code != m->code || (!never && gone->stack != m->stack))
		kpanic(ORACLE_CONTENT, "thread %u left code %lu and a stack, not %lu and its own",
		       m->number, (unsigned long)gone->exit_code, (unsigned long)m->code);
}

/* What is known of its process, now that it has left. */
static void process_is_left(struct run *run, const struct member *m, bool began)
{
	struct proc *p = m->proc;
	if (p == NULL) return;
	proc_goes(p);
	if (!began) {
		run_sometimes(run, SAW_NEVER_BEGAN);
	} else if (m->end == BY_EXIT) {
		if (p->members > CROWD) run_sometimes(run, SAW_CROWD_EXITS);
		p->settled = true;
	} else if (proc_runs(p)) {
		proc_not_last(p, m->code);
	} else if (p->members == 1) {
		p->settled = true;
	}
}

static void all_are_gone(struct run *run)
{
	const struct sched *s = sched_of(run);
	world.over = true;
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++)
		if (atomic_load_u32(&s->cpu[cpu].online) != 0) mach_ipi(cpu);
}

void members_reaped(void *arg, const struct thread_gone *gone)
{
	struct run *run = arg;
	struct member *m = member_of_owner(gone->owner);
	ASSERT(m != NULL);
	const bool began = m->state != MEMBER_SPAWNED, cared = m->way == WAY_CARE;
	const unsigned lane = began ? RUN_NO_LANE : m->lane;
	judge_end(m, gone);
	m->state = MEMBER_GOES;
	process_is_left(run, m, began);
	run_sometimes(run, SAW_REAP_AFTER_SWITCH + (unsigned)sched_of(run)->config.reap);
	process_reaped(world_of(run), gone);
	if (lane != RUN_NO_LANE) care_lane_is_due(lane);
	member_drop(run, m);
	members_progress();
	if (cared) all_are_gone(run);
}

void members_enter(void *arg, struct thread *from, struct thread *to)
{
	process_enter(world_of(arg), from, to);
}

bool members_idle(void *arg, uint32_t cpu)
{
	struct run *run = arg;
	struct vm *vm = &storm_of(run)->memory.vm;
	if (vm->installed[cpu] != NULL) kpanic(ORACLE_SPACE, "cpu %u idles in a space", cpu);
	if (vm->retired != NULL) vm_reclaim(vm, 64);
	if (world.over) return false;
	if (care_is_wanted(run)) care_is_asked_for(run);
	return !world.over;
}
