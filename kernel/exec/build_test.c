/*
 * build_test.c -- a new program's space: every byte of its segments, its stack, and whatever can be
 * wrong with its file.
 */
#include "kernel/exec/test_exec.h"

#define PROGRAM 0x400000ull

static struct exec_work work;

static uint64_t word_at(uint64_t va)
{
	uint64_t word = 0xeeeeeeeeeeeeeeee;

	EXPECT(user_copy_in(work.space, &word, va, sizeof word) == 0);
	return word;
}

static bool says(uint64_t va, const char *text)
{
	char there[256];
	const int64_t length = user_string_in(work.space, there, va, sizeof there);

	return length == (int64_t)strlen(text) && strcmp(there, text) == 0;
}

/* [at, at + bytes) is what the file has from `offset` on, or zeroes (offset UINT64_MAX). */
static void must_be(const struct test_file *f, uint64_t at, uint64_t offset, uint64_t bytes)
{
	static uint8_t there[FILE_BYTES_MAX], zero[FILE_BYTES_MAX];

	EXPECT(user_copy_in(work.space, there, at, bytes) == 0);
	EXPECT(memcmp(there, offset == UINT64_MAX ? zero : f->bytes + offset, bytes) == 0);
}

static enum fault_answer may(uint64_t va, enum mach_access access)
{
	return space_fault(work.space, va, access);
}

/* Text and data, which share a page of the file, and zeroes over several pages. */
static struct test_file *plain(unsigned number, const char *path, uint16_t type, uint64_t base)
{
	struct test_file *f = file_begin(number, path, type, base + 0x100, 0x6000);

	file_load(f, ELF_READ | ELF_EXECUTE, 0, base, 0x2ff8, 0x2ff8);
	file_load(f, ELF_READ | ELF_WRITE, 0x2ff8, base + 0x3ff8, 0x1234, 0x4321);
	return f;
}

static void args(const char *first, const char *second, const char *environment)
{
	EXPECT(args_add(&work.arguments, first) == 0 && args_add(&work.arguments, second) == 0);
	EXPECT(args_add(&work.environment, environment) == 0);
}

/* --- what is there ---------------------------------------------------------------------------- */

static void stack_is(uint64_t entry, uint64_t table, uint64_t base)
{
	const uint64_t sp = work.stack, aux = sp + 6 * 8;
	const uint64_t expected[][2] = {
		{ AT_MINSIGSTKSZ, 4720 },
		{ AT_HWCAP, 0x103 },
		{ AT_PAGESZ, 4096 },
		{ AT_CLKTCK, 100 },
		{ AT_PHDR, table },
		{ AT_PHENT, 56 },
		{ AT_PHNUM, 2 },
		{ AT_BASE, base },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, entry },
		{ AT_UID, 1 },
		{ AT_EUID, 2 },
		{ AT_GID, 3 },
		{ AT_EGID, 4 },
		{ AT_SECURE, 0 },
	};

	EXPECT(sp % 16 == 0 && word_at(sp) == 2 && word_at(sp + 24) == 0);
	EXPECT(says(word_at(sp + 8), "one") && says(word_at(sp + 16), "second argument"));
	EXPECT(says(word_at(sp + 32), "HOME=/") && word_at(sp + 40) == 0);
	for (unsigned i = 0; i < COUNT_OF(expected); i++)
		EXPECT(word_at(aux + i * 16) == expected[i][0] &&
		       word_at(aux + i * 16 + 8) == expected[i][1]);
	EXPECT(word_at(aux + 15 * 16) == AT_RANDOM);
	EXPECT(word_at(word_at(aux + 15 * 16 + 8)) == 0x5a5a5a5a5a5a5a5a);
	EXPECT(word_at(aux + 16 * 16) == AT_HWCAP2 && word_at(aux + 16 * 16 + 8) == 0x40);
	EXPECT(word_at(aux + 17 * 16) == AT_EXECFN && says(word_at(aux + 17 * 16 + 8), "/bin/a"));
	EXPECT(word_at(aux + 18 * 16) == AT_PLATFORM &&
	       says(word_at(aux + 18 * 16 + 8), "aarch64"));
	EXPECT(word_at(aux + 19 * 16) == AT_NULL && word_at(aux + 19 * 16 + 8) == 0);
}

