/*
 * regular_test.c -- contents by example: holes, ends, appending, cutting, limits, and what mappings
 * and readers see of each other.
 */
#include "kernel/file/test_file.h"
#include "mm/user_page.h"

static char page[3 * PAGE_SIZE];

static void fill(char c)
{
	memset(page, c, sizeof page);
}

static bool all_of(const char *at, size_t bytes, char c)
{
	for (size_t i = 0; i < bytes; i++)
		if (at[i] != c) return false;
	return true;
}

static uint32_t charged(void)
{
	return tree.root->mount->pages;
}

static void holes(void)
{
	struct file *f = opened("/f", O_RDWR | O_CREAT);
	uint64_t at = 5 * PAGE_SIZE + 10;

	fill('a');
	EXPECT(put(f, page, 20, &at) == 20 && at == 5 * PAGE_SIZE + 30);
	EXPECT(node_size(f->node) == 5 * PAGE_SIZE + 30 && charged() == 1);
	at = 5 * PAGE_SIZE - 10;
	EXPECT(get(f, page, sizeof page, &at) == 40 && charged() == 1);
	EXPECT(all_of(page, 20, 0) && all_of(page + 20, 20, 'a'));
	EXPECT(get(f, page, sizeof page, &at) == 0);
	at = INT64_MAX - sizeof page;
	EXPECT(get(f, page, sizeof page, &at) == 0);
	at++;
	EXPECT(get(f, page, sizeof page, &at) == -ERR_INVAL);
	at = 1ull << 47;
	EXPECT(put(f, page, 1, &at) == -ERR_FBIG);
	EXPECT(stat_of("/f").blocks == 8);
	file_drop(f);
}

/* Who shares a file shares its offset; who opens it again has one of its own. */
static void offsets(void)
{
	struct file *f = opened("/f", O_RDWR | O_CREAT), *g = opened("/f", O_RDONLY);
	char c[4];

	EXPECT(put(f, "abcdef", 6, NULL) == 6 && get(f, c, 4, NULL) == 0);
	EXPECT(file_seek(f, -2, WHENCE_END) == 4 && get(f, c, 4, NULL) == 2 && c[1] == 'f');
	EXPECT(file_seek(f, -7, WHENCE_CUR) == -ERR_INVAL && file_seek(f, 0, WHENCE_CUR) == 6);
	EXPECT(get(g, c, 4, NULL) == 4 && file_seek(g, 0, WHENCE_CUR) == 4 && c[0] == 'a');
	EXPECT(put(g, "x", 1, NULL) == -ERR_BADF);
	EXPECT(file_seek(f, 1, 9) == -ERR_INVAL);
	file_drop(f);
	f = opened("/f", O_WRONLY | O_APPEND);
	EXPECT(put(f, "ghi", 3, NULL) == 3 && file_seek(f, 0, WHENCE_CUR) == 9);
	uint64_t at = 0;
	EXPECT(put(f, "j", 1, &at) == 1 && node_size(f->node) == 10); /* as Linux: appended */
	EXPECT(get(f, c, 1, NULL) == -ERR_BADF);
	EXPECT(get(g, c, 4, NULL) == 4 && memcmp(c, "efgh", 4) == 0);
	file_drop(f);
	file_drop(g);
}

/* What was cut off is zeroes when the file grows again, whoever wrote it. */
static void cutting(void)
{
	struct file *f = opened("/f", O_RDWR | O_CREAT);
	uint64_t at = 0;

	fill('b');
	EXPECT(put(f, page, sizeof page, &at) == sizeof page && charged() == 3);
	EXPECT(node_truncate(f->node, PAGE_SIZE + 5) == 0 && charged() == 2);
	EXPECT(node_truncate(f->node, sizeof page) == 0 && charged() == 2);
	at = 0;
	EXPECT(get(f, page, sizeof page, &at) == sizeof page);
	EXPECT(all_of(page, PAGE_SIZE + 5, 'b'));
	EXPECT(all_of(page + PAGE_SIZE + 5, sizeof page - PAGE_SIZE - 5, 0));
	EXPECT(node_truncate(f->node, 0) == 0 && charged() == 0);
	EXPECT(node_truncate(f->node, 1ull << 48) == -ERR_FBIG);
	EXPECT(node_truncate(tree.root, 0) == -ERR_ISDIR);
	file_drop(f);
	EXPECT(error_of("/f", O_RDONLY | O_TRUNC) == 0);
}

