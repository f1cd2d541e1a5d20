/*
 * room_test.c -- what a file has where: data and holes against a model of its pages, pages asked
 * for ahead, holes made under mappings; files without a name, what renaming leaves behind, times.
 */
#include "kernel/file/test_file.h"

enum { PAGES = 12, STEPS = 600 };

static char page[PAGE_SIZE];

static uint32_t charged(void)
{
	return tree.root->mount->pages;
}

/* --- data and holes --------------------------------------------------------------------------- */

static bool has[PAGES];
static uint64_t size;

/* What lseek() is to say from `from` on: the model's answer. */
static int64_t model_seek(uint64_t from, bool data)
{
	if (from >= size) return -ERR_NXIO;
	for (uint64_t at = from; at < size; at = (at / PAGE_SIZE + 1) * PAGE_SIZE)
		if (has[at / PAGE_SIZE] == data) return (int64_t)at;
	return data ? -ERR_NXIO : (int64_t)size;
}

static void agrees(struct file *f)
{
	uint32_t pages = 0;

	for (uint64_t at = 0; at <= PAGES * PAGE_SIZE; at += PAGE_SIZE / 2) {
		EXPECT(file_seek(f, (int64_t)at, WHENCE_DATA) == model_seek(at, true));
		EXPECT(file_seek(f, (int64_t)at, WHENCE_HOLE) == model_seek(at, false));
	}
	for (unsigned i = 0; i < PAGES; i++) pages += has[i];
	EXPECT(charged() == pages && node_size(f->node) == size);
}

static void one_step(struct file *f, struct random *lot)
{
	const uint64_t at = random_below(lot, PAGES * PAGE_SIZE - 100);
	const uint64_t bytes = 1 + random_below(lot, (uint32_t)(PAGES * PAGE_SIZE - at));
	uint64_t to = at;

	switch (random_below(lot, 5)) {
	case 0:
		EXPECT(put(f, page, 1, &to) == 1);
		has[at / PAGE_SIZE] = true;
		size = max_u64(size, at + 1);
		break;
	case 1:
		EXPECT(node_room(f->node, ROOM_GROWING, at, bytes) == 0);
		for (uint64_t i = at / PAGE_SIZE; i * PAGE_SIZE < at + bytes; i++) has[i] = true;
		size = max_u64(size, at + bytes);
		break;
	case 2:
		EXPECT(node_room(f->node, ROOM_NONE, at, bytes) == 0);
		to = (at + PAGE_SIZE - 1) / PAGE_SIZE;
		for (; (to + 1) * PAGE_SIZE <= at + bytes; to++) has[to] = false;
		break;
	case 3:
		EXPECT(node_truncate(f->node, at) == 0);
		size = at;
		for (uint64_t i = (at + PAGE_SIZE - 1) / PAGE_SIZE; i < PAGES; i++) has[i] = false;
		break;
	default:
		EXPECT(node_room(f->node, ROOM_WITHIN, at, bytes) ==
		       (at + bytes <= size ? 0 : -ERR_OPNOTSUPP));
		for (uint64_t i = at / PAGE_SIZE; i * PAGE_SIZE < at + bytes; i++)
			has[i] = has[i] || at + bytes <= size;
	}
}

static void holes(void)
{
	struct random lot = { 5 };
	struct file *f = opened("/f", O_RDWR | O_CREAT);

	memset(has, 0, sizeof has);
	size = 0;
	for (unsigned step = 0; step < STEPS; step++) {
		one_step(f, &lot);
		agrees(f);
	}
	EXPECT(file_seek(f, -1, WHENCE_DATA) == -ERR_NXIO);
	EXPECT(file_seek(f, 0, WHENCE_HOLE + 1) == -ERR_INVAL);
	file_drop(f);
}

