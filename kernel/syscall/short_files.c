/*
 * short_files.c -- cases of short_test.c: open files.
 *
 * The program has its pages at SHORT_AT, and descriptors: 0 is /d/f (5,000 bytes), 1 is /d, 2 and 3
 * are a pipe.  In the tree are /d, /d/e, /d/f, /m, /l (a link to /d/f), /bin, and /script, which
 * /bin runs.
 */
#include "kernel/syscall/short.h"

static int64_t writes(void)
{
	return CALL(pwrite64, 0, TO, 3 * PAGE, 2 * PAGE + 100);
}

static int64_t writes_at_place(void)
{
	return CALL(write, 0, TO, 3 * PAGE);
}

enum { PIECES = 20 };

static uint64_t pieces(void)
{
	struct abi_iovec piece[PIECES];

	for (unsigned n = 0; n < PIECES; n++) piece[n] = (struct abi_iovec){ TO + 600 * n, 600 };
	return short_bytes(piece, sizeof piece);
}

static int64_t writes_pieces(void)
{
	return CALL(writev, 0, pieces(), PIECES);
}

static int64_t writes_pieces_there(void)
{
	return CALL(pwritev, 0, pieces(), PIECES, 5000, 0);
}

static int64_t reads_pieces(void)
{
	return CALL(readv, 0, pieces(), PIECES);
}

static int64_t reads_pieces_there(void)
{
	return CALL(preadv, 0, pieces(), PIECES, 100, 0);
}

static int64_t reads(void)
{
	return CALL(read, 0, TO, 5000);
}

static int64_t reads_there(void)
{
	return CALL(pread64, 0, TO, 5000, 1000);
}

/* Into a page that is not there yet. */
static int64_t reads_afar(void)
{
	return CALL(pread64, 0, NEW_AT + PAGE - 100, 1000, 0);
}

/* Far behind the end: a hole that the file's pages are found across. */
static int64_t writes_far(void)
{
	return CALL(pwrite64, 0, TO, 100, 80 * PAGE);
}

/* A file whose contents came with the initrd. */
static void with_given(void)
{
	EXPECT(PLAIN(openat, HERE, short_text("/given"), O_RDWR | O_APPEND) == 4);
}

static int64_t writes_given(void)
{
	return CALL(write, 4, TO, PAGE);
}

static int64_t cuts_given(void)
{
	return CALL(ftruncate, 4, 2000);
}

static int64_t sends_to_file(void)
{
	return CALL(sendfile, 0, 4, 0, 5000);
}

static int64_t fills_pipe(void)
{
	return CALL(write, 3, TO, 3 * PAGE);
}

static int64_t fills_pipe_a_little(void)
{
	return CALL(write, 3, TO, 100);
}

static void with_full_pipe(void)
{
	EXPECT(PLAIN(write, 3, TO, 2 * PAGE) == 2 * PAGE);
}

static int64_t drains_pipe(void)
{
	return CALL(read, 2, TO, 2 * PAGE);
}

static int64_t sends(void)
{
	return CALL(sendfile, 3, 0, 0, 5000);
}

static int64_t cuts(void)
{
	return CALL(ftruncate, 0, 100);
}

static int64_t lengthens(void)
{
	return CALL(ftruncate, 0, 8 * PAGE);
}

static int64_t allocates(void)
{
	return CALL(fallocate, 0, 0, PAGE, 4 * PAGE);
}

static int64_t pipes(void)
{
	return CALL(pipe2, SHORT_AT + 128, O_CLOEXEC);
}

static int64_t dups_far(void)
{
	return CALL(dup3, 0, 300, O_CLOEXEC);
}

static int64_t dups_by_fcntl(void)
{
	return CALL(fcntl, 3, F_DUPFD, 200);
}

static void with_full_table(void)
{
	while (PLAIN(dup, 2) % 16 != 15) continue;
}

static int64_t dups(void)
{
	return CALL(dup, 0);
}

enum { ASKED = 40 };

static int64_t polls(void)
{
	struct abi_pollfd ask[ASKED];

	for (unsigned n = 0; n < ASKED; n++) ask[n] = (struct abi_pollfd){ 2, POLLIN, 0 };
	return CALL(ppoll, short_bytes(ask, sizeof ask), ASKED, soon(), 0, 8);
}

static void with_many(void)
{
	while (PLAIN(dup, 2) < ASKED) continue;
}

static int64_t selects(void)
{
	const uint64_t set[16] = { 0xffffffffffc };

	return CALL(pselect6, ASKED, short_bytes(set, sizeof set), 0, 0, soon(), 0);
}

static int64_t locks(void)
{
	return CALL(flock, 0, LOCK_EX | LOCK_NB);
}

/* In the middle of one, which is two then. */
static void with_record(void)
{
	const struct abi_flock record = { .type = F_WRLCK, .length = 100 };

	EXPECT(PLAIN(fcntl, 0, F_SETLK, short_bytes(&record, sizeof record)) == 0);
}

static int64_t unlocks(void)
{
	const struct abi_flock record = { .type = F_UNLCK, .start = 40, .length = 20 };

	return CALL(fcntl, 0, F_SETLK, short_bytes(&record, sizeof record));
}

static void with_fifo(void)
{
	EXPECT(PLAIN(mknodat, HERE, short_text("/p"), S_IFIFO | 0600, 0) == 0);
}

static int64_t opens_fifo(void)
{
	return CALL(openat, HERE, short_text("/p"), O_RDWR);
}

const struct short_case short_files[] = {
	CASE(locks, NULL, 0, 0),
	CASE_OR(unlocks, with_record, 0, 0, -ERR_NOLCK),
	CASE(opens_fifo, with_fifo, 4, 0),
	CASE(writes, NULL, 3 * PAGE, MAY_FALL_SHORT),
	CASE(writes_at_place, NULL, 3 * PAGE, MAY_FALL_SHORT),
	CASE(writes_pieces, NULL, 600 * PIECES, MAY_FALL_SHORT),
	CASE(writes_pieces_there, NULL, 600 * PIECES, MAY_FALL_SHORT),
	CASE(reads_pieces, NULL, 5000, 0),
	CASE(reads_pieces_there, NULL, 4900, 0),
	CASE(reads, NULL, 5000, 0),
	CASE(reads_there, NULL, 4000, 0),
	CASE_OR(reads_afar, with_afar, 1000, MAY_FALL_SHORT, -ERR_FAULT),
	CASE(writes_far, NULL, 100, MAY_KEEP),
	CASE(writes_given, with_given, PAGE, MAY_FALL_SHORT | MAY_KEEP),
	CASE(cuts_given, with_given, 0, 0),
	CASE(sends_to_file, with_given, 5000, MAY_FALL_SHORT),
	CASE(fills_pipe, NULL, 3 * PAGE, MAY_FALL_SHORT),
	CASE(fills_pipe_a_little, NULL, 100, 0),
	CASE(drains_pipe, with_full_pipe, 2 * PAGE, 0),
	CASE(sends, NULL, 5000, MAY_FALL_SHORT),
	CASE(cuts, NULL, 0, 0),
	CASE(lengthens, NULL, 0, 0),
	CASE(allocates, NULL, 0, MAY_KEEP),
	CASE(pipes, NULL, 0, 0),
	CASE(dups_far, NULL, 300, 0),
	CASE(dups_by_fcntl, NULL, 200, 0),
	CASE(dups, with_full_table, ANY, 0),
	CASE(polls, NULL, 0, 0),
	CASE(selects, with_many, 0, 0),
	{ .name = NULL },
};
