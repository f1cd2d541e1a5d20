/*
 * rights.c -- who may do what: permissions by owner, group and others, the sticky bit, what new
 * files get, chroot; and what root may in spite of it.
 *
 * All that changes lies in /tmp/r.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/probe.h"

enum { ANN = 1000, BOB = 1001, STAFF = 50 };

/* The steps by a child that is that user. */
static void as(unsigned uid, unsigned gid, void (*steps)(void))
{
	const pid_t child = fork();

	if (child == 0) {
		if (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
			say("cannot become %u", uid);
		say("as %u:%u", uid, gid);
		steps();
		_exit(0);
	}
	int status = -1;
	waitpid(child, &status, 0);
	say("ended with %d", status);
}

static void make(const char *path, mode_t mode, unsigned uid, unsigned gid)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, "made\n", 5) != 5 || fchown(fd, uid, gid) != 0 ||
	    fchmod(fd, mode) != 0)
		say("cannot make %s", path);
	close(fd);
}

static void folder(const char *path, mode_t mode, unsigned uid, unsigned gid)
{
	if (mkdir(path, 0700) != 0 || chown(path, uid, gid) != 0 || chmod(path, mode) != 0)
		say("cannot make %s", path);
}

static void look(const char *path)
{
	struct stat s;

	if (lstat(path, &s) != 0)
		answer(path, -1);
	else
		say("%s: mode %o, owner %u:%u, links %lu", path, s.st_mode, s.st_uid, s.st_gid,
		    (unsigned long)s.st_nlink);
}

