/*
 * users.c -- the calls about whose a task is: users and groups of users.
 *
 * A group of tasks has user and group numbers, as set by who may: root any, others those they have.
 * What they decide is in kernel/task/right.h, and how many tasks a user may have (RLIMIT_NPROC).
 *
 * Locks: the tasks', for changes.
 */
#include "kernel/syscall/identity.h"

#include "kernel/syscall/user.h"
#include "kernel/task/right.h"

#define KEEP UINT32_MAX

int64_t sys_getuid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return atomic_load_u32(&t->group->uid[ID_REAL]);
}

int64_t sys_geteuid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return atomic_load_u32(&t->group->uid[ID_EFFECTIVE]);
}

int64_t sys_getgid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return atomic_load_u32(&t->group->gid[ID_REAL]);
}

int64_t sys_getegid(struct task *t, const uint64_t *arg)
{
	(void)arg;
	return atomic_load_u32(&t->group->gid[ID_EFFECTIVE]);
}

/* Whether who is not root may become that: what it is, or was, among the first `many`. */
static bool has_id(const uint32_t ids[IDS], uint32_t id, uint32_t many)
{
	for (uint32_t n = 0; n < many; n++)
		if (ids[n] == id) return true;
	return id == KEEP;
}

static bool is_root(const struct task *t)
{
	return right_is_root(t->group);
}

/*
 * Changes `ids` of the caller's group to those of `to` that are not KEEP.  Who acts as another from
 * then on is not told of its parent's end any more, and its memory is not for others to look at
 * (Linux: kernel/cred.c, commit_creds).
 */
static int64_t change_ids(struct task *t, uint32_t ids[IDS], const uint32_t to[IDS])
{
	struct task_world *w = t->group->world;
	bool other = false;
	const mach_irq_t was = lock_take(&w->lock);

	for (uint32_t n = 0; n < IDS; n++) {
		if (to[n] == KEEP) continue;
		if (n == ID_EFFECTIVE || n == ID_FILES) other = other || ids[n] != to[n];
		atomic_store_u32(&ids[n], to[n]);
	}
	if (other) t->group->undumpable = true;
	lock_drop(&w->lock, was);
	if (other) t->death_signal = 0;
	return 0;
}

static int64_t set_id(struct task *t, uint32_t ids[IDS], uint32_t id)
{
	const uint32_t all[IDS] = { id, id, id, id }, one[IDS] = { KEEP, id, KEEP, id };

	if (id == KEEP) return -ERR_INVAL;
	if (is_root(t)) return change_ids(t, ids, all);
	if (id != ids[ID_REAL] && id != ids[ID_SAVED]) return -ERR_PERM;
	return change_ids(t, ids, one);
}

/* What files are asked for as is always what the caller acts as from then on. */
static uint32_t acts_as(const uint32_t ids[IDS], uint32_t to)
{
	return to != KEEP ? to : ids[ID_EFFECTIVE];
}

static int64_t set_two_ids(struct task *t, uint32_t ids[IDS], const uint64_t *arg)
{
	const uint32_t real = (uint32_t)arg[0], effective = (uint32_t)arg[1];
	uint32_t to[IDS] = { real, effective, KEEP, acts_as(ids, effective) };

	if (!is_root(t) && (!has_id(ids, real, ID_SAVED) || !has_id(ids, effective, ID_FILES)))
		return -ERR_PERM;
	if (real != KEEP || (effective != KEEP && effective != ids[ID_REAL]))
		to[ID_SAVED] = acts_as(ids, effective);
	return change_ids(t, ids, to);
}

static int64_t set_three_ids(struct task *t, uint32_t ids[IDS], const uint64_t *arg)
{
	const uint32_t to[IDS] = { (uint32_t)arg[0], (uint32_t)arg[1], (uint32_t)arg[2],
				   acts_as(ids, (uint32_t)arg[1]) };

	for (uint32_t n = 0; n < ID_FILES; n++)
		if (!is_root(t) && !has_id(ids, to[n], ID_FILES)) return -ERR_PERM;
	return change_ids(t, ids, to);
}

