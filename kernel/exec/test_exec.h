/*
 * test_exec.h -- programs' files made in memory, and a world to load them in, for unit tests.
 */
#ifndef KERNEL_EXEC_TEST_EXEC_H
#define KERNEL_EXEC_TEST_EXEC_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/abi.h"
#include "kernel/exec/build.h"
#include "kernel/test_process.h"
#include "mm/mman.h"

enum { FILE_BYTES_MAX = 256 << 10, FILES_MAX = 4, TABLE_AT = 64, HEAD_WORDS = 8 };

/* A file: its name and what is in it. */
struct test_file {
	const char *path;
	uint8_t bytes[FILE_BYTES_MAX];
	uint64_t count;
	uint32_t segments;
};

static struct test_file test_files[FILES_MAX];
static struct file_world test_world_of_files;
static uint32_t test_maps; /* backings of files that are out */

/* --- their bytes ------------------------------------------------------------------------------ */

static inline void put16(struct test_file *f, size_t at, uint16_t value)
{
	memcpy(f->bytes + at, &value, sizeof value);
}

static inline void put64(struct test_file *f, size_t at, uint64_t value)
{
	memcpy(f->bytes + at, &value, sizeof value);
}

/* An ELF file without segments, all bytes behind its head being what their place says. */
static inline struct test_file *file_begin(unsigned number, const char *path, uint16_t type,
					   uint64_t entry, uint64_t count)
{
	struct test_file *f = &test_files[number];

	memset(f, 0, sizeof *f);
	f->path = path;
	f->count = count;
	for (uint64_t i = 0; i < count; i++) f->bytes[i] = (uint8_t)(i * 7 + (i >> 8) + number);
	memcpy(f->bytes, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0", 16);
	put16(f, 16, type);
	put16(f, 18, 183);
	put64(f, 24, entry);
	put64(f, 32, TABLE_AT);
	put16(f, 54, ELF_SEGMENT_BYTES);
	put16(f, 56, 0);
	return f;
}

static inline void file_segment(struct test_file *f, const struct elf_segment *s)
{
	memcpy(f->bytes + TABLE_AT + f->segments * sizeof *s, s, sizeof *s);
	put16(f, 56, (uint16_t)++f->segments);
}

static inline void file_load(struct test_file *f, uint32_t flags, uint64_t offset, uint64_t at,
			     uint64_t file_bytes, uint64_t bytes)
{
	const struct elf_segment s = { ELF_LOAD, flags, offset, at, at, file_bytes, bytes, 4096 };

	file_segment(f, &s);
}

static inline void file_text(unsigned number, const char *path, const char *text)
{
	struct test_file *f = &test_files[number];

	memset(f, 0, sizeof *f);
	f->path = path;
	f->count = strlen(text);
	memcpy(f->bytes, text, f->count);
}

/* --- as open files ---------------------------------------------------------------------------- */

static inline int64_t test_read(struct file *f, struct io *to, uint64_t *at)
{
	const struct test_file *file = f->object;

	EXPECT(*at <= INT64_MAX);
	if (*at >= file->count) return 0;
	const uint64_t bytes = min_u64(to->left, file->count - *at);
	const size_t done = io_put(to, file->bytes + *at, bytes);
	*at += done;
	return (int64_t)done;
}

static inline bool test_fill(void *context, uint64_t index, void *page)
{
	const struct test_file *file = context;
	const uint64_t from = index << PAGE_SHIFT;

	if (from >= file->count) return false;
	memset(page, 0, PAGE_SIZE);
	memcpy(page, file->bytes + from, min_u64(file->count - from, PAGE_SIZE));
	return true;
}

static inline void test_release(void *context)
{
	(void)context;
	test_maps--;
}

static inline struct backing *test_map(struct file *f, bool shared, int *error)
{
	const struct test_file *file = f->object;
	const struct backing_source source = { test_fill, test_release, f->object };
	struct backing *b =
		backing_create(tw->vm.backings, &source,
			       align_up(file->count, PAGE_SIZE) >> PAGE_SHIFT, TEST_SITE);

	EXPECT(!shared);
	*error = b == NULL ? -ERR_NOMEM : 0;
	if (b != NULL) test_maps++;
	return b;
}

static inline int test_open_file(struct task *t, int folder, const char *path, uint32_t flags,
				 struct file **out)
{
	static const struct file_ops ops = { .read = test_read,
					     .map = test_map,
					     .has_place = true };
	int error = -ERR_NOENT;

	(void)t, (void)flags;
	EXPECT(folder == AT_FDCWD);
	for (unsigned i = 0; i < FILES_MAX; i++) {
		if (test_files[i].path == NULL || strcmp(test_files[i].path, path) != 0) continue;
		*out = file_create(&test_world_of_files, &ops, O_RDONLY, NULL, &test_files[i],
				   &error);
		break;
	}
	return error;
}

/* --- a world ---------------------------------------------------------------------------------- */

static struct exec_config test_config = {
	.open = test_open_file,
	.platform = "aarch64",
	.capabilities = 0x103,
	.capabilities2 = 0x40,
	.site = TEST_SITE,
};

static inline void test_random(void *arg, void *to, size_t bytes)
{
	(void)arg;
	memset(to, 0x5a, bytes);
}

static inline void test_exec_open(void)
{
	test_open(&(struct test_choice){ .cpus = 1 });
	memset(test_files, 0, sizeof test_files);
	test_world_of_files = (struct file_world){ .memory = &tw->memory, .most = 8 };
	test_config.trampoline = exec_trampoline(&tw->vm, TEST_SITE);
	test_config.random = false;
	EXPECT(test_config.trampoline != NULL);
}

static inline void test_exec_shut(void)
{
	EXPECT(test_maps == 0 && test_world_of_files.files == 0);
	backing_drop(test_config.trampoline);
	test_shut();
}

static inline void test_work_open(struct exec_work *w, const char *path)
{
	memset(w, 0, sizeof *w);
	w->config = &test_config;
	w->vm = &tw->vm;
	w->memory = &tw->memory;
	w->random = test_random;
	w->stack_limit = 8 << 20;
	w->uid = 1;
	w->acting_uid = 2;
	w->gid = 3;
	w->acting_gid = 4;
	w->limits = (struct space_limits){ UINT64_MAX, 8 << 20 };
	w->folder = AT_FDCWD;
	w->path = path;
	args_init(&w->arguments, &tw->memory, 128 << 10);
	args_init(&w->environment, &tw->memory, 128 << 10);
}

/* Both steps; what was found first to be wrong. */
static inline struct elf_verdict test_work_run(struct exec_work *w)
{
	struct elf_verdict v = exec_find(w);

	return v.why != NULL ? v : exec_build(w);
}

static inline void test_work_shut(struct exec_work *w)
{
	exec_work_drop(w);
	vm_reclaim(&tw->vm, SIZE_MAX);
}

#endif
