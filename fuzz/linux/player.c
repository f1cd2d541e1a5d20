/*
 * player.c -- scripts of subject space as system calls of real Linux: the only process of a machine
 * that boots, plays a batch, says where Linux answered otherwise than expected, and powers off.
 *
 * A space is a process.  One of them, the driver, reads the batch and tells the others, one at a
 * time, what to do, through a shared page; a fork is a real one.  The window of addresses that
 * scripts use is all that is free in these processes: the driver fills the rest with mappings that
 * nobody may touch, so that Linux finds places where the script's world has them, and its own code,
 * stack and page of control lie outside.  The break is moved into the window (prctl PR_SET_MM).
 *
 * Loads, stores and fetches are real ones; the signal they end in is the answer.  What is fetched
 * is an undefined instruction everywhere, so SIGILL says that a page may be executed.
 *
 * madvise(MADV_FREE) leaves it to Linux when pages go; here they go at once (MADV_DONTNEED after
 * it), which it may do.
 *
 * Prints: "differs SCRIPT OP got VALUE expected VALUE" for the first difference of a script, with
 * the boot argument `record` instead "answer SCRIPT OP VALUE" for every answer; "played N scripts,
 * M answers, D differ" at the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/linux/player.h"

/* --- control ---------------------------------------------------------------------------------- */

enum { ANSWERS_PER_OP = WINDOW_PAGES + 4 };

/* Shared by all processes; outside of the window. */
struct control {
	_Atomic uint32_t turn; /* whose turn it is: space + 1, or 0 for the driver */
	uint32_t op;
	struct play_call call;
	uint32_t answers;
	int64_t answer[ANSWERS_PER_OP];
	unsigned char core[WINDOW_PAGES + 1];
};

static struct control *control;
static int files[SOURCES];
static pid_t processes[SPACES_MAX];

static void die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "player: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(args);
	sync();
	reboot(RB_POWER_OFF);
	_exit(4);
}

static void futex(_Atomic uint32_t *at, int operation, uint32_t value)
{
	syscall(SYS_futex, at, operation, value, NULL, NULL, 0);
}

static void give_turn(uint32_t to)
{
	atomic_store(&control->turn, to);
	futex(&control->turn, FUTEX_WAKE, INT32_MAX);
}

static void await_turn(uint32_t mine)
{
	uint32_t now;
	while ((now = atomic_load(&control->turn)) != mine) futex(&control->turn, FUTEX_WAIT, now);
}

static void answer(int64_t value)
{
	if (control->answers < ANSWERS_PER_OP) control->answer[control->answers++] = value;
}

/* --- accesses --------------------------------------------------------------------------------- */

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
		__builtin___clear_cache((char *)&left, (char *)&left + 4);
		((void (*)(void))(uintptr_t)c->addr)();
	}
}

/* --- calls ------------------------------------------------------------------------------------ */

static int64_t result(long r)
{
	return r == -1 ? -(int64_t)errno : (int64_t)r;
}

