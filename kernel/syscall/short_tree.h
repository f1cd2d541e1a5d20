/*
 * short_tree.h -- the files that every world of short_test.c has.
 */
#ifndef KERNEL_SYSCALL_SHORT_TREE_H
#define KERNEL_SYSCALL_SHORT_TREE_H

#include <string.h>

#include "kernel/file/test_file.h"

enum { PROGRAM_AT = 0x400000 };

static inline void file_of(const char *path, uint32_t mode, const void *from, size_t bytes)
{
	EXPECT(make(path, S_IFREG | mode, NULL) == 0);
	struct file *f = opened(path, O_WRONLY);
	EXPECT(put(f, from, bytes, NULL) == (int64_t)bytes);
	file_drop(f);
}

/* A program of one page, two of zeroes behind it; the same that asks for it as its interpreter; and
 * a script that asks for it. */
static inline void has_programs(void)
{
	static uint8_t bytes[PAGE_SIZE];
	static const uint64_t head[] = {
		0x00010102464c457f,
		0,
		0x0000000100b70002,
		PROGRAM_AT + 0x200,
		64,
		0,
		0x0038004000000000,
		0x0000000000000001,
	};
	static const uint64_t segment[] = {
		0x0000000700000001, 0, PROGRAM_AT, PROGRAM_AT, PAGE_SIZE, 3 * PAGE_SIZE, PAGE_SIZE,
	};
	static const uint64_t interpreter[] = { 0x0000000400000003, 0x180, 0, 0, 5, 5, 1 };
	static const char script[] = "#!/bin one\n";

	memset(bytes, 0, sizeof bytes);
	memcpy(bytes, head, sizeof head);
	memcpy(bytes + 64, segment, sizeof segment);
	file_of("/bin", 0755, bytes, sizeof bytes);
	bytes[16] = 3; /* ET_DYN, wherever it is put */
	bytes[56] = 2;
	memcpy(bytes + 64 + sizeof segment, interpreter, sizeof interpreter);
	memcpy(bytes + 0x180, "/bin", 5);
	file_of("/dynamic", 0755, bytes, sizeof bytes);
	file_of("/script", 0755, script, sizeof script - 1);
}

/* What may be mounted is the world's, `proc` of it the one of these tasks. */
static inline void has_files(struct file_system *proc)
{
	static const struct file_system *kinds[] = { &kind_tmpfs, &kind_devtmpfs, NULL, NULL };
	static uint8_t bytes[5000];
	struct node *given;

	files_open_tree();
	kinds[2] = proc;
	tree.config.kinds = kinds;
	for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 5);
	EXPECT(folder("/d") == 0 && folder("/d/e") == 0 && folder("/m") == 0);
	file_of("/d/f", 0644, bytes, sizeof bytes);
	EXPECT(link_to("/l", "/d/f") == 0);
	EXPECT(make("/given", S_IFREG | 0644, NULL) == 0);
	EXPECT(tree_node(&view, "/given", 0, &given) == 0 && node_give(given, bytes, sizeof bytes));
	node_drop(given);
	has_programs();
}

#endif
