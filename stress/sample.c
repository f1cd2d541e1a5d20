/*
 * sample.c -- memory over time: a line for each sample, in a file of the host.
 *
 *	seconds cycle used cached live rest
 *
 * in KiB: pages that somebody has, pages in CPUs' caches, bytes that kmalloc's users have.  `rest`
 * is 1 between cycles, with everything drained.  Samples wait in memory until then, since a write
 * to the host stops the CPU; when there is no room for more, they are dropped.
 *
 * Locks: mm/'s counters take theirs.  Cost: some microseconds a sample.
 */
#include "stress/sample.h"

#include "kernel/console.h"
#include "kernel/kmem.h"
#include "machine/aarch64/semihost.h"
#include "machine/format.h"

enum { SAMPLES_MAX = 512, LINE_ROOM = 128 };

struct sample {
	uint64_t ns;
	uint32_t cycle;
	bool rest;
	uint64_t used, cached, live; /* bytes */
};

static struct sample samples[SAMPLES_MAX];
static uint32_t count;
static int64_t file = -1;

bool samples_open(const char *name)
{
	file = semihost_open(name, SEMIHOST_WRITE);
	return file >= 0;
}

void sample_take(uint32_t cycle, bool rest)
{
	static struct kmalloc_counts now;
	/* The last place is kept for the sample at rest, which ends a cycle. */
	if (file < 0 || count >= SAMPLES_MAX - (rest ? 0 : 1)) return;
	kmalloc_count(&kernel_memory, &now);
	samples[count++] = (struct sample){
		.ns = mach_now_ns(),
		.cycle = cycle,
		.rest = rest,
		.used = (uint64_t)now.pages.used << PAGE_SHIFT,
		.cached = (uint64_t)now.pages.cached << PAGE_SHIFT,
		.live = now.live_bytes,
	};
}

void samples_flush(void)
{
	char line[LINE_ROOM];
	for (uint32_t i = 0; i < count && file >= 0; i++) {
		const struct sample *s = &samples[i];
		const size_t bytes =
			format_text(line, sizeof(line), "%lu.%06lu %u %lu %lu %lu %u\n",
				    s->ns / 1000000000, s->ns / 1000 % 1000000, s->cycle,
				    s->used >> 10, s->cached >> 10, s->live >> 10, s->rest);
		if (semihost_write(file, line, bytes) == bytes) continue;
		console_print("# no more samples: the host's file cannot be written\n");
		file = -1;
	}
	count = 0;
}
