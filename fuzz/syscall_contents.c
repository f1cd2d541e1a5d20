/*
 * syscall_contents.c -- subject syscall: what is in files and pipes.
 *
 * Contents of files are kept byte for byte, those of a pipe by counting (syscall_pipes.c).  What
 * is written comes from the actor's scratch page, and what is read goes there; or nowhere, and then
 * nothing may have happened.  After each call the offset is where the model has it.
 */
#include "fuzz/syscall_files.h"

/* --- contents --------------------------------------------------------------------------------- */

static uint8_t file_byte(uint32_t seed, uint64_t n)
{
	return (uint8_t)(seed * 7 + n);
}

/* How many bytes an operation moves: bits 8 and up of its arg; and whether it names memory that is
 * not there: 3 of the lower ones. */
static uint32_t amount_of(const struct script_op *op)
{
	return (op->arg >> 8) % (PIECE_BYTES + 1);
}

static bool points_nowhere(const struct script_op *op)
{
	return (op->arg & 7) == 7;
}

/* `to` NULL: where nothing is. */
static int64_t read_meant(struct run *run, uint8_t n, uint32_t bytes, uint8_t *to)
{
	if (n == NONE || !can(n, false)) return -ERR_BADF;
	const uint8_t of = files_model.open[n].of;
	if (files_model.open[n].kind == OPEN_FILE) {
		const uint64_t at = min_u64(files_model.open[n].offset, files_model.file[of].size);
		const uint64_t count = min_u64(bytes, files_model.file[of].size - at);
		if (to == NULL && count != 0) return -ERR_FAULT;
		if (count == 0) return 0;
		memcpy(to, files_model.file[of].bytes + at, count);
		files_model.open[n].offset += count;
		if (!files_model.file[of].named && count > 0) run_sometimes(run, SAW_UNLINKED);
		return (int64_t)count;
	}
	return pipe_gives(run, of, bytes, to);
}

/* Calls that fail leave it where it was. */
static void judge_offset(struct run *run, unsigned by, unsigned fd, uint8_t n)
{
	if (n == NONE || files_model.open[n].kind != OPEN_FILE) return;
	judge(run, "lseek to where it is", call_by(run, by, SYS_lseek, fd, 0, WHENCE_CUR, 0),
	      (int64_t)files_model.open[n].offset);
}

/* arg[4]: where, or HERE. */
int64_t read_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const uint32_t number = arg[4] == HERE ? SYS_read : SYS_pread64;
	const int64_t answer = call(t, number, arg[0], arg[1], arg[2], arg[4], 0, 0);

	if (answer > (int64_t)PIECE_BYTES) kpanic(ORACLE_ERRNO, "more was read than asked for");
	if (answer > 0) program_get(run, (void *)(uintptr_t)arg[3], arg[1], (size_t)answer);
	return answer;
}

void makes_read(struct run *run, const struct script_op *op)
{
	static uint8_t wanted[PIECE_BYTES], got[PIECE_BYTES];
	const unsigned by = by_of(op);
	const uint32_t bytes = amount_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	const bool nowhere = points_nowhere(op);
	const int64_t expected = read_meant(run, n, bytes, nowhere ? NULL : wanted);
	const uint64_t at = nowhere ? NOWHERE : scratch_of(by) + 1024;
	const uint64_t arg[] = { fd, at, bytes, (uintptr_t)got, HERE };
	if (expected == -ERR_FAULT) run_sometimes(run, SAW_BAD_POINTER);
	judge(run, "read", act(run, by, read_act, arg), expected);
	if (expected > 0 && memcmp(got, wanted, (size_t)expected) != 0)
		kpanic(ORACLE_CONTENT, "read gives other bytes than were written");
	judge_offset(run, by, fd, n);
}

/* Whether a write there stays within what the model keeps. */
static bool fits(uint8_t n, uint32_t bytes)
{
	if (n == NONE || files_model.open[n].kind != OPEN_FILE) return true;
	const bool appends = (files_model.open[n].flags & O_APPEND) != 0;
	const uint64_t at = appends ? files_model.file[files_model.open[n].of].size
				    : files_model.open[n].offset;
	return at + bytes <= FILE_BYTES;
}

/* `from` NULL: where nothing is. */
static int64_t write_meant(struct run *run, uint8_t n, uint32_t bytes, const uint8_t *from)
{
	if (n == NONE || !can(n, true)) return -ERR_BADF;
	const uint8_t of = files_model.open[n].of;
	if (bytes == 0) return 0;
	if (files_model.open[n].kind == OPEN_FILE) {
		if (from == NULL) return -ERR_FAULT;
		if ((files_model.open[n].flags & O_APPEND) != 0)
			files_model.open[n].offset = files_model.file[of].size;
		memcpy(files_model.file[of].bytes + files_model.open[n].offset, from, bytes);
		files_model.open[n].offset += bytes;
		files_model.file[of].size =
			(uint32_t)max_u64(files_model.file[of].size, files_model.open[n].offset);
		return bytes;
	}
	return pipe_takes(run, of, bytes, from == NULL);
}

