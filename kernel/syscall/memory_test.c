/*
 * memory_test.c -- the calls about memory: what they add to mm/space.h.  Each expected answer was
 * asked of Linux 6.1's source or is what its manual says.
 */
#include "kernel/syscall/test_calls.h"

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static int open_as(const char *path, uint32_t flags)
{
	int error = 0;
	struct file *f = tree_open(&view, path, flags, 0644, &error);
	EXPECT(f != NULL);
	const int fd = file_table_add(group.files, f, 0, 100, false);
	EXPECT(fd >= 0);
	return fd;
}

static void maps_files(void)
{
	const int both = open_as("/file", O_RDWR | O_CREAT), writes = open_as("/file", O_WRONLY);
	const int reads = open_as("/file", O_RDONLY);
	char hello[] = "hello";
	struct io_piece piece;
	struct io io;
	struct file *f = file_table_get(group.files, both);
	char text[6] = { 0 };

	io_open_kernel(&io, &piece, hello, 5);
	EXPECT(file_write(f, &io, NULL) == 5);
	file_drop(f);
	EXPECT(CALL(mmap, 0, 100, PROT_READ, MAP_PRIVATE, (uint64_t)both, 1) == -ERR_INVAL);
	EXPECT(CALL(mmap, 0, 100, PROT_READ, MAP_PRIVATE, 99, 0) == -ERR_BADF);
	EXPECT(CALL(mmap, 0, 100, PROT_READ, MAP_PRIVATE, MINUS(1), 0) == -ERR_BADF);
	EXPECT(CALL(mmap, 0, 0, PROT_READ, MAP_PRIVATE, MINUS(1), 0) == -ERR_BADF);
	EXPECT(CALL(mmap, 0, 0, PROT_READ, MAP_PRIVATE, (uint64_t)both, 0) == -ERR_INVAL);
	EXPECT(CALL(mmap, 0, 100, PROT_READ, 0, (uint64_t)both, 0) == -ERR_INVAL);
	EXPECT(CALL(mmap, 0, 100, PROT_READ, MAP_PRIVATE, (uint64_t)writes, 0) == -ERR_ACCES);
	EXPECT(CALL(mmap, 0, 100, PROT_READ, MAP_SHARED, (uint64_t)writes, 0) == -ERR_ACCES);
	EXPECT(CALL(mmap, 0, 100, RW, MAP_SHARED, (uint64_t)reads, 0) == -ERR_ACCES);
	const int64_t own = CALL(mmap, 0, 100, RW, MAP_PRIVATE, (uint64_t)reads, 0);
	EXPECT(own > 0);
	get_bytes(text, (uint64_t)own, 5);
	EXPECT(strcmp(text, "hello") == 0);
	const int64_t shown = CALL(mmap, 0, 100, PROT_READ, MAP_SHARED, (uint64_t)reads, 0);
	EXPECT(shown > 0 && CALL(mprotect, (uint64_t)shown, 100, RW) == -ERR_ACCES);
	const int64_t shared = CALL(mmap, 0, 100, RW, MAP_SHARED, (uint64_t)both, 0);
	EXPECT(shared > 0);
	put_bytes((uint64_t)shared, "J", 1);
	get_bytes(text, (uint64_t)shown, 5);
	EXPECT(strcmp(text, "Jello") == 0);
	EXPECT(CALL(munmap, (uint64_t)own, 100) == 0 && CALL(munmap, (uint64_t)shown, 100) == 0);
	EXPECT(CALL(munmap, (uint64_t)shared, PAGE_SIZE) == 0);
	EXPECT(CALL(mmap, 0, 100, PROT_READ, MAP_PRIVATE, (uint64_t)open_as("/", O_RDONLY), 0) ==
	       -ERR_NODEV);
}

