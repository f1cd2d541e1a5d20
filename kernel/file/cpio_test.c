/*
 * cpio_test.c -- archives by example: what they become, and what is wrong with those that are
 * refused; each leaves the tree as it was.
 */
#include "kernel/file/cpio.h"
#include "kernel/file/test_file.h"

/* --- writing one ------------------------------------------------------------------------------ */

static uint8_t archive[16384];
static uint64_t archive_bytes;

static void begin(void)
{
	memset(archive, 0, sizeof archive);
	archive_bytes = 0;
}

struct entry_how {
	uint32_t ino, mode, links, bytes, name_bytes, special[2];
};

static void add_bytes(const void *from, size_t bytes)
{
	EXPECT(archive_bytes + bytes + 4 <= sizeof archive);
	memcpy(archive + archive_bytes, from, bytes);
	archive_bytes = align_up(archive_bytes + bytes, 4);
}

static void add_as(const struct entry_how *how, const char *name, const void *contents,
		   size_t bytes)
{
	char header[128];
	const size_t used =
		format_text(header, sizeof header,
			    "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", how->ino,
			    how->mode, 3, 4, how->links, 1000, how->bytes, 8, 1, how->special[0],
			    how->special[1], how->name_bytes, 0);

	EXPECT(used == 110);
	memcpy(archive + archive_bytes, header, 110);
	archive_bytes += 110;
	add_bytes(name, strlen(name) + 1);
	add_bytes(contents, bytes);
}

static void add(const char *name, uint32_t mode, const char *contents)
{
	static uint32_t ino;
	const struct entry_how how = { .ino = ++ino,
				       .mode = mode,
				       .links = 1,
				       .bytes = (uint32_t)strlen(contents),
				       .name_bytes = (uint32_t)strlen(name) + 1,
				       .special = { 1, 3 } };
	add_as(&how, name, contents, strlen(contents));
}

static void add_linked(const char *name, uint32_t ino, const char *contents)
{
	const struct entry_how how = { .ino = ino,
				       .mode = S_IFREG | 0600,
				       .links = 2,
				       .bytes = (uint32_t)strlen(contents),
				       .name_bytes = (uint32_t)strlen(name) + 1 };
	add_as(&how, name, contents, strlen(contents));
}

static void end(void)
{
	add("TRAILER!!!", 0, "");
}

/* --- what they become ------------------------------------------------------------------------- */

static void unpacked(void)
{
	struct cpio_fault fault;
	const bool done = cpio_unpack(&tree, archive, archive_bytes, &fault);

	if (!done) fprintf(stderr, "%s at %lu\n", fault.why, (unsigned long)fault.offset);
	EXPECT(done);
	test_must(tree_check(&tree));
}

static void contains(const char *path, const char *wanted)
{
	char text[64];
	struct file *f = opened(path, O_RDONLY);

	EXPECT(get(f, text, sizeof text, NULL) == (int64_t)strlen(wanted));
	EXPECT(memcmp(text, wanted, strlen(wanted)) == 0);
	file_drop(f);
}

static void kinds(void)
{
	begin();
	add(".", S_IFDIR | 0700, "");
	add("bin", S_IFDIR | 0711, "");
	add("./bin/sh", S_IFREG | 04755, "a shell");
	add("/bin/ash", S_IFLNK | 0777, "sh");
	add("dev/null", S_IFCHR | 0666, ""); /* the folder is missing */
	add("empty", S_IFREG | 0644, "");
	add("fifo", S_IFIFO | 0600, "");
	end();
	unpacked();
	contains("/bin/sh", "a shell");
	contains("/bin/ash", "a shell");
	contains("/empty", "");
	EXPECT(stat_of("/").mode == (S_IFDIR | 0700) && stat_of("/bin").mode == (S_IFDIR | 0711));
	const struct file_stat sh = stat_of("/bin/sh");
	EXPECT(sh.mode == (S_IFREG | 04755) && sh.uid == 3 && sh.gid == 4 && sh.mtime_s == 1000);
	EXPECT(sh.size == 7 && sh.nlink == 1);
	EXPECT(stat_of("/bin").mtime_s == 1000); /* though more came into it */
	EXPECT(stat_of("/dev/null").rdev == 0x103 && stat_of("/fifo").mode == (S_IFIFO | 0600));
	EXPECT(tree.root->mount->pages == 0); /* nothing was copied */
}

/* A name that comes again, and several names of one file, wherever its contents stand. */
static void again(void)
{
	begin();
	add("a", S_IFREG | 0644, "old");
	add("a", S_IFREG | 0600, "new");
	add("l", S_IFLNK | 0777, "a");
	add("l", S_IFREG | 0644, "no link");
	add("d/x", S_IFREG | 0644, "x");
	add("d", S_IFDIR | 0500, "");
	add_linked("first", 77, "");
	add_linked("second", 77, "at the end");
	add_linked("early", 78, "at once");
	add_linked("early2", 78, "");
	add_linked("early", 78, "");
	end();
	add("behind", S_IFREG | 0644, "another archive");
	add_linked("alone", 77, "another's number");
	end();
	unpacked();
	contains("/a", "new");
	contains("/l", "no link");
	contains("/first", "at the end");
	contains("/second", "at the end");
	contains("/early2", "at once");
	contains("/behind", "another archive");
	contains("/alone", "another's number");
	EXPECT(stat_of("/first").nlink == 2 && stat_of("/early").nlink == 2);
	EXPECT(stat_of("/d").mode == (S_IFDIR | 0500) && there("/d/x"));
}

