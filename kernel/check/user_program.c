/*
 * user_program.c -- checks of machine/aarch64's side of users' addresses, on every CPU: tables
 * made by hand in RAM are installed, loads, stores and fetches go through them as a user's would,
 * rights and pages are taken away, and no CPU may meet what was.
 */
#include "kernel/boot.h"
#include "kernel/check/user_tables.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "kernel/ktap.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "machine/aarch64/boot.h"
#include "machine/aarch64/cpu.h"
#include "machine/atomic.h"

enum { ROUNDS = 300, OLD = 0x01d, CODE_WORDS = 2 };

#define TCR_ASID_16 (1ull << 36)

/* --- checks --------------------------------------------------------------------------------- */

static const char *check_nothing_installed(void)
{
	/* The last is where the kernel is: the empty table is not the kernel's. */
	const uint64_t addresses[] = {
		0, PAGE_SIZE, HAND_AREA, USER_END - 8, USER_END, KERNEL_START - 8, boot_image_pa,
	};
	for (unsigned i = 0; i < COUNT_OF(addresses); i++)
		if (!hand_all_meet_nothing(addresses[i])) return "something at a user's address";
	return NULL;
}

static const char *check_kernel_refused(void)
{
	static uint64_t data;
	const enum mach_fault no = MACH_FAULT_PERMISSION;
	if (!hand_all_meet((uintptr_t)&data, no, no, no)) return "the kernel's data";
	if (!hand_all_meet(align_down((uintptr_t)check_kernel_refused, 8), no, no, no))
		return "the kernel's text";
	return data == 0 ? NULL : "a user wrote it";
}

static const char *check_rights(void)
{
	const enum mach_fault yes = MACH_FAULT_NONE, no = MACH_FAULT_PERMISSION;
	const char *wrong = NULL;
	hand_begin();
	hand_map(0, 0, 0, READ_WRITE);
	hand_map(0, 1, 1, READ_ONLY);
	hand_map(0, 2, 2, READ_EXEC);
	hand_map(0, 3, 3, READ_WRITE & ~ENTRY_NOT_USER_EXEC);
	if (!hand_all_meet(hand_address(0), yes, yes, no)) wrong = "read and write";
	if (!hand_all_meet(hand_address(1) + 8, yes, no, no)) wrong = "read only";
	if (!hand_all_meet(hand_address(2) + 16, yes, no, yes)) wrong = "read and execute";
	if (!hand_all_meet(hand_address(3) + PAGE_SIZE - 8, yes, yes, yes)) wrong = "all rights";
	if (!hand_all_meet_nothing(hand_address(HAND_PAGES))) wrong = "beyond the last page";
	hand_change(0, HAND_ASID, 0, hand_pages[0] | (READ_WRITE & ~ENTRY_USER));
	if (!hand_all_meet(hand_address(0), no, no, no)) wrong = "a page that is the kernel's";
	hand_change(0, HAND_ASID, 0, hand_pages[0] | ENTRY_HELD);
	if (!hand_all_meet_nothing(hand_address(0))) wrong = "no right at all";
	hand_end();
	return wrong;
}

static const char *check_access_flag(void)
{
	const enum mach_fault flag = MACH_FAULT_ACCESS_FLAG;
	hand_begin();
	hand_map(0, 0, 0, READ_WRITE & ~ENTRY_ACCESSED);
	const bool faults = hand_all_meet(hand_address(0), flag, flag, flag);
	hand_map(0, 0, 0, READ_WRITE); /* such an entry is never remembered */
	const bool loads = hand_all_meet(hand_address(0), MACH_FAULT_NONE, MACH_FAULT_NONE,
					 MACH_FAULT_PERMISSION);
	hand_end();
	return !faults ? "no fault" : loads ? NULL : "a fault with the flag set";
}

/* Each CPU has a word of the page, and adds to it through the user's address. */
static void add_up(void *arg)
{
	uint32_t *wrong = arg;
	const uint64_t va = hand_address(0) + 64ull * mach_cpu();
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t value = 0;
		if (mach_user_load(va, &value) != MACH_FAULT_NONE ||
		    mach_user_store(va, value + 1) != MACH_FAULT_NONE)
			atomic_fetch_add_u32(wrong, 1);
	}
}

static const char *check_values(void)
{
	uint32_t wrong = 0;
	memset(hand_memory(0), 0, PAGE_SIZE);
	hand_begin();
	hand_map(0, 0, 0, READ_WRITE);
	smp_run_all(add_up, &wrong);
	hand_end();
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		if (hand_memory(0)[8 * cpu] != ROUNDS) return "an addition is not there";
	return wrong == 0 ? NULL : "a fault";
}

