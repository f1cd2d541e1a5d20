/*
 * process_model.c -- subject process: which processes live, who is whose child, and what a parent
 * may be told of each.
 *
 * A record knows of its process what is certain.  Calls overlap, so between the begin of a call and
 * its answer either may be true, and what follows from it is not judged; what stood before the call
 * and stands after it is.  So a process lives for certain while one of its threads runs and has not
 * begun to end; it is over for certain when the last of them has been taken back and that call has
 * returned.
 *
 * How it ended: the first call that settles it decides.  So an end counts while no other one has
 * been settled when it begins; that of a thread which leaves counts only if it may be the last one:
 * when it is taken back, no other thread is there that has not begun to end.  What a parent hears
 * must be one of these, of a child of its own, once, and when all threads are taken back already.
 *
 * Orphans go to whoever adopts at the moment in which their parent is taken down.  Where that is
 * certain too, the new parent is as certain as the old one; else the record says that nobody knows,
 * and only what is the same either way is demanded.  Of an orphan that the adopter descends from,
 * or that it is, nobody knows either.
 *
 * Whenever all lanes meet, and at the end, the table is compared with the records, with its lock
 * held: then it stands still, and no record changes.
 *
 * Compiled without points, but for those of the calls.  Locks: the world's, to compare.
 */
#include "fuzz/process_subject.h"

static struct {
	struct proc proc[PROCS];
	process_id heard[HEARD];
	uint32_t generation[PROCESS_SLOTS];
	uint32_t begun;   /* processes, ever */
	uint32_t serials; /* that were to be made */
	struct proc *adopter;
	uint32_t waits;     /* for children, under way */
	uint32_t adopting;  /* calls under way */
	bool crossed;       /* two of them were at once: nobody knows which was the last */
	uint32_t alone;     /* `adoptions` when the last call began that found none under way */
	uint32_t adoptions; /* begun, done, or ended with who adopted */
} model;

void procs_open(void)
{
	memset(&model, 0, sizeof(model));
}

process_id procs_heard(uint32_t n)
{
	return model.heard[n % HEARD];
}

struct proc *proc_with(process_id id)
{
	for (uint32_t i = 0; i < PROCS; i++)
		if (model.proc[i].used && model.proc[i].id == id && id != PROCESS_NONE)
			return &model.proc[i];
	return NULL;
}

static uint32_t slot_of(const struct proc *p)
{
	return (uint32_t)p->id;
}

static const struct process *process_of(const struct run *run, const struct proc *p)
{
	return &storm_of(run)->processes[slot_of(p)];
}

/* Its slot is free, or another's. */
static bool has_no_slot(const struct run *run, const struct proc *p)
{
	const struct process *process = process_of(run, p);
	return process->generation != p->id >> 32 || process->state == PROCESS_FREE;
}

/* --- records ---------------------------------------------------------------------------------- */

/* Nothing more can be said of it: nobody will be told, or somebody was. */
static bool is_over(const struct run *run, const struct proc *p)
{
	if (!p->finished || !has_no_slot(run, p)) return false;
	if (p->collected || (p->parent_known && p->parent == NULL)) return true;
	return !p->parent_known && model.waits == 0; /* who was told may not have said so yet */
}

static void sweep(const struct run *run)
{
	for (uint32_t i = 0; i < PROCS; i++) {
		struct proc *p = &model.proc[i];
		if (p->used && p->members == 0 && is_over(run, p)) p->used = false;
	}
}

uint32_t procs_count(struct run *run)
{
	uint32_t count = 0;
	sweep(run);
	for (uint32_t i = 0; i < PROCS; i++) count += model.proc[i].used;
	return count;
}

struct proc *proc_claim(struct run *run, struct proc *parent)
{
	sweep(run);
	for (uint32_t i = 0; i < PROCS; i++) {
		struct proc *p = &model.proc[i];
		if (p->used) continue;
		*p = (struct proc){ .used = true,
				    .parent = parent,
				    .parent_known = true,
				    .serial = ++model.serials };
		return p;
	}
	return NULL;
}

void proc_drop(struct proc *p)
{
	ASSERT(p->used && p->members == 0);
	p->used = false;
}

struct proc *proc_number(uint32_t n)
{
	return &model.proc[n];
}

uint32_t procs_serial(void)
{
	return model.serials;
}

bool proc_runs(const struct proc *p)
{
	return members_of(p, MEMBER_RUNS, MEMBER_RUNS) != 0;
}

