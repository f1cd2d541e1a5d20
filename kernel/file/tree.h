/*
 * tree.h -- the tree of files: nodes, the names they have, and the way from a path to a node.
 *
 * A node is a folder, a regular file, a symbolic link, a device or a fifo.  Nodes that are kept in
 * memory have names in folders (a regular file any number of them); those that are generated
 * (/proc) have operations of their own and come and go with their holders.  A node lives as long as
 * somebody holds it: a name does, an open file does, a folder holds the one above it.
 *
 * Whoever asks for a path has a view: where paths begin, who asks, and who that is to files, which
 * all zeroes leave to be root (rights.h).
 *
 * Contents of regular files are pages of a backing, so they can be mapped; what came with the
 * initrd is read where the loader put it until somebody writes to it.
 *
 * Answers are 0, or an error of mm/mman.h, negated; then nothing was changed and nothing is lost.
 * From threads, with no lock held, unless said otherwise.
 */
#ifndef KERNEL_FILE_TREE_H
#define KERNEL_FILE_TREE_H

#include "kernel/file/file.h"
#include "kernel/ids.h"
#include "machine/list.h"

struct file_tree;
struct node;

/* From where somebody looks at the tree. */
struct view {
	struct file_tree *tree;
	struct node *root; /* what "/" is; NULL: the tree's root */
	struct node *cwd;  /* where other paths begin; NULL: at the root */
	void *who;         /* the caller's task, or NULL: for what is generated or a terminal */
	struct ids ids;
};

/* What a generated file system's nodes do; what is NULL is not to be had there. */
struct node_ops {
	/* The node of that name in a folder, held: 0 or -ERR_NOENT, -ERR_NOMEM. */
	int (*find)(struct node *folder, const struct view *v, const char *name, size_t bytes,
		    struct node **out);
	int64_t (*names)(struct node *folder, struct file_names *out);
	struct file *(*open)(struct node *n, const struct view *v, uint32_t flags, int *error);
	/* The text of a symbolic link, at most `room` bytes: how many. */
	int64_t (*text)(struct node *n, const struct view *v, char *to, size_t room);
	/* Where a link leads that is more than its text, held; NULL: by the text.  *error: 0, or
	 * why it leads nowhere. */
	struct node *(*follow)(struct node *n, const struct view *v, int *error);
	/* A folder's own name, at most `room` bytes: how many. */
	size_t (*name)(struct node *folder, char *to, size_t room);
	void (*stat)(struct node *n, struct file_stat *out); /* changes what the plain answer is */
	void (*release)(struct node *n); /* the last holder is gone; NULL: nothing to do */
};

/* One file system that can be mounted. */
struct file_system {
	const char *name;
	uint64_t magic;       /* of statfs */
	bool generated;       /* nothing can be made in it, and it has no limit */
	uint32_t permissions; /* of its root; 0: 0755 */
	/* Fills the new root, which is empty, or gives it operations. */
	int (*mount)(struct file_tree *tree, struct node *root, void *arg);
	void *arg;
};

/* One that is mounted.  Letters: (l) by the tree's lock; (f) fixed. */
struct mount {
	struct list link;               /* (l) of all, in the order of mounting */
	const struct file_system *kind; /* (f) */
	struct node *root;              /* (f) held */
	struct node *covered;           /* (f) held; NULL: the first */
	char source[32];                /* (f) as /proc/mounts shows it */
	uint32_t device;                /* (f) st_dev */
	uint32_t nodes;                 /* atomic: that belong to it */
	uint32_t pages;                 /* atomic: that its files have */
	uint32_t pages_most;            /* (f) how many these, and its nodes, may be */
};

struct node_regular {
	struct given *given;     /* (f) what came with the initrd, or NULL */
	struct backing *backing; /* (t) held, or NULL: none yet; set once */
	uint32_t own;            /* atomic: contents are the backing's, not just `given` */
	uint32_t pages;          /* (t) charged to the mount */
	struct mutex turn;       /* who changes contents or size */
};

struct node_folder {
	struct node *above;    /* (l) held; NULL: the root of a mount */
	struct list children;  /* (l) entries, in the order they came */
	uint64_t cookie;       /* (l) the last that was given to an entry */
	struct mount *mounted; /* (l) what lies over it, or NULL */
};