static void given(void)
{
	static const uint8_t came[] = "what came with the initrd";
	const struct node_how how = { .mode = S_IFREG | 0644,
				      .given = came,
				      .given_bytes = sizeof came - 1 };
	struct backing *b;
	uint64_t at = 0;
	paddr_t pa;
	int error;

	EXPECT(tree_make(tree.root, "g", 1, &how, NULL) == 0);
	struct file *f = opened("/g", O_RDWR);
	EXPECT(get(f, page, sizeof page, &at) == 25 && memcmp(page, came, 25) == 0);
	b = f->ops->map(f, false, &error);
	EXPECT(b != NULL && f->node->regular.own == 0);
	EXPECT(backing_page(b, 0, 0, TEST_SITE, &pa) == BACKING_DONE);
	EXPECT(memcmp(mach_phys(pa), came, 26) == 0);
	/* Written to by call: who has it mapped sees it, and what came stays. */
	at = 5;
	EXPECT(put(f, "CAME", 4, &at) == 4 && came[5] == 'c');
	EXPECT(memcmp(mach_phys(pa), "what CAME with", 14) == 0);
	user_page_drop(&tw->pages, pa);
	/* Cut off is cut off, also of what nobody has read yet. */
	EXPECT(node_truncate(f->node, 7) == 0 && node_truncate(f->node, 20) == 0);
	at = 0;
	EXPECT(get(f, page, sizeof page, &at) == 20);
	EXPECT(memcmp(page, "what CA", 7) == 0 && all_of(page + 7, 13, 0));
	backing_drop(b);
	file_drop(f);
}

/* A mapping that may be written to and a reader see the same bytes. */
static void shared(void)
{
	static const uint8_t came[] = "given";
	const struct node_how how = { .mode = S_IFREG, .given = came, .given_bytes = 5 };
	uint64_t at = 0;
	paddr_t pa;
	int error;

	EXPECT(tree_make(tree.root, "s", 1, &how, NULL) == 0);
	struct file *f = opened("/s", O_RDWR);
	struct backing *b = f->ops->map(f, true, &error);
	EXPECT(backing_page(b, 0, BACKING_WRITE, TEST_SITE, &pa) == BACKING_DONE);
	*(char *)mach_phys(pa) = 'G';
	EXPECT(get(f, page, 5, &at) == 5 && memcmp(page, "Given", 5) == 0);
	EXPECT(backing_page(b, 1, 0, TEST_SITE, &(paddr_t){ 0 }) == BACKING_BEYOND);
	user_page_drop(&tw->pages, pa);
	backing_drop(b);
	file_drop(f);
}