static void segments_are(const struct test_file *f, uint64_t base)
{
	must_be(f, base, 0, 0x2ff8);
	must_be(f, base + 0x3ff8, 0x2ff8, 0x1234);
	must_be(f, base + 0x3ff8 + 0x1234, UINT64_MAX, 0x9000 - 0x3ff8 - 0x1234);
	EXPECT(may(base, MACH_STORE) == FAULT_NOT_ALLOWED && may(base, MACH_FETCH) == FAULT_DONE);
	EXPECT(may(base + 0x4000, MACH_STORE) == FAULT_DONE);
	EXPECT(may(base + 0x4000, MACH_FETCH) == FAULT_NOT_ALLOWED);
	EXPECT(may(base + 0x8000, MACH_FETCH) == FAULT_NOT_ALLOWED);
	EXPECT(may(base + 0x9000, MACH_LOAD) == FAULT_NOT_MAPPED);
}

static void test_static(void)
{
	test_exec_open();
	const struct test_file *f = plain(0, "/bin/a", 2, PROGRAM);
	test_work_open(&work, "/bin/a");
	args("one", "second argument", "HOME=/");
	EXPECT(test_work_run(&work).why == NULL);
	EXPECT(work.entry == PROGRAM + 0x100);
	segments_are(f, PROGRAM);
	stack_is(PROGRAM + 0x100, PROGRAM + TABLE_AT, 0);
	EXPECT(word_at(TASK_TRAMPOLINE) == 0xd4000001d2801168);
	EXPECT(may(TASK_TRAMPOLINE, MACH_FETCH) == FAULT_DONE);
	EXPECT(may(TASK_TRAMPOLINE, MACH_STORE) == FAULT_NOT_ALLOWED);
	EXPECT(may(work.stack, MACH_FETCH) == FAULT_NOT_ALLOWED);
	EXPECT(space_brk(work.space, 0) == PROGRAM + 0x9000);
	EXPECT(space_brk(work.space, PROGRAM + 0x9001) == PROGRAM + 0x9001);
	/* The stack grows to where it may, and no further. */
	EXPECT(may(USER_END - (8 << 20), MACH_STORE) == FAULT_DONE);
	EXPECT(may(USER_END - (8 << 20) - 1, MACH_STORE) == FAULT_NOT_MAPPED);
	test_must(space_check(work.space));
	test_work_shut(&work);
	test_exec_shut();
}

static void test_movable(void)
{
	test_exec_open();
	const struct test_file *f = plain(0, "/bin/a", 3, 0);
	test_work_open(&work, "/bin/a");
	args("one", "second argument", "HOME=/");
	EXPECT(test_work_run(&work).why == NULL);
	const uint64_t base = work.entry - 0x100;
	EXPECT(base % PAGE_SIZE == 0 && base + 0x9000 < tw->vm.top);
	segments_are(f, base);
	stack_is(base + 0x100, base + TABLE_AT, 0);
	EXPECT(space_brk(work.space, 0) == (int64_t)align_down(USER_END / 3 * 2, PAGE_SIZE));
	test_work_shut(&work);
	test_exec_shut();
}

