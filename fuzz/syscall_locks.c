/*
 * syscall_locks.c -- subject syscall: locks on files, and the model of who has which.
 *
 * Records (fcntl) are of groups or of open files, on ranges of bytes; flock's are of open files, on
 * the whole.  Sixteen bits are enough for a node's bytes: one for each of the first fifteen, and
 * one for all that are behind these, which a range has all of or none.  What one owner has of a
 * type side by side is one record, as F_GETLK tells it; owners are in the order in which they came.
 *
 * A group's records go with any descriptor of the node that it closes; an open file's, and flock's,
 * with the last that has it.  Nobody waits here.
 */
#include "fuzz/syscall_files.h"

enum { REST = 15, BYTES = REST + 1, FLOCK_AT = 128 };

struct asked {
	struct model_node *of;
	struct abi_flock lock; /* as the call has it */
	unsigned owner;
	uint32_t bits;
};

/* --- who has what ----------------------------------------------------------------------------- */

static void owner_has(struct model_node *of, unsigned owner, uint32_t reads, uint32_t writes)
{
	const bool none = (reads | writes) == 0;

	of->reads[owner] = reads;
	of->writes[owner] = writes;
	if (none)
		of->came[owner] = 0;
	else if (of->came[owner] == 0)
		of->came[owner] = ++of->arrivals;
}

void locks_end(uint8_t node, unsigned owner)
{
	owner_has(&files_model.node[node], owner, 0, 0);
}

void locks_of_open_end(uint8_t node, uint8_t open)
{
	locks_end(node, ACTORS + open);
	files_model.node[node].whole[open] = 0;
}

/* What of one's is in the way. */
static uint32_t in_the_way(const struct asked *a, unsigned owner)
{
	uint32_t bits = a->of->writes[owner];

	if (owner == a->owner || a->lock.type == F_UNLCK) return 0;
	if (a->lock.type == F_WRLCK) bits |= a->of->reads[owner];
	return bits & a->bits;
}

/* The first to come who is in the way, or OWNERS. */
static unsigned first_in_the_way(const struct asked *a)
{
	unsigned first = OWNERS;

	for (unsigned owner = 0; owner < OWNERS; owner++)
		if (in_the_way(a, owner) != 0 &&
		    (first == OWNERS || a->of->came[owner] < a->of->came[first]))
			first = owner;
	return first;
}

/* --- records ---------------------------------------------------------------------------------- */

/* The arg's bits: 3 and 4 the type (twice F_WRLCK), 5 to 8 the first byte, 9 to 12 how many, 13 and
 * 14 from where, 15 backwards. */
static void range_asked(const struct script_op *op, uint8_t n, struct asked *a)
{
	static const int16_t types[] = { F_WRLCK, F_RDLCK, F_WRLCK, F_UNLCK };
	const uint32_t first = op->arg >> 5 & 15, count = op->arg >> 9 & 15;
	const bool rest = count == 0 || first + count > REST, back = (op->arg >> 15 & 1) != 0;
	const uint32_t end = rest ? BYTES : first + count;
	int64_t base = 0;

	a->lock.type = types[op->arg >> 3 & 3];
	a->lock.whence = (int16_t)(op->arg >> 13 & 3);
	if (first == REST && count == REST) a->lock.type = F_UNLCK + 1;
	if (a->lock.whence == WHENCE_END && files_model.open[n].kind == OPEN_FOLDER)
		a->lock.whence = WHENCE_SET; /* how long that is, is a kernel's own affair */
	if (a->lock.whence == WHENCE_CUR) base = (int64_t)files_model.open[n].offset;
	if (a->lock.whence == WHENCE_END && files_model.open[n].kind == OPEN_FILE)
		base = (int64_t)a->of->size;
	a->bits = (1u << end) - (1u << first);
	a->lock.start = (int64_t)(back && !rest ? end : first) - base;
	a->lock.length = rest ? 0 : (int64_t)end - first;
	if (back) a->lock.length = -a->lock.length;
}

static int64_t set_meant(const struct asked *a, uint8_t n)
{
	const uint32_t reads = a->of->reads[a->owner] & ~a->bits;
	const uint32_t writes = a->of->writes[a->owner] & ~a->bits;

	if (a->lock.whence > WHENCE_END || a->lock.type > F_UNLCK) return -ERR_INVAL;
	if (a->lock.type == F_RDLCK && !can(n, false)) return -ERR_BADF;
	if (a->lock.type == F_WRLCK && !can(n, true)) return -ERR_BADF;
	if (first_in_the_way(a) != OWNERS) return -ERR_AGAIN;
	owner_has(a->of, a->owner, reads | (a->lock.type == F_RDLCK ? a->bits : 0),
		  writes | (a->lock.type == F_WRLCK ? a->bits : 0));
	return 0;
}

