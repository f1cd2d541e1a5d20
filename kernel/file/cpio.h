/*
 * cpio.h -- archives of files in cpio's "newc" form: what an initrd is.
 *
 * A stranger's: any bytes may come.  Whatever is wrong is refused, with what it is and where;
 * nothing outside of the archive's bytes is read.  An archive ends with a trailer; zeroes may
 * follow, and then another one.
 */
#ifndef KERNEL_FILE_CPIO_H
#define KERNEL_FILE_CPIO_H

#include "machine/base.h"

/* Reading one, entry by entry. */
struct cpio {
	const uint8_t *at;
	uint64_t bytes;
	uint64_t next;     /* where the next entry begins */
	const char *why;   /* what was wrong, at `next`; NULL: nothing so far */
	bool ended;        /* a trailer was the last that was read */
	uint32_t archives; /* trailers that were */
};

struct cpio_entry {
	uint32_t ino, mode, uid, gid, links, time_s;
	uint32_t device[2], special[2]; /* major and minor: where the file was, what it is */
	uint32_t name_bytes;            /* without its end */
	uint32_t archive;               /* how many end before it: numbers of files begin anew */
	uint64_t offset;                /* where it begins in the archive */
	uint64_t bytes;
	const char *name;  /* with an end, and no other zero */
	const uint8_t *at; /* its contents, or a link's text */
};

void cpio_open(struct cpio *c, const void *at, uint64_t bytes);

/* True: *e is the next; false: there is none, or c->why says what is wrong. */
bool cpio_next(struct cpio *c, struct cpio_entry *e);

struct file_tree;

/* What is wrong with an archive, or with what it wants made, and where. */
struct cpio_fault {
	const char *why;
	uint64_t offset;
};

/*
 * Makes all that is in an archive, whose bytes stay where they are as long as the tree: contents
 * are not copied.  A name that comes again replaces what it was; folders that are missing on the
 * way are made.  False: *fault says why, and the tree's first mount is empty.  Nobody else uses the
 * tree.  From a thread.
 */
bool cpio_unpack(struct file_tree *t, const void *at, uint64_t bytes, struct cpio_fault *fault);

#endif