static void test_interpreter(void)
{
	static const char path[] = "/lib/ld.so";
	const struct elf_segment names = { ELF_INTERPRETER, 4, 0x5000, 0, 0, sizeof path, 0, 1 };

	test_exec_open();
	struct test_file *f = plain(0, "/bin/a", 3, 0);
	file_segment(f, &names);
	memcpy(f->bytes + 0x5000, path, sizeof path);
	const struct test_file *ld = plain(1, path, 3, 0);
	test_work_open(&work, "/bin/a");
	args("one", "second argument", "HOME=/");
	EXPECT(test_work_run(&work).why == NULL);
	const uint64_t place = align_down(USER_END / 3 * 2, PAGE_SIZE);
	segments_are(f, place);
	segments_are(ld, work.entry - 0x100);
	EXPECT(work.entry - 0x100 + 0x9000 < tw->vm.top);
	EXPECT(space_brk(work.space, 0) == (int64_t)place + 0x9000);
	EXPECT(word_at(work.stack + 6 * 8 + 7 * 16 + 8) == work.entry - 0x100); /* AT_BASE */
	EXPECT(word_at(work.stack + 6 * 8 + 9 * 16 + 8) == place + 0x100);      /* AT_ENTRY */
	test_work_shut(&work);
	/* No such file, no path, no program. */
	test_files[1].path = "/lib/other";
	test_work_open(&work, "/bin/a");
	EXPECT(test_work_run(&work).error == -ERR_NOENT);
	test_work_shut(&work);
	test_files[1].path = path;
	test_files[1].bytes[1] = 'e';
	test_work_open(&work, "/bin/a");
	const struct elf_verdict v = test_work_run(&work);
	EXPECT(v.error == -ERR_LIBBAD && !v.late && work.space == NULL);
	test_work_shut(&work);
	f->bytes[0x5000 + sizeof path - 1] = 'x';
	test_work_open(&work, "/bin/a");
	EXPECT(test_work_run(&work).error == -ERR_NOEXEC);
	test_work_shut(&work);
	test_exec_shut();
}

/* Drawn places differ, and everything is in reach of them. */
static void test_drawn(void)
{
	test_exec_open();
	plain(0, "/bin/a", 3, 0);
	test_config.random = true;
	test_work_open(&work, "/bin/a");
	args("one", "second argument", "HOME=/");
	EXPECT(test_work_run(&work).why == NULL);
	EXPECT(work.stack < USER_END - PAGE_SIZE * 0x5a5a);
	EXPECT(says(word_at(work.stack + 8), "one"));
	test_must(space_check(work.space));
	test_work_shut(&work);
	test_exec_shut();
}

/* --- scripts ---------------------------------------------------------------------------------- */

static void test_script_lines(void)
{
	static const struct {
		const char *line, *path, *argument; /* path NULL: refused */
	} cases[] = {
		{ "#!/bin/sh\n", "/bin/sh", NULL },
		{ "#! \t/bin/sh \t\nrest", "/bin/sh", NULL },
		{ "#!/bin/sh -x  -y \n", "/bin/sh", "-x  -y" },
		{ "#!/bin/sh\t-e", "/bin/sh", "-e" },
		{ "#!/bin/sh", "/bin/sh", NULL },
		{ "#!\n", NULL, NULL },
		{ "#!  \t\n/bin/sh\n", NULL, NULL },
		{ "#!", "", NULL },
		{ "# !/bin/sh\n", NULL, NULL },
		{ "!#/bin/sh\n", NULL, NULL },
	};
	uint8_t head[LOAD_HEAD_BYTES];
	char *path, *argument;

	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		memset(head, 0, sizeof head);
		memcpy(head, cases[i].line, strlen(cases[i].line));
		EXPECT(exec_script(head, sizeof head, &path, &argument) == (cases[i].path != NULL));
		if (cases[i].path == NULL) continue;
		EXPECT(strcmp(path, cases[i].path) == 0);
		EXPECT((argument == NULL) == (cases[i].argument == NULL));
		EXPECT(argument == NULL || strcmp(argument, cases[i].argument) == 0);
	}
	/* A path that may go on is refused; an argument that does is cut off. */
	memset(head, 'a', sizeof head);
	memcpy(head, "#!", 2);
	EXPECT(!exec_script(head, sizeof head, &path, &argument));
	head[100] = ' ';
	EXPECT(exec_script(head, sizeof head, &path, &argument));
	EXPECT(strlen(path) == 98 && strlen(argument) == 154);
	memset(head + 2, ' ', sizeof head - 2);
	EXPECT(!exec_script(head, sizeof head, &path, &argument));
}

