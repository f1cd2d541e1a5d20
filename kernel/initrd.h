/*
 * initrd.h -- the initrd's bytes as something that spaces can map.
 *
 * The bytes stay where the loader put them, and are never written to; what is mapped are copies,
 * made page by page at the first touch, which go back under pressure while nobody maps them.
 */
#ifndef KERNEL_INITRD_H
#define KERNEL_INITRD_H

#include "mm/backing.h"

/* How many bytes there are; 0: no initrd. */
uint64_t initrd_bytes(void);

/* The bytes [offset, offset + bytes) of it, held once; behind the last one its page is zeroes.
 * NULL when they are not all there, when there are none, or without memory.  Any context that
 * holds no lock of rank RANK_SPACE or above. */
struct backing *initrd_backing(uint64_t offset, uint64_t bytes);

#endif
