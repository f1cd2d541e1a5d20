/*
 * tty_test.c -- a terminal without a line: what is typed is handed in, what is shown is kept.
 *
 * Answers and echo are those that N_TTY's source (Linux 6.1, drivers/tty/n_tty.c) gives.
 */
#include "kernel/file/test_streams.h"
#include "kernel/file/tty_inside.h"

static struct tty tty;
static struct file *console;
static char shown[4096];
static size_t shown_bytes;
static struct {
	int32_t group, session;
	bool leads, heeds, orphaned;
	int32_t to, signal; /* what was sent last */
} who;

static void put(void *arg, const char *text, size_t bytes)
{
	(void)arg;
	EXPECT(shown_bytes + bytes < sizeof(shown));
	memcpy(shown + shown_bytes, text, bytes);
	shown_bytes += bytes;
}

static void signal_group(void *arg, int32_t group, int signal)
{
	(void)arg;
	who.to = group;
	who.signal = signal;
}

static int32_t session_of(void *arg, int32_t group)
{
	(void)arg;
	return group >= 10 && group < 20 ? 10 : group >= 20 && group < 30 ? 20 : 0;
}

static void caller(void *arg, int32_t *group, int32_t *session, bool *leads)
{
	(void)arg;
	*group = who.group;
	*session = who.session;
	*leads = who.leads;
}

static bool caller_heeds(void *arg, int signal)
{
	(void)arg, (void)signal;
	return who.heeds;
}

static bool caller_is_orphaned(void *arg)
{
	(void)arg;
	return who.orphaned;
}

static void be(int32_t group, int32_t session, bool leads)
{
	who.group = group;
	who.session = session;
	who.leads = leads;
}

static void open_tty(void)
{
	const struct tty_host host = { put,          signal_group,       session_of, caller,
				       caller_heeds, caller_is_orphaned, NULL };
	int error;
	tty_init(&tty, &tw->sched, &host);
	console = tty_open(&tty, &test_files, O_RDWR | O_NONBLOCK, NULL, false, &error);
	EXPECT(console != NULL);
	shown_bytes = 0;
	be(10, 10, true);
	EXPECT(tty_control(console, NULL, TIOCSCTTY, 0) == 0);
}

static void type(const char *keys)
{
	tty_input(&tty, (const uint8_t *)keys, strlen(keys));
}

/* What read() gives now, at most `room` bytes. */
static void reads(const char *wanted, size_t room)
{
	char got[256];
	const int64_t bytes = read_some(console, got, room);
	EXPECT(bytes == (int64_t)strlen(wanted) && memcmp(got, wanted, strlen(wanted)) == 0);
}

static void has_shown(const char *wanted)
{
	EXPECT(shown_bytes == strlen(wanted) && memcmp(shown, wanted, shown_bytes) == 0);
	shown_bytes = 0;
}