/* A page that is cut off is lost to who has it mapped, and what comes in its place is new. */
static void cut_while_mapped(void)
{
	struct space *s = process_space(&tw->world);
	struct file *f = opened("/f", O_RDWR | O_CREAT);
	char byte = 0;
	int error;

	fill('m');
	EXPECT(put(f, page, sizeof page, NULL) == sizeof page);
	struct backing *b = f->ops->map(f, true, &error);
	const int64_t at =
		space_mmap(s, 0, sizeof page, PROT_READ | PROT_WRITE, MAP_SHARED, b, 0, TEST_SITE);
	backing_drop(b);
	EXPECT(at > 0 && user_copy_in(s, &byte, (uint64_t)at + PAGE_SIZE, 1) == 0 && byte == 'm');
	EXPECT(node_truncate(f->node, 10) == 0 && charged() == 1);
	test_must(space_check(s));
	EXPECT(user_copy_in(s, &byte, (uint64_t)at + PAGE_SIZE, 1) == 1);
	EXPECT(user_copy_in(s, &byte, (uint64_t)at + 2 * PAGE_SIZE, 1) == 1); /* never touched */
	EXPECT(user_copy_out(s, (uint64_t)at, "M", 1) == 0);
	uint64_t from = 0;
	EXPECT(get(f, page, sizeof page, &from) == 10 && page[0] == 'M' && page[9] == 'm');
	EXPECT(node_truncate(f->node, 2 * PAGE_SIZE) == 0);
	EXPECT(user_copy_in(s, &byte, (uint64_t)at + PAGE_SIZE, 1) == 0 && byte == 0);
	EXPECT(node_truncate(f->node, 0) == 0 && user_copy_in(s, &byte, (uint64_t)at, 1) == 1);
	test_must(space_check(s));
	EXPECT(space_munmap(s, (uint64_t)at, sizeof page) == 0);
	file_drop(f);
}

/* The mount's limit: what fits goes in, and comes back. */
static void limit(void)
{
	struct file *f = opened("/f", O_RDWR | O_CREAT);

	fill('c');
	for (unsigned i = 0; i < TEST_TREE_PAGES / 3; i++)
		EXPECT(put(f, page, sizeof page, NULL) == sizeof page);
	EXPECT(charged() == TEST_TREE_PAGES / 3 * 3);
	EXPECT(put(f, page, sizeof page, NULL) == PAGE_SIZE);
	EXPECT(put(f, page, sizeof page, NULL) == -ERR_NOSPC && charged() == TEST_TREE_PAGES);
	EXPECT(put(f, page, 0, NULL) == 0);
	EXPECT(node_size(f->node) == TEST_TREE_PAGES * PAGE_SIZE);
	EXPECT(unlinked("/f", false) == 0 && charged() == TEST_TREE_PAGES); /* it is open */
	file_drop(f);
	EXPECT(charged() == 0);
}

/* A user's memory that ends halfway: what could be read went in. */
static void faulting(void)
{
	struct space *s = process_space(&tw->world);
	struct file *f = opened("/f", O_RDWR | O_CREAT);
	const int64_t user = space_mmap(s, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, TEST_SITE);
	struct io_piece pieces[2] = { { (uint64_t)user + PAGE_SIZE - 6, 6 },
				      { (uint64_t)user + PAGE_SIZE, 100 } };
	struct io io;

	EXPECT(user_copy_out(s, pieces[0].at, "abcdef", 6) == 0);
	io_open(&io, s, pieces, 2);
	EXPECT(file_write(f, &io, NULL) == 6 && node_size(f->node) == 6 && charged() == 1);
	io_open(&io, s, pieces + 1, 1);
	EXPECT(file_write(f, &io, NULL) == -ERR_FAULT && node_size(f->node) == 6);
	uint64_t at = 5 * PAGE_SIZE;
	io_open(&io, s, pieces + 1, 1);
	EXPECT(file_write(f, &io, &at) == -ERR_FAULT && node_size(f->node) == 6);
	EXPECT(charged() == 2 || charged() == 1);
	struct file *end = opened("/f", O_WRONLY | O_APPEND); /* stays where it is, too */
	io_open(&io, s, pieces + 1, 1);
	EXPECT(file_write(end, &io, NULL) == -ERR_FAULT && file_seek(end, 0, WHENCE_CUR) == 0);
	file_drop(end);
	pieces[0].bytes = 3;
	at = 0;
	io_open(&io, s, pieces, 2);
	EXPECT(file_read(f, &io, &at) == 3);
	file_drop(f);
	EXPECT(unlinked("/f", false) == 0 && charged() == 0);
}

int main(void)
{
	static void (*const tests[])(void) = { holes,  offsets,          cutting, given,
					       shared, cut_while_mapped, limit,   faulting };

	return files_main(tests, COUNT_OF(tests));
}
