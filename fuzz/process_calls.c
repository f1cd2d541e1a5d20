/*
 * process_calls.c -- subject process: the calls, and whether their answers may be what they are.
 *
 * Before a call it is noted what is certain, and after it, whether that still is; only then an
 * answer is judged.  Refusing for want of room is judged when nobody else began to make anything
 * meanwhile: then there cannot have been more threads and processes than at first, nor, but for a
 * margin, less memory.
 *
 * Each process has a word in its space, at one address: its id, once one of its threads has stored
 * that; before, nothing, or the id of whose copy its space is.  Who finds another one is in a space
 * that is not its own.
 *
 * Compiled without points, but for those of the calls.  Locks: none.
 */
#include "fuzz/process_subject.h"

enum { PLENTY_OF_PAGES = 96, FAULTS = 4 };

/* How much there was of what a call may be refused for. */
struct room {
	uint32_t processes, threads, spawns, pages;
};

static struct room room_now(struct run *run)
{
	return (struct room){
		.processes = procs_count(run),
		.threads = members_count(),
		.spawns = members_spawns(),
		.pages = process_world_free(run),
	};
}

/* Whether there was room for one more of each all the time. */
static void judge_refusal(struct run *run, const struct room *before, int answer, bool process)
{
	const struct storm *s = storm_of(run);
	const struct thread_table *table = &s->sched.table;
	if (before->spawns + 1 != members_spawns()) return;
	if (answer == -ERR_AGAIN) {
		const bool full = process && before->processes >= s->world.config.slots;
		run_sometimes(run, full ? SAW_PROCESSES_FULL : SAW_THREADS_FULL);
		if (full || before->threads >= table->slots - table->reserved) return;
		if (table->cooldown_ns != 0) return;
		kpanic(ORACLE_MUST_SUCCEED, "no slot; %u processes of %u, %u threads of %u",
		       before->processes, s->world.config.slots, before->threads, table->slots);
	}
	run_sometimes(run, SAW_NO_MEMORY);
	if (before->threads >= s->kernel.stacks.slots ||
	    (run->script->world.flags & WORLD_ZONES) != 0)
		return;
	if (min_u64(before->pages, process_world_free(run)) >= PLENTY_OF_PAGES)
		kpanic(ORACLE_MUST_SUCCEED, "no memory, with %u pages", before->pages);
}

/* `in`: whose end may be why; NULL: nobody's. */
static void judge_making(struct run *run, const struct room *before, int answer,
			 const struct proc *in, bool process)
{
	switch (answer) {
	case 0: return;
	case -ERR_AGAIN:
	case -ERR_NOMEM: judge_refusal(run, before, answer, process); return;
	case -ERR_INTR:
		run_sometimes(run, SAW_REFUSED_ENDING);
		if (in != NULL && (in->told || !proc_runs(in))) return;
		kpanic(ORACLE_VERDICT, "refused because of an end that nobody asked for");
	case -ERR_SRCH:
		if (in == NULL || !proc_runs(in)) return;
		kpanic(ORACLE_VERDICT, "process %u is there, and refused as if it were not",
		       (uint32_t)in->id);
	default: kpanic(ORACLE_ERRNO, "%d", answer);
	}
}

static struct process_how how_of(const struct member_how *how, struct member *m)
{
	return (struct process_how){
		.entry = member_lives,
		.arg = m,
		.class = how->class,
		.priority = how->priority,
		.no_space = how->no_space,
		.affinity = how->affinity,
		.site = SITE_NONE,
	};
}

/* --- making ----------------------------------------------------------------------------------- */

/* Only of the caller's own process, and only where there is a space. */
static bool forks(const struct run *run, const struct proc *parent, const struct member_how *how)
{
	const struct member *me = member_of(run);
	return how->fork && me != NULL && me->proc == parent && parent != NULL && parent->space;
}

static int make_process(struct run *run, struct proc *p, const struct process_how *how, bool fork)
{
	struct process_world *w = world_of(run);
	if (fork) return process_fork(w, how, &p->id);
	return process_spawn(w, p->parent == NULL ? PROCESS_NONE : p->parent->id, how, &p->id);
}

/* Its space is a copy of its parent's, which may have stored its own word by then. */
static void has_elders(struct proc *p, const struct proc *parent)
{
	p->mapped = parent->mapped;
	p->copy_of[p->elders++] = parent->id;
	for (uint32_t i = 0; i < parent->elders && !parent->stored && p->elders < ELDERS; i++)
		p->copy_of[p->elders++] = parent->copy_of[i];
}