static void test_scripts(void)
{
	test_exec_open();
	plain(0, "/bin/sh", 2, PROGRAM);
	file_text(1, "/x/inner", "#!/bin/sh -e\n");
	file_text(2, "outer", "#!/x/inner  a b\n");
	test_work_open(&work, "outer");
	args("old name", "last", "PATH=/bin");
	EXPECT(test_work_run(&work).why == NULL);
	const uint64_t sp = work.stack;
	static const char *const expected[] = {
		"/bin/sh", "-e", "/x/inner", "a b", "outer", "last"
	};
	EXPECT(word_at(sp) == COUNT_OF(expected));
	for (unsigned i = 0; i < COUNT_OF(expected); i++)
		EXPECT(says(word_at(sp + 8 + i * 8), expected[i]));
	test_work_shut(&work);
	/* One that is run by itself. */
	file_text(2, "outer", "#!outer\n");
	test_work_open(&work, "outer");
	args("old name", "last", "PATH=/bin");
	EXPECT(test_work_run(&work).error == -ERR_LOOP);
	test_work_shut(&work);
	file_text(2, "outer", "#!"); /* the rest is zeroes: an empty name */
	test_work_open(&work, "outer");
	EXPECT(test_work_run(&work).error == -ERR_ACCES);
	test_work_shut(&work);
	file_text(2, "outer", "#!/none\n");
	test_work_open(&work, "outer");
	EXPECT(test_work_run(&work).error == -ERR_NOENT);
	test_work_shut(&work);
	test_exec_shut();
}

/* --- what is wrong ---------------------------------------------------------------------------- */

enum { PHDR0 = TABLE_AT, PHDR1 = TABLE_AT + ELF_SEGMENT_BYTES };

static const struct {
	const char *what;
	uint32_t at, bytes;
	uint64_t value;
	int error; /* 0: it is fine */
	bool late;
} hostile[] = {
	{ "magic", 0, 1, 0x7e, ERR_NOEXEC, false },
	{ "class of 32 bits, at which Linux does not look", 4, 1, 1, 0, false },
	{ "type: relocatable", 16, 2, 1, ERR_NOEXEC, false },
	{ "type: core", 16, 2, 4, ERR_NOEXEC, false },
	{ "machine", 18, 2, 62, ERR_NOEXEC, false },
	{ "entry beyond all", 24, 8, USER_END, ERR_INVAL, true },
	{ "entry anywhere", 24, 8, 0x123457, 0, false },
	{ "table behind the file", 32, 8, 0x5fc0, ERR_NOEXEC, false },
	{ "table beyond all files", 32, 8, UINT64_MAX - 20, ERR_NOEXEC, false },
	{ "segments of another size", 54, 2, 57, ERR_NOEXEC, false },
	{ "no segments", 56, 2, 0, ERR_NOEXEC, false },
	{ "too many segments", 56, 2, ELF_SEGMENTS_MAX + 1, ERR_NOEXEC, false },
	{ "more in the file", PHDR1 + 32, 8, 0x4322, ERR_INVAL, true },
	{ "more than all memory", PHDR1 + 40, 8, USER_END + 1, ERR_INVAL, true },
	{ "memory that wraps", PHDR1 + 40, 8, UINT64_MAX, ERR_INVAL, true },
	{ "an address that wraps", PHDR1 + 16, 8, UINT64_MAX - 7, ERR_INVAL, true },
	{ "an address of the kernel", PHDR1 + 16, 8, 0xffff000000000ff8, ERR_INVAL, true },
	{ "an address too low", PHDR0 + 16, 8, 0, ERR_PERM, true },
	{ "another place of the page", PHDR1 + 8, 8, 0x2ff0, ERR_INVAL, true },
	{ "an offset that wraps", PHDR1 + 8, 8, UINT64_MAX - 7, ERR_OVERFLOW, true },
	{ "behind the file's end", PHDR1 + 8, 8, 0x10ff8, 0, false },
	{ "zeroes in what cannot be written", PHDR1 + 4, 4, ELF_READ, 0, false },
	{ "over the stack", PHDR0 + 16, 8, USER_END - 0x4000, ERR_EXIST, true },
	{ "one over the other", PHDR1 + 16, 8, PROGRAM + 0xff8, 0, false },
	{ "no rights", PHDR0 + 4, 4, 0, 0, false },
	{ "writing and executing", PHDR0 + 4, 4, 7, 0, false },
	{ "an alignment that is none", PHDR0 + 48, 8, 3, 0, false },
	{ "nothing of the second is loaded", PHDR1, 4, 0, 0, false },
};

