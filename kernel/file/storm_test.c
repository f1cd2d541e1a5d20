/*
 * storm_test.c -- threads on several CPUs change one small tree and one table of descriptors at
 * once, in turns drawn by lot.
 *
 * Nobody can say what each call is to answer here; but what is read are bytes that somebody wrote
 * (or zeroes, where a file grew), the tree and the table are sound at the end, and everything is
 * back: nodes, names, pages, files.  With loads and stores seen, races are looked for.
 *
 *	storm_test [SEED [COUNT]]	storms from SEED (1) on, COUNT of them (STORMS)
 */
#include "kernel/file/file_lock.h"
#include "kernel/file/test_file.h"

enum { STORMS = 30, CPUS = 3, THREADS = 4, STEPS = 60, MOST_BYTES = 3 * PAGE_SIZE };
enum { NODES = 4096, ALONE = 1 << 16 };

static struct {
	uint64_t seed;
	uint32_t begun, left; /* atomic: threads */
	struct file_table *table;
} storm;

static const char *const paths[] = {
	"/a", "/b", "/d", "/d/a", "/d/e", "/d/e/f", "/l", "/l/a", "/d/../d/e", "/d/e/",
};

static const char *path_of(struct random *lot)
{
	return paths[random_below(lot, COUNT_OF(paths))];
}

static struct file *open_some(struct random *lot, uint32_t flags)
{
	int error;

	return tree_open(&view, path_of(lot), flags, 0644, &error);
}

/* --- contents --------------------------------------------------------------------------------- */

static void writes(struct random *lot, char letter)
{
	char bytes[100];
	struct file *f = open_some(lot, O_RDWR | O_CREAT | (random_below(lot, 2) ? O_APPEND : 0));
	uint64_t at = random_below(lot, MOST_BYTES - 100);

	if (f == NULL) return;
	memset(bytes, letter, sizeof bytes);
	if (f->ops == &regular_ops && node_size(f->node) < MOST_BYTES)
		(void)put(f, bytes, 1 + random_below(lot, 100), random_below(lot, 2) ? &at : NULL);
	file_drop(f);
}

static void reads(struct random *lot)
{
	char bytes[200];
	int64_t n = 1;
	struct file *f = open_some(lot, O_RDONLY);

	if (f == NULL) return;
	for (int i = 0; i < 10 && n > 0; i++) {
		n = get(f, bytes, sizeof bytes, NULL);
		for (int64_t b = 0; b < n; b++)
			EXPECT(bytes[b] == 0 || (bytes[b] >= 'a' && bytes[b] < 'a' + THREADS));
	}
	file_drop(f);
}

static void maps(struct random *lot)
{
	int error;
	paddr_t pa;
	struct file *f = open_some(lot, O_RDWR);

	if (f == NULL) return;
	if (f->ops->map != NULL) {
		struct backing *b = f->ops->map(f, random_below(lot, 2) != 0, &error);
		EXPECT(b != NULL);
		if (backing_page(b, random_below(lot, 3), 0, TEST_SITE, &pa) == BACKING_DONE)
			user_page_drop(&tw->pages, pa);
		backing_drop(b);
	}
	file_drop(f);
}

/* What is mapped is there or behind the end.  Its bytes are left alone: those who write to the file
 * and those who read what they have mapped are ordered by nobody; so no copies are made of it. */
static void touches_space(struct space *s, uint64_t at, bool stores, struct random *lot)
{
	for (uint32_t i = 0; i < 3; i++) {
		const uint64_t to = at + random_below(lot, MOST_BYTES);
		const enum fault_answer answer =
			space_fault(s, to,
				    stores && random_below(lot, 2) != 0 ? MACH_STORE : MACH_LOAD);
		EXPECT(answer == FAULT_DONE || answer == FAULT_BEYOND);
	}
}

static void touches(struct random *lot)
{
	const bool shared = random_below(lot, 2) != 0;
	struct space *s = process_space(W), *copy = NULL;
	struct file *f = open_some(lot, O_RDWR);
	int error;

	if (f == NULL) return;
	struct backing *b = f->ops->map == NULL ? NULL : f->ops->map(f, shared, &error);
	file_drop(f);
	if (b == NULL) return;
	const int64_t at = space_mmap(s, 0, MOST_BYTES, PROT_READ | PROT_WRITE,
				      shared ? MAP_SHARED : MAP_PRIVATE, b, 0, TEST_SITE);
	backing_drop(b);
	if (at < 0) return;
	touches_space(s, (uint64_t)at, shared, lot);
	if (random_below(lot, 2) != 0) copy = space_clone(s, TEST_SITE);
	touches_space(s, (uint64_t)at, shared, lot);
	if (copy != NULL) {
		touches_space(copy, (uint64_t)at, shared, lot);
		space_retire(copy);
	}
	EXPECT(space_munmap(s, (uint64_t)at, MOST_BYTES) == 0);
}

