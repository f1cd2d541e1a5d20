/*
 * text_test.c -- the text twin is exact, for every subject there is.
 *
 * For thousands of bodies, random bytes as well as generated and mutated scripts:
 * assemble(disassemble(b)) == canonical(b), and the canonical body runs to the same digest, oracle
 * and operation as b.  Then what the assembler says to people who mistype.
 *
 * The canary's scripts are translated but not run: some of its operations end the process.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/harness.h"
#include "fuzz/frame/mutate.h"
#include "fuzz/frame/text.h"
#include "machine/host/expect.h"
#include "machine/random.h"

enum { BODIES = 800, RUN_EVERY = 4, TEXT_ROOM = 1 << 20 };

static uint8_t body[SCRIPT_BODY_MAX], canonical[SCRIPT_BODY_MAX], assembled[SCRIPT_BODY_MAX];
static char text[TEXT_ROOM];
static size_t text_bytes;

static void keep(void *context, const char *piece, size_t bytes)
{
	(void)context;
	EXPECT(bytes <= TEXT_ROOM - text_bytes);
	memcpy(text + text_bytes, piece, bytes);
	text_bytes += bytes;
}

static const struct text_out to_text = { keep, NULL };

/* Random bytes, some with a plausible head, or a generated script, some of them mutated. */
static size_t make_body(const struct subject *subject, struct random *r)
{
	if (random_one_in(r, 2)) {
		size_t bytes = script_generate(subject, random_u64(r), 60, body, 2000);
		if (random_one_in(r, 2))
			bytes = script_mutate(subject, random_u64(r), body, bytes, 2000);
		return bytes;
	}
	const size_t bytes = random_below(r, 600);
	for (size_t i = 0; i < bytes; i++) body[i] = (uint8_t)random_u64(r);
	if (bytes > 18 && random_one_in(r, 2)) body[17] = 0;
	for (size_t at = 18; at < bytes && subject->op_count != 0; at += 8)
		if (!random_one_in(r, 8)) body[at] = (uint8_t)random_below(r, subject->op_count);
	return bytes;
}

static void check_text(const struct subject *subject, const struct script *s, size_t length)
{
	struct text_script back = { .body = assembled };
	struct text_fault fault;
	const bool numbered = length % 2;
	text_bytes = 0;
	text_write(s, subject, numbered ? ORACLE_LEAK : NULL, numbered ? TEXT_NUMBERED : TEXT_PLAIN,
		   &to_text);
	EXPECT(text_is(text, text_bytes));
	if (!text_read(text, text_bytes, &back, &fault)) {
		fprintf(stderr, "line %u: %s\n%.*s", fault.line, fault.said, (int)text_bytes, text);
		exit(1);
	}
	EXPECT(back.subject == subject);
	EXPECT((back.expects != NULL) == numbered);
	EXPECT(back.bytes == length && memcmp(back.body, canonical, length) == 0);
}

static void check_run(const struct subject *subject, size_t bytes, size_t length)
{
	harness_run(subject, body, bytes, false);
	const struct run first = harness->run;
	harness_run(subject, canonical, length, false);
	EXPECT(first.digest == harness->run.digest);
	EXPECT(first.oracle == harness->run.oracle);
	EXPECT(first.op == harness->run.op && first.phase == harness->run.phase);
}

static void test_subject(const struct subject *subject, unsigned bodies)
{
	struct random random = { 2026 };
	const char *fault = subject_fault(subject);
	if (fault != NULL) {
		fprintf(stderr, "%s: %s\n", subject->name, fault);
		exit(1);
	}
	for (unsigned n = 0; n < bodies; n++) {
		struct script s;
		const size_t bytes = make_body(subject, &random);
		script_open(&s, body, bytes);
		const size_t length = script_canonical(&s, subject, canonical, sizeof(canonical));
		EXPECT(length != 0);
		check_text(subject, &s, length);
		if (n % RUN_EVERY == 0 && strcmp(subject->name, "canary") != 0)
			check_run(subject, bytes, length);
	}
}

/* --- every field of a world ------------------------------------------------------------------- */

