/*
 * tlb_rules_test.c -- the rules about entries, each kept once and broken once: break before make,
 * the order of store, publication, invalidation and wait, what an invalidation covers, ASIDs.
 *
 * Every deed starts in a new world with a page mapped at VA in a root that CPUs 0 and 1 have
 * installed under ASID 1.  Frames, tables and roots are tlb_frames_test.c's.
 */
#include "machine/host/panics.h"

#include "machine/host/mmu_test.h"
#include "machine/host/tlb_rules.h"

#define VA 0x0000000000400000ull
#define NEAR (VA + PAGE_SIZE)
#define READ_ONLY_PAGE (USER_PAGE | ENTRY_READ_ONLY)

enum { ASID = 1 };

static paddr_t root, page, other;
static uint64_t *entry;

static void install_root(void *arg)
{
	(void)arg;
	install(root, ASID);
}

static void start_with(uint64_t bits)
{
	root = page_take();
	page = page_take();
	other = page_take();
	install(root, ASID);
	on_cpu(1, install_root);
	entry = map_page(root, VA, page, bits);
}

static void start(void)
{
	start_with(USER_PAGE);
}

static void touch(void *arg)
{
	uint64_t value;
	(void)arg;
	(void)mach_user_load(VA, &value);
}

static void write(void *arg)
{
	(void)arg;
	(void)mach_user_store(VA, 1);
}

static void put(uint64_t value)
{
	mach_entry_store(entry, value);
	mach_entry_sync();
}

/* --- break before make ------------------------------------------------------------------------ */

static void other_frame_by_the_rules(void *arg)
{
	(void)arg;
	start();
	put(0);
	forget_page(ASID, VA);
	put(other | USER_PAGE);
	touch(NULL);
	EXPECT(host_mmu_settled() == NULL);
}

static void other_frame_at_once(void *arg)
{
	(void)arg;
	start();
	put(other | USER_PAGE);
}

static void other_frame_uninvalidated(void *arg)
{
	(void)arg;
	start();
	put(0);
	put(other | USER_PAGE);
}

static void other_frame_unwaited(void *arg)
{
	(void)arg;
	start();
	put(0);
	mach_tlb_page(tlb_operand(ASID, VA));
	put(other | USER_PAGE);
}

static void same_frame_again(void *arg)
{
	(void)arg;
	start();
	put(0);
	put(page | USER_PAGE);
	touch(NULL);
	EXPECT(host_mmu_settled() == NULL);
}

static void other_memory_type(void *arg)
{
	(void)arg;
	start();
	put(page | (USER_PAGE & ~ENTRY_NORMAL));
}

static void flags_in_place(void *arg)
{
	(void)arg;
	start();
	touch(NULL);
	put(page | (USER_PAGE & ~ENTRY_ACCESSED));
	touch(NULL);
	put(page | USER_PAGE | ENTRY_DIRTY);
	touch(NULL);
	EXPECT(host_mmu_settled() == NULL);
}

static void unseen_tree(void *arg)
{
	(void)arg;
	start();
	const paddr_t hidden = page_take();
	entry = map_page(hidden, VA, page, USER_PAGE);
	put(other | USER_PAGE);
	install(hidden, ASID + 1);
	touch(NULL);
}

/* --- what an invalidation covers -------------------------------------------------------------- */

static void take_away(uint64_t operand)
{
	start();
	put(0);
	mach_tlb_page(operand);
	mach_tlb_wait();
	page_give(page);
}

static void right_operand(void *arg)
{
	(void)arg;
	take_away(tlb_operand(ASID, VA));
}

static void wrong_asid(void *arg)
{
	(void)arg;
	take_away(tlb_operand(0, VA));
}

static void wrong_address(void *arg)
{
	(void)arg;
	take_away(tlb_operand(ASID, NEAR));
}

static void hint_of_level(void *arg)
{
	(void)arg;
	take_away(tlb_operand(ASID, VA) | 1ull << 44);
}

static void whole_asid(void *arg)
{
	(void)arg;
	start();
	put(0);
	mach_tlb_space(ASID);
	mach_tlb_wait();
	page_give(page);
}

static void everything(void *arg)
{
	(void)arg;
	start();
	put(0);
	mach_tlb_all();
	mach_tlb_wait();
	page_give(page);
}

static void this_cpu_only(void *arg)
{
	(void)arg;
	start();
	put(0);
	mach_tlb_all_local();
	mach_tlb_wait();
	page_give(page);
}

static void forget_own(void *arg)
{
	(void)arg;
	mach_tlb_all_local();
	mach_tlb_wait();
}

static void each_cpu_its_own(void *arg)
{
	(void)arg;
	start();
	put(0);
	forget_own(NULL);
	on_cpu(1, forget_own);
	page_give(page);
}

static void global_for_users(void *arg)
{
	(void)arg;
	start_with(USER_PAGE & ~ENTRY_NOT_GLOBAL);
}