/* The record has a member for the call itself, so it stays. */
bool call_spawn(struct run *run, struct proc *parent, const struct member_how *how)
{
	const struct room before = room_now(run);
	const bool fork = forks(run, parent, how);
	struct proc *p = proc_claim(run, parent);
	struct member *m = p == NULL ? NULL : member_claim(p, how);
	if (m == NULL) {
		if (p != NULL) proc_drop(p);
		return false;
	}
	struct process_how as = how_of(how, m);
	as.no_space = how->no_space && !fork;
	m->first = true;
	p->members++;
	p->space = !as.no_space;
	if (fork) has_elders(p, parent);
	const bool parent_runs = parent != NULL && proc_runs(parent);
	const int answer = make_process(run, p, &as, fork);
	judge_making(run, &before, answer, parent_runs ? parent : NULL, true);
	if (answer == 0) {
		p->made = true;
		proc_gone(run, p);
		return true;
	}
	if (p->id != PROCESS_NONE) kpanic(ORACLE_VERDICT, "a process that is none has an id");
	member_drop(run, m);
	proc_gone(run, p);
	proc_drop(p);
	return false;
}

bool call_thread(struct run *run, process_id id, const struct member_how *how)
{
	const struct room before = room_now(run);
	struct proc *p = proc_with(id);
	if (id != PROCESS_NONE && p == NULL) return false; /* the model has forgotten it */
	const bool settled = p != NULL && p->settled, runs = p != NULL && proc_runs(p);
	struct member *m = member_claim(p, how);
	if (m == NULL) return false;
	if (p != NULL) p->members++;
	const uint32_t spawn = m->spawn;
	const struct process_how as = how_of(how, m);
	thread_id thread;
	const int answer = process_thread_spawn(world_of(run), id, &as, &thread);
	if (p == NULL || runs || answer != -ERR_SRCH) judge_making(run, &before, answer, p, false);
	if (answer == 0 && settled)
		kpanic(ORACLE_MUST_FAIL, "process %u ends, and took a thread", (uint32_t)id);
	if (answer != 0)
		member_drop(run, m);
	else if (m->spawn == spawn)
		m->made = true;
	if (p != NULL) proc_gone(run, p);
	return answer == 0;
}