/* Letters: (l) by the tree's lock; (t) by regular.turn; (f) fixed. */
struct node {
	struct file_tree *tree;
	const struct node_ops *ops; /* (f) NULL: kept in memory */
	struct mount *mount;        /* (f) */
	uint32_t refs;              /* atomic */
	uint32_t mode;              /* (l) kind (fixed) and permissions; atomic reads */
	uint32_t uid, gid;          /* (l) atomic reads */
	uint32_t links;             /* (l) */
	bool linkable;              /* (l) it may get a first name, though it is in use without */
	uint64_t number;            /* (f) st_ino */
	uint64_t size;              /* atomic; (t) for regular files */
	/* CLOCK_REALTIME, as an int64_t; atomic, but for the last, which is fixed. */
	uint64_t accessed_ns, modified_ns, changed_ns, born_ns;
	struct list locks;   /* by the tree's locks.queue.lock */
	uint32_t lock_count; /* atomic: how many these are */
	struct list entries; /* (l) names that it has */
	void *object;        /* its ops'; a fifo's pipe (l) */
	union {
		struct node_regular regular;
		struct node_folder folder;
		char *text;      /* (f) of a symbolic link */
		uint64_t device; /* (f) st_rdev */
	};
};

/* A kind of device: what opening a node with that number is. */
struct device {
	uint32_t major, minor;
	const char *name;     /* in /dev */
	uint32_t permissions; /* there */
	struct file *(*open)(struct node *n, const struct view *v, uint32_t flags, int *error);
};

struct tree_config {
	struct file_world *files;
	uint32_t buckets;                       /* of the table of names: a power of two */
	uint64_t pages_most;                    /* what all files of the first mount may have */
	const struct file_system *const *kinds; /* NULL ends them; the first is the root's */
	const struct device *const *devices;    /* NULL ends them; or NULL */
};

/* Who waits for locks on files of a tree: kernel/file/file_lock.h. */
struct file_locks {
	struct wait_queue queue; /* RANK_MUTEX; guards all locks of the tree */
	struct list waiting;     /* by queue.lock: processes, each with who is in its way */
};

struct file_tree {
	struct tree_config config;
	struct file_locks locks;
	struct lock lock; /* RANK_TREE */
	struct list *buckets GUARDED_BY(&lock);
	struct list mounts GUARDED_BY(&lock);
	struct node *root;       /* (f) of the first mount */
	uint64_t numbers;        /* atomic: the last st_ino */
	uint32_t devices;        /* atomic: the last st_dev */
	uint32_t nodes, entries; /* atomic: how many there are */
};

/*
 * The kinds that are kept in memory: the root's, whatever else is to be written to, and one in
 * which there is a node for each of the tree's devices (/dev).  statfs says of all what Linux's
 * tmpfs does.
 */
extern const struct file_system kind_rootfs, kind_tmpfs, kind_devtmpfs;

/* With an empty root.  False without memory. */
bool tree_init(struct file_tree *t, const struct tree_config *config);

/* Everything comes back, whatever is in it; nobody holds a node any more. */
void tree_close(struct file_tree *t);

/* --- nodes ------------------------------------------------------------------------------------ */

struct node *node_hold(struct node *n);
void node_drop(struct node *n);
uint64_t node_size(const struct node *n);
void node_stat(struct node *n, struct file_stat *out);

/* Whether it is what a mount begins with. */
static inline bool node_is_mount_root(const struct node *n)
{
	return n->mount->root == n;
}

/* Permissions, without those of `without`; owner (UINT32_MAX: as it is); times in ns
 * (NODE_TIME_STAYS: as it is). */
#define NODE_TIME_STAYS (1ull << 63) /* no time: the one before all others */
void node_set_mode(struct node *n, uint32_t permissions);
void node_clear_mode(struct node *n, uint32_t without);
void node_set_owner(struct node *n, uint32_t uid, uint32_t gid);
void node_set_times(struct node *n, uint64_t accessed_ns, uint64_t modified_ns);

/* It was looked into: the time of that follows when it is not after the last change, as on Linux
 * mounted with relatime, but for its look once a day. */
void node_accessed(struct node *n);

/* Bytes that lie there as long as the tree become the contents of a regular file that has none, and
 * that nobody else uses yet.  False without memory. */
bool node_give(struct node *n, const uint8_t *at, uint64_t bytes);

static inline uint32_t node_kind(const struct node *n)
{
	return n->mode & 0170000;
}

/* One for a generated file system, of folder's mount, held once; it has no name in any folder.
 * `above` is held by a folder until it goes.  NULL without memory. */
struct node *node_generate(struct node *above, const struct node_ops *ops, uint32_t mode,
			   uint64_t number, void *object);

/* --- from a path to a node -------------------------------------------------------------------- */

