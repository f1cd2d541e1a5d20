/*
 * report.h -- what a person is told of a finding, and the files that keep it.
 *
 * In this order, on standard error: the signature line, what was seen, what a sanitizer prints (or
 * the stack), the script's text, and last the command that replays it.
 */
#ifndef FUZZ_REPORT_H
#define FUZZ_REPORT_H

#include "fuzz/frame/subject.h"

/* The first half, called when an oracle has fired: signature, what was seen, and the stack unless
 * a sanitizer will print it. */
void report_begins(void);

/* The second half: the script in harness->script as text, and how to replay `path`. */
void report_ends(const char *path);

/*
 * Saves the script in harness->script, and its text beside it, as FOLDER/SUBJECT-ORACLE-HASH and
 * the same with .txt; both are on the disk when this returns true, with the first one's path in
 * path[room].  False: it has been said why, path is "", and the text that report_ends() prints is
 * the finding.
 */
bool report_save(const char *folder, char *path, size_t room);

/* Writes harness->script, which is expected to fire `oracle`, over the stored file at `path`, and
 * over its text where that is beside it. */
bool report_rewrite(const char *path, const char *oracle);

#endif
