/*
 * abi_file.h -- files, for abi.h: how they are opened, looked at, listed, controlled, waited for.
 * Numbers in octal where Linux's headers have them so.
 */
#ifndef KERNEL_ABI_FILE_H
#define KERNEL_ABI_FILE_H

#include <stdint.h>

/* --- opening; those of AArch64 where they differ from the generic ones ------------------------ */

enum {
	O_RDONLY = 0,
	O_WRONLY = 1,
	O_RDWR = 2,
	O_ACCMODE = 3,
	O_CREAT = 0100,
	O_EXCL = 0200,
	O_NOCTTY = 0400,
	O_TRUNC = 01000,
	O_APPEND = 02000,
	O_NONBLOCK = 04000,
	O_DSYNC = 010000,
	O_ASYNC = 020000,
	O_DIRECTORY = 040000,
	O_NOFOLLOW = 0100000,
	O_DIRECT = 0200000,
	O_LARGEFILE = 0400000,
	O_NOATIME = 01000000,
	O_CLOEXEC = 02000000,
	O_SYNC = 04000000 | O_DSYNC,
	O_PATH = 010000000,
	O_TMPFILE = 020000000 | O_DIRECTORY,
};

enum {
	AT_FDCWD = -100,
	AT_SYMLINK_NOFOLLOW = 0x100,
	AT_REMOVEDIR = 0x200, /* of unlinkat */
	AT_EACCESS = 0x200,   /* of faccessat2 */
	AT_SYMLINK_FOLLOW = 0x400,
	AT_NO_AUTOMOUNT = 0x800,
	AT_EMPTY_PATH = 0x1000,
};

enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 }; /* X_OK ... of faccessat */

enum { WHENCE_SET, WHENCE_CUR, WHENCE_END, WHENCE_DATA, WHENCE_HOLE }; /* SEEK_SET ... */

enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2, RENAME_WHITEOUT = 4 };

enum {
	F_DUPFD = 0,
	F_GETFD = 1,
	F_SETFD = 2,
	F_GETFL = 3,
	F_SETFL = 4,
	F_GETLK = 5,
	F_SETLK = 6,
	F_SETLKW = 7,
	F_SETOWN = 8,
	F_GETOWN = 9,
	F_OFD_GETLK = 36,
	F_OFD_SETLK = 37,
	F_OFD_SETLKW = 38,
	F_DUPFD_CLOEXEC = 1030,
	F_SETPIPE_SZ = 1031,
	F_GETPIPE_SZ = 1032,
	FD_CLOEXEC = 1,
};

enum { F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2 };              /* of struct flock */
enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 }; /* of flock() */

/* struct flock */
struct abi_flock {
	int16_t type, whence;
	int32_t pad1;
	int64_t start, length; /* 0: to the end, wherever that is; below 0: before `start` */
	int32_t pid, pad2;
};
_Static_assert(sizeof(struct abi_flock) == 32, "struct flock of AArch64");

enum { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 };

enum { PATH_BYTES = 4096, NAME_BYTES_MAX = 255 }; /* PATH_MAX with its end; NAME_MAX without */

/* --- looking ---------------------------------------------------------------------------------- */

enum {
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
	S_IFLNK = 0120000,
	S_IFREG = 0100000,
	S_IFBLK = 0060000,
	S_IFDIR = 0040000,
	S_IFCHR = 0020000,
	S_IFIFO = 0010000,
	S_ISUID = 04000,
	S_ISGID = 02000,
	S_ISVTX = 01000,
	S_PERMISSIONS = 07777,
};

/* struct stat */
struct file_stat {
	uint64_t dev, ino;
	uint32_t mode, nlink;
	uint32_t uid, gid;
	uint64_t rdev, pad1;
	int64_t size;
	int32_t blksize, pad2;
	int64_t blocks; /* of 512 bytes */
	int64_t atime_s;
	uint64_t atime_ns;
	int64_t mtime_s;
	uint64_t mtime_ns;
	int64_t ctime_s;
	uint64_t ctime_ns;
	uint32_t unused[2];
};
_Static_assert(sizeof(struct file_stat) == 128, "struct stat of AArch64");

struct abi_statx_time {
	int64_t s;
	uint32_t ns;
	int32_t pad;
};

struct abi_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	struct abi_statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint32_t dio_mem_align, dio_offset_align;
	uint64_t spare[12];
};
_Static_assert(sizeof(struct abi_statx) == 256, "struct statx");

enum { STATX_BASIC_STATS = 0x7ff, STATX_BTIME = 0x800, STATX_MNT_ID = 0x1000 };

struct abi_statfs {
	int64_t type, bsize;
	uint64_t blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	int64_t namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct abi_statfs) == 120, "struct statfs");

