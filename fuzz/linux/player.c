/*
 * player.c -- scripts of subject space as system calls of real Linux: the only process of a machine
 * that boots, plays a batch, says where Linux answered otherwise than expected, and powers off.
 *
 * A space is a process; a fork is a real one.  Whose turn it is reads on in the script and plays
 * it, until an operation is another space's; what they must agree on, where they are and whom
 * there is, lies in a shared page.  The driver only begins and ends scripts.
 *
 * The window of addresses that scripts use is all that is free in these processes (setup.c).
 * Loads, stores and fetches are real ones; the signal they end in is the answer.  What is fetched
 * is an undefined instruction everywhere, so SIGILL says that a page may be executed.
 *
 * madvise(MADV_FREE) leaves it to Linux when pages go; here they go at once (MADV_DONTNEED after
 * it), which it may do.
 *
 * Prints "differs SCRIPT OP got VALUE expected VALUE" for the first difference of a script, and
 * what is mapped there; with the boot argument `record` "answer SCRIPT OP VALUE" for every answer;
 * "played N scripts, O operations, M answers, D differ" at the end.
 *
 * Always true:
 *   P1  one process runs at a time, the one whose turn it is; only it writes the shared page;
 *   P2  every operation of a script is played once, in order, by the space that it is for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/linux/player.h"

/* --- what all processes share ----------------------------------------------------------------- */

enum { PATIENCE_SECONDS = 120, NOBODY = SPACES_MAX };

enum verdict { AGREES, DIFFERS, UNEXPECTED, MISSING };

/* Outside of the window. */
struct control {
	_Atomic uint32_t turn; /* whose turn it is: space + 1, or 0 for the driver */
	struct player_script script;
	uint32_t number, op;
	const struct answer *expected, *end;
	pid_t process[SPACES_MAX]; /* 0: not alive */
	enum verdict verdict;
	uint32_t space; /* where it differs */
	int64_t got;
	uint64_t operations, answered;
	unsigned char core[WINDOW_PAGES + 1];
};

static struct control *control;
static struct player_setup setup;
static bool record;

void die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("player: ");
	vprintf(format, args);
	printf(": %s\n", strerror(errno));
	va_end(args);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	_exit(4);
}

