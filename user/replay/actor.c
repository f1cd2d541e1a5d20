/*
 * actor.c -- who plays: processes and threads that do a score's lines when it is their turn.
 *
 * Every actor begins on a stack of its own, one for each number, at the same address in all
 * processes: a fork's copy of the memory has that stack too, unused, because the number was free.
 * Between lines it sleeps on the word that says which line is next.  Only system calls as they are
 * are made here, as a C library's would move the break, or find itself in a thread that it did not
 * make; threads share the first one's TLS, and one actor plays at a time.
 *
 * An actor that a line ends, or that is killed, gives the turn away before that, or has not got it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "user/replay/play.h"

enum { PAGE = 4096 };

static _Alignas(16) char stacks[ACTORS_MAX][STACK_BYTES];

static int64_t call_3(uint32_t number, int64_t a, int64_t b, int64_t c)
{
	const int64_t arg[ARGUMENTS] = { a, b, c };

	return call_raw(number, arg);
}

/* --- accesses --------------------------------------------------------------------------------- */

static void fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	const char *pc = (const char *)(uintptr_t)uc->uc_mcontext.pc;
	enum access how = ACCESS_UNMAPPED;

	if (pc < access_begins || pc >= access_ends) {
		say("the player itself: signal %d, address %p, at %p", sig, info->si_addr,
		    (const void *)pc);
		_exit(1);
	}
	if (sig == SIGBUS) how = ACCESS_BEYOND;
	if (sig == SIGSEGV && info->si_code == SEGV_ACCERR) how = ACCESS_REFUSED;
	uc->uc_mcontext.regs[0] = how;
	uc->uc_mcontext.pc = (uintptr_t)access_failed;
}

static const char *access_name(enum access how)
{
	static const char *const names[] = { "done", "unmapped", "refused", "beyond" };

	return how < ACCESS_WAYS ? names[how] : "nothing known";
}

static void does_access(const struct line *l)
{
	const uint64_t at = (uint64_t)l->arg[0].value;
	uint64_t value = 0;
	const enum access how = l->verb == DO_STORE ? access_store(at, (uint64_t)l->arg[1].value)
						    : access_load(at, &value);

	if (how != l->access)
		turn_differs("%s", access_name(how));
	else if (l->verb == DO_LOAD && how == ACCESS_DONE && (int64_t)value != l->answer.value)
		turn_differs("%#llx", (unsigned long long)value);
	else
		turn_next();
}

static void does_bytes(const struct line *l)
{
	char *at = (char *)(uintptr_t)l->arg[0].value;

	for (size_t n = 0; n < l->count; n++) {
		char byte;
		line_bytes(l, n, &byte, 1);
		if (l->verb == DO_PUT) at[n] = byte;
		if (at[n] == byte) continue;
		turn_differs("byte %zu is %02x", n, (unsigned char)at[n]);
		return;
	}
	turn_next();
}

static void does_word(const struct line *l)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)(uintptr_t)l->arg[0].value;
	const uint32_t value = (uint32_t)number_here(l->arg[1]);

	if (l->verb == DO_SET) atomic_store(word, value);
	const uint32_t found = atomic_load(word);
	if (found == value)
		turn_next();
	else
		turn_differs("%#x", found);
}

/* --- calls ------------------------------------------------------------------------------------ */

static void judge(const struct line *l, int64_t answer)
{
	if (answer == number_here(l->answer))
		turn_next();
	else if (l->doubt)
		turn_last();
	else
		turn_differs(answer > -4096 && answer < 65536 ? "%lld" : "%#llx",
			     (long long)answer);
}

static void does_call(const struct line *l)
{
	int64_t arg[ARGUMENTS];

	for (unsigned n = 0; n < ARGUMENTS; n++) arg[n] = number_here(l->arg[n]);
	if (l->verb == DO_LEAVE) turn_next();
	const int64_t answer = call_raw(l->call, arg);
	if (l->verb == DO_LEAVE)
		turn_differs("actor %u is back from it with %lld", l->actor, (long long)answer);
	else
		judge(l, answer);
}

