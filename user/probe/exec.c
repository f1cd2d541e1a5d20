/*
 * exec.c -- becoming another program: what is refused, what it finds, what is kept and what is not.
 *
 * The other program is this one, told by its first argument what to look at.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

extern char **environ;

static char *const no_environment[] = { NULL };

/* --- the other program ------------------------------------------------------------------------ */

static void shows_arguments(int count, char **arguments)
{
	say("%d arguments", count);
	for (int i = 0; i < count; i++) say("  '%.40s', %zu", arguments[i], strlen(arguments[i]));
	for (char **e = environ; *e != NULL; e++) say("  environment '%s'", *e);
	ANSWER_TRUE((uintptr_t)__builtin_frame_address(0) % 16 == 0);
	ANSWER_TRUE(getauxval(AT_ENTRY) != 0 && getauxval(AT_PHNUM) > 0);
	say("AT_EXECFN '%s'", (const char *)getauxval(AT_EXECFN));
}

static void shows_kept(void)
{
	sigset_t set;
	struct sigaction act;
	struct rlimit r;
	char name[20], where[100];

	for (int fd = 3; fd < 6; fd++) answer("descriptor", fcntl(fd, F_GETFD));
	sigprocmask(SIG_BLOCK, NULL, &set);
	say("USR1 blocked %d", sigismember(&set, SIGUSR1));
	sigpending(&set);
	say("USR1 pending %d", sigismember(&set, SIGUSR1));
	sigaction(SIGUSR2, NULL, &act);
	say("a handler became the default: %d", act.sa_handler == SIG_DFL);
	sigaction(SIGHUP, NULL, &act);
	say("ignored stays so: %d", act.sa_handler == SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &r);
	say("limit %lu", (unsigned long)r.rlim_cur);
	prctl(PR_GET_NAME, name);
	say("name %s, in %s, umask %o", name, getcwd(where, sizeof(where)), umask(0));
	stack_t stack;
	sigaltstack(NULL, &stack);
	say("other stack: flags %d", stack.ss_flags);
	say("alarm is kept: %d", alarm(0) > 0);
}

/* --- this program ----------------------------------------------------------------------------- */

static void write_file(const char *path, const void *bytes, size_t count, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	if (write(fd, bytes, count) != (ssize_t)count) say("cannot write %s", path);
	fchmod(fd, mode);
	close(fd);
}

static void try_file(const char *what, const void *bytes, size_t count)
{
	char *const arguments[] = { "/tmp/file", NULL };
	int status = 0;

	write_file("/tmp/file", bytes, count, 0755);
	if (fork() == 0) {
		execve("/tmp/file", arguments, no_environment);
		answer(what, -1);
		_exit(1);
	}
	wait(&status);
	if (status != 0x100) say("%s: status %x", what, status);
}

static void refused(void)
{
	char *const arguments[] = { "x", NULL };

	ANSWER(execve("/none", arguments, no_environment));
	ANSWER(execve("/etc", arguments, no_environment));
	ANSWER(execve("/etc/run/x", arguments, no_environment));
	ANSWER(execve("", arguments, no_environment));
	ANSWER(execve("/etc/run", arguments, no_environment));
	ANSWER(syscall(SYS_execve, BAD, arguments, no_environment));
	ANSWER(syscall(SYS_execve, "/probe/exec", BAD, no_environment));
	ANSWER(syscall(SYS_execve, "/probe/exec", arguments, BAD));
	char *const bad_argument[] = { "x", BAD, NULL };
	ANSWER(execve("/probe/exec", bad_argument, no_environment));
	static char long_argument[140000];
	memset(long_argument, 'l', sizeof(long_argument) - 1);
	char *const too_long[] = { "x", long_argument, NULL };
	ANSWER(execve("/probe/exec", too_long, no_environment));
}

static void no_programs(void)
{
	static unsigned char elf[4096];
	const int fd = open("/probe/exec", O_RDONLY);

	try_file("an empty file", "", 0);
	try_file("text", "hello\n", 6);
	try_file("a script of what is not there", "#!/none\n", 8);
	try_file("a script of nothing", "#!\n", 3);
	if (read(fd, elf, sizeof(elf)) != sizeof(elf)) say("cannot read this program");
	close(fd);
	Elf64_Ehdr *const head = (void *)elf;
	try_file("only its first page", elf, sizeof(elf));
	try_file("only its head", elf, 64);
	try_file("half of its head", elf, 32);
	head->e_machine = EM_X86_64;
	try_file("for another machine", elf, sizeof(elf));
	head->e_machine = EM_AARCH64;
	head->e_type = ET_REL;
	try_file("an object file", elf, sizeof(elf));
	head->e_type = ET_EXEC;
	head->e_phnum = 0;
	try_file("without segments", elf, sizeof(elf));
	head->e_phnum = 1;
	head->e_phentsize = 1;
	try_file("segments of a wrong size", elf, sizeof(elf));
	head->e_phentsize = sizeof(Elf64_Phdr);
	head->e_phoff = 1ull << 40;
	try_file("segments beyond the file", elf, sizeof(elf));
	unlink("/tmp/file");
}

