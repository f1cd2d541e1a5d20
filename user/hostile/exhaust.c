/*
 * exhaust.c -- every table filled: descriptors, pipes, threads, processes, regions, signals, names,
 * memory of files.  When there is no more, the call says so; then all is given back, and all works.
 *
 * How many there are differs from kernel to kernel; said is how it ends, and what is free after.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

enum { SLACK = 16 << 20, MOST = 1000, REGIONS_MOST = 70000 };

static unsigned long free_bytes(void)
{
	struct sysinfo s;

	sysinfo(&s);
	return s.freeram * s.mem_unit;
}

static void descriptors(void)
{
	int n = 0, p[2];

	while (open("/dev/null", O_RDONLY) >= 0) n++;
	say("descriptors: more than 900: %d, then %s", n > 900, strerrorname_np(errno));
	ANSWER(pipe(p));
	ANSWER(dup(0));
	close(n); /* one of them; 0 to 2 came first */
	ANSWER(pipe(p));
	ANSWER(dup(0) == n);
	say("closed: %d", (int)syscall(SYS_close_range, 3, ~0u, 0) == 0);
	for (int fd = 3; fd < 4096; fd++) close(fd);
	n = 0;
	while (pipe(p) == 0) n++;
	say("pipes: more than 400: %d, then %s", n > 400, strerrorname_np(errno));
	for (int fd = 3; fd < 4096; fd++) close(fd);
}

static pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;

static void *held(void *nothing)
{
	pthread_mutex_lock(&hold);
	pthread_mutex_unlock(&hold);
	return nothing;
}

/* Refused in the end, or at MOST. */
static void threads(void)
{
	static pthread_t t[MOST];
	pthread_attr_t small;
	int n = 0, error = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	pthread_mutex_lock(&hold);
	while (n < MOST && (error = pthread_create(&t[n], &small, held, NULL)) == 0) n++;
	say("threads: more than 100: %d, the end: %d", n > 100, error == 0 || error == EAGAIN);
	pthread_mutex_unlock(&hold);
	for (int i = 0; i < n; i++) pthread_join(t[i], NULL);
	error = pthread_create(&t[0], &small, held, NULL);
	say("one more: %d", error);
	if (error == 0) pthread_join(t[0], NULL);
}

/* A bomb whose pieces all wait, until there is no more; then they are all killed at once. */
static void processes(void)
{
	int n = 0, error = 0, reaped = 0;

	if (fork() != 0) {
		while (wait(NULL) > 0) continue;
		return;
	}
	setpgid(0, 0);
	while (n < MOST) {
		const pid_t p = fork();
		error = errno;
		if (p == 0) {
			for (;;) pause();
		}
		if (p < 0) break;
		n++;
	}
	say("processes: more than 100: %d, the end: %d", n > 100,
	    n == MOST || error == EAGAIN || error == ENOMEM);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM); /* children have what we had when they began: the default */
	while (wait(NULL) > 0) reaped++;
	say("all came back: %d", reaped == n);
	const pid_t again = fork();
	if (again == 0) _exit(0);
	say("one more: %d", again > 0 && waitpid(again, NULL, 0) == again);
	_exit(0);
}

/* Every piece forks on; the depth bounds it where nothing else does. */
static void bomb(void)
{
	const pid_t first = fork();

	if (first == 0) {
		setpgid(0, 0);
		for (int depth = 0; depth < 9; depth++) fork();
		for (;;) pause();
	}
	setpgid(first, first);
	usleep(300000);
	kill(-first, SIGKILL);
	waitpid(first, NULL, 0);
	for (int i = 0; i < 200 && kill(-first, SIGKILL) == 0; i++) usleep(10000);
	say("the bomb is gone: %d", kill(-first, 0) != 0);
}

/* No two neighbours alike, so that none are put together. */
static void regions(void)
{
	const size_t bytes = 2ul * REGIONS_MOST * 4096;
	char *const all =
		mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int n = 0;

	while (n < REGIONS_MOST && mprotect(all + 2ul * (size_t)n * 4096, 4096, PROT_READ) == 0)
		n++;
	say("regions: more than 500: %d, the end: %d", n > 500,
	    n == REGIONS_MOST || errno == ENOMEM);
	say("munmap of all: %d", munmap(all, bytes));
	void *const p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say("one more: %d", p != MAP_FAILED);
	munmap(p, 4096);
}

static void signals(void)
{
	const union sigval value = { .sival_int = 1 };
	sigset_t set;
	int n = 0;

	if (fork() != 0) {
		wait(NULL);
		return;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	const struct rlimit few = { 100, 100 };
	setrlimit(RLIMIT_SIGPENDING, &few);
	while (n < 10000 && sigqueue(getpid(), SIGRTMIN, value) == 0) n++;
	say("queued signals: at most 100: %d, then %s", n <= 100, strerrorname_np(errno));
	_exit(0);
}

/* A path of folders as deep as it goes; then up again. */
static void depth(void)
{
	int n = 0;

	if (mkdir("/tmp/deep", 0700) != 0 || chdir("/tmp/deep") != 0) say("no /tmp/deep");
	while (n < 500 && mkdir("d", 0700) == 0 && chdir("d") == 0) n++;
	say("folders: more than 50: %d", n > 50);
	for (int i = 0; i < n; i++)
		if (chdir("..") != 0 || rmdir("d") != 0)
			say("rmdir %d: %s", i, strerrorname_np(errno));
	if (chdir("/") != 0 || rmdir("/tmp/deep") != 0) say("rmdir: %s", strerrorname_np(errno));
}

static void names(void)
{
	char name[40];
	int n = 0;

	if (mkdir("/tmp/names", 0700) != 0) say("no /tmp/names");
	for (; n < 1000; n++) {
		snprintf(name, sizeof(name), "/tmp/names/%d", n);
		const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0) break;
		close(fd);
	}
	say("names: more than 500: %d", n > 500);
	while (n-- > 0) {
		snprintf(name, sizeof(name), "/tmp/names/%d", n);
		if (unlink(name) != 0) say("unlink %d", n);
	}
	if (rmdir("/tmp/names") != 0) say("rmdir");
}

/* Files may take a share of memory, not all. */
static void file_memory(void)
{
	static char piece[65536];
	const int fd = open("/tmp/large", O_WRONLY | O_CREAT, 0600);
	long bytes = 0, n = 0;

	while (bytes < 2048l << 20 && (n = write(fd, piece, sizeof(piece))) > 0) bytes += n;
	say("a file: more than 1 MiB: %d, the end: %d", bytes > 1 << 20,
	    n < 0 && (errno == ENOSPC || errno == ENOMEM || errno == EFBIG));
	close(fd);
	unlink("/tmp/large");
	char *const p =
		mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(p, 1, 1 << 20);
	munmap(p, 1 << 20);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*fill)(void);
	} all[] = { { "descriptors", descriptors },
		    { "threads", threads },
		    { "processes", processes },
		    { "bomb", bomb },
		    { "regions", regions },
		    { "signals", signals },
		    { "depth", depth },
		    { "names", names },
		    { "file memory", file_memory } };

	for (unsigned i = 0; i < PROBE_COUNT(all); i++) {
		const unsigned long before = free_bytes();
		all[i].fill();
		for (int k = 0; k < 100 && free_bytes() + SLACK < before; k++) usleep(20000);
		say("%s: free memory is back: %d", all[i].name, free_bytes() + SLACK >= before);
	}
	return 0;
}
