/*
 * user_word_test.c -- words of users' memory by example: nothing is brought in or copied behind the
 * caller's back, rights count and not presence, and two spaces agree on what they share.
 */
#include "mm/test_space.h"
#include "mm/user_word.h"

enum { RW = PROT_READ | PROT_WRITE };

static struct space *s;

static void open_one(uint32_t rights, uint32_t flags, struct backing *b)
{
	s = space_create(&tv->vm, SITE);
	put(s, AT, 2, rights, flags, b);
}

static void shut(void)
{
	SOUND(s);
	RETIRE(s);
	vm_shut();
}

static void reads_what_is_there(void)
{
	const uint32_t seven = 7;
	uint32_t value = 99;

	vm_open(64);
	open_one(RW, 0, NULL);
	EXPECT(user_word_read(s, AT, &value) == WORD_AWAY && value == 99);
	EXPECT(s->resident == 0 && s->zeroes == 0);
	EXPECT(user_word_touch(s, AT, MACH_LOAD));
	EXPECT(user_word_read(s, AT + 4, &value) == WORD_DONE && value == 0);
	EXPECT(user_copy_out(s, AT + PAGE_SIZE - 4, &seven, 4) == 0);
	EXPECT(user_word_read(s, AT + PAGE_SIZE - 4, &value) == WORD_DONE && value == 7);
	EXPECT(user_word_read(s, AT + PAGE_SIZE, &value) == WORD_AWAY);
	EXPECT(user_word_read(s, AT - 4, &value) == WORD_AWAY);
	EXPECT(user_word_read(s, USER_END, &value) == WORD_AWAY);
	EXPECT(user_word_read(s, 0 - 4ull, &value) == WORD_AWAY);
	EXPECT(!user_word_touch(s, AT - 4, MACH_LOAD) && !user_word_touch(s, USER_END, MACH_LOAD));
	EXPECT(!user_word_touch(s, 0 - 4ull, MACH_STORE));
	shut();
}

static void changes_what_it_was(void)
{
	uint32_t found = 99;

	vm_open(64);
	open_one(RW, 0, NULL);
	EXPECT(user_word_touch(s, AT, MACH_LOAD)); /* the page of zeroes: not to be written */
	EXPECT(user_word_change(s, AT, 0, 1, &found) == WORD_AWAY && found == 99);
	EXPECT(user_word_touch(s, AT, MACH_STORE));
	EXPECT(user_word_change(s, AT, 0, 1, &found) == WORD_DONE && found == 0);
	EXPECT(user_word_change(s, AT, 0, 2, &found) == WORD_DIFFERS && found == 1);
	EXPECT(user_word_change(s, AT, 1, 0x01020304, &found) == WORD_DONE && found == 1);
	EXPECT(byte_at(s, AT) == 4 && byte_at(s, AT + 3) == 1 && byte_at(s, AT + 4) == 0);
	EXPECT(*(uint8_t *)mach_phys(tv->vm.zeroes) == 0);
	shut();
}

static void breaks_no_copy_on_write(void)
{
	uint32_t found;

	vm_open(64);
	open_one(RW, 0, NULL);
	set_byte(s, AT, 5);
	struct space *child = space_clone(s, SITE);
	EXPECT(user_word_change(child, AT, 5, 6, &found) == WORD_AWAY);
	EXPECT(user_word_touch(child, AT, MACH_STORE));
	EXPECT(user_word_change(child, AT, 5, 6, &found) == WORD_DONE);
	EXPECT(byte_at(s, AT) == 5 && byte_at(child, AT) == 6);
	SOUND(s, child);
	RETIRE(child);
	shut();
}

static void rights_count(void)
{
	uint32_t value;

	vm_open(64);
	open_one(PROT_READ, 0, NULL);
	put(s, AT + 2 * PAGE_SIZE, 1, PROT_NONE, 0, NULL);
	EXPECT(!user_word_touch(s, AT, MACH_STORE) && user_word_touch(s, AT, MACH_LOAD));
	EXPECT(user_word_change(s, AT, 0, 1, &value) == WORD_AWAY);
	EXPECT(!user_word_touch(s, AT + 2 * PAGE_SIZE, MACH_LOAD));
	EXPECT(user_word_read(s, AT + 2 * PAGE_SIZE, &value) == WORD_AWAY);
	shut();
}

static bool one_byte(void *context, uint64_t index, void *page)
{
	(void)context;
	memset(page, (int)index + 1, PAGE_SIZE);
	return true;
}

static void has_a_name(void)
{
	const struct backing_source source = { .fill = one_byte };
	struct user_word_name a, b;

	vm_open(64);
	struct backing *file = backing_create(tv->vm.backings, &source, 2, SITE);
	struct backing *zeroes = backing_create(tv->vm.backings, NULL, 2, SITE);
	open_one(RW, REGION_SHARED, zeroes);
	put(s, AT + 0x10000, 2, PROT_READ, REGION_SHARED, file)->offset = 0;
	put(s, AT + 0x20000, 2, PROT_READ, 0, file);
	put(s, AT + 0x30000, 2, RW, 0, file);
	put(s, AT + 0x40000, 2, PROT_READ, 0, NULL);
	put(s, AT + 0x50000, 1, RW, REGION_SHARED, zeroes)->offset = 1;
	put(s, AT + 0x60000, 2, RW, 0, NULL);
	/* one page of a backing at two addresses is one word */
	EXPECT(user_word_name(s, AT + PAGE_SIZE + 8, true, &a));
	EXPECT(user_word_name(s, AT + 0x50008, false, &b));
	EXPECT(a.backing == zeroes && b.backing == zeroes && a.offset == b.offset);
	EXPECT(a.offset == PAGE_SIZE + 8);
	backing_drop(a.backing);
	backing_drop(b.backing);
	/* a file that may only be read: as long as it is not to be written */
	EXPECT(!user_word_name(s, AT + 0x10000, true, &a));
	EXPECT(user_word_name(s, AT + 0x10004, false, &a) && a.backing == file && a.offset == 4);
	backing_drop(a.backing);
	EXPECT(user_word_name(s, AT + 0x20004, false, &a) && a.backing == file && a.offset == 4);
	backing_drop(a.backing);
	/* what has, or could have, a page of its own is the space's */
	EXPECT(user_word_name(s, AT + 0x30004, false, &a) && a.backing == NULL);
	EXPECT(a.offset == AT + 0x30004);
	EXPECT(user_word_name(s, AT + 0x60000, true, &a) && a.backing == NULL);
	EXPECT(!user_word_name(s, AT + 0x40000, false, &a));
	EXPECT(!user_word_name(s, AT + 0x70000, false, &a));
	EXPECT(!user_word_name(s, USER_END, false, &a));
	backing_drop(file);
	backing_drop(zeroes);
	shut();
}

int main(void)
{
	reads_what_is_there();
	changes_what_it_was();
	breaks_no_copy_on_write();
	rights_count();
	has_a_name();
	return 0;
}
