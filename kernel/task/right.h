/*
 * right.h -- whose tasks are, and what one may do to another.
 *
 * Users and groups of users are a task group's: what one of its threads changes is changed for all
 * (on Linux C libraries see to that).  Root is who acts as user 0, and may do anything; there are
 * no capabilities besides.
 */
#ifndef KERNEL_TASK_RIGHT_H
#define KERNEL_TASK_RIGHT_H

#include "kernel/ids.h"
#include "kernel/task/task.h"

enum { GIDS_MAX = 65536 }; /* groups of users that a task may be in (NGROUPS_MAX) */

static inline bool right_is_root(const struct task_group *g)
{
	return atomic_load_u32(&g->uid[ID_EFFECTIVE]) == 0;
}

/* kill(): to root, to the same user, within the group; SIGCONT within the session. */
bool right_to_signal_locked(const struct task_group *from, const struct task_group *to, int sig)
	REQUIRES(&from->world->lock);

/* How another is scheduled: the user it acts as must be the other's. */
bool right_to_schedule_locked(const struct task_group *from, const struct task_group *to)
	REQUIRES(&from->world->lock);

/* Another's limits: the user must be all that the other is, and may be. */
bool right_to_limit_locked(const struct task_group *from, const struct task_group *to)
	REQUIRES(&from->world->lock);

/* What the caller is to files: good for as long as it is in this call. */
struct ids right_ids(const struct task *t);

/* The caller's group is in these `count` groups of users besides, up to GIDS_MAX; their order is
 * not kept.  0 or -ERR_NOMEM. */
int right_gids_set(struct task *t, const uint32_t *gids, uint32_t count);

/* How many it is in, with the first `room` of them; the caller's. */
uint32_t right_gids_get(const struct task *t, uint32_t *gids, uint32_t room);

/* A fork's list is its parent's; a group that has ended gives it back. */
void gid_list_inherit_locked(struct task_group *g, const struct task_group *from)
	REQUIRES(&from->world->lock);
void gid_list_drop(struct task_group *g);

/* execve: it acts as those, and may act as them again.  Whether it acted as others before. */
bool right_exec_locked(struct task_group *g, uint32_t uid, uint32_t gid) REQUIRES(&g->world->lock);

#endif