static void limits(void)
{
	struct file *f = opened("/f", O_RDWR | O_CREAT);
	const uint64_t all = TEST_TREE_PAGES * PAGE_SIZE;

	EXPECT(node_room(f->node, ROOM_GROWING, 0, all + 1) == -ERR_NOSPC && charged() == 0);
	EXPECT(node_room(f->node, ROOM_GROWING, INT64_MAX, 1) == -ERR_FBIG);
	EXPECT(put(f, page, 10, NULL) == 10);
	/* What was got before there was no more goes back, and the size stays. */
	EXPECT(node_room(f->node, ROOM_GROWING, PAGE_SIZE, all) == -ERR_NOSPC);
	EXPECT(charged() == 1 && node_size(f->node) == 10);
	EXPECT(node_room(f->node, ROOM_GROWING, 0, all) == 0 && charged() == TEST_TREE_PAGES);
	file_drop(f);
}

/* Bytes that came with the initrd do not come back where a hole was made. */
static void given(void)
{
	static uint8_t came[3 * PAGE_SIZE];
	const struct node_how how = { .mode = S_IFREG, .given = came, .given_bytes = sizeof came };
	uint64_t at = PAGE_SIZE - 1;
	char c[3];

	memset(came, 'g', sizeof came);
	EXPECT(tree_make(tree.root, "g", 1, &how, NULL) == 0);
	struct file *f = opened("/g", O_RDWR);
	EXPECT(file_seek(f, 5, WHENCE_HOLE) == sizeof came && file_seek(f, 5, WHENCE_DATA) == 5);
	EXPECT(node_room(f->node, ROOM_NONE, PAGE_SIZE, PAGE_SIZE + 1) == 0);
	EXPECT(get(f, c, 2, &at) == 2 && c[0] == 'g' && c[1] == 0);
	at = 2 * PAGE_SIZE - 1;
	EXPECT(get(f, c, 3, &at) == 3 && c[0] == 0 && c[1] == 'g' && c[2] == 'g');
	file_drop(f);
}

static uint8_t byte_at(struct space *s, int64_t at)
{
	uint8_t byte = 0xee;

	EXPECT(user_copy_in(s, &byte, (uint64_t)at, 1) == 0);
	return byte;
}

/* Who has a page mapped sees the hole; who has a copy of it does not. */
static void mapped(void)
{
	struct space *s = process_space(W);
	struct file *f = opened("/f", O_RDWR | O_CREAT);
	int error;

	memset(page, 'm', sizeof page);
	for (int i = 0; i < 3; i++) EXPECT(put(f, page, sizeof page, NULL) == sizeof page);
	struct backing *b = f->ops->map(f, true, &error);
	const int64_t shared = space_mmap(s, 0, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
					  b, 0, TEST_SITE);
	const int64_t own = space_mmap(s, 0, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, b,
				       0, TEST_SITE);
	backing_drop(b);
	EXPECT(byte_at(s, shared + PAGE_SIZE) == 'm' && byte_at(s, own) == 'm');
	EXPECT(user_copy_out(s, (uint64_t)own + PAGE_SIZE, "o", 1) == 0);
	EXPECT(node_room(f->node, ROOM_NONE, 0, 2 * PAGE_SIZE) == 0 && charged() == 1);
	EXPECT(byte_at(s, shared + PAGE_SIZE) == 0 && byte_at(s, own) == 0);
	EXPECT(byte_at(s, own + PAGE_SIZE) == 'o' && byte_at(s, shared + 2 * PAGE_SIZE) == 'm');
	test_must(space_check(s));
	/* What is written is a mapping of what the file has not yet. */
	EXPECT(node_truncate(f->node, 0) == 0);
	struct io_piece piece = { (uint64_t)shared + PAGE_SIZE, 1 };
	uint64_t at = 2 * PAGE_SIZE;
	struct io io;
	io_open(&io, s, &piece, 1);
	EXPECT(file_write(f, &io, &at) == -ERR_FAULT && node_size(f->node) == 0);
	EXPECT(space_munmap(s, (uint64_t)shared, 3 * PAGE_SIZE) == 0);
	EXPECT(space_munmap(s, (uint64_t)own, 3 * PAGE_SIZE) == 0);
	file_drop(f);
}

