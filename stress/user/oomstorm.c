/*
 * oomstorm.c -- memory runs out: a child takes all there is and is killed, others run into limits,
 * and each time everything comes back.
 *
 *	oomstorm times=2
 *
 * Who takes more than there is ends by SIGKILL.  Below a limit on its address space, or on its
 * data, mmap, brk and malloc say ENOMEM and nothing else happens; what was there works on, and can
 * be freed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "stress/user/program.h"

const char *const program = "oomstorm";

enum { PAGE = 4096, PIECE = 1 << 20, SLACK = 4 << 20 };

static unsigned long free_bytes(void)
{
	struct sysinfo s;

	CHECK(sysinfo(&s) == 0, "sysinfo: %s", strerror(errno));
	return s.freeram * s.mem_unit;
}

/* So that it is this one which the system chooses; who knows no such file has no choice either. */
static void offer_itself(void)
{
	const int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd >= 0 && write(fd, "1000", 4) != 4) fail("oom_score_adj");
	if (fd >= 0) close(fd);
}

__attribute__((noreturn)) static void take_all(void)
{
	offer_itself();
	for (;;) {
		char *const p = mmap(NULL, PIECE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) _exit(3); /* what cannot be touched should not be refused */
		for (int at = 0; at < PIECE; at += PAGE) p[at] = 1;
	}
}

/* mmap until it is refused, all of it touched; then freed, and once more, as much. */
__attribute__((noreturn)) static void reach_limit(int which, unsigned long bytes)
{
	const struct rlimit limit = { bytes, bytes };
	enum { MOST = 1024 };
	static char *piece[MOST];
	int count[2] = { 0, 0 };

	if (setrlimit(which, &limit) != 0) _exit(4);
	for (int turn = 0; turn < 2; turn++) {
		int n = 0;
		while (n < MOST) {
			piece[n] = mmap(NULL, PIECE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (piece[n] == MAP_FAILED) break;
			for (int at = 0; at < PIECE; at += PAGE) piece[n][at] = (char)n;
			n++;
		}
		if (n == MOST || errno != ENOMEM) _exit(5);
		if ((unsigned long)n * PIECE >= bytes) _exit(6);
		/* A whole piece does not fit; nor may the break grow by one, nor malloc. */
		if (sbrk(2 * PIECE) != (void *)-1 || errno != ENOMEM) _exit(7);
		errno = 0;
		if (malloc(4 * PIECE) != NULL || errno != ENOMEM) _exit(8);
		for (int i = 0; i < n; i++) {
			for (int at = 0; at < PIECE; at += PAGE)
				if (piece[i][at] != (char)i) _exit(9);
			munmap(piece[i], PIECE);
		}
		count[turn] = n;
	}
	_exit(count[0] == count[1] && count[0] > 0 ? 0 : 10);
}

static int in_child(int kind)
{
	int status = 0;
	const pid_t child = fork();

	CHECK(child >= 0, "fork: %s", strerror(errno));
	if (child == 0 && kind == 0) take_all();
	if (child == 0 && kind == 1) reach_limit(RLIMIT_AS, 24 << 20);
	if (child == 0) reach_limit(RLIMIT_DATA, 16 << 20);
	CHECK(waitpid(child, &status, 0) == child, "waitpid: %s", strerror(errno));
	return status;
}

/* What a dead process had comes back soon, if not at once. */
static void check_back(unsigned long before, const char *what)
{
	unsigned long now = free_bytes();

	for (int i = 0; i < 100 && now + SLACK < before; i++) {
		usleep(20000);
		now = free_bytes();
	}
	CHECK(now + SLACK >= before, "%s: %lu KiB are free, of %lu before", what, now >> 10,
	      before >> 10);
}

int main(int count, char **arguments)
{
	const unsigned long times = argument(arguments, "times", 2);
	const unsigned long before = free_bytes();

	(void)count;
	for (unsigned long i = 0; i < times; i++) {
		int status = in_child(0);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "who took all: status %x",
		      status);
		check_back(before, "after who took all");
		status = in_child(1);
		CHECK(status == 0, "a limit on the address space: status %x", status);
		status = in_child(2);
		CHECK(status == 0, "a limit on data: status %x", status);
		check_back(before, "after limits");
	}
	return verdict("all of %lu MiB taken %lu times, killed each time, everything back",
		       before >> 20, times);
}
