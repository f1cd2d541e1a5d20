/*
 * memmap.c -- from the board's description to the list of pages that may be handed out.
 *
 * Memory comes in a few pieces; things lie in it (the image with its stacks, the device tree, the
 * initrd, what the firmware reserves).  All are sorted, and what no one holds is usable.
 * Firmware's reservations may overlap each other and anything else (loaders reserve the device
 * tree too) and may lie outside of memory; the rest may not.
 *
 * Always true after memmap_build() returned NULL (see memmap_check):
 *   P1  everything is in whole pages and does not wrap (platform.c refuses ranges that do);
 *   P2  pieces of memory rise and do not touch; usable ranges rise and are disjoint;
 *   P3  every usable range lies in one piece of memory and overlaps nothing held;
 *   P4  usable_bytes is their sum.
 *
 * Cost: sorting and sweeping a few dozen entries.
 */
#include "kernel/memmap.h"

enum { UART_BYTES = PAGE_SIZE, GIC_REGION_MAX = 16 << 20 };

static uint64_t end_of(struct range r)
{
	return r.base + r.bytes;
}

static bool overlap(struct range a, struct range b)
{
	return a.base < end_of(b) && b.base < end_of(a);
}

static struct range outward(struct range r)
{
	const paddr_t base = align_down(r.base, PAGE_SIZE);
	return (struct range){ base, align_up(end_of(r), PAGE_SIZE) - base };
}

static struct range inward(struct range r)
{
	const paddr_t base = align_up(max_u64(r.base, 1), PAGE_SIZE); /* 0 is PADDR_NONE */
	return (struct range){ base, sub_or_zero(align_down(end_of(r), PAGE_SIZE), base) };
}

bool memmap_is_ram(const struct memmap *map, struct range range)
{
	for (unsigned i = 0; i < map->ram_count; i++) {
		const struct range ram = map->ram[i];
		/* By differences: the sum of a stranger's base and size may wrap. */
		if (range.base >= ram.base && range.bytes <= ram.bytes &&
		    range.base - ram.base <= ram.bytes - range.bytes)
			return true;
	}
	return false;
}

/* Keeps `ram` sorted. */
static const char *add_ram(struct memmap *map, struct range r)
{
	if (r.bytes == 0) return NULL;
	unsigned at = map->ram_count++;
	for (; at > 0 && map->ram[at - 1].base > r.base; at--) map->ram[at] = map->ram[at - 1];
	map->ram[at] = r;
	if ((at > 0 && overlap(map->ram[at - 1], r)) ||
	    (at + 1 < map->ram_count && overlap(map->ram[at + 1], r)))
		return "memory overlaps memory";
	map->ram_bytes += r.bytes;
	return NULL;
}

/* Pieces that touch are one: a block of pages, or an initrd, may lie across their border. */
static void join_ram(struct memmap *map)
{
	unsigned last = 0;
	for (unsigned i = 1; i < map->ram_count; i++) {
		if (end_of(map->ram[last]) == map->ram[i].base)
			map->ram[last].bytes += map->ram[i].bytes;
		else
			map->ram[++last] = map->ram[i];
	}
	if (map->ram_count > 0) map->ram_count = last + 1;
}

/* Keeps `held` sorted. */
static void add_held(struct memmap *map, struct range r, const char *name)
{
	ASSERT(map->held_count < MEMMAP_HELD_MAX);
	unsigned at = map->held_count++;
	for (; at > 0 && map->held[at - 1].range.base > r.base; at--)
		map->held[at] = map->held[at - 1];
	map->held[at] = (struct held){ r, name };
}

static void add_device(struct memmap *map, struct range r, uint64_t limit, const char *name)
{
	if (r.bytes == 0) return;
	r.bytes = min_u64(r.bytes, limit);
	ASSERT(map->device_count < MEMMAP_DEVICES_MAX);
	map->devices[map->device_count++] = (struct held){ outward(r), name };
}

static void add_devices(struct memmap *map, const struct platform *platform)
{
	add_device(map, platform->uart, UART_BYTES, "UART");
	add_device(map, platform->gic_distributor, GIC_REGION_MAX, "GIC distributor");
	add_device(map, platform->gic_cpu_interface, GIC_REGION_MAX, "GIC CPU interface");
	for (unsigned i = 0; i < platform->gic_redistributor_count; i++)
		add_device(map, platform->gic_redistributors[i], GIC_REGION_MAX,
			   "GIC redistributors");
}

static bool devices_are_apart(const struct memmap *map)
{
	for (unsigned i = 0; i < map->device_count; i++) {
		for (unsigned j = 0; j < map->ram_count; j++) {
			if (overlap(map->devices[i].range, map->ram[j])) return false;
		}
	}
	return true;
}

/* Keeps `usable` sorted. */
static void add_usable(struct memmap *map, struct range r)
{
	if (r.bytes == 0) return;
	ASSERT(map->usable_count < MEMMAP_USABLE_MAX);
	unsigned at = map->usable_count++;
	for (; at > 0 && map->usable[at - 1].base > r.base; at--)
		map->usable[at] = map->usable[at - 1];
	map->usable[at] = r;
	map->usable_bytes += r.bytes;
}