/* glibc's wrappers look at arguments and know of a break; these do not. */
static int64_t do_call(const struct play_call *c)
{
	switch (c->code) {
	case SPACE_MMAP:
		return result(syscall(SYS_mmap, c->addr, c->length, (long)c->prot, (long)c->flags,
				      c->backed ? files[c->source] : -1,
				      (long)c->offset_page * 4096));
	case SPACE_MUNMAP: return result(syscall(SYS_munmap, c->addr, c->length));
	case SPACE_MPROTECT:
		return result(syscall(SYS_mprotect, c->addr, c->length, (long)c->prot));
	case SPACE_MREMAP:
		return result(syscall(SYS_mremap, c->addr, c->length, c->new_length, (long)c->flags,
				      c->new_addr));
	case SPACE_MADVISE: {
		const int64_t r = result(syscall(SYS_madvise, c->addr, c->length, (long)c->advice));
		if (c->advice == MADV_FREE && (r == 0 || r == -ENOMEM))
			syscall(SYS_madvise, c->addr, c->length, (long)MADV_DONTNEED);
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

/* What a space does all its life.  A fork's child goes on here as another space. */
static void be_space(uint32_t me)
{
	for (;;) {
		await_turn(me + 1);
		struct play_call c = control->call;
		if (c.code == SPACE_EXIT) {
			give_turn(0);
			_exit(0);
		}
		control->answers = 0;
		if (c.code == SPACE_FORK) {
			const pid_t child = fork();
			if (child == 0) {
				me = c.to;
				continue;
			}
			answer(child > 0);
			control->call.child = child;
			/* Somebody else's child by now: the driver is its reaper. */
		} else {
			play(&c);
		}
		give_turn(0);
	}
}

/* --- the driver ------------------------------------------------------------------------------- */

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
	processes[0] = child;
}

static void end_space(uint32_t n)
{
	if (processes[n] == 0) return;
	control->call.code = SPACE_EXIT;
	give_turn(n + 1);
	await_turn(0);
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	} /* whoever is ours by now */
	processes[n] = 0;
}

static void open_files(void)
{
	for (uint32_t s = 0; s < SOURCES; s++) {
		files[s] = memfd_create("source", 0);
		if (files[s] < 0 || ftruncate(files[s], SOURCE_PAGES * 4096) != 0) die("memfd");
		for (uint32_t page = 0; page < SOURCE_PAGES; page++) {
			for (uint32_t w = 0; w < WORDS_PER_PAGE; w++) {
				const uint64_t word = space_source_word(s, page, w);
				const off_t at = (off_t)space_word_address(page * 4096ull, w);
				if (pwrite(files[s], &word, 8, at) != 8) die("a source");
			}
		}
	}
}

static uint32_t alive_spaces(void)
{
	uint32_t alive = 0;
	for (uint32_t n = 0; n < SPACES_MAX; n++) alive |= (uint32_t)(processes[n] != 0) << n;
	return alive;
}

/* False when it is an operation that answers nothing. */
static bool play_op(struct play_call *c, uint32_t op)
{
	const uint32_t alive = alive_spaces();
	if (c->code == SPACE_AIM || c->code > SPACE_EXIT) return false;
	if (c->code == SPACE_EXIT) {
		if (alive != 1u << c->space) end_space(c->space);
		return false;
	}
	c->space = space_resolve(alive, c->space);
	if (c->code == SPACE_FORK) {
		if (c->to == c->space) return false;
		end_space(c->to);
	}
	control->call = *c;
	control->op = op;
	give_turn(c->space + 1);
	await_turn(0);
	if (c->code == SPACE_FORK) processes[c->to] = control->call.child;
	return true;
}

/* --- batches ---------------------------------------------------------------------------------- */

static bool record;
static uint64_t scripts, answered, differ;

/* Whether this operation's answers are the expected ones, which begin at *expected. */
static bool judge(uint32_t script, uint32_t op, const struct answer **expected,
		  const struct answer *end)
{
	for (uint32_t n = 0; n < control->answers; n++, (*expected)++) {
		const struct answer *e = *expected;
		const int64_t got = control->answer[n];
		answered++;
		if (record) printf("answer %u %u %lld\n", script, op, (long long)got);
		if (e == end || e->op != op) {
			printf("differs %u %u: an answer %lld that nobody expected\n", script, op,
			       (long long)got);
			return false;
		}
		if (e->kind == ANSWER_ANY || (int64_t)e->value == got) continue;
		printf("differs %u %u got %lld expected %lld\n", script, op, (long long)got,
		       (long long)e->value);
		return false;
	}
	return true;
}

/* What Linux has mapped in the window of a space: for who looks into a difference. */
static void show_maps(uint32_t space)
{
	char line[256];
	snprintf(line, sizeof(line), "/proc/%d/maps", processes[space]);
	FILE *maps = fopen(line, "r");
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long start, end;
		char rights[8];
		if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) != 3) continue;
		if (start < WINDOW_START || end > WINDOW_END) continue;
		printf("  pages %llu to %llu %s\n", (start - WINDOW_START) / 4096,
		       (end - WINDOW_START) / 4096 - 1, rights);
	}
	if (maps != NULL) fclose(maps);
}

