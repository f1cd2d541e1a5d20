/*
 * proc_inside.h -- what the files of kernel/procfs know of each other.
 *
 * A node's object is a word: the process in its high half (0: none), a descriptor's, a thread's or
 * a folder's number above the entry in its low half.
 */
#ifndef KERNEL_PROCFS_PROC_INSIDE_H
#define KERNEL_PROCFS_PROC_INSIDE_H

#include "kernel/procfs/proc.h"
#include "kernel/task/look.h"

enum { PROC_ENTRY_BITS = 6, PROC_NUMBER_BITS = 26 };

struct proc_id {
	int32_t pid;     /* 0: the whole kernel */
	uint32_t number; /* of a descriptor, a thread, or a folder below /proc/sys; else 0 */
	uint32_t entry;  /* in the table of its folder; 0: the folder itself */
};

static inline uint64_t proc_word(struct proc_id id)
{
	return (uint64_t)(uint32_t)id.pid << 32 | (uint64_t)id.number << PROC_ENTRY_BITS | id.entry;
}

static inline struct proc_id proc_id_of(const struct node *n)
{
	const uint64_t word = (uintptr_t)n->object;
	return (struct proc_id){
		.pid = (int32_t)(word >> 32),
		.number = (uint32_t)word >> PROC_ENTRY_BITS,
		.entry = word & ((1u << PROC_ENTRY_BITS) - 1),
	};
}

static inline struct task_world *proc_world(const struct node *n)
{
	return n->mount->kind->arg;
}

/* --- text that grows -------------------------------------------------------------------------- */

struct proc_text {
	struct kmalloc *memory;
	char *at;
	size_t bytes, room;
	bool failed; /* no memory: nothing is added any more */
};

void proc_add(struct proc_text *t, const char *bytes, size_t count);
void proc_print(struct proc_text *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* What a text is about. */
struct proc_about {
	struct task_world *world;
	struct file_tree *tree;
	const struct view *view; /* who looks */
	struct proc_id id;
	struct task_look task; /* where id.pid is not 0 */
};

typedef void proc_write(struct proc_text *t, const struct proc_about *about);

/* Opens the text that `write` makes for node `n`. */
struct file *proc_text_open(struct node *n, const struct view *v, uint32_t flags, proc_write *write,
			    int *error);

/* --- entries ---------------------------------------------------------------------------------- */

struct proc_entry {
	const char *name;
	uint32_t mode;
	proc_write *write;          /* of a file */
	const struct node_ops *ops; /* of anything else */
};

/* Those of /proc itself and of one process; the first, without a name, is the folder. */
extern const struct proc_entry proc_system_entries[], proc_task_entries[];
extern const uint32_t proc_system_entry_count, proc_task_entry_count;

/* The entry of that name among a folder's, and which it is; NULL. */
const struct proc_entry *proc_entry_find(const struct proc_entry *entries, uint32_t count,
					 const char *name, size_t bytes, uint32_t *which);

/* Adds the names of a folder's entries, whose ids are `folder`'s but for the entry; false: no room
 * now. */
bool proc_entries_add(struct file_names *out, struct proc_id folder,
		      const struct proc_entry *entries, uint32_t count);

/* A node of an entry below folder `above`, held. */
int proc_node(struct node *above, struct proc_id id, const struct proc_entry *e, struct node **out);

/* A number that fills all of `name`; -1: it is none, or too large. */
int64_t proc_number(const char *name, size_t bytes);

/* "." and "..", then go on with `at` 3; false: no room now. */
bool proc_dots(struct node *folder, struct file_names *out);

extern const struct node_ops proc_root_ops, proc_task_ops, proc_file_ops;
extern const struct node_ops proc_self_ops, proc_thread_self_ops, proc_mounts_ops;
extern const struct node_ops proc_exe_ops, proc_cwd_ops, proc_root_link_ops;
extern const struct node_ops proc_fds_ops, proc_fd_ops, proc_threads_ops, proc_sys_ops;

/* proc_system.c */
proc_write proc_meminfo, proc_stat, proc_uptime, proc_loadavg, proc_version, proc_cpuinfo;
proc_write proc_filesystems, proc_mounts;

/* proc_task.c, proc_maps.c */
proc_write proc_task_stat, proc_task_statm, proc_task_status, proc_task_cmdline, proc_task_comm;
proc_write proc_task_maps, proc_task_limits;

#endif