enum {
	FIND_FOLLOW = 1, /* a symbolic link at the end is followed */
	FIND_EMPTY = 2,  /* "" is where the view is */
	FIND_ABSENT = 4, /* that the last name is not there is no error: then node is NULL */
	FIND_NAME = 8,   /* the name matters: a slash behind it is told, and asks for nothing */
};

enum find_last { LAST_NAME, LAST_DOT, LAST_UP, LAST_ROOT };

struct found {
	struct node *node;   /* held, or NULL */
	struct node *folder; /* where its name is or would be, held; NULL: LAST_ROOT, or "" */
	enum find_last last;
	bool slash;     /* there was a slash behind: it must be a folder */
	struct ids ids; /* the view's */
	uint32_t bytes;
	char name[256];
};

/* -ERR_NOENT, -ERR_NOTDIR, -ERR_ACCES, -ERR_LOOP, -ERR_NAMETOOLONG, -ERR_NOMEM; then nothing is
 * held. */
int tree_find(const struct view *v, const char *path, uint32_t flags, struct found *out);
void found_drop(struct found *out);

/* Just the node, held. */
int tree_node(const struct view *v, const char *path, uint32_t flags, struct node **out);

/* The path of a node from the view's root, or, where it is not below that, from the tree's; with
 * its end.  Bytes with the end, -ERR_NOENT: it has no name (any more), -ERR_RANGE: no room. */
int64_t tree_path(const struct view *v, struct node *n, char *to, size_t room);

/* Whether folder `n` is `above` or below it, over mounts. */
bool tree_is_below(struct node *n, const struct node *above);

/* The node whose contents `b` has, held, if it has a name; NULL.  O(names). */
struct node *tree_node_of(struct file_tree *t, const struct backing *b);

/* --- changing the tree ------------------------------------------------------------------------ */

/* A new node under a name that must be free (-ERR_EXIST); `how`: what it is to be. */
struct node_how {
	uint32_t mode;        /* kind and permissions */
	uint64_t device;      /* of a device */
	const char *text;     /* of a symbolic link */
	size_t text_bytes;    /* without an end */
	struct ids ids;       /* whose it is to be; a folder may give its group on */
	const uint8_t *given; /* contents that lie there as long as the tree, or NULL */
	uint64_t given_bytes;
};
int tree_make(struct node *folder, const char *name, size_t bytes, const struct node_how *how,
	      struct node **out); /* held; `out` may be NULL */

/* Whether a folder was taken away: nothing can be made in it any more. */
bool folder_is_gone(struct node *folder);

/* One more name.  `revives`: also for what has lost its last one; else that is -ERR_NOENT. */
int tree_link(struct node *n, struct node *folder, const char *name, size_t bytes, bool revives);

/* Takes away a name, which is looked for again.  `folder_wanted`: rmdir, else unlink. */
int tree_unlink(const struct found *found, bool folder_wanted);

/* From one name to another, which are looked for again; RENAME_NOREPLACE, RENAME_EXCHANGE. */
int tree_rename(const struct found *from, const struct found *to, uint32_t flags);

/* -ERR_NODEV: no such kind; -ERR_NOTDIR, -ERR_BUSY.  `on` is a folder that nothing covers: what
 * tree_find() says, over what may be mounted already. */
int tree_mount(const struct view *v, const char *source, struct node *on, const char *kind);

/* Takes away what `root`, held by the caller, is the root of.  0: the hold is gone with it;
 * -ERR_BUSY: somebody uses it; -ERR_INVAL: it is the root of nothing. */
int tree_unmount(struct node *root);

/* --- opening ---------------------------------------------------------------------------------- */

/* As openat() has it, from a path; `mode` for what O_CREAT makes.  NULL and *error. */
struct file *tree_open(const struct view *v, const char *path, uint32_t flags, uint32_t mode,
		       int *error);

/* A file for a node, which is of any kind. */
struct file *node_open(struct node *n, const struct view *v, uint32_t flags, int *error);

/* To `bytes`, for a regular file. */
int node_truncate(struct node *n, uint64_t bytes);

/* What a regular file in memory is to have at [offset, offset + bytes): pages, and it is as long as
 * that at least; pages, where it is as long as that (-ERR_OPNOTSUPP: it is not); or none, and it
 * reads as zeroes.  0, -ERR_FBIG, -ERR_NOSPC, -ERR_NOMEM, -ERR_INTR. */
enum node_room { ROOM_GROWING, ROOM_WITHIN, ROOM_NONE };
int node_room(struct node *n, enum node_room how, uint64_t offset, uint64_t bytes);

/* NULL, or what is wrong.  At rest only. */
const char *tree_check(struct file_tree *t);

#endif