static void give_turn(uint32_t to)
{
	atomic_store(&control->turn, to);
	syscall(SYS_futex, &control->turn, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void await_turn(uint32_t mine)
{
	uint32_t now;
	while ((now = atomic_load(&control->turn)) != mine)
		syscall(SYS_futex, &control->turn, FUTEX_WAIT, now, NULL, NULL, 0);
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool script_ended(void)
{
	return control->op >= control->script.ops || control->verdict != AGREES ||
	       control->expected == control->end ||
	       (control->expected->kind == ANSWER_END && control->expected->op <= control->op);
}

static void judge(enum verdict verdict, int64_t got)
{
	control->verdict = verdict;
	control->got = got;
}

/* Small numbers and errors as they are, addresses and words hexadecimal. */
static void note(int64_t value)
{
	const bool small = value > -4096 && value < 4096;

	dprintf(1, small ? "answer %u %u %lld\n" : "answer %u %u 0x%llx\n", control->number,
		control->op, (long long)value);
}

static void answer(int64_t value)
{
	const struct answer *e = control->expected;

	if (control->verdict != AGREES) return;
	control->answered++;
	if (record) note(value);
	if (e == control->end || e->op != control->op) {
		judge(UNEXPECTED, value);
		return;
	}
	if (e->kind == ANSWER_VALUE && (int64_t)e->value != value) {
		judge(DIFFERS, value);
		return;
	}
	control->expected++;
}

/* After an operation: Linux has answered all that was expected of it. */
static void judge_end(uint32_t space)
{
	const struct answer *e = control->expected;

	if (control->verdict == AGREES && e != control->end && e->op == control->op &&
	    e->kind != ANSWER_END)
		judge(MISSING, 0);
	control->space = space;
	control->operations++;
	control->op++;
}

/* --- accesses -------------------------------------------------------------------------------- */

static sigjmp_buf back;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (number == SIGILL) siglongjmp(back, 1 + PLAY_DONE);
	if (number == SIGBUS) siglongjmp(back, 1 + PLAY_BEYOND);
	siglongjmp(back, 1 + (info->si_code == SEGV_MAPERR ? PLAY_NOT_MAPPED : PLAY_NOT_ALLOWED));
}

static void watch_signals(void)
{
	struct sigaction action = { .sa_sigaction = on_signal,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	if (sigaction(SIGSEGV, &action, NULL) != 0 || sigaction(SIGBUS, &action, NULL) != 0 ||
	    sigaction(SIGILL, &action, NULL) != 0)
		die("sigaction");
	signal(SIGCHLD, SIG_IGN); /* who has ended leaves nothing behind */
}

static void do_access(const struct play_call *c)
{
	volatile uint64_t *word = (volatile uint64_t *)(uintptr_t)c->addr;
	const int left = sigsetjmp(back, 0);
	if (left != 0) {
		answer(left - 1);
		return;
	}
	if (c->code == SPACE_LOAD) {
		const uint64_t value = *word;
		answer(PLAY_DONE);
		answer((int64_t)value);
	} else if (c->code == SPACE_STORE) {
		*word = c->store;
		answer(PLAY_DONE);
	} else {
		((void (*)(void))(uintptr_t)c->addr)();
	}
}

/* --- calls ----------------------------------------------------------------------------------- */

static int64_t result(long r)
{
	return r == -1 ? -(int64_t)errno : (int64_t)r;
}

/* Linux frees what MADV_FREE names when it likes; this does it at once, as far as that went:
 * it stops at the first region that is not anonymous and private. */
static void free_now(const struct play_call *c, int64_t answered)
{
	if (answered == 0 || answered == -ENOMEM) {
		syscall(SYS_madvise, c->addr, c->length, (long)MADV_DONTNEED);
		return;
	}
	if (c->addr % 4096 != 0 || c->addr < WINDOW_START || c->length > WINDOW_END - WINDOW_START)
		return; /* refused for what it is */
	for (uint64_t at = c->addr; at < WINDOW_END && at - c->addr < c->length; at += 4096) {
		if (result(syscall(SYS_madvise, at, 4096l, (long)MADV_FREE)) == -EINVAL) return;
		syscall(SYS_madvise, at, 4096l, (long)MADV_DONTNEED);
	}
}

/* glibc's wrappers look at arguments and know of a break; these do not. */
static int64_t do_call(const struct play_call *c)
{
	switch (c->code) {
	case SPACE_MMAP:
		return result(syscall(SYS_mmap, c->addr, c->length, (long)c->prot, (long)c->flags,
				      c->backed ? setup.file[c->source] : -1,
				      (long)c->offset_page * 4096));
	case SPACE_MUNMAP: return result(syscall(SYS_munmap, c->addr, c->length));
	case SPACE_MPROTECT:
		return result(syscall(SYS_mprotect, c->addr, c->length, (long)c->prot));
	case SPACE_MREMAP:
		return result(syscall(SYS_mremap, c->addr, c->length, c->new_length, (long)c->flags,
				      c->new_addr));
	case SPACE_MADVISE: {
		const int64_t r = result(syscall(SYS_madvise, c->addr, c->length, (long)c->advice));
		if (c->advice == MADV_FREE) free_now(c, r);
		return r;
	}
	case SPACE_MINCORE: return result(syscall(SYS_mincore, c->addr, c->length, control->core));
	default: return result(syscall(SYS_brk, c->addr));
	}
}

static void play(const struct play_call *c)
{
	if (c->code == SPACE_LOAD || c->code == SPACE_STORE || c->code == SPACE_FETCH) {
		do_access(c);
		return;
	}
	const int64_t r = do_call(c);
	answer(r);
	if (c->code != SPACE_MINCORE || r != 0) return;
	for (uint64_t n = 0; n < (c->length + 4095) / 4096; n++) answer(control->core[n] & 1);
}

/* --- spaces ----------------------------------------------------------------------------------- */

static uint32_t alive_spaces(void)
{
	uint32_t alive = 0;
	for (uint32_t n = 0; n < SPACES_MAX; n++)
		alive |= (uint32_t)(control->process[n] != 0) << n;
	return alive;
}

/* The space that plays an operation, or NOBODY where it answers nothing. */
static uint32_t player_of(const struct play_call *c)
{
	const uint32_t alive = alive_spaces();

	if (c->code == SPACE_AIM || c->code > SPACE_EXIT) return NOBODY;
	if (c->code == SPACE_EXIT)
		return (alive >> c->space & 1) && alive != 1u << c->space ? c->space : NOBODY;
	const uint32_t who = space_resolve(alive, c->space);
	return c->code == SPACE_FORK && c->to == who ? NOBODY : who;
}

static void end_space(uint32_t n)
{
	if (control->process[n] != 0) kill(control->process[n], SIGKILL);
	control->process[n] = 0;
}

static NORETURN void leave(uint32_t me)
{
	control->process[me] = 0;
	control->op++;
	control->operations++;
	give_turn(1 + space_resolve(alive_spaces(), me));
	_exit(0);
}

/* Returns which space the caller is: a fork's child is another, and it is not its turn. */
static uint32_t play_fork(uint32_t me, uint32_t to)
{
	end_space(to);
	const pid_t child = fork();
	if (child == 0) return to;
	if (child > 0) control->process[to] = child;
	answer(child > 0);
	judge_end(me);
	return me;
}

/* Plays one operation, or hands over to whom it is for.  Returns who the caller is. */
static uint32_t play_next(uint32_t me)
{
	struct play_call c = player_call(&control->script, control->op);
	const uint32_t who = player_of(&c);

	if (who == NOBODY) {
		control->op++;
		return me;
	}
	if (who != me) {
		give_turn(who + 1);
		return me;
	}
	if (c.code == SPACE_EXIT) leave(me);
	if (c.code == SPACE_FORK) return play_fork(me, c.to);
	play(&c);
	judge_end(me);
	return me;
}

/* What a space does all its life. */
static NORETURN void be_space(uint32_t me)
{
	for (;;) {
		await_turn(me + 1);
		if (script_ended())
			give_turn(0);
		else
			me = play_next(me);
	}
}

/* --- the driver ------------------------------------------------------------------------------ */

static uint64_t scripts, differ;

static void move_break(void)
{
	const unsigned long at = WINDOW_START + WINDOW_HEAP_PAGE * 4096ul;
	if (prctl(PR_SET_MM, PR_SET_MM_BRK, at, 0, 0) != 0 ||
	    prctl(PR_SET_MM, PR_SET_MM_START_BRK, at, 0, 0) != 0)
		die("the break");
}

static void start_first(void)
{
	const pid_t child = fork();
	if (child < 0) die("fork");
	if (child == 0) {
		move_break();
		be_space(0);
	}
	control->process[0] = child;
	give_turn(1);
}

/* Somebody who dies with the turn would never give it back. */
static void await_end(void)
{
	const struct timespec patience = { .tv_sec = PATIENCE_SECONDS };
	uint32_t now, op = UINT32_MAX;

	while ((now = atomic_load(&control->turn)) != 0) {
		if (syscall(SYS_futex, &control->turn, FUTEX_WAIT, now, &patience, NULL, 0) == 0 ||
		    errno != ETIMEDOUT)
			continue;
		if (control->op == op) die("script %u does not end: %u", control->number, op);
		op = control->op;
	}
}

/* What Linux has mapped in the window of a space: for who looks into a difference. */
static void show_maps(pid_t process)
{
	char line[256];
	snprintf(line, sizeof(line), "/proc/%d/maps", process);
	FILE *maps = fopen(line, "r");
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long start, end;
		char rights[8];
		if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) != 3) continue;
		if (start < WINDOW_START || end > WINDOW_END) continue;
		printf("mapped pages %llu to %llu %s\n", (start - WINDOW_START) / 4096,
		       (end - WINDOW_START) / 4096 - 1, rights);
	}
	if (maps != NULL) fclose(maps);
}

