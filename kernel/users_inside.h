/*
 * users_inside.h -- what the files of kernel/users*.c know of each other.
 */
#ifndef KERNEL_USERS_INSIDE_H
#define KERNEL_USERS_INSIDE_H

#include "kernel/users.h"

/* users_files.c: the tree, with the initrd's files in it.  NULL, or what is wrong. */
const char *users_files_start(void);

/* /dev/console, opened; NULL and *error. */
struct file *users_console(int *error);

/* users_tty.c: whom the terminal asks; and the leader of a session has ended. */
void users_tty_start(void);
void users_session_over(void *unused, int32_t sid);

/* For what asks a world: the time of day, and bytes that nobody can foretell. */
uint64_t users_wall_ns(void *unused);
void users_random(void *unused, void *to, size_t bytes);

#endif