/* --- how it ends ------------------------------------------------------------------------------ */

void proc_may_end(struct proc *p, enum process_end end, uint64_t code)
{
	if (p->settled) return;
	if (p->mays < MAYS) p->may[p->mays] = (struct may){ code, end };
	p->mays++;
}

void proc_not_last(struct proc *p, uint64_t code)
{
	const uint32_t mays = (uint32_t)min_u64(p->mays, MAYS);
	for (uint32_t i = 0; i < mays; i++) {
		if (p->may[i].code != code || p->may[i].end != PROCESS_EXITED) continue;
		p->may[i] = p->may[mays - 1];
		p->mays -= p->mays <= MAYS;
		return;
	}
}

static bool may_have_ended(const struct proc *p, const struct process_status *status)
{
	if (p->mays > MAYS) return true;
	for (uint32_t i = 0; i < p->mays; i++)
		if (p->may[i].code == status->code && p->may[i].end == status->end) return true;
	return false;
}

/* --- whose child ------------------------------------------------------------------------------ */

void procs_adopt(struct proc *who, enum adoption what)
{
	model.adoptions++;
	model.adopting += what == ADOPTION_BEGINS ? 1u : UINT32_MAX;
	if (what == ADOPTION_BEGINS && model.adopting == 1) model.alone = model.adoptions;
	if (model.adopting > 1) model.crossed = true;
	if (what == ADOPTION_DONE && model.adoptions == model.alone + 1) model.crossed = false;
	if (who != NULL) who->adopts = true;
	if (what == ADOPTION_DONE) model.adopter = who;
}

/* Whether nothing about who adopts has changed since the last thread of `p` went. */
static bool adopter_is_known(const struct proc *p)
{
	if (model.adoptions != p->adoptions || model.adopting != 0 || model.crossed) return false;
	return model.adopter == NULL || proc_runs(model.adopter);
}

void proc_goes(struct proc *p)
{
	p->adoptions = model.adoptions;
}

/* Whether `p` is `other`, or descends from it, as far as parents are known. */
static bool is_below(const struct proc *p, const struct proc *other)
{
	while (p != NULL && p != other && p->parent_known) p = p->parent;
	return p == other;
}

/* Whose child it is from now on: the adopter's; of one that the adopter descends from nobody's,
 * unless somebody above it was faster to end. */
static void hand_on(struct proc *child, bool known)
{
	const bool certain = known && !is_below(model.adopter, child);

	child->parent = certain ? model.adopter : NULL;
	child->parent_known = certain;
}

static void is_finished(struct run *run, struct proc *p)
{
	const bool known = adopter_is_known(p) && model.adopter != p;
	p->finished = p->settled = true;
	for (uint32_t i = 0; i < PROCS; i++) {
		struct proc *child = &model.proc[i];
		if (!child->used || !child->parent_known || child->parent != p) continue;
		hand_on(child, known);
		run_sometimes(run, SAW_HANDED_ON);
	}
	if (model.adopter != p) return;
	if (p->serial != 1) run_sometimes(run, SAW_ADOPTER_ENDED); /* the first one takes care */
	model.adopter = NULL;
	model.adoptions++;
}

void proc_gone(struct run *run, struct proc *p)
{
	ASSERT(p->members != 0);
	if (--p->members == 0 && p->made) is_finished(run, p);
}

bool proc_has_children(const struct proc *p)
{
	for (uint32_t i = 0; i < PROCS; i++) {
		const struct proc *child = &model.proc[i];
		if (!child->used || child->collected) continue;
		if (!child->parent_known || child->parent == p) return true;
	}
	return false;
}

bool proc_is_waited_for(const struct proc *child, const struct proc *by, process_id which)
{
	return child->used && child->made && child->parent_known && child->parent == by &&
	       !child->collected && (which == PROCESS_ANY || which == child->id);
}

bool proc_waits(struct proc *p)
{
	model.waits++;
	p->wait_calls++;
	return p->waits++ == 0;
}

void proc_has_waited(struct proc *p)
{
	model.waits--;
	p->waits--;
}

/* Its parent may be `self` by now. */
static bool may_be_child(const struct proc *p, const struct proc *self)
{
	if (!p->parent_known || p->parent == self) return true;
	return self->adopts && p->parent != NULL && !proc_runs(p->parent);
}

