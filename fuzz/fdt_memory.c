/*
 * fdt_memory.c -- the map of memory against what the tree says, in arithmetic of our own.
 *
 * Whether there can be a map, and how many bytes must be usable in it, is worked out anew: all
 * edges of ranges are sorted, and each stretch between two of them is memory that somebody holds,
 * or not.  For a damaged tree nobody knows what it says, so there platform_read()'s own lists count
 * as what it said, once each range in them was found possible.
 *
 * Always true of a map (memory_check):
 *   U1  usable ranges are whole pages, rise, and are disjoint;
 *   U2  each lies in memory, and touches nothing that is held or was taken;
 *   U3  their sum is what the model counts.
 *
 * Locks: none.  Cost: a few dozen ranges squared.
 */
#include "fuzz/fdt_ranges.h"
#include "machine/machine.h"

enum {
	DEVICE_BYTES_MAX = 16 << 20,
	EDGES_MAX = 2 * (2 * MEMORY_RANGES_MAX + MEMORY_TAKEN_MAX + 3),
};

/* --- what was read ------------------------------------------------------------------------ */

static void compare_ranges(const struct ranges *wanted, const struct range *got, unsigned count,
			   const char *what)
{
	bool same = wanted->count == count;
	for (unsigned i = 0; same && i < count; i++)
		same = wanted->at[i].base == got[i].base && wanted->at[i].bytes == got[i].bytes;
	if (!same)
		kpanic(ORACLE_CONTENT, "%s: %u ranges read, %u in the tree, or others", what, count,
		       wanted->count);
}

static void take_ranges(struct ranges *to, const struct range *from, unsigned count)
{
	for (to->count = 0; to->count < count; to->count++) {
		to->at[to->count] = from[to->count];
		if (!range_is_possible(from[to->count]))
			kpanic(ORACLE_MUST_FAIL, "a range beyond the address space was read");
	}
}

/* Nobody knows what the tree said: what was read must be possible, and counts then. */
static void believe(struct memory *m, const struct platform *p)
{
	if (p->ram_count == 0 || p->ram_count > PLATFORM_RAM_MAX ||
	    p->reserved_count > PLATFORM_RESERVED_MAX)
		kpanic(ORACLE_BOUNDS, "%u pieces of memory, %u reservations", p->ram_count,
		       p->reserved_count);
	take_ranges(&m->ram, p->ram, p->ram_count);
	take_ranges(&m->reserved, p->reserved, p->reserved_count);
	m->initrd = p->initrd;
	if (!range_is_possible(m->initrd))
		kpanic(ORACLE_MUST_FAIL, "an initrd beyond the address space was read");
}

static void check_rest(const struct fdt *open, const struct platform *p)
{
	const uint64_t at = (uintptr_t)p->bootargs - (uintptr_t)open->blob;
	if (p->cpu_count == 0 || p->cpu_count > CPUS_MAX ||
	    p->gic_redistributor_count > PLATFORM_REDISTRIBUTORS_MAX ||
	    (p->gic_version != 2 && p->gic_version != 3) || p->timer_interrupt - 16 > 15)
		kpanic(ORACLE_BOUNDS, "a board of %u CPUs, GICv%u, timer %u", p->cpu_count,
		       p->gic_version, p->timer_interrupt);
	if (p->bootargs[0] != '\0' && (at < open->structure || at >= open->structure_end))
		kpanic(ORACLE_BOUNDS, "boot arguments outside of the tree");
}

/* --- what must be usable ------------------------------------------------------------------ */

static unsigned held_ranges(const struct memory *m, struct range *out)
{
	unsigned n = 0;
	out[n++] = range_grown(m->image);
	out[n++] = range_grown(m->tree);
	if (m->initrd.bytes != 0) out[n++] = range_grown(m->initrd);
	for (unsigned i = 0; i < m->reserved.count; i++) out[n++] = range_grown(m->reserved.at[i]);
	return n;
}

static bool any_touches(const struct range *ranges, unsigned count, struct range r)
{
	for (unsigned i = 0; i < count; i++)
		if (range_touches(ranges[i], r)) return true;
	return false;
}

static void add_edge(uint64_t *edges, unsigned *count, uint64_t edge)
{
	unsigned at = (*count)++;
	for (; at > 0 && edges[at - 1] > edge; at--) edges[at] = edges[at - 1];
	edges[at] = edge;
}

