/*
 * syscall_fuzz.c -- subject syscall: system calls of several processes and threads over the
 * portable kernel: memory, files and their names, pipes, locks, forks, ends, kills, waiting; and
 * children that call anything with anything.
 *
 * What must hold: every call answers as the models say (memory, files, tasks: one file each), every
 * access comes to what they say and finds what was written; a hostile child ends, whatever it
 * called, and changes nothing that others see; at the end every page, task, number, file and name
 * is back.
 *
 * Calls come one after the other (syscall_world.c), on up to eight CPUs, whose interleaving changes
 * none of it.  Results: the answers, but for numbers of tasks and addresses.
 */
#include "fuzz/syscall_subject.h"

enum { HOSTILE_CALLS = 64 };

static void makes_hostile(struct run *run, const struct script_op *op)
{
	const unsigned by = by_of(op);

	if (clones_fail(run, false)) return;
	const int64_t status = hostile_child(run, by, op->arg, 1 + op->aux % HOSTILE_CALLS);
	if (status < 0) kpanic(ORACLE_MUST_SUCCEED, "a fork answers %ld", (long)status);
	run_sometimes(run, status == 0 ? SAW_HOSTILE : SAW_HOSTILE_DIED);
}

/* clang-format off */
#define BY { "by", IN_SLOT, FORM_NUMBER, ACTORS, NULL }
#define SLOT { "slot", IN_ARG, FORM_NUMBER, 4096, NULL }
#define PAGE { "page", IN_AUX, FORM_NUMBER, WINDOW_PAGES, NULL }
#define HOW(most) { "how", IN_ARG, FORM_NUMBER, most, NULL }
#define FD { "fd", IN_AUX, FORM_NUMBER, FD_NAMES, NULL }
#define PATH { "path", IN_AUX, FORM_NUMBER, PATH_CODES, NULL }
#define NAME { "name", IN_AUX, FORM_NUMBER, NAMES, NULL }

static const struct op_kind syscall_operations[] = {
	PLAN_OPERATIONS,
	{ "fork", 10, { BY, SLOT }, makes_fork },
	{ "thread", 6, { BY, SLOT }, makes_thread },
	{ "exit", 4, { BY, { "code", IN_ARG, FORM_NUMBER, 512, NULL } }, makes_exit },
	{ "exit-thread", 3, { BY }, makes_exit_thread },
	{ "kill", 5, { BY, { "group", IN_AUX, FORM_NUMBER, ACTORS, NULL }, HOW(5) }, makes_kill },
	{ "wait", 12, { BY, { "which", IN_AUX, FORM_NUMBER, ACTORS + 1, NULL } }, makes_wait },
	{ "who", 3, { BY, HOW(0) }, makes_who },
	{ "map", 12, { BY, PAGE, HOW(512) }, makes_map },
	{ "unmap", 6, { BY, PAGE, HOW(4) }, makes_unmap },
	{ "protect", 6, { BY, PAGE, HOW(64) }, makes_protect },
	{ "break", 4, { BY, { "pages", IN_ARG, FORM_NUMBER, BREAK_PAGES + 2, NULL } },
	  makes_break },
	{ "store", 14, { BY, PAGE, { "value", IN_ARG, FORM_NUMBER, 0, NULL } }, makes_store },
	{ "load", 14, { BY, PAGE }, makes_load },
	{ "open", 12, { BY, NAME, HOW(512) }, makes_open },
	{ "unlink", 12, { BY, NAME }, makes_unlink },
	{ "close", 9, { BY, FD }, makes_close },
	{ "dup", 6, { BY, FD, { "to", IN_ARG, FORM_NUMBER, 512, NULL } }, makes_dup },
	{ "pipe", 8, { BY }, makes_pipe },
	{ "read", 20, { BY, FD, HOW(0) }, makes_read },
	{ "write", 16, { BY, FD, HOW(0) }, makes_write },
	{ "seek", 9, { BY, FD, HOW(0) }, makes_seek },
	{ "truncate", 6, { BY, FD, HOW(0) }, makes_truncate },
	{ "fill", 5, { BY, FD }, makes_fill },
	{ "hostile", 2, { BY, { "calls", IN_AUX, FORM_NUMBER, HOSTILE_CALLS, NULL },
			  { "seed", IN_ARG, FORM_NUMBER, 0, NULL } }, makes_hostile },
	{ "flag", 8, { BY, FD, HOW(4) }, makes_flag },
	{ "list", 4, { BY, HOW(2) }, makes_list },
	{ "drain", 7, { BY, FD }, makes_drain },
	{ "stack", 4, { BY, { "at", IN_ARG, FORM_NUMBER, 65536, NULL } }, makes_stack },
	{ "name", 14, { BY, PATH, HOW(10240) }, makes_name },
	{ "link", 7, { BY, PATH, HOW(512) }, makes_link },
	{ "rename", 12, { BY, PATH, HOW(1024) }, makes_rename },
	{ "remove", 8, { BY, PATH, HOW(2) }, makes_remove },
	{ "enter", 7, { BY, PATH, HOW(4) }, makes_enter },
	{ "reach", 12, { BY, PATH, HOW(10) }, makes_reach },
	{ "look", 8, { BY, PATH, HOW(4) }, makes_look },
	{ "lock", 14, { BY, FD, HOW(65536) }, makes_lock },
	{ "copy", 5, { BY, FD, HOW(40) }, makes_copy },
	{ "move", 12, { BY, FD, HOW(0) }, makes_move },
	{ "far", 6, { BY, FD, HOW(112) }, makes_far },
};
/* clang-format on */

static const char *const saw_names[] = {
	"fork",         "thread",     "zombie",    "killed",       "orphan",
	"copied",       "shared",     "fault",     "pipe-full",    "pipe-end",
	"pipe-broken",  "table-full", "unlinked",  "hostile",      "hostile-killed",
	"hostile-died", "no-process", "no-number", "number-again", "bad-pointer",
	"listed",       "replaced",   "loop",      "nowhere",      "fifo",
	"locked",       NULL,
};

_Static_assert(COUNT_OF(saw_names) == SAW_STATES + 1, "a name for each");
_Static_assert(sizeof(struct world) <= RUN_STATE_BYTES, "a run's state holds it");

static unsigned syscall_fuzz_lane(const struct script_op *op)
{
	(void)op;
	return 0;
}

const struct subject syscall_subject = {
	.name = "syscall",
	.ops = syscall_operations,
	.op_count = COUNT_OF(syscall_operations),
	.sometimes = saw_names,
	.open = syscall_fuzz_open,
	.check = syscall_fuzz_check,
	.close = syscall_fuzz_close,
	.together = syscall_fuzz_together,
	.lanes = 1,
	.lane = syscall_fuzz_lane,
	.lane_now = syscall_lane_now,
	.pause = syscall_fuzz_pause,
	.restless = true,
	.state_bytes = sizeof(struct world),
};
