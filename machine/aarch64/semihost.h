/*
 * semihost.h -- the host that runs the machine: exit status, files, standard output.
 *
 * Every call is a trap into QEMU, and undefined without its option, so nothing is asked before
 * semihost_enable(), which a boot argument decides.  Then the calls fail and change nothing.
 */
#ifndef MACHINE_AARCH64_SEMIHOST_H
#define MACHINE_AARCH64_SEMIHOST_H

#include "machine/base.h"

void semihost_enable(void);
bool semihost_enabled(void);

/* Is there a host after all?  Asks once, catching the undefined instruction: only for the case
 * that the boot arguments themselves cannot be read. */
bool semihost_detect(void);

/* Ends QEMU with that status.  Returns when there is no host. */
void semihost_exit(int status);

/* Files of the host.  A handle, or negative; `name` is NUL-terminated. */
enum semihost_mode { SEMIHOST_READ = 1, SEMIHOST_WRITE = 5, SEMIHOST_APPEND = 9 };
int64_t semihost_open(const char *name, enum semihost_mode mode);
bool semihost_close(int64_t handle);

/* Bytes that were moved; fewer than asked at the file's end or when the host is full. */
size_t semihost_read(int64_t handle, void *to, size_t bytes);
size_t semihost_write(int64_t handle, const void *from, size_t bytes);

/* Length of an open file, or negative; and the place of the next read or write. */
int64_t semihost_length(int64_t handle);
bool semihost_seek(int64_t handle, uint64_t at);

/* Text to the host's standard output, at once however long (the UART takes it byte by byte). */
void semihost_print(const char *text, size_t bytes);

#endif
