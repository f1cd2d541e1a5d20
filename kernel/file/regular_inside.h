/*
 * regular_inside.h -- what regular.c and regular_room.c share: steps on the contents of a regular
 * file in memory, in its turn.
 */
#ifndef KERNEL_FILE_REGULAR_INSIDE_H
#define KERNEL_FILE_REGULAR_INSIDE_H

#include "kernel/file/tree_inside.h"
#include "mm/user_page.h"

#define FILE_BYTES_MAX (1ull << 47) /* pages of a backing: 2^36, and room to add one more */

static inline uint64_t pages_of_bytes(uint64_t bytes)
{
	return align_up(bytes, PAGE_SIZE) >> PAGE_SHIFT;
}

static inline struct file_world *world_of(const struct node *n)
{
	return n->tree->config.files;
}

/* Contents are the backing's from now on; false without memory. */
bool regular_own(struct node *n);

/* The page at `index` to be written to, held and charged: 0 or an error. */
int regular_page(struct node *n, uint64_t index, paddr_t *pa);

/* No more pages than `pages`, for nobody who has it mapped either. */
void regular_shorten(struct node *n, uint64_t pages);

/* The mount is charged for no more pages than there are. */
void regular_recharge(struct node *n);

/* Zeroes to [from, end) of one page, if that is there; false without memory. */
bool regular_zero(struct node *n, uint64_t from, uint64_t end);

/* It was written to. */
void regular_touched(struct node *n);

/* regular_ops.seek. */
int64_t regular_seek(struct file *f, int64_t offset, unsigned whence);

#endif
