/*
 * table_test.c -- descriptors by example: the lowest comes first, limits, growing, copies, what
 * execve closes; and that each file is given back once.
 */
#include "kernel/file/test_file.h"

static struct file_table *t;

static int add(uint64_t from, uint64_t limit)
{
	struct file *f = opened("/", O_RDONLY);
	const int fd = file_table_add(t, f, from, limit, false);

	if (fd < 0) file_drop(f);
	return fd;
}

static void begin(void)
{
	t = file_table_create(&tw->memory);
	EXPECT(t != NULL);
}

static void end(void)
{
	test_must(file_table_check(t));
	file_table_drop(t);
	EXPECT(fw.files == 0);
}

static void lowest(void)
{
	begin();
	for (int i = 0; i < 5; i++) EXPECT(add(0, 100) == i);
	EXPECT(file_table_close(t, 3) == 0 && file_table_close(t, 1) == 0);
	EXPECT(file_table_close(t, 1) == -ERR_BADF && file_table_close(t, -1) == -ERR_BADF);
	EXPECT(file_table_close(t, 1 << 30) == -ERR_BADF && file_table_get(t, 1) == NULL);
	EXPECT(add(2, 100) == 3 && add(0, 100) == 1 && add(0, 100) == 5);
	EXPECT(add(5, 6) == -ERR_MFILE && add(0, 6) == -ERR_MFILE && add(10, 6) == -ERR_MFILE);
	EXPECT(file_table_next(t, 4) == 4 && file_table_next(t, 6) == -1);
	end();
}

static void taken(void)
{
	begin();
	const int fd = file_table_take(t, 0, 10, true);
	EXPECT(fd == 0 && file_table_get(t, 0) == NULL && file_table_close(t, 0) == -ERR_BADF);
	struct file *f = opened("/", O_RDONLY);
	EXPECT(file_table_replace(t, 0, f, 10, false) == -ERR_BUSY);
	EXPECT(file_table_add(t, f, 0, 10, false) == 1);
	file_table_give_back(t, 0);
	EXPECT(add(0, 10) == 0 && file_table_flag(t, 0) == 0);
	end();
}

static void replace(void)
{
	begin();
	EXPECT(add(0, 10) == 0);
	struct file *f = file_table_get(t, 0), *g = opened("/", O_RDONLY);
	EXPECT(f->refs == 2 && file_table_replace(t, 0, g, 10, true) == 0);
	EXPECT(f->refs == 1 && file_table_flag(t, 0) == 1);
	file_drop(f);
	EXPECT(fw.files == 1);
	EXPECT(file_table_replace(t, 300, file_hold(g), 301, false) == 300 && g->refs == 2);
	EXPECT(file_table_replace(t, 301, g, 301, false) == -ERR_BADF);
	EXPECT(file_table_replace(t, -1, g, 301, false) == -ERR_BADF);
	test_must(file_table_check(t));
	end();
}

/* A copy has the same files, and they last as long as one of the two has them. */
static void copy(void)
{
	begin();
	EXPECT(add(0, 1000) == 0 && add(200, 1000) == 200 && add(63, 1000) == 63);
	EXPECT(file_table_set_flag(t, 63, true) == 0);
	const int fd = file_table_take(t, 1, 10, false);
	struct file_table *c = file_table_clone(t);
	EXPECT(c != NULL && fw.files == 3 && file_table_flag(c, 63) == 1);
	test_must(file_table_check(c));
	file_table_give_back(t, fd);
	file_table_exec(c);
	EXPECT(file_table_flag(c, 63) == -ERR_BADF && file_table_flag(t, 63) == 1);
	EXPECT(file_table_close(t, 200) == 0 && fw.files == 3);
	file_table_drop(c);
	EXPECT(fw.files == 2);
	struct file *f = opened("/", O_RDONLY);
	EXPECT(file_table_add(t, f, 0, 10, false) == 1); /* the copy took no descriptor away */
	end();
}

static void ranges(void)
{
	begin();
	for (int i = 0; i < 6; i++) EXPECT(add(0, 100) == i);
	file_table_close_range(t, 4, UINT32_MAX, true);
	EXPECT(file_table_flag(t, 3) == 0 && file_table_flag(t, 4) == 1 && fw.files == 6);
	file_table_close_range(t, 1, 2, false);
	EXPECT(fw.files == 4 && file_table_get(t, 2) == NULL);
	file_table_exec(t);
	EXPECT(fw.files == 2 && file_table_next(t, 1) == 3);
	EXPECT(file_table_next(file_table_hold(t), 0) == 0);
	file_table_drop(t);
	end();
}

/* Without memory to grow: an error, and nothing changed. */
static void no_memory(void)
{
	begin();
	EXPECT(add(0, 2000) == 0);
	const int fd = file_table_take(t, 1 << 19, 1 << 20, false); /* 4 MiB of slots */
	EXPECT(fd == -ERR_NOMEM);
	struct file *f = opened("/", O_RDONLY);
	EXPECT(file_table_replace(t, 1 << 19, f, 1 << 20, false) == -ERR_NOMEM && f->refs == 1);
	EXPECT(file_table_add(t, f, 0, 10, false) == 1);
	end();
}

int main(void)
{
	static void (*const tests[])(void) = { lowest, taken, replace, copy, ranges, no_memory };

	return files_main(tests, COUNT_OF(tests));
}
