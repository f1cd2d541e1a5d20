/*
 * sample.c -- traces to try the judge on: `sample NAME` writes one to standard output.
 *
 * All tell the same story: CPU 0 builds a tree of four tables, both CPUs install it under ASID 1, a
 * page is mapped at 0x400000 and taken away, and its frame is freed and mapped again.  Each NAME
 * but "good" leaves one thing out, does it wrong, or damages the file.
 *
 * Memory is 64 MiB at 0x40000000: page 0 the root, 1 to 3 the tables below it, 4 the page, 5 the
 * kernel's root.
 */
#include <stdio.h>
#include <string.h>

#include "machine/entry.h"
#include "machine/tlbtrace.h"

#define BASE 0x40000000ull
#define FRAME(n) (BASE + (uint64_t)(n)*PAGE_SIZE)
#define VA 0x400000ull

enum { MEMORY_BYTES = 64 << 20, ASID = 1, EVENTS_MAX = 64 };

static const uint64_t page_bits = ENTRY_VALID | ENTRY_TABLE | ENTRY_NORMAL | ENTRY_SHARED |
				  ENTRY_ACCESSED | ENTRY_USER | ENTRY_NOT_GLOBAL |
				  ENTRY_NOT_KERNEL_EXEC | ENTRY_NOT_USER_EXEC;

static struct tlbtrace_head head = {
	.magic = TLBTRACE_MAGIC,
	.version = TLBTRACE_VERSION,
	.cpus = 2,
	.asid_bits = 16,
	.event_bytes = sizeof(struct tlbtrace_event),
	.kernel_root = FRAME(5),
	.memory_base = BASE,
	.memory_end = BASE + MEMORY_BYTES,
};
static struct tlbtrace_event events[EVENTS_MAX];
static const char *name;

static bool is(const char *other)
{
	return strcmp(name, other) == 0;
}

static void tell(enum tlbtrace_kind kind, unsigned cpu, uint64_t at, uint64_t value, uint64_t was)
{
	events[head.events] = (struct tlbtrace_event){
		.number = (uint32_t)head.events,
		.kind = (uint8_t)kind,
		.cpu = (uint8_t)cpu,
		.asid = kind == TLBTRACE_INSTALL || kind == TLBTRACE_SPACE ? ASID : 0,
		.at = at,
		.value = value,
		.was = was,
	};
	head.events++;
}

static void tell_store(uint64_t table, unsigned level, uint64_t value, uint64_t was)
{
	tell(TLBTRACE_STORE, 0, table + entry_index(VA, level) * sizeof(uint64_t), value, was);
}

static void tell_start(void)
{
	for (unsigned level = 0; level < TABLE_LEVELS - 1; level++)
		tell_store(FRAME(level), level, FRAME(level + 1) | ENTRY_VALID | ENTRY_TABLE, 0);
	tell(TLBTRACE_SYNC, 0, 0, 0, 0);
	tell(TLBTRACE_INSTALL, 0, FRAME(0), 0, 0);
	tell(TLBTRACE_INSTALL, 1, FRAME(0), 0, 0);
	tell_store(FRAME(3), 3, FRAME(4) | page_bits, 0);
	tell(TLBTRACE_SYNC, 0, 0, 0, 0);
}

static void tell_invalidation(void)
{
	if (is("uninvalidated")) return;
	if (is("local"))
		tell(TLBTRACE_ALL_LOCAL, 0, 0, 0, 0);
	else
		tell(TLBTRACE_PAGE, 0, 0, tlb_operand(is("other-asid") ? ASID + 1 : ASID, VA), 0);
	if (!is("unwaited")) tell(TLBTRACE_WAIT, 0, 0, 0, 0);
}

static void tell_end(void)
{
	if (is("unbroken")) {
		tell_store(FRAME(3), 3, FRAME(6) | page_bits, FRAME(4) | page_bits);
		return;
	}
	tell_store(FRAME(3), 3, 0, FRAME(4) | page_bits);
	tell(TLBTRACE_SYNC, 0, 0, 0, 0);
	tell_invalidation();
	tell(TLBTRACE_FRAME_FREED, 0, FRAME(4), PAGE_SIZE, 0);
	tell(TLBTRACE_FRAME_GIVEN, 0, FRAME(4), PAGE_SIZE, 0);
	tell_store(FRAME(3), 3, FRAME(4) | page_bits, 0);
	tell(TLBTRACE_SYNC, 0, 0, 0, 0);
	if (is("root")) tell(TLBTRACE_FRAME_FREED, 0, FRAME(0), PAGE_SIZE, 0);
}

static void damage(void)
{
	if (is("magic")) head.magic++;
	if (is("version")) head.version++;
	if (is("gap")) events[5].number++;
	if (is("kind")) events[5].kind = TLBTRACE_KINDS;
	if (is("cpu")) events[5].cpu = 2;
	if (is("memory")) head.memory_end = head.memory_base;
	if (is("longer")) head.events--;
}

int main(int argc, char **argv)
{
	name = argc == 2 ? argv[1] : "good";
	tell_start();
	tell_end();
	const size_t bytes = (size_t)head.events * sizeof(events[0]);
	damage();
	fwrite(&head, sizeof(head), 1, stdout);
	fwrite(events, is("cut") ? bytes - 1 : bytes, 1, stdout);
	return 0;
}
