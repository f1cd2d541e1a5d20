/*
 * right.c -- whose tasks are, and what one may do to another.
 *
 * The rules are Linux's for a system without capabilities: kernel/signal.c (kill_ok_by_cred),
 * kernel/sys.c (set_one_prio, check_prlimit_permission), kernel/sched/core.c (check_same_owner).
 *
 * Groups of users besides the first lie in a list that never changes: who sets others makes another
 * list, and a fork shares its parent's.  It is in order, so that one is found by halving.
 *
 * Always true: a list's uses are the groups of tasks that lead to it.
 *
 * Locks: the world's, for who leads to which list and how many do.  Cost: O(log of the groups) to
 * find one, O(groups of users) under the lock to copy them out.
 */
#include "kernel/task/right.h"

#include "kernel/task/task_inside.h"

struct gid_list {
	uint32_t uses; /* (w) */
	uint32_t count;
	uint32_t gid[]; /* in order */
};

/* --- to others -------------------------------------------------------------------------------- */

static uint32_t uid_of(const struct task_group *g, unsigned which)
{
	return atomic_load_u32(&g->uid[which]);
}

bool right_to_signal_locked(const struct task_group *from, const struct task_group *to, int sig)
{
	const uint32_t saved = uid_of(to, ID_SAVED), real = uid_of(to, ID_REAL);
	const uint32_t acts = uid_of(from, ID_EFFECTIVE), is = uid_of(from, ID_REAL);

	if (from == to || right_is_root(from)) return true;
	if (acts == saved || acts == real || is == saved || is == real) return true;
	return sig == SIGCONT && from->sid == to->sid;
}

bool right_to_schedule_locked(const struct task_group *from, const struct task_group *to)
{
	const uint32_t acts = uid_of(from, ID_EFFECTIVE);

	return right_is_root(from) || acts == uid_of(to, ID_EFFECTIVE) ||
	       acts == uid_of(to, ID_REAL);
}

bool right_to_limit_locked(const struct task_group *from, const struct task_group *to)
{
	const uint32_t uid = uid_of(from, ID_REAL), gid = atomic_load_u32(&from->gid[ID_REAL]);

	if (from == to || right_is_root(from)) return true;
	for (unsigned n = ID_REAL; n <= ID_SAVED; n++)
		if (uid_of(to, n) != uid || atomic_load_u32(&to->gid[n]) != gid) return false;
	return true;
}

void right_exec_locked(struct task_group *g)
{
	atomic_store_u32(&g->uid[ID_SAVED], g->uid[ID_EFFECTIVE]);
	atomic_store_u32(&g->uid[ID_FILES], g->uid[ID_EFFECTIVE]);
	atomic_store_u32(&g->gid[ID_SAVED], g->gid[ID_EFFECTIVE]);
	atomic_store_u32(&g->gid[ID_FILES], g->gid[ID_EFFECTIVE]);
}

/* --- groups of users -------------------------------------------------------------------------- */

struct gid_list *gid_list_hold_locked(struct task_group *g)
{
	if (g->gids != NULL) g->gids->uses++;
	return g->gids;
}

void gid_list_drop(struct task_world *w, struct gid_list *list)
{
	if (list == NULL) return;
	const mach_irq_t was = lock_take(&w->lock);
	ASSERT(list->uses != 0);
	const bool last = --list->uses == 0;
	lock_drop(&w->lock, was);
	if (last) task_free_bytes(w, list);
}

/* Shell's sort, with gaps that halve. */
static void put_in_order(uint32_t *gid, uint32_t count)
{
	for (uint32_t gap = count / 2; gap != 0; gap /= 2) {
		for (uint32_t i = gap; i < count; i++) {
			const uint32_t one = gid[i];
			uint32_t to = i;
			for (; to >= gap && gid[to - gap] > one; to -= gap) gid[to] = gid[to - gap];
			gid[to] = one;
		}
	}
}

int right_gids_set(struct task *t, const uint32_t *gids, uint32_t count)
{
	struct task_world *w = t->group->world;
	const size_t bytes = count * sizeof(uint32_t);
	struct gid_list *list = NULL;

	ASSERT(count <= GIDS_MAX);
	if (count != 0) list = task_alloc_bytes(w, sizeof *list + bytes, 0);
	if (count != 0 && list == NULL) return -ERR_NOMEM;
	if (list != NULL) {
		*list = (struct gid_list){ .uses = 1, .count = count };
		memcpy(list->gid, gids, bytes);
		put_in_order(list->gid, count);
	}
	const mach_irq_t was = lock_take(&w->lock);
	struct gid_list *before = t->group->gids;
	t->group->gids = list;
	lock_drop(&w->lock, was);
	gid_list_drop(w, before);
	return 0;
}

uint32_t right_gids_get(const struct task *t, uint32_t *gids, uint32_t room)
{
	struct task_world *w = t->group->world;
	const mach_irq_t was = lock_take(&w->lock);
	const struct gid_list *list = t->group->gids;
	const uint32_t count = list == NULL ? 0 : list->count;

	if (count != 0 && room != 0) memcpy(gids, list->gid, min_u64(room, count) * sizeof *gids);
	lock_drop(&w->lock, was);
	return count;
}

static bool has_locked(const struct gid_list *list, uint32_t gid)
{
	uint32_t from = 0, end = list == NULL ? 0 : list->count;

	while (from < end) {
		const uint32_t middle = from + (end - from) / 2;
		if (list->gid[middle] == gid) return true;
		if (list->gid[middle] < gid)
			from = middle + 1;
		else
			end = middle;
	}
	return false;
}

bool right_has_gid(const struct task *t, uint32_t gid)
{
	struct task_world *w = t->group->world;

	if (atomic_load_u32(&t->group->gid[ID_FILES]) == gid) return true;
	const mach_irq_t was = lock_take(&w->lock);
	const bool has = has_locked(t->group->gids, gid);
	lock_drop(&w->lock, was);
	return has;
}