/* One of getdents64; its name, with an end, follows, and the whole is a multiple of 8. */
struct abi_dirent {
	uint64_t ino;
	int64_t next; /* where the one behind it stands: for lseek */
	uint16_t bytes;
	uint8_t type; /* DT_... */
	char name[5];
};
enum { DIRENT_NAME = 19 }; /* where the name begins */
_Static_assert(__builtin_offsetof(struct abi_dirent, name) == DIRENT_NAME, "struct dirent64");

enum { DT_UNKNOWN = 0, DT_FIFO = 1, DT_CHR = 2, DT_DIR = 4, DT_BLK = 6, DT_REG = 8, DT_LNK = 10 };

struct abi_iovec {
	uint64_t base, bytes;
};
enum { IOV_COUNT_MAX = 1024 };              /* UIO_MAXIOV */
#define RW_COUNT_MAX ((uint64_t)0x7ffff000) /* bytes that one read or write moves at most */

/* --- waiting ---------------------------------------------------------------------------------- */

enum {
	POLLIN = 0x1,
	POLLPRI = 0x2,
	POLLOUT = 0x4,
	POLLERR = 0x8,
	POLLHUP = 0x10,
	POLLNVAL = 0x20,
	POLLRDNORM = 0x40,
	POLLRDBAND = 0x80,
	POLLWRNORM = 0x100,
	POLLWRBAND = 0x200,
	POLLRDHUP = 0x2000,
};

struct abi_pollfd {
	int32_t fd;
	uint16_t events, revents;
};
_Static_assert(sizeof(struct abi_pollfd) == 8, "struct pollfd");

enum { FD_SET_BITS = 1024 };

/* --- terminals -------------------------------------------------------------------------------- */

enum {
	TCGETS = 0x5401,
	TCSETS = 0x5402,
	TCSETSW = 0x5403,
	TCSETSF = 0x5404,
	TCSBRK = 0x5409,
	TCXONC = 0x540a,
	TCFLSH = 0x540b,
	TIOCEXCL = 0x540c,
	TIOCNXCL = 0x540d,
	TIOCSCTTY = 0x540e,
	TIOCGPGRP = 0x540f,
	TIOCSPGRP = 0x5410,
	TIOCOUTQ = 0x5411,
	TIOCSTI = 0x5412,
	TIOCGWINSZ = 0x5413,
	TIOCSWINSZ = 0x5414,
	FIONREAD = 0x541b,
	FIONBIO = 0x5421,
	TIOCNOTTY = 0x5422,
	TIOCGSID = 0x5429,
	FIONCLEX = 0x5450,
	FIOCLEX = 0x5451,
	FIOASYNC = 0x5452,
};

enum { TCOOFF, TCOON, TCIOFF, TCION };  /* of TCXONC */
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH }; /* of TCFLSH */

enum { TERMINAL_CHARS = 19 };

/* struct termios as the kernel has it */
struct abi_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[TERMINAL_CHARS];
};
_Static_assert(sizeof(struct abi_termios) == 36, "the kernel's struct termios");

struct abi_winsize {
	uint16_t rows, columns, x_pixels, y_pixels;
};

/* Which of cc is what. */
enum {
	VINTR,
	VQUIT,
	VERASE,
	VKILL,
	VEOF,
	VTIME,
	VMIN,
	VSWTC,
	VSTART,
	VSTOP,
	VSUSP,
	VEOL,
	VREPRINT,
	VDISCARD,
	VWERASE,
	VLNEXT,
	VEOL2,
};

enum { /* iflag */
       IGNBRK = 01,
       BRKINT = 02,
       IGNPAR = 04,
       PARMRK = 010,
       INPCK = 020,
       ISTRIP = 040,
       INLCR = 0100,
       IGNCR = 0200,
       ICRNL = 0400,
       IUCLC = 01000,
       IXON = 02000,
       IXANY = 04000,
       IXOFF = 010000,
       IMAXBEL = 020000,
       IUTF8 = 040000,
};

enum { OPOST = 01, OLCUC = 02, ONLCR = 04, OCRNL = 010, ONOCR = 020, ONLRET = 040 }; /* oflag */

enum { /* cflag */
       CBAUD = 010017,
       B38400 = 017,
       B115200 = 010002,
       CSIZE = 060,
       CS8 = 060,
       CSTOPB = 0100,
       CREAD = 0200,
       PARENB = 0400,
       HUPCL = 02000,
       CLOCAL = 04000,
};

enum { /* lflag */
       ISIG = 01,
       ICANON = 02,
       ECHO = 010,
       ECHOE = 020,
       ECHOK = 040,
       ECHONL = 0100,
       NOFLSH = 0200,
       TOSTOP = 0400,
       ECHOCTL = 01000,
       ECHOPRT = 02000,
       ECHOKE = 04000,
       FLUSHO = 010000,
       PENDIN = 040000,
       IEXTEN = 0100000,
};

#endif
