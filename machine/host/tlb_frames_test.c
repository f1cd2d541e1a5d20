/*
 * tlb_frames_test.c -- the rules about what is freed and used again: tables, roots, kernel entries,
 * and code, each kept once and broken once.
 *
 * Every deed starts in a new world: a root that CPUs 0 and 1 have installed under ASID 1, a page
 * mapped at VA, its table of the last level in `table`.
 */
#include "machine/host/panics.h"

#include "machine/host/mmu_code.h"
#include "machine/host/mmu_test.h"
#include "machine/host/tlb_rules.h"

#define VA 0x0000000000400000ull
#define KVA (KERNEL_START + 0x8000000000ull)
#define TABLE_BITS (ENTRY_VALID | ENTRY_TABLE)

enum { ASID = 1 };

static paddr_t root, page, table;
static uint64_t *above; /* the entry that leads to `table` */

static void install_root(void *arg)
{
	(void)arg;
	install(root, ASID);
}

static void install_nothing(void *arg)
{
	(void)arg;
	install(PADDR_NONE, 0);
}

static void start_uninstalled(void)
{
	root = page_take();
	page = page_take();
	map_page(root, VA, page, USER_PAGE);
	above = entry_make(root, VA, 2);
	table = entry_address(*above);
}

static void start(void)
{
	start_uninstalled();
	install(root, ASID);
	on_cpu(1, install_root);
}

static void touch(void *arg)
{
	uint64_t value;
	(void)arg;
	(void)mach_user_load(VA, &value);
}

static void clear(uint64_t *entry)
{
	mach_entry_store(entry, 0);
}

/* --- tables ----------------------------------------------------------------------------------- */

static void table_by_the_rules(void *arg)
{
	(void)arg;
	start();
	touch(NULL);
	clear(entry_in(table, VA, 3));
	clear(above);
	forget_page(ASID, VA);
	page_give(page);
	page_give(table);
	touch(NULL);
	EXPECT(host_mmu_settled() == NULL);
}

static void table_freed_in_place(void *arg)
{
	(void)arg;
	start();
	clear(entry_in(table, VA, 3));
	forget_page(ASID, VA);
	page_give(table);
}

static void table_uninvalidated(void *arg)
{
	(void)arg;
	start();
	clear(entry_in(table, VA, 3));
	forget_page(ASID, VA);
	clear(above);
	mach_entry_sync();
	page_give(table);
}

static void table_other_asid(void *arg)
{
	(void)arg;
	start();
	clear(entry_in(table, VA, 3));
	forget_page(ASID, VA);
	clear(above);
	forget_page(ASID + 1, VA);
	page_give(table);
}

/* An invalidation by address forgets the table above any address below it, but one page only. */
static void table_with_two_pages(void (*forget)(void))
{
	start();
	const paddr_t second = page_take();
	map_page(root, VA + PAGE_SIZE, second, USER_PAGE);
	clear(above);
	forget();
	page_give(table);
	page_give(page);
	page_give(second);
}

static void forget_first(void)
{
	forget_page(ASID, VA);
}

static void forget_space(void)
{
	mach_entry_sync();
	mach_tlb_space(ASID);
	mach_tlb_wait();
}

static void table_with_all_below(void *arg)
{
	(void)arg;
	table_with_two_pages(forget_space);
}

static void table_with_one_below(void *arg)
{
	(void)arg;
	table_with_two_pages(forget_first);
}

static void table_for_table(void *arg)
{
	(void)arg;
	start();
	mach_entry_store(above, page_take() | TABLE_BITS);
}

static void table_overwritten(void *arg)
{
	(void)arg;
	start();
	*entry_in(table, VA, 3) = page_take() | USER_PAGE;
	touch(NULL);
}

static void table_dangling(void *arg)
{
	(void)arg;
	start_uninstalled();
	install(root, ASID);
	install(PADDR_NONE, 0);
	mach_tlb_space(ASID);
	mach_tlb_wait();
	page_give(table);
	install(root, ASID);
	touch(NULL);
}

static void page_dangling(void *arg)
{
	(void)arg;
	start_uninstalled();
	install(root, ASID);
	install(PADDR_NONE, 0);
	mach_tlb_space(ASID);
	mach_tlb_wait();
	page_give(page);
	install(root, ASID);
	touch(NULL);
}

static void table_in_two_places(void *arg)
{
	(void)arg;
	start();
	mach_entry_store(above + 1, table | TABLE_BITS);
}

/* --- roots ------------------------------------------------------------------------------------ */

static void leave_everywhere(void)
{
	install(PADDR_NONE, 0);
	on_cpu(1, install_nothing);
}

static void root_by_the_rules(void *arg)
{
	(void)arg;
	start();
	touch(NULL);
	leave_everywhere();
	forget_space();
	page_give(page);
	page_give(table);
	page_give(root);
	EXPECT(host_mmu_settled() == NULL);
}

static void root_installed(void *arg)
{
	(void)arg;
	start();
	install(PADDR_NONE, 0);
	page_give(root);
}

static void root_remembered(void *arg)
{
	(void)arg;
	start();
	leave_everywhere();
	page_give(page);
}

