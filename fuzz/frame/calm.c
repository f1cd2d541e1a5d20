/*
 * calm.c -- operations side by side, one at a time: for runs that a program is to do again.
 *
 * A score (score.h) tells what actors do, line by line, and whoever plays it cannot choose who is
 * first where two do something at once.  So a run that has one is calm: an operation begins only
 * when all that the one before it set off is over, and every other lane waits for its turn, or
 * sleeps until somebody does something (subject->asleep), or has no more to do.  Then what it does,
 * and whom it wakes, follows from the script alone.
 *
 * The turn goes in the script's order, as far as lanes are free: the operations of one that sleeps
 * wait until it is back.  Behind its last operation a lane has one more turn, in which it ends.
 * When all sleep nobody has the turn, and the subject does what it does where nobody can go on by
 * himself.
 *
 * Such a run has one CPU and nobody decides about turns; decisions and meeting points of the script
 * are left out, as lanes settle at each operation.  Subjects see to it (run_is_calm) that threads
 * have no slices, and that waits with deadlines are over at once or never: nothing depends on time.
 *
 * A lane that waits for its turn pauses at least once, so that whoever can run gets to where he
 * rests, or comes back, or ends, before the lane looks.
 *
 * Of a subject whose lanes are CPUs there is one lane then, which performs all operations in the
 * script's order: nobody waits for anybody, and who would have performed one is in the operation.
 *
 * Always true:
 *   C1  while an operation begins, no other lane's thread can run;
 *   C2  of lanes that wait for their turn the one whose operation comes first in the script has it,
 *       and before these whoever has none left.
 *
 * Locks: none.
 */
#include "fuzz/frame/lanes.h"
#include "fuzz/frame/score.h"

void run_calms(struct script *script, const struct subject *subject)
{
	if (subject->together == NULL || (subject->asleep == NULL && subject->lanes != 0)) return;
	ASSERT(subject->asleep == NULL || subject->pause != NULL);
	script->world.strategy = PLAN_CALM;
	script->world.seed = 0;
	if (subject->asleep != NULL) script->world.cpus = 1;
}

static bool lane_rests(struct run *run, unsigned n)
{
	const struct lane *lane = &run->lanes->lane[n];

	return lane->over || lane->due || run->subject->asleep(run, n);
}

/* The end of a lane comes before all operations. */
static uint32_t rank(const struct lane *lane)
{
	return lane->next == LANES_NONE ? 0 : lane->next + 1u;
}

static bool has_turn(struct run *run, unsigned number)
{
	const struct lanes *l = run->lanes;

	for (unsigned n = 0; n < l->count; n++) {
		if (!lane_rests(run, n)) return false;
		if (l->lane[n].due && rank(&l->lane[n]) < rank(&l->lane[number])) return false;
	}
	return true;
}

bool calm_turn(struct run *run, unsigned number)
{
	struct lane *lane = &run->lanes->lane[number];

	if (run->subject->asleep == NULL) return true;
	lane->due = true;
	do run->subject->pause(run);
	while (!lane->stops && !has_turn(run, number));
	lane->due = false;
	if (lane->stops) return false;
	score_rest(run->score);
	return true;
}