static void play_script(const struct batch_head *head, const uint8_t *body,
			const struct answer *expected)
{
	const struct answer *end = expected + head->answers;
	struct player_script s;

	player_open(&s, body, head->body_bytes);
	open_files();
	start_first();
	for (uint32_t op = 0; op < s.ops && expected != end && expected->kind != ANSWER_END; op++) {
		struct play_call c = player_call(&s, op);
		if (expected->kind == ANSWER_END && expected->op <= op) break;
		if (!play_op(&c, op)) continue;
		if (!judge(head->number, op, &expected, end)) {
			differ++;
			show_maps(c.space);
			break;
		}
	}
	for (uint32_t n = 0; n < SPACES_MAX; n++) end_space(n);
	for (uint32_t n = 0; n < SOURCES; n++) close(files[n]);
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
		if (scripts % 1000 == 0) printf("# %llu scripts\n", (unsigned long long)scripts);
	}
}

/* Every free address but the window, and what lies just below the stack, where Linux puts nothing.
 *  */
static void fill_the_rest(void)
{
	uint64_t at = LOWEST_ADDRESS;
	char line[256];
	FILE *maps = fopen("/proc/self/maps", "r");
	struct {
		uint64_t start, end;
		bool stack;
	} list[64];
	unsigned n = 0;

	if (maps == NULL) die("/proc/self/maps");
	while (n < 63 && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long start, end;
		if (sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
		list[n].start = start, list[n].end = end;
		list[n++].stack = strstr(line, "[stack]") != NULL;
	}
	fclose(maps);
	for (unsigned i = 0; i <= n; i++) {
		uint64_t to = i == n ? USER_END : list[i].start;
		if (i < n && list[i].stack) to -= 256 * 4096;
		for (unsigned half = 0; half < 2; half++) {
			const uint64_t from = half == 0 ? at : (at > WINDOW_END ? at : WINDOW_END);
			const uint64_t stop =
				half == 0 ? (to < WINDOW_START ? to : WINDOW_START) : to;
			if (from >= stop) continue;
			if (mmap((void *)from, stop - from, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
				 -1, 0) == MAP_FAILED)
				die("filling %llx-%llx", (unsigned long long)from,
				    (unsigned long long)stop);
		}
		if (i < n) at = list[i].end;
	}
}

/* So that address 0 is refused as it is to everybody who is not root. */
static void drop_raw_io(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) != 0) die("capget");
	data[0].effective &= ~(1u << CAP_SYS_RAWIO);
	data[0].permitted &= ~(1u << CAP_SYS_RAWIO);
	if (syscall(SYS_capset, &head, data) != 0) die("capset");
}

int main(int count, char **arguments)
{
	struct stat about;

	for (int i = 1; i < count; i++) record |= strcmp(arguments[i], "record") == 0;
	setvbuf(stdout, NULL, _IOLBF, 4096);
	mkdir("/proc", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) != 0) die("mount /proc");
	const int batch = open("/batch", O_RDONLY);
	if (batch < 0 || fstat(batch, &about) != 0) die("/batch");
	const uint8_t *at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, batch, 0);
	control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (at == MAP_FAILED || control == MAP_FAILED) die("mmap");
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	drop_raw_io();
	watch_signals();
	fill_the_rest();
	play_batch(at, at + about.st_size);
	printf("played %llu scripts, %llu answers, %llu differ\n", (unsigned long long)scripts,
	       (unsigned long long)answered, (unsigned long long)differ);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
