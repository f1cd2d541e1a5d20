/*
 * tree.h -- what pack.c and tree.c agree upon, beside scores (fuzz/cpio_subject.h).
 */
#ifndef USER_REPLAY_TREE_H
#define USER_REPLAY_TREE_H

/* The time of every entry, in seconds; what a device is. */
enum { TREE_TIME = 1000000000, TREE_MAJOR = 1, TREE_MINOR = 3 };

/* Where archive N is; links' texts that begin with a slash have it in front. */
#define TREE_FOLDER "s/%u"

#endif