/* --- order ------------------------------------------------------------------------------------ */

static void unpublished(void *arg)
{
	(void)arg;
	start();
	mach_entry_store(entry, 0);
	mach_tlb_page(tlb_operand(ASID, VA));
}

static void unpublished_whole_asid(void *arg)
{
	(void)arg;
	start();
	mach_entry_store(entry, 0);
	mach_tlb_space(ASID);
	mach_entry_sync();
	mach_tlb_wait();
	page_give(page);
}

static void free_unwaited(void *arg)
{
	(void)arg;
	start();
	put(0);
	mach_tlb_page(tlb_operand(ASID, VA));
	page_give(page);
}

static void free_uninvalidated(void *arg)
{
	(void)arg;
	start();
	put(0);
	page_give(page);
}

static void free_mapped(void *arg)
{
	(void)arg;
	start();
	page_give(page);
}

static void used_unpublished(void *arg)
{
	(void)arg;
	start();
	entry = entry_in(align_down(mach_pa(entry), PAGE_SIZE), NEAR, 3);
	mach_entry_store(entry, other | USER_PAGE);
	uint64_t value;
	(void)mach_user_load(NEAR, &value);
}

/* --- what is remembered ----------------------------------------------------------------------- */

static void right_lost(void (*forget)(void))
{
	start();
	on_cpu(1, write);
	mach_entry_store(entry, page | READ_ONLY_PAGE);
	forget();
	on_cpu(1, touch);
	on_cpu(1, write);
}

static void forget_by_the_rules(void)
{
	forget_page(ASID, VA);
}

static void forget_nothing(void)
{
	mach_entry_sync();
}

static void forget_unwaited(void)
{
	mach_entry_sync();
	mach_tlb_page(tlb_operand(ASID, VA));
}

static void forget_locally(void)
{
	mach_entry_sync();
	forget_own(NULL);
}

static void forget_by_eviction(void)
{
	mach_entry_sync();
	host_mmu_evict(1, VA);
}

static void right_lost_forgotten(void *arg)
{
	(void)arg;
	right_lost(forget_by_the_rules);
	EXPECT(host_mmu_settled() == NULL);
}

static void right_lost_remembered(void *arg)
{
	(void)arg;
	right_lost(forget_nothing);
}

/* The kernel's copies use what is remembered as any access of a user does. */
static void right_lost_copied(void *arg)
{
	const uint8_t byte = 1;
	(void)arg;
	start();
	write(NULL);
	put(page | USER_PAGE | ENTRY_READ_ONLY);
	const mach_irq_t was = mach_irq_save();
	(void)mach_user_out(VA + 9, &byte, 1);
	mach_irq_restore(was);
}

static void right_lost_unwaited(void *arg)
{
	(void)arg;
	right_lost(forget_unwaited);
}

static void right_lost_locally(void *arg)
{
	(void)arg;
	right_lost(forget_locally);
}

/* The world was kind: nobody used it.  At rest it shows. */
static void right_lost_evicted(void *arg)
{
	(void)arg;
	right_lost(forget_by_eviction);
	EXPECT(host_mmu_settled() != NULL);
}

static void right_gained(void *arg)
{
	(void)arg;
	start_with(READ_ONLY_PAGE);
	EXPECT(mach_user_store(VA, 1) == MACH_FAULT_PERMISSION);
	put(page | USER_PAGE);
	EXPECT(mach_user_store(VA, 1) == MACH_FAULT_NONE);
	EXPECT(host_mmu_settled() == NULL);
}

static void used_after_all(void *arg)
{
	(void)arg;
	start();
	on_cpu(1, touch);
	put(0);
	on_cpu(1, touch);
}

/* The ASID keeps what was read under it, whatever is installed meanwhile. */
static void used_after_another(void *arg)
{
	(void)arg;
	start();
	touch(NULL);
	install(page_take(), ASID + 1);
	put(0);
	install(root, ASID);
	touch(NULL);
}

/* A block for a table and back, by the rules: nothing of the pages below may be remembered. */
static void block_for_pages(bool invalidated)
{
	start();
	uint64_t *above = entry_make(root, VA, 2);
	const uint64_t table = *above;
	mach_entry_store(above, 0);
	mach_entry_sync();
	if (invalidated) mach_tlb_space(ASID);
	if (invalidated) mach_tlb_wait();
	mach_entry_store(above, HOST_RAM_BASE | (USER_PAGE & ~ENTRY_TABLE));
	mach_entry_sync();
	touch(NULL);
	mach_entry_store(above, 0);
	forget_page(ASID, VA);
	mach_entry_store(above, table);
	mach_entry_sync();
	touch(NULL);
}

static void block_invalidated(void *arg)
{
	(void)arg;
	block_for_pages(true);
}

static void block_uninvalidated(void *arg)
{
	(void)arg;
	block_for_pages(false);
}

/* --- ASIDs ------------------------------------------------------------------------------------ */