static void test_hostile(void)
{
	test_exec_open();
	for (unsigned i = 0; i < COUNT_OF(hostile); i++) {
		struct test_file *f = plain(0, "/bin/a", 2, PROGRAM);
		memcpy(f->bytes + hostile[i].at, &hostile[i].value, hostile[i].bytes);
		test_work_open(&work, "/bin/a");
		const struct elf_verdict v = test_work_run(&work);
		if (v.error != -hostile[i].error || v.late != hostile[i].late)
			fprintf(stderr, "%s: %d %d %s\n", hostile[i].what, v.error, v.late, v.why);
		EXPECT(v.error == -hostile[i].error && v.late == hostile[i].late);
		EXPECT((v.error == 0) == (v.why == NULL));
		if (work.space != NULL) test_must(space_check(work.space));
		test_work_shut(&work);
	}
	/* Nothing to load at all; files that are too short for anything. */
	file_begin(0, "/bin/a", 2, PROGRAM, 0x6000);
	file_segment(&test_files[0], &(struct elf_segment){ .type = 4 });
	test_work_open(&work, "/bin/a");
	EXPECT(test_work_run(&work).late);
	test_work_shut(&work);
	for (uint64_t count = 0; count < TABLE_AT + 2 * ELF_SEGMENT_BYTES; count++) {
		plain(0, "/bin/a", 2, PROGRAM)->count = count;
		test_work_open(&work, "/bin/a");
		const struct elf_verdict v = test_work_run(&work);
		EXPECT(v.error == -ERR_NOEXEC && !v.late);
		test_work_shut(&work);
	}
	test_exec_shut();
}

/* --- short of things -------------------------------------------------------------------------- */

static paddr_t hoard[TEST_PAGES];

/* With one page more each time, until it works: all that was taken is back before that. */
static void test_no_memory(void)
{
	const uint32_t how = PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL);
	uint32_t failed = 0, late = 0, left = 0;
	bool works = false;

	test_exec_open();
	plain(0, "/bin/a", 2, PROGRAM);
	for (; !works; left++) {
		uint32_t hoarded = 0;
		test_pages_used();
		while ((hoard[hoarded] = page_alloc(&tw->pages, 0, how | PAGE_NO_RECLAIM, 0)) !=
		       PADDR_NONE)
			hoarded++;
		for (uint32_t i = 0; i < left; i++) page_free(&tw->pages, hoard[--hoarded], 0, how);
		test_work_open(&work, "/bin/a");
		const bool got = args_add(&work.arguments, "one") == 0;
		const struct elf_verdict v =
			got ? test_work_run(&work) : (struct elf_verdict){ .why = "no memory" };
		works = v.why == NULL;
		if (!works) failed++;
		if (v.late) late++;
		test_work_shut(&work);
		while (hoarded != 0) page_free(&tw->pages, hoard[--hoarded], 0, how);
		test_must(page_check(&tw->pages));
	}
	EXPECT(failed >= 8 && late >= 1);
	test_exec_shut();
}

