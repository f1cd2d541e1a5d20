/*
 * names.h -- one listing of a folder under way: what getdents64 fills.
 *
 * Names go into a small buffer of the kernel's, with whatever lock the folder needs, and from there
 * to the caller without it:
 *
 *	do {
 *		take the lock; go on behind names->at;
 *		while (names_add(names, ...)) next;
 *		drop the lock;
 *	} while (names_flush(names));
 */
#ifndef KERNEL_FILE_NAMES_H
#define KERNEL_FILE_NAMES_H

#include "kernel/file/io.h"

enum { NAMES_BUFFER_BYTES = 1024 };

struct file_names {
	struct io *to;
	uint64_t at;       /* where the folder goes on: what the last name added said */
	uint64_t flushed;  /* the same of the last name that reached the caller */
	int64_t put;       /* bytes that did */
	uint32_t used;     /* of the buffer */
	bool full, missed; /* the caller has no room for the next; a name was refused since */
	uint8_t buffer[NAMES_BUFFER_BYTES];
};

/* Begins behind `at` (0: with the first). */
void names_open(struct file_names *names, struct io *to, uint64_t at);

/* `next`: where a listing goes on behind this name, rising, not 0.  `type`: DT_... .  False: no
 * room now; to be asked for again after names_flush(), unless that says that it is over. */
bool names_add(struct file_names *names, const char *name, size_t bytes, uint64_t number,
	       unsigned type, uint64_t next);

/* Hands over what was added; whether the folder is to go on: names were refused for want of room
 * in the buffer alone.  No lock of rank RANK_SPACE or above is held. */
bool names_flush(struct file_names *names);

/* Bytes given to the caller, or an error: -ERR_INVAL: not even one name had room. */
int64_t names_answer(const struct file_names *names);

#endif
