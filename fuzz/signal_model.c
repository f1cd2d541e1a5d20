/*
 * signal_model.c -- subject signal: what was sent to whom, and what became of it.
 *
 * A real-time signal carries a number of its own, so each is known: it is taken once, by a task of
 * the group that it was sent to in that life of it, or by the very task; and those of one kind that
 * one task was sent in turn come in turn.  At rest each that was sent, and neither taken nor
 * forgotten because its group ignored its kind meanwhile, must still be pending.  Of standard ones
 * no more are taken than were sent.
 *
 * What is written down here is exact where nobody is in between: a signal counts as under way from
 * before it is sent, and as sent from after.  Two tasks of a group may set the action of one signal
 * at a time, and who is told first that he did is not who did first.  So each such change has a
 * number, which the action carries, and is told which it replaced: once no change is under way, the
 * one that nobody replaced is what holds.  Until then the signal counts as ignored if any of them
 * may have said so.
 *
 * Locks: none; compiled without points.
 */
#include "fuzz/signal_subject.h"

enum { VALUES = 1024, NO_VALUE = UINT32_MAX };

enum fate { UNUSED, BEGUN, SENT, TAKEN, REFUSED, GONE };

static struct {
	struct {
		uint8_t fate, group, kind;
		bool loose; /* it may have been forgotten */
		int32_t tid;
		uint32_t life;
		uint64_t begun, sent; /* of model.time */
	} value[VALUES];
	uint32_t values;
	uint64_t time;
	uint32_t standard_sent[GROUPS][FIRST_QUEUED], standard_taken[GROUPS][FIRST_QUEUED];
	struct {
		bool ignored;       /* or may be */
		uint32_t under_way; /* changes of it; 0: */
		uint64_t holds; /* the number of what holds; else all not yet replaced, by xor */
		uint64_t first; /* of those that were begun since none was under way */
	} action[GROUPS][KINDS];
	uint64_t changes; /* of all actions; a number's lowest bit: it ignores */
} model;

void posts_open(void)
{
	memset(&model, 0, sizeof model);
}

uint32_t posts_send(unsigned group, int32_t tid, uint32_t kind)
{
	if (kind < FIRST_QUEUED) model.standard_sent[group][kind]++;
	if (model.values == VALUES) return NO_VALUE;
	const uint32_t n = model.values++;
	model.value[n].fate = BEGUN;
	model.value[n].group = (uint8_t)group;
	model.value[n].kind = (uint8_t)kind;
	model.value[n].loose = model.action[group][kind].ignored || kind < FIRST_QUEUED;
	model.value[n].tid = tid;
	model.value[n].life = group_life(group);
	model.value[n].begun = ++model.time;
	return n;
}

void posts_sent(uint32_t n, int answer)
{
	if (answer != 0 && model.value[n].fate == TAKEN)
		kpanic(ORACLE_VERDICT, "a signal was refused with %d, and taken", answer);
	if (answer != 0 && answer != -ERR_SRCH)
		kpanic(ORACLE_MUST_SUCCEED, "a signal was refused with %d", answer);
	if (model.value[n].fate == BEGUN) model.value[n].fate = answer == 0 ? SENT : REFUSED;
	model.value[n].sent = ++model.time;
}

/* None that was sent to this task before it was begun is still under way. */
static void must_be_in_turn(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (model.value[i].fate != SENT || model.value[i].loose) continue;
		if (model.value[i].tid == 0 || model.value[i].tid != model.value[n].tid) continue;
		if (model.value[i].kind != model.value[n].kind) continue;
		if (model.value[i].sent < model.value[n].begun)
			kpanic(ORACLE_VERDICT, "signal %u overtook %u", n, i);
	}
}

static void took_standard(unsigned group, uint32_t kind)
{
	if (++model.standard_taken[group][kind] > model.standard_sent[group][kind])
		kpanic(ORACLE_VERDICT, "a signal was taken that nobody sent");
}