static void second_root(bool invalidated)
{
	start();
	const paddr_t second = page_take();
	install(PADDR_NONE, 0);
	on_cpu(1, install_root);
	if (invalidated) forget_own(NULL);
	root = second;
	install(second, ASID);
}

static void asid_shared(void *arg)
{
	(void)arg;
	second_root(true); /* on CPU 0; CPU 1 has the first root under it */
}

static void asid_remembered(void *arg)
{
	(void)arg;
	second_root(false);
}

static void install_nothing(void *arg)
{
	(void)arg;
	install(PADDR_NONE, 0);
}

/* As generations do: each CPU forgets before it installs again, and not sooner. */
static void asid_next_generation(void *arg)
{
	(void)arg;
	start();
	on_cpu(1, touch);
	on_cpu(1, install_nothing);
	install(PADDR_NONE, 0);
	forget_own(NULL);
	const paddr_t first = root;
	root = page_take();
	install(root, ASID);
	on_cpu(1, forget_own);
	on_cpu(1, install_root);
	install(first, ASID + 1);
	touch(NULL);
}

static void asid_two_at_once(void *arg)
{
	(void)arg;
	start();
	install(root, ASID + 1);
}

/* The space has another ASID already, though no CPU has it installed yet: the page may go, as long
 * as CPU 1 does not use the old one again. */
static void asid_outdated(bool used)
{
	start();
	on_cpu(1, touch);
	on_cpu(1, install_nothing);
	install(PADDR_NONE, 0);
	put(0);
	forget_page(ASID + 1, VA);
	page_give(page);
	if (!used) on_cpu(1, forget_own);
	on_cpu(1, install_root);
}

static void asid_outdated_forgotten(void *arg)
{
	(void)arg;
	asid_outdated(false);
}

static void asid_outdated_used(void *arg)
{
	(void)arg;
	asid_outdated(true);
}

static const struct deed deeds[] = {
	{ "other frame, by the rules", other_frame_by_the_rules, NULL },
	{ "other frame, at once", other_frame_at_once, RULE_BREAK },
	{ "other frame, not invalidated", other_frame_uninvalidated, RULE_BREAK },
	{ "other frame, not waited for", other_frame_unwaited, RULE_BREAK },
	{ "same frame again", same_frame_again, NULL },
	{ "other memory type", other_memory_type, RULE_BREAK },
	{ "accessed and dirty in place", flags_in_place, NULL },
	{ "a tree that nobody has installed", unseen_tree, NULL },
	{ "the right operand", right_operand, NULL },
	{ "wrong ASID", wrong_asid, RULE_SCOPE },
	{ "wrong address", wrong_address, RULE_SCOPE },
	{ "hint of a level", hint_of_level, RULE_SCOPE },
	{ "the whole ASID", whole_asid, NULL },
	{ "everything", everything, NULL },
	{ "this CPU only", this_cpu_only, RULE_SCOPE },
	{ "each CPU its own", each_cpu_its_own, NULL },
	{ "global for users", global_for_users, RULE_SCOPE },
	{ "invalidated, not published", unpublished, RULE_STALE },
	{ "ASID invalidated, not published", unpublished_whole_asid, RULE_STALE },
	{ "freed, not waited for", free_unwaited, RULE_STALE },
	{ "freed, not invalidated", free_uninvalidated, RULE_STALE },
	{ "freed while mapped", free_mapped, RULE_STALE },
	{ "used, not published", used_unpublished, RULE_STALE },
	{ "right lost, forgotten", right_lost_forgotten, NULL },
	{ "right lost, remembered", right_lost_remembered, RULE_STALE },
	{ "right lost, remembered by a copy", right_lost_copied, RULE_STALE },
	{ "right lost, not waited for", right_lost_unwaited, RULE_STALE },
	{ "right lost, locally", right_lost_locally, RULE_STALE },
	{ "right lost, by chance", right_lost_evicted, NULL },
	{ "right gained", right_gained, NULL },
	{ "used after all", used_after_all, RULE_STALE },
	{ "used after another", used_after_another, RULE_STALE },
	{ "a block for pages, forgotten", block_invalidated, NULL },
	{ "a block for pages, remembered", block_uninvalidated, RULE_BREAK },
	{ "ASID of another's, shared", asid_shared, RULE_ASID },
	{ "ASID of another's, remembered", asid_remembered, RULE_ASID },
	{ "ASID of the next generation", asid_next_generation, NULL },
	{ "ASID of the past, forgotten", asid_outdated_forgotten, NULL },
	{ "ASID of the past, used", asid_outdated_used, RULE_SCOPE },
	{ "two ASIDs at once", asid_two_at_once, RULE_ASID },
};

int main(void)
{
	host_arena_open(HOST_ARENA_BYTES);
	host_cpus_open(2);
	deeds_try(deeds, COUNT_OF(deeds));
	return 0;
}