/* Answers what it was, whether it is another now or not. */
static int64_t set_files_id(struct task *t, uint32_t ids[IDS], uint32_t id)
{
	const uint32_t before = atomic_load_u32(&ids[ID_FILES]);
	const uint32_t to[IDS] = { KEEP, KEEP, KEEP, id };

	if (is_root(t) || has_id(ids, id, IDS)) change_ids(t, ids, to);
	return before;
}

static int64_t get_three_ids(struct task *t, const uint32_t ids[IDS], const uint64_t *arg)
{
	for (uint32_t n = 0; n < ID_FILES; n++)
		if (to_user(t, arg[n], &ids[n], sizeof ids[n]) != 0) return -ERR_FAULT;
	return 0;
}

int64_t sys_setuid(struct task *t, const uint64_t *arg)
{
	return set_id(t, t->group->uid, (uint32_t)arg[0]);
}

int64_t sys_setgid(struct task *t, const uint64_t *arg)
{
	return set_id(t, t->group->gid, (uint32_t)arg[0]);
}

int64_t sys_setreuid(struct task *t, const uint64_t *arg)
{
	return set_two_ids(t, t->group->uid, arg);
}

int64_t sys_setregid(struct task *t, const uint64_t *arg)
{
	return set_two_ids(t, t->group->gid, arg);
}

int64_t sys_setresuid(struct task *t, const uint64_t *arg)
{
	return set_three_ids(t, t->group->uid, arg);
}

int64_t sys_setresgid(struct task *t, const uint64_t *arg)
{
	return set_three_ids(t, t->group->gid, arg);
}

int64_t sys_getresuid(struct task *t, const uint64_t *arg)
{
	return get_three_ids(t, t->group->uid, arg);
}

int64_t sys_getresgid(struct task *t, const uint64_t *arg)
{
	return get_three_ids(t, t->group->gid, arg);
}

int64_t sys_setfsuid(struct task *t, const uint64_t *arg)
{
	return set_files_id(t, t->group->uid, (uint32_t)arg[0]);
}

int64_t sys_setfsgid(struct task *t, const uint64_t *arg)
{
	return set_files_id(t, t->group->gid, (uint32_t)arg[0]);
}

/* Memory for so many; *gids is NULL for none.  0 or -ERR_NOMEM. */
static int gids_alloc(struct task *t, uint32_t count, uint32_t **gids)
{
	*gids = NULL;
	if (count != 0)
		*gids = kmalloc_alloc(config_of(t)->memory, count * sizeof **gids, 0, SITE_NONE);
	return count != 0 && *gids == NULL ? -ERR_NOMEM : 0;
}

static void gids_free(struct task *t, uint32_t *gids)
{
	const enum kmalloc_verdict v = kmalloc_free(config_of(t)->memory, gids);

	ASSERT(v == KMALLOC_FREED || v == KMALLOC_NOTHING);
}

/* Another of its threads may change them meanwhile: what there is room for is told. */
int64_t sys_getgroups(struct task *t, const uint64_t *arg)
{
	const uint32_t room = (uint32_t)arg[0];
	uint32_t *gids, count = right_gids_get(t, NULL, 0);

	if ((int32_t)room < 0) return -ERR_INVAL;
	if (room == 0 || count == 0) return count;
	if (room < count) return -ERR_INVAL;
	if (gids_alloc(t, count, &gids) != 0) return -ERR_NOMEM;
	count = (uint32_t)min_u64(right_gids_get(t, gids, count), count);
	const int wrong = to_user(t, arg[1], gids, count * sizeof *gids);
	gids_free(t, gids);
	return wrong != 0 ? (int64_t)wrong : count;
}

int64_t sys_setgroups(struct task *t, const uint64_t *arg)
{
	const uint32_t count = (uint32_t)arg[0];
	uint32_t *gids;

	if (!is_root(t)) return -ERR_PERM;
	if (count > GIDS_MAX) return -ERR_INVAL;
	if (gids_alloc(t, count, &gids) != 0) return -ERR_NOMEM;
	int answer = count == 0 ? 0 : from_user(t, gids, arg[1], count * sizeof *gids);
	for (uint32_t n = 0; answer == 0 && n < count; n++)
		if (gids[n] == KEEP) answer = -ERR_INVAL;
	if (answer == 0) answer = right_gids_set(t, gids, count);
	gids_free(t, gids);
	return answer;
}