static const char *check_protect_and_unmap(void)
{
	const enum mach_fault yes = MACH_FAULT_NONE, no = MACH_FAULT_PERMISSION;
	const char *wrong = NULL;
	hand_begin();
	hand_map(0, 0, 0, READ_WRITE);
	if (!hand_all_meet(hand_address(0), yes, yes, no)) wrong = "before";
	hand_change(0, HAND_ASID, 0, hand_pages[0] | READ_ONLY);
	if (!hand_all_meet(hand_address(0), yes, no, no)) wrong = "a store after protect";
	hand_change(0, HAND_ASID, 0, 0);
	if (!hand_all_meet_nothing(hand_address(0))) wrong = "something after unmap";
	hand_end();
	return wrong;
}

/* --- copies ----------------------------------------------------------------------------------- */

/* Sizes that are in line (4, 8, 16, 32), by a call (24 and others), and what both come to. */
static bool copy_in(uint8_t *to, uint64_t va, size_t bytes)
{
	switch (bytes) {
	case 4: return mach_user_in(to, va, 4);
	case 8: return mach_user_in(to, va, 8);
	case 16: return mach_user_in(to, va, 16);
	case 32: return mach_user_in(to, va, 32);
	default: return mach_user_in(to, va, bytes);
	}
}

static bool copy_out(uint64_t va, const uint8_t *from, size_t bytes)
{
	switch (bytes) {
	case 4: return mach_user_out(va, from, 4);
	case 8: return mach_user_out(va, from, 8);
	case 16: return mach_user_out(va, from, 16);
	case 32: return mach_user_out(va, from, 32);
	default: return mach_user_out(va, from, bytes);
	}
}

/* There and back where it may be; and only so many bytes, neither here nor there. */
static bool comes_back(uint64_t va, size_t bytes)
{
	uint8_t out[MACH_USER_BYTES + 1], in[MACH_USER_BYTES + 1];
	uint8_t *behind = (uint8_t *)hand_memory(1) + va + bytes - hand_address(1);
	for (size_t i = 0; i < sizeof(out); i++) out[i] = (uint8_t)(bytes + 7 * i + va);
	in[bytes] = 0x5a;
	*behind = 0xa5;
	if (!copy_out(va, out, bytes) || !copy_in(in, va, bytes)) return false;
	return memcmp(in, out, bytes) == 0 && in[bytes] == 0x5a && *behind == 0xa5;
}

/* Pages 0 and 1 can be written, 2 only read, 3 is the kernel's; on this CPU alone. */
static const char *copies(void)
{
	uint8_t some[MACH_USER_BYTES] = { 1 };
	const uint64_t end = hand_address(2);
	for (size_t bytes = 1; bytes <= MACH_USER_BYTES; bytes++) {
		for (unsigned skew = 0; skew < 8; skew++) {
			if (!comes_back(hand_address(1) + 64 + skew, bytes)) return "inside a page";
			if (!comes_back(hand_address(1) - skew % bytes, bytes)) return "across two";
		}
		if (bytes == 1) continue;
		if (!copy_in(some, end - 1, bytes)) return "reading what may be read";
		if (copy_out(end - 1, some, bytes)) return "writing what may be read";
		if (copy_in(some, hand_address(3) - 1, bytes)) return "the kernel's page read";
		if (copy_out(hand_address(3), some, bytes)) return "the kernel's page written";
		if (copy_in(some, hand_address(HAND_PAGES), bytes)) return "a page not there";
		if (copy_in(some, USER_END - bytes, bytes)) return "the end of the user's half";
	}
	return hand_memory(2)[0] == 0 && hand_memory(3)[0] == 0 ? NULL : "a refused store";
}

static void copies_here(void *arg)
{
	const char **wrong = arg;
	const mach_irq_t was = mach_irq_save();
	const char *here = copies();
	mach_irq_restore(was);
	if (here != NULL) __atomic_store_n(wrong, here, __ATOMIC_RELEASE);
}

/* One CPU after the other: all write to the same pages. */
static const char *check_copies(void)
{
	const char *wrong = NULL;
	hand_begin();
	for (unsigned page = 0; page < HAND_PAGES; page++) {
		static const uint64_t bits[HAND_PAGES] = {
			READ_WRITE,
			READ_WRITE,
			READ_ONLY,
			READ_WRITE & ~ENTRY_USER,
		};
		memset(hand_memory(page), 0, PAGE_SIZE);
		hand_map(0, page, page, bits[page]);
	}
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) smp_run_on(cpu, copies_here, &wrong);
	hand_end();
	return wrong;
}

