/*
 * tlbtrace.c -- the buffer and the file of a trace of page tables (machine/tlbtrace.h).
 *
 * The file is opened at the start, so one that cannot be written is refused before there is
 * anything to lose; it is written when the machine is powered off, for whatever reason, panics
 * included.
 * Checked offline with //tools:tlbtrace.
 *
 * The buffer is one run of pages, taken for good.  Locks: none.
 */
#include "kernel/tlbtrace.h"

#include "kernel/boot.h"
#include "kernel/console.h"
#include "kernel/kmem.h"
#include "machine/aarch64/boot.h"
#include "machine/aarch64/semihost.h"
#include "machine/aarch64/trace.h"

enum { NAME_ROOM = 512, EVENTS_DEFAULT = 1 << 18, EVENTS_MAX = 1 << 26 };

static struct tlbtrace_event *events;
static int64_t file = -1;

static int64_t open_file(const char *text, size_t bytes)
{
	char name[NAME_ROOM];
	if (bytes >= sizeof(name) || !semihost_enabled()) return -1;
	memcpy(name, text, bytes);
	name[bytes] = 0;
	return semihost_open(name, SEMIHOST_WRITE);
}

const char *tlbtrace_begin(void)
{
	const char *text, *const words = boot.platform.bootargs;
	size_t bytes;
	if (!bootarg_text(words, "tlbtrace", &text, &bytes)) return NULL;
	file = open_file(text, bytes);
	if (file < 0) return "its file cannot be written";
	const uint64_t room =
		min_u64(bootarg_number(words, "tlbtrace-events", EVENTS_DEFAULT), EVENTS_MAX);
	const uint64_t pages = align_up(room * sizeof(*events), PAGE_SIZE) >> PAGE_SHIFT;
	const paddr_t pa = page_run_alloc(&kernel_pages, (uint32_t)pages,
					  PAGE_HOW(ZONE_USER, PAGE_OWNER_KERNEL), SITE_NONE);
	if (pa == PADDR_NONE) return "there is no memory for its events";
	events = mach_phys(pa);
	trace_start(events, (uint32_t)room);
	return NULL;
}

static struct tlbtrace_head head_now(void)
{
	const struct memmap *map = &boot.memory;
	const struct range last = map->ram[map->ram_count - 1];
	struct tlbtrace_head head = {
		.magic = TLBTRACE_MAGIC,
		.version = TLBTRACE_VERSION,
		.cpus = cpu_count(),
		.asid_bits = mach_asid_bits(),
		.event_bytes = sizeof(struct tlbtrace_event),
		.kernel_root = kernel_table,
		.memory_base = map->ram[0].base,
		.memory_end = last.base + last.bytes,
	};
	head.events = trace_stop(&head.lost);
	return head;
}

void tlbtrace_end(void)
{
	if (events == NULL) return;
	const struct tlbtrace_head head = head_now();
	const size_t bytes = head.events * sizeof(*events);
	const bool whole = semihost_write(file, &head, sizeof(head)) == sizeof(head) &&
			   semihost_write(file, events, bytes) == bytes && semihost_close(file);
	console_report("anvil: tlbtrace: %lu events, %lu more were lost%s\n", head.events,
		       head.lost, whole ? "" : "; the file could not be written");
	events = NULL;
}