/* Bytes of memory that nobody holds: between two edges it is one or the other. */
static uint64_t count_usable(const struct memory *m, const struct range *ram,
			     const struct range *held, unsigned held_count)
{
	uint64_t edges[EDGES_MAX], sum = 0;
	unsigned count = 0;
	for (unsigned i = 0; i < m->ram.count; i++) {
		add_edge(edges, &count, ram[i].base);
		add_edge(edges, &count, ram[i].base + ram[i].bytes);
	}
	for (unsigned i = 0; i < held_count; i++) {
		add_edge(edges, &count, held[i].base);
		add_edge(edges, &count, held[i].base + held[i].bytes);
	}
	for (unsigned i = 1; i < count; i++) {
		const struct range r = { edges[i - 1], edges[i] - edges[i - 1] };
		if (any_touches(ram, m->ram.count, r) && !any_touches(held, held_count, r))
			sum += r.bytes;
	}
	return sum;
}

/* Pieces of memory that touch are as good as one. */
static bool is_memory(const struct range *ram, unsigned count, struct range r)
{
	uint64_t shared = 0;
	for (unsigned i = 0; i < count; i++) shared += range_shared(ram[i], r);
	return shared == r.bytes;
}

static bool device_touches(const struct range *ram, unsigned count, struct range device,
			   uint64_t most)
{
	if (device.bytes == 0) return false;
	device.bytes = min_u64(device.bytes, most);
	return any_touches(ram, count, range_grown(device));
}

/* Why there can be no map, or NULL; then m->usable_bytes is what must be usable. */
static const char *judge(struct memory *m, const struct platform *p)
{
	struct range ram[MEMORY_RANGES_MAX], held[MEMORY_RANGES_MAX + 3];
	const unsigned count = m->ram.count;
	for (unsigned i = 0; i < count; i++) {
		ram[i] = range_shrunk(m->ram.at[i]);
		if (any_touches(ram, i, ram[i])) return "memory overlaps memory";
	}
	const struct range given[] = { m->image, m->tree, m->initrd };
	for (unsigned i = 0; i < COUNT_OF(given); i++) {
		if (given[i].bytes != 0 &&
		    (!is_memory(ram, count, given[i]) || any_touches(given, i, given[i])))
			return "what was given is not in memory, or overlaps";
	}
	bool inside = device_touches(ram, count, p->uart, PAGE_SIZE) ||
		      device_touches(ram, count, p->gic_distributor, DEVICE_BYTES_MAX) ||
		      device_touches(ram, count, p->gic_cpu_interface, DEVICE_BYTES_MAX);
	for (unsigned i = 0; i < p->gic_redistributor_count; i++)
		inside |= device_touches(ram, count, p->gic_redistributors[i], DEVICE_BYTES_MAX);
	if (inside) return "devices in memory";
	m->usable_bytes = count_usable(m, ram, held, held_ranges(m, held));
	return m->usable_bytes == 0 ? "all memory is taken" : NULL;
}

/* False: the tree was refused, rightly. */
static bool read_platform(struct run *run, const struct blob *blob, const struct fdt *open,
			  struct memory *m, struct platform *p)
{
	const char *wrong = platform_read(open, p);
	run_result(run, wrong == NULL);
	if (blob->tree != NULL) {
		memory_say(m, blob->tree);
		if (wrong == NULL && m->impossible != NULL)
			kpanic(ORACLE_MUST_FAIL, "a tree that lies was believed: %s",
			       m->impossible);
		if (wrong != NULL && m->impossible == NULL && blob->tree->board)
			kpanic(ORACLE_MUST_SUCCEED, "a good board was refused: %s", wrong);
	}
	if (wrong != NULL) return false;
	check_rest(open, p);
	if (blob->tree == NULL) believe(m, p);
	compare_ranges(&m->ram, p->ram, p->ram_count, "memory");
	compare_ranges(&m->reserved, p->reserved, p->reserved_count, "reservations");
	if (p->initrd.base != m->initrd.base || p->initrd.bytes != m->initrd.bytes)
		kpanic(ORACLE_CONTENT, "another initrd");
	return true;
}

bool memory_build(struct run *run, const struct blob *blob, const struct fdt *open,
		  struct memory *m)
{
	struct platform platform;
	m->mapped = false;
	m->taken_count = 0;
	if (!read_platform(run, blob, open, m, &platform)) return false;
	const char *impossible = judge(m, &platform);
	const char *wrong = memmap_build(&m->map, &platform, m->image, m->tree);
	run_result(run, wrong == NULL);
	if (wrong == NULL && impossible != NULL)
		kpanic(ORACLE_MUST_FAIL, "a map was made of what cannot be: %s", impossible);
	if (wrong != NULL && impossible == NULL)
		kpanic(ORACLE_MUST_SUCCEED, "no map of good memory: %s", wrong);
	m->mapped = wrong == NULL;
	return m->mapped;
}

/* --- the map ------------------------------------------------------------------------------ */