void proc_judge_status(struct run *run, struct proc *self, const struct process_status *status)
{
	struct proc *p = proc_with(status->id);
	const uint32_t slot = (uint32_t)status->id;
	if (p == NULL || p->collected)
		kpanic(ORACLE_SLOT_REUSE, "told of process %u, which is none, or was told before",
		       slot);
	if (!may_be_child(p, self))
		kpanic(ORACLE_VERDICT, "told of process %u, which is another's child", slot);
	if (members_of(p, MEMBER_RUNS, MEMBER_ENDS) != 0)
		kpanic(ORACLE_VERDICT, "told of process %u, of which a thread is there still",
		       slot);
	if (!may_have_ended(p, status))
		kpanic(ORACLE_VERDICT, "told that process %u ended with %lu, which nobody said",
		       slot, (unsigned long)status->code);
	p->collected = true;
	if (status->end == PROCESS_KILLED) run_sometimes(run, SAW_TOLD_KILLED);
}

/* --- beginning -------------------------------------------------------------------------------- */

void proc_begins(struct proc *p)
{
	const uint32_t slot = slot_of(p), generation = (uint32_t)(p->id >> 32);
	ASSERT(slot < PROCESS_SLOTS);
	if (generation <= model.generation[slot])
		kpanic(ORACLE_SLOT_REUSE, "process %u has an id that was another's", slot);
	for (uint32_t i = 0; i < PROCS; i++)
		if (&model.proc[i] != p && model.proc[i].used && proc_runs(&model.proc[i]) &&
		    slot_of(&model.proc[i]) == slot)
			kpanic(ORACLE_SLOT_REUSE, "process %u is there twice", slot);
	model.generation[slot] = generation;
	p->made = p->began = true;
}

void proc_is_heard_of(const struct proc *p)
{
	model.heard[model.begun++ % HEARD] = p->id;
}

/* --- the table -------------------------------------------------------------------------------- */

static process_id id_in(const struct process *p)
{
	return p == NULL ? PROCESS_NONE : (uint64_t)p->generation << 32 | p->slot;
}

static void check_living(const struct proc *p, const struct process *process)
{
	const uint32_t running = members_of(p, MEMBER_RUNS, MEMBER_RUNS);
	if (process->state != PROCESS_ALIVE || (process->ending && !p->told))
		kpanic(ORACLE_WALK, "process %u has ended, and a thread of it has not", slot_of(p));
	if (process->running < running || process->held < running)
		kpanic(ORACLE_ACCOUNT, "process %u has %u threads, and says %u", slot_of(p),
		       running, process->running);
}

static void check_parent(const struct proc *p, const struct process *process)
{
	const process_id parent = p->parent == NULL ? PROCESS_NONE : p->parent->id;
	if (!p->parent_known || (p->parent != NULL && !proc_runs(p->parent))) return;
	if (id_in(process->parent) != parent)
		kpanic(ORACLE_WALK, "process %u is child of process %u, not of %u", slot_of(p),
		       (uint32_t)id_in(process->parent), (uint32_t)parent);
}

/* What must be so now, whoever is in the middle of what. */
static void check_one(struct run *run, const struct proc *p)
{
	const struct process *process = process_of(run, p);
	if (!p->made) return;
	if (has_no_slot(run, p)) {
		if (proc_runs(p))
			kpanic(ORACLE_SLOT_REUSE, "process %u lives, and has no slot", slot_of(p));
		return;
	}
	if (p->collected) kpanic(ORACLE_LEAK, "process %u was told, and is there", slot_of(p));
	if (proc_runs(p)) check_living(p, process);
	if (p->finished && process->state != PROCESS_ZOMBIE)
		kpanic(ORACLE_WALK, "process %u is taken down, and no zombie", slot_of(p));
	check_parent(p, process);
}

void procs_check(struct run *run, bool at_rest)
{
	struct process_world *w = world_of(run);
	const char *why = process_check(w);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	const mach_irq_t was = lock_take(&w->lock);
	for (uint32_t i = 0; i < PROCS; i++)
		if (model.proc[i].used) check_one(run, &model.proc[i]);
	lock_drop(&w->lock, was);
	if (!at_rest || procs_count(run) == 0) return;
	for (uint32_t i = 0; i < PROCS; i++)
		if (model.proc[i].used)
			kpanic(ORACLE_LEAK, "the end of process %u was told to nobody",
			       slot_of(&model.proc[i]));
}
