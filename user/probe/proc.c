/*
 * proc.c -- /proc, as far as programs such as ps, top and free read it.  Numbers differ from kernel
 * to kernel; what is said is whether they can be read as Linux's manual page says, and whether they
 * agree with what system calls answer.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

static char text[65536];

/* All of a file; its length. */
static long slurp(const char *path)
{
	const int fd = open(path, O_RDONLY);
	long length = 0, n = fd < 0 ? -1 : 0;

	while (fd >= 0 && (n = read(fd, text + length, sizeof(text) - 1 - (size_t)length)) > 0)
		length += n;
	text[length] = '\0';
	if (fd < 0 || n < 0) answer(path, -1);
	close(fd);
	return length;
}

/* The number behind a key such as "MemFree:"; -1: no such line. */
static long value_of(const char *key)
{
	const char *at = strstr(text, key);

	return at == NULL || (at != text && at[-1] != '\n') ? -1
							    : strtol(at + strlen(key), NULL, 10);
}

static void memory(void)
{
	slurp("/proc/meminfo");
	const long total = value_of("MemTotal:"), free_ = value_of("MemFree:");
	ANSWER_TRUE(total > 0 && free_ > 0 && free_ < total);
	ANSWER_TRUE(value_of("MemAvailable:") > 0 && value_of("MemAvailable:") <= total);
	ANSWER_TRUE(value_of("Buffers:") >= 0 && value_of("Cached:") >= 0);
	ANSWER_TRUE(value_of("SwapTotal:") == 0 && value_of("SwapFree:") == 0);
	ANSWER_TRUE(strstr(text, "kB\n") != NULL);
	enum { MIB = 1 << 20 };
	char *p = mmap(NULL, 20 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 20 * MIB; i += 4096) p[i] = 1;
	slurp("/proc/meminfo");
	const long less = free_ - value_of("MemFree:");
	say("20 MiB more in use: %d", less > 19000 && less < 22000);
	munmap(p, 20 * MIB);
	slurp("/proc/meminfo");
	const long again = free_ - value_of("MemFree:");
	say("and free again: %d", again < 1000 && again > -1000);
}

static void times(void)
{
	double up = -1, idle = -1;
	char end = 0;

	slurp("/proc/uptime");
	say("fields %d", sscanf(text, "%lf %lf%c", &up, &idle, &end));
	ANSWER_TRUE(up > 0 && idle >= 0 && end == '\n');
	slurp("/proc/stat");
	unsigned long t[10];
	say("cpu: fields %d",
	    sscanf(text, "cpu  %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu", &t[0], &t[1], &t[2], &t[3],
		   &t[4], &t[5], &t[6], &t[7], &t[8], &t[9]));
	ANSWER_TRUE(strstr(text, "\ncpu0 ") != NULL);
	ANSWER_TRUE(value_of("btime ") > 0 || value_of("btime ") == 0);
	ANSWER_TRUE(value_of("processes ") > 0 && value_of("procs_running ") >= 1 &&
		    value_of("procs_blocked ") >= 0 && value_of("ctxt ") > 0);
	slurp("/proc/loadavg");
	double load[3];
	int run, all, last;
	say("loadavg: fields %d",
	    sscanf(text, "%lf %lf %lf %d/%d %d", &load[0], &load[1], &load[2], &run, &all, &last));
}

/* Fields of /proc/PID/stat behind the name, by the manual page's numbers. */
static long long stat_field(int wanted)
{
	const char *at = strrchr(text, ')');

	for (int n = 2; at != NULL && n < wanted - 1; n++) at = strchr(at + 1, ' ');
	return at == NULL ? -1 : strtoll(strchr(at + 1, ' '), NULL, 10);
}

static void own_stat(void)
{
	char state = 0;
	int pid = 0, fields = 2;

	prctl(PR_SET_NAME, "a (b) c");
	const long length = slurp("/proc/self/stat");
	ANSWER_TRUE(length > 0 && text[length - 1] == '\n');
	ANSWER_TRUE(sscanf(text, "%d (a (b) c) %c", &pid, &state) == 2 && pid == getpid());
	say("state %c", state);
	for (const char *at = strrchr(text, ')'); at != NULL && *at != '\0'; at++)
		fields += *at == ' ';
	say("fields %d", fields);
	ANSWER_TRUE(stat_field(4) == getppid() && stat_field(5) == getpgrp() &&
		    stat_field(6) == getsid(0));
	ANSWER_TRUE(stat_field(20) == 1);
	ANSWER_TRUE(stat_field(23) > 100000 && stat_field(24) > 10);
	ANSWER_TRUE(stat_field(18) == 20 && stat_field(19) == 0);
	prctl(PR_SET_NAME, "proc");
	slurp("/proc/self/comm");
	say("comm %s", strtok(text, "\n"));
}

