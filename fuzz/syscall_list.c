/*
 * syscall_list.c -- subject syscall: a folder listed, while what is told of goes away or does not.
 *
 * The root has the files that the model knows, the folder of hostile children, and itself twice.
 * Its names are asked for by calls that have room for two; what they have told of is
 * unlinked before the next, as `rm -r` does, if the operation says so.  Each name that was there is
 * told once, whatever was taken away in between.
 */
#include "fuzz/syscall_files.h"

enum { ROOM = 56, BIT_HOSTILE = NAMES, BIT_DOT, BIT_UP, BITS };

/* Which of all that may be there, or BITS; an entry has zeroes behind its name. */
static unsigned bit_of_name(const char *name)
{
	static const char others[][3] = { "h", ".", ".." };

	if (name[0] == 'f' && name[2] == '\0' && (unsigned)(name[1] - '0') < NAMES)
		return (unsigned)(name[1] - '0');
	for (unsigned i = 0; i < COUNT_OF(others); i++)
		if (memcmp(name, others[i], sizeof others[i]) == 0) return BIT_HOSTILE + i;
	return BITS;
}

/* The names in a buffer that a call has filled; more than BITS bits: one was told twice. */
static uint32_t names_in(const uint8_t *buffer, size_t bytes)
{
	enum { LENGTH_AT = 16, NAME_AT = 19 };
	uint32_t bits = 0;

	for (size_t at = 0; at < bytes;) {
		uint16_t length;
		memcpy(&length, buffer + at + LENGTH_AT, sizeof length);
		if (length < NAME_AT + 3 || length > bytes - at || length % 8 != 0)
			kpanic(ORACLE_CONTENT, "an entry of a folder has %u bytes", length);
		const unsigned bit = bit_of_name((const char *)buffer + at + NAME_AT);
		if (bit == BITS) kpanic(ORACLE_VERDICT, "a folder has a name that nobody gave");
		if ((bits >> bit & 1) != 0) kpanic(ORACLE_VERDICT, "a name is told twice");
		bits |= 1u << bit;
		at += length;
	}
	return bits;
}

static int64_t path_call(struct run *run, struct task *t, uint64_t at, uint64_t path,
			 uint32_t number, uint32_t flags)
{
	if (program_store(run, at, path) != FAULT_DONE) kpanic(ORACLE_SPACE, "no path");
	return call(t, number, (uint64_t)AT_FDCWD, at, flags, 0, 0, 0);
}

static void unlink_all(struct run *run, struct task *t, uint64_t at, uint32_t bits)
{
	for (unsigned name = 0; name < NAMES; name++) {
		const uint64_t path = '/' | (uint64_t)'f' << 8 | (uint64_t)('0' + name) << 16;
		if ((bits >> name & 1) == 0) continue;
		const int64_t answer = path_call(run, t, at, path, SYS_unlinkat, 0);
		if (answer != (name_is_folder(name) ? -ERR_ISDIR : 0))
			kpanic(ORACLE_ERRNO, "unlinkat answers %ld", (long)answer);
	}
}

/* What the folder had, by bits, or an error. */
static int64_t list_folder(struct run *run, struct task *t, const uint64_t *arg)
{
	const uint64_t at = arg[0] + 1024;
	uint8_t buffer[ROOM];
	uint32_t seen = 0;
	int64_t bytes;

	const int64_t fd = path_call(run, t, arg[0], '/', SYS_openat, O_RDONLY | O_DIRECTORY);
	if (fd < 0) return fd;
	while ((bytes = call(t, SYS_getdents64, (uint64_t)fd, at, ROOM, 0, 0, 0)) > 0) {
		if (bytes > ROOM) kpanic(ORACLE_ERRNO, "%ld bytes of a folder", (long)bytes);
		program_get(run, buffer, at, (size_t)bytes);
		const uint32_t told = names_in(buffer, (size_t)bytes);
		if ((told & seen) != 0) kpanic(ORACLE_VERDICT, "a name is told twice");
		seen |= told;
		if (arg[1] != 0) unlink_all(run, t, arg[0], told);
	}
	const int64_t closed = call(t, SYS_close, (uint64_t)fd, 0, 0, 0, 0, 0);
	return bytes < 0 ? bytes : closed < 0 ? closed : seen;
}

static int64_t list_act(struct run *run, struct task *t, const uint64_t *arg)
{
	actor_tells(false);
	const int64_t bits = list_folder(run, t, arg);
	actor_tells(true);
	score_list(run, (unsigned)arg[2], arg[0], arg[1] != 0,
		   bits < 0 ? bits : bits & ((1 << NAMES) - 1));
	return bits;
}

void makes_list(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);
	const bool unlinks = op->arg % 2 != 0;
	int64_t expected = 1 << BIT_HOSTILE | 1 << BIT_DOT | 1 << BIT_UP;
	unsigned there = 0;

	for (unsigned name = 0; name < NAMES; name++) {
		if (!name_there(name)) continue;
		there++;
		expected |= 1 << name;
	}
	const int fd = descriptor_free(group_number(by));
	if (fd < 0) expected = fd;
	const uint64_t arg[] = { scratch_of(by), unlinks, by };
	judge(run, "listing a folder", act(run, by, list_act, arg), expected);
	if (fd >= 0) locks_end(ROOT, group_number(by)); /* as it was closed */
	for (unsigned name = 0; name < NAMES && fd >= 0 && unlinks; name++)
		if (name_there(name)) name_gone(name);
	if (fd >= 0 && unlinks && there > 1) run_sometimes(run, SAW_LISTED);
}
