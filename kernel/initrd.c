/*
 * initrd.c -- the initrd as the source of backings.
 *
 * Where it lies is known from the device tree, checked and kept out of the pool by memmap.c.  A
 * file in it may begin at any byte, and the next one follows at once, so its pages cannot be mapped
 * where they are: each is copied when it is first asked for, and what is behind the file's end is
 * zeroes, never the next file.
 *
 * Always true: what a source says lies within the initrd (initrd_backing() refused all else).
 *
 * Locks: none.  Cost: a page copied; what a source is takes 16 bytes of kmalloc.
 */
#include "kernel/initrd.h"

#include "kernel/boot.h"
#include "kernel/kmem.h"
#include "kernel/symbols.h"
#include "kernel/vm.h"

struct part {
	uint64_t offset, bytes;
};

static bool part_fill(void *context, uint64_t index, void *page)
{
	const struct part *part = context;
	const uint64_t from = index << PAGE_SHIFT;

	ASSERT(from < part->bytes && part->offset + part->bytes <= initrd_bytes());
	const uint64_t bytes = min_u64(part->bytes - from, PAGE_SIZE);
	const uint8_t *start = mach_phys(boot.platform.initrd.base);
	memcpy(page, start + part->offset + from, bytes);
	memset((uint8_t *)page + bytes, 0, PAGE_SIZE - bytes);
	return true;
}

static void part_release(void *part)
{
	kfree(part);
}

uint64_t initrd_bytes(void)
{
	return boot.platform.initrd.bytes;
}

struct backing *initrd_backing(uint64_t offset, uint64_t bytes)
{
	uint64_t end;

	if (bytes == 0 || !add_fits(offset, bytes, &end) || end > initrd_bytes()) return NULL;
	struct part *part = kmalloc(sizeof *part);
	if (part == NULL) return NULL;
	*part = (struct part){ .offset = offset, .bytes = bytes };
	const struct backing_source source = {
		.fill = part_fill,
		.release = part_release,
		.context = part,
	};
	struct backing *b =
		backing_create(kernel_vm.backings, &source,
			       align_up(bytes, PAGE_SIZE) >> PAGE_SHIFT,
			       CALL_SITES ? symbol_site(__builtin_return_address(0)) : SITE_NONE);
	if (b == NULL) kfree(part);
	return b;
}
