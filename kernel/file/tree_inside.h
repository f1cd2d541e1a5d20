/*
 * tree_inside.h -- what the files of the tree share: entries, and steps with the lock held.
 */
#ifndef KERNEL_FILE_TREE_INSIDE_H
#define KERNEL_FILE_TREE_INSIDE_H

#include "kernel/abi.h"
#include "kernel/file/tree.h"

/* A name in a folder.  All by the tree's lock; the folder lives as long as it has entries. */
struct entry {
	struct list bucket_link, folder_link, node_link;
	struct node *folder;
	struct node *node; /* held */
	uint64_t cookie;   /* its place among the folder's, which never changes */
	uint32_t hash;
	uint32_t bytes; /* of the name, without its end */
	char name[];
};

/* Contents in memory that is not ours, and never changes.  Held by the node and by its backing. */
struct given {
	struct kmalloc *memory;
	const uint8_t *at;
	uint64_t bytes; /* atomic: how much still counts: less after the file was cut */
	uint32_t holders;
};

/* Cookies of "." and ".."; names have those behind. */
enum { COOKIE_DOT = 1, COOKIE_UP = 2 };

static inline bool node_is_folder(const struct node *n)
{
	return node_kind(n) == S_IFDIR;
}

static inline struct kmalloc *tree_memory(const struct file_tree *t)
{
	return t->config.files->memory;
}

/* CLOCK_REALTIME, for the times of nodes. */
uint64_t tree_now(const struct file_tree *t);

static inline void node_changed_locked(struct node *n, uint64_t now)
{
	atomic_store_u64(&n->changed_ns, now);
}

static inline void node_modified_locked(struct node *n, uint64_t now)
{
	atomic_store_u64(&n->modified_ns, now);
	atomic_store_u64(&n->changed_ns, now);
}

void tree_free(struct file_tree *t, void *p); /* of its memory */

/* An unnamed node, held once, of a mount; NULL and *error: -ERR_NOMEM, -ERR_NOSPC. */
struct node *node_create(struct file_tree *t, struct mount *m, const struct node_how *how,
			 int *error);

/* What a folder that gives its group on makes of such a node, which nobody else knows yet. */
void node_inherit(struct node *n, const struct node *folder, const struct node_how *how);

/* The entry of that name in a folder in memory, or NULL. */
struct entry *tree_entry_locked(struct file_tree *t, const struct node *folder, const char *name,
				size_t bytes);

/* tree_is_below(), with the tree's lock held. */
bool tree_is_below_locked(const struct node *n, const struct node *above);

/* Takes out every name of a mount, whose nodes nobody holds otherwise. */
void tree_empty(struct file_tree *t, struct mount *m);

/* What an open regular file and an open folder do. */
extern const struct file_ops regular_ops, folder_ops;

/* The last holder of a regular node is gone. */
void regular_end(struct node *n);

struct given *given_create(struct file_tree *t, const uint8_t *at, uint64_t bytes);

#endif
