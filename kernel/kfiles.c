/*
 * kfiles.c -- the kernel's one tree of files.
 *
 * Contents of the initrd stay where the loader put them: nobody else gets that memory (memmap.c),
 * and nobody writes there.
 *
 * Locks: none here.  Cost: see unpack.c.
 */
#include "kernel/kfiles.h"

#include "kernel/abi.h"
#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/file/cpio.h"
#include "kernel/initrd.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/vm.h"

enum { BUCKETS = 1024, KINDS_MAX = 8, FILES_LEAST = 8192, FILE_PAGES_SHARE = 2 };

struct file_world kernel_files;
struct file_tree kernel_tree;

static const struct file_system *kinds[KINDS_MAX + 1] = { &kind_rootfs, &kind_tmpfs,
							  &kind_devtmpfs };

/* Behind those in memory; false: more than there is room for. */
static bool kinds_add(const struct file_system *const *more)
{
	unsigned count = 0;

	while (kinds[count] != NULL) count++;
	for (; more != NULL && *more != NULL; more++) {
		if (count == KINDS_MAX) return false;
		kinds[count++] = *more;
	}
	return true;
}

static int make(const char *path, uint32_t mode, uint64_t device)
{
	const struct view view = { .tree = &kernel_tree };
	const struct node_how how = { .mode = mode, .device = device };
	struct found found;
	int error = tree_find(&view, path, FIND_ABSENT | FIND_NAME, &found);

	if (error != 0) return error;
	error = tree_make(found.folder, found.name, found.bytes, &how, NULL);
	found_drop(&found);
	return error;
}

const char *kfiles_start(const struct kfiles_how *how)
{
	const uint32_t pages = kernel_pages.pages;
	const uint64_t mib = bootarg_number(boot.platform.bootargs, "tmpfs", 0);
	const uint64_t most = mib != 0 ? mib << (20 - PAGE_SHIFT) : pages / FILE_PAGES_SHARE;
	const struct tree_config config = {
		.files = &kernel_files,
		.buckets = BUCKETS,
		.pages_most = (uint32_t)min_u64(most, pages),
		.kinds = kinds,
		.devices = how->devices,
	};

	kernel_files = (struct file_world){
		.memory = &kernel_memory,
		.sched = &kernel_sched,
		.vm = &kernel_vm,
		.wall_ns = how->wall_ns,
		.random = how->random,
		.arg = how->arg,
		.most = (uint32_t)max_u64(FILES_LEAST, pages / 8),
	};
	if (!kinds_add(how->kinds)) return "more kinds of file systems than there is room for";
	if (!tree_init(&kernel_tree, &config)) return "no memory for a tree of files";
	if (make("/dev", S_IFDIR | 0755, 0) != 0 || make("/root", S_IFDIR | 0700, 0) != 0 ||
	    make("/dev/console", S_IFCHR | 0600, 5 << 8 | 1) != 0)
		return "no memory for /dev";
	return NULL;
}

bool kfiles_unpack(void)
{
	struct cpio_fault fault;

	if (initrd_bytes() == 0) return true;
	const void *at = mach_phys(boot.platform.initrd.base);
	if (cpio_unpack(&kernel_tree, at, initrd_bytes(), &fault)) return true;
	console_print("anvil: initrd: %s, at byte %lu\n", fault.why, fault.offset);
	return false;
}