/* The gaps between held ranges in one piece of memory are usable. */
static void sweep(struct memmap *map, struct range ram)
{
	paddr_t at = ram.base;
	for (unsigned i = 0; i <= map->held_count; i++) {
		const paddr_t until = i == map->held_count
					      ? end_of(ram)
					      : min_u64(map->held[i].range.base, end_of(ram));
		if (until > at) add_usable(map, (struct range){ at, until - at });
		if (i < map->held_count) at = max_u64(at, end_of(map->held[i].range));
	}
}

/* What the kernel was given must lie in memory, each thing apart from the others. */
static const char *check_given(const struct memmap *map, const struct held *given, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (given[i].range.bytes == 0) continue;
		if (!memmap_is_ram(map, given[i].range))
			return i == 0   ? "the kernel image is not in memory"
			       : i == 1 ? "the device tree is not in memory"
					: "the initrd is not in memory";
		for (unsigned j = 0; j < i; j++) {
			if (overlap(given[i].range, given[j].range))
				return i == 1   ? "the device tree overlaps the kernel image"
				       : j == 0 ? "the initrd overlaps the kernel image"
						: "the initrd overlaps the device tree";
		}
	}
	return NULL;
}

const char *memmap_build(struct memmap *map, const struct platform *platform, struct range image,
			 struct range tree)
{
	*map = (struct memmap){ 0 };
	for (unsigned i = 0; i < platform->ram_count; i++) {
		const char *wrong = add_ram(map, inward(platform->ram[i]));
		if (wrong != NULL) return wrong;
	}
	join_ram(map);
	const struct held given[] = {
		{ image, "kernel image" },
		{ tree, "device tree" },
		{ platform->initrd, "initrd" },
	};
	const char *wrong = check_given(map, given, COUNT_OF(given));
	if (wrong != NULL) return wrong;
	add_devices(map, platform);
	if (!devices_are_apart(map)) return "device registers inside memory";

	for (unsigned i = 0; i < COUNT_OF(given); i++) {
		if (given[i].range.bytes > 0) add_held(map, outward(given[i].range), given[i].name);
	}
	for (unsigned i = 0; i < platform->reserved_count; i++)
		add_held(map, outward(platform->reserved[i]), "firmware");
	for (unsigned i = 0; i < map->ram_count; i++) sweep(map, map->ram[i]);
	return map->usable_count == 0 ? "all memory is taken" : NULL;
}

/* Takes `out` from usable range `n`; what lies on both sides of it stays usable. */
static void cut(struct memmap *map, unsigned n, struct range out)
{
	const struct range from = map->usable[n];
	map->usable_count--;
	map->usable_bytes -= from.bytes;
	for (unsigned i = n; i < map->usable_count; i++) map->usable[i] = map->usable[i + 1];
	add_usable(map, (struct range){ from.base, out.base - from.base });
	add_usable(map, (struct range){ end_of(out), end_of(from) - end_of(out) });
}

paddr_t memmap_take(struct memmap *map, uint64_t bytes, uint64_t align, const char *name)
{
	ASSERT(is_power_of_two(align) && align >= PAGE_SIZE);
	if (bytes == 0 || bytes > map->usable_bytes || map->held_count == MEMMAP_HELD_MAX ||
	    map->usable_count == MEMMAP_USABLE_MAX)
		return PADDR_NONE;
	bytes = align_up(bytes, PAGE_SIZE);
	for (unsigned n = map->usable_count; n-- > 0;) {
		const struct range r = map->usable[n];
		if (r.bytes < bytes) continue;
		const paddr_t base = align_down(end_of(r) - bytes, align);
		if (base < r.base || base == PADDR_NONE) continue;
		const struct range out = { base, bytes };
		cut(map, n, out);
		add_held(map, out, name);
		return base;
	}
	return PADDR_NONE;
}

void memmap_return(struct memmap *map, paddr_t base)
{
	ASSERT(is_aligned(base, PAGE_SIZE));
	for (unsigned i = 0; i < map->held_count; i++) {
		struct range *r = &map->held[i].range;
		if (base <= r->base || base >= end_of(*r)) continue;
		add_usable(map, (struct range){ base, end_of(*r) - base });
		r->bytes = base - r->base;
		return;
	}
}

static const char *check_usable(const struct memmap *map, unsigned n)
{
	const struct range r = map->usable[n];
	if (r.bytes == 0 || !is_aligned(r.base | r.bytes, PAGE_SIZE)) return "P1: not whole pages";
	if (n > 0 && end_of(map->usable[n - 1]) > r.base) return "P2: usable ranges do not rise";
	if (!memmap_is_ram(map, r)) return "P3: usable, but not memory";
	for (unsigned i = 0; i < map->held_count; i++) {
		if (overlap(r, map->held[i].range)) return "P3: usable, but held";
	}
	return NULL;
}

const char *memmap_check(const struct memmap *map)
{
	uint64_t sum = 0;
	for (unsigned n = 0; n < map->usable_count; n++) {
		const char *wrong = check_usable(map, n);
		if (wrong != NULL) return wrong;
		sum += map->usable[n].bytes;
	}
	for (unsigned n = 1; n < map->ram_count; n++) {
		if (end_of(map->ram[n - 1]) >= map->ram[n].base) return "P2: memory does not rise";
	}
	return sum == map->usable_bytes ? NULL : "P4: the sum is wrong";
}
