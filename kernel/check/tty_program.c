/*
 * tty_program.c -- the terminal on the real machine: what is typed at the serial line comes in by
 * interrupts, is edited and echoed, and read by a thread that waits for it, line by line, until one
 * says "bye".  Then the rest is read as it comes, until a full stop.
 */
#include "kernel/abi.h"
#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/ktty.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/vm.h"
#include "machine/format.h"

static uint32_t interrupted; /* atomic: times that the foreground was to be interrupted */

static void signal_group(void *unused, int32_t group, int signal)
{
	(void)unused;
	if (group == 1 && signal == SIGINT) atomic_fetch_add_u32(&interrupted, 1);
}

static int32_t session_of(void *unused, int32_t group)
{
	(void)unused;
	return group;
}

static void caller(void *unused, int32_t *group, int32_t *session, bool *leads)
{
	(void)unused;
	*group = *session = 1;
	*leads = true;
}

static bool caller_heeds(void *unused, int signal)
{
	(void)unused, (void)signal;
	return false;
}

static bool caller_is_orphaned(void *unused)
{
	(void)unused;
	return false;
}

static int64_t read_some(struct file *f, char *to, size_t bytes)
{
	struct io_piece piece;
	struct io io;
	io_open_kernel(&io, &piece, to, bytes);
	return tty_ops.read(f, &io, NULL);
}

static int read_lines(struct file *f)
{
	char line[128];
	for (;;) {
		const int64_t bytes = read_some(f, line, sizeof(line) - 1);
		if (bytes < 0) return STATUS_FINDING;
		line[bytes] = '\0';
		if (same_text(line, "bye\n")) return STATUS_OK;
		console_print("tty: %ld: %s%s", bytes, line, bytes == 0 ? "end\n" : "");
	}
}

static int read_bytes(struct file *f)
{
	char byte;
	kernel_tty.modes.lflag &= ~(uint32_t)(ICANON | ECHO);
	do {
		if (read_some(f, &byte, 1) != 1) return STATUS_FINDING;
		console_print("tty: byte %u\n", (unsigned)byte);
	} while (byte != '.');
	return STATUS_OK;
}

int program_main(void)
{
	static struct file file = { .ops = &tty_ops, .object = &kernel_tty };
	const struct tty_host host = { .signal_group = signal_group,
				       .session_of = session_of,
				       .caller = caller,
				       .caller_heeds = caller_heeds,
				       .caller_is_orphaned = caller_is_orphaned };
	ktty_start(&host);
	if (tty_ops.control(&file, NULL, TIOCSCTTY, 0) != 0) return STATUS_FINDING;
	console_print("tty: listening\n");
	const int status = read_lines(&file);
	console_print("tty: interrupted %u times\n", atomic_load_u32(&interrupted));
	return status == STATUS_OK ? read_bytes(&file) : status;
}
