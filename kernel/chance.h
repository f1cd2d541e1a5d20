/*
 * chance.h -- random bytes for programs: getrandom, AT_RANDOM, /dev/urandom.
 *
 * The same in every boot by default, so that a run can be had again.  Boot argument seed=N: others,
 * by N.  Boot argument random: by what the board's device tree says nobody knows (rng-seed of
 * /chosen), and by the time that boot took; never the same again.
 */
#ifndef KERNEL_CHANCE_H
#define KERNEL_CHANCE_H

#include "machine/base.h"

/* Once, before anybody asks. */
void chance_start(const char *bootargs);

/* Any context that may take a lock of rank RANK_CHANCE. */
void chance_bytes(void *to, size_t bytes);

#endif