static void test_world_fields(void)
{
	for (unsigned at = 0; at < SCRIPT_WORLD_BYTES; at++) {
		for (unsigned value = 0; value < 256; value++) {
			struct script s;
			memset(body, 0, 18);
			body[at] = (uint8_t)value;
			script_open(&s, body, 18);
			EXPECT(script_canonical(&s, subjects[0], canonical, 18) == 18);
			check_text(subjects[0], &s, 18);
		}
	}
}

/* --- what people mistype ---------------------------------------------------------------------- */

static const struct mistake {
	const char *text;
	unsigned line;
	const char *said; /* part of it */
} mistakes[] = {
	{ "", 0, "subject" },
	{ "# only a comment\n", 1, "subject" },
	{ "take 1\n", 1, "subject" },
	{ "subject nobody\n", 1, "nobody" },
	{ "subject canary\nsubject canary\n", 2, "second" },
	{ "subject canary more\n", 1, "too much" },
	{ "subject canary\nworld cpus=9\n", 2, "1 to 8" },
	{ "subject canary\nworld redzone=12\n", 2, "multiple of 8" },
	{ "subject canary\nworld colour=red\n", 2, "colour" },
	{ "subject canary\nworld walk=never\n", 2, "always" },
	{ "subject canary\nworld cpus\n", 2, "name=value" },
	{ "subject canary\n\n# c\ntaek 1\n", 4, "taek" },
	{ "subject canary\ntake 64\n", 2, "0 to 63" },
	{ "subject canary\ntake -1\n", 2, "0 to 63" },
	{ "subject canary\ntake 1 2\n", 2, "second" },
	{ "subject canary\ntake 1 flags=one\n", 2, "zero" },
	{ "subject canary\ntake 1 flags=zero+\n", 2, "zero" },
	{ "subject canary\ntake 1 flags=zero flags=zero\n", 2, "second" },
	{ "subject canary\ngive 1 size=3\n", 2, "size=3" },
	{ "subject canary\ntake 1 @1\n", 2, "@0" },
	{ "subject canary\nworld cpus=2\ntake 1 @2\n", 3, "@1" },
	{ "subject canary\ntake 1\nworld cpus=2\n", 3, "before" },
	{ "subject canary\nnop 1\n", 2, "nothing" },
	{ "subject canary\n!expect surprise\n", 2, "surprise" },
	{ "subject canary\n!expect leak\n!expect leak\n", 3, "second" },
	{ "subject canary\ndata 00\n", 2, "no data" },
};

static void test_mistakes(void)
{
	for (unsigned i = 0; i < COUNT_OF(mistakes); i++) {
		const struct mistake *m = &mistakes[i];
		struct text_script script = { .body = assembled };
		struct text_fault fault = { 0 };
		const bool read = text_read(m->text, strlen(m->text), &script, &fault);
		if (!read && fault.line == m->line && strstr(fault.said, m->said) != NULL) continue;
		fprintf(stderr, "%s-> %s, line %u: %s\n", m->text, read ? "accepted" : "refused",
			fault.line, fault.said);
		exit(1);
	}
}

/* What may be written in more than one way. */
static void test_freedom(void)
{
	static const char one[] = "subject canary\nworld cpus=2\ntake 5 flags=zero @1\n";
	static const char other[] = "#\r\n\t subject\tcanary # c\r\nworld\nworld cpus=0x2 tag=0\n\n"
				    "take @1 flags=zero slot=0x5#x";
	struct text_script a = { .body = assembled }, b = { .body = canonical };
	struct text_fault fault;
	EXPECT(text_read(one, sizeof(one) - 1, &a, &fault));
	EXPECT(text_read(other, sizeof(other) - 1, &b, &fault));
	EXPECT(a.bytes == b.bytes && memcmp(a.body, b.body, a.bytes) == 0);
	EXPECT(!text_is("subjective", 10) && !text_is("", 0) && !text_is("#", 1));
}

/* text_test [BODIES], of each subject */
int main(int argc, char **argv)
{
	const unsigned bodies = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : BODIES;
	harness_open();
	for (unsigned i = 0; subjects[i] != NULL; i++) test_subject(subjects[i], bodies);
	test_world_fields();
	test_mistakes();
	test_freedom();
	return 0;
}
