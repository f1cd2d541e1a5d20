/*
 * right.c -- whose tasks are, and what one may do to another.
 *
 * The rules are Linux's for a system without capabilities: kernel/signal.c (kill_ok_by_cred),
 * kernel/sys.c (set_one_prio, check_prlimit_permission), kernel/sched/core.c (check_same_owner).
 *
 * Groups of users besides the first lie in a list that never changes: who sets others makes another
 * list, and a fork shares its parent's.  It is in order, so that one is found by halving.  A task
 * looks at its group's list without a lock, for as long as it is in a call; so where it has
 * siblings, which may look, the list of before is kept until the new one goes.
 *
 * Always true: a list's uses are the groups of tasks that lead to it, and the list that took its
 * place.
 *
 * Locks: the world's, for who leads to which list and how many do.  Cost: O(log of the groups) to
 * find one.
 */
#include "kernel/task/right.h"

#include "kernel/task/task_inside.h"

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

/* Whether all of these but the first are `id`. */
static bool act_as(const uint32_t *ids, uint32_t id)
{
	return ids[ID_EFFECTIVE] == id && ids[ID_FILES] == id;
}

static void exec_as(uint32_t *ids, uint32_t id)
{
	for (unsigned n = ID_EFFECTIVE; n < IDS; n++) atomic_store_u32(&ids[n], id);
}

bool right_exec_locked(struct task_group *g, uint32_t uid, uint32_t gid)
{
	const bool changes = !act_as(g->uid, uid) || !act_as(g->gid, gid);

	exec_as(g->uid, uid);
	exec_as(g->gid, gid);
	return changes;
}

/* --- groups of users -------------------------------------------------------------------------- */

static struct gid_list *list_of(const struct task_group *g)
{
	return (struct gid_list *)(uintptr_t)atomic_load_u64(&g->gids);
}

void gid_list_inherit_locked(struct task_group *g, const struct task_group *from)
{
	struct gid_list *list = list_of(from);

	if (list != NULL) list->uses++;
	atomic_store_u64(&g->gids, (uintptr_t)list);
}

static void list_drop(struct task_world *w, struct gid_list *list)
{
	while (list != NULL) {
		struct gid_list *before = list->before;
		const mach_irq_t was = lock_take(&w->lock);
		ASSERT(list->uses != 0);
		const bool last = --list->uses == 0;
		lock_drop(&w->lock, was);
		if (!last) return;
		task_free_bytes(w, list);
		list = before;
	}
}

void gid_list_drop(struct task_group *g)
{
	list_drop(g->world, list_of(g));
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

/* NULL without memory. */
static struct gid_list *list_make(struct task_world *w, const uint32_t *gids, uint32_t count)
{
	const size_t bytes = count * sizeof(uint32_t);
	struct gid_list *list = task_alloc_bytes(w, sizeof *list + bytes, 0);

	if (list == NULL) return NULL;
	*list = (struct gid_list){ .uses = 1, .count = count };
	memcpy(list->gid, gids, bytes);
	put_in_order(list->gid, count);
	return list;
}

int right_gids_set(struct task *t, const uint32_t *gids, uint32_t count)
{
	static const uint32_t none[1];
	struct task_world *w = t->group->world;
	const bool alone = atomic_load_u32(&t->group->task_count) <= 1;
	struct gid_list *before = list_of(t->group), *list = NULL;

	ASSERT(count <= GIDS_MAX);
	if (count == 0 && before == NULL) return 0;
	if (count != 0 || !alone) {
		list = list_make(w, count == 0 ? none : gids, count);
		if (list == NULL) return -ERR_NOMEM;
	}
	const mach_irq_t was = lock_take(&w->lock);
	before = list_of(t->group);
	if (!alone) list->before = before;
	atomic_store_u64(&t->group->gids, (uintptr_t)list);
	lock_drop(&w->lock, was);
	if (alone) list_drop(w, before);
	return 0;
}

uint32_t right_gids_get(const struct task *t, uint32_t *gids, uint32_t room)
{
	const struct gid_list *list = list_of(t->group);
	const uint32_t count = list == NULL ? 0 : list->count;

	if (count != 0 && room != 0) memcpy(gids, list->gid, min_u64(room, count) * sizeof *gids);
	return count;
}

struct ids right_ids(const struct task *t)
{
	const struct task_group *g = t->group;

	return (struct ids){
		.uid = atomic_load_u32(&g->uid[ID_FILES]),
		.gid = atomic_load_u32(&g->gid[ID_FILES]),
		.more = list_of(g),
	};
}
