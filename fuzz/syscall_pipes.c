/*
 * syscall_pipes.c -- subject syscall: pipes, and the model of what is in them.
 *
 * Byte n of what is ever written into a pipe is known, so contents are two counts.  How much has
 * room is Linux's rule: 16 pieces, each in a page; what is written goes behind the last piece, if
 * that has room for all of it, or is a piece of its own.  Pipes never wait here (O_NONBLOCK).
 */
#include "fuzz/syscall_files.h"

/* --- contents --------------------------------------------------------------------------------- */

uint8_t pipe_byte(unsigned pipe, uint64_t n)
{
	return (uint8_t)(n * 31 + n / 251 + pipe);
}

int64_t pipe_takes(struct run *run, unsigned pipe, uint32_t bytes, bool faults)
{
	uint32_t n = files_model.pipe[pipe].pieces;

	ASSERT(bytes <= PIECE_BYTES);
	if (bytes == 0) return 0;
	if (files_model.pipe[pipe].readers == 0) {
		run_sometimes(run, SAW_PIPE_BROKEN);
		return -ERR_PIPE;
	}
	const bool behind = n > 0 && files_model.pipe[pipe].to[n - 1] + bytes <= PAGE_SIZE;
	if (!behind && n == PIPE_PIECES) {
		run_sometimes(run, SAW_PIPE_FULL);
		return -ERR_AGAIN;
	}
	files_model.pipe[pipe].odd |= faults && !behind;
	if (faults) return -ERR_FAULT;
	if (behind) {
		n--;
	} else {
		files_model.pipe[pipe].pieces++;
		files_model.pipe[pipe].from[n] = files_model.pipe[pipe].to[n] = 0;
	}
	files_model.pipe[pipe].to[n] += bytes;
	files_model.pipe[pipe].put += bytes;
	return bytes;
}

/* The first piece is read to its end. */
static void piece_gone(unsigned pipe)
{
	const uint32_t left = --files_model.pipe[pipe].pieces;

	for (uint32_t i = 0; i < left; i++) {
		files_model.pipe[pipe].from[i] = files_model.pipe[pipe].from[i + 1];
		files_model.pipe[pipe].to[i] = files_model.pipe[pipe].to[i + 1];
	}
}

int64_t pipe_gives(struct run *run, unsigned pipe, uint32_t bytes, uint8_t *to)
{
	const uint64_t got = files_model.pipe[pipe].got, there = files_model.pipe[pipe].put - got;
	const bool ended = files_model.pipe[pipe].writers == 0;

	if (bytes == 0) return 0;
	if (there == 0 && ended) run_sometimes(run, SAW_PIPE_END);
	if (there == 0) return ended ? 0 : -ERR_AGAIN;
	if (to == NULL) return -ERR_FAULT;
	const uint64_t count = min_u64(bytes, there);
	for (uint64_t i = 0; i < count; i++) to[i] = pipe_byte(pipe, got + i);
	for (uint64_t left = count; left > 0;) {
		uint32_t *from = &files_model.pipe[pipe].from[0];
		const uint32_t piece =
			(uint32_t)min_u64(left, files_model.pipe[pipe].to[0] - *from);
		*from += piece;
		left -= piece;
		if (*from == files_model.pipe[pipe].to[0]) piece_gone(pipe);
	}
	files_model.pipe[pipe].got += count;
	return (int64_t)count;
}

/* --- calls ------------------------------------------------------------------------------------ */

static int64_t pipe_act(struct run *run, struct task *t, const uint64_t *arg)
{
	uint64_t both = 0;
	const int64_t answer = call(t, SYS_pipe2, arg[0], O_NONBLOCK, 0, 0, 0, 0);

	if (answer != 0) return answer;
	if (program_load(run, arg[0], &both) != FAULT_DONE) kpanic(ORACLE_SPACE, "no descriptors");
	return (int64_t)both;
}

unsigned pipe_new(void)
{
	unsigned n = 0;

	while (n < PIPES_MAX && files_model.pipe[n].readers + files_model.pipe[n].writers != 0) n++;
	ASSERT(n < PIPES_MAX);
	memset(&files_model.pipe[n], 0, sizeof files_model.pipe[n]);
	return n;
}

