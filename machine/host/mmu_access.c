/*
 * mmu_access.c -- accesses through page tables that lie in the arena.
 *
 * The tables are AArch64's (machine/entry.h), plain memory.  A walk ends at the first entry that is
 * not valid (a translation fault), at one whose accessed flag is clear, at a leaf that does not
 * allow the access, or at memory.  Tables and memory outside the arena do not exist: "bounds".
 *
 * In a checked build a CPU first looks at what it remembers, and only walks when that is nothing.
 * Using what it remembers while the tables say otherwise is what a real CPU does without a sound,
 * and is the failure here ("stale-tlb"), at that very access: the page is elsewhere by now or
 * nowhere, or the right is gone.  Legal differences: the tables allow more than is remembered (the
 * CPU walks again before it faults), and the flags for accessed and dirty.
 *
 * That somebody may be just about to invalidate is no excuse where CPUs take turns between calls:
 * what a call began it has also ended when another CPU makes an access.  Where they take turns
 * within calls it is: until the invalidation is over, what is remembered is used as it is.  That
 * the invalidation comes, and before the memory is anybody else's, the rules see to (tlb_rules.c).
 *
 * Always true:
 *   M3  nothing is read or written by an access that faults;
 *   M4  what is remembered has the accessed flag, and was valid when it was read.
 *
 * Locks: none.  Cost: remembered 8 ns, a walk of four levels 30 ns.
 */
#include "machine/host/arena.h"
#include "machine/host/cpu.h"
#include "machine/host/mmu_code.h"
#include "machine/host/mmu_inside.h"
#include "machine/host/tlb.h"

/* An access on its way. */
struct access {
	uint64_t va;
	enum mach_access kind;
	bool user;
	unsigned cpu;
	paddr_t root;
	uint32_t asid;
};

static void *memory_at(paddr_t pa)
{
	if (UNLIKELY(pa - HOST_RAM_BASE >= host_arena_bytes()))
		kpanic("bounds", "a table leads outside of RAM");
	return (uint8_t *)host_arena_base() + (pa - HOST_RAM_BASE);
}

static bool entry_allows(uint64_t entry, const struct access *a)
{
	if (a->user && (entry & ENTRY_USER) == 0) return false;
	if (a->kind == MACH_STORE) return (entry & ENTRY_READ_ONLY) == 0;
	if (a->kind == MACH_LOAD) return true;
	return (entry & (a->user ? ENTRY_NOT_USER_EXEC : ENTRY_NOT_KERNEL_EXEC)) == 0;
}

/* Where the page of `va` lies that an entry leads to. */
static uint8_t *page_of(uint64_t entry, unsigned level, uint64_t va)
{
	const uint64_t inside = ((uint64_t)1 << entry_shift(level)) - 1;
	return memory_at((entry_address(entry) & ~inside) | align_down(va & inside, PAGE_SIZE));
}

static void remember(const struct access *a, const uint64_t *from, uint64_t value, unsigned level)
{
	struct tlb_entry *e = tlb_place(a->cpu, a->va);
	e->from = from;
	e->value = value;
	e->memory = page_of(value, level, a->va);
	e->root = a->root;
	e->places = tlb_rules_places(host_mmu.rules);
	e->asid = (uint16_t)a->asid;
	e->level = (uint8_t)level;
	e->global = (value & ENTRY_NOT_GLOBAL) == 0;
}

/* Where `va` leads to; *page only without a fault. */
static enum mach_fault walk(const struct access *a, uint8_t **page)
{
	const bool watching = CHECK_LEVEL >= 2 && host_mmu.watching;
	const uint64_t *from = NULL;
	paddr_t table = a->root;
	uint64_t entry = 0;
	unsigned level = 0;
	for (; level < TABLE_LEVELS; level++) {
		const paddr_t at = table + entry_index(a->va, level) * sizeof(entry);
		from = memory_at(at);
		entry = *from;
		if (watching) tlb_rules_walked(host_mmu.rules, a->cpu, at, level, entry);
		if (!entry_is_table(entry, level)) break;
		table = entry_address(entry);
	}
	if (!entry_is_leaf(entry, level)) return MACH_FAULT_TRANSLATION;
	if ((entry & ENTRY_ACCESSED) == 0) return MACH_FAULT_ACCESS_FLAG;
	if (watching) remember(a, from, entry, level);
	if (!entry_allows(entry, a)) return MACH_FAULT_PERMISSION;
	*page = page_of(entry, level, a->va);
	return MACH_FAULT_NONE;
}

/* --- what is remembered ----------------------------------------------------------------------- */

static NORETURN void stale(const struct access *a, const char *what)
{
	host_mmu.watching = false;
	host_mmu.broken = true;
	kpanic(RULE_STALE, "va %llx asid %u: %s; %s", (unsigned long long)a->va, a->asid, what,
	       tlb_rules_missing(host_mmu.rules, a->root, a->va));
}

/* Whether both lead to the same page in the same way. */
static bool entries_agree(uint64_t a, uint64_t b)
{
	const uint64_t way = ENTRY_ADDRESS | ENTRY_VALID | ENTRY_TABLE | ENTRY_NORMAL |
			     ENTRY_SHARED | ENTRY_NOT_GLOBAL;
	return ((a ^ b) & way) == 0;
}

/* CPUs take turns within calls, and somebody is just about to see to it that it is forgotten. */
static bool underway(const struct access *a)
{
	return host_turns_now() != NULL &&
	       tlb_rules_underway(host_mmu.rules, a->cpu, a->root, a->va);
}