/* A table is taken away: what CPUs remember of the levels above goes too. */
static const char *check_table_goes(void)
{
	const enum mach_fault yes = MACH_FAULT_NONE, no = MACH_FAULT_PERMISSION;
	const char *wrong = NULL;
	uint64_t *entry = hand_entry(0, HAND_AREA, TABLE_LEVELS - 2);
	const uint64_t table = *entry;
	hand_begin();
	hand_map(0, 0, 0, READ_WRITE);
	if (!hand_all_meet(hand_address(0), yes, yes, no)) wrong = "before";
	mach_entry_store(entry, 0);
	mach_entry_sync();
	mach_tlb_space(HAND_ASID);
	mach_tlb_wait();
	if (!hand_all_meet_nothing(hand_address(0))) wrong = "something without a table";
	mach_entry_store(entry, table);
	mach_entry_sync();
	if (!hand_all_meet(hand_address(0), yes, yes, no)) wrong = "nothing with the table";
	hand_end();
	return wrong;
}

/* --- unmapped while others look ------------------------------------------------------------- */

static struct {
	uint32_t over, looks, faults, stale; /* atomic */
} race;

/* A page's words are all one number: of the round, or OLD once it is nobody's.  Between two loads
 * of one page it may go, but OLD is seen by nobody who translates. */
static bool look_at(uint64_t *value)
{
	if (atomic_load_u32(&race.looks) % 2 == 0)
		return mach_user_load(hand_address(0), value) == MACH_FAULT_NONE;
	const mach_irq_t was = mach_irq_save();
	const bool done = mach_user_in(value, hand_address(0), sizeof(*value));
	mach_irq_restore(was);
	return done;
}

static void look(void)
{
	while (atomic_load_u32(&race.over) == 0) {
		uint64_t value = 0;
		if (!look_at(&value))
			atomic_fetch_add_u32(&race.faults, 1);
		else if (value == OLD)
			atomic_fetch_add_u32(&race.stale, 1);
		atomic_fetch_add_u32(&race.looks, 1);
		mach_relax();
	}
}

static void wait_for_looks(void)
{
	const uint32_t until = atomic_load_u32(&race.looks) + 2 * cpu_count();
	while (cpu_count() > 1 && (int32_t)(atomic_load_u32(&race.looks) - until) < 0) mach_relax();
}

/* Maps, by turns, one page and another; the one that is not mapped reads OLD. */
static void turn(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		hand_memory(i % 2)[0] = ROUNDS + i;
		hand_map(0, 0, i % 2, READ_WRITE);
		wait_for_looks();
		hand_change(0, HAND_ASID, 0, 0);
		hand_memory(i % 2)[0] = OLD;
	}
	atomic_store_u32(&race.over, 1);
}

static void look_or_turn(void *unused)
{
	(void)unused;
	if (mach_cpu() == 0)
		turn();
	else
		look();
}

static const char *check_unmap_reaches_all(void)
{
	race.over = race.looks = race.faults = race.stale = 0;
	hand_begin();
	hand_memory(0)[0] = hand_memory(1)[0] = OLD;
	smp_run_all(look_or_turn, NULL);
	hand_end();
	if (cpu_count() > 1 && race.looks < ROUNDS) return "hardly anybody looked";
	return race.stale == 0 ? NULL : "a CPU met a page that was gone";
}

/* --- ASIDs ---------------------------------------------------------------------------------- */

struct tagged {
	uint32_t asid[HAND_SPACES];
	uint32_t wrong; /* atomic */
};

/* Two spaces have different pages at one address; nothing is invalidated between them. */
static void switch_and_look(void *arg)
{
	struct tagged *t = arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t value = 0;
		hand_install(i % 2, t->asid[i % 2]);
		if (mach_user_load(hand_address(0), &value) != MACH_FAULT_NONE || value != i % 2)
			atomic_fetch_add_u32(&t->wrong, 1);
	}
	hand_uninstall();
}

static bool asids_differ(uint32_t first, uint32_t second)
{
	struct tagged t = { { first, second }, 0 };
	hand_memory(0)[0] = 0;
	hand_memory(1)[0] = 1;
	hand_map(0, 0, 0, READ_WRITE);
	hand_map(1, 0, 1, READ_WRITE);
	smp_run_all(switch_and_look, &t);
	hand_end();
	return t.wrong == 0;
}

/* Emulation tells spaces apart by more than ASIDs, so the CPU is asked as well. */
static void note_asid_size(void *noted)
{
	uint64_t tcr;
	__asm__ volatile("mrs %0, tcr_el1" : "=r"(tcr));
	const unsigned bits = (tcr & TCR_ASID_16) != 0 ? 16 : 8;
	if (bits == mach_asid_bits()) atomic_fetch_add_u32(noted, 1);
}

