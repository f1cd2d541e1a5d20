/*
 * syscall_contents.c -- subject syscall: what is in files and pipes.
 *
 * Contents of files are kept byte for byte, those of a pipe by counting (syscall_pipes.c).  What
 * is written comes from the actor's scratch page, and what is read goes there; or nowhere, and then
 * nothing may have happened.  After each call the offset is where the model has it.
 */
#include "fuzz/syscall_files.h"

/* --- contents --------------------------------------------------------------------------------- */

uint8_t file_byte(uint32_t seed, uint64_t n)
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

uint64_t file_reads(uint8_t node, uint64_t at, uint64_t bytes, uint8_t *to)
{
	const struct model_node *of = &files_model.node[node];
	const uint64_t count = at >= of->size ? 0 : min_u64(bytes, of->size - at);
	const uint64_t kept = at >= FILE_BYTES ? 0 : min_u64(count, FILE_BYTES - at);

	if (to == NULL || count == 0) return count;
	if (kept != 0) memcpy(to, of->bytes + at, kept);
	memset(to + kept, 0, count - kept);
	return count;
}

void file_writes(uint8_t node, uint64_t at, const uint8_t *from, uint64_t bytes)
{
	struct model_node *of = &files_model.node[node];

	ASSERT(bytes != 0 && at + bytes <= FILE_BYTES);
	memcpy(of->bytes + at, from, bytes);
	of->size = max_u64(of->size, at + bytes);
	for (uint64_t page = at / PAGE_SIZE; page <= (at + bytes - 1) / PAGE_SIZE; page++)
		of->there |= (uint8_t)(1u << page);
}

void file_resize(uint8_t node, uint64_t size)
{
	struct model_node *of = &files_model.node[node];
	const uint64_t kept = min_u64(size, FILE_BYTES);

	if (size < of->size) {
		memset(of->bytes + kept, 0, FILE_BYTES - kept);
		of->there &= (uint8_t)((1u << (kept + PAGE_SIZE - 1) / PAGE_SIZE) - 1);
	}
	of->size = size;
}

/* `to` NULL: where nothing is. */
static int64_t read_meant(struct run *run, uint8_t n, uint32_t bytes, uint8_t *to)
{
	if (n == NONE || !can(n, false)) return -ERR_BADF;
	const uint8_t of = files_model.open[n].of;
	if (files_model.open[n].kind == OPEN_PIPE) return pipe_gives(run, of, bytes, to);
	if (too_far(files_model.open[n].offset, bytes)) return -ERR_INVAL;
	if (files_model.open[n].kind == OPEN_FOLDER) return -ERR_ISDIR;
	const uint64_t count = file_reads(of, files_model.open[n].offset, bytes, to);
	if (to == NULL && count != 0) return -ERR_FAULT;
	files_model.open[n].offset += count;
	if (files_model.node[of].links == 0 && count > 0) run_sometimes(run, SAW_UNLINKED);
	return (int64_t)count;
}