void makes_pipe(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	const uint64_t arg[] = { scratch_of(by) };

	const unsigned group = group_number(by);
	const int first = lowest_free(group, 0);
	const int second = first < 0 ? first : lowest_free(group, (unsigned)first + 1);
	int64_t expected = -ERR_MFILE;
	if (second >= 0) {
		const unsigned pipe = pipe_new();
		files_model.pipe[pipe].readers = files_model.pipe[pipe].writers = 1;
		expected = (int64_t)second << 32 | first;
		put_fd(group, first, open_new(OPEN_PIPE, pipe, O_RDONLY | O_NONBLOCK), false);
		put_fd(group, second, open_new(OPEN_PIPE, pipe, O_WRONLY | O_NONBLOCK), false);
	}
	if (expected < 0) run_sometimes(run, SAW_TABLE_FULL);
	judge(run, "pipe2", act(run, by, pipe_act, arg), expected);
}

/* Where a write has failed in the middle Linux keeps a piece without bytes, and has less room. */
int64_t act_into(struct run *run, unsigned by, unsigned pipe, act_fn *fn, const uint64_t *arg)
{
	actor_doubts(files_model.pipe[pipe].odd);
	const int64_t answer = act(run, by, fn, arg);
	actor_doubts(false);
	return answer;
}

/* Pieces into a pipe, from a position on, until one is refused: how many went. */
static int64_t fill_act(struct run *run, struct task *t, const uint64_t *arg)
{
	static uint8_t from[PIECE_BYTES];
	int64_t pieces = 0, answer;

	do {
		const uint64_t at = arg[3] + (uint64_t)pieces * PIECE_BYTES;
		for (unsigned i = 0; i < PIECE_BYTES; i++)
			from[i] = pipe_byte((unsigned)arg[2], at + i);
		const uint64_t write[] = { arg[0], arg[1], PIECE_BYTES, (uintptr_t)from };
		answer = write_act(run, t, write);
		pieces += answer == PIECE_BYTES;
	} while (answer == PIECE_BYTES);
	return answer == -ERR_AGAIN ? pieces : answer;
}

/* All that there is room for, in whole pieces. */
void makes_fill(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	if (n == NONE || files_model.open[n].kind != OPEN_PIPE || !can(n, true)) return;
	const uint8_t of = files_model.open[n].of;
	if (files_model.pipe[of].readers == 0) return;
	const uint64_t arg[] = { fd, scratch_of(by) + 1024, of, files_model.pipe[of].put };
	int64_t pieces = 0;
	while (pipe_takes(run, of, PIECE_BYTES, false) == PIECE_BYTES) pieces++;
	judge(run, "filling a pipe", act_into(run, by, of, fill_act, arg), pieces);
}

/* What is in a pipe, in pieces: how many bytes, until it is empty or has ended. */
static int64_t drain_act(struct run *run, struct task *t, const uint64_t *arg)
{
	static uint8_t got[PIECE_BYTES];
	const uint64_t read[] = { arg[0], arg[1], PIECE_BYTES, (uintptr_t)got, HERE };
	int64_t bytes = 0, answer;

	while ((answer = read_act(run, t, read)) > 0) {
		for (unsigned i = 0; i < answer; i++)
			if (got[i] != pipe_byte((unsigned)arg[2], arg[3] + (uint64_t)bytes + i))
				kpanic(ORACLE_CONTENT, "a pipe gives other bytes");
		bytes += answer;
	}
	return answer == 0 || answer == -ERR_AGAIN ? bytes : answer;
}

void makes_drain(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	unsigned fd;

	const uint8_t n = open_of(op, by, &fd);
	if (n == NONE || files_model.open[n].kind != OPEN_PIPE || !can(n, false)) return;
	const uint8_t of = files_model.open[n].of;
	const uint64_t got = files_model.pipe[of].got;
	const uint64_t arg[] = { fd, scratch_of(by) + 1024, of, got };
	files_model.pipe[of].got = files_model.pipe[of].put;
	files_model.pipe[of].pieces = 0;
	judge(run, "draining a pipe", act(run, by, drain_act, arg),
	      (int64_t)(files_model.pipe[of].put - got));
}
