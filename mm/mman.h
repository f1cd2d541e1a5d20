/*
 * mman.h -- the numbers of Linux's memory calls on AArch64: arguments; and all errors.
 *
 * From the kernel's own uapi headers (include/uapi/asm-generic/mman-common.h, errno-base.h).  Calls
 * answer 0 or a positive value when they worked, and one of the errors, negated, when not; then
 * nothing was changed, except where Linux says that part of a range may have been.
 */
#ifndef MM_MMAN_H
#define MM_MMAN_H

enum {
	PROT_NONE = 0,
	PROT_READ = 1,
	PROT_WRITE = 2,
	PROT_EXEC = 4,
	PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXEC,
	PROT_SEM = 8, /* taken, and without effect */
	PROT_GROWSDOWN = 0x01000000,
	PROT_GROWSUP = 0x02000000,
};

enum {
	MAP_SHARED = 0x01,
	MAP_PRIVATE = 0x02,
	MAP_SHARED_VALIDATE = 0x03,
	MAP_TYPE = 0x0f, /* the bits that these three stand in */
	MAP_FIXED = 0x10,
	MAP_ANONYMOUS = 0x20,
	MAP_GROWSDOWN = 0x0100,
	MAP_DENYWRITE = 0x0800,
	MAP_EXECUTABLE = 0x1000,
	MAP_LOCKED = 0x2000,
	MAP_NORESERVE = 0x4000,
	MAP_POPULATE = 0x8000,
	MAP_NONBLOCK = 0x10000,
	MAP_STACK = 0x20000,
	MAP_HUGETLB = 0x40000,
	MAP_FIXED_NOREPLACE = 0x100000,
};

enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 };

enum {
	MADV_NORMAL = 0,
	MADV_RANDOM = 1,
	MADV_SEQUENTIAL = 2,
	MADV_WILLNEED = 3,
	MADV_DONTNEED = 4,
	MADV_FREE = 8,
	MADV_DONTFORK = 10,
	MADV_DOFORK = 11,
	MADV_WIPEONFORK = 18,
	MADV_KEEPONFORK = 19,
	MADV_COLD = 20,
	MADV_POPULATE_READ = 22,
	MADV_POPULATE_WRITE = 23,
};

/* Errors, by Linux's names with another first letter: a host's <errno.h> has macros of theirs. */
enum error {
	ERR_PERM = 1,
	ERR_NOENT = 2,
	ERR_SRCH = 3,
	ERR_INTR = 4,
	ERR_IO = 5,
	ERR_NXIO = 6,
	ERR_2BIG = 7,
	ERR_NOEXEC = 8,
	ERR_BADF = 9,
	ERR_CHILD = 10,
	ERR_AGAIN = 11,
	ERR_NOMEM = 12,
	ERR_ACCES = 13,
	ERR_FAULT = 14,
	ERR_BUSY = 16,
	ERR_EXIST = 17,
	ERR_XDEV = 18,
	ERR_NODEV = 19,
	ERR_NOTDIR = 20,
	ERR_ISDIR = 21,
	ERR_INVAL = 22,
	ERR_NFILE = 23,
	ERR_MFILE = 24,
	ERR_NOTTY = 25,
	ERR_TXTBSY = 26,
	ERR_FBIG = 27,
	ERR_NOSPC = 28,
	ERR_SPIPE = 29,
	ERR_ROFS = 30,
	ERR_MLINK = 31,
	ERR_PIPE = 32,
	ERR_DOM = 33,
	ERR_RANGE = 34,
	ERR_DEADLK = 35,
	ERR_NOLCK = 37,
	ERR_NAMETOOLONG = 36,
	ERR_NOSYS = 38,
	ERR_NOTEMPTY = 39,
	ERR_LOOP = 40,
	ERR_NODATA = 61,
	ERR_OVERFLOW = 75,
	ERR_LIBBAD = 80,
	ERR_OPNOTSUPP = 95,
	ERR_TIMEDOUT = 110,
	ERR_INPROGRESS = 115,
};

#endif