/* One pipe with a name, which comes and goes with who has it open. */
static void pipes(struct random *lot, char letter)
{
	struct file *f = opened("/p", O_RDWR | O_NONBLOCK), *g = NULL;
	int error;

	if (random_below(lot, 2) != 0)
		g = tree_open(&view, "/p", O_NONBLOCK | (random_below(lot, 2) != 0), 0, &error);
	EXPECT(put(f, &letter, 1, NULL) == 1);
	file_drop(f);
	if (g == NULL) return;
	char byte = 0;
	const int64_t n = file_may_read(g) ? get(g, &byte, 1, NULL) : put(g, &letter, 1, NULL);
	EXPECT(n == 1 || n == 0 || n == -ERR_AGAIN || n == -ERR_PIPE);
	if (n == 1 && file_may_read(g)) EXPECT(byte >= 'a' && byte < 'a' + THREADS);
	file_drop(g);
}

/* Locks a range, or all, of one file at a time, so that whoever waits does so for an end.  All
 * ranges have a byte in common: who may write it is alone there. */
static void locks(struct random *lot, char letter)
{
	static char owners[THREADS];
	static uint32_t inside[NODES]; /* by node: 1 for who reads, ALONE for who writes */
	struct file *f = open_some(lot, O_RDWR);

	if (f == NULL) return;
	struct file_lock want = { .owner = &owners[letter - 'a'],
				  .by_process = true,
				  .type = random_below(lot, 2) != 0 ? F_WRLCK : F_RDLCK,
				  .start = random_below(lot, 4),
				  .end = 4 + random_below(lot, 4) };
	const bool whole = random_below(lot, 3) == 0;
	if (whole) want = (struct file_lock){ f, 0, true, false, want.type, 0, INT64_MAX };
	const int answer = file_lock_set(f, &want, random_below(lot, 2) != 0);
	EXPECT(answer == 0 || answer == -ERR_AGAIN);
	if (answer == 0) {
		uint32_t *here = &inside[(f->node->number * 2 + whole) % NODES];
		const uint32_t me = want.type == F_WRLCK ? ALONE : 1;
		const uint32_t others = atomic_fetch_add_u32(here, me);
		EXPECT(others == 0 || (others < ALONE && me == 1));
		sched_yield_cpu(&tw->sched);
		atomic_fetch_add_u32(here, 0 - me);
	}
	if (random_below(lot, 2) != 0) file_locks_end(f, want.owner);
	want.type = F_UNLCK;
	EXPECT(file_lock_set(f, &want, false) == 0);
	file_drop(f);
}

static void cuts(struct random *lot)
{
	struct node *n;

	if (tree_node(&view, path_of(lot), FIND_FOLLOW, &n) != 0) return;
	(void)node_truncate(n, random_below(lot, MOST_BYTES));
	node_drop(n);
}

/* --- names ------------------------------------------------------------------------------------ */

static void lists(struct random *lot)
{
	static const char *const folders[] = { "/", "/d", "/d/e" };
	uint8_t bytes[128];
	int error;
	struct file *f = tree_open(&view, folders[random_below(lot, 3)], O_RDONLY, 0, &error);

	if (f == NULL) return;
	for (int64_t n = 1; n > 0 && f->ops->names != NULL;) {
		struct io_piece piece;
		struct io io;
		struct file_names names;
		io_open_kernel(&io, &piece, bytes, sizeof bytes);
		names_open(&names, &io, f->offset);
		n = f->ops->names(f, &names);
		f->offset = names.flushed;
	}
	file_drop(f);
}

static void names(struct random *lot)
{
	const char *path = path_of(lot), *other = path_of(lot);

	switch (random_below(lot, 7)) {
	case 0: (void)folder(path); break;
	case 1: (void)unlinked(path, false); break;
	case 2: (void)unlinked(path, true); break;
	case 3: (void)renamed(path, other, 0); break;
	case 4: (void)renamed(path, other, RENAME_EXCHANGE); break;
	case 5: (void)linked(path, other); break;
	default: (void)link_to(path, "d"); break;
	}
}

