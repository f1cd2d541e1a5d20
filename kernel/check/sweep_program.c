/*
 * sweep_program.c -- proves that what must not be handed out is not: takes every page there is,
 * holds each block against every range that somebody else has, writes to it, and looks whether
 * the device tree and the initrd are still what they were.
 *
 * The initrd is judged by the checksum in the boot argument "cksum=", which the test computes with
 * the POSIX tool of that name; the device tree by reading it again, which must give the same
 * platform.  Blocks far from anything held are only looked at, so that 4 GiB of guest memory do
 * not become 4 GiB of the host's.
 *
 * Cost: one step for each block; blocks are as large as they come.
 */
#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/ksched.h"
#include "kernel/power.h"
#include "kernel/program.h"

enum { NEAR_BYTES = 1 << 20, PATTERN = 0xd7 };

static uint32_t cksum_step(uint32_t sum, uint8_t byte)
{
	sum ^= (uint32_t)byte << 24;
	for (unsigned bit = 0; bit < 8; bit++)
		sum = sum << 1 ^ ((sum & 0x80000000u) != 0 ? 0x04c11db7u : 0);
	return sum;
}

/* As cksum(1): the bytes, then their number, least byte first. */
static uint32_t cksum(const uint8_t *bytes, uint64_t count)
{
	uint32_t sum = 0;
	for (uint64_t i = 0; i < count; i++) sum = cksum_step(sum, bytes[i]);
	for (uint64_t n = count; n != 0; n >>= 8) sum = cksum_step(sum, (uint8_t)n);
	return ~sum;
}

static bool overlap(struct range a, struct range b)
{
	return a.base < b.base + b.bytes && b.base < a.base + a.bytes;
}

/* Is the block within NEAR_BYTES of `other`?  And does it touch it, which it must not? */
static bool is_near(struct range block, struct range other, bool *touches)
{
	const struct range around = { sub_or_zero(block.base, NEAR_BYTES),
				      block.bytes + 2 * (uint64_t)NEAR_BYTES };
	if (other.bytes > 0 && overlap(block, other)) *touches = true;
	return other.bytes > 0 && overlap(around, other);
}

/* Of anything that somebody else has?  By the map, and by what boot was told, so that something
 * that is missing in the map is found too. */
static bool is_near_any(struct range block, bool *touches)
{
	const struct range given[] = { boot.image, boot.tree, boot.platform.initrd };
	bool near = false;
	for (unsigned i = 0; i < COUNT_OF(given); i++) near |= is_near(block, given[i], touches);
	for (unsigned i = 0; i < boot.memory.held_count; i++)
		near |= is_near(block, boot.memory.held[i].range, touches);
	return near;
}

static bool take(unsigned order, uint64_t *pages)
{
	const paddr_t pa = kpage_alloc(order, PAGE_HOW(ZONE_DMA, PAGE_OWNER_KERNEL));
	const paddr_t any = pa != PADDR_NONE
				    ? pa
				    : kpage_alloc(order, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL));
	if (any == PADDR_NONE) return false;
	const struct range block = { any, (uint64_t)PAGE_SIZE << order };
	bool touches = false;
	const bool near = is_near_any(block, &touches);
	if (touches || !memmap_is_ram(&boot.memory, block))
		kpanic("overlap", "a block of order %u is somebody else's", order);
	if (near) memset(mach_phys(any), PATTERN, block.bytes);
	*pages += 1ull << order;
	return true;
}

static const char *check_tree(void)
{
	static struct platform again;
	struct fdt tree;
	if (fdt_open(&tree, mach_phys(boot.tree.base), boot.tree.bytes) != FDT_OK)
		return "the device tree cannot be read any more";
	if (platform_read(&tree, &again) != NULL) return "the device tree is another";
	if (again.initrd.base != boot.platform.initrd.base ||
	    again.uart.base != boot.platform.uart.base ||
	    again.ram_count != boot.platform.ram_count ||
	    memcmp(again.ram, boot.platform.ram, sizeof(again.ram)) != 0 ||
	    again.timer_interrupt != boot.platform.timer_interrupt)
		return "the device tree says something else";
	return NULL;
}

static const char *check_initrd(void)
{
	const struct range initrd = boot.platform.initrd;
	const uint64_t want = bootarg_number(boot.platform.bootargs, "cksum", 0);
	if (initrd.bytes == 0) return "there is no initrd";
	return cksum(mach_phys(initrd.base), initrd.bytes) == want ? NULL : "the initrd is another";
}

int program_main(void)
{
	uint64_t pages = 0;
	for (unsigned order = PAGE_ORDERS; order-- > 0;) {
		while (take(order, &pages)) continue;
	}
	const char *wrong = check_tree();
	if (wrong == NULL) wrong = check_initrd();
	const uint64_t want = boot.memory.usable_bytes >> PAGE_SHIFT;
	/* The kernel itself holds a few: what kmalloc keeps, stacks, slots. */
	const uint64_t slots = kernel_sched.config.slots * sizeof(struct thread) +
			       kernel_processes.config.slots * sizeof(struct process);
	const uint64_t held = 64 + (slots >> PAGE_SHIFT);
	if (wrong == NULL && (pages > want || pages + held < want)) wrong = "pages are missing";
	console_print("sweep: %lu of %lu pages: %s\n", pages, want, wrong == NULL ? "ok" : wrong);
	return wrong == NULL ? STATUS_OK : STATUS_FINDING;
}