static const char *check_asids(void)
{
	uint32_t noted = 0;
	const unsigned bits = mach_asid_bits();
	if (bits != 8 && bits != 16) return "neither 8 nor 16 bits";
	if (!smp_run_all(note_asid_size, &noted) || noted != cpu_count())
		return "a CPU uses another number of bits";
	if (!asids_differ(1, 2)) return "1 and 2";
	if (!asids_differ(1, (1u << bits) - 1)) return "1 and the last";
	return asids_differ(1, 1u << (bits - 1)) ? NULL : "1 and the highest bit";
}

/* --- the kernel and users' pages ------------------------------------------------------------ */

static void touch(void *arg)
{
	const bool faults = probe_read(HAND_AREA) != 0;
	if (faults != cpu_has_pan()) atomic_fetch_add_u32(arg, 1);
}

static const char *check_pan(void)
{
	uint32_t wrong = 0;
	hand_begin();
	hand_map(0, 0, 0, READ_WRITE);
	smp_run_all(touch, &wrong);
	smp_run_all(touch, &wrong); /* exceptions and fetches between have left it as it was */
	hand_all_meet(hand_address(0), MACH_FAULT_NONE, MACH_FAULT_NONE, MACH_FAULT_PERMISSION);
	smp_run_all(touch, &wrong);
	hand_end();
	return wrong == 0 ? NULL : "PAN is not as the CPU can";
}

/* A function is written and called on every CPU, then written anew.  Its page is the kernel's to
 * execute, which only a hand-made table can say. */
static void call_it(void *arg)
{
	uint32_t (*const code)(void) = (uint32_t(*)(void))(uintptr_t)HAND_AREA;
	uint32_t *sum = arg;
	__asm__ volatile("isb" : : : "memory");
	atomic_fetch_add_u32(sum, code());
}

static const char *check_code_sync(void)
{
	enum { MOV_W0 = 0x52800000, RET = 0xd65f03c0, TIMES = 8 };
	const uint64_t kernel_exec = READ_ONLY & ~(ENTRY_USER | ENTRY_NOT_KERNEL_EXEC);
	const char *wrong = NULL;
	uint32_t *code = (void *)hand_memory(0);
	hand_begin();
	for (uint32_t i = 1; i <= TIMES; i++) {
		uint32_t sum = 0;
		code[0] = MOV_W0 | i << 5;
		code[1] = (uint32_t)RET;
		mach_code_sync(code, CODE_WORDS * sizeof(*code));
		if (i == 1) hand_map(0, 0, 0, kernel_exec);
		smp_run_all(call_it, &sum);
		if (sum != i * cpu_count()) wrong = "another function was called";
	}
	hand_end();
	return wrong;
}

/* --- rules broken ----------------------------------------------------------------------------- */

/* What emulation lets pass and the trace must not (machine/tlbtrace.h): one entry after another
 * without a break, then a page given back before anybody was told to forget it. */
static void break_rules(void)
{
	uint64_t *entry = hand_entry(0, HAND_AREA, TABLE_LEVELS - 1);
	hand_begin();
	hand_map(0, 0, 0, READ_WRITE);
	mach_entry_store(entry, hand_pages[1] | READ_WRITE);
	mach_entry_sync();
	mach_entry_store(entry, 0);
	mach_entry_sync();
	kpage_free(hand_pages[1], 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL));
	hand_end();
}

static const struct ktap_check checks[] = {
	{ "pan", check_pan }, /* first: a fetch that is tried leaves PAN on */
	{ "nothing-installed", check_nothing_installed },
	{ "kernel-refused", check_kernel_refused },
	{ "rights", check_rights },
	{ "access-flag", check_access_flag },
	{ "values", check_values },
	{ "copies", check_copies },
	{ "protect-and-unmap", check_protect_and_unmap },
	{ "table-goes", check_table_goes },
	{ "unmap-reaches-all", check_unmap_reaches_all },
	{ "asids", check_asids },
	{ "code-sync", check_code_sync },
};

int program_main(void)
{
	if (!hand_open()) return STATUS_ENVIRONMENT;
	console_print("user: %u-bit ASIDs, %s\n", mach_asid_bits(),
		      cpu_has_pan() ? "PAN" : "no PAN");
	if (bootarg_is_set(boot.platform.bootargs, "break-rules")) {
		break_rules();
		return STATUS_OK;
	}
	return ktap_run(checks, COUNT_OF(checks)) == 0 ? STATUS_OK : STATUS_FINDING;
}
