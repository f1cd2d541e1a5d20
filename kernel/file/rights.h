/*
 * rights.h -- who may do what with a node: owner, group and others, sticky folders, and what of a
 * file's mode goes when somebody else lays hands on it.
 *
 * The rules are Linux's for who has either all capabilities, which is user 0, or none.  Any context
 * that may read a node: modes and owners are read as they are now.
 */
#ifndef KERNEL_FILE_RIGHTS_H
#define KERNEL_FILE_RIGHTS_H

#include "kernel/file/tree.h"

static inline bool ids_are_root(const struct ids *who)
{
	return who->uid == 0;
}

/* Whether one may all of `what`, MAY_READ ... together: 0 or -ERR_ACCES.  Root, too, executes only
 * what somebody may. */
int node_may(const struct node *n, const struct ids *who, uint32_t what);

/* Whether one is its owner, or root: 0 or -ERR_PERM. */
int node_owned(const struct node *n, const struct ids *who);

/* Whether names may be made in a folder: 0 or -ERR_ACCES.  And taken out of it, that of `n`: also
 * -ERR_PERM: the folder is sticky, and neither is one's own. */
int folder_may_make(const struct node *folder, const struct ids *who);
int folder_may_take(const struct node *folder, const struct node *n, const struct ids *who);

/* Whether one may follow a link that ends a path in that folder, and make another name for a node:
 * as Linux has it with fs.protected_symlinks and fs.protected_hardlinks, which Debian's sets.  0;
 * -ERR_ACCES; -ERR_PERM. */
int link_may_follow(const struct node *link, const struct node *folder, const struct ids *who);
int node_may_link(const struct node *n, const struct ids *who);

/* S_ISUID and S_ISGID as far as they go when one writes to the file, or it changes hands. */
uint32_t node_lent_by_writer(const struct node *n, const struct ids *who);
uint32_t node_lent_by_owner(const struct node *n, const struct ids *who);

/*
 * Owner and mode change, and are asked for by who runs a file, together: nobody finds the new owner
 * with what the one before had lent.  By the owner of that moment: 0 or -ERR_PERM.  The mode, but
 * for S_ISGID where one is not in its group; another owner (UINT32_MAX: as it is), with what is
 * lent taken back; and whom a program acts as.
 */
int node_change_mode(struct node *n, const struct ids *who, uint32_t permissions);
int node_change_owner(struct node *n, const struct ids *who, uint32_t uid, uint32_t gid);
void node_lends(const struct node *n, uint32_t *uid, uint32_t *gid);

#endif