static void show_difference(void)
{
	const uint32_t op = control->op - 1;
	const long long got = control->got;
	const long long expected =
		control->expected == control->end ? 0 : (long long)control->expected->value;

	differ++;
	printf("differs %u %u ", control->number, op);
	if (control->verdict == DIFFERS) printf("got %lld expected %lld\n", got, expected);
	if (control->verdict == UNEXPECTED) printf("got %lld expected no answer\n", got);
	if (control->verdict == MISSING) printf("got no answer expected %lld\n", expected);
	if (control->process[control->space] != 0) show_maps(control->process[control->space]);
}

static void play_script(const struct batch_head *head, const uint8_t *body,
			const struct answer *expected)
{
	player_open(&control->script, body, head->body_bytes);
	control->number = head->number;
	control->op = 0;
	control->expected = expected;
	control->end = expected + head->answers;
	control->verdict = AGREES;
	setup_sources(&setup);
	start_first();
	await_end();
	if (control->verdict != AGREES) show_difference();
	for (uint32_t n = 0; n < SPACES_MAX; n++) end_space(n);
	scripts++;
}

static void play_batch(const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		const struct batch_head *head = (const void *)at;
		if (head->magic != BATCH_MAGIC) die("no batch");
		const uint8_t *body = at + sizeof(*head);
		const uint8_t *list = body + (head->body_bytes + 7) / 8 * 8;
		play_script(head, body, (const void *)list);
		at = list + head->answers * sizeof(struct answer);
		if (scripts % 250 == 0)
			printf("# %llu scripts, %llu answers, %llu differ\n",
			       (unsigned long long)scripts, (unsigned long long)control->answered,
			       (unsigned long long)differ);
	}
}

int main(int count, char **arguments)
{
	for (int i = 1; i < count; i++) record |= strcmp(arguments[i], "record") == 0;
	setvbuf(stdout, NULL, _IOLBF, 4096);
	control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (control == MAP_FAILED) die("mmap");
	setup_all(&setup);
	watch_signals();
	play_batch(setup.batch, setup.batch_end);
	printf("played %llu scripts, %llu operations, %llu answers, %llu differ\n",
	       (unsigned long long)scripts, (unsigned long long)control->operations,
	       (unsigned long long)control->answered, (unsigned long long)differ);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