static void others(void)
{
	uint8_t vec[3] = { 9, 9, 9 };

	put_bytes(page, "x", 1);
	EXPECT(CALL(mincore, page, 2 * PAGE_SIZE, page + 100) == 0);
	get_bytes(vec, page + 100, 2);
	EXPECT(vec[0] == 1 && vec[1] == 0);
	EXPECT(CALL(mincore, page + 1, 1, page) == -ERR_INVAL);
	EXPECT(CALL(mincore, page, USER_END, page) == -ERR_NOMEM);
	EXPECT(CALL(mincore, page, PAGE_SIZE, USER_END) == -ERR_FAULT);
	EXPECT(CALL(mincore, page, PAGE_SIZE, 8) == -ERR_FAULT);
	const int64_t hole = CALL(mmap, 0, 3 * PAGE_SIZE, RW, ANON, MINUS(1), 0);
	EXPECT(CALL(munmap, (uint64_t)hole + PAGE_SIZE, PAGE_SIZE) == 0);
	put_bytes(page + 100, "777", 3);
	EXPECT(CALL(mincore, (uint64_t)hole, 3 * PAGE_SIZE, page + 100) == -ERR_NOMEM);
	get_bytes(vec, page + 100, 3);
	EXPECT(vec[0] == 0 && vec[1] == '7'); /* what came before the hole was said */
	EXPECT(CALL(msync, page, PAGE_SIZE, MS_SYNC) == 0 && CALL(msync, page, 0, 0) == 0);
	EXPECT(CALL(msync, page, 2, 8) == -ERR_INVAL && CALL(msync, page + 1, 2, 0) == -ERR_INVAL);
	EXPECT(CALL(msync, page, 2, MS_SYNC | MS_ASYNC) == -ERR_INVAL);
	EXPECT(CALL(msync, (uint64_t)hole, 3 * PAGE_SIZE, 0) == -ERR_NOMEM);
	EXPECT(CALL(msync, page, MINUS(1), 0) == -ERR_NOMEM);
	EXPECT(CALL(mlock, page + PAGE_SIZE + 5, 1) == 0);
	EXPECT(CALL(mincore, page, 2 * PAGE_SIZE, page + 100) == 0);
	get_bytes(vec, page + 100, 2);
	EXPECT(vec[1] == 1); /* it was brought in */
	EXPECT(CALL(mlock, (uint64_t)hole, 3 * PAGE_SIZE) == -ERR_NOMEM);
	EXPECT(CALL(mlock, MINUS(PAGE_SIZE), 2 * PAGE_SIZE) == -ERR_INVAL);
	EXPECT(CALL(mlock2, page, 1, 2) == -ERR_INVAL && CALL(mlock2, page, 1, MLOCK_ONFAULT) == 0);
	EXPECT(CALL(munlock, page, 1) == 0 && CALL(munlock, 0x10000, 1) == -ERR_NOMEM);
	EXPECT(CALL(mlockall, 0) == -ERR_INVAL && CALL(mlockall, 8) == -ERR_INVAL);
	EXPECT(CALL(mlockall, MCL_ONFAULT) == -ERR_INVAL && CALL(mlockall, MCL_FUTURE) == 0);
	EXPECT(CALL(munlockall, 0) == 0);
	EXPECT(CALL(mprotect, page, PAGE_SIZE, 1ull << 32) == -ERR_INVAL);
	EXPECT(CALL(madvise, page, PAGE_SIZE, MADV_DONTNEED) == 0 && long_at(page) == 0);
	EXPECT(CALL(membarrier, 0) == -ERR_NOSYS);
}

static void random_bytes(void)
{
	put_two(page, 0, 0);
	EXPECT(CALL(getrandom, page + 1, 6, 0) == 6 && long_at(page) == 0x00a5a5a5a5a5a500);
	EXPECT(CALL(getrandom, page, 1, 8) == -ERR_INVAL && CALL(getrandom, page, 0, 0) == 0);
	EXPECT(CALL(getrandom, page, 1, GRND_RANDOM | GRND_INSECURE) == -ERR_INVAL);
	EXPECT(CALL(getrandom, 8, 1, 0) == -ERR_FAULT);
	EXPECT(CALL(getrandom, page + 2 * PAGE_SIZE - 300, 400, 0) == 300);
	EXPECT(CALL(getrandom, page + PAGE_SIZE, PAGE_SIZE, GRND_NONBLOCK) == PAGE_SIZE);
}

static void limit(uint32_t which, uint64_t soft)
{
	put_two(page, (int64_t)soft, -1);
	EXPECT(CALL(prlimit64, 0, which, page, 0) == 0);
}

static void limits_bind(void)
{
	const uint64_t heap = 0x7fff1000000; /* an answer of 32 bits would be another */

	space_brk_place(process_space(W), heap);
	limit(RLIMIT_AS, 5 * PAGE_SIZE); /* two are there */
	EXPECT(CALL(mmap, 0, 4 * PAGE_SIZE, RW, ANON, MINUS(1), 0) == -ERR_NOMEM);
	EXPECT(CALL(mmap, 0, 2 * PAGE_SIZE, PROT_READ, ANON, MINUS(1), 0) > 0);
	EXPECT(CALL(brk, heap + 2 * PAGE_SIZE) == (int64_t)heap);
	EXPECT(CALL(brk, heap + 1) == (int64_t)heap + 1);
	EXPECT(CALL(mremap, page, 2 * PAGE_SIZE, 3 * PAGE_SIZE, MREMAP_MAYMOVE) == -ERR_NOMEM);
	limit(RLIMIT_AS, 0);
	EXPECT(CALL(mmap, 0, 1, RW, ANON, MINUS(1), 0) == -ERR_NOMEM);
	limit(RLIMIT_AS, UINT64_MAX);
	limit(RLIMIT_DATA, 4 * PAGE_SIZE); /* three are there */
	EXPECT(CALL(mmap, 0, 2 * PAGE_SIZE, RW, ANON, MINUS(1), 0) == -ERR_NOMEM);
	EXPECT(CALL(mmap, 0, 2 * PAGE_SIZE, PROT_READ, ANON, MINUS(1), 0) > 0);
	EXPECT(CALL(brk, heap + PAGE_SIZE + 1) == (int64_t)heap + PAGE_SIZE + 1);
	EXPECT(CALL(brk, heap + 2 * PAGE_SIZE + 1) == (int64_t)heap + PAGE_SIZE + 1);
	limit(RLIMIT_DATA, 0); /* then the hard one counts */
	EXPECT(CALL(brk, heap + 3 * PAGE_SIZE) == (int64_t)heap + 3 * PAGE_SIZE);
	limit(RLIMIT_STACK, 2 * PAGE_SIZE);
	EXPECT(process_space(W)->limits.stack_bytes == 2 * PAGE_SIZE);
}

int main(void)
{
	static void (*const tests[])(void) = { maps_files, others, random_bytes, limits_bind };
	return calls_main(tests, COUNT_OF(tests));
}