static void test_limits(void)
{
	static char big[ARGS_STRING_BYTES + 1];

	test_exec_open();
	plain(0, "/bin/a", 2, PROGRAM);
	/* An argument as long as may be, and one byte more. */
	memset(big, 'x', sizeof big - 1);
	test_work_open(&work, "/bin/a");
	EXPECT(args_add(&work.arguments, big) == -ERR_2BIG);
	test_work_shut(&work);
	big[ARGS_STRING_BYTES - 1] = 0;
	test_work_open(&work, "/bin/a");
	EXPECT(args_add(&work.arguments, big) == 0);
	EXPECT(test_work_run(&work).why == NULL);
	EXPECT(word_at(work.stack) == 1 && word_at(work.stack + 16) == 0);
	/* Its path ends 8 bytes below the top, and it just before. */
	EXPECT(word_at(work.stack + 8) == USER_END - 8 - sizeof "/bin/a" - ARGS_STRING_BYTES);
	test_work_shut(&work);
	/* No more pages than a program may have. */
	test_work_open(&work, "/bin/a");
	work.space_limit = 35;
	EXPECT(test_work_run(&work).late);
	test_work_shut(&work);
	test_exec_shut();
}

/* --- out of a user's memory ------------------------------------------------------------------- */

static void test_from_user(void)
{
	static char longest[3 * PAGE_SIZE];
	struct args a;
	char line[32];

	test_exec_open();
	struct space *s = space_create(&tw->vm, TEST_SITE);
	EXPECT(space_mmap(s, 0x100000, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, TEST_SITE) == 0x100000);
	memset(longest, 'y', sizeof longest - 1);
	/* Pointers at the end of a page, one of them over it; then nothing is mapped. */
	const uint64_t pointers[] = { 0x101000, 0x102ff8, 0x101000, 0 };
	const uint64_t array = 0x108000 - sizeof pointers;
	EXPECT(user_copy_out(s, 0x101000, longest, sizeof longest) == 0);
	EXPECT(user_copy_out(s, array, pointers, sizeof pointers) == 0);
	args_init(&a, &tw->memory, 128 << 10);
	EXPECT(args_add_array(&a, s, array) == 0);
	EXPECT(a.count == 3 && a.bytes == 2 * sizeof longest + 0x104000 - 0x102ff8);
	args_skip(&a);
	args_skip(&a);
	EXPECT(a.count == 1 && a.bytes == sizeof longest);
	EXPECT(args_line(&a, line, sizeof line) == sizeof line && line[31] == 'y');
	args_skip(&a);
	args_skip(&a);
	EXPECT(a.count == 0 && a.bytes == 0 && a.first == NULL);
	/* No NULL before the end of what is mapped; a string that is not there; too much. */
	EXPECT(args_add_array(&a, s, array + 8) == 0);
	args_drop(&a);
	EXPECT(args_add_array(&a, s, 0x200000) == -ERR_FAULT);
	EXPECT(args_add_array(&a, s, 0x107ffc) == -ERR_FAULT);
	EXPECT(args_add_array(&a, s, UINT64_MAX - 8) == -ERR_FAULT);
	EXPECT(user_copy_out(s, array + 16, &(uint64_t){ 0x200000 }, 8) == 0);
	EXPECT(args_add_array(&a, s, array) == -ERR_FAULT);
	args_drop(&a);
	args_init(&a, &tw->memory, sizeof longest + 8);
	EXPECT(args_add_user(&a, s, 0x101000) == 0);
	EXPECT(args_add_user(&a, s, 0x103ff0) == -ERR_2BIG);
	args_drop(&a);
	EXPECT(args_add_array(&a, s, 0) == 0 && a.count == 0);
	space_retire(s);
	vm_reclaim(&tw->vm, SIZE_MAX);
	test_exec_shut();
}

int main(void)
{
	test_static();
	test_movable();
	test_interpreter();
	test_drawn();
	test_script_lines();
	test_scripts();
	test_hostile();
	test_no_memory();
	test_limits();
	test_from_user();
	return 0;
}