static int64_t nothing_yet(void)
{
	char got;
	return read_some(console, &got, 1);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void lines(void)
{
	type("ab");
	EXPECT(nothing_yet() == -ERR_AGAIN && (poll_now(console) & POLLIN) == 0);
	type("c\r");
	EXPECT((poll_now(console) & POLLIN) != 0);
	has_shown("abc\r\n");
	reads("ab", 2);
	reads("c\n", 9);
	type("one\ntwo\n");
	reads("one\n", 99);
	reads("two\n", 99);
	EXPECT(nothing_yet() == -ERR_AGAIN);
}

static void erasing(void)
{
	type("x\177\177ab\177c\n");
	has_shown("x\b \bab\b \bc\r\n");
	reads("ac\n", 99);
	type("one two  \027three\n");
	reads("one three\n", 99);
	shown_bytes = 0;
	type("all\001\025ok\n");
	has_shown("all^A\b \b\b \b\b \b\b \b\b \bok\r\n");
	reads("ok\n", 99);
	type("done\n\177\177more\n"); /* a line that is ended cannot be erased */
	reads("done\n", 99);
	reads("more\n", 99);
}

static void ends(void)
{
	char got;
	type("ab\004");
	reads("ab", 99);
	type("\004");
	EXPECT(read_some(console, &got, 1) == 0);
	type("a\026\004b\n");
	reads("a\004b\n", 99);
}

/* What does not fit is lost, but the line can be ended. */
static void too_long(void)
{
	char got[TTY_BYTES + 8];
	tty.modes.lflag &= ~(uint32_t)ECHO;
	for (unsigned i = 0; i < TTY_BYTES + 100; i++) type("x");
	type("\n");
	EXPECT(read_some(console, got, sizeof(got)) == TTY_BYTES);
	EXPECT(got[TTY_BYTES - 1] == '\n' && got[TTY_BYTES - 2] == 'x');
	type("next\n");
	reads("next\n", 99);
}

/* --- bytes as they come ----------------------------------------------------------------------- */

static void raw(void)
{
	struct abi_termios modes = tty.modes;
	struct space *own = process_space(W);
	modes.lflag &= ~(uint32_t)(ICANON | ECHO | ISIG);
	modes.iflag &= ~(uint32_t)ICRNL;
	type("half");
	EXPECT(space_mmap(own, 0x400000, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, TEST_SITE) == 0x400000);
	EXPECT(user_copy_out(own, 0x400000, &modes, sizeof(modes)) == 0);
	EXPECT(tty_control(console, own, TCSETS, 0x800000) == -ERR_FAULT);
	EXPECT(tty_control(console, own, TCSETS, 0x400000) == 0);
	reads("half", 99);
	shown_bytes = 0;
	type("\003\r\177");
	reads("\003\r\177", 99);
	has_shown("");
	EXPECT(nothing_yet() == -ERR_AGAIN);
	tty.modes.cc[VMIN] = 3;
	type("ab");
	EXPECT((poll_now(console) & POLLIN) != 0);
	type("c");
	reads("abc", 99);
	type("flushed");
	EXPECT(tty_control(console, own, TCFLSH, TCIFLUSH) == 0 && nothing_yet() == -ERR_AGAIN);
	EXPECT(tty_control(console, own, TCFLSH, 9) == -ERR_INVAL);
	EXPECT(tty_control(console, own, 0x1234, 0) == -ERR_NOTTY);
	type("kept");
	modes.lflag |= ICANON;
	EXPECT(user_copy_out(own, 0x400000, &modes, sizeof(modes)) == 0);
	EXPECT(tty_control(console, own, TCSETSW, 0x400000) == 0);
	reads("kept", 99);
}

/* TIME is a patience: for the first byte, or between bytes. */
static void patient(void)
{
	char got[8];
	atomic_store_u32(&console->flags, O_RDWR);
	tty.modes.lflag &= ~(uint32_t)ICANON;
	tty.modes.cc[VMIN] = 0;
	tty.modes.cc[VTIME] = 2;
	const uint64_t from = mach_now_ns();
	EXPECT(read_some(console, got, sizeof(got)) == 0 && mach_now_ns() - from >= 200000000);
	tty.modes.cc[VMIN] = 4;
	type("ab");
	EXPECT(read_some(console, got, sizeof(got)) == 2 && mach_now_ns() - from >= 400000000);
}

/* --- signals, and whose it is ----------------------------------------------------------------- */

static void keys_that_signal(void)
{
	static const struct {
		const char *key;
		int signal;
	} keys[] = { { "\003", SIGINT }, { "\034", SIGQUIT }, { "\032", SIGTSTP } };
	for (unsigned i = 0; i < COUNT_OF(keys); i++) {
		type("lost\nlost ");
		type(keys[i].key);
		EXPECT(who.to == 10 && who.signal == keys[i].signal);
		EXPECT(nothing_yet() == -ERR_AGAIN);
	}
	tty.modes.lflag |= NOFLSH;
	type("kept\n\003");
	reads("kept\n", 99);
	who.signal = 0;
	tty.modes.lflag &= ~(uint32_t)ISIG;
	type("\003\n");
	EXPECT(who.signal == 0);
	reads("\003\n", 99);
}

static void owners(void)
{
	char got;
	be(11, 10, false); /* in its session, in the background */
	who.heeds = true;
	type("x\n");
	EXPECT(read_some(console, &got, 1) == RESTART_SYS && who.signal == SIGTTIN && who.to == 11);
	who.orphaned = true; /* nobody would let it go on */
	who.signal = 0;
	EXPECT(read_some(console, &got, 1) == -ERR_IO && who.signal == 0);
	EXPECT(tty_background(&tty, SIGTTOU) == -ERR_IO && who.signal == 0);
	who.orphaned = who.heeds = false;
	EXPECT(read_some(console, &got, 1) == -ERR_IO);
	EXPECT(tty_control(console, NULL, TIOCNOTTY, 0) == 0);
	be(20, 20, true); /* another session's leader: it has another's */
	EXPECT(tty_control(console, NULL, TIOCSCTTY, 0) == -ERR_PERM);
	EXPECT(tty_control(console, NULL, TIOCNOTTY, 0) == -ERR_NOTTY);
	be(10, 10, true);
	who.signal = 0;
	EXPECT(tty_control(console, NULL, TIOCNOTTY, 0) == 0 && who.signal == SIGCONT);
	be(20, 20, true);
	EXPECT(tty_control(console, NULL, TIOCSCTTY, 0) == 0 && tty.foreground == 20);
	be(21, 20, false);
	EXPECT(tty_control(console, NULL, TIOCSCTTY, 0) == -ERR_PERM);
}

/* The end of a session is that of its hold on the terminal, and of no other's. */
static void session_ends(void)
{
	who.signal = 0;
	tty_session_over(&tty, 20);
	tty_session_over(&tty, 0);
	EXPECT(tty.session == 10 && tty.foreground == 10 && who.signal == 0);
	tty.foreground = 12;
	tty_session_over(&tty, 10);
	EXPECT(tty.session == 0 && tty.foreground == 0 && who.signal == SIGHUP && who.to == 12);
	who.signal = 0;
	tty_session_over(&tty, 10);
	EXPECT(who.signal == 0 && tty.hang_ups == 1);
	be(20, 20, true);
	EXPECT(tty_control(console, NULL, TIOCSCTTY, 0) == -ERR_IO);
	file_drop(console);
	console = tty_open(&tty, &test_files, O_RDWR | O_NONBLOCK, NULL, false, &(int){ 0 });
	EXPECT(tty_control(console, NULL, TIOCSCTTY, 0) == 0 && tty.session == 20);
}

/* Who has it open when its session ends reads nothing more and cannot write, but as the console. */
static void hung_up(void)
{
	const uint32_t all = POLLHUP | POLLERR | POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	struct file *f = tty_open(&tty, &test_files, O_RDWR | O_NONBLOCK, NULL, true, &(int){ 0 });
	char got;

	type("typed before\n");
	shown_bytes = 0;
	EXPECT(poll_now(console) == (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM));
	tty_session_over(&tty, 10);
	EXPECT(read_some(console, &got, 1) == 0 && write_some(console, "x", 1) == -ERR_IO);
	EXPECT(poll_now(console) == all && tty_is_hung_up(&tty, console));
	EXPECT(tty_control(console, NULL, TCGETS, 0) == -ERR_IO);
	EXPECT(tty_control(console, NULL, TIOCSPGRP, 0) == -ERR_NOTTY);
	EXPECT(poll_now(f) == (POLLOUT | POLLWRNORM) && read_some(f, &got, 1) == -ERR_AGAIN);
	EXPECT(write_some(f, "y", 1) == 1);
	has_shown("y");
	type("z\n");
	EXPECT(read_some(console, &got, 1) == 0 && read_some(f, &got, 1) == 1 && got == 'z');
	file_drop(f);
}

/* Nor is the console anybody's to be kept from, but for what changes it for all. */
static void background(void)
{
	struct file *f = tty_open(&tty, &test_files, O_RDWR | O_NONBLOCK, NULL, true, &(int){ 0 });
	char got;

	be(11, 10, false);
	who.heeds = true;
	tty.modes.lflag |= TOSTOP;
	EXPECT(read_some(f, &got, 1) == -ERR_AGAIN && write_some(f, "x", 1) == 1);
	EXPECT(write_some(console, "x", 1) == RESTART_SYS && who.signal == SIGTTOU);
	who.signal = 0;
	EXPECT(tty_control(f, NULL, TCFLSH, 0) == RESTART_SYS && who.signal == SIGTTOU);
	EXPECT(tty_control(console, NULL, TCXONC, TCOON) == RESTART_SYS);
	EXPECT(tty_control(f, NULL, TCSBRK, 1) == RESTART_SYS);
	who.heeds = false;
	EXPECT(tty_control(f, NULL, TCFLSH, 0) == 0 && write_some(console, "x", 1) == 1);
	file_drop(f);
}

static void held_back(void)
{
	type("\023");
	EXPECT((poll_now(console) & POLLOUT) == 0);
	EXPECT(write_some(console, "x", 1) == -ERR_AGAIN);
	type("\021");
	EXPECT(write_some(console, "a\nb", 3) == 3);
	has_shown("a\r\nb");
}

/* --- ------------------------------------------------------------------------------------------ */

static void (*test)(void);

static void run_test(void *unused)
{
	(void)unused;
	open_tty();
	test();
	file_drop(console);
}

int main(void)
{
	static void (*const tests[])(void) = {
		lines,  erasing,      ends,    too_long,   raw,      patient, keys_that_signal,
		owners, session_ends, hung_up, background, held_back
	};

	host_cpus_open(1);
	for (unsigned i = 0; i < COUNT_OF(tests); i++) {
		test = tests[i];
		streams_open(1);
		nobodys(run_test, NULL);
		test_run();
		streams_shut();
	}
	host_cpus_close();
	return 0;
}