/* --- names and times -------------------------------------------------------------------------- */

static int named(struct file *f, const char *name)
{
	return tree_link(f->node, tree.root, name, 1, false);
}

static void nameless(void)
{
	EXPECT(error_of("/", O_TMPFILE | O_RDWR) == 0 && tree.nodes == 1);
	struct file *f = opened("/", O_TMPFILE | O_RDWR),
		    *g = opened("/", O_TMPFILE | O_RDWR | O_EXCL);
	EXPECT(put(f, "here", 4, NULL) == 4 && named(g, "g") == -ERR_NOENT && named(f, "f") == 0);
	EXPECT(stat_of("/f").size == 4 && stat_of("/f").nlink == 1);
	EXPECT(unlinked("/f", false) == 0 && named(f, "f") == -ERR_NOENT);
	EXPECT(error_of("/none", O_TMPFILE | O_RDWR) == -ERR_NOENT);
	file_drop(f);
	file_drop(g);
	file_drop(opened("/f", O_RDWR | O_CREAT));
	EXPECT(error_of("/f", O_TMPFILE | O_RDWR) == -ERR_NOTDIR);
}

static void left_behind(void)
{
	EXPECT(folder("/d") == 0);
	file_drop(opened("/a", O_RDWR | O_CREAT));
	EXPECT(renamed("/a", "/d/b", RENAME_WHITEOUT) == 0 && there("/d/b"));
	EXPECT(stat_of("/a").mode == S_IFCHR && stat_of("/a").rdev == 0);
	EXPECT(renamed("/none", "/b", RENAME_WHITEOUT) == -ERR_NOENT && tree.nodes == 4);
	EXPECT(renamed("/d/b", "/a", RENAME_WHITEOUT | RENAME_NOREPLACE) == -ERR_EXIST);
	EXPECT(renamed("/d/b", "/a", RENAME_WHITEOUT) == 0 && stat_of("/d/b").mode == S_IFCHR);
	EXPECT(stat_of("/a").mode == (S_IFREG | 0644) && tree.nodes == 4);
}

static uint64_t clock_ns;

static uint64_t test_wall(void *arg)
{
	(void)arg;
	return clock_ns;
}

static void times(void)
{
	char c;

	fw.wall_ns = test_wall;
	clock_ns = 1000;
	struct file *f = opened("/f", O_RDWR | O_CREAT), *still = opened("/f", O_RDWR | O_NOATIME);
	struct node *n = f->node;
	EXPECT(n->born_ns == 1000 && n->accessed_ns == 1000);
	clock_ns = 2000;
	EXPECT(put(f, "abc", 3, NULL) == 3 && n->modified_ns == 2000 && n->accessed_ns == 1000);
	clock_ns = 3000;
	EXPECT(get(still, &c, 1, NULL) == 1 && n->accessed_ns == 1000);
	EXPECT(get(f, &c, 1, &(uint64_t){ 0 }) == 1 && n->accessed_ns == 3000);
	clock_ns = 4000;
	EXPECT(get(f, &c, 1, &(uint64_t){ 0 }) == 1 && n->accessed_ns == 3000);
	node_set_times(n, (uint64_t)-1500000000, NODE_TIME_STAYS);
	const struct file_stat s = stat_of("/f");
	EXPECT(s.atime_s == -2 && s.atime_ns == 500000000 && s.mtime_ns == 2000);
	EXPECT(n->changed_ns == 4000 && n->born_ns == 1000);
	file_drop(f);
	file_drop(still);
}

int main(void)
{
	static void (*const tests[])(void) = { holes,    limits,      given, mapped,
					       nameless, left_behind, times };

	return files_main(tests, COUNT_OF(tests));
}