/* The tables changed since it was read: is it still good?  False: look into the tables again. */
static NOINLINE bool recheck(const struct access *a, struct tlb_entry *e)
{
	const paddr_t at =
		HOST_RAM_BASE + (paddr_t)((const uint8_t *)e->from - (uint8_t *)host_arena_base());
	const uint64_t rights =
		ENTRY_USER | ENTRY_READ_ONLY | ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC;
	if (e->root != a->root) stale(a, "the entry used is another root's");
	if (underway(a)) return true;
	if (!tlb_rules_leads(host_mmu.rules, a->root, at, e->level, a->va))
		stale(a, "the entry used was in a table that is gone");
	const uint64_t now = *e->from;
	if ((now & ENTRY_VALID) == 0) stale(a, "the entry used was taken away");
	if (!entries_agree(e->value, now)) stale(a, "the entry used leads elsewhere by now");
	if (entry_allows(e->value, a) && !entry_allows(now, a))
		stale(a, "the entry used has lost the right to it");
	e->places = tlb_rules_places(host_mmu.rules);
	if (((e->value ^ now) & rights) == 0) e->value = now;
	if (entry_allows(e->value, a) || !entry_allows(now, a)) return true;
	e->stamp = 0;
	return false;
}

static enum mach_fault remembered(const struct access *a, uint8_t **page)
{
	struct tlb_entry *e = tlb_find(a->cpu, a->va, a->asid);
	if (e == NULL) return walk(a, page);
	const bool same = *e->from == e->value && e->root == a->root &&
			  e->places == tlb_rules_places(host_mmu.rules);
	if (UNLIKELY(!same) && !recheck(a, e)) return walk(a, page);
	if (!entry_allows(e->value, a)) return MACH_FAULT_PERMISSION;
	*page = e->memory;
	return MACH_FAULT_NONE;
}

/* --- accesses --------------------------------------------------------------------------------- */

/* Between the halves, and without a root, there is nothing. */
static enum mach_fault translate(uint64_t va, enum mach_access kind, bool user, uint8_t **page)
{
	struct access a = { .va = va, .kind = kind, .user = user, .cpu = mach_cpu() };
	ASSERT(is_aligned(va, sizeof(uint64_t)));
	a.asid = host_mmu.installed[a.cpu].asid;
	if (va < USER_END) a.root = host_mmu.installed[a.cpu].root;
	if (va >= KERNEL_START) a.root = host_mmu.kernel_root;
	if (a.root == PADDR_NONE) return MACH_FAULT_TRANSLATION;
	return CHECK_LEVEL >= 2 && host_mmu.watching ? remembered(&a, page) : walk(&a, page);
}

static inline enum mach_fault load(uint64_t va, uint64_t *value, bool user)
{
	uint8_t *page;
	const enum mach_fault fault = translate(va, MACH_LOAD, user, &page);
	if (fault == MACH_FAULT_NONE)
		__builtin_memcpy(value, page + va % PAGE_SIZE, sizeof(*value));
	return fault;
}

static inline enum mach_fault store(uint64_t va, uint64_t value, bool user)
{
	uint8_t *page;
	const enum mach_fault fault = translate(va, MACH_STORE, user, &page);
	if (fault != MACH_FAULT_NONE) return fault;
	__builtin_memcpy(page + va % PAGE_SIZE, &value, sizeof(value));
	if (CHECK_LEVEL >= 2 && user) mmu_code_user_wrote(page);
	return fault;
}

enum mach_fault mach_user_load(uint64_t va, uint64_t *value)
{
	return load(va, value, true);
}

enum mach_fault mach_user_store(uint64_t va, uint64_t value)
{
	return store(va, value, true);
}

enum mach_fault mach_user_fetch(uint64_t va)
{
	uint8_t *page;
	return translate(va, MACH_FETCH, true, &page);
}

/* Page by page: what is accessed before one that faults has been accessed. */
static bool user_copy(uint64_t va, uint8_t *bytes, size_t count, enum mach_access kind)
{
	ASSERT(host_now.masked != 0 && count - 1 < MACH_USER_BYTES);
	ASSERT(va < USER_END && count <= USER_END - va);
	for (size_t done = 0; done < count;) {
		const uint64_t at = va + done;
		const size_t now = min_u64(count - done, PAGE_SIZE - at % PAGE_SIZE);
		uint8_t *page;
		if (translate(align_down(at, sizeof(uint64_t)), kind, true, &page) !=
		    MACH_FAULT_NONE)
			return false;
		uint8_t *user = page + at % PAGE_SIZE;
		if (kind == MACH_LOAD)
			__builtin_memcpy(bytes + done, user, now);
		else
			__builtin_memcpy(user, bytes + done, now);
		if (CHECK_LEVEL >= 2 && kind == MACH_STORE) mmu_code_user_wrote(page);
		done += now;
	}
	return true;
}

bool host_user_in(uint8_t *to, uint64_t va, size_t bytes)
{
	return user_copy(va, to, bytes, MACH_LOAD);
}

bool host_user_out(uint64_t va, const uint8_t *from, size_t bytes)
{
	return user_copy(va, (uint8_t *)(uintptr_t)from, bytes, MACH_STORE);
}

enum mach_fault host_kernel_load(uint64_t va, uint64_t *value)
{
	return load(va, value, false);
}

enum mach_fault host_kernel_store(uint64_t va, uint64_t value)
{
	return store(va, value, false);
}

enum mach_fault host_kernel_fetch(uint64_t va)
{
	uint8_t *page;
	return translate(va, MACH_FETCH, false, &page);
}
