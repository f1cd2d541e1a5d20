/*
 * ids.h -- who somebody is to files: a user, and one group.
 *
 * All zeroes is root, whom permissions do not stop.
 */
#ifndef KERNEL_IDS_H
#define KERNEL_IDS_H

#include <stdint.h>

struct ids {
	uint32_t uid, gid;
};

#endif