void posts_took(struct run *run, unsigned lane, int32_t tid, const struct abi_siginfo *info)
{
	const unsigned group = lane / LANES_EACH;
	const uint64_t n = info->sent.value;

	if (info->signo == RESCUE) return;
	for (uint32_t kind = 0; kind < FIRST_QUEUED; kind++) {
		if (info->signo != signal_of_kind(kind)) continue;
		took_standard(group, kind);
		return;
	}
	if (info->code != SI_QUEUE || n >= model.values)
		kpanic(ORACLE_VERDICT, "signal %d with code %d", info->signo, info->code);
	if (model.value[n].fate != BEGUN && model.value[n].fate != SENT)
		kpanic(ORACLE_VERDICT, "signal %lu was taken, and is again", (unsigned long)n);
	if (signal_of_kind(model.value[n].kind) != info->signo || model.value[n].group != group ||
	    model.value[n].life != group_life(group) ||
	    (model.value[n].tid != 0 && model.value[n].tid != tid))
		kpanic(ORACLE_VERDICT, "signal %lu was another's", (unsigned long)n);
	if (model.value[n].tid == 0) run_sometimes(run, SAW_TO_GROUP);
	must_be_in_turn((uint32_t)n);
	model.value[n].fate = TAKEN;
}

uint64_t posts_change(unsigned group, uint32_t kind, bool ignore)
{
	const uint64_t n = ++model.changes << 1 | ignore;

	if (model.action[group][kind].under_way++ == 0) model.action[group][kind].first = n;
	model.action[group][kind].holds ^= n;
	if (!ignore) return n;
	model.action[group][kind].ignored = true;
	for (uint32_t i = 0; i < model.values; i++)
		if (model.value[i].group == group && model.value[i].kind == kind)
			model.value[i].loose = true;
	return n;
}

/* In `holds` is each number from its beginning until it was replaced. */
void posts_changed(unsigned group, uint32_t kind, uint64_t replaced)
{
	model.action[group][kind].holds ^= replaced;
	if (--model.action[group][kind].under_way != 0) return;
	const uint64_t holds = model.action[group][kind].holds;
	if (holds < model.action[group][kind].first || holds >> 1 > model.changes)
		kpanic(ORACLE_VERDICT, "an action was replaced that did not hold: %lu",
		       (unsigned long)replaced);
	model.action[group][kind].ignored = (holds & 1) != 0;
}

void posts_group_ended(unsigned group)
{
	for (uint32_t i = 0; i < model.values; i++)
		if (model.value[i].group == group &&
		    (model.value[i].fate == SENT || model.value[i].fate == BEGUN))
			model.value[i].fate = GONE;
	memset(model.action[group], 0, sizeof model.action[group]);
}

/* Whether a note says so. */
static uint32_t notes_with(const struct list *notes, uint64_t value)
{
	uint32_t found = 0;

	for (const struct list *l = notes->next; l != notes; l = l->next) {
		const struct signal_note *n = CONTAINER_OF(l, struct signal_note, link);
		found += n->info.code == SI_QUEUE && n->info.sent.value == value;
	}
	return found;
}

/* The world's lock is held. */
static void must_be_pending(struct run *run, uint32_t n)
{
	struct task_world *w = &world_of(run)->tasks;
	const struct task_group *g = task_group_find_locked(w, group_pid(model.value[n].group));
	const struct task *t = task_find_locked(w, model.value[n].tid);

	if (g == NULL || g->ending || model.value[n].life != group_life(model.value[n].group))
		return;
	if (model.value[n].tid != 0 && t == NULL) return; /* its task has ended */
	if (notes_with(t != NULL ? &t->notes : &g->notes, n) != 1)
		kpanic(ORACLE_LOST_WAKE, "signal %u was sent, and is neither taken nor pending", n);
}

void posts_at_rest(struct run *run)
{
	struct task_world *w = &world_of(run)->tasks;
	uint32_t last[GROUPS][KINDS] = { 0 };

	const mach_irq_t was = lock_take(&w->lock);
	for (uint32_t i = 0; i < model.values; i++) {
		if (model.value[i].fate != SENT || model.value[i].loose) continue;
		must_be_pending(run, i);
		if (last[model.value[i].group][model.value[i].kind]++ != 0)
			run_sometimes(run, SAW_QUEUED_TWICE);
	}
	lock_drop(&w->lock, was);
}