void judge_offset(struct run *run, unsigned by, unsigned fd, uint8_t n)
{
	if (n == NONE || files_model.open[n].kind == OPEN_PIPE) return;
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

bool fits(uint8_t n, uint64_t at, uint64_t bytes)
{
	if (n == NONE || files_model.open[n].kind != OPEN_FILE) return true;
	const bool appends = (files_model.open[n].flags & O_APPEND) != 0;
	const uint64_t to = appends ? files_model.node[files_model.open[n].of].size : at;
	return to <= FILE_BYTES && to + bytes <= FILE_BYTES;
}

/* `from` NULL: where nothing is. */
static int64_t write_meant(struct run *run, uint8_t n, uint32_t bytes, const uint8_t *from)
{
	if (n == NONE || !can(n, true)) return -ERR_BADF;
	const uint8_t of = files_model.open[n].of;
	if (bytes == 0) return 0;
	if (files_model.open[n].kind == OPEN_PIPE) return pipe_takes(run, of, bytes, from == NULL);
	if (too_far(files_model.open[n].offset, bytes)) return -ERR_INVAL;
	if (from == NULL) return -ERR_FAULT;
	if ((files_model.open[n].flags & O_APPEND) != 0)
		files_model.open[n].offset = files_model.node[of].size;
	file_writes(of, files_model.open[n].offset, from, bytes);
	files_model.open[n].offset += bytes;
	return bytes;
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
	if (n != NONE && !fits(n, files_model.open[n].offset, bytes)) return;
	const bool pipe = n != NONE && files_model.open[n].kind == OPEN_PIPE;
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

/* The first page from `at` on that is data, or a hole, as lseek tells it. */
static int64_t seek_room(const struct model_node *of, uint64_t at, bool data)
{
	if (at >= of->size) return -ERR_NXIO;
	for (uint64_t page = at / PAGE_SIZE; page < FILE_BYTES / PAGE_SIZE; page++)
		if ((of->there >> page & 1) == data && page * PAGE_SIZE < of->size)
			return (int64_t)max_u64(at, page * PAGE_SIZE);
	if (data) return -ERR_NXIO;
	return (int64_t)min_u64(max_u64(at, FILE_BYTES), of->size);
}

static int64_t seek_meant(uint8_t n, int64_t distance, uint32_t whence)
{
	int64_t base = 0, to;

	if (n == NONE) return -ERR_BADF;
	if (whence > WHENCE_HOLE) return -ERR_INVAL;
	if (files_model.open[n].kind == OPEN_PIPE) return -ERR_SPIPE;
	const struct model_node *of = &files_model.node[files_model.open[n].of];
	if (files_model.open[n].kind == OPEN_FOLDER && whence > WHENCE_CUR) return -ERR_INVAL;
	if (whence > WHENCE_END)
		return distance < 0 ? -ERR_NXIO
				    : seek_room(of, (uint64_t)distance, whence == WHENCE_DATA);
	if (whence == WHENCE_CUR) base = (int64_t)files_model.open[n].offset;
	if (whence == WHENCE_END) base = (int64_t)of->size;
	return __builtin_add_overflow(base, distance, &to) || to < 0 ? -ERR_INVAL : to;
}

static void seeks(struct run *run, unsigned by, unsigned fd, uint8_t n, int64_t distance,
		  uint32_t whence)
{
	const int64_t expected = seek_meant(n, distance, whence);

	if (expected >= 0) files_model.open[n].offset = (uint64_t)expected;
	judge(run, "lseek", call_by(run, by, SYS_lseek, fd, (uint64_t)distance, whence, 0),
	      expected);
}

void makes_seek(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	seeks(run, by, fd, n, (int64_t)((op->arg >> 8) % 3000) - 500, op->arg % 4);
}

/* The low bits of arg: half of it goes, some comes, or the upper ones say how much it is to be. */
static uint64_t size_meant(const struct script_op *op, uint64_t size)
{
	switch (op->arg & 3) {
	case 0: return size / 2;
	case 3: return min_u64(size + PIECE_BYTES, max_u64(size, FILE_BYTES));
	default: return (op->arg >> 8) % FILE_BYTES;
	}
}

/* Whoever reads there finds what the model has. */
static void judge_end(struct run *run, unsigned by, unsigned fd, uint8_t of)
{
	static uint8_t got[PIECE_BYTES], wanted[PIECE_BYTES];
	const uint64_t bytes = min_u64(files_model.node[of].size, PIECE_BYTES);
	const uint64_t at = files_model.node[of].size - bytes;
	const uint64_t arg[] = { fd, scratch_of(by) + 1024, PIECE_BYTES, (uintptr_t)got, at };

	judge(run, "pread", act(run, by, read_act, arg), (int64_t)bytes);
	(void)file_reads(of, at, bytes, wanted);
	if (memcmp(got, wanted, bytes) != 0)
		kpanic(ORACLE_CONTENT, "the end of a file is not what it was, or zeroes");
}

static void resizes(struct run *run, unsigned by, unsigned fd, uint8_t n, int64_t size)
{
	int64_t expected = size < 0 ? -ERR_INVAL : -ERR_BADF;

	if (size >= 0 && n != NONE) {
		const bool may = files_model.open[n].kind == OPEN_FILE && can(n, true);
		expected = may ? 0 : -ERR_INVAL;
		if (may) file_resize(files_model.open[n].of, (uint64_t)size);
	}
	judge(run, "ftruncate", call_by(run, by, SYS_ftruncate, fd, (uint64_t)size, 0, 0),
	      expected);
	if (expected == 0 && can(n, false)) judge_end(run, by, fd, files_model.open[n].of);
}

void makes_truncate(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	uint64_t size = 0;
	if (n != NONE && files_model.open[n].kind == OPEN_FILE)
		size = size_meant(op, files_model.node[files_model.open[n].of].size);
	resizes(run, by, fd, n, (int64_t)size);
}

/* Offsets and sizes that no program has by chance. */
void makes_far(struct run *run, const struct script_op *op)
{
	static const int64_t places[] = {
		0,    1,          -1,      PAGE_SIZE - 1, PAGE_SIZE,       PAGE_SIZE + 1, 8192,
		8193, -PAGE_SIZE, 1 << 20, 1ll << 31,     (1ll << 40) + 7, INT64_MAX,     INT64_MIN,
	};
	enum { MOST = 12 }; /* of sizes: how long a file may be is a kernel's own affair */
	const unsigned by = by_of(op), what = op->arg % 8, place = op->arg / 8;
	unsigned fd;

	const uint8_t n = open_near(op, by, true, &fd);
	if (what < 6)
		seeks(run, by, fd, n, places[place % COUNT_OF(places)], what);
	else
		resizes(run, by, fd, n, places[place % MOST]);
}