int64_t write_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const void *from = (void *)(uintptr_t)arg[3];

	if (arg[1] != NOWHERE) program_put(run, arg[1], from, (size_t)arg[2]);
	return call(t, SYS_write, arg[0], arg[1], arg[2], 0, 0, 0);
}

void makes_write(struct run *run, const struct script_op *op)
{
	static uint8_t from[PIECE_BYTES];
	const unsigned by = by_of(op);
	const uint32_t bytes = amount_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	if (!fits(n, bytes)) return;
	const bool pipe = n != NONE && files_model.open[n].kind != OPEN_FILE;
	for (uint32_t i = 0; i < bytes; i++)
		from[i] = pipe ? pipe_byte(files_model.open[n].of,
					   files_model.pipe[files_model.open[n].of].put + i)
			       : file_byte(op->arg, i);
	const bool nowhere = points_nowhere(op);
	const int64_t expected = write_meant(run, n, bytes, nowhere ? NULL : from);
	const uint64_t at = nowhere ? NOWHERE : scratch_of(by) + 1024;
	const uint64_t arg[] = { fd, at, bytes, (uintptr_t)from };
	if (expected == -ERR_FAULT) run_sometimes(run, SAW_BAD_POINTER);
	const int64_t answer = pipe ? act_into(run, by, files_model.open[n].of, write_act, arg)
				    : act(run, by, write_act, arg);
	judge(run, "write", answer, expected);
	judge_offset(run, by, fd, n);
}

/* --- offsets and sizes ------------------------------------------------------------------------ */

void makes_seek(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	const uint32_t whence = op->arg % 4;
	const int64_t distance = (int64_t)((op->arg >> 8) % 3000) - 500;
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	int64_t expected = -ERR_BADF;
	if (n != NONE && files_model.open[n].kind != OPEN_FILE) expected = -ERR_SPIPE;
	if (n != NONE && files_model.open[n].kind == OPEN_FILE) {
		const int64_t base =
			whence == WHENCE_SET ? 0
			: whence == WHENCE_CUR
				? (int64_t)files_model.open[n].offset
				: (int64_t)files_model.file[files_model.open[n].of].size;
		if (whence > WHENCE_END) return; /* data and holes: not in this model */
		expected = base + distance < 0 ? -ERR_INVAL : base + distance;
		if (expected >= 0) files_model.open[n].offset = (uint64_t)expected;
	}
	if (whence > WHENCE_END && n == NONE) expected = -ERR_BADF;
	judge(run, "lseek", call_by(run, by, SYS_lseek, fd, (uint64_t)distance, whence, 0),
	      expected);
}

/* The low bits of arg: half of it goes, some comes, or the upper ones say how much it is to be. */
static uint32_t size_meant(const struct script_op *op, uint32_t size)
{
	switch (op->arg & 3) {
	case 0: return size / 2;
	case 3: return (uint32_t)min_u64(size + PIECE_BYTES, FILE_BYTES);
	default: return (op->arg >> 8) % FILE_BYTES;
	}
}

/* Whoever reads there finds what the model has. */
static void judge_end(struct run *run, unsigned by, unsigned fd, uint8_t of)
{
	static uint8_t got[PIECE_BYTES];
	const uint64_t bytes = min_u64(files_model.file[of].size, PIECE_BYTES);
	const uint64_t at = files_model.file[of].size - bytes;
	const uint64_t arg[] = { fd, scratch_of(by) + 1024, PIECE_BYTES, (uintptr_t)got, at };

	judge(run, "pread", act(run, by, read_act, arg), (int64_t)bytes);
	if (memcmp(got, files_model.file[of].bytes + at, bytes) != 0)
		kpanic(ORACLE_CONTENT, "the end of a file is not what it was, or zeroes");
}

void makes_truncate(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	int64_t expected = -ERR_BADF;
	uint32_t size = 0;
	if (n != NONE) {
		const uint8_t of = files_model.open[n].of;
		const bool may = files_model.open[n].kind == OPEN_FILE && can(n, true);
		expected = may ? 0 : -ERR_INVAL;
		size = size_meant(op, files_model.file[of].size);
		if (may) file_resize(of, size);
	}
	judge(run, "ftruncate", call_by(run, by, SYS_ftruncate, fd, size, 0, 0), expected);
	if (expected == 0 && can(n, false)) judge_end(run, by, fd, files_model.open[n].of);
}
