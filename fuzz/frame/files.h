/*
 * files.h -- whole files in and out, for the programs of the suite.
 */
#ifndef FUZZ_FILES_H
#define FUZZ_FILES_H

#include "machine/base.h"

/* What our programs end with. */
enum exit_status {
	EXIT_OK = 0,
	EXIT_FINDING = 1,
	EXIT_USAGE = 2,
	EXIT_BAD_FILE = 3,
	EXIT_ENVIRONMENT = 4,
};

/* Goes to the folder the user stands in, where a build tool started us elsewhere. */
void files_start_where_the_user_is(void);

/* Reads at most `room` bytes of a file.  False: errno says why; EFBIG when there are more. */
bool disk_read(const char *path, uint8_t *out, size_t room, size_t *bytes);

/*
 * Writes a file so that it is there whole or not at all: under another name beside it, to the
 * disk, then renamed.  False: errno says why and nothing is left behind.
 */
bool disk_write(const char *path, const void *data, size_t bytes);

/* Makes a folder and those above it; true when it is there. */
bool folder_make(const char *path);

/*
 * Calls visit() for every file at or below `path`, in the order of names, hidden ones too.  False
 * when a folder or the path itself cannot be read; it has been said on standard error.
 */
bool files_visit(const char *path, void (*visit)(const char *path, void *context), void *context);

#endif
