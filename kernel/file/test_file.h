/*
 * test_file.h -- a small world with a tree of files, for their unit tests: what test_process.h has,
 * a tree of 64 buckets in it, and short names for what tests do with files.
 *
 * What touches files may wait, so a test's steps run in a thread: files_run(steps).
 */
#ifndef KERNEL_FILE_TEST_FILE_H
#define KERNEL_FILE_TEST_FILE_H

#include "kernel/file/names.h"
#include "kernel/file/table.h"
#include "kernel/file/tree_inside.h"
#include "kernel/test_process.h"

enum { TEST_TREE_PAGES = 100, TEST_OPEN_FILES = 40 };

static struct file_world fw;
static struct file_tree tree;
static struct view view;
static void (*files_steps)(void);

static const struct file_system *const memory_kinds[] = { &kind_tmpfs, &kind_devtmpfs, NULL };

/* A device that says where it was opened: reads answer its minor number. */
static inline int64_t device_read(struct file *f, struct io *to, uint64_t *at)
{
	(void)to, (void)at;
	return (int64_t)(f->node->device & 0xff);
}

static inline struct file *device_open(struct node *n, const struct view *v, uint32_t flags,
				       int *error)
{
	static const struct file_ops ops = { .read = device_read };

	(void)v;
	return file_create(&fw, &ops, flags, n, NULL, error);
}

static const struct device null_device = { 1, 3, "null", 0666, device_open };
static const struct device other_device = { 200, 300, "other", 0600, device_open };
static const struct device *const test_devices[] = { &null_device, &other_device, NULL };

static void files_open_tree(void)
{
	fw = (struct file_world){
		.memory = &tw->memory, .sched = &tw->sched, .vm = &tw->vm, .most = TEST_OPEN_FILES
	};
	const struct tree_config config = {
		.files = &fw,
		.buckets = 64,
		.pages_most = TEST_TREE_PAGES,
		.kinds = memory_kinds,
		.devices = test_devices,
	};
	EXPECT(tree_init(&tree, &config));
	view = (struct view){ .tree = &tree };
}

static void files_thread(void *arg)
{
	(void)arg;
	files_open_tree();
	files_steps();
	test_must(tree_check(&tree));
	EXPECT(fw.files == 0);
	tree_close(&tree);
}

/* Runs the steps in a world of their own, of which everything comes back. */
static inline void files_run(void (*steps)(void))
{
	files_steps = steps;
	test_open(&(struct test_choice){ .cpus = 1 });
	nobodys(files_thread, NULL);
	test_run();
	test_shut();
}

static inline int files_main(void (*const *tests)(void), size_t count)
{
	host_cpus_open(1);
	for (size_t i = 0; i < count; i++) files_run(tests[i]);
	host_cpus_close();
	return 0;
}

/* --- short names ------------------------------------------------------------------------------ */

static inline int error_of(const char *path, uint32_t flags)
{
	int error = 0;
	struct file *f = tree_open(&view, path, flags, 0644, &error);

	EXPECT((f == NULL) == (error != 0));
	if (f != NULL) file_drop(f);
	return error;
}

static inline struct file *opened(const char *path, uint32_t flags)
{
	int error = 0;
	struct file *f = tree_open(&view, path, flags, 0644, &error);

	if (f == NULL) fprintf(stderr, "%s: %d\n", path, error);
	EXPECT(f != NULL);
	return f;
}

static inline int64_t put(struct file *f, const void *from, size_t bytes, uint64_t *at)
{
	struct io_piece piece;
	struct io io;

	io_open_kernel(&io, &piece, (void *)(uintptr_t)from, bytes);
	return file_write(f, &io, at);
}

static inline int64_t get(struct file *f, void *to, size_t bytes, uint64_t *at)
{
	struct io_piece piece;
	struct io io;

	io_open_kernel(&io, &piece, to, bytes);
	return file_read(f, &io, at);
}

/* What making, linking and the like answer, by paths as the calls take them. */
static inline int make(const char *path, uint32_t mode, const char *text)
{
	const struct node_how how = { .mode = mode,
				      .text = text,
				      .text_bytes = text == NULL ? 0 : strlen(text) };
	struct found found;
	int error = tree_find(&view, path, FIND_ABSENT | FIND_NAME, &found);

	if (error != 0) return error;
	error = found.node != NULL || found.folder == NULL
			? -ERR_EXIST
			: tree_make(found.folder, found.name, found.bytes, &how, NULL);
	found_drop(&found);
	return error;
}

static inline int folder(const char *path)
{
	return make(path, S_IFDIR | 0755, NULL);
}

static inline int link_to(const char *path, const char *text)
{
	return make(path, S_IFLNK | 0777, text);
}

static inline int unlinked(const char *path, bool as_folder)
{
	struct found found;
	int error = tree_find(&view, path, FIND_NAME, &found);

	if (error != 0) return error;
	error = tree_unlink(&found, as_folder);
	found_drop(&found);
	return error;
}

static inline int renamed(const char *from, const char *to, uint32_t flags)
{
	struct found a, b;
	int error = tree_find(&view, from, FIND_NAME | FIND_ABSENT, &a);

	if (error != 0) return error;
	error = tree_find(&view, to, FIND_NAME | FIND_ABSENT, &b);
	if (error == 0) {
		error = tree_rename(&a, &b, flags);
		found_drop(&b);
	}
	found_drop(&a);
	return error;
}

static inline int linked(const char *from, const char *to)
{
	struct node *n;
	struct found found;
	int error = tree_node(&view, from, 0, &n);

	if (error != 0) return error;
	error = tree_find(&view, to, FIND_NAME | FIND_ABSENT, &found);
	if (error == 0) {
		error = tree_link(n, found.folder, found.name, found.bytes, false);
		found_drop(&found);
	}
	node_drop(n);
	return error;
}

static inline struct file_stat stat_of(const char *path)
{
	struct file_stat stat;
	struct node *n;

	EXPECT(tree_node(&view, path, 0, &n) == 0);
	node_stat(n, &stat);
	node_drop(n);
	return stat;
}

static inline bool there(const char *path)
{
	struct node *n;

	if (tree_node(&view, path, 0, &n) != 0) return false;
	node_drop(n);
	return true;
}

#endif