/* What F_GETLK tells of: the first of an owner's records that is in the way. */
static void get_meant(const struct asked *a, struct abi_flock *told)
{
	const unsigned owner = first_in_the_way(a);

	*told = a->lock;
	told->type = F_UNLCK;
	if (owner == OWNERS) return;
	const unsigned at = (unsigned)__builtin_ctz(in_the_way(a, owner));
	const bool writes = (a->of->writes[owner] >> at & 1) != 0;
	const uint32_t bits = writes ? a->of->writes[owner] : a->of->reads[owner];
	unsigned first = at, end = at;
	while (first > 0 && (bits >> (first - 1) & 1) != 0) first--;
	while (end < BYTES && (bits >> end & 1) != 0) end++;
	told->type = writes ? F_WRLCK : F_RDLCK;
	told->whence = WHENCE_SET;
	told->start = first;
	told->length = end == BYTES ? 0 : (int64_t)(end - first);
	told->pid = owner < ACTORS ? group_of(owner)->pid : -1;
}

/* A score tells all but whose it is: numbers of tasks mean nothing elsewhere. */
static int64_t record_act(struct run *run, struct task *t, const uint64_t *arg)
{
	const size_t bytes = offsetof(struct abi_flock, pid);
	struct abi_flock *lock = (struct abi_flock *)(uintptr_t)arg[3];

	program_put(run, arg[2], lock, sizeof *lock);
	const int64_t answer = call(t, SYS_fcntl, arg[0], arg[1], arg[2], 0, 0, 0);
	program_get(run, lock, arg[2], bytes);
	actor_tells(false);
	program_get(run, &lock->pid, arg[2] + bytes, sizeof lock->pid);
	actor_tells(true);
	return answer;
}

static void judge_told(const struct abi_flock *told, const struct abi_flock *meant)
{
	if (told->type != meant->type || told->whence != meant->whence ||
	    told->start != meant->start || told->length != meant->length)
		kpanic(ORACLE_CONTENT,
		       "a record is told as %d of %ld bytes from %ld, not %d of %ld from %ld",
		       told->type, (long)told->length, (long)told->start, meant->type,
		       (long)meant->length, (long)meant->start);
	if (told->pid != meant->pid)
		kpanic(ORACLE_CONTENT, "a record is told as of %d, not %d", told->pid, meant->pid);
}

static void asks_record(struct run *run, const struct script_op *op, unsigned by, unsigned fd,
			uint8_t n, uint32_t command)
{
	const bool gets = command == F_GETLK || command == F_OFD_GETLK;
	struct asked a = { .of = &files_model.node[files_model.open[n].node],
			   .owner = group_number(by) };
	struct abi_flock told, meant;

	if (command == F_OFD_GETLK || command == F_OFD_SETLK) a.owner = ACTORS + n;
	range_asked(op, n, &a);
	told = meant = a.lock;
	int64_t expected = 0;
	if (!gets)
		expected = set_meant(&a, n);
	else if (a.lock.type > F_WRLCK || a.lock.whence > WHENCE_END)
		expected = -ERR_INVAL;
	else
		get_meant(&a, &meant);
	if (expected == -ERR_AGAIN || meant.type != a.lock.type) run_sometimes(run, SAW_LOCKED);
	const uint64_t arg[] = { fd, command, scratch_of(by) + FLOCK_AT, (uintptr_t)&told };
	judge(run, "fcntl", act(run, by, record_act, arg), expected);
	judge_told(&told, &meant);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* One of another type is given up first, whatever comes then. */
static int64_t whole_meant(struct model_node *of, uint8_t n, uint8_t how)
{
	if (how == of->whole[n]) return 0;
	of->whole[n] = 0;
	for (unsigned other = 0; other < OPEN_MAX; other++)
		if (of->whole[other] != 0 && how != LOCK_UN &&
		    (how == LOCK_EX || of->whole[other] == LOCK_EX))
			return -ERR_AGAIN;
	if (how != LOCK_UN) of->whole[n] = how;
	return 0;
}

static void asks_whole(struct run *run, const struct script_op *op, unsigned by, unsigned fd,
		       uint8_t n)
{
	static const uint8_t hows[] = { LOCK_EX, LOCK_SH, LOCK_EX, LOCK_UN };
	const bool none = (op->arg >> 5 & 15) == REST;
	const uint8_t how = none ? 0 : hows[op->arg >> 3 & 3];
	int64_t expected = -ERR_INVAL;

	if (how != 0) expected = whole_meant(&files_model.node[files_model.open[n].node], n, how);
	if (expected == -ERR_AGAIN) run_sometimes(run, SAW_LOCKED);
	judge(run, "flock", call_by(run, by, SYS_flock, fd, how | LOCK_NB, 0, 0), expected);
}

/* arg's lowest bits: which call.  Pipes without a name have no place for locks here. */
void makes_lock(struct run *run, const struct script_op *op)
{
	static const uint32_t calls[] = { F_SETLK, F_GETLK,     0,       F_OFD_SETLK,
					  F_SETLK, F_OFD_GETLK, F_GETLK, F_SETLK };
	const unsigned by = by_of(op);
	const uint32_t command = calls[op->arg & 7];
	unsigned fd;

	const uint8_t n = open_near(op, by, true, &fd);
	if (n == NONE || files_model.open[n].node == NONE) return;
	if (command == 0)
		asks_whole(run, op, by, fd, n);
	else
		asks_record(run, op, by, fd, n, command);
}
