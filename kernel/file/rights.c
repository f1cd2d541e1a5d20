/*
 * rights.c -- who may do what with a node.
 *
 * Of three sets of rights just one counts: the owner's for the owner, even where others may more,
 * else the group's for who is in it, else the others'.  Root may read and write all, pass through
 * all folders, and execute what anybody may (fs/namei.c: generic_permission and its kin).
 *
 * Locks: none, as modes and owners are atomic; the tree's where both matter.  Cost: O(1).
 */
#include "kernel/file/rights.h"

#include "kernel/abi.h"
#include "kernel/file/tree_inside.h"

static uint32_t mode_of(const struct node *n)
{
	return atomic_load_u32(&n->mode);
}

static uint32_t owner_of(const struct node *n)
{
	return atomic_load_u32(&n->uid);
}

static bool in_group(const struct node *n, const struct ids *who)
{
	return ids_has_gid(who, atomic_load_u32(&n->gid));
}

int node_may(const struct node *n, const struct ids *who, uint32_t what)
{
	const uint32_t mode = mode_of(n);

	ASSERT((what & ~(uint32_t)(MAY_READ | MAY_WRITE | MAY_EXEC)) == 0);
	if (ids_are_root(who)) {
		const bool runs = (mode & S_IFMT) == S_IFDIR || (mode & 0111) != 0;
		return (what & MAY_EXEC) != 0 && !runs ? -ERR_ACCES : 0;
	}
	const uint32_t shift = owner_of(n) == who->uid ? 6 : in_group(n, who) ? 3 : 0;
	return (what & ~(mode >> shift)) != 0 ? -ERR_ACCES : 0;
}

int node_owned(const struct node *n, const struct ids *who)
{
	return ids_are_root(who) || owner_of(n) == who->uid ? 0 : -ERR_PERM;
}

/* --- folders ---------------------------------------------------------------------------------- */

int folder_may_make(const struct node *folder, const struct ids *who)
{
	return node_may(folder, who, MAY_WRITE | MAY_EXEC);
}

int folder_may_take(const struct node *folder, const struct node *n, const struct ids *who)
{
	const int error = folder_may_make(folder, who);

	if (error != 0) return error;
	const bool sticky = (mode_of(folder) & S_ISVTX) != 0 && node_owned(n, who) != 0;
	return sticky && node_owned(folder, who) != 0 ? -ERR_PERM : 0;
}

int link_may_follow(const struct node *link, const struct node *folder, const struct ids *who)
{
	const uint32_t open = S_ISVTX | 0002, owner = owner_of(link);

	if (owner == who->uid || (mode_of(folder) & open) != open) return 0;
	return owner_of(folder) == owner ? 0 : -ERR_ACCES;
}

int node_may_link(const struct node *n, const struct ids *who)
{
	const uint32_t mode = mode_of(n), lent = S_ISGID | 0010;

	if (node_owned(n, who) == 0) return 0;
	if ((mode & S_IFMT) != S_IFREG || (mode & S_ISUID) != 0) return -ERR_PERM;
	if ((mode & lent) == lent) return -ERR_PERM;
	return node_may(n, who, MAY_READ | MAY_WRITE) != 0 ? -ERR_PERM : 0;
}

/* --- what is lent ----------------------------------------------------------------------------- */

uint32_t node_lent_by_owner(const struct node *n, const struct ids *who)
{
	const uint32_t mode = mode_of(n);
	uint32_t lent = mode & S_ISUID;

	if ((mode & S_IFMT) == S_IFDIR) return 0;
	if ((mode & 0010) != 0 || (!ids_are_root(who) && !in_group(n, who))) lent |= mode & S_ISGID;
	return lent;
}

uint32_t node_lent_by_writer(const struct node *n, const struct ids *who)
{
	if (ids_are_root(who) || (mode_of(n) & S_IFMT) != S_IFREG) return 0;
	return node_lent_by_owner(n, who);
}

/* --- changing hands --------------------------------------------------------------------------- */

int node_change_mode(struct node *n, const struct ids *who, uint32_t permissions)
{
	const uint64_t now = tree_now(n->tree);
	const mach_irq_t was = lock_take(&n->tree->lock);
	const int error = node_owned(n, who);

	if (!ids_are_root(who) && !in_group(n, who)) permissions &= ~(uint32_t)S_ISGID;
	if (error == 0) {
		atomic_store_u32(&n->mode, (n->mode & S_IFMT) | (permissions & S_PERMISSIONS));
		node_changed_locked(n, now);
	}
	lock_drop(&n->tree->lock, was);
	return error;
}

int node_change_owner(struct node *n, const struct ids *who, uint32_t uid, uint32_t gid)
{
	const uint64_t now = tree_now(n->tree);
	const mach_irq_t was = lock_take(&n->tree->lock);
	const bool asks = uid != UINT32_MAX || gid != UINT32_MAX;
	const int error = asks ? node_owned(n, who) : 0;

	if (error == 0) {
		atomic_store_u32(&n->mode, n->mode & ~node_lent_by_owner(n, who));
		if (uid != UINT32_MAX) atomic_store_u32(&n->uid, uid);
		if (gid != UINT32_MAX) atomic_store_u32(&n->gid, gid);
		node_changed_locked(n, now);
	}
	lock_drop(&n->tree->lock, was);
	return error;
}

void node_lends(const struct node *n, uint32_t *uid, uint32_t *gid)
{
	const uint32_t by_group = S_ISGID | 0010;
	const mach_irq_t was = lock_take(&n->tree->lock);

	if ((n->mode & S_ISUID) != 0) *uid = n->uid;
	if ((n->mode & by_group) == by_group) *gid = n->gid;
	lock_drop(&n->tree->lock, was);
}