static void own_status(void)
{
	slurp("/proc/self/status");
	ANSWER_TRUE(strstr(text, "Name:\tproc\n") != NULL);
	ANSWER_TRUE(strstr(text, "State:\tR (running)\n") != NULL);
	ANSWER_TRUE(value_of("Pid:") == getpid() && value_of("Tgid:") == getpid() &&
		    value_of("PPid:") == getppid());
	ANSWER_TRUE(value_of("Uid:") == 0 && value_of("Gid:") == 0 && value_of("Threads:") == 1);
	ANSWER_TRUE(value_of("VmSize:") > 100 && value_of("VmRSS:") > 10 &&
		    value_of("VmRSS:") <= value_of("VmSize:"));
	ANSWER_TRUE(value_of("VmPeak:") >= value_of("VmSize:") &&
		    value_of("VmHWM:") >= value_of("VmRSS:"));
	const long size = value_of("VmSize:");
	void *p = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	slurp("/proc/self/status");
	say("a MiB more: %ld kB", value_of("VmSize:") - size);
	munmap(p, 1 << 20);
}

static void own_lines(void)
{
	const long length = slurp("/proc/self/cmdline");

	say("cmdline: %ld bytes, '%s'", length, text);
	memset(text, 0, 100);
	ANSWER(readlink("/proc/self/exe", text, 100));
	say("exe: %s", text);
	char pid[20] = "";
	if (readlink("/proc/self", pid, sizeof(pid) - 1) < 0) say("no /proc/self");
	ANSWER_TRUE(atoi(pid) == getpid());
	ANSWER(access("/proc/99999", F_OK));
	ANSWER(access("/proc/none", F_OK));
	ANSWER(open("/proc/99999/stat", O_RDONLY));
	ANSWER(mkdir("/proc/x", 0755));
	ANSWER(open("/proc/x", O_CREAT | O_WRONLY, 0644));
	struct stat s;
	ANSWER(stat("/proc/meminfo", &s));
	say("mode %o, size %ld", s.st_mode, (long)s.st_size);
	ANSWER(stat("/proc/self/", &s));
	say("mode %o", s.st_mode);
}

/* A line of maps that covers an address; "rw-p" and what it is called. */
static void say_map(const char *what, const void *address)
{
	slurp("/proc/self/maps");
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		unsigned long start, end, offset, inode;
		unsigned major, minor;
		char rights[5] = "", name[100] = "";
		const int n = sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %99s", &start, &end, rights,
				     &offset, &major, &minor, &inode, name);
		if (n < 7 || (uintptr_t)address < start || (uintptr_t)address >= end) continue;
		say("%s: %s '%s', a file %d", what, rights, name, inode != 0);
		return;
	}
	say("%s: not there", what);
}

static int data = 5;

static void maps(void)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *s = mmap(NULL, 4096, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const int fd = open("/etc/run", O_RDONLY);
	void *f = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	say_map("text", (const void *)(uintptr_t)maps);
	say_map("data", &data);
	say_map("stack", &p);
	say_map("heap", sbrk(0) - 1);
	say_map("a mapping", p);
	say_map("a file", f);
	slurp("/proc/self/maps");
	ANSWER_TRUE(strstr(text, "[stack]") != NULL);
	munmap(p, 4096);
	munmap(s, 4096);
	munmap(f, 4096);
	close(fd);
}

static void others(void)
{
	int gate[2], status, own = 0, first = 0, other = 0;
	char path[40];

	if (pipe(gate) != 0) return;
	const pid_t child = fork();
	if (child == 0) {
		char byte;
		close(gate[1]);
		prctl(PR_SET_NAME, "child");
		if (read(gate[0], &byte, 1) != 0) _exit(1);
		_exit(0);
	}
	close(gate[0]);
	usleep(50000);
	DIR *d = opendir("/proc");
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		const int pid = isdigit((unsigned char)e->d_name[0]) ? atoi(e->d_name) : 0;
		own += pid == getpid();
		first += pid == 1;
		other += pid == child;
	}
	closedir(d);
	say("listed: own %d, first %d, child %d", own, first, other);
	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	slurp(path);
	char *at = strchr(text, '(');
	say("the child: %.9s", at == NULL ? "?" : at);
	close(gate[1]);
	usleep(50000);
	slurp(path);
	at = strchr(text, '(');
	say("a zombie: %.9s", at == NULL ? "?" : at);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", child, child);
	slurp(path);
	at = strchr(text, '(');
	say("as a task: %.9s", at == NULL ? "?" : at);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", child);
	say("its cmdline: %ld", slurp(path));
	snprintf(path, sizeof(path), "/proc/%d/maps", child);
	say("its maps: %ld", slurp(path));
	waitpid(child, &status, 0);
	say("gone: %d", access(path, F_OK));
}

/* A file that is open while its process ends. */
static void outlived(void)
{
	char path[40], byte;
	int gate[2];

	if (pipe(gate) != 0) return;
	const pid_t child = fork();
	if (child == 0) {
		close(gate[1]);
		_exit((int)read(gate[0], &byte, 1));
	}
	close(gate[0]);
	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	const int fd = open(path, O_RDONLY);
	close(gate[1]);
	waitpid(child, NULL, 0);
	ANSWER(read(fd, text, 10));
	close(fd);
}

int main(void)
{
	memory();
	times();
	own_stat();
	own_status();
	own_lines();
	maps();
	others();
	outlived();
	return 0;
}
