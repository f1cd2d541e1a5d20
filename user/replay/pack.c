/*
 * pack.c -- archives that scores of subject cpio tell of (fuzz/cpio_subject.h), all in one.
 *
 *	pack SCORES OUT KERNEL
 *	pack SCORES OUT NUMBER
 *
 * Each `unpack` line becomes an archive of the form newc of its own, with its trailer, whose names
 * begin with s/N/, N being the line's number among such lines in the file.  They stand one behind
 * the other in OUT, as initrds may; in front, where KERNEL is "ours", the file /apart: what is due
 * on ours alone is there then too.  A link's text that begins with a slash
 * begins with that folder's.  tree.c looks at what has become of it.
 *
 * With a number, the archive of that `boot` line, from 1 on, is written as it is, and printed is
 * what the line says of it.
 *
 * Exit: 0 written; 1 there is no such line; 2 usage; 3 no score; 4 cannot be read, or written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/replay/tree.h"
#include "user/replay/words.h"

enum {
	ENTRIES_MAX = 1024,
	CONTENTS_MAX = 64 << 10,
	KIND = 0170000,
	LINK = 0120000,
	FOLDER = 0040755,
	FILE_MODE = 0100644,
	INODES = 4096, /* for each archive */
	EXIT_NO_SCORE = 3,
	EXIT_NO_ROOM,
};

static FILE *out;
static uint32_t written;

/* What the archive is so far: its lines. */
static struct words lines[ENTRIES_MAX];
static unsigned line_count;

__attribute__((noreturn)) static void fail(const char *why, const char *what)
{
	fprintf(stderr, "pack: %s: %s\n", what, why);
	exit(EXIT_NO_SCORE);
}

/* --- newc ------------------------------------------------------------------------------------- */

static void put(const void *at, size_t bytes)
{
	if (fwrite(at, 1, bytes, out) != bytes) exit(EXIT_NO_ROOM);
	written += (uint32_t)bytes;
}

static void pad(void)
{
	put("\0\0\0", (4 - written % 4) % 4);
}

static void put_entry(const char *name, uint32_t mode, uint32_t links, uint32_t ino,
		      const void *contents, size_t bytes)
{
	char head[111];
	const uint32_t zero = 0;

	snprintf(head, sizeof head,
		 "070701%08" PRIx32 "%08" PRIx32 "%08" PRIx32 "%08" PRIx32 "%08" PRIx32 "%08" PRIx32
		 "%08" PRIx32 "%08" PRIx32 "%08" PRIx32 "%08" PRIx32 "%08" PRIx32 "%08" PRIx32
		 "%08" PRIx32,
		 ino, mode, zero, zero, links, (uint32_t)TREE_TIME, (uint32_t)bytes, (uint32_t)8,
		 (uint32_t)1, (uint32_t)TREE_MAJOR, (uint32_t)TREE_MINOR,
		 (uint32_t)strlen(name) + 1, zero);
	put(head, 110);
	put(name, strlen(name) + 1);
	pad();
	put(contents, bytes);
	pad();
}

static void put_trailer(void)
{
	put_entry("TRAILER!!!", 0, 1, 0, "", 0);
}

/* --- archives --------------------------------------------------------------------------------- */

static const char *name_in(unsigned archive, struct word name)
{
	static char text[600];

	if (name.length > 500) fail("too long", "a name");
	snprintf(text, sizeof text, TREE_FOLDER "/%.*s", archive, (int)name.length, name.at);
	return text;
}

static void pack_entry(unsigned archive, struct words w)
{
	static char contents[CONTENTS_MAX];
	struct word name, bytes;
	uint64_t mode, links, ino;
	size_t before = 0;

	if (!word_next(&w, &name) || !number_next(&w, &mode) || !number_next(&w, &links) ||
	    !number_next(&w, &ino) || !word_next(&w, &bytes))
		fail("no entry", name.at);
	if ((mode & KIND) == LINK && bytes.length >= 2 && memcmp(bytes.at, "2f", 2) == 0)
		before = (size_t)snprintf(contents, sizeof contents, "/" TREE_FOLDER, archive);
	const size_t count =
		before + word_bytes(bytes, contents + before, sizeof contents - before);
	put_entry(name_in(archive, name), (uint32_t)mode, (uint32_t)links,
		  (uint32_t)ino + archive * INODES, contents, count);
}

static void pack_ways(unsigned archive, uint64_t entry, const char *text)
{
	struct words w;
	struct word name;
	uint64_t number;

	while (line_next(&text, &w) && words_take(&w, "way")) {
		if (!number_next(&w, &number) || !word_next(&w, &name)) fail("no way", text);
		if (number == entry)
			put_entry(name_in(archive, name), FOLDER, 2, archive * INODES + 4000, "",
				  0);
	}
}

/* The first `count` entries; `text` begins with what they need besides. */
static void pack(unsigned archive, uint64_t count, const char *text)
{
	static const struct word nothing = { "", 0 };
	uint64_t entries = 0;
	uint64_t zeroes;

	put_entry(name_in(archive, nothing), FOLDER, 2, archive * INODES + 4001, "", 0);
	for (unsigned i = 0; i < line_count; i++) {
		struct words w = lines[i];
		if (words_take(&w, "entry")) {
			if (entries == count) break;
			pack_ways(archive, entries++, text);
			pack_entry(archive, w);
		} else if (words_take(&w, "zeroes") && number_next(&w, &zeroes)) {
			for (; zeroes >= 4; zeroes -= 4) put("\0\0\0", 4);
		} else {
			put_trailer();
		}
	}
	put_trailer();
}

static void pack_all(const char *text, bool ours)
{
	unsigned archive = 0;
	struct words w;
	uint64_t count;

	put_entry("s", FOLDER, 2, 1, "", 0);
	if (ours) put_entry("apart", FILE_MODE, 1, 2, "", 0);
	put_trailer();
	while (line_next(&text, &w)) {
		const struct words line = w;
		if (words_take(&w, "fresh") || words_take(&w, "score")) line_count = 0;
		if (words_take(&w, "entry") || words_take(&w, "trailer") ||
		    words_take(&w, "zeroes")) {
			if (line_count == ENTRIES_MAX) fail("too many", "entries");
			lines[line_count++] = line;
		}
		if (!words_take(&w, "unpack")) continue;
		if (!number_next(&w, &count)) fail("no number", line.at);
		if (ours || words_take(&w, "all")) pack(archive, count, text);
		archive++;
	}
}

/* False: there are not so many. */
static bool pack_boot(const char *text, uint64_t number)
{
	static char bytes[CONTENTS_MAX * 2];
	struct words w;
	struct word digits;

	while (line_next(&text, &w)) {
		if (!words_take(&w, "boot") || --number != 0) continue;
		if (!word_next(&w, &digits) || !words_take(&w, "=")) fail("no archive", w.at);
		put(bytes, word_bytes(digits, bytes, sizeof bytes));
		printf("%.*s\n", (int)(w.end - w.at - 1), w.at + 1);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: pack SCORES OUT KERNEL|NUMBER\n", stderr);
		return 2;
	}
	const char *text = text_of_file(argv[1]);
	out = fopen(argv[2], "wb");
	if (text == NULL || out == NULL) {
		perror(text == NULL ? argv[1] : argv[2]);
		return EXIT_NO_ROOM;
	}
	const uint64_t number = strtoull(argv[3], NULL, 10);
	if (number != 0 && !pack_boot(text, number)) return 1;
	if (number == 0) pack_all(text, strcmp(argv[3], "ours") == 0);
	return fclose(out) == 0 ? 0 : EXIT_NO_ROOM;
}