/* What was given is changed by writing to it in the tree, not in the archive. */
static void changed(void)
{
	uint64_t at = 3;

	begin();
	add("f", S_IFREG | 0644, "as it came");
	end();
	unpacked();
	struct file *f = opened("/f", O_RDWR);
	EXPECT(put(f, "was", 3, &at) == 3 && tree.root->mount->pages == 1);
	contains("/f", "as wascame");
	EXPECT(memcmp(archive + 112, "as it came", 10) == 0);
	file_drop(f);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void refused(const char *why, uint64_t offset)
{
	struct cpio_fault fault;

	EXPECT(!cpio_unpack(&tree, archive, archive_bytes, &fault));
	if (strcmp(fault.why, why) != 0 || fault.offset != offset)
		fprintf(stderr, "%s at %lu\n", fault.why, (unsigned long)fault.offset);
	EXPECT(strcmp(fault.why, why) == 0 && fault.offset == offset);
	EXPECT(tree.entries == 0 && tree.nodes == 1);
	test_must(tree_check(&tree));
}

/* One good entry of `first` bytes, and one with these numbers. */
static uint64_t one_and(const struct entry_how *how, const char *name)
{
	begin();
	add("good", S_IFREG | 0644, "good");
	const uint64_t first = archive_bytes;
	add_as(how, name, "", 0);
	return first;
}

static void lying_numbers(void)
{
	struct entry_how how = { .mode = S_IFREG, .links = 1, .bytes = 1, .name_bytes = 5 };
	static const uint32_t too_many[] = { 1, 4, 0x7fffffff, 0xfffffff0, 0xffffffff };

	for (size_t i = 0; i < COUNT_OF(too_many); i++) {
		how.bytes = too_many[i];
		refused("contents behind the end", one_and(&how, "name"));
	}
	how.bytes = 0;
	how.name_bytes = 0xffffffff;
	refused("a name that is too long", one_and(&how, "name"));
	how.name_bytes = 100;
	refused("a name behind the end", one_and(&how, "name"));
	how.name_bytes = 4;
	refused("a name that does not end where it says", one_and(&how, "name"));
	how.name_bytes = 6;
	refused("a name that does not end where it says", one_and(&how, "name"));
	how.name_bytes = 1;
	refused("an entry without a name", one_and(&how, ""));
	how.name_bytes = 5;
	refused("ends without a trailer", (one_and(&how, "name"), archive_bytes));
}

static void bad_bytes(void)
{
	begin();
	refused("ends without a trailer", 0);
	add("good", S_IFREG | 0644, "good");
	const uint64_t first = archive_bytes;
	end();
	archive_bytes = first + 50;
	refused("ends inside a header", first);
	archive_bytes = first + 124;
	archive[first] = '1';
	refused("no header where one should be", first);
	memcpy(archive + first, "070707", 6);
	refused("an archive of cpio's old form", first);
	memcpy(archive + first, "070701", 6);
	archive[first + 20] = 'g';
	refused("a number that is not hexadecimal", first);
	archive[0] = 0x1f, archive[1] = 0x8b;
	refused("compressed by gzip", 0);
	begin();
	end();
	archive[archive_bytes + 8] = 'x';
	archive_bytes += 9;
	refused("something behind the trailer", archive_bytes - 1);
}

static void bad_names(void)
{
	static const struct {
		const char *name, *why;
		uint32_t mode;
	} bad[] = {
		{ "../x", "a name that leads out of the tree", S_IFREG },
		{ "good/../../x", "a name that leads out of the tree", S_IFREG },
		{ "..", "a name that leads out of the tree", S_IFDIR },
		{ "good/x", "a name below what is no folder", S_IFREG },
		{ ".", "a name that is a folder's already", S_IFREG },
		{ "x/", "a slash behind what is no folder", S_IFREG },
		{ "loop/x", "a name that leads through too many links", S_IFREG },
		{ "x", "a file of no known kind", 0 },
		{ "x", "a link's text of no length", S_IFLNK },
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		begin();
		add("good", S_IFREG | 0644, "good");
		add("loop", S_IFLNK | 0777, "loop");
		const uint64_t first = archive_bytes;
		add(bad[i].name, bad[i].mode, "");
		end();
		refused(bad[i].why, first);
	}
	begin();
	add("d", S_IFDIR | 0755, "contents");
	end();
	refused("contents of what has none", 0);
}

/* More files than a tree may have. */
static void too_many_files(void)
{
	char name[16];
	uint64_t last = 0;

	begin();
	for (unsigned i = 0; i < TEST_TREE_PAGES; i++) {
		last = archive_bytes;
		format_text(name, sizeof name, "%u", i);
		add(name, S_IFREG | 0644, "");
	}
	end();
	refused("more files than there may be", last);
}

int main(void)
{
	static void (*const tests[])(void) = { kinds,     again,     changed,       lying_numbers,
					       bad_bytes, bad_names, too_many_files };

	return files_main(tests, COUNT_OF(tests));
}