void memory_check(struct run *run, const struct memory *m)
{
	struct range held[MEMORY_RANGES_MAX + 3], ram[MEMORY_RANGES_MAX];
	const unsigned held_count = held_ranges(m, held);
	uint64_t sum = 0;
	for (unsigned i = 0; i < m->ram.count; i++) ram[i] = range_shrunk(m->ram.at[i]);
	for (unsigned i = 0; i < m->map.usable_count; i++) {
		const struct range r = m->map.usable[i];
		if (r.bytes == 0 || r.base % PAGE_SIZE != 0 || r.bytes % PAGE_SIZE != 0)
			kpanic(ORACLE_MISALIGNED, "usable range %u is not whole pages", i);
		if (!is_memory(ram, m->ram.count, r))
			kpanic(ORACLE_BOUNDS, "usable range %u is not memory", i);
		if (any_touches(held, held_count, r) || any_touches(m->taken, m->taken_count, r))
			kpanic(ORACLE_OVERLAP, "usable range %u is somebody's", i);
		const struct range before = i == 0 ? (struct range){ 0 } : m->map.usable[i - 1];
		if (i > 0 && (before.base >= r.base || range_touches(before, r)))
			kpanic(ORACLE_OVERLAP, "usable range %u does not stand behind the last", i);
		sum += r.bytes;
	}
	const char *why = memmap_check(&m->map);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	if (sum != m->map.usable_bytes || sum != m->usable_bytes)
		kpanic(ORACLE_ACCOUNT, "usable: %lu by ranges, %lu by count, %lu by the model",
		       (unsigned long)sum, (unsigned long)m->map.usable_bytes,
		       (unsigned long)m->usable_bytes);
	run_result(run, sum ^ m->map.usable_count);
}

/* The highest place for so many bytes, or PADDR_NONE. */
static paddr_t highest_place(const struct memory *m, uint64_t bytes, uint64_t align)
{
	paddr_t best = PADDR_NONE;
	for (unsigned i = 0; i < m->map.usable_count; i++) {
		const struct range r = m->map.usable[i];
		if (r.bytes < bytes) continue;
		const uint64_t top = r.base + (r.bytes - bytes);
		const paddr_t at = top - top % align;
		if (at >= r.base && at > best) best = at;
	}
	return best;
}

bool memory_take(struct run *run, struct memory *m, uint64_t bytes, uint64_t align)
{
	const bool sane = bytes != 0 && bytes <= RANGE_LIMIT;
	const uint64_t whole = sane ? bytes + (0 - bytes) % PAGE_SIZE : 0;
	if (m->taken_count == MEMORY_TAKEN_MAX) return false;
	const bool full = m->map.held_count == MEMMAP_HELD_MAX;
	const paddr_t wanted = sane && !full ? highest_place(m, whole, align) : PADDR_NONE;
	const paddr_t got = memmap_take(&m->map, bytes, align, "taken");
	run_result(run, got);
	if (got != PADDR_NONE && wanted == PADDR_NONE)
		kpanic(ORACLE_MUST_FAIL, "%lu bytes were found", (unsigned long)bytes);
	if (got == PADDR_NONE && wanted != PADDR_NONE)
		kpanic(ORACLE_MUST_SUCCEED, "%lu bytes were not found", (unsigned long)bytes);
	if (got != wanted) kpanic(ORACLE_BOUNDS, "not the highest place");
	if (got == PADDR_NONE) return false;
	m->returned[m->taken_count] = false;
	m->taken[m->taken_count++] = (struct range){ got, whole };
	m->usable_bytes -= whole;
	return true;
}

void memory_return(struct run *run, struct memory *m, unsigned n, uint64_t offset)
{
	if (m->taken_count == 0) return;
	n %= m->taken_count;
	struct range *r = &m->taken[n];
	const uint64_t pages = r->bytes / PAGE_SIZE;
	if (m->returned[n] || pages < 2) return;
	const uint64_t keep = (1 + offset % (pages - 1)) * PAGE_SIZE;
	memmap_return(&m->map, r->base + keep);
	run_result(run, keep);
	m->usable_bytes += r->bytes - keep;
	r->bytes = keep;
	m->returned[n] = true;
}

static void ask(struct run *run, const struct memory *m, struct range r)
{
	struct range ram[MEMORY_RANGES_MAX];
	if (r.bytes == 0) return;
	for (unsigned i = 0; i < m->ram.count; i++) ram[i] = range_shrunk(m->ram.at[i]);
	const bool is = memmap_is_ram(&m->map, r), should = is_memory(ram, m->ram.count, r);
	run_result(run, is);
	if (is != should)
		kpanic(ORACLE_BOUNDS, "%lx, %lx bytes: memory, or not", (unsigned long)r.base,
		       (unsigned long)r.bytes);
}

void memory_ask(struct run *run, const struct memory *m, struct range r)
{
	ask(run, m, r);
	ask(run, m, (struct range){ r.base, 0 - r.base });
	ask(run, m, (struct range){ r.base, PAGE_SIZE - r.base });
	ask(run, m, (struct range){ r.base, UINT64_MAX });
}