/* Whose turn is next is said before, as others go on while it sleeps. */
static void does_begin(const struct line *l)
{
	int64_t arg[ARGUMENTS];

	for (unsigned n = 0; n < ARGUMENTS; n++) arg[n] = number_here(l->arg[n]);
	atomic_store(&stage->task[l->actor].call, IN_CALL);
	turn_next();
	stage->task[l->actor].answer = call_raw(l->call, arg);
	atomic_store(&stage->task[l->actor].call, BACK_FROM_CALL);
}

static void does_end(const struct line *l)
{
	atomic_store(&stage->task[l->actor].call, NOT_IN_CALL);
	judge(l, stage->task[l->actor].answer);
}

/* --- signals ---------------------------------------------------------------------------------- */

static void heard(int sig)
{
	(void)sig;
}

/* Whoever runs on this stack writes down what it was given. */
static void told(int sig, siginfo_t *info, void *context)
{
	const size_t me = (size_t)((char *)__builtin_frame_address(0) - stacks[0]) / STACK_BYTES;
	const uint32_t n = stage->task[me].taken;

	(void)context;
	stage->task[me].took[n % TAKEN_MAX] =
		(struct taken){ sig, info->si_code, (uint64_t)(uintptr_t)info->si_ptr };
	stage->task[me].taken = n + 1;
}

static void does_handle(const struct line *l)
{
	struct sigaction action = { .sa_handler = heard, .sa_flags = (int)l->arg[1].value };

	if ((action.sa_flags & SA_SIGINFO) != 0) action.sa_sigaction = told;
	if (sigaction((int)l->arg[0].value, &action, NULL) == 0)
		turn_next();
	else
		turn_differs("it is refused");
}

/* The next of those that it took and no line has told; or NULL. */
static const struct taken *taken_next(unsigned actor)
{
	const uint32_t n = stage->task[actor].told;

	if (n == stage->task[actor].taken) return NULL;
	stage->task[actor].told = n + 1;
	return &stage->task[actor].took[n % TAKEN_MAX];
}

static void differs_taken(const struct taken *t)
{
	turn_differs("it takes %d %d %#llx", t->sig, t->code, (unsigned long long)t->value);
}

static void does_take(const struct line *l)
{
	const struct taken *t = taken_next(l->actor);

	if (t == NULL)
		turn_differs("it has taken none");
	else if (t->sig != l->arg[0].value || t->code != l->arg[1].value ||
		 t->value != (uint64_t)l->arg[2].value)
		differs_taken(t);
	else
		turn_next();
}

/* True, and it differs: it has taken one that no line tells. */
static bool takes_more(const struct line *l)
{
	const struct taken *t = taken_next(l->actor);

	if (t != NULL) differs_taken(t);
	return t != NULL;
}

static void *stack_of(unsigned n)
{
	return stacks[n] + STACK_BYTES;
}

static void does_spawn(const struct line *l)
{
	const uint64_t thread =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	const uint64_t garbage = (uint64_t)l->arg[0].value << 32;
	const uint64_t child = SIGCHLD | (l->verb == DO_SHARE ? CLONE_VM : 0);
	const uint64_t flags = (l->verb == DO_THREAD ? thread : child) | garbage;
	const int64_t tid = spawn_at(flags, stack_of(l->other), l->other);
	const int32_t pid = l->verb == DO_THREAD ? stage->task[l->actor].pid : (int32_t)tid;

	if (tid > 0) {
		stage->task[l->other].tid = (int32_t)tid;
		stage->task[l->other].pid = pid;
		atomic_store(&stage->task[l->other].call, NOT_IN_CALL);
		stage->task[l->other].taken = stage->task[l->other].told = 0;
	}
	judge(l, tid);
}

/* --- a folder listed -------------------------------------------------------------------------- */

static int64_t path_put(char *at, uint64_t path)
{
	memcpy(at, &path, sizeof path);
	return (int64_t)(uintptr_t)at;
}

static int64_t unlink_by(char *at, unsigned name)
{
	const uint64_t path = '/' | 'f' << 8 | (uint64_t)('0' + name) << 16;

	return call_3(SYS_unlinkat, AT_FDCWD, path_put(at, path), 0);
}