bool call_adopt(struct run *run, process_id id)
{
	struct proc *p = proc_with(id);
	if (id != PROCESS_NONE && p == NULL) return false;
	const bool runs = p == NULL || proc_runs(p);
	if (p != NULL) p->members++;
	procs_adopt(p, ADOPTION_BEGINS);
	const int answer = process_adopt_orphans(world_of(run), id);
	procs_adopt(p, answer == 0 ? ADOPTION_DONE : ADOPTION_REFUSED);
	if (answer != 0 && runs && (p == NULL || proc_runs(p)))
		kpanic(ORACLE_VERDICT, "process %u may not adopt", (uint32_t)id);
	if (p != NULL) proc_gone(run, p);
	return answer == 0;
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* The children that a wait may be for, and those of them that have ended: for certain, by bit. */
struct kids {
	uint32_t serial, there, ended;
};

static struct kids kids_now(const struct proc *self, process_id which)
{
	struct kids kids = { .serial = procs_serial() };
	for (uint32_t i = 0; i < PROCS; i++) {
		const struct proc *child = proc_number(i);
		if (!proc_is_waited_for(child, self, which)) continue;
		kids.there |= 1u << i;
		kids.ended |= (uint32_t)child->finished << i;
	}
	return kids;
}

/* Nobody else of the process has waited meanwhile. */
static void judge_none(const struct proc *self, const struct kids *before, process_id which,
		       int answer)
{
	const struct kids after = kids_now(self, which);
	for (uint32_t i = 0; i < PROCS; i++) {
		const struct proc *child = proc_number(i);
		if ((before->there & after.there & 1u << i) == 0) continue;
		if (child->serial > before->serial) continue;
		if (answer == -ERR_CHILD)
			kpanic(ORACLE_VERDICT, "process %u is a child, and there is none",
			       (uint32_t)child->id);
		if ((before->ended >> i & 1) != 0)
			kpanic(ORACLE_VERDICT, "process %u has ended, and nobody was told",
			       (uint32_t)child->id);
	}
}

static void judge_wait(struct run *run, struct proc *self, int answer, uint64_t deadline_ns)
{
	if (answer == -ERR_INTR) {
		run_sometimes(run, SAW_WAIT_KILLED);
		if (!self->told) kpanic(ORACLE_VERDICT, "a wait was ended by nobody");
	} else if (answer == -ERR_AGAIN) {
		if (mach_now_ns() < deadline_ns)
			kpanic(ORACLE_VERDICT, "a wait ended %lu ns early",
			       (unsigned long)(deadline_ns - mach_now_ns()));
	} else if (answer != 0 && answer != -ERR_CHILD) {
		kpanic(ORACLE_ERRNO, "%d", answer);
	}
}

int call_wait(struct run *run, struct member *me, process_id which, uint64_t deadline_ns)
{
	struct proc *self = me->proc;
	struct process_status status = { .id = PROCESS_NONE };
	if (self == NULL) return process_wait(world_of(run), which, deadline_ns, &status);
	const struct kids before = kids_now(self, which);
	const uint64_t from_ns = mach_now_ns();
	const bool alone = proc_waits(self);
	const uint32_t call = self->wait_calls;
	me->waits_for = deadline_ns == WAIT_FOREVER ? which : PROCESS_NONE;
	const int answer = process_wait(world_of(run), which, deadline_ns, &status);
	me->waits_for = PROCESS_NONE;
	proc_has_waited(self);
	judge_wait(run, self, answer, deadline_ns);
	if (answer == 0) {
		if (which != PROCESS_ANY && status.id != which)
			kpanic(ORACLE_VERDICT, "waited for one process, told of another");
		proc_judge_status(run, self, &status);
		if (mach_now_ns() > from_ns) run_sometimes(run, SAW_WAITED_LONG);
		members_progress();
	} else if (alone && self->wait_calls == call) {
		if (answer != -ERR_INTR) judge_none(self, &before, which, answer);
	} else {
		run_sometimes(run, SAW_WAITS_SHARED);
	}
	return answer;
}

/* --- ending ----------------------------------------------------------------------------------- */

/* Another each time, and never 0. */
static uint64_t new_code(struct run *run)
{
	return ++storm_of(run)->codes;
}

bool call_kill(struct run *run, process_id id)
{
	struct proc *p = proc_with(id);
	const bool gone = p == NULL || p->collected, runs = p != NULL && proc_runs(p);
	const uint64_t code = new_code(run);
	if (p != NULL) {
		p->told = true;
		p->members++;
		proc_may_end(p, PROCESS_KILLED, code);
	}
	const bool known = process_kill(world_of(run), id, code) == 0;
	if (gone && known)
		kpanic(ORACLE_SLOT_REUSE, "process %u was killed after its end", (uint32_t)id);
	if (runs && !known && proc_runs(p))
		kpanic(ORACLE_VERDICT, "process %u runs, and is none", (uint32_t)id);
	if (gone && id != PROCESS_NONE) run_sometimes(run, SAW_STALE_ID);
	if (p == NULL) return known;
	p->settled |= known;
	proc_gone(run, p);
	return known;
}

void call_end(struct run *run, struct member *me)
{
	struct process_world *w = world_of(run);
	struct proc *p = me->proc;
	const enum ending end = p == NULL && me->end == BY_EXIT ? BY_LEAVING : me->end;
	me->code = end == BY_RETURN ? 0 : new_code(run);
	me->end = end;
	me->state = MEMBER_ENDS;
	if (p != NULL) {
		p->told |= end == BY_EXIT;
		proc_may_end(p, PROCESS_EXITED, me->code);
	}
	members_progress();
	if (end == BY_EXIT) process_exit(w, me->code);
	if (end == BY_LEAVING) process_thread_exit(w, me->code);
}

/* --- a word in its space ---------------------------------------------------------------------- */

void call_map(struct run *run, struct member *me)
{
	struct proc *p = me->proc;
	if (!p->space || p->elders != 0) return;
	const int64_t at =
		space_mmap(process_space(world_of(run)), USER_AT, PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, SITE_NONE);
	if (at != USER_AT && at != -ERR_NOMEM) kpanic(ORACLE_ERRNO, "%ld", (long)at);
	p->mapped = at == USER_AT;
}

/* False: it cannot be. */
static bool access_word(struct run *run, struct member *me, uint64_t *value, bool store)
{
	for (int tries = 0; tries < FAULTS; tries++) {
		const enum mach_fault fault =
			store ? mach_user_store(USER_AT, *value) : mach_user_load(USER_AT, value);
		if (fault == MACH_FAULT_NONE) return true;
		const enum fault_answer answer = space_fault(process_space(world_of(run)), USER_AT,
							     store ? MACH_STORE : MACH_LOAD);
		if (answer == FAULT_NO_MEMORY) return false;
		if (answer != FAULT_DONE && me->proc->mapped)
			kpanic(ORACLE_SPACE, "process %u has lost its page",
			       (uint32_t)me->proc->id);
		if (answer != FAULT_DONE) return false;
	}
	return false; /* others of the process, or a fork, were faster each time */
}

static void judge_word(struct run *run, const struct proc *p, uint64_t value, bool stored)
{
	if (value == p->id || (value == 0 && !stored)) return;
	run_sometimes(run, SAW_FORK_COPIED);
	for (uint32_t i = 0; i < p->elders && !stored; i++)
		if (p->copy_of[i] == value) return;
	if (p->elders == ELDERS && !stored) return;
	kpanic(ORACLE_CONTENT, "process %u finds the word of %u", (uint32_t)p->id, (uint32_t)value);
}

void call_touch(struct run *run, struct member *me, uint32_t times)
{
	struct proc *p = me->proc;
	if (p == NULL || !p->space) return;
	while (times-- != 0) {
		const bool stored = p->stored;
		uint64_t value = 0;
		if (!access_word(run, me, &value, false)) return;
		judge_word(run, p, value, stored);
		value = p->id;
		if (!access_word(run, me, &value, true)) return;
		p->stored = true;
	}
}
