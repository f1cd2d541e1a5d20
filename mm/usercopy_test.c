/*
 * usercopy_test.c -- copies to and from users by example: rights, not presence; ranges that wrap or
 * leave the user's half; how much was copied when a fault ends it; copy-on-write broken first.
 */
#include "mm/test_space.h"

enum { RW = PROT_READ | PROT_WRITE };

static uint8_t buffer[4 * PAGE_SIZE];

/* Page 0 and 1 can be written, 2 only read, 3 not touched, 4 is not there. */
static struct space *five_pages(void)
{
	vm_open(64);
	struct space *s = space_create(&tv->vm, SITE);
	put(s, AT, 2, RW, 0, NULL);
	put(s, AT + 2 * PAGE_SIZE, 1, PROT_READ, 0, NULL);
	put(s, AT + 3 * PAGE_SIZE, 1, PROT_NONE, 0, NULL);
	return s;
}

static void shut(struct space *s)
{
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

static void there_and_back(void)
{
	struct space *s = five_pages();
	uint8_t back[300];

	for (size_t i = 0; i < sizeof buffer; i++) buffer[i] = (uint8_t)(i * 7 + 1);
	EXPECT(user_copy_out(s, AT + PAGE_SIZE - 100, buffer, 300) == 0);
	EXPECT(user_copy_in(s, back, AT + PAGE_SIZE - 100, 300) == 0);
	EXPECT(memcmp(back, buffer, 300) == 0);
	EXPECT(user_fill_zero(s, AT + PAGE_SIZE - 50, 100) == 0);
	EXPECT(user_copy_in(s, back, AT + PAGE_SIZE - 100, 300) == 0);
	EXPECT(back[49] == buffer[49] && back[50] == 0 && back[149] == 0 &&
	       back[150] == buffer[150]);
	EXPECT(user_copy_in(s, back, AT, 0) == 0 && user_copy_in(s, NULL, UINT64_MAX, 0) == 0);
	shut(s);
}

/* As far as rights go, to the byte; what could be reached was copied. */
static void ends_where_rights_end(void)
{
	struct space *s = five_pages();

	memset(buffer, 0x5a, sizeof buffer);
	EXPECT(user_copy_out(s, AT + PAGE_SIZE - 1, buffer, 2 * PAGE_SIZE) == PAGE_SIZE - 1);
	EXPECT(byte_at(s, AT + 2 * PAGE_SIZE - 1) == 0x5a && byte_at(s, AT + 2 * PAGE_SIZE) == 0);
	EXPECT(user_copy_in(s, buffer, AT + 2 * PAGE_SIZE, PAGE_SIZE + 1) == 1);
	EXPECT(user_copy_in(s, buffer, AT + 3 * PAGE_SIZE - 1, 10) == 9);
	EXPECT(user_copy_in(s, buffer, AT + 4 * PAGE_SIZE, 1) == 1);
	EXPECT(user_fill_zero(s, AT + 2 * PAGE_SIZE, 5) == 5);
	EXPECT(user_copy_out(s, AT - 1, buffer, 2) == 2);
	shut(s);
}

static void hostile_ranges(void)
{
	struct space *s = five_pages();
	const uint64_t last = USER_END - PAGE_SIZE;
	put(s, last, 1, RW, 0, NULL);
	const uint32_t resident = s->resident;

	EXPECT(user_copy_out(s, USER_END, buffer, 1) == 1);
	EXPECT(user_copy_out(s, last, buffer, PAGE_SIZE + 1) == PAGE_SIZE + 1);
	EXPECT(user_copy_in(s, buffer, KERNEL_START, 8) == 8);
	EXPECT(user_copy_in(s, buffer, UINT64_MAX, 1) == 1);
	EXPECT(user_copy_out(s, AT, buffer, SIZE_MAX) == SIZE_MAX);
	EXPECT(user_copy_out(s, AT, buffer, 0 - (uint64_t)AT) == 0 - (size_t)AT);
	EXPECT(user_fill_zero(s, AT, SIZE_MAX - AT + 1) == SIZE_MAX - AT + 1);
	EXPECT(s->resident == resident); /* refused before a byte was touched */
	EXPECT(user_copy_out(s, last, buffer, PAGE_SIZE) == 0);
	shut(s);
}

/* A page that is there but may not be written yet is not written to. */
static void breaks_copy_on_write(void)
{
	struct space *s = five_pages();

	EXPECT(byte_at(s, AT) == 0);
	set_byte(s, AT, 1); /* not into the page of zeroes */
	EXPECT(*(uint8_t *)mach_phys(tv->vm.zeroes) == 0);
	struct space *child = space_clone(s, SITE);
	EXPECT(user_fill_zero(child, AT, 1) == 0);
	EXPECT(byte_at(s, AT) == 1 && byte_at(child, AT) == 0);
	SOUND(s, child);
	space_retire(child);
	vm_reclaim(&tv->vm, SIZE_MAX);

	/* Nor one that was aged without the access flag being looked at. */
	pagetable_age(&s->table, AT, AT + PAGE_SIZE);
	EXPECT(byte_at(s, AT) == 1 && entry_allows(entry_at(s, AT), MACH_LOAD));
	shut(s);
}

static void strings(void)
{
	struct space *s = five_pages();
	char text[32];

	EXPECT(user_copy_out(s, AT + PAGE_SIZE - 3, "hello", 6) == 0);
	EXPECT(user_string_in(s, text, AT + PAGE_SIZE - 3, sizeof text) == 5);
	EXPECT(memcmp(text, "hello", 6) == 0);
	EXPECT(user_string_in(s, text, AT + PAGE_SIZE - 3, 6) == 5);
	EXPECT(user_string_in(s, text, AT + PAGE_SIZE - 3, 5) == -ERR_NAMETOOLONG);
	EXPECT(user_string_in(s, text, AT + PAGE_SIZE - 3, 0) == -ERR_NAMETOOLONG);
	EXPECT(user_string_in(s, text, AT, sizeof text) == 0);
	memset(buffer, 'x', PAGE_SIZE);
	put(s, AT + 0x100000, 1, RW, 0, NULL);
	EXPECT(user_copy_out(s, AT + 0x100000, buffer, PAGE_SIZE) == 0);
	EXPECT(user_string_in(s, text, AT + 0x101000 - 4, 5) == -ERR_FAULT);
	EXPECT(user_string_in(s, text, AT + 0x101000 - 4, 4) == -ERR_NAMETOOLONG);
	EXPECT(user_string_in(s, text, AT + 3 * PAGE_SIZE, 4) == -ERR_FAULT);

	/* Up to the end of the user's half, and no further. */
	put(s, USER_END - PAGE_SIZE, 1, RW, 0, NULL);
	EXPECT(user_copy_out(s, USER_END - 3, "abc", 3) == 0);
	EXPECT(user_string_in(s, text, USER_END - 3, sizeof text) == -ERR_FAULT);
	EXPECT(user_string_in(s, text, USER_END, sizeof text) == -ERR_FAULT);
	EXPECT(user_string_in(s, text, UINT64_MAX, sizeof text) == -ERR_FAULT);
	shut(s);
}

static void without_memory(void)
{
	struct space *s = five_pages();

	put(s, 0x40000000, 4, RW, 0, NULL);
	set_byte(s, 0x40000000, 1);
	memset(buffer, 0x77, sizeof buffer);
	leave(2);
	EXPECT(user_copy_out(s, 0x40000000 + 10, buffer, 4 * PAGE_SIZE - 10) == PAGE_SIZE);
	leave_all();
	EXPECT(byte_at(s, 0x40000000 + 3 * PAGE_SIZE - 1) == 0x77);
	EXPECT(byte_at(s, 0x40000000 + 3 * PAGE_SIZE) == 0);
	shut(s);
}

/* Two spaces have different bytes at the same address: whichever is installed, each copy is of the
 * space that it names. */
static void of_the_space_it_names(void)
{
	struct space *s = five_pages(), *t = space_create(&tv->vm, SITE);
	put(t, AT, 2, RW, 0, NULL);
	struct space *const installed[] = { s, t, NULL };

	set_byte(s, AT, 1);
	set_byte(t, AT, 2);
	for (size_t i = 0; i < COUNT_OF(installed); i++) {
		const uint8_t was_s = byte_at(s, AT), was_t = byte_at(t, AT);
		uint8_t byte = 0;
		uint64_t word = 0;

		space_switch(&tv->vm, installed[i]);
		EXPECT(user_copy_in(s, &byte, AT, 1) == 0 && byte == was_s);
		EXPECT(user_copy_in(t, &word, AT, 8) == 0 && word == was_t);
		byte++;
		EXPECT(user_copy_out(t, AT, &byte, sizeof byte) == 0);
		EXPECT(byte_at(t, AT) == byte && byte_at(s, AT) == was_s);
		set_byte(t, AT, (uint8_t)(was_t + 1));
	}
	space_switch(&tv->vm, NULL);
	SOUND(s, t);
	space_retire(t);
	vm_reclaim(&tv->vm, SIZE_MAX);
	shut(s);
}

/* What is installed goes another way; a fault there leads back to this one, with the same end. */
static void installed(void)
{
	struct space *s = five_pages();
	uint8_t back[64];

	space_switch(&tv->vm, s);
	for (size_t bytes = 1; bytes <= sizeof back; bytes++) {
		const uint64_t at = AT + PAGE_SIZE - bytes / 2;
		for (size_t i = 0; i < bytes; i++) buffer[i] = (uint8_t)(i * 5 + bytes);
		EXPECT(user_copy_out(s, at, buffer, bytes) == 0);
		EXPECT(user_copy_in(s, back, at, bytes) == 0 && memcmp(back, buffer, bytes) == 0);
	}
	EXPECT(user_copy_out(s, AT + 2 * PAGE_SIZE - 3, "abcdefgh", 8) == 5);
	EXPECT(user_copy_in(s, back, AT + 2 * PAGE_SIZE - 3, 4) == 0);
	EXPECT(memcmp(back, "abc", 4) == 0); /* and the first of the page that is only read */
	EXPECT(user_copy_in(s, back, AT + 3 * PAGE_SIZE - 8, 16) == 8);
	EXPECT(user_copy_in(s, back, AT + 4 * PAGE_SIZE, 32) == 32);
	EXPECT(user_copy_out(s, USER_END - 4, back, 8) == 8);
	EXPECT(user_copy_in(s, back, UINT64_MAX - 3, 8) == 8);
	EXPECT(user_copy_in(s, back, KERNEL_START, 8) == 8);
	EXPECT(user_copy_in(s, back, AT | 1ull << 56, 4) == 4);

	/* Shared by a clone until one writes. */
	struct space *child = space_clone(s, SITE);
	EXPECT(user_copy_out(s, AT, "12345678", 8) == 0);
	EXPECT(user_copy_in(child, back, AT, 8) == 0 && memcmp(back, "12345678", 8) != 0);
	SOUND(s, child);
	space_retire(child);
	space_switch(&tv->vm, NULL);
	vm_reclaim(&tv->vm, SIZE_MAX);
	shut(s);
}

int main(void)
{
	there_and_back();
	installed();
	of_the_space_it_names();
	ends_where_rights_end();
	hostile_ranges();
	breaks_copy_on_write();
	strings();
	without_memory();
	return 0;
}