/* Which of our names are among these entries, by bits. */
static int64_t names_among(const char *entries, int64_t bytes)
{
	enum { LENGTH_AT = 16, NAME_AT = 19 };
	int64_t names = 0;

	for (int64_t at = 0; at < bytes;) {
		const char *entry = entries + at;
		uint16_t length;
		memcpy(&length, entry + LENGTH_AT, sizeof length);
		const char *name = entry + NAME_AT;
		if (name[0] == 'f' && name[1] >= '0' && name[1] <= '2' && name[2] == '\0')
			names |= 1 << (name[1] - '0');
		at += length;
	}
	return names;
}

/* A name told twice, or that cannot go, is answered as -1000. */
static int64_t lists(char *at, bool unlinks)
{
	enum { PIECE = 80, ENTRIES_AT = 1024, WRONG = -1000 };
	char *entries = at + ENTRIES_AT;
	int64_t names = 0, bytes;

	const int64_t fd = call_3(SYS_openat, AT_FDCWD, path_put(at, '/'), O_RDONLY | O_DIRECTORY);
	if (fd < 0) return fd;
	while ((bytes = call_3(SYS_getdents64, fd, (int64_t)(uintptr_t)entries, PIECE)) > 0) {
		const int64_t now = names_among(entries, bytes);
		if ((now & names) != 0) return WRONG;
		names |= now;
		for (unsigned n = 0; n < 3 && unlinks; n++) {
			const int64_t gone = (now >> n & 1) == 0 ? 0 : unlink_by(at, n);
			if (gone != 0 && gone != -EISDIR) return WRONG;
		}
	}
	call_3(SYS_close, fd, 0, 0);
	return bytes < 0 ? bytes : names;
}

/* --- a life ----------------------------------------------------------------------------------- */

static void does(const struct line *l)
{
	if ((l->verb == DO_CALL || l->verb == DO_BEGIN || l->verb == DO_LEAVE) && takes_more(l))
		return;
	switch (l->verb) {
	case DO_CALL:
	case DO_LEAVE: does_call(l); break;
	case DO_BEGIN: does_begin(l); break;
	case DO_END: does_end(l); break;
	case DO_FORK:
	case DO_THREAD:
	case DO_SHARE: does_spawn(l); break;
	case DO_STORE:
	case DO_LOAD: does_access(l); break;
	case DO_PUT:
	case DO_GET: does_bytes(l); break;
	case DO_SET:
	case DO_SEE: does_word(l); break;
	case DO_HANDLE: does_handle(l); break;
	case DO_TAKE: does_take(l); break;
	case DO_LIST:
		judge(l, lists((char *)(uintptr_t)l->arg[0].value, l->arg[1].value != 0));
		break;
	case DO_WRITE:
	case DO_CUT: does_file(l); break;
	case DO_EXEC: does_exec(l); break;
	case DO_REST:
	case DO_STOPPED:
	case DO_GONE: break; /* the conductor's */
	}
}

__attribute__((noreturn)) void actor_plays(unsigned me);
void actor_plays(unsigned me)
{
	for (;;) {
		const uint32_t now = atomic_load(&stage->now);
		if (now < stage->score.lines && stage->score.line[now].actor == me)
			does(&stage->score.line[now]);
		else
			call_3(SYS_futex, (int64_t)(uintptr_t)&stage->now, FUTEX_WAIT, now);
	}
}

/* Actor 0's process: no descriptors, faults are answers, orphans come to it. */
static void first_begins(void)
{
	const struct sigaction action = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	stage->broke = ((uint64_t)call_3(SYS_brk, 0, 0, 0) + PAGE - 1) / PAGE * PAGE;
	call_3(SYS_brk, (int64_t)stage->broke, 0, 0);
	for (int fd = 0; fd < 8; fd++) close(fd);
}

int32_t actor_first(void)
{
	const pid_t parent = getpid();
	const pid_t child = fork();

	if (child != 0) return child;
	stage->parent = parent;
	stage->task[0].pid = stage->task[0].tid = getpid();
	first_begins();
	actor_plays(0);
}