static void mounts(struct random *lot)
{
	struct node *n;
	char text[32];

	if (tree_node(&view, "/d", 0, &n) != 0) return;
	const int64_t bytes = tree_path(&view, n, text, sizeof text);
	EXPECT(bytes > 0 || bytes == -ERR_NOENT);
	if (random_below(lot, 2) != 0) {
		(void)tree_mount(&view, "storm", n, "tmpfs");
		node_drop(n);
	} else if (tree_unmount(n) != 0) {
		node_drop(n);
	}
}

/* --- descriptors ------------------------------------------------------------------------------ */

static void descriptors(struct random *lot)
{
	const int64_t fd = random_below(lot, 6);
	struct file *f = file_table_get(storm.table, fd);
	struct file *fresh = open_some(lot, O_RDONLY);

	switch (fresh == NULL ? 0 : random_below(lot, 3)) {
	case 0: (void)file_table_close(storm.table, fd); break;
	case 1:
		if (file_table_add(storm.table, file_hold(fresh), 0, 6, fd % 2 == 0) < 0)
			file_drop(fresh);
		break;
	default:
		if (file_table_replace(storm.table, fd, file_hold(fresh), 6, false) < 0)
			file_drop(fresh);
	}
	if (fresh != NULL) file_drop(fresh);
	if (f != NULL) file_drop(f);
}

static void copies(struct random *lot)
{
	struct file_table *copy = file_table_clone(storm.table);

	if (copy == NULL) return;
	if (random_below(lot, 2) != 0) file_table_exec(copy);
	test_must(file_table_check(copy));
	file_table_drop(copy);
}

/* --- the storm -------------------------------------------------------------------------------- */

static void step(struct random *lot, char letter)
{
	switch (random_below(lot, 15)) {
	case 0:
	case 1: writes(lot, letter); break;
	case 2: reads(lot); break;
	case 3: maps(lot); break;
	case 4: cuts(lot); break;
	case 5: lists(lot); break;
	case 6: mounts(lot); break;
	case 7: descriptors(lot); break;
	case 8: copies(lot); break;
	case 9: touches(lot); break;
	case 10: pipes(lot, letter); break;
	case 11: locks(lot, letter); break;
	default: names(lot); break;
	}
}

static void thread(void *arg)
{
	const uint32_t number = atomic_fetch_add_u32(&storm.begun, 1);
	struct random lot = { storm.seed ^ (uint64_t)(number + 1) << 32 };

	(void)arg;
	for (uint32_t i = 0; i < STEPS; i++) step(&lot, (char)('a' + number));
	atomic_fetch_add_u32(&storm.left, UINT32_MAX);
}

static void steps(void)
{
	storm.begun = 0;
	storm.left = THREADS;
	storm.table = file_table_create(&tw->memory);
	EXPECT(make("/p", S_IFIFO | 0600, NULL) == 0);
	for (uint32_t i = 0; i < THREADS; i++) another_thread(thread, NULL);
	while (atomic_load_u32(&storm.left) != 0) {
		tw->vain++;
		sched_yield_cpu(&tw->sched);
	}
	test_must(file_table_check(storm.table));
	test_must(space_check(process_space(W)));
	file_table_drop(storm.table);
}

static void one_storm(uint64_t seed)
{
	struct drawn lots = { .lots = { seed }, .about = 60, .ticks = 30 };
	const struct turns_planner planner = { drawn_begin, drawn_decide, drawn_stuck, &lots };

	storm.seed = seed;
	files_steps = steps;
	test_open(&(struct test_choice){ .cpus = CPUS });
	nobodys(files_thread, NULL);
	tw->done = tw->vain = 0;
	if (!host_run_together(CPUS, test_cpu, NULL, &planner, TEST_POINTS)) {
		fprintf(stderr, "seed %lu: %s: %s\n", (unsigned long)seed, panic_id, panic_text);
		exit(1);
	}
	test_shut();
}

int main(int argc, char **argv)
{
	const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : STORMS;

	host_cpus_open(CPUS);
	for (uint64_t i = 0; i < count; i++) one_storm(seed + i);
	host_cpus_close();
	return 0;
}
