/*
 * syscall_moves.c -- subject syscall: what is read and written in several pieces, and at places
 * that a call names.
 *
 * The pieces lie one behind the other in the actor's scratch page, the last one first, so that one
 * taken for another is seen.
 */
#include "fuzz/syscall_files.h"

enum { PIECES_MOST = 3, TOO_MANY = 1025, VECTOR_AT = 64, DATA_AT = 1024 };

struct move {
	unsigned by, fd;
	uint8_t n;
	bool writes, vector;
	uint64_t at; /* or HERE */
	uint32_t bytes;
	unsigned pieces; /* 0 and TOO_MANY too */
	uint8_t data[PIECE_BYTES];
};

/* The arg's bits: 0 writes; 1 and 2 which call; 3 to 5 pieces; 8 to 18 bytes; from 19 on where. */
static void move_asked(const struct script_op *op, struct move *m)
{
	static const uint16_t pieces[] = { 1, 2, 3, 3, 2, 1, 0, TOO_MANY };
	const unsigned what = op->arg >> 1 & 3;

	m->by = by_of(op);
	m->n = open_near(op, m->by, false, &m->fd);
	m->writes = (op->arg & 1) != 0;
	m->vector = what != 1;
	m->pieces = m->vector ? pieces[op->arg >> 3 & 7] : 1;
	m->bytes = m->pieces == 0 ? 0 : (op->arg >> 8 & 0x7ff) % (PIECE_BYTES + 1);
	m->at = op->arg >> 19;
	if (what == 0 || what == 3) m->at = HERE;
	if (m->at == FILE_BYTES - 1) m->at = UINT64_MAX - 1; /* below 0 */
}

/* --- the call --------------------------------------------------------------------------------- */

static struct io_piece piece_of(const struct move *m, unsigned i, uint32_t *from)
{
	const uint32_t each = m->bytes / PIECES_MOST;
	const bool last = i == m->pieces - 1;

	*from = i * each;
	return (struct io_piece){ scratch_of(m->by) + DATA_AT + (PIECES_MOST - 1 - i) * PIECE_BYTES,
				  last ? m->bytes - *from : each };
}

/* What the program has, put there or looked at: `bytes` of all. */
static void pieces_move(struct run *run, struct move *m, uint64_t bytes)
{
	for (unsigned i = 0; i < m->pieces && i < PIECES_MOST; i++) {
		uint32_t from;
		const struct io_piece p = piece_of(m, i, &from);
		const uint64_t count = bytes <= from ? 0 : min_u64(p.bytes, bytes - from);
		if (count == 0) continue;
		if (m->writes)
			program_put(run, p.at, m->data + from, count);
		else
			program_get(run, m->data + from, p.at, count);
	}
}

static uint32_t number_of(const struct move *m)
{
	static const uint32_t numbers[2][3] = {
		{ SYS_readv, SYS_preadv, SYS_pread64 },
		{ SYS_writev, SYS_pwritev, SYS_pwrite64 },
	};

	return numbers[m->writes][m->at == HERE ? 0 : m->vector ? 1 : 2];
}

static int64_t move_act(struct run *run, struct task *t, const uint64_t *arg)
{
	struct move *m = (struct move *)(uintptr_t)arg[0];
	const uint64_t at = scratch_of(m->by) + VECTOR_AT, where = m->at == HERE ? 0 : m->at;
	struct io_piece vector[PIECES_MOST];
	uint32_t from;

	for (unsigned i = 0; i < m->pieces && i < PIECES_MOST; i++)
		vector[i] = piece_of(m, i, &from);
	if (m->writes) pieces_move(run, m, m->bytes);
	if (m->vector && m->pieces != 0 && m->pieces <= PIECES_MOST)
		program_put(run, at, vector, m->pieces * sizeof vector[0]);
	const int64_t answer =
		m->vector ? call(t, number_of(m), m->fd, at, m->pieces, where, 0, 0)
			  : call(t, number_of(m), m->fd, vector[0].at, m->bytes, where, 0, 0);
	if (!m->writes && answer > (int64_t)m->bytes)
		kpanic(ORACLE_ERRNO, "more was read than asked for");
	if (!m->writes && answer > 0) pieces_move(run, m, (uint64_t)answer);
	return answer;
}

/* --- what it comes to ------------------------------------------------------------------------- */

/* Of an open file that may be read, or written to, and is no pipe. */
static int64_t file_meant(struct move *m, uint8_t *data)
{
	const uint8_t of = files_model.open[m->n].of;
	uint64_t *offset = &files_model.open[m->n].offset, at = m->at == HERE ? *offset : m->at;

	if (m->writes && m->bytes == 0) return 0;
	if (!m->writes) {
		m->bytes = (uint32_t)file_reads(of, at, m->bytes, data);
		at += m->bytes;
	} else {
		if ((files_model.open[m->n].flags & O_APPEND) != 0) at = files_model.node[of].size;
		file_writes(of, at, data, m->bytes);
		at += m->bytes;
	}
	if (m->at == HERE) *offset = at;
	return m->bytes;
}

static int64_t move_meant(struct run *run, struct move *m, uint8_t *data)
{
	if (m->at != HERE && (int64_t)m->at < 0) return -ERR_INVAL;
	if (m->n == NONE) return -ERR_BADF;
	const uint8_t kind = files_model.open[m->n].kind, of = files_model.open[m->n].of;
	if (m->at != HERE && kind == OPEN_PIPE) return -ERR_SPIPE;
	if (m->pieces == TOO_MANY) return -ERR_INVAL;
	if (!can(m->n, m->writes)) return -ERR_BADF;
	const uint64_t at = m->at == HERE ? files_model.open[m->n].offset : m->at;
	if (kind != OPEN_PIPE && too_far(at, m->bytes)) return -ERR_INVAL;
	if (kind == OPEN_FOLDER) return m->vector && m->bytes == 0 ? 0 : -ERR_ISDIR;
	if (kind == OPEN_FILE) return file_meant(m, data);
	return m->writes ? pipe_takes(run, of, m->bytes, false)
			 : pipe_gives(run, of, m->bytes, data);
}

void makes_move(struct run *run, const struct script_op *op)
{
	static struct move m;
	static uint8_t data[PIECE_BYTES];

	move_asked(op, &m);
	const uint8_t kind = m.n == NONE ? OPEN_NOTHING : files_model.open[m.n].kind;
	const bool pipe = kind == OPEN_PIPE;
	if (m.writes && m.n != NONE &&
	    !fits(m.n, m.at == HERE ? files_model.open[m.n].offset : m.at, m.bytes))
		return;
	const unsigned of = m.n == NONE ? 0 : files_model.open[m.n].of;
	for (uint32_t i = 0; i < m.bytes && m.writes; i++)
		data[i] =
			pipe ? pipe_byte(of, files_model.pipe[of].put + i) : file_byte(op->arg, i);
	struct move asked = m;
	memcpy(asked.data, data, sizeof data);
	const int64_t expected = move_meant(run, &m, data);
	const uint64_t arg[] = { (uintptr_t)&asked };
	const int64_t answer =
		pipe ? act_into(run, m.by, of, move_act, arg) : act(run, m.by, move_act, arg);
	judge(run, m.writes ? "writing pieces" : "reading pieces", answer, expected);
	if (!m.writes && expected > 0 && memcmp(asked.data, data, (size_t)expected) != 0)
		kpanic(ORACLE_CONTENT, "pieces have other bytes than were written");
	judge_offset(run, m.by, m.fd, m.n);
}
