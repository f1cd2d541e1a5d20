/*
 * format_test.c -- format_text against answers written by hand.
 *
 * Each row is a format, what must come out, and the length that must be returned; the buffer is
 * longer than the room given, and what lies behind the room must stay as it was.
 */
#include "machine/format.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "machine/machine.h"

enum { GUARD = 0x5A, BUFFER_BYTES = 128 };

static char buffer[BUFFER_BYTES];

static void expect(size_t room, size_t length, const char *wanted)
{
	if (length != strlen(wanted) || (room > 0 && strcmp(buffer, wanted) != 0))
		kpanic("format", "wanted \"%s\" (%zu), got \"%s\" (%zu)", wanted, strlen(wanted),
		       buffer, length);
	for (size_t i = room; i < BUFFER_BYTES; i++) ASSERT(buffer[i] == GUARD);
	memset(buffer, GUARD, sizeof(buffer));
}

#define EXPECT_IN(room, wanted, ...) expect(room, format_text(buffer, room, __VA_ARGS__), wanted)
#define EXPECT(wanted, ...) EXPECT_IN(BUFFER_BYTES, wanted, __VA_ARGS__)

static void test_numbers(void)
{
	EXPECT("0 -1 42", "%d %d %d", 0, -1, 42);
	EXPECT("-2147483648", "%d", INT_MIN);
	EXPECT("-9223372036854775808", "%ld", LONG_MIN);
	EXPECT("18446744073709551615", "%lu", ULONG_MAX);
	EXPECT("18446744073709551615", "%llu", ULLONG_MAX);
	EXPECT("ffffffffffffffff", "%llx", ULLONG_MAX);
	EXPECT("4294967295 7", "%u %zu", UINT_MAX, (size_t)7);
	EXPECT("deadbeef", "%x", 0xdeadbeefu);
}

static void test_widths(void)
{
	EXPECT("[   42]", "[%5d]", 42);
	EXPECT("[42   ]", "[%-5d]", 42);
	EXPECT("[00042]", "[%05d]", 42);
	EXPECT("[-0042]", "[%05d]", -42);
	EXPECT("[  -42]", "[%5d]", -42);
	EXPECT("[12345]", "[%2d]", 12345);
	EXPECT("[000000000000002a]", "[%016lx]", 42l);
	EXPECT("[  ab]", "[%4s]", "ab");
	EXPECT("[ab  ]", "[%-4s]", "ab");
	EXPECT("[  x]", "[%3c]", 'x');
}

static void test_text(void)
{
	const char no_end[3] = { 'a', 'b', 'c' };
	EXPECT("plain", "plain");
	EXPECT("100%", "100%%");
	EXPECT("abc", "%.*s", 3, no_end);
	EXPECT("ab", "%.*s", 2, no_end);
	EXPECT("", "%.*s", 0, no_end);
	EXPECT("(null)", "%s", (const char *)NULL);
	EXPECT("0x1f", "%p", (void *)0x1f);
	EXPECT("0x0000001f", "%10p", (void *)0x1f);
}

/* What is not known is copied and takes no argument: the %d after it gets the first. */
static void test_unknown(void)
{
	const char *unknown = "%q %d %";
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
#pragma clang diagnostic ignored "-Wformat-security"
	EXPECT("%q 5 %", unknown, 5);
#pragma clang diagnostic pop
}

static void test_same(void)
{
	ASSERT(same_text("", "") && same_text("ab", "ab"));
	ASSERT(!same_text("ab", "ac") && !same_text("ab", "a") && !same_text("", "a"));
}

static void test_room(void)
{
	EXPECT_IN(0, "", "%s", "never written");
	EXPECT_IN(1, "", "%s", "cut");
	EXPECT_IN(4, "cut", "%s", "cut off");
	EXPECT_IN(8, "       ", "%1000000d", 1);
	EXPECT_IN(8, "1      ", "%-1000000d", 1);
	EXPECT_IN(6, "ab123", "ab%d", 12345);
}

/* Every flag, width and length of a number, against the C library's answer. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
#define LIKE_LIBC(type, length, kinds, ...)                                                      \
	do {                                                                                     \
		const type values[] = { __VA_ARGS__ };                                           \
		for (const char *kind = kinds; *kind != '\0'; kind++)                            \
			for (size_t v = 0; v < COUNT_OF(values); v++)                            \
				for (size_t f = 0; f < COUNT_OF(flags); f++) {                   \
					char format[16], wanted[BUFFER_BYTES];                   \
					snprintf(format, sizeof(format), "<%%%s%s%c>", flags[f], \
						 length, *kind);                                 \
					snprintf(wanted, sizeof(wanted), format, values[v]);     \
					EXPECT(wanted, format, values[v]);                       \
				}                                                                \
	} while (0)

static void test_like_libc(void)
{
	static const char *const flags[] = { "", "1", "7", "25", "07", "025", "-7", "-25" };
	LIKE_LIBC(int, "", "dxu", 0, 1, -1, 9, 10, 16, INT_MAX, INT_MIN);
	LIKE_LIBC(int, "", "c", 'a', '%', ' ');
	LIKE_LIBC(long, "l", "dxu", 0, 1, -1, 1l << 40, LONG_MAX, LONG_MIN);
	LIKE_LIBC(long long, "ll", "dxu", 0, 1, -1, 1ll << 40, LLONG_MAX, LLONG_MIN);
	LIKE_LIBC(size_t, "z", "ux", 0, 1, SIZE_MAX);
	LIKE_LIBC(char *, "", "s", "", "a", "seven b", "much longer than any width there is here");
}
#pragma clang diagnostic pop

int main(void)
{
	memset(buffer, GUARD, sizeof(buffer));
	test_numbers();
	test_widths();
	test_text();
	test_unknown();
	test_same();
	test_room();
	test_like_libc();
	return 0;
}