static void root_used_again(void *arg)
{
	(void)arg;
	start();
	touch(NULL);
	leave_everywhere();
	forget_space();
	page_give(root);
	mach_unpoison(mach_phys(root), PAGE_SIZE);
	memset(mach_phys(root), 0, PAGE_SIZE);
	map_page(root, VA, page, USER_PAGE);
	install(root, ASID);
	touch(NULL);
}

/* --- the kernel's ----------------------------------------------------------------------------- */

static paddr_t kernel;

static uint64_t *start_kernel(uint64_t bits)
{
	start();
	kernel = page_take();
	map_page(kernel, KVA - PAGE_SIZE, page_take(), KERNEL_PAGE);
	host_mmu_kernel_install(kernel);
	return map_page(kernel, KVA, page_take(), bits);
}

static void kernel_by_the_rules(void *arg)
{
	uint64_t value;
	(void)arg;
	uint64_t *entry = start_kernel(KERNEL_PAGE);
	const paddr_t mapped = entry_address(*entry);
	EXPECT(host_kernel_load(KVA, &value) == MACH_FAULT_NONE);
	EXPECT(host_kernel_load(KVA - PAGE_SIZE, &value) == MACH_FAULT_NONE);
	clear(entry);
	forget_page(0, KVA);
	page_give(mapped);
	EXPECT(host_kernel_load(KVA, &value) == MACH_FAULT_TRANSLATION);
	EXPECT(host_mmu_settled() == NULL);
}

static void kernel_not_global(void *arg)
{
	(void)arg;
	start_kernel(KERNEL_PAGE | ENTRY_NOT_GLOBAL);
}

/* Global entries are not an ASID's. */
static void kernel_by_asid(void *arg)
{
	(void)arg;
	uint64_t *entry = start_kernel(KERNEL_PAGE);
	const paddr_t mapped = entry_address(*entry);
	clear(entry);
	forget_space();
	page_give(mapped);
}

static void kernel_table(void (*forget)(void))
{
	uint64_t *entry = start_kernel(KERNEL_PAGE);
	uint64_t *leads = entry_make(kernel, KVA, 2);
	const paddr_t gone = entry_address(*leads);
	clear(entry);
	clear(leads);
	forget();
	page_give(gone);
}

static void forget_everything(void)
{
	mach_entry_sync();
	mach_tlb_all();
	mach_tlb_wait();
}

static void forget_kernel_page(void)
{
	forget_page(0, KVA);
}

static void kernel_table_by_the_rules(void *arg)
{
	(void)arg;
	kernel_table(forget_everything);
}

/* Tables are remembered under the ASID they were walked under, whatever is below them. */
static void kernel_table_by_address(void *arg)
{
	(void)arg;
	kernel_table(forget_kernel_page);
}

/* --- code ------------------------------------------------------------------------------------- */

#define CODE_PAGE ((USER_PAGE & ~ENTRY_NOT_USER_EXEC) | ENTRY_READ_ONLY)

static void code_start(bool made_visible)
{
	start();
	memset(mach_phys(page), 0x1f, PAGE_SIZE);
	if (made_visible) mach_code_sync(mach_phys(page), PAGE_SIZE);
}

static void code_put(void)
{
	mach_entry_store(entry_in(table, VA, 3), page | CODE_PAGE);
	forget_page(ASID, VA);
	EXPECT(mach_user_fetch(VA) == MACH_FAULT_NONE);
}

static void code_by_the_rules(void *arg)
{
	(void)arg;
	code_start(true);
	code_put();
}

static void code_invisible(void *arg)
{
	(void)arg;
	code_start(false);
	code_put();
}

static void code_written_since(void *arg)
{
	(void)arg;
	code_start(true);
	*(uint32_t *)mach_phys(page + 64) += 1;
	code_put();
}

static const struct deed deeds[] = {
	{ "table, by the rules", table_by_the_rules, NULL },
	{ "table freed in its place", table_freed_in_place, RULE_TABLE },
	{ "table not invalidated", table_uninvalidated, RULE_TABLE },
	{ "table, other ASID invalidated", table_other_asid, RULE_SCOPE },
	{ "table with all below it", table_with_all_below, NULL },
	{ "table with one page below it", table_with_one_below, RULE_STALE },
	{ "table for a table", table_for_table, RULE_BREAK },
	{ "table overwritten", table_overwritten, RULE_TABLE },
	{ "table freed, walked later", table_dangling, RULE_TABLE },
	{ "page freed, used later", page_dangling, RULE_STALE },
	{ "table in two places", table_in_two_places, RULE_TABLE },
	{ "root, by the rules", root_by_the_rules, NULL },
	{ "root freed while installed", root_installed, RULE_ROOT },
	{ "page freed, its ASID remembered", root_remembered, RULE_STALE },
	{ "root used again", root_used_again, NULL },
	{ "kernel, by the rules", kernel_by_the_rules, NULL },
	{ "kernel not global", kernel_not_global, RULE_SCOPE },
	{ "kernel by ASID", kernel_by_asid, RULE_SCOPE },
	{ "kernel's table, by the rules", kernel_table_by_the_rules, NULL },
	{ "kernel's table, by address", kernel_table_by_address, RULE_SCOPE },
	{ "code, by the rules", code_by_the_rules, NULL },
	{ "code not made visible", code_invisible, RULE_CODE },
	{ "code written since", code_written_since, RULE_CODE },
};

int main(void)
{
	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(2);
	deeds_try(deeds, COUNT_OF(deeds));
	return 0;
}
