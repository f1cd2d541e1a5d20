/*
 * device_test.c -- /dev/null and its like, opened by their names in a mounted devtmpfs.
 */
#include "kernel/abi.h"
#include "kernel/file/device.h"
#include "kernel/file/test_file.h"

static void count_up(void *arg, void *to, size_t bytes)
{
	static uint8_t next;
	(void)arg;
	for (size_t i = 0; i < bytes; i++) ((uint8_t *)to)[i] = ++next;
}

static void mount_dev(void)
{
	struct node *on;
	static const struct device *const devices[] = { &device_null,    &device_zero,
							&device_full,    &device_random,
							&device_urandom, NULL };
	tree.config.devices = devices;
	EXPECT(folder("/dev") == 0 && tree_node(&view, "/dev", 0, &on) == 0);
	EXPECT(tree_mount(&view, "devtmpfs", on, "devtmpfs") == 0);
	node_drop(on);
}

static void gives_and_takes(const char *path, int64_t reads, uint8_t first, int64_t writes)
{
	uint8_t bytes[600];
	struct file *f = opened(path, O_RDWR);
	memset(bytes, 0xaa, sizeof(bytes));
	EXPECT(get(f, bytes, sizeof(bytes), NULL) == reads);
	EXPECT(bytes[0] == first && bytes[599] == (reads == 0 ? 0xaa : first == 0 ? 0 : 88));
	EXPECT(put(f, bytes, sizeof(bytes), NULL) == writes);
	EXPECT(file_seek(f, 5, WHENCE_SET) == 0);
	file_drop(f);
}

static void devices(void)
{
	mount_dev();
	gives_and_takes("/dev/null", 0, 0xaa, 600);
	gives_and_takes("/dev/zero", 600, 0, 600);
	gives_and_takes("/dev/full", 600, 0, -ERR_NOSPC);
	EXPECT(error_of("/dev/random", O_RDONLY) == -ERR_NXIO);
	fw.random = count_up;
	gives_and_takes("/dev/urandom", 600, 1, 600);
	EXPECT(stat_of("/dev/null").rdev == (1 << 8 | 3));
}

int main(void)
{
	static void (*const tests[])(void) = { devices };
	return files_main(tests, COUNT_OF(tests));
}
