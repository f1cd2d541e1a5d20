/*
 * lent.c -- programs that run as their owner, or in their group, whoever runs them: set-user-ID and
 * set-group-ID, and what else changes with that.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

enum { USER = 1000, GROUP = 1001, OTHER = 2000, OTHERS = 2001 };

/* What the program says of itself. */
static int tell(const char *what)
{
	uid_t uid, acts, saved;
	gid_t gid, group_acts, group_saved;
	struct rlimit stack;
	int death = 0;

	getresuid(&uid, &acts, &saved);
	getresgid(&gid, &group_acts, &group_saved);
	say("%s: user %u %u %u, group %u %u %u", what, uid, acts, saved, gid, group_acts,
	    group_saved);
	say("  told: %lu %lu, %lu %lu, secure %lu", getauxval(AT_UID), getauxval(AT_EUID),
	    getauxval(AT_GID), getauxval(AT_EGID), getauxval(AT_SECURE));
	prctl(PR_GET_PDEATHSIG, &death);
	getrlimit(RLIMIT_STACK, &stack);
	say("  dumpable %d, signal at parent's death %d, stack %lu", prctl(PR_GET_DUMPABLE), death,
	    (unsigned long)stack.rlim_cur);
	const int fd = open("/tmp/lent-file", O_CREAT | O_RDWR | O_TRUNC, 0600);
	struct stat s;
	if (fd >= 0 && fstat(fd, &s) == 0)
		say("  makes files of %u, %u", s.st_uid, s.st_gid);
	else
		answer("  makes files", -1);
	close(fd);
	return 0;
}

static void copy(const char *to)
{
	const int from = open("/proc/self/exe", O_RDONLY);
	const int fd = open(to, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	struct stat s;

	fstat(from, &s);
	off_t left = s.st_size;
	while (left > 0) {
		const ssize_t n = sendfile(fd, from, NULL, (size_t)left);
		if (n <= 0) break;
		left -= n;
	}
	say("copied: %d", left == 0);
	close(from);
	close(fd);
}

struct how {
	const char *what;
	mode_t mode;
	uid_t real, acts;
	gid_t group, group_acts;
	int no_new;
	const char *path;
};

static void as(const struct how *how)
{
	const char *path = how->path != NULL ? how->path : "/tmp/lent";
	const struct rlimit large = { 64 << 20, RLIM_INFINITY };

	chown("/tmp/lent", OTHER, OTHERS);
	chmod("/tmp/lent", how->mode);
	unlink("/tmp/lent-file");
	const pid_t child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_STACK, &large);
		setresgid(how->group, how->group_acts, how->group_acts);
		setresuid(how->real, how->acts, how->acts);
		if (how->no_new) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		prctl(PR_SET_DUMPABLE, 1);
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		execl(path, path, how->what, NULL);
		answer(how->what, -1);
		_exit(1);
	}
	int status;
	waitpid(child, &status, 0);
	if (status != 0) say("%s: status %x", how->what, status);
}

static void programs(void)
{
	static const struct how all[] = {
		{ .what = "plain", .mode = 0755, USER, USER, GROUP, GROUP },
		{ .what = "user", .mode = 04755, USER, USER, GROUP, GROUP },
		{ .what = "group", .mode = 02755, USER, USER, GROUP, GROUP },
		{ .what = "both", .mode = 06755, USER, USER, GROUP, GROUP },
		{ .what = "group without execution", .mode = 02745, USER, USER, GROUP, GROUP },
		{ .what = "no new rights", .mode = 06755, USER, USER, GROUP, GROUP, .no_new = 1 },
		{ .what = "its owner", .mode = 06755, OTHER, OTHER, OTHERS, OTHERS },
		{ .what = "root", .mode = 06755, 0, 0, 0, 0 },
		{ .what = "who acts as another", .mode = 0755, USER, OTHER, GROUP, GROUP },
		{ .what = "in another group", .mode = 0755, USER, USER, GROUP, OTHERS },
		{ .what = "back to oneself", .mode = 04755, OTHER, USER, GROUP, GROUP },
		{ .what = "not readable", .mode = 04711, USER, USER, GROUP, GROUP },
		{ .what = "not readable, plain", .mode = 0711, USER, USER, GROUP, GROUP },
		{ .what = "not executable", .mode = 04644, USER, USER, GROUP, GROUP },
	};

	for (unsigned i = 0; i < PROBE_COUNT(all); i++) as(&all[i]);
}

/* A script's own bits do not count; those of what runs it do. */
static void scripts(void)
{
	static const char text[] = "#!/tmp/lent script\n";
	const struct how plain = {
		.what = "x", .mode = 0755, USER, USER, GROUP, GROUP, .path = "/tmp/lent-script"
	};
	struct how lent = plain;
	const int fd = open("/tmp/lent-script", O_CREAT | O_WRONLY | O_TRUNC, 0755);

	write(fd, text, sizeof(text) - 1);
	close(fd);
	chown("/tmp/lent-script", 0, 0);
	chmod("/tmp/lent-script", 06755);
	as(&plain);
	lent.mode = 06755;
	as(&lent);
}

/* To root, and what it may then. */
static void to_root(void)
{
	chown("/tmp/lent", 0, 0);
	chmod("/tmp/lent", 04755);
	const pid_t child = fork();
	if (child == 0) {
		setresgid(GROUP, GROUP, GROUP);
		setresuid(USER, USER, USER);
		execl("/tmp/lent", "/tmp/lent", "to root", NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
}

/* What takes rights away again: another writes so many bytes from there. */
static void writes(const char *what, const void *from, size_t bytes)
{
	struct stat s;

	chown("/tmp/lent", OTHER, OTHERS);
	chmod("/tmp/lent", 06777);
	const pid_t child = fork();
	if (child == 0) {
		setresgid(GROUP, GROUP, GROUP);
		setresuid(USER, USER, USER);
		const int fd = open("/tmp/lent", O_WRONLY | O_APPEND);
		write(fd, from, bytes);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	stat("/tmp/lent", &s);
	say("after another wrote %s: %o", what, s.st_mode);
}

static void lost(void)
{
	writes("a byte", "x", 1);
	writes("nothing", "x", 0);
	writes("what it has not got", (const void *)8, 1);
}

int main(int argc, char **argv)
{
	if (argc > 1) return tell(argv[1]);
	mkdir("/tmp", 01777);
	chmod("/tmp", 01777);
	copy("/tmp/lent");
	programs();
	scripts();
	to_root();
	lost();
	unlink("/tmp/lent");
	unlink("/tmp/lent-script");
	unlink("/tmp/lent-file");
	return 0;
}