static void run(char **arguments, char *const *environment)
{
	int status = 0;

	if (fork() == 0) {
		execve("/probe/exec", arguments, environment);
		answer("execve", -1);
		_exit(1);
	}
	wait(&status);
	say("status %x", status);
}

static void arguments(void)
{
	static char longer[100000];
	char *const environment[] = { "A=1", "EMPTY=", NULL };

	memset(longer, 'x', sizeof(longer) - 1);
	run((char *[]){ "name", "arguments", "", "two words", longer, NULL }, environment);
	run((char *[]){ "name", "arguments", NULL }, no_environment);
	run((char *[]){ NULL }, no_environment);
}

static void scripts(void)
{
	static const char script[] = "#!/probe/exec arguments one  two \necho\n";

	char *const with[] = { "ignored", "more", NULL };
	int status = 0;

	write_file("/tmp/script", script, sizeof(script) - 1, 0755);
	if (fork() == 0) {
		execve("/tmp/script", with, no_environment);
		answer("a script", -1);
		_exit(1);
	}
	wait(&status);
	say("status %x", status);
	chmod("/tmp/script", 0644);
	if (fork() == 0) {
		execve("/tmp/script", with, no_environment);
		answer("a script that may not be run", -1);
		_exit(1);
	}
	wait(&status);
	unlink("/tmp/script");
}

static void on_signal(int signal)
{
	(void)signal;
}

static void *waits(void *nothing)
{
	for (;;) pause();
	return nothing;
}

/* Everything that a program may leave behind for the next one. */
static void kept(void)
{
	static char other[65536];
	const stack_t stack = { .ss_sp = other, .ss_size = sizeof(other) };
	const struct rlimit limit = { 77, 1024 };
	char *const arguments_[] = { "name", "kept", NULL };
	pthread_t t;
	sigset_t set;
	int status = 0;

	if (fork() != 0) {
		wait(&status);
		say("status %x", status);
		return;
	}
	if (open("/etc/run", O_RDONLY) != 3 || open("/etc/run", O_RDONLY | O_CLOEXEC) != 4 ||
	    dup3(3, 5, 0) != 5)
		say("descriptors");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	signal(SIGUSR2, on_signal);
	signal(SIGHUP, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &limit);
	prctl(PR_SET_NAME, "before");
	if (chdir("/etc") != 0) say("chdir");
	umask(027);
	sigaltstack(&stack, NULL);
	alarm(50);
	for (int i = 0; i < 3; i++) pthread_create(&t, NULL, waits, NULL);
	execve("/probe/exec", arguments_, no_environment);
	_exit(1);
}

/* A thread that is not the first becomes the program; the process keeps its id. */
static pid_t was;

static void *execs(void *arguments_)
{
	execve("/probe/exec", arguments_, no_environment);
	return NULL;
}

static void by_a_thread(void)
{
	char pid[20];
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		pthread_t t;
		was = getpid();
		snprintf(pid, sizeof(pid), "%d", was);
		char *const words[] = { "name", "pid", pid, NULL };
		pthread_create(&t, NULL, execs, (void *)words);
		for (;;) pause();
	}
	say("the child: %d", waitpid(child, &status, 0) == child);
	say("status %x", status);
}

int main(int count, char **words)
{
	const struct rlimit none = { 0, 0 };

	if (count > 1 && strcmp(words[1], "kept") == 0) return shows_kept(), 0;
	if (count > 1 && strcmp(words[1], "pid") == 0)
		return say("same pid %d, same tid %d", getpid() == atoi(words[2]),
			   gettid() == atoi(words[2])),
		       0;
	if (getpid() == 1 || getenv("PATH") == NULL) return shows_arguments(count, words), 3;
	setrlimit(RLIMIT_CORE, &none);
	refused();
	no_programs();
	arguments();
	scripts();
	kept();
	by_a_thread();
	return 0;
}
