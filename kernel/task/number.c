/*
 * number.c -- the numbers of tasks and groups, of process groups and sessions: one space for all.
 *
 * A number is somebody's as long as anything is called by it: a task, a group until its end was
 * waited for, and a process group or a session while it has a member.  So who keeps the number of a
 * process group never finds another's under it.  It counts its uses, and is given back with the
 * last.
 *
 * They are given out in turn, as Linux does: the next is the first free one above the last; after
 * the highest come those from 300 on, for the low ones are the system's (all of them, where there
 * are not so many).
 *
 * Always true (task_check): a number is in the row of its value; no two are equal; uses is not 0.
 *
 * Locks: the world's.  Cost: O(1) while there are few hundred; to give one out O(taken in a row).
 */
#include "kernel/task/task_inside.h"

enum { LOW_NUMBERS = 300 };

static struct number **row_of(struct task_world *w, int32_t value) REQUIRES(&w->lock)
{
	return &w->numbers[(uint32_t)value % NUMBER_ROWS];
}

struct number *number_alloc(struct task_world *w)
{
	return task_alloc_bytes(w, sizeof(struct number), KM_ZERO);
}

void number_free(struct task_world *w, struct number *n)
{
	ASSERT(n == NULL || n->uses == 0);
	task_free_bytes(w, n);
}

struct number *number_find_locked(struct task_world *w, int32_t value)
{
	struct number *n = *row_of(w, value);

	while (n != NULL && n->value != value) n = n->next;
	return n;
}

bool number_give_locked(struct task_world *w, struct number *n)
{
	const int32_t most = w->config.pid_max;

	ASSERT(n->uses == 0 && n->value == 0);
	for (int32_t tries = 0, value = w->last_number; tries < most; tries++) {
		value = value < most ? value + 1 : most > LOW_NUMBERS ? LOW_NUMBERS : 1;
		if (number_find_locked(w, value) != NULL) continue;
		struct number **row = row_of(w, value);
		n->value = w->last_number = value;
		n->next = *row;
		*row = n;
		return true;
	}
	return false;
}

struct number *number_use(struct number *n)
{
	ASSERT(n->value > 0);
	n->uses++;
	return n;
}

void number_drop_locked(struct task_world *w, struct number *n)
{
	struct number **at = row_of(w, n->value);

	ASSERT(n->uses != 0);
	if (--n->uses != 0) return;
	ASSERT(n->task == NULL && n->group == NULL);
	while (*at != n) at = &(*at)->next;
	*at = n->next;
	number_free(w, n);
}
