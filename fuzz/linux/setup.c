/*
 * setup.c -- the player's process made ready: files to map, and an address space in which nothing
 * is free but the window.
 *
 * Linux chooses places for mappings from the top down.  So that it finds them where the script's
 * world has them, all that is free outside of the window is mapped here, for nobody to touch; the
 * program's own code, stack and shared page lie among that.  Processes inherit it.
 *
 * A script begins with files as new.  They are kept from script to script, and what scripts can
 * have written to, the few words of each page that they look at, is written anew.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz/linux/player.h"

enum { SOURCE_BYTES = SOURCE_PAGES * 4096, PIECES_MAX = 64, STACK_GAP = 256 * 4096 };

static void open_sources(struct player_setup *setup)
{
	for (uint32_t s = 0; s < SOURCES; s++) {
		setup->file[s] = memfd_create("source", 0);
		if (setup->file[s] < 0 || ftruncate(setup->file[s], SOURCE_BYTES) != 0)
			die("memfd");
		setup->source[s] = mmap(NULL, SOURCE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
					setup->file[s], 0);
		if (setup->source[s] == MAP_FAILED) die("a source");
	}
}

void setup_sources(struct player_setup *setup)
{
	for (uint32_t s = 0; s < SOURCES; s++) {
		for (uint32_t page = 0; page < SOURCE_PAGES; page++) {
			for (uint32_t w = 0; w < WORDS_PER_PAGE; w++) {
				const uint64_t at = space_word_address(page * 4096ull, w);
				uint64_t *word = (void *)(setup->source[s] + at);
				*word = space_source_word(s, page, w);
			}
		}
	}
}

static void open_batch(struct player_setup *setup)
{
	struct stat about;
	const int batch = open("/batch", O_RDONLY);

	if (batch < 0 || fstat(batch, &about) != 0) die("/batch");
	setup->batch = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, batch, 0);
	if (setup->batch == MAP_FAILED) die("/batch");
	setup->batch_end = setup->batch + about.st_size;
	close(batch);
}

/* --- addresses -------------------------------------------------------------------------------- */

static void fill(uint64_t from, uint64_t to)
{
	if (from >= to) return;
	if (mmap((void *)from, to - from, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
		 0) == MAP_FAILED)
		die("filling %llx-%llx", (unsigned long long)from, (unsigned long long)to);
}

/* What of a free range lies below the window, and what above it. */
static void fill_around(uint64_t from, uint64_t to)
{
	fill(from, to < WINDOW_START ? to : WINDOW_START);
	fill(from > WINDOW_END ? from : WINDOW_END, to);
}

/* Every free address but the window, and what lies just below the stack, where Linux puts nothing.
 *  */
static void fill_the_rest(void)
{
	struct {
		uint64_t start, end;
	} list[PIECES_MAX];
	char line[256];
	unsigned n = 0;
	uint64_t at = LOWEST_ADDRESS;
	FILE *maps = fopen("/proc/self/maps", "r");

	if (maps == NULL) die("/proc/self/maps");
	while (n < PIECES_MAX && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long start, end;
		if (sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
		const bool stack = strstr(line, "[stack]") != NULL;
		list[n].start = stack ? start - STACK_GAP : start;
		list[n++].end = end;
	}
	fclose(maps);
	for (unsigned i = 0; i < n; i++) {
		fill_around(at, list[i].start);
		at = list[i].end;
	}
	fill_around(at, USER_END);
}

/* So that address 0 is refused as it is to everybody who is not root. */
static void drop_raw_io(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) != 0) die("capget");
	data[0].effective &= ~(1u << CAP_SYS_RAWIO);
	data[0].permitted &= ~(1u << CAP_SYS_RAWIO);
	if (syscall(SYS_capset, &head, data) != 0) die("capset");
}

void setup_all(struct player_setup *setup)
{
	mkdir("/proc", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) != 0) die("mount /proc");
	open_batch(setup);
	open_sources(setup);
	drop_raw_io();
	fill_the_rest();
}