#define OPENS(path, flags)                                    \
	do {                                                  \
		const int opened = open(path, flags, 0644);   \
		answer_done("open " path " " #flags, opened); \
		if (opened >= 0) close(opened);               \
	} while (0)

/* --- opening ---------------------------------------------------------------------------------- */

static void opening(void)
{
	OPENS("/tmp/r/own", O_RDONLY);
	OPENS("/tmp/r/own", O_WRONLY);
	OPENS("/tmp/r/own", O_RDWR);
	OPENS("/tmp/r/roots", O_RDONLY);
	OPENS("/tmp/r/roots", O_WRONLY);
	OPENS("/tmp/r/roots", O_RDONLY | O_TRUNC);
	OPENS("/tmp/r/roots", O_RDONLY | O_NOATIME);
	OPENS("/tmp/r/own", O_RDONLY | O_NOATIME);
	OPENS("/tmp/r/group", O_RDONLY);
	OPENS("/tmp/r/group", O_WRONLY);
	OPENS("/tmp/r/nobodys", O_RDONLY);
	OPENS("/tmp/r/nobodys", O_PATH);
	OPENS("/tmp/r/secret/file", O_RDONLY);
	OPENS("/tmp/r/secret/none", O_RDONLY);
	OPENS("/tmp/r/secret", O_RDONLY);
	OPENS("/tmp/r/secret/..", O_RDONLY);
	OPENS("/tmp/r/secret", O_PATH);
	OPENS("/tmp/r/listed/file", O_RDONLY);
	OPENS("/tmp/r/listed", O_RDONLY);
	OPENS("/tmp/r/passed/file", O_RDONLY);
	OPENS("/tmp/r/passed", O_RDONLY);
	OPENS("/tmp/r/new", O_WRONLY | O_CREAT);
	OPENS("/tmp/r/roots", O_RDONLY | O_CREAT);
	OPENS("/tmp/r/roots", O_RDONLY | O_CREAT | O_EXCL);
	OPENS("/tmp/r/roots/x", O_RDONLY);
	OPENS("/dev/null", O_RDWR);
}

static void reaching(void)
{
	ANSWER(chdir("/tmp/r/secret"));
	ANSWER(chdir("/tmp/r/listed"));
	ANSWER(chdir("/tmp/r/passed"));
	ANSWER(chdir("/tmp/r/roots"));
	int fd = open("/tmp/r/listed", O_RDONLY);
	ANSWER(fchdir(fd));
	close(fd);
	fd = open("/tmp/r/secret", O_PATH);
	ANSWER(fchdir(fd));
	ANSWER(faccessat(fd, "file", F_OK, 0));
	close(fd);
	struct stat s;
	ANSWER(stat("/tmp/r/secret", &s));
	ANSWER(stat("/tmp/r/secret/file", &s));
	ANSWER(access("/tmp/r/own", R_OK | W_OK));
	ANSWER(access("/tmp/r/own", X_OK));
	ANSWER(access("/tmp/r/roots", R_OK));
	ANSWER(access("/tmp/r/roots", W_OK));
	ANSWER(access("/tmp/r/group", W_OK));
	ANSWER(access("/tmp/r/nobodys", F_OK));
	ANSWER(access("/tmp/r/nobodys", R_OK));
	ANSWER(access("/tmp/r/listed", X_OK));
	ANSWER(truncate("/tmp/r/roots", 1));
	ANSWER(truncate("/tmp/r/own", 4));
	char text[8];
	ANSWER(readlink("/tmp/r/secret/link", text, sizeof(text)));
	ANSWER(execl("/tmp/r/own", "own", NULL));
	ANSWER(execl("/tmp/r/secret/file", "file", NULL));
	ANSWER(execl("/tmp/r/roots-program", "program", NULL));
}

static void opening_all(void)
{
	make("/tmp/r/own", 0600, ANN, STAFF);
	make("/tmp/r/roots", 0644, 0, 0);
	make("/tmp/r/roots-program", 0744, 0, 0);
	make("/tmp/r/group", 0464, 0, STAFF);
	make("/tmp/r/nobodys", 0000, ANN, STAFF);
	folder("/tmp/r/secret", 0700, 0, 0);
	make("/tmp/r/secret/file", 0666, ANN, STAFF);
	ANSWER(symlink("file", "/tmp/r/secret/link"));
	folder("/tmp/r/listed", 0744, 0, 0);
	make("/tmp/r/listed/file", 0666, ANN, STAFF);
	folder("/tmp/r/passed", 0711, 0, 0);
	make("/tmp/r/passed/file", 0666, ANN, STAFF);
	as(ANN, STAFF, opening);
	as(BOB, STAFF, opening);
	as(BOB, 60, opening);
	as(ANN, STAFF, reaching);
	as(BOB, 60, reaching);
	say("as root");
	OPENS("/tmp/r/nobodys", O_RDWR);
	ANSWER(access("/tmp/r/nobodys", R_OK | W_OK));
	ANSWER(access("/tmp/r/nobodys", X_OK));
	ANSWER(access("/tmp/r/roots-program", X_OK));
	ANSWER(execl("/tmp/r/own", "own", NULL));
}

/* --- names ------------------------------------------------------------------------------------ */

static void naming(void)
{
	ANSWER(mkdir("/tmp/r/x", 0755));
	ANSWER(mkdir("/tmp/r/roots", 0755));
	ANSWER(symlink("x", "/tmp/r/x"));
	ANSWER(link("/tmp/r/own", "/tmp/r/x"));
	ANSWER(mknod("/tmp/r/x", S_IFREG | 0644, 0));
	ANSWER(mknod("/tmp/r/x", S_IFCHR | 0644, makedev(1, 3)));
	ANSWER(unlink("/tmp/r/own"));
	ANSWER(unlink("/tmp/r/none"));
	ANSWER(rmdir("/tmp/r/passed"));
	ANSWER(rmdir("/tmp/r/own"));
	ANSWER(rename("/tmp/r/own", "/tmp/r/x"));
	ANSWER(rename("/tmp/r/none", "/tmp/r/x"));
	ANSWER(rename("/tmp/r/own", "/tmp/r/open/x"));
	ANSWER(mkdir("/tmp/r/open/a", 0777));
	look("/tmp/r/open/a");
	ANSWER(mknod("/tmp/r/open/b", S_IFREG | 0666, 0));
	look("/tmp/r/open/b");
	ANSWER(mknod("/tmp/r/open/fifo", S_IFIFO | 0666, 0));
	ANSWER(mknod("/tmp/r/open/null", S_IFCHR | 0666, makedev(1, 3)));
	ANSWER(symlink("b", "/tmp/r/open/c"));
	look("/tmp/r/open/c");
	ANSWER(rename("/tmp/r/open/b", "/tmp/r/open/d"));
	ANSWER(rename("/tmp/r/open/d", "/tmp/r/x"));
	ANSWER(rename("/tmp/r/open/a", "/tmp/r/team/a"));
	ANSWER(link("/tmp/r/open/d", "/tmp/r/open/e"));
	ANSWER(link("/tmp/r/roots", "/tmp/r/open/f"));
	ANSWER(link("/tmp/r/open/root", "/tmp/r/open/f"));
	ANSWER(unlink("/tmp/r/open/root"));
	ANSWER(rmdir("/tmp/r/open/a"));
	ANSWER(unlink("/tmp/r/open/c"));
	ANSWER(unlink("/tmp/r/open/d"));
	ANSWER(unlink("/tmp/r/open/e"));
	ANSWER(unlink("/tmp/r/open/fifo"));
	/* A folder that gives its group on. */
	ANSWER(mkdir("/tmp/r/team/in", 0755));
	look("/tmp/r/team/in");
	ANSWER(mknod("/tmp/r/team/file", S_IFREG | 0644, 0));
	look("/tmp/r/team/file");
	ANSWER(rmdir("/tmp/r/team/in"));
	ANSWER(unlink("/tmp/r/team/file"));
}

static void sticky(void)
{
	ANSWER(unlink("/tmp/r/sticky/ann"));
	ANSWER(unlink("/tmp/r/sticky/bob"));
	ANSWER(unlink("/tmp/r/sticky/root"));
	ANSWER(rename("/tmp/r/sticky/root", "/tmp/r/sticky/x"));
	ANSWER(mknod("/tmp/r/sticky/mine", S_IFREG | 0644, 0));
	ANSWER(rename("/tmp/r/sticky/mine", "/tmp/r/sticky/root"));
	ANSWER(rename("/tmp/r/sticky/mine", "/tmp/r/sticky/x"));
	ANSWER(syscall(SYS_renameat2, AT_FDCWD, "/tmp/r/sticky/x", AT_FDCWD, "/tmp/r/sticky/root",
		       2));
	ANSWER(unlink("/tmp/r/sticky/x"));
	ANSWER(rmdir("/tmp/r/sticky/folder"));
	/* Debian's Linux follows nobody's links there, and links to nobody's files. */
	OPENS("/tmp/r/sticky/anns-link", O_RDONLY);
	OPENS("/tmp/r/sticky/roots-link", O_RDONLY);
	ANSWER(access("/tmp/r/sticky/anns-link", R_OK));
	ANSWER(link("/tmp/r/sticky/root", "/tmp/r/open/linked"));
	ANSWER(link("/tmp/r/readable", "/tmp/r/open/linked"));
	ANSWER(link("/tmp/r/writable", "/tmp/r/open/linked"));
	ANSWER(unlink("/tmp/r/open/linked"));
	ANSWER(link("/tmp/r/suid", "/tmp/r/open/linked"));
	OPENS("/tmp/r/sticky/anns-file", O_WRONLY | O_CREAT);
	OPENS("/tmp/r/sticky/anns-fifo", O_RDWR | O_CREAT);
}

static void naming_all(void)
{
	folder("/tmp/r/open", 0777, 0, 0);
	folder("/tmp/r/team", 02775, 0, STAFF);
	make("/tmp/r/open/root", 0600, 0, 0);
	as(ANN, STAFF, naming);
	make("/tmp/r/open/root", 0600, 0, 0);
	as(BOB, 60, naming);
	folder("/tmp/r/sticky", 01777, 0, 0);
	make("/tmp/r/sticky/ann", 0666, ANN, STAFF);
	make("/tmp/r/sticky/bob", 0666, BOB, 60);
	make("/tmp/r/sticky/root", 0644, 0, 0);
	make("/tmp/r/sticky/anns-file", 0666, ANN, STAFF);
	ANSWER(mkfifo("/tmp/r/sticky/anns-fifo", 0666));
	ANSWER(chmod("/tmp/r/sticky/anns-fifo", 0666));
	ANSWER(chown("/tmp/r/sticky/anns-fifo", ANN, STAFF));
	folder("/tmp/r/sticky/folder", 0777, 0, 0);
	ANSWER(symlink("bob", "/tmp/r/sticky/anns-link"));
	ANSWER(lchown("/tmp/r/sticky/anns-link", ANN, STAFF));
	ANSWER(symlink("root", "/tmp/r/sticky/roots-link"));
	make("/tmp/r/readable", 0644, 0, 0);
	make("/tmp/r/writable", 0666, 0, 0);
	make("/tmp/r/suid", 04666, 0, 0);
	make("/tmp/r/sticky/bob", 0666, BOB, 60);
	as(BOB, 60, sticky);
	ANSWER(unlink("/tmp/r/sticky/ann"));
	OPENS("/tmp/r/sticky/anns-link", O_RDONLY);
}

/* --- what a node says of itself --------------------------------------------------------------- */

static void changing(void)
{
	const struct timespec times[2] = { { 5, 6 }, { 7, 8 } };
	const struct timespec omit[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	const struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	const struct timespec mixed[2] = { { 0, UTIME_NOW }, { 0, UTIME_OMIT } };

	ANSWER(chmod("/tmp/r/own", 0640));
	ANSWER(chmod("/tmp/r/own", 02640));
	ANSWER(chmod("/tmp/r/roots", 0600));
	ANSWER(chmod("/tmp/r/other-group", 02755));
	look("/tmp/r/other-group");
	ANSWER(chown("/tmp/r/own", ANN, -1));
	ANSWER(chown("/tmp/r/own", -1, STAFF));
	ANSWER(chown("/tmp/r/own", BOB, -1));
	ANSWER(chown("/tmp/r/own", -1, 60));
	ANSWER(chown("/tmp/r/own", -1, 61));
	ANSWER(chown("/tmp/r/own", -1, -1));
	look("/tmp/r/own");
	ANSWER(chown("/tmp/r/roots", -1, -1));
	ANSWER(chown("/tmp/r/roots", 0, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/r/own", times, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/r/own", NULL, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/r/roots", times, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/r/roots", NULL, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/r/roots", now, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/r/roots", omit, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/r/writable", times, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/r/writable", NULL, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/r/writable", now, 0));
	ANSWER(utimensat(AT_FDCWD, "/tmp/r/writable", mixed, 0));
	ANSWER(mount("none", "/tmp/r/open", "tmpfs", 0, NULL));
	ANSWER(mount("none", "/tmp/r/none", "tmpfs", 0, NULL));
	ANSWER(umount("/tmp/r/open"));
	ANSWER(chroot("/tmp/r/open"));
	ANSWER(chroot("/tmp/r/none"));
	ANSWER(chroot("/tmp/r/secret"));
	int fd = open("/tmp/r/own", O_RDONLY);
	ANSWER(fcntl(fd, F_SETFL, O_NOATIME));
	close(fd);
	fd = open("/tmp/r/roots", O_RDONLY);
	ANSWER(fcntl(fd, F_SETFL, O_NOATIME));
	close(fd);
	/* Whoever writes takes the right to be more than oneself away. */
	fd = open("/tmp/r/suid", O_WRONLY);
	look("/tmp/r/suid");
	ANSWER(write(fd, "x", 1));
	look("/tmp/r/suid");
	close(fd);
	ANSWER(truncate("/tmp/r/suid2", 1));
	look("/tmp/r/suid2");
}

static void changing_all(void)
{
	make("/tmp/r/own", 0600, ANN, STAFF);
	make("/tmp/r/other-group", 0644, ANN, 61);
	make("/tmp/r/suid2", 06677, 0, 0);
	as(ANN, STAFF, changing);
	make("/tmp/r/suid", 04666, 0, 0);
	as(BOB, 60, changing);
	make("/tmp/r/suid", 06777, 0, 0);
	ANSWER(chown("/tmp/r/suid", -1, -1));
	look("/tmp/r/suid");
	make("/tmp/r/suid", 06767, 0, 0);
	ANSWER(chown("/tmp/r/suid", 5, 6));
	look("/tmp/r/suid");
	folder("/tmp/r/suid-folder", 06777, 0, 0);
	ANSWER(chown("/tmp/r/suid-folder", 5, 6));
	look("/tmp/r/suid-folder");
	make("/tmp/r/suid", 06777, 0, 0);
	const int fd = open("/tmp/r/suid", O_WRONLY);
	ANSWER(write(fd, "x", 1));
	close(fd);
	look("/tmp/r/suid");
}

/* --- real and effective ----------------------------------------------------------------------- */

static void borrowed(void)
{
	ANSWER(setresuid(ANN, 0, 0));
	ANSWER(access("/tmp/r/roots-600", R_OK));
	ANSWER(faccessat(AT_FDCWD, "/tmp/r/roots-600", R_OK, AT_EACCESS));
	OPENS("/tmp/r/roots-600", O_RDONLY);
	ANSWER(setresuid(0, ANN, 0));
	ANSWER(access("/tmp/r/roots-600", R_OK));
	ANSWER(faccessat(AT_FDCWD, "/tmp/r/roots-600", R_OK, AT_EACCESS));
	OPENS("/tmp/r/roots-600", O_RDONLY);
	ANSWER(setresuid(-1, 0, -1));
	OPENS("/tmp/r/roots-600", O_RDONLY);
}

/* --- another root ----------------------------------------------------------------------------- */

static void rooted(void)
{
	char text[100];
	struct stat s;

	ANSWER(mkdir("/tmp/r/jail", 0755));
	ANSWER(mkdir("/tmp/r/jail/in", 0755));
	make("/tmp/r/jail/file", 0644, 0, 0);
	ANSWER(symlink("/file", "/tmp/r/jail/in/link"));
	ANSWER(chdir("/tmp/r"));
	const int outside = open("/tmp/r", O_RDONLY);
	ANSWER(chroot("/tmp/r/jail/file"));
	ANSWER(chroot("/tmp/r/jail/none"));
	ANSWER(chroot("/tmp/r/jail"));
	ANSWER(access("/file", F_OK));
	ANSWER(access("/tmp/r/jail/file", F_OK));
	ANSWER(access("/in/link", F_OK));
	ANSWER(access("/../../file", F_OK));
	ANSWER(syscall(SYS_getcwd, text, sizeof(text)));
	say("%s", text);
	ANSWER(access("jail/file", F_OK));
	ANSWER(chdir("/in/.."));
	ANSWER(syscall(SYS_getcwd, text, sizeof(text)));
	say("%s", text);
	ANSWER(access("../file", F_OK));
	ANSWER(fstatat(outside, "roots", &s, 0));
	ANSWER(fstatat(outside, "jail/in/link", &s, 0));
	ANSWER(fchdir(outside));
	ANSWER(chroot("."));
	ANSWER(access("/jail/file", F_OK));
	close(outside);
}

static void masks(void)
{
	ANSWER(umask(027));
	ANSWER(mkdir("/tmp/r/masked", 0777));
	look("/tmp/r/masked");
	const int fd = open("/tmp/r/masked/file", O_WRONLY | O_CREAT, 0666);
	close(fd);
	look("/tmp/r/masked/file");
	ANSWER(mkfifo("/tmp/r/masked/fifo", 0666));
	look("/tmp/r/masked/fifo");
	ANSWER(umask(07777));
	ANSWER(umask(0));
	ANSWER(mkdir("/tmp/r/masked/in", 07777));
	look("/tmp/r/masked/in");
	ANSWER(mknod("/tmp/r/masked/other", S_IFREG | 07777, 0));
	look("/tmp/r/masked/other");
	umask(022);
}

int main(void)
{
	mkdir("/tmp", 0777);
	ANSWER(mkdir("/tmp/r", 0755));
	masks();
	opening_all();
	naming_all();
	changing_all();
	make("/tmp/r/roots-600", 0600, 0, 0);
	as(0, 0, borrowed);
	as(0, 0, rooted);
	return 0;
}
