/*
 * ids.h -- who somebody is to files: a user, and groups of users.
 *
 * All zeroes is root, whom permissions do not stop.
 */
#ifndef KERNEL_IDS_H
#define KERNEL_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Groups of users, in order.  It does not change, and lasts while its task is in a call. */
struct gid_list {
	uint32_t uses, count;    /* uses: by whoever made it (kernel/task/right.c) */
	struct gid_list *before; /* whose place it took, while somebody may still look at that */
	uint32_t gid[];
};

struct ids {
	uint32_t uid, gid;
	const struct gid_list *more; /* groups besides `gid`, or NULL: none */
};

/* By halving. */
static inline bool gid_list_has(const struct gid_list *list, uint32_t gid)
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

static inline bool ids_has_gid(const struct ids *who, uint32_t gid)
{
	return who->gid == gid || gid_list_has(who->more, gid);
}

#endif
